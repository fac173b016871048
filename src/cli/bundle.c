/* A folder of redacted files, packed by tar.  See bundle.h. */
#include "cli/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/contexts.h"
#include "cli/redact.h"

#define FOLDER "mw-support"
#define ASK_NS (20 * MW_NS_PER_S)

struct bundle {
    const struct doctor *doctor;
    char home[64];   /* a temporary folder; FOLDER lies in it */
    char folder[96];
    struct bundle_result *result;
    struct mw_error *err;
    int rc;
};

/* ---- files ---------------------------------------------------------------------------------- */

static int io_fail(struct mw_error *err, const char *path)
{
    int code = errno == ENOSPC                     ? MW_ENOSPC
               : errno == EACCES || errno == EPERM ? MW_EDENIED
               : errno == EEXIST                   ? MW_EEXIST
               : errno == ENOENT                   ? MW_ENOTFOUND
                                                   : MW_EIO;
    return mw_fail(err, code, "%s: %s", path, strerror(errno));
}

/* Writes what is left of the text after its secrets are out. */
static void put(struct bundle *b, const char *name, const char *s, size_t size)
{
    char path[256];
    struct text clean = { 0 };
    if (b->rc < 0)
        return;
    (void)snprintf(path, sizeof(path), "%s/%s", b->folder, name);
    b->result->redacted += redact(&clean, s, size);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = f != NULL && !clean.failed &&
                fwrite(text_string(&clean), 1, clean.length, f) == clean.length;
    good = f != NULL && fclose(f) == 0 && good;
    if (good)
        b->result->files++;
    else
        b->rc = io_fail(b->err, path);
    text_fini(&clean);
}

static void put_text(struct bundle *b, const char *name, struct text *t)
{
    put(b, name, text_string(t), t->length);
    text_fini(t);
}

/* ---- what is asked -------------------------------------------------------------------------- */

static void leave_out(struct bundle *b, const char *name, const char *why)
{
    struct text *t = &b->result->left_out;
    text_addf(t, "%s%s (%s)", t->length > 0 ? ", " : "", name, why);
}

/* JSON is indented, so that people can read it. */
static void put_answer(struct bundle *b, const char *name, struct text *answer)
{
    json_t *o = json_loadb(text_string(answer), answer->length, 0, NULL);
    char *dump = o != NULL ? json_dumps(o, JSON_INDENT(1)) : NULL;
    if (dump != NULL)
        put(b, name, dump, strlen(dump));
    else
        put(b, name, text_string(answer), answer->length);
    free(dump);
    json_decref(o);
}

static void put_asked(struct bundle *b)
{
    static const struct {
        const char *file, *path;
    } asked[] = {
        { "version.json", "/version" },
        { "health.json", "/healthz" },
        { "status.json", "/api/v1/status" },
        { "summary.json", "/api/v1/summary" },
        { "metrics.txt", "/metrics" },
        { "incidents.json", "/api/v1/incidents?all=1" },
        { "orders.json", "/api/v1/orders" },
        { "budget.json", "/api/v1/budget" },
        { "replay.json", "/api/v1/replay" },
        { "events.json", "/api/v1/events?limit=" BUNDLE_EVENTS },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(asked) && b->rc == 0; i++) {
        struct text answer = { 0 };
        struct mw_error why = { 0 };
        const struct daemon_call c = { .path = asked[i].path, .timeout_ns = ASK_NS };
        if (b->doctor->daemon == NULL || b->doctor->status == NULL)
            leave_out(b, asked[i].file, "no daemon answers");
        else if (daemon_fetch(b->doctor->daemon, &c, &answer, &why) < 0)
            leave_out(b, asked[i].file, why.text);
        else
            put_answer(b, asked[i].file, &answer);
        text_fini(&answer);
    }
}

/* ---- what is here --------------------------------------------------------------------------- */

static void put_doctor(struct bundle *b)
{
    struct text t = { 0 };
    for (uint32_t i = 0; i < b->doctor->findings; i++) {
        const struct doctor_finding *f = &b->doctor->finding[i];
        text_addf(&t, "%-4s  %-9s  %s%s%s\n", doctor_state_name(f->state), f->check, f->what,
                  f->remedy[0] ? "; " : "", f->remedy);
    }
    put_text(b, "doctor.txt", &t);
}

static void put_config(struct bundle *b)
{
    struct contexts c = { 0 };
    char *dump = NULL;
    if (contexts_read(&c, NULL) == 0)
        dump = json_dumps(c.file, JSON_INDENT(2));
    if (dump != NULL)
        put(b, "contexts.json", dump, strlen(dump));
    free(dump);
    contexts_fini(&c);
}

static void put_machine(struct bundle *b)
{
    static const char *const variable[] = { "TERM", "LANG", "LC_ALL", "NO_COLOR", "MW_CONTEXT",
                                            "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
                                            "XDG_STATE_HOME", "SLURM_CONF" };
    struct text t = { 0 };
    struct utsname u;
    char *release = NULL;
    size_t size = 0;
    text_addf(&t, "mw %s\n", MW_VERSION);
    if (uname(&u) == 0)
        text_addf(&t, "%s %s %s\n", u.sysname, u.release, u.machine);
    if (mw_read_file("/etc/os-release", 65536, false, &release, &size, NULL) == 0)
        text_add(&t, release);
    mw_free(release);
    text_addf(&t, "user %u, %ld processors\n", (unsigned)geteuid(),
              sysconf(_SC_NPROCESSORS_ONLN));
    for (size_t i = 0; i < MW_ARRAY_LEN(variable); i++)
        if (getenv(variable[i]) != NULL)
            text_addf(&t, "%s=%s\n", variable[i], getenv(variable[i]));
    put_text(b, "machine.txt", &t);
}

/* ---- packing -------------------------------------------------------------------------------- */

/* Runs a program to its end; its exit code, or -1. */
static int run_program(const char *const *argv)
{
    pid_t pid;
    int status = 0;
    extern char **environ;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ) != 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int pack(const struct bundle *b, const char *file, bool force, struct mw_error *err)
{
    char option[LIVE_PATH_MAX + 8];
    const char *const argv[] = { "tar", "--create", "--gzip", "--force-local", "--owner=0",
                                 "--group=0", "--numeric-owner", option, "-C", b->home, FOLDER,
                                 NULL };
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0600);
    if (fd < 0 && errno == EEXIST)
        return mw_fail(err, MW_EEXIST, "%s exists already; --force writes over it", file);
    if (fd < 0)
        return io_fail(err, file);
    (void)close(fd);
    (void)snprintf(option, sizeof(option), "--file=%s", file);
    int code = run_program(argv);
    if (code == 0)
        return 0;
    (void)unlink(file);
    return code == 127 || code < 0
               ? mw_fail(err, MW_ENOTFOUND, "there is no program tar: install it")
               : mw_fail(err, MW_EIO, "tar could not write %s", file);
}

int bundle_make(const struct doctor *d, const char *file, bool force, struct bundle_result *ret,
                struct mw_error *err)
{
    must(d != NULL && file != NULL && ret != NULL);
    *ret = (struct bundle_result){ 0 };
    struct bundle b = { .doctor = d, .home = "/tmp/mw-support-XXXXXX", .result = ret,
                        .err = err };
    if (mkdtemp(b.home) == NULL)
        return io_fail(err, b.home);
    (void)snprintf(b.folder, sizeof(b.folder), "%s/" FOLDER, b.home);
    if (mkdir(b.folder, 0700) != 0)
        b.rc = io_fail(err, b.folder);
    if (b.rc == 0) {
        put_doctor(&b);
        put_config(&b);
        put_machine(&b);
        put_asked(&b);
    }
    if (b.rc == 0)
        b.rc = pack(&b, file, force, err);
    const char *const argv[] = { "rm", "-rf", b.home, NULL };
    if (run_program(argv) != 0 && b.rc == 0)
        b.rc = mw_fail(err, MW_EIO, "cannot remove %s", b.home);
    return b.rc;
}

void bundle_result_fini(struct bundle_result *r)
{
    text_fini(&r->left_out);
}

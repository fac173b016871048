/* What mw doctor looks at on this machine, whether a daemon answers or not. */
#include "cli/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/contexts.h"

#define DISK_FAIL_BYTES (UINT64_C(256) << 20) /* chosen: minutes of a busy record */
#define DISK_WARN_BYTES (UINT64_C(4) << 30)   /* chosen: days of one */

/* ---- contexts and tokens -------------------------------------------------------------------- */

static void check_entry(struct doctor *d, const struct context_entry *e)
{
    char token[CONTEXTS_TOKEN_MAX];
    struct mw_error err = { 0 };
    if (e->token_file != NULL && contexts_token(e->token_file, token, &err) < 0)
        doctor_add(d, "token", DOCTOR_FAIL, "mend the file, or mw context add it again",
                   "context %s: %s", e->name, err.text);
    else if (e->token_file != NULL)
        doctor_add(d, "token", DOCTOR_OK, "", "context %s: %s is yours alone", e->name,
                   e->token_file);
    else if (e->url != NULL)
        doctor_add(d, "token", DOCTOR_WARN, "mw context add NAME --url URL --token-file FILE",
                   "context %s has no token: the daemon answers only what is public", e->name);
    explicit_bzero(token, sizeof(token));
    if (e->ca_file != NULL && access(e->ca_file, R_OK) != 0)
        doctor_add(d, "token", DOCTOR_FAIL, "put the certificates there",
                   "context %s: %s: %s", e->name, e->ca_file, strerror(errno));
}

void doctor_contexts(struct doctor *d)
{
    struct contexts c = { 0 };
    struct context_entry e;
    struct mw_error err = { 0 };
    struct stat st;
    if (contexts_read(&c, &err) < 0) {
        doctor_add(d, "contexts", DOCTOR_FAIL, "mend or remove the file", "%s", err.text);
        return;
    }
    const char *current = contexts_current(&c);
    if (stat(c.path, &st) != 0)
        doctor_add(d, "contexts", DOCTOR_OK, "", "none: commands ask the socket on this machine");
    else if ((st.st_mode & 077) != 0)
        doctor_add(d, "contexts", DOCTOR_WARN, "chmod 600 the file", "others may read %s",
                   c.path);
    else
        doctor_add(d, "contexts", DOCTOR_OK, "", "%u in %s, in use: %s", contexts_count(&c),
                   c.path, current != NULL ? current : "none");
    for (uint32_t i = 0; contexts_at(&c, i, &e); i++)
        check_entry(d, &e);
    contexts_fini(&c);
}

/* ---- socket, record, disk ------------------------------------------------------------------- */

/* Nobody listens on the socket that is there: its daemon died. */
static bool is_left_over(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(at.sun_path))
        return false;
    memcpy(at.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 &&
                   errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

/* That no daemon answers is a failure already: no socket is the same one. */
static void check_socket(struct doctor *d, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 && errno == ENOENT && d->status == NULL)
        return;
    if (stat(path, &st) != 0)
        doctor_add(d, "socket", DOCTOR_FAIL, "start mw serve, or name its socket with --socket",
                   "%s: %s", path, strerror(errno));
    else if (!S_ISSOCK(st.st_mode))
        doctor_add(d, "socket", DOCTOR_FAIL, "name the daemon's socket with --socket",
                   "%s is no socket", path);
    else if ((st.st_mode & 077) != 0)
        doctor_add(d, "socket", DOCTOR_FAIL, "chmod 600 it: whoever opens it is an admin",
                   "others may open %s (mode %03o)", path, (unsigned)st.st_mode & 0777u);
    else if (st.st_uid != geteuid() && geteuid() != 0)
        doctor_add(d, "socket", DOCTOR_FAIL, "run mw as that user, or use a context with a token",
                   "%s belongs to user %u", path, (unsigned)st.st_uid);
    else if (d->status == NULL && is_left_over(path))
        doctor_add(d, "socket", DOCTOR_WARN, "start mw serve: it takes the place of what is left",
                   "%s is left over: nobody listens on it", path);
    else
        doctor_add(d, "socket", DOCTOR_OK, "", "%s is for its owner only", path);
}

static void check_disk(struct doctor *d, const char *folder)
{
    struct statvfs v;
    if (statvfs(folder, &v) != 0) {
        doctor_add(d, "disk", DOCTOR_WARN, "run mw doctor where mw serve runs",
                   "the record's folder %s: %s", folder, strerror(errno));
        return;
    }
    uint64_t free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    enum doctor_state s = free_bytes < DISK_FAIL_BYTES   ? DOCTOR_FAIL
                          : free_bytes < DISK_WARN_BYTES ? DOCTOR_WARN
                                                         : DOCTOR_OK;
    doctor_add(d, "disk", s, s == DOCTOR_OK ? "" : "make room: a record that cannot be written "
               "stops every decision", "%.1f GiB are free for the record in %s",
               (double)free_bytes / (double)(UINT64_C(1) << 30), folder);
}

void doctor_paths(struct doctor *d)
{
    char journal[LIVE_PATH_MAX];
    struct mw_error err = { 0 };
    const json_t *told = json_object_get(d->status, "journal");
    const char *folder = json_string_value(json_object_get(told, "folder"));
    if (d->daemon != NULL && !daemon_is_url(d->daemon))
        check_socket(d, daemon_name(d->daemon));
    if (d->daemon != NULL && daemon_is_url(d->daemon))
        return; /* the record is elsewhere */
    if (folder == NULL && live_path_journal_found(journal, &err) < 0)
        doctor_add(d, "disk", DOCTOR_WARN, "set HOME or XDG_STATE_HOME", "%s", err.text);
    else if (folder != NULL || access(journal, F_OK) == 0)
        check_disk(d, folder != NULL ? folder : journal);
}

/* ---- Slurm's commands ----------------------------------------------------------------------- */

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[LIVE_PATH_MAX];
    for (const char *at = path; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, ":");
        int length = snprintf(file, sizeof(file), "%.*s/%s", (int)n, at, program);
        if (length > 0 && (size_t)length < sizeof(file) && access(file, X_OK) == 0)
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

void doctor_slurm(struct doctor *d)
{
    static const char *const program[] = { "scontrol", "squeue", "sinfo", "sacct" };
    const json_t *slurm = json_object_get(d->status, "slurm");
    const char *trouble = json_string_value(json_object_get(slurm, "trouble"));
    struct text missing = { 0 };
    for (size_t i = 0; i < MW_ARRAY_LEN(program); i++)
        if (!in_path(program[i]))
            text_addf(&missing, "%s%s", missing.length ? ", " : "", program[i]);
    if (trouble != NULL)
        doctor_add(d, "slurm", DOCTOR_FAIL, "look at slurmctld", "%s", trouble);
    else if (d->daemon != NULL && daemon_is_url(d->daemon))
        doctor_add(d, "slurm", DOCTOR_OK, "", "%s",
                   json_is_object(slurm) ? "answers the daemon" : "not watched by the daemon");
    else if (missing.length > 0)
        doctor_add(d, "slurm", json_is_object(slurm) ? DOCTOR_FAIL : DOCTOR_WARN,
                   "install slurm-client, or run mw serve --no-slurm",
                   "not in PATH: %s", text_string(&missing));
    else
        doctor_add(d, "slurm", DOCTOR_OK, "", "scontrol, squeue, sinfo and sacct are there%s",
                   json_is_object(slurm) ? ", and Slurm answers the daemon" : "");
    text_fini(&missing);
}

/* ---- ports ---------------------------------------------------------------------------------- */

static bool port_of(const char *address, struct sockaddr_in *ret)
{
    char host[64];
    const char *colon = address != NULL ? strrchr(address, ':') : NULL;
    uint64_t port = 0;
    if (colon == NULL || (size_t)(colon - address) >= sizeof(host) ||
        mw_parse_u64(colon + 1, &port) < 0 || port == 0 || port > 65535)
        return false;
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    *ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    return inet_pton(AF_INET, host, &ret->sin_addr) == 1;
}

/* 1: somebody listens; 0: nobody; -1: not to be found out. */
static int listens(const char *address)
{
    struct sockaddr_in at;
    if (!port_of(address, &at))
        return -1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int rc = connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 ? 1
             : errno == ECONNREFUSED                                    ? 0
                                                                        : -1;
    (void)close(fd);
    return rc;
}

void doctor_ports(struct doctor *d)
{
    static const char *const usual[] = { "127.0.0.1:7377", "127.0.0.1:7378" };
    const json_t *agents = json_object_get(d->status, "agents");
    const char *at = json_string_value(json_object_get(agents, "listens"));
    if (d->daemon != NULL && daemon_is_url(d->daemon))
        return;
    if (at != NULL) {
        int is = listens(at);
        doctor_add(d, "ports", is == 0 ? DOCTOR_FAIL : DOCTOR_OK,
                   is == 0 ? "restart mw serve" : "", "agents connect to %s%s", at,
                   is == 0 ? ", and nobody listens there" : "");
        return;
    }
    for (size_t i = 0; d->status == NULL && i < MW_ARRAY_LEN(usual); i++) {
        bool taken = listens(usual[i]) == 1;
        doctor_add(d, "ports", taken ? DOCTOR_WARN : DOCTOR_OK,
                   taken ? "mw serve will need another port there" : "", "%s is %s", usual[i],
                   taken ? "taken, and not by a daemon that answers here" : "free");
    }
}

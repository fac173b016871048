/*
 * Runs every example of every command page, as printed, and compares its exit
 * code: documentation that does not work fails the build.
 *
 * Usage: examples_test MW SOURCE-ROOT [FILTER].  Examples run in table order in one
 * scratch folder that holds links to all that the repository's root holds, so
 * they may read scenarios/ and data/ and write files without touching the
 * source.  Prints TAP.  MW_TEST_SLOW=1 runs the slow ones too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"

#define OUTPUT_SHOWN 2000

static int link_all(const char *root, const char *scratch)
{
    DIR *d = opendir(root);
    if (d == NULL)
        return -1;
    const struct dirent *e;
    int rc = 0;
    while ((e = readdir(d)) != NULL && rc == 0) {
        char from[PATH_MAX], to[PATH_MAX];
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(from, sizeof from, "%s/%s", root, e->d_name);
        (void)snprintf(to, sizeof to, "%s/%s", scratch, e->d_name);
        rc = symlink(from, to);
    }
    (void)closedir(d);
    return rc;
}

/* The exit code of a line run by bash with all output in the file `log`. */
static int run_line(const char *line, const char *log)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int null = open("/dev/null", O_RDONLY);
        if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
            _exit(99);
        (void)signal(SIGINT, SIG_DFL);
        (void)execlp("bash", "bash", "-o", "pipefail", "-c", line, (char *)NULL);
        _exit(99);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The end of what a failed example printed, as TAP comments. */
static void show_log(const char *log)
{
    char buf[OUTPUT_SHOWN + 1];
    FILE *f = fopen(log, "r");
    if (f == NULL)
        return;
    if (fseek(f, -OUTPUT_SHOWN, SEEK_END) != 0)
        rewind(f);
    size_t n = fread(buf, 1, OUTPUT_SHOWN, f);
    buf[n] = '\0';
    (void)fclose(f);
    for (char *p = buf; *p != '\0';) {
        size_t length = strcspn(p, "\n");
        printf("#   %.*s\n", (int)length, p);
        p += length + (p[length] == '\n');
    }
}

static bool run_example(const struct command_example *e, unsigned nth, const char *log)
{
    const char *all = getenv("MW_TEST_SLOW");
    if (e->slow && (all == NULL || strcmp(all, "1") != 0)) {
        printf("ok %u # SKIP slow: %s\n", nth, e->line);
        return true;
    }
    int code = run_line(e->line, log);
    bool ok = code == e->exit_code;
    /* '#' would begin a directive in TAP */
    printf("%s %u - ", ok ? "ok" : "not ok", nth);
    for (const char *p = e->line; *p != '\0'; p++)
        (void)putchar(*p == '#' ? '+' : *p);
    printf("\n");
    if (!ok) {
        printf("# exit code %d instead of %d; printed:\n", code, e->exit_code);
        show_log(log);
    }
    return ok;
}

static unsigned run_all(const char *log, const char *filter, unsigned *ret_failed)
{
    unsigned n = 0;
    *ret_failed = 0;
    for (const struct command_group *const *g = mw_commands.groups; *g != NULL; g++)
        for (const struct command *c = (*g)->commands; c->run != NULL; c++)
            for (const struct command_example *e = c->examples; e != NULL && e->line != NULL; e++) {
                /* Files that later examples need come from `mw site new`: always run. */
                if (filter != NULL && strstr(e->line, filter) == NULL &&
                    strstr(e->line, "mw site new") == NULL)
                    continue;
                *ret_failed += !run_example(e, ++n, log);
            }
    printf("1..%u\n", n);
    return n;
}

int main(int argc, char **argv)
{
    char scratch[] = "/tmp/mw-examples-XXXXXX", path[PATH_MAX * 2], log[64], remove[128];
    unsigned failed = 0;
    if (argc < 3 || mkdtemp(scratch) == NULL || link_all(argv[2], scratch) != 0 ||
        chdir(scratch) != 0) {
        (void)fprintf(stderr, "usage: %s MW SOURCE-ROOT [FILTER]\n", argv[0]);
        return 2;
    }
    /* Examples call "mw": the folder of the one under test goes first. */
    const char *slash = strrchr(argv[1], '/');
    const char *old = getenv("PATH");
    (void)snprintf(path, sizeof path, "%.*s:%s", slash ? (int)(slash - argv[1]) : 1,
                   slash ? argv[1] : ".", old != NULL ? old : "/usr/bin:/bin");
    (void)snprintf(log, sizeof log, "%s.log", scratch);
    const char *filter = argc > 3 ? argv[3] : NULL;
    /* Nobody's own contexts are used or changed. */
    (void)unsetenv("MW_CONTEXT");
    bool alone = setenv("XDG_CONFIG_HOME", scratch, 1) == 0 && setenv("PATH", path, 1) == 0;
    unsigned n = alone ? run_all(log, filter, &failed) : 0;
    (void)snprintf(remove, sizeof remove, "rm -rf '%s' '%s'", scratch, log);
    if (chdir("/") != 0 || run_line(remove, "/dev/null") != 0)
        printf("# could not remove %s\n", scratch);
    return n == 0 || failed > 0;
}

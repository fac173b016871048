/* The folder of a test site, and what may be done to it.  See test_lab.h. */
#include "cli/test_lab.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"

#define PROC_FILE_MAX ((size_t)4 << 20)
#define STEPD "slurmstepd"
#define FILLER "filler"

extern char **environ;

/* ---- paths and files ----------------------------------------------------------------------- */

static int join(char ret[PATH_MAX], const struct test_lab *lab, const char *a, const char *b,
                struct mw_error *err)
{
    int n = snprintf(ret, PATH_MAX, "%s/%s%s", lab->dir, a, b);
    if (n < 0 || n >= PATH_MAX)
        return mw_fail(err, MW_EINVAL, "the path %.100s… is too long", lab->dir);
    return 0;
}

static int fail_errno(struct mw_error *err, const char *path)
{
    int code = errno == ENOENT ? MW_ENOTFOUND : errno == EACCES || errno == EPERM ? MW_EDENIED
             : errno == ENOSPC ? MW_ENOSPC : MW_EIO;
    return mw_fail(err, code, "%s: %s", path, strerror(errno));
}

int test_lab_open(struct test_lab *lab, const char *dir, struct mw_error *err)
{
    char real[PATH_MAX], mark[PATH_MAX];
    struct stat st;
    must(lab != NULL && dir != NULL);
    if (realpath(dir, real) == NULL)
        return fail_errno(err, dir);
    size_t length = strlen(real);
    if (length >= sizeof(lab->dir))
        return mw_fail(err, MW_EINVAL, "the path %.100s… is too long", real);
    (void)memcpy(lab->dir, real, length + 1);
    int rc = join(mark, lab, TEST_LAB_MARK, "", err);
    if (rc != 0)
        return rc;
    if (lstat(mark, &st) != 0 || !S_ISREG(st.st_mode))
        return mw_fail(err, MW_EDENIED, "%s is no test site: it has no file %s; faults are made "
                       "only where script/slurm-lab put that mark", dir, TEST_LAB_MARK);
    if (st.st_uid != geteuid())
        return mw_fail(err, MW_EDENIED, "%s is the test site of user %u, not yours", dir,
                       (unsigned)st.st_uid);
    return 0;
}

int test_lab_check_node(const struct test_lab *lab, const char *node, struct mw_error *err)
{
    char path[PATH_MAX];
    struct stat st;
    bool plain = node[0] != '\0' && node[0] != '.';
    for (const char *p = node; *p != '\0'; p++)
        plain = plain && (isalnum((unsigned char)*p) || *p == '-' || *p == '_' || *p == '.');
    int rc = join(path, lab, "nodes/", plain ? node : "", err);
    if (rc == 0 && (!plain || stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        rc = mw_fail(err, MW_ENOTFOUND, "no node '%s' in this lab; its nodes are in %s/nodes", node,
                     lab->dir);
    return rc;
}

int test_lab_kernel_line(const struct test_lab *lab, const char *node, const char *text,
                         struct mw_error *err)
{
    char path[PATH_MAX], name[128];
    struct timespec now;
    (void)snprintf(name, sizeof(name), "nodes/%s/", node);
    int rc = join(path, lab, name, "kmsg", err);
    if (rc != 0)
        return rc;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail_errno(err, path);
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    /* level error; the time since boot serves as the record's number, which only has to grow */
    long long us = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    int n = dprintf(fd, "3,%lld,%lld,-;%s\n", us / 1000, us, text);
    if (n < 0)
        rc = fail_errno(err, path);
    (void)close(fd);
    return rc;
}

/* ---- processes ----------------------------------------------------------------------------- */

/* A file of /proc/PID, ended by '\0'; NULL when the process is gone or not ours to read. mw_free */
static char *proc_file(pid_t pid, const char *name, size_t *ret_size)
{
    char path[64], *data = NULL;
    (void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
    return mw_read_file(path, PROC_FILE_MAX, false, &data, ret_size, NULL) == 0 ? data : NULL;
}

/* The value of a variable in the environment a process was started with; NULL = not set. */
static const char *variable(const char *environment, size_t size, const char *name)
{
    size_t length = strlen(name);
    for (size_t at = 0; at < size; at += strlen(environment + at) + 1)
        if (strncmp(environment + at, name, length) == 0 && environment[at + length] == '=')
            return environment + at + length + 1;
    return NULL;
}

static bool variable_is(const char *environment, size_t size, const char *name, const char *value)
{
    const char *v = variable(environment, size, name);
    return v != NULL && strcmp(v, value) == 0;
}

static bool names_the_lab(const struct test_lab *lab, pid_t pid)
{
    char inside[TEST_LAB_PATH_MAX + 1];
    size_t size = 0;
    char *line mw_cleanup(mw_freep) = proc_file(pid, "cmdline", &size);
    (void)snprintf(inside, sizeof(inside), "%s/", lab->dir);
    return line != NULL && memmem(line, size, inside, strlen(inside)) != NULL;
}

/* Whether the number is that of a slurmstepd of this cluster. */
static bool is_stepd(const struct test_lab *lab, pid_t pid)
{
    char conf[PATH_MAX];
    size_t size = 0;
    char *name mw_cleanup(mw_freep) = proc_file(pid, "comm", &size);
    if (name == NULL || strncmp(name, STEPD, strlen(STEPD)) != 0)
        return false;
    char *environment mw_cleanup(mw_freep) = proc_file(pid, "environ", &size);
    return environment != NULL && join(conf, lab, "slurm.conf", "", NULL) == 0 &&
           variable_is(environment, size, "SLURM_CONF", conf);
}

/* 0 when it is gone. */
static pid_t parent_of(pid_t pid)
{
    size_t size = 0;
    long parent = 0;
    char state, *stat mw_cleanup(mw_freep) = proc_file(pid, "stat", &size);
    const char *end = stat != NULL ? strrchr(stat, ')') : NULL; /* a name may hold anything */
    if (end == NULL || sscanf(end, ") %c %ld", &state, &parent) != 2 || state == 'Z')
        return 0;
    return (pid_t)parent;
}

int test_lab_kill(const struct test_lab *lab, const char *name, pid_t *ret, struct mw_error *err)
{
    char path[PATH_MAX], *text mw_cleanup(mw_freep) = NULL;
    uint64_t number = 0;
    size_t size = 0;
    int rc = join(path, lab, "pids/", name, err);
    if (rc == 0)
        rc = mw_read_file(path, 64, false, &text, &size, err);
    if (rc == MW_ENOTFOUND)
        return mw_fail(err, MW_ENOTFOUND, "the lab records no process %s (there is no %s)", name,
                       path);
    if (rc != 0)
        return rc;
    text[strcspn(text, "\n")] = '\0';
    if (mw_parse_u64(text, &number) != 0 || number < 2 || number > INT_MAX)
        return mw_fail(err, MW_ECORRUPT, "%s: not the number of a process", path);
    /* The handle first: what it names cannot become another program between look and kill. */
    int fd = pidfd_open((pid_t)number, 0);
    if (fd < 0 || parent_of((pid_t)number) == 0)
        rc = mw_fail(err, MW_ENOTFOUND, "%s (process %s) has ended already", name, text);
    else if (!names_the_lab(lab, (pid_t)number))
        rc = mw_fail(err, MW_EDENIED, "process %s is not the lab's %s: its command line does not "
                     "name %s; not touched", text, name, lab->dir);
    else if (pidfd_send_signal(fd, SIGKILL, NULL, 0) != 0)
        rc = fail_errno(err, name);
    else
        *ret = (pid_t)number;
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* How sure we are that a process is a rank of a job of this cluster: 0 = it is not, 1 = its batch
 * script, 2 = a task of a step. */
static int rank_score(const struct test_lab *lab, pid_t pid, const char *job, const char *rank)
{
    size_t size = 0;
    char *environment mw_cleanup(mw_freep) = proc_file(pid, "environ", &size);
    if (environment == NULL || !variable_is(environment, size, "SLURM_JOB_ID", job) ||
        !variable_is(environment, size, "SLURM_PROCID", rank) || !is_stepd(lab, parent_of(pid)))
        return 0;
    return variable(environment, size, "SLURM_STEP_ID") != NULL ? 2 : 1;
}

/* The process with the best score, the last started of equals; 0 = none. */
static pid_t find_rank(const struct test_lab *lab, const char *job, const char *rank)
{
    DIR *d = opendir("/proc");
    const struct dirent *e;
    pid_t best = 0;
    int best_score = 0;
    while (d != NULL && (e = readdir(d)) != NULL) {
        uint64_t pid;
        if (mw_parse_u64(e->d_name, &pid) != 0 || pid > INT_MAX)
            continue;
        int score = rank_score(lab, (pid_t)pid, job, rank);
        if (score > 0 && score >= best_score) {
            best = (pid_t)pid;
            best_score = score;
        }
    }
    if (d != NULL)
        (void)closedir(d);
    return best;
}

int test_lab_kill_rank(const struct test_lab *lab, uint64_t job, uint64_t rank, pid_t *ret,
                       struct mw_error *err)
{
    char job_text[24], rank_text[24];
    must(ret != NULL);
    (void)snprintf(job_text, sizeof(job_text), "%llu", (unsigned long long)job);
    (void)snprintf(rank_text, sizeof(rank_text), "%llu", (unsigned long long)rank);
    pid_t pid = find_rank(lab, job_text, rank_text);
    int fd = pid > 0 ? pidfd_open(pid, 0) : -1;
    int rc = 0;
    if (fd < 0 || rank_score(lab, pid, job_text, rank_text) == 0)
        rc = mw_fail(err, MW_ENOTFOUND, "no process of job %s, rank %s, runs in this lab; see "
                     "squeue", job_text, rank_text);
    else if (pidfd_send_signal(fd, SIGKILL, NULL, 0) != 0)
        rc = fail_errno(err, "kill");
    else
        *ret = pid;
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

int test_lab_ctl(const struct test_lab *lab, const char *verb, const char *node,
                 struct mw_error *err)
{
    char path[PATH_MAX], verb_copy[32], node_copy[128];
    int status = 0;
    pid_t pid;
    int rc = join(path, lab, "ctl", "", err);
    if (rc != 0)
        return rc;
    (void)snprintf(verb_copy, sizeof(verb_copy), "%s", verb);
    (void)snprintf(node_copy, sizeof(node_copy), "%s", node != NULL ? node : "");
    char *argv[] = { path, verb_copy, node != NULL ? node_copy : NULL, NULL };
    errno = posix_spawn(&pid, path, NULL, NULL, argv, environ);
    if (errno != 0)
        return fail_errno(err, path);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return fail_errno(err, path);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return mw_fail(err, MW_ECONFLICT, "%s %s %s failed; its message is above", path, verb,
                       node_copy);
    return 0;
}

/* ---- disks --------------------------------------------------------------------------------- */

/* The folder of the node's disk, when that is a small filesystem of its own. */
static int disk_of(const struct test_lab *lab, const char *node, char ret[PATH_MAX],
                   struct mw_error *err)
{
    char name[160], above[PATH_MAX];
    struct stat disk, folder;
    struct statvfs fs;
    (void)snprintf(name, sizeof(name), "nodes/%s", node);
    int rc = join(above, lab, name, "", err);
    if (rc == 0)
        rc = join(ret, lab, name, "/disk", err);
    if (rc != 0)
        return rc;
    if (stat(above, &folder) != 0 || stat(ret, &disk) != 0 || statvfs(ret, &fs) != 0)
        return fail_errno(err, ret);
    if (disk.st_dev == folder.st_dev || fs.f_blocks * fs.f_frsize > TEST_LAB_DISK_MAX)
        return mw_fail(err, MW_ECONFLICT, "node %s has no disk of its own in this lab: mounting "
                       "was not allowed when it started", node);
    return 0;
}

int test_lab_fill_disk(const struct test_lab *lab, const char *node, uint64_t *ret_bytes,
                       struct mw_error *err)
{
    static const char zeros[65536];
    char disk[PATH_MAX], path[PATH_MAX + sizeof(FILLER) + 1];
    int rc = disk_of(lab, node, disk, err);
    if (rc != 0)
        return rc;
    (void)snprintf(path, sizeof(path), "%s/" FILLER, disk);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail_errno(err, path);
    uint64_t written = 0;
    ssize_t n = 0;
    while (written < TEST_LAB_DISK_MAX && (n = write(fd, zeros, sizeof(zeros))) > 0)
        written += (uint64_t)n;
    if (n < 0 && errno != ENOSPC)
        rc = fail_errno(err, path);
    (void)close(fd);
    *ret_bytes = written;
    return rc;
}

int test_lab_free_disk(const struct test_lab *lab, const char *node, struct mw_error *err)
{
    char disk[PATH_MAX], path[PATH_MAX + sizeof(FILLER) + 1];
    int rc = disk_of(lab, node, disk, err);
    if (rc != 0)
        return rc;
    (void)snprintf(path, sizeof(path), "%s/" FILLER, disk);
    return unlink(path) == 0 || errno == ENOENT ? 0 : fail_errno(err, path);
}

/*
 * The files hold the words of a frame, so that frames' own reader reads them.
 */
#include "agent/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"

#define FILE_MAX 512
#define YOUNG_S 2 /* an exit file that is not whole yet is left for so long */

void jobs_init(struct jobs *j, const char *progress_dir, const char *exits_dir,
               const char *checks_dir)
{
    *j = (struct jobs){ .progress_dir = progress_dir, .exits_dir = exits_dir,
                        .checks_dir = checks_dir };
}

void jobs_again(struct jobs *j)
{
    memset(j->file, 0, sizeof(j->file));
}

/* The first line of a regular file, without blanks at its end; its bytes, 0 when there is none. */
static size_t read_line(int dir, const char *name, char *to, size_t size, struct stat *s)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool regular = fstat(fd, s) == 0 && S_ISREG(s->st_mode);
    ssize_t n = regular ? read(fd, to, size - 1) : -1;
    (void)close(fd);
    size_t length = 0;
    while (n > 0 && length < (size_t)n && to[length] != '\n')
        length++;
    while (length > 0 && (to[length - 1] == ' ' || to[length - 1] == '\r'))
        length--;
    to[length] = '\0';
    return length;
}

/* A frame made of `verb` and the file's first line; false when it is none. */
static bool read_frame(int dir, const char *name, const char *verb, struct agent_frame *ret,
                       struct stat *s)
{
    char line[FILE_MAX + 64];
    size_t at = (size_t)snprintf(line, sizeof(line), "%s ", verb);
    size_t length = read_line(dir, name, line + at, sizeof(line) - at, s);
    return length > 0 && agent_frame_read(line, at + length, ret, NULL) == 0;
}

/* ---- progress ------------------------------------------------------------------------------ */

/* The row of this job, a free one when it is new; NULL when there are too many. */
static struct job_file *row_of(struct jobs *j, uint64_t job)
{
    struct job_file *free_row = NULL;
    for (uint32_t i = 0; i < JOBS_FILES_MAX; i++) {
        if (j->file[i].job == job)
            return &j->file[i];
        if (j->file[i].job == 0 && free_row == NULL)
            free_row = &j->file[i];
    }
    return free_row;
}

static void one_progress(struct jobs *j, int64_t now_ms, int dir, const char *name,
                         struct uplink *u)
{
    struct agent_frame f;
    struct stat s;
    uint64_t job;
    char verb[48];
    if (mw_parse_u64(name, &job) < 0 || job == 0)
        return; /* temporary names and the like */
    struct job_file *row = row_of(j, job);
    if (row == NULL || fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    bool same = row->job == job && row->ino == s.st_ino &&
                row->changed.tv_sec == s.st_mtim.tv_sec &&
                row->changed.tv_nsec == s.st_mtim.tv_nsec;
    if (!same) {
        (void)snprintf(verb, sizeof(verb), "progress job=%llu", (unsigned long long)job);
        *row = (struct job_file){ .job = job, .ino = s.st_ino, .changed = s.st_mtim };
        if (read_frame(dir, name, verb, &f, &s))
            uplink_level(u, now_ms, &f);
        else
            j->refused++; /* half written, perhaps: read again when it changes */
    }
    row->look = j->look;
}

static void read_progress(struct jobs *j, int64_t now_ms, struct uplink *u)
{
    DIR *d = opendir(j->progress_dir);
    const struct dirent *e;
    if (d == NULL)
        return;
    j->look++;
    for (uint32_t i = 0; i < JOBS_ENTRIES_MAX && (e = readdir(d)) != NULL; i++)
        one_progress(j, now_ms, dirfd(d), e->d_name, u);
    (void)closedir(d);
    for (uint32_t i = 0; i < JOBS_FILES_MAX; i++)
        if (j->file[i].look != j->look)
            j->file[i] = (struct job_file){ .job = 0 }; /* its file is gone */
}

/* ---- exits --------------------------------------------------------------------------------- */

static bool is_young(const struct stat *s)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec - s->st_mtim.tv_sec < YOUNG_S;
}

static void one_exit(struct jobs *j, int64_t now_ms, int dir, const char *name, struct uplink *u)
{
    struct agent_frame f;
    struct stat s;
    if (name[0] == '.' || fstatat(dir, name, &s, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(s.st_mode))
        return;
    bool good = read_frame(dir, name, "exit", &f, &s);
    if (!good && is_young(&s))
        return;
    if (unlinkat(dir, name, 0) != 0)
        return; /* sent only once it is gone, so once */
    if (good) {
        uplink_event(u, now_ms, &f);
        return;
    }
    j->refused++;
    (void)fprintf(stderr, "mw-agent: %s/%.80s: not \"job=7 rank=3 code=1 signal=0\"; removed\n",
                  j->exits_dir, name);
}

static void read_exits(struct jobs *j, int64_t now_ms, struct uplink *u)
{
    DIR *d = opendir(j->exits_dir);
    const struct dirent *e;
    if (d == NULL)
        return;
    for (uint32_t i = 0; i < JOBS_EXITS_MAX && (e = readdir(d)) != NULL; i++)
        one_exit(j, now_ms, dirfd(d), e->d_name, u);
    (void)closedir(d);
}

/* ---- checks -------------------------------------------------------------------------------- */

/* "result=failed level=2 class=gpu text=the rest of the line, as it is"; class "-" is none. */
static bool read_check(int dir, const char *name, struct agent_frame *ret, struct stat *s)
{
    char line[FILE_MAX], frame[FILE_MAX + 32];
    if (read_line(dir, name, line, sizeof(line), s) == 0)
        return false;
    char *text = strstr(line, " text=");
    if (text != NULL)
        *text = '\0';
    int n = snprintf(frame, sizeof(frame), "checked id=0 %s", line);
    if (n <= 0 || agent_frame_read(frame, (size_t)n, ret, NULL) < 0)
        return false;
    if (strcmp(ret->name, "-") == 0)
        ret->name[0] = '\0';
    if (text != NULL)
        (void)snprintf(ret->text, sizeof(ret->text), "%s", text + strlen(" text="));
    return true;
}

static void one_check(struct jobs *j, int64_t now_ms, int dir, const char *name,
                      struct uplink *u)
{
    struct agent_frame f;
    struct stat s;
    size_t n = strlen(name);
    if (name[0] == '.' || n < 7 || strcmp(name + n - 6, ".check") != 0)
        return;
    bool good = read_check(dir, name, &f, &s);
    if (unlinkat(dir, name, 0) != 0)
        return; /* sent only once it is gone, so once */
    if (good)
        uplink_event(u, now_ms, &f);
    j->refused += !good;
}

static void read_checks(struct jobs *j, int64_t now_ms, struct uplink *u)
{
    DIR *d = opendir(j->checks_dir);
    const struct dirent *e;
    if (d == NULL)
        return;
    for (uint32_t i = 0; i < JOBS_EXITS_MAX && (e = readdir(d)) != NULL; i++)
        one_check(j, now_ms, dirfd(d), e->d_name, u);
    (void)closedir(d);
}

void jobs_tick(struct jobs *j, int64_t now_ms, struct uplink *u)
{
    if (u->state != UPLINK_UP)
        return; /* the files keep */
    if (j->exits_dir != NULL) /* first: an exit explains why progress stopped */
        read_exits(j, now_ms, u);
    if (j->progress_dir != NULL)
        read_progress(j, now_ms, u);
    if (j->checks_dir != NULL)
        read_checks(j, now_ms, u);
}

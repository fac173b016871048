/*
 * Tasks that hang: in state D for longer than a minute without having computed
 * meanwhile.  Looks at a bounded number of tasks at a time and goes round, so that
 * a node with thousands costs no more: a hang is found a little later there.
 */
#include "agent/sources.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"
#include "agent/proc_text.h"

#define TASKS_A_LOOK 400  /* chosen: about 4 ms, every 10 s, so 0.04 % of a core */
#define THREADS_A_LOOK 64 /* of one process: the rest is not looked at */
#define SUSPECTS_MAX 64
#define STUCK_MS 60000

struct suspect {
    uint64_t id; /* 0 = free */
    uint64_t ticks;
    int64_t since_ms;
};

struct tasks {
    DIR *dir;
    struct suspect suspect[SUSPECTS_MAX];
};

static int tasks_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    char path[FILES_PATH_MAX];
    struct tasks *t = calloc(1, sizeof(*t));
    (void)snprintf(path, sizeof(path), "%s/proc", env->proc_root);
    if (t != NULL)
        t->dir = opendir(path);
    if (t != NULL && t->dir != NULL) {
        *ret_state = t;
        return 0;
    }
    free(t);
    return mw_fail(err, MW_EIO, "/proc cannot be listed");
}

static void tasks_close(void *state)
{
    struct tasks *t = state;
    (void)closedir(t->dir);
    free(t);
}

/* A thread's id is an entry of /proc like a process's, only not listed. */
static bool read_task(const struct source_env *env, uint64_t id, struct proc_task *ret)
{
    char text[1024];
    int fd = files_open(env->proc_root, "/proc/%llu/stat", (unsigned long long)id);
    bool good = fd >= 0 && proc_task_read(files_read(fd, text, sizeof(text)), ret);
    files_close(fd);
    return good;
}

static void suspect(struct tasks *t, const struct proc_task *task, int64_t now_ms)
{
    struct suspect *free_one = NULL;
    if (task->state != 'D')
        return;
    for (uint32_t i = 0; i < SUSPECTS_MAX; i++) {
        if (t->suspect[i].id == task->id)
            return; /* looked at by check_suspects() */
        if (t->suspect[i].id == 0)
            free_one = &t->suspect[i];
    }
    if (free_one != NULL)
        *free_one = (struct suspect){ .id = task->id, .ticks = task->ticks, .since_ms = now_ms };
}

static uint32_t look_at_threads(struct tasks *t, const struct source_env *env, uint64_t pid,
                                int64_t now_ms)
{
    char name[THREADS_A_LOOK][FILES_NAME_MAX];
    struct proc_task task;
    uint64_t id;
    uint32_t n = files_list(name, THREADS_A_LOOK, env->proc_root, "/proc/%llu/task",
                            (unsigned long long)pid);
    for (uint32_t i = 0; i < n; i++)
        if (text_u64(text_of_string(name[i]), &id) && id != pid && read_task(env, id, &task))
            suspect(t, &task, now_ms);
    return n;
}

/* Goes on where the last look stopped; at the end begins anew, once a look. */
static void look_around(struct tasks *t, const struct source_env *env, int64_t now_ms)
{
    bool again = true;
    for (uint32_t seen = 0; seen < TASKS_A_LOOK;) {
        const struct dirent *e = readdir(t->dir);
        struct proc_task task;
        uint64_t id;
        if (e == NULL) {
            rewinddir(t->dir);
            if (!again)
                return;
            again = false;
            continue;
        }
        if (!text_u64(text_of_string(e->d_name), &id) || !read_task(env, id, &task))
            continue;
        seen++;
        suspect(t, &task, now_ms);
        if (task.threads > 1)
            seen += look_at_threads(t, env, id, now_ms);
    }
}

static uint32_t check_suspects(struct tasks *t, const struct source_env *env, int64_t now_ms)
{
    uint32_t stuck = 0;
    for (uint32_t i = 0; i < SUSPECTS_MAX; i++) {
        struct suspect *s = &t->suspect[i];
        struct proc_task task;
        if (s->id == 0)
            continue;
        if (!read_task(env, s->id, &task) || task.state != 'D' || task.ticks != s->ticks)
            s->id = 0; /* it went on, or ended */
        else
            stuck += now_ms - s->since_ms >= STUCK_MS;
    }
    return stuck;
}

static int tasks_read(void *state, const struct source_env *env, int64_t now_ms,
                      struct source_out *out, struct mw_error *err)
{
    struct tasks *t = state;
    (void)err;
    uint32_t stuck = check_suspects(t, env, now_ms);
    look_around(t, env, now_ms);
    samples_put(out->samples, M_TASKS_STUCK, 0, stuck);
    return 0;
}

const struct source source_tasks = { "tasks", 10000, 5000, WHERE_WORKER_SLOW, tasks_open,
                                     tasks_read, tasks_close };

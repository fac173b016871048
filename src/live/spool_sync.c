/* One thread, one file; see the header. */
#include "live/spool_sync.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 << 10)
#define STOP_S 2

struct spool_sync {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int fd;    /* a duplicate of what is dirty; -1 */
    bool stop;
};

static struct timespec later(clockid_t clock, int64_t ms)
{
    struct timespec t = { 0 };
    (void)clock_gettime(clock, &t);
    int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
    return (struct timespec){ .tv_sec = t.tv_sec + ms / 1000 + ns / 1000000000,
                              .tv_nsec = (long)(ns % 1000000000) };
}

/* Waits until something is dirty or it is to stop; the dirty file, or -1. */
static int next(struct spool_sync *s, bool *ret_stop)
{
    (void)pthread_mutex_lock(&s->lock);
    while (s->fd < 0 && !s->stop)
        (void)pthread_cond_wait(&s->changed, &s->lock);
    int fd = s->fd;
    s->fd = -1;
    *ret_stop = s->stop;
    (void)pthread_mutex_unlock(&s->lock);
    return fd;
}

static void rest(struct spool_sync *s)
{
    const struct timespec until = later(CLOCK_MONOTONIC, SPOOL_SYNC_MS);
    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        continue;
    (void)pthread_mutex_unlock(&s->lock);
}

static void *run(void *ctx)
{
    struct spool_sync *s = ctx;
    for (bool stop = false; !stop;) {
        int fd = next(s, &stop);
        if (fd >= 0) {
            (void)!fdatasync(fd); /* a disk that fails says so at the next write */
            (void)close(fd);
        }
        if (!stop)
            rest(s);
    }
    return NULL;
}

static int begin(struct spool_sync *s)
{
    pthread_attr_t attr;
    pthread_condattr_t condition;
    sigset_t all, before;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&condition);
    (void)pthread_condattr_setclock(&condition, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->changed, &condition);
    (void)pthread_condattr_destroy(&condition);
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)sigfillset(&all); /* signals are the program's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, &attr, run, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return rc;
}

int spool_sync_start(struct spool_sync **ret, struct mw_error *err)
{
    struct spool_sync *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    s->fd = -1;
    if (begin(s) != 0) {
        free(s);
        return mw_fail(err, MW_ENOMEM, "no thread can be started");
    }
    *ret = s;
    return 0;
}

void spool_sync_dirty(struct spool_sync *s, int fd)
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->fd < 0) {
        s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        (void)pthread_cond_signal(&s->changed);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void spool_sync_forget(struct spool_sync *s)
{
    (void)pthread_mutex_lock(&s->lock);
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
    (void)pthread_mutex_unlock(&s->lock);
}

void spool_sync_stop(struct spool_sync *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    const struct timespec until = later(CLOCK_REALTIME, (int64_t)STOP_S * 1000);
    if (pthread_timedjoin_np(s->thread, NULL, &until) != 0) {
        (void)pthread_detach(s->thread); /* it still uses *s */
        return;
    }
    if (s->fd >= 0)
        (void)close(s->fd);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

/* One slot each way under one mutex.  See top_feed.h. */
#include "cli/top_feed.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"

struct top_feed {
    pthread_t thread;
    bool started;
    struct daemon *daemon; /* the thread's */
    int64_t each_ns;
    int bell;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t wished;
    /* under the lock: */
    struct top_wish wish;
    bool asked_anew, ready;
    struct top_model model; /* when ready */
};

static bool should_stop(void *ctx)
{
    const struct top_feed *f = ctx;
    return atomic_load(&f->stop);
}

/* Until another wish, the next time, or the end. */
static bool wait_for_wish(struct top_feed *f, struct top_wish *ret)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + f->each_ns;
    until.tv_sec += ns / MW_NS_PER_S;
    until.tv_nsec = ns % MW_NS_PER_S;
    (void)pthread_mutex_lock(&f->lock);
    while (!f->asked_anew && !atomic_load(&f->stop))
        if (pthread_cond_timedwait(&f->wished, &f->lock, &until) != 0)
            break;
    f->asked_anew = false;
    *ret = f->wish;
    (void)pthread_mutex_unlock(&f->lock);
    return !atomic_load(&f->stop);
}

static void give(struct top_feed *f, struct top_model *m)
{
    const uint64_t one = 1;
    (void)pthread_mutex_lock(&f->lock);
    if (f->ready)
        top_model_fini(&f->model); /* nobody took it: the newer counts */
    f->model = *m;
    f->ready = true;
    (void)pthread_mutex_unlock(&f->lock);
    (void)!write(f->bell, &one, sizeof(one));
}

static void *run(void *ctx)
{
    struct top_feed *f = ctx;
    struct top_wish wish;
    while (wait_for_wish(f, &wish)) {
        struct top_model m;
        top_model_ask(f->daemon, &wish, &m);
        if (atomic_load(&f->stop))
            top_model_fini(&m);
        else
            give(f, &m);
    }
    return NULL;
}

/* Signals are the main thread's. */
static int start(struct top_feed *f)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_BLOCK, &all, &before) != 0)
        return MW_EBUG;
    int rc = pthread_create(&f->thread, NULL, run, f);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    f->started = rc == 0;
    return rc == 0 ? 0 : MW_ELIMIT;
}

int top_feed_create(struct daemon *d, const struct top_wish *wish, int64_t each_ns,
                    struct top_feed **ret, struct mw_error *err)
{
    must(d != NULL && wish != NULL && each_ns > 0 && ret != NULL);
    struct top_feed *f = mw_calloc(1, sizeof(*f));
    pthread_condattr_t monotonic;
    if (f == NULL) {
        daemon_close(d);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    f->daemon = d;
    f->each_ns = each_ns;
    f->wish = *wish;
    f->asked_anew = true;
    daemon_stop_when(d, should_stop, f);
    must(pthread_condattr_init(&monotonic) == 0 &&
         pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
         pthread_cond_init(&f->wished, &monotonic) == 0 && pthread_mutex_init(&f->lock, NULL) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    f->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (f->bell >= 0 && start(f) == 0) {
        *ret = f;
        return 0;
    }
    top_feed_destroy(f);
    return mw_fail(err, MW_ELIMIT, "no thread or file could be had");
}

void top_feed_destroy(struct top_feed *f)
{
    if (f == NULL)
        return;
    atomic_store(&f->stop, true);
    (void)pthread_mutex_lock(&f->lock);
    (void)pthread_cond_signal(&f->wished);
    (void)pthread_mutex_unlock(&f->lock);
    if (f->started)
        (void)pthread_join(f->thread, NULL);
    if (f->ready)
        top_model_fini(&f->model);
    (void)pthread_cond_destroy(&f->wished);
    (void)pthread_mutex_destroy(&f->lock);
    if (f->bell >= 0)
        (void)close(f->bell);
    daemon_close(f->daemon);
    mw_free(f);
}

int top_feed_fd(const struct top_feed *f)
{
    return f->bell;
}

void top_feed_wish(struct top_feed *f, const struct top_wish *wish)
{
    (void)pthread_mutex_lock(&f->lock);
    f->wish = *wish;
    f->asked_anew = true;
    (void)pthread_cond_signal(&f->wished);
    (void)pthread_mutex_unlock(&f->lock);
}

bool top_feed_take(struct top_feed *f, struct top_model *m)
{
    uint64_t rung;
    (void)!read(f->bell, &rung, sizeof(rung));
    (void)pthread_mutex_lock(&f->lock);
    bool ready = f->ready;
    if (ready) {
        top_model_fini(m);
        *m = f->model;
        f->model = (struct top_model){ 0 };
        f->ready = false;
    }
    (void)pthread_mutex_unlock(&f->lock);
    return ready;
}

/*
 * Threads take the next number from one counter until there are no more.
 */
#include "cli/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/units.h"

#define TICK_NS (100 * MW_NS_PER_MS)

struct crew {
    const struct parallel *job;
    atomic_uint_fast64_t next;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t done;     /* under lock */
    uint32_t at_work;  /* threads; under lock */
};

static void *work(void *arg)
{
    struct crew *c = arg;
    for (;;) {
        uint64_t number = atomic_fetch_add(&c->next, 1);
        if (number >= c->job->tasks || atomic_load(&c->stop))
            break;
        c->job->task(c->job->ctx, number);
        pthread_mutex_lock(&c->lock);
        c->done++;
        pthread_mutex_unlock(&c->lock);
    }
    pthread_mutex_lock(&c->lock);
    c->at_work--;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Until all threads are through; ticks go out without the lock. */
static void wait_for(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->at_work > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t ns = until.tv_nsec + TICK_NS;
        until.tv_sec += ns / MW_NS_PER_S;
        until.tv_nsec = ns % MW_NS_PER_S;
        pthread_cond_timedwait(&c->changed, &c->lock, &until);
        uint64_t done = c->done;
        pthread_mutex_unlock(&c->lock);
        if (c->job->tick != NULL && c->job->tick(c->job->ctx, done))
            atomic_store(&c->stop, true);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
}

int parallel_run(const struct parallel *p, bool *ret_stopped, struct mw_error *err)
{
    must(p->task != NULL && ret_stopped != NULL);
    pthread_t thread[PARALLEL_THREADS_MAX];
    struct crew c = {.job = p};
    uint64_t wanted = MW_MAX(MW_MIN(p->threads, PARALLEL_THREADS_MAX), 1);
    wanted = MW_MIN(wanted, p->tasks);
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.changed, NULL);
    uint32_t started = 0;
    for (; started < wanted; started++) {
        pthread_mutex_lock(&c.lock);
        c.at_work++;
        pthread_mutex_unlock(&c.lock);
        if (pthread_create(&thread[started], NULL, work, &c) != 0)
            break;
    }
    if (started < wanted) {
        pthread_mutex_lock(&c.lock);
        c.at_work--;
        pthread_mutex_unlock(&c.lock);
    }
    wait_for(&c);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    pthread_cond_destroy(&c.changed);
    pthread_mutex_destroy(&c.lock);
    *ret_stopped = atomic_load(&c.stop);
    if (started == 0 && wanted > 0)
        return mw_fail(err, MW_ELIMIT, "the system lets this program start no thread");
    return 0;
}

uint32_t parallel_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return (uint32_t)MW_MAX(CPU_COUNT(&set), 1);
}

int64_t parallel_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

/*
 * The mailbox.  See asks.h.  Two lists under one mutex, an eventfd for each
 * side; what the writer executes runs outside the mutex.
 */
#include "api/asks.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "api/detail_node.h"
#include "api/headers.h"
#include "base/mem.h"
#include "base/units.h"

enum ask_kind { ASK_COMMAND, ASK_STATUS, ASK_REPLAY, ASK_MACHINES };

struct ask {
    struct ask *next;
    enum ask_kind kind;
    int64_t since_ns; /* monotonic */
    uint32_t actor;
    struct api_command command;
    json_t *wish;
    asks_told_fn *told;
    void *ctx;
    struct ask_answer answer;
};

struct queue {
    struct ask *first, *last;
};

struct asks {
    pthread_mutex_t lock;
    struct queue asked, answered; /* under the lock */
    struct asks_news news;        /* under the lock */
    uint32_t waiting;             /* asked and not heard yet; under the lock */
    bool replays;                 /* set before the threads are, as is the next */
    int64_t wait_ns;
    int ask_fd, bell_fd;
};

static void push(struct queue *q, struct ask *k)
{
    k->next = NULL;
    if (q->last != NULL)
        q->last->next = k;
    else
        q->first = k;
    q->last = k;
}

static struct ask *take_all(struct asks *a, struct queue *q)
{
    (void)pthread_mutex_lock(&a->lock);
    struct ask *k = q->first;
    *q = (struct queue){ 0 };
    (void)pthread_mutex_unlock(&a->lock);
    return k;
}

static void ask_free(struct ask *k)
{
    json_decref(k->wish);
    json_decref(k->answer.json);
    mw_free(k);
}

static int64_t clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static void ring(int fd)
{
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof(one)); /* full = it rings already */
}

static void quiet(int fd)
{
    uint64_t rings;
    (void)!read(fd, &rings, sizeof(rings));
}

int asks_create(struct asks **ret, struct mw_error *err)
{
    must(ret != NULL);
    struct asks *a = mw_calloc(1, sizeof(*a));
    if (a == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    a->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    a->wait_ns = ASKS_WAIT_NS;
    bool lock = pthread_mutex_init(&a->lock, NULL) == 0;
    if (a->ask_fd >= 0 && a->bell_fd >= 0 && lock) {
        *ret = a;
        return 0;
    }
    if (a->ask_fd >= 0)
        (void)close(a->ask_fd);
    if (a->bell_fd >= 0)
        (void)close(a->bell_fd);
    mw_free(a);
    return mw_fail(err, MW_EIO, "no event descriptors are left: raise ulimit -n");
}

void asks_destroy(struct asks *a)
{
    if (a == NULL)
        return;
    struct queue *all[] = { &a->asked, &a->answered };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(all); i++)
        for (struct ask *k = all[i]->first, *next; k != NULL; k = next) {
            next = k->next;
            ask_free(k);
        }
    (void)close(a->ask_fd);
    (void)close(a->bell_fd);
    (void)pthread_mutex_destroy(&a->lock);
    mw_free(a);
}

/* ---- the writer's side ----------------------------------------------------------------------- */

int asks_fd(const struct asks *a)
{
    return a->ask_fd;
}

/* Of two who looked at the same node and command it one after the other only the first is heard. */
static bool still_holds(const struct api_command *c, const struct control *site)
{
    char etag[NODE_ETAG_MAX];
    uint64_t id = fleet_find(site->board->fleet, c->node);
    if (component_kind_of(id) != COMPONENT_NODE)
        return true; /* what names no node is refused for that */
    node_etag(site, component_index_of(id), etag);
    return header_has_etag(c->if_match, etag);
}

static int execute_command(struct ask *k, const struct api_writer *w)
{
    struct ask_answer *t = &k->answer;
    const struct api_command *c = &k->command;
    if (c->if_match[0] != '\0' && w->control != NULL && !still_holds(c, w->control(w->ctx))) {
        t->changed = true;
        return mw_fail(&t->err, MW_ECONFLICT, "node %s has changed since it was looked at: look "
                       "again", c->node);
    }
    return w->command(w->ctx, k->actor, c, &t->seq, &t->err);
}

static void execute(struct ask *k, const struct api_writer *w)
{
    struct ask_answer *t = &k->answer;
    t->err = (struct mw_error){ .code = MW_EBUG, .text = "internal error" };
    switch (k->kind) {
    case ASK_COMMAND:
        t->code = execute_command(k, w);
        return;
    case ASK_STATUS:
        t->json = w->status(w->ctx, &t->err);
        break;
    case ASK_REPLAY:
        must(w->replay != NULL);
        t->json = w->replay(w->ctx, k->wish, &t->err);
        break;
    case ASK_MACHINES:
        if (w->machines != NULL)
            t->json = w->machines(w->ctx, k->wish, &t->err);
        else
            (void)!mw_fail(&t->err, MW_ENOTFOUND, "no agents are listened to here");
        break;
    }
    t->code = t->json != NULL ? 0 : t->err.code;
}

static void hand_back(struct asks *a, struct ask *k)
{
    (void)pthread_mutex_lock(&a->lock);
    push(&a->answered, k);
    (void)pthread_mutex_unlock(&a->lock);
}

void asks_answer(struct asks *a, const struct api_writer *w)
{
    must(a != NULL && w != NULL && w->command != NULL && w->status != NULL);
    quiet(a->ask_fd);
    struct ask *k = take_all(a, &a->asked), *next;
    if (k == NULL)
        return;
    for (; k != NULL; k = next) {
        next = k->next;
        execute(k, w);
        hand_back(a, k);
    }
    ring(a->bell_fd);
}

void asks_committed(struct asks *a, uint64_t seq, int64_t now_ns)
{
    (void)pthread_mutex_lock(&a->lock);
    a->news.seq = MW_MAX(a->news.seq, seq);
    a->news.now_ns = MW_MAX(a->news.now_ns, now_ns);
    (void)pthread_mutex_unlock(&a->lock);
    ring(a->bell_fd);
}

void asks_close(struct asks *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->news.closed = true;
    (void)pthread_mutex_unlock(&a->lock);
    for (struct ask *k = take_all(a, &a->asked), *next; k != NULL; k = next) {
        next = k->next;
        k->answer.code = mw_fail(&k->answer.err, MW_EBUSY, "the daemon is ending");
        hand_back(a, k);
    }
    ring(a->bell_fd);
}

void asks_replays(struct asks *a)
{
    a->replays = true;
}

void asks_patience(struct asks *a, int64_t wait_ns)
{
    a->wait_ns = wait_ns;
}

/* ---- the API's side -------------------------------------------------------------------------- */

static struct ask *ask_new(enum ask_kind kind, asks_told_fn *told, void *ctx)
{
    must(told != NULL);
    struct ask *k = mw_calloc(1, sizeof(*k));
    if (k != NULL)
        *k = (struct ask){ .kind = kind, .since_ns = clock_ns(), .told = told, .ctx = ctx };
    return k;
}

/* Takes k. */
static int ask(struct asks *a, struct ask *k, struct mw_error *err)
{
    if (k == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    (void)pthread_mutex_lock(&a->lock);
    bool closed = a->news.closed, full = a->waiting >= ASKS_MAX;
    if (!closed && !full) {
        push(&a->asked, k);
        a->waiting++;
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (!closed && !full) {
        ring(a->ask_fd);
        return 0;
    }
    ask_free(k);
    return closed ? mw_fail(err, MW_EBUSY, "the daemon is ending")
                  : mw_fail(err, MW_EBUSY, "%d questions wait for the site already: ask again in a "
                            "moment", ASKS_MAX);
}

int asks_command(struct asks *a, uint32_t actor, const struct api_command *c, asks_told_fn *told,
                 void *ctx, struct mw_error *err)
{
    must(a != NULL && c != NULL && actor != 0);
    struct ask *k = ask_new(ASK_COMMAND, told, ctx);
    if (k != NULL) {
        k->actor = actor;
        k->command = *c;
    }
    return ask(a, k, err);
}

int asks_status(struct asks *a, asks_told_fn *told, void *ctx, struct mw_error *err)
{
    return ask(a, ask_new(ASK_STATUS, told, ctx), err);
}

/* Takes wish. */
static int ask_wish(struct asks *a, struct ask *k, json_t *wish, struct mw_error *err)
{
    if (k == NULL) {
        json_decref(wish);
        return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    k->wish = wish;
    return ask(a, k, err);
}

int asks_replay(struct asks *a, json_t *wish, asks_told_fn *told, void *ctx, struct mw_error *err)
{
    if (a->replays)
        return ask_wish(a, ask_new(ASK_REPLAY, told, ctx), wish, err);
    json_decref(wish);
    return mw_fail(err, MW_ECONFLICT, "this site is live: its time is not ours");
}

int asks_machines(struct asks *a, json_t *wish, asks_told_fn *told, void *ctx,
                  struct mw_error *err)
{
    return ask_wish(a, ask_new(ASK_MACHINES, told, ctx), wish, err);
}

bool asks_is_replay(const struct asks *a)
{
    return a->replays;
}

int asks_bell(const struct asks *a)
{
    return a->bell_fd;
}

struct asks_news asks_news(struct asks *a)
{
    (void)pthread_mutex_lock(&a->lock);
    struct asks_news news = a->news;
    (void)pthread_mutex_unlock(&a->lock);
    return news;
}

/* What the writer has not begun with for so long is taken back from it. */
static void take_back(struct asks *a)
{
    int64_t limit_ns = clock_ns() - a->wait_ns;
    (void)pthread_mutex_lock(&a->lock);
    while (a->asked.first != NULL && a->asked.first->since_ns < limit_ns) {
        struct ask *k = a->asked.first;
        a->asked.first = k->next;
        if (k->next == NULL)
            a->asked.last = NULL;
        k->answer.code = mw_fail(&k->answer.err, MW_ETIMEOUT, "the site is busy and has not taken "
                                 "this up in %lld s: nothing was done",
                                 (long long)(a->wait_ns / MW_NS_PER_S));
        push(&a->answered, k);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

void asks_hear(struct asks *a)
{
    quiet(a->bell_fd);
    take_back(a);
    for (struct ask *k = take_all(a, &a->answered), *next; k != NULL; k = next) {
        next = k->next;
        (void)pthread_mutex_lock(&a->lock);
        a->waiting--;
        (void)pthread_mutex_unlock(&a->lock);
        k->told(k->ctx, &k->answer);
        ask_free(k);
    }
}

/* Making a core, its hash, its snapshots, and its way back from the journal. */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "core/core_private.h"
#include "core/event_fields.h"

#define SNAPSHOT_MAGIC UINT64_C(0x31304e5357575d4d) /* changes with the layout below */

struct snapshot_head {
    uint64_t magic;
    uint64_t seq;
    uint32_t lists;
    uint32_t reserved;
};

static struct column_list core_columns(const struct core *c)
{
    return (struct column_list){ .owner = "core", .item = c->column, .length = CORE_COLUMNS };
}

static int core_alloc(struct core *c)
{
    uint32_t sources = c->config.sources_max;
    c->source_last = mw_calloc(sources, sizeof(*c->source_last));
    c->source_seen = mw_calloc(sources, sizeof(*c->source_seen));
    c->group = mw_calloc(1, GROUP_BYTES_MAX);
    c->tail = mw_calloc(1, EVENT_TAIL_MAX);
    c->trace = c->config.trace_hash ? mw_hasher_create() : NULL;
    if (!c->source_last || !c->source_seen || !c->group || !c->tail)
        return MW_ENOMEM;
    if (c->config.trace_hash && !c->trace)
        return MW_ENOMEM;
    struct column column[CORE_COLUMNS] = {
        COLUMN("seq", &c->seq, 1, NULL),
        COLUMN("time_ns", &c->time_ns, 1, NULL),
        COLUMN("source_last", c->source_last, sources, NULL),
    };
    memcpy(c->column, column, sizeof(column));
    return 0;
}

int core_create(const struct core_config *config, struct core **ret, struct mw_error *err)
{
    must(config && ret && config->journal && config->plane);
    struct core *c = mw_calloc(1, sizeof(*c));
    if (!c)
        return mw_fail(err, MW_ENOMEM, "no memory for the core");
    c->config = *config;
    memcpy(c->plane, config->plane, sizeof(c->plane));
    c->config.plane = NULL;
    for (uint32_t k = 0; k < EVENT_KIND_MAX; k++) {
        c->takes[k] = event_info(k)->planes;
        c->body[k] = event_body_bytes(k);
    }
    if (core_alloc(c) < 0) {
        core_destroy(c);
        return mw_fail(err, MW_ENOMEM, "no memory for the core");
    }
    *ret = c;
    return 0;
}

void core_destroy(struct core *c)
{
    if (!c)
        return;
    mw_hasher_destroy(c->trace);
    mw_free(c->source_last);
    mw_free(c->source_seen);
    mw_free(c->group);
    mw_free(c->tail);
    mw_free(c->action);
    mw_free(c);
}

struct mw_hash128 core_state_hash(const struct core *c)
{
    struct mw_hasher *h = mw_hasher_create();
    must(h != NULL);
    struct column_list own = core_columns(c);
    columns_hash(&own, h);
    for (uint32_t p = 0; p < PLANE_COUNT; p++) {
        struct column_list l = c->plane[p].columns(c->plane[p].self);
        columns_hash(&l, h);
    }
    struct mw_hash128 sum = mw_hasher_result(h);
    mw_hasher_destroy(h);
    return sum;
}

struct mw_hash128 core_trace_hash(const struct core *c)
{
    return c->trace ? mw_hasher_result(c->trace) : (struct mw_hash128){ 0, 0 };
}

uint64_t core_state_bytes(const struct core *c)
{
    struct column_list own = core_columns(c);
    uint64_t sum = columns_bytes(&own);
    for (uint32_t p = 0; p < PLANE_COUNT; p++) {
        struct column_list l = c->plane[p].columns(c->plane[p].self);
        sum += columns_bytes(&l);
    }
    return sum;
}

/* A byte buffer that grows while a snapshot is written. */
struct buffer {
    uint8_t *data;
    size_t size, room;
};

static int buffer_write(void *ctx, const void *data, size_t size)
{
    struct buffer *b = ctx;
    if (b->size + size > b->room) {
        size_t room = MW_MAX(b->room * 2, b->size + size + 65536);
        uint8_t *bigger = mw_resize(b->data, room, 1);
        if (!bigger)
            return MW_ENOMEM;
        b->data = bigger;
        b->room = room;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
    return 0;
}

int core_snapshot(struct core *c, struct mw_error *err)
{
    must(c && c->staged == 0);
    struct buffer b = { 0 };
    struct snapshot_head head = { .magic = SNAPSHOT_MAGIC, .seq = c->seq,
                                  .lists = PLANE_COUNT + 1 };
    struct column_list own = core_columns(c);
    int r = buffer_write(&b, &head, sizeof(head));
    if (r == 0)
        r = columns_save(&own, buffer_write, &b);
    for (uint32_t p = 0; r == 0 && p < PLANE_COUNT; p++) {
        struct column_list l = c->plane[p].columns(c->plane[p].self);
        r = columns_save(&l, buffer_write, &b);
    }
    if (r == 0)
        r = c->config.journal->ops->snapshot_put(c->config.journal, c->seq, b.data, b.size, err);
    else
        r = mw_fail(err, r, "no memory for a snapshot of %zu bytes", b.size);
    mw_free(b.data);
    return r;
}

struct cursor {
    const char *data;
    size_t size, at;
    bool short_read;
};

static int cursor_read(void *ctx, void *data, size_t size)
{
    struct cursor *k = ctx;
    if (size > k->size - k->at) {
        k->short_read = true;
        return MW_ECORRUPT;
    }
    memcpy(data, k->data + k->at, size);
    k->at += size;
    return 0;
}

static int core_load(struct core *c, struct cursor *k, uint64_t seq, struct mw_error *err)
{
    struct snapshot_head head;
    int r = cursor_read(k, &head, sizeof(head));
    if (r < 0 || head.magic != SNAPSHOT_MAGIC || head.lists != PLANE_COUNT + 1 || head.seq != seq)
        return mw_fail(err, MW_EVERSION, "the snapshot at event %llu has another layout; "
                       "restart without it", (unsigned long long)seq);
    struct column_list own = core_columns(c);
    r = columns_load(&own, cursor_read, k, err);
    for (uint32_t p = 0; r == 0 && p < PLANE_COUNT; p++) {
        struct column_list l = c->plane[p].columns(c->plane[p].self);
        r = columns_load(&l, cursor_read, k, err);
    }
    if (r == 0 && k->at != k->size)
        return mw_fail(err, MW_ECORRUPT, "the snapshot at event %llu has bytes to spare; "
                       "restart without it", (unsigned long long)seq);
    if (r == 0 && c->config.fits && !c->config.fits(c->config.fits_ctx))
        return mw_fail(err, MW_EVERSION, "the snapshot at event %llu is of other rules; restart "
                       "without it", (unsigned long long)seq);
    if (r == MW_ECORRUPT && k->short_read)
        return mw_fail(err, r, "the snapshot at event %llu is cut short; restart without it",
                       (unsigned long long)seq);
    for (uint32_t p = 0; r == 0 && p < PLANE_COUNT; p++)
        if (c->plane[p].rebuild)
            c->plane[p].rebuild(c->plane[p].self);
    return r;
}

/* The next event as it was recorded; what it contradicts was recorded, too. */
static int core_replay_one(struct core *c, const struct event *ev, const void *tail, bool last,
                           struct mw_error *err)
{
    if (ev->seq != c->seq + 1)
        return mw_fail(err, MW_ECORRUPT, "event %llu follows event %llu in the journal",
                       (unsigned long long)ev->seq, (unsigned long long)c->seq);
    if (ev->source >= c->config.sources_max)
        return mw_fail(err, MW_ECORRUPT,
                       "event %llu is from source %u, but this site has only %u: was the record "
                       "written for another site file?", (unsigned long long)ev->seq, ev->source,
                       c->config.sources_max);
    c->replaying = true;
    c->seq = ev->seq;
    c->time_ns = MW_MAX(c->time_ns, ev->time_ns);
    core_apply_event(c, ev, tail);
    if (last)
        core_quiet(c);
    c->replaying = false;
    return 0;
}

struct replay {
    struct core *core;
    struct mw_error *err;
};

static int core_replay_event(void *ctx, const struct event *ev, const void *tail, bool last)
{
    const struct replay *replay = ctx;
    return core_replay_one(replay->core, ev, tail, last, replay->err);
}

/* Gives every action without a result to the world once more. */
static int core_resend(struct core *c, struct mw_error *err)
{
    int r = 0;
    c->acting = true;
    for (uint32_t p = 0; r == 0 && c->config.act && p < PLANE_COUNT; p++) {
        const struct plane *pl = &c->plane[p];
        for (uint32_t at = 0; pl->pending;) {
            struct event ev;
            uint64_t seq = pl->pending(pl->self, &at);
            if (!seq)
                break;
            r = c->config.journal->ops->get(c->config.journal, seq, &ev, c->tail, err);
            if (r < 0)
                break;
            c->config.act(c->config.act_ctx, &ev, ev.tail_size ? c->tail : NULL);
        }
    }
    c->acting = false;
    return r;
}

int core_follow_snapshot(struct core *c, uint64_t seq_max, struct mw_error *err)
{
    must(c && c->seq == 0);
    struct journal *j = c->config.journal;
    char *data = NULL;
    size_t size = 0;
    uint64_t seq = 0;
    int r = j->ops->snapshot_get(j, seq_max, &seq, &data, &size, err);
    if (r < 0)
        return r;
    struct cursor k = { .data = data, .size = size };
    r = core_load(c, &k, seq, err);
    mw_free(data);
    return r;
}

int core_follow(struct core *c, const struct event *ev, const void *tail, bool last,
                struct mw_error *err)
{
    must(c && ev && c->staged == 0);
    return core_replay_one(c, ev, tail, last, err);
}

int core_recover(struct core *c, bool use_snapshot, struct mw_error *err)
{
    must(c && c->seq == 0);
    struct journal *j = c->config.journal;
    int r = use_snapshot ? core_follow_snapshot(c, UINT64_MAX, err) : 0;
    if (r < 0 && r != MW_ENOTFOUND)
        return r;
    struct replay replay = { .core = c, .err = err };
    r = j->ops->read(j, c->seq + 1, core_replay_event, &replay, err);
    if (r == 0 && c->seq != j->head.seq)
        r = mw_fail(err, MW_ECORRUPT, "the journal ends at event %llu, its head says %llu",
                    (unsigned long long)c->seq, (unsigned long long)j->head.seq);
    return r < 0 ? r : core_resend(c, err);
}

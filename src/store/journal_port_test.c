/* What every journal must do, run against both implementations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/journal_memory.h"
#include "store/journal_sqlite.h"
#include "store/store_testing.h"

/* How a test opens, crashes and closes an implementation. */
struct port {
    bool memory;
    char dir[256];
    struct journal *j;
    struct sample s;
};

#define SEED 7

static void port_open(struct port *p)
{
    struct mw_error err;
    if (p->memory) {
        struct journal_memory_options o = {.chain = true};
        assert_int_equal(journal_memory_create(&o, &p->j), 0);
    } else if (journal_sqlite_open(p->dir, NULL, &p->j, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/* As after the death of the process: what was not committed is gone. */
static void port_crash(struct port *p)
{
    if (p->memory) {
        journal_memory_crash(p->j);
        return;
    }
    journal_destroy(p->j); /* closing commits nothing */
    port_open(p);
}

static int setup(void **state, bool memory)
{
    struct port *p = calloc(1, sizeof(*p));
    p->memory = memory;
    if (!memory)
        testing_dir(p->dir);
    port_open(p);
    *state = p;
    return 0;
}

static int setup_memory(void **state)
{
    return setup(state, true);
}

static int setup_sqlite(void **state)
{
    return setup(state, false);
}

static int teardown(void **state)
{
    struct port *p = *state;
    journal_destroy(p->j);
    if (!p->memory)
        testing_dir_remove(p->dir);
    free(p);
    return 0;
}

static void append(struct port *p, uint32_t groups)
{
    for (uint32_t i = 0; i < groups; i++)
        assert_int_equal(sample_append(p->j, &p->s, SEED, NULL), 0);
}

static void commit(struct port *p)
{
    struct mw_error err = {.text = ""};
    if (p->j->ops->commit(p->j, &err) != 0)
        fail_msg("%s", err.text);
}

/* Reads from the beginning and compares every byte; gives the last sequence. */
static uint64_t read_all(struct port *p)
{
    struct sample_reader *r = calloc(1, sizeof(*r));
    r->seed = SEED;
    struct mw_error err = {.text = ""};
    int rc = p->j->ops->read(p->j, 1, sample_visit, r, &err);
    if (rc != 0)
        fail_msg("%d after %llu: %s", rc, (unsigned long long)r->seen, err.text);
    uint64_t seen = r->seen;
    assert_int_equal(r->offset, 0);
    free(r);
    return seen;
}

static void an_empty_journal_reads_nothing_and_verifies(void **state)
{
    struct port *p = *state;
    assert_int_equal(p->j->head.seq, 0);
    assert_int_equal(p->j->next_seq, 1);
    assert_int_equal(p->j->epoch, 1);
    assert_false(p->j->read_only);
    assert_int_equal(p->j->opened.loss, JOURNAL_WHOLE);
    assert_int_equal(read_all(p), 0);
    struct journal_report r;
    assert_int_equal(p->j->ops->verify(p->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_WHOLE);
    assert_int_equal(r.groups, 0);
    commit(p); /* nothing staged: nothing happens */
    assert_int_equal(p->j->head.seq, 0);
}

static void what_was_committed_is_read_back_byte_for_byte(void **state)
{
    struct port *p = *state;
    for (uint32_t i = 0; i < 20; i++) {
        append(p, 50);
        commit(p);
        assert_int_equal(p->j->head.seq, p->j->next_seq - 1);
    }
    uint64_t last = p->j->head.seq;
    assert_int_equal(read_all(p), last);
    assert_int_equal(p->j->head.time_ns, (int64_t)p->s.g.first_seq * 1000000);
    struct journal_report r;
    assert_int_equal(p->j->ops->verify(p->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_WHOLE);
    assert_int_equal(r.valid_seq, last);
    assert_int_equal(r.groups, 1000);
    assert_string_equal(r.text, "");
    port_crash(p);
    assert_int_equal(read_all(p), last);
}

static void what_was_only_staged_is_not_read_and_goes_with_a_crash(void **state)
{
    struct port *p = *state;
    append(p, 30);
    commit(p);
    uint64_t last = p->j->head.seq;
    append(p, 30);
    assert_true(p->j->next_seq > last + 30);
    assert_int_equal(read_all(p), last);
    port_crash(p);
    assert_int_equal(p->j->head.seq, last);
    assert_int_equal(p->j->next_seq, last + 1);
    assert_int_equal(read_all(p), last);
}

static void a_new_writer_has_a_new_epoch_and_the_chain_goes_on(void **state)
{
    struct port *p = *state;
    append(p, 10);
    commit(p);
    assert_int_equal(p->j->head.epoch, 1);
    port_crash(p);
    assert_int_equal(p->j->epoch, 2);
    append(p, 10);
    commit(p);
    assert_int_equal(p->j->head.epoch, 2);
    assert_int_equal(read_all(p), p->j->head.seq);
    struct journal_report r;
    assert_int_equal(p->j->ops->verify(p->j, &r, NULL), 0);
    assert_int_equal(r.loss, JOURNAL_WHOLE);
    assert_int_equal(r.groups, 20);
}

static void append_compares_before_it_appends(void **state)
{
    struct port *p = *state;
    append(p, 3);
    uint64_t next = p->j->next_seq;
    struct mw_error err = {.text = ""};
    sample_make(&p->s, SEED, next - 1, p->j->epoch); /* a number that is given already */
    assert_int_equal(p->j->ops->append(p->j, &p->s.g, &err), MW_ECONFLICT);
    assert_true(strlen(err.text) > 0);
    sample_make(&p->s, SEED, next + 1, p->j->epoch); /* a gap */
    assert_int_equal(p->j->ops->append(p->j, &p->s.g, NULL), MW_ECONFLICT);
    sample_make(&p->s, SEED, next, p->j->epoch + 1); /* another writer */
    assert_int_equal(p->j->ops->append(p->j, &p->s.g, NULL), MW_ECONFLICT);
    sample_make(&p->s, SEED, next, p->j->epoch);
    struct group cut = p->s.g;
    cut.size -= 4;
    assert_int_equal(p->j->ops->append(p->j, &cut, NULL), MW_EINVAL);
    assert_int_equal(p->j->next_seq, next);
    assert_int_equal(p->j->ops->append(p->j, &p->s.g, NULL), 0);
    commit(p);
    assert_int_equal(read_all(p), p->j->head.seq);
}

static void every_event_can_be_got_by_its_number(void **state)
{
    struct port *p = *state;
    append(p, 200);
    commit(p);
    append(p, 1);
    uint8_t *tail = malloc(EVENT_TAIL_MAX);
    struct sample_reader *r = calloc(1, sizeof(*r));
    r->seed = SEED;
    assert_int_equal(p->j->ops->read(p->j, 1, sample_visit, r, NULL), 0);
    struct sample *s = &p->s;
    for (uint64_t first = 1; first <= p->j->head.seq; first += s->g.count) {
        sample_make(s, SEED, first, p->j->epoch);
        const uint8_t *at = s->bytes;
        for (uint32_t i = 0; i < s->g.count; i++) {
            struct event ev;
            assert_int_equal(p->j->ops->get(p->j, first + i, &ev, tail, NULL), 0);
            assert_memory_equal(&ev, at, sizeof(ev));
            assert_memory_equal(tail, at + sizeof(ev), ev.tail_size);
            at += event_frame_size(&ev);
        }
    }
    struct event ev;
    assert_int_equal(p->j->ops->get(p->j, 0, &ev, tail, NULL), MW_ENOTFOUND);
    assert_int_equal(p->j->ops->get(p->j, p->j->head.seq + 1, &ev, tail, NULL), MW_ENOTFOUND);
    free(r);
    free(tail);
}

struct stop_at {
    uint64_t first, last, events;
    uint64_t stop;
};

static int visit_until(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct stop_at *s = ctx;
    (void)tail;
    (void)last;
    s->first = s->events++ == 0 ? ev->seq : s->first;
    s->last = ev->seq;
    return ev->seq == s->stop ? 5 : 0;
}

static void reading_begins_and_stops_inside_a_group(void **state)
{
    struct port *p = *state;
    append(p, 300);
    commit(p);
    for (uint64_t from = 1; from < p->j->head.seq; from += 37) {
        struct stop_at s = {.stop = UINT64_MAX};
        assert_int_equal(p->j->ops->read(p->j, from, visit_until, &s, NULL), 0);
        assert_int_equal(s.first, from);
        assert_int_equal(s.last, p->j->head.seq);
        assert_int_equal(s.events, p->j->head.seq - from + 1);
    }
    struct stop_at s = {.stop = 100};
    assert_int_equal(p->j->ops->read(p->j, 50, visit_until, &s, NULL), 5);
    assert_int_equal(s.last, 100);
    s = (struct stop_at){.stop = 0};
    assert_int_equal(p->j->ops->read(p->j, p->j->head.seq + 1, visit_until, &s, NULL), 0);
    assert_int_equal(s.events, 0);
}

static void blobs_are_kept_by_content_and_durable_with_a_commit(void **state)
{
    struct port *p = *state;
    char data[5000], *got = NULL;
    memset(data, 'p', sizeof(data));
    uint8_t name[MW_SHA256_SIZE], wrong[MW_SHA256_SIZE] = {1}, empty[MW_SHA256_SIZE];
    mw_sha256(&(struct mw_piece){data, sizeof(data)}, 1, name);
    mw_sha256(NULL, 0, empty);
    size_t size = 0;
    assert_int_equal(p->j->ops->blob_put(p->j, wrong, data, sizeof(data), NULL), MW_EINVAL);
    assert_int_equal(p->j->ops->blob_put(p->j, name, data, sizeof(data), NULL), 0);
    assert_int_equal(p->j->ops->blob_get(p->j, name, &got, &size, NULL), MW_ENOTFOUND);
    port_crash(p);
    assert_int_equal(p->j->ops->blob_get(p->j, name, &got, &size, NULL), MW_ENOTFOUND);
    assert_int_equal(p->j->ops->blob_put(p->j, name, data, sizeof(data), NULL), 0);
    assert_int_equal(p->j->ops->blob_put(p->j, name, data, sizeof(data), NULL), 0);
    assert_int_equal(p->j->ops->blob_put(p->j, empty, NULL, 0, NULL), 0);
    commit(p);
    port_crash(p);
    assert_int_equal(p->j->ops->blob_get(p->j, name, &got, &size, NULL), 0);
    assert_int_equal(size, sizeof(data));
    assert_memory_equal(got, data, size);
    mw_free(got);
    assert_int_equal(p->j->ops->blob_get(p->j, empty, &got, &size, NULL), 0);
    assert_int_equal(size, 0);
    mw_free(got);
}

static void the_newest_fitting_snapshot_is_given(void **state)
{
    struct port *p = *state;
    uint64_t at[3];
    char *got = NULL, text[3][16];
    size_t size;
    uint64_t seq;
    assert_int_equal(p->j->ops->snapshot_get(p->j, UINT64_MAX, &seq, &got, &size, NULL),
                     MW_ENOTFOUND);
    for (uint32_t i = 0; i < 3; i++) {
        append(p, 10);
        assert_int_equal(p->j->ops->snapshot_put(p->j, p->j->next_seq - 1, "x", 1, NULL),
                         MW_ECONFLICT); /* not committed */
        commit(p);
        at[i] = p->j->head.seq;
        (void)snprintf(text[i], sizeof(text[i]), "state %u", i);
        assert_int_equal(
            p->j->ops->snapshot_put(p->j, at[i], text[i], sizeof(text[i]), NULL), 0);
    }
    port_crash(p);
    assert_int_equal(p->j->ops->snapshot_get(p->j, UINT64_MAX, &seq, &got, &size, NULL), 0);
    assert_int_equal(seq, at[2]);
    assert_int_equal(size, sizeof(text[2]));
    assert_string_equal(got, text[2]);
    mw_free(got);
    assert_int_equal(p->j->ops->snapshot_get(p->j, at[2] - 1, &seq, &got, &size, NULL), 0);
    assert_int_equal(seq, at[1]);
    assert_string_equal(got, text[1]);
    mw_free(got);
    /* Two are kept. */
    assert_int_equal(p->j->ops->snapshot_get(p->j, at[1] - 1, &seq, &got, &size, NULL),
                     MW_ENOTFOUND);
}

static void a_group_of_the_greatest_size_fits(void **state)
{
    struct port *p = *state;
    const uint32_t count = GROUP_BYTES_MAX / sizeof(struct event);
    struct event *ev = calloc(count + 1, sizeof(*ev));
    for (uint32_t i = 0; i <= count; i++)
        ev[i] = (struct event){.seq = i + 1,
                               .epoch = 1,
                               .time_ns = i,
                               .kind = EV_FINDING_OPENED,
                               .version = EVENT_VERSION};
    struct group g = {1, count + 1, (uint32_t)((count + 1) * sizeof(*ev)), ev};
    assert_int_equal(p->j->ops->append(p->j, &g, NULL), MW_EINVAL);
    g = (struct group){1, count, GROUP_BYTES_MAX, ev};
    assert_int_equal(p->j->ops->append(p->j, &g, NULL), 0);
    commit(p);
    port_crash(p);
    assert_int_equal(p->j->head.seq, count);
    assert_int_equal(p->j->head.time_ns, count - 1);
    struct stop_at s = {.stop = UINT64_MAX};
    assert_int_equal(p->j->ops->read(p->j, 1, visit_until, &s, NULL), 0);
    assert_int_equal(s.events, count);
    free(ev);
}

#define BOTH(test)                                                                        \
    {#test " (memory)", test, setup_memory, teardown, NULL},                              \
    {#test " (sqlite)", test, setup_sqlite, teardown, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(an_empty_journal_reads_nothing_and_verifies),
        BOTH(what_was_committed_is_read_back_byte_for_byte),
        BOTH(what_was_only_staged_is_not_read_and_goes_with_a_crash),
        BOTH(a_new_writer_has_a_new_epoch_and_the_chain_goes_on),
        BOTH(append_compares_before_it_appends),
        BOTH(every_event_can_be_got_by_its_number),
        BOTH(reading_begins_and_stops_inside_a_group),
        BOTH(blobs_are_kept_by_content_and_durable_with_a_commit),
        BOTH(the_newest_fitting_snapshot_is_given),
        BOTH(a_group_of_the_greatest_size_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

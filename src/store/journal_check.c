/*
 * Walks the record and says what holds.  Owns the words a person reads about
 * damage; changes nothing.
 */
#include "store/journal_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/snapshot.h"

#define QUICK_FRAMES 64 /* checked at the end of the record when it is opened */

/* What a walk over the frames found. */
struct scan {
    struct journal_head last; /* of the last group that holds */
    uint64_t groups;
    bool head_met;    /* a group ends where the head says, with the head's hash */
    bool head_passed; /* a group ends there with another hash, or none ends there */
    bool broken;
    char why[256]; /* what stopped the walk when broken */
};

static MW_PRINTF(3, 4) void words(char *ret, size_t size, const char *fmt, ...)
{
    size_t used = strnlen(ret, size);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(ret + used, size - used, fmt, args);
    va_end(args);
}
#define SAY(c, ...) words((c)->report.text, sizeof((c)->report.text), __VA_ARGS__)

static unsigned long long show(uint64_t n)
{
    return n;
}

static int take_time(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct journal_head *h = ctx;
    (void)tail;
    (void)last;
    h->time_ns = ev->time_ns;
    h->seq = ev->seq;
    return ev->epoch == h->epoch ? 0 : MW_ECORRUPT;
}

int frame_check(const struct frame *f, struct journal_head *last, struct mw_error *err)
{
    const struct group *g = &f->group;
    unsigned long long at = g->first_seq;
    if (last->seq > 0 && g->first_seq != last->seq + 1)
        return mw_fail(err, MW_ECORRUPT, "event %llu is followed by event %llu", show(last->seq),
                       at);
    uint8_t real[MW_SHA256_SIZE];
    if (g->size == 0)
        return mw_fail(err, MW_ECORRUPT, "the group at event %llu is empty", at);
    journal_chain(last->hash, g, real);
    if (memcmp(real, f->hash, sizeof(real)) != 0)
        return mw_fail(err, MW_ECORRUPT, "the hash of the group at event %llu does not fit", at);
    if (f->epoch < last->epoch)
        return mw_fail(err, MW_ECORRUPT, "the writer epoch goes back at event %llu", at);
    struct journal_head h = {.epoch = f->epoch};
    if (group_walk(g, take_time, &h) != 0)
        return mw_fail(err, MW_ECORRUPT, "the events of the group at event %llu do not hold", at);
    memcpy(h.hash, real, sizeof(h.hash));
    *last = h;
    return 0;
}

/* A frame that holds becomes the last one; the head is met or passed by it. */
static int scan_frame(struct scan *s, const struct frame *f, const struct head_state *head,
                      struct mw_error *err)
{
    int rc = frame_check(f, &s->last, err);
    if (rc != 0)
        return rc;
    const struct journal_head *h = &s->last;
    s->groups++;
    if (head->generation > 0 && h->seq >= head->head.seq && !s->head_met) {
        s->head_met = h->seq == head->head.seq &&
                      memcmp(h->hash, head->head.hash, sizeof(h->hash)) == 0;
        s->head_passed = !s->head_met;
    }
    return 0;
}

static bool is_damage(int code)
{
    return code == MW_ECORRUPT;
}

/* One walk from the frame that holds `from`; why it ended is in *why. */
static int walk(struct journal_check *c, uint64_t from, struct scan *s, struct mw_error *why)
{
    struct frame_cursor cursor = {.stmt = NULL};
    *s = (struct scan){.head_met = c->head->generation > 0 && c->head->head.seq == 0};
    int rc = frames_begin(&cursor, c->db, from, why);
    if (rc == 0 && from > 1)
        rc = frames_hash_before(c->db, from, s->last.hash, why);
    while (rc == 0) {
        struct frame f;
        int more = frames_next(&cursor, &f, why);
        if (more <= 0) {
            rc = more;
            break;
        }
        if (s->groups == 0 && from == 1 && f.group.first_seq != 1)
            rc = mw_fail(why, MW_ECORRUPT, "the record begins with event %llu",
                         show(f.group.first_seq));
        else
            rc = scan_frame(s, &f, c->head, why);
    }
    frames_end(&cursor);
    return rc;
}

/* What hinders the walk is an error, damage is not. */
static int scan_run(struct journal_check *c, uint64_t from, struct scan *s, struct mw_error *err)
{
    struct mw_error why = {.text = ""};
    int rc = walk(c, from, s, &why);
    if (is_damage(rc)) {
        database_lenient(c->db);
        rc = walk(c, from, s, &why);
    }
    s->broken = is_damage(rc);
    if (s->broken)
        words(s->why, sizeof(s->why), "%s", why.text);
    else if (rc != 0)
        return mw_fail(err, rc, "%s", why.text);
    return 0;
}

static void say_kept(struct journal_check *c)
{
    if (c->last.seq == 0)
        SAY(c, "No event can be read. ");
    else
        SAY(c, "Events 1 to %llu are whole and kept. ", show(c->last.seq));
    if (c->head->generation > 0 && c->head->head.seq > c->last.seq)
        SAY(c, "Events %llu to %llu, which were acknowledged, are lost. ", show(c->last.seq + 1),
            show(c->head->head.seq));
}

static void say_recover(struct journal_check *c)
{
    SAY(c, "It is open for reading only. Keep a copy of it, then run: "
           "mw journal recover %.100s --out NEW_DIR", c->dir);
}

/* From a whole scan to the report. */
static void judge(struct journal_check *c, const struct scan *s)
{
    const struct head_state *head = c->head;
    c->last = s->last;
    c->report = (struct journal_report){.valid_seq = s->last.seq,
                                        .head_seq = head->generation > 0 ? head->head.seq : 0,
                                        .groups = s->groups};
    if (s->broken) {
        c->report.loss = JOURNAL_DAMAGED;
        SAY(c, "The record is damaged: %s. ", s->why);
    } else if (head->generation == 0) {
        c->report.loss = JOURNAL_HEAD_DAMAGED;
        SAY(c, "The head file is missing or damaged: whether events are missing at the end of the "
               "record cannot be told. ");
    } else if (head->head.seq > s->last.seq) {
        c->report.loss = JOURNAL_TAIL_LOST;
        SAY(c, "The end of the record is lost. ");
    } else if (!s->head_met || s->head_passed) {
        c->report.loss = JOURNAL_HEAD_DAMAGED;
        SAY(c, "The head file does not belong to this record: at event %llu it has another hash. ",
            show(head->head.seq));
    } else {
        c->report.loss = JOURNAL_WHOLE;
        if (head->slots_bad > 0)
            SAY(c, "One of the two slots of the head file cannot be read (a write was cut); the "
                   "other one holds. ");
        return;
    }
    say_kept(c);
    say_recover(c);
}

/* Where a quick check begins: QUICK_FRAMES before the end, or at the head when that is earlier. */
static int quick_start(struct journal_check *c, uint64_t *ret, struct mw_error *err)
{
    uint64_t at_head = UINT64_MAX;
    int rc = frames_from_end(c->db, QUICK_FRAMES, ret, err);
    if (rc == 0 && c->head->generation > 0 && c->head->head.seq > 0)
        rc = frames_find(c->db, c->head->head.seq, &at_head, err);
    *ret = MW_MIN(*ret, at_head);
    *ret = MW_MAX(*ret, 1);
    return rc;
}

int journal_check_quick(struct journal_check *c, struct mw_error *err)
{
    struct scan s = {.groups = 0};
    uint64_t from = 1;
    struct mw_error why;
    int rc = quick_start(c, &from, &why);
    if (rc == 0)
        rc = scan_run(c, from, &s, err);
    if (rc != 0 && !is_damage(rc))
        return rc;
    if (rc == 0)
        judge(c, &s);
    if (rc == 0 && c->report.loss == JOURNAL_WHOLE)
        return 0;
    rc = scan_run(c, 1, &s, err);
    if (rc == 0)
        judge(c, &s);
    return rc;
}

/* The record holds, something beside it does not. */
static void say_beside(struct journal_check *c, const char *why)
{
    c->report.loss = JOURNAL_DAMAGED;
    SAY(c, "The events are whole, but the database around them is damaged: %s. ", why);
    say_kept(c);
    say_recover(c);
}

struct blob_count {
    uint32_t bad;
    char first[MW_HEX256_MAX];
};

static int count_blob(void *ctx, const uint8_t sha256[MW_SHA256_SIZE], const void *data,
                      size_t size)
{
    struct blob_count *n = ctx;
    (void)size;
    if (data == NULL && n->bad++ == 0)
        mw_hex256(sha256, n->first);
    return 0;
}

/* The record itself holds; what lies beside it may not. */
static int check_beside(struct journal_check *c, struct mw_error *err)
{
    struct blob_count n = {.bad = 0};
    char why[160] = "";
    struct mw_error text = {.text = ""};
    int rc = database_each_blob(c->db, count_blob, &n, &text);
    if (rc != 0 && !is_damage(rc))
        return mw_fail(err, rc, "%s", text.text);
    if (rc != 0)
        words(why, sizeof(why), "%s", text.text);
    else if (n.bad > 0)
        words(why, sizeof(why), "%u stored file(s) with another hash, the first is %s", n.bad,
              n.first);
    else
        rc = database_structure(c->db, why, sizeof(why), &text);
    if (rc != 0 && why[0] == '\0')
        words(why, sizeof(why), "%s", text.text);
    if (why[0] != '\0')
        say_beside(c, why);
    return 0;
}

/* A damaged snapshot costs time at the next start, nothing else. */
static int check_snapshots(struct journal_check *c, struct mw_error *err)
{
    struct snapshot_list l;
    int rc = snapshot_list(c->dir_fd, &l, err);
    uint32_t bad = 0;
    for (uint32_t i = 0; rc == 0 && i < l.length; i++) {
        struct snapshot s = {.data = NULL};
        rc = snapshot_load(c->dir_fd, l.seq[i], &s, err);
        mw_free(s.data);
        bad += rc == MW_ECORRUPT || rc == MW_EVERSION;
        if (rc == MW_ECORRUPT || rc == MW_EVERSION || rc == MW_ENOTFOUND)
            rc = 0;
    }
    if (rc == 0 && bad > 0)
        SAY(c, "%u of %u snapshots cannot be used; nothing is lost, the next start takes longer.",
            bad, l.length);
    return rc;
}

int journal_check_all(struct journal_check *c, struct mw_error *err)
{
    struct scan s;
    int rc = scan_run(c, 1, &s, err);
    if (rc != 0)
        return rc;
    judge(c, &s);
    if (c->report.loss == JOURNAL_WHOLE)
        rc = check_beside(c, err);
    return rc == 0 ? check_snapshots(c, err) : rc;
}

void journal_check_versions(struct journal_check *c, const char *why)
{
    say_beside(c, why);
}

void journal_check_unreadable(struct journal_check *c, const char *why)
{
    struct scan s = {.broken = true};
    words(s.why, sizeof(s.why), "%s", why);
    judge(c, &s);
}

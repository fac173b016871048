/*
 * The sender's side: a table of readings, and the frames that say what changed.
 * Never sends; knows no clock.
 */
#include "signal/samples.h"

#include <string.h>

#include "base/mem.h"

#define UNSAID UINT16_MAX
#define VARINT_MAX 10

struct samples_row {
    int64_t value, said_value; /* said_value: 0 while the other side has none */
    uint32_t instance;
    uint16_t metric;
    uint16_t number; /* on this connection; UNSAID */
    bool here, said; /* it has a value; the other side knows one */
};

_Static_assert(SAMPLES_SERIES_MAX < UNSAID, "rows are numbered in 16 bits");

/* ---- the table ------------------------------------------------------------------------------ */

int samples_init(struct samples *s, uint32_t series_max)
{
    must(s != NULL);
    *s = (struct samples){ 0 };
    if (series_max == 0 || series_max > SAMPLES_SERIES_MAX)
        return MW_EINVAL;
    s->row = mw_calloc(series_max, sizeof(*s->row));
    s->sorted = mw_calloc(series_max, sizeof(*s->sorted));
    s->said = mw_calloc(series_max, sizeof(*s->said));
    s->series_max = series_max;
    if (s->row && s->sorted && s->said)
        return 0;
    samples_fini(s);
    return MW_ENOMEM;
}

void samples_fini(struct samples *s)
{
    mw_free(s->row);
    mw_free(s->sorted);
    mw_free(s->said);
    *s = (struct samples){ 0 };
}

static uint64_t key_of(uint32_t metric, uint32_t instance)
{
    return (uint64_t)metric << 32 | instance;
}

/* Where in `sorted` the first row stands whose key is not below this one. */
static uint32_t find_place(const struct samples *s, uint64_t key)
{
    uint32_t low = 0, high = s->rows;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        const struct samples_row *r = &s->row[s->sorted[mid]];
        if (key_of(r->metric, r->instance) < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static struct samples_row *find(const struct samples *s, uint32_t metric, uint32_t instance)
{
    uint32_t place = find_place(s, key_of(metric, instance));
    if (place == s->rows)
        return NULL;
    struct samples_row *r = &s->row[s->sorted[place]];
    return r->metric == metric && r->instance == instance ? r : NULL;
}

static struct samples_row *find_or_add(struct samples *s, uint32_t metric, uint32_t instance)
{
    struct samples_row *found = find(s, metric, instance);
    if (found)
        return found;
    if (s->rows == s->series_max || metric_of(metric) == NULL || instance > METRIC_INSTANCE_MAX) {
        s->left_out++;
        return NULL;
    }
    uint32_t place = find_place(s, key_of(metric, instance));
    memmove(&s->sorted[place + 1], &s->sorted[place], (s->rows - place) * sizeof(*s->sorted));
    s->sorted[place] = (uint16_t)s->rows;
    s->row[s->rows] = (struct samples_row){ .metric = (uint16_t)metric, .instance = instance,
                                            .number = UNSAID };
    return &s->row[s->rows++];
}

/* Does the next frame have something to say of it? */
static bool is_changed(const struct samples_row *r)
{
    return r->here != r->said || (r->here && r->value != r->said_value);
}

static void set(struct samples *s, struct samples_row *r, bool here, int64_t value)
{
    s->changed -= is_changed(r);
    r->here = here;
    r->value = value;
    s->changed += is_changed(r);
    s->encoded_rows = 0; /* what was encoded is not what is here any more */
}

void samples_put_int(struct samples *s, uint32_t metric, uint32_t instance, int64_t value)
{
    must(s && s->row);
    struct samples_row *r = find_or_add(s, metric, instance);
    if (r)
        set(s, r, true, value);
}

void samples_put(struct samples *s, uint32_t metric, uint32_t instance, double value)
{
    const struct metric *m = metric_of(metric);
    if (value != value)
        samples_gone(s, metric, instance);
    else if (m == NULL)
        s->left_out++;
    else
        samples_put_int(s, metric, instance, metric_steps(m, value));
}

void samples_gone(struct samples *s, uint32_t metric, uint32_t instance)
{
    must(s && s->row);
    struct samples_row *r = find(s, metric, instance);
    if (r)
        set(s, r, false, 0);
}

void samples_gone_all(struct samples *s, uint32_t metric)
{
    must(s && s->row);
    for (uint32_t at = find_place(s, key_of(metric, 0)); at < s->rows; at++) {
        struct samples_row *r = &s->row[s->sorted[at]];
        if (r->metric != metric)
            return;
        set(s, r, false, 0);
    }
}

bool samples_get(const struct samples *s, uint32_t metric, uint32_t instance, int64_t *ret)
{
    must(s && s->row && ret);
    const struct samples_row *r = find(s, metric, instance);
    if (!r || !r->here)
        return false;
    *ret = r->value;
    return true;
}

/* The order of first put stays; `sorted` is made again of what is left. */
static void forget_gone(struct samples *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->rows; i++) {
        s->said[i] = UNSAID; /* for now: where a row went */
        if (!s->row[i].here)
            continue;
        s->row[kept] = s->row[i];
        s->said[i] = (uint16_t)kept++;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < s->rows; i++)
        if (s->said[s->sorted[i]] != UNSAID)
            s->sorted[at++] = s->said[s->sorted[i]];
    must(at == kept);
    s->rows = kept;
}

void samples_again(struct samples *s)
{
    must(s && s->row);
    forget_gone(s);
    for (uint32_t i = 0; i < s->rows; i++) {
        s->row[i].number = UNSAID;
        s->row[i].said = false;
        s->row[i].said_value = 0;
    }
    s->rows_said = 0;
    s->changed = s->rows;
    s->encoded_rows = 0;
}

/* ---- frames --------------------------------------------------------------------------------- */

static uint8_t *put_varint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static uint64_t zigzag(uint64_t delta)
{
    return delta << 1 ^ (uint64_t)((int64_t)delta >> 63);
}

/* What one frame says: all changed rows in the order of `row` before `end`, as many as fit. */
struct plan {
    uint32_t end, defines, values, gones;
};

static uint32_t varint_size(uint64_t v)
{
    uint32_t n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

/* An upper bound of what a changed row takes: its gap may be up to the highest row number. */
static size_t cost_of(const struct samples *s, const struct samples_row *r)
{
    uint32_t gap = varint_size(s->rows);
    if (!r->here)
        return gap;
    uint64_t delta = (uint64_t)r->value - (uint64_t)r->said_value;
    size_t cost = gap + varint_size(zigzag(delta));
    if (r->number == UNSAID)
        cost += varint_size(r->metric) + varint_size(r->instance);
    return cost;
}

static struct plan plan(const struct samples *s, size_t room)
{
    struct plan p = { 0 };
    for (; p.end < s->rows; p.end++) {
        const struct samples_row *r = &s->row[p.end];
        if (!is_changed(r))
            continue;
        size_t cost = cost_of(s, r);
        if (cost > room)
            return p;
        room -= cost;
        p.defines += r->here && r->number == UNSAID;
        p.values += r->here;
        p.gones += !r->here;
    }
    return p;
}

/* The row with this number on the connection, as it will be when the frame is read. */
static uint32_t row_with(const struct samples *s, uint32_t number, uint32_t *next_new)
{
    if (number < s->rows_said)
        return s->said[number];
    uint32_t i = *next_new; /* new rows are numbered in the order of `row` */
    while (!(s->row[i].number == UNSAID && s->row[i].here))
        i++;
    *next_new = i + 1;
    return i;
}

/* Values (here) or ends (not here) of the rows that the plan covers, by ascending number. */
static uint8_t *put_rows(const struct samples *s, const struct plan *p, bool here, uint8_t *to)
{
    uint32_t last = 0, next_new = 0;
    for (uint32_t number = 0; number < s->rows_said + p->defines; number++) {
        uint32_t i = row_with(s, number, &next_new);
        const struct samples_row *r = &s->row[i];
        if (i >= p->end || !is_changed(r) || r->here != here)
            continue;
        to = put_varint(to, number - last);
        last = number + 1;
        if (here)
            to = put_varint(to, zigzag((uint64_t)r->value - (uint64_t)r->said_value));
    }
    return to;
}

size_t samples_encode(struct samples *s, const struct sample_head *h, uint8_t *to, size_t size)
{
    must(s && s->row && h && to);
    if (size < SAMPLES_SIZE_LEAST)
        return 0;
    /* Seven numbers in front; the rest is for rows. */
    size_t most = MW_MIN(size, (size_t)SAMPLES_SIZE_MAX);
    struct plan p = plan(s, most - (size_t)7 * VARINT_MAX);
    uint8_t *at = put_varint(to, h->machine);
    at = put_varint(at, h->seq);
    at = put_varint(at, (uint64_t)h->wall_ms);
    at = put_varint(at, h->coalesced);
    at = put_varint(at, p.defines);
    for (uint32_t i = 0; i < p.end; i++) {
        const struct samples_row *r = &s->row[i];
        if (!r->here || r->number != UNSAID)
            continue;
        at = put_varint(at, r->metric);
        at = put_varint(at, r->instance);
    }
    at = put_varint(at, p.values);
    at = put_rows(s, &p, true, at);
    at = put_varint(at, p.gones);
    at = put_rows(s, &p, false, at);
    must((size_t)(at - to) <= most);
    s->encoded_rows = p.end + 1;
    s->encoded_said = p.defines;
    return (size_t)(at - to);
}

void samples_commit(struct samples *s)
{
    must(s && s->row && s->encoded_rows > 0); /* nothing was put since samples_encode() */
    for (uint32_t i = 0; i < s->encoded_rows - 1; i++) {
        struct samples_row *r = &s->row[i];
        if (!is_changed(r))
            continue;
        if (r->here && r->number == UNSAID) {
            s->said[s->rows_said] = (uint16_t)i;
            r->number = (uint16_t)s->rows_said++;
        }
        r->said = r->here;
        r->said_value = r->here ? r->value : 0;
        s->changed--;
    }
    s->encoded_rows = 0;
}

/*
 * The receiver's side: a bounded cursor over the bytes of one frame.  Keeps no
 * rows; whoever reads does.
 */
#include "signal/samples.h"

enum { PART_DEFINES, PART_VALUES, PART_GONE, PART_END };

/* False: the bytes end, or the number has more than 64 bits or is longer than it need be. */
static bool take(struct sample_reader *r, uint64_t *ret)
{
    uint64_t v = 0;
    for (uint32_t shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        *ret = v;
        return byte != 0 || shift == 0;
    }
    return false;
}

static bool take_u32(struct sample_reader *r, uint64_t most, uint32_t *ret)
{
    uint64_t v;
    if (!take(r, &v) || v > most)
        return false;
    *ret = (uint32_t)v;
    return true;
}

static int corrupt(struct mw_error *err, const char *what)
{
    return mw_fail(err, MW_ECORRUPT, "the samples are damaged: %s", what);
}

int sample_reader_open(struct sample_reader *r, const uint8_t *data, size_t size,
                       struct mw_error *err)
{
    must(r && (data || size == 0));
    uint64_t wall;
    *r = (struct sample_reader){ .at = data, .end = data + size };
    if (size > SAMPLES_SIZE_MAX)
        return corrupt(err, "too long");
    if (!take_u32(r, UINT32_MAX, &r->head.machine) || !take(r, &r->head.seq) || !take(r, &wall) ||
        wall > INT64_MAX || !take_u32(r, UINT32_MAX, &r->head.coalesced))
        return corrupt(err, "its head");
    r->head.wall_ms = (int64_t)wall;
    if (!take_u32(r, SAMPLES_SERIES_MAX, &r->left))
        return corrupt(err, "the count of definitions");
    return 0;
}

static int next_row(struct sample_reader *r, struct sample_entry *ret, struct mw_error *err)
{
    uint64_t zigzag;
    uint32_t gap;
    if (!take_u32(r, SAMPLES_SERIES_MAX, &gap) || r->next + gap >= SAMPLES_SERIES_MAX)
        return corrupt(err, "the number of a row");
    ret->row = r->next + gap;
    r->next = ret->row + 1;
    ret->what = SAMPLE_GONE;
    if (r->part == PART_GONE)
        return 0;
    if (!take(r, &zigzag))
        return corrupt(err, "a value");
    ret->what = SAMPLE_VALUE;
    ret->delta = zigzag >> 1 ^ (0 - (zigzag & 1));
    return 0;
}

int sample_reader_next(struct sample_reader *r, struct sample_entry *ret, struct mw_error *err)
{
    must(r && ret);
    while (r->left == 0 && r->part < PART_GONE) {
        r->part++;
        r->next = 0;
        if (!take_u32(r, SAMPLES_SERIES_MAX, &r->left))
            return corrupt(err, "a count");
    }
    *ret = (struct sample_entry){ 0 };
    if (r->left == 0) {
        r->part = PART_END;
        return r->at == r->end ? 0 : corrupt(err, "bytes are left over");
    }
    r->left--;
    if (r->part != PART_DEFINES)
        return next_row(r, ret, err);
    uint32_t metric;
    if (!take_u32(r, METRIC_NUMBER_MAX, &metric) ||
        !take_u32(r, METRIC_INSTANCE_MAX, &ret->instance))
        return corrupt(err, "a definition");
    ret->what = SAMPLE_DEFINES;
    ret->metric = (uint16_t)metric;
    return 0;
}

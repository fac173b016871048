/*
 * Rows of history written, and read one at a time.  Owns the order of columns
 * together with the names in history_private.h.
 */
#include "store/history_private.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/units.h"

/* Columns are bound and read in order. */
struct binding {
    sqlite3_stmt *s;
    int at;
};

static void bind(struct binding *b, int64_t value)
{
    (void)sqlite3_bind_int64(b->s, ++b->at, value);
}

static int64_t take(struct binding *b)
{
    return sqlite3_column_int64(b->s, b->at++);
}

static uint32_t take32(struct binding *b)
{
    return (uint32_t)take(b);
}

/* ---- incidents ------------------------------------------------------------------------------ */

void history_incident_put(struct history_store *h, const struct history_incident *row)
{
    struct binding b = { .s = history_stmt(h, SQL_PUT_INCIDENT) };
    must(row && row->incident);
    if (!b.s)
        return;
    bind(&b, (int64_t)row->incident);
    bind(&b, (int64_t)row->closed_seq);
    bind(&b, (int64_t)row->parent);
    bind(&b, (int64_t)row->component);
    bind(&b, row->opened_ms);
    bind(&b, row->closed_ms);
    bind(&b, row->lost_gpu_ms);
    bind(&b, row->node);
    bind(&b, row->class);
    bind(&b, row->findings);
    bind(&b, row->symptoms);
    bind(&b, row->steps);
    bind(&b, row->step);
    bind(&b, row->cured);
    history_write(h, b.s);
}

void history_take_incident(sqlite3_stmt *s, struct history_incident *ret)
{
    struct binding b = { .s = s };
    *ret = (struct history_incident){ 0 };
    ret->incident = (uint64_t)take(&b);
    ret->closed_seq = (uint64_t)take(&b);
    ret->parent = (uint64_t)take(&b);
    ret->component = (uint64_t)take(&b);
    ret->opened_ms = take(&b);
    ret->closed_ms = take(&b);
    ret->lost_gpu_ms = take(&b);
    ret->node = take32(&b);
    ret->class = take32(&b);
    ret->findings = take32(&b);
    ret->symptoms = take32(&b);
    ret->steps = take32(&b);
    ret->step = (uint8_t)take(&b);
    ret->cured = take(&b) != 0;
}

bool history_incident_get(struct history_store *h, uint64_t incident,
                          struct history_incident *ret)
{
    sqlite3_stmt *s = history_stmt(h, SQL_GET_INCIDENT);
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)incident);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (found)
        history_take_incident(s, ret);
    (void)sqlite3_reset(s);
    return found;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

void history_job_put(struct history_store *h, const struct history_job *row)
{
    struct binding b = { .s = history_stmt(h, SQL_PUT_JOB) };
    must(row && row->submitted_seq);
    if (!b.s)
        return;
    bind(&b, (int64_t)row->submitted_seq);
    bind(&b, (int64_t)row->job);
    bind(&b, (int64_t)row->ended_seq);
    bind(&b, row->submitted_ms);
    bind(&b, row->started_ms);
    bind(&b, row->ended_ms);
    bind(&b, row->placed_ms);
    bind(&b, row->held_gpu_ms);
    bind(&b, row->high_ms);
    bind(&b, row->checkpoint_ms);
    bind(&b, row->tenant);
    bind(&b, row->gpus);
    bind(&b, row->nodes);
    bind(&b, row->attempts);
    bind(&b, row->held_gpus);
    bind(&b, row->priority);
    bind(&b, row->flags);
    bind(&b, row->how);
    (void)sqlite3_bind_text(b.s, ++b.at, row->name, -1, SQLITE_STATIC);
    history_write(h, b.s);
}

void history_take_job(sqlite3_stmt *s, struct history_job *ret)
{
    struct binding b = { .s = s };
    *ret = (struct history_job){ 0 };
    ret->submitted_seq = (uint64_t)take(&b);
    ret->job = (uint64_t)take(&b);
    ret->ended_seq = (uint64_t)take(&b);
    ret->submitted_ms = take(&b);
    ret->started_ms = take(&b);
    ret->ended_ms = take(&b);
    ret->placed_ms = take(&b);
    ret->held_gpu_ms = take(&b);
    ret->high_ms = take(&b);
    ret->checkpoint_ms = take(&b);
    ret->tenant = take32(&b);
    ret->gpus = take32(&b);
    ret->nodes = take32(&b);
    ret->attempts = take32(&b);
    ret->held_gpus = take32(&b);
    ret->priority = (uint8_t)take(&b);
    ret->flags = (uint8_t)take(&b);
    ret->how = (uint8_t)take(&b);
    const unsigned char *name = sqlite3_column_text(s, b.at);
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name ? (const char *)name : "");
}

static bool get_job(struct history_store *h, enum history_sql which, uint64_t job,
                    struct history_job *ret)
{
    sqlite3_stmt *s = history_stmt(h, which);
    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)job);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (found)
        history_take_job(s, ret);
    (void)sqlite3_reset(s);
    return found;
}

bool history_job_live(struct history_store *h, uint64_t job, struct history_job *ret)
{
    return get_job(h, SQL_LIVE_JOB, job, ret);
}

bool history_job_get(struct history_store *h, uint64_t job, struct history_job *ret)
{
    return get_job(h, SQL_GET_JOB, job, ret);
}

int64_t history_job_productive(const struct history_job *row)
{
    if (row->high_ms == 0)
        return row->how == HOW_DONE ? row->held_gpu_ms : 0;
    return MW_MIN(row->high_ms * (int64_t)row->held_gpus, row->held_gpu_ms);
}

int64_t history_job_lost(const struct history_job *row)
{
    return row->held_gpu_ms - history_job_productive(row);
}

/* ---- samples -------------------------------------------------------------------------------- */

/* Only causes that cost something are written: a number and GPU-ms, both int64. */
static uint32_t pack_lost(const struct history_sample *row, int64_t ret[CAUSE_COUNT * 2])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < CAUSE_COUNT; i++) {
        if (row->lost_by[i] == 0)
            continue;
        ret[n++] = i;
        ret[n++] = row->lost_by[i];
    }
    return n;
}

void history_sample_put(struct history_store *h, const struct history_sample *row)
{
    struct binding b = { .s = history_stmt(h, SQL_PUT_SAMPLE) };
    int64_t lost[CAUSE_COUNT * 2];
    if (!b.s)
        return;
    bind(&b, row->time_ms);
    bind(&b, (int64_t)row->seq);
    bind(&b, row->productive_gpu_ms);
    bind(&b, row->available_gpu_ms);
    bind(&b, row->ettr_productive_gpu_ms);
    bind(&b, row->ettr_wall_gpu_ms);
    bind(&b, row->lost_gpu_ms);
    bind(&b, row->lost_uusd);
    bind(&b, row->power_w);
    bind(&b, row->gpus_healthy);
    bind(&b, row->gpus_busy);
    bind(&b, row->incidents_open);
    bind(&b, row->jobs_running);
    bind(&b, row->jobs_queued);
    bind(&b, row->orders_open);
    uint32_t n = pack_lost(row, lost);
    if (n > 0)
        (void)sqlite3_bind_blob(b.s, ++b.at, lost, (int)(n * sizeof(lost[0])), SQLITE_STATIC);
    else
        (void)sqlite3_bind_zeroblob(b.s, ++b.at, 0);
    history_write(h, b.s);
}

static void unpack_lost(const void *bytes, int size, int64_t ret[CAUSE_COUNT])
{
    int64_t pair[2];
    for (int at = 0; at + (int)sizeof(pair) <= size; at += (int)sizeof(pair)) {
        memcpy(pair, (const char *)bytes + at, sizeof(pair));
        if (pair[0] >= 0 && pair[0] < CAUSE_COUNT)
            ret[pair[0]] = pair[1];
    }
}

void history_take_sample(sqlite3_stmt *s, struct history_sample *ret)
{
    struct binding b = { .s = s };
    *ret = (struct history_sample){ 0 };
    ret->time_ms = take(&b);
    ret->seq = (uint64_t)take(&b);
    ret->productive_gpu_ms = take(&b);
    ret->available_gpu_ms = take(&b);
    ret->ettr_productive_gpu_ms = take(&b);
    ret->ettr_wall_gpu_ms = take(&b);
    ret->lost_gpu_ms = take(&b);
    ret->lost_uusd = take(&b);
    ret->power_w = take(&b);
    ret->gpus_healthy = take32(&b);
    ret->gpus_busy = take32(&b);
    ret->incidents_open = take32(&b);
    ret->jobs_running = take32(&b);
    ret->jobs_queued = take32(&b);
    ret->orders_open = take32(&b);
    const void *lost = sqlite3_column_blob(s, b.at);
    if (lost)
        unpack_lost(lost, sqlite3_column_bytes(s, b.at), ret->lost_by);
}

static bool get_sample(struct history_store *h, enum history_sql which, int64_t time_ms,
                       struct history_sample *ret)
{
    sqlite3_stmt *s = history_stmt(h, which);
    (void)sqlite3_bind_int64(s, 1, time_ms);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    if (found)
        history_take_sample(s, ret);
    (void)sqlite3_reset(s);
    return found;
}

bool history_sample_before(struct history_store *h, int64_t time_ms, struct history_sample *ret)
{
    return get_sample(h, SQL_SAMPLE_BEFORE, time_ms, ret);
}

bool history_sample_after(struct history_store *h, int64_t time_ms, struct history_sample *ret)
{
    return get_sample(h, SQL_SAMPLE_AFTER, time_ms, ret);
}

/* ---- the heat map --------------------------------------------------------------------------- */

void history_heat_put(struct history_store *h, int64_t time_ms, const uint8_t *mark, uint32_t gpus)
{
    uLongf size = compressBound(gpus);
    void *packed mw_cleanup(mw_freep) = mw_calloc(1, size);
    if (!packed || compress2(packed, &size, mark, gpus, Z_BEST_SPEED) != Z_OK)
        return; /* a frame less: the one before it is shown */
    sqlite3_stmt *s = history_stmt(h, SQL_PUT_HEAT);
    if (s) {
        (void)sqlite3_bind_int64(s, 1, time_ms);
        (void)sqlite3_bind_int64(s, 2, gpus);
        (void)sqlite3_bind_blob(s, 3, packed, (int)size, SQLITE_STATIC);
        history_write(h, s);
    }
    s = h->stopped ? NULL : history_stmt(h, SQL_PRUNE_HEAT);
    if (s) {
        (void)sqlite3_bind_int64(s, 1, time_ms - HISTORY_HEAT_MS);
        history_write(h, s);
    }
}

int history_heat_get(struct history_store *h, int64_t time_ms, uint8_t *ret, uint32_t gpus,
                     int64_t *ret_time_ms)
{
    sqlite3_stmt *s = history_stmt(h, SQL_GET_HEAT);
    (void)sqlite3_bind_int64(s, 1, time_ms);
    uLongf size = gpus;
    bool good = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 1) == (int64_t)gpus &&
                uncompress(ret, &size, sqlite3_column_blob(s, 2),
                           (uLong)sqlite3_column_bytes(s, 2)) == Z_OK &&
                size == gpus;
    if (good)
        *ret_time_ms = sqlite3_column_int64(s, 0);
    (void)sqlite3_reset(s);
    return good ? 0 : MW_ENOTFOUND;
}

/* ---- notes ---------------------------------------------------------------------------------- */

void history_note_put(struct history_store *h, const struct history_note *row)
{
    struct binding b = { .s = history_stmt(h, SQL_PUT_NOTE) };
    if (!b.s)
        return;
    bind(&b, (int64_t)row->seq);
    bind(&b, row->time_ms);
    bind(&b, row->kind);
    bind(&b, row->how);
    history_write(h, b.s);
}

/*
 * Reads the CSV of a job trace.  Owns nothing after it returns; believes
 * nothing: every field is parsed whole and bounded.
 */
#include "sim/job_trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

#define ROWS_MAX 10000000u
#define FIELDS_MAX 32u
#define FIELD_BYTES_MAX 63u
#define TENANTS_MAX 65536u
#define SECONDS_MAX 3.2e9 /* 100 years */
#define GPUS_MAX 1000000u

enum { COL_TIME, COL_DURATION, COL_GPUS, COL_CLUSTER, COL_COUNT };
static const char *const col_name[COL_COUNT] = {"timestamp", "duration", "num_gpus", "cluster"};

struct line {
    const char *at, *end; /* without the line break */
};

struct reader {
    const char *at, *end;
    uint32_t line;
    uint32_t column[COL_COUNT]; /* place in a row, MW_NONE */
    struct map tenants;
    uint32_t tenant_count;
    struct mw_error *err;
};

static int bad(const struct reader *r, uint32_t col, const char *what)
{
    return mw_fail(r->err, MW_ESYNTAX, "job trace: line %u: field \"%s\" %s", r->line,
                   col_name[col], what);
}

static bool next_line(struct reader *r, struct line *ret)
{
    if (r->at == r->end)
        return false;
    const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
    ret->at = r->at;
    ret->end = stop == NULL ? r->end : stop;
    r->at = stop == NULL ? r->end : stop + 1;
    if (ret->end > ret->at && ret->end[-1] == '\r')
        ret->end--;
    r->line++;
    return true;
}

/* The n-th field of a line into buf; false when it is absent or too long. */
static bool field(struct line l, uint32_t n, char buf[FIELD_BYTES_MAX + 1])
{
    for (uint32_t i = 0;; i++) {
        const char *comma = memchr(l.at, ',', (size_t)(l.end - l.at));
        const char *stop = comma == NULL ? l.end : comma;
        size_t length = (size_t)(stop - l.at);
        if (i == n) {
            if (length > FIELD_BYTES_MAX || memchr(l.at, '\0', length) != NULL)
                return false;
            memcpy(buf, l.at, length);
            buf[length] = '\0';
            return true;
        }
        if (comma == NULL)
            return false;
        l.at = comma + 1;
    }
}

static int read_heading(struct reader *r)
{
    struct line l;
    char name[FIELD_BYTES_MAX + 1];

    for (uint32_t c = 0; c < COL_COUNT; c++)
        r->column[c] = MW_NONE;
    if (!next_line(r, &l))
        return mw_fail(r->err, MW_ESYNTAX, "job trace: is empty; line 1 names the columns");
    for (uint32_t i = 0; i < FIELDS_MAX && field(l, i, name); i++)
        for (uint32_t c = 0; c < COL_COUNT; c++)
            if (strcmp(name, col_name[c]) == 0)
                r->column[c] = i;
    for (uint32_t c = 0; c < COL_CLUSTER; c++)
        if (r->column[c] == MW_NONE)
            return mw_fail(r->err, MW_ESYNTAX,
                           "job trace: line 1: there is no column \"%s\"; the heading must have "
                           "timestamp, duration and num_gpus",
                           col_name[c]);
    return 0;
}

/* "2017-10-09 07:01:55" or any form of mw_parse_time. */
static int read_time(const struct reader *r, char *text, int64_t *ret)
{
    char iso[FIELD_BYTES_MAX + 3];
    size_t length = strlen(text);

    memcpy(iso, text, length + 1);
    if (length >= 19 && iso[10] == ' ') {
        iso[10] = 'T';
        memcpy(iso + length, "Z", 2);
    }
    if (mw_parse_time(iso, ret) != 0)
        return bad(r, COL_TIME, "is no time like 2017-10-09 07:01:55");
    return 0;
}

/* The number of a cluster's name: rows of a map by hash, so equal hashes would share a tenant. */
static int read_tenant(struct reader *r, const char *name, uint32_t *ret)
{
    uint64_t key = mw_hash64_of(name, strlen(name));
    uint32_t row = map_get(&r->tenants, key);

    if (row == MW_NONE) {
        if (r->tenant_count == TENANTS_MAX)
            return bad(r, COL_CLUSTER, "is one name too many: the limit is 65,536");
        row = r->tenant_count++;
        map_put(&r->tenants, key, row);
    }
    *ret = row + 1;
    return 0;
}

static int read_row(struct reader *r, struct line l, struct trace_job *ret)
{
    char text[COL_COUNT][FIELD_BYTES_MAX + 1];
    double seconds;
    uint64_t gpus;

    for (uint32_t c = 0; c < COL_COUNT; c++)
        if (r->column[c] != MW_NONE && !field(l, r->column[c], text[c]))
            return bad(r, c, "is missing or over 63 bytes");
    int rc = read_time(r, text[COL_TIME], &ret->submit_ns);
    if (rc != 0)
        return rc;
    if (mw_parse_double(text[COL_DURATION], &seconds) != 0 || seconds < 0 || seconds > SECONDS_MAX)
        return bad(r, COL_DURATION, "is no number of seconds from 0 to 3.2e9");
    if (mw_parse_u64(text[COL_GPUS], &gpus) != 0 || gpus == 0 || gpus > GPUS_MAX)
        return bad(r, COL_GPUS, "is no whole number from 1 to 1,000,000");
    ret->work_ms = MW_MAX((int64_t)(seconds * 1e3 + 0.5), 1);
    ret->gpus = (uint32_t)gpus;
    ret->line = r->line;
    ret->tenant = 1;
    return r->column[COL_CLUSTER] == MW_NONE ? 0 : read_tenant(r, text[COL_CLUSTER], &ret->tenant);
}

static int compare_jobs(const void *a, const void *b)
{
    const struct trace_job *x = a, *y = b;

    if (x->submit_ns != y->submit_ns)
        return x->submit_ns < y->submit_ns ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static int count_lines(const struct reader *r, uint32_t *ret)
{
    uint64_t lines = 1;

    for (const char *at = r->at; at < r->end && (at = memchr(at, '\n', (size_t)(r->end - at)));
         at++)
        lines++;
    if (lines > ROWS_MAX)
        return mw_fail(r->err, MW_ELIMIT, "job trace: has over %u lines", ROWS_MAX);
    *ret = (uint32_t)lines;
    return 0;
}

static int read_rows(struct reader *r, struct trace_job *job, uint32_t *ret_n)
{
    struct line l;
    uint32_t n = 0;

    while (next_line(r, &l)) {
        if (l.at == l.end)
            continue;
        int rc = read_row(r, l, &job[n]);
        if (rc != 0)
            return rc;
        n++;
    }
    if (n == 0)
        return mw_fail(r->err, MW_EINVAL, "job trace: has a heading and no job");
    qsort(job, n, sizeof(*job), compare_jobs);
    int64_t first = job[0].submit_ns;
    for (uint32_t i = 0; i < n; i++)
        if (__builtin_sub_overflow(job[i].submit_ns, first, &job[i].submit_ns)) {
            r->line = job[i].line;
            return bad(r, COL_TIME, "is over 292 years after the first");
        }
    *ret_n = n;
    return 0;
}

int job_trace_parse(const char *csv, size_t size, struct trace_job **ret, uint32_t *ret_n,
                    struct mw_error *err)
{
    struct reader r = {.at = csv, .end = csv + size, .err = err};
    struct trace_job *job mw_cleanup(mw_freep) = NULL;
    uint32_t lines;

    must(csv != NULL && ret != NULL && ret_n != NULL);
    int rc = count_lines(&r, &lines);
    if (rc == 0)
        rc = read_heading(&r);
    if (rc != 0)
        return rc;
    job = mw_calloc(lines, sizeof(*job));
    if (job == NULL || map_init(&r.tenants, MW_MIN(lines, TENANTS_MAX)) != 0)
        return mw_fail(err, MW_ENOMEM, "job trace: out of memory for %u lines", lines);
    rc = read_rows(&r, job, ret_n);
    map_fini(&r.tenants);
    if (rc == 0)
        *ret = TAKE(job);
    return rc;
}

/*
 * Reads the CSV of a straggler trace row by row.  Columns are found by their
 * names in the first line; others are ignored.  No quoting: no value of these
 * columns needs it.
 */
#include "signal/straggler_csv.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "signal/straggler_trace.h"

#define FIELDS_MAX 64
#define FIELD_BYTES_MAX 64 /* ending included */

enum column { DP_RANK, STAGE, RANK, STEP, OPTYPE, START, DURATION, SEQ, MC, MB, GMC, COLUMNS };

static const struct column_rule {
    const char *name;
    int64_t min, max; /* of whole numbers */
    bool optional;    /* empty = -1 */
} rules[COLUMNS] = {
    [DP_RANK] = { "dp_rank", 0, STRAGGLER_DPS_MAX - 1, false },
    [STAGE] = { "stage", 0, STRAGGLER_STAGES_MAX - 1, false },
    [RANK] = { "rank", 0, INT32_MAX, false },
    [STEP] = { "step", 0, INT64_C(1) << 53, false },
    [OPTYPE] = { "optype", 0, 0, false },
    [START] = { "start_ts", 0, 0, false },
    [DURATION] = { "duration", 0, 0, false },
    [SEQ] = { "seq_id", 0, STRAGGLER_SEQ_MAX - 1, false },
    [MC] = { "mc", -1, STRAGGLER_CHUNKS_MAX - 1, true },
    [MB] = { "mb_id", -1, INT32_MAX, true },
    [GMC] = { "gmc", -1, STRAGGLER_CHUNKS_MAX * STRAGGLER_STAGES_MAX - 1, true },
};

static const char *const kind_names[STRAGGLER_KINDS_MAX] = {
#define X(name, text) [name] = text,
    STRAGGLER_KINDS(X)
#undef X
};

const char *straggler_kind_name(uint32_t kind)
{
    must(kind < STRAGGLER_KINDS_MAX);
    return kind_names[kind];
}

/* Where the reader stands. */
struct reader {
    const char *file;
    const char *at, *end;
    uint32_t line;
    uint32_t fields;            /* in the heading */
    uint32_t place[COLUMNS];    /* field of each column */
    char text[FIELDS_MAX][FIELD_BYTES_MAX];
    uint32_t byte[FIELDS_MAX];  /* column of each field in the line, from 1 */
    struct mw_error *err;
};

static int field_add(struct reader *r, uint32_t n, const char *line, const char *from,
                     const char *to)
{
    uint32_t byte = (uint32_t)(from - line) + 1;
    size_t length = (size_t)(to - from);

    if (n == FIELDS_MAX)
        return mw_fail(r->err, MW_ESYNTAX, "%s:%u:%u: more than %d fields", r->file, r->line, byte,
                       FIELDS_MAX);
    if (length >= FIELD_BYTES_MAX || memchr(from, '\0', length) != NULL)
        return mw_fail(r->err, MW_ESYNTAX, "%s:%u:%u: a field is longer than %d bytes or no text",
                       r->file, r->line, byte, FIELD_BYTES_MAX - 1);
    memcpy(r->text[n], from, length);
    r->text[n][length] = '\0';
    r->byte[n] = byte;
    return 0;
}

/* Splits the next line; *ret_n = 0 for an empty one. */
static int line_next(struct reader *r, uint32_t *ret_n)
{
    const char *line = r->at;
    const char *end = memchr(line, '\n', (size_t)(r->end - line));
    uint32_t n = 0;

    must(r->at < r->end);
    r->line++;
    r->at = end == NULL ? r->end : end + 1;
    if (end == NULL)
        end = r->end;
    if (end > line && end[-1] == '\r')
        end--;
    *ret_n = 0;
    if (end - line > FIELDS_MAX * FIELD_BYTES_MAX)
        return mw_fail(r->err, MW_ESYNTAX, "%s:%u:1: the line is too long for a row of numbers",
                       r->file, r->line);
    for (const char *from = line; line != end; from++) {
        const char *comma = memchr(from, ',', (size_t)(end - from));
        const char *to = comma == NULL ? end : comma;
        int rc = field_add(r, n, line, from, to);
        if (rc != 0)
            return rc;
        n++;
        if (comma == NULL)
            break;
        from = comma;
    }
    *ret_n = n;
    return 0;
}

static int heading_read(struct reader *r)
{
    int rc = r->at == r->end ? 0 : line_next(r, &r->fields);
    if (rc != 0)
        return rc;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        uint32_t i = 0;
        while (i < r->fields && strcmp(r->text[i], rules[c].name) != 0)
            i++;
        if (i == r->fields)
            return mw_fail(r->err, MW_ESYNTAX,
                           "%s:1:1: no column \"%s\"; the first line must name dp_rank, stage, "
                           "rank, step, optype, start_ts, duration, seq_id, mc, mb_id and gmc",
                           r->file, rules[c].name);
        r->place[c] = i;
    }
    return 0;
}

/* Fails at a column of the present line; shows the text without control characters. */
static int fail_at(const struct reader *r, enum column c, const char *what)
{
    char shown[FIELD_BYTES_MAX];
    const char *s = r->text[r->place[c]];
    size_t i = 0;

    for (; s[i] != '\0'; i++)
        shown[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
    shown[i] = '\0';
    return mw_fail(r->err, MW_EINVAL, "%s:%u:%u: %s: \"%s\" is not %s", r->file, r->line,
                   r->byte[r->place[c]], rules[c].name, shown, what);
}

/* A whole number, also written "3.0" as some tools do. */
static int whole(const struct reader *r, enum column c, int64_t *ret)
{
    const char *s = r->text[r->place[c]];
    const struct column_rule *rule = &rules[c];
    char what[96];
    double d;

    if (*s == '\0' && rule->optional) {
        *ret = -1;
        return 0;
    }
    if (mw_parse_i64(s, ret) != 0) {
        *ret = INT64_MIN;
        if (mw_parse_double(s, &d) == 0 && d >= -1.0 && d <= 9007199254740992.0 &&
            (double)(int64_t)d == d)
            *ret = (int64_t)d;
    }
    if (*ret >= rule->min && *ret <= rule->max)
        return 0;
    struct mw_error range;
    (void)mw_fail(&range, MW_EINVAL, "a whole number from %lld to %lld", (long long)rule->min,
                  (long long)rule->max);
    memcpy(what, range.text, sizeof(what) - 1);
    what[sizeof(what) - 1] = '\0';
    return fail_at(r, c, what);
}

static int seconds(const struct reader *r, enum column c, bool signed_, double *ret)
{
    if (mw_parse_double(r->text[r->place[c]], ret) != 0 || *ret > 1e12 ||
        *ret < (signed_ ? -1e12 : 0.0))
        return fail_at(r, c, signed_ ? "a time in seconds"
                                     : "a length of time in seconds, 0 or more");
    return 0;
}

static int kind_read(const struct reader *r, uint8_t *ret)
{
    for (uint8_t k = 0; k < STRAGGLER_KINDS_MAX; k++) {
        if (strcmp(kind_names[k], r->text[r->place[OPTYPE]]) == 0) {
            *ret = k;
            return 0;
        }
    }
    return fail_at(r, OPTYPE, "an operation that this analysis knows (forward-compute, "
                              "forward-send, gc, grads-reduce-scatter ...)");
}

static int row_read(const struct reader *r, struct straggler_row *ret)
{
    static const uint8_t numbers[] = { DP_RANK, STAGE, RANK, STEP, SEQ, MC, MB, GMC };
    int64_t v[COLUMNS] = { 0 };
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < MW_ARRAY_LEN(numbers); i++)
        rc = whole(r, numbers[i], &v[numbers[i]]);
    if (rc == 0)
        rc = kind_read(r, &ret->kind);
    if (rc == 0)
        rc = seconds(r, START, true, &ret->start);
    if (rc == 0)
        rc = seconds(r, DURATION, false, &ret->duration);
    if (rc != 0)
        return rc;
    ret->line = r->line;
    ret->dp = (uint32_t)v[DP_RANK];
    ret->stage = (uint32_t)v[STAGE];
    ret->rank = (uint32_t)v[RANK];
    ret->step = v[STEP];
    ret->seq = (uint32_t)v[SEQ];
    ret->chunk = (int32_t)v[MC];
    ret->chunk_all = (int32_t)v[GMC];
    bool compute = ret->kind == KIND_FORWARD_COMPUTE || ret->kind == KIND_BACKWARD_COMPUTE;
    if (compute && (v[MC] < 0 || v[GMC] < 0))
        return fail_at(r, v[MC] < 0 ? MC : GMC, "a model chunk, which a computation must have");
    return 0;
}

static int rows_read(struct reader *r, struct straggler_row **rows, uint32_t *ret_n)
{
    uint32_t n = 0, room = 0, fields;

    while (r->at < r->end) {
        int rc = line_next(r, &fields);
        if (rc != 0)
            return rc;
        if (fields == 0)
            continue;
        if (fields != r->fields)
            return mw_fail(r->err, MW_ESYNTAX, "%s:%u:1: %u fields where the first line has %u",
                           r->file, r->line, fields, r->fields);
        if (n == STRAGGLER_ROWS_MAX)
            return mw_fail(r->err, MW_ELIMIT, "%s:%u:1: more than %d operations; cut the trace "
                           "to fewer steps", r->file, r->line, STRAGGLER_ROWS_MAX);
        if (n == room) {
            room = room == 0 ? 1024 : room * 2;
            void *more = mw_resize(*rows, room, sizeof(**rows));
            if (more == NULL)
                return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->file);
            *rows = more;
        }
        rc = row_read(r, &(*rows)[n]);
        if (rc != 0)
            return rc;
        n++;
    }
    *ret_n = n;
    return n > 0 ? 0 : mw_fail(r->err, MW_EINVAL, "%s: no operation in it", r->file);
}

int straggler_csv_read(const char *csv, size_t size, const char *file_name,
                       struct straggler_row **ret, uint32_t *ret_n, struct mw_error *err)
{
    struct straggler_row *rows mw_cleanup(mw_freep) = NULL;
    struct reader *r mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*r));

    must(csv != NULL || size == 0);
    if (r == NULL)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory", file_name);
    *r = (struct reader){ .file = file_name, .at = csv, .end = csv + size, .err = err };
    int rc = heading_read(r);
    if (rc == 0)
        rc = rows_read(r, &rows, ret_n);
    if (rc == 0)
        *ret = TAKE(rows);
    return rc;
}

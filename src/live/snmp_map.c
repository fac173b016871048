/* Reader of OID maps: lines of nine fields between commas. */
#include "live/snmp_map.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "signal/metric.h"

#define FIELDS 9
#define LINE_MAX_BYTES 1024
#define DIGITS_MAX 9

enum { F_OID, F_LAST, F_METRIC, F_FACTOR, F_ON, F_DIGITS, F_NAME, F_LABEL, F_SOURCE };

int snmp_oid_read(const char *text, struct snmp_oid *ret)
{
    struct snmp_oid o = { 0 };
    if (*text == '.')
        text++;
    while (*text != '\0') {
        uint64_t id = 0;
        size_t digits = 0;
        while (text[digits] >= '0' && text[digits] <= '9' && digits < 10)
            id = id * 10 + (uint64_t)(text[digits++] - '0');
        if (digits == 0 || id > UINT32_MAX || o.length == SNMP_OID_MAX)
            return MW_EINVAL;
        o.id[o.length++] = (uint32_t)id;
        text += digits;
        if (*text == '.' && text[1] != '\0')
            text++;
        else if (*text != '\0')
            return MW_EINVAL;
    }
    if (o.length == 0)
        return MW_EINVAL;
    *ret = o;
    return 0;
}

bool snmp_oid_begins(const struct snmp_oid *oid, const struct snmp_oid *with)
{
    return with->length > 0 && oid->length >= with->length &&
           memcmp(oid->id, with->id, with->length * sizeof(oid->id[0])) == 0;
}

bool snmp_row_instance(const struct snmp_row *r, const struct snmp_oid *oid, struct snmp_oid *ret)
{
    uint32_t left;
    if (!snmp_oid_begins(oid, &r->oid))
        return false;
    left = oid->length - r->oid.length;
    if (r->last >= 0) {
        if (left == 0 || oid->id[oid->length - 1] != (uint64_t)r->last)
            return false;
        left--;
    }
    *ret = (struct snmp_oid){ .length = left };
    memcpy(ret->id, oid->id + r->oid.length, left * sizeof(oid->id[0]));
    return true;
}

double snmp_row_value(const struct snmp_row *r, double raw, uint32_t digits)
{
    if (isnan(raw))
        return raw;
    if (r->on >= 0)
        return raw == (double)r->on;
    for (uint32_t i = 0; i < MW_MIN(digits, (uint32_t)DIGITS_MAX); i++)
        raw /= 10;
    return raw * r->factor;
}

double snmp_text_number(const char *text, size_t size)
{
    char word[32];
    size_t from = 0, n = 0;
    double v = 0;
    while (from < size && (text[from] == ' ' || text[from] == '\t'))
        from++;
    while (from + n < size && n + 1 < sizeof(word) && text[from + n] != '\0' &&
           strchr("0123456789.-", text[from + n]) != NULL) {
        word[n] = text[from + n];
        n++;
    }
    word[n] = '\0';
    return n > 0 && mw_parse_double(word, &v) == 0 ? v : NAN;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int read_oid(const char *text, struct snmp_oid *ret, bool needed)
{
    return text[0] == '\0' && !needed ? 0 : snmp_oid_read(text, ret);
}

static int read_number(const char *text, int64_t *ret)
{
    *ret = -1;
    if (text[0] == '\0')
        return 0;
    return mw_parse_i64(text, ret) == 0 && *ret >= 0 ? 0 : MW_EINVAL;
}

static int read_row(char *const f[FIELDS], struct snmp_row *ret, struct mw_error *err)
{
    struct snmp_row r = { 0 };
    const struct metric *m = metric_named(f[F_METRIC]);
    if (read_oid(f[F_OID], &r.oid, true) < 0 || read_oid(f[F_DIGITS], &r.digits, false) < 0 ||
        read_oid(f[F_NAME], &r.name, false) < 0)
        return mw_fail(err, MW_ESYNTAX, "an object identifier is numbers with dots, 64 at most");
    if (m == NULL)
        return mw_fail(err, MW_ESYNTAX, "no metric \"%.60s\" (src/signal/metric.h has them)",
                       f[F_METRIC]);
    if (m->scope != SCOPE_OUTLET && m->scope != SCOPE_SENSOR)
        return mw_fail(err, MW_ESYNTAX, "%s is of no outlet and no sensor", m->name);
    if (read_number(f[F_LAST], &r.last) < 0 || read_number(f[F_ON], &r.on) < 0 ||
        mw_parse_double(f[F_FACTOR], &r.factor) < 0 || r.factor == 0)
        return mw_fail(err, MW_ESYNTAX, "last, on: whole numbers or empty; factor: a number");
    if (f[F_LABEL][0] == '\0' || strlen(f[F_LABEL]) >= sizeof(r.label))
        return mw_fail(err, MW_ESYNTAX, "a label of 1 to %zu bytes is needed", sizeof(r.label) - 1);
    r.metric = m->number;
    (void)snprintf(r.label, sizeof(r.label), "%s", f[F_LABEL]);
    *ret = r;
    return 0;
}

/* Fields of a line of its own; the source may hold commas. */
static bool split(char *line, char *f[FIELDS])
{
    uint32_t n = 0;
    for (char *at = line; n < FIELDS; n++) {
        f[n] = at;
        if (n + 1 == FIELDS)
            continue;
        at = strchr(at, ',');
        if (at == NULL)
            return false;
        *at++ = '\0';
    }
    return true;
}

static int read_line(struct snmp_map *m, char *line, struct mw_error *err)
{
    char *f[FIELDS];
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    if (!split(line, f))
        return mw_fail(err, MW_ESYNTAX, "fewer than %d fields", FIELDS);
    if (m->rows == SNMP_ROWS_MAX)
        return mw_fail(err, MW_ELIMIT, "more than %d lines", SNMP_ROWS_MAX);
    int rc = read_row(f, &m->row[m->rows], err);
    m->rows += rc == 0;
    return rc;
}

int snmp_map_read(const char *text, size_t size, const char *file, struct snmp_map *ret,
                  struct mw_error *err)
{
    char line[LINE_MAX_BYTES];
    struct snmp_map m = { .row = mw_calloc(SNMP_ROWS_MAX, sizeof(*m.row)) };
    uint32_t number = 0;
    int rc = m.row != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc == 0 && size > SNMP_MAP_BYTES_MAX)
        rc = mw_fail(err, MW_ELIMIT, "%s: longer than a map may be", file);
    for (size_t at = 0; rc == 0 && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end != NULL ? (size_t)(end - text) - at : size - at;
        number++;
        if (n >= sizeof(line) || memchr(text + at, '\0', n) != NULL) {
            rc = mw_fail(err, MW_ESYNTAX, "%s:%u: too long, or no text", file, number);
            break;
        }
        memcpy(line, text + at, n);
        line[n > 0 && line[n - 1] == '\r' ? n - 1 : n] = '\0';
        rc = read_line(&m, line, err);
        if (rc < 0)
            (void)mw_fail_prefix(err, "%s:%u", file, number);
        at += n + 1;
    }
    if (rc == 0 && m.rows == 0)
        rc = mw_fail(err, MW_ESYNTAX, "%s: no line with an object", file);
    if (rc == 0)
        *ret = m;
    else
        snmp_map_fini(&m);
    return rc;
}

void snmp_map_fini(struct snmp_map *m)
{
    mw_free(m->row);
    *m = (struct snmp_map){ 0 };
}

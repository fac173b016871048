/*
 * Reads StepFun's JSON: an array of records, each the start or the end of a
 * fault on a node.  Owns the pairing of starts with ends; decides nothing about
 * what a fault does.
 *
 * Records need not be in order of time; equal times keep their order in the
 * file.  An end closes the oldest open fault with the same node, class and
 * description.  An end without such a fault, and the same record twice, are
 * refused: both would change every statistic silently.
 */
#include "sim/fault_trace.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/units.h"

#define RECORDS_MAX 5000000u
#define TEXTS_MAX 4096u          /* classes, descriptions */
#define OPEN_PER_NODE_MAX 100u   /* faults open on one node at a time */
#define NODE_ID_MAX 255u
#define DAYS_MAX 36500.0
#define TEXT_ROOM 64u            /* as in struct fault_trace */

/* One record; strings are borrowed from the document. */
struct record {
    int64_t time_ns;
    const char *node, *class, *desc;
    uint32_t index;
    bool start;
};

/* Names in order of first appearance, found by hash. */
struct names {
    struct map index;
    const char **name;
    uint32_t length, room;
};

struct reader {
    const char *file;
    struct mw_error *err;
    struct record *record;
    uint32_t records;
    struct names nodes, classes, descs;
    uint32_t *first, *last;  /* per node: the list of open faults */
    uint32_t *open;          /* per node: its length */
    uint32_t *next;          /* per fault */
    struct fault_trace *trace;
};

static int bad(const struct reader *r, uint32_t index, const char *field, const char *what)
{
    return mw_fail(r->err, MW_ESYNTAX, "%s: record %u: field \"%s\" %s", r->file, index, field,
                   what);
}

/* ---- names -------------------------------------------------------------------------------- */

static int names_init(struct names *n, uint32_t room)
{
    int rc = map_init(&n->index, room);

    if (rc != 0)
        return rc;
    n->name = mw_calloc(room, sizeof(*n->name));
    n->room = room;
    return n->name == NULL ? MW_ENOMEM : 0;
}

static void names_fini(struct names *n)
{
    map_fini(&n->index);
    mw_free(n->name);
}

/* The row of a name, made when new; MW_NONE when there are too many. */
static uint32_t names_row(struct names *n, const char *name)
{
    uint64_t key = mw_hash64_of(name, strlen(name));

    /* Ends: at most `length` keys in a row can be taken by other names. */
    for (uint32_t tries = 0; tries <= n->length; tries++, key++) {
        uint32_t row = map_get(&n->index, key);
        if (row == MW_NONE) {
            if (n->length == n->room)
                return MW_NONE;
            map_put(&n->index, key, n->length);
            n->name[n->length] = name;
            return n->length++;
        }
        if (strcmp(n->name[row], name) == 0)
            return row;
    }
    return MW_NONE;
}

/* ---- one record --------------------------------------------------------------------------- */

static int read_text(const struct reader *r, const json_t *object, uint32_t index,
                     const char *field, const char **ret)
{
    const json_t *v = json_object_get(object, field);
    size_t room = strcmp(field, "node_id") == 0 ? NODE_ID_MAX + 1 : TEXT_ROOM;

    if (v == NULL)
        return bad(r, index, field, "is missing");
    if (!json_is_string(v))
        return bad(r, index, field, "must be a text in quotes");
    if (json_string_length(v) == 0)
        return bad(r, index, field, "is empty");
    if (json_string_length(v) >= room)
        return bad(r, index, field, "is too long (255 bytes for node_id, 63 for the others)");
    *ret = json_string_value(v);
    if (strlen(*ret) != json_string_length(v))
        return bad(r, index, field, "holds a zero byte");
    return 0;
}

static int read_time(const struct reader *r, const json_t *object, uint32_t index, int64_t *ret)
{
    const json_t *v = json_object_get(object, "event_time");

    if (v == NULL)
        return bad(r, index, "event_time", "is missing");
    if (!json_is_number(v))
        return bad(r, index, "event_time", "must be a number of days since the trace began");
    double days = json_number_value(v);
    if (!(days >= 0.0))
        return bad(r, index, "event_time", "is negative: days count from the start of the trace");
    if (days > DAYS_MAX)
        return bad(r, index, "event_time", "is over 36500 days: is it in another unit?");
    /* Whole milliseconds: the quantum of the accounts, finer than the trace's 8.64 s. */
    *ret = (int64_t)(days * 86400e3 + 0.5) * MW_NS_PER_MS;
    return 0;
}

static int read_record(const struct reader *r, const json_t *object, uint32_t index,
                       struct record *ret)
{
    const char *type;

    if (!json_is_object(object))
        return mw_fail(r->err, MW_ESYNTAX, "%s: record %u: must be an object", r->file, index);
    ret->index = index;
    int rc = read_text(r, object, index, "node_id", &ret->node);
    if (rc == 0)
        rc = read_time(r, object, index, &ret->time_ns);
    if (rc == 0)
        rc = read_text(r, object, index, "event_type", &type);
    if (rc != 0)
        return rc;
    ret->start = strcmp(type, "fault_start") == 0;
    if (!ret->start && strcmp(type, "fault_end") != 0)
        return bad(r, index, "event_type", "must be \"fault_start\" or \"fault_end\"");
    const json_t *fault = json_object_get(object, "fault_type");
    if (fault == NULL)
        return bad(r, index, "fault_type", "is missing");
    if (!json_is_object(fault))
        return bad(r, index, "fault_type", "must be an object with Class and Desc");
    rc = read_text(r, fault, index, "Class", &ret->class);
    return rc != 0 ? rc : read_text(r, fault, index, "Desc", &ret->desc);
}

static int compare_records(const void *a, const void *b)
{
    const struct record *x = a, *y = b;

    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int read_records(struct reader *r, const json_t *root)
{
    if (!json_is_array(root))
        return mw_fail(r->err, MW_ESYNTAX, "%s: must be a list of records: [ {\"node_id\": ...} ]",
                       r->file);
    if (json_array_size(root) == 0)
        return mw_fail(r->err, MW_EINVAL, "%s: holds no record", r->file);
    if (json_array_size(root) > RECORDS_MAX)
        return mw_fail(r->err, MW_ELIMIT, "%s: holds %zu records; the limit is %u", r->file,
                       json_array_size(root), RECORDS_MAX);
    r->records = (uint32_t)json_array_size(root);
    r->record = mw_calloc(r->records, sizeof(*r->record));
    if (r->record == NULL)
        return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->file);
    for (uint32_t i = 0; i < r->records; i++) {
        int rc = read_record(r, json_array_get(root, i), i, &r->record[i]);
        if (rc != 0)
            return rc;
    }
    qsort(r->record, r->records, sizeof(*r->record), compare_records);
    return 0;
}

/* ---- pairing ------------------------------------------------------------------------------ */

static int pair_init(struct reader *r)
{
    uint32_t texts = MW_MIN(r->records, TEXTS_MAX);

    r->trace = mw_calloc(1, sizeof(*r->trace));
    r->first = mw_calloc(r->records, sizeof(*r->first));
    r->last = mw_calloc(r->records, sizeof(*r->last));
    r->open = mw_calloc(r->records, sizeof(*r->open));
    r->next = mw_calloc(r->records, sizeof(*r->next));
    if (r->trace == NULL || r->first == NULL || r->last == NULL || r->open == NULL ||
        r->next == NULL || names_init(&r->nodes, r->records) != 0 ||
        names_init(&r->classes, texts) != 0 || names_init(&r->descs, texts) != 0)
        return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->file);
    r->trace->fault = mw_calloc(r->records, sizeof(*r->trace->fault));
    if (r->trace->fault == NULL)
        return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->file);
    for (uint32_t i = 0; i < r->records; i++)
        r->first[i] = r->last[i] = MW_NONE;
    return 0;
}

static int pair_start(struct reader *r, const struct record *rec, struct trace_fault f)
{
    struct fault_trace *t = r->trace;
    uint32_t row = t->faults;

    for (uint32_t i = r->first[f.node]; i != MW_NONE; i = r->next[i])
        if (t->fault[i].start_ns == f.start_ns && t->fault[i].class == f.class &&
            t->fault[i].desc == f.desc)
            return mw_fail(r->err, MW_ESYNTAX,
                           "%s: record %u: the same fault starts twice at the same time on node "
                           "%s; remove one of the two",
                           r->file, rec->index, rec->node);
    if (r->open[f.node] == OPEN_PER_NODE_MAX)
        return mw_fail(r->err, MW_ELIMIT, "%s: record %u: node %s has %u open faults, the limit",
                       r->file, rec->index, rec->node, OPEN_PER_NODE_MAX);
    t->fault[row] = f;
    t->faults++;
    r->next[row] = MW_NONE;
    if (r->last[f.node] == MW_NONE)
        r->first[f.node] = row;
    else
        r->next[r->last[f.node]] = row;
    r->last[f.node] = row;
    r->open[f.node]++;
    return 0;
}

static int pair_end(struct reader *r, const struct record *rec, struct trace_fault f)
{
    struct fault_trace *t = r->trace;
    uint32_t before = MW_NONE;

    for (uint32_t i = r->first[f.node]; i != MW_NONE; before = i, i = r->next[i]) {
        if (t->fault[i].class != f.class || t->fault[i].desc != f.desc)
            continue;
        t->fault[i].end_ns = rec->time_ns;
        if (before == MW_NONE)
            r->first[f.node] = r->next[i];
        else
            r->next[before] = r->next[i];
        if (r->last[f.node] == i)
            r->last[f.node] = before;
        must(r->open[f.node] > 0);
        r->open[f.node]--;
        return 0;
    }
    return mw_fail(r->err, MW_ESYNTAX,
                   "%s: record %u: fault_end of \"%s: %s\" on node %s, on which no such fault is "
                   "open; add its fault_start or remove it",
                   r->file, rec->index, rec->class, rec->desc, rec->node);
}

static int pair_record(struct reader *r, const struct record *rec)
{
    uint32_t node = names_row(&r->nodes, rec->node);
    uint32_t class = names_row(&r->classes, rec->class);
    uint32_t desc = names_row(&r->descs, rec->desc);

    must(node != MW_NONE);
    if (class == MW_NONE || desc == MW_NONE)
        return mw_fail(r->err, MW_ELIMIT, "%s: record %u: over %u classes or descriptions",
                       r->file, rec->index, TEXTS_MAX);
    struct trace_fault f = {.start_ns = rec->time_ns,
                            .end_ns = MW_NEVER,
                            .node = node,
                            .class = (uint16_t)class,
                            .desc = (uint16_t)desc};
    return rec->start ? pair_start(r, rec, f) : pair_end(r, rec, f);
}

/* A fault and its row, for a total order. */
struct keyed {
    struct trace_fault fault;
    uint32_t row;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;

    if (x->fault.start_ns != y->fault.start_ns)
        return x->fault.start_ns < y->fault.start_ns ? -1 : 1;
    if (x->fault.node != y->fault.node)
        return x->fault.node < y->fault.node ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* By (start, node, order of the start in the file). */
static int sort_faults(struct fault_trace *t)
{
    struct keyed *k mw_cleanup(mw_freep) = mw_calloc(t->faults, sizeof(*k));

    if (k == NULL)
        return MW_ENOMEM;
    for (uint32_t i = 0; i < t->faults; i++)
        k[i] = (struct keyed){t->fault[i], i};
    qsort(k, t->faults, sizeof(*k), compare_keyed);
    for (uint32_t i = 0; i < t->faults; i++)
        t->fault[i] = k[i].fault;
    return 0;
}

static char (*copy_names(const struct names *n))[TEXT_ROOM]
{
    char(*ret)[TEXT_ROOM] = mw_calloc(n->length, sizeof(*ret));

    for (uint32_t i = 0; ret != NULL && i < n->length; i++) {
        size_t length = strlen(n->name[i]);
        must(length < TEXT_ROOM);
        memcpy(ret[i], n->name[i], length + 1);
    }
    return ret;
}

static int pair_all(struct reader *r)
{
    int rc = pair_init(r);

    for (uint32_t i = 0; rc == 0 && i < r->records; i++)
        rc = pair_record(r, &r->record[i]);
    if (rc != 0)
        return rc;
    struct fault_trace *t = r->trace;
    t->length_ns = r->record[r->records - 1].time_ns;
    t->nodes_seen = r->nodes.length;
    t->class_name = copy_names(&r->classes);
    t->classes = r->classes.length;
    t->desc_name = copy_names(&r->descs);
    t->descs = r->descs.length;
    if (t->class_name == NULL || t->desc_name == NULL || sort_faults(t) != 0)
        return mw_fail(r->err, MW_ENOMEM, "%s: out of memory", r->file);
    return 0;
}

static void reader_fini(struct reader *r)
{
    fault_trace_destroy(r->trace);
    names_fini(&r->nodes);
    names_fini(&r->classes);
    names_fini(&r->descs);
    mw_free(r->record);
    mw_free(r->first);
    mw_free(r->last);
    mw_free(r->open);
    mw_free(r->next);
}

/* ---- public ------------------------------------------------------------------------------- */

void fault_trace_destroy(struct fault_trace *t)
{
    if (t == NULL)
        return;
    mw_free(t->fault);
    mw_free(t->class_name);
    mw_free(t->desc_name);
    mw_free(t);
}

int fault_trace_parse(const char *json, size_t size, const char *file_name,
                      struct fault_trace **ret, struct mw_error *err)
{
    json_error_t where;

    must(json != NULL && file_name != NULL && ret != NULL);
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL)
        return mw_fail(err, MW_ESYNTAX, "%s:%d:%d: not JSON: %s", file_name, where.line,
                       where.column, where.text);
    struct reader r = {.file = file_name, .err = err};
    int rc = read_records(&r, root);
    if (rc == 0)
        rc = pair_all(&r);
    if (rc == 0)
        *ret = TAKE(r.trace);
    reader_fini(&r);
    json_decref(root);
    return rc;
}

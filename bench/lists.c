/*
 * Lists of the API over a site of 250,000 GPUs in the middle of its work: all 31,250 nodes as JSON
 * with ten fields, the same filtered and sorted, and a page of 50,000 GPUs.  The limit is copying
 * the answer's bytes once; the peer is the same rows made as a tree and printed by jansson.
 */
#include <stdio.h>
#include <string.h>

#include "api/call_view.h"
#include "api/detail.h"
#include "base/mem.h"
#include "core/journal_memory.h"
#include "bench/stand.h"

#define FIELDS "name,hall,rack,gpus,health,state,job,incident,hazard,lost_uusd"

struct lists {
    struct measure *m;
    struct api_view_of of;
    double bytes;
};

static struct api_rows rows_of(struct lists *b, const char *resource)
{
    struct api_rows rows = { 0 };
    struct mw_error err = { 0 };
    if (api_rows_make(api_resource_find(resource), &b->of, &rows, &err) < 0)
        measure_fail(b->m, &err);
    return rows;
}

/* CPU seconds of one question; the bytes of its answer in b. */
static double ask_once(struct lists *b, const char *resource, const struct list_asked *asked)
{
    struct mw_error err = { 0 };
    const char *key;
    struct list *l mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*l));
    struct evbuffer *out = evbuffer_new();
    must(l != NULL && out != NULL);
    double start = measure_cpu_s();
    if (list_read(api_resource_find(resource), asked, &b->of, l, &key, &err) < 0 ||
        list_write(l, &b->of, NULL, out, &err) < 0)
        measure_fail(b->m, &err);
    double s = measure_cpu_s() - start;
    b->bytes = (double)evbuffer_get_length(out);
    evbuffer_free(out);
    return s;
}

static double ask(struct lists *b, const char *resource, const struct list_asked *asked)
{
    double best = ask_once(b, resource, asked);
    for (int i = 0; i < 4 && !b->m->quick; i++) {
        double s = ask_once(b, resource, asked);
        best = s < best ? s : best;
    }
    return best;
}

/* The peer: every row an object of jansson, then the whole list printed. */
static double by_tree(struct lists *b)
{
    struct api_field fields[16] = { 0 };
    const struct api_resource *r = api_resource_find("nodes");
    uint32_t n = 0;
    for (const char *s = FIELDS; *s != '\0'; s += strcspn(s, ","), s += *s == ',')
        fields[n++] = *api_field_find(r, s, strcspn(s, ","));
    double start = measure_cpu_s();
    struct api_rows rows = rows_of(b, "nodes");
    json_t *list = json_array();
    for (uint32_t i = 0; i < rows.count; i++)
        must(json_array_append_new(list, row_json(&rows, i, fields)) == 0);
    char *text = json_dumps(list, JSON_COMPACT);
    must(text != NULL);
    double s = measure_cpu_s() - start;
    mw_free(text);
    json_decref(list);
    api_rows_fini(&rows);
    return s;
}

static void measure(struct lists *b, uint32_t nodes)
{
    const struct list_asked all = { .limit = "50000", .fields = FIELDS };
    const struct list_asked some = { .limit = "1000", .fields = FIELDS,
                                     .filter = "gpus>=8 and (state in (busy, idle) or health=down)",
                                     .sort = "-lost_uusd,name" };
    const struct list_asked gpus = { .limit = "50000" };
    double rate = measure_copy_rate(), tree = by_tree(b);
    double s = ask(b, "nodes", &all);
    measure_add(b->m, &(struct figure){
        .key = "list_nodes_s", .what = "all nodes as JSON, ten fields, no tree", .value = s,
        .unit = "s", .sense = AT_MOST, .target = 0.1, .limit = b->bytes / rate,
        .limit_what = "copying the answer's bytes once", .peer = tree,
        .peer_what = "the same as a tree, printed by jansson" });
    measure_note(b->m, "%u nodes, %.1f MB", nodes, b->bytes / 1e6);
    s = ask(b, "nodes", &some);
    measure_add(b->m, &(struct figure){
        .key = "list_sorted_s", .what = "nodes filtered, sorted by two fields, a page of 1,000",
        .value = s, .unit = "s", .sense = AT_MOST, .target = 0.1, .limit = b->bytes / rate,
        .limit_what = "copying the page's bytes once" });
    s = ask(b, "gpus", &gpus);
    measure_add(b->m, &(struct figure){
        .key = "list_gpus_s", .what = "a page of 50,000 GPUs of 250,000", .value = s, .unit = "s",
        .sense = AT_MOST, .target = 0.1, .limit = b->bytes / rate,
        .limit_what = "copying the page's bytes once" });
}

int main(int argc, char **argv)
{
    struct measure m;
    struct stand s;
    struct journal *j = NULL;
    const struct journal_memory_options memory = { .chain = false };
    measure_begin(&m, "lists", argc, argv);
    stand_init(&s, &m, m.quick ? SITE_SMALL : SITE_LARGE, m.quick ? 2000 : 100000);
    must(journal_memory_create(&memory, &j) == 0);
    struct control *c = stand_control(&s, j, false);
    stand_play(&s, c, stand_whole(&s, 64));
    struct words words = { .fleet = s.fleet, .policy = &c->policy, .detail = api_finding_detail };
    struct lists b = { .m = &m, .of = { .control = c, .journal = j, .words = &words,
                                        .now_ns = j->head.time_ns, .revision = j->head.seq } };
    measure(&b, s.fleet->count[COMPONENT_NODE]);
    control_destroy(c);
    journal_destroy(j);
    stand_fini(&s);
    return measure_end(&m);
}

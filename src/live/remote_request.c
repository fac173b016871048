/* Samples as a WriteRequest: labels sorted by name, one series a sample. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live/remote_write.pb-c.h"
#include "live/remote_write_private.h"
#include "signal/metric.h"

#define LABELS_MAX 6
#define WORD_MAX 16

int remote_names_init(struct remote_names *n)
{
    *n = (struct remote_names){ 0 };
    return map_init(&n->by_key, REMOTE_NAMES_MAX);
}

void remote_names_fini(struct remote_names *n)
{
    map_fini(&n->by_key);
    mw_free(n->name);
    *n = (struct remote_names){ 0 };
}

static uint64_t key_of(uint32_t machine, uint32_t scope, uint32_t of)
{
    return (uint64_t)machine << 32 | (uint64_t)(scope & 0xff) << 24 | (of & 0xffffff);
}

void remote_names_put(struct remote_names *n, uint32_t machine, uint32_t scope, uint32_t of,
                      const char *name)
{
    uint64_t key = key_of(machine, scope, of);
    uint32_t row = map_get(&n->by_key, key);
    if (row == MW_NONE && n->names == n->room) {
        uint32_t room = MW_MIN(MW_MAX(n->room * 2, 1024u), (uint32_t)REMOTE_NAMES_MAX);
        void *grown = room > n->room ? mw_resize(n->name, room, REMOTE_NAME_MAX) : NULL;
        if (grown == NULL) {
            n->left_out++;
            return;
        }
        n->name = grown;
        n->room = room;
    }
    if (row == MW_NONE) {
        row = n->names++;
        map_put(&n->by_key, key, row);
    }
    (void)snprintf(n->name[row], REMOTE_NAME_MAX, "%s", name);
}

const char *remote_names_get(const struct remote_names *n, uint32_t machine, uint32_t scope,
                             uint32_t of)
{
    uint32_t row = map_get(&n->by_key, key_of(machine, scope, of));
    return row != MW_NONE ? n->name[row] : "";
}

/* Everything of one series, in one piece. */
struct built {
    MwPrw__TimeSeries series;
    MwPrw__Label label[LABELS_MAX], *label_at[LABELS_MAX];
    MwPrw__Sample sample, *sample_at[1];
    char name[REMOTE_NAME_MAX], word[2][WORD_MAX];
};

/* Labels must come in the order of their names; these few are put in by insertion. */
static void add_label(struct built *b, const char *name, const char *value)
{
    size_t n = b->series.n_labels;
    if (value[0] == '\0' || n == LABELS_MAX)
        return;
    MwPrw__Label *l = &b->label[n];
    mw_prw__label__init(l);
    l->name = (char *)(uintptr_t)name;
    l->value = (char *)(uintptr_t)value;
    for (; n > 0 && strcmp(b->label_at[n - 1]->name, name) > 0; n--)
        b->label_at[n] = b->label_at[n - 1];
    b->label_at[n] = l;
    b->series.n_labels++;
}

static void add_number(struct built *b, const char *name, uint32_t which, uint32_t number)
{
    (void)snprintf(b->word[which], WORD_MAX, "%u", number);
    add_label(b, name, b->word[which]);
}

static void add_place(struct built *b, const struct metric *m, const struct remote_names *names,
                      const struct remote_sample *s)
{
    uint32_t scope = m->scope, of = s->instance;
    switch (m->scope) {
    case SCOPE_HOST:
        return;
    case SCOPE_NVLINK:
        add_number(b, "gpu", 0, s->instance / METRIC_LINKS_PER_GPU);
        add_number(b, "nvlink", 1, s->instance % METRIC_LINKS_PER_GPU);
        break;
    case SCOPE_LANE:
        scope = SCOPE_PORT;
        of = s->instance / METRIC_LANES_PER_PORT;
        add_number(b, "port", 0, of);
        add_number(b, "lane", 1, s->instance % METRIC_LANES_PER_PORT);
        break;
    default:
        add_number(b, metric_scope_name(m->scope), 0, s->instance);
    }
    add_label(b, "part", remote_names_get(names, s->machine, scope, of));
}

static bool build(struct built *b, const struct remote_names *names, const struct remote_sample *s)
{
    const struct metric *m = metric_of(s->metric);
    const char *machine = remote_names_get(names, s->machine, SCOPE_COUNT, 0);
    if (m == NULL || machine[0] == '\0')
        return false;
    mw_prw__time_series__init(&b->series);
    mw_prw__sample__init(&b->sample);
    b->series.labels = b->label_at;
    b->series.samples = b->sample_at;
    b->series.n_samples = 1;
    b->sample_at[0] = &b->sample;
    b->sample.value = metric_real(m, s->value);
    b->sample.timestamp = s->at_ms;
    (void)snprintf(b->name, sizeof(b->name), "mw_%s", m->name);
    add_label(b, "__name__", b->name);
    add_label(b, "machine", machine);
    add_place(b, m, names, s);
    return true;
}

int remote_request_make(const struct remote_names *n, const struct remote_sample *sample,
                        uint32_t samples, uint8_t **ret, size_t *ret_size, struct mw_error *err)
{
    MwPrw__WriteRequest request = MW_PRW__WRITE_REQUEST__INIT;
    struct built *all mw_cleanup(mw_freep) = mw_calloc(samples, sizeof(*all));
    MwPrw__TimeSeries **at mw_cleanup(mw_freep) = mw_calloc(samples, sizeof(*at));
    if (all == NULL || at == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < samples; i++)
        if (build(&all[i], n, &sample[i]))
            at[request.n_timeseries++] = &all[i].series;
    request.timeseries = at;
    size_t size = mw_prw__write_request__get_packed_size(&request);
    uint8_t *bytes = mw_calloc(size > 0 ? size : 1, 1);
    if (bytes == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    must(mw_prw__write_request__pack(&request, bytes) == size);
    *ret = bytes;
    *ret_size = size;
    return 0;
}

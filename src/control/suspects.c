/* Scores of nodes from state and record.  See suspects.h for the weights. */
#include "control/suspects.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define REPEATS_COUNTED 3u

struct history {
    struct suspect *node; /* of every node */
    uint32_t nodes;
    uint64_t last_seq;
    int64_t from_ns;
};

/* An incident grows: it may do more than at first, and only now begin to count. */
static bool counts(struct suspect *s, const struct event *ev)
{
    const struct body_incident *b = &ev->body.incident;
    bool first = ev->kind == EV_INCIDENT_OPENED;
    uint8_t before = first ? EFFECT_NONE : s->effect;
    s->effect = b->effect;
    s->class = b->class;
    return b->effect != EFFECT_NONE && (first || before == EFFECT_NONE);
}

static int visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct history *h = ctx;
    uint32_t node = ev->body.incident.node;
    (void)tail;
    (void)last;
    if (ev->seq > h->last_seq)
        return 1;
    if ((ev->kind != EV_INCIDENT_OPENED && ev->kind != EV_INCIDENT_JOINED) || node >= h->nodes)
        return 0;
    struct suspect *s = &h->node[node];
    if (!counts(s, ev) || ev->time_ns < h->from_ns)
        return 0;
    s->incidents++;
    s->last = ev->kind == EV_INCIDENT_OPENED ? ev->seq : ev->body.incident.incident;
    s->last_ns = ev->time_ns;
    return 0;
}

static void score(struct suspect *s, uint32_t flag, uint32_t weight)
{
    s->why |= flag;
    s->score += weight;
}

static void judge(struct suspect *s, const struct control *c)
{
    const struct board *b = c->board;
    uint32_t slot = b->node_incident[s->node];
    s->health = b->node_health[s->node];
    s->reported = guard_node_reported(c->guard, s->node);
    bool in_life = s->health != HEALTH_RACKED && s->health != HEALTH_RETIRED;
    if (s->health != HEALTH_READY && in_life)
        score(s, SUSPECT_HEALTH, 4);
    if (slot != MW_NONE) { /* the last that the record has of this node */
        s->incident = b->incident_id[slot];
        s->advice = care_advice_open(c->care, s->node);
        if (s->effect == EFFECT_KILLS || s->effect == EFFECT_SLOWS)
            score(s, SUSPECT_INCIDENT, 4);
        else if (s->effect == EFFECT_DEFERS)
            score(s, SUSPECT_MINOR, 2);
    }
    if (b->node_holds[s->node] > 0 || (s->reported & 0xf) != SERVICE_IN)
        score(s, SUSPECT_OUT, 2);
    struct care_history history;
    care_history(c->care, s->node, &history);
    if (history.lemon)
        score(s, SUSPECT_LEMON, 2);
    if (s->incidents > 1)
        score(s, SUSPECT_REPEATS, MW_MIN(s->incidents - 1, REPEATS_COUNTED));
}

static int worst_first(const void *left, const void *right)
{
    const struct suspect *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

int suspects_find(struct journal *j, const struct control *c, const struct suspects_options *o,
                  struct suspects *ret, struct mw_error *err)
{
    struct history h = { .nodes = c->board->nodes, .last_seq = j->head.seq,
                         .from_ns = j->head.time_ns - o->days_ns };
    must(o->days_ns >= 0);
    *ret = (struct suspects){ 0 };
    h.node = mw_calloc(h.nodes, sizeof(*h.node));
    if (!h.node)
        return mw_fail(err, MW_ENOMEM, "out of memory for %u nodes", h.nodes);
    for (uint32_t n = 0; n < h.nodes; n++)
        h.node[n] = (struct suspect){ .node = n, .class = UINT16_MAX };
    int r = j->ops->read(j, 1, visit, &h, err);
    if (r < 0) {
        mw_free(h.node);
        return r;
    }
    for (uint32_t n = 0; n < h.nodes; n++) {
        judge(&h.node[n], c);
        if (h.node[n].score >= MW_MAX(o->score_min, 1u))
            h.node[ret->length++] = h.node[n];
    }
    ret->item = h.node;
    if (ret->length > 0)
        qsort(ret->item, ret->length, sizeof(*ret->item), worst_first);
    return 0;
}

void suspects_fini(struct suspects *s)
{
    mw_free(s->item);
    *s = (struct suspects){ 0 };
}

void suspect_words(struct text *t, const struct suspect *s, const struct words *w)
{
    static const char *const by[] = { [OWNER_NOBODY] = "a person holds it",
                                      [OWNER_OURS] = "out of Slurm by our order",
                                      [OWNER_OTHERS] = "out of Slurm by others",
                                      [OWNER_ENGINE] = "Slurm says it does not answer" };
    uint32_t owner = s->reported >> 4;
    text_add(t, health_name(s->health));
    if (s->incident)
        text_addf(t, "; incident %llu: %s", (unsigned long long)s->incident,
                  words_class(w, s->class));
    if (s->advice)
        text_addf(t, "; advice %llu waits for a person (mw approve, mw reject)",
                  (unsigned long long)s->advice);
    if (s->why & SUSPECT_OUT)
        text_addf(t, "; %s", owner < MW_ARRAY_LEN(by) ? by[owner] : by[OWNER_NOBODY]);
    if (s->why & SUSPECT_LEMON)
        text_add(t, "; a lemon (mw lemons)");
    if (s->why & SUSPECT_REPEATS)
        text_addf(t, "; %u incidents", s->incidents);
}

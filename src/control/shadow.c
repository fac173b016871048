/*
 * Rows from withdrawals: what belongs together, who was first, what only one
 * side did and how that is judged.  See shadow.h for the rules.
 */
#include "control/shadow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "control/shadow_private.h"

/* A reason with a word that begins like one of these is planned work. */
#define PLANNED_WORDS(X) \
    X("maint") X("reboot") X("upgrad") X("updat") X("firmware") X("patch") X("planned") \
    X("scheduled") X("reserv") X("install") X("decom")

const char *shadow_group_name(uint32_t group)
{
    static const char *const name[SHADOW_GROUPS] = { "same", "ours", "theirs" };
    return group < SHADOW_GROUPS ? name[group] : "unknown";
}

const char *shadow_verdict_name(uint32_t verdict)
{
    static const char *const name[VERDICT_COUNT] = { "-", "confirmed", "false-drain", "unjudged",
                                                     "planned", "miss" };
    return verdict < VERDICT_COUNT ? name[verdict] : "unknown";
}

const char *shadow_planned_words(void)
{
#define X(word) " " word
    return &(PLANNED_WORDS(X))[1];
#undef X
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool begins(const char *at, const char *word)
{
    while (*word != '\0' && lower(*at) == *word) {
        at++;
        word++;
    }
    return *word == '\0';
}

bool shadow_is_planned(const char *reason)
{
    static const char *const planned[] = {
#define X(word) word,
        PLANNED_WORDS(X)
#undef X
    };
    bool letter = false; /* the byte before is part of a word */
    for (const char *at = reason; *at != '\0'; at++) {
        for (uint32_t i = 0; !letter && i < MW_ARRAY_LEN(planned); i++)
            if (begins(at, planned[i]))
                return true;
        letter = lower(*at) >= 'a' && lower(*at) <= 'z';
    }
    return false;
}

/* ---- what belongs together ------------------------------------------------------------------ */

static int by_node(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static bool belong(const struct span *a, const struct span *b, int64_t window_ns)
{
    int64_t apart = a->begin_ns < b->begin_ns ? b->begin_ns - a->begin_ns
                                              : a->begin_ns - b->begin_ns;
    bool overlap = a->begin_ns <= b->end_ns && b->begin_ns <= a->end_ns;
    return a->side != b->side && (overlap || apart <= window_ns);
}

/* Gives each span of one node (sorted by begin) the number of its row: the first span's place. */
static void tie_together(const struct span *s, uint32_t n, int64_t window_ns, uint32_t *row)
{
    for (uint32_t i = 0; i < n; i++)
        row[i] = i;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = i + 1; k < n; k++) {
            if (s[k].begin_ns - s[i].begin_ns > window_ns && s[k].begin_ns > s[i].end_ns)
                break; /* all that follow are later */
            if (row[i] == row[k] || !belong(&s[i], &s[k], window_ns))
                continue;
            uint32_t to = MW_MIN(row[i], row[k]), from = MW_MAX(row[i], row[k]);
            for (uint32_t m = from; m < n; m++)
                if (row[m] == from)
                    row[m] = to;
        }
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void add_side(struct shadow_side *side, const struct span *s, const struct shadow *sh,
                     uint32_t gpus)
{
    int64_t from = MW_MAX(s->begin_ns, sh->from_ns), to = MW_MIN(s->end_ns, sh->to_ns);
    if (side->times++ == 0) {
        side->seq = s->seq;
        side->begin_ns = s->begin_ns;
    }
    side->end_ns = MW_MAX(side->end_ns, s->end_ns);
    side->open |= s->open;
    side->gpu_ms += MW_MAX(mw_ms(to) - mw_ms(from), 0) * gpus;
}

static void add_span(struct shadow_row *r, const struct span *s, const struct shadow *sh,
                     uint32_t gpus)
{
    bool mine = s->side == SPAN_OURS;
    struct shadow_side *side = mine ? &r->ours : &r->theirs;
    bool first = side->times == 0;
    add_side(side, s, sh, gpus);
    r->node = s->node;
    if (!mine && first) {
        r->service = s->service;
        memcpy(r->reason, s->reason, sizeof(r->reason));
    }
    if (!mine)
        return;
    if (first) {
        r->finding_seq = s->finding_seq;
        r->incident = s->incident;
        r->class = s->class;
        r->detail = s->detail;
        r->advised = true;
        r->verdict = VERDICT_UNJUDGED;
    }
    r->advised = r->advised && !s->did;
    uint8_t verdict = s->verdict == VERDICT_FALSE_DRAIN && s->did ? VERDICT_NONE : s->verdict;
    bool stronger = verdict == VERDICT_CONFIRMED ||
                    (verdict == VERDICT_FALSE_DRAIN && r->verdict == VERDICT_UNJUDGED);
    if (stronger && r->verdict != VERDICT_CONFIRMED) {
        r->verdict = verdict;
        r->confirm_seq = s->confirm_seq;
    }
}

static void judge(struct shadow *sh, struct shadow_row *r)
{
    r->group = !r->theirs.seq ? SHADOW_OURS : !r->ours.seq ? SHADOW_THEIRS : SHADOW_SAME;
    if (r->group == SHADOW_SAME) {
        r->verdict = VERDICT_NONE;
        r->lead_ns = r->theirs.begin_ns - r->ours.begin_ns;
        sh->ours_first += r->lead_ns > 0;
        sh->theirs_first += r->lead_ns < 0;
    } else if (r->group == SHADOW_THEIRS) {
        r->verdict = shadow_is_planned(r->reason) ? VERDICT_PLANNED : VERDICT_MISS;
    }
    sh->count[r->group]++;
    sh->verdicts[r->verdict]++;
    sh->ours_gpu_ms[r->group] += r->ours.gpu_ms;
    sh->theirs_gpu_ms[r->group] += r->theirs.gpu_ms;
}

static int by_group(const void *left, const void *right)
{
    const struct shadow_row *a = left, *b = right;
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    int64_t x = a->ours.seq ? a->ours.begin_ns : a->theirs.begin_ns;
    int64_t y = b->ours.seq ? b->ours.begin_ns : b->theirs.begin_ns;
    if (x != y)
        return x < y ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

/* Rows of all nodes; spans are sorted by node. */
static void make_rows(struct shadow *sh, const struct words *w, const struct spans *all,
                      int64_t window_ns, uint32_t *row)
{
    for (uint32_t i = 0, n; i < all->length; i += n) {
        const struct span *s = &all->span[i];
        uint32_t gpus = w->fleet->node_gpus[s->node];
        for (n = 1; i + n < all->length && s[n].node == s->node; n++)
            ;
        tie_together(s, n, window_ns, row);
        for (uint32_t k = 0; k < n; k++) {
            if (row[k] != k)
                continue;
            struct shadow_row *r = &sh->row[sh->rows];
            memset(r, 0, sizeof(*r));
            for (uint32_t m = k; m < n; m++)
                if (row[m] == k)
                    add_span(r, &s[m], sh, gpus);
            if (MW_MAX(r->ours.end_ns, r->theirs.end_ns) < sh->from_ns)
                continue; /* all of it was over before */
            judge(sh, r);
            sh->rows++;
        }
    }
}

int shadow_compare(struct journal *j, const struct words *w, const struct shadow_options *o,
                   struct shadow *ret, struct mw_error *err)
{
    struct spans all = { 0 };
    must(j && w && o && ret);
    *ret = (struct shadow){ 0 };
    int r = shadow_walk(j, w, &all, err);
    uint32_t *row = r == 0 ? mw_calloc(all.length, sizeof(*row)) : NULL;
    ret->row = row ? mw_calloc(all.length, sizeof(*ret->row)) : NULL;
    if (r == 0 && !ret->row)
        r = mw_fail(err, MW_ENOMEM, "out of memory for the report");
    if (r == 0) {
        ret->to_ns = all.last_ns;
        ret->from_ns = o->since_ns > 0 && o->since_ns < all.last_ns ? all.last_ns - o->since_ns : 0;
        ret->engine_down = all.engine_down;
        if (all.length > 0)
            qsort(all.span, all.length, sizeof(*all.span), by_node);
        make_rows(ret, w, &all, o->window_ns, row);
        if (ret->rows > 0)
            qsort(ret->row, ret->rows, sizeof(*ret->row), by_group);
    }
    mw_free(row);
    mw_free(all.span);
    if (r < 0)
        shadow_fini(ret);
    return r;
}

void shadow_fini(struct shadow *s)
{
    mw_free(s->row);
    *s = (struct shadow){ 0 };
}

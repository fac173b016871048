/*
 * The judge of flight recorder dumps: from how far each rank came in each group
 * to the ranks that stopped by themselves.  Owns its verdicts only.  Linear in
 * places: a group blames its laggards once, not every pair of ranks.
 */
#include "signal/flight.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "signal/flight_set.h"
#include "signal/pickle.h"

/* Why others wait for a rank, weakest first. */
enum blame {
    BLAME_NONE,
    BLAME_NO_DUMP,  /* it left no dump, or none that tells */
    BLAME_PAIR,     /* it did not post the other side of a send or receive */
    BLAME_STUCK,    /* its GPU did not start what the others' GPUs started */
    BLAME_ABSENT,   /* it did not enter the collective */
    BLAME_ALONE,    /* it did not finish what the others finished, which needs everybody */
    BLAME_MISMATCH  /* it entered another operation */
};

enum { WAITS_SOFT = 1, WAITS_PAIR = 2, WAITS_GROUP = 4 };

struct verdict { /* of one rank */
    uint8_t blame, waits;
    bool tie; /* of a mismatch: no operation has more than half of the ranks */
    uint32_t group, waiter; /* where, and one rank that waits for it */
    int64_t seq, time_ns;   /* the collective, and when a waiter entered it */
};

struct judge {
    struct flight_set *set;
    const struct flight_file *file;
    struct diagnoses *out;
    struct verdict *of; /* owned; by rank */
    uint32_t no_dump, waiting, roots, hard_roots;
    uint32_t level; /* 0: who waits is excused; 1: but not by a send or receive */
};

/* What is going on in one group. */
struct front {
    int64_t seq;    /* first collective that somebody waits in */
    int64_t time_ns;
    uint32_t first; /* a place that waits in it */
    uint32_t waiting, absent, unknown, past, started;
    bool mismatch;
};

static bool known_op(const char *op, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(op, names[i]) == 0)
            return true;
    return false;
}

/* Nobody can finish one of these before everybody has entered it. */
static bool needs_everybody(const char *op)
{
    static const char *const names[] = {
        "all_reduce", "allreduce", "_all_gather_base", "all_gather", "all_gather_into_tensor",
        "_reduce_scatter_base", "reduce_scatter", "reduce_scatter_tensor", "all_to_all",
        "all_reduce_barrier", "barrier", "allreduce_coalesced",
        "all_gather_into_tensor_coalesced", "reduce_scatter_tensor_coalesced"};
    return known_op(op, names, MW_ARRAY_LEN(names));
}

/* The sizes of one of these are the same on all ranks. */
static bool same_sizes(const char *op)
{
    static const char *const names[] = {"all_reduce", "allreduce", "broadcast", "reduce",
                                        "_all_gather_base", "_reduce_scatter_base"};
    return known_op(op, names, MW_ARRAY_LEN(names));
}

static bool agree(const struct flight_place *a, const struct flight_place *b)
{
    if (strcmp(a->op, b->op) != 0) /* a coalesced batch bears the name of one of its parts */
        return strstr(a->op, "coalesced") != NULL || strstr(b->op, "coalesced") != NULL;
    return !same_sizes(a->op) || a->shape == b->shape;
}

/* Last collective that the rank entered: by entries, else by the status where no send or receive
 * can have written it. */
static int64_t entered(const struct flight_set *s, const struct flight_place *p)
{
    if (p->enqueued != FLIGHT_UNKNOWN)
        return p->enqueued;
    return s->group[p->group].p2p ? FLIGHT_UNKNOWN : p->status;
}

static struct front front_of(const struct flight_set *s, const struct flight_group *g)
{
    struct front f = {.seq = INT64_MAX, .first = MW_NONE, .time_ns = INT64_MAX};
    for (uint32_t i = g->place; i != MW_NONE; i = s->place[i].next) {
        const struct flight_place *p = &s->place[i];
        if (p->head != FLIGHT_UNKNOWN && p->head < f.seq)
            f = (struct front){.seq = p->head, .first = i, .time_ns = INT64_MAX};
    }
    for (uint32_t i = f.first == MW_NONE ? MW_NONE : g->place; i != MW_NONE;
         i = s->place[i].next) {
        const struct flight_place *p = &s->place[i];
        if (p->head == f.seq) {
            f.waiting++;
            f.started += p->state == FLIGHT_STARTED;
            f.time_ns = MW_MIN(f.time_ns, p->head_ns);
            f.mismatch |= !agree(p, &s->place[f.first]);
        } else if (entered(s, p) == FLIGHT_UNKNOWN) {
            f.unknown++;
        } else if (entered(s, p) < f.seq) {
            f.absent++;
        } else {
            f.past++;
        }
    }
    return f;
}

static void blame(struct judge *j, uint32_t rank, enum blame why, const struct front *f,
                  uint32_t group)
{
    struct verdict *v = &j->of[rank];
    must(rank < j->set->ranks && f->first != MW_NONE);
    if (v->blame > why || (v->blame == why && v->time_ns <= f->time_ns))
        return;
    v->blame = (uint8_t)why;
    v->group = group;
    v->seq = f->seq;
    v->time_ns = f->time_ns;
    v->waiter = j->set->place[f->first].rank;
}

/* The operation that more than half of the ranks entered, or MW_NONE (Boyer and Moore's vote). */
static uint32_t majority(const struct flight_set *s, const struct flight_group *g,
                         const struct front *f)
{
    uint32_t best = MW_NONE, votes = 0, count = 0;
    for (uint32_t i = g->place; i != MW_NONE; i = s->place[i].next) {
        if (s->place[i].head != f->seq)
            continue;
        if (votes == 0)
            best = i;
        votes += votes == 0 || agree(&s->place[i], &s->place[best]) ? 1u : UINT32_MAX;
    }
    for (uint32_t i = g->place; i != MW_NONE; i = s->place[i].next)
        count += s->place[i].head == f->seq && agree(&s->place[i], &s->place[best]);
    return count * 2 > f->waiting ? best : MW_NONE;
}

/* Why the group waits for this place; BLAME_NONE when it does not. */
static enum blame why_place(const struct flight_set *s, const struct flight_place *p,
                            const struct front *f, uint32_t most)
{
    bool at_front = p->head == f->seq;
    if (f->mismatch)
        return at_front && (most == MW_NONE || !agree(p, &s->place[most])) ? BLAME_MISMATCH
                                                                           : BLAME_NONE;
    if (f->absent > 0)
        return !at_front && entered(s, p) != FLIGHT_UNKNOWN && entered(s, p) < f->seq
                   ? BLAME_ABSENT : BLAME_NONE;
    if (!at_front)
        return BLAME_NONE;
    if (f->past > 0 && needs_everybody(p->op))
        return BLAME_ALONE;
    if (f->started > 0 && f->started < f->waiting && p->state == FLIGHT_SCHEDULED)
        return BLAME_STUCK;
    return BLAME_NONE;
}

/* Members of whom no dump tells: blamed only as far as nothing better explains the wait. */
static uint32_t blame_silent(struct judge *j, uint32_t group, const struct front *f)
{
    const struct flight_set *s = j->set;
    const struct flight_group *g = &s->group[group];
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->members; i++) {
        uint32_t rank = s->member[g->member_first + i];
        if (s->rank[rank].file != MW_NONE)
            continue;
        blame(j, rank, BLAME_NO_DUMP, f, group);
        n++;
    }
    for (uint32_t i = f->unknown == 0 ? MW_NONE : g->place; i != MW_NONE; i = s->place[i].next)
        if (s->place[i].head == FLIGHT_UNKNOWN && entered(s, &s->place[i]) == FLIGHT_UNKNOWN) {
            blame(j, s->place[i].rank, BLAME_NO_DUMP, f, group);
            s->place[i].lags = true;
            n++;
        }
    return n;
}

static void judge_group(struct judge *j, uint32_t group)
{
    const struct flight_set *s = j->set;
    const struct flight_group *g = &s->group[group];
    struct front f = front_of(s, g);
    uint32_t hard = 0, soft;

    if (f.first == MW_NONE)
        return;
    uint32_t most = f.mismatch ? majority(s, g, &f) : MW_NONE;
    for (uint32_t i = g->place; i != MW_NONE; i = s->place[i].next) {
        struct flight_place *p = &s->place[i];
        enum blame why = why_place(s, p, &f, most);
        p->lags = why != BLAME_NONE;
        if (why == BLAME_NONE)
            continue;
        blame(j, p->rank, why, &f, group);
        j->of[p->rank].tie = f.mismatch && most == MW_NONE;
        hard++;
    }
    soft = blame_silent(j, group, &f);
    uint8_t waits = hard > 0 ? WAITS_GROUP : soft > 0 ? WAITS_SOFT : 0;
    for (uint32_t i = g->place; i != MW_NONE; i = s->place[i].next)
        if (s->place[i].head != FLIGHT_UNKNOWN && !s->place[i].lags)
            j->of[s->place[i].rank].waits |= waits;
}

/* Whether rank `peer` has the other side of `mine` unfinished too. */
static bool pair_is_met(const struct flight_set *s, uint32_t group, uint32_t peer, uint32_t me,
                        bool mine_sends)
{
    const struct flight_rank *r = &s->rank[peer];
    for (uint32_t i = 0; i < r->places; i++) {
        const struct flight_place *p = &s->place[r->place_first + i];
        for (uint32_t k = p->group == group ? p->pair : MW_NONE; k != MW_NONE;
             k = s->pair[k].next)
            if (s->pair[k].peer == me && s->pair[k].send != mine_sends)
                return true;
    }
    return false;
}

static void judge_pairs(struct judge *j, uint32_t place)
{
    const struct flight_set *s = j->set;
    const struct flight_place *p = &s->place[place];
    const struct flight_group *g = &s->group[p->group];
    uint32_t me = 0;

    while (p->pairs > 0 && me < g->members && s->member[g->member_first + me] != p->rank)
        me++;
    for (uint32_t i = me < g->members ? p->pair : MW_NONE; i != MW_NONE; i = s->pair[i].next) {
        const struct flight_pair *pair = &s->pair[i];
        struct front f = {.first = place, .time_ns = pair->time_ns, .seq = p->enqueued};
        if (pair->peer >= g->members)
            continue;
        uint32_t peer = s->member[g->member_first + pair->peer];
        if (s->rank[peer].file == MW_NONE) {
            blame(j, peer, BLAME_NO_DUMP, &f, p->group);
            j->of[p->rank].waits |= WAITS_SOFT;
        } else if (!pair_is_met(s, p->group, peer, me, pair->send)) {
            blame(j, peer, BLAME_PAIR, &f, p->group);
            j->of[p->rank].waits |= WAITS_PAIR;
        }
    }
}

/* Stopped by itself: others wait for it and it waits for nobody, or what it did not finish has
 * everything it needs. */
static bool is_root(const struct judge *j, uint32_t rank)
{
    const struct verdict *v = &j->of[rank];
    if (v->blame == BLAME_NONE)
        return false;
    if (v->blame >= BLAME_ALONE)
        return true;
    return (v->waits & (j->level == 0 ? 0xff : WAITS_GROUP)) == 0;
}

static void count_roots(struct judge *j)
{
    j->roots = j->hard_roots = 0;
    for (uint32_t i = 0; i < j->set->ranks; i++) {
        j->roots += is_root(j, i);
        j->hard_roots += is_root(j, i) && j->of[i].blame > BLAME_NO_DUMP;
    }
}

static enum diagnosis_sure sure_of(const struct judge *j, const struct verdict *v)
{
    if (j->level > 0 || v->tie)
        return SURE_POSSIBLE;
    if (v->blame == BLAME_MISMATCH)
        return SURE_CERTAIN;
    if (v->blame == BLAME_NO_DUMP)
        return j->hard_roots > 0 ? SURE_POSSIBLE : SURE_LIKELY;
    return v->blame == BLAME_ABSENT && j->no_dump == 0 ? SURE_CERTAIN : SURE_LIKELY;
}

static const struct flight_place *place_of(const struct flight_set *s, uint32_t rank,
                                           uint32_t group)
{
    const struct flight_rank *r = &s->rank[rank];
    for (uint32_t i = 0; i < r->places; i++)
        if (s->place[r->place_first + i].group == group)
            return &s->place[r->place_first + i];
    return NULL;
}

static const char *state_name(const struct flight_place *p)
{
    return p->state == FLIGHT_STARTED ? "started" : "scheduled";
}

/* "collective 26 (all_reduce [16]) of group 43 (PIPELINE)". */
static void what_text(const struct judge *j, const struct verdict *v, char *to, size_t size)
{
    const struct flight_group *g = &j->set->group[v->group];
    const struct flight_place *w = place_of(j->set, v->waiter, v->group);
    if (v->blame == BLAME_PAIR || w == NULL || w->head != v->seq)
        (void)snprintf(to, size, "a send or receive in group %.20s (%.32s)", g->name,
                       g->desc);
    else
        (void)snprintf(to, size, "collective %" PRId64 " (%.32s) of group %.20s (%.32s)",
                       v->seq, w->op, g->name, g->desc);
}

static void cause_text(const struct verdict *v, const char *what, char *to, size_t size)
{
    static const char *const format[] = {
        [BLAME_NO_DUMP] = "Left no dump that tells, while others wait in ",
        [BLAME_PAIR] = "Did not post its side of ",
        [BLAME_STUCK] = "Its GPU did not start what other GPUs started: ",
        [BLAME_ABSENT] = "Never entered ",
        [BLAME_ALONE] = "Its GPU did not finish what the others finished: ",
        [BLAME_MISMATCH] = "Entered another operation or sizes than the rest in ",
    };
    must(v->blame > BLAME_NONE && v->blame < MW_ARRAY_LEN(format));
    (void)snprintf(to, size, "%s%s", format[v->blame], what);
}

static const char *action_of(enum blame why)
{
    switch (why) {
    case BLAME_ALONE:
    case BLAME_STUCK:
        return "Check this rank's GPU and kernel log (Xid); restart the job without it";
    case BLAME_MISMATCH:
        return "Compare this rank's program path and batch with the others'; a restart repeats it";
    case BLAME_NO_DUMP:
        return "See whether its process or node died; fetch its dump and log";
    default:
        return "Look at its process (stack, log) and host; restart it, or the job without it";
    }
}

/* "name #seq op sizes state" of the rank and of one that waits, and the last that all finished. */
static void evidence_text(const struct judge *j, const struct verdict *v, uint32_t rank,
                          char *to, size_t size)
{
    const struct flight_set *s = j->set;
    const struct flight_place *mine = place_of(s, rank, v->group);
    const struct flight_place *w = place_of(s, v->waiter, v->group);
    int used = snprintf(to, size, "group %s:", s->group[v->group].name);
    if (mine != NULL && mine->head != FLIGHT_UNKNOWN)
        used += snprintf(to + used, size - (size_t)used, " rank %u is in #%" PRId64 " %s %s, %s;",
                         rank, mine->head, mine->op, mine->sizes, state_name(mine));
    else if (mine != NULL && entered(s, mine) != FLIGHT_UNKNOWN)
        used += snprintf(to + used, size - (size_t)used,
                         " rank %u entered nothing after #%" PRId64 ";", rank, entered(s, mine));
    if (w != NULL && w->head != v->seq && w->pairs > 0)
        used += snprintf(to + used, size - (size_t)used, " rank %u has %u unfinished sends and "
                         "receives;", v->waiter, w->pairs);
    else if (w != NULL && w->head != FLIGHT_UNKNOWN && v->waiter != rank)
        used += snprintf(to + used, size - (size_t)used, " rank %u waits in #%" PRId64
                         " %s %s, %s;", v->waiter, w->head, w->op, w->sizes, state_name(w));
    if (v->blame != BLAME_PAIR && w != NULL && w->head == v->seq)
        (void)snprintf(to + used, size - (size_t)used,
                       " the last collective that all finished here is before #%" PRId64, v->seq);
}

static void tell_root(struct judge *j, uint32_t rank)
{
    const struct verdict *v = &j->of[rank];
    const struct flight_set *s = j->set;
    uint32_t file = s->rank[rank].file != MW_NONE ? s->rank[rank].file : s->rank[v->waiter].file;
    struct diagnosis d = {.wrong = true, .sure = (uint8_t)sure_of(j, v), .count = 1};
    char what[160];

    must(file != MW_NONE);
    what_text(j, v, what, sizeof(what));
    (void)snprintf(d.part, sizeof(d.part), "rank %u", rank);
    (void)snprintf(d.code, sizeof(d.code), "%s",
                   v->blame == BLAME_MISMATCH ? "mismatch" : "hang");
    cause_text(v, what, d.cause, sizeof(d.cause));
    (void)snprintf(d.action, sizeof(d.action), "%s", action_of((enum blame)v->blame));
    if (j->level > 0)
        (void)snprintf(d.look, sizeof(d.look), "The ranks wait for each other: look for a "
                       "different order of operations on different ranks");
    diagnosis_text(d.file, sizeof(d.file), j->file[file].name, strlen(j->file[file].name));
    evidence_text(j, v, rank, d.evidence, sizeof(d.evidence));
    diagnoses_add(j->out, &d);
}

/* One that stands for many, about no rank alone. */
static void tell(struct judge *j, bool wrong, const char *part, const char *cause,
                 const char *action)
{
    struct diagnosis d = {.wrong = wrong, .sure = wrong ? SURE_POSSIBLE : SURE_CERTAIN,
                          .count = 1};
    (void)snprintf(d.part, sizeof(d.part), "%s", part);
    (void)snprintf(d.cause, sizeof(d.cause), "%s", cause);
    (void)snprintf(d.action, sizeof(d.action), "%s", action);
    (void)snprintf(d.code, sizeof(d.code), "%s", wrong ? "hang" : "");
    diagnosis_text(d.file, sizeof(d.file), j->file[0].name, strlen(j->file[0].name));
    diagnoses_add(j->out, &d);
}

/* Nobody to blame: everybody is in what is unfinished; the oldest is named. */
static void tell_all_there(struct judge *j)
{
    const struct flight_set *s = j->set;
    uint32_t oldest = MW_NONE;
    char part[96], cause[192];

    for (uint32_t i = 0; i < s->places; i++)
        if (s->place[i].head != FLIGHT_UNKNOWN &&
            (oldest == MW_NONE || s->place[i].head_ns < s->place[oldest].head_ns))
            oldest = i;
    if (oldest == MW_NONE) {
        tell(j, s->pairs > 0, "all ranks",
             s->pairs > 0 ? "Sends and receives are unfinished though both sides are in them"
                          : "No collective was unfinished when the dumps were made",
             s->pairs > 0 ? "Look at the network between the ranks" : "");
        return;
    }
    const struct flight_place *p = &s->place[oldest];
    const struct flight_group *g = &s->group[p->group];
    (void)snprintf(part, sizeof(part), "group %s", g->name);
    (void)snprintf(cause, sizeof(cause), "All %u ranks known here are in collective %" PRId64
                   " (%s, %s) and none finished; no rank stands out", g->places, p->head, p->op,
                   state_name(p));
    tell(j, true, part, cause,
         "Look at the network and NCCL logs of these ranks; test their links and GPUs");
}

/* Everybody who is blamed waits for somebody. */
static void tell_cycle(struct judge *j)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < j->set->ranks; i++)
        n += j->of[i].blame != BLAME_NONE;
    char cause[192];
    (void)snprintf(cause, sizeof(cause), "%u ranks wait for each other in different groups: "
                   "they enter the same collectives in different orders", n);
    tell(j, true, "all ranks", cause,
         "Compare the order of collectives in the dumps; give groups one order on all ranks");
}

static void tell_rest(struct judge *j)
{
    const struct flight_set *s = j->set;
    char cause[192];
    int used = snprintf(cause, sizeof(cause), "No dump of %u of the ranks in the groups:",
                        j->no_dump);
    for (uint32_t i = 0; i < s->ranks && used + 16 < (int)sizeof(cause); i++)
        if (s->rank[i].known && s->rank[i].file == MW_NONE)
            used += snprintf(cause + used, sizeof(cause) - (size_t)used, " %u", i);
    if (j->no_dump > 0)
        tell(j, false, "ranks without a dump", cause, "Fetch them for a surer answer");
    (void)snprintf(cause, sizeof(cause), "%u other ranks have unfinished operations; nothing "
                   "says that they are at fault", j->waiting);
    if (j->waiting > 0 && j->roots > 0)
        tell(j, false, "other ranks", cause, "");
}

static bool is_busy(const struct flight_set *s, uint32_t rank)
{
    const struct flight_rank *r = &s->rank[rank];
    for (uint32_t i = 0; i < r->places; i++)
        if (s->place[r->place_first + i].head != FLIGHT_UNKNOWN ||
            s->place[r->place_first + i].pairs > 0)
            return true;
    return false;
}

static void judge_all(struct judge *j)
{
    struct flight_set *s = j->set;
    for (uint32_t i = 0; i < s->ranks; i++)
        j->no_dump += s->rank[i].known && s->rank[i].file == MW_NONE;
    for (uint32_t i = 0; i < s->groups; i++)
        judge_group(j, i);
    for (uint32_t i = 0; i < s->places; i++)
        judge_pairs(j, i);
    uint32_t blamed = 0;
    for (uint32_t i = 0; i < s->ranks; i++)
        blamed += j->of[i].blame != BLAME_NONE;
    count_roots(j);
    if (blamed > 0 && j->roots == 0) {
        j->level = 1;
        count_roots(j);
    }
    for (uint32_t i = 0; i < s->ranks; i++) {
        if (is_root(j, i))
            tell_root(j, i);
        else
            j->waiting += is_busy(s, i);
    }
    if (blamed == 0)
        tell_all_there(j);
    else if (j->roots == 0)
        tell_cycle(j);
    tell_rest(j);
}

bool flight_is_dump(const char *data, size_t size)
{
    static const char *const words[] = {"pg_config", "pg_status", "profiling_name",
                                        "nccl_version", "collective_seq_id"};
    size_t at = 0;
    while (at < size && (data[at] == ' ' || data[at] == '\n' || data[at] == '\t' ||
                         data[at] == '\r'))
        at++;
    if (!pickle_is(data, size) && (at == size || data[at] != '{'))
        return false;
    if (memmem(data, size, "entries", 7) == NULL && memmem(data, size, "pg_status", 9) == NULL)
        return false;
    for (size_t i = 0; i < MW_ARRAY_LEN(words); i++)
        if (memmem(data, size, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

int flight_diagnose(const struct flight_file *file, uint32_t n, struct diagnoses *out,
                    struct mw_error *err)
{
    struct flight_set set;
    if (n == 0)
        return mw_fail(err, MW_EINVAL, "no flight recorder dump was given");
    int rc = flight_set_init(&set, err);
    if (rc != 0)
        return rc;
    for (uint32_t i = 0; i < n && rc == 0; i++)
        rc = flight_set_add(&set, &file[i], i, err);
    struct judge j = {.set = &set, .file = file, .out = out};
    if (rc == 0) {
        j.of = mw_calloc(set.ranks, sizeof(*j.of));
        rc = j.of == NULL ? mw_fail(err, MW_ENOMEM, "out of memory for flight recorder dumps") : 0;
    }
    if (rc == 0)
        judge_all(&j);
    mw_free(j.of);
    flight_set_fini(&set);
    return rc;
}

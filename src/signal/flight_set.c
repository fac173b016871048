/*
 * Reads dumps into rows.  Owns the rows; keeps nothing of the files.  Takes what
 * the formats 1 to 2.x have in common and says what is missing.
 */
#include "signal/flight_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/parse.h"
#include "signal/pickle.h"

#define STATUS_MAX 4096 /* groups of one rank */

/* One dump while it is read. */
struct dump {
    struct flight_set *set;
    const struct value_tree *tree;
    const char *name;
    uint32_t rank;
    int64_t pg_id[STATUS_MAX]; /* of its places, by order; FLIGHT_UNKNOWN */
    struct mw_error *err;
};

int flight_set_init(struct flight_set *s, struct mw_error *err)
{
    *s = (struct flight_set){0};
    s->rank = mw_calloc(FLIGHT_RANKS_MAX, sizeof(*s->rank));
    if (s->rank == NULL || map_init(&s->by_key, FLIGHT_GROUPS_MAX) != 0) {
        mw_free(s->rank);
        *s = (struct flight_set){0};
        return mw_fail(err, MW_ENOMEM, "out of memory for flight recorder dumps");
    }
    for (uint32_t i = 0; i < FLIGHT_RANKS_MAX; i++)
        s->rank[i].file = MW_NONE;
    return 0;
}

void flight_set_fini(struct flight_set *s)
{
    mw_free(s->rank);
    mw_free(s->group);
    mw_free(s->place);
    mw_free(s->pair);
    mw_free(s->member);
    map_fini(&s->by_key);
    *s = (struct flight_set){0};
}

static int grow(void **array, uint32_t length, uint32_t *room, size_t size, struct mw_error *err)
{
    if (length < *room)
        return 0;
    if (length >= FLIGHT_ROWS_MAX)
        return mw_fail(err, MW_ELIMIT, "more than %u rows in the dumps", FLIGHT_ROWS_MAX);
    uint32_t more = *room == 0 ? 64 : *room * 2;
    void *bigger = mw_resize(*array, more, size);
    if (bigger == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory for flight recorder dumps");
    *array = bigger;
    *room = more;
    return 0;
}

/* grow() for a typed array. */
#define ROOM(set, what, err)                                                                  \
    ({                                                                                        \
        void *array_ = (set)->what;                                                           \
        int rc_ = grow(&array_, (set)->what##s, &(set)->what##s_room, sizeof(*(set)->what),   \
                       err);                                                                  \
        (set)->what = array_;                                                                 \
        rc_;                                                                                  \
    })

/* An integer, or the text of one. */
static int64_t number(const struct value_tree *t, uint32_t node)
{
    const char *text;
    uint32_t length;
    char copy[24];
    int64_t n;

    if (value_int(t, node, &n))
        return n;
    if (!value_text(t, node, &text, &length) || length >= sizeof(copy))
        return FLIGHT_UNKNOWN;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return mw_parse_i64(copy, &n) == 0 ? n : FLIGHT_UNKNOWN;
}

static int64_t number_of(const struct value_tree *t, uint32_t dict, const char *name)
{
    return number(t, value_get(t, dict, name));
}

static void copy_text(const struct value_tree *t, uint32_t node, char *to, size_t size)
{
    const char *text = "";
    uint32_t length = 0;
    int64_t n;
    if (value_int(t, node, &n))
        (void)snprintf(to, size, "%" PRId64, n);
    else {
        (void)value_text(t, node, &text, &length);
        diagnosis_text(to, size, text, length);
    }
}

static int add_member(struct flight_set *s, int64_t rank, struct mw_error *err)
{
    if (rank < 0 || rank >= FLIGHT_RANKS_MAX)
        return mw_fail(err, MW_EINVAL, "rank %" PRId64 " in a process group; 0 to %u are read",
                       rank, FLIGHT_RANKS_MAX - 1);
    int rc = ROOM(s, member, err);
    if (rc != 0)
        return rc;
    s->member[s->members++] = (uint32_t)rank;
    s->rank[rank].known = true;
    s->ranks = MW_MAX(s->ranks, (uint32_t)rank + 1);
    return 0;
}

/* "[0, 1, 2]" or a list; anything else is no members. */
static int read_members(struct flight_set *s, const struct value_tree *t, uint32_t node,
                        struct mw_error *err)
{
    const char *text;
    uint32_t length;
    int rc = 0;

    for (uint32_t at = value_is(t, node, VALUE_LIST) ? value_first(t, node) : MW_NONE;
         at != MW_NONE && rc == 0; at = t->link[at].next)
        rc = add_member(s, number(t, t->link[at].node), err);
    if (!value_text(t, node, &text, &length))
        return rc;
    for (uint32_t i = 0; i < length && rc == 0;) {
        int64_t rank = 0;
        uint32_t digits = 0;
        for (; i < length && text[i] >= '0' && text[i] <= '9'; i++, digits++)
            rank = MW_MIN(rank * 10 + (text[i] - '0'), (int64_t)FLIGHT_RANKS_MAX);
        if (digits > 0)
            rc = add_member(s, rank, err);
        else
            i++;
    }
    return rc;
}

/* The group of this name and these ranks, made when new. */
static int group_of(struct dump *d, uint32_t name, uint32_t desc, uint32_t ranks, uint32_t *ret)
{
    struct flight_set *s = d->set;
    struct flight_group g = {.place = MW_NONE, .member_first = s->members};
    copy_text(d->tree, name, g.name, sizeof(g.name));
    copy_text(d->tree, desc, g.desc, sizeof(g.desc));
    int rc = read_members(s, d->tree, ranks, d->err);
    if (rc != 0)
        return rc;
    g.members = s->members - g.member_first;
    uint64_t hash = mw_hash64_of(g.name, strlen(g.name));
    if (g.members > 0)
        hash ^= mw_hash64_of(s->member + g.member_first, g.members * sizeof(*s->member));
    *ret = map_get(&s->by_key, hash);
    if (*ret != MW_NONE) {
        s->members = g.member_first;
        return 0;
    }
    if (s->groups == FLIGHT_GROUPS_MAX)
        return mw_fail(d->err, MW_ELIMIT, "more than %u process groups", FLIGHT_GROUPS_MAX);
    rc = ROOM(s, group, d->err);
    if (rc != 0)
        return rc;
    s->group[s->groups] = g;
    map_put(&s->by_key, hash, s->groups);
    *ret = s->groups++;
    return 0;
}

static int add_place(struct dump *d, uint32_t group)
{
    struct flight_set *s = d->set;
    struct flight_rank *r = &s->rank[d->rank];
    int rc = ROOM(s, place, d->err);
    if (rc != 0)
        return rc;
    if (r->places == STATUS_MAX)
        return mw_fail(d->err, MW_ELIMIT, "more than %d process groups of one rank", STATUS_MAX);
    struct flight_group *g = &s->group[group];
    s->place[s->places] = (struct flight_place){
        .group = group, .rank = d->rank, .next = g->place, .enqueued = FLIGHT_UNKNOWN,
        .status = FLIGHT_UNKNOWN, .head = FLIGHT_UNKNOWN, .pair = MW_NONE};
    d->pg_id[r->places++] = FLIGHT_UNKNOWN;
    g->place = s->places++;
    g->places++;
    return 0;
}

static int read_config(struct dump *d)
{
    const struct value_tree *t = d->tree;
    uint32_t config = value_get(t, t->root, "pg_config");
    uint32_t at = value_is(t, config, VALUE_DICT) ? value_first(t, config) : MW_NONE;
    while (at != MW_NONE) {
        uint32_t key = t->link[at].node, value = t->link[t->link[at].next].node, group;
        int rc = group_of(d, key, value_get(t, value, "desc"), value_get(t, value, "ranks"),
                          &group);
        /* A group that lists others only is not this rank's to wait in. */
        if (rc == 0)
            rc = add_place(d, group);
        if (rc != 0)
            return rc;
        at = t->link[t->link[at].next].next;
    }
    return 0;
}

/* This rank's place in the group of that name; made when pg_config did not have it. */
static int place_of(struct dump *d, uint32_t name_node, uint32_t desc, struct flight_place **ret,
                    int64_t pg_id)
{
    struct flight_rank *r = &d->set->rank[d->rank];
    char name[sizeof(d->set->group->name)];
    copy_text(d->tree, name_node, name, sizeof(name));
    uint32_t i = 0;
    while (i < r->places &&
           strcmp(d->set->group[d->set->place[r->place_first + i].group].name, name) != 0)
        i++;
    if (i == r->places) {
        uint32_t group;
        int rc = group_of(d, name_node, desc, MW_NONE, &group);
        if (rc == 0)
            rc = add_place(d, group);
        if (rc != 0)
            return rc;
    }
    d->pg_id[i] = pg_id;
    *ret = &d->set->place[r->place_first + i];
    return 0;
}

/* "nccl:send 0->3" or "nccl:recv 0<-3": the peer's position in the group. */
static bool read_pair(const char *op, struct flight_pair *p)
{
    uint32_t me, peer;
    int end = 0;
    if (sscanf(op, "send %6u->%6u%n", &me, &peer, &end) == 2 && end > 0)
        p->send = true;
    else if (sscanf(op, "recv %6u<-%6u%n", &me, &peer, &end) == 2 && end > 0)
        p->send = false;
    else
        return false;
    p->peer = peer;
    return true;
}

static uint8_t state_of(const struct value_tree *t, uint32_t entry)
{
    char state[16];
    copy_text(t, value_get(t, entry, "state"), state, sizeof(state));
    if (strcmp(state, "completed") == 0 ||
        number_of(t, entry, "time_discovered_completed_ns") > 0)
        return FLIGHT_COMPLETED;
    if (strcmp(state, "started") == 0 || number_of(t, entry, "time_discovered_started_ns") > 0)
        return FLIGHT_STARTED;
    return FLIGHT_SCHEDULED;
}

/* Appends "[4096, 5120]" of each list to text; lists of numbers only, cut at the end of it. */
static void sizes_text(const struct value_tree *t, uint32_t sizes, char *text, size_t size)
{
    size_t used = strlen(text);
    for (uint32_t at = value_first(t, sizes); at != MW_NONE; at = t->link[at].next) {
        const char *mark = "[";
        uint32_t one = value_first(t, t->link[at].node);
        for (; one != MW_NONE && used + 24 < size; one = t->link[one].next, mark = ", ")
            used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, mark,
                                     number(t, t->link[one].node));
        if (used + 4 >= size)
            return;
        used += (size_t)snprintf(text + used, size - used, *mark == '[' ? "[]" : "]");
    }
}

static void take_head(struct flight_place *p, const struct value_tree *t, uint32_t entry,
                      const char *op)
{
    char in[512] = "", all[1024] = "";
    sizes_text(t, value_get(t, entry, "input_sizes"), in, sizeof(in));
    (void)snprintf(p->op, sizeof(p->op), "%s", op);
    (void)snprintf(p->sizes, sizeof(p->sizes), "%.*s", (int)sizeof(p->sizes) - 1, in);
    (void)snprintf(all, sizeof(all), "%s>", in);
    sizes_text(t, value_get(t, entry, "output_sizes"), all, sizeof(all));
    p->shape = mw_hash64_of(all, strlen(all));
    p->state = state_of(t, entry);
    p->head_ns = number_of(t, entry, "time_created_ns");
}

static int take_pair(struct dump *d, struct flight_place *p, const char *op, int64_t time_ns)
{
    struct flight_set *s = d->set;
    struct flight_pair pair = {.next = p->pair, .time_ns = time_ns};
    if (!read_pair(op, &pair)) /* a coalesced batch does not say with whom */
        return 0;
    int rc = ROOM(s, pair, d->err);
    if (rc != 0)
        return rc;
    s->pair[s->pairs] = pair;
    p->pair = s->pairs++;
    p->pairs++;
    return 0;
}

static int read_entry(struct dump *d, uint32_t entry)
{
    const struct value_tree *t = d->tree;
    struct flight_place *p;
    uint32_t group = value_get(t, entry, "process_group"), desc = MW_NONE;
    int64_t p2p = 0;
    char op[40];

    uint32_t name = value_first(t, group);
    if (name != MW_NONE) {
        desc = t->link[name].next == MW_NONE ? MW_NONE : t->link[t->link[name].next].node;
        name = t->link[name].node;
    } else {
        name = value_get(t, entry, "pg_id"); /* format 1 */
    }
    if (name == MW_NONE)
        return mw_fail(d->err, MW_EINVAL, "an entry without 'process_group'");
    int rc = place_of(d, name, desc, &p, number_of(t, entry, "pg_id"));
    if (rc != 0)
        return rc;
    char full[64];
    copy_text(t, value_get(t, entry, "profiling_name"), full, sizeof(full));
    const char *colon = strchr(full, ':');
    (void)snprintf(op, sizeof(op), "%.39s", colon == NULL ? full : colon + 1);
    int64_t seq = number_of(t, entry, "collective_seq_id");
    if (seq == FLIGHT_UNKNOWN)
        seq = number_of(t, entry, "seq_id");
    if (seq == FLIGHT_UNKNOWN)
        return mw_fail(d->err, MW_EINVAL, "an entry (%s) without 'collective_seq_id'", op);
    p->enqueued = MW_MAX(p->enqueued, seq); /* a send carries the collective before it */
    bool is_p2p = value_int(t, value_get(t, entry, "is_p2p"), &p2p) && p2p != 0;
    if (is_p2p)
        d->set->group[p->group].p2p = true;
    if (state_of(t, entry) == FLIGHT_COMPLETED)
        return 0;
    if (is_p2p)
        return take_pair(d, p, op, number_of(t, entry, "time_created_ns"));
    if (p->head == FLIGHT_UNKNOWN || seq < p->head) {
        p->head = seq;
        take_head(p, t, entry, op);
    }
    return 0;
}

static bool decimal(const char *s)
{
    return *s != '\0' && strspn(s, "0123456789") == strlen(s) && strlen(s) < 18;
}

/* pg_status has the rank's own group numbers. Both those and the groups' names count up in order
 * of creation, so the k-th of one is the k-th of the other; trusted when the counts agree and no
 * entry, which has both, contradicts. */
static bool match_status(struct dump *d, const int64_t *id, uint32_t n)
{
    const struct flight_rank *r = &d->set->rank[d->rank];
    if (n != r->places)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct flight_place *p = &d->set->place[r->place_first + i];
        const char *name = d->set->group[p->group].name;
        uint32_t before_name = 0, before_id = 0;
        int64_t mine = 0, other = 0;
        if (!decimal(name) || mw_parse_i64(name, &mine) != 0)
            return false;
        for (uint32_t k = 0; k < n; k++) {
            name = d->set->group[d->set->place[r->place_first + k].group].name;
            if (!decimal(name) || mw_parse_i64(name, &other) != 0)
                return false;
            before_name += other < mine;
        }
        for (uint32_t k = 0; k < n; k++) {
            before_id = 0;
            for (uint32_t j = 0; j < n; j++)
                before_id += id[j] < id[k];
            if (before_id != before_name)
                continue;
            if (d->pg_id[i] != FLIGHT_UNKNOWN && d->pg_id[i] != id[k])
                return false;
            d->pg_id[i] = id[k];
        }
    }
    return true;
}

static void read_status(struct dump *d)
{
    const struct value_tree *t = d->tree;
    uint32_t status = value_get(t, t->root, "pg_status");
    int64_t id[64], enqueued[64], seen[64];
    uint32_t n = 0;
    struct flight_rank *r = &d->set->rank[d->rank];

    if (!value_is(t, status, VALUE_DICT))
        return;
    for (uint32_t at = value_first(t, status); at != MW_NONE && n < MW_ARRAY_LEN(id); n++) {
        uint32_t value = t->link[at].next;
        id[n] = number(t, t->link[at].node);
        enqueued[n] = number_of(t, t->link[value].node, "last_enqueued_collective");
        at = t->link[value].next;
    }
    for (uint32_t i = 0; i < MW_MIN(r->places, 64u); i++)
        seen[i] = d->pg_id[i];
    if (r->places > 64 || !match_status(d, id, n)) /* then only what the entries themselves say */
        memcpy(d->pg_id, seen, MW_MIN(r->places, 64u) * sizeof(*seen));
    for (uint32_t i = 0; i < r->places; i++)
        for (uint32_t k = 0; k < n; k++)
            if (id[k] == d->pg_id[i] && id[k] != FLIGHT_UNKNOWN)
                d->set->place[r->place_first + i].status = enqueued[k];
}

/* The last number of the file's name, unless the dump says its rank. */
static int rank_of(const struct dump *d, uint32_t *ret)
{
    const char *slash = strrchr(d->name, '/');
    const char *base = slash == NULL ? d->name : slash + 1;
    int64_t rank = number_of(d->tree, d->tree->root, "rank");
    size_t end = strlen(base);
    while (rank == FLIGHT_UNKNOWN && end > 0 && (base[end - 1] < '0' || base[end - 1] > '9'))
        end--;
    size_t start = end;
    while (start > 0 && base[start - 1] >= '0' && base[start - 1] <= '9')
        start--;
    if (rank == FLIGHT_UNKNOWN && start < end && end - start < 10) {
        rank = 0;
        for (size_t i = start; i < end; i++)
            rank = rank * 10 + (base[i] - '0');
    }
    if (rank < 0 || rank >= FLIGHT_RANKS_MAX)
        return mw_fail(d->err, MW_EINVAL, "whose rank is it? Name the file so that its last "
                       "number is the rank (0 to %u), as in dump_12", FLIGHT_RANKS_MAX - 1);
    *ret = (uint32_t)rank;
    return 0;
}

static int read_dump(struct dump *d, uint32_t number_of_file)
{
    const struct value_tree *t = d->tree;
    uint32_t entries = value_get(t, t->root, "entries");
    if (!value_is(t, entries, VALUE_LIST) && value_get(t, t->root, "pg_status") == MW_NONE)
        return mw_fail(d->err, MW_EINVAL, "no 'entries': not a flight recorder dump");
    int rc = rank_of(d, &d->rank);
    if (rc != 0)
        return rc;
    struct flight_rank *r = &d->set->rank[d->rank];
    if (r->file != MW_NONE)
        return mw_fail(d->err, MW_EINVAL, "a second dump of rank %u; give one a rank", d->rank);
    d->set->ranks = MW_MAX(d->set->ranks, d->rank + 1);
    *r = (struct flight_rank){.file = number_of_file, .known = true,
                              .place_first = d->set->places};
    rc = read_config(d);
    for (uint32_t at = value_first(t, entries); at != MW_NONE && rc == 0; at = t->link[at].next)
        rc = read_entry(d, t->link[at].node);
    if (rc == 0)
        read_status(d);
    return rc;
}

int flight_set_add(struct flight_set *s, const struct flight_file *file, uint32_t number_of_file,
                   struct mw_error *err)
{
    struct value_tree tree;
    int rc = pickle_is(file->data, file->size)
                 ? pickle_read(file->data, file->size, &tree, err)
                 : value_from_json(file->data, file->size, &tree, err);
    if (rc == 0) {
        struct dump *d = mw_calloc(1, sizeof(*d));
        if (d == NULL) {
            rc = mw_fail(err, MW_ENOMEM, "out of memory for flight recorder dumps");
        } else {
            d->set = s;
            d->tree = &tree;
            d->name = file->name;
            d->err = err;
            rc = read_dump(d, number_of_file);
            mw_free(d);
        }
        value_tree_fini(&tree);
    }
    return rc == 0 ? 0 : mw_fail_prefix(err, "%s", file->name);
}

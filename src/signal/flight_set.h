/*
 * What a set of flight recorder dumps says, in rows: process groups, and for each
 * group and rank how far the rank came (a place) and its unfinished sends and
 * receives.  Reads and holds; judges nothing (flight.c does).
 */
#ifndef MW_SIGNAL_FLIGHT_SET_H
#define MW_SIGNAL_FLIGHT_SET_H

#include "base/map.h"
#include "signal/flight.h"
#include "signal/value.h"

#define FLIGHT_RANKS_MAX (1u << 17)
#define FLIGHT_GROUPS_MAX (1u << 17)
#define FLIGHT_ROWS_MAX (1u << 23) /* places, members, sends and receives */
#define FLIGHT_UNKNOWN INT64_MIN

enum flight_state { FLIGHT_SCHEDULED, FLIGHT_STARTED, FLIGHT_COMPLETED };

struct flight_group {
    char name[48], desc[64];
    uint32_t member_first, members; /* global ranks in order; 0 = the dumps do not say */
    uint32_t place, places;         /* first place, then place.next */
    bool p2p;                       /* some dump has a send or receive in it */
};

/* How far one rank came in one group. */
struct flight_place {
    uint32_t group, rank, next;
    int64_t enqueued; /* last collective it entered; FLIGHT_UNKNOWN */
    int64_t status;   /* the same by pg_status, which sends and receives also write */
    int64_t head;     /* first collective entered and not finished; FLIGHT_UNKNOWN = none */
    int64_t head_ns;  /* when it was entered, by that rank's clock */
    uint64_t shape;   /* hash of the head's input and output sizes */
    uint8_t state;    /* of the head, enum flight_state */
    bool lags;        /* the judge's: the group waits for this rank */
    char op[40], sizes[64]; /* of the head */
    uint32_t pair, pairs;   /* unfinished sends and receives: first row, then pair.next */
};

struct flight_pair {
    uint32_t next, peer; /* the peer's position in the group */
    bool send;
    int64_t time_ns;
};

struct flight_rank {
    uint32_t file; /* MW_NONE = no dump */
    bool known;    /* some group has it */
    uint32_t place_first, places;
};

struct flight_set {
    struct flight_rank *rank; /* owned, FLIGHT_RANKS_MAX rows */
    uint32_t ranks;           /* highest known + 1 */
    struct flight_group *group;
    struct flight_place *place;
    struct flight_pair *pair;
    uint32_t *member;
    uint32_t groups, groups_room, places, places_room, pairs, pairs_room, members, members_room;
    struct map by_key; /* group by hash of name and ranks */
};

MW_MUST_USE int flight_set_init(struct flight_set *s, struct mw_error *err);
void flight_set_fini(struct flight_set *s);

/* Adds the dump of one rank. Errors name the file. MW_ESYNTAX, MW_EDENIED, MW_EINVAL (not a dump,
 * no rank to be told, a rank twice), MW_ELIMIT, MW_ENOMEM; the set is then only to be freed. */
MW_MUST_USE int flight_set_add(struct flight_set *s, const struct flight_file *file,
                               uint32_t number, struct mw_error *err);

#endif

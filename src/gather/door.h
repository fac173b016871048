/*
 * A door: one kind of management protocol, asked for the facts of many
 * machines.  Each door of doors.yaml has a thread of its own, on which it is
 * polled; what it learns it says to its door_out.  A door never speaks to the
 * daemon itself, never prints, and never keeps a password longer than it must.
 */
#ifndef MW_GATHER_DOOR_H
#define MW_GATHER_DOOR_H

#include "base/error.h"
#include "base/schema.h"

#define DOOR_TARGETS_MAX 40000 /* machines of one door; the house's site has 31,250 nodes */
#define DOOR_SETTINGS_MAX 64
#define DOORS_MAX 256    /* of one doors.yaml */
#define DOOR_SPAN 4096   /* instances of one door on one machine */

/* One machine and where it answers; both written out of the patterns of doors.yaml. */
struct door_target {
    const char *machine; /* the node's name in the site, or the PDU's own */
    const char *address; /* as the kind understands it; "" when it needs none */
};

/* One of the kind's own keys; a list in doors.yaml is the same key several times, in order. */
struct door_setting {
    const char *key, *value;
};

/* What doors.yaml says of one door.  Everything is borrowed and outlives the door. */
struct door_spec {
    const char *kind, *name; /* the name is the source's: "bmc", "fabric0" */
    const char *address;     /* of the first target, for doors that have one */
    const char *node;        /* its machine */
    const char *credentials; /* path of the file; NULL = none */
    int64_t period_ms;       /* from the start of one poll to the start of the next */
    int64_t deadline_ms;     /* of one target within a poll */
    bool acts;               /* doors.yaml says `actions: act` */
    const char *state;       /* folder for what must outlive the program; NULL = none */
    uint32_t base;           /* its sensors and outlets have instances base … base + DOOR_SPAN - 1,
                                so that two doors of one machine never share one */
    const struct door_target *target;
    uint32_t targets;        /* >= 1 */
    const struct door_setting *setting;
    uint32_t settings;
};

/* The first value of a key, else `otherwise`. */
const char *door_setting(const struct door_spec *s, const char *key, const char *otherwise);
/* The k-th value of a key (from 0); NULL past the last. */
const char *door_setting_at(const struct door_spec *s, const char *key, uint32_t k);

struct door_out;

struct door_kind {
    const char *kind;
    /* Keys of doors.yaml that this kind has beside those that all have (gather/config.h); ends
     * with {0}.  Scalars, and lists of scalars. */
    const struct schema_field *fields;
    bool addressed; /* every target must have an address */

    /* Reads what it needs once (credentials, tables), connects to nothing.  *ret only on success.
     * Any MW_E*: the program says it and does not start. */
    int (*open)(const struct door_spec *spec, struct door_out *out, void **ret,
                struct mw_error *err);
    /* One round over all targets, on the door's own thread; each target bounded by deadline_ms.
     * It says silent, absent or ok of each target itself (door_out_source).  An error is of the
     * door as a whole: said of every target. */
    int (*poll)(void *state, int64_t now_ms, struct mw_error *err);
    /* Carries out a step on one machine and reads back, on another thread than poll's: it may
     * touch only what open() left constant, or what a lock of its own guards.  0: done, and the
     * text says what was read back; MW_ETIMEOUT: unknown; other: refused or failed, nothing done.
     * NULL = this kind cannot. */
    int (*act)(void *state, const char *machine, const char *step, char *ret_text, size_t size,
               struct mw_error *err);
    /* After the thread has ended.  NULL state is fine. */
    void (*close)(void *state);
};

/* All kinds, NULL-ended (gather/doors.c). */
extern const struct door_kind *const door_kinds[];

/* NULL when there is none of that name. */
const struct door_kind *door_kind_find(const char *kind);

#endif

/*
 * What a person can command over the API, as one table, and the reader of its
 * JSON form:
 *
 *   {"verb": "hold", "node": "n3", "reason": "fan noise"}
 *
 * The reader is pure: it knows no site; names are looked up in api/act.h.
 * Unknown keys and keys that the verb does not take are refused, so that a
 * slip cannot change what is asked for.
 */
#ifndef MW_API_COMMAND_H
#define MW_API_COMMAND_H

#include "base/error.h"
#include "core/event.h"

#define API_NAME_MAX 128
#define API_REASON_MAX 512
#define API_COUNT_MAX ((int64_t)(EVENT_TAIL_MAX / sizeof(uint32_t)))
#define API_LENGTH_S_MAX ((int64_t)366 * 86400)

/* What a verb takes of the other keys. */
enum {
    API_NODE = 1 << 0,
    API_HALL = 1 << 1,
    API_MODE = 1 << 2,
    API_REF = 1 << 3,
    API_REASON = 1 << 4,
    API_JOB = 1 << 5,
    API_COUNT = 1 << 6,  /* nodes from `node` on, in the order of the site; 1 without */
    API_LENGTH = 1 << 7, /* length_s, seconds */
    API_DID = 1 << 16,   /* the step that was done, by its word: "replace" */
    API_FOUND = 1 << 17, /* what was found, in words */
    API_SERIAL = 1 << 18, /* "OLD=NEW": the part that was swapped */
    API_FROM = 1 << 19,  /* when, RFC 3339; now without */
    API_CLOSES = API_DID | API_FOUND | API_SERIAL,
    /* and what it cannot do without */
    API_NEEDS_NODE = 1 << 8 | API_NODE,
    API_NEEDS_MODE = 1 << 10 | API_MODE,
    API_NEEDS_REF = 1 << 11 | API_REF,
    API_NEEDS_REASON = 1 << 12 | API_REASON,
    API_NEEDS_TARGET = 1 << 13 | API_NODE | API_REF, /* either */
    API_NEEDS_JOB = 1 << 14 | API_JOB,
    API_NEEDS_LENGTH = 1 << 15 | API_LENGTH,
};

/*    enum             word            the fact           its verb or result; keys; what it says */
#define API_VERBS(X)                                                                              \
    X(API_SET_MODE,    "set-mode",     EV_COMMAND,        CMD_SET_MODE,                           \
      API_NEEDS_MODE | API_HALL | API_NEEDS_REASON, "what automation may do in a hall, or in all") \
    X(API_RESET_GUARD, "reset-guard",  EV_COMMAND,        CMD_RESET_GUARD,                        \
      API_HALL | API_NEEDS_REASON, "automation may act again after its budget was used up")       \
    X(API_HOLD,        "hold",         EV_COMMAND,        CMD_HOLD,                               \
      API_NEEDS_NODE | API_NEEDS_REASON, "nothing new starts on a node")                          \
    X(API_DRAIN,       "drain",        EV_COMMAND,        CMD_DRAIN,                              \
      API_NEEDS_NODE | API_NEEDS_REASON, "a hold, and what runs there stops")                     \
    X(API_RELEASE,     "release",      EV_COMMAND,        CMD_RELEASE,                            \
      API_NEEDS_NODE | API_REF | API_NEEDS_REASON, "lifts one hold of a node (ref), or all")      \
    X(API_APPROVE,     "approve",      EV_COMMAND,        CMD_APPROVE,                            \
      API_NEEDS_REF | API_NEEDS_REASON, "what advice `ref` says is done")                         \
    X(API_REJECT,      "reject",       EV_COMMAND,        CMD_REJECT,                             \
      API_NEEDS_REF | API_NEEDS_REASON, "what advice `ref` says is not done")                     \
    X(API_ORDER_TAKEN, "order-taken",  EV_ORDER_TAKEN,    0,                                      \
      API_NEEDS_TARGET, "somebody works on a work order")                                         \
    X(API_ORDER_DONE,  "order-done",   EV_ORDER_ENDED,    RESULT_OK,                              \
      API_NEEDS_TARGET | API_CLOSES, "it is repaired")                                            \
    X(API_ORDER_FAILED, "order-failed", EV_ORDER_ENDED,   RESULT_FAILED,                          \
      API_NEEDS_TARGET | API_CLOSES, "it could not be repaired")                                  \
    X(API_GATE_PASS,   "gate-pass",    EV_GATE_ENDED,     RESULT_OK,                              \
      API_NEEDS_TARGET, "the check of a node was good")                                           \
    X(API_GATE_FAIL,   "gate-fail",    EV_GATE_ENDED,     RESULT_FAILED,                          \
      API_NEEDS_TARGET, "the check of a node was bad")                                            \
    X(API_WINDOW_ADD,  "window-add",   EV_COMMAND,        CMD_WINDOW,                             \
      API_NEEDS_NODE | API_COUNT | API_FROM | API_NEEDS_LENGTH | API_NEEDS_REASON,                \
      "maintenance: nodes leave service at `from` for length_s, with notice to jobs")             \
    X(API_WINDOW_END,  "window-end",   EV_COMMAND,        CMD_WINDOW,                             \
      API_NEEDS_REF | API_NEEDS_REASON, "the maintenance that event `ref` planned is over")       \
    X(API_JOB_REQUEUE, "job-requeue",  EV_COMMAND,        ENGINE_REQUEUE,                         \
      API_NEEDS_JOB | API_NEEDS_REASON, "the engine puts a job back and starts it again")         \
    X(API_JOB_HOLD,    "job-hold",     EV_COMMAND,        ENGINE_HOLD,                            \
      API_NEEDS_JOB | API_NEEDS_REASON, "a job does not start until it is released")              \
    X(API_JOB_RELEASE, "job-release",  EV_COMMAND,        ENGINE_RELEASE,                         \
      API_NEEDS_JOB | API_NEEDS_REASON, "it may start")                                           \
    X(API_JOB_REQUIRE, "job-require",  EV_COMMAND,        ENGINE_REQUIRE,                         \
      API_NEEDS_JOB | API_NEEDS_NODE | API_COUNT | API_NEEDS_REASON,                              \
      "a waiting job starts on these nodes, or not")                                              \
    X(API_RESERVE,     "reserve",      EV_COMMAND,        ENGINE_RESERVE,                         \
      API_NEEDS_NODE | API_COUNT | API_NEEDS_LENGTH | API_NEEDS_REASON,                           \
      "nothing new starts on these nodes, from now for length_s")                                 \
    X(API_UNRESERVE,   "unreserve",    EV_COMMAND,        ENGINE_UNRESERVE,                       \
      API_NEEDS_NODE | API_NEEDS_REASON, "ends that reservation")

enum api_verb {
#define X(e, word, kind, value, keys, doc) e,
    API_VERBS(X)
#undef X
    API_VERB_COUNT
};

struct api_verb_info {
    const char *word, *doc;
    uint16_t kind; /* enum event_kind of the fact it becomes */
    uint8_t value; /* enum command_verb, enum engine_verb (from API_JOB_REQUEUE on), enum result */
    uint32_t keys;
};
const struct api_verb_info *api_verb_info(enum api_verb verb);

/* What a key is not given is "" or 0. */
struct api_command {
    uint8_t verb; /* enum api_verb */
    uint8_t mode; /* enum guard_mode */
    uint64_t ref; /* an advice, a hold, an order: the number of its event */
    uint64_t job;
    uint32_t count;
    int64_t length_s;
    char node[API_NAME_MAX];
    char hall[API_NAME_MAX]; /* "" = all */
    char reason[API_REASON_MAX];
    char found[API_REASON_MAX];
    char serial[API_NAME_MAX]; /* "OLD=NEW" */
    int64_t from_ms;           /* ms UTC; 0 = now */
    uint8_t did;               /* enum care_step and 1; 0 = what the order asked for */
    char if_match[API_NAME_MAX]; /* not of the JSON: tags of which its node must have one */
};

/* MW_ESYNTAX: not JSON, or not an object.  MW_EINVAL names the key and what to write. */
MW_MUST_USE int api_command_read(const char *json, size_t size, struct api_command *ret,
                                 struct mw_error *err);

/* "observe" …; NULL when out of range. */
const char *api_mode_word(uint32_t mode);

#endif

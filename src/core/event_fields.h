/*
 * The fields of every event body in one table: printing, JSON and the
 * documentation read it, so that none of them can forget a field.  A test
 * compares the table with the structs of core/event.h.
 */
#ifndef MW_CORE_EVENT_FIELDS_H
#define MW_CORE_EVENT_FIELDS_H

#include "core/event.h"

/*    enum             bytes  JSON      what it is */
#define FIELD_TYPES(X)                                                                          \
    X(FIELD_U8,          1,  "number",  "a whole number")                                       \
    X(FIELD_U16,         2,  "number",  "a whole number")                                       \
    X(FIELD_U32,         4,  "number",  "a whole number")                                       \
    X(FIELD_U64,         8,  "number",  "a whole number")                                       \
    X(FIELD_SEQ,         8,  "number",  "the sequence of an event; 0 = none")                   \
    X(FIELD_NODE,        4,  "number",  "the number of a node; null = none")                    \
    X(FIELD_ROW,         4,  "number",  "a row of the state; null = none")                      \
    X(FIELD_CLASS,       2,  "number",  "a row of the policy's fault classes; null = none")     \
    X(FIELD_COMPONENT,   8,  "string",  "a component, `kind/index`; null = none")               \
    X(FIELD_FINDING,     8,  "string",  "a finding, `source/number`; null = none")              \
    X(FIELD_SPAN_MS,     8,  "number",  "a length of time in ms")                               \
    X(FIELD_TIME_MS,     8,  "number",  "a time, ms UTC")                                       \
    X(FIELD_TIME_NS,     8,  "number",  "a time, ns UTC")                                       \
    X(FIELD_GPU_MS,      8,  "number",  "GPU-milliseconds")                                     \
    X(FIELD_USD,         8,  "number",  "micro-dollars")                                        \
    X(FIELD_PART,        2,  "number",  "a row of the policy's parts; null = none")             \
    X(FIELD_ENUM,        1,  "string",  "one of the words listed")                              \
    X(FIELD_KIND,        2,  "string",  "the name of an event kind")                            \
    X(FIELD_SHA256,     32,  "string",  "a SHA-256, 64 hexadecimal digits")

enum field_type {
#define X(e, bytes, json, doc) e,
    FIELD_TYPES(X)
#undef X
    FIELD_TYPE_COUNT
};

struct field_type_info {
    uint32_t bytes;
    const char *json;
    const char *doc;
};

struct field_words {
    const char *const *word; /* by value; NULL = a value that does not occur */
    uint32_t length;
};

struct event_field {
    const char *name;
    uint8_t type;   /* enum field_type */
    uint8_t offset; /* in the body */
    uint8_t size;
    const struct field_words *words; /* of FIELD_ENUM */
    const char *doc;
};

struct event_body_info {
    const char *name; /* as in the `body` column of EVENT_KINDS */
    const struct event_field *field;
    uint32_t fields;
    uint32_t size; /* of the struct */
};

const struct field_type_info *field_type_info(uint32_t type);

/* The n-th body, for walks over all; NULL past the last. */
const struct event_body_info *event_body_nth(uint32_t n);

/* Of a kind; NULL for an unknown kind. */
const struct event_body_info *event_body_of(uint32_t kind);

/* Bytes of a kind's body that fields name: they lie without holes from its start; 0 = no such. */
uint8_t event_body_bytes(uint32_t kind);

/* A field's bytes as a number, sign kept; not for FIELD_SHA256. */
int64_t event_field_value(const struct event_field *f, const struct event *ev);

/* True when the value says "none" (MW_NONE, UINT16_MAX, component 0 …): null in JSON. */
bool event_field_none(const struct event_field *f, int64_t value);

/* "reboot", of enum care_step; "bmc", of enum step_who; NULL when there is none. */
const char *event_step_word(uint32_t step);
const char *event_who_word(uint32_t who);

/* The word of an enumeration's value; NULL when it has none. */
const char *event_field_word(const struct event_field *f, int64_t value);

#endif

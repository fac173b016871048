/*
 * Frames by one table: which words a verb has, of what type, where they lie in
 * the struct.  Reading and writing walk the same rows, so that they agree.
 * Knows nothing of connections; never allocates.
 */
#include "live/agent_frame.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "core/event.h"

#define WORD_MAX (3 * AGENT_TEXT_MAX) /* a value with each byte percent-coded */
#define KEY_MAX 32
#define SIZE_OF(field) sizeof(((struct agent_frame *)NULL)->field)

/* Percent-coded texts with their words fit into a frame: of a part, which has most of them. */
_Static_assert(WORD_MAX + 3 * (SIZE_OF(name) + SIZE_OF(scope) + SIZE_OF(serial) + SIZE_OF(model) +
                               SIZE_OF(fw) + SIZE_OF(pci) + SIZE_OF(peer) + SIZE_OF(peer_port)) +
                       256 <= AGENT_FRAME_MAX, "the longest part can be written");
_Static_assert(WORD_MAX + 3 * (SIZE_OF(name) + SIZE_OF(boot) + SIZE_OF(agent) + SIZE_OF(token) +
                               SIZE_OF(probe) + SIZE_OF(spool)) +
                       256 <= AGENT_FRAME_MAX, "the longest hello can be written");

enum word_type { WORD_BOOL, WORD_U32, WORD_I32, WORD_U64, WORD_I64, WORD_TEXT, WORD_CHOICE };

/* The words that a byte of the struct is written as; its value is the index, NULL is no word. */
struct choice {
    const char *const *name;
    uint8_t names;
};

static const char *const result_names[] = { [RESULT_OK] = "ok", [RESULT_FAILED] = "failed",
                                            [RESULT_UNKNOWN] = "unknown" };
static const char *const role_names[] = { [AGENT_ROLE_AGENT] = "agent",
                                          [AGENT_ROLE_GATHER] = "gather" };
static const char *const state_names[] = { [AGENT_SOURCE_OK] = "ok",
                                           [AGENT_SOURCE_SILENT] = "silent",
                                           [AGENT_SOURCE_ABSENT] = "absent" };
enum choice_of { CHOICE_RESULT, CHOICE_ROLE, CHOICE_STATE };
static const struct choice choices[] = {
    [CHOICE_RESULT] = { result_names, MW_ARRAY_LEN(result_names) },
    [CHOICE_ROLE] = { role_names, MW_ARRAY_LEN(role_names) },
    [CHOICE_STATE] = { state_names, MW_ARRAY_LEN(state_names) },
};

struct word {
    uint8_t verb;
    uint8_t type;  /* enum word_type */
    bool needed;
    const char *key;
    size_t offset, size;
    int64_t most;  /* of numbers: from 0 to this (i32: from -most); of a choice: enum choice_of */
};

#define WORD(verb, key, type, field, needed, most)                                               \
    { verb, type, needed, key, offsetof(struct agent_frame, field), SIZE_OF(field), most }
#define U32_MOST ((int64_t)UINT32_MAX)
#define MS_MOST (INT64_MAX / 1000000) /* so that it fits into ns */
/* What every verb that may be an event has. */
#define EVENT_WORDS(verb)                                                                        \
    WORD(verb, "e", WORD_U64, e, false, INT64_MAX),                                              \
    WORD(verb, "at_ms", WORD_I64, at_ms, false, MS_MOST)

/* Rows of one verb lie together. */
static const struct word words[] = {
    WORD(AGENT_HELLO, "version", WORD_U32, version, true, U32_MOST),
    WORD(AGENT_HELLO, "node", WORD_TEXT, name, true, 0),
    WORD(AGENT_HELLO, "boot", WORD_TEXT, boot, true, 0),
    WORD(AGENT_HELLO, "agent", WORD_TEXT, agent, false, 0),
    WORD(AGENT_HELLO, "role", WORD_CHOICE, role, false, CHOICE_ROLE),
    WORD(AGENT_HELLO, "token", WORD_TEXT, token, false, 0),
    WORD(AGENT_HELLO, "gpus", WORD_TEXT, text, false, 0),
    WORD(AGENT_HELLO, "probe", WORD_TEXT, probe, false, 0),
    WORD(AGENT_HELLO, "spool", WORD_TEXT, spool, false, 0),
    WORD(AGENT_HELLO, "e", WORD_U64, e, false, INT64_MAX),
    WORD(AGENT_BEAT, "n", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_KMSG, "text", WORD_TEXT, text, true, 0),
    EVENT_WORDS(AGENT_KMSG),
    WORD(AGENT_UNIT, "name", WORD_TEXT, name, true, 0),
    WORD(AGENT_UNIT, "up", WORD_BOOL, up, true, 1),
    EVENT_WORDS(AGENT_UNIT),
    WORD(AGENT_EXIT, "job", WORD_U64, job, true, INT64_MAX),
    WORD(AGENT_EXIT, "rank", WORD_U32, rank, true, U32_MOST),
    WORD(AGENT_EXIT, "code", WORD_I32, code, true, INT32_MAX),
    WORD(AGENT_EXIT, "signal", WORD_I32, signal, true, INT32_MAX),
    EVENT_WORDS(AGENT_EXIT),
    WORD(AGENT_DISK, "path", WORD_TEXT, text, true, 0),
    WORD(AGENT_DISK, "used_permille", WORD_U32, used_permille, true, 1000),
    WORD(AGENT_DISK, "readonly", WORD_BOOL, readonly, true, 1),
    EVENT_WORDS(AGENT_DISK),
    WORD(AGENT_PROGRESS, "job", WORD_U64, job, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "restart", WORD_U32, restart, true, U32_MOST - 1),
    WORD(AGENT_PROGRESS, "step", WORD_I64, step, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "saved", WORD_I64, saved, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "step_ms", WORD_I64, step_ms, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "checkpoint_ms", WORD_I64, checkpoint_ms, false, INT64_MAX),
    EVENT_WORDS(AGENT_PROGRESS),
    WORD(AGENT_CHECKED, "id", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_CHECKED, "result", WORD_CHOICE, result, true, CHOICE_RESULT),
    WORD(AGENT_CHECKED, "class", WORD_TEXT, name, false, 0),
    WORD(AGENT_CHECKED, "level", WORD_U32, level, false, 255),
    WORD(AGENT_CHECKED, "text", WORD_TEXT, text, false, 0),
    EVENT_WORDS(AGENT_CHECKED),
    WORD(AGENT_SOURCE, "name", WORD_TEXT, name, true, 0),
    WORD(AGENT_SOURCE, "state", WORD_CHOICE, state, true, CHOICE_STATE),
    WORD(AGENT_SOURCE, "machine", WORD_U32, machine, false, U32_MOST),
    WORD(AGENT_SOURCE, "text", WORD_TEXT, text, false, 0),
    WORD(AGENT_PART, "scope", WORD_TEXT, scope, true, 0),
    WORD(AGENT_PART, "n", WORD_U64, n, true, U32_MOST),
    WORD(AGENT_PART, "name", WORD_TEXT, name, true, 0),
    WORD(AGENT_PART, "serial", WORD_TEXT, serial, false, 0),
    WORD(AGENT_PART, "model", WORD_TEXT, model, false, 0),
    WORD(AGENT_PART, "fw", WORD_TEXT, fw, false, 0),
    WORD(AGENT_PART, "pci", WORD_TEXT, pci, false, 0),
    WORD(AGENT_PART, "peer", WORD_TEXT, peer, false, 0),
    WORD(AGENT_PART, "peer_port", WORD_TEXT, peer_port, false, 0),
    WORD(AGENT_PART, "gone", WORD_BOOL, gone, false, 1),
    WORD(AGENT_PART, "machine", WORD_U32, machine, false, U32_MOST),
    WORD(AGENT_PART, "text", WORD_TEXT, text, false, 0),
    WORD(AGENT_MACHINE, "n", WORD_U64, n, true, U32_MOST),
    WORD(AGENT_MACHINE, "name", WORD_TEXT, name, true, 0),
    WORD(AGENT_MACHINE, "acts", WORD_BOOL, acts, false, 1),
    WORD(AGENT_FINDING, "class", WORD_TEXT, class, true, 0),
    WORD(AGENT_FINDING, "name", WORD_TEXT, name, true, 0),
    WORD(AGENT_FINDING, "up", WORD_BOOL, up, true, 1),
    WORD(AGENT_FINDING, "code", WORD_TEXT, code_text, false, 0),
    WORD(AGENT_FINDING, "machine", WORD_U32, machine, false, U32_MOST),
    WORD(AGENT_FINDING, "text", WORD_TEXT, text, false, 0),
    EVENT_WORDS(AGENT_FINDING),
    WORD(AGENT_ACTED, "id", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_ACTED, "result", WORD_CHOICE, result, true, CHOICE_RESULT),
    WORD(AGENT_ACTED, "text", WORD_TEXT, text, false, 0),
    EVENT_WORDS(AGENT_ACTED),
    WORD(AGENT_JOIN, "node", WORD_TEXT, name, true, 0),
    WORD(AGENT_JOIN, "token", WORD_TEXT, token, true, 0),
    WORD(AGENT_JOIN, "role", WORD_CHOICE, role, false, CHOICE_ROLE),
    WORD(AGENT_JOIN, "csr", WORD_TEXT, text, true, 0),
    WORD(AGENT_RENEW, "csr", WORD_TEXT, text, true, 0),
    WORD(AGENT_CLOCK, "t0_us", WORD_I64, t0_us, true, INT64_MAX),
    WORD(AGENT_CLOCK, "t1_us", WORD_I64, t1_us, false, INT64_MAX),
    WORD(AGENT_WELCOME, "version", WORD_U32, version, true, U32_MOST),
    WORD(AGENT_WELCOME, "beat_ms", WORD_I64, beat_ms, true, 3600000),
    WORD(AGENT_WELCOME, "sample_ms", WORD_I64, sample_ms, false, 3600000),
    WORD(AGENT_REFUSE, "code", WORD_TEXT, name, true, 0),
    WORD(AGENT_REFUSE, "text", WORD_TEXT, text, false, 0),
    WORD(AGENT_CHECK, "id", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_CHECK, "class", WORD_TEXT, name, true, 0),
    WORD(AGENT_CHECK, "level", WORD_U32, level, false, 255),
    WORD(AGENT_CHECK, "deadline_ms", WORD_I64, deadline_ms, true, MS_MOST),
    WORD(AGENT_ACK, "n", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_ACT, "id", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_ACT, "step", WORD_TEXT, action, true, 0),
    WORD(AGENT_ACT, "gpu", WORD_I32, gpu, true, INT32_MAX),
    WORD(AGENT_ACT, "name", WORD_TEXT, name, false, 0),
    WORD(AGENT_ACT, "lease_ms", WORD_I64, lease_ms, true, MS_MOST),
    WORD(AGENT_CERT, "text", WORD_TEXT, text, true, 0),
    WORD(AGENT_RATE, "sample_ms", WORD_I64, sample_ms, true, 3600000),
    WORD(AGENT_RATE, "for_ms", WORD_I64, for_ms, true, 86400000),
};

static const char *const verbs[AGENT_VERB_END] = {
    [AGENT_HELLO] = "hello", [AGENT_BEAT] = "beat", [AGENT_KMSG] = "kmsg", [AGENT_UNIT] = "unit",
    [AGENT_EXIT] = "exit", [AGENT_DISK] = "disk", [AGENT_PROGRESS] = "progress",
    [AGENT_CHECKED] = "checked", [AGENT_BYE] = "bye", [AGENT_SOURCE] = "source",
    [AGENT_PART] = "part", [AGENT_MACHINE] = "machine", [AGENT_FINDING] = "finding",
    [AGENT_ACTED] = "acted", [AGENT_JOIN] = "join", [AGENT_RENEW] = "renew",
    [AGENT_CLOCK] = "clock", [AGENT_WELCOME] = "welcome", [AGENT_REFUSE] = "refuse",
    [AGENT_CHECK] = "check", [AGENT_ACK] = "ack", [AGENT_ACT] = "act", [AGENT_CERT] = "cert",
    [AGENT_RATE] = "rate",
};

const char *agent_verb_name(uint32_t verb)
{
    return verb > 0 && verb < MW_ARRAY_LEN(verbs) ? verbs[verb] : "";
}

bool agent_verb_is_agents(uint32_t verb)
{
    return verb > AGENT_HELLO && verb <= AGENT_CLOCK;
}

bool agent_verb_is_daemons(uint32_t verb)
{
    return verb >= AGENT_CLOCK && verb < AGENT_VERB_END;
}

bool agent_verb_is_event(uint32_t verb)
{
    return (verb >= AGENT_KMSG && verb <= AGENT_CHECKED) || verb == AGENT_FINDING ||
           verb == AGENT_ACTED;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The line as it is walked. */
struct reader {
    const char *at, *end;
    struct agent_frame *frame;
    size_t first;  /* words[] of its verb begin here … */
    size_t past;   /* … and end here */
    uint64_t seen; /* bit i: words[first + i] was there */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-coded bytes into a string of `size` with its ending. */
static int decode(const char *from, const char *end, char *to, size_t size)
{
    size_t n = 0;
    while (from < end) {
        int c = (unsigned char)*from++;
        if (c == '%') {
            int high = end - from >= 2 ? hex_digit(from[0]) : -1;
            int low = high >= 0 ? hex_digit(from[1]) : -1;
            if (low < 0)
                return MW_ESYNTAX;
            c = high * 16 + low;
            from += 2;
        } else if (c <= ' ' || c > '~') {
            return MW_ESYNTAX;
        }
        if (c == 0)
            return MW_ESYNTAX;
        if (n + 1 >= size)
            return MW_ELIMIT;
        to[n++] = (char)c;
    }
    memset(to + n, 0, size - n);
    return 0;
}

static int read_number(const struct word *w, const char *text, struct agent_frame *f)
{
    int64_t v, least = w->type == WORD_I32 ? -w->most : 0;
    void *to = (char *)f + w->offset;
    if (mw_parse_i64(text, &v) < 0 || v < least || v > w->most)
        return MW_ESYNTAX;
    if (w->type == WORD_BOOL)
        *(bool *)to = v == 1;
    else if (w->type == WORD_U32)
        *(uint32_t *)to = (uint32_t)v;
    else if (w->type == WORD_I32)
        *(int32_t *)to = (int32_t)v;
    else if (w->type == WORD_U64)
        *(uint64_t *)to = (uint64_t)v;
    else
        *(int64_t *)to = v;
    return 0;
}

static int read_value(const struct word *w, const char *from, const char *end,
                      struct agent_frame *f)
{
    char text[KEY_MAX];
    if (w->type == WORD_TEXT)
        return decode(from, end, (char *)f + w->offset, w->size);
    if (decode(from, end, text, sizeof(text)) < 0)
        return MW_ESYNTAX;
    if (w->type != WORD_CHOICE)
        return read_number(w, text, f);
    const struct choice *c = &choices[w->most];
    for (uint8_t i = 0; i < c->names; i++)
        if (c->name[i] != NULL && strcmp(c->name[i], text) == 0) {
            *((uint8_t *)f + w->offset) = i;
            return 0;
        }
    return MW_ESYNTAX;
}

/* The row of this key among those of the frame's verb; r->past when there is none. */
static size_t find_word(const struct reader *r, const char *key)
{
    size_t i = r->first;
    while (i < r->past && strcmp(words[i].key, key) != 0)
        i++;
    return i;
}

/* One "key=value" at the cursor, up to a blank or the end. */
static int read_word(struct reader *r, struct mw_error *err)
{
    const char *blank = memchr(r->at, ' ', (size_t)(r->end - r->at));
    const char *end = blank != NULL ? blank : r->end;
    const char *equal = memchr(r->at, '=', (size_t)(end - r->at));
    char key[KEY_MAX];
    const char *verb = agent_verb_name(r->frame->verb);
    if (equal == NULL || equal == r->at || decode(r->at, equal, key, sizeof(key)) < 0)
        return mw_fail(err, MW_ESYNTAX, "frame %s: a word is not key=value", verb);
    r->at = blank != NULL ? blank + 1 : r->end;
    if (blank != NULL && r->at == r->end)
        return mw_fail(err, MW_ESYNTAX, "frame %s: a blank at its end", verb);
    size_t i = find_word(r, key);
    if (i == r->past)
        return 0; /* of a later version */
    if (r->seen & UINT64_C(1) << (i - r->first))
        return mw_fail(err, MW_ESYNTAX, "frame %s: %s is there twice", verb, key);
    r->seen |= UINT64_C(1) << (i - r->first);
    int rc = read_value(&words[i], equal + 1, end, r->frame);
    if (rc == MW_ELIMIT)
        return mw_fail(err, rc, "frame %s: %s is longer than %zu bytes", verb, key,
                       words[i].size - 1);
    return rc < 0 ? mw_fail(err, rc, "frame %s: the value of %s is not right", verb, key) : 0;
}

static int read_verb(struct reader *r, struct mw_error *err)
{
    const char *blank = memchr(r->at, ' ', (size_t)(r->end - r->at));
    size_t length = (size_t)((blank != NULL ? blank : r->end) - r->at);
    for (uint8_t v = AGENT_HELLO; v < MW_ARRAY_LEN(verbs); v++)
        if (strlen(verbs[v]) == length && memcmp(verbs[v], r->at, length) == 0)
            r->frame->verb = v;
    if (r->frame->verb == 0)
        return mw_fail(err, MW_ESYNTAX, "a frame begins with no known verb");
    while (r->first < MW_ARRAY_LEN(words) && words[r->first].verb != r->frame->verb)
        r->first++;
    for (r->past = r->first; r->past < MW_ARRAY_LEN(words); r->past++)
        if (words[r->past].verb != r->frame->verb)
            break;
    must(r->past - r->first <= 64);
    r->at = blank != NULL ? blank + 1 : r->end;
    if (blank != NULL && r->at == r->end)
        return mw_fail(err, MW_ESYNTAX, "frame %s: a blank at its end",
                       agent_verb_name(r->frame->verb));
    return 0;
}

int agent_frame_read(const char *line, size_t size, struct agent_frame *ret, struct mw_error *err)
{
    must(line != NULL && ret != NULL);
    if (size >= AGENT_FRAME_MAX)
        return mw_fail(err, MW_ELIMIT, "a frame is longer than %d bytes", AGENT_FRAME_MAX);
    struct agent_frame f = { .verb = 0 };
    struct reader r = { .at = line, .end = line + size, .frame = &f };
    int rc = read_verb(&r, err);
    while (rc == 0 && r.at < r.end)
        rc = read_word(&r, err);
    for (size_t i = r.first; rc == 0 && i < r.past; i++)
        if (words[i].needed && !(r.seen & UINT64_C(1) << (i - r.first)))
            rc = mw_fail(err, MW_ESYNTAX, "frame %s: %s is missing", agent_verb_name(f.verb),
                         words[i].key);
    if (rc == 0)
        *ret = f;
    return rc;
}

/* ---- writing ------------------------------------------------------------------------------- */

struct writer {
    char *to;
    size_t size, length;
    bool full;
};

static void put(struct writer *w, const char *text)
{
    size_t n = strlen(text);
    if (w->full || n >= w->size - w->length) {
        w->full = true;
        return;
    }
    memcpy(w->to + w->length, text, n + 1);
    w->length += n;
}

static void put_coded(struct writer *w, const char *text, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < size && text[i] != '\0' && !w->full; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = c > ' ' && c <= '~' && c != '%';
        const char coded[] = { plain ? (char)c : '%', plain ? '\0' : digits[c >> 4],
                               plain ? '\0' : digits[c & 15], '\0' };
        put(w, coded);
    }
}

static int64_t number_of(const struct word *w, const struct agent_frame *f)
{
    const void *from = (const char *)f + w->offset;
    switch (w->type) {
    case WORD_BOOL:
        return *(const bool *)from;
    case WORD_CHOICE:
        return *(const uint8_t *)from;
    case WORD_U32:
        return *(const uint32_t *)from;
    case WORD_I32:
        return *(const int32_t *)from;
    case WORD_U64: /* what reading takes is no larger */
        return (int64_t)MW_MIN(*(const uint64_t *)from, (uint64_t)INT64_MAX);
    default:
        return *(const int64_t *)from;
    }
}

static void write_word(struct writer *w, const struct word *word, const struct agent_frame *f)
{
    char digits[32];
    const char *text = (const char *)f + word->offset;
    bool is_text = word->type == WORD_TEXT;
    int64_t number = is_text ? 0 : number_of(word, f);
    if (!word->needed && (is_text ? text[0] == '\0' : number == 0))
        return;
    put(w, " ");
    put(w, word->key);
    put(w, "=");
    if (is_text) {
        put_coded(w, text, word->size);
    } else if (word->type == WORD_CHOICE) {
        const struct choice *c = &choices[word->most];
        must(number < c->names && c->name[number] != NULL);
        put(w, c->name[number]);
    } else {
        (void)snprintf(digits, sizeof(digits), "%lld", (long long)number);
        put(w, digits);
    }
}

size_t agent_frame_write(const struct agent_frame *f, char *to, size_t size)
{
    struct writer w = { .to = to, .size = size, .full = size == 0 };
    must(f != NULL && to != NULL && f->verb > 0 && f->verb < MW_ARRAY_LEN(verbs));
    put(&w, verbs[f->verb]);
    for (size_t i = 0; i < MW_ARRAY_LEN(words); i++)
        if (words[i].verb == f->verb)
            write_word(&w, &words[i], f);
    put(&w, "\n");
    if (w.full || w.length > AGENT_FRAME_MAX)
        return 0;
    return w.length;
}

/* ---- records ------------------------------------------------------------------------------- */

static int first_samples(const uint8_t *from, size_t size, struct agent_record *ret,
                         struct mw_error *err)
{
    if (size < AGENT_SAMPLES_HEAD)
        return 0;
    size_t length = (size_t)from[1] | (size_t)from[2] << 8 | (size_t)from[3] << 16;
    if (length == 0 || length > AGENT_SAMPLES_MAX)
        return mw_fail(err, MW_ELIMIT, "a record of samples has %zu bytes: from 1 to %d are taken",
                       length, AGENT_SAMPLES_MAX);
    if (size < AGENT_SAMPLES_HEAD + length)
        return 0;
    *ret = (struct agent_record){ .kind = AGENT_RECORD_SAMPLES, .from = from + AGENT_SAMPLES_HEAD,
                                  .size = length, .whole = AGENT_SAMPLES_HEAD + length };
    return 1;
}

int agent_record_first(const void *bytes, size_t size, struct agent_record *ret,
                       struct mw_error *err)
{
    const uint8_t *from = bytes;
    must(bytes != NULL && ret != NULL);
    if (size > 0 && from[0] == AGENT_SAMPLES_MARK)
        return first_samples(from, size, ret, err);
    const uint8_t *end = memchr(from, '\n', MW_MIN(size, (size_t)AGENT_FRAME_MAX));
    if (end == NULL && size >= AGENT_FRAME_MAX)
        return mw_fail(err, MW_ELIMIT, "a line has more than %d bytes", AGENT_FRAME_MAX);
    if (end == NULL)
        return 0;
    *ret = (struct agent_record){ .kind = AGENT_RECORD_LINE, .from = from,
                                  .size = (size_t)(end - from), .whole = (size_t)(end - from) + 1 };
    return 1;
}

void agent_samples_head(uint8_t to[AGENT_SAMPLES_HEAD], size_t size)
{
    must(size > 0 && size <= AGENT_SAMPLES_MAX);
    to[0] = AGENT_SAMPLES_MARK;
    to[1] = (uint8_t)size;
    to[2] = (uint8_t)(size >> 8);
    to[3] = (uint8_t)(size >> 16);
}

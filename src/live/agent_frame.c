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

/* A percent-coded text with its words fits into a frame. */
_Static_assert(WORD_MAX + 512 <= AGENT_FRAME_MAX, "the longest frame can be written");

enum word_type { WORD_BOOL, WORD_U32, WORD_I32, WORD_U64, WORD_I64, WORD_TEXT, WORD_RESULT };

struct word {
    uint8_t verb;
    uint8_t type;  /* enum word_type */
    bool needed;
    const char *key;
    size_t offset, size;
    int64_t most;  /* of numbers: from 0 to this (i32: from -most) */
};

#define WORD(verb, key, type, field, needed, most)                                               \
    { verb, type, needed, key, offsetof(struct agent_frame, field),                              \
      sizeof(((struct agent_frame *)NULL)->field), most }
#define U32_MOST ((int64_t)UINT32_MAX)

static const struct word words[] = {
    WORD(AGENT_HELLO, "version", WORD_U32, version, true, U32_MOST),
    WORD(AGENT_HELLO, "node", WORD_TEXT, name, true, 0),
    WORD(AGENT_HELLO, "boot", WORD_TEXT, boot, true, 0),
    WORD(AGENT_HELLO, "agent", WORD_TEXT, agent, false, 0),
    WORD(AGENT_HELLO, "token", WORD_TEXT, token, false, 0),
    WORD(AGENT_HELLO, "gpus", WORD_TEXT, text, false, 0),
    WORD(AGENT_HELLO, "probe", WORD_TEXT, probe, false, 0),
    WORD(AGENT_BEAT, "n", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_KMSG, "text", WORD_TEXT, text, true, 0),
    WORD(AGENT_UNIT, "name", WORD_TEXT, name, true, 0),
    WORD(AGENT_UNIT, "up", WORD_BOOL, up, true, 1),
    WORD(AGENT_EXIT, "job", WORD_U64, job, true, INT64_MAX),
    WORD(AGENT_EXIT, "rank", WORD_U32, rank, true, U32_MOST),
    WORD(AGENT_EXIT, "code", WORD_I32, code, true, INT32_MAX),
    WORD(AGENT_EXIT, "signal", WORD_I32, signal, true, INT32_MAX),
    WORD(AGENT_DISK, "path", WORD_TEXT, text, true, 0),
    WORD(AGENT_DISK, "used_permille", WORD_U32, used_permille, true, 1000),
    WORD(AGENT_DISK, "readonly", WORD_BOOL, readonly, true, 1),
    WORD(AGENT_PROGRESS, "job", WORD_U64, job, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "restart", WORD_U32, restart, true, U32_MOST - 1),
    WORD(AGENT_PROGRESS, "step", WORD_I64, step, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "saved", WORD_I64, saved, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "step_ms", WORD_I64, step_ms, true, INT64_MAX),
    WORD(AGENT_PROGRESS, "checkpoint_ms", WORD_I64, checkpoint_ms, false, INT64_MAX),
    WORD(AGENT_CHECKED, "id", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_CHECKED, "result", WORD_RESULT, result, true, 0),
    WORD(AGENT_CHECKED, "text", WORD_TEXT, text, false, 0),
    WORD(AGENT_WELCOME, "version", WORD_U32, version, true, U32_MOST),
    WORD(AGENT_WELCOME, "beat_ms", WORD_I64, beat_ms, true, 3600000),
    WORD(AGENT_REFUSE, "code", WORD_TEXT, name, true, 0),
    WORD(AGENT_REFUSE, "text", WORD_TEXT, text, false, 0),
    WORD(AGENT_CHECK, "id", WORD_U64, n, true, INT64_MAX),
    WORD(AGENT_CHECK, "class", WORD_TEXT, name, true, 0),
    WORD(AGENT_CHECK, "deadline_ms", WORD_I64, deadline_ms, true, INT64_MAX / 1000000),
};
_Static_assert(MW_ARRAY_LEN(words) <= 64, "which words were there is kept in 64 bits");

static const char *const verbs[] = {
    [AGENT_HELLO] = "hello", [AGENT_BEAT] = "beat", [AGENT_KMSG] = "kmsg", [AGENT_UNIT] = "unit",
    [AGENT_EXIT] = "exit", [AGENT_DISK] = "disk", [AGENT_PROGRESS] = "progress",
    [AGENT_CHECKED] = "checked", [AGENT_BYE] = "bye", [AGENT_WELCOME] = "welcome",
    [AGENT_REFUSE] = "refuse", [AGENT_CHECK] = "check",
};

static const char *const results[] = { [RESULT_OK] = "ok", [RESULT_FAILED] = "failed",
                                       [RESULT_UNKNOWN] = "unknown" };

const char *agent_verb_name(uint32_t verb)
{
    return verb > 0 && verb < MW_ARRAY_LEN(verbs) ? verbs[verb] : "";
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The line as it is walked. */
struct reader {
    const char *at, *end;
    struct agent_frame *frame;
    uint64_t seen; /* bit i: words[i] was there */
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
    if (w->type != WORD_RESULT)
        return read_number(w, text, f);
    for (uint8_t i = RESULT_OK; i < MW_ARRAY_LEN(results); i++)
        if (strcmp(results[i], text) == 0) {
            f->result = i;
            return 0;
        }
    return MW_ESYNTAX;
}

/* The words' row of this key for the frame's verb; the table's length when there is none. */
static size_t find_word(uint8_t verb, const char *key)
{
    size_t i = 0;
    while (i < MW_ARRAY_LEN(words) && (words[i].verb != verb || strcmp(words[i].key, key) != 0))
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
    size_t i = find_word(r->frame->verb, key);
    if (i == MW_ARRAY_LEN(words))
        return 0; /* of a later version */
    if (r->seen & UINT64_C(1) << i)
        return mw_fail(err, MW_ESYNTAX, "frame %s: %s is there twice", verb, key);
    r->seen |= UINT64_C(1) << i;
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
    for (size_t i = 0; rc == 0 && i < MW_ARRAY_LEN(words); i++)
        if (words[i].verb == f.verb && words[i].needed && !(r.seen & UINT64_C(1) << i))
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
    char number[32];
    const char *text = (const char *)f + word->offset;
    bool is_text = word->type == WORD_TEXT;
    if (!word->needed && (is_text ? text[0] == '\0' : number_of(word, f) == 0))
        return;
    put(w, " ");
    put(w, word->key);
    put(w, "=");
    if (is_text) {
        put_coded(w, text, word->size);
    } else if (word->type == WORD_RESULT) {
        must(f->result >= RESULT_OK && f->result < MW_ARRAY_LEN(results));
        put(w, results[f->result]);
    } else {
        (void)snprintf(number, sizeof(number), "%lld", (long long)number_of(word, f));
        put(w, number);
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

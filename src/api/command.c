/* The reader of commands.  See command.h. */
#include "api/command.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/parse.h"
#include "base/units.h"
#include "core/event_fields.h"

static const struct api_verb_info VERB[] = {
#define X(e, w, k, v, needs, d)                                                                   \
    [e] = { .word = w, .doc = d, .kind = k, .value = v, .keys = needs },
    API_VERBS(X)
#undef X
};

static const char *const MODE[] = { [MODE_OBSERVE] = "observe", [MODE_ADVISE] = "advise",
                                    [MODE_APPROVE] = "approve", [MODE_ACT] = "act" };

static const struct {
    const char *name;
    uint32_t takes, needs;
} KEY[] = {
    { "node", API_NODE, API_NEEDS_NODE },   { "hall", API_HALL, UINT32_MAX },
    { "mode", API_MODE, API_NEEDS_MODE },   { "ref", API_REF, API_NEEDS_REF },
    { "reason", API_REASON, API_NEEDS_REASON }, { "job", API_JOB, API_NEEDS_JOB },
    { "count", API_COUNT, UINT32_MAX },     { "length_s", API_LENGTH, API_NEEDS_LENGTH },
    { "did", API_DID, UINT32_MAX },         { "found", API_FOUND, UINT32_MAX },
    { "serial", API_SERIAL, UINT32_MAX },   { "from", API_FROM, UINT32_MAX },
};

const struct api_verb_info *api_verb_info(enum api_verb verb)
{
    must(verb < API_VERB_COUNT);
    return &VERB[verb];
}

const char *api_mode_word(uint32_t mode)
{
    return mode < MW_ARRAY_LEN(MODE) ? MODE[mode] : NULL;
}

static int bad(struct mw_error *err, const char *key, const char *what)
{
    return mw_fail(err, MW_EINVAL, "\"%.40s\": %s", key, what);
}

/* A text without control bytes, not empty, of at most size - 1 bytes. */
static int take_text(const json_t *v, const char *key, char *ret, size_t size,
                     struct mw_error *err)
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (s == NULL || n == 0)
        return bad(err, key, "must be a text that is not empty");
    if (n >= size)
        return mw_fail(err, MW_EINVAL, "\"%s\": at most %zu bytes", key, size - 1);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 127)
            return bad(err, key, "has a control character");
    memcpy(ret, s, n + 1);
    return 0;
}

static int take_mode(const json_t *v, struct api_command *ret, struct mw_error *err)
{
    const char *s = json_string_value(v);
    for (uint32_t i = 0; s != NULL && i < MW_ARRAY_LEN(MODE); i++)
        if (strcmp(s, MODE[i]) == 0) {
            ret->mode = (uint8_t)i;
            return 0;
        }
    return bad(err, "mode", "must be observe, advise, approve or act");
}

/* A step by its word; all words are said when it is none. */
static int take_step(const json_t *v, uint8_t *ret, struct mw_error *err)
{
    const char *s = json_string_value(v);
    char words[200] = "";
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        size_t n = strlen(words);
        if (s != NULL && strcmp(s, event_step_word(i)) == 0) {
            *ret = (uint8_t)(i + 1);
            return 0;
        }
        (void)snprintf(words + n, sizeof(words) - n, "%s%s", i > 0 ? ", " : "",
                       event_step_word(i));
    }
    return mw_fail(err, MW_EINVAL, "\"did\": must be one of %s", words);
}

/* "OLD=NEW", both without blanks: they are read back from the record's text. */
static int take_serial(const json_t *v, struct api_command *ret, struct mw_error *err)
{
    int rc = take_text(v, "serial", ret->serial, sizeof(ret->serial), err);
    const char *equals = strchr(ret->serial, '=');
    bool both = rc == 0 && equals != NULL && equals != ret->serial && equals[1] != '\0' &&
                strchr(equals + 1, '=') == NULL && strpbrk(ret->serial, " ;,") == NULL;
    return rc < 0 || both ? rc
                          : bad(err, "serial", "must be OLD=NEW, the serial numbers of the part "
                                "that came out and of the one that went in");
}

static int take_time(const json_t *v, int64_t *ret_ms, struct mw_error *err)
{
    const char *s = json_string_value(v);
    int64_t ns = 0;
    if (s == NULL || mw_parse_time(s, &ns) < 0 || ns < MW_NS_PER_MS)
        return bad(err, "from", "must be a time such as 2026-11-22T18:00:00Z");
    *ret_ms = mw_ms(ns);
    return 0;
}

static int take_number(const json_t *v, const char *key, int64_t max, int64_t *ret,
                       struct mw_error *err)
{
    int64_t n = json_is_integer(v) ? json_integer_value(v) : 0;
    if (n < 1 || n > max)
        return mw_fail(err, MW_EINVAL, "\"%s\": must be a whole number from 1 to %lld", key,
                       (long long)max);
    *ret = n;
    return 0;
}

static int take_key(uint32_t takes, const json_t *v, struct api_command *ret, struct mw_error *err)
{
    int64_t n = 0;
    int rc;
    switch (takes) {
    case API_NODE:
        return take_text(v, "node", ret->node, sizeof(ret->node), err);
    case API_HALL:
        return take_text(v, "hall", ret->hall, sizeof(ret->hall), err);
    case API_MODE:
        return take_mode(v, ret, err);
    case API_REASON:
        return take_text(v, "reason", ret->reason, sizeof(ret->reason), err);
    case API_FOUND:
        return take_text(v, "found", ret->found, sizeof(ret->found), err);
    case API_SERIAL:
        return take_serial(v, ret, err);
    case API_DID:
        return take_step(v, &ret->did, err);
    case API_FROM:
        return take_time(v, &ret->from_ms, err);
    case API_LENGTH:
        return take_number(v, "length_s", API_LENGTH_S_MAX, &ret->length_s, err);
    case API_REF:
        rc = take_number(v, "ref", INT64_MAX, &n, err);
        ret->ref = (uint64_t)n;
        return rc;
    case API_JOB:
        rc = take_number(v, "job", INT64_MAX, &n, err);
        ret->job = (uint64_t)n;
        return rc;
    default:
        must(takes == API_COUNT);
        rc = take_number(v, "count", API_COUNT_MAX, &n, err);
        ret->count = (uint32_t)n;
        return rc;
    }
}

static int take_verb(const json_t *v, struct api_command *ret, struct mw_error *err)
{
    const char *s = json_string_value(v);
    for (uint32_t i = 0; s != NULL && i < API_VERB_COUNT; i++)
        if (strcmp(s, VERB[i].word) == 0) {
            ret->verb = (uint8_t)i;
            return 0;
        }
    char words[400] = "";
    for (uint32_t i = 0; i < API_VERB_COUNT; i++) {
        size_t n = strlen(words);
        (void)snprintf(words + n, sizeof(words) - n, "%s%s", i > 0 ? ", " : "", VERB[i].word);
    }
    return mw_fail(err, MW_EINVAL, "\"verb\": must be one of %s", words);
}

/* Every key is known and taken by the verb. */
static int check_keys(json_t *o, uint32_t keys, const char *verb, struct mw_error *err)
{
    const char *name;
    json_t *v;
    json_object_foreach(o, name, v) {
        uint32_t i = 0;
        while (i < MW_ARRAY_LEN(KEY) && strcmp(name, KEY[i].name) != 0)
            i++;
        if (i == MW_ARRAY_LEN(KEY) && strcmp(name, "verb") != 0)
            return bad(err, name, "there is no such key; there are verb, node, hall, mode, "
                       "ref, job, count, length_s, from, did, found, serial and reason");
        if (i < MW_ARRAY_LEN(KEY) && !(keys & KEY[i].takes))
            return mw_fail(err, MW_EINVAL, "\"%s\": %s does not take it", name, verb);
    }
    return 0;
}

static int read_object(json_t *o, struct api_command *ret, struct mw_error *err)
{
    int rc = take_verb(json_object_get(o, "verb"), ret, err);
    if (rc < 0)
        return rc;
    const struct api_verb_info *verb = api_verb_info(ret->verb);
    rc = check_keys(o, verb->keys, verb->word, err);
    for (uint32_t i = 0; rc == 0 && i < MW_ARRAY_LEN(KEY); i++) {
        const json_t *v = json_object_get(o, KEY[i].name);
        if (v != NULL)
            rc = take_key(KEY[i].takes, v, ret, err);
        else if ((verb->keys & KEY[i].needs) == KEY[i].needs)
            rc = mw_fail(err, MW_EINVAL, "\"%s\": %s needs it", KEY[i].name, verb->word);
    }
    bool targeted = (verb->keys & API_NEEDS_TARGET) == API_NEEDS_TARGET;
    if (rc == 0 && targeted && (ret->node[0] != '\0') == (ret->ref != 0))
        rc = mw_fail(err, MW_EINVAL, "%s needs either \"node\" or \"ref\"", verb->word);
    return rc;
}

int api_command_read(const char *json, size_t size, struct api_command *ret, struct mw_error *err)
{
    must(json != NULL && ret != NULL);
    json_error_t why;
    struct api_command got = { 0 };
    json_t *o = json_loadb(json, size, JSON_REJECT_DUPLICATES, &why);
    if (o == NULL)
        return mw_fail(err, MW_ESYNTAX, "the body is not JSON: %.100s (at byte %d)", why.text,
                       why.position);
    int rc = json_is_object(o) ? read_object(o, &got, err)
                               : mw_fail(err, MW_ESYNTAX, "the body must be a JSON object");
    json_decref(o);
    if (rc == 0)
        *ret = got;
    return rc;
}

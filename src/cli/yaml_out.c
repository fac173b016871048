/* JSON values become libyaml's events, with a stack of our own for what is open. */
#include "cli/yaml_out.h"

#include <string.h>

#include <yaml.h>

/* A list or object that is open. */
struct open {
    json_t *of;
    size_t at;  /* of a list: the next item */
    void *iter; /* of an object: the next key */
};

struct writer {
    yaml_emitter_t emitter;
    struct open open[YAML_OUT_DEPTH_MAX];
    uint32_t depth;
    bool failed, too_deep;
};

static void emit(struct writer *w, yaml_event_t *ev, int made)
{
    if (w->failed || !made || !yaml_emitter_emit(&w->emitter, ev))
        w->failed = true;
}

/* Would a reader take the plain text for a number, a time, a truth value or null? */
static bool is_ambiguous(const char *s)
{
    static const char *const word[] = { "", "~", "true", "false", "null", "yes", "no", "on", "off",
                                        "y", "n" };
    for (size_t i = 0; i < MW_ARRAY_LEN(word); i++)
        if (strcasecmp(s, word[i]) == 0)
            return true;
    return strchr("0123456789+-.", s[0]) != NULL &&
           s[strspn(s, "0123456789+-.abcdefABCDEFoxXTZ_: ")] == '\0';
}

static void scalar(struct writer *w, const char *s, bool is_text)
{
    yaml_event_t ev;
    yaml_scalar_style_t style = is_text && is_ambiguous(s)  ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                : strchr(s, '\n') != NULL ? YAML_LITERAL_SCALAR_STYLE
                                                           : YAML_ANY_SCALAR_STYLE;
    emit(w, &ev, yaml_scalar_event_initialize(&ev, NULL, NULL, (yaml_char_t *)(uintptr_t)s,
                                              (int)strlen(s), 1, 1, style));
}

static void begin(struct writer *w, json_t *v)
{
    yaml_event_t ev;
    if (w->depth == YAML_OUT_DEPTH_MAX) {
        w->failed = w->too_deep = true;
        return;
    }
    bool list = json_is_array(v);
    bool empty = list ? json_array_size(v) == 0 : json_object_size(v) == 0;
    w->open[w->depth++] = (struct open){ .of = v, .iter = list ? NULL : json_object_iter(v) };
    if (list)
        emit(w, &ev, yaml_sequence_start_event_initialize(
                         &ev, NULL, NULL, 1,
                         empty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE));
    else
        emit(w, &ev, yaml_mapping_start_event_initialize(
                         &ev, NULL, NULL, 1,
                         empty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE));
}

static void value(struct writer *w, json_t *v)
{
    if (json_is_array(v) || json_is_object(v)) {
        begin(w, v);
        return;
    }
    if (json_is_string(v)) {
        scalar(w, json_string_value(v), true);
        return;
    }
    char *plain = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (plain != NULL)
        scalar(w, plain, false);
    w->failed |= plain == NULL;
    free(plain);
}

static void end(struct writer *w)
{
    yaml_event_t ev;
    w->depth--;
    bool list = json_is_array(w->open[w->depth].of);
    emit(w, &ev, list ? yaml_sequence_end_event_initialize(&ev)
                      : yaml_mapping_end_event_initialize(&ev));
}

/* The next thing of what is open. */
static void step(struct writer *w)
{
    struct open *o = &w->open[w->depth - 1];
    if (json_is_array(o->of)) {
        if (o->at < json_array_size(o->of))
            value(w, json_array_get(o->of, o->at++));
        else
            end(w);
    } else if (o->iter != NULL) {
        json_t *v = json_object_iter_value(o->iter);
        scalar(w, json_object_iter_key(o->iter), true);
        o->iter = json_object_iter_next(o->of, o->iter);
        value(w, v);
    } else {
        end(w);
    }
}

static void whole(struct writer *w, json_t *v)
{
    yaml_event_t ev;
    emit(w, &ev, yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING));
    emit(w, &ev, yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1));
    value(w, v);
    while (w->depth > 0 && !w->failed)
        step(w);
    emit(w, &ev, yaml_document_end_event_initialize(&ev, 1));
    emit(w, &ev, yaml_stream_end_event_initialize(&ev));
}

int yaml_out(FILE *f, const json_t *v, struct mw_error *err)
{
    struct writer w = { 0 };
    must(f != NULL && v != NULL);
    if (!yaml_emitter_initialize(&w.emitter))
        return mw_fail(err, MW_ENOMEM, "out of memory");
    yaml_emitter_set_output_file(&w.emitter, f);
    yaml_emitter_set_unicode(&w.emitter, 1);
    yaml_emitter_set_width(&w.emitter, -1);
    whole(&w, (json_t *)(uintptr_t)v);
    yaml_emitter_delete(&w.emitter);
    if (w.too_deep)
        return mw_fail(err, MW_ELIMIT, "nested more than %u deep", YAML_OUT_DEPTH_MAX);
    return w.failed ? mw_fail(err, MW_EIO, "the document cannot be written as YAML") : 0;
}

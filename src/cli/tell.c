/* Telling the daemon something.  See tell.h. */
#include "cli/tell.h"

#include <stdio.h>

#include "base/text.h"
#include "cli/daemon_of.h"

const struct command_exit tell_exits[] = {
    { CLI_EXIT_NOT_FOUND, "the daemon knows no such node, hall, job or event" },
    { CLI_EXIT_DENIED, "the token does not allow it, or the socket belongs to another user" },
    { CLI_EXIT_CONFLICT, "it is over already, or the state or mode does not allow it" },
    { CLI_EXIT_UNREACHABLE, "no daemon answers" },
    { CLI_EXIT_TIMEOUT, "the daemon did not answer: mw journal tail shows whether it was taken" },
    { 0 },
};

static const struct output_column recorded_columns[] = {
    { .key = "seq", .title = "RECORDED AS EVENT" },
    { .key = "time", .title = "TIME" },
    { .key = "kind", .title = "KIND" },
    { .key = "actor", .title = "BY", .wide = true },
    { 0 },
};

static void show_recorded(struct output *o, const json_t *answer)
{
    const json_t *ev = json_object_get(answer, "recorded");
    int64_t seq = json_integer_value(json_object_get(ev, "seq"));
    char shown[24];
    (void)snprintf(shown, sizeof(shown), "%lld", (long long)seq);
    output_begin(o, recorded_columns, OUTPUT_RECORD);
    output_int_as(o, seq, shown);
    output_text(o, json_string_value(json_object_get(ev, "time")));
    output_text(o, json_string_value(json_object_get(ev, "kind")));
    output_int(o, json_integer_value(json_object_get(ev, "actor")));
    output_end(o, NULL);
}

json_t *tell_command(const struct cli_context *ctx, const char *verb, bool reason)
{
    return json_pack("{s:s, s:s*}", "verb", verb, "reason",
                     reason ? cli_option_string(ctx, "reason") : NULL);
}

json_t *tell_number(json_t *command, const char *key, const char *text)
{
    uint64_t n = 0;
    must(mw_parse_u64(text, &n) == 0); /* the parser let only numbers through */
    if (command != NULL)
        (void)json_object_set_new(command, key, json_integer((json_int_t)MW_MIN(n, INT64_MAX)));
    return command;
}

json_t *tell_text(json_t *command, const char *key, const char *text)
{
    json_t *v = text != NULL ? json_string(text) : NULL;
    if (command == NULL || text == NULL)
        return command;
    if (v != NULL && json_object_set_new(command, key, v) == 0)
        return command;
    json_decref(command);
    return NULL;
}

int tell_post(struct cli_context *ctx, json_t *command)
{
    struct mw_error err = { 0 };
    json_t *answer = NULL;
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    const struct daemon_call c = { .path = "/api/v1/commands", .body = command };
    if (command == NULL) {
        cli_error(ctx, "out of memory, or a text that is not UTF-8");
        return CLI_EXIT_ERROR;
    }
    int rc = daemon_of(ctx, &d, &err);
    if (rc == 0)
        rc = daemon_ask(d, &c, &answer, &err);
    json_decref(command);
    if (rc < 0)
        return cli_fail(ctx, &err);
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        output_document(ctx->output, json_object_get(answer, "recorded"));
    else
        show_recorded(ctx->output, answer);
    json_decref(answer);
    return CLI_EXIT_OK;
}

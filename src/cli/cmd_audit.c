/* `mw audit`: who asked the daemon for what, and whether the log of it is whole. */
#include <stdio.h>
#include <string.h>

#include "api/audit.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/daemon_of.h"
#include "cli/live_paths.h"
#include "cli/live_record.h"

static int find_folder(const struct cli_context *ctx, char room[LIVE_PATH_MAX],
                       const char **ret, struct mw_error *err)
{
    const char *named = cli_option_string(ctx, "journal");
    *ret = named != NULL ? named : room;
    return named != NULL ? 0 : live_path_journal_found(room, err);
}

/* ---- verify -------------------------------------------------------------------------------- */

static const struct output_column verify_columns[] = {
    { .key = "journal", .title = "JOURNAL" },
    { .key = "lines", .title = "LINES", .right = true },
    { .key = "whole", .title = "WHOLE" },
    { .key = "torn", .title = "TORN END", .wide = true },
    { .key = "bad_line", .title = "FIRST BAD LINE" },
    { .key = "why", .title = "WHY" },
    { .key = "keep", .title = "TO KEEP ELSEWHERE" },
    { 0 },
};

/* "7:0123…": a line and its hash. */
static int read_kept(const char *said, struct audit_kept *ret, struct mw_error *err)
{
    char number[24];
    const char *colon = strchr(said, ':');
    size_t n = colon != NULL ? (size_t)(colon - said) : 0;
    if (n == 0 || n >= sizeof(number) || strlen(colon + 1) != MW_HEX256_MAX - 1 ||
        strspn(colon + 1, "0123456789abcdef") != MW_HEX256_MAX - 1)
        return mw_fail(err, MW_EINVAL, "--kept: must be what mw audit verify said to keep, "
                       "LINE:HASH");
    memcpy(number, said, n);
    number[n] = '\0';
    memcpy(ret->hash, colon + 1, MW_HEX256_MAX);
    return mw_parse_u64(number, &ret->n) == 0 && ret->n > 0
               ? 0
               : mw_fail(err, MW_EINVAL, "--kept: %s is no line", number);
}

static void print_report(struct output *o, const char *folder, const struct audit_report *r)
{
    struct text keep = { 0 };
    text_addf(&keep, "%llu:%s", (unsigned long long)r->lines, r->last);
    output_begin(o, verify_columns, OUTPUT_RECORD);
    output_text(o, folder);
    output_int(o, (int64_t)r->lines);
    output_bool(o, r->whole);
    output_bool(o, r->torn);
    if (r->bad_n != 0)
        output_int(o, (int64_t)r->bad_n);
    else
        output_null(o);
    output_text(o, r->why[0] != '\0' ? r->why : NULL);
    output_text(o, r->lines > 0 ? text_string(&keep) : NULL);
    output_end(o, NULL);
    text_fini(&keep);
}

static int run_verify(struct cli_context *ctx)
{
    char room[LIVE_PATH_MAX];
    const char *folder = NULL, *said = cli_option_string(ctx, "kept");
    struct mw_error err = { 0 };
    struct audit_kept kept = { 0 };
    struct audit_report r;
    if (said != NULL && read_kept(said, &kept, &err) < 0)
        return cli_usage(ctx, "%s", err.text);
    int rc = find_folder(ctx, room, &folder, &err);
    if (rc == 0)
        rc = audit_verify(folder, said != NULL ? &kept : NULL, &r, &err);
    if (rc < 0)
        return cli_fail(ctx, &err);
    print_report(ctx->output, folder, &r);
    return r.whole ? CLI_EXIT_OK : CLI_EXIT_PROBLEMS;
}

/* ---- list ---------------------------------------------------------------------------------- */

#define PAGE 1000u /* the most that one answer holds */

static const struct output_column list_columns[] = {
    { .key = "n", .title = "LINE", .right = true, .wide = true },
    { .key = "time", .title = "TIME" },
    { .key = "who", .title = "WHO" },
    { .key = "actor", .title = "ACTOR", .wide = true },
    { .key = "via", .title = "VIA" },
    { .key = "route", .title = "ASKED" },
    { .key = "target", .title = "TARGET", .wide = true },
    { .key = "status", .title = "STATUS", .right = true },
    { .key = "seq", .title = "EVENT", .right = true },
    { .key = "detail", .title = "WHAT" },
    { .key = "left_out", .title = "LEFT OUT BEFORE", .right = true, .wide = true },
    { .key = "prev", .title = NULL },
    { 0 },
};

static void print_line(struct output *o, const json_t *line)
{
    for (const struct output_column *c = list_columns; c->key != NULL; c++) {
        const json_t *v = json_object_get(line, c->key);
        char shown[24];
        (void)snprintf(shown, sizeof(shown), "%lld", (long long)json_integer_value(v));
        if (json_is_integer(v)) /* numbers of people and events are names: no thousands */
            output_int_as(o, json_integer_value(v), shown);
        else
            output_text(o, json_string_value(v));
    }
}

/* One page, newest first: from the file, or from the daemon.  *cursor "" = from the end; "" again
 * after the last. */
static int page_of_file(const char *folder, uint32_t limit, char cursor[24], json_t **ret,
                        struct mw_error *err)
{
    uint64_t before = 0, next = 0;
    if (cursor[0] != '\0' && mw_parse_u64(cursor, &before) < 0)
        return mw_fail(err, MW_EBUG, "internal error");
    const struct audit_wish w = { .before = before, .limit = limit };
    int rc = audit_read(folder, &w, ret, &next, err);
    if (rc == 0)
        (void)snprintf(cursor, 24, "%.0llu", (unsigned long long)next);
    return rc;
}

static int page_of_daemon(struct daemon *d, uint32_t limit, char cursor[24], json_t **ret,
                          struct mw_error *err)
{
    struct text path = { 0 };
    json_t *o = NULL;
    text_addf(&path, "/api/v1/audit?limit=%u%s%s", limit, cursor[0] != '\0' ? "&cursor=" : "",
              cursor);
    const struct daemon_call c = { .path = text_string(&path) };
    int rc = daemon_ask(d, &c, &o, err);
    text_fini(&path);
    if (rc < 0)
        return rc;
    const char *next = json_string_value(json_object_get(o, "next"));
    (void)snprintf(cursor, 24, "%s", next != NULL ? next : "");
    *ret = json_incref(json_object_get(o, "rows"));
    json_decref(o);
    return *ret != NULL ? 0 : mw_fail(err, MW_ESYNTAX, "the daemon's answer holds no rows");
}

/* Where the lines come from. */
struct pages {
    struct daemon *daemon; /* NULL: from the file */
    const char *folder;
    uint64_t left;         /* of what was wished for */
    char cursor[24];
};

static int next_page(struct pages *p, json_t **ret, struct mw_error *err)
{
    uint32_t limit = (uint32_t)MW_MIN(p->left, PAGE);
    int rc = p->daemon != NULL ? page_of_daemon(p->daemon, limit, p->cursor, ret, err)
                               : page_of_file(p->folder, limit, p->cursor, ret, err);
    p->left -= rc == 0 ? MW_MIN(p->left, json_array_size(*ret)) : 0;
    return rc;
}

static int print_pages(struct cli_context *ctx, struct pages *p, struct mw_error *err)
{
    json_t *rows = NULL;
    int rc = next_page(p, &rows, err);
    if (rc < 0)
        return rc; /* before anything is printed */
    output_begin(ctx->output, list_columns, OUTPUT_ROWS);
    while (rc == 0) {
        for (size_t i = 0; i < json_array_size(rows); i++)
            print_line(ctx->output, json_array_get(rows, i));
        json_decref(rows);
        if (p->cursor[0] == '\0' || p->left == 0 || output_closed(ctx->output))
            break;
        rc = next_page(p, &rows, err);
    }
    output_end(ctx->output, "nobody has asked for anything");
    return rc;
}

static int run_list(struct cli_context *ctx)
{
    struct daemon *d mw_cleanup(daemon_closep) = NULL;
    char room[LIVE_PATH_MAX];
    struct pages p = { .left = cli_option_u64(ctx, "limit") };
    struct mw_error err = { 0 };
    if (p.left == 0)
        return cli_usage(ctx, "option --limit: at least 1");
    int rc = daemon_wanted(ctx) ? daemon_of(ctx, &d, &err)
                                : find_folder(ctx, room, &p.folder, &err);
    p.daemon = d;
    if (rc == 0)
        rc = print_pages(ctx, &p, &err);
    return rc < 0 ? daemon_fail(ctx, &err) : CLI_EXIT_OK;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command commands[] = {
    {
        .verb = "list",
        .summary = "who asked the daemon for what, newest first",
        .description =
            "Every write, login, logout and refusal: when, who and by which credential, what was "
            "asked for, the answer's HTTP status, and the event that it made in the record. Reads "
            "that were allowed are not written down. From a daemon it needs the role auditor or "
            "admin.",
        .examples =
            (const struct command_example[]){
                { .line = "mw audit list --journal live", .shows = "The last hundred." },
                { .line = "mw audit list --limit 5 --socket mw.sock --json",
                  .shows = "Five of the daemon's, for a program." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "limit", .type = VALUE_U64, .value = "N", .fallback = "100",
                  .help = "at most so many" },
                LIVE_RECORD_OPTION,
                DAEMON_OPTIONS,
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no audit log" },
                { CLI_EXIT_DENIED, "it is not for this user" },
                { CLI_EXIT_UNREACHABLE, "no daemon answers" },
                { CLI_EXIT_TIMEOUT, "the daemon did not answer in time" },
                { 0 },
            },
        .run = run_list,
    },
    {
        .verb = "verify",
        .summary = "check that nobody changed the audit log",
        .description =
            "Reads audit.log beside the record from its first line. Each line holds the SHA-256 of "
            "the line before it: one that was changed, removed or inserted is named. A log whose "
            "end was cut off, or that was written anew from some line on, looks whole by itself: "
            "keep what this prints somewhere else, and give it back with --kept.",
        .examples =
            (const struct command_example[]){
                { .line = "mw audit verify --journal live", .shows = "Says whether it is whole." },
                { .line = "mw audit verify --journal live --kept "
                          "$(mw audit verify --journal live -o csv | tr -d '\\r' | "
                          "sed '1d;s/.*,//')",
                  .shows = "Says whether it still holds what was kept." },
                { .line = "mw audit verify --journal live --kept 1:0000000000000000000000000000"
                          "000000000000000000000000000000000000",
                  .shows = "It does not; the exit code is 10.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                { .name = "kept", .type = VALUE_STRING, .value = "LINE:HASH",
                  .help = "what an earlier check said to keep" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no audit log" },
                { CLI_EXIT_DENIED, "it is not for this user" },
                { CLI_EXIT_PROBLEMS, "it is not whole, or not what was kept" },
                { 0 },
            },
        .run = run_verify,
    },
    { 0 },
};

const struct command_group cmd_audit = {
    .noun = "audit",
    .summary = "who asked the daemon for what",
    .commands = commands,
};

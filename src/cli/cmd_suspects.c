/*
 * `mw suspects`: nodes that the record gives reason to avoid, also as a host
 * list for sbatch --exclude.
 */
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/live_record.h"
#include "control/suspects.h"
#include "fleet/hostlist.h"

static const struct output_column columns[] = {
    { .key = "node", .title = "NODE" },
    { .key = "score", .title = "SCORE", .right = true },
    { .key = "health", .title = "HEALTH" },
    { .key = "class", .title = "CLASS" },
    { .key = "incident", .title = "INCIDENT", .right = true },
    { .key = "incidents", .title = "INCIDENTS", .right = true },
    { .key = "last_event", .title = "LAST EVENT", .right = true, .wide = true },
    { .key = "last_time", .title = "LAST", .wide = true },
    { .key = "why", .title = "WHY" },
    { 0 },
};

static void seq_cell(struct output *o, uint64_t seq)
{
    char shown[24];
    (void)snprintf(shown, sizeof(shown), "%llu", (unsigned long long)seq);
    if (seq)
        output_int_as(o, (int64_t)seq, shown);
    else
        output_null(o);
}

static void show_rows(struct output *o, const struct suspects *s, const struct words *w)
{
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < s->length; i++) {
        const struct suspect *x = &s->item[i];
        struct text why = { 0 };
        char time[40];
        mw_format_time(x->last_ns, time, sizeof(time));
        suspect_words(&why, x, w);
        output_text(o, words_node(w, x->node));
        output_int(o, x->score);
        output_text(o, health_name(x->health));
        output_text(o, x->class == UINT16_MAX ? NULL : words_class(w, x->class));
        seq_cell(o, x->incident);
        output_int(o, x->incidents);
        seq_cell(o, x->last);
        output_text(o, x->last ? time : NULL);
        output_text(o, text_string(&why));
        text_fini(&why);
    }
    output_end(o, "no node gives reason to avoid it");
}

/* "n[3,7-9]" and a newline, or one name a line. */
static int show_names(struct cli_context *ctx, const struct suspects *s, const struct words *w,
                      bool folded)
{
    struct text t = { 0 };
    uint32_t *node mw_cleanup(mw_freep) = mw_calloc(s->length, sizeof(*node));
    int r = node ? 0 : MW_ENOMEM;
    for (uint32_t i = 0; r == 0 && i < s->length; i++) {
        node[i] = s->item[i].node;
        if (!folded)
            text_addf(&t, "%s\n", words_node(w, node[i]));
    }
    if (r == 0 && folded)
        r = hostlist_add_nodes(&t, w->fleet, node, s->length);
    if (folded)
        text_add(&t, "\n");
    if (r == 0 && !t.failed)
        (void)fputs(text_string(&t), output_file(ctx->output));
    else
        cli_error(ctx, "out of memory");
    r = r == 0 && !t.failed ? CLI_EXIT_OK : CLI_EXIT_ERROR;
    text_fini(&t);
    return r;
}

static int show(struct cli_context *ctx, const struct suspects *s, const struct words *w)
{
    const char *form = cli_option_string(ctx, "output");
    if (output_form_of(ctx->output) == OUTPUT_JSON)
        form = "json";
    if (strcmp(form, "hostlist") == 0 || strcmp(form, "list") == 0)
        return show_names(ctx, s, w, form[0] == 'h');
    show_rows(ctx->output, s, w);
    return CLI_EXIT_OK;
}

static int run(struct cli_context *ctx)
{
    struct live_record r mw_cleanup(live_record_close) = { 0 };
    struct suspects suspects mw_cleanup(suspects_fini) = { 0 };
    struct control *control = NULL;
    struct mw_error err = { 0 };
    const struct suspects_options o = {
        .days_ns = cli_option_duration_ns(ctx, "since"),
        .score_min = (uint32_t)MW_MIN(cli_option_u64(ctx, "min"), (uint64_t)UINT32_MAX) };
    int code = live_record_open(ctx, &r);
    if (code != CLI_EXIT_OK)
        return code;
    int rc = live_record_state(&r, &control, &err);
    if (rc == 0)
        rc = suspects_find(r.journal, control, &o, &suspects, &err);
    code = rc < 0 ? live_record_fail(ctx, &r, &err) : show(ctx, &suspects, &r.words);
    control_destroy(control);
    return code;
}

static const struct command commands[] = {
    {
        .verb = "",
        .summary = "list nodes that the record gives reason to avoid",
        .description =
            "Lists nodes that are out of health, have an open incident, are out of service, or "
            "had incidents again and again, with the reason and the events that say so. The score "
            "is the sum of: 4 the health is not ready; 4 an open incident that ends or slows jobs, "
            "2 one that only defers; 2 out of service in Slurm or held by a person; 2 a lemon by "
            "its history; 1 for each incident beyond the first in --since, 3 at most. An incident "
            "that does nothing to jobs, such as a program's own end, does not count.\n\n"
            "As a host list it goes straight into Slurm: sbatch --exclude=$(mw suspects -o "
            "hostlist). Where there is none, an empty line is printed and the exit code is 0.",
        .examples =
            (const struct command_example[]){
                { .line = "mw suspects --journal record", .shows = "Nodes to avoid, worst first." },
                { .line = "mw suspects --journal record -o hostlist",
                  .shows = "The same as one word for sbatch --exclude." },
                { .line = "mw suspects --journal record --min 4 -o list",
                  .shows = "Only what is wrong now, one name a line." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                LIVE_RECORD_OPTION,
                { .name = "output", .letter = 'o', .type = VALUE_CHOICE,
                  .value = "table|wide|json|csv|hostlist|list", .fallback = "table",
                  .help = "how to print the nodes; hostlist is Slurm's form, list a name a line" },
                { .name = "min", .type = VALUE_U64, .value = "SCORE", .fallback = "2",
                  .help = "only nodes with this score or more" },
                { .name = "since", .type = VALUE_DURATION, .value = "TIME", .fallback = "30d",
                  .help = "how far back incidents count, from the end of the record" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "there is no record" },
                { CLI_EXIT_DENIED, "the record may not be read" },
                { 0 },
            },
        .run = run,
    },
    { 0 },
};

const struct command_group cmd_suspects = {
    .noun = "suspects",
    .summary = "nodes to keep jobs away from",
    .commands = commands,
};

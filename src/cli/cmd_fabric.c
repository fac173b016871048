/*
 * `mw fabric check`: the cables of an InfiniBand fabric beside those of a site
 * file, port by port.  Reads only.
 */
#include "cli/cmd_fabric.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/site_file.h"
#include "live/fabric_check.h"
#include "live/fabric_child.h"
#include "live/fabric_text.h"

#define INPUT_BYTES_MAX ((size_t)256 << 20)

static int read_listing(const char *path, struct fabric *ret, struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size;
    int rc = mw_read_file(path, INPUT_BYTES_MAX, true, &text, &size, err);
    struct fabric_source s = { .text = text, .size = size, .name = path };
    return rc != 0 ? rc : fabric_text_read(&s, ret, err);
}

static int ask_fabric(struct cli_context *ctx, bool counters, struct fabric_round *ret,
                      struct mw_error *err)
{
    struct fabric_child_options o = { .ca = cli_option_string(ctx, "ca"),
        .port = cli_option_string(ctx, "port"), .counters = counters, .hosts = counters,
        .deadline_ms = MW_MAX(cli_option_duration_ns(ctx, "deadline") / MW_NS_PER_MS, 1) };
    struct fabric_child *c = NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    int rc = fabric_child_create(&o, &c, err);
    if (rc == 0)
        rc = fabric_child_round(c, ret, err);
    fabric_child_destroy(c);
    return rc;
}

int fabric_get(struct cli_context *ctx, bool counters, struct fabric_round *ret,
               const char **ret_source)
{
    struct mw_error err = { 0 };
    char *map mw_cleanup(mw_freep) = NULL;
    size_t size;
    const char *file = cli_option_string(ctx, "ibnetdiscover");
    const char *names = cli_option_string(ctx, "names");
    if (file != NULL && (cli_option_given(ctx, "ca") || cli_option_given(ctx, "port")))
        return cli_usage(ctx, "--ca and --port are for asking the fabric; --ibnetdiscover reads a "
                              "file");
    int rc = file != NULL ? read_listing(file, &ret->fabric, &err)
                          : ask_fabric(ctx, counters, ret, &err);
    if (rc == 0 && names != NULL)
        rc = mw_read_file(names, INPUT_BYTES_MAX, false, &map, &size, &err);
    if (rc == 0 && names != NULL)
        rc = fabric_names_map(&ret->fabric, map, names, &err);
    *ret_source = file != NULL ? file : "the fabric itself";
    return rc != 0 ? cli_fail(ctx, &err) : 0;
}

/* ---- check --------------------------------------------------------------------------------- */

static const struct output_column columns[] = {
    { .key = "problem", .title = "PROBLEM" },
    { .key = "at", .title = "AT" },
    { .key = "expected", .title = "THE FILE SAYS" },
    { .key = "found", .title = "FOUND" },
    { .key = "cable", .title = "CABLE", .wide = true },
    { .key = "todo", .title = "WHAT TO DO" },
    { .key = NULL },
};

static void put_text(struct output *o, const char *s)
{
    output_text(o, s[0] != '\0' ? s : NULL);
}

static void show(struct cli_context *ctx, const struct fleet *f, const struct fabric_result *r)
{
    struct output *o = ctx->output;
    output_begin(o, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < r->length; i++) {
        const struct fabric_difference *d = &r->item[i];
        output_text(o, fabric_fault_code(d->fault));
        put_text(o, d->at);
        put_text(o, d->expected);
        put_text(o, d->found);
        output_text(o, d->cable == MW_NONE
                           ? NULL : fleet_name(f, component_id(COMPONENT_CABLE, d->cable)));
        put_text(o, d->todo);
    }
    output_end(o, NULL);
}

static int tell(struct cli_context *ctx, const struct fabric_result *r, const char *source)
{
    uint32_t all = fabric_result_faults(r);
    cli_note(ctx, "%u of %u cables of the file are as it says (%s)", r->right, r->cables, source);
    if (r->outside > 0)
        cli_note(ctx, "%u cables of the file have no end in this fabric: another network's",
                 r->outside);
    if (r->count[FABRIC_WRONG_PORT] > r->cables / 2)
        cli_note(ctx, "most are on other ports than the file says: if its ports are not the real "
                      "ones, --any-port compares only what is joined to what");
    if (all > r->length)
        cli_note(ctx, "%u more differences are not listed", all - r->length);
    return all == 0 ? CLI_EXIT_OK : CLI_EXIT_PROBLEMS;
}

static int run_check(struct cli_context *ctx)
{
    struct fabric_round round mw_cleanup(fabric_round_fini) = { .asked = 0 };
    struct fabric_names names mw_cleanup(fabric_names_fini) = { .hosts = 0 };
    struct fabric_result result mw_cleanup(fabric_result_fini) = { .length = 0 };
    struct fabric_check_options o = { .any_port = cli_option_bool(ctx, "any-port") };
    struct mw_error err = { 0 };
    struct fleet *fleet = NULL;
    const char *source;
    int code = site_file_load(ctx, cli_arg(ctx, 0), &fleet);
    if (code == 0)
        code = fabric_get(ctx, false, &round, &source);
    if (code == 0 && (fabric_names_make(&round.fabric, &names, &err) != 0 ||
                      fabric_check(&round.fabric, &names, fleet, &o, &result, &err) != 0))
        code = cli_fail(ctx, &err);
    if (code == 0) {
        show(ctx, fleet, &result);
        code = tell(ctx, &result, source);
    }
    fleet_destroy(fleet);
    return code;
}

static const struct command commands[] = {
    {
        .verb = "check",
        .summary = "compare the cables of an InfiniBand fabric with those of a site file",
        .description =
            "Discovers the fabric (or reads what ibnetdiscover printed) and names every cable that "
            "is not as the site file says, port by port, with what to do: missing, in a wrong "
            "port, on a wrong device, two that are exchanged, links that the file does not have, "
            "links that run below what both ends allow, switches and nodes that do not answer.\n\n"
            "Switches are matched by their name, NIC k of a node to the k-th adapter of that host. "
            "Reads only: no port is reset, no counter is cleared. The exit code is 10 when there "
            "is a difference.",
        .examples =
            (const struct command_example[]){
                { .line = "mw fabric check tests/fabric/small.yaml "
                          "--ibnetdiscover tests/fabric/small.ibnetdiscover",
                  .shows = "A fabric that is cabled as its file says." },
                { .line = "sed 's/^\\[3\\]\\(.*gpu0002 mlx5_0\\)/[7]\\1/; "
                          "s/0200000\"\\[3\\]/0200000\"[7]/' "
                          "tests/fabric/small.ibnetdiscover > moved.txt; "
                          "mw fabric check tests/fabric/small.yaml --ibnetdiscover moved.txt",
                  .shows = "A plug in another port.", .exit_code = CLI_EXIT_PROBLEMS },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                FABRIC_OPTIONS,
                { .name = "any-port",
                  .help = "compare only what is joined to what, not the port numbers" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "SITE", .type = VALUE_FILE, .help = "the site file" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "a file, mw-fabric or an adapter does not exist" },
                { CLI_EXIT_DENIED, "a file or the adapter may not be read" },
                { CLI_EXIT_UNREACHABLE, "the fabric does not answer" },
                { CLI_EXIT_TIMEOUT, "the fabric did not answer in time" },
                { CLI_EXIT_PROBLEMS, "the fabric is not as the file says" },
                { 0 },
            },
        .run = run_check,
    },
    { 0 },
};

const struct command_group cmd_fabric = {
    .noun = "fabric",
    .summary = "an InfiniBand fabric as it is cabled",
    .commands = commands,
};

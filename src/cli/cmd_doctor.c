/* `mw doctor`, `mw support-bundle`: what may be wrong, and all of it for somebody else. */
#include <string.h>

#include "base/mem.h"
#include "cli/bundle.h"
#include "cli/commands.h"
#include "cli/doctor.h"

static const struct output_column columns[] = {
    { .key = "state", .title = "STATE" },
    { .key = "check", .title = "CHECK" },
    { .key = "what", .title = "WHAT" },
    { .key = "do", .title = "DO" },
    { 0 },
};

static int run_doctor(struct cli_context *ctx)
{
    struct doctor d mw_cleanup(doctor_fini) = { 0 };
    doctor_run(&d, ctx);
    output_begin(ctx->output, columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < d.findings; i++) {
        const struct doctor_finding *f = &d.finding[i];
        output_text(ctx->output, doctor_state_name(f->state));
        output_text(ctx->output, f->check);
        output_text(ctx->output, f->what);
        output_text(ctx->output, f->remedy[0] != '\0' ? f->remedy : NULL);
    }
    output_end(ctx->output, NULL);
    return doctor_worst(&d) == DOCTOR_FAIL ? CLI_EXIT_PROBLEMS : CLI_EXIT_OK;
}

static int run_bundle(struct cli_context *ctx)
{
    struct doctor d mw_cleanup(doctor_fini) = { 0 };
    struct bundle_result r mw_cleanup(bundle_result_fini) = { 0 };
    struct mw_error err = { 0 };
    const char *file = cli_arg(ctx, 0);
    doctor_run(&d, ctx);
    if (bundle_make(&d, file, cli_option_bool(ctx, "force"), &r, &err) < 0)
        return cli_fail(ctx, &err);
    cli_note(ctx, "wrote %u files into %s; %u secrets were taken out: look through it before you "
             "send it", r.files, file, r.redacted);
    if (r.left_out.length > 0)
        cli_note(ctx, "left out: %s", text_string(&r.left_out));
    return CLI_EXIT_OK;
}

static const struct command doctor_commands[] = {
    {
        .verb = "",
        .summary = "check contexts, socket, token, daemon, clock, disk, Slurm, agents, ports",
        .description =
            "Looks at everything between you and the daemon, and at what the daemon says of "
            "itself; each line says ok, warn or fail, and what to do. Changes nothing. The exit "
            "code is 10 when something fails, so that a monitor can run it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw doctor --socket mw.sock || test $? = 10",
                  .shows = "How it is with the daemon on that socket." },
                { .line = "mw doctor --socket nobody.sock --json",
                  .shows = "Where no daemon listens something fails: the exit code is 10.",
                  .exit_code = CLI_EXIT_PROBLEMS },
                { 0 },
            },
        .options = (const struct command_option[]){ DAEMON_OPTIONS, { 0 } },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_PROBLEMS, "a check failed" },
                { 0 },
            },
        .run = run_doctor,
    },
    { 0 },
};
const struct command_group cmd_doctor = {
    .noun = "doctor",
    .summary = "what may be wrong, and what to do",
    .commands = doctor_commands,
};

static const struct command bundle_commands[] = {
    {
        .verb = "",
        .summary = "write what somebody needs who helps you, without secrets",
        .description =
            "Writes a compressed tar file of mode 0600: status, metrics, summary, open incidents "
            "and orders, the last 1,000 events, versions, contexts, what kind of machine this is "
            "and what mw doctor finds. Tokens, passwords, cookies and private keys are taken out. "
            "It holds names of nodes, jobs and people: look through it before you send it.",
        .examples =
            (const struct command_example[]){
                { .line = "mw support-bundle bundle.tar.gz --socket mw.sock && "
                          "tar -tzf bundle.tar.gz | grep status.json",
                  .shows = "Everything in one file." },
                { .line = "mw support-bundle bundle.tar.gz --socket mw.sock",
                  .shows = "A file that is there already; the exit code is 5.",
                  .exit_code = CLI_EXIT_CONFLICT },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "force", .help = "write over a file that is there" },
                DAEMON_OPTIONS,
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "FILE", .type = VALUE_FILE, .help = "the file to make, FILE.tar.gz" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_NOT_FOUND, "the file's folder is not there, or no program tar is" },
                { CLI_EXIT_DENIED, "the file may not be written" },
                { CLI_EXIT_CONFLICT, "the file is there already" },
                { 0 },
            },
        .run = run_bundle,
    },
    { 0 },
};
const struct command_group cmd_support_bundle = {
    .noun = "support-bundle",
    .summary = "all of it for somebody who helps",
    .commands = bundle_commands,
};

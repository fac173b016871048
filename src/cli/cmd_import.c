/*
 * `mw import`: a first site file from what exists, so that nobody types one.
 * Each verb reads its source and gives an import_site to import_out.
 */
#include "cli/cmd_import.h"

#include <string.h>

#include "cli/cmd_fabric.h"
#include "cli/cmd_site.h"
#include "cli/commands.h"
#include "cli/import_out.h"
#include "live/import_fabric.h"

static int run_ibnetdiscover(struct cli_context *ctx)
{
    struct fabric_round round mw_cleanup(fabric_round_fini) = { .asked = 0 };
    struct import_site site mw_cleanup(import_site_fini) = { .models = 0 };
    struct mw_error err = { 0 };
    struct import_fabric_options o = { .gpus = MW_NONE };
    int code;
    o.site = import_out_name(ctx, &code);
    if (code != 0)
        return code;
    if (cli_option_given(ctx, "gpus")) {
        uint64_t gpus = cli_option_u64(ctx, "gpus");
        if (gpus > 64)
            return cli_usage(ctx, "option --gpus: a node has at most 64");
        o.gpus = (uint32_t)gpus;
    }
    code = fabric_get(ctx, false, &round, &o.source);
    if (code != 0)
        return code;
    if (import_fabric(&round.fabric, &o, &site, &err) != 0)
        return cli_fail(ctx, &err);
    return import_out(ctx, &site);
}

const struct command_option cmd_import_slurm_options[] = {
    { .name = "slurm", .type = VALUE_FILE, .value = "CONF",
      .help = "the slurm.conf of the cluster to ask; else as scontrol finds it" },
    { .name = "nodes", .type = VALUE_FILE, .value = "FILE",
      .help = "output of scontrol -o show nodes; scontrol is not run" },
    { .name = "topology", .type = VALUE_FILE, .value = "FILE",
      .help = "output of scontrol show topology, with --nodes" },
    { .name = "name", .type = VALUE_STRING, .value = "NAME",
      .help = "the site's name; else the cluster's" },
    { .name = "out", .type = VALUE_FILE, .value = "FILE", .fallback = "-",
      .help = "where to write; - is standard output" },
    { .name = "force", .help = "write over a file that exists" },
    { 0 },
};

const struct command_exit cmd_import_slurm_exits[] = {
    { CLI_EXIT_NOT_FOUND, "a file, or scontrol, does not exist" },
    { CLI_EXIT_DENIED, "a file may not be read or written" },
    { CLI_EXIT_CONFLICT, "the file exists already, or a node bears a name it needs" },
    { CLI_EXIT_UNREACHABLE, "slurmctld does not answer" },
    { CLI_EXIT_TIMEOUT, "slurmctld did not answer in time" },
    { 0 },
};

static const struct command_exit file_exits[] = {
    { CLI_EXIT_NOT_FOUND, "a file or folder does not exist" },
    { CLI_EXIT_DENIED, "a file may not be read or written" },
    { CLI_EXIT_CONFLICT, "a file to write exists already" },
    { CLI_EXIT_UNREACHABLE, "the other side does not answer" },
    { CLI_EXIT_TIMEOUT, "the other side did not answer in time" },
    { 0 },
};

static const struct command_arg folders[] = {
    { .name = "PATH", .type = VALUE_FILE, .repeat = true,
      .help = "files *.json, or folders of them" },
    { 0 },
};

static const struct command commands[] = {
    {
        .verb = "slurm",
        .summary = "write a first site file from what Slurm says",
        .description =
            "Asks Slurm (scontrol) for its nodes and its topology, or reads what scontrol wrote, "
            "and writes the YAML of a site: every node with GPUs under its Slurm name, a model for "
            "each kind of node, a placement group for each lowest switch or block. Nodes without "
            "GPUs are left out.\n\n"
            "Slurm does not know power, cooling, racks and cables. They are assumed in the "
            "file, which says how to replace them; until then Millwright does not know which nodes "
            "fail together. Nothing is changed in Slurm.",
        .examples =
            (const struct command_example[]){
                { .line = "mw import slurm --nodes tests/data/slurm/nodes.txt "
                          "--topology tests/data/slurm/topology.txt --out by-slurm.yaml; "
                          "mw site check by-slurm.yaml",
                  .shows = "From recorded output of scontrol -o show nodes and scontrol show "
                           "topology; on a cluster neither file is needed." },
                { 0 },
            },
        .options = cmd_import_slurm_options,
        .exits = cmd_import_slurm_exits,
        .run = cmd_site_import_slurm,
    },
    {
        .verb = "ibnetdiscover",
        .summary = "write a site file from an InfiniBand fabric",
        .description =
            "Discovers the fabric (or reads what ibnetdiscover printed) and writes the YAML of a "
            "site: hosts with their adapters, switches with their tiers, every cable with its "
            "ports; names and cables are folded into patterns where they are regular. Read back, "
            "the file gives exactly the cables that were found.\n\n"
            "GPUs, power and racks, which a fabric does not know, are assumed and marked. With "
            "--serials the GUIDs of adapters and switches are kept as their serial numbers.",
        .examples =
            (const struct command_example[]){
                { .line = "mw import ibnetdiscover --ibnetdiscover "
                          "tests/fabric/small.ibnetdiscover",
                  .shows = "From recorded output; without the option the fabric is asked." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                FABRIC_OPTIONS,
                { .name = "gpus", .type = VALUE_U64, .value = "N",
                  .help = "GPUs of a node; else as many as it has adapters, assumed" },
                IMPORT_OPTIONS,
                { 0 },
            },
        .exits = file_exits,
        .run = run_ibnetdiscover,
    },
    {
        .verb = "redfish",
        .summary = "write a site file from what BMCs say of their nodes",
        .description =
            "Reads saved Redfish documents: a folder of *.json is one node and bears its name, a "
            "folder of such folders is many. Model, GPUs, network adapters and serial numbers are "
            "taken; serial numbers that a module says of several parts are not.\n\n"
            "mw-gather asks BMCs themselves; curl or any crawler saves documents.",
        .examples =
            (const struct command_example[]){
                { .line = "mw import redfish tests/import/redfish --serials parts.csv "
                          "--out by-redfish.yaml; mw site check by-redfish.yaml",
                  .shows = "One node with four GPUs, and its serial numbers." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                IMPORT_OPTIONS,
                { 0 },
            },
        .args = folders,
        .exits = file_exits,
        .run = cmd_import_redfish,
    },
    {
        .verb = "lldp",
        .summary = "write a site file from what hosts hear by LLDP",
        .description =
            "Reads the JSON of `lldpcli -f json show neighbors` of many hosts, each in a file "
            "HOST.json: hosts become nodes, neighbours that bridge become switches, and what is "
            "heard becomes Ethernet cables. Listings of switches may lie beside those of hosts; a "
            "cable that both ends report is one.",
        .examples =
            (const struct command_example[]){
                { .line = "mw import lldp tests/import/lldp --gpus 8",
                  .shows = "Two nodes on two switches." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "switch", .type = VALUE_STRING, .value = "GLOB", .repeat = true,
                  .help = "these devices are switches, and no others; else those that bridge" },
                { .name = "gpus", .type = VALUE_U64, .value = "N", .help = "GPUs of a node" },
                IMPORT_OPTIONS,
                { 0 },
            },
        .args = folders,
        .exits = file_exits,
        .run = cmd_import_lldp,
    },
    {
        .verb = "netbox",
        .summary = "write a site file from NetBox",
        .description =
            "Reads what NetBox's REST API says of racks, devices and cables (/api/dcim/racks/, "
            "devices/, cables/): saved answers, or --url. Devices are told apart by their role; "
            "halls are NetBox's locations, else its sites. Nothing is changed in NetBox.\n\n"
            "A token is read from a file that only its owner may read, and is sent to that server "
            "only.",
        .examples =
            (const struct command_example[]){
                { .line = "mw import netbox tests/import/netbox --out by-netbox.yaml; "
                          "mw site check by-netbox.yaml",
                  .shows = "From saved answers." },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "url", .type = VALUE_STRING, .value = "URL",
                  .help = "ask this NetBox: https://netbox.example" },
                { .name = "token-file", .type = VALUE_FILE, .value = "FILE",
                  .help = "its API token, in a file of mode 0600" },
                { .name = "ca", .type = VALUE_FILE, .value = "FILE",
                  .help = "certificates to trust; else the system's" },
                { .name = "node-role", .type = VALUE_STRING, .value = "ROLE", .repeat = true,
                  .help = "a role of nodes; else those with gpu, server, compute or node in them" },
                { .name = "switch-role", .type = VALUE_STRING, .value = "ROLE", .repeat = true,
                  .help = "a role of switches; else with switch, leaf, spine, core or tor" },
                { .name = "gpus", .type = VALUE_U64, .value = "N", .help = "GPUs of a node" },
                { .name = "gpus-field", .type = VALUE_STRING, .value = "NAME",
                  .help = "the custom field with that number; else gpus or gpu_count" },
                IMPORT_OPTIONS,
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "FILE", .type = VALUE_FILE, .optional = true, .repeat = true,
                  .help = "answers of NetBox, or folders of them" },
                { 0 },
            },
        .exits = file_exits,
        .run = cmd_import_netbox,
    },
    { 0 },
};

const struct command_group cmd_import = {
    .noun = "import",
    .summary = "make a site file from what exists",
    .commands = commands,
};

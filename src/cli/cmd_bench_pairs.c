/*
 * `mw bench pairs`: bandwidth between nodes, pair by pair, and which node or path
 * makes it slow.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/pairs.h"
#include "cli/remote.h"

#define HOSTS_MAX 1024
#define RESULTS_MAX 200000
#define PORT_FIRST 20000u /* below where Linux takes ports of its own accord (32768) */
#define PORTS 12000u
#define GRACE_NS (20 * MW_NS_PER_S)
#define BLAMES_MAX 256
#define WORD_MAX 300

struct bench {
    struct cli_context *ctx;
    struct remote *remote;
    char **host;
    uint32_t hosts;
    struct pairs pairs;
    char key[32], length[24], streams[8];
    uint32_t next_port;
};

/* One pair while it is measured. */
struct meeting {
    struct bench *b;
    struct pair_result r;
    char port[8], to[WORD_MAX];
    const char *server[24], *client[24];
    char why[160];
};

static void served(const struct remote_end *e)
{
    struct meeting *m = e->call->ctx;
    size_t n = strcspn(e->err, "\n");
    if (e->exit_code != 0 && m->why[0] == '\0')
        (void)snprintf(m->why, sizeof(m->why), "%.*s", (int)MW_MIN(n, (size_t)150), e->err);
}

static void connected(const struct remote_end *e)
{
    struct meeting *m = e->call->ctx;
    json_t *answer = json_loadb(e->out, e->out_size, 0, NULL);
    const json_t *gbps = json_object_get(answer, "gbps");
    size_t n = strcspn(e->err, "\n");
    if (e->exit_code == 0 && json_is_number(gbps) && json_number_value(gbps) >= 0)
        m->r.gbps = json_number_value(gbps);
    else
        (void)snprintf(m->why, sizeof(m->why), "%.*s", (int)MW_MIN(n, (size_t)150), e->err);
    json_decref(answer);
}

/* "{host}" of --address. */
static bool address_of(const struct bench *b, uint32_t node, char to[WORD_MAX])
{
    const char *pattern = cli_option_string(b->ctx, "address");
    const char *mark = strstr(pattern, "{host}");
    int n = mark == NULL ? snprintf(to, WORD_MAX, "%s", pattern)
                         : snprintf(to, WORD_MAX, "%.*s%s%s", (int)(mark - pattern), pattern,
                                    b->host[node], mark + strlen("{host}"));
    return n > 0 && n < WORD_MAX - 8;
}

static void common_words(const struct bench *b, const char **to)
{
    uint32_t n = 0;
    to[n++] = "--key";
    to[n++] = b->key;
    to[n++] = "--length";
    to[n++] = b->length;
    to[n++] = "--streams";
    to[n++] = b->streams;
    if (cli_option_string(b->ctx, "rdma") != NULL) {
        to[n++] = "--rdma";
        to[n++] = cli_option_string(b->ctx, "rdma");
    }
    to[n] = NULL;
}

static int start_meeting(struct bench *b, struct meeting *m, struct mw_error *err)
{
    const char *agent = cli_option_string(b->ctx, "agent");
    char address[WORD_MAX];
    int64_t deadline = cli_option_duration_ns(b->ctx, "length") + GRACE_NS;
    (void)snprintf(m->port, sizeof(m->port), "%u", PORT_FIRST + b->next_port++ % PORTS);
    if (!address_of(b, m->r.b, address))
        return mw_fail(err, MW_EINVAL, "--address makes no address of %.80s", b->host[m->r.b]);
    bool v6 = strchr(address, ':') != NULL;
    (void)snprintf(m->to, sizeof(m->to), "%s%.280s%s:%s", v6 ? "[" : "", address, v6 ? "]" : "",
                   m->port);
    const char *const server[] = { agent, "check", "--serve", "--port", m->port };
    const char *const client[] = { agent, "check", "--connect", m->to };
    memcpy(m->server, server, sizeof(server));
    memcpy(m->client, client, sizeof(client));
    common_words(b, m->server + MW_ARRAY_LEN(server));
    common_words(b, m->client + MW_ARRAY_LEN(client));
    struct remote_call call = { .host = b->host[m->r.b], .argv = m->server, .ctx = m,
                                .deadline_ns = deadline };
    int rc = remote_start(b->remote, &call, served, err);
    if (rc < 0)
        return rc;
    call.host = b->host[m->r.a];
    call.argv = m->client;
    return remote_start(b->remote, &call, connected, err);
}

/* Measures disjoint pairs at the same time. */
static int measure(struct bench *b, const struct pair_result *r, uint32_t count,
                   struct mw_error *err)
{
    struct meeting *m = mw_calloc(MW_MAX(count, 1u), sizeof(*m));
    int rc = m == NULL ? mw_fail(err, MW_ENOMEM, "out of memory") : 0;
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        m[i] = (struct meeting){ .b = b, .r = r[i] };
        m[i].r.gbps = -1;
        rc = start_meeting(b, &m[i], err);
    }
    if (m != NULL)
        remote_wait(b->remote);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        if (m[i].r.gbps < 0)
            cli_note(b->ctx, "%s to %s could not be measured: %s", b->host[m[i].r.a],
                     b->host[m[i].r.b], m[i].why[0] != '\0' ? m[i].why : "no answer");
        rc = b->pairs.count < RESULTS_MAX ? pairs_add(&b->pairs, &m[i].r) : MW_ELIMIT;
        if (rc < 0)
            (void)mw_fail(err, rc, "too many pairs");
    }
    mw_free(m);
    return rc;
}

static int screen(struct bench *b, struct mw_error *err)
{
    uint32_t rounds = pairs_rounds(b->hosts), asked = (uint32_t)cli_option_u64(b->ctx, "rounds");
    struct pair_result *to = mw_calloc(b->hosts, sizeof(*to));
    int rc = to == NULL ? mw_fail(err, MW_ENOMEM, "out of memory") : 0;
    if (asked > 0)
        rounds = MW_MIN(rounds, asked);
    for (uint32_t i = 0; rc == 0 && i < rounds; i++) {
        uint32_t n = pairs_round(b->hosts, i, to);
        rc = measure(b, to, n, err);
        cli_note(b->ctx, "round %u of %u: %u pairs at once, median %.3g Gb/s", i + 1, rounds, n,
                 pairs_median(&b->pairs));
    }
    for (uint32_t i = 0; rc == 0 && i < PAIRS_RETESTS_MAX; i++) {
        uint32_t n = pairs_retest(&b->pairs, to);
        if (n == 0)
            break;
        cli_note(b->ctx, "%u pairs again, to tell node from path", n);
        rc = measure(b, to, n, err);
    }
    mw_free(to);
    return rc;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static const struct output_column pair_columns[] = {
    { .key = "from", .title = "FROM" },
    { .key = "to", .title = "TO" },
    { .key = "gbps", .title = "RATE", .unit = "Gb/s", .right = true },
    { .key = "of_median_pct", .title = "OF MEDIAN", .unit = "%", .right = true },
    { 0 },
};
static const struct output_column blame_columns[] = {
    { .key = "cause", .title = "CAUSE" },
    { .key = "node", .title = "NODE" },
    { .key = "peer", .title = "PEER" },
    { .key = "worst_gbps", .title = "WORST", .unit = "Gb/s", .right = true },
    { .key = "why", .title = "WHY" },
    { 0 },
};

static void print_pairs(struct bench *b)
{
    double median = pairs_median(&b->pairs);
    bool all = cli_option_bool(b->ctx, "all");
    output_begin(b->ctx->output, pair_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < b->pairs.count; i++) {
        const struct pair_result *r = &b->pairs.result[i];
        if (!all && r->gbps >= median * b->pairs.share)
            continue;
        output_text(b->ctx->output, b->host[r->a]);
        output_text(b->ctx->output, b->host[r->b]);
        if (r->gbps < 0) {
            output_null(b->ctx->output);
            output_null(b->ctx->output);
            continue;
        }
        output_real(b->ctx->output, r->gbps, 2);
        output_real(b->ctx->output, median > 0 ? 100 * r->gbps / median : 0, 0);
    }
    output_end(b->ctx->output, "no pair is slow");
}

static uint32_t print_blame(struct bench *b)
{
    static const char *const words[] = { "node", "path", "unsteady", "silent" };
    static const char *const why[] = {
        "slow with every partner: the node, its card or its cable",
        "both are fast with others: the way between them",
        "slow once, fast when measured again",
        "none of its pairs could be measured",
    };
    struct pair_blame blame[BLAMES_MAX];
    uint32_t n = pairs_blame(&b->pairs, blame, BLAMES_MAX), counted = 0;
    output_begin(b->ctx->output, blame_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < n; i++) {
        output_text(b->ctx->output, words[blame[i].kind]);
        output_text(b->ctx->output, b->host[blame[i].a]);
        output_text(b->ctx->output, blame[i].b != MW_NONE ? b->host[blame[i].b] : NULL);
        if (blame[i].worst >= 0)
            output_real(b->ctx->output, blame[i].worst, 2);
        else
            output_null(b->ctx->output);
        output_text(b->ctx->output, why[blame[i].kind]);
        counted += blame[i].kind != BLAME_UNSTEADY;
    }
    output_end(b->ctx->output, "no node or path is to blame");
    return counted;
}

static int make_key(char key[32], struct mw_error *err)
{
    uint8_t raw[12];
    if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
        return mw_fail(err, MW_EIO, "no random bytes");
    for (size_t i = 0; i < sizeof(raw); i++)
        (void)snprintf(key + i * 2, 3, "%02x", raw[i]);
    return 0;
}

static int prepare(struct bench *b, struct mw_error *err)
{
    uint32_t seed = 0;
    uint64_t slow = cli_option_u64(b->ctx, "slow");
    int rc = remote_hosts(cli_arg(b->ctx, 0), &b->host, &b->hosts, err);
    if (rc == 0 && (b->hosts < 2 || b->hosts > HOSTS_MAX))
        rc = mw_fail(err, MW_EINVAL, "2 to %d nodes make pairs", HOSTS_MAX);
    if (rc == 0 && pairs_init(&b->pairs, b->hosts, (double)slow / 100) < 0)
        rc = mw_fail(err, MW_EINVAL, "--slow must be from 1 to 99");
    if (rc == 0)
        rc = make_key(b->key, err);
    if (rc == 0)
        rc = remote_create(cli_option_string(b->ctx, "via"), 256, &b->remote, err);
    if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
        b->next_port = seed % PORTS;
    (void)snprintf(b->length, sizeof(b->length), "%lldms",
                   (long long)(cli_option_duration_ns(b->ctx, "length") / MW_NS_PER_MS));
    (void)snprintf(b->streams, sizeof(b->streams), "%llu",
                   (unsigned long long)MW_MIN(cli_option_u64(b->ctx, "streams"), 16ull));
    return rc;
}

static int run_pairs(struct cli_context *ctx)
{
    struct mw_error err = { 0 };
    struct bench b = { .ctx = ctx };
    int rc = prepare(&b, &err);
    if (rc == 0)
        rc = screen(&b, &err);
    int code = rc < 0 ? cli_fail(ctx, &err) : CLI_EXIT_OK;
    if (rc == 0) {
        cli_note(ctx, "median %.3g Gb/s of %u measurements, all measured; slow is under %llu %%",
                 pairs_median(&b.pairs), b.pairs.count,
                 (unsigned long long)cli_option_u64(ctx, "slow"));
        print_pairs(&b);
        if (print_blame(&b) > 0)
            code = CLI_EXIT_PROBLEMS;
    }
    remote_destroy(b.remote);
    pairs_fini(&b.pairs);
    remote_hosts_free(b.host, b.hosts);
    return code;
}

static const struct command commands[] = {
    {
        .verb = "pairs",
        .summary = "measure bandwidth between nodes and find what is slow",
        .description =
            "Measures pairs of nodes in rounds, each node in one pair at a time, then measures "
            "what was slow again with others until it can say whether a node (with its card and "
            "cable) or the path between two nodes is the cause. All pairs of a round run at once, "
            "as in a collective.\n\n"
            "mw-agent on the nodes does the work: TCP by itself, or with --rdma CARD perftest's "
            "ib_write_bw, one card at a time, so that a cable is named. Each measurement has a key "
            "of its own and ends by itself. Nodes should have no jobs: it takes their bandwidth.",
        .examples =
            (const struct command_example[]){
                { .line = "mw bench pairs n1 --via env",
                  .shows = "One node makes no pair: the exit code is 1.",
                  .exit_code = CLI_EXIT_ERROR },
                { 0 },
            },
        .options =
            (const struct command_option[]){
                { .name = "via", .type = VALUE_STRING, .value = "PROGRAM",
                  .fallback = "ssh -o BatchMode=yes {host}", .help = "the way to a node" },
                { .name = "agent", .type = VALUE_STRING, .value = "PATH", .fallback = "mw-agent",
                  .help = "mw-agent on the nodes" },
                { .name = "address", .type = VALUE_STRING, .value = "PATTERN", .fallback = "{host}",
                  .help = "a node's address on the network that is measured, as {host}-ib0" },
                { .name = "length", .type = VALUE_DURATION, .value = "TIME", .fallback = "2s",
                  .help = "of one measurement" },
                { .name = "rounds", .type = VALUE_U64, .value = "N", .fallback = "3",
                  .help = "rounds before the second look; 0: every pair" },
                { .name = "slow", .type = VALUE_U64, .value = "PCT", .fallback = "80",
                  .help = "a pair under so many per cent of the median is slow" },
                { .name = "streams", .type = VALUE_U64, .value = "N", .fallback = "4",
                  .help = "TCP connections of a pair, 16 at most" },
                { .name = "rdma", .type = VALUE_STRING, .value = "CARD",
                  .help = "by ib_write_bw on this card (mlx5_0)" },
                { .name = "all", .help = "list every pair, not only the slow ones" },
                { 0 },
            },
        .args =
            (const struct command_arg[]){
                { .name = "HOSTS", .type = VALUE_NODES, .help = "nodes, as n[1-16,20]" },
                { 0 },
            },
        .exits =
            (const struct command_exit[]){
                { CLI_EXIT_PROBLEMS, "a node or a path is slow or silent" },
                { 0, NULL },
            },
        .run = run_pairs,
    },
    { 0 },
};

const struct command_group cmd_bench = {
    .noun = "bench",
    .summary = "measure what lies between nodes",
    .commands = commands,
};

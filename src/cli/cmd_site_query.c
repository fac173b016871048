/*
 * `mw site query`: what fails with a part, what parts share, what nodes stand
 * on.  Turns names into ids and answers into rows; fleet/query knows the wiring.
 */
#include "cli/cmd_site.h"

#include "base/mem.h"
#include "cli/site_file.h"
#include "fleet/query.h"

#define SHARED_MAX 1024 /* more things in common than any part has neighbours above it */

static void print_effects(struct output *o, const struct fleet *f, const struct component_list *l,
                          const char *effect)
{
    for (uint32_t i = 0; i < l->length && !output_closed(o); i++) {
        output_text(o, fleet_name(f, l->id[i]));
        output_text(o, component_kind_name(component_kind_of(l->id[i])));
        output_text(o, effect);
    }
}

static uint32_t count_kind(const struct component_list *l, enum component_kind kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < l->length; i++)
        n += component_kind_of(l->id[i]) == kind;
    return n;
}

static const struct output_column effect_columns[] = {
    { .key = "name", .title = "NAME" },
    { .key = "kind", .title = "KIND" },
    { .key = "effect", .title = "EFFECT" },
    { 0 },
};

int cmd_site_fails_with(struct cli_context *ctx)
{
    struct component_list down = { 0 }, degraded = { 0 };
    struct fleet *f = NULL;
    uint64_t id = 0;
    int code = site_file_load(ctx, cli_arg(ctx, 0), &f);
    if (code == CLI_EXIT_OK)
        code = site_file_find(ctx, f, cli_arg(ctx, 1), &id);
    if (code == CLI_EXIT_OK && fleet_fails_with(f, id, &down, &degraded) < 0) {
        cli_error(ctx, "out of memory");
        code = CLI_EXIT_ERROR;
    }
    if (code == CLI_EXIT_OK) {
        output_begin(ctx->output, effect_columns, OUTPUT_ROWS);
        print_effects(ctx->output, f, &down, "down");
        print_effects(ctx->output, f, &degraded, "degraded");
        output_end(ctx->output, "nothing fails with it");
        cli_note(ctx, "%s takes down %u nodes and %u GPUs; %u nodes and %u racks are degraded",
                 cli_arg(ctx, 1), count_kind(&down, COMPONENT_NODE),
                 count_kind(&down, COMPONENT_GPU), count_kind(&degraded, COMPONENT_NODE),
                 count_kind(&degraded, COMPONENT_RACK));
    }
    component_list_fini(&down);
    component_list_fini(&degraded);
    fleet_destroy(f);
    return code;
}

static const struct output_column shared_columns[] = {
    { .key = "what", .title = "IN COMMON" },
    { .key = "name", .title = "NAME" },
    { .key = "members", .title = "MEMBERS", .right = true },
    { 0 },
};

static void print_shared(struct output *o, const struct fleet *f, const struct fleet_shared *s)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)s->value);
    switch (s->what) {
    case SHARED_COMPONENT:
        output_text(o, component_kind_name(component_kind_of(s->value)));
        output_text(o, fleet_name(f, s->value));
        break;
    case SHARED_GROUP:
        output_text(o, "placement group");
        output_text(o, number);
        break;
    case SHARED_RAIL:
        output_text(o, "rail");
        output_text(o, number);
        break;
    case SHARED_BATCH:
        must(s->value < f->text.pool_size);
        output_text(o, "batch");
        output_text(o, f->text.pool + s->value);
        break;
    }
    output_int(o, s->members);
}

/* Looks up the names from argument 1 on; gives *ret (mw_free). */
static int find_all(const struct cli_context *ctx, const struct fleet *f, uint64_t **ret)
{
    uint32_t n = cli_arg_count(ctx) - 1;
    uint64_t *id = mw_calloc(n, sizeof *id);
    int code = CLI_EXIT_OK;
    must(n > 0); /* the table requires one name */
    if (id == NULL) {
        cli_error(ctx, "out of memory");
        return CLI_EXIT_ERROR;
    }
    for (uint32_t i = 0; i < n && code == CLI_EXIT_OK; i++)
        code = site_file_find(ctx, f, cli_arg(ctx, i + 1), &id[i]);
    if (code == CLI_EXIT_OK)
        *ret = id;
    else
        mw_free(id);
    return code;
}

int cmd_site_shares(struct cli_context *ctx)
{
    struct fleet_shared shared[SHARED_MAX];
    struct fleet *f = NULL;
    mw_cleanup(mw_freep) uint64_t *id = NULL;
    uint32_t n = 0;
    int code = site_file_load(ctx, cli_arg(ctx, 0), &f);
    if (code == CLI_EXIT_OK)
        code = find_all(ctx, f, &id);
    if (code == CLI_EXIT_OK) {
        int rc = fleet_shares(f, id, cli_arg_count(ctx) - 1, shared, SHARED_MAX, &n);
        if (rc < 0) {
            cli_error(ctx, "%s", mw_code_text(rc));
            code = cli_exit_of(rc);
        }
    }
    if (code == CLI_EXIT_OK) {
        output_begin(ctx->output, shared_columns, OUTPUT_ROWS);
        for (uint32_t i = 0; i < n; i++)
            print_shared(ctx->output, f, &shared[i]);
        output_end(ctx->output, "nothing in common");
    }
    fleet_destroy(f);
    return code;
}

/* The nodes of the components named; row numbers go to node[]. */
static int nodes_of(const struct cli_context *ctx, const struct fleet *f, const uint64_t *id,
                    uint32_t n, uint32_t *node)
{
    for (uint32_t i = 0; i < n; i++) {
        node[i] = fleet_node_of(f, id[i]);
        if (node[i] == MW_NONE)
            return cli_usage(ctx, "%s is no part of one node: name nodes, GPUs or NICs",
                             cli_arg(ctx, i + 1));
    }
    return CLI_EXIT_OK;
}

static const struct output_column stands_columns[] = {
    { .key = "name", .title = "NAME" },
    { .key = "kind", .title = "KIND" },
    { .key = "serial", .title = "SERIAL", .wide = true },
    { 0 },
};

static void print_stands(struct output *o, const struct fleet *f, const struct component_list *l)
{
    output_begin(o, stands_columns, OUTPUT_ROWS);
    for (uint32_t i = 0; i < l->length && !output_closed(o); i++) {
        const char *serial = fleet_serial(f, l->id[i]);
        output_text(o, fleet_name(f, l->id[i]));
        output_text(o, component_kind_name(component_kind_of(l->id[i])));
        output_text(o, serial[0] != '\0' ? serial : NULL);
    }
    output_end(o, NULL);
}

int cmd_site_stands_on(struct cli_context *ctx)
{
    struct component_list list = { 0 };
    struct fleet *f = NULL;
    mw_cleanup(mw_freep) uint64_t *id = NULL;
    mw_cleanup(mw_freep) uint32_t *node = NULL;
    uint32_t n = cli_arg_count(ctx) - 1;
    int code = site_file_load(ctx, cli_arg(ctx, 0), &f);
    if (code == CLI_EXIT_OK)
        code = find_all(ctx, f, &id);
    if (code == CLI_EXIT_OK) {
        node = mw_calloc(n, sizeof *node);
        code = node != NULL ? nodes_of(ctx, f, id, n, node) : CLI_EXIT_ERROR;
    }
    if (code == CLI_EXIT_OK && fleet_stands_on(f, node, n, &list) < 0) {
        cli_error(ctx, "out of memory");
        code = CLI_EXIT_ERROR;
    }
    if (code == CLI_EXIT_OK)
        print_stands(ctx->output, f, &list);
    component_list_fini(&list);
    fleet_destroy(f);
    return code;
}

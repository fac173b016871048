/*
 * Reads with the scenario's readers into a scenario that holds nothing else.
 */
#include "cli/policy_file.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/report.h"
#include "sim/scenario_policy.h"

#define POLICY_BYTES_MAX ((size_t)1 << 20)
#define PROBLEMS_SHOWN 20

static const struct schema_field part_item = { .type = SCHEMA_MAP,
                                               .fields = scenario_part_fields };
static const struct schema_field class_item = { .type = SCHEMA_MAP,
                                                .fields = scenario_class_fields };
static const struct schema_field policy_file_fields[] = {
    { .name = "policy", .type = SCHEMA_MAP, .fields = scenario_policy_fields,
      .help = "what decides" },
    { .name = "parts", .type = SCHEMA_MAP_OF, .item = &part_item, .help = "the store of parts" },
    { .name = "classes", .type = SCHEMA_MAP_OF, .item = &class_item,
      .help = "the live classes of faults" },
    { 0 },
};

static struct care_class *find_class(struct care_policy *p, const char *name)
{
    for (uint32_t i = 0; i < p->classes; i++)
        if (strcmp(p->class[i].name, name) == 0)
            return &p->class[i];
    return NULL;
}

/* What the class does not say stays. */
static void read_class(const struct scenario_reader *r, const struct mw_yaml_node *n)
{
    const struct schema_field *f = scenario_class_fields;
    struct care_class *c = find_class(&r->s->policy.care, n->key->text);
    if (c == NULL) {
        scenario_problem(r, n->key, "there is no live class '%.40s': docs/actions.md lists them",
                         n->key->text);
        return;
    }
    struct care_class was = *c;
    c->effect = (uint8_t)schema_choice(f, n, "effect", was.effect);
    c->drain = (uint8_t)schema_choice(f, n, "drain", was.drain);
    c->count = (uint32_t)schema_int(f, n, "count", was.count);
    c->window_ms = scenario_read_ms(f, n, "window", was.window_ms);
    c->gate_ms = scenario_read_ms(f, n, "gate", was.gate_ms);
    c->probation_ms = scenario_read_ms(f, n, "probation", was.probation_ms);
    if (c->count > 1 && c->window_ms == 0)
        scenario_problem(r, n, "a class with 'count' over 1 needs a 'window'");
    if (mw_yaml_get(n, "trace") != NULL)
        scenario_problem(r, mw_yaml_get(n, "trace"), "'trace' is for scenarios");
    scenario_read_care(r, n, c);
    if (mw_yaml_get(n, "ladder") == NULL) {
        memcpy(c->ladder, was.ladder, sizeof(c->ladder));
        c->steps = was.steps;
    }
    if (mw_yaml_get(n, "slow") == NULL)
        c->slow_ppm = was.slow_ppm;
    if (mw_yaml_get(n, "hazard_per_1000_node_days") == NULL)
        c->hazard_per_1e9_hours = was.hazard_per_1e9_hours;
}

static void read_all(const struct scenario_reader *r, const struct mw_yaml_node *root)
{
    const struct schema_field *f = policy_file_fields;
    const struct mw_yaml_node *policy = schema_list(f, root, "policy");
    const struct mw_yaml_node *classes = schema_list(f, root, "classes");
    scenario_read_policy(r, policy);
    if (policy != NULL && mw_yaml_get(policy, "guard") != NULL &&
        mw_yaml_get(mw_yaml_get(policy, "guard"), "mode") != NULL)
        scenario_problem(r, policy, "'mode' is no rule of a live site: mw serve --mode, or "
                                    "mw mode set");
    scenario_read_parts(r, schema_list(f, root, "parts"));
    for (const struct mw_yaml_node *n = classes != NULL ? classes->child : NULL; n != NULL;
         n = n->next)
        if (n->kind == MW_YAML_MAP)
            read_class(r, n);
}

int policy_file_read(const char *text, size_t size, const char *name, struct control_policy *p,
                     struct problems *problems, struct mw_error *err)
{
    struct mw_yaml *doc = NULL;
    must(text != NULL && p != NULL && problems != NULL);
    int rc = mw_yaml_read(text, size, name, &doc, problems, err);
    struct scenario *s = rc == 0 ? mw_calloc(1, sizeof(*s)) : NULL;
    if (rc == 0 && s == NULL)
        rc = mw_fail(err, MW_ENOMEM, "out of memory");
    if (rc == 0) {
        const struct scenario_reader r = { .doc = doc, .problems = problems, .s = s };
        s->policy = *p;
        (void)schema_check(doc, mw_yaml_root(doc), policy_file_fields, problems);
        if (mw_yaml_root(doc)->kind == MW_YAML_MAP)
            read_all(&r, mw_yaml_root(doc));
        problems_sort(problems);
        if (problems->total > 0)
            rc = mw_fail(err, MW_ESYNTAX, "%s: %u %s", name, problems->total,
                         problems->total == 1 ? "mistake" : "mistakes");
        else
            *p = s->policy;
    }
    mw_free(s);
    mw_yaml_destroy(doc);
    return rc;
}

int policy_file_load(const struct cli_context *ctx, const char *path, struct control_policy *p)
{
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    char *text = NULL;
    size_t size = 0;
    int rc = mw_read_file(path, POLICY_BYTES_MAX, false, &text, &size, &err);
    if (rc == 0)
        rc = policy_file_read(text, size, path, p, &problems, &err);
    int code = CLI_EXIT_OK;
    if (rc < 0 && problems.length > 0) {
        report_problems(ctx, &problems, PROBLEMS_SHOWN);
        code = CLI_EXIT_ERROR;
    } else if (rc < 0) {
        code = cli_fail(ctx, &err);
    }
    mw_free(text);
    problems_fini(&problems);
    return code;
}

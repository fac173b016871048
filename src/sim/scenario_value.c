/* Laws, mixtures, sizes and paths of a scenario. */
#include "sim/scenario_value.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

/* The two parameters of each law. */
static const struct {
    const char *a, *b;
    bool b_is_time;
} law_keys[] = {
    [LAW_FIXED] = {"value", NULL, false},
    [LAW_EXPONENTIAL] = {"mean", NULL, false},
    [LAW_WEIBULL] = {"scale", "shape", false},
    [LAW_LOGNORMAL] = {"median", "sigma", false},
    [LAW_UNIFORM] = {"from", "to", true},
};

/* Whether a key may stand beside this law. */
static bool key_belongs(enum scenario_law law, const char *key)
{
    const char *b = law_keys[law].b;

    return strcmp(key, "law") == 0 || strcmp(key, "share") == 0 ||
           strcmp(key, law_keys[law].a) == 0 || (b != NULL && strcmp(key, b) == 0);
}

static double time_of(const struct mw_yaml_node *map, const char *key)
{
    return (double)schema_duration_ns(scenario_draw_fields, map, key, 0);
}

static void read_parameters(const struct scenario_reader *r, const struct mw_yaml_node *n,
                            struct scenario_draw *ret)
{
    enum scenario_law law = (enum scenario_law)ret->law;
    const char *b = law_keys[law].b;

    for (const struct mw_yaml_node *c = n->child; c != NULL; c = c->next)
        if (!key_belongs(law, c->key->text))
            scenario_problem(r, c->key, "'%.40s' is no parameter of this law; it takes %s%s%s",
                             c->key->text, law_keys[law].a, b != NULL ? " and " : "",
                             b != NULL ? b : "");
    if (mw_yaml_get(n, law_keys[law].a) == NULL)
        scenario_problem(r, n, "the key '%s' of this law is missing", law_keys[law].a);
    if (b != NULL && mw_yaml_get(n, b) == NULL)
        scenario_problem(r, n, "the key '%s' of this law is missing", b);
    ret->a = time_of(n, law_keys[law].a);
    if (b != NULL)
        ret->b = law_keys[law].b_is_time ? time_of(n, b)
                                         : schema_number(scenario_draw_fields, n, b, 1.0);
    if (law == LAW_UNIFORM && ret->b < ret->a)
        scenario_problem(r, n, "'to' is shorter than 'from'");
    if ((law == LAW_WEIBULL || law == LAW_LOGNORMAL || law == LAW_EXPONENTIAL) && ret->a <= 0.0)
        scenario_problem(r, n, "'%s' must be above 0", law_keys[law].a);
}

static void read_law(const struct scenario_reader *r, const struct mw_yaml_node *n,
                     const char *key, struct scenario_draw *ret)
{
    int64_t ns;

    if (n->kind == MW_YAML_SCALAR) {
        if (mw_parse_duration(n->text, &ns) != 0)
            scenario_problem(r, n,
                             "'%.40s' must be a length of time like 90s, 2.5h or 30d, or a law "
                             "like {law: exponential, mean: 2h}; not '%.60s'",
                             key, n->text);
        else
            *ret = (struct scenario_draw){LAW_FIXED, (double)ns, 0.0};
        return;
    }
    if (n->kind != MW_YAML_MAP) {
        scenario_problem(r, n, "'%.40s' must be one length of time or one law, not a list", key);
        return;
    }
    if (schema_check(r->doc, n, scenario_draw_fields, r->problems) > 0)
        return;
    *ret = (struct scenario_draw){
        (uint8_t)schema_choice(scenario_draw_fields, n, "law", LAW_FIXED), 0.0, 0.0};
    read_parameters(r, n, ret);
}

void scenario_read_draw(const struct scenario_reader *r, const struct mw_yaml_node *map,
                        const char *key, struct scenario_draw *ret)
{
    const struct mw_yaml_node *n = mw_yaml_get(map, key);

    if (n == NULL)
        return;
    read_law(r, n, key, ret);
    const struct mw_yaml_node *share = mw_yaml_get(n, "share");
    if (share != NULL)
        scenario_problem(r, share->key, "'share' belongs to mixtures; '%.40s' is one law", key);
}

void scenario_read_mix(const struct scenario_reader *r, const struct mw_yaml_node *map,
                       const char *key, struct scenario_mix *ret)
{
    const struct mw_yaml_node *n = mw_yaml_get(map, key);
    double sum = 0.0;

    if (n == NULL)
        return;
    ret->n = 0;
    if (n->kind != MW_YAML_LIST) {
        ret->n = 1;
        ret->share[0] = 1.0;
        read_law(r, n, key, &ret->draw[0]);
        return;
    }
    if (n->children == 0 || n->children > SCENARIO_MIX_MAX) {
        scenario_problem(r, n, "'%.40s' must have 1 to %d branches", key, SCENARIO_MIX_MAX);
        return;
    }
    for (const struct mw_yaml_node *c = n->child; c != NULL; c = c->next) {
        uint32_t i = ret->n++;
        read_law(r, c, key, &ret->draw[i]);
        if (c->kind == MW_YAML_MAP && mw_yaml_get(c, "share") == NULL)
            scenario_problem(r, c, "the key 'share' of this branch is missing");
        ret->share[i] = schema_number(scenario_draw_fields, c, "share", 0.0);
        sum += ret->share[i];
    }
    if (!(sum > 0.999 && sum < 1.001))
        scenario_problem(r, n, "the shares of '%.40s' add up to %.4g, not 1", key, sum);
}

static void read_size(const struct scenario_reader *r, const struct mw_yaml_node *at,
                      const char *size, double weight, struct scenario_job_class *ret)
{
    uint64_t gpus;

    if (mw_parse_u64(size, &gpus) != 0 || gpus == 0 || gpus > 1000000) {
        scenario_problem(r, at, "'gpus' must be a whole number from 1 to 1,000,000, not '%.40s'",
                         size);
        return;
    }
    if (ret->gpus_n == MW_ARRAY_LEN(ret->gpus)) {
        scenario_problem(r, at, "'gpus' has over %zu sizes", MW_ARRAY_LEN(ret->gpus));
        return;
    }
    ret->gpus[ret->gpus_n] = (uint32_t)gpus;
    ret->gpus_weight[ret->gpus_n++] = weight;
}

void scenario_read_sizes(const struct scenario_reader *r, const struct mw_yaml_node *map,
                         struct scenario_job_class *ret)
{
    const struct mw_yaml_node *n = mw_yaml_get(map, "gpus");

    ret->gpus_n = 0;
    if (n == NULL)
        return;
    if (n->kind == MW_YAML_SCALAR) {
        read_size(r, n, n->text, 1.0, ret);
        return;
    }
    if (n->kind != MW_YAML_MAP || n->children == 0) {
        scenario_problem(r, n, "'gpus' must be a number, or a map of sizes to weights like "
                               "{64: 3, 128: 1}");
        return;
    }
    for (const struct mw_yaml_node *c = n->child; c != NULL; c = c->next) {
        double weight = 0.0;
        if (c->kind != MW_YAML_SCALAR || mw_parse_double(c->text, &weight) != 0 || weight <= 0.0 ||
            weight > 1e9)
            scenario_problem(r, c, "the weight of %.40s GPUs must be a number above 0",
                             c->key->text);
        else if (mw_yaml_get(n, c->key->text) != c)
            scenario_problem(r, c->key, "the size %.40s is given twice", c->key->text);
        else
            read_size(r, c->key, c->key->text, weight, ret);
    }
}

void scenario_read_text(const struct schema_field *fields, const struct mw_yaml_node *map,
                        const char *key, char *ret, size_t size)
{
    const char *text = schema_text(fields, map, key, "");
    size_t length = MW_MIN(strlen(text), size - 1);

    memcpy(ret, text, length);
    ret[length] = '\0';
}

void scenario_read_path(const struct scenario_reader *r, const struct mw_yaml_node *map,
                        const char *key, char ret[256])
{
    const struct mw_yaml_node *n = mw_yaml_get(map, key);
    const char *file = mw_yaml_file(r->doc), *slash = strrchr(file, '/');

    ret[0] = '\0';
    if (n == NULL || n->kind != MW_YAML_SCALAR || n->text[0] == '\0')
        return;
    size_t folder = slash == NULL || n->text[0] == '/' || n->line == 0
                        ? 0
                        : (size_t)(slash - file) + 1;
    if (folder + strlen(n->text) > 255) {
        scenario_problem(r, n, "the path '%.60s...' is over 255 bytes with its folder", n->text);
        return;
    }
    (void)snprintf(ret, 256, "%.*s%s", (int)folder, file, n->text);
}

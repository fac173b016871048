/*
 * Reads the YAML file that describes a traced job.
 */
#include "signal/straggler_meta.h"

#include <string.h>

#include "base/yaml.h"

#define SIZE_MAX_WAYS 10000000

static void free_yaml(struct mw_yaml **y)
{
    mw_yaml_destroy(*y);
}

/* A size that must be a whole number from 1; 1 when absent. */
static int size_read(const struct mw_yaml *y, const char *key, uint32_t *ret, struct mw_error *err)
{
    const struct mw_yaml_node *node = mw_yaml_get(mw_yaml_root(y), key);
    int64_t v = 1;

    if (node != NULL) {
        int rc = mw_yaml_i64(y, node, &v, err);
        if (rc != 0)
            return rc;
        if (v < 1 || v > SIZE_MAX_WAYS)
            return mw_fail(err, MW_EINVAL, "%s:%u:%u: %s must be from 1 to %d", mw_yaml_file(y),
                           node->line, node->column, key, SIZE_MAX_WAYS);
    }
    *ret = (uint32_t)v;
    return 0;
}

static int world_check(const struct mw_yaml *y, const struct straggler_meta *m,
                       struct mw_error *err)
{
    const struct mw_yaml_node *node = mw_yaml_get(mw_yaml_root(y), "world_size");
    uint64_t product = m->dp;

    if (mw_mul_overflows(product, m->dsp, &product) || mw_mul_overflows(product, m->pp, &product) ||
        mw_mul_overflows(product, m->tp, &product) || product != m->world)
        return mw_fail(err, MW_EINVAL, "%s:%u:%u: world_size is %u but dp_size * dsp_size * "
                       "pp_size * tp_size is %u * %u * %u * %u", mw_yaml_file(y), node->line,
                       node->column, m->world, m->dp, m->dsp, m->pp, m->tp);
    return 0;
}

int straggler_meta_parse(const char *yaml, size_t size, const char *file_name,
                         struct straggler_meta *ret, struct mw_error *err)
{
    struct mw_yaml *y mw_cleanup(free_yaml) = NULL;
    struct problems problems mw_cleanup(problems_fini) = { 0 };
    struct straggler_meta m = { 0 };

    must(yaml != NULL && ret != NULL);
    int rc = mw_yaml_read(yaml, size, file_name, &y, &problems, err);
    if (rc != 0)
        return rc;
    const struct mw_yaml_node *root = mw_yaml_root(y);
    if (root->kind != MW_YAML_MAP)
        return mw_fail(err, MW_EINVAL, "%s:1:1: not a map; it must say dp_size, pp_size, tp_size, "
                       "dsp_size, vpp_size and world_size", file_name);
    const struct {
        const char *key;
        uint32_t *ret;
    } sizes[] = { { "dp_size", &m.dp }, { "dsp_size", &m.dsp }, { "pp_size", &m.pp },
                  { "tp_size", &m.tp }, { "vpp_size", &m.vpp }, { "world_size", &m.world } };
    for (uint32_t i = 0; rc == 0 && i < MW_ARRAY_LEN(sizes); i++)
        rc = size_read(y, sizes[i].key, sizes[i].ret, err);
    if (rc != 0)
        return rc;
    if (mw_yaml_get(root, "dp_size") == NULL || mw_yaml_get(root, "pp_size") == NULL)
        return mw_fail(err, MW_EINVAL, "%s:1:1: no %s; say how many data-parallel ranks (dp_size) "
                       "and pipeline stages (pp_size) the job has", file_name,
                       mw_yaml_get(root, "dp_size") == NULL ? "dp_size" : "pp_size");
    if (mw_yaml_get(root, "world_size") != NULL && (rc = world_check(y, &m, err)) != 0)
        return rc;
    if (mw_yaml_get(root, "world_size") == NULL)
        m.world = 0;
    const char *name = mw_yaml_text(root, "trial_name", "");
    memcpy(m.name, name, strnlen(name, sizeof(m.name) - 1));
    *ret = m;
    return 0;
}

/* Reads a scenario from disk; the only file of its kind that touches one. */
#include "base/file.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "sim/scenario.h"

int scenario_load_file(const char *path, const char *const *set, uint32_t set_n,
                       struct scenario *ret, struct problems *problems, struct mw_error *err)
{
    char *yaml mw_cleanup(mw_freep) = NULL;
    size_t size = 0;

    must(path != NULL && ret != NULL);
    int rc = mw_read_file(path, MW_YAML_BYTES_MAX, false, &yaml, &size, err);
    if (rc != 0)
        return rc;
    struct scenario_source source = {yaml, size, path, set, set_n};
    return scenario_parse(&source, ret, problems, err);
}

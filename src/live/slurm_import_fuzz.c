/*
 * Arbitrary bytes as what scontrol wrote; a byte 1 parts nodes from topology.
 * What is made must be a site file that the site reader takes.
 */
#include <stdlib.h>
#include <string.h>

#include "fleet/site.h"
#include "live/slurm_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct text *yaml, const struct slurm_import_result *r)
{
    struct problems problems = { 0 };
    struct fleet *f = NULL;
    struct site_source s = { .yaml = text_string(yaml), .size = yaml->length, .name = "fuzz" };
    must(site_load(&s, &f, &problems, NULL) == 0);
    must(f->count[COMPONENT_NODE] == r->nodes && f->count[COMPONENT_GPU] == r->gpus);
    must(f->groups == r->groups);
    fleet_destroy(f);
    problems_fini(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *nodes = malloc(size + 1);
    struct slurm_import_result r;
    struct text yaml = { 0 };
    must(nodes != NULL);
    if (size > 0)
        memcpy(nodes, data, size);
    nodes[size] = '\0';
    char *topology = strchr(nodes, '\1');
    if (topology != NULL)
        *topology++ = '\0';
    struct slurm_import_source s = { .nodes = nodes, .nodes_name = "nodes", .topology = topology,
                                     .topology_name = "topology", .config = topology };
    if (slurm_import(&s, &yaml, &r, NULL) == 0)
        check(&yaml, &r);
    text_fini(&yaml);
    free(nodes);
    return 0;
}

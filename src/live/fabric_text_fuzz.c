/*
 * Arbitrary bytes as a listing of ibnetdiscover.  What is read becomes a site
 * file; where the site reader takes it, it has just these cables, and the check
 * of the fabric against it finds none that is elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "fleet/site.h"
#include "live/fabric_check.h"
#include "live/fabric_text.h"
#include "live/import_fabric.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fabric *f, const struct fleet *fleet, uint32_t cables)
{
    struct fabric_names names = { .hosts = 0 };
    struct fabric_result r = { .length = 0 };
    struct fabric_check_options o = { .any_port = false };
    must(fabric_names_make(f, &names, NULL) == 0);
    must(fabric_check(f, &names, fleet, &o, &r, NULL) == 0);
    must(fleet->count[COMPONENT_CABLE] == cables);
    must(r.right + r.outside <= cables);
    must(r.count[FABRIC_WRONG_PORT] == 0 && r.count[FABRIC_WRONG_NODE] == 0);
    must(r.count[FABRIC_SWAPPED] == 0);
    fabric_result_fini(&r);
    fabric_names_fini(&names);
}

static void import(const struct fabric *f)
{
    struct import_site site = { .models = 0 };
    struct import_fabric_options o = { .source = "fuzz", .gpus = MW_NONE };
    struct text yaml = { 0 };
    struct problems problems = { 0 };
    struct fleet *fleet = NULL;
    if (import_fabric(f, &o, &site, NULL) == 0 &&
        import_site_write(&site, NULL, &yaml, NULL) == 0) {
        struct site_source s = { .yaml = text_string(&yaml), .size = yaml.length, .name = "fuzz" };
        if (site_load(&s, &fleet, &problems, NULL) == 0) /* else a name is taken twice */
            check(f, fleet, site.cables);
    }
    problems_fini(&problems);
    fleet_destroy(fleet);
    text_fini(&yaml);
    import_site_fini(&site);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fabric f = { .nodes = 0 };
    char *text = malloc(size + 1);
    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct fabric_source s = { .text = text, .size = size, .name = "fuzz" };
    if (fabric_text_read(&s, &f, NULL) == 0)
        import(&f);
    if (f.nodes > 0 && fabric_names_map(&f, text, "fuzz", NULL) == 0)
        must(f.nodes > 0);
    fabric_fini(&f);
    free(text);
    return 0;
}

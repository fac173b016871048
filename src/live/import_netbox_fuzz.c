/*
 * Arbitrary bytes as answers of NetBox.  What is made is written and read by the
 * site reader without a crash.
 */
#include "fleet/site.h"
#include "live/import_netbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct import_netbox_doc doc = { .text = (const char *)data, .size = size, .name = "fuzz" };
    struct import_netbox_options o = { .source = "fuzz", .gpus = MW_NONE };
    struct import_site site = { .models = 0 };
    struct text yaml = { 0 };
    struct problems problems = { 0 };
    struct fleet *f = NULL;
    char next[256];
    if (size == 0)
        return 0;
    (void)!import_netbox_next(&doc, next, sizeof(next), NULL);
    if (import_netbox(&doc, 1, &o, &site, NULL) == 0 &&
        import_site_write(&site, NULL, &yaml, NULL) == 0) {
        struct site_source s = { .yaml = text_string(&yaml), .size = yaml.length, .name = "fuzz" };
        if (site_load(&s, &f, &problems, NULL) == 0)
            must(f->count[COMPONENT_CABLE] == site.cables);
    }
    problems_fini(&problems);
    fleet_destroy(f);
    text_fini(&yaml);
    import_site_fini(&site);
    return 0;
}

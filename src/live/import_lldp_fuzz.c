/*
 * Arbitrary bytes as lldpcli's JSON of two hosts, parted by a byte 1.  What is
 * made is written and read by the site reader without a crash.
 */
#include <string.h>

#include "fleet/site.h"
#include "live/import_lldp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *part = size > 0 ? memchr(data, 1, size) : NULL;
    size_t first = part != NULL ? (size_t)(part - data) : size;
    struct import_lldp_file file[2] = {
        { .host = "n1", .text = (const char *)data, .size = first, .name = "a" },
        { .host = "leaf1", .name = "b" },
    };
    struct import_lldp_options o = { .source = "fuzz", .gpus = 8 };
    struct import_site site = { .models = 0 };
    struct text yaml = { 0 };
    struct problems problems = { 0 };
    struct fleet *f = NULL;
    if (part != NULL) {
        file[1].text = (const char *)part + 1;
        file[1].size = size - first - 1;
    }
    if (size > 0 && import_lldp(file, part != NULL ? 2 : 1, &o, &site, NULL) == 0 &&
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

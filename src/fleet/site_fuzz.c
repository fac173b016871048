/* Any bytes as a site file and, after a zero byte, as its CSV: mistakes or a fleet, never harm. */
#include <string.h>

#include "base/mem.h"
#include "fleet/query.h"
#include "fleet/site.h"

struct rest {
    const uint8_t *data;
    size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_rest(void *ctx, const char *path, char **ret, size_t *ret_size,
                     struct mw_error *err)
{
    const struct rest *rest = ctx;

    (void)path;
    *ret = mw_calloc(rest->size + 1, 1);
    if (*ret == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (rest->size > 0)
        memcpy(*ret, rest->data, rest->size);
    *ret_size = rest->size;
    return 0;
}

static void ask(const struct fleet *f)
{
    struct component_list down = {0}, degraded = {0};
    struct fleet_shared shared[8];
    uint32_t n = 0;

    for (int k = COMPONENT_SITE; k < COMPONENT_KIND_COUNT; k++) {
        for (uint32_t i = 0; i < MW_MIN(f->count[k], 3); i++) {
            uint64_t id = component_id((enum component_kind)k, i);
            must(fleet_fails_with(f, id, &down, &degraded) == 0);
            must(fleet_shares(f, &id, 1, shared, 8, &n) == 0);
            must(fleet_find(f, fleet_name(f, id)) == id);
        }
    }
    component_list_fini(&down);
    component_list_fini(&degraded);
}

/* Sites of many thousands of parts are right, and slow to fuzz: skip long ranges, many ranges in
 * one line, and long numbers of links. */
static bool is_small(const uint8_t *data, size_t size)
{
    uint32_t digits = 0, ranges = 0;
    bool in_range = false, links = false;

    for (size_t i = 0; i < size; i++) {
        uint8_t c = data[i];

        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        ranges = c == '\n' ? 0 : ranges + (c == '[');
        in_range = c == '[' || (in_range && c != ']' && c != '\n');
        links = (c == 's' && i >= 4 && memcmp(data + i - 4, "links", 5) == 0) ||
                (links && c != ',' && c != '\n');
        if (ranges > 3 || (in_range && digits > 1) || (links && digits > 1))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size == 0 ? NULL : memchr(data, '\0', size);
    size_t yaml = zero == NULL ? size : (size_t)(zero - data);
    struct rest rest = {zero == NULL ? NULL : zero + 1, zero == NULL ? 0 : size - yaml - 1};
    struct problems problems = {0};
    struct fleet *f = NULL;
    struct site_source source = {
        .yaml = (const char *)data,
        .size = yaml,
        .name = "fuzz",
        .read = read_rest,
        .ctx = &rest,
    };

    if (size > 4096 || !is_small(data, yaml))
        return 0;
    if (site_load(&source, &f, &problems, NULL) == 0)
        ask(f);
    else
        must(problems.total > 0 && f == NULL);
    problems_fini(&problems);
    fleet_destroy(f);
    return 0;
}

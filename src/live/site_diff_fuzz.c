/*
 * Arbitrary bytes as documents of machines, or as Slurm's nodes, beside a small
 * site.
 */
#include <stdlib.h>
#include <string.h>

#include "fleet/site.h"
#include "live/site_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct fleet *fleet, const uint8_t *data, size_t size)
{
    struct site_diff d;
    char *text = malloc(size + 1);
    must(text != NULL && site_diff_init(&d, fleet, NULL) == 0);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    json_t *root = json_loadb(text, size, 0, NULL);
    for (size_t i = 0; i < json_array_size(root); i++)
        (void)!site_diff_machine(&d, json_array_get(root, i), "fuzz", NULL);
    if (root == NULL)
        (void)!site_diff_slurm(&d, text, "fuzz", NULL);
    must(site_diff_end(&d, NULL) == 0);
    must(site_diff_total(&d) >= d.rows);
    json_decref(root);
    site_diff_fini(&d);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fleet *fleet = NULL;
    must(site_simple(2, &fleet, NULL) == 0);
    compare(fleet, data, size);
    fleet_destroy(fleet);
    return 0;
}

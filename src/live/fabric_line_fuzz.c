/*
 * Arbitrary bytes as what mw-fabric says, line by line, over two rounds.  What
 * is read can be written again and is read back as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "live/fabric_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct fabric_round *r)
{
    struct fabric_round copy = { .asked = 0 };
    char line[FABRIC_LINE_MAX];
    const struct fabric *f = &r->fabric;
    for (uint32_t i = 0; i < f->nodes; i++) {
        size_t n = fabric_line_node(&f->node[i], line);
        must(n > 0);
        line[n - 1] = '\0';
        must(fabric_round_line(&copy, line, NULL) == 0);
    }
    for (uint32_t i = 0; i < f->ports; i++) {
        size_t n = fabric_line_port(f, i, line);
        must(n > 0);
        line[n - 1] = '\0';
        must(fabric_round_line(&copy, line, NULL) == 0);
    }
    must(copy.fabric.nodes == f->nodes && copy.fabric.ports == f->ports);
    must(fabric_links(&copy.fabric) == fabric_links(f));
    fabric_round_fini(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fabric_round r = { .asked = 0 };
    struct fabric_totals totals = { .has = 0 };
    char line[FABRIC_LINE_MAX];
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n' && n + 1 < sizeof(line)) {
            line[n++] = (char)data[i];
            continue;
        }
        line[n] = '\0';
        n = 0;
        if (fabric_round_line(&r, line, NULL) != 0 || r.done) {
            if (r.done && r.fabric.ports > 0 && r.fabric.ports < 4096) {
                again(&r);
                fabric_totals_add(&totals, &r.reading[0]);
            }
            fabric_round_clear(&r);
        }
    }
    fabric_round_fini(&r);
    return 0;
}

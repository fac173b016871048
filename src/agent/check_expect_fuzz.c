/* Arbitrary bytes as a file of expectations: what is taken can be asked, whatever the figure. */
#include <math.h>
#include <string.h>

#include "agent/check_expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char nothing[1];
    struct expect_set s;
    struct mw_error err = { 0 };
    if (expect_init(&s) < 0)
        return 0;
    int rc = expect_read(&s, size > 0 ? (const char *)data : nothing, size, 1, "fuzz", &err);
    must(rc == 0 || err.text[0] != '\0');
    must(s.count <= EXPECT_LINES_MAX);
    for (uint32_t i = 0; i < s.count; i++) {
        struct check_row r = { .value = i % 2 == 0 ? 7 : (double)NAN };
        must(memchr(s.line[i].figure, '\0', sizeof(s.line[i].figure)) != NULL);
        memcpy(r.name, s.line[i].figure, strnlen(s.line[i].figure, sizeof(r.name) - 1));
        if (i % 3 == 0)
            memcpy(r.word, s.line[i].value, strnlen(s.line[i].value, sizeof(r.word) - 1));
        expect_judge(&s, &r);
        must(r.verdict < VERDICT_COUNT);
        must((r.expect[0] == '\0') == (r.verdict == VERDICT_NOTED));
        must(r.verdict == VERDICT_NOTED || r.from[0] != '\0');
    }
    const struct expect_node n = { .gpu = "NVIDIA H100", .pci = "2330", .dmi = "box" };
    (void)expect_matches(&s, &n);
    expect_fini(&s);
    return 0;
}

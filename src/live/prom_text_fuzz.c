/* Arbitrary bytes as what an exporter answered: every line is read or refused, and what is kept is
 * bounded and clean. */
#include <string.h>

#include "live/prom_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s, size_t most)
{
    size_t n = strlen(s);
    must(n < most);
    for (size_t i = 0; i < n; i++)
        must((unsigned char)s[i] >= ' ' && s[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct prom_sample s;
    enum prom_what what;
    size_t at = 0, before = 0;
    while ((what = prom_next((const char *)data, size, &at, &s)) != PROM_END) {
        must(at > before);
        before = at;
        if (what != PROM_SAMPLE)
            continue;
        check(s.name, sizeof(s.name));
        must(s.name[0] != '\0' && s.labels <= PROM_LABELS_MAX);
        for (uint32_t i = 0; i < s.labels; i++) {
            check(s.label[i].name, sizeof(s.label[i].name));
            check(s.label[i].value, sizeof(s.label[i].value));
        }
        const struct prom_rule *r = prom_rule_of(&s);
        must(r == NULL || strcmp(r->name, s.name) == 0);
    }
    return 0;
}

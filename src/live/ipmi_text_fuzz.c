/* Arbitrary bytes as what ipmitool printed: every line is read or refused, and what is kept is
 * bounded and clean. */
#include <math.h>
#include <string.h>

#include "live/ipmi_text.h"

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
    const char *text = (const char *)data, *line;
    size_t at = 0, n;
    char word[40];
    while (ipmi_line_next(text, size, &at, &line, &n)) {
        struct ipmi_sensor s;
        struct ipmi_event e;
        must(line >= text && line + n <= text + size);
        if (ipmi_sensor_read(line, n, &s) == 0) {
            check(s.name, sizeof(s.name));
            must(s.quantity < IPMI_QUANTITIES && s.status <= IPMI_CRITICAL);
            must((s.status == IPMI_NO_READING) == (isnan(s.value) != 0));
        }
        if (ipmi_event_read(line, n, &e) == 0) {
            check(e.sensor, sizeof(e.sensor));
            check(e.text, sizeof(e.text));
            must(e.asserted || !e.critical);
        }
    }
    if (ipmi_field_read(text, size, "Product Serial", word, sizeof(word)))
        check(word, sizeof(word));
    must(ipmi_number_read(text, size, "Entries") >= -1);
    must(ipmi_power_read(text, size) >= -1);
    return 0;
}

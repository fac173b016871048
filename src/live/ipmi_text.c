/* Readers of ipmitool's lines over bounded fields; nothing is copied past its room. */
#include "live/ipmi_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define FIELDS_MAX 8

struct field {
    const char *from;
    size_t size;
};

static const struct {
    const char *unit;
    uint8_t quantity;
} units[] = {
    { "degrees C", IPMI_TEMPERATURE_C }, { "RPM", IPMI_SPEED_RPM }, { "Watts", IPMI_POWER_W },
    { "Volts", IPMI_VOLTAGE_V }, { "Amps", IPMI_CURRENT_A }, { "percent", IPMI_PERCENT },
    { "% percent", IPMI_PERCENT }, { "% degrees C", IPMI_PERCENT }, { "% RPM", IPMI_PERCENT },
};

/* Events besides thresholds that mean a failed part, as ipmitool spells them. */
static const char *const failures[] = {
    "Failure detected", "Power Supply AC lost", "Power Supply Failure", "Predictive failure",
    "Uncorrectable ECC", "Uncorrectable machine check", "Thermal Trip", "FRB1/BIST failure",
    "Drive Fault", "In Critical Array", "In Failed Array", "Bus Fatal Error",
    "Bus Uncorrectable error", "Redundancy Lost", "Non-recoverable", "Critical",
};

static struct field trim(struct field f)
{
    while (f.size > 0 && (f.from[0] == ' ' || f.from[0] == '\t')) {
        f.from++;
        f.size--;
    }
    while (f.size > 0 && (f.from[f.size - 1] == ' ' || f.from[f.size - 1] == '\r'))
        f.size--;
    return f;
}

/* Fields between commas; the last has the rest. */
static uint32_t split(const char *line, size_t size, struct field *to, uint32_t most)
{
    uint32_t n = 0;
    size_t from = 0;
    for (size_t i = 0; i <= size && n < most; i++) {
        if (i < size && (line[i] != ',' || n + 1 == most))
            continue;
        to[n++] = trim((struct field){ line + from, i - from });
        from = i + 1;
    }
    return n;
}

static bool is(struct field f, const char *word)
{
    return strlen(word) == f.size && memcmp(f.from, word, f.size) == 0;
}

static bool has(struct field f, const char *word)
{
    return f.size > 0 && memmem(f.from, f.size, word, strlen(word)) != NULL;
}

/* Printable, cut to size. */
static void copy(char *to, size_t size, struct field f)
{
    size_t n = MW_MIN(f.size, size - 1);
    for (size_t i = 0; i < n; i++)
        to[i] = (unsigned char)f.from[i] < ' ' || f.from[i] == 0x7f ? ' ' : f.from[i];
    to[n] = '\0';
}

static double number(struct field f)
{
    char text[32];
    double v = 0;
    if (f.size == 0 || f.size >= sizeof(text))
        return NAN;
    copy(text, sizeof(text), f);
    return mw_parse_double(text, &v) == 0 ? v : NAN;
}

int ipmi_sensor_read(const char *line, size_t size, struct ipmi_sensor *ret)
{
    struct field f[4];
    struct ipmi_sensor s = { .value = NAN };
    if (size == 0 || split(line, size, f, 4) < 4 || f[0].size == 0)
        return MW_ESYNTAX;
    copy(s.name, sizeof(s.name), f[0]);
    s.value = number(f[1]);
    if (is(f[3], "ok"))
        s.status = IPMI_FINE;
    else if (is(f[3], "nc"))
        s.status = IPMI_NONCRITICAL;
    else if (is(f[3], "cr") || is(f[3], "nr"))
        s.status = IPMI_CRITICAL;
    else if (!is(f[3], "ns") && !is(f[3], "na") && f[3].size > 4)
        return MW_ESYNTAX;
    for (size_t i = 0; i < MW_ARRAY_LEN(units); i++)
        if (is(f[2], units[i].unit))
            s.quantity = units[i].quantity;
    if (s.status == IPMI_NO_READING || isnan(s.value)) {
        s.status = IPMI_NO_READING;
        s.value = NAN;
    }
    *ret = s;
    return 0;
}

static bool is_failure(struct field what)
{
    if (has(what, "Non-critical") || has(what, "Deasserted"))
        return false;
    for (size_t i = 0; i < MW_ARRAY_LEN(failures); i++)
        if (has(what, failures[i]))
            return true;
    return false;
}

int ipmi_event_read(const char *line, size_t size, struct ipmi_event *ret)
{
    struct field f[7];
    struct ipmi_event e = { 0 };
    char what[IPMI_TEXT_MAX / 2], more[IPMI_TEXT_MAX / 2] = "";
    uint32_t n = size > 0 ? split(line, size, f, 7) : 0;
    if (n < 6 || f[0].size == 0 || f[0].size > 8 || f[3].size == 0)
        return MW_ESYNTAX;
    for (size_t i = 0; i < f[0].size; i++) {
        const char *digits = "0123456789abcdef", *at;
        at = memchr(digits, f[0].from[i] | 0x20, 16);
        if (at == NULL)
            return MW_ESYNTAX;
        e.id = e.id << 4 | (uint32_t)(at - digits);
    }
    e.asserted = is(f[5], "Asserted");
    e.critical = e.asserted && is_failure(f[4]);
    copy(e.sensor, sizeof(e.sensor), f[3]);
    copy(what, sizeof(what), f[4]);
    if (n > 6)
        copy(more, sizeof(more), f[6]);
    (void)snprintf(e.text, sizeof(e.text), "%s%s%s", what, more[0] != '\0' ? ", " : "", more);
    *ret = e;
    return 0;
}

int ipmi_power_read(const char *text, size_t size)
{
    const struct field f = { text, size };
    return has(f, "Chassis Power is on") ? 1 : has(f, "Chassis Power is off") ? 0 : -1;
}

bool ipmi_line_next(const char *text, size_t size, size_t *at, const char **ret_line,
                    size_t *ret_size)
{
    if (*at >= size)
        return false;
    const char *from = text + *at, *end = memchr(from, '\n', size - *at);
    *ret_line = from;
    *ret_size = end != NULL ? (size_t)(end - from) : size - *at;
    *at += *ret_size + 1;
    return true;
}

bool ipmi_field_read(const char *text, size_t size, const char *field, char *ret, size_t ret_size)
{
    size_t at = 0, n;
    const char *line;
    while (ipmi_line_next(text, size, &at, &line, &n)) {
        const char *colon = memchr(line, ':', n);
        if (colon == NULL || !is(trim((struct field){ line, (size_t)(colon - line) }), field))
            continue;
        copy(ret, ret_size, trim((struct field){ colon + 1, n - (size_t)(colon + 1 - line) }));
        return true;
    }
    return false;
}

int64_t ipmi_number_read(const char *text, size_t size, const char *field)
{
    char word[32];
    int64_t v = -1;
    if (!ipmi_field_read(text, size, field, word, sizeof(word)))
        return -1;
    word[strcspn(word, " ")] = '\0';
    return mw_parse_i64(word, &v) == 0 && v >= 0 ? v : -1;
}

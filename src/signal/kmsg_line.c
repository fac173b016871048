/*
 * A line of kernel text taken apart: its time in the many forms people have,
 * its host, PCI ids and numbers in it.
 */
#include "signal/kmsg_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* How far into a line a time stamp is looked for. */
#define STAMP_COLUMNS 72

/* n digits at s as a number; -1 when they are not n digits. */
static int32_t digits(const char *s, uint32_t n)
{
    int32_t v = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar (Hinnant's days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, yoe = year - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "Feb 23 " that ends at `end`, or "2025-02-23T"; days, 0 when it is neither. */
static int64_t date_before(const char *start, const char *end)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (end - start >= 11 && (end[-1] == 'T' || end[-1] == ' ') && end[-4] == '-') {
        int32_t year = digits(end - 11, 4), month = digits(end - 6, 2), day = digits(end - 3, 2);
        return year > 0 && month > 0 && month <= 12 && day > 0 ? days_of(year, month, day) : 0;
    }
    if (end - start < 7)
        return 0;
    for (int m = 0; m < 12; m++) {
        if (strncmp(end - 7, months + (size_t)m * 3, 3) != 0)
            continue;
        int32_t day = digits(end - 2, 1), tens = end[-3] == ' ' ? 0 : digits(end - 3, 1);
        return day >= 0 && tens >= 0 ? days_of(1972, m + 1, tens * 10 + day) : 0;
    }
    return 0;
}

/* "16:24:18" anywhere near the start, with the date before it. */
static int64_t clock_time(const char *text, uint32_t length)
{
    for (uint32_t i = 0; i + 8 <= length && i < STAMP_COLUMNS; i++) {
        if (text[i + 2] != ':' || text[i + 5] != ':')
            continue;
        int32_t h = digits(text + i, 2), m = digits(text + i + 3, 2), s = digits(text + i + 6, 2);
        if (h < 0 || m < 0 || s < 0 || (i > 0 && isdigit((unsigned char)text[i - 1])))
            continue;
        return (date_before(text, text + i) * 86400 + h * 3600 + m * 60 + s) * 1000;
    }
    return -1;
}

/* The number at s, at most 15 digits; *end is moved past it; -1 without. */
static int64_t number(const char *s, const char **end)
{
    int64_t v = 0;
    uint32_t n = 0;
    for (; n < 15 && isdigit((unsigned char)s[n]); n++)
        v = v * 10 + (s[n] - '0');
    *end = s + n;
    return n > 0 && !isdigit((unsigned char)s[n]) ? v : -1;
}

/* "<4>[  201.673948] ..." or "6,3973,227996636,-;..." (microseconds). */
static int64_t kernel_time(const char *text)
{
    const char *s = text, *end;
    if (s[0] == '<')
        s = strchr(s, '>') != NULL ? strchr(s, '>') + 1 : s;
    if (s[0] == '[') {
        s++;
        s += strspn(s, " ");
        int64_t v = number(s, &end);
        return v >= 0 && *end == '.' ? v * 1000 : -1;
    }
    if (number(s, &end) < 0 || *end != ',' || number(end + 1, &end) < 0 || *end != ',')
        return -1;
    int64_t us = number(end + 1, &end);
    return us >= 0 && *end == ',' ? us / 1000 : -1;
}

/* "Nov 22 10:00:00 node7 kernel: ...": the word before "kernel:". */
static void find_host(struct kmsg_line *line)
{
    const char *tag = strstr(line->text, " kernel: ");
    line->host[0] = '\0';
    if (tag == NULL || tag - line->text > 120 || tag == line->text)
        return;
    const char *start = tag;
    while (start > line->text && (isalnum((unsigned char)start[-1]) || strchr("-_.", start[-1])))
        start--;
    size_t n = (size_t)(tag - start);
    if (n > 0 && n < sizeof(line->host) && start > line->text && start[-1] == ' ')
        (void)snprintf(line->host, sizeof(line->host), "%.*s", (int)n, start);
}

bool kmsg_next(struct kmsg_cursor *c, struct kmsg_line *line)
{
    must(c->at <= c->size);
    if (c->at == c->size)
        return false;
    const char *start = c->data + c->at;
    const char *end = memchr(start, '\n', c->size - c->at);
    size_t n = end != NULL ? (size_t)(end - start) : c->size - c->at;
    c->at += n + (end != NULL);
    line->number = ++c->lines;
    n -= n > 0 && start[n - 1] == '\r';
    line->length = (uint32_t)MW_MIN(n, (size_t)KMSG_LINE_MAX);
    for (uint32_t i = 0; i < line->length; i++)
        line->text[i] = start[i] != '\0' ? start[i] : ' ';
    line->text[line->length] = '\0';
    line->time_ms = kernel_time(line->text);
    if (line->time_ms < 0)
        line->time_ms = clock_time(line->text, line->length);
    find_host(line);
    return true;
}

/* Hex digits at s, at most `most`. */
static uint32_t hex_run(const char *s, uint32_t most)
{
    uint32_t n = 0;
    while (n < most && isxdigit((unsigned char)s[n]))
        n++;
    return n;
}

bool kmsg_pci(const char *from, char *to, size_t size)
{
    uint32_t domain = hex_run(from, 8);
    must(size >= 24);
    if (domain < 4 || from[domain] != ':' || hex_run(from + domain + 1, 2) != 2 ||
        from[domain + 3] != ':' || hex_run(from + domain + 4, 2) != 2)
        return false;
    uint32_t length = domain + 6;
    if (from[length] == '.' && hex_run(from + length + 1, 1) == 1)
        length += 2;
    uint32_t skip = domain > 4 && strncmp(from, "00000000", domain - 4) == 0 ? domain - 4 : 0;
    for (uint32_t i = skip; i < length; i++)
        to[i - skip] = (char)tolower((unsigned char)from[i]);
    to[length - skip] = '\0';
    return true;
}

bool kmsg_pci_find(const char *text, char *to, size_t size)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool inside = at > text && (isxdigit((unsigned char)at[-1]) || at[-1] == ':');
        /* "PCI:0000:9b:00": the colon before it is a label's. */
        inside = inside && !(at - text >= 4 && strncmp(at - 4, "PCI:", 4) == 0);
        if (!inside && kmsg_pci(at, to, size))
            return true;
    }
    return false;
}

void kmsg_pci_gpu(char *pci)
{
    char *dot = strchr(pci, '.');
    if (dot != NULL)
        *dot = '\0';
}

uint32_t kmsg_hex(const char *from, uint32_t *to, uint32_t n)
{
    uint32_t count = 0;
    while (count < n) {
        from += strspn(from, " ,");
        if (from[0] != '0' || (from[1] != 'x' && from[1] != 'X'))
            break;
        uint32_t length = hex_run(from + 2, 9), v = 0;
        if (length == 0 || length > 8)
            break;
        for (uint32_t i = 0; i < length; i++) {
            int c = tolower((unsigned char)from[2 + i]);
            v = v << 4 | (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
        }
        to[count++] = v;
        from += 2 + length;
    }
    return count;
}

bool kmsg_number_after(const char *text, const char *label, uint32_t *ret)
{
    const char *at = strstr(text, label), *end;
    if (at == NULL)
        return false;
    int64_t v = number(at + strlen(label), &end);
    if (v < 0 || v > UINT32_MAX)
        return false;
    *ret = (uint32_t)v;
    return true;
}

void kmsg_begin(struct diagnosis *d, const struct kmsg_source *s, const struct kmsg_line *line,
                const char *part)
{
    char raw[256];
    const char *base = strrchr(s->name, '/') != NULL ? strrchr(s->name, '/') + 1 : s->name;
    *d = (struct diagnosis){ .line = line->number, .count = 1 };
    if (line->host[0] != '\0')
        (void)snprintf(raw, sizeof(raw), "%.63s on %s", part, line->host);
    else if (s->name_in_part)
        (void)snprintf(raw, sizeof(raw), "%.47s in %s", part, base);
    else
        (void)snprintf(raw, sizeof(raw), "%s", part);
    diagnosis_text(d->part, sizeof(d->part), raw, strlen(raw));
    diagnosis_text(d->file, sizeof(d->file), s->name, strlen(s->name));
    diagnosis_text(d->evidence, sizeof(d->evidence), line->text, line->length);
}

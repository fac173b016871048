/* Lines, fields, numbers. */
#include "agent/check_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define FIO_READ_KBPS 6  /* from 0, terse version 3 */
#define FIO_WRITE_KBPS 47
#define FIO_ERROR 4

struct cut {
    const char *at;
    size_t length;
};

/* The next piece up to a separator; false at the end.  Moves *at past it. */
static bool next_piece(const char **at, char separator, struct cut *ret)
{
    if (**at == '\0')
        return false;
    const char *stop = strchr(*at, separator);
    ret->at = *at;
    ret->length = stop != NULL ? (size_t)(stop - *at) : strlen(*at);
    *at += ret->length + (stop != NULL ? 1 : 0);
    return true;
}

static struct cut trimmed(struct cut c)
{
    while (c.length > 0 && strchr(" \t\r", c.at[0]) != NULL) {
        c.at++;
        c.length--;
    }
    while (c.length > 0 && strchr(" \t\r", c.at[c.length - 1]) != NULL)
        c.length--;
    return c;
}

static bool number_of(struct cut c, double *ret)
{
    char text[32];
    c = trimmed(c);
    if (c.length == 0 || c.length >= sizeof(text))
        return false;
    memcpy(text, c.at, c.length);
    text[c.length] = '\0';
    return mw_parse_double(text, ret) == 0;
}

static bool begins(struct cut c, const char *with)
{
    size_t n = strlen(with);
    return c.length >= n && memcmp(c.at, with, n) == 0;
}

static bool holds(struct cut c, const char *what)
{
    return memmem(c.at, c.length, what, strlen(what)) != NULL;
}

bool parse_fio(const char *text, struct parsed_fio *ret)
{
    struct cut line, field;
    while (next_piece(&text, '\n', &line)) {
        char copy[4096];
        double read = 0, write = 0, error = -1, value;
        uint32_t n = 0;
        if (!begins(line, "3;") || line.length >= sizeof(copy))
            continue;
        memcpy(copy, line.at, line.length);
        copy[line.length] = '\0';
        const char *at = copy;
        for (; next_piece(&at, ';', &field); n++) {
            if (n != FIO_ERROR && n != FIO_READ_KBPS && n != FIO_WRITE_KBPS)
                continue;
            if (!number_of(field, &value) || value < 0 || value > 1e12)
                break;
            *(n == FIO_ERROR ? &error : n == FIO_READ_KBPS ? &read : &write) = value;
        }
        if (n <= FIO_WRITE_KBPS || error < 0)
            continue;
        *ret = (struct parsed_fio){ .read_mbps = read * 1024 / 1e6,
                                    .write_mbps = write * 1024 / 1e6,
                                    .error = (uint32_t)MW_MIN(error, 1e9) };
        return true;
    }
    return false;
}

/* Words of a line, by blanks; returns how many; the `which`th is read as a number. */
static uint32_t word_number(struct cut line, uint32_t which, double *ret, bool *ret_ok)
{
    uint32_t n = 0;
    size_t at = 0;
    *ret_ok = false;
    while (at < line.length) {
        while (at < line.length && strchr(" \t\r", line.at[at]) != NULL)
            at++;
        size_t from = at;
        while (at < line.length && strchr(" \t\r", line.at[at]) == NULL)
            at++;
        if (at > from && n++ == which)
            *ret_ok = number_of((struct cut){ line.at + from, at - from }, ret);
    }
    return n;
}

bool parse_perftest(const char *text, double *ret_gbps)
{
    struct cut line;
    double factor = 0;
    bool found = false;
    while (next_piece(&text, '\n', &line)) {
        double first, average;
        bool is_number, ok;
        if (holds(line, "#bytes")) {
            bool mib = holds(line, "average[MiB/sec]") || holds(line, "average[MB/sec]");
            factor = holds(line, "average[Gb/sec]") ? 1 : mib ? 8.388608e-3 : 0;
            continue;
        }
        (void)word_number(line, 0, &first, &is_number);
        if (factor <= 0 || !is_number)
            continue;
        uint32_t words = word_number(line, 3, &average, &ok);
        if (words >= 4 && ok && average >= 0 && average < 1e9) {
            *ret_gbps = average * factor;
            found = true;
        }
    }
    return found;
}

static bool after_colon(struct cut line, double *ret)
{
    const char *colon = memchr(line.at, ':', line.length);
    bool ok;
    if (colon == NULL)
        return false;
    (void)word_number((struct cut){ colon + 1, line.length - (size_t)(colon + 1 - line.at) }, 0,
                      ret, &ok);
    return ok;
}

bool parse_nccl(const char *text, struct parsed_nccl *ret)
{
    struct cut line;
    bool bandwidth = false, bounds = false;
    double value;
    *ret = (struct parsed_nccl){ .wrong = 0 };
    while (next_piece(&text, '\n', &line)) {
        if (holds(line, "Avg bus bandwidth") && after_colon(line, &value) && value >= 0) {
            ret->bus_gbps = value;
            bandwidth = true;
        } else if (holds(line, "Out of bounds values") && after_colon(line, &value) &&
                   value >= 0 && value < 1e18) {
            ret->wrong = (uint64_t)value;
            bounds = true;
        }
    }
    return bandwidth && bounds;
}

bool parse_dcgmi(const char *text, struct parsed_dcgmi *ret)
{
    struct cut line, cell;
    *ret = (struct parsed_dcgmi){ .passed = 0 };
    while (next_piece(&text, '\n', &line)) {
        struct cut name = { "", 0 }, result = { "", 0 };
        const char *at = line.at, *end = line.at + line.length;
        if (!begins(line, "|"))
            continue;
        for (uint32_t n = 0; n < 3 && at < end; n++) {
            const char *stop = memchr(at, '|', (size_t)(end - at));
            cell = trimmed((struct cut){ at, (size_t)((stop != NULL ? stop : end) - at) });
            if (n == 1)
                name = cell;
            else if (n == 2)
                result = cell;
            at = stop != NULL ? stop + 1 : end;
        }
        if (begins(result, "Pass"))
            ret->passed++;
        else if (begins(result, "Warn"))
            ret->warned++;
        else if (begins(result, "Skip"))
            ret->skipped++;
        else if (begins(result, "Fail") && ret->failed++ == 0)
            (void)snprintf(ret->first, sizeof(ret->first), "%.*s",
                           (int)MW_MIN(name.length, sizeof(ret->first) - 1), name.at);
    }
    return ret->passed + ret->failed + ret->warned > 0;
}

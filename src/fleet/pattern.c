/* Parsing and writing of name patterns; borrows the text, allocates nothing. */
#include "fleet/pattern.h"

#include <ctype.h>
#include <string.h>

#define NUMBER_DIGITS_MAX 7

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("._-/:", c) != NULL);
}

static int add_literal(struct pattern *p, const char **s, struct mw_error *err)
{
    const char *from = *s;

    while (is_name_byte(**s))
        (*s)++;
    if (*s == from)
        return mw_fail(err, MW_EINVAL,
                       "'%c' cannot stand in a name: use letters, digits and . _ - only", **s);
    p->part[p->parts].literal = from;
    p->part[p->parts].length = (uint16_t)MW_MIN(*s - from, PATTERN_NAME_MAX);
    p->parts++;
    return 0;
}

/* "{2}" */
static int add_reference(struct pattern *p, const char **s, const struct pattern *leader,
                         struct mw_error *err)
{
    const char *t = *s;

    if (!isdigit((unsigned char)t[1]) || t[2] != '}')
        return mw_fail(err, MW_EINVAL, "after '{' write a number and '}', like {1}");
    if (leader == NULL)
        return mw_fail(err, MW_EINVAL, "{%c} has nothing to refer to here", t[1]);
    if (t[1] == '0' || (uint32_t)(t[1] - '0') > leader->ranges)
        return mw_fail(err, MW_EINVAL, "{%c} refers to bracket %c, but there are %u", t[1], t[1],
                       leader->ranges);
    p->part[p->parts].refers = true;
    p->part[p->parts].place = (uint8_t)(t[1] - '1');
    p->parts++;
    *s += 3;
    return 0;
}

/* A number with its width, or one letter; false when neither stands there. */
static bool read_bound(const char **s, uint32_t *ret, uint8_t *ret_width)
{
    uint32_t number = 0;
    uint8_t width = 0;

    if (isalpha((unsigned char)**s)) {
        *ret = (unsigned char)*(*s)++;
        *ret_width = 0;
        return true;
    }
    while (isdigit((unsigned char)**s) && width < NUMBER_DIGITS_MAX) {
        number = number * 10 + (uint32_t)(*(*s)++ - '0');
        width++;
    }
    *ret = number;
    *ret_width = width;
    return width > 0 && !isdigit((unsigned char)**s);
}

static int fail_bound(const char *at, struct mw_error *err)
{
    if (isdigit((unsigned char)*at)) /* the digits went on */
        return mw_fail(err, MW_EINVAL, "a number in a range has at most %d digits",
                       NUMBER_DIGITS_MAX);
    return mw_fail(err, MW_EINVAL, "a range is [1-16], [a-d] or a list like [1-4,7]");
}

/* "1-4" or "7" inside a bracket. */
static int add_span(struct pattern *p, const char **s, struct mw_error *err)
{
    struct pattern_span span = {0};
    uint8_t width_high = 0;

    if (p->spans >= PATTERN_SPANS_MAX)
        return mw_fail(err, MW_EINVAL, "more than %d ranges in one name", PATTERN_SPANS_MAX);
    if (!read_bound(s, &span.low, &span.width))
        return fail_bound(*s, err);
    span.high = span.low;
    width_high = span.width;
    if (**s == '-') {
        (*s)++;
        if (!read_bound(s, &span.high, &width_high) || (span.width == 0) != (width_high == 0))
            return fail_bound(*s, err);
    }
    if (span.high < span.low)
        return mw_fail(err, MW_EINVAL, "a range runs upward, from the lower to the higher bound");
    p->span[p->spans++] = span;
    p->range[p->ranges].spans++;
    p->range[p->ranges].count += span.high - span.low + 1;
    return 0;
}

/* "[1-4,7]" */
static int add_range(struct pattern *p, const char **s, struct mw_error *err)
{
    if (p->ranges >= PATTERN_RANGES_MAX)
        return mw_fail(err, MW_EINVAL, "more than %d brackets in one name", PATTERN_RANGES_MAX);
    p->range[p->ranges].span_first = (uint8_t)p->spans;
    do {
        (*s)++;
        int rc = add_span(p, s, err);
        if (rc != 0)
            return rc;
    } while (**s == ',');
    if (**s != ']')
        return mw_fail(err, MW_EINVAL, "a '[' without its ']'");
    (*s)++;
    uint64_t count = (uint64_t)p->count * p->range[p->ranges].count;
    if (count > PATTERN_COUNT_MAX)
        return mw_fail(err, MW_EINVAL, "stands for more than %d names", PATTERN_COUNT_MAX);
    p->count = (uint32_t)count;
    p->part[p->parts].place = (uint8_t)p->ranges;
    p->parts++;
    p->ranges++;
    return 0;
}

static size_t digits(uint32_t n)
{
    size_t d = 1;

    for (; n >= 10; n /= 10)
        d++;
    return d;
}

static size_t range_length_max(const struct pattern *p, uint32_t place)
{
    size_t most = 0;

    for (uint32_t i = 0; i < p->range[place].spans; i++) {
        const struct pattern_span *s = &p->span[p->range[place].span_first + i];
        size_t length = s->width == 0 ? 1 : MW_MAX(digits(s->high), s->width);
        most = MW_MAX(most, length);
    }
    return most;
}

static size_t length_max(const struct pattern *p, const struct pattern *leader)
{
    size_t total = 0;

    for (uint32_t i = 0; i < p->parts; i++) {
        if (p->part[i].length > 0)
            total += p->part[i].length;
        else
            total += range_length_max(p->part[i].refers ? leader : p, p->part[i].place);
    }
    return total;
}

int pattern_parse(struct pattern *p, const char *text, const struct pattern *leader,
                  struct mw_error *err)
{
    const char *s = text;

    must(p != NULL && text != NULL);
    *p = (struct pattern){.count = 1};
    if (*s == '\0')
        return mw_fail(err, MW_EINVAL, "a name is empty");
    while (*s != '\0') {
        if (p->parts >= PATTERN_PARTS_MAX)
            return mw_fail(err, MW_EINVAL, "more than %d parts in one name", PATTERN_PARTS_MAX);
        int rc = *s == '{'   ? add_reference(p, &s, leader, err)
                 : *s == '[' ? add_range(p, &s, err)
                             : add_literal(p, &s, err);
        if (rc != 0)
            return rc;
    }
    if (length_max(p, leader) >= PATTERN_NAME_MAX)
        return mw_fail(err, MW_EINVAL, "a name may have at most %d bytes", PATTERN_NAME_MAX - 1);
    must(p->count >= 1);
    return 0;
}

bool pattern_next(const struct pattern *p, struct pattern_at *at)
{
    for (uint32_t i = p->ranges; i > 0; i--) {
        if (++at->pick[i - 1] < p->range[i - 1].count)
            return true;
        at->pick[i - 1] = 0;
    }
    return false;
}

/* Writes the value of one bracket; gives its length. */
static size_t write_range(const struct pattern *p, uint32_t place, uint32_t pick, char *buf)
{
    const struct pattern_span *s = &p->span[p->range[place].span_first];

    while (pick > s->high - s->low) {
        pick -= s->high - s->low + 1;
        s++;
    }
    must(s < p->span + p->spans);
    uint32_t number = s->low + pick;
    if (s->width == 0) {
        *buf = (char)number;
        return 1;
    }
    size_t length = MW_MAX(digits(number), s->width);
    for (size_t i = length; i > 0; i--) {
        buf[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    return length;
}

size_t pattern_write(const struct pattern *p, const struct pattern_at *at,
                     const struct pattern *leader, const struct pattern_at *leader_at,
                     char buf[PATTERN_NAME_MAX])
{
    size_t used = 0;

    for (uint32_t i = 0; i < p->parts; i++) {
        uint32_t place = p->part[i].place;

        if (p->part[i].length > 0) {
            memcpy(buf + used, p->part[i].literal, p->part[i].length);
            used += p->part[i].length;
        } else if (p->part[i].refers) {
            used += write_range(leader, place, leader_at->pick[place], buf + used);
        } else {
            used += write_range(p, place, at->pick[place], buf + used);
        }
    }
    must(used > 0 && used < PATTERN_NAME_MAX);
    buf[used] = '\0';
    return used;
}

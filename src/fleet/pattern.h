/*
 * Names that stand for many: "h[01-31]-r[01-32]-k[1-8]" is 7,936 racks, and
 * "h{1}-r{2}" written beside it is the row of each.  Brackets hold numbers
 * (zero-padded as the first bound is), single letters, or lists of both:
 * "[1-4,7,a-c]".  "{2}" is the text of the second bracket of the pattern that
 * leads.  The last bracket turns fastest.
 */
#ifndef MW_FLEET_PATTERN_H
#define MW_FLEET_PATTERN_H

#include "base/error.h"

#define PATTERN_PARTS_MAX 24
#define PATTERN_RANGES_MAX 8
#define PATTERN_SPANS_MAX 16      /* over all brackets */
#define PATTERN_NAME_MAX 96       /* bytes of a written name, ending included */
#define PATTERN_COUNT_MAX 4000000 /* names of one pattern */

struct pattern_span {
    uint32_t low, high; /* numbers, or letter codes */
    uint8_t width;      /* digits of a number; 0 = a letter */
};

struct pattern {
    struct {
        const char *literal; /* borrowed from the text parsed */
        uint16_t length;     /* of the literal; 0 = a bracket or a reference */
        uint8_t place;       /* which bracket, or which one of the leader's */
        bool refers;
    } part[PATTERN_PARTS_MAX];
    struct {
        uint32_t count;
        uint8_t span_first, spans;
    } range[PATTERN_RANGES_MAX];
    struct pattern_span span[PATTERN_SPANS_MAX];
    uint32_t parts, ranges, spans;
    uint32_t count; /* names it stands for: 1 without brackets */
};

/* One of the names: the place in each bracket.  Zeroed = the first. */
struct pattern_at {
    uint32_t pick[PATTERN_RANGES_MAX];
};

/* Parses; `text` must outlive the pattern.  `leader` (may be NULL) is what {1}, {2}... refer to.
 * MW_EINVAL with the reason (no place) in err. */
MW_MUST_USE int pattern_parse(struct pattern *p, const char *text, const struct pattern *leader,
                              struct mw_error *err);

/* Moves to the next name; false after the last (then `at` is the first again). */
bool pattern_next(const struct pattern *p, struct pattern_at *at);

/* Writes the name and its ending; gives its length.  leader and leader_at as given to parse. */
size_t pattern_write(const struct pattern *p, const struct pattern_at *at,
                     const struct pattern *leader, const struct pattern_at *leader_at,
                     char buf[PATTERN_NAME_MAX]);

#endif

/*
 * What is expected of a node: lines `figure,op,value,unit,source` of CSV, from
 * the SKU's file, from a file of the site, from --set.  This module reads them,
 * finds the one that applies and judges by it.  It measures nothing.
 *
 *   figure   the name of a figure, or name/part for one part ("nic-rate/mlx5_0")
 *   op       =  !=  >=  <=   of numbers and words;  has  lacks   of words
 *   value    a number or a word; the unit must be the figure's own
 *   source   where the value comes from; shown with the verdict, never empty
 *
 * `sku,=,NAME` names the file; `include,=,NAME` takes another's lines; `match-gpu,has,TEXT`,
 * `match-pci,=,2330` (a GPU's PCI device id) and `match-dmi,has,TEXT` say which nodes it is for.
 * Empty lines and lines that begin with '#' are skipped; a value or source may be in "quotes".
 */
#ifndef MW_AGENT_CHECK_EXPECT_H
#define MW_AGENT_CHECK_EXPECT_H

#include "agent/check_row.h"
#include "base/error.h"

#define EXPECT_LINES_MAX 512  /* of a node, all files together */
#define EXPECT_FILE_MAX 65536 /* bytes of one file */

enum expect_op { EXPECT_IS, EXPECT_IS_NOT, EXPECT_LEAST, EXPECT_MOST, EXPECT_HAS, EXPECT_LACKS };

struct expect_line {
    char figure[64];
    char value[80];
    char unit[12];
    char source[160];
    double number; /* of value; NAN when it is a word */
    uint8_t op;
    uint8_t rank; /* the higher comes first: --set 3, --expect 2, the SKU 1, what it includes 0 */
};

struct expect_set {
    struct expect_line *line; /* owned, EXPECT_LINES_MAX of them */
    uint32_t count;
    char sku[40]; /* the name of the SKU; "" = none yet */
};

MW_MUST_USE int expect_init(struct expect_set *s); /* MW_ENOMEM */
void expect_fini(struct expect_set *s);

/* Reads one text of `size` bytes; `name` is for messages.  MW_ESYNTAX names the line; MW_ELIMIT.
 * Lines read before the fault stay. */
MW_MUST_USE int expect_read(struct expect_set *s, const char *text, size_t size, uint8_t rank,
                            const char *name, struct mw_error *err);
/* "gpu-count=4", "gpu-h2d>=52": the figure's own unit. */
MW_MUST_USE int expect_take(struct expect_set *s, const char *text, struct mw_error *err);

/* The line for a figure of a part: of the highest rank that has one, one for the part before one
 * for all; NULL = none.  Several lines of one figure (>= and <=): `nth` counts them. */
const struct expect_line *expect_find(const struct expect_set *s, const char *name,
                                      const char *part, uint32_t nth);

/* Judges r->value, or r->word, by all lines that apply; fills verdict, expect and from (of the
 * first that is not met, else of the first).  No line: VERDICT_NOTED.  Another unit:
 * VERDICT_UNKNOWN. */
void expect_judge(const struct expect_set *s, struct check_row *r);

/* Whether the `match-` lines of a SKU's text say that it is for such a node; any one does. */
struct expect_node {
    const char *gpu; /* the model's name; "" = unknown */
    const char *pci; /* the PCI device id of its GPUs, "2330"; "" = none */
    const char *dmi; /* product name of the machine; "" = unknown */
};
bool expect_matches(const struct expect_set *s, const struct expect_node *n);

#endif

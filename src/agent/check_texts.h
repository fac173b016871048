/*
 * Texts that are compiled into mw-agent, so that one file can be copied to any
 * node: the expected values of each SKU (data/sku) and the kernels.  The
 * definitions are generated (tools/gen_check_texts.py).
 */
#ifndef MW_AGENT_CHECK_TEXTS_H
#define MW_AGENT_CHECK_TEXTS_H

#include <stddef.h>

struct check_text {
    const char *name; /* "hgx-h100" */
    const char *text; /* ended by '\0', which is not counted */
    size_t size;
};

/* data/sku, by name; ends with a NULL name. */
extern const struct check_text check_sku_texts[];
/* check_kernels.cu as NVRTC gets it. */
extern const char *const check_text_kernels;

#endif

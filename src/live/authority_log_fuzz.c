/*
 * Arbitrary lines as the list of tokens and certificates: each is folded or passed
 * over, and what is folded can be found.
 */
#include <string.h>

#include "live/authority_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    struct authority_log l = { .file = -1 };
    const char *at = (const char *)(size > 0 ? data : nothing), *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop != NULL ? stop : end) - at);
        int rc = authority_log_fold(&l, at, length);
        must(rc == 0 || rc == MW_ESYNTAX);
        at += length + 1;
    }
    for (uint32_t i = 0; i < l.tokens; i++) {
        must(strlen(l.token[i].id) < sizeof(l.token[i].id));
        must(authority_log_token(&l, l.token[i].id) == &l.token[i]);
    }
    for (uint32_t i = 0; i < l.nodes; i++) {
        must(authority_name_is_right(l.node[i].name));
        must(authority_log_node(&l, l.node[i].name) == &l.node[i]);
    }
    authority_log_close(&l);
    return 0;
}

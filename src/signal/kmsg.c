/*
 * The walk over the lines of one file; each line goes to the first reader that
 * knows it.
 */
#include "signal/kmsg.h"

#include <string.h>

#include "signal/kmsg_other.h"
#include "signal/kmsg_private.h"

#define LOOK_BYTES 4096

bool kmsg_is_text(const char *data, size_t size)
{
    size_t n = MW_MIN(size, (size_t)LOOK_BYTES), odd = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)data[i];
        odd += c == 0x7f || (c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b);
    }
    /* Consoles leave a few odd bytes; pictures, pickles and archives many. */
    return odd * 50 <= n;
}

int kmsg_diagnose(const struct kmsg_source *s, struct diagnoses *out, struct mw_error *err)
{
    struct kmsg_cursor c = { .data = s->data, .size = s->size };
    struct xids xids mw_cleanup(xids_fini) = { 0 };
    struct kmsg_line line;
    must(s->name != NULL && (s->data != NULL || s->size == 0));
    while (kmsg_next(&c, &line)) {
        if (line.length == 0 || xids_line(&xids, s, &line))
            continue;
        if (!kmsg_sxid(s, &line, out))
            (void)kmsg_pattern(s, &line, out);
    }
    if (xids.no_memory)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory", s->name);
    xids_verdicts(&xids, s, out);
    return 0;
}

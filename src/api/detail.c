/* Words of details.  See detail.h. */
#include "api/detail.h"

#include <string.h>

#include "live/policy.h"
#include "signal/xid.h"

static bool is(const char *class, enum live_class which)
{
    static const char *const name[] = {
#define X(e, class_name, effect, drain, count, gate_min, probation_s, heals, doc) [e] = class_name,
        LIVE_CLASSES(X)
#undef X
    };
    return strcmp(class, name[which]) == 0;
}

static void add_code(struct text *t, uint32_t code)
{
    char meaning[96];
    const struct xid_row *row = xid_find(code);
    const struct sxid_row *sxid = row ? NULL : sxid_find(code);
    if (row) {
        xid_meaning(row, meaning, sizeof(meaning));
        text_addf(t, "Xid %u: %s", code, meaning);
    } else if (sxid) {
        text_addf(t, "SXid %u: %s", code, sxid->name);
    } else {
        text_addf(t, "Xid %u, which no table knows", code);
    }
}

/* Of classes that say it all; the others are known by their code. */
static void add_doc(struct text *t, const char *class)
{
    static const uint8_t plain[] = { LIVE_NODE_SILENT, LIVE_AGENTS_SILENT, LIVE_ENGINE_SILENT,
                                     LIVE_ENGINE_NODE, LIVE_SLURMD, LIVE_DRIVER, LIVE_HOST,
                                     LIVE_SOURCE, LIVE_MODEL };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(plain); i++)
        if (is(class, (enum live_class)plain[i]))
            text_add(t, live_class_doc(plain[i]));
}

void api_finding_detail(struct text *t, const char *class, uint32_t detail)
{
    bool code = is(class, LIVE_GPU) || is(class, LIVE_GPU_SOON) || is(class, LIVE_NVLINK) ||
                is(class, LIVE_APP);
    const char *rule = live_detail_words(detail);
    if (is(class, LIVE_RANK))
        text_addf(t, "rank %u", detail);
    else if (rule != NULL)
        text_add(t, rule);
    else if (detail == 0)
        add_doc(t, class);
    else if (code)
        add_code(t, detail);
    else if (is(class, LIVE_DISK))
        text_addf(t, "%u.%u %% used", detail / 10, detail % 10);
}

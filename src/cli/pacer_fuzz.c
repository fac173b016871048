/*
 * Any wish for a replay: refused with a message and nothing changed, or taken,
 * and then the clock still goes on only, and not beyond the end.
 */
#include "cli/pacer.h"

#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pacer p = { .start_ns = 0, .end_ns = 30 * MW_NS_PER_DAY, .speed = 10800 };
    struct mw_error err = { 0 };
    pacer_begin(&p, 0);
    json_t *wish = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    if (wish == NULL)
        return 0;
    int rc = pacer_wish(&p, MW_NS_PER_S, p.end_ns, wish, &err);
    must(rc == 0 ? p.speed >= 0 : err.text[0] != '\0' && p.at_ns == 0);
    for (int64_t real_ns = MW_NS_PER_S, next_ns = p.at_ns; next_ns < p.end_ns;) {
        next_ns = MW_MIN(next_ns + MW_NS_PER_DAY, p.end_ns);
        int64_t wait_ns = pacer_wait_ns(&p, real_ns, next_ns);
        must(wait_ns >= 0);
        if (wait_ns == MW_NEVER)
            break;
        real_ns += wait_ns;
        int64_t now_ns = pacer_now(&p, real_ns, next_ns);
        must(now_ns >= p.at_ns && now_ns <= next_ns);
        pacer_came_to(&p, real_ns, next_ns);
    }
    json_decref(wish);
    return 0;
}

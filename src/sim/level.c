/* Time spent at each count.  See level.h. */
#include "sim/level.h"

#include "base/mem.h"

int level_init(struct level *l, uint32_t max)
{
    *l = (struct level){.max = max, .ns = mw_calloc((size_t)max + 1, sizeof(*l->ns))};
    return l->ns != NULL ? 0 : MW_ENOMEM;
}

void level_fini(struct level *l)
{
    mw_free(l->ns);
    *l = (struct level){0};
}

void level_begin(struct level *l, int64_t now_ns)
{
    if (l->since_ns == 0)
        l->since_ns = now_ns;
}

void level_move(struct level *l, bool up, int64_t now_ns)
{
    must(l->now <= l->max && (up ? l->now < l->max : l->now > 0));
    if (l->since_ns != 0 && now_ns > l->since_ns)
        l->ns[l->now] += now_ns - l->since_ns;
    l->since_ns = now_ns;
    l->now += up ? 1 : -1;
}

uint32_t level_quantile(const struct level *l, double share, int64_t now_ns)
{
    int64_t open_ns = l->since_ns != 0 ? MW_MAX(now_ns - l->since_ns, 0) : 0;
    double all = (double)open_ns, sum = 0.0;
    for (uint32_t i = 0; i <= l->max; i++)
        all += (double)l->ns[i];
    for (uint32_t i = 0; i <= l->max && all > 0.0; i++) {
        sum += (double)(l->ns[i] + (i == l->now ? open_ns : 0));
        if (sum >= share * all)
            return i;
    }
    return 0;
}

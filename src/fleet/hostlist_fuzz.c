/* Any bytes as a host list: refused with words, or every name is one, and written again they say
 * the same. */
#include <string.h>

#include "base/mem.h"
#include "fleet/hostlist.h"

#define KEPT_MAX 2000u /* lists of more names are only walked */

struct names {
    char *name[KEPT_MAX];
    uint32_t count;
    uint64_t sum; /* of all names, in any order */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t hash_of(const char *s)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    for (; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

static int keep(void *ctx, const char *name)
{
    struct names *n = ctx;
    must(name[0] != '\0' && strlen(name) < HOSTLIST_NAME_MAX && strpbrk(name, ",[]") == NULL);
    if (n->count < KEPT_MAX)
        n->name[n->count] = mw_strdup(name);
    n->count++;
    return 0;
}

static int add(void *ctx, const char *name)
{
    struct names *n = ctx;
    n->sum += hash_of(name);
    n->count++;
    return 0;
}

/* Names without those that came before: hostlist_add writes each once. */
static struct names once(const struct names *all)
{
    struct names n = { 0 };
    for (uint32_t i = 0; i < all->count; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < i && !seen; j++)
            seen = strcmp(all->name[i], all->name[j]) == 0;
        if (!seen)
            (void)add(&n, all->name[i]);
    }
    return n;
}

static void again(const struct names *n)
{
    struct text t = { 0 };
    struct names second = { 0 };
    struct names first = once(n);
    must(hostlist_add(&t, (const char *const *)(uintptr_t)n->name, n->count) == 0);
    must(hostlist_each(text_string(&t), add, &second, NULL) == 0);
    must(second.count == first.count && second.sum == first.sum);
    text_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct names n;
    struct mw_error err = { 0 };
    char *list = mw_strndup((const char *)data, size);
    must(list != NULL);
    n = (struct names){ 0 };
    int rc = hostlist_each(list, keep, &n, &err);
    must(rc == 0 || ((rc == MW_EINVAL || rc == MW_ELIMIT) && err.text[0] != '\0'));
    if (rc == 0 && n.count <= KEPT_MAX)
        again(&n);
    for (uint32_t i = 0; i < MW_MIN(n.count, KEPT_MAX); i++)
        mw_free(n.name[i]);
    mw_free(list);
    return 0;
}

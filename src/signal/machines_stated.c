/*
 * Conditions that a source states itself: a BMC's fan, a doubly mounted cable.
 * They are said again while they hold; who does not say one again for
 * MACHINES_STATED_MS, though it is connected, has left it.
 */
#include <string.h>

#include "signal/machines_private.h"

#define STATED_LEAST 4096u
#define STATED_PER_MACHINE 16u /* on average, at most */

/* Always ended: the array is larger than what is kept of the text. */
static void keep(char *to, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);
    memcpy(to, text, n);
    to[n] = '\0';
}

static uint32_t find(const struct machines *m, const struct machine *k,
                     const struct machine_condition *c)
{
    uint32_t s = k->stated;
    while (s != MW_NONE && (strncmp(m->stated[s].class, c->class, sizeof(m->stated[s].class) - 1) ||
                            strncmp(m->stated[s].name, c->name, sizeof(m->stated[s].name) - 1)))
        s = m->stated[s].next;
    return s;
}

static uint32_t take(struct machines *m, const struct machine *k)
{
    uint64_t limit = STATED_LEAST + (uint64_t)m->o.machines_max * STATED_PER_MACHINE;
    uint32_t s = m->stated_free;
    if (k->stateds == MACHINE_STATED_MAX)
        return MW_NONE;
    if (s != MW_NONE) {
        m->stated_free = m->stated[s].next;
        return s;
    }
    if (m->stateds == m->stateds_max) {
        uint64_t most = MW_MIN(m->stateds_max == 0 ? 64 : (uint64_t)m->stateds_max * 2, limit);
        struct stated *more =
            most > m->stateds_max ? mw_resize(m->stated, most, sizeof(*more)) : NULL;
        if (!more)
            return MW_NONE;
        m->stated = more;
        m->stateds_max = (uint32_t)most;
    }
    return m->stateds++;
}

static void drop(struct machines *m, uint32_t s)
{
    struct stated gone = m->stated[s];
    struct machine *k = &m->machine[gone.machine];
    uint32_t *link = &k->stated;
    while (*link != s)
        link = &m->stated[*link].next;
    *link = gone.next;
    k->stateds--;
    m->text_bytes -= strlen(gone.text) + 1;
    mw_free(gone.text);
    m->stated[s] = (struct stated){ .next = m->stated_free };
    m->stated_free = s;
}

struct machine_condition machines_stated_condition(const struct stated *s)
{
    return (struct machine_condition){ .since_ms = s->since_ms, .class = s->class,
                                       .name = s->name, .code = s->code, .text = s->text };
}

static void over(struct machines *m, uint32_t s)
{
    struct machine_condition c = machines_stated_condition(&m->stated[s]);
    m->stats.closed++;
    machines_say(m, m->stated[s].machine, &c, false);
    drop(m, s);
}

static bool set_text(struct machines *m, struct stated *s, const struct machine_condition *c)
{
    char *text = mw_strdup(c->text);
    if (!text)
        return false;
    m->text_bytes += strlen(text) + 1;
    m->text_bytes -= s->text ? strlen(s->text) + 1 : 0;
    mw_free(s->text);
    s->text = text;
    keep(s->code, sizeof(s->code), c->code);
    return true;
}

static uint32_t begin(struct machines *m, uint32_t machine, const struct machine_condition *c,
                      int64_t now_ms)
{
    struct machine *k = &m->machine[machine];
    uint32_t s = take(m, k);
    if (s == MW_NONE)
        return MW_NONE;
    struct stated *at = &m->stated[s];
    *at = (struct stated){ .since_ms = now_ms, .machine = machine, .next = k->stated };
    if (!set_text(m, at, c)) {
        *at = (struct stated){ .next = m->stated_free };
        m->stated_free = s;
        return MW_NONE;
    }
    at->used = true;
    keep(at->class, sizeof(at->class), c->class);
    keep(at->name, sizeof(at->name), c->name);
    k->stated = s;
    k->stateds++;
    m->stats.opened++;
    return s;
}

bool machines_stated(struct machines *m, uint32_t machine, const struct machine_condition *c,
                     bool up, int64_t now_ms)
{
    must(m && machine < m->count && c && c->class && c->name && c->code && c->text);
    uint32_t s = find(m, &m->machine[machine], c);
    bool known = s != MW_NONE;
    if (!up) {
        if (known)
            over(m, s);
        else /* the record may have it from before we began */
            machines_say(m, machine, c, false);
        return true;
    }
    if (!known && (s = begin(m, machine, c, now_ms)) == MW_NONE) {
        m->stats.left_out++;
        return false;
    }
    if (known && strcmp(m->stated[s].text, c->text) != 0)
        (void)set_text(m, &m->stated[s], c);
    m->stated[s].heard_ms = now_ms;
    struct machine_condition told = machines_stated_condition(&m->stated[s]);
    machines_say(m, machine, &told, true);
    return true;
}

void machines_stated_tick(struct machines *m, int64_t now_ms)
{
    for (uint32_t s = 0; s < m->stateds; s++) {
        struct stated *at = &m->stated[s];
        if (!at->used)
            continue;
        const struct machine *k = &m->machine[at->machine];
        if (now_ms - k->heard_ms >= MACHINES_SAY_AGAIN_MS)
            at->heard_ms = MW_MAX(at->heard_ms, k->heard_ms); /* nobody is there to say it */
        else if (now_ms - at->heard_ms >= MACHINES_STATED_MS)
            over(m, s);
    }
}

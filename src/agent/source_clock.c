/*
 * Whether the node's clock is kept: what the kernel says (adjtimex), and what
 * chrony says where it runs (chronyc -c tracking, once a minute).
 */
#include "agent/sources.h"

#include <stdlib.h>
#include <sys/timex.h>

#include "agent/program.h"

#define CHRONY_EVERY 6 /* reads */
#define CHRONY_MS 2000
#define SYSTEM_OFFSET 4 /* columns of chronyc -c tracking, from 0 */
#define ROOT_DELAY 10
#define ROOT_DISPERSION 11

struct clock_state {
    uint32_t reads;
    bool chrony; /* it answered the last time */
};

static int clock_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    (void)env;
    *ret_state = calloc(1, sizeof(struct clock_state));
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

/* "C0A80001,ntp1,3,1692.5,-0.000012345,…": seconds with nine decimals. */
static bool chrony_column(struct text line, uint32_t column, int64_t *ret_ns)
{
    struct text word;
    for (uint32_t i = 0; i <= column; i++)
        if (!text_before(&line, ',', &word))
            return false;
    return text_fixed(word, 9, ret_ns);
}

static bool read_chrony(struct samples *s)
{
    static const char *const argv[] = { "chronyc", "-c", "tracking", NULL };
    char data[1024];
    struct text t, line;
    int64_t offset, delay, dispersion;
    if (program_run(argv, data, sizeof(data), CHRONY_MS, &t, NULL) < 0 || !text_line(&t, &line) ||
        !chrony_column(line, SYSTEM_OFFSET, &offset) || !chrony_column(line, ROOT_DELAY, &delay) ||
        !chrony_column(line, ROOT_DISPERSION, &dispersion))
        return false;
    samples_put(s, M_CLOCK_OFFSET_US, 0, (double)offset / 1000.0);
    samples_put(s, M_CLOCK_ERROR_US, 0, ((double)dispersion + (double)delay / 2) / 1000.0);
    return true;
}

static int clock_read(void *state, const struct source_env *env, int64_t now_ms,
                      struct source_out *out, struct mw_error *err)
{
    struct clock_state *c = state;
    struct timex t = { .modes = 0 };
    (void)env, (void)now_ms;
    int rc = adjtimex(&t);
    if (rc >= 0)
        samples_put(out->samples, M_CLOCK_SYNCED, 0,
                    (t.status & STA_UNSYNC) == 0 && rc != TIME_ERROR);
    if (c->reads++ % CHRONY_EVERY == 0)
        c->chrony = read_chrony(out->samples);
    if (c->chrony)
        return 0;
    if (rc < 0)
        return mw_fail(err, MW_EDENIED, "adjtimex is not permitted, and chrony does not answer");
    samples_put(out->samples, M_CLOCK_OFFSET_US, 0,
                (double)t.offset / ((t.status & STA_NANO) != 0 ? 1000.0 : 1.0));
    samples_put(out->samples, M_CLOCK_ERROR_US, 0, (double)t.esterror);
    return 0;
}

const struct source source_clock = { "clock", 10000, 5000, WHERE_WORKER_SLOW, clock_open,
                                     clock_read, free };

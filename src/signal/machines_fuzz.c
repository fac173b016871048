/*
 * Arbitrary frames of samples into the hub, on two lines that open and close:
 * whatever they say, the window can be walked and ends at what is there now.
 */
#include <string.h>

#include "base/mem.h"
#include "signal/machines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t frames;
};

static void see(void *ctx, int64_t wall_ms, const struct machine_value *changed, uint32_t n)
{
    struct seen *s = ctx;
    (void)wall_ms;
    for (uint32_t i = 0; i < n; i++)
        must(changed[i].metric <= METRIC_NUMBER_MAX && changed[i].instance <= METRIC_INSTANCE_MAX);
    s->frames++;
}

static void check(const struct machines *m, uint32_t machine)
{
    struct seen s = { 0 };
    uint32_t here = machines_info(m, machine).series;
    struct machine_value *now = mw_calloc((size_t)here + 1, sizeof(*now));
    must(!now || machines_values(m, machine, now, here + 1) == here);
    mw_free(now);
    machines_walk(m, machine, 0, see, &s);
    machines_walk(m, machine, INT64_MAX, see, &s);
    must(s.frames == 0 || s.frames >= 2); /* each walk begins with the whole state */
    for (uint32_t k = 0; machines_condition(m, machine, k); k++)
        must(k < 70000);
}

/* Each frame: one byte of what to do, two of length, the bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct machines_options o = { .machines_max = 2, .ring_bytes = 200 };
    struct machines *m;
    int64_t now_ms = INT64_C(1700000000000);
    if (machines_create(&o, &m, NULL) < 0)
        return 0;
    uint32_t machine = machines_add(m, "n", 0), line[2];
    line[0] = machines_line_open(m, machine, false, "1", now_ms);
    line[1] = machines_line_open(m, machine, true, "1", now_ms);
    while (size >= 3) {
        struct sample_reader r;
        uint8_t what = data[0];
        size_t length = MW_MIN((size_t)data[1] | (size_t)(data[2] & 3) << 8, size - 3);
        now_ms += (int64_t)(data[2] >> 2) * 1000;
        uint32_t *l = &line[what & 1];
        if (what & 2) {
            machines_line_close(m, *l);
            *l = machines_line_open(m, machine, what & 1, "2", now_ms);
        }
        if (sample_reader_open(&r, data + 3, length, NULL) == 0)
            (void)!machines_samples(m, *l, now_ms, &r, NULL);
        (void)machines_tick(m, now_ms);
        data += 3 + length;
        size -= 3 + length;
    }
    check(m, machine);
    machines_destroy(m);
    return 0;
}

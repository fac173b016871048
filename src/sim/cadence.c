/*
 * Work, checkpoint, work, checkpoint, in closed form.
 */
#include "sim/cadence.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

static void work_for(struct cadence *c, int64_t wall_ms)
{
    c->work += wall_ms * c->speed_ppm;
    c->phase += wall_ms * c->speed_ppm;
}

static void write_begin(struct cadence *c)
{
    c->phase = 0;
    c->write_left_ms = c->write_ms;
    if (c->write_ms == 0)
        c->saved = c->work;
}

/* Writes for at most left_ms; returns what is left of it. */
static int64_t write_some(struct cadence *c, int64_t left_ms)
{
    if (c->write_left_ms == 0)
        return left_ms;
    int64_t wall_ms = MW_MIN(left_ms, c->write_left_ms);
    c->write_left_ms -= wall_ms;
    c->checkpoint_ms += wall_ms;
    if (c->write_left_ms == 0)
        c->saved = c->work;
    return left_ms - wall_ms;
}

/* Wall time of work until the next checkpoint begins; at least 1. */
static int64_t until_write_ms(const struct cadence *c)
{
    return ceil_div(c->interval - c->phase, c->speed_ppm);
}

void cadence_begin(struct cadence *c, int64_t at_ms, int64_t from_ms, int64_t interval_ms,
                   int64_t write_ms)
{
    must(from_ms >= 0 && from_ms <= CADENCE_WORK_MS_MAX && write_ms >= 0 && interval_ms >= 0);
    int64_t work = from_ms * CADENCE_UNIT;
    int64_t interval = MW_MIN(interval_ms, CADENCE_WORK_MS_MAX) * CADENCE_UNIT;
    *c = (struct cadence){.at_ms = at_ms, .work = work, .saved = work, .interval = interval,
                          .write_ms = write_ms, .speed_ppm = CADENCE_SPEED_FULL};
}

/* One stretch of work up to the next checkpoint, and that checkpoint; returns what is left. */
static int64_t one_cycle(struct cadence *c, int64_t left_ms)
{
    int64_t wall_ms = until_write_ms(c);
    if (left_ms < wall_ms) {
        work_for(c, left_ms);
        return 0;
    }
    work_for(c, wall_ms);
    write_begin(c);
    return write_some(c, left_ms - wall_ms);
}

void cadence_advance(struct cadence *c, int64_t to_ms)
{
    must(to_ms >= c->at_ms);
    int64_t left_ms = write_some(c, to_ms - c->at_ms);
    c->at_ms = to_ms;
    if (c->interval == 0) {
        work_for(c, left_ms);
        return;
    }
    if (left_ms > 0)
        left_ms = one_cycle(c, left_ms);
    if (left_ms == 0)
        return;
    must(c->phase == 0 && c->write_left_ms == 0);
    int64_t each_ms = until_write_ms(c);
    int64_t cycles = left_ms / (each_ms + c->write_ms);
    if (cycles > 0) {
        c->work += cycles * each_ms * c->speed_ppm;
        c->saved = c->work;
        c->checkpoint_ms += cycles * c->write_ms;
    }
    left_ms -= cycles * (each_ms + c->write_ms);
    if (left_ms > 0)
        left_ms = one_cycle(c, left_ms);
    must(left_ms == 0);
}

void cadence_speed(struct cadence *c, int64_t speed_ppm)
{
    must(speed_ppm >= CADENCE_SPEED_MIN && speed_ppm <= CADENCE_SPEED_FULL);
    c->speed_ppm = speed_ppm;
}

void cadence_write_now(struct cadence *c)
{
    if (c->write_left_ms == 0)
        write_begin(c);
}

int64_t cadence_reaches_ms(const struct cadence *c, int64_t work_ms)
{
    must(work_ms >= 0 && work_ms <= CADENCE_WORK_MS_MAX);
    int64_t left = work_ms * CADENCE_UNIT - c->work;
    if (left <= 0)
        return c->at_ms;
    int64_t wall_ms = c->write_left_ms;
    if (c->interval == 0)
        return c->at_ms + wall_ms + ceil_div(left, c->speed_ppm);
    int64_t first_ms = until_write_ms(c);
    if (ceil_div(left, c->speed_ppm) <= first_ms)
        return c->at_ms + wall_ms + ceil_div(left, c->speed_ppm);
    left -= first_ms * c->speed_ppm;
    wall_ms += first_ms + c->write_ms;
    int64_t each_ms = ceil_div(c->interval, c->speed_ppm);
    int64_t cycles = (left - 1) / (each_ms * c->speed_ppm);
    left -= cycles * each_ms * c->speed_ppm;
    wall_ms += cycles * (each_ms + c->write_ms);
    return c->at_ms + wall_ms + ceil_div(left, c->speed_ppm);
}

int64_t cadence_saves_ms(const struct cadence *c)
{
    if (c->write_left_ms > 0)
        return c->at_ms + c->write_left_ms;
    if (c->interval == 0)
        return MW_NEVER;
    return c->at_ms + until_write_ms(c) + c->write_ms;
}

/* Simulated against real time.  See pacer.h. */
#include "cli/pacer.h"

#include <string.h>

#include "base/format.h"
#include "base/parse.h"
#include "base/units.h"

#define LATE_NS (250 * MW_NS_PER_MS) /* chosen: what a person sees as a jump when it is made up */
#define WAIT_NS_MAX (100 * MW_NS_PER_DAY) /* real time; keeps sums in range */

static bool hurries(const struct pacer *p)
{
    return p->seek != SEEK_NONE || (p->speed <= 0 && !p->paused);
}

/* From this moment on it goes on from at_ns. */
static void anchor(struct pacer *p, int64_t real_ns, int64_t at_ns)
{
    p->at_ns = MW_MAX(p->at_ns, at_ns);
    p->real_ns = real_ns;
}

void pacer_begin(struct pacer *p, int64_t real_ns)
{
    must(p->start_ns < p->end_ns && p->speed >= 0);
    p->at_ns = p->start_ns;
    p->real_ns = real_ns;
}

int64_t pacer_now(const struct pacer *p, int64_t real_ns, int64_t next_ns)
{
    int64_t most_ns = MW_MAX(MW_MIN(next_ns, p->end_ns), p->at_ns);
    if (p->paused || p->ended || hurries(p))
        return p->at_ns;
    double passed = (double)MW_MAX(real_ns - p->real_ns, 0) * p->speed;
    return passed >= (double)(most_ns - p->at_ns) ? most_ns : p->at_ns + (int64_t)passed;
}

/* What was sought is found at at_ns. */
static void found(struct pacer *p, int64_t real_ns, int64_t at_ns)
{
    p->seek = SEEK_NONE;
    anchor(p, real_ns, at_ns);
}

int64_t pacer_wait_ns(struct pacer *p, int64_t real_ns, int64_t next_ns)
{
    if (p->ended)
        return MW_NEVER;
    if (p->seek == SEEK_TIME && next_ns > p->seek_ns)
        found(p, real_ns, p->seek_ns);
    if (hurries(p))
        return 0;
    if (p->paused)
        return MW_NEVER;
    double wait = (double)(next_ns - p->at_ns) / p->speed - (double)(real_ns - p->real_ns);
    if (wait <= 0)
        return 0;
    int64_t whole_ns = (int64_t)MW_MIN(wait, (double)WAIT_NS_MAX);
    return whole_ns + ((double)whole_ns < wait); /* not a moment too early */
}

void pacer_came_to(struct pacer *p, int64_t real_ns, int64_t at_ns)
{
    if (at_ns < p->at_ns)
        return;
    if (p->paused || hurries(p)) {
        anchor(p, real_ns, at_ns);
        return;
    }
    double late = (double)(real_ns - p->real_ns) - (double)(at_ns - p->at_ns) / p->speed;
    if (late > (double)LATE_NS)
        anchor(p, real_ns, at_ns);
}

void pacer_incident(struct pacer *p, int64_t real_ns, int64_t at_ns)
{
    if (p->seek == SEEK_INCIDENT)
        found(p, real_ns, at_ns);
}

void pacer_end(struct pacer *p)
{
    p->ended = true;
    p->seek = SEEK_NONE;
    p->at_ns = p->end_ns;
}

/* ---- wishes -------------------------------------------------------------------------------- */

static int read_speed(struct pacer *p, const json_t *v, struct mw_error *err)
{
    double x = json_is_number(v) ? json_number_value(v) : -1;
    if (!(x >= 0 && x <= PACER_SPEED_MAX))
        return mw_fail(err, MW_EINVAL, "\"speed\": simulated seconds a second, 0 (as fast as it "
                       "goes) to %.0f", PACER_SPEED_MAX);
    p->speed = x;
    return 0;
}

static int read_paused(struct pacer *p, const json_t *v, struct mw_error *err)
{
    if (!json_is_boolean(v))
        return mw_fail(err, MW_EINVAL, "\"paused\": true or false");
    p->paused = json_is_true(v);
    return 0;
}

static int read_until(struct pacer *p, const json_t *v, struct mw_error *err)
{
    const char *word = json_string_value(v);
    char from[40], to[40];
    if (word != NULL && strcmp(word, "incident") == 0) {
        p->seek = SEEK_INCIDENT;
        return 0;
    }
    if (word == NULL || mw_parse_time(word, &p->seek_ns) != 0)
        return mw_fail(err, MW_EINVAL, "\"until\": \"incident\", or a time such as "
                       "\"2024-01-31T05:06:07Z\"");
    mw_format_time(p->at_ns, from, sizeof(from));
    mw_format_time(p->end_ns, to, sizeof(to));
    if (p->seek_ns <= p->at_ns || p->seek_ns > p->end_ns)
        return mw_fail(err, MW_EINVAL, "\"until\": time only goes on: after %s, which it is now, "
                       "and up to %s, where the replay ends", from, to);
    p->seek = SEEK_TIME;
    return 0;
}

static int read_key(struct pacer *p, const char *key, const json_t *v, struct mw_error *err)
{
    if (strcmp(key, "speed") == 0)
        return read_speed(p, v, err);
    if (strcmp(key, "paused") == 0)
        return read_paused(p, v, err);
    if (strcmp(key, "until") == 0)
        return read_until(p, v, err);
    return mw_fail(err, MW_EINVAL, "\"%.40s\" is no key of a replay: speed, paused, until", key);
}

int pacer_wish(struct pacer *p, int64_t real_ns, int64_t next_ns, const json_t *wish,
               struct mw_error *err)
{
    struct pacer wished = *p;
    const char *key;
    json_t *v;
    if (!json_is_object(wish) || json_object_size(wish) == 0)
        return mw_fail(err, MW_EINVAL, "an object with speed, paused or until");
    if (p->ended)
        return mw_fail(err, MW_ECONFLICT, "the replay is at its end: start it again to see more");
    anchor(&wished, real_ns, pacer_now(p, real_ns, next_ns));
    wished.seek = SEEK_NONE;
    json_object_foreach((json_t *)(uintptr_t)wish, key, v) {
        int rc = read_key(&wished, key, v, err);
        if (rc < 0)
            return rc;
    }
    *p = wished;
    return 0;
}

const char *pacer_state(const struct pacer *p)
{
    if (p->ended)
        return "ended";
    if (p->seek != SEEK_NONE)
        return "seeking";
    return p->paused ? "paused" : "playing";
}

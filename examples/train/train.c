/*
 * One rank of a data-parallel training run that can be killed at any moment and
 * goes on from its last checkpoint, to the same bits as if nothing had happened.
 *
 * A step: the batch is split into 16 shards; each rank sums the gradients of its
 * shards, and the ranks' sums are added in one fixed tree (group.h), so that the
 * weights depend neither on timing, nor on the nodes, nor on the number of ranks.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "checkpoint.h"
#include "files.h"
#include "maths.h"
#include "report.h"
#include "settings.h"

enum { SUM_LOSS = NET_WEIGHTS, SUM_RIGHT, SUM_SAVE, SUM_STOP, SUM_SIZE };

struct run {
    const struct settings *s;
    struct group group;
    struct curve curve;
    char curve_path[FILES_PATH];
    struct report report;
    struct net net;
    uint64_t step, high; /* steps done; done by earlier attempts */
    float sum[SHARDS][SUM_SIZE];
};

static int is_first(const struct run *r)
{
    return r->s->group.rank == 0;
}

/* SIGTERM and SIGUSR1 stay blocked and are looked at between steps: nothing is interrupted. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error like others */
    signal(SIGPIPE, SIG_IGN);
}

static int take_signal(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return sigtimedwait(&set, NULL, &(struct timespec){0}) == number;
}

static void read_signals(float *ret_save, float *ret_stop, int exit_on_term)
{
    int term = take_signal(SIGTERM), user = take_signal(SIGUSR1);
    *ret_save = (float)(term || user);
    *ret_stop = (float)(term && exit_on_term);
}

/* This rank's shards of the batch, summed: the lower levels of the tree. */
static void learn(struct run *r)
{
    uint32_t count = (uint32_t)(SHARDS / r->s->group.ranks);
    uint32_t first = count * (uint32_t)r->s->group.rank, size = r->s->recipe.batch / SHARDS;
    uint64_t seed = r->s->recipe.seed;
    for (uint32_t k = 0; k < count; k++) {
        float *sum = r->sum[k];
        memset(sum, 0, sizeof r->sum[k]);
        for (uint32_t i = 0; i < size; i++) {
            struct digit d;
            int right = 0;
            digit_make(seed, digit_order(seed, r->step, (first + k) * size + i), &d);
            sum[SUM_LOSS] += net_learn(&r->net, &d, sum, &right);
            sum[SUM_RIGHT] += (float)right;
        }
    }
    for (uint32_t apart = 1; apart < count; apart *= 2)
        for (uint32_t k = 0; k < count; k += 2 * apart)
            for (int i = 0; i < SUM_SIZE; i++)
                r->sum[k][i] += r->sum[k + apart][i];
    read_signals(&r->sum[0][SUM_SAVE], &r->sum[0][SUM_STOP], r->s->exit_on_term);
}

static int save(struct run *r, struct problem *p)
{
    int64_t begin_ns = report_now_ns();
    int code = curve_sync(&r->curve, p); /* first: a checkpoint vouches for its curve */
    struct checkpoint c = {.recipe = r->s->recipe, .step = r->step,
                           .curve_bytes = r->curve.bytes, .curve_crc = r->curve.crc};
    if (code == 0)
        code = checkpoint_save(r->s->dir, &c, &r->net, p);
    if (code != 0)
        return code;
    report_saved(&r->report, r->step, report_now_ns() - begin_ns);
    return 0;
}

static int one_step(struct run *r, struct problem *p)
{
    const struct recipe *recipe = &r->s->recipe;
    learn(r);
    float *sum = r->sum[0], batch = (float)recipe->batch;
    uint32_t state = crc32_of(0, r->net.weight, sizeof r->net.weight);
    int code = group_sum(&r->group, sum, SUM_SIZE, r->step, state, p);
    if (code != 0)
        return code;
    float left = 1 - (float)r->step / (float)recipe->steps; /* the rate falls to 0 */
    for (int i = 0; i < NET_WEIGHTS; i++)
        sum[i] /= batch;
    net_update(&r->net, sum, recipe->rate * left, recipe->momentum);
    r->step++;
    if (is_first(r))
        code = curve_add(&r->curve, r->step, sum[SUM_LOSS] / batch, p);
    return code;
}

/* Keeps the pace; tells of the step. */
static int after_step(struct run *r, uint64_t first, int64_t begin_ns, struct problem *p)
{
    int code = 0;
    int64_t spent_ms = (report_now_ns() - begin_ns) / 1000000;
    if (spent_ms < r->s->pace_ms)
        code = group_wait(&r->group, r->s->pace_ms - (int)spent_ms, p);
    r->report.step_ns = report_now_ns() - begin_ns;
    if (r->step == first + 1)
        report_phase(&r->report, "first-step", r->step, 0);
    if (r->step == r->high)
        report_phase(&r->report, "caught-up", r->step, 0);
    report_progress(&r->report, r->step, 0);
    return code;
}

/* Nobody ends before rank 0 has saved: Slurm ends a whole step when one rank has failed. */
static int stop(struct run *r, struct problem *p)
{
    int saved = 1, code = group_broadcast(&r->group, &saved, sizeof saved, p);
    if (code != 0)
        return code;
    return fail(p, END_STOPPED, 0, "told to stop; saved at step %llu",
                (unsigned long long)r->step);
}

static int train(struct run *r, struct problem *p)
{
    uint64_t first = r->step, steps = r->s->recipe.steps;
    while (r->step < steps) {
        int64_t begin_ns = report_now_ns();
        int code = one_step(r, p);
        if (code != 0)
            return code;
        int ending = r->sum[0][SUM_STOP] > 0 || r->step == r->s->stop_at;
        int due = r->step % r->s->every == 0 || r->step == steps || ending ||
                  r->sum[0][SUM_SAVE] > 0;
        if (due && is_first(r) && (code = save(r, p)) != 0)
            return code;
        if (r->step == steps)
            break;
        if (ending)
            return stop(r, p);
        if ((code = after_step(r, first, begin_ns, p)) != 0)
            return code;
    }
    return 0;
}

/* Rank 0: the state of the newest checkpoint, and the curve cut to it. */
static int load(struct run *r, struct problem *p)
{
    struct checkpoint found;
    snprintf(r->curve_path, sizeof r->curve_path, "%s/curve.txt", r->s->dir);
    int code = curve_open(&r->curve, r->curve_path, &r->high, p);
    if (code == 0)
        code = checkpoint_load(r->s->dir, &r->s->recipe, &r->curve, &found, &r->net, p);
    if (code == 0)
        code = curve_cut(&r->curve, found.curve_bytes, found.curve_crc, p);
    r->step = r->report.saved = code == 0 ? found.step : 0;
    return code;
}

static int start(struct run *r, struct problem *p)
{
    struct { uint64_t step, high; } where;
    net_init(&r->net, r->s->recipe.seed);
    int code = is_first(r) ? files_lock(r->s->dir, r->s->group.join_ms, p) : 0;
    if (code == 0)
        code = group_join(&r->group, &r->s->group, p);
    if (code != 0)
        return code;
    report_phase(&r->report, "joined", 0, 0);
    if (is_first(r) && (code = load(r, p)) != 0)
        return code;
    where.step = r->step;
    where.high = r->high;
    code = group_broadcast(&r->group, &where, sizeof where, p);
    if (code == 0)
        code = group_broadcast(&r->group, &r->net, sizeof r->net, p);
    r->step = where.step;
    r->high = where.high;
    if (code == 0)
        report_phase(&r->report, "loaded", r->step, 0);
    if (code == 0 && r->high > 0 && r->high <= r->step)
        report_phase(&r->report, "caught-up", r->step, 0); /* nothing was lost */
    return code;
}

/* Rank 0 writes the weights and measures them on pictures that were not trained on. */
static int finish(struct run *r, struct problem *p)
{
    int code = 0, right = 0;
    if (is_first(r)) {
        struct piece piece = {r->net.weight, sizeof r->net.weight};
        code = files_write(r->s->dir, "weights.bin", &piece, 1, p);
        for (uint32_t i = 0; i < DIGITS_TEST; i++) {
            struct digit d;
            digit_make(r->s->recipe.seed, DIGITS_TRAIN + i, &d);
            right += net_guess(&r->net, &d);
        }
        if (code == 0)
            printf("step %llu, weights %08x, %.2f %% of %d test pictures right\n",
                   (unsigned long long)r->step, crc32_of(0, piece.data, piece.size),
                   100.0 * right / DIGITS_TEST, DIGITS_TEST);
    }
    /* The others end well only when rank 0 has. */
    return code == 0 ? group_broadcast(&r->group, &code, sizeof code, p) : code;
}

static int run_rank(const struct settings *s)
{
    struct problem p = {""};
    struct run *r = calloc(1, sizeof *r);
    if (r == NULL) {
        say(s->group.rank, "out of memory");
        return END_DISK;
    }
    r->s = s;
    r->curve.fd = -1;
    report_open(&r->report, s);
    report_phase(&r->report, "started", 0, 0);
    int code = start(r, &p);
    if (code == 0)
        code = train(r, &p);
    if (code == 0)
        code = finish(r, &p);
    if (code != 0)
        say(s->group.rank, "%s", p.text);
    report_end(&r->report, r->step, code);
    group_leave(&r->group);
    curve_close(&r->curve);
    free(r);
    return code;
}

int main(int argc, char **argv)
{
    struct settings s;
    struct problem p;
    int code = settings_read(argc, argv, &s, &p);
    if (code < 0)
        return 0;
    if (code == 0 && mkdir(s.dir, 0755) != 0 && errno != EEXIST)
        code = fail(&p, END_DISK, errno, "cannot make --dir %s", s.dir);
    if (code != 0) {
        fprintf(stderr, "train: %s\n", p.text);
        return code;
    }
    block_signals();
    return run_rank(&s);
}

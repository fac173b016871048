/*
 * The example training program without Slurm: it ends with the same bits however
 * many ranks compute, whoever is killed and whatever the disk does.
 *
 * usage: train_test PROGRAM
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "base/base.h"
#include "base/random.h"
#include "tests/drill/ranks.h"

enum { STEPS = 120, EVERY = 20, PATIENCE_MS = 60000, KILLS = 6, SEED = 11 };

#define RECIPE "--steps", "120", "--every", "20", "--batch", "16", "--silence", "5000"
static const char *const PLAIN[] = {RECIPE, NULL};
static const char *const SLOW[] = {RECIPE, "--pace", "8", NULL}; /* room to kill in */

struct bench {
    const char *program;
    struct ranks calm; /* a run that nobody disturbed, on one rank */
};

static void assert_calm_bits(const struct bench *b, const struct ranks *r)
{
    assert_true(ranks_done(r));
    assert_true(ranks_same(&b->calm, r, "weights.bin"));
    assert_true(ranks_same(&b->calm, r, "curve.txt"));
}

/* Starts all ranks again, undisturbed, to the end. */
static void assert_resumes(const struct bench *b, struct ranks *r)
{
    r->file_limit = 0;
    ranks_start(r, PLAIN);
    assert_true(ranks_wait(r, PATIENCE_MS));
    assert_calm_bits(b, r);
}

static void two_four_and_eight_ranks_end_with_the_bits_of_one(void **state)
{
    struct bench *b = *state;
    for (int count = 2; count <= 8; count *= 2) {
        struct ranks r;
        ranks_init(&r, b->program, count);
        assert_resumes(b, &r);
        ranks_fini(&r);
    }
}

static void it_learns(void **state)
{
    struct bench *b = *state;
    assert_true(ranks_loss(&b->calm, 1, 20) > 2); /* ln 10 = 2.3: it knows nothing */
    assert_true(ranks_loss(&b->calm, 101, 120) < 2);
    /* Committed: the same with every compiler, at every optimisation. */
    assert_true(ranks_holds(&b->calm, "said.txt", "step 120, weights 9ec1f140, "));
    assert_int_equal(ranks_size(&b->calm, "weights.bin"), 26122 * 4);
}

/* Kills a rank at a step and somewhere within it; the others must end by themselves.  False when
 * this machine was so slow to kill that the run had ended. */
static bool kill_one(struct ranks *r, uint64_t nth)
{
    uint64_t bits = mw_random_u64(SEED, 0, 0, nth);
    int victim = (int)(bits % (uint64_t)r->count);
    ranks_reach(r, nth * STEPS / (KILLS + 1) + bits / 8 % 10, PATIENCE_MS);
    ranks_sleep_ms((int)(bits / 128 % 9));
    kill(r->pid[victim], SIGKILL);
    assert_true(ranks_wait(r, PATIENCE_MS));
    if (ranks_done(r))
        return false;
    for (int i = 0; i < r->count; i++)
        assert_int_equal(ranks_code(r, i), i == victim ? 128 + SIGKILL : 75);
    return true;
}

static void ranks_killed_at_random_moments_leave_the_same_bits(void **state)
{
    struct bench *b = *state;
    struct ranks r;
    int killed = 0;
    ranks_init(&r, b->program, 4);
    for (uint64_t nth = 0; nth < KILLS; nth++) {
        ranks_start(&r, SLOW);
        killed += kill_one(&r, nth);
    }
    assert_true(killed > 0);
    assert_resumes(b, &r);
    assert_true(ranks_holds(&r, "phases-0.log", "phase=caught-up"));
    ranks_fini(&r);
}

/* A run that has done 40 steps and left two checkpoints. */
static void stop_half_way(const struct bench *b, struct ranks *r)
{
    static const char *const half[] = {RECIPE, "--stop-at", "40", NULL};
    ranks_init(r, b->program, 2);
    ranks_start(r, half);
    assert_true(ranks_wait(r, PATIENCE_MS));
    assert_int_equal(ranks_code(r, 0), 85);
    assert_int_equal(ranks_code(r, 1), 85);
    assert_true(ranks_size(r, "checkpoint-0000000020.bin") > 0);
    assert_true(ranks_size(r, "checkpoint-0000000040.bin") > 0);
}

static void a_damaged_checkpoint_is_refused_and_the_one_before_is_used(void **state)
{
    struct bench *b = *state;
    struct ranks r;
    stop_half_way(b, &r);
    ranks_flip(&r, "checkpoint-0000000040.bin", 100000);
    assert_resumes(b, &r);
    assert_true(ranks_holds(&r, "said.txt", "is damaged: its checksum is wrong; the one before"));
    assert_true(ranks_holds(&r, "phases-0.log", "phase=loaded step=20"));
    ranks_fini(&r);
}

static void a_torn_checkpoint_is_refused_and_the_one_before_is_used(void **state)
{
    struct bench *b = *state;
    struct ranks r;
    stop_half_way(b, &r);
    ranks_cut(&r, "checkpoint-0000000040.bin", 209051);
    assert_resumes(b, &r);
    assert_true(ranks_holds(&r, "said.txt", "is torn: it ends early; the one before is used"));
    assert_true(ranks_holds(&r, "phases-0.log", "phase=loaded step=20"));
    ranks_fini(&r);
}

static void a_checkpoint_whose_loss_curve_was_lost_is_refused(void **state)
{
    struct bench *b = *state;
    struct ranks r;
    stop_half_way(b, &r);
    ranks_flip(&r, "curve.txt", 3);
    assert_resumes(b, &r);
    assert_true(ranks_holds(&r, "said.txt", "does not fit the loss curve"));
    assert_true(ranks_holds(&r, "phases-0.log", "phase=loaded step=0"));
    ranks_fini(&r);
}

static void a_full_disk_is_named_and_the_older_checkpoint_stays_whole(void **state)
{
    struct bench *b = *state;
    struct ranks r;
    stop_half_way(b, &r);
    r.file_limit = 100000; /* a checkpoint is larger, the curve is not */
    ranks_start(&r, PLAIN);
    assert_true(ranks_wait(&r, PATIENCE_MS));
    assert_int_equal(ranks_code(&r, 0), 74);
    assert_int_equal(ranks_code(&r, 1), 75);
    assert_true(ranks_holds(&r, "said.txt", "/checkpoint-0000000060.bin: File too large"));
    assert_int_equal(ranks_size(&r, "checkpoint-0000000060.bin"), -1);
    assert_true(ranks_size(&r, "checkpoint-0000000040.bin") > 0);
    assert_resumes(b, &r);
    ranks_fini(&r);
}

static void sigterm_saves_and_ends_and_sigusr1_saves_and_goes_on(void **state)
{
    struct bench *b = *state;
    static const char *const unsaved[] = {RECIPE, "--every", "1000", "--pace", "30", NULL};
    struct ranks r;
    ranks_init(&r, b->program, 2);
    ranks_start(&r, unsaved);
    ranks_reach(&r, 3, PATIENCE_MS);
    kill(r.pid[1], SIGUSR1); /* told to any one rank, all do it together */
    for (int i = 0; i < 500 && !ranks_holds(&r, "phases-0.log", "phase=saved"); i++)
        ranks_sleep_ms(10);
    assert_true(ranks_holds(&r, "phases-0.log", "phase=saved"));
    kill(r.pid[1], SIGTERM);
    assert_true(ranks_wait(&r, PATIENCE_MS));
    assert_int_equal(ranks_code(&r, 0), 85);
    assert_int_equal(ranks_code(&r, 1), 85);
    assert_resumes(b, &r);
    assert_true(ranks_holds(&r, "said.txt", "told to stop; saved at step"));
    ranks_fini(&r);
}

static void a_silent_rank_ends_the_others_in_time(void **state)
{
    struct bench *b = *state;
    static const char *const quick[] = {RECIPE, "--pace", "8", "--silence", "300", NULL};
    struct ranks r;
    ranks_init(&r, b->program, 2);
    ranks_start(&r, quick);
    ranks_reach(&r, 5, PATIENCE_MS);
    kill(r.pid[1], SIGSTOP);
    assert_false(ranks_wait(&r, 800)); /* the stopped one is still there */
    assert_int_equal(r.pid[0], 0);
    assert_int_equal(ranks_code(&r, 0), 75);
    assert_true(ranks_holds(&r, "said.txt", "rank 1 silent for 300 ms"));
    kill(r.pid[1], SIGKILL);
    assert_true(ranks_wait(&r, PATIENCE_MS));
    assert_resumes(b, &r);
    ranks_fini(&r);
}

static void a_rank_of_an_earlier_attempt_is_not_taken_for_ours(void **state)
{
    struct bench *b = *state;
    static const char *const old[] = {RECIPE, "--key", "7.0.0", "--join", "700", NULL};
    static const char *const new[] = {RECIPE, "--key", "7.1.0", NULL};
    struct ranks r, stray;
    ranks_init(&r, b->program, 2);
    stray = r;
    ranks_start_one(&stray, 1, old); /* looks for a rank 0 that is no more */
    ranks_start(&r, new);
    assert_true(ranks_wait(&r, PATIENCE_MS));
    assert_calm_bits(b, &r);
    stray.count = 2;
    assert_true(ranks_wait(&stray, PATIENCE_MS));
    assert_int_equal(ranks_code(&stray, 1), 75);
    ranks_fini(&r);
}

static void a_run_that_still_lives_keeps_its_folder_to_itself(void **state)
{
    struct bench *b = *state;
    static const char *const impatient[] = {RECIPE, "--key", "2", "--join", "200", NULL};
    struct ranks r, second;
    ranks_init(&r, b->program, 1);
    second = r;
    ranks_start(&r, SLOW);
    ranks_reach(&r, 3, PATIENCE_MS);
    kill(r.pid[0], SIGSTOP); /* as behind a cut link */
    ranks_start(&second, impatient);
    assert_true(ranks_wait(&second, PATIENCE_MS));
    assert_int_equal(ranks_code(&second, 0), 75);
    assert_true(ranks_holds(&r, "said.txt", "/lock since 200 ms"));
    kill(r.pid[0], SIGCONT);
    assert_true(ranks_wait(&r, PATIENCE_MS));
    assert_calm_bits(b, &r);
    ranks_fini(&r);
}

static void another_recipe_is_refused_and_touches_nothing(void **state)
{
    struct bench *b = *state;
    static const char *const other[] = {RECIPE, "--seed", "2", NULL};
    struct ranks r;
    stop_half_way(b, &r);
    ranks_start(&r, other);
    assert_true(ranks_wait(&r, PATIENCE_MS));
    assert_int_equal(ranks_code(&r, 0), 64);
    assert_true(ranks_holds(&r, "said.txt", "is of another run (seed 1, 120 steps, batch 16)"));
    assert_resumes(b, &r);
    ranks_fini(&r);
}

static void wrong_options_name_what_is_wrong(void **state)
{
    struct bench *b = *state;
    static const char *const wrong[][4] = {
        {"--steps", "0", NULL}, {"--ranks", "3", NULL}, {"--on-term", "later", NULL},
        {"--rank", "4", NULL}, {"--batch", "50", NULL}, {"surplus", NULL},
    };
    static const char *const said[] = {
        "--steps 0: a whole number from 1", "3 ranks: 1, 2, 4, 8 or 16", "it is exit or continue",
        "rank 4 of 1", "a multiple of 16", "'surplus' is no option",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ranks r;
        ranks_init(&r, b->program, 1);
        ranks_start(&r, wrong[i]);
        assert_true(ranks_wait(&r, PATIENCE_MS));
        assert_int_equal(ranks_code(&r, 0), 64);
        assert_true(ranks_holds(&r, "said.txt", said[i]));
        ranks_fini(&r);
    }
}

static int set_up(void **state)
{
    struct bench *b = *state;
    ranks_init(&b->calm, b->program, 1);
    ranks_start(&b->calm, PLAIN);
    return ranks_wait(&b->calm, PATIENCE_MS) && ranks_done(&b->calm) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    ranks_fini(&b->calm);
    return 0;
}

int main(int argc, char **argv)
{
    must(argc == 2);
    struct bench b = {.program = argv[1]};
#define WITH_BENCH(f) cmocka_unit_test_prestate(f, &b)
    const struct CMUnitTest tests[] = {
        WITH_BENCH(it_learns),
        WITH_BENCH(two_four_and_eight_ranks_end_with_the_bits_of_one),
        WITH_BENCH(ranks_killed_at_random_moments_leave_the_same_bits),
        WITH_BENCH(a_damaged_checkpoint_is_refused_and_the_one_before_is_used),
        WITH_BENCH(a_torn_checkpoint_is_refused_and_the_one_before_is_used),
        WITH_BENCH(a_checkpoint_whose_loss_curve_was_lost_is_refused),
        WITH_BENCH(a_full_disk_is_named_and_the_older_checkpoint_stays_whole),
        WITH_BENCH(sigterm_saves_and_ends_and_sigusr1_saves_and_goes_on),
        WITH_BENCH(a_silent_rank_ends_the_others_in_time),
        WITH_BENCH(a_rank_of_an_earlier_attempt_is_not_taken_for_ours),
        WITH_BENCH(a_run_that_still_lives_keeps_its_folder_to_itself),
        WITH_BENCH(another_recipe_is_refused_and_touches_nothing),
        WITH_BENCH(wrong_options_name_what_is_wrong),
    };
    void *state = &b; /* the group's set-up has no prestate: it is called by hand */
    if (set_up(&state) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tear_down(&state);
    return failed;
}

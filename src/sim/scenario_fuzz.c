/* Any bytes: a scenario is refused with at least one mistake named, or every number of it is in the
 * bounds that the simulator relies on. */
#include <string.h>

#include "base/mem.h"
#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_processes(const struct scenario *s)
{
    must(s->processes <= SCENARIO_PROCESSES_MAX);
    for (uint32_t i = 0; i < s->processes; i++) {
        const struct scenario_process *p = &s->process[i];
        must(p->class < s->policy.care.classes && p->effect <= EFFECT_DEFERS);
        must(scenario_draw_mean(&p->between) >= 1e9);
        must(p->repair.n + p->clears.n > 0 && p->repair.n <= SCENARIO_MIX_MAX);
        must(p->lemon_factor >= 1.0 && p->kill_odds >= 0.0 && p->kill_odds <= 1.0);
        for (uint32_t k = 0; k < STEP_COUNT; k++)
            must(!p->has_cures || (p->cures[k] >= 0.0 && p->cures[k] <= 1.0));
        must(p->relapse.n > 0 && p->relapse.n <= SCENARIO_MIX_MAX);
        must(!p->false_alarm || p->clears.n > 0);
    }
}

static void check_jobs(const struct scenario *s)
{
    must(s->job_classes <= SCENARIO_JOB_CLASSES_MAX);
    for (uint32_t i = 0; i < s->job_classes; i++) {
        must(s->job_class[i].gpus_n > 0 && s->job_class[i].name[0] != '\0');
        for (uint32_t k = 0; k < s->job_class[i].gpus_n; k++)
            must(s->job_class[i].gpus[k] > 0 && s->job_class[i].gpus_weight[k] > 0.0);
    }
}

/* A policy that parses can be written into a record and read again, the same. */
static void check_policy(const struct scenario *s)
{
    struct control_policy_blob *blob = mw_calloc(2, sizeof(*blob));
    struct control_policy *read = mw_calloc(1, sizeof(*read));
    struct mw_error err = {0};

    must(blob != NULL && read != NULL);
    control_policy_encode(&s->policy, &blob[0]);
    must(control_policy_decode(&blob[0], sizeof(blob[0]), read, &err) == 0);
    control_policy_encode(read, &blob[1]);
    must(memcmp(&blob[0], &blob[1], sizeof(blob[0])) == 0);
    mw_free(read);
    mw_free(blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scenario_source source = {.yaml = (const char *)data, .size = size, .file_name = "fuzz"};
    struct scenario *s = mw_calloc(1, sizeof(*s));
    struct problems problems = {0};
    struct mw_error err = {0};

    must(s != NULL);
    if (scenario_parse(&source, s, &problems, &err) != 0) {
        must(err.code != 0 && s->horizon_ns == 0);
    } else {
        must(problems.total == 0 && s->horizon_ns >= 1000000000);
        must(s->policy.care.classes > 0 && s->policy.care.classes <= BOARD_CLASSES_MAX);
        must((s->site_path[0] == '\0') == (s->site_gpus > 0));
        check_processes(s);
        check_jobs(s);
        check_policy(s);
    }
    problems_fini(&problems);
    mw_free(s);
    return 0;
}

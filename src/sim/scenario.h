/*
 * A scenario: a site, what breaks on it, who repairs it, what runs on it, which
 * policy decides, for how long, and what goes wrong with the messages.  Read
 * from YAML (docs/scenario.md is its manual); every mistake is reported with
 * file, line and column.
 */
#ifndef MW_SIM_SCENARIO_H
#define MW_SIM_SCENARIO_H

#include "base/problems.h"
#include "control/control.h"

#define SCENARIO_PROCESSES_MAX 64
#define SCENARIO_JOB_CLASSES_MAX 16
#define SCENARIO_MIX_MAX 4
#define SCENARIO_MATCHES_MAX 128

enum scenario_law { LAW_FIXED, LAW_EXPONENTIAL, LAW_WEIBULL, LAW_LOGNORMAL, LAW_UNIFORM };

/* A duration drawn from a law.  a, b in ns or plain numbers:
 * fixed a; exponential mean a; Weibull scale a, shape b; lognormal median a, sigma b;
 * uniform a to b. */
struct scenario_draw {
    uint8_t law;
    double a, b;
};
/* A mixture: branch i with weight share[i]. */
struct scenario_mix {
    uint32_t n;
    double share[SCENARIO_MIX_MAX];
    struct scenario_draw draw[SCENARIO_MIX_MAX];
};

/* The mean of a law, in the unit of a (draw.h draws values). */
double scenario_draw_mean(const struct scenario_draw *d);

/* One fault process: every component of kind `on` has its own renewal clock. */
struct scenario_process {
    uint16_t class;               /* row of policy.care.class */
    uint8_t on;                   /* enum component_kind: node, gpu, nic, optic, cable, switch,
                                     pdu, cdu */
    struct scenario_draw between; /* time to the next fault of one component */
    double lemon_share, lemon_factor;  /* this share of components fails `factor` times as often */
    double batch_share, batch_factor;  /* the same for a batch: contiguous runs of components */
    double burst_share;           /* this share of faults takes neighbours in the domain along */
    uint8_t burst_within;         /* COMPONENT_RACK, _PDU, _CDU, _SWITCH */
    uint32_t burst_max;           /* up to so many components, uniform from 2 */
    struct scenario_draw detect;  /* from the fault to its finding (hung time when it kills) */
    struct scenario_mix repair;   /* hands-on time of a crew */
    struct scenario_mix clears;   /* n > 0: it goes away by itself (a flap) after this */
    uint8_t effect;               /* enum fault_effect on the job: the truth, not the policy */
    double slow_share;            /* EFFECT_SLOWS: share of the job's speed that is lost */
    double kill_odds;             /* EFFECT_KILLS: odds that the job on it dies (1 = always) */
    double gate_pass;             /* odds that the gate passes after a repair of this class */
    bool has_cures;               /* what was done matters; else a crew's repair cures, and
                                     gate_pass says */
    double cures[STEP_COUNT];     /* odds that this step cures a fault: it does when the fault's one
                                     hidden draw is below them */
    double gate_catch;            /* odds that the gate sees a fault that a step did not cure … */
    struct scenario_mix relapse;  /* … and when that strikes again, from the step's end */
    bool false_alarm;             /* findings with nothing behind them */
    bool at_work;                 /* strikes only while a job works on the node */
    bool lemon_heals;             /* a lemon that is replaced is none with these odds, and what was
                                     none stays so; else the new part is drawn like the first */
    double lemon_cured;
    bool slow_known;              /* the finding says what slow_share is */
};

/* What doing a step is truly like, whatever the policy expects. */
struct scenario_step {
    struct scenario_mix takes;    /* n = 0: of a machine or vendor the ladder's duration, of a
                                     technician the process's repair */
    double unknown;               /* odds that a machine's answer is that it does not know */
};

struct scenario_job_class {
    char name[32];
    double share_of_gpu_time;     /* of the offered load */
    uint32_t gpus_n;              /* sizes with weights */
    uint32_t gpus[16];
    double gpus_weight[16];
    struct scenario_draw work;    /* productive time */
    struct scenario_draw write, restart;
    uint8_t priority;
    uint32_t tenant;
    bool interruptible;           /* may run on spares, and be stopped for those who need them */
    double fails_itself;          /* odds that a job of this class ends by its own error part-way */
    uint32_t count;               /* > 0: exactly so many jobs, the first at first_ns, one every
                                     every_ns; else they come at random by share_of_gpu_time */
    int64_t first_ns, every_ns;
};

/* Which policy class the faults of a trace belong to: by the trace's Class, or Class and Desc. */
struct scenario_match {
    char class_name[64];
    char desc_name[64];           /* "" = any */
    uint16_t class;               /* row of policy.care.class */
};

enum scenario_jobs { JOBS_NONE, JOBS_SYNTHETIC, JOBS_TRACE };

/* What happens to messages between world and controller, in permille of messages. */
struct scenario_messages {
    uint32_t lost, late, doubled, reordered;
    int64_t late_ns_max;
    int64_t resend_ns;            /* a source sends again what was not acknowledged for so long */
};

struct scenario {
    char name[64];
    char site_path[256];          /* one of path or shape */
    char site_shape[32];
    uint32_t site_gpus;
    int64_t start_ns, horizon_ns;
    uint64_t seed;

    struct control_policy policy; /* care.class[] is the list of fault classes */

    struct scenario_process process[SCENARIO_PROCESSES_MAX];
    uint32_t processes;
    char fault_trace_path[256];   /* "" = none; format is StepFun's JSON */
    double trace_detect_ns;       /* modelled: from a trace's start to the finding */
    double trace_slow_share;      /* modelled: speed a job loses to a traced fault that slows */
    struct scenario_match match[SCENARIO_MATCHES_MAX];
    uint32_t matches;

    uint32_t crews;               /* 0 = as many as needed */
    struct scenario_draw crew_start; /* from free crew to hands on */
    struct scenario_mix escalated;   /* n > 0: an escalated repair takes no longer than this */
    struct scenario_step step[STEP_COUNT];
    struct scenario_mix part_arrives[CARE_PARTS_MAX]; /* n = 0: the policy's lead time */
    int64_t approve_after_ns;     /* the operator approves advice and resets the guard after this */

    uint8_t jobs;                 /* enum scenario_jobs */
    double load;                  /* offered GPU time over the site's GPU time */
    struct scenario_job_class job_class[SCENARIO_JOB_CLASSES_MAX];
    uint32_t job_classes;
    char job_trace_path[256];     /* Philly CSV (gzip or not) */
    struct scenario_draw trace_write, trace_restart; /* modelled: the trace has neither */
    uint32_t jobs_max;            /* 0 = no bound but the horizon */

    struct scenario_messages messages;
    uint32_t crashes;             /* daemon crashes spread over the horizon */
    bool crash_every_step;        /* a crash after every group (small runs) */
    int64_t progress_every_ns;    /* running attempts report this often; 0 = at the end only */
    int64_t snapshot_every_events; /* 0 = never */
};

void scenario_defaults(struct scenario *s);

/* The row of policy.care.class for a traced fault: the match of Class and Desc, else that of Class,
 * else the class of that name, else the class "unknown", else UINT16_MAX. */
uint16_t scenario_trace_class(const struct scenario *s, const char *class_name,
                              const char *desc_name);

/* What a scenario is read from; everything is borrowed. */
struct scenario_source {
    const char *yaml;
    size_t size;
    const char *file_name;  /* for places; paths in the file are relative to its folder */
    const char *const *set; /* "dotted.key=value" overrides, applied before the checks:
                               "faults.gpu.between.mean=200d"; paths in them are as given */
    uint32_t set_n;
};

/* Parses and checks; *ret is written only on success.  MW_ESYNTAX with *problems filled, MW_EINVAL
 * for a --set that fits nowhere, MW_ENOMEM. */
MW_MUST_USE int scenario_parse(const struct scenario_source *source, struct scenario *ret,
                               struct problems *problems, struct mw_error *err);
MW_MUST_USE int scenario_load_file(const char *path, const char *const *set, uint32_t set_n,
                                   struct scenario *ret, struct problems *problems,
                                   struct mw_error *err);

#endif

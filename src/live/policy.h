/*
 * The rules of a live site before anybody wrote others: the classes of fault
 * that the live adapters name, what each does to a job, and how a node with it
 * returns.  The classes are one table; adapters name a row by its enum.
 */
#ifndef MW_LIVE_POLICY_H
#define MW_LIVE_POLICY_H

#include "control/control.h"

/* enum, name, effect, drain, count, gate in minutes, probation in seconds, heals, words.
 * count: findings that make an incident; 0 = they are evidence only.
 * heals: when the finding is over, so is the fault; else somebody has to repair it. */
#define LIVE_CLASSES(X)                                                                           \
    X(LIVE_NODE_SILENT,   "node-silent",   EFFECT_KILLS,  0,                   1,  0,  60, true,  \
      "the node's agent does not answer")                                                         \
    X(LIVE_AGENTS_SILENT, "agents-silent", EFFECT_NONE,   0,                   1,  0,   0, true,  \
      "many agents fell silent at once: the network, or the daemon's machine")                    \
    X(LIVE_ENGINE_SILENT, "engine-silent", EFFECT_NONE,   0,                   1,  0,   0, true,  \
      "the engine (slurmctld) does not answer")                                                   \
    X(LIVE_ENGINE_NODE,   "engine-node",   EFFECT_KILLS,  0,                   1,  0,  60, true,  \
      "the engine says that the node does not answer it")                                         \
    X(LIVE_SLURMD,        "slurmd",        EFFECT_KILLS,  0,                   1,  0,  10, true,  \
      "slurmd has ended on the node")                                                             \
    X(LIVE_GPU,           "gpu",           EFFECT_KILLS,  0,                   1, 10, 600, false, \
      "a GPU is lost or must be reset or replaced (Xid 79, 48, 95, 119 …)")                       \
    X(LIVE_GPU_SOON,      "gpu-soon",      EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1, 10, 600, false, \
      "a GPU works but wants a reset or a check (Xid 63, 94 …)")                                  \
    X(LIVE_NVLINK,        "nvlink",        EFFECT_KILLS,  0,                   1, 10, 600, false, \
      "NVLink or NVSwitch: fatal (Xid 74, 144-150, SXid)")                                        \
    X(LIVE_APP,           "app",           EFFECT_NONE,   0,                   0,  0,   0, true,  \
      "the program's own fault as far as the driver says (Xid 13, 31, 43, 45)")                   \
    X(LIVE_KERNEL,        "kernel",        EFFECT_KILLS,  0,                   1, 10, 600, false, \
      "the kernel reports a machine check, a hung task, an oops, a lost PCIe device")             \
    X(LIVE_DISK,          "disk",          EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1,  0,  10, true,  \
      "a filesystem that jobs need is full or read-only")                                         \
    X(LIVE_RANK,          "rank",          EFFECT_NONE,   0,                   0,  0,   0, true,  \
      "a process of a job ended badly; the node is not blamed for it")                            \
    X(LIVE_AGENT_LOST,    "agent-lost",    EFFECT_NONE,   0,                   1,  0,   0, true,  \
      "the node answers, its agent does not: it works, unwatched")                                \
    X(LIVE_DRIVER,        "driver",        EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1, 10, 600, true,  \
      "the GPU driver does not answer: nobody sees what the GPUs do")                             \
    X(LIVE_THERMAL,       "thermal",       EFFECT_SLOWS,  DRAIN_AT_CHECKPOINT, 1,  0,  60, true,  \
      "a GPU or CPU is held down by heat or by its board's protection")                           \
    X(LIVE_MEMORY,        "memory",        EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1, 10, 600, false, \
      "memory of a GPU or of the host wears: errors grow, or spare rows run out")                 \
    X(LIVE_LINK,          "link",          EFFECT_KILLS,  0,                   1,  0,  60, true,  \
      "a port that was in use is down, or its errors are past what data survives")                \
    X(LIVE_OPTIC,         "optic",         EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1,  0,  60, true,  \
      "an optical module or its fibre wears: light, laser current or bit errors")                 \
    X(LIVE_CLOCK,         "clock",         EFFECT_NONE,   0,                   0,  0,   0, true,  \
      "the node's clock is not disciplined, or differs from ours")                                \
    X(LIVE_HOST,          "host",          EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1, 10,  60, true,  \
      "the node is not as the site file says, or its kernel cannot serve jobs well")              \
    X(LIVE_BMC,           "bmc",           EFFECT_NONE,   0,                   1,  0,   0, true,  \
      "the node's BMC states a fault: a fan, a board, a sensor past its limit")                   \
    X(LIVE_POWER,         "power",         EFFECT_DEFERS, DRAIN_AT_CHECKPOINT, 1,  0,  60, true,  \
      "a power supply, a feed or an outlet of the node has failed")                               \
    X(LIVE_SOURCE,        "source",        EFFECT_NONE,   0,                   0,  0,   0, true,  \
      "a source of the node's readings is silent: the node is seen less well, no more")           \
    X(LIVE_MODEL,         "model",         EFFECT_NONE,   0,                   0,  0,   0, true,  \
      "the node's GPUs are of another model than the site file says")

enum live_class {
#define X(e, name, effect, drain, count, gate_min, probation_s, heals, doc) e,
    LIVE_CLASSES(X)
#undef X
    LIVE_CLASS_COUNT
};

/* The default policy: these classes, the engine owns allocation, mode observe. */
struct control_policy live_policy(void);

/* "the node's agent does not answer"; "" when out of range. */
const char *live_class_doc(uint32_t class);

/* The class of a kernel line as signal/kmsg.h diagnoses it: which of the classes above the
 * diagnosis's code and action stand for; LIVE_CLASS_COUNT when it is nothing to act on. */
struct diagnosis;
enum live_class live_class_of(const struct diagnosis *d);

/* A class by its name, as rules and sources name it; LIVE_CLASS_COUNT: none. */
enum live_class live_class_named(const char *name);

/* The detail of a finding that a rule of signal/rules.h made: above every Xid, rank, permille. */
#define LIVE_DETAIL_RULE 0x10000u
/* The words of that rule; NULL: the detail is no rule's. */
const char *live_detail_words(uint32_t detail);

/* The effect of a finding made from it: EFFECT_NONE (the class says) when the line is sure of what
 * the class stands for; EFFECT_DEFERS when it is a reason to look, not to take a node. */
enum fault_effect live_effect_of(const struct diagnosis *d, enum live_class class);

#endif

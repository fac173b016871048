/*
 * The executor's own policy: what it may do on this machine at all, at what
 * rate, with which commands and for which units, whoever asks.  One file of
 * `key = value` lines that only its owner can have written.  What the file does
 * not allow is refused; a file with a mistake is refused whole.
 *
 *   mode = shadow                   shadow (the default): say what would be run, run nothing; act
 *   user = mw-agent                 whose process may ask, by name or number; needed
 *   gpus = 8                        GPUs that may be named: 0 to this; default 16
 *   reset-gpu.allow = yes           default no, of each action
 *   reset-gpu.rate = 4/1h           begun at most so often; needed where it is allowed
 *   reset-gpu.command = /usr/bin/nvidia-smi --gpu-reset -i {pci}
 *   reset-gpu.verify = /usr/bin/nvidia-smi -i {pci} --query-gpu=uuid --format=csv,noheader
 *   reset-gpu.deadline = 60s        then the command is killed
 *   reset-gpu.verify_within = 30s   so long what it is to have done may take to be seen
 *   restart-service.units = slurmd.service nvidia-persistenced.service
 *
 * A command is words parted by blanks, the first an absolute path: no shell, no quotes.  A word
 * may hold {gpu} (its number), {pci} (its address), {unit}, {class}, {level}; the value is one
 * argument, whatever it is.  Where a command needs a value that was not given, it is not run.
 * The actions: reset-gpu, restart-service, reboot, check.  power-cycle is a BMC's.
 * What is read back where `verify` is not given: of reset-gpu nothing (its command's exit status
 * is believed), of restart-service the unit's InvocationID and ActiveState by `systemctl show`, of
 * reboot the kernel's boot id, of check the exit status.  A `verify` of restart-service takes the
 * place of systemctl and must print the same lines.
 * Pure but for exec_policy_load().
 */
#ifndef MW_AGENT_EXEC_POLICY_H
#define MW_AGENT_EXEC_POLICY_H

#include "base/error.h"

#define EXEC_ARGV_MAX 24     /* words of a command */
#define EXEC_COMMAND_MAX 512 /* bytes of it */
#define EXEC_UNITS_MAX 16
#define EXEC_UNIT_MAX 96
#define EXEC_GPUS_MAX 64
#define EXEC_POLICY_BYTES_MAX ((size_t)64 << 10)
#define EXEC_PER_MS_MAX (INT64_C(30) * 86400 * 1000)
#define EXEC_RATE_MAX 64u    /* of one action within its period */

enum exec_action { EXEC_RESET_GPU, EXEC_RESTART_SERVICE, EXEC_REBOOT, EXEC_CHECK, EXEC_ACTIONS };

struct exec_command {
    char text[EXEC_COMMAND_MAX]; /* words parted by '\0' */
    uint32_t words;              /* 0 = none */
};

struct exec_rule {
    bool allow;
    uint32_t most;      /* begun at most so often … */
    int64_t per_ms;     /* … in so long a time */
    int64_t deadline_ms, verify_within_ms;
    struct exec_command command, verify;
};

struct exec_policy {
    bool act;           /* false: shadow */
    char user[64];      /* "" = not given */
    uint32_t gpus;
    struct exec_rule rule[EXEC_ACTIONS];
    char unit[EXEC_UNITS_MAX][EXEC_UNIT_MAX];
    uint32_t units;
};

/* What stands for the names in braces; NULL, or -1 for the GPU: not given. */
struct exec_values {
    const char *pci, *unit, *class;
    int32_t gpu;
    uint32_t level;     /* 0 = not given */
};

/* The argument vector of a command: argv points into text. */
struct exec_argv {
    char text[2 * EXEC_COMMAND_MAX];
    char *argv[EXEC_ARGV_MAX + 1];
};

/* A policy's text.  MW_ESYNTAX, MW_EINVAL, MW_ELIMIT with the line's number and what to do. *ret is
 * written only on success. */
MW_MUST_USE int exec_policy_read(const char *text, size_t size, struct exec_policy *ret,
                                 struct mw_error *err);
/* A file: its owner must be root or the user that runs this, and nobody else may write it. */
MW_MUST_USE int exec_policy_load(const char *path, struct exec_policy *ret, struct mw_error *err);

/* "reset-gpu"; "" when out of range. */
const char *exec_action_name(uint32_t action);
/* EXEC_ACTIONS when there is none. */
enum exec_action exec_action_find(const char *name);

/* The unit as the policy names it ("slurmd" finds slurmd.service); NULL: not for us. */
const char *exec_policy_unit(const struct exec_policy *p, const char *name);

/* MW_EINVAL: the command needs a value that was not given.  MW_ELIMIT: too long. */
MW_MUST_USE int exec_command_fill(const struct exec_command *c, const struct exec_values *v,
                                  struct exec_argv *ret, struct mw_error *err);
/* "/usr/bin/nvidia-smi --gpu-reset -i 0000:3b:00.0", cut where it does not fit. */
void exec_argv_text(const struct exec_argv *a, char *to, size_t size);

/* "0000:3b:00.0": is it the address of a PCI device? */
bool exec_is_pci(const char *text);

#endif

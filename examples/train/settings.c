#include "settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

static const char HELP[] =
    "usage: train --dir DIR [options]       one process a rank\n"
    "\n"
    "  --dir DIR           checkpoints, loss curve and logs; the same for all ranks\n"
    "  --rank R --ranks N  else SLURM_PROCID and SLURM_NTASKS, else 0 and 1; N = 1, 2, 4, 8, 16\n"
    "  --rendezvous DIR    shared folder in which rank 0 says where it is (else --dir)\n"
    "  --master HOST:PORT  where rank 0 listens, instead of a rendezvous folder\n"
    "  --port PORT         the same on the first host of SLURM_JOB_NODELIST\n"
    "  --host NAME         how this rank is reached (else MW_TRAIN_HOST, else the host name\n"
    "                      when the job has several nodes, else 127.0.0.1)\n"
    "  --key TEXT          of this attempt (else from SLURM_JOB_ID, restart count and step)\n"
    "  --steps N           2000      --every N     steps between checkpoints, 50\n"
    "  --batch N           128       --seed N      1\n"
    "  --rate X            0.1       --momentum X  0.9\n"
    "  --pace MS           a step takes at least so long, 0\n"
    "  --silence MS        a peer that says nothing for so long is lost, 30000\n"
    "  --join MS           all ranks must have come within, 60000\n"
    "  --stop-at N         save and end with 85 after step N, as with SIGTERM\n"
    "  --on-term WORD      exit (save, end with 85) or continue (save, go on); exit\n"
    "\n"
    "SIGTERM and SIGUSR1 save at the end of the step; SIGUSR1 goes on.\n"
    "Exit codes: 0 done, 64 wrong options, 74 cannot write, 75 another rank is gone,\n"
    "76 ranks disagree, 85 saved and stopped.  After 75 and 85: start it again.\n"
    "MW_PROGRESS_DIR, MW_EXITS_DIR: folders in which mw-agent reads how far a job is.\n";

enum option_code {
    O_DIR = 1, O_RANK, O_RANKS, O_RENDEZVOUS, O_MASTER, O_PORT, O_HOST, O_KEY, O_STEPS, O_EVERY,
    O_BATCH, O_SEED, O_RATE, O_MOMENTUM, O_PACE, O_SILENCE, O_JOIN, O_ON_TERM, O_STOP_AT, O_HELP,
};

static const struct option OPTIONS[] = {
    {"dir", required_argument, NULL, O_DIR},
    {"rank", required_argument, NULL, O_RANK},
    {"ranks", required_argument, NULL, O_RANKS},
    {"rendezvous", required_argument, NULL, O_RENDEZVOUS},
    {"master", required_argument, NULL, O_MASTER},
    {"port", required_argument, NULL, O_PORT},
    {"host", required_argument, NULL, O_HOST},
    {"key", required_argument, NULL, O_KEY},
    {"steps", required_argument, NULL, O_STEPS},
    {"every", required_argument, NULL, O_EVERY},
    {"batch", required_argument, NULL, O_BATCH},
    {"seed", required_argument, NULL, O_SEED},
    {"rate", required_argument, NULL, O_RATE},
    {"momentum", required_argument, NULL, O_MOMENTUM},
    {"pace", required_argument, NULL, O_PACE},
    {"silence", required_argument, NULL, O_SILENCE},
    {"join", required_argument, NULL, O_JOIN},
    {"on-term", required_argument, NULL, O_ON_TERM},
    {"stop-at", required_argument, NULL, O_STOP_AT},
    {"help", no_argument, NULL, O_HELP},
    {NULL, 0, NULL, 0},
};

static int whole(const char *name, const char *text, uint64_t low, uint64_t high, uint64_t *ret,
                 struct problem *p)
{
    char *end = NULL;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || n < low || n > high)
        return fail(p, END_USAGE, 0, "%s %s: a whole number from %llu to %llu is needed", name,
                    text, (unsigned long long)low, (unsigned long long)high);
    *ret = n;
    return 0;
}

static int share(const char *name, const char *text, float *ret, struct problem *p)
{
    char *end = NULL;
    float x = strtof(text, &end);
    if (end == text || *end != '\0' || !(x >= 0 && x < 1))
        return fail(p, END_USAGE, 0, "%s %s: a number from 0 to under 1 is needed", name, text);
    *ret = x;
    return 0;
}

static int number(const char *name, const char *text, int low, int high, int *ret,
                  struct problem *p)
{
    uint64_t n = 0;
    int code = whole(name, text, (uint64_t)low, (uint64_t)high, &n, p);
    if (code == 0)
        *ret = (int)n;
    return code;
}

/* "n[1-4,7]" and "n1,n2" begin with host n1. */
static int first_host(const char *list, char *ret, size_t size)
{
    size_t plain = strcspn(list, "[,"), digits = 0;
    if (list[plain] == '[')
        digits = strspn(list + plain + 1, "0123456789");
    if (plain + digits == 0 || plain + digits >= size)
        return -1;
    snprintf(ret, size, "%.*s%.*s", (int)plain, list, (int)digits, list + plain + 1);
    return 0;
}

static int set_port(struct settings *s, const char *port, struct problem *p)
{
    char host[100];
    const char *nodes = getenv("SLURM_JOB_NODELIST");
    if (nodes == NULL || first_host(nodes, host, sizeof host) != 0)
        return fail(p, END_USAGE, 0, "--port needs SLURM_JOB_NODELIST; use --master HOST:PORT");
    snprintf(s->master, sizeof s->master, "%s:%s", host, port);
    return 0;
}

static int set_text(struct settings *s, int option, const char *value, struct problem *p)
{
    if (strlen(value) >= sizeof s->key || value[0] == '\0') /* the shortest of them */
        if (option != O_DIR && option != O_RENDEZVOUS)
            return fail(p, END_USAGE, 0, "'%s' is empty or too long", value);
    switch (option) {
    case O_DIR: s->dir = value; break;
    case O_RENDEZVOUS: s->group.folder = value; break;
    case O_MASTER: snprintf(s->master, sizeof s->master, "%s", value); break;
    case O_PORT: return set_port(s, value, p);
    case O_HOST: snprintf(s->host, sizeof s->host, "%s", value); break;
    case O_KEY: snprintf(s->key, sizeof s->key, "%s", value); break;
    case O_ON_TERM:
        if (strcmp(value, "exit") != 0 && strcmp(value, "continue") != 0)
            return fail(p, END_USAGE, 0, "--on-term %s: it is exit or continue", value);
        s->exit_on_term = strcmp(value, "exit") == 0;
        break;
    default: return fail(p, END_USAGE, 0, "wrong option; see train --help");
    }
    return 0;
}

static int set(struct settings *s, int option, const char *value, struct problem *p)
{
    const int day_ms = 86400000;
    uint64_t n = 0;
    int code = 0;
    switch (option) {
    case O_RANK: return number("--rank", value, 0, GROUP_RANKS - 1, &s->group.rank, p);
    case O_RANKS: return number("--ranks", value, 1, GROUP_RANKS, &s->group.ranks, p);
    case O_STEPS: return whole("--steps", value, 1, 1000000000, &s->recipe.steps, p);
    case O_SEED: return whole("--seed", value, 0, UINT64_MAX, &s->recipe.seed, p);
    case O_STOP_AT: return whole("--stop-at", value, 1, 1000000000, &s->stop_at, p);
    case O_EVERY:
        code = whole("--every", value, 1, 1000000000, &n, p);
        s->every = (uint32_t)n;
        return code;
    case O_BATCH:
        code = whole("--batch", value, SHARDS, 65536, &n, p);
        s->recipe.batch = (uint32_t)n;
        return code;
    case O_RATE: return share("--rate", value, &s->recipe.rate, p);
    case O_MOMENTUM: return share("--momentum", value, &s->recipe.momentum, p);
    case O_PACE: return number("--pace", value, 0, 60000, &s->pace_ms, p);
    case O_SILENCE: return number("--silence", value, 10, day_ms, &s->group.silence_ms, p);
    case O_JOIN: return number("--join", value, 10, day_ms, &s->group.join_ms, p);
    default: return set_text(s, option, value, p);
    }
}

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? otherwise : value;
}

static int read_environment(struct settings *s, struct problem *p)
{
    const char *job = environment("SLURM_JOB_ID", "0");
    const char *restart = environment("SLURM_RESTART_COUNT", "0");
    uint64_t n = 0;
    int code = number("SLURM_PROCID", environment("SLURM_PROCID", "0"), 0, GROUP_RANKS - 1,
                      &s->group.rank, p);
    if (code == 0)
        code = number("SLURM_NTASKS", environment("SLURM_NTASKS", "1"), 1, 1 << 20,
                      &s->group.ranks, p);
    if (code == 0)
        code = whole("SLURM_RESTART_COUNT", restart, 0, UINT32_MAX, &n, p);
    s->restart = (uint32_t)n;
    snprintf(s->job, sizeof s->job, "%.31s", job);
    snprintf(s->key, sizeof s->key, "%.20s.%.10s.%.10s", job, restart,
             environment("SLURM_STEP_ID", "0"));
    char self[100] = "127.0.0.1";
    if (strcmp(environment("SLURM_JOB_NUM_NODES", "1"), "1") != 0)
        gethostname(self, sizeof self - 1);
    snprintf(s->host, sizeof s->host, "%.99s", environment("MW_TRAIN_HOST", self));
    gethostname(self, sizeof self - 1);
    snprintf(s->node, sizeof s->node, "%.63s", environment("SLURMD_NODENAME", self));
    return code;
}

static int check(struct settings *s, struct problem *p)
{
    int n = s->group.ranks;
    if (s->dir == NULL || strlen(s->dir) > FILES_DIR)
        return fail(p, END_USAGE, 0, "--dir DIR is needed, of at most %d bytes", FILES_DIR);
    if (n > GROUP_RANKS || (n & (n - 1)) != 0)
        return fail(p, END_USAGE, 0, "%d ranks: 1, 2, 4, 8 or 16 are possible", n);
    if (s->group.rank >= n)
        return fail(p, END_USAGE, 0, "rank %d of %d: ranks count from 0", s->group.rank, n);
    if (s->recipe.batch % SHARDS != 0)
        return fail(p, END_USAGE, 0, "--batch %u: a multiple of %d is needed", s->recipe.batch,
                    SHARDS);
    if (strchr(s->key, '/') != NULL)
        return fail(p, END_USAGE, 0, "--key %s: it becomes a file's name", s->key);
    if (s->group.folder == NULL && s->master[0] == '\0')
        s->group.folder = s->dir;
    s->group.key = s->key;
    s->group.master = s->master;
    s->group.host = s->host;
    return 0;
}

int settings_read(int argc, char **argv, struct settings *ret, struct problem *p)
{
    *ret = (struct settings){
        .recipe = {.seed = 1, .steps = 2000, .batch = 128, .shards = SHARDS, .rate = 0.1f,
                   .momentum = 0.9f},
        .group = {.join_ms = 60000, .silence_ms = 30000}, .every = 50, .exit_on_term = 1};
    int code = read_environment(ret, p);
    while (code == 0) {
        int option = getopt_long(argc, argv, "", OPTIONS, NULL);
        if (option < 0)
            break;
        if (option == O_HELP) {
            fputs(HELP, stdout);
            return -1;
        }
        if (option == '?') /* getopt has said what is wrong with it */
            code = fail(p, END_USAGE, 0, "see train --help");
        else
            code = set(ret, option, optarg, p);
    }
    if (code == 0 && optind < argc)
        code = fail(p, END_USAGE, 0, "'%s' is no option; see train --help", argv[optind]);
    return code == 0 ? check(ret, p) : code;
}

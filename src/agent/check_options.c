/* Flags. */
#include "agent/check_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

const char *const check_help =
    "Proves this node: what is there, whether it is well, how fast it is, whether it computes\n"
    "right.\n"
    "\n"
    "usage: mw-agent check [--level 1..4] [--class CLASS] [--json] [options]\n"
    "       mw-agent check --list                     all checks\n"
    "       mw-agent check --serve --key K ...        one end of `mw bench pairs`\n"
    "       mw-agent check --connect HOST:PORT --key K ...\n"
    "\n"
    "  --level N           1 inventory and configuration; 2 also health (default, in 5 s);\n"
    "                      3 also performance; 4 also burn-in: 3 and 4 want an idle node\n"
    "  --class CLASS       the class of fault that the node is to be cleared of (default:\n"
    "                      $MW_CHECK_CLASS): its checks come first and must have run, those of\n"
    "                      level 3 with them unless --level says otherwise\n"
    "  --only NAME,NAME    these checks, whatever their level\n"
    "  --budget TIME       what all may take (60s): worth per second decides what is run, and\n"
    "                      what was not is said\n"
    "  --burn TIME         of each burn-in of level 4, as far as the budget allows (20s)\n"
    "  --sku NAME|FILE     expected values: a name of data/sku or a file; default: found by the\n"
    "                      GPU or the machine's name, else generic\n"
    "  --expect FILE       lines that come before the SKU's: figure,op,value,unit,source\n"
    "  --set FIGURE=VALUE  one more (also >= <= !=), up to 32 times; comes before all\n"
    "  --fleet FILE        the fleet's percentiles, JSON: a figure worse than the fleet's fails\n"
    "  --memory BYTES      of the host's that memory checks may take (a quarter of what is free,\n"
    "                      1 GiB at most on level 3)\n"
    "  --scratch DIR       where the disk check writes (/tmp)\n"
    "  --no-tools          do not run fio, perftest, nccl-tests, dcgmi, stress-ng\n"
    "  --report DIR        also leave the result there for the agent that runs (name.check)\n"
    "  --seed N            of patterns and inputs (1)\n"
    "  --json, --all       JSON; or as text also what is absent\n"
    "  --nvml FILE, --cuda-dir DIR                       libraries in other places\n"
    "  --sysfs-root, --proc-root, --dev-root DIR         put before /sys, /proc, /dev (tests)\n"
    "\n"
    "  --serve [--bind ADDRESS] [--port N], --connect HOST:PORT; both: --key K --length TIME\n"
    "  --streams N (4) and --rdma CARD for perftest's ib_write_bw\n"
    "\n"
    "EXIT STATUS\n"
    "  0 well · 10 not well · 3 not known · 2 wrong use\n";

enum flag { FLAG_LEVEL = 256, FLAG_CLASS, FLAG_ONLY, FLAG_BUDGET, FLAG_BURN, FLAG_SKU, FLAG_EXPECT,
            FLAG_SET, FLAG_FLEET, FLAG_MEMORY, FLAG_SCRATCH, FLAG_NO_TOOLS, FLAG_REPORT, FLAG_SEED,
            FLAG_JSON, FLAG_ALL, FLAG_NVML, FLAG_CUDA, FLAG_SYSFS, FLAG_PROC, FLAG_DEV, FLAG_LIST,
            FLAG_SERVE, FLAG_CONNECT, FLAG_BIND, FLAG_PORT, FLAG_KEY, FLAG_LENGTH, FLAG_STREAMS,
            FLAG_RDMA, FLAG_HELP };

static const struct option FLAGS[] = {
    { "level", required_argument, NULL, FLAG_LEVEL },
    { "class", required_argument, NULL, FLAG_CLASS },
    { "only", required_argument, NULL, FLAG_ONLY },
    { "budget", required_argument, NULL, FLAG_BUDGET },
    { "burn", required_argument, NULL, FLAG_BURN },
    { "sku", required_argument, NULL, FLAG_SKU },
    { "expect", required_argument, NULL, FLAG_EXPECT },
    { "set", required_argument, NULL, FLAG_SET },
    { "fleet", required_argument, NULL, FLAG_FLEET },
    { "memory", required_argument, NULL, FLAG_MEMORY },
    { "scratch", required_argument, NULL, FLAG_SCRATCH },
    { "no-tools", no_argument, NULL, FLAG_NO_TOOLS },
    { "report", required_argument, NULL, FLAG_REPORT },
    { "seed", required_argument, NULL, FLAG_SEED },
    { "json", no_argument, NULL, FLAG_JSON },
    { "all", no_argument, NULL, FLAG_ALL },
    { "nvml", required_argument, NULL, FLAG_NVML },
    { "cuda-dir", required_argument, NULL, FLAG_CUDA },
    { "sysfs-root", required_argument, NULL, FLAG_SYSFS },
    { "proc-root", required_argument, NULL, FLAG_PROC },
    { "dev-root", required_argument, NULL, FLAG_DEV },
    { "list", no_argument, NULL, FLAG_LIST },
    { "serve", no_argument, NULL, FLAG_SERVE },
    { "connect", required_argument, NULL, FLAG_CONNECT },
    { "bind", required_argument, NULL, FLAG_BIND },
    { "port", required_argument, NULL, FLAG_PORT },
    { "key", required_argument, NULL, FLAG_KEY },
    { "length", required_argument, NULL, FLAG_LENGTH },
    { "streams", required_argument, NULL, FLAG_STREAMS },
    { "rdma", required_argument, NULL, FLAG_RDMA },
    { "help", no_argument, NULL, FLAG_HELP },
    { NULL, 0, NULL, 0 },
};

static int take_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret,
                       struct mw_error *err)
{
    uint64_t v;
    if (mw_parse_u64(text, &v) < 0 || v < least || v > most)
        return mw_fail(err, MW_EINVAL, "\"%.40s\" must be a number from %llu to %llu", text,
                       (unsigned long long)least, (unsigned long long)most);
    *ret = v;
    return 0;
}

static int take_time(const char *text, int64_t *ret_ms, struct mw_error *err)
{
    int64_t ns;
    if (mw_parse_duration(text, &ns) < 0 || ns < 1000000 || ns > 604800000000000)
        return mw_fail(err, MW_EINVAL, "\"%.40s\" must be a time from 1ms to 7d, as 60s", text);
    *ret_ms = ns / 1000000;
    return 0;
}

/* "host:port", "[v6]:port". */
static int take_peer(struct check_line *l, const char *text, struct mw_error *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon != NULL ? (size_t)(colon - text) : 0;
    bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';
    size_t length = v6 ? n - 2 : n;
    if (length == 0 || length >= sizeof(l->address))
        return mw_fail(err, MW_EINVAL, "--connect \"%.80s\" must be HOST:PORT", text);
    memcpy(l->address, text + (v6 ? 1 : 0), length);
    l->address[length] = '\0';
    l->pair.address = l->address;
    l->pair.port = colon + 1;
    l->verb = CHECK_CONNECT;
    return 0;
}

static int take_pair_flag(struct check_line *l, int flag, struct mw_error *err)
{
    uint64_t n = l->pair.streams;
    int rc = 0;
    switch (flag) {
    case FLAG_SERVE:
        l->verb = CHECK_SERVE;
        break;
    case FLAG_CONNECT:
        return take_peer(l, optarg, err);
    case FLAG_BIND:
        l->pair.address = optarg;
        break;
    case FLAG_PORT:
        rc = take_number(optarg, 0, 65535, &n, err);
        l->pair.port = optarg;
        return rc;
    case FLAG_KEY:
        if (strlen(optarg) < 8 || strlen(optarg) >= NET_KEY_MAX)
            return mw_fail(err, MW_EINVAL, "--key must have 8 to %d characters", NET_KEY_MAX - 1);
        l->pair.key = optarg;
        break;
    case FLAG_LENGTH:
        return take_time(optarg, &l->pair.length_ms, err);
    case FLAG_STREAMS:
        rc = take_number(optarg, 1, NET_STREAMS_MAX, &n, err);
        break;
    case FLAG_RDMA:
        l->pair.rdma = optarg;
        break;
    default:
        return mw_fail(err, MW_EINVAL, "see mw-agent check --help");
    }
    l->pair.streams = (uint32_t)n;
    return rc;
}

static int take_place_flag(struct check_line *l, int flag, struct mw_error *err)
{
    struct check_options *o = &l->o;
    switch (flag) {
    case FLAG_SKU:
        o->sku = optarg;
        return 0;
    case FLAG_EXPECT:
        o->expect = optarg;
        return 0;
    case FLAG_FLEET:
        o->fleet = optarg;
        return 0;
    case FLAG_SCRATCH:
        o->scratch = optarg;
        return 0;
    case FLAG_REPORT:
        o->report_dir = optarg;
        return 0;
    case FLAG_NVML:
        o->nvml = optarg;
        return 0;
    case FLAG_CUDA:
        o->cuda_dir = optarg;
        return 0;
    case FLAG_SYSFS:
        o->sysfs_root = optarg;
        return 0;
    case FLAG_PROC:
        o->proc_root = optarg;
        return 0;
    case FLAG_DEV:
        o->dev_root = optarg;
        return 0;
    default:
        return take_pair_flag(l, flag, err);
    }
}

static int take_set(struct check_line *l, struct mw_error *err)
{
    if (l->sets == CHECK_SETS_MAX)
        return mw_fail(err, MW_ELIMIT, "--set may be given %d times", CHECK_SETS_MAX);
    l->set[l->sets++] = optarg;
    return 0;
}

static int take_flag(struct check_line *l, int flag, struct mw_error *err)
{
    struct check_options *o = &l->o;
    uint64_t n = 0;
    int rc;
    switch (flag) {
    case FLAG_LEVEL:
        rc = take_number(optarg, 1, CHECK_LEVEL_MAX, &n, err);
        o->level = rc == 0 ? (uint32_t)n : o->level;
        o->class_level = 0;
        return rc;
    case FLAG_CLASS:
        o->class = optarg;
        return 0;
    case FLAG_ONLY:
        o->only = optarg;
        return 0;
    case FLAG_BUDGET:
        return take_time(optarg, &o->budget_ms, err);
    case FLAG_BURN:
        return take_time(optarg, &o->burn_ms, err);
    case FLAG_SET:
        return take_set(l, err);
    case FLAG_MEMORY:
        return take_number(optarg, 1u << 20, (uint64_t)1 << 46, &o->memory_max, err);
    case FLAG_NO_TOOLS:
        o->tools = false;
        return 0;
    case FLAG_SEED:
        return take_number(optarg, 0, UINT32_MAX, &o->seed, err);
    case FLAG_JSON:
        o->json = true;
        return 0;
    case FLAG_ALL:
        l->all = true;
        return 0;
    case FLAG_LIST:
        l->verb = CHECK_LIST;
        return 0;
    case FLAG_HELP:
        l->verb = CHECK_HELP;
        return 0;
    default:
        return take_place_flag(l, flag, err);
    }
}

int check_line_read(int argc, char **argv, struct check_line *ret, struct mw_error *err)
{
    const char *class = getenv("MW_CHECK_CLASS");
    int flag;
    *ret = (struct check_line){
        .o = { .sysfs_root = "", .proc_root = "", .dev_root = "", .scratch = "/tmp",
               .class = class != NULL ? class : "", .budget_ms = 60000, .burn_ms = 20000,
               .seed = 1, .level = 2, .class_level = 3, .tools = true },
        .pair = { .address = "", .port = "0", .length_ms = 1000, .streams = 4 },
    };
    opterr = 0;
    optind = 1;
    while ((flag = getopt_long(argc, argv, ":", FLAGS, NULL)) != -1) {
        if (flag == ':' || flag == '?')
            return mw_fail(err, MW_EINVAL, "%.80s: %s; see mw-agent check --help",
                           argv[optind - 1],
                           flag == ':' ? "its value is missing" : "there is no such option");
        int rc = take_flag(ret, flag, err);
        if (rc < 0)
            return mw_fail_prefix(err, "%.80s", argv[optind - 1]);
    }
    if (optind < argc)
        return mw_fail(err, MW_EINVAL, "%.80s: not an option; see mw-agent check --help",
                       argv[optind]);
    if ((ret->verb == CHECK_SERVE || ret->verb == CHECK_CONNECT) && ret->pair.key == NULL)
        return mw_fail(err, MW_EINVAL, "--key is missing");
    return 0;
}

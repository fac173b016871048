/* Reading Slurm's text: tables of words, fields between separators. */
#include "live/slurm_text.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/units.h"

#define END_MARK '\x1e'
#define S "\x1f"

enum { NODE_FIELDS = 5, JOB_FIELDS = 18 };

static const char NODES_FORMAT[] =
    "StateComplete:" S ",User:" S ",Timestamp:" S ",NodeList:" S ",Reason:%s";
static const char JOBS_FORMAT[] =
    "JobID:" S ",JobArrayID:" S ",State:" S ",NodeList:" S ",RestartCnt:" S ",Requeue:" S
    ",StartTime:" S ",EndTime:" S ",SubmitTime:" S ",TimeLimit:" S ",NumNodes:" S
    ",tres-per-node:" S ",tres-per-job:" S ",tres-alloc:" S ",UserID:" S ",OverSubscribe:" S
    ",Reason:" S ",Name:%s";

void slurm_nodes_format(const char *end, char ret[SLURM_FORMAT_MAX])
{
    int n = snprintf(ret, SLURM_FORMAT_MAX, NODES_FORMAT, end);
    must(n > 0 && (uint32_t)n < SLURM_FORMAT_MAX);
}

void slurm_jobs_format(const char *end, char ret[SLURM_FORMAT_MAX])
{
    int n = snprintf(ret, SLURM_FORMAT_MAX, JOBS_FORMAT, end);
    must(n > 0 && (uint32_t)n < SLURM_FORMAT_MAX);
}

void slurm_text_end(uint64_t seed, char ret[SLURM_END_SIZE + 1])
{
    static const char digit[] = "0123456789abcdef";
    uint64_t mixed = mw_mix64(mw_mix64(seed) + seed);
    ret[0] = END_MARK;
    for (uint32_t i = 1; i < SLURM_END_SIZE; i++, mixed >>= 4)
        ret[i] = digit[mixed & 0xf];
    ret[SLURM_END_SIZE] = '\0';
}

int slurm_record_next(char **at, const char *end, char **ret, size_t *ret_size)
{
    must(at && *at && end[0] == END_MARK && ret && ret_size);
    char *record = *at;
    if (*record == '\0')
        return 0;
    char *found = strstr(record, end);
    if (!found || found[SLURM_END_SIZE] != '\n')
        return MW_ESYNTAX;
    *found = '\0';
    *at = found + SLURM_END_SIZE + 1;
    *ret = record;
    *ret_size = (size_t)(found - record);
    return 1;
}

/* Cuts a record at its separators; the last field keeps what is left.  How many there were. */
static uint32_t split(char *record, char **field, uint32_t fields)
{
    uint32_t n = 1;
    field[0] = record;
    while (n < fields) {
        char *separator = strchr(field[n - 1], SLURM_SEPARATOR);
        if (!separator)
            break;
        *separator = '\0';
        field[n++] = separator + 1;
    }
    return n;
}

static int bad(struct mw_error *err, const char *what, const char *is)
{
    char clean[64];
    (void)slurm_text_clean(is, clean, sizeof(clean));
    return mw_fail(err, MW_ESYNTAX, "Slurm answers \"%s\" as %s, which cannot be read", clean,
                   what);
}

static int read_u32(const char *s, uint32_t *ret)
{
    uint64_t n;
    if (mw_parse_u64(s, &n) != 0 || n > UINT32_MAX)
        return MW_ESYNTAX;
    *ret = (uint32_t)n;
    return 0;
}

/* "4", or "2-4" of which the first counts; nothing is less than one. */
static int read_count(char *s, uint32_t *ret)
{
    s[strcspn(s, "-")] = '\0';
    int rc = read_u32(s, ret);
    if (rc == 0 && *ret == 0)
        *ret = 1;
    return rc;
}

/* Seconds since 1970, or a word for "not known". */
static int64_t read_time(const char *s)
{
    int64_t n;
    return mw_parse_i64(s, &n) == 0 && n > 0 && n < INT64_MAX / MW_NS_PER_S ? n : 0;
}

int slurm_node_read(char *record, struct slurm_node_text *ret, struct mw_error *err)
{
    char *field[NODE_FIELDS];
    if (split(record, field, NODE_FIELDS) != NODE_FIELDS)
        return bad(err, "a line of sinfo", record);
    if (field[0][0] == '\0')
        return bad(err, "the state of a node", field[0]);
    *ret = (struct slurm_node_text){ .state = field[0], .user = field[1],
                                     .nodes = field[3], .reason = field[4] };
    return 0;
}

/* ---- states --------------------------------------------------------------------------------- */

uint32_t slurm_state_read(const char *state)
{
    static const struct {
        const char *word;
        uint32_t bits;
    } words[] = {
        { "down", SLURM_NODE_DOWN }, { "error", SLURM_NODE_DOWN }, { "future", SLURM_NODE_DOWN },
        { "fail", SLURM_NODE_DRAIN }, { "failing", SLURM_NODE_DRAIN },
        { "drain", SLURM_NODE_DRAIN }, { "drained", SLURM_NODE_DRAIN },
        { "draining", SLURM_NODE_DRAIN }, { "invalid_reg", SLURM_NODE_DRAIN },
        { "not_responding", SLURM_NODE_SILENT }, { "unknown", SLURM_NODE_UNKNOWN },
        { "allocated", SLURM_NODE_BUSY }, { "mixed", SLURM_NODE_BUSY },
        { "completing", SLURM_NODE_BUSY },
    };
    uint32_t bits = 0;
    while (*state != '\0') {
        size_t n = strcspn(state, "+");
        for (uint32_t i = 0; i < MW_ARRAY_LEN(words); i++)
            if (strlen(words[i].word) == n && strncasecmp(words[i].word, state, n) == 0)
                bits |= words[i].bits;
        state += n;
        state += *state == '+';
    }
    return bits;
}

static uint8_t read_job_state(const char *s)
{
    static const struct {
        const char *word;
        uint8_t state;
    } words[] = {
        { "PENDING", SLURM_JOB_WAITS }, { "REQUEUED", SLURM_JOB_WAITS },
        { "REQUEUE_HOLD", SLURM_JOB_WAITS }, { "REQUEUE_FED", SLURM_JOB_WAITS },
        { "SPECIAL_EXIT", SLURM_JOB_WAITS }, { "RESV_DEL_HOLD", SLURM_JOB_WAITS },
        { "CONFIGURING", SLURM_JOB_STARTS }, { "POWER_UP_NODE", SLURM_JOB_STARTS },
        { "RUNNING", SLURM_JOB_RUNS }, { "SUSPENDED", SLURM_JOB_RUNS },
        { "STOPPED", SLURM_JOB_RUNS }, { "SIGNALING", SLURM_JOB_RUNS },
        { "STAGE_OUT", SLURM_JOB_RUNS }, { "RESIZING", SLURM_JOB_RUNS },
        { "COMPLETING", SLURM_JOB_COMPLETES },
        { "COMPLETED", SLURM_JOB_DONE },
        { "FAILED", SLURM_JOB_FAILED }, { "TIMEOUT", SLURM_JOB_FAILED },
        { "OUT_OF_MEMORY", SLURM_JOB_FAILED }, { "DEADLINE", SLURM_JOB_FAILED },
        { "LAUNCH_FAILED", SLURM_JOB_FAILED }, { "RECONFIG_FAIL", SLURM_JOB_FAILED },
        { "CANCELLED", SLURM_JOB_CANCELLED }, { "REVOKED", SLURM_JOB_CANCELLED },
        { "NODE_FAIL", SLURM_JOB_NODE_FAIL }, { "BOOT_FAIL", SLURM_JOB_NODE_FAIL },
        { "PREEMPTED", SLURM_JOB_NODE_FAIL },
    };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(words); i++)
        if (strcmp(words[i].word, s) == 0)
            return words[i].state;
    return SLURM_JOB_OTHER;
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* [days-][hours:]minutes:seconds */
static int read_clock(const char *s, int64_t *ret_ms)
{
    char part[16];
    int64_t total_s = 0;
    uint32_t parts = 0;
    const char *dash = strchr(s, '-');
    for (const char *at = s; parts < 4; parts++) {
        size_t n = strcspn(at, dash && at <= dash ? "-" : ":");
        uint32_t value;
        if (n == 0 || n >= sizeof(part))
            return MW_ESYNTAX;
        memcpy(part, at, n);
        part[n] = '\0';
        if (read_u32(part, &value) != 0)
            return MW_ESYNTAX;
        total_s = total_s * (dash && parts == 1 ? 24 : 60) + value;
        at += n;
        if (*at == '\0') {
            if (dash ? parts != 3 : parts < 1 || parts > 2)
                return MW_ESYNTAX;
            *ret_ms = total_s * MW_MS_PER_S;
            return 0;
        }
        at++;
    }
    return MW_ESYNTAX;
}

int slurm_limit_read(const char *s, int64_t *ret_ms)
{
    *ret_ms = 0;
    return *s >= '0' && *s <= '9' ? read_clock(s, ret_ms) : 0; /* else "UNLIMITED", "NOT_SET" … */
}

uint32_t slurm_gpus_read(const char *tres)
{
    uint64_t total = 0;
    while (*tres != '\0') {
        size_t n = strcspn(tres, ",");
        const char *name = strncmp(tres, "gres:", 5) == 0 || strncmp(tres, "gres/", 5) == 0
                               ? tres + 5 : tres;
        const char *rest = name + 3;
        if (strncmp(name, "gpu", 3) == 0 && (*rest == ':' || *rest == '=' || rest >= tres + n)) {
            uint64_t count = 0;
            const char *last = tres + n;
            while (last > rest && last[-1] >= '0' && last[-1] <= '9')
                last--;
            bool counted = last < tres + n && (last[-1] == ':' || last[-1] == '=');
            for (const char *c = last; counted && c < tres + n && count <= UINT32_MAX; c++)
                count = count * 10 + (uint64_t)(*c - '0');
            total += counted ? count : 1; /* "gres:gpu" is one */
        }
        tres += n;
        tres += *tres == ',';
    }
    return total > UINT32_MAX ? 0 : (uint32_t)total;
}

static uint32_t total_gpus(const char *per_node, const char *per_job, const char *had,
                           uint32_t nodes)
{
    uint64_t n = (uint64_t)slurm_gpus_read(per_node) * nodes;
    if (n == 0)
        n = slurm_gpus_read(per_job);
    if (n == 0)
        n = slurm_gpus_read(had);
    return n > UINT32_MAX ? 0 : (uint32_t)n;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

int slurm_job_read(char *record, struct slurm_job_text *ret, struct mw_error *err)
{
    enum { ID, ARRAY, STATE, NODES, RESTARTS, REQUEUE, START, END, SUBMIT, LIMIT, COUNT, PER_NODE,
           PER_JOB, HAD, USER, SHARE, WHY, NAME };
    char *f[JOB_FIELDS];
    struct slurm_job_text j = { 0 };
    if (split(record, f, JOB_FIELDS) != JOB_FIELDS)
        return bad(err, "a line of squeue", record);
    if (mw_parse_u64(f[ID], &j.id) != 0 || j.id == 0)
        return bad(err, "a job's number", f[ID]);
    if (read_u32(f[RESTARTS], &j.restarts) != 0)
        return bad(err, "a job's restarts", f[RESTARTS]);
    if (read_count(f[COUNT], &j.node_count) != 0)
        return bad(err, "a job's count of nodes", f[COUNT]);
    if (read_u32(f[USER], &j.user) != 0)
        return bad(err, "a job's user", f[USER]);
    if (slurm_limit_read(f[LIMIT], &j.limit_ms) != 0)
        return bad(err, "a job's time limit", f[LIMIT]);
    j.state = read_job_state(f[STATE]);
    j.start_s = read_time(f[START]);
    j.end_s = read_time(f[END]);
    j.submit_s = read_time(f[SUBMIT]);
    j.nodes = f[NODES];
    j.why = f[WHY];
    j.name = f[NAME];
    j.gpus = total_gpus(f[PER_NODE], f[PER_JOB], f[HAD], j.node_count);
    j.requeue = strcmp(f[REQUEUE], "1") == 0;
    j.exclusive = strcmp(f[SHARE], "NO") == 0;
    bool task = strspn(f[ARRAY], "0123456789_") == strlen(f[ARRAY]) && strchr(f[ARRAY], '_');
    j.task = task ? f[ARRAY] : "";
    j.array = strchr(f[ARRAY], '_') != NULL && j.state == SLURM_JOB_WAITS;
    *ret = j;
    return 0;
}

/* ---- free text ------------------------------------------------------------------------------ */

/* Bytes of the UTF-8 character at s; 0 when it is none. */
static size_t character(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3
             : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
    uint32_t value = n == 0 ? 0 : n == 1 ? s[0] : s[0] & (0x7fu >> n);
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    return n > 1 && (value < least[n] || value > 0x10ffff || surrogate) ? 0 : n;
}

size_t slurm_text_clean(const char *s, char *ret, size_t size)
{
    size_t length = 0;
    must(s && ret && size > 0);
    while (*s != '\0') {
        size_t n = character((const unsigned char *)s);
        size_t room = n == 0 ? 1 : n;
        if (length + room >= size)
            break;
        bool control = n == 1 && ((unsigned char)*s < 0x20 || *s == 0x7f);
        if (n == 0 || control)
            ret[length] = n == 0 ? '?' : ' ';
        else
            memcpy(ret + length, s, n);
        length += room;
        s += room;
    }
    ret[length] = '\0';
    return length;
}

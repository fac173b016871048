/*
 * What an agent says is wrong, made into findings with stable numbers, and the
 * leases that close them.  A finding without a lease is never opened here, so
 * that none is left open for ever.
 */
#include <string.h>

#include "base/parse.h"
#include "live/agents_private.h"
#include "signal/kmsg.h"

/* The classes that kernel lines stand for. */
static const enum live_class kmsg_classes[] = { LIVE_GPU, LIVE_GPU_SOON, LIVE_NVLINK, LIVE_APP,
                                                LIVE_KERNEL };

/* ---- leases -------------------------------------------------------------------------------- */

static uint64_t lease_key(uint32_t node, uint32_t number)
{
    return (uint64_t)node << 32 | number;
}

struct lease *agents_lease_of(struct agents *a, uint32_t node, uint32_t number)
{
    uint32_t row = map_get(&a->lease_index, lease_key(node, number));
    if (row == MW_NONE) {
        if (a->leases == a->leases_max)
            return NULL;
        row = a->leases++;
        map_put(&a->lease_index, lease_key(node, number), row);
        a->lease[row] = (struct lease){ .node = node, .number = number };
    }
    must(row < a->leases && a->lease[row].number == number);
    return &a->lease[row];
}

static void lease_drop(struct agents *a, uint32_t row)
{
    must(row < a->leases);
    (void)map_remove(&a->lease_index, lease_key(a->lease[row].node, a->lease[row].number));
    a->lease[row] = a->lease[--a->leases];
    if (row < a->leases)
        map_put(&a->lease_index, lease_key(a->lease[row].node, a->lease[row].number), row);
}

struct lease *agents_open(struct agents *a, int64_t now_ns, const struct body_finding *f)
{
    uint32_t number = (uint32_t)f->finding;
    struct lease *l = agents_lease_of(a, f->node, number);
    if (l == NULL) {
        a->stats.findings_left_out++;
        return NULL;
    }
    l->heard_ns = now_ns;
    l->finding = *f;
    l->wanted = false;
    if (agents_is_open(a, f->node, number))
        return l;
    enum admit was = agents_finding(a, now_ns, EV_FINDING_OPENED, f->node, f);
    l->wanted = was == ADMIT_GAP;
    if (was == ADMIT_OK || was == ADMIT_DUPLICATE || l->wanted)
        return l;
    a->stats.findings_left_out++;
    lease_drop(a, (uint32_t)(l - a->lease));
    return NULL;
}

bool agents_close(struct agents *a, int64_t now_ns, uint32_t node, uint32_t number)
{
    uint32_t row = map_get(&a->lease_index, lease_key(node, number));
    struct body_finding f = agents_finding_of(node, number);
    if (agents_is_open(a, node, number) &&
        agents_finding(a, now_ns, EV_FINDING_CLOSED, node, &f) == ADMIT_GAP)
        return false;
    if (row != MW_NONE)
        lease_drop(a, row);
    return true;
}

/* Opens what could not be opened when it was heard; false when it still cannot be. */
static bool open_wanted(struct agents *a, int64_t now_ns, struct lease *l)
{
    enum admit was = agents_finding(a, now_ns, EV_FINDING_OPENED, l->node, &l->finding);
    l->wanted = was == ADMIT_GAP;
    a->stats.findings_left_out += !l->wanted && was != ADMIT_OK && was != ADMIT_DUPLICATE;
    return !l->wanted;
}

static bool is_kmsg(enum live_class class)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(kmsg_classes); i++)
        if (kmsg_classes[i] == class)
            return true;
    return false;
}

/* Is a finding over that nobody said again since l->heard_ns? */
static bool lease_is_over(const struct agents *a, int64_t now_ns, const struct lease *l)
{
    const struct board *b = a->board;
    enum live_class class = agents_class_of(l->number);
    int64_t age_ns = now_ns - l->heard_ns;
    if (a->agent[l->node].watch != WATCH_HEARD)
        return false; /* nobody is there who could have said it */
    if (l->job != 0) {
        uint32_t slot = board_job_find(b, l->job);
        if (slot == MW_NONE || b->job_attempt[slot] != l->attempt)
            return true;
    }
    if (age_ns < AGENT_LEASE_NS)
        return false;
    bool mends = b->node_health[l->node] == HEALTH_REPAIRING ||
                 b->node_incident[l->node] == MW_NONE;
    bool heals = a->o.control->policy.care.class[class].heals;
    return heals || mends || age_ns >= AGENT_LEASE_LONG_NS;
}

void agents_leases(struct agents *a, int64_t now_ns)
{
    for (uint32_t row = 0; row < a->leases;) {
        const struct lease l = a->lease[row];
        /* A silence is not a kernel's silence: the time begins when the agent is back. */
        if (a->agent[l.node].watch != WATCH_HEARD)
            a->lease[row].heard_ns = now_ns;
        if (l.wanted && !open_wanted(a, now_ns, &a->lease[row]))
            return; /* nothing can be recorded now */
        if (!agents_is_open(a, l.node, l.number))
            lease_drop(a, row);
        else if (!lease_is_over(a, now_ns, &l) || !agents_close(a, now_ns, l.node, l.number))
            row++;
    }
}

/* Is a finding of this class one that an agent says, and that a lease closes? */
static bool is_said(enum live_class class)
{
    return is_kmsg(class) || class == LIVE_DISK || class == LIVE_SLURMD || class == LIVE_RANK ||
           (class >= LIVE_DRIVER && class < LIVE_CLASS_COUNT);
}

void agents_adopt(struct agents *a, int64_t now_ns)
{
    uint64_t key;
    if (a->adopted)
        return;
    a->adopted = true;
    for (uint32_t row = 0; care_finding_row(a->o.control->care, row, &key); row++) {
        uint64_t source = key >> 40, number = key & ((UINT64_C(1) << 40) - 1);
        uint32_t node = (uint32_t)(source - SOURCE_NODE);
        if (source < SOURCE_NODE || node >= a->nodes || number >> 32 != 0 || number >> 24 == 0 ||
            !is_said(agents_class_of((uint32_t)number)))
            continue;
        struct lease *l = agents_lease_of(a, node, (uint32_t)number);
        if (l != NULL)
            l->heard_ns = now_ns;
    }
}

/* What the kernel of the last boot said is over; whether the fault is, its class says. */
void agents_rebooted(struct agents *a, int64_t now_ns, uint32_t node)
{
    for (uint32_t row = 0; row < a->leases;) {
        const struct lease l = a->lease[row];
        enum live_class class = agents_class_of(l.number);
        bool ended = l.node == node && (is_kmsg(class) || class == LIVE_RANK);
        if (!ended || !agents_close(a, now_ns, node, l.number))
            row++;
    }
}

/* ---- kernel lines -------------------------------------------------------------------------- */

/* n hex digits at s; -1 when they are not. */
static int32_t hex(const char *s, uint32_t n)
{
    int32_t v = 0;
    for (uint32_t i = 0; i < n; i++) {
        char c = s[i];
        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + (c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            v = v * 16 + (c - 'A' + 10);
        else
            return -1;
    }
    return v;
}

/* The first "dddd:bb:ss" of a text as domain << 16 | bus << 8 | device << 3; 0 = none. */
static uint32_t pci_of(const char *text)
{
    for (const char *s = text; *s != '\0'; s++) {
        int32_t domain = hex(s, 4);
        if (domain < 0 || s[4] != ':')
            continue;
        int32_t bus = hex(s + 5, 2);
        int32_t device = bus >= 0 && s[7] == ':' ? hex(s + 8, 2) : -1;
        if (device >= 0)
            return (uint32_t)domain << 16 | (uint32_t)bus << 8 | (uint32_t)(device & 31) << 3;
    }
    return 0;
}

void agents_gpus(struct agents *a, uint32_t node, const char *list)
{
    uint32_t *gpu = &a->gpu[(size_t)node * AGENT_GPUS_MAX];
    uint32_t n = 0, most = a->board->fleet->node_gpus[node];
    most = MW_MIN(most, (uint32_t)AGENT_GPUS_MAX);
    while (n < most && *list != '\0') {
        gpu[n++] = pci_of(list); /* commas part them: the first of the rest is the next */
        list += strcspn(list, ",");
        list += *list == ',';
    }
    a->agent[node].gpus = (uint8_t)n;
}

/* Where on the node a line's fault is: a GPU that the agent named by its slot, else by the bus. */
static uint32_t place_of(const struct agents *a, uint32_t node, const char *part, bool *is_gpu)
{
    const uint32_t *gpu = &a->gpu[(size_t)node * AGENT_GPUS_MAX];
    uint32_t pci = pci_of(part);
    *is_gpu = false;
    if (pci == 0)
        return AGENT_PLACES - 1;
    for (uint32_t i = 0; i < a->agent[node].gpus; i++)
        if (gpu[i] == pci) {
            *is_gpu = true;
            return i;
        }
    return AGENT_GPUS_MAX + (((pci >> 8) ^ (pci >> 16)) & 0xff);
}

/* "Xid 79" -> 79; 0 for what has no number. */
static uint32_t code_of(const struct diagnosis *d)
{
    const char *blank = strchr(d->code, ' ');
    uint64_t code;
    if (strstr(d->code, "Xid ") == NULL || blank == NULL || mw_parse_u64(blank + 1, &code) < 0)
        return 0;
    return (uint32_t)MW_MIN(code, (uint64_t)UINT32_MAX);
}

/* Users choose names (of programs, cgroups, USB strings, loop images) that the kernel quotes in its
 * lines.  A node is taken only on a line that begins as the driver or the kernel begins it. */
static bool is_own_word(const char *line, enum live_class class)
{
    static const char *const driver[] = { "NVRM: ", "nvidia-nvswitch" };
    static const char *const kernel[] = { "mce: ",      "EDAC ",       "Kernel panic - ",
                                          "BUG: ",      "watchdog: ",  "[Hardware Error]: ",
                                          "{",          "pcieport ",   "mlx5_core ",
                                          "nvme nvme",  "NMI ",        "NVRM: " };
    bool of_kernel = class == LIVE_KERNEL;
    const char *const *begin = of_kernel ? kernel : driver;
    size_t n = of_kernel ? MW_ARRAY_LEN(kernel) : MW_ARRAY_LEN(driver);
    for (size_t i = 0; i < n; i++)
        if (strncmp(line, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

static void diagnosed(struct agents *a, int64_t now_ns, uint32_t node, const struct diagnosis *d,
                      const char *line)
{
    enum live_class class = live_class_of(d);
    bool is_gpu, own = class < LIVE_CLASS_COUNT && is_own_word(line, class);
    if (class == LIVE_CLASS_COUNT || (!own && class != LIVE_KERNEL)) {
        a->stats.lines_nothing++;
        a->stats.lines_unknown += d->sure == SURE_UNKNOWN;
        return;
    }
    uint32_t place = place_of(a, node, d->part, &is_gpu);
    struct body_finding f = agents_finding_of(node, agents_number(class, place));
    if (is_gpu)
        f.component = component_id(COMPONENT_GPU, a->board->fleet->node_gpu_first[node] + place);
    f.detail = code_of(d);
    f.effect = (uint8_t)(own ? live_effect_of(d, class) : EFFECT_DEFERS);
    (void)agents_open(a, now_ns, &f);
}

void agents_kmsg(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    struct diagnoses all mw_cleanup(diagnoses_fini) = { 0 };
    const struct kmsg_source s = { .name = "kmsg", .data = f->text,
                                   .size = strnlen(f->text, sizeof(f->text)) };
    a->stats.lines++;
    if (kmsg_diagnose(&s, &all, NULL) < 0) {
        a->stats.findings_left_out++;
        return;
    }
    a->stats.lines_nothing += all.length == 0;
    for (uint32_t i = 0; i < all.length; i++)
        diagnosed(a, now_ns, node, &all.item[i], f->text);
}

/* ---- programs, disks, ranks ---------------------------------------------------------------- */

void agents_unit(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    uint32_t number = agents_number(LIVE_SLURMD, 0);
    struct body_finding finding = agents_finding_of(node, number);
    if (strcmp(f->name, "slurmd") != 0) {
        a->stats.lines_nothing++; /* no class stands for other programs yet */
        return;
    }
    if (f->up)
        (void)agents_close(a, now_ns, node, number); /* it is said again */
    else
        (void)agents_open(a, now_ns, &finding);
}

void agents_disk(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    uint64_t hash = mw_hash64_of(f->text, strnlen(f->text, sizeof(f->text)));
    uint32_t number = agents_number(LIVE_DISK, (uint32_t)(hash % AGENT_PATHS));
    struct body_finding finding = agents_finding_of(node, number);
    finding.detail = f->used_permille;
    if (f->readonly || f->used_permille >= AGENT_DISK_FULL)
        (void)agents_open(a, now_ns, &finding);
    else if (f->used_permille < AGENT_DISK_FREE)
        (void)agents_close(a, now_ns, node, number);
    else if (agents_is_open(a, node, number)) /* between: as it was */
        (void)agents_open(a, now_ns, &finding);
}

/* Evidence, not a fault of the node: the incident it joins or opens is harmless. */
void agents_exit(struct agents *a, int64_t now_ns, uint32_t node, const struct agent_frame *f)
{
    uint32_t slot = board_job_find(a->board, f->job);
    uint32_t number = agents_number(LIVE_RANK, (uint32_t)(f->job % AGENT_RANKS));
    struct body_finding finding = agents_finding_of(node, number);
    finding.detail = f->rank;
    finding.effect = EFFECT_HARMLESS;
    struct lease *l = agents_open(a, now_ns, &finding);
    if (l == NULL || slot == MW_NONE)
        return;
    l->job = f->job;
    l->attempt = a->board->job_attempt[slot];
}

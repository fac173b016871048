/*
 * What agents and gatherers read, and say of themselves and of machines: into
 * the hub (signal/machines.h), and from its conditions to findings with stable
 * numbers and the leases of agents_findings.c.
 *
 * A finding's number has its class in the high bits (agents_number); the place is
 *   1 rule (8 bits) instance (15 bits)   a condition of a rule
 *   01 0 hash of class and name          one that a source stated
 *   01 1 hash of the source's name       a source that is silent
 * and for what the site file and the inventory disagree on, enum host_place.
 * Machines that are no node of the site are kept for reading; a switch of the
 * fleet has findings on itself, from SOURCE_FABRIC.
 */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "live/agents_private.h"
#include "live/machine_frames.h"

#define OTHERS_MAX 4096u     /* machines that are no nodes: switches, PDUs, guests */
#define GATHER_LINES_MAX 65536u
#define PLACE_RULE (1u << 23)
#define PLACE_STATED (1u << 22)
#define PLACE_SOURCE (3u << 21)
#define HASH_BITS 0x1fffffu
#define INSTANCE_BITS 0x7fffu
#define AGAIN_NS ((int64_t)MACHINES_SAY_AGAIN_MS * MW_NS_PER_MS)
#define SETTLED_NS (10 * MW_NS_PER_S) /* after hello an agent has said its parts by then */

enum host_place { HOST_GPUS = 1, HOST_MODEL, HOST_NICS };

/* Lines of one connection by the number that its frames give a machine. */
struct lines {
    uint32_t *line; /* MW_NONE = none */
    uint32_t max;
};

struct agents_readings {
    struct machines *machines;
    struct lines *of_peer;  /* nodes, then gatherers */
    uint32_t peers;
    int64_t *hello_ns;      /* per node: of the present connection; 0 */
    uint8_t class_of[RULE_NUMBER_MAX + 1]; /* enum live_class of a rule */
    int64_t now_ns;         /* while the hub is called */
    int64_t again_ns;       /* when levels are looked at again */
};

static uint32_t hash_of(const char *a, const char *b)
{
    uint64_t h = mw_hash64_of(a, strlen(a));
    return (uint32_t)(mw_mix64(h ^ mw_hash64_of(b, strlen(b))) & HASH_BITS);
}

/* ---- where ----------------------------------------------------------------------------------- */

static const struct machine_part *part_of(const struct machines *m, uint32_t machine,
                                          uint32_t scope, uint32_t n)
{
    const struct machine_part *p = NULL;
    for (uint32_t k = 0; (p = machines_part(m, machine, k)) != NULL; k++)
        if (p->scope == scope && p->n == n)
            break;
    return p;
}

/* The NIC of a node whose cable goes where the port's neighbour says that it is; MW_NONE. */
static uint32_t nic_of(const struct agents *a, uint32_t machine, uint32_t node, uint32_t port)
{
    const struct fleet *f = a->board->fleet;
    const struct machine_part *p = part_of(a->readings->machines, machine, SCOPE_PORT, port);
    uint64_t peer = p && p->peer[0] ? fleet_find(f, p->peer) : 0, number = 0;
    size_t digits = p ? strcspn(p->peer_port, "0123456789") : 0;
    if (peer == 0 || mw_parse_u64(p->peer_port + digits, &number) < 0)
        return MW_NONE;
    for (uint32_t i = 0; i < f->node_nics[node]; i++) {
        uint32_t nic = f->node_nic_first[node] + i, cable = f->nic_cable[nic];
        for (uint32_t end = 0; cable != MW_NONE && end < 2; end++)
            if (f->cable_end[end][cable].component == peer &&
                f->cable_end[end][cable].port == number)
                return nic;
    }
    return MW_NONE;
}

/* The component that a reading's instance is on: a GPU, a NIC, else the node. */
static uint64_t component_of(const struct agents *a, uint32_t machine, uint32_t node,
                             const struct machine_condition *c)
{
    const struct fleet *f = a->board->fleet;
    uint32_t scope = c->rule ? metric_of(c->metric)->scope : SCOPE_HOST;
    uint32_t gpu = scope == SCOPE_NVLINK ? c->instance / METRIC_LINKS_PER_GPU : c->instance;
    uint32_t port = scope == SCOPE_LANE ? c->instance / METRIC_LANES_PER_PORT : c->instance;
    if ((scope == SCOPE_GPU || scope == SCOPE_NVLINK) && gpu < f->node_gpus[node])
        return component_id(COMPONENT_GPU, f->node_gpu_first[node] + gpu);
    if (scope == SCOPE_PORT || scope == SCOPE_LANE) {
        uint32_t nic = nic_of(a, machine, node, port);
        if (nic != MW_NONE)
            return component_id(COMPONENT_NIC, nic);
    }
    return component_id(COMPONENT_NODE, node);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static uint32_t rule_place(const struct rule *r, uint32_t instance)
{
    return PLACE_RULE | (uint32_t)r->number << 15 | (instance & INSTANCE_BITS);
}

/* The cable at a port of a switch, by the instance of a reading or as a source names the place
 * ("leaf1:12"); the switch itself where there is none. */
static uint64_t cable_of(const struct fleet *f, uint64_t sw, const struct machine_condition *c)
{
    const char *colon = c->rule ? NULL : strrchr(c->name, ':');
    uint32_t row = component_index_of(sw);
    uint64_t port = c->rule && metric_of(c->metric)->scope == SCOPE_PORT ? c->instance : 0;
    if (component_kind_of(sw) != COMPONENT_SWITCH ||
        (colon != NULL && mw_parse_u64(colon + 1, &port) < 0))
        return sw;
    for (uint32_t i = f->switch_cables.first[row]; i < f->switch_cables.first[row + 1]; i++)
        for (uint32_t end = 0; end < 2; end++) {
            uint32_t cable = f->switch_cables.item[i];
            if (f->cable_end[end][cable].component == sw && f->cable_end[end][cable].port == port)
                return component_id(COMPONENT_CABLE, cable);
        }
    return sw;
}

/* Of a part that is no node's: no lease, the hub tells when it is over. */
static void on_other(struct agents *a, uint32_t machine, const struct machine_condition *c,
                     enum live_class class, uint32_t place, bool up)
{
    const char *name = machines_info(a->readings->machines, machine).name;
    uint64_t component = fleet_find(a->board->fleet, name);
    uint64_t number = (uint64_t)(class + 1) << 32 |
                      (mw_mix64(component ^ (uint64_t)place << 32) & UINT32_MAX);
    if (component == 0 || component_kind_of(component) == COMPONENT_NODE)
        return;
    struct event fact = { .kind = up ? EV_FINDING_OPENED : EV_FINDING_CLOSED,
                          .observed_ns = a->readings->now_ns, .source = SOURCE_FABRIC };
    fact.body.finding = (struct body_finding){
        .component = cable_of(a->board->fleet, component, c), .finding = number, .node = MW_NONE,
        .class = (uint16_t)class, .effect = EFFECT_HARMLESS,
        .detail = c->rule ? LIVE_DETAIL_RULE + c->rule->number : 0 };
    if (care_finding_is_open(a->o.control->care, SOURCE_FABRIC, number) != up)
        (void)a->o.facts.submit(a->o.facts.ctx, &fact, NULL);
}

static void on_condition(void *ctx, uint32_t machine, const struct machine_condition *c, bool up)
{
    struct agents *a = ctx;
    const struct agents_readings *r = a->readings;
    uint32_t node = machines_info(r->machines, machine).node;
    enum live_class class = c->rule ? (enum live_class)r->class_of[c->rule->number]
                                    : live_class_named(c->class);
    if (class == LIVE_CLASS_COUNT)
        class = LIVE_BMC; /* a source of a later release: shown, and nothing more */
    uint32_t place = c->rule ? rule_place(c->rule, c->instance)
                             : PLACE_STATED | hash_of(c->class, c->name);
    if (node == MW_NONE) {
        on_other(a, machine, c, class, place, up);
        return;
    }
    struct body_finding f = agents_finding_of(node, agents_number(class, place));
    if (!up) {
        (void)agents_close(a, r->now_ns, node, (uint32_t)f.finding);
        return;
    }
    f.component = component_of(a, machine, node, c);
    f.detail = c->rule ? LIVE_DETAIL_RULE + c->rule->number : 0;
    f.effect = c->rule ? c->rule->effect : EFFECT_NONE;
    (void)agents_open(a, r->now_ns, &f);
}

static bool on_recorded(void *ctx, uint32_t machine, const struct rule *rule, uint32_t instance)
{
    const struct agents *a = ctx;
    const struct agents_readings *r = a->readings;
    uint32_t node = machines_info(r->machines, machine).node;
    enum live_class class = (enum live_class)r->class_of[rule->number];
    return node != MW_NONE &&
           agents_is_open(a, node, agents_number(class, rule_place(rule, instance)));
}

/* ---- levels that are looked at again --------------------------------------------------------- */

static void level(struct agents *a, struct body_finding f, bool up)
{
    if (up)
        (void)agents_open(a, a->readings->now_ns, &f);
    else if (agents_is_open(a, f.node, (uint32_t)f.finding))
        (void)agents_close(a, a->readings->now_ns, f.node, (uint32_t)f.finding);
}

/* A silent source: the GPU driver's is a fault of the node, of another it is a fact beside it. */
static void judge_sources(struct agents *a, uint32_t machine, uint32_t node)
{
    const struct machine_source *s;
    for (uint32_t k = 0; (s = machines_source(a->readings->machines, machine, k)) != NULL; k++) {
        bool driver = strcmp(s->name, "gpu") == 0;
        uint32_t place = PLACE_SOURCE | hash_of(s->name, "");
        struct body_finding f =
            agents_finding_of(node, agents_number(driver ? LIVE_DRIVER : LIVE_SOURCE, place));
        f.effect = driver ? EFFECT_NONE : EFFECT_HARMLESS;
        level(a, f, s->state == MACHINE_SOURCE_SILENT);
    }
}

static bool source_is_ok(const struct machines *m, uint32_t machine, const char *name)
{
    const struct machine_source *s;
    for (uint32_t k = 0; (s = machines_source(m, machine, k)) != NULL; k++)
        if (strcmp(s->name, name) == 0)
            return s->state == MACHINE_SOURCE_OK;
    return false;
}

/* Is a word of the model ("hgx-h100", "gb200-nvl72") with a digit in the name of the GPU, or is
 * there none to look for? */
static bool model_agrees(const char *node_model, const char *gpu)
{
    bool any = false;
    for (const char *at = node_model; *at != '\0';) {
        char word[32];
        size_t n = strcspn(at, "-_ "), kept = MW_MIN(n, sizeof(word) - 1);
        memcpy(word, at, kept);
        word[kept] = '\0';
        if (strpbrk(word, "0123456789") && isalpha((unsigned char)word[0])) {
            any = true;
            if (strcasestr(gpu, word))
                return true;
        }
        at += n;
        at += *at != '\0';
    }
    return !any;
}

/* The inventory against the site file, once the agent has said all of it and its driver answers. */
static void judge_parts(struct agents *a, uint32_t machine, uint32_t node)
{
    const struct fleet *f = a->board->fleet;
    const struct machines *m = a->readings->machines;
    const struct machine_part *p;
    uint32_t gpus = 0, ports = 0;
    bool model = true;
    for (uint32_t k = 0; (p = machines_part(m, machine, k)) != NULL; k++) {
        bool gpu = p->scope == SCOPE_GPU && !p->gone;
        struct machine_value v;
        gpus += gpu;
        if (gpu && f->node_model && f->node_model[node] != 0 && p->model[0])
            model &= model_agrees(f->text.pool + f->node_model[node], p->model);
        ports += p->scope == SCOPE_PORT && !p->gone &&
                 machines_value(m, machine, M_IB_STATE, p->n, &v);
    }
    if (source_is_ok(m, machine, "gpu")) {
        struct body_finding some = agents_finding_of(node, agents_number(LIVE_HOST, HOST_GPUS));
        struct body_finding other = agents_finding_of(node, agents_number(LIVE_MODEL, HOST_MODEL));
        other.effect = EFFECT_HARMLESS;
        level(a, some, gpus < f->node_gpus[node]);
        level(a, other, !model);
    }
    struct body_finding nics = agents_finding_of(node, agents_number(LIVE_HOST, HOST_NICS));
    level(a, nics, ports > 0 && ports < f->node_nics[node]);
}

static void judge_again(struct agents *a, int64_t now_ns)
{
    const struct agents_readings *r = a->readings;
    for (uint32_t i = 0; i < machines_count(r->machines); i++) {
        uint32_t node = machines_info(r->machines, i).node;
        if (node == MW_NONE || a->agent[node].watch != WATCH_HEARD)
            continue;
        judge_sources(a, i, node);
        if (r->hello_ns[node] != 0 && now_ns - r->hello_ns[node] >= SETTLED_NS)
            judge_parts(a, i, node);
    }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static uint32_t line_of(const struct agents_readings *r, uint32_t peer, uint32_t number)
{
    const struct lines *l = &r->of_peer[peer];
    return number < l->max ? l->line[number] : MW_NONE;
}

static bool line_room(struct lines *l, uint32_t number)
{
    if (number < l->max)
        return true;
    uint32_t most = MW_MIN(MW_MAX(l->max * 2, number + 1), GATHER_LINES_MAX);
    uint32_t *more = number < most ? mw_resize(l->line, most, sizeof(*more)) : NULL;
    if (!more)
        return false;
    for (uint32_t i = l->max; i < most; i++)
        more[i] = MW_NONE;
    l->line = more;
    l->max = most;
    return true;
}

static void open_line(struct agents *a, int64_t now_ns, uint32_t peer, uint32_t number,
                      const char *name, const char *version)
{
    struct agents_readings *r = a->readings;
    struct lines *l = &r->of_peer[peer];
    uint64_t id = fleet_find(a->board->fleet, name);
    bool is_node = id != 0 && component_kind_of(id) == COMPONENT_NODE;
    uint32_t machine = machines_add(r->machines, name, is_node ? component_index_of(id) : MW_NONE);
    if (machine == MW_NONE || !line_room(l, number))
        return;
    if (l->line[number] != MW_NONE)
        machines_line_close(r->machines, l->line[number]);
    l->line[number] = machines_line_open(r->machines, machine, peer >= a->nodes, version,
                                         now_ns / MW_NS_PER_MS);
}

static void close_lines(struct agents_readings *r, uint32_t peer)
{
    struct lines *l = &r->of_peer[peer];
    for (uint32_t i = 0; i < l->max; i++)
        if (l->line[i] != MW_NONE)
            machines_line_close(r->machines, l->line[i]);
    mw_free(l->line);
    *l = (struct lines){ 0 };
}

void agents_readings_hello(struct agents *a, int64_t now_ns, uint32_t peer,
                           const struct agent_frame *hello)
{
    must(peer < a->readings->peers);
    close_lines(a->readings, peer);
    open_line(a, now_ns, peer, 0, hello->name, hello->agent);
    if (peer < a->nodes)
        a->readings->hello_ns[peer] = now_ns;
}

void agents_readings_lost(struct agents *a, uint32_t peer)
{
    must(peer < a->readings->peers);
    close_lines(a->readings, peer);
    if (peer < a->nodes)
        a->readings->hello_ns[peer] = 0;
}

/* Ticks are wanted, though there may be gatherers only. */
static void wake(struct agents *a, int64_t now_ns)
{
    a->readings->now_ns = now_ns;
    if (a->due_ns == MW_NEVER)
        a->tick_ns = a->due_ns = now_ns;
}

/* ---- frames ---------------------------------------------------------------------------------- */

void agents_said(struct agents *a, int64_t now_ns, uint32_t peer, const struct agent_frame *f)
{
    struct agents_readings *r = a->readings;
    must(f != NULL && peer < r->peers);
    wake(a, now_ns);
    if (f->verb == AGENT_MACHINE) {
        if (peer >= a->nodes && f->n > 0 && f->n < GATHER_LINES_MAX)
            open_line(a, now_ns, peer, (uint32_t)f->n, f->name, "");
        return;
    }
    uint32_t line = line_of(r, peer, peer < a->nodes ? 0 : f->machine);
    if (line == MW_NONE)
        return;
    uint32_t machine = machines_line_machine(r->machines, line);
    machines_heard(r->machines, line, now_ns / MW_NS_PER_MS, 0);
    (void)machine_frame(r->machines, machine, now_ns / MW_NS_PER_MS, f);
    uint32_t node = machines_info(r->machines, machine).node;
    if (f->verb == AGENT_SOURCE && node != MW_NONE)
        judge_sources(a, machine, node);
}

void agents_samples(struct agents *a, int64_t now_ns, uint32_t peer, const uint8_t *payload,
                    size_t size)
{
    struct agents_readings *r = a->readings;
    struct sample_reader reader;
    must(payload != NULL && size > 0 && peer < r->peers);
    a->stats.frames++;
    wake(a, now_ns);
    if (sample_reader_open(&reader, payload, size, NULL) == 0) {
        uint32_t line = line_of(r, peer, peer < a->nodes ? 0 : reader.head.machine);
        if (line == MW_NONE)
            a->stats.frames_refused++;
        else if (machines_samples(r->machines, line, now_ns / MW_NS_PER_MS, &reader, NULL) < 0)
            a->stats.frames_refused++;
    } else {
        a->stats.frames_refused++;
    }
    if (peer < a->nodes)
        agents_beat(a, now_ns, peer);
}

/* ---- making, ticking ------------------------------------------------------------------------- */

int agents_readings_create(struct agents *a, struct mw_error *err)
{
    struct agents_readings *r = mw_calloc(1, sizeof(*r));
    const struct machines_options o = { .machines_max = a->nodes + OTHERS_MAX,
                                        .condition = on_condition, .recorded = on_recorded,
                                        .ctx = a };
    if (!r)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    a->readings = r;
    r->peers = a->nodes + AGENT_GATHERS_MAX;
    r->of_peer = mw_calloc(r->peers, sizeof(*r->of_peer));
    r->hello_ns = mw_calloc(a->nodes, sizeof(*r->hello_ns));
    if (!r->of_peer || !r->hello_ns)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < rules_count(); i++) {
        const struct rule *rule = rules_at(i);
        r->class_of[rule->number] = (uint8_t)live_class_named(rule->class);
        must(r->class_of[rule->number] < LIVE_CLASS_COUNT);
    }
    return machines_create(&o, &r->machines, err);
}

void agents_readings_destroy(struct agents_readings *r)
{
    if (!r)
        return;
    for (uint32_t i = 0; r->of_peer && i < r->peers; i++)
        mw_free(r->of_peer[i].line);
    machines_destroy(r->machines);
    mw_free(r->of_peer);
    mw_free(r->hello_ns);
    mw_free(r);
}

void agents_readings_tick(struct agents *a, int64_t now_ns)
{
    struct agents_readings *r = a->readings;
    r->now_ns = now_ns;
    (void)machines_tick(r->machines, now_ns / MW_NS_PER_MS);
    if (now_ns >= r->again_ns) {
        judge_again(a, now_ns);
        r->again_ns = now_ns + AGAIN_NS;
    }
}

const struct machines *agents_machines(const struct agents *a)
{
    return a->readings->machines;
}

/*
 * The IPMI door: ipmitool as child processes, a few at a time, one after the
 * other for each machine.  The password goes in by standard input (-f
 * /dev/stdin), never by an argument; the user's name is an argument of ipmitool,
 * which has no other way to take it.
 *
 * `sdr list` is asked only of a BMC that says it has records: ipmitool 1.8.19
 * erases an empty repository when it lists it.
 */
#include <assert.h>
#include <event2/event.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "gather/credentials.h"
#include "gather/doors.h"
#include "gather/out.h"
#include "live/ipmi_text.h"
#include "live/process_run.h"
#include "signal/metric.h"

#define SENSORS_MAX 512
#define SERIES (SENSORS_MAX + 8)
#define RUNNING 16
#define INVENTORY_MS 3600000
#define EVENTS_ONCE 64 /* entries asked for when the log has grown; older ones are counted only */
#define BACK_MS 120000
#define LOOK_MS 1000
#define AFTER_MS 15000
#define ARGS_MAX 24

enum step { STEP_SDR_INFO, STEP_MC, STEP_FRU, STEP_SENSORS, STEP_POWER, STEP_SEL_INFO, STEP_SEL,
            STEP_END };

struct ipmi_door;
struct ipmi_bmc {
    struct ipmi_door *door;
    const struct door_target *target;
    char host[128], port[8];
    uint32_t machine;
    uint8_t step;
    int64_t records;             /* of the sensor repository; -1 = not known */
    int64_t found_ms, end_ms;
    int64_t entries;             /* of the log, when it was read last; -1 = never */
    int64_t entries_now;         /* that it says it has */
    uint32_t id;                 /* the highest entry so far */
    uint32_t answers;
    char serial[64], model[64];
    char trouble[160];
    char (*sensor)[IPMI_NAME_MAX]; /* owned: names by instance, in the order of the repository */
    uint32_t sensors;
    int64_t acting_ms;           /* under the door's lock */
};

struct ipmi_door {
    const struct door_spec *spec;
    struct door_out *out;
    struct credentials secret;
    const char *cipher;
    bool expect_on;
    struct event_base *base;
    struct process_run *run;
    struct ipmi_bmc *bmc; /* owned */
    uint32_t active;
    pthread_mutex_t lock;
};

static void begin_step(struct ipmi_bmc *b);

static int64_t clock_ms(clockid_t which)
{
    struct timespec t = { 0 };
    (void)clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what steps say ------------------------------------------------------------------------- */

static uint32_t instance_of(struct ipmi_bmc *b, const char *name, bool *ret_new)
{
    *ret_new = false;
    for (uint32_t i = 0; i < b->sensors; i++)
        if (strcmp(b->sensor[i], name) == 0)
            return i;
    if (b->sensors == SENSORS_MAX)
        return MW_NONE;
    *ret_new = true;
    (void)snprintf(b->sensor[b->sensors], IPMI_NAME_MAX, "%s", name);
    return b->sensors++;
}

static void say_finding(struct ipmi_bmc *b, const char *class_name, const char *name,
                        const char *code, bool up, const char *text)
{
    const struct door_finding f = { .class_name = class_name, .name = name, .code = code,
                                    .text = text, .up = up };
    door_out_finding(b->door->out, b->machine, &f);
}

static void take_sensor(struct ipmi_bmc *b, const struct ipmi_sensor *s)
{
    static const uint16_t metrics[IPMI_QUANTITIES] = {
        [IPMI_TEMPERATURE_C] = M_BMC_TEMP_C, [IPMI_SPEED_RPM] = M_BMC_FAN_RPM,
        [IPMI_POWER_W] = M_BMC_POWER_W,      [IPMI_VOLTAGE_V] = M_BMC_VOLTAGE_V,
        [IPMI_CURRENT_A] = M_BMC_CURRENT_A,  [IPMI_PERCENT] = M_BMC_PERCENT,
    };
    bool first;
    char text[DOOR_TEXT_MAX];
    uint32_t i = s->quantity != IPMI_OTHER ? instance_of(b, s->name, &first) : MW_NONE;
    if (i == MW_NONE)
        return;
    const uint32_t n = b->door->spec->base + i;
    if (first) {
        const struct door_part p = { .scope = "sensor", .n = n, .name = s->name, .text = "sensor" };
        door_out_part(b->door->out, b->machine, &p);
    }
    door_out_put(b->door->out, b->machine, metrics[s->quantity], n, s->value);
    (void)snprintf(text, sizeof(text), "%s reads %g; the BMC calls it critical", s->name, s->value);
    say_finding(b, s->quantity == IPMI_TEMPERATURE_C ? "thermal" : "bmc", s->name,
                "sensor-critical", s->status == IPMI_CRITICAL, text);
}

static void take_sensors(struct ipmi_bmc *b, const char *text, size_t size)
{
    struct ipmi_sensor s;
    const char *line;
    size_t at = 0, n;
    while (ipmi_line_next(text, size, &at, &line, &n))
        if (ipmi_sensor_read(line, n, &s) == 0)
            take_sensor(b, &s);
}

static void take_power(struct ipmi_bmc *b, int on)
{
    struct ipmi_door *d = b->door;
    if (on < 0)
        return;
    must(pthread_mutex_lock(&d->lock) == 0);
    bool ours = clock_ms(CLOCK_MONOTONIC) < b->acting_ms;
    must(pthread_mutex_unlock(&d->lock) == 0);
    door_out_put_int(d->out, b->machine, M_BMC_POWER_ON, 0, on);
    say_finding(b, "power", "chassis", "power-off", d->expect_on && on == 0 && !ours,
                "the BMC says that the chassis is off, and nobody here switched it off");
}

static void take_events(struct ipmi_bmc *b, const char *text, size_t size, bool old)
{
    struct ipmi_event e;
    const char *line;
    size_t at = 0, n;
    uint32_t highest = b->id;
    char name[DOOR_NAME_MAX], words[DOOR_TEXT_MAX];
    while (ipmi_line_next(text, size, &at, &line, &n)) {
        if (ipmi_event_read(line, n, &e) < 0 || e.id <= b->id)
            continue;
        highest = MW_MAX(highest, e.id);
        if (old || !e.critical)
            continue;
        (void)snprintf(name, sizeof(name), "SEL/%x", e.id);
        (void)snprintf(words, sizeof(words), "%s: %s", e.sensor, e.text);
        const struct door_finding f = { .class_name = "bmc", .name = name, .code = "sel-critical",
                                        .text = words, .up = true };
        door_out_event(b->door->out, b->machine, &f);
    }
    b->id = highest;
}

static void take_inventory(struct ipmi_bmc *b, const char *text, size_t size)
{
    char version[32] = "", maker[64] = "";
    if (b->step == STEP_FRU) {
        (void)(ipmi_field_read(text, size, "Product Serial", b->serial, sizeof(b->serial)) ||
               ipmi_field_read(text, size, "Board Serial", b->serial, sizeof(b->serial)));
        (void)(ipmi_field_read(text, size, "Product Name", b->model, sizeof(b->model)) ||
               ipmi_field_read(text, size, "Board Product", b->model, sizeof(b->model)));
        (void)ipmi_field_read(text, size, "Product Manufacturer", maker, sizeof(maker));
        const struct door_part p = { .scope = "system", .name = "chassis", .serial = b->serial,
                                     .model = b->model, .text = maker };
        if (b->serial[0] != '\0' || b->model[0] != '\0')
            door_out_part(b->door->out, b->machine, &p);
        return;
    }
    (void)ipmi_field_read(text, size, "Firmware Revision", version, sizeof(version));
    (void)ipmi_field_read(text, size, "Manufacturer Name", maker, sizeof(maker));
    const struct door_part p = { .scope = "bmc", .name = "BMC", .firmware = version,
                                 .text = maker };
    door_out_part(b->door->out, b->machine, &p);
}

/* ---- one machine, one ipmitool at a time ---------------------------------------------------- */

static void end_round(struct ipmi_bmc *b)
{
    struct ipmi_door *d = b->door;
    if (b->answers == 0) {
        door_out_source(d->out, b->machine, d->spec->name, DOOR_SILENT,
                        b->trouble[0] != '\0' ? b->trouble : "no answer within the deadline");
    } else {
        door_out_source(d->out, b->machine, d->spec->name, DOOR_OK, b->trouble);
        if (b->entries >= 0)
            door_out_put_int(d->out, b->machine, M_BMC_LOG_ENTRIES, 0, b->entries);
        door_out_flush(d->out, b->machine, clock_ms(CLOCK_REALTIME));
    }
    must(d->active > 0);
    if (--d->active == 0)
        (void)event_base_loopbreak(d->base);
}

static void take_log_info(struct ipmi_bmc *b, const struct process_result *r)
{
    int64_t entries = ipmi_number_read(r->out, r->out_size, "Entries");
    bool same = entries == b->entries || entries <= 0;
    if (entries >= 0 && entries < b->entries)
        b->id = 0; /* it was cleared: numbers begin anew */
    if (same && entries >= 0)
        b->entries = entries;
    b->entries_now = entries;
    b->step = same ? STEP_END : STEP_SEL;
}

static void take_step(struct ipmi_bmc *b, const struct process_result *r)
{
    switch (b->step) {
    case STEP_SDR_INFO: b->records = ipmi_number_read(r->out, r->out_size, "Record Count"); break;
    case STEP_MC:
    case STEP_FRU: take_inventory(b, r->out, r->out_size); break;
    case STEP_SENSORS: take_sensors(b, r->out, r->out_size); break;
    case STEP_POWER: take_power(b, ipmi_power_read(r->out, r->out_size)); break;
    case STEP_SEL_INFO: take_log_info(b, r); return;
    case STEP_SEL:
        take_events(b, r->out, r->out_size, b->entries < 0);
        b->entries = b->entries_now;
        break;
    default: break;
    }
    b->step++;
}

static void step_done(void *ctx, const struct process_result *r)
{
    struct ipmi_bmc *b = ctx;
    if (r->exit_code == 0) {
        b->answers++;
        take_step(b, r);
    } else {
        size_t n = strcspn(r->err, "\n");
        if (b->step != STEP_FRU) /* many have none */
            (void)snprintf(b->trouble, sizeof(b->trouble), "ipmitool: %.*s", (int)MW_MIN(n, 120u),
                           r->timed_out ? "no answer within the deadline" : r->err);
        b->step = b->answers == 0 ? STEP_END : b->step + 1;
    }
    begin_step(b);
}

/* argv of an ipmitool; words end with NULL. */
static void set_argv(const struct ipmi_door *d, const struct ipmi_bmc *b, const char *const *words,
                     const char *argv[ARGS_MAX])
{
    const char *const begin[] = { "ipmitool", "-I", "lanplus", "-C", d->cipher, "-H", b->host, "-p",
                                  b->port, "-U", d->secret.user, "-f", "/dev/stdin", "-N", "2",
                                  "-R", "2", "-c" };
    size_t n = MW_ARRAY_LEN(begin);
    memcpy(argv, begin, sizeof(begin));
    for (; *words != NULL && n + 1 < ARGS_MAX; words++)
        argv[n++] = *words;
    argv[n] = NULL;
}

static bool start(struct process_run *run, const struct ipmi_door *d, const char *const *argv,
                  int64_t deadline_ms, process_done_fn *done, void *ctx)
{
    struct mw_error err = { 0 };
    char input[CREDENTIAL_MAX + 1];
    struct process_port port = process_run_port(run);
    int n = snprintf(input, sizeof(input), "%s\n", d->secret.password);
    must(n > 0 && (size_t)n < sizeof(input));
    const struct process_request q = { .argv = argv, .input = input, .input_size = (size_t)n,
                                       .deadline_ns = deadline_ms * 1000000 };
    int rc = port.start(port.self, &q, done, ctx, &err);
    explicit_bzero(input, sizeof(input));
    return rc == 0;
}

static void begin_step(struct ipmi_bmc *b)
{
    static const char *const words[STEP_END][5] = {
        [STEP_SDR_INFO] = { "sdr", "info" },      [STEP_MC] = { "mc", "info" },
        [STEP_FRU] = { "fru", "print", "0" },     [STEP_SENSORS] = { "sdr", "list", "full" },
        [STEP_POWER] = { "chassis", "power", "status" }, [STEP_SEL_INFO] = { "sel", "info" },
        [STEP_SEL] = { "sel", "elist", "last", "64" },
    };
    const char *argv[ARGS_MAX];
    int64_t left_ms = b->end_ms - clock_ms(CLOCK_MONOTONIC);
    if (b->step == STEP_SENSORS && b->records <= 0)
        b->step++; /* listing an empty repository would erase it */
    if (b->step >= STEP_END || left_ms <= 0) {
        end_round(b);
        return;
    }
    static_assert(EVENTS_ONCE == 64, "as in the words above");
    set_argv(b->door, b, words[b->step], argv);
    if (!start(b->door->run, b->door, argv, left_ms, step_done, b)) {
        (void)snprintf(b->trouble, sizeof(b->trouble), "ipmitool cannot be run: is it installed?");
        end_round(b);
    }
}

static int poll_round(void *state, int64_t now_ms, struct mw_error *err)
{
    struct ipmi_door *d = state;
    (void)err;
    d->active = d->spec->targets + 1; /* + 1: nobody ends the loop before all have begun */
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        struct ipmi_bmc *b = &d->bmc[i];
        bool look = b->found_ms == 0 || now_ms - b->found_ms >= INVENTORY_MS || b->records < 0;
        b->answers = 0;
        b->trouble[0] = '\0';
        b->end_ms = now_ms + d->spec->deadline_ms * (1 + i / RUNNING);
        b->step = look ? STEP_SDR_INFO : STEP_SENSORS;
        b->found_ms = look ? now_ms : b->found_ms;
        begin_step(b);
    }
    if (--d->active > 0)
        (void)event_base_dispatch(d->base);
    must(d->active == 0);
    return 0;
}

/* ---- acting --------------------------------------------------------------------------------- */

struct asked {
    struct event_base *base;
    bool fine;
    char out[256];
};

static void asked_done(void *ctx, const struct process_result *r)
{
    struct asked *a = ctx;
    a->fine = r->exit_code == 0;
    (void)snprintf(a->out, sizeof(a->out), "%.250s", a->fine ? r->out : r->err);
    (void)event_base_loopbreak(a->base);
}

/* One ipmitool on the action's own loop. */
static bool ask(struct ipmi_door *d, const struct ipmi_bmc *b, struct process_run *run,
                const char *const *words, struct asked *a)
{
    const char *argv[ARGS_MAX];
    a->fine = false;
    a->out[0] = '\0';
    set_argv(d, b, words, argv);
    if (start(run, d, argv, d->spec->deadline_ms, asked_done, a))
        (void)event_base_dispatch(a->base);
    return a->fine;
}

static int power_of(struct ipmi_door *d, struct ipmi_bmc *b, struct process_run *run,
                    struct asked *a)
{
    static const char *const status[] = { "chassis", "power", "status", NULL };
    return ask(d, b, run, status, a) ? ipmi_power_read(a->out, strlen(a->out)) : -1;
}

/* A cycle is over in a second on some boards, so that off is not always seen; what was asked for
 * was acknowledged, and on is read back LOOK_MS later at the soonest. */
static int cycle(struct ipmi_door *d, struct ipmi_bmc *b, struct process_run *run, struct asked *a,
                 struct mw_error *err)
{
    static const char *const orders[][4] = { { "chassis", "power", "cycle", NULL },
                                             { "chassis", "power", "on", NULL } };
    int64_t end_ms = clock_ms(CLOCK_MONOTONIC) + BACK_MS;
    int on = power_of(d, b, run, a);
    if (on < 0)
        return mw_fail(err, MW_EUNREACHABLE, "its power could not be read before: %.200s", a->out);
    if (!ask(d, b, run, orders[on == 0], a))
        return mw_fail(err, MW_ETIMEOUT, "chassis power %s: %.200s", orders[on == 0][2], a->out);
    while (clock_ms(CLOCK_MONOTONIC) < end_ms) {
        const struct timespec t = { .tv_sec = LOOK_MS / 1000 };
        (void)nanosleep(&t, NULL);
        if (power_of(d, b, run, a) == 1)
            return 0;
    }
    return mw_fail(err, MW_ETIMEOUT, "it was not seen on within %d s after the order",
                   BACK_MS / 1000);
}

static void set_acting(struct ipmi_bmc *b, int64_t for_ms)
{
    must(pthread_mutex_lock(&b->door->lock) == 0);
    b->acting_ms = clock_ms(CLOCK_MONOTONIC) + for_ms;
    must(pthread_mutex_unlock(&b->door->lock) == 0);
}

static int act(void *state, const char *machine, const char *step, char *ret_text, size_t size,
               struct mw_error *err)
{
    struct ipmi_door *d = state;
    struct asked a = { 0 };
    struct process_run *run = NULL;
    struct ipmi_bmc *b = NULL;
    for (uint32_t i = 0; i < d->spec->targets; i++)
        if (strcmp(d->spec->target[i].machine, machine) == 0)
            b = &d->bmc[i];
    if (b == NULL || strcmp(step, "power-cycle") != 0)
        return mw_fail(err, b == NULL ? MW_ENOTFOUND : MW_EINVAL,
                       "this door has no machine %s, or cannot %s it", machine, step);
    a.base = event_base_new();
    int rc = a.base == NULL ? mw_fail(err, MW_ENOMEM, "out of memory")
                            : process_run_create(a.base, 1, &run, err);
    set_acting(b, 2 * (int64_t)BACK_MS);
    if (rc == 0)
        rc = cycle(d, b, run, &a, err);
    set_acting(b, AFTER_MS);
    if (rc == 0)
        (void)snprintf(ret_text, size, "chassis power cycle acknowledged, Chassis Power is on");
    process_run_destroy(run);
    if (a.base != NULL)
        event_base_free(a.base);
    return rc;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static const char *const expect_words[] = { "on", "any", NULL };
static const struct schema_field fields[] = {
    { .name = "cipher", .type = SCHEMA_TEXT, .min = 1, .max = 2,
      .help = "cipher suite of lanplus; 3 unless told, 17 where the BMC has it" },
    { .name = "expect", .type = SCHEMA_CHOICE, .choices = expect_words,
      .help = "on: a chassis that is off is a finding" },
    { 0 },
};

static int open_bmc(struct ipmi_door *d, struct ipmi_bmc *b, const struct door_target *t,
                    struct mw_error *err)
{
    const char *colon = strrchr(t->address, ':');
    size_t n = colon != NULL ? (size_t)(colon - t->address) : strlen(t->address);
    if (n == 0 || n >= sizeof(b->host) || (colon != NULL && strlen(colon + 1) >= sizeof(b->port)))
        return mw_fail(err, MW_EINVAL, "%s is no host or host:port", t->address);
    b->door = d;
    b->target = t;
    b->records = b->entries = -1;
    (void)snprintf(b->host, sizeof(b->host), "%.*s", (int)n, t->address);
    (void)snprintf(b->port, sizeof(b->port), "%s", colon != NULL ? colon + 1 : "623");
    b->sensor = mw_calloc(SENSORS_MAX, sizeof(*b->sensor));
    b->machine = door_out_machine(d->out, d->spec->name, t->machine, d->spec->acts, SERIES);
    return b->sensor != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
}

static void close_door(void *state)
{
    struct ipmi_door *d = state;
    if (d == NULL)
        return;
    process_run_destroy(d->run);
    if (d->base != NULL)
        event_base_free(d->base);
    for (uint32_t i = 0; d->bmc != NULL && i < d->spec->targets; i++)
        mw_free(d->bmc[i].sensor);
    mw_free(d->bmc);
    (void)pthread_mutex_destroy(&d->lock);
    credentials_wipe(&d->secret);
    mw_free(d);
}

static int open_parts(struct ipmi_door *d, struct mw_error *err)
{
    int rc = credentials_read(d->spec->credentials, &d->secret, err);
    if (rc == 0 && (d->secret.user[0] == '\0' || d->secret.password[0] == '\0'))
        rc = mw_fail(err, MW_EINVAL, "IPMI needs credentials: a file with user = and password =");
    if (rc < 0)
        return rc;
    d->cipher = door_setting(d->spec, "cipher", "3");
    d->expect_on = strcmp(door_setting(d->spec, "expect", "on"), "on") == 0;
    d->base = event_base_new();
    d->bmc = mw_calloc(d->spec->targets, sizeof(*d->bmc));
    if (d->base == NULL || d->bmc == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    rc = process_run_create(d->base, RUNNING, &d->run, err);
    for (uint32_t i = 0; rc == 0 && i < d->spec->targets; i++)
        rc = open_bmc(d, &d->bmc[i], &d->spec->target[i], err);
    return rc;
}

static int open_door(const struct door_spec *spec, struct door_out *out, void **ret,
                     struct mw_error *err)
{
    struct ipmi_door *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->spec = spec;
    d->out = out;
    must(pthread_mutex_init(&d->lock, NULL) == 0);
    int rc = open_parts(d, err);
    if (rc < 0)
        close_door(d);
    else
        *ret = d;
    return rc;
}

const struct door_kind door_ipmi = {
    .kind = "ipmi", .fields = fields, .addressed = true, .open = open_door, .poll = poll_round,
    .act = act, .close = close_door,
};

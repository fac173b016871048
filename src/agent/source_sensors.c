/*
 * hwmon: temperatures, fans and power of the board, the drives and the cards, and
 * how often the processors slowed themselves for heat.  Some chips are behind a
 * bus that takes its time: in the slow worker.  Of coretemp only the package is
 * read: a core's sensor interrupts that core, which may be computing.
 */
#include "agent/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/files.h"

#define SENSORS_MAX 256
#define CHIPS_MAX 64
#define SOCKETS_MAX 16
#define CPUS_LOOKED_AT 1024

enum sensor_kind { SENSOR_TEMP, SENSOR_FAN, SENSOR_POWER };

struct sensor {
    uint8_t kind;      /* enum sensor_kind */
    bool cpu;          /* SENSOR_TEMP: of socket `socket` */
    uint32_t socket;
    int input, alarm;  /* descriptors; -1 */
    double limit_c;    /* 0 = not said */
    char name[64];     /* "k10temp Tctl" */
};

struct sensors {
    uint32_t count, sockets;
    bool told;
    struct sensor sensor[SENSORS_MAX];
    int throttles[SOCKETS_MAX];
};

static void sensors_close(void *state)
{
    struct sensors *s = state;
    for (uint32_t i = 0; i < s->count; i++) {
        files_close(s->sensor[i].input);
        files_close(s->sensor[i].alarm);
    }
    for (uint32_t i = 0; i < s->sockets; i++)
        files_close(s->throttles[i]);
    free(s);
}

/* "temp3_input" -> kind temp, 3; powers have an average where the chip makes one. */
static bool is_input(const char *file, uint8_t *ret_kind, uint32_t *ret_number)
{
    static const char *const prefix[] = { [SENSOR_TEMP] = "temp", [SENSOR_FAN] = "fan",
                                          [SENSOR_POWER] = "power" };
    for (uint8_t k = 0; k < MW_ARRAY_LEN(prefix); k++) {
        struct text digits, t = text_of_string(file);
        uint64_t n;
        if (!text_skip(&t, prefix[k]) || !text_before(&t, '_', &digits) ||
            !text_u64(digits, &n) || n > 999 ||
            (!text_is(t, "input") && !(k == SENSOR_POWER && text_is(t, "average"))))
            continue;
        *ret_kind = k;
        *ret_number = (uint32_t)n;
        return true;
    }
    return false;
}

static double limit_of(const struct source_env *env, const char *chip, uint32_t number)
{
    uint64_t milli;
    if (files_u64(&milli, env->sysfs_root, "/sys/class/hwmon/%s/temp%u_crit", chip, number) &&
        milli > 0 && milli < 200000)
        return (double)milli / 1000.0;
    return 0;
}

static void add_sensor(struct sensors *s, const struct source_env *env, const char *chip,
                       const char *driver, const char *file)
{
    static const char *const prefix[] = { "temp", "fan", "power" };
    struct sensor v = { .input = -1, .alarm = -1 };
    char label[32];
    uint32_t number;
    struct text package;
    uint64_t socket;
    if (s->count == SENSORS_MAX || !is_input(file, &v.kind, &number))
        return;
    if (!files_text(label, sizeof(label), env->sysfs_root, "/sys/class/hwmon/%s/%s%u_label", chip,
                    prefix[v.kind], number))
        (void)snprintf(label, sizeof(label), "%s%u", prefix[v.kind], number);
    package = text_of_string(label);
    if (strcmp(driver, "coretemp") == 0) {
        v.cpu = text_skip(&package, "Package id ") && text_u64(package, &socket) &&
                socket < SOCKETS_MAX;
        if (!v.cpu)
            return; /* a core */
        v.socket = (uint32_t)socket;
    } else if (strcmp(driver, "k10temp") == 0 && strcmp(label, "Tctl") == 0) {
        v.cpu = true; /* one chip a socket, in their order */
        for (uint32_t i = 0; i < s->count; i++)
            v.socket += s->sensor[i].cpu;
    }
    v.input = files_open(env->sysfs_root, "/sys/class/hwmon/%s/%s", chip, file);
    v.alarm = files_open(env->sysfs_root, "/sys/class/hwmon/%s/%s%u_alarm", chip, prefix[v.kind],
                         number);
    v.limit_c = v.kind == SENSOR_TEMP ? limit_of(env, chip, number) : 0;
    (void)snprintf(v.name, sizeof(v.name), "%.30s %.30s", driver, label);
    if (v.input >= 0)
        s->sensor[s->count++] = v;
    else
        files_close(v.alarm);
}

static void add_chips(struct sensors *s, const struct source_env *env)
{
    char (*chip)[FILES_NAME_MAX] = calloc(CHIPS_MAX, FILES_NAME_MAX);
    char (*file)[FILES_NAME_MAX] = calloc(SENSORS_MAX, FILES_NAME_MAX);
    uint32_t n = 0;
    if (chip != NULL && file != NULL)
        n = files_list(chip, CHIPS_MAX, env->sysfs_root, "/sys/class/hwmon");
    for (uint32_t i = 0; i < n; i++) {
        char driver[32];
        (void)files_text(driver, sizeof(driver), env->sysfs_root, "/sys/class/hwmon/%s/name",
                         chip[i]);
        uint32_t m = files_list(file, SENSORS_MAX, env->sysfs_root, "/sys/class/hwmon/%s",
                                chip[i]);
        for (uint32_t k = 0; k < m; k++)
            add_sensor(s, env, chip[i], driver, file[k]);
    }
    free(chip);
    free(file);
}

/* The counter of one CPU of each socket. */
static void add_sockets(struct sensors *s, const struct source_env *env)
{
    static const char cpu[] = "/sys/devices/system/cpu";
    for (uint32_t i = 0; i < CPUS_LOOKED_AT && s->sockets < SOCKETS_MAX; i++) {
        uint64_t package;
        if (!files_u64(&package, env->sysfs_root, "%s/cpu%u/topology/physical_package_id", cpu, i))
            return; /* past the last */
        if (package != s->sockets)
            continue;
        s->throttles[s->sockets++] = files_open(
            env->sysfs_root, "%s/cpu%u/thermal_throttle/package_throttle_count", cpu, i);
    }
}

static int sensors_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    struct sensors *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory");
    add_chips(s, env);
    add_sockets(s, env);
    if (s->count == 0 && (s->sockets == 0 || s->throttles[0] < 0)) {
        sensors_close(s);
        return mw_fail(err, MW_ENOTFOUND, "no hwmon chip");
    }
    *ret_state = s;
    return 0;
}

static void tell_parts(const struct sensors *s, struct source_out *out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        struct agent_frame f = { .verb = AGENT_PART, .n = i };
        (void)snprintf(f.scope, sizeof(f.scope), "sensor");
        (void)snprintf(f.name, sizeof(f.name), "%s", s->sensor[i].name);
        out->part(out->ctx, &f);
        if (s->sensor[i].limit_c > 0)
            samples_put(out->samples, M_HWMON_TEMP_LIMIT_C, i, s->sensor[i].limit_c);
    }
}

/* Units of hwmon: millidegrees, rpm, microwatts. A sensor that fails has no reading. */
static void read_sensor(const struct sensor *v, uint32_t i, struct samples *s)
{
    static const uint32_t metric[] = { M_HWMON_TEMP_C, M_HWMON_FAN_RPM, M_HWMON_POWER_W };
    static const double unit[] = { 1000.0, 1.0, 1000000.0 };
    char text[32];
    int64_t milli;
    uint64_t alarm;
    struct text t = text_trimmed(files_read(v->input, text, sizeof(text)));
    if (!text_milli(t, &milli)) {
        samples_gone(s, metric[v->kind], i);
        return;
    }
    double real = (double)milli / 1000.0 / unit[v->kind];
    samples_put(s, metric[v->kind], i, real);
    if (v->cpu)
        samples_put(s, M_CPU_TEMP_C, v->socket, real);
    if (v->alarm >= 0 && files_read_u64(v->alarm, &alarm))
        samples_put(s, M_HWMON_ALARM, i, alarm != 0);
}

static int sensors_read(void *state, const struct source_env *env, int64_t now_ms,
                        struct source_out *out, struct mw_error *err)
{
    struct sensors *s = state;
    (void)env, (void)now_ms, (void)err;
    if (!s->told)
        tell_parts(s, out);
    s->told = true;
    for (uint32_t i = 0; i < s->count; i++)
        read_sensor(&s->sensor[i], i, out->samples);
    for (uint32_t i = 0; i < s->sockets; i++) {
        uint64_t v;
        if (files_read_u64(s->throttles[i], &v))
            samples_put(out->samples, M_CPU_THROTTLES, i, (double)v);
    }
    return 0;
}

const struct source source_sensors = { "sensors", 10000, 5000, WHERE_WORKER_SLOW, sensors_open,
                                       sensors_read, sensors_close };

/*
 * `mw-agent check`: gathers what is expected, has the checks run, says what came
 * of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/check_options.h"
#include "agent/check_report.h"
#include "agent/check_run.h"
#include "agent/check_texts.h"
#include "agent/commands.h"

#define EXIT_USE 2

struct node_facts {
    char gpu[96], pci[16], dmi[96], host[96];
};

/* ---- which node this is --------------------------------------------------------------------- */

struct look {
    const struct check_options *o;
    struct node_facts *facts;
};

static void look_at_device(void *ctx, const char *name)
{
    struct look *l = ctx;
    char path[128], vendor[16], class[16], id[16];
    (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.48s/vendor", name);
    if (l->facts->pci[0] != '\0' ||
        check_read(l->o->sysfs_root, path, vendor, sizeof(vendor)) < 0 ||
        strcmp(vendor, "0x10de") != 0)
        return;
    (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.48s/class", name);
    if (check_read(l->o->sysfs_root, path, class, sizeof(class)) < 0 ||
        (strncmp(class, "0x0302", 6) != 0 && strncmp(class, "0x0300", 6) != 0))
        return;
    (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.48s/device", name);
    if (check_read(l->o->sysfs_root, path, id, sizeof(id)) > 2)
        (void)snprintf(l->facts->pci, sizeof(l->facts->pci), "%s", id + 2);
}

static void look_at_driver(void *ctx, const char *name)
{
    struct look *l = ctx;
    char path[160], text[512];
    (void)snprintf(path, sizeof(path), "/proc/driver/nvidia/gpus/%.64s/information", name);
    if (l->facts->gpu[0] != '\0' || check_read(l->o->proc_root, path, text, sizeof(text)) < 0)
        return;
    const char *at = strstr(text, "Model:");
    if (at == NULL)
        return;
    at += strlen("Model:");
    at += strspn(at, " \t");
    (void)snprintf(l->facts->gpu, sizeof(l->facts->gpu), "%.*s", (int)strcspn(at, "\n"), at);
}

static struct node_facts facts_of(const struct check_options *o)
{
    struct node_facts f = { .gpu = "" };
    struct look l = { .o = o, .facts = &f };
    check_each(o->sysfs_root, "/sys/bus/pci/devices", look_at_device, &l);
    check_each(o->proc_root, "/proc/driver/nvidia/gpus", look_at_driver, &l);
    (void)check_read(o->sysfs_root, "/sys/class/dmi/id/product_name", f.dmi, sizeof(f.dmi));
    if (gethostname(f.host, sizeof(f.host) - 1) != 0)
        f.host[0] = '\0';
    return f;
}

/* ---- what is expected of it ------------------------------------------------------------------ */

static const struct check_text *text_named(const char *name)
{
    for (uint32_t i = 0; check_sku_texts[i].name != NULL; i++)
        if (strcmp(check_sku_texts[i].name, name) == 0)
            return &check_sku_texts[i];
    return NULL;
}

static int read_text(const char *path, char *to, size_t size, size_t *ret, struct mw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    *ret = 0;
    while (fd >= 0 && *ret < size && (n = read(fd, to + *ret, size - *ret)) > 0)
        *ret += (size_t)n;
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (fd < 0 || n < 0)
        return mw_fail(err, MW_ENOTFOUND, "%.200s: %s", path, strerror(why));
    return *ret < size ? 0 : mw_fail(err, MW_ELIMIT, "%.200s: over %zu bytes", path, size - 1);
}

static int read_file(struct expect_set *s, const char *path, uint8_t rank, struct mw_error *err)
{
    size_t size;
    char *text = malloc(EXPECT_FILE_MAX + 1);
    int rc = text == NULL ? mw_fail(err, MW_ENOMEM, "out of memory")
                          : read_text(path, text, EXPECT_FILE_MAX + 1, &size, err);
    if (rc == 0)
        rc = expect_read(s, text, size, rank, path, err);
    free(text);
    return rc;
}

/* The name of the SKU whose match lines fit; "generic" when none does. */
static const char *find_sku(const struct node_facts *f)
{
    const struct expect_node n = { .gpu = f->gpu, .pci = f->pci, .dmi = f->dmi };
    const char *found = "generic";
    for (uint32_t i = 0; check_sku_texts[i].name != NULL; i++) {
        struct expect_set s;
        struct mw_error err;
        if (expect_init(&s) < 0)
            break;
        if (expect_read(&s, check_sku_texts[i].text, check_sku_texts[i].size, 1,
                        check_sku_texts[i].name, &err) == 0 &&
            expect_matches(&s, &n))
            found = check_sku_texts[i].name;
        expect_fini(&s);
    }
    return found;
}

static int read_includes(struct expect_set *s, struct mw_error *err)
{
    uint32_t lines = s->count;
    int rc = 0;
    for (uint32_t i = 0; i < lines && rc == 0; i++) {
        if (strcmp(s->line[i].figure, "include") != 0)
            continue;
        const struct check_text *t = text_named(s->line[i].value);
        if (t == NULL)
            return mw_fail(err, MW_ENOTFOUND, "include: no expectations are named %s",
                           s->line[i].value);
        rc = expect_read(s, t->text, t->size, 0, t->name, err);
    }
    return rc;
}

static int gather(const struct check_line *l, const struct node_facts *f, struct expect_set *s,
                  struct mw_error *err)
{
    int rc = 0;
    const char *sku = l->o.sku != NULL ? l->o.sku : find_sku(f);
    const struct check_text *t = text_named(sku);
    if (t != NULL)
        rc = expect_read(s, t->text, t->size, 1, t->name, err);
    else if (strpbrk(sku, "/.") != NULL)
        rc = read_file(s, sku, 1, err);
    else
        rc = mw_fail(err, MW_ENOTFOUND, "--sku %.40s: neither a name of data/sku nor a file", sku);
    if (rc == 0)
        rc = read_includes(s, err);
    if (rc == 0 && l->o.expect != NULL)
        rc = read_file(s, l->o.expect, 2, err);
    for (uint32_t i = 0; i < l->sets && rc == 0; i++)
        rc = expect_take(s, l->set[i], err);
    return rc;
}

static int read_fleet(const char *path, struct fleet_figures *f, struct mw_error *err)
{
    size_t size;
    char *text = path != NULL ? malloc(FLEET_FILE_MAX + 1) : NULL;
    int rc = path == NULL   ? 0
             : text == NULL ? mw_fail(err, MW_ENOMEM, "out of memory")
                            : read_text(path, text, FLEET_FILE_MAX + 1, &size, err);
    if (path != NULL && rc == 0)
        rc = fleet_figures_read(f, text, size, err);
    free(text);
    return rc;
}

/* ---- the result ------------------------------------------------------------------------------ */

/* A quarter of what is free, so that nobody is driven out of memory; a gigabyte on level 3. */
static uint64_t memory_allowed(const struct check_options *o)
{
    char text[2048];
    unsigned long long kib = 0;
    if (o->memory_max > 0)
        return o->memory_max;
    if (check_read(o->proc_root, "/proc/meminfo", text, sizeof(text)) > 0) {
        const char *at = strstr(text, "MemAvailable:");
        if (at == NULL || sscanf(at, "MemAvailable: %20llu", &kib) != 1)
            kib = 0;
    }
    uint64_t bytes = MW_MAX((uint64_t)kib * 1024 / 4, (uint64_t)64 << 20);
    return o->level >= 4 ? bytes : MW_MIN(bytes, (uint64_t)1 << 30);
}

/* One line for the collector, which sends it as `checked id=0`; replaced by rename. */
static void leave_report(const struct check_report *r)
{
    char path[CHECK_PATH_MAX], temporary[CHECK_PATH_MAX + 8], line[256];
    int n = snprintf(path, sizeof(path), "%s/%lld-%d.check", r->o->report_dir,
                     (long long)time(NULL), (int)getpid());
    if (n <= 0 || (size_t)n >= sizeof(path))
        return;
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *f = fopen(temporary, "we");
    if (f == NULL)
        return;
    check_report_line(r, line, sizeof(line));
    bool ok = fprintf(f, "result=%s level=%u class=%s text=%s\n",
                      r->exit_code == 0    ? "ok"
                      : r->exit_code == 10 ? "failed"
                                           : "unknown",
                      r->o->level, r->o->class[0] != '\0' ? r->o->class : "-", line) > 0;
    if (fclose(f) != 0 || !ok || rename(temporary, path) != 0)
        (void)unlink(temporary);
}

static int run_and_report(const struct check_line *l, const struct expect_set *s,
                          const struct fleet_figures *fleet, const char *node)
{
    struct check_rows rows = { .row = calloc(CHECK_ROWS_MAX, sizeof(*rows.row)) };
    struct check_options o = l->o;
    struct mw_error err = { 0 };
    int64_t from = check_clock_ms();
    o.memory_max = memory_allowed(&o);
    const struct check_run run = { .o = &o, .expect = s, .fleet = fleet };
    int rc = rows.row == NULL ? mw_fail(&err, MW_ENOMEM, "out of memory")
                              : check_run_all(&run, &rows, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "mw-agent check: %s\n", err.text);
        free(rows.row);
        return CHECK_EXIT_UNKNOWN;
    }
    const struct check_report r = { .o = &o, .rows = &rows, .node = node, .sku = s->sku,
                                    .took_ms = check_clock_ms() - from,
                                    .exit_code = check_run_exit(&rows) };
    if (o.json)
        check_report_json(&r, stdout);
    else
        check_report_text(&r, stdout, l->all);
    if (o.report_dir != NULL)
        leave_report(&r);
    free(rows.row);
    return fflush(stdout) == 0 ? r.exit_code : CHECK_EXIT_UNKNOWN;
}

static int prove(const struct check_line *l)
{
    struct expect_set s = { 0 };
    struct fleet_figures fleet = { 0 };
    struct mw_error err = { 0 };
    struct node_facts facts = facts_of(&l->o);
    int rc = expect_init(&s) < 0 || fleet_figures_init(&fleet) < 0
                 ? mw_fail(&err, MW_ENOMEM, "out of memory")
                 : gather(l, &facts, &s, &err);
    if (rc == 0)
        rc = read_fleet(l->o.fleet, &fleet, &err);
    if (rc < 0)
        (void)fprintf(stderr, "mw-agent check: %s\n", err.text);
    int code = rc < 0 ? EXIT_USE : run_and_report(l, &s, &fleet, facts.host);
    expect_fini(&s);
    fleet_figures_fini(&fleet);
    return code;
}

/* ---- the other verbs ------------------------------------------------------------------------- */

static int list(void)
{
    for (uint32_t i = 0; check_table[i].name != NULL; i++)
        (void)printf("%u  %-14s %6.1f s  %s\n", check_table[i].level, check_table[i].name,
                     (double)check_table[i].cost_ms / 1e3, check_table[i].what);
    return 0;
}

static int pair(const struct check_line *l)
{
    struct mw_error err = { 0 };
    double gbps = 0;
    int rc = l->verb == CHECK_SERVE ? net_serve(&l->pair, &err)
                                    : net_connect(&l->pair, &gbps, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "mw-agent check: %s\n", err.text);
        return CHECK_EXIT_UNKNOWN;
    }
    if (l->verb == CHECK_CONNECT)
        (void)printf("{\"gbps\":%.6f,\"mark\":\"measured\"}\n", gbps);
    return 0;
}

int check_main(int argc, char **argv)
{
    struct check_line l;
    struct mw_error err = { 0 };
    if (check_line_read(argc, argv, &l, &err) < 0) {
        (void)fprintf(stderr, "mw-agent check: %s\n", err.text);
        return EXIT_USE;
    }
    switch (l.verb) {
    case CHECK_HELP:
        (void)fputs(check_help, stdout);
        return 0;
    case CHECK_LIST:
        return list();
    case CHECK_SERVE:
    case CHECK_CONNECT:
        return pair(&l);
    default:
        return prove(&l);
    }
}

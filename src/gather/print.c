/*
 * Frames as lines: "n1 bmc_temp_c[3] 45 C", and lines of the protocol with the
 * machine's name before them.  Decodes the very payloads that a daemon would get.
 */
#include "gather/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "live/agent_frame.h"
#include "signal/samples.h"

struct print_row {
    uint16_t metric;
    uint32_t instance;
    uint64_t value;
};

struct print_machine {
    char name[DOOR_NAME_MAX];
    struct print_row *row; /* owned: SAMPLES_SERIES_MAX at most */
    uint32_t rows;
};

struct print {
    struct door_out *out;
    FILE *to;
    struct print_machine *machine; /* by number - 1 */
    uint32_t machines;
};

struct print *print_create(struct door_out *out, FILE *to)
{
    struct print *p = mw_calloc(1, sizeof(*p));
    if (p != NULL) {
        p->out = out;
        p->to = to;
    }
    return p;
}

void print_destroy(struct print *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->machines; i++)
        mw_free(p->machine[i].row);
    mw_free(p->machine);
    mw_free(p);
}

static struct print_machine *machine_of(struct print *p, uint32_t number)
{
    if (number == 0 || number > DOOR_OUT_MACHINES_MAX)
        return NULL;
    if (number > p->machines) {
        struct print_machine *grown = mw_resize(p->machine, number, sizeof(*grown));
        if (grown == NULL)
            return NULL;
        memset(grown + p->machines, 0, (number - p->machines) * sizeof(*grown));
        p->machine = grown;
        p->machines = number;
    }
    return &p->machine[number - 1];
}

static const char *name_of(struct print *p, uint32_t number)
{
    const struct print_machine *m = machine_of(p, number);
    return m != NULL ? m->name : "?";
}

static bool print_line(void *ctx, const struct agent_frame *f, bool event)
{
    static const char *const states[] = { "", "ok", "silent", "absent" };
    struct print *p = ctx;
    struct print_machine *m;
    switch (f->verb) {
    case AGENT_MACHINE:
        m = machine_of(p, (uint32_t)f->n);
        if (m != NULL)
            (void)snprintf(m->name, sizeof(m->name), "%s", f->name);
        break;
    case AGENT_SOURCE:
        (void)fprintf(p->to, "%s source %s %s %s\n", name_of(p, f->machine), f->name,
                      states[f->state], f->text);
        break;
    case AGENT_PART:
        (void)fprintf(p->to, "%s part %s %llu %s%s%s%s%s%s%s %s\n", name_of(p, f->machine),
                      f->scope, (unsigned long long)f->n, f->name, f->serial[0] ? " serial=" : "",
                      f->serial, f->model[0] ? " model=" : "", f->model,
                      f->fw[0] ? " firmware=" : "", f->fw, f->text);
        break;
    default:
        (void)fprintf(p->to, "%s finding %s %s %s %s: %s\n", name_of(p, f->machine), f->class,
                      f->name, f->code_text, f->up ? event ? "begins" : "holds" : "is over",
                      f->text);
    }
    return true;
}

static bool define(struct print_machine *m, const struct sample_entry *e)
{
    if (m->row == NULL)
        m->row = mw_calloc(SAMPLES_SERIES_MAX, sizeof(*m->row));
    if (m->row == NULL || m->rows == SAMPLES_SERIES_MAX)
        return false;
    m->row[m->rows++] = (struct print_row){ .metric = e->metric, .instance = e->instance };
    return true;
}

static bool print_samples(void *ctx, const uint8_t *payload, size_t size)
{
    struct print *p = ctx;
    struct sample_reader r;
    struct sample_entry e = { .what = SAMPLE_DEFINES };
    must(sample_reader_open(&r, payload, size, NULL) == 0);
    struct print_machine *m = machine_of(p, r.head.machine);
    while (m != NULL && e.what != SAMPLE_END) {
        must(sample_reader_next(&r, &e, NULL) == 0); /* our own bytes */
        if (e.what == SAMPLE_DEFINES && !define(m, &e))
            return true;
        if (e.what != SAMPLE_VALUE || e.row >= m->rows)
            continue;
        struct print_row *row = &m->row[e.row];
        const struct metric *what = metric_of(row->metric);
        row->value += e.delta;
        if (what != NULL)
            (void)fprintf(p->to, "%s %s[%u] %.10g %s\n", m->name, what->name, row->instance,
                          metric_real(what, (int64_t)row->value), what->unit);
    }
    return true;
}

struct door_out_to print_to(struct print *p)
{
    return (struct door_out_to){ .ctx = p, .line = print_line, .samples = print_samples };
}

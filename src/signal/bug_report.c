/*
 * The document: its sections, the log lines that several of them repeat, and
 * what only all sections together tell.
 *
 * A log line comes up to three times: in the system log, in the journal and in
 * dmesg.  Within lines that bear the same kind of time (the wall's, or seconds
 * since boot) the text and the time tell a repetition; between the two kinds
 * only the text does, so as many are new as one kind has more than the other.
 */
#include "signal/bug_report.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "signal/bug_report_private.h"
#include "signal/kmsg_other.h"

#define LOOK_BYTES ((size_t)65536)
#define HEAD_BYTES ((size_t)4096)

static const char mark_report[] = "NVIDIA bug report log file";
/* nvidia-smi alone: its list, or why there is none. */
static const char *const marks_smi[] = { "==============NVSMI LOG", "NVIDIA-SMI has failed because",
                                         "Unable to determine the device handle for GPU",
                                         "Driver/library version mismatch" };

enum section { SECTION_LOG, SECTION_SMI, SECTION_PCI, SECTION_OTHER };

/* ---- lines that repeat --------------------------------------------------------------------- */

struct seen_at { /* of one text at one time */
    uint32_t source, here, most; /* where last, how often there, most often anywhere */
};

struct seen_text {
    uint32_t count[2]; /* by kind of time */
};

struct seen {
    struct map at_index, text_index;
    struct seen_at *at;     /* owned */
    struct seen_text *text; /* owned */
    uint32_t ats, texts, rows_max;
    uint32_t source;        /* counts up from section to section */
};

static void seen_fini(struct seen *s)
{
    map_fini(&s->at_index);
    map_fini(&s->text_index);
    mw_free(s->at);
    mw_free(s->text);
}

/* Room for all lines of a text, up to the bound. */
static int seen_init(struct seen *s, const char *data, size_t size)
{
    *s = (struct seen){ .source = 1, .rows_max = 1 };
    for (size_t i = 0; i < size && s->rows_max < BUG_REPORT_LINES_MAX; i++)
        s->rows_max += data[i] == '\n';
    s->at = mw_calloc(s->rows_max, sizeof(*s->at));
    s->text = mw_calloc(s->rows_max, sizeof(*s->text));
    if (s->at == NULL || s->text == NULL || map_init(&s->at_index, s->rows_max) != 0)
        return MW_ENOMEM;
    return map_init(&s->text_index, s->rows_max);
}

/* The row of a key, made when there is room; MW_NONE else. */
static uint32_t row_of(struct map *m, uint64_t key, uint32_t *rows, uint32_t rows_max)
{
    uint32_t row = map_get(m, key);
    if (row != MW_NONE || *rows == rows_max)
        return row;
    map_put(m, key, *rows);
    return (*rows)++;
}

/* "[  201.673948] ", "[Tue Feb 23 16:24:18 2025] ", "<4>" are no part of the message. */
static const char *skip_stamp(const char *text, bool *wall)
{
    const char *s = text;
    if (s[0] == '<' && isdigit((unsigned char)s[1]) && strchr(s, '>') != NULL)
        s = strchr(s, '>') + 1;
    const char *end = s[0] == '[' ? strchr(s, ']') : NULL;
    if (end == NULL || end - s > 40 || strpbrk(s, "0123456789") == NULL ||
        strpbrk(s, "0123456789") > end)
        return s;
    *wall |= isalpha((unsigned char)s[1]) || (end - s > 6 && s[5] == '-');
    return end + 1 + (end[1] == ' ');
}

/* Whether the line is not a repetition of one that came before. */
static bool is_new(struct seen *s, const struct kmsg_line *line)
{
    const char *tag = strstr(line->text, " kernel: ");
    bool wall = tag != NULL;
    const char *text = skip_stamp(wall ? tag + strlen(" kernel: ") : line->text, &wall);
    uint64_t hash = mw_hash64_of(text, strlen(text));
    uint64_t time = mw_mix64((uint64_t)line->time_ms * 2 + wall);
    uint32_t at = row_of(&s->at_index, hash ^ time, &s->ats, s->rows_max);
    uint32_t row = row_of(&s->text_index, hash, &s->texts, s->rows_max);
    if (at == MW_NONE || row == MW_NONE)
        return true;
    struct seen_at *a = &s->at[at];
    if (a->source != s->source)
        *a = (struct seen_at){ .source = s->source, .most = a->most };
    if (++a->here <= a->most)
        return false;
    a->most = a->here;
    uint32_t *count = s->text[row].count;
    return ++count[wall] > count[!wall];
}

/* ---- GPUs ---------------------------------------------------------------------------------- */

struct report_gpu *report_gpu(struct report *r, const char *text)
{
    char pci[24], full[32];
    if (!kmsg_pci(text, pci, sizeof(pci))) {
        (void)snprintf(full, sizeof(full), "0000:%.16s", text);
        if (!pci_is_device(text) || !kmsg_pci(full, pci, sizeof(pci)))
            return NULL;
    }
    kmsg_pci_gpu(pci);
    for (uint32_t i = 0; i < r->gpus; i++)
        if (strcmp(r->gpu[i].pci, pci) == 0)
            return &r->gpu[i];
    if (r->gpus == BUG_REPORT_GPUS_MAX)
        return NULL;
    struct report_gpu *g = &r->gpu[r->gpus++];
    *g = (struct report_gpu){ .all_ones = false };
    (void)snprintf(g->pci, sizeof(g->pci), "%s", pci);
    return g;
}

void report_seen(struct report_seen *seen, const struct kmsg_line *line)
{
    seen->line = line->number;
    diagnosis_text(seen->text, sizeof(seen->text), line->text, line->length);
}

void report_begin(struct report *r, struct diagnosis *d, const struct kmsg_line *line,
                  const char *part)
{
    char raw[160];
    kmsg_begin(d, r->source, line, part);
    if (line->host[0] != '\0' || r->host[0] == '\0')
        return;
    (void)snprintf(raw, sizeof(raw), "%.63s on %s", part, r->host);
    report_say(d->part, sizeof(d->part), raw);
}

void report_say(char *to, size_t size, const char *text)
{
    diagnosis_text(to, size, text, strlen(text));
}

/* A diagnosis of a GPU that rests on where it was seen. */
static void tell_gpu(struct report *r, const struct report_gpu *g, const struct report_seen *seen,
                     const char *cause)
{
    static const struct kmsg_line no_line;
    struct diagnosis d;
    char part[48];
    (void)snprintf(part, sizeof(part), "GPU %s", g->pci);
    report_begin(r, &d, &no_line, part);
    d.wrong = true;
    d.sure = SURE_LIKELY;
    d.line = seen->line;
    report_say(d.evidence, sizeof(d.evidence), seen->text);
    report_say(d.code, sizeof(d.code), "GPU missing");
    report_say(d.cause, sizeof(d.cause), cause);
    report_say(d.action, sizeof(d.action), "drain the node and power-cycle it");
    report_say(d.look, sizeof(d.look), "Xid 79 and RmInitAdapter lines of the GPU");
    diagnoses_add(r->out, &d);
}

/* lspci, the driver and nvidia-smi must list the same GPUs. */
static void compare_lists(struct report *r)
{
    for (uint32_t i = 0; i < r->gpus && r->smi_lists > 0; i++) {
        const struct report_gpu *g = &r->gpu[i];
        if (g->all_ones || g->given_away)
            continue;
        if (g->smi.line == 0 && g->lspci.line != 0)
            tell_gpu(r, g, &g->lspci, "lspci lists the GPU and nvidia-smi does not");
        else if (g->smi.line == 0 && g->driver.line != 0)
            tell_gpu(r, g, &g->driver, "the driver knows the GPU and nvidia-smi does not list it");
        else if (g->smi.line != 0 && g->lspci.line == 0 && r->pci_devices > 0)
            tell_gpu(r, g, &g->smi, "nvidia-smi lists the GPU and lspci does not");
    }
}

static uint32_t release_of(const struct report *r)
{
    uint32_t release = 0;
    return sscanf(r->driver, "%5u.", &release) == 1 ? release : 0;
}

/* What the node has, as a note. */
static void tell_inventory(struct report *r)
{
    static const struct kmsg_line no_line;
    struct diagnosis d;
    uint32_t in_smi = 0, on_bus = 0, release = release_of(r);
    for (uint32_t i = 0; i < r->gpus; i++) {
        in_smi += r->gpu[i].smi.line != 0;
        on_bus += r->gpu[i].lspci.line != 0;
    }
    if (r->driver[0] == '\0' && r->gpus == 0)
        return;
    report_begin(r, &d, &no_line, "node");
    d.sure = SURE_CERTAIN;
    report_say(d.code, sizeof(d.code), "inventory");
    int n = snprintf(d.cause, sizeof(d.cause), "driver %s, CUDA %s",
                     r->driver[0] != '\0' ? r->driver : "unknown",
                     r->cuda[0] != '\0' ? r->cuda : "unknown");
    must(n > 0 && (size_t)n < sizeof(d.cause));
    size_t at = (size_t)n;
    if (r->smi_lists > 0)
        at += (size_t)snprintf(d.cause + at, sizeof(d.cause) - at, "; %u GPUs in nvidia-smi",
                               in_smi);
    if (r->pci_devices > 0)
        (void)snprintf(d.cause + at, sizeof(d.cause) - at, "; %u GPUs in lspci", on_bus);
    report_say(d.action, sizeof(d.action), "nothing");
    if (release > 0)
        (void)snprintf(d.look, sizeof(d.look), "NVLink errors are read in the layout %s R575",
                       release < 575 ? "before" : "from");
    diagnoses_add(r->out, &d);
}

/* Whoever asks for a new GPU needs the serial number of the old one. */
static void add_serials(struct report *r, uint32_t first)
{
    for (uint32_t i = first; i < r->out->length; i++) {
        struct diagnosis *d = &r->out->item[i];
        for (uint32_t k = 0; k < r->gpus && d->wrong; k++) {
            const struct report_gpu *g = &r->gpu[k];
            size_t n = strlen(g->pci), at = strlen(d->look);
            if (g->serial[0] == '\0' || strncmp(d->part, "GPU ", 4) != 0 ||
                strncmp(d->part + 4, g->pci, n) != 0 || isxdigit((unsigned char)d->part[4 + n]))
                continue;
            if (at + strlen(g->serial) + 16 < sizeof(d->look))
                (void)snprintf(d->look + at, sizeof(d->look) - at, "%sserial number %s",
                               at > 0 ? "; " : "", g->serial);
        }
    }
}

/* ---- sections ------------------------------------------------------------------------------ */

struct reader {
    struct report *report;
    struct seen seen;
    struct smi smi;
    struct pci pci;
    struct xids xids;
    enum section section;
    bool title_due, sectioned;
};

static bool has(const char *text, const char *words)
{
    return strstr(text, words) != NULL;
}

/* "*** /var/log/messages": files that are logs. */
static bool is_log_file(const char *text)
{
    static const char *const logs[] = { "/messages", "/kern.log", "/kernel.log", "/syslog",
                                        "/dmesg", "fabricmanager.log", "/pstore/" };
    for (size_t i = 0; i < MW_ARRAY_LEN(logs); i++)
        if (has(text, logs[i]))
            return true;
    return false;
}

/* Which reader a section is for, by its first line.  What nobody knows is read as a log. */
static enum section section_of(const char *title)
{
    static const char *const others[] = { "base64 ", "_COMM=", "SYSLOG_IDENTIFIER=", "dmidecode",
                                          "acpidump", "vulkaninfo", "nvidia-debugdump",
                                          "nvidia-settings", "Skipping: ", "Start of NVIDIA" };
    if (strncmp(title, "*** ", 4) == 0)
        return is_log_file(title) ? SECTION_LOG : SECTION_OTHER;
    for (size_t i = 0; i < MW_ARRAY_LEN(others); i++)
        if (has(title, others[i]))
            return SECTION_OTHER;
    if (has(title, "nvidia-smi"))
        return SECTION_SMI;
    return has(title, "lspci") || has(title, "PCI devices configuration") ? SECTION_PCI
                                                                           : SECTION_LOG;
}

/* "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 ..." */
static void read_driver(struct report *r, const char *text)
{
    for (const char *at = text; r->driver[0] == '\0' && *at != '\0'; at++) {
        size_t n = strspn(at, "0123456789.");
        if (n >= 6 && isdigit((unsigned char)at[0]) && at > text && at[-1] == ' ' &&
            at[3] == '.' && (at[n] == ' ' || at[n] == '\0'))
            diagnosis_text(r->driver, MW_MIN(n + 1, sizeof(r->driver)), at, n);
    }
}

/* Facts of sections that have no reader of their own. */
static void read_other(struct report *r, const struct kmsg_line *line)
{
    static const char gpus[] = "/proc/driver/nvidia/gpus/";
    const char *at;
    if (strncmp(line->text, "uname: ", 7) == 0 && (at = strchr(line->text + 7, ' ')) != NULL) {
        size_t n = strcspn(at + 1, " ");
        diagnosis_text(r->host, MW_MIN(n + 1, sizeof(r->host)), at + 1, n);
    } else if (strncmp(line->text, "NVRM version:", 13) == 0) {
        read_driver(r, line->text);
    } else if (strncmp(line->text, "*** ", 4) == 0 && (at = strstr(line->text, gpus)) != NULL &&
               has(at, "/information") && !has(at, "does not exist")) {
        struct report_gpu *g = report_gpu(r, at + sizeof(gpus) - 1);
        if (g != NULL && g->driver.line == 0)
            report_seen(&g->driver, line);
    }
}

static bool is_rule(const struct kmsg_line *line)
{
    return line->length >= 20 && strspn(line->text, "_") == line->length;
}

static void log_line(struct reader *r, struct kmsg_line *line)
{
    /* "  journalctl -b -0:" starts another copy of the same log. */
    if (strncmp(line->text, "  ", 2) == 0 && line->text[line->length - 1] == ':')
        r->seen.source++;
    if (!is_new(&r->seen, line))
        return;
    memcpy(line->host, r->report->host, sizeof(line->host)); /* dmesg does not name it */
    if (xids_line(&r->xids, r->report->source, line))
        return;
    if (!kmsg_sxid(r->report->source, line, r->report->out))
        (void)kmsg_pattern(r->report->source, line, r->report->out);
}

static void begin_section(struct reader *r)
{
    smi_end(&r->smi);
    r->pci.gpu = NULL;
    r->pci.nic[0] = '\0';
    r->seen.source++;
    r->section = SECTION_OTHER;
    r->title_due = true;
}

/* Without sections people put several outputs into one file, logs among them. */
static void find_place(struct reader *r, struct kmsg_line *line)
{
    struct kmsg_line log = *line;
    if (pci_is_device(line->text))
        r->section = SECTION_PCI;
    else if (has(line->text, marks_smi[0]))
        r->section = SECTION_SMI;
    log_line(r, &log);
}

static void take_line(struct reader *r, struct kmsg_line *line)
{
    if (r->sectioned && is_rule(line)) {
        begin_section(r);
        return;
    }
    if (line->length == 0)
        return;
    if (!r->sectioned)
        find_place(r, line);
    if (r->title_due) {
        r->section = section_of(line->text);
        r->title_due = false;
    }
    switch (r->section) {
    case SECTION_LOG:
        log_line(r, line);
        break;
    case SECTION_SMI:
        line->host[0] = '\0';
        smi_line(&r->smi, line);
        break;
    case SECTION_PCI:
        line->host[0] = '\0';
        pci_line(&r->pci, line);
        break;
    case SECTION_OTHER:
        read_other(r->report, line);
        break;
    }
}

static bool contains(const char *data, size_t size, const char *words)
{
    return memmem(data, size, words, strlen(words)) != NULL;
}

/* lspci alone: its first line is a device. */
static bool starts_with_device(const char *data, size_t size)
{
    struct kmsg_cursor c = { .data = data, .size = MW_MIN(size, HEAD_BYTES) };
    struct kmsg_line line;
    return kmsg_next(&c, &line) && pci_is_device(line.text);
}

bool bug_report_is(const char *data, size_t size)
{
    if (contains(data, MW_MIN(size, LOOK_BYTES), mark_report))
        return true;
    for (size_t i = 0; i < MW_ARRAY_LEN(marks_smi); i++)
        if (contains(data, MW_MIN(size, HEAD_BYTES), marks_smi[i]))
            return true;
    return starts_with_device(data, size);
}

static void reader_fini(struct reader *r)
{
    seen_fini(&r->seen);
    xids_fini(&r->xids);
}

static void read_lines(struct reader *r)
{
    const struct kmsg_source *s = r->report->source;
    struct kmsg_cursor c = { .data = s->data, .size = s->size };
    struct kmsg_line line;
    r->sectioned = contains(s->data, MW_MIN(s->size, LOOK_BYTES), mark_report);
    r->section = r->sectioned ? SECTION_OTHER : SECTION_SMI;
    while (kmsg_next(&c, &line))
        take_line(r, &line);
    smi_end(&r->smi);
}

int bug_report_diagnose(const struct kmsg_source *s, struct diagnoses *out, struct mw_error *err)
{
    struct report *report mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*report));
    struct reader *at mw_cleanup(mw_freep) = mw_calloc(1, sizeof(*at));
    uint32_t first = out->length;
    must(s->name != NULL && (s->data != NULL || s->size == 0));
    if (report == NULL || at == NULL)
        return mw_fail(err, MW_ENOMEM, "%s: out of memory", s->name);
    report->source = s;
    report->out = out;
    at->report = at->smi.report = at->pci.report = report;
    int rc = seen_init(&at->seen, s->data, s->size);
    if (rc == 0)
        read_lines(at);
    if (rc == 0 && at->xids.no_memory)
        rc = MW_ENOMEM;
    if (rc == 0) {
        at->xids.release = release_of(report);
        xids_verdicts(&at->xids, s, out);
        compare_lists(report);
        tell_inventory(report);
        add_serials(report, first);
    }
    reader_fini(at);
    return rc != 0 ? mw_fail(err, rc, "%s: out of memory", s->name) : 0;
}

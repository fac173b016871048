/*
 * nvidia-smi -q: a tree by indentation, four columns a level.  What its values
 * mean is one table; what it says instead of values (errors, lost GPUs) is
 * another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signal/bug_report_private.h"

enum smi_test {
    SMI_COUNT,  /* a number above 0 */
    SMI_YES,    /* "Yes" */
    SMI_ACTIVE, /* "Active" */
    SMI_OTHER,  /* anything but None, No, N/A, Completed, Success, Full, Healthy */
};

struct smi_rule {
    const char *under, *key; /* a line above, and the line's own name */
    uint8_t test;            /* enum smi_test */
    uint8_t sure;
    bool wrong;
    const char *code, *cause, *action, *look;
};

#define DRAIN_RESET "take no new work, drain, then reset the GPU"
#define ECC_LOOK "Xid 48, 63, 64, 94, 95 of the GPU; Remapped Rows of nvidia-smi -q"
#define ECC_NOW                                                                                   \
    "ECC", "GPU memory had uncorrectable errors since the driver was loaded", DRAIN_RESET, ECC_LOOK
#define ECC_EVER                                                                                  \
    "ECC history", "GPU memory had uncorrectable errors in the past", "nothing now", ECC_LOOK

static const struct smi_rule rules[] = {
    { "GPU Reset Status", "Reset Required", SMI_YES, SURE_CERTAIN, true, "reset",
      "the driver says that the GPU must be reset", "drain the GPU's jobs and reset the GPU",
      "the Xid that led to it" },
    { "GPU Reset Status", "Drain and Reset Recommended", SMI_YES, SURE_CERTAIN, true, "reset",
      "the driver recommends to drain and reset the GPU", DRAIN_RESET, "the Xid that led to it" },
    { "", "GPU Recovery Action", SMI_OTHER, SURE_CERTAIN, true, "reset",
      "the driver names what the GPU needs to recover", "do what the line says",
      "the Xid that led to it" },
    { "Volatile", "DRAM Uncorrectable", SMI_COUNT, SURE_CERTAIN, true, ECC_NOW },
    { "Volatile", "SRAM Uncorrectable", SMI_COUNT, SURE_CERTAIN, true, ECC_NOW },
    { "Volatile", "SRAM Uncorrectable Parity", SMI_COUNT, SURE_CERTAIN, true, ECC_NOW },
    { "Volatile", "SRAM Uncorrectable SEC-DED", SMI_COUNT, SURE_CERTAIN, true, ECC_NOW },
    { "Aggregate", "SRAM Threshold Exceeded", SMI_YES, SURE_CERTAIN, true, "SRAM",
      "the GPU's SRAM had more uncorrectable errors than it may have",
      "drain the node and run the vendor's field diagnostics", "Xid 48 and 172" },
    { "Aggregate", "DRAM Uncorrectable", SMI_COUNT, SURE_CERTAIN, false, ECC_EVER },
    { "Aggregate", "SRAM Uncorrectable", SMI_COUNT, SURE_CERTAIN, false, ECC_EVER },
    { "Aggregate", "SRAM Uncorrectable Parity", SMI_COUNT, SURE_CERTAIN, false, ECC_EVER },
    { "Aggregate", "SRAM Uncorrectable SEC-DED", SMI_COUNT, SURE_CERTAIN, false, ECC_EVER },
    { "ECC Errors", "Channel Repair Pending", SMI_YES, SURE_CERTAIN, true, "repair",
      "a repair of GPU memory waits for a reset", DRAIN_RESET, "" },
    { "ECC Errors", "TPC Repair Pending", SMI_YES, SURE_CERTAIN, true, "repair",
      "a repair of the GPU waits for a reset", DRAIN_RESET, "" },
    { "ECC Errors", "Unrepairable Memory", SMI_YES, SURE_CERTAIN, true, "memory",
      "GPU memory is beyond repair", "drain the node and replace the GPU", "" },
    { "Retired Pages", "Pending Page Blacklist", SMI_YES, SURE_CERTAIN, true, "retired page",
      "a bad page of GPU memory is retired at the next reset", DRAIN_RESET, "Xid 63 of the GPU" },
    { "Retired Pages", "Pending", SMI_YES, SURE_CERTAIN, true, "retired page",
      "a bad page of GPU memory is retired at the next reset", DRAIN_RESET, "Xid 63 of the GPU" },
    { "Remapped Rows", "Pending", SMI_YES, SURE_CERTAIN, true, "row remap",
      "a bad row of GPU memory is replaced at the next reset", DRAIN_RESET, "Xid 63 of the GPU" },
    { "Remapped Rows", "Remapping Failure Occurred", SMI_YES, SURE_CERTAIN, true, "row remap",
      "a bad row of GPU memory could not be replaced",
      "drain the node and run the vendor's field diagnostics; they decide on replacement",
      "Xid 64 of the GPU" },
    { "Remapped Rows", "Uncorrectable Error", SMI_COUNT, SURE_CERTAIN, false, "row remap",
      "rows of GPU memory were replaced after uncorrectable errors", "nothing now",
      "how many spare rows its banks have left" },
    { "Clocks Event Reasons", "HW Thermal Slowdown", SMI_ACTIVE, SURE_CERTAIN, true, "too hot",
      "the GPU slows down because it or its memory is too hot",
      "check air flow or coolant, fans, heat sink", "the temperatures of its neighbours" },
    { "Clocks Event Reasons", "HW Power Brake Slowdown", SMI_ACTIVE, SURE_CERTAIN, true, "power",
      "the GPU slows down because the server asserts the power brake",
      "check power supplies, feeds and the chassis's power limit", "the BMC's event log" },
    { "Clocks Event Reasons", "SW Thermal Slowdown", SMI_ACTIVE, SURE_LIKELY, true, "too hot",
      "the driver slows the GPU down to keep it cool enough",
      "check air flow or coolant, fans, heat sink", "the temperatures of its neighbours" },
    { "Clocks Event Reasons", "SW Power Cap", SMI_ACTIVE, SURE_CERTAIN, false, "power",
      "the GPU runs at its power limit", "nothing: that is usual under load",
      "whether somebody lowered the limit" },
    { "Fabric", "State", SMI_OTHER, SURE_LIKELY, true, "NVLink fabric",
      "the GPU is not yet part of the NVLink fabric",
      "see that the fabric manager runs; restart it, then the application",
      "the fabric manager's log; SXid lines" },
    { "Fabric", "Bandwidth", SMI_OTHER, SURE_LIKELY, true, "NVLink fabric",
      "the GPU's NVLink fabric does not run at its full bandwidth",
      "drain the node and look for the link that failed", "Xid 74, 144 to 150; SXid lines" },
};

/* What nvidia-smi says instead of values, wherever it stands. */
static const struct {
    const char *words;
    bool wrong;
    const char *code, *cause, *action, *look;
} troubles[] = {
    { "couldn't communicate with the NVIDIA driver", true, "driver",
      "nvidia-smi cannot reach the driver: it is not loaded, or hangs",
      "see why the kernel module is not loaded; restart the node",
      "NVRM lines of the kernel log; a kernel update without its driver" },
    { "Driver/library version mismatch", true, "driver",
      "the loaded kernel driver is not of the installed version",
      "restart the node, or unload and load the driver", "" },
    { "No devices were found", true, "GPU missing", "the driver finds no GPU that works",
      "drain the node and power-cycle it", "RmInitAdapter lines, Xid 79 and 143, lspci" },
    { "Unable to determine the device handle", true, "GPU lost",
      "nvidia-smi cannot open the GPU", "drain the node and power-cycle it",
      "Xid 79 and 119 of the GPU" },
    { "infoROM is corrupted", true, "inforom", "the GPU's InfoROM is damaged",
      "restart the node; again: have the vendor repair or replace the GPU", "" },
};

static const struct {
    const char *words, *action;
} bad_values[] = {
    { "requires reset", "drain the GPU's jobs and reset the GPU" },
    { "is lost", "drain the node and power-cycle it" },
    { "Unknown Error", "reset the GPU; when that fails, power-cycle the node" },
    { "ERR!", "reset the GPU; when that fails, power-cycle the node" },
};

static void trim(const char *from, size_t n, char *to, size_t size)
{
    while (n > 0 && (from[n - 1] == ' ' || from[n - 1] == '\t'))
        n--;
    diagnosis_text(to, MW_MIN(size, n + 1), from, n);
}

static void begin_gpu(struct smi *s, struct diagnosis *d, const struct kmsg_line *line)
{
    char part[48];
    const char *text = line->text + strspn(line->text, " ");
    if (s->gpu != NULL)
        (void)snprintf(part, sizeof(part), "GPU %s", s->gpu->pci);
    else
        (void)snprintf(part, sizeof(part), "node");
    report_begin(s->report, d, line, part);
    diagnosis_text(d->evidence, sizeof(d->evidence), text, strlen(text));
}

/* "ECC Errors, Volatile, DRAM Uncorrectable: 2" */
static void evidence(const struct smi *s, uint32_t depth, const char *value, struct diagnosis *d)
{
    size_t at = 0;
    d->evidence[0] = '\0';
    for (uint32_t i = 1; i <= depth && at + 64 < sizeof(d->evidence); i++)
        at += (size_t)snprintf(d->evidence + at, sizeof(d->evidence) - at, "%s%s",
                               at > 0 ? ", " : "", s->name[i]);
    (void)snprintf(d->evidence + at, sizeof(d->evidence) - at, ": %.60s", value);
}

static bool meets(uint8_t test, const char *value)
{
    static const char *const fine[] = { "None", "No", "N/A", "Completed", "Success", "Full",
                                        "Healthy", "Not Supported", "" };
    switch ((enum smi_test)test) {
    case SMI_COUNT:
        return value[0] >= '0' && value[0] <= '9' && strspn(value, "0") != strlen(value);
    case SMI_YES:
        return strcmp(value, "Yes") == 0;
    case SMI_ACTIVE:
        return strcmp(value, "Active") == 0;
    case SMI_OTHER:
        break;
    }
    for (size_t i = 0; i < MW_ARRAY_LEN(fine); i++)
        if (strcmp(value, fine[i]) == 0)
            return false;
    return true;
}

/* Drivers before 535 say "Throttle" where later ones say "Event". */
static bool is_name(const char *have, const char *want)
{
    return strcmp(have, want) == 0 || (strcmp(want, "Clocks Event Reasons") == 0 &&
                                       strcmp(have, "Clocks Throttle Reasons") == 0);
}

static bool is_under(const struct smi *s, uint32_t depth, const char *want)
{
    if (want[0] == '\0')
        return true;
    for (uint32_t i = 1; i < depth; i++)
        if (is_name(s->name[i], want))
            return true;
    return false;
}

static void tell_bad_value(struct smi *s, const struct kmsg_line *line, uint32_t depth,
                           const char *value)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(bad_values); i++) {
        struct diagnosis d;
        if (strstr(value, bad_values[i].words) == NULL)
            continue;
        begin_gpu(s, &d, line);
        evidence(s, depth, value, &d);
        d.wrong = true;
        d.sure = SURE_CERTAIN;
        report_say(d.code, sizeof(d.code), "GPU error");
        (void)snprintf(d.cause, sizeof(d.cause), "nvidia-smi reads '%.40s' instead of values",
                       value);
        report_say(d.action, sizeof(d.action), bad_values[i].action);
        report_say(d.look, sizeof(d.look), "Xid lines of the GPU in the kernel log");
        diagnoses_add(s->report->out, &d);
        return;
    }
}

static void tell_rule(struct smi *s, const struct kmsg_line *line, uint32_t depth,
                      const char *value)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(rules); i++) {
        const struct smi_rule *r = &rules[i];
        struct diagnosis d;
        if (strcmp(s->name[depth], r->key) != 0 || !is_under(s, depth, r->under) ||
            !meets(r->test, value))
            continue;
        begin_gpu(s, &d, line);
        evidence(s, depth, value, &d);
        d.wrong = r->wrong;
        d.sure = r->sure;
        report_say(d.code, sizeof(d.code), r->code);
        report_say(d.cause, sizeof(d.cause), r->cause);
        report_say(d.action, sizeof(d.action), r->action);
        report_say(d.look, sizeof(d.look), r->look);
        diagnoses_add(s->report->out, &d);
        return;
    }
}

/* Values that need another line to judge: slowdowns of no kind, double-bit totals, link width. */
static void remember(struct smi *s, const struct kmsg_line *line, uint32_t depth,
                     const char *value)
{
    const char *key = s->name[depth];
    bool clocks = is_under(s, depth, "Clocks Event Reasons");
    uint32_t width;
    if (clocks && strcmp(value, "Active") == 0 && strcmp(key, "HW Slowdown") == 0) {
        s->slowdown = true;
        s->slowdown_line = *line;
    } else if (clocks && strcmp(value, "Active") == 0 && strncmp(key, "HW ", 3) == 0) {
        s->slowdown_told = true;
    }
    if (!is_under(s, depth, "Link Width") || sscanf(value, "%4ux", &width) != 1)
        return;
    if (strcmp(key, "Max") == 0)
        s->width_max = width;
    if (strcmp(key, "Current") != 0 || width >= s->width_max)
        return;
    struct diagnosis d;
    begin_gpu(s, &d, line);
    evidence(s, depth, value, &d);
    d.wrong = true;
    d.sure = SURE_LIKELY;
    report_say(d.code, sizeof(d.code), "PCIe link");
    (void)snprintf(d.cause, sizeof(d.cause), "its PCIe link is x%u wide and could be x%u", width,
                   s->width_max);
    report_say(d.action, sizeof(d.action), "drain the node and reseat the card, riser or cable");
    diagnoses_add(s->report->out, &d);
}

static void value_of(struct smi *s, const struct kmsg_line *line, uint32_t depth,
                     const char *value)
{
    if (s->gpu == NULL)
        return;
    if (strcmp(s->name[depth], "Serial Number") == 0 && strcmp(value, "N/A") != 0)
        (void)snprintf(s->gpu->serial, sizeof(s->gpu->serial), "%.31s", value);
    else if (strcmp(s->name[depth], "GPU UUID") == 0 && strncmp(value, "GPU-", 4) == 0)
        (void)snprintf(s->gpu->uuid, sizeof(s->gpu->uuid), "%.47s", value);
    tell_bad_value(s, line, depth, value);
    remember(s, line, depth, value);
    /* The older form: Volatile, Double Bit, Total. */
    if (strcmp(s->name[depth], "Total") == 0 && is_under(s, depth, "Double Bit"))
        (void)snprintf(s->name[depth], sizeof(s->name[depth]), "DRAM Uncorrectable");
    tell_rule(s, line, depth, value);
}

static void end_gpu(struct smi *s)
{
    if (s->slowdown && !s->slowdown_told) {
        struct diagnosis d;
        begin_gpu(s, &d, &s->slowdown_line);
        d.wrong = true;
        d.sure = SURE_LIKELY;
        report_say(d.code, sizeof(d.code), "slowdown");
        report_say(d.cause, sizeof(d.cause), "the hardware slows the GPU down");
        report_say(d.action, sizeof(d.action),
                   "check temperature, power supplies and power cables");
        report_say(d.look, sizeof(d.look), "the BMC's event log");
        diagnoses_add(s->report->out, &d);
    }
    s->gpu = NULL;
    s->slowdown = s->slowdown_told = false;
    s->width_max = 0;
}

/* Column 0: the head of the output, a GPU, or another command. */
static void top_line(struct smi *s, const struct kmsg_line *line)
{
    const char *text = line->text;
    const char *at = strstr(text, " : ");
    struct report *r = s->report;
    end_gpu(s);
    if (strstr(text, "NVSMI LOG") != NULL)
        r->smi_lists += r->smi_lists < UINT32_MAX;
    if (at != NULL && strncmp(text, "Driver Version", 14) == 0)
        trim(at + 3, strlen(at + 3), r->driver, sizeof(r->driver));
    if (at != NULL && strncmp(text, "CUDA Version", 12) == 0)
        trim(at + 3, strlen(at + 3), r->cuda, sizeof(r->cuda));
    if (strncmp(text, "GPU ", 4) != 0)
        return;
    s->gpu = report_gpu(r, text + 4);
    if (s->gpu != NULL && s->gpu->smi.line == 0)
        report_seen(&s->gpu->smi, line);
}

static bool trouble(struct smi *s, const struct kmsg_line *line)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(troubles); i++) {
        struct diagnosis d;
        char pci[24], part[48] = "node";
        if (strstr(line->text, troubles[i].words) == NULL)
            continue;
        /* "GPU0000:9B:00.0: Unknown Error" */
        const char *at = strstr(line->text, "GPU0");
        if (at != NULL ? kmsg_pci(at + 3, pci, sizeof(pci))
                       : kmsg_pci_find(line->text, pci, sizeof(pci))) {
            kmsg_pci_gpu(pci);
            (void)snprintf(part, sizeof(part), "GPU %s", pci);
        }
        report_begin(s->report, &d, line, part);
        d.wrong = troubles[i].wrong;
        d.sure = SURE_CERTAIN;
        report_say(d.code, sizeof(d.code), troubles[i].code);
        report_say(d.cause, sizeof(d.cause), troubles[i].cause);
        report_say(d.action, sizeof(d.action), troubles[i].action);
        report_say(d.look, sizeof(d.look), troubles[i].look);
        diagnoses_add(s->report->out, &d);
        return true;
    }
    return false;
}

void smi_line(struct smi *s, const struct kmsg_line *line)
{
    uint32_t blanks = (uint32_t)strspn(line->text, " ");
    const char *text = line->text + blanks;
    must(s->report != NULL);
    if (text[0] == '\0' || trouble(s, line))
        return;
    if (blanks == 0) {
        top_line(s, line);
        return;
    }
    uint32_t depth = MW_MIN((blanks + 3) / 4, (uint32_t)SMI_DEPTH_MAX - 1);
    const char *colon = strstr(text, " : ");
    trim(text, colon != NULL ? (size_t)(colon - text) : strlen(text), s->name[depth],
         sizeof(s->name[depth]));
    for (uint32_t i = depth + 1; i < SMI_DEPTH_MAX; i++)
        s->name[i][0] = '\0';
    if (colon == NULL)
        return;
    char value[64];
    trim(colon + 3, strlen(colon + 3), value, sizeof(value));
    value_of(s, line, depth, value);
}

void smi_end(struct smi *s)
{
    end_gpu(s);
}

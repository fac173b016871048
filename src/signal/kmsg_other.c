/*
 * SXids of the kernel and of the fabric manager, and the table of patterns.  A
 * pattern is a few words that must all be there; the first that fits wins.
 */
#include "signal/kmsg_other.h"

#include <stdio.h>
#include <string.h>

#include "signal/xid.h"

static void say(char *to, size_t size, const char *text)
{
    diagnosis_text(to, size, text, strlen(text));
}

/* ---- SXid ---------------------------------------------------------------------------------- */

struct sxid_line {
    uint32_t code, port;
    bool fatal, has_port;
    char pci[24];
    char text[96]; /* what the line itself calls it; "" = nothing */
};

/* "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress ... (First)" */
static bool parse_kernel(const char *text, struct sxid_line *ret)
{
    const char *at = strstr(text, ": SXid (PCI:");
    if (at == NULL || !kmsg_pci(at + strlen(": SXid (PCI:"), ret->pci, sizeof(ret->pci)))
        return false;
    at = strstr(at, "): ");
    if (at == NULL || !kmsg_number_after(at, "): ", &ret->code))
        return false;
    ret->fatal = strstr(at, ", Fatal") != NULL;
    ret->has_port = kmsg_number_after(at, "Link ", &ret->port);
    const char *words = strstr(at, "Link ");
    if (words != NULL) {
        words += 5 + strspn(words + 5, "0123456789 ");
        say(ret->text, sizeof(ret->text), words);
    }
    return true;
}

/* "detected NVSwitch non-fatal error 12028 on fid 0 on NVSwitch pci bus id 00000000:86:00.0
 * physical id 3 port 61" */
static bool parse_fabric_manager(const char *text, struct sxid_line *ret)
{
    const char *at = strstr(text, "detected NVSwitch ");
    if (at == NULL || !kmsg_number_after(at, "atal error ", &ret->code))
        return false;
    const char *bus = strstr(at, "pci bus id ");
    if (bus == NULL || !kmsg_pci(bus + strlen("pci bus id "), ret->pci, sizeof(ret->pci)))
        (void)snprintf(ret->pci, sizeof(ret->pci), "(PCI id not given)");
    ret->fatal = strstr(at, "non-fatal error") == NULL;
    ret->has_port = kmsg_number_after(at, " port ", &ret->port);
    return true;
}

static void judge_sxid(const struct sxid_line *l, struct diagnosis *d)
{
    const struct sxid_row *row = sxid_find(l->code);
    const char *name = row != NULL ? row->name : l->text;
    bool always = row != NULL && row->kind == SXID_ALWAYS_FATAL;
    (void)snprintf(d->code, sizeof(d->code), "SXid %u", l->code);
    if (row != NULL)
        (void)snprintf(d->cause, sizeof(d->cause), "NVSwitch %s error: %.120s",
                       always ? "always fatal" : l->fatal ? "fatal" : "non-fatal", name);
    else
        (void)snprintf(d->cause, sizeof(d->cause),
                       "NVSwitch %s error; unknown SXid: the catalogue has no such code",
                       l->fatal ? "fatal" : "non-fatal");
    d->wrong = always || l->fatal;
    d->sure = (uint8_t)(row == NULL ? SURE_UNKNOWN : SURE_CERTAIN);
    say(d->action, sizeof(d->action),
        always     ? "drain the node and restart it: the whole fabric must be reset"
        : l->fatal ? "drain the jobs on the GPUs of the fabric, reset GPUs and NVSwitches together "
                     "(or restart the node), restart the fabric manager"
                   : "nothing now; when it repeats, contact the vendor's support");
    say(d->look, sizeof(d->look),
        l->fatal ? "Xid 45 and 74 of the GPUs at the same time; the fabric manager's log"
                 : "whether it repeats on the same port; Xid 74 of the GPU on that port");
}

bool kmsg_sxid(const struct kmsg_source *s, const struct kmsg_line *line, struct diagnoses *out)
{
    struct sxid_line l = { .port = 0 };
    char part[64];
    if (!parse_kernel(line->text, &l) && !parse_fabric_manager(line->text, &l))
        return false;
    struct diagnosis d;
    if (l.has_port)
        (void)snprintf(part, sizeof(part), "NVSwitch %s port %u", l.pci, l.port);
    else
        (void)snprintf(part, sizeof(part), "NVSwitch %s", l.pci);
    kmsg_begin(&d, s, line, part);
    judge_sxid(&l, &d);
    diagnoses_add(out, &d);
    return true;
}

/* ---- patterns ------------------------------------------------------------------------------ */

enum part_kind {
    PART_FIXED,  /* the name as it stands */
    PART_PCI,    /* the name and the first PCI id */
    PART_GPU,    /* the same without the function */
    PART_DEVICE, /* the name and the word in the brackets: "(sda1)", "(device sda1)" */
};

struct pattern {
    const char *all[3]; /* words that must be there */
    const char *code, *name;
    uint8_t part; /* enum part_kind */
    uint8_t sure;
    bool wrong;
    const char *cause, *action, *look;
};

static const struct pattern patterns[] = {
    { { "NVRM:", "RmInitAdapter failed" }, "GPU init", "GPU", PART_GPU, SURE_CERTAIN, true,
      "the driver could not initialise the GPU", "power-cycle the node; again: replace the GPU",
      "Xid lines before it; PCIe errors of the same slot" },
    { { "nvidia-peermem", "invalid context" }, "peermem", "nvidia-peermem", PART_FIXED,
      SURE_POSSIBLE, true, "nvidia-peermem freed memory of a GPU context that was gone",
      "restart the job; when it comes back, reload nvidia-peermem or restart the node",
      "why the program ended before (Xid, killed); whether GPUDirect RDMA still works" },
    { { "segfault at", "libnccl.so" }, "NCCL", "NCCL library", PART_FIXED, SURE_LIKELY, true,
      "a program crashed inside the NCCL library", "restart the job on other GPUs",
      "Xids and network errors at that time; else the versions of NCCL and driver" },
    { { "Watchdog caught collective operation timeout" }, "NCCL", "job", PART_FIXED,
      SURE_LIKELY, true, "a collective operation did not end in time: some rank is stuck or gone",
      "find the rank that stopped first from the flight recorder dumps of all ranks",
      "mw diagnose on those dumps; kernel logs of the node of that rank" },
    { { "NCCL WARN", "Got completion", "error" }, "NCCL", "network of the job", PART_FIXED,
      SURE_LIKELY, true, "NCCL lost a network connection: a remote end, a link or a NIC",
      "look for the link or node that failed, exclude it, restart the job",
      "mlx5 lines and port counters on both ends" },
    { { "NCCL WARN" }, "NCCL", "job", PART_FIXED, SURE_POSSIBLE, true,
      "NCCL warns", "read the line; the first warning of the first rank counts",
      "kernel logs of the node of that rank" },
    { { "mlx5_core", "health compromised" }, "mlx5 health", "NIC", PART_PCI, SURE_CERTAIN,
      true, "the NIC's health counter stands still: its firmware does not run",
      "drain the node, reset or power-cycle the NIC; again: replace it",
      "firmware version; PCIe errors of the same slot" },
    { { "mlx5_core", "nrecoverable" }, "mlx5 hardware", "NIC", PART_PCI, SURE_CERTAIN, true,
      "the NIC has an unrecoverable hardware error", "drain the node and replace the NIC",
      "PCIe errors of the same slot" },
    { { "mlx5_core", "insufficient power" }, "mlx5 power", "NIC", PART_PCI, SURE_CERTAIN,
      true, "the PCIe slot gives the NIC too little power", "check riser, slot, BIOS power limit",
      "" },
    { { "mlx5_core", "igh temperature" }, "mlx5 temperature", "NIC port", PART_PCI,
      SURE_CERTAIN, true, "the optical module is too hot", "check air flow; replace the module",
      "the module's temperature beside its neighbours'" },
    { { "mlx5_core", "Cable error" }, "mlx5 cable", "NIC port", PART_PCI, SURE_LIKELY, true,
      "the NIC cannot use the cable or module", "reseat, clean or replace cable and module", "" },
    { { "mlx5_core", "able unplugged" }, "mlx5 cable", "NIC port", PART_PCI, SURE_POSSIBLE,
      false, "the port has no cable", "nothing unless a cable should be there",
      "the site's cable list" },
    { { "mlx5_core", "timeout", "leak" }, "mlx5 command", "NIC", PART_PCI, SURE_LIKELY, true,
      "the NIC's firmware did not answer a command", "drain the node and reset the NIC",
      "mlx5 health lines; firmware version" },
    { { "mlx5_core", "ACCESS_REG", "failed" }, "mlx5 register", "NIC", PART_PCI,
      SURE_POSSIBLE, true, "the NIC refused access to a register",
      "compare driver and firmware versions", "mlx5 health lines" },
    { { "mlx5_core", "Link down" }, "link down", "NIC port", PART_PCI, SURE_POSSIBLE, true,
      "the link of a port went down", "see that it came back; repeated: cable, module, switch port",
      "the switch port at the other end" },
    { { "EDAC", " UE " }, "memory UE", "host memory", PART_FIXED, SURE_CERTAIN, true,
      "host memory has an uncorrectable error", "drain the node and replace the DIMM named", "" },
    { { "EDAC", " CE " }, "memory CE", "host memory", PART_FIXED, SURE_LIKELY, false,
      "host memory corrected an error", "nothing; many on one DIMM: plan its replacement",
      "the rate, by ras-mc-ctl" },
    { { "mce:", "Uncorrected" }, "MCE", "CPU or host memory", PART_FIXED, SURE_CERTAIN, true,
      "the processor reports an uncorrected machine check",
      "drain the node and run memory and CPU diagnostics", "EDAC lines, the BMC's event log" },
    { { "[Hardware Error]", "Machine Check" }, "MCE", "CPU or host memory", PART_FIXED,
      SURE_LIKELY, true, "the processor reports a machine check",
      "drain the node and run memory and CPU diagnostics", "EDAC lines, the BMC's event log" },
    { { "mce:", "Hardware Error" }, "MCE", "CPU or host memory", PART_FIXED, SURE_POSSIBLE,
      true, "the processor logged a hardware error", "decode it with rasdaemon or mcelog",
      "EDAC lines, the BMC's event log" },
    { { "severity=Corrected" }, "PCIe AER", "PCIe device", PART_PCI, SURE_LIKELY, false,
      "PCIe corrected an error", "nothing; many: reseat the card",
      "the rate, and the link's width and speed" },
    { { "PCIe Bus Error", "severity=Uncorrect", "(Fatal)" }, "PCIe AER", "PCIe device",
      PART_PCI, SURE_CERTAIN, true, "a PCIe link had a fatal error",
      "drain the node, power-cycle it, reseat the card", "Xid 79; the slot above the device" },
    { { "PCIe Bus Error", "severity=Uncorrect" }, "PCIe AER", "PCIe device", PART_PCI,
      SURE_LIKELY, true, "a PCIe link had an uncorrected error",
      "drain the node; again: reseat the card", "Xid 79; the slot above the device" },
    { { "AER:", "Uncorrect" }, "PCIe AER", "PCIe device", PART_PCI, SURE_LIKELY, true,
      "a PCIe port received an uncorrected error", "drain the node; again: reseat the card",
      "the lines after it name the device" },
    { { "EXT4-fs", "emounting filesystem read-only" }, "file system", "file system",
      PART_DEVICE, SURE_CERTAIN, true, "ext4 met an error and went read-only",
      "drain the node, check the disk, run fsck", "I/O errors of the disk; SMART" },
    { { "EXT4-fs error" }, "file system", "file system", PART_DEVICE, SURE_LIKELY, true,
      "ext4 met an error", "drain the node, check the disk, run fsck", "I/O errors; SMART" },
    { { "XFS", "hutting down filesystem" }, "file system", "file system", PART_DEVICE,
      SURE_CERTAIN, true, "XFS met an error and shut down",
      "drain the node, check the disk, run xfs_repair", "I/O errors of the disk; SMART" },
    { { "XFS", "has been shut down" }, "file system", "file system", PART_DEVICE,
      SURE_CERTAIN, true, "XFS met an error and shut down",
      "drain the node, check the disk, run xfs_repair", "I/O errors of the disk; SMART" },
    { { "I/O error, dev " }, "disk", "disk", PART_FIXED, SURE_LIKELY, true,
      "a disk did not answer a request", "check the disk (smartctl, nvme smart-log)", "" },
    { { "CONSTRAINT_MEMCG" }, "OOM", "job", PART_FIXED, SURE_LIKELY, true,
      "a job or container went over its own memory limit",
      "raise the job's memory limit or find its leak", "" },
    { { "emory cgroup out of memory" }, "OOM", "job", PART_FIXED, SURE_LIKELY, true,
      "a job or container went over its own memory limit",
      "raise the job's memory limit or find its leak", "" },
    { { "Out of memory: Kill" }, "OOM", "host memory", PART_FIXED, SURE_LIKELY, true,
      "the node ran out of memory and the kernel killed a process",
      "find what took the memory; limit jobs by cgroup", "" },
    { { "Kernel panic - not syncing" }, "panic", "node", PART_FIXED, SURE_CERTAIN, true,
      "the kernel panicked", "drain the node; keep the crash dump", "the lines before it" },
    { { "BUG: unable to handle" }, "kernel bug", "node", PART_FIXED, SURE_CERTAIN, true,
      "the kernel met a bad address", "drain and restart the node; again: report the call trace",
      "the module named in the call trace" },
    { { "BUG: soft lockup" }, "lockup", "node", PART_FIXED, SURE_LIKELY, true,
      "a CPU was stuck in the kernel", "drain and restart the node; again: report the call trace",
      "the module named in the call trace" },
    { { "blocked for more than", "seconds" }, "hung task", "node", PART_FIXED, SURE_POSSIBLE,
      true, "a process hung in the kernel, mostly waiting for storage or a driver",
      "look at what it waits for", "the call trace; storage and GPU driver at that time" },
};

/* "EXT4-fs (sda1): ...", "EXT4-fs error (device sda1): ..." */
static bool device_in_brackets(const char *text, char *to, size_t size)
{
    const char *at = strstr(text, "EXT4-fs");
    at = at != NULL ? at : strstr(text, "XFS");
    at = at != NULL ? strchr(at, '(') : NULL;
    if (at == NULL)
        return false;
    at++;
    if (strncmp(at, "device ", 7) == 0)
        at += 7;
    size_t n = strcspn(at, "):");
    if (n == 0 || n >= size || at[n] == '\0')
        return false;
    diagnosis_text(to, size, at, n);
    return true;
}

static void name_part(const struct pattern *p, const char *text, char part[96])
{
    char id[48] = "";
    bool found = false;
    if (p->part == PART_PCI || p->part == PART_GPU)
        found = kmsg_pci_find(text, id, sizeof(id));
    else if (p->part == PART_DEVICE)
        found = device_in_brackets(text, id, sizeof(id));
    if (p->part == PART_GPU)
        kmsg_pci_gpu(id);
    (void)snprintf(part, 96, "%s%s%s", p->name, found ? " " : "", id);
}

static bool fits(const struct pattern *p, const char *text)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(p->all) && p->all[i] != NULL; i++)
        if (strstr(text, p->all[i]) == NULL)
            return false;
    return true;
}

bool kmsg_pattern(const struct kmsg_source *s, const struct kmsg_line *line,
                  struct diagnoses *out)
{
    char part[96];
    for (size_t i = 0; i < MW_ARRAY_LEN(patterns); i++) {
        const struct pattern *p = &patterns[i];
        if (!fits(p, line->text))
            continue;
        struct diagnosis d;
        name_part(p, line->text, part);
        kmsg_begin(&d, s, line, part);
        d.wrong = p->wrong;
        d.sure = p->sure;
        say(d.code, sizeof(d.code), p->code);
        say(d.cause, sizeof(d.cause), p->cause);
        say(d.action, sizeof(d.action), p->action);
        say(d.look, sizeof(d.look), p->look);
        diagnoses_add(out, &d);
        return true;
    }
    return false;
}

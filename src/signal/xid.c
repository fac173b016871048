/*
 * Look-ups in the Xid tables and the words for their buckets.
 */
#include "signal/xid.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* NVIDIA's resolution buckets. */
static const struct xid_action actions[] = {
    { "RESTART_APP", "restart the application", true },
    { "RESET_GPU", "drain the GPU's jobs and reset the GPU", true },
    { "DRAIN_AND_RESET", "take no new work, drain, then reset the GPU", true },
    { "RESTART_BM", "drain the node and power-cycle it", true },
    { "RESTART_VM", "restart the virtual machine (bare metal: reboot the node)", true },
    { "RESTART_FM", "restart the fabric manager and the application", true },
    { "CHECK_MECHANICALS", "check the auxiliary power cables and the seating of the GPU", true },
    { "UPDATE_SWFW", "update driver, vGPU software and firmware to matching versions", true },
    { "CONTACT_SUPPORT", "take an nvidia-bug-report and contact the vendor's support", true },
    { "CHECK_APP/CUDA", "check the application: run it with compute-sanitizer or cuda-gdb", true },
    { "RUN_DCGMEUD", "drain the node and run dcgmi diag -r 4 with EUD", true },
    { "RUN_FIELDDIAG", "drain the node and run the vendor's field diagnostics", true },
    { "INVESTIGATE_SW", "look for a software fault: driver version, then the application", true },
    { "INVESTIGATE_SW_USER", "look for a software fault or an administrator's action", true },
    { "INVESTIGATE_SW/USER", "look for a software fault or an administrator's action", true },
    { "INVESTIGATE_LINK_SI", "check the link's signal integrity: error rates, seating", true },
    { "INVESTIGATE_LINK_SI_AND_CABLES",
      "check the link's signal integrity: error rates, cables, seating", true },
    { "INVESTIGATE_SW_USER_LINK_SI",
      "look for an administrator's action, then the link's signal integrity", true },
    { "INVESTIGATE_PEER_DEVICE", "look at the device at the other end of the link", true },
    { "INVESTIGATE_HOST", "look at the host: reset, shutdown or PCIe trouble", true },
    { "CHECK_NVLINK_FAILURE_FLOW", "look for other NVLink errors at the same time", true },
    { "XID_137_FLOW", "look for another NVLink error (Xid 144 to 150) and follow that", true },
    { "XID_154_EVAL", "do what the Xid 154 that follows says", true },
    { "XID_154", "do what the message says", true },
    { "CHECK_UVM", "reset the GPU when UVM or vGPU is in use, else nothing", true },
    { "SYMPATHETIC_REPORT_SOLO", "follow the other Xid; alone: report it to the vendor", true },
    { "REPORT_ISSUE (if seen >1 per day)", "report it when it is seen twice a day", true },
    { "WORKFLOW_XID_13", "the same GPC and TPC again: run dcgmi diag -r 4 with EUD", true },
    { "WORKFLOW_XID_31", "the same GPU again: run dcgmi diag -r 4 with EUD", true },
    { "WORKFLOW_XID_45", "another Xid on the GPU: follow that; alone: restart the fabric manager",
      true },
    { "WORKFLOW_XID_48", "alone: reset the GPU; with Xid 63 or 64: drain, then reset", true },
    { "WORKFLOW_NVLINK_ERR", "decode the link's error registers", true },
    { "WORKFLOW_NVLINK5_ERR", "decode sub-component, intrInfo and error status", true },
    { "IGNORE", "nothing", false },
    { "IGNORE (sympathetic)", "nothing more: follow the error that caused it", false },
    { "N/A Informational only regarding another Xid", "follow the other Xid", false },
    { "Solo: RESTART_FM Not Solo: IGNORE (follow other Xid)",
      "alone: restart the fabric manager; else follow the other Xid", true },
};

static const struct {
    uint16_t code;
    const char *words;
} meanings[] = {
    { 13, "a program made an illegal access or instruction on the GPU" },
    { 31, "a program touched GPU memory that is not mapped" },
    { 43, "the GPU stopped serving a program that failed before" },
    { 45, "the driver removed a program's channels: it was killed, or another error came first" },
    { 48, "GPU memory has an uncorrectable double-bit ECC error" },
    { 54, "the GPU's auxiliary power is missing or too low" },
    { 63, "a bad row of GPU memory is recorded; it is replaced at the next reset" },
    { 64, "a bad row of GPU memory could not be recorded: no spare is left, or the record failed" },
    { 74, "an NVLink of the GPU has errors" },
    { 79, "the GPU has fallen off the bus: PCIe no longer reaches it" },
    { 92, "single-bit ECC errors of GPU memory come at a high rate" },
    { 94, "an uncorrectable memory error hit one program and was contained" },
    { 95, "an uncorrectable memory error could not be contained" },
    { 109, "the GPU could not switch from one program to another in time" },
    { 119, "the GPU's system processor (GSP) does not answer the driver" },
    { 120, "the GPU's system processor (GSP) failed" },
    { 140, "an uncorrectable ECC error escaped" },
    { 143, "the GPU could not be initialised" },
    { 154, "the driver says how this GPU recovers" },
    { 167, "a PCIe request timed out for good" },
    { 168, "the GPU came up with less memory than it has" },
    { 171, "GPU DRAM has an uncorrectable error" },
    { 172, "GPU SRAM has an uncorrectable error" },
};

#define BIT(n) (1U << (n))

/* Xid 74: which bits of which register mean what. */
static const struct {
    uint8_t reg;
    uint8_t what; /* enum xid_link */
    uint32_t bits;
} link_bits[] = {
    { 0, XID_LINK_IGNORE, BIT(0) | BIT(23) | BIT(30) },
    { 0, XID_LINK_SYMPATHETIC, BIT(1) | BIT(20) },
    { 0, XID_LINK_ECC, BIT(4) | BIT(5) },
    { 0, XID_LINK_HARDWARE, BIT(8) | BIT(9) | BIT(12) | BIT(16) | BIT(17) | BIT(24) | BIT(28) },
    { 0, XID_LINK_SIGNAL, BIT(21) | BIT(22) },
    { 0, XID_LINK_REPEAT, BIT(27) | BIT(29) },
    { 2, XID_LINK_ECC, BIT(0) | BIT(1) | BIT(2) | BIT(6) },
    { 2, XID_LINK_UNEXPECTED, BIT(13) },
    { 2, XID_LINK_REPEAT, BIT(16) | BIT(19) },
    { 2, XID_LINK_REPORT, BIT(17) | BIT(18) },
    { 3, XID_LINK_SYMPATHETIC, BIT(16) | BIT(17) },
    { 3, XID_LINK_FABRIC, BIT(18) },
    { 4, XID_LINK_ECC,
      BIT(18) | BIT(19) | BIT(21) | BIT(22) | BIT(24) | BIT(25) | BIT(27) | BIT(28) },
    { 4, XID_LINK_ECC_COUNT, BIT(20) | BIT(23) | BIT(26) | BIT(29) },
};

static const struct {
    const char *words, *action, *bucket;
} link_text[] = {
    [XID_LINK_IGNORE] = { "the registers name no error", "nothing", "IGNORE" },
    [XID_LINK_SYMPATHETIC] = { "it follows an error elsewhere", "follow the other Xid or SXid",
                               "IGNORE (sympathetic)" },
    [XID_LINK_ECC_COUNT] = { "corrected ECC errors passed a threshold", "nothing: it goes on",
                             "IGNORE" },
    [XID_LINK_ECC] = { "ECC or parity error",
                       "restart the application; more than two on a link: report to the vendor",
                       "RESTART_APP" },
    [XID_LINK_SIGNAL] = { "marginal signal integrity",
                          "check the link's error rates, reseat, then run dcgmi diag",
                          "INVESTIGATE_LINK_SI" },
    [XID_LINK_REPEAT] = { "hardware when it comes again",
                          "when it comes again, run the vendor's field diagnostics",
                          "RUN_FIELDDIAG" },
    [XID_LINK_REPORT] = { "to be reported when it comes again",
                          "when it comes again, report it to the vendor", "CONTACT_SUPPORT" },
    [XID_LINK_UNEXPECTED] = { "an error that should not happen", "report it to the vendor",
                              "CONTACT_SUPPORT" },
    [XID_LINK_HARDWARE] = { "perhaps hardware",
                            "drain the node, reseat, run the vendor's field diagnostics",
                            "RUN_FIELDDIAG" },
    [XID_LINK_FABRIC] = { "the fabric is stuck", "reset all GPUs and NVSwitches of the fabric",
                          "RESET_GPU" },
    [XID_LINK_UNKNOWN] = { "the registers have bits that the catalogue does not name",
                           "take an nvidia-bug-report and contact the vendor's support",
                           "CONTACT_SUPPORT" },
};

const struct xid_row *xid_find(uint32_t code)
{
    uint32_t low = 0, high = xid_rows_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (xid_rows[mid].code < code)
            low = mid + 1;
        else
            high = mid;
    }
    return low < xid_rows_count && xid_rows[low].code == code ? &xid_rows[low] : NULL;
}

const struct sxid_row *sxid_find(uint32_t code)
{
    for (uint32_t i = 0; i < sxid_rows_count; i++)
        if (sxid_rows[i].code == code)
            return &sxid_rows[i];
    return NULL;
}

void xid_archs(const struct xid_row *row, char *to, size_t size)
{
    static const char *const name[] = { "A100", "H100", "B100", "GB200" };
    size_t at = 0;
    must(size >= 48);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(name); i++)
        if ((row->archs & BIT(i)) != 0)
            at += (size_t)snprintf(to + at, size - at, "%s%s", at > 0 ? ", " : "", name[i]);
    if (at == 0)
        (void)snprintf(to, size, "no listed architecture");
}

const struct xid_action *xid_action_find(const char *bucket)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(actions); i++)
        if (strcmp(actions[i].bucket, bucket) == 0)
            return &actions[i];
    return NULL;
}

void xid_meaning(const struct xid_row *row, char *to, size_t size)
{
    static const char prefix[] = "ROBUST_CHANNEL_";
    must(size >= 96);
    for (size_t i = 0; i < MW_ARRAY_LEN(meanings); i++)
        if (meanings[i].code == row->code) {
            (void)snprintf(to, size, "%s", meanings[i].words);
            return;
        }
    const char *from = row->mnemonic;
    if (strncmp(from, prefix, sizeof(prefix) - 1) == 0)
        from += sizeof(prefix) - 1;
    size_t n = 0;
    for (; from[n] != '\0' && n + 1 < size; n++)
        to[n] = from[n] == '_' ? ' ' : (char)tolower((unsigned char)from[n]);
    to[n] = '\0';
}

static bool bits_match(const struct xid_bits *b, uint32_t info)
{
    return b->mask != 0 && (info & b->mask) == b->value;
}

static bool status_match(const struct xid_nvlink_row *row, uint32_t status, bool exact)
{
    if (row->statuses == 0)
        return exact;
    for (uint32_t i = 0; i < row->statuses; i++) {
        uint32_t want = row->status[i];
        /* The units of Xid 149 and 150 number their states; the others set a bit each. */
        if (exact ? status == want : row->xid < 149 && want != 0 && (status & want) == want)
            return true;
    }
    return false;
}

/* Whether the line's name is one of "BEFORE/FROM"; blanks and case of the table are NVIDIA's. */
static bool unit_match(const char *units, const char *unit)
{
    size_t length = strlen(unit);
    for (const char *at = units; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        size_t n = strcspn(at, "/");
        if (n == length && strncmp(at, unit, n) == 0)
            return true;
    }
    return false;
}

/* How well, in one of the layouts: 0 = not at all. */
static uint32_t nvlink_fit(const struct xid_nvlink_row *row, const char *unit, uint32_t info,
                           uint32_t layouts, struct xid_nvlink_match *m)
{
    for (uint32_t d = 0; d < 2; d++) {
        if ((layouts & BIT(d)) == 0)
            continue;
        bool second = bits_match(&row->info2[d], info);
        if (!second && !bits_match(&row->info[d], info))
            continue;
        m->row = row;
        m->driver = (enum xid_driver)d;
        m->action = second ? row->action2 : row->action;
        return unit_match(row->unit, unit) ? 2 : 1;
    }
    return 0;
}

static struct xid_nvlink_match nvlink_find(uint32_t code, const char *unit, uint32_t info,
                                           uint32_t status, uint32_t layouts)
{
    struct xid_nvlink_match best = { 0 };
    for (int pass = 0; pass < 2 && best.row == NULL; pass++) {
        uint32_t fit_best = 0;
        for (uint32_t i = 0; i < xid_nvlink_rows_count; i++) {
            struct xid_nvlink_match m = { .exact = pass == 0 };
            const struct xid_nvlink_row *row = &xid_nvlink_rows[i];
            if (row->xid != code || !status_match(row, status, m.exact))
                continue;
            uint32_t fit = nvlink_fit(row, unit, info, layouts, &m);
            /* Of several bits, the one that asks for a reset counts. */
            bool worse = fit > 0 && fit == fit_best && !m.exact &&
                         strcmp(m.action, "RESET_GPU") == 0;
            if (fit > fit_best || worse) {
                best = m;
                fit_best = fit;
            }
        }
    }
    return best;
}

struct xid_nvlink_match xid_nvlink_find(uint32_t code, const char *unit, uint32_t info,
                                        uint32_t status)
{
    return nvlink_find(code, unit, info, status, BIT(XID_BEFORE_R575) | BIT(XID_FROM_R575));
}

struct xid_nvlink_match xid_nvlink_find_of(uint32_t code, const char *unit, uint32_t info,
                                           uint32_t status, uint32_t release)
{
    enum xid_driver layout = release < 575 ? XID_BEFORE_R575 : XID_FROM_R575;
    struct xid_nvlink_match m = nvlink_find(code, unit, info, status, BIT(layout));
    must(release > 0);
    return m.row != NULL ? m : xid_nvlink_find(code, unit, info, status);
}

enum xid_link xid_link_decode(const uint32_t reg[XID_LINK_REGISTERS])
{
    uint32_t known[XID_LINK_REGISTERS] = { 0 };
    enum xid_link worst = XID_LINK_IGNORE;
    bool unnamed = false;
    for (size_t i = 0; i < MW_ARRAY_LEN(link_bits); i++) {
        must(link_bits[i].reg < XID_LINK_REGISTERS);
        known[link_bits[i].reg] |= link_bits[i].bits;
        if ((reg[link_bits[i].reg] & link_bits[i].bits) != 0 && link_bits[i].what > worst)
            worst = (enum xid_link)link_bits[i].what;
    }
    for (uint32_t i = 0; i < XID_LINK_REGISTERS; i++)
        unnamed |= (reg[i] & ~known[i]) != 0;
    return worst == XID_LINK_IGNORE && unnamed ? XID_LINK_UNKNOWN : worst;
}

const char *xid_link_words(enum xid_link what)
{
    must(what < MW_ARRAY_LEN(link_text));
    return link_text[what].words;
}

const char *xid_link_action(enum xid_link what)
{
    must(what < MW_ARRAY_LEN(link_text));
    return link_text[what].action;
}

const char *xid_link_bucket(enum xid_link what)
{
    must(what < MW_ARRAY_LEN(link_text));
    return link_text[what].bucket;
}

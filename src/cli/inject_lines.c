/* Lines of the NVIDIA drivers.  See inject_lines.h. */
#include "cli/inject_lines.h"

#include <stdio.h>
#include <string.h>

#include "signal/xid.h"

#define PROGRAM "pid=4321, name=python, "
#define NOBODY "pid='<unknown>', name=<unknown>, "

/* What the driver says after the code: the codes that people meet. */
static const struct {
    uint32_t code;
    const char *rest;
} words[] = {
    { 13, PROGRAM "Graphics SM Warp Exception on (GPC 9, TPC 1, SM 1): Out Of Range Address" },
    { 31, PROGRAM "Ch 00000008, intr 00000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ "
          "0x7f2d_4ec00000. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ" },
    { 43, PROGRAM "Ch 00000008" },
    { 45, PROGRAM "Ch 00000010" },
    { 48, NOBODY "An uncorrectable double bit error (DBE) has been detected on GPU in the "
          "framebuffer at partition 2, subpartition 0." },
    { 63, NOBODY "Row Remapper: New row (0x00000000001f2a80) marked for remapping, reset gpu to "
          "activate." },
    { 64, NOBODY "Row Remapper: Failed to remap row 0x00000000001f2a80" },
    { 74, NOBODY "NVLink: fatal error detected on link 6(0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)" },
    { 79, NOBODY "GPU has fallen off the bus." },
    { 92, NOBODY "High single-bit ECC error rate" },
    { 94, PROGRAM "Contained: SM (0x1). RST: No, D-RST: No" },
    { 95, PROGRAM "Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No" },
    { 119, PROGRAM "Timeout after 6s of waiting for RPC response from GPU0 GSP! Expected function "
           "76 (GSP_RM_CONTROL) (0x20802a02 0x8)." },
    { 120, NOBODY "GSP task exception: fault @ pc:0x1802c08, cause:0xd" },
    { 149, NOBODY "NETIR_LINK_EVT  Fatal   XC0 i0 Link 01 (0x021425c6 0x00000000 0x00000000 "
           "0x00000000 0x00000000 0x00000000)" },
    { 154, NOBODY "GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)" },
};

void inject_xid_line(uint32_t code, uint32_t gpu, char ret[INJECT_LINE_MAX])
{
    /* where an HGX board of eight has its GPUs; the rest follow on */
    static const uint8_t bus[INJECT_GPUS] = { 0x1b, 0x43, 0x52, 0x61, 0x9d, 0xc3, 0xd1, 0xdf,
                                              0xe1, 0xe3, 0xe5, 0xe7, 0xe9, 0xeb, 0xed, 0xef };
    const struct xid_row *row = xid_find(code);
    const char *rest = NULL;
    must(gpu < INJECT_GPUS);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(words); i++)
        if (words[i].code == code)
            rest = words[i].rest;
    if (rest == NULL)
        rest = row != NULL ? row->mnemonic : "no such code in the catalogue";
    (void)snprintf(ret, INJECT_LINE_MAX, "NVRM: Xid (PCI:0000:%02x:00): %u, %s", bus[gpu], code,
                   rest);
}

void inject_sxid_line(uint32_t code, char ret[INJECT_LINE_MAX])
{
    const struct sxid_row *row = sxid_find(code);
    bool fatal = row == NULL || row->kind != SXID_NON_FATAL;
    (void)snprintf(ret, INJECT_LINE_MAX,
                   "nvidia-nvswitch0: SXid (PCI:0000:05:00.0): %u, %s, Link 30 %s", code,
                   fatal ? "Fatal" : "Non-fatal", row != NULL ? row->name : "unknown error");
}

/*
 * lspci: which GPUs are on the bus, which read only ones, and links that run
 * narrower or slower than the card can.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signal/bug_report_private.h"
#include "signal/xid.h"

static bool hex_digits(const char *s, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isxdigit((unsigned char)s[i]))
            return false;
    return true;
}

bool pci_is_device(const char *s)
{
    if (hex_digits(s, 4) && s[4] == ':')
        s += 5;
    return hex_digits(s, 2) && s[2] == ':' && hex_digits(s + 3, 2) && s[5] == '.' &&
           s[6] >= '0' && s[6] <= '7' && s[7] == ' ';
}

static bool is_gpu(const char *text)
{
    return strstr(text, "NVIDIA") != NULL && (strstr(text, "3D controller") != NULL ||
                                              strstr(text, "VGA compatible controller") != NULL);
}

static bool is_nic(const char *text)
{
    return strstr(text, "Mellanox") != NULL && (strstr(text, "Infiniband controller") != NULL ||
                                                strstr(text, "Ethernet controller") != NULL);
}

static void tell_all_ones(struct pci *p, const struct kmsg_line *line)
{
    struct diagnosis d;
    char part[48];
    (void)snprintf(part, sizeof(part), "GPU %s", p->gpu->pci);
    p->gpu->all_ones = true;
    report_begin(p->report, &d, line, part);
    d.wrong = true;
    d.sure = SURE_CERTAIN;
    report_say(d.code, sizeof(d.code), "off the bus");
    report_say(d.cause, sizeof(d.cause),
               "lspci reads only ones from the GPU (rev ff): PCIe no longer reaches it");
    report_say(d.action, sizeof(d.action), xid_action_find("RESTART_BM")->words);
    report_say(d.look, sizeof(d.look), "Xid 79; PCIe errors of the slot above; power of the slot");
    diagnoses_add(p->report->out, &d);
}

static void device(struct pci *p, const struct kmsg_line *line)
{
    char id[24];
    p->gpu = NULL;
    p->nic[0] = '\0';
    p->width_max = 0;
    p->speed_max[0] = '\0';
    p->report->pci_devices += p->report->pci_devices < UINT32_MAX;
    if (is_gpu(line->text)) {
        p->gpu = report_gpu(p->report, line->text);
        if (p->gpu == NULL)
            return;
        if (p->gpu->lspci.line == 0)
            report_seen(&p->gpu->lspci, line);
        if (strstr(line->text, "(rev ff)") != NULL && !p->gpu->all_ones)
            tell_all_ones(p, line);
    } else if (is_nic(line->text)) {
        size_t n = strcspn(line->text, " ");
        (void)snprintf(id, sizeof(id), "%s%.*s", n == 7 ? "0000:" : "", (int)MW_MIN(n, 16U),
                       line->text);
        (void)snprintf(p->nic, sizeof(p->nic), "%s", id);
    }
}

/* "Speed 32GT/s (ok), Width x16 (ok)" after LnkCap or LnkSta. */
static bool link_of(const char *text, const char *label, uint32_t *width, char speed[16])
{
    const char *at = strstr(text, label);
    const char *s = at != NULL ? strstr(at, "Speed ") : NULL;
    const char *w = at != NULL ? strstr(at, "Width x") : NULL;
    if (s == NULL || w == NULL || !kmsg_number_after(w, "Width x", width))
        return false;
    s += strlen("Speed ");
    diagnosis_text(speed, 16, s, MW_MIN(strcspn(s, " ,("), (size_t)15));
    return true;
}

static void tell_link(struct pci *p, const struct kmsg_line *line, bool wrong, const char *cause,
                      const char *action)
{
    struct diagnosis d;
    char part[48];
    (void)snprintf(part, sizeof(part), "%s %s", p->gpu != NULL ? "GPU" : "NIC",
                   p->gpu != NULL ? p->gpu->pci : p->nic);
    report_begin(p->report, &d, line, part);
    d.wrong = wrong;
    d.sure = (uint8_t)(wrong ? SURE_LIKELY : SURE_POSSIBLE);
    report_say(d.code, sizeof(d.code), "PCIe link");
    report_say(d.cause, sizeof(d.cause), cause);
    report_say(d.action, sizeof(d.action), action);
    report_say(d.look, sizeof(d.look),
               wrong ? "the same slot of other nodes; PCIe errors in the kernel log" : "");
    diagnoses_add(p->report->out, &d);
}

static void state_of_link(struct pci *p, const struct kmsg_line *line)
{
    uint32_t width;
    char speed[16], cause[128];
    if (p->width_max == 0 || !link_of(line->text, "LnkSta:", &width, speed))
        return;
    if (width < p->width_max) {
        (void)snprintf(cause, sizeof(cause), "its PCIe link is x%u wide and could be x%u", width,
                       p->width_max);
        tell_link(p, line, true, cause, "drain the node and reseat the card, riser or cable");
    }
    if (p->gpu != NULL && strcmp(speed, p->speed_max) != 0) {
        (void)snprintf(cause, sizeof(cause),
                       "its PCIe link runs at %s and could run at %s; idle GPUs save power so",
                       speed, p->speed_max);
        tell_link(p, line, false, cause, "nothing when the GPU was idle; else reseat it");
    }
}

void pci_line(struct pci *p, const struct kmsg_line *line)
{
    must(p->report != NULL);
    if (pci_is_device(line->text)) {
        device(p, line);
        return;
    }
    bool inside = line->text[0] == '\t' || line->text[0] == ' ';
    if (!inside || (p->gpu == NULL && p->nic[0] == '\0') || (p->gpu != NULL && p->gpu->all_ones))
        return;
    if (strstr(line->text, "LnkCap:") != NULL) {
        if (!link_of(line->text, "LnkCap:", &p->width_max, p->speed_max))
            p->width_max = 0;
    } else if (strstr(line->text, "LnkSta:") != NULL) {
        state_of_link(p, line);
    } else if (p->gpu != NULL && strstr(line->text, "driver in use: vfio") != NULL) {
        p->gpu->given_away = true;
    }
}

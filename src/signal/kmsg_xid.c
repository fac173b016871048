/*
 * Xids of one file: gathered a row per GPU, code and place, then judged
 * together, because what one Xid asks for depends on the others: 13 and 31 on
 * repetition, 45 on company, 48 on 63 and 64.
 */
#include "signal/kmsg_private.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "signal/xid.h"

/* ---- gathering ----------------------------------------------------------------------------- */

static bool same_xid(const struct xid_seen *a, const struct xid_seen *b)
{
    return a->code == b->code && a->regs == b->regs && strcmp(a->d.part, b->d.part) == 0 &&
           strcmp(a->place, b->place) == 0 && memcmp(a->reg, b->reg, sizeof(a->reg)) == 0;
}

static bool make_room(struct xids *x)
{
    if (x->length < x->room)
        return true;
    uint32_t room = x->room == 0 ? 16 : x->room * 2;
    struct xid_seen *item = mw_resize(x->item, room, sizeof(*item));
    if (item == NULL) {
        x->no_memory = true;
        return false;
    }
    x->item = item;
    x->room = room;
    return true;
}

static void gather(struct xids *x, const struct xid_seen *one, int64_t time_ms)
{
    for (uint32_t i = 0; i < x->length; i++) {
        struct xid_seen *was = &x->item[i];
        if (!same_xid(was, one))
            continue;
        was->d.count += was->d.count < UINT32_MAX;
        int64_t gap = time_ms - was->last_ms;
        bool apart = gap > KMSG_BURST_MS || gap < -KMSG_BURST_MS;
        if (time_ms >= 0 && was->last_ms >= 0 && apart)
            was->occurrences++;
        was->last_ms = time_ms;
        return;
    }
    if (x->length >= KMSG_XIDS_MAX) {
        x->left_out += x->left_out < UINT32_MAX;
        return;
    }
    if (!make_room(x))
        return;
    x->item[x->length] = *one;
    x->item[x->length].occurrences = 1;
    x->item[x->length++].last_ms = time_ms;
}

/* The last "(0x..." of the text; NULL without. */
static const char *last_numbers(const char *text)
{
    const char *found = NULL;
    for (const char *at = strstr(text, "(0x"); at != NULL; at = strstr(at + 1, "(0x"))
        found = at;
    return found;
}

/* "GPC 9, TPC 1" of an Xid 13; the recovery of an Xid 154; the unit and link of NVLink 5. */
static void find_place(struct xid_seen *one, const char *rest)
{
    const char *at, *numbers = last_numbers(rest);
    size_t n = 0;
    if (one->code == 13) {
        uint32_t gpc, tpc;
        if (kmsg_number_after(rest, "GPC ", &gpc) && kmsg_number_after(rest, "TPC ", &tpc))
            (void)snprintf(one->place, sizeof(one->place), "GPC %u, TPC %u", gpc, tpc);
    } else if (one->code == 154) {
        at = strstr(rest, " to 0x");
        at = at != NULL ? strchr(at, '(') : NULL;
        n = at != NULL ? strcspn(at + 1, ")") : 0;
        if (n > 0)
            diagnosis_text(one->place, MW_MIN(n + 1, sizeof(one->place)), at + 1, n);
    } else if (one->code >= 144 && one->code <= 150) {
        n = strcspn(rest, " ");
        diagnosis_text(one->place, MW_MIN(n + 1, sizeof(one->place)), rest, n);
        /* Debug words after intrInfo and error status differ from line to line. */
        one->regs = numbers != NULL ? kmsg_hex(numbers + 1, one->reg, 2) : 0;
    } else if (one->code == 74) {
        one->regs = numbers != NULL ? kmsg_hex(numbers + 1, one->reg, 7) : 0;
        at = strstr(rest, "link ");
        n = at != NULL ? 5 + strspn(at + 5, "0123456789") : 0;
        if (n > 5)
            diagnosis_text(one->place, MW_MIN(n + 1, sizeof(one->place)), at, n);
    }
}

/* "NVRM: Xid (PCI:0000:9b:00): 119, ..." and the older form without "PCI:". */
static bool parse_xid(const char *text, char pci[24], uint32_t *code, const char **rest)
{
    const char *at = strstr(text, "NVRM: Xid (");
    if (at == NULL)
        return false;
    at += strlen("NVRM: Xid (");
    if (strncmp(at, "PCI:", 4) == 0)
        at += 4;
    if (!kmsg_pci(at, pci, 24))
        (void)snprintf(pci, 24, "(PCI id not readable)");
    at = strstr(at, "): ");
    if (at == NULL || !kmsg_number_after(at, "): ", code))
        return false;
    at += 3 + strspn(at + 3, "0123456789");
    *rest = at + strspn(at, ", ");
    return true;
}

/* The NVRM line beside an Xid 79, or instead of one. */
static bool parse_off_bus(const char *text, char pci[24])
{
    if (strstr(text, "fallen off the bus") == NULL)
        return false;
    if (!kmsg_pci_find(text, pci, 24))
        (void)snprintf(pci, 24, "(PCI id not given)");
    return true;
}

bool xids_line(struct xids *x, const struct kmsg_source *s, const struct kmsg_line *line)
{
    struct xid_seen one = { .code = 79 };
    char pci[24], part[32];
    const char *rest = "";
    if (!parse_xid(line->text, pci, &one.code, &rest) && !parse_off_bus(line->text, pci))
        return false;
    kmsg_pci_gpu(pci);
    (void)snprintf(part, sizeof(part), "GPU %s", pci);
    kmsg_begin(&one.d, s, line, part);
    (void)snprintf(one.d.code, sizeof(one.d.code), "Xid %u", one.code);
    find_place(&one, rest);
    gather(x, &one, line->time_ms);
    return true;
}

void xids_fini(struct xids *x)
{
    mw_free(x->item);
    *x = (struct xids){ 0 };
}

/* ---- judging ------------------------------------------------------------------------------- */

struct verdict {
    const struct xids *all;
    const struct xid_seen *seen;
    struct diagnosis d;
};

static void say(char *to, size_t size, const char *text)
{
    diagnosis_text(to, size, text, strlen(text));
}

static void act(struct verdict *v, const char *bucket, enum diagnosis_sure sure)
{
    const struct xid_action *a = xid_action_find(bucket);
    v->d.sure = (uint8_t)sure;
    v->d.wrong = a == NULL || a->wrong;
    say(v->d.action, sizeof(v->d.action), a != NULL ? a->words : bucket);
    say(v->d.bucket, sizeof(v->d.bucket), bucket);
}

static void add_cause(struct verdict *v, const char *text)
{
    size_t at = strlen(v->d.cause);
    (void)snprintf(v->d.cause + at, sizeof(v->d.cause) - at, ": %s", text);
}

/* Another Xid on the same GPU; 0 = any other code that stands for itself. */
static uint32_t company(const struct verdict *v, uint32_t code)
{
    for (uint32_t i = 0; i < v->all->length; i++) {
        const struct xid_seen *o = &v->all->item[i];
        bool stands = o->code != v->seen->code && o->code != 154;
        if (strcmp(o->d.part, v->seen->d.part) == 0 && (code != 0 ? o->code == code : stands))
            return o->code;
    }
    return 0;
}

static uint32_t max_occurrences(const struct verdict *v, bool placed)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < v->all->length; i++) {
        const struct xid_seen *o = &v->all->item[i];
        if (o->code != v->seen->code || strcmp(o->d.part, v->seen->d.part) != 0)
            continue;
        if (!placed || o->place[0] != '\0')
            most = MW_MAX(most, o->occurrences);
    }
    return most;
}

/* 13: the same GPC and TPC again is the GPU; anything else the program. */
static void judge_13(struct verdict *v)
{
    if (max_occurrences(v, true) < 2) {
        act(v, "RESTART_APP", SURE_LIKELY);
        say(v->d.look, sizeof(v->d.look),
            "the program, with compute-sanitizer; the same GPC and TPC again would point at the "
            "GPU");
        return;
    }
    add_cause(v, "the same GPC and TPC again, so rather the GPU");
    act(v, "RUN_DCGMEUD", SURE_LIKELY);
    say(v->d.look, sizeof(v->d.look), "when that passes: the vendor's field diagnostics");
}

static void judge_31(struct verdict *v)
{
    if (max_occurrences(v, false) < 2) {
        act(v, "RESTART_APP", SURE_LIKELY);
        say(v->d.look, sizeof(v->d.look),
            "the program, with compute-sanitizer; again on this GPU only would point at it");
        return;
    }
    add_cause(v, "again on the same GPU, so perhaps the GPU");
    act(v, "RUN_DCGMEUD", SURE_LIKELY);
    say(v->d.look, sizeof(v->d.look),
        "whether the program does it on other GPUs too: then it is the program; else the vendor's "
        "field diagnostics");
}

static void judge_45(struct verdict *v)
{
    uint32_t other = company(v, 0);
    if (other == 0) {
        act(v, "RESTART_FM", SURE_POSSIBLE);
        say(v->d.look, sizeof(v->d.look), "whether somebody stopped the program on purpose");
        return;
    }
    act(v, "IGNORE", SURE_LIKELY);
    (void)snprintf(v->d.look, sizeof(v->d.look), "follow Xid %u of the same GPU", other);
}

static void judge_48(struct verdict *v)
{
    uint32_t row = company(v, 64) != 0 ? 64 : company(v, 63);
    if (row != 0) {
        (void)snprintf(v->d.look, sizeof(v->d.look),
                       "Xid %u of the same GPU: the bad row%s", row,
                       row == 63 ? " is replaced at the reset" : " could not be recorded");
        act(v, "DRAIN_AND_RESET", SURE_CERTAIN);
        return;
    }
    act(v, "RESET_GPU", SURE_CERTAIN);
    say(v->d.look, sizeof(v->d.look),
        "no row was retired: run the field diagnostics; nvidia-smi -q for the SRAM threshold flag");
}

static void judge_74(struct verdict *v)
{
    if (v->seen->regs < XID_LINK_REGISTERS) {
        act(v, "CONTACT_SUPPORT", SURE_POSSIBLE);
        say(v->d.look, sizeof(v->d.look), "the error registers, which the line does not give");
        return;
    }
    enum xid_link what = xid_link_decode(v->seen->reg);
    bool again = v->seen->occurrences > 1;
    bool grave = what == XID_LINK_REPEAT || what == XID_LINK_REPORT;
    add_cause(v, xid_link_words(what));
    if (v->seen->place[0] != '\0')
        add_cause(v, v->seen->place);
    say(v->d.action, sizeof(v->d.action), xid_link_action(what));
    say(v->d.bucket, sizeof(v->d.bucket), xid_link_bucket(what));
    v->d.wrong = what != XID_LINK_IGNORE && what != XID_LINK_ECC_COUNT;
    v->d.sure = (uint8_t)(what == XID_LINK_UNKNOWN ? SURE_UNKNOWN : SURE_LIKELY);
    if (grave && !again)
        v->d.sure = SURE_POSSIBLE;
    say(v->d.look, sizeof(v->d.look), "the device at the other end of the link");
}

/* 94 and 95 follow another error; what they ask for stands all the same. */
static void judge_memory(struct verdict *v)
{
    static const uint16_t causes[] = { 171, 172, 48, 140, 144, 145, 146, 147, 148, 149, 150 };
    act(v, v->seen->code == 94 ? "RESTART_APP" : "RESET_GPU", SURE_CERTAIN);
    for (size_t i = 0; i < MW_ARRAY_LEN(causes); i++)
        if (company(v, causes[i]) != 0) {
            (void)snprintf(v->d.look, sizeof(v->d.look), "it follows Xid %u of the same GPU",
                           causes[i]);
            return;
        }
    say(v->d.look, sizeof(v->d.look), "Xid 48, 63, 64 or an NVLink error that led to it");
}

static void judge_nvlink5(struct verdict *v)
{
    const struct xid_seen *s = v->seen;
    struct xid_nvlink_match m = { .row = NULL };
    uint32_t release = v->all->release;
    if (s->regs >= 2)
        m = release == 0 ? xid_nvlink_find(s->code, s->place, s->reg[0], s->reg[1])
                         : xid_nvlink_find_of(s->code, s->place, s->reg[0], s->reg[1], release);
    if (m.row == NULL) {
        add_cause(v, s->regs < 2 ? "not decoded, the line lacks intrInfo and error status"
                                 : "intrInfo and error status are not in the catalogue");
        act(v, "CONTACT_SUPPORT", SURE_UNKNOWN);
        return;
    }
    const struct xid_action *then = xid_action_find(m.row->investigate);
    (void)snprintf(v->d.cause, sizeof(v->d.cause), "NVLink 5 error in %s (%s, %s), layout %s R575",
                   m.row->unit, m.row->severity, m.row->hw_sw,
                   m.driver == XID_BEFORE_R575 ? "before" : "from");
    act(v, m.action, m.exact ? SURE_CERTAIN : SURE_LIKELY);
    (void)snprintf(v->d.look, sizeof(v->d.look), "%.90s; %.96s",
                   then != NULL ? then->words : m.row->investigate, m.row->consequences);
}

/* What Xid 154 asks for, as a bucket; "XID_154" for words that are not known. */
static const char *recovery_bucket(const char *what)
{
    static const struct {
        const char *words, *bucket;
    } known[] = {
        { "None", "IGNORE" }, { "GPU Reset Required", "RESET_GPU" },
        { "Node Reboot Required", "RESTART_BM" }, { "Drain P2P", "DRAIN_P2P" },
        { "Drain and Reset", "DRAIN_AND_RESET" },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(known); i++)
        if (strcmp(known[i].words, what) == 0)
            return known[i].bucket;
    return "XID_154";
}

static void judge_154(struct verdict *v)
{
    const char *what = v->seen->place;
    if (what[0] == '\0') {
        act(v, "XID_154", SURE_POSSIBLE);
        return;
    }
    (void)snprintf(v->d.action, sizeof(v->d.action), "do what the driver says: %s", what);
    v->d.wrong = strcmp(what, "None") != 0;
    v->d.sure = SURE_CERTAIN;
    say(v->d.bucket, sizeof(v->d.bucket), recovery_bucket(what));
    if (!v->d.wrong)
        say(v->d.action, sizeof(v->d.action), "nothing");
    uint32_t other = company(v, 0);
    if (other != 0)
        (void)snprintf(v->d.look, sizeof(v->d.look), "Xid %u of the same GPU is the reason", other);
}

static const struct {
    uint16_t first, last;
    void (*judge)(struct verdict *v);
} flows[] = {
    { 13, 13, judge_13 }, { 31, 31, judge_31 }, { 45, 45, judge_45 },
    { 48, 48, judge_48 }, { 74, 74, judge_74 }, { 94, 95, judge_memory },
    { 144, 150, judge_nvlink5 }, { 154, 154, judge_154 },
};

/* A code without a flow: the bucket of its row. */
static void judge_row(struct verdict *v, const struct xid_row *row)
{
    char archs[48];
    const struct xid_action *then = xid_action_find(row->investigate);
    xid_archs(row, archs, sizeof(archs));
    if (row->immediate[0] == '\0') {
        act(v, "CONTACT_SUPPORT", SURE_POSSIBLE);
        v->d.bucket[0] = '\0';
        say(v->d.look, sizeof(v->d.look), "NVIDIA names no action for this code yet");
        return;
    }
    if (!row->used) {
        add_cause(v, "a code that the catalogue lists as unused");
        act(v, row->immediate, SURE_UNKNOWN);
        return;
    }
    act(v, row->immediate, strcmp(row->immediate, "CHECK_UVM") == 0 ? SURE_POSSIBLE : SURE_CERTAIN);
    if (row->investigate[0] != '\0' && (then == NULL || then->wrong))
        (void)snprintf(v->d.look, sizeof(v->d.look), "%s: %s (applies to %s)",
                       v->d.wrong ? "then" : "when it comes again",
                       then != NULL ? then->words : row->investigate, archs);
}

static void judge(struct verdict *v)
{
    char meaning[128];
    const struct xid_row *row = xid_find(v->seen->code);
    if (row == NULL) {
        say(v->d.cause, sizeof(v->d.cause), "unknown Xid: the catalogue has no such code");
        act(v, "CONTACT_SUPPORT", SURE_UNKNOWN);
        say(v->d.look, sizeof(v->d.look), "the driver's release notes; other Xids beside it");
        return;
    }
    xid_meaning(row, meaning, sizeof(meaning));
    say(v->d.cause, sizeof(v->d.cause), meaning);
    for (size_t i = 0; i < MW_ARRAY_LEN(flows); i++)
        if (row->code >= flows[i].first && row->code <= flows[i].last) {
            flows[i].judge(v);
            return;
        }
    judge_row(v, row);
}

void xids_verdicts(const struct xids *x, const struct kmsg_source *s, struct diagnoses *out)
{
    for (uint32_t i = 0; i < x->length; i++) {
        struct verdict v = { x, &x->item[i], x->item[i].d };
        judge(&v);
        must(v.d.cause[0] != '\0' && v.d.action[0] != '\0');
        diagnoses_add(out, &v.d);
    }
    if (x->left_out == 0)
        return;
    struct diagnosis d = { .wrong = true, .count = x->left_out, .part = "file" };
    say(d.file, sizeof(d.file), s->name);
    say(d.cause, sizeof(d.cause),
        "more different Xids than are kept apart; the rest is not listed");
    say(d.action, sizeof(d.action), "give the file in pieces");
    diagnoses_add(out, &d);
}

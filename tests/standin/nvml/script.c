/*
 * The script of the stand-in: lines of words, taken in order.
 */
#include "standin.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/nvml.h"

#define LINE_MAX_BYTES 256
#define WORDS_MAX 8
#define BANKS_H100 2560 /* of an H100 with 80 GB, as nvidia-smi -q shows them */

static void healthy(struct standin_gpu *g)
{
    memset(g, 0, sizeof(*g));
    g->temp = g->mem_temp = g->power = g->clock = g->throttle = -1;
    g->pcie_width = g->pcie_gen = g->fan = g->fabric = -1;
    g->recovery = g->sram_threshold = g->mig = g->compute = -1;
    g->persistence = g->ecc = 1;
    g->bank[0] = BANKS_H100;
}

void standin_defaults(struct standin *s)
{
    memset(s, 0, sizeof(*s));
    s->gpus = 8;
    s->nvlink = 4;
    (void)snprintf(s->driver, sizeof(s->driver), "550.163.01");
    for (uint32_t i = 0; i < STANDIN_GPUS_MAX; i++)
        healthy(&s->gpu[i]);
}

double standin_count(const struct standin *s, const struct standin_counter *c, int64_t now_ms)
{
    return c->base + c->rate * (double)(now_ms - s->changed_ms) / 1000;
}

/* ---- what a line may say of a GPU ------------------------------------------------------------ */

enum setting_kind { FLAG, NUMBER, COUNTER, COUNT };

static const struct setting {
    const char *name;
    uint8_t kind;
    size_t offset;
} settings[] = {
#define S(name, kind, member) { name, kind, offsetof(struct standin_gpu, member) }
    S("missing", FLAG, missing),
    S("lost", FLAG, lost),
    S("reset-required", FLAG, reset_required),
    S("unknown", FLAG, unknown),
    S("slow", COUNT, slow_ms),
    S("load", NUMBER, load),
    S("temp", NUMBER, temp),
    S("mem-temp", NUMBER, mem_temp),
    S("power", NUMBER, power),
    S("clock", NUMBER, clock),
    S("throttle", NUMBER, throttle),
    S("pcie-width", NUMBER, pcie_width),
    S("pcie-gen", NUMBER, pcie_gen),
    S("fan", NUMBER, fan),
    S("fabric", NUMBER, fabric),
    S("recovery", NUMBER, recovery),
    S("sram-threshold", NUMBER, sram_threshold),
    S("persistence", NUMBER, persistence),
    S("mig", NUMBER, mig),
    S("compute-mode", NUMBER, compute),
    S("ecc", NUMBER, ecc),
    S("ecc-ce", COUNTER, ecc_ce),
    S("ecc-ue", COUNTER, ecc_ue),
    S("ecc-ce-ever", COUNTER, ecc_ce_ever),
    S("ecc-ue-ever", COUNTER, ecc_ue_ever),
    S("sram-ue", COUNTER, sram_ue),
    S("pcie-replays", COUNTER, pcie_replays),
    S("slowed-power-ms", COUNTER, slowed_power_ms),
    S("slowed-thermal-ms", COUNTER, slowed_thermal_ms),
    S("slowed-brake-ms", COUNTER, slowed_brake_ms),
    S("rows-ce", COUNTER, rows_ce),
    S("rows-ue", COUNTER, rows_ue),
    S("remap-pending", COUNT, remap_pending),
    S("remap-failed", COUNT, remap_failed),
    S("retired-ce", COUNT, retired_ce),
    S("retired-ue", COUNT, retired_ue),
    S("retired-pending", COUNT, retired_pending),
#undef S
};

static bool number(const char *word, double *ret)
{
    char *end;
    if (word == NULL)
        return false;
    *ret = strtod(word, &end); /* takes 0x… too */
    return end != word && *end == '\0';
}

/* "5", or "5 +2": by two a second from now on. */
static bool counter(char **word, struct standin_counter *ret)
{
    struct standin_counter c = { 0, 0 };
    if (!number(word[0], &c.base) ||
        (word[1] != NULL && (word[1][0] != '+' || !number(word[1] + 1, &c.rate))))
        return false;
    *ret = c;
    return true;
}

static bool set(struct standin_gpu *g, char **word)
{
    double value;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char *at = (char *)g + settings[i].offset;
        if (strcmp(settings[i].name, word[0]) != 0)
            continue;
        if (settings[i].kind == FLAG)
            *(bool *)(void *)at = true;
        else if (settings[i].kind == COUNTER)
            return counter(word + 1, (struct standin_counter *)(void *)at);
        else if (!number(word[1], &value))
            return false;
        else if (settings[i].kind == NUMBER)
            *(double *)(void *)at = value;
        else
            *(uint32_t *)(void *)at = (uint32_t)value;
        return true;
    }
    return false;
}

static bool set_link(struct standin_gpu *g, char **word)
{
    double n;
    if (!number(word[1], &n) || n < 0 || n >= STANDIN_LINKS || word[2] == NULL)
        return false;
    struct standin_link *l = &g->link[(uint32_t)n];
    if (strcmp(word[2], "down") == 0)
        return l->down = true;
    const struct {
        const char *name;
        struct standin_counter *counter;
    } counters[] = { { "crc", &l->crc },       { "replays", &l->replays },
                     { "recoveries", &l->recoveries }, { "failed", &l->failed },
                     { "symbols", &l->symbols } };
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        if (strcmp(word[2], counters[i].name) == 0)
            return counter(word + 3, counters[i].counter);
    return strcmp(word[2], "ber") == 0 && number(word[3], &l->ber);
}

static bool set_banks(struct standin_gpu *g, char **word)
{
    for (uint32_t i = 0; i < 5; i++) {
        double n;
        if (!number(word[1 + i], &n))
            return false;
        g->bank[i] = (uint32_t)n;
    }
    return true;
}

static bool add_process(struct standin_gpu *g, char **word)
{
    double pid, mib;
    if (g->processes == STANDIN_PROCESSES_MAX || !number(word[1], &pid) || !number(word[2], &mib))
        return false;
    g->process[g->processes++] = (struct standin_process){ (uint32_t)pid, (uint32_t)mib };
    return true;
}

static bool lack_field(struct standin_gpu *g, char **word)
{
    double id;
    if (g->no_fields == STANDIN_NO_FIELDS_MAX || !number(word[1], &id))
        return false;
    g->no_field[g->no_fields++] = (uint32_t)id;
    return true;
}

/* What nvidia-smi --gpu-reset cures: all but a dead board.  A pending remap is done by it. */
static void reset(struct standin_gpu *g)
{
    if (g->dead)
        return;
    g->lost = g->reset_required = g->unknown = false;
    g->hang[0] = '\0';
    g->recovery = -1;
    g->ecc_ce = g->ecc_ue = g->sram_ue = (struct standin_counter){ 0, 0 };
    g->rows_ue.base += g->remap_pending;
    g->remap_pending = g->retired_pending = 0;
    g->processes = 0;
    memset(g->link, 0, sizeof(g->link));
}

static bool say_of_gpu(struct standin_gpu *g, char **word)
{
    if (word[0] == NULL)
        return false;
    if (strcmp(word[0], "dead") == 0)
        return g->lost = g->dead = true;
    if (strcmp(word[0], "healthy") == 0)
        return healthy(g), true;
    if (strcmp(word[0], "reset") == 0)
        return reset(g), true;
    if (strcmp(word[0], "hang") == 0) {
        (void)snprintf(g->hang, sizeof(g->hang), "%s", word[1] != NULL ? word[1] : "*");
        return true;
    }
    if (strcmp(word[0], "link") == 0)
        return set_link(g, word);
    if (strcmp(word[0], "banks") == 0)
        return set_banks(g, word);
    if (strcmp(word[0], "process") == 0)
        return add_process(g, word);
    if (strcmp(word[0], "no-field") == 0)
        return lack_field(g, word);
    return set(g, word);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool say_of_init(struct standin *s, const char *word)
{
    if (word == NULL)
        return false;
    s->init_hangs = s->init_hangs || strcmp(word, "hang") == 0;
    if (strcmp(word, "no-driver") == 0)
        s->init_result = NVML_DRIVER_NOT_LOADED;
    if (strcmp(word, "mismatch") == 0)
        s->init_result = NVML_LIB_RM_VERSION_MISMATCH;
    return s->init_hangs || s->init_result != NVML_OK;
}

static bool take_words(struct standin *s, char **word)
{
    double n;
    if (strcmp(word[0], "gpus") == 0 || strcmp(word[0], "nvlink") == 0) {
        if (!number(word[1], &n) || n < 0 || n > STANDIN_GPUS_MAX)
            return false;
        *(word[0][0] == 'g' ? &s->gpus : &s->nvlink) = (uint32_t)n;
        return true;
    }
    if (strcmp(word[0], "driver") == 0 && word[1] != NULL)
        return snprintf(s->driver, sizeof(s->driver), "%s", word[1]) > 0;
    if (strcmp(word[0], "init") == 0)
        return say_of_init(s, word[1]);
    if (strcmp(word[0], "gpu") != 0 || word[1] == NULL)
        return false;
    if (strcmp(word[1], "*") == 0) {
        bool good = true;
        for (uint32_t i = 0; i < STANDIN_GPUS_MAX; i++)
            good = say_of_gpu(&s->gpu[i], word + 2) && good;
        return good;
    }
    return number(word[1], &n) && n >= 0 && n < STANDIN_GPUS_MAX &&
           say_of_gpu(&s->gpu[(uint32_t)n], word + 2);
}

static bool take_line(struct standin *s, const char *text, size_t size)
{
    char line[LINE_MAX_BYTES], *word[WORDS_MAX + 1] = { NULL };
    uint32_t words = 0;
    if (size >= sizeof(line))
        return false;
    memcpy(line, text, size);
    line[size] = '\0';
    line[strcspn(line, "#\r")] = '\0';
    for (char *at = line + strspn(line, " \t"); *at != '\0' && words < WORDS_MAX;) {
        word[words++] = at;
        at += strcspn(at, " \t");
        if (*at != '\0')
            *at++ = '\0';
        at += strspn(at, " \t");
    }
    return words == 0 || take_words(s, word);
}

void standin_script(struct standin *s, const char *text)
{
    uint32_t number_of_line = 1, bad = 0;
    for (const char *at = text; *at != '\0'; number_of_line++) {
        size_t n = strcspn(at, "\n");
        if (!take_line(s, at, n) && bad++ == 0)
            (void)fprintf(stderr, "NVML stand-in: line %u of the script means nothing: %.*s\n",
                          number_of_line, (int)n, at);
        at += n + (at[n] == '\n');
    }
}

/*
 * One pass over the lanes of each direction makes four masks; the table of rules
 * is then read from the gravest.
 */
#include "live/optic_advice.h"

#include <stdio.h>

/* Less light than this is none: a laser that is on, however weak, sends more (chosen; the lowest
 * receiver threshold in use is about -19 dBm). */
#define DARK_DBM (-25.0)
/* Without thresholds of the module's own: what SFF-8472 modules of short reach warn at (chosen). */
#define TX_LOW_DBM (-9.0)
#define RX_LOW_DBM (-12.0)
#define BOTH 2

/* Of one end: lanes whose number is bad. A comparison with NAN is false. */
struct masks {
    uint16_t sent_known, dark, sent_low, received_low, errors, host_errors;
};

static double or_else(double value, double otherwise)
{
    return value == value ? value : otherwise;
}

static struct masks masks_of(const struct optic_end *e)
{
    struct masks m = { 0 };
    double tx_low = or_else(e->tx_low_dbm, TX_LOW_DBM), rx_low = or_else(e->rx_low_dbm, RX_LOW_DBM);
    must(e->lanes <= OPTIC_ADVICE_LANES);
    for (uint32_t i = 0; e->known && i < e->lanes; i++) {
        uint16_t bit = (uint16_t)(1u << i);
        m.sent_known |= e->tx_dbm[i] == e->tx_dbm[i] ? bit : 0;
        m.dark |= e->tx_dbm[i] <= DARK_DBM ? bit : 0;
        m.sent_low |= e->tx_dbm[i] <= tx_low ? bit : 0;
        m.received_low |= e->rx_dbm[i] <= rx_low ? bit : 0;
        m.errors |= e->ber_log10[i] >= OPTIC_BER_BAD_LOG10 ? bit : 0;
        m.host_errors |= e->host_ber_log10[i] >= OPTIC_BER_BAD_LOG10 ? bit : 0;
    }
    return m;
}

static struct optic_advice say(enum optic_what what, uint32_t end, uint32_t lanes)
{
    return (struct optic_advice){ (uint8_t)what, (uint8_t)end, (uint16_t)lanes };
}

static uint32_t which(bool a, bool b)
{
    return a && b ? BOTH : a ? 0 : 1;
}

static bool is_hot(const struct optic_end *e)
{
    return e->known && e->temp_c >= e->temp_high_c;
}

/* What lasers and receivers show; OPTIC_WELL: nothing. */
static struct optic_advice judge_light(const struct masks m[2])
{
    bool dark[2], low[2];
    for (uint32_t i = 0; i < 2; i++)
        dark[i] = m[i].sent_known != 0 && m[i].dark == m[i].sent_known;
    if (dark[0] || dark[1])
        return say(OPTIC_DARK, which(dark[0], dark[1]), m[0].dark | m[1].dark);
    for (uint32_t i = 0; i < 2; i++)
        low[i] = m[i].sent_low != 0;
    if (low[0] || low[1])
        return say(OPTIC_LASER, which(low[0], low[1]), m[0].sent_low | m[1].sent_low);
    bool a = m[0].received_low != 0, b = m[1].received_low != 0;
    if (a && b)
        return say(OPTIC_FIBRE, BOTH, m[0].received_low | m[1].received_low);
    if (a || b) /* the end that receives little */
        return say(OPTIC_ONE_WAY, which(a, b), m[0].received_low | m[1].received_low);
    return say(OPTIC_WELL, BOTH, 0);
}

struct optic_advice optic_advise(const struct optic_end end[2])
{
    const struct masks m[2] = { masks_of(&end[0]), masks_of(&end[1]) };
    struct optic_advice light = judge_light(m);
    bool hot[2] = { is_hot(&end[0]), is_hot(&end[1]) };
    if (light.what == OPTIC_DARK)
        return light;
    if (hot[0] || hot[1])
        return say(OPTIC_HOT, which(hot[0], hot[1]), 0);
    if (light.what != OPTIC_WELL)
        return light;
    uint16_t bad = m[0].errors | m[1].errors, host = m[0].host_errors | m[1].host_errors;
    if (bad == 0 && host != 0)
        return say(OPTIC_HOST, which(m[0].host_errors != 0, m[1].host_errors != 0), host);
    if (bad == 0 && !end[0].errors && !end[1].errors)
        return say(end[0].known || end[1].known ? OPTIC_WELL : OPTIC_UNKNOWN, BOTH, 0);
    if (!end[0].known && !end[1].known)
        return say(OPTIC_UNKNOWN, BOTH, 0);
    return say(OPTIC_RESEAT, which(m[0].errors != 0 || end[0].errors,
                                   m[1].errors != 0 || end[1].errors), bad);
}

static const struct {
    const char *one, *both; /* %s: the end, or both */
    const char *action;
} words[OPTIC_WHATS] = {
    [OPTIC_UNKNOWN] = { "nothing is known of the light of %s", "nothing is known of its light",
                        "" },
    [OPTIC_WELL] = { "light and errors are well", "light and errors are well", "" },
    [OPTIC_HOT] = { "the module of %s is over its own temperature limit",
                    "both modules are over their own temperature limit",
                    "see to the airflow before anything is exchanged" },
    [OPTIC_LASER] = { "the module of %s sends too little light",
                      "both modules send too little light", "exchange the module that sends it" },
    [OPTIC_FIBRE] = { "%s receives too little light", "both ends send well and receive too little",
                      "clean the connectors, then exchange the fibre" },
    [OPTIC_ONE_WAY] = { "%s receives too little of the light that is sent well",
                        "both ends receive too little",
                        "clean that strand at both ends; then exchange the module that receives" },
    [OPTIC_HOST] = { "errors between the card and the module of %s, with good light",
                     "errors between card and module at both ends, with good light",
                     "reseat that module" },
    [OPTIC_RESEAT] = { "%s sees errors, with good light", "both ends see errors, with good light",
                       "reseat the module; then exchange it" },
    [OPTIC_DARK] = { "%s sends no light", "neither end sends light",
                     "see whether the port is switched off before anything is exchanged" },
};

void optic_advice_words(const struct optic_advice *a, const char *name_a, const char *name_b,
                        char *to, size_t size)
{
    char lanes[48] = "";
    size_t at = 0;
    must(a->what < OPTIC_WHATS && size > 0);
    const char *format = a->end == BOTH ? words[a->what].both : words[a->what].one;
    const char *name = a->end == 0 ? name_a : name_b;
    for (uint32_t i = 0; i < OPTIC_ADVICE_LANES; i++)
        if ((a->lanes & 1u << i) != 0)
            at += (size_t)snprintf(lanes + at, sizeof(lanes) - at, "%s%u", at > 0 ? "," : "", i);
    const char *gap = format, *end = format;
    while (*gap != '\0' && *gap != '%')
        gap++;
    end = *gap == '%' ? gap + 2 : gap;
    (void)snprintf(to, size, "%.*s%.48s%s%s%s", (int)(gap - format), format,
                   *gap == '%' ? name : "", end, at > 0 ? "; lanes " : "", lanes);
}

const char *optic_advice_action(uint32_t what)
{
    return what < OPTIC_WHATS ? words[what].action : "";
}

/*
 * The source "optics": the module in the cage of each network port, every 10 s.
 * Pages come from the interface (module_bus.h); under a root for tests, from
 * DEV_ROOT/eeprom/INTERFACE.bin, a dump as live/eeprom.h has it.  What the bytes
 * mean live/eeprom.h knows.
 *
 * Readings: M_OPTIC_… by port, M_LANE_… by port x 16 + lane.  The module is the
 * part of scope "lane" whose number is the port's first lane.  Writes nothing to
 * a module; reading clears its latched flags, as every reader's does.
 */
#include "agent/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/module_bus.h"
#include "agent/places.h"

struct port {
    struct eeprom pages;
    bool never;      /* this interface gives no module's memory: RJ45, virtual */
    bool flat;       /* only as a whole, by the ioctl */
    bool present;    /* a module was read, and its part told */
};

struct optics {
    struct module_bus bus;
    struct port port[PLACES_PORTS_MAX];
};

/* ---- bytes ----------------------------------------------------------------------------------- */

static int read_dump(const struct source_env *env, const char *net, struct eeprom *ret,
                     struct mw_error *err)
{
    uint8_t bytes[EEPROM_DUMP_MAX];
    int fd = files_open(env->dev_root, "/eeprom/%s.bin", net);
    if (fd < 0)
        return mw_fail(err, errno == ENOENT ? MW_EVERSION : MW_ENOTFOUND, "no dump of %s", net);
    ssize_t n = read(fd, bytes, sizeof(bytes));
    files_close(fd);
    if (n <= 0) /* an empty file: an empty cage */
        return mw_fail(err, MW_ENOTFOUND, "no module in %s", net);
    return eeprom_from_dump(ret, bytes, (size_t)n, err);
}

/* Asks for the pages that are wanted.  A refused lower page is the absence of a module. */
static int read_wanted(struct module_bus *bus, const char *net, struct eeprom *e,
                       struct mw_error *err)
{
    uint32_t slot;
    while ((slot = eeprom_next(e)) < EEPROM_SLOTS) {
        uint8_t page[EEPROM_PAGE];
        int rc = module_bus_page(bus, net, eeprom_place(slot), page, err);
        if (rc == 0)
            eeprom_put(e, slot, page);
        else if (slot == EEPROM_LOWER)
            return rc;
        else
            eeprom_refuse(e, slot);
    }
    return 0;
}

/* Keeps what does not move of the module that was there; all anew when it is another. */
static int read_pages(struct module_bus *bus, const char *net, struct eeprom *e,
                      struct mw_error *err)
{
    struct eeprom before = *e;
    eeprom_stale(e);
    int rc = read_wanted(bus, net, e, err);
    if (rc < 0 || before.have == 0 || eeprom_same(e, &before))
        return rc;
    memset(e, 0, sizeof(*e));
    return read_wanted(bus, net, e, err);
}

static int read_module(struct optics *s, const struct source_env *env, const char *net,
                       struct port *p, struct mw_error *err)
{
    if (env->dev_root[0] != '\0')
        return read_dump(env, net, &p->pages, err);
    int rc = p->flat ? MW_EVERSION : read_pages(&s->bus, net, &p->pages, err);
    if (rc != MW_EVERSION)
        return rc;
    rc = module_bus_flat(&s->bus, net, &p->pages, err);
    p->flat = rc == 0;
    return rc;
}

/* ---- readings -------------------------------------------------------------------------------- */

static void put_flag(struct samples *s, uint32_t metric, uint32_t instance, int8_t flag)
{
    samples_put(s, metric, instance, flag < 0 ? NAN : flag);
}

static void put_lane(struct samples *s, uint32_t n, const struct eeprom_lane *l)
{
    samples_put(s, M_LANE_TX_DBM, n, l->tx_dbm);
    samples_put(s, M_LANE_RX_DBM, n, l->rx_dbm);
    samples_put(s, M_LANE_BIAS_MA, n, l->bias_ma);
    samples_put(s, M_LANE_BER, n, l->ber);
    samples_put(s, M_LANE_HOST_BER, n, l->host_ber);
    samples_put(s, M_LANE_SNR_DB, n, l->snr_db);
    samples_put(s, M_LANE_HOST_SNR_DB, n, l->host_snr_db);
    samples_put(s, M_LANE_FRAMES_BAD, n, l->frames_bad);
    put_flag(s, M_LANE_LOS, n, l->rx_los);
    put_flag(s, M_LANE_TX_LOS, n, l->tx_los);
    put_flag(s, M_LANE_TX_FAULT, n, l->tx_fault);
    put_flag(s, M_LANE_RX_LOL, n, l->rx_lol);
}

static void put_module(struct samples *s, uint32_t n, const struct eeprom_module *m)
{
    bool judged = !isnan(m->temp.alarm_high) || !isnan(m->rx.alarm_high);
    samples_put(s, M_OPTIC_TEMP_C, n, m->temp_c);
    samples_put(s, M_OPTIC_VCC_V, n, m->vcc_v);
    samples_put(s, M_OPTIC_ALARMS, n, judged ? (double)m->alarms : NAN);
    samples_put(s, M_OPTIC_WARNINGS, n, judged ? (double)m->warnings : NAN);
    samples_put(s, M_OPTIC_RX_LOW_DBM, n, m->rx.warn_low);
    samples_put(s, M_OPTIC_TX_LOW_DBM, n, m->tx.warn_low);
    samples_put(s, M_OPTIC_TEMP_HIGH_C, n, m->temp.warn_high);
    samples_put(s, M_OPTIC_BIAS_HIGH_MA, n, m->bias.warn_high);
    for (uint32_t i = 0; i < EEPROM_LANES_MAX; i++)
        put_lane(s, n * METRIC_LANES_PER_PORT + i, &m->lane[i]);
}

static void forget_module(struct samples *s, uint32_t n)
{
    struct eeprom_module none;
    memset(&none, 0, sizeof(none));
    none.temp_c = none.vcc_v = NAN;
    none.temp.alarm_high = none.rx.alarm_high = none.temp.warn_high = NAN;
    none.rx.warn_low = none.tx.warn_low = none.bias.warn_high = NAN;
    for (uint32_t i = 0; i < EEPROM_LANES_MAX; i++)
        none.lane[i] = (struct eeprom_lane){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                             -1, -1, -1, -1 };
    put_module(s, n, &none);
}

static void name_part(struct agent_frame *f, const struct place_port *p, uint32_t n)
{
    memset(f, 0, sizeof(*f));
    f->verb = AGENT_PART;
    f->n = n * (uint64_t)METRIC_LANES_PER_PORT;
    (void)snprintf(f->scope, sizeof(f->scope), "%s", metric_scope_name(SCOPE_LANE));
    (void)snprintf(f->name, sizeof(f->name), "%s", p->name);
    (void)snprintf(f->pci, sizeof(f->pci), "%s", p->pci);
}

static void tell_part(const struct source_out *out, const struct place_port *p, uint32_t n,
                      const struct eeprom_module *m)
{
    struct agent_frame f;
    name_part(&f, p, n);
    if (m == NULL) {
        f.gone = true;
    } else {
        (void)snprintf(f.model, sizeof(f.model), "%s %s", m->vendor, m->part);
        (void)snprintf(f.serial, sizeof(f.serial), "%s", m->serial);
        (void)snprintf(f.fw, sizeof(f.fw), "%s",
                       m->firmware[0] != '\0' ? m->firmware : m->revision);
        (void)snprintf(f.text, sizeof(f.text), "%s %s lanes=%u %s%s",
                       eeprom_identifier_name(m->identifier), eeprom_kind_name(m->kind), m->lanes,
                       m->copper ? "copper" : "optical",
                       m->checksum_good ? "" : " checksum=bad");
    }
    out->part(out->ctx, &f);
}

/* ---- the source ------------------------------------------------------------------------------ */

static void optics_close(void *state)
{
    struct optics *s = state;
    module_bus_close(&s->bus);
    free(s);
}

static int optics_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    uint32_t interfaces = 0;
    for (uint32_t i = 0; i < env->places->ports; i++)
        interfaces += env->places->port[i].net[0] != '\0';
    if (interfaces == 0)
        return mw_fail(err, MW_ENOTFOUND, "no network interface");
    struct optics *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "no memory for the optics");
    int rc = module_bus_open(&s->bus, err);
    if (rc < 0) {
        free(s);
        return rc;
    }
    *ret_state = s;
    return 0;
}

static void lose_module(struct port *p, const struct place_port *place, uint32_t n,
                        const struct source_out *out)
{
    memset(&p->pages, 0, sizeof(p->pages));
    samples_put(out->samples, M_OPTIC_PRESENT, n, 0);
    if (!p->present)
        return;
    forget_module(out->samples, n);
    tell_part(out, place, n, NULL);
    p->present = false;
}

static void take_module(struct port *p, const struct place_port *place, uint32_t n,
                        const struct source_out *out)
{
    struct eeprom_module m;
    samples_put(out->samples, M_OPTIC_PRESENT, n, 1);
    if (eeprom_decode(&p->pages, &m, NULL) < 0)
        return; /* a module, but none whose memory we know */
    put_module(out->samples, n, &m);
    tell_part(out, place, n, &m); /* whoever keeps parts passes on what changed */
    p->present = true;
}

static int optics_read(void *state, const struct source_env *env, int64_t now_ms,
                       struct source_out *out, struct mw_error *err)
{
    struct optics *s = state;
    uint32_t readable = 0;
    (void)now_ms;
    for (uint32_t n = 0; n < env->places->ports; n++) {
        const struct place_port *place = &env->places->port[n];
        struct port *p = &s->port[n];
        if (place->net[0] == '\0' || p->never)
            continue;
        int rc = read_module(s, env, place->net, p, err);
        if (rc == MW_EDENIED) /* the same for all of them */
            return mw_fail(err, MW_ENOTFOUND, "reading modules needs CAP_NET_ADMIN");
        p->never = rc == MW_EVERSION && !p->present;
        if (rc == 0)
            take_module(p, place, n, out);
        else if (!p->never)
            lose_module(p, place, n, out);
        readable += !p->never;
    }
    if (readable == 0)
        return mw_fail(err, MW_ENOTFOUND, "no interface here has a module that can be read");
    return 0;
}

const struct source source_optics = {
    .name = "optics", .period_ms = 10000, .deadline_ms = 8000, .where = WHERE_WORKER_SLOW,
    .open = optics_open, .read = optics_read, .close = optics_close,
};

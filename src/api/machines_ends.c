/*
 * The ends of a link, each read by the machine it is on: an agent its NICs, a
 * gatherer the switch's ports; and what both together say.  See machines_tell.h.
 */
#include "api/machines_tell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/views.h"
#include "live/optic_advice.h"

/* What reads an end: a machine of the hub and its port; MW_NONE where nobody does. */
struct end {
    const char *name;
    uint32_t machine, port;
};

static struct end find_end(const struct machines_of *of, const json_t *wish)
{
    const json_t *nic = json_object_get(wish, "nic");
    struct end e = { .name = json_string_value(json_object_get(wish, "machine")),
                     .port = (uint32_t)json_integer_value(json_object_get(wish, "port")) };
    e.machine = e.name != NULL ? machines_find(of->machines, e.name) : MW_NONE;
    if (e.machine != MW_NONE && nic != NULL)
        e.port = machines_nic_port(of->machines, e.machine, (uint32_t)json_integer_value(nic));
    if (e.port == MW_NONE)
        e.machine = MW_NONE;
    return e;
}

static json_t *end_row(const struct machines_of *of, const json_t *wish, const struct end *e)
{
    bool known = e->machine != MW_NONE;
    return json_pack("{s:O, s:O, s:o, s:o, s:o, s:o}", "end", json_object_get(wish, "end"), "at",
                     json_object_get(wish, "at"), "machine",
                     known ? json_string(e->name) : json_null(), "port",
                     known ? json_integer(e->port) : json_null(), "heard",
                     machines_time(known ? machines_info(of->machines, e->machine).heard_ms : 0),
                     "values", known ? machines_values_json(of, e->machine, e->port)
                                     : json_array());
}

/* ---- what both say --------------------------------------------------------------------------- */

/* A reading of the port (or of a lane of it); NaN where there is none. */
static double read_one(const struct machines_of *of, uint32_t machine, uint32_t metric,
                       uint32_t instance)
{
    struct machine_value v;
    return machines_value(of->machines, machine, metric, instance, &v)
               ? metric_real(metric_of(metric), v.value) : NAN;
}

/* METRIC_LOG readings are real values; the rules compare decades. */
static double log10_of(double rate)
{
    return isnan(rate) ? NAN : log10(fmax(rate, 1e-30));
}

static void read_lanes(const struct machines_of *of, const struct end *e, struct optic_end *to)
{
    for (uint32_t lane = 0; lane < OPTIC_ADVICE_LANES; lane++) {
        uint32_t i = e->port * METRIC_LANES_PER_PORT + lane;
        to->tx_dbm[lane] = read_one(of, e->machine, M_LANE_TX_DBM, i);
        to->rx_dbm[lane] = read_one(of, e->machine, M_LANE_RX_DBM, i);
        to->ber_log10[lane] = log10_of(read_one(of, e->machine, M_LANE_BER, i));
        to->host_ber_log10[lane] = log10_of(read_one(of, e->machine, M_LANE_HOST_BER, i));
        if (!isnan(to->tx_dbm[lane]) || !isnan(to->rx_dbm[lane]))
            to->lanes = lane + 1;
    }
}

/* Does a condition about errors of this port hold? */
static bool has_errors(const struct machines_of *of, const struct end *e)
{
    const struct machine_condition *c;
    for (uint32_t k = 0; (c = machines_condition(of->machines, e->machine, k)) != NULL; k++)
        if (c->rule != NULL && c->instance == e->port && strcmp(c->class, "link") == 0)
            return true;
    return false;
}

static struct optic_end optic_of(const struct machines_of *of, const struct end *e)
{
    struct optic_end o = { .lanes = 0 };
    if (e->machine == MW_NONE)
        return o;
    read_lanes(of, e, &o);
    o.known = o.lanes > 0;
    o.lanes = MW_MAX(o.lanes, 1);
    o.tx_low_dbm = read_one(of, e->machine, M_OPTIC_TX_LOW_DBM, e->port);
    o.rx_low_dbm = read_one(of, e->machine, M_OPTIC_RX_LOW_DBM, e->port);
    o.temp_c = read_one(of, e->machine, M_OPTIC_TEMP_C, e->port);
    o.temp_high_c = read_one(of, e->machine, M_OPTIC_TEMP_HIGH_C, e->port);
    o.errors = has_errors(of, e);
    return o;
}

/* null when no light is read at either end. */
static json_t *advice(const struct machines_of *of, const struct end end[2], const json_t *asked)
{
    const struct optic_end both[2] = { optic_of(of, &end[0]), optic_of(of, &end[1]) };
    char words[256], text[512];
    if (!both[0].known && !both[1].known)
        return json_null();
    const struct optic_advice a = optic_advise(both);
    optic_advice_words(&a, json_string_value(json_object_get(json_array_get(asked, 0), "at")),
                       json_string_value(json_object_get(json_array_get(asked, 1), "at")), words,
                       sizeof(words));
    const char *action = optic_advice_action(a.what);
    (void)snprintf(text, sizeof(text), "%s%s%s", words, *action != '\0' ? ": " : "", action);
    return json_pack("{s:s, s:s}", "text", text, "rests_on", "measured");
}

json_t *machines_tell_ends(const struct machines_of *of, const json_t *wish, struct mw_error *err)
{
    const json_t *asked = json_object_get(wish, "ends");
    json_t *rows = json_array();
    struct end end[2] = { { .machine = MW_NONE }, { .machine = MW_NONE } };
    for (size_t k = 0; rows != NULL && k < 2 && k < json_array_size(asked); k++) {
        end[k] = find_end(of, json_array_get(asked, k));
        (void)json_array_append_new(rows, end_row(of, json_array_get(asked, k), &end[k]));
    }
    json_t *o = json_pack("{s:o, s:o, s:o}", "clock", api_time_ms(of->clock_ms), "ends", rows,
                          "advice", advice(of, end, asked));
    if (o == NULL)
        (void)!mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}

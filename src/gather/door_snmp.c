/*
 * The SNMP door: PDUs and CDUs, asked for the columns of a map (live/snmp_map.h)
 * by net-snmp's session interface, many agents at once on the door's thread.
 * Names and decimal digits are read once an hour, values every round.
 * SNMP v2c, and v3 with authentication and privacy.
 */
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "gather/credentials.h"
#include "gather/doors.h"
#include "gather/out.h"
#include "live/snmp_map.h"
#include "signal/metric.h"

#define RUNNING 64
#define REPETITIONS 24        /* values asked for in one request: fits a datagram of 1,500 bytes */
#define WALKS_MAX (3 * SNMP_ROWS_MAX)
#define THINGS_MAX 256        /* outlets and sensors of one agent */
#define SERIES 1024
#define KNOWN_MAX 2048        /* names and digits of one agent */
#define RETRIES 2
#define INVENTORY_MS 3600000
#define OIDS_FOLDER "/usr/share/millwright/oids"

enum walk_kind { WALK_NAME, WALK_DIGITS, WALK_VALUE };

struct walk {
    const struct snmp_oid *oid;
    uint8_t kind;
};

struct thing {
    const char *label;
    struct snmp_oid instance;
};

/* A name or a number of digits, by its object. */
struct known {
    uint64_t key;
    int64_t digits; /* -1: a name */
    char name[40];
};

struct snmp_door;
struct agent {
    struct snmp_door *door;
    const struct door_target *target;
    void *handle;                 /* net-snmp's session; opened when it is first asked */
    uint32_t machine, walk;
    struct snmp_oid at;           /* how far the present walk is */
    int64_t end_ms, found_ms;
    bool running, answered;
    struct thing *thing; /* owned */
    uint32_t things;
    struct known *known; /* owned */
    uint32_t knowns;
    char trouble[160];
};

struct snmp_door {
    const struct door_spec *spec;
    struct door_out *out;
    struct credentials secret;
    struct snmp_map map;
    struct walk walk[WALKS_MAX];
    uint32_t walks, active, next;
    struct agent *agent; /* owned */
};

static int64_t clock_ms(clockid_t which)
{
    struct timespec t = { 0 };
    (void)clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- values --------------------------------------------------------------------------------- */

static uint64_t key_of(const struct snmp_oid *base, const struct snmp_oid *instance)
{
    uint64_t key = 0;
    for (uint32_t i = 0; i < base->length; i++)
        key = mw_mix64(key ^ base->id[i]);
    for (uint32_t i = 0; i < instance->length; i++)
        key = mw_mix64(key ^ instance->id[i]);
    return key;
}

static struct known *known_of(struct agent *a, uint64_t key)
{
    for (uint32_t i = 0; i < a->knowns; i++)
        if (a->known[i].key == key)
            return &a->known[i];
    return NULL;
}

static void take_known(struct agent *a, const struct walk *w, const struct snmp_oid *oid,
                       const struct variable_list *v)
{
    const struct snmp_row row = { .oid = *w->oid, .last = -1 };
    struct snmp_oid instance;
    if (!snmp_row_instance(&row, oid, &instance))
        return;
    uint64_t key = key_of(w->oid, &instance);
    struct known *k = known_of(a, key);
    if (k == NULL && a->knowns < KNOWN_MAX)
        k = &a->known[a->knowns++];
    if (k == NULL)
        return;
    *k = (struct known){ .key = key, .digits = -1 };
    if (v->type == ASN_OCTET_STR)
        (void)snprintf(k->name, sizeof(k->name), "%.*s", (int)MW_MIN(v->val_len, 39u),
                       (const char *)v->val.string);
    else if (v->type == ASN_INTEGER || v->type == ASN_GAUGE)
        k->digits = *v->val.integer;
}

static double raw_of(const struct variable_list *v)
{
    switch (v->type) {
    case ASN_INTEGER: return *v->val.integer == -1 ? NAN : (double)*v->val.integer; /* "none" */
    case ASN_GAUGE: /* also ASN_UNSIGNED */
    case ASN_COUNTER:
    case ASN_UINTEGER: return (double)(uint32_t)*v->val.integer;
    case ASN_COUNTER64:
        return (double)v->val.counter64->high * 4294967296.0 + (double)v->val.counter64->low;
    case ASN_OCTET_STR: return snmp_text_number((const char *)v->val.string, v->val_len);
    default: return NAN;
    }
}

static void say_thing(struct agent *a, const struct snmp_row *r, const struct thing *t, uint32_t n)
{
    char name[DOOR_NAME_MAX], number[24] = "";
    const struct known *k = r->name.length > 0 ? known_of(a, key_of(&r->name, &t->instance)) : NULL;
    /* A scalar's instance is .0; a table of one PDU begins with 1. */
    if (t->instance.length > 0 && t->instance.id[t->instance.length - 1] != 0)
        (void)snprintf(number, sizeof(number), " %u", t->instance.id[t->instance.length - 1]);
    (void)snprintf(name, sizeof(name), "%s%s", r->label, number);
    const struct door_part p = { .scope = metric_scope_name(metric_of(r->metric)->scope), .n = n,
                                 .name = name, .text = k != NULL ? k->name : "" };
    door_out_part(a->door->out, a->machine, &p);
}

static uint32_t thing_of(struct agent *a, const struct snmp_row *r, const struct snmp_oid *instance)
{
    for (uint32_t i = 0; i < a->things; i++)
        if (strcmp(a->thing[i].label, r->label) == 0 &&
            a->thing[i].instance.length == instance->length &&
            memcmp(a->thing[i].instance.id, instance->id, instance->length * sizeof(uint32_t)) == 0)
            return i;
    if (a->things == THINGS_MAX)
        return MW_NONE;
    a->thing[a->things] = (struct thing){ .label = r->label, .instance = *instance };
    say_thing(a, r, &a->thing[a->things], a->door->spec->base + a->things);
    return a->things++;
}

static void take_value(struct agent *a, const struct snmp_oid *oid, const struct variable_list *v)
{
    for (uint32_t i = 0; i < a->door->map.rows; i++) {
        const struct snmp_row *r = &a->door->map.row[i];
        struct snmp_oid instance, whole = { 0 };
        if (!snmp_row_instance(r, oid, &instance))
            continue;
        whole.length = oid->length - r->oid.length;
        memcpy(whole.id, oid->id + r->oid.length, whole.length * sizeof(whole.id[0]));
        const struct known *k = NULL;
        if (r->digits.length > 0)
            k = known_of(a, key_of(&r->digits, &whole));
        uint32_t n = thing_of(a, r, &instance);
        uint32_t digits = k != NULL && k->digits > 0 ? (uint32_t)MW_MIN(k->digits, 9) : 0;
        if (n == MW_NONE || (r->digits.length > 0 && k == NULL))
            continue; /* without its digits a number means nothing */
        door_out_put(a->door->out, a->machine, r->metric, a->door->spec->base + n,
                     snmp_row_value(r, raw_of(v), digits));
    }
}

/* ---- walking -------------------------------------------------------------------------------- */

static void ask(struct agent *a);

static void end_agent(struct agent *a)
{
    struct snmp_door *d = a->door;
    must(a->running && d->active > 0);
    a->running = false;
    d->active--;
    if (!a->answered) {
        door_out_source(d->out, a->machine, d->spec->name, DOOR_SILENT,
                        a->trouble[0] != '\0' ? a->trouble : "no answer within the deadline");
        return;
    }
    door_out_source(d->out, a->machine, d->spec->name, DOOR_OK, a->trouble);
    door_out_flush(d->out, a->machine, clock_ms(CLOCK_REALTIME));
}

/* An agent whose answers do not grow would be walked for ever. */
static bool grows(const struct snmp_oid *from, const struct snmp_oid *to)
{
    for (uint32_t i = 0; i < from->length && i < to->length; i++)
        if (from->id[i] != to->id[i])
            return from->id[i] < to->id[i];
    return from->length < to->length;
}

/* The variables of an answer; false: this walk is over. */
static bool take_answer(struct agent *a, const struct snmp_pdu *pdu)
{
    const struct walk *w = &a->door->walk[a->walk];
    bool more = false;
    for (const struct variable_list *v = pdu->variables; v != NULL; v = v->next_variable) {
        struct snmp_oid oid = { 0 };
        if (v->type == SNMP_ENDOFMIBVIEW || v->type == SNMP_NOSUCHOBJECT ||
            v->type == SNMP_NOSUCHINSTANCE || v->name_length > SNMP_OID_MAX)
            return false;
        oid.length = (uint32_t)v->name_length;
        for (uint32_t i = 0; i < oid.length; i++)
            oid.id[i] = (uint32_t)v->name[i];
        if (!snmp_oid_begins(&oid, w->oid) || !grows(&a->at, &oid))
            return false;
        a->at = oid;
        more = true;
        if (w->kind == WALK_VALUE)
            take_value(a, &oid, v);
        else
            take_known(a, w, &oid, v);
    }
    return more;
}

/* The next walk that is due; false: none. */
static bool next_walk(struct agent *a)
{
    const struct snmp_door *d = a->door;
    bool look = a->found_ms == 0;
    for (a->walk++; a->walk < d->walks; a->walk++)
        if (look || d->walk[a->walk].kind == WALK_VALUE)
            break;
    if (a->walk >= d->walks)
        return false;
    a->at = *d->walk[a->walk].oid;
    return true;
}

static int on_answer(int op, struct snmp_session *session, int request, struct snmp_pdu *pdu,
                     void *ctx)
{
    struct agent *a = ctx;
    (void)session;
    (void)request;
    if (!a->running)
        return 1;
    if (op != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE || pdu == NULL) {
        (void)snprintf(a->trouble, sizeof(a->trouble), "no answer: address, community or user?");
        end_agent(a);
        return 1;
    }
    if (pdu->command != SNMP_MSG_RESPONSE) {
        (void)snprintf(a->trouble, sizeof(a->trouble), "it refuses our user or password");
        end_agent(a);
        return 1;
    }
    a->answered = true;
    if (pdu->errstat != SNMP_ERR_NOERROR || !take_answer(a, pdu)) {
        if (!next_walk(a)) {
            a->found_ms = a->found_ms == 0 ? clock_ms(CLOCK_MONOTONIC) : a->found_ms;
            end_agent(a);
            return 1;
        }
    }
    ask(a);
    return 1;
}

static void ask(struct agent *a)
{
    oid name[SNMP_OID_MAX];
    struct snmp_pdu *pdu;
    if (clock_ms(CLOCK_MONOTONIC) >= a->end_ms ||
        (pdu = snmp_pdu_create(SNMP_MSG_GETBULK)) == NULL) {
        (void)snprintf(a->trouble, sizeof(a->trouble), "not all was read within the deadline");
        end_agent(a);
        return;
    }
    pdu->non_repeaters = 0;
    pdu->max_repetitions = REPETITIONS;
    for (uint32_t i = 0; i < a->at.length; i++)
        name[i] = a->at.id[i];
    (void)snmp_add_null_var(pdu, name, a->at.length);
    if (snmp_sess_send(a->handle, pdu) == 0) {
        char *text = NULL;
        snmp_sess_error(a->handle, NULL, NULL, &text);
        (void)snprintf(a->trouble, sizeof(a->trouble), "%.150s", text != NULL ? text : "not sent");
        free(text);
        snmp_free_pdu(pdu);
        end_agent(a);
    }
}

/* ---- sessions ------------------------------------------------------------------------------- */

static bool set_v3(struct snmp_session *s, const struct snmp_door *d)
{
    const struct credentials *c = &d->secret;
    s->version = SNMP_VERSION_3;
    s->securityName = (char *)(uintptr_t)c->user;
    s->securityNameLen = strlen(c->user);
    s->securityLevel = c->privacy_password[0] != '\0' ? SNMP_SEC_LEVEL_AUTHPRIV
                                                      : SNMP_SEC_LEVEL_AUTHNOPRIV;
    bool sha1 = strcmp(door_setting(d->spec, "auth", "SHA-256"), "SHA") == 0;
    s->securityAuthProto = sha1 ? usmHMACSHA1AuthProtocol : usmHMAC192SHA256AuthProtocol;
    s->securityAuthProtoLen = sha1 ? OID_LENGTH(usmHMACSHA1AuthProtocol)
                                   : OID_LENGTH(usmHMAC192SHA256AuthProtocol);
    s->securityAuthKeyLen = USM_AUTH_KU_LEN;
    s->securityPrivProto = usmAESPrivProtocol;
    s->securityPrivProtoLen = OID_LENGTH(usmAESPrivProtocol);
    s->securityPrivKeyLen = USM_PRIV_KU_LEN;
    return generate_Ku(s->securityAuthProto, (u_int)s->securityAuthProtoLen,
                       (const u_char *)c->auth_password, strlen(c->auth_password),
                       s->securityAuthKey, &s->securityAuthKeyLen) == SNMPERR_SUCCESS &&
           (c->privacy_password[0] == '\0' ||
            generate_Ku(s->securityAuthProto, (u_int)s->securityAuthProtoLen,
                        (const u_char *)c->privacy_password, strlen(c->privacy_password),
                        s->securityPrivKey, &s->securityPrivKeyLen) == SNMPERR_SUCCESS);
}

static bool open_session(struct agent *a)
{
    struct snmp_session s;
    const struct credentials *c = &a->door->secret;
    char peer[256];
    bool fine = true;
    if (a->handle != NULL)
        return true;
    snmp_sess_init(&s);
    (void)snprintf(peer, sizeof(peer), "%s", a->target->address);
    s.peername = peer;
    s.retries = RETRIES;
    s.timeout = a->door->spec->deadline_ms * 1000 / (RETRIES + 2);
    s.callback = on_answer;
    s.callback_magic = a;
    if (c->auth_password[0] != '\0') {
        fine = set_v3(&s, a->door);
    } else {
        s.version = SNMP_VERSION_2c;
        s.community = (u_char *)(uintptr_t)c->community;
        s.community_len = strlen(c->community);
    }
    a->handle = fine ? snmp_sess_open(&s) : NULL;
    explicit_bzero(s.securityAuthKey, sizeof(s.securityAuthKey));
    explicit_bzero(s.securityPrivKey, sizeof(s.securityPrivKey));
    return a->handle != NULL;
}

/* ---- a round -------------------------------------------------------------------------------- */

static void begin_more(struct snmp_door *d)
{
    while (d->active < RUNNING && d->next < d->spec->targets) {
        struct agent *a = &d->agent[d->next++];
        int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
        a->trouble[0] = '\0';
        a->answered = false;
        a->end_ms = now_ms + d->spec->deadline_ms;
        if (a->found_ms != 0 && now_ms - a->found_ms >= INVENTORY_MS)
            a->found_ms = 0;
        a->running = true;
        d->active++;
        a->walk = UINT32_MAX; /* the one before the first */
        if (!open_session(a)) {
            (void)snprintf(a->trouble, sizeof(a->trouble),
                           "no session: its address cannot be resolved, or (v3) no answer");
            end_agent(a);
        } else if (next_walk(a)) {
            ask(a);
        } else {
            end_agent(a);
        }
    }
}

static void wait_answers(struct snmp_door *d)
{
    netsnmp_large_fd_set fds;
    struct timeval wait = { .tv_sec = 1 };
    int most = 0, block = 0;
    netsnmp_large_fd_set_init(&fds, FD_SETSIZE);
    for (uint32_t i = 0; i < d->spec->targets; i++)
        if (d->agent[i].running)
            (void)snmp_sess_select_info2(d->agent[i].handle, &most, &fds, &wait, &block);
    int ready = netsnmp_large_fd_set_select(most, &fds, NULL, NULL, &wait);
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        if (!d->agent[i].running)
            continue;
        if (ready > 0)
            (void)snmp_sess_read2(d->agent[i].handle, &fds);
        if (d->agent[i].running)
            snmp_sess_timeout(d->agent[i].handle);
    }
    netsnmp_large_fd_set_cleanup(&fds);
}

static int poll_round(void *state, int64_t now_ms, struct mw_error *err)
{
    struct snmp_door *d = state;
    (void)now_ms;
    (void)err;
    d->next = 0;
    begin_more(d);
    while (d->active > 0 || d->next < d->spec->targets) {
        wait_answers(d);
        begin_more(d);
    }
    return 0;
}

/* ---- opening and closing -------------------------------------------------------------------- */

static const char *const auth_words[] = { "SHA-256", "SHA", NULL };
static const struct schema_field fields[] = {
    { .name = "map", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 400,
      .help = "apc-rpdu2, raritan-pdu2, cdu-itg, or the path of a table like data/oids/*.csv" },
    { .name = "oids", .type = SCHEMA_TEXT, .min = 1, .max = 400,
      .help = "folder of the maps that have a name" },
    { .name = "auth", .type = SCHEMA_CHOICE, .choices = auth_words,
      .help = "of v3: hash of the authentication; privacy is AES-128" },
    { 0 },
};

static void add_walk(struct snmp_door *d, const struct snmp_oid *oid, uint8_t kind)
{
    if (oid->length == 0)
        return;
    for (uint32_t i = 0; i < d->walks; i++)
        if (d->walk[i].oid->length == oid->length && snmp_oid_begins(d->walk[i].oid, oid))
            return;
    must(d->walks < WALKS_MAX);
    d->walk[d->walks++] = (struct walk){ .oid = oid, .kind = kind };
}

static int open_map(struct snmp_door *d, struct mw_error *err)
{
    const char *name = door_setting(d->spec, "map", "");
    const char *folder = door_setting(d->spec, "oids", OIDS_FOLDER);
    char path[512], *text mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    if (strchr(name, '/') != NULL)
        (void)snprintf(path, sizeof(path), "%s", name);
    else
        (void)snprintf(path, sizeof(path), "%s/%s.csv", folder, name);
    int rc = mw_read_file(path, SNMP_MAP_BYTES_MAX, false, &text, &size, err);
    if (rc == 0)
        rc = snmp_map_read(text, size, path, &d->map, err);
    for (uint32_t i = 0; rc == 0 && i < d->map.rows; i++) {
        add_walk(d, &d->map.row[i].name, WALK_NAME);
        add_walk(d, &d->map.row[i].digits, WALK_DIGITS);
    }
    for (uint32_t i = 0; rc == 0 && i < d->map.rows; i++)
        add_walk(d, &d->map.row[i].oid, WALK_VALUE);
    return rc;
}

/* Reads and writes no files of its own: no MIBs, no configuration, no state. */
static void init_library(void)
{
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, 1);
    netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE, 1);
    (void)setenv("MIBS", "", 1); /* before any thread: open() is called by main's */
    snmp_disable_log();
    init_snmp("mw-gather");
}

static int open_parts(struct snmp_door *d, struct mw_error *err)
{
    int rc = credentials_read(d->spec->credentials, &d->secret, err);
    const struct credentials *c = &d->secret;
    if (rc == 0 && c->community[0] == '\0' && (c->user[0] == '\0' || strlen(c->auth_password) < 8))
        rc = mw_fail(err, MW_EINVAL, "SNMP needs credentials: a file with community =, or with "
                     "user =, auth_password = (8 bytes at least) and privacy_password =");
    if (rc == 0)
        rc = open_map(d, err);
    if (rc < 0)
        return rc;
    init_library();
    d->agent = mw_calloc(d->spec->targets, sizeof(*d->agent));
    if (d->agent == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < d->spec->targets; i++) {
        struct agent *a = &d->agent[i];
        a->door = d;
        a->target = &d->spec->target[i];
        a->machine = door_out_machine(d->out, d->spec->name, a->target->machine, false,
                                      SERIES);
        a->thing = mw_calloc(THINGS_MAX, sizeof(*a->thing));
        a->known = mw_calloc(KNOWN_MAX, sizeof(*a->known));
        if (a->thing == NULL || a->known == NULL)
            return mw_fail(err, MW_ENOMEM, "out of memory");
    }
    return 0;
}

static void close_door(void *state)
{
    struct snmp_door *d = state;
    if (d == NULL)
        return;
    for (uint32_t i = 0; d->agent != NULL && i < d->spec->targets; i++) {
        if (d->agent[i].handle != NULL)
            (void)snmp_sess_close(d->agent[i].handle);
        mw_free(d->agent[i].thing);
        mw_free(d->agent[i].known);
    }
    mw_free(d->agent);
    snmp_map_fini(&d->map);
    credentials_wipe(&d->secret);
    mw_free(d);
}

static int open_door(const struct door_spec *spec, struct door_out *out, void **ret,
                     struct mw_error *err)
{
    struct snmp_door *d = mw_calloc(1, sizeof(*d));
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->spec = spec;
    d->out = out;
    int rc = open_parts(d, err);
    if (rc < 0)
        close_door(d);
    else
        *ret = d;
    return rc;
}

const struct door_kind door_snmp = {
    .kind = "snmp", .fields = fields, .addressed = true, .open = open_door, .poll = poll_round,
    .close = close_door,
};

/* The checks that ask the daemon, and the order of all.  See doctor.h. */
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"

#define SLOW_NS (500 * MW_NS_PER_MS) /* an answer about itself; chosen: a person notices */
#define SKEW_WARN_S 2                /* HTTP tells whole seconds */
#define SKEW_FAIL_S 60

const char *doctor_state_name(enum doctor_state s)
{
    static const char *const name[] = { "ok", "warn", "fail" };
    must((size_t)s < MW_ARRAY_LEN(name));
    return name[s];
}

void doctor_add(struct doctor *d, const char *check, enum doctor_state state, const char *remedy,
                const char *fmt, ...)
{
    va_list ap;
    if (d->findings == DOCTOR_FINDINGS_MAX)
        return;
    struct doctor_finding *f = &d->finding[d->findings++];
    *f = (struct doctor_finding){ .check = check, .state = state };
    (void)snprintf(f->remedy, sizeof(f->remedy), "%s", remedy);
    va_start(ap, fmt);
    (void)vsnprintf(f->what, sizeof(f->what), fmt, ap);
    va_end(ap);
}

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    (void)clock_gettime(which, &t);
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static int64_t number_at(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

/* ---- reaching it ---------------------------------------------------------------------------- */

static void check_choice(struct doctor *d)
{
    static const char *const by[] = { "named by --socket", "named by --context",
                                      "named by MW_CONTEXT", "the context in use",
                                      "the usual socket" };
    enum daemon_by which = DAEMON_BY_DEFAULT;
    struct mw_error err = { 0 };
    if (daemon_of_by(d->ctx, &d->daemon, &which, &err) < 0)
        doctor_add(d, "config", DOCTOR_FAIL, "mw context list shows what there is", "%s",
                   err.text);
    else
        doctor_add(d, "config", DOCTOR_OK, "", "asks %s (%s)", daemon_name(d->daemon), by[which]);
}

static void check_skew(struct doctor *d)
{
    int64_t there = daemon_date_s(d->daemon), here = (int64_t)time(NULL);
    if (there < 0)
        return;
    int64_t skew = here > there ? here - there : there - here;
    enum doctor_state s = skew > SKEW_FAIL_S   ? DOCTOR_FAIL
                          : skew > SKEW_WARN_S ? DOCTOR_WARN
                                               : DOCTOR_OK;
    doctor_add(d, "clock", s, s == DOCTOR_OK ? "" : "let both machines follow NTP",
               "this clock and the daemon's differ by %lld s%s", (long long)skew,
               s == DOCTOR_OK ? " or less" : "");
}

static void check_version(struct doctor *d)
{
    const struct daemon_call c = { .path = "/version" };
    struct mw_error err = { 0 };
    json_t *o = NULL;
    if (daemon_ask(d->daemon, &c, &o, &err) < 0) {
        doctor_add(d, "version", DOCTOR_WARN, "update the daemon", "it does not say: %s",
                   err.text);
        return;
    }
    const char *there = text_at(o, "version");
    bool same = there != NULL && strcmp(there, MW_VERSION) == 0;
    doctor_add(d, "version", same ? DOCTOR_OK : DOCTOR_WARN,
               same ? "" : "install the same version on both sides", "mw %s, daemon %s",
               MW_VERSION, there != NULL ? there : "?");
    json_decref(o);
}

static void check_session(struct doctor *d)
{
    const struct daemon_call c = { .path = "/api/v1/session" };
    struct mw_error err = { 0 };
    struct text roles = { 0 };
    json_t *o = NULL, *role;
    size_t i;
    int rc = daemon_ask(d->daemon, &c, &o, &err);
    json_array_foreach(json_object_get(o, "roles"), i, role)
        text_addf(&roles, "%s%s", i > 0 ? ", " : "", json_string_value(role));
    if (rc < 0)
        doctor_add(d, "access", rc == MW_EDENIED ? DOCTOR_FAIL : DOCTOR_WARN,
                   "ask an admin for a token (mw token)", "%s", err.text);
    else
        doctor_add(d, "access", DOCTOR_OK, "", "you are %s (%s)",
                   text_at(o, "name") ? text_at(o, "name") : "?", text_string(&roles));
    text_fini(&roles);
    json_decref(o);
}

static void check_daemon(struct doctor *d)
{
    const struct daemon_call c = { .path = "/api/v1/status" };
    struct mw_error err = { 0 };
    int64_t before = clock_ns(CLOCK_MONOTONIC);
    int rc = daemon_ask(d->daemon, &c, &d->status, &err);
    int64_t took = clock_ns(CLOCK_MONOTONIC) - before;
    if (rc < 0) {
        doctor_add(d, "daemon", DOCTOR_FAIL, "start mw serve, or choose another: mw context use",
                   "%s", err.text);
        return;
    }
    bool slow = took > SLOW_NS;
    doctor_add(d, "daemon", slow ? DOCTOR_WARN : DOCTOR_OK,
               slow ? "look at the load of its machine" : "",
               "site %s answers in %.1f ms", text_at(d->status, "site"),
               (double)took / (double)MW_NS_PER_MS);
    check_version(d);
    check_skew(d);
    check_session(d);
}

/* ---- what it says of itself ----------------------------------------------------------------- */

static void check_record(struct doctor *d)
{
    const json_t *j = json_object_get(d->status, "journal");
    const char *trouble = text_at(j, "trouble"), *snapshots = text_at(j, "snapshot_trouble");
    if (trouble != NULL)
        doctor_add(d, "record", DOCTOR_FAIL, "make room, or mend the disk: nothing is decided "
                   "until then", "it takes nothing: %s", trouble);
    else if (snapshots != NULL)
        doctor_add(d, "record", DOCTOR_WARN, "make room in the record's folder",
                   "no snapshots: %s", snapshots);
    else if (json_is_object(j))
        doctor_add(d, "record", DOCTOR_OK, "", "whole up to event %lld",
                   (long long)number_at(j, "seq"));
    if (json_is_true(json_object_get(d->status, "guard_tripped")))
        doctor_add(d, "guard", DOCTOR_WARN, "look why, then mw guard reset --reason …",
                   "tripped: automation gives advice only");
}

static void check_agents(struct doctor *d)
{
    const json_t *a = json_object_get(d->status, "agents");
    int64_t watched = number_at(a, "watched"), known = number_at(a, "known");
    if (!json_is_object(a))
        return;
    if (known > 0 && watched < known)
        doctor_add(d, "agents", DOCTOR_WARN, "look at mw-agent on the others (mw get nodes -l "
                   "'health!=ready')", "%lld of %lld agents are heard", (long long)watched,
                   (long long)known);
    else
        doctor_add(d, "agents", DOCTOR_OK, "", "%lld are heard", (long long)watched);
}

void doctor_run(struct doctor *d, const struct cli_context *ctx)
{
    must(d != NULL && ctx != NULL);
    *d = (struct doctor){ .ctx = ctx };
    check_choice(d);
    doctor_contexts(d);
    if (d->daemon != NULL)
        check_daemon(d);
    if (d->status != NULL) {
        check_record(d);
        check_agents(d);
    }
    doctor_paths(d);
    doctor_slurm(d);
    doctor_ports(d);
}

void doctor_fini(struct doctor *d)
{
    json_decref(d->status);
    daemon_close(d->daemon);
    d->status = NULL;
    d->daemon = NULL;
}

enum doctor_state doctor_worst(const struct doctor *d)
{
    enum doctor_state worst = DOCTOR_OK;
    for (uint32_t i = 0; i < d->findings; i++)
        worst = MW_MAX(worst, d->finding[i].state);
    return worst;
}

/* The bodies of alerts.  See alerts_shape.h. */
#include "api/alerts_shape.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/units.h"

static void copy(char *ret, size_t size, const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    (void)snprintf(ret, size, "%s", s ? s : "");
}

static int64_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

bool alert_of_row(const json_t *row, int64_t page_uusd_per_hour, int64_t now_s, struct alert *ret)
{
    char place[256];
    must(row && ret);
    *ret = (struct alert){ .incident = (uint64_t)number(row, "incident"), .began_s = now_s };
    if (ret->incident == 0)
        return false;
    bool person = number(row, "advice") > 0;
    bool dear = number(row, "stake_uusd_per_hour") >= page_uusd_per_hour;
    ret->severity = person || dear ? ALERT_PAGE : ALERT_TICKET;
    copy(ret->class, sizeof(ret->class), row, "class");
    copy(ret->on, sizeof(ret->on), row, "on");
    copy(place, sizeof(place), row, "place");
    (void)snprintf(ret->hall, sizeof(ret->hall), "%.*s", (int)MW_MIN(strcspn(place, "/"), 63),
                   place);
    (void)snprintf(ret->summary, sizeof(ret->summary), "%.47s on %.95s%s%.90s", ret->class,
                   ret->on, place[0] ? ", " : "", place);
    return true;
}

static void usd(struct text *t, int64_t uusd)
{
    char buf[40];
    mw_format_usd(uusd, buf, sizeof(buf));
    text_add(t, buf);
}

/* "3 jobs hurt, 12 symptoms; $20.00 an hour, $310.00 so far (…); next: …". */
static void add_details(struct text *t, const json_t *row)
{
    size_t jobs = json_array_size(json_object_get(row, "jobs"));
    int64_t symptoms = number(row, "symptoms");
    const char *next = json_string_value(json_object_get(row, "next"));
    const char *basis = json_string_value(json_object_get(row, "rests_on"));
    if (jobs > 0)
        text_addf(t, "%zu job%s hurt; ", jobs, jobs == 1 ? "" : "s");
    if (symptoms > 0)
        text_addf(t, "%lld symptoms under it; ", (long long)symptoms);
    usd(t, number(row, "stake_uusd_per_hour"));
    text_add(t, " an hour, ");
    usd(t, number(row, "lost_uusd"));
    text_addf(t, " so far (%s)", basis ? basis : "modelled");
    if (next)
        text_addf(t, "; next: %s", next);
}

static json_t *link_to(const struct alert_post *p)
{
    char url[640];
    if (p->console[0] == '\0')
        return json_string("");
    (void)snprintf(url, sizeof(url), "%s#/incidents/%llu", p->console,
                   (unsigned long long)p->alert->incident);
    return json_string(url);
}

static json_t *text_json(struct text *t)
{
    json_t *s = t->failed ? NULL : json_string(text_string(t));
    text_fini(t);
    return s;
}

static json_t *details(const struct alert_post *p)
{
    struct text t = { 0 };
    if (p->row)
        add_details(&t, p->row);
    else
        text_add(&t, "it is over");
    return text_json(&t);
}

static json_t *alertmanager(const struct alert_post *p)
{
    const struct alert *a = p->alert;
    char starts[40], ends[40], incident[24];
    mw_format_time(a->began_s * MW_NS_PER_S, starts, sizeof(starts));
    mw_format_time((p->row ? p->until_s : p->now_s) * MW_NS_PER_S, ends, sizeof(ends));
    (void)snprintf(incident, sizeof(incident), "%llu", (unsigned long long)a->incident);
    return json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}, s:{s:s, s:o}, s:s, s:s, s:o}",
        "labels", "alertname", "MillwrightIncident", "site", p->site, "incident", incident, "class",
        a->class, "component", a->on, "hall", a->hall, "severity",
        alert_severity_word(a->severity), "annotations", "summary", a->summary, "description",
        details(p), "startsAt", starts, "endsAt", ends, "generatorURL", link_to(p));
}

static json_t *webhook(const struct alert_post *p)
{
    const struct alert *a = p->alert;
    char began[40], now[40];
    mw_format_time(a->began_s * MW_NS_PER_S, began, sizeof(began));
    mw_format_time(p->now_s * MW_NS_PER_S, now, sizeof(now));
    return json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:O?}",
        "event", p->row ? "incident.opened" : "incident.closed", "site", p->site, "incident",
        (json_int_t)a->incident, "severity", alert_severity_word(a->severity), "class", a->class,
        "on", a->on, "hall", a->hall, "summary", a->summary, "description", details(p), "began",
        began, "sent", now, "link", link_to(p), "row", p->row);
}

/* Slack wants these three escaped, and nothing else. */
static void add_slack(struct text *t, const char *s)
{
    for (; *s; s++)
        if (*s == '&')
            text_add(t, "&amp;");
        else if (*s == '<')
            text_add(t, "&lt;");
        else if (*s == '>')
            text_add(t, "&gt;");
        else
            text_add_n(t, s, 1);
}

static json_t *slack(const struct alert_post *p)
{
    struct text t = { 0 }, d = { 0 };
    json_t *url = link_to(p);
    const char *link = json_string_value(url);
    if (p->row)
        add_details(&d, p->row);
    text_addf(&t, "%s *", p->row ? p->alert->severity == ALERT_PAGE ? ":rotating_light:"
                                                                     : ":warning:"
                                 : ":white_check_mark:");
    add_slack(&t, p->alert->summary);
    text_addf(&t, "* (%s)\n", p->row ? alert_severity_word(p->alert->severity) : "over");
    add_slack(&t, text_string(&d));
    if (link && link[0])
        text_addf(&t, "\n<%s|incident %llu>", link, (unsigned long long)p->alert->incident);
    bool failed = d.failed || !url;
    text_fini(&d);
    json_decref(url);
    json_t *s = text_json(&t);
    if (failed) {
        json_decref(s);
        return NULL;
    }
    return json_pack("{s:o}", "text", s);
}

static json_t *pagerduty(const struct alert_post *p)
{
    const struct alert *a = p->alert;
    char key[200];
    (void)snprintf(key, sizeof(key), "millwright/%.64s/%llu", p->site,
                   (unsigned long long)a->incident);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:o, s:O?}}}",
        "routing_key", p->secret, "event_action", p->row ? "trigger" : "resolve", "dedup_key", key,
        "client", "Millwright", "client_url", link_to(p), "payload", "summary", a->summary,
        "source", a->on, "severity", a->severity == ALERT_PAGE ? "critical" : "warning",
        "component", a->on, "group", a->hall, "class", a->class, "custom_details", "description",
        details(p), "incident", p->row);
}

typedef json_t *body_fn(const struct alert_post *p);

json_t *alert_body(enum alert_kind kind, const struct alert_post *p)
{
    static body_fn *const body[ALERT_KIND_COUNT] = {
        [ALERT_ALERTMANAGER] = alertmanager,
        [ALERT_WEBHOOK] = webhook,
        [ALERT_SLACK] = slack,
        [ALERT_PAGERDUTY] = pagerduty,
    };
    must(p && p->alert && p->site && p->console && kind < ALERT_KIND_COUNT);
    return body[kind](p);
}

int alert_sign(const char *secret, const char *body, size_t size, int64_t now_s,
               char ret[ALERT_SIGNATURE_MAX])
{
    char when[24], hex[MW_HEX256_MAX];
    unsigned char mac[EVP_MAX_MD_SIZE];
    size_t length = 0;
    must(secret && body && ret);
    int n = snprintf(when, sizeof(when), "%lld.", (long long)now_s);
    EVP_MAC *kind = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *m = kind ? EVP_MAC_CTX_new(kind) : NULL;
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                  OSSL_PARAM_construct_end() };
    bool ok = m && EVP_MAC_init(m, (const unsigned char *)secret, strlen(secret), params) == 1 &&
              EVP_MAC_update(m, (const unsigned char *)when, (size_t)n) == 1 &&
              EVP_MAC_update(m, (const unsigned char *)body, size) == 1 &&
              EVP_MAC_final(m, mac, &length, sizeof(mac)) == 1 && length == MW_SHA256_SIZE;
    EVP_MAC_CTX_free(m);
    EVP_MAC_free(kind);
    if (!ok)
        return MW_ENOMEM;
    mw_hex256(mac, hex);
    (void)snprintf(ret, ALERT_SIGNATURE_MAX, "t=%lld,v1=%s", (long long)now_s, hex);
    return 0;
}

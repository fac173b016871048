/*
 * What a receiver of alerts is sent, in the form that it wants: Alertmanager's API v2, a webhook of
 * our own that is signed, Slack's incoming webhook, PagerDuty's events API v2.  Pure: gives JSON.
 */
#ifndef MW_API_ALERTS_SHAPE_H
#define MW_API_ALERTS_SHAPE_H

#include <jansson.h>

#include "api/alerts_config.h"

/* An incident as it was told first: these stay, so that its end finds its beginning. */
struct alert {
    uint64_t incident;
    uint8_t severity;   /* enum alert_severity */
    char class[48], on[96], hall[64];
    char summary[256];  /* one sentence: what, where */
    int64_t began_s;    /* first told, seconds UTC of this machine */
};

/* row: of GET /api/v1/incidents.  False when it is not one. */
bool alert_of_row(const json_t *row, int64_t page_uusd_per_hour, int64_t now_s,
                  struct alert *ret);

struct alert_post {
    const struct alert *alert;
    const json_t *row;    /* as it is now; NULL = it is over */
    const char *site;
    const char *console;  /* with a '/' at the end; "" = no links */
    const char *secret;   /* PagerDuty's routing key */
    int64_t now_s, until_s; /* until_s: Alertmanager may forget it then, if it hears no more */
};

/* A new reference: the body for one alert; Alertmanager's is an item of the list it wants.  NULL
 * when out of memory. */
json_t *alert_body(enum alert_kind kind, const struct alert_post *p);

/* "t=1700000000,v1=<hex>" of HMAC-SHA256 over "1700000000.<body>": MW-Signature of a webhook. */
#define ALERT_SIGNATURE_MAX 112
MW_MUST_USE int alert_sign(const char *secret, const char *body, size_t size, int64_t now_s,
                           char ret[ALERT_SIGNATURE_MAX]);

#endif

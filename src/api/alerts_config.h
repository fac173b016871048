/*
 * Who is told of incidents, and when: the file of `mw serve --alerts FILE`.  YAML, checked
 * against a table; a mistake is named with file, line and key.  Reads files; tells nobody.
 *
 *   console: https://mw.example.com/   # links in alerts; default: where the server listens
 *   settle: 30s                        # an incident is told of when it is still one after this
 *   repeat: 60s                        # Alertmanager wants to hear of what lasts
 *   page_usd_per_hour: 100             # what costs as much, or waits for a person, is "page"
 *   receivers:
 *     - name: on-call
 *       kind: alertmanager             # alertmanager, webhook, slack, pagerduty
 *       url: http://127.0.0.1:9093
 *       least: page                    # default ticket: everything
 *       halls: [h1]                    # default: all
 *       secret_file: hook.secret       # 0600; webhook: signs; pagerduty: the routing key;
 *                                      # slack: the address itself, as it is a secret there
 */
#ifndef MW_API_ALERTS_CONFIG_H
#define MW_API_ALERTS_CONFIG_H

#include "base/error.h"

#define ALERT_RECEIVERS_MAX 16
#define ALERT_HALLS_MAX 16
#define ALERT_URL_MAX 1024

/* X(enum, word, where it is posted below the address) */
#define ALERT_KINDS(X)                                                  \
    X(ALERT_ALERTMANAGER, "alertmanager", "/api/v2/alerts")             \
    X(ALERT_WEBHOOK, "webhook", "")                                     \
    X(ALERT_SLACK, "slack", "")                                         \
    X(ALERT_PAGERDUTY, "pagerduty", "")
enum alert_kind {
#define X(e, word, path) e,
    ALERT_KINDS(X)
#undef X
    ALERT_KIND_COUNT
};

/* How urgent: "ticket" can wait for the morning, "page" wakes somebody. */
enum alert_severity { ALERT_TICKET, ALERT_PAGE };
const char *alert_severity_word(uint32_t severity);

struct alert_receiver {
    char name[64];
    uint8_t kind, least;
    char url[ALERT_URL_MAX]; /* where it is posted, whole */
    char secret[256];        /* "" = none */
    uint32_t halls;          /* 0 = all */
    char hall[ALERT_HALLS_MAX][64];
};

struct alerts_config {
    char console[512]; /* with a '/' at the end; "" = as the server listens */
    int64_t settle_ns, repeat_ns;
    int64_t page_uusd_per_hour;
    uint32_t receivers;
    struct alert_receiver receiver[ALERT_RECEIVERS_MAX];
};

/* MW_ESYNTAX: the text starts with "file:line:column:" of the first mistake.  MW_EDENIED: a
 * secret's file is open to others.  MW_ENOTFOUND, MW_EIO, MW_ENOMEM. */
MW_MUST_USE int alerts_config_read(const char *path, struct alerts_config *ret,
                                   struct mw_error *err);
/* The same of a text; relative paths begin beside `path`. */
MW_MUST_USE int alerts_config_parse(const char *text, size_t size, const char *path,
                                    struct alerts_config *ret, struct mw_error *err);

/* Do the halls of the receivers exist?  MW_ENOTFOUND names the receiver and the hall. */
struct fleet;
MW_MUST_USE int alerts_config_check(const struct alerts_config *c, const struct fleet *f,
                                    const char *path, struct mw_error *err);

#endif

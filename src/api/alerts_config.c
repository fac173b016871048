/* Reading the file of alert receivers.  See alerts_config.h. */
#include "api/alerts_config.h"

#include <stdio.h>
#include <string.h>

#include "api/config_file.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/text.h"
#include "base/units.h"
#include "fleet/fleet.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define SETTLE_NS (30 * MW_NS_PER_S)  /* chosen: longer than a cause takes to show itself */
#define REPEAT_NS (60 * MW_NS_PER_S)  /* well within Alertmanager's resolve_timeout of 5 min */
#define PAGE_USD 100                  /* an hour; chosen: an 8-GPU node at 2.50 USD is 20 */

static const char *const kinds[] = {
#define X(e, word, path) word,
    ALERT_KINDS(X)
#undef X
    NULL,
};
static const char *const posted_at[] = {
#define X(e, word, path) path,
    ALERT_KINDS(X)
#undef X
};
static const char *const severities[] = { "ticket", "page", NULL };

static const struct schema_field hall_field = { .type = SCHEMA_TEXT, .min = 1, .max = 63,
                                                .help = "the name of a hall" };
static const struct schema_field receiver_fields[] = {
    { .name = "name", .type = SCHEMA_TEXT, .required = true, .min = 1, .max = 63,
      .help = "what you call it" },
    { .name = "kind", .type = SCHEMA_CHOICE, .required = true, .choices = kinds,
      .help = "what listens there" },
    { .name = "url", .type = SCHEMA_TEXT, .min = 8, .max = ALERT_URL_MAX - 32,
      .help = "its address" },
    { .name = "least", .type = SCHEMA_CHOICE, .choices = severities,
      .help = "the least severity it hears of" },
    { .name = "halls", .type = SCHEMA_LIST, .item = &hall_field, .min = 1, .max = ALERT_HALLS_MAX,
      .help = "whose incidents it hears of" },
    { .name = "secret_file", .type = SCHEMA_TEXT, .min = 1, .max = 1024,
      .help = "a file with the secret in its first line" },
    { 0 },
};
static const struct schema_field receiver_field = { .type = SCHEMA_MAP, .fields = receiver_fields,
                                                    .help = "a receiver" };
static const struct schema_field config_fields[] = {
    { .name = "console", .type = SCHEMA_TEXT, .min = 8, .max = 510,
      .help = "where people reach the console" },
    { .name = "settle", .type = SCHEMA_DURATION, .max = 3600,
      .help = "how long an incident lasts before it is told of" },
    { .name = "repeat", .type = SCHEMA_DURATION, .min = 1, .max = 3600,
      .help = "time between two times that what lasts is told to Alertmanager" },
    { .name = "page_usd_per_hour", .type = SCHEMA_NUMBER, .max = 1e9,
      .help = "dollars an hour from which an incident pages" },
    { .name = "receivers", .type = SCHEMA_LIST, .required = true, .item = &receiver_field, .min = 1,
      .max = ALERT_RECEIVERS_MAX, .help = "who is told" },
    { 0 },
};

const char *alert_severity_word(uint32_t severity)
{
    return severities[severity == ALERT_PAGE];
}

struct reader {
    struct mw_yaml *yaml;
    struct problems problems;
    const char *path;
    struct alerts_config *ret;
};

static void wrong(struct reader *r, const struct mw_yaml_node *at, const char *text)
{
    problems_add(&r->problems, mw_yaml_place(r->yaml, at), "%s", text);
}

static void read_url(struct reader *r, const struct mw_yaml_node *node, struct alert_receiver *ret)
{
    const char *url = schema_text(receiver_fields, node, "url", "");
    size_t n = strlen(url);
    if (ret->kind == ALERT_SLACK && url[0] == '\0')
        url = ret->secret;
    else if (ret->kind == ALERT_PAGERDUTY && url[0] == '\0')
        url = "https://events.pagerduty.com/v2/enqueue";
    while (ret->kind == ALERT_ALERTMANAGER && n > 0 && url[n - 1] == '/')
        n--;
    (void)snprintf(ret->url, sizeof(ret->url), "%.*s%s",
                   ret->kind == ALERT_ALERTMANAGER ? (int)n : ALERT_URL_MAX - 32, url,
                   posted_at[ret->kind]);
    if (strncmp(ret->url, "http://", 7) != 0 && strncmp(ret->url, "https://", 8) != 0)
        wrong(r, node, ret->kind == ALERT_SLACK
                           ? "slack: give its address as url, or in the file secret_file names"
                           : "url: must be an http:// or https:// address");
}

static int read_receiver(struct reader *r, const struct mw_yaml_node *node,
                         struct alert_receiver *ret, struct mw_error *err)
{
    const char *secret = schema_text(receiver_fields, node, "secret_file", "");
    (void)snprintf(ret->name, sizeof(ret->name), "%s",
                   schema_text(receiver_fields, node, "name", ""));
    ret->kind = (uint8_t)schema_choice(receiver_fields, node, "kind", ALERT_WEBHOOK);
    ret->least = (uint8_t)schema_choice(receiver_fields, node, "least", ALERT_TICKET);
    const struct mw_yaml_node *list = schema_list(receiver_fields, node, "halls");
    for (const struct mw_yaml_node *n = list ? list->child : NULL;
         n && ret->halls < ALERT_HALLS_MAX; n = n->next)
        (void)snprintf(ret->hall[ret->halls++], sizeof(ret->hall[0]), "%.63s", n->text);
    int rc = secret[0] == '\0' ? 0
                               : config_secret(r->path, secret, ret->secret, sizeof(ret->secret),
                                               err);
    if (ret->kind == ALERT_PAGERDUTY && secret[0] == '\0')
        wrong(r, node, "pagerduty: secret_file must name a file with the routing key");
    if (rc == 0)
        read_url(r, node, ret);
    return rc;
}

static void check_names(struct reader *r, const struct mw_yaml_node *list)
{
    const struct alerts_config *c = r->ret;
    for (uint32_t i = 0; i < c->receivers; i++)
        for (uint32_t k = 0; k < i; k++)
            if (c->receiver[i].name[0] != '\0' &&
                strcmp(c->receiver[i].name, c->receiver[k].name) == 0)
                wrong(r, list, "receivers: two have the same name");
}

static int read_all(struct reader *r, struct mw_error *err)
{
    struct alerts_config *c = r->ret;
    const struct mw_yaml_node *root = mw_yaml_root(r->yaml);
    (void)schema_check(r->yaml, root, config_fields, &r->problems);
    const char *console = schema_text(config_fields, root, "console", "");
    size_t n = strlen(console);
    (void)snprintf(c->console, sizeof(c->console), "%.510s%s", console,
                   n > 0 && console[n - 1] != '/' ? "/" : "");
    c->settle_ns = schema_duration_ns(config_fields, root, "settle", SETTLE_NS);
    c->repeat_ns = schema_duration_ns(config_fields, root, "repeat", REPEAT_NS);
    c->page_uusd_per_hour =
        (int64_t)(schema_number(config_fields, root, "page_usd_per_hour", PAGE_USD) * 1e6);
    const struct mw_yaml_node *list = schema_list(config_fields, root, "receivers");
    int rc = 0;
    for (const struct mw_yaml_node *x = list ? list->child : NULL;
         rc == 0 && x && c->receivers < ALERT_RECEIVERS_MAX; x = x->next)
        rc = read_receiver(r, x, &c->receiver[c->receivers++], err);
    check_names(r, list);
    int said = config_say_problems(&r->problems, err);
    return said < 0 ? said : rc;
}

int alerts_config_parse(const char *text, size_t size, const char *path, struct alerts_config *ret,
                        struct mw_error *err)
{
    must(text && path && ret);
    struct reader r = { .path = path, .ret = ret };
    *ret = (struct alerts_config){ 0 };
    int rc = mw_yaml_read(text, size, path, &r.yaml, &r.problems, err);
    if (rc == 0)
        rc = read_all(&r, err);
    mw_yaml_destroy(r.yaml);
    problems_fini(&r.problems);
    return rc;
}

int alerts_config_read(const char *path, struct alerts_config *ret, struct mw_error *err)
{
    char *text mw_cleanup(mw_freep) = NULL;
    size_t size = 0;
    must(path && ret);
    int rc = mw_read_file(path, FILE_BYTES_MAX, false, &text, &size, err);
    return rc < 0 ? rc : alerts_config_parse(text, size, path, ret, err);
}

int alerts_config_check(const struct alerts_config *c, const struct fleet *f, const char *path,
                        struct mw_error *err)
{
    must(c && f && path);
    for (uint32_t i = 0; i < c->receivers; i++)
        for (uint32_t k = 0; k < c->receiver[i].halls; k++) {
            uint64_t id = fleet_find(f, c->receiver[i].hall[k]);
            if (id == 0 || component_kind_of(id) != COMPONENT_HALL)
                return mw_fail(err, MW_ENOTFOUND, "%s: receiver %s would hear of nothing: the site "
                               "has no hall \"%s\" (mw get halls lists them)", path,
                               c->receiver[i].name, c->receiver[i].hall[k]);
        }
    return 0;
}

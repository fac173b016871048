/* Who is told of what, in which words: the file, the bodies, what was told. */
#include "api/alerts_sent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "fleet/site.h"

static int read_config(const char *text, struct alerts_config *c, struct mw_error *err)
{
    return alerts_config_parse(text, strlen(text), "alerts.yaml", c, err);
}

static void a_file_names_receivers_and_says_where_each_is_posted(void **state)
{
    struct alerts_config c;
    struct mw_error err;
    (void)state;
    assert_int_equal(read_config("console: http://console.example\n"
                                 "settle: 5s\n"
                                 "page_usd_per_hour: 12.5\n"
                                 "receivers:\n"
                                 "  - {name: am, kind: alertmanager, url: \"http://h:9093/\", "
                                 "least: page, halls: [h1, h2]}\n"
                                 "  - {name: hook, kind: webhook, url: https://h/x}\n",
                                 &c, &err), 0);
    assert_string_equal(c.console, "http://console.example/");
    assert_int_equal(c.settle_ns, 5 * MW_NS_PER_S);
    assert_int_equal(c.repeat_ns, 60 * MW_NS_PER_S);
    assert_int_equal(c.page_uusd_per_hour, 12500000);
    assert_int_equal(c.receivers, 2);
    assert_string_equal(c.receiver[0].url, "http://h:9093/api/v2/alerts");
    assert_int_equal(c.receiver[0].least, ALERT_PAGE);
    assert_int_equal(c.receiver[0].halls, 2);
    assert_string_equal(c.receiver[1].url, "https://h/x");
    assert_int_equal(c.receiver[1].least, ALERT_TICKET);
}

static void a_mistake_in_the_file_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *words;
    } CASES[] = {
        { "receivers: []\n", "alerts.yaml:1:" },
        { "receivers:\n  - {name: a, kind: pager, url: http://h}\n", "alerts.yaml:2:" },
        { "receivers:\n  - {name: a, kind: webhook, url: ftp://h/long}\n", "http:// or https://" },
        { "receivers:\n  - {name: a, kind: pagerduty}\n", "routing key" },
        { "receivers:\n  - {name: a, kind: webhook, url: http://h/1}\n"
          "  - {name: a, kind: webhook, url: http://h/2}\n", "same name" },
        { "recievers: []\n", "receivers" },
    };
    struct alerts_config c;
    struct mw_error err;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(CASES); i++) {
        assert_int_equal(read_config(CASES[i].text, &c, &err), MW_ESYNTAX);
        if (strstr(err.text, CASES[i].words) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", err.text, CASES[i].words);
    }
}

static void a_hall_that_the_site_lacks_is_named(void **state)
{
    struct alerts_config c;
    struct mw_error err;
    struct text yaml = { 0 };
    struct site_problems problems = { 0 };
    struct fleet *f = NULL;
    (void)state;
    assert_int_equal(site_new("hgx-h100", 64, &yaml, &err), 0);
    const struct site_source source = { .yaml = text_string(&yaml), .size = yaml.length,
                                        .name = "site.yaml" };
    assert_int_equal(site_load(&source, &f, &problems, &err), 0);
    text_fini(&yaml);
    assert_int_equal(read_config("receivers:\n  - {name: a, kind: webhook, url: http://h/1, "
                                 "halls: [h01, h09]}\n", &c, &err), 0);
    assert_int_equal(alerts_config_check(&c, f, "alerts.yaml", &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "receiver a"));
    assert_non_null(strstr(err.text, "\"h09\""));
    c.receiver[0].halls = 1;
    assert_int_equal(alerts_config_check(&c, f, "alerts.yaml", &err), 0);
    fleet_destroy(f);
}

static void a_secret_that_others_can_read_is_refused(void **state)
{
    char dir[] = "/tmp/mw-alerts-XXXXXX", path[64], text[256];
    struct alerts_config c;
    struct mw_error err;
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("hush\nmore\n", f) >= 0 && fclose(f) == 0);
    (void)snprintf(text, sizeof(text),
                   "receivers:\n  - {name: a, kind: pagerduty, secret_file: %s}\n", path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(read_config(text, &c, &err), MW_EDENIED);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(read_config(text, &c, &err), 0);
    assert_string_equal(c.receiver[0].secret, "hush");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* ---- bodies --------------------------------------------------------------------------------- */

static json_t *row(int64_t stake, int64_t advice)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:I, s:[I,I], s:I, s:I, s:s, s:s, s:o}", "incident",
                     (json_int_t)812, "class", "power", "on", "pdu h1-p2", "place",
                     "h1/row 2/rack 07", "symptoms", (json_int_t)576, "jobs", (json_int_t)3,
                     (json_int_t)4, "lost_uusd", (json_int_t)310000000, "stake_uusd_per_hour",
                     (json_int_t)stake, "rests_on", "measured time, modelled price", "next",
                     "nobody has begun <now> & soon", "advice",
                     advice ? json_integer(advice) : json_null());
}

static void what_is_dear_or_waits_for_a_person_pages(void **state)
{
    static const struct {
        int64_t stake, advice;
        uint8_t severity;
    } CASES[] = { { 99999999, 0, ALERT_TICKET }, { 100000000, 0, ALERT_PAGE },
                  { 0, 7, ALERT_PAGE } };
    struct alert a;
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(CASES); i++) {
        json_t *r = row(CASES[i].stake, CASES[i].advice);
        assert_true(alert_of_row(r, 100000000, 1700000000, &a));
        assert_int_equal(a.severity, CASES[i].severity);
        assert_string_equal(a.hall, "h1");
        assert_string_equal(a.summary, "power on pdu h1-p2, h1/row 2/rack 07");
        json_decref(r);
    }
    json_t *none = json_object();
    assert_false(alert_of_row(none, 0, 0, &a));
    json_decref(none);
}

static const char *at(const json_t *o, const char *a, const char *b)
{
    const json_t *x = json_object_get(o, a);
    return json_string_value(b ? json_object_get(x, b) : x);
}

static json_t *body(enum alert_kind kind, bool open)
{
    struct alert a;
    json_t *r = row(200000000, 0);
    assert_true(alert_of_row(r, 100000000, 1700000000, &a));
    const struct alert_post p = { .alert = &a, .row = open ? r : NULL, .site = "s1",
                                  .console = "http://c/", .secret = "key", .now_s = 1700000060,
                                  .until_s = 1700000300 };
    json_t *o = alert_body(kind, &p);
    json_decref(r);
    assert_non_null(o);
    return o;
}

static void alertmanager_hears_labels_that_stay_and_an_end(void **state)
{
    (void)state;
    json_t *open = body(ALERT_ALERTMANAGER, true), *over = body(ALERT_ALERTMANAGER, false);
    assert_string_equal(at(open, "labels", "incident"), "812");
    assert_string_equal(at(open, "labels", "severity"), "page");
    assert_true(json_equal(json_object_get(open, "labels"), json_object_get(over, "labels")));
    assert_string_equal(at(open, "startsAt", NULL), "2023-11-14T22:13:20.000Z");
    assert_string_equal(at(open, "endsAt", NULL), "2023-11-14T22:18:20.000Z");
    assert_string_equal(at(over, "endsAt", NULL), "2023-11-14T22:14:20.000Z");
    assert_string_equal(at(open, "generatorURL", NULL), "http://c/#/incidents/812");
    assert_non_null(strstr(at(open, "annotations", "description"),
                           "2 jobs hurt; 576 symptoms under it; $200.00 an hour, $310.00 so far "
                           "(measured time, modelled price)"));
    json_decref(open);
    json_decref(over);
}

static void slack_is_told_in_its_own_escapes(void **state)
{
    (void)state;
    json_t *o = body(ALERT_SLACK, true);
    assert_non_null(strstr(at(o, "text", NULL), "&lt;now&gt; &amp; soon"));
    assert_non_null(strstr(at(o, "text", NULL), "<http://c/#/incidents/812|incident 812>"));
    json_decref(o);
}

static void pagerduty_finds_the_beginning_of_an_end_by_its_key(void **state)
{
    (void)state;
    json_t *open = body(ALERT_PAGERDUTY, true), *over = body(ALERT_PAGERDUTY, false);
    assert_string_equal(at(open, "event_action", NULL), "trigger");
    assert_string_equal(at(over, "event_action", NULL), "resolve");
    assert_string_equal(at(open, "dedup_key", NULL), "millwright/s1/812");
    assert_string_equal(at(over, "dedup_key", NULL), "millwright/s1/812");
    assert_string_equal(at(open, "payload", "severity"), "critical");
    assert_string_equal(at(open, "routing_key", NULL), "key");
    json_decref(open);
    json_decref(over);
}

static void a_webhook_is_signed_as_others_can_check(void **state)
{
    char sign[ALERT_SIGNATURE_MAX];
    (void)state;
    /* echo -n '1700000000.{"a":1}' | openssl dgst -sha256 -hmac hush */
    assert_int_equal(alert_sign("hush", "{\"a\":1}", 7, 1700000000, sign), 0);
    assert_string_equal(sign, "t=1700000000,v1="
                        "7cfd1df542c33ab7251748ffdc6e7fed278c63b83d4ece95a4534b0ad465571b");
}

/* ---- what was told -------------------------------------------------------------------------- */

static void what_was_told_is_known_after_a_restart_and_the_rest_is_not(void **state)
{
    char dir[] = "/tmp/mw-sent-XXXXXX", path[64];
    struct sent_list a = { 0 }, b = { 0 };
    struct mw_error err;
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/alerts.json", dir);
    for (uint64_t i = 100; i > 0; i--) {
        struct sent *s = sent_add(&a, &(struct alert){ .incident = i * 3, .severity = ALERT_PAGE,
                                                       .summary = "x", .began_s = 5 });
        assert_non_null(s);
        s->ever = s->told = i % 2 == 0;
        s->told_s = (int64_t)i;
    }
    assert_null(sent_find(&a, 4));
    assert_non_null(sent_find(&a, 300));
    sent_remove(&a, 300);
    assert_null(sent_find(&a, 300));
    const struct sent_of from = { "am", &a }, to = { "am", &b }, other = { "other", &b };
    assert_int_equal(sent_save(path, &from, 1, &err), 0);
    sent_load(path, &other, 1);
    assert_int_equal(b.count, 0);
    sent_load(path, &to, 1);
    assert_int_equal(b.count, 49);
    assert_true(sent_find(&b, 6)->told);
    assert_int_equal(sent_find(&b, 6)->told_s, 2);
    assert_int_equal(sent_find(&b, 6)->alert.severity, ALERT_PAGE);
    assert_int_equal(truncate(path, 100), 0);
    sent_fini(&b);
    sent_load(path, &to, 1);
    assert_int_equal(b.count, 0);
    sent_fini(&a);
    sent_fini(&b);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        T(a_file_names_receivers_and_says_where_each_is_posted),
        T(a_mistake_in_the_file_is_named_with_its_place),
        T(a_secret_that_others_can_read_is_refused),
        T(a_hall_that_the_site_lacks_is_named),
        T(what_is_dear_or_waits_for_a_person_pages),
        T(alertmanager_hears_labels_that_stay_and_an_end),
        T(slack_is_told_in_its_own_escapes),
        T(pagerduty_finds_the_beginning_of_an_end_by_its_key),
        T(a_webhook_is_signed_as_others_can_check),
        T(what_was_told_is_known_after_a_restart_and_the_rest_is_not),
    };
    return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}

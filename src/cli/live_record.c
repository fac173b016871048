/* Opening a record with what it holds of its site.  See live_record.h. */
#include "cli/live_record.h"

#include <stdio.h>
#include <string.h>

#include "api/detail.h"
#include "base/mem.h"
#include "store/journal_sqlite.h"

/* The rules of the last epoch: classes of fault are only ever added, so all rows have names. */
static int find_rules(void *ctx, const struct event *ev, const void *tail, bool last)
{
    (void)tail;
    (void)last;
    if (ev->kind == EV_EPOCH)
        memcpy(ctx, ev->body.epoch.rules, MW_SHA256_SIZE);
    return 0;
}

int live_record_basis(struct journal *j, struct fleet **ret_fleet,
                      struct control_policy *ret_policy, struct mw_error *err)
{
    struct event ev;
    uint8_t rules[MW_SHA256_SIZE];
    char *tail mw_cleanup(mw_freep) = mw_calloc(1, EVENT_TAIL_MAX);
    if (!tail)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    if (j->head.seq == 0)
        return mw_fail(err, MW_ENOTFOUND, "the record is empty: nothing has happened yet");
    int r = j->ops->get(j, 1, &ev, tail, err);
    if (r == 0 && ev.kind != EV_EPOCH)
        r = mw_fail(err, MW_EVERSION, "the record does not begin with an epoch");
    if (r == 0)
        r = j->ops->read(j, 1, find_rules, rules, err);
    if (r == 0)
        r = control_policy_of(j, rules, ret_policy, err);
    return r < 0 ? r : control_site_of(j, ev.body.epoch.config, ret_fleet, err);
}

int live_record_fail(struct cli_context *ctx, const struct live_record *r,
                     const struct mw_error *err)
{
    int code = cli_fail(ctx, err);
    if (err->code == MW_ECORRUPT)
        cli_note(ctx, "mw journal verify %s says more; mw journal recover saves what is whole",
                 r->dir);
    return code;
}

static int open_dir(struct cli_context *ctx, const char *dir, struct live_record *ret)
{
    struct mw_error err = { 0 };
    const struct journal_sqlite_options options = { .read_only = true };
    *ret = (struct live_record){ 0 };
    int n = snprintf(ret->dir, sizeof(ret->dir), "%s", dir);
    if (n < 0 || (size_t)n >= sizeof(ret->dir)) {
        cli_error(ctx, "the path of the journal is too long");
        return CLI_EXIT_ERROR;
    }
    int r = journal_sqlite_open(ret->dir, &options, &ret->journal, &err);
    if (r == 0)
        r = live_record_basis(ret->journal, &ret->fleet, &ret->policy, &err);
    if (r < 0) {
        int code = live_record_fail(ctx, ret, &err);
        if (r == MW_ENOTFOUND && !ret->journal)
            cli_note(ctx, "name the record's folder with --journal; mw serve and mw replay "
                     "--journal keep one");
        return code;
    }
    if (ret->journal->opened.loss != JOURNAL_WHOLE)
        cli_error(ctx, "%s", ret->journal->opened.text);
    ret->words = (struct words){ .fleet = ret->fleet, .policy = &ret->policy,
                                 .detail = api_finding_detail };
    return CLI_EXIT_OK;
}

int live_record_open(struct cli_context *ctx, struct live_record *ret)
{
    char dir[LIVE_PATH_MAX];
    struct mw_error err = { 0 };
    const char *named = cli_option_string(ctx, "journal");
    *ret = (struct live_record){ 0 };
    if (!named && live_path_journal_found(dir, &err) < 0)
        return cli_fail(ctx, &err);
    return open_dir(ctx, named ? named : dir, ret);
}

void live_record_close(struct live_record *r)
{
    journal_destroy(r->journal);
    fleet_destroy(r->fleet);
    *r = (struct live_record){ 0 };
}

int live_record_state(struct live_record *r, struct control **ret, struct mw_error *err)
{
    struct control *c = NULL;
    const struct control_options o = { .fleet = r->fleet, .policy = &r->policy,
                                       .journal = r->journal };
    int rc = control_create(&o, &c, err);
    if (rc == 0)
        rc = control_recover(c, true, err);
    if (rc < 0) {
        control_destroy(c);
        return rc;
    }
    *ret = c;
    return 0;
}

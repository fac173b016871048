/* Hands on what is asked of a live site.  See act_live.h. */
#include "api/act_live.h"

#include "api/act.h"
#include "api/machines_tell.h"
#include "base/units.h"

static const struct control *port_control(void *ctx)
{
    return live_control(ctx);
}

static struct journal *port_journal(void *ctx)
{
    return live_journal(ctx);
}

static int port_submit(void *ctx, int64_t now_ns, const struct event *fact, const void *tail,
                       enum admit *ret, struct mw_error *err)
{
    return live_command(ctx, now_ns, fact, tail, ret, err);
}

static enum admit port_submit_more(void *ctx, int64_t now_ns, const struct event *fact,
                                   const void *tail)
{
    return live_command_more(ctx, now_ns, fact, tail);
}

static int port_submit_end(void *ctx, struct mw_error *err)
{
    return live_commands_end(ctx, err);
}

struct api_port api_live_port(struct live *l)
{
    must(l != NULL);
    return (struct api_port){ .ctx = l, .control = port_control, .journal = port_journal,
                              .submit = port_submit, .submit_more = port_submit_more,
                              .submit_end = port_submit_end, .has_engine = live_has_slurm(l) };
}

static int writer_command(void *ctx, uint32_t actor, const struct api_command *c,
                          uint64_t *ret_seq, struct mw_error *err)
{
    const struct api_site *s = ctx;
    struct api_port port = api_live_port(loop_live(s->loop));
    return api_act(&port, loop_now_ns(s->loop), actor, c, ret_seq, err);
}

static const struct control *writer_control(void *ctx)
{
    const struct api_site *s = ctx;
    return live_control(loop_live(s->loop));
}

static json_t *writer_status(void *ctx, struct mw_error *err)
{
    json_t *o = api_status(ctx);
    if (o == NULL)
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
    return o;
}

static int writer_rate(void *ctx, const char *machine, int64_t sample_ms, int64_t for_ms,
                       struct mw_error *err)
{
    const struct api_site *s = ctx;
    return live_rate(loop_live(s->loop), machine, sample_ms, for_ms, err);
}

static json_t *writer_machines(void *ctx, const json_t *wish, struct mw_error *err)
{
    const struct api_site *s = ctx;
    const struct machines_of of = {
        .machines = live_machines(loop_live(s->loop)),
        .fleet = live_control(loop_live(s->loop))->board->fleet,
        .clock_ms = mw_ms(loop_now_ns(s->loop)), .rate = writer_rate, .rate_ctx = ctx };
    return machines_tell(&of, wish, err);
}

struct api_writer api_live_writer(const struct api_site *s)
{
    must(s != NULL && s->loop != NULL);
    return (struct api_writer){ .ctx = (void *)(uintptr_t)s, .command = writer_command,
                                .control = writer_control, .status = writer_status,
                                .machines = writer_machines };
}

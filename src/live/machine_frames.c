/* See machine_frames.h. */
#include "live/machine_frames.h"

static bool part(struct machines *m, uint32_t machine, int64_t now_ms,
                 const struct agent_frame *f)
{
    const struct machine_part p = {
        .at_ms = now_ms, .n = (uint32_t)f->n, .scope = (uint8_t)metric_scope_named(f->scope),
        .gone = f->gone, .scope_name = f->scope, .name = f->name, .serial = f->serial,
        .model = f->model, .fw = f->fw, .pci = f->pci, .peer = f->peer,
        .peer_port = f->peer_port, .text = f->text };
    return f->n <= METRIC_INSTANCE_MAX && machines_part_said(m, machine, &p, now_ms);
}

static bool check(struct machines *m, uint32_t machine, int64_t now_ms,
                  const struct agent_frame *f)
{
    const struct machine_check c = { .at_ms = f->at_ms > 0 ? f->at_ms : now_ms, .id = f->n,
                                     .result = f->result, .level = (uint8_t)f->level,
                                     .class = f->name, .text = f->text };
    return machines_check_said(m, machine, &c);
}

static bool stated(struct machines *m, uint32_t machine, int64_t now_ms,
                   const struct agent_frame *f)
{
    const struct machine_condition c = { .since_ms = now_ms, .class = f->class, .name = f->name,
                                         .code = f->code_text, .text = f->text };
    return machines_stated(m, machine, &c, f->up, now_ms);
}

bool machine_frame(struct machines *m, uint32_t machine, int64_t now_ms,
                   const struct agent_frame *f)
{
    switch (f->verb) {
    case AGENT_PART:
        return part(m, machine, now_ms, f);
    case AGENT_SOURCE:
        return machines_source_said(m, machine, f->name, f->state, f->text, now_ms);
    case AGENT_CHECKED:
        return check(m, machine, now_ms, f);
    case AGENT_FINDING:
        return stated(m, machine, now_ms, f);
    default:
        return false;
    }
}

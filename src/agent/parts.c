/* Lines in two small tables, looked through one by one: they change seldom. */
#include "agent/parts.h"

#include <stdlib.h>
#include <string.h>

void parts_fini(struct parts *p)
{
    for (uint32_t i = 0; i < p->parts; i++)
        free(p->part[i].line);
    for (uint32_t i = 0; i < p->findings; i++)
        free(p->finding[i].line);
    *p = (struct parts){ .parts = 0 };
}

/* The frame of a line that we wrote. */
static void read_line(const char *line, struct agent_frame *ret)
{
    int rc = agent_frame_read(line, strlen(line), ret, NULL);
    must(rc == 0);
}

/* An owned line without its newline; NULL when it does not fit or there is no memory. */
static char *write_line(const struct agent_frame *f)
{
    char line[AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line, sizeof(line));
    return n > 0 ? strndup(line, n - 1) : NULL;
}

static bool same_part(const char *line, const struct agent_frame *f)
{
    struct agent_frame kept;
    read_line(line, &kept);
    return kept.n == f->n && strcmp(kept.scope, f->scope) == 0;
}

void parts_put(struct parts *p, const struct agent_frame *f)
{
    must(f->verb == AGENT_PART);
    char *line = write_line(f);
    uint32_t i = 0;
    while (line != NULL && i < p->parts && strcmp(p->part[i].line, line) != 0)
        i++;
    if (line == NULL || i < p->parts) {
        free(line);
        return; /* as it was */
    }
    for (i = 0; i < p->parts && !same_part(p->part[i].line, f); i++)
        ;
    if (i == PARTS_MAX) {
        p->left_out++;
        free(line);
        return;
    }
    if (i == p->parts)
        p->parts++;
    else
        free(p->part[i].line);
    p->part[i] = (struct part_kept){ .line = line };
}

static bool same_finding(const char *line, const struct agent_frame *f)
{
    struct agent_frame kept;
    read_line(line, &kept);
    return strcmp(kept.class, f->class) == 0 && strcmp(kept.name, f->name) == 0 &&
           strcmp(kept.code_text, f->code_text) == 0;
}

void parts_finding(struct parts *p, const struct agent_frame *f, int64_t now_ms, struct uplink *u)
{
    must(f->verb == AGENT_FINDING);
    uint32_t i = 0;
    while (i < p->findings && !same_finding(p->finding[i].line, f))
        i++;
    bool was = i < p->findings && p->finding[i].up;
    char *line = was != f->up ? write_line(f) : NULL;
    if (line == NULL)
        return; /* as it was: said again by parts_tell() */
    if (i == FINDINGS_MAX)
        p->left_out++;
    if (i < FINDINGS_MAX) {
        if (i == p->findings)
            p->findings++;
        else
            free(p->finding[i].line);
        p->finding[i] = (struct finding_kept){ .line = TAKE(line), .up = f->up,
                                               .said_ms = now_ms };
    }
    free(line);
    uplink_event(u, now_ms, f);
}

void parts_again(struct parts *p)
{
    for (uint32_t i = 0; i < p->parts; i++)
        p->part[i].told = false;
    for (uint32_t i = 0; i < p->findings; i++)
        p->finding[i].said_ms = INT64_MIN / 2;
}

void parts_tell(struct parts *p, int64_t now_ms, struct uplink *u)
{
    struct agent_frame f;
    if (!uplink_is_up(u))
        return;
    for (uint32_t i = 0; i < p->parts; i++) {
        if (p->part[i].told)
            continue;
        read_line(p->part[i].line, &f);
        p->part[i].told = uplink_level(u, now_ms, &f);
        if (!p->part[i].told)
            return; /* no room: the rest later */
    }
    for (uint32_t i = 0; i < p->findings; i++) {
        struct finding_kept *k = &p->finding[i];
        if (!k->up || now_ms - k->said_ms < FINDING_SAY_MS)
            continue;
        read_line(k->line, &f);
        k->said_ms = uplink_level(u, now_ms, &f) ? now_ms : k->said_ms;
    }
}

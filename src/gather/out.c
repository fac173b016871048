/*
 * The store behind door_out: one lock, one row a machine.  A level is kept as
 * the line that says it, so that what changed is seen by comparing lines.
 */
#include "gather/out.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "live/agent_frame.h"
#include "signal/samples.h"

#define EVENTS_MAX 4096 /* moments that wait for the sender */

struct level {
    uint64_t key;    /* of verb, scope or class, n, name */
    char *line;      /* owned; as agent_frame_write makes it */
    bool changed;    /* to be said: it is news */
    bool again;      /* to be said: it is still so */
    bool finding, up;
};

struct machine {
    char *line;            /* its own `machine` frame; NULL: another number took its place */
    char door[DOOR_NAME_MAX], name[DOOR_NAME_MAX];
    struct samples samples;
    struct level *level;
    uint32_t levels, room, series_max;
    uint32_t coalesced;
    uint64_t seq;
    int64_t wall_ms;       /* of the readings to send; 0 = none */
    int64_t last_ms;       /* of those sent last */
    int64_t again_ms;      /* when its findings are said again */
    bool acts, told, changed;
};

struct door_out {
    pthread_mutex_t lock;
    struct map by_name;
    struct machine *machine; /* number - 1 */
    uint32_t machines, room;
    char *event[EVENTS_MAX];
    uint32_t event_first, events;
    uint32_t send_first; /* the machine to begin with: a full connection starves none */
    int wake;
    uint64_t dropped, coalesced;
    struct agent_frame frame;  /* under the lock: the one being made */
    struct agent_frame again;  /* of the sender: the one being said */
    char text[AGENT_FRAME_MAX + 1];
    uint8_t payload[SAMPLES_SIZE_MAX];
};

static void machine_empty(struct machine *m)
{
    for (uint32_t k = 0; k < m->levels; k++)
        mw_free(m->level[k].line);
    mw_free(m->level);
    mw_free(m->line);
    samples_fini(&m->samples);
    *m = (struct machine){ .series_max = m->series_max };
}

int door_out_create(struct door_out **ret, struct mw_error *err)
{
    struct door_out *o = mw_calloc(1, sizeof(*o));
    if (o == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    o->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (o->wake < 0 || map_init(&o->by_name, DOOR_OUT_MACHINES_MAX) < 0 ||
        pthread_mutex_init(&o->lock, NULL) != 0) {
        map_fini(&o->by_name);
        if (o->wake >= 0)
            (void)close(o->wake);
        mw_free(o);
        return mw_fail(err, MW_ENOMEM, "out of memory or of descriptors");
    }
    *ret = o;
    return 0;
}

void door_out_destroy(struct door_out *o)
{
    if (o == NULL)
        return;
    for (uint32_t i = 0; i < o->machines; i++)
        machine_empty(&o->machine[i]);
    for (uint32_t i = 0; i < o->events; i++)
        mw_free(o->event[(o->event_first + i) % EVENTS_MAX]);
    mw_free(o->machine);
    map_fini(&o->by_name);
    (void)pthread_mutex_destroy(&o->lock);
    (void)close(o->wake);
    mw_free(o);
}

int door_out_fd(const struct door_out *o)
{
    return o->wake;
}

static void enter(struct door_out *o)
{
    must(pthread_mutex_lock(&o->lock) == 0);
}

static void leave(struct door_out *o, bool something)
{
    const uint64_t one = 1;
    must(pthread_mutex_unlock(&o->lock) == 0);
    if (something)
        (void)!write(o->wake, &one, sizeof(one));
}

/* Text of a source into a field of a frame: control bytes become blanks, what is too long is
 * cut. */
static void fill(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
    for (char *at = to; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
}

/* ---- machines ------------------------------------------------------------------------------- */

static struct machine *machine_at(struct door_out *o, uint32_t number)
{
    if (number < 1 || number > o->machines || o->machine[number - 1].line == NULL)
        return NULL; /* none, or another took its place */
    return &o->machine[number - 1];
}

/* The line of o->frame; NULL when there is no memory. */
static char *frame_line(struct door_out *o)
{
    size_t n = agent_frame_write(&o->frame, o->text, sizeof(o->text));
    must(n > 0);
    return mw_strndup(o->text, n);
}

static bool say_machine(struct door_out *o, struct machine *m, uint32_t number)
{
    o->frame = (struct agent_frame){ .verb = AGENT_MACHINE, .n = number, .acts = m->acts };
    fill(o->frame.name, sizeof(o->frame.name), m->name);
    m->line = frame_line(o);
    m->changed = true;
    return m->line != NULL;
}

static bool grow_machines(struct door_out *o)
{
    uint32_t room = MW_MAX(o->room * 2, 64u);
    struct machine *grown = mw_resize(o->machine, room, sizeof(*grown));
    if (grown == NULL)
        return false;
    o->machine = grown;
    o->room = room;
    return true;
}

static uint32_t machine_new(struct door_out *o, const struct machine *like)
{
    if (o->machines == DOOR_OUT_MACHINES_MAX || (o->machines == o->room && !grow_machines(o)))
        return MW_NONE;
    struct machine *m = &o->machine[o->machines];
    *m = *like;
    if (samples_init(&m->samples, m->series_max) < 0)
        return MW_NONE;
    if (!say_machine(o, m, o->machines + 1)) {
        machine_empty(m);
        return MW_NONE;
    }
    return o->machines++;
}

uint32_t door_out_machine(struct door_out *o, const char *door, const char *name, bool acts,
                          uint32_t series_max)
{
    struct machine like = { .acts = acts };
    char key[2 * DOOR_NAME_MAX];
    int n = snprintf(key, sizeof(key), "%s\n%s", door, name);
    if (n < 0 || (size_t)n >= sizeof(key) || strlen(name) >= sizeof(like.name) ||
        strlen(door) >= sizeof(like.door))
        return MW_NONE;
    uint64_t hash = mw_hash64_of(key, (size_t)n);
    like.series_max = MW_MIN(MW_MAX(series_max, 1u), (uint32_t)DOOR_OUT_SERIES_MAX);
    (void)snprintf(like.name, sizeof(like.name), "%s", name);
    (void)snprintf(like.door, sizeof(like.door), "%s", door);
    enter(o);
    uint32_t row = map_get(&o->by_name, hash);
    if (row == MW_NONE || o->machine[row].series_max < like.series_max) {
        if (row != MW_NONE)
            machine_empty(&o->machine[row]); /* its number is not used again */
        row = machine_new(o, &like);
        if (row != MW_NONE)
            map_put(&o->by_name, hash, row);
        o->dropped += row == MW_NONE;
    }
    leave(o, row != MW_NONE);
    return row == MW_NONE ? MW_NONE : row + 1;
}

bool door_out_name(struct door_out *o, uint32_t machine, char ret_door[DOOR_NAME_MAX],
                   char ret_name[DOOR_NAME_MAX])
{
    enter(o);
    const struct machine *m = machine_at(o, machine);
    if (m != NULL && ret_door != NULL)
        (void)snprintf(ret_door, DOOR_NAME_MAX, "%s", m->door);
    if (m != NULL && ret_name != NULL)
        (void)snprintf(ret_name, DOOR_NAME_MAX, "%s", m->name);
    leave(o, false);
    return m != NULL;
}

/* ---- readings ------------------------------------------------------------------------------- */

void door_out_put(struct door_out *o, uint32_t machine, uint32_t metric, uint32_t instance,
                  double value)
{
    enter(o);
    struct machine *m = machine_at(o, machine);
    if (m != NULL)
        samples_put(&m->samples, metric, instance, value);
    leave(o, false);
}

void door_out_put_int(struct door_out *o, uint32_t machine, uint32_t metric, uint32_t instance,
                      int64_t value)
{
    enter(o);
    struct machine *m = machine_at(o, machine);
    if (m != NULL)
        samples_put_int(&m->samples, metric, instance, value);
    leave(o, false);
}

void door_out_gone(struct door_out *o, uint32_t machine, uint32_t metric, uint32_t instance)
{
    enter(o);
    struct machine *m = machine_at(o, machine);
    if (m != NULL)
        samples_gone(&m->samples, metric, instance);
    leave(o, false);
}

void door_out_flush(struct door_out *o, uint32_t machine, int64_t wall_ms)
{
    enter(o);
    struct machine *m = machine_at(o, machine);
    if (m != NULL) {
        if (m->wall_ms != 0) {
            m->coalesced++;
            o->coalesced++;
        }
        m->wall_ms = wall_ms;
    }
    leave(o, m != NULL);
}

/* ---- levels --------------------------------------------------------------------------------- */

static struct level *level_find(struct machine *m, uint64_t key)
{
    for (uint32_t i = 0; i < m->levels; i++)
        if (m->level[i].key == key)
            return &m->level[i];
    return NULL;
}

static struct level *level_new(struct machine *m, uint64_t key)
{
    if (m->levels == DOOR_OUT_LEVELS_MAX)
        return NULL;
    if (m->levels == m->room) {
        uint32_t room = MW_MAX(m->room * 2, 16u);
        struct level *grown = mw_resize(m->level, room, sizeof(*grown));
        if (grown == NULL)
            return NULL;
        m->level = grown;
        m->room = room;
    }
    m->level[m->levels] = (struct level){ .key = key };
    return &m->level[m->levels++];
}

static uint64_t key_of(const struct agent_frame *f, const char *kind)
{
    char key[192];
    int n = snprintf(key, sizeof(key), "%u %s %llu %s", f->verb, kind, (unsigned long long)f->n,
                     f->verb == AGENT_PART ? "" : f->name);
    must(n > 0 && (size_t)n < sizeof(key));
    return mw_hash64_of(key, (size_t)n);
}

/* o->frame becomes the level; what is the same as before is not said again, and what never was
 * needs no end.  Returns whether there is something to send. */
static bool keep(struct door_out *o, struct machine *m, const char *kind)
{
    uint64_t key = key_of(&o->frame, kind);
    bool finding = o->frame.verb == AGENT_FINDING;
    struct level *l = level_find(m, key);
    if (l == NULL && finding && !o->frame.up)
        return false;
    if (l == NULL)
        l = level_new(m, key);
    char *line = l != NULL ? frame_line(o) : NULL;
    if (line == NULL) {
        o->dropped++;
        return false;
    }
    if (l->line != NULL && strcmp(l->line, line) == 0) {
        mw_free(line);
        return false;
    }
    bool news = l->line == NULL || !finding || l->up != o->frame.up;
    mw_free(l->line);
    l->line = line;
    l->finding = finding;
    l->up = o->frame.up;
    l->changed = l->changed || news;
    l->again = l->again || !news; /* only its words are others */
    m->changed = true;
    return true;
}

void door_out_part(struct door_out *o, uint32_t machine, const struct door_part *p)
{
    must(p->scope != NULL && p->name != NULL);
    enter(o);
    struct machine *m = machine_at(o, machine);
    bool something = false;
    if (m != NULL) {
        struct agent_frame *f = &o->frame;
        *f = (struct agent_frame){ .verb = AGENT_PART, .machine = machine, .n = p->n,
                                   .gone = p->gone };
        fill(f->scope, sizeof(f->scope), p->scope);
        fill(f->name, sizeof(f->name), p->name);
        fill(f->serial, sizeof(f->serial), p->serial);
        fill(f->model, sizeof(f->model), p->model);
        fill(f->fw, sizeof(f->fw), p->firmware);
        fill(f->pci, sizeof(f->pci), p->pci);
        fill(f->peer, sizeof(f->peer), p->peer);
        fill(f->peer_port, sizeof(f->peer_port), p->peer_port);
        fill(f->text, DOOR_TEXT_MAX, p->text);
        something = keep(o, m, f->scope);
    }
    leave(o, something);
}

static void finding_frame(struct agent_frame *f, uint32_t machine, const struct door_finding *from)
{
    *f = (struct agent_frame){ .verb = AGENT_FINDING, .machine = machine, .up = from->up };
    fill(f->class, sizeof(f->class), from->class_name);
    fill(f->name, sizeof(f->name), from->name);
    fill(f->code_text, sizeof(f->code_text), from->code);
    fill(f->text, DOOR_TEXT_MAX, from->text);
}

void door_out_finding(struct door_out *o, uint32_t machine, const struct door_finding *from)
{
    enter(o);
    struct machine *m = machine_at(o, machine);
    bool something = false;
    if (m != NULL) {
        finding_frame(&o->frame, machine, from);
        something = keep(o, m, o->frame.class);
    }
    leave(o, something);
}

void door_out_event(struct door_out *o, uint32_t machine, const struct door_finding *from)
{
    enter(o);
    const struct machine *m = machine_at(o, machine);
    char *line = NULL;
    if (m != NULL && o->events < EVENTS_MAX) {
        finding_frame(&o->frame, machine, from);
        line = frame_line(o);
    }
    if (line != NULL)
        o->event[(o->event_first + o->events++) % EVENTS_MAX] = line;
    else
        o->dropped++;
    leave(o, line != NULL);
}

void door_out_source(struct door_out *o, uint32_t machine, const char *source,
                     enum door_state state, const char *text)
{
    static_assert(DOOR_OK == (int)AGENT_SOURCE_OK && DOOR_SILENT == (int)AGENT_SOURCE_SILENT &&
                      DOOR_ABSENT == (int)AGENT_SOURCE_ABSENT, "one numbering");
    enter(o);
    struct machine *m = machine_at(o, machine);
    bool something = false;
    if (m != NULL) {
        o->frame = (struct agent_frame){ .verb = AGENT_SOURCE, .machine = machine,
                                         .state = (uint8_t)state };
        fill(o->frame.name, sizeof(o->frame.name), source);
        fill(o->frame.text, DOOR_TEXT_MAX, text);
        something = keep(o, m, "");
    }
    leave(o, something);
}

/* ---- sending -------------------------------------------------------------------------------- */

void door_out_again(struct door_out *o)
{
    enter(o);
    for (uint32_t i = 0; i < o->machines; i++) {
        struct machine *m = &o->machine[i];
        if (m->line == NULL)
            continue;
        samples_again(&m->samples);
        m->seq = 0;
        m->told = false;
        m->changed = true;
        if (m->wall_ms == 0)
            m->wall_ms = m->last_ms;
        for (uint32_t k = 0; k < m->levels; k++) {
            if (!m->level[k].finding)
                m->level[k].changed = true;
            m->level[k].again = m->level[k].finding && m->level[k].up;
        }
    }
    leave(o, true);
}

/* Says a kept line; a level that was not taken is said the next time. */
static bool say(struct door_out *o, const struct door_out_to *to, const char *line, bool event)
{
    size_t n = strlen(line);
    must(n > 0 && agent_frame_read(line, n - 1, &o->again, NULL) == 0);
    return to->line(to->ctx, &o->again, event);
}

/* false: the connection takes no more now. */
static bool send_levels(struct door_out *o, struct machine *m, const struct door_out_to *to)
{
    if (!m->told && !say(o, to, m->line, false))
        return false;
    m->told = true;
    for (uint32_t k = 0; k < m->levels; k++) {
        struct level *l = &m->level[k];
        if ((l->changed || l->again) && !say(o, to, l->line, l->finding && l->changed))
            return false;
        l->changed = l->again = false;
    }
    m->changed = false;
    return true;
}

static bool send_samples(struct door_out *o, struct machine *m, uint32_t number,
                         const struct door_out_to *to)
{
    do {
        const struct sample_head head = { .seq = m->seq, .wall_ms = m->wall_ms,
                                          .machine = number, .coalesced = m->coalesced };
        size_t size = samples_encode(&m->samples, &head, o->payload, sizeof(o->payload));
        if (size == 0 || !to->samples(to->ctx, o->payload, size))
            return false;
        samples_commit(&m->samples);
        m->seq++;
        m->coalesced = 0;
    } while (m->samples.changed > 0);
    m->last_ms = m->wall_ms;
    m->wall_ms = 0;
    return true;
}

static void send_events(struct door_out *o, const struct door_out_to *to)
{
    while (o->events > 0) {
        (void)say(o, to, o->event[o->event_first], true);
        mw_free(o->event[o->event_first]);
        o->event_first = (o->event_first + 1) % EVENTS_MAX;
        o->events--;
    }
}

static void mark_again(struct machine *m, int64_t now_ms)
{
    if (now_ms < m->again_ms)
        return;
    m->again_ms = now_ms + DOOR_OUT_AGAIN_MS;
    for (uint32_t k = 0; k < m->levels; k++)
        if (m->level[k].finding && m->level[k].up)
            m->changed = m->level[k].again = true;
}

void door_out_send(struct door_out *o, int64_t now_ms, const struct door_out_to *to)
{
    uint64_t wakes;
    bool takes = true;
    (void)!read(o->wake, &wakes, sizeof(wakes));
    enter(o);
    for (uint32_t i = 0; i < o->machines && takes; i++) {
        uint32_t row = (o->send_first + i) % o->machines;
        struct machine *m = &o->machine[row];
        if (m->line == NULL)
            continue;
        mark_again(m, now_ms);
        takes = (!m->changed || send_levels(o, m, to)) &&
                (m->wall_ms == 0 || send_samples(o, m, row + 1, to));
        if (!takes)
            o->send_first = row; /* the next time it is the first */
    }
    send_events(o, to);
    leave(o, false);
}

struct door_out_counts door_out_counts(struct door_out *o)
{
    struct door_out_counts c = { 0 };
    enter(o);
    for (uint32_t i = 0; i < o->machines; i++) {
        c.machines += o->machine[i].line != NULL;
        c.series += o->machine[i].samples.rows;
        c.levels += o->machine[i].levels;
        c.dropped += o->machine[i].samples.left_out;
    }
    c.dropped += o->dropped;
    c.coalesced = o->coalesced;
    leave(o, false);
    return c;
}

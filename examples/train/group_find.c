#include "group_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum { HELLO_MAGIC = 0x4d574849, HELLO_HERE = 1, HELLO_LINK = 2, HELLO_PATIENCE_MS = 2000 };

struct hello {
    uint32_t magic, kind;
    int32_t rank, ranks;
    char key[64];
    struct wire_address at;
};

struct finding {
    const struct group_options *o;
    struct group *g;
    struct wire_address table[GROUP_RANKS];
    int waiting[GROUP_RANKS]; /* rank 0: who waits for the table */
    int listener;
    int64_t deadline_ms;
};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static int pause_until(const struct finding *f, struct problem *p, const char *what)
{
    nap();
    if (wire_now_ms() < f->deadline_ms)
        return 0;
    return fail(p, END_PEER, 0, "%s within %d ms", what, f->o->join_ms);
}

static struct hello our_hello(const struct finding *f, uint32_t kind)
{
    struct hello h = {.magic = HELLO_MAGIC, .kind = kind, .rank = f->o->rank,
                      .ranks = f->o->ranks, .at = f->table[f->o->rank]};
    snprintf(h.key, sizeof h.key, "%s", f->o->key);
    return h;
}

/* Reads a hello of our run; anything else is hung up on. */
static int hear(const struct finding *f, int fd, struct hello *ret)
{
    struct problem p;
    struct hello ours = our_hello(f, 0);
    struct wire_exchange x = {NULL, 0, ret, sizeof *ret, HELLO_PATIENCE_MS};
    if (wire_exchange(fd, &x, &p) != 0 || ret->magic != HELLO_MAGIC ||
        ret->ranks != f->o->ranks || ret->rank < 0 || ret->rank >= f->o->ranks ||
        memcmp(ret->key, ours.key, sizeof ours.key) != 0)
        return -1;
    ret->at.host[WIRE_HOST - 1] = ret->at.port[sizeof ret->at.port - 1] = '\0';
    return 0;
}

static void rendezvous_path(const struct finding *f, char *to, size_t size)
{
    snprintf(to, size, "%s/rendezvous-%s", f->o->folder, f->o->key);
}

static int publish(const struct finding *f, struct problem *p)
{
    char path[512], temp[560], text[128];
    rendezvous_path(f, path, sizeof path);
    snprintf(temp, sizeof temp, "%s.%ld", path, (long)getpid());
    int n = snprintf(text, sizeof text, "%s %s\n", f->table[0].host, f->table[0].port);
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(p, END_DISK, errno, "cannot write %s", temp);
    int bad = write(fd, text, (size_t)n) != n;
    bad = close(fd) != 0 || bad;
    if (bad || rename(temp, path) != 0)
        return fail(p, END_DISK, errno, "cannot write %s", path);
    return 0;
}

static int read_published(const struct finding *f, struct wire_address *ret)
{
    char path[512];
    rendezvous_path(f, path, sizeof path);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return -1;
    int n = fscanf(in, "%63s %7s", ret->host, ret->port);
    fclose(in);
    return n == 2 ? 0 : -1;
}

static int split_master(const char *text, struct wire_address *ret)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof ret->host ||
        strlen(colon + 1) >= sizeof ret->port || colon[1] == '\0')
        return -1;
    snprintf(ret->host, sizeof ret->host, "%.*s", (int)(colon - text), text);
    snprintf(ret->port, sizeof ret->port, "%s", colon + 1);
    return 0;
}

/* Rank 0: until every rank has said where it is. */
static int gather(struct finding *f, struct problem *p)
{
    int missing = f->o->ranks - 1;
    while (missing > 0) {
        int fd = -1, code = wire_accept(f->listener, f->deadline_ms, &fd, p);
        if (code != 0)
            return code;
        if (fd < 0)
            return fail(p, END_PEER, 0, "%d of %d ranks did not come within %d ms", missing,
                        f->o->ranks, f->o->join_ms);
        struct hello h;
        if (hear(f, fd, &h) != 0 || h.kind != HELLO_HERE || h.rank == 0) {
            close(fd);
            continue;
        }
        if (f->waiting[h.rank] >= 0)
            close(f->waiting[h.rank]); /* that rank asked again */
        else
            missing--;
        f->waiting[h.rank] = fd;
        f->table[h.rank] = h.at;
    }
    return 0;
}

static int tell(struct finding *f, struct problem *p)
{
    int code = 0;
    for (int r = 1; r < f->o->ranks && code == 0; r++) {
        struct wire_exchange x = {f->table, sizeof f->table, NULL, 0, f->g->silence_ms};
        code = wire_exchange(f->waiting[r], &x, p);
        if (code != 0)
            fail(p, code, 0, "rank %d was lost before the start", r);
    }
    if (f->o->folder != NULL) {
        char path[512];
        rendezvous_path(f, path, sizeof path);
        unlink(path);
    }
    return code;
}

/* The others: says where this rank is, and reads where all are. */
static int ask(struct finding *f, struct problem *p)
{
    struct hello h = our_hello(f, HELLO_HERE);
    for (;;) {
        struct wire_address zero;
        int code = 0, fd = -1;
        if (f->o->folder == NULL && split_master(f->o->master, &zero) != 0)
            return fail(p, END_USAGE, 0, "--master %s is not HOST:PORT", f->o->master);
        if (f->o->folder == NULL || read_published(f, &zero) == 0)
            fd = wire_connect(&zero, f->deadline_ms);
        if (fd >= 0) {
            int left = (int)(f->deadline_ms - wire_now_ms());
            struct wire_exchange x = {&h, sizeof h, f->table, sizeof f->table, left};
            code = wire_exchange(fd, &x, p);
            close(fd);
            if (code == 0)
                return 0;
        }
        code = pause_until(f, p, "rank 0 was not found");
        if (code != 0)
            return code;
    }
}

/* The higher rank of a pair connects, the lower accepts. */
static int call_lower(struct finding *f, int bit, struct problem *p)
{
    int peer = f->o->rank ^ (1 << bit);
    struct hello h = our_hello(f, HELLO_LINK);
    for (;;) {
        int fd = wire_connect(&f->table[peer], f->deadline_ms);
        struct wire_exchange x = {&h, sizeof h, NULL, 0, f->g->silence_ms};
        if (fd >= 0 && wire_exchange(fd, &x, p) == 0) {
            f->g->fd[bit] = fd;
            return 0;
        }
        if (fd >= 0)
            close(fd);
        int code = pause_until(f, p, "a partner did not answer");
        if (code != 0)
            return code;
    }
}

static int bit_of(const struct finding *f, int peer)
{
    for (int bit = 0; bit < f->g->bits; bit++)
        if ((f->o->rank ^ (1 << bit)) == peer)
            return bit;
    return -1;
}

static int await_higher(struct finding *f, struct problem *p)
{
    int missing = 0;
    for (int bit = 0; bit < f->g->bits; bit++)
        missing += (f->o->rank >> bit & 1) == 0;
    while (missing > 0) {
        int fd = -1, code = wire_accept(f->listener, f->deadline_ms, &fd, p);
        if (code != 0)
            return code;
        if (fd < 0)
            return fail(p, END_PEER, 0, "a partner did not call within %d ms", f->o->join_ms);
        struct hello h;
        int bit = hear(f, fd, &h) == 0 && h.kind == HELLO_LINK ? bit_of(f, h.rank) : -1;
        if (bit < 0 || f->g->fd[bit] >= 0) {
            close(fd);
            continue;
        }
        f->g->fd[bit] = fd;
        missing--;
    }
    return 0;
}

static int meet(struct finding *f, struct problem *p)
{
    int rank = f->o->rank, code = 0;
    struct wire_address fixed = {.port = ""};
    if (rank == 0 && f->o->folder == NULL && split_master(f->o->master, &fixed) != 0)
        return fail(p, END_USAGE, 0, "--master %s is not HOST:PORT", f->o->master);
    code = wire_listen(f->o->host, fixed.port[0] == '\0' ? NULL : fixed.port, &f->table[rank],
                       &f->listener, p);
    if (code == 0 && rank == 0 && f->o->folder != NULL)
        code = publish(f, p);
    if (code == 0)
        code = rank == 0 ? gather(f, p) : ask(f, p);
    if (code == 0 && rank == 0)
        code = tell(f, p);
    for (int bit = 0; bit < f->g->bits && code == 0; bit++)
        if (rank >> bit & 1)
            code = call_lower(f, bit, p);
    return code == 0 ? await_higher(f, p) : code;
}

int group_find(struct group *g, const struct group_options *o, struct problem *p)
{
    struct finding f = {.o = o, .g = g, .listener = -1,
                        .deadline_ms = wire_now_ms() + o->join_ms};
    for (int i = 0; i < GROUP_RANKS; i++)
        f.waiting[i] = -1;
    int code = meet(&f, p);
    for (int i = 0; i < GROUP_RANKS; i++)
        if (f.waiting[i] >= 0)
            close(f.waiting[i]);
    if (f.listener >= 0)
        close(f.listener);
    return code;
}

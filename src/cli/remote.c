/* The way's words, the process port, hostlists. */
#include "cli/remote.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fleet/hostlist.h"
#include "live/process_run.h"

#define WORD_MAX 512

struct remote {
    struct event_base *base;
    struct process_run *run;
    char *way;
    uint32_t open; /* started and not ended */
};

struct started {
    struct remote *remote;
    struct remote_call call;
    remote_end_fn *end;
};

int remote_create(const char *way, uint32_t width, struct remote **ret, struct mw_error *err)
{
    struct remote *r = mw_calloc(1, sizeof(*r));
    must(way != NULL);
    if (r == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    r->base = event_base_new();
    r->way = mw_strdup(way);
    int rc = r->base == NULL || r->way == NULL
                 ? mw_fail(err, MW_ENOMEM, "out of memory")
                 : process_run_create(r->base, MW_MAX(MW_MIN(width, 256u), 1u), &r->run, err);
    if (rc < 0) {
        remote_destroy(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void remote_destroy(struct remote *r)
{
    if (r == NULL)
        return;
    if (r->run != NULL)
        process_run_destroy(r->run);
    if (r->base != NULL)
        event_base_free(r->base);
    mw_free(r->way);
    mw_free(r);
}

bool remote_word_ok(const char *word)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_./:=,+@%-";
    return word[0] != '\0' && strlen(word) < WORD_MAX && word[strspn(word, allowed)] == '\0';
}

static void ended(void *ctx, const struct process_result *r)
{
    struct started *s = ctx;
    const struct remote_end e = { .call = &s->call, .exit_code = r->exit_code,
                                  .timed_out = r->timed_out, .out = r->out, .err = r->err,
                                  .out_size = r->out_size };
    s->remote->open--;
    s->end(&e);
    mw_free(s);
}

/* One word of the way with {host} replaced; false: too long. */
static bool expand(const char *from, size_t length, const char *host, char to[WORD_MAX])
{
    static const char mark[] = "{host}";
    size_t at = 0, n = strlen(host), m = sizeof(mark) - 1;
    for (size_t i = 0; i < length;) {
        bool here = length - i >= m && memcmp(from + i, mark, m) == 0;
        if (at + (here ? n : 1) >= WORD_MAX)
            return false;
        memcpy(to + at, here ? host : from + i, here ? n : 1);
        at += here ? n : 1;
        i += here ? m : 1;
    }
    to[at] = '\0';
    return true;
}

int remote_start(struct remote *r, const struct remote_call *call, remote_end_fn *end,
                 struct mw_error *err)
{
    char word[REMOTE_WORDS_MAX][WORD_MAX];
    const char *argv[REMOTE_WORDS_MAX * 2 + 1];
    uint32_t n = 0;
    for (const char *at = r->way; *at != '\0';) {
        at += strspn(at, " \t");
        size_t length = strcspn(at, " \t");
        if (length == 0)
            break;
        if (n == REMOTE_WORDS_MAX || !expand(at, length, call->host, word[n]))
            return mw_fail(err, MW_ELIMIT, "--via is too long");
        argv[n] = word[n];
        n++;
        at += length;
    }
    for (uint32_t i = 0; call->argv[i] != NULL; i++) {
        if (!remote_word_ok(call->argv[i]) || n == REMOTE_WORDS_MAX * 2)
            return mw_fail(err, MW_EINVAL, "\"%.80s\" may not be sent to a node: letters, digits "
                           "and _ . / : = , + @ %% - only", call->argv[i]);
        argv[n++] = call->argv[i];
    }
    argv[n] = NULL;
    struct started *s = mw_calloc(1, sizeof(*s));
    if (s == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    *s = (struct started){ .remote = r, .call = *call, .end = end };
    const struct process_request q = { .argv = argv, .deadline_ns = call->deadline_ns };
    struct process_port port = process_run_port(r->run);
    int rc = port.start(port.self, &q, ended, s, err);
    if (rc < 0) {
        mw_free(s);
        return rc;
    }
    r->open++;
    return 0;
}

void remote_wait(struct remote *r)
{
    while (r->open > 0) /* ends: the port kills each at its deadline */
        if (event_base_loop(r->base, EVLOOP_ONCE) != 0)
            return;
}

/* ---- hostlists ------------------------------------------------------------------------------ */

struct hosts {
    char **name;
    uint32_t count;
    bool failed;
};

static int take_host(void *ctx, const char *name)
{
    struct hosts *h = ctx;
    if (h->count == REMOTE_HOSTS_MAX)
        return MW_ELIMIT;
    if (!remote_word_ok(name) || name[0] == '-')
        return MW_EINVAL;
    for (uint32_t i = 0; i < h->count; i++)
        if (strcmp(h->name[i], name) == 0)
            return 0;
    h->name[h->count] = mw_strdup(name);
    if (h->name[h->count] == NULL)
        return MW_ENOMEM;
    h->count++;
    return 0;
}

int remote_hosts(const char *list, char ***ret, uint32_t *ret_count, struct mw_error *err)
{
    struct hosts h = { .name = mw_calloc(REMOTE_HOSTS_MAX, sizeof(char *)) };
    if (h.name == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = hostlist_each(list, take_host, &h, err);
    if (rc == 0 && h.count == 0)
        rc = mw_fail(err, MW_EINVAL, "no hosts in \"%.80s\"", list);
    if (rc < 0) {
        remote_hosts_free(h.name, h.count);
        return mw_fail(err, rc, "\"%.80s\" is no list of up to %d host names", list,
                       REMOTE_HOSTS_MAX);
    }
    *ret = h.name;
    *ret_count = h.count;
    return 0;
}

void remote_hosts_free(char **host, uint32_t count)
{
    for (uint32_t i = 0; host != NULL && i < count; i++)
        mw_free(host[i]);
    mw_free(host);
}

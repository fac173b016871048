/*
 * A worker: reads what it is asked to read, one source after the other, and may
 * hang or die in it.  Knows no daemon and no time but what it is told.
 */
#include "agent/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/commands.h"
#include "base/parse.h"

#define EXIT_USE 2

struct worker {
    struct source_env env;
    struct places places;
    struct samples samples;
    struct source_out out;
    struct worker_try source[SOURCES_MAX];
    uint64_t seq;
    uint8_t message[WORKER_MESSAGE_MAX];
};

int worker_read(const struct source *s, const struct source_env *env, struct worker_try *t,
                int64_t now_ms, struct source_out *out)
{
    struct mw_error err = { .code = 0 };
    int rc = t->state == NULL ? s->open(env, &t->state, &err) : 0;
    must(rc < 0 || t->state != NULL);
    if (rc == 0)
        rc = s->read(t->state, env, now_ms, out, &err);
    if (rc < 0 && t->state != NULL) {
        s->close(t->state);
        t->state = NULL;
    }
    (void)snprintf(t->text, sizeof(t->text), "%.249s", rc < 0 ? err.text : "");
    if (rc == 0)
        return WORKER_OK;
    return rc == MW_ENOTFOUND ? WORKER_ABSENT : WORKER_FAILED;
}

/* The collector has gone, or does not read: nothing is left to be done. */
static void say(const void *message, size_t size)
{
    if (send(WORKER_FD, message, size, MSG_NOSIGNAL) != (ssize_t)size)
        _exit(EXIT_FAILURE);
}

static void say_line(char letter, const struct agent_frame *f)
{
    char line[1 + AGENT_FRAME_MAX + 1];
    size_t n = agent_frame_write(f, line + 1, sizeof(line) - 1);
    line[0] = letter;
    if (n > 1)
        say(line, n); /* the letter, and the line without its newline */
}

static void say_part(void *ctx, const struct agent_frame *f)
{
    (void)ctx;
    say_line(WORKER_PART, f);
}

static void say_finding(void *ctx, const struct agent_frame *f)
{
    (void)ctx;
    say_line(WORKER_FINDING, f);
}

static void say_samples(struct worker *w)
{
    while (w->samples.changed > 0) {
        struct sample_head head = { .seq = ++w->seq };
        size_t n = samples_encode(&w->samples, &head, w->message + 1, WORKER_MESSAGE_MAX - 1);
        must(n > 0);
        w->message[0] = WORKER_SAMPLES;
        say(w->message, n + 1);
        samples_commit(&w->samples);
    }
}

static void read_one(struct worker *w, const struct worker_request *r)
{
    char end[2 + sizeof(w->source[0].text)] = { WORKER_END };
    uint32_t count = 0;
    while (agent_sources[count] != NULL)
        count++;
    must(r->index < count);
    struct worker_try *t = &w->source[r->index];
    int result = worker_read(agent_sources[r->index], &w->env, t, r->now_ms, &w->out);
    say_samples(w);
    end[1] = (char)result;
    memcpy(end + 2, t->text, sizeof(t->text));
    say(end, 2 + strlen(t->text) + 1);
}

static int serve(struct worker *w)
{
    struct worker_request request;
    ssize_t n;
    while ((n = recv(WORKER_FD, w->message, sizeof(w->message), 0)) > 0 || errno == EINTR) {
        if (n == sizeof(struct worker_places) && w->message[0] == WORKER_PLACES) {
            memcpy(&w->places, w->message + offsetof(struct worker_places, places),
                   sizeof(w->places));
        } else if (n == sizeof(request) && w->message[0] == WORKER_READ) {
            memcpy(&request, w->message, sizeof(request));
            read_one(w, &request);
        }
    }
    return EXIT_SUCCESS;
}

/* worker KIND SYSFS-ROOT PROC-ROOT DEV-ROOT NVML GPUS */
int worker_main(int argc, char **argv)
{
    char name[16];
    uint64_t gpus;
    if (argc != 7 || mw_parse_u64(argv[6], &gpus) < 0 || fcntl(WORKER_FD, F_GETFD) < 0) {
        (void)fputs("mw-agent: worker is started by mw-agent run, not by people\n", stderr);
        return EXIT_USE;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(name, sizeof(name), "mw-agent-%s", argv[1]);
    (void)prctl(PR_SET_NAME, name);
    (void)fcntl(WORKER_FD, F_SETFD, FD_CLOEXEC);
    struct worker *w = calloc(1, sizeof(*w));
    if (w == NULL || samples_init(&w->samples, WORKER_SERIES_MAX) < 0) {
        free(w);
        return EXIT_FAILURE;
    }
    w->env = (struct source_env){ .sysfs_root = argv[2], .proc_root = argv[3], .dev_root = argv[4],
                                  .nvml = argv[5][0] != '\0' ? argv[5] : NULL,
                                  .gpus = (uint32_t)gpus, .places = &w->places };
    w->out = (struct source_out){ .samples = &w->samples, .part = say_part,
                                  .finding = say_finding, .ctx = w };
    int status = serve(w);
    samples_fini(&w->samples);
    free(w);
    return status;
}

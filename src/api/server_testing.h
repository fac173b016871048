/*
 * A server over a live site without Slurm, whose writer is a thread of its own, and a plain client:
 * for tests of the API as it is on the wire.  Helpers fail the running test.
 */
#ifndef MW_API_SERVER_TESTING_H
#define MW_API_SERVER_TESTING_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/bench.h"
#include "api/server.h"

struct scene {
    char dir[256], socket[300];
    struct bench *writer;    /* of the writer's thread while it runs */
    struct asks *asks;
    struct api_server *server;
    struct api_server_options options; /* what scene_start() takes; set before */
    pthread_t thread;
    _Atomic bool stop, hold; /* hold: nothing that is asked is answered */
    char host[128];          /* "127.0.0.1:40123" */
};

/* A folder and a writer with a record; no server yet. */
struct scene *scene_make(void);
void scene_start(struct scene *s); /* the server, and the writer's thread */
void scene_stop(struct scene *s);  /* both */
void scene_free(struct scene *s);

/* ---- a client -------------------------------------------------------------------------------- */

struct answer {
    int status;      /* 0: the connection ended without one */
    char head[8192]; /* status line and headers */
    char value[512]; /* of answer_header() */
    char *body;      /* '\0'-ended; free with answer_fini() */
    size_t size;
};
void answer_fini(struct answer *a);
/* A header's value, "" without; kept in the answer until the next call. */
const char *answer_header(struct answer *a, const char *name);

int dial_unix(const struct scene *s);
int dial_tcp(const struct scene *s);
void say(int fd, const char *text, size_t size);
void say_text(int fd, const char *text);
/* One answer from a connection that stays open.  head_only: of a HEAD, there is no body. */
void hear(int fd, bool head_only, struct answer *ret);
/* Over a new connection to the socket (unix) or the TCP address: "GET /x", extra headers with their
 * line ends or "", body or NULL. */
void ask(const struct scene *s, bool over_unix, const char *what, const char *headers,
         const char *body, struct answer *ret);
/* The other end closes, after whatever it still says. */
bool ends(int fd);

#endif

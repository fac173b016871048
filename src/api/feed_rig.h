/*
 * For tests of what the API feeds: a site played by hand (control/rig.h) whose record is on disk,
 * the server that follows it on a thread of its own, and clients on real sockets.  Helpers fail
 * the running test when they cannot do what they are asked.
 */
#ifndef MW_API_FEED_RIG_H
#define MW_API_FEED_RIG_H

#include <jansson.h>

#include "api/server.h"
#include "base/text.h"
#include "control/rig.h"

#define FEED_WAIT_S 60 /* for what has to come; only a hung server takes so long */

struct feed_rig {
    char dir[256], journal[300], socket[300];
    struct rig *rig;
    struct fleet *fleet;
    struct asks *asks;
    struct api_server *server;
    const char *scenario; /* set before feed_rig_serve(); NULL = none */
    char access[300];     /* the same: the file of tokens; "" = none */
};

/* A begun site of so many nodes, with its record; nobody serves it yet. */
struct feed_rig *feed_rig_make(uint32_t nodes);
void feed_rig_serve(struct feed_rig *f);
void feed_rig_stop(struct feed_rig *f); /* the server; the record stays */
void feed_rig_free(struct feed_rig *f);
/* Tells the server of what was committed, and waits until it shows it. */
void feed_rig_tell(struct feed_rig *f);

/* An answer: the body is ended by '\0'. */
struct feed_answer {
    int status;
    char head[4096];
    struct text body; /* text_fini */
};
/* headers: "Name: value\r\n…" or "". */
void feed_ask(struct feed_rig *f, const char *method, const char *path, const char *headers,
              const char *body, struct feed_answer *ret);
/* GET that has to be answered 200 with JSON. */
json_t *feed_get(struct feed_rig *f, const char *path);

/* A client of an event stream. */
struct feed_stream {
    int fd;
    struct text raw, text; /* as it came; without the framing of chunks */
    size_t at;             /* of raw: decoded up to here */
    size_t seen;           /* of text: what was waited for last lies before this */
};
void feed_stream_open(struct feed_rig *f, const char *path, const char *headers,
                      struct feed_stream *ret);
/* Reads until the text has these words, behind what was waited for before. */
void feed_stream_wait(struct feed_stream *s, const char *words);
/* Takes what there is, so many bytes at most. */
void feed_stream_sip(struct feed_stream *s, size_t bytes);
void feed_stream_close(struct feed_stream *s);
/* Where the text has these words next, behind `after` (NULL: from its beginning); NULL: nowhere. */
const char *feed_stream_next(const struct feed_stream *s, const char *after, const char *words);
/* How often the text has these words. */
uint32_t feed_stream_count(const struct feed_stream *s, const char *words);

#endif

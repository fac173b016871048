/*
 * JSON and CSV written straight into a libevent buffer, each byte once, for lists that are too long
 * to be built as trees first.  What it writes is checked against jansson in its tests.
 *
 * Bytes that are no UTF-8 become U+FFFD, one each. The caller sets commas; json_out knows nothing
 * of nesting.
 */
#ifndef MW_API_JSON_OUT_H
#define MW_API_JSON_OUT_H

#include <event2/buffer.h>

#include "base/base.h"

struct json_out {
    struct evbuffer *to; /* borrowed */
    char *at, *end;      /* room that is reserved in it */
    struct evbuffer_iovec room;
    bool failed;         /* out of memory: later writes are ignored */
};

void json_out_begin(struct json_out *o, struct evbuffer *to);
/* Hands over what was written; false when memory ran out. */
MW_MUST_USE bool json_out_end(struct json_out *o);

void json_out_raw(struct json_out *o, const char *bytes, size_t size); /* as it is */
void json_out_text(struct json_out *o, const char *s, size_t size);    /* "escaped", in quotes */
void json_out_int(struct json_out *o, int64_t n);
/* Shortest form that reads back the same; null when not finite. */
void json_out_real(struct json_out *o, double v);
/* "2025-01-02T03:04:05.678Z" with quotes. */
void json_out_time_ms(struct json_out *o, int64_t ms);
/* A cell of CSV (RFC 4180): quoted where it has to be. */
void json_out_cell(struct json_out *o, const char *s, size_t size);

#endif

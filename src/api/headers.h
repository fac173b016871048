/* Values of HTTP headers that clients send, read: pure, whatever bytes they are. */
#ifndef MW_API_HEADERS_H
#define MW_API_HEADERS_H

#include "base/base.h"

#define HEADER_TRACE_MAX 33

/* Does Accept-Encoding (NULL = none) take gzip? */
bool header_takes_gzip(const char *accept);

/* Is a Host a name that is loopback everywhere: localhost, 127.x.y.z, [::1], each with a port or
 * without?  Pages of strangers must not reach a loopback address under a name of their own (DNS
 * rebinding). */
bool header_is_loopback(const char *host);

/* The value of a cookie; false when there is none, or it does not fit. */
bool header_cookie(const char *cookies, const char *name, char *ret, size_t size);

/* The trace id of a traceparent (W3C Trace Context): 32 hex digits.  False: there is none. */
bool header_trace(const char *traceparent, char ret[HEADER_TRACE_MAX]);

/*
 * Do a request's headers leave any doubt about where it ends and for whom it is?  Given one after
 * the other; words of what is wrong (static), NULL = nothing so far.  Zeroed is the beginning.
 * Stricter than RFC 9112, section 6.3, asks: whatever two programs in a row could read differently
 * is refused, since one of them would take the rest of a body for the next request.
 */
struct header_framing {
    bool seen[4]; /* of those that come once */
};
const char *header_framing_fault(struct header_framing *f, const char *name, const char *value);

/* Is a Content-Type JSON: "application/json", with parameters or without? */
bool header_is_json(const char *content_type);

/* Is an Origin ("https://mw:8080") that of the Host ("mw:8080") itself? */
bool header_origin_is(const char *origin, const char *host);

/* Is any of the quoted tags of an If-Match or If-None-Match (NULL = none) `etag`, or is it "*"? */
bool header_has_etag(const char *header, const char *etag);

#endif

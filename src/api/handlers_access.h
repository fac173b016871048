/* What the handlers of sessions and of logins share.  Internal to them. */
#ifndef MW_API_HANDLERS_ACCESS_H
#define MW_API_HANDLERS_ACCESS_H

#include "api/routes.h"

int64_t handlers_utc_ns(void); /* the system's clock: not the site's time, which a replay sets */

/* The session's cookie; "" takes it away. */
void handlers_set_session(const struct api_call *call, struct api_answer *ret, const char *word);

/* A line about who came in (synced), or, with who NULL, who did not. */
MW_MUST_USE int handlers_audit_login(const struct api_call *call, const struct principal *who,
                                     int status, const char *detail, struct mw_error *err);

/* Reads a body {"key": "text"} of one text below room bytes.  MW_ESYNTAX, MW_EINVAL. */
MW_MUST_USE int handlers_read_word(const struct api_call *call, const char *key, char *ret,
                                   size_t room, struct mw_error *err);

#endif

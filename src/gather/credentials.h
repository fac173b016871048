/*
 * What a door proves itself with: a file of `key = value` lines that nobody but
 * its owner may read.  Checked on the open file, before it is read.  The words
 * go to no argument, log, message or journal; they are wiped when done.
 */
#ifndef MW_GATHER_CREDENTIALS_H
#define MW_GATHER_CREDENTIALS_H

#include "base/error.h"

#define CREDENTIAL_MAX 256 /* bytes of a value, ending included */

/* "" = not given. */
struct credentials {
    char user[CREDENTIAL_MAX], password[CREDENTIAL_MAX];
    char community[CREDENTIAL_MAX];              /* SNMP v2c */
    char auth_password[CREDENTIAL_MAX];          /* SNMP v3 */
    char privacy_password[CREDENTIAL_MAX];
    char token[CREDENTIAL_MAX];                  /* a bearer token */
};

/* MW_ENOTFOUND; MW_EDENIED: others may read or write it, or it is not ours (the text names the
 * file and what to do); MW_ESYNTAX names the line, never its value; MW_ELIMIT.
 * path NULL or "": nothing is read, all is "". */
MW_MUST_USE int credentials_read(const char *path, struct credentials *ret, struct mw_error *err);
void credentials_wipe(struct credentials *c);

#endif

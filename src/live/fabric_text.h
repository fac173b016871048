/*
 * What ibnetdiscover prints, and the netlists of ibsim in the same language,
 * into a fabric.  Text in, rows out; every mistake names file and line.
 *
 *   switchguid=0xfc6a1c0300f1c4c0(fc6a1c0300f1c4c0)
 *   Switch 41 "S-fc6a1c0300f1c4c0"   # "MF0;leaf01:MQM8700/U1" enhanced port 0 lid 3 lmc 0
 *   [1]  "H-b8cef60300a4e1b2"[1](b8cef60300a4e1b2)   # "gpu0001 mlx5_0" lid 12 4xHDR
 *   [2][ext 5] ...
 */
#ifndef MW_LIVE_FABRIC_TEXT_H
#define MW_LIVE_FABRIC_TEXT_H

#include "live/fabric.h"

struct fabric_source {
    const char *text; /* size bytes, then '\0' */
    size_t size;
    const char *name; /* of the file, for messages */
};

/* Fills an empty fabric.  Nodes that are only named as somebody's peer are an error: the listing
 * is not whole.  MW_ESYNTAX, MW_EINVAL, MW_ELIMIT, MW_ECONFLICT, MW_ENOMEM; *ret is then cleared.
 */
MW_MUST_USE int fabric_text_read(const struct fabric_source *s, struct fabric *ret,
                                 struct mw_error *err);

#endif

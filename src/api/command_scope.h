/*
 * Does a command stay within the halls and tenants of whoever gives it?  What a
 * role permits is one question (api/access.h), what it may touch another: an
 * operator of one hall runs that hall.  All that a command names must be within;
 * what names nothing, and so means the whole site, is not.
 *
 * Reads the replica; decides nothing about the site.
 */
#ifndef MW_API_COMMAND_SCOPE_H
#define MW_API_COMMAND_SCOPE_H

#include "api/access.h"
#include "api/command.h"
#include "api/replica.h"

/* 0, or MW_EDENIED; MW_EBUSY: whether it does cannot be told, the record is still being read.
 * r: NULL only for that. */
MW_MUST_USE int command_scope(const struct principal *who, const struct api_command *c,
                              const struct replica *r, struct mw_error *err);

#endif

/*
 * What the readers of configuration files share: secrets that lie in files of their own, and saying
 * the first of the mistakes.
 */
#ifndef MW_API_CONFIG_FILE_H
#define MW_API_CONFIG_FILE_H

#include "base/problems.h"
#include "base/error.h"

/* `path` from where the file `config` lies.  MW_EINVAL: too long. */
MW_MUST_USE int config_beside(const char *config, const char *path, char *ret, size_t size,
                              struct mw_error *err);

/* The first line of a file that only its owner may read; `path` as config_beside().
 * MW_EDENIED: it is open to others.  MW_EINVAL: no such line, or too long.  MW_ENOTFOUND, … */
MW_MUST_USE int config_secret(const char *config, const char *path, char *ret, size_t size,
                              struct mw_error *err);

/* 0 when there are none; MW_ESYNTAX with "file:line:column: …" of the first, and how many more. */
MW_MUST_USE int config_say_problems(struct problems *p, struct mw_error *err);

#endif

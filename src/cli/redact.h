/*
 * Takes secrets out of text that leaves this machine: tokens of ours, words
 * after "Bearer", "token", "password" and the like, passwords in URLs, private
 * keys.  Rather one word too many than one too few.
 */
#ifndef MW_CLI_REDACT_H
#define MW_CLI_REDACT_H

#include "base/text.h"

#define REDACTED "[redacted]"

/* Appends s of `size` bytes without its secrets; returns how many were taken out. */
uint32_t redact(struct text *t, const char *s, size_t size);

#endif

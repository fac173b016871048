/*
 * Programs on many nodes at once: a command put behind a way to a node ("ssh
 * {host}", "srun -N1 -w {host}"), run for each, its output kept.  Owns no
 * connection: the way is somebody else's program.
 *
 * ssh hands its words to a shell on the other side.  So that no shell ever sees
 * one that means something to it, words of the command may only hold letters,
 * digits and _ . / : = , + @ % -; anything else is refused.
 */
#ifndef MW_CLI_REMOTE_H
#define MW_CLI_REMOTE_H

#include "base/error.h"

#define REMOTE_WORDS_MAX 64
#define REMOTE_HOSTS_MAX 16384

/* One command; argv[0] may be a name or a path on the node. */
struct remote_call {
    const char *host;
    const char *const *argv; /* NULL-ended, without the way; borrowed until it ended */
    int64_t deadline_ns;
    void *ctx;               /* the caller's */
};

struct remote_end {
    const struct remote_call *call;
    int exit_code;        /* -1: it did not exit by itself */
    bool timed_out;
    const char *out, *err; /* borrowed for the call; ended by '\0' */
    size_t out_size;
};
typedef void remote_end_fn(const struct remote_end *e);

struct remote;
/* `way`: words between blanks, "{host}" in them replaced; "" = run here.  At most `width` at once
 * (1 to 256).  MW_EINVAL, MW_ENOMEM. */
MW_MUST_USE int remote_create(const char *way, uint32_t width, struct remote **ret,
                              struct mw_error *err);
void remote_destroy(struct remote *r); /* NULL is fine */

/* Whether a word may be sent: see above. */
bool remote_word_ok(const char *word);

/* Starts one; `end` is called once, from remote_wait().  MW_EINVAL (a word that may not be sent),
 * MW_ELIMIT, MW_ENOMEM. */
MW_MUST_USE int remote_start(struct remote *r, const struct remote_call *call, remote_end_fn *end,
                             struct mw_error *err);
/* Until all that was started has ended. */
void remote_wait(struct remote *r);

/* The names of a hostlist; *ret and each name owned by the caller: remote_hosts_free(). */
MW_MUST_USE int remote_hosts(const char *list, char ***ret, uint32_t *ret_count,
                             struct mw_error *err);
void remote_hosts_free(char **host, uint32_t count);

#endif

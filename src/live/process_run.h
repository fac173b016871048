/*
 * The process port for real: programs as child processes of this one, their
 * pipes and their ends heard through a libevent loop.  Each child is a process
 * group of its own and is killed with it.  One thread.
 */
#ifndef MW_LIVE_PROCESS_RUN_H
#define MW_LIVE_PROCESS_RUN_H

#include "base/process.h"

#define PROCESS_QUEUE_MAX 4096 /* waiting for their turn; start() past it: MW_ELIMIT */

struct event_base;
struct process_run;

/* At most running_max children at once (1 to 256); others wait in order, their deadline does not
 * run.  base is borrowed.  MW_ENOMEM, MW_EINVAL. */
MW_MUST_USE int process_run_create(struct event_base *base, uint32_t running_max,
                                   struct process_run **ret, struct mw_error *err);

/* Kills what runs and reports its end.  NULL is fine; not from within a done function. */
void process_run_destroy(struct process_run *p);

/* A program that turns out to be missing only when its turn comes ends with exit code -1 and the
 * reason as its standard error. */
struct process_port process_run_port(struct process_run *p);

uint32_t process_run_running(const struct process_run *p);
uint32_t process_run_waiting(const struct process_run *p);

#endif

/*
 * A test site as script/slurm-lab makes it: the folder with its mark, its
 * nodes' files and the processes it recorded.  Whoever breaks things on purpose
 * does it through here, and here nothing outside such a folder can be named: a
 * process is touched only when the folder records it and its command line names
 * the folder, or when it is a process of a job of that cluster.
 */
#ifndef MW_CLI_TEST_LAB_H
#define MW_CLI_TEST_LAB_H

#include <sys/types.h>

#include "base/error.h"

#define TEST_LAB_MARK "millwright-test-site"
#define TEST_LAB_PATH_MAX 1024
#define TEST_LAB_DISK_MAX ((uint64_t)64 << 20) /* bytes: a larger disk is no disk of a lab */

struct test_lab {
    char dir[TEST_LAB_PATH_MAX]; /* absolute, no links */
};

/* MW_ENOTFOUND: no such folder; MW_EDENIED: it lacks the mark, or the mark is another user's. */
MW_MUST_USE int test_lab_open(struct test_lab *lab, const char *dir, struct mw_error *err);

/* MW_ENOTFOUND names the nodes' folder. */
MW_MUST_USE int test_lab_check_node(const struct test_lab *lab, const char *node,
                                    struct mw_error *err);

/* Adds a record to the node's kernel log, in the form of /dev/kmsg. */
MW_MUST_USE int test_lab_kernel_line(const struct test_lab *lab, const char *node,
                                     const char *text, struct mw_error *err);

/* Kills the process that the lab records under a name ("slurmd-n3").  MW_ENOTFOUND: none is
 * recorded, or it has ended; MW_EDENIED: the number belongs to another program by now. */
MW_MUST_USE int test_lab_kill(const struct test_lab *lab, const char *name, pid_t *ret,
                              struct mw_error *err);

/* Kills the process of a rank of a running job: the one that slurmstepd started; where the job has
 * no step, its batch script is rank 0.  MW_ENOTFOUND. */
MW_MUST_USE int test_lab_kill_rank(const struct test_lab *lab, uint64_t job, uint64_t rank,
                                   pid_t *ret, struct mw_error *err);

/* Runs the lab's ctl; its messages go where ours go.  node may be NULL. */
MW_MUST_USE int test_lab_ctl(const struct test_lab *lab, const char *verb, const char *node,
                             struct mw_error *err);

/* Fills the node's small disk, or empties it of what filled it.  MW_ECONFLICT: it has none. */
MW_MUST_USE int test_lab_fill_disk(const struct test_lab *lab, const char *node,
                                   uint64_t *ret_bytes, struct mw_error *err);
MW_MUST_USE int test_lab_free_disk(const struct test_lab *lab, const char *node,
                                   struct mw_error *err);

#endif

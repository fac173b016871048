/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four-node gangs of eight GPUs a node, allocated by slurmctld one after the
 * other through its own library; prints "RATE P50_MS P99_MS".  A program by
 * itself, because libslurm is GPL: nothing of Millwright is linked here, and
 * Millwright links nothing of this.  Built by slurm_cloud for a measurement.
 */
#include <errno.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds it took; negative when it was refused or had to wait. */
static double allocate(void)
{
    char *empty[] = { NULL };
    job_desc_msg_t job;
    resource_allocation_response_msg_t *got = NULL;
    slurm_init_job_desc_msg(&job);
    job.name = "gang";
    job.user_id = getuid();
    job.group_id = getgid();
    job.min_nodes = job.max_nodes = 4;
    job.tres_per_node = "gres:gpu:8";
    job.shared = 0;
    job.environment = empty;
    job.immediate = 1;
    double start = now_s();
    if (slurm_allocate_resources(&job, &got) != SLURM_SUCCESS || !got)
        return -1;
    double took = now_s() - start;
    if (got->node_cnt != 4)
        took = -1;
    slurm_free_resource_allocation_response_msg(got);
    return took;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 200;
    double *took = count > 0 ? calloc((size_t)count, sizeof(*took)) : NULL, sum = 0;
    if (!took)
        return 2;
    slurm_init(NULL);
    for (int i = 0; i < count; i++) {
        took[i] = allocate();
        if (took[i] < 0) {
            fprintf(stderr, "slurm_gangs: %d of %d: %s\n", i, count, slurm_strerror(errno));
            return 1;
        }
        sum += took[i];
    }
    qsort(took, (size_t)count, sizeof(*took), by_value);
    printf("%.2f %.3f %.3f\n", count / sum, took[count / 2] * 1e3, took[count * 99 / 100] * 1e3);
    free(took);
    return 0;
}

/*
 * Arbitrary bytes as what sinfo and squeue wrote: every record is read or
 * refused, and what is kept of free text is clean and bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "fleet/hostlist.h"
#include "live/slurm_text.h"

#define END "\x1e" "0123abcd"
#define NAMES_MAX 10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *ctx, const char *name)
{
    must(strlen(name) < HOSTLIST_NAME_MAX);
    return ++*(uint32_t *)ctx > NAMES_MAX ? MW_ELIMIT : 0;
}

static void check_text(const char *s)
{
    char clean[64];
    size_t n = slurm_text_clean(s, clean, sizeof(clean));
    must(n < sizeof(clean) && clean[n] == '\0' && strlen(clean) == n);
    for (size_t i = 0; i < n; i++)
        must((unsigned char)clean[i] >= 0x20 && clean[i] != 0x7f);
    char again[64];
    must(slurm_text_clean(clean, again, sizeof(again)) == n && strcmp(clean, again) == 0);
}

static void check_node(char *record)
{
    struct slurm_node_text n;
    struct mw_error err = { 0 };
    uint32_t names = 0;
    if (slurm_node_read(record, &n, &err) < 0) {
        must(err.text[0] != '\0');
        return;
    }
    (void)slurm_state_read(n.state);
    (void)!hostlist_each(n.nodes, count, &names, NULL);
    check_text(n.reason);
}

static void check_job(char *record)
{
    struct slurm_job_text j;
    struct mw_error err = { 0 };
    uint32_t names = 0;
    if (slurm_job_read(record, &j, &err) < 0) {
        must(err.text[0] != '\0');
        return;
    }
    must(j.id > 0 && j.node_count > 0 && j.limit_ms >= 0 && j.state <= SLURM_JOB_NODE_FAIL);
    must(j.start_s >= 0 && j.end_s >= 0 && j.submit_s >= 0);
    (void)!hostlist_each(j.nodes, count, &names, NULL);
    check_text(j.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int jobs = 0; jobs < 2; jobs++) {
        char *text = malloc(size + 1);
        must(text != NULL);
        if (size > 0)
            memcpy(text, data, size);
        text[size] = '\0';
        char *at = text, *record;
        size_t length;
        while (slurm_record_next(&at, END, &record, &length) > 0) {
            must(strlen(record) == length && record + length < at && at <= text + size);
            if (jobs)
                check_job(record);
            else
                check_node(record);
        }
        free(text);
    }
    return 0;
}

/*
 * The text of Slurm's commands: how they are asked so that the answer can be
 * read whatever is in it, and how one record of an answer is read.  Pure.
 *
 * Nodes:  sinfo  -h -a [-n NODE] -O FORMAT     one record for nodes that are alike
 * Jobs:   squeue -h -a -t all [-j JOB] -O FORMAT
 * both with SLURM_TIME_FORMAT=%s (times are seconds since 1970).
 *
 * FORMAT is "Field:\x1f,Field:\x1f,…,Last:END".  Each field is followed by the
 * separator; the last one is free text (a job's name, a node's reason), which
 * may hold anything, line breaks too: it is followed by END, \x1e and eight hex
 * digits that are others with each command, and a line break.  So nobody can
 * write a job name that reads as another job's record.
 *
 * sinfo is asked for groups of nodes (no -N): with -N it needs time quadratic in
 * the nodes (47 s for 31,250 of them on 22.05), in groups 0.3 s.
 *
 * Other commands used: squeue -h -a -t all -j JOB -o %x (nodes that a job
 * excludes; %n: that it requires); scontrol update NodeName=… State=… [Reason=…];
 * scontrol requeue JOB; scontrol update JobId=JOB StartTime=now+1 [ExcNodeList=…];
 * for persons scontrol hold|release JOB; scontrol update JobId=JOB ReqNodeList=…;
 * scontrol -o show reservation; scontrol create reservation …; scontrol delete
 * ReservationName=….  JOB is a number, or "7_3" for a task of an array.
 */
#ifndef MW_LIVE_SLURM_TEXT_H
#define MW_LIVE_SLURM_TEXT_H

#include "base/text.h"

#define SLURM_SEPARATOR '\x1f'
#define SLURM_END_SIZE 9u       /* \x1e and eight digits */
#define SLURM_FORMAT_MAX 512u

/* One record of sinfo.  Strings are borrowed from the text, which is cut up in place. */
struct slurm_node_text {
    const char *state;  /* "idle+drain", see slurm_state_read() */
    const char *user;   /* who set the reason; "Unknown" */
    const char *nodes;  /* host list */
    const char *reason; /* "none" when there is none */
};

/* Bits of a node's complete state. */
enum {
    SLURM_NODE_DOWN = 1 << 0,     /* down, error, failed, future */
    SLURM_NODE_DRAIN = 1 << 1,    /* drain, fail, invalid registration */
    SLURM_NODE_SILENT = 1 << 2,   /* not responding */
    SLURM_NODE_UNKNOWN = 1 << 3,  /* slurmctld does not know yet: it has just started */
    SLURM_NODE_BUSY = 1 << 4,     /* allocated, mixed, completing */
};

/* Groups of job states. */
enum slurm_job_state {
    SLURM_JOB_OTHER,     /* not known to this program */
    SLURM_JOB_WAITS,     /* pending, requeued, held after a requeue … */
    SLURM_JOB_STARTS,    /* has its nodes, which are being made ready */
    SLURM_JOB_RUNS,      /* running, suspended … */
    SLURM_JOB_COMPLETES, /* its end, or its requeue, is under way on some node */
    SLURM_JOB_DONE,
    SLURM_JOB_FAILED,    /* failed, timeout, out of memory, deadline */
    SLURM_JOB_CANCELLED,
    SLURM_JOB_NODE_FAIL, /* ended by its node, or preempted: not by itself */
};

struct slurm_job_text {
    uint64_t id;
    int64_t start_s, end_s, submit_s; /* 0 = not known */
    int64_t limit_ms;                 /* 0 = unlimited or not said */
    const char *nodes;                /* host list, "" while it waits */
    const char *why;                  /* why it waits: "Resources" */
    const char *name;
    const char *task;                 /* "7_3" for a task of an array, else "" */
    uint32_t node_count;              /* asked for, or had */
    uint32_t gpus;                    /* asked for in all; 0 = not said */
    uint32_t restarts, user;
    uint8_t state;                    /* enum slurm_job_state */
    bool requeue;                     /* may be requeued */
    bool exclusive;                   /* shares its nodes with nobody */
    bool array;                       /* waits as one of several tasks that share this number */
};

/* The -O formats; end has SLURM_END_SIZE characters and '\0' (slurm_text_end()). */
void slurm_nodes_format(const char *end, char ret[SLURM_FORMAT_MAX]);
void slurm_jobs_format(const char *end, char ret[SLURM_FORMAT_MAX]);

/* An end mark made of a number that nobody can foresee. */
void slurm_text_end(uint64_t seed, char ret[SLURM_END_SIZE + 1]);

/* Takes the next record off *at (text that ends in '\0', cut up in place): its start and length
 * without the end mark.  1, or 0 at the end of the text, or MW_ESYNTAX when what is left has no
 * end mark. */
MW_MUST_USE int slurm_record_next(char **at, const char *end, char **ret, size_t *ret_size);

/* Reads a record of `size` bytes, '\0' after it.  MW_ESYNTAX names the field; *ret is then
 * not to be used.  The record is changed. */
MW_MUST_USE int slurm_node_read(char *record, struct slurm_node_text *ret, struct mw_error *err);
MW_MUST_USE int slurm_job_read(char *record, struct slurm_job_text *ret, struct mw_error *err);

/* "idle+drain+not_responding" -> bits. Words that are not known say nothing. */
uint32_t slurm_state_read(const char *state);

/* "1-02:03:04", "10:00", "UNLIMITED" -> ms, 0 = unlimited or not said. MW_ESYNTAX. */
MW_MUST_USE int slurm_limit_read(const char *s, int64_t *ret_ms);

/* GPUs in "gres:gpu:h100:8,gres:shard:2"; 0 = none named. */
uint32_t slurm_gpus_read(const char *tres);

/* Free text for the record: control characters become spaces, bytes that are not UTF-8 "?"; at
 * most size - 1 bytes; returns the length. */
size_t slurm_text_clean(const char *s, char *ret, size_t size);

#endif

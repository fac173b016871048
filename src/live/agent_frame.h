/*
 * The protocol between mw-agent and the daemon, version 1: lines of text over
 * one TCP connection, a verb and `key=value` words, text values percent-coded.
 *
 *   agent → daemon                                       daemon → agent
 *   hello version=1 node=n3 boot=UUID agent=0.1.0             welcome version=1 beat_ms=200
 *         [token=…] [probe=ADDRESS:PORT] [gpus=PCI,PCI,…  in the order of the driver]
 *   beat n=17                                                 refuse code=… text=…
 *   kmsg text=…            one line of the kernel log         check id=S class=gpu deadline_ms=…
 *   unit name=slurmd up=0|1  a watched program ended or is back
 *   exit job=7 rank=3 code=1 signal=0   a process of a job ended badly
 *   disk path=… used_permille=… readonly=0|1
 *   progress job=7 restart=0 step=120 saved=100 step_ms=50 checkpoint_ms=12
 *            steps done and in the last whole checkpoint; ms of a step; ms that this
 *            run has spent writing checkpoints
 *   checked id=S result=ok|failed|unknown text=…
 *   bye                    the agent was told to stop
 *
 * A reader takes no frame longer than AGENT_FRAME_MAX, refuses unknown verbs of
 * its own version and ignores unknown words (a later minor version adds them).
 * Words are parted by one blank and come in any order, each once; bytes of a text
 * other than ! to ~ and the byte % are written as %XX.
 * Pure: text in, struct out, and back.
 */
#ifndef MW_LIVE_AGENT_FRAME_H
#define MW_LIVE_AGENT_FRAME_H

#include "base/error.h"

#define AGENT_PROTOCOL 1
#define AGENT_FRAME_MAX 8192 /* bytes with the newline */
#define AGENT_TEXT_MAX 2048  /* decoded */

enum agent_verb {
    AGENT_HELLO = 1, AGENT_BEAT, AGENT_KMSG, AGENT_UNIT, AGENT_EXIT, AGENT_DISK, AGENT_PROGRESS,
    AGENT_CHECKED, AGENT_BYE,
    AGENT_WELCOME, AGENT_REFUSE, AGENT_CHECK,
};

/* One struct for all verbs: what a verb does not use is 0 or "". */
struct agent_frame {
    uint8_t verb;      /* enum agent_verb */
    uint8_t result;    /* checked: enum result of core/event.h */
    bool up, readonly;
    uint32_t version;
    uint64_t n;        /* beat: counts up; check, checked: the action's sequence */
    uint64_t job;
    uint32_t rank, restart;
    int32_t code, signal;
    uint32_t used_permille;
    int64_t step, saved, step_ms, checkpoint_ms, beat_ms, deadline_ms;
    char name[96];     /* hello: the node; unit: the program; check: the class; refuse: the code */
    char boot[48];
    char agent[32];
    char token[96];
    char probe[64];    /* hello: "10.0.0.7:6818", what answers there while the node lives; "" */
    char text[AGENT_TEXT_MAX]; /* hello: gpus; disk: the path */
};

/* A line without its newline. MW_ESYNTAX names the word; MW_ELIMIT: too long, or a value is.
 * A text with a byte 0 in it is refused. *ret is written only on success. */
MW_MUST_USE int agent_frame_read(const char *line, size_t size, struct agent_frame *ret,
                                 struct mw_error *err);
/* Writes a line with its newline and '\0'; returns its length without the latter, 0 when it does
 * not fit into `size` (AGENT_FRAME_MAX + 1 holds every frame).  Words that a verb does not need
 * are left out when they are 0 or "". */
size_t agent_frame_write(const struct agent_frame *f, char *to, size_t size);

const char *agent_verb_name(uint32_t verb); /* "hello"; "" when out of range */

#endif

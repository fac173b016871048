/*
 * The protocol between mw-agent (or mw-gather) and the daemon, version 2, over
 * one TCP or TLS connection.  A record whose first byte is AGENT_SAMPLES_MARK is
 * binary: that byte, three bytes of length (little-endian), a payload of samples
 * (signal/samples.h).  Any other is a line of text: a verb and `key=value` words,
 * text values percent-coded.  docs/agent-protocol.md has all of it; words marked
 * ! are needed.
 *
 *   agent → daemon
 *   hello version=2! node=NAME! boot=UUID! agent=0.1.0 role=agent|gather token=…
 *         probe=ADDRESS:PORT spool=ID e=N gpus=PCI,PCI,…
 *         e: of the first event that is not acknowledged; gpus: in the driver's order
 *   beat n=17!
 *   kmsg text=…!           one line of the kernel log                        (event)
 *   unit name=slurmd! up=0|1!  a watched program ended or is back            (event, level)
 *   exit job=7! rank=3! code=1! signal=0!   a process of a job ended badly   (event)
 *   disk path=…! used_permille=…! readonly=0|1!                              (event, level)
 *   progress job=7! restart=0! step=120! saved=100! step_ms=50! checkpoint_ms=12
 *         steps done and in the last whole checkpoint; ms of a step; ms that this
 *         run has spent writing checkpoints                                  (event)
 *   checked id=S! result=ok|failed|unknown! text=… level=… class=…  (event)  id=0: the node
 *         ran that check by itself
 *   source name=…! state=ok|silent|absent! text=… machine=…   a source of readings (level)
 *   part scope=gpu! n=0! name=…! serial=… model=… fw=… pci=… peer=… peer_port=… text=…
 *         gone=1 machine=…      inventory (level)
 *   machine n=…! name=…! acts=0|1   (gather) what machine=n and samples mean (level)
 *   finding class=…! name=…! up=0|1! code=… text=… machine=…   a condition that the source
 *         itself states; said again every 20 s while up                      (event, level)
 *   acted id=S! result=…! text=…                                             (event)
 *   clock t0_us=…!         answered by clock t0_us t1_us
 *   join node=…! token=…! csr=…! role=agent|gather    renew csr=…!     base64 of DER; only over TLS
 *   bye                    the agent was told to stop
 *   daemon → agent
 *   welcome version=2! beat_ms=1000! sample_ms=1000
 *   refuse code=…! text=…
 *   ack n=…!               all events of the agent's spool up to n are durable
 *   check id=S! class=gpu! level=1..4 deadline_ms=…!
 *   act id=S! step=reset-gpu|restart-service|reboot|power-cycle! gpu=N! (-1: none) name=…
 *         lease_ms=…!           name: the unit, or the machine whose BMC is to act
 *   cert text=…!           the leaf that was asked for, base64 of DER
 *   rate sample_ms=…! for_ms=…!     samples more often, for so long
 *   clock t0_us=…! t1_us=…!
 *
 * Events bear e=N (1, 2, 3… within the spool of the hello) and at_ms (when it happened); they
 * are sent again until ack says that they are durable.  A level has no e: it is said when it
 * changes and again after each welcome.  Peers of version 1 know no e, no ack and no samples; they
 * are welcomed.
 *
 * A reader takes no line longer than AGENT_FRAME_MAX and no payload longer than
 * AGENT_SAMPLES_MAX, refuses unknown verbs of its own version and ignores unknown words (a later
 * minor version adds them).  Words are parted by one blank and come in any order, each once; bytes
 * of a text other than ! to ~ and the byte % are written as %XX.
 * Pure: bytes in, struct out, and back.
 */
#ifndef MW_LIVE_AGENT_FRAME_H
#define MW_LIVE_AGENT_FRAME_H

#include "base/error.h"

#define AGENT_PROTOCOL 2
#define AGENT_PROTOCOL_OLDEST 1 /* still welcomed */
#define AGENT_FRAME_MAX 8192    /* bytes of a line with the newline */
#define AGENT_TEXT_MAX 2048     /* decoded */
#define AGENT_SAMPLES_MARK 0x01
#define AGENT_SAMPLES_HEAD 4    /* bytes before the payload */
#define AGENT_SAMPLES_MAX 65536 /* bytes of payload */

enum agent_verb {
    /* what an agent or a gatherer says */
    AGENT_HELLO = 1, AGENT_BEAT, AGENT_KMSG, AGENT_UNIT, AGENT_EXIT, AGENT_DISK, AGENT_PROGRESS,
    AGENT_CHECKED, AGENT_BYE, AGENT_SOURCE, AGENT_PART, AGENT_MACHINE, AGENT_FINDING, AGENT_ACTED,
    AGENT_JOIN, AGENT_RENEW,
    AGENT_CLOCK, /* said by both; t1_us is 0 in the agent's */
    /* what the daemon says */
    AGENT_WELCOME, AGENT_REFUSE, AGENT_CHECK, AGENT_ACK, AGENT_ACT, AGENT_CERT, AGENT_RATE,
};
#define AGENT_VERB_END (AGENT_RATE + 1)

enum agent_role { AGENT_ROLE_AGENT, AGENT_ROLE_GATHER };
enum agent_source_state { AGENT_SOURCE_OK = 1, AGENT_SOURCE_SILENT, AGENT_SOURCE_ABSENT };

/* One struct for all verbs: what a verb does not use is 0 or "". */
struct agent_frame {
    uint8_t verb;      /* enum agent_verb */
    uint8_t result;    /* checked, acted: enum result of core/event.h */
    uint8_t role;      /* hello, join: enum agent_role */
    uint8_t state;     /* source: enum agent_source_state */
    bool up, readonly;
    bool gone;         /* part: it is not there any more */
    bool acts;         /* machine: power actions can be asked of it */
    uint32_t version;
    uint64_t n;        /* beat: counts up; check, checked, act, acted: the action's sequence;
                          ack: the last durable e; part: its index in the scope; machine: its
                          number, from 1 */
    uint64_t e;        /* events: their number in the spool; 0 = a level.  hello: the first that is
                          not acknowledged */
    int64_t at_ms;     /* events: Unix time when it happened, by the daemon's clock as far as the
                          agent knows it; 0 = not said */
    uint64_t job;
    uint32_t rank, restart;
    int32_t code, signal;
    uint32_t used_permille;
    uint32_t machine;  /* of a gatherer: what its `machine` frame named so; 0 = the node itself */
    uint32_t level;    /* check, checked: 1 to 4; 0 = not said */
    int32_t gpu;       /* act: the GPU's index, -1 = none */
    int64_t step, saved, step_ms, checkpoint_ms;
    int64_t beat_ms, sample_ms, for_ms, deadline_ms, lease_ms;
    int64_t t0_us, t1_us; /* Unix time: of the agent as it asked, of the daemon as it answered */
    char name[96];     /* hello, join: the node or gatherer; unit: the program; check, checked:
                          the class; refuse: the code; source, part, machine, finding: the name;
                          act: the unit or the machine */
    char boot[48];
    char agent[32];    /* hello: the version of the program */
    char token[160];
    char probe[64];    /* hello: "10.0.0.7:6818", what answers there while the node lives; "" */
    char spool[40];    /* hello: whose numbers e are; "" = its events are not numbered */
    char scope[16];    /* part: a name of signal/metric.h: gpu, port, disk … */
    char class[32];    /* finding: a class of live/policy.h */
    char code_text[64]; /* finding: the code, as its source has it (MessageId, sensor, Xid …) */
    char action[24];   /* act: what to do; the word is step= */
    char serial[64], model[96], fw[64], pci[32], peer[96], peer_port[64]; /* part */
    char text[AGENT_TEXT_MAX]; /* hello: gpus; disk: the path; join, renew: the CSR */
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
bool agent_verb_is_agents(uint32_t verb);   /* an agent says it after its hello (clock too) */
bool agent_verb_is_daemons(uint32_t verb);  /* the daemon says it (clock too) */
bool agent_verb_is_event(uint32_t verb);    /* may bear e */

/* ---- records ------------------------------------------------------------------------------- */

enum agent_record_kind { AGENT_RECORD_LINE = 1, AGENT_RECORD_SAMPLES };

struct agent_record {
    uint8_t kind;        /* enum agent_record_kind */
    const uint8_t *from; /* of the line (without its newline) or the payload: in the bytes given */
    size_t size;
    size_t whole;        /* bytes of the record with head or newline: the next begins behind them */
};

/* The first record of a stream of bytes. 1: *ret has it; 0: it is not whole yet; MW_ELIMIT: it is
 * longer than a record may be, or empty. */
MW_MUST_USE int agent_record_first(const void *bytes, size_t size, struct agent_record *ret,
                                   struct mw_error *err);
/* The head of a record of samples; size from 1 to AGENT_SAMPLES_MAX. */
void agent_samples_head(uint8_t to[AGENT_SAMPLES_HEAD], size_t size);

#endif

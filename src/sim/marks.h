/*
 * The unlikely things that the simulation must reach now and then: a sweep in
 * which one of them never happens tests less than it says.  A mark is a
 * counter; marks of several runs are added up.
 */
#ifndef MW_SIM_MARKS_H
#define MW_SIM_MARKS_H

#include "base/base.h"

/* X(enum, "name"): the name is a sentence's end: "sometimes <name>". */
#define SOMETIMES(X)                                                                     \
    X(MARK_TWO_FAULTS_ON_A_NODE, "a node has two open faults")                           \
    X(MARK_BURST, "a burst takes three or more components")                              \
    X(MARK_PART_FEEDS_NODES, "a fault of a shared part takes its nodes along")           \
    X(MARK_CLEARED_BEFORE_DETECTED, "a fault clears itself before it is detected")       \
    X(MARK_KILLED_RUNNING, "a fault kills a running attempt")                            \
    X(MARK_KILLED_STARTING, "a fault kills an attempt while it starts")                  \
    X(MARK_KILLED_WRITING, "a fault kills an attempt while it writes a checkpoint")      \
    X(MARK_STARTED_ON_BROKEN, "an attempt starts on a node that is broken unnoticed")    \
    X(MARK_SLOWED, "a fault slows an attempt")                                           \
    X(MARK_TIMED_OUT, "a hung attempt ends by the collective time-out")                  \
    X(MARK_STOPPED_AT_CHECKPOINT, "an attempt is stopped after its checkpoint")          \
    X(MARK_STOPPED_STARTING, "an attempt is stopped while it starts")                    \
    X(MARK_KILLED_DRAINING, "a fault kills an attempt that is asked to stop")            \
    X(MARK_DONE_DRAINING, "an attempt is done before it stops at its checkpoint")        \
    X(MARK_RESTARTED_ELSEWHERE, "a job restarts on other nodes")                         \
    X(MARK_OWN_ERROR, "a job ends by its own error")                                     \
    X(MARK_CREW_QUEUE, "an order waits for a crew")                                      \
    X(MARK_OPEN_AFTER_REPAIR, "another finding is open on a node after its repair")      \
    X(MARK_GATE_FAILED, "a gate fails")                                                  \
    X(MARK_GATE_FAILED_TWICE, "a gate fails twice in one incident")                      \
    X(MARK_GATE_FOUND_UNDETECTED, "a gate fails on a fault that nothing has detected")   \
    X(MARK_NOT_CURED, "a step hides a fault without curing it")                          \
    X(MARK_STRUCK_AGAIN, "a fault that was not cured strikes again")                     \
    X(MARK_GATE_FOUND_HIDDEN, "a gate finds what a step did not cure")                   \
    X(MARK_GATE_MISSED_HIDDEN, "a gate passes a node with a fault that was not cured")   \
    X(MARK_NO_FAULT_FOUND, "a crew is sent for a false alarm")                           \
    X(MARK_NOTHING_WRONG, "a crew finds nothing wrong with an inferred cause")           \
    X(MARK_ANOTHER_STEP, "a technician does another step than he was asked for")         \
    X(MARK_SAID_LATE, "a technician says hours later that he is done")                   \
    X(MARK_SAID_TWICE, "a technician says twice that he is done")                        \
    X(MARK_PART_AWAITED, "a work order waits for its part")                              \
    X(MARK_PARTS_ARRIVED, "parts arrive in the store")                                   \
    X(MARK_NODE_REPLACED, "a whole node is replaced")                                    \
    X(MARK_ESCALATED, "a work order is escalated")                                       \
    X(MARK_ESCALATED_AHEAD, "an escalated work order passes others")                     \
    X(MARK_ESCALATED_SOONER, "an escalated repair ends sooner")                          \
    X(MARK_WITHDRAWN, "a work order is withdrawn")                                       \
    X(MARK_WITHDRAWN_HANDS, "a crew with hands on is told to stop")                      \
    X(MARK_MACHINE_ACTED, "a machine carries an action out")                             \
    X(MARK_LEASE_OVER, "an action is refused because its lease is over")                 \
    X(MARK_RESULT_UNKNOWN, "a machine does not know what became of an action")           \
    X(MARK_LEMON_FOUND, "a node that truly fails more often is judged a lemon")          \
    X(MARK_COMMON_CAUSE, "findings become one incident on what they share")              \
    X(MARK_SUPPRESSED, "an incident is suppressed under another")                        \
    X(MARK_FREED, "an incident is freed from the one it was suppressed under")           \
    X(MARK_STEP_CHOSEN, "a step is chosen among several")                                \
    X(MARK_JUDGED, "a node is judged by its history")                                    \
    X(MARK_PREEMPTED, "an attempt is stopped to make room")                              \
    X(MARK_SPARES_SIZED, "spares are sized")                                             \
    X(MARK_SPARES_USED, "a job restarts on spares")                                      \
    X(MARK_WINDOW, "a person plans a maintenance window")                                \
    X(MARK_WINDOW_ENDED, "a person ends a maintenance window early")                     \
    X(MARK_RETIRED, "a node is retired")                                                 \
    X(MARK_FAULT_IN_PROBATION, "a fault strikes a node in probation")                    \
    X(MARK_FAULT_IN_REPAIR, "a fault strikes a node in repair")                          \
    X(MARK_FAULT_AT_GATE, "a fault strikes a node at its gate")                          \
    X(MARK_GUARD_TRIPPED, "the guard trips")                                             \
    X(MARK_GUARD_RESET, "a person resets the guard")                                     \
    X(MARK_ADVICE, "a decision is lowered to advice")                                    \
    X(MARK_ADVICE_APPROVED, "a person approves advice")                                  \
    X(MARK_ADVICE_DOMAIN, "advice is given because another rack of the domain is out")   \
    X(MARK_ADVICE_REJECTED, "a person rejects advice")                                   \
    X(MARK_APPROVAL_REFUSED, "an approval is refused where the mode only advises")       \
    X(MARK_APPROVED_AGAIN, "advice is approved again once the mode is higher")           \
    X(MARK_MODE_LOWERED, "a person takes the mode of a hall away from act")              \
    X(MARK_MODE_ACT_AGAIN, "a person sets the mode of a hall to act")                    \
    X(MARK_PERSON_HOLD, "a person holds a node")                                         \
    X(MARK_HOLD_THROUGH_REPAIR, "a person's hold outlives a repair")                     \
    X(MARK_PERSON_RELEASE, "a person releases a node")                                   \
    X(MARK_PERSON_DRAIN, "a person drains a node")                                       \
    X(MARK_PERSON_DRAIN_BUSY, "a person drains a node that an attempt stands on")        \
    X(MARK_CANCELLED_QUEUED, "a queued job is cancelled")                                \
    X(MARK_CANCELLED_PLACED, "a job is cancelled while an attempt is under way")         \
    X(MARK_CANCELLED_DRAINING, "a job is cancelled that is asked to stop already")       \
    X(MARK_CANCELLED_HUNG, "a job is cancelled whose attempt hangs")                     \
    X(MARK_CANCELLED_TOO_LATE, "a job is cancelled that is over")                        \
    X(MARK_MESSAGE_LOST, "a message is lost")                                            \
    X(MARK_MESSAGE_LATE, "a message is late")                                            \
    X(MARK_MESSAGE_DOUBLED, "a message is doubled")                                      \
    X(MARK_MESSAGE_SWAPPED, "two messages change places")                                \
    X(MARK_ACK_LOST, "an acknowledgement is lost")                                       \
    X(MARK_FACT_GAP, "a fact is refused because one before it is missing")               \
    X(MARK_FACT_DUPLICATE, "a fact is refused because it is in already")                 \
    X(MARK_FACT_STALE, "a fact is refused because it is about something over")           \
    X(MARK_CRASH_BEFORE_COMMIT, "a crash between append and commit")                     \
    X(MARK_CRASH_BEFORE_ACTIONS, "a crash between commit and actions")                   \
    X(MARK_CRASH_BEFORE_ACK, "a crash between actions and acknowledgement")              \
    X(MARK_CRASH_TIMER, "a crash while a timer fires")                                   \
    X(MARK_CRASH_ORDER_PENDING, "a crash while an order is pending")                     \
    X(MARK_CRASH_GATE_PENDING, "a crash while a gate is pending")                        \
    X(MARK_CRASH_STOP_PENDING, "a crash while a stop is pending")                        \
    X(MARK_ACTION_AGAIN, "an action comes again after a crash and is ignored")           \
    X(MARK_ACTION_FIRST_AFTER_CRASH, "an action reaches the world only after a crash")   \
    X(MARK_RECOVER_SNAPSHOT, "a recovery from a snapshot")                               \
    X(MARK_RECOVER_JOURNAL, "a recovery from the whole journal")

enum mark {
#define X(e, name) e,
    SOMETIMES(X)
#undef X
    MARK_COUNT
};

struct marks {
    uint64_t count[MARK_COUNT];
};

static inline void mark_hit(struct marks *m, enum mark mark)
{
    m->count[mark]++;
}

/* A mark that is hit when the condition holds. */
static inline void sometimes(struct marks *m, bool cond, enum mark mark)
{
    m->count[mark] += cond;
}

void marks_add(struct marks *to, const struct marks *more);
const char *mark_name(uint32_t mark); /* "unknown" out of range */

#endif

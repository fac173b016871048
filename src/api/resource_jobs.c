/* Jobs as rows: those of the state; with `all` those that are over, from the record, after them. */
#include "api/resource_tables.h"

#include "api/job_state.h"
#include "api/past.h"
#include "base/mem.h"
#include "base/units.h"

/* A row is a place in the board, or past it one of the record's. */
struct job_row {
    uint32_t slot;               /* MW_NONE: it is over */
    const struct past_job *past; /* NULL: it lives */
};

struct jobs {
    struct job_row *row;
    void *tail; /* room for an event's */
};

static void jobs_fini(void *data)
{
    struct jobs *d = data;
    mw_free(d->row);
    mw_free(d->tail);
}

static uint32_t collect(const struct api_view_of *of, struct job_row *row)
{
    const struct board *b = of->control->board;
    uint32_t n = 0, past = 0;
    const struct past_job *list = of->all && of->past ? past_jobs(of->past, &past) : NULL;
    for (uint32_t slot = 0; slot < b->jobs_used; slot++)
        if (b->job_id[slot])
            row[n++] = (struct job_row){ .slot = slot };
    for (uint32_t i = past; i-- > 0;)
        if (list[i].state != PAST_JOB_LIVES)
            row[n++] = (struct job_row){ .slot = MW_NONE, .past = &list[i] };
    return n;
}

int api_make_jobs(const struct api_view_of *of, struct api_rows *ret, struct mw_error *err)
{
    struct jobs *d = mw_calloc(1, sizeof(*d));
    uint32_t past = 0;
    if (of->all && of->past)
        (void)past_jobs(of->past, &past);
    ret->data = d;
    ret->data_fini = jobs_fini;
    if (d == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    d->row = mw_calloc((size_t)of->control->board->jobs_used + past + 1, sizeof(*d->row));
    d->tail = mw_calloc(1, EVENT_TAIL_MAX);
    if (d->row == NULL || d->tail == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    ret->count = collect(of, d->row);
    return 0;
}

static const struct board *board_of(const struct api_rows *r)
{
    return r->of->control->board;
}

static const struct job_row *row_of(const struct api_rows *r, uint32_t row)
{
    const struct jobs *d = r->data;
    return &d->row[row];
}

bool api_sees_job_row(const struct board *b, uint32_t slot, const struct principal *who)
{
    if (!access_sees_tenant(who, b->job_tenant[slot]))
        return false;
    if (who->halls == 0 || b->job_first_node[slot] == MW_NONE)
        return true;
    for (uint32_t n = b->job_first_node[slot]; n != MW_NONE; n = b->node_next[n]) {
        uint32_t hall = b->fleet->node_hall[n];
        if (hall != MW_NONE &&
            access_sees_hall(who, fleet_name(b->fleet, component_id(COMPONENT_HALL, hall))))
            return true;
    }
    return false;
}

bool api_sees_job(struct api_rows *r, uint32_t row, const struct principal *who)
{
    const struct job_row *j = row_of(r, row);
    return j->past != NULL ? access_sees_tenant(who, j->past->tenant)
                           : api_sees_job_row(board_of(r), j->slot, who);
}

/* ---- getters -------------------------------------------------------------------------------- */

/* A number that the board and the record have under the same name. */
#define BOTH(name, of_board, of_past)                                                   \
    static void name(struct api_rows *r, uint32_t row, struct api_value *ret)           \
    {                                                                                   \
        const struct board *b = board_of(r);                                            \
        const struct job_row *j = row_of(r, row);                                       \
        *ret = api_value_int(j->past != NULL ? (int64_t)j->past->of_past                \
                                             : (int64_t)b->of_board[j->slot]);          \
    }
BOTH(get_job, job_id, job)
BOTH(get_tenant, job_tenant, tenant)
BOTH(get_gpus, job_gpus, gpus)
BOTH(get_nodes, job_nodes, nodes)
BOTH(get_priority, job_priority, priority)
BOTH(get_attempt, job_attempt, attempts)
BOTH(get_work, job_work_ms, work_ms)

/* The past has read it already, if not, the record has it (slowly). */
static void get_name(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct jobs *d = r->data;
    const struct job_row *j = row_of(r, row);
    struct journal *journal = r->of->journal;
    struct event ev;
    uint64_t seq = j->past != NULL ? j->past->submit_seq : board_of(r)->job_submit_seq[j->slot];
    const struct past_job *known = j->past;
    if (known == NULL && r->of->past != NULL)
        known = past_job_find(r->of->past, board_of(r)->job_id[j->slot]);
    if (known != NULL && known->submit_seq == seq) {
        *ret = api_value_text(known->name);
        return;
    }
    if (journal == NULL || journal->ops->get(journal, seq, &ev, d->tail, NULL) < 0)
        return;
    if (ev.kind != EV_JOB_SUBMITTED || ev.tail_size == 0)
        return;
    text_add_n(api_scratch(r), d->tail, ev.tail_size);
    *ret = api_value_scratch(r, VALUE_TEXT);
}

static void get_state(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    *ret = api_value_text(j->past != NULL ? past_job_state_name(j->past->state)
                                          : job_state_word(board_of(r)->job_state[j->slot]));
}

static void get_interruptible(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    uint8_t flags = j->past != NULL ? j->past->flags : board_of(r)->job_flags[j->slot];
    *ret = api_value_bool(flags & JOB_INTERRUPTIBLE);
}

static void get_submitted(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    *ret = api_value_time(j->past != NULL ? j->past->submitted_ms
                                          : board_of(r)->job_submit_ms[j->slot]);
}

static void get_started(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    *ret = api_value_time(j->past != NULL ? j->past->started_ms
                                          : board_of(r)->job_ready_ms[j->slot]);
}

static void get_ended(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    if (j->past != NULL)
        *ret = api_value_time(j->past->ended_ms);
}

static struct job_pace pace_of(const struct api_rows *r, const struct job_row *j)
{
    return job_pace(r->of->control, j->slot, mw_ms(r->of->now_ns));
}

static void get_progress(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    *ret = api_value_int(j->past != NULL ? j->past->progress_ms : pace_of(r, j).progress_ms);
}

static void get_saved(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    *ret = api_value_int(j->past != NULL ? j->past->saved_ms : pace_of(r, j).saved_ms);
}

static void get_unsaved(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    if (j->past == NULL)
        *ret = api_value_int(pace_of(r, j).unsaved_ms);
}

static void get_next_checkpoint(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    if (j->past == NULL)
        *ret = api_value_or_null((uint64_t)pace_of(r, j).next_checkpoint_ms);
}

static void get_expected_end(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    if (j->past == NULL)
        *ret = api_value_time(job_end_ms(r->of->control, j->slot, mw_ms(r->of->now_ns)));
}

static void get_incident(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct board *b = board_of(r);
    const struct job_row *j = row_of(r, row);
    uint32_t node;
    if (j->past != NULL) {
        *ret = api_value_or_null(j->past->incident);
        return;
    }
    uint32_t slot = job_incident(b, j->slot, &node);
    *ret = slot != MW_NONE ? api_value_incident(b, slot)
                           : api_value_or_null(b->job_incident[j->slot]);
}

static void get_risk(struct api_rows *r, uint32_t row, struct api_value *ret)
{
    const struct job_row *j = row_of(r, row);
    if (j->past != NULL)
        return;
    job_risk(api_scratch(r), r->of->words, r->of->control, j->slot, mw_ms(r->of->now_ns));
    *ret = api_value_scratch(r, VALUE_TEXT);
}

const struct api_field api_job_fields[] = {
    { "job", FIELD_INT, BASIS_NONE, "Job", "the job's number", get_job },
    { "name", FIELD_TEXT, BASIS_NONE, "Name", "its name, where it has one", get_name },
    { "tenant", FIELD_INT, BASIS_NONE, "Tenant", "whose it is", get_tenant },
    { "state", FIELD_TEXT, BASIS_NONE, "State", "queued, placed, running or stopping; with ?all "
      "also done, failed, cancelled, ended", get_state },
    { "gpus", FIELD_INT, BASIS_RECORD, "GPUs", "how many GPUs it asked for", get_gpus },
    { "nodes", FIELD_INT, BASIS_RECORD, "Nodes", "how many nodes it asked for", get_nodes },
    { "priority", FIELD_INT, BASIS_NONE, "Priority", "0 is the lowest, 7 the highest",
      get_priority },
    { "interruptible", FIELD_BOOL, BASIS_NONE, "Interruptible", "it may run on spares and is "
      "stopped when they are needed", get_interruptible },
    { "attempt", FIELD_INT, BASIS_RECORD, "Attempt", "the number of its present or last attempt",
      get_attempt },
    { "submitted", FIELD_TIME, BASIS_RECORD, "Submitted", "when it came", get_submitted },
    { "started", FIELD_TIME, BASIS_RECORD, "Started", "since when its attempt works; of a job that "
      "is over, when it first did", get_started },
    { "ended", FIELD_TIME, BASIS_RECORD, "Ended", "when it was over", get_ended },
    { "progress_ms", FIELD_MS, BASIS_MODELLED, "Done", "useful work done, by its cadence since it "
      "last reported", get_progress },
    { "work_ms", FIELD_MS, BASIS_RECORD, "Work", "useful work that it needs", get_work },
    { "saved_ms", FIELD_MS, BASIS_MODELLED, "Saved", "work in its last whole checkpoint, by its "
      "cadence since it last reported", get_saved },
    { "unsaved_ms", FIELD_MS, BASIS_MODELLED, "At stake", "time since its last checkpoint: lost, "
      "on all its GPUs, if it stopped now", get_unsaved },
    { "next_checkpoint_ms", FIELD_MS, BASIS_MODELLED, "Next checkpoint", "from now to the end of "
      "the next one", get_next_checkpoint },
    { "expected_end", FIELD_TIME, BASIS_MODELLED, "Expected end", "now, the work that is left and "
      "the checkpoints on the way; a waiting job's from its reservation", get_expected_end },
    { "incident", FIELD_INT, BASIS_NONE, "Incident", "the open incident on one of its nodes, else "
      "what ended its last attempt", get_incident },
    { "risk", FIELD_TEXT, BASIS_MODELLED, "At risk", "why it is at risk, where it is", get_risk },
    { 0 },
};

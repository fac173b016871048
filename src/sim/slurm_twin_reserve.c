/*
 * Reservations of the twin: nodes on which nothing new starts for a while.
 */
#include "sim/slurm_twin_private.h"

#include <stdio.h>
#include <string.h>

bool twin_reserved(const struct slurm_twin *t, uint32_t node)
{
    for (uint32_t i = 0; i < t->reservations; i++)
        if (t->reservation[i].name[0] && twin_has(&t->reservation[i].on, node))
            return true;
    return false;
}

int64_t twin_reserve_next(const struct slurm_twin *t)
{
    int64_t due = MW_NEVER;
    for (uint32_t i = 0; i < t->reservations; i++)
        if (t->reservation[i].name[0])
            due = MW_MIN(due, t->reservation[i].to_ns);
    return due;
}

void twin_reserve_step(struct slurm_twin *t)
{
    for (uint32_t i = 0; i < t->reservations; i++) {
        struct twin_reservation *r = &t->reservation[i];
        if (!r->name[0] || r->to_ns > t->now_ns)
            continue;
        r->name[0] = '\0';
        twin_look(t);
    }
}

/* The row with this name, NULL; "" finds a free one. */
static struct twin_reservation *find(struct slurm_twin *t, const char *name)
{
    for (uint32_t i = 0; i < t->reservations; i++)
        if (strcmp(t->reservation[i].name, name) == 0)
            return &t->reservation[i];
    return *name || t->reservations == TWIN_RESERVATIONS_MAX ? NULL
                                                             : &t->reservation[t->reservations++];
}

int twin_reserve_create(struct slurm_twin *t, const char *name, const struct twin_set *on,
                        int64_t minutes, struct text *out, struct text *err)
{
    must(*name && minutes > 0);
    bool known = find(t, name) != NULL;
    struct twin_reservation *r = known ? NULL : find(t, "");
    if (known || !r || strlen(name) >= sizeof(r->name)) {
        text_addf(err, "Error creating the reservation: %s\n",
                  known ? "Duplicate reservation name" : "Requested reservation is invalid");
        return 1;
    }
    (void)snprintf(r->name, sizeof(r->name), "%s", name);
    r->on = *on;
    r->from_ns = twin_whole(t->now_ns);
    r->to_ns = r->from_ns + minutes * MW_NS_PER_MIN;
    text_addf(out, "Reservation created: %s\n", name);
    return 0;
}

int twin_reserve_delete(struct slurm_twin *t, const char *name, struct text *err)
{
    struct twin_reservation *r = *name ? find(t, name) : NULL;
    if (!r) {
        text_addf(err, "delete_reservation ReservationName=%s: Requested reservation is invalid\n",
                  name);
        return 1;
    }
    r->name[0] = '\0';
    twin_look(t);
    return 0;
}

void twin_reserve_show(const struct slurm_twin *t, struct text *out)
{
    char from[32], to[32];
    bool any = false;
    for (uint32_t i = 0; i < t->reservations; i++) {
        const struct twin_reservation *r = &t->reservation[i];
        if (!r->name[0])
            continue;
        any = true;
        text_addf(out, "ReservationName=%s StartTime=%s EndTime=%s Nodes=", r->name,
                  twin_when(r->from_ns, "", from), twin_when(r->to_ns, "", to));
        twin_print_set(t, &r->on, out);
        text_add(out, " Features=(null) PartitionName=(null) Flags=MAINT,IGNORE_JOBS,SPEC_NODES "
                 "Users=root Groups=(null) Accounts=(null) Licenses=(null) State=ACTIVE "
                 "BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)\n");
    }
    if (!any)
        text_add(out, "No reservations in the system\n");
}

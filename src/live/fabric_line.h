/*
 * What mw-fabric says of the fabric, line by line, and back.  mw-fabric is a
 * program of its own because the InfiniBand libraries may print, exit or hang;
 * what it writes comes from the fabric and is read as outside bytes.
 *
 *   asked:   round counters=0|1 hosts=0|1
 *   said:    fabric 1
 *            node GUID KIND PORTS LID NAME             rows count from 0
 *            port NODE NUMBER PEER-NODE|- PEER-NUMBER STATE PHYSICAL
 *                 WIDTH WIDTH-ENABLED WIDTH-SUPPORTED SPEED SPEED-ENABLED SPEED-SUPPORTED
 *            count NODE NUMBER HAS WIDE VALUE…          one for each counter of fabric_counters.h
 *            end DISCOVER-US READ-US ASKED FAILED       or
 *            fail CODE TEXT
 * Words are parted by one blank; GUID, HAS and WIDE are hex; NAME and TEXT are percent-coded as in
 * the agents' protocol.  Pure.
 */
#ifndef MW_LIVE_FABRIC_LINE_H
#define MW_LIVE_FABRIC_LINE_H

#include "live/fabric.h"
#include "live/fabric_counters.h"

#define FABRIC_LINE_MAX 1024 /* bytes with the newline and '\0' */

/* One round as it comes in. */
struct fabric_round {
    struct fabric fabric;             /* owned */
    struct fabric_reading *reading;   /* owned; a row a port of fabric; has == 0: not read */
    uint32_t reading_room;
    uint64_t discover_us, read_us;
    uint32_t asked, failed; /* ports whose counters were asked for, and did not come */
    bool done;              /* `end` has come */
};

void fabric_round_fini(struct fabric_round *r);
void fabric_round_clear(struct fabric_round *r); /* before a round */

/* One line, '\0'-ended, without its newline.  MW_ESYNTAX and others of fabric.h: the round is of
 * no use.  A `fail` line gives its code and text. */
MW_MUST_USE int fabric_round_line(struct fabric_round *r, const char *line, struct mw_error *err);

/* Each writes a line with its newline; gives its length, 0 when it does not fit. */
size_t fabric_line_node(const struct fabric_node *n, char to[FABRIC_LINE_MAX]);
size_t fabric_line_port(const struct fabric *f, uint32_t port, char to[FABRIC_LINE_MAX]);
size_t fabric_line_count(const struct fabric_port *p, const struct fabric_reading *r,
                         char to[FABRIC_LINE_MAX]);
size_t fabric_line_fail(int code, const char *text, char to[FABRIC_LINE_MAX]);

#endif

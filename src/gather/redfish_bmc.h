/*
 * Between the files of the Redfish door: one BMC as the door knows it.  It is
 * first crawled (redfish_crawl.c: what is there, and from it a plan of few
 * documents that hold all readings), then read round by round (redfish_round.c).
 * One request at a time: BMCs are slow and easily overrun.
 */
#ifndef MW_GATHER_REDFISH_BMC_H
#define MW_GATHER_REDFISH_BMC_H

#include <pthread.h>

#include "gather/credentials.h"
#include "gather/door.h"
#include "gather/fetch.h"
#include "gather/out.h"
#include "live/redfish.h"

#define BMC_URL_MAX 160
#define BMC_THINGS_MAX 3000   /* sensors, supplies, fans, detectors of one BMC */
#define BMC_ASKS_MAX 4000     /* documents of one crawl */
#define BMC_LOGS_MAX 8
#define BMC_REPORTS_MAX 64
#define BMC_SERIES 384         /* room for readings before a crawl has counted them */
#define BMC_FIRMWARE_MAX 256
#define BMC_WORD_MAX 64
#define BMC_STATED_MAX 32     /* versions that doors.yaml states */

/* A document to ask for. */
struct bmc_ask {
    char *path;      /* owned; without a query */
    uint8_t link;    /* enum redfish_link: what it was named as */
    uint8_t log;     /* of REDFISH_LINK_ENTRIES: which log */
};

struct bmc_asks {
    struct bmc_ask *ask; /* owned */
    uint32_t length, room, next;
};

/* Something with a reading or a health, in the order of paths. */
struct bmc_thing {
    char *path, *name;  /* owned */
    uint8_t kind;       /* REDFISH_SENSOR, _PSU, _FAN, _LEAK, _SYSTEM */
    uint8_t quantity;   /* of a sensor */
    bool in_report;     /* a report of the plan has it */
    double low, high;   /* critical, as the BMC states */
};

struct bmc_log {
    char *path;            /* owned: of its entries */
    char name[BMC_WORD_MAX];
    uint64_t count;        /* entries when it was read last */
    uint64_t number;       /* the highest number of an entry so far */
    char created[BMC_WORD_MAX];
    bool known;            /* it was read once: what comes now is new */
    bool skips;            /* the service honoured $skip */
};

struct bmc_firmware {
    char id[BMC_WORD_MAX], version[BMC_WORD_MAX];
};

struct bmc {
    struct redfish_door *door;
    const struct door_target *target;
    char url[BMC_URL_MAX];
    char token[512];           /* "X-Auth-Token: …"; "" = not logged in */
    char *session;             /* owned: path of our session; NULL */
    char *sessions;            /* owned: where sessions are made */
    uint32_t machine;          /* of the out; MW_NONE until it was crawled */
    int64_t end_ms;            /* of this round, CLOCK_MONOTONIC */
    int64_t crawled_ms;        /* 0 = never, or not whole */
    int64_t due_ms;            /* not asked before */
    uint32_t silent;           /* rounds without an answer */
    bool busy, expands, measuring; /* measuring: which reports have which sensors */
    bool refused, basic; /* our credentials, in this round; no sessions here */
    uint32_t answers, troubles; /* of this round */
    char trouble[160];
    struct bmc_asks crawl, round;
    struct bmc_asks again;     /* of this round only: further pages of logs */
    struct bmc_thing *thing;   /* owned */
    uint32_t things, things_room;
    struct bmc_log log[BMC_LOGS_MAX];
    uint32_t logs;
    struct bmc_firmware *firmware; /* owned */
    uint32_t firmwares;
    char model[BMC_WORD_MAX];
    char *system, *reset, *reset_info; /* owned paths of the system that may be reset; NULL */
    uint32_t inventory[REDFISH_KINDS]; /* parts said of each kind in this crawl */
    int64_t acting_ms;         /* until then what is off may be our doing */
    char **report;             /* owned: paths of reports, with how many things each has */
    uint32_t *report_things, reports;
};

struct redfish_door {
    const struct door_spec *spec;
    struct door_out *out;
    struct credentials secret;
    struct fetch *fetch;
    struct fetch_trust trust;
    struct bmc *bmc;           /* owned, one a target */
    char **pin;                /* owned, one a target; NULL = trust.pin */
    int64_t inventory_ms;
    uint32_t concurrency, active, next; /* of a round: BMCs asked now; the next one to begin */
    pthread_mutex_t lock;      /* over the paths of systems, and acting_ms */
    bool sessions;             /* log in; else Basic at each request */
    bool expect_on;
    struct bmc_firmware stated[BMC_STATED_MAX];
    uint32_t stateds;
    bool drift;                /* the firmware of some BMC was read anew */
};

/* ---- lists of documents --------------------------------------------------------------------- */

/* Once each; false: no room or no memory. */
bool bmc_ask_add(struct bmc_asks *a, const char *path, uint8_t link, uint8_t log);
void bmc_asks_clear(struct bmc_asks *a);

/* ---- crawling ------------------------------------------------------------------------------- */

void bmc_crawl_begin(struct bmc *b);
/* A document of the crawl has come. */
void bmc_crawl_take(struct bmc *b, const struct bmc_ask *ask, const char *text, size_t size);
/* All that was asked for has come: sorts what was found and asks for the reports (false); when
 * these have come too, says the parts and makes the plan (true). */
bool bmc_crawl_end(struct bmc *b, int64_t now_ms);
void bmc_forget(struct bmc *b); /* what was found; owned memory */

/* ---- reading -------------------------------------------------------------------------------- */

void bmc_round_take(struct bmc *b, const struct bmc_ask *ask, const char *text, size_t size);
/* The path with its query. */
void bmc_ask_url(const struct bmc *b, const struct bmc_ask *ask, char *to, size_t size);
struct bmc_thing *bmc_thing_at(const struct bmc *b, const char *path);
/* Versions that differ from the stated ones or from most of their like. */
void bmc_firmware_compare(struct redfish_door *d);

/* ---- acting --------------------------------------------------------------------------------- */

int redfish_act(void *state, const char *machine, const char *step, char *ret_text, size_t size,
                struct mw_error *err);

bool redfish_acts_on(struct bmc *b); /* an action of ours is under way, or was a moment ago */
/* Ends the sessions that we have; a second at most. */
void redfish_log_out(struct redfish_door *d);
/* The file of fingerprints: every target must be in it. */
MW_MUST_USE int redfish_pins_read(struct redfish_door *d, struct mw_error *err);
void redfish_pins_free(struct redfish_door *d);

int64_t bmc_clock_ms(void);

#endif

/*
 * Redfish documents (DMTF DSP0266, DSP0268) as facts: what a BMC says of its
 * system, chassis, sensors, supplies, fans, leak detectors, firmware and logs.
 * One document in, items and links out; the caller fetches (gather/) or has
 * the documents as files (an importer).  No I/O, no clock.
 *
 * What documents of real BMCs hold that is not what it looks like, and is read
 * as "no reading" here: null; 4294967295 and 18446744073709551615 (counters
 * that stand at their end, limits that are not set); a stale value of a metric
 * report; a fan's SpeedRPM that repeats its per cent.  A bit error rate under
 * 1e-200 is the floor of the device's own arithmetic and is read as 0.
 * A sensor of something that is absent says Health=Critical: absent wins.
 */
#ifndef MW_LIVE_REDFISH_H
#define MW_LIVE_REDFISH_H

#include "base/error.h"

#define REDFISH_BYTES_MAX ((size_t)16 << 20) /* of one document; a whole SEL expanded is ~4 MB */
#define REDFISH_MEMBERS_MAX 20000            /* taken of one collection or report */
#define REDFISH_PATH_MAX 320                 /* bytes of a path that is taken, ending included */
#define REDFISH_BER_FLOOR 1e-200

enum redfish_kind {
    REDFISH_OTHER, REDFISH_ROOT, REDFISH_COLLECTION, REDFISH_SYSTEM, REDFISH_CHASSIS,
    REDFISH_MANAGER, REDFISH_SENSOR, REDFISH_PSU, REDFISH_FAN, REDFISH_LEAK, REDFISH_LOG_SERVICE,
    REDFISH_LOG_ENTRY, REDFISH_FIRMWARE, REDFISH_PROCESSOR, REDFISH_MEMORY, REDFISH_DRIVE,
    REDFISH_ADAPTER, REDFISH_REPORT, REDFISH_KINDS
};
enum redfish_health { REDFISH_UNSAID, REDFISH_FINE, REDFISH_WARNING, REDFISH_CRITICAL };
enum redfish_state { REDFISH_STATE_UNSAID, REDFISH_ENABLED, REDFISH_ABSENT, REDFISH_NOT_IN_USE };
enum redfish_power {
    REDFISH_POWER_UNSAID, REDFISH_POWER_ON, REDFISH_POWER_OFF, REDFISH_POWER_CHANGING
};
enum redfish_quantity {
    REDFISH_NOTHING, REDFISH_TEMPERATURE_C, REDFISH_POWER_W, REDFISH_VOLTAGE_V, REDFISH_CURRENT_A,
    REDFISH_SPEED_RPM, REDFISH_PERCENT, REDFISH_ENERGY_J, REDFISH_FREQUENCY_HZ,
    REDFISH_PRESSURE_PA, REDFISH_FLOW_LPM, REDFISH_QUANTITIES
};

/* One resource. Texts are borrowed for the call, "" when not said; numbers NaN. */
struct redfish_item {
    uint8_t kind, health, state, power;  /* enums above */
    uint8_t quantity;                    /* sensor: enum redfish_quantity; in that unit */
    bool leaks;                          /* leak detector: it says so itself */
    bool may_reset;                      /* system: it has ComputerSystem.Reset */
    const char *path;                    /* its @odata.id */
    const char *id, *name, *model, *serial, *maker, *part;
    const char *version;                 /* firmware, BIOS of a system, FirmwareVersion */
    const char *type;                    /* ChassisType, ProcessorType, LeakDetectorType */
    const char *reset_path, *reset_info; /* system: target of the action; its ActionInfo or "" */
    const char *reset_time;              /* system: LastResetTime */
    const char *text, *code, *created;   /* log entry: Message, MessageId, Created */
    double reading;                      /* sensor; fan: per cent; supply: output W */
    double rpm;                          /* fan */
    double critical_low, critical_high;  /* sensor: the BMC's own LowerCritical, UpperCritical */
    double count;                        /* memory: MiB; drive: bytes; processor: cores */
};

/* What a document names for the caller to fetch, by the property that names it. */
enum redfish_link {
    REDFISH_LINK_MEMBER, REDFISH_LINK_NEXT, REDFISH_LINK_SYSTEMS, REDFISH_LINK_CHASSIS,
    REDFISH_LINK_MANAGERS, REDFISH_LINK_UPDATE, REDFISH_LINK_TELEMETRY, REDFISH_LINK_SESSIONS,
    REDFISH_LINK_SENSORS, REDFISH_LINK_POWER, REDFISH_LINK_SUPPLIES, REDFISH_LINK_THERMAL,
    REDFISH_LINK_FANS, REDFISH_LINK_LEAKS, REDFISH_LINK_LEAK_DETECTORS, REDFISH_LINK_LOGS,
    REDFISH_LINK_ENTRIES, REDFISH_LINK_FIRMWARE, REDFISH_LINK_REPORTS, REDFISH_LINK_PROCESSORS,
    REDFISH_LINK_MEMORY, REDFISH_LINK_STORAGE, REDFISH_LINK_DRIVES, REDFISH_LINK_ADAPTERS,
    REDFISH_LINKS
};

/* Any may be NULL. */
struct redfish_sink {
    void *ctx;
    void (*item)(void *ctx, const struct redfish_item *i);
    /* Comes after the item that names it. */
    void (*link)(void *ctx, enum redfish_link what, const char *path);
    /* A value of a metric report: the path of a resource, or with #/Property behind it; NaN when
     * there is none now. */
    void (*value)(void *ctx, const char *path, double value);
    /* A type of reset that the system takes: of a ComputerSystem or an ActionInfo. */
    void (*reset)(void *ctx, const char *type);
};

struct redfish_doc {
    uint8_t kind;     /* of the document itself */
    uint32_t members; /* that it holds or names */
    int64_t count;    /* what it says that the whole collection has; -1 = not said */
    bool expands;     /* service root: it takes ?$expand=.($levels=1) */
    uint32_t refused; /* members past the bounds, or no resources */
};

/* MW_ESYNTAX: no JSON, or no Redfish resource; MW_ELIMIT: too long. */
MW_MUST_USE int redfish_read(const char *text, size_t size, const struct redfish_sink *sink,
                             struct redfish_doc *ret, struct mw_error *err);

/* Whether a reading is past what the BMC calls critical: -1 under, 1 over, 0 neither or unknown. */
int redfish_beyond(const struct redfish_item *sensor, double reading);

/* Whether a property of a metric report is of this resource: equal up to a # in it. */
bool redfish_same_resource(const char *path, const char *property);

const char *redfish_quantity_unit(enum redfish_quantity q); /* "W" */

#endif

/*
 * What ipmitool prints, as facts: sensors (`-c sdr list full`), events
 * (`-c sel elist`), power, the BMC and the board behind it.  Line by line,
 * bounded; a line that is none is skipped and counted by the caller.
 * Pure: text in, struct out.
 */
#ifndef MW_LIVE_IPMI_TEXT_H
#define MW_LIVE_IPMI_TEXT_H

#include "base/error.h"

#define IPMI_NAME_MAX 64
#define IPMI_TEXT_MAX 160

enum ipmi_quantity {
    IPMI_OTHER, IPMI_TEMPERATURE_C, IPMI_SPEED_RPM, IPMI_POWER_W, IPMI_VOLTAGE_V, IPMI_CURRENT_A,
    IPMI_PERCENT, IPMI_QUANTITIES
};
enum ipmi_status { IPMI_NO_READING, IPMI_FINE, IPMI_NONCRITICAL, IPMI_CRITICAL };

struct ipmi_sensor {
    char name[IPMI_NAME_MAX];
    uint8_t quantity, status; /* enums above */
    double value;             /* NaN = no reading */
};
/* "MBTemp,45,degrees C,ok" without its newline; the list and its sizes are outside bytes.
 * MW_ESYNTAX: it is no such line. */
MW_MUST_USE int ipmi_sensor_read(const char *line, size_t size, struct ipmi_sensor *ret);

struct ipmi_event {
    uint32_t id;
    bool asserted, critical;
    char sensor[IPMI_NAME_MAX]; /* "Temperature MBTemp" */
    char text[IPMI_TEXT_MAX];   /* "Upper Critical going high, Reading 85 > Threshold …" */
};
/* "2, Pre-Init ,0000049297,Temperature MBTemp,Upper Critical going high,Asserted,…"; the id is
 * hexadecimal.  critical: thresholds called critical or non-recoverable, and the failures of the
 * sensor-specific offsets (IPMI 2.0, table 42-3) that ipmi_text.c lists. */
MW_MUST_USE int ipmi_event_read(const char *line, size_t size, struct ipmi_event *ret);

/* "Chassis Power is on": 1 on, 0 off, -1 something else. */
int ipmi_power_read(const char *text, size_t size);
/* The text behind "Product Serial   : " in `fru print`, `mc info`, `sel info`, `sdr info`, trimmed
 * and cut; false: there is no such line. */
bool ipmi_field_read(const char *text, size_t size, const char *field, char *ret, size_t ret_size);
/* Its whole number; -1: none. */
int64_t ipmi_number_read(const char *text, size_t size, const char *field);

/* The next line of a text (without its end), from *at on; false: there is none. */
bool ipmi_line_next(const char *text, size_t size, size_t *at, const char **ret_line,
                    size_t *ret_size);

#endif

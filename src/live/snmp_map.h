/*
 * Which objects of an SNMP agent are which readings: a table of lines, kept as
 * data (data/oids/ and its README), so that another PDU is another file.  Here
 * are its reader and the arithmetic; who asks is gather/door_snmp.c.
 * Pure: text in, rows out.
 */
#ifndef MW_LIVE_SNMP_MAP_H
#define MW_LIVE_SNMP_MAP_H

#include "base/error.h"

#define SNMP_OID_MAX 64       /* numbers of an object identifier here; net-snmp takes 128 */
#define SNMP_ROWS_MAX 256     /* of one map */
#define SNMP_LABEL_MAX 48
#define SNMP_MAP_BYTES_MAX ((size_t)1 << 20)

struct snmp_oid {
    uint32_t id[SNMP_OID_MAX];
    uint32_t length; /* 0 = none */
};

struct snmp_row {
    struct snmp_oid oid, digits, name;
    int64_t last;    /* only instances that end so; -1 = all */
    int64_t on;      /* the value that means 1; -1 = no state */
    double factor;
    uint16_t metric;
    char label[SNMP_LABEL_MAX];
};

struct snmp_map {
    struct snmp_row *row; /* owned */
    uint32_t rows;
};

/* MW_ESYNTAX names file and line; MW_ELIMIT; MW_ENOMEM. */
MW_MUST_USE int snmp_map_read(const char *text, size_t size, const char *file,
                              struct snmp_map *ret, struct mw_error *err);
void snmp_map_fini(struct snmp_map *m); /* zeroed is fine */

/* "1.3.6.1.4", a leading dot is fine. MW_EINVAL. */
MW_MUST_USE int snmp_oid_read(const char *text, struct snmp_oid *ret);
bool snmp_oid_begins(const struct snmp_oid *oid, const struct snmp_oid *with);
/* What an oid has behind the row's own: the instance, without a row's `last`.  false: it is not the
 * row's, or ends with another number than `last`. */
bool snmp_row_instance(const struct snmp_row *r, const struct snmp_oid *oid, struct snmp_oid *ret);
/* A raw value in the metric's unit, with the decimal digits that the device says (0 to 9). */
double snmp_row_value(const struct snmp_row *r, double raw, uint32_t digits);
/* A text with a number in it, as CDUs say them: "23.4", " 23.4 C". NaN: none. */
double snmp_text_number(const char *text, size_t size);

#endif

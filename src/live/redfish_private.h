/* Between the files of the Redfish reader: one resource of a tree as an item. */
#ifndef MW_LIVE_REDFISH_PRIVATE_H
#define MW_LIVE_REDFISH_PRIVATE_H

#include <jansson.h>

#include "live/redfish.h"

/* The text of a property; "" when there is none. Borrowed from the tree. */
const char *redfish_text(const json_t *o, const char *property);
/* A number, cleaned of sentinels; NaN when there is none. */
double redfish_number(const json_t *value);
/* The value of a member of a metric report: a text in which a number stands. */
double redfish_report_value(const json_t *value, const char *path);
void redfish_item_read(struct redfish_item *ret, const json_t *o, uint8_t kind);

#endif

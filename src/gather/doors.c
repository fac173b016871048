/* The table of doors, and the few words about a door that all kinds share. */
#include "gather/doors.h"

#include <string.h>

const struct door_kind *const door_kinds[] = {
    &door_redfish, &door_ipmi, &door_snmp, &door_prometheus, &door_infiniband, NULL,
};

const struct door_kind *door_kind_find(const char *kind)
{
    for (const struct door_kind *const *k = door_kinds; *k != NULL; k++)
        if (strcmp((*k)->kind, kind) == 0)
            return *k;
    return NULL;
}

const char *door_setting_at(const struct door_spec *s, const char *key, uint32_t k)
{
    for (uint32_t i = 0; i < s->settings; i++)
        if (strcmp(s->setting[i].key, key) == 0 && k-- == 0)
            return s->setting[i].value;
    return NULL;
}

const char *door_setting(const struct door_spec *s, const char *key, const char *otherwise)
{
    const char *value = door_setting_at(s, key, 0);
    return value != NULL ? value : otherwise;
}

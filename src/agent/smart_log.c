/* Fixed offsets, checked sizes; counters of 128 bits saturate at 63. */
#include "agent/smart_log.h"

#include <string.h>

#define KELVIN 273
#define ATA_ATTRIBUTES 30
#define ATA_ATTRIBUTE_BYTES 12

static int64_t u128(const uint8_t *from)
{
    uint64_t low = 0, high = 0;
    for (uint32_t i = 0; i < 8; i++) {
        low |= (uint64_t)from[i] << (8 * i);
        high |= (uint64_t)from[8 + i] << (8 * i);
    }
    return high > 0 || low > INT64_MAX ? INT64_MAX : (int64_t)low;
}

static bool is_all(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

bool smart_log_nvme(const uint8_t *log, size_t size, struct smart_log *ret)
{
    if (size < SMART_LOG_BYTES || is_all(log, SMART_LOG_BYTES, 0) ||
        is_all(log, SMART_LOG_BYTES, 0xff))
        return false;
    uint32_t kelvin = log[1] | (uint32_t)log[2] << 8;
    *ret = (struct smart_log){
        .warning = log[0],
        .temp_c = kelvin > 0 && kelvin < 1000 ? (int64_t)kelvin - KELVIN : SMART_NONE,
        .spare_pct = log[3],
        .spare_limit_pct = log[4],
        .used_pct = log[5],
        .hours = u128(log + 128),
        .unsafe_stops = u128(log + 144),
        .media_errors = u128(log + 160),
        .reallocated = SMART_NONE,
        .pending = SMART_NONE,
        .crc_errors = SMART_NONE,
    };
    return true;
}

static int64_t raw_of(const uint8_t *attribute)
{
    uint64_t v = 0;
    for (uint32_t i = 0; i < 6; i++)
        v |= (uint64_t)attribute[5 + i] << (8 * i);
    return (int64_t)v;
}

/* Temperatures and hours keep other things in their upper bytes. */
static void take_attribute(const uint8_t *a, struct smart_log *s)
{
    int64_t raw = raw_of(a);
    switch (a[0]) {
    case 5:
        s->reallocated = raw & UINT32_MAX;
        return;
    case 9:
        s->hours = raw & 0xffffff;
        return;
    case 187:
        s->media_errors = raw & UINT32_MAX;
        return;
    case 190:
    case 194:
        if (s->temp_c == SMART_NONE || a[0] == 194)
            s->temp_c = raw & 0xff;
        return;
    case 192:
        s->unsafe_stops = raw & UINT32_MAX;
        return;
    case 197:
        s->pending = raw & UINT32_MAX;
        return;
    case 199:
        s->crc_errors = raw & UINT32_MAX;
        return;
    default:
        return;
    }
}

bool smart_log_ata(const uint8_t *data, size_t size, struct smart_log *ret)
{
    uint8_t sum = 0;
    if (size < SMART_LOG_BYTES || is_all(data, SMART_LOG_BYTES, 0))
        return false;
    for (size_t i = 0; i < SMART_LOG_BYTES; i++)
        sum = (uint8_t)(sum + data[i]);
    if (sum != 0)
        return false;
    struct smart_log s;
    memset(&s, 0xff, sizeof(s)); /* all SMART_NONE */
    for (uint32_t i = 0; i < ATA_ATTRIBUTES; i++)
        take_attribute(data + 2 + (size_t)i * ATA_ATTRIBUTE_BYTES, &s);
    *ret = s;
    return true;
}

int smart_log_verdict(const uint8_t *sense, size_t size)
{
    if (size < 22 || (sense[0] & 0x7f) != 0x72 || sense[8] != 0x09 || sense[9] != 0x0c)
        return SMART_NONE; /* no ATA status return descriptor */
    if (sense[17] == 0x4f && sense[19] == 0xc2)
        return 1;
    return sense[17] == 0xf4 && sense[19] == 0x2c ? 0 : SMART_NONE;
}

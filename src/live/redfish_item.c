/* One Redfish resource as an item: each kind's own properties, cleaned of what is no reading. */
#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "live/redfish_private.h"

#define UNSET_32 4294967295.0             /* 2^32 - 1 */
#define UNSET_64 18446744073709551615.0   /* 2^64 - 1, as a double 2^64 */
#define PERCENT_MAX 100

static const struct {
    const char *type;  /* Sensor.ReadingType; of an old one, its units */
    const char *units; /* "" = any */
    uint8_t quantity;
} quantities[] = {
    { "Temperature", "", REDFISH_TEMPERATURE_C }, { "Power", "", REDFISH_POWER_W },
    { "Voltage", "", REDFISH_VOLTAGE_V },         { "Current", "", REDFISH_CURRENT_A },
    { "Rotational", "", REDFISH_SPEED_RPM },      { "Percent", "", REDFISH_PERCENT },
    { "Humidity", "", REDFISH_PERCENT },          { "EnergyJoules", "", REDFISH_ENERGY_J },
    { "Frequency", "", REDFISH_FREQUENCY_HZ },    { "Altitude", "Pa", REDFISH_PRESSURE_PA },
    { "PressurePa", "", REDFISH_PRESSURE_PA },    { "LiquidFlowLPM", "", REDFISH_FLOW_LPM },
};

const char *redfish_text(const json_t *o, const char *property)
{
    const json_t *v = json_object_get(o, property);
    return json_is_string(v) ? json_string_value(v) : "";
}

static double clean(double v)
{
    return !isfinite(v) || v == UNSET_32 || v == UNSET_64 ? NAN : v;
}

double redfish_number(const json_t *value)
{
    return json_is_number(value) ? clean(json_number_value(value)) : NAN;
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && memcmp(s + n - m, end, m) == 0;
}

double redfish_report_value(const json_t *value, const char *path)
{
    const json_t *oem = json_object_get(json_object_get(value, "Oem"), "Nvidia"), *number;
    double v = NAN;
    if (json_is_true(json_object_get(oem, "MetricValueStale")))
        return NAN;
    number = json_object_get(value, "MetricValue");
    if (json_is_number(number))
        v = json_number_value(number);
    else if (!json_is_string(number) || mw_parse_double(json_string_value(number), &v) < 0)
        return NAN;
    v = clean(v);
    return ends_with(path, "BER") && v < REDFISH_BER_FLOOR ? 0 : v;
}

static uint8_t health_of(const char *s)
{
    return strcmp(s, "OK") == 0         ? REDFISH_FINE
           : strcmp(s, "Warning") == 0  ? REDFISH_WARNING
           : strcmp(s, "Critical") == 0 ? REDFISH_CRITICAL
                                        : REDFISH_UNSAID;
}

static uint8_t state_of(const char *s)
{
    if (s[0] == '\0')
        return REDFISH_STATE_UNSAID;
    if (strcmp(s, "Absent") == 0)
        return REDFISH_ABSENT;
    return strcmp(s, "Disabled") == 0 || strcmp(s, "UnavailableOffline") == 0 ||
                   strcmp(s, "Deferring") == 0
               ? REDFISH_NOT_IN_USE
               : REDFISH_ENABLED;
}

static uint8_t power_of(const char *s)
{
    return strcmp(s, "On") == 0                                             ? REDFISH_POWER_ON
           : strcmp(s, "Off") == 0                                          ? REDFISH_POWER_OFF
           : strcmp(s, "PoweringOn") == 0 || strcmp(s, "PoweringOff") == 0 ? REDFISH_POWER_CHANGING
                                                                     : REDFISH_POWER_UNSAID;
}

static void read_sensor(struct redfish_item *i, const json_t *o)
{
    const json_t *limits = json_object_get(o, "Thresholds");
    const char *type = redfish_text(o, "ReadingType"), *units = redfish_text(o, "ReadingUnits");
    for (size_t k = 0; k < MW_ARRAY_LEN(quantities); k++)
        if (strcmp(type, quantities[k].type) == 0 &&
            (quantities[k].units[0] == '\0' || strcmp(units, quantities[k].units) == 0))
            i->quantity = quantities[k].quantity;
    i->reading = redfish_number(json_object_get(o, "Reading"));
    i->critical_low =
        redfish_number(json_object_get(json_object_get(limits, "LowerCritical"), "Reading"));
    i->critical_high =
        redfish_number(json_object_get(json_object_get(limits, "UpperCritical"), "Reading"));
}

/* SpeedPercent is an excerpt of a sensor: some services put the per cent into SpeedRPM too. */
static void read_fan(struct redfish_item *i, const json_t *o)
{
    const json_t *speed = json_object_get(o, "SpeedPercent");
    i->reading = redfish_number(json_object_get(speed, "Reading"));
    i->rpm = redfish_number(json_object_get(speed, "SpeedRPM"));
    if (i->rpm == i->reading || (i->rpm > 0 && i->rpm <= PERCENT_MAX))
        i->rpm = NAN;
}

static void read_system(struct redfish_item *i, const json_t *o)
{
    const json_t *reset = json_object_get(json_object_get(o, "Actions"), "#ComputerSystem.Reset");
    i->version = redfish_text(o, "BiosVersion");
    i->reset_path = redfish_text(reset, "target");
    i->reset_info = redfish_text(reset, "@Redfish.ActionInfo");
    i->reset_time = redfish_text(o, "LastResetTime");
    i->may_reset = i->reset_path[0] == '/';
}

static void read_entry(struct redfish_item *i, const json_t *o)
{
    i->text = redfish_text(o, "Message");
    i->code = redfish_text(o, "MessageId");
    i->created = redfish_text(o, "Created");
    i->health = health_of(redfish_text(o, "Severity"));
}

static void read_leak(struct redfish_item *i, const json_t *o)
{
    const char *said = redfish_text(o, "DetectorState");
    i->type = redfish_text(o, "LeakDetectorType");
    i->leaks = strcmp(said, "Critical") == 0 || strcmp(said, "Warning") == 0;
}

/* Values of the properties that only some kinds have. */
static void read_rest(struct redfish_item *i, const json_t *o)
{
    switch (i->kind) {
    case REDFISH_SENSOR: read_sensor(i, o); break;
    case REDFISH_FAN: read_fan(i, o); break;
    case REDFISH_SYSTEM: read_system(i, o); break;
    case REDFISH_LOG_ENTRY: read_entry(i, o); break;
    case REDFISH_LEAK: read_leak(i, o); break;
    case REDFISH_CHASSIS: i->type = redfish_text(o, "ChassisType"); break;
    case REDFISH_PROCESSOR:
        i->type = redfish_text(o, "ProcessorType");
        i->count = redfish_number(json_object_get(o, "TotalCores"));
        break;
    case REDFISH_MEMORY: i->count = redfish_number(json_object_get(o, "CapacityMiB")); break;
    case REDFISH_DRIVE: i->count = redfish_number(json_object_get(o, "CapacityBytes")); break;
    case REDFISH_FIRMWARE: i->version = redfish_text(o, "Version"); break;
    default: break;
    }
}

void redfish_item_read(struct redfish_item *ret, const json_t *o, uint8_t kind)
{
    const json_t *status = json_object_get(o, "Status");
    *ret = (struct redfish_item){
        .kind = kind, .path = redfish_text(o, "@odata.id"), .id = redfish_text(o, "Id"),
        .name = redfish_text(o, "Name"), .model = redfish_text(o, "Model"),
        .serial = redfish_text(o, "SerialNumber"), .maker = redfish_text(o, "Manufacturer"),
        .part = redfish_text(o, "PartNumber"), .version = redfish_text(o, "FirmwareVersion"),
        .type = "", .reset_path = "", .reset_info = "", .reset_time = "", .text = "", .code = "",
        .created = "", .reading = NAN, .rpm = NAN, .critical_low = NAN, .critical_high = NAN,
        .count = NAN,
        .health = health_of(redfish_text(status, "Health")),
        .state = state_of(redfish_text(status, "State")),
        .power = power_of(redfish_text(o, "PowerState")),
    };
    read_rest(ret, o);
}

bool redfish_same_resource(const char *path, const char *property)
{
    size_t n = strlen(path);
    return strncmp(path, property, n) == 0 && (property[n] == '\0' || property[n] == '#');
}

const char *redfish_quantity_unit(enum redfish_quantity q)
{
    static const char *const units[REDFISH_QUANTITIES] = {
        "", "°C", "W", "V", "A", "rpm", "%", "J", "Hz", "Pa", "L/min",
    };
    must(q < REDFISH_QUANTITIES);
    return units[q];
}

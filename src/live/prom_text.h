/*
 * The Prometheus text exposition format (0.0.4), read line by line: name,
 * labels, value.  Whoever writes it is outside: every byte is bounded.  And the
 * table that says which series of dcgm-exporter and node_exporter are which of
 * our metrics, with the factor between their units and ours.
 * Pure: text in, struct out.
 */
#ifndef MW_LIVE_PROM_TEXT_H
#define MW_LIVE_PROM_TEXT_H

#include "base/error.h"

#define PROM_LABELS_MAX 32
#define PROM_NAME_MAX 128
#define PROM_VALUE_MAX 256   /* bytes of a label's value, ending included; longer ones are cut */
#define PROM_LINE_MAX 16384

struct prom_label {
    char name[PROM_NAME_MAX], value[PROM_VALUE_MAX];
};

struct prom_sample {
    char name[PROM_NAME_MAX];
    struct prom_label label[PROM_LABELS_MAX];
    uint32_t labels;
    double value;      /* NaN is a value of this format */
    int64_t time_ms;   /* 0 = not said */
};

enum prom_what { PROM_END, PROM_SAMPLE, PROM_OTHER /* a comment, an empty line */, PROM_BAD };

/* The next line from *at on. */
enum prom_what prom_next(const char *text, size_t size, size_t *at, struct prom_sample *ret);
/* The value of a label, "" when there is none. */
const char *prom_label(const struct prom_sample *s, const char *name);

/* A series of an exporter that we have a metric for. */
enum prom_key {     /* what tells its instances apart, and gives ours */
    PROM_KEY_NONE,  /* the host: one instance */
    PROM_KEY_GPU,   /* label gpu: dcgm-exporter's index */
    PROM_KEY_NAME   /* label named in `label`: a number is given to each value */
};
struct prom_rule {
    const char *name;         /* of the series */
    const char *metric;       /* of signal/metric.h, by name */
    uint8_t key;              /* enum prom_key */
    const char *label;        /* PROM_KEY_NAME */
    double factor;            /* its value times this is in the metric's unit */
};

/* NULL: unknown. */
const struct prom_rule *prom_rule_of(const struct prom_sample *s);
uint32_t prom_rule_count(void);
const struct prom_rule *prom_rule_at(uint32_t row);

#endif

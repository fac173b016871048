/*
 * Arbitrary bytes as a bug report: every answer names a part, a cause and an
 * action, a line that exists, and only text that a terminal can show.
 */
#include <stdlib.h>
#include <string.h>

#include "signal/bug_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t room)
{
    must(memchr(s, '\0', room) != NULL);
    for (; *s != '\0'; s++)
        must((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static void check(const struct diagnosis *d, uint32_t lines)
{
    must(d->part[0] != '\0' && d->cause[0] != '\0' && d->action[0] != '\0');
    must(d->count > 0 && d->line <= lines && d->sure <= SURE_CERTAIN);
    check_text(d->part, sizeof(d->part));
    check_text(d->cause, sizeof(d->cause));
    check_text(d->action, sizeof(d->action));
    check_text(d->look, sizeof(d->look));
    check_text(d->code, sizeof(d->code));
    check_text(d->evidence, sizeof(d->evidence));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size > 0 ? size : 1); /* exactly as long: a read past it is seen */
    struct diagnoses found = { 0 };
    uint32_t lines = 1;
    must(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    struct kmsg_source s = { "fuzz.log", bytes, size, size % 2 == 0 };
    (void)bug_report_is(bytes, size);
    must(bug_report_diagnose(&s, &found, NULL) == 0);
    diagnoses_sort(&found);
    for (uint32_t i = 0; i < found.length; i++)
        check(&found.item[i], lines);
    diagnoses_fini(&found);
    free(bytes);
    return 0;
}

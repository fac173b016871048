/* Any bytes as the dump of rank 3 beside itself as rank 1: refused with words, or judged. */
#include "signal/flight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct flight_file file[] = {{"dump_3", (const char *)data, size},
                                       {"dump_1", (const char *)data, size}};
    struct diagnoses out = {0};
    struct mw_error err = {0};

    (void)flight_is_dump((const char *)data, size);
    if (flight_diagnose(file, 2, &out, &err) != 0)
        must(out.length == 0 && err.code != 0 && err.text[0] != '\0');
    else
        must(out.length > 0);
    diagnoses_fini(&out);
    return 0;
}

/* Arbitrary bytes as what fio, perftest, nccl-tests and dcgmi print: figures in range, or none. */
#include <stdlib.h>
#include <string.h>

#include "agent/check_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct parsed_fio fio;
    struct parsed_nccl nccl;
    struct parsed_dcgmi dcgmi;
    double gbps;
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (parse_fio(text, &fio))
        must(fio.read_mbps >= 0 && fio.write_mbps >= 0);
    if (parse_perftest(text, &gbps))
        must(gbps >= 0);
    if (parse_nccl(text, &nccl))
        must(nccl.bus_gbps >= 0);
    if (parse_dcgmi(text, &dcgmi))
        must(memchr(dcgmi.first, '\0', sizeof(dcgmi.first)) != NULL);
    free(text);
    return 0;
}

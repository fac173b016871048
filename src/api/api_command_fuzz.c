/* Any bytes as the body of a command: refused with words, or every part of it is in its bounds. */
#include <string.h>

#include "api/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_command c = { 0 };
    struct mw_error err = { 0 };
    int rc = api_command_read((const char *)data, size, &c, &err);
    if (rc != 0) {
        must((rc == MW_ESYNTAX || rc == MW_EINVAL) && err.text[0] != '\0' && c.verb == 0);
        return 0;
    }
    must(c.verb < API_VERB_COUNT && api_mode_word(c.mode) != NULL);
    must(strnlen(c.node, sizeof(c.node)) < sizeof(c.node));
    must(strnlen(c.hall, sizeof(c.hall)) < sizeof(c.hall));
    must(strnlen(c.reason, sizeof(c.reason)) < sizeof(c.reason));
    uint32_t keys = api_verb_info(c.verb)->keys;
    must(c.node[0] == '\0' || (keys & API_NODE));
    must(c.reason[0] != '\0' || (keys & API_NEEDS_REASON) != API_NEEDS_REASON);
    must(c.ref != 0 || (keys & API_NEEDS_REF) != API_NEEDS_REF);
    return 0;
}

/*
 * Arbitrary bytes as the line of an agent: what is taken can be written, and
 * what was written reads back the same.
 */
#include <string.h>

#include "live/agent_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char nothing[1];
    struct agent_frame first, second;
    struct mw_error err = { 0 };
    char line[AGENT_FRAME_MAX + 1];
    const char *text = size > 0 ? (const char *)data : nothing;
    if (agent_frame_read(text, size, &first, &err) < 0) {
        must(err.text[0] != '\0');
        return 0;
    }
    size_t length = agent_frame_write(&first, line, sizeof(line));
    must(length > 1 && line[length - 1] == '\n' && memchr(line, '\0', length) == NULL);
    must(agent_frame_read(line, length - 1, &second, &err) == 0);
    must(memcmp(&first, &second, sizeof(first)) == 0);
    return 0;
}

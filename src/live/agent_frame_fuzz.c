/*
 * Arbitrary bytes as a line of an agent, and as a stream of records: what is taken
 * can be written, and what was written reads back the same; records lie within the
 * bytes, one behind the other.
 */
#include <string.h>

#include "live/agent_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_line(const char *text, size_t size)
{
    struct agent_frame first, second;
    struct mw_error err = { 0 };
    char line[AGENT_FRAME_MAX + 1];
    if (agent_frame_read(text, size, &first, &err) < 0) {
        must(err.text[0] != '\0');
        return;
    }
    size_t length = agent_frame_write(&first, line, sizeof(line));
    must(length > 1 && line[length - 1] == '\n' && memchr(line, '\0', length) == NULL);
    must(agent_frame_read(line, length - 1, &second, &err) == 0);
    must(memcmp(&first, &second, sizeof(first)) == 0);
}

static void try_stream(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        struct agent_record r;
        struct mw_error err = { 0 };
        int got = agent_record_first(data + at, size - at, &r, &err);
        must(got >= 0 || (got == MW_ELIMIT && err.text[0] != '\0'));
        if (got <= 0)
            return;
        must(r.whole > 0 && r.whole <= size - at && r.size < r.whole);
        must(r.from >= data + at && r.from + r.size <= data + at + r.whole);
        if (r.kind == AGENT_RECORD_LINE) {
            must(r.from[r.size] == '\n' && r.whole == r.size + 1);
            try_line((const char *)r.from, r.size);
        } else {
            uint8_t head[AGENT_SAMPLES_HEAD];
            must(r.kind == AGENT_RECORD_SAMPLES && r.size > 0 && r.size <= AGENT_SAMPLES_MAX);
            agent_samples_head(head, r.size);
            must(memcmp(head, data + at, sizeof(head)) == 0);
        }
        at += r.whole;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    const uint8_t *from = size > 0 ? data : nothing;
    try_line((const char *)from, size);
    try_stream(from, size);
    return 0;
}

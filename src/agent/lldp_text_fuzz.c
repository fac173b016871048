/* Any text: whatever lldpcli may print, names stay within their fields. */
#include <string.h>

#include "agent/lldp_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lldp_neighbour n = { .peer = "" };
    if (lldp_text_of(text_of((const char *)data, size), "eth0", &n)) {
        must(strnlen(n.peer, sizeof(n.peer)) < sizeof(n.peer) && n.peer[0] != '\0');
        must(strnlen(n.peer_port, sizeof(n.peer_port)) < sizeof(n.peer_port));
    }
    return 0;
}

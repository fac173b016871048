/*
 * Arbitrary bytes as a group, as the events in it, and as a snapshot file:
 * refused or walked, never read past their end.  The first byte chooses.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/event_print.h"
#include "core/journal.h"
#include "store/event_json.h"
#include "store/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct text text;
    uint32_t events;
    size_t bytes; /* of values, so that they are read */
};

static void count_field(void *ctx, const char *name, const char *value, const char *doc)
{
    struct seen *s = ctx;
    must(name[0] != '\0' && doc[0] != '\0');
    s->bytes += strlen(value);
}

static int visit(void *ctx, const struct event *ev, const void *tail, bool last)
{
    struct seen *s = ctx;
    must(event_check(ev) == 0 && (tail != NULL) == (ev->tail_size > 0));
    text_clear(&s->text);
    event_print(&s->text, ev, tail);
    event_each_field(ev, tail, count_field, s);
    json_t *o = event_json(ev, tail);
    must(o != NULL);
    json_decref(o);
    s->events++;
    (void)last;
    return 0;
}

/* The count is what the first event claims; the bytes are exactly as long as the input. */
static void try_group(const uint8_t *data, size_t size)
{
    if (size < 1 || size > GROUP_BYTES_MAX)
        return;
    uint8_t *bytes = malloc(size - 1 > 0 ? size - 1 : 1);
    must(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    struct event first = {.seq = 1};
    memcpy(&first, bytes, MW_MIN(size - 1, sizeof(first)));
    struct group g = {first.seq, data[0], (uint32_t)(size - 1), bytes};
    struct seen s = {.events = 0};
    int rc = group_walk(&g, visit, &s);
    must(rc == MW_ECORRUPT || (rc == 0 && s.events == g.count));
    text_fini(&s.text);
    free(bytes);
}

static void try_snapshot(const uint8_t *data, size_t size)
{
    char dir[] = "/tmp/mw-fuzz-XXXXXX", path[64];
    must(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/snapshot-%020d", dir, 7);
    FILE *f = fopen(path, "wb");
    must(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    must(dir_fd >= 0);
    struct snapshot s = {.data = NULL};
    struct snapshot_list l;
    int rc = snapshot_load(dir_fd, 7, &s, NULL);
    must(rc == 0 || rc == MW_ECORRUPT || rc == MW_EVERSION);
    must(rc != 0 || s.size + 64 + MW_SHA256_SIZE == size);
    must(snapshot_list(dir_fd, &l, NULL) == 0 && l.length == 1 && l.seq[0] == 7);
    mw_free(s.data);
    (void)close(dir_fd);
    (void)unlink(path);
    (void)rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'S')
        try_snapshot(data + 1, size - 1);
    else
        try_group(data, size);
    return 0;
}

/* One line of fixed length, written over in place. */
#include "agent/klog_mark.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_BYTES 160
#define FILE_NAME "kmsg.mark"

static void line_of(const struct klog_mark *m, char to[MARK_BYTES + 1])
{
    int n = snprintf(to, MARK_BYTES + 1, "mw-kmsg 1 dev=%" PRIu64 " ino=%" PRIu64 " at=%" PRIu64
                     " boot=%s", m->dev, m->ino, m->at, m->boot);
    must(n > 0 && n < MARK_BYTES);
    memset(to + n, ' ', MARK_BYTES - 1 - (size_t)n);
    to[MARK_BYTES - 1] = '\n';
    to[MARK_BYTES] = '\0';
}

/* What does not read as it was written is as if there were none. */
static bool read_mark(struct klog_mark *m)
{
    char text[MARK_BYTES + 1] = "", again[MARK_BYTES + 1];
    if (pread(m->fd, text, MARK_BYTES, 0) != MARK_BYTES ||
        sscanf(text, "mw-kmsg 1 dev=%" SCNu64 " ino=%" SCNu64 " at=%" SCNu64 " boot=%39s", &m->dev,
               &m->ino, &m->at, m->boot) != 4)
        return false;
    line_of(m, again);
    return memcmp(text, again, MARK_BYTES) == 0;
}

void klog_mark_open(struct klog_mark *m, const char *dir, const char *boot)
{
    char path[4096];
    *m = (struct klog_mark){ .fd = -1 };
    if (dir == NULL || (size_t)snprintf(path, sizeof(path), "%s/" FILE_NAME, dir) >= sizeof(path))
        return;
    (void)mkdir(dir, 0700); /* the spool, which is there too, says what is wrong with it */
    m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    m->known = m->fd >= 0 && read_mark(m);
    m->same_boot = m->known && strncmp(m->boot, boot, sizeof(m->boot) - 1) == 0;
    (void)snprintf(m->boot, sizeof(m->boot), "%.39s", boot);
    if (!m->known)
        m->dev = m->ino = m->at = 0;
}

void klog_mark_close(struct klog_mark *m)
{
    if (m->fd >= 0)
        (void)close(m->fd);
    m->fd = -1;
}

void klog_mark_write(struct klog_mark *m, uint64_t dev, uint64_t ino, uint64_t at)
{
    char text[MARK_BYTES + 1];
    if (m->fd < 0 || (m->known && m->same_boot && m->dev == dev && m->ino == ino && m->at == at))
        return;
    m->dev = dev;
    m->ino = ino;
    m->at = at;
    m->known = m->same_boot = true;
    line_of(m, text);
    (void)!pwrite(m->fd, text, MARK_BYTES, 0);
}

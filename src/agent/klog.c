/*
 * /dev/kmsg gives one record a read; a text file is followed by name: when
 * another file takes its place or it is cut, reading begins at its start.
 */
#include "agent/klog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE "/dev/kmsg"
#define RECORD_MAX 8192 /* the kernel's own bound of a record */
#define KLOG_OLD_MAX 1000000 /* records that a kernel keeps at most: far more than any does */

static const char *const words[] = {
    "NVRM", "Xid", "nvidia", "NVSwitch", "mce:", "Machine Check", "Hardware Error", "EDAC",
    "AER:", "PCIe Bus Error", "blocked for more than", "oom", "Out of memory", "I/O error",
    "EXT4-fs", "XFS", "filesystem", "Kernel panic", "BUG:", "lockup", "mlx5_core", "segfault",
};

bool klog_matters(const char *line)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(words); i++)
        if (strstr(line, words[i]) != NULL)
            return true;
    return false;
}

/* ---- lines --------------------------------------------------------------------------------- */

static bool may_send(struct klog *k, int64_t now_ms)
{
    int64_t more = (now_ms - k->filled_ms) * KLOG_LINES_PER_S / 1000;
    if (more > 0) {
        k->tokens = (uint32_t)MW_MIN(k->tokens + more, (int64_t)KLOG_LINES_BURST);
        k->filled_ms = now_ms;
    }
    if (k->tokens == 0)
        return false;
    k->tokens--;
    return true;
}

static void send_text(int64_t now_ms, const char *text, struct uplink *u)
{
    struct agent_frame f = { .verb = AGENT_KMSG };
    (void)snprintf(f.text, sizeof(f.text), "%s", text);
    uplink_event(u, now_ms, &f);
}

static void one_line(struct klog *k, int64_t now_ms, const char *line, struct uplink *u)
{
    char note[96];
    if (!klog_matters(line))
        return;
    if (!may_send(k, now_ms)) {
        k->dropped++;
        return;
    }
    if (k->dropped > k->dropped_told) {
        (void)snprintf(note, sizeof(note), "mw-agent: %llu kernel lines were dropped, %d a second "
                       "are sent", (unsigned long long)(k->dropped - k->dropped_told),
                       KLOG_LINES_PER_S);
        k->dropped_told = k->dropped;
        send_text(now_ms, note, u);
    }
    send_text(now_ms, line, u);
}

/* ---- the device ---------------------------------------------------------------------------- */

/* The 3973 of "6,3973,227996636,-;text": records are numbered from the boot on. */
static uint64_t number_of(const char *record, size_t size)
{
    uint64_t number = 0;
    const char *at = memchr(record, ',', size);
    for (at += at != NULL; at != NULL && at < record + size && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

/* "6,3973,227996636,-;text\n KEY=value\n" */
static void one_record(struct klog *k, int64_t now_ms, char *record, size_t size,
                       struct uplink *u)
{
    char *text = memchr(record, ';', size);
    uint64_t number = number_of(record, size);
    if (text == NULL || number < k->next)
        return; /* none that the kernel writes, or heard by the agent before us */
    k->next = number + 1;
    text++;
    size_t length = size - (size_t)(text - record);
    const char *end = memchr(text, '\n', length);
    length = end != NULL ? (size_t)(end - text) : length;
    length = MW_MIN(length, sizeof(k->line) - 1);
    memcpy(k->line, text, length);
    k->line[length] = '\0';
    one_line(k, now_ms, k->line, u);
}

static void read_device(struct klog *k, int64_t now_ms, struct uplink *u)
{
    char record[RECORD_MAX];
    for (uint32_t i = 0; i < KLOG_READS_MAX; i++) {
        ssize_t n = read(k->fd, record, sizeof(record));
        if (n > 0)
            one_record(k, now_ms, record, (size_t)n, u);
        else if (n < 0 && errno == EPIPE)
            k->overrun++; /* the kernel wrote over what we had not read; the next read goes on */
        else if (n == 0 || errno != EINTR)
            break;
    }
    klog_mark_write(&k->mark, 0, 0, k->next);
}

/* Records of before the first agent: only how many there are is noted. */
static void pass_over(struct klog *k)
{
    char record[RECORD_MAX];
    if (k->mark.fd < 0) {
        (void)lseek(k->fd, 0, SEEK_END);
        return;
    }
    for (uint32_t i = 0; i < KLOG_OLD_MAX; i++) {
        ssize_t n = read(k->fd, record, sizeof(record));
        if (n > 0)
            k->next = number_of(record, (size_t)n) + 1;
        else if (n == 0 || (errno != EPIPE && errno != EINTR))
            break;
    }
    klog_mark_write(&k->mark, 0, 0, k->next);
}

/* ---- a text file --------------------------------------------------------------------------- */

/* What a record of /dev/kmsg says, when the file keeps its header: "3,17,9000,-;text". */
static const char *without_header(const char *line)
{
    const char *at = line;
    for (int field = 0; field < 3; field++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || at[digits] != ',')
            return line;
        at += digits + 1;
    }
    at += strcspn(at, "; ");
    return *at == ';' ? at + 1 : line;
}

static void add_bytes(struct klog *k, int64_t now_ms, const char *data, size_t size,
                      struct uplink *u)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\n') {
            k->too_long |= k->length == sizeof(k->line) - 1;
            if (!k->too_long)
                k->line[k->length++] = data[i] != '\0' ? data[i] : ' ';
            continue;
        }
        k->line[k->length] = '\0';
        one_line(k, now_ms, without_header(k->line), u);
        k->line_at = k->at + (off_t)i + 1;
        k->length = 0;
        k->too_long = false;
    }
}

/* Opens what is at the path now; false when there is nothing. */
static bool open_text(struct klog *k)
{
    struct stat s;
    k->fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (k->fd < 0)
        return false;
    if (fstat(k->fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        (void)close(k->fd);
        k->fd = -1;
        return false;
    }
    k->dev = s.st_dev;
    k->ino = s.st_ino;
    bool on = !k->from_start && k->mark.known; /* the agent before us read it, or an earlier one */
    bool same = k->mark.dev == (uint64_t)s.st_dev && k->mark.ino == (uint64_t)s.st_ino &&
                k->mark.at <= (uint64_t)s.st_size;
    k->at = k->from_start ? 0 : s.st_size;
    if (on)
        k->at = same ? (off_t)k->mark.at : 0;
    k->line_at = k->at;
    k->from_start = true; /* whatever comes after this file */
    klog_mark_write(&k->mark, (uint64_t)k->dev, (uint64_t)k->ino, (uint64_t)k->line_at);
    k->length = 0;
    k->too_long = false;
    return true;
}

static void read_text(struct klog *k, int64_t now_ms, struct uplink *u)
{
    char data[4096];
    struct stat s;
    if (fstat(k->fd, &s) == 0 && s.st_size < k->at)
        k->at = k->line_at = 0; /* cut: begin again */
    for (uint32_t i = 0; i < KLOG_READS_MAX; i++) {
        ssize_t n = pread(k->fd, data, sizeof(data), k->at);
        if (n <= 0)
            break;
        add_bytes(k, now_ms, data, (size_t)n, u);
        k->at += n;
    }
    klog_mark_write(&k->mark, (uint64_t)k->dev, (uint64_t)k->ino, (uint64_t)k->line_at);
}

/* Is another file at the path than the one that is open?  Then it is over once it is read. */
static void follow(struct klog *k, int64_t now_ms, struct uplink *u)
{
    struct stat s;
    if (k->fd >= 0)
        read_text(k, now_ms, u);
    if (stat(k->path, &s) != 0 || (k->fd >= 0 && s.st_dev == k->dev && s.st_ino == k->ino))
        return;
    if (k->fd >= 0)
        (void)close(k->fd);
    if (open_text(k))
        read_text(k, now_ms, u);
}

/* Wakes us when something happens in the file's folder; without it the beats do. */
static void watch_folder(struct klog *k)
{
    char folder[4096];
    const char *slash = strrchr(k->path, '/');
    int length = slash == NULL ? 0 : (int)(slash - k->path);
    if (slash == NULL)
        (void)snprintf(folder, sizeof(folder), ".");
    else
        (void)snprintf(folder, sizeof(folder), "%.*s/", length, k->path);
    k->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (k->notify >= 0)
        (void)inotify_add_watch(k->notify, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
}

/* ---- both ---------------------------------------------------------------------------------- */

static int open_device(struct klog *k, bool given, struct mw_error *err)
{
    k->fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (k->fd >= 0) {
        if (!k->mark.known)
            pass_over(k);
        else if (k->mark.same_boot)
            k->next = k->mark.at;
        k->device = true;
        return 0;
    }
    if (given)
        return mw_fail(err, MW_EDENIED, "%s: %s (run as root, give CAP_SYSLOG, or name a text file "
                       "with --kmsg)", k->path, strerror(errno));
    (void)fprintf(stderr, "mw-agent: %s: %s; the kernel log is not heard\n", k->path,
                  strerror(errno));
    k->path = NULL;
    return 0;
}

int klog_open(struct klog *k, const char *path, const char *state_dir, const char *boot,
              int64_t now_ms, struct mw_error *err)
{
    struct stat s;
    *k = (struct klog){ .path = path != NULL ? path : DEVICE, .fd = -1, .notify = -1,
                        .tokens = KLOG_LINES_BURST, .filled_ms = now_ms };
    klog_mark_open(&k->mark, state_dir, boot);
    bool there = stat(k->path, &s) == 0;
    if ((there && S_ISCHR(s.st_mode)) || path == NULL)
        return open_device(k, path != NULL, err);
    if (there && !S_ISREG(s.st_mode))
        return mw_fail(err, MW_EINVAL, "--kmsg %s: neither a text file nor a device", path);
    k->from_start = !there; /* one that comes later is new */
    if (there && !open_text(k))
        return mw_fail(err, MW_EDENIED, "--kmsg %s: %s", path, strerror(errno));
    watch_folder(k);
    return 0;
}

void klog_close(struct klog *k)
{
    if (k->fd >= 0)
        (void)close(k->fd);
    if (k->notify >= 0)
        (void)close(k->notify);
    k->fd = k->notify = -1;
    klog_mark_close(&k->mark);
}

void klog_read(struct klog *k, int64_t now_ms, struct uplink *u)
{
    char events[4096];
    if (k->path == NULL)
        return;
    if (k->device) {
        read_device(k, now_ms, u);
        return;
    }
    while (k->notify >= 0 && read(k->notify, events, sizeof(events)) > 0)
        ; /* which file it was, following finds out */
    follow(k, now_ms, u);
}

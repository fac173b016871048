/* Line by line, word by word, with the cursor of text.h. */
#include "agent/proc_text.h"

static void read_cpus(struct text line, struct proc_stat *s)
{
    /* user nice system idle iowait irq softirq steal; guest times are within user and nice */
    uint64_t v[8] = { 0 };
    for (uint32_t i = 0; i < 8 && text_next_u64(&line, &v[i]); i++)
        s->all += v[i];
    s->idle = v[3];
    s->iowait = v[4];
}

bool proc_stat_read(struct text t, struct proc_stat *ret)
{
    struct proc_stat s = { .all = 0 };
    struct text line;
    bool found = false;
    while (text_line(&t, &line)) {
        if (text_skip(&line, "cpu ")) {
            read_cpus(line, &s);
            found = true;
        } else if (text_skip(&line, "cpu")) {
            s.cpus++;
        } else if (text_skip(&line, "procs_blocked ")) {
            (void)text_next_u64(&line, &s.blocked);
        }
    }
    if (found)
        *ret = s;
    return found;
}

bool proc_value(struct text t, const char *key, uint64_t *ret)
{
    struct text line;
    while (text_line(&t, &line))
        if (text_skip(&line, key) && (text_skip(&line, ":") || text_skip(&line, " ")))
            return text_next_u64(&line, ret);
    return false;
}

bool proc_memory_read(struct text t, struct proc_memory *ret)
{
    static const struct {
        const char *key;
        size_t offset;
    } keys[] = {
        { "MemTotal:", offsetof(struct proc_memory, total) },
        { "MemAvailable:", offsetof(struct proc_memory, available) },
        { "SwapTotal:", offsetof(struct proc_memory, swap_total) },
        { "SwapFree:", offsetof(struct proc_memory, swap_free) },
        { "HardwareCorrupted:", offsetof(struct proc_memory, corrupted) },
    };
    struct proc_memory m = { .total = 0 };
    struct text line;
    while (text_line(&t, &line))
        for (size_t i = 0; i < MW_ARRAY_LEN(keys); i++)
            if (text_skip(&line, keys[i].key))
                (void)text_next_u64(&line, (uint64_t *)(void *)((char *)&m + keys[i].offset));
    if (m.total > 0)
        *ret = m;
    return m.total > 0;
}

bool proc_pressure(struct text t, const char *which, int64_t *ret_milli)
{
    struct text line, word;
    while (text_line(&t, &line)) {
        if (!text_skip(&line, which))
            continue;
        while (text_word(&line, &word))
            if (text_skip(&word, "avg10="))
                return text_milli(word, ret_milli);
    }
    return false;
}

bool proc_disk_read(struct text line, struct proc_disk *ret)
{
    uint64_t major, minor, v[10] = { 0 };
    struct proc_disk d;
    if (!text_next_u64(&line, &major) || !text_next_u64(&line, &minor) ||
        !text_word(&line, &d.name))
        return false;
    for (uint32_t i = 0; i < MW_ARRAY_LEN(v); i++)
        if (!text_next_u64(&line, &v[i]))
            return false;
    d.reads = v[0];
    d.read_sectors = v[2];
    d.read_ms = v[3];
    d.writes = v[4];
    d.write_sectors = v[6];
    d.write_ms = v[7];
    d.busy_ms = v[9];
    *ret = d;
    return true;
}

bool proc_net_read(struct text line, struct proc_net *ret)
{
    uint64_t v[12] = { 0 };
    struct proc_net n;
    if (!text_before(&line, ':', &n.name))
        return false;
    n.name = text_trimmed(n.name);
    for (uint32_t i = 0; i < MW_ARRAY_LEN(v); i++)
        if (!text_next_u64(&line, &v[i]))
            return false;
    n.rx_bytes = v[0];
    n.rx_errors = v[2];
    n.rx_dropped = v[3];
    n.tx_bytes = v[8];
    n.tx_errors = v[10];
    n.tx_dropped = v[11];
    *ret = n;
    return true;
}

bool proc_interrupts(struct text t, const char *row, uint64_t *ret)
{
    struct text line, word;
    uint64_t sum = 0, v;
    while (text_line(&t, &line)) {
        if (!text_word(&line, &word) || !text_is(word, row))
            continue;
        while (text_next_u64(&line, &v))
            sum += v;
        *ret = sum;
        return true;
    }
    return false;
}

/* "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro": what follows
 * the lone hyphen is of the filesystem. */
static bool superblock_options(struct text line, struct text *ret)
{
    struct text word;
    while (text_word(&line, &word))
        if (text_is(word, "-"))
            return text_word(&line, &word) && text_word(&line, &word) && text_word(&line, ret);
    return false;
}

static bool is_on_device(struct text line, uint32_t major, uint32_t minor)
{
    struct text id, first;
    uint64_t a, b;
    return text_word(&line, &id) && text_word(&line, &id) && text_word(&line, &id) &&
           text_before(&id, ':', &first) && text_u64(first, &a) && text_u64(id, &b) &&
           a == major && b == minor;
}

bool proc_mount_readonly(struct text t, uint32_t major, uint32_t minor, bool *ret)
{
    struct text line, options;
    while (text_line(&t, &line)) {
        if (!is_on_device(line, major, minor) || !superblock_options(line, &options))
            continue;
        *ret = text_skip(&options, "ro") && (options.at == options.end || *options.at == ',');
        return true;
    }
    return false;
}

/* "pid (name) state ppid …": the name may hold blanks and brackets, so its end is the last. */
bool proc_task_read(struct text t, struct proc_task *ret)
{
    struct proc_task p = { .id = 0 };
    struct text name, word, rest;
    uint64_t user, system;
    if (!text_next_u64(&t, &p.id))
        return false;
    for (rest = t; text_before(&rest, ')', &name); t = rest)
        ;
    if (!text_word(&t, &word) || word.end - word.at != 1)
        return false;
    p.state = *word.at;
    for (uint32_t i = 4; i < 14; i++)
        if (!text_word(&t, &word))
            return false;
    if (!text_next_u64(&t, &user) || !text_next_u64(&t, &system))
        return false;
    p.ticks = user + system;
    for (uint32_t i = 16; i < 20; i++)
        if (!text_word(&t, &word))
            return false;
    if (!text_next_u64(&t, &p.threads))
        return false;
    *ret = p;
    return true;
}

/* The first byte chooses the reader; the rest is its text. */
#include "agent/proc_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_lines(struct text t, bool disks)
{
    struct proc_disk disk;
    struct proc_net net;
    struct text line;
    while (text_line(&t, &line))
        if (disks ? proc_disk_read(line, &disk) : proc_net_read(line, &net))
            must((disks ? disk.name.end : net.name.end) <= line.end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proc_stat stat;
    struct proc_memory memory;
    struct proc_task task;
    uint64_t v;
    int64_t milli;
    bool readonly;
    if (size == 0)
        return 0;
    struct text t = text_of((const char *)data + 1, size - 1);
    switch (data[0] % 9) {
    case 0:
        (void)proc_stat_read(t, &stat);
        return 0;
    case 1:
        (void)proc_memory_read(t, &memory);
        return 0;
    case 2:
        (void)proc_pressure(t, "some", &milli);
        return 0;
    case 3:
        (void)proc_interrupts(t, "MCE:", &v);
        return 0;
    case 4:
        (void)proc_task_read(t, &task);
        return 0;
    case 8:
        (void)proc_mount_readonly(t, 254, 0, &readonly);
        return 0;
    case 5:
        (void)proc_value(t, "TOTAL_ERR_COR", &v);
        return 0;
    default:
        read_lines(t, data[0] % 9 == 6);
        return 0;
    }
}

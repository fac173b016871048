/* The device of the path, and its filesystem's own options in /proc/self/mountinfo. */
#include "agent/mount_state.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "agent/files.h"
#include "agent/proc_text.h"

#define MOUNTINFO_BYTES ((size_t)256 << 10) /* containers bring hundreds of mounts */

bool mount_is_readonly(const char *path, bool flag)
{
    struct stat s;
    char *data = flag && stat(path, &s) == 0 ? malloc(MOUNTINFO_BYTES) : NULL;
    bool readonly = flag;
    if (data == NULL)
        return readonly;
    int fd = files_open("", "/proc/self/mountinfo");
    struct text t = files_read(fd, data, MOUNTINFO_BYTES);
    if (!proc_mount_readonly(t, major(s.st_dev), minor(s.st_dev), &readonly))
        readonly = flag;
    files_close(fd);
    free(data);
    return readonly;
}

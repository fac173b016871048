/*
 * Whether a filesystem may be written, seen from within a sandbox that has
 * mounted everything read-only for this program (ProtectSystem=strict).
 */
#ifndef MW_AGENT_MOUNT_STATE_H
#define MW_AGENT_MOUNT_STATE_H

#include "base/base.h"

/* `flag`: what statvfs says of the path.  Only when it says read-only is anything looked up. */
bool mount_is_readonly(const char *path, bool flag);

#endif

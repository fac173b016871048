/* Where mw-agent-worker is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/worker.h"

void worker_program(char path[WORKER_PATH_MAX])
{
    static const char name[] = "mw-agent-worker";
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[MW_MAX(n, 0)] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    (void)snprintf(path, WORKER_PATH_MAX, "%s/%s", self, name);
    if (slash != NULL && access(path, X_OK) == 0)
        return;
    (void)snprintf(path, WORKER_PATH_MAX, "%s/../libexec/millwright/%s", self, name);
    if (slash != NULL && access(path, X_OK) == 0)
        return; /* wherever both were installed */
    (void)snprintf(path, WORKER_PATH_MAX, "%s/%s", MW_LIBEXEC, name);
    if (access(path, X_OK) != 0)
        (void)snprintf(path, WORKER_PATH_MAX, "/proc/self/exe");
}

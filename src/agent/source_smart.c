/*
 * Health of NVMe and SATA disks by their own logs, asked with the kernel's
 * ioctls: no other program is run.  Needs the right to (root, or CAP_SYS_ADMIN for
 * NVMe and CAP_SYS_RAWIO for SATA, and to open the device); without it the source
 * is silent and says so.  A disk may answer after seconds: in the slow worker.
 */
#include "agent/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <scsi/sg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/files.h"
#include "agent/places.h"
#include "agent/smart_log.h"

#define NVME_GET_LOG_PAGE 0x02
#define NVME_LOG_SMART 0x02
#define ASK_MS 5000
#define ATA_PASS_THROUGH_16 0x85
#define ATA_SMART 0xb0
#define SMART_READ_DATA 0xd0
#define SMART_RETURN_STATUS 0xda


static bool is_ata(const struct source_env *env, const struct place_disk *d)
{
    char vendor[16];
    return files_text(vendor, sizeof(vendor), env->sysfs_root, "/sys/block/%s/device/vendor",
                      d->name) &&
           strcmp(vendor, "ATA") == 0;
}

static int smart_open(const struct source_env *env, void **ret_state, struct mw_error *err)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < env->places->disks; i++)
        found += env->places->disk[i].nvme[0] != '\0' || is_ata(env, &env->places->disk[i]);
    if (found == 0)
        return mw_fail(err, MW_ENOTFOUND, "no NVMe or SATA disk");
    *ret_state = malloc(1); /* nothing is kept */
    return *ret_state != NULL ? 0 : mw_fail(err, MW_ENOMEM, "no memory");
}

static int open_device(const struct source_env *env, const char *name, struct mw_error *err)
{
    char path[FILES_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/dev/%s", env->dev_root, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        return fd;
    return mw_fail(err, errno == EACCES ? MW_EDENIED : MW_EIO, "/dev/%s: %s", name,
                   strerror(errno));
}

static int ask_nvme(int fd, const char *name, struct smart_log *ret, struct mw_error *err)
{
    uint8_t log[SMART_LOG_BYTES] = { 0 };
    struct nvme_admin_cmd c = {
        .opcode = NVME_GET_LOG_PAGE, .nsid = UINT32_MAX, .addr = (uint64_t)(uintptr_t)log,
        .data_len = sizeof(log), .cdw10 = NVME_LOG_SMART | (sizeof(log) / 4 - 1) << 16,
        .timeout_ms = ASK_MS };
    int rc = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &c);
    if (rc != 0)
        return mw_fail(err, rc < 0 && errno == EACCES ? MW_EDENIED : MW_EIO,
                       "%s gives no SMART log: %s", name,
                       rc < 0 ? strerror(errno) : "the controller refused");
    if (!smart_log_nvme(log, sizeof(log), ret))
        return mw_fail(err, MW_ECORRUPT, "%s gives an empty SMART log", name);
    return 0;
}

/* One SMART command by SAT's ATA PASS-THROUGH(16): with data in, or with the registers back. */
static int ask_ata(int fd, uint8_t feature, uint8_t *data, uint8_t *sense, uint8_t sense_size)
{
    bool reads = data != NULL;
    uint8_t cdb[16] = { ATA_PASS_THROUGH_16, reads ? 4 << 1 : 3 << 1, reads ? 0x0e : 0x20,
                        0, feature, 0, reads ? 1 : 0, 0, 0, 0, 0x4f, 0, 0xc2, 0, ATA_SMART, 0 };
    struct sg_io_hdr h = { .interface_id = 'S', .cmd_len = sizeof(cdb), .cmdp = cdb,
                           .dxfer_direction = reads ? SG_DXFER_FROM_DEV : SG_DXFER_NONE,
                           .dxfer_len = reads ? SMART_LOG_BYTES : 0, .dxferp = data,
                           .mx_sb_len = sense_size, .sbp = sense, .timeout = ASK_MS };
    return ioctl(fd, SG_IO, &h) == 0 && h.host_status == 0 ? 0 : MW_EIO;
}

static int read_ata(int fd, const char *name, struct smart_log *ret, int *ret_verdict,
                    struct mw_error *err)
{
    uint8_t data[SMART_LOG_BYTES] = { 0 }, sense[32] = { 0 };
    if (ask_ata(fd, SMART_READ_DATA, data, sense, sizeof(sense)) < 0)
        return mw_fail(err, errno == EPERM || errno == EACCES ? MW_EDENIED : MW_EIO,
                       "%s gives no SMART data: %s", name, strerror(errno));
    if (!smart_log_ata(data, sizeof(data), ret))
        return mw_fail(err, MW_ECORRUPT, "%s gives no SMART data that adds up", name);
    memset(sense, 0, sizeof(sense));
    *ret_verdict = ask_ata(fd, SMART_RETURN_STATUS, NULL, sense, sizeof(sense)) == 0
                       ? smart_log_verdict(sense, sizeof(sense))
                       : SMART_NONE;
    return 0;
}

static void put(struct samples *s, uint32_t metric, uint32_t disk, int64_t value)
{
    if (value != SMART_NONE)
        samples_put(s, metric, disk, (double)value);
}

static void put_log(struct samples *s, uint32_t i, const struct smart_log *l, int verdict)
{
    put(s, M_DISK_TEMP_C, i, l->temp_c);
    put(s, M_DISK_WARNING, i, l->warning);
    put(s, M_DISK_SPARE_PCT, i, l->spare_pct);
    put(s, M_DISK_SPARE_LIMIT_PCT, i, l->spare_limit_pct);
    put(s, M_DISK_USED_PCT, i, l->used_pct);
    put(s, M_DISK_MEDIA_ERRORS, i, l->media_errors);
    put(s, M_DISK_UNSAFE_STOPS, i, l->unsafe_stops);
    put(s, M_DISK_HOURS, i, l->hours);
    put(s, M_DISK_REALLOCATED, i, l->reallocated);
    put(s, M_DISK_PENDING, i, l->pending);
    put(s, M_DISK_CRC_ERRORS, i, l->crc_errors);
    put(s, M_DISK_SMART_OK, i, verdict);
}

static int read_disk(const struct source_env *env, uint32_t i, struct samples *s,
                     struct mw_error *err)
{
    const struct place_disk *d = &env->places->disk[i];
    struct smart_log log;
    bool nvme = d->nvme[0] != '\0';
    if (!nvme && !is_ata(env, d))
        return 0;
    int fd = open_device(env, nvme ? d->nvme : d->name, err);
    if (fd < 0)
        return fd;
    int verdict = SMART_NONE;
    int rc = nvme ? ask_nvme(fd, d->name, &log, err) : read_ata(fd, d->name, &log, &verdict, err);
    (void)close(fd);
    if (rc < 0)
        return rc;
    if (nvme) /* its verdict is the warning: spare, reliability, read-only (not temperature) */
        verdict = (log.warning & ~INT64_C(2)) == 0;
    put_log(s, i, &log, verdict);
    return 0;
}

/* One disk that does not answer does not hide the others. */
static int smart_read(void *state, const struct source_env *env, int64_t now_ms,
                      struct source_out *out, struct mw_error *err)
{
    int worst = 0;
    (void)state, (void)now_ms;
    for (uint32_t i = 0; i < env->places->disks; i++) {
        struct mw_error one = { .code = 0 };
        int rc = read_disk(env, i, out->samples, &one);
        if (rc < 0 && worst == 0) {
            worst = rc;
            (void)mw_fail(err, rc, "%s", one.text);
        }
    }
    return worst;
}

const struct source source_smart = { "smart", 60000, 30000, WHERE_WORKER_SLOW, smart_open,
                                     smart_read, free };

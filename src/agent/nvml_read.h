/*
 * One GPU as NVML reads it: which calls and fields make which readings
 * (signal/metric.h, 200-299), which of them are dear and so read seldom, and
 * which this GPU or driver does not know and is therefore not asked again.
 * Calls the library; every call may hang.
 */
#ifndef MW_AGENT_NVML_READ_H
#define MW_AGENT_NVML_READ_H

#include "agent/nvml.h"
#include "live/agent_frame.h"
#include "signal/samples.h"

/* Row remap, retired pages, inventory bits, processes and the NVLinks are read so often: they cost
 * most (each NVLink counter is a question of its own to the GPU's firmware) and change least. */
#define NVML_SLOW_MS 10000

struct nvml_gpu {
    struct nvml_device *device; /* NULL: the driver gives no handle */
    uint32_t slot;              /* the instance of its readings */
    uint32_t links, link_version;
    uint64_t fields_out;        /* bit i: row i of the table of fields is not known here */
    uint64_t calls_out;         /* the same for the table of calls */
    uint32_t link_fields_out;
    int64_t slow_at_ms;         /* when the dear ones are due */
    char pci[16];               /* "0000:3b:00.0"; "" = the driver does not say */
};

/* What it is: name, serial, VBIOS, …, and how many NVLinks it has.  Forgets what it did not know.
 * Returns enum nvml_result of the first question, the only one that must be answered. */
int nvml_gpu_attach(const struct nvml *n, struct nvml_gpu *g, const char *driver,
                    struct agent_frame *ret_part);

/* Reads what is due at now_ms.  Returns NVML_OK, or what says that the GPU is gone:
 * NVML_GPU_IS_LOST, NVML_RESET_REQUIRED, NVML_UNKNOWN (it answers no question at all); its readings
 * mean nothing then. */
int nvml_gpu_read(const struct nvml *n, struct nvml_gpu *g, int64_t now_ms, struct samples *s);

/* Is there an answer at all? NVML_OK when there is. */
int nvml_gpu_answers(const struct nvml *n, const struct nvml_gpu *g);

/* Nothing is known of the GPU in this slot any more but that it is lost: M_GPU_ALIVE is 0. */
void nvml_gpu_forget(uint32_t slot, struct samples *s);

/* NVML's "00000000:3B:00.0" as the kernel writes it: "0000:3b:00.0". */
void nvml_pci_name(const char *address, char *to, size_t size);

#endif

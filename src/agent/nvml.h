/*
 * What of NVML we use, declared by ourselves: the functions, numbers and layouts
 * of libnvidia-ml.so.1 as NVIDIA's API reference documents them ("NVML API
 * Reference Guide": Device Queries, Field Value Queries, NvLink Methods).  No
 * header of NVIDIA's is needed to build, and no library to link: nvml_load()
 * opens it at run time.  The stand-in of the tests includes the same file, so
 * that both sides agree on the layouts.
 *
 * A driver may lack any function but the first six: an absent one is a member
 * that is NULL.  NVML's calls can hang for ever in the kernel (a GPU whose
 * firmware died): whoever calls them must be a process that may be killed.
 */
#ifndef MW_AGENT_NVML_H
#define MW_AGENT_NVML_H

#include "base/error.h"

#define NVML_LIBRARY "libnvidia-ml.so.1"
#define NVML_DEVICES_MAX 32 /* of which we read; also the bound of every loop over them */
#define NVML_LINKS_MAX 32   /* of one GPU; 18 on Hopper and Blackwell */

struct nvml_device; /* a handle, opaque; the library owns it until nvmlShutdown */

enum nvml_result {
    NVML_OK = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_TIMEOUT = 10,
    NVML_IRQ_ISSUE = 11,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_CORRUPTED_INFOROM = 14,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_OPERATING_SYSTEM = 17,
    NVML_LIB_RM_VERSION_MISMATCH = 18,
    NVML_IN_USE = 19,
    NVML_NO_DATA = 21,
    NVML_VERSION_MISMATCH = 25, /* of a struct's version word */
    NVML_DEPRECATED = 26,
    NVML_NOT_READY = 27,
    NVML_GPU_NOT_FOUND = 28,
    NVML_UNKNOWN = 999,
};

/* Arguments. */
enum { NVML_CLOCK_GRAPHICS, NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_CLOCK_VIDEO };
enum { NVML_SENSOR_GPU };
enum { NVML_THRESHOLD_SHUTDOWN, NVML_THRESHOLD_SLOWDOWN, NVML_THRESHOLD_MEM_MAX,
       NVML_THRESHOLD_GPU_MAX };
enum { NVML_LINK_INACTIVE, NVML_LINK_ACTIVE, NVML_LINK_SLEEP }; /* field NVML_FI_LINK_STATE */

/* nvmlDeviceGetCurrentClocksEventReasons (in older drivers …ThrottleReasons): why the clocks are
 * not higher, or-ed. */
#define NVML_EVENT_IDLE 0x001u
#define NVML_EVENT_SET_CLOCKS 0x002u
#define NVML_EVENT_POWER_CAP 0x004u   /* the software's, within the limit that is set */
#define NVML_EVENT_HW_SLOWDOWN 0x008u /* by half or more: heat, power brake or a fast trigger */
#define NVML_EVENT_SYNC_BOOST 0x010u
#define NVML_EVENT_SW_THERMAL 0x020u
#define NVML_EVENT_HW_THERMAL 0x040u
#define NVML_EVENT_POWER_BRAKE 0x080u /* an outside signal: the server's power supplies */
#define NVML_EVENT_DISPLAY 0x100u

/* Field ids of nvmlDeviceGetFieldValues. "scope": what goes into scope_id. */
enum nvml_field_id {
    NVML_FI_ECC_CE_VOLATILE = 3,
    NVML_FI_ECC_UE_VOLATILE = 4,
    NVML_FI_ECC_CE_AGGREGATE = 5,
    NVML_FI_ECC_UE_AGGREGATE = 6,
    NVML_FI_RETIRED_CE = 29,
    NVML_FI_RETIRED_UE = 30,
    NVML_FI_RETIRED_PENDING = 31,
    NVML_FI_SLOWED_BY_POWER_NS = 74,   /* in ns, each of the five */
    NVML_FI_SLOWED_BY_THERMAL_NS = 75,
    NVML_FI_MEMORY_TEMP = 82,          /* degrees C */
    NVML_FI_ENERGY_MJ = 83,
    NVML_FI_LINK_COUNT = 91,
    NVML_FI_PCIE_REPLAYS = 94,
    NVML_FI_LINK_DATA_TX = 138,        /* KiB; scope link */
    NVML_FI_LINK_DATA_RX = 139,
    NVML_FI_REMAPPED_CE = 142,
    NVML_FI_REMAPPED_UE = 143,
    NVML_FI_REMAPPED_PENDING = 144,
    NVML_FI_REMAPPED_FAILURE = 145,
    NVML_FI_LINK_REPLAYS = 161,        /* scope link; up to Hopper */
    NVML_FI_LINK_RECOVERIES = 162,
    NVML_FI_LINK_CRC_ERRORS = 163,
    NVML_FI_LINK_SPEED_MBPS = 164,     /* MB/s each way; scope link */
    NVML_FI_LINK_STATE = 165,
    NVML_FI_LINK_VERSION = 166,
    NVML_FI_PCIE_RECOVERIES = 169,     /* L0 to recovery */
    NVML_FI_PCIE_CORRECTABLE = 173,
    NVML_FI_POWER_AVERAGE = 185,       /* mW, over a second; scope 0 = GPU, 1 = module */
    NVML_FI_POWER_INSTANT = 186,
    NVML_FI_POWER_LIMIT_MIN = 187,
    NVML_FI_POWER_LIMIT_MAX = 188,
    NVML_FI_POWER_LIMIT_DEFAULT = 189,
    NVML_FI_POWER_LIMIT = 190,         /* enforced now, whoever set it */
    NVML_FI_POWER_LIMIT_REQUESTED = 192,
    NVML_FI_PCIE_TX_BYTES = 197,       /* wraps */
    NVML_FI_PCIE_RX_BYTES = 198,
    NVML_FI_LINK5_TX_BYTES = 202,      /* NVLink 5; scope link */
    NVML_FI_LINK5_RX_BYTES = 204,
    NVML_FI_LINK5_RX_ERRORS = 208,
    NVML_FI_LINK5_RECOVERIES_FAILED = 214,
    NVML_FI_LINK5_RECOVERIES = 215,
    NVML_FI_LINK5_EFFECTIVE_ERRORS = 219,
    NVML_FI_LINK5_EFFECTIVE_BER = 220, /* mantissa in bits 8-11, negative exponent in 0-7 */
    NVML_FI_LINK5_SYMBOL_ERRORS = 221,
    NVML_FI_LINK5_SYMBOL_BER = 222,
    NVML_FI_RECOVERY_ACTION = 230,     /* enum nvml_recovery */
    NVML_FI_SLOWED_BY_SW_THERMAL_NS = 269,
    NVML_FI_SLOWED_BY_HW_THERMAL_NS = 270,
    NVML_FI_SLOWED_BY_POWER_BRAKE_NS = 271,
};

/* What the driver asks for after an error. */
enum nvml_recovery { NVML_RECOVERY_NONE, NVML_RECOVERY_RESET, NVML_RECOVERY_REBOOT,
                     NVML_RECOVERY_DRAIN_P2P, NVML_RECOVERY_DRAIN_AND_RESET,
                     NVML_RECOVERY_IMEX };

enum nvml_type { NVML_DOUBLE, NVML_UINT, NVML_ULONG, NVML_ULONGLONG, NVML_LONGLONG, NVML_INT,
                 NVML_USHORT };

struct nvml_field {
    uint32_t id, scope;  /* in */
    int64_t time_us;     /* since 1970 */
    int64_t latency_us;
    uint32_t type;       /* enum nvml_type */
    uint32_t result;     /* enum nvml_result; the value means something only when it is NVML_OK */
    union {
        double d;
        uint64_t u64;
        int64_t i64;
        uint32_t u32;
        int32_t i32;
        uint16_t u16;
    } value;
};
_Static_assert(sizeof(struct nvml_field) == 40, "nvmlFieldValue_t");

struct nvml_pci {
    char legacy[16];
    uint32_t domain, bus, device;
    uint32_t device_id;    /* device << 16 | vendor */
    uint32_t subsystem_id;
    char address[32];      /* "00000000:3B:00.0" */
};
_Static_assert(sizeof(struct nvml_pci) == 68, "nvmlPciInfo_t");

struct nvml_utilisation {
    uint32_t gpu_pct, memory_pct;
};

struct nvml_memory {
    uint32_t version; /* NVML_VERSIONED(struct nvml_memory, 2) */
    uint64_t total, reserved, free, used; /* bytes */
};
_Static_assert(sizeof(struct nvml_memory) == 40, "nvmlMemory_v2_t");

/* Banks of memory by how many spare rows they have left. */
struct nvml_banks {
    uint32_t all, high, partial, low, none;
};

struct nvml_process {
    uint32_t pid;
    uint64_t memory;   /* bytes; all ones = not known */
    uint32_t gpu_instance, compute_instance;
};
_Static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_v2_t");

struct nvml_sram {
    uint32_t version;  /* NVML_VERSIONED(struct nvml_sram, 1) */
    uint64_t ue_parity, ue_secded, ce;                         /* for the life of the board */
    uint64_t volatile_ue_parity, volatile_ue_secded, volatile_ce;
    uint64_t ue_l2, ue_sm, ue_pcie, ue_mcu, ue_other;
    uint32_t threshold_exceeded;                               /* NVIDIA's own: replace */
};
_Static_assert(sizeof(struct nvml_sram) == 104, "nvmlEccSramErrorStatus_v1_t");

struct nvml_margin {
    uint32_t version;  /* NVML_VERSIONED(struct nvml_margin, 1) */
    int32_t margin_c;  /* degrees below the first slowdown */
};

struct nvml_fabric {
    uint32_t version;  /* NVML_VERSIONED(struct nvml_fabric, 2) */
    uint8_t cluster[16];
    uint32_t status;   /* enum nvml_result; when the state is completed */
    uint32_t clique;
    uint8_t state;     /* 0 none, 1 not started, 2 in progress, 3 completed */
    uint32_t health;
};
_Static_assert(sizeof(struct nvml_fabric) == 36, "nvmlGpuFabricInfo_v2_t");

/* The version word of a struct: its size, and its number in the top byte. */
#define NVML_VERSIONED(type, n) ((uint32_t)sizeof(type) | (uint32_t)(n) << 24)

/* X(needed, member, symbol, parameters): every function that we call. All return enum nvml_result
 * and take enums of NVIDIA's as 32-bit integers, which is how C passes them. */
#define NVML_FUNCTIONS(X)                                                                         \
    X(1, init, "nvmlInit_v2", (void))                                                             \
    X(1, shutdown, "nvmlShutdown", (void))                                                        \
    X(1, count, "nvmlDeviceGetCount_v2", (uint32_t *))                                            \
    X(1, device, "nvmlDeviceGetHandleByIndex_v2", (uint32_t, struct nvml_device **))              \
    X(1, pci, "nvmlDeviceGetPciInfo_v3", (struct nvml_device *, struct nvml_pci *))               \
    X(1, uuid, "nvmlDeviceGetUUID", (struct nvml_device *, char *, uint32_t))                     \
    X(0, driver_version, "nvmlSystemGetDriverVersion", (char *, uint32_t))                        \
    X(0, name, "nvmlDeviceGetName", (struct nvml_device *, char *, uint32_t))                     \
    X(0, serial, "nvmlDeviceGetSerial", (struct nvml_device *, char *, uint32_t))                 \
    X(0, vbios, "nvmlDeviceGetVbiosVersion", (struct nvml_device *, char *, uint32_t))            \
    X(0, board_part, "nvmlDeviceGetBoardPartNumber", (struct nvml_device *, char *, uint32_t))    \
    X(0, inforom, "nvmlDeviceGetInforomImageVersion", (struct nvml_device *, char *, uint32_t))   \
    X(0, fields, "nvmlDeviceGetFieldValues", (struct nvml_device *, int, struct nvml_field *))    \
    X(0, power, "nvmlDeviceGetPowerUsage", (struct nvml_device *, uint32_t *))                    \
    X(0, clock, "nvmlDeviceGetClockInfo", (struct nvml_device *, uint32_t, uint32_t *))           \
    X(0, clock_max, "nvmlDeviceGetMaxClockInfo", (struct nvml_device *, uint32_t, uint32_t *))    \
    X(0, clock_events, "nvmlDeviceGetCurrentClocksEventReasons",                                  \
      (struct nvml_device *, uint64_t *))                                                         \
    X(0, clock_throttle, "nvmlDeviceGetCurrentClocksThrottleReasons",                             \
      (struct nvml_device *, uint64_t *))                                                         \
    X(0, temperature, "nvmlDeviceGetTemperature", (struct nvml_device *, uint32_t, uint32_t *))   \
    X(0, threshold, "nvmlDeviceGetTemperatureThreshold",                                          \
      (struct nvml_device *, uint32_t, uint32_t *))                                               \
    X(0, margin, "nvmlDeviceGetMarginTemperature",                                                \
      (struct nvml_device *, struct nvml_margin *))                                               \
    X(0, fan, "nvmlDeviceGetFanSpeed", (struct nvml_device *, uint32_t *))                        \
    X(0, utilisation, "nvmlDeviceGetUtilizationRates",                                            \
      (struct nvml_device *, struct nvml_utilisation *))                                          \
    X(0, memory, "nvmlDeviceGetMemoryInfo_v2", (struct nvml_device *, struct nvml_memory *))      \
    X(0, pstate, "nvmlDeviceGetPerformanceState", (struct nvml_device *, uint32_t *))             \
    X(0, ecc_mode, "nvmlDeviceGetEccMode", (struct nvml_device *, uint32_t *, uint32_t *))        \
    X(0, sram, "nvmlDeviceGetSramEccErrorStatus", (struct nvml_device *, struct nvml_sram *))     \
    X(0, remapped, "nvmlDeviceGetRemappedRows",                                                   \
      (struct nvml_device *, uint32_t *, uint32_t *, uint32_t *, uint32_t *))                     \
    X(0, banks, "nvmlDeviceGetRowRemapperHistogram",                                              \
      (struct nvml_device *, struct nvml_banks *))                                                \
    X(0, pcie_gen, "nvmlDeviceGetCurrPcieLinkGeneration", (struct nvml_device *, uint32_t *))     \
    X(0, pcie_width, "nvmlDeviceGetCurrPcieLinkWidth", (struct nvml_device *, uint32_t *))        \
    X(0, pcie_gen_max, "nvmlDeviceGetMaxPcieLinkGeneration", (struct nvml_device *, uint32_t *))  \
    X(0, pcie_width_max, "nvmlDeviceGetMaxPcieLinkWidth", (struct nvml_device *, uint32_t *))     \
    X(0, processes, "nvmlDeviceGetComputeRunningProcesses_v3",                                    \
      (struct nvml_device *, uint32_t *, struct nvml_process *))                                  \
    X(0, compute_mode, "nvmlDeviceGetComputeMode", (struct nvml_device *, uint32_t *))            \
    X(0, persistence, "nvmlDeviceGetPersistenceMode", (struct nvml_device *, uint32_t *))         \
    X(0, mig_mode, "nvmlDeviceGetMigMode", (struct nvml_device *, uint32_t *, uint32_t *))        \
    X(0, fabric, "nvmlDeviceGetGpuFabricInfoV", (struct nvml_device *, struct nvml_fabric *))

/* The library, opened.  Zeroed = not open. */
struct nvml {
    void *library;
#define X(needed, member, symbol, parameters) int (*member) parameters;
    NVML_FUNCTIONS(X)
#undef X
};

/* Opens the library (path NULL = NVML_LIBRARY by the loader's search) and finds the functions; it
 * does not call nvmlInit_v2.  MW_ENOTFOUND: there is no such library; MW_EVERSION: one of the first
 * six functions is missing. */
MW_MUST_USE int nvml_load(struct nvml *n, const char *path, struct mw_error *err);
void nvml_unload(struct nvml *n); /* a zeroed one too; does not call nvmlShutdown */

const char *nvml_result_text(uint32_t result); /* "the GPU has fallen off the bus" */

/* The number of a field whose result is NVML_OK, whatever its type; false when it has none. */
bool nvml_field_number(const struct nvml_field *f, double *ret);

#endif

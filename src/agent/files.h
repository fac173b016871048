/*
 * Files of the kernel as sources read them: opened once below a root that tests
 * choose, read whole from the beginning each time.  Nothing is written.
 */
#ifndef MW_AGENT_FILES_H
#define MW_AGENT_FILES_H

#include <sys/types.h>

#include "agent/text.h"

#define FILES_PATH_MAX 512

/* A read-only descriptor that closes on exec, of the path that the format makes below `root`; -1.
 * A path longer than FILES_PATH_MAX is not opened. */
int files_open(const char *root, const char *format, ...) MW_PRINTF(2, 3);
/* NULL-tolerant for -1. */
void files_close(int fd);

/* From the beginning of the file, as much as fits; an empty text when it cannot be read. */
struct text files_read(int fd, char *to, size_t size);
/* A number and nothing else, or a number and a unit ("8.0 GT/s PCIe" is no number). */
bool files_read_u64(int fd, uint64_t *ret);

/* Open, read, close; without blanks at the ends; "" and false when there is no such file. */
bool files_text(char *to, size_t size, const char *root, const char *format, ...) MW_PRINTF(4, 5);
bool files_u64(uint64_t *ret, const char *root, const char *format, ...) MW_PRINTF(3, 4);
/* The last name of what a link points to ("driver" -> "mlx5_core"). */
bool files_link(char *to, size_t size, const char *root, const char *format, ...)
    MW_PRINTF(4, 5);

/* The PCI address of the device that a link in /sys leads to, or lies below ("virtio2" of
 * "0000:00:03.0"). */
bool files_pci(char *to, size_t size, const char *root, const char *format, ...) MW_PRINTF(4, 5);

/* The names in a folder that do not begin with a point, sorted by bytes with numbers in them by
 * value (mlx5_2 before mlx5_10); returns how many. More than `most`, and those longer than
 * FILES_NAME_MAX, are left out. */
#define FILES_NAME_MAX 64
uint32_t files_list(char (*to)[FILES_NAME_MAX], uint32_t most, const char *root,
                    const char *format, ...) MW_PRINTF(4, 5);

#endif

/*
 * Runs one fuzz target (foo_fuzz.c) without libFuzzer, so that every build and
 * compiler keeps it alive: each corpus file as it is, cut short everywhere,
 * and with bytes changed at random from a fixed seed; then random inputs.
 * Owns nothing of the product; ends with status 0 or by the target's abort.
 *
 * usage: corpus_replay [FOLDER]
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define INPUT_SIZE_MAX (1u << 20)
#define FILES_MAX 4096
#define CUTS_MAX 256
#define CHANGES 400
#define RANDOM_INPUTS 400
#define RANDOM_SIZE_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* The target gets a block of exactly that size, so that reading past it is seen. */
static void run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    must(copy);
    if (size > 0)
        memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_variants(uint8_t *data, size_t size, uint64_t *random)
{
    run_copy(data, size);
    size_t step = size / CUTS_MAX + 1;
    for (size_t cut = 0; cut < size; cut += step)
        run_copy(data, cut);
    for (uint32_t i = 0; i < CHANGES && size > 0; i++) {
        size_t at = next_random(random) % size;
        uint8_t before = data[at];
        data[at] = (uint8_t)next_random(random);
        run_copy(data, size);
        if (i % 4 != 3) /* every fourth change stays: damage adds up */
            data[at] = before;
    }
}

static void run_file(const char *path, uint8_t *buffer, uint64_t *random)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    size_t size = fread(buffer, 1, INPUT_SIZE_MAX, f);
    must(!ferror(f));
    (void)fclose(f);
    run_variants(buffer, size, random);
}

static uint32_t run_folder(const char *folder, uint8_t *buffer, uint64_t *random)
{
    struct dirent **entry = NULL;
    int n = scandir(folder, &entry, NULL, alphasort);
    uint32_t files = 0;
    if (n < 0) {
        perror(folder);
        exit(1);
    }
    must(n < FILES_MAX);
    for (int i = 0; i < n; i++) {
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entry[i]->d_name);
        must(length > 0 && (size_t)length < sizeof(path));
        if (entry[i]->d_name[0] != '.') {
            run_file(path, buffer, random);
            files++;
        }
        free(entry[i]);
    }
    free(entry);
    return files;
}

int main(int argc, char **argv)
{
    uint64_t random = 1;
    uint8_t *buffer = malloc(INPUT_SIZE_MAX);
    must(buffer);
    uint32_t files = argc > 1 ? run_folder(argv[1], buffer, &random) : 0;
    for (uint32_t i = 0; i < RANDOM_INPUTS; i++) {
        size_t size = next_random(&random) % (RANDOM_SIZE_MAX + 1);
        for (size_t k = 0; k < size; k++)
            buffer[k] = (uint8_t)next_random(&random);
        run_copy(buffer, size);
    }
    free(buffer);
    printf("%u corpus files with their variants, %u random inputs\n", files, RANDOM_INPUTS);
    return 0;
}

/* Bundling a site's files and reading them back.  See site_blob.h. */
#include "fleet/site_blob.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BUNDLE "# bundle "
#define LINE_MAX_BYTES 512

static bool is_bundle(const char *blob, size_t size)
{
    return size >= sizeof(BUNDLE) - 1 && memcmp(blob, BUNDLE, sizeof(BUNDLE) - 1) == 0;
}

/* Puts head before (at = 0) or after what is there, then data. */
static int append(struct fleet *f, const char *head, const char *data, size_t size)
{
    size_t head_size = strlen(head);
    char *larger = mw_resize(f->source, f->source_size + head_size + size + 1, 1);
    if (larger == NULL)
        return MW_ENOMEM;
    f->source = larger;
    memcpy(larger + f->source_size, head, head_size);
    memcpy(larger + f->source_size + head_size, data, size);
    f->source_size += head_size + size;
    larger[f->source_size] = '\0';
    return 0;
}

/* The YAML that is there becomes the first part of a bundle. */
static int begin(struct fleet *f)
{
    char head[LINE_MAX_BYTES];
    char *yaml = f->source;
    size_t size = f->source_size;
    (void)snprintf(head, sizeof(head), BUNDLE "%zu\n", size);
    f->source = NULL;
    f->source_size = 0;
    int rc = append(f, head, yaml, size);
    mw_free(yaml);
    return rc;
}

int site_blob_add(struct fleet *f, const char *name, const char *data, size_t size)
{
    char head[LINE_MAX_BYTES];
    must(f != NULL && name != NULL);
    int rc = is_bundle(f->source, f->source_size) ? 0 : begin(f);
    (void)snprintf(head, sizeof(head), "%.400s\t%zu\n", name, size);
    return rc == 0 ? append(f, head, data, size) : rc;
}

/* A place in a bundle. */
struct part {
    const char *at, *end;
};

/* Reads "TEXT<divider>SIZE\n" and leaves `at` behind it; false when it is not that. */
static bool read_line(struct part *p, char divider, char text[LINE_MAX_BYTES], uint64_t *ret_size)
{
    const char *stop = memchr(p->at, '\n', (size_t)(p->end - p->at));
    if (stop == NULL || stop - p->at >= LINE_MAX_BYTES)
        return false;
    memcpy(text, p->at, (size_t)(stop - p->at));
    text[stop - p->at] = '\0';
    char *cut = strrchr(text, divider);
    if (cut == NULL || mw_parse_u64(cut + 1, ret_size) != 0)
        return false;
    *cut = '\0';
    p->at = stop + 1;
    return *ret_size <= (uint64_t)(p->end - p->at);
}

static int read_part(void *ctx, const char *path, char **ret, size_t *ret_size,
                     struct mw_error *err)
{
    struct part p = *(const struct part *)ctx;
    char name[LINE_MAX_BYTES];
    uint64_t size;
    while (p.at < p.end && read_line(&p, '\t', name, &size)) {
        if (strcmp(name, path) == 0) {
            *ret = mw_strndup(p.at, size);
            *ret_size = size;
            return *ret != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
        }
        p.at += size;
    }
    return mw_fail(err, MW_ENOTFOUND, "the recorded site has no file %s", path);
}

int site_load_blob(const char *blob, size_t size, struct fleet **ret, struct problems *problems,
                   struct mw_error *err)
{
    struct site_source source = {.yaml = blob, .size = size, .name = "recorded site"};
    struct part files = {blob, blob + size};
    char text[LINE_MAX_BYTES];
    uint64_t yaml_size;
    if (is_bundle(blob, size)) {
        if (!read_line(&files, ' ', text, &yaml_size))
            return mw_fail(err, MW_ECORRUPT, "the recorded site is a bundle that cannot be read");
        source.yaml = files.at;
        source.size = yaml_size;
        files.at += yaml_size;
        source.read = read_part;
        source.ctx = &files;
    }
    return site_load(&source, ret, problems, err);
}

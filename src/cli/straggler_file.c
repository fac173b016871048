/*
 * Reads trace and meta file and runs the analysis of signal/straggler.h.
 */
#include "cli/straggler_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

#define META_BYTES_MAX ((size_t)1 << 20)

static void free_trace(struct straggler_trace **t)
{
    straggler_trace_destroy(*t);
}

int straggler_analyse_text(const struct straggler_text *text, struct straggler_meta *meta,
                           struct straggler_result *r, struct mw_error *err)
{
    char *yaml mw_cleanup(mw_freep) = NULL;
    struct straggler_trace *t mw_cleanup(free_trace) = NULL;
    size_t yaml_size = 0;
    int rc = mw_read_file(text->meta_path, META_BYTES_MAX, false, &yaml, &yaml_size, err);
    if (rc == 0)
        rc = straggler_meta_parse(yaml, yaml_size, text->meta_path, meta, err);
    if (rc == 0)
        rc = straggler_trace_parse(text->csv, text->size, text->path, &t, err);
    return rc == 0 ? straggler_analyse(t, meta, text->path, r, err) : rc;
}

/* Length without ".gz" and ".csv". */
static size_t stem_length(const char *base)
{
    size_t n = strlen(base);
    n -= n > 3 && strcmp(base + n - 3, ".gz") == 0 ? 3 : 0;
    return n - (n > 4 && strncmp(base + n - 4, ".csv", 4) == 0 ? 4 : 0);
}

int straggler_meta_find(const char *path, char ret[STRAGGLER_PATH_MAX], struct mw_error *err)
{
    static const struct {
        bool swap, bare; /* "trace" becomes "meta"; no name of the trace in it */
        const char *ending;
    } forms[] = { { true, false, ".yaml" }, { true, false, ".yml" }, { false, false, ".yaml" },
                  { false, false, ".meta.yaml" }, { false, true, "meta.yaml" } };
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    int folder = (int)(base - path), stem = (int)stem_length(base);
    bool swaps = strncmp(base, "trace", 5) == 0 && stem >= 5;
    for (size_t i = 0; i < MW_ARRAY_LEN(forms) && strlen(path) < STRAGGLER_PATH_MAX / 2; i++) {
        int cut = forms[i].swap ? 5 : 0;
        if (forms[i].swap && !swaps)
            continue;
        (void)snprintf(ret, STRAGGLER_PATH_MAX, "%.*s%s%.*s%s", folder, path,
                       forms[i].swap ? "meta" : "", forms[i].bare ? 0 : stem - cut, base + cut,
                       forms[i].ending);
        if (access(ret, F_OK) == 0)
            return 0;
    }
    return mw_fail(err, MW_ENOTFOUND,
                   "%s is a trace of a job's operations and needs the file that says how the job "
                   "is cut into parallel parts; there is no meta file beside it: name it with "
                   "mw straggler TRACE --meta FILE", path);
}

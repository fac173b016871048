/*
 * Site files for commands.  Prints only messages; data is the commands' own.
 */
#include "cli/site_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/report.h"

#define PROBLEMS_SHOWN 20

int site_file_load(const struct cli_context *ctx, const char *path, struct fleet **ret)
{
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    int rc = site_load_file(path, ret, &problems, &err);
    if (rc == MW_ESYNTAX && problems.length > 0) {
        report_problems(ctx, &problems, PROBLEMS_SHOWN);
        rc = CLI_EXIT_ERROR;
    } else if (rc < 0)
        rc = cli_fail(ctx, &err);
    problems_fini(&problems);
    return rc;
}

static void offer_names(const struct fleet *f, struct nearest *n)
{
    for (uint32_t kind = COMPONENT_NONE + 1; kind < COMPONENT_KIND_COUNT; kind++)
        for (uint32_t i = 0; i < f->count[kind]; i++) {
            const char *name = fleet_name(f, component_id((enum component_kind)kind, i));
            nearest_offer(n, name, strlen(name));
        }
}

int site_file_write(const char *path, bool force, const struct text *t, struct mw_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0666);
    if (fd < 0 && errno == EEXIST)
        return mw_fail(err, MW_EEXIST, "%s exists already; --force writes over it", path);
    if (fd < 0)
        return mw_fail(err, errno == EACCES ? MW_EDENIED : errno == ENOENT ? MW_ENOTFOUND : MW_EIO,
                       "cannot write %s: %s", path, strerror(errno));
    FILE *f = fdopen(fd, "w");
    must(f != NULL);
    bool ok = fwrite(text_string(t), 1, t->length, f) == t->length;
    int saved = errno;
    if (fclose(f) != 0) {
        saved = errno;
        ok = false;
    }
    if (ok)
        return 0;
    if (!force)
        (void)unlink(path);
    return mw_fail(err, saved == ENOSPC ? MW_ENOSPC : MW_EIO, "cannot write %s: %s%s", path,
                   strerror(saved), force ? "; it is not complete" : "");
}

int site_file_find(const struct cli_context *ctx, const struct fleet *f, const char *name,
                   uint64_t *ret)
{
    struct nearest n = { .word = name };
    uint64_t id = fleet_find(f, name);
    if (id != 0) {
        *ret = id;
        return CLI_EXIT_OK;
    }
    offer_names(f, &n);
    cli_error(ctx, "the site has no component \"%.100s\"%s%s%s", name,
              n.best[0] ? " (did you mean \"" : "", n.best, n.best[0] ? "\"?)" : "");
    return CLI_EXIT_NOT_FOUND;
}

static uint64_t id_or_none(enum component_kind kind, uint32_t row)
{
    return row == MW_NONE ? 0 : component_id(kind, row);
}

uint64_t site_file_parent(const struct fleet *f, uint64_t component)
{
    uint32_t i = component_index_of(component);
    must(f != NULL && i < f->count[component_kind_of(component)]);
    switch (component_kind_of(component)) {
    case COMPONENT_ROW:
        return id_or_none(COMPONENT_HALL, f->row_hall[i]);
    case COMPONENT_RACK:
        return id_or_none(COMPONENT_ROW, f->rack_row[i]);
    case COMPONENT_NODE:
        return id_or_none(COMPONENT_RACK, f->node_rack[i]);
    case COMPONENT_GPU:
        return id_or_none(COMPONENT_NODE, f->gpu_node[i]);
    case COMPONENT_NIC:
        return id_or_none(COMPONENT_NODE, f->nic_node[i]);
    case COMPONENT_SWITCH:
        return f->switch_rack[i] != MW_NONE ? id_or_none(COMPONENT_RACK, f->switch_rack[i])
                                            : id_or_none(COMPONENT_HALL, f->switch_hall[i]);
    case COMPONENT_OPTIC:
        return id_or_none(COMPONENT_CABLE, f->optic_cable[i]);
    case COMPONENT_PDU:
        return id_or_none(COMPONENT_BREAKER, f->pdu_breaker[i]);
    case COMPONENT_BREAKER:
        return id_or_none(COMPONENT_BREAKER, f->breaker_parent[i]);
    default:
        return 0;
    }
}

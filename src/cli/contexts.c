/* The file of contexts.  See contexts.h. */
#include "cli/contexts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/command.h"

#define FILE_MAX ((size_t)1 << 20)
#define NAME_LENGTH_MAX 63u

int contexts_path(char ret[LIVE_PATH_MAX], struct mw_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = -1;
    must(ret != NULL);
    if (config != NULL && config[0] == '/')
        n = snprintf(ret, LIVE_PATH_MAX, "%s/millwright/contexts", config);
    else if (home != NULL && home[0] == '/')
        n = snprintf(ret, LIVE_PATH_MAX, "%s/.config/millwright/contexts", home);
    if (n > 0 && n < LIVE_PATH_MAX)
        return 0;
    return mw_fail(err, MW_EINVAL, "neither XDG_CONFIG_HOME nor HOME says where contexts are "
                   "kept: name the daemon with --socket");
}

int contexts_read(struct contexts *ret, struct mw_error *err)
{
    struct mw_error why = { 0 };
    json_error_t at;
    char *data = NULL;
    size_t size = 0;
    must(ret != NULL);
    ret->file = NULL;
    int rc = contexts_path(ret->path, err);
    if (rc < 0)
        return rc;
    if (access(ret->path, F_OK) != 0 && errno == ENOENT) {
        ret->file = json_pack("{s:{}}", "contexts");
        return ret->file != NULL ? 0 : mw_fail(err, MW_ENOMEM, "out of memory");
    }
    rc = mw_read_file(ret->path, FILE_MAX, false, &data, &size, &why);
    if (rc < 0)
        return mw_fail(err, rc, "contexts: %s", why.text);
    ret->file = json_loadb(data, size, JSON_REJECT_DUPLICATES, &at);
    mw_free(data);
    if (json_is_object(json_object_get(ret->file, "contexts")))
        return 0;
    rc = mw_fail(err, MW_ESYNTAX, "%s:%d: %s; mend it, or remove it and add your contexts again",
                 ret->path, at.line, ret->file ? "this is no file of contexts" : at.text);
    contexts_fini(ret);
    return rc;
}

static int write_failed(const char *path, struct mw_error *err)
{
    int code = errno == EACCES || errno == EPERM ? MW_EDENIED
               : errno == ENOSPC                 ? MW_ENOSPC
                                                 : MW_EIO;
    return mw_fail(err, code, "cannot write %s: %s", path, strerror(errno));
}

int contexts_write(const struct contexts *c, struct mw_error *err)
{
    char fresh[LIVE_PATH_MAX + 8];
    must(c != NULL && c->file != NULL);
    int rc = live_path_make_parents(c->path, err);
    if (rc < 0)
        return rc;
    (void)snprintf(fresh, sizeof(fresh), "%s.new", c->path);
    (void)unlink(fresh); /* of a write that was broken off */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL)
        return write_failed(fresh, err);
    bool good = json_dumpf(c->file, f, JSON_INDENT(2)) == 0 && fputc('\n', f) != EOF &&
                fflush(f) == 0 && fsync(fd) == 0;
    good = fclose(f) == 0 && good;
    if (good && rename(fresh, c->path) == 0)
        return 0;
    rc = write_failed(c->path, err);
    (void)unlink(fresh);
    return rc;
}

void contexts_fini(struct contexts *c)
{
    if (c == NULL)
        return;
    json_decref(c->file);
    c->file = NULL;
}

static json_t *list_of(const struct contexts *c)
{
    return json_object_get(c->file, "contexts");
}

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void read_entry(const char *name, const json_t *o, struct context_entry *ret)
{
    *ret = (struct context_entry){ .name = name, .socket = text_at(o, "socket"),
                                   .url = text_at(o, "url"),
                                   .token_file = text_at(o, "token_file"),
                                   .ca_file = text_at(o, "ca_file") };
}

bool contexts_find(const struct contexts *c, const char *name, struct context_entry *ret)
{
    struct context_entry e;
    must(c != NULL && name != NULL && ret != NULL);
    for (uint32_t i = 0; contexts_at(c, i, &e); i++)
        if (strcmp(e.name, name) == 0) {
            *ret = e;
            return true;
        }
    return false;
}

const char *contexts_current(const struct contexts *c)
{
    const char *name = text_at(c->file, "current");
    return name != NULL && json_object_get(list_of(c), name) != NULL ? name : NULL;
}

uint32_t contexts_count(const struct contexts *c)
{
    return (uint32_t)json_object_size(list_of(c));
}

bool contexts_at(const struct contexts *c, uint32_t i, struct context_entry *ret)
{
    json_t *list = list_of(c);
    void *at = json_object_iter(list);
    while (at != NULL && i-- > 0)
        at = json_object_iter_next(list, at);
    if (at == NULL)
        return false;
    read_entry(json_object_iter_key(at), json_object_iter_value(at), ret);
    return true;
}

/* Letters, digits, '.', '_' and '-': names are words of a command line. */
static bool name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return n > 0 && n <= NAME_LENGTH_MAX && name[n] == '\0' && name[0] != '-';
}

static bool begins(const char *s, const char *with)
{
    return s != NULL && strncmp(s, with, strlen(with)) == 0;
}

/* A token goes over TLS, or stays on this machine. */
static bool is_loopback(const char *url)
{
    const char *host = url + strlen("http://");
    size_t n = strcspn(host, ":/");
    return (n == 9 && (memcmp(host, "127.0.0.1", n) == 0 || memcmp(host, "localhost", n) == 0)) ||
           begins(host, "[::1]");
}

static int check(const struct context_entry *e, struct mw_error *err)
{
    if (!name_ok(e->name))
        return mw_fail(err, MW_EINVAL, "\"%.80s\" is no name for a context: letters, digits, '.', "
                       "'_' and '-', at most %u", e->name, NAME_LENGTH_MAX);
    if ((e->url != NULL) == (e->socket != NULL))
        return mw_fail(err, MW_EINVAL, "name one: the daemon's URL or its socket");
    if (e->url == NULL)
        return e->token_file || e->ca_file
                   ? mw_fail(err, MW_EINVAL, "a token and a CA file are for a URL: on a socket "
                             "the kernel says who asks")
                   : 0;
    if (begins(e->url, "https://"))
        return 0;
    if (!begins(e->url, "http://"))
        return mw_fail(err, MW_EINVAL, "\"%.100s\" must begin with https:// (or http:// on this "
                       "machine)", e->url);
    return is_loopback(e->url) ? 0
                               : mw_fail(err, MW_EINVAL, "%.100s: without TLS only this machine "
                                         "is spoken with; write https://", e->url);
}

/* Folders change: a file is kept by its whole path. */
static json_t *whole_path(const char *path)
{
    char folder[LIVE_PATH_MAX], whole[2 * LIVE_PATH_MAX];
    if (path == NULL)
        return NULL;
    if (path[0] == '/' || getcwd(folder, sizeof(folder)) == NULL)
        return json_string(path);
    (void)snprintf(whole, sizeof(whole), "%s/%s", folder, path);
    return json_string(whole);
}

int contexts_add(struct contexts *c, const struct context_entry *e, struct mw_error *err)
{
    must(c != NULL && e != NULL && e->name != NULL);
    int rc = check(e, err);
    if (rc < 0)
        return rc;
    if (json_object_get(list_of(c), e->name) != NULL)
        return mw_fail(err, MW_EEXIST, "there is a context \"%s\" already: mw context remove %s",
                       e->name, e->name);
    if (contexts_count(c) >= CONTEXTS_MAX)
        return mw_fail(err, MW_ELIMIT, "there are %u contexts already", CONTEXTS_MAX);
    json_t *o = json_pack("{s:s*, s:o*, s:o*, s:o*}", "url", e->url, "socket",
                          whole_path(e->socket), "token_file", whole_path(e->token_file),
                          "ca_file", whole_path(e->ca_file));
    if (o == NULL || json_object_set_new(list_of(c), e->name, o) < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory, or a path that is not UTF-8");
    return 0;
}

static int no_such(const struct contexts *c, const char *name, struct mw_error *err)
{
    struct nearest n = { .word = name };
    struct context_entry e;
    for (uint32_t i = 0; contexts_at(c, i, &e); i++)
        nearest_offer(&n, e.name, strlen(e.name));
    return mw_fail(err, MW_ENOTFOUND, "there is no context \"%.80s\"%s%s%s", name,
                   n.best[0] ? " (did you mean " : "; mw context list shows them", n.best,
                   n.best[0] ? "?)" : "");
}

int contexts_use(struct contexts *c, const char *name, struct mw_error *err)
{
    must(c != NULL && c->file != NULL);
    if (name == NULL) {
        (void)json_object_del(c->file, "current");
        return 0;
    }
    if (json_object_get(list_of(c), name) == NULL)
        return no_such(c, name, err);
    if (json_object_set_new(c->file, "current", json_string(name)) < 0)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    return 0;
}

int contexts_remove(struct contexts *c, const char *name, struct mw_error *err)
{
    const char *current = contexts_current(c);
    must(name != NULL);
    if (current != NULL && strcmp(current, name) == 0)
        (void)json_object_del(c->file, "current");
    return json_object_del(list_of(c), name) == 0 ? 0 : no_such(c, name, err);
}

int contexts_token(const char *file, char ret[CONTEXTS_TOKEN_MAX], struct mw_error *err)
{
    struct stat st;
    must(file != NULL && ret != NULL);
    if (stat(file, &st) != 0)
        return mw_fail(err, errno == ENOENT ? MW_ENOTFOUND : MW_EDENIED,
                       "the token file %s: %s", file, strerror(errno));
    if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
        return mw_fail(err, MW_EDENIED, "others may read the token in %s: chmod 600 %s", file,
                       file);
    FILE *f = fopen(file, "re");
    if (f == NULL)
        return mw_fail(err, MW_EDENIED, "the token file %s: %s", file, strerror(errno));
    bool got = fgets(ret, CONTEXTS_TOKEN_MAX, f) != NULL;
    (void)fclose(f);
    size_t n = got ? strcspn(ret, "\r\n") : 0;
    bool word = n > 0 && n < CONTEXTS_TOKEN_MAX - 1;
    for (size_t i = 0; word && i < n; i++)
        word = ret[i] > ' ' && ret[i] < 127;
    if (!word)
        return mw_fail(err, MW_EINVAL, "%s holds no token: one word on its first line", file);
    ret[n] = '\0';
    return 0;
}

/* The access file, read and replaced.  See access_file.h. */
#include "api/access_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/access_json.h"
#include "base/mem.h"
#include "base/units.h"

#define LOCK_TRIES 100
#define LOCK_PAUSE_NS (10 * MW_NS_PER_MS)
#define PATH_ROOM 4096

void access_file_init(struct access_file *f)
{
    *f = (struct access_file){ .next_actor = ACCESS_ACTOR_FIRST };
}

void access_file_fini(struct access_file *f)
{
    mw_free(f->token);
    mw_free(f->person);
    access_file_init(f);
}

/* Room for one more of `size` bytes; NULL when there is none. */
static void *grow(void *list, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return list;
    uint32_t want = *room == 0 ? 8 : *room * 2;
    void *p = mw_resize(list, want, size);
    if (p != NULL)
        *room = want;
    return p;
}

struct access_record *access_file_add_token(struct access_file *f, struct mw_error *err)
{
    if (f->tokens >= ACCESS_TOKENS_MAX) {
        (void)mw_fail(err, MW_ELIMIT, "the access file holds %u tokens, the most it takes: begin "
                      "a new file", f->tokens);
        return NULL;
    }
    struct access_record *p = grow(f->token, f->tokens, &f->token_room, sizeof(*p));
    if (p == NULL) {
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
        return NULL;
    }
    f->token = p;
    p = &f->token[f->tokens++];
    memset(p, 0, sizeof(*p));
    return p;
}

struct access_person *access_file_add_person(struct access_file *f, struct mw_error *err)
{
    if (f->persons >= ACCESS_PEOPLE_MAX) {
        (void)mw_fail(err, MW_ELIMIT, "the access file holds %u people, the most it takes",
                      f->persons);
        return NULL;
    }
    struct access_person *p = grow(f->person, f->persons, &f->person_room, sizeof(*p));
    if (p == NULL) {
        (void)mw_fail(err, MW_ENOMEM, "out of memory");
        return NULL;
    }
    f->person = p;
    p = &f->person[f->persons++];
    memset(p, 0, sizeof(*p));
    return p;
}

static bool printable(const char *s, size_t room)
{
    size_t n = strnlen(s, room);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    return n > 0 && n < room;
}

int access_grant_check(const struct access_grant *g, struct mw_error *err)
{
    must(g != NULL && g->tenants <= ACCESS_SCOPES_MAX && g->halls <= ACCESS_SCOPES_MAX);
    if (!printable(g->name, sizeof(g->name)))
        return mw_fail(err, MW_EINVAL, "name: say who will hold the token, in 1 to %d bytes "
                       "without control characters", ACCESS_NAME_MAX - 1);
    if (g->roles == 0 || g->roles >= 1u << ROLE_COUNT)
        return mw_fail(err, MW_EINVAL, "roles: name at least one role");
    if (g->roles == 1u << ROLE_USER && g->tenants == 0)
        return mw_fail(err, MW_EINVAL, "tenants: a user sees the jobs of its own tenants: name at "
                       "least one");
    for (uint32_t i = 0; i < g->halls; i++)
        if (!printable(g->hall[i], sizeof(g->hall[i])))
            return mw_fail(err, MW_EINVAL, "halls: a hall's name has 1 to %zu bytes",
                           sizeof(g->hall[i]) - 1);
    return 0;
}

static int system_fail(struct mw_error *err, const char *what, const char *path)
{
    int code = errno == EACCES || errno == EPERM || errno == ELOOP ? MW_EDENIED
               : errno == ENOSPC || errno == EDQUOT                ? MW_ENOSPC
               : errno == ENOENT                                   ? MW_ENOTFOUND
                                                                   : MW_EIO;
    return mw_fail(err, code, "cannot %s %s: %s", what, path, strerror(errno));
}

static int64_t ns_of(struct timespec t)
{
    return t.tv_sec * MW_NS_PER_S + t.tv_nsec;
}

static struct access_stamp stamp_of(const struct stat *st)
{
    return (struct access_stamp){ .device = st->st_dev, .inode = st->st_ino,
                                  .size = (uint64_t)st->st_size,
                                  .modified_ns = ns_of(st->st_mtim),
                                  .changed_ns = ns_of(st->st_ctim) };
}

bool access_file_stamp(const char *path, struct access_stamp *ret)
{
    struct stat st;
    *ret = (struct access_stamp){ 0 };
    if (stat(path, &st) != 0)
        return false;
    *ret = stamp_of(&st);
    return true;
}

static int check_owner(const struct stat *st, const char *path, struct mw_error *err)
{
    if (!S_ISREG(st->st_mode))
        return mw_fail(err, MW_EDENIED, "%s is no regular file", path);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return mw_fail(err, MW_EDENIED, "%s belongs to another user (%u): whoever owns it decides "
                       "who has access", path, (unsigned)st->st_uid);
    if ((st->st_mode & 077) != 0)
        return mw_fail(err, MW_EDENIED, "%s is open to other users (mode %03o): chmod 600 it, and "
                       "look who changed it", path, (unsigned)(st->st_mode & 0777));
    if ((uint64_t)st->st_size > ACCESS_FILE_BYTES_MAX)
        return mw_fail(err, MW_ELIMIT, "%s has over %zu bytes", path, ACCESS_FILE_BYTES_MAX);
    return 0;
}

static int read_whole(int fd, const char *path, size_t size, char *buf, struct mw_error *err)
{
    for (size_t have = 0; have < size;) {
        ssize_t n = read(fd, buf + have, size - have);
        if (n == 0)
            return mw_fail(err, MW_EIO, "%s was cut short while it was read", path);
        if (n < 0 && errno != EINTR)
            return system_fail(err, "read", path);
        have += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int load_open(int fd, const char *path, struct access_file *f, struct access_stamp *ret,
                     struct mw_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return system_fail(err, "read", path);
    int rc = check_owner(&st, path, err);
    if (rc < 0)
        return rc;
    char *text mw_cleanup(mw_freep) = mw_calloc(1, (size_t)st.st_size + 1);
    if (text == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    rc = read_whole(fd, path, (size_t)st.st_size, text, err);
    if (rc == 0)
        rc = access_file_parse(text, (size_t)st.st_size, f, err);
    if (rc == 0)
        *ret = stamp_of(&st);
    else
        (void)mw_fail_prefix(err, "%s", path);
    return rc;
}

int access_file_load(const char *path, struct access_file *f, struct access_stamp *ret_stamp,
                     struct mw_error *err)
{
    must(path != NULL && f != NULL && ret_stamp != NULL);
    access_file_fini(f);
    *ret_stamp = (struct access_stamp){ 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? 0 : system_fail(err, "open", path);
    int rc = load_open(fd, path, f, ret_stamp, err);
    (void)close(fd);
    return rc;
}

static void folder_of(const char *path, char ret[PATH_ROOM])
{
    (void)snprintf(ret, PATH_ROOM, "%s", path);
    char *slash = strrchr(ret, '/');
    if (slash == NULL)
        (void)snprintf(ret, PATH_ROOM, ".");
    else
        slash[slash == ret] = '\0';
}

/* What root makes belongs to whose file, or whose folder, it is: the daemon must read it. */
static int give_to_owner(int fd, const char *path, struct mw_error *err)
{
    struct stat st;
    char folder[PATH_ROOM];
    if (geteuid() != 0)
        return 0;
    folder_of(path, folder);
    if (stat(path, &st) != 0 && stat(folder, &st) != 0)
        return system_fail(err, "look at", folder);
    return fchown(fd, st.st_uid, st.st_gid) == 0 ? 0 : system_fail(err, "give away", path);
}

/* The folder's entry is on disk as well. */
static int sync_folder(const char *path, struct mw_error *err)
{
    char folder[PATH_ROOM];
    folder_of(path, folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0 ? 0 : system_fail(err, "sync", folder);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int write_whole(int fd, const char *path, const char *text, struct mw_error *err)
{
    size_t size = strlen(text);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);
        if (n < 0 && errno != EINTR)
            return system_fail(err, "write", path);
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? 0 : system_fail(err, "sync", path);
}

static int beside(const char *path, const char *ending, char ret[PATH_ROOM], struct mw_error *err)
{
    int n = snprintf(ret, PATH_ROOM, "%s%s", path, ending);
    return n > 0 && n < PATH_ROOM ? 0 : mw_fail(err, MW_EINVAL, "the path %.100s… is too long",
                                                path);
}

int access_file_save(const char *path, const struct access_file *f, struct mw_error *err)
{
    char fresh[PATH_ROOM];
    must(path != NULL && f != NULL && f->next_actor >= ACCESS_ACTOR_FIRST);
    char *text mw_cleanup(mw_freep) = access_file_text(f); /* jansson's allocator is the system's */
    if (text == NULL)
        return mw_fail(err, MW_ENOMEM, "out of memory");
    int rc = beside(path, ".new", fresh, err);
    if (rc < 0)
        return rc;
    (void)unlink(fresh); /* of a writer that died: the lock is ours */
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return system_fail(err, "write", fresh);
    rc = give_to_owner(fd, path, err);
    if (rc == 0)
        rc = write_whole(fd, fresh, text, err);
    if (close(fd) != 0 && rc == 0)
        rc = system_fail(err, "write", fresh);
    if (rc == 0 && rename(fresh, path) != 0)
        rc = system_fail(err, "replace", path);
    if (rc < 0)
        (void)unlink(fresh);
    return rc < 0 ? rc : sync_folder(path, err);
}

int access_file_lock(const char *path, int *ret_fd, struct mw_error *err)
{
    char lock[PATH_ROOM];
    must(path != NULL && ret_fd != NULL);
    int rc = beside(path, ".lock", lock, err);
    if (rc < 0)
        return rc;
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return system_fail(err, "open", lock);
    rc = give_to_owner(fd, path, err);
    int why = 0;
    for (int i = 0; rc == 0 && i < LOCK_TRIES; i++) {
        const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            *ret_fd = fd;
            return 0;
        }
        why = errno;
        if (why != EWOULDBLOCK && why != EINTR)
            break;
        (void)nanosleep(&pause, NULL);
    }
    if (rc == 0)
        rc = why == EWOULDBLOCK ? mw_fail(err, MW_EBUSY, "another process is changing %s", path)
                                : mw_fail(err, MW_EIO, "cannot lock %s: %s", lock, strerror(why));
    (void)close(fd);
    return rc;
}

void access_file_unlock(int fd)
{
    (void)close(fd); /* and so the lock is off */
}

/* One table of keys; what is not there is a mistake. */
#include "agent/exec_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"

#define KEY_MAX 64
#define NS_PER_MS INT64_C(1000000)
#define DEADLINE_MS_MAX (INT64_C(3600) * 1000) /* of a command; of what it does: VERIFY_MS_MAX */
#define VERIFY_MS_MAX (INT64_C(7200) * 1000)

static const char *const names[EXEC_ACTIONS] = {
    [EXEC_RESET_GPU] = "reset-gpu", [EXEC_RESTART_SERVICE] = "restart-service",
    [EXEC_REBOOT] = "reboot", [EXEC_CHECK] = "check" };

/* Chosen: nvidia-smi and systemctl answer within seconds or hang; a server's start takes 5 to 10
 * minutes, and what a reboot did is looked at only when we run again. */
static const struct {
    int64_t deadline_ms, verify_within_ms;
} times[EXEC_ACTIONS] = { [EXEC_RESET_GPU] = { 60000, 30000 },
                          [EXEC_RESTART_SERVICE] = { 90000, 30000 },
                          [EXEC_REBOOT] = { 30000, 600000 },
                          [EXEC_CHECK] = { 600000, 0 } };

const char *exec_action_name(uint32_t action)
{
    return action < EXEC_ACTIONS ? names[action] : "";
}

enum exec_action exec_action_find(const char *name)
{
    uint32_t i = 0;
    while (i < EXEC_ACTIONS && strcmp(names[i], name) != 0)
        i++;
    return (enum exec_action)i;
}

bool exec_is_pci(const char *text)
{
    static const char form[] = "xxxx:xx:xx.o";
    size_t n = strlen(text);
    for (size_t i = 0; n == sizeof(form) - 1 && i < n; i++) {
        char c = text[i];
        bool digit = c >= '0' && c <= '9', hex = digit || (c >= 'a' && c <= 'f') ||
                                                 (c >= 'A' && c <= 'F');
        if (form[i] == 'x' ? !hex : form[i] == 'o' ? c < '0' || c > '7' : c != form[i])
            return false;
    }
    return n == sizeof(form) - 1;
}

/* ---- commands ------------------------------------------------------------------------------ */

/* What a name in braces stands for; NULL = it was not given; number: where numbers are written. */
static const char *value_of(const char *name, size_t size, const struct exec_values *v,
                            char number[16])
{
    const bool gpu = size == 3 && memcmp(name, "gpu", 3) == 0;
    const bool level = size == 5 && memcmp(name, "level", 5) == 0;
    if (gpu || level) {
        int64_t n = gpu ? v->gpu : (int64_t)v->level;
        (void)snprintf(number, 16, "%lld", (long long)n);
        return n < 0 || (level && n == 0) ? NULL : number;
    }
    if (size == 3 && memcmp(name, "pci", 3) == 0)
        return v->pci;
    if (size == 4 && memcmp(name, "unit", 4) == 0)
        return v->unit;
    return size == 5 && memcmp(name, "class", 5) == 0 ? v->class : NULL;
}

/* A value becomes an argument of its own: never empty, and never an option. */
static bool is_plain(const char *value)
{
    size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             ":._@-");
    return value[0] != '\0' && value[0] != '-' && value[n] == '\0' && n < EXEC_UNIT_MAX;
}

/* One word of a command into *at; false when it is too long. */
static int fill_word(const char *word, const struct exec_values *v, char **at, const char *end,
                     struct mw_error *err)
{
    char number[16];
    for (const char *s = word; *s != '\0';) {
        const char *close = *s == '{' ? strchr(s, '}') : NULL;
        const char *from = s;
        size_t n = 1;
        if (close != NULL) {
            size_t length = (size_t)(close - s) - 1;
            from = value_of(s + 1, length, v, number);
            if (from == NULL || !is_plain(from))
                return mw_fail(err, MW_EINVAL, "the command needs {%.*s}, which was not given",
                               (int)MW_MIN(length, (size_t)16), s + 1);
            n = strlen(from);
        }
        if (n >= (size_t)(end - *at))
            return mw_fail(err, MW_ELIMIT, "the command is too long");
        memcpy(*at, from, n);
        *at += n;
        s = close != NULL ? close + 1 : s + 1;
    }
    *(*at)++ = '\0';
    return 0;
}

int exec_command_fill(const struct exec_command *c, const struct exec_values *v,
                      struct exec_argv *ret, struct mw_error *err)
{
    must(c && v && ret && c->words > 0 && c->words <= EXEC_ARGV_MAX);
    const char *word = c->text;
    char *at = ret->text;
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < c->words; i++) {
        ret->argv[i] = at;
        rc = fill_word(word, v, &at, ret->text + sizeof(ret->text) - 1, err);
        word += strlen(word) + 1;
    }
    ret->argv[c->words] = NULL;
    return rc;
}

void exec_argv_text(const struct exec_argv *a, char *to, size_t size)
{
    size_t at = 0;
    must(size > 0);
    to[0] = '\0';
    for (uint32_t i = 0; a->argv[i] != NULL && at < size; i++) {
        int n = snprintf(to + at, size - at, "%s%s", i > 0 ? " " : "", a->argv[i]);
        at += n > 0 ? (size_t)n : 0;
    }
}

const char *exec_policy_unit(const struct exec_policy *p, const char *name)
{
    static const char suffix[] = ".service";
    size_t n = strlen(name);
    for (uint32_t i = 0; i < p->units; i++) {
        const char *unit = p->unit[i];
        if (n > 0 && strncmp(unit, name, n) == 0 &&
            (unit[n] == '\0' || strcmp(unit + n, suffix) == 0))
            return unit;
    }
    return NULL;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Where the reader is; a line and its two halves, without blanks around. */
struct reader {
    struct exec_policy *p;
    char line[2 * EXEC_COMMAND_MAX];
    char *key, *value;
    uint32_t number;
    uint64_t seen[EXEC_ACTIONS + 1]; /* bits: keys that were there */
};

static int take_mode(struct reader *r, struct mw_error *err)
{
    r->p->act = strcmp(r->value, "act") == 0;
    if (!r->p->act && strcmp(r->value, "shadow") != 0)
        return mw_fail(err, MW_EINVAL, "mode is shadow or act");
    return 0;
}

static int take_user(struct reader *r, struct mw_error *err)
{
    size_t n = strlen(r->value);
    if (n >= sizeof(r->p->user) || !is_plain(r->value))
        return mw_fail(err, MW_EINVAL, "user is a name or a number");
    memcpy(r->p->user, r->value, n + 1);
    return 0;
}

static int take_gpus(struct reader *r, struct mw_error *err)
{
    uint64_t n;
    if (mw_parse_u64(r->value, &n) < 0 || n > EXEC_GPUS_MAX)
        return mw_fail(err, MW_EINVAL, "gpus is a number from 0 to %u", EXEC_GPUS_MAX);
    r->p->gpus = (uint32_t)n;
    return 0;
}

static int take_allow(struct reader *r, struct exec_rule *rule, struct mw_error *err)
{
    rule->allow = strcmp(r->value, "yes") == 0;
    if (!rule->allow && strcmp(r->value, "no") != 0)
        return mw_fail(err, MW_EINVAL, "allow is yes or no");
    return 0;
}

static int take_rate(struct reader *r, struct exec_rule *rule, struct mw_error *err)
{
    char *slash = strchr(r->value, '/');
    uint64_t most = 0;
    int64_t per_ns = 0;
    if (slash != NULL)
        *slash = '\0';
    if (slash == NULL || mw_parse_u64(r->value, &most) < 0 || most == 0 ||
        most > EXEC_RATE_MAX || mw_parse_duration(slash + 1, &per_ns) < 0 ||
        per_ns < NS_PER_MS || per_ns / NS_PER_MS > EXEC_PER_MS_MAX)
        return mw_fail(err, MW_EINVAL, "a rate is like 4/1h: 1 to %u times in a time up to 30 d",
                       EXEC_RATE_MAX);
    rule->most = (uint32_t)most;
    rule->per_ms = per_ns / NS_PER_MS;
    return 0;
}

static int take_time(const struct reader *r, int64_t most_ms, int64_t *ret_ms,
                     struct mw_error *err)
{
    int64_t ns;
    if (mw_parse_duration(r->value, &ns) < 0 || ns < NS_PER_MS || ns / NS_PER_MS > most_ms)
        return mw_fail(err, MW_EINVAL, "\"%.40s\" is not a time like 30s, up to %lld s", r->value,
                       (long long)(most_ms / 1000));
    *ret_ms = ns / NS_PER_MS;
    return 0;
}

/* Are the names in braces of this word some that there are? */
static bool is_template(const char *word)
{
    static const char *const known[] = { "{gpu}", "{pci}", "{unit}", "{class}", "{level}" };
    for (const char *s = strchr(word, '{'); s != NULL; s = strchr(s + 1, '{')) {
        bool found = false;
        for (size_t i = 0; i < MW_ARRAY_LEN(known); i++)
            found |= strncmp(s, known[i], strlen(known[i])) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* The next word of *at, ended in place; NULL past the last. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    size_t n = strcspn(word, " \t");
    *at = word + n;
    if (**at != '\0')
        *(*at)++ = '\0';
    return n > 0 ? word : NULL;
}

static int take_command(struct reader *r, struct exec_command *c, struct mw_error *err)
{
    struct exec_command made = { .words = 0 };
    size_t at = 0;
    for (char *rest = r->value, *w; (w = next_word(&rest)) != NULL;) {
        size_t n = strlen(w) + 1;
        if (made.words == EXEC_ARGV_MAX || n > sizeof(made.text) - at)
            return mw_fail(err, MW_ELIMIT, "a command has at most %d words and %d bytes",
                           EXEC_ARGV_MAX, EXEC_COMMAND_MAX);
        if (!is_template(w))
            return mw_fail(err, MW_EINVAL, "\"%.40s\": in braces are gpu, pci, unit, class, level",
                           w);
        memcpy(made.text + at, w, n);
        at += n;
        made.words++;
    }
    if (made.words == 0 || made.text[0] != '/' || strchr(made.text, '{') != NULL)
        return mw_fail(err, MW_EINVAL, "a command begins with the absolute path of a program");
    *c = made;
    return 0;
}

static int take_units(struct reader *r, struct mw_error *err)
{
    struct exec_policy *p = r->p;
    for (char *rest = r->value, *w; (w = next_word(&rest)) != NULL;) {
        size_t n = strlen(w) + 1;
        if (p->units == EXEC_UNITS_MAX || !is_plain(w))
            return mw_fail(err, MW_EINVAL, "units are up to %d names of units", EXEC_UNITS_MAX);
        memcpy(p->unit[p->units++], w, n);
    }
    return 0;
}

static const char *const rule_keys[] = { "allow", "rate", "command", "verify", "deadline",
                                         "verify_within", "units" };

static int take_rule(struct reader *r, enum exec_action action, const char *key,
                     struct mw_error *err)
{
    struct exec_rule *rule = &r->p->rule[action];
    uint32_t i = 0;
    while (i < MW_ARRAY_LEN(rule_keys) && strcmp(rule_keys[i], key) != 0)
        i++;
    if (i < MW_ARRAY_LEN(rule_keys) && r->seen[action] & UINT64_C(1) << i)
        return mw_fail(err, MW_EINVAL, "it is there twice");
    r->seen[action] |= UINT64_C(1) << i;
    switch (i) {
    case 0:
        return take_allow(r, rule, err);
    case 1:
        return take_rate(r, rule, err);
    case 2:
        return take_command(r, &rule->command, err);
    case 3:
        return take_command(r, &rule->verify, err);
    case 4:
        return take_time(r, DEADLINE_MS_MAX, &rule->deadline_ms, err);
    case 5:
        return take_time(r, VERIFY_MS_MAX, &rule->verify_within_ms, err);
    default:
        return i == 6 && action == EXEC_RESTART_SERVICE
                   ? take_units(r, err) : mw_fail(err, MW_EINVAL, "there is no such key");
    }
}

static int take_line(struct reader *r, struct mw_error *err)
{
    static const struct {
        const char *key;
        int (*take)(struct reader *r, struct mw_error *err);
    } keys[] = { { "mode", take_mode }, { "user", take_user }, { "gpus", take_gpus } };
    for (uint32_t i = 0; i < MW_ARRAY_LEN(keys); i++) {
        if (strcmp(keys[i].key, r->key) != 0)
            continue;
        if (r->seen[EXEC_ACTIONS] & UINT64_C(1) << i)
            return mw_fail(err, MW_EINVAL, "it is there twice");
        r->seen[EXEC_ACTIONS] |= UINT64_C(1) << i;
        return keys[i].take(r, err);
    }
    char *dot = strchr(r->key, '.');
    if (dot == NULL)
        return mw_fail(err, MW_EINVAL, "there is no such key");
    *dot = '\0';
    enum exec_action action = exec_action_find(r->key);
    *dot = '.';
    if (action == EXEC_ACTIONS)
        return mw_fail(err, MW_EINVAL, "the actions are reset-gpu, restart-service, reboot, check");
    return take_rule(r, action, dot + 1, err);
}

static char *trim(char *s)
{
    s += strspn(s, " \t\r");
    size_t n = strlen(s);
    while (n > 0 && strchr(" \t\r", s[n - 1]) != NULL)
        s[--n] = '\0';
    return s;
}

/* The line's halves; false where it says nothing. */
static int split_line(struct reader *r, const char *from, size_t size, bool *ret_says,
                      struct mw_error *err)
{
    if (size >= sizeof(r->line) || memchr(from, '\0', size) != NULL)
        return mw_fail(err, MW_ELIMIT, "line %u: it is longer than %zu bytes, or holds a byte 0",
                       r->number, sizeof(r->line) - 1);
    memcpy(r->line, from, size);
    r->line[size] = '\0';
    r->key = trim(r->line);
    *ret_says = r->key[0] != '\0' && r->key[0] != '#';
    if (!*ret_says)
        return 0;
    char *equal = strchr(r->key, '=');
    if (equal == NULL)
        return mw_fail(err, MW_ESYNTAX, "line %u: it is not key = value", r->number);
    *equal = '\0';
    r->value = trim(equal + 1);
    r->key = trim(r->key);
    if (r->value[0] == '\0')
        return mw_fail(err, MW_ESYNTAX, "line %u: %.40s has no value", r->number, r->key);
    return 0;
}

/* What is allowed is bounded, and there is a command for it. */
static int check_whole(const struct exec_policy *p, struct mw_error *err)
{
    if (p->user[0] == '\0')
        return mw_fail(err, MW_EINVAL, "user is missing: whose collector may ask");
    for (uint32_t i = 0; i < EXEC_ACTIONS; i++) {
        const struct exec_rule *rule = &p->rule[i];
        if (rule->allow && (rule->command.words == 0 || rule->most == 0))
            return mw_fail(err, MW_EINVAL, "%s is allowed without a %s", names[i],
                           rule->most == 0 ? "rate" : "command");
    }
    if (p->rule[EXEC_RESTART_SERVICE].allow && p->units == 0)
        return mw_fail(err, MW_EINVAL, "restart-service is allowed without units");
    return 0;
}

static void set_defaults(struct exec_policy *p)
{
    static const char show[] = "/usr/bin/systemctl\0show\0--property=InvocationID\0"
                               "--property=ActiveState\0--\0{unit}";
    *p = (struct exec_policy){ .gpus = 16 };
    for (uint32_t i = 0; i < EXEC_ACTIONS; i++) {
        p->rule[i].deadline_ms = times[i].deadline_ms;
        p->rule[i].verify_within_ms = times[i].verify_within_ms;
    }
    struct exec_command *verify = &p->rule[EXEC_RESTART_SERVICE].verify;
    verify->words = 6;
    memcpy(verify->text, show, sizeof(show));
}

int exec_policy_read(const char *text, size_t size, struct exec_policy *ret, struct mw_error *err)
{
    struct exec_policy p;
    struct reader r = { .p = &p };
    int rc = 0;
    must(text != NULL && ret != NULL);
    set_defaults(&p);
    for (size_t at = 0; rc == 0 && at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end != NULL ? (size_t)(end - text) - at : size - at;
        bool says = false;
        r.number++;
        rc = split_line(&r, text + at, n, &says, err);
        if (rc == 0 && says) {
            rc = take_line(&r, err);
            if (rc < 0)
                rc = mw_fail_prefix(err, "line %u: %.60s", r.number, r.key);
        }
        at += n + 1;
    }
    if (rc == 0)
        rc = check_whole(&p, err);
    if (rc == 0)
        *ret = p;
    return rc;
}

static int check_file(int fd, const char *path, struct mw_error *err)
{
    struct stat s;
    if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode))
        return mw_fail(err, MW_EINVAL, "%s is not a file", path);
    if ((s.st_uid != 0 && s.st_uid != geteuid()) || (s.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return mw_fail(err, MW_EDENIED, "%s must be owned by root (or who runs this) and be "
                       "writable by nobody else: chown root, chmod 644", path);
    return 0;
}

int exec_policy_load(const char *path, struct exec_policy *ret, struct mw_error *err)
{
    static const size_t room = EXEC_POLICY_BYTES_MAX;
    char text[EXEC_POLICY_BYTES_MAX + 1];
    size_t size = 0;
    ssize_t n = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return mw_fail(err, errno == ENOENT ? MW_ENOTFOUND : MW_EIO, "%s: %s", path,
                       strerror(errno));
    int rc = check_file(fd, path, err);
    while (rc == 0 && n > 0 && size <= room) {
        n = read(fd, text + size, room + 1 - size);
        if (n < 0 && errno != EINTR)
            rc = mw_fail(err, MW_EIO, "%s: %s", path, strerror(errno));
        size += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    if (rc == 0 && size > room)
        rc = mw_fail(err, MW_ELIMIT, "%s is longer than %zu bytes", path, room);
    if (rc == 0 && exec_policy_read(text, size, ret, err) < 0)
        rc = mw_fail_prefix(err, "%s", path);
    return rc;
}

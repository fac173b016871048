/*
 * One command of Slurm, from its words to what it wrote.  The port calls back
 * at any time; nothing is done then but to keep the answer for the next tick.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "live/slurm_private.h"

void slurm_word(struct slurm_words *w, const char *word)
{
    must(w->words + 1 < MW_ARRAY_LEN(w->argv));
    w->argv[w->words++] = word;
}

void slurm_wordf(struct slurm_words *w, const char *fmt, ...)
{
    char part[SLURM_REASON_MAX + 128];
    va_list args;
    must(w->texts < MW_ARRAY_LEN(w->text));
    va_start(args, fmt);
    (void)vsnprintf(part, sizeof(part), fmt, args);
    va_end(args);
    struct text *t = &w->text[w->texts++];
    text_add(t, part);
    slurm_word(w, text_string(t));
}

void slurm_words_fini(struct slurm_words *w)
{
    for (uint32_t i = 0; i < w->texts; i++)
        text_fini(&w->text[i]);
    *w = (struct slurm_words){ 0 };
}

/* A new end mark, and the format that asks for it. */
static void add_format(struct slurm *s, struct slurm_words *w,
                       void (*format)(const char *end, char ret[SLURM_FORMAT_MAX]))
{
    char words[SLURM_FORMAT_MAX];
    s->seed = mw_mix64(s->seed + (uint64_t)s->now_ns);
    slurm_text_end(s->seed, w->end);
    format(w->end, words);
    slurm_word(w, "-O");
    slurm_wordf(w, "%s", words);
}

void slurm_ask_nodes(struct slurm *s, struct slurm_words *w, const char *name)
{
    slurm_word(w, "sinfo");
    slurm_word(w, "-h");
    slurm_word(w, "-a");
    if (name) {
        slurm_word(w, "-n");
        slurm_word(w, name);
    }
    add_format(s, w, slurm_nodes_format);
}

void slurm_ask_jobs(struct slurm *s, struct slurm_words *w, const char *name)
{
    slurm_word(w, "squeue");
    slurm_word(w, "-h");
    slurm_word(w, "-a");
    slurm_word(w, "-t");
    slurm_word(w, "all");
    if (name) {
        slurm_word(w, "-j");
        slurm_word(w, name);
    }
    add_format(s, w, slurm_jobs_format);
}

static void free_command(struct slurm_command *c)
{
    mw_free(c->out);
    mw_free(c->err);
    mw_free(c);
}

static void done(void *ctx, const struct process_result *r)
{
    struct slurm_command *c = ctx;
    if (!c->slurm) {
        free_command(c);
        return;
    }
    c->ended = true;
    c->timed_out = r->timed_out;
    c->exit_code = r->exit_code;
    c->out = mw_strndup(r->out, r->out_size);
    c->out_size = strlen(c->out ? c->out : ""); /* shorter where there is a '\0' in it */
    c->cut = r->cut || !c->out || c->out_size != r->out_size;
    c->err = mw_strndup(r->err, MW_MIN(r->err_size, (size_t)4096));
}

struct slurm_command *slurm_command_start(struct slurm *s, const struct slurm_words *w)
{
    struct mw_error err = { 0 };
    struct slurm_command *c = mw_calloc(1, sizeof(*c));
    const struct process_request q = { .argv = w->argv, .env = s->env,
                                       .deadline_ns = s->options.command_ns };
    int rc = c ? 0 : mw_fail(&err, MW_ENOMEM, "out of memory for a command");
    for (uint32_t i = 0; i < w->texts && rc == 0; i++)
        if (w->text[i].failed)
            rc = mw_fail(&err, MW_ENOMEM, "out of memory for a command");
    if (rc == 0) {
        c->slurm = s;
        c->users = 1;
        memcpy(c->end, w->end, sizeof(c->end));
        rc = s->options.process.start(s->options.process.self, &q, done, c, &err);
    }
    s->stats.commands++;
    if (rc == 0)
        return c;
    mw_free(c);
    s->stats.commands_failed++;
    (void)snprintf(s->stats.trouble, sizeof(s->stats.trouble), "%.255s", err.text);
    return NULL;
}

void slurm_command_drop(struct slurm_command *c)
{
    if (!c)
        return;
    must(c->users > 0);
    if (--c->users > 0)
        return;
    if (c->ended)
        free_command(c);
    else
        c->slurm = NULL;
}

bool slurm_command_ok(const struct slurm_command *c)
{
    must(c->ended);
    return c->exit_code == 0 && !c->timed_out && !c->cut;
}

bool slurm_command_silent(const struct slurm_command *c)
{
    static const char *const words[] = { "Unable to contact", "onnection refused",
                                         "timed out", "onnect failure", "communication",
                                         "Zero Bytes", "in standby mode", "not responding" };
    must(c->ended);
    if (c->timed_out || c->cut)
        return true;
    for (uint32_t i = 0; c->err && i < MW_ARRAY_LEN(words); i++)
        if (strstr(c->err, words[i]))
            return true;
    return false;
}

void slurm_command_words(const struct slurm_command *c, char *ret, size_t size)
{
    must(c->ended && size >= 64);
    if (c->timed_out)
        (void)snprintf(ret, size, "no answer within the deadline");
    else if (c->cut)
        (void)snprintf(ret, size, "an answer that is too long or damaged");
    else if (c->err && c->err[0] != '\0')
        (void)slurm_text_clean(c->err, ret, size);
    else
        (void)snprintf(ret, size, "it ended with exit code %d and said nothing", c->exit_code);
    for (size_t n = strlen(ret); n > 0 && ret[n - 1] == ' '; n--)
        ret[n - 1] = '\0';
}

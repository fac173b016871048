/*
 * Where a person is in mw top: which list, which row, what is being typed; what
 * a key does to that; and how it looks.  Pure: no terminal, no daemon.
 */
#ifndef MW_CLI_TOP_VIEW_H
#define MW_CLI_TOP_VIEW_H

#include "cli/frame.h"
#include "cli/top_model.h"

/* Keys that are no character. */
enum { TOP_KEY_UP = 0x110000, TOP_KEY_DOWN, TOP_KEY_PAGE_UP, TOP_KEY_PAGE_DOWN, TOP_KEY_HOME,
       TOP_KEY_END, TOP_KEY_RESIZE };
#define TOP_KEY_ESCAPE 27
#define TOP_KEY_ENTER '\n'
#define TOP_KEY_BACK 127

enum top_prompt { PROMPT_NONE, PROMPT_FILTER, PROMPT_COMMAND, PROMPT_REASON, PROMPT_CONFIRM };

/* What the program has to do after a key. */
enum top_action { TOP_STAY, TOP_QUIT, TOP_ASK, TOP_DESCRIBE, TOP_PREVIEW, TOP_DO };

enum top_verb { VERB_DRAIN, VERB_CORDON, VERB_RETURN };

struct top_view {
    struct top_wish wish;
    char filter[TOP_TABS][TOP_TEXT_MAX]; /* of each list */
    uint32_t sort[TOP_TABS];
    unsigned chosen, first;       /* rows; first: at the top of the list */
    char chosen_name[64];
    unsigned page_rows;           /* rows of the list that fit: of the last drawing */
    json_t *marked;               /* owned: a set of nodes */
    bool readonly, help;
    enum top_prompt prompt;
    char typed[TOP_TEXT_MAX], reason[TOP_TEXT_MAX];
    enum top_verb verb;
    char question[2 * TOP_TEXT_MAX], answer[16]; /* what has to be typed to go on */
    char note[2 * TOP_TEXT_MAX];  /* what the last thing came to */
    bool note_bad;
    struct text page;             /* owned: a story instead of the list; empty = none */
    unsigned page_first;
    char name[128];               /* the daemon */
};

void top_view_init(struct top_view *v, const char *daemon, bool readonly);
void top_view_fini(struct top_view *v);

/* What a key does.  model may be NULL. */
enum top_action top_key(struct top_view *v, const struct top_model *m, int key);

/* The name of the chosen row in buf; NULL when there is none. */
const char *top_chosen(const struct top_view *v, const struct top_model *m, char *buf,
                       size_t size);
/* A new model came: the chosen row is kept by its name. */
void top_view_came(struct top_view *v, const struct top_model *m);

/* Draws all of it; model NULL = nothing came yet.  top_draw.c */
void top_draw(struct frame *f, struct top_view *v, const struct top_model *m);

extern const char *const TOP_VERB_WORDS[]; /* "drain", "cordon", "return": by enum top_verb */

#endif

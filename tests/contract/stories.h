/*
 * The stories: each is one function over a stage, and runs as it is in the
 * simulated world and on a real cluster.  A story plays people and fate, waits
 * until what must happen has happened, and says what must be so at its end; that
 * both worlds recorded the same is compared by whoever runs it (canon.h).
 */
#ifndef MW_CONTRACT_STORIES_H
#define MW_CONTRACT_STORIES_H

#include "stage.h"

struct story {
    const char *name; /* a sentence */
    void (*tell)(struct stage *s);
    uint8_t mode;     /* enum guard_mode */
};

extern const struct story STORIES[];
extern const uint32_t STORY_COUNT;

/* Opens a stage, tells the story, checks what holds for every story (nothing goes out in observe
 * mode, the record decided again is the same) and leaves the stage open for comparing. */
void story_run(const struct story *story, const struct world *w, struct stage *s);

#endif

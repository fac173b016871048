/* Lists that grow while a record is read: what story, explain and history share. */
#ifndef MW_CONTROL_GROW_H
#define MW_CONTROL_GROW_H

#include "base/base.h"
#include "base/mem.h"

static inline void *grow_array(void *array, uint32_t length, uint32_t *room, size_t size)
{
    if (length < *room)
        return array;
    uint32_t more = *room ? *room * 2 : 16;
    void *bigger = mw_resize(array, more, size);
    if (bigger)
        *room = more;
    return bigger;
}

/* Makes room for one more in a list; false when out of memory: the list is as it was. */
#define GROW(array, length, room)                                                  \
    ({                                                                             \
        void *bigger_ = grow_array((array), (length), (room), sizeof(*(array)));   \
        if (bigger_)                                                               \
            (array) = bigger_;                                                     \
        bigger_ != NULL;                                                           \
    })

#endif

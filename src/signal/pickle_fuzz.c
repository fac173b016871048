/* Any bytes: refused with words, or the tree is whole and its texts lie in the input. */
#include "signal/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct value_tree t;
    struct mw_error err = {0};

    if (pickle_read(bytes, size, &t, &err) != 0) {
        must(t.node == NULL && t.link == NULL && err.code != 0 && err.text[0] != '\0');
        return 0;
    }
    must(t.root < t.nodes && t.node[t.root].kind != VALUE_MARK);
    for (uint32_t i = 0; i < t.nodes; i++) {
        const struct value *v = &t.node[i];
        uint32_t children = 0;
        must(v->depth <= VALUE_DEPTH_MAX);
        for (uint32_t at = v->first; at != MW_NONE; at = t.link[at].next, children++) {
            must(t.link[at].node < t.nodes);
            must(t.node[t.link[at].node].kind != VALUE_MARK);
        }
        must(children == v->count && (v->kind != VALUE_DICT || children % 2 == 0));
        must(v->length == 0 || (v->text >= bytes && v->text + v->length <= bytes + size));
        (void)value_get(&t, i, "entries");
    }
    value_tree_fini(&t);
    return 0;
}

/*
 * The pickle reader: a loop over opcodes with a value stack and a memo, both
 * bounded.  Bytes come only through take(), which knows the end.  Never calls,
 * imports or builds anything.
 */
#include "signal/pickle.h"

#include <string.h>

#include "base/mem.h"

struct reader {
    const uint8_t *data;
    size_t size, at, op_at; /* op_at: of the opcode being done, for errors */
    uint8_t op;
    uint32_t *stack; /* owned; rows of the tree */
    uint32_t length, stack_room;
    uint32_t *memo; /* owned; MW_NONE = not set */
    uint32_t memo_room, memo_next;
    struct value_tree *tree;
    struct mw_error *err;
    bool done;
};

/* What an opcode does; `from` is the width of the little-endian number after it. */
enum action {
    DO_UNKNOWN, DO_REFUSE, DO_OLD, DO_PROTO, DO_FRAME, DO_MARK, DO_STOP, DO_POP, DO_POP_MARK,
    DO_DUP, DO_NONE, DO_TRUE, DO_FALSE, DO_INT, DO_LONG, DO_REAL, DO_TEXT, DO_BYTES, DO_EMPTY,
    DO_TUPLE_MARK, DO_TUPLE_N, DO_LIST_MARK, DO_DICT_MARK, DO_APPEND, DO_APPENDS, DO_SETITEM,
    DO_SETITEMS, DO_PUT, DO_GET, DO_MEMOIZE
};

struct opcode {
    const char *name;
    uint8_t action, from, kind;
};

static const struct opcode opcodes[256] = {
    [0x80] = {"PROTO", DO_PROTO, 1, 0},
    [0x95] = {"FRAME", DO_FRAME, 8, 0},
    ['('] = {"MARK", DO_MARK, 0, 0},
    ['.'] = {"STOP", DO_STOP, 0, 0},
    ['0'] = {"POP", DO_POP, 0, 0},
    ['1'] = {"POP_MARK", DO_POP_MARK, 0, 0},
    ['2'] = {"DUP", DO_DUP, 0, 0},
    ['N'] = {"NONE", DO_NONE, 0, 0},
    [0x88] = {"NEWTRUE", DO_TRUE, 0, 0},
    [0x89] = {"NEWFALSE", DO_FALSE, 0, 0},
    ['J'] = {"BININT", DO_INT, 4, 0},
    ['K'] = {"BININT1", DO_INT, 1, 0},
    ['M'] = {"BININT2", DO_INT, 2, 0},
    [0x8a] = {"LONG1", DO_LONG, 1, 0},
    [0x8b] = {"LONG4", DO_LONG, 4, 0},
    ['G'] = {"BINFLOAT", DO_REAL, 0, 0},
    ['X'] = {"BINUNICODE", DO_TEXT, 4, VALUE_TEXT},
    [0x8c] = {"SHORT_BINUNICODE", DO_TEXT, 1, VALUE_TEXT},
    [0x8d] = {"BINUNICODE8", DO_TEXT, 8, VALUE_TEXT},
    ['T'] = {"BINSTRING", DO_TEXT, 4, VALUE_TEXT},
    ['U'] = {"SHORT_BINSTRING", DO_TEXT, 1, VALUE_TEXT},
    ['B'] = {"BINBYTES", DO_BYTES, 4, VALUE_BYTES},
    ['C'] = {"SHORT_BINBYTES", DO_BYTES, 1, VALUE_BYTES},
    [0x8e] = {"BINBYTES8", DO_BYTES, 8, VALUE_BYTES},
    [0x96] = {"BYTEARRAY8", DO_BYTES, 8, VALUE_BYTES},
    [']'] = {"EMPTY_LIST", DO_EMPTY, 0, VALUE_LIST},
    [')'] = {"EMPTY_TUPLE", DO_EMPTY, 0, VALUE_TUPLE},
    ['}'] = {"EMPTY_DICT", DO_EMPTY, 0, VALUE_DICT},
    [0x8f] = {"EMPTY_SET", DO_EMPTY, 0, VALUE_LIST},
    ['t'] = {"TUPLE", DO_TUPLE_MARK, 0, VALUE_TUPLE},
    [0x85] = {"TUPLE1", DO_TUPLE_N, 0, 1},
    [0x86] = {"TUPLE2", DO_TUPLE_N, 0, 2},
    [0x87] = {"TUPLE3", DO_TUPLE_N, 0, 3},
    ['l'] = {"LIST", DO_LIST_MARK, 0, VALUE_LIST},
    [0x91] = {"FROZENSET", DO_LIST_MARK, 0, VALUE_LIST},
    ['d'] = {"DICT", DO_DICT_MARK, 0, VALUE_DICT},
    ['a'] = {"APPEND", DO_APPEND, 0, VALUE_LIST},
    ['e'] = {"APPENDS", DO_APPENDS, 0, VALUE_LIST},
    [0x90] = {"ADDITEMS", DO_APPENDS, 0, VALUE_LIST},
    ['s'] = {"SETITEM", DO_SETITEM, 0, VALUE_DICT},
    ['u'] = {"SETITEMS", DO_SETITEMS, 0, VALUE_DICT},
    ['q'] = {"BINPUT", DO_PUT, 1, 0},
    ['r'] = {"LONG_BINPUT", DO_PUT, 4, 0},
    ['h'] = {"BINGET", DO_GET, 1, 0},
    ['j'] = {"LONG_BINGET", DO_GET, 4, 0},
    [0x94] = {"MEMOIZE", DO_MEMOIZE, 0, 0},
    ['c'] = {"GLOBAL", DO_REFUSE, 0, 0},
    [0x93] = {"STACK_GLOBAL", DO_REFUSE, 0, 0},
    ['R'] = {"REDUCE", DO_REFUSE, 0, 0},
    ['b'] = {"BUILD", DO_REFUSE, 0, 0},
    ['i'] = {"INST", DO_REFUSE, 0, 0},
    ['o'] = {"OBJ", DO_REFUSE, 0, 0},
    [0x81] = {"NEWOBJ", DO_REFUSE, 0, 0},
    [0x92] = {"NEWOBJ_EX", DO_REFUSE, 0, 0},
    [0x82] = {"EXT1", DO_REFUSE, 0, 0},
    [0x83] = {"EXT2", DO_REFUSE, 0, 0},
    [0x84] = {"EXT4", DO_REFUSE, 0, 0},
    ['P'] = {"PERSID", DO_REFUSE, 0, 0},
    ['Q'] = {"BINPERSID", DO_REFUSE, 0, 0},
    [0x97] = {"NEXT_BUFFER", DO_REFUSE, 0, 0},
    [0x98] = {"READONLY_BUFFER", DO_REFUSE, 0, 0},
    ['I'] = {"INT", DO_OLD, 0, 0},
    ['L'] = {"LONG", DO_OLD, 0, 0},
    ['F'] = {"FLOAT", DO_OLD, 0, 0},
    ['S'] = {"STRING", DO_OLD, 0, 0},
    ['V'] = {"UNICODE", DO_OLD, 0, 0},
    ['p'] = {"PUT", DO_OLD, 0, 0},
    ['g'] = {"GET", DO_OLD, 0, 0},
};

static const char *op_name(const struct reader *r)
{
    return opcodes[r->op].name == NULL ? "unknown" : opcodes[r->op].name;
}

static int damaged(const struct reader *r, const char *what)
{
    return mw_fail(r->err, MW_ESYNTAX, "pickle: opcode %s (0x%02x) at offset %zu: %s",
                   op_name(r), r->op, r->op_at, what);
}

/* The next n bytes, or NULL past the end. */
static const uint8_t *take(struct reader *r, size_t n)
{
    must(r->at <= r->size);
    if (n > r->size - r->at)
        return NULL;
    const uint8_t *p = r->data + r->at;
    r->at += n;
    return p;
}

static int take_number(struct reader *r, uint32_t width, uint64_t *ret)
{
    must(width <= 8);
    const uint8_t *p = take(r, width);
    if (p == NULL)
        return damaged(r, "the file ends in its number; was it cut short?");
    *ret = 0;
    for (uint32_t i = 0; i < width; i++)
        *ret |= (uint64_t)p[i] << (8 * i);
    return 0;
}

static int push(struct reader *r, uint32_t row)
{
    if (r->length == r->stack_room) {
        uint32_t more = r->stack_room == 0 ? 64 : r->stack_room * 2;
        if (r->stack_room >= PICKLE_STACK_MAX)
            return mw_fail(r->err, MW_ELIMIT, "pickle: more than %u values on the stack at "
                           "offset %zu", PICKLE_STACK_MAX, r->op_at);
        uint32_t *bigger = mw_resize(r->stack, more, sizeof(*bigger));
        if (bigger == NULL)
            return mw_fail(r->err, MW_ENOMEM, "out of memory for a pickle");
        r->stack = bigger;
        r->stack_room = more;
    }
    r->stack[r->length++] = row;
    return 0;
}

static int push_new(struct reader *r, enum value_kind kind, struct value **ret)
{
    uint32_t row;
    int rc = value_add(r->tree, kind, &row, r->err);
    if (rc != 0)
        return mw_fail_prefix(r->err, "pickle, offset %zu", r->op_at);
    *ret = &r->tree->node[row];
    return push(r, row);
}

static bool is_kind(const struct reader *r, uint32_t depth, enum value_kind kind)
{
    return r->length >= depth && value_is(r->tree, r->stack[r->length - depth], kind);
}

/* Position after the topmost mark, 0 when there is none. */
static uint32_t after_mark(const struct reader *r)
{
    uint32_t at = r->length;
    while (at > 0 && r->tree->node[r->stack[at - 1]].kind != VALUE_MARK)
        at--;
    return at;
}

/* The stack from `from` on becomes children of `parent`, in order; the stack is cut to `keep`. */
static int fill(struct reader *r, uint32_t parent, uint32_t from, uint32_t keep)
{
    must(keep <= from && from <= r->length);
    if (r->tree->node[parent].kind == VALUE_DICT && (r->length - from) % 2 != 0)
        return damaged(r, "a key without a value");
    for (uint32_t i = from; i < r->length; i++) {
        if (r->tree->node[r->stack[i]].kind == VALUE_MARK)
            return damaged(r, "a mark where a value belongs");
        if (value_append(r->tree, parent, r->stack[i], r->err) != 0)
            return mw_fail_prefix(r->err, "pickle, offset %zu", r->op_at);
    }
    r->length = keep;
    return 0;
}

/* A new container of everything from `from` on; the mark below it, if any, goes. */
static int collect(struct reader *r, enum value_kind kind, uint32_t from, uint32_t keep)
{
    uint32_t row;
    int rc = value_add(r->tree, kind, &row, r->err);
    if (rc != 0)
        return mw_fail_prefix(r->err, "pickle, offset %zu", r->op_at);
    rc = fill(r, row, from, keep);
    return rc != 0 ? rc : push(r, row);
}

static int collect_marked(struct reader *r, enum value_kind kind)
{
    uint32_t from = after_mark(r);
    if (from == 0)
        return damaged(r, "no mark on the stack");
    return collect(r, kind, from, from - 1);
}

/* APPENDS and SETITEMS: what is above the mark goes into the container below it. */
static int fill_marked(struct reader *r, enum value_kind kind)
{
    uint32_t from = after_mark(r);
    if (from < 2 || !value_is(r->tree, r->stack[from - 2], kind))
        return damaged(r, "no container below the mark");
    return fill(r, r->stack[from - 2], from, from - 1);
}

/* APPEND and SETITEM: the top n go into the container below them. */
static int fill_top(struct reader *r, uint32_t n, enum value_kind kind)
{
    if (!is_kind(r, n + 1, kind))
        return damaged(r, "no container for it on the stack");
    uint32_t keep = r->length - n;
    return fill(r, r->stack[keep - 1], keep, keep);
}

static int read_int(struct reader *r, uint32_t width)
{
    uint64_t number;
    struct value *v;
    int rc = take_number(r, width, &number);
    if (rc == 0)
        rc = push_new(r, VALUE_INT, &v);
    if (rc == 0)
        v->number = width == 4 ? (int64_t)(int32_t)(uint32_t)number : (int64_t)number;
    return rc;
}

/* LONG1, LONG4: two's complement of any length; past 64 bits only its presence is kept. */
static int read_long(struct reader *r, uint32_t width)
{
    uint64_t length, number = 0;
    struct value *v;
    int rc = take_number(r, width, &length);
    if (rc != 0)
        return rc;
    const uint8_t *p = take(r, length);
    if (p == NULL)
        return damaged(r, "the file ends in its digits; was it cut short?");
    rc = push_new(r, length <= 8 ? VALUE_INT : VALUE_BIG, &v);
    if (rc != 0 || length > 8)
        return rc;
    for (uint32_t i = 0; i < length; i++)
        number |= (uint64_t)p[i] << (8 * i);
    if (length > 0 && length < 8 && (p[length - 1] & 0x80) != 0)
        number |= UINT64_MAX << (8 * length);
    v->number = (int64_t)number;
    return 0;
}

static int read_real(struct reader *r)
{
    const uint8_t *p = take(r, 8);
    struct value *v;
    uint64_t bits = 0;
    if (p == NULL)
        return damaged(r, "the file ends in its number; was it cut short?");
    for (uint32_t i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    int rc = push_new(r, VALUE_REAL, &v);
    if (rc == 0)
        memcpy(&v->real, &bits, sizeof(v->real));
    return rc;
}

static int read_text(struct reader *r, const struct opcode *o)
{
    uint64_t length;
    struct value *v;
    int rc = take_number(r, o->from, &length);
    if (rc != 0)
        return rc;
    const uint8_t *p = take(r, length);
    if (p == NULL)
        return damaged(r, "the file ends in its text; was it cut short?");
    rc = push_new(r, (enum value_kind)o->kind, &v);
    if (rc == 0) {
        v->text = (const char *)p;
        v->length = (uint32_t)length; /* fits: the file is at most VALUE_BYTES_MAX */
    }
    return rc;
}

static int memo_put(struct reader *r, uint64_t at)
{
    if (r->length == 0 || is_kind(r, 1, VALUE_MARK))
        return damaged(r, "nothing on the stack to remember");
    if (at >= PICKLE_MEMO_MAX)
        return mw_fail(r->err, MW_ELIMIT, "pickle: memo entry %llu at offset %zu; at most %u",
                       (unsigned long long)at, r->op_at, PICKLE_MEMO_MAX);
    if (at >= r->memo_room) {
        uint32_t more = MW_MAX(r->memo_room * 2, (uint32_t)at + 64);
        uint32_t *bigger = mw_resize(r->memo, more, sizeof(*bigger));
        if (bigger == NULL)
            return mw_fail(r->err, MW_ENOMEM, "out of memory for a pickle");
        memset(bigger + r->memo_room, 0xff, (more - r->memo_room) * sizeof(*bigger));
        r->memo = bigger;
        r->memo_room = more;
    }
    r->memo[at] = r->stack[r->length - 1];
    return 0;
}

static int memo_get(struct reader *r, uint64_t at)
{
    if (at >= r->memo_room || r->memo[at] == MW_NONE)
        return damaged(r, "asks for a memo entry that was never set");
    return push(r, r->memo[at]);
}

static int pop(struct reader *r, uint32_t keep)
{
    if (r->length == 0)
        return damaged(r, "the stack is empty");
    r->length = keep;
    return 0;
}

static int do_frame(struct reader *r, const struct opcode *o)
{
    uint64_t number;
    int rc = take_number(r, o->from, &number);
    if (rc != 0)
        return rc;
    if (o->action == DO_PROTO && (number < 2 || number > 5))
        return mw_fail(r->err, MW_EVERSION, "pickle protocol %llu; 2 to 5 are read",
                       (unsigned long long)number);
    return o->action == DO_FRAME && number > r->size - r->at
               ? damaged(r, "the frame is longer than the file; was it cut short?") : 0;
}

static int do_memo(struct reader *r, const struct opcode *o)
{
    uint64_t at = r->memo_next;
    int rc = o->action == DO_MEMOIZE ? 0 : take_number(r, o->from, &at);
    if (rc != 0)
        return rc;
    if (o->action == DO_GET)
        return memo_get(r, at);
    r->memo_next++; /* MEMOIZE counts earlier puts, as Python's len(memo) does */
    return memo_put(r, at);
}

static int do_stop(struct reader *r)
{
    if (r->length != 1 || is_kind(r, 1, VALUE_MARK))
        return damaged(r, "the end, but not exactly one value is left");
    r->tree->root = r->stack[0];
    r->done = true;
    return 0;
}

static int do_refuse(const struct reader *r, const struct opcode *o)
{
    if (o->action == DO_REFUSE)
        return mw_fail(r->err, MW_EDENIED,
                       "pickle: opcode %s (0x%02x) at offset %zu would import or call Python "
                       "code; refused: only plain values are read", o->name, r->op, r->op_at);
    return damaged(r, o->action == DO_OLD ? "text opcodes of protocol 0 are not read"
                                          : "no such opcode");
}

/* Opcodes that push a value of their own. */
static int do_value(struct reader *r, const struct opcode *o)
{
    struct value *v;
    int rc;
    switch (o->action) {
    case DO_MARK: return push_new(r, VALUE_MARK, &v);
    case DO_NONE: return push_new(r, VALUE_NONE, &v);
    case DO_TRUE:
        rc = push_new(r, VALUE_BOOL, &v);
        if (rc == 0)
            v->number = 1;
        return rc;
    case DO_FALSE: return push_new(r, VALUE_BOOL, &v);
    case DO_INT: return read_int(r, o->from);
    case DO_LONG: return read_long(r, o->from);
    case DO_REAL: return read_real(r);
    case DO_TEXT:
    case DO_BYTES: return read_text(r, o);
    case DO_EMPTY: return push_new(r, (enum value_kind)o->kind, &v);
    default: return do_refuse(r, o);
    }
}

static int do_opcode(struct reader *r, const struct opcode *o)
{
    enum value_kind kind = (enum value_kind)o->kind;
    switch (o->action) {
    case DO_PROTO:
    case DO_FRAME: return do_frame(r, o);
    case DO_STOP: return do_stop(r);
    case DO_POP: return pop(r, r->length - 1);
    case DO_POP_MARK:
        return after_mark(r) == 0 ? damaged(r, "no mark on the stack") : pop(r, after_mark(r) - 1);
    case DO_DUP:
        return r->length == 0 || is_kind(r, 1, VALUE_MARK) ? damaged(r, "nothing to repeat")
                                                           : push(r, r->stack[r->length - 1]);
    case DO_TUPLE_MARK:
    case DO_LIST_MARK:
    case DO_DICT_MARK: return collect_marked(r, kind);
    case DO_TUPLE_N:
        if (r->length < o->kind)
            return damaged(r, "too few values on the stack");
        return collect(r, VALUE_TUPLE, r->length - o->kind, r->length - o->kind);
    case DO_APPEND: return fill_top(r, 1, kind);
    case DO_SETITEM: return fill_top(r, 2, kind);
    case DO_APPENDS:
    case DO_SETITEMS: return fill_marked(r, kind);
    case DO_PUT:
    case DO_GET:
    case DO_MEMOIZE: return do_memo(r, o);
    default: return do_value(r, o);
    }
}

bool pickle_is(const char *data, size_t size)
{
    return size >= 3 && (uint8_t)data[0] == 0x80 && data[1] >= 2 && data[1] <= 5;
}

int pickle_read(const char *data, size_t size, struct value_tree *ret, struct mw_error *err)
{
    struct reader r = {.data = (const uint8_t *)data, .size = size, .tree = ret, .err = err};
    int rc = 0;

    *ret = (struct value_tree){.root = MW_NONE};
    if (size > VALUE_BYTES_MAX)
        return mw_fail(err, MW_ELIMIT, "pickle of %zu bytes; at most %zu", size, VALUE_BYTES_MAX);
    if (!pickle_is(data, size))
        return mw_fail(err, MW_ESYNTAX, "not a pickle of protocol 2 to 5");
    while (rc == 0 && !r.done) {
        r.op_at = r.at;
        const uint8_t *op = take(&r, 1);
        if (op == NULL) {
            rc = mw_fail(err, MW_ESYNTAX, "pickle: ends at offset %zu without STOP; cut short?",
                         r.at);
            break;
        }
        r.op = *op;
        rc = do_opcode(&r, &opcodes[r.op]);
    }
    mw_free(r.stack);
    mw_free(r.memo);
    if (rc != 0)
        value_tree_fini(ret);
    return rc;
}

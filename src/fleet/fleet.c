/*
 * The columns of a fleet: one table of them drives allocation, release and the
 * memory count.  Names by a hash index with open addressing.  No I/O, nothing
 * is changed after loading.
 */
#include "fleet/fleet.h"

#include <string.h>

#include "base/mem.h"
#include "fleet/fleet_build.h"

#define TAG_SHIFT 32
#define TAG_MASK (UINT64_C(0xffffff) << TAG_SHIFT)
#define INDEX_NAMES_MAX (UINT32_C(1) << 30)
#define COLUMN(column, k)                                                            \
    {                                                                                \
        offsetof(struct fleet, column), sizeof(*((struct fleet *)0)->column), (k)    \
    }
#define LIST(list) offsetof(struct fleet, list)

static const struct column {
    size_t place; /* of the pointer in struct fleet */
    size_t size;  /* of one row */
    enum component_kind kind;
} columns[] = {
    COLUMN(row_hall, COMPONENT_ROW),
    COLUMN(rack_row, COMPONENT_RACK),
    COLUMN(rack_hall, COMPONENT_RACK),
    COLUMN(rack_power_w, COMPONENT_RACK),
    COLUMN(rack_pdu[0], COMPONENT_RACK),
    COLUMN(rack_pdu[1], COMPONENT_RACK),
    COLUMN(rack_cdu, COMPONENT_RACK),
    COLUMN(node_rack, COMPONENT_NODE),
    COLUMN(node_hall, COMPONENT_NODE),
    COLUMN(node_row, COMPONENT_NODE),
    COLUMN(node_gpus, COMPONENT_NODE),
    COLUMN(node_gpu_first, COMPONENT_NODE),
    COLUMN(node_nics, COMPONENT_NODE),
    COLUMN(node_nic_first, COMPONENT_NODE),
    COLUMN(node_model, COMPONENT_NODE),
    COLUMN(node_power_w, COMPONENT_NODE),
    COLUMN(node_group, COMPONENT_NODE),
    COLUMN(gpu_node, COMPONENT_GPU),
    COLUMN(gpu_slot, COMPONENT_GPU),
    COLUMN(gpu_batch, COMPONENT_GPU),
    COLUMN(nic_node, COMPONENT_NIC),
    COLUMN(nic_rail, COMPONENT_NIC),
    COLUMN(nic_cable, COMPONENT_NIC),
    COLUMN(pdu_breaker, COMPONENT_PDU),
    COLUMN(breaker_parent, COMPONENT_BREAKER),
    COLUMN(breaker_limit_w, COMPONENT_BREAKER),
    COLUMN(cdu_capacity_w, COMPONENT_CDU),
    COLUMN(switch_tier, COMPONENT_SWITCH),
    COLUMN(switch_hall, COMPONENT_SWITCH),
    COLUMN(switch_rack, COMPONENT_SWITCH),
    COLUMN(switch_ports, COMPONENT_SWITCH),
    COLUMN(cable_end[0], COMPONENT_CABLE),
    COLUMN(cable_end[1], COMPONENT_CABLE),
    COLUMN(cable_optic[0], COMPONENT_CABLE),
    COLUMN(cable_optic[1], COMPONENT_CABLE),
    COLUMN(cable_node, COMPONENT_CABLE),
    COLUMN(optic_cable, COMPONENT_OPTIC),
    COLUMN(optic_batch, COMPONENT_OPTIC),
};

static const size_t lists[] = {
    LIST(group_nodes), LIST(switch_cables), LIST(rack_nodes),   LIST(row_racks),
    LIST(hall_rows),   LIST(pdu_racks),     LIST(breaker_pdus), LIST(breaker_children),
    LIST(cdu_racks),   LIST(block_groups),  LIST(pod_groups),
};

static void **column_at(const struct fleet *f, size_t place)
{
    return (void **)((char *)f + place);
}

static struct fleet_list *list_at(const struct fleet *f, size_t place)
{
    return (struct fleet_list *)((char *)f + place);
}

static bool has_serials(enum component_kind kind)
{
    return kind >= COMPONENT_RACK;
}

int fleet_alloc_kind(struct fleet *f, enum component_kind kind)
{
    uint32_t rows = f->count[kind];

    must(kind > COMPONENT_NONE && kind < COMPONENT_KIND_COUNT);
    must(f->name_of[kind] == NULL);
    f->name_of[kind] = mw_calloc(rows, sizeof(uint32_t));
    if (f->name_of[kind] == NULL)
        return MW_ENOMEM;
    if (has_serials(kind)) {
        f->serial_of[kind] = mw_calloc(rows, sizeof(uint32_t));
        if (f->serial_of[kind] == NULL)
            return MW_ENOMEM;
    }
    for (size_t i = 0; i < MW_ARRAY_LEN(columns); i++) {
        if (columns[i].kind != kind)
            continue;
        void **at = column_at(f, columns[i].place);
        *at = mw_calloc(rows, columns[i].size);
        if (*at == NULL)
            return MW_ENOMEM;
    }
    return 0;
}

void fleet_destroy(struct fleet *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < MW_ARRAY_LEN(columns); i++)
        mw_free(*column_at(f, columns[i].place));
    for (size_t i = 0; i < MW_ARRAY_LEN(lists); i++) {
        mw_free(list_at(f, lists[i])->first);
        mw_free(list_at(f, lists[i])->item);
    }
    for (int k = 0; k < COMPONENT_KIND_COUNT; k++) {
        mw_free(f->name_of[k]);
        mw_free(f->serial_of[k]);
    }
    mw_free(f->group_block);
    mw_free(f->group_pod);
    mw_free(f->name_index);
    mw_free(f->text.pool);
    mw_free(f->source);
    mw_free(f);
}

static const char *text_of(const struct fleet *f, uint32_t *const table[], uint64_t component)
{
    enum component_kind kind = component_kind_of(component);
    uint32_t row = component_index_of(component);

    if (kind <= COMPONENT_NONE || kind >= COMPONENT_KIND_COUNT || row >= f->count[kind] ||
        table[kind] == NULL)
        return "";
    must(table[kind][row] < f->text.pool_size);
    return f->text.pool + table[kind][row];
}

const char *fleet_name(const struct fleet *f, uint64_t component)
{
    must(f != NULL);
    return text_of(f, f->name_of, component);
}

const char *fleet_serial(const struct fleet *f, uint64_t component)
{
    must(f != NULL);
    return text_of(f, f->serial_of, component);
}

int fleet_index_init(struct fleet *f, uint32_t names_max)
{
    uint32_t places = 16;

    must(f->name_index == NULL);
    if (names_max > INDEX_NAMES_MAX)
        return MW_ELIMIT;
    while (places < names_max + names_max / 2)
        places *= 2;
    f->name_index = mw_calloc(places, sizeof(*f->name_index));
    if (f->name_index == NULL)
        return MW_ENOMEM;
    f->name_index_mask = places - 1;
    return 0;
}

/* The place of a name, or the empty place where it would go. */
static uint32_t place_of(const struct fleet *f, const char *name, size_t length, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & f->name_index_mask;
    uint64_t tag = (hash >> 8) & TAG_MASK;

    for (; f->name_index[at] != 0; at = (at + 1) & f->name_index_mask) {
        if ((f->name_index[at] & TAG_MASK) != tag)
            continue;
        const char *other = text_of(f, f->name_of, f->name_index[at] & ~TAG_MASK);
        if (strncmp(other, name, length) == 0 && other[length] == '\0')
            break;
    }
    return at;
}

uint64_t fleet_index_add(struct fleet *f, uint64_t component)
{
    const char *name = fleet_name(f, component);
    size_t length = strlen(name);
    uint64_t hash = mw_hash64_of(name, length);
    uint32_t at = place_of(f, name, length, hash);

    must(f->name_index != NULL && (component & TAG_MASK) == 0);
    if (f->name_index[at] != 0)
        return f->name_index[at] & ~TAG_MASK;
    f->name_index[at] = component | ((hash >> 8) & TAG_MASK);
    return 0;
}

uint64_t fleet_find_n(const struct fleet *f, const char *name, size_t length)
{
    if (f->name_index == NULL)
        return 0;
    uint64_t hash = mw_hash64_of(name, length);
    return f->name_index[place_of(f, name, length, hash)] & ~TAG_MASK;
}

uint64_t fleet_find(const struct fleet *f, const char *name)
{
    must(f != NULL && name != NULL);
    return fleet_find_n(f, name, strlen(name));
}

uint32_t fleet_node_of(const struct fleet *f, uint64_t component)
{
    enum component_kind kind = component_kind_of(component);
    uint32_t row = component_index_of(component);

    must(f != NULL);
    if (kind >= COMPONENT_KIND_COUNT || row >= f->count[kind])
        return MW_NONE;
    switch (kind) {
    case COMPONENT_NODE:
        return row;
    case COMPONENT_GPU:
        return f->gpu_node[row];
    case COMPONENT_NIC:
        return f->nic_node[row];
    case COMPONENT_CABLE:
        return f->cable_node[row];
    case COMPONENT_OPTIC:
        return f->cable_node[f->optic_cable[row]];
    default:
        return MW_NONE;
    }
}

uint64_t fleet_memory_bytes(const struct fleet *f)
{
    uint64_t bytes = sizeof(*f) + f->text.pool_size + f->source_size;

    for (size_t i = 0; i < MW_ARRAY_LEN(columns); i++)
        bytes += *column_at(f, columns[i].place) == NULL
                     ? 0
                     : (uint64_t)f->count[columns[i].kind] * columns[i].size;
    for (size_t i = 0; i < MW_ARRAY_LEN(lists); i++) {
        const struct fleet_list *l = list_at(f, lists[i]);
        if (l->first != NULL)
            bytes += ((uint64_t)l->rows + 1 + l->first[l->rows]) * sizeof(uint32_t);
    }
    for (int k = 1; k < COMPONENT_KIND_COUNT; k++)
        bytes += (uint64_t)f->count[k] * sizeof(uint32_t) * (f->serial_of[k] == NULL ? 1 : 2);
    if (f->group_pod != NULL)
        bytes += 2 * (uint64_t)f->groups * sizeof(uint32_t);
    if (f->name_index != NULL)
        bytes += ((uint64_t)f->name_index_mask + 1) * sizeof(*f->name_index);
    return bytes;
}

/* True when the second parent of c adds nothing. */
static bool is_repeat(uint32_t *const parent[2], int side, uint32_t c)
{
    return side == 1 && parent[1][c] == parent[0][c];
}

int fleet_list_make2(struct fleet_list *l, uint32_t rows, uint32_t *const parent[2],
                     uint32_t children)
{
    int sides = parent[1] == NULL ? 1 : 2;
    uint32_t total = 0;

    must(l->first == NULL);
    l->rows = rows;
    l->first = mw_calloc((size_t)rows + 2, sizeof(uint32_t));
    if (l->first == NULL)
        return MW_ENOMEM;
    for (int s = 0; s < sides; s++) {
        for (uint32_t c = 0; c < children; c++) {
            if (parent[s][c] == MW_NONE || is_repeat(parent, s, c))
                continue;
            must(parent[s][c] < rows);
            l->first[parent[s][c] + 2]++;
            total++;
        }
    }
    l->item = mw_calloc(total, sizeof(uint32_t));
    if (l->item == NULL)
        return MW_ENOMEM;
    for (uint32_t r = 2; r < rows + 2; r++)
        l->first[r] += l->first[r - 1];
    for (uint32_t c = 0; c < children; c++) {
        for (int s = 0; s < sides; s++) {
            if (parent[s][c] != MW_NONE && !is_repeat(parent, s, c))
                l->item[l->first[parent[s][c] + 1]++] = c;
        }
    }
    must(rows == 0 || l->first[rows] == total);
    return 0;
}

int fleet_list_make(struct fleet_list *l, uint32_t rows, const uint32_t *parent, uint32_t children)
{
    uint32_t *const one[2] = {(uint32_t *)parent, NULL};

    return fleet_list_make2(l, rows, one, children);
}

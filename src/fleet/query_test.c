#include "fleet/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "fleet/query_list.h"
#include "fleet/site.h"

#define SHARED_MAX 4096

/* Everything irregular at once: one feed and two, shared mains, a CDU, a rack outside rows, a node
 * with one link and one with none, a copper link, switches with and without racks. */
static const char odd[] =
    "site: odd\n"
    "models:\n"
    "  - {name: box, gpus: 2, nics: 2, power_w: 1kW}\n"
    "  - {name: bare, gpus: 1, nics: 0, power_w: 1kW}\n"
    "halls: [{name: \"h[1-2]\"}]\n"
    "rows: [{name: \"h[1-2]-row\", hall: \"h{1}\"}]\n"
    "breakers:\n"
    "  - {name: main, limit_w: 1MW}\n"
    "  - {name: \"b-[a-b]\", limit_w: 1MW, parent: main}\n"
    "  - {name: b-c, limit_w: 1MW}\n"
    "pdus:\n"
    "  - {name: \"pdu-[a-c]\", breaker: \"b-{1}\"}\n"
    "  - {name: pdu-a2, breaker: b-a}\n"
    "cdus: [{name: cdu, capacity_w: 1MW}]\n"
    "racks:\n"
    "  - {name: \"k[1-2]\", row: h1-row, feeds: [pdu-a, pdu-b]}\n"
    "  - {name: k3, row: h2-row, feeds: [pdu-b, pdu-c], cdu: cdu}\n"
    "  - {name: k4, hall: h2, feeds: [pdu-c], cdu: cdu}\n"
    "  - {name: k5, hall: h2, feeds: [pdu-a, pdu-a2]}\n"
    "nodes:\n"
    "  - {name: \"k[1-4]-n[1-2]\", model: box, rack: \"k{1}\", group: \"g{2}\"}\n"
    "  - {name: one, model: box, rack: k5, gpu_batch: X}\n"
    "  - {name: none, model: bare, rack: k5, gpu_batch: X}\n"
    "switches:\n"
    "  - {name: \"leaf[0-1]\", tier: leaf, ports: 16, rack: k1, power_w: 100}\n"
    "  - {name: \"spine[1-2]\", tier: spine, ports: 8, hall: h2}\n"
    "cables:\n"
    "  - {each: \"[0-1]\", from: \"k[1-4]-n[1-2]-nic{1}\", to: \"leaf{1}\", batch: Q}\n"
    "  - {from: one-nic1, to: leaf1, copper: true}\n"
    "  - {from: \"leaf[0-1]\", to: \"spine[1-2]\", links: 2, batch: R}\n";

struct sites {
    struct fleet *f[2];
};

static int set_up(void **state)
{
    static struct sites sites;
    struct problems problems = {0};
    struct mw_error err = {0};
    struct site_source source = {.yaml = odd, .size = sizeof(odd) - 1, .name = "odd"};

    if (site_load(&source, &sites.f[0], &problems, &err) != 0) {
        for (uint32_t i = 0; i < problems.length; i++)
            print_error("odd:%u: %s\n", problems.item[i].line, problems.item[i].text);
        return -1;
    }
    *state = &sites;
    return site_simple(9, &sites.f[1], &err);
}

static int tear_down(void **state)
{
    struct sites *sites = *state;

    fleet_destroy(sites->f[0]);
    fleet_destroy(sites->f[1]);
    return 0;
}

/* The slow truth: rules applied to every row until nothing changes. */
struct truth {
    const struct fleet *f;
    bool *down[COMPONENT_KIND_COUNT];
    bool changed;
};

static void fell(struct truth *t, enum component_kind kind, uint32_t row, bool now)
{
    if (!now || row == MW_NONE || t->down[kind][row])
        return;
    t->down[kind][row] = true;
    t->changed = true;
}

static bool is_down(const struct truth *t, enum component_kind kind, uint32_t row)
{
    return row != MW_NONE && t->down[kind][row];
}

static void apply_places(struct truth *t)
{
    const struct fleet *f = t->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_ROW]; i++)
        fell(t, COMPONENT_ROW, i, is_down(t, COMPONENT_HALL, f->row_hall[i]));
    for (uint32_t i = 0; i < f->count[COMPONENT_RACK]; i++) {
        uint32_t a = f->rack_pdu[0][i], b = f->rack_pdu[1][i];
        bool a_gone = a == MW_NONE || t->down[COMPONENT_PDU][a];
        bool b_gone = b == MW_NONE || t->down[COMPONENT_PDU][b];

        fell(t, COMPONENT_RACK, i, is_down(t, COMPONENT_ROW, f->rack_row[i]));
        fell(t, COMPONENT_RACK, i, is_down(t, COMPONENT_HALL, f->rack_hall[i]));
        fell(t, COMPONENT_RACK, i, a_gone && b_gone && (a != MW_NONE || b != MW_NONE));
    }
    for (uint32_t i = 0; i < f->count[COMPONENT_BREAKER]; i++)
        fell(t, COMPONENT_BREAKER, i, is_down(t, COMPONENT_BREAKER, f->breaker_parent[i]));
    for (uint32_t i = 0; i < f->count[COMPONENT_PDU]; i++)
        fell(t, COMPONENT_PDU, i, is_down(t, COMPONENT_BREAKER, f->pdu_breaker[i]));
    for (uint32_t i = 0; i < f->count[COMPONENT_SWITCH]; i++) {
        fell(t, COMPONENT_SWITCH, i, is_down(t, COMPONENT_RACK, f->switch_rack[i]));
        fell(t, COMPONENT_SWITCH, i, is_down(t, COMPONENT_HALL, f->switch_hall[i]));
    }
}

static void apply_nodes(struct truth *t)
{
    const struct fleet *f = t->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_NODE]; i++) {
        uint32_t links = 0, gone = 0;

        for (uint32_t n = 0; n < f->count[COMPONENT_NIC]; n++) {
            if (f->nic_node[n] != i || f->nic_cable[n] == MW_NONE)
                continue;
            links++;
            gone += t->down[COMPONENT_CABLE][f->nic_cable[n]];
        }
        fell(t, COMPONENT_NODE, i, links > 0 && links == gone);
        fell(t, COMPONENT_NODE, i, is_down(t, COMPONENT_RACK, f->node_rack[i]));
        fell(t, COMPONENT_NODE, i, is_down(t, COMPONENT_CDU, f->rack_cdu[f->node_rack[i]]));
    }
    for (uint32_t i = 0; i < f->count[COMPONENT_GPU]; i++)
        fell(t, COMPONENT_GPU, i, t->down[COMPONENT_NODE][f->gpu_node[i]]);
    for (uint32_t i = 0; i < f->count[COMPONENT_NIC]; i++)
        fell(t, COMPONENT_NIC, i, t->down[COMPONENT_NODE][f->nic_node[i]]);
}

static void apply_links(struct truth *t)
{
    const struct fleet *f = t->f;

    for (uint32_t i = 0; i < f->count[COMPONENT_CABLE]; i++) {
        for (int side = 0; side < 2; side++) {
            uint64_t id = f->cable_end[side][i].component;

            fell(t, COMPONENT_CABLE, i, is_down(t, component_kind_of(id), component_index_of(id)));
            fell(t, COMPONENT_CABLE, i, is_down(t, COMPONENT_OPTIC, f->cable_optic[side][i]));
        }
        for (int side = 0; side < 2; side++)
            fell(t, COMPONENT_OPTIC, f->cable_optic[side][i], t->down[COMPONENT_CABLE][i]);
    }
}

static bool has_lost_link(const struct truth *t, uint64_t id)
{
    for (uint32_t i = 0; i < t->f->count[COMPONENT_CABLE]; i++) {
        if (t->down[COMPONENT_CABLE][i] && (t->f->cable_end[0][i].component == id ||
                                            t->f->cable_end[1][i].component == id))
            return true;
    }
    return false;
}

static bool is_degraded(const struct truth *t, enum component_kind kind, uint32_t row)
{
    const struct fleet *f = t->f;
    bool lost = false;

    if (t->down[kind][row])
        return false;
    if (kind == COMPONENT_NIC || kind == COMPONENT_SWITCH)
        return has_lost_link(t, component_id(kind, row));
    if (kind == COMPONENT_RACK)
        return is_down(t, COMPONENT_PDU, f->rack_pdu[0][row]) ||
               is_down(t, COMPONENT_PDU, f->rack_pdu[1][row]) ||
               is_down(t, COMPONENT_CDU, f->rack_cdu[row]);
    if (kind != COMPONENT_NODE)
        return false;
    for (uint32_t i = 0; i < f->count[COMPONENT_GPU]; i++)
        lost = lost || (f->gpu_node[i] == row && t->down[COMPONENT_GPU][i]);
    for (uint32_t i = 0; i < f->count[COMPONENT_NIC]; i++)
        lost = lost || (f->nic_node[i] == row && is_down(t, COMPONENT_NIC, i)) ||
               (f->nic_node[i] == row && is_down(t, COMPONENT_CABLE, f->nic_cable[i]));
    return lost;
}

static void find_truth(struct truth *t, uint64_t component)
{
    for (int k = 1; k < COMPONENT_KIND_COUNT; k++)
        memset(t->down[k], component_kind_of(component) == COMPONENT_SITE, t->f->count[k]);
    t->down[component_kind_of(component)][component_index_of(component)] = true;
    do {
        t->changed = false;
        apply_places(t);
        apply_nodes(t);
        apply_links(t);
    } while (t->changed);
}

static void compare(const struct truth *t, uint64_t component, const struct component_list *down,
                    const struct component_list *degraded)
{
    uint32_t d = 0, g = 0;

    for (int k = 1; k < COMPONENT_KIND_COUNT; k++) {
        for (uint32_t i = 0; i < t->f->count[k]; i++) {
            uint64_t id = component_id((enum component_kind)k, i);
            bool in_down = d < down->length && down->id[d] == id;
            bool in_degraded = g < degraded->length && degraded->id[g] == id;

            d += in_down;
            g += in_degraded;
            if (in_down != t->down[k][i] ||
                in_degraded != is_degraded(t, (enum component_kind)k, i))
                fail_msg("with %s, %s is %s%s", fleet_name(t->f, component), fleet_name(t->f, id),
                         t->down[k][i] ? "down" : "up", in_degraded ? " and said degraded" : "");
        }
    }
    assert_int_equal(d, down->length);
    assert_int_equal(g, degraded->length);
}

static void what_fails_with_any_part_agrees_with_the_rules_applied_slowly(void **state)
{
    const struct sites *sites = *state;
    struct component_list down = {0}, degraded = {0};

    for (int s = 0; s < 2; s++) {
        struct truth t = {.f = sites->f[s]};

        for (int k = 1; k < COMPONENT_KIND_COUNT; k++)
            t.down[k] = mw_calloc(t.f->count[k], sizeof(bool));
        for (int k = 1; k < COMPONENT_KIND_COUNT; k++) {
            /* of alike parts of the larger site every seventh */
            for (uint32_t i = 0; i < t.f->count[k]; i += t.f->count[k] > 100 ? 7 : 1) {
                uint64_t id = component_id((enum component_kind)k, i);

                assert_int_equal(fleet_fails_with(t.f, id, &down, &degraded), 0);
                find_truth(&t, id);
                compare(&t, id, &down, &degraded);
            }
        }
        for (int k = 1; k < COMPONENT_KIND_COUNT; k++)
            mw_free(t.down[k]);
    }
    component_list_fini(&down);
    component_list_fini(&degraded);
}

static bool fails(const struct fleet *f, const char *with, const char *what, bool degraded)
{
    struct component_list lists[2] = {{0}, {0}};

    assert_int_equal(fleet_fails_with(f, fleet_find(f, with), &lists[0], &lists[1]), 0);
    bool found = list_has(&lists[degraded], fleet_find(f, what));
    component_list_fini(&lists[0]);
    component_list_fini(&lists[1]);
    return found;
}

static void one_feed_of_two_takes_nothing_down_and_both_do(void **state)
{
    const struct fleet *f = ((const struct sites *)*state)->f[0];

    assert_false(fails(f, "pdu-a", "k1", false));
    assert_true(fails(f, "pdu-a", "k1", true));
    assert_true(fails(f, "main", "k1", false)); /* both feeds end there */
    assert_true(fails(f, "main", "leaf0", false));
    assert_true(fails(f, "b-a", "one", false)); /* both its PDUs hang on b-a */
    assert_true(fails(f, "pdu-c", "k4-n1", false));
    assert_false(fails(f, "cdu", "k3", false));
    assert_true(fails(f, "cdu", "k3-n2-gpu0", false));
    assert_true(fails(f, "leaf1", "one", false)); /* its only link */
    assert_true(fails(f, "leaf1", "k1-n1", true));
    assert_true(fails(f, "k1-n1-gpu0", "k1-n1", true));
}

static void unknown_components_are_refused(void **state)
{
    const struct fleet *f = ((const struct sites *)*state)->f[0];
    struct component_list down = {0}, degraded = {0};
    uint64_t bad[] = {0, component_id(COMPONENT_NODE, 10), UINT64_MAX};
    struct fleet_shared shared[1];
    uint32_t n = 7;

    for (size_t i = 0; i < MW_ARRAY_LEN(bad); i++) {
        assert_int_equal(fleet_fails_with(f, bad[i], &down, &degraded), MW_ENOTFOUND);
        assert_int_equal(fleet_shares(f, &bad[i], 1, shared, 1, &n), MW_ENOTFOUND);
        assert_int_equal(n, 0);
    }
    component_list_fini(&down);
    component_list_fini(&degraded);
}

static uint32_t shares(const struct fleet *f, const uint64_t *id, uint32_t n,
                       struct fleet_shared ret[SHARED_MAX])
{
    uint32_t length = 0;

    assert_int_equal(fleet_shares(f, id, n, ret, SHARED_MAX, &length), 0);
    for (uint32_t i = 1; i < length; i++)
        assert_true(ret[i - 1].members <= ret[i].members);
    return length;
}

static bool has_shared(const struct fleet_shared *list, uint32_t n, struct fleet_shared wanted)
{
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].what == wanted.what && list[i].value == wanted.value)
            return true;
    }
    return false;
}

static uint64_t pick(const struct fleet *f, uint64_t seed, uint64_t nth)
{
    for (uint64_t try = 0;; try++) {
        uint64_t bits = mw_random_u64(seed, nth, try, 0);
        enum component_kind kind =
            (enum component_kind)(1 + mw_random_below(bits, COMPONENT_KIND_COUNT - 1));

        if (f->count[kind] > 0)
            return component_id(kind, (uint32_t)mw_random_below(mw_random_u64(seed, nth, try, 1),
                                                                f->count[kind]));
    }
}

static void what_a_set_shares_is_what_each_of_it_has(void **state)
{
    static struct fleet_shared all[SHARED_MAX], one[3][SHARED_MAX];
    const struct sites *sites = *state;
    uint32_t found = 0;

    for (uint64_t seed = 0; seed < 400; seed++) {
        const struct fleet *f = sites->f[seed % 2];
        uint64_t id[3];
        uint32_t n[3], expected = 0;

        for (uint32_t i = 0; i < 3; i++) {
            id[i] = pick(f, seed, i);
            n[i] = shares(f, &id[i], 1, one[i]);
            struct fleet_shared itself = {SHARED_COMPONENT, id[i], 0};
            assert_true(has_shared(one[i], n[i], itself));
        }
        uint32_t length = shares(f, id, 3, all);
        for (uint32_t i = 0; i < n[0]; i++)
            expected += has_shared(one[1], n[1], one[0][i]) && has_shared(one[2], n[2], one[0][i]);
        assert_int_equal(length, expected);
        for (uint32_t i = 0; i < length; i++)
            assert_true(has_shared(one[0], n[0], all[i]) && has_shared(one[2], n[2], all[i]));
        found += length;
    }
    assert_true(found > 100);
}

/* Members of what nodes have: counted by asking every node. */
static void members_are_the_nodes_that_have_it(void **state)
{
    static struct fleet_shared list[SHARED_MAX], other[SHARED_MAX];
    const struct sites *sites = *state;

    for (int s = 0; s < 2; s++) {
        const struct fleet *f = sites->f[s];
        uint64_t id = component_id(COMPONENT_NODE, 2);
        uint32_t n = shares(f, &id, 1, list), members[SHARED_MAX] = {0};

        for (uint32_t node = 0; node < f->count[COMPONENT_NODE]; node++) {
            uint64_t asked = component_id(COMPONENT_NODE, node);
            uint32_t m = shares(f, &asked, 1, other);
            for (uint32_t i = 0; i < n; i++)
                members[i] += has_shared(other, m, list[i]);
        }
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(list[i].members, members[i]);
    }
}

static void rails_and_batches_are_shared_too(void **state)
{
    static struct fleet_shared list[SHARED_MAX];
    const struct fleet *f = ((const struct sites *)*state)->f[0];
    uint64_t nics[] = {fleet_find(f, "k1-n1-nic1"), fleet_find(f, "k4-n2-nic1/1")};
    uint64_t gpus[] = {fleet_find(f, "one-gpu1"), fleet_find(f, "none-gpu0")};
    uint64_t optics[] = {fleet_find(f, "k1-n1-nic0/1"), fleet_find(f, "leaf1/3")};

    uint32_t n = shares(f, nics, 2, list);
    assert_true(has_shared(list, n, (struct fleet_shared){SHARED_RAIL, 1, 0}));
    assert_true(has_shared(list, n, (struct fleet_shared){SHARED_COMPONENT,
                                                          fleet_find(f, "leaf1"), 0}));
    n = shares(f, gpus, 2, list);
    assert_int_equal(list[0].what, SHARED_COMPONENT); /* 2 nodes in k5 */
    bool batch = false;
    for (uint32_t i = 0; i < n; i++) {
        if (list[i].what != SHARED_BATCH)
            continue;
        batch = true;
        assert_string_equal(f->text.pool + list[i].value, "X");
    }
    assert_true(batch);
    n = shares(f, optics, 2, list);
    for (batch = false; n > 0; n--)
        batch = batch || (list[n - 1].what == SHARED_BATCH && list[n - 1].members == 32);
    assert_true(batch);
}

static void a_short_answer_keeps_the_nearest(void **state)
{
    static struct fleet_shared list[SHARED_MAX];
    const struct fleet *f = ((const struct sites *)*state)->f[1];
    uint64_t id[] = {component_id(COMPONENT_NODE, 0), component_id(COMPONENT_NODE, 1)};
    struct fleet_shared few[3];
    uint32_t n = shares(f, id, 2, list), kept = 0;

    assert_true(n > 3);
    assert_int_equal(fleet_shares(f, id, 2, few, 3, &kept), 0);
    assert_int_equal(kept, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(few[i].what == list[i].what && few[i].value == list[i].value);
    assert_int_equal(fleet_shares(f, id, 2, NULL, 0, &kept), 0);
    assert_int_equal(kept, 0);
}

/* What a node stands on touches it or its rack when it fails; what touches its rack is listed. */
static void nodes_stand_on_what_would_touch_them(void **state)
{
    const struct sites *sites = *state;
    struct component_list on = {0}, down = {0}, degraded = {0};

    for (int s = 0; s < 2; s++) {
        const struct fleet *f = sites->f[s];

        for (uint32_t node = 0; node < f->count[COMPONENT_NODE]; node++) {
            uint64_t id = component_id(COMPONENT_NODE, node);
            uint64_t rack = component_id(COMPONENT_RACK, f->node_rack[node]);

            assert_int_equal(fleet_stands_on(f, &node, 1, &on), 0);
            for (int k = COMPONENT_HALL; k < COMPONENT_KIND_COUNT; k++) {
                if (k == COMPONENT_NODE || k == COMPONENT_GPU)
                    continue;
                for (uint32_t i = 0; i < f->count[k]; i++) {
                    uint64_t part = component_id((enum component_kind)k, i);
                    bool above = k == COMPONENT_SWITCH && f->switch_tier[i] != SWITCH_LEAF;

                    assert_int_equal(fleet_fails_with(f, part, &down, &degraded), 0);
                    bool by_rack = list_has(&down, rack) || list_has(&degraded, rack);
                    bool touched = list_has(&down, id) || list_has(&degraded, id) || by_rack;
                    if (list_has(&on, part))
                        assert_true(touched || above);
                    else
                        assert_false(by_rack);
                }
            }
        }
    }
    component_list_fini(&on);
    component_list_fini(&down);
    component_list_fini(&degraded);
}

static void a_set_stands_on_what_each_of_it_does(void **state)
{
    const struct fleet *f = ((const struct sites *)*state)->f[0];
    uint32_t nodes[] = {8, 0, 5};
    struct component_list set = {0}, one = {0}, sum = {0};

    assert_int_equal(fleet_stands_on(f, nodes, 3, &set), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fleet_stands_on(f, &nodes[i], 1, &one), 0);
        for (uint32_t k = 0; k < one.length; k++)
            list_add(&sum, one.id[k]);
    }
    assert_int_equal(list_sort(&sum), 0);
    assert_int_equal(sum.length, set.length);
    assert_memory_equal(sum.id, set.id, sum.length * sizeof(*sum.id));
    assert_true(list_has(&set, fleet_find(f, "spine2")));
    assert_int_equal(fleet_stands_on(f, NULL, 0, &set), 0);
    assert_int_equal(set.length, 0);
    component_list_fini(&set);
    component_list_fini(&one);
    component_list_fini(&sum);
}

static void lists_of_any_length_are_sorted_without_repeats(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 300; n += n < 40 ? 1 : 13) {
        struct component_list l = {0};
        bool present[512] = {false};
        uint32_t different = 0;

        for (uint32_t i = 0; i < n; i++) {
            uint64_t value = mw_random_below(mw_random_u64(n, i, 0, 0), 512);
            different += !present[value];
            present[value] = true;
            list_add(&l, value);
        }
        assert_int_equal(list_sort(&l), 0);
        assert_int_equal(l.length, different);
        for (uint32_t i = 0; i < l.length; i++)
            assert_true(present[l.id[i]] && (i == 0 || l.id[i - 1] < l.id[i]));
        component_list_fini(&l);
    }
}

static void out_of_memory_empties_the_answer(void **state)
{
    const struct fleet *f = ((const struct sites *)*state)->f[1];
    struct component_list down = {0}, degraded = {0};
    struct fleet_shared shared[4];
    uint64_t id = fleet_find(f, "h01-main-a"), node = component_id(COMPONENT_NODE, 0);
    uint32_t failed = 0, n = 0, row = 0;

    for (int64_t k = 0; k < 12; k++) {
        component_list_fini(&down);
        component_list_fini(&degraded);
        mw_mem_fail_after(k);
        int rc = fleet_fails_with(f, id, &down, &degraded);
        mw_mem_fail_after(k);
        int rc2 = fleet_shares(f, &node, 1, shared, 4, &n);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || (rc == MW_ENOMEM && down.length == 0 && degraded.length == 0));
        assert_true(rc2 == 0 || (rc2 == MW_ENOMEM && n == 0));
        failed += (rc != 0) + (rc2 != 0);
    }
    mw_mem_fail_after(0);
    component_list_fini(&down);
    assert_int_equal(fleet_stands_on(f, &row, 1, &down), MW_ENOMEM);
    mw_mem_fail_after(-1);
    assert_true(failed >= 4);
    component_list_fini(&down);
    component_list_fini(&degraded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_with_any_part_agrees_with_the_rules_applied_slowly),
        cmocka_unit_test(one_feed_of_two_takes_nothing_down_and_both_do),
        cmocka_unit_test(unknown_components_are_refused),
        cmocka_unit_test(what_a_set_shares_is_what_each_of_it_has),
        cmocka_unit_test(members_are_the_nodes_that_have_it),
        cmocka_unit_test(rails_and_batches_are_shared_too),
        cmocka_unit_test(a_short_answer_keeps_the_nearest),
        cmocka_unit_test(nodes_stand_on_what_would_touch_them),
        cmocka_unit_test(a_set_stands_on_what_each_of_it_does),
        cmocka_unit_test(lists_of_any_length_are_sorted_without_repeats),
        cmocka_unit_test(out_of_memory_empties_the_answer),
    };

    return cmocka_run_group_tests_name("query", tests, set_up, tear_down);
}

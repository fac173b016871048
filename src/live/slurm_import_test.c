/*
 * A site file from recorded output of a real slurmctld, and from small texts
 * for each rule; every file made must be one that the site reader takes.
 */
#include "live/slurm_import.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "fleet/site.h"
#include "live/slurm_gres.h"

#define assert_has(text, words) assert_non_null(strstr((text), (words)))

struct made {
    struct text yaml;
    struct slurm_import_result result;
    struct fleet *fleet;
};

static void made_fini(struct made *m)
{
    text_fini(&m->yaml);
    fleet_destroy(m->fleet);
}

static struct slurm_import_source source(const char *nodes, const char *topology)
{
    return (struct slurm_import_source){ .nodes = nodes, .nodes_name = "nodes.txt",
                                         .topology = topology, .topology_name = "topology.txt" };
}

static void make(struct made *m, const struct slurm_import_source *s)
{
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    *m = (struct made){ .fleet = NULL };
    if (slurm_import(s, &m->yaml, &m->result, &err) != 0)
        fail_msg("%s", err.text);
    struct site_source site = { .yaml = text_string(&m->yaml), .size = m->yaml.length,
                                .name = "site.yaml" };
    int rc = site_load(&site, &m->fleet, &problems, &err);
    if (problems.length > 0)
        fail_msg("%s\n%s", problems.item[0].text, text_string(&m->yaml));
    assert_int_equal(rc, 0);
    problems_fini(&problems);
    assert_int_equal(m->fleet->count[COMPONENT_NODE], m->result.nodes);
    assert_int_equal(m->fleet->count[COMPONENT_GPU], m->result.gpus);
    assert_int_equal(m->fleet->groups, m->result.groups);
}

static void make_text(struct made *m, const char *nodes, const char *topology)
{
    struct slurm_import_source s = source(nodes, topology);
    make(m, &s);
}

static uint32_t node_of(const struct made *m, const char *name)
{
    uint64_t id = fleet_find(m->fleet, name);
    if (id == 0)
        fail_msg("no node %s in:\n%s", name, text_string(&m->yaml));
    return component_index_of(id);
}

static uint32_t group_of(const struct made *m, const char *name)
{
    return m->fleet->node_group[node_of(m, name)];
}

static void refuse(const char *nodes, const char *topology, int code, const char *words)
{
    struct slurm_import_source s = source(nodes, topology);
    struct slurm_import_result r;
    struct text yaml = { 0 };
    struct mw_error err = { 0 };
    assert_int_equal(slurm_import(&s, &yaml, &r, &err), code);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, err.text);
    text_fini(&yaml);
}

/* ---- what a real slurmctld said ------------------------------------------------------------ */

static char *read_file(const char *path)
{
    char *data = NULL;
    size_t size;
    struct mw_error err;
    if (mw_read_file(path, 1 << 20, false, &data, &size, &err) != 0)
        fail_msg("%s", err.text);
    return data;
}

static void read_recorded(struct made *m, bool topology)
{
    char *nodes = read_file("tests/data/slurm/nodes.txt");
    char *switches = read_file("tests/data/slurm/topology.txt");
    make_text(m, nodes, topology ? switches : NULL);
    mw_free(nodes);
    mw_free(switches);
}

static void every_node_with_gpus_is_there_under_its_slurm_name(void **state)
{
    (void)state;
    struct made m;
    read_recorded(&m, true);
    assert_int_equal(m.result.nodes, 18);
    assert_int_equal(m.result.gpus, 12 * 8 + 4 * 4 + 3 + 4);
    assert_int_equal(m.result.without_gpus, 2);
    assert_int_equal(m.result.no_switch, 0);
    (void)node_of(&m, "n012");
    (void)node_of(&m, "gb4");
    assert_true(fleet_find(m.fleet, "login1") == 0);
    assert_has(text_string(&m.yaml), "{name: \"n[001-006]\", model: \"h100-8\"");
    made_fini(&m);
}

static void a_kind_of_node_is_its_gpus(void **state)
{
    (void)state;
    struct made m;
    read_recorded(&m, true);
    assert_int_equal(m.result.models, 4);
    assert_has(text_string(&m.yaml), "{name: \"gb200-4\", gpus: 4");
    assert_has(text_string(&m.yaml), "{name: \"a100-2-t4-3\", gpus: 3");
    assert_has(text_string(&m.yaml), "{name: \"gpu-4\", gpus: 4");
    made_fini(&m);
}

static void the_lowest_switches_are_the_placement_groups(void **state)
{
    (void)state;
    struct made m;
    read_recorded(&m, true);
    assert_int_equal(m.result.groups, 4);
    assert_int_equal(group_of(&m, "n001"), group_of(&m, "n006"));
    assert_int_not_equal(group_of(&m, "n006"), group_of(&m, "n007"));
    assert_int_equal(group_of(&m, "mix1"), group_of(&m, "plain1"));
    made_fini(&m);
}

static void without_a_topology_all_nodes_are_one_group(void **state)
{
    (void)state;
    struct made m;
    read_recorded(&m, false);
    assert_int_equal(m.result.groups, 1);
    assert_int_equal(m.result.no_switch, 0);
    made_fini(&m);
}

static void the_file_says_what_slurm_cannot_know(void **state)
{
    (void)state;
    struct made m;
    read_recorded(&m, true);
    static const char *const words[] = { "power_w", "cdus:", "cables", "assumed", "feeds" };
    for (size_t i = 0; i < MW_ARRAY_LEN(words); i++)
        assert_has(text_string(&m.yaml), words[i]);
    made_fini(&m);
}

/* ---- small texts --------------------------------------------------------------------------- */

#define NODE(name, gres) "NodeName=" name " Arch=x86_64 Gres=" gres " State=IDLE\n"

static void runs_of_names_keep_their_zeros(void **state)
{
    (void)state;
    struct made m;
    make_text(&m,
              NODE("n9", "gpu:8") NODE("n10", "gpu:8") NODE("n11", "gpu:8") NODE("n08", "gpu:8")
              NODE("n099", "gpu:8") NODE("n100", "gpu:8") NODE("a-7-ib", "gpu:8")
              NODE("a-8-ib", "gpu:8") NODE("alone", "gpu:8") NODE("x1234567890", "gpu:8"),
              NULL);
    static const char *const names[] = { "n9", "n10", "n11", "n08", "n099", "n100",
                                         "a-7-ib", "a-8-ib", "alone", "x1234567890" };
    for (size_t i = 0; i < MW_ARRAY_LEN(names); i++)
        (void)node_of(&m, names[i]);
    assert_has(text_string(&m.yaml), "\"n[9-11]\"");
    assert_has(text_string(&m.yaml), "\"n[099-100]\"");
    assert_has(text_string(&m.yaml), "\"a-[7-8]-ib\"");
    made_fini(&m);
}

static void blocks_of_nvlink_domains_are_groups_too(void **state)
{
    (void)state;
    struct made m;
    make_text(&m, NODE("t1", "gpu:gb200:4") NODE("t2", "gpu:gb200:4") NODE("t3", "gpu:gb200:4"),
              "BlockName=b1 BlockIndex=0 Nodes=t[1-2] BlockSize=2\n"
              "BlockName=b2 BlockIndex=1 Nodes=t3 BlockSize=2\n");
    assert_int_equal(m.result.groups, 2);
    assert_int_equal(group_of(&m, "t1"), group_of(&m, "t2"));
    made_fini(&m);
}

static void nodes_on_no_switch_are_a_group_of_their_own(void **state)
{
    (void)state;
    struct made m;
    make_text(&m, NODE("n1", "gpu:8") NODE("n2", "gpu:8"), "SwitchName=s1 Level=0 Nodes=n1\n");
    assert_int_equal(m.result.groups, 2);
    assert_int_equal(m.result.no_switch, 1);
    made_fini(&m);
}

static void names_with_two_brackets_are_found(void **state)
{
    (void)state;
    struct made m;
    make_text(&m, NODE("r1n01", "gpu:8") NODE("r2n01", "gpu:8") NODE("r2n02", "gpu:8"),
              "SwitchName=s1 Level=0 Nodes=r1n01\nSwitchName=s2 Level=0 Nodes=r[2-3]n[01-02],q\n");
    assert_int_equal(m.result.no_switch, 0);
    assert_int_equal(group_of(&m, "r2n01"), group_of(&m, "r2n02"));
    made_fini(&m);
}

static void the_form_with_many_lines_a_node_is_read_too(void **state)
{
    (void)state;
    struct made m;
    make_text(&m,
              "NodeName=n1 Arch=x86_64 CoresPerSocket=1\n   CPUAlloc=0\n   Gres=gpu:h100:8(S:0-1)\n"
              "   Reason=Gres=gpu:3 [root]\n\nNodeName=n2 CoresPerSocket=1\n   Gres=(null)\n"
              "   CfgTRES=cpu=64,mem=1M,billing=64,gres/gpu=4,gres/gpu:l40s=4\n", NULL);
    assert_int_equal(m.result.gpus, 12);
    assert_has(text_string(&m.yaml), "\"h100-8\"");
    assert_has(text_string(&m.yaml), "\"l40s-4\"");
    made_fini(&m);
}

static void gpus_are_read_from_every_form_of_gres(void **state)
{
    (void)state;
    static const struct {
        const char *record, *types;
        uint32_t count;
    } cases[] = {
        { "N=1 Gres=gpu:8", "", 8 },
        { "N=1 Gres=gpu", "", 1 },
        { "N=1 Gres=gpu:h100:8(S:0,1)", "h100", 8 },
        { "N=1 Gres=shard:64,gpu:a100:2(S:0),gpu:t4:1", "a100-2-t4", 3 },
        { "N=1 Gres=gpu:no_consume:4", "", 4 },
        { "N=1 Gres=gpu:a100:no_consume:4", "a100", 4 },
        { "N=1 Gres=gpumem:80", "", 0 },
        { "N=1 Gres=(null) CfgTRES=cpu=1,gres/gpu=2", "", 2 },
        { "N=1 Gres= CfgTRES=cpu=1", "", 0 },
        { "N=1 GresUsed=gpu:3 Comment=x", "", 0 },
        { "N=1", "", 0 },
    };
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        struct slurm_gpus g = slurm_gpus_of(cases[i].record, strlen(cases[i].record));
        assert_int_equal(g.count, cases[i].count);
        assert_string_equal(g.types, cases[i].types);
    }
}

static void the_cluster_names_the_site(void **state)
{
    (void)state;
    struct made m;
    struct slurm_import_source s = source(NODE("n1", "gpu:8"), NULL);
    s.config = "Configuration data as of 2026-11-22\nClusterName             = west-1\nX = y\n";
    make(&m, &s);
    assert_has(text_string(&m.yaml), "site: \"west-1\"\n");
    made_fini(&m);
    s.site = "mine";
    make(&m, &s);
    assert_has(text_string(&m.yaml), "site: \"mine\"\n");
    made_fini(&m);
}

static void what_cannot_be_a_site_is_refused_with_its_line(void **state)
{
    (void)state;
    refuse("", NULL, MW_EINVAL, "scontrol -o show nodes");
    refuse("slurm_load_node error\n", NULL, MW_EINVAL, "nodes.txt: no line begins");
    refuse(NODE("n1", "(null)"), NULL, MW_EINVAL, "no node has GPUs");
    refuse(NODE("n1", "gpu:8") NODE("n1", "gpu:8"), NULL, MW_EINVAL, "nodes.txt:2: ");
    refuse(NODE("n1", "gpu:8") NODE("n{2}", "gpu:8"), NULL, MW_ESYNTAX, "nodes.txt:2: ");
    refuse(NODE("n1", "gpu:65"), NULL, MW_ELIMIT, "more than 64 GPUs");
    refuse(NODE("rack-s1", "gpu:8"), "SwitchName=s1 Nodes=rack-s1\n", MW_ECONFLICT, "rack-s1");
    refuse(NODE("n1", "gpu:8"), "\nSwitchName=s1 Level=0 Nodes=n[1-\n", MW_EINVAL,
           "topology.txt:2: ");
}

static void out_of_memory_is_an_error_whichever_allocation_fails(void **state)
{
    (void)state;
    struct slurm_import_source s = source(NODE("n1", "gpu:8") NODE("n2", "gpu:8"),
                                          "SwitchName=s1 Level=0 Nodes=n[1-2]\n");
    int rc = MW_ENOMEM;
    int64_t k = 0;
    for (; rc != 0 && k < 100; k++) {
        struct slurm_import_result r;
        struct text yaml = { 0 };
        mw_mem_fail_after(k);
        rc = slurm_import(&s, &yaml, &r, NULL);
        mw_mem_fail_after(-1);
        assert_true(rc == 0 || rc == MW_ENOMEM);
        text_fini(&yaml);
    }
    assert_true(k > 5 && k < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_node_with_gpus_is_there_under_its_slurm_name),
        cmocka_unit_test(a_kind_of_node_is_its_gpus),
        cmocka_unit_test(the_lowest_switches_are_the_placement_groups),
        cmocka_unit_test(without_a_topology_all_nodes_are_one_group),
        cmocka_unit_test(the_file_says_what_slurm_cannot_know),
        cmocka_unit_test(runs_of_names_keep_their_zeros),
        cmocka_unit_test(blocks_of_nvlink_domains_are_groups_too),
        cmocka_unit_test(nodes_on_no_switch_are_a_group_of_their_own),
        cmocka_unit_test(names_with_two_brackets_are_found),
        cmocka_unit_test(the_form_with_many_lines_a_node_is_read_too),
        cmocka_unit_test(gpus_are_read_from_every_form_of_gres),
        cmocka_unit_test(the_cluster_names_the_site),
        cmocka_unit_test(what_cannot_be_a_site_is_refused_with_its_line),
        cmocka_unit_test(out_of_memory_is_an_error_whichever_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

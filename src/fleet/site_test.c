#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "fleet/site.h"
#include "fleet/site_blob.h"

/* A small site that is right; tests change one line of it.  Lines count from 1 at "site". */
static const char lab[] =
    "site: lab\n"
    "models:\n"
    "  - {name: box, gpus: 2, nics: 2, power_w: 1kW}\n"
    "  - {name: wet, gpus: 4, power_w: 2000, liquid: true}\n"
    "halls: [{name: hall}]\n"
    "rows: [{name: row, hall: hall}]\n"
    "breakers:\n"
    "  - {name: main, limit_w: 8kW}\n"
    "  - {name: \"b-[a-b]\", limit_w: 6000, parent: main}\n"
    "pdus:\n"
    "  - {name: \"pdu-[a-b]\", breaker: \"b-{1}\"}\n"
    "cdus:\n"
    "  - {name: cdu, capacity_w: 3000}\n"
    "racks:\n"
    "  - name: k[1-2]\n"
    "    row: row\n"
    "    feeds: [pdu-a, pdu-b]\n"
    "  - {name: k3, hall: hall, feeds: [pdu-a], cdu: cdu}\n"
    "nodes:\n"
    "  - {name: \"n[1-2]\", model: box, rack: \"k{1}\"}\n"
    "  - {name: w1, model: wet, rack: k3, gpu_batch: B7}\n"
    "switches:\n"
    "  - {name: leaf, tier: leaf, ports: 4, rack: k1, power_w: 500}\n"
    "  - {name: spine, tier: spine, ports: 2, hall: hall}\n"
    "cables:\n"
    "  - {from: \"n[1-2]-nic0\", to: leaf}\n"
    "  - {from: \"leaf:4\", to: \"spine:2\", copper: true}\n"
    "  - {name: c1, from: w1-nic0, to: leaf, optics: [o1, o2], batch: Q1}\n"; /* line 28 */

struct csv {
    const char *text;
};

static int read_csv(void *ctx, const char *path, char **ret, size_t *ret_size,
                    struct mw_error *err)
{
    const struct csv *csv = ctx;

    if (strcmp(path, "serials.csv") != 0)
        return mw_fail(err, MW_ENOTFOUND, "no such file");
    *ret = mw_strdup(csv->text);
    *ret_size = strlen(csv->text);
    return *ret == NULL ? MW_ENOMEM : 0;
}

static int load(const char *yaml, const char *csv_text, struct fleet **ret,
                struct problems *problems)
{
    struct csv csv = {csv_text};
    struct site_source source = {
        .yaml = yaml,
        .size = strlen(yaml),
        .name = "lab.yaml",
        .read = csv_text == NULL ? NULL : read_csv,
        .ctx = &csv,
    };
    struct mw_error err = {0};

    return site_load(&source, ret, problems, &err);
}

/* lab with one piece replaced. */
static const char *with(const char *old, const char *new)
{
    static char text[8192];
    const char *at = strstr(lab, old);

    assert_non_null(at);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - lab), lab, new, at + strlen(old));
    return text;
}

static void expect(const char *yaml, const char *csv, const char *const *lines)
{
    struct problems problems = {0};
    struct fleet *f = NULL;
    uint32_t n = 0;

    assert_int_equal(load(yaml, csv, &f, &problems), MW_ESYNTAX);
    assert_null(f);
    for (; lines[n] != NULL; n++) {
        char found[400];
        if (n >= problems.length)
            fail_msg("missing: %s", lines[n]);
        problem_format(&problems.item[n], found, sizeof(found));
        assert_string_equal(found, lines[n]);
    }
    if (problems.length > n)
        fail_msg("one too many: %u: %s", problems.item[n].line, problems.item[n].text);
    problems_fini(&problems);
}
#define EXPECT(yaml, ...) expect(yaml, NULL, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_CSV(csv, ...)                                                          \
    expect(with("site: lab\n", "site: lab\nserials: [serials.csv]\n"), csv,           \
           (const char *const[]){__VA_ARGS__, NULL})

static void a_small_site_is_compiled_as_written(void **state)
{
    struct problems problems = {0};
    struct fleet *f = NULL;

    (void)state;
    assert_int_equal(load(lab, NULL, &f, &problems), 0);
    assert_string_equal(f->name, "lab");
    assert_int_equal(f->gpus_total, 8);
    assert_int_equal(f->count[COMPONENT_NIC], 8);
    assert_int_equal(f->count[COMPONENT_CABLE], 4);
    assert_int_equal(f->count[COMPONENT_OPTIC], 6);
    assert_int_equal(f->groups, 3); /* a node without a group is grouped by rack */
    assert_int_equal(f->rack_power_w[0], 1500);
    uint64_t optic = fleet_find(f, "o2");
    uint32_t cable = f->optic_cable[component_index_of(optic)];
    assert_string_equal(fleet_name(f, component_id(COMPONENT_CABLE, cable)), "c1");
    assert_string_equal(f->text.pool + f->optic_batch[component_index_of(optic)], "Q1");
    assert_string_equal(f->text.pool + f->gpu_batch[4], "B7");
    assert_int_equal(f->gpu_batch[3], 0);
    /* ports: 4 was written, so the others got 1, 2 and 3 */
    assert_int_equal(f->cable_end[1][0].port, 1);
    assert_int_equal(f->cable_end[1][cable].port, 3);
    assert_int_equal(f->cable_end[0][2].port, 4);
    assert_int_equal(f->cable_end[1][2].port, 2);
    assert_int_equal(f->cable_optic[0][2], MW_NONE);
    assert_true(fleet_find(f, "leaf/1") != 0 && fleet_find(f, "cable-n1-nic0") != 0);
    assert_int_equal(f->nic_cable[1], MW_NONE);
    assert_int_equal(f->node_row[2], MW_NONE);
    assert_int_equal(f->node_hall[2], 0);
    assert_int_equal(f->rack_cdu[0], MW_NONE);
    assert_int_equal(f->rack_pdu[1][2], MW_NONE);
    fleet_destroy(f);
}

static void unknown_keys_and_bad_values_are_named(void **state)
{
    (void)state;
    EXPECT(with("halls:", "hals:"), "lab.yaml:5:1: unknown key 'hals'; did you mean 'halls'?",
           "lab.yaml:6:26: there is no hall 'hall'", "lab.yaml:18:22: there is no hall 'hall'",
           "lab.yaml:24:48: there is no hall 'hall'");
    EXPECT(with("ports: 4", "ports: 9999"),
           "lab.yaml:23:37: 'ports' must be between 1 and 1024, not 9999");
    EXPECT(with("limit_w: 8kW", "limit_w: much"),
           "lab.yaml:8:27: 'limit_w' must be a power like 10200, 10.2kW or 12MW, not 'much'");
    EXPECT(with("tier: spine", "tier: spin"),
           "lab.yaml:24:25: 'tier' must be one of leaf, spine, core; not 'spin'");
    EXPECT(with("site: lab\n", ""), "lab.yaml:1:1: the key 'site' is missing: the site's name");
    EXPECT("site: x\n", "lab.yaml:1:1: the site has no nodes: list them under nodes:");
    EXPECT("site: [\n",
           "lab.yaml:2:1: did not find expected node content while parsing a flow node (line 2)");
}

static void parents_that_do_not_exist_are_dangling(void **state)
{
    (void)state;
    EXPECT(with("row: row\n", "row: rwo\n"), "lab.yaml:16:10: there is no row 'rwo'");
    EXPECT(with("row: row\n", "row: hall\n"), "lab.yaml:16:10: 'hall' is a hall, not a row");
    EXPECT(with("    row: row\n", ""), "lab.yaml:15:11: the rack 'k1' needs a row: or a hall:",
           "lab.yaml:15:11: the rack 'k2' needs a row: or a hall:");
    EXPECT(with("rack: \"k{1}\"", "rack: \"k{2}\""),
           "lab.yaml:20:40: 'k{2}': {2} refers to bracket 2, but there are 1");
    EXPECT(with("rack: \"k{1}\"", "rack: \"k[1-2]\""),
           "lab.yaml:20:40: must name one rack; {1} stands for the first range of the name");
    EXPECT(with("model: box", "model: bxo"), "lab.yaml:20:29: no model 'bxo'; did you mean 'box'?",
           "lab.yaml:26:12: dangling cable: there is no NIC or switch 'n1-nic0'",
           "lab.yaml:26:12: dangling cable: there is no NIC or switch 'n2-nic0'");
    EXPECT(with("[pdu-a, pdu-b]", "[pdu-a, pdu-c]"), "lab.yaml:17:20: there is no pdu 'pdu-c'");
    EXPECT(with("[pdu-a, pdu-b]", "[pdu-a, pdu-a]"),
           "lab.yaml:17:12: both feeds of the rack 'k1' are the same PDU",
           "lab.yaml:17:12: both feeds of the rack 'k2' are the same PDU");
}

static void names_are_unique_over_all_kinds(void **state)
{
    (void)state;
    EXPECT(with("name: k3", "name: k2"),
           "lab.yaml:18:12: the name 'k2' is taken by a rack already (line 15)",
           "lab.yaml:21:34: there is no rack 'k3'");
    EXPECT(with("name: spine,", "name: n1,"),
           "lab.yaml:24:12: the name 'n1' is taken by a node already (line 20)",
           "lab.yaml:27:26: dangling cable: there is no NIC or switch 'spine'");
    EXPECT(with("name: w1", "name: n1"),
           "lab.yaml:21:12: the name 'n1' is taken by a node already (line 20)",
           "lab.yaml:28:22: dangling cable: there is no NIC or switch 'w1-nic0'");
    EXPECT(with("name: c1", "name: leaf"),
           "lab.yaml:28:12: the name 'leaf' is taken by a switch already (line 23)");
    EXPECT(with("site: lab", "site: hall"),
           "lab.yaml:1:7: the site's name 'hall' is taken by one of its parts");
    EXPECT(with("name: wet", "name: box"), "lab.yaml:4:12: the model 'box' is described twice",
           "lab.yaml:21:23: no model 'wet': describe it under models:",
           "lab.yaml:28:22: dangling cable: there is no NIC or switch 'w1-nic0'");
    EXPECT(with("name: cdu,", "name: \"a:b\","),
           "lab.yaml:13:12: ':' and '/' cannot stand in a name: they mark ports",
           "lab.yaml:18:49: there is no cdu 'cdu'");
}

static void cables_that_end_nowhere_are_dangling(void **state)
{
    (void)state;
    EXPECT(with("w1-nic0", "w1-nic4"),
           "lab.yaml:28:22: dangling cable: there is no NIC or switch 'w1-nic4'");
    EXPECT(with("w1-nic0", "w1"),
           "lab.yaml:28:22: 'w1' is a node: name one of its NICs, like w1-nic0");
    EXPECT(with("w1-nic0", "w1-gpu0"),
           "lab.yaml:28:22: 'w1-gpu0' is a gpu; a cable ends on a NIC or a switch");
    EXPECT(with("spine:2", "spine:3"),
           "lab.yaml:27:26: dangling cable: 'spine' has ports 1 to 2, not '3'");
    EXPECT(with("w1-nic0", "\"w1-nic0:2\""),
           "lab.yaml:28:22: dangling cable: 'w1-nic0' has ports 1 to 1, not '2'");
    EXPECT(with("spine:2", "leaf:3"), "lab.yaml:27:26: both ends of the cable are on 'leaf'");
    EXPECT(with("\"n[1-2]-nic0\"", "\"n[1-\""),
           "lab.yaml:26:12: 'n[1-': a range is [1-16], [a-d] or a list like [1-4,7]");
}

static void ports_can_be_given_from_a_port_on(void **state)
{
    struct problems problems = {0};
    struct fleet *f = NULL;

    (void)state;
    /* n1 and n2 take 2 and 3, the first free ones from 2 on; w1 takes 1. */
    assert_int_equal(load(with("n[1-2]-nic0\", to: leaf}", "n[1-2]-nic0\", to: \"leaf:2..\"}"),
                          NULL, &f, &problems), 0);
    assert_int_equal(f->cable_end[1][0].port, 2);
    assert_int_equal(f->cable_end[1][1].port, 3);
    assert_int_equal(f->cable_end[1][3].port, 1);
    fleet_destroy(f);
    EXPECT(with("n[1-2]-nic0\", to: leaf}", "n[1-2]-nic0\", to: \"leaf:3..\"}"),
           "lab.yaml:26:31: no port from 3 on is left on 'leaf', which has 4");
    EXPECT(with("n[1-2]-nic0\", to: leaf}", "n[1-2]-nic0\", to: \"leaf:5..\"}"),
           "lab.yaml:26:31: dangling cable: 'leaf' has ports 1 to 4, not '5'",
           "lab.yaml:26:31: dangling cable: 'leaf' has ports 1 to 4, not '5'");
}

static void a_port_holds_one_cable_and_an_optic_sits_on_one_port(void **state)
{
    (void)state;
    EXPECT(with("w1-nic0", "n1-nic0"),
           "lab.yaml:28:22: port 1 of 'n1-nic0' is used by two cables; the other is in line 26");
    EXPECT(with("to: leaf, optics", "to: \"leaf:4\", optics"),
           "lab.yaml:28:35: port 4 of 'leaf' is used by two cables; the other is in line 27");
    EXPECT(with("[o1, o2]", "[o1, o1]"),
           "lab.yaml:28:54: the optic 'o1' is on two ports; the other is on the cable of line 28");
    EXPECT(with("[o1, o2]", "[\"n1-nic0/1\", o2]"),
           "lab.yaml:28:50: the optic 'n1-nic0/1' is on two ports; the other is on the cable of "
           "line 26");
    EXPECT(with("ports: 4,", "ports: 3,"),
           "lab.yaml:27:12: dangling cable: 'leaf' has ports 1 to 3, not '4'");
    EXPECT(with("\"n[1-2]-nic0\"", "\"n[1-2]-nic[0-1]\""),
           "lab.yaml:26:35: no port is left on 'leaf': all 4 are used",
           "lab.yaml:28:35: no port is left on 'leaf': all 4 are used");
    EXPECT(with("optics: [o1, o2]", "optics: [o1, o2], copper: true"),
           "lab.yaml:28:49: a copper cable has no optics: leave out copper: or optics:");
    EXPECT(with("optics: [o1, o2]", "optics: [\"o[1-2]\", o2]"),
           "lab.yaml:28:50: must be one name; {1} stands for the first range of each:");
}

static void power_and_cooling_must_carry_what_hangs_on_them(void **state)
{
    (void)state;
    EXPECT(with("limit_w: 6000", "limit_w: 4499"),
           "lab.yaml:9:32: the breaker 'b-a' is overcommitted: the racks on it draw 4500 W, its "
           "limit is 4499 W (a rack counts in full on each of its feeds)");
    EXPECT(with("limit_w: 6000", "limit_w: 2499"),
           "lab.yaml:9:32: the breaker 'b-a' is overcommitted: the racks on it draw 4500 W, its "
           "limit is 2499 W (a rack counts in full on each of its feeds)",
           "lab.yaml:9:32: the breaker 'b-b' is overcommitted: the racks on it draw 2500 W, its "
           "limit is 2499 W (a rack counts in full on each of its feeds)");
    /* both feeds of a rack end at main: it counts once there */
    EXPECT(with("limit_w: 8kW", "limit_w: 4499"),
           "lab.yaml:8:27: the breaker 'main' is overcommitted: the racks on it draw 4500 W, its "
           "limit is 4499 W (a rack counts in full on each of its feeds)");
    EXPECT(with("capacity_w: 3000", "capacity_w: 1999"),
           "lab.yaml:13:29: the CDU 'cdu' is over its capacity: the racks on it give 2000 W, it "
           "carries 1999 W");
    EXPECT(with("    feeds: [pdu-a, pdu-b]\n", ""),
           "lab.yaml:15:11: the rack 'k1' draws 1500 W and has no power: add feeds: [PDU]",
           "lab.yaml:15:11: the rack 'k2' draws 1000 W and has no power: add feeds: [PDU]");
    EXPECT(with(", cdu: cdu}", "}"),
           "lab.yaml:18:12: the rack 'k3' has no cdu:, but its wet nodes are liquid-cooled");
    EXPECT(with("limit_w: 8kW}", "limit_w: 8kW, parent: b-a}"),
           "lab.yaml:8:40: the breakers above 'main' run in a circle, or are more than 16",
           "lab.yaml:9:46: the breakers above 'b-a' run in a circle, or are more than 16",
           "lab.yaml:9:46: the breakers above 'b-b' run in a circle, or are more than 16");
}

static void huge_ranges_are_refused_before_anything_is_made(void **state)
{
    (void)state;
    EXPECT(with("name: \"n[1-2]\"", "name: \"n[1-9999999]\""),
           "lab.yaml:20:12: 'n[1-9999999]': stands for more than 4000000 names",
           "lab.yaml:26:12: dangling cable: there is no NIC or switch 'n1-nic0'",
           "lab.yaml:26:12: dangling cable: there is no NIC or switch 'n2-nic0'");
    EXPECT(with("name: cdu,", "name: \"cdu[1-2000000]\","),
           "lab.yaml:13:5: more than 1000000 cdus in one site",
           "lab.yaml:18:49: there is no cdu 'cdu'");
    EXPECT(with("\"leaf:4\", to", "\"leaf[1-5000]\", links: 1000, to"),
           "lab.yaml:27:5: more than 4000000 cables in one site");
}

static void serials_come_from_csv_with_comments_and_heading(void **state)
{
    static const char csv[] = "component,serial,batch\n"
                              "# optics\n"
                              "o1, S1 ,B2\r\n"
                              "\n"
                              "w1-gpu0,G1,B9\n"
                              "o2,G1\n"; /* another kind may have the same number */
    struct problems problems = {0};
    struct fleet *f = NULL, *plain = NULL;

    (void)state;
    assert_int_equal(load(lab, NULL, &plain, &problems), 0);
    assert_int_equal(
        load(with("site: lab\n", "site: lab\nserials: [serials.csv]\n"), csv, &f, &problems), 0);
    uint64_t o1 = fleet_find(f, "o1");
    assert_string_equal(fleet_serial(f, o1), "S1");
    assert_string_equal(f->text.pool + f->optic_batch[component_index_of(o1)], "B2");
    assert_string_equal(fleet_serial(f, fleet_find(f, "w1-gpu0")), "G1");
    assert_string_equal(f->text.pool + f->gpu_batch[4], "B9");
    assert_string_equal(fleet_serial(f, fleet_find(f, "o2")), "G1");
    assert_string_equal(fleet_serial(f, fleet_find(f, "w1-gpu1")), "");
    assert_memory_not_equal(f->site_sha256, plain->site_sha256, MW_SHA256_SIZE);
    fleet_destroy(f);
    fleet_destroy(plain);
}

/* The blob of a record holds all that a site was made of. */
static void a_site_and_its_csvs_are_one_blob_that_loads_again(void **state)
{
    static const char csv[] = "component,serial\no1,S1\n";
    struct problems problems = {0};
    struct mw_error err = {0};
    struct fleet *f = NULL, *again = NULL;

    (void)state;
    assert_int_equal(
        load(with("site: lab\n", "site: lab\nserials: [serials.csv]\n"), csv, &f, &problems), 0);
    assert_int_equal(site_load_blob(f->source, f->source_size, &again, &problems, &err), 0);
    assert_memory_equal(f->site_sha256, again->site_sha256, MW_SHA256_SIZE);
    assert_string_equal(fleet_serial(again, fleet_find(again, "o1")), "S1");
    fleet_destroy(again);
    for (size_t cut = 1; cut < f->source_size; cut += 7) {
        again = NULL;
        if (site_load_blob(f->source, cut, &again, &problems, &err) == 0) {
            assert_memory_not_equal(f->site_sha256, again->site_sha256, MW_SHA256_SIZE);
            fleet_destroy(again);
        }
    }
    problems_fini(&problems);
    fleet_destroy(f);
}

static void mistakes_in_csv_have_their_line_and_column(void **state)
{
    (void)state;
    EXPECT_CSV("o1,S1\no2, S1\n", "serials.csv:2:5: duplicate serial 'S1': 'o1' has it (line 1)");
    EXPECT_CSV("o1,S1\no1,S2\n", "serials.csv:2:1: this component has a serial already");
    EXPECT_CSV("o9,S1\nhall,S2\n", "serials.csv:1:1: there is no component 'o9'",
               "serials.csv:2:1: 'hall' is no part with a serial");
    EXPECT_CSV("o1\n,S1\no1,S,B,x\nw1,S3,B\n",
               "serials.csv:1:1: expected component,serial or component,serial,batch",
               "serials.csv:2:1: expected component,serial or component,serial,batch",
               "serials.csv:3:8: more than three fields: expected component,serial,batch",
               "serials.csv:4:7: only GPUs and optics have a batch");
    EXPECT(with("site: lab\n", "site: lab\nserials: [other.csv]\n"),
           "lab.yaml:2:11: cannot read 'other.csv': no reader for files is given");
    expect(with("site: lab\n", "site: lab\nserials: [other.csv]\n"), "",
           (const char *const[]){"lab.yaml:2:11: cannot read 'other.csv': no such file", NULL});
}

static void all_mistakes_of_a_file_come_in_one_run_in_order(void **state)
{
    static char text[9000];
    const char *once = with("limit_w: 6000", "limit_w: 100");

    (void)state;
    (void)snprintf(text, sizeof(text), "%s  - {from: nobody, to: leaf:4, color: 3}\n", once);
    EXPECT(text,
           "lab.yaml:9:32: the breaker 'b-a' is overcommitted: the racks on it draw 4500 W, its "
           "limit is 100 W (a rack counts in full on each of its feeds)",
           "lab.yaml:9:32: the breaker 'b-b' is overcommitted: the racks on it draw 2500 W, its "
           "limit is 100 W (a rack counts in full on each of its feeds)",
           "lab.yaml:29:12: dangling cable: there is no NIC or switch 'nobody'",
           "lab.yaml:29:32: unknown key 'color'; known are name, each, from, to, links, copper, "
           "optics, batch");
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void a_file_on_disk_is_read_with_what_lies_beside_it(void **state)
{
    char folder[] = "site_test_XXXXXX", path[64];
    struct problems problems = {0};
    struct mw_error err = {0};
    struct fleet *f = NULL;

    (void)state;
    assert_non_null(mkdtemp(folder));
    write_file(folder, "lab.yaml", with("site: lab\n", "site: lab\nserials: [s.csv]\n"));
    write_file(folder, "s.csv", "n1,SN-1\n");
    (void)snprintf(path, sizeof(path), "%s/lab.yaml", folder);
    assert_int_equal(site_load_file(path, &f, &problems, &err), 0);
    assert_string_equal(fleet_serial(f, fleet_find(f, "n1")), "SN-1");
    fleet_destroy(TAKE(f));
    write_file(folder, "s.csv", "n9,SN-1\n");
    assert_int_equal(site_load_file(path, &f, &problems, &err), MW_ESYNTAX);
    char csv[64];
    (void)snprintf(csv, sizeof(csv), "%s/s.csv", folder); /* beside the site, from here */
    assert_string_equal(problems.item[0].file, csv);
    problems_fini(&problems);
    write_file(folder, "lab.yaml", "zzz: 1\n");
    assert_int_equal(site_load_file(path, &f, &problems, &err), MW_ESYNTAX);
    assert_string_equal(problems.item[0].file, path); /* as it was given */
    assert_int_equal(site_load_file(folder, &f, &problems, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "is a directory: name a file in it"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(csv), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(site_load_file("no/such/site.yaml", &f, &problems, &err), MW_ENOTFOUND);
    assert_non_null(strstr(err.text, "no/such/site.yaml"));
    assert_null(f);
    problems_fini(&problems);
}

/* The first ```yaml block of the page, and the CSV block after it. */
static void the_example_of_the_documentation_loads(void **state)
{
    static const char open[] = "```yaml\n", open_csv[] = "```\ncomponent";
    struct problems problems = {0};
    struct fleet *f = NULL;
    char *page = NULL;
    size_t size = 0;

    assert_int_equal(mw_read_file(*state, 1 << 20, false, &page, &size, NULL), 0);
    char *yaml = strstr(page, open), *csv = strstr(page, open_csv);
    assert_true(yaml != NULL && csv != NULL);
    yaml += sizeof(open) - 1;
    csv += 4;
    *strstr(yaml, "```") = '\0';
    *strstr(csv, "```") = '\0';
    if (load(yaml, csv, &f, &problems) != 0)
        fail_msg("line %u: %s", problems.item[0].line, problems.item[0].text);
    assert_int_equal(f->count[COMPONENT_CABLE], 65);
    assert_int_equal(f->groups, 1);
    assert_string_equal(fleet_serial(f, fleet_find(f, "k1-n1-gpu0")), "GPU-7731");
    fleet_destroy(f);
    mw_free(page);
}

int main(int argc, char **argv)
{
    must(argc == 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_site_is_compiled_as_written),
        cmocka_unit_test(unknown_keys_and_bad_values_are_named),
        cmocka_unit_test(parents_that_do_not_exist_are_dangling),
        cmocka_unit_test(names_are_unique_over_all_kinds),
        cmocka_unit_test(cables_that_end_nowhere_are_dangling),
        cmocka_unit_test(ports_can_be_given_from_a_port_on),
        cmocka_unit_test(a_port_holds_one_cable_and_an_optic_sits_on_one_port),
        cmocka_unit_test(power_and_cooling_must_carry_what_hangs_on_them),
        cmocka_unit_test(huge_ranges_are_refused_before_anything_is_made),
        cmocka_unit_test(serials_come_from_csv_with_comments_and_heading),
        cmocka_unit_test(a_site_and_its_csvs_are_one_blob_that_loads_again),
        cmocka_unit_test(mistakes_in_csv_have_their_line_and_column),
        cmocka_unit_test(all_mistakes_of_a_file_come_in_one_run_in_order),
        cmocka_unit_test(a_file_on_disk_is_read_with_what_lies_beside_it),
        cmocka_unit_test_prestate(the_example_of_the_documentation_loads, argv[1]),
    };

    return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}

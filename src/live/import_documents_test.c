/* Sites from LLDP, NetBox and Redfish: recorded answers, and mistakes named with their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "fleet/site.h"
#include "live/import_lldp.h"
#include "live/import_netbox.h"
#include "live/import_redfish.h"

struct made {
    struct import_site site;
    struct text yaml, csv;
    struct fleet *fleet;
};

static int read_csv(void *ctx, const char *path, char **ret, size_t *size, struct mw_error *err)
{
    const struct text *csv = ctx;
    (void)path;
    (void)err;
    *ret = mw_strdup(text_string(csv));
    *size = csv->length;
    return *ret != NULL ? 0 : MW_ENOMEM;
}

/* Writes the site and reads it as mw site check does. */
static void read_back(struct made *m)
{
    struct problems problems = { 0 };
    struct mw_error err = { 0 };
    assert_int_equal(import_site_write(&m->site, "s.csv", &m->yaml, &err), 0);
    assert_int_equal(import_serials_write(&m->site, &m->csv, &err), 0);
    struct site_source s = { .yaml = text_string(&m->yaml), .size = m->yaml.length,
                             .name = "site", .read = read_csv, .ctx = &m->csv };
    if (site_load(&s, &m->fleet, &problems, &err) != 0)
        fail_msg("%s\n%s", problems.length > 0 ? problems.item[0].text : err.text,
                 text_string(&m->yaml));
    problems_fini(&problems);
}

static void end(struct made *m)
{
    fleet_destroy(m->fleet);
    import_site_fini(&m->site);
    text_fini(&m->yaml);
    text_fini(&m->csv);
}

static char *slurp(const char *path)
{
    char *text = NULL;
    size_t size;
    struct mw_error err = { 0 };
    if (mw_read_file(path, 1 << 22, false, &text, &size, &err) != 0)
        fail_msg("%s", err.text);
    return text;
}

static void has(const struct made *m, const char *words)
{
    if (strstr(text_string(&m->yaml), words) == NULL)
        fail_msg("not in the file: %s\n%s", words, text_string(&m->yaml));
}

/* ---- LLDP ---------------------------------------------------------------------------------- */

static void hosts_and_bridging_neighbours_become_nodes_and_switches(void **state)
{
    static const char *const hosts[] = { "gpu001", "gpu002", "tor1", "tor2" };
    struct import_lldp_file file[4];
    struct import_lldp_options o = { .source = "test", .gpus = 8 };
    struct made m = { .fleet = NULL };
    char path[64], *text[4];
    (void)state;
    for (int i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "tests/import/lldp/%s.json", hosts[i]);
        text[i] = slurp(path);
        file[i] = (struct import_lldp_file){ .host = hosts[i], .text = text[i],
                                             .size = strlen(text[i]), .name = hosts[i] };
    }
    assert_int_equal(import_lldp(file, 4, &o, &m.site, NULL), 0);
    read_back(&m);
    assert_int_equal(m.fleet->count[COMPONENT_NODE], 2);
    assert_int_equal(m.fleet->count[COMPONENT_SWITCH], 2);
    assert_int_equal(m.fleet->count[COMPONENT_CABLE], 5); /* each reported by both its ends */
    has(&m, "{from: \"gpu[001-002]-nic0\", to: \"tor1\"}");
    has(&m, "{from: \"tor1:8\", to: \"tor2:8\"}");
    end(&m);
    /* The list form of the same lldpcli, from one host alone. */
    char *list = slurp("tests/import/lldp-json0/gpu001.json");
    struct import_lldp_file one = { .host = "gpu001", .text = list, .size = strlen(list),
                                    .name = "list" };
    m = (struct made){ .fleet = NULL };
    assert_int_equal(import_lldp(&one, 1, &o, &m.site, NULL), 0);
    read_back(&m);
    assert_int_equal(m.fleet->count[COMPONENT_CABLE], 2);
    end(&m);
    mw_free(list);
    for (int i = 0; i < 4; i++)
        mw_free(text[i]);
}

static int lldp(const char *text, struct mw_error *err)
{
    struct import_lldp_file one = { .host = "n1", .text = text, .size = strlen(text),
                                    .name = "n1.json" };
    struct import_lldp_options o = { .source = "test", .gpus = MW_NONE };
    struct import_site site = { .models = 0 };
    int rc = import_lldp(&one, 1, &o, &site, err);
    import_site_fini(&site);
    return rc;
}

static void a_listing_that_is_none_says_where(void **state)
{
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(lldp("{", &err), MW_ESYNTAX);
    assert_int_equal(strncmp(err.text, "n1.json:1:", 10), 0);
    assert_int_equal(lldp("{\"a\": 1}", &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "there is no \"lldp\""));
    assert_int_equal(lldp("{\"lldp\": {\"interface\": {\"eth0\": {\"port\": {}}}}}", &err),
                     MW_EINVAL);
    assert_non_null(strstr(err.text, "n1.json: interface eth0: chassis"));
    /* One neighbour is an object and not a list; it has no name, but an id. */
    assert_int_equal(lldp("{\"lldp\": {\"interface\": {\"eth0\": {\"via\": \"LLDP\", \"chassis\": "
                          "{\"id\": {\"type\": \"mac\", \"value\": \"aa:bb\"}}, \"port\": {\"id\": "
                          "{\"type\": \"ifname\", \"value\": \"swp1\"}}}}}}", &err), 0);
}

/* ---- NetBox -------------------------------------------------------------------------------- */

static void racks_devices_and_cables_of_netbox_become_a_site(void **state)
{
    struct import_netbox_doc doc[3];
    struct import_netbox_options o = { .source = "test", .gpus = MW_NONE };
    struct made m = { .fleet = NULL };
    char next[64] = "x";
    (void)state;
    char *cables = slurp("tests/import/netbox/cables.json");
    char *devices = slurp("tests/import/netbox/devices.json");
    char *racks = slurp("tests/import/netbox/racks.json");
    doc[0] = (struct import_netbox_doc){ cables, strlen(cables), "cables" }; /* in any order */
    doc[1] = (struct import_netbox_doc){ devices, strlen(devices), "devices" };
    doc[2] = (struct import_netbox_doc){ racks, strlen(racks), "racks" };
    assert_int_equal(import_netbox_next(&doc[1], next, sizeof(next), NULL), 0);
    assert_string_equal(next, "");
    assert_int_equal(import_netbox(doc, 3, &o, &m.site, NULL), 0);
    read_back(&m);
    assert_string_equal(m.fleet->name, "DC1");
    assert_int_equal(m.fleet->count[COMPONENT_NODE], 8); /* one more is planned only */
    assert_int_equal(m.fleet->gpus_total, 64);
    assert_int_equal(m.fleet->count[COMPONENT_CABLE], 20);
    assert_string_equal(fleet_serial(m.fleet, fleet_find(m.fleet, "gpu03")), "SN0003");
    has(&m, "{name: \"gpu[05-08]\", model: \"dgx-h100\", rack: \"rack-A02\"}");
    has(&m, "{name: \"spine1\", tier: spine");
    has(&m, "{from: \"leaf[1-2]:61..\", to: \"spine1\", links: 2, copper: true}");
    end(&m);
    mw_free(cables);
    mw_free(devices);
    mw_free(racks);
}

static int netbox(const char *text, struct mw_error *err)
{
    struct import_netbox_doc doc = { text, strlen(text), "a.json" };
    struct import_netbox_options o = { .source = "a.json", .gpus = MW_NONE };
    struct import_site site = { .models = 0 };
    int rc = import_netbox(&doc, 1, &o, &site, err);
    import_site_fini(&site);
    return rc;
}

static void an_answer_of_netbox_that_is_none_says_where(void **state)
{
    struct mw_error err = { 0 };
    char next[64];
    struct import_netbox_doc refused = { "{\"detail\": \"Invalid token\"}", 27, "url" };
    (void)state;
    assert_int_equal(netbox("[\n{]", &err), MW_ESYNTAX);
    assert_int_equal(strncmp(err.text, "a.json:2:", 9), 0);
    assert_int_equal(netbox("{\"x\": 1}", &err), MW_EINVAL);
    assert_int_equal(netbox("[{}, {\"device_type\": {}, \"role\": {\"slug\": \"gpu\"}}]", &err),
                     MW_EINVAL);
    assert_non_null(strstr(err.text, "a.json: device 1: name"));
    assert_int_equal(netbox("[{\"device_type\": {}, \"role\": {\"slug\": \"pdu\"}}]", &err),
                     MW_EINVAL);
    assert_non_null(strstr(err.text, "--node-role"));
    assert_int_equal(import_netbox_next(&refused, next, sizeof(next), &err), MW_EINVAL);
    assert_string_equal(err.text, "url: Invalid token");
}

/* ---- Redfish ------------------------------------------------------------------------------- */

static void the_documents_of_a_gb300_become_a_node_with_four_gpus(void **state)
{
    static const char folder[] = "tests/import/redfish/gb300-1/_redfish_v1_";
    static const char *const names[] = {
        "Systems_System_0", "Systems_HGX_Baseboard_0", "Systems_HGX_Baseboard_0_Processors_GPU_0",
        "Systems_HGX_Baseboard_0_Processors_GPU_1", "Systems_HGX_Baseboard_0_Processors_GPU_2",
        "Systems_HGX_Baseboard_0_Processors_GPU_3", "Systems_HGX_Baseboard_0_Processors_CPU_0",
        "Systems_HGX_Baseboard_0_Processors_GPU_3", /* again: counts once */
        "Chassis_IO_Board_0_NetworkAdapters_IO_Board_0_CX8_0",
        "Chassis_Riser_Slot2_BlueField_3_Card_NetworkAdapters_Riser_Slot2_BlueField_3_Card",
    };
    struct import_redfish_doc doc[MW_ARRAY_LEN(names)];
    struct import_redfish_options o = { .source = "test" };
    struct made m = { .fleet = NULL };
    (void)state;
    for (size_t i = 0; i < MW_ARRAY_LEN(names); i++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "%s%s.json", folder, names[i]);
        char *text = slurp(path);
        doc[i] = (struct import_redfish_doc){ "t1", text, strlen(text), names[i] };
    }
    assert_int_equal(import_redfish(doc, MW_ARRAY_LEN(names), &o, &m.site, NULL), 0);
    read_back(&m);
    assert_int_equal(m.fleet->gpus_total, 4);
    assert_int_equal(m.fleet->count[COMPONENT_NIC], 2);
    assert_string_equal(fleet_serial(m.fleet, fleet_find(m.fleet, "t1")), "S964512X5913271");
    /* Both GPUs of a module say the module's number. */
    assert_string_equal(fleet_serial(m.fleet, fleet_find(m.fleet, "t1-gpu0")), "");
    has(&m, "parts share the serial number of their module");
    end(&m);
    for (size_t i = 0; i < MW_ARRAY_LEN(names); i++)
        mw_free((char *)(uintptr_t)doc[i].text);
}

static void documents_without_a_system_are_no_node(void **state)
{
    struct import_redfish_doc doc = { "n1", "{\"@odata.id\": \"/redfish/v1\"}", 27, "a" };
    struct import_redfish_options o = { .source = "test" };
    struct import_site site = { .models = 0 };
    struct mw_error err = { 0 };
    (void)state;
    assert_int_equal(import_redfish(&doc, 1, &o, &site, &err), MW_EINVAL);
    assert_non_null(strstr(err.text, "no document of n1 is a ComputerSystem"));
    import_site_fini(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_and_bridging_neighbours_become_nodes_and_switches),
        cmocka_unit_test(a_listing_that_is_none_says_where),
        cmocka_unit_test(racks_devices_and_cables_of_netbox_become_a_site),
        cmocka_unit_test(an_answer_of_netbox_that_is_none_says_where),
        cmocka_unit_test(the_documents_of_a_gb300_become_a_node_with_four_gpus),
        cmocka_unit_test(documents_without_a_system_are_no_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

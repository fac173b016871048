/* Events as JSON: valid, complete, nothing invented. */
#include "store/event_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ids.h"
#include "core/event_fields.h"

static void every_kind_gives_every_field_of_its_body(void **state)
{
    (void)state;
    for (uint32_t kind = 1; kind < EVENT_KIND_MAX; kind++) {
        const struct event_body_info *body = event_body_of(kind);
        if (body == NULL)
            continue;
        for (int fill = 0; fill <= 255; fill += 51) {
            struct event ev = {.seq = 1, .kind = (uint16_t)kind, .version = EVENT_VERSION};
            memset(&ev.body, fill, sizeof(ev.body));
            json_t *o = event_json(&ev, NULL);
            assert_non_null(o);
            json_t *fields = json_object_get(o, "body");
            assert_int_equal(json_object_size(fields), body->fields);
            for (uint32_t f = 0; f < body->fields; f++)
                assert_non_null(json_object_get(fields, body->field[f].name));
            assert_string_equal(json_string_value(json_object_get(o, "kind")),
                                event_info(kind)->name);
            json_decref(o);
        }
    }
}

static void a_finding_reads_as_it_was_meant(void **state)
{
    (void)state;
    struct event ev = {.seq = 5, .time_ns = 1500000000, .kind = EV_FINDING_OPENED, .version = 1};
    ev.body.finding = (struct body_finding){.component = component_id(COMPONENT_GPU, 12),
                                            .finding = UINT64_MAX,
                                            .node = MW_NONE,
                                            .class = 2,
                                            .effect = EFFECT_KILLS};
    json_t *o = event_json(&ev, NULL);
    json_t *body = json_object_get(o, "body");
    assert_string_equal(json_string_value(json_object_get(body, "component")), "gpu/12");
    assert_string_equal(json_string_value(json_object_get(body, "finding")),
                        "18446744073709551615");
    assert_true(json_is_null(json_object_get(body, "node")));
    assert_int_equal(json_integer_value(json_object_get(body, "class")), 2);
    assert_string_equal(json_string_value(json_object_get(body, "effect")), "kills");
    assert_int_equal(json_integer_value(json_object_get(o, "time_ns")), 1500000000);
    json_decref(o);
}

static void tails_are_given_and_no_byte_makes_invalid_json(void **state)
{
    (void)state;
    uint32_t nodes[3] = {4, 5, 6};
    struct event ev = {.kind = EV_ATTEMPT_PLACED, .version = 1, .tail_size = sizeof(nodes)};
    json_t *o = event_json(&ev, nodes);
    assert_int_equal(json_array_size(json_object_get(o, "nodes")), 3);
    assert_int_equal(json_integer_value(json_array_get(json_object_get(o, "nodes"), 2)), 6);
    json_decref(o);
    ev = (struct event){.kind = EV_COMMAND, .version = 1, .tail_size = 4};
    o = event_json(&ev, "why\n");
    assert_string_equal(json_string_value(json_object_get(o, "text")), "why\n");
    json_decref(o);
    o = event_json(&ev, "\xff\xfe!!");
    assert_string_equal(json_string_value(json_object_get(o, "text_hex")), "fffe2121");
    char *line = json_dumps(o, JSON_COMPACT);
    json_t *again = json_loads(line, 0, NULL);
    assert_true(json_equal(o, again));
    json_decref(again);
    free(line);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_gives_every_field_of_its_body),
        cmocka_unit_test(a_finding_reads_as_it_was_meant),
        cmocka_unit_test(tails_are_given_and_no_byte_makes_invalid_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

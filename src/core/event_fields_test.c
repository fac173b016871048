/* The table of fields against the structs of event.h, which this test reads as text (its path is
 * the argument): a field that somebody adds and forgets here would be missing in every export. */
#include "core/event_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "core/event_print.h"

static const char *header_path;

static const struct event_field *field_of(const char *body, const char *name)
{
    const struct event_body_info *b;
    for (uint32_t i = 0; (b = event_body_nth(i)) != NULL; i++) {
        for (uint32_t f = 0; strcmp(b->name, body) == 0 && f < b->fields; f++) {
            if (strcmp(b->field[f].name, name) == 0)
                return &b->field[f];
        }
    }
    return NULL;
}

/* "uint32_t slot, attempt;" → each name is in the table. Returns how many names. */
static uint32_t check_declaration(const char *body, char *line)
{
    uint32_t names = 0;
    char *name = strchr(line, ' ');
    assert_non_null(name);
    for (name += strspn(name, " "); *name != '\0'; name += strspn(name, " ,")) {
        char *end = name + strcspn(name, ", ");
        bool more = *end != '\0';
        *end = '\0';
        name[strcspn(name, "[")] = '\0';
        if (field_of(body, name) == NULL)
            fail_msg("field %s of struct body_%s is not in the table of fields", name, body);
        names++;
        name = end + more;
    }
    return names;
}

static uint32_t fields_in_table(const char *body)
{
    const struct event_body_info *b;
    for (uint32_t i = 0; (b = event_body_nth(i)) != NULL; i++) {
        if (strcmp(b->name, body) == 0)
            return b->fields;
    }
    fail_msg("struct body_%s is not in the table of fields", body);
    return 0;
}

static void every_field_of_every_body_is_in_the_table_once(void **state)
{
    (void)state;
    char *text, *end, body[64] = "";
    size_t size;
    assert_int_equal(mw_read_file(header_path, 1 << 20, false, &text, &size, NULL), 0);
    uint32_t bodies = 0, names = 0;
    for (char *line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (sscanf(line, "struct body_%63[a-z_] {", body) == 1 && strchr(line, '{')) {
            names = 0;
        } else if (body[0] && strncmp(line, "};", 2) == 0) {
            assert_int_equal(names, fields_in_table(body));
            body[0] = '\0';
            bodies++;
        } else if (body[0] && strchr(line, ';')) {
            line += strspn(line, " ");
            *strchr(line, ';') = '\0';
            names += check_declaration(body, line);
        }
    }
    uint32_t listed = 0;
    while (event_body_nth(listed) != NULL)
        listed++;
    assert_int_equal(bodies, listed);
    assert_true(bodies >= 18);
    mw_free(text);
}

static void fields_do_not_overlap_and_have_the_size_of_their_type(void **state)
{
    (void)state;
    const struct event_body_info *b;
    for (uint32_t i = 0; (b = event_body_nth(i)) != NULL; i++) {
        uint32_t end = 0;
        assert_true(b->size <= sizeof(union event_body));
        for (uint32_t f = 0; f < b->fields; f++) {
            const struct event_field *field = &b->field[f];
            assert_int_equal(field->size, field_type_info(field->type)->bytes);
            assert_int_equal(field->offset, end); /* largest first: no holes */
            assert_int_equal(field->type == FIELD_ENUM, field->words != NULL);
            assert_true(strlen(field->doc) > 2);
            end = field->offset + field->size;
        }
        assert_true(b->size - end < 8);
    }
}

static void every_kind_has_a_body(void **state)
{
    (void)state;
    assert_int_equal(event_body_bytes(EV_NONE), 0);
    assert_int_equal(event_body_bytes(EV_EPOCH), 64);
    assert_int_equal(event_body_bytes(EV_NODE_MOVED), offsetof(struct body_node, to) + 1);
    for (uint32_t kind = 0; kind < EVENT_KIND_MAX; kind++) {
        const char *name = event_info(kind)->name;
        assert_int_equal(event_body_of(kind) != NULL, name != NULL);
        if (name != NULL)
            assert_string_equal(event_body_of(kind)->name, event_info(kind)->body);
    }
}

static struct event moved(void)
{
    struct event ev = {.seq = 12, .time_ns = 0, .cause = 11, .kind = EV_NODE_MOVED, .version = 1};
    ev.body.node = (struct body_node){
        .incident = 9, .node = 17, .slot = 3, .class = UINT16_MAX, .from = HEALTH_READY, .to = 6};
    return ev;
}

static void a_line_names_what_changed_and_leaves_out_what_is_none(void **state)
{
    (void)state;
    struct text t = {.data = NULL};
    struct event ev = moved();
    event_print(&t, &ev, NULL);
    const char *line = text_string(&t);
    assert_non_null(strstr(line, "12 1970-01-01T00:00:00"));
    assert_non_null(strstr(line, " node.moved cause=11 incident=9"));
    assert_non_null(strstr(line, " node=17 from=ready to=down"));
    assert_null(strstr(line, "class="));
    assert_null(strstr(line, "\n"));
    text_clear(&t);
    ev = (struct event){.seq = 1, .kind = EV_COMMAND, .tail_size = 5, .version = 1};
    event_print(&t, &ev, "a\033[2J");
    assert_null(strchr(text_string(&t), 033)); /* a reason must not drive the terminal */
    assert_non_null(strstr(text_string(&t), "text=\"a.[2J\""));
    text_fini(&t);
}

static void a_line_shows_times_and_lengths_under_names_without_a_unit(void **state)
{
    (void)state;
    struct text t = {.data = NULL};
    struct event ev = {.seq = 1, .kind = EV_ATTEMPT_PLACED, .version = 1};
    ev.body.place.interval_ms = 6 * MW_MS_PER_S;
    event_print_fields(&t, &ev, NULL);
    assert_non_null(strstr(text_string(&t), " interval=6 s "));
    assert_null(strstr(text_string(&t), "_ms"));
    text_clear(&t);
    ev = moved();
    event_print_fields(&t, &ev, NULL);
    assert_non_null(strstr(text_string(&t), " until=- ")); /* no such time, and not 1970 */
    ev.body.node.until_ns = MW_NS_PER_S;
    event_print_fields(&t, &ev, NULL);
    assert_non_null(strstr(text_string(&t), " until=1970-01-01T00:00:01"));
    text_clear(&t);
    ev = (struct event){.seq = 1, .kind = EV_GATE_STARTED, .version = 1};
    event_print_fields(&t, &ev, NULL);
    assert_null(strstr(text_string(&t), "result"));
    ev.kind = EV_GATE_ENDED;
    ev.body.gate.result = RESULT_OK;
    event_print_fields(&t, &ev, NULL);
    assert_non_null(strstr(text_string(&t), "result=ok"));
    text_fini(&t);
}

static void bug_a_value_without_a_word_is_left_out_where_it_is_0(void **state)
{
    (void)state;
    struct text t = {.data = NULL};
    struct event ev = {.seq = 1, .kind = EV_COMMAND, .version = 1};
    ev.body.command.verb = CMD_HOLD; /* of an order to the engine it has no verb */
    ev.body.command.mode = MODE_OBSERVE;
    event_print_fields(&t, &ev, NULL);
    assert_non_null(strstr(text_string(&t), "verb=hold mode=observe"));
    assert_null(strstr(text_string(&t), "engine"));
    text_clear(&t);
    ev.body.command.engine = ENGINE_VERBS + 1; /* of a newer program: it is told */
    event_print_fields(&t, &ev, NULL);
    assert_non_null(strstr(text_string(&t), "engine=11?"));
    text_clear(&t);
    ev = (struct event){.seq = 1, .kind = EV_ADVICE, .version = 1};
    event_print_fields(&t, &ev, NULL);
    assert_null(strchr(text_string(&t), '?'));
    text_fini(&t);
}

static void add_line(void *ctx, const char *name, const char *value, const char *doc)
{
    assert_true(strlen(value) > 0 && strlen(doc) > 2);
    text_addf(ctx, "%s=%s;", name, value);
}

static void the_long_form_and_the_catalogue_name_every_field(void **state)
{
    (void)state;
    struct text t = {.data = NULL};
    struct event ev = moved();
    event_each_field(&ev, NULL, add_line, &t);
    for (uint32_t f = 0; f < event_body_of(EV_NODE_MOVED)->fields; f++)
        if (event_body_of(EV_NODE_MOVED)->field[f].type != FIELD_TIME_NS)
            assert_non_null(strstr(text_string(&t), event_body_of(EV_NODE_MOVED)->field[f].name));
    assert_non_null(strstr(text_string(&t), ";until=-;"));
    assert_non_null(strstr(text_string(&t), ";class=none;from=ready;to=down;"));
    text_clear(&t);
    ev = (struct event){.seq = 1, .kind = EV_ADVICE, .version = 1};
    event_each_field(&ev, NULL, add_line, &t);
    assert_null(strchr(text_string(&t), '?'));
    text_clear(&t);
    event_catalogue(&t);
    for (uint32_t kind = 1; kind < EVENT_KIND_MAX; kind++) {
        const char *name = event_info(kind)->name;
        if (name != NULL)
            assert_non_null(strstr(text_string(&t), name));
    }
    assert_non_null(strstr(text_string(&t), "`at-checkpoint` (2)"));
    assert_false(t.failed);
    text_fini(&t);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_every_body_is_in_the_table_once),
        cmocka_unit_test(fields_do_not_overlap_and_have_the_size_of_their_type),
        cmocka_unit_test(every_kind_has_a_body),
        cmocka_unit_test(a_line_names_what_changed_and_leaves_out_what_is_none),
        cmocka_unit_test(a_line_shows_times_and_lengths_under_names_without_a_unit),
        cmocka_unit_test(bug_a_value_without_a_word_is_left_out_where_it_is_0),
        cmocka_unit_test(the_long_form_and_the_catalogue_name_every_field),
    };
    header_path = argc > 1 ? argv[1] : "src/core/event.h";
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Every route of the table × every role × {whole site, own halls, another's, own
 * tenant, another's} × {token, cookie with and without its CSRF word}, and the
 * credentials that have no role: none, the socket, a wrong, a revoked and an
 * expired token, an ended session.  What must come out follows from the tables of
 * routes and of roles alone; what does come out is asked of a real server.
 *
 * Of whoever is confined, no answer may show what is elsewhere: the names of nodes
 * of another hall, the job of another tenant.
 */
#include "api/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "api/server_testing.h"
#include "base/units.h"

#define TENANT 7u
#define OTHER_TENANT 8u
#define JOB 4242u
#define JOB_NAME "confidential-run"
#define HALL "h01"

enum reach { WHOLE, OWN_HALL, OTHER_HALL, OWN_TENANT, OTHER_TENANT_ONLY, REACHES };
enum by { TOKEN, COOKIE, COOKIE_BARE, BYS }; /* the last: without the CSRF word */

struct matrix {
    struct scene *scene;
    struct access *access;
    char path[300];
    char token[ROLE_COUNT][REACHES][ACCESS_TOKEN_MAX];
    char revoked[ACCESS_TOKEN_MAX], expired[ACCESS_TOKEN_MAX], ended[ACCESS_WORD_MAX];
    uint32_t cells, allowed, refused, shown; /* shown: answers that said too much */
    const struct api_route *told;            /* the last of those that was named */
};

/* ---- the scene ----------------------------------------------------------------------------- */

/* A job of TENANT in the record, and a fault on a node. */
static void make_story(struct scene *s)
{
    struct mw_error err = { 0 };
    enum admit how = ADMIT_OK;
    struct event ev = { .kind = EV_JOB_SUBMITTED, .source = SOURCE_ENGINE,
                        .observed_ns = s->writer->now_ns, .tenant = TENANT };
    ev.body.job = (struct body_job){ .job = JOB, .work_ms = 3600000, .gpus = 16, .nodes = 2 };
    ev.tail_size = (uint16_t)strlen(JOB_NAME);
    struct core *core = live_control(s->writer->live)->core; /* as an engine's adapter does */
    assert_int_equal(core_submit(core, s->writer->now_ns, &ev, JOB_NAME, &how, &err), 0);
    assert_int_equal(how, ADMIT_OK);
    assert_int_equal(core_commit(core, &err), 0);
    lose_gpu(s->writer, 3);
}

static struct principal who_is(uint32_t role, enum reach reach)
{
    struct principal p = { .roles = 1u << role };
    (void)snprintf(p.name, sizeof(p.name), "%s-%d", access_role_word(role), (int)reach);
    p.halls = reach == OWN_HALL || reach == OTHER_HALL;
    (void)snprintf(p.hall[0], sizeof(p.hall[0]), "%s", reach == OTHER_HALL ? "elsewhere" : HALL);
    p.tenants = reach == OWN_TENANT || reach == OTHER_TENANT_ONLY;
    p.tenant[0] = reach == OTHER_TENANT_ONLY ? OTHER_TENANT : TENANT;
    return p;
}

/* A user sees the jobs of its own tenants: without one there is none. */
static bool can_be(uint32_t role, enum reach reach)
{
    return role != ROLE_USER || reach == OWN_TENANT || reach == OTHER_TENANT_ONLY;
}

static void make_token(struct matrix *m, uint32_t role, enum reach reach)
{
    struct mw_error err = { 0 };
    struct principal p = who_is(role, reach);
    struct access_grant g = { .roles = p.roles, .tenants = p.tenants, .halls = p.halls };
    char id[ACCESS_ID_SIZE + 1];
    memcpy(g.name, p.name, sizeof(g.name));
    memcpy(g.tenant, p.tenant, sizeof(g.tenant));
    memcpy(g.hall, p.hall, sizeof(g.hall));
    if (access_token_create(m->access, &g, m->token[role][reach], id, &err) < 0)
        fail_msg("%s", err.text);
}

static int64_t early(void *ctx)
{
    (void)ctx;
    return INT64_C(1700000000) * MW_NS_PER_S; /* then a token could be given that has expired now */
}

static void make_bad_tokens(struct matrix *m)
{
    struct mw_error err = { 0 };
    char id[ACCESS_ID_SIZE + 1];
    struct access_grant g = { .name = "gone", .roles = 1u << ROLE_ADMIN };
    assert_int_equal(access_token_create(m->access, &g, m->revoked, id, &err), 0);
    assert_int_equal(access_token_revoke(m->access, id, &err), 0);
    struct access *past = NULL;
    const struct access_options o = { .path = m->path, .now_ns = early };
    assert_int_equal(access_create(&o, &past, &err), 0);
    g.expires_ns = early(NULL) + MW_NS_PER_DAY;
    assert_int_equal(access_token_create(past, &g, m->expired, id, &err), 0);
    access_destroy(past);
}

/* While nobody asks, the server's thread leaves its access alone: then the test may make sessions
 * in it, as logins by an identity provider do. */
static void make_session(struct matrix *m, uint32_t role, enum reach reach,
                         char ret_word[ACCESS_WORD_MAX], struct principal *ret)
{
    struct mw_error err = { 0 };
    const struct principal p = who_is(role, reach);
    if (access_session_for(api_server_access(m->scene->server), p.name, &p, ret_word, ret, &err) <
        0)
        fail_msg("%s", err.text);
}

static int setup(void **state)
{
    struct matrix *m = calloc(1, sizeof(*m));
    struct mw_error err = { 0 };
    struct principal p;
    assert_non_null(m);
    m->scene = scene_make();
    make_story(m->scene);
    (void)snprintf(m->path, sizeof(m->path), "%s/access.json", m->scene->dir);
    const struct access_options o = { .path = m->path };
    assert_int_equal(access_create(&o, &m->access, &err), 0);
    for (uint32_t role = 0; role < ROLE_COUNT; role++)
        for (enum reach reach = 0; reach < REACHES; reach++)
            if (can_be(role, reach))
                make_token(m, role, reach);
    make_bad_tokens(m);
    m->scene->options.access_file = m->path;
    scene_start(m->scene);
    make_session(m, ROLE_ADMIN, WHOLE, m->ended, &p);
    access_logout(api_server_access(m->scene->server), m->ended);
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct matrix *m = *state;
    scene_free(m->scene);
    access_destroy(m->access);
    free(m);
    return 0;
}

/* ---- one cell ------------------------------------------------------------------------------ */

/* "GET /api/v1/jobs/4242" of a row of the table: what stands for {…} is there. */
static void path_of(const struct matrix *m, const struct api_route *r, char *ret, size_t size)
{
    static const struct {
        enum api_method method;
        const char *word;
    } methods[] = { { API_GET, "GET" }, { API_POST, "POST" }, { API_PUT, "PUT" },
                    { API_DELETE, "DELETE" }, { API_PATCH, "PATCH" } };
    const char *method = "?", *brace = strchr(r->path, '{');
    for (size_t i = 0; i < MW_ARRAY_LEN(methods); i++)
        method = methods[i].method == r->method ? methods[i].word : method;
    char arg[128] = "1";
    if (strstr(r->path, "/jobs/") != NULL)
        (void)snprintf(arg, sizeof(arg), "%u", JOB);
    else if (strstr(r->path, "/nodes/") != NULL)
        (void)snprintf(arg, sizeof(arg), "%s", name(m->scene->writer, 3));
    int n = brace == NULL ? (int)strlen(r->path) : (int)(brace - r->path);
    const char *rest = brace != NULL ? strchr(brace, '}') : NULL;
    (void)snprintf(ret, size, "%s %.*s%s%s%s", method, n, r->path, brace != NULL ? arg : "",
                   rest != NULL ? rest + 1 : "",
                   strcmp(r->path, "/api/v1/fleet/heat") == 0 ? "?metric=job" : "");
}

/* Bodies that are JSON and mean nothing: whoever is let through is told so, and nothing happens. */
static int asked(const struct matrix *m, const struct api_route *r, bool over_unix,
                 const char *credential, struct answer *ret)
{
    char what[256], headers[512];
    bool writes = r->method != API_GET;
    path_of(m, r, what, sizeof(what));
    (void)snprintf(headers, sizeof(headers), "%s%s", credential,
                   writes ? "Content-Type: application/json\r\n" : "");
    ask(m->scene, over_unix, what, headers, writes ? "[]" : NULL, ret);
    return ret->status;
}

static bool is_refusal(int status)
{
    return status == 401 || status == 403;
}

static void must_be(struct matrix *m, const struct api_route *r, const char *who, int status,
                    int wanted)
{
    m->cells++;
    m->allowed += wanted == 200;
    m->refused += wanted != 200;
    if (wanted == 200 ? is_refusal(status) || status == 0 : status != wanted)
        fail_msg("%s of %s: %d instead of %s%d", r->id, who, status,
                 wanted == 200 ? "anything but 401 and 403, such as " : "", wanted);
}

/* What the tables say: 200 stands for "let through". */
static int wanted_of(const struct api_route *r, uint32_t role, enum by by)
{
    if (r->permission == PERM_PUBLIC)
        return 200;
    if ((access_role_permits(role) & ACCESS_BIT(r->permission)) == 0)
        return 403;
    return by == COOKIE_BARE && r->method != API_GET ? 403 : 200;
}

/* Says it which job, or what nodes, there are? */
static void must_not_show(struct matrix *m, const struct api_route *r, const struct answer *a,
                          const char *who, enum reach reach)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "\"job\":%u", JOB);
    if (a->body == NULL || r->permission == PERM_PUBLIC || a->status >= 400)
        return; /* a refusal names what was asked for */
    bool job = strstr(a->body, JOB_NAME) != NULL || strstr(a->body, id) != NULL;
    bool node = strstr(a->body, HALL "-r") != NULL;
    /* A job that waits is in no hall yet: halls hide places, tenants hide jobs. */
    if (!(reach == OTHER_TENANT_ONLY && job) && !(reach == OTHER_HALL && node))
        return;
    m->shown++;
    const char *at = strstr(a->body, node ? HALL "-r" : JOB_NAME);
    at = at != NULL && at > a->body + 300 ? at - 300 : a->body;
    if (m->told != r) /* all routes that do are named, each once */
        print_error("%s shows %s what is elsewhere: %.600s\n", r->id, who, at);
    m->told = r;
}

/* These are about the whole site only: who is confined is refused, with 403 and why. */
static const char *const whole_site[] = { "getSeries", "getShadow", "listAudit", "postLink",
                                         "postReplay", "postWhatIf" };

static bool is_whole_site(const struct api_route *r)
{
    for (size_t i = 0; i < MW_ARRAY_LEN(whole_site); i++)
        if (strcmp(whole_site[i], r->id) == 0)
            return true;
    return false;
}

static void one_cell(struct matrix *m, const struct api_route *r, uint32_t role, enum reach reach,
                     enum by by)
{
    char credential[256], who[96], session[ACCESS_WORD_MAX];
    struct principal p = { 0 };
    struct answer a;
    static const char *const by_word[] = { "token", "cookie", "cookie without CSRF" };
    (void)snprintf(who, sizeof(who), "%s, reach %d, by %s", access_role_word(role), (int)reach,
                   by_word[by]);
    if (by != TOKEN)
        make_session(m, role, reach, session, &p);
    if (by == TOKEN)
        (void)snprintf(credential, sizeof(credential), "Authorization: Bearer %s\r\n",
                       m->token[role][reach]);
    else
        (void)snprintf(credential, sizeof(credential), "Cookie: a=b; " ACCESS_COOKIE
                       "=%s\r\n%s%s%s", session,
                       by == COOKIE ? "MW-CSRF: " : "", by == COOKIE ? p.csrf : "",
                       by == COOKIE ? "\r\n" : "");
    int status = asked(m, r, false, credential, &a);
    int wanted = wanted_of(r, role, by);
    if (wanted == 200 && reach != WHOLE && is_whole_site(r))
        wanted = 403;
    must_be(m, r, who, status, wanted);
    must_not_show(m, r, &a, who, reach);
    answer_fini(&a);
}

static void every_role_gets_what_the_tables_say(void **state)
{
    struct matrix *m = *state;
    for (uint32_t i = 0; i < api_routes_count; i++)
        for (uint32_t role = 0; role < ROLE_COUNT; role++)
            for (enum reach reach = 0; reach < REACHES; reach++)
                for (enum by by = 0; by < BYS; by++)
                    if (can_be(role, reach))
                        one_cell(m, &api_routes[i], role, reach, by);
    assert_int_equal(m->cells, api_routes_count * ((ROLE_COUNT - 1) * REACHES + 2) * BYS);
    assert_true(m->allowed > 0 && m->refused > 0);
    assert_int_equal(m->shown, 0);
}

static void without_a_good_credential_only_what_is_public_is_answered(void **state)
{
    struct matrix *m = *state;
    char credential[6][256] = { "", "Authorization: Bearer nonsense\r\n",
                                "Authorization: Basic YWRtaW46YWRtaW4=\r\n" };
    struct answer a;
    (void)snprintf(credential[3], 256, "Authorization: Bearer %s\r\n", m->revoked);
    (void)snprintf(credential[4], 256, "Authorization: Bearer %s\r\n", m->expired);
    (void)snprintf(credential[5], 256, "Cookie: " ACCESS_COOKIE "=%s\r\nMW-CSRF: x\r\n", m->ended);
    for (uint32_t i = 0; i < api_routes_count; i++)
        for (size_t c = 0; c < MW_ARRAY_LEN(credential); c++) {
            const struct api_route *r = &api_routes[i];
            int status = asked(m, r, false, credential[c], &a);
            /* Logging in answers 401 to a wrong code itself; "[]" is not even that. */
            must_be(m, r, c == 0 ? "nobody" : credential[c], status,
                    r->permission == PERM_PUBLIC ? 200 : 401);
            answer_fini(&a);
        }
}

static void the_socket_is_an_administrators(void **state)
{
    struct matrix *m = *state;
    struct answer a;
    char bearer[256];
    for (uint32_t i = 0; i < api_routes_count; i++) {
        must_be(m, &api_routes[i], "the socket", asked(m, &api_routes[i], true, "", &a), 200);
        answer_fini(&a);
        /* Who shows a token there is who it says. */
        (void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s\r\n",
                       m->token[ROLE_VIEWER][WHOLE]);
        must_be(m, &api_routes[i], "a viewer on the socket",
                asked(m, &api_routes[i], true, bearer, &a),
                wanted_of(&api_routes[i], ROLE_VIEWER, TOKEN));
        answer_fini(&a);
    }
}

/* ---- commands: the verb says which permission, the scope which nodes ------------------------ */

static enum permission verb_needs(enum api_verb verb)
{
    switch (verb) {
    case API_ORDER_TAKEN:
    case API_ORDER_DONE:
    case API_ORDER_FAILED:
    case API_GATE_PASS:
    case API_GATE_FAIL:
        return PERM_ORDERS;
    case API_APPROVE:
    case API_REJECT:
        return PERM_APPROVE;
    default:
        return PERM_OPERATE;
    }
}

/* A command with all that its verb needs, tried only. */
static void body_of(const struct matrix *m, enum api_verb verb, char *ret, size_t size)
{
    const struct api_verb_info *v = api_verb_info(verb);
    char job[40] = "";
    if ((v->keys & API_JOB) != 0)
        (void)snprintf(job, sizeof(job), ", \"job\": %u", JOB);
    bool node = (v->keys & API_NODE) != 0, ref = (v->keys & API_NEEDS_REF) == API_NEEDS_REF;
    (void)snprintf(ret, size, "{\"verb\": \"%s\"%s%s%s%s%s%s%s%s%s}", v->word,
                   node && !ref ? ", \"node\": \"" : "",
                   node && !ref ? name(m->scene->writer, 3) : "", node && !ref ? "\"" : "",
                   ref ? ", \"ref\": 3" : "",
                   (v->keys & API_MODE) != 0 ? ", \"mode\": \"observe\"" : "",
                   (v->keys & API_HALL) != 0 ? ", \"hall\": \"" HALL "\"" : "",
                   (v->keys & API_REASON) != 0 ? ", \"reason\": \"test\"" : "",
                   (v->keys & API_LENGTH) != 0 ? ", \"length_s\": 60" : "", job);
}

static void every_verb_asks_for_its_permission_and_its_place(void **state)
{
    struct matrix *m = *state;
    char body[512], headers[256], who[64];
    struct answer a;
    for (enum api_verb verb = 0; verb < API_VERB_COUNT; verb++)
        for (uint32_t role = 0; role < ROLE_COUNT; role++)
            for (enum reach reach = 0; reach < REACHES; reach++) {
                if (!can_be(role, reach))
                    continue;
                body_of(m, verb, body, sizeof(body));
                (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n"
                               "Content-Type: application/json\r\n", m->token[role][reach]);
                ask(m->scene, false, "POST /api/v1/commands?dryRun=1", headers, body, &a);
                bool may = (access_role_permits(role) & ACCESS_BIT(verb_needs(verb))) != 0;
                bool elsewhere = reach == OTHER_HALL || reach == OTHER_TENANT_ONLY;
                (void)snprintf(who, sizeof(who), "%s, reach %d", access_role_word(role),
                               (int)reach);
                m->cells++;
                if ((!may || elsewhere) && a.status != 403)
                    fail_msg("%s by %s: %d instead of 403: %s", body, who, a.status, a.body);
                if (may && reach == WHOLE && is_refusal(a.status))
                    fail_msg("%s by %s: %d: %s", body, who, a.status, a.body);
                answer_fini(&a);
            }
}

static void who_is_confined_gives_no_more_than_he_has(void **state)
{
    struct matrix *m = *state;
    static const struct {
        const char *body;
        int status;
    } cases[] = {
        { "{\"name\": \"x\", \"roles\": [\"admin\"]}", 403 },
        { "{\"name\": \"x\", \"roles\": [\"viewer\"], \"halls\": [\"elsewhere\"]}", 403 },
        { "{\"name\": \"x\", \"roles\": [\"viewer\"], \"halls\": [\"" HALL "\", \"h9\"]}", 403 },
        { "{\"name\": \"x\", \"roles\": [\"viewer\"], \"halls\": [\"" HALL "\"]}", 201 },
    };
    char headers[256];
    struct answer a;
    (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n"
                   "Content-Type: application/json\r\n", m->token[ROLE_ADMIN][OWN_HALL]);
    for (size_t i = 0; i < MW_ARRAY_LEN(cases); i++) {
        ask(m->scene, false, "POST /api/v1/tokens", headers, cases[i].body, &a);
        assert_int_equal(a.status, cases[i].status);
        answer_fini(&a);
    }
    ask(m->scene, false, "GET /api/v1/tokens", headers, NULL, &a);
    assert_null(strstr(a.body, "admin-0")); /* nor sees who has more */
    assert_non_null(strstr(a.body, "viewer-1"));
    answer_fini(&a);
    ask(m->scene, false, "POST /api/v1/session/link", headers, "[]", &a);
    assert_int_equal(a.status, 403);
    answer_fini(&a);
}

static void a_stolen_answer_of_a_key_holds_no_token(void **state)
{
    struct matrix *m = *state;
    char headers[256], first[256];
    struct answer a;
    (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\nIdempotency-Key: k1\r\n"
                   "Content-Type: application/json\r\n", m->token[ROLE_ADMIN][WHOLE]);
    for (int i = 0; i < 2; i++) {
        ask(m->scene, false, "POST /api/v1/tokens", headers,
            "{\"name\": \"x\", \"roles\": [\"viewer\"]}", &a);
        assert_int_equal(a.status, 201);
        if (i == 0)
            (void)snprintf(first, sizeof(first), "%s", a.body);
        else
            assert_string_not_equal(first, a.body); /* a secret is not kept to be given again */
        answer_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(every_role_gets_what_the_tables_say),
        TEST(without_a_good_credential_only_what_is_public_is_answered),
        TEST(the_socket_is_an_administrators),
        TEST(every_verb_asks_for_its_permission_and_its_place),
        TEST(who_is_confined_gives_no_more_than_he_has),
        TEST(a_stolen_answer_of_a_key_holds_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

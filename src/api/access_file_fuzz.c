/* Any bytes as an access file, a bearer's token and a provider's file: refused, or in bounds. */
#include <string.h>

#include "api/access_json.h"
#include "api/access_token.h"
#include "api/oidc_config.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_file(const char *text, size_t size)
{
    struct access_file f;
    struct mw_error err = { 0 };
    access_file_init(&f);
    if (access_file_parse(text, size, &f, &err) < 0) {
        must(f.tokens == 0 && err.text[0] != '\0');
        return;
    }
    for (uint32_t i = 0; i < f.tokens; i++) {
        must(access_grant_check(&f.token[i].grant, &err) == 0);
        must(f.token[i].actor >= ACCESS_ACTOR_FIRST && f.token[i].actor < f.next_actor);
    }
    char *again = access_file_text(&f); /* what was read can be written, and read */
    struct access_file g;
    access_file_init(&g);
    must(again != NULL && access_file_parse(again, strlen(again), &g, &err) == 0);
    must(g.tokens == f.tokens && g.persons == f.persons && g.next_actor == f.next_actor);
    access_file_fini(&g);
    access_file_fini(&f);
    mw_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mw_calloc(1, size + 1), id[ACCESS_ID_SIZE + 1];
    struct oidc_config c;
    struct mw_error err = { 0 };
    must(text != NULL);
    memcpy(text, data, size);
    as_file(text, size);
    if (access_token_read(text, id))
        must(strlen(id) == ACCESS_ID_SIZE && strncmp(text + 4, id, ACCESS_ID_SIZE) == 0);
    /* Only its text: files that it names would be read. */
    if (strstr(text, "secret") == NULL && oidc_config_parse(text, size, "x", &c, &err) == 0) {
        must(c.grants > 0 && oidc_url_safe(c.issuer));
        oidc_config_fini(&c);
    }
    mw_free(text);
    return 0;
}

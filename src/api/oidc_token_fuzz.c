/*
 * Any bytes as an ID token, as a key set and as a discovery document.  The keys of
 * the fixed set are real and their private halves are gone: no bytes are a good token.
 */
#include <stdio.h>
#include <string.h>

#include "api/oidc_provider.h"
#include "api/oidc_token.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 7515, appendix A.2 and A.3: the public parts. */
static const char keys[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"alg\":\"RS256\",\"n\":"
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0B"
    "m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re"
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXF"
    "vUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"},"
    "{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mw_error err = { 0 };
    const struct oidc_expect e = { .issuer = "https://id.example", .client_id = "mw",
                                   .now_ns = 1 };
    struct oidc_endpoints at = { 0 };
    json_t *claims = NULL, *known = json_loads(keys, 0, NULL);
    char *text = mw_calloc(1, size + 1), kid[64];
    must(text != NULL && known != NULL);
    memcpy(text, data, size);
    must(oidc_token_verify(text, known, &e, &claims, &err) == MW_EDENIED && claims == NULL);
    if (oidc_token_kid(text, kid, sizeof(kid), &err) == 0)
        must(strnlen(kid, sizeof(kid)) < sizeof(kid));
    json_t *set = json_loadb(text, size, 0, NULL);
    must(oidc_token_verify("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", set, &e, &claims, &err) ==
         MW_EDENIED);
    (void)oidc_keys_have(set, "e");
    if (oidc_endpoints_read(text, size, e.issuer, &at, &err) == 0)
        must(oidc_url_safe(at.authorize) && oidc_url_safe(at.token) && oidc_url_safe(at.keys));
    json_decref(set);
    json_decref(known);
    mw_free(text);
    return 0;
}

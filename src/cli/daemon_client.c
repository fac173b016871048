/* Asks the daemon.  See daemon_client.h. */
#include "cli/daemon_client.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/live_paths.h"

#define TIMEOUT_NS (10 * MW_NS_PER_S)
#define AGAIN_NS (50 * MW_NS_PER_MS)

static size_t on_bytes(char *data, size_t size, size_t n, void *ctx)
{
    struct text *t = ctx;
    size_t length = size * n;
    if (t->length + length > DAEMON_ANSWER_MAX)
        return 0;
    text_add_n(t, data, length);
    return t->failed ? 0 : length;
}

/* Sets everything that a request needs; false when libcurl cannot. */
static bool prepare(CURL *h, const struct daemon_call *c, const char *socket, const char *url,
                    struct text *answer)
{
    int64_t timeout_ns = c->timeout_ns > 0 ? c->timeout_ns : TIMEOUT_NS;
    return curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, socket) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)(timeout_ns / MW_NS_PER_MS)) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_USERAGENT, "mw/" MW_VERSION) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_WRITEDATA, answer) == CURLE_OK;
}

static int transport_fail(CURLcode rc, const char *socket, struct mw_error *err)
{
    switch (rc) {
    case CURLE_COULDNT_CONNECT:
        if (access(socket, F_OK) == 0 && access(socket, W_OK) != 0 && errno == EACCES)
            return mw_fail(err, MW_EDENIED, "%s is not for this user: run mw as the user that "
                           "runs mw serve, or as root", socket);
        return mw_fail(err, MW_EUNREACHABLE, "no daemon listens on %s: start mw serve, or name "
                       "its socket with --socket", socket);
    case CURLE_OPERATION_TIMEDOUT:
        return mw_fail(err, MW_ETIMEOUT, "the daemon on %s did not answer in time", socket);
    case CURLE_OUT_OF_MEMORY:
        return mw_fail(err, MW_ENOMEM, "out of memory");
    default:
        return mw_fail(err, MW_EUNREACHABLE, "the daemon on %s broke off: %s", socket,
                       curl_easy_strerror(rc));
    }
}

/* The code that a problem document names. */
static int code_of(const char *name)
{
    for (int code = -1; name != NULL && code >= MW_EBUG; code--)
        if (strcmp(mw_code_name(code), name) == 0)
            return code;
    return MW_EBUG;
}

static int read_answer(long status, const struct text *t, const char *socket, json_t **ret,
                       struct mw_error *err)
{
    json_t *o = json_loadb(text_string(t), t->length, 0, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return mw_fail(err, MW_ESYNTAX, "what listens on %s is no daemon of Millwright (it "
                       "answered %ld)", socket, status);
    }
    if (status == 200) {
        *ret = o;
        return 0;
    }
    const char *detail = json_string_value(json_object_get(o, "detail"));
    int rc = mw_fail(err, code_of(json_string_value(json_object_get(o, "code"))), "%s",
                     detail != NULL ? detail : "the daemon refused and did not say why");
    json_decref(o);
    return rc;
}

/* One try. */
static int ask_once(const struct daemon_call *c, const char *socket, json_t **ret,
                    struct mw_error *err)
{
    char url[256];
    struct text answer = { 0 };
    CURL *h = curl_easy_init();
    char *body = c->body != NULL ? json_dumps(c->body, JSON_COMPACT) : NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    long status = 0;
    (void)snprintf(url, sizeof(url), "http://localhost%s", c->path);
    bool ready = h != NULL && headers != NULL && (c->body == NULL || body != NULL) &&
                 prepare(h, c, socket, url, &answer);
    if (ready && body != NULL)
        ready = curl_easy_setopt(h, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
                curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    int rc;
    CURLcode got = ready ? curl_easy_perform(h) : CURLE_OUT_OF_MEMORY;
    if (got == CURLE_OK) {
        (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
        rc = read_answer(status, &answer, socket, ret, err);
    } else {
        rc = transport_fail(got, socket, err);
    }
    text_fini(&answer);
    curl_slist_free_all(headers);
    mw_free(body);
    curl_easy_cleanup(h);
    return rc;
}

int daemon_ask(const struct daemon_call *c, json_t **ret, struct mw_error *err)
{
    char path[LIVE_PATH_MAX];
    must(c != NULL && c->path != NULL && ret != NULL);
    int rc = c->socket == NULL ? live_path_socket(path, err) : 0;
    if (rc < 0)
        return rc;
    const char *socket = c->socket != NULL ? c->socket : path;
    for (int64_t waited_ns = 0;; waited_ns += AGAIN_NS) {
        const struct timespec again = { .tv_nsec = AGAIN_NS };
        rc = ask_once(c, socket, ret, err);
        if (rc != MW_EUNREACHABLE || waited_ns >= c->wait_ns)
            return rc;
        (void)nanosleep(&again, NULL);
    }
}

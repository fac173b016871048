/*
 * libcurl, loaded when the first of its functions is called.  It and the thirty libraries that it
 * brings take longer to load than most commands take to run, and most commands speak with nobody.
 * Defines the functions of libcurl that we use, each of which passes its call on; where libcurl is
 * not installed, they fail as they do for want of memory.  Owns nothing; never changes an argument.
 */
#define CURL_DISABLE_TYPECHECK 1 /* curl_easy_setopt() is defined here, not used */
#include <curl/curl.h>
#include <curl/header.h>

#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>

/* What is passed on as a pointer may be a long or a curl_off_t. */
_Static_assert(sizeof(void *) == sizeof(long) && sizeof(void *) == sizeof(curl_off_t),
               "an argument is a register's worth");

/* Once loaded, libcurl stays: only its count of users grows. */
static void *find(const char *name)
{
    void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    return lib != NULL ? dlsym(lib, name) : NULL;
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)find(#name)
#define PASS(name, otherwise, ...) do {                                                           \
        REAL(name);                                                                               \
        return real != NULL ? real(__VA_ARGS__) : (otherwise);                                    \
    } while (0)
#define PASS_VOID(name, ...) do {                                                                 \
        REAL(name);                                                                               \
        if (real != NULL)                                                                         \
            real(__VA_ARGS__);                                                                    \
    } while (0)

CURLcode curl_global_init(long flags)
{
    PASS(curl_global_init, CURLE_FAILED_INIT, flags);
}

CURL *curl_easy_init(void)
{
    PASS(curl_easy_init, NULL);
}

CURLcode curl_easy_setopt(CURL *h, CURLoption option, ...)
{
    va_list ap;
    va_start(ap, option);
    void *value = va_arg(ap, void *);
    va_end(ap);
    PASS(curl_easy_setopt, CURLE_FAILED_INIT, h, option, value);
}

CURLcode curl_easy_perform(CURL *h)
{
    PASS(curl_easy_perform, CURLE_FAILED_INIT, h);
}

CURLcode curl_easy_getinfo(CURL *h, CURLINFO info, ...)
{
    va_list ap;
    va_start(ap, info);
    void *value = va_arg(ap, void *);
    va_end(ap);
    PASS(curl_easy_getinfo, CURLE_FAILED_INIT, h, info, value);
}

void curl_easy_reset(CURL *h)
{
    PASS_VOID(curl_easy_reset, h);
}

void curl_easy_cleanup(CURL *h)
{
    PASS_VOID(curl_easy_cleanup, h);
}

const char *curl_easy_strerror(CURLcode code)
{
    PASS(curl_easy_strerror, "libcurl is not installed", code);
}

CURLHcode curl_easy_header(CURL *h, const char *name, size_t nth, unsigned int origin, int request,
                           struct curl_header **ret)
{
    PASS(curl_easy_header, CURLHE_NOT_BUILT_IN, h, name, nth, origin, request, ret);
}

time_t curl_getdate(const char *text, const time_t *unused)
{
    PASS(curl_getdate, -1, text, unused);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    PASS(curl_slist_append, NULL, list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
    PASS_VOID(curl_slist_free_all, list);
}

CURLM *curl_multi_init(void)
{
    PASS(curl_multi_init, NULL);
}

CURLMcode curl_multi_add_handle(CURLM *m, CURL *h)
{
    PASS(curl_multi_add_handle, CURLM_INTERNAL_ERROR, m, h);
}

CURLMcode curl_multi_remove_handle(CURLM *m, CURL *h)
{
    PASS(curl_multi_remove_handle, CURLM_INTERNAL_ERROR, m, h);
}

CURLMcode curl_multi_perform(CURLM *m, int *ret_running)
{
    PASS(curl_multi_perform, CURLM_INTERNAL_ERROR, m, ret_running);
}

CURLMcode curl_multi_poll(CURLM *m, struct curl_waitfd extra[], unsigned int extras, int timeout_ms,
                          int *ret)
{
    PASS(curl_multi_poll, CURLM_INTERNAL_ERROR, m, extra, extras, timeout_ms, ret);
}

CURLMcode curl_multi_wakeup(CURLM *m)
{
    PASS(curl_multi_wakeup, CURLM_INTERNAL_ERROR, m);
}

CURLMsg *curl_multi_info_read(CURLM *m, int *ret_left)
{
    PASS(curl_multi_info_read, NULL, m, ret_left);
}

CURLMcode curl_multi_cleanup(CURLM *m)
{
    PASS(curl_multi_cleanup, CURLM_INTERNAL_ERROR, m);
}

/* Small pieces of JSON.  See record_json.h. */
#include "api/record_json.h"

#include "base/mem.h"

json_t *record_json_text(const char *s)
{
    json_t *j = json_string(s);
    char *copy mw_cleanup(mw_freep) = j ? NULL : mw_strdup(s);
    for (char *p = copy; p && *p != '\0'; p++)
        if ((unsigned char)*p > 127)
            *p = '?';
    return j ? j : copy ? json_string(copy) : NULL;
}

json_t *record_json_take(struct text *t)
{
    json_t *j = t->failed ? NULL : record_json_text(text_string(t));
    text_fini(t);
    return j;
}

json_t *record_json_seq(uint64_t seq)
{
    return seq ? json_integer((json_int_t)seq) : json_null();
}

json_t *record_json_time(int64_t time_ns, bool known)
{
    char shown[40];
    mw_format_time(time_ns, shown, sizeof(shown));
    return known ? json_string(shown) : json_null();
}

bool record_json_append(json_t *list, json_t *item)
{
    return item && json_array_append_new(list, item) == 0;
}

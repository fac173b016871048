#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct problem *p, int code, int why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (why != 0 && used < sizeof p->text)
        snprintf(p->text + used, sizeof p->text - used, ": %s", strerror(why));
    return code;
}

void say(int rank, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "train[%d]: %s\n", rank, text);
}

/* Lines as they are: the help is laid out by hand. */
#include "agent/man.h"

#include <string.h>

#include "base/base.h"

/* Bytes that roff would take for its own. */
static void put_line(const char *line, size_t n, FILE *to)
{
    if (n > 0 && (line[0] == '.' || line[0] == '\''))
        (void)fputs("\\&", to);
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\\')
            (void)fputs("\\e", to);
        else if (line[i] == '-')
            (void)fputs("\\-", to);
        else
            (void)fputc(line[i], to);
    }
    (void)fputc('\n', to);
}

void man_write(const char *help, FILE *to)
{
    bool first = true;
    (void)fputs(".TH MW\\-AGENT 1 \"\" \"Millwright " MW_VERSION "\" \"Millwright\"\n.SH NAME\n",
                to);
    while (*help != '\0') {
        size_t n = strcspn(help, "\n");
        bool section = n > 0 && help[0] >= 'A' && help[0] <= 'Z';
        if (section) {
            (void)fputs(first ? ".SH " : ".fi\n.SH ", to);
            put_line(help, n, to);
            (void)fputs(".nf\n", to);
            first = false;
        } else if (n > 0 || !first) {
            size_t indent = MW_MIN(strspn(help, " "), (size_t)2);
            put_line(help + indent, n - indent, to);
        }
        help += n + (help[n] == '\n');
    }
    (void)fputs(".fi\n", to);
}

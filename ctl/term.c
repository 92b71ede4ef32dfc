#include "ctl/term.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] ? value : NULL;
}

/* A locale that names another charset is believed; "C" or none at all is what containers have, and
 * their terminals show UTF-8. */
static bool locale_has_unicode(void)
{
    const char *locale = env("LC_ALL");

    if (!locale)
        locale = env("LC_CTYPE");
    if (!locale)
        locale = env("LANG");
    if (!locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return true;
    const char *charset = strchr(locale, '.');
    return !charset || strncasecmp(charset + 1, "utf-8", 5) == 0 ||
           strncasecmp(charset + 1, "utf8", 4) == 0;
}

void qr_term_refresh(int fd, struct qr_term *term)
{
    struct winsize size = {0};

    if (!term->tty)
        return;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        term->width = size.ws_col;
        term->height = size.ws_row;
    } else {
        term->height = 24;
        const char *columns = env("COLUMNS");
        long n = columns ? strtol(columns, NULL, 10) : 0;
        term->width = n > 0 && n < 10000 ? (int)n : 80;
    }
}

void qr_term_probe(int fd, struct qr_term *ret)
{
    const char *name = env("TERM");
    bool dumb = !name || strcmp(name, "dumb") == 0;

    memset(ret, 0, sizeof *ret);
    ret->tty = isatty(fd) && !dumb;
    ret->color = ret->tty && !env("NO_COLOR");
    ret->unicode = locale_has_unicode() && !(name && strcmp(name, "linux") == 0);
    qr_term_refresh(fd, ret);
}

const char *qr_term_ellipsis(const struct qr_term *term)
{
    return term->unicode ? "\xE2\x80\xA6" : "...";
}

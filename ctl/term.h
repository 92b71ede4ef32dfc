/* ctl/term.h
 *
 * What the other end of a stream can do.
 */
#pragma once
#include <stdbool.h>

struct qr_term {
    bool tty;     /* a terminal that can rewrite its line: not a pipe, not TERM=dumb */
    bool color;   /* tty, and NO_COLOR is not set (https://no-color.org) */
    bool unicode; /* may be shown more than ASCII */
    int width;    /* columns; 0 when not a terminal: no limit */
    int height;   /* lines; 0: no limit */
};

/** Look at file descriptor `fd` and the environment (TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG,
 * COLUMNS). */
void qr_term_probe(int fd, struct qr_term *ret);

/** Its size may have changed. */
void qr_term_refresh(int fd, struct qr_term *term);

/** "…" or "...". */
const char *qr_term_ellipsis(const struct qr_term *term);

/* common/options.h
 *
 * Options are one table per program: flag, environment variable, key in the YAML file, type,
 * default, range, help and documentation come from the same row.
 *
 *     flag --lease-ttl 8s   >   environment QUARRY_LEASE_TTL=8s   >   file lease_ttl: 8s   >
 * default
 *
 * A row's values land in a struct of the program's own, at the offset `at`. Every program also has
 * --config FILE (QUARRY_CONFIG), --help, --version and, for the documentation, --help-markdown.
 *
 *     --flag value, --flag=value, -f value   values; --flag and --no-flag for booleans; -- ends
 * options 8s 500ms 2m 1h 1d                      durations; a bare number other than 0 is refused
 *     4096 64k 64M 2G (or 64MiB)             sizes, by 1024
 *     a list                                 the flag repeated; in the environment items are
 * separated by commas; in the file a sequence, or a mapping for NAME=DIR
 *
 * Unknown flags and keys, bad values and values out of range are QR_E_USAGE and say what was
 * expected. An empty environment variable counts as not set. Not thread-safe; parse once, at start.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base.h"
#include "common/err.h"

enum qr_option_type {                 /* field of the target struct */
                      QR_OPT_STR = 1, /* char *, NULL when there is no default */
                      QR_OPT_INT,     /* int64_t */
                      QR_OPT_REAL,    /* double */
                      QR_OPT_BOOL,    /* bool */
                      QR_OPT_MSEC,    /* int64_t, milliseconds */
                      QR_OPT_SIZE,    /* int64_t, bytes */
                      QR_OPT_LIST,    /* struct qr_option_list */
};

enum qr_option_flag {
    QR_OPT_SECRET = 1 << 0,   /* the value is never shown, in messages neither */
    QR_OPT_REQUIRED = 1 << 1, /* must be given */
    QR_OPT_COMMAS = 1 << 2,   /* LIST: --flag a,b is two items */
    QR_OPT_CHOICE = 1 << 3,   /* STR: one of the words in `arg`, separated by | */
    QR_OPT_PAIRS = 1 << 4,    /* LIST: every item is NAME=VALUE, names differ */
    QR_OPT_HIDDEN = 1 << 5,   /* works, but is not in --help */
};

struct qr_option {
    const char *name; /* long flag without dashes; NULL ends the table */
    char letter;      /* short flag or 0 */
    enum qr_option_type type;
    size_t at;            /* offsetof the field */
    const char *fallback; /* default as a user would write it; NULL: none (0, false, empty) */
    double min, max;      /* INT, REAL, MSEC (ms), SIZE (bytes); both 0: no range */
    unsigned flags;       /* QR_OPT_* flags */
    const char *arg;      /* what stands for the value in --help: "HOST:PORT"; choices */
    const char *help;     /* one sentence, lower case, no full stop */
    const char *page;     /* documentation page that says more: "docs/worker.md", or NULL */
};

struct qr_option_list {
    char **items; /* NULL-terminated, or NULL when empty */
    size_t n;
};

/** What a program tells about itself. Borrowed. */
struct qr_options {
    const char *program;            /* "quarry-worker" */
    const char *summary;            /* one line */
    const char *usage;              /* behind the program's name: "[OPTION]..." */
    const char *examples;           /* lines, each ended by \n; NULL: none */
    const struct qr_option *table;  /* ended by an empty row */
    const struct qr_option *shared; /* more rows for the same target struct, or NULL */
    bool stop_at_positional;        /* options end at the first argument that is none (verbs) */
    bool verb; /* a verb of a command: `table` comes from the arguments alone, there is no --config;
                * `shared` is also read from the environment */
};

enum qr_options_action { QR_OPTIONS_RUN, QR_OPTIONS_HELP, QR_OPTIONS_VERSION, QR_OPTIONS_MARKDOWN };

/**
 * Fill `target` from arguments, environment, file and defaults.
 *
 *   argv            argv[0] is skipped
 *   target          overwritten; release with qr_options_done(), also after a failure
 *   ret_positional  arguments that are no options, to be released with qr_option_list_done(); NULL:
 *                   such arguments are an error
 *   ret_action      what the user asked for; the required options are only demanded for RUN
 *
 * Errors: QR_E_USAGE. QR_E_IO, the file cannot be read. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_options_parse(const struct qr_options *options, int argc, char *const *argv,
                                   void *target, struct qr_option_list *ret_positional,
                                   enum qr_options_action *ret_action, struct qr_err *err);

/**
 * The same for a main(): prints help and version to standard output, an error to standard error.
 * Returns true when the program shall run; false: it shall exit with *ret_exit, and `target` holds
 * nothing any more.
 */
QR_MUST_CHECK bool qr_options_main(const struct qr_options *options, int argc, char *const *argv,
                                   void *target, struct qr_option_list *ret_positional,
                                   int *ret_exit);

/** Free the strings and lists in `target`. */
void qr_options_done(const struct qr_options *options, void *target);
void qr_option_list_done(struct qr_option_list *list);

void qr_options_print_help(const struct qr_options *options, FILE *out);
/** A chapter of docs/options.md: heading and one table. */
void qr_options_print_markdown(const struct qr_options *options, FILE *out);

/** "8s" to 8000. Errors: QR_E_USAGE. */
QR_MUST_CHECK int qr_option_parse_msec(const char *text, int64_t *ret_ms, struct qr_err *err);
/** "64M" to 67108864. Errors: QR_E_USAGE. */
QR_MUST_CHECK int qr_option_parse_size(const char *text, int64_t *ret_bytes, struct qr_err *err);
/** The reverse: the largest unit that divides it. Returns buf. */
const char *qr_option_format_msec(int64_t ms, char *buf, size_t size);
const char *qr_option_format_size(int64_t bytes, char *buf, size_t size);

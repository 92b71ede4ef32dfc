/* ctl/ctl.h
 *
 * What every verb gets: the global options, the terminal, the client. And what a verb is.
 *
 * Rules for verbs: data goes to standard output, messages to standard error. An error is returned,
 * main() prints it, once. A verb that has told everything itself returns QR_E_* with an empty
 * message.
 */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/options.h"
#include "ctl/client.h"
#include "ctl/term.h"

enum qr_ctl_output { QR_CTL_TABLE, QR_CTL_JSON, QR_CTL_JSONL };

/** Values of the options every verb has; the first member of each verb's own struct. */
struct qr_ctl_common {
    struct qr_option_list coordinators;
    char *output;
    int64_t timeout_ms;
};

struct qr_ctl {
    const struct qr_ctl_common *common;
    enum qr_ctl_output output;
    struct qr_term out, err; /* standard output, standard error */
    struct qr_client *client;
    bool reader_gone; /* standard output was closed by its reader: no more is wanted */
};

enum { QR_CTL_ANY = INT_MAX }; /* as many positional arguments as are given */

struct qr_ctl_verb {
    const char *name;      /* "run create" */
    const char *arguments; /* behind the name: "--source URI [OPTION]..." */
    const char *summary;   /* one line, lower case */
    const char *examples;  /* lines, each ended by \n */
    const struct qr_option *options;
    size_t args_size;       /* of the struct the options fill; begins with struct qr_ctl_common */
    int rest_min, rest_max; /* positional arguments */
    const char *rest_name;  /* "run id", for messages */
    int (*run)(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
               struct qr_err *err);
};

/** All verbs in the order of `quarry help`; ended by NULL. */
extern const struct qr_ctl_verb *const qr_ctl_verbs[];
extern const struct qr_option qr_ctl_common_options[];

/** Options of a verb without any of its own. */
extern const struct qr_option qr_ctl_no_options[];

/** The verb's description for common/options.h. `buf` keeps the program's name: "quarry run
 * create". */
void qr_ctl_verb_options(const struct qr_ctl_verb *verb, struct qr_options *ret, char *buf,
                         size_t cap);

/** The client; connects with the first call. Errors: those of qr_client_new(). */
QR_MUST_CHECK int qr_ctl_connect(struct qr_ctl *ctl, struct qr_err *err);

/** Whole program behind main(): returns the exit code. */
int qr_ctl_main(int argc, char **argv);

/** "7" to 7. Errors: QR_E_USAGE; `what` is "run" or "job". */
QR_MUST_CHECK int qr_ctl_parse_id(const char *text, const char *what, int64_t *ret,
                                  struct qr_err *err);

/** How a verb about one thing begins: its ID is read, then the client made. Errors: of both. */
QR_MUST_CHECK int qr_ctl_one_id(struct qr_ctl *ctl, const struct qr_option_list *rest,
                                const char *what, int64_t *ret, struct qr_err *err);

/* Fields of a verb whose one argument is an ID and that has no options; name is "run ID". */
#define QR_CTL_OF_ONE_ID(id_name)                                                           \
    .options = qr_ctl_no_options, .args_size = sizeof(struct qr_ctl_common), .rest_min = 1, \
    .rest_max = 1, .rest_name = (id_name)

/** A line for people on standard error. */
void qr_ctl_say(const char *fmt, ...) QR_PRINTF(1, 2);

/** Write out what stands in standard output's buffer. Errors: QR_E_IO; QR_E_CANCELLED with
 *  ctl->reader_gone set when the reader has closed the pipe, which is no failure. */
QR_MUST_CHECK int qr_ctl_flush(struct qr_ctl *ctl, struct qr_err *err);

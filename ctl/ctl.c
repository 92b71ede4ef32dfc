#include "ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "ctl/interrupt.h"
#include "ctl/usage.h"

#define AT(field) offsetof(struct qr_ctl_common, field)

/* clang-format off */
const struct qr_option qr_ctl_common_options[] = {
    /* name, letter, type, where, default, min, max, flags, argument, help, page */
    {"coordinator", 0, QR_OPT_LIST, AT(coordinators), "127.0.0.1:7420", 0, 0, QR_OPT_COMMAS, "HOST:PORT[,HOST:PORT]",
     "coordinators, tried in this order", "docs/cli.md"},
    {"output", 'o', QR_OPT_STR, AT(output), "table", 0, 0, QR_OPT_CHOICE, "table|json|jsonl",
     "how answers are printed", "docs/cli.md"},
    {"timeout", 0, QR_OPT_MSEC, AT(timeout_ms), "30s", 100, 3600000, 0, "TIME",
     "how long one call may take", "docs/cli.md"},
    {0},
};
/* clang-format on */

const struct qr_option qr_ctl_no_options[] = {{0}};

/* ------------------------------------------------------------------ for verbs */

void qr_ctl_say(const char *fmt, ...)
{
    va_list args;

    fflush(stdout); /* in the order things happened, where both end on one terminal */
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

/* A pipe without a reader says so at any time, even when the write that found out is long past. */
static bool reader_is_gone(void)
{
    struct pollfd fd = {.fd = STDOUT_FILENO};

    return poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLHUP)) != 0;
}

int qr_ctl_flush(struct qr_ctl *ctl, struct qr_err *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return QR_OK;
    if (errno == EPIPE || reader_is_gone()) {
        ctl->reader_gone = true;
        return qr_fail(err, QR_E_CANCELLED, "the reader of standard output has gone");
    }
    return qr_fail_errno(err, QR_E_IO, errno, "write standard output failed");
}

int qr_ctl_parse_id(const char *text, const char *what, int64_t *ret, struct qr_err *err)
{
    char *end = NULL;

    errno = 0;
    long long id = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno != 0 || id < 1)
        return qr_fail(err, QR_E_USAGE, "'%s' is not a %s id; hint: quarry %s list shows them",
                       text, what, what);
    *ret = id;
    return QR_OK;
}

int qr_ctl_one_id(struct qr_ctl *ctl, const struct qr_option_list *rest, const char *what,
                  int64_t *ret, struct qr_err *err)
{
    int rc = qr_ctl_parse_id(rest->items[0], what, ret, err);

    return rc < 0 ? rc : qr_ctl_connect(ctl, err);
}

int qr_ctl_connect(struct qr_ctl *ctl, struct qr_err *err)
{
    if (ctl->client)
        return QR_OK;
    return qr_client_new(&ctl->common->coordinators, ctl->common->timeout_ms, &qr_interrupted,
                         &ctl->client, err);
}

void qr_ctl_verb_options(const struct qr_ctl_verb *verb, struct qr_options *ret, char *buf,
                         size_t cap)
{
    snprintf(buf, cap, "quarry %s", verb->name);
    *ret = (struct qr_options){.program = buf,
                               .summary = verb->summary,
                               .usage = verb->arguments,
                               .examples = verb->examples,
                               .table = verb->options,
                               .shared = qr_ctl_common_options,
                               .verb = true};
}

/* ------------------------------------------------------------------ one command */

static int check_rest(const struct qr_ctl_verb *verb, const struct qr_option_list *rest,
                      struct qr_err *err)
{
    int n = rest->n > INT_MAX ? INT_MAX : (int)rest->n;

    if (n < verb->rest_min)
        return qr_fail(err, QR_E_USAGE, "%s is missing; hint: quarry %s %s", verb->rest_name,
                       verb->name, verb->arguments);
    if (n > verb->rest_max)
        return qr_fail(err, QR_E_USAGE, "unexpected argument '%s'; hint: quarry %s %s",
                       rest->items[verb->rest_max], verb->name, verb->arguments);
    return QR_OK;
}

static enum qr_ctl_output output_of(const char *text)
{
    return strcmp(text, "json") == 0    ? QR_CTL_JSON
           : strcmp(text, "jsonl") == 0 ? QR_CTL_JSONL
                                        : QR_CTL_TABLE;
}

static int run_verb(const struct qr_ctl_verb *verb, const void *args,
                    const struct qr_option_list *rest, struct qr_err *err)
{
    struct qr_ctl ctl = {.common = args};

    int rc = check_rest(verb, rest, err);
    if (rc < 0)
        return rc;
    ctl.output = output_of(ctl.common->output);
    qr_term_probe(1, &ctl.out);
    qr_term_probe(2, &ctl.err);
    rc = verb->run(&ctl, args, rest, err);
    if (rc == QR_OK)
        rc = qr_ctl_flush(&ctl, err);
    qr_client_free(ctl.client);
    if (ctl.reader_gone)
        return QR_OK; /* `quarry job list | head`: nothing went wrong */
    return rc;
}

/* argv: "quarry" and what follows the verb, global options from before the verb included. */
static int parse_and_run(const struct qr_ctl_verb *verb, int argc, char **argv, struct qr_err *err)
{
    enum qr_options_action action = QR_OPTIONS_RUN;
    struct qr_option_list rest = {0};
    struct qr_options options;
    char program[64];
    void *args = calloc(1, verb->args_size);

    if (!args)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    qr_ctl_verb_options(verb, &options, program, sizeof program);
    int rc = qr_options_parse(&options, argc, argv, args, &rest, &action, err);
    if (rc == QR_OK && action == QR_OPTIONS_HELP)
        qr_options_print_help(&options, stdout);
    else if (rc == QR_OK && action == QR_OPTIONS_MARKDOWN)
        qr_options_print_markdown(&options, stdout);
    else if (rc == QR_OK && action == QR_OPTIONS_VERSION)
        printf("quarry %s\n", QUARRY_VERSION);
    else if (rc == QR_OK)
        rc = run_verb(verb, args, &rest, err);
    qr_option_list_done(&rest);
    qr_options_done(&options, args);
    free(args);
    return rc;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Global options may stand before the verb: they are moved behind it. */
static int dispatch(int argc, char **argv, struct qr_err *err)
{
    const struct qr_options globals = {.program = "quarry",
                                       .table = qr_ctl_no_options,
                                       .shared = qr_ctl_common_options,
                                       .stop_at_positional = true,
                                       .verb = true};
    enum qr_options_action action = QR_OPTIONS_RUN;
    const struct qr_ctl_verb *verb = NULL;
    struct qr_ctl_common common = {0};
    struct qr_option_list words = {0};
    size_t used = 0;

    int rc = qr_options_parse(&globals, argc, argv, &common, &words, &action, err);
    int before = argc - (int)words.n; /* arguments before the verb, argv[0] included */
    if (rc == QR_OK && action == QR_OPTIONS_VERSION)
        printf("quarry %s\n", QUARRY_VERSION);
    else if (rc == QR_OK && action != QR_OPTIONS_RUN && words.n == 0)
        qr_usage_print(stdout);
    else if (rc == QR_OK && words.n == 2 && is_help(words.items[1]) &&
             qr_usage_print_group(words.items[0], stdout))
        rc = QR_OK; /* `quarry run --help` */
    else if (rc == QR_OK)
        rc = qr_usage_find(&words, &verb, &used, err);
    qr_options_done(&globals, &common);
    qr_option_list_done(&words);
    if (rc < 0 || !verb)
        return rc;

    char **rest = calloc((size_t)argc + 1, sizeof *rest);
    if (!rest)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int n = 0;
    for (int i = 0; i < argc; i++)
        if (i < before || i >= before + (int)used)
            rest[n++] = argv[i];
    rc = parse_and_run(verb, n, rest, err);
    free(rest);
    return rc;
}

int qr_ctl_main(int argc, char **argv)
{
    struct qr_err err = {0};

    signal(SIGPIPE, SIG_IGN); /* a closed pipe is told by write() */
    qr_log_init("quarry", QR_LOG_WARN);
    int rc = dispatch(argc, argv, &err);
    if (rc < 0 && err.msg[0])
        qr_ctl_say("quarry: %s", err.msg);
    fflush(stdout);
    return qr_err_exit_code(rc);
}

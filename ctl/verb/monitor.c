/* quarry monitor */
#include "ctl/verb/monitor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/interrupt.h"
#include "ctl/json.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

enum { LOOK_MS = 50 };

struct args {
    struct qr_ctl_common common;
    int64_t run_id, every_ms;
    char *export;
    bool live, once, details, alerts;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",     0, QR_OPT_INT,  AT(run_id),   "0", 0, 0x1p53, 0, "ID", "only this run; with --details its stages", "docs/cli.md"},
    {"live",    0, QR_OPT_BOOL, AT(live),     "false", 0, 0, 0, NULL, "again and again until Ctrl-C; on a terminal it is so unless --once", "docs/cli.md"},
    {"once",    0, QR_OPT_BOOL, AT(once),     "false", 0, 0, 0, NULL, "one look, on a terminal, too", "docs/cli.md"},
    {"every",   0, QR_OPT_MSEC, AT(every_ms), "2s", 200, 3600000, 0, "TIME", "between two looks", "docs/cli.md"},
    {"details", 0, QR_OPT_BOOL, AT(details),  "false", 0, 0, 0, NULL, "coordinators, types and roots of workers, stages of runs, too", "docs/cli.md"},
    {"alerts",  0, QR_OPT_BOOL, AT(alerts),   "false", 0, 0, 0, NULL, "only what needs a person", "docs/cli.md"},
    {"export",  0, QR_OPT_STR,  AT(export),   NULL, 0, 0, 0, "FILE", "add each look to this file, as a line of JSON", "docs/cli.md"},
    {0},
};
/* clang-format on */

struct monitor {
    struct qr_ctl *ctl;
    const struct args *args;
    FILE *export;
    char *shown;     /* the picture that stands on the terminal */
    int lines;       /* of it */
    int width;       /* of the terminal, when it was drawn */
    int64_t gone_ms; /* the coordinator does not answer since; 0: it does */
};

/* ------------------------------------------------------------------ the picture */

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

/* What of a line fits; colours are passed on whole. */
static void put_line(const char *line, int width)
{
    size_t left = strcspn(line, "\n");

    while (left > 0) {
        size_t bytes = 1;
        bool escape = line[0] == '\033';
        if (escape)
            bytes = strcspn(line, "m") + 1;
        int columns = escape ? 0 : qr_text_char_width(qr_text_decode(line, left, &bytes));
        bytes = bytes < left ? bytes : left;
        width -= columns;
        if (width >= 0)
            fwrite(line, 1, bytes, stdout);
        line += bytes;
        left -= bytes;
    }
    fputs("\033[K\n", stdout);
}

/* As many lines as the terminal has, over the picture before; the note, if any, comes last. */
static int draw(struct monitor *monitor, const char *note, struct qr_err *err)
{
    const struct qr_term *term = &monitor->ctl->out;
    int room = term->height > 3 ? term->height - 1 : INT_MAX;
    int lines = 0, all = note[0] ? 1 : 0;

    for (const char *at = monitor->shown; *at; at = next_line(at))
        all++;
    if (monitor->lines > 0 && monitor->width != term->width)
        fputs("\033[H\033[2J", stdout); /* lines have been wrapped: where it began is not known */
    else if (monitor->lines > 0)
        printf("\r\033[%dA", monitor->lines);
    int most = all <= room ? all : room - 1; /* the last one says that there is more */
    most -= note[0] ? 1 : 0;
    for (const char *at = monitor->shown; *at && lines < most; at = next_line(at), lines++)
        put_line(at, term->width - 1);
    if (all > room) {
        printf("%s %d more\033[K\n", qr_term_ellipsis(term), all - most - (note[0] ? 1 : 0));
        lines++;
    }
    if (note[0]) {
        put_line(note, term->width - 1);
        lines++;
    }
    fputs("\033[J", stdout);
    monitor->lines = lines;
    monitor->width = term->width;
    return qr_ctl_flush(monitor->ctl, err);
}

static int render(struct monitor *monitor, const Quarry__V1__MonitorReply *reply,
                  struct qr_err *err)
{
    const struct qr_monitor_look look = {monitor->args->details, monitor->args->alerts};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int rc = qr_monitor_print(reply, &look, &monitor->ctl->out, out, err);
    if (fclose(out) != 0 && rc == QR_OK)
        rc = qr_fail(err, QR_E_NOMEM, "out of memory");
    if (rc < 0) {
        free(text);
        return rc;
    }
    free(monitor->shown);
    monitor->shown = text;
    return QR_OK;
}

static int export_look(struct monitor *monitor, const Quarry__V1__MonitorReply *reply,
                       struct qr_err *err)
{
    json_t *value = qr_json_from_message(&reply->base);

    if (!value)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    qr_json_print(value, true, monitor->export);
    json_decref(value);
    if (fflush(monitor->export) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "write '%s'", monitor->args->export);
    return QR_OK;
}

static int show(struct monitor *monitor, const Quarry__V1__MonitorReply *reply, bool live,
                struct qr_err *err)
{
    struct qr_ctl *ctl = monitor->ctl;
    int rc = QR_OK;

    if (monitor->export)
        rc = export_look(monitor, reply, err);
    if (rc == QR_OK && ctl->output != QR_CTL_TABLE)
        return qr_emit_message(ctl, &reply->base, err);
    qr_term_refresh(STDOUT_FILENO, &ctl->out);
    if (rc == QR_OK)
        rc = render(monitor, reply, err);
    if (rc < 0)
        return rc;
    if (live && ctl->out.tty)
        return draw(monitor, "", err);
    printf("%s%s", monitor->shown, live ? "\n" : "");
    return qr_ctl_flush(ctl, err);
}

/* ------------------------------------------------------------------ again and again */

static int look(struct monitor *monitor, bool live, struct qr_err *err)
{
    Quarry__V1__MonitorRequest request = QUARRY__V1__MONITOR_REQUEST__INIT;
    Quarry__V1__MonitorReply *reply = NULL;

    request.run_id = monitor->args->run_id;
    int rc = QR_CALL(monitor->ctl->client, GetMonitor, monitor_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    monitor->gone_ms = 0;
    rc = show(monitor, reply, live, err);
    quarry__v1__monitor_reply__free_unpacked(reply, NULL);
    return rc;
}

/* A coordinator that goes away comes back: the picture stays, with a line that says so. */
static int wait_for_it(struct monitor *monitor, struct qr_err *err)
{
    char note[160];
    char since[32];

    if (monitor->gone_ms == 0) {
        monitor->gone_ms = qr_clock_ms();
        if (!monitor->ctl->out.tty || monitor->ctl->output != QR_CTL_TABLE)
            qr_ctl_say("%s does not answer, waiting for it",
                       qr_client_target(monitor->ctl->client));
    }
    if (!monitor->ctl->out.tty || monitor->ctl->output != QR_CTL_TABLE)
        return QR_OK;
    snprintf(note, sizeof note, "! %.80s does not answer for %s",
             qr_client_target(monitor->ctl->client),
             qr_text_duration(qr_clock_ms() - monitor->gone_ms, since, sizeof since));
    qr_term_refresh(STDOUT_FILENO, &monitor->ctl->out);
    return draw(monitor, note, err);
}

/* False when the reader of standard output has gone. */
static bool has_reader(void)
{
    struct pollfd fd = {.fd = STDOUT_FILENO};

    return !(poll(&fd, 1, 0) == 1 && (fd.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0);
}

static int follow(struct monitor *monitor, struct qr_err *err)
{
    bool seen = false;

    qr_interrupt_catch();
    for (;;) {
        int rc = look(monitor, true, err);
        if (atomic_load(&qr_interrupted))
            return QR_OK;
        if (rc < 0 && !(seen && (rc == QR_E_UNREACHABLE || rc == QR_E_TIMEOUT)))
            return rc;
        seen = true;
        if (rc < 0 && (rc = wait_for_it(monitor, err)) < 0)
            return rc;
        int64_t next = qr_clock_ms() + monitor->args->every_ms;
        while (qr_clock_ms() < next) {
            if (atomic_load(&qr_interrupted) || !has_reader())
                return QR_OK;
            qr_clock_sleep_ms(LOOK_MS);
        }
    }
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    struct monitor monitor = {.ctl = ctl, .args = args};
    bool table = ctl->output == QR_CTL_TABLE;
    (void)rest;

    if (args->live && args->once)
        return qr_fail(err, QR_E_USAGE, "--live and --once exclude each other");
    bool live = args->live || (table && ctl->out.tty && !args->once);
    if (live && ctl->output == QR_CTL_JSON)
        ctl->output = QR_CTL_JSONL; /* there is no end at which an array could be closed */
    if (args->export && !(monitor.export = fopen(args->export, "ae")))
        return qr_fail_errno(err, QR_E_IO, errno, "open '%s'", args->export);
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK && !live)
        rc = look(&monitor, false, err);
    if (rc == QR_OK && live) {
        bool hide = ctl->out.tty && table;
        fputs(hide ? "\033[?25l" : "", stdout); /* the cursor */
        rc = follow(&monitor, err);
        fputs(hide ? "\033[?25h" : "", stdout);
        fflush(stdout);
    }
    free(monitor.shown);
    if (monitor.export && fclose(monitor.export) != 0 && rc == QR_OK)
        rc = qr_fail_errno(err, QR_E_IO, errno, "write '%s'", args->export);
    return rc;
}

const struct qr_ctl_verb qr_ctl_monitor = {
    .name = "monitor",
    .arguments = "[OPTION]...",
    .summary = "runs, workers, rates, leases and what needs a person, at one look",
    .examples =
        "  quarry monitor                       on a terminal: redrawn in place, until Ctrl-C\n"
        "  quarry monitor --once --details      one look, with coordinators, types and roots\n"
        "  quarry monitor --alerts              only what needs a person\n"
        "  quarry monitor --run 7 --details     one run, with its stages\n"
        "  quarry monitor -o json | jq .rate    for scripts: one look\n"
        "  quarry monitor --live -o jsonl       … and again every two seconds\n"
        "Rates are of the last minute. Leases and workers are those of the coordinator that "
        "answers.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

#include "ctl/verb/monitor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/verb/run.h"

struct picture {
    const Quarry__V1__MonitorReply *reply;
    const struct qr_monitor_look *look;
    const struct qr_term *term;
    FILE *out;
};

/* One line, made harmless and cut to the width. */
static void line(const struct picture *picture, const char *fmt, ...) QR_PRINTF(2, 3);
static void line(const struct picture *picture, const char *fmt, ...)
{
    size_t width = picture->term->width > 0 ? (size_t)picture->term->width : SIZE_MAX;
    char text[1200];
    char shown[2400];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    qr_text_fit(text, width, false, qr_term_ellipsis(picture->term), shown, sizeof shown);
    fprintf(picture->out, "%s\n", shown);
}

static int print_table(const struct picture *picture, const struct qr_table *table,
                       struct qr_err *err)
{
    if (qr_table_rows(table) == 0)
        return QR_OK;
    fputc('\n', picture->out);
    return qr_table_print(table, picture->out, picture->term)
               ? QR_OK
               : qr_fail(err, QR_E_NOMEM, "out of memory");
}

/* ------------------------------------------------------------------ the head */

static void print_head(const struct picture *picture)
{
    const Quarry__V1__MonitorReply *reply = picture->reply;
    const Quarry__V1__JobTotals *jobs = reply->jobs;
    const Quarry__V1__LeaseTotals *leases = reply->leases;
    uint64_t workers = 0, slots = 0, draining = 0;
    char n[6][32];

    for (size_t i = 0; i < reply->n_coordinators; i++) {
        workers += reply->coordinators[i]->workers;
        slots += reply->coordinators[i]->slots;
        draining += reply->coordinators[i]->draining;
    }
    line(picture, "quarry   %s  %s", reply->instance,
         qr_text_time(reply->at_ms, n[0], sizeof n[0]));
    snprintf(n[0], sizeof n[0], ", %" PRIu64 " drain", draining);
    line(picture, "fleet    %zu coordinator%s, %" PRIu64 " workers%s, %" PRIu64 " slots",
         reply->n_coordinators, reply->n_coordinators == 1 ? "" : "s", workers,
         draining > 0 ? n[0] : "", slots);
    if (jobs)
        line(picture,
             "jobs     %s pending, %s running, %s completed (%s empty), %s failed, %s paused",
             qr_text_count(jobs->pending, n[0], sizeof n[0]),
             qr_text_count(jobs->processing, n[1], sizeof n[1]),
             qr_text_count(jobs->completed, n[2], sizeof n[2]),
             qr_text_count(jobs->empty, n[3], sizeof n[3]),
             qr_text_count(jobs->failed, n[4], sizeof n[4]),
             qr_text_count(jobs->paused, n[5], sizeof n[5]));
    line(picture, "rate     %s/s completed in the last minute",
         qr_text_rate(reply->rate, n[0], sizeof n[0]));
    if (leases)
        line(picture,
             "leases   %" PRIu64 " offered, %" PRIu64 " active, %" PRIu64 " stopping, %" PRIu64
             " settling, %" PRIu64 " returning%s",
             leases->offered, leases->active, leases->stopping, leases->settling, leases->returning,
             reply->n_coordinators > 1 ? " (of this coordinator)" : "");
}

/* ------------------------------------------------------------------ runs */

static const struct qr_column run_columns[] = {
    {"RUN", QR_COLUMN_RIGHT},
    {"STATUS", QR_COLUMN_STATUS},
    {"DONE", QR_COLUMN_RIGHT},
    {"ENDED", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"TOTAL", QR_COLUMN_RIGHT},
    {"RUNNING", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"FAILED", QR_COLUMN_RIGHT},
    {"RATE", QR_COLUMN_RIGHT},
    {"LEFT", QR_COLUMN_RIGHT},
    {"NAME", QR_COLUMN_SHRINK},
    {"SOURCE", QR_COLUMN_SHRINK | QR_COLUMN_KEEP_END | QR_COLUMN_OPTIONAL},
};

/* What is left of it at its rate. */
static const char *left_of(const Quarry__V1__Run *run, char *buf, size_t cap)
{
    uint64_t open = run->pending + run->processing;

    if (run->start_at_ms > qr_clock_wall_ms())
        snprintf(buf, cap, "waits");
    else if (run->rate > 0 && !run->listing && open > 0 && strcmp(run->gate, "open") == 0)
        qr_text_duration((int64_t)((double)open / run->rate * 1000), buf, cap);
    else
        buf[0] = '\0';
    return buf;
}

static int print_runs(const struct picture *picture, struct qr_err *err)
{
    QR_AUTO(qr_table) table = qr_table_new(run_columns, QR_COUNT(run_columns));
    const Quarry__V1__MonitorReply *reply = picture->reply;
    char text[40];

    if (!table)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < reply->n_runs; i++) {
        const Quarry__V1__Run *run = reply->runs[i];
        uint64_t ended = run->completed + run->failed + run->cancelled;
        bool cancelling = strcmp(run->gate, "cancelled") == 0 && !qr_run_is_over(run);
        qr_table_i64(table, run->id);
        qr_table_text(table, cancelling ? "cancelling" : run->status);
        snprintf(text, sizeof text, "%" PRIu64 " %%", run->total ? ended * 100 / run->total : 0);
        qr_table_text(table, run->total ? text : "");
        qr_table_u64(table, ended);
        snprintf(text, sizeof text, "%" PRIu64 "%s", run->total, run->listing ? "+" : "");
        qr_table_text(table, text);
        qr_table_u64(table, run->processing);
        qr_table_u64(table, run->failed);
        qr_table_text(table, run->rate > 0 ? qr_text_rate(run->rate, text, sizeof text) : "");
        qr_table_text(table, left_of(run, text, sizeof text));
        qr_table_text(table, qr_run_name(run));
        qr_table_text(table, run->source);
    }
    if (reply->n_runs == 0)
        line(picture, "\nno run is active");
    int rc = print_table(picture, table, err);
    for (size_t i = 0; rc == QR_OK && picture->look->details && i < reply->n_runs; i++)
        for (size_t k = 0; k < reply->runs[i]->n_stages; k++) {
            const Quarry__V1__RunStage *stage = reply->runs[i]->stages[k];
            line(picture, "%s         %-9s %-8s %" PRIu64 " open of %" PRIu64 "%s%s",
                 k == 0 ? "stage" : "     ", stage->name, stage->status, stage->open, stage->total,
                 stage->last_error[0] ? ", " : "", stage->last_error);
        }
    return rc;
}

/* ------------------------------------------------------------------ coordinators and workers */

static const struct qr_column coordinator_columns[] = {
    {"COORDINATOR", 0},
    {"HOST", QR_COLUMN_SHRINK},
    {"WORKERS", QR_COLUMN_RIGHT},
    {"DRAIN", QR_COLUMN_RIGHT},
    {"SLOTS", QR_COLUMN_RIGHT},
    {"RENEWED", QR_COLUMN_RIGHT},
    {"STARTED", 0},
};

static int print_coordinators(const struct picture *picture, struct qr_err *err)
{
    QR_AUTO(qr_table) table = qr_table_new(coordinator_columns, QR_COUNT(coordinator_columns));
    int64_t now_ms = qr_clock_wall_ms();
    char text[40];

    if (!table)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < picture->reply->n_coordinators; i++) {
        const Quarry__V1__Coordinator *coordinator = picture->reply->coordinators[i];
        qr_table_text(table, coordinator->instance);
        qr_table_text(table, coordinator->host);
        qr_table_u64(table, coordinator->workers);
        qr_table_u64(table, coordinator->draining);
        qr_table_u64(table, coordinator->slots);
        qr_table_text(table, qr_text_ago(coordinator->renewed_ms_ago + 1, 1, text, sizeof text));
        qr_table_text(table, qr_text_ago(now_ms, coordinator->started_ms, text, sizeof text));
    }
    return print_table(picture, table, err);
}

static const struct qr_column worker_columns[] = {
    {"WORKER", 0},
    {"STATUS", QR_COLUMN_STATUS},
    {"SLOTS", QR_COLUMN_RIGHT},
    {"LEASES", QR_COLUMN_RIGHT},
    {"RUNNING", QR_COLUMN_RIGHT},
    {"COMPLETED", QR_COLUMN_RIGHT},
    {"FAILED", QR_COLUMN_RIGHT},
    {"LOAD", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"MEMORY", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"HEARD", 0},
    {"HOST", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL},
    {"TYPES AND ROOTS", QR_COLUMN_SHRINK | QR_COLUMN_OPTIONAL},
};

static void join(char *buf, size_t cap, char *const *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(buf + strlen(buf), cap - strlen(buf), "%s%s", i == 0 ? "" : ",", items[i]);
}

static int print_workers(const struct picture *picture, struct qr_err *err)
{
    size_t n_columns = QR_COUNT(worker_columns) - (picture->look->details ? 0 : 1);
    QR_AUTO(qr_table) table = qr_table_new(worker_columns, n_columns);
    const Quarry__V1__MonitorReply *reply = picture->reply;
    uint64_t all = 0;
    char text[1024];

    if (!table)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; i < reply->n_workers; i++) {
        const Quarry__V1__Worker *worker = reply->workers[i];
        int64_t ago_ms = worker->last_seen_ms_ago < 0 ? 0 : worker->last_seen_ms_ago;
        qr_table_text(table, worker->id);
        qr_table_text(table, worker->status);
        qr_table_u64(table, worker->slots);
        qr_table_u64(table, worker->leases);
        qr_table_u64(table, worker->running);
        qr_table_u64(table, worker->completed);
        qr_table_u64(table, worker->failed);
        snprintf(text, sizeof text, "%.2f", worker->load);
        qr_table_text(table, text);
        qr_table_text(table, qr_text_size(worker->rss_bytes, text, sizeof text));
        qr_table_text(table, qr_text_ago(ago_ms + 1, 1, text, sizeof text));
        qr_table_text(table, worker->host);
        if (!picture->look->details)
            continue;
        text[0] = '\0';
        join(text, sizeof text, worker->types, worker->n_types);
        snprintf(text + strlen(text), sizeof text - strlen(text), "  ");
        join(text, sizeof text, worker->roots, worker->n_roots);
        qr_table_text(table, text);
    }
    int rc = print_table(picture, table, err);
    for (size_t i = 0; i < reply->n_coordinators; i++)
        all += reply->coordinators[i]->workers;
    if (rc == QR_OK && all > reply->n_workers)
        line(picture, "%s%" PRIu64 " more with other coordinators: --coordinator HOST:PORT",
             reply->n_workers ? "" : "\n", all - reply->n_workers);
    return rc;
}

/* ------------------------------------------------------------------ alerts */

static void print_alerts(const struct picture *picture)
{
    int64_t now_ms = qr_clock_wall_ms();
    bool color = picture->term->color;
    char since[32];

    if (picture->reply->n_alerts > 0 && !picture->look->alerts)
        fputc('\n', picture->out);
    for (size_t i = 0; i < picture->reply->n_alerts; i++) {
        const Quarry__V1__Alert *alert = picture->reply->alerts[i];
        const char *ago =
            alert->since_ms ? qr_text_ago(now_ms, alert->since_ms, since, sizeof since) : "";
        fputs(color ? "\033[31m" : "", picture->out);
        line(picture, "! %s%s%s%s", alert->text, ago[0] ? " (first seen " : "", ago,
             ago[0] ? ")" : "");
        fputs(color ? "\033[0m" : "", picture->out);
    }
}

int qr_monitor_print(const Quarry__V1__MonitorReply *reply, const struct qr_monitor_look *look,
                     const struct qr_term *term, FILE *out, struct qr_err *err)
{
    struct qr_term narrow = *term; /* a full line is wrapped by some, and erased by others */
    const struct picture picture = {reply, look, &narrow, out};
    int rc = QR_OK;

    narrow.width -= narrow.width > 1;

    if (look->alerts) {
        print_alerts(&picture);
        if (reply->n_alerts == 0)
            line(&picture, "no alerts");
        return QR_OK;
    }
    print_head(&picture);
    print_alerts(&picture);
    rc = print_runs(&picture, err);
    if (rc == QR_OK && look->details)
        rc = print_coordinators(&picture, err);
    return rc == QR_OK ? print_workers(&picture, err) : rc;
}

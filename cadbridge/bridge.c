#include "cadbridge/bridge.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "cadbridge/jobs.h"
#include "cadbridge/options.h"
#include "cadbridge/report.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/rpc/rpc.h"

enum {
    TEST_MS = 5000,
    ORDERS_MS = 3000, /* jobs are begun when the orders are known, or so long after the welcome */
    SLOTS_WAIT_MS = 5000,
    LISTS_BYTES = 64 << 20, /* of folders with models */
};

struct bridge {
    struct qr_bridge_options options;
    struct qr_station_port port;
    struct qr_station station;
    struct qr_gate *gate;
    struct qr_cad_versions *versions;
    struct qr_import *import;
    struct qr_report *report;
    struct qr_slots *slots;
    struct qr_work_shared shared;
    struct qr_bridge_jobs jobs;
    int64_t welcomed_ms; /* first; 0: not yet */
};

/* ---- what the session wants */

static void on_offer(void *ctx, const Quarry__V1__Lease *lease)
{
    struct bridge *b = ctx;
    qr_bridge_jobs_offer(&b->jobs, lease);
}

static void on_stop(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms)
{
    struct bridge *b = ctx;
    (void)grace_ms;
    qr_bridge_jobs_stop(&b->jobs, lease_id, reason);
}

static uint32_t on_report(void *ctx)
{
    struct bridge *b = ctx;
    qr_bridge_jobs_report(&b->jobs);
    return (uint32_t)b->jobs.n_running;
}

static void on_hand_back(void *ctx, bool running_too, const char *reason)
{
    struct bridge *b = ctx;
    qr_bridge_jobs_hand_back(&b->jobs, running_too, reason);
}

static size_t on_count(void *ctx)
{
    const struct bridge *b = ctx;
    return qr_bridge_jobs_count(&b->jobs);
}

static void on_welcomed(void *ctx, const char *address)
{
    struct bridge *b = ctx;

    if (b->welcomed_ms == 0)
        b->welcomed_ms = b->station.now_ms;
    qr_report_to(b->report, address);
}

/* ---- the loop */

static void read_letters(struct bridge *b)
{
    struct qr_letter *letter = qr_mailbox_take(b->station.mailbox);

    while (letter) {
        struct qr_letter *next = letter->next;
        if (letter->kind == QR_LETTER_DONE)
            qr_bridge_jobs_done(&b->jobs, letter->id, letter->block);
        else
            (void)qr_station_letter(&b->station, letter);
        qr_letter_free(letter);
        letter = next;
    }
    qr_link_resume(b->station.link);
}

static void set_now(struct bridge *b)
{
    qr_station_set_now(&b->station);
    b->jobs.now_ms = b->station.now_ms;
}

static bool may_begin(const struct bridge *b)
{
    return qr_report_is_ordered(b->report) ||
           (b->welcomed_ms != 0 && b->station.now_ms - b->welcomed_ms > ORDERS_MS);
}

static void turn(struct bridge *b)
{
    struct pollfd fds[] = {{.fd = qr_station_signal_fd(), .events = POLLIN},
                           {.fd = qr_mailbox_fd(b->station.mailbox), .events = POLLIN}};
    int64_t wait = qr_station_wait_ms(&b->station, qr_clock_ms());

    if (b->jobs.line && !may_begin(b) && wait > 50)
        wait = 50;
    poll(fds, QR_COUNT(fds), (int)wait);
    set_now(b);
    if (fds[0].revents)
        qr_station_read_signals(&b->station);
    read_letters(b);
    if (may_begin(b))
        qr_bridge_jobs_turn(&b->jobs);
    qr_station_end_turn(&b->station);
}

/* ---- start and end */

/* Creo unreachable at start means start open, not take no work. */
static void test_service(struct bridge *b)
{
    static const atomic_bool never;
    QR_AUTO(qr_cad_backend) backend = NULL;
    struct qr_err err = {0};
    char what[200] = "";

    int rc = qr_cad_backend_new(b->options.creo, &never, &backend, &err);
    if (rc == QR_OK)
        rc = backend->test(backend, TEST_MS, what, sizeof what, &err);
    if (rc < 0)
        qr_log(QR_LOG_WARN, "cad.unreachable", "creo=%s error=\"%s\" detail=\"%s\"",
               b->options.creo, err.msg,
               b->import ? "models come from exports until it answers"
                         : "jobs wait until it answers");
    else
        qr_log(QR_LOG_INFO, "cad.reachable", "creo=%s service=\"%s\"", b->options.creo, what);
    qr_gate_tested(b->gate, rc < 0 ? NULL : what, err.msg);
}

static int check_options(struct bridge *b, struct qr_err *err)
{
    static const atomic_bool never;
    QR_AUTO(qr_cad_backend) backend = NULL;

    if (!b->options.creo && !b->options.json)
        return qr_fail(err, QR_E_USAGE,
                       "no way to bring models; hint: --creo grpc://HOST:PORT, --json-dir DIR or "
                       "both");
    return b->options.creo ? qr_cad_backend_new(b->options.creo, &never, &backend, err) : QR_OK;
}

static int open_exports(struct bridge *b, struct qr_err *err)
{
    const struct qr_import_config config = {.store = b->options.json,
                                            .memory_bytes = b->options.memory_bytes};

    if (!b->options.json)
        return QR_OK;
    int rc = qr_import_new(&config, &b->import, err);
    return rc < 0 ? qr_err_wrap(err, rc, "--json-dir") : QR_OK;
}

static int make_parts(struct bridge *b, struct qr_err *err)
{
    const struct qr_breaker_config breaker = {.threshold = b->options.threshold,
                                              .cooldown_ms = b->options.cooldown_ms,
                                              .cooldown_max_ms = b->options.cooldown_max_ms};
    int rc = qr_gate_new(&breaker, &b->gate, err);

    if (rc == QR_OK)
        rc = qr_cad_versions_new(LISTS_BYTES, &b->versions, err);
    if (rc == QR_OK)
        rc = open_exports(b, err);
    if (rc == QR_OK)
        rc = qr_report_new(b->gate, b->station.id, b->options.creo, b->options.json, &b->report,
                           err);
    b->shared = (struct qr_work_shared){.roots = &b->station.roots,
                                        .gate = b->gate,
                                        .versions = b->versions,
                                        .import = b->import,
                                        .creo = b->options.creo,
                                        .exports = b->options.json ? b->options.json : "",
                                        .max_file_bytes = (uint64_t)b->options.max_file_bytes,
                                        .deadline_ms = b->options.deadline_ms,
                                        .wait_limit_ms = b->options.wait_limit_ms,
                                        .points = (uint32_t)b->options.points};
    if (rc == QR_OK)
        rc = qr_slots_new(&b->shared, b->station.mailbox, (int)b->options.calls, &b->slots, err);
    return rc;
}

static int start(struct bridge *b, struct qr_err *err)
{
    static char type[] = "cad";
    static char *types[] = {type, NULL};
    const struct qr_option_list list = {.items = types, .n = 1};
    uint32_t calls = (uint32_t)b->options.calls;

    int rc = check_options(b, err);
    if (rc == QR_OK)
        rc = qr_station_start(&b->station, err);
    if (rc == QR_OK)
        rc = make_parts(b, err);
    if (rc < 0)
        return rc;
    qr_log(QR_LOG_INFO, "cad.ways", "creo=%s exports=\"%s\" calls=%" PRId64 " threshold=%g",
           b->options.creo ? b->options.creo : "none", b->shared.exports, b->options.calls,
           b->options.threshold);
    if (b->options.creo)
        test_service(b);
    rc = qr_station_open_session(&b->station, &list, calls, calls, err);
    if (rc == QR_OK) {
        b->jobs.session = b->station.session;
        b->jobs.slots = b->slots;
        b->jobs.roots = &b->station.roots;
        set_now(b);
    }
    return rc;
}

static void finish(struct bridge *b)
{
    bool hangs = !qr_slots_free(b->slots, SLOTS_WAIT_MS);

    qr_report_free(b->report);
    qr_bridge_jobs_free(&b->jobs);
    qr_station_finish(&b->station, hangs);
    if (hangs)
        return;
    qr_import_free(b->import);
    qr_cad_versions_free(b->versions);
    qr_gate_free(b->gate);
    qr_options_done(&qr_bridge_options, &b->options);
}

int qr_bridge_main(int argc, char **argv)
{
    static struct bridge b; /* for the whole process: a hanging thread may outlive finish() */
    enum qr_log_level level = QR_LOG_INFO;
    struct qr_err err = {0};
    int exit_code = 0;

    if (!qr_options_main(&qr_bridge_options, argc, argv, &b.options, NULL, &exit_code)) {
        qr_options_done(&qr_bridge_options, &b.options);
        return exit_code;
    }
    if (qr_log_level_parse(b.options.station.log_level, &level))
        qr_log_init("quarry-cadbridge", level);
    b.port = (struct qr_station_port){.ctx = &b,
                                      .offer = on_offer,
                                      .stop = on_stop,
                                      .report = on_report,
                                      .hand_back = on_hand_back,
                                      .count = on_count,
                                      .welcomed = on_welcomed};
    b.station.options = &b.options.station;
    b.station.port = &b.port;
    b.station.program = "quarry-cadbridge";
    qr_rpc_init();
    int rc = start(&b, &err);
    if (rc < 0) {
        fprintf(stderr, "quarry-cadbridge: %s\n", err.msg);
    } else {
        while (!b.station.over)
            turn(&b);
        rc = b.station.code;
        qr_log(QR_LOG_INFO, "worker.stopped",
               "worker=%s done=%" PRIu64 " failed=%" PRIu64 " waited=%" PRIu64 " waiting=%zu",
               b.station.id, b.jobs.done, b.jobs.failed, b.jobs.waited,
               qr_spool_count(b.station.spool));
    }
    finish(&b);
    qr_rpc_shutdown();
    return qr_err_exit_code(rc);
}

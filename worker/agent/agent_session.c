/* The agent's session: made from the options, and what it wants of the agent. */
#include "worker/agent/agent_intern.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/os/process.h"

enum { UNREACHABLE_ROUNDS = 2 /* through the list of coordinators, for --exit-when-unreachable */ };

static void on_connect(void *ctx, uint64_t stream, const char *address)
{
    struct agent *a = ctx;
    a->attempts++;
    qr_log(QR_LOG_DEBUG, "stream.connect", "stream=%" PRIu64 " coordinator=%s", stream, address);
    qr_link_connect(a->link, stream, address);
}

static void on_disconnect(void *ctx, uint64_t stream)
{
    struct agent *a = ctx;
    (void)stream;
    qr_link_disconnect(a->link);
}

static int on_send(void *ctx, uint64_t stream, bool bulk, const uint8_t *frame, size_t len)
{
    struct agent *a = ctx;
    (void)stream;
    return qr_link_send(a->link, bulk, frame, len);
}

static void on_offer(void *ctx, const Quarry__V1__Lease *lease)
{
    struct agent *a = ctx;
    qr_jobs_offer(&a->jobs, lease);
}

static void on_stop(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms)
{
    struct agent *a = ctx;
    qr_log(reason == QR_SESSION_STOP_STALE ? QR_LOG_WARN : QR_LOG_INFO, "lease.stop",
           "lease=%" PRIu64 " reason=%s", lease_id,
           reason == QR_SESSION_STOP_STALE   ? "stale"
           : reason == QR_SESSION_STOP_PAUSE ? "pause"
                                             : "cancel");
    qr_jobs_stop(&a->jobs, lease_id, reason, grace_ms);
}

static void on_parts(void *ctx, uint64_t lease_id, const uint8_t *data, size_t len)
{
    struct agent *a = ctx;
    qr_jobs_parts(&a->jobs, lease_id, data, len);
}

void qr_agent_drain(struct agent *a, int64_t grace_ms, const char *why)
{
    int64_t until = a->jobs.now_ms + grace_ms;

    if (a->draining) { /* asked again: no longer than the shorter time */
        a->drain_ms = until < a->drain_ms ? until : a->drain_ms;
        return;
    }
    qr_log(QR_LOG_INFO, "worker.drain", "reason=\"%s\" jobs=%zu grace_ms=%" PRId64, why,
           qr_jobs_count(&a->jobs), grace_ms);
    a->draining = true;
    a->drain_ms = until;
    qr_session_stop_offers(a->session, "draining");
    qr_jobs_hand_back(&a->jobs, false, "drain");
}

static void on_drain(void *ctx, uint32_t grace_ms, const char *reason)
{
    struct agent *a = ctx;
    qr_agent_drain(a, grace_ms > 0 ? (int64_t)grace_ms : a->options.drain_grace_ms,
                   reason[0] ? reason : "asked by the coordinator");
}

/* The coordinator's drain is undone; one by a signal stays. */
static void on_undrain(void *ctx)
{
    struct agent *a = ctx;

    if (!a->draining || a->signalled || a->over)
        return;
    qr_log(QR_LOG_INFO, "worker.resume", "jobs=%zu", qr_jobs_count(&a->jobs));
    a->draining = a->handed_back = false;
    a->drain_ms = a->flush_ms = 0;
    qr_session_take_offers(a->session);
}

static void on_vitals(void *ctx, struct qr_session_vitals *ret)
{
    struct agent *a = ctx;
    struct qr_pool_stats stats;
    const struct qr_process self = {.pid = getpid(), .watch = -1};
    double load = 0;

    qr_jobs_report(&a->jobs);
    qr_pool_get_stats(a->pool, &stats);
    if (getloadavg(&load, 1) == 1)
        ret->load = load / a->cpus;
    ret->children = (uint32_t)stats.children;
    ret->rss_bytes = (uint64_t)qr_process_rss(&self);
}

static void on_welcomed(void *ctx, const char *address, size_t kept, size_t lost)
{
    struct agent *a = ctx;

    qr_log(QR_LOG_INFO, "worker.welcomed", "worker=%s coordinator=%s kept=%zu lost=%zu", a->id,
           address, kept, lost);
    if (!a->announced) {
        printf("ready grpc=%s id=%s\n", address, a->id);
        fflush(stdout);
    }
    a->announced = true;
}

static void on_settled(void *ctx, const struct qr_session_ack *ack)
{
    (void)ctx;
    if (ack->code == QUARRY__V1__ACK_CODE__ACK_CODE_COMMITTED)
        qr_log(QR_LOG_DEBUG, "result.committed", "lease=%" PRIu64 " job=%" PRIu64, ack->lease_id,
               ack->job_id);
    else if (ack->code == QUARRY__V1__ACK_CODE__ACK_CODE_REJECTED)
        qr_log(QR_LOG_ERROR, "result.rejected",
               "lease=%" PRIu64 " job=%" PRIu64 " class=%s error=\"%s\"", ack->lease_id,
               ack->job_id, qr_class_text(ack->cls), ack->message);
    else
        qr_log(QR_LOG_INFO, "result.unused", "lease=%" PRIu64 " job=%" PRIu64 " answer=%s",
               ack->lease_id, ack->job_id,
               ack->code == QUARRY__V1__ACK_CODE__ACK_CODE_STALE ? "stale" : "duplicate");
}

static void on_lost(void *ctx, const char *address, const char *why, int64_t delay_ms)
{
    struct agent *a = ctx;
    qr_log(QR_LOG_WARN, "stream.lost", "coordinator=%s error=\"%s\" retry_ms=%" PRId64, address,
           why, delay_ms);
    if (a->options.exit_when_unreachable && !a->announced &&
        a->attempts >= UNREACHABLE_ROUNDS * a->options.coordinators.n && !a->over) {
        a->over = true;
        a->code = QR_E_UNREACHABLE;
        qr_log(
            QR_LOG_ERROR, "worker.unreachable",
            "detail=\"no coordinator answers\" hint=\"start one, or name it with --coordinator\"");
    }
}

static void on_over(void *ctx, int code, const char *message)
{
    struct agent *a = ctx;
    a->over = true;
    a->code = code;
    if (code != QR_OK)
        qr_log(QR_LOG_ERROR, "session.over", "worker=%s error=\"%s\"", a->id, message);
}

static void on_note(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    qr_log(QR_LOG_WARN, event, "detail=\"%s\"", detail);
}

int qr_agent_open_session(struct agent *a, struct qr_err *err)
{
    struct qr_session_type types[QR_SESSION_TYPES_MAX];
    const struct qr_session_port port = {.ctx = a,
                                         .connect = on_connect,
                                         .disconnect = on_disconnect,
                                         .send = on_send,
                                         .offer = on_offer,
                                         .stop = on_stop,
                                         .parts = on_parts,
                                         .drain = on_drain,
                                         .undrain = on_undrain,
                                         .vitals = on_vitals,
                                         .welcomed = on_welcomed,
                                         .settled = on_settled,
                                         .lost = on_lost,
                                         .over = on_over,
                                         .note = on_note};
    struct qr_session_config config = {
        .worker_id = a->id,
        .host = a->uname.nodename,
        .os = "linux",
        .arch = a->uname.machine,
        .version = QUARRY_VERSION,
        .types = types,
        .n_types = a->options.types.n,
        .roots = a->root_names,
        .n_roots = a->roots.n,
        .labels = (const char *const *)a->options.labels.items,
        .n_labels = a->options.labels.n,
        .coordinators = (const char *const *)a->options.coordinators.items,
        .n_coordinators = a->options.coordinators.n,
        .slots = (uint32_t)a->options.slots,
        .prefetch = (uint32_t)a->options.prefetch,
    };

    if (config.n_types > QR_COUNT(types))
        return qr_fail(err, QR_E_USAGE, "--types: more than %d types", QR_SESSION_TYPES_MAX);
    for (size_t i = 0; i < config.n_types; i++)
        types[i] = (struct qr_session_type){.name = a->options.types.items[i]};
    for (size_t i = 0; i < a->roots.n; i++)
        a->root_names[i] = a->roots.root[i].name;
    if (getrandom(config.session, sizeof config.session, 0) != sizeof config.session ||
        getrandom(&config.seed, sizeof config.seed, 0) != sizeof config.seed)
        return qr_fail(err, QR_E_INTERNAL, "the system gives no random numbers");
    return qr_session_new(&config, &port, a->spool, qr_clock_ms(), &a->session, err);
}

/* A station's session: made from the options, and what it wants of the program. */
#include "common/fleet/station.h"

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
    struct qr_station *m = ctx;
    m->attempts++;
    qr_log(QR_LOG_DEBUG, "stream.connect", "stream=%" PRIu64 " coordinator=%s", stream, address);
    qr_link_connect(m->link, stream, address);
}

static void on_disconnect(void *ctx, uint64_t stream)
{
    struct qr_station *m = ctx;
    (void)stream;
    qr_link_disconnect(m->link);
}

static int on_send(void *ctx, uint64_t stream, bool bulk, const uint8_t *frame, size_t len)
{
    struct qr_station *m = ctx;
    (void)stream;
    return qr_link_send(m->link, bulk, frame, len);
}

static void on_offer(void *ctx, const Quarry__V1__Lease *lease)
{
    struct qr_station *m = ctx;
    m->port->offer(m->port->ctx, lease);
}

static void on_stop(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms)
{
    struct qr_station *m = ctx;
    qr_log(reason == QR_SESSION_STOP_STALE ? QR_LOG_WARN : QR_LOG_INFO, "lease.stop",
           "lease=%" PRIu64 " reason=%s", lease_id,
           reason == QR_SESSION_STOP_STALE   ? "stale"
           : reason == QR_SESSION_STOP_PAUSE ? "pause"
                                             : "cancel");
    m->port->stop(m->port->ctx, lease_id, reason, grace_ms);
}

static void on_parts(void *ctx, uint64_t lease_id, const uint8_t *data, size_t len)
{
    struct qr_station *m = ctx;
    if (m->port->parts)
        m->port->parts(m->port->ctx, lease_id, data, len);
}

void qr_station_drain(struct qr_station *m, int64_t grace_ms, const char *why)
{
    int64_t until = m->now_ms + grace_ms;

    if (m->draining) { /* asked again: no longer than the shorter time */
        m->drain_ms = until < m->drain_ms ? until : m->drain_ms;
        return;
    }
    qr_log(QR_LOG_INFO, "worker.drain", "reason=\"%s\" jobs=%zu grace_ms=%" PRId64, why,
           m->port->count(m->port->ctx), grace_ms);
    m->draining = true;
    m->drain_ms = until;
    qr_session_stop_offers(m->session, "draining");
    m->port->hand_back(m->port->ctx, false, "drain");
}

static void on_drain(void *ctx, uint32_t grace_ms, const char *reason)
{
    struct qr_station *m = ctx;
    qr_station_drain(m, grace_ms > 0 ? (int64_t)grace_ms : m->options->drain_grace_ms,
                     reason[0] ? reason : "asked by the coordinator");
}

/* The coordinator's drain is undone; one by a signal stays. */
static void on_undrain(void *ctx)
{
    struct qr_station *m = ctx;

    if (!m->draining || m->signalled || m->over)
        return;
    qr_log(QR_LOG_INFO, "worker.resume", "jobs=%zu", m->port->count(m->port->ctx));
    m->draining = m->handed_back = false;
    m->drain_ms = m->flush_ms = 0;
    qr_session_take_offers(m->session);
}

static void on_vitals(void *ctx, struct qr_session_vitals *ret)
{
    struct qr_station *m = ctx;
    const struct qr_process self = {.pid = getpid(), .watch = -1};
    double load = 0;

    ret->children = m->port->report(m->port->ctx);
    if (getloadavg(&load, 1) == 1)
        ret->load = load / m->cpus;
    ret->rss_bytes = (uint64_t)qr_process_rss(&self);
}

static void on_welcomed(void *ctx, const char *address, size_t kept, size_t lost)
{
    struct qr_station *m = ctx;

    qr_log(QR_LOG_INFO, "worker.welcomed", "worker=%s coordinator=%s kept=%zu lost=%zu", m->id,
           address, kept, lost);
    if (!m->announced) {
        printf("ready grpc=%s id=%s\n", address, m->id);
        fflush(stdout);
    }
    m->announced = true;
    if (m->port->welcomed)
        m->port->welcomed(m->port->ctx, address);
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
    struct qr_station *m = ctx;
    qr_log(QR_LOG_WARN, "stream.lost", "coordinator=%s error=\"%s\" retry_ms=%" PRId64, address,
           why, delay_ms);
    if (m->options->exit_when_unreachable && !m->announced &&
        m->attempts >= UNREACHABLE_ROUNDS * m->options->coordinators.n && !m->over) {
        m->over = true;
        m->code = QR_E_UNREACHABLE;
        qr_log(
            QR_LOG_ERROR, "worker.unreachable",
            "detail=\"no coordinator answers\" hint=\"start one, or name it with --coordinator\"");
    }
}

static void on_over(void *ctx, int code, const char *message)
{
    struct qr_station *m = ctx;
    m->over = true;
    m->code = code;
    if (code != QR_OK)
        qr_log(QR_LOG_ERROR, "session.over", "worker=%s error=\"%s\"", m->id, message);
}

static void on_note(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    qr_log(QR_LOG_WARN, event, "detail=\"%s\"", detail);
}

int qr_station_open_session(struct qr_station *m, const struct qr_option_list *types,
                            uint32_t slots, uint32_t prefetch, struct qr_err *err)
{
    struct qr_session_type session_types[QR_SESSION_TYPES_MAX];
    const struct qr_session_port port = {.ctx = m,
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
        .worker_id = m->id,
        .host = m->uname.nodename,
        .os = "linux",
        .arch = m->uname.machine,
        .version = QUARRY_VERSION,
        .types = session_types,
        .n_types = types->n,
        .roots = m->root_names,
        .n_roots = m->roots.n,
        .labels = (const char *const *)m->options->labels.items,
        .n_labels = m->options->labels.n,
        .coordinators = (const char *const *)m->options->coordinators.items,
        .n_coordinators = m->options->coordinators.n,
        .slots = slots,
        .prefetch = prefetch,
    };

    if (config.n_types > QR_COUNT(session_types))
        return qr_fail(err, QR_E_USAGE, "--types: more than %d types", QR_SESSION_TYPES_MAX);
    for (size_t i = 0; i < config.n_types; i++)
        session_types[i] = (struct qr_session_type){.name = types->items[i]};
    for (size_t i = 0; i < m->roots.n; i++)
        m->root_names[i] = m->roots.root[i].name;
    if (getrandom(config.session, sizeof config.session, 0) != sizeof config.session ||
        getrandom(&config.seed, sizeof config.seed, 0) != sizeof config.seed)
        return qr_fail(err, QR_E_INTERNAL, "the system gives no random numbers");
    return qr_session_new(&config, &port, m->spool, qr_clock_ms(), &m->session, err);
}

#include "bench/noop_fleet.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "quarry/v1/fleet.pb-c.h"

enum { CHANNELS = 4, UNACKED_MAX = 4096 };

struct worker {
    struct qr_noop_fleet *fleet;
    struct qr_rpc_stream *stream;
    char id[64];
    uint8_t session[16];
    pthread_mutex_t mutex; /* guards the rest */
    bool welcomed;
    uint64_t seen, received, credits;
    uint64_t unacked[UNACKED_MAX]; /* leases whose result was sent */
    size_t n_unacked;
};

struct qr_noop_fleet {
    struct qr_noop_fleet_config config;
    struct qr_rpc_channel *channels[CHANNELS];
    struct worker *workers;
    atomic_uint_fast64_t offered, committed, duplicate, stale, other, welcomed, closed;
    atomic_uint_fast64_t offer_frames, ack_frames;
};

static void send_frame(struct worker *worker, Quarry__V1__WorkerFrame *frame)
{
    uint8_t small[8192];
    size_t len = quarry__v1__worker_frame__get_packed_size(frame);
    uint8_t *data = len <= sizeof small ? small : malloc(len);

    if (!data)
        return;
    quarry__v1__worker_frame__pack(frame, data);
    if (qr_rpc_stream_send(worker->stream, QR_RPC_CONTROL, data, len) < 0)
        atomic_fetch_add(&worker->fleet->other, 1);
    if (data != small)
        free(data);
}

static void send_hello(struct worker *worker)
{
    const struct qr_noop_fleet_config *config = &worker->fleet->config;
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Hello hello = QUARRY__V1__HELLO__INIT;
    Quarry__V1__TypeLimit type = QUARRY__V1__TYPE_LIMIT__INIT;
    Quarry__V1__TypeLimit *types[] = {&type};
    Quarry__V1__Credits credits = QUARRY__V1__CREDITS__INIT;
    char *roots[] = {(char *)"bench"};

    type.type = (char *)config->type;
    credits.total = worker->credits;
    hello.worker_id = worker->id;
    hello.session.data = worker->session;
    hello.session.len = sizeof worker->session;
    hello.start_counter = 1;
    hello.host = (char *)"localhost";
    hello.os = (char *)"linux";
    hello.version = (char *)QUARRY_VERSION;
    hello.types = types;
    hello.n_types = 1;
    hello.roots = roots;
    hello.n_roots = 1;
    hello.slots = config->slots;
    hello.credits = &credits;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_HELLO;
    frame.hello = &hello;
    send_frame(worker, &frame);
}

static void send_accept(struct worker *worker, uint64_t *leases, size_t n)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Accept accept = QUARRY__V1__ACCEPT__INIT;

    accept.lease_id = leases;
    accept.n_lease_id = n;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_ACCEPT;
    frame.accept = &accept;
    send_frame(worker, &frame);
}

static void send_results(struct worker *worker, const Quarry__V1__Offer *offer)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Result result = QUARRY__V1__RESULT__INIT;
    Quarry__V1__JobResult *results = calloc(offer->n_leases, sizeof *results);
    Quarry__V1__JobResult **ptrs = calloc(offer->n_leases, sizeof *ptrs);

    for (size_t i = 0; results && ptrs && i < offer->n_leases; i++) {
        quarry__v1__job_result__init(&results[i]);
        results[i].lease_id = offer->leases[i]->lease_id;
        results[i].job_id = offer->leases[i]->job_id;
        ptrs[i] = &results[i];
        result.n_results++;
    }
    result.results = ptrs;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_RESULT;
    frame.result = &result;
    send_frame(worker, &frame);
    free(results);
    free(ptrs);
}

static void send_credits(struct worker *worker)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Credits credits = QUARRY__V1__CREDITS__INIT;

    credits.total = worker->credits;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_CREDITS;
    frame.credits = &credits;
    send_frame(worker, &frame);
}

/* The slots are free again as soon as the results are on their way: the work took no time. */
static void on_offer(struct worker *worker, const Quarry__V1__Offer *offer)
{
    uint64_t leases[1024];
    size_t n = 0;

    for (size_t i = 0; i < offer->n_leases && n < QR_COUNT(leases); i++) {
        leases[n++] = offer->leases[i]->lease_id;
        if (worker->n_unacked < UNACKED_MAX)
            worker->unacked[worker->n_unacked++] = offer->leases[i]->lease_id;
    }
    worker->received += offer->n_leases;
    worker->credits += offer->n_leases;
    atomic_fetch_add(&worker->fleet->offered, offer->n_leases);
    atomic_fetch_add(&worker->fleet->offer_frames, 1);
    send_accept(worker, leases, n);
    send_results(worker, offer);
    send_credits(worker);
}

static void on_ack(struct worker *worker, const Quarry__V1__Ack *ack)
{
    struct qr_noop_fleet *fleet = worker->fleet;

    atomic_fetch_add(&fleet->ack_frames, 1);
    for (size_t i = 0; i < ack->n_acks; i++) {
        switch (ack->acks[i]->code) {
        case QUARRY__V1__ACK_CODE__ACK_CODE_COMMITTED:
            atomic_fetch_add(&fleet->committed, 1);
            break;
        case QUARRY__V1__ACK_CODE__ACK_CODE_DUPLICATE:
            atomic_fetch_add(&fleet->duplicate, 1);
            break;
        case QUARRY__V1__ACK_CODE__ACK_CODE_STALE:
            atomic_fetch_add(&fleet->stale, 1);
            break;
        default:
            atomic_fetch_add(&fleet->other, 1);
            continue;
        }
        for (size_t k = 0; k < worker->n_unacked; k++)
            if (worker->unacked[k] == ack->acks[i]->lease_id) {
                worker->unacked[k] = worker->unacked[--worker->n_unacked];
                break;
            }
    }
}

static void on_message(void *ctx, struct qr_rpc_stream *stream, const uint8_t *data, size_t len)
{
    struct worker *worker = ctx;
    Quarry__V1__CoordinatorFrame *frame = quarry__v1__coordinator_frame__unpack(NULL, len, data);
    (void)stream;

    if (!frame)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->seen = frame->seq;
    switch (frame->body_case) {
    case QUARRY__V1__COORDINATOR_FRAME__BODY_WELCOME:
        worker->welcomed = true;
        atomic_fetch_add(&worker->fleet->welcomed, 1);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_OFFER:
        on_offer(worker, frame->offer);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_ACK:
        on_ack(worker, frame->ack);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_END:
        if (frame->end->reason != QUARRY__V1__END_REASON__END_REASON_GOODBYE)
            fprintf(stderr, "bench: %s was ended: %s\n", worker->id, frame->end->message);
        break;
    default:
        break;
    }
    pthread_mutex_unlock(&worker->mutex);
    quarry__v1__coordinator_frame__free_unpacked(frame, NULL);
}

static void on_closed(void *ctx, struct qr_rpc_stream *stream, int code, const char *message)
{
    struct worker *worker = ctx;
    (void)stream;

    if (code < 0 && code != QR_E_CANCELLED)
        fprintf(stderr, "bench: stream of %s closed: %s %s\n", worker->id, qr_err_name(code),
                message);
    atomic_fetch_add(&worker->fleet->closed, 1);
}

static const struct qr_rpc_stream_handler worker_handler = {.message = on_message,
                                                            .closed = on_closed};

static void send_beat(struct worker *worker)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Beat beat = QUARRY__V1__BEAT__INIT;
    Quarry__V1__LeaseState *states = calloc(worker->n_unacked + 1, sizeof *states);
    Quarry__V1__LeaseState **ptrs = calloc(worker->n_unacked + 1, sizeof *ptrs);

    for (size_t i = 0; states && ptrs && i < worker->n_unacked; i++) {
        quarry__v1__lease_state__init(&states[i]);
        states[i].lease_id = worker->unacked[i];
        states[i].phase = QUARRY__V1__LEASE_PHASE__LEASE_PHASE_FINISHED;
        ptrs[i] = &states[i];
        beat.n_leases++;
    }
    beat.leases = ptrs;
    beat.seen = worker->seen;
    beat.received_total = worker->received;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_BEAT;
    frame.beat = &beat;
    send_frame(worker, &frame);
    free(states);
    free(ptrs);
}

void qr_noop_fleet_beat(struct qr_noop_fleet *fleet)
{
    for (unsigned i = 0; i < fleet->config.streams; i++) {
        struct worker *worker = &fleet->workers[i];
        pthread_mutex_lock(&worker->mutex);
        if (worker->welcomed)
            send_beat(worker);
        pthread_mutex_unlock(&worker->mutex);
    }
}

static int open_worker(struct qr_noop_fleet *fleet, unsigned index, struct qr_err *err)
{
    struct worker *worker = &fleet->workers[index];

    worker->fleet = fleet;
    worker->credits = fleet->config.credits;
    if (getrandom(worker->session, sizeof worker->session, 0) != sizeof worker->session)
        return qr_fail(err, QR_E_INTERNAL, "no random numbers");
    snprintf(worker->id, sizeof worker->id, "bench-%02x%02x%02x%02x-%u", worker->session[0],
             worker->session[1], worker->session[2], worker->session[3], index);
    int rc = qr_rpc_stream_open(fleet->channels[index % CHANNELS], "/quarry.v1.Fleet/Work",
                                &worker_handler, worker, &worker->stream, err);
    if (rc == QR_OK)
        send_hello(worker);
    return rc;
}

int qr_noop_fleet_start(const struct qr_noop_fleet_config *config, struct qr_noop_fleet **ret,
                        struct qr_err *err)
{
    struct qr_noop_fleet *fleet = calloc(1, sizeof *fleet);
    int rc = QR_OK;

    if (!fleet || !(fleet->workers = calloc(config->streams, sizeof *fleet->workers))) {
        free(fleet);
        return qr_fail(err, QR_E_NOMEM, "no memory for %u streams", config->streams);
    }
    fleet->config = *config;
    for (unsigned i = 0; i < config->streams; i++)
        pthread_mutex_init(&fleet->workers[i].mutex, NULL);
    for (unsigned i = 0; rc == QR_OK && i < CHANNELS; i++)
        rc = qr_rpc_channel_new(config->coordinator, NULL, &fleet->channels[i], err);
    for (unsigned i = 0; rc == QR_OK && i < config->streams; i++)
        rc = open_worker(fleet, i, err);
    if (rc < 0) {
        qr_noop_fleet_free(fleet);
        return rc;
    }
    *ret = fleet;
    return QR_OK;
}

void qr_noop_fleet_counts(const struct qr_noop_fleet *fleet, struct qr_noop_fleet_counts *ret)
{
    ret->offered = atomic_load(&fleet->offered);
    ret->committed = atomic_load(&fleet->committed);
    ret->duplicate = atomic_load(&fleet->duplicate);
    ret->stale = atomic_load(&fleet->stale);
    ret->other = atomic_load(&fleet->other);
    ret->welcomed = atomic_load(&fleet->welcomed);
    ret->closed = atomic_load(&fleet->closed);
    ret->offer_frames = atomic_load(&fleet->offer_frames);
    ret->ack_frames = atomic_load(&fleet->ack_frames);
}

void qr_noop_fleet_free(struct qr_noop_fleet *fleet)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Goodbye goodbye = QUARRY__V1__GOODBYE__INIT;

    if (!fleet)
        return;
    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    for (unsigned i = 0; i < fleet->config.streams; i++)
        if (fleet->workers[i].stream) {
            send_frame(&fleet->workers[i], &frame);
            qr_rpc_stream_finish(fleet->workers[i].stream, QR_OK, NULL);
        }
    for (int64_t until = qr_clock_ms() + 2000;
         atomic_load(&fleet->closed) < fleet->config.streams && qr_clock_ms() < until;)
        qr_clock_sleep_ms(10);
    for (unsigned i = 0; i < fleet->config.streams; i++)
        qr_rpc_stream_unref(fleet->workers[i].stream);
    for (unsigned i = 0; i < CHANNELS; i++)
        qr_rpc_channel_free(fleet->channels[i]);
    for (unsigned i = 0; i < fleet->config.streams; i++)
        pthread_mutex_destroy(&fleet->workers[i].mutex);
    free(fleet->workers);
    free(fleet);
}

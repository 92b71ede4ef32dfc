#include "cadbridge/sim/serve.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

#include "cadbridge/sim/answer.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/rpc/health.h"
#include "common/rpc/server.h"
#include "quarry/sim/v1/sim.pb-c.h"

#define SERVICE "quarry.creo.v1.Creo"

enum { CRASH_EXIT = 70, QUEUE_BYTES = 64 << 20, MESSAGE_BYTES = 16 << 20 };

/* One Extract call, until its stream is closed. */
struct call {
    struct call *prev, *next; /* in sim->calls, while it waits for its time */
    struct qr_sim *sim;
    struct qr_rpc_stream *stream; /* reference, while it waits */
    bool asked, waits;
    int64_t due_ms;
    enum qr_sim_fate fate;
    int status; /* of a failure */
    char message[200];
    struct qr_sim_answer answer;
};

struct qr_sim {
    struct qr_sim_config config;
    struct qr_sim_dice dice;
    struct qr_rpc_server *server;
    struct qr_rpc_health *health;
    int64_t serving_ms; /* from when on */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards what follows, and the list's calls */
    pthread_cond_t wake;
    struct call *calls; /* by time */
    bool serving, stop;
};

static void log_fate(const struct call *call, const char *model)
{
    static const char *const names[] = {"good",    "fail",  "half", "wrong_model",
                                        "garbage", "empty", "hang", "crash"};
    qr_log(QR_LOG_DEBUG, "sim.call", "model=\"%s\" fate=%s", model, names[call->fate]);
}

/* ---- answering, when the time has come */

static void send_garbage(struct call *call)
{
    static const uint8_t noise[] = {0xFF, 0xFF, 0xFF, 0x07, 'n', 'o', 't', ' ', 'a', 0x80};

    if (qr_rpc_stream_send(call->stream, QR_RPC_BULK, noise, sizeof noise) < 0) {
        /* the caller is gone */
    }
}

static void send_frames(struct call *call, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (qr_rpc_stream_send(call->stream, QR_RPC_BULK, call->answer.frames[i].data,
                               call->answer.frames[i].len) < 0)
            return;
}

static void let_go(struct call *call)
{
    size_t n = call->answer.n;

    if (call->fate == QR_SIM_CRASH) {
        qr_log(QR_LOG_WARN, "sim.crash", "detail=\"as asked by --crash-after\"");
        _exit(CRASH_EXIT);
    }
    if (call->fate == QR_SIM_GARBAGE)
        send_garbage(call);
    else if (call->fate == QR_SIM_HALF)
        send_frames(call, (n + 1) / 2);
    else if (call->fate == QR_SIM_GOOD || call->fate == QR_SIM_WRONG_MODEL)
        send_frames(call, n);
    qr_rpc_stream_finish(call->stream, call->fate == QR_SIM_FAIL ? call->status : QR_OK,
                         call->message);
}

static void wait_until(struct qr_sim *sim, int64_t due_ms)
{
    int64_t wait_ms = due_ms == INT64_MAX ? 3600000 : due_ms - qr_clock_ms();
    struct timespec until;

    wait_ms = wait_ms > 0 ? wait_ms : 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&sim->wake, &sim->lock, &until);
}

static void begin_serving(struct qr_sim *sim)
{
    sim->serving = true;
    qr_rpc_health_set(sim->health, "", true);
    qr_rpc_health_set(sim->health, SERVICE, true);
}

static void *run(void *arg)
{
    struct qr_sim *sim = arg;

    pthread_mutex_lock(&sim->lock);
    while (!sim->stop) {
        int64_t now = qr_clock_ms();
        struct call *call = sim->calls;
        if (!sim->serving && now >= sim->serving_ms)
            begin_serving(sim);
        if (!call || call->due_ms > now) {
            int64_t due = call ? call->due_ms : INT64_MAX;
            wait_until(sim, sim->serving || sim->serving_ms > due ? due : sim->serving_ms);
            continue;
        }
        DL_DELETE(sim->calls, call);
        call->waits = false;
        struct qr_rpc_stream *stream = call->stream;
        let_go(call); /* under the lock: without it, `closed` may free the call */
        pthread_mutex_unlock(&sim->lock);
        qr_rpc_stream_unref(stream);
        pthread_mutex_lock(&sim->lock);
    }
    pthread_mutex_unlock(&sim->lock);
    return NULL;
}

/* False: it has not started yet, and does not answer. */
static bool is_serving(struct qr_sim *sim)
{
    pthread_mutex_lock(&sim->lock);
    bool serving = sim->serving;
    pthread_mutex_unlock(&sim->lock);
    return serving;
}

/* ---- Extract */

static int by_time(const struct call *a, const struct call *b)
{
    return (a->due_ms > b->due_ms) - (a->due_ms < b->due_ms);
}

/* What is to be said; a failure to make it is said instead. */
static void prepare(struct call *call, Quarry__Creo__V1__ExtractRequest *request)
{
    struct qr_sim *sim = call->sim;
    struct qr_err err = {0};
    char other[] = "another_model.prt";

    if (call->fate == QR_SIM_FAIL) {
        snprintf(call->message, sizeof call->message, "the simulator fails as asked (%s)",
                 qr_sim_status_name(call->status));
        call->status = qr_err_from_grpc_status(call->status);
        return;
    }
    if (call->fate == QR_SIM_WRONG_MODEL)
        request->model = other;
    int rc = qr_sim_answer(request, sim->config.models, sim->config.seed, &call->answer, &err);
    if (rc < 0) {
        call->fate = QR_SIM_FAIL;
        call->status = rc;
        snprintf(call->message, sizeof call->message, "%s", err.msg);
    }
}

static void on_extract(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    struct qr_sim *sim = ctx;
    struct call *call = qr_rpc_stream_user(s);
    struct qr_sim_faults faults;
    Quarry__Creo__V1__ExtractRequest *request =
        quarry__creo__v1__extract_request__unpack(NULL, len, data);

    if (!request || !call || call->asked || request->model[0] == '\0') {
        qr_rpc_stream_finish(s, QR_E_INVALID, "one request that names a model is wanted");
        if (request)
            quarry__creo__v1__extract_request__free_unpacked(request, NULL);
        return;
    }
    call->asked = true;
    if (!is_serving(sim)) {
        qr_rpc_stream_finish(s, QR_E_UNREACHABLE, "the simulator is still starting");
        quarry__creo__v1__extract_request__free_unpacked(request, NULL);
        return;
    }
    call->fate = qr_sim_dice_throw(&sim->dice, &faults);
    call->status = faults.status;
    log_fate(call, request->model);
    char *model = request->model;
    prepare(call, request);
    request->model = model;
    quarry__creo__v1__extract_request__free_unpacked(request, NULL);
    if (call->fate == QR_SIM_HANG)
        return; /* until the caller loses patience */
    call->due_ms = qr_clock_ms() + faults.latency_ms;
    call->stream = qr_rpc_stream_ref(s);
    pthread_mutex_lock(&sim->lock);
    call->waits = true;
    DL_INSERT_INORDER(sim->calls, call, by_time);
    pthread_cond_signal(&sim->wake);
    pthread_mutex_unlock(&sim->lock);
}

static void on_open(void *ctx, struct qr_rpc_stream *s)
{
    struct call *call = calloc(1, sizeof *call);

    if (call)
        call->sim = ctx;
    qr_rpc_stream_set_user(s, call);
}

static void on_closed(void *ctx, struct qr_rpc_stream *s, int code, const char *message)
{
    struct qr_sim *sim = ctx;
    struct call *call = qr_rpc_stream_user(s);
    struct qr_rpc_stream *reference = NULL;
    (void)code;
    (void)message;

    if (!call)
        return;
    pthread_mutex_lock(&sim->lock);
    if (call->waits) {
        DL_DELETE(sim->calls, call);
        reference = call->stream;
    }
    pthread_mutex_unlock(&sim->lock);
    qr_rpc_stream_unref(reference);
    qr_sim_answer_done(&call->answer);
    free(call);
}

static const struct qr_rpc_stream_handler extract_handler = {
    .open = on_open, .message = on_extract, .closed = on_closed};

/* ---- GetInfo, Control */

static void reply(struct qr_rpc_call *call, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *data = malloc(len + 1);
    struct qr_err err = {0};

    if (data) {
        protobuf_c_message_pack(message, data);
        qr_rpc_call_reply(call, data, len);
    } else {
        qr_fail(&err, QR_E_NOMEM, "out of memory");
        qr_rpc_call_fail(call, &err);
    }
    free(data);
}

static void on_info(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    Quarry__Creo__V1__Info info = QUARRY__CREO__V1__INFO__INIT;
    struct qr_err err = {0};
    (void)request;
    (void)len;

    if (!is_serving(ctx)) {
        qr_fail(&err, QR_E_UNREACHABLE, "the simulator is still starting");
        qr_rpc_call_fail(call, &err);
        return;
    }
    info.service = (char *)"quarry-creo-sim " QUARRY_VERSION;
    info.creo_version = (char *)QR_SIM_CREO;
    info.sessions = 1;
    info.simulator = true;
    reply(call, &info.base);
}

static void answer_faults(struct qr_sim *sim, struct qr_rpc_call *call)
{
    Quarry__Sim__V1__Faults now = QUARRY__SIM__V1__FAULTS__INIT;
    struct qr_sim_faults faults = qr_sim_dice_get(&sim->dice, &now.calls, &now.failed);

    now.fail_rate = faults.fail_rate;
    now.status = (char *)(uintptr_t)qr_sim_status_name(faults.status);
    now.half_rate = faults.half_rate;
    now.wrong_model_rate = faults.wrong_model_rate;
    now.garbage_rate = faults.garbage_rate;
    now.empty_rate = faults.empty_rate;
    now.hang_rate = faults.hang_rate;
    now.latency_ms = (uint32_t)faults.latency_ms;
    reply(call, &now.base);
}

static void on_get_faults(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    (void)request;
    (void)len;
    answer_faults(ctx, call);
}

static void on_set_faults(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    struct qr_sim *sim = ctx;
    Quarry__Sim__V1__Faults *asked = quarry__sim__v1__faults__unpack(NULL, len, request);
    int status = asked && asked->status[0] ? qr_sim_status_of(asked->status) : 14;
    struct qr_err err = {0};

    if (!asked || status < 0) {
        qr_fail(&err, QR_E_INVALID, "no such status; hint: unavailable, internal, exhausted");
        qr_rpc_call_fail(call, &err);
    } else {
        const struct qr_sim_faults faults = {.fail_rate = asked->fail_rate,
                                             .status = status,
                                             .half_rate = asked->half_rate,
                                             .wrong_model_rate = asked->wrong_model_rate,
                                             .garbage_rate = asked->garbage_rate,
                                             .empty_rate = asked->empty_rate,
                                             .hang_rate = asked->hang_rate,
                                             .latency_ms = asked->latency_ms};
        qr_sim_dice_set(&sim->dice, &faults);
        qr_log(QR_LOG_INFO, "sim.faults", "fail_rate=%g hang_rate=%g half_rate=%g latency_ms=%u",
               faults.fail_rate, faults.hang_rate, faults.half_rate, asked->latency_ms);
        answer_faults(sim, call);
    }
    if (asked)
        quarry__sim__v1__faults__free_unpacked(asked, NULL);
}

/* ---- life */

static int add_methods(struct qr_sim *sim, struct qr_err *err)
{
    int rc =
        qr_rpc_server_add_stream(sim->server, "/" SERVICE "/Extract", &extract_handler, sim, err);
    if (rc == QR_OK)
        rc = qr_rpc_server_add_unary(sim->server, "/" SERVICE "/GetInfo", on_info, sim, err);
    if (rc == QR_OK)
        rc = qr_rpc_server_add_unary(sim->server, "/quarry.sim.v1.Control/GetFaults", on_get_faults,
                                     sim, err);
    if (rc == QR_OK)
        rc = qr_rpc_server_add_unary(sim->server, "/quarry.sim.v1.Control/SetFaults", on_set_faults,
                                     sim, err);
    if (rc == QR_OK)
        rc = qr_rpc_health_new(sim->server, &sim->health, err);
    return rc;
}

int qr_sim_new(const struct qr_sim_config *config, struct qr_sim **ret, struct qr_err *err)
{
    const struct qr_rpc_server_config server = {.listen = config->listen,
                                                .max_message_bytes = MESSAGE_BYTES,
                                                .max_queue_bytes = QUEUE_BYTES};
    struct qr_sim *fresh = calloc(1, sizeof *fresh);
    pthread_condattr_t attr;

    if (!fresh)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    fresh->config = *config;
    qr_sim_dice_init(&fresh->dice, &config->faults, config->seed, config->crash_after);
    pthread_mutex_init(&fresh->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&fresh->wake, &attr);
    pthread_condattr_destroy(&attr);
    fresh->serving_ms = qr_clock_ms() + config->slow_start_ms;
    QR_AUTO(qr_sim) sim = fresh;
    int rc = qr_rpc_server_new(&server, &sim->server, err);
    if (rc == QR_OK)
        rc = add_methods(sim, err);
    if (rc == QR_OK && config->slow_start_ms <= 0)
        begin_serving(sim);
    if (rc == QR_OK)
        rc = qr_rpc_server_start(sim->server, err);
    if (rc < 0)
        return rc;
    int error = pthread_create(&sim->thread, NULL, run, sim);
    if (error != 0)
        return qr_fail_errno(err, QR_E_LIMIT, error, "start a thread");
    sim->started = true;
    *ret = qr_steal(&sim);
    return QR_OK;
}

void qr_sim_free(struct qr_sim *sim)
{
    if (!sim)
        return;
    pthread_mutex_lock(&sim->lock);
    sim->stop = true;
    pthread_cond_signal(&sim->wake);
    pthread_mutex_unlock(&sim->lock);
    if (sim->started)
        pthread_join(sim->thread, NULL);
    if (sim->server)
        qr_rpc_server_stop(sim->server, 0);
    qr_rpc_server_free(sim->server);
    qr_rpc_health_free(sim->health);
    pthread_cond_destroy(&sim->wake);
    pthread_mutex_destroy(&sim->lock);
    free(sim);
}

const char *qr_sim_address(const struct qr_sim *sim) { return qr_rpc_server_address(sim->server); }

uint64_t qr_sim_calls(struct qr_sim *sim)
{
    uint64_t calls, spoilt;

    (void)qr_sim_dice_get(&sim->dice, &calls, &spoilt);
    return calls;
}

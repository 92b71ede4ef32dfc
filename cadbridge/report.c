#include "cadbridge/report.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/log.h"
#include "common/rpc/client.h"
#include "quarry/v1/bridge.pb-c.h"

enum { EVERY_MS = 1000, CALL_MS = 3000, EVENTS_AT_ONCE = 32, REPLY_BYTES = 64 << 10 };

struct qr_report {
    struct qr_gate *gate;
    const char *worker_id, *creo, *exports;
    char process[33];
    uint64_t stored; /* switches the coordinator has */
    bool refused;    /* said once in the log */
    atomic_bool ordered, interrupted;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    char address[300];
    bool moved, stop;
};

static char *said(const char *text) { return (char *)(uintptr_t)(text ? text : ""); }

static void fill_state(const struct qr_report *r, const struct qr_gate_view *view,
                       Quarry__V1__BridgeState *state)
{
    quarry__v1__bridge_state__init(state);
    state->worker_id = said(r->worker_id);
    state->process = said(r->process);
    state->creo = said(r->creo);
    state->exports = said(r->exports);
    state->service = said(view->what);
    state->mode = said(qr_gate_mode_text(view->mode));
    state->breaker = said(qr_breaker_state_text(view->state));
    state->since_ms = view->since_wall_ms;
    state->wait_ms = (uint64_t)view->wait_ms;
    state->calls = view->calls;
    state->faults = view->faults;
    state->lower = view->lower;
    state->threshold = view->threshold;
    state->calls_good = view->calls_good;
    state->calls_model = view->calls_model;
    state->calls_fault = view->calls_fault;
    state->by_grpc = view->ways[QR_GATE_WAY_GRPC];
    state->by_json = view->ways[QR_GATE_WAY_JSON];
    state->superseded = view->ways[QR_GATE_WAY_SUPERSEDED];
    state->waited = view->ways[QR_GATE_WAY_WAITED];
    state->failed = view->ways[QR_GATE_WAY_FAILED];
    state->switches = view->switches;
    state->last_fault = said(view->last_fault);
}

static void fill_switch(const struct qr_gate_event *event, Quarry__V1__BridgeSwitch *to)
{
    quarry__v1__bridge_switch__init(to);
    to->number = event->number;
    to->at_ms = event->at_wall_ms;
    to->what = said(event->mode ? "mode" : "breaker");
    to->before = said(event->from);
    to->after = said(event->to);
    to->why = said(event->why);
    to->calls = event->calls;
    to->faults = event->faults;
    to->cooldown_ms = (uint64_t)event->cooldown_ms;
}

/* The report, packed; NULL: out of memory. */
static uint8_t *pack(const struct qr_report *r, size_t *ret_len)
{
    Quarry__V1__BridgeReport report = QUARRY__V1__BRIDGE_REPORT__INIT;
    Quarry__V1__BridgeState state;
    Quarry__V1__BridgeSwitch switches[EVENTS_AT_ONCE];
    Quarry__V1__BridgeSwitch *pointers[EVENTS_AT_ONCE];
    struct qr_gate_event events[EVENTS_AT_ONCE];
    struct qr_gate_view view;

    qr_gate_look(r->gate, &view);
    fill_state(r, &view, &state);
    report.state = &state;
    report.n_switches = qr_gate_events(r->gate, r->stored, events, EVENTS_AT_ONCE);
    report.switches = pointers;
    for (size_t i = 0; i < report.n_switches; i++) {
        fill_switch(&events[i], &switches[i]);
        pointers[i] = &switches[i];
    }
    *ret_len = quarry__v1__bridge_report__get_packed_size(&report);
    uint8_t *data = malloc(*ret_len + 1);
    if (data)
        quarry__v1__bridge_report__pack(&report, data);
    return data;
}

static void obey(struct qr_report *r, const struct qr_buf *reply)
{
    Quarry__V1__BridgeOrders *orders =
        quarry__v1__bridge_orders__unpack(NULL, reply->len, reply->data);
    enum qr_gate_mode mode;

    if (!orders)
        return;
    if (qr_gate_mode_parse(orders->mode, &mode))
        qr_gate_set_mode(r->gate, mode, orders->by);
    r->stored = orders->stored > r->stored ? orders->stored : r->stored;
    quarry__v1__bridge_orders__free_unpacked(orders, NULL);
    atomic_store(&r->ordered, true);
}

static void report_once(struct qr_report *r, struct qr_rpc_channel *channel)
{
    struct qr_buf reply;
    struct qr_err err = {0};
    size_t len = 0;
    uint8_t *data = pack(r, &len);

    qr_buf_init(&reply, REPLY_BYTES);
    int rc =
        !data ? QR_E_NOMEM
              : qr_rpc_unary(channel, "/quarry.v1.Bridge/Report", data, len, CALL_MS, &reply, &err);
    if (rc == QR_OK)
        obey(r, &reply);
    if (rc == QR_E_UNSUPPORTED && !r->refused)
        qr_log(QR_LOG_WARN, "report.refused",
               "detail=\"the coordinator takes no reports of bridges: it is older than this\"");
    r->refused = rc == QR_E_UNSUPPORTED;
    if (r->refused)
        atomic_store(&r->ordered, true);
    qr_buf_done(&reply);
    free(data);
}

static struct qr_rpc_channel *connect_to(const struct qr_report *r, const char *address)
{
    const struct qr_rpc_channel_config config = {.interrupted = &r->interrupted};
    struct qr_rpc_channel *channel = NULL;
    struct qr_err err = {0};

    if (qr_rpc_channel_new(address, &config, &channel, &err) < 0)
        qr_log_err(QR_LOG_WARN, "report.channel", &err, "coordinator=%s", address);
    return channel;
}

static void pause_a_while(struct qr_report *r)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += EVERY_MS / 1000;
    while (!r->stop && !r->moved && pthread_cond_timedwait(&r->wake, &r->lock, &until) == 0) {
        /* woken, perhaps for nothing */
    }
}

static void *run(void *arg)
{
    struct qr_report *r = arg;
    struct qr_rpc_channel *channel = NULL;
    char address[sizeof r->address];

    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        bool moved = r->moved;
        r->moved = false;
        memcpy(address, r->address, sizeof address);
        pthread_mutex_unlock(&r->lock);
        if (moved) {
            qr_rpc_channel_free(channel);
            channel = connect_to(r, address);
        }
        if (channel)
            report_once(r, channel);
        pthread_mutex_lock(&r->lock);
        pause_a_while(r);
    }
    pthread_mutex_unlock(&r->lock);
    if (channel)
        report_once(r, channel); /* the last word */
    qr_rpc_channel_free(channel);
    return NULL;
}

int qr_report_new(struct qr_gate *gate, const char *worker_id, const char *creo,
                  const char *exports, struct qr_report **ret, struct qr_err *err)
{
    struct qr_report *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;
    uint8_t random[16];

    if (!r)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    r->gate = gate;
    r->worker_id = worker_id;
    r->creo = creo;
    r->exports = exports;
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        free(r);
        return qr_fail(err, QR_E_INTERNAL, "the system gives no random numbers");
    }
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(r->process + 2 * i, 3, "%02x", random[i]);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* somebody may set the other one */
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    int error = pthread_create(&r->thread, NULL, run, r);
    r->started = error == 0;
    if (error != 0) {
        qr_report_free(r);
        return qr_fail_errno(err, QR_E_LIMIT, error, "start a thread for reports");
    }
    *ret = r;
    return QR_OK;
}

void qr_report_free(struct qr_report *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (r->started)
        pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void qr_report_to(struct qr_report *r, const char *address)
{
    pthread_mutex_lock(&r->lock);
    r->moved = r->moved || strcmp(r->address, address) != 0;
    snprintf(r->address, sizeof r->address, "%s", address);
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

bool qr_report_is_ordered(struct qr_report *r) { return atomic_load(&r->ordered); }

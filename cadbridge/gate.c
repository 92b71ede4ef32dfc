#include "cadbridge/gate.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"

enum { ORDERED_WAIT_MS = 15000 /* by mode json: nothing says when it ends */ };

struct qr_gate {
    pthread_mutex_t lock; /* guards everything */
    struct qr_breaker breaker;
    struct qr_gate_view view;
    struct qr_gate_event events[QR_GATE_EVENTS_MAX]; /* number n is at n % MAX */
    uint64_t n_events;
};

int qr_gate_new(const struct qr_breaker_config *config, struct qr_gate **ret, struct qr_err *err)
{
    struct qr_gate *gate = calloc(1, sizeof *gate);

    if (!gate)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    pthread_mutex_init(&gate->lock, NULL);
    qr_breaker_init(&gate->breaker, config, qr_clock_ms());
    gate->view.threshold = gate->breaker.config.threshold;
    gate->view.since_wall_ms = qr_clock_wall_ms();
    *ret = gate;
    return QR_OK;
}

void qr_gate_free(struct qr_gate *gate)
{
    if (!gate)
        return;
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

/* ---- events; the lock is held */

static struct qr_gate_event *new_event(struct qr_gate *gate)
{
    struct qr_gate_event *event = &gate->events[++gate->n_events % QR_GATE_EVENTS_MAX];

    *event = (struct qr_gate_event){.number = gate->n_events, .at_wall_ms = qr_clock_wall_ms()};
    return event;
}

static void note_switches(struct qr_gate *gate)
{
    struct qr_breaker_switch s;

    while (qr_breaker_take_switch(&gate->breaker, &s)) {
        struct qr_gate_event *event = new_event(gate);
        snprintf(event->from, sizeof event->from, "%s", qr_breaker_state_text(s.from));
        snprintf(event->to, sizeof event->to, "%s", qr_breaker_state_text(s.to));
        snprintf(event->why, sizeof event->why, "%s", s.why);
        event->calls = s.calls;
        event->faults = s.faults;
        event->cooldown_ms = s.cooldown_ms;
        gate->view.switches++;
        gate->view.since_wall_ms = event->at_wall_ms;
        qr_log(s.to == QR_BREAKER_OPEN ? QR_LOG_WARN : QR_LOG_INFO, "cad.switch",
               "from=%s to=%s why=\"%s\" faults=%u calls=%u cooldown_ms=%" PRId64
               " last_fault=\"%s\"",
               event->from, event->to, event->why, s.faults, s.calls, s.cooldown_ms,
               s.to == QR_BREAKER_OPEN ? gate->view.last_fault : "");
    }
}

/* ---- asking */

void qr_gate_tested(struct qr_gate *gate, const char *what, const char *why)
{
    pthread_mutex_lock(&gate->lock);
    snprintf(gate->view.what, sizeof gate->view.what, "%s", what ? what : "");
    if (!what) {
        snprintf(gate->view.last_fault, sizeof gate->view.last_fault, "%s", why);
        qr_breaker_open(&gate->breaker, qr_clock_ms(), "not reachable at start");
    }
    note_switches(gate);
    pthread_mutex_unlock(&gate->lock);
}

bool qr_gate_ask(struct qr_gate *gate, struct qr_breaker_ticket *ret, int64_t *ret_wait_ms)
{
    bool may = true;

    pthread_mutex_lock(&gate->lock);
    int64_t now = qr_clock_ms();
    *ret = (struct qr_breaker_ticket){UINT64_MAX, false}; /* reported, it changes nothing */
    if (gate->view.mode == QR_GATE_JSON)
        may = false;
    else if (!qr_breaker_ask(&gate->breaker, now, ret))
        may = gate->view.mode == QR_GATE_GRPC;
    *ret_wait_ms =
        gate->view.mode == QR_GATE_JSON ? ORDERED_WAIT_MS : qr_breaker_wait_ms(&gate->breaker, now);
    note_switches(gate);
    pthread_mutex_unlock(&gate->lock);
    return may;
}

bool qr_gate_report(struct qr_gate *gate, struct qr_breaker_ticket ticket, enum qr_cad_blame blame,
                    const char *message, int64_t *ret_wait_ms)
{
    pthread_mutex_lock(&gate->lock);
    gate->view.calls_good += blame == QR_CAD_GOOD;
    gate->view.calls_model += blame == QR_CAD_MODEL;
    gate->view.calls_fault += blame == QR_CAD_SERVICE;
    if (blame == QR_CAD_GOOD && message[0])
        snprintf(gate->view.what, sizeof gate->view.what, "%s", message);
    if (blame == QR_CAD_SERVICE)
        snprintf(gate->view.last_fault, sizeof gate->view.last_fault, "%s", message);
    qr_breaker_report(&gate->breaker, ticket,
                      blame == QR_CAD_SERVICE    ? QR_BREAKER_FAULT
                      : blame == QR_CAD_GIVEN_UP ? QR_BREAKER_NOTHING
                                                 : QR_BREAKER_GOOD,
                      qr_clock_ms());
    note_switches(gate);
    bool usual = gate->breaker.state == QR_BREAKER_CLOSED;
    *ret_wait_ms = qr_breaker_wait_ms(&gate->breaker, qr_clock_ms());
    pthread_mutex_unlock(&gate->lock);
    return usual;
}

void qr_gate_count(struct qr_gate *gate, enum qr_gate_way way)
{
    pthread_mutex_lock(&gate->lock);
    gate->view.ways[way]++;
    pthread_mutex_unlock(&gate->lock);
}

enum qr_gate_mode qr_gate_mode(struct qr_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    enum qr_gate_mode mode = gate->view.mode;
    pthread_mutex_unlock(&gate->lock);
    return mode;
}

bool qr_gate_may_import(struct qr_gate *gate) { return qr_gate_mode(gate) != QR_GATE_GRPC; }

/* ---- operators */

void qr_gate_set_mode(struct qr_gate *gate, enum qr_gate_mode mode, const char *by)
{
    pthread_mutex_lock(&gate->lock);
    if (mode != gate->view.mode) {
        struct qr_gate_event *event = new_event(gate);
        event->mode = true;
        snprintf(event->from, sizeof event->from, "%s", qr_gate_mode_text(gate->view.mode));
        snprintf(event->to, sizeof event->to, "%s", qr_gate_mode_text(mode));
        snprintf(event->why, sizeof event->why, "ordered%s%s", by[0] ? " by " : "", by);
        gate->view.mode = mode;
        gate->view.mode_since_wall_ms = event->at_wall_ms;
        qr_log(QR_LOG_INFO, "cad.mode", "from=%s to=%s why=\"%s\"", event->from, event->to,
               event->why);
    }
    pthread_mutex_unlock(&gate->lock);
}

void qr_gate_look(struct qr_gate *gate, struct qr_gate_view *ret)
{
    pthread_mutex_lock(&gate->lock);
    int64_t now = qr_clock_ms();
    qr_breaker_tick(&gate->breaker, now);
    note_switches(gate);
    gate->view.state = gate->breaker.state;
    gate->view.wait_ms = qr_breaker_wait_ms(&gate->breaker, now);
    gate->view.calls = gate->breaker.n;
    gate->view.faults = gate->breaker.faults;
    gate->view.lower = qr_breaker_window_lower(&gate->breaker);
    *ret = gate->view;
    pthread_mutex_unlock(&gate->lock);
}

size_t qr_gate_events(struct qr_gate *gate, uint64_t after, struct qr_gate_event *ret, size_t max)
{
    size_t n = 0;

    pthread_mutex_lock(&gate->lock);
    if (gate->n_events > QR_GATE_EVENTS_MAX && after < gate->n_events - QR_GATE_EVENTS_MAX)
        after = gate->n_events - QR_GATE_EVENTS_MAX;
    while (n < max && after < gate->n_events)
        ret[n++] = gate->events[++after % QR_GATE_EVENTS_MAX];
    pthread_mutex_unlock(&gate->lock);
    return n;
}

const char *qr_gate_mode_text(enum qr_gate_mode mode)
{
    return mode == QR_GATE_GRPC ? "grpc" : mode == QR_GATE_JSON ? "json" : "auto";
}

bool qr_gate_mode_parse(const char *text, enum qr_gate_mode *ret)
{
    for (int mode = QR_GATE_AUTO; mode <= QR_GATE_JSON; mode++)
        if (strcmp(text, qr_gate_mode_text((enum qr_gate_mode)mode)) == 0) {
            *ret = (enum qr_gate_mode)mode;
            return true;
        }
    return false;
}

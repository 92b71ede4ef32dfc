/* cadbridge/gate.h
 *
 * Which way a model is to be brought: the breaker, what an operator ordered, and what was counted.
 * Shared by the threads that work on jobs and the one that reports; every function is thread-safe.
 * Each switch is a log line "cad.switch" and is kept for the next reports.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cadbridge/backend.h"
#include "cadbridge/breaker.h"

enum qr_gate_mode { QR_GATE_AUTO, QR_GATE_GRPC, QR_GATE_JSON };
enum qr_gate_way {
    QR_GATE_WAY_GRPC,
    QR_GATE_WAY_JSON,
    QR_GATE_WAY_SUPERSEDED,
    QR_GATE_WAY_WAITED, /* handed back until the service is there */
    QR_GATE_WAY_FAILED,
    QR_GATE_WAYS,
};

struct qr_gate;

/* A switch of breaker or mode. */
struct qr_gate_event {
    uint64_t number; /* from 1, in this process */
    int64_t at_wall_ms;
    char from[16], to[16]; /* states, or modes where `mode` */
    bool mode;
    uint32_t calls, faults;
    int64_t cooldown_ms;
    char why[128];
};
enum { QR_GATE_EVENTS_MAX = 64 }; /* not reported yet; the oldest go first */

struct qr_gate_view {
    enum qr_gate_mode mode;
    enum qr_breaker_state state;
    int64_t since_wall_ms;      /* in this state */
    int64_t mode_since_wall_ms; /* 0: from the start */
    int64_t wait_ms;            /* until a call may be made */
    uint32_t calls, faults;     /* in the window */
    double lower;               /* bound of the share of faults, 99 % */
    double threshold;
    uint64_t ways[QR_GATE_WAYS]; /* jobs by way */
    uint64_t calls_good, calls_model, calls_fault;
    uint64_t switches; /* of the breaker */
    char what[200];    /* what answers: "creo 10.0 at h:1"; "" until it has */
    char last_fault[200];
};

/** Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_gate_new(const struct qr_breaker_config *config, struct qr_gate **ret,
                              struct qr_err *err);
void qr_gate_free(struct qr_gate *gate);
QR_DEFINE_AUTO(qr_gate)

/** The service was tested: it is `what`, or NULL: start open. */
void qr_gate_tested(struct qr_gate *gate, const char *what, const char *why);

/** May the service be called for this job? Then *ret is to be reported once. False: *ret_wait_ms,
 *  how long the job had better wait when it has no other way. */
bool qr_gate_ask(struct qr_gate *gate, struct qr_breaker_ticket *ret, int64_t *ret_wait_ms);
/** `message`: of a good call what answered, else what went wrong. Returns whether the way is open
 *  to calls as usual now; *ret_wait_ms as qr_gate_ask(). */
bool qr_gate_report(struct qr_gate *gate, struct qr_breaker_ticket ticket, enum qr_cad_blame blame,
                    const char *message, int64_t *ret_wait_ms);
/** A job is done with, that way. */
void qr_gate_count(struct qr_gate *gate, enum qr_gate_way way);
enum qr_gate_mode qr_gate_mode(struct qr_gate *gate);
/** In mode grpc a failed call has no other way. */
bool qr_gate_may_import(struct qr_gate *gate);

/** What an operator orders; the same again changes nothing. */
void qr_gate_set_mode(struct qr_gate *gate, enum qr_gate_mode mode, const char *by);
void qr_gate_look(struct qr_gate *gate, struct qr_gate_view *ret);
/** Events numbered above `after`, oldest first, at most `max`; returns how many. */
size_t qr_gate_events(struct qr_gate *gate, uint64_t after, struct qr_gate_event *ret, size_t max);

const char *qr_gate_mode_text(enum qr_gate_mode mode);
bool qr_gate_mode_parse(const char *text, enum qr_gate_mode *ret);

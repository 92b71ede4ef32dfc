/* cadbridge/breaker.h
 *
 * The circuit breaker in front of the Creo service: whether a call may be made now.
 *
 *     CLOSED --too many faults--> OPEN --cool-down over--> HALF_OPEN --all probes pass--> CLOSED
 *                                  ^                           |
 *                                  `------ one probe fails ----'
 *
 * It opens on `in_a_row` faults, or when the lower Wilson bound of the share of faults among the
 * calls of the window (the last `window_calls`, none older than `window_ms`, at least `min_calls`)
 * passes the threshold. The bound is looked at after every fault, so one confidence for all looks
 * would be wrong: what one look promises, two thousand looks break. It is spread over the calls
 * since the breaker closed (QR_BREAKER_CONFIDENCE): 99.9 % at first, 95 % where the window is full
 * for the first time, 99.97 % from then on. Figures: docs/bridge.md, decisions.md.
 *
 * The cool-down doubles each time a probe fails, or the breaker opens again soon after it closed.
 *
 * Only faults of the service count. An answer that blames the model is a good one: the service
 * works. A call that was given up by us says nothing.
 *
 * No I/O, threads or clock: time is given, in milliseconds of any steady clock, never decreasing.
 * Not thread-safe. Source of the bound: E. B. Wilson, JASA 22 (1927).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
    QR_BREAKER_WINDOW_MAX = 256,
    QR_BREAKER_SWITCHES_MAX = 16,
};

/* {calls since it closed, z}: up to so many calls the bound has this one-sided normal quantile. */
#define QR_BREAKER_CONFIDENCE(X)       \
    X(39, 3.0902)         /* 99.9 % */ \
    X(60, 1.6449)         /* 95 % */   \
    X(UINT64_MAX, 3.4316) /* 99.97 % */

struct qr_breaker_config {   /* a zero takes the default */
    double threshold;        /* share of faults, 0 .. 1; 0.10 */
    uint32_t window_calls;   /* 50, at most QR_BREAKER_WINDOW_MAX */
    int64_t window_ms;       /* 60,000 */
    uint32_t min_calls;      /* 20 */
    uint32_t in_a_row;       /* 5 */
    uint32_t probes;         /* 3 */
    int64_t cooldown_ms;     /* 5,000, the first one */
    int64_t cooldown_max_ms; /* 300,000 */
};

enum qr_breaker_state { QR_BREAKER_CLOSED, QR_BREAKER_OPEN, QR_BREAKER_HALF_OPEN };

enum qr_breaker_outcome {
    QR_BREAKER_GOOD,    /* answered, also: the model cannot be had or read */
    QR_BREAKER_FAULT,   /* the service's own fault */
    QR_BREAKER_NOTHING, /* given up by us: says nothing */
};

struct qr_breaker_switch {
    enum qr_breaker_state from, to;
    int64_t at_ms;
    uint32_t calls, faults; /* in the window, or of the probes */
    double lower;           /* the bound */
    int64_t cooldown_ms;    /* to OPEN */
    char why[96];
};

struct qr_breaker {
    struct qr_breaker_config config;
    enum qr_breaker_state state;
    int64_t since_ms;    /* in this state */
    int64_t until_ms;    /* OPEN: end of the cool-down */
    int64_t cooldown_ms; /* the present or last one */
    uint64_t generation; /* counts switches: what was begun before one does not count behind it */
    uint64_t calls;      /* since it closed */
    uint32_t row;        /* faults in a row */
    uint32_t probing, passed;
    uint32_t first, n, faults; /* ring of the window */
    struct {
        int64_t at_ms;
        bool fault;
    } window[QR_BREAKER_WINDOW_MAX];
    struct qr_breaker_switch switches[QR_BREAKER_SWITCHES_MAX]; /* not taken yet; oldest go first */
    uint32_t n_switches;
};

/* Permission for one call, to be handed back with its outcome. */
struct qr_breaker_ticket {
    uint64_t generation;
    bool probe;
};

/** Closed. */
void qr_breaker_init(struct qr_breaker *b, const struct qr_breaker_config *config, int64_t now_ms);
/** Opens at once: the service cannot be reached at start, or an operator asks. Open already: the
 *  cool-down begins anew. */
void qr_breaker_open(struct qr_breaker *b, int64_t now_ms, const char *why);
/** Ends a cool-down: the next calls are probes. */
void qr_breaker_probe_now(struct qr_breaker *b, int64_t now_ms, const char *why);

/** May a call be made? True: *ret is to be given to qr_breaker_report() exactly once. */
bool qr_breaker_ask(struct qr_breaker *b, int64_t now_ms, struct qr_breaker_ticket *ret);
void qr_breaker_report(struct qr_breaker *b, struct qr_breaker_ticket ticket,
                       enum qr_breaker_outcome outcome, int64_t now_ms);
/** Let time pass: OPEN becomes HALF_OPEN, old calls leave the window. */
void qr_breaker_tick(struct qr_breaker *b, int64_t now_ms);

/** Milliseconds until a call may be made; 0: now. Where all probes are out: one second. */
int64_t qr_breaker_wait_ms(const struct qr_breaker *b, int64_t now_ms);

/** The next switch nobody has taken; false: none. */
bool qr_breaker_take_switch(struct qr_breaker *b, struct qr_breaker_switch *ret);

/** Lower bound of a share, `faults` of `calls` (at least 1) at the one-sided normal quantile z. */
double qr_breaker_lower(uint32_t faults, uint32_t calls, double z);
/** The same for the window as it is, at 99 %, for people to see; 0 while it is empty. */
#define QR_BREAKER_SHOWN_Z 2.3263
double qr_breaker_window_lower(const struct qr_breaker *b);
const char *qr_breaker_state_text(enum qr_breaker_state state);

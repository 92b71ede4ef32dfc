#include "cadbridge/breaker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    uint64_t calls;
    double z;
} confidence[] = {
#define QR_BREAKER_ROW(calls, z) {calls, z},
    QR_BREAKER_CONFIDENCE(QR_BREAKER_ROW)
#undef QR_BREAKER_ROW
};

static double quantile(uint64_t calls)
{
    size_t i = 0;

    while (calls > confidence[i].calls)
        i++;
    return confidence[i].z;
}

double qr_breaker_lower(uint32_t faults, uint32_t calls, double z)
{
    double n = calls;
    double p = faults / n;
    double zz = z * z;

    return (p + zz / (2 * n) - z * sqrt(p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n);
}

double qr_breaker_window_lower(const struct qr_breaker *b)
{
    return b->n > 0 ? qr_breaker_lower(b->faults, b->n, QR_BREAKER_SHOWN_Z) : 0;
}

const char *qr_breaker_state_text(enum qr_breaker_state state)
{
    return state == QR_BREAKER_CLOSED ? "closed" : state == QR_BREAKER_OPEN ? "open" : "half-open";
}

/* ---- the window */

static void drop_first(struct qr_breaker *b)
{
    b->faults -= b->window[b->first].fault;
    b->first = (b->first + 1) % QR_BREAKER_WINDOW_MAX;
    b->n--;
}

static void drop_old(struct qr_breaker *b, int64_t now_ms)
{
    while (b->n > 0 && now_ms - b->window[b->first].at_ms > b->config.window_ms)
        drop_first(b);
}

static void push(struct qr_breaker *b, bool fault, int64_t now_ms)
{
    if (b->n == b->config.window_calls)
        drop_first(b);
    uint32_t at = (b->first + b->n) % QR_BREAKER_WINDOW_MAX;
    b->window[at].at_ms = now_ms;
    b->window[at].fault = fault;
    b->n++;
    b->faults += fault;
}

/* ---- switching */

static void change(struct qr_breaker *b, enum qr_breaker_state to, int64_t now_ms, uint32_t calls,
                   uint32_t faults, const char *why)
{
    struct qr_breaker_switch *s;

    if (b->n_switches == QR_BREAKER_SWITCHES_MAX) {
        memmove(b->switches, b->switches + 1, sizeof b->switches - sizeof b->switches[0]);
        b->n_switches--;
    }
    s = &b->switches[b->n_switches++];
    *s = (struct qr_breaker_switch){
        .from = b->state,
        .to = to,
        .at_ms = now_ms,
        .calls = calls,
        .faults = faults,
        .lower = calls > 0 ? qr_breaker_lower(faults, calls, QR_BREAKER_SHOWN_Z) : 0,
        .cooldown_ms = to == QR_BREAKER_OPEN ? b->cooldown_ms : 0};
    snprintf(s->why, sizeof s->why, "%s", why);
    b->state = to;
    b->since_ms = now_ms;
    b->generation++;
    b->calls = 0;
    b->row = b->probing = b->passed = 0;
    b->first = b->n = b->faults = 0;
}

/* From CLOSED: doubled when that did not last twice as long as the cool-down before it. */
static void open_now(struct qr_breaker *b, bool flaps, int64_t now_ms, uint32_t calls,
                     uint32_t faults, const char *why)
{
    if (!flaps)
        b->cooldown_ms = b->config.cooldown_ms;
    else if (b->cooldown_ms < b->config.cooldown_max_ms / 2)
        b->cooldown_ms *= 2;
    else
        b->cooldown_ms = b->config.cooldown_max_ms;
    b->until_ms = now_ms + b->cooldown_ms;
    change(b, QR_BREAKER_OPEN, now_ms, calls, faults, why);
}

static bool flaps(const struct qr_breaker *b, int64_t now_ms)
{
    return b->generation > 0 && b->cooldown_ms > 0 && now_ms - b->since_ms < 2 * b->cooldown_ms;
}

void qr_breaker_init(struct qr_breaker *b, const struct qr_breaker_config *config, int64_t now_ms)
{
    memset(b, 0, sizeof *b);
    b->config = *config;
#define OR(field, value) (b->config.field = b->config.field > 0 ? b->config.field : (value))
    OR(threshold, 0.10);
    OR(window_calls, 50);
    OR(window_ms, 60000);
    OR(min_calls, 20);
    OR(in_a_row, 5);
    OR(probes, 3);
    OR(cooldown_ms, 5000);
    OR(cooldown_max_ms, 300000);
#undef OR
    if (b->config.window_calls > QR_BREAKER_WINDOW_MAX)
        b->config.window_calls = QR_BREAKER_WINDOW_MAX;
    b->since_ms = now_ms;
}

void qr_breaker_open(struct qr_breaker *b, int64_t now_ms, const char *why)
{
    if (b->state == QR_BREAKER_OPEN)
        b->until_ms = now_ms + b->cooldown_ms;
    else
        open_now(b, b->state == QR_BREAKER_HALF_OPEN || flaps(b, now_ms), now_ms, b->n, b->faults,
                 why);
}

void qr_breaker_probe_now(struct qr_breaker *b, int64_t now_ms, const char *why)
{
    if (b->state == QR_BREAKER_OPEN)
        change(b, QR_BREAKER_HALF_OPEN, now_ms, 0, 0, why);
}

void qr_breaker_tick(struct qr_breaker *b, int64_t now_ms)
{
    if (b->state == QR_BREAKER_OPEN && now_ms >= b->until_ms)
        change(b, QR_BREAKER_HALF_OPEN, now_ms, 0, 0, "the cool-down is over");
    drop_old(b, now_ms);
}

bool qr_breaker_ask(struct qr_breaker *b, int64_t now_ms, struct qr_breaker_ticket *ret)
{
    qr_breaker_tick(b, now_ms);
    if (b->state == QR_BREAKER_OPEN)
        return false;
    if (b->state == QR_BREAKER_HALF_OPEN) {
        if (b->probing + b->passed >= b->config.probes)
            return false;
        b->probing++;
    }
    *ret = (struct qr_breaker_ticket){b->generation, b->state == QR_BREAKER_HALF_OPEN};
    return true;
}

static void report_probe(struct qr_breaker *b, enum qr_breaker_outcome outcome, int64_t now_ms)
{
    uint32_t probes = b->config.probes;

    b->probing--;
    if (outcome == QR_BREAKER_NOTHING)
        return;
    b->passed += outcome == QR_BREAKER_GOOD;
    if (outcome == QR_BREAKER_FAULT)
        open_now(b, true, now_ms, b->passed + 1, 1, "a probe failed");
    else if (b->passed == probes)
        change(b, QR_BREAKER_CLOSED, now_ms, probes, 0, "all probes passed");
}

/* After a fault. */
static void judge(struct qr_breaker *b, int64_t now_ms)
{
    char why[96];
    double lower = b->n > 0 ? qr_breaker_lower(b->faults, b->n, quantile(b->calls)) : 0;

    if (b->row >= b->config.in_a_row) {
        snprintf(why, sizeof why, "%u faults in a row", b->row);
    } else if (b->n >= b->config.min_calls && lower > b->config.threshold) {
        snprintf(why, sizeof why, "%u of %u calls failed: surely more than %.3g %%", b->faults,
                 b->n, 100 * b->config.threshold);
    } else {
        return;
    }
    open_now(b, flaps(b, now_ms), now_ms, b->n, b->faults, why);
}

void qr_breaker_report(struct qr_breaker *b, struct qr_breaker_ticket ticket,
                       enum qr_breaker_outcome outcome, int64_t now_ms)
{
    if (ticket.generation != b->generation)
        return;
    if (ticket.probe) {
        report_probe(b, outcome, now_ms);
        return;
    }
    if (outcome == QR_BREAKER_NOTHING)
        return;
    drop_old(b, now_ms);
    push(b, outcome == QR_BREAKER_FAULT, now_ms);
    b->calls++;
    b->row = outcome == QR_BREAKER_FAULT ? b->row + 1 : 0;
    if (outcome == QR_BREAKER_FAULT)
        judge(b, now_ms);
}

int64_t qr_breaker_wait_ms(const struct qr_breaker *b, int64_t now_ms)
{
    if (b->state == QR_BREAKER_OPEN)
        return b->until_ms > now_ms ? b->until_ms - now_ms : 0;
    if (b->state == QR_BREAKER_HALF_OPEN && b->probing + b->passed >= b->config.probes)
        return 1000;
    return 0;
}

bool qr_breaker_take_switch(struct qr_breaker *b, struct qr_breaker_switch *ret)
{
    if (b->n_switches == 0)
        return false;
    *ret = b->switches[0];
    memmove(b->switches, b->switches + 1, sizeof b->switches - sizeof b->switches[0]);
    b->n_switches--;
    return true;
}

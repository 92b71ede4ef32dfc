#include "coordinator/service/bridges.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { SILENT_MS = 60000, NAME_BYTES = 128 };

struct bridge {
    char worker[NAME_BYTES];
    char mode[16], breaker[16];
    int64_t heard_ms;
    uint32_t calls, faults;
    double lower;
    uint64_t outcomes[3]; /* good, model, fault */
    uint64_t ways[5];     /* grpc, json, superseded, waited, failed */
    uint64_t switches;
};

struct qr_bridges {
    pthread_mutex_t lock; /* guards what follows */
    size_t n;
    struct bridge bridge[QR_BRIDGES_MAX];
};

struct qr_bridges *qr_bridges_new(void)
{
    struct qr_bridges *bridges = calloc(1, sizeof *bridges);

    if (bridges)
        pthread_mutex_init(&bridges->lock, NULL);
    return bridges;
}

void qr_bridges_free(struct qr_bridges *bridges)
{
    if (!bridges)
        return;
    pthread_mutex_destroy(&bridges->lock);
    free(bridges);
}

/* The lock is held. */
static void drop_silent(struct qr_bridges *bridges, int64_t now_ms)
{
    for (size_t i = 0; i < bridges->n;)
        if (now_ms - bridges->bridge[i].heard_ms > SILENT_MS)
            bridges->bridge[i] = bridges->bridge[--bridges->n];
        else
            i++;
}

static struct bridge *place_of(struct qr_bridges *bridges, const char *worker)
{
    for (size_t i = 0; i < bridges->n; i++)
        if (strcmp(bridges->bridge[i].worker, worker) == 0)
            return &bridges->bridge[i];
    return bridges->n < QR_BRIDGES_MAX ? &bridges->bridge[bridges->n++] : NULL;
}

void qr_bridges_put(struct qr_bridges *bridges, const Quarry__V1__BridgeState *state)
{
    struct bridge fresh = {
        .heard_ms = qr_clock_ms(),
        .calls = state->calls,
        .faults = state->faults,
        .lower = state->lower,
        .outcomes = {state->calls_good, state->calls_model, state->calls_fault},
        .ways = {state->by_grpc, state->by_json, state->superseded, state->waited, state->failed},
        .switches = state->switches,
    };

    snprintf(fresh.worker, sizeof fresh.worker, "%s", state->worker_id);
    snprintf(fresh.mode, sizeof fresh.mode, "%s", state->mode);
    snprintf(fresh.breaker, sizeof fresh.breaker, "%s", state->breaker);
    pthread_mutex_lock(&bridges->lock);
    drop_silent(bridges, fresh.heard_ms);
    struct bridge *place = place_of(bridges, fresh.worker);
    if (place)
        *place = fresh;
    pthread_mutex_unlock(&bridges->lock);
}

/* ------------------------------------------------------------------ metrics */

static void put_word(const struct qr_bridges *b, struct qr_metrics *out, const char *family,
                     const char *help, const char *label, bool mode, const char *const *words,
                     size_t n_words)
{
    qr_metrics_family(out, family, QR_METRIC_GAUGE, help);
    for (size_t i = 0; i < b->n; i++)
        for (size_t w = 0; w < n_words; w++) {
            const struct qr_label labels[] = {{"worker", b->bridge[i].worker}, {label, words[w]}};
            const char *is = mode ? b->bridge[i].mode : b->bridge[i].breaker;
            qr_metrics_u64(out, labels, QR_COUNT(labels), strcmp(is, words[w]) == 0);
        }
}

static void put_counts(const struct qr_bridges *b, struct qr_metrics *out)
{
    static const char *const outcomes[] = {"good", "model", "fault"};
    static const char *const ways[] = {"grpc", "json", "superseded", "waited", "failed"};

    qr_metrics_family(out, "quarry_cad_calls_total", QR_METRIC_COUNTER,
                      "calls of the Creo service, by whose fault nothing came");
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < QR_COUNT(outcomes); k++) {
            const struct qr_label labels[] = {{"worker", b->bridge[i].worker},
                                              {"outcome", outcomes[k]}};
            qr_metrics_u64(out, labels, QR_COUNT(labels), b->bridge[i].outcomes[k]);
        }
    qr_metrics_family(out, "quarry_cad_jobs_total", QR_METRIC_COUNTER,
                      "models by the way they came, or what became of them");
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < QR_COUNT(ways); k++) {
            const struct qr_label labels[] = {{"worker", b->bridge[i].worker}, {"way", ways[k]}};
            qr_metrics_u64(out, labels, QR_COUNT(labels), b->bridge[i].ways[k]);
        }
}

static void put_window(const struct qr_bridges *b, struct qr_metrics *out)
{
    qr_metrics_family(out, "quarry_cad_switches_total", QR_METRIC_COUNTER,
                      "switches of a bridge's breaker");
    for (size_t i = 0; i < b->n; i++) {
        const struct qr_label worker = {"worker", b->bridge[i].worker};
        qr_metrics_u64(out, &worker, 1, b->bridge[i].switches);
    }
    qr_metrics_family(out, "quarry_cad_window_calls", QR_METRIC_GAUGE,
                      "calls that a bridge's breaker looks at");
    for (size_t i = 0; i < b->n; i++) {
        const struct qr_label worker = {"worker", b->bridge[i].worker};
        qr_metrics_u64(out, &worker, 1, b->bridge[i].calls);
    }
    qr_metrics_family(out, "quarry_cad_window_faults", QR_METRIC_GAUGE,
                      "of these, faults of the service");
    for (size_t i = 0; i < b->n; i++) {
        const struct qr_label worker = {"worker", b->bridge[i].worker};
        qr_metrics_u64(out, &worker, 1, b->bridge[i].faults);
    }
}

void qr_bridges_metrics(struct qr_bridges *bridges, struct qr_metrics *out)
{
    static const char *const breakers[] = {"closed", "open", "half-open"};
    static const char *const modes[] = {"auto", "grpc", "json"};

    pthread_mutex_lock(&bridges->lock);
    drop_silent(bridges, qr_clock_ms());
    if (bridges->n > 0) {
        put_word(bridges, out, "quarry_cad_breaker", "1 for the state a bridge's breaker is in",
                 "state", false, breakers, QR_COUNT(breakers));
        put_word(bridges, out, "quarry_cad_mode", "1 for the mode a bridge works in", "mode", true,
                 modes, QR_COUNT(modes));
        put_counts(bridges, out);
        put_window(bridges, out);
    }
    pthread_mutex_unlock(&bridges->lock);
}

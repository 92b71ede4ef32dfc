/* coordinator/engine/budget.h
 *
 * Time budgets learned per job type and size class (rule 5).
 *
 * How long jobs took is counted in a small histogram per (type, size class). What this process saw
 * since the last merge (the delta) goes to the database, where all coordinators' are added up; what
 * comes back (the base) decides:
 *
 *     budget = 3 x p99, within 30 s .. 240 s; 300 s for Creo models; the upper bound with few
 * samples
 *
 * A job that ran out of its budget counts as having taken at least that long, so budgets grow when
 * they are too short and never spiral down. A budget moves only when it is more than a tenth off.
 * Histograms add up, and are halved when they hold many samples, so old jobs fade.
 *
 * Buckets: a quarter of an octave each, from 1 ms on. Thread-safe; no I/O, no clock.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "coordinator/engine/port.h"

enum {
    QR_BUDGET_BUCKETS = 88, /* up to 35 minutes */
    QR_BUDGET_SIZES = 6,
    QR_BUDGET_SAMPLES_MIN = 100,  /* fewer: the default */
    QR_BUDGET_SAMPLES_MAX = 5000, /* more: halved at the next merge */
};

struct qr_budgets;

/** NULL when out of memory. */
struct qr_budgets *qr_budgets_new(void);
void qr_budgets_free(struct qr_budgets *budgets);
QR_DEFINE_AUTO(qr_budgets)

/** Number of a size class, from 0, "size unknown". */
int qr_budget_size_class(uint64_t bytes);
/** "below 1 MiB" …; "" for no class. */
const char *qr_budget_size_text(int size_class);
/** What a duration counts in, and the longest duration that does. */
size_t qr_budget_bucket(uint64_t ms);
uint64_t qr_budget_bucket_ms(size_t bucket);

/* ---- hooks of the engine (engine.h); ctx is a struct qr_budgets */
void qr_budgets_get(void *ctx, qr_type_id type, uint64_t bytes, uint64_t *ret_budget_ms,
                    uint64_t *ret_progress_ms);
/** A job has ended: `timed_out` after its budget of budget_ms, or well after duration_ms. */
void qr_budgets_learn(void *ctx, qr_type_id type, uint64_t bytes, uint64_t duration_ms,
                      bool timed_out, uint64_t budget_ms);

/* ---- merging */
struct qr_budget_delta {
    qr_type_id type;
    int size_class;
    uint64_t buckets[QR_BUDGET_BUCKETS];
};
/** Take what was learned since the last time: calls `each` per (type, size class) with news, and
 *  forgets it. Add it back with qr_budgets_put_back() when it could not be stored. */
size_t qr_budgets_take(struct qr_budgets *budgets, struct qr_budget_delta *ret, size_t cap);
void qr_budgets_put_back(struct qr_budgets *budgets, const struct qr_budget_delta *deltas,
                         size_t n);

/* A row of the database. */
struct qr_budget_row {
    qr_type_id type;
    int size_class;
    uint64_t buckets[QR_BUDGET_BUCKETS];
    uint64_t seen;      /* jobs ever counted */
    uint64_t budget_ms; /* as stored; 0: none yet */
    int64_t changed_ms; /* since when, wall clock */
};
/** Take over a row. True when the budget should change: *ret_budget_ms (0: back to the default) and
 *  *ret_p99_ms say to what; it counts here once the row says so. */
bool qr_budgets_set(struct qr_budgets *budgets, const struct qr_budget_row *row,
                    uint64_t *ret_budget_ms, uint64_t *ret_p99_ms);

/* ---- looking in */
struct qr_budget_view {
    qr_type_id type;
    int size_class;
    uint64_t samples, seen;
    uint64_t p50_ms, p99_ms; /* 0: no samples */
    uint64_t budget_ms, progress_ms;
    uint64_t min_ms, max_ms; /* its bounds */
    bool learned;            /* otherwise the default, for want of samples */
    int64_t changed_ms;
};
void qr_budgets_look(struct qr_budgets *budgets, qr_type_id type, int size_class,
                     struct qr_budget_view *ret);
/** "learned from 1,240 jobs below 1 MiB, p99 12.3 s" …: why a budget is as it is. */
void qr_budget_why(const struct qr_budget_view *view, char *buf, size_t cap);

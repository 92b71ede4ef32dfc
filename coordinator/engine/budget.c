#include "coordinator/engine/budget.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/types.h"

enum {
    TOOL_MIN_MS = 30000,
    TOOL_MAX_MS = 240000,
    CREO_MS = 300000, /* the Creo service's own deadline */
    PROGRESS_MS = 120000,
    FACTOR = 3, /* of the p99 */
};

struct cell {
    uint64_t base[QR_BUDGET_BUCKETS];  /* all coordinators', as of the last merge */
    uint32_t delta[QR_BUDGET_BUCKETS]; /* this one's since then */
    bool has_news;
    uint64_t samples, seen, p50_ms, p99_ms;
    uint64_t budget_ms; /* learned; 0: none */
    int64_t changed_ms;
};

struct qr_budgets {
    pthread_mutex_t lock; /* guards all below */
    struct cell *cells[QR_TYPES_MAX][QR_BUDGET_SIZES];
};

static const struct {
    uint64_t below; /* bytes; 0: any */
    const char *text;
} sizes[QR_BUDGET_SIZES] = {
    {1, "of unknown size"},
    {(uint64_t)64 << 10, "below 64 KiB"},
    {(uint64_t)1 << 20, "below 1 MiB"},
    {(uint64_t)16 << 20, "below 16 MiB"},
    {(uint64_t)256 << 20, "below 256 MiB"},
    {0, "of 256 MiB and more"},
};

struct qr_budgets *qr_budgets_new(void)
{
    struct qr_budgets *budgets = calloc(1, sizeof *budgets);

    if (budgets)
        pthread_mutex_init(&budgets->lock, NULL);
    return budgets;
}

void qr_budgets_free(struct qr_budgets *budgets)
{
    if (!budgets)
        return;
    for (size_t t = 0; t < QR_TYPES_MAX; t++)
        for (size_t s = 0; s < QR_BUDGET_SIZES; s++)
            free(budgets->cells[t][s]);
    pthread_mutex_destroy(&budgets->lock);
    free(budgets);
}

/* ------------------------------------------------------------------ classes and buckets */

int qr_budget_size_class(uint64_t bytes)
{
    int i = 0;

    while (sizes[i].below != 0 && bytes >= sizes[i].below)
        i++;
    return i;
}

const char *qr_budget_size_text(int size_class)
{
    return size_class >= 0 && size_class < QR_BUDGET_SIZES ? sizes[size_class].text : "";
}

size_t qr_budget_bucket(uint64_t ms)
{
    if (ms < 4) /* whole milliseconds are coarser than quarters here */
        return ms == 0 ? 0 : ms == 1 ? 1 : ms == 2 ? 5 : 6;
    size_t octave = 63 - (size_t)__builtin_clzll(ms);
    size_t bucket = octave * 4 + (size_t)(ms >> (octave - 2) & 3);
    return bucket < QR_BUDGET_BUCKETS ? bucket : QR_BUDGET_BUCKETS - 1;
}

uint64_t qr_budget_bucket_ms(size_t bucket)
{
    size_t octave = bucket / 4;
    uint64_t quarters = bucket % 4 + 5; /* where it ends, in quarters of where its octave begins */

    if (bucket < 8)
        return bucket < 4 ? bucket > 0 : bucket < 6 ? 2 : 3;
    return (quarters << (octave - 2)) - 1;
}

static bool is_creo(qr_type_id type)
{
    const char *name = qr_type_name(type);
    return strcmp(name, "cad") == 0;
}

static void bounds(qr_type_id type, uint64_t *ret_min, uint64_t *ret_max)
{
    bool creo = is_creo(type);

    *ret_min = creo ? CREO_MS : TOOL_MIN_MS;
    *ret_max = creo ? CREO_MS : TOOL_MAX_MS;
}

/* ------------------------------------------------------------------ cells; the lock is held */

static struct cell *cell_of(struct qr_budgets *budgets, qr_type_id type, int size_class, bool make)
{
    if (type >= QR_TYPES_MAX || size_class < 0 || size_class >= QR_BUDGET_SIZES)
        return NULL;
    struct cell **cell = &budgets->cells[type][size_class];
    if (!*cell && make)
        *cell = calloc(1, sizeof **cell);
    return *cell;
}

static uint64_t quantile(const uint64_t *buckets, uint64_t samples, double q)
{
    uint64_t rank = (uint64_t)(q * (double)samples);
    uint64_t sum = 0;

    if (samples == 0)
        return 0;
    for (size_t i = 0; i < QR_BUDGET_BUCKETS; i++) {
        sum += buckets[i];
        if (sum > rank)
            return qr_budget_bucket_ms(i);
    }
    return qr_budget_bucket_ms(QR_BUDGET_BUCKETS - 1);
}

void qr_budgets_get(void *ctx, qr_type_id type, uint64_t bytes, uint64_t *ret_budget_ms,
                    uint64_t *ret_progress_ms)
{
    struct qr_budgets *budgets = ctx;
    uint64_t min, max;

    bounds(type, &min, &max);
    pthread_mutex_lock(&budgets->lock);
    const struct cell *cell = cell_of(budgets, type, qr_budget_size_class(bytes), false);
    *ret_budget_ms = cell && cell->budget_ms > 0 ? cell->budget_ms : max;
    pthread_mutex_unlock(&budgets->lock);
    if (*ret_budget_ms < min || *ret_budget_ms > max) /* a row that somebody wrote by hand */
        *ret_budget_ms = *ret_budget_ms < min ? min : max;
    *ret_progress_ms = *ret_budget_ms < PROGRESS_MS ? *ret_budget_ms : PROGRESS_MS;
}

void qr_budgets_learn(void *ctx, qr_type_id type, uint64_t bytes, uint64_t duration_ms,
                      bool timed_out, uint64_t budget_ms)
{
    struct qr_budgets *budgets = ctx;

    if (timed_out && duration_ms < budget_ms)
        duration_ms = budget_ms;
    pthread_mutex_lock(&budgets->lock);
    struct cell *cell = cell_of(budgets, type, qr_budget_size_class(bytes), true);
    if (cell) {
        cell->delta[qr_budget_bucket(duration_ms)]++;
        cell->has_news = true;
    }
    pthread_mutex_unlock(&budgets->lock);
}

/* ------------------------------------------------------------------ merging */

size_t qr_budgets_take(struct qr_budgets *budgets, struct qr_budget_delta *ret, size_t cap)
{
    size_t n = 0;

    pthread_mutex_lock(&budgets->lock);
    for (size_t t = 0; t < QR_TYPES_MAX; t++)
        for (int s = 0; s < QR_BUDGET_SIZES && n < cap; s++) {
            struct cell *cell = budgets->cells[t][s];
            if (!cell || !cell->has_news)
                continue;
            ret[n].type = (qr_type_id)t;
            ret[n].size_class = s;
            for (size_t i = 0; i < QR_BUDGET_BUCKETS; i++)
                ret[n].buckets[i] = cell->delta[i];
            memset(cell->delta, 0, sizeof cell->delta);
            cell->has_news = false;
            n++;
        }
    pthread_mutex_unlock(&budgets->lock);
    return n;
}

void qr_budgets_put_back(struct qr_budgets *budgets, const struct qr_budget_delta *deltas, size_t n)
{
    pthread_mutex_lock(&budgets->lock);
    for (size_t k = 0; k < n; k++) {
        struct cell *cell = cell_of(budgets, deltas[k].type, deltas[k].size_class, true);
        for (size_t i = 0; cell && i < QR_BUDGET_BUCKETS; i++)
            cell->delta[i] += (uint32_t)deltas[k].buckets[i];
        if (cell)
            cell->has_news = true;
    }
    pthread_mutex_unlock(&budgets->lock);
}

/* What the samples say; 0: too few. */
static uint64_t budget_of(const struct cell *cell, qr_type_id type)
{
    uint64_t min, max;
    uint64_t budget = (cell->p99_ms * FACTOR + 999) / 1000 * 1000;

    if (cell->samples < QR_BUDGET_SAMPLES_MIN)
        return 0;
    bounds(type, &min, &max);
    return budget < min ? min : budget > max ? max : budget;
}

bool qr_budgets_set(struct qr_budgets *budgets, const struct qr_budget_row *row,
                    uint64_t *ret_budget_ms, uint64_t *ret_p99_ms)
{
    bool moves = false;

    pthread_mutex_lock(&budgets->lock);
    struct cell *cell = cell_of(budgets, row->type, row->size_class, true);
    if (cell) {
        cell->samples = 0;
        for (size_t i = 0; i < QR_BUDGET_BUCKETS; i++)
            cell->samples += cell->base[i] = row->buckets[i];
        cell->seen = row->seen;
        cell->p50_ms = quantile(cell->base, cell->samples, 0.50);
        cell->p99_ms = quantile(cell->base, cell->samples, 0.99);
        cell->budget_ms = row->budget_ms;
        cell->changed_ms = row->changed_ms;
        uint64_t next = budget_of(cell, row->type);
        uint64_t now = row->budget_ms;
        uint64_t off = next > now ? next - now : now - next;
        moves = now == 0 || next == 0 ? next != now : off * 10 > now;
        *ret_budget_ms = next;
        *ret_p99_ms = cell->p99_ms;
    }
    pthread_mutex_unlock(&budgets->lock);
    return moves;
}

/* ------------------------------------------------------------------ looking in */

void qr_budgets_look(struct qr_budgets *budgets, qr_type_id type, int size_class,
                     struct qr_budget_view *ret)
{
    uint64_t bytes = UINT64_MAX;

    *ret = (struct qr_budget_view){.type = type, .size_class = size_class};
    bounds(type, &ret->min_ms, &ret->max_ms);
    if (size_class < QR_BUDGET_SIZES - 1)
        bytes = size_class > 0 ? sizes[size_class].below - 1 : 0;
    qr_budgets_get(budgets, type, bytes, &ret->budget_ms, &ret->progress_ms);
    pthread_mutex_lock(&budgets->lock);
    const struct cell *cell = cell_of(budgets, type, size_class, false);
    if (cell) {
        ret->samples = cell->samples;
        ret->seen = cell->seen;
        ret->p50_ms = cell->p50_ms;
        ret->p99_ms = cell->p99_ms;
        ret->learned = cell->budget_ms > 0;
        ret->changed_ms = cell->changed_ms;
    }
    pthread_mutex_unlock(&budgets->lock);
}

void qr_budget_why(const struct qr_budget_view *view, char *buf, size_t cap)
{
    const char *size = qr_budget_size_text(view->size_class);
    const char *type = qr_type_name(view->type);
    const char *bound = view->budget_ms == view->min_ms   ? ", at its lower bound"
                        : view->budget_ms == view->max_ms ? ", at its upper bound"
                                                          : "";

    if (view->min_ms == view->max_ms)
        snprintf(buf, cap, "fixed for %s jobs", type);
    else if (view->learned)
        snprintf(buf, cap, "learned from %" PRIu64 " %s jobs %s, p99 %.*f s%s", view->samples, type,
                 size, view->p99_ms < 1000 ? 3 : 1, (double)view->p99_ms / 1000, bound);
    else
        snprintf(buf, cap, "default: %" PRIu64 " %s jobs %s are known, %d are needed",
                 view->samples, type, size, QR_BUDGET_SAMPLES_MIN);
}

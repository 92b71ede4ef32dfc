/* A binary heap of timers, the earliest on top; each knows its place, so moving one is O(log n). */
#include "coordinator/engine/internal.h"

static void put(struct qr_engine *engine, size_t i, struct qr_eng_timer *timer)
{
    engine->heap[i] = timer;
    timer->pos = i + 1;
}

static void sift_up(struct qr_engine *engine, size_t i)
{
    struct qr_eng_timer *timer = engine->heap[i];

    while (i > 0 && engine->heap[(i - 1) / 2]->at > timer->at) {
        put(engine, i, engine->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(engine, i, timer);
}

static void sift_down(struct qr_engine *engine, size_t i)
{
    struct qr_eng_timer *timer = engine->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= engine->n_heap)
            break;
        if (child + 1 < engine->n_heap && engine->heap[child + 1]->at < engine->heap[child]->at)
            child++;
        if (engine->heap[child]->at >= timer->at)
            break;
        put(engine, i, engine->heap[child]);
        i = child;
    }
    put(engine, i, timer);
}

void qr_eng_timer_arm(struct qr_engine *engine, struct qr_eng_timer *timer, int64_t at)
{
    int64_t before = timer->at;

    timer->at = at;
    if (!timer->pos) {
        qr_eng_reserve((void **)&engine->heap, &engine->cap_heap, engine->n_heap + 1,
                       sizeof(struct qr_eng_timer *));
        put(engine, engine->n_heap++, timer);
        sift_up(engine, timer->pos - 1);
    } else if (at < before) {
        sift_up(engine, timer->pos - 1);
    } else if (at > before) {
        sift_down(engine, timer->pos - 1);
    }
}

void qr_eng_timer_cancel(struct qr_engine *engine, struct qr_eng_timer *timer)
{
    size_t i = timer->pos - 1;
    struct qr_eng_timer *last;

    if (!timer->pos)
        return;
    timer->pos = 0;
    last = engine->heap[--engine->n_heap];
    if (last == timer)
        return;
    put(engine, i, last);
    sift_up(engine, i);
    sift_down(engine, last->pos - 1);
}

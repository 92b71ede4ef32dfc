/* The engine as a whole: its life, its time, and looking in. */
#include "coordinator/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "coordinator/engine/internal.h"

#ifdef QR_ENGINE_MUTATIONS
enum qr_engine_mutation qr_engine_mutation;
#endif

void *qr_eng_alloc(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);

    if (!memory) {
        fprintf(stderr, "engine: out of memory\n");
        abort();
    }
    return memory;
}

void qr_eng_reserve(void **array, size_t *cap, size_t need, size_t size)
{
    size_t grown = *cap ? *cap : 16;
    void *memory;

    if (need <= *cap)
        return;
    while (grown < need)
        grown *= 2;
    memory = qr_eng_alloc(grown, size);
    if (*cap)
        memcpy(memory, *array, *cap * size);
    free(*array);
    *array = memory;
    *cap = grown;
}

int64_t qr_eng_next_backoff(int64_t backoff_ms)
{
    if (backoff_ms == 0)
        return QR_ENG_BACKOFF_MIN_MS;
    return backoff_ms >= QR_ENG_BACKOFF_MAX_MS / 2 ? QR_ENG_BACKOFF_MAX_MS : backoff_ms * 2;
}

struct qr_engine *qr_engine_new(const struct qr_engine_config *config,
                                const struct qr_engine_port *port)
{
    struct qr_engine *engine = calloc(1, sizeof *engine);

    if (!engine)
        return NULL;
    engine->config = *config;
    engine->port = *port;
    if (!engine->config.ttl_ms)
        engine->config.ttl_ms = 8000;
    if (!engine->config.offer_timeout_ms)
        engine->config.offer_timeout_ms = 5000;
    if (!engine->config.poll_ms)
        engine->config.poll_ms = 1000;
    if (!engine->config.claim_max)
        engine->config.claim_max = 128;
    if (!engine->config.sessions_max)
        engine->config.sessions_max = 32768;
    if (!engine->config.stop_grace_ms)
        engine->config.stop_grace_ms = 1000;
    if (!engine->config.stop_fence_ms)
        engine->config.stop_fence_ms = 2000;
    if (!engine->config.mirror_after_ms)
        engine->config.mirror_after_ms = 2000;
    return engine;
}

void qr_engine_free(struct qr_engine *engine)
{
    struct qr_eng_stream *stream, *next_stream;
    struct qr_eng_session *session, *next_session;
    struct qr_eng_greeting *greeting, *next_greeting;
    struct qr_eng_return *request, *next_request;
    struct qr_eng_lease *lease;

    if (!engine)
        return;
    HASH_ITER (hh, engine->greetings, greeting, next_greeting) {
        HASH_DEL(engine->greetings, greeting);
        free(greeting->hello);
        free(greeting);
    }
    HASH_ITER (hh, engine->sessions, session, next_session) {
        if (session->waiting) {
            free(session->waiting->hello);
            free(session->waiting);
        }
        qr_eng_session_free(engine, session);
    }
    HASH_ITER (hh, engine->streams, stream, next_stream) {
        HASH_DEL(engine->streams, stream);
        free(stream);
    }
    HASH_ITER (hh, engine->returns, request, next_request)
        qr_eng_return_free(engine, request);
    while ((lease = engine->free_leases)) {
        engine->free_leases = lease->next;
        free(lease);
    }
    free(engine->heap);
    free(engine->refs);
    free(engine->drop);
    free(engine);
}

/* ------------------------------------------------------------------ time */

void qr_engine_set_now(struct qr_engine *engine, int64_t now_ms)
{
    if (!engine->started) {
        engine->started = true;
        engine->now = now_ms;
        qr_eng_watch_start(engine);
    }
    if (now_ms < engine->now)
        return;
    if (now_ms - engine->now > engine->config.ttl_ms / 4)
        engine->watch_from = engine->stalled_until = now_ms; /* nobody was listening */
    engine->now = now_ms;
    qr_eng_watch_wake(engine);
}

void qr_engine_timers(struct qr_engine *engine)
{
    /* A timer that fires arms itself later than now or not at all; the bound is for our mistakes.
     */
    size_t left = 4 * engine->n_heap + 64;

    while (engine->n_heap && engine->heap[0]->at <= engine->now && left-- > 0) {
        struct qr_eng_timer *timer = engine->heap[0];
        qr_eng_timer_cancel(engine, timer);
        timer->fire(engine, timer);
    }
}

int64_t qr_engine_next_deadline(const struct qr_engine *engine)
{
    int64_t tick = engine->now + engine->config.ttl_ms / 8; /* so that a gap is a stall */

    if (engine->n_heap && engine->heap[0]->at < tick)
        return engine->heap[0]->at;
    return tick;
}

/* ------------------------------------------------------------------ operators */

int qr_engine_drain_worker(struct qr_engine *engine, const char *worker_id, uint32_t grace_ms)
{
    struct qr_eng_session *session, *next;
    int leases = -1;

    HASH_ITER (hh, engine->sessions, session, next) {
        if (strcmp(session->worker_id, worker_id) != 0 || session->gone_at)
            continue;
        leases = (leases < 0 ? 0 : leases) + (int)session->n_leases;
        session->draining = true;
        session->drain_grace_ms = grace_ms;
        if (session->stream)
            engine->port.drain(engine->port.ctx, session->stream->id, ++session->stream->seq,
                               grace_ms, false);
        qr_eng_session_arm(engine, session);
    }
    return leases;
}

void qr_engine_shutdown(struct qr_engine *engine)
{
    struct qr_eng_session *session, *next;

    if (engine->stopping)
        return;
    engine->stopping = true;
    HASH_ITER (hh, engine->sessions, session, next) {
        if (session->stream)
            engine->port.restarting(engine->port.ctx, session->stream->id, ++session->stream->seq);
        qr_eng_session_arm(engine, session);
    }
}

bool qr_engine_is_idle(const struct qr_engine *engine)
{
    return HASH_COUNT(engine->greetings) == 0 && HASH_COUNT(engine->returns) == 0 &&
           engine->claims_in_flight == 0 && engine->settles_in_flight == 0 &&
           engine->checkpoints_in_flight == 0;
}

/* ------------------------------------------------------------------ looking in */

static const char *status_of(const struct qr_engine *engine, const struct qr_eng_session *session)
{
    if (session->stream)
        return session->draining ? "draining" : "connected";
    if (session->n_leases || session->greeting ||
        (session->attach && engine->now - session->heard_at < engine->config.ttl_ms))
        return "silent";
    return "gone";
}

static uint32_t running_of(const struct qr_eng_session *session)
{
    const struct qr_eng_lease *lease;
    uint32_t n = 0;

    DL_FOREACH (session->leases, lease)
        n += lease->phase == QR_PHASE_FETCHING || lease->phase == QR_PHASE_RUNNING;
    return n;
}

static int by_worker(const void *a, const void *b)
{
    const struct qr_eng_session *const *left = a, *const *right = b;
    int order = strcmp((*left)->worker_id, (*right)->worker_id);

    if (order)
        return order;
    return (*left)->pk < (*right)->pk ? -1 : (*left)->pk > (*right)->pk;
}

static void view_session(const struct qr_engine *engine, const struct qr_eng_session *session,
                         struct qr_session_view *ret)
{
    const struct qr_hello *info = session->info;

    *ret = (struct qr_session_view){
        .worker_id = session->worker_id,
        .host = info ? info->host : "",
        .os = info ? info->os : "",
        .version = info ? info->version : "",
        .session_pk = session->pk,
        .status = status_of(engine, session),
        .slots = info ? info->slots : 0,
        .leases = session->n_leases,
        .running = running_of(session),
        .heard_ms_ago = engine->now - session->heard_at,
        .load = session->load,
        .rss_bytes = session->rss_bytes,
        .disk_free_bytes = session->disk_free_bytes,
        .completed = session->completed,
        .failed = session->failed,
        .stream = session->stream ? session->stream->id : 0,
        .types = info ? info->types : NULL,
        .n_types = info ? info->n_types : 0,
        .roots = info ? info->roots : NULL,
        .n_roots = info ? info->n_roots : 0,
    };
    memcpy(ret->session, session->id, sizeof ret->session);
}

void qr_engine_each_session(const struct qr_engine *engine,
                            void (*each)(void *ctx, const struct qr_session_view *view), void *ctx)
{
    size_t n = 0;
    struct qr_eng_session **sorted = qr_eng_alloc(HASH_COUNT(engine->sessions), sizeof *sorted);

    for (struct qr_eng_session *s = engine->sessions; s; s = s->hh.next)
        sorted[n++] = s;
    qsort(sorted, n, sizeof *sorted, by_worker);
    for (size_t i = 0; i < n; i++) {
        struct qr_session_view view;
        view_session(engine, sorted[i], &view);
        each(ctx, &view);
    }
    free(sorted);
}

void qr_engine_get_stats(const struct qr_engine *engine, struct qr_engine_stats *ret)
{
    *ret = engine->stats;
    ret->sessions_known = HASH_COUNT(engine->sessions);
    ret->sessions_connected = 0;
    ret->slots = 0;
    ret->renewed = engine->started && !engine->lapsed;
    for (const struct qr_eng_session *s = engine->sessions; s; s = s->hh.next) {
        if (!s->stream)
            continue;
        ret->sessions_connected++;
        ret->slots += s->info ? s->info->slots : 0;
    }
    ret->pages_done = 0;
    ret->pages_total = 0;
    for (const struct qr_eng_lease *lease = engine->leases; lease; lease = lease->hh.next) {
        ret->pages_done += lease->done;
        ret->pages_total += lease->total;
    }
}

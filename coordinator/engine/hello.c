/* A Hello's way: copied, through the database (one at a time per session), installed in memory. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ a copy in one block */

struct block {
    char *base; /* NULL: only count */
    size_t used;
};

static void *put(struct block *block, const void *from, size_t size)
{
    char *to = block->base ? block->base + block->used : NULL;

    if (to && size)
        memcpy(to, from, size);
    block->used += (size + 7) / 8 * 8;
    return to;
}

static const char *put_str(struct block *block, const char *text)
{
    return put(block, text ? text : "", strlen(text ? text : "") + 1);
}

static struct qr_hello *fill(struct block *block, const struct qr_hello *from)
{
    struct qr_hello to = *from;
    struct qr_hello *made = put(block, from, sizeof *from);
    const char **roots = put(block, from->roots, from->n_roots * sizeof *roots);

    to.roots = roots;
    for (size_t i = 0; i < from->n_roots; i++) {
        const char *root = put_str(block, from->roots[i]);
        if (roots)
            roots[i] = root;
    }
    to.worker_id = put_str(block, from->worker_id);
    to.host = put_str(block, from->host);
    to.os = put_str(block, from->os);
    to.arch = put_str(block, from->arch);
    to.version = put_str(block, from->version);
    to.labels_json = put_str(block, from->labels_json ? from->labels_json : "{}");
    to.types = put(block, from->types, from->n_types * sizeof *from->types);
    to.received = put(block, from->received, from->n_received * sizeof *from->received);
    to.running = put(block, from->running, from->n_running * sizeof *from->running);
    to.spooled = put(block, from->spooled, from->n_spooled * sizeof *from->spooled);
    to.earlier_starts =
        put(block, from->earlier_starts, from->n_earlier_starts * sizeof *from->earlier_starts);
    to.credits.per_type = put(block, from->credits.per_type,
                              from->credits.n_per_type * sizeof *from->credits.per_type);
    if (made)
        *made = to;
    return made;
}

struct qr_hello *qr_eng_hello_copy(const struct qr_hello *hello)
{
    struct block block = {0};

    (void)fill(&block, hello);
    block.base = qr_eng_alloc(1, block.used);
    block.used = 0;
    return fill(&block, hello);
}

/* ------------------------------------------------------------------ asking */

static void greeting_free(struct qr_eng_greeting *greeting)
{
    free(greeting->hello);
    free(greeting);
}

static void submit(struct qr_engine *engine, struct qr_eng_greeting *greeting)
{
    struct qr_db_hello request = {.hello = greeting->hello, .recover = greeting->recover};

    greeting->token = request.token = ++engine->last_token;
    greeting->session->greeting = greeting;
    HASH_ADD(hh, engine->greetings, token, sizeof greeting->token, greeting);
    engine->port.db_hello(engine->port.ctx, &request);
}

void qr_eng_hello_send(struct qr_engine *engine, struct qr_eng_session *session,
                       struct qr_eng_stream *stream, const struct qr_hello *hello, bool recover)
{
    struct qr_eng_greeting *greeting = qr_eng_alloc(1, sizeof *greeting);

    greeting->session = session;
    greeting->stream = stream;
    greeting->recover = recover;
    greeting->hello = qr_eng_hello_copy(hello);
    qr_eng_credit_grant(&greeting->granted, &hello->credits, true);
    if (stream) {
        stream->state = QR_STREAM_GREETING;
        stream->session = session;
        stream->greeting = greeting;
    }
    if (session->greeting)
        session->waiting = greeting;
    else
        submit(engine, greeting);
}

void qr_eng_hello_forget_stream(struct qr_engine *engine, struct qr_eng_stream *stream)
{
    struct qr_eng_greeting *greeting = stream->greeting;

    (void)engine;
    if (!greeting)
        return;
    stream->greeting = NULL;
    greeting->stream = NULL;
    if (greeting->session->waiting == greeting) {
        greeting->session->waiting = NULL;
        greeting_free(greeting);
    }
}

void qr_engine_hello(struct qr_engine *engine, uint64_t id, const struct qr_hello *hello)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);
    struct qr_eng_session *session;

    if (!stream || stream->state == QR_STREAM_LEFT)
        return;
    if (stream->state != QR_STREAM_OPEN) {
        qr_eng_stream_end(engine, stream, QR_END_PROTOCOL, 0, "a second Hello on one stream");
        return;
    }
    if (!hello->worker_id || !hello->worker_id[0]) {
        qr_eng_stream_end(engine, stream, QR_END_PROTOCOL, 0, "a Hello without a worker id");
        return;
    }
    session = NULL;
    if (!engine->lapsed && !engine->stopping) {
        session = qr_eng_session_find(engine, hello->session);
        if (!session && qr_eng_session_room(engine))
            session = qr_eng_session_new(engine, hello->session, hello->worker_id);
    }
    if (!session) {
        engine->stats.sessions_refused++;
        qr_eng_stream_end(engine, stream, QR_END_NOT_RENEWED, 0,
                          engine->stopping ? "this coordinator stops"
                          : engine->lapsed ? "this coordinator cannot reach its database"
                                           : "too many sessions on this coordinator");
        return;
    }

    if (hello->stream_number > 0 && hello->stream_number <= session->stream_number) {
        engine->stats.sessions_refused++;
        qr_eng_stream_end(engine, stream, QR_END_NOT_RENEWED, 0, "the session has a newer stream");
        return;
    }

    /* The newest stream of a session wins; what it does not name its transaction takes back. */
    session->stream_number = hello->stream_number;
    session->heard_at = engine->now;
    if (session->stream) {
        struct qr_eng_stream *older = session->stream;
        qr_eng_session_detach(engine, session, false);
        qr_eng_stream_end(engine, older, QR_END_NOT_RENEWED, 0, "the session has a newer stream");
    }
    if (session->waiting)
        qr_eng_stream_end(engine, session->waiting->stream, QR_END_NOT_RENEWED, 0,
                          "the session has a newer stream");
    if (session->greeting && session->greeting->stream)
        qr_eng_stream_end(engine, session->greeting->stream, QR_END_NOT_RENEWED, 0,
                          "the session has a newer stream");
    qr_eng_hello_send(engine, session, stream, hello, false);
    qr_eng_session_arm(engine, session);
}

void qr_eng_hello_recover(struct qr_engine *engine, struct qr_eng_session *session)
{
    struct qr_hello hello = {.worker_id = session->worker_id};
    struct qr_eng_lease *lease;

    if (session->info)
        hello = *session->info;
    memcpy(hello.session, session->id, sizeof hello.session);

    /* Everything returns but what is being settled. */
    engine->n_refs = 0;
    DL_FOREACH (session->leases, lease)
        if (lease->in_settle)
            qr_eng_return_add_ref(engine, lease->id, lease->job_id);
    hello.running = engine->refs;
    hello.n_running = engine->n_refs;
    hello.n_spooled = hello.n_earlier_starts = 0;
    qr_eng_hello_send(engine, session, NULL, &hello, true);
    engine->n_refs = 0;
}

/* ------------------------------------------------------------------ the answer */

/* Answers may come in any order: a newer process of this worker, already here, holds what this one
 * still had when its Hello committed. */
static bool is_overtaken(struct qr_engine *engine, const struct qr_eng_greeting *greeting,
                         const struct qr_db_hello_reply *reply)
{
    for (size_t i = 0; i < reply->n_kept; i++) {
        const struct qr_eng_lease *lease = qr_eng_lease_find(engine, reply->kept[i].lease_id);
        const struct qr_eng_session *other = lease ? lease->session : NULL;
        if (other && other != greeting->session && other->attach && other->info &&
            strcmp(other->worker_id, greeting->session->worker_id) == 0 &&
            other->info->start_counter > greeting->hello->start_counter)
            return true;
    }
    return false;
}

static void send_welcome(struct qr_engine *engine, struct qr_eng_session *session,
                         struct qr_eng_stream *stream, const struct qr_db_hello_reply *reply)
{
    struct qr_welcome welcome = {.attach = reply->attach};
    struct qr_lease_ref *refs = qr_eng_alloc(reply->n_kept, sizeof *refs);

    for (size_t i = 0; i < reply->n_kept; i++)
        refs[i] = (struct qr_lease_ref){reply->kept[i].lease_id, reply->kept[i].job_id};
    welcome.kept = refs;
    welcome.n_kept = reply->n_kept;
    stream->state = QR_STREAM_ATTACHED;
    session->stream = stream;
    session->heard_at = engine->now; /* until its Welcome it had nothing to say */
    engine->port.welcome(engine->port.ctx, stream->id, ++stream->seq, &welcome);
    free(refs);
    if (session->draining)
        engine->port.drain(engine->port.ctx, stream->id, ++stream->seq, session->drain_grace_ms,
                           false);
    qr_eng_stop_repeat(engine, session);
}

static void install(struct qr_engine *engine, struct qr_eng_greeting *greeting,
                    const struct qr_db_hello_reply *reply)
{
    struct qr_eng_session *session = greeting->session;
    struct qr_eng_session *older = qr_eng_session_find_pk(engine, reply->ended_session_pk);
    struct qr_hello *hello = greeting->hello;

    if (older && older != session)
        qr_eng_session_forget(engine, older, QR_END_REPLACED,
                              "a newer process of this worker took over");
    qr_eng_session_set_pk(engine, session, reply->session_pk);
    session->attach = reply->attach;
    session->uncertain = false;
    session->goodbye = session->goodbye && greeting->recover;
    session->claim_token = 0;
    session->claim_not_before = session->backoff_ms = 0;
    qr_eng_line_leave(session);
    session->linger_from = 0;
    session->credit.total = greeting->granted.total;
    memcpy(session->credit.type, greeting->granted.type, sizeof session->credit.type);
    memcpy(session->credit.limited, greeting->granted.limited, sizeof session->credit.limited);
    if (QR_MUTANT(sent_reset))
        qr_eng_credit_seen(&session->credit, UINT64_MAX, NULL, 0, 0);
    else
        qr_eng_credit_seen(&session->credit, UINT64_MAX, hello->received, hello->n_received,
                           hello->received_total);
    qr_eng_session_install(engine, session, reply->kept, reply->n_kept);
    free(session->info);
    session->info = hello;
    greeting->hello = NULL;
    if (greeting->recover)
        engine->stats.leases_expired += reply->returned;
    else
        engine->stats.leases_returned += reply->returned;
    if (!greeting->recover)
        engine->stats.leases_reclaimed += reply->n_kept;
    engine->stats.suspects += reply->suspects;
    engine->stats.convictions += reply->convicted;
}

static void refuse(struct qr_engine *engine, struct qr_eng_greeting *greeting,
                   const struct qr_db_hello_reply *reply)
{
    bool replaced = reply->outcome != QR_HELLO_LOWER_COUNTER;

    if (!greeting->recover)
        engine->stats.sessions_refused++;
    if (greeting->stream)
        qr_eng_stream_end(engine, greeting->stream,
                          replaced ? QR_END_REPLACED : QR_END_LOWER_COUNTER, reply->newest_counter,
                          replaced ? "this session was replaced"
                                   : "a newer process of this worker is known");
    qr_eng_session_forget(engine, greeting->session, QR_END_REPLACED, "this session is over");
}

/* FAILED or UNKNOWN: the worker has to come again. */
static void unanswered(struct qr_engine *engine, struct qr_eng_greeting *greeting,
                       enum qr_db_status status)
{
    struct qr_eng_session *session = greeting->session;

    qr_eng_watch_restart(engine);
    if (greeting->stream)
        qr_eng_stream_end(engine, greeting->stream, QR_END_NOT_RENEWED, 0,
                          "the database did not answer");
    if (status == QR_DB_UNKNOWN && !greeting->recover) {
        session->uncertain = !QR_MUTANT(forget_uncertain);
        free(session->info);
        session->info = greeting->hello;
        greeting->hello = NULL;
    }
}

/* The worker left this stream for a newer one, at another coordinator, before it was read. */
static void older_stream(struct qr_engine *engine, struct qr_eng_greeting *greeting)
{
    engine->stats.sessions_refused++;
    if (greeting->session->attach)
        qr_eng_session_moved(engine, greeting->session);
    if (greeting->stream)
        qr_eng_stream_end(engine, greeting->stream, QR_END_NOT_RENEWED, 0,
                          "the session has a newer stream");
}

static void answered(struct qr_engine *engine, struct qr_eng_greeting *greeting,
                     const struct qr_db_hello_reply *reply)
{
    struct qr_eng_session *session = greeting->session;
    struct qr_eng_stream *stream = greeting->stream;

    if (reply->status == QR_DB_FAILED || reply->status == QR_DB_UNKNOWN) {
        unanswered(engine, greeting, reply->status);
        return;
    }
    if (reply->status == QR_DB_FENCED) { /* a recovery: the session is somebody else's by now */
        qr_eng_session_forget(engine, session, QR_END_NOT_RENEWED, "the session has moved");
        return;
    }
    if (reply->outcome == QR_HELLO_OLDER_STREAM) {
        older_stream(engine, greeting);
        return;
    }
    if (reply->outcome != QR_HELLO_WELCOME || is_overtaken(engine, greeting, reply)) {
        refuse(engine, greeting, reply);
        return;
    }
    install(engine, greeting, reply);
    if (!greeting->recover)
        engine->stats.sessions_welcomed++;
    if (!stream)
        return;
    stream->greeting = NULL;
    if (engine->stopping)
        qr_eng_stream_end(engine, stream, QR_END_NOT_RENEWED, 0, "this coordinator stops");
    else
        send_welcome(engine, session, stream, reply);
}

void qr_engine_done_hello(struct qr_engine *engine, const struct qr_db_hello_reply *reply)
{
    struct qr_eng_greeting *greeting;
    struct qr_eng_session *session;

    HASH_FIND(hh, engine->greetings, &reply->token, sizeof reply->token, greeting);
    if (!greeting)
        return;
    HASH_DEL(engine->greetings, greeting);
    session = greeting->session;
    session->greeting = NULL;
    answered(engine, greeting, reply);
    greeting_free(greeting);
    if (session->waiting) {
        greeting = session->waiting;
        session->waiting = NULL;
        submit(engine, greeting);
    }
    qr_eng_session_arm(engine, session);
}

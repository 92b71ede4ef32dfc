/* Streams: from open to left, and which of their frames count. */
#include "coordinator/engine/internal.h"

#include <stdlib.h>

struct qr_eng_stream *qr_eng_stream_find(struct qr_engine *engine, uint64_t id)
{
    struct qr_eng_stream *stream;

    HASH_FIND(hh, engine->streams, &id, sizeof id, stream);
    return stream;
}

void qr_engine_stream_open(struct qr_engine *engine, uint64_t id)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);

    if (stream)
        return;
    stream = qr_eng_alloc(1, sizeof *stream);
    stream->id = id;
    HASH_ADD(hh, engine->streams, id, sizeof stream->id, stream);
}

void qr_engine_stream_closed(struct qr_engine *engine, uint64_t id)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);
    struct qr_eng_session *session;

    if (!stream)
        return;
    session = stream->session;
    if (stream->state == QR_STREAM_GREETING)
        qr_eng_hello_forget_stream(engine, stream);
    if (stream->state == QR_STREAM_ATTACHED && session->stream == stream)
        qr_eng_session_detach(engine, session, true);
    HASH_DEL(engine->streams, stream);
    free(stream);
    if (session)
        qr_eng_session_arm(engine, session);
}

struct qr_eng_session *qr_eng_stream_hear(struct qr_engine *engine, uint64_t id)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);

    if (!stream)
        return NULL;
    switch (stream->state) {
    case QR_STREAM_OPEN:
        qr_eng_stream_end(engine, stream, QR_END_PROTOCOL, 0, "the first frame must be a Hello");
        return NULL;
    case QR_STREAM_GREETING:
        stream->session->heard_at = engine->now;
        return NULL;
    case QR_STREAM_ATTACHED:
        stream->session->heard_at = engine->now;
        return stream->session;
    case QR_STREAM_LEFT:
        break;
    }
    engine->stats.frames_old_stream++;
    if (QR_MUTANT(old_stream) && stream->session) {
        stream->session->heard_at = engine->now;
        return stream->session->stream ? stream->session : NULL;
    }
    return NULL;
}

void qr_eng_stream_end(struct qr_engine *engine, struct qr_eng_stream *stream,
                       enum qr_end_reason reason, uint64_t newest, const char *message)
{
    struct qr_eng_session *session = stream->session;

    if (stream->state == QR_STREAM_LEFT)
        return;
    if (stream->state == QR_STREAM_GREETING)
        qr_eng_hello_forget_stream(engine, stream);
    if (stream->state == QR_STREAM_ATTACHED && session->stream == stream)
        qr_eng_session_detach(engine, session, true);
    stream->state = QR_STREAM_LEFT;
    stream->session = QR_MUTANT(old_stream) ? session : NULL;
    engine->port.end(engine->port.ctx, stream->id, ++stream->seq, reason, newest, message);
    if (session)
        qr_eng_session_arm(engine, session);
}

void qr_engine_heard(struct qr_engine *engine, uint64_t stream)
{
    (void)qr_eng_stream_hear(engine, stream);
}

void qr_engine_protocol_error(struct qr_engine *engine, uint64_t id, const char *message)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);

    if (stream)
        qr_eng_stream_end(engine, stream, QR_END_PROTOCOL, 0, message);
}

void qr_engine_slow_peer(struct qr_engine *engine, uint64_t id)
{
    struct qr_eng_stream *stream = qr_eng_stream_find(engine, id);

    if (stream)
        qr_eng_stream_end(engine, stream, QR_END_SLOW, 0, "the peer does not read its frames");
}

#include "common/fleet/link.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/rpc/client.h"

enum {
    LETTERS_MAX = 1024, /* waiting; beyond it the stream is not read */
    MESSAGE_BYTES = 1 << 20,
    QUEUE_BYTES = 2 << 20,
    RECONNECT_MAX_MS = 1000, /* the session has its own back-off */
};

struct qr_link {
    struct qr_mailbox *mailbox;
    struct qr_rpc_channel *channel;
    struct qr_rpc_stream *stream; /* reference; NULL: none */
    uint64_t number;
    atomic_bool paused;
};

/* `s` is NULL when the stream never came to be. */
static void post(struct qr_link *link, struct qr_rpc_stream *s, enum qr_letter_kind kind,
                 const void *data, size_t len)
{
    struct qr_letter *letter = qr_letter_new(kind, link->number, data, len);
    if (!letter && s) { /* rather no stream than one with a hole; the letter CLOSED needs little */
        qr_rpc_stream_cancel(s, QR_E_NOMEM, "out of memory");
        return;
    }
    if (letter && qr_mailbox_post(link->mailbox, letter) > LETTERS_MAX && kind == QR_LETTER_FRAME &&
        !atomic_exchange(&link->paused, true))
        qr_rpc_stream_pause_reads(s);
}

static void on_message(void *ctx, struct qr_rpc_stream *s, const uint8_t *data, size_t len)
{
    post(ctx, s, QR_LETTER_FRAME, data, len);
}

static void on_writable(void *ctx, struct qr_rpc_stream *s)
{
    post(ctx, s, QR_LETTER_WRITABLE, NULL, 0);
}

static void on_closed(void *ctx, struct qr_rpc_stream *s, int code, const char *message)
{
    const char *text = message[0]      ? message
                       : code == QR_OK ? "the coordinator ended the stream"
                                       : qr_err_text(code);
    post(ctx, s, QR_LETTER_CLOSED, text, strlen(text));
}

static const struct qr_rpc_stream_handler handler = {
    .message = on_message, .writable = on_writable, .closed = on_closed};

int qr_link_new(struct qr_mailbox *mailbox, struct qr_link **ret, struct qr_err *err)
{
    struct qr_link *link = calloc(1, sizeof *link);
    if (!link)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    link->mailbox = mailbox;
    *ret = link;
    return QR_OK;
}

void qr_link_free(struct qr_link *link)
{
    if (!link)
        return;
    qr_link_disconnect(link);
    free(link);
}

void qr_link_connect(struct qr_link *link, uint64_t stream, const char *address)
{
    const struct qr_rpc_channel_config config = {.max_message_bytes = MESSAGE_BYTES,
                                                 .max_queue_bytes = QUEUE_BYTES,
                                                 .reconnect_max_ms = RECONNECT_MAX_MS};
    struct qr_err err = {0};

    qr_link_disconnect(link);
    link->number = stream;
    atomic_store(&link->paused, false);
    int rc = qr_rpc_channel_new(address, &config, &link->channel, &err);
    if (rc == QR_OK)
        rc = qr_rpc_stream_open(link->channel, "/quarry.v1.Fleet/Work", &handler, link,
                                &link->stream, &err);
    if (rc < 0)
        post(link, NULL, QR_LETTER_CLOSED, err.msg, strlen(err.msg));
}

void qr_link_disconnect(struct qr_link *link)
{
    if (link->stream)
        qr_rpc_stream_cancel(link->stream, QR_E_CANCELLED, "left");
    qr_rpc_channel_free(link->channel); /* waits for the last callback */
    qr_rpc_stream_unref(link->stream);
    link->stream = NULL;
    link->channel = NULL;
}

int qr_link_send(struct qr_link *link, bool bulk, const uint8_t *frame, size_t len)
{
    if (!link->stream)
        return QR_E_CANCELLED;
    return qr_rpc_stream_send(link->stream, bulk ? QR_RPC_BULK : QR_RPC_CONTROL, frame, len);
}

void qr_link_resume(struct qr_link *link)
{
    if (link->stream && atomic_exchange(&link->paused, false))
        qr_rpc_stream_resume_reads(link->stream);
}

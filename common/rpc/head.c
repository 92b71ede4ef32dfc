#include <stdlib.h>
#include <string.h>

#include <grpc/slice.h>
#include <grpc/support/alloc.h>

#include "common/rpc/internal.h"

static bool append(struct qr_buf *buf, grpc_slice slice)
{
    return qr_buf_append(buf, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice)) &&
           qr_buf_append(buf, "", 1);
}

bool qr_rpc_head_copy(struct qr_rpc_head *head, grpc_call *call,
                      const grpc_metadata_array *metadata)
{
    struct qr_buf pairs;
    char *peer = grpc_call_get_peer(call);

    head->peer = strdup(peer ? peer : "");
    gpr_free(peer);
    qr_buf_init(&pairs, (size_t)QR_RPC_METADATA_BYTES * 2); /* gRPC kept it below the half */
    for (size_t i = 0; i < metadata->count; i++) {
        if (grpc_is_binary_header(metadata->metadata[i].key))
            continue; /* may hold NUL */
        append(&pairs, metadata->metadata[i].key);
        append(&pairs, metadata->metadata[i].value);
    }
    head->pairs = qr_buf_take(&pairs);
    if (!head->pairs)
        qr_buf_done(&pairs);
    return head->peer && head->pairs;
}

const char *qr_rpc_stream_peer(const struct qr_rpc_stream *s)
{
    return s->head.peer ? s->head.peer : "";
}

const char *qr_rpc_stream_metadata(const struct qr_rpc_stream *s, const char *key)
{
    for (const char *at = s->head.pairs; at && *at != '\0';) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, key) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

void qr_rpc_stream_set_user(struct qr_rpc_stream *s, void *user) { s->user = user; }

void *qr_rpc_stream_user(const struct qr_rpc_stream *s) { return s->user; }

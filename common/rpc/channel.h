/* common/rpc/channel.h
 *
 * The channel as client.c (streams) and blocking.c (calls that wait) share it. Internal.
 */
#pragma once
#include <stdatomic.h>

#include "common/rpc/internal.h"

struct qr_rpc_channel {
    struct qr_rpc_home home;
    struct qr_rpc_queue queue; /* of the streams; started by the first, under the home's lock */
    grpc_channel *core;
    char *target;
    const atomic_bool *interrupted;
};

/** A new call on a queue; deadline_ms <= 0: none. The caller unrefs it. */
grpc_call *qr_rpc_channel_call(struct qr_rpc_channel *channel, grpc_completion_queue *cq,
                               const char *path, int64_t deadline_ms);

/* Parts of a job's record on their way to a worker that goes on with it. Each question is answered
 * with one read and a few frames behind everything else in the stream's queue; what the queue has
 * no room for is left out, and asked for again. */
#include <stdlib.h>

#include "common/log.h"
#include "coordinator/db/parts.h"
#include "coordinator/service/fleet_internal.h"

enum { CHUNK_BYTES = 48 << 10, ANSWER_BYTES = 384 << 10 };

struct answer {
    struct qr_fleet *fleet;
    uint64_t stream, lease_id, job_id, offset;
    struct qr_buf data;
};

static int read_parts(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct answer *answer = arg;
    return qr_parts_read(conn, (int64_t)answer->job_id, answer->offset, ANSWER_BYTES, &answer->data,
                         err);
}

/* False: there is no room. */
static bool send_chunk(const struct answer *answer, struct qr_rpc_stream *rpc, size_t at)
{
    Quarry__V1__CoordinatorFrame frame = QUARRY__V1__COORDINATOR_FRAME__INIT;
    Quarry__V1__PartsChunk chunk = QUARRY__V1__PARTS_CHUNK__INIT;
    uint8_t data[CHUNK_BYTES + 128];
    size_t left = answer->data.len - at;

    chunk.lease_id = answer->lease_id;
    chunk.offset = answer->offset + at;
    chunk.data.data = left > 0 ? answer->data.data + at : NULL;
    chunk.data.len = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    chunk.last = chunk.data.len == left;
    frame.body_case = QUARRY__V1__COORDINATOR_FRAME__BODY_PARTS_CHUNK;
    frame.parts_chunk = &chunk;
    if (quarry__v1__coordinator_frame__get_packed_size(&frame) > sizeof data)
        return false;
    size_t len = quarry__v1__coordinator_frame__pack(&frame, data);
    return qr_rpc_stream_send(rpc, QR_RPC_BULK, data, len) == QR_OK;
}

static void send_answer(void *arg, int rc, const struct qr_err *err)
{
    struct answer *answer = arg;
    struct qr_fleet *fleet = answer->fleet;
    bool good = rc == QR_OK;

    if (rc < 0)
        qr_log_err(QR_LOG_WARN, "parts.read", err, "job=%llu", (unsigned long long)answer->job_id);
    pthread_mutex_lock(&fleet->mutex);
    struct qr_fleet_stream *stream = qr_fleet_find_stream(fleet, answer->stream);
    if (stream && !stream->ended && good) {
        size_t at = 0;
        do {
            good = send_chunk(answer, stream->rpc, at);
            at += CHUNK_BYTES;
        } while (good && at < answer->data.len);
    }
    fleet->parts_reads--;
    pthread_mutex_unlock(&fleet->mutex);
    qr_buf_done(&answer->data);
    free(answer);
}

void qr_fleet_send_parts(struct qr_fleet *fleet, uint64_t stream, uint64_t lease_id,
                         uint64_t offset)
{
    uint64_t job_id = qr_engine_holds(fleet->engine, stream, lease_id);
    struct answer *answer =
        job_id != 0 && fleet->parts_reads < QR_PARTS_READS_MAX ? calloc(1, sizeof *answer) : NULL;

    if (!answer)
        return; /* it asks again */
    answer->fleet = fleet;
    answer->stream = stream;
    answer->lease_id = lease_id;
    answer->job_id = job_id;
    answer->offset = offset;
    qr_buf_init(&answer->data, ANSWER_BYTES);
    fleet->parts_reads++;
    if (!qr_db_try_submit(fleet->db, QR_DB_LANE_READ, read_parts, send_answer, answer)) {
        fleet->parts_reads--;
        free(answer);
    }
}

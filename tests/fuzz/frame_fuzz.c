/* What a broken worker may send: where the short way of reading a frame (coordinator/service/hot.h)
 * takes it, the general code reads the same from it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/types.h"
#include "coordinator/service/hot.h"
#include "quarry/v1/fleet.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(bool is_same)
{
    if (!is_same)
        abort();
}

static void compare_beat(const struct qr_beat *beat, const Quarry__V1__Beat *want)
{
    size_t known = 0;

    same(beat->seen == want->seen && beat->received_total == want->received_total);
    same(beat->load == want->load || (isnan(beat->load) && isnan(want->load)));
    same(beat->disk_free_bytes == want->disk_free_bytes && beat->rss_bytes == want->rss_bytes);
    same(beat->n_leases == want->n_leases);
    for (size_t i = 0; i < beat->n_leases; i++) {
        const struct qr_lease_progress *lease = &beat->leases[i];
        const Quarry__V1__LeaseState *state = want->leases[i];
        int phase = (int)state->phase;
        same(lease->lease_id == state->lease_id && lease->permille == state->progress_permille);
        same(lease->started_ms_ago == state->started_ms_ago);
        same(lease->done == state->done && lease->total == state->total);
        same((int)lease->phase == (phase >= 0 && phase <= QR_PHASE_FINISHED ? phase : 0));
    }
    for (size_t i = 0; i < want->n_received; i++) {
        qr_type_id type = qr_type_find(want->received[i]->type);
        if (type == 0)
            continue;
        same(known < beat->n_received && beat->received[known].type == type &&
             beat->received[known].count == want->received[i]->count);
        known++;
    }
    same(known == beat->n_received);
}

static void compare_results(const struct qr_hot_frame *hot, const Quarry__V1__Result *want)
{
    same(hot->n == want->n_results);
    for (size_t i = 0; i < hot->n; i++) {
        const struct qr_hot_result *result = &hot->results[i];
        const Quarry__V1__JobResult *job = want->results[i];
        same(!job->error && job->record_bytes == 0 && job->record_sha256.len == 0);
        same(job->n_found == 0 && job->found_left_out == 0 && !job->found_error);
        same(result->lease_id == job->lease_id && result->job_id == job->job_id);
        same(result->duration_ms == job->duration_ms);
        same(result->retry_after_ms == job->retry_after_ms);
        same(result->record_len == job->record.len);
        same(result->record_len == 0 ||
             memcmp(result->record, job->record.data, result->record_len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qr_hot_frame hot;

    (void)qr_type_intern("pdf");
    enum qr_hot_kind kind = qr_hot_take(&hot, data, size);
    if (kind == QR_HOT_NONE)
        return 0;
    Quarry__V1__WorkerFrame *frame = quarry__v1__worker_frame__unpack(NULL, size, data);
    if (!frame)
        abort();
    switch (kind) {
    case QR_HOT_NONE:
        break;
    case QR_HOT_CREDITS:
        same(frame->body_case == QUARRY__V1__WORKER_FRAME__BODY_CREDITS);
        same(hot.credits.total == frame->credits->total && frame->credits->n_per_type == 0);
        break;
    case QR_HOT_ACCEPT:
        same(frame->body_case == QUARRY__V1__WORKER_FRAME__BODY_ACCEPT);
        same(hot.n == frame->accept->n_lease_id);
        same(hot.n == 0 || memcmp(hot.leases, frame->accept->lease_id, hot.n * 8) == 0);
        break;
    case QR_HOT_BEAT:
        same(frame->body_case == QUARRY__V1__WORKER_FRAME__BODY_BEAT);
        compare_beat(&hot.beat, frame->beat);
        break;
    case QR_HOT_RESULT:
        same(frame->body_case == QUARRY__V1__WORKER_FRAME__BODY_RESULT);
        compare_results(&hot, frame->result);
        break;
    }
    quarry__v1__worker_frame__free_unpacked(frame, NULL);
    return 0;
}

#include "common/fleet/session_intern.h"

#include <stdio.h>
#include <string.h>

/* ---- Welcome */

static bool is_kept(const Quarry__V1__Welcome *welcome, uint64_t lease_id)
{
    for (size_t i = 0; i < welcome->n_kept; i++)
        if (welcome->kept[i]->lease_id == lease_id)
            return true;
    return false;
}

static bool is_other_epoch(const struct qr_session *s, const ProtobufCBinaryData *epoch)
{
    size_t len = 0;
    const uint8_t *known = qr_spool_epoch(s->spool, &len);
    return len > 0 && epoch->len > 0 && (len != epoch->len || memcmp(known, epoch->data, len) != 0);
}

/* Another cluster epoch: the database is another one, what we hold means nothing there. */
static void forget_results(struct qr_session *s)
{
    struct held *held;
    struct held *next;

    HASH_ITER (hh, s->held, held, next)
        if (held->state == HELD_FINISHED)
            qr_session_forget(s, held);
    qr_session_note(s, "epoch.changed",
                    "the database was restored; results of before are void and were dropped");
}

static void set_beat(struct qr_session *s, uint32_t beat_ms)
{
    s->beat_ms = beat_ms < s->ttl_ms / 2 ? beat_ms : s->ttl_ms / 2;
}

static void take_limits(struct qr_session *s, const Quarry__V1__Welcome *welcome)
{
    s->ttl_ms = welcome->ttl_ms >= 100 ? welcome->ttl_ms : 8000;
    set_beat(s, welcome->beat_ms > 0 ? welcome->beat_ms : s->ttl_ms / 4);
    s->resend_ms = welcome->resend_ms > 0 ? welcome->resend_ms : s->ttl_ms;
    if (welcome->max_record_bytes > 0)
        s->max_record_bytes = welcome->max_record_bytes;
}

static void on_welcome(struct qr_session *s, const Quarry__V1__Welcome *welcome)
{
    struct qr_err err = {0};
    struct held *held;
    struct held *next;
    uint64_t void_results = 0;
    size_t lost = 0;
    size_t kept = 0;
    bool other = is_other_epoch(s, &welcome->cluster_epoch);

    if (s->state != QR_SESSION_CONNECTING)
        return;
    if (welcome->cluster_epoch.len > 0 &&
        qr_spool_set_epoch(s->spool, welcome->cluster_epoch.data, welcome->cluster_epoch.len,
                           &void_results, &err) < 0)
        qr_session_note(s, "epoch.unwritten", err.msg);
    if (other)
        forget_results(s);
    s->state = QR_SESSION_WELCOMED;
    s->was_welcomed = true;
    s->welcomed_ms = s->now_ms;
    s->stats.welcomes++;
    take_limits(s, welcome);
    s->beat_due_ms = s->now_ms + s->beat_ms;
    qr_spool_forget_earlier_starts(s->spool);
    HASH_ITER (hh, s->held, held, next) {
        bool mine = !other && is_kept(welcome, held->lease_id);
        kept += mine;
        if (mine || held->state == HELD_FINISHED)
            continue; /* a result: its Ack decides */
        lost++;
        qr_session_drop(s, held);
    }
    if (s->port.welcomed)
        s->port.welcomed(s->port.ctx, s->address, kept, lost);
    if (s->saying_goodbye && s->is_open)
        qr_session_send_goodbye(s);
}

/* ---- Offer */

static void on_lease(struct qr_session *s, const Quarry__V1__Lease *lease)
{
    const char *reason = NULL;
    int type = qr_session_type_index(s, lease->type);
    struct held *held = qr_session_find(s, lease->lease_id);

    s->received_total++;
    s->stats.offers++;
    if (type >= 0)
        s->types[type].received++;
    if (held) { /* offered twice: the second takes no slot */
        s->freed_total++;
        if (type >= 0)
            s->types[type].freed++;
        if (held->state != HELD_OFFERED && !qr_session_add_id(&s->accepts, lease->lease_id))
            qr_session_leave(s, "out of memory", false);
        return;
    }
    held = lease->lease_id != 0 ? qr_session_hold(s, lease->lease_id, lease->job_id, type) : NULL;
    if (!held) {
        qr_session_leave(s, "out of memory", false);
        return;
    }
    held->state = HELD_OFFERED;
    held->checkpoint_number = lease->checkpoint_number;
    held->part_bytes = lease->part_bytes;
    s->n_running++;
    if (type < 0)
        qr_session_decline(s, lease->lease_id, "a job type this worker does not do");
    else if (!qr_session_may_take(s, &reason))
        qr_session_decline(s, lease->lease_id, reason);
    else
        s->port.offer(s->port.ctx, lease);
}

/* ---- Sync, Stop */

static void on_sync(struct qr_session *s, const Quarry__V1__Sync *sync)
{
    s->stats.syncs++;
    if (sync->beat_ms > 0)
        set_beat(s, sync->beat_ms);
    for (size_t i = 0; i < sync->n_drop; i++) {
        struct held *held = qr_session_find(s, sync->drop[i]);
        if (held && held->state == HELD_FINISHED)
            qr_session_queue(s, held, PLACE_UNSENT); /* ask again: only an Ack removes it */
        else if (held)
            qr_session_drop(s, held);
    }
    for (size_t i = 0; i < sync->n_expected; i++)
        if (!qr_session_find(s, sync->expected[i]))
            qr_session_send_release(s, sync->expected[i], "not held by this worker");
}

static void on_stop(struct qr_session *s, const Quarry__V1__Stop *stop)
{
    struct held *held = qr_session_find(s, stop->lease_id);

    if (!held) {
        if (stop->reason != QUARRY__V1__STOP_REASON__STOP_REASON_STALE)
            qr_session_send_release(s, stop->lease_id, "not held by this worker");
        return;
    }
    if (held->state == HELD_FINISHED)
        return; /* its result is on the way; whichever commits first wins */
    if (held->state == HELD_LEAVING && stop->reason != QUARRY__V1__STOP_REASON__STOP_REASON_STALE)
        return; /* its Release is on the way */
    if (stop->reason == QUARRY__V1__STOP_REASON__STOP_REASON_STALE) {
        qr_session_drop(s, held);
        return;
    }
    if (held->stopping >= (int)stop->reason)
        return; /* said again, or less: a cancel outranks a pause (rule 10) */
    held->stopping = (int)stop->reason;
    s->port.stop(s->port.ctx, stop->lease_id,
                 stop->reason == QUARRY__V1__STOP_REASON__STOP_REASON_PAUSE
                     ? QR_SESSION_STOP_PAUSE
                     : QR_SESSION_STOP_CANCEL,
                 stop->grace_ms);
}

/* ---- Ack */

static void on_ack(struct qr_session *s, const Quarry__V1__LeaseAck *ack)
{
    struct held *held = qr_session_find(s, ack->lease_id);
    struct qr_session_ack told = {.lease_id = ack->lease_id, .code = ack->code, .message = ""};

    if (!held)
        return; /* decided before: the answer to a second copy */
    told.job_id = held->job_id;
    if (ack->error) {
        told.cls = (enum qr_class)ack->error->class_;
        told.message = ack->error->message;
    }
    switch (ack->code) {
    case QUARRY__V1__ACK_CODE__ACK_CODE_COMMITTED:
        s->stats.committed++;
        break;
    case QUARRY__V1__ACK_CODE__ACK_CODE_DUPLICATE:
        s->stats.duplicate++;
        break;
    case QUARRY__V1__ACK_CODE__ACK_CODE_STALE:
        s->stats.stale++;
        break;
    case QUARRY__V1__ACK_CODE__ACK_CODE_REJECTED:
        s->stats.rejected++;
        break;
    case QUARRY__V1__ACK_CODE__ACK_CODE_RETRY_LATER:
        s->stats.retry_later++;
        if (held->state == HELD_FINISHED) {
            held->due_ms = s->now_ms + s->resend_ms;
            qr_session_queue(s, held, PLACE_LATER);
        }
        return;
    default:
        return; /* a code of a later version: keep the result */
    }
    if (held->state == HELD_FINISHED) {
        qr_spool_remove(s->spool, held->lease_id);
        qr_session_forget(s, held);
    } else {
        qr_session_drop(s, held); /* decided without us: an earlier life's result */
    }
    if (s->port.settled)
        s->port.settled(s->port.ctx, &told);
}

/* ---- Drain, Restarting, End */

static void on_restarting(struct qr_session *s, const Quarry__V1__Restarting *restarting)
{
    s->n_redirect = 0;
    for (size_t i = 0; i < restarting->n_to && s->n_redirect < QR_COUNT(s->redirect); i++)
        if (restarting->to[i][0] != '\0')
            snprintf(s->redirect[s->n_redirect++], sizeof s->redirect[0], "%s", restarting->to[i]);
    qr_session_leave(s, "the coordinator restarts", true);
}

static void on_lower_counter(struct qr_session *s, const Quarry__V1__End *end)
{
    struct qr_err err = {0};

    if (s->was_welcomed) {
        qr_session_end(s, QR_E_STALE, "a newer process of this worker took over");
        return;
    }
    if (qr_spool_set_start_counter(s->spool, end->newest_start_counter + 1, &err) < 0) {
        qr_session_end(s, err.code, err.msg);
        return;
    }
    qr_session_leave(s, "the start counter was too low and has been raised", true);
}

static void on_end(struct qr_session *s, const Quarry__V1__End *end)
{
    char why[320];

    switch (end->reason) {
    case QUARRY__V1__END_REASON__END_REASON_GOODBYE:
        qr_session_end(s, s->saying_goodbye ? QR_OK : QR_E_CANCELLED,
                       s->saying_goodbye ? "" : "the coordinator ended the session");
        return;
    case QUARRY__V1__END_REASON__END_REASON_REPLACED:
        qr_session_end(s, QR_E_STALE, "a newer process of this worker took over");
        return;
    case QUARRY__V1__END_REASON__END_REASON_LOWER_COUNTER:
        on_lower_counter(s, end);
        return;
    case QUARRY__V1__END_REASON__END_REASON_NOT_RENEWED:
        s->next_coordinator++;
        qr_session_leave(s, "the coordinator lost its database", false);
        return;
    case QUARRY__V1__END_REASON__END_REASON_PROTOCOL:
        snprintf(why, sizeof why, "the coordinator refused a frame: %s", end->message);
        qr_session_leave(s, why, false);
        return;
    default:
        snprintf(why, sizeof why, "the coordinator ended the stream (%d): %s", (int)end->reason,
                 end->message);
        qr_session_leave(s, why, false);
        return;
    }
}

static void dispatch(struct qr_session *s, const Quarry__V1__CoordinatorFrame *frame)
{
    bool welcomed = s->state == QR_SESSION_WELCOMED;
    uint64_t stream = s->stream;

    switch (frame->body_case) {
    case QUARRY__V1__COORDINATOR_FRAME__BODY_WELCOME:
        on_welcome(s, frame->welcome);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_OFFER:
        for (size_t i = 0; welcomed && i < frame->offer->n_leases && s->is_open; i++)
            on_lease(s, frame->offer->leases[i]);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_SYNC:
        if (welcomed)
            on_sync(s, frame->sync);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_ACK:
        for (size_t i = 0; welcomed && i < frame->ack->n_acks && s->stream == stream; i++)
            on_ack(s, frame->ack->acks[i]);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_STOP:
        if (welcomed)
            on_stop(s, frame->stop);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_DRAIN:
        if (welcomed && frame->drain->resume)
            s->port.undrain(s->port.ctx);
        else if (welcomed)
            s->port.drain(s->port.ctx, frame->drain->grace_ms, frame->drain->reason);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_RESTARTING:
        on_restarting(s, frame->restarting);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_END:
        on_end(s, frame->end);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_CHECKPOINT_ACK:
        if (welcomed)
            qr_session_on_checkpoint_ack(s, frame->checkpoint_ack);
        break;
    case QUARRY__V1__COORDINATOR_FRAME__BODY_PARTS_CHUNK:
        if (welcomed)
            qr_session_on_parts_chunk(s, frame->parts_chunk);
        break;
    default:
        break; /* a frame of a later version */
    }
}

void qr_session_frame(struct qr_session *s, uint64_t stream, const uint8_t *data, size_t len)
{
    if (!s->is_open || stream != s->stream || s->state == QR_SESSION_OVER)
        return; /* of a stream we have left */
    Quarry__V1__CoordinatorFrame *frame = quarry__v1__coordinator_frame__unpack(NULL, len, data);
    if (!frame) {
        qr_session_leave(s, "a frame of the coordinator cannot be read", false);
        return;
    }
    s->heard_ms = s->now_ms; /* any frame proves life */
    if (frame->body_case == QUARRY__V1__COORDINATOR_FRAME__BODY_PARTS_CHUNK) {
        dispatch(s, frame); /* not numbered: others overtake it */
    } else if (frame->seq > s->seen) {
        s->seen = frame->seq;
        dispatch(s, frame);
    }
    quarry__v1__coordinator_frame__free_unpacked(frame, NULL);
}

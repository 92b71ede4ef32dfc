#include "ctl/verb/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"
#include "ctl/text.h"

enum {
    INTERVAL_MS = 250,
    RECONNECT_MS = 500,
    PATIENCE_MS = 60000, /* how long a coordinator may be away while a run is followed */
};

struct follow {
    struct qr_ctl *ctl;
    struct qr_progress progress;
    int (*each)(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err);
    bool over;
    bool heard; /* since the last attempt */
    int64_t heard_ms;
    char gate[16]; /* as last said */
    bool said_start;
    char unserved[200]; /* what nobody can do, as last said */
    Quarry__V1__RunReply *last;
};

/* A copy by way of the wire: protobuf-c has no other. */
static int keep(struct follow *follow, const Quarry__V1__Run *run, struct qr_err *err)
{
    Quarry__V1__RunReply reply = QUARRY__V1__RUN_REPLY__INIT;
    Quarry__V1__Run shallow = *run;
    struct qr_buf buf;

    reply.run = &shallow;
    qr_buf_init(&buf, (size_t)4 << 20);
    size_t len = quarry__v1__run_reply__get_packed_size(&reply);
    uint8_t *at = qr_buf_reserve(&buf, len);
    Quarry__V1__RunReply *copy = NULL;
    if (at) {
        quarry__v1__run_reply__pack(&reply, at);
        copy = quarry__v1__run_reply__unpack(NULL, len, at);
    }
    qr_buf_done(&buf);
    if (!copy)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    if (follow->last)
        quarry__v1__run_reply__free_unpacked(follow->last, NULL);
    follow->last = copy;
    return QR_OK;
}

/* A run that stands still says why, once. */
static void say_gate(struct follow *follow, const Quarry__V1__Run *run)
{
    char text[200];

    if (strcmp(run->gate, follow->gate) == 0 || qr_run_is_over(run))
        return;
    if (strcmp(run->gate, "open") != 0) {
        snprintf(text, sizeof text, "%s%s%.150s",
                 strcmp(run->gate, "paused") == 0 ? "paused" : "being cancelled",
                 run->gate_reason[0] ? ": " : "", run->gate_reason);
        qr_progress_note(&follow->progress, "%s", text);
    } else if (follow->gate[0]) {
        qr_progress_note(&follow->progress, "goes on");
    }
    snprintf(follow->gate, sizeof follow->gate, "%s", run->gate);
}

/* One that is to start later says when, once. */
static void say_start(struct follow *follow, const Quarry__V1__Run *run)
{
    int64_t now_ms = qr_clock_wall_ms();
    char at[32];
    char left[32];

    if (follow->said_start || run->start_at_ms <= now_ms || qr_run_is_over(run))
        return;
    follow->said_start = true;
    qr_progress_note(&follow->progress, "starts %s, in %s",
                     qr_text_time(run->start_at_ms, at, sizeof at),
                     qr_text_duration(run->start_at_ms - now_ms, left, sizeof left));
}

/* Work that no worker can do: once when it begins or changes its cause, once when it is over. */
static void say_unserved(struct follow *follow, const Quarry__V1__Run *run)
{
    char now[200] = "";

    for (size_t i = 0; i < run->n_unserved; i++) {
        const Quarry__V1__Unserved *unserved = run->unserved[i];
        snprintf(now + strlen(now), sizeof now - strlen(now), "%.60s %.100s %s;", unserved->type,
                 unserved->root, unserved->code);
    }
    if (strcmp(now, follow->unserved) == 0 || qr_run_is_over(run))
        return;
    for (size_t i = 0; i < run->n_unserved; i++)
        qr_progress_note(&follow->progress, "%s", run->unserved[i]->text);
    if (run->n_unserved == 0 && strcmp(run->gate, "open") == 0)
        qr_progress_note(&follow->progress, "there are workers for all of it now");
    snprintf(follow->unserved, sizeof follow->unserved, "%s", now);
}

static int take(void *ctx, const ProtobufCMessage *message, struct qr_err *err)
{
    const Quarry__V1__Run *run = ((const Quarry__V1__RunReply *)(const void *)message)->run;
    struct follow *follow = ctx;

    if (!run)
        return QR_OK;
    follow->heard = true;
    follow->heard_ms = qr_clock_ms();
    follow->over = qr_run_is_over(run);
    const struct qr_progress_sample sample = {.done = run->completed + run->failed + run->cancelled,
                                              .total = run->total,
                                              .failed = run->failed,
                                              .listing = run->listing,
                                              .working_permille = run->working_permille};
    qr_progress_update(&follow->progress, follow->heard_ms, &sample);
    say_gate(follow, run);
    say_start(follow, run);
    say_unserved(follow, run);
    int rc = keep(follow, run, err);
    if (rc == QR_OK && follow->each)
        rc = follow->each(follow->ctl, run, err);
    if (rc == QR_OK && ferror(follow->progress.out)) /* the pipe behind it was closed */
        rc = qr_ctl_flush(follow->ctl, err);
    return rc;
}

/* Streams until the run is over; a coordinator that goes away is waited for. */
static int watch(struct follow *follow, int64_t run_id, struct qr_err *err)
{
    Quarry__V1__WatchRunRequest request = QUARRY__V1__WATCH_RUN_REQUEST__INIT;
    bool away = false;

    request.run_id = run_id;
    request.interval_ms = INTERVAL_MS;
    follow->heard_ms = qr_clock_ms();
    for (;;) {
        follow->heard = false;
        int rc = qr_client_stream(follow->ctl->client, "WatchRun", &request.base,
                                  &quarry__v1__run_reply__descriptor, take, follow, err);
        if (follow->over || (rc < 0 && rc != QR_E_UNREACHABLE))
            return follow->over ? QR_OK : rc;
        if (follow->heard)
            away = false;
        if (!follow->last || qr_clock_ms() - follow->heard_ms > PATIENCE_MS)
            return rc < 0 ? rc : qr_fail(err, QR_E_INTERNAL, "the coordinator stopped answering");
        if (!away && rc < 0)
            qr_progress_note(&follow->progress, "coordinator away, waiting for it");
        away = rc < 0;
        if (atomic_load(&qr_interrupted))
            return qr_fail(err, QR_E_CANCELLED, "interrupted");
        qr_clock_sleep_ms(RECONNECT_MS);
    }
}

int qr_run_follow(struct qr_ctl *ctl, int64_t run_id, FILE *progress_out,
                  int (*each)(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err),
                  enum qr_run_followed *ret, Quarry__V1__RunReply **ret_run, struct qr_err *err)
{
    struct follow follow = {.ctl = ctl, .each = each};
    char label[64];

    snprintf(label, sizeof label, "run %" PRId64, run_id);
    qr_progress_init(&follow.progress, progress_out, progress_out == stdout ? &ctl->out : &ctl->err,
                     QR_PROGRESS_FILES, label);
    qr_interrupt_catch();
    int rc = watch(&follow, run_id, err);
    qr_progress_clear(&follow.progress);
    *ret = follow.over ? QR_RUN_OVER : QR_RUN_LEFT;
    if (rc == QR_E_CANCELLED && atomic_load(&qr_interrupted)) {
        *ret = QR_RUN_LEFT;
        rc = QR_OK;
    }
    if (rc == QR_OK)
        *ret_run = follow.last;
    else if (follow.last)
        quarry__v1__run_reply__free_unpacked(follow.last, NULL);
    return rc;
}

int qr_run_wait(struct qr_ctl *ctl, int64_t run_id, struct qr_err *err)
{
    enum qr_run_followed how = QR_RUN_OVER;
    Quarry__V1__RunReply *last = NULL;

    int rc = qr_run_follow(ctl, run_id, stderr, NULL, &how, &last, err);
    if (last)
        quarry__v1__run_reply__free_unpacked(last, NULL);
    last = NULL;
    if (rc == QR_OK && how == QR_RUN_LEFT)
        rc = qr_fail(err, QR_E_CANCELLED,
                     "interrupted; run %" PRId64 " goes on, hint: quarry run watch %" PRId64,
                     run_id, run_id);
    if (rc == QR_OK)
        rc = qr_run_get(ctl, run_id, true, &last, err);
    if (rc == QR_OK)
        rc = qr_run_print(ctl, last->run, err);
    if (rc < 0) {
        if (last)
            quarry__v1__run_reply__free_unpacked(last, NULL);
        return rc;
    }
    fflush(stdout);
    qr_run_summary(stderr, last->run);
    const Quarry__V1__Run *run = last->run;
    uint64_t open_files = run->pending + run->processing + run->paused;
    if (strcmp(run->status, "completed") != 0 || open_files > 0)
        rc = qr_fail(err, QR_E_INTERNAL, "run %" PRId64 " ended %s with %" PRIu64 " files not done",
                     run_id, run->status, open_files);
    quarry__v1__run_reply__free_unpacked(last, NULL);
    return rc;
}

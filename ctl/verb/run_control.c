/* quarry run pause, resume, cancel */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/interrupt.h"
#include "ctl/text.h"
#include "ctl/verb/control.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

enum { LOOK_MS = 200, WAIT_MS = 60000 };

static const struct qr_option options[] = {
    QR_CONTROL_REASON("with the run and in its history"),
    QR_CONTROL_WAIT("until nothing of it runs any more (60 s at most); cancel: until it is over"),
    {0},
};

static const struct qr_option resume_options[] = {
    QR_CONTROL_REASON("in the run's history"),
    {0},
};

/* Until workers have let go of all its jobs. */
static int wait_for_leases(struct qr_ctl *ctl, int64_t run_id, Quarry__V1__RunReply **reply,
                           struct qr_err *err)
{
    int64_t until = qr_clock_ms() + WAIT_MS;

    qr_interrupt_catch();
    for (;;) {
        Quarry__V1__GetRunRequest request = QUARRY__V1__GET_RUN_REQUEST__INIT;
        Quarry__V1__RunReply *now = NULL;
        request.run_id = run_id;
        request.leased = true;
        int rc = QR_CALL(ctl->client, GetRun, run_reply, &request, &now, err);
        if (rc == QR_OK && !now->run) {
            quarry__v1__run_reply__free_unpacked(now, NULL);
            rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no run");
        }
        if (rc < 0)
            return rc;
        quarry__v1__run_reply__free_unpacked(*reply, NULL);
        *reply = now;
        if (now->run->leased == 0)
            return QR_OK;
        if (atomic_load(&qr_interrupted))
            return qr_fail(err, QR_E_CANCELLED, "interrupted; the run stays %s", now->run->status);
        if (qr_clock_ms() >= until)
            return qr_fail(err, QR_E_TIMEOUT,
                           "%" PRIu64 " jobs of run %" PRId64
                           " are still held after a minute; hint: quarry worker list",
                           now->run->leased, run_id);
        qr_clock_sleep_ms(LOOK_MS);
    }
}

/* Until its last job is closed. */
static int wait_for_end(struct qr_ctl *ctl, int64_t run_id, Quarry__V1__RunReply **reply,
                        struct qr_err *err)
{
    enum qr_run_followed how = QR_RUN_OVER;
    Quarry__V1__RunReply *last = NULL;
    int rc = qr_run_follow(ctl, run_id, stderr, NULL, &how, &last, err);

    if (rc == QR_OK && last) {
        quarry__v1__run_reply__free_unpacked(*reply, NULL);
        *reply = last;
    }
    if (rc == QR_OK && how == QR_RUN_LEFT)
        rc = qr_fail(err, QR_E_CANCELLED, "interrupted; the run is being cancelled all the same");
    return rc;
}

static int tell(struct qr_ctl *ctl, const Quarry__V1__Run *run, struct qr_err *err)
{
    char waiting[32];

    if (ctl->output != QR_CTL_TABLE)
        return qr_emit_message(ctl, &run->base, err);
    if (qr_run_is_over(run)) {
        qr_run_summary(stdout, run);
        return qr_ctl_flush(ctl, err);
    }
    qr_text_count(run->pending + run->processing, waiting, sizeof waiting);
    if (strcmp(run->gate, "cancelled") == 0)
        printf("run %" PRId64 " is being cancelled; %s files to close\n", run->id, waiting);
    else if (strcmp(run->gate, "paused") == 0)
        printf("run %" PRId64 " is paused; %s files wait\n", run->id, waiting);
    else
        printf("run %" PRId64 " goes on; %s files wait or run\n", run->id, waiting);
    return qr_ctl_flush(ctl, err);
}

enum verb { PAUSE, RESUME, CANCEL };

static int control(struct qr_ctl *ctl, const struct qr_control_args *args,
                   const struct qr_option_list *rest, enum verb verb, struct qr_err *err)
{
    static const char *const methods[] = {"PauseRun", "ResumeRun", "CancelRun"};
    Quarry__V1__ControlRunRequest request = QUARRY__V1__CONTROL_RUN_REQUEST__INIT;
    Quarry__V1__RunReply *reply = NULL;
    char by[100];

    request.reason = args->reason ? args->reason : request.reason;
    request.by = (char *)(uintptr_t)qr_control_by(by, sizeof by);
    int rc = qr_ctl_one_id(ctl, rest, "run", &request.run_id, err);
    if (rc == QR_OK)
        rc = qr_client_call(ctl->client, methods[verb], &request.base,
                            &quarry__v1__run_reply__descriptor, (ProtobufCMessage **)(void *)&reply,
                            err);
    if (rc < 0)
        return rc;
    if (!reply->run)
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no run");
    if (rc == QR_OK && args->wait && !qr_run_is_over(reply->run))
        rc = verb == CANCEL ? wait_for_end(ctl, request.run_id, &reply, err)
                            : wait_for_leases(ctl, request.run_id, &reply, err);
    if (rc == QR_OK)
        rc = tell(ctl, reply->run, err);
    quarry__v1__run_reply__free_unpacked(reply, NULL);
    return rc;
}

static int pause_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                      struct qr_err *err)
{
    return control(ctl, args, rest, PAUSE, err);
}

static int resume_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    return control(ctl, args, rest, RESUME, err);
}

static int cancel_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    return control(ctl, args, rest, CANCEL, err);
}

const struct qr_ctl_verb qr_ctl_run_pause = {
    .name = "run pause",
    .arguments = "ID [OPTION]...",
    .summary = "give out no more of a run; what runs goes back with its checkpoint",
    .examples =
        "  quarry run pause 7\n"
        "  quarry run pause 7 --wait --reason \"the file server is slow\"\n"
        "What runs is asked to stop and waits again within two seconds; no attempt is used up.\n",
    .options = options,
    .args_size = sizeof(struct qr_control_args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "run ID",
    .run = pause_verb,
};

const struct qr_ctl_verb qr_ctl_run_resume = {
    .name = "run resume",
    .arguments = "ID [OPTION]...",
    .summary = "a paused run goes on, from its checkpoints",
    .examples = "  quarry run resume 7\n"
                "Jobs that were paused one by one stay paused: quarry job resume.\n",
    .options = resume_options,
    .args_size = sizeof(struct qr_control_args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "run ID",
    .run = resume_verb,
};

const struct qr_ctl_verb qr_ctl_run_cancel = {
    .name = "run cancel",
    .arguments = "ID [OPTION]...",
    .summary = "end a run: what runs is stopped, what waits is closed; results stay",
    .examples =
        "  quarry run cancel 7\n"
        "  quarry run cancel 7 --wait        until the last job is closed\n"
        "What is closed can be done again by a new run of the same source, not by this one.\n",
    .options = options,
    .args_size = sizeof(struct qr_control_args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "run ID",
    .run = cancel_verb,
};

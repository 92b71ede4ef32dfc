/* What becomes of one job that somebody pauses, resumes or cancels: no statement is sent here. */
#include <stdio.h>
#include <string.h>

#include "coordinator/db/lifecycle_judge.h"

void qr_control_refuse(struct qr_control_target *target, const char *message)
{
    target->refused = true;
    snprintf(target->message, sizeof target->message, "%s", message);
}

/* The transition is not in the table (states.h). */
static void refuse_state(struct qr_control_target *target)
{
    snprintf(target->message, sizeof target->message, "it is %s%s", qr_state_text(target->status),
             target->status == QR_STATE_COMPLETED ? "" : "; hint: quarry job retry brings it back");
    target->refused = true;
}

static void nothing(struct qr_control_target *target, const char *message)
{
    snprintf(target->message, sizeof target->message, "%s", message);
}

static void judge_stop(struct qr_control_target *target, enum qr_control verb)
{
    bool cancel = verb == QR_CONTROL_CANCEL;
    enum qr_state wanted = cancel ? QR_STATE_CANCELLED : QR_STATE_PAUSED;
    bool leased = !target->loose &&
                  (target->status == QR_STATE_PENDING || target->status == QR_STATE_PROCESSING);

    if (target->status == wanted) {
        nothing(target, "it was before");
    } else if (!leased && !target->loose && !qr_state_may_follow(target->status, wanted)) {
        refuse_state(target);
    } else if (!cancel && strcmp(target->gate, "cancelled") == 0) {
        qr_control_refuse(target, "its run is being cancelled");
    } else if (!leased) {
        target->fate = FATE_END;
        target->after = qr_state_text(wanted);
    } else if (strcmp(target->asked, "cancel") == 0) {
        target->after = "cancelling";
        if (cancel)
            nothing(target, "its worker was asked before");
        else
            qr_control_refuse(target, "it is being cancelled");
    } else if (!cancel && strcmp(target->asked, "pause") == 0) {
        target->after = "pausing";
        nothing(target, "its worker was asked before");
    } else {
        target->fate = FATE_ASK;
        target->after = cancel ? "cancelling" : "pausing";
        nothing(target, "its worker has been asked");
    }
}

static void judge_resume(struct qr_control_target *target)
{
    if (strcmp(target->gate, "cancelled") == 0) {
        qr_control_refuse(target, "its run is cancelled");
    } else if (target->status == QR_STATE_PAUSED) {
        target->fate = FATE_RESUME;
        target->after = qr_state_text(QR_STATE_PENDING);
    } else if (target->status != QR_STATE_PENDING && target->status != QR_STATE_PROCESSING) {
        refuse_state(target);
    } else if (strcmp(target->asked, "cancel") == 0) {
        target->after = "cancelling";
        qr_control_refuse(target, "it is being cancelled; hint: quarry job retry, when it is");
    } else if (strcmp(target->asked, "pause") == 0) {
        target->fate = FATE_WITHDRAW;
        nothing(target, "the request to pause is withdrawn");
    } else {
        nothing(target, "it was not paused");
    }
    if (!target->refused && strcmp(target->gate, "paused") == 0)
        nothing(target, "its run is paused; hint: quarry run resume");
}

void qr_control_judge(struct qr_control_target *target, enum qr_control verb)
{
    if (!target->found) {
        qr_control_refuse(target, "there is no such job");
        return;
    }
    target->after = qr_state_text(target->status);
    if (verb == QR_CONTROL_RESUME)
        judge_resume(target);
    else
        judge_stop(target, verb);
}

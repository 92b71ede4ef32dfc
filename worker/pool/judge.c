/* What the end of a child means for the job it worked on. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "worker/pool/member.h"

/* The child ended by itself. */
static void judge_own_end(const struct qr_process_end *end, struct qr_member_verdict *ret)
{
    char name[24];

    ret->crashed = true;
    ret->cls = QR_CLASS_CRASH;
    if (end->exit_code == QR_CHILD_NO_MEMORY || end->signal == SIGKILL) {
        ret->cls = QR_CLASS_RESOURCE;
        snprintf(ret->message, sizeof ret->message,
                 "the extraction process was ended from outside or had no memory left; hint: give "
                 "the worker more memory or fewer slots");
    } else if (end->signal == SIGSYS) {
        snprintf(ret->message, sizeof ret->message,
                 "the extraction process was ended by a forbidden system call (SIGSYS); hint: the "
                 "file may be hostile");
    } else if (end->signal != 0) {
        snprintf(ret->message, sizeof ret->message,
                 "the extraction process crashed (%s); hint: the file is damaged in a way the "
                 "extractor does not handle",
                 qr_process_signal_name(end->signal, name));
    } else {
        snprintf(ret->message, sizeof ret->message,
                 "the extraction process exited with code %d in the middle of the file",
                 end->exit_code);
    }
}

void qr_member_judge(const struct qr_member *member, const struct qr_process_end *end,
                     int64_t memory_bytes, struct qr_member_verdict *ret)
{
    const struct qr_member_slot *head = &member->slots[0];

    memset(ret, 0, sizeof *ret);
    ret->start_failed = !member->was_ready && member->end != QR_MEMBER_END_DISCARD &&
                        member->end != QR_MEMBER_END_CANCEL;
    ret->blames_job = member->n_slots > 0 && member->was_ready &&
                      member->end != QR_MEMBER_END_DISCARD &&
                      (member->end == QR_MEMBER_END_NONE || member->end_id == head->id);
    switch (member->end) {
    case QR_MEMBER_END_NONE:
        if (member->n_slots > 0)
            judge_own_end(end, ret);
        break;
    case QR_MEMBER_END_BUDGET:
        ret->killed = true;
        ret->cls = QR_CLASS_TIMEOUT;
        snprintf(ret->message, sizeof ret->message,
                 "no result within the budget of %.1f s; the extraction was ended",
                 (double)head->budget_ms / 1000);
        break;
    case QR_MEMBER_END_STALLED:
        ret->killed = true;
        ret->cls = QR_CLASS_TIMEOUT;
        snprintf(ret->message, sizeof ret->message,
                 "no progress for %.1f s (budget %.1f s); the extraction was ended",
                 (double)head->progress_ms / 1000, (double)head->budget_ms / 1000);
        break;
    case QR_MEMBER_END_MEMORY:
        ret->killed = true;
        ret->cls = QR_CLASS_RESOURCE;
        snprintf(ret->message, sizeof ret->message,
                 "the extraction took more than the %" PRId64 " MB of memory allowed",
                 memory_bytes >> 20);
        break;
    case QR_MEMBER_END_GARBAGE:
        ret->crashed = true;
        ret->cls = QR_CLASS_CRASH;
        snprintf(ret->message, sizeof ret->message,
                 "the extraction process sent what is no answer and was ended");
        break;
    case QR_MEMBER_END_CANCEL:
    case QR_MEMBER_END_DISCARD:
        break;
    }
}

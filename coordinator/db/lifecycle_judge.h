/* coordinator/db/lifecycle_judge.h
 *
 * A job that is to be paused, resumed or cancelled, and what becomes of it. Pure. Inside
 * coordinator/db/ only.
 */
#pragma once
#include "coordinator/db/lifecycle.h"
#include "coordinator/db/states.h"

/* What is done with a job. */
enum fate { FATE_NOTHING, FATE_END, FATE_ASK, FATE_RESUME, FATE_WITHDRAW };

struct qr_control_target {
    int64_t id;
    bool found, loose; /* loose: taken out of delayed or ready, so nobody holds it */
    enum qr_state status;
    char asked[8], gate[12];
    enum fate fate;
    bool refused;
    const char *after;
    char message[160];
};

/** Sets fate, after, refused and message by what was read: the rest of the target. */
void qr_control_judge(struct qr_control_target *target, enum qr_control verb);
/** It is not done; `message` is copied. */
void qr_control_refuse(struct qr_control_target *target, const char *message);

#include "cadbridge/sim/faults.h"

#include <string.h>

#include "cadbridge/sim/answer_intern.h"
#include "common/base.h"

/* gRPC's numbers. */
static const char *const statuses[] = {
    "ok",        "cancelled",      "unknown",           "invalid_argument", "timeout",
    "not_found", "already_exists", "permission_denied", "exhausted",        "failed_precondition",
    "aborted",   "out_of_range",   "unsupported",       "internal",         "unavailable",
    "data_loss",
};

int qr_sim_status_of(const char *name)
{
    for (size_t i = 1; i < QR_COUNT(statuses); i++)
        if (strcmp(statuses[i], name) == 0)
            return (int)i;
    return -1;
}

const char *qr_sim_status_name(int status)
{
    return status > 0 && status < (int)QR_COUNT(statuses) ? statuses[status] : "unknown";
}

void qr_sim_dice_init(struct qr_sim_dice *dice, const struct qr_sim_faults *faults, uint64_t seed,
                      uint64_t crash_after)
{
    memset(dice, 0, sizeof *dice);
    pthread_mutex_init(&dice->lock, NULL);
    dice->faults = *faults;
    dice->seed = seed;
    dice->crash_after = crash_after;
}

void qr_sim_dice_set(struct qr_sim_dice *dice, const struct qr_sim_faults *faults)
{
    pthread_mutex_lock(&dice->lock);
    dice->faults = *faults;
    pthread_mutex_unlock(&dice->lock);
}

struct qr_sim_faults qr_sim_dice_get(struct qr_sim_dice *dice, uint64_t *ret_calls,
                                     uint64_t *ret_spoilt)
{
    pthread_mutex_lock(&dice->lock);
    struct qr_sim_faults faults = dice->faults;
    *ret_calls = dice->calls;
    *ret_spoilt = dice->spoilt;
    pthread_mutex_unlock(&dice->lock);
    return faults;
}

static enum qr_sim_fate fate_of(const struct qr_sim_faults *faults, double drawn)
{
    const struct {
        enum qr_sim_fate fate;
        double share;
    } fates[] = {
        {QR_SIM_FAIL, faults->fail_rate},       {QR_SIM_HALF, faults->half_rate},
        {QR_SIM_GARBAGE, faults->garbage_rate}, {QR_SIM_WRONG_MODEL, faults->wrong_model_rate},
        {QR_SIM_EMPTY, faults->empty_rate},     {QR_SIM_HANG, faults->hang_rate},
    };

    for (size_t i = 0; i < QR_COUNT(fates); i++) {
        if (drawn < fates[i].share)
            return fates[i].fate;
        drawn -= fates[i].share;
    }
    return QR_SIM_GOOD;
}

enum qr_sim_fate qr_sim_dice_throw(struct qr_sim_dice *dice, struct qr_sim_faults *ret_faults)
{
    pthread_mutex_lock(&dice->lock);
    double drawn = qr_sim_share(&dice->seed);
    enum qr_sim_fate fate = fate_of(&dice->faults, drawn);
    dice->calls++;
    dice->spoilt += fate != QR_SIM_GOOD;
    if (dice->crash_after > 0 && dice->calls >= dice->crash_after)
        fate = QR_SIM_CRASH;
    *ret_faults = dice->faults;
    pthread_mutex_unlock(&dice->lock);
    return fate;
}

/* cadbridge/sim/faults.h
 *
 * What goes wrong in the simulator, and with which call: drawn from a seed, so that the same calls
 * in the same order meet the same faults. Thread-safe.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct qr_sim_faults { /* shares of all calls, 0 .. 1; together 1 at most */
    double fail_rate;  /* ends with `status` */
    int status;        /* a gRPC status number */
    double half_rate;  /* ends in the middle, well */
    double wrong_model_rate;
    double garbage_rate; /* frames that are no messages */
    double empty_rate;   /* ends well, without any frame */
    double hang_rate;    /* never ends */
    int64_t latency_ms;
};

enum qr_sim_fate {
    QR_SIM_GOOD,
    QR_SIM_FAIL,
    QR_SIM_HALF,
    QR_SIM_WRONG_MODEL,
    QR_SIM_GARBAGE,
    QR_SIM_EMPTY,
    QR_SIM_HANG,
    QR_SIM_CRASH, /* the process ends */
};

struct qr_sim_dice {
    pthread_mutex_t lock; /* guards what follows */
    struct qr_sim_faults faults;
    uint64_t seed;
    uint64_t crash_after; /* 0: never */
    uint64_t calls, spoilt;
};

void qr_sim_dice_init(struct qr_sim_dice *dice, const struct qr_sim_faults *faults, uint64_t seed,
                      uint64_t crash_after);
void qr_sim_dice_set(struct qr_sim_dice *dice, const struct qr_sim_faults *faults);
/** The faults in force, and what was counted. */
struct qr_sim_faults qr_sim_dice_get(struct qr_sim_dice *dice, uint64_t *ret_calls,
                                     uint64_t *ret_spoilt);
/** The fate of the next call. */
enum qr_sim_fate qr_sim_dice_throw(struct qr_sim_dice *dice, struct qr_sim_faults *ret_faults);

/** "unavailable" to 14; -1: no such status. */
int qr_sim_status_of(const char *name);
const char *qr_sim_status_name(int status);

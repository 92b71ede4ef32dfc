/* cadbridge/sim/serve.h
 *
 * The simulator as a gRPC server: quarry.creo.v1.Creo, quarry.sim.v1.Control and health. Answers
 * are made on the queue threads, which is quick, and leave on a thread of their own when their
 * latency is over.
 */
#pragma once
#include "cadbridge/sim/faults.h"
#include "common/err.h"

struct qr_sim;

struct qr_sim_config {
    const char *listen;
    const char *models; /* NULL: none are described */
    uint64_t seed;
    int64_t slow_start_ms; /* not serving so long */
    struct qr_sim_faults faults;
    uint64_t crash_after;
};

/** Listening. Strings are borrowed. Errors: those of qr_rpc_server_start(). */
QR_MUST_CHECK int qr_sim_new(const struct qr_sim_config *config, struct qr_sim **ret,
                             struct qr_err *err);
void qr_sim_free(struct qr_sim *sim);
QR_DEFINE_AUTO(qr_sim)

const char *qr_sim_address(const struct qr_sim *sim);
uint64_t qr_sim_calls(struct qr_sim *sim);

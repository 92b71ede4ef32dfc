/* bench/load.h
 *
 * Jobs into a run by Admin.Enqueue, several calls under way at a time, and where the time goes.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base.h"
#include "common/err.h"

struct qr_bench_load {
    const char *coordinator; /* HOST:PORT */
    int64_t run_id;
    int64_t jobs;
    unsigned calls; /* under way at a time, each with 10,000 jobs; 1 .. 16 */
    bool files;     /* root://bench/…/part-000123.dxf, with size and time; else noop:RUN/N */
    const char *type;
    pid_t coordinator_pid; /* for its CPU time; 0: not asked */
    pid_t postgres_pid;    /* the postmaster; 0: not asked */
};

struct qr_bench_loaded {
    double per_s;
    double coordinator_us, postgres_us, client_us; /* CPU time per job */
};

/** Errors: those of the calls; QR_E_INTERNAL when fewer were inserted than sent. */
QR_MUST_CHECK int qr_bench_load(const struct qr_bench_load *config, struct qr_bench_loaded *ret,
                                struct qr_err *err);

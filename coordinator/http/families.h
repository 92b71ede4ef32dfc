/* coordinator/http/families.h
 *
 * The metrics of a coordinator by name: what the other rooms count, as Prometheus families. Each
 * function writes its families whole, so call each once a scrape. Meanings and alerts:
 * docs/metrics.md.
 *
 * Nothing here asks the database: counts of jobs are those somebody keeps anyway.
 */
#pragma once
#include <stdint.h>

#include "coordinator/db/db.h"
#include "coordinator/db/run.h"
#include "coordinator/engine/engine.h"
#include "coordinator/http/metrics.h"

/** quarry_build_info: a constant 1 with the version and the coordinator's name as labels. */
void qr_metrics_build(struct qr_metrics *metrics, const char *version, const char *instance);

/** quarry_leases_*_total, quarry_results_total{outcome}, quarry_sessions*, quarry_leases{state}, …
 */
void qr_metrics_engine(struct qr_metrics *metrics, const struct qr_engine_stats *stats);

/** quarry_offer_accept_seconds. */
void qr_metrics_hand_over(struct qr_metrics *metrics, struct qr_histogram *offer_accept);

/** quarry_lane_*{lane}. */
void qr_metrics_lanes(struct qr_metrics *metrics, const struct qr_db_stats *stats);

/** quarry_jobs{status}, quarry_jobs_empty, quarry_runs_active. */
void qr_metrics_jobs(struct qr_metrics *metrics, const struct qr_run_totals *jobs);

/* Jobs that may start and that no worker can do. */
struct qr_unserved_type {
    const char *type;
    uint64_t jobs;
};
/** quarry_jobs_unserved{type}, quarry_runs_unserved. */
void qr_metrics_unserved(struct qr_metrics *metrics, const struct qr_unserved_type *types,
                         size_t n_types, uint64_t runs);

/** quarry_workers_fleet, quarry_leases_stuck, quarry_jobs_oldest_seconds. */
void qr_metrics_waiting(struct qr_metrics *metrics, uint64_t workers, uint64_t stuck,
                        int64_t oldest_s);

/** process_*: processor time, memory, descriptors, start time, by the names Prometheus' own clients
 * use. What the system does not tell is left out. */
void qr_metrics_process(struct qr_metrics *metrics);

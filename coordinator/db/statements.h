/* coordinator/db/statements.h
 *
 * The prepared statements: one file each in coordinator/db/sql/, whose header comment is the
 * signature.
 */
#pragma once

/* clang-format off */
#define QR_SQL_MAP(X)                                                                              \
    X(adopt_orphans) \
    X(adopt_session) \
    X(batches_close) \
    X(batches_move) \
    X(begin) \
    X(budget_change) \
    X(budget_load) \
    X(budget_merge) \
    X(checkpoint) \
    X(checkpoint_stands) \
    X(children_events) \
    X(children_files) \
    X(children_jobs) \
    X(children_parents) \
    X(claim_alone) \
    X(claim_ends) \
    X(claim_heads) \
    X(claim_lease) \
    X(claim_offer) \
    X(claim_shares) \
    X(claim_take) \
    X(cluster_holds) \
    X(commit) \
    X(control_ask) \
    X(control_clean) \
    X(control_drain) \
    X(control_end) \
    X(control_lock) \
    X(control_resume) \
    X(control_states) \
    X(control_stops_drains) \
    X(control_stops_jobs) \
    X(control_stops_runs) \
    X(control_undelay) \
    X(control_unready) \
    X(control_withdraw) \
    X(coordinator_peers) \
    X(coordinator_register) \
    X(coordinator_renew) \
    X(coordinator_stop) \
    X(dead_letter_analyze) \
    X(dead_letter_classes) \
    X(dead_letter_count) \
    X(dead_letter_get) \
    X(dead_letter_list) \
    X(dead_letter_pick) \
    X(dead_letter_purge) \
    X(dead_letter_purge_count) \
    X(delayed_due) \
    X(enqueue_copy_delayed) \
    X(enqueue_copy_files) \
    X(enqueue_copy_jobs) \
    X(enqueue_copy_models) \
    X(enqueue_copy_ready) \
    X(enqueue_jobs) \
    X(enqueue_keys) \
    X(enqueue_known) \
    X(enqueue_queue) \
    X(enqueue_queue_live) \
    X(enqueue_run) \
    X(events_batch) \
    X(export_csv) \
    X(export_jsonl) \
    X(gate_share) \
    X(hello_attach) \
    X(hello_end) \
    X(hello_insert) \
    X(hello_sessions) \
    X(job_events) \
    X(job_exists) \
    X(job_get) \
    X(job_list) \
    X(job_retry) \
    X(limit_bind) \
    X(limit_hold) \
    X(limit_list) \
    X(limit_lock) \
    X(limit_release) \
    X(limit_remove) \
    X(limit_run) \
    X(limit_set) \
    X(limit_state) \
    X(limit_sweep) \
    X(limit_take) \
    X(lock_exclusive) \
    X(lock_shared) \
    X(settle_locks) \
    X(mirror) \
    X(monitor_coordinators) \
    X(monitor_rates) \
    X(parts_all) \
    X(parts_drop) \
    X(parts_expire) \
    X(parts_partial) \
    X(parts_read) \
    X(release) \
    X(result_bom) \
    X(result_dimensions) \
    X(result_materials) \
    X(result_metadata) \
    X(result_pages) \
    X(result_parameters) \
    X(results_clear) \
    X(retry_hold) \
    X(run_active) \
    X(run_create) \
    X(run_fault) \
    X(run_finish_adding) \
    X(run_gate) \
    X(run_halt) \
    X(run_judge) \
    X(run_leased) \
    X(run_reopen) \
    X(run_report) \
    X(run_set) \
    X(run_show) \
    X(run_still_open) \
    X(run_take_listings) \
    X(run_totals) \
    X(session_check) \
    X(session_end) \
    X(session_leases) \
    X(settle_batches) \
    X(settle_cad) \
    X(settle_classify) \
    X(settle_close) \
    X(settle_done) \
    X(settle_failed) \
    X(settle_files) \
    X(settle_found) \
    X(settle_lock) \
    X(plan_generic) \
    X(stage_again) \
    X(stage_begin) \
    X(stage_change) \
    X(stage_early) \
    X(stage_end) \
    X(stage_enqueue) \
    X(stage_found) \
    X(stage_index) \
    X(stage_link) \
    X(stage_link_clear) \
    X(stage_lock) \
    X(stage_report) \
    X(stage_report_get) \
    X(stage_show) \
    X(stage_take) \
    X(suspects) \
    X(sweep_delayed) \
    X(sweep_end) \
    X(sweep_paused) \
    X(sweep_ready) \
    X(sweep_runs) \
    X(sweep_try) \
    X(unserved) \
    X(why_job) \
    X(why_limits) \
    X(why_queues) \
    X(why_rate) \
    X(why_run) \
    X(why_stages) \
    X(worker_get)
/* clang-format on */

enum qr_sql {
#define QR_SQL_ENUM(name) QR_SQL_##name,
    QR_SQL_MAP(QR_SQL_ENUM)
#undef QR_SQL_ENUM
        QR_SQL_COUNT
};

/** The file's stem, under which it is prepared. */
const char *qr_sql_name(enum qr_sql sql);
const char *qr_sql_text(enum qr_sql sql);

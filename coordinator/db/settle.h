/* coordinator/db/settle.h
 *
 * One result on its way through the settling transaction (settle.c).
 */
#pragma once
#include "coordinator/db/impl.h"
#include "coordinator/db/record.h"

enum { SETTLE_COLUMNS = 11 };

/* settle_children.c */
struct settle_children {
    int parent_row; /* of settle_txn.parents; -1: its job is not there */
    int64_t n_new, n_known, n_unchanged, n_refused;
    char refused_why[200]; /* the first of them */
};

struct settle_item {
    struct qr_item item;
    struct qr_settle *settle;
    qr_record *record;      /* of a completed job; NULL: none */
    char *parameters, *bom; /* JSON, or NULL */
    bool rejected;          /* cannot be stored: ends as a failure with reject_class */
    /* as far as the transaction got */
    bool accepted;  /* passed the fence */
    bool duplicate; /* refused, because it was committed before */
    bool is_cad;
    bool limited;      /* its lease may hold places under limits */
    bool has_parts;    /* finished work is kept of the job */
    bool brought_part; /* some of it by this lease */
    int64_t run_id, file_id;
    struct settle_children *children; /* what becomes of the jobs it found; NULL, as usual: none */
    /* failures: what was decided */
    enum qr_class class;
    const char *status; /* pending, failed, paused, cancelled */
    int32_t retry_count;
    int64_t delay_ms;
};

/* A batch row that results name (settle_fence.c). */
struct settle_batch {
    int64_t first, session_pk;
    int32_t n_jobs, n_gone, n_ended; /* ended: by this transaction */
    int row;
    bool limited;
};

struct settle_txn {
    struct qr_db *db;
    struct settle_item **items; /* by job */
    size_t n;
    struct settle_item **order; /* as last sent: ord of a result row counts here */
    size_t n_order;
    bool epoch_holds;
    int timeouts; /* statements that took too long, in this call of the lane */
    size_t n_accepted;
    size_t n_limited; /* of them */
    uint64_t freed;   /* types that waited for places of these leases; bit 0: any */
    struct qr_stage_changes changes;
    struct qr_array columns[SETTLE_COLUMNS]; /* used anew by every statement */
    struct qr_array sha256, cad_jobs, cad_status, limited;
    struct qr_array closed_sessions, closed_batches;
    struct settle_batch *batches; /* by first lease id */
    size_t n_batches;
    PGresult *batch_rows;
    struct qr_results results;
    PGresult *parents;    /* of results that found jobs */
    uint64_t found_types; /* types that got jobs by this transaction */
};

/* ---- settle_fence.c */
/** Parameters of settle_batches, in columns[1]. */
QR_MUST_CHECK int qr_settle_batches_params(struct settle_txn *txn, struct qr_params *params,
                                           struct qr_err *err);
/** Its result, taken over, also when this fails. */
QR_MUST_CHECK int qr_settle_batches_read(struct settle_txn *txn, PGresult *result,
                                         struct qr_err *err);
void qr_settle_batches_done(struct settle_txn *txn);
/** The lease is its session's, for this job, and not gone. */
bool qr_settle_holds(const struct settle_txn *txn, const struct qr_settle *settle);
/** The lease may hold places under limits. */
bool qr_settle_is_limited(const struct settle_txn *txn, const struct qr_settle *settle);
/** Its job was completed: a batch of which that was the last is over. */
void qr_settle_ended(struct settle_txn *txn, const struct qr_settle *settle);

/* ---- settle_state.c, in this order within the transaction */
bool qr_settle_is_failure(const struct settle_item *item);
/** BEGIN, the sessions' locks (shared; exclusive where a job failed), whether the cluster's epoch
 * still holds, the batch rows. */
QR_MUST_CHECK int qr_settle_lock_sessions(struct qr_conn *conn, struct settle_txn *txn,
                                          struct qr_err *err);
QR_MUST_CHECK int qr_settle_complete(struct qr_conn *conn, struct settle_txn *txn,
                                     struct qr_err *err);
QR_MUST_CHECK int qr_settle_lock_failed(struct qr_conn *conn, struct settle_txn *txn,
                                        struct qr_err *err);
/** Of what qr_settle_lock_failed() sent last. */
QR_MUST_CHECK int qr_settle_write_failed(struct qr_conn *conn, struct settle_txn *txn,
                                         struct qr_err *err);
/** settle_parts.c: what becomes of kept parts of the jobs that were accepted. */
QR_MUST_CHECK int qr_settle_parts(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err);
/** What was not accepted: committed before, or stale. */
QR_MUST_CHECK int qr_settle_classify(struct qr_conn *conn, struct settle_txn *txn,
                                     struct qr_err *err);

/* ---- settle_children.c: jobs that completed results found; nothing happens where none did */
/** Before any job is locked: the runs that may grow, FOR SHARE (rule 10). */
QR_MUST_CHECK int qr_children_lock(struct qr_conn *conn, struct settle_txn *txn,
                                   struct qr_err *err);
/** Behind the fence: only what results that were accepted found is added. To txn->changes. */
QR_MUST_CHECK int qr_children_add(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err);
void qr_children_done(struct settle_txn *txn);

/* ---- settle_write.c */
/** What the accepted results change in their runs' counters, to `changes`. */
QR_MUST_CHECK int qr_settle_count(struct settle_txn *txn, struct qr_err *err);
/** Everything that is left to write, and COMMIT, in one round trip. */
QR_MUST_CHECK int qr_settle_finish(struct qr_conn *conn, struct settle_txn *txn,
                                   struct qr_err *err);

/* ---- settle_slow.c */
/** Took longer than a statement may, alone, not long ago. */
bool qr_settle_is_slow(struct qr_db *db, const struct settle_item *item);
/** These were stored: what is remembered of them is forgotten. */
void qr_settle_stored(struct qr_db *db, struct settle_item **items, size_t n);
/** That one alone took longer than a statement may. True: for the third time, and the database was
 * there in between; then `err` says so. */
bool qr_settle_gives_up(struct qr_db *db, const struct settle_item *item, struct qr_err *err);
/** How to split a batch of two or more that took too long: what goes first is how many. One that
 * outweighs the others is moved to the end, else it is halves. Keeps the order of the others. */
size_t qr_settle_split(struct settle_item **items, size_t n);

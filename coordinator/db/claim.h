/* coordinator/db/claim.h
 *
 * One transaction of claims: claim.c runs it, claim_order.c says what there is and whose turn it
 * is, claim_take.c takes it, claim_lease.c leases it. On the claim lane's thread alone.
 */
#pragma once
#include "coordinator/db/impl.h"

enum { QR_HEAD_LIMITS_MAX = 4 }; /* of a type, a run, a source */
enum { QR_CLAIM_ROUNDS_MAX = 6, QR_CLAIM_JOBS_MAX = 8192 };

struct claim {
    struct qr_item item;
    uint64_t token, session_pk, attach;
    struct qr_type_count *want; /* as asked */
    size_t n_want;
    uint32_t want_total;
    const char **roots;
    size_t n_roots;
    /* while it runs */
    bool fenced, dry, again; /* again: nothing yet, and there is more */
    uint32_t left_total;
    uint64_t *left; /* per want */
};

struct run_share {
    int64_t run_id;
    double pass, weight;
    double floor, added; /* `changed`: what the pass was at least, and by how much it grew */
    bool changed, competes;
};

/* A limit that heads of this transaction are under (limit.h). */
struct claim_limit {
    int32_t id;
    enum { CLAIM_LIMIT_UNKNOWN, CLAIM_LIMIT_BUSY, CLAIM_LIMIT_KNOWN } state;
    bool wanted;
    bool counted;   /* leases under it hold places */
    bool by_places; /* `allowed` is what places allow, not the rate */
    int64_t allowed, used;
    double rate, tokens; /* rate 0: none */
    uint64_t types;      /* of the heads, a bit each */
};

struct head {
    int32_t queue_id;
    int64_t run_id;
    qr_type_id type;
    const char *root;    /* in the heads' result */
    const char *options; /* NULL: none */
    int32_t rank;        /* in `ready` */
    int32_t order;       /* the same with the run's boost: lower goes first */
    int64_t job_id;
    int64_t until;     /* 0, or it came back, and others before this job with it */
    size_t share;      /* index of its run */
    size_t next_claim; /* where the search for a taker goes on */
    bool exhausted;    /* nobody wants more of it in this round */
    uint32_t *takers;  /* claim numbers, in order of assignment */
    size_t n_takers;
    uint32_t limits[QR_HEAD_LIMITS_MAX]; /* in claim_txn.limits */
    size_t n_limits;
};

struct taken {
    size_t claim;
    int64_t job_id;
    int64_t run_id;
    qr_type_id type;
    char *options; /* owned; heads go away with their round */
    /* in a result; uri NULL: not known yet */
    const char *uri;
    int64_t bytes, modified_ms;
    int32_t retry_count;
    const void *checkpoint;
    size_t checkpoint_len;
    int32_t checkpoint_number;
    int64_t part_bytes;
    int64_t lease_id;
    bool alone; /* a suspect: runs with nothing beside it (rule 7) */
    uint32_t limits[QR_HEAD_LIMITS_MAX];
    size_t n_limits;
};

/* The last look at the heads that was sent. */
struct look {
    int64_t begin_ms;
    unsigned long long announced;
    uint64_t types;    /* asked for: a bit each */
    bool some_blocked; /* queues that limits hold up were left out */
    bool is_bare;      /* began at the first entry of some queue */
};

struct claim_txn {
    struct qr_db *db;
    struct claim **claims;
    size_t n;
    struct head *heads;
    size_t n_heads;
    struct run_share *shares;
    size_t n_shares;
    struct claim_limit *limits;
    size_t n_limits;
    unsigned n_busy; /* claims told to come back because a limit was busy */
    struct taken *taken;
    size_t n_taken, cap_taken;
    size_t n_alone; /* of them */
    PGresult *heads_result;
    PGresult *look_result; /* a look that was sent behind a take; not read yet */
    PGresult *results[QR_CLAIM_ROUNDS_MAX + 1]; /* rows that `taken` points into */
    size_t n_results;
    struct look look;
    bool looked_bare; /* a look of this transaction was without any floor */
    bool incomplete;  /* some of `taken` have no uri yet */
    bool committed;   /* whatever goes wrong now */
    int attempts;
};

/* Parameters of claim_heads. */
struct heads_call {
    struct qr_array types, roots, queues, ranks, jobs, blocked;
    struct qr_params params;
};

/* ---- floors (claim_floor.c) */
/** Parameters of claim_heads for the look that is about to be had: floors that hold. */
void qr_floor_columns(struct claim_txn *txn, struct qr_array *queues, struct qr_array *ranks,
                      struct qr_array *jobs);
/** That look is over. */
void qr_floor_looked(struct claim_txn *txn);
/** What it said, read into `heads`, moves the floors it did without, or lets them hold again. */
void qr_floor_learn(struct claim_txn *txn);
/** The last job taken from a queue: nothing below it is looked at for a while. */
void qr_floor_set(struct claim_txn *txn, const struct head *head, int64_t job_id);
/** After a slow look: floors of queues that have nothing, and none yet. Errors: as qr_conn_run().
 */
QR_MUST_CHECK int qr_floor_find_ends(struct qr_conn *conn, struct claim_txn *txn,
                                     struct qr_err *err);
/** No floor holds any more, unless looking without them was expensive a short while ago: whether
 * that is so. */
bool qr_floor_doubt(struct qr_db *db);

/* ---- heads */
/** `all`: also what is just being taken may not be there, and is wanted again. */
void qr_claim_heads_init(struct heads_call *call, struct claim_txn *txn, bool all);
void qr_claim_heads_done(struct heads_call *call);
/** Takes `result` over, also when it fails. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_claim_read_heads(struct claim_txn *txn, PGresult *result, struct qr_err *err);
/** Another look within the transaction, or what the one behind a take said. Errors: as
 * qr_conn_run(). */
QR_MUST_CHECK int qr_claim_look_again(struct qr_conn *conn, struct claim_txn *txn,
                                      struct qr_err *err);

/* ---- order of work */
/** The best order that anybody wants something of; false when there is none. */
bool qr_claim_best_order(struct claim_txn *txn, int32_t *ret_order);
/** Who gets how much of which queue: fills takers of every head at this order. */
QR_MUST_CHECK int qr_claim_assign(struct claim_txn *txn, int32_t order, struct qr_err *err);
/** Does anybody want something of it, limits apart? */
bool qr_claim_is_wanted(struct claim_txn *txn, const struct head *head);
/** `n` jobs of a type to a claim; negative takes them back. */
void qr_claim_give(struct claim *claim, qr_type_id type, int n);
/** The head's run had its turn `n` times; negative takes it back. */
void qr_claim_turn(struct claim_txn *txn, const struct head *head, int n);
/** Columns of claim_shares; how many rows. After the last look at the heads. */
size_t qr_claim_shares(struct claim_txn *txn, struct qr_array *runs, struct qr_array *floors,
                       struct qr_array *added);

/* ---- claim_take.c */
/** Take what was assigned; what is not there (another coordinator was faster) is wanted again.
 * Where the last transaction found the end of the work, the next look goes with it, in one round
 * trip. Errors: as qr_conn_run(). */
QR_MUST_CHECK int qr_claim_take(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err);
/** A job that was taken; what its queue knows of it is filled in. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_claim_keep(struct claim_txn *txn, const struct head *head,
                                const struct taken *job, struct qr_err *err);
/** What came back to ready before carries no more than its key: looks up the rest. Errors: as
 * qr_conn_run(). */
QR_MUST_CHECK int qr_claim_complete(struct qr_conn *conn, struct claim_txn *txn,
                                    struct qr_err *err);

/* ---- claim_lease.c */
/** `taken` in the order of claims, as batch rows and answers have it. */
void qr_claim_sort(struct claim_txn *txn);
/** Last round trip: batch rows, shares, limits, COMMIT; `taken` has its leases. Errors: as
 * qr_conn_run(). */
QR_MUST_CHECK int qr_claim_close(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err);

/* ---- claim_few.c */
/** The head of the one queue that something was assigned of, when taking it, leases and COMMIT can
 *  be one round trip: little work there, no limits, no runs that compete. Otherwise NULL. */
struct head *qr_claim_few(struct claim_txn *txn);
/** That: `taken` has its leases, `heads` what is left behind it. Errors: as qr_conn_run(). */
QR_MUST_CHECK int qr_claim_take_few(struct qr_conn *conn, struct claim_txn *txn, struct head *head,
                                    struct qr_err *err);

/* coordinator/db/claim_limit.h
 *
 * Limits as claims and the ends of leases meet them (limit.h says what they are). Inside
 * coordinator/db/ only.
 */
#pragma once
#include "coordinator/db/claim.h"

/* ---- claims, on their lane's thread (claim_limit.c) */
/** Forget what was known of limits and may not be true any more. */
void qr_limit_age(struct qr_db *db);
/** Limits that let nothing through just now: heads under them are not looked at. */
void qr_limit_blocked(const struct qr_db *db, struct qr_array *ids);
/** A head's limits, "3 17" of claim_heads; null: none. Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_limit_of_head(struct claim_txn *txn, struct head *head, const char *text,
                                   struct qr_err *err);
/** Lock the limits of all heads that somebody wants, and read what they let through. No statement
 *  when there is none. Errors: as qr_conn_run(). */
QR_MUST_CHECK int qr_limit_ask(struct qr_conn *conn, struct claim_txn *txn, struct qr_err *err);
bool qr_limit_allows(const struct claim_txn *txn, const struct head *head);
void qr_limit_use(struct claim_txn *txn, const struct head *head, int n);
/** Did anything taken come from under a limit? */
bool qr_limit_any(const struct claim_txn *txn);

/* Columns of the statements that write what was used. */
struct limit_columns {
    struct qr_array leases, limits, firsts; /* limit_hold */
    struct qr_array used, counts;           /* limit_take */
    struct qr_params hold, take;
};
/** After the leases are known. Adds up to two calls; how many. */
size_t qr_limit_calls(struct claim_txn *txn, struct limit_columns *columns, struct qr_call *calls);
void qr_limit_columns_init(struct limit_columns *columns);
void qr_limit_columns_done(struct limit_columns *columns);
/** Committed: remember limits that are used up, and until when. */
void qr_limit_remember(struct claim_txn *txn);
/** How long a claim that went dry should wait because of a rate; 0: no reason to come back sooner
 * than usual. */
uint32_t qr_limit_retry_ms(struct claim_txn *txn, const struct claim *claim, bool *ret_limited);

/* ---- what ends leases */
/** Reads limit_release's rows: types (bit per id, bit 0 any) that were held up by what is free now.
 */
uint64_t qr_limit_freed(const PGresult *result);
/** Places are free: tell claims here, and coordinators elsewhere. */
void qr_limit_announce(const struct qr_db *db, uint64_t types);

/** Maintenance: places whose lease is over. Normally there is none; each is counted. */
QR_MUST_CHECK int qr_limit_sweep(struct qr_db *db, struct qr_conn *conn, struct qr_err *err);

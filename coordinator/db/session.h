/* coordinator/db/session.h
 *
 * A request of the session lane (session.c): one struct for its three kinds.
 */
#pragma once
#include "coordinator/db/lane.h"

enum session_kind { SESSION_HELLO, SESSION_RETURN, SESSION_END };

struct session_request {
    struct qr_item item;
    enum session_kind kind;
    uint64_t token;
    /* RETURN, END */
    uint64_t session_pk, attach;
    enum qr_return_reason reason;
    void *checkpoint;
    size_t checkpoint_len;
    uint64_t delay_ms;
    /* HELLO */
    char *worker_id, *host, *os, *arch, *version, *labels_json;
    uint8_t session[QR_SESSION_BYTES];
    uint64_t start_counter, stream_number;
    bool recover; /* the engine asks: only where this coordinator is the owner */
    uint32_t slots;
    char **roots;
    size_t n_roots;
    qr_type_id *types;
    size_t n_types;
    struct qr_lease_ref *leases; /* HELLO: running */
    size_t n_leases;
    struct qr_lease_ref *spooled;
    size_t n_spooled;
    struct qr_lease_ref *starts; /* what an earlier life had started and not finished */
    size_t n_starts;
};

/** hello.c: runs the request and answers it; the caller frees it. */
void qr_session_run_hello(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                          struct session_request *r);
/** The same for several that name no leases, in one transaction. Sorts the list. */
void qr_session_run_hellos(struct qr_db *db, struct qr_lane *lane, struct qr_conn *conn,
                           struct session_request **list, size_t n);
bool qr_session_hello_is_plain(const struct session_request *r);

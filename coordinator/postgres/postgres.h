/* coordinator/postgres/postgres.h
 *
 * A private PostgreSQL cluster in a folder: made on first use, started and stopped with the
 * coordinator.
 *
 * The server listens on a unix socket inside the folder (mode 0700) alone; who may open the folder
 * may use the database. Root cannot run PostgreSQL: started as root, everything runs as the
 * `postgres` user, to whom the folder is given. A server of this folder that runs already (the
 * coordinator was killed) is adopted; a stale postmaster.pid is PostgreSQL's own business and no
 * obstacle. fsync, synchronous_commit and full_page_writes stay on.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

struct qr_postgres;

struct qr_postgres_config {
    const char *dir;          /* made when missing; its parent must exist */
    const char *bin_dir;      /* where initdb and postgres are; NULL: look for the newest >= 14 */
    unsigned max_connections; /* 0: 60 */
    int64_t start_timeout_ms; /* 0: 60000; crash recovery included */
};

/** Errors end in a hint: no binaries, folder not writable or unreachable for user postgres, disk
 *  full, server does not come up (with the last line of its log). */
QR_MUST_CHECK int qr_postgres_start(const struct qr_postgres_config *config,
                                    struct qr_postgres **ret, struct qr_err *err);

/** Connection string for libpq; lives as long as the object. */
const char *qr_postgres_url(const struct qr_postgres *pg);

/** False when the server has died. Non-blocking, any thread. */
bool qr_postgres_is_running(const struct qr_postgres *pg);

/** Process id of the server. */
int qr_postgres_pid(const struct qr_postgres *pg);

/** Fast: clients are cut off, a checkpoint is written; else it waits for clients first. Bounded:
 * after a minute the server is stopped hard (it recovers at its next start). Frees the object; NULL
 * is fine. */
void qr_postgres_stop(struct qr_postgres *pg, bool fast);

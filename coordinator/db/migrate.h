/* coordinator/db/migrate.h
 *
 * The schema: numbered .sql files, embedded, applied in order, each in a transaction of its own,
 * under one advisory lock, so that coordinators that start together do not collide.
 */
#pragma once
#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

/** Number of the newest migration of this program. */
int qr_migrate_newest(void);

/** Number of the newest migration in the database; 0 when it has none. */
QR_MUST_CHECK int qr_migrate_current(struct qr_conn *conn, int *ret_version, struct qr_err *err);

/** Apply what is missing. ret: names of what was applied and the schema version (may be NULL).
 *  Errors: QR_E_UNSUPPORTED when the database is newer than this program. */
QR_MUST_CHECK int qr_migrate(struct qr_conn *conn, Quarry__V1__MigrateReply **ret,
                             struct qr_err *err);

/** The same on a connection of its own, before qr_db_new(). */
QR_MUST_CHECK int qr_migrate_url(const char *url, int64_t connect_timeout_ms,
                                 Quarry__V1__MigrateReply **ret, struct qr_err *err);

/* coordinator/db/verify.h
 *
 * Is this database what Quarry needs: server, tables, columns, indexes, extensions, connections.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "quarry/v1/admin.pb-c.h"

#include "common/base.h"
#include "common/err.h"

struct qr_conn;

/** One check a line. `connections` is what this coordinator may open (sum of lanes in
 *  struct qr_db_stats). The caller appends its own checks with qr_verify_add(). */
QR_MUST_CHECK int qr_verify(struct qr_conn *conn, unsigned connections,
                            Quarry__V1__VerifyReply **ret, struct qr_err *err);

/** Append a check; false when out of memory. */
bool qr_verify_add(Quarry__V1__VerifyReply *reply, bool ok, const char *name, const char *fmt, ...)
    QR_PRINTF(4, 5);

/** schema_version and postgres_version, malloc'd strings. */
QR_MUST_CHECK int qr_verify_versions(struct qr_conn *conn, char **ret_schema, char **ret_postgres,
                                     struct qr_err *err);

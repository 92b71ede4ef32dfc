/* coordinator/service/admin.h
 *
 * quarry.v1.Admin: every RPC is one row of a table, decoded here, run on a database lane (or
 * answered from the fleet's memory) and encoded again. gRPC queue threads only pass things on.
 */
#pragma once
#include "common/roots.h"
#include "common/rpc/server.h"
#include "coordinator/service/discover.h"
#include "coordinator/service/fleet.h"

struct qr_admin;

struct qr_admin_config {
    struct qr_fleet *fleet; /* all borrowed */
    const struct qr_roots *roots;
    const char *instance;
    struct qr_budgets *budgets;
    struct qr_unserved *unserved;
    struct qr_bridges *bridges;
    int64_t oldest_job_ms; /* an alert when one waits for longer; 0: never */
};

/** Registers quarry.v1.Admin on a server that is not started. Until qr_admin_start() every call is
 *  answered UNAVAILABLE. */
QR_MUST_CHECK int qr_admin_new(const struct qr_admin_config *config, struct qr_rpc_server *server,
                               struct qr_admin **ret, struct qr_err *err);
QR_MUST_CHECK int qr_admin_start(struct qr_admin *admin, struct qr_db *db,
                                 struct qr_discover *discover, struct qr_err *err);
/** Ends watches and exports; before the server and the database stop. */
void qr_admin_stop(struct qr_admin *admin);
void qr_admin_free(struct qr_admin *admin);
QR_DEFINE_AUTO(qr_admin)

/* CAD bridges: their reports (quarry.v1.Bridge), and what operators see and order; models that are
 * alike. */
#include "coordinator/db/cad.h"
#include "coordinator/db/search.h"
#include "coordinator/service/admin_internal.h"
#include "coordinator/service/bridges.h"

static int report(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    const Quarry__V1__BridgeReport *said = (Quarry__V1__BridgeReport *)call->request;
    const struct qr_admin_config *config = &call->admin->config;
    Quarry__V1__BridgeOrders *reply = NULL;
    int rc = qr_cad_report(conn, said, config->instance, &reply, err);

    if (rc == QR_OK)
        qr_bridges_put(config->bridges, said->state);
    REPLY(call, reply);
    return rc;
}

static int get_status(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__CadStatusReply *reply = NULL;
    int rc = qr_cad_status(conn, (Quarry__V1__CadStatusRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int set_mode(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__SetCadModeReply *reply = NULL;
    int rc = qr_cad_set_mode(conn, (Quarry__V1__SetCadModeRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

static int search_similar(struct qr_conn *conn, struct call *call, struct qr_err *err)
{
    Quarry__V1__SearchSimilarReply *reply = NULL;
    int rc =
        qr_search_similar(conn, (Quarry__V1__SearchSimilarRequest *)call->request, &reply, err);
    REPLY(call, reply);
    return rc;
}

/* clang-format off */
static const struct method methods[] = {
    {"/quarry.v1.Bridge/Report", &quarry__v1__bridge_report__descriptor, false, QR_DB_LANE_ENQUEUE, report},
    ROW("GetCadStatus", cad_status,   READ,    get_status),
    ROW("SetCadMode",   set_cad_mode, ENQUEUE, set_mode),
    ROW("SearchSimilar", search_similar, LONG, search_similar),
};
/* clang-format on */

const struct qr_admin_methods qr_admin_cad = {methods, QR_COUNT(methods)};

#include "coordinator/db/cad.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/db/impl.h"
#include "coordinator/db/message.h"

enum {
    NAME_MAX_BYTES = 400,
    TEXT_MAX_BYTES = 4096,
    SWITCHES_MAX = 256,
    SHOWN_DEFAULT = 20,
    SHOWN_MAX = 1000,
};
#define SHOWN_MS ((int64_t)24 * 3600 * 1000)

/* ------------------------------------------------------------------ reports */

struct columns {
    struct qr_array number, at, what, before, after, why, calls, faults, cooldown;
};

static void columns_init(struct columns *c)
{
    qr_array_init(&c->number, QR_OID_INT8);
    qr_array_init(&c->at, QR_OID_INT8);
    qr_array_init(&c->what, QR_OID_TEXT);
    qr_array_init(&c->before, QR_OID_TEXT);
    qr_array_init(&c->after, QR_OID_TEXT);
    qr_array_init(&c->why, QR_OID_TEXT);
    qr_array_init(&c->calls, QR_OID_INT4);
    qr_array_init(&c->faults, QR_OID_INT4);
    qr_array_init(&c->cooldown, QR_OID_INT8);
}

static void columns_done(struct columns *c)
{
    struct qr_array *const all[] = {&c->number, &c->at,    &c->what,   &c->before,  &c->after,
                                    &c->why,    &c->calls, &c->faults, &c->cooldown};
    for (size_t i = 0; i < QR_COUNT(all); i++)
        qr_array_done(all[i]);
}

static bool is_text(const char *text, size_t max)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len && len <= max;) {
        size_t n = qr_utf8_sequence((const unsigned char *)text + at, len - at);
        if (n == 0)
            return false;
        at += n;
    }
    return len <= max;
}

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

static const char *const modes[] = {"auto", "grpc", "json"};
static const char *const breakers[] = {"closed", "open", "half-open"};

static int check_report(const Quarry__V1__BridgeReport *report, struct qr_err *err)
{
    const Quarry__V1__BridgeState *s = report->state;
    bool ok =
        s && s->worker_id[0] && s->process[0] && is_text(s->worker_id, NAME_MAX_BYTES) &&
        is_text(s->process, NAME_MAX_BYTES) && is_text(s->service, TEXT_MAX_BYTES) &&
        is_text(s->creo, TEXT_MAX_BYTES) && is_text(s->exports, TEXT_MAX_BYTES) &&
        is_text(s->last_fault, TEXT_MAX_BYTES) && is_one_of(s->mode, modes, QR_COUNT(modes)) &&
        is_one_of(s->breaker, breakers, QR_COUNT(breakers)) && report->n_switches <= SWITCHES_MAX;

    for (size_t i = 0; ok && i < report->n_switches; i++) {
        const Quarry__V1__BridgeSwitch *w = report->switches[i];
        ok = is_text(w->what, NAME_MAX_BYTES) && is_text(w->before, NAME_MAX_BYTES) &&
             is_text(w->after, NAME_MAX_BYTES) && is_text(w->why, NAME_MAX_BYTES) && w->number > 0;
    }
    return ok ? QR_OK : qr_fail(err, QR_E_INVALID, "that is no report of a bridge");
}

static void add_switches(struct qr_params *params, struct columns *c,
                         const Quarry__V1__BridgeReport *report)
{
    for (size_t i = 0; i < report->n_switches; i++) {
        const Quarry__V1__BridgeSwitch *w = report->switches[i];
        qr_array_i64(&c->number, (int64_t)w->number);
        qr_array_i64(&c->at, w->at_ms);
        qr_array_text(&c->what, w->what);
        qr_array_text(&c->before, w->before);
        qr_array_text(&c->after, w->after);
        qr_array_text(&c->why, w->why);
        qr_array_i32(&c->calls, (int32_t)w->calls);
        qr_array_i32(&c->faults, (int32_t)w->faults);
        qr_array_i64(&c->cooldown, (int64_t)w->cooldown_ms);
    }
    qr_param_array(params, &c->number);
    qr_param_array(params, &c->at);
    qr_param_array(params, &c->what);
    qr_param_array(params, &c->before);
    qr_param_array(params, &c->after);
    qr_param_array(params, &c->why);
    qr_param_array(params, &c->calls);
    qr_param_array(params, &c->faults);
    qr_param_array(params, &c->cooldown);
}

static int store(struct qr_conn *conn, const Quarry__V1__BridgeReport *report,
                 const char *coordinator, PGresult **ret, struct qr_err *err)
{
    const Quarry__V1__BridgeState *s = report->state;
    size_t len = quarry__v1__bridge_state__get_packed_size(s);
    uint8_t *packed = malloc(len + 1);
    struct qr_params params;
    struct columns columns;

    if (!packed)
        return qr_fail(err, QR_E_NOMEM, "no memory for a report");
    quarry__v1__bridge_state__pack(s, packed);
    columns_init(&columns);
    qr_params_init(&params);
    qr_param_text(&params, s->worker_id);
    qr_param_text(&params, s->process);
    qr_param_text(&params, coordinator);
    qr_param_text(&params, s->service[0] ? s->service : NULL);
    qr_param_text(&params, s->mode);
    qr_param_text(&params, s->breaker);
    qr_param_i64(&params, s->since_ms);
    qr_param_i32(&params, (int32_t)s->calls);
    qr_param_i32(&params, (int32_t)s->faults);
    qr_param_i64(&params, (int64_t)s->by_grpc);
    qr_param_i64(&params, (int64_t)s->by_json);
    qr_param_bytes(&params, packed, len);
    add_switches(&params, &columns, report);
    int rc = qr_conn_run(conn, QR_SQL_cad_report, &params, ret, err);
    columns_done(&columns);
    free(packed);
    return rc;
}

int qr_cad_report(struct qr_conn *conn, const Quarry__V1__BridgeReport *report,
                  const char *coordinator, Quarry__V1__BridgeOrders **ret, struct qr_err *err)
{
    QR_AUTO_RESULT row = NULL;

    int rc = check_report(report, err);
    if (rc == QR_OK)
        rc = store(conn, report, coordinator, &row, err);
    if (rc < 0)
        return rc;
    Quarry__V1__BridgeOrders *orders = malloc(sizeof *orders);
    if (!orders)
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    quarry__v1__bridge_orders__init(orders);
    orders->stored = report->n_switches > 0 ? report->switches[report->n_switches - 1]->number : 0;
    if (!qr_message_set(&orders->mode, qr_get_text(row, 0, 0)) ||
        !qr_message_set(&orders->by, qr_get_text(row, 0, 1))) {
        quarry__v1__bridge_orders__free_unpacked(orders, NULL);
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    }
    *ret = orders;
    return QR_OK;
}

/* ------------------------------------------------------------------ status */

static Quarry__V1__CadBridge *bridge_of_row(const PGresult *rows, int i)
{
    Quarry__V1__CadBridge *bridge = malloc(sizeof *bridge);
    size_t len = 0;
    const void *state = qr_get_bytes(rows, i, 0, &len);

    if (!bridge)
        return NULL;
    quarry__v1__cad_bridge__init(bridge);
    bridge->state = quarry__v1__bridge_state__unpack(NULL, len, state);
    bridge->heard_ms_ago = qr_get_i64(rows, i, 1);
    bridge->ordered_ms = qr_get_i64(rows, i, 5);
    if (bridge->state && qr_message_set(&bridge->coordinator, qr_get_text(rows, i, 2)) &&
        qr_message_set(&bridge->ordered_mode, qr_get_text(rows, i, 3)) &&
        qr_message_set(&bridge->ordered_by, qr_get_text(rows, i, 4)))
        return bridge;
    quarry__v1__cad_bridge__free_unpacked(bridge, NULL);
    return NULL;
}

static Quarry__V1__BridgeSwitch *switch_of_row(const PGresult *rows, int i)
{
    Quarry__V1__BridgeSwitch *s = malloc(sizeof *s);

    if (!s)
        return NULL;
    quarry__v1__bridge_switch__init(s);
    s->number = (uint64_t)qr_get_i64(rows, i, 1);
    s->at_ms = qr_get_i64(rows, i, 2);
    s->calls = (uint32_t)qr_get_i32(rows, i, 7);
    s->faults = (uint32_t)qr_get_i32(rows, i, 8);
    s->cooldown_ms = (uint64_t)qr_get_i64(rows, i, 9);
    if (qr_message_set(&s->worker_id, qr_get_text(rows, i, 0)) &&
        qr_message_set(&s->what, qr_get_text(rows, i, 3)) &&
        qr_message_set(&s->before, qr_get_text(rows, i, 4)) &&
        qr_message_set(&s->after, qr_get_text(rows, i, 5)) &&
        qr_message_set(&s->why, qr_get_text(rows, i, 6)))
        return s;
    quarry__v1__bridge_switch__free_unpacked(s, NULL);
    return NULL;
}

static bool fill(Quarry__V1__CadStatusReply *reply, const PGresult *bridges,
                 const PGresult *switches)
{
    reply->bridges = calloc((size_t)PQntuples(bridges) + 1, sizeof *reply->bridges);
    reply->switches = calloc((size_t)PQntuples(switches) + 1, sizeof *reply->switches);
    if (!reply->bridges || !reply->switches)
        return false;
    for (int i = 0; i < PQntuples(bridges); i++)
        if (!(reply->bridges[reply->n_bridges++] = bridge_of_row(bridges, i)))
            return reply->n_bridges--, false;
    for (int i = 0; i < PQntuples(switches); i++)
        if (!(reply->switches[reply->n_switches++] = switch_of_row(switches, i)))
            return reply->n_switches--, false;
    return true;
}

static int check_known(struct qr_conn *conn, const char *worker_id, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    if (!worker_id[0])
        return QR_OK;
    qr_params_init(&params);
    qr_param_text(&params, worker_id);
    int rc = qr_conn_run(conn, QR_SQL_cad_known, &params, &rows, err);
    if (rc == QR_OK && PQntuples(rows) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "no bridge '%.100s' is known; hint: quarry cad status",
                     worker_id);
    return rc;
}

int qr_cad_status(struct qr_conn *conn, const Quarry__V1__CadStatusRequest *request,
                  Quarry__V1__CadStatusReply **ret, struct qr_err *err)
{
    const char *worker = request->worker_id[0] ? request->worker_id : NULL;
    uint32_t shown = request->switches ? request->switches : SHOWN_DEFAULT;
    struct qr_params params;
    QR_AUTO_RESULT bridges = NULL;
    QR_AUTO_RESULT switches = NULL;

    int rc = check_known(conn, request->worker_id, err);
    qr_params_init(&params);
    qr_param_text(&params, worker);
    qr_param_i64(&params, SHOWN_MS);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_cad_status, &params, &bridges, err);
    qr_params_init(&params);
    qr_param_text(&params, worker);
    qr_param_i32(&params, (int32_t)(shown < SHOWN_MAX ? shown : SHOWN_MAX));
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_cad_switches, &params, &switches, err);
    if (rc < 0)
        return rc;
    Quarry__V1__CadStatusReply *reply = malloc(sizeof *reply);
    if (reply) {
        quarry__v1__cad_status_reply__init(reply);
        if (fill(reply, bridges, switches)) {
            *ret = reply;
            return QR_OK;
        }
        quarry__v1__cad_status_reply__free_unpacked(reply, NULL);
    }
    return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
}

/* ------------------------------------------------------------------ orders */

int qr_cad_set_mode(struct qr_conn *conn, const Quarry__V1__SetCadModeRequest *request,
                    Quarry__V1__SetCadModeReply **ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;
    int rc = QR_OK;

    if (!is_one_of(request->mode, modes, QR_COUNT(modes)))
        rc = qr_fail(err, QR_E_INVALID, "'%.40s' is no mode; hint: auto, grpc or json",
                     request->mode);
    if (rc == QR_OK)
        rc = check_known(conn, request->worker_id, err);
    qr_params_init(&params);
    qr_param_text(&params, request->worker_id);
    qr_param_text(&params, request->mode);
    qr_param_text(&params, request->by[0] ? request->by : NULL);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_cad_order, &params, &rows, err);
    if (rc < 0)
        return rc;
    Quarry__V1__SetCadModeReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    quarry__v1__set_cad_mode_reply__init(reply);
    reply->worker_ids = calloc((size_t)PQntuples(rows) + 1, sizeof *reply->worker_ids);
    bool ok = reply->worker_ids && qr_message_set(&reply->mode, request->mode);
    for (int i = 0; ok && i < PQntuples(rows); i++) {
        char *name = strdup(qr_get_text(rows, i, 0));
        if ((ok = name != NULL))
            reply->worker_ids[reply->n_worker_ids++] = name;
    }
    if (!ok) {
        quarry__v1__set_cad_mode_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "no memory for an answer");
    }
    *ret = reply;
    return QR_OK;
}

/* quarry cad status, cad mode */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/control.h"
#include "ctl/verb/verbs.h"

/* ------------------------------------------------------------------ status */

struct status_args {
    struct qr_ctl_common common;
    int64_t switches;
};

#define AT(field) offsetof(struct status_args, field)

/* clang-format off */
static const struct qr_option status_options[] = {
    {"switches", 0, QR_OPT_INT, AT(switches), "10", 1, 1000, 0, "N", "newest switches to show", "docs/bridge.md"},
    {0},
};
/* clang-format on */

static const struct qr_column bridge_columns[] = {
    {"BRIDGE", QR_COLUMN_SHRINK},
    {"MODE", 0},
    {"BREAKER", QR_COLUMN_STATUS},
    {"SINCE", QR_COLUMN_OPTIONAL}, /* the last switch says when */
    {"FAULTS", QR_COLUMN_RIGHT},
    {"OF", QR_COLUMN_RIGHT},
    {"SURELY", QR_COLUMN_RIGHT},
    {"OPENS AT", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"BY GRPC", QR_COLUMN_RIGHT},
    {"BY JSON", QR_COLUMN_RIGHT},
    {"WAITED", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"FAILED", QR_COLUMN_RIGHT},
    {"HEARD", QR_COLUMN_OPTIONAL},
    {"SERVICE", QR_COLUMN_SHRINK},
};

static const struct qr_column switch_columns[] = {
    {"SWITCHED", 0},
    {"BRIDGE", 0},
    {"WHAT", 0},
    {"FROM", 0},
    {"TO", 0},
    {"FAULTS", QR_COLUMN_RIGHT},
    {"OF", QR_COLUMN_RIGHT},
    {"WHY", QR_COLUMN_SHRINK},
};

/* State of the breaker; nothing where there is no service it could be about. */
static void breaker_cells(const Quarry__V1__BridgeState *s, struct qr_table *table)
{
    char text[64];

    for (int i = 0; i < 6 && !s->creo[0]; i++)
        qr_table_text(table, "");
    if (!s->creo[0])
        return;
    qr_table_text(table, s->breaker);
    qr_table_text(table, qr_text_ago(qr_clock_wall_ms(), s->since_ms, text, sizeof text));
    qr_table_u64(table, s->faults);
    qr_table_u64(table, s->calls);
    snprintf(text, sizeof text, "%.1f %%", 100 * s->lower);
    qr_table_text(table, text);
    snprintf(text, sizeof text, "%.3g %%", 100 * s->threshold);
    qr_table_text(table, text);
}

static void bridge_row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__CadBridge *bridge = message;
    const Quarry__V1__BridgeState *s = bridge->state;
    char text[400];
    (void)ctl;

    if (!s)
        return;
    qr_table_text(table, s->worker_id);
    if (strcmp(bridge->ordered_mode, s->mode) == 0)
        snprintf(text, sizeof text, "%s", s->mode);
    else
        snprintf(text, sizeof text, "%s -> %s", s->mode, bridge->ordered_mode);
    qr_table_text(table, text);
    breaker_cells(s, table);
    qr_table_u64(table, s->by_grpc);
    qr_table_u64(table, s->by_json);
    qr_table_u64(table, s->waited);
    qr_table_u64(table, s->failed);
    qr_table_text(table, qr_text_ago(bridge->heard_ms_ago + 1, 1, text, sizeof text));
    snprintf(text, sizeof text, "none; exports in %.300s", s->exports);
    qr_table_text(table, s->service[0] ? s->service : s->creo[0] ? s->creo : text);
}

static void switch_row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__BridgeSwitch *s = message;
    char text[64];
    (void)ctl;

    qr_table_text(table, qr_text_time(s->at_ms, text, sizeof text));
    qr_table_text(table, s->worker_id);
    qr_table_text(table, s->what);
    qr_table_text(table, s->before);
    qr_table_text(table, s->after);
    qr_table_u64(table, s->faults);
    qr_table_u64(table, s->calls);
    qr_table_text(table, s->why);
}

static int show(struct qr_ctl *ctl, const Quarry__V1__CadStatusReply *reply, struct qr_err *err)
{
    int rc = qr_emit_list(ctl, bridge_columns, QR_COUNT(bridge_columns), bridge_row,
                          (ProtobufCMessage *const *)reply->bridges, reply->n_bridges, err);

    if (rc == QR_OK && reply->n_bridges == 0)
        qr_ctl_say("no bridge has reported in the last day; start one: quarry-cadbridge --help");
    if (rc < 0 || reply->n_switches == 0)
        return rc;
    putchar('\n');
    return qr_emit_list(ctl, switch_columns, QR_COUNT(switch_columns), switch_row,
                        (ProtobufCMessage *const *)reply->switches, reply->n_switches, err);
}

static int status_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                       struct qr_err *err)
{
    const struct status_args *args = arguments;
    Quarry__V1__CadStatusRequest request = QUARRY__V1__CAD_STATUS_REQUEST__INIT;
    Quarry__V1__CadStatusReply *reply = NULL;

    if (rest->n > 0)
        request.worker_id = rest->items[0];
    request.switches = (uint32_t)args->switches;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, GetCadStatus, cad_status_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = ctl->output == QR_CTL_TABLE ? show(ctl, reply, err)
                                     : qr_emit_message(ctl, &reply->base, err);
    quarry__v1__cad_status_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_cad_status = {
    .name = "cad status",
    .arguments = "[BRIDGE] [--switches N]",
    .summary = "CAD bridges: mode, breaker, faults, models by way, and the last switches",
    .examples =
        "  quarry cad status                 all bridges of the last day\n"
        "  quarry cad status bridge1 -o json | jq '.bridges[0].state'\n"
        "FAULTS OF are the calls the breaker looks at; SURELY is the share of faults that is\n"
        "exceeded with 99 %. Where MODE reads `auto -> json`, the order is on its way.\n",
    .options = status_options,
    .args_size = sizeof(struct status_args),
    .rest_max = 1,
    .rest_name = "bridge",
    .run = status_verb,
};

/* ------------------------------------------------------------------ mode */

struct mode_args {
    struct qr_ctl_common common;
    char *bridge;
};

#undef AT
#define AT(field) offsetof(struct mode_args, field)

/* clang-format off */
static const struct qr_option mode_options[] = {
    {"bridge", 0, QR_OPT_STR, AT(bridge), NULL, 0, 0, 0, "NAME", "only this one; without it all, those to come too", "docs/bridge.md"},
    {0},
};
/* clang-format on */

static int mode_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                     struct qr_err *err)
{
    const struct mode_args *args = arguments;
    Quarry__V1__SetCadModeRequest request = QUARRY__V1__SET_CAD_MODE_REQUEST__INIT;
    Quarry__V1__SetCadModeReply *reply = NULL;
    char by[200];

    const char *mode = rest->items[0];
    if (strcmp(mode, "auto") != 0 && strcmp(mode, "grpc") != 0 && strcmp(mode, "json") != 0)
        return qr_fail(err, QR_E_USAGE, "'%.40s' is no mode; hint: auto, grpc or json", mode);
    request.mode = rest->items[0];
    request.worker_id = args->bridge ? args->bridge : request.worker_id;
    request.by = (char *)(uintptr_t)qr_control_by(by, sizeof by);
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, SetCadMode, set_cad_mode_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->base, err);
    else if (args->bridge)
        qr_ctl_say("%s: mode %s", args->bridge, reply->mode);
    else
        qr_ctl_say("mode %s for all bridges (%zu known)", reply->mode, reply->n_worker_ids);
    quarry__v1__set_cad_mode_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_cad_mode = {
    .name = "cad mode",
    .arguments = "auto|grpc|json [--bridge NAME]",
    .summary = "which way CAD bridges bring models, until it is changed",
    .examples =
        "  quarry cad mode json                     exports only: Creo is being serviced\n"
        "  quarry cad mode grpc --bridge bridge1    always call, never import\n"
        "  quarry cad mode auto                     all bridges decide by themselves again\n"
        "In force after about a second, and after restarts of bridges and coordinators. Models\n"
        "that have no export wait in mode json.\n",
    .options = mode_options,
    .args_size = sizeof(struct mode_args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "auto, grpc or json",
    .run = mode_verb,
};

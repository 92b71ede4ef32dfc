/* quarry job events */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

static const struct qr_column columns[] = {
    {"TIME", 0},   {"EVENT", QR_COLUMN_STATUS},  {"LEASE", QR_COLUMN_RIGHT},
    {"WORKER", 0}, {"DETAIL", QR_COLUMN_SHRINK},
};

static void row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__JobEvent *event = message;
    char text[48];
    char seconds[32];
    char detail[4096];
    (void)ctl;

    qr_text_time(event->at_ms, seconds, sizeof seconds);
    snprintf(text, sizeof text, "%s.%03d", seconds, (int)(event->at_ms % 1000));
    qr_table_text(table, text);
    qr_table_text(table, event->event);
    snprintf(text, sizeof text, "%" PRIu64, event->lease_id);
    qr_table_text(table, event->lease_id ? text : "");
    qr_table_text(table, event->worker);
    snprintf(detail, sizeof detail, "%s%s%s%s", event->detail,
             event->by[0] ? event->detail[0] ? " (by " : "by " : "", event->by,
             event->by[0] && event->detail[0] ? ")" : "");
    qr_table_text(table, event->by[0] ? detail : event->detail);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__ListJobEventsRequest request = QUARRY__V1__LIST_JOB_EVENTS_REQUEST__INIT;
    Quarry__V1__ListJobEventsReply *reply = NULL;
    (void)args;

    int rc = qr_ctl_one_id(ctl, rest, "job", &request.job_id, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ListJobEvents, list_job_events_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = qr_emit_list(ctl, columns, QR_COUNT(columns), row,
                      (ProtobufCMessage *const *)reply->events, reply->n_events, err);
    quarry__v1__list_job_events_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_job_events = {
    .name = "job events",
    .arguments = "ID",
    .summary = "the whole history of a job, oldest first",
    .examples = "  quarry job events 4711\n",
    QR_CTL_OF_ONE_ID("job ID"),
    .run = run_verb,
};

/* quarry dlq show */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

static const struct qr_column lease_columns[] = {
    {"LEASE", QR_COLUMN_RIGHT},
    {"WORKER", 0},
    {"STARTED", 0},
    {"AFTER", QR_COLUMN_RIGHT},
    {"BUDGET", QR_COLUMN_RIGHT},
    {"ENDED AS", QR_COLUMN_STATUS},
    {"CLASS", 0},
    {"MESSAGE", QR_COLUMN_SHRINK},
};

static const struct qr_column event_columns[] = {
    {"TIME", 0},   {"EVENT", QR_COLUMN_STATUS},  {"LEASE", QR_COLUMN_RIGHT},
    {"WORKER", 0}, {"DETAIL", QR_COLUMN_SHRINK},
};

static void add_lease(struct qr_table *table, const Quarry__V1__LeaseRecord *lease)
{
    char text[64];

    snprintf(text, sizeof text, "%" PRIu64 "%s", lease->lease_id, lease->alone ? " alone" : "");
    qr_table_text(table, text);
    qr_table_text(table, lease->worker);
    qr_table_text(table, qr_text_time(lease->started_ms, text, sizeof text));
    qr_table_text(table, lease->ended_ms ? qr_text_duration(lease->ended_ms - lease->started_ms,
                                                            text, sizeof text)
                                         : "");
    qr_table_text(table, lease->budget_ms
                             ? qr_text_duration((int64_t)lease->budget_ms, text, sizeof text)
                             : "");
    qr_table_text(table, lease->outcome);
    qr_table_text(table, lease->error_class);
    qr_table_text(table, lease->message);
}

static void add_event(struct qr_table *table, const Quarry__V1__JobEvent *event)
{
    char text[64];
    char seconds[32];

    snprintf(text, sizeof text, "%s.%03d", qr_text_time(event->at_ms, seconds, sizeof seconds),
             (int)(event->at_ms % 1000));
    qr_table_text(table, text);
    qr_table_text(table, event->event);
    snprintf(text, sizeof text, "%" PRIu64, event->lease_id);
    qr_table_text(table, event->lease_id ? text : "");
    qr_table_text(table, event->worker);
    qr_table_text(table, event->detail);
}

static void line(const char *name, const char *value)
{
    char shown[4096];

    qr_text_fit(value, SIZE_MAX, false, "", shown, sizeof shown);
    if (shown[0])
        printf("%-9s %s\n", name, shown);
}

static void print_head(const Quarry__V1__DeadLetter *letter)
{
    const Quarry__V1__Job *job = letter->job;
    char text[300];
    char size[32];
    char when[32];
    char ago[32];

    printf("job %" PRId64 " of run %" PRId64 "\n", job->id, job->run_id);
    line("file", job->uri);
    snprintf(text, sizeof text, "%s, %s", job->type, qr_text_size(job->bytes, size, sizeof size));
    line("type", text);
    snprintf(text, sizeof text, "%s (%s)", qr_text_time(letter->failed_ms, when, sizeof when),
             qr_text_ago(qr_clock_wall_ms(), letter->failed_ms, ago, sizeof ago));
    line("failed", text);
    line("class", letter->error_class);
    line("error", letter->message);
    snprintf(text, sizeof text, "%d, lost with their machine: %d, suspected: %d",
             job->retry_count + 1, job->infra_losses, job->suspects);
    line("attempts", text);
    snprintf(text, sizeof text, "%08x, of %" PRIu64 " in this run: %s", letter->pattern_id,
             letter->same, letter->pattern);
    line("pattern", text);
    line("try", letter->suggestion);
}

static int print_letter(struct qr_ctl *ctl, const Quarry__V1__DeadLetter *letter,
                        struct qr_err *err)
{
    QR_AUTO(qr_table) leases = qr_table_new(lease_columns, QR_COUNT(lease_columns));
    QR_AUTO(qr_table) events = qr_table_new(event_columns, QR_COUNT(event_columns));
    int rc;

    if (!leases || !events)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    print_head(letter);
    for (size_t i = 0; i < letter->n_leases; i++)
        add_lease(leases, letter->leases[i]);
    for (size_t i = 0; i < letter->n_events; i++)
        add_event(events, letter->events[i]);
    printf("\n");
    rc = qr_emit_table(ctl, leases, err);
    printf("\n");
    return rc < 0 ? rc : qr_emit_table(ctl, events, err);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    Quarry__V1__GetDeadLetterRequest request = QUARRY__V1__GET_DEAD_LETTER_REQUEST__INIT;
    Quarry__V1__GetDeadLetterReply *reply = NULL;
    (void)args;

    int rc = qr_ctl_one_id(ctl, rest, "job", &request.job_id, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, GetDeadLetter, get_dead_letter_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    if (!reply->letter || !reply->letter->job)
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no dead letter");
    else if (ctl->output == QR_CTL_TABLE)
        rc = print_letter(ctl, reply->letter, err);
    else
        rc = qr_emit_message(ctl, &reply->letter->base, err);
    quarry__v1__get_dead_letter_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_dlq_show = {
    .name = "dlq show",
    .arguments = "ID",
    .summary = "one dead letter: why, every lease it had, its whole history, what to try",
    .examples = "  quarry dlq show 421\n"
                "  quarry dlq show 421 -o json | jq -r '.leases[] | [.worker, .outcome, .message] "
                "| @tsv'\n",
    QR_CTL_OF_ONE_ID("job ID"),
    .run = run_verb,
};

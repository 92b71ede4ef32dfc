/* quarry job retry */
#include <stdio.h>
#include <stdlib.h>

#include "common/class.h"
#include "ctl/emit.h"
#include "ctl/verb/job.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run;
    char *error_class;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",   0, QR_OPT_INT, AT(run),         "0",  0, 0x1p53, 0, "ID", "all dead letters of this run", "docs/cli.md"},
    {"class", 0, QR_OPT_STR, AT(error_class), NULL, 0, 0, 0, "CLASS", "with --run: only those that failed with this class", "docs/operations.md"},
    {0},
};
/* clang-format on */

static int check(const struct args *args, const struct qr_option_list *rest, struct qr_err *err)
{
    if ((rest->n > 0) == (args->run > 0))
        return qr_fail(err, QR_E_USAGE,
                       rest->n > 0 ? "job IDs or --run, not both"
                                   : "which jobs? hint: quarry job retry ID..., or --run ID");
    if (args->error_class && args->run == 0)
        return qr_fail(err, QR_E_USAGE, "--class belongs to --run ID");
    if (args->error_class && qr_class_parse(args->error_class) == QR_CLASS_NONE)
        return qr_fail(err, QR_E_USAGE,
                       "--class: '%s' is no error class; hint: timeout, connection, rate_limit, "
                       "resource, invalid_input, permission, unsupported, crash or internal",
                       args->error_class);
    return QR_OK;
}

static int tell(struct qr_ctl *ctl, const Quarry__V1__RetryJobsReply *reply, struct qr_err *err)
{
    int rc = QR_OK;

    if (ctl->output != QR_CTL_TABLE)
        rc = qr_emit_message(ctl, &reply->base, err);
    else
        printf("retried: %llu\n", (unsigned long long)reply->retried);
    if (rc == QR_OK && reply->n_jobs > 0) {
        const Quarry__V1__JobControl *first = reply->jobs[0];
        rc = qr_fail(err, QR_E_INVALID,
                     "refused: %zu; the first is job %lld, %s: %s; hint: quarry job show %lld",
                     reply->n_refused, (long long)first->job_id,
                     first->before[0] ? first->before : "unknown", first->message,
                     (long long)first->job_id);
    } else if (rc == QR_OK && reply->n_refused > 0) {
        rc = qr_fail(err, QR_E_INVALID,
                     "refused: %zu; the first is job %lld; hint: quarry job show %lld",
                     reply->n_refused, (long long)reply->refused[0], (long long)reply->refused[0]);
    }
    return rc;
}

/* Of a run the coordinator does a part at a time; Ctrl-C leaves what was done done. */
static int retry(struct qr_ctl *ctl, Quarry__V1__RetryJobsRequest *request, struct qr_err *err)
{
    Quarry__V1__RetryJobsReply *reply = NULL;
    uint64_t before = 0;
    int rc = qr_ctl_connect(ctl, err);

    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, RetryJobs, retry_jobs_reply, request, &reply, err);
    while (rc == QR_OK && reply->more) {
        before += reply->retried;
        request->after_id = reply->after_id;
        quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
        rc = QR_CALL(ctl->client, RetryJobs, retry_jobs_reply, request, &reply, err);
    }
    if (rc < 0)
        return rc;
    reply->retried += before;
    rc = tell(ctl, reply, err);
    quarry__v1__retry_jobs_reply__free_unpacked(reply, NULL);
    return rc;
}

int qr_job_retry_ids(struct qr_ctl *ctl, const struct qr_option_list *ids, struct qr_err *err)
{
    Quarry__V1__RetryJobsRequest request = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    int rc = QR_OK;

    request.job_ids = calloc(ids->n + 1, sizeof *request.job_ids);
    if (!request.job_ids)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    for (size_t i = 0; rc == QR_OK && i < ids->n; i++)
        rc = qr_ctl_parse_id(ids->items[i], "job", &request.job_ids[i], err);
    request.n_job_ids = ids->n;
    if (rc == QR_OK)
        rc = retry(ctl, &request, err);
    free(request.job_ids);
    return rc;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__RetryJobsRequest request = QUARRY__V1__RETRY_JOBS_REQUEST__INIT;
    int rc = check(args, rest, err);

    if (rc < 0)
        return rc;
    if (rest->n > 0)
        return qr_job_retry_ids(ctl, rest, err);
    request.run_id = args->run;
    request.error_class = args->error_class ? args->error_class : request.error_class;
    return retry(ctl, &request, err);
}

const struct qr_ctl_verb qr_ctl_job_retry = {
    .name = "job retry",
    .arguments = "ID... | --run ID [--class CLASS]",
    .summary = "failed or cancelled jobs go again, with all their attempts",
    .examples = "  quarry job retry 4711 4712\n"
                "  quarry job retry --run 7                      all dead letters of the run\n"
                "  quarry job retry --run 7 --class connection   once the file server is back\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_max = QR_CTL_ANY,
    .rest_name = "job ID",
    .run = run_verb,
};

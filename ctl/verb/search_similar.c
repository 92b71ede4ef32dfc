/* quarry search similar */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/emit.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t limit;
    char *by;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"limit", 0, QR_OPT_INT, AT(limit), "10", 1, 200, 0, "N", "that many at most", "docs/cli.md"},
    {"by", 0, QR_OPT_STR, AT(by), NULL, 0, 0, 0, "WAY",
     "genome, deepsdf or another embedding; without it the best that the model has", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"JOB", QR_COLUMN_RIGHT},
    {"MODEL", QR_COLUMN_SHRINK},
    {"DISTANCE", QR_COLUMN_RIGHT},
    {"BY", 0},
    {"WAY", 0},
    {"FACES", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"GRAPH", QR_COLUMN_OPTIONAL},
    {"FILE", QR_COLUMN_SHRINK | QR_COLUMN_KEEP_END},
};

static void add_row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const Quarry__V1__SimilarModel *m = message;
    char text[40];
    (void)ctl;

    qr_table_i64(table, m->job_id);
    qr_table_text(table, m->name[0] ? m->name : m->part_number);
    snprintf(text, sizeof text, "%.4f", m->distance);
    qr_table_text(table, text);
    qr_table_text(table, m->by);
    qr_table_text(table, m->mode);
    if (m->faces > 0)
        qr_table_u64(table, m->faces);
    else
        qr_table_text(table, "");
    qr_table_text(table, m->same_graph ? "same" : "");
    qr_table_text(table, m->file);
}

/* JSON is the whole answer; JSON lines are the models. */
static int show(struct qr_ctl *ctl, const Quarry__V1__SearchSimilarReply *reply, struct qr_err *err)
{
    if (ctl->output == QR_CTL_JSON)
        return qr_emit_message(ctl, &reply->base, err);
    int rc = qr_emit_list(ctl, columns, QR_COUNT(columns), add_row,
                          (ProtobufCMessage *const *)reply->models, reply->n_models, err);
    if (rc < 0 || ctl->output != QR_CTL_TABLE)
        return rc;
    if (reply->n_models == 0)
        qr_ctl_say("no other model has a %s to compare with %s; hint: quarry report cad says how "
                   "many have which",
                   reply->by, reply->model->file);
    else
        qr_ctl_say("like %s (job %" PRId64 "), by %s", reply->model->file, reply->model->job_id,
                   reply->by);
    return QR_OK;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__SearchSimilarRequest request = QUARRY__V1__SEARCH_SIMILAR_REQUEST__INIT;
    Quarry__V1__SearchSimilarReply *reply = NULL;
    const char *model = rest->items[0];

    if (model[0] == '\0')
        return qr_fail(err, QR_E_USAGE, "the model has no name; hint: a job id or a name");
    if (strspn(model, "0123456789") == strlen(model)) {
        int rc = qr_ctl_parse_id(model, "job", &request.job_id, err);
        if (rc < 0)
            return rc;
    } else {
        request.model = rest->items[0];
    }
    request.limit = (uint32_t)args->limit;
    request.by = args->by ? args->by : request.by;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, SearchSimilar, search_similar_reply, &request, &reply, err);
    if (rc < 0)
        return rc;
    rc = show(ctl, reply, err);
    quarry__v1__search_similar_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_search_similar = {
    .name = "search similar",
    .arguments = "MODEL|JOB [--limit N] [--by WAY]",
    .summary = "models that are like one model: by an embedding such as DeepSDF, or by genome",
    .examples =
        "  quarry search similar wheel.prt              the newest model of that name\n"
        "  quarry search similar 4711 --limit 3         the model of that job\n"
        "  quarry search similar root://cad/wheel.stp --by genome -o json | jq '.models[0]'\n"
        "MODEL is an address, a model's name, a part number or a file name. DISTANCE is 0 "
        "for what\n"
        "looks the same; distances of two ways do not compare. Of a file the newest model "
        "counts.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "model or job",
    .run = run_verb,
};

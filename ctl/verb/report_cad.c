/* quarry report cad */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/emit.h"
#include "ctl/text.h"
#include "ctl/verb/run.h"
#include "ctl/verb/verbs.h"

typedef Quarry__V1__CadWay way;

struct args {
    struct qr_ctl_common common;
    int64_t run;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run", 0, QR_OPT_INT, AT(run), "0", 0, 0x1p53, 0, "ID", "only models of this run", "docs/cli.md"},
    {0},
};
/* clang-format on */

static const struct qr_column columns[] = {
    {"WAY", 0},
    {"MODELS", QR_COLUMN_RIGHT},
    {"DONE", QR_COLUMN_RIGHT},
    {"FAILED", QR_COLUMN_RIGHT},
    {"OPEN", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"GENOME", QR_COLUMN_RIGHT},
    {"POINTS", QR_COLUMN_RIGHT},
    {"LATENT", QR_COLUMN_RIGHT},
    {"FACES", QR_COLUMN_RIGHT},
    {"VOLUME", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"MASS", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
    {"VIEWS", QR_COLUMN_RIGHT | QR_COLUMN_OPTIONAL},
};

/* How many of the completed have it: "12 (80 %)". */
static void covered(struct qr_table *table, uint64_t n, uint64_t of)
{
    char text[60];

    if (of == 0)
        snprintf(text, sizeof text, "%" PRIu64, n);
    else
        snprintf(text, sizeof text, "%" PRIu64 " (%.0f %%)", n, 100.0 * (double)n / (double)of);
    qr_table_text(table, text);
}

static void add_row(const struct qr_ctl *ctl, const void *message, struct qr_table *table)
{
    const way *w = message;
    char text[40];
    (void)ctl;

    qr_table_text(table, w->mode);
    qr_table_u64(table, w->models);
    qr_table_u64(table, w->completed);
    qr_table_u64(table, w->failed);
    qr_table_u64(table, w->open);
    covered(table, w->genome, w->completed);
    covered(table, w->point_cloud, w->completed);
    covered(table, w->deepsdf, w->completed);
    snprintf(text, sizeof text, "%.1f", w->average_faces);
    qr_table_text(table, w->faces > 0 ? text : "");
    qr_table_u64(table, w->volume);
    qr_table_u64(table, w->mass);
    qr_table_u64(table, w->views);
    if (strcmp(w->mode, "all") == 0)
        qr_table_mark_sum(table);
}

#define PRINT_COUNTS(title, list, n)                                                             \
    do {                                                                                         \
        for (size_t i_ = 0; i_ < (n); i_++)                                                      \
            printf("%s%s %" PRIu64, i_ == 0 ? title : ", ", (list)[i_]->key, (list)[i_]->value); \
        if ((n) > 0)                                                                             \
            printf("\n");                                                                        \
    } while (0)

/* Of the sum: what the columns do not say. */
static void print_rest(const way *w)
{
    printf("\n");
    PRINT_COUNTS("geometry    ", w->geometry, w->n_geometry);
    PRINT_COUNTS("failed      ", w->failed_by_class, w->n_failed_by_class);
    PRINT_COUNTS("embeddings  ", w->embeddings, w->n_embeddings);
    if (w->cancelled > 0)
        printf("cancelled   %" PRIu64 "\n", w->cancelled);
    if (w->superseded > 0)
        printf("superseded  %" PRIu64 " have a newer version in their run\n", w->superseded);
}

static int show(struct qr_ctl *ctl, const Quarry__V1__ReportCadReply *reply, struct qr_err *err)
{
    const way *sum = reply->n_ways > 0 ? reply->ways[reply->n_ways - 1] : NULL;
    bool any = sum && sum->models > 0;
    int rc = QR_OK;

    if (any || ctl->output != QR_CTL_TABLE)
        rc = qr_emit_list(ctl, columns, QR_COUNT(columns), add_row,
                          (ProtobufCMessage *const *)reply->ways, reply->n_ways, err);
    if (rc < 0 || ctl->output != QR_CTL_TABLE)
        return rc;
    if (any)
        print_rest(sum);
    else
        qr_ctl_say("no models: jobs of the types cad, step and ifc have them");
    return QR_OK;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__ReportCadRequest request = QUARRY__V1__REPORT_CAD_REQUEST__INIT;
    Quarry__V1__ReportCadReply *reply = NULL;
    (void)rest;

    request.run_id = args->run;
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK && args->run > 0)
        rc = qr_run_must_exist(ctl, args->run, err);
    if (rc == QR_OK)
        rc = QR_CALL(ctl->client, ReportCad, report_cad_reply, &request, &reply, err);
    if (rc == QR_OK)
        rc = show(ctl, reply, err);
    if (reply)
        quarry__v1__report_cad_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_report_cad = {
    .name = "report cad",
    .arguments = "[--run ID]",
    .summary = "models by the way they came: what each way gave, faces, geometry, failures",
    .examples = "  quarry report cad --run 7\n"
                "  quarry report cad -o json | jq '.[] | {mode, models, genome, failed_by_class}'\n"
                "Shares are of the completed ones. A genome, latent or point cloud that no source "
                "gave is missing.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

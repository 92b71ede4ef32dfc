#include "coordinator/db/report.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/message.h"

/* protobuf-c gives each map its own entry type of one shape. */
#define ADD_ENTRY(list, n, Type, init_fn, name, amount, ok)          \
    do {                                                             \
        Type **grown_ = realloc((list), ((n) + 1) * sizeof *grown_); \
        Type *entry_ = malloc(sizeof *entry_);                       \
        if (grown_)                                                  \
            (list) = grown_;                                         \
        if (!grown_ || !entry_) {                                    \
            free(entry_);                                            \
            (ok) = false;                                            \
            break;                                                   \
        }                                                            \
        init_fn(entry_);                                             \
        (list)[(n)++] = entry_;                                      \
        entry_->value = (amount);                                    \
        (ok) = qr_message_set(&entry_->key, (name));                 \
    } while (0)

static Quarry__V1__CadWay *way_of_row(const PGresult *r, int i)
{
    Quarry__V1__CadWay *w = malloc(sizeof *w);

    if (!w)
        return NULL;
    quarry__v1__cad_way__init(w);
    uint64_t *const counts[] = {&w->models,  &w->completed,  &w->failed, &w->cancelled,
                                &w->open,    &w->superseded, &w->genome, &w->point_cloud,
                                &w->deepsdf, &w->embedded,   &w->faces};
    for (size_t k = 0; k < QR_COUNT(counts); k++)
        *counts[k] = (uint64_t)qr_get_i64(r, i, (int)k + 1);
    w->average_faces = qr_get_f64(r, i, 12);
    w->bbox = (uint64_t)qr_get_i64(r, i, 13);
    w->volume = (uint64_t)qr_get_i64(r, i, 14);
    w->mass = (uint64_t)qr_get_i64(r, i, 15);
    w->views = (uint64_t)qr_get_i64(r, i, 16);
    if (qr_message_set(&w->mode, qr_get_text(r, i, 0)))
        return w;
    quarry__v1__cad_way__free_unpacked(w, NULL);
    return NULL;
}

static bool add_count(Quarry__V1__ReportCadReply *reply, const PGresult *r, int i)
{
    const char *mode = qr_get_text(r, i, 0), *what = qr_get_text(r, i, 1);
    const char *name = qr_get_text(r, i, 2);
    uint64_t n = (uint64_t)qr_get_i64(r, i, 3);
    Quarry__V1__CadWay *w = NULL;
    bool ok = true;

    for (size_t k = 0; k < reply->n_ways; k++)
        if (strcmp(reply->ways[k]->mode, mode) == 0)
            w = reply->ways[k];
    if (!w) /* came between the two statements */
        return true;
    if (strcmp(what, "geometry") == 0)
        ADD_ENTRY(w->geometry, w->n_geometry, Quarry__V1__CadWay__GeometryEntry,
                  quarry__v1__cad_way__geometry_entry__init, name, n, ok);
    else if (strcmp(what, "failed") == 0)
        ADD_ENTRY(w->failed_by_class, w->n_failed_by_class, Quarry__V1__CadWay__FailedByClassEntry,
                  quarry__v1__cad_way__failed_by_class_entry__init, name, n, ok);
    else
        ADD_ENTRY(w->embeddings, w->n_embeddings, Quarry__V1__CadWay__EmbeddingsEntry,
                  quarry__v1__cad_way__embeddings_entry__init, name, n, ok);
    return ok;
}

static Quarry__V1__ReportCadReply *reply_of(const PGresult *ways, const PGresult *counts)
{
    Quarry__V1__ReportCadReply *reply = malloc(sizeof *reply);
    size_t n = (size_t)PQntuples(ways);
    bool ok = true;

    if (!reply)
        return NULL;
    quarry__v1__report_cad_reply__init(reply);
    reply->ways = calloc(n + 1, sizeof(Quarry__V1__CadWay *));
    for (size_t i = 0; reply->ways && ok && i < n; i++) {
        Quarry__V1__CadWay *w = way_of_row(ways, (int)i);
        ok = w != NULL;
        if (w)
            reply->ways[reply->n_ways++] = w;
    }
    for (int i = 0; reply->ways && ok && i < PQntuples(counts); i++)
        ok = add_count(reply, counts, i);
    if (reply->ways && ok)
        return reply;
    quarry__v1__report_cad_reply__free_unpacked(reply, NULL);
    return NULL;
}

int qr_report_cad(struct qr_conn *conn, const Quarry__V1__ReportCadRequest *request,
                  Quarry__V1__ReportCadReply **ret, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT ways = NULL;
    QR_AUTO_RESULT counts = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, request->run_id);
    int rc = qr_conn_run(conn, QR_SQL_report_cad, &params, &ways, err);
    if (rc == QR_OK)
        rc = qr_conn_run(conn, QR_SQL_report_cad_counts, &params, &counts, err);
    if (rc < 0)
        return rc;
    *ret = reply_of(ways, counts);
    return *ret ? QR_OK : qr_fail(err, QR_E_NOMEM, "report: out of memory");
}

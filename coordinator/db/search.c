#include "coordinator/db/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/db/conn.h"
#include "coordinator/db/message.h"

static const char genome[] = "genome";

/* Columns of search_model.sql, and of the statements that search. */
enum { M_ID, M_JOB, M_RUN, M_FILE, M_NAME, M_NUMBER, M_MODE, M_FACES, M_GENOME, M_TYPES, M_STATUS };
enum { S_JOB, S_RUN, S_FILE, S_NAME, S_NUMBER, S_MODE, S_FACES, S_DISTANCE, S_SAME };

/* `first`: the column of the job; behind it they are in one order. */
static Quarry__V1__SimilarModel *model_of_row(const PGresult *r, int i, int first)
{
    Quarry__V1__SimilarModel *m = malloc(sizeof *m);

    if (!m)
        return NULL;
    quarry__v1__similar_model__init(m);
    m->job_id = qr_get_i64(r, i, first + S_JOB);
    m->run_id = qr_get_i64(r, i, first + S_RUN);
    m->faces = (uint64_t)qr_get_i64(r, i, first + S_FACES);
    if (qr_message_set(&m->file, qr_get_text(r, i, first + S_FILE)) &&
        qr_message_set(&m->name, qr_get_text(r, i, first + S_NAME)) &&
        qr_message_set(&m->part_number, qr_get_text(r, i, first + S_NUMBER)) &&
        qr_message_set(&m->mode, qr_get_text(r, i, first + S_MODE)))
        return m;
    quarry__v1__similar_model__free_unpacked(m, NULL);
    return NULL;
}

static bool add_way(Quarry__V1__SearchSimilarReply *reply, const char *name, size_t len)
{
    char *way = strndup(name, len);

    if (way)
        reply->ways[reply->n_ways++] = way;
    return way != NULL;
}

/* What the model could be compared by, the best first. */
static bool add_ways(Quarry__V1__SearchSimilarReply *reply, const PGresult *r)
{
    const char *types = qr_get_text(r, 0, M_TYPES);
    size_t n = 2;

    for (const char *at = types; *at; at++)
        n += *at == ',';
    reply->ways = calloc(n, sizeof *reply->ways);
    if (!reply->ways)
        return false;
    while (*types) {
        size_t len = strcspn(types, ",");
        if (!add_way(reply, types, len))
            return false;
        types += len + (types[len] == ',');
    }
    return !qr_get_bool(r, 0, M_GENOME) || add_way(reply, genome, sizeof genome - 1);
}

static int find_model(struct qr_conn *conn, const Quarry__V1__SearchSimilarRequest *request,
                      PGresult **ret, struct qr_err *err)
{
    struct qr_params params;

    if (request->job_id < 0 || (request->job_id == 0 && !request->model[0]))
        return qr_fail(err, QR_E_INVALID,
                       "no model is named; hint: a job id, or the address or name of a model");
    qr_params_init(&params);
    qr_param_i64(&params, request->job_id);
    qr_param_text(&params, request->model);
    int rc = qr_conn_run(conn, QR_SQL_search_model, &params, ret, err);
    if (rc < 0 || PQntuples(*ret) > 0)
        return rc;
    if (request->job_id > 0)
        return qr_fail(err, QR_E_NOT_FOUND,
                       "job %lld has no model; hint: quarry job show %lld says what it has",
                       (long long)request->job_id, (long long)request->job_id);
    return qr_fail(err, QR_E_NOT_FOUND,
                   "there is no model '%.100s'; hint: its job's id, its address (root://…), its "
                   "name, part number or file name",
                   request->model);
}

/* Which of its ways; what is asked for if it has that. */
static int choose_way(Quarry__V1__SearchSimilarReply *reply, const char *by, const char *status,
                      struct qr_err *err)
{
    const char *way = NULL;
    char ways[120] = "";
    size_t len = 0;

    for (size_t i = 0; i < reply->n_ways; i++) {
        const char *one = reply->ways[i] ? reply->ways[i] : "";
        if (!way && (!by[0] || strcmp(by, one) == 0))
            way = one;
        if (len < sizeof ways)
            len += (size_t)snprintf(ways + len, sizeof ways - len, "%s%s", len ? ", " : "", one);
    }
    if (reply->n_ways == 0 && strcmp(status, "completed") != 0)
        return qr_fail(err, QR_E_NOT_FOUND,
                       "the model of job %lld is not there, the job is %s; hint: quarry job why "
                       "%lld",
                       (long long)reply->model->job_id, status, (long long)reply->model->job_id);
    if (reply->n_ways == 0)
        return qr_fail(err, QR_E_NOT_FOUND,
                       "the model of job %lld has no embedding and no faces to compare by; hint: "
                       "quarry report cad says how many have",
                       (long long)reply->model->job_id);
    if (!way)
        return qr_fail(err, QR_E_NOT_FOUND,
                       "the model of job %lld cannot be compared by '%.60s'; hint: it has %s",
                       (long long)reply->model->job_id, by, ways);
    return qr_message_set(&reply->by, way) ? QR_OK
                                           : qr_fail(err, QR_E_NOMEM, "search: out of memory");
}

static int search(struct qr_conn *conn, int64_t model_id, const char *by, uint32_t limit,
                  PGresult **ret, struct qr_err *err)
{
    bool by_genome = strcmp(by, genome) == 0;
    struct qr_params params;

    qr_params_init(&params);
    qr_param_i64(&params, model_id);
    if (!by_genome)
        qr_param_text(&params, by);
    qr_param_i32(&params, (int32_t)limit);
    return qr_conn_run(conn, by_genome ? QR_SQL_search_genome : QR_SQL_search_embedding, &params,
                       ret, err);
}

static bool fill(Quarry__V1__SearchSimilarReply *reply, const PGresult *r)
{
    size_t n = (size_t)PQntuples(r);

    reply->models = calloc(n + 1, sizeof *reply->models);
    for (size_t i = 0; reply->models && i < n; i++) {
        Quarry__V1__SimilarModel *m = model_of_row(r, (int)i, S_JOB);
        if (!m)
            return false;
        reply->models[reply->n_models++] = m;
        m->distance = qr_get_f64(r, (int)i, S_DISTANCE);
        m->same_graph = qr_get_bool(r, (int)i, S_SAME);
        if (!qr_message_set(&m->by, reply->by))
            return false;
    }
    return reply->models != NULL;
}

int qr_search_similar(struct qr_conn *conn, const Quarry__V1__SearchSimilarRequest *request,
                      Quarry__V1__SearchSimilarReply **ret, struct qr_err *err)
{
    uint32_t limit = request->limit ? request->limit : QR_SEARCH_DEFAULT;
    QR_AUTO_RESULT model = NULL;
    QR_AUTO_RESULT near = NULL;

    if (limit > QR_SEARCH_MAX)
        return qr_fail(err, QR_E_INVALID, "%u models; hint: at most %d", (unsigned)limit,
                       QR_SEARCH_MAX);
    int rc = find_model(conn, request, &model, err);
    if (rc < 0)
        return rc;
    Quarry__V1__SearchSimilarReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "search: out of memory");
    quarry__v1__search_similar_reply__init(reply);
    reply->model = model_of_row(model, 0, M_JOB);
    if (!reply->model || !add_ways(reply, model))
        rc = qr_fail(err, QR_E_NOMEM, "search: out of memory");
    if (rc == QR_OK)
        rc = choose_way(reply, request->by, qr_get_text(model, 0, M_STATUS), err);
    if (rc == QR_OK)
        rc = search(conn, qr_get_i64(model, 0, M_ID), reply->by, limit, &near, err);
    if (rc == QR_OK && !fill(reply, near))
        rc = qr_fail(err, QR_E_NOMEM, "search: out of memory");
    if (rc == QR_OK)
        *ret = reply;
    else
        quarry__v1__search_similar_reply__free_unpacked(reply, NULL);
    return rc;
}

#include "coordinator/db/dead_letter.h"

#include <stdlib.h>

#include "coordinator/db/job_rows.h"
#include "coordinator/db/message.h"
#include "coordinator/db/pattern.h"

enum {
    PURGE_STEP = 10000, /* rows of one statement */
    PATTERNS_DEFAULT = 50,
    PATTERNS_MAX = 1000,
    SAMPLES = 3,
};

/* ------------------------------------------------------------------ list */

int qr_dead_letter_list(struct qr_conn *conn, const Quarry__V1__ListDeadLettersRequest *request,
                        Quarry__V1__ListDeadLettersReply **ret, struct qr_err *err)
{
    uint32_t limit = qr_list_limit(request->limit);
    struct qr_params params, count;
    PGresult *results[2] = {NULL};

    qr_params_init(&params);
    qr_param_i64(&params, request->run_id);
    qr_param_text(&params, request->error_class);
    qr_param_i64(&params, request->after_id);
    qr_param_i32(&params, (int32_t)limit + 1);
    qr_param_i32(&params, (int32_t)request->pattern);
    qr_params_init(&count);
    qr_param_i64(&count, request->run_id);
    qr_param_text(&count, request->error_class);
    qr_param_i32(&count, (int32_t)request->pattern);
    const struct qr_call calls[] = {{QR_SQL_dead_letter_list, &params},
                                    {QR_SQL_dead_letter_count, &count}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    if (rc < 0)
        return rc;
    Quarry__V1__ListDeadLettersReply *reply = malloc(sizeof *reply);
    if (reply) {
        quarry__v1__list_dead_letters_reply__init(reply);
        reply->total = (uint64_t)qr_get_i64(results[1], 0, 0);
        if (!qr_jobs_of_rows(results[0], limit, &reply->jobs, &reply->n_jobs, &reply->more)) {
            quarry__v1__list_dead_letters_reply__free_unpacked(reply, NULL);
            reply = NULL;
        }
    }
    PQclear(results[0]);
    PQclear(results[1]);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "dead letters: out of memory");
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ analyze */

/* "1,2,3" as numbers. */
static bool numbers_of(const char *text, int64_t **ret, size_t *ret_n)
{
    size_t n = 1;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    *ret = calloc(n, sizeof **ret);
    for (*ret_n = 0; *ret && *text && *ret_n < n; ++*ret_n) {
        char *end = NULL;
        (*ret)[*ret_n] = strtoll(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    return *ret != NULL;
}

static bool words_of(const char *text, char ***ret, size_t *ret_n)
{
    size_t n = 1;

    for (const char *c = text; *c; c++)
        n += *c == ',';
    *ret = calloc(n, sizeof(char *));
    for (*ret_n = 0; *ret && *text && *ret_n < n; ++*ret_n) {
        size_t len = strcspn(text, ",");
        (*ret)[*ret_n] = strndup(text, len);
        if (!(*ret)[*ret_n])
            return false;
        text += len + (text[len] == ',');
    }
    return *ret != NULL;
}

static Quarry__V1__DeadLetterPattern *pattern_of_row(const PGresult *r, int i)
{
    Quarry__V1__DeadLetterPattern *p = malloc(sizeof *p);

    if (!p)
        return NULL;
    quarry__v1__dead_letter_pattern__init(p);
    p->id = (uint32_t)qr_get_i32(r, i, 0);
    p->count = (uint64_t)qr_get_i64(r, i, 3);
    p->share = (double)p->count / (double)qr_get_i64(r, i, 4);
    p->first_ms = qr_get_i64(r, i, 6);
    p->last_ms = qr_get_i64(r, i, 7);
    p->runs = (uint64_t)qr_get_i32(r, i, 8);
    p->sample_job_ids = calloc(SAMPLES, sizeof *p->sample_job_ids);
    for (int k = 0; p->sample_job_ids && k < SAMPLES; k++) {
        int64_t id = qr_get_i64(r, i, 11 + k);
        if (p->n_sample_job_ids == 0 || p->sample_job_ids[p->n_sample_job_ids - 1] != id)
            p->sample_job_ids[p->n_sample_job_ids++] = id;
    }
    if (p->sample_job_ids && qr_message_set(&p->error_class, qr_get_text(r, i, 1)) &&
        qr_message_set(&p->pattern, qr_get_text(r, i, 2)) &&
        qr_message_set(&p->suggestion, qr_pattern_advice(p->error_class, p->pattern)) &&
        numbers_of(qr_get_text(r, i, 9), &p->run_ids, &p->n_run_ids) &&
        words_of(qr_get_text(r, i, 10), &p->types, &p->n_types))
        return p;
    quarry__v1__dead_letter_pattern__free_unpacked(p, NULL);
    return NULL;
}

int qr_dead_letter_analyze(struct qr_conn *conn,
                           const Quarry__V1__AnalyzeDeadLettersRequest *request,
                           Quarry__V1__AnalyzeDeadLettersReply **ret, struct qr_err *err)
{
    uint32_t limit = request->limit == 0             ? PATTERNS_DEFAULT
                     : request->limit > PATTERNS_MAX ? PATTERNS_MAX
                                                     : request->limit;
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, request->run_id);
    qr_param_text(&params, request->error_class);
    qr_param_i32(&params, (int32_t)request->pattern);
    qr_param_i32(&params, (int32_t)limit);
    int rc = qr_conn_run(conn, QR_SQL_dead_letter_analyze, &params, &rows, err);
    if (rc < 0)
        return rc;
    Quarry__V1__AnalyzeDeadLettersReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "dead letters: out of memory");
    quarry__v1__analyze_dead_letters_reply__init(reply);
    size_t n = (size_t)PQntuples(rows);
    reply->total = n > 0 ? (uint64_t)qr_get_i64(rows, 0, 4) : 0;
    reply->patterns_in_all = n > 0 ? (uint64_t)qr_get_i64(rows, 0, 5) : 0;
    reply->patterns = calloc(n + 1, sizeof(Quarry__V1__DeadLetterPattern *));
    while (reply->patterns && reply->n_patterns < n) {
        Quarry__V1__DeadLetterPattern *p = pattern_of_row(rows, (int)reply->n_patterns);
        if (!p)
            break;
        reply->patterns[reply->n_patterns++] = p;
    }
    if (!reply->patterns || reply->n_patterns < n) {
        quarry__v1__analyze_dead_letters_reply__free_unpacked(reply, NULL);
        return qr_fail(err, QR_E_NOMEM, "dead letters: out of memory");
    }
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ show */

static Quarry__V1__LeaseRecord *lease_of(Quarry__V1__DeadLetter *letter, uint64_t lease_id)
{
    for (size_t i = 0; i < letter->n_leases; i++)
        if (letter->leases[i]->lease_id == lease_id)
            return letter->leases[i];
    Quarry__V1__LeaseRecord *lease = malloc(sizeof *lease);
    if (!lease)
        return NULL;
    quarry__v1__lease_record__init(lease);
    lease->lease_id = lease_id;
    letter->leases[letter->n_leases++] = lease;
    return lease;
}

/* "crash: the child died" to class and message; without a class it is all message. */
static bool set_why(Quarry__V1__LeaseRecord *lease, const char *detail)
{
    char class[32];
    size_t len = strcspn(detail, ":");

    snprintf(class, sizeof class, "%.*s", (int)(len < sizeof class ? len : 0), detail);
    if (detail[len] == ':' && qr_class_parse(class) != QR_CLASS_NONE)
        return qr_message_set(&lease->error_class, class) &&
               qr_message_set(&lease->message, detail + len + 1 + (detail[len + 1] == ' '));
    return qr_message_set(&lease->message, detail);
}

/* A lease's events, in order: leased, perhaps alone, then what ended it, then what was said of it.
 */
static bool add_event(Quarry__V1__DeadLetter *letter, const Quarry__V1__JobEvent *event)
{
    if (event->lease_id == 0)
        return true;
    Quarry__V1__LeaseRecord *lease = lease_of(letter, event->lease_id);
    if (!lease)
        return false;
    if (strcmp(event->event, "leased") == 0) {
        lease->started_ms = event->at_ms;
        return qr_message_set(&lease->worker, event->worker);
    }
    if (strcmp(event->event, "alone") == 0) {
        lease->alone = true;
        return true;
    }
    if (lease->ended_ms == 0)
        lease->ended_ms = event->at_ms;
    if (event->budget_ms > 0)
        lease->budget_ms = event->budget_ms;
    return qr_message_set(&lease->outcome, event->event) && set_why(lease, event->detail);
}

static int read_history(struct qr_conn *conn, Quarry__V1__DeadLetter *letter, struct qr_err *err)
{
    struct qr_params params;
    QR_AUTO_RESULT rows = NULL;

    qr_params_init(&params);
    qr_param_i64(&params, letter->job->id);
    int rc = qr_conn_run(conn, QR_SQL_job_events, &params, &rows, err);
    if (rc < 0)
        return rc;
    size_t n = (size_t)PQntuples(rows);
    letter->events = calloc(n + 1, sizeof(Quarry__V1__JobEvent *));
    letter->leases = calloc(n + 1, sizeof(Quarry__V1__LeaseRecord *));
    bool ok = letter->events && letter->leases;
    for (size_t i = 0; ok && i < n; i++) {
        Quarry__V1__JobEvent *event = qr_job_event_of_row(rows, (int)i);
        ok = event != NULL;
        if (event)
            letter->events[letter->n_events++] = event;
        ok = ok && add_event(letter, event);
    }
    return ok ? QR_OK : qr_fail(err, QR_E_NOMEM, "dead letter: out of memory");
}

static int read_letter(struct qr_conn *conn, int64_t job_id, Quarry__V1__DeadLetter *letter,
                       struct qr_err *err)
{
    struct qr_params params;
    PGresult *results[2] = {NULL};

    qr_params_init(&params);
    qr_param_i64(&params, job_id);
    const struct qr_call calls[] = {{QR_SQL_dead_letter_get, &params}, {QR_SQL_job_get, &params}};
    int rc = qr_conn_pipeline(conn, calls, QR_COUNT(calls), results, err);
    const PGresult *row = results[0];
    if (rc == QR_OK && PQntuples(results[1]) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "job %lld does not exist", (long long)job_id);
    else if (rc == QR_OK && PQntuples(row) == 0)
        rc = qr_fail(err, QR_E_NOT_FOUND, "job %lld is no dead letter; hint: quarry job show %lld",
                     (long long)job_id, (long long)job_id);
    if (rc == QR_OK) {
        letter->pattern_id = (uint32_t)qr_get_i32(row, 0, 3);
        letter->failed_ms = qr_get_i64(row, 0, 4);
        letter->same = (uint64_t)qr_get_i64(row, 0, 5);
        letter->job = qr_job_of_row(results[1], 0);
        if (!letter->job || !qr_message_set(&letter->error_class, qr_get_text(row, 0, 0)) ||
            !qr_message_set(&letter->message, qr_get_text(row, 0, 1)) ||
            !qr_message_set(&letter->pattern, qr_get_text(row, 0, 2)) ||
            !qr_message_set(&letter->suggestion,
                            qr_pattern_advice(letter->error_class, letter->pattern)))
            rc = qr_fail(err, QR_E_NOMEM, "dead letter: out of memory");
    }
    PQclear(results[0]);
    PQclear(results[1]);
    return rc;
}

int qr_dead_letter_get(struct qr_conn *conn, int64_t job_id, Quarry__V1__GetDeadLetterReply **ret,
                       struct qr_err *err)
{
    Quarry__V1__GetDeadLetterReply *reply = malloc(sizeof *reply);
    Quarry__V1__DeadLetter *letter = malloc(sizeof *letter);

    if (!reply || !letter) {
        free(reply);
        free(letter);
        return qr_fail(err, QR_E_NOMEM, "dead letter: out of memory");
    }
    quarry__v1__get_dead_letter_reply__init(reply);
    quarry__v1__dead_letter__init(letter);
    reply->letter = letter;
    int rc = read_letter(conn, job_id, letter, err);
    if (rc == QR_OK)
        rc = read_history(conn, letter, err);
    if (rc < 0) {
        quarry__v1__get_dead_letter_reply__free_unpacked(reply, NULL);
        return rc;
    }
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ purge */

void qr_dead_letter_filter(struct qr_params *params, int64_t run_id, const char *error_class,
                           uint32_t pattern)
{
    qr_params_init(params);
    qr_param_i64(params, run_id);
    qr_param_text(params, error_class);
    qr_param_i32(params, (int32_t)pattern);
}

int qr_dead_letter_check_class(const char *error_class, struct qr_err *err)
{
    if (error_class[0] && qr_class_parse(error_class) == QR_CLASS_NONE)
        return qr_fail(err, QR_E_INVALID, "'%.40s' is no error class", error_class);
    return QR_OK;
}

int qr_dead_letter_purge(struct qr_conn *conn, const Quarry__V1__PurgeDeadLettersRequest *request,
                         Quarry__V1__PurgeDeadLettersReply **ret, struct qr_err *err)
{
    int rc = qr_dead_letter_check_class(request->error_class, err);
    uint64_t purged = 0;
    int64_t n = request->dry_run ? 0 : PURGE_STEP;

    if (rc == QR_OK && request->older_than_ms > (uint64_t)INT64_MAX / 1000000)
        rc = qr_fail(err, QR_E_INVALID, "no dead letter is that old");
    for (int i = 0; rc == QR_OK && i < QR_STEPS_A_CALL && (i == 0 || n == PURGE_STEP); i++) {
        struct qr_params params;
        QR_AUTO_RESULT row = NULL;
        qr_dead_letter_filter(&params, request->run_id, request->error_class, request->pattern);
        qr_param_i64(&params, (int64_t)request->older_than_ms);
        if (!request->dry_run)
            qr_param_i32(&params, PURGE_STEP);
        rc = qr_conn_run(
            conn, request->dry_run ? QR_SQL_dead_letter_purge_count : QR_SQL_dead_letter_purge,
            &params, &row, err);
        n = rc == QR_OK ? qr_get_i64(row, 0, 0) : 0;
        purged += (uint64_t)n;
        if (request->dry_run)
            break;
    }
    if (rc < 0)
        return rc;
    Quarry__V1__PurgeDeadLettersReply *reply = malloc(sizeof *reply);
    if (!reply)
        return qr_fail(err, QR_E_NOMEM, "purge: out of memory");
    quarry__v1__purge_dead_letters_reply__init(reply);
    reply->purged = purged;
    reply->more = !request->dry_run && n == PURGE_STEP;
    *ret = reply;
    return QR_OK;
}

/* ------------------------------------------------------------------ metrics */

int qr_dead_letter_classes(struct qr_conn *conn, uint64_t *ret_by_class, struct qr_err *err)
{
    QR_AUTO_RESULT rows = NULL;
    int rc = qr_conn_run(conn, QR_SQL_dead_letter_classes, NULL, &rows, err);

    memset(ret_by_class, 0, QR_CLASS_COUNT * sizeof *ret_by_class);
    for (int i = 0; rc == QR_OK && i < PQntuples(rows); i++)
        ret_by_class[qr_class_parse(qr_get_text(rows, i, 0))] += (uint64_t)qr_get_i64(rows, i, 1);
    return rc;
}

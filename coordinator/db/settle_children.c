/* Jobs that completed results found (docs/database.md "Jobs that others find").
 *
 * They are added in the transaction that completes their parent, behind its fence: a result that is
 * not accepted adds nothing, one that comes twice adds once. The counter of their stage moves once,
 * by what was added less what ended, so that it never says zero while work is on its way: the stage
 * is open, because the parent was. What is not added is counted and said in the parent's history.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/db/json.h"
#include "coordinator/db/settle_children.h"

enum { PRIORITY_MAX = 200 };

/* Columns of children_parents.sql. */
enum parent { P_JOB, P_RUN, P_DEPTH, P_PRIORITY, P_URI, P_GROWS, P_FOLLOWS, P_TYPES, P_SKIPS };

static const struct qr_found *found_of(const struct settle_item *item)
{
    return qr_settle_is_failure(item) ? NULL : item->settle->found;
}

/* ------------------------------------------------------------------ parents */

static int read_parents(struct settle_txn *txn, struct qr_err *err)
{
    int row = 0;
    int n = PQntuples(txn->parents);

    for (size_t i = 0; i < txn->n; i++) { /* both by job */
        struct settle_item *item = txn->items[i];
        int64_t job_id = (int64_t)item->settle->job_id;
        if (!found_of(item))
            continue;
        if (!item->children && !(item->children = calloc(1, sizeof *item->children)))
            return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
        item->children->parent_row = -1;
        while (row < n && qr_get_i64(txn->parents, row, P_JOB) < job_id)
            row++;
        if (row < n && qr_get_i64(txn->parents, row, P_JOB) == job_id)
            item->children->parent_row = row;
    }
    return txn->parents ? QR_OK : qr_fail(err, QR_E_INTERNAL, "settle: no parents");
}

int qr_children_lock(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    struct qr_array *jobs = &txn->columns[0];
    struct qr_params params;

    qr_children_done(txn);
    qr_array_clear(jobs);
    for (size_t i = 0; i < txn->n; i++)
        if (found_of(txn->items[i]))
            qr_array_i64(jobs, (int64_t)txn->items[i]->settle->job_id);
    if (jobs->n == 0)
        return QR_OK;
    qr_params_init(&params);
    qr_param_array(&params, jobs);
    int rc = qr_conn_run(conn, QR_SQL_children_parents, &params, &txn->parents, err);
    return rc == QR_OK ? read_parents(txn, err) : rc;
}

void qr_children_done(struct settle_txn *txn)
{
    PQclear(txn->parents);
    txn->parents = NULL;
}

/* ------------------------------------------------------------------ what may be added */

static void refuse(struct settle_item *item, int64_t n, const char *fmt, ...) QR_PRINTF(3, 4);

static void refuse(struct settle_item *item, int64_t n, const char *fmt, ...)
{
    va_list args;

    if (item->children->n_refused == 0) {
        va_start(args, fmt);
        vsnprintf(item->children->refused_why, sizeof item->children->refused_why, fmt, args);
        va_end(args);
    }
    item->children->n_refused += n;
}

/* What is before the path: scheme and root, or host. */
static size_t authority_of(const char *uri)
{
    const char *at = strstr(uri, "://");
    return at ? (size_t)(at - uri) + 3 + strcspn(at + 3, "/?#") : 0;
}

static bool is_below(const char *uri, const char *parent)
{
    size_t len = authority_of(parent);
    return len > 0 && authority_of(uri) == len && memcmp(uri, parent, len) == 0;
}

/* Its path has no way out of its root. */
static bool is_address(const char *uri)
{
    struct qr_uri parsed = {.path = NULL};
    struct qr_err ignored;

    if (strncmp(uri, "root://", 7) != 0)
        return true; /* hosts look for themselves */
    bool ok = qr_uri_parse(uri, &parsed, &ignored) == QR_OK;
    qr_uri_done(&parsed);
    return ok;
}

static bool is_of_types(const char *type, const char *types)
{
    char with_commas[64];

    snprintf(with_commas, sizeof with_commas, ",%s,", type);
    return types[0] == '\0' || strstr(types, with_commas);
}

/* One found job: to `ret`, or refused. */
static bool take_one(struct settle_item *item, const PGresult *parents,
                     const struct qr_found_job *found, struct qr_child *ret)
{
    int row = item->children->parent_row;
    const char *parent = qr_get_text(parents, row, P_URI);
    int32_t priority = qr_get_i32(parents, row, P_PRIORITY) + found->priority;

    if (!is_below(found->uri, parent) || !is_address(found->uri)) {
        refuse(item, 1, "permission: '%.80s' lies outside of the root of the file that names it",
               found->uri);
        return false;
    }
    if (!is_of_types(found->type, qr_get_text(parents, row, P_TYPES)) ||
        qr_type_intern(found->type) == 0) {
        refuse(item, 1, "unsupported: '%.80s' is of type %.30s, which the run does not take",
               found->uri, found->type);
        return false;
    }
    priority = priority > PRIORITY_MAX    ? PRIORITY_MAX
               : priority < -PRIORITY_MAX ? -PRIORITY_MAX
                                          : priority;
    *ret = (struct qr_child){.item = item,
                             .job = {.uri = found->uri,
                                     .type = found->type,
                                     .priority = priority,
                                     .bytes = found->bytes,
                                     .modified_ms = found->modified_ms,
                                     .dedupe = found->key[0] ? found->key : NULL},
                             .depth = qr_get_i32(parents, row, P_DEPTH) + 1};
    return true;
}

/* What an accepted result found, as far as its run takes it. */
static void take_all(struct settle_txn *txn, struct settle_item *item, struct qr_children *to)
{
    const struct qr_found *found = item->settle->found;
    int row = item->children->parent_row;
    int64_t n = (int64_t)found->n;

    item->children->n_new = item->children->n_known = item->children->n_unchanged =
        item->children->n_refused = 0;
    if (found->left_out > 0)
        refuse(item, found->left_out, "%s: %s", qr_class_text(found->left_out_class),
               found->left_out_why);
    if (n == 0)
        return;
    if (row < 0 || !qr_get_bool(txn->parents, row, P_FOLLOWS))
        refuse(item, n,
               "permission: the run does not ask for what files name; hint: quarry run "
               "create --follow-references");
    else if (!qr_get_bool(txn->parents, row, P_GROWS))
        refuse(item, n, "permission: the run was cancelled");
    else if (qr_get_i32(txn->parents, row, P_DEPTH) >= QR_FOUND_DEPTH_MAX)
        refuse(item, n, "resource: %d steps from a listed file, no more are allowed",
               QR_FOUND_DEPTH_MAX);
    else
        for (size_t i = 0; i < found->n; i++)
            to->n += take_one(item, txn->parents, &found->jobs[i], &to->list[to->n]);
}

/* ------------------------------------------------------------------ saying so */

enum { EVENT, RUN, JOB, LEASE, DETAIL, SAID };

static void say(struct qr_array *columns, const struct settle_item *item, const char *event,
                const char *detail)
{
    qr_array_text(&columns[EVENT], event);
    qr_array_i64(&columns[RUN], item->run_id);
    qr_array_i64(&columns[JOB], (int64_t)item->settle->job_id);
    qr_array_i64(&columns[LEASE], (int64_t)item->settle->lease_id);
    qr_array_text(&columns[DETAIL], detail);
}

static void say_item(struct qr_array *columns, const struct settle_item *item)
{
    struct qr_buf text, clean;

    qr_buf_init(&text, 1000);
    qr_buf_init(&clean, 4000);
    if (item->children->n_new + item->children->n_known + item->children->n_unchanged > 0) {
        qr_buf_printf(&text, "%lld new, %lld already in the run", (long long)item->children->n_new,
                      (long long)item->children->n_known);
        if (item->children->n_unchanged > 0)
            qr_buf_printf(&text, ", %lld not changed since an earlier run",
                          (long long)item->children->n_unchanged);
        say(columns, item, "found", text.data ? (const char *)text.data : "");
    }
    if (item->children->n_refused > 0) {
        qr_buf_clear(&text);
        qr_buf_printf(&text, "%lld not added: %s", (long long)item->children->n_refused,
                      item->children->refused_why);
        qr_utf8_clean(&clean, text.data ? (const char *)text.data : ""); /* it may have been cut */
        say(columns, item, "found.refused", clean.data ? (const char *)clean.data : "");
    }
    qr_buf_done(&text);
    qr_buf_done(&clean);
}

/* History and counters of all that were accepted. */
static int tell(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    static const enum qr_oid oids[SAID] = {QR_OID_TEXT, QR_OID_INT8, QR_OID_INT8, QR_OID_INT8,
                                           QR_OID_TEXT};
    struct qr_array columns[SAID];
    struct qr_params params;
    int rc = QR_OK;

    for (int i = 0; i < SAID; i++)
        qr_array_init(&columns[i], oids[i]);
    for (size_t i = 0; rc == QR_OK && i < txn->n; i++) {
        const struct settle_item *item = txn->items[i];
        if (!item->accepted || !found_of(item))
            continue;
        struct qr_stage_change *change = qr_stage_of(&txn->changes, item->run_id);
        if (!change) {
            rc = qr_fail(err, QR_E_NOMEM, "settle: out of memory");
            break;
        }
        change->open += item->children->n_new;
        change->total += item->children->n_new;
        change->found += item->children->n_new;
        change->found_refused += item->children->n_refused;
        say_item(columns, item);
    }
    qr_params_init(&params);
    for (int i = 0; i < SAID; i++)
        qr_param_array(&params, &columns[i]);
    if (rc == QR_OK && columns[EVENT].n > 0)
        rc = qr_conn_run(conn, QR_SQL_children_events, &params, NULL, err);
    for (int i = 0; i < SAID; i++)
        qr_array_done(&columns[i]);
    return rc;
}

/* ------------------------------------------------------------------ all of it */

/* The accepted result that found something whose run comes next behind `run_id`; n: none. Runs go
 * by their numbers, as what is locked for them does: two settles meet the same ones in one order.
 */
static size_t next_run(const struct settle_txn *txn, int64_t run_id)
{
    size_t best = txn->n;

    for (size_t i = 0; i < txn->n; i++)
        if (txn->items[i]->accepted && found_of(txn->items[i]) && txn->items[i]->run_id > run_id &&
            (best == txn->n || txn->items[i]->run_id < txn->items[best]->run_id))
            best = i;
    return best;
}

static size_t count_of_run(const struct settle_txn *txn, int64_t run_id)
{
    size_t n = 0;

    for (size_t i = 0; i < txn->n; i++)
        if (txn->items[i]->accepted && found_of(txn->items[i]) && txn->items[i]->run_id == run_id)
            n += txn->items[i]->settle->found->n;
    return n;
}

int qr_children_add(struct qr_conn *conn, struct settle_txn *txn, struct qr_err *err)
{
    int rc = QR_OK;

    if (!txn->parents)
        return QR_OK;
    for (size_t i = next_run(txn, 0); rc == QR_OK && i < txn->n;
         i = next_run(txn, txn->items[i]->run_id)) {
        int row = txn->items[i]->children->parent_row;
        struct qr_children c = {.run_id = txn->items[i]->run_id,
                                .skips = row >= 0 && qr_get_bool(txn->parents, row, P_SKIPS)};
        c.list = calloc(count_of_run(txn, c.run_id) + 1, sizeof *c.list);
        if (!c.list)
            return qr_fail(err, QR_E_NOMEM, "settle: out of memory");
        for (size_t k = i; k < txn->n; k++)
            if (txn->items[k]->accepted && found_of(txn->items[k]) &&
                txn->items[k]->run_id == c.run_id)
                take_all(txn, txn->items[k], &c);
        rc = qr_children_store(conn, txn, &c, err);
        free(c.list);
    }
    return rc < 0 ? rc : tell(conn, txn, err);
}

#include "coordinator/service/discover.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/buf.h"
#include "common/filetype.h"
#include "common/log.h"
#include "coordinator/db/enqueue.h"
#include "coordinator/db/run.h"
#include "coordinator/service/await.h"
#include "coordinator/service/listing.h"

enum {
    BATCH_FILES = 2000,
    LOOK_AGAIN_S = 5, /* for listings that a dead coordinator left behind */
    ENQUEUE_TRIES = 30
};

struct qr_discover {
    struct qr_db *db;
    const struct qr_roots *roots;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool kicked; /* guarded by mutex */
    atomic_bool stop;
};

/* Files listed and not yet in the database. */
struct batch {
    struct qr_discover *discover;
    const struct qr_run_listing *listing;
    const char *root;
    struct qr_new_job jobs[BATCH_FILES];
    size_t n;
    uint64_t inserted, unchanged, too_long;
};

/* ------------------------------------------------------------------ database calls */

struct take_call {
    uint64_t coordinator_id;
    const struct qr_roots *roots;
    struct qr_run_listings listings;
};

static int take_listings(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct take_call *call = arg;
    const char *names[QR_ROOTS_MAX];

    for (size_t i = 0; i < call->roots->n; i++)
        names[i] = call->roots->root[i].name;
    return qr_run_take_listings(conn, call->coordinator_id, names, call->roots->n, &call->listings,
                                err);
}

struct enqueue_call {
    struct batch *batch;
    struct qr_enqueue_result result;
};

static int enqueue(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    struct enqueue_call *call = arg;
    return qr_enqueue(conn, call->batch->listing->run_id, call->batch->jobs, call->batch->n,
                      &call->result, err);
}

struct finish_call {
    int64_t run_id;
    const char *message; /* NULL: the listing is complete */
};

static int finish(struct qr_conn *conn, void *arg, struct qr_err *err)
{
    const struct finish_call *call = arg;
    if (call->message)
        return qr_run_fail_listing(conn, call->run_id, call->message, err);
    return qr_run_finish_listing(conn, call->run_id, err);
}

static void pause_ms(struct qr_discover *discover, int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    int64_t ns = at.tv_nsec + (ms % 1000) * 1000000;
    at.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    at.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&discover->mutex);
    while (!discover->kicked && !atomic_load(&discover->stop))
        if (pthread_cond_timedwait(&discover->wake, &discover->mutex, &at) != 0)
            break;
    discover->kicked = false;
    pthread_mutex_unlock(&discover->mutex);
}

/* A database that is away for a while does not end the listing: jobs are unique, so trying again is
 * safe. */
static int with_patience(struct qr_discover *discover, qr_db_work_fn fn, void *arg,
                         struct qr_err *err)
{
    int rc = QR_E_CANCELLED;

    for (int i = 0; i < ENQUEUE_TRIES && !atomic_load(&discover->stop); i++) {
        rc = qr_await(discover->db, QR_DB_LANE_ENQUEUE, fn, arg, err);
        if (rc >= 0 || !qr_err_is_retryable(rc))
            return rc;
        pause_ms(discover, 1000);
    }
    return atomic_load(&discover->stop) ? qr_fail(err, QR_E_CANCELLED, "listing was stopped") : rc;
}

/* ------------------------------------------------------------------ listing */

static int flush(struct batch *batch, struct qr_err *err)
{
    struct enqueue_call call = {.batch = batch};
    int rc = QR_OK;

    if (batch->n > 0)
        rc = with_patience(batch->discover, enqueue, &call, err);
    for (size_t i = 0; i < batch->n; i++)
        free((char *)batch->jobs[i].uri);
    batch->n = 0;
    batch->inserted += call.result.inserted;
    batch->unchanged += call.result.unchanged;
    return rc;
}

static bool is_wanted(const struct qr_run_listing *listing, const char *type)
{
    for (size_t i = 0; i < listing->n_types; i++)
        if (strcmp(listing->types[i], type) == 0)
            return true;
    return listing->n_types == 0;
}

static int add_file(void *ctx, const struct qr_listed_file *file, struct qr_err *err)
{
    struct batch *batch = ctx;
    const char *type = qr_filetype_of_name(file->path);
    struct qr_buf uri;

    if (!is_wanted(batch->listing, type))
        return QR_OK;
    qr_buf_init(&uri, QR_URI_MAX);
    if (!qr_uri_append(&uri, batch->root, file->path)) {
        qr_buf_done(&uri);
        batch->too_long++;
        return QR_OK;
    }
    struct qr_new_job *job = &batch->jobs[batch->n];
    *job = (struct qr_new_job){
        .uri = qr_buf_take(&uri),
        .type = type,
        .bytes = file->bytes,
        .modified_ms = file->modified_ms,
    };
    qr_buf_done(&uri);
    if (!job->uri)
        return qr_fail(err, QR_E_NOMEM, "no memory for a file name");
    batch->n++;
    return batch->n == BATCH_FILES ? flush(batch, err) : QR_OK;
}

/* What the person who started the run has to know; "" when the listing is complete. */
static void describe_gaps(const struct batch *batch, const struct qr_listing_result *result,
                          char *text, size_t size)
{
    text[0] = '\0';
    if (result->folders_unreadable > 0)
        snprintf(text, size, "%" PRIu64 " folders could not be read, first: %s",
                 result->folders_unreadable, result->first_problem);
    else if (batch->too_long > 0)
        snprintf(text, size,
                 "%" PRIu64 " files have addresses of more than %d bytes and were left out",
                 batch->too_long, QR_URI_MAX);
}

static int walk(struct qr_discover *discover, struct batch *batch, char *gaps, size_t gaps_size,
                struct qr_err *err)
{
    struct qr_listing_result result;
    struct qr_uri uri;
    int rc = qr_uri_parse(batch->listing->source, &uri, err);

    if (rc < 0)
        return rc;
    const char *dir = qr_roots_dir(discover->roots, uri.root);
    if (!dir) {
        rc = qr_fail(err, QR_E_NOT_FOUND,
                     "this coordinator has no root '%s'; hint: start it with --root %s=DIR",
                     uri.root, uri.root);
    } else {
        batch->root = uri.root;
        rc = qr_listing_walk(dir, uri.path, add_file, batch, &discover->stop, &result, err);
        if (rc == QR_OK)
            rc = flush(batch, err);
        describe_gaps(batch, &result, gaps, gaps_size);
        qr_log(QR_LOG_INFO, "run.listed",
               "run=%" PRId64 " files=%" PRIu64 " jobs=%" PRIu64 " unchanged=%" PRIu64
               " folders=%" PRIu64 " links_skipped=%" PRIu64,
               batch->listing->run_id, result.files, batch->inserted, batch->unchanged,
               result.folders, result.links_skipped);
    }
    for (size_t i = 0; i < batch->n; i++)
        free((char *)batch->jobs[i].uri);
    qr_uri_done(&uri);
    return rc;
}

static void list_run(struct qr_discover *discover, const struct qr_run_listing *listing)
{
    struct batch *batch = calloc(1, sizeof *batch);
    struct qr_err err = {0};
    char gaps[400] = "";

    if (!batch)
        return; /* looked at again in a while */
    batch->discover = discover;
    batch->listing = listing;
    int rc = walk(discover, batch, gaps, sizeof gaps, &err);
    free(batch);
    if (rc == QR_E_CANCELLED || rc == QR_E_STALE) /* stopped, or the run was closed meanwhile */
        return;
    if (rc < 0 && qr_err_is_retryable(rc)) { /* listed again when the database is back */
        qr_log_err(QR_LOG_WARN, "run.listing_interrupted", &err, "run=%" PRId64, listing->run_id);
        return;
    }
    struct finish_call call = {.run_id = listing->run_id};
    if (rc < 0) {
        call.message = err.msg;
        qr_log_err(QR_LOG_WARN, "run.listing_failed", &err, "run=%" PRId64, listing->run_id);
    } else if (gaps[0]) {
        call.message = gaps;
        qr_log(QR_LOG_WARN, "run.listing_incomplete", "run=%" PRId64 " reason=\"%s\"",
               listing->run_id, gaps);
    }
    struct qr_err finish_err = {0};
    rc = with_patience(discover, finish, &call, &finish_err);
    if (rc < 0 && rc != QR_E_CANCELLED)
        qr_log_err(QR_LOG_ERROR, "run.listing_not_closed", &finish_err, "run=%" PRId64,
                   listing->run_id);
}

static void *run_discover(void *arg)
{
    struct qr_discover *discover = arg;

    while (!atomic_load(&discover->stop)) {
        struct take_call call = {.coordinator_id = qr_db_coordinator_id(discover->db),
                                 .roots = discover->roots};
        struct qr_err err = {0};
        int rc = qr_await(discover->db, QR_DB_LANE_ENQUEUE, take_listings, &call, &err);
        if (rc < 0 && rc != QR_E_CANCELLED)
            qr_log_err(QR_LOG_WARN, "discover.ask", &err, " ");
        for (size_t i = 0; rc == QR_OK && i < call.listings.n && !atomic_load(&discover->stop); i++)
            list_run(discover, &call.listings.list[i]);
        qr_run_listings_done(&call.listings);
        pause_ms(discover, LOOK_AGAIN_S * 1000);
    }
    return NULL;
}

int qr_discover_start(struct qr_db *db, const struct qr_roots *roots, struct qr_discover **ret,
                      struct qr_err *err)
{
    struct qr_discover *discover = calloc(1, sizeof *discover);
    pthread_condattr_t attr;

    if (!discover)
        return qr_fail(err, QR_E_NOMEM, "no memory for the listing thread");
    discover->db = db;
    discover->roots = roots;
    pthread_mutex_init(&discover->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&discover->wake, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&discover->thread, NULL, run_discover, discover);
    if (rc != 0) {
        free(discover);
        return qr_fail_errno(err, QR_E_LIMIT, rc, "start the listing thread");
    }
    *ret = discover;
    return QR_OK;
}

void qr_discover_kick(struct qr_discover *discover)
{
    pthread_mutex_lock(&discover->mutex);
    discover->kicked = true;
    pthread_cond_signal(&discover->wake);
    pthread_mutex_unlock(&discover->mutex);
}

void qr_discover_stop(struct qr_discover *discover)
{
    if (!discover)
        return;
    atomic_store(&discover->stop, true);
    qr_discover_kick(discover);
    pthread_join(discover->thread, NULL);
}

void qr_discover_free(struct qr_discover *discover)
{
    if (!discover)
        return;
    pthread_cond_destroy(&discover->wake);
    pthread_mutex_destroy(&discover->mutex);
    free(discover);
}

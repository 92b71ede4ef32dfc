#include "cadbridge/work.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "cadbridge/name.h"
#include "common/clock.h"
#include "common/fleet/fetch.h"
#include "common/log.h"
#include "common/record/cad.h"
#include "common/record/parts.h"
#include "common/uri.h"

enum {
    WAIT_MIN_MS = 1000, /* a job that waits is not asked for more often */
    WAIT_MAX_MS = 60000,
    TEST_MS = 5000,
    RECORD_BYTES = 60 << 20, /* coordinators take 64 MiB */
    SHA_CHUNK = 1 << 20,
};

struct qr_worker {
    const struct qr_work_shared *shared;
    const atomic_bool *interrupted;
    struct qr_cad_backend *backend; /* NULL: none */
    struct qr_record *rec;          /* what a back end says */
    struct qr_record *own;          /* what we know of the file */
};

/* One run. */
struct run {
    struct qr_worker *worker;
    const struct qr_work_job *job;
    struct qr_work_result *result;
    struct qr_cad_name name;
    char root[QR_ROOT_NAME_MAX + 1];
    int64_t begun_ms;
    int64_t wait_ms;
    bool closed; /* no call may be made, or one was made and the breaker is not closed */
    bool called; /* the service was, and it failed: */
    struct qr_cad_failure failure;
    char import_failure[QR_IMPORT_MESSAGE_MAX];
    enum qr_class import_class;
};

int qr_worker_new(const struct qr_work_shared *shared, const atomic_bool *interrupted,
                  struct qr_worker **ret, struct qr_err *err)
{
    struct qr_worker *fresh = calloc(1, sizeof *fresh);

    if (!fresh)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    QR_AUTO(qr_worker) worker = fresh;
    worker->shared = shared;
    worker->interrupted = interrupted;
    worker->rec = qr_record_new(NULL);
    worker->own = qr_record_new(NULL);
    if (!worker->rec || !worker->own)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    int rc =
        shared->creo ? qr_cad_backend_new(shared->creo, interrupted, &worker->backend, err) : QR_OK;
    if (rc == QR_OK)
        *ret = qr_steal(&worker);
    return rc;
}

void qr_worker_free(struct qr_worker *worker)
{
    if (!worker)
        return;
    qr_cad_backend_free(worker->backend);
    qr_record_free(worker->rec);
    qr_record_free(worker->own);
    free(worker);
}

struct qr_cad_backend *qr_worker_backend(struct qr_worker *worker) { return worker->backend; }

void qr_work_result_done(struct qr_work_result *result) { qr_buf_done(&result->record); }

static void fail(struct run *run, enum qr_class cls, const char *fmt, ...) QR_PRINTF(3, 4);

static void fail(struct run *run, enum qr_class cls, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(run->result->message, sizeof run->result->message, fmt, args);
    va_end(args);
    run->result->cls = cls;
    run->result->way = QR_GATE_WAY_FAILED;
}

/* ---- the file */

static bool digest(int fd, uint8_t ret[32], const atomic_bool *interrupted)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *chunk = malloc(SHA_CHUNK);
    unsigned len = 0;
    ssize_t n = -1;
    bool ok = ctx && chunk && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    while (ok && !atomic_load(interrupted) && (n = read(fd, chunk, SHA_CHUNK)) > 0)
        ok = EVP_DigestUpdate(ctx, chunk, (size_t)n) == 1;
    ok = ok && n == 0 && EVP_DigestFinal_ex(ctx, ret, &len) == 1 && len == 32;
    EVP_MD_CTX_free(ctx);
    free(chunk);
    return ok;
}

/* What we know without Creo goes to worker->own. False: it is answered. */
static bool look_at_file(struct run *run)
{
    struct qr_worker *worker = run->worker;
    const struct qr_fetch_request request = {.roots = worker->shared->roots,
                                             .uri = run->job->uri,
                                             .raw = run->job->raw,
                                             .raw_len = run->job->raw_len,
                                             .max_file_bytes = worker->shared->max_file_bytes};
    struct qr_fetched got;
    uint8_t sha256[32];

    qr_fetch_open(&request, &got);
    if (got.fd < 0) {
        fail(run, got.cls, "%s", got.message);
        return false;
    }
    bool read_well = digest(got.fd, sha256, worker->interrupted);
    close(got.fd);
    if (!read_well) {
        fail(run, QR_CLASS_CONNECTION, "%.400s cannot be read to its end", run->job->uri);
        return false;
    }
    qr_record_reset(worker->own);
    qr_record_set_file(worker->own, run->job->uri);
    qr_record_set_type(worker->own, "cad");
    qr_record_set_sha256(worker->own, sha256);
    worker->own->msg->bytes = got.size;
    if ((run->job->listed_bytes != 0 && run->job->listed_bytes != got.size) ||
        (run->job->listed_modified_ms != 0 && run->job->listed_modified_ms != got.modified_ms))
        qr_record_note(worker->own, "file.changed_since_listing",
                       "size or time of change differ from the listing");
    return true;
}

static bool understand_name(struct run *run)
{
    struct qr_uri uri = {.path = NULL};
    struct qr_err err = {0};

    if (qr_uri_parse(run->job->uri, &uri, &err) < 0) {
        fail(run, QR_CLASS_INVALID_INPUT, "%s", err.msg);
        return false;
    }
    bool ok = qr_cad_name_split(uri.path, &run->name);
    memcpy(run->root, uri.root, sizeof run->root);
    qr_uri_done(&uri);
    if (!ok)
        fail(run, QR_CLASS_UNSUPPORTED,
             "%.300s is not named like a Creo model; hint: NAME.prt, .asm, .drw or .frm, with or "
             "without a version number",
             run->job->uri);
    return ok;
}

/* ---- records */

/* Ours and, behind it, what `rec` or `more` says: one message, as protobuf merges. */
static void complete(struct run *run, const struct qr_record *rec, const struct qr_buf *more,
                     enum qr_gate_way way)
{
    struct qr_work_result *result = run->result;
    struct qr_err err = {0};

    int rc = qr_record_encode(run->worker->own, &result->record, &err);
    if (rc == QR_OK && rec)
        rc = qr_record_encode(rec, &result->record, &err);
    if (rc == QR_OK && more && !qr_buf_append(&result->record, more->data, more->len))
        rc = qr_fail(&err, QR_E_LIMIT, "the record is larger than %d MiB", RECORD_BYTES >> 20);
    if (rc < 0) {
        fail(run, QR_CLASS_RESOURCE, "%s", err.msg);
        return;
    }
    result->cls = QR_CLASS_NONE;
    result->way = way;
}

static void own_model(struct run *run)
{
    Quarry__V1__CadModel *cad = qr_record_cad(run->worker->own);
    char revision[16];

    if (!cad)
        return;
    snprintf(revision, sizeof revision, "%" PRIu32, run->name.revision);
    cad->name = qr_record_text(run->worker->own, run->name.model);
    cad->revision = qr_record_text(run->worker->own, run->name.revision ? revision : "");
}

/* An older version is not worked on: Creo would open the newest. True: it is answered. */
static bool superseded(struct run *run)
{
    const char *dir = qr_roots_dir(run->worker->shared->roots, run->root);
    uint32_t newer =
        dir ? qr_cad_versions_newer(run->worker->shared->versions, dir, &run->name) : 0;
    struct qr_record *own = run->worker->own;
    char text[400];

    if (newer == 0)
        return false;
    snprintf(text, sizeof text, "superseded by %s.%" PRIu32, run->name.model, newer);
    own_model(run);
    qr_record_set_extractor(own, "cadbridge", QUARRY_VERSION);
    /* one reason for all: reports count it */
    qr_record_set_empty(own, "superseded by a newer version");
    qr_record_note(own, "cad.superseded", "%s", text);
    complete(run, NULL, NULL, QR_GATE_WAY_SUPERSEDED);
    return true;
}

/* ---- the ways */

static int64_t time_left(const struct run *run)
{
    int64_t spent = qr_clock_ms() - run->begun_ms;

    return run->job->budget_ms > 0 ? run->job->budget_ms - spent : INT64_MAX;
}

/* A call's deadline leaves a tenth of the budget for the other way. */
static int64_t deadline(const struct run *run)
{
    int64_t most = run->worker->shared->deadline_ms;
    int64_t left = run->job->budget_ms > 0 ? time_left(run) / 10 * 9 : most;

    left = left < most ? left : most;
    return left > 1 ? left : 1;
}

static bool by_call(struct run *run, struct qr_breaker_ticket ticket)
{
    struct qr_worker *worker = run->worker;
    const struct qr_cad_request request = {.model = run->name.model,
                                           .revision = run->name.revision,
                                           .uri = run->job->uri,
                                           .root = run->root,
                                           .folder = run->name.folder,
                                           .max_points = worker->shared->points,
                                           .deadline_ms = deadline(run)};

    qr_record_reset(worker->rec);
    run->failure = (struct qr_cad_failure){.cls = QR_CLASS_NONE};
    enum qr_cad_blame blame =
        worker->backend->extract(worker->backend, &request, worker->rec, &run->failure);
    const Quarry__V1__CadModel *cad = blame == QR_CAD_GOOD ? qr_record_cad(worker->rec) : NULL;
    bool usual = qr_gate_report(worker->shared->gate, ticket, blame,
                                cad ? cad->source : run->failure.message, &run->wait_ms);
    run->called = true;
    run->closed = blame == QR_CAD_SERVICE && !usual;
    if (blame == QR_CAD_GOOD) {
        qr_record_set_extractor(worker->rec, worker->backend->name, QUARRY_VERSION);
        qr_record_finish(worker->rec);
        complete(run, worker->rec, NULL, QR_GATE_WAY_GRPC);
        return true;
    }
    qr_log(QR_LOG_DEBUG, "cad.call_failed", "model=\"%s\" fault=%s class=%s error=\"%s\"",
           run->name.model, blame == QR_CAD_MODEL ? "model" : "service",
           qr_class_text(run->failure.cls), run->failure.message);
    run->result->given_up = blame == QR_CAD_GIVEN_UP;
    return run->result->given_up;
}

/* Why it is not the service's: for the record. */
static void say_why(struct run *run)
{
    if (run->called)
        qr_record_note(run->worker->own, "cad.fallback", "%s", run->failure.message);
    else
        qr_record_note(run->worker->own, "cad.fallback", "no call was made: %s",
                       run->worker->backend ? "the way is closed" : "there is no service");
    run->worker->own->msg->fallback = true;
}

/* True: answered. False: there is none, or it is broken (import_failure says how). */
static bool by_import(struct run *run)
{
    struct qr_worker *worker = run->worker;
    struct qr_import_result imported = {.found = false};
    struct qr_err err = {0};
    char name[300];
    int64_t left = time_left(run);
    bool answered = false;

    if (!worker->shared->import)
        return false;
    if (run->name.revision > 0)
        snprintf(name, sizeof name, "%s.%" PRIu32, run->name.model, run->name.revision);
    else
        snprintf(name, sizeof name, "%s", run->name.model);
    left = left > worker->shared->deadline_ms ? worker->shared->deadline_ms : left;
    int rc = qr_import_run(worker->shared->import, name, left > 1 ? left : 1, worker->interrupted,
                           &imported, &err);
    if (atomic_load(worker->interrupted)) {
        run->result->given_up = answered = true;
    } else if (rc == QR_OK && imported.class == QR_CLASS_NONE) {
        say_why(run);
        complete(run, NULL, &imported.record, QR_GATE_WAY_JSON);
        answered = true;
    } else if (rc < 0 || imported.found) {
        run->import_class = rc < 0 ? QR_CLASS_RESOURCE : imported.class;
        snprintf(run->import_failure, sizeof run->import_failure, "%s",
                 rc < 0 ? err.msg : imported.message);
        qr_log(QR_LOG_WARN, "cad.import_failed", "model=\"%s\" class=%s error=\"%s\"", name,
               qr_class_text(run->import_class), run->import_failure);
    }
    qr_import_result_done(&imported);
    return answered;
}

/* No call may be made, and there is no good export. */
static void wait_or_fail(struct run *run, int64_t wait_ms)
{
    const struct qr_work_shared *shared = run->worker->shared;
    struct qr_work_result *result = run->result;
    int64_t limit = shared->wait_limit_ms;

    wait_ms = wait_ms < WAIT_MIN_MS ? WAIT_MIN_MS : wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : wait_ms;
    if (run->job->waited_ms + wait_ms <= limit) {
        result->wait = true;
        result->wait_ms = wait_ms;
        result->waited_ms = run->job->waited_ms + wait_ms;
        result->way = QR_GATE_WAY_WAITED;
        return;
    }
    fail(run, run->import_failure[0] ? run->import_class : QR_CLASS_CONNECTION,
         "%s for %" PRId64 " s while this waited%s%s; hint: quarry cad status, then quarry job "
         "retry",
         qr_gate_mode(shared->gate) == QR_GATE_JSON ? "no calls were allowed (mode json)"
                                                    : "the Creo service was away",
         run->job->waited_ms / 1000,
         run->import_failure[0] ? ", and its export cannot be used: "
                                : ", and there is no export of it",
         run->import_failure);
    result->final = true; /* retries are for what may be better in a minute: this had its time */
}

static void no_way_left(struct run *run)
{
    if (run->import_failure[0] && run->called)
        fail(run, run->failure.cls, "%s; and its export cannot be used: %s", run->failure.message,
             run->import_failure);
    else if (run->import_failure[0])
        fail(run, run->import_class, "%s", run->import_failure);
    else if (run->called)
        fail(run, run->failure.cls, "%s", run->failure.message);
    else if (qr_gate_mode(run->worker->shared->gate) == QR_GATE_GRPC)
        fail(run, QR_CLASS_UNSUPPORTED,
             "only calls are allowed (mode grpc), and this bridge has no Creo service; hint: "
             "quarry cad mode auto");
    else
        fail(run, QR_CLASS_UNSUPPORTED,
             "this bridge has no Creo service, and there is no export of it in %.200s; hint: put "
             "%s.json there (docs/cad-export.md), or start a bridge with --creo",
             run->worker->shared->exports, run->name.model);
}

static void find_way(struct run *run)
{
    struct qr_worker *worker = run->worker;
    struct qr_breaker_ticket ticket;
    bool may = worker->backend && qr_gate_ask(worker->shared->gate, &ticket, &run->wait_ms);

    run->closed = worker->backend && !may;
    if (may && by_call(run, ticket))
        return;
    if (qr_gate_may_import(worker->shared->gate) && by_import(run))
        return;
    if (run->closed)
        wait_or_fail(run, run->wait_ms);
    else
        no_way_left(run);
}

void qr_worker_run(struct qr_worker *worker, const struct qr_work_job *job,
                   struct qr_work_result *ret)
{
    struct run run = {.worker = worker, .job = job, .result = ret, .begun_ms = qr_clock_ms()};

    memset(ret, 0, sizeof *ret);
    qr_buf_init(&ret->record, RECORD_BYTES);
    if (understand_name(&run) && look_at_file(&run) && !superseded(&run))
        find_way(&run);
    if (!ret->given_up)
        qr_gate_count(worker->shared->gate, ret->way);
}

#include "bench/load.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cpu.h"
#include "common/clock.h"
#include "common/rpc/client.h"
#include "quarry/v1/admin.pb-c.h"

enum { BATCH = 10000, CALL_MS = 120000, CALLS_MAX = 16, URI_BYTES = 72 };

struct caller {
    const struct qr_bench_load *config;
    struct qr_rpc_channel *channel;
    atomic_llong *next; /* first job of the next call */
    pthread_t thread;
    int rc;
    struct qr_err err;
    Quarry__V1__NewJob jobs[BATCH];
    Quarry__V1__NewJob *ptrs[BATCH];
    char uris[BATCH][URI_BYTES];
};

/* ------------------------------------------------------------------ calls */

static void make_job(struct caller *c, size_t i, int64_t number)
{
    const struct qr_bench_load *config = c->config;
    Quarry__V1__NewJob *job = &c->jobs[i];

    quarry__v1__new_job__init(job);
    if (config->files) {
        snprintf(c->uris[i], URI_BYTES,
                 "root://bench/run-%" PRId64 "/dir-%04" PRId64 "/part-%06" PRId64 ".dxf",
                 config->run_id, number / 1000, number);
        job->bytes = (uint64_t)(number * 7919 % 5000000);
        job->modified_ms = 1700000000000 + number * 1000;
    } else {
        snprintf(c->uris[i], URI_BYTES, "noop:%" PRId64 "/%" PRId64, config->run_id, number);
    }
    job->uri = c->uris[i];
    job->type = (char *)(uintptr_t)config->type;
    c->ptrs[i] = job;
}

static int call(struct caller *c, int64_t first, size_t n)
{
    Quarry__V1__EnqueueRequest request = QUARRY__V1__ENQUEUE_REQUEST__INIT;
    struct qr_buf answer;

    for (size_t i = 0; i < n; i++)
        make_job(c, i, first + (int64_t)i);
    request.run_id = c->config->run_id;
    request.jobs = c->ptrs;
    request.n_jobs = n;
    size_t len = quarry__v1__enqueue_request__get_packed_size(&request);
    uint8_t *data = malloc(len);
    if (!data)
        return qr_fail(&c->err, QR_E_NOMEM, "no memory for a request");
    quarry__v1__enqueue_request__pack(&request, data);
    qr_buf_init(&answer, 1 << 20);
    int rc =
        qr_rpc_unary(c->channel, "/quarry.v1.Admin/Enqueue", data, len, CALL_MS, &answer, &c->err);
    free(data);
    Quarry__V1__EnqueueReply *reply =
        rc < 0 ? NULL : quarry__v1__enqueue_reply__unpack(NULL, answer.len, answer.data);
    if (rc == QR_OK && (!reply || reply->inserted != n))
        rc = qr_fail(&c->err, QR_E_INTERNAL, "%zu jobs sent, %" PRIu64 " inserted", n,
                     reply ? reply->inserted : 0);
    if (reply)
        quarry__v1__enqueue_reply__free_unpacked(reply, NULL);
    qr_buf_done(&answer);
    return rc;
}

static void *call_all(void *arg)
{
    struct caller *c = arg;

    while (c->rc == QR_OK) {
        int64_t first = atomic_fetch_add(c->next, BATCH);
        int64_t left = c->config->jobs - first;
        if (left <= 0)
            break;
        c->rc = call(c, first, left < BATCH ? (size_t)left : BATCH);
    }
    return NULL;
}

/* ------------------------------------------------------------------ CPU time */

struct times {
    int64_t ns, coordinator, postgres, client;
};

static struct times take_times(const struct qr_bench_load *config)
{
    return (struct times){
        .ns = qr_clock_ns(),
        .coordinator = config->coordinator_pid ? qr_bench_cpu_ns(config->coordinator_pid) : 0,
        .postgres = config->postgres_pid ? qr_bench_cpu_tree_ns(config->postgres_pid) : 0,
        .client = qr_bench_cpu_ns(getpid()),
    };
}

/* ------------------------------------------------------------------ all of it */

int qr_bench_load(const struct qr_bench_load *config, struct qr_bench_loaded *ret,
                  struct qr_err *err)
{
    QR_AUTO(qr_rpc_channel) channel = NULL;
    unsigned n = config->calls < CALLS_MAX ? config->calls : CALLS_MAX;
    struct caller *callers = calloc(n + 1, sizeof *callers);
    atomic_llong next = 0;
    unsigned started = 0;

    if (!callers)
        return qr_fail(err, QR_E_NOMEM, "no memory for %u callers", n);
    int rc = qr_rpc_channel_new(config->coordinator, NULL, &channel, err);
    struct times before = take_times(config);
    for (; rc == QR_OK && started < n; started++) {
        callers[started].config = config;
        callers[started].channel = channel;
        callers[started].next = &next;
        if (pthread_create(&callers[started].thread, NULL, call_all, &callers[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(callers[i].thread, NULL);
        if (callers[i].rc < 0 && rc == QR_OK) {
            rc = callers[i].rc;
            *err = callers[i].err;
        }
    }
    struct times after = take_times(config);
    double jobs = (double)config->jobs;
    *ret = (struct qr_bench_loaded){
        .per_s = jobs * 1e9 / (double)(after.ns - before.ns),
        .coordinator_us = (double)(after.coordinator - before.coordinator) / 1e3 / jobs,
        .postgres_us = (double)(after.postgres - before.postgres) / 1e3 / jobs,
        .client_us = (double)(after.client - before.client) / 1e3 / jobs,
    };
    free(callers);
    return rc;
}

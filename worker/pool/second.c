#include "worker/pool/second.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "worker/geometry/geometry.h"
#include "worker/geometry/module.h"

enum {
    RESERVE_MS = 1000, /* of a job's budget: for the answer */
    WORTH_MS = 200,    /* less time than this is not worth a try */
    RECYCLE_FILES = 200,
};
#define RECYCLE_BYTES ((int64_t)384 << 20)
#define RECORD_MAX ((size_t)60 * 1024 * 1024) /* as qr_record_default_limits.encoded_bytes */

/* A job in the second step. */
struct waiting {
    struct waiting *next;
    struct qr_pool_task *task;
    struct qr_pool_result first; /* `record` and `found` are owned */
};

struct qr_second {
    const struct qr_pool_config *config;
    const char *program;
    int epoll;
    qr_second_done_fn done;
    void *arg;
    struct qr_pool *pool; /* NULL: there was no model yet */
    struct waiting *all;
};

static void free_waiting(struct waiting *job)
{
    free((uint8_t *)(uintptr_t)job->first.record);
    free((char *)(uintptr_t)job->first.found);
    free(job);
}

struct qr_second *qr_second_new(const struct qr_pool_config *config, const char *program, int epoll,
                                qr_second_done_fn done, void *arg)
{
    struct qr_second *second = calloc(1, sizeof *second);

    if (second)
        *second = (struct qr_second){
            .config = config, .program = program, .epoll = epoll, .done = done, .arg = arg};
    return second;
}

void qr_second_free(struct qr_second *second)
{
    if (!second)
        return;
    qr_pool_free(second->pool);
    while (second->all) {
        struct waiting *job = second->all;
        second->all = job->next;
        qr_pool_task_free(job->task);
        free_waiting(job);
    }
    free(second);
}

/* ---- answers */

/* The first step's record, and the second step's answer behind it. */
static void end(struct qr_second *second, struct waiting *job, const uint8_t *answer, size_t len)
{
    Quarry__V1__ExtractionRecord time = QUARRY__V1__EXTRACTION_RECORD__INIT;
    struct qr_pool_result result = job->first;

    time.duration_ms = (uint32_t)result.duration_ms; /* of both steps: the last one counts */
    size_t time_len = quarry__v1__extraction_record__get_packed_size(&time);
    uint8_t *both =
        realloc((uint8_t *)(uintptr_t)job->first.record, result.record_bytes + len + time_len);
    if (both) {
        if (len > 0)
            memcpy(both + result.record_bytes, answer, len);
        result.record_bytes += len;
        result.record_bytes +=
            quarry__v1__extraction_record__pack(&time, both + result.record_bytes);
        job->first.record = result.record = both;
    }
    second->done(second->arg, job->task, &result);
    free_waiting(job);
}

static void end_without(struct qr_second *second, struct waiting *job, const char *status,
                        const char *message, int64_t duration_ms)
{
    struct qr_buf answer;

    qr_buf_init(&answer, 64 * 1024);
    if (!qr_geometry_missing(status, message, duration_ms, &answer))
        qr_buf_clear(&answer);
    end(second, job, answer.data, answer.len);
    qr_buf_done(&answer);
}

static const char *status_of(enum qr_class cls)
{
    return cls == QR_CLASS_TIMEOUT    ? "timeout"
           : cls == QR_CLASS_RESOURCE ? "resource"
           : cls == QR_CLASS_CRASH    ? "crash"
                                      : "failed";
}

static struct waiting *take_out(struct qr_second *second, uint64_t id)
{
    for (struct waiting **at = &second->all; *at; at = &(*at)->next) {
        struct waiting *job = *at;
        if (job->task->id == id) {
            *at = job->next;
            return job;
        }
    }
    return NULL;
}

static void on_done(void *arg, const struct qr_pool_result *result)
{
    struct qr_second *second = arg;
    struct waiting *job = take_out(second, result->id);

    if (!job)
        return;
    job->first.duration_ms += result->duration_ms;
    job->first.cpu_ms += result->cpu_ms;
    if (result->peak_rss_bytes > job->first.peak_rss_bytes)
        job->first.peak_rss_bytes = result->peak_rss_bytes;
    job->first.cancelled = result->cancelled;
    if (result->cancelled)
        end(second, job, NULL, 0);
    else if (!result->record)
        end_without(second, job, status_of(result->cls), result->message, result->duration_ms);
    else if (result->record_bytes + job->first.record_bytes > RECORD_MAX)
        end_without(second, job, "resource", "the record has no room left for it",
                    result->duration_ms);
    else
        end(second, job, result->record, result->record_bytes);
}

/* ---- the way in */

static int open_pool(struct qr_second *second, struct qr_err *err)
{
    const struct qr_pool_geometry *geometry = &second->config->geometry;
    const struct qr_pool_config config = {
        .program = second->program,
        .mode = "--geometry-child",
        .lazy = true,
        .children = geometry->children > 0 ? geometry->children : second->config->children,
        .memory_bytes = geometry->memory_bytes > 0 ? geometry->memory_bytes : (int64_t)2 << 30,
        .recycle_files = RECYCLE_FILES,
        .recycle_rss_bytes = RECYCLE_BYTES,
        .keep_stderr = second->config->keep_stderr,
        .done = on_done,
        .arg = second};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = UINT64_MAX};

    if (second->pool)
        return QR_OK;
    int rc = qr_pool_new(&config, &second->pool, err);
    if (rc == QR_OK &&
        epoll_ctl(second->epoll, EPOLL_CTL_ADD, qr_pool_fd(second->pool), &event) != 0)
        rc = qr_fail(err, QR_E_LIMIT, "the second pool cannot be watched");
    if (rc < 0) {
        qr_pool_free(second->pool);
        second->pool = NULL;
    }
    return rc;
}

static int submit(struct qr_second *second, const struct waiting *job, int64_t budget_ms,
                  struct qr_err *err)
{
    const struct qr_pool_task *task = job->task;
    int fd = fcntl(task->fd, F_DUPFD_CLOEXEC, 3);
    struct qr_pool_job ask = {.id = task->id,
                              .fd = fd,
                              .name = task->text,
                              .type = task->text + strlen(task->text) + 1,
                              .max_file_bytes = task->wire.max_file_bytes,
                              .options = task->wire.options,
                              .budget_ms = budget_ms};

    if (fd < 0)
        return qr_fail(err, QR_E_LIMIT, "no descriptor is left");
    int rc = open_pool(second, err);
    if (rc == QR_OK)
        rc = qr_pool_submit(second->pool, &ask, err);
    if (rc < 0)
        close(fd);
    return rc;
}

static struct waiting *copy(struct qr_pool_task *task, const struct qr_pool_result *result)
{
    struct waiting *job = calloc(1, sizeof *job);
    uint8_t *record = malloc(result->record_bytes + 1);
    char *found = malloc(result->found_len + 1);

    if (!job || !record || !found) {
        free(job);
        free(record);
        free(found);
        return NULL;
    }
    memcpy(record, result->record, result->record_bytes);
    if (result->found_len > 0)
        memcpy(found, result->found, result->found_len);
    job->task = task;
    job->first = *result;
    job->first.record = record;
    job->first.found = found;
    job->first.message = "";
    return job;
}

bool qr_second_take(struct qr_second *second, struct qr_pool_task *task,
                    const struct qr_pool_result *result)
{
    int64_t asked_ms = second->config->geometry.budget_ms;
    int64_t left_ms = task->budget_ms - result->duration_ms - RESERVE_MS;
    struct qr_err err = {0};

    if (!result->is_model || result->cls != QR_CLASS_NONE || !result->record || result->cancelled)
        return false;
    struct waiting *job = copy(task, result);
    if (!job)
        return false; /* no memory: the first step's record is worth more than this */
    if (!qr_geometry_is_there()) {
        end_without(second, job, "unsupported",
                    "this worker has no geometry kernel; hint: ./dev setup, or install "
                    "quarry-geometry.so beside quarry-worker",
                    0);
        return true;
    }
    if (left_ms < WORTH_MS) {
        end_without(second, job, "timeout", "nothing was left of the job's time budget", 0);
        return true;
    }
    if (submit(second, job, asked_ms > 0 && asked_ms < left_ms ? asked_ms : left_ms, &err) < 0) {
        end_without(second, job, "failed", err.msg, 0);
        return true;
    }
    job->next = second->all;
    second->all = job;
    return true;
}

/* ---- as the pool has it */

void qr_second_cancel(struct qr_second *second, uint64_t id)
{
    if (second->pool)
        qr_pool_cancel(second->pool, id);
}

void qr_second_dispatch(struct qr_second *second)
{
    if (second->pool)
        qr_pool_dispatch(second->pool);
}

int qr_second_wait_ms(const struct qr_second *second)
{
    return second->pool ? qr_pool_wait_ms(second->pool) : -1;
}

struct reporting {
    const struct qr_second *second;
    qr_pool_working_fn fn;
    void *arg;
};

static void report(void *arg, uint64_t id, int64_t since_ms,
                   const struct qr_extract_progress *progress)
{
    const struct reporting *to = arg;

    for (const struct waiting *job = to->second->all; job; job = job->next)
        if (job->task->id == id)
            to->fn(to->arg, id, since_ms + job->first.duration_ms, progress);
}

void qr_second_each_working(const struct qr_second *second, qr_pool_working_fn fn, void *arg)
{
    struct reporting to = {.second = second, .fn = fn, .arg = arg};

    if (second->pool)
        qr_pool_each_working(second->pool, report, &to);
}

void qr_second_get_stats(const struct qr_second *second, struct qr_pool_stats *ret)
{
    memset(ret, 0, sizeof *ret);
    if (second->pool)
        qr_pool_get_stats(second->pool, ret);
}

/* Exports found and read: the store here, the bytes in a child. */
#include "common/cadjson/import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cadjson/store.h"
#include "common/cadjson/wire.h"
#include "common/clock.h"
#include "common/os/pipe.h"
#include "common/os/process.h"
#include "common/record/record.h"

enum { LOOK_EVERY_MS = 50 };

struct qr_import {
    struct qr_import_config config;
    char *store, *program;
    struct qr_import_folder *folder; /* one of these three */
    int archive_fd;                  /* -1: none */
    bool http;
};

/* ------------------------------------------------------------------ the store */

static void set_defaults(struct qr_import_config *c)
{
    c->max_bytes = c->max_bytes ? c->max_bytes : UINT64_C(4) << 30;
    c->max_download_bytes = c->max_download_bytes ? c->max_download_bytes : UINT64_C(1) << 30;
    c->memory_bytes = c->memory_bytes ? c->memory_bytes : INT64_C(1) << 30;
    c->refresh_ms = c->refresh_ms ? c->refresh_ms : 5000;
    c->connect_timeout_ms = c->connect_timeout_ms ? c->connect_timeout_ms : 10000;
}

static int open_store(struct qr_import *im, struct qr_err *err)
{
    struct stat info;

    if (strncasecmp(im->store, "http://", 7) == 0 || strncasecmp(im->store, "https://", 8) == 0) {
        im->http = true;
        return QR_OK;
    }
    if (stat(im->store, &info) != 0)
        return qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_NOT_FOUND, errno,
                             "store of exports '%s'", im->store);
    if (S_ISDIR(info.st_mode))
        return qr_import_folder_new(im->store, im->config.refresh_ms, &im->folder, err);
    if (!S_ISREG(info.st_mode))
        return qr_fail(err, QR_E_INVALID,
                       "'%s' is no store of exports; hint: a folder, a .zip or http(s)://host/base",
                       im->store);
    im->archive_fd = open(im->store, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return im->archive_fd >= 0 ? QR_OK
                               : qr_fail_errno(err, errno == EACCES ? QR_E_DENIED : QR_E_IO, errno,
                                               "archive of exports '%s'", im->store);
}

int qr_import_new(const struct qr_import_config *config, struct qr_import **ret, struct qr_err *err)
{
    struct qr_import *im;
    char self[4096];

    if (!config->store || !config->store[0])
        return qr_fail(err, QR_E_INVALID, "no store of exports is given");
    if (!config->program && !qr_process_self(self, sizeof self))
        return qr_fail(err, QR_E_INTERNAL, "import: the path of this program cannot be told");
    im = calloc(1, sizeof *im);
    if (!im)
        return qr_fail(err, QR_E_NOMEM, "import: out of memory");
    im->config = *config;
    im->archive_fd = -1;
    set_defaults(&im->config);
    im->store = strdup(config->store);
    im->program = strdup(config->program ? config->program : self);
    int rc = im->store && im->program ? open_store(im, err)
                                      : qr_fail(err, QR_E_NOMEM, "import: out of memory");
    if (rc < 0) {
        qr_import_free(im);
        return rc;
    }
    *ret = im;
    return QR_OK;
}

void qr_import_free(struct qr_import *im)
{
    if (!im)
        return;
    qr_import_folder_free(im->folder);
    if (im->archive_fd >= 0)
        close(im->archive_fd);
    free(im->store);
    free(im->program);
    free(im);
}

static struct qr_import_http http_of(const struct qr_import *im)
{
    uint64_t max = im->config.max_download_bytes;

    return (struct qr_import_http){im->store,
                                   max < im->config.max_bytes ? max : im->config.max_bytes,
                                   im->config.connect_timeout_ms};
}

/* 1: *ret is open, 0: there is none. */
static int find(struct qr_import *im, const char *model, int64_t budget_ms, const atomic_bool *stop,
                struct qr_import_file *ret, struct qr_err *err)
{
    if (im->folder)
        return qr_import_folder_open(im->folder, model, ret, err);
    if (im->http) {
        const struct qr_import_http http = http_of(im);
        return qr_import_http_open(&http, model, budget_ms, stop, ret, err);
    }
    const char *slash = strrchr(im->store, '/');
    *ret =
        (struct qr_import_file){.fd = fcntl(im->archive_fd, F_DUPFD_CLOEXEC, 3), .archive = true};
    snprintf(ret->name, sizeof ret->name, "%s", slash ? slash + 1 : im->store);
    return ret->fd >= 0 ? 1 : qr_fail_errno(err, QR_E_LIMIT, errno, "import");
}

/* ------------------------------------------------------------------ the child */

struct run {
    struct qr_import *im;
    struct qr_process process;
    struct qr_pipe pipe;
    struct qr_import_job job;
    int fd; /* to send with it */
    int64_t until_ms;
    const atomic_bool *stop;
    struct qr_import_result *ret;
    struct qr_import_done done;
    bool has_done, lied; /* answered; said what nobody does */
};

static void fail_run(struct run *run, enum qr_class class, const char *message)
{
    if (run->ret->class != QR_CLASS_NONE)
        return;
    run->ret->class = class;
    snprintf(run->ret->message, sizeof run->ret->message, "%s", message);
}

static bool on_frame(struct run *run, const struct qr_pipe_header *header, const uint8_t *payload)
{
    struct qr_err err;

    switch (header->type) {
    case QR_IMPORT_READY:
        if (run->fd < 0)
            return false;
        int rc =
            qr_pipe_send(&run->pipe, QR_IMPORT_JOB, 1, &run->job, sizeof run->job, run->fd, &err);
        close(run->fd);
        run->fd = -1;
        return rc == QR_OK;
    case QR_IMPORT_CHUNK:
        qr_buf_append(&run->ret->record, payload, header->len);
        return !run->ret->record.failed;
    case QR_IMPORT_DONE:
        if (header->len != sizeof run->done)
            return false;
        memcpy(&run->done, payload, sizeof run->done);
        run->done.message[sizeof run->done.message - 1] = '\0';
        run->done.name[sizeof run->done.name - 1] = '\0';
        run->has_done = true;
        return run->done.class_id < QR_CLASS_COUNT &&
               (run->done.class_id != 0 || run->done.record_bytes == run->ret->record.len);
    default:
        return false;
    }
}

/* Until the child has answered or may not go on; false: the pipe is over. */
static bool exchange(struct run *run)
{
    struct qr_pipe_header header;
    const uint8_t *payload;
    struct qr_err err;
    int fd = -1;
    int rc = qr_pipe_fill(&run->pipe, &err);

    if (rc < 0)
        return false;
    while ((rc = qr_pipe_take(&run->pipe, &header, &payload, &fd, &err)) == 1) {
        run->lied = !on_frame(run, &header, payload);
        if (run->lied || run->has_done)
            return false;
    }
    run->lied = rc < 0;
    return rc == 0;
}

/* Its time, its memory, and whether anybody still wants it. */
static bool may_go_on(struct run *run)
{
    char text[QR_IMPORT_MESSAGE_MAX];

    if (run->stop && atomic_load(run->stop)) {
        fail_run(run, QR_CLASS_TIMEOUT, "the import was ended");
        return false;
    }
    if (qr_clock_ms() > run->until_ms) {
        fail_run(run, QR_CLASS_TIMEOUT, "reading the export took longer than its time");
        return false;
    }
    if (qr_process_rss(&run->process) > run->im->config.memory_bytes) {
        snprintf(text, sizeof text, "reading the export took more than %lld MiB of memory",
                 (long long)(run->im->config.memory_bytes >> 20));
        fail_run(run, QR_CLASS_RESOURCE, text);
        return false;
    }
    return true;
}

static void judge_end(struct run *run, const struct qr_process_end *end)
{
    char text[QR_IMPORT_MESSAGE_MAX], name[24];

    run->ret->cpu_ms = end->cpu_ms;
    run->ret->rss_bytes = end->rss_bytes;
    if (run->ret->class != QR_CLASS_NONE)
        return; /* ended by us */
    if (run->lied)
        fail_run(run, QR_CLASS_CRASH, "the importing process said what it never does");
    else if (end->signal == 9)
        fail_run(run, QR_CLASS_RESOURCE,
                 "the importing process was killed from outside, as for want of memory");
    else if (end->signal != 0) {
        snprintf(text, sizeof text, "the importing process ended by %s",
                 qr_process_signal_name(end->signal, name));
        fail_run(run, QR_CLASS_CRASH, text);
    } else if (!run->has_done) {
        snprintf(text, sizeof text, "the importing process ended in the middle, code %d",
                 end->exit_code);
        fail_run(run, end->exit_code == 72 ? QR_CLASS_INTERNAL : QR_CLASS_CRASH, text);
    }
}

/* The child's word is not enough: the record is looked through before anybody has it. */
static void judge_answer(struct run *run)
{
    QR_AUTO(qr_record) rec = NULL;
    struct qr_import_result *ret = run->ret;
    struct qr_err err;

    if (ret->class != QR_CLASS_NONE)
        return;
    ret->found = run->done.found;
    ret->bytes = run->done.bytes;
    ret->partial = run->done.partial;
    if (ret->found)
        snprintf(ret->source, sizeof ret->source, "json:%s", run->done.name);
    if (run->done.class_id != 0)
        fail_run(run, (enum qr_class)run->done.class_id, run->done.message);
    else if (ret->found && !run->job.probe &&
             qr_record_decode(ret->record.data, ret->record.len, NULL, &rec, &err) < 0)
        fail_run(run, QR_CLASS_CRASH, "the importing process gave a record that is none");
}

static int start(struct run *run, struct qr_err *err)
{
    const char *const argv[] = {run->im->program, "--import-child", NULL};
    const struct qr_import_setup setup = {run->im->config.memory_bytes};
    int ends[2];
    int rc = qr_pipe_pair(ends, err);

    if (rc < 0)
        return rc;
    rc = qr_process_start(&run->process, run->im->program, argv, ends[1], false, err);
    close(ends[1]);
    if (rc < 0) {
        close(ends[0]);
        return rc;
    }
    qr_pipe_init(&run->pipe, ends[0], false, true);
    if (qr_pipe_send(&run->pipe, QR_IMPORT_SETUP, 0, &setup, sizeof setup, -1, err) < 0)
        run->lied = true; /* it ended at once: its end says why */
    return QR_OK;
}

static int run_child(struct run *run, struct qr_err *err)
{
    struct qr_process_end end = {0};
    int rc = start(run, err);

    if (rc < 0)
        return rc;
    while (!run->lied && may_go_on(run)) {
        struct pollfd ready = {.fd = run->pipe.fd, .events = POLLIN};
        if (poll(&ready, 1, LOOK_EVERY_MS) > 0 && !exchange(run))
            break;
    }
    if (run->ret->class != QR_CLASS_NONE || run->lied)
        qr_process_kill(&run->process);
    qr_pipe_done(&run->pipe); /* a child that still writes ends by that */
    while (!qr_process_poll(&run->process, &end)) {
        struct pollfd ended = {.fd = run->process.watch, .events = POLLIN};
        if (poll(&ended, run->process.watch >= 0, LOOK_EVERY_MS) == 0 &&
            qr_clock_ms() > run->until_ms)
            qr_process_kill(&run->process);
    }
    judge_end(run, &end);
    judge_answer(run);
    return QR_OK;
}

/* ------------------------------------------------------------------ runs */

static enum qr_class class_of(int code)
{
    switch (code) {
    case QR_E_DENIED:
        return QR_CLASS_PERMISSION;
    case QR_E_LIMIT:
    case QR_E_NOMEM:
        return QR_CLASS_RESOURCE;
    case QR_E_TIMEOUT:
    case QR_E_CANCELLED:
        return QR_CLASS_TIMEOUT;
    case QR_E_INVALID:
        return QR_CLASS_INVALID_INPUT;
    case QR_E_INTERNAL:
        return QR_CLASS_INTERNAL;
    default:
        return QR_CLASS_CONNECTION;
    }
}

static int run_import(struct qr_import *im, const char *model, bool probe, int64_t budget_ms,
                      const atomic_bool *stop, struct qr_import_result *ret, struct qr_err *err)
{
    struct run run = {.im = im,
                      .fd = -1,
                      .until_ms = qr_clock_ms() + budget_ms,
                      .stop = stop,
                      .ret = ret,
                      .process = {.pid = -1, .watch = -1}};
    struct qr_import_file file = {.fd = -1};
    int rc;

    memset(ret, 0, sizeof *ret);
    qr_buf_init(&ret->record, QR_IMPORT_RECORD_MAX);
    rc = find(im, model, budget_ms, stop, &file, err);
    if (rc <= 0) {
        if (rc == 0)
            snprintf(ret->message, sizeof ret->message, "there is no export of '%s'", model);
        else
            snprintf(ret->message, sizeof ret->message, "%s", err->msg);
        ret->class = rc == 0 ? QR_CLASS_UNSUPPORTED : class_of(rc);
        return QR_OK;
    }
    run.fd = file.fd;
    run.job = (struct qr_import_job){
        .max_bytes = im->config.max_bytes, .archive = file.archive, .probe = probe};
    snprintf(run.job.model, sizeof run.job.model, "%s", model);
    memcpy(run.job.name, file.name, sizeof run.job.name);
    rc = run_child(&run, err);
    if (run.fd >= 0)
        close(run.fd);
    if (rc < 0) {
        ret->class = class_of(rc);
        snprintf(ret->message, sizeof ret->message, "%s", err->msg);
    } else if (ret->class == QR_CLASS_NONE && !ret->found) {
        ret->class = QR_CLASS_UNSUPPORTED;
        snprintf(ret->message, sizeof ret->message, "there is no export of '%s'", model);
    }
    if (ret->class != QR_CLASS_NONE)
        qr_buf_clear(&ret->record);
    return rc;
}

int qr_import_run(struct qr_import *im, const char *model, int64_t budget_ms,
                  const atomic_bool *stop, struct qr_import_result *ret, struct qr_err *err)
{
    return run_import(im, model, false, budget_ms, stop, ret, err);
}

void qr_import_result_done(struct qr_import_result *result) { qr_buf_done(&result->record); }

int qr_import_has(struct qr_import *im, const char *model, bool *ret, struct qr_err *err)
{
    struct qr_import_result result;
    struct qr_import_file file;
    int rc;

    if (im->http) {
        const struct qr_import_http http = http_of(im);
        return qr_import_http_has(&http, model, ret, err);
    }
    if (im->folder) {
        rc = qr_import_folder_open(im->folder, model, &file, err);
        if (rc == 1)
            close(file.fd);
        *ret = rc == 1;
        return rc < 0 ? rc : QR_OK;
    }
    rc = run_import(im, model, true, 60000, NULL, &result, err);
    *ret = result.found;
    if (rc == QR_OK && result.class != QR_CLASS_NONE && result.class != QR_CLASS_UNSUPPORTED)
        rc = qr_fail(err, QR_E_IO, "%s", result.message);
    qr_import_result_done(&result);
    return rc;
}

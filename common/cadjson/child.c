/* The process that parses one export: it locks itself in before the first byte of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cadjson/cadjson.h"
#include "common/cadjson/store.h"
#include "common/cadjson/wire.h"
#include "common/os/pipe.h"
#include "common/os/sandbox.h"
#include "common/record/cad.h"

enum { CHILD_FDS = 16, EXIT_BROKEN = 70, EXIT_NO_SANDBOX = 72 };

struct input {
    int fd;
    struct qr_import_zip *zip; /* NULL: the file itself */
    uint64_t bytes, max;
};

static int64_t read_input(void *ctx, uint8_t *buf, size_t cap, struct qr_err *err)
{
    struct input *in = ctx;
    int64_t n;

    if (in->zip) {
        n = qr_import_zip_read(in->zip, buf, cap, err);
    } else {
        do
            n = read(in->fd, buf, cap);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            (void)qr_fail_errno(err, QR_E_IO, errno, "read the export");
    }
    if (n > 0)
        in->bytes += (uint64_t)n;
    if (in->bytes > in->max) {
        (void)qr_fail(err, QR_E_LIMIT, "the export has more than %llu bytes",
                      (unsigned long long)in->max);
        return -1;
    }
    return n;
}

static enum qr_class class_of(int rc)
{
    switch (rc) {
    case QR_E_DATA:
    case QR_E_LIMIT: /* larger than allowed */
        return QR_CLASS_INVALID_INPUT;
    case QR_E_UNSUPPORTED:
        return QR_CLASS_UNSUPPORTED;
    case QR_E_DENIED:
        return QR_CLASS_PERMISSION;
    case QR_E_NOMEM:
        return QR_CLASS_RESOURCE;
    case QR_E_IO:
        return QR_CLASS_CONNECTION;
    default:
        return QR_CLASS_INTERNAL;
    }
}

/* How it came: the caller cannot know the name of a member. */
static void set_origin(struct qr_record *rec, const char *name)
{
    Quarry__V1__CadModel *cad = qr_record_cad(rec);
    char source[QR_IMPORT_NAME_MAX + 8];

    if (!cad)
        return;
    snprintf(source, sizeof source, "json:%s", name);
    cad->mode = qr_record_string(rec, "json", 4);
    cad->source = qr_record_string(rec, source, strlen(source));
    qr_record_set_type(rec, "cad");
    qr_record_set_extractor(rec, "cad-json", QUARRY_VERSION);
    qr_record_finish(rec);
}

static int read_model(const struct qr_import_job *job, struct input *in, const char *name,
                      struct qr_record *rec, struct qr_err *err)
{
    const struct qr_cadjson_source source = {read_input, in};
    QR_AUTO(qr_cadjson) cj = NULL;
    int rc = qr_cadjson_new(rec, job->model, &cj, err);

    if (rc == QR_OK)
        rc = qr_cadjson_read(cj, &source, err);
    if (rc == QR_OK)
        rc = qr_cadjson_finish(cj, err);
    if (rc == QR_OK)
        set_origin(rec, name);
    return rc;
}

static int import(const struct qr_import_job *job, int fd, struct qr_buf *encoded,
                  struct qr_import_done *done, struct qr_err *err)
{
    QR_AUTO(qr_record) rec = NULL;
    struct input in = {.fd = fd, .max = job->max_bytes};
    int rc = 1;

    memcpy(done->name, job->name, sizeof done->name);
    if (job->archive)
        rc = qr_import_zip_open(fd, job->model, job->max_bytes, done->name, &in.zip, err);
    done->found = rc != 0;
    if (rc != 1 || job->probe) {
        qr_import_zip_free(in.zip);
        return rc < 0 ? rc : QR_OK;
    }
    rec = qr_record_new(NULL);
    rc = rec ? read_model(job, &in, done->name, rec, err)
             : qr_fail(err, QR_E_NOMEM, "import: out of memory");
    if (rc == QR_OK)
        rc = qr_record_encode(rec, encoded, err);
    done->partial = rc == QR_OK && rec->msg->partial;
    done->bytes = in.bytes;
    qr_import_zip_free(in.zip);
    return rc;
}

static int send_answer(struct qr_pipe *pipe, const struct qr_buf *encoded,
                       struct qr_import_done *done, struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t at = 0; rc == QR_OK && at < encoded->len && done->class_id == 0;
         at += QR_IMPORT_CHUNK_BYTES) {
        size_t left = encoded->len - at;
        size_t n = left < QR_IMPORT_CHUNK_BYTES ? left : QR_IMPORT_CHUNK_BYTES;
        rc = qr_pipe_send(pipe, QR_IMPORT_CHUNK, 1, encoded->data + at, n, -1, err);
        done->record_bytes += n;
    }
    return rc < 0 ? rc : qr_pipe_send(pipe, QR_IMPORT_DONE, 1, done, sizeof *done, -1, err);
}

/* The next frame, which must be of this type and length. */
static int take(struct qr_pipe *pipe, uint16_t type, void *ret, size_t len, int *ret_fd,
                struct qr_err *err)
{
    for (;;) {
        struct qr_pipe_header header;
        const uint8_t *payload;
        int fd = -1;
        int rc = qr_pipe_take(pipe, &header, &payload, &fd, err);
        if (rc == 1) {
            if (header.type != type || header.len != len || (fd >= 0) != (ret_fd != NULL))
                return qr_fail(err, QR_E_DATA, "not what is expected");
            memcpy(ret, payload, len);
            if (ret_fd)
                *ret_fd = fd;
            return QR_OK;
        }
        if (rc == 0)
            rc = qr_pipe_fill(pipe, err);
        if (rc < 0)
            return rc;
    }
}

/* In before the export's descriptor comes. */
static int lock_in(struct qr_pipe *pipe, struct qr_err *err)
{
    struct qr_sandbox_config config = {.keep_fd = QR_IMPORT_FD, .max_fds = CHILD_FDS};
    struct qr_sandbox_report report;
    struct qr_import_setup setup;
    int rc = take(pipe, QR_IMPORT_SETUP, &setup, sizeof setup, NULL, err);

    if (rc < 0)
        return EXIT_BROKEN;
    config.memory_bytes = setup.memory_bytes;
    if (qr_sandbox_enter(&config, &report, err) < 0) {
        fprintf(stderr, "import: %s\n", err->msg);
        return EXIT_NO_SANDBOX;
    }
    rc = qr_pipe_send(pipe, QR_IMPORT_READY, 0, &report, sizeof report, -1, err);
    return rc < 0 ? EXIT_BROKEN : 0;
}

int qr_import_child_main(void)
{
    struct qr_import_done done = {0};
    struct qr_import_job job;
    struct qr_buf encoded;
    struct qr_pipe pipe;
    struct qr_err err = {0};
    int fd = -1;

    qr_pipe_init(&pipe, QR_IMPORT_FD, true, false);
    int code = lock_in(&pipe, &err);
    if (code != 0)
        _exit(code);
    if (take(&pipe, QR_IMPORT_JOB, &job, sizeof job, &fd, &err) < 0)
        _exit(EXIT_BROKEN);
    job.model[sizeof job.model - 1] = job.name[sizeof job.name - 1] = '\0';
    qr_buf_init(&encoded, QR_IMPORT_RECORD_MAX);
    int rc = import(&job, fd, &encoded, &done, &err);
    if (rc < 0) {
        done.class_id = (uint32_t)class_of(rc);
        snprintf(done.message, sizeof done.message, "%s", err.msg);
    }
    rc = send_answer(&pipe, &encoded, &done, &err);
    _exit(rc < 0 ? EXIT_BROKEN : 0); /* no exit handlers: in here they could do nothing */
}

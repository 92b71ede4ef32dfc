/* quarry export */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"
#include "ctl/text.h"
#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t run;
    char *format, *out;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"run",    0, QR_OPT_INT, AT(run),    "0",     0, 0x1p53, 0, "ID", "the run", "docs/cli.md"},
    {"format", 0, QR_OPT_STR, AT(format), "jsonl", 0, 0, QR_OPT_CHOICE, "jsonl|csv", "a record a line, or a table for spreadsheets", "docs/cli.md"},
    {"out",    0, QR_OPT_STR, AT(out),    "-",     0, 0, 0, "FILE", "where to write; - is standard output", "docs/cli.md"},
    {0},
};
/* clang-format on */

/* A file appears under its name only when it is whole. */
struct target {
    const char *path; /* NULL: standard output */
    char temporary[PATH_MAX];
    FILE *file;
    uint64_t bytes;
    struct qr_progress progress;
    struct qr_ctl *ctl;
};

static int target_open(struct target *target, const char *path, struct qr_err *err)
{
    if (strcmp(path, "-") == 0) {
        target->file = stdout;
        return QR_OK;
    }
    int n = snprintf(target->temporary, sizeof target->temporary, "%s.part-XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof target->temporary)
        return qr_fail(err, QR_E_USAGE, "--out is longer than %d bytes", PATH_MAX);
    int fd = mkstemp(target->temporary);
    if (fd < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "--out: create '%s'", path);
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask); /* as any new file; mkstemp made it private */
    target->path = path;
    target->file = fdopen(fd, "wb");
    if (target->file)
        return QR_OK;
    close(fd);
    unlink(target->temporary);
    return qr_fail(err, QR_E_NOMEM, "out of memory");
}

static int target_finish(struct target *target, struct qr_err *err)
{
    if (!target->path)
        return qr_ctl_flush(target->ctl, err);
    FILE *file = target->file;
    bool bad = fflush(file) != 0 || fsync(fileno(file)) != 0;
    int errnum = errno;
    target->file = NULL;
    if (fclose(file) != 0 && !bad) {
        bad = true;
        errnum = errno;
    }
    if (bad)
        return qr_fail_errno(err, QR_E_IO, errnum, "write '%s'", target->temporary);
    if (rename(target->temporary, target->path) != 0)
        return qr_fail_errno(err, QR_E_IO, errno, "rename to '%s'", target->path);
    target->temporary[0] = '\0';
    return QR_OK;
}

/* After a failure nothing is left behind. */
static void target_done(struct target *target)
{
    if (target->path && target->file)
        fclose(target->file);
    if (target->path && target->temporary[0])
        unlink(target->temporary);
}

static int take(void *ctx, const ProtobufCMessage *message, struct qr_err *err)
{
    const ProtobufCBinaryData *data =
        &((const Quarry__V1__ExportReply *)(const void *)message)->data;
    struct target *target = ctx;

    if (data->len > 0 && fwrite(data->data, 1, data->len, target->file) != data->len) {
        int errnum = errno;
        if (!target->path)
            return qr_ctl_flush(target->ctl, err);
        return qr_fail_errno(err, QR_E_IO, errnum, "write '%s'", target->temporary);
    }
    target->bytes += data->len;
    if (target->path || target->ctl->err.tty) {
        const struct qr_progress_sample sample = {.done = target->bytes};
        qr_progress_update(&target->progress, qr_clock_ms(), &sample);
    }
    return QR_OK;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__ExportRequest request = QUARRY__V1__EXPORT_REQUEST__INIT;
    struct target target = {.ctl = ctl};
    char text[64];
    (void)rest;

    if (args->run == 0)
        return qr_fail(err, QR_E_USAGE, "--run is missing; hint: quarry export --run ID");
    request.run_id = args->run;
    request.format = args->format;
    snprintf(text, sizeof text, "export of run %" PRId64, args->run);
    qr_progress_init(&target.progress, stderr, &ctl->err, QR_PROGRESS_BYTES, text);
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = target_open(&target, args->out, err);
    if (rc < 0)
        return rc;
    qr_interrupt_catch(); /* so that no temporary file stays behind */
    rc = qr_client_stream(ctl->client, "Export", &request.base,
                          &quarry__v1__export_reply__descriptor, take, &target, err);
    qr_progress_clear(&target.progress);
    if (rc == QR_OK)
        rc = target_finish(&target, err);
    target_done(&target);
    if (rc == QR_OK && target.path)
        qr_ctl_say("%s: %s", target.path, qr_text_size(target.bytes, text, sizeof text));
    return rc;
}

const struct qr_ctl_verb qr_ctl_export = {
    .name = "export",
    .arguments = "--run ID [--format jsonl|csv] [--out FILE]",
    .summary = "everything a run found, as JSON lines or CSV",
    .examples = "  quarry export --run 7 --out run7.jsonl\n"
                "  quarry export --run 7 --format csv --out run7.csv\n"
                "  quarry export --run 7 | jq -r 'select(.status == \"failed\") | .file'\n"
                "FILE appears only when it is whole.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

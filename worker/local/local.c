#include "worker/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/os/cage.h"
#include "common/os/process.h"
#include "common/record/record.h"
#include "worker/extract/ocr/ocr.h"
#include "worker/extract/table.h"
#include "worker/pool/pool.h"
#include "worker/tool/tools.h"

/* Results that wait for an earlier file's are kept, at most so many for each child. */
#define AHEAD_PER_CHILD 8
#define READY_MS 10000
#define BUDGET_MS 120000 /* for one file */

struct outcome {
    bool done;
    char *text; /* the record as JSON */
    int fd;     /* while a program of others reads the file; else -1 */
    char type[32];
};

struct run {
    const struct qr_local_config *config;
    struct qr_pool *pool;
    struct qr_tools *tools;
    FILE *out;
    struct outcome *outcomes; /* one a file */
    size_t next_in;           /* file to open next */
    size_t next_out;          /* file to print next */
    bool any_failed;
    bool broken; /* out of memory, or nothing can be printed */
};

/* The picture, when one was asked for. */
static void write_overlay(struct run *run, const ProtobufCBinaryData *png)
{
    const char *path = run->config->overlay;

    if (!path)
        return;
    if (png->len == 0) {
        fprintf(stderr, "quarry-worker: no overlay: there is no page %u, or nothing can be drawn\n",
                run->config->options.overlay_page);
        run->any_failed = true;
        return;
    }
    FILE *out = fopen(path, "wbe");
    bool good = out && fwrite(png->data, 1, png->len, out) == png->len;
    if (out)
        good = fclose(out) == 0 && good;
    if (!good) {
        fprintf(stderr, "quarry-worker: write '%s': %s\n", path, strerror(errno));
        run->any_failed = true;
    }
}

static void settle(struct run *run, size_t index, const Quarry__V1__ExtractionRecord *msg)
{
    json_t *json = qr_record_json(msg);

    write_overlay(run, &msg->overlay);

    run->any_failed = run->any_failed || msg->error;
    run->outcomes[index].text =
        json ? json_dumps(json, run->config->jsonl ? JSON_COMPACT : JSON_INDENT(2)) : NULL;
    run->outcomes[index].done = true;
    run->broken = run->broken || !run->outcomes[index].text;
    json_decref(json);
}

/* A file without a record of its own: unreadable, or its child ended. */
static void settle_failed(struct run *run, size_t index, enum qr_class cls, const char *message,
                          int64_t duration_ms)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_detected found;
    const char *name = run->config->files[index];

    if (!rec) {
        run->broken = true;
        return;
    }
    qr_record_set_file(rec, name);
    qr_detect(NULL, 0, name, "", &found);
    qr_record_set_type(rec, found.format ? found.format->type : "other");
    qr_record_fail(rec, cls, "%s", message);
    rec->msg->duration_ms = (uint32_t)duration_ms;
    qr_record_finish(rec);
    settle(run, index, rec->msg);
}

static void on_done(void *arg, const struct qr_pool_result *result)
{
    struct run *run = arg;
    QR_AUTO(qr_record) rec = NULL;
    struct qr_err err = {0};
    size_t index = (size_t)result->id;

    if (!result->record) {
        settle_failed(run, index, result->cls, result->message, result->duration_ms);
    } else if (qr_record_decode(result->record, result->record_bytes, NULL, &rec, &err) < 0) {
        settle_failed(run, index, QR_CLASS_CRASH, err.msg, result->duration_ms);
    } else {
        settle(run, index, rec->msg);
    }
}

static enum qr_class class_of_errno(int errnum)
{
    if (errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG || errnum == ELOOP)
        return QR_CLASS_INVALID_INPUT;
    if (errnum == EACCES || errnum == EPERM)
        return QR_CLASS_PERMISSION;
    return errnum == EMFILE || errnum == ENFILE ? QR_CLASS_RESOURCE : QR_CLASS_CONNECTION;
}

/* Into the pool, with what a program of others made of it, if one did. */
static void submit(struct run *run, size_t index, int fd, const struct qr_prepared *prepared,
                   int prepared_fd, int64_t used_ms)
{
    int64_t budget = run->config->budget_ms > 0 ? run->config->budget_ms : BUDGET_MS;
    struct qr_err err = {0};
    struct qr_pool_job job = {.id = index,
                              .fd = fd,
                              .name = run->config->files[index],
                              .type = "",
                              .prepared = prepared,
                              .prepared_fd = prepared_fd,
                              .budget_ms = qr_tools_left_ms(prepared, budget, used_ms),
                              .options = run->config->options};

    if (qr_pool_submit(run->pool, &job, &err) == QR_OK)
        return;
    close(fd);
    if (prepared_fd >= 0)
        close(prepared_fd);
    settle_failed(run, index, QR_CLASS_INVALID_INPUT, err.msg, 0);
}

/* Does a program of others read it first? */
static bool submit_to_tool(struct run *run, size_t index, int fd)
{
    struct outcome *outcome = &run->outcomes[index];
    uint8_t head[QR_INPUT_HEAD];
    ssize_t n = run->config->tools->n > 0 ? pread(fd, head, sizeof head, 0) : 0;
    const char *name = run->config->files[index];
    struct qr_tools_job job = {
        .id = index, .fd = fd, .name = name, .budget_ms = run->config->budget_ms};
    struct qr_err err;

    job.tool =
        qr_tool_set_find(run->config->tools, name, "", head, n > 0 ? (size_t)n : 0, outcome->type);
    if (!job.tool || qr_tools_submit(run->tools, &job, &err) < 0)
        return false;
    outcome->fd = fd;
    return true;
}

static void on_prepared(void *arg, const struct qr_tools_result *result)
{
    struct run *run = arg;
    struct outcome *outcome = &run->outcomes[result->id];
    struct qr_prepared prepared;
    int fd = outcome->fd;

    outcome->fd = -1;
    qr_tools_prepared(result, outcome->type, &prepared);
    submit(run, (size_t)result->id, fd, &prepared, result->fd, result->duration_ms);
}

static void submit_next(struct run *run)
{
    size_t index = run->next_in++;
    const char *name = run->config->files[index];
    struct qr_err err = {0};

    /* nonblocking: opening a FIFO must not wait for a writer; regular files do not care */
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int errnum = errno;
        if (errnum == ENOENT || errnum == ENOTDIR)
            qr_fail(&err, QR_E_IO, "there is no such file; hint: look at its name and folder");
        else if (errnum == EACCES)
            qr_fail(&err, QR_E_IO, "permission denied; hint: make it readable for user id %ld",
                    (long)geteuid());
        else
            qr_fail_errno(&err, QR_E_IO, errnum, "open");
        settle_failed(run, index, class_of_errno(errnum), err.msg, 0);
        return;
    }
    if (!submit_to_tool(run, index, fd))
        submit(run, index, fd, NULL, -1, 0);
}

static void print_ready(struct run *run)
{
    bool jsonl = run->config->jsonl;

    while (run->next_out < run->next_in && run->outcomes[run->next_out].done) {
        struct outcome *outcome = &run->outcomes[run->next_out++];
        if (!jsonl)
            fputs(run->next_out == 1 ? "[\n" : ",\n", run->out);
        if (outcome->text)
            fputs(outcome->text, run->out);
        if (jsonl)
            fputc('\n', run->out);
        free(outcome->text);
        outcome->text = NULL;
    }
    if (ferror(run->out))
        run->broken = true;
}

static void wait_for_some(struct run *run)
{
    struct pollfd fds[] = {{.fd = qr_pool_fd(run->pool), .events = POLLIN},
                           {.fd = qr_tools_fd(run->tools), .events = POLLIN}};
    int pool_ms = qr_pool_wait_ms(run->pool);
    int tools_ms = qr_tools_wait_ms(run->tools);

    poll(fds, QR_COUNT(fds),
         tools_ms < 0 || (pool_ms >= 0 && pool_ms < tools_ms) ? pool_ms : tools_ms);
    qr_pool_dispatch(run->pool);
    qr_tools_dispatch(run->tools);
}

static void work(struct run *run, size_t ahead)
{
    while (run->next_out < run->config->n_files && !run->broken) {
        while (run->next_in < run->config->n_files && qr_pool_room(run->pool) > 0 &&
               run->next_in - run->next_out < ahead)
            submit_next(run);
        print_ready(run);
        if (qr_pool_jobs(run->pool) + qr_tools_jobs(run->tools) > 0)
            wait_for_some(run);
    }
}

int qr_local_extract(const struct qr_local_config *config, FILE *out)
{
    QR_AUTO(qr_pool) pool = NULL;
    QR_AUTO(qr_tools) tools = NULL;
    struct run run = {.config = config, .out = out};
    struct qr_err err = {0};
    int children = config->jobs > 0 ? config->jobs : qr_process_cpus();

    if ((size_t)children > config->n_files)
        children = config->n_files > 0 ? (int)config->n_files : 1;
    struct qr_pool_config pool_config = {.children = children,
                                         .memory_bytes = config->memory_bytes,
                                         .geometry = {.on = true,
                                                      .memory_bytes = config->geometry_memory_bytes,
                                                      .budget_ms = config->geometry_budget_ms},
                                         .keep_stderr = config->keep_stderr,
                                         .done = on_done,
                                         .arg = &run};
    if (qr_pool_new(&pool_config, &pool, &err) < 0) {
        qr_log_err(QR_LOG_ERROR, "extract.start", &err, "children=%d", children);
        return 1;
    }
    const struct qr_tools_config tools_config = {.running = children,
                                                 .memory_bytes = config->memory_bytes,
                                                 .output_bytes = config->tool_output_bytes,
                                                 .done = on_prepared,
                                                 .arg = &run};
    if (qr_tools_new(&tools_config, &tools, &err) < 0) {
        qr_log_err(QR_LOG_ERROR, "extract.start", &err, "programs=%d", children);
        return 1;
    }
    run.pool = pool;
    run.tools = tools;
    run.outcomes = calloc(config->n_files + 1, sizeof *run.outcomes);
    if (!run.outcomes)
        return 1;
    work(&run, (size_t)children * AHEAD_PER_CHILD);
    if (!config->jsonl)
        fputs(run.next_out == 0 ? "[]\n" : "\n]\n", out);
    if (fflush(out) != 0)
        run.broken = true;
    for (size_t i = 0; i < config->n_files; i++)
        free(run.outcomes[i].text);
    free(run.outcomes);
    return run.any_failed || run.broken ? 1 : 0;
}

static void ignore_done(void *arg, const struct qr_pool_result *result)
{
    (void)arg;
    (void)result;
}

/* The cage of programs of others, tried on one that does nothing. */
static void report_cage(FILE *out)
{
    static const char *const words[] = {"not active", "active"};
    const char *const argv[] = {"/bin/true", NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const struct qr_cage_config config = {.argv = argv,
                                          .dir = "/tmp",
                                          .in = null,
                                          .out = null,
                                          .err = null,
                                          .file_bytes = 1,
                                          .max_processes = 8};
    struct qr_cage_report report = {0};
    struct qr_cage cage;
    struct qr_cage_end end;
    struct qr_err err = {0};

    if (null < 0 || qr_cage_start(&config, &cage, &report, &err) < 0) {
        fprintf(out, "foreign programs    not possible: %s\n", err.msg);
    } else {
        qr_cage_kill(&cage, &end);
        fprintf(out,
                "foreign programs    unprivileged user %s, namespaces %s, process limit %s, "
                "landlock %s, seccomp %s\n",
                words[report.unprivileged], words[report.namespaces], words[report.process_limit],
                words[report.landlock], words[report.seccomp]);
    }
    if (null >= 0)
        close(null);
}

int qr_local_sandbox_report(int64_t memory_bytes, FILE *out)
{
    QR_AUTO(qr_pool) pool = NULL;
    struct qr_pool_config config = {
        .children = 1, .memory_bytes = memory_bytes, .keep_stderr = true, .done = ignore_done};
    struct qr_pool_stats stats = {0};
    struct qr_err err = {0};
    char text[512];

    if (qr_pool_new(&config, &pool, &err) < 0) {
        qr_log_err(QR_LOG_ERROR, "sandbox.report", &err, "children=1");
        return 1;
    }
    int64_t until = qr_clock_ms() + READY_MS;
    while (!stats.sandbox.seccomp && qr_clock_ms() < until) {
        struct pollfd fd = {.fd = qr_pool_fd(pool), .events = POLLIN};
        poll(&fd, 1, 100);
        qr_pool_dispatch(pool);
        qr_pool_get_stats(pool, &stats);
    }
    qr_sandbox_print(&stats.sandbox, text, sizeof text);
    fputs(text, out);
    report_cage(out);
    QR_AUTO(qr_ocr) ocr = qr_ocr_new(); /* as in the child; what it says is the same */
    fprintf(out, "OCR                 %s\n", ocr ? qr_ocr_describe(ocr) : "out of memory");
    return stats.sandbox.seccomp && fflush(out) == 0 ? 0 : 1;
}

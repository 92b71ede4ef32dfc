#include "worker/tool/tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/tool/tools_warden.h"
#include "worker/tool/wire.h"

enum {
    MAX_RUNNING = 256,
    BUDGET_MS = 120000,
    IDLE_MS = 10000,
    TELL_MS = 10000,
};

int qr_tools_new(const struct qr_tools_config *config, struct qr_tools **ret, struct qr_err *err)
{
    const char *temp = getenv("TMPDIR");

    if (config->running < 1 || config->running > MAX_RUNNING)
        return qr_fail(err, QR_E_INVALID, "%d programs at a time; hint: 1 .. %d", config->running,
                       MAX_RUNNING);
    QR_AUTO(qr_tools) tools = calloc(1, sizeof *tools);
    if (!tools)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    tools->config = *config;
    if (tools->config.memory_bytes == 0)
        tools->config.memory_bytes = (int64_t)1 << 30;
    if (tools->config.output_bytes == 0)
        tools->config.output_bytes = (int64_t)1 << 30;
    tools->epoll = epoll_create1(EPOLL_CLOEXEC);
    tools->n_wardens = (size_t)config->running;
    tools->wardens = calloc(tools->n_wardens, sizeof *tools->wardens);
    if (tools->epoll < 0 || !tools->wardens)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    snprintf(tools->temp, sizeof tools->temp, "%s", temp && temp[0] == '/' ? temp : "/tmp");
    if (config->program)
        snprintf(tools->program, sizeof tools->program, "%s", config->program);
    else if (!qr_process_self(tools->program, sizeof tools->program))
        return qr_fail(err, QR_E_INVALID, "the worker's program cannot be found");
    *ret = qr_steal(&tools);
    return QR_OK;
}

void qr_tools_free(struct qr_tools *tools)
{
    if (!tools)
        return;
    for (size_t i = 0; tools->wardens && i < tools->n_wardens; i++)
        if (tools->wardens[i].up)
            qr_pipe_done(&tools->wardens[i].pipe); /* all at once, then wait for each */
    for (size_t i = 0; tools->wardens && i < tools->n_wardens; i++) {
        if (!tools->wardens[i].up)
            continue;
        free(tools->wardens[i].task);
        qr_tools_warden_end(&tools->wardens[i], QR_TOOLS_STOP_MS);
    }
    while (tools->waiting) {
        struct qr_tools_task *task = tools->waiting;
        tools->waiting = task->next;
        free(task);
    }
    free(tools->wardens);
    if (tools->epoll >= 0)
        close(tools->epoll);
    free(tools);
}

/* ---- waiting */

static void finish(struct qr_tools *tools, struct qr_tools_task *task,
                   struct qr_tools_result *result)
{
    result->id = task->id;
    result->tool = task->tool;
    tools->n_jobs--;
    free(task);
    tools->config.done(tools->config.arg, result);
}

static void finish_failed(struct qr_tools *tools, struct qr_tools_task *task, enum qr_class cls,
                          const char *message, int64_t duration_ms)
{
    struct qr_tools_result result = {
        .cls = cls, .message = message, .note = "", .fd = -1, .duration_ms = duration_ms};
    finish(tools, task, &result);
}

static void missing_message(const struct qr_tool *tool, char *text, size_t size)
{
    snprintf(text, size,
             "the program '%s' that reads such files is not there; hint: install it, or correct "
             "its path in the worker's options (docs/tools.md)",
             tool->argv[0]);
}

static void place_waiting(struct qr_tools *tools)
{
    char text[600];
    struct qr_err err;

    while (tools->waiting) {
        struct qr_tools_task *task = tools->waiting;
        struct qr_tools_warden *warden = NULL;
        if (!task->tool->missing && !(warden = qr_tools_warden_choose(tools, task->tool)))
            return;
        tools->waiting = task->next;
        if (!warden) {
            missing_message(task->tool, text, sizeof text);
            finish_failed(tools, task, QR_CLASS_UNSUPPORTED, text, 0);
        } else if (qr_tools_warden_give(tools, warden, task, &err) < 0) {
            finish_failed(tools, task,
                          err.code == QR_E_LIMIT || err.code == QR_E_NOMEM ? QR_CLASS_RESOURCE
                                                                           : QR_CLASS_INTERNAL,
                          err.msg, 0);
        }
    }
}

int qr_tools_submit(struct qr_tools *tools, const struct qr_tools_job *job, struct qr_err *err)
{
    size_t len = strlen(job->name);
    const char *name = len < QR_TOOL_TEXT_MAX ? job->name : job->name + len - QR_TOOL_TEXT_MAX + 1;
    struct qr_tools_task *task = calloc(1, sizeof *task + strlen(name) + 1);
    struct qr_tools_task **end = &tools->waiting;

    if (!task)
        return qr_fail(err, QR_E_NOMEM, "no memory for a job");
    task->id = job->id;
    task->fd = job->fd;
    task->tool = job->tool;
    task->budget_ms = job->budget_ms > 0 ? job->budget_ms : BUDGET_MS;
    memcpy(task->name, name, strlen(name) + 1);
    while (*end)
        end = &(*end)->next;
    *end = task;
    tools->n_jobs++;
    return QR_OK;
}

void qr_tools_cancel(struct qr_tools *tools, uint64_t id)
{
    struct qr_err err;

    for (struct qr_tools_task **link = &tools->waiting; *link; link = &(*link)->next) {
        struct qr_tools_task *task = *link;
        if (task->id != id)
            continue;
        *link = task->next;
        free(task);
        tools->n_jobs--;
        return;
    }
    for (size_t i = 0; i < tools->n_wardens; i++) {
        struct qr_tools_warden *warden = &tools->wardens[i];
        if (!warden->task || warden->task->id != id)
            continue;
        free(warden->task);
        warden->task = NULL;
        tools->n_jobs--;
        int64_t until = qr_clock_ms() + QR_TOOLS_STOP_MS;
        warden->kill_ms = until < warden->kill_ms ? until : warden->kill_ms;
        if (qr_pipe_send(&warden->pipe, QR_TOOL_WIRE_STOP, id, NULL, 0, -1, &err) < 0)
            warden->kill_ms = 0;
        return;
    }
}

/* ---- answers */

/* False: it was garbage. */
static bool take_done(struct qr_tools *tools, struct qr_tools_warden *warden,
                      const uint8_t *payload, size_t len, int fd)
{
    struct qr_tool_wire_done done;
    struct qr_tools_task *task = warden->task;

    if (len < sizeof done + 2 || payload[len - 1] != '\0' || !warden->busy)
        return false;
    memcpy(&done, payload, sizeof done);
    const char *message = (const char *)payload + sizeof done;
    const char *note = message + strlen(message) + 1;
    if (note >= (const char *)payload + len || done.class_id > QR_CLASS_INTERNAL)
        return false;
    int64_t now = qr_clock_ms();
    struct qr_tools_result result = {.cls = (enum qr_class)done.class_id,
                                     .message = message,
                                     .note = note,
                                     .fd = task ? fd : -1,
                                     .duration_ms = now - warden->since_ms};
    if (!task && fd >= 0)
        close(fd);
    if (task && result.cls == QR_CLASS_NONE && fd < 0) {
        result.cls = QR_CLASS_INTERNAL;
        result.message = "the program was stopped, and nobody asked for that";
    }
    warden->busy = false;
    warden->task = NULL;
    warden->since_ms = now;
    if (task)
        finish(tools, task, &result);
    return true;
}

static void broken(struct qr_tools *tools, struct qr_tools_warden *warden, bool late)
{
    struct qr_tools_task *task = warden->task;
    int64_t duration = qr_clock_ms() - warden->since_ms;

    qr_tools_warden_end(warden, 0);
    if (task)
        finish_failed(tools, task, late ? QR_CLASS_TIMEOUT : QR_CLASS_CRASH,
                      late ? "the program gave no result within the budget and could not be ended "
                             "at once; hint: does the share of the file answer?"
                           : "the process that runs the program ended",
                      duration);
}

static void read_warden(struct qr_tools *tools, struct qr_tools_warden *warden)
{
    struct qr_pipe_header header;
    const uint8_t *payload;
    struct qr_err err;
    int fd;

    for (;;) {
        int rc = qr_pipe_take(&warden->pipe, &header, &payload, &fd, &err);
        if (rc > 0 && (header.type != QR_TOOL_WIRE_DONE ||
                       !take_done(tools, warden, payload, header.len, fd))) {
            if (fd >= 0)
                close(fd);
            rc = QR_E_DATA;
        }
        if (rc == 0) {
            rc = qr_pipe_fill(&warden->pipe, &err);
            if (rc == 1)
                return;
        }
        if (rc < 0) {
            broken(tools, warden, false);
            return;
        }
    }
}

void qr_tools_dispatch(struct qr_tools *tools)
{
    int64_t now = qr_clock_ms();

    for (size_t i = 0; i < tools->n_wardens; i++) {
        struct qr_tools_warden *warden = &tools->wardens[i];
        if (warden->up)
            read_warden(tools, warden);
        if (warden->up && warden->busy && now >= warden->kill_ms)
            broken(tools, warden, true);
        else if (warden->up && !warden->busy && now - warden->since_ms >= IDLE_MS)
            qr_tools_warden_end(warden, QR_TOOLS_STOP_MS);
    }
    place_waiting(tools);
}

/* ---- what is */

void qr_tools_drop(const struct qr_tools_result *result)
{
    if (result->fd >= 0)
        close(result->fd);
}

int64_t qr_tools_left_ms(const struct qr_prepared *prepared, int64_t budget_ms, int64_t used_ms)
{
    int64_t left = budget_ms > used_ms ? budget_ms - used_ms : 1;

    return prepared && prepared->class_id != 0 && left < TELL_MS ? TELL_MS : left;
}

void qr_tools_prepared(const struct qr_tools_result *result, const char *type,
                       struct qr_prepared *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->class_id = (uint32_t)result->cls;
    ret->duration_ms = (uint32_t)result->duration_ms;
    snprintf(ret->type, sizeof ret->type, "%s", type);
    snprintf(ret->extractor, sizeof ret->extractor, "%s", result->tool->name);
    snprintf(ret->note, sizeof ret->note, "%s", result->note);
    snprintf(ret->message, sizeof ret->message, "%s", result->message);
}

size_t qr_tools_jobs(const struct qr_tools *tools) { return tools->n_jobs; }

size_t qr_tools_room(const struct qr_tools *tools)
{
    return tools->n_jobs < tools->n_wardens ? tools->n_wardens - tools->n_jobs : 0;
}

int64_t qr_tools_since_ms(const struct qr_tools *tools, uint64_t id)
{
    for (size_t i = 0; i < tools->n_wardens; i++)
        if (tools->wardens[i].task && tools->wardens[i].task->id == id)
            return qr_clock_ms() - tools->wardens[i].since_ms;
    return -1;
}

int qr_tools_fd(const struct qr_tools *tools) { return tools->epoll; }

int qr_tools_wait_ms(const struct qr_tools *tools)
{
    int64_t now = qr_clock_ms();
    int64_t until = INT64_MAX;
    bool idle = false;

    for (size_t i = 0; i < tools->n_wardens; i++) {
        const struct qr_tools_warden *warden = &tools->wardens[i];
        int64_t at = !warden->up     ? INT64_MAX
                     : !warden->busy ? warden->since_ms + IDLE_MS
                                     : warden->kill_ms;
        until = at < until ? at : until;
        idle = idle || !warden->up || !warden->busy;
    }
    if (tools->waiting && idle)
        return 0;
    if (until == INT64_MAX)
        return -1;
    return until <= now ? 0 : (int)(until - now);
}

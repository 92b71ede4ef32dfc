#include "worker/tool/tools_warden.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/tool/wire.h"

enum {
    LATE_MS =
        2000, /* a warden that has not ended its program so long behind the budget is killed */
    SETUP_MAX = 64 * 1024,
};

void qr_tools_warden_end(struct qr_tools_warden *warden, int64_t patience_ms)
{
    struct qr_process_end end;
    int64_t until = qr_clock_ms() + patience_ms;

    qr_pipe_done(&warden->pipe);
    while (!qr_process_poll(&warden->process, &end)) {
        if (warden->process.pid < 0)
            break;
        if (qr_clock_ms() >= until)
            qr_process_kill(&warden->process);
        usleep(1000);
    }
    memset(warden, 0, sizeof *warden);
}

static int send_setup(const struct qr_tools *tools, struct qr_tools_warden *warden,
                      const struct qr_tool *tool, struct qr_err *err)
{
    struct qr_tool_wire_setup setup = {.memory_bytes = tools->config.memory_bytes,
                                       .reserve_bytes = tool->reserve_bytes,
                                       .file_bytes = tools->config.output_bytes,
                                       .n_args = (uint32_t)tool->n_args,
                                       .n_staged = (uint32_t)tool->n_staged,
                                       .serve = tool->serve,
                                       .converter = tool->converter};
    struct qr_buf frame;

    qr_buf_init(&frame, SETUP_MAX);
    qr_buf_append(&frame, &setup, sizeof setup);
    qr_buf_append(&frame, tools->temp, strlen(tools->temp) + 1);
    qr_buf_append(&frame, tool->name, strlen(tool->name) + 1);
    for (size_t i = 0; i < tool->n_args; i++)
        qr_buf_append(&frame, tool->argv[i], strlen(tool->argv[i]) + 1);
    for (size_t i = 0; i < tool->n_staged; i++) {
        qr_buf_append(&frame, tool->staged[i], strlen(tool->staged[i]) + 1);
        qr_buf_append(&frame, tool->staged_as[i], strlen(tool->staged_as[i]) + 1);
    }
    int rc = frame.failed ? qr_fail(err, QR_E_INVALID, "the command is too long")
                          : qr_pipe_send(&warden->pipe, QR_TOOL_WIRE_SETUP, 0, frame.data,
                                         frame.len, -1, err);
    qr_buf_done(&frame);
    return rc;
}

static int start_warden(struct qr_tools *tools, struct qr_tools_warden *warden,
                        const struct qr_tool *tool, struct qr_err *err)
{
    const char *const argv[] = {tools->program, "--tool", NULL};
    struct epoll_event event = {.events = EPOLLIN};
    int ends[2];

    int rc = qr_pipe_pair(ends, err);
    if (rc < 0)
        return rc;
    rc = qr_process_start(&warden->process, tools->program, argv, ends[1], false, err);
    close(ends[1]);
    if (rc < 0) {
        close(ends[0]);
        return rc;
    }
    qr_pipe_init(&warden->pipe, ends[0], true, true);
    warden->up = true;
    warden->tool = tool;
    if (epoll_ctl(tools->epoll, EPOLL_CTL_ADD, warden->pipe.fd, &event) != 0)
        rc = qr_fail_errno(err, QR_E_LIMIT, errno, "epoll_ctl");
    if (rc == QR_OK)
        rc = send_setup(tools, warden, tool, err);
    if (rc < 0)
        qr_tools_warden_end(warden, 0);
    return rc;
}

struct qr_tools_warden *qr_tools_warden_choose(struct qr_tools *tools, const struct qr_tool *tool)
{
    struct qr_tools_warden *empty = NULL;
    struct qr_tools_warden *other = NULL;

    for (size_t i = 0; i < tools->n_wardens; i++) {
        struct qr_tools_warden *warden = &tools->wardens[i];
        if (warden->up && !warden->busy && warden->tool == tool)
            return warden;
        if (!warden->up && !empty)
            empty = warden;
        if (warden->up && !warden->busy && !other)
            other = warden;
    }
    if (!empty && other)
        qr_tools_warden_end(other, QR_TOOLS_STOP_MS);
    return empty ? empty : other;
}

int qr_tools_warden_give(struct qr_tools *tools, struct qr_tools_warden *warden,
                         struct qr_tools_task *task, struct qr_err *err)
{
    const struct qr_tool_wire_job job = {.budget_ms = task->budget_ms};
    uint8_t frame[sizeof job + QR_TOOL_TEXT_MAX];
    size_t len = strlen(task->name) + 1;

    int rc = warden->up ? QR_OK : start_warden(tools, warden, task->tool, err);
    if (rc < 0)
        return rc;
    memcpy(frame, &job, sizeof job);
    memcpy(frame + sizeof job, task->name, len);
    rc = qr_pipe_send(&warden->pipe, QR_TOOL_WIRE_JOB, task->id, frame, sizeof job + len, task->fd,
                      err);
    if (rc < 0) {
        qr_tools_warden_end(warden, 0);
        return rc;
    }
    warden->busy = true;
    warden->task = task;
    warden->since_ms = qr_clock_ms();
    warden->kill_ms = warden->since_ms + task->budget_ms + LATE_MS;
    return QR_OK;
}

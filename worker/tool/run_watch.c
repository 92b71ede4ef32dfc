/* Watching a foreign program until it has answered or ended, or must be ended: what it writes, how
 * much memory it holds, how long it takes; and what its end says of the file. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/tool/judge.h"
#include "worker/tool/run_intern.h"

enum {
    LOOK_MS = 100, /* between two looks at its memory */
    ASK_MS = 5,    /* where its end cannot be waited for */
};

/* Keep the last of what it writes to standard error. False: it closed it. */
static bool read_tail(struct qr_tool_run *run)
{
    char block[4096];
    ssize_t n = read(run->err, block, sizeof block);

    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    size_t len = (size_t)n;
    size_t keep = run->tail_len + len > sizeof run->tail ? sizeof run->tail - len : run->tail_len;
    memmove(run->tail, run->tail + run->tail_len - keep, keep);
    memcpy(run->tail + keep, block, len);
    run->tail_len = keep + len;
    return true;
}

/* Its answer, as far as it has come. True: it is whole, or no answer. */
static bool read_line(struct qr_tool_run *run)
{
    ssize_t n = read(run->from, run->line + run->line_len, sizeof run->line - 1 - run->line_len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n > 0)
        run->line_len += (size_t)n;
    run->line[run->line_len] = '\0';
    return n <= 0 || strchr(run->line, '\n') || run->line_len == sizeof run->line - 1;
}

static enum qr_tool_end look(struct qr_tool_run *run, int64_t now, int64_t until,
                             struct qr_cage_end *end)
{
    if (qr_cage_poll(&run->cage, end))
        return QR_TOOL_END_ENDED;
    if (now >= until)
        return QR_TOOL_END_TIMEOUT;
    if (now < run->look_ms)
        return QR_TOOL_END_NONE;
    run->look_ms = now + LOOK_MS;
    return qr_cage_rss(&run->cage) > run->setup.memory_bytes ? QR_TOOL_END_MEMORY
                                                             : QR_TOOL_END_NONE;
}

enum qr_tool_end qr_tool_run_wait(struct qr_tool_run *run, int64_t until, struct qr_cage_end *end)
{
    run->look_ms = qr_clock_ms() + LOOK_MS;
    for (;;) {
        struct pollfd fds[] = {{.fd = run->interrupt, .events = POLLIN},
                               {.fd = run->cage.watch, .events = POLLIN},
                               {.fd = run->err, .events = POLLIN},
                               {.fd = run->from, .events = POLLIN}};
        int64_t now = qr_clock_ms();
        int64_t wait = (run->look_ms < until ? run->look_ms : until) - now;
        if (run->cage.watch < 0 && wait > ASK_MS)
            wait = ASK_MS;
        poll(fds, QR_COUNT(fds), wait > 0 ? (int)wait : 0);
        if (fds[0].revents && run->stop(run->arg))
            return QR_TOOL_END_STOPPED;
        if (fds[2].revents && !read_tail(run))
            qr_tool_run_close(&run->err);
        if (run->from >= 0 && fds[3].revents && read_line(run))
            return QR_TOOL_END_ANSWERED;
        enum qr_tool_end why = look(run, qr_clock_ms(), until, end);
        if (why != QR_TOOL_END_NONE)
            return why;
    }
}

void qr_tool_run_drain(struct qr_tool_run *run)
{
    if (run->err < 0)
        return;
    fcntl(run->err, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 256 && run->err >= 0; i++) {
        errno = 0;
        if (!read_tail(run))
            break;
        if (errno == EAGAIN)
            break;
    }
}

void qr_tool_run_judge(struct qr_tool_run *run, enum qr_tool_end why, const struct qr_cage_end *end,
                       int64_t budget_ms, struct qr_tool_outcome *ret)
{
    const struct qr_tool_case what = {.name = run->name,
                                      .end = end,
                                      .tail = run->tail,
                                      .tail_len = run->tail_len,
                                      .budget_ms = budget_ms,
                                      .memory_bytes = run->setup.memory_bytes,
                                      .file_bytes = run->setup.file_bytes,
                                      .converter = run->setup.converter != 0};

    if (why == QR_TOOL_END_STOPPED)
        ret->stopped = true;
    else if (why == QR_TOOL_END_TIMEOUT)
        qr_tool_judge_timeout(&what, ret);
    else if (why == QR_TOOL_END_MEMORY)
        qr_tool_judge_memory(&what, ret);
    else
        qr_tool_judge_end(&what, ret);
}

#include "worker/tool/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/tool/judge.h"
#include "worker/tool/run_intern.h"

enum {
    WORN_FILES = 200, /* a program that stays is replaced after so many */
    LET_GO_MS = 300,  /* for a program that stays to end by itself */
};
#define WORN_RSS ((int64_t)512 << 20) /* … or when it holds more than this between files */

void qr_tool_run_init(struct qr_tool_run *run)
{
    memset(run, 0, sizeof *run);
    run->folder.fd = run->to = run->from = run->err = -1;
    run->cage = (struct qr_cage){.pid = -1, .status = -1, .watch = -1};
}

void qr_tool_run_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* One that has nothing to do ends by itself when nobody will ask any more. */
static void let_go(struct qr_tool_run *run)
{
    struct pollfd end = {.fd = run->cage.watch, .events = POLLIN};

    qr_tool_run_close(&run->to);
    if (run->cage.watch >= 0)
        poll(&end, 1, LET_GO_MS);
    qr_tool_run_done(run);
}

void qr_tool_run_end(struct qr_tool_run *run)
{
    if (run->setup.serve && run->cage.pid >= 0)
        let_go(run);
    else
        qr_tool_run_done(run);
}

void qr_tool_run_done(struct qr_tool_run *run)
{
    struct qr_cage_end end;

    qr_cage_kill(&run->cage, &end);
    qr_tool_run_close(&run->to);
    qr_tool_run_close(&run->from);
    qr_tool_run_close(&run->err);
    qr_tool_folder_remove(&run->folder);
    run->served = 0;
}

static void fail(struct qr_tool_outcome *ret, const struct qr_err *err)
{
    ret->cls = err->code == QR_E_NOT_FOUND                          ? QR_CLASS_UNSUPPORTED
               : err->code == QR_E_LIMIT || err->code == QR_E_NOMEM ? QR_CLASS_RESOURCE
               : err->code == QR_E_IO                               ? QR_CLASS_CONNECTION
                                                                    : QR_CLASS_INTERNAL;
    snprintf(ret->message, sizeof ret->message, "%s%s", err->msg,
             err->code == QR_E_NOT_FOUND
                 ? "; hint: may the user that it runs as read and run it? docs/tools.md"
             : err->sys == EACCES
                 ? "; hint: may every user enter the worker's TMPDIR? docs/tools.md"
                 : "");
}

/* ---- a program that reads one file and ends */

static int start_once(struct qr_tool_run *run, int fd, const char *name, int64_t budget_ms,
                      int *out, struct qr_err *err)
{
    char in[32];
    int errs[2] = {-1, -1};

    qr_tool_run_name("in/", name, in, sizeof in);
    int rc = qr_tool_folder_make(&run->folder, run->base, err);
    if (rc == QR_OK && (qr_tool_run_mentions(run, "{in}") || qr_tool_run_mentions(run, "{indir}")))
        rc = qr_tool_folder_put(&run->folder, in, fd, err);
    if (rc == QR_OK && *out >= 0) {
        *out = qr_tool_folder_create(&run->folder, "stdout", err);
        rc = *out < 0 ? *out : QR_OK;
    }
    if (rc == QR_OK)
        rc = qr_tool_run_pipe(errs, err);
    run->err = errs[0];
    lseek(fd, 0, SEEK_SET);
    if (rc == QR_OK)
        rc = qr_tool_run_start(run, in, budget_ms / 1000 + 2, fd, *out >= 0 ? *out : errs[1],
                               errs[1], err);
    qr_tool_run_close(&errs[1]);
    return rc;
}

static void read_once(struct qr_tool_run *run, int fd, const char *name, int64_t until,
                      int64_t budget_ms, struct qr_tool_outcome *ret)
{
    bool by_name = qr_tool_run_mentions(run, "{out}") || qr_tool_run_mentions(run, "{outdir}");
    int out = by_name ? -1 : 0;
    struct qr_cage_end end = {.exit_code = -1};
    struct qr_err err = {0};
    struct stat st;

    int rc = start_once(run, fd, name, budget_ms, &out, &err);
    if (rc < 0) {
        fail(ret, &err);
    } else {
        enum qr_tool_end why = qr_tool_run_wait(run, until, &end);
        qr_cage_kill(&run->cage, &end);
        qr_tool_run_drain(run);
        qr_tool_run_judge(run, why, &end, budget_ms, ret);
        ret->cpu_ms = end.cpu_ms;
    }
    if (rc == QR_OK && !by_name && out >= 0 && fstat(out, &st) == 0 &&
        st.st_size >= run->setup.file_bytes && !ret->stopped)
        qr_tool_judge_size(run->setup.file_bytes, ret);
    if (rc == QR_OK && ret->cls == QR_CLASS_NONE && !ret->stopped) {
        ret->fd = qr_tool_folder_take(&run->folder,
                                      !by_name                             ? "stdout"
                                      : qr_tool_run_mentions(run, "{out}") ? "out/result"
                                                                           : "out/",
                                      &err);
        if (ret->fd < 0)
            qr_tool_judge_nothing(err.msg, run->tail, run->tail_len, ret);
    }
    if (out > 0)
        close(out);
    qr_tool_run_done(run);
}

/* ---- a program that stays */

static int start_serving(struct qr_tool_run *run, struct qr_err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, errs[2] = {-1, -1};
    int rc = qr_tool_folder_make(&run->folder, run->base, err);

    for (uint32_t i = 0; rc == QR_OK && i < run->setup.n_staged; i++) {
        int fd = open(run->staged[i], O_RDONLY | O_CLOEXEC);
        rc = fd < 0 ? qr_fail_errno(err, QR_E_NOT_FOUND, errno, "open '%s'", run->staged[i])
                    : qr_tool_folder_put(&run->folder, run->staged_as[i], fd, err);
        qr_tool_run_close(&fd);
    }
    if (rc == QR_OK)
        rc = qr_tool_run_pipe(in, err);
    if (rc == QR_OK)
        rc = qr_tool_run_pipe(out, err);
    if (rc == QR_OK)
        rc = qr_tool_run_pipe(errs, err);
    if (rc == QR_OK)
        rc = qr_tool_run_start(run, "", 0, in[0], out[1], errs[1], err);
    qr_tool_run_close(&in[0]);
    qr_tool_run_close(&out[1]);
    qr_tool_run_close(&errs[1]);
    run->to = in[1];
    run->from = out[0];
    run->err = errs[0];
    return rc;
}

static int ask(struct qr_tool_run *run, int fd, const char *name, struct qr_err *err)
{
    char in[32];
    char line[64];
    struct qr_cage_end end;

    if (run->cage.pid >= 0 && qr_cage_poll(&run->cage, &end))
        qr_tool_run_done(run); /* it ended between two files: nobody's fault */
    int rc = run->cage.pid < 0 ? start_serving(run, err) : QR_OK;

    qr_tool_run_name("", name, in, sizeof in);
    if (rc == QR_OK)
        rc = qr_tool_folder_put(&run->folder, in, fd, err);
    if (rc == QR_OK) {
        int len = snprintf(line, sizeof line, "%s result\n", in);
        run->line_len = run->tail_len = 0;
        if (write(run->to, line, (size_t)len) != len)
            return QR_OK; /* it has ended: that is seen when it is waited for */
    }
    return rc;
}

static void read_serving(struct qr_tool_run *run, int fd, const char *name, int64_t until,
                         int64_t budget_ms, struct qr_tool_outcome *ret)
{
    struct qr_cage_end end = {.exit_code = -1};
    struct qr_err err = {0};
    bool good = false;

    if (ask(run, fd, name, &err) < 0) {
        fail(ret, &err);
        qr_tool_run_done(run);
        return;
    }
    enum qr_tool_end why = qr_tool_run_wait(run, until, &end);
    if (why == QR_TOOL_END_ANSWERED && run->line_len == 0) { /* it closed its output: it ends */
        qr_tool_run_close(&run->from);
        why = qr_tool_run_wait(run, until, &end);
    }
    if (why == QR_TOOL_END_ANSWERED)
        good = qr_tool_judge_answer(run->line, ret);
    if (!good) { /* no more of it; the next file gets a new one */
        qr_cage_kill(&run->cage, &end);
        qr_tool_run_drain(run);
        if (why != QR_TOOL_END_ANSWERED)
            qr_tool_run_judge(run, why, &end, budget_ms, ret);
        qr_tool_run_done(run);
        return;
    }
    if (ret->cls == QR_CLASS_NONE) {
        ret->fd = qr_tool_folder_take(&run->folder, "result", &err);
        if (ret->fd < 0)
            qr_tool_judge_nothing(err.msg, run->tail, run->tail_len, ret);
    }
    char in[32];
    qr_tool_run_name("", name, in, sizeof in);
    unlinkat(run->folder.fd, in, 0);
    unlinkat(run->folder.fd, "result", 0);
    if (++run->served >= WORN_FILES || qr_cage_rss(&run->cage) > WORN_RSS)
        let_go(run);
}

void qr_tool_run_file(struct qr_tool_run *run, int fd, const char *name, int64_t budget_ms,
                      struct qr_tool_outcome *ret)
{
    int64_t until = qr_clock_ms() + budget_ms;

    memset(ret, 0, sizeof *ret);
    ret->fd = -1;
    run->tail_len = 0;
    if (run->setup.serve)
        read_serving(run, fd, name, until, budget_ms, ret);
    else
        read_once(run, fd, name, until, budget_ms, ret);
}

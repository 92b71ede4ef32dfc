#include "worker/tool/run.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/extract/table.h"
#include "worker/tool/judge.h"

enum {
    LOOK_MS = 100,    /* between two looks at its memory */
    WORN_FILES = 200, /* a program that stays is replaced after so many */
    PROCESSES = 128,  /* threads included */
    LET_GO_MS = 300,  /* for a program that stays to end by itself */
    ASK_MS = 5,       /* where its end cannot be waited for */
};
#define WORN_RSS ((int64_t)512 << 20) /* … or when it holds more than this between files */

enum end { END_NONE, END_ANSWERED, END_ENDED, END_STOPPED, END_TIMEOUT, END_MEMORY };

void qr_tool_run_init(struct qr_tool_run *run)
{
    memset(run, 0, sizeof *run);
    run->folder.fd = run->to = run->from = run->err = -1;
    run->cage = (struct qr_cage){.pid = -1, .status = -1, .watch = -1};
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* One that has nothing to do ends by itself when nobody will ask any more. */
static void let_go(struct qr_tool_run *run)
{
    struct pollfd end = {.fd = run->cage.watch, .events = POLLIN};

    close_one(&run->to);
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
    close_one(&run->to);
    close_one(&run->from);
    close_one(&run->err);
    qr_tool_folder_remove(&run->folder);
    run->served = 0;
}

/* ---- start */

/* A word with {in}, {out}, {indir}, {outdir} replaced, the caller's to free. */
static char *fill_word(const struct qr_tool_run *run, const char *word, const char *in)
{
    const struct {
        const char *mark;
        const char *below;
    } marks[] = {{"{in}", in}, {"{out}", "out/result"}, {"{indir}", "in"}, {"{outdir}", "out"}};
    size_t size = strlen(word) + 1 + 4 * sizeof run->folder.path;
    char *text = malloc(size);
    size_t n = 0;

    while (text && *word) {
        size_t i = 0;
        while (i < QR_COUNT(marks) && strncmp(word, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i == QR_COUNT(marks)) {
            text[n++] = *word++;
        } else {
            int len = snprintf(text + n, size - n, "%s/%s", run->folder.path, marks[i].below);
            n += (size_t)len;
            word += strlen(marks[i].mark);
        }
        if (n + sizeof run->folder.path >= size) {
            free(text);
            return NULL;
        }
    }
    if (text)
        text[n] = '\0';
    return text;
}

static bool mentions(const struct qr_tool_run *run, const char *mark)
{
    for (uint32_t i = 0; i < run->setup.n_args; i++)
        if (strstr(run->argv[i], mark))
            return true;
    return false;
}

/* What the words name is readable, with the folder that it lies in: a script and its modules. */
static void add_reads(const struct qr_tool_run *run, struct qr_cage_config *config,
                      char paths[][PATH_MAX], size_t room)
{
    for (uint32_t i = 0; i < run->setup.n_args && config->n_reads < room; i++) {
        char *path = paths[config->n_reads];
        struct stat st;
        if (strchr(run->argv[i], '{') || !strchr(run->argv[i], '/') ||
            !realpath(run->argv[i], path) || stat(path, &st) != 0)
            continue;
        char *slash = strrchr(path, '/');
        if (!S_ISDIR(st.st_mode) && slash > path)
            *slash = '\0';
        if (strcmp(path, "/") != 0)
            config->reads[config->n_reads++] = path;
    }
}

static int start_caged(struct qr_tool_run *run, const char *in, int64_t cpu_s, int stdin_fd,
                       int stdout_fd, int stderr_fd, struct qr_err *err)
{
    char paths[8][PATH_MAX];
    char *words[QR_TOOL_ARGS] = {NULL};
    struct qr_cage_config config = {.argv = (const char *const *)words,
                                    .dir = run->folder.path,
                                    .in = stdin_fd,
                                    .out = stdout_fd,
                                    .err = stderr_fd,
                                    .memory_bytes =
                                        run->setup.memory_bytes + run->setup.reserve_bytes,
                                    .file_bytes = run->setup.file_bytes,
                                    .cpu_s = cpu_s,
                                    .max_processes = PROCESSES};
    int rc = QR_OK;

    for (uint32_t i = 0; rc == QR_OK && i < run->setup.n_args; i++) {
        words[i] = fill_word(run, run->argv[i], in);
        if (!words[i])
            rc = qr_fail(err, QR_E_INTERNAL, "a word of its command is too long");
    }
    add_reads(run, &config, paths, QR_COUNT(paths));
    if (rc == QR_OK)
        rc = qr_cage_start(&config, &run->cage, &run->report, err);
    for (uint32_t i = 0; i < run->setup.n_args; i++)
        free(words[i]);
    return rc;
}

static int make_pipe(int ends[2], struct qr_err *err)
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return qr_fail_errno(err, QR_E_LIMIT, errno, "pipe");
    }
    return QR_OK;
}

/* ---- watch */

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

static enum end look(struct qr_tool_run *run, int64_t now, int64_t until, struct qr_cage_end *end)
{
    if (qr_cage_poll(&run->cage, end))
        return END_ENDED;
    if (now >= until)
        return END_TIMEOUT;
    if (now < run->look_ms)
        return END_NONE;
    run->look_ms = now + LOOK_MS;
    return qr_cage_rss(&run->cage) > run->setup.memory_bytes ? END_MEMORY : END_NONE;
}

/* Until it has answered (a program that stays) or ended, or must be. */
static enum end wait_for(struct qr_tool_run *run, int64_t until, struct qr_cage_end *end)
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
            return END_STOPPED;
        if (fds[2].revents && !read_tail(run))
            close_one(&run->err);
        if (run->from >= 0 && fds[3].revents && read_line(run))
            return END_ANSWERED;
        enum end why = look(run, qr_clock_ms(), until, end);
        if (why != END_NONE)
            return why;
    }
}

/* What it had still to say. */
static void drain_tail(struct qr_tool_run *run)
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

/* How it ended, when it was not by an answer. */
static void judge(struct qr_tool_run *run, enum end why, const struct qr_cage_end *end,
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

    if (why == END_STOPPED)
        ret->stopped = true;
    else if (why == END_TIMEOUT)
        qr_tool_judge_timeout(&what, ret);
    else if (why == END_MEMORY)
        qr_tool_judge_memory(&what, ret);
    else
        qr_tool_judge_end(&what, ret);
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
                 : "");
}

/* The name of the file's copy: only its extension is its own. */
static void name_in(const char *folder, const char *name, char *ret, size_t size)
{
    char extension[16];

    qr_extension_of(name, extension);
    for (const char *at = extension; *at; at++)
        if (!isalnum((unsigned char)*at))
            extension[0] = '\0';
    snprintf(ret, size, "%sfile%s%s", folder, extension[0] ? "." : "", extension);
}

/* ---- a program that reads one file and ends */

static int start_once(struct qr_tool_run *run, int fd, const char *name, int64_t budget_ms,
                      int *out, struct qr_err *err)
{
    char in[32];
    int errs[2] = {-1, -1};

    name_in("in/", name, in, sizeof in);
    int rc = qr_tool_folder_make(&run->folder, run->base, err);
    if (rc == QR_OK && (mentions(run, "{in}") || mentions(run, "{indir}")))
        rc = qr_tool_folder_put(&run->folder, in, fd, err);
    if (rc == QR_OK && *out >= 0) {
        *out = qr_tool_folder_create(&run->folder, "stdout", err);
        rc = *out < 0 ? *out : QR_OK;
    }
    if (rc == QR_OK)
        rc = make_pipe(errs, err);
    run->err = errs[0];
    lseek(fd, 0, SEEK_SET);
    if (rc == QR_OK)
        rc = start_caged(run, in, budget_ms / 1000 + 2, fd, *out >= 0 ? *out : errs[1], errs[1],
                         err);
    close_one(&errs[1]);
    return rc;
}

static void read_once(struct qr_tool_run *run, int fd, const char *name, int64_t until,
                      int64_t budget_ms, struct qr_tool_outcome *ret)
{
    bool by_name = mentions(run, "{out}") || mentions(run, "{outdir}");
    int out = by_name ? -1 : 0;
    struct qr_cage_end end = {.exit_code = -1};
    struct qr_err err = {0};
    struct stat st;

    int rc = start_once(run, fd, name, budget_ms, &out, &err);
    if (rc < 0) {
        fail(ret, &err);
    } else {
        enum end why = wait_for(run, until, &end);
        qr_cage_kill(&run->cage, &end);
        drain_tail(run);
        judge(run, why, &end, budget_ms, ret);
        ret->cpu_ms = end.cpu_ms;
    }
    if (rc == QR_OK && !by_name && out >= 0 && fstat(out, &st) == 0 &&
        st.st_size >= run->setup.file_bytes && !ret->stopped)
        qr_tool_judge_size(run->setup.file_bytes, ret);
    if (rc == QR_OK && ret->cls == QR_CLASS_NONE && !ret->stopped) {
        ret->fd = qr_tool_folder_take(&run->folder,
                                      !by_name                 ? "stdout"
                                      : mentions(run, "{out}") ? "out/result"
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
        close_one(&fd);
    }
    if (rc == QR_OK)
        rc = make_pipe(in, err);
    if (rc == QR_OK)
        rc = make_pipe(out, err);
    if (rc == QR_OK)
        rc = make_pipe(errs, err);
    if (rc == QR_OK)
        rc = start_caged(run, "", 0, in[0], out[1], errs[1], err);
    close_one(&in[0]);
    close_one(&out[1]);
    close_one(&errs[1]);
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

    name_in("", name, in, sizeof in);
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
    enum end why = wait_for(run, until, &end);
    if (why == END_ANSWERED && run->line_len == 0) { /* it closed its output: it ends */
        close_one(&run->from);
        why = wait_for(run, until, &end);
    }
    if (why == END_ANSWERED)
        good = qr_tool_judge_answer(run->line, ret);
    if (!good) { /* no more of it; the next file gets a new one */
        qr_cage_kill(&run->cage, &end);
        drain_tail(run);
        if (why != END_ANSWERED)
            judge(run, why, &end, budget_ms, ret);
        qr_tool_run_done(run);
        return;
    }
    if (ret->cls == QR_CLASS_NONE) {
        ret->fd = qr_tool_folder_take(&run->folder, "result", &err);
        if (ret->fd < 0)
            qr_tool_judge_nothing(err.msg, run->tail, run->tail_len, ret);
    }
    char in[32];
    name_in("", name, in, sizeof in);
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

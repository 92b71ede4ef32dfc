#include "worker/tool/warden.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/os/pipe.h"
#include "worker/tool/run.h"

enum { PIPE_FD = 3, EXIT_BROKEN = 70 };

struct warden {
    struct qr_pipe pipe;
    struct qr_tool_run run;
    char *strings;   /* behind the setup */
    uint64_t job_id; /* being worked on; 0: none */
    bool gone;       /* the worker closed the pipe, or broke the rules */
    bool stop;
};

static int take_setup(struct warden *warden, const uint8_t *payload, size_t len, struct qr_err *err)
{
    struct qr_tool_wire_setup setup;
    struct qr_tool_run *run = &warden->run;

    if (warden->strings || len <= sizeof setup || payload[len - 1] != '\0')
        return qr_fail(err, QR_E_DATA, "not a program");
    memcpy(&setup, payload, sizeof setup);
    if (setup.n_args == 0 || setup.n_args >= QR_TOOL_ARGS || setup.n_staged > QR_TOOL_STAGED)
        return qr_fail(err, QR_E_DATA, "not a program");
    warden->strings = malloc(len - sizeof setup);
    if (!warden->strings)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    memcpy(warden->strings, payload + sizeof setup, len - sizeof setup);
    const char *at = warden->strings;
    const char *end = warden->strings + (len - sizeof setup);
    const char *all[2 + QR_TOOL_ARGS + 2 * QR_TOOL_STAGED];
    size_t n = 0;
    size_t expected = 2 + setup.n_args + 2 * setup.n_staged;
    for (; at < end && n < expected; at += strlen(at) + 1)
        all[n++] = at;
    if (n != expected)
        return qr_fail(err, QR_E_DATA, "not a program");
    run->setup = setup;
    run->base = all[0];
    qr_tool_folder_sweep(run->base);
    run->name = all[1];
    for (size_t i = 0; i < setup.n_args; i++)
        run->argv[i] = all[2 + i];
    for (size_t i = 0; i < setup.n_staged; i++) {
        run->staged[i] = all[2 + setup.n_args + 2 * i];
        run->staged_as[i] = all[2 + setup.n_args + 2 * i + 1];
    }
    return QR_OK;
}

static int answer(struct warden *warden, const struct qr_tool_outcome *outcome, struct qr_err *err)
{
    const struct qr_tool_wire_done done = {
        .class_id = (uint32_t)outcome->cls, .stopped = outcome->stopped, .cpu_ms = outcome->cpu_ms};
    uint8_t frame[sizeof done + sizeof outcome->message + sizeof outcome->note];
    size_t message = strlen(outcome->message) + 1;
    size_t note = strlen(outcome->note) + 1;

    memcpy(frame, &done, sizeof done);
    memcpy(frame + sizeof done, outcome->message, message);
    memcpy(frame + sizeof done + message, outcome->note, note);
    return qr_pipe_send(&warden->pipe, QR_TOOL_WIRE_DONE, warden->job_id, frame,
                        sizeof done + message + note, outcome->fd, err);
}

static int work(struct warden *warden, const struct qr_pipe_header *header, const uint8_t *payload,
                int fd, struct qr_err *err)
{
    struct qr_tool_wire_job job;
    struct qr_tool_outcome outcome;
    size_t len = header->len;

    if (fd < 0 || !warden->strings || len <= sizeof job || payload[len - 1] != '\0')
        return qr_fail(err, QR_E_DATA, "not a job");
    memcpy(&job, payload, sizeof job);
    char *name = strdup((const char *)payload + sizeof job);
    if (!name)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    warden->job_id = header->id;
    warden->stop = false;
    qr_tool_run_file(&warden->run, fd, name, job.budget_ms, &outcome);
    free(name);
    int rc = warden->gone ? qr_fail(err, QR_E_UNREACHABLE, "the worker is gone")
                          : answer(warden, &outcome, err);
    if (outcome.fd >= 0)
        close(outcome.fd);
    warden->job_id = 0;
    return rc;
}

/* While a program runs only STOP may come. True: the job must end. */
static bool must_stop(void *arg)
{
    struct warden *warden = arg;
    struct qr_pipe_header header;
    const uint8_t *payload;
    struct qr_err err;
    int fd = -1;

    if (qr_pipe_fill(&warden->pipe, &err) < 0)
        warden->gone = true;
    while (!warden->gone && qr_pipe_take(&warden->pipe, &header, &payload, &fd, &err) > 0) {
        if (fd >= 0)
            close(fd);
        warden->gone = header.type != QR_TOOL_WIRE_STOP;
        warden->stop = warden->stop || header.id == warden->job_id;
    }
    return warden->gone || warden->stop;
}

static int take(struct warden *warden, struct qr_err *err)
{
    struct qr_pipe_header header;
    const uint8_t *payload;
    int fd = -1;
    int rc;

    while ((rc = qr_pipe_take(&warden->pipe, &header, &payload, &fd, err)) > 0) {
        if (header.type == QR_TOOL_WIRE_SETUP)
            rc = take_setup(warden, payload, header.len, err);
        else if (header.type == QR_TOOL_WIRE_JOB)
            rc = work(warden, &header, payload, fd, err);
        else if (header.type != QR_TOOL_WIRE_STOP) /* of a job that has ended meanwhile */
            rc = qr_fail(err, QR_E_DATA, "frame of type %u", header.type);
        if (fd >= 0)
            close(fd);
        if (rc < 0)
            break;
    }
    return rc;
}

int qr_tool_warden_main(void)
{
    static struct warden warden;
    struct qr_err err = {0};
    int rc = QR_OK;

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* what it runs may be of the same user */
    qr_pipe_init(&warden.pipe, PIPE_FD, true, false);
    qr_tool_run_init(&warden.run);
    warden.run.interrupt = PIPE_FD;
    warden.run.stop = must_stop;
    warden.run.arg = &warden;
    while (rc == QR_OK) {
        rc = take(&warden, &err);
        if (rc == QR_OK)
            rc = qr_pipe_fill(&warden.pipe, &err);
    }
    qr_tool_run_end(&warden.run);
    free(warden.strings);
    qr_pipe_done(&warden.pipe);
    return rc == QR_E_UNREACHABLE ? 0 : EXIT_BROKEN;
}

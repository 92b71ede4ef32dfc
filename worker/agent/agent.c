#include "worker/agent/agent.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/os/process.h"
#include "common/os/signal.h"
#include "common/rpc/rpc.h"
#include "worker/agent/agent_intern.h"

enum {
    SPOOL_TICK_MS = 100,
    IDLE_MS = 1000,
    FLUSH_MS = 5000, /* after the last job: for the Acks of what is in the spool */
    FETCH_THREADS = 4,
};

/* ---- what the pool says */

static void on_pool_done(void *arg, const struct qr_pool_result *result)
{
    struct agent *a = arg;
    qr_jobs_done(&a->jobs, result);
}

static void on_pool_kept(void *arg, const struct qr_pool_kept *kept)
{
    struct agent *a = arg;
    qr_jobs_kept(&a->jobs, kept);
}

static void on_pool_progress(void *arg, uint64_t id, const struct qr_extract_progress *progress)
{
    struct agent *a = arg;
    qr_jobs_progress(&a->jobs, id, progress);
}

/* ---- the loop */

static void read_letters(struct agent *a)
{
    struct qr_letter *letter = qr_mailbox_take(a->mailbox);

    while (letter) {
        struct qr_letter *next = letter->next;
        if (letter->kind == QR_LETTER_FRAME)
            qr_session_frame(a->session, letter->id, (const uint8_t *)letter->data, letter->len);
        else if (letter->kind == QR_LETTER_WRITABLE)
            qr_session_writable(a->session, letter->id);
        else if (letter->kind == QR_LETTER_CLOSED)
            qr_session_closed(a->session, letter->id, letter->data);
        else if (letter->kind == QR_LETTER_REFERRED)
            qr_jobs_referred(&a->jobs, letter->id, letter->block);
        else
            qr_jobs_fetched(&a->jobs, letter);
        qr_letter_free(letter);
        letter = next;
    }
    qr_link_resume(a->link);
}

static void read_signals(struct agent *a)
{
    unsigned signals = qr_signal_take();

    if (signals != 0) {
        a->signalled = true;
        if (a->draining) /* a second time: now */
            qr_agent_drain(a, 0, "signal");
        else
            qr_agent_drain(a, a->options.drain_grace_ms, "signal");
    }
}

/* Draining: hand back when the grace is over, then wait for the last Acks, then leave. */
static void go_on_draining(struct agent *a)
{
    int64_t now = a->jobs.now_ms;

    if (!a->draining || a->over)
        return;
    if (now >= a->drain_ms && !a->handed_back) {
        qr_jobs_hand_back(&a->jobs, true, "drain");
        a->handed_back = true;
    }
    if (qr_jobs_count(&a->jobs) > 0)
        return;
    if (a->flush_ms == 0)
        a->flush_ms = now + FLUSH_MS;
    bool connected = qr_session_get_state(a->session) == QR_SESSION_WELCOMED;
    if (qr_session_unsettled(a->session) == 0 || now >= a->flush_ms ||
        (!connected && now >= a->drain_ms))
        qr_session_goodbye(a->session, "drained");
}

static void watch_spool(struct agent *a)
{
    const char *reason = "";

    if (a->jobs.now_ms - a->tick_ms < SPOOL_TICK_MS)
        return;
    a->tick_ms = a->jobs.now_ms;
    qr_spool_tick(a->spool, a->jobs.now_ms);
    bool full = qr_spool_is_full(a->spool, &reason);
    if (full && !a->was_full)
        qr_log(QR_LOG_WARN, "spool.full",
               "reason=\"%s\" hint=\"no more work is taken; make space "
               "in %s\"",
               reason, a->spool_dir);
    else if (!full && a->was_full)
        qr_log(QR_LOG_INFO, "spool.space", "detail=\"work is taken again\"");
    a->was_full = full;
}

static int wait_ms(const struct agent *a, int64_t now)
{
    int64_t until = now + (qr_session_unsettled(a->session) > 0 ? SPOOL_TICK_MS : IDLE_MS);
    const int64_t deadlines[] = {qr_session_next_deadline(a->session),
                                 qr_jobs_next_deadline(&a->jobs),
                                 a->draining ? now + SPOOL_TICK_MS : INT64_MAX};
    int pool = qr_pool_wait_ms(a->pool);

    for (size_t i = 0; i < QR_COUNT(deadlines); i++)
        until = deadlines[i] < until ? deadlines[i] : until;
    if (pool >= 0 && now + pool < until)
        until = now + pool;
    return until > now ? (int)(until - now) : 0;
}

static void set_now(struct agent *a)
{
    a->jobs.now_ms = qr_clock_ms();
    qr_session_set_now(a->session, a->jobs.now_ms);
}

/* One turn: everything that came, then timers, then what is to be sent. */
static void turn(struct agent *a)
{
    struct pollfd fds[] = {{.fd = qr_signal_fd(), .events = POLLIN},
                           {.fd = qr_mailbox_fd(a->mailbox), .events = POLLIN},
                           {.fd = qr_pool_fd(a->pool), .events = POLLIN}};

    poll(fds, QR_COUNT(fds), wait_ms(a, qr_clock_ms()));
    set_now(a);
    if (fds[0].revents)
        read_signals(a);
    read_letters(a);
    qr_pool_dispatch(a->pool);
    qr_jobs_turn(&a->jobs);
    watch_spool(a);
    go_on_draining(a);
    qr_session_flush(a->session);
}

/* ---- start and end */

static int find_spool(struct agent *a, struct qr_err *err)
{
    const char *home = getenv("HOME");
    const char *state = getenv("XDG_STATE_HOME");
    int len;

    if (a->options.spool)
        len = snprintf(a->spool_dir, sizeof a->spool_dir, "%s", a->options.spool);
    else if (geteuid() == 0)
        len = snprintf(a->spool_dir, sizeof a->spool_dir, "/var/lib/quarry/%s", a->id);
    else if (state && state[0] == '/')
        len = snprintf(a->spool_dir, sizeof a->spool_dir, "%s/quarry/%s", state, a->id);
    else if (home && home[0] == '/')
        len = snprintf(a->spool_dir, sizeof a->spool_dir, "%s/.local/state/quarry/%s", home, a->id);
    else
        return qr_fail(err, QR_E_USAGE, "no folder for the spool; hint: --spool DIR");
    if (len < 0 || (size_t)len >= sizeof a->spool_dir)
        return qr_fail(err, QR_E_USAGE, "the path of the spool is too long");
    return QR_OK;
}

/* Printable, without blanks, quotes and slashes: it stands in logs, tables and paths. */
static bool is_name(const char *name)
{
    size_t left = strlen(name);

    if (left == 0 || left > 100 || strpbrk(name, "/\"\\"))
        return false;
    while (left > 0) {
        size_t len = qr_utf8_sequence((const unsigned char *)name, left);
        if (len == 0 || (unsigned char)name[0] <= ' ' || name[0] == 0x7F)
            return false;
        name += len;
        left -= len;
    }
    return true;
}

static int find_identity(struct agent *a, struct qr_err *err)
{
    if (uname(&a->uname) < 0)
        return qr_fail(err, QR_E_INTERNAL, "the system does not say its name");
    snprintf(a->id, sizeof a->id, "%s", a->options.id ? a->options.id : a->uname.nodename);
    if (!is_name(a->id))
        return qr_fail(err, QR_E_USAGE,
                       "--id '%s': a worker's name has 1 to 100 characters, no blank, quote or "
                       "slash",
                       a->id);
    a->cpus = qr_process_cpus();
    if (a->options.slots == 0)
        a->options.slots = a->cpus < 256 ? a->cpus : 256;
    if (a->options.prefetch < 0 || a->options.prefetch > a->options.slots)
        a->options.prefetch = a->options.slots;
    return QR_OK;
}

static int open_spool(struct agent *a, struct qr_err *err)
{
    struct qr_spool_report report;
    const struct qr_spool_config config = {.dir = a->spool_dir,
                                           .max_bytes = a->options.spool_bytes,
                                           .reserve_bytes = a->options.spool_reserve_bytes};

    int rc = qr_spool_open(&config, &a->spool, err);
    if (rc < 0)
        return rc;
    qr_spool_get_report(a->spool, &report);
    qr_log(QR_LOG_INFO, "spool.open",
           "dir=\"%s\" start=%" PRIu64 " results=%" PRIu64 " unfinished=%" PRIu64
           " torn_bytes=%" PRIu64,
           a->spool_dir, qr_spool_start_counter(a->spool), report.results, report.earlier_starts,
           report.torn_bytes);
    if (report.damaged_records > 0)
        qr_log(QR_LOG_WARN, "spool.damaged",
               "places=%" PRIu64 " bytes=%" PRIu64
               " hint=\"check the disk; the jobs concerned are done again\"",
               report.damaged_records, report.damaged_bytes);
    return QR_OK;
}

/* A root that is not there is a wrong flag. */
static int add_root(struct agent *a, const char *spec, struct qr_err *err)
{
    int rc = qr_roots_add(&a->roots, spec, err);
    return rc == QR_E_NOT_FOUND ? qr_err_wrap(err, QR_E_USAGE, "--root") : rc;
}

static int start(struct agent *a, struct qr_err *err)
{
    int rc = find_identity(a, err);
    for (size_t i = 0; rc == QR_OK && i < a->options.roots.n; i++)
        rc = add_root(a, a->options.roots.items[i], err);
    if (rc == QR_OK)
        rc = find_spool(a, err);
    if (rc == QR_OK)
        rc = open_spool(a, err);
    if (rc == QR_OK)
        rc = qr_signal_init(err);
    if (rc == QR_OK)
        rc = qr_mailbox_new(&a->mailbox, err);
    if (rc < 0)
        return rc;
    const struct qr_pool_config pool = {.children = (int)a->options.slots,
                                        .memory_bytes = a->options.memory_bytes,
                                        .done = on_pool_done,
                                        .kept = on_pool_kept,
                                        .progress = on_pool_progress,
                                        .arg = a};
    rc = qr_pool_new(&pool, &a->pool, err);
    if (rc == QR_OK)
        rc = qr_link_new(a->mailbox, &a->link, err);
    if (rc == QR_OK)
        rc = qr_fetcher_new(&a->roots, (uint64_t)a->options.max_file_bytes, a->mailbox,
                            FETCH_THREADS, &a->fetcher, err);
    if (rc == QR_OK)
        rc = qr_agent_open_session(a, err);
    if (rc == QR_OK) {
        a->jobs.session = a->session;
        a->jobs.fetcher = a->fetcher;
        a->jobs.pool = a->pool;
        a->jobs.roots = &a->roots;
        a->jobs.keep_ms = a->options.checkpoint_ms;
        a->jobs.max_file_bytes = (uint64_t)a->options.max_file_bytes;
        set_now(a);
    }
    return rc;
}

static void finish(struct agent *a)
{
    qr_link_free(a->link);
    qr_pool_free(a->pool);
    qr_jobs_free(&a->jobs);
    qr_session_free(a->session);
    if (a->spool)
        qr_spool_end_all(a->spool); /* left in good order: nothing it ran is a suspect */
    qr_spool_free(a->spool);
    if (qr_fetcher_free(a->fetcher)) { /* else a thread hangs in a share and still uses these */
        qr_mailbox_free(a->mailbox);
        qr_roots_done(&a->roots);
    }
    qr_options_done(&qr_agent_options, &a->options);
}

int qr_agent_main(int argc, char **argv)
{
    static struct agent a; /* for the whole process: a hanging fetch thread may outlive finish() */
    enum qr_log_level level = QR_LOG_INFO;
    struct qr_err err = {0};
    int exit_code = 0;

    if (!qr_options_main(&qr_agent_options, argc, argv, &a.options, NULL, &exit_code)) {
        qr_options_done(&qr_agent_options, &a.options);
        return exit_code;
    }
    if (qr_log_level_parse(a.options.log_level, &level))
        qr_log_init("quarry-worker", level);
    qr_rpc_init();
    int rc = start(&a, &err);
    if (rc < 0) {
        fprintf(stderr, "quarry-worker: %s\n", err.msg);
    } else {
        while (!a.over)
            turn(&a);
        rc = a.code;
        qr_log(QR_LOG_INFO, "worker.stopped",
               "worker=%s done=%" PRIu64 " failed=%" PRIu64 " waiting=%zu", a.id, a.jobs.done,
               a.jobs.failed, qr_spool_count(a.spool));
    }
    finish(&a);
    qr_rpc_shutdown();
    return qr_err_exit_code(rc);
}

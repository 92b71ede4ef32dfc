#include "worker/agent/agent.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/fleet/station.h"
#include "common/log.h"
#include "common/rpc/rpc.h"
#include "worker/agent/job.h"

enum { FETCH_THREADS = 4 };

struct agent {
    struct qr_agent_options options;
    struct qr_station_port port;
    struct qr_station station;
    struct qr_fetcher *fetcher;
    struct qr_pool *pool;
    struct qr_tool_set tool_set;
    struct qr_tools *tools;
    struct qr_jobs jobs;
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

static void on_prepared(void *arg, const struct qr_tools_result *result)
{
    struct agent *a = arg;
    qr_jobs_prepared(&a->jobs, result);
}

/* ---- what the session wants */

static void on_offer(void *ctx, const Quarry__V1__Lease *lease)
{
    struct agent *a = ctx;
    qr_jobs_offer(&a->jobs, lease);
}

static void on_stop(void *ctx, uint64_t lease_id, enum qr_session_stop reason, uint32_t grace_ms)
{
    struct agent *a = ctx;
    qr_jobs_stop(&a->jobs, lease_id, reason, grace_ms);
}

static void on_parts(void *ctx, uint64_t lease_id, const uint8_t *data, size_t len)
{
    struct agent *a = ctx;
    qr_jobs_parts(&a->jobs, lease_id, data, len);
}

static uint32_t on_report(void *ctx)
{
    struct agent *a = ctx;
    struct qr_pool_stats stats;

    qr_jobs_report(&a->jobs);
    qr_pool_get_stats(a->pool, &stats);
    return (uint32_t)stats.children;
}

static void on_hand_back(void *ctx, bool running_too, const char *reason)
{
    struct agent *a = ctx;
    qr_jobs_hand_back(&a->jobs, running_too, reason);
}

static size_t on_count(void *ctx)
{
    const struct agent *a = ctx;
    return qr_jobs_count(&a->jobs);
}

/* ---- the loop */

static void read_letters(struct agent *a)
{
    struct qr_letter *letter = qr_mailbox_take(a->station.mailbox);

    while (letter) {
        struct qr_letter *next = letter->next;
        if (letter->kind == QR_LETTER_REFERRED)
            qr_jobs_referred(&a->jobs, letter->id, letter->block);
        else if (!qr_station_letter(&a->station, letter))
            qr_jobs_fetched(&a->jobs, letter);
        qr_letter_free(letter);
        letter = next;
    }
    qr_link_resume(a->station.link);
}

static int wait_ms(const struct agent *a, int64_t now)
{
    int64_t wait = qr_station_wait_ms(&a->station, now);
    int64_t jobs = qr_jobs_next_deadline(&a->jobs);
    int pool = qr_pool_wait_ms(a->pool);
    int tools = qr_tools_wait_ms(a->tools);

    if (jobs < now + wait)
        wait = jobs > now ? jobs - now : 0;
    if (pool >= 0 && pool < wait)
        wait = pool;
    if (tools >= 0 && tools < wait)
        wait = tools;
    return (int)wait;
}

static void set_now(struct agent *a)
{
    qr_station_set_now(&a->station);
    a->jobs.now_ms = a->station.now_ms;
}

/* One turn: everything that came, then timers, then what is to be sent. */
static void turn(struct agent *a)
{
    struct pollfd fds[] = {{.fd = qr_station_signal_fd(), .events = POLLIN},
                           {.fd = qr_mailbox_fd(a->station.mailbox), .events = POLLIN},
                           {.fd = qr_pool_fd(a->pool), .events = POLLIN},
                           {.fd = qr_tools_fd(a->tools), .events = POLLIN}};

    poll(fds, QR_COUNT(fds), wait_ms(a, qr_clock_ms()));
    set_now(a);
    if (fds[0].revents)
        qr_station_read_signals(&a->station);
    read_letters(a);
    qr_pool_dispatch(a->pool);
    qr_tools_dispatch(a->tools);
    qr_jobs_turn(&a->jobs);
    qr_station_end_turn(&a->station);
}

/* ---- start and end */

static void count_slots(struct agent *a)
{
    int cpus = a->station.cpus;

    if (a->options.slots == 0)
        a->options.slots = cpus < 256 ? cpus : 256;
    if (a->options.prefetch < 0 || a->options.prefetch > a->options.slots)
        a->options.prefetch = a->options.slots;
}

/* Programs of others that read files. */
static int add_tools(struct agent *a, struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < a->options.exec.n; i++)
        rc = qr_tool_set_add(&a->tool_set, a->options.exec.items[i], err);
    if (rc == QR_OK)
        rc = qr_tool_set_add_dwg(&a->tool_set, a->options.dwg_converter, err);
    return rc;
}

static void log_tools(const struct agent *a)
{
    for (size_t i = 0; i < a->tool_set.n; i++) {
        const struct qr_tool *tool = &a->tool_set.items[i];
        qr_log(tool->missing ? QR_LOG_WARN : QR_LOG_INFO,
               tool->missing ? "exec.missing" : "exec.ready", "types=%.*s program=\"%s\"",
               (int)strcspn(tool->types + 1, " "), tool->types + 1, tool->argv[0]);
    }
}

static int start(struct agent *a, struct qr_err *err)
{
    struct qr_station *m = &a->station;
    int rc = add_tools(a, err);

    if (rc == QR_OK)
        rc = qr_station_start(m, err);
    if (rc < 0)
        return rc;
    count_slots(a);
    const struct qr_pool_config pool = {
        .children = (int)a->options.slots,
        .memory_bytes = a->options.memory_bytes,
        .geometry = {.on = a->options.geometry,
                     .children = (int)a->options.geometry_slots,
                     .memory_bytes = a->options.geometry_memory_bytes,
                     .budget_ms = a->options.geometry_budget_ms},
        .done = on_pool_done,
        .kept = on_pool_kept,
        .progress = on_pool_progress,
        .arg = a};
    const struct qr_tools_config tools = {.running = (int)a->options.slots,
                                          .memory_bytes = a->options.memory_bytes,
                                          .output_bytes = a->options.exec_output_bytes,
                                          .done = on_prepared,
                                          .arg = a};
    rc = qr_pool_new(&pool, &a->pool, err);
    if (rc == QR_OK)
        rc = qr_tools_new(&tools, &a->tools, err);
    if (rc == QR_OK)
        rc = qr_fetcher_new(&m->roots, (uint64_t)a->options.max_file_bytes, m->mailbox,
                            FETCH_THREADS, &a->fetcher, err);
    if (rc == QR_OK)
        rc = qr_station_open_session(m, &a->options.types, (uint32_t)a->options.slots,
                                     (uint32_t)a->options.prefetch, err);
    if (rc == QR_OK) {
        a->jobs.session = m->session;
        a->jobs.fetcher = a->fetcher;
        a->jobs.pool = a->pool;
        a->jobs.tools = a->tools;
        a->jobs.tool_set = &a->tool_set;
        a->jobs.roots = &m->roots;
        a->jobs.keep_ms = a->options.checkpoint_ms;
        a->jobs.max_file_bytes = (uint64_t)a->options.max_file_bytes;
        set_now(a);
        log_tools(a);
    }
    return rc;
}

static void finish(struct agent *a)
{
    qr_pool_free(a->pool);
    qr_tools_free(a->tools);
    qr_jobs_free(&a->jobs);
    bool hangs =
        !qr_fetcher_free(a->fetcher); /* a thread in a share still uses mailbox and roots */
    qr_station_finish(&a->station, hangs);
    qr_tool_set_done(&a->tool_set);
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
    if (qr_log_level_parse(a.options.station.log_level, &level))
        qr_log_init("quarry-worker", level);
    a.port = (struct qr_station_port){.ctx = &a,
                                      .offer = on_offer,
                                      .stop = on_stop,
                                      .parts = on_parts,
                                      .report = on_report,
                                      .hand_back = on_hand_back,
                                      .count = on_count};
    a.station.options = &a.options.station;
    a.station.port = &a.port;
    a.station.program = "quarry-worker";
    qr_rpc_init();
    int rc = start(&a, &err);
    if (rc < 0) {
        fprintf(stderr, "quarry-worker: %s\n", err.msg);
    } else {
        while (!a.station.over)
            turn(&a);
        rc = a.station.code;
        qr_log(QR_LOG_INFO, "worker.stopped",
               "worker=%s done=%" PRIu64 " failed=%" PRIu64 " waiting=%zu", a.station.id,
               a.jobs.done, a.jobs.failed, qr_spool_count(a.station.spool));
    }
    finish(&a);
    qr_rpc_shutdown();
    return qr_err_exit_code(rc);
}

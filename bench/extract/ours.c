#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bench/extract/bench.h"
#include "common/clock.h"

static void on_done(void *arg, const struct qr_pool_result *result)
{
    struct bench_ours *ours = arg;
    ours->done++;
    ours->failed += result->cls != QR_CLASS_NONE;
    ours->record_bytes += result->record_bytes;
    if (result->peak_rss_bytes > ours->peak_rss_bytes)
        ours->peak_rss_bytes = result->peak_rss_bytes;
}

double bench_ours_run(struct qr_pool *pool, const struct bench_files *files, const char *type,
                      const struct qr_extract_options *options, struct bench_ours *counts,
                      void (*while_waiting)(void *arg), void *arg)
{
    struct qr_err err;
    size_t next = 0;

    memset(counts, 0, sizeof *counts);
    int64_t start = qr_clock_ns();
    while (counts->done < files->n) {
        while (next < files->n && qr_pool_room(pool) > 0) {
            struct qr_pool_job job = {
                .id = next + 1, .name = files->paths[next], .type = type, .options = *options};
            job.fd = open(files->paths[next], O_RDONLY | O_CLOEXEC);
            if (job.fd < 0 || qr_pool_submit(pool, &job, &err) < 0)
                return 0;
            next++;
        }
        struct pollfd fd = {.fd = qr_pool_fd(pool), .events = POLLIN};
        int wait_ms = qr_pool_wait_ms(pool);
        poll(&fd, 1, while_waiting && (wait_ms < 0 || wait_ms > 2) ? 2 : wait_ms);
        if (while_waiting)
            while_waiting(arg);
        qr_pool_dispatch(pool);
    }
    return (double)(qr_clock_ns() - start) / 1e9;
}

struct qr_pool *bench_ours_start(const struct bench_settings *settings, struct bench_ours *ours)
{
    struct qr_pool *pool = NULL;
    struct qr_pool_stats stats = {0};
    struct qr_err err = {0};
    struct qr_pool_config config = {
        .program = settings->worker, .children = settings->cores, .done = on_done, .arg = ours};

    if (qr_pool_new(&config, &pool, &err) < 0) {
        fprintf(stderr, "bench_extract: %s\n", err.msg);
        return NULL;
    }
    for (int i = 0; i < 100 && !stats.sandbox.seccomp; i++) {
        qr_clock_sleep_ms(20);
        qr_pool_dispatch(pool);
        qr_pool_get_stats(pool, &stats);
    }
    return pool;
}

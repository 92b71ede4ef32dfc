/* bench_latency: how long a job waits that nothing stands in the way of.
 *
 *     bench_latency [--database URL] [--samples N] [--workers N] [--slots N] [--seconds N]
 *                   [--jobs N] [--coordinator PATH]
 *
 *   idle      one job at a time: from the start of the Enqueue call to the offer's arrival at a
 *             worker of the same coordinator
 *   across    the same, where the only workers are at another coordinator of the same database
 *   half      throughput is measured (enqueueing and working at the same time), then half of it is
 *             asked for: enqueue to start, and offer to accept (quarry_offer_accept_seconds)
 *
 * Percentiles come from all samples; those of offer to accept from the metric's buckets, as the
 * upper bound of the bucket. Last line: JSON.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/noop_fleet.h"
#include "bench/stack.h"
#include "common/clock.h"
#include "common/options.h"

enum { WAIT_MS = 60000, PACE_MS = 10, CALL_JOBS = 5000, BUCKETS_MAX = 32 };

struct options {
    char *database, *coordinator;
    int64_t samples, workers, slots, seconds, jobs;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
static const struct qr_option table[] = {
    {"database",    0, QR_OPT_STR, AT(database),    NULL,    0,    0,       0, "URL",  "PostgreSQL to use; without it a private one is made and thrown away", NULL},
    {"coordinator", 0, QR_OPT_STR, AT(coordinator), NULL,    0,    0,       0, "PATH", "quarry-coordinator to run; without it the one beside this program", NULL},
    {"samples",     0, QR_OPT_INT, AT(samples),     "500",   10,   100000,  0, "N",    "single jobs of the idle phases", NULL},
    {"workers",     0, QR_OPT_INT, AT(workers),     "16",    1,    1000,    0, "N",    "workers, each with a connection of its own", NULL},
    {"slots",       0, QR_OPT_INT, AT(slots),       "8",     1,    256,     0, "N",    "slots of each; its credits are twice that", NULL},
    {"seconds",     0, QR_OPT_INT, AT(seconds),     "10",    1,    600,     0, "N",    "length of the phase at half load", NULL},
    {"jobs",        0, QR_OPT_INT, AT(jobs),        "50000", 1000, 5000000, 0, "N",    "jobs that the throughput is measured with", NULL},
    {0},
};
/* clang-format on */

static const struct qr_options bench_options = {
    .program = "bench_latency",
    .summary = "time from enqueue to start and from offer to accept",
    .usage = "[OPTION]...",
    .table = table,
};

struct spread {
    double p10_ms, p50_ms, p90_ms, p99_ms, max_ms;
    size_t n;
};

struct accepts { /* cumulative counts by upper bound */
    double bounds[BUCKETS_MAX];
    double counts[BUCKETS_MAX];
    size_t n;
};

struct report {
    struct spread idle, across, half;
    double jobs_per_s, half_per_s, accept_p50_ms, accept_p99_ms, accepts;
    double idle_accept_p50_ms, idle_accept_p99_ms;
};

/* ------------------------------------------------------------------ samples */

static void spread_of(struct qr_noop_fleet *fleet, uint64_t from, struct spread *ret)
{
    struct qr_noop_shared *shared = qr_noop_fleet_shared(fleet);
    uint64_t to = atomic_load(&shared->n_samples);
    if (to > QR_NOOP_SAMPLES_MAX)
        to = QR_NOOP_SAMPLES_MAX;
    size_t n = to > from ? (size_t)(to - from) : 0;
    int64_t *values = shared->samples + from; /* sorted in place: all of them are old */

    *ret = (struct spread){
        .p10_ms = qr_bench_percentile(values, n, 0.1) / 1e6,
        .p50_ms = qr_bench_percentile(values, n, 0.5) / 1e6,
        .p90_ms = qr_bench_percentile(values, n, 0.9) / 1e6,
        .p99_ms = qr_bench_percentile(values, n, 0.99) / 1e6,
        .max_ms = qr_bench_percentile(values, n, 1) / 1e6,
        .n = n,
    };
}

/* The metric's buckets, as /metrics shows them. */
static void read_accepts(const char *http, struct accepts *ret)
{
    static char text[1 << 20];
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(http, ':');
    const char request[] = "GET /metrics HTTP/1.0\r\nHost: bench\r\n\r\n";
    size_t len = 0;
    ssize_t n = 0;

    ret->n = 0;
    to.sin_port = htons((uint16_t)strtoul(colon ? colon + 1 : "0", NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 &&
        write(fd, request, sizeof request - 1) > 0)
        while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
            len += (size_t)n;
    if (fd >= 0)
        close(fd);
    text[len] = '\0';
    for (const char *at = text;
         (at = strstr(at, "quarry_offer_accept_seconds_bucket{le=\"")) && ret->n < BUCKETS_MAX;) {
        at = strchr(at, '"') + 1;
        char *end;
        ret->bounds[ret->n] = strncmp(at, "+Inf", 4) == 0 ? 1e9 : strtod(at, NULL);
        at = strchr(at, ' ');
        ret->counts[ret->n++] = at ? strtod(at, &end) : 0;
        if (!at)
            break;
    }
}

static double accept_percentile_ms(const struct accepts *from, const struct accepts *to,
                                   double share)
{
    double all = to->n && from->n == to->n ? to->counts[to->n - 1] - from->counts[to->n - 1] : 0;

    for (size_t i = 0; all > 0 && i < to->n; i++)
        if (to->counts[i] - from->counts[i] >= share * all)
            return to->bounds[i] * 1000;
    return 0;
}

/* ------------------------------------------------------------------ phases */

static int wait_for_samples(struct qr_noop_fleet *fleet, uint64_t n, struct qr_err *err)
{
    struct qr_noop_shared *shared = qr_noop_fleet_shared(fleet);

    for (int64_t until = qr_clock_ms() + WAIT_MS; atomic_load(&shared->n_samples) < n;) {
        if (qr_clock_ms() > until)
            return qr_fail(err, QR_E_TIMEOUT, "a job was not offered for a minute");
        qr_clock_sleep_ms(1);
    }
    return QR_OK;
}

/* One job at a time, at moments that have nothing to do with anybody's timers. */
static int one_by_one(const struct options *options, struct qr_rpc_channel *channel, int64_t run_id,
                      int64_t *job, struct qr_noop_fleet *fleet, struct spread *ret,
                      struct qr_err *err)
{
    struct qr_noop_shared *shared = qr_noop_fleet_shared(fleet);
    uint64_t from = 0;
    uint64_t seed = 12345;
    int rc = QR_OK;

    for (int64_t i = -10; rc == QR_OK && i < options->samples; i++) { /* ten to warm up */
        if (i == 0)
            from = atomic_load(&shared->n_samples);
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        qr_clock_sleep_ms(20 + (int64_t)(seed >> 40) % 40);
        uint64_t before = atomic_load(&shared->n_samples);
        rc = qr_bench_enqueue(channel, run_id, (*job)++, 1, qr_clock_ns(), err);
        if (rc == QR_OK)
            rc = wait_for_samples(fleet, before + 1, err);
    }
    spread_of(fleet, from, ret);
    return rc;
}

static int wait_for_committed(const struct qr_noop_fleet *fleet, uint64_t n, struct qr_err *err)
{
    struct qr_noop_fleet_counts counts;

    for (int64_t until = qr_clock_ms() + 5 * WAIT_MS;;) {
        qr_noop_fleet_counts(fleet, &counts);
        if (counts.committed >= n)
            return QR_OK;
        if (qr_clock_ms() > until)
            return qr_fail(err, QR_E_TIMEOUT, "%" PRIu64 " of %" PRIu64 " results were committed",
                           counts.committed, n);
        qr_clock_sleep_ms(1);
    }
}

static int throughput(const struct options *options, struct qr_rpc_channel *channel, int64_t run_id,
                      int64_t *job, struct qr_noop_fleet *fleet, double *ret, struct qr_err *err)
{
    struct qr_noop_fleet_counts counts;
    int64_t start_ns = qr_clock_ns();
    int rc = QR_OK;

    qr_noop_fleet_counts(fleet, &counts);
    for (int64_t left = options->jobs; rc == QR_OK && left > 0; left -= CALL_JOBS) {
        int64_t n = left < CALL_JOBS ? left : CALL_JOBS;
        rc = qr_bench_enqueue(channel, run_id, *job, (size_t)n, 0, err);
        *job += n;
    }
    if (rc == QR_OK)
        rc = wait_for_committed(fleet, counts.committed + (uint64_t)options->jobs, err);
    *ret = (double)options->jobs * 1e9 / (double)(qr_clock_ns() - start_ns);
    return rc;
}

static int half_load(const struct options *options, struct qr_rpc_channel *channel, int64_t run_id,
                     int64_t *job, struct qr_noop_fleet *fleet, const char *http,
                     struct report *ret, struct qr_err *err)
{
    struct qr_noop_shared *shared = qr_noop_fleet_shared(fleet);
    struct qr_noop_fleet_counts counts;
    struct accepts before, after;
    uint64_t from = atomic_load(&shared->n_samples);
    int64_t start_ns = qr_clock_ns();
    int64_t length_ns = options->seconds * 1000000000;
    double rate = ret->jobs_per_s / 2;
    int64_t sent = 0;
    int rc = QR_OK;

    qr_noop_fleet_counts(fleet, &counts);
    read_accepts(http, &before);
    for (int64_t now_ns = start_ns; rc == QR_OK && now_ns - start_ns < length_ns;
         now_ns = qr_clock_ns()) {
        int64_t n = (int64_t)((double)(now_ns - start_ns) * rate / 1e9) - sent;
        if (n > CALL_JOBS)
            n = CALL_JOBS;
        if (n > 0)
            rc = qr_bench_enqueue(channel, run_id, *job, (size_t)n, now_ns, err);
        sent += n;
        *job += n;
        int64_t left_ns = PACE_MS * 1000000 - (qr_clock_ns() - now_ns);
        if (left_ns > 1000000)
            qr_clock_sleep_ms(left_ns / 1000000);
    }
    ret->half_per_s = (double)sent * 1e9 / (double)(qr_clock_ns() - start_ns);
    if (rc == QR_OK)
        rc = wait_for_committed(fleet, counts.committed + (uint64_t)sent, err);
    read_accepts(http, &after);
    spread_of(fleet, from, &ret->half);
    ret->accept_p50_ms = accept_percentile_ms(&before, &after, 0.5);
    ret->accept_p99_ms = accept_percentile_ms(&before, &after, 0.99);
    ret->accepts = after.n ? after.counts[after.n - 1] - before.counts[after.n - 1] : 0;
    return rc;
}

/* ------------------------------------------------------------------ all of it */

static int start_fleet(const struct options *options, const struct qr_bench_coordinator *at,
                       struct qr_noop_fleet **ret, struct qr_err *err)
{
    const struct qr_noop_fleet_config config = {
        .coordinator = at->address,
        .streams = (unsigned)options->workers,
        .slots = (unsigned)options->slots,
        .credits = (unsigned)options->slots * 2,
        .type = "noop",
    };
    int rc = qr_noop_fleet_start(&config, ret, err);

    if (rc == QR_OK)
        rc = qr_noop_fleet_wait_welcomed(*ret, (uint64_t)options->workers, WAIT_MS, err);
    if (rc == QR_OK)
        qr_clock_sleep_ms(3000); /* coordinators see each other */
    return rc;
}

static int phases(const struct options *options, const struct qr_bench_coordinator *here,
                  const struct qr_bench_coordinator *there, struct report *ret, struct qr_err *err)
{
    QR_AUTO(qr_rpc_channel) channel = NULL;
    struct qr_noop_fleet *fleet = NULL;
    struct accepts before = {.n = 0}, after = {.n = 0};
    int64_t run_id = 0;
    int64_t job = 0;

    int rc = qr_rpc_channel_new(here->address, NULL, &channel, err);
    if (rc == QR_OK)
        rc = qr_bench_create_run(channel, "bench-latency", &run_id, err);
    if (rc == QR_OK)
        rc = start_fleet(options, there, &fleet, err);
    if (rc == QR_OK)
        rc = one_by_one(options, channel, run_id, &job, fleet, &ret->across, err);
    qr_noop_fleet_free(fleet);
    fleet = NULL;
    if (rc == QR_OK)
        rc = start_fleet(options, here, &fleet, err);
    read_accepts(here->http, &before);
    if (rc == QR_OK)
        rc = one_by_one(options, channel, run_id, &job, fleet, &ret->idle, err);
    read_accepts(here->http, &after);
    ret->idle_accept_p50_ms = accept_percentile_ms(&before, &after, 0.5);
    ret->idle_accept_p99_ms = accept_percentile_ms(&before, &after, 0.99);
    if (rc == QR_OK)
        rc = throughput(options, channel, run_id, &job, fleet, &ret->jobs_per_s, err);
    if (rc == QR_OK)
        rc = half_load(options, channel, run_id, &job, fleet, here->http, ret, err);
    qr_noop_fleet_free(fleet);
    return rc;
}

static void print_spread(const char *name, const struct spread *s)
{
    printf("%-44s %8.2f %8.2f %8.2f %8.2f %8.2f %8zu\n", name, s->p10_ms, s->p50_ms, s->p90_ms,
           s->p99_ms, s->max_ms, s->n);
}

static void print_report(const struct options *options, const struct report *r, PGconn *conn)
{
    char version[64];

    qr_bench_ask(conn, "SHOW server_version", version, sizeof version);
    printf("%-44s %8s %8s %8s %8s %8s %8s\n", "ms", "p10", "p50", "p90", "p99", "max", "samples");
    print_spread("enqueue to start, same coordinator, idle", &r->idle);
    print_spread("enqueue to start, other coordinator, idle", &r->across);
    print_spread("enqueue to start, at half load", &r->half);
    printf("%-44s %8s %8.2f %8s %8.2f %8s %8s\n", "offer to accept, idle, at most", "",
           r->idle_accept_p50_ms, "", r->idle_accept_p99_ms, "", "");
    printf("%-44s %8s %8.2f %8s %8.2f %8s %8.0f\n", "offer to accept, at half load, at most", "",
           r->accept_p50_ms, "", r->accept_p99_ms, "", r->accepts);
    printf("jobs a second %.0f, half of it %.0f\n", r->jobs_per_s, r->half_per_s);
    printf("{\"bench\": \"latency\", \"idle_p10_ms\": %.3f, \"idle_p50_ms\": %.3f, "
           "\"idle_p99_ms\": %.3f, "
           "\"across_p50_ms\": %.3f, \"across_p99_ms\": %.3f, \"half_p50_ms\": %.3f, "
           "\"half_p99_ms\": %.3f, \"idle_accept_p50_ms\": %.2f, \"idle_accept_p99_ms\": %.2f, "
           "\"half_accept_p50_ms\": %.2f, \"half_accept_p99_ms\": %.2f, \"half_offers\": %.0f, "
           "\"jobs_per_s\": %.0f, \"half_jobs_per_s\": %.0f, \"samples\": %" PRId64
           ", \"half_samples\": %zu, \"workers\": %" PRId64 ", \"slots\": %" PRId64
           ", \"postgres\": \"%s\"}\n",
           r->idle.p10_ms, r->idle.p50_ms, r->idle.p99_ms, r->across.p50_ms, r->across.p99_ms,
           r->half.p50_ms, r->half.p99_ms, r->idle_accept_p50_ms, r->idle_accept_p99_ms,
           r->accept_p50_ms, r->accept_p99_ms, r->accepts, r->jobs_per_s, r->half_per_s,
           options->samples, r->half.n, options->workers, options->slots, version);
}

static int run(const void *arg, const struct qr_bench_database *database, struct qr_err *err)
{
    const struct options *options = arg;
    struct qr_bench_coordinator here = {.pid = 0}, there = {.pid = 0};
    const struct qr_bench_coordinator_config start = {.program = options->coordinator,
                                                      .url = database->url};
    struct report report = {0};
    PGconn *conn = PQconnectdb(database->url);
    int rc = QR_OK;

    if (PQstatus(conn) != CONNECTION_OK)
        rc = qr_fail(err, QR_E_UNREACHABLE, "connect: %s", PQerrorMessage(conn));
    if (rc == QR_OK)
        rc = qr_bench_coordinator_start(&start, &here, err);
    if (rc == QR_OK)
        rc = qr_bench_coordinator_start(&start, &there, err);
    if (rc == QR_OK)
        rc = phases(options, &here, &there, &report, err);
    if (rc == QR_OK)
        print_report(options, &report, conn);
    qr_bench_coordinator_stop(&there);
    qr_bench_coordinator_stop(&here);
    PQfinish(conn);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = {0};

    return qr_bench_main(&bench_options, argc, argv, &options, &options.database, run);
}

/* bench_fleet: ten thousand workers, a TCP connection each, that have nothing to do but beat.
 *
 *     bench_fleet [--database URL] [--workers N] [--seconds N] [--sources N] [--coordinator PATH]
 *
 * How long until all are there, what each costs the coordinator in memory and processor time, what
 * their beats cost the database, and how they come back when the coordinator was killed. Last line:
 * JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cpu.h"
#include "bench/noop_fleet.h"
#include "bench/stack.h"
#include "common/clock.h"
#include "common/options.h"

enum { CONNECT_MS = 300000, SETTLE_MS = 5000, IDLE_MS = 10000 };

struct options {
    char *database, *coordinator;
    int64_t workers, seconds, sources;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
static const struct qr_option table[] = {
    {"database",    0, QR_OPT_STR, AT(database),    NULL,    0, 0,     0, "URL",  "PostgreSQL to use; without it a private one is made and thrown away", NULL},
    {"coordinator", 0, QR_OPT_STR, AT(coordinator), NULL,    0, 0,     0, "PATH", "quarry-coordinator to run; without it the one beside this program", NULL},
    {"workers",     0, QR_OPT_INT, AT(workers),     "10000", 1, 30000, 0, "N",    "workers, each with a connection of its own", NULL},
    {"seconds",     0, QR_OPT_INT, AT(seconds),     "60",    1, 3600,  0, "N",    "length of the steady phase", NULL},
    {"sources",     0, QR_OPT_INT, AT(sources),     "4",     0, 200,   0, "N",    "source addresses, 127.0.0.1 and on; 0: what the system chooses", NULL},
    {0},
};
/* clang-format on */

static const struct qr_options bench_options = {
    .program = "bench_fleet",
    .summary = "what a large idle fleet costs the coordinator and the database",
    .usage = "[OPTION]...",
    .table = table,
};

struct report {
    double connect_s, rss_before, rss_after, cpu_percent, driver_percent, postgres_percent;
    double beats_per_s, beat_ms, written_idle_per_s, written_per_s, wal_idle_per_s, wal_per_s;
    double back_s, back_attempts, back_cpu_s;
    int64_t sockets, connections, back_connections;
};

/* Connections that the kernel counts, by the coordinator's port. */
static int64_t count_sockets(const char *address)
{
    char command[128];
    long long n = 0;

    snprintf(command, sizeof command, "ss -Htn state established '( sport = :%s )' | wc -l",
             strrchr(address, ':') + 1);
    FILE *in = popen(command, "r");
    if (in && fscanf(in, "%lld", &n) != 1)
        n = 0;
    if (in)
        pclose(in);
    return n;
}

static int64_t count_connections(PGconn *conn)
{
    return (int64_t)qr_bench_ask_number(
        conn, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'quarry%'");
}

/* ------------------------------------------------------------------ a stretch of time */

struct gauge {
    int64_t at_ns, cpu_ns, driver_ns, postgres_ns;
    double written, wal;
    struct qr_noop_fleet_counts counts;
};

static void read_gauge(PGconn *conn, pid_t coordinator, pid_t postgres,
                       const struct qr_noop_fleet *fleet, struct gauge *ret)
{
    /* each backend tells its counts when it is idle, after a second at most */
    ret->written = qr_bench_ask_number(
        conn, "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables");
    ret->wal = qr_bench_ask_number(conn, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')");
    ret->at_ns = qr_clock_ns();
    ret->cpu_ns = qr_bench_cpu_ns(coordinator);
    ret->postgres_ns = postgres > 0 ? qr_bench_cpu_tree_ns(postgres) : 0;
    if (!fleet)
        return;
    ret->driver_ns = qr_bench_cpu_ns(qr_noop_fleet_pid(fleet));
    qr_noop_fleet_counts(fleet, &ret->counts);
}

static double seconds_of(const struct gauge *from, const struct gauge *to)
{
    return (double)(to->at_ns - from->at_ns) / 1e9;
}

/* ------------------------------------------------------------------ phases */

static int idle(PGconn *conn, pid_t coordinator, struct report *ret)
{
    struct gauge from, to;

    qr_clock_sleep_ms(2000);
    read_gauge(conn, coordinator, 0, NULL, &from);
    qr_clock_sleep_ms(IDLE_MS);
    read_gauge(conn, coordinator, 0, NULL, &to);
    ret->written_idle_per_s = (to.written - from.written) / seconds_of(&from, &to);
    ret->wal_idle_per_s = (to.wal - from.wal) / seconds_of(&from, &to);
    ret->rss_before = (double)qr_bench_rss_bytes(coordinator);
    return QR_OK;
}

static int steady(const struct options *options, PGconn *conn,
                  const struct qr_bench_coordinator *coordinator, pid_t postgres,
                  const struct qr_noop_fleet *fleet, struct report *ret, struct qr_err *err)
{
    struct gauge from, to;

    qr_clock_sleep_ms(2 * SETTLE_MS);
    ret->sockets = count_sockets(coordinator->address);
    read_gauge(conn, coordinator->pid, postgres, fleet, &from);
    for (int64_t i = 0; i < options->seconds; i++) {
        int64_t connections = count_connections(conn);
        if (connections > ret->connections)
            ret->connections = connections;
        qr_clock_sleep_ms(1000);
    }
    read_gauge(conn, coordinator->pid, postgres, fleet, &to);
    double seconds = seconds_of(&from, &to);
    ret->rss_after = (double)qr_bench_rss_bytes(coordinator->pid);
    ret->cpu_percent = (double)(to.cpu_ns - from.cpu_ns) / 1e7 / seconds;
    ret->driver_percent = (double)(to.driver_ns - from.driver_ns) / 1e7 / seconds;
    ret->postgres_percent = (double)(to.postgres_ns - from.postgres_ns) / 1e7 / seconds;
    ret->beats_per_s = (double)(to.counts.beats - from.counts.beats) / seconds;
    ret->beat_ms = (double)to.counts.beat_ms;
    ret->written_per_s = (to.written - from.written) / seconds;
    ret->wal_per_s = (to.wal - from.wal) / seconds;
    if (to.counts.breaks != from.counts.breaks)
        return qr_fail(err, QR_E_INTERNAL, "%" PRIu64 " connections broke in the steady phase",
                       to.counts.breaks - from.counts.breaks);
    return QR_OK;
}

/* Killed and started again on the same port: everybody comes back, and nobody storms. */
static int come_back(const struct options *options, const char *url, PGconn *conn,
                     struct qr_bench_coordinator *coordinator, const struct qr_noop_fleet *fleet,
                     struct report *ret, struct qr_err *err)
{
    char listen[sizeof coordinator->address];
    const struct qr_bench_coordinator_config config = {
        .program = options->coordinator, .url = url, .listen = listen};
    struct qr_noop_fleet_counts before, after;
    uint64_t all = (uint64_t)options->workers;

    snprintf(listen, sizeof listen, "%s", coordinator->address);
    qr_noop_fleet_counts(fleet, &before);
    qr_bench_coordinator_kill(coordinator);
    int64_t killed_ns = qr_clock_ns();
    int rc = qr_bench_coordinator_start(&config, coordinator, err);
    if (rc < 0)
        return rc;
    for (int64_t until = qr_clock_ms() + CONNECT_MS;;) {
        int64_t connections = count_connections(conn);
        if (connections > ret->back_connections)
            ret->back_connections = connections;
        qr_noop_fleet_counts(fleet, &after);
        if (after.welcomed >= all && after.welcomes >= before.welcomes + all)
            break;
        if (qr_clock_ms() > until)
            return qr_fail(err, QR_E_TIMEOUT, "%" PRIu64 " of %" PRIu64 " workers came back",
                           after.welcomed, all);
        qr_clock_sleep_ms(20);
    }
    ret->back_s = (double)(after.last_welcome_ns - killed_ns) / 1e9;
    ret->back_attempts = (double)(after.connects - before.connects) / (double)all;
    ret->back_cpu_s = (double)qr_bench_cpu_ns(coordinator->pid) / 1e9;
    return QR_OK;
}

/* ------------------------------------------------------------------ the report */

static void print_report(const struct options *options, const struct report *r, PGconn *conn)
{
    char version[64];
    double extra = r->written_per_s - r->written_idle_per_s;
    double writes_per_beat = extra > 0 && r->beats_per_s > 0 ? extra / r->beats_per_s : 0;

    qr_bench_ask(conn, "SHOW server_version", version, sizeof version);
    printf("%-44s %10" PRId64 "\n", "connections counted by ss", r->sockets);
    printf("%-44s %10.1f\n", "seconds until all were welcomed", r->connect_s);
    printf("%-44s %10.1f\n", "coordinator, KiB of memory a worker",
           (r->rss_after - r->rss_before) / 1024 / (double)options->workers);
    printf("%-44s %10.1f\n", "coordinator, percent of a core", r->cpu_percent);
    printf("%-44s %10.1f\n", "the fleet itself, percent of a core", r->driver_percent);
    printf("%-44s %10.1f\n", "PostgreSQL, percent of a core", r->postgres_percent);
    printf("%-44s %10.0f\n", "ms between two beats of a worker", r->beat_ms);
    printf("%-44s %10.0f\n", "beats a second", r->beats_per_s);
    printf("%-44s %10.2f\n", "rows written a second, without workers", r->written_idle_per_s);
    printf("%-44s %10.2f\n", "rows written a second, with all", r->written_per_s);
    printf("%-44s %10" PRId64 "\n", "database connections, at most", r->connections);
    printf("%-44s %10.1f\n", "killed: seconds until all were back", r->back_s);
    printf("%-44s %10.2f\n", "killed: attempts to connect a worker", r->back_attempts);
    printf("%-44s %10.1f\n", "killed: processor seconds until then", r->back_cpu_s);
    printf("%-44s %10" PRId64 "\n", "killed: database connections, at most", r->back_connections);
    printf("{\"bench\": \"fleet\", \"workers\": %" PRId64 ", \"tcp_connections\": %" PRId64
           ", \"connect_s\": %.2f, \"kib_per_worker\": %.1f, \"rss_mib\": %.0f, "
           "\"coordinator_cpu_percent\": %.1f, \"driver_cpu_percent\": %.1f, "
           "\"postgres_cpu_percent\": %.1f, \"beat_ms\": %.0f, \"beats_per_s\": %.0f, "
           "\"rows_written_per_s\": %.2f, \"rows_written_idle_per_s\": %.2f, "
           "\"wal_bytes_per_s\": %.0f, \"wal_bytes_idle_per_s\": %.0f, "
           "\"rows_written_per_beat\": %.4f, \"database_connections\": %" PRId64
           ", \"back_s\": %.2f, \"back_attempts_per_worker\": %.2f, \"back_cpu_s\": %.2f, "
           "\"back_database_connections\": %" PRId64 ", \"seconds\": %" PRId64
           ", \"postgres\": \"%s\"}\n",
           options->workers, r->sockets, r->connect_s,
           (r->rss_after - r->rss_before) / 1024 / (double)options->workers,
           r->rss_after / 1024 / 1024, r->cpu_percent, r->driver_percent, r->postgres_percent,
           r->beat_ms, r->beats_per_s, r->written_per_s, r->written_idle_per_s, r->wal_per_s,
           r->wal_idle_per_s, writes_per_beat, r->connections, r->back_s, r->back_attempts,
           r->back_cpu_s, r->back_connections, options->seconds, version);
}

static int run(const void *arg, const struct qr_bench_database *database, struct qr_err *err)
{
    const struct options *options = arg;
    struct qr_bench_coordinator coordinator = {.pid = 0};
    const struct qr_bench_coordinator_config start = {.program = options->coordinator,
                                                      .url = database->url};
    struct qr_noop_fleet_counts counts;
    struct qr_noop_fleet *fleet = NULL;
    struct report report = {0};
    PGconn *conn = PQconnectdb(database->url);
    int rc = QR_OK;

    if (PQstatus(conn) != CONNECTION_OK)
        rc = qr_fail(err, QR_E_UNREACHABLE, "connect: %s", PQerrorMessage(conn));
    if (rc == QR_OK)
        rc = qr_bench_coordinator_start(&start, &coordinator, err);
    if (rc == QR_OK)
        rc = idle(conn, coordinator.pid, &report);
    const struct qr_noop_fleet_config config = {
        .coordinator = coordinator.address,
        .streams = (unsigned)options->workers,
        .slots = 8,
        .credits = 16,
        .type = "noop",
        .sources = (unsigned)options->sources,
        .reconnect = true,
    };
    int64_t began_ns = qr_clock_ns();
    if (rc == QR_OK)
        rc = qr_noop_fleet_start(&config, &fleet, err);
    if (rc == QR_OK)
        rc = qr_noop_fleet_wait_welcomed(fleet, (uint64_t)options->workers, CONNECT_MS, err);
    if (rc == QR_OK) {
        qr_noop_fleet_counts(fleet, &counts);
        report.connect_s = (double)(counts.last_welcome_ns - began_ns) / 1e9;
        rc = steady(options, conn, &coordinator, database->pid, fleet, &report, err);
    }
    if (rc == QR_OK)
        rc = come_back(options, database->url, conn, &coordinator, fleet, &report, err);
    if (rc == QR_OK)
        print_report(options, &report, conn);
    qr_noop_fleet_free(fleet);
    qr_bench_coordinator_stop(&coordinator);
    PQfinish(conn);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = {0};

    return qr_bench_main(&bench_options, argc, argv, &options, &options.database, run);
}

/* bench_queue: no-op jobs through the whole coordinator, and the same statements by plain libpq.
 *
 *     bench_queue [--database URL] [--jobs N] [--streams N] [--slots N] [--coordinator PATH]
 *
 * Jobs enter by the Admin RPC, are leased over worker streams and their results committed; the
 * floor (bench/floor.h) runs claim and settle at the batch size the coordinator had. Last line:
 * JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/floor.h"
#include "bench/noop_fleet.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/options.h"
#include "coordinator/postgres/postgres.h"
#include "quarry/v1/admin.pb-c.h"

enum { ENQUEUE_BATCH = 10000, CALL_MS = 60000, READY_MS = 60000 };

struct options {
    char *database, *coordinator;
    int64_t jobs, streams, slots, rounds;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
static const struct qr_option table[] = {
    {"database",    0, QR_OPT_STR, AT(database),    NULL,     0,    0,        0, "URL",  "PostgreSQL to use; without it a private one is made and thrown away", NULL},
    {"coordinator", 0, QR_OPT_STR, AT(coordinator), NULL,     0,    0,        0, "PATH", "quarry-coordinator to run; without it the one beside this program", NULL},
    {"jobs",        0, QR_OPT_INT, AT(jobs),        "200000", 1000, 20000000, 0, "N",    "no-op jobs of each round", NULL},
    {"streams",     0, QR_OPT_INT, AT(streams),     "16",     1,    1000,     0, "N",    "worker streams", NULL},
    {"slots",       0, QR_OPT_INT, AT(slots),       "8",      1,    256,      0, "N",    "slots of each; its credits are twice that", NULL},
    {"rounds",      0, QR_OPT_INT, AT(rounds),      "3",      1,    99,       0, "N",    "rounds of queue and floor in turn; medians count", NULL},
    {0},
};
/* clang-format on */

static const struct qr_options bench_options = {
    .program = "bench_queue",
    .summary = "jobs per second through the coordinator, and by plain libpq",
    .usage = "[OPTION]...",
    .table = table,
};

struct round {
    double jobs_per_s, enqueue_per_s, floor_per_s;
    double batch, wal_bytes_per_job;
    int connections;
};

/* ------------------------------------------------------------------ the coordinator process */

struct coordinator {
    pid_t pid;
    char address[128];
};

static void beside(const char *name, char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);
    path[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(path, '/');
    size_t at = slash ? (size_t)(slash - path) + 1 : 0;
    snprintf(path + at, size - at, "%s", name);
}

static int read_ready_line(int fd, char *address, size_t size, struct qr_err *err)
{
    char line[512];
    size_t len = 0;
    FILE *in = fdopen(fd, "r");

    if (in && fgets(line, sizeof line, in)) {
        char *at = strstr(line, "grpc=");
        len = at ? strcspn(at + 5, " \n") : 0;
        if (len > 0 && len < size) {
            memcpy(address, at + 5, len);
            address[len] = '\0';
        }
    }
    if (in)
        fclose(in);
    return len > 0 ? QR_OK : qr_fail(err, QR_E_UNREACHABLE, "the coordinator did not get ready");
}

static int start_coordinator(const struct options *options, const char *url,
                             struct coordinator *ret, struct qr_err *err)
{
    char path[4096];
    int fds[2];

    beside("quarry-coordinator", path, sizeof path);
    const char *program = options->coordinator ? options->coordinator : path;
    if (pipe(fds) < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "make a pipe");
    ret->pid = fork();
    if (ret->pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(program, program, "--database", url, "--listen", "127.0.0.1:0", "--http",
              "127.0.0.1:0", "--log-level", "warn", (char *)NULL);
        fprintf(stderr, "bench_queue: run '%s': %s\n", program, strerror(errno));
        _exit(127);
    }
    close(fds[1]);
    if (ret->pid < 0) {
        close(fds[0]);
        return qr_fail_errno(err, QR_E_LIMIT, errno, "start the coordinator");
    }
    return read_ready_line(fds[0], ret->address, sizeof ret->address, err);
}

static void stop_coordinator(struct coordinator *coordinator)
{
    if (coordinator->pid <= 0)
        return;
    kill(coordinator->pid, SIGTERM);
    for (int i = 0; i < 300; i++) {
        if (waitpid(coordinator->pid, NULL, WNOHANG) == coordinator->pid)
            return;
        qr_clock_sleep_ms(100);
    }
    kill(coordinator->pid, SIGKILL);
    waitpid(coordinator->pid, NULL, 0);
}

/* ------------------------------------------------------------------ admin calls */

static int call(struct qr_rpc_channel *channel, const char *path, const ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret, struct qr_err *err)
{
    size_t len = protobuf_c_message_get_packed_size(request);
    uint8_t *data = malloc(len + 1);
    struct qr_buf reply;

    if (!data)
        return qr_fail(err, QR_E_NOMEM, "no memory for a request");
    protobuf_c_message_pack(request, data);
    qr_buf_init(&reply, (size_t)4 << 20);
    int rc = qr_rpc_unary(channel, path, data, len, CALL_MS, &reply, err);
    free(data);
    if (rc == QR_OK) {
        *ret = protobuf_c_message_unpack(type, NULL, reply.len, reply.data);
        if (!*ret)
            rc = qr_fail(err, QR_E_DATA, "%s: the answer cannot be decoded", path);
    }
    qr_buf_done(&reply);
    return rc;
}

static int create_run(struct qr_rpc_channel *channel, int round, int64_t *ret_id,
                      struct qr_err *err)
{
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    char name[64];

    snprintf(name, sizeof name, "bench-%d-%d", (int)getpid(), round);
    request.name = name;
    request.manual = true;
    int rc = call(channel, "/quarry.v1.Admin/CreateRun", &request.base,
                  &quarry__v1__create_run_reply__descriptor, &reply, err);
    if (rc == QR_OK) {
        *ret_id = ((Quarry__V1__CreateRunReply *)reply)->run->id;
        protobuf_c_message_free_unpacked(reply, NULL);
    }
    return rc;
}

static int enqueue(struct qr_rpc_channel *channel, int64_t run_id, int64_t first, size_t n,
                   struct qr_err *err)
{
    Quarry__V1__EnqueueRequest request = QUARRY__V1__ENQUEUE_REQUEST__INIT;
    Quarry__V1__NewJob *jobs = calloc(n, sizeof *jobs);
    Quarry__V1__NewJob **ptrs = calloc(n, sizeof *ptrs);
    char(*uris)[48] = calloc(n, sizeof *uris);
    ProtobufCMessage *reply = NULL;
    int rc = QR_OK;

    if (!jobs || !ptrs || !uris)
        rc = qr_fail(err, QR_E_NOMEM, "no memory for %zu jobs", n);
    for (size_t i = 0; rc == QR_OK && i < n; i++) {
        quarry__v1__new_job__init(&jobs[i]);
        snprintf(uris[i], sizeof uris[i], "noop:%" PRId64 "/%" PRId64, run_id, first + (int64_t)i);
        jobs[i].uri = uris[i];
        jobs[i].type = (char *)"noop";
        ptrs[i] = &jobs[i];
    }
    request.run_id = run_id;
    request.jobs = ptrs;
    request.n_jobs = n;
    if (rc == QR_OK)
        rc = call(channel, "/quarry.v1.Admin/Enqueue", &request.base,
                  &quarry__v1__enqueue_reply__descriptor, &reply, err);
    if (rc == QR_OK) {
        uint64_t inserted = ((Quarry__V1__EnqueueReply *)reply)->inserted;
        if (inserted != n)
            rc = qr_fail(err, QR_E_INTERNAL, "%zu jobs sent, %" PRIu64 " inserted", n, inserted);
        protobuf_c_message_free_unpacked(reply, NULL);
    }
    free(jobs);
    free(ptrs);
    free(uris);
    return rc;
}

static int enqueue_all(struct qr_rpc_channel *channel, int64_t run_id, int64_t jobs,
                       double *ret_per_s, struct qr_err *err)
{
    int64_t start = qr_clock_ns();
    int rc = QR_OK;

    for (int64_t at = 0; rc == QR_OK && at < jobs; at += ENQUEUE_BATCH) {
        int64_t n = jobs - at < ENQUEUE_BATCH ? jobs - at : ENQUEUE_BATCH;
        rc = enqueue(channel, run_id, at, (size_t)n, err);
    }
    *ret_per_s = (double)jobs * 1e9 / (double)(qr_clock_ns() - start);
    return rc;
}

/* ------------------------------------------------------------------ asking the database */

static char *ask(PGconn *conn, const char *sql, char *out, size_t size)
{
    PGresult *result = PQexec(conn, sql);

    snprintf(out, size, "%s",
             PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0
                 ? PQgetvalue(result, 0, 0)
                 : "");
    PQclear(result);
    return out;
}

static double ask_number(PGconn *conn, const char *sql)
{
    char text[64];
    return strtod(ask(conn, sql, text, sizeof text), NULL);
}

/* ------------------------------------------------------------------ one round */

static int drain(struct qr_noop_fleet *fleet, uint64_t jobs, double *ret_per_s, struct qr_err *err)
{
    struct qr_noop_fleet_counts counts;
    uint64_t before = 0;
    int64_t start = qr_clock_ns();
    int64_t moved = start;
    int64_t beat = start;

    for (;;) {
        qr_noop_fleet_counts(fleet, &counts);
        int64_t now = qr_clock_ns();
        if (counts.committed >= jobs)
            break;
        if (counts.committed != before) {
            before = counts.committed;
            moved = now;
        }
        if (now - moved > (int64_t)60 * 1000000000)
            return qr_fail(err, QR_E_TIMEOUT,
                           "no result was committed for a minute, at %" PRIu64 " of %" PRIu64,
                           counts.committed, jobs);
        if (now - beat > 500000000) {
            qr_noop_fleet_beat(fleet);
            beat = now;
        }
        qr_clock_sleep_ms(2);
    }
    *ret_per_s = (double)jobs * 1e9 / (double)(qr_clock_ns() - start);
    return QR_OK;
}

static int run_round(const struct options *options, const char *url, int number, PGconn *conn,
                     struct round *ret, struct qr_err *err)
{
    struct coordinator coordinator = {.pid = 0};
    QR_AUTO(qr_rpc_channel) channel = NULL;
    struct qr_noop_fleet *fleet = NULL;
    int64_t run_id = 0;
    char lsn[64], sql[256];

    int rc = start_coordinator(options, url, &coordinator, err);
    if (rc == QR_OK)
        rc = qr_rpc_channel_new(coordinator.address, NULL, &channel, err);
    if (rc == QR_OK)
        rc = create_run(channel, number, &run_id, err);
    if (rc == QR_OK)
        rc = enqueue_all(channel, run_id, options->jobs, &ret->enqueue_per_s, err);
    ask(conn, "CHECKPOINT", lsn, sizeof lsn);
    ask(conn, "SELECT pg_current_wal_lsn()", lsn, sizeof lsn);
    const struct qr_noop_fleet_config config = {
        .coordinator = coordinator.address,
        .streams = (unsigned)options->streams,
        .slots = (unsigned)options->slots,
        .credits = (unsigned)options->slots * 2,
        .type = "noop",
    };
    if (rc == QR_OK)
        rc = qr_noop_fleet_start(&config, &fleet, err);
    if (rc == QR_OK)
        rc = drain(fleet, (uint64_t)options->jobs, &ret->jobs_per_s, err);
    if (rc == QR_OK) {
        snprintf(sql, sizeof sql, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '%s')", lsn);
        ret->wal_bytes_per_job = ask_number(conn, sql) / (double)options->jobs;
        ret->connections = (int)ask_number(conn, "SELECT count(*) FROM pg_stat_activity WHERE "
                                                 "application_name LIKE 'quarry%'");
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM extraction_jobs WHERE run_id = %" PRId64
                 " AND status = 'completed'",
                 run_id);
        double completed = ask_number(conn, sql);
        if (completed != (double)options->jobs)
            rc = qr_fail(err, QR_E_INTERNAL,
                         "%.0f of %" PRId64 " jobs are completed in the database", completed,
                         options->jobs);
        /* a transaction's now() is the same in all its rows */
        snprintf(sql, sizeof sql,
                 "SELECT count(DISTINCT completed_at) FROM extraction_jobs WHERE run_id = %" PRId64,
                 run_id);
        ret->batch = (double)options->jobs / ask_number(conn, sql);
    }
    qr_noop_fleet_free(fleet);
    stop_coordinator(&coordinator);
    return rc;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const struct round *rounds, size_t n, size_t field)
{
    double values[99];

    for (size_t i = 0; i < n; i++)
        memcpy(&values[i], (const char *)&rounds[i] + field, sizeof values[i]);
    qsort(values, n, sizeof values[0], by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_report(const struct options *options, const struct round *rounds, PGconn *conn)
{
    size_t n = (size_t)options->rounds;
    double jobs = median(rounds, n, offsetof(struct round, jobs_per_s));
    double enqueued = median(rounds, n, offsetof(struct round, enqueue_per_s));
    double floor = median(rounds, n, offsetof(struct round, floor_per_s));
    double batch = median(rounds, n, offsetof(struct round, batch));
    double wal = median(rounds, n, offsetof(struct round, wal_bytes_per_job));
    char version[64], settings[512];

    ask(conn, "SHOW server_version", version, sizeof version);
    ask(conn,
        "SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN ('fsync', "
        "'synchronous_commit', 'full_page_writes', 'wal_compression', 'shared_buffers', "
        "'max_wal_size', 'autovacuum')",
        settings, sizeof settings);
    printf("{\"bench\": \"queue\", \"jobs\": %" PRId64
           ", \"jobs_per_s\": %.0f, \"enqueue_per_s\": %.0f, "
           "\"floor_jobs_per_s\": %.0f, \"ratio_to_floor\": %.3f, \"streams\": %" PRId64
           ", \"slots\": %" PRId64 ", \"credits\": %" PRId64
           ", \"batch\": %.1f, \"wal_bytes_per_job\": %.0f, \"connections\": %d, \"rounds\": %zu, "
           "\"postgres\": \"%s\", \"settings\": %s}\n",
           options->jobs, jobs, enqueued, floor, floor > 0 ? jobs / floor : 0.0, options->streams,
           options->slots, options->slots * 2, batch, wal, rounds[0].connections, n, version,
           settings[0] ? settings : "{}");
}

static int run_rounds(const struct options *options, const char *url, struct qr_err *err)
{
    struct round rounds[99] = {0};
    PGconn *conn = PQconnectdb(url);
    int rc = QR_OK;

    if (PQstatus(conn) != CONNECTION_OK)
        rc = qr_fail(err, QR_E_UNREACHABLE, "connect: %s", PQerrorMessage(conn));
    printf("%5s  %12s  %12s  %12s  %7s  %9s\n", "round", "enqueue/s", "jobs/s", "floor/s", "batch",
           "WAL B/job");
    for (int i = 0; rc == QR_OK && i < options->rounds; i++) {
        rc = run_round(options, url, i, conn, &rounds[i], err);
        if (rc == QR_OK)
            rc = qr_bench_floor(url, options->jobs, (unsigned)(rounds[i].batch + 0.5),
                                &rounds[i].floor_per_s, err);
        if (rc == QR_OK)
            printf("%5d  %12.0f  %12.0f  %12.0f  %7.1f  %9.0f\n", i + 1, rounds[i].enqueue_per_s,
                   rounds[i].jobs_per_s, rounds[i].floor_per_s, rounds[i].batch,
                   rounds[i].wal_bytes_per_job);
        fflush(stdout);
    }
    if (rc == QR_OK)
        print_report(options, rounds, conn);
    PQfinish(conn);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options;
    struct qr_postgres *postgres = NULL;
    struct qr_err err = {0};
    char dir[] = "/tmp/bench-queue.XXXXXX";
    char cluster[64], command[96];
    int exit_code = 0;
    int rc = QR_OK;

    if (!qr_options_main(&bench_options, argc, argv, &options, NULL, &exit_code))
        return exit_code;
    qr_log_init("bench_queue", QR_LOG_WARN);
    const char *url = options.database;
    if (!url) {
        if (!mkdtemp(dir) || chmod(dir, 0755) < 0) {
            rc = qr_fail_errno(&err, QR_E_IO, errno, "make '%s'", dir);
        } else {
            snprintf(cluster, sizeof cluster, "%s/pg", dir);
            const struct qr_postgres_config config = {.dir = cluster};
            rc = qr_postgres_start(&config, &postgres, &err);
            url = rc == QR_OK ? qr_postgres_url(postgres) : NULL;
        }
    }
    if (rc == QR_OK)
        rc = run_rounds(&options, url, &err);
    qr_postgres_stop(postgres, true);
    if (!options.database) {
        snprintf(command, sizeof command, "rm -rf '%s'", dir);
        if (system(command) != 0)
            fprintf(stderr, "bench_queue: '%s' was not removed\n", dir);
    }
    if (rc < 0)
        fprintf(stderr, "bench_queue: %s\n", err.msg);
    qr_options_done(&bench_options, &options);
    return qr_err_exit_code(rc);
}

/* bench_queue: no-op jobs through the whole coordinator, and the same statements by plain libpq.
 *
 *     bench_queue [--database URL] [--jobs N] [--streams N] [--slots N] [--coordinator PATH]
 *
 * --metadata: every result brings a record, which becomes a row of extracted_metadata. --held: a
 * transaction is held open meanwhile, so that nothing dead can be removed.
 *
 * Jobs enter by the Admin RPC, are leased over worker streams and their results committed; the
 * floor (bench/floor.h) runs claim and settle at the batch size the coordinator had. Last line:
 * JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cpu.h"
#include "bench/floor.h"
#include "bench/load.h"
#include "bench/noop_fleet.h"
#include "bench/stack.h"
#include "common/clock.h"
#include "common/options.h"
#include "quarry/v1/record.pb-c.h"

struct options {
    char *database, *coordinator;
    int64_t jobs, streams, slots, calls, rounds;
    bool metadata, held, floor, enqueue_only;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
static const struct qr_option table[] = {
    {"database",    0, QR_OPT_STR, AT(database),    NULL,     0,    0,        0, "URL",  "PostgreSQL to use; without it a private one is made and thrown away", NULL},
    {"coordinator", 0, QR_OPT_STR, AT(coordinator), NULL,     0,    0,        0, "PATH", "quarry-coordinator to run; without it the one beside this program", NULL},
    {"jobs",        0, QR_OPT_INT, AT(jobs),        "200000", 1000, 20000000, 0, "N",    "no-op jobs of each round", NULL},
    {"streams",     0, QR_OPT_INT, AT(streams),     "16",     1,    1000,     0, "N",    "worker streams", NULL},
    {"slots",       0, QR_OPT_INT, AT(slots),       "8",      1,    256,      0, "N",    "slots of each; its credits are twice that", NULL},
    {"calls",       0, QR_OPT_INT, AT(calls),       "4",      1,    16,       0, "N",    "enqueue calls under way at a time, 10,000 jobs each", NULL},
    {"enqueue-only", 0, QR_OPT_BOOL, AT(enqueue_only), "no",  0,    0,        0, "",     "let nobody do the jobs", NULL},
    {"rounds",      0, QR_OPT_INT, AT(rounds),      "3",      1,    99,       0, "N",    "rounds of queue and floor in turn; medians count", NULL},
    {"floor",       0, QR_OPT_BOOL, AT(floor),      "true",   0,    0,        0, NULL,   "measure the floor too", NULL},
    {"metadata",    0, QR_OPT_BOOL, AT(metadata),   "no",     0,    0,        0, NULL,   "one metadata row per result", NULL},
    {"held",        0, QR_OPT_BOOL, AT(held),       "no",     0,    0,        0, NULL,   "a transaction is held open while the jobs are done", NULL},
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
    double jobs_per_s, floor_per_s;
    struct qr_bench_loaded enqueued, enqueued_files;
    double batch, wal_bytes_per_job;
    double coordinator_us, workers_us, postgres_us; /* processor time of each, per job */
    int connections;
    char tables[1600]; /* JSON: what is left in the database */
};

/* ------------------------------------------------------------------ one round */

/* What a small file says of itself: one row of extracted_metadata. */
static size_t make_record(uint8_t *data, size_t size)
{
    static const char *const pairs[][2] = {{"title", "Bracket, welded"},
                                           {"author", "A. Draughtsman"},
                                           {"drawing_number", "QX-4711-02"}};
    Quarry__V1__ExtractionRecord record = QUARRY__V1__EXTRACTION_RECORD__INIT;
    Quarry__V1__MetadataItem items[QR_COUNT(pairs)], *ptrs[QR_COUNT(pairs)];
    uint8_t sha256[32] = {0x51};

    for (size_t i = 0; i < QR_COUNT(pairs); i++) {
        quarry__v1__metadata_item__init(&items[i]);
        items[i].key = (char *)(uintptr_t)pairs[i][0];
        items[i].value = (char *)(uintptr_t)pairs[i][1];
        ptrs[i] = &items[i];
    }
    record.type = (char *)"text";
    record.bytes = 4711;
    record.sha256 = (ProtobufCBinaryData){sizeof sha256, sha256};
    record.extractor = (char *)"noop";
    record.extractor_version = (char *)"1";
    record.metadata = ptrs;
    record.n_metadata = QR_COUNT(pairs);
    record.completeness = 1;
    size_t len = quarry__v1__extraction_record__get_packed_size(&record);
    return len <= size ? quarry__v1__extraction_record__pack(&record, data) : 0;
}

/* A transaction that sees the database as it was: nothing that dies later can be removed. */
static PGconn *hold(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    char text[32];

    qr_bench_ask(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ", text, sizeof text);
    qr_bench_ask(conn, "SELECT count(*) FROM runs", text, sizeof text);
    return conn;
}

/* Into the run `run_id` as jobs that will be done; or, as `files`, into one of its own that nobody
 * touches: their type has no worker here. */
static int enqueue(const struct options *options, const struct qr_bench_database *database,
                   const struct qr_bench_coordinator *coordinator, int64_t run_id, bool files,
                   struct qr_bench_loaded *ret, struct qr_err *err)
{
    const struct qr_bench_load config = {
        .coordinator = coordinator->address,
        .run_id = run_id,
        .jobs = options->jobs,
        .calls = (unsigned)options->calls,
        .files = files,
        .type = files ? "dxf" : "noop",
        .coordinator_pid = coordinator->pid,
        .postgres_pid = database->pid,
    };
    return qr_bench_load(&config, ret, err);
}

static int drain(struct qr_noop_fleet *fleet, uint64_t jobs, double *ret_per_s, struct qr_err *err)
{
    struct qr_noop_fleet_counts counts;
    uint64_t before = 0;
    int64_t start = qr_clock_ns();
    int64_t moved = start;

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
        qr_clock_sleep_ms(2);
    }
    *ret_per_s = (double)jobs * 1e9 / (double)(qr_clock_ns() - start);
    return QR_OK;
}

static int run_round(const struct options *options, const struct qr_bench_database *database,
                     int number, PGconn *conn, struct round *ret, struct qr_err *err)
{
    struct qr_bench_coordinator coordinator = {.pid = 0};
    QR_AUTO(qr_rpc_channel) channel = NULL;
    struct qr_noop_fleet *fleet = NULL;
    int64_t run_id = 0, files_id = 0;
    char lsn[64], sql[256], name[64];
    uint8_t record[QR_NOOP_RECORD_MAX];
    const struct qr_bench_coordinator_config start = {.program = options->coordinator,
                                                      .url = database->url};

    snprintf(name, sizeof name, "bench-%d-%d", (int)getpid(), number);
    int rc = qr_bench_coordinator_start(&start, &coordinator, err);
    if (rc == QR_OK)
        rc = qr_rpc_channel_new(coordinator.address, NULL, &channel, err);
    if (rc == QR_OK)
        rc = qr_bench_create_run(channel, name, &run_id, err);
    if (rc == QR_OK)
        rc = enqueue(options, database, &coordinator, run_id, false, &ret->enqueued, err);
    snprintf(name, sizeof name, "bench-%d-%d-files", (int)getpid(), number);
    if (rc == QR_OK)
        rc = qr_bench_create_run(channel, name, &files_id, err);
    if (rc == QR_OK)
        rc = enqueue(options, database, &coordinator, files_id, true, &ret->enqueued_files, err);
    if (rc < 0 || options->enqueue_only) {
        qr_bench_coordinator_stop(&coordinator);
        return rc;
    }
    qr_bench_ask(conn, "CHECKPOINT", lsn, sizeof lsn);
    qr_bench_ask(conn, "SELECT pg_current_wal_lsn()", lsn, sizeof lsn);
    const struct qr_noop_fleet_config config = {
        .coordinator = coordinator.address,
        .streams = (unsigned)options->streams,
        .slots = (unsigned)options->slots,
        .credits = (unsigned)options->slots * 2,
        .type = "noop",
        .record = record,
        .record_len = options->metadata ? make_record(record, sizeof record) : 0,
    };
    PGconn *held = options->held ? hold(database->url) : NULL;
    if (rc == QR_OK)
        rc = qr_noop_fleet_start(&config, &fleet, err);
    int64_t coordinator_ns = qr_bench_cpu_ns(coordinator.pid);
    int64_t postgres_ns = database->pid ? qr_bench_cpu_tree_ns(database->pid) : 0;
    if (rc == QR_OK)
        rc = drain(fleet, (uint64_t)options->jobs, &ret->jobs_per_s, err);
    if (rc == QR_OK) {
        coordinator_ns = qr_bench_cpu_ns(coordinator.pid) - coordinator_ns;
        ret->coordinator_us = (double)coordinator_ns / 1e3 / (double)options->jobs;
        postgres_ns = database->pid ? qr_bench_cpu_tree_ns(database->pid) - postgres_ns : 0;
        ret->postgres_us = (double)postgres_ns / 1e3 / (double)options->jobs;
        ret->workers_us =
            (double)qr_bench_cpu_ns(qr_noop_fleet_pid(fleet)) / 1e3 / (double)options->jobs;
        snprintf(sql, sizeof sql, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '%s')", lsn);
        ret->wal_bytes_per_job = qr_bench_ask_number(conn, sql) / (double)options->jobs;
        ret->connections =
            (int)qr_bench_ask_number(conn, "SELECT count(*) FROM pg_stat_activity WHERE "
                                           "application_name LIKE 'quarry%'");
        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM extraction_jobs WHERE run_id = %" PRId64
                 " AND status = 'completed'",
                 run_id);
        double completed = qr_bench_ask_number(conn, sql);
        if (completed != (double)options->jobs)
            rc = qr_fail(err, QR_E_INTERNAL,
                         "%.0f of %" PRId64 " jobs are completed in the database", completed,
                         options->jobs);
        /* a transaction's now() is the same in all its rows */
        snprintf(sql, sizeof sql,
                 "SELECT count(DISTINCT completed_at) FROM extraction_jobs WHERE run_id = %" PRId64,
                 run_id);
        ret->batch = (double)options->jobs / qr_bench_ask_number(conn, sql);
    }
    qr_noop_fleet_free(fleet);
    qr_bench_coordinator_stop(&coordinator); /* its backends report their counts as they end */
    qr_bench_tables(conn, ret->tables, sizeof ret->tables);
    PQfinish(held);
    return rc;
}

static double median(const struct round *rounds, size_t n, size_t field)
{
    double values[99];

    for (size_t i = 0; i < n; i++)
        memcpy(&values[i], (const char *)&rounds[i] + field, sizeof values[i]);
    return qr_bench_median(values, n);
}

/* Processor time per job of an enqueue, by process. */
static void cpu_text(const struct round *rounds, size_t n, size_t at, char *text, size_t size)
{
    snprintf(text, size, "{\"postgres\": %.2f, \"coordinator\": %.2f, \"client\": %.2f}",
             median(rounds, n, at + offsetof(struct qr_bench_loaded, postgres_us)),
             median(rounds, n, at + offsetof(struct qr_bench_loaded, coordinator_us)),
             median(rounds, n, at + offsetof(struct qr_bench_loaded, client_us)));
}

static void print_report(const struct options *options, const struct round *rounds, PGconn *conn)
{
    size_t n = (size_t)options->rounds;
    double jobs = median(rounds, n, offsetof(struct round, jobs_per_s));
    double enqueued = median(rounds, n, offsetof(struct round, enqueued.per_s));
    double files = median(rounds, n, offsetof(struct round, enqueued_files.per_s));
    double floor = median(rounds, n, offsetof(struct round, floor_per_s));
    double batch = median(rounds, n, offsetof(struct round, batch));
    double wal = median(rounds, n, offsetof(struct round, wal_bytes_per_job));
    double coordinator = median(rounds, n, offsetof(struct round, coordinator_us));
    double workers = median(rounds, n, offsetof(struct round, workers_us));
    double postgres = median(rounds, n, offsetof(struct round, postgres_us));
    char version[64], settings[512], noop_cpu[128], files_cpu[128];

    cpu_text(rounds, n, offsetof(struct round, enqueued), noop_cpu, sizeof noop_cpu);
    cpu_text(rounds, n, offsetof(struct round, enqueued_files), files_cpu, sizeof files_cpu);
    qr_bench_ask(conn, "SHOW server_version", version, sizeof version);
    qr_bench_ask(conn,
                 "SELECT json_object_agg(name, setting) FROM pg_settings WHERE name IN ('fsync', "
                 "'synchronous_commit', 'full_page_writes', 'wal_compression', 'shared_buffers', "
                 "'max_wal_size', 'autovacuum')",
                 settings, sizeof settings);
    printf("{\"bench\": \"queue\", \"jobs\": %" PRId64
           ", \"jobs_per_s\": %.0f, \"enqueue_per_s\": %.0f, \"enqueue_files_per_s\": %.0f, "
           "\"enqueue_cpu_us\": %s, \"enqueue_files_cpu_us\": %s, \"enqueue_calls\": %" PRId64 ", "
           "\"floor_jobs_per_s\": %.0f, \"ratio_to_floor\": %.3f, \"streams\": %" PRId64
           ", \"slots\": %" PRId64 ", \"credits\": %" PRId64
           ", \"batch\": %.1f, \"wal_bytes_per_job\": %.0f, \"coordinator_us_per_job\": %.2f, "
           "\"workers_us_per_job\": %.2f, \"postgres_us_per_job\": %.2f, \"metadata\": %s, "
           "\"held\": %s, \"connections\": %d, \"rounds\": %zu, \"tables\": %s, "
           "\"postgres\": \"%s\", \"settings\": %s}\n",
           options->jobs, jobs, enqueued, files, noop_cpu, files_cpu, options->calls, floor,
           floor > 0 ? jobs / floor : 0.0, options->streams, options->slots, options->slots * 2,
           batch, wal, coordinator, workers, postgres, options->metadata ? "true" : "false",
           options->held ? "true" : "false", rounds[0].connections, n,
           rounds[n - 1].tables[0] ? rounds[n - 1].tables : "{}", version,
           settings[0] ? settings : "{}");
}

static int run_rounds(const void *arg, const struct qr_bench_database *database, struct qr_err *err)
{
    const struct options *options = arg;
    struct round rounds[99] = {0};
    PGconn *conn = PQconnectdb(database->url);
    uint8_t record[QR_NOOP_RECORD_MAX];
    int rc = QR_OK;

    if (PQstatus(conn) != CONNECTION_OK)
        rc = qr_fail(err, QR_E_UNREACHABLE, "connect: %s", PQerrorMessage(conn));
    printf("%5s  %12s  %12s  %12s  %12s  %7s  %9s  %8s  %8s  %8s\n", "round", "enqueue/s",
           "of files/s", "jobs/s", "floor/s", "batch", "WAL B/job", "pg us", "coord us",
           "fleet us");
    for (int i = 0; rc == QR_OK && i < options->rounds; i++) {
        rc = run_round(options, database, i, conn, &rounds[i], err);
        if (rc == QR_OK && options->floor && !options->enqueue_only)
            rc = qr_bench_floor(database->url, options->jobs, (unsigned)(rounds[i].batch + 0.5),
                                record, options->metadata ? make_record(record, sizeof record) : 0,
                                &rounds[i].floor_per_s, err);
        if (rc == QR_OK)
            printf("%5d  %12.0f  %12.0f  %12.0f  %12.0f  %7.1f  %9.0f  %8.2f  %8.2f  %8.2f\n",
                   i + 1, rounds[i].enqueued.per_s, rounds[i].enqueued_files.per_s,
                   rounds[i].jobs_per_s, rounds[i].floor_per_s, rounds[i].batch,
                   rounds[i].wal_bytes_per_job, rounds[i].postgres_us, rounds[i].coordinator_us,
                   rounds[i].workers_us);
        fflush(stdout);
    }
    if (rc == QR_OK)
        print_report(options, rounds, conn);
    PQfinish(conn);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = {0};

    return qr_bench_main(&bench_options, argc, argv, &options, &options.database, run_rounds);
}

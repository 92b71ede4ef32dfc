/* bench/db.c
 *
 * How fast are the lanes by themselves: no-op jobs are enqueued, claimed and settled through qr_db,
 * as a coordinator's engine would, by sessions with 8 slots and credits of twice that. Beside it
 * the same statements from one plain libpq loop (the floor). Prints one JSON object.
 *
 *   bench_db [--jobs N] [--sessions N] [--ahead N] [--database URL] [--record BYTES]
 */
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/floor.h"
#include "common/clock.h"
#include "coordinator/db/conn.h"
#include "coordinator/db/db.h"
#include "coordinator/db/enqueue.h"
#include "coordinator/db/migrate.h"
#include "coordinator/db/run.h"
#include "coordinator/engine/types.h"
#include "coordinator/postgres/postgres.h"

enum { SESSIONS_MAX = 1024, FLOOR_BATCH = 512 };

struct session {
    uint64_t pk;
    uint32_t held; /* leased, not settled */
    bool claiming;
};

static struct {
    struct qr_db *db;
    size_t jobs, sessions;
    uint32_t ahead;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct session session[SESSIONS_MAX];
    size_t hellos;
    size_t done, failed;
    qr_type_id type;
} bench = {.jobs = 100000,
           .sessions = 16,
           .ahead = 16,
           .lock = PTHREAD_MUTEX_INITIALIZER,
           .wake = PTHREAD_COND_INITIALIZER};

static void must(int rc, const struct qr_err *err)
{
    if (rc < 0) {
        fprintf(stderr, "bench_db: %s\n", err->msg);
        exit(1);
    }
}

static void ask(size_t i)
{
    static const char *const roots[] = {"bench"};
    uint32_t free_slots = bench.ahead - bench.session[i].held;
    const struct qr_type_count want = {bench.type, free_slots};
    const struct qr_db_claim request = {
        .token = i,
        .session_pk = bench.session[i].pk,
        .attach = 1,
        .want = &want,
        .n_want = 1,
        .want_total = free_slots,
        .roots = roots,
        .n_roots = 1,
    };
    bench.session[i].claiming = true;
    qr_db_claim(bench.db, &request);
}

static void on_hello(void *ctx, const struct qr_db_hello_reply *reply)
{
    (void)ctx;
    pthread_mutex_lock(&bench.lock);
    bench.session[reply->token].pk = reply->session_pk;
    bench.hellos++;
    pthread_cond_broadcast(&bench.wake);
    pthread_mutex_unlock(&bench.lock);
}

static void on_claim(void *ctx, const struct qr_db_claim_reply *reply)
{
    (void)ctx;
    pthread_mutex_lock(&bench.lock);
    struct session *session = &bench.session[reply->token];
    session->claiming = false;
    if (reply->status != QR_DB_DONE) {
        fprintf(stderr, "bench_db: a claim failed\n");
        exit(1);
    }
    session->held += (uint32_t)reply->n_offers;
    pthread_mutex_unlock(&bench.lock);
    for (size_t k = 0; k < reply->n_offers; k++) {
        struct qr_settle *settle = calloc(1, sizeof *settle);
        settle->lease_id = reply->offers[k].lease_id;
        settle->job_id = reply->offers[k].job_id;
        settle->session_pk = reply->session_pk;
        qr_db_settle(bench.db, settle);
    }
}

static void on_settled(void *ctx, struct qr_settle *const *settles, size_t n,
                       enum qr_db_status status)
{
    (void)ctx;
    pthread_mutex_lock(&bench.lock);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < bench.sessions; k++)
            if (bench.session[k].pk == settles[i]->session_pk)
                bench.session[k].held--;
        if (status != QR_DB_DONE || settles[i]->code != QR_ACK_COMMITTED)
            bench.failed++;
        free(settles[i]);
    }
    bench.done += n;
    if (bench.done < bench.jobs)
        for (size_t k = 0; k < bench.sessions; k++)
            if (!bench.session[k].claiming && bench.session[k].held <= bench.ahead / 2)
                ask(k);
    pthread_cond_broadcast(&bench.wake);
    pthread_mutex_unlock(&bench.lock);
}

static int64_t number(struct qr_conn *conn, const char *text)
{
    struct qr_err err = {0};
    PGresult *row = NULL;
    must(qr_conn_query(conn, text, &row, &err), &err);
    int64_t value = strtoll(PQgetvalue(row, 0, 0), NULL, 10);
    PQclear(row);
    return value;
}

static double enqueue_all(struct qr_conn *conn, int64_t *ret_run)
{
    struct qr_err err = {0};
    char name[64];
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    Quarry__V1__CreateRunReply *reply = NULL;
    struct qr_new_job *jobs = calloc(QR_ENQUEUE_MAX, sizeof *jobs);
    char(*uris)[64] = calloc(QR_ENQUEUE_MAX, sizeof *uris);

    snprintf(name, sizeof name, "bench-%lld", (long long)qr_clock_wall_ms());
    request.name = name;
    request.manual = true;
    must(qr_run_create(conn, &request, &reply, &err), &err);
    *ret_run = reply->run->id;
    quarry__v1__create_run_reply__free_unpacked(reply, NULL);
    int64_t begin = qr_clock_ns();
    for (size_t done = 0; done < bench.jobs;) {
        struct qr_enqueue_result result;
        size_t n = bench.jobs - done < QR_ENQUEUE_MAX ? bench.jobs - done : QR_ENQUEUE_MAX;
        for (size_t i = 0; i < n; i++) {
            snprintf(uris[i], sizeof uris[i], "root://bench/%s/%zu", name, done + i);
            jobs[i] = (struct qr_new_job){.uri = uris[i], .type = "noop"};
        }
        must(qr_enqueue(conn, *ret_run, jobs, n, &result, &err), &err);
        done += n;
    }
    double seconds = (double)(qr_clock_ns() - begin) / 1e9;
    free(jobs);
    free(uris);
    return (double)bench.jobs / seconds;
}

static void say_hello(size_t i)
{
    static const char *const roots[] = {"bench"};
    char worker[40];
    struct qr_hello hello = {.start_counter = 1, .roots = roots, .n_roots = 1, .slots = 8};
    struct qr_db_hello request = {.token = i, .hello = &hello};

    snprintf(worker, sizeof worker, "bench-%d-%zu", (int)getpid(), i);
    hello.worker_id = worker;
    memcpy(hello.session, &i, sizeof i);
    hello.session[15] = (uint8_t)getpid();
    qr_db_hello(bench.db, &request);
}

static double run_all(void)
{
    pthread_mutex_lock(&bench.lock);
    for (size_t i = 0; i < bench.sessions; i++) {
        pthread_mutex_unlock(&bench.lock);
        say_hello(i);
        pthread_mutex_lock(&bench.lock);
        while (bench.hellos <= i)
            pthread_cond_wait(&bench.wake, &bench.lock);
    }
    int64_t begin = qr_clock_ns();
    for (size_t i = 0; i < bench.sessions; i++)
        ask(i);
    while (bench.done < bench.jobs)
        pthread_cond_wait(&bench.wake, &bench.lock);
    pthread_mutex_unlock(&bench.lock);
    return (double)bench.jobs / ((double)(qr_clock_ns() - begin) / 1e9);
}

/* Processor time of the lanes' server processes: what counts on a busy machine. */
static void print_backends(struct qr_conn *conn)
{
    struct qr_err err = {0};
    PGresult *rows = NULL;

    must(qr_conn_query(conn,
                       "SELECT pid, application_name FROM pg_stat_activity"
                       " WHERE application_name LIKE 'quarry %' ORDER BY 2",
                       &rows, &err),
         &err);
    for (int i = 0; i < PQntuples(rows); i++) {
        char path[64];
        unsigned long user = 0;
        unsigned long system = 0;
        snprintf(path, sizeof path, "/proc/%s/stat", PQgetvalue(rows, i, 0));
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        if (fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                   &system) == 2)
            fprintf(stderr, "%-16s cpu %.2f us/job\n", PQgetvalue(rows, i, 1),
                    (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK) /
                        (double)bench.jobs);
        fclose(file);
    }
    PQclear(rows);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"jobs", 1, NULL, 'j'},     {"sessions", 1, NULL, 's'},     {"ahead", 1, NULL, 'a'},
        {"database", 1, NULL, 'd'}, {"settle-lanes", 1, NULL, 'l'}, {0}};
    struct qr_err err = {0};
    struct qr_postgres *pg = NULL;
    struct qr_conn *conn = NULL;
    char dir[] = "/tmp/quarry-bench-XXXXXX";
    const char *url = NULL;
    unsigned settle_lanes = 1;
    int64_t run;
    int opt;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (opt == 'j')
            bench.jobs = strtoull(optarg, NULL, 10);
        else if (opt == 's')
            bench.sessions = strtoull(optarg, NULL, 10);
        else if (opt == 'a')
            bench.ahead = (uint32_t)strtoul(optarg, NULL, 10);
        else if (opt == 'l')
            settle_lanes = (unsigned)strtoul(optarg, NULL, 10);
        else if (opt == 'd')
            url = optarg;
        else
            return 2;
    }
    if (bench.sessions == 0 || bench.sessions > SESSIONS_MAX)
        return 2;
    if (!url) {
        if (!mkdtemp(dir))
            return 1;
        const struct qr_postgres_config config = {.dir = dir};
        must(qr_postgres_start(&config, &pg, &err), &err);
        url = qr_postgres_url(pg);
    }
    bench.type = qr_type_intern("noop");
    must(qr_migrate_url(url, 0, NULL, &err), &err);
    const struct qr_db_config config = {
        .url = url, .instance = "bench", .settle_lanes = settle_lanes};
    const struct qr_db_events events = {
        .hello = on_hello, .claim = on_claim, .settled = on_settled};
    must(qr_db_new(&config, &events, &bench.db, &err), &err);
    const struct qr_conn_config cc = {
        .url = url, .lane = "bench", .connect_timeout_ms = 5000, .statement_timeout_ms = 60000};
    must(qr_conn_open(&cc, &conn, &err), &err);
    number(conn, "SELECT 1 FROM (SELECT pg_stat_reset()) x");
    int64_t wal0 =
        number(conn, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");
    double enqueue_rate = enqueue_all(conn, &run);
    int64_t wal1 =
        number(conn, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");
    double rate = run_all();
    int64_t wal2 =
        number(conn, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");
    struct qr_db_stats stats;
    qr_db_get_stats(bench.db, &stats);
    for (int i = 0; i < QR_DB_STATS_COUNT; i++)
        fprintf(stderr, "%-9s batches=%llu items=%llu busy_ms=%llu failures=%llu\n",
                stats.lanes[i].name, (unsigned long long)stats.lanes[i].batches,
                (unsigned long long)stats.lanes[i].items,
                (unsigned long long)stats.lanes[i].busy_ns / 1000000,
                (unsigned long long)stats.lanes[i].failures);
    fprintf(
        stderr, "dead tuples: jobs %lld files %lld ready %lld; hot updates of jobs %lld of %lld\n",
        (long long)number(
            conn, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'extraction_jobs'"),
        (long long)number(
            conn, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'cloud_files'"),
        (long long)number(conn,
                          "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'ready'"),
        (long long)number(
            conn,
            "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'extraction_jobs'"),
        (long long)number(
            conn, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'extraction_jobs'"));
    print_backends(conn);
    double floor_rate = 0;
    must(qr_bench_floor(url, (int64_t)bench.jobs, FLOOR_BATCH, NULL, 0, &floor_rate, &err), &err);
    printf("{\"bench\": \"db\", \"jobs\": %zu, \"jobs_per_s\": %.0f, \"enqueue_per_s\": %.0f, "
           "\"wal_bytes_per_job\": %.0f, \"wal_bytes_per_enqueue\": %.0f, \"failed\": %zu, "
           "\"sessions\": %zu, \"floor_jobs_per_s\": %.0f, \"ratio_to_floor\": %.2f, "
           "\"batch_settle\": %.1f}\n",
           bench.jobs, rate, enqueue_rate, (double)(wal2 - wal1) / (double)bench.jobs,
           (double)(wal1 - wal0) / (double)bench.jobs, bench.failed, bench.sessions, floor_rate,
           rate / floor_rate,
           (double)stats.lanes[QR_DB_STATS_settle].items /
               (double)stats.lanes[QR_DB_STATS_settle].batches);
    qr_conn_free(conn);
    qr_db_stop(bench.db, 2000);
    qr_db_free(bench.db);
    qr_postgres_stop(pg, true);
    if (pg) {
        char command[80];
        snprintf(command, sizeof command, "rm -rf %s", dir);
        return system(command) != 0;
    }
    return 0;
}

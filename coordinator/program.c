#include "coordinator/program.h"

#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "common/os/signal.h"
#include "common/roots.h"
#include "common/rpc/health.h"
#include "common/rpc/rpc.h"
#include "common/rpc/server.h"
#include "coordinator/db/db.h"
#include "coordinator/db/migrate.h"
#include "coordinator/engine/budget.h"
#include "coordinator/health.h"
#include "coordinator/http/families.h"
#include "coordinator/http/http.h"
#include "coordinator/postgres/postgres.h"
#include "coordinator/service/admin.h"
#include "coordinator/service/bridges.h"
#include "coordinator/service/discover.h"
#include "coordinator/service/fleet.h"
#include "coordinator/totals.h"

enum { WATCH_MS = 1000, CONNECT_TIMEOUT_MS = 10000, EMBEDDED_MAX_CONNECTIONS = 60 };

struct program {
    const struct qr_coordinator_options *options;
    struct qr_roots roots;
    struct qr_postgres *postgres;
    const char *database; /* URL in use */
    struct qr_rpc_server *server;
    struct qr_rpc_health *health;
    struct qr_http *http;
    struct qr_fleet *fleet;
    struct qr_admin *admin;
    struct qr_db *db;
    struct qr_discover *discover;
    struct qr_totals *totals;
    struct qr_unserved *unserved;
    struct qr_bridges *bridges;
    struct qr_budgets *budgets;
    char instance[128];
    char host[64];
    atomic_bool serving;
};

/* ------------------------------------------------------------------ HTTP sources */

static void write_unserved(struct program *program, struct qr_metrics *out)
{
    struct qr_unserved_type types[QR_TYPES_MAX];
    struct qr_unserved_sum sum;

    if (!qr_unserved_get(program->unserved, &sum))
        return;
    for (size_t i = 0; i < sum.n_types; i++)
        types[i] = (struct qr_unserved_type){sum.types[i].name, sum.types[i].jobs};
    qr_metrics_unserved(out, types, sum.n_types, sum.runs);
    qr_metrics_waiting(out, sum.workers, sum.stuck, sum.oldest_s);
}

static void write_metrics(void *ctx, struct qr_metrics *out)
{
    struct program *program = ctx;
    struct qr_engine_stats engine;
    struct qr_run_totals totals;
    struct qr_db_stats db;

    qr_metrics_build(out, QUARRY_VERSION, program->instance);
    qr_metrics_process(out);
    if (!atomic_load(&program->serving)) /* set once fleet and database are there */
        return;
    qr_fleet_get_stats(program->fleet, &engine);
    qr_db_get_stats(program->db, &db);
    qr_metrics_engine(out, &engine);
    qr_metrics_hand_over(out, qr_fleet_offer_accept(program->fleet));
    qr_metrics_lanes(out, &db);
    if (qr_totals_get(program->totals, &totals))
        qr_metrics_jobs(out, &totals);
    write_unserved(program, out);
    qr_bridges_metrics(program->bridges, out);
}

static bool is_ready(void *ctx, char *reason, size_t cap)
{
    struct program *program = ctx;
    struct qr_engine_stats stats;

    if (!atomic_load(&program->serving)) {
        snprintf(reason, cap, "starting or stopping");
        return false;
    }
    qr_fleet_get_stats(program->fleet, &stats);
    if (!stats.renewed) {
        snprintf(reason, cap, "the database does not answer");
        return false;
    }
    return true;
}

static bool tell_health(void *ctx, struct qr_buf *out)
{
    struct program *program = ctx;
    char reason[300];

    if (!is_ready(program, reason, sizeof reason)) {
        qr_buf_printf(out, "%s\n", reason);
        return false;
    }
    return qr_health_tell(program->unserved, program->totals, program->options->oldest_job_ms, out);
}

/* ------------------------------------------------------------------ start */

static int check_options(const struct qr_coordinator_options *options, struct qr_err *err)
{
    if (!options->embedded_postgres && !options->database)
        return qr_fail(err, QR_E_USAGE,
                       "no database is given; hint: --embedded-postgres DIR for a private one, or "
                       "--database URL");
    if (options->embedded_postgres && options->database)
        return qr_fail(
            err, QR_E_USAGE,
            "--embedded-postgres and --database exclude each other; hint: leave one out");
    return QR_OK;
}

static int add_roots(struct program *program, struct qr_err *err)
{
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && i < program->options->roots.n; i++)
        rc = qr_roots_add(&program->roots, program->options->roots.items[i], err);
    return rc;
}

/* Ports first: an address that is taken shows before a database is made. Calls are answered
 * UNAVAILABLE until the services are started. */
static int listen_on_ports(struct program *program, struct qr_err *err)
{
    const struct qr_coordinator_options *options = program->options;
    const struct qr_rpc_server_config server = {
        .listen = options->listen,
        .threads = (unsigned)options->rpc_threads,
        .keepalive_ms = options->lease_ttl_ms < 1000 ? 1000 : options->lease_ttl_ms,
    };
    const struct qr_fleet_config fleet = {
        .engine = {.ttl_ms = options->lease_ttl_ms,
                   .budget = qr_budgets_get,
                   .learn = qr_budgets_learn,
                   .budget_ctx = program->budgets},
        .instance = program->instance,
        .max_record_bytes = (size_t)options->max_record_bytes,
    };
    const struct qr_http_config http = {.listen = options->http};
    const struct qr_http_sources sources = {
        .ctx = program, .metrics = write_metrics, .ready = is_ready, .health = tell_health};

    int rc = qr_rpc_server_new(&server, &program->server, err);
    if (rc == QR_OK)
        rc = qr_fleet_new(&fleet, program->server, &program->fleet, err);
    if (rc == QR_OK) {
        const struct qr_admin_config admin = {
            program->fleet,    &program->roots,  program->instance,     program->budgets,
            program->unserved, program->bridges, options->oldest_job_ms};
        rc = qr_admin_new(&admin, program->server, &program->admin, err);
    }
    if (rc == QR_OK)
        rc = qr_rpc_health_new(program->server, &program->health, err);
    if (rc == QR_OK)
        rc = qr_rpc_server_start(program->server, err);
    if (rc == QR_OK)
        rc = qr_http_new(&http, &sources, &program->http, err);
    if (rc == QR_OK)
        snprintf(program->instance, sizeof program->instance, "%s",
                 options->instance ? options->instance : qr_rpc_server_address(program->server));
    if (rc == QR_E_INVALID)
        rc = err->code = QR_E_USAGE; /* an address, as it was typed */
    return rc;
}

static int open_database(struct program *program, struct qr_err *err)
{
    const struct qr_coordinator_options *options = program->options;
    struct qr_db_events events = qr_fleet_db_events(program->fleet);
    int rc = QR_OK;

    program->database = options->database;
    if (options->embedded_postgres) {
        const struct qr_postgres_config postgres = {
            .dir = options->embedded_postgres,
            .bin_dir = options->postgres_bin,
            .max_connections = EMBEDDED_MAX_CONNECTIONS,
        };
        rc = qr_postgres_start(&postgres, &program->postgres, err);
        if (rc < 0)
            return rc;
        program->database = qr_postgres_url(program->postgres);
    }
    if (options->migrate)
        rc = qr_migrate_url(program->database, CONNECT_TIMEOUT_MS, NULL, err);
    if (rc < 0)
        return rc;
    const struct qr_db_config db = {
        .url = program->database,
        .settle_lanes = (unsigned)options->settle_lanes,
        .read_lanes = (unsigned)options->read_lanes,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .statement_timeout_ms = options->statement_timeout_ms,
        .ttl_ms = options->lease_ttl_ms,
        .instance = program->instance,
        .host = program->host,
        .budgets = program->budgets,
    };
    return qr_db_new(&db, &events, &program->db, err);
}

static int serve(struct program *program, struct qr_err *err)
{
    int rc = qr_fleet_start(program->fleet, program->db, err);
    if (rc == QR_OK)
        rc = qr_discover_start(program->db, &program->roots, &program->discover, err);
    if (rc == QR_OK)
        rc = qr_admin_start(program->admin, program->db, program->discover, err);
    if (rc < 0)
        return rc;
    program->totals = qr_totals_new();
    if (!program->totals)
        return qr_fail(err, QR_E_NOMEM, "no memory to start");
    atomic_store(&program->serving, true);
    qr_rpc_health_set(program->health, "", true);
    qr_rpc_health_set(program->health, "quarry.v1.Fleet", true);
    qr_rpc_health_set(program->health, "quarry.v1.Admin", true);
    qr_log(QR_LOG_INFO, "coordinator.ready",
           "grpc=%s http=%s instance=%s id=%" PRIu64 " roots=%zu version=" QUARRY_VERSION,
           qr_rpc_server_address(program->server), qr_http_address(program->http),
           program->instance, qr_db_coordinator_id(program->db), program->roots.n);
    printf("ready grpc=%s http=%s\n", qr_rpc_server_address(program->server),
           qr_http_address(program->http));
    fflush(stdout);
    return QR_OK;
}

/* ------------------------------------------------------------------ wait and stop */

static int wait_for_the_end(struct program *program, struct qr_err *err)
{
    struct pollfd fd = {.fd = qr_signal_fd(), .events = POLLIN};

    for (;;) {
        qr_totals_refresh(program->totals, program->db);
        qr_unserved_refresh(program->unserved, program->db);
        poll(&fd, 1, WATCH_MS);
        if (qr_signal_take() & (QR_SIGNAL_TERMINATE | QR_SIGNAL_INTERRUPT))
            return QR_OK;
        if (qr_db_is_replaced(program->db))
            return qr_fail(err, QR_E_DB,
                           "the database was restored while this coordinator ran; hint: start it "
                           "again, workers drop what they hold of the database before");
        if (program->postgres && !qr_postgres_is_running(program->postgres))
            return qr_fail(err, QR_E_DB,
                           "the private PostgreSQL in '%s' ended by itself; hint: its log is in "
                           "that folder, start the coordinator again to recover it",
                           program->options->embedded_postgres);
    }
}

/* Reverse order of the start; also after a start that failed half-way. */
static void stop(struct program *program)
{
    bool served = atomic_exchange(&program->serving, false);

    if (served)
        qr_log(QR_LOG_INFO, "coordinator.stopping", "instance=%s", program->instance);
    if (program->health) {
        qr_rpc_health_set(program->health, "", false);
        qr_rpc_health_set(program->health, "quarry.v1.Fleet", false);
        qr_rpc_health_set(program->health, "quarry.v1.Admin", false);
    }
    if (program->http)
        qr_http_stop(program->http);
    if (program->admin)
        qr_admin_stop(program->admin);
    qr_discover_stop(program->discover);
    if (program->fleet)
        qr_fleet_stop(program->fleet, program->options->stop_grace_ms);
    if (program->server)
        qr_rpc_server_stop(program->server, 1000);
    if (program->db)
        qr_db_stop(program->db, program->options->stop_grace_ms);
    qr_http_free(program->http);
    qr_rpc_server_free(program->server);
    qr_rpc_health_free(program->health);
    qr_admin_free(program->admin);
    qr_db_free(program->db);
    qr_discover_free(program->discover);
    qr_totals_free(program->totals);
    qr_bridges_free(program->bridges);
    qr_unserved_free(program->unserved);
    qr_fleet_free(program->fleet);
    qr_budgets_free(program->budgets);
    qr_postgres_stop(program->postgres, true);
    qr_roots_done(&program->roots);
    if (served)
        qr_log(QR_LOG_INFO, "coordinator.stopped", "instance=%s", program->instance);
}

/* Every worker is a connection: as many files as this process may have. */
static void allow_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        qr_log(QR_LOG_WARN, "coordinator.files", "limit=%llu was not raised",
               (unsigned long long)limit.rlim_max);
}

int qr_program_run(const struct qr_coordinator_options *options, struct qr_err *err)
{
    struct program *program = calloc(1, sizeof *program);
    int rc = QR_OK;

    if (!program)
        return qr_fail(err, QR_E_NOMEM, "no memory to start");
    program->options = options;
    allow_files();
    if (gethostname(program->host, sizeof program->host - 1) < 0)
        program->host[0] = '\0';
    program->budgets = qr_budgets_new();
    program->unserved = qr_unserved_new();
    program->bridges = qr_bridges_new();
    rc = program->budgets && program->unserved && program->bridges
             ? check_options(options, err)
             : qr_fail(err, QR_E_NOMEM, "no memory to start");
    if (rc == QR_OK)
        rc = qr_signal_init(err);
    if (rc == QR_OK)
        rc = add_roots(program, err);
    if (rc < 0) {
        qr_roots_done(&program->roots);
        qr_bridges_free(program->bridges);
        qr_unserved_free(program->unserved);
        qr_budgets_free(program->budgets);
        free(program);
        return rc;
    }
    qr_rpc_init();
    rc = listen_on_ports(program, err);
    if (rc == QR_OK)
        rc = open_database(program, err);
    if (rc == QR_OK)
        rc = serve(program, err);
    if (rc == QR_OK)
        rc = wait_for_the_end(program, err);
    stop(program);
    qr_rpc_shutdown();
    free(program);
    return rc;
}

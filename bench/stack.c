#include "bench/stack.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/cpu.h"
#include "common/clock.h"
#include "common/log.h"
#include "coordinator/postgres/postgres.h"
#include "quarry/v1/admin.pb-c.h"

enum { CALL_MS = 60000, STOP_MS = 30000, ARGS_MAX = 24 };

/* ------------------------------------------------------------------ PostgreSQL */

static pid_t postmaster_of(const char *cluster)
{
    char path[96];
    int pid = 0;

    snprintf(path, sizeof path, "%s/postmaster.pid", cluster);
    FILE *in = fopen(path, "re");
    if (!in)
        snprintf(path, sizeof path, "%s/data/postmaster.pid", cluster);
    if (!in)
        in = fopen(path, "re");
    if (in && fscanf(in, "%d", &pid) != 1)
        pid = 0;
    if (in)
        fclose(in);
    return (pid_t)pid;
}

/* Of a given server: the parent of a backend, where that is a process here. */
static pid_t postmaster_behind(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    pid_t pid = PQstatus(conn) == CONNECTION_OK ? (pid_t)PQbackendPID(conn) : 0;
    char path[64], name[32] = "";

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *in = pid > 0 ? fopen(path, "re") : NULL;
    if (!in || !fgets(name, sizeof name, in) || strcmp(name, "postgres\n") != 0)
        pid = 0;
    if (in)
        fclose(in);
    pid = pid > 0 ? qr_bench_parent(pid) : 0;
    PQfinish(conn);
    return pid;
}

int qr_bench_database_start(const char *url, struct qr_bench_database *ret, struct qr_err *err)
{
    char cluster[64];

    *ret = (struct qr_bench_database){.url = url, .dir = "/tmp/quarry-bench.XXXXXX"};
    if (url) {
        ret->pid = postmaster_behind(url);
        return QR_OK;
    }
    if (!mkdtemp(ret->dir) || chmod(ret->dir, 0755) < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "make '%s'", ret->dir);
    snprintf(cluster, sizeof cluster, "%s/pg", ret->dir);
    const struct qr_postgres_config config = {.dir = cluster};
    int rc = qr_postgres_start(&config, &ret->postgres, err);
    if (rc < 0)
        return rc;
    ret->url = qr_postgres_url(ret->postgres);
    ret->pid = postmaster_of(cluster);
    return QR_OK;
}

void qr_bench_database_stop(struct qr_bench_database *database)
{
    char command[64];

    if (!database->postgres)
        return;
    qr_postgres_stop(database->postgres, true);
    snprintf(command, sizeof command, "rm -rf '%s'", database->dir);
    if (system(command) != 0)
        fprintf(stderr, "bench: '%s' was not removed\n", database->dir);
    database->postgres = NULL;
}

char *qr_bench_ask(PGconn *conn, const char *sql, char *out, size_t size)
{
    PGresult *result = PQexec(conn, sql);

    snprintf(out, size, "%s",
             PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0
                 ? PQgetvalue(result, 0, 0)
                 : "");
    PQclear(result);
    return out;
}

double qr_bench_ask_number(PGconn *conn, const char *sql)
{
    char text[64];
    return strtod(qr_bench_ask(conn, sql, text, sizeof text), NULL);
}

void qr_bench_tables(PGconn *conn, char *json, size_t size)
{
    qr_bench_ask(
        conn,
        "SELECT json_object_agg(relname, json_build_object('bytes', pg_relation_size(relid), "
        "'index_bytes', pg_indexes_size(relid), 'dead', n_dead_tup) ORDER BY relname) "
        "FROM pg_stat_user_tables WHERE relname IN ('extraction_jobs', 'ready', "
        "'lease_batches', 'live_batches', 'job_events', 'run_stages', 'cloud_files')",
        json, size);
}

/* ------------------------------------------------------------------ the coordinator */

static void beside(const char *name, char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);
    path[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(path, '/');
    size_t at = slash ? (size_t)(slash - path) + 1 : 0;
    snprintf(path + at, size - at, "%s", name);
}

static bool word_behind(const char *line, const char *key, char *ret, size_t size)
{
    const char *at = strstr(line, key);
    size_t len = at ? strcspn(at + strlen(key), " \n") : 0;

    if (len == 0 || len >= size)
        return false;
    memcpy(ret, at + strlen(key), len);
    ret[len] = '\0';
    return true;
}

static int read_ready_line(int fd, struct qr_bench_coordinator *ret, struct qr_err *err)
{
    char line[512] = "";
    FILE *in = fdopen(fd, "r");
    bool ready = in && fgets(line, sizeof line, in) &&
                 word_behind(line, "grpc=", ret->address, sizeof ret->address) &&
                 word_behind(line, "http=", ret->http, sizeof ret->http);

    if (in)
        fclose(in);
    return ready ? QR_OK : qr_fail(err, QR_E_UNREACHABLE, "the coordinator did not get ready");
}

static void run_coordinator(const struct qr_bench_coordinator_config *config)
{
    char path[4096];
    size_t n = 0;

    beside("quarry-coordinator", path, sizeof path);
    const char *program = config->program ? config->program : path;
    const char *args[ARGS_MAX] = {program,       "--database",   config->url,
                                  "--listen",    config->listen, "--http",
                                  "127.0.0.1:0", "--log-level",  "warn"};
    if (!config->listen)
        args[4] = "127.0.0.1:0";
    while (args[n])
        n++;
    for (size_t i = 0; config->extra && config->extra[i] && n < ARGS_MAX - 1; i++)
        args[n++] = config->extra[i];
    execv(program, (char **)(uintptr_t)args);
    fprintf(stderr, "bench: run '%s': %s\n", program, strerror(errno));
    _exit(127);
}

int qr_bench_coordinator_start(const struct qr_bench_coordinator_config *config,
                               struct qr_bench_coordinator *ret, struct qr_err *err)
{
    int fds[2];

    *ret = (struct qr_bench_coordinator){.pid = 0};
    if (pipe(fds) < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "make a pipe");
    ret->pid = fork();
    if (ret->pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        run_coordinator(config);
    }
    close(fds[1]);
    if (ret->pid < 0) {
        ret->pid = 0;
        close(fds[0]);
        return qr_fail_errno(err, QR_E_LIMIT, errno, "start the coordinator");
    }
    return read_ready_line(fds[0], ret, err);
}

void qr_bench_coordinator_stop(struct qr_bench_coordinator *coordinator)
{
    if (coordinator->pid <= 0)
        return;
    kill(coordinator->pid, SIGTERM);
    for (int i = 0; i < STOP_MS / 100; i++) {
        if (waitpid(coordinator->pid, NULL, WNOHANG) == coordinator->pid) {
            coordinator->pid = 0;
            return;
        }
        qr_clock_sleep_ms(100);
    }
    qr_bench_coordinator_kill(coordinator);
}

void qr_bench_coordinator_kill(struct qr_bench_coordinator *coordinator)
{
    if (coordinator->pid <= 0)
        return;
    kill(coordinator->pid, SIGKILL);
    waitpid(coordinator->pid, NULL, 0);
    coordinator->pid = 0;
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

int qr_bench_create_run(struct qr_rpc_channel *channel, const char *name, int64_t *ret_id,
                        struct qr_err *err)
{
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;

    request.name = (char *)name;
    request.manual = true;
    int rc = call(channel, "/quarry.v1.Admin/CreateRun", &request.base,
                  &quarry__v1__create_run_reply__descriptor, &reply, err);
    if (rc == QR_OK) {
        *ret_id = ((Quarry__V1__CreateRunReply *)reply)->run->id;
        protobuf_c_message_free_unpacked(reply, NULL);
    }
    return rc;
}

int qr_bench_enqueue(struct qr_rpc_channel *channel, int64_t run_id, int64_t first, size_t n,
                     int64_t stamp_ns, struct qr_err *err)
{
    Quarry__V1__EnqueueRequest request = QUARRY__V1__ENQUEUE_REQUEST__INIT;
    Quarry__V1__NewJob *jobs = calloc(n, sizeof *jobs);
    Quarry__V1__NewJob **ptrs = calloc(n, sizeof *ptrs);
    char(*uris)[80] = calloc(n, sizeof *uris);
    ProtobufCMessage *reply = NULL;
    int rc = QR_OK;

    if (!jobs || !ptrs || !uris)
        rc = qr_fail(err, QR_E_NOMEM, "no memory for %zu jobs", n);
    for (size_t i = 0; rc == QR_OK && i < n; i++) {
        quarry__v1__new_job__init(&jobs[i]);
        int len = snprintf(uris[i], sizeof uris[i], "noop:%" PRId64 "/%" PRId64, run_id,
                           first + (int64_t)i);
        if (stamp_ns != 0)
            snprintf(uris[i] + len, sizeof uris[i] - (size_t)len, "@%" PRId64, stamp_ns);
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

/* ------------------------------------------------------------------ main */

int qr_bench_main(const struct qr_options *bench, int argc, char **argv, void *options,
                  char *const *url,
                  int (*run)(const void *options, const struct qr_bench_database *database,
                             struct qr_err *err))
{
    struct qr_bench_database database;
    struct qr_err err = {0};
    int exit_code = 0;

    if (!qr_options_main(bench, argc, argv, options, NULL, &exit_code))
        return exit_code;
    qr_log_init(bench->program, QR_LOG_WARN);
    int rc = qr_bench_database_start(*url, &database, &err);
    if (rc == QR_OK)
        rc = run(options, &database, &err);
    qr_bench_database_stop(&database);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", bench->program, err.msg);
    qr_options_done(bench, options);
    return qr_err_exit_code(rc);
}

/* ------------------------------------------------------------------ figures */

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

double qr_bench_percentile(int64_t *values, size_t n, double share)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, by_time);
    size_t at = (size_t)(share * (double)n);
    return (double)values[at < n ? at : n - 1];
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double qr_bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    if (n == 0)
        return 0;
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

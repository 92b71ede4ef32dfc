#include "tests/unit/coordinator/db/fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "coordinator/engine/budget.h"

struct qr_postgres *fx_cluster;
static char cluster_dir[64];

/* ------------------------------------------------------------------ the cluster */

static void start_cluster(void)
{
    struct qr_err err = {0};
    const struct qr_postgres_config config = {.dir = cluster_dir};
    assert_ok(qr_postgres_start(&config, &fx_cluster, &err), &err);
}

int fx_cluster_start_empty(void **state)
{
    (void)state;
    snprintf(cluster_dir, sizeof cluster_dir, "/tmp/quarry-db-XXXXXX");
    if (!mkdtemp(cluster_dir))
        return -1;
    start_cluster();
    return 0;
}

int fx_cluster_start(void **state)
{
    struct qr_err err = {0};

    if (fx_cluster_start_empty(state) < 0)
        return -1;
    assert_ok(qr_migrate_url(qr_postgres_url(fx_cluster), 0, NULL, &err), &err);
    return 0;
}

int fx_cluster_stop(void **state)
{
    char command[128];

    (void)state;
    qr_postgres_stop(fx_cluster, true);
    snprintf(command, sizeof command, "rm -rf '%s'", cluster_dir);
    return system(command);
}

void fx_cluster_crash(void)
{
    kill(qr_postgres_pid(fx_cluster), SIGQUIT); /* immediate: as after a power cut */
    while (qr_postgres_is_running(fx_cluster))
        qr_clock_sleep_ms(10);
    qr_postgres_stop(fx_cluster, true);
    start_cluster();
}

/* ------------------------------------------------------------------ answers */

static struct fx *begin_answer(void *ctx)
{
    struct fx *fx = ctx;
    pthread_mutex_lock(&fx->lock);
    return fx;
}

static void end_answer(struct fx *fx)
{
    pthread_cond_broadcast(&fx->wake);
    pthread_mutex_unlock(&fx->lock);
}

static void on_hello(void *ctx, const struct qr_db_hello_reply *reply)
{
    struct fx *fx = begin_answer(ctx);
    fx->hello = *reply;
    assert_true(reply->n_kept <= QR_COUNT(fx->kept));
    if (reply->n_kept > 0)
        memcpy(fx->kept, reply->kept, reply->n_kept * sizeof *reply->kept);
    fx->hello.kept = fx->kept;
    fx->hellos++;
    end_answer(fx);
}

static void on_claim(void *ctx, const struct qr_db_claim_reply *reply)
{
    struct fx *fx = begin_answer(ctx);
    fx->claim = *reply;
    fx->claim.offers = NULL;
    fx->claims++;
    fx->n_leases = 0;
    for (size_t i = 0; i < reply->n_offers && fx->n_leases < FX_LEASES_MAX; i++) {
        struct fx_lease *lease = &fx->leases[fx->n_leases++];
        lease->lease_id = reply->offers[i].lease_id;
        lease->job_id = reply->offers[i].job_id;
        lease->run_id = reply->offers[i].run_id;
        lease->attempt = reply->offers[i].attempt;
        lease->alone = reply->offers[i].alone;
        snprintf(lease->uri, sizeof lease->uri, "%s", reply->offers[i].uri);
        lease->checkpoint_number = reply->offers[i].checkpoint_number;
        lease->part_bytes = reply->offers[i].part_bytes;
        snprintf(lease->checkpoint, sizeof lease->checkpoint, "%.*s",
                 (int)reply->offers[i].checkpoint_len,
                 reply->offers[i].checkpoint ? (const char *)reply->offers[i].checkpoint : "");
        snprintf(lease->options, sizeof lease->options, "%s",
                 reply->offers[i].options_json ? reply->offers[i].options_json : "");
    }
    end_answer(fx);
}

static void on_returned(void *ctx, const struct qr_db_return_reply *reply)
{
    struct fx *fx = begin_answer(ctx);
    fx->returned = *reply;
    fx->returned.leases = NULL;
    fx->returns++;
    end_answer(fx);
}

static void on_settled(void *ctx, struct qr_settle *const *settles, size_t n,
                       enum qr_db_status status)
{
    struct fx *fx = begin_answer(ctx);
    (void)settles;
    fx->settled += n;
    fx->settle_status = status;
    end_answer(fx);
}

static void on_checkpointed(void *ctx, struct qr_checkpoint *checkpoint, enum qr_db_status status)
{
    struct fx *fx = begin_answer(ctx);
    fx->checkpoint_status = status;
    fx->checkpoint_stale = checkpoint->stale;
    fx->checkpoint_stands = checkpoint->stands;
    fx->checkpointed++;
    end_answer(fx);
    qr_checkpoint_free(checkpoint);
}

static void on_renewed(void *ctx, bool ok)
{
    struct fx *fx = begin_answer(ctx);
    *(ok ? &fx->renewals_ok : &fx->renewals_failed) += 1;
    end_answer(fx);
}

static void on_adopted(void *ctx, const struct qr_adopted *adopted)
{
    struct fx *fx = begin_answer(ctx);
    fx->last_adopted = *adopted;
    assert_true(adopted->n_leases <= QR_COUNT(fx->adopted_leases));
    if (adopted->n_leases > 0)
        memcpy(fx->adopted_leases, adopted->leases, adopted->n_leases * sizeof *adopted->leases);
    fx->last_adopted.leases = fx->adopted_leases;
    fx->adopted++;
    end_answer(fx);
}

static void on_stops(void *ctx, const struct qr_stops *stops)
{
    struct fx *fx = begin_answer(ctx);
    fx->n_stop_jobs = stops->n_jobs < 64 ? stops->n_jobs : 64;
    fx->n_stop_runs = stops->n_runs < 64 ? stops->n_runs : 64;
    fx->n_stop_drains = stops->n_drains < 64 ? stops->n_drains : 64;
    memcpy(fx->stop_jobs, stops->jobs, fx->n_stop_jobs * sizeof *stops->jobs);
    memcpy(fx->stop_runs, stops->runs, fx->n_stop_runs * sizeof *stops->runs);
    memcpy(fx->stop_drains, stops->drains, fx->n_stop_drains * sizeof *stops->drains);
    fx->stops++;
    end_answer(fx);
}

static void on_work(void *ctx, qr_type_id type)
{
    struct fx *fx = begin_answer(ctx);
    (void)type;
    fx->work_available++;
    end_answer(fx);
}

uint64_t fx_count(struct fx *fx, const uint64_t *counter)
{
    pthread_mutex_lock(&fx->lock);
    uint64_t value = *counter;
    pthread_mutex_unlock(&fx->lock);
    return value;
}

void fx_wait(struct fx *fx, const uint64_t *counter, uint64_t want)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    pthread_mutex_lock(&fx->lock);
    while (*counter < want)
        if (pthread_cond_timedwait(&fx->wake, &fx->lock, &until) != 0)
            fail_msg("no answer within a minute");
    pthread_mutex_unlock(&fx->lock);
}

/* ------------------------------------------------------------------ coordinators */

static struct fx *fx_new_with(int64_t ttl_ms, int64_t statement_timeout_ms)
{
    struct qr_err err = {0};
    struct fx *fx = calloc(1, sizeof *fx);
    struct qr_budgets *budgets = qr_budgets_new();
    const struct qr_db_config config = {
        .url = qr_postgres_url(fx_cluster),
        .budgets = budgets,
        .ttl_ms = ttl_ms,
        .statement_timeout_ms = statement_timeout_ms,
        .instance = "test",
        .host = "here",
    };
    const struct qr_db_events events = {.ctx = fx,
                                        .hello = on_hello,
                                        .claim = on_claim,
                                        .returned = on_returned,
                                        .settled = on_settled,
                                        .checkpointed = on_checkpointed,
                                        .renewed = on_renewed,
                                        .adopted = on_adopted,
                                        .stops = on_stops,
                                        .work_available = on_work};
    assert_non_null(fx);
    fx->budgets = budgets;
    pthread_mutex_init(&fx->lock, NULL);
    pthread_cond_init(&fx->wake, NULL);
    assert_ok(qr_db_new(&config, &events, &fx->db, &err), &err);
    return fx;
}

struct fx *fx_new_ttl(int64_t ttl_ms) { return fx_new_with(ttl_ms, 0); }
struct fx *fx_new_timeout(int64_t statement_timeout_ms)
{
    return fx_new_with(8000, statement_timeout_ms);
}
struct fx *fx_new(void) { return fx_new_ttl(8000); }

void fx_free(struct fx *fx)
{
    qr_db_stop(fx->db, 5000);
    qr_db_free(fx->db);
    qr_budgets_free(fx->budgets);
    pthread_mutex_destroy(&fx->lock);
    pthread_cond_destroy(&fx->wake);
    free(fx);
}

int fx_setup(void **state)
{
    /* what other tests left over */
    fx_sql("DELETE FROM ready; DELETE FROM delayed;"
           "UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL");
    *state = fx_new();
    return 0;
}

int fx_teardown(void **state)
{
    fx_free(*state);
    return 0;
}

struct qr_conn *fx_conn(void) { return fx_conn_of(NULL); }

struct qr_conn *fx_conn_of(const struct fx *fx)
{
    struct qr_err err = {0};
    struct qr_conn *conn = NULL;
    const struct qr_conn_config config = {.url = qr_postgres_url(fx_cluster),
                                          .lane = "test",
                                          .db = fx ? fx->db : NULL,
                                          .connect_timeout_ms = 10000,
                                          .statement_timeout_ms = 60000};
    assert_ok(qr_conn_open(&config, &conn, &err), &err);
    return conn;
}

static int64_t query(const char *fmt, va_list args)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    QR_AUTO_RESULT result = NULL;
    char text[4000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(text, sizeof text, fmt, args);
#pragma GCC diagnostic pop
    assert_ok(qr_conn_query(conn, text, &result, &err), &err);
    if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0))
        return -1;
    const char *value = PQgetvalue(result, 0, 0);
    return value[0] == 't' ? 1 : value[0] == 'f' ? 0 : strtoll(value, NULL, 10);
}

int64_t fx_i64(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int64_t value = query(fmt, args);
    va_end(args);
    return value;
}

void fx_sql(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    query(fmt, args);
    va_end(args);
}

/* ------------------------------------------------------------------ runs */

uint64_t fx_enqueue(int64_t run_id, const char *prefix, size_t first, size_t n, const char *type,
                    int priority)
{
    struct qr_err err = {0};
    struct qr_enqueue_result result = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    struct qr_new_job *jobs = calloc(n + 1, sizeof *jobs);
    char(*uris)[100] = calloc(n + 1, sizeof *uris);

    assert_non_null(jobs);
    assert_non_null(uris);
    for (size_t i = 0; i < n; i++) {
        snprintf(uris[i], sizeof uris[i], "root://t/%s/%zu", prefix, first + i);
        jobs[i] = (struct qr_new_job){.uri = uris[i], .type = type, .priority = priority};
    }
    assert_ok(qr_enqueue(conn, run_id, jobs, n, &result, &err), &err);
    free(jobs);
    free(uris);
    return result.inserted;
}

void fx_wait_run(int64_t run_id, const char *status)
{
    int64_t end = qr_clock_ms() + 60000;

    while (fx_i64("SELECT (status = '%s')::int FROM runs WHERE id = %lld", status,
                  (long long)run_id) != 1) {
        if (qr_clock_ms() > end)
            fail_msg("run %lld is not %s after a minute", (long long)run_id, status);
        qr_clock_sleep_ms(20);
    }
}

int64_t fx_run(const char *name, size_t n)
{
    struct qr_err err = {0};
    QR_AUTO(qr_conn) conn = fx_conn();
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    Quarry__V1__CreateRunReply *reply = NULL;

    request.name = (char *)(uintptr_t)name;
    request.manual = true;
    assert_ok(qr_run_create(conn, &request, &reply, &err), &err);
    int64_t id = reply->run->id;
    quarry__v1__create_run_reply__free_unpacked(reply, NULL);
    for (size_t done = 0; done < n; done += 10000) {
        size_t part = n - done < 10000 ? n - done : 10000;
        assert_int_equal(fx_enqueue(id, name, done, part, "text", 0), part);
    }
    return id;
}

/* ------------------------------------------------------------------ sessions */

const struct qr_db_hello_reply *fx_hello(struct fx *fx, const char *worker, int tag,
                                         uint64_t counter, const struct qr_lease_ref *running,
                                         size_t n_running, const struct qr_lease_ref *spooled,
                                         size_t n_spooled)
{
    static const char *const roots[] = {"t"};
    qr_type_id types[] = {qr_type_intern("text")};
    struct qr_hello hello = {
        .worker_id = worker,
        .start_counter = counter,
        .stream_number = fx->stream_number,
        .host = "h",
        .os = "linux",
        .arch = "x86_64",
        .version = "1",
        .labels_json = "{\"rack\":\"7\"}",
        .roots = roots,
        .n_roots = 1,
        .types = types,
        .n_types = 1,
        .slots = 4,
        .running = running,
        .n_running = n_running,
        .spooled = spooled,
        .n_spooled = n_spooled,
        .earlier_starts = fx->starts,
        .n_earlier_starts = fx->n_starts,
    };
    const struct qr_db_hello request = {.token = 7, .hello = &hello, .recover = fx->recover};
    uint64_t before = fx_count(fx, &fx->hellos);

    memset(hello.session, tag, sizeof hello.session);
    memcpy(hello.session + 1, worker, strnlen(worker, 12));
    qr_db_hello(fx->db, &request);
    fx_wait(fx, &fx->hellos, before + 1);
    return &fx->hello;
}

uint64_t fx_session(struct fx *fx, const char *worker, int tag)
{
    const struct qr_db_hello_reply *reply = fx_hello(fx, worker, tag, 1, NULL, 0, NULL, 0);
    assert_int_equal(reply->status, QR_DB_DONE);
    assert_int_equal(reply->outcome, QR_HELLO_WELCOME);
    return reply->session_pk;
}

size_t fx_claim_type(struct fx *fx, uint64_t session_pk, uint64_t attach, const char *type,
                     uint32_t want)
{
    static const char *const roots[] = {"t"};
    const struct qr_type_count wanted = {qr_type_intern(type), want};
    const struct qr_db_claim request = {
        .token = 9,
        .session_pk = session_pk,
        .attach = attach,
        .want = &wanted,
        .n_want = 1,
        .want_total = want,
        .roots = roots,
        .n_roots = 1,
    };
    uint64_t before = fx_count(fx, &fx->claims);

    qr_db_claim(fx->db, &request);
    fx_wait(fx, &fx->claims, before + 1);
    return fx->n_leases;
}

size_t fx_claim(struct fx *fx, uint64_t session_pk, uint64_t attach, uint32_t want)
{
    return fx_claim_type(fx, session_pk, attach, "text", want);
}

enum qr_db_status fx_return(struct fx *fx, uint64_t session_pk, uint64_t attach,
                            enum qr_return_reason reason, uint64_t lease_id, uint64_t job_id)
{
    const struct qr_lease_ref lease = {lease_id, job_id};
    const struct qr_db_return request = {.session_pk = session_pk,
                                         .attach = attach,
                                         .reason = reason,
                                         .leases = &lease,
                                         .n_leases = 1};
    uint64_t before = fx_count(fx, &fx->returns);

    qr_db_return(fx->db, &request);
    fx_wait(fx, &fx->returns, before + 1);
    return fx->returned.status;
}

int64_t fx_checkpoint(struct fx *fx, const struct fx_lease *lease, uint64_t session_pk,
                      uint64_t number, bool anew, const char *state, const void *part,
                      size_t part_len)
{
    struct qr_checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    uint64_t before = fx_count(fx, &fx->checkpointed);

    assert_non_null(checkpoint);
    *checkpoint = (struct qr_checkpoint){.lease_id = lease->lease_id,
                                         .job_id = lease->job_id,
                                         .session_pk = session_pk,
                                         .number = number,
                                         .anew = anew,
                                         .data = (uint8_t *)strdup(state),
                                         .data_len = strlen(state),
                                         .part = malloc(part_len + 1),
                                         .part_len = part_len};
    if (part_len > 0)
        memcpy(checkpoint->part, part, part_len);
    qr_db_checkpoint(fx->db, checkpoint);
    fx_wait(fx, &fx->checkpointed, before + 1);
    assert_int_equal(fx->checkpoint_status, QR_DB_DONE);
    return fx->checkpoint_stale ? -1 : (int64_t)fx->checkpoint_stands;
}

/* ------------------------------------------------------------------ results */

struct qr_settle *fx_result(uint64_t lease_id, uint64_t job_id, uint64_t session_pk,
                            enum qr_class error)
{
    struct qr_settle *settle = calloc(1, sizeof *settle);

    assert_non_null(settle);
    settle->lease_id = lease_id;
    settle->job_id = job_id;
    settle->session_pk = session_pk;
    settle->error_class = error;
    settle->message = error == QR_CLASS_NONE ? NULL : strdup("it broke");
    settle->duration_ms = 12;
    return settle;
}

void fx_settle_many(struct fx *fx, struct qr_settle **settles, struct qr_settle *answers, size_t n)
{
    uint64_t before = fx_count(fx, &fx->settled);

    for (size_t i = 0; i < n; i++)
        qr_db_settle(fx->db, settles[i]);
    fx_wait(fx, &fx->settled, before + n);
    for (size_t i = 0; i < n; i++) {
        answers[i] = *settles[i];
        free(settles[i]->message);
        free(settles[i]->record);
        free(settles[i]->found);
        free(settles[i]);
    }
}

struct qr_settle fx_settle(struct fx *fx, struct qr_settle *settle)
{
    struct qr_settle answer;
    fx_settle_many(fx, &settle, &answer, 1);
    return answer;
}

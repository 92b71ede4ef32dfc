/* bench_rescue: how soon a dead worker's jobs start elsewhere.
 *
 *     bench_rescue [--database URL] [--jobs N] [--rounds N] [--coordinator PATH]
 *
 * One worker holds all jobs and dies: by SIGKILL (its connection closes) or by SIGSTOP (its host
 * has gone silent, the connection stays). Others wait idle, at the same coordinator or at another
 * one of the same database. Counted from the death to the arrival of the last of its jobs at them;
 * at most ttl + 2 s is wanted. Last line: JSON.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/noop_fleet.h"
#include "bench/stack.h"
#include "common/clock.h"
#include "common/options.h"

enum { TTL_MS = 8000, WAIT_MS = 60000, CASES = 4, ROUNDS_MAX = 99 };

struct options {
    char *database, *coordinator;
    int64_t jobs, rounds;
};

#define AT(field) offsetof(struct options, field)
/* clang-format off */
static const struct qr_option table[] = {
    {"database",    0, QR_OPT_STR, AT(database),    NULL, 0, 0,          0, "URL",  "PostgreSQL to use; without it a private one is made and thrown away", NULL},
    {"coordinator", 0, QR_OPT_STR, AT(coordinator), NULL, 0, 0,          0, "PATH", "quarry-coordinator to run; without it the one beside this program", NULL},
    {"jobs",        0, QR_OPT_INT, AT(jobs),        "32", 1, 256,        0, "N",    "jobs that the worker holds when it dies", NULL},
    {"rounds",      0, QR_OPT_INT, AT(rounds),      "3",  1, ROUNDS_MAX, 0, "N",    "rounds of all cases; the worst counts", NULL},
    {0},
};
/* clang-format on */

static const struct qr_options bench_options = {
    .program = "bench_rescue",
    .summary = "how soon a dead worker's jobs start elsewhere",
    .usage = "[OPTION]...",
    .table = table,
};

static const struct {
    const char *key, *text;
    int signal;
    bool elsewhere;
} cases[CASES] = {
    {"killed", "killed, others at the same coordinator", SIGKILL, false},
    {"silent", "silent, others at the same coordinator", SIGSTOP, false},
    {"killed_two", "killed, others at another coordinator", SIGKILL, true},
    {"silent_two", "silent, others at another coordinator", SIGSTOP, true},
};

struct stand {
    struct qr_bench_coordinator here, there;
    struct qr_rpc_channel *channel;
    int64_t run_id, next_job;
    uint64_t seed; /* of pauses */
};

static int wait_for_offers(const struct qr_noop_fleet *fleet, uint64_t n,
                           struct qr_noop_fleet_counts *ret, struct qr_err *err)
{
    for (int64_t until = qr_clock_ms() + WAIT_MS;;) {
        qr_noop_fleet_counts(fleet, ret);
        if (ret->offered >= n)
            return QR_OK;
        if (qr_clock_ms() > until)
            return qr_fail(err, QR_E_TIMEOUT, "%" PRIu64 " of %" PRIu64 " jobs were offered",
                           ret->offered, n);
        qr_clock_sleep_ms(1);
    }
}

static int start_workers(const struct options *options, const struct qr_bench_coordinator *at,
                         unsigned n, bool hold, struct qr_noop_fleet **ret, struct qr_err *err)
{
    const struct qr_noop_fleet_config config = {
        .coordinator = at->address,
        .streams = n,
        .slots = (unsigned)options->jobs,
        .credits = (unsigned)options->jobs,
        .type = "noop",
        .hold = hold,
    };
    int rc = qr_noop_fleet_start(&config, ret, err);

    return rc < 0 ? rc : qr_noop_fleet_wait_welcomed(*ret, n, WAIT_MS, err);
}

static int run_case(const struct options *options, struct stand *stand, int number, double *ret_s,
                    struct qr_err *err)
{
    struct qr_noop_fleet *victim = NULL, *others = NULL;
    struct qr_noop_fleet_counts counts;
    uint64_t jobs = (uint64_t)options->jobs;

    int rc = start_workers(options, &stand->here, 1, true, &victim, err);
    if (rc == QR_OK)
        rc = qr_bench_enqueue(stand->channel, stand->run_id, stand->next_job, (size_t)options->jobs,
                              0, err);
    stand->next_job += options->jobs;
    if (rc == QR_OK)
        rc = wait_for_offers(victim, jobs, &counts, err);
    if (rc == QR_OK)
        rc = start_workers(options, cases[number].elsewhere ? &stand->there : &stand->here, 4,
                           false, &others, err);
    if (rc == QR_OK) {
        stand->seed = stand->seed * 6364136223846793005U + 1442695040888963407U;
        qr_clock_sleep_ms(3000 + (int64_t)(stand->seed >> 40) % 2000); /* between two beats */
        int64_t died_ns = qr_clock_ns();
        kill(qr_noop_fleet_pid(victim), cases[number].signal);
        rc = wait_for_offers(others, jobs, &counts, err);
        *ret_s = (double)(counts.last_offer_ns - died_ns) / 1e9;
    }
    if (victim)
        kill(qr_noop_fleet_pid(victim), SIGKILL);
    qr_noop_fleet_free(others);
    qr_noop_fleet_free(victim);
    return rc;
}

static int run_rounds(const struct options *options, struct stand *stand, double worst[CASES],
                      struct qr_err *err)
{
    int rc = QR_OK;

    for (int i = 0; rc == QR_OK && i < options->rounds; i++)
        for (int k = 0; rc == QR_OK && k < CASES; k++) {
            double seconds = 0;
            rc = run_case(options, stand, k, &seconds, err);
            if (rc == QR_OK)
                printf("%-44s %8.2f s\n", cases[k].text, seconds);
            fflush(stdout);
            if (seconds > worst[k])
                worst[k] = seconds;
        }
    return rc;
}

static int run(const void *arg, const struct qr_bench_database *database, struct qr_err *err)
{
    const struct options *options = arg;
    const struct qr_bench_coordinator_config start = {.program = options->coordinator,
                                                      .url = database->url};
    struct stand stand = {.channel = NULL};
    double worst[CASES] = {0};

    int rc = qr_bench_coordinator_start(&start, &stand.here, err);
    if (rc == QR_OK)
        rc = qr_bench_coordinator_start(&start, &stand.there, err);
    if (rc == QR_OK)
        rc = qr_rpc_channel_new(stand.here.address, NULL, &stand.channel, err);
    if (rc == QR_OK)
        rc = qr_bench_create_run(stand.channel, "bench-rescue", &stand.run_id, err);
    if (rc == QR_OK)
        rc = run_rounds(options, &stand, worst, err);
    if (rc == QR_OK) {
        printf("{\"bench\": \"rescue\", \"ttl_s\": %.1f", TTL_MS / 1000.0);
        for (int k = 0; k < CASES; k++)
            printf(", \"%s_s\": %.2f", cases[k].key, worst[k]);
        printf(", \"limit_s\": %.1f, \"jobs\": %" PRId64 ", \"rounds\": %" PRId64 "}\n",
               TTL_MS / 1000.0 + 2, options->jobs, options->rounds);
    }
    qr_rpc_channel_free(stand.channel);
    qr_bench_coordinator_stop(&stand.there);
    qr_bench_coordinator_stop(&stand.here);
    return rc;
}

int main(int argc, char **argv)
{
    struct options options = {0};

    return qr_bench_main(&bench_options, argc, argv, &options, &options.database, run);
}

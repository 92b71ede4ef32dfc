/* quarry-creo-sim: a Creo service that is none. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "cadbridge/sim/serve.h"
#include "common/log.h"
#include "common/options.h"
#include "common/os/signal.h"
#include "common/rpc/rpc.h"

struct sim_options {
    char *listen, *models, *status, *log_level;
    double fail_rate, hang_rate, half_rate, wrong_rate, garbage_rate, empty_rate;
    int64_t latency_ms, slow_start_ms, crash_after, seed;
};

#define AT(field) offsetof(struct sim_options, field)
#define PAGE "docs/bridge.md"

/* clang-format off */
static const struct qr_option table[] = {
    {"listen",       0, QR_OPT_STR,  AT(listen),        "127.0.0.1:7430", 0, 0, 0, "HOST:PORT", "address to serve; port 0 picks a free one", PAGE},
    {"models",       0, QR_OPT_STR,  AT(models),        NULL,  0, 0,       0, "DIR",      "descriptions of models, NAME.prt.json; others are made up from their names", PAGE},
    {"fail-rate",    0, QR_OPT_REAL, AT(fail_rate),     "0",   0, 1,       0, "SHARE",    "calls that fail with --status", PAGE},
    {"status",       0, QR_OPT_STR,  AT(status),        "unavailable", 0, 0, QR_OPT_CHOICE, "unavailable|internal|exhausted|unknown|aborted|timeout|not_found|invalid_argument|permission_denied|failed_precondition|unsupported|data_loss", "how they fail", PAGE},
    {"latency",      0, QR_OPT_MSEC, AT(latency_ms),    "0ms", 0, 3600000, 0, "DURATION", "time before an answer begins", PAGE},
    {"hang-rate",    0, QR_OPT_REAL, AT(hang_rate),     "0",   0, 1,       0, "SHARE",    "calls that are never answered", PAGE},
    {"half-rate",    0, QR_OPT_REAL, AT(half_rate),     "0",   0, 1,       0, "SHARE",    "answers that stop in the middle", PAGE},
    {"wrong-model-rate", 0, QR_OPT_REAL, AT(wrong_rate), "0",  0, 1,       0, "SHARE",    "answers about another model", PAGE},
    {"garbage-rate", 0, QR_OPT_REAL, AT(garbage_rate),  "0",   0, 1,       0, "SHARE",    "answers that are no messages", PAGE},
    {"empty-rate",   0, QR_OPT_REAL, AT(empty_rate),    "0",   0, 1,       0, "SHARE",    "answers with nothing in them", PAGE},
    {"crash-after",  0, QR_OPT_INT,  AT(crash_after),   "0",   0, 1e15,    0, "N",        "end the process in the N-th call; 0: never", PAGE},
    {"slow-start",   0, QR_OPT_MSEC, AT(slow_start_ms), "0ms", 0, 3600000, 0, "DURATION", "listen at once, but serve only after this time", PAGE},
    {"seed",         0, QR_OPT_INT,  AT(seed),          "1",   0, 9e15,    0, "N",        "of the faults and of what is made up", PAGE},
    {"log-level",    0, QR_OPT_STR,  AT(log_level),     "info", 0, 0, QR_OPT_CHOICE, "debug|info|warn|error", "how much to log", PAGE},
    {0},
};
/* clang-format on */

static const struct qr_options options = {
    .program = "quarry-creo-sim",
    .summary =
        "a SIMULATOR of a Creo service, for tests and demonstrations; its models are made up",
    .usage = "[OPTION]...",
    .examples = "  quarry-creo-sim --listen 127.0.0.1:7430 --models ./models --fail-rate 0.15\n"
                "  quarry-creo-sim --fail-rate 0.3 --status internal --latency 20ms --seed 7\n",
    .table = table,
};

static int serve(const struct sim_options *given, struct qr_err *err)
{
    const struct qr_sim_config config = {
        .listen = given->listen,
        .models = given->models,
        .seed = (uint64_t)given->seed,
        .slow_start_ms = given->slow_start_ms,
        .crash_after = (uint64_t)given->crash_after,
        .faults = {.fail_rate = given->fail_rate,
                   .status = qr_sim_status_of(given->status),
                   .half_rate = given->half_rate,
                   .wrong_model_rate = given->wrong_rate,
                   .garbage_rate = given->garbage_rate,
                   .empty_rate = given->empty_rate,
                   .hang_rate = given->hang_rate,
                   .latency_ms = given->latency_ms},
    };
    QR_AUTO(qr_sim) sim = NULL;
    struct pollfd fd = {.events = POLLIN};

    int rc = qr_signal_init(err);
    if (rc == QR_OK)
        rc = qr_sim_new(&config, &sim, err);
    if (rc < 0)
        return rc;
    qr_log(QR_LOG_INFO, "sim.serving",
           "detail=\"THIS IS A SIMULATOR, not Creo: what it says about models is made up\" "
           "address=%s models=\"%s\"",
           qr_sim_address(sim), given->models ? given->models : "");
    printf("ready grpc=%s simulator=yes\n", qr_sim_address(sim));
    fflush(stdout);
    fd.fd = qr_signal_fd();
    while (qr_signal_take() == 0)
        poll(&fd, 1, -1);
    qr_log(QR_LOG_INFO, "sim.stopped", "calls=%" PRIu64, qr_sim_calls(sim));
    return QR_OK;
}

int main(int argc, char **argv)
{
    struct sim_options given = {0};
    enum qr_log_level level = QR_LOG_INFO;
    struct qr_err err = {0};
    int exit_code = 0;

    qr_log_init("quarry-creo-sim", level);
    if (!qr_options_main(&options, argc, argv, &given, NULL, &exit_code))
        return exit_code;
    if (qr_log_level_parse(given.log_level, &level))
        qr_log_init("quarry-creo-sim", level);
    qr_rpc_init();
    int rc = serve(&given, &err);
    if (rc < 0)
        fprintf(stderr, "quarry-creo-sim: %s\n", err.msg);
    qr_rpc_shutdown();
    qr_options_done(&options, &given);
    return qr_err_exit_code(rc);
}

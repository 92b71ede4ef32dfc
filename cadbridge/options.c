#include "cadbridge/options.h"

#define AT(field) offsetof(struct qr_bridge_options, field)
#define PAGE "docs/bridge.md"

/* clang-format off */
static const struct qr_option table[] = {
    /* name            letter type     where                 default min    max      flags value           help */
    {"creo",             0, QR_OPT_STR,  AT(creo),            NULL,   0,     0,       0, "grpc://HOST:PORT|creoson+http://HOST:PORT", "the service in front of Creo; without it every model comes from an export", PAGE},
    {"json-dir",         0, QR_OPT_STR,  AT(json),            NULL,   0,     0,       0, "DIR|ZIP|URL",  "exports of models, NAME.prt.json, used when the service fails", PAGE},
    {"calls",            0, QR_OPT_INT,  AT(calls),           "10",   1,     256,     0, "N",            "models at a time, each a call or an import", PAGE},
    {"threshold",        0, QR_OPT_REAL, AT(threshold),       "0.10", 0.001, 0.999,   0, "SHARE",        "the breaker opens when surely more calls fail than this share", PAGE},
    {"call-deadline",    0, QR_OPT_MSEC, AT(deadline_ms),     "5m",   100,   86400000, 0, "DURATION",    "time a call has; never more than nine tenths of the job's budget", PAGE},
    {"cool-down",        0, QR_OPT_MSEC, AT(cooldown_ms),     "5s",   10,    3600000, 0, "DURATION",     "the breaker stays open so long at first; doubled while it flaps", PAGE},
    {"cool-down-max",    0, QR_OPT_MSEC, AT(cooldown_max_ms), "5m",   10,    86400000, 0, "DURATION",    "and at most so long", PAGE},
    {"wait-limit",       0, QR_OPT_MSEC, AT(wait_limit_ms),   "1h",   0,     604800000, 0, "DURATION",   "a job without an export waits at most so long in all for the service, then it fails", PAGE},
    {"points",           0, QR_OPT_INT,  AT(points),          "2048", 0,     1000000, 0, "N",            "points of the cloud that is asked of the service; 0: as it likes", PAGE},
    {"max-file-size",    0, QR_OPT_SIZE, AT(max_file_bytes),  "2G",   1,     0x1p44,  0, "SIZE",         "larger files fail", PAGE},
    {"memory-limit",     0, QR_OPT_SIZE, AT(memory_bytes),    "1G",   67108864, 0x1p44, 0, "SIZE",       "memory of one importing process", PAGE},
    {0},
};
/* clang-format on */

const struct qr_options qr_bridge_options = {
    .program = "quarry-cadbridge",
    .summary = "a worker for Creo models: asks a Creo service, imports exports when that fails",
    .usage = "[--creo ADDRESS] [--json-dir DIR] --root NAME=DIR [OPTION]...",
    .examples =
        "  quarry-cadbridge --creo grpc://creo1:7430 --json-dir /srv/exports --root cad=/srv/cad\n"
        "  quarry-cadbridge --creo creoson+http://creo1:9056 --root cad=/srv/cad --calls 1\n"
        "  quarry-cadbridge --json-dir /srv/exports.zip --root cad=/srv/cad\n",
    .table = table,
    .shared = qr_station_option_rows,
};

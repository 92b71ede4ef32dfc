#include "coordinator/options.h"

#define AT(field) offsetof(struct qr_coordinator_options, field)

/* clang-format off */
static const struct qr_option table[] = {
    /* name                 letter type   at                     default           min    max        flags          arg          help, page */
    {"embedded-postgres", 0, QR_OPT_STR,  AT(embedded_postgres), NULL,             0,     0,         0,             "DIR",       "start and own a private PostgreSQL cluster in this folder", "docs/database.md"},
    {"postgres-bin",      0, QR_OPT_STR,  AT(postgres_bin),      NULL,             0,     0,         0,             "DIR",       "where initdb and postgres are; without it the newest installed", "docs/database.md"},
    {"database",          0, QR_OPT_STR,  AT(database),          NULL,             0,     0,         QR_OPT_SECRET, "URL",       "use this PostgreSQL server (14 or newer)", "docs/database.md"},
    {"migrate",           0, QR_OPT_BOOL, AT(migrate),           "true",           0,     0,         0,             NULL,        "bring the schema up to date at start", "docs/database.md"},
    {"listen",            0, QR_OPT_STR,  AT(listen),            "127.0.0.1:7420", 0,     0,         0,             "HOST:PORT", "address for workers and the quarry command; port 0 picks a free one", "docs/operations.md"},
    {"http",              0, QR_OPT_STR,  AT(http),              "127.0.0.1:7421", 0,     0,         0,             "HOST:PORT", "address for metrics and health; port 0 picks a free one", "docs/metrics.md"},
    {"root",              0, QR_OPT_LIST, AT(roots),             NULL,             0,     0,         QR_OPT_PAIRS,  "NAME=DIR",  "a folder that files may come from; repeat for more", "docs/operations.md"},
    {"instance",          0, QR_OPT_STR,  AT(instance),          NULL,             0,     0,         0,             "NAME",      "name of this coordinator; without it its address", "docs/operations.md"},
    {"lease-ttl",         0, QR_OPT_MSEC, AT(lease_ttl_ms),      "8s",             1000,  3600000,   0,             "TIME",      "how long a silent worker keeps its jobs", "docs/protocol.md"},
    {"settle-lanes",      0, QR_OPT_INT,  AT(settle_lanes),      "2",              1,     8,         0,             "N",         "lanes that commit results; the last of several shares the connection of maintenance", "docs/database.md"},
    {"read-lanes",        0, QR_OPT_INT,  AT(read_lanes),        "1",              1,     16,        0,             "N",         "connections for queries", "docs/database.md"},
    {"rpc-threads",       0, QR_OPT_INT,  AT(rpc_threads),       "2",              1,     64,        0,             "N",         "threads that serve workers' streams", "docs/rpc.md"},
    {"statement-timeout", 0, QR_OPT_MSEC, AT(statement_timeout_ms), "30s",         1000,  600000,    0,             "TIME",      "longest a database statement may take", "docs/database.md"},
    {"max-record",        0, QR_OPT_SIZE, AT(max_record_bytes),  "64M",            65536, 1073741824, 0,            "SIZE",      "largest result of one file", "docs/record.md"},
    {"stop-grace",        0, QR_OPT_MSEC, AT(stop_grace_ms),     "10s",            0,     600000,    0,             "TIME",      "how long a stop waits for results under way", "docs/operations.md"},
    {"oldest-job",        0, QR_OPT_MSEC, AT(oldest_job_ms),     "24h",            0,     2592000000, 0,            "TIME",      "a job that waits for longer is a reason for /health to say 503; 0: it may wait for ever", "docs/operations.md"},
    {"log-level",         0, QR_OPT_STR,  AT(log_level),         "info",           0,     0,         QR_OPT_CHOICE, "debug|info|warn|error", "least severe messages to log", "docs/operations.md"},
    {0},
};
/* clang-format on */

const struct qr_options qr_coordinator_options = {
    .program = "quarry-coordinator",
    .summary = "owns the queue: hands out leases to workers and stores what they extract",
    .usage = "(--embedded-postgres DIR | --database URL) --root NAME=DIR [OPTION]...",
    .examples =
        "quarry-coordinator --embedded-postgres /var/lib/quarry --root drawings=/srv/drawings\n"
        "quarry-coordinator --database postgresql://db/quarry --listen 0.0.0.0:7420 --root "
        "cad=/mnt/cad\n"
        "quarry-coordinator --embedded-postgres ./pg --listen 127.0.0.1:0 --http 127.0.0.1:0\n",
    .table = table,
};

/* coordinator/options.h
 *
 * The coordinator's options: one table gives flags, environment, file keys, --help and
 * docs/options.md.
 */
#pragma once
#include "common/options.h"

struct qr_coordinator_options {
    char *embedded_postgres; /* folder of the private cluster, or NULL */
    char *postgres_bin;
    char *database; /* libpq URL, or NULL */
    bool migrate;
    char *listen;
    char *http;
    struct qr_option_list roots;
    char *instance;
    int64_t lease_ttl_ms;
    int64_t settle_lanes, read_lanes, rpc_threads;
    int64_t statement_timeout_ms;
    int64_t max_record_bytes;
    int64_t stop_grace_ms;
    int64_t oldest_job_ms;
    char *log_level;
};

extern const struct qr_options qr_coordinator_options;

/* cadbridge/options.h
 *
 * The options of quarry-cadbridge: the table and what it fills.
 */
#pragma once
#include "common/fleet/station.h"

struct qr_bridge_options {
    struct qr_station_options station; /* first: its rows are shared */
    char *creo;                        /* grpc://HOST:PORT, creoson+http://HOST:PORT; NULL: none */
    char *json;                        /* folder, archive or base URL of exports; NULL: none */
    int64_t calls;                     /* in flight */
    double threshold;
    int64_t deadline_ms; /* of a call */
    int64_t cooldown_ms, cooldown_max_ms;
    int64_t wait_limit_ms; /* a job waits at most so long for the service, in all */
    int64_t points;
    int64_t memory_bytes; /* of an importing process */
    int64_t max_file_bytes;
};

extern const struct qr_options qr_bridge_options;

/* worker/agent/options.h
 *
 * The options of quarry-worker as an agent: the table and what it fills.
 */
#pragma once
#include "common/options.h"

struct qr_agent_options {
    struct qr_option_list coordinators;
    char *id;    /* NULL: the host's name */
    char *spool; /* NULL: a folder below the user's state folder */
    char *log_level;
    int64_t slots; /* 0: as many as processors */
    struct qr_option_list types;
    struct qr_option_list roots;
    struct qr_option_list labels;
    int64_t prefetch; /* -1: as many as slots */
    int64_t max_file_bytes;
    int64_t memory_bytes; /* of a child */
    int64_t spool_bytes;
    int64_t spool_reserve_bytes;
    int64_t drain_grace_ms;
    int64_t checkpoint_ms;
    bool exit_when_unreachable;
};

extern const struct qr_options qr_agent_options;

/* worker/agent/options.h
 *
 * The options of quarry-worker as an agent: the table and what it fills.
 */
#pragma once
#include "common/fleet/station.h"

struct qr_agent_options {
    struct qr_station_options station; /* first: its rows are shared */
    int64_t slots;                     /* 0: as many as processors */
    struct qr_option_list types;
    int64_t prefetch; /* -1: as many as slots */
    int64_t max_file_bytes;
    int64_t memory_bytes; /* of a child */
    int64_t checkpoint_ms;
    bool geometry;
    int64_t geometry_slots; /* 0: as many as slots */
    int64_t geometry_memory_bytes;
    int64_t geometry_budget_ms;
    struct qr_option_list exec; /* TYPE=COMMAND: worker/tool/tool.h */
    char *dwg_converter;
    int64_t exec_output_bytes;
};

extern const struct qr_options qr_agent_options;

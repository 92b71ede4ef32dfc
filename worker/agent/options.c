#include "worker/agent/options.h"

#define AT(field) offsetof(struct qr_agent_options, field)
#define PAGE "docs/worker.md"
#define GEOMETRY "docs/geometry.md"

/* clang-format off */
static const struct qr_option table[] = {
    /* name            letter type     where                    default           min  max      flags            value        help */
    {"slots",            0, QR_OPT_INT,  AT(slots),               NULL,             1,   256,     0,               "N",         "jobs at a time (default: number of processors)", PAGE},
    {"types",            0, QR_OPT_LIST, AT(types),               "pdf,text,dxf,dwg,step,ifc,other,noop", 0, 0, QR_OPT_COMMAS, "LIST", "job types it takes", PAGE},
    {"prefetch",         0, QR_OPT_INT,  AT(prefetch),            "-1",             -1,  256,     0,               "N",         "jobs held ready beyond the slots, at most as many (-1: as many)", PAGE},
    {"max-file-size",    0, QR_OPT_SIZE, AT(max_file_bytes),      "2G",             1,   0x1p44,  0,               "SIZE",      "larger files fail", PAGE},
    {"memory-limit",     0, QR_OPT_SIZE, AT(memory_bytes),        "1G",             67108864, 0x1p44, 0,           "SIZE",      "memory of one extracting process", PAGE},
    {"checkpoint-every", 0, QR_OPT_MSEC, AT(checkpoint_ms),       "5s",             100, 3600000, 0,               "DURATION",  "long jobs keep what they have finished so often", PAGE},
    {"geometry",         0, QR_OPT_BOOL, AT(geometry),            "true",           0,   0,       0,               NULL,        "have a geometry kernel look at STEP models, where it is installed", GEOMETRY},
    {"geometry-budget",  0, QR_OPT_MSEC, AT(geometry_budget_ms),  "60s",            1000, 86400000, 0,             "DURATION",  "longest time of that, within the job's own budget", GEOMETRY},
    {"geometry-memory",  0, QR_OPT_SIZE, AT(geometry_memory_bytes), "2G",           268435456, 0x1p44, 0,          "SIZE",      "memory of one process that does it", GEOMETRY},
    {"geometry-slots",   0, QR_OPT_INT,  AT(geometry_slots),      "0",              0,   256,     0,               "N",         "models at a time (0: as many as slots)", GEOMETRY},
    {"exec",             0, QR_OPT_LIST, AT(exec),                NULL,             0,   0,       QR_OPT_PAIRS,    "TYPE=COMMAND", "a program of others that reads files of a type, e.g. sldprt='/opt/acme/read {in}'", "docs/tools.md"},
    {"exec-output",      0, QR_OPT_SIZE, AT(exec_output_bytes),   "1G",             4096, 0x1p44, 0,               "SIZE",      "the most such a program may write for one file", "docs/tools.md"},
    {"dwg-converter",    0, QR_OPT_STR,  AT(dwg_converter),       "auto",           0,   0,       0,               "COMMAND",   "what turns DWG into DXF: auto (the first there is), off, or a command with {in} and {out}", "docs/tools.md"},
    {0},
};
/* clang-format on */

const struct qr_options qr_agent_options = {
    .program = "quarry-worker",
    .summary = "takes jobs from a coordinator and extracts files in sandboxed processes",
    .usage = "[OPTION]...",
    .examples =
        "  quarry-worker --root drawings=/srv/drawings\n"
        "  quarry-worker --coordinator c1:7420,c2:7420 --id vm17 --slots 8 \\\n"
        "      --root drawings=/mnt/share --spool /var/lib/quarry/vm17\n"
        "  quarry-worker --extract a.pdf b.txt      one record each, without a coordinator\n",
    .table = table,
    .shared = qr_station_option_rows,
};

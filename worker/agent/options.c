#include "worker/agent/options.h"

#define AT(field) offsetof(struct qr_agent_options, field)
#define PAGE "docs/worker.md"

/* clang-format off */
static const struct qr_option table[] = {
    /* name            letter type     where                    default           min  max      flags            value        help */
    {"coordinator",      0, QR_OPT_LIST, AT(coordinators),        "127.0.0.1:7420", 0,   0,       QR_OPT_COMMAS,   "HOST:PORT,…", "coordinators, tried in turn", PAGE},
    {"id",               0, QR_OPT_STR,  AT(id),                  NULL,             0,   0,       0,               "NAME",      "name of this worker for good (default: the host's name)", PAGE},
    {"slots",            0, QR_OPT_INT,  AT(slots),               NULL,             1,   256,     0,               "N",         "jobs at a time (default: number of processors)", PAGE},
    {"types",            0, QR_OPT_LIST, AT(types),               "pdf,text,dxf,dwg,step,ifc,other,noop", 0, 0, QR_OPT_COMMAS, "LIST", "job types it takes", PAGE},
    {"root",             0, QR_OPT_LIST, AT(roots),               NULL,             0,   0,       QR_OPT_PAIRS,    "NAME=DIR",  "a folder that jobs know by name", PAGE},
    {"label",            0, QR_OPT_LIST, AT(labels),              NULL,             0,   0,       QR_OPT_PAIRS,    "KEY=VALUE", "label shown to operators, for drain by label", PAGE},
    {"spool",            0, QR_OPT_STR,  AT(spool),               NULL,             0,   0,       0,               "DIR",       "folder for results until they are acknowledged (default: ~/.local/state/quarry/ID, or /var/lib/quarry/ID for root)", PAGE},
    {"spool-limit",      0, QR_OPT_SIZE, AT(spool_bytes),         "4G",             1048576, 0x1p44, 0,            "SIZE",      "waiting results beyond which no work is taken", PAGE},
    {"spool-reserve",    0, QR_OPT_SIZE, AT(spool_reserve_bytes), "64M",            0,   0x1p44,  0,               "SIZE",      "free space on the spool's disk below which no work is taken", PAGE},
    {"prefetch",         0, QR_OPT_INT,  AT(prefetch),            "-1",             -1,  256,     0,               "N",         "jobs held ready beyond the slots, at most as many (-1: as many)", PAGE},
    {"max-file-size",    0, QR_OPT_SIZE, AT(max_file_bytes),      "2G",             1,   0x1p44,  0,               "SIZE",      "larger files fail", PAGE},
    {"memory-limit",     0, QR_OPT_SIZE, AT(memory_bytes),        "1G",             67108864, 0x1p44, 0,           "SIZE",      "memory of one extracting process", PAGE},
    {"drain-grace",      0, QR_OPT_MSEC, AT(drain_grace_ms),      "30s",            0,   86400000, 0,              "DURATION",  "after SIGTERM running jobs may finish this long, then they are handed back", PAGE},
    {"checkpoint-every", 0, QR_OPT_MSEC, AT(checkpoint_ms),       "5s",             100, 3600000, 0,               "DURATION",  "long jobs keep what they have finished so often", PAGE},
    {"exit-when-unreachable", 0, QR_OPT_BOOL, AT(exit_when_unreachable), NULL,      0,   0,       0,               NULL,        "exit with 4 when no coordinator answers at start, instead of trying forever", PAGE},
    {"log-level",        0, QR_OPT_STR,  AT(log_level),           "info",           0,   0,       QR_OPT_CHOICE,   "debug|info|warn|error", "how much to log", PAGE},
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
};

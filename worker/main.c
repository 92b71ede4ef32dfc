/* quarry-worker: picks the mode; everything else is in the folders beside. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/agent.h"
#include "worker/child/child.h"
#include "worker/local/local.h"
#include "worker/tool/warden.h"

static const char usage_text[] =
    "usage: quarry-worker [OPTION]...            see quarry-worker --help\n"
    "       quarry-worker --extract [--jobs N] [-o json|jsonl] [--memory BYTES] [--budget-ms N]\n"
    "                     [--set KEY=VALUE]... [--overlay PNG [--page N]]\n"
    "                     [--geometry-memory BYTES] [--geometry-budget-ms N]\n"
    "                     [--exec TYPE=COMMAND]... [--exec-output BYTES]\n"
    "                     [--dwg-converter auto|off|COMMAND] FILE...\n"
    "       quarry-worker --child | --geometry-child | --sandbox-report [--memory BYTES]\n"
    "       quarry-worker --tool\n"
    "       quarry-worker --version\n";

enum mode { MODE_NONE, MODE_EXTRACT, MODE_CHILD, MODE_GEOMETRY, MODE_REPORT, MODE_TOOL };

static int usage(void)
{
    fputs(usage_text, stderr);
    return 2;
}

/* A number from 1 up; false for anything else. */
static bool parse_number(const char *text, int64_t max, int64_t *ret)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (end == text || *end != '\0' || value < 1 || value > max)
        return false;
    *ret = value;
    return true;
}

/* KEY=VALUE */
static bool set_option(struct qr_extract_options *options, char *pair)
{
    char *value = strchr(pair, '=');
    struct qr_err err = {0};

    if (!value) {
        fprintf(stderr, "quarry-worker: --set takes KEY=VALUE, not '%s'\n", pair);
        return false;
    }
    *value++ = '\0';
    if (qr_extract_options_set(options, pair, value, &err) == QR_OK)
        return true;
    fprintf(stderr, "quarry-worker: %s\n", err.msg);
    return false;
}

/* Without one of the modes below it is the agent, which has its own options. */
static bool is_agent(int argc, char **argv)
{
    static const char *const modes[] = {"--extract", "--child", "--geometry-child",
                                        "--sandbox-report", "--tool"};

    for (int i = 1; i < argc; i++)
        for (size_t m = 0; m < QR_COUNT(modes); m++)
            if (strcmp(argv[i], modes[m]) == 0)
                return false;
    return true;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"extract", no_argument, NULL, 'e'},
        {"child", no_argument, NULL, 'c'},
        {"geometry-child", no_argument, NULL, 'g'},
        {"sandbox-report", no_argument, NULL, 'r'},
        {"geometry-memory", required_argument, NULL, 'M'},
        {"geometry-budget-ms", required_argument, NULL, 'B'},
        {"tool", no_argument, NULL, 't'},
        {"jobs", required_argument, NULL, 'j'},
        {"memory", required_argument, NULL, 'm'},
        {"budget-ms", required_argument, NULL, 'b'},
        {"output", required_argument, NULL, 'o'},
        {"keep-stderr", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"set", required_argument, NULL, 's'},
        {"overlay", required_argument, NULL, 'O'},
        {"page", required_argument, NULL, 'p'},
        {"exec", required_argument, NULL, 'x'},
        {"exec-output", required_argument, NULL, 'X'},
        {"dwg-converter", required_argument, NULL, 'd'},
        {0},
    };
    static struct qr_tool_set tools;
    struct qr_local_config local = {.tools = &tools};
    const char *dwg = "auto";
    struct qr_err err = {0};
    int64_t memory = (int64_t)1 << 30;
    int64_t jobs = 0;
    int64_t page = 1;
    enum mode mode = MODE_NONE;
    int c;

    qr_log_init("quarry-worker", QR_LOG_INFO);
    if (is_agent(argc, argv))
        return qr_agent_main(argc, argv);
    while ((c = getopt_long(argc, argv, "o:j:", options, NULL)) != -1) {
        bool good = true;
        if (c == 's') {
            if (!set_option(&local.options, optarg))
                return 2;
            continue;
        }
        if (c == 'x') {
            if (qr_tool_set_add(&tools, optarg, &err) < 0) {
                fprintf(stderr, "quarry-worker: %s\n", err.msg);
                return 2;
            }
            continue;
        }
        if (c == 'e' || c == 'c' || c == 'g' || c == 'r')
            mode = c == 'e'   ? MODE_EXTRACT
                   : c == 'c' ? MODE_CHILD
                   : c == 'g' ? MODE_GEOMETRY
                              : MODE_REPORT;
        else if (c == 't')
            mode = MODE_TOOL;
        else if (c == 'j')
            good = parse_number(optarg, 256, &jobs);
        else if (c == 'm')
            good = parse_number(optarg, (int64_t)1 << 44, &memory);
        else if (c == 'b')
            good = parse_number(optarg, 86400000, &local.budget_ms);
        else if (c == 'M')
            good = parse_number(optarg, (int64_t)1 << 44, &local.geometry_memory_bytes);
        else if (c == 'B')
            good = parse_number(optarg, 86400000, &local.geometry_budget_ms);
        else if (c == 'X')
            good = parse_number(optarg, (int64_t)1 << 44, &local.tool_output_bytes);
        else if (c == 'd')
            dwg = optarg;
        else if (c == 'O')
            local.overlay = optarg;
        else if (c == 'p')
            good = parse_number(optarg, 1000000, &page);
        else if (c == 'k')
            local.keep_stderr = true;
        else if (c == 'o' && (strcmp(optarg, "json") == 0 || strcmp(optarg, "jsonl") == 0))
            local.jsonl = strcmp(optarg, "jsonl") == 0;
        else if (c == 'v')
            return puts("quarry-worker " QUARRY_VERSION) < 0;
        else
            good = false;
        if (!good)
            return usage();
    }
    struct qr_child_config child = {.memory_bytes = memory, .geometry = mode == MODE_GEOMETRY};
    if (mode == MODE_CHILD || mode == MODE_GEOMETRY)
        return qr_child_main(&child);
    if (mode == MODE_TOOL)
        return qr_tool_warden_main();
    if (mode == MODE_REPORT)
        return qr_local_sandbox_report(memory, stdout);
    if (mode != MODE_EXTRACT || optind == argc)
        return usage();
    local.files = (const char *const *)argv + optind;
    local.n_files = (size_t)(argc - optind);
    if (local.overlay && local.n_files != 1)
        return usage();
    if (local.overlay)
        local.options.overlay_page = (uint32_t)page;
    if (qr_tool_set_add_dwg(&tools, dwg, &err) < 0) {
        fprintf(stderr, "quarry-worker: %s\n", err.msg);
        return 2;
    }
    local.jobs = (int)jobs;
    local.memory_bytes = memory;
    int code = qr_local_extract(&local, stdout);
    qr_tool_set_done(&tools);
    return code;
}

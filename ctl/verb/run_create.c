/* quarry run create */
#include "ctl/verb/verbs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/emit.h"
#include "ctl/verb/run.h"
#include "ctl/when.h"

struct args {
    struct qr_ctl_common common;
    char *source, *name, *halt_at, *start_at;
    struct qr_option_list types, settings;
    int64_t priority, delay_ms;
    double weight;
    bool again, manual, wait, follow;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"source",   0, QR_OPT_STR,  AT(source),   NULL, 0, 0, 0, "URI", "root://NAME/PATH, or a folder below a root of the coordinator", "docs/cli.md"},
    {"name",     0, QR_OPT_STR,  AT(name),     NULL, 0, 0, 0, "TEXT", "a name for people", "docs/cli.md"},
    {"type",     0, QR_OPT_LIST, AT(types),    NULL, 0, 0, QR_OPT_COMMAS, "pdf,dxf,...", "only files of these types; all when not given", "docs/cli.md"},
    {"priority", 0, QR_OPT_INT,  AT(priority), "0", -100, 100, 0, NULL, "higher goes first", "docs/cli.md"},
    {"weight",   0, QR_OPT_REAL, AT(weight),   "1", 0.01, 1000, 0, NULL, "share beside other runs of the same priority: 2 is twice as much", "docs/cli.md"},
    {"halt-at",  0, QR_OPT_STR,  AT(halt_at),  "0.2", 0, 0, 0, "SHARE|off", "pause the run when more than this share of its jobs fails by no fault of the file", "docs/operations.md"},
    {"set",      0, QR_OPT_LIST, AT(settings), NULL, 0, 0, QR_OPT_PAIRS, "KEY=VALUE", "an option of the extractors", "docs/cli.md"},
    {"start-at", 0, QR_OPT_STR,  AT(start_at), NULL, 0, 0, 0, "TIME", "list the files now, start none before 2026-01-31T22:00 (local time; UTC with a Z behind it)", "docs/cli.md"},
    {"delay",    0, QR_OPT_MSEC, AT(delay_ms), "0", 0, 366.0 * 24 * 3600 * 1000, 0, "10m", "list the files now, start none before so long from now", "docs/cli.md"},
    {"follow-references", 0, QR_OPT_BOOL, AT(follow), NULL, 0, 0, 0, "", "files that drawings name (external references) too, below the same root", "docs/cli.md"},
    {"again",    0, QR_OPT_BOOL, AT(again),    NULL, 0, 0, 0, "", "files that did not change since the last run, too", "docs/cli.md"},
    {"manual",   0, QR_OPT_BOOL, AT(manual),   NULL, 0, 0, 0, "", "list nothing: jobs come by quarry job add", "docs/cli.md"},
    {"wait",     0, QR_OPT_BOOL, AT(wait),     NULL, 0, 0, 0, "", "stay until every file is done or failed, and show the report", "docs/cli.md"},
    {0},
};
/* clang-format on */

/* The coordinator has a working directory of its own: a folder is sent whole. */
static int source_for_coordinator(const char *given, char *buf, size_t cap, struct qr_err *err)
{
    char real[PATH_MAX];
    char here[PATH_MAX];
    int n;

    if (strstr(given, "://"))
        n = snprintf(buf, cap, "%s", given);
    else if (realpath(given, real))
        n = snprintf(buf, cap, "%s", real);
    else if (given[0] == '/' || !getcwd(here, sizeof here))
        n = snprintf(buf, cap, "%s", given); /* perhaps the coordinator sees it */
    else
        n = snprintf(buf, cap, "%s/%s", here, given);
    if (n < 0 || (size_t)n >= cap)
        return qr_fail(err, QR_E_USAGE, "--source is longer than %d bytes", PATH_MAX);
    return QR_OK;
}

/* `pairs` has the entries the request points to. */
static void fill_settings(const struct qr_option_list *list,
                          Quarry__V1__CreateRunRequest__OptionsEntry *pairs,
                          Quarry__V1__CreateRunRequest__OptionsEntry **entries)
{
    for (size_t i = 0; i < list->n; i++) {
        char *equals = strchr(list->items[i], '=');
        quarry__v1__create_run_request__options_entry__init(&pairs[i]);
        *equals = '\0'; /* the list is ours, and has it: QR_OPT_PAIRS */
        pairs[i].key = list->items[i];
        pairs[i].value = equals + 1;
        entries[i] = &pairs[i];
    }
}

/* --follow-references is an option of the extractors that the coordinator reads too. */
static void fill_follow(Quarry__V1__CreateRunRequest__OptionsEntry *pair)
{
    quarry__v1__create_run_request__options_entry__init(pair);
    pair->key = (char *)"follow-references";
    pair->value = (char *)"on";
}

static int create(struct qr_ctl *ctl, const struct args *args, Quarry__V1__CreateRunReply **ret,
                  struct qr_err *err)
{
    Quarry__V1__CreateRunRequest request = QUARRY__V1__CREATE_RUN_REQUEST__INIT;
    size_t n = args->settings.n;
    Quarry__V1__CreateRunRequest__OptionsEntry *pairs = calloc(n + 1, sizeof *pairs);
    Quarry__V1__CreateRunRequest__OptionsEntry **entries = calloc(n + 1, sizeof *entries);
    char source[PATH_MAX] = "";
    int rc = pairs && entries ? QR_OK : qr_fail(err, QR_E_NOMEM, "out of memory");

    if (rc == QR_OK && args->source)
        rc = source_for_coordinator(args->source, source, sizeof source, err);
    if (rc == QR_OK)
        rc = qr_run_parse_share(args->halt_at, &request.halt_at, err);
    if (rc == QR_OK && args->start_at)
        rc = qr_when_parse("--start-at", args->start_at, &request.start_at_ms, err);
    if (rc == QR_OK) {
        request.delay_ms = args->delay_ms;
        request.weight = args->weight;
        fill_settings(&args->settings, pairs, entries);
        if (args->follow) {
            fill_follow(&pairs[n]);
            entries[n] = &pairs[n];
            n++;
        }
        request.source = source;
        request.name = args->name ? args->name : request.name;
        request.types = args->types.items;
        request.n_types = args->types.n;
        request.priority = (int32_t)args->priority;
        request.options = entries;
        request.n_options = n;
        request.again = args->again;
        request.manual = args->manual;
        rc = QR_CALL(ctl->client, CreateRun, create_run_reply, &request, ret, err);
    }
    free(pairs);
    free(entries);
    if (rc == QR_OK && !(*ret)->run) {
        quarry__v1__create_run_reply__free_unpacked(*ret, NULL);
        *ret = NULL;
        rc = qr_fail(err, QR_E_DATA, "the coordinator's answer has no run");
    }
    return rc;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    Quarry__V1__CreateRunReply *reply = NULL;
    (void)rest;

    if (!args->source && !args->manual)
        return qr_fail(err, QR_E_USAGE,
                       "--source is missing; hint: --source root://NAME/PATH or a folder");
    if (args->manual && args->wait)
        return qr_fail(err, QR_E_USAGE,
                       "--wait would wait for ever: a --manual run ends after quarry run close");
    int rc = qr_ctl_connect(ctl, err);
    if (rc == QR_OK)
        rc = create(ctl, args, &reply, err);
    if (rc < 0)
        return rc;
    int64_t id = reply->run->id;
    qr_ctl_say(reply->joined ? "run %lld does the same already: joined it" : "run %lld created",
               (long long)id);
    if (args->wait)
        rc = qr_run_wait(ctl, id, err);
    else
        rc = qr_run_print_created(ctl, reply, err);
    quarry__v1__create_run_reply__free_unpacked(reply, NULL);
    return rc;
}

const struct qr_ctl_verb qr_ctl_run_create = {
    .name = "run create",
    .arguments = "--source URI [OPTION]...",
    .summary = "start a run over a folder, or join the one that does the same",
    .examples =
        "  quarry run create --source root://drawings               all files below a named root\n"
        "  quarry run create --source ~/drawings --type pdf,dxf     the same by path, two types\n"
        "  quarry run create --source root://drawings --wait        stay, show progress and "
        "report\n"
        "  quarry run create --source root://drawings --again       unchanged files once more\n"
        "  quarry run create --source root://drawings --follow-references  what drawings name, "
        "too\n"
        "  quarry run create --source root://drawings --weight 3    three turns for one of others\n"
        "  quarry run create --source root://drawings --start-at 2026-01-31T22:00   at night\n"
        "  id=$(quarry -o json run create --source root://drawings | jq .id)\n"
        "With --wait the exit code is 0 when every file was extracted or failed for good.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .run = run_verb,
};

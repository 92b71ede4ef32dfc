/* quarry extract: the worker's own children on local files, no coordinator */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/verb/verbs.h"

struct args {
    struct qr_ctl_common common;
    int64_t jobs;
    struct qr_option_list settings;
};

/* clang-format off */
static const struct qr_option options[] = {
    {"jobs", 'j', QR_OPT_INT, offsetof(struct args, jobs), "0", 0, 1024, 0, NULL, "files at a time; 0: one a core", "docs/cli.md"},
    {"set",  0,   QR_OPT_LIST, offsetof(struct args, settings), NULL, 0, 0, QR_OPT_PAIRS, "KEY=VALUE", "an option: analysis, ocr, spans = auto|off|on; dxf-encoding", "docs/cli.md"},
    {0},
};
/* clang-format on */

/* The worker that was installed with this program, else whichever PATH finds. */
static void find_worker(char *buf, size_t cap)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

    if (len > 0) {
        self[len] = '\0';
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = '\0';
        int n = snprintf(buf, cap, "%s/quarry-worker", self);
        if (n > 0 && (size_t)n < cap && access(buf, X_OK) == 0)
            return;
    }
    snprintf(buf, cap, "quarry-worker");
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    char worker[PATH_MAX];
    char jobs[24];
    char **argv = calloc(rest->n + 2 * args->settings.n + 8, sizeof *argv);
    size_t n = 0;

    if (!argv)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    find_worker(worker, sizeof worker);
    snprintf(jobs, sizeof jobs, "%" PRId64, args->jobs);
    argv[n++] = worker; /* execvp() changes none of them */
    argv[n++] = (char *)"--extract";
    argv[n++] = (char *)"-o";
    argv[n++] = (char *)(ctl->output == QR_CTL_JSONL ? "jsonl" : "json");
    if (args->jobs > 0) {
        argv[n++] = (char *)"--jobs";
        argv[n++] = jobs;
    }
    for (size_t i = 0; i < args->settings.n; i++) {
        argv[n++] = (char *)"--set";
        argv[n++] = args->settings.items[i];
    }
    argv[n++] = (char *)"--";
    for (size_t i = 0; i < rest->n; i++)
        argv[n++] = rest->items[i];
    signal(SIGPIPE, SIG_DFL); /* the worker decides for itself */
    execvp(worker, argv);
    int errnum = errno;
    free(argv);
    if (errnum == ENOENT)
        return qr_fail(err, QR_E_INTERNAL,
                       "quarry-worker is neither beside quarry nor in PATH; hint: it does the "
                       "extraction, install it too");
    return qr_fail_errno(err, QR_E_IO, errnum, "start '%s'", worker);
}

const struct qr_ctl_verb qr_ctl_extract = {
    .name = "extract",
    .arguments = "FILE...",
    .summary = "what a worker would send for these files; needs no coordinator",
    .examples = "  quarry extract drawing.pdf                   a JSON array, one record a file\n"
                "  quarry extract -o jsonl *.pdf | jq -c '{file, status, pages: (.pages|length)}'\n"
                "  quarry extract --jobs 4 *.pdf > records.json\n"
                "Exit code 1 when any of the files failed; the others are printed all the same.\n",
    .options = options,
    .args_size = sizeof(struct args),
    .rest_min = 1,
    .rest_max = QR_CTL_ANY,
    .rest_name = "FILE",
    .run = run_verb,
};

/* quarry extract: the worker's own children on local files, no coordinator */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "ctl/show.h"
#include "ctl/verb/verbs.h"

extern char **environ;

struct args {
    struct qr_ctl_common common;
    int64_t jobs;
    struct qr_option_list settings;
    struct qr_option_list exec;
    char *dwg_converter;
    bool show;
    int64_t rows, page;
    char *overlay;
};

#define AT(field) offsetof(struct args, field)

/* clang-format off */
static const struct qr_option options[] = {
    {"jobs", 'j', QR_OPT_INT, AT(jobs), "0", 0, 1024, 0, NULL, "files at a time; 0: one a core", "docs/cli.md"},
    {"set",  0,   QR_OPT_LIST, AT(settings), NULL, 0, 0, QR_OPT_PAIRS, "KEY=VALUE", "an option: analysis, ocr, spans, geometry = auto|off|on; dxf-encoding", "docs/cli.md"},
    {"exec", 0,   QR_OPT_LIST, AT(exec), NULL, 0, 0, QR_OPT_PAIRS, "TYPE=COMMAND", "a program of others that reads files of a type", "docs/tools.md"},
    {"dwg-converter", 0, QR_OPT_STR, AT(dwg_converter), NULL, 0, 0, 0, "COMMAND", "what turns DWG into DXF: auto, off, or a command with {in} and {out}", "docs/tools.md"},
    {"show", 0,   QR_OPT_BOOL, AT(show),     NULL, 0, 0, 0, "", "a summary for people instead of JSON", "docs/cli.md"},
    {"rows", 0,   QR_OPT_INT,  AT(rows),     "12", 0, 0x1p53, 0, NULL, "rows of each list of the summary; 0: all", "docs/cli.md"},
    {"overlay", 0, QR_OPT_STR, AT(overlay), NULL, 0, 0, 0, "PNG", "write a picture of a page with what was found marked; one FILE", "docs/cli.md"},
    {"page", 0,   QR_OPT_INT,  AT(page),     "1", 1, 1000000, 0, NULL, "the page (DXF: layout) of the picture", "docs/cli.md"},
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

static int no_worker(int errnum, const char *worker, struct qr_err *err)
{
    if (errnum == ENOENT)
        return qr_fail(err, QR_E_INTERNAL,
                       "quarry-worker is neither beside quarry nor in PATH; hint: it does the "
                       "extraction, install it too");
    return qr_fail_errno(err, QR_E_IO, errnum, "start '%s'", worker);
}

/* One record a line from the worker's output, each shown when it comes. */
static int show_records(struct qr_ctl *ctl, const struct args *args, FILE *from, struct qr_err *err)
{
    char *line = NULL;
    size_t cap = 0;
    int rc = QR_OK;
    bool first = true;

    while (rc == QR_OK && getline(&line, &cap, from) > 0) {
        json_error_t error;
        json_t *record = json_loads(line, 0, &error);
        if (!record) {
            rc = qr_fail(err, QR_E_DATA, "a record of quarry-worker: %s", error.text);
            break;
        }
        if (!first)
            putchar('\n');
        first = false;
        rc = qr_show_record(record, (size_t)args->rows, &ctl->out, stdout, err);
        json_decref(record);
        if (rc == QR_OK)
            rc = qr_ctl_flush(ctl, err);
    }
    free(line);
    return rc;
}

/* The worker's exit code as ours: 1 means that files failed, which the records have told. */
static int wait_worker(pid_t pid, struct qr_err *err)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return qr_fail_errno(err, QR_E_IO, errno, "wait for quarry-worker");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return QR_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        return QR_E_USAGE;
    return WIFEXITED(status)
               ? QR_E_INTERNAL
               : qr_fail(err, QR_E_INTERNAL, "quarry-worker ended by signal %d", WTERMSIG(status));
}

static int show(struct qr_ctl *ctl, const struct args *args, char **argv, struct qr_err *err)
{
    posix_spawn_file_actions_t actions;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return qr_fail_errno(err, QR_E_IO, errno, "open a pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    int errnum = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *from = errnum == 0 ? fdopen(ends[0], "r") : NULL;
    if (!from) {
        close(ends[0]);
        return no_worker(errnum ? errnum : errno, argv[0], err);
    }
    int rc = show_records(ctl, args, from, err);
    fclose(from);
    int ended = wait_worker(pid, err);
    return rc < 0 ? rc : ended;
}

static int run_verb(struct qr_ctl *ctl, const void *arguments, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    const struct args *args = arguments;
    char worker[PATH_MAX];
    char jobs[24];
    char page[24];
    char **argv = calloc(rest->n + 2 * args->settings.n + 2 * args->exec.n + 14, sizeof *argv);
    size_t n = 0;

    if (!argv)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    if (args->overlay && rest->n != 1) {
        free(argv);
        return qr_fail(err, QR_E_USAGE, "--overlay takes one FILE; hint: one picture a call");
    }
    find_worker(worker, sizeof worker);
    snprintf(page, sizeof page, "%" PRId64, args->page);
    snprintf(jobs, sizeof jobs, "%" PRId64, args->jobs);
    argv[n++] = worker; /* execvp() changes none of them */
    argv[n++] = (char *)"--extract";
    argv[n++] = (char *)"-o";
    argv[n++] = (char *)(ctl->output == QR_CTL_JSONL || args->show ? "jsonl" : "json");
    if (args->jobs > 0) {
        argv[n++] = (char *)"--jobs";
        argv[n++] = jobs;
    }
    for (size_t i = 0; i < args->settings.n; i++) {
        argv[n++] = (char *)"--set";
        argv[n++] = args->settings.items[i];
    }
    for (size_t i = 0; i < args->exec.n; i++) {
        argv[n++] = (char *)"--exec";
        argv[n++] = args->exec.items[i];
    }
    if (args->dwg_converter) {
        argv[n++] = (char *)"--dwg-converter";
        argv[n++] = args->dwg_converter;
    }
    if (args->overlay) {
        argv[n++] = (char *)"--overlay";
        argv[n++] = args->overlay;
        argv[n++] = (char *)"--page";
        argv[n++] = page;
    }
    argv[n++] = (char *)"--";
    for (size_t i = 0; i < rest->n; i++)
        argv[n++] = rest->items[i];
    signal(SIGPIPE, SIG_DFL); /* the worker decides for itself */
    int rc;
    if (args->show) {
        rc = show(ctl, args, argv, err);
    } else {
        execvp(worker, argv);
        rc = no_worker(errno, worker, err);
    }
    free(argv);
    return rc;
}

const struct qr_ctl_verb qr_ctl_extract = {
    .name = "extract",
    .arguments = "FILE...",
    .summary = "what a worker would send for these files; needs no coordinator",
    .examples = "  quarry extract --show drawing.dxf            what is in it, for people\n"
                "  quarry extract --show --overlay found.png --page 2 drawing.pdf\n"
                "  quarry extract drawing.pdf                   a JSON array, one record a file\n"
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

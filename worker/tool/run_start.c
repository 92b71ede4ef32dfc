/* Starting a foreign program in its cage: its words, what it may read, its pipes. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/extract/table.h"
#include "worker/tool/run_intern.h"

enum { PROCESSES = 128 }; /* threads included */

/* A word with {in}, {out}, {indir}, {outdir} replaced, the caller's to free. */
static char *fill_word(const struct qr_tool_run *run, const char *word, const char *in)
{
    const struct {
        const char *mark;
        const char *below;
    } marks[] = {{"{in}", in}, {"{out}", "out/result"}, {"{indir}", "in"}, {"{outdir}", "out"}};
    size_t size = strlen(word) + 1 + 4 * sizeof run->folder.path;
    char *text = malloc(size);
    size_t n = 0;

    while (text && *word) {
        size_t i = 0;
        while (i < QR_COUNT(marks) && strncmp(word, marks[i].mark, strlen(marks[i].mark)) != 0)
            i++;
        if (i == QR_COUNT(marks)) {
            text[n++] = *word++;
        } else {
            int len = snprintf(text + n, size - n, "%s/%s", run->folder.path, marks[i].below);
            n += (size_t)len;
            word += strlen(marks[i].mark);
        }
        if (n + sizeof run->folder.path >= size) {
            free(text);
            return NULL;
        }
    }
    if (text)
        text[n] = '\0';
    return text;
}

bool qr_tool_run_mentions(const struct qr_tool_run *run, const char *mark)
{
    for (uint32_t i = 0; i < run->setup.n_args; i++)
        if (strstr(run->argv[i], mark))
            return true;
    return false;
}

/* What the words name is readable, with the folder that it lies in: a script and its modules. */
static void add_reads(const struct qr_tool_run *run, struct qr_cage_config *config,
                      char paths[][PATH_MAX], size_t room)
{
    for (uint32_t i = 0; i < run->setup.n_args && config->n_reads < room; i++) {
        char *path = paths[config->n_reads];
        struct stat st;
        if (strchr(run->argv[i], '{') || !strchr(run->argv[i], '/') ||
            !realpath(run->argv[i], path) || stat(path, &st) != 0)
            continue;
        char *slash = strrchr(path, '/');
        if (!S_ISDIR(st.st_mode) && slash > path)
            *slash = '\0';
        if (strcmp(path, "/") != 0)
            config->reads[config->n_reads++] = path;
    }
}

int qr_tool_run_start(struct qr_tool_run *run, const char *in, int64_t cpu_s, int stdin_fd,
                      int stdout_fd, int stderr_fd, struct qr_err *err)
{
    char paths[8][PATH_MAX];
    char *words[QR_TOOL_ARGS] = {NULL};
    struct qr_cage_config config = {.argv = (const char *const *)words,
                                    .dir = run->folder.path,
                                    .in = stdin_fd,
                                    .out = stdout_fd,
                                    .err = stderr_fd,
                                    .memory_bytes =
                                        run->setup.memory_bytes + run->setup.reserve_bytes,
                                    .file_bytes = run->setup.file_bytes,
                                    .cpu_s = cpu_s,
                                    .max_processes = PROCESSES};
    int rc = QR_OK;

    for (uint32_t i = 0; rc == QR_OK && i < run->setup.n_args; i++) {
        words[i] = fill_word(run, run->argv[i], in);
        if (!words[i])
            rc = qr_fail(err, QR_E_INTERNAL, "a word of its command is too long");
    }
    add_reads(run, &config, paths, QR_COUNT(paths));
    if (rc == QR_OK)
        rc = qr_cage_start(&config, &run->cage, &run->report, err);
    for (uint32_t i = 0; i < run->setup.n_args; i++)
        free(words[i]);
    return rc;
}

int qr_tool_run_pipe(int ends[2], struct qr_err *err)
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return qr_fail_errno(err, QR_E_LIMIT, errno, "pipe");
    }
    return QR_OK;
}

void qr_tool_run_name(const char *folder, const char *name, char *ret, size_t size)
{
    char extension[16];

    qr_extension_of(name, extension);
    for (const char *at = extension; *at; at++)
        if (!isalnum((unsigned char)*at))
            extension[0] = '\0';
    snprintf(ret, size, "%sfile%s%s", folder, extension[0] ? "." : "", extension);
}

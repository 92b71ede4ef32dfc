#include "worker/tool/tool.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/process.h"
#include "worker/extract/table.h"

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The full path of a program; false: it is not there. */
static bool find_program(const char *name, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");

    if (strchr(name, '/'))
        return realpath(name, path) && is_program(path);
    for (const char *at = folders ? folders : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t len = strcspn(at, ":");
        char full[PATH_MAX];
        int n = snprintf(full, sizeof full, "%.*s/%s", (int)len, at, name);
        if (len > 0 && n > 0 && (size_t)n < sizeof full && is_program(full)) {
            memcpy(path, full, (size_t)n + 1);
            return true;
        }
        at += len + (at[len] == ':');
    }
    return false;
}

static void clear(struct qr_tool *tool)
{
    for (size_t i = 0; i < tool->n_args; i++)
        free(tool->argv[i]);
    for (size_t i = 0; i < tool->n_staged; i++)
        free(tool->staged[i]);
    memset(tool, 0, sizeof *tool);
}

static int add_word(struct qr_tool *tool, const char *word, struct qr_err *err)
{
    if (tool->n_args == QR_TOOL_ARGS - 1)
        return qr_fail(err, QR_E_USAGE, "more than %d words in a command", QR_TOOL_ARGS - 1);
    char *copy = strdup(word);
    if (!copy)
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    tool->argv[tool->n_args++] = copy;
    return QR_OK;
}

/* The next word of a command: quotes keep blanks together, a back slash keeps any character. */
static int next_word(const char **at, char *word, size_t size, struct qr_err *err)
{
    char quote = '\0';
    size_t n = 0;

    for (; **at && (quote || !isspace((unsigned char)**at)); (*at)++) {
        if (quote && **at == quote) {
            quote = '\0';
            continue;
        }
        if (!quote && (**at == '"' || **at == '\'')) {
            quote = **at;
            continue;
        }
        if (**at == '\\' && quote != '\'' && (*at)[1])
            (*at)++;
        if (n + 1 == size)
            return qr_fail(err, QR_E_USAGE, "a word of a command is too long");
        word[n++] = **at;
    }
    if (quote)
        return qr_fail(err, QR_E_USAGE, "a quote is not closed");
    word[n] = '\0';
    return QR_OK;
}

static int set_command(struct qr_tool *tool, const char *command, struct qr_err *err)
{
    char word[PATH_MAX];
    char path[PATH_MAX];
    const char *at = command;

    for (;;) {
        at += strspn(at, " \t\n");
        if (!*at)
            break;
        int rc = next_word(&at, word, sizeof word, err);
        if (rc == QR_OK && tool->n_args == 0) {
            const char *slash = strrchr(word, '/');
            snprintf(tool->name, sizeof tool->name, "%s", slash ? slash + 1 : word);
            tool->missing = !find_program(word, path);
        }
        if (rc == QR_OK)
            rc = add_word(tool, tool->n_args == 0 && !tool->missing ? path : word, err);
        if (rc < 0)
            return rc;
    }
    return tool->n_args > 0 ? QR_OK : qr_fail(err, QR_E_USAGE, "there is no command");
}

static bool reads(const struct qr_tool *tool, const char *type)
{
    char padded[40];

    snprintf(padded, sizeof padded, " %s ", type);
    return strstr(tool->types, padded) != NULL;
}

static const struct qr_tool *find(const struct qr_tool_set *set, const char *type)
{
    for (size_t i = 0; type[0] && i < set->n; i++)
        if (reads(&set->items[i], type))
            return &set->items[i];
    return NULL;
}

static int add_type(const struct qr_tool_set *set, struct qr_tool *tool, const char *type,
                    size_t len, struct qr_err *err)
{
    char name[32];
    size_t used = strlen(tool->types);

    if (len == 0 || len > 15)
        return qr_fail(err, QR_E_USAGE, "a type has 1 to 15 letters, not '%.*s'", (int)len, type);
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)type[i]))
            return qr_fail(err, QR_E_USAGE, "a type has letters and digits, not '%.*s'", (int)len,
                           type);
        name[i] = (char)tolower((unsigned char)type[i]);
    }
    name[len] = '\0';
    if (find(set, name) || reads(tool, name))
        return qr_fail(err, QR_E_USAGE, "two commands for the type '%s'", name);
    if (used + len + 2 >= sizeof tool->types)
        return qr_fail(err, QR_E_USAGE, "too many types for one command");
    snprintf(tool->types + used, sizeof tool->types - used, "%s%s ", used ? "" : " ", name);
    return QR_OK;
}

int qr_tool_set_add(struct qr_tool_set *set, const char *row, struct qr_err *err)
{
    const char *equals = strchr(row, '=');
    struct qr_tool *tool = &set->items[set->n];
    int rc = QR_OK;

    if (!equals)
        return qr_fail(err, QR_E_USAGE,
                       "--exec: '%s' is no TYPE=COMMAND; hint: sldprt='/opt/acme/read {in}'", row);
    if (set->n == QR_TOOLS_MAX)
        return qr_fail(err, QR_E_USAGE, "--exec: more than %d commands", QR_TOOLS_MAX);
    for (const char *at = row; rc == QR_OK && at <= equals;) {
        size_t len = strcspn(at, ",=");
        rc = add_type(set, tool, at, len, err);
        at += len + 1;
    }
    if (rc == QR_OK)
        rc = set_command(tool, equals + 1, err);
    if (rc < 0) {
        clear(tool);
        return qr_err_wrap(err, rc, "--exec");
    }
    set->n++;
    return QR_OK;
}

/* ---- DWG */

/* Where Quarry's own converter is: installed beside the programs, or in the tree they were built
 * in (build/bin, build/dev/bin). */
static bool find_own(char folder[PATH_MAX])
{
    static const char *const places[] = {"../lib/quarry/dwg", "../../worker/tool/dwg",
                                         "../../../worker/tool/dwg"};
    static const char probe[] = "node_modules/@mlightcad/libredwg-web/wasm/libredwg-web.wasm";
    char self[PATH_MAX];

    if (!qr_process_self(self, sizeof self) || !strrchr(self, '/'))
        return false;
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < QR_COUNT(places); i++) {
        char full[2 * PATH_MAX];
        snprintf(full, sizeof full, "%s/%s/%s", self, places[i], probe);
        if (access(full, R_OK) != 0)
            continue;
        snprintf(full, sizeof full, "%s/%s", self, places[i]);
        if (realpath(full, folder))
            return true;
    }
    return false;
}

static int stage(struct qr_tool *tool, const char *folder, const char *file, const char *as,
                 struct qr_err *err)
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    tool->staged[tool->n_staged] = strdup(path);
    if (!tool->staged[tool->n_staged])
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    tool->staged_as[tool->n_staged++] = as;
    return QR_OK;
}

/* The flags: compiled once and plainly. The optimising compiler would take seconds of each process
 * for code that runs for milliseconds: docs/benchmarks.md, "DWG". */
static int add_own(struct qr_tool *tool, const char *folder, struct qr_err *err)
{
    int rc = set_command(
        tool, "node --liftoff-only --wasm-lazy-compilation --single-threaded convert.mjs", err);

    if (rc == QR_OK)
        rc = stage(tool, folder, "convert.mjs", "convert.mjs", err);
    if (rc == QR_OK)
        rc = stage(tool, folder, "old.mjs", "old.mjs", err);
    if (rc == QR_OK)
        rc = stage(tool, folder, "node_modules/@mlightcad/libredwg-web/wasm/libredwg-web.js",
                   "libredwg-web.mjs", err);
    if (rc == QR_OK)
        rc = stage(tool, folder, "node_modules/@mlightcad/libredwg-web/wasm/libredwg-web.wasm",
                   "libredwg-web.wasm", err);
    if (rc == QR_OK)
        rc = stage(tool, folder, "node_modules/@mlightcad/libredwg-web/dist/libredwg-web.js",
                   "libredwg-model.mjs", err);
    tool->serve = true;
    tool->reserve_bytes = (int64_t)6 << 30; /* WebAssembly reserves 1 GiB at once, 4 at most */
    snprintf(tool->name, sizeof tool->name, "libredwg-web");
    return rc;
}

int qr_tool_set_add_dwg(struct qr_tool_set *set, const char *command, struct qr_err *err)
{
    struct qr_tool *tool = &set->items[set->n];
    char path[PATH_MAX];
    char node[PATH_MAX];
    bool automatic = !command || strcmp(command, "auto") == 0;
    int rc;

    if (find(set, "dwg") || (command && strcmp(command, "off") == 0) || set->n == QR_TOOLS_MAX)
        return QR_OK;
    if (automatic && find_own(path) && find_program("node", node))
        rc = add_own(tool, path, err);
    else if (automatic && find_program("dwg2dxf", path))
        rc = set_command(tool, "dwg2dxf -v0 -y -o {out} {in}", err);
    else if (automatic && find_program("ODAFileConverter", path))
        rc = set_command(tool, "ODAFileConverter {indir} {outdir} ACAD2018 DXF 0 0", err);
    else if (automatic)
        return QR_OK;
    else
        rc = set_command(tool, command, err);
    snprintf(tool->types, sizeof tool->types, " dwg ");
    tool->converter = true;
    if (rc < 0) {
        clear(tool);
        return qr_err_wrap(err, rc, "--dwg-converter");
    }
    set->n++;
    return QR_OK;
}

void qr_tool_set_done(struct qr_tool_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        clear(&set->items[i]);
    set->n = 0;
}

/* ---- which */

const struct qr_tool *qr_tool_set_find(const struct qr_tool_set *set, const char *name,
                                       const char *type, const void *head, size_t head_len,
                                       char ret_type[32])
{
    struct qr_detected found;
    char extension[16];
    const char *wanted;

    if (set->n == 0)
        return NULL;
    qr_extension_of(name, extension);
    qr_detect(head, head_len, name, type, &found);
    if (find(set, extension))
        wanted = extension;
    else if (found.by_name)
        wanted = found.by_name->type;
    else if (found.format)
        wanted = found.format->type;
    else
        wanted = extension[0] ? "" : type;
    snprintf(ret_type, 32, "%s", wanted);
    return find(set, ret_type);
}

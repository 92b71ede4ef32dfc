#include "common/options_intern.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 128, NAME_MAX_BYTES = 64 };

const struct qr_option *qr_options_row(const struct qr_options *options, size_t i)
{
    const struct qr_option *row = options->table;

    while (row->name && i > 0) {
        row++;
        i--;
    }
    if (row->name || !options->shared)
        return row->name ? row : NULL;
    for (row = options->shared; row->name && i > 0; row++)
        i--;
    return row->name ? row : NULL;
}

static bool same_name(const char *row_name, const char *name, size_t len, bool key)
{
    if (strlen(row_name) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (row_name[i] != name[i] && !(key && row_name[i] == '-' && name[i] == '_'))
            return false;
    return true;
}

const struct qr_option *qr_options_find(const struct qr_options *options, const char *name,
                                        size_t len, bool key)
{
    const struct qr_option *row;

    for (size_t i = 0; (row = qr_options_row(options, i)); i++)
        if (same_name(row->name, name, len, key))
            return row;
    return NULL;
}

static size_t row_index(const struct qr_options *options, const struct qr_option *wanted)
{
    size_t i = 0;
    while (qr_options_row(options, i) != wanted)
        i++;
    return i;
}

/* Edits between two names: insert, delete, replace. */
static size_t distance(const char *a, const char *b)
{
    size_t cost[NAME_MAX_BYTES + 1];
    size_t n = strnlen(b, NAME_MAX_BYTES);

    for (size_t j = 0; j <= n; j++)
        cost[j] = j;
    for (size_t i = 1; a[i - 1] && i <= NAME_MAX_BYTES; i++) {
        size_t diagonal = cost[0];
        cost[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (cost[j] + 1 < best)
                best = cost[j] + 1;
            if (cost[j - 1] + 1 < best)
                best = cost[j - 1] + 1;
            diagonal = cost[j];
            cost[j] = best;
        }
    }
    return cost[n];
}

const char *qr_options_nearest(const struct qr_options *options, const char *name)
{
    static const char *const built_in[] = {"help", "version", "config"};
    size_t n_built_in = options->verb ? 2 : QR_COUNT(built_in);
    const struct qr_option *row;
    const char *nearest = NULL;
    size_t least = strlen(name) / 3 + 2; /* further off is no typing error */

    for (size_t i = 0; (row = qr_options_row(options, i)); i++) {
        size_t d = distance(name, row->name);
        if (d < least) {
            least = d;
            nearest = row->name;
        }
    }
    for (size_t i = 0; i < n_built_in; i++) {
        size_t d = distance(name, built_in[i]);
        if (d < least) {
            least = d;
            nearest = built_in[i];
        }
    }
    return nearest;
}

bool qr_option_has_env(const struct qr_options *options, const struct qr_option *row)
{
    if (!options->verb)
        return true;
    for (const struct qr_option *own = options->table; own->name; own++)
        if (own == row)
            return false;
    return true;
}

const char *qr_option_key_name(const struct qr_option *row, char *buf, size_t size)
{
    snprintf(buf, size, "%s", row->name);
    for (char *c = buf; *c; c++)
        *c = *c == '-' ? '_' : *c;
    return buf;
}

const char *qr_option_env_name(const struct qr_option *row, char *buf, size_t size)
{
    snprintf(buf, size, "QUARRY_%s", row->name);
    for (char *c = buf; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    return buf;
}

/* ---- arguments */

struct parse {
    const struct qr_options *options;
    void *target;
    bool given[ROWS_MAX]; /* rows a stronger source has set */
    const char *config;
    struct qr_option_list *positional;
    enum qr_options_action action;
    int argc, next;
    char *const *argv;
};

static int unknown_flag(const struct parse *p, const char *arg, const char *name,
                        struct qr_err *err)
{
    const char *nearest = qr_options_nearest(p->options, name);
    if (nearest)
        return qr_fail(err, QR_E_USAGE, "unknown option '%s'; hint: did you mean --%s?", arg,
                       nearest);
    return qr_fail(err, QR_E_USAGE, "unknown option '%s'; hint: %s --help lists them", arg,
                   p->options->program);
}

static int take_value(struct parse *p, const char *flag, const char *attached, const char **ret,
                      struct qr_err *err)
{
    if (!attached && p->next >= p->argc)
        return qr_fail(err, QR_E_USAGE, "%s needs a value", flag);
    *ret = attached ? attached : p->argv[p->next++];
    return QR_OK;
}

static int apply_flag(struct parse *p, const struct qr_option *row, const char *flag,
                      const char *value, struct qr_err *err)
{
    const struct qr_option_origin origin = {.text = flag};
    size_t i = row_index(p->options, row);

    if (!p->given[i])
        qr_option_clear(row, p->target);
    p->given[i] = true;
    return qr_option_set(row, p->target, value, &origin, err);
}

/* --name, --name=value, --no-name; `text` is behind the dashes. */
static int long_flag(struct parse *p, const char *arg, const char *text, struct qr_err *err)
{
    char flag[NAME_MAX_BYTES + 3];
    const char *value = strchr(text, '=');
    size_t len = value ? (size_t)(value++ - text) : strlen(text);
    int rc = QR_OK;

    snprintf(flag, sizeof flag, "--%.*s", (int)len, text);
    if (same_name("help", text, len, false) || same_name("version", text, len, false) ||
        same_name("help-markdown", text, len, false)) {
        if (value)
            return qr_fail(err, QR_E_USAGE, "%s takes no value", flag);
        p->action = text[0] == 'v' ? QR_OPTIONS_VERSION
                    : len == 4     ? QR_OPTIONS_HELP
                                   : QR_OPTIONS_MARKDOWN;
        return QR_OK;
    }
    if (same_name("config", text, len, false) && !p->options->verb)
        return take_value(p, flag, value, &p->config, err);

    const struct qr_option *row = qr_options_find(p->options, text, len, false);
    if (!row && len > 3 && strncmp(text, "no-", 3) == 0) {
        row = qr_options_find(p->options, text + 3, len - 3, false);
        if (row && row->type == QR_OPT_BOOL && !value)
            return apply_flag(p, row, flag, "false", err);
        row = NULL;
    }
    if (!row)
        return unknown_flag(p, arg, flag + 2, err);
    if (row->type == QR_OPT_BOOL)
        value = value ? value : "true";
    else
        rc = take_value(p, flag, value, &value, err);
    return rc < 0 ? rc : apply_flag(p, row, flag, value, err);
}

/* -x value, -xvalue; one letter an argument. */
static int short_flag(struct parse *p, const char *arg, struct qr_err *err)
{
    const char flag[] = {'-', arg[1], '\0'};
    const char *value = arg[2] ? arg + 2 : NULL;
    const struct qr_option *row = NULL;

    for (size_t i = 0; (row = qr_options_row(p->options, i)); i++)
        if (row->letter == arg[1])
            break;
    if (!row && strcmp(arg, "-h") == 0) {
        p->action = QR_OPTIONS_HELP;
        return QR_OK;
    }
    if (!row)
        return unknown_flag(p, arg, arg + 1, err);
    if (row->type == QR_OPT_BOOL && !value)
        return apply_flag(p, row, flag, "true", err);
    int rc = take_value(p, flag, value, &value, err);
    return rc < 0 ? rc : apply_flag(p, row, flag, value, err);
}

static int parse_arguments(struct parse *p, struct qr_err *err)
{
    bool only_positional = false;
    int rc = QR_OK;

    while (rc == QR_OK && p->next < p->argc) {
        const char *arg = p->argv[p->next++];
        if (!only_positional && strcmp(arg, "--") == 0) {
            only_positional = true;
        } else if (!only_positional && strncmp(arg, "--", 2) == 0) {
            rc = long_flag(p, arg, arg + 2, err);
        } else if (!only_positional && arg[0] == '-' && arg[1] != '\0') {
            rc = short_flag(p, arg, err);
        } else if (!p->positional) {
            rc = qr_fail(err, QR_E_USAGE, "unexpected argument '%s'; hint: options start with --",
                         arg);
        } else {
            rc = qr_option_list_add(p->positional, arg, strlen(arg), err);
            only_positional = only_positional || p->options->stop_at_positional;
        }
    }
    return rc;
}

/* ---- the weaker sources */

static int apply_environment(struct parse *p, struct qr_err *err)
{
    const struct qr_option *row;
    char name[NAME_MAX_BYTES + 8];
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && (row = qr_options_row(p->options, i)); i++) {
        const char *value = getenv(qr_option_env_name(row, name, sizeof name));
        if (p->given[i] || !value || value[0] == '\0' || !qr_option_has_env(p->options, row))
            continue;
        const struct qr_option_origin origin = {.text = name, .split_commas = true};
        qr_option_clear(row, p->target);
        p->given[i] = true;
        rc = qr_option_set(row, p->target, value, &origin, err);
    }
    return rc;
}

static int apply_defaults(struct parse *p, struct qr_err *err)
{
    const struct qr_option *row;
    int rc = QR_OK;

    for (size_t i = 0; rc == QR_OK && (row = qr_options_row(p->options, i)); i++) {
        const struct qr_option_origin origin = {.text = row->name, .split_commas = true};
        if (row->fallback)
            rc = qr_option_set(row, p->target, row->fallback, &origin, err);
    }
    return rc;
}

static bool has_value(const struct qr_option *row, void *target)
{
    void *slot = (char *)target + row->at;
    if (row->type == QR_OPT_STR)
        return *(char **)slot != NULL;
    if (row->type == QR_OPT_LIST)
        return ((struct qr_option_list *)slot)->n > 0;
    return true;
}

static int check_required(const struct parse *p, struct qr_err *err)
{
    const struct qr_option *row;
    char env[NAME_MAX_BYTES + 8];

    for (size_t i = 0; (row = qr_options_row(p->options, i)); i++)
        if (!(row->flags & QR_OPT_REQUIRED) || has_value(row, p->target))
            continue;
        else if (!qr_option_has_env(p->options, row))
            return qr_fail(err, QR_E_USAGE, "--%s is missing; hint: --%s %s", row->name, row->name,
                           row->arg ? row->arg : "VALUE");
        else
            return qr_fail(err, QR_E_USAGE,
                           "--%s is missing; hint: --%s %s, or %s in the environment", row->name,
                           row->name, row->arg ? row->arg : "VALUE",
                           qr_option_env_name(row, env, sizeof env));
    return QR_OK;
}

static void forget_all(const struct qr_options *options, void *target)
{
    const struct qr_option *row;
    for (size_t i = 0; (row = qr_options_row(options, i)); i++) {
        if (row->type == QR_OPT_STR)
            *(char **)(void *)((char *)target + row->at) = NULL;
        else if (row->type == QR_OPT_LIST)
            memset((char *)target + row->at, 0, sizeof(struct qr_option_list));
    }
}

int qr_options_parse(const struct qr_options *options, int argc, char *const *argv, void *target,
                     struct qr_option_list *ret_positional, enum qr_options_action *ret_action,
                     struct qr_err *err)
{
    struct parse p = {.options = options, .target = target, .argc = argc, .argv = argv, .next = 1};

    if (qr_options_row(options, ROWS_MAX - 1))
        return qr_fail(err, QR_E_INTERNAL, "more than %d options", ROWS_MAX - 1);
    p.positional = ret_positional;
    if (ret_positional)
        memset(ret_positional, 0, sizeof *ret_positional);
    forget_all(options, target);
    int rc = apply_defaults(&p, err);
    if (rc == QR_OK)
        rc = parse_arguments(&p, err);
    if (rc == QR_OK && p.action == QR_OPTIONS_RUN)
        rc = apply_environment(&p, err);
    if (!p.config && !options->verb)
        p.config = getenv("QUARRY_CONFIG");
    if (rc == QR_OK && p.action == QR_OPTIONS_RUN && p.config && p.config[0] != '\0')
        rc = qr_options_load(options, p.config, p.given, target, err);
    if (rc == QR_OK && p.action == QR_OPTIONS_RUN)
        rc = check_required(&p, err);
    if (rc == QR_OK)
        *ret_action = p.action;
    return rc;
}

void qr_options_done(const struct qr_options *options, void *target)
{
    const struct qr_option *row;
    for (size_t i = 0; (row = qr_options_row(options, i)); i++)
        qr_option_clear(row, target);
}

bool qr_options_main(const struct qr_options *options, int argc, char *const *argv, void *target,
                     struct qr_option_list *ret_positional, int *ret_exit)
{
    enum qr_options_action action = QR_OPTIONS_RUN;
    struct qr_err err = {0};

    int rc = qr_options_parse(options, argc, argv, target, ret_positional, &action, &err);
    *ret_exit = qr_err_exit_code(rc);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", options->program, err.msg);
    else if (action == QR_OPTIONS_HELP)
        qr_options_print_help(options, stdout);
    else if (action == QR_OPTIONS_MARKDOWN)
        qr_options_print_markdown(options, stdout);
    else if (action == QR_OPTIONS_VERSION)
        printf("%s %s\n", options->program, QUARRY_VERSION);
    else
        return true;
    qr_options_done(options, target);
    return false;
}

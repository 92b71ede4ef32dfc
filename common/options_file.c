#include "common/options_intern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

enum { FILE_BYTES_MAX = 1 << 20, ORIGIN_BYTES = 300 };

struct file {
    const struct qr_options *options;
    const char *path;
    const bool *given;
    void *target;
    bool seen[256]; /* rows, by index; a key given twice is a mistake */
    yaml_document_t doc;
};

static int node_line(const yaml_node_t *node) { return (int)node->start_mark.line + 1; }

static const char *scalar_text(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int set_item(struct file *f, const struct qr_option *row, const char *value,
                    const yaml_node_t *node, struct qr_err *err)
{
    char text[ORIGIN_BYTES];
    char key[80];
    const struct qr_option_origin origin = {.text = text};

    snprintf(text, sizeof text, "%s:%d: %s", f->path, node_line(node),
             qr_option_key_name(row, key, sizeof key));
    if (!value)
        return qr_fail(err, QR_E_USAGE, "%s: expected a plain value", text);
    return qr_option_set(row, f->target, value, &origin, err);
}

/* Values of a list row: a sequence of plain values, or a mapping read as NAME=VALUE. */
static int set_items(struct file *f, const struct qr_option *row, const yaml_node_t *node,
                     struct qr_err *err)
{
    int rc = QR_OK;

    if (node->type == YAML_SEQUENCE_NODE) {
        for (const yaml_node_item_t *item = node->data.sequence.items.start;
             rc == QR_OK && item < node->data.sequence.items.top; item++) {
            const yaml_node_t *value = yaml_document_get_node(&f->doc, *item);
            rc = set_item(f, row, scalar_text(value), value, err);
        }
        return rc;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         rc == QR_OK && pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&f->doc, pair->key);
        const char *name = scalar_text(key);
        const char *value = scalar_text(yaml_document_get_node(&f->doc, pair->value));
        char *both = NULL;
        if (name && value && asprintf(&both, "%s=%s", name, value) < 0)
            return qr_fail(err, QR_E_NOMEM, "out of memory");
        rc = set_item(f, row, both, key, err);
        free(both);
    }
    return rc;
}

static int unknown_key(const struct file *f, const char *name, const yaml_node_t *node,
                       struct qr_err *err)
{
    const char *nearest = qr_options_nearest(f->options, name);
    char key[80];

    if (!nearest)
        return qr_fail(err, QR_E_USAGE, "%s:%d: unknown key '%s'; hint: %s --help lists them",
                       f->path, node_line(node), name, f->options->program);
    const struct qr_option *row = qr_options_find(f->options, nearest, strlen(nearest), false);
    return qr_fail(err, QR_E_USAGE, "%s:%d: unknown key '%s'; hint: did you mean %s?", f->path,
                   node_line(node), name, row ? qr_option_key_name(row, key, sizeof key) : nearest);
}

static int apply_pair(struct file *f, const yaml_node_pair_t *pair, struct qr_err *err)
{
    const yaml_node_t *key = yaml_document_get_node(&f->doc, pair->key);
    const yaml_node_t *value = yaml_document_get_node(&f->doc, pair->value);
    const char *name = scalar_text(key);
    size_t i = 0;

    if (!name)
        return qr_fail(err, QR_E_USAGE, "%s:%d: expected a key", f->path, node_line(key));
    const struct qr_option *row = qr_options_find(f->options, name, strlen(name), true);
    if (!row)
        return unknown_key(f, name, key, err);
    while (qr_options_row(f->options, i) != row)
        i++;
    if (f->seen[i])
        return qr_fail(err, QR_E_USAGE, "%s:%d: '%s' is given twice", f->path, node_line(key),
                       name);
    f->seen[i] = true;
    if (f->given[i])
        return QR_OK;
    qr_option_clear(row, f->target);
    if (row->type == QR_OPT_LIST && value->type != YAML_SCALAR_NODE)
        return set_items(f, row, value, err);
    return set_item(f, row, scalar_text(value), key, err);
}

static int apply_document(struct file *f, struct qr_err *err)
{
    const yaml_node_t *root = yaml_document_get_root_node(&f->doc);
    int rc = QR_OK;

    if (!root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0))
        return QR_OK; /* an empty file, or comments only */
    if (root->type != YAML_MAPPING_NODE)
        return qr_fail(err, QR_E_USAGE, "%s: expected lines of the form key: value", f->path);
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         rc == QR_OK && pair < root->data.mapping.pairs.top; pair++)
        rc = apply_pair(f, pair, err);
    return rc;
}

static int parse_text(struct file *f, const char *text, size_t len, struct qr_err *err)
{
    yaml_parser_t parser;
    int rc;

    if (!yaml_parser_initialize(&parser))
        return qr_fail(err, QR_E_NOMEM, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &f->doc)) {
        rc = apply_document(f, err);
        yaml_document_delete(&f->doc);
    } else {
        rc = qr_fail(err, QR_E_USAGE, "%s:%zu: not valid YAML: %s", f->path,
                     parser.problem_mark.line + 1, parser.problem ? parser.problem : "unreadable");
    }
    yaml_parser_delete(&parser);
    return rc;
}

int qr_options_load(const struct qr_options *options, const char *path, const bool *given,
                    void *target, struct qr_err *err)
{
    struct file f = {.options = options, .path = path, .given = given, .target = target};

    FILE *in = fopen(path, "re");
    if (!in)
        return qr_fail_errno(err, errno == ENOENT ? QR_E_USAGE : QR_E_IO, errno,
                             "open configuration '%s'", path);
    char *text = malloc(FILE_BYTES_MAX + 1);
    size_t len = text ? fread(text, 1, FILE_BYTES_MAX + 1, in) : 0;
    bool failed = ferror(in) != 0;
    fclose(in);
    int rc;
    if (!text)
        rc = qr_fail(err, QR_E_NOMEM, "out of memory");
    else if (failed)
        rc = qr_fail(err, QR_E_IO, "cannot read configuration '%s'", path);
    else if (len > FILE_BYTES_MAX)
        rc = qr_fail(err, QR_E_USAGE, "configuration '%s' is larger than 1 MiB", path);
    else
        rc = parse_text(&f, text, len, err);
    free(text);
    return rc;
}

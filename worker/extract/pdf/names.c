#include "worker/extract/pdf/names.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    pdf_obj *leaf;
    qr_pdf_tree_fn fn;
    void *arg;
    pdf_mark_bits *seen;
    bool stopped;
};

static void walk_node(struct qr_pdf_file *file, pdf_obj *node, struct walk *walk, int depth)
{
    fz_context *ctx = file->ctx;

    if (depth > QR_PDF_TREE_DEPTH || pdf_mark_bits_set(ctx, walk->seen, node)) {
        qr_record_note(file->rec, "pdf.names.loop", "a name tree contains itself or is too deep");
        return;
    }
    pdf_obj *pairs = pdf_dict_get(ctx, node, walk->leaf);
    int n = pdf_array_len(ctx, pairs);
    for (int i = 0; i + 1 < n && !walk->stopped; i += 2)
        walk->stopped = !walk->fn(file, pdf_array_get(ctx, pairs, i),
                                  pdf_array_get(ctx, pairs, i + 1), walk->arg);
    pdf_obj *kids = pdf_dict_get(ctx, node, PDF_NAME(Kids));
    n = pdf_array_len(ctx, kids);
    for (int i = 0; i < n && !walk->stopped; i++) {
        pdf_obj *kid = pdf_array_get(ctx, kids, i);
        if (pdf_is_dict(ctx, kid))
            walk_node(file, kid, walk, depth + 1);
    }
}

void qr_pdf_walk_tree(struct qr_pdf_file *file, pdf_obj *tree, pdf_obj *leaf, qr_pdf_tree_fn fn,
                      void *arg)
{
    fz_context *ctx = file->ctx;
    struct walk walk = {.leaf = leaf, .fn = fn, .arg = arg};

    if (!pdf_is_dict(ctx, tree))
        return;
    walk.seen = pdf_new_mark_bits(ctx, file->doc);
    fz_try(ctx) walk_node(file, tree, &walk, 0);
    fz_always(ctx) pdf_drop_mark_bits(ctx, walk.seen);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* ---------------------------------------------------------------- named destinations */

static bool add_dest(struct qr_pdf_file *file, pdf_obj *key, pdf_obj *value, void *arg)
{
    struct qr_pdf_dest *dest =
        qr_pdf_append(file, &file->dests, &file->n_dests, &file->cap_dests, sizeof *dest);

    (void)arg;
    if (!dest)
        return false;
    if (pdf_is_name(file->ctx, key)) {
        dest->name = pdf_to_name(file->ctx, key);
        dest->len = strlen(dest->name);
    } else {
        dest->name = pdf_to_string(file->ctx, key, &dest->len);
    }
    dest->dest = value;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct qr_pdf_dest *left = a;
    const struct qr_pdf_dest *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = len > 0 ? memcmp(left->name, right->name, len) : 0;

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

static void read_dests(struct qr_pdf_file *file)
{
    fz_context *ctx = file->ctx;
    pdf_obj *old = pdf_dict_get(ctx, file->root, PDF_NAME(Dests)); /* before PDF 1.2 */
    int n = pdf_dict_len(ctx, old);

    file->dests_read = true; /* whatever happens: not again */
    for (int i = 0; i < n; i++)
        if (!add_dest(file, pdf_dict_get_key(ctx, old, i), pdf_dict_get_val(ctx, old, i), NULL))
            break;
    qr_pdf_walk_tree(file, pdf_dict_getl(ctx, file->root, PDF_NAME(Names), PDF_NAME(Dests), NULL),
                     PDF_NAME(Names), add_dest, NULL);
    if (file->n_dests > 0)
        qsort(file->dests, file->n_dests, sizeof *file->dests, by_name);
}

static pdf_obj *find_dest(struct qr_pdf_file *file, pdf_obj *name)
{
    struct qr_pdf_dest wanted = {0};
    const struct qr_pdf_dest *found = NULL;

    if (!file->dests_read)
        read_dests(file);
    if (pdf_is_name(file->ctx, name)) {
        wanted.name = pdf_to_name(file->ctx, name);
        wanted.len = strlen(wanted.name);
    } else {
        wanted.name = pdf_to_string(file->ctx, name, &wanted.len);
    }
    if (file->n_dests > 0)
        found = bsearch(&wanted, file->dests, file->n_dests, sizeof wanted, by_name);
    return found ? found->dest : NULL;
}

/* ---------------------------------------------------------------- targets */

static struct qr_pdf_target target_of_dest(struct qr_pdf_file *file, pdf_obj *dest)
{
    fz_context *ctx = file->ctx;
    struct qr_pdf_target target = {.kind = "goto"};

    if (pdf_is_name(ctx, dest) || pdf_is_string(ctx, dest)) {
        target.text = dest;
        dest = find_dest(file, dest);
    }
    if (pdf_is_dict(ctx, dest))
        dest = pdf_dict_get(ctx, dest, PDF_NAME(D));
    pdf_obj *page = pdf_array_get(ctx, dest, 0);
    if (pdf_is_int(ctx, page) && pdf_to_int(ctx, page) >= 0)
        target.page = (uint32_t)pdf_to_int(ctx, page) + 1;
    else if (page)
        target.page = qr_pdf_page_number(file, page);
    if (target.page > 0)
        target.text = NULL;
    return target;
}

pdf_obj *qr_pdf_file_name(fz_context *ctx, pdf_obj *spec)
{
    static const char *const keys[] = {"UF", "F", "Unix", "DOS", "Mac"};

    if (pdf_is_string(ctx, spec))
        return spec;
    for (size_t i = 0; i < QR_COUNT(keys); i++) {
        pdf_obj *name = pdf_dict_gets(ctx, spec, keys[i]);
        if (pdf_is_string(ctx, name) && pdf_to_str_len(ctx, name) > 0)
            return name;
    }
    return NULL;
}

static struct qr_pdf_target target_of_action(struct qr_pdf_file *file, pdf_obj *action)
{
    fz_context *ctx = file->ctx;
    const char *type = pdf_to_name(ctx, pdf_dict_get(ctx, action, PDF_NAME(S)));
    pdf_obj *spec = pdf_dict_get(ctx, action, PDF_NAME(F));

    if (strcmp(type, "GoTo") == 0)
        return target_of_dest(file, pdf_dict_get(ctx, action, PDF_NAME(D)));
    if (strcmp(type, "URI") == 0)
        return (struct qr_pdf_target){"uri", 0, pdf_dict_get(ctx, action, PDF_NAME(URI))};
    if (strcmp(type, "GoToR") == 0 || strcmp(type, "GoToE") == 0)
        return (struct qr_pdf_target){"file", 0, qr_pdf_file_name(ctx, spec)};
    if (strcmp(type, "Launch") == 0) {
        pdf_obj *windows = pdf_dict_getp(ctx, action, "Win/F");
        return (struct qr_pdf_target){"launch", 0, spec ? qr_pdf_file_name(ctx, spec) : windows};
    }
    if (strcmp(type, "SubmitForm") == 0)
        return (struct qr_pdf_target){"submit", 0, qr_pdf_file_name(ctx, spec)};
    if (strcmp(type, "Named") == 0)
        return (struct qr_pdf_target){"named", 0, pdf_dict_get(ctx, action, PDF_NAME(N))};
    if (strcmp(type, "JavaScript") == 0)
        return (struct qr_pdf_target){"javascript", 0, NULL};
    return (struct qr_pdf_target){0};
}

struct qr_pdf_target qr_pdf_target_of(struct qr_pdf_file *file, pdf_obj *item)
{
    pdf_obj *dest = pdf_dict_get(file->ctx, item, PDF_NAME(Dest));

    if (dest)
        return target_of_dest(file, dest);
    return target_of_action(file, pdf_dict_get(file->ctx, item, PDF_NAME(A)));
}

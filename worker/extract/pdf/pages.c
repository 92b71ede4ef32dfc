#include "worker/extract/pdf/pages.h"

#include <stdlib.h>

#define MAX_DEPTH 100 /* of a page tree; real ones have fewer than 10 levels */
#define NODE_PAGES 128
#define TREE_PAGES_MAX 500 /* beyond, the document's own tree may be too slow: a flat one is */

/* The leaves found so far, in page order; borrowed references live in the array object. */
struct leaves {
    pdf_obj *kids; /* a PDF array, so that dropping it drops all */
    int max;
    bool cut;
    bool loop; /* a node lists one of its own ancestors */
};

static bool is_node(fz_context *ctx, pdf_obj *obj)
{
    return pdf_is_array(ctx, pdf_dict_get(ctx, obj, PDF_NAME(Kids))) &&
           !pdf_name_eq(ctx, pdf_dict_get(ctx, obj, PDF_NAME(Type)), PDF_NAME(Page));
}

static bool is_page(fz_context *ctx, pdf_obj *obj)
{
    pdf_obj *type = pdf_dict_get(ctx, obj, PDF_NAME(Type));

    if (pdf_name_eq(ctx, type, PDF_NAME(Page)))
        return true;
    /* without a right type: what looks like a page where a page should be */
    return !pdf_name_eq(ctx, type, PDF_NAME(Pages)) &&
           (pdf_dict_get(ctx, obj, PDF_NAME(MediaBox)) ||
            pdf_dict_get(ctx, obj, PDF_NAME(Contents)) || pdf_dict_get(ctx, obj, PDF_NAME(Parent)));
}

static void walk(fz_context *ctx, pdf_obj *node, struct leaves *found, int depth)
{
    pdf_obj *kids = pdf_dict_get(ctx, node, PDF_NAME(Kids));
    int n = pdf_array_len(ctx, kids);

    if (depth > MAX_DEPTH || pdf_mark_obj(ctx, node)) { /* it is being walked already */
        found->loop = true;
        return;
    }
    fz_try(ctx)
    {
        for (int i = 0; i < n; i++) {
            pdf_obj *kid = pdf_array_get(ctx, kids, i);
            if (pdf_array_len(ctx, found->kids) >= found->max) {
                found->cut = true;
                break;
            }
            if (is_node(ctx, kid))
                walk(ctx, kid, found, depth + 1);
            else if (is_page(ctx, kid))
                pdf_array_push(ctx, found->kids, kid);
        }
    }
    fz_always(ctx) pdf_unmark_obj(ctx, node);
    fz_catch(ctx) fz_rethrow_if(ctx, FZ_ERROR_MEMORY); /* damaged here; what was found counts */
}

static pdf_obj *root_of(fz_context *ctx, pdf_document *doc)
{
    return pdf_dict_get(ctx, pdf_trailer(ctx, doc), PDF_NAME(Root));
}

static void walk_document(fz_context *ctx, pdf_document *doc, struct leaves *found)
{
    pdf_obj *pages = pdf_dict_get(ctx, root_of(ctx, doc), PDF_NAME(Pages));

    if (is_node(ctx, pages))
        walk(ctx, pages, found, 0);
    else if (is_page(ctx, pages)) /* a single page in the place of the tree */
        pdf_array_push(ctx, found->kids, pages);
}

/* Every page object of the file, in the order of object numbers. */
static void scan_objects(fz_context *ctx, pdf_document *doc, struct leaves *found)
{
    int n = pdf_xref_len(ctx, doc);

    for (int i = 1; i < n && pdf_array_len(ctx, found->kids) < found->max; i++) {
        fz_try(ctx)
        {
            pdf_obj *obj = pdf_load_object(ctx, doc, i);
            bool hit = pdf_name_eq(ctx, pdf_dict_get(ctx, obj, PDF_NAME(Type)), PDF_NAME(Page));
            pdf_drop_obj(ctx, obj);
            if (hit)
                pdf_array_push_drop(ctx, found->kids, pdf_new_indirect(ctx, doc, i, 0));
        }
        fz_catch(ctx) fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
    }
}

static void repair(fz_context *ctx, pdf_document *doc)
{
    if (pdf_was_repaired(ctx, doc))
        return;
    fz_try(ctx)
    {
        pdf_repair_xref(ctx, doc);
        pdf_repair_obj_stms(ctx, doc);
    }
    fz_catch(ctx) fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
}

/* A node of a page tree with `n` of the pages from `first` on, as new reference. */
static pdf_obj *new_node(fz_context *ctx, pdf_document *doc, pdf_obj *pages, int first, int n)
{
    pdf_obj *node = pdf_new_dict(ctx, doc, 3);
    pdf_obj *kids = NULL;

    fz_var(kids);
    fz_try(ctx)
    {
        pdf_dict_put(ctx, node, PDF_NAME(Type), PDF_NAME(Pages));
        pdf_dict_put_int(ctx, node, PDF_NAME(Count), n);
        kids = pdf_new_array(ctx, doc, n);
        pdf_dict_put(ctx, node, PDF_NAME(Kids), kids);
        for (int i = first; i < first + n; i++)
            pdf_array_push(ctx, kids, pdf_array_get(ctx, pages, i));
    }
    fz_always(ctx) pdf_drop_obj(ctx, kids);
    fz_catch(ctx)
    {
        pdf_drop_obj(ctx, node);
        fz_rethrow(ctx);
    }
    return node;
}

/* The kids of a tree of two levels: MuPDF walks through them for each page it loads. */
static pdf_obj *group_pages(fz_context *ctx, pdf_document *doc, pdf_obj *pages)
{
    int n = pdf_array_len(ctx, pages);
    pdf_obj *groups = pdf_new_array(ctx, doc, n / NODE_PAGES + 1);

    fz_try(ctx)
    {
        for (int i = 0; i < n; i += NODE_PAGES) {
            int size = n - i < NODE_PAGES ? n - i : NODE_PAGES;
            pdf_array_push_drop(ctx, groups, new_node(ctx, doc, pages, i, size));
        }
    }
    fz_catch(ctx)
    {
        pdf_drop_obj(ctx, groups);
        fz_rethrow(ctx);
    }
    return groups;
}

/* Put a tree of these pages in the place of the document's own. */
static void replace_tree(fz_context *ctx, pdf_document *doc, pdf_obj *pages)
{
    pdf_obj *root = root_of(ctx, doc);
    pdf_obj *groups = NULL;
    pdf_obj *tree = pdf_new_dict(ctx, doc, 3);

    fz_var(groups);
    fz_try(ctx)
    {
        groups = group_pages(ctx, doc, pages);
        pdf_dict_put(ctx, tree, PDF_NAME(Type), PDF_NAME(Pages));
        pdf_dict_put(ctx, tree, PDF_NAME(Kids), groups);
        pdf_dict_put_int(ctx, tree, PDF_NAME(Count), pdf_array_len(ctx, pages));
        if (!pdf_is_dict(ctx, root))
            root = pdf_dict_put_dict(ctx, pdf_trailer(ctx, doc), PDF_NAME(Root), 1);
        pdf_dict_put(ctx, root, PDF_NAME(Pages), tree);
        doc->linear_page_count = 0;
    }
    fz_always(ctx)
    {
        pdf_drop_obj(ctx, groups);
        pdf_drop_obj(ctx, tree);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}

static int by_object(const void *a, const void *b)
{
    const pdf_rev_page_map *left = a;
    const pdf_rev_page_map *right = b;
    if (left->object != right->object)
        return left->object < right->object ? -1 : 1;
    return (left->page > right->page) - (left->page < right->page);
}

/* MuPDF's own table from object to page number, which it would search for in the tree otherwise. */
static void number_pages(fz_context *ctx, pdf_document *doc, pdf_obj *pages)
{
    int n = pdf_array_len(ctx, pages);

    if (doc->rev_page_map || n == 0)
        return;
    doc->rev_page_map = fz_malloc(ctx, (size_t)n * sizeof *doc->rev_page_map);
    doc->map_page_count = n;
    for (int i = 0; i < n; i++) {
        doc->rev_page_map[i].page = i;
        doc->rev_page_map[i].object = pdf_to_num(ctx, pdf_array_get(ctx, pages, i));
    }
    qsort(doc->rev_page_map, (size_t)n, sizeof *doc->rev_page_map, by_object);
}

static int claimed_count(fz_context *ctx, pdf_document *doc)
{
    int count = -1;

    fz_var(count);
    fz_try(ctx) count = pdf_count_pages(ctx, doc);
    fz_catch(ctx) fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
    return count;
}

static void find(fz_context *ctx, pdf_document *doc, struct leaves *found, struct qr_record *rec)
{
    walk_document(ctx, doc, found);
    if (pdf_array_len(ctx, found->kids) == 0) {
        repair(ctx, doc);
        walk_document(ctx, doc, found);
    }
    bool scanned = pdf_array_len(ctx, found->kids) == 0;
    if (scanned)
        scan_objects(ctx, doc, found);
    int n = pdf_array_len(ctx, found->kids);
    int claimed = claimed_count(ctx, doc);
    if (found->cut)
        qr_record_partial(rec, "record.capped", "pages were cut at %d", n);
    number_pages(ctx, doc, found->kids);
    if (n == 0 || (n == claimed && !scanned && !found->loop)) {
        if (n > TREE_PAGES_MAX)
            replace_tree(ctx, doc, found->kids);
        return;
    }
    if (scanned)
        qr_record_note(rec, "pdf.pages.rebuilt",
                       "the page tree is lost; %d page objects were taken in the order of their "
                       "numbers",
                       n);
    else if (found->loop)
        qr_record_note(rec, "pdf.pages.loop", "the page tree contains itself; it has %d pages", n);
    else
        qr_record_note(rec, "pdf.pages.miscounted", "the document says it has %d pages; it has %d",
                       claimed, n);
    replace_tree(ctx, doc, found->kids);
}

int qr_pdf_find_pages(fz_context *ctx, pdf_document *doc, struct qr_record *rec)
{
    struct leaves found = {.max = (int)rec->limits.items};
    int n = 0;

    found.kids = pdf_new_array(ctx, doc, 16);
    fz_var(n);
    fz_try(ctx)
    {
        find(ctx, doc, &found, rec);
        n = pdf_array_len(ctx, found.kids);
    }
    fz_always(ctx) pdf_drop_obj(ctx, found.kids);
    fz_catch(ctx)
    {
        fz_rethrow_if(ctx, FZ_ERROR_MEMORY);
        qr_record_note(rec, "pdf.pages.damaged", "page tree: %s", fz_caught_message(ctx));
    }
    return n;
}

/* Layouts at the end: which there are, their pages with text, their sheets for analysis. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/drawing/analysis.h"
#include "worker/extract/dxf/expand.h"
#include "worker/extract/dxf/order.h"
#include "worker/extract/dxf/reader.h"
#include "worker/extract/dxf/units.h"

#define TEXT_MAX ((size_t)32 * 1024 * 1024)
#define PI 3.14159265358979323846
#define PT_PER_MM (72 / 25.4)

/* A layout that may show something. */
struct view {
    struct qr_dxf_block *block;
    const struct qr_dxf_layout *layout; /* NULL: the file has no such object */
    const char *label;
    int64_t tab;
    bool paper;
};

static int by_tab(const void *left, const void *right)
{
    const struct view *a = left;
    const struct view *b = right;

    if (a->paper != b->paper)
        return a->paper - b->paper;
    return a->tab < b->tab ? -1 : a->tab > b->tab;
}

static const struct qr_dxf_layout *layout_of(const struct qr_dxf_reader *r,
                                             const struct qr_dxf_block *block)
{
    if (block->handle == 0)
        return NULL;
    for (const struct qr_dxf_layout *layout = r->layouts; layout; layout = layout->next)
        if (layout->block_record == block->handle)
            return layout;
    return NULL;
}

static struct view view_of(struct qr_dxf_reader *r, struct qr_dxf_block *block, bool paper)
{
    const struct qr_dxf_layout *layout = layout_of(r, block);
    const char *label = paper ? block->name + 1 : "Model";

    if (layout && layout->name && layout->name[0] != '\0')
        label = layout->name;
    else if (block == r->paper_space)
        label = "Paper";
    return (struct view){block, layout, label, layout ? layout->tab : INT64_MAX, paper};
}

static void put_corner(struct qr_sheet_rect *box, double x, double y, bool first)
{
    float fx = (float)x;
    float fy = (float)-y;

    box->x0 = first || fx < box->x0 ? fx : box->x0;
    box->x1 = first || fx > box->x1 ? fx : box->x1;
    box->y0 = first || fy < box->y0 ? fy : box->y0;
    box->y1 = first || fy > box->y1 ? fy : box->y1;
}

/* The axis-aligned box around a span, y downwards. */
static struct qr_sheet_rect box_of(const struct qr_dxf_span *span)
{
    struct qr_sheet_rect box = {0};
    double angle = span->angle * PI / 180;
    double wx = span->width * cos(angle);
    double wy = span->width * sin(angle);
    double hx = -span->height * sin(angle);
    double hy = span->height * cos(angle);

    double dx = span->depth * sin(angle);
    double dy = -span->depth * cos(angle);

    put_corner(&box, span->x + dx, span->y + dy, true);
    put_corner(&box, span->x + wx + dx, span->y + wy + dy, false);
    put_corner(&box, span->x + hx, span->y + hy, false);
    put_corner(&box, span->x + wx + hx, span->y + wy + hy, false);
    return box;
}

static void widen(struct qr_sheet_rect *area, const struct qr_sheet_rect *box, bool first)
{
    area->x0 = first || box->x0 < area->x0 ? box->x0 : area->x0;
    area->y0 = first || box->y0 < area->y0 ? box->y0 : area->y0;
    area->x1 = first || box->x1 > area->x1 ? box->x1 : area->x1;
    area->y1 = first || box->y1 > area->y1 ? box->y1 : area->y1;
}

static const char *handle_text(struct qr_dxf_doc *doc, uint64_t handle)
{
    char text[20];

    if (handle == 0)
        return NULL;
    int n = snprintf(text, sizeof text, "%llX", (unsigned long long)handle);
    return qr_dxf_copy(doc, text, (size_t)n);
}

static void fill_sheet(struct qr_dxf_reader *r, const struct qr_dxf_expansion *x,
                       struct qr_sheet *sheet)
{
    bool first = true;

    for (size_t i = 0; i < x->n_spans; i++) {
        const struct qr_dxf_span *from = &x->spans[i];
        struct qr_sheet_rect box = box_of(from);
        struct qr_sheet_span *span = qr_sheet_add_span(sheet);
        if (!span)
            continue;
        bool whole = from->line == from->text->text && from->len == from->text->len;
        const char *copy = whole ? from->line : qr_dxf_copy(&r->doc, from->line, from->len);
        span->text = copy ? copy : "";
        span->len = copy ? (uint32_t)from->len : 0;
        span->box = box;
        span->angle = (float)from->angle;
        span->height = (float)from->height;
        span->source = from->source;
        span->tag = from->text->tag;
        span->handle = handle_text(&r->doc, from->text->handle);
        widen(&sheet->area, &box, first);
        first = false;
    }
    for (size_t i = 0; i < x->n_rules; i++) {
        const float *rule = x->rules[i];
        struct qr_sheet_rect box = {fminf(rule[0], rule[2]), fminf(-rule[1], -rule[3]),
                                    fmaxf(rule[0], rule[2]), fmaxf(-rule[1], -rule[3])};
        qr_sheet_add_rule(sheet, rule[0], -rule[1], rule[2], -rule[3]);
        widen(&sheet->area, &box, first);
        first = false;
    }
}

static void describe_sheet(struct qr_dxf_reader *r, const struct view *view, uint32_t page,
                           struct qr_sheet *sheet)
{
    struct qr_dxf_unit_guess unit;

    qr_sheet_reset(sheet);
    qr_dxf_units_of(&r->doc, &unit);
    sheet->page = page;
    sheet->layout = view->label;
    sheet->y_up = true;
    sheet->unit = unit.unit;
    sheet->dimensions_known = r->doc.n_dimensions > 0;
    if (view->paper && view->layout && view->layout->paper_units >= 0)
        sheet->unit_mm = view->layout->paper_units == 0 ? 25.4 : 1;
}

/* Where attributes stand is known only now. */
static void place_attributes(struct qr_dxf_reader *r, const struct qr_dxf_expansion *x,
                             const struct qr_sheet *sheet)
{
    for (size_t i = 0; i < x->n_spans; i++) {
        Quarry__V1__Parameter *parameter = x->spans[i].text->parameter;
        struct qr_sheet_rect box;
        if (!parameter || parameter->place)
            continue;
        box = box_of(&x->spans[i]);
        parameter->place = qr_sheet_place(sheet, r->rec, &box);
    }
}

static void size_page(Quarry__V1__Page *page, const struct view *view)
{
    const struct qr_dxf_layout *layout = view->layout;

    if (!view->paper || !layout || !(layout->paper_mm[0] > 0 && layout->paper_mm[1] > 0))
        return;
    bool turned = layout->quarters % 2 != 0;
    page->width_pt = layout->paper_mm[turned] * PT_PER_MM;
    page->height_pt = layout->paper_mm[!turned] * PT_PER_MM;
}

static void report_view(struct qr_dxf_reader *r, const struct view *view,
                        struct qr_dxf_expansion *x, struct qr_sheet *sheet, struct qr_buf *text)
{
    const struct qr_extract_options *options = &r->x->job->options;

    x->page = (uint32_t)r->rec->msg->n_pages + 1;
    x->layout = view->label;
    qr_dxf_expand(x, view->block);
    if (x->n_spans == 0)
        return;
    uint32_t number = x->page;
    Quarry__V1__Page *page = qr_record_add_page(r->rec, number);
    if (!page)
        return;
    page->label = qr_record_text(r->rec, view->label);
    page->drawing = true;
    size_page(page, view);
    qr_buf_clear(text);
    qr_dxf_order_text(x->spans, x->n_spans, text);
    qr_record_set_page_text(r->rec, page, (const char *)text->data, text->len);
    describe_sheet(r, view, number, sheet);
    fill_sheet(r, x, sheet);
    place_attributes(r, x, sheet);
    if (options->spans != QR_EXTRACT_OFF)
        qr_drawing_keep_spans(sheet, r->rec);
    if (options->analysis != QR_EXTRACT_OFF)
        qr_drawing_analyse(sheet, r->rec);
}

void qr_dxf_report_layouts(struct qr_dxf_reader *r)
{
    struct qr_dxf_expansion expansion = {.doc = &r->doc};
    struct qr_sheet sheet = {0};
    struct qr_buf text;
    size_t n = 0;

    struct view *views = calloc(r->n_papers + 2, sizeof *views);
    if (!views)
        return;
    qr_buf_init(&text, TEXT_MAX);
    views[n++] = view_of(r, r->model, false);
    views[n++] = view_of(r, r->paper_space, true);
    for (size_t i = 0; i < r->n_papers; i++)
        views[n++] = view_of(r, r->papers[i], true);
    qsort(views, n, sizeof *views, by_tab);
    for (size_t i = 0; i < n; i++)
        report_view(r, &views[i], &expansion, &sheet, &text);
    for (size_t i = 0; i < n; i++)
        if (views[i].layout)
            qr_dxf_report_viewports(r, views[i].block, views[i].layout->object);
    free(views);
    qr_buf_done(&text);
    qr_sheet_done(&sheet);
    qr_dxf_expansion_done(&expansion);
}

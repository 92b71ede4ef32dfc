#include "worker/extract/drawing/title_clusters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/drawing/title_pieces.h"
#include "worker/extract/drawing/title_values.h"

enum { HITS_MAX = 1000, LABEL_BYTES_MAX = 120 };

struct hit {
    struct qr_sheet_rect box; /* upright, of the whole text */
    float height;
    enum qr_title_field field;
    bool has_value; /* in the same text */
    bool header;    /* heads a column of a table */
    int quarter;
    size_t parent; /* of the union */
};

struct hits {
    struct hit list[HITS_MAX];
    size_t n;
};

static bool is_usable(const struct qr_sheet_span *span)
{
    return span->source != QR_SPAN_DIMENSION && span->len >= 1 && span->len <= LABEL_BYTES_MAX &&
           isfinite(span->box.x0) && isfinite(span->box.x1) && isfinite(span->box.y0) &&
           isfinite(span->box.y1) && isfinite(span->height);
}

/* Two letters beside each other: "Ø25 H7" and "12.5" are no labels, and most texts are such. */
static bool has_letters(const struct qr_sheet_span *span)
{
    unsigned run = 0;

    for (uint32_t i = 0; i < span->len; i++) {
        unsigned char c = (unsigned char)span->text[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        run = letter || c >= 0xC3 ? run + 1 : c >= 0x80 ? run : 0;
        if (run == 2 || c >= 0xE0)
            return true;
    }
    return false;
}

/* "A4 - Scale 1:3" has two fields, one without a label. */
static bool is_size_before_label(const char *text, const struct qr_title_segment *segment)
{
    size_t len = segment->to - segment->from;

    return segment->label == QR_TITLE_NONE && len >= 2 && text[segment->from] == 'A' &&
           text[segment->from + 1] >= '0' && text[segment->from + 1] <= '5' &&
           (len == 2 || text[segment->from + 2] == ' ');
}

static void collect(const struct qr_sheet *sheet, const struct qr_regions *regions,
                    struct hits *hits)
{
    struct qr_title_segment segments[QR_TITLE_SEGMENTS_MAX];

    for (size_t i = 0; i < sheet->n_spans; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        int quarter = is_usable(span) && has_letters(span) ? qr_title_quarter(span->angle) : -1;
        if (quarter < 0)
            continue;
        size_t n = qr_title_segments(span->text, span->len, segments);
        if (n == 0 || (n == 1 && segments[0].label == QR_TITLE_NONE) ||
            qr_regions_at(regions, &span->box) != QR_REGION_NONE)
            continue;
        for (size_t k = 0; k < n; k++) {
            if (k + 1 < n && is_size_before_label(span->text, &segments[k]))
                segments[k].label = QR_TITLE_SIZE;
            if (segments[k].label == QR_TITLE_NONE)
                continue;
            if (hits->n == HITS_MAX)
                return;
            hits->list[hits->n] = (struct hit){qr_title_upright(quarter, &span->box),
                                               span->height,
                                               segments[k].label,
                                               k + 1 < n && segments[k + 1].label == QR_TITLE_NONE,
                                               false,
                                               quarter,
                                               hits->n};
            hits->n++;
        }
    }
}

static int by_row(const void *a, const void *b)
{
    const struct hit *l = a, *r = b;

    if (l->quarter != r->quarter)
        return l->quarter - r->quarter;
    return (l->box.y0 > r->box.y0) - (l->box.y0 < r->box.y0);
}

/* A row that heads a table: it has a word no title block has, or names what a parts list has. */
static void judge_row(struct hit *row, size_t n)
{
    size_t table_words = 0, numbers = 0, titles = 0, specific = 0, others = 0, values = 0;

    for (size_t i = 0; i < n; i++) {
        table_words += row[i].field == QR_TITLE_TABLE_WORD;
        numbers += row[i].field == QR_TITLE_PART_NUMBER;
        titles += row[i].field == QR_TITLE_TITLE;
        others += row[i].field == QR_TITLE_OTHER || row[i].field == QR_TITLE_MATERIAL;
        values += row[i].has_value;
        specific += row[i].field != QR_TITLE_REVISION && row[i].field != QR_TITLE_DRAWN_BY &&
                    row[i].field != QR_TITLE_DRAWING_NUMBER &&
                    qr_title_field_weight(row[i].field) == 2;
    }
    if (n < 3 || values > 0)
        return;
    if (table_words > 0 || (numbers > 0 && titles > 0 && others > 0 && specific == 0))
        for (size_t i = 0; i < n; i++)
            row[i].header = true;
}

static void mark_headers(struct hits *hits)
{
    qsort(hits->list, hits->n, sizeof *hits->list, by_row);
    for (size_t i = 0; i < hits->n;) {
        const struct hit *first = &hits->list[i];
        size_t end = i + 1;
        while (end < hits->n && hits->list[end].quarter == first->quarter &&
               hits->list[end].box.y0 - first->box.y0 <= first->height * 0.7f)
            end++;
        judge_row(&hits->list[i], end - i);
        i = end;
    }
    for (size_t i = 0; i < hits->n; i++)
        hits->list[i].parent = i;
}

static size_t root(struct hits *hits, size_t i)
{
    while (hits->list[i].parent != i) {
        hits->list[i].parent = hits->list[hits->list[i].parent].parent;
        i = hits->list[i].parent;
    }
    return i;
}

static float gap(float a0, float a1, float b0, float b1)
{
    float d = a0 > b1 ? a0 - b1 : b0 - a1;

    return d > 0 ? d : 0;
}

/* Labels of one title block: cells are rarely wider than 30 or higher than 14 letters. */
static bool are_near(const struct hit *a, const struct hit *b, float width, float height)
{
    float h = a->height > b->height ? a->height : b->height;
    float dx = gap(a->box.x0, a->box.x1, b->box.x0, b->box.x1);
    float dy = gap(a->box.y0, a->box.y1, b->box.y0, b->box.y1);

    return a->quarter == b->quarter && dx <= 30 * h && dx <= width * 0.4f && dy <= 14 * h &&
           dy <= height * 0.25f;
}

static void unite(struct hits *hits, const struct qr_sheet *sheet)
{
    for (size_t i = 0; i < hits->n; i++) {
        if (hits->list[i].header)
            continue;
        struct qr_sheet_rect area = qr_title_upright(hits->list[i].quarter, &sheet->area);
        for (size_t k = i + 1; k < hits->n; k++)
            if (!hits->list[k].header &&
                are_near(&hits->list[i], &hits->list[k], area.x1 - area.x0, area.y1 - area.y0))
                hits->list[root(hits, k)].parent = root(hits, i);
    }
}

static void grow(struct qr_sheet_rect *box, const struct qr_sheet_rect *by)
{
    box->x0 = fminf(box->x0, by->x0);
    box->y0 = fminf(box->y0, by->y0);
    box->x1 = fmaxf(box->x1, by->x1);
    box->y1 = fmaxf(box->y1, by->y1);
}

static void measure(struct hits *hits, size_t of, const struct qr_sheet *sheet,
                    struct qr_title_cluster *ret)
{
    int specific = 0, common = 0;

    *ret = (struct qr_title_cluster){.quarter = hits->list[of].quarter, .box = hits->list[of].box};
    for (size_t i = 0; i < hits->n; i++) {
        const struct hit *hit = &hits->list[i];
        if (hit->header || root(hits, i) != of)
            continue;
        grow(&ret->box, &hit->box);
        ret->label_height = fmaxf(ret->label_height, hit->height);
        if (hit->field >= QR_TITLE_FIELDS || (ret->fields >> hit->field & 1u))
            continue;
        ret->fields |= 1u << hit->field;
        specific += qr_title_field_weight(hit->field) == 2;
        common += qr_title_field_weight(hit->field) == 1;
    }
    if (specific >= 2 || (specific == 1 && common >= 2)) {
        struct qr_sheet_rect area = qr_title_upright(ret->quarter, &sheet->area);
        bool right = ret->box.x0 + ret->box.x1 > area.x0 + area.x1;
        bool low = ret->box.y0 + ret->box.y1 > area.y0 + area.y1;
        ret->score = 2 * specific + common + 2 * low + right;
    }
}

static void keep_best(struct qr_title_cluster list[], size_t *n,
                      const struct qr_title_cluster *cluster)
{
    size_t i = *n;

    if (i == QR_TITLE_CLUSTERS_MAX) {
        if (list[i - 1].score >= cluster->score)
            return;
        i--;
    } else {
        (*n)++;
    }
    for (; i > 0 && list[i - 1].score < cluster->score; i--)
        list[i] = list[i - 1];
    list[i] = *cluster;
}

size_t qr_title_clusters(const struct qr_sheet *sheet, const struct qr_regions *regions,
                         struct qr_title_cluster ret[QR_TITLE_CLUSTERS_MAX])
{
    struct hits *hits = malloc(sizeof *hits);
    size_t n = 0;

    if (!hits)
        return 0;
    hits->n = 0;
    collect(sheet, regions, hits);
    mark_headers(hits);
    unite(hits, sheet);
    for (size_t i = 0; i < hits->n; i++) {
        struct qr_title_cluster cluster;
        if (hits->list[i].header || root(hits, i) != i)
            continue;
        measure(hits, i, sheet, &cluster);
        if (cluster.score > 0)
            keep_best(ret, &n, &cluster);
    }
    free(hits);
    return n;
}

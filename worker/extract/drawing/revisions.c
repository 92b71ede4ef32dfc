#include "worker/extract/drawing/revisions.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/record/parts.h"
#include "worker/extract/drawing/title_pieces.h"
#include "worker/extract/drawing/title_values.h"

enum { HEADS_MAX = 600, TABLES_MAX = 4, COLUMNS_MAX = 12, ROWS_MAX = 200, CELL_MAX = 300 };

enum column {
    COL_NONE,
    COL_REVISION,
    COL_DATE,
    COL_DESCRIPTION,
    COL_AUTHOR,
    COL_ZONE,
    COL_OTHER,
    COLUMNS
};

/* Head words, folded as fold.h does. "description" alone also heads parts lists, which is why a
 * table needs a revision column, too. */
static const struct {
    enum column column;
    const char *words;
} head_words[] = {
    {COL_REVISION, "rev|revision|rev no|rev nr|ltr|letter|index|ind|zust|zustand|state|issue|no "
                   "rev|indice|revisione|"
                   "revisie|rewizja|revize|изм|ревизия|版本|版次|改訂|記号|标记|zm|and|mod|utg|"
                   "revisao|rev letter|mark|edition|"
                   "rev index|revisions nr"},
    {COL_DESCRIPTION,
     "description|description of change|description of revision|revision "
     "description|change|changes|"
     "change description|revision history|anderung|anderungen|beschreibung|anderungsbeschreibung|"
     "modification|modifications|nature|nature des modifications|descrizione|modifica|modifiche|"
     "descripcion|modificacion|modificaciones|descricao|alteracao|omschrijving|wijziging|opis|"
     "zmiana|opis zmiany|"
     "zmena|popis|andring|beskrivning|описание|содержание "
     "изменения|更改内容|修改内容|变更内容|変更内容|改訂内容|"
     "更改文件号|details|revision note|reason|comment|remarks"},
    {COL_DATE, "date|datum|data|fecha|дата|日期|日付|年月日|rev date|revision date"},
    {COL_AUTHOR, "by|name|rev by|revised by|drawn|drawn by|dwn|author|approved|appr|app|approved "
                 "by|appd|chk|chkd|checked|"
                 "checked "
                 "by|gez|bearb|bearbeiter|dessine|visa|disegnato|firma|dibujado|autor|getekend|"
                 "podpis|sign|signature|"
                 "подп|подпись|签名|签字|担当|apvd|init|initials|ckd|eng|drn|nom|apprvd|aprvd"},
    {COL_ZONE, "zone|zona|area|分区|sheet zone"},
    {COL_OTHER, "eco|ecn|ecr|eco no|ecn no|ecr no|dcn|change no|no "
                "докум|лист|sheet|no|处数|更改标记|qty|anzahl"},
};

struct head {
    struct qr_sheet_rect box; /* upright */
    struct qr_sheet_rect cell;
    float height;
    enum column column;
    bool has_cell;
    int quarter;
};

struct table {
    struct head columns[COLUMNS_MAX];
    float left[COLUMNS_MAX], right[COLUMNS_MAX];
    size_t n;
    int quarter;
};

struct row {
    char cells[COLUMNS][CELL_MAX + 1];
    struct qr_sheet_rect box;
    float y0, y1;
};

enum { WORDS_MAX = 512 };

struct head_word {
    const char *text; /* not terminated */
    size_t len;
    enum column column;
};

static struct head_word index_words[WORDS_MAX];
static size_t n_index_words;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_text(const void *a, const void *b)
{
    const struct head_word *l = a, *r = b;
    int c = memcmp(l->text, r->text, l->len < r->len ? l->len : r->len);

    return c ? c : (l->len > r->len) - (l->len < r->len);
}

static void make_index(void)
{
    for (size_t i = 0; i < QR_COUNT(head_words); i++)
        for (const char *w = head_words[i].words; *w && n_index_words < WORDS_MAX;) {
            size_t n = strcspn(w, "|");
            index_words[n_index_words++] = (struct head_word){w, n, head_words[i].column};
            w += n + (w[n] == '|');
        }
    qsort(index_words, n_index_words, sizeof *index_words, by_text);
}

static enum column column_of(const char *folded, size_t len)
{
    struct head_word key = {folded, len, COL_NONE};

    pthread_once(&once, make_index);
    const struct head_word *found = bsearch(&key, index_words, n_index_words, sizeof key, by_text);
    return found ? found->column : COL_NONE;
}

/* One text may head several columns: "REV DATE BY". Words that are no head words end it. */
static void add_heads(const struct qr_sheet_span *span, int quarter, struct head *list, size_t *n)
{
    struct qr_fold fold;
    struct qr_sheet_rect box = qr_title_upright(quarter, &span->box);
    struct head found[COLUMNS_MAX];
    size_t n_found = 0;

    qr_fold(span->text, span->len, &fold);
    for (size_t i = 0; i < fold.n_words;) {
        size_t words = fold.n_words - i < 4 ? fold.n_words - i : 4;
        enum column column = COL_NONE;
        for (; words > 0; words--) {
            size_t at = fold.words[i].at;
            column = column_of(fold.text + at, fold.words[i + words - 1].end - at);
            if (column != COL_NONE)
                break;
        }
        if (column == COL_NONE || n_found == COLUMNS_MAX)
            return;
        float width = box.x1 - box.x0;
        struct head *head = &found[n_found++];
        *head =
            (struct head){.box = box, .height = span->height, .column = column, .quarter = quarter};
        head->box.x0 = box.x0 + width * (float)fold.words[i].from / (float)span->len;
        head->box.x1 = box.x0 + width * (float)fold.words[i + words - 1].to / (float)span->len;
        i += words;
    }
    for (size_t i = 0; i < n_found && *n < HEADS_MAX; i++)
        list[(*n)++] = found[i];
}

static int by_row(const void *a, const void *b)
{
    const struct head *l = a, *r = b;

    if (l->quarter != r->quarter)
        return l->quarter - r->quarter;
    return (l->box.y0 > r->box.y0) - (l->box.y0 < r->box.y0);
}

static int by_x(const void *a, const void *b)
{
    const struct head *l = a, *r = b;

    return (l->box.x0 > r->box.x0) - (l->box.x0 < r->box.x0);
}

/* Heads of one line that stand beside each other make a table: a revision, and two of the rest. */
static size_t as_table(const struct head *heads, size_t n, struct table *ret)
{
    bool have[COLUMNS] = {false};
    size_t used = 0;

    ret->n = 0;
    ret->quarter = heads[0].quarter;
    for (; used < n && ret->n < COLUMNS_MAX; used++) {
        const struct head *last = ret->n > 0 ? &ret->columns[ret->n - 1] : NULL;
        if (last && heads[used].box.x0 - last->box.x1 > 60 * last->height)
            break;
        have[heads[used].column] = true;
        ret->columns[ret->n++] = heads[used];
    }
    if (!have[COL_REVISION] || ret->n < 3 ||
        !(have[COL_DESCRIPTION] ? have[COL_DATE] || have[COL_AUTHOR]
                                : have[COL_DATE] && have[COL_AUTHOR] && have[COL_OTHER]))
        ret->n = 0;
    return used;
}

static void set_bounds(const struct qr_title_view *view, struct table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        struct head *head = &table->columns[i];
        float x = (head->box.x0 + head->box.x1) / 2, y = (head->box.y0 + head->box.y1) / 2;
        head->has_cell =
            qr_grid_cell(&view->grid, &view->area, x, y, head->height * 1.1f, &head->cell) == 4;
    }
    for (size_t i = 0; i < table->n; i++) {
        const struct head *head = &table->columns[i];
        float h = head->height;
        const struct head *before = i > 0 ? &table->columns[i - 1] : NULL;
        const struct head *after = i + 1 < table->n ? &table->columns[i + 1] : NULL;
        table->left[i] = before ? (before->box.x1 + head->box.x0) / 2 : head->box.x0 - 2 * h;
        table->right[i] = after ? (head->box.x1 + after->box.x0) / 2 : head->box.x1 + 12 * h;
        if (head->has_cell && (!before || head->cell.x0 >= before->box.x1 - h))
            table->left[i] = head->cell.x0;
        if (head->has_cell && (!after || head->cell.x1 <= after->box.x0 + h))
            table->right[i] = head->cell.x1;
    }
}

static int column_at(const struct table *table, float x)
{
    for (size_t i = 0; i < table->n; i++)
        if (x >= table->left[i] && x < table->right[i])
            return (int)i;
    return -1;
}

static void append(char cell[CELL_MAX + 1], const char *text, size_t len)
{
    size_t used = strlen(cell);

    if (used + len + 2 > CELL_MAX)
        return;
    if (used > 0)
        cell[used++] = ' ';
    memcpy(cell + used, text, len);
    cell[used + len] = '\0';
}

static int down(const void *a, const void *b)
{
    const struct qr_title_piece *l = a, *r = b;

    if (l->box.y0 != r->box.y0)
        return l->box.y0 < r->box.y0 ? -1 : 1;
    return (l->box.x0 > r->box.x0) - (l->box.x0 < r->box.x0);
}

static int up(const void *a, const void *b)
{
    const struct qr_title_piece *l = a, *r = b;

    if (l->box.y0 != r->box.y0)
        return l->box.y0 > r->box.y0 ? -1 : 1;
    return (l->box.x0 > r->box.x0) - (l->box.x0 < r->box.x0);
}

static bool is_row(const struct row *row)
{
    const char *rev = row->cells[COL_REVISION];

    return rev[0] != '\0' && qr_title_value_fit(QR_TITLE_REVISION, rev, strlen(rev)) > 0.3f &&
           (row->cells[COL_DATE][0] == '\0' ||
            qr_title_is_date(row->cells[COL_DATE], strlen(row->cells[COL_DATE]))) &&
           (row->cells[COL_DATE][0] != '\0' || row->cells[COL_DESCRIPTION][0] != '\0' ||
            row->cells[COL_AUTHOR][0] != '\0');
}

static void grow(struct qr_sheet_rect *box, const struct qr_sheet_rect *by)
{
    box->x0 = fminf(box->x0, by->x0);
    box->y0 = fminf(box->y0, by->y0);
    box->x1 = fmaxf(box->x1, by->x1);
    box->y1 = fmaxf(box->y1, by->y1);
}

/* Texts of one line, sorted into the columns. Returns how many of `n` pieces it took. */
static size_t read_row(const struct table *table, const struct qr_title_piece *p, size_t n,
                       struct row *ret)
{
    size_t used = 0;
    float y = (p[0].box.y0 + p[0].box.y1) / 2;
    const struct qr_title_piece *line[COLUMNS_MAX * 2];
    size_t n_line = 0;

    memset(ret, 0, sizeof *ret);
    ret->box = p[0].box;
    for (; used < n && fabsf((p[used].box.y0 + p[used].box.y1) / 2 - y) < 0.6f * p[0].height;
         used++) {
        size_t k = n_line;
        if (n_line == COLUMNS_MAX * 2)
            continue;
        for (; k > 0 && line[k - 1]->box.x0 > p[used].box.x0; k--)
            line[k] = line[k - 1];
        line[k] = &p[used];
        n_line++;
    }
    for (size_t i = 0; i < n_line; i++) {
        int c = column_at(table, (line[i]->box.x0 + line[i]->box.x1) / 2);
        if (c < 0)
            continue;
        enum column column = table->columns[c].column;
        /* the first of several columns of one kind: "drawn", then "approved" */
        bool first = true;
        for (int k = 0; k < c; k++)
            first = first && (table->columns[k].column != column || ret->cells[column][0] == '\0');
        if (first)
            append(ret->cells[column], line[i]->text, line[i]->len);
        grow(&ret->box, &line[i]->box);
    }
    return used;
}

static bool continues(const struct row *row)
{
    return row->cells[COL_REVISION][0] == '\0' && row->cells[COL_DATE][0] == '\0' &&
           row->cells[COL_DESCRIPTION][0] != '\0';
}

/* The rows on one side of the head, nearest first. */
static size_t read_rows(const struct table *table, struct qr_title_piece *pieces, size_t n,
                        bool upwards, struct row *rows)
{
    const struct head *head = &table->columns[0];
    float at = upwards ? head->box.y0 : head->box.y1;
    float reach = 4.5f * head->height;
    size_t n_rows = 0;

    qsort(pieces, n, sizeof *pieces, upwards ? up : down);
    for (size_t i = 0; i < n && n_rows < ROWS_MAX;) {
        const struct qr_title_piece *p = &pieces[i];
        float gap = upwards ? at - p->box.y1 : p->box.y0 - at;
        float x = (p->box.x0 + p->box.x1) / 2;
        if (gap < -0.5f * head->height || column_at(table, x) < 0) {
            i++;
            continue;
        }
        if (gap > reach)
            break;
        struct row row;
        i += read_row(table, p, n - i, &row);
        if (n_rows > 0 && continues(&row) && gap < 1.5f * head->height && !upwards) {
            append(rows[n_rows - 1].cells[COL_DESCRIPTION], row.cells[COL_DESCRIPTION],
                   strlen(row.cells[COL_DESCRIPTION]));
            grow(&rows[n_rows - 1].box, &row.box);
        } else if (is_row(&row)) {
            rows[n_rows++] = row;
        } else {
            break;
        }
        at = upwards ? row.box.y0 : row.box.y1;
    }
    return n_rows;
}

static void emit(const struct qr_sheet *sheet, int quarter, const struct row *rows, size_t n,
                 struct qr_record *rec)
{
    for (size_t i = 0; i < n; i++) {
        Quarry__V1__Revision *revision = qr_record_add_revision(rec);
        if (!revision)
            return;
        struct qr_sheet_rect box = qr_title_turned_back(quarter, &rows[i].box);
        revision->revision = qr_record_text(rec, rows[i].cells[COL_REVISION]);
        revision->date = qr_record_text(rec, rows[i].cells[COL_DATE]);
        revision->description = qr_record_text(rec, rows[i].cells[COL_DESCRIPTION]);
        revision->author = qr_record_text(rec, rows[i].cells[COL_AUTHOR]);
        revision->zone = qr_record_text(rec, rows[i].cells[COL_ZONE]);
        revision->place = qr_sheet_place(sheet, rec, &box);
    }
}

/* Pieces as they stand, not cut at labels: descriptions may hold any word. */
static size_t collect(const struct qr_title_view *view, const struct table *table,
                      struct qr_title_piece *ret)
{
    const struct head *head = &table->columns[0];
    float reach = 60 * head->height;
    size_t n = 0;

    for (size_t i = 0; i < view->sheet->n_spans && n < QR_TITLE_PIECES_MAX; i++) {
        const struct qr_sheet_span *span = &view->sheet->spans[i];
        if (span->source == QR_SPAN_DIMENSION || qr_title_quarter(span->angle) != view->quarter)
            continue;
        struct qr_title_piece piece = {.span = span, .height = span->height, .len = span->len};
        piece.box = qr_title_upright(view->quarter, &span->box);
        if (!(piece.box.x1 > table->left[0] && piece.box.x0 < table->right[table->n - 1] &&
              piece.box.y1 > head->box.y0 - reach && piece.box.y0 < head->box.y1 + reach))
            continue;
        piece.text = qr_trim(span->text, &piece.len);
        if (piece.len > 0)
            ret[n++] = piece;
    }
    return n;
}

static void read_table(const struct qr_sheet *sheet, const struct qr_grid *grid,
                       struct table *table, struct qr_regions *regions, struct qr_record *rec)
{
    struct qr_title_piece *pieces = malloc(QR_TITLE_PIECES_MAX * sizeof *pieces);
    struct row *rows = malloc(2 * ROWS_MAX * sizeof *rows);
    struct qr_title_view view;

    if (pieces && rows && qr_title_view_init(&view, sheet, grid, table->quarter)) {
        set_bounds(&view, table);
        size_t n = collect(&view, table, pieces);
        size_t below = read_rows(table, pieces, n, false, rows);
        size_t above = below > 0 ? 0 : read_rows(table, pieces, n, true, rows);
        size_t found = below + above;
        struct qr_sheet_rect box = table->columns[0].box;
        for (size_t i = 0; i < table->n; i++)
            grow(&box, &table->columns[i].box);
        for (size_t i = 0; i < found; i++)
            grow(&box, &rows[i].box);
        emit(sheet, table->quarter, rows, found, rec);
        box = qr_title_turned_back(table->quarter, &box);
        qr_regions_add(regions, QR_REGION_REVISIONS, &box);
        qr_title_view_done(&view);
    }
    free(pieces);
    free(rows);
}

void qr_revisions_find(const struct qr_sheet *sheet, const struct qr_grid *grid,
                       struct qr_regions *regions, struct qr_record *rec)
{
    struct head *heads = malloc(HEADS_MAX * sizeof *heads);
    size_t n = 0, tables = 0;

    for (size_t i = 0; heads && i < sheet->n_spans && n < HEADS_MAX; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        int quarter = qr_title_quarter(span->angle);
        if (quarter >= 0 && span->len >= 2 && span->len <= 60 &&
            span->source != QR_SPAN_DIMENSION &&
            isfinite(span->box.x0 + span->box.x1 + span->box.y0 + span->box.y1 + span->height))
            add_heads(span, quarter, heads, &n);
    }
    if (n > 0)
        qsort(heads, n, sizeof *heads, by_row);
    for (size_t i = 0; i < n && tables < TABLES_MAX;) {
        size_t end = i + 1;
        while (end < n && heads[end].quarter == heads[i].quarter &&
               heads[end].box.y0 - heads[i].box.y0 <= 0.7f * heads[i].height)
            end++;
        qsort(heads + i, end - i, sizeof *heads, by_x);
        while (i < end && tables < TABLES_MAX) {
            struct table table;
            i += as_table(heads + i, end - i, &table);
            if (table.n > 0) {
                read_table(sheet, grid, &table, regions, rec);
                tables++;
            }
        }
        i = end;
    }
    free(heads);
}

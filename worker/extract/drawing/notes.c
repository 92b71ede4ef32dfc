#include "worker/extract/drawing/notes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "common/record/parts.h"
#include "worker/extract/drawing/fold.h"
#include "worker/extract/drawing/title_pieces.h"

enum { BLOCKS_MAX = 8, LINES_MAX = 200, LINE_BYTES = 600, NOTE_BYTES = 4000 };

/* A text, upright. */
struct text {
    const struct qr_sheet_span *span;
    struct qr_sheet_rect box;
    float height;
    bool used;
};

/* Texts of one line, joined. */
struct line {
    char text[LINE_BYTES + 1];
    size_t len;
    struct qr_sheet_rect box;
    float height;
};

struct page {
    const struct qr_sheet *sheet;
    struct text *texts; /* of one direction, from top to bottom */
    size_t n;
    int quarter;
};

static bool is_heading(const char *folded)
{
    static const char *const words[] = {
        "note",
        "notes",
        "general notes",
        "general note",
        "drawing notes",
        "hinweis",
        "hinweise",
        "anmerkung",
        "anmerkungen",
        "bemerkung",
        "bemerkungen",
        "allgemeine hinweise",
        "technical requirements",
        "technical notes",
        "remarques",
        "remarque",
        "notes generales",
        "nota",
        "note generali",
        "notas",
        "notas generales",
        "notas gerais",
        "opmerkingen",
        "opmerking",
        "uwagi",
        "uwaga",
        "poznamky",
        "poznamka",
        "anmarkning",
        "anmarkningar",
        "технические требования",
        "примечание",
        "примечания",
        "技术要求",
        "技術要求",
        "注意事项",
        "说明",
        "注記",
        "注",
        "備考",
        "manufacturing notes",
        "assembly notes",
        "fabrication notes",
        "notes unless otherwise specified",
        "notes uos",
        "notes unless otherwise noted",
        "important notes",
    };

    for (size_t i = 0; i < QR_COUNT(words); i++)
        if (strcmp(folded, words[i]) == 0)
            return true;
    return false;
}

static bool is_sentence_heading(const char *folded)
{
    static const char *const begins[] = {"unless otherwise specified",
                                         "unless otherwise noted",
                                         "unless otherwise stated",
                                         "unless noted otherwise",
                                         "unless specified otherwise",
                                         "sofern nicht anders",
                                         "wenn nicht anders",
                                         "sauf indication",
                                         "salvo diversa",
                                         "salvo indicacion",
                                         "falls nicht anders"};

    for (size_t i = 0; i < QR_COUNT(begins); i++)
        if (strncmp(folded, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* "1.", "2)", "(3)", "A.", "1 -" at the front; the bytes of it, the number itself in *from, *n. */
static size_t item_number(const char *text, size_t len, size_t *from, size_t *n)
{
    size_t i = 0;
    bool paren = len > 0 && text[0] == '(';

    i += paren;
    *from = i;
    while (i < len && i - *from < 3 && text[i] >= '0' && text[i] <= '9')
        i++;
    if (i == *from && i < len &&
        ((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z')))
        i++;
    *n = i - *from;
    if (*n == 0)
        return 0;
    if (i < len && (text[i] == ')' || (!paren && text[i] == '.'))) {
        i++;
    } else if (i + 3 <= len && (memcmp(text + i, "、", 3) == 0 || memcmp(text + i, "．", 3) == 0)) {
        i += 3;
    } else {
        return 0;
    }
    if (i < len && text[i - 1] == '.' && text[i] >= '0' && text[i] <= '9')
        return 0; /* 1.5 */
    while (i < len && text[i] == ' ')
        i++;
    return i;
}

static int by_y(const void *a, const void *b)
{
    const struct text *l = a, *r = b;

    if (l->box.y0 != r->box.y0)
        return l->box.y0 < r->box.y0 ? -1 : 1;
    return (l->box.x0 > r->box.x0) - (l->box.x0 < r->box.x0);
}

static bool page_init(struct page *page, const struct qr_sheet *sheet,
                      const struct qr_regions *regions, int quarter)
{
    *page = (struct page){.sheet = sheet, .quarter = quarter};
    page->texts = malloc((sheet->n_spans + 1) * sizeof *page->texts);
    if (!page->texts)
        return false;
    for (size_t i = 0; i < sheet->n_spans; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        if (span->source == QR_SPAN_DIMENSION || span->source == QR_SPAN_TABLE ||
            qr_title_quarter(span->angle) != quarter || !(span->height > 0) ||
            !isfinite(span->box.x0 + span->box.x1 + span->box.y0 + span->box.y1 + span->height) ||
            qr_regions_at(regions, &span->box) != QR_REGION_NONE)
            continue;
        page->texts[page->n++] =
            (struct text){span, qr_title_upright(quarter, &span->box), span->height, false};
    }
    qsort(page->texts, page->n, sizeof *page->texts, by_y);
    return true;
}

/* The texts beside texts[at] on its line, left to right, without a gap wider than five letters. */
static void take_line(struct page *page, size_t at, struct line *ret)
{
    enum { PARTS_MAX = 24, LOOKS = 400 };
    const struct text *first = &page->texts[at];
    size_t parts[PARTS_MAX] = {at};
    size_t n = 1;
    float end = -INFINITY;

    for (size_t i = at > LOOKS / 2 ? at - LOOKS / 2 : 0; i < page->n && i < at + LOOKS; i++) {
        const struct text *t = &page->texts[i];
        if (i == at || t->used || fabsf(t->box.y0 - first->box.y0) > 0.45f * first->height ||
            fabsf(t->height - first->height) > 0.35f * first->height ||
            t->box.x0 < first->box.x1 - first->height || n == PARTS_MAX)
            continue;
        size_t k = n++;
        for (; k > 1 && page->texts[parts[k - 1]].box.x0 > t->box.x0; k--)
            parts[k] = parts[k - 1];
        parts[k] = i;
    }
    ret->len = 0;
    ret->box = first->box;
    ret->height = first->height;
    for (size_t i = 0; i < n; i++) {
        struct text *t = &page->texts[parts[i]];
        size_t len = t->span->len;
        if (i > 0 && (t->box.x0 - end > 4 * first->height || t->box.x0 < end - first->height))
            break;
        if (ret->len + len + 1 > LINE_BYTES)
            break;
        if (ret->len > 0)
            ret->text[ret->len++] = ' ';
        memcpy(ret->text + ret->len, t->span->text, len);
        ret->len += len;
        t->used = true;
        end = t->box.x1;
        ret->box.x1 = fmaxf(ret->box.x1, t->box.x1);
        ret->box.y1 = fmaxf(ret->box.y1, t->box.y1);
    }
    ret->text[ret->len] = '\0';
}

/* How far a text is from the edge of a block at x; a number in front makes it its first. */
static float from_edge(const struct text *t, float x)
{
    size_t from, n;
    float d = fabsf(t->box.x0 - x);

    return item_number(t->span->text, t->span->len, &from, &n) > 0 ? d - t->height : d;
}

/* Of the texts on the line of texts[at], the one nearest to the edge of the block. */
static size_t leader_of(const struct page *page, size_t at, const struct line *last, float x)
{
    enum { LOOKS = 64 };
    const struct text *t = &page->texts[at];
    size_t best = at;

    for (size_t k = at > LOOKS ? at - LOOKS : 0; k < page->n && k < at + LOOKS; k++) {
        const struct text *other = &page->texts[k];
        if (!other->used && fabsf(other->box.y0 - t->box.y0) <= 0.45f * t->height &&
            other->box.y0 > last->box.y0 + 0.5f * last->height &&
            from_edge(other, x) < from_edge(&page->texts[best], x))
            best = k;
    }
    return best;
}

/* The next line below `last` in a block whose left edge is at x. *from is where to look first. */
static bool next_line(struct page *page, size_t *from, const struct line *last, float x,
                      struct line *ret)
{
    for (; *from < page->n; (*from)++) {
        const struct text *t = &page->texts[*from];
        if (t->box.y0 - last->box.y1 > 1.6f * last->height)
            return false;
        if (t->used || t->box.y0 < last->box.y0 + 0.5f * last->height ||
            t->box.x0 < x - 2.5f * last->height || t->box.x0 > x + 9 * last->height ||
            fabsf(t->height - last->height) > 0.3f * last->height)
            continue;
        take_line(page, leader_of(page, *from, last, x), ret);
        return ret->len > 0;
    }
    return false;
}

/* A note while its lines are joined. */
struct note {
    char number[8];
    char text[NOTE_BYTES + 1];
    size_t len;
    struct qr_sheet_rect box;
    bool any;
};

static void emit(const struct page *page, struct note *note, struct qr_record *rec)
{
    Quarry__V1__DrawingNote *out =
        note->any && note->len > 0 ? qr_record_add_drawing_note(rec) : NULL;

    if (out) {
        struct qr_sheet_rect box = qr_title_turned_back(page->quarter, &note->box);
        out->number = qr_record_text(rec, note->number);
        out->text = qr_record_string(rec, note->text, note->len);
        out->place = qr_sheet_place(page->sheet, rec, &box);
    }
    *note = (struct note){.any = false};
}

static void add_text(struct note *note, const char *text, size_t len,
                     const struct qr_sheet_rect *box)
{
    if (!note->any)
        note->box = *box;
    note->any = true;
    note->box.x0 = fminf(note->box.x0, box->x0);
    note->box.x1 = fmaxf(note->box.x1, box->x1);
    note->box.y1 = fmaxf(note->box.y1, box->y1);
    text = qr_trim(text, &len);
    if (len == 0 || note->len + len + 1 > NOTE_BYTES)
        return;
    if (note->len > 0)
        note->text[note->len++] = ' ';
    memcpy(note->text + note->len, text, len);
    note->len += len;
}

/* One line of a block: a new note, or more of the last. */
static void take_note_line(const struct page *page, struct note *note, const struct line *line,
                           bool numbered, struct qr_record *rec)
{
    size_t from, n;
    size_t skip = item_number(line->text, line->len, &from, &n);

    if (skip > 0) {
        emit(page, note, rec);
        memcpy(note->number, line->text + from, n);
    } else if (!numbered) {
        emit(page, note, rec);
    }
    add_text(note, line->text + skip, line->len - skip, &line->box);
}

/* Does any of the lines begin with a number? */
static bool has_numbers(const struct line *lines, size_t n)
{
    size_t from, len;

    for (size_t i = 0; i < n; i++)
        if (item_number(lines[i].text, lines[i].len, &from, &len) > 0)
            return true;
    return false;
}

static void take_block(struct page *page, struct line *lines, size_t n, size_t heading,
                       struct qr_regions *regions, struct qr_record *rec)
{
    struct note *note = calloc(1, sizeof *note);
    struct qr_sheet_rect box = lines[0].box;
    bool numbered = has_numbers(lines + heading, n - heading);

    for (size_t i = 0; i < n; i++) {
        box.x0 = fminf(box.x0, lines[i].box.x0);
        box.x1 = fmaxf(box.x1, lines[i].box.x1);
        box.y1 = fmaxf(box.y1, lines[i].box.y1);
        if (note && i >= heading)
            take_note_line(page, note, &lines[i], numbered, rec);
    }
    if (note)
        emit(page, note, rec);
    free(note);
    box = qr_title_turned_back(page->quarter, &box);
    qr_regions_add(regions, QR_REGION_NOTES, &box);
}

/* Spare the folding of what begins otherwise. */
static bool may_be_heading(const char *text)
{
    static const char begins[] = "no ge dr hi an be al te re op uw po un so we sa fa ma as im";
    char pair[3] = {(char)(text[0] | 0x20), (char)(text[1] | 0x20), '\0'};

    return (text[0] & 0x80) != 0 || (text[1] & 0x80) != 0 || strstr(begins, pair) != NULL;
}

/* What stands at texts[at]: 0 nothing, 1 a heading, 2 a text that is a note itself. */
static int kind_of(const struct page *page, size_t at)
{
    const struct qr_sheet_span *span = page->texts[at].span;
    struct qr_fold fold;
    size_t from, n;

    if (span->len < 2 || span->len > 200)
        return 0;
    if (item_number(span->text, span->len, &from, &n) > 0 && n == 1 &&
        (span->text[from] == '1' || span->text[from] == 'A'))
        return 2;
    if (!may_be_heading(span->text))
        return 0;
    qr_fold(span->text, span->len, &fold);
    if (is_heading(fold.text))
        return 1;
    if (is_sentence_heading(fold.text))
        return 2;
    for (size_t i = 1; i < fold.n_words && i < 4; i++) { /* "NOTE: break all edges" */
        char saved = fold.text[fold.words[i - 1].end];
        size_t to = fold.words[i - 1].to;
        fold.text[fold.words[i - 1].end] = '\0';
        bool heading = is_heading(fold.text);
        fold.text[fold.words[i - 1].end] = saved;
        if (heading && span->text[to] == ':')
            return 3;
    }
    return 0;
}

static void read_block(struct page *page, size_t at, int kind, struct line *lines,
                       struct qr_regions *regions, struct qr_record *rec)
{
    size_t n = 0, next = at + 1, from, len;
    float x = page->texts[at].box.x0;

    take_line(page, at, &lines[n++]);
    while (n < LINES_MAX && next_line(page, &next, &lines[n - 1], x, &lines[n]))
        n++;
    if (kind == 3) { /* without its heading */
        char *colon = memchr(lines[0].text, ':', lines[0].len);
        size_t skip = colon ? (size_t)(colon - lines[0].text) + 1 : 0;
        memmove(lines[0].text, lines[0].text + skip, lines[0].len - skip + 1);
        lines[0].len -= skip;
    }
    /* numbers alone do not make notes: "1." must be followed by "2." and words. */
    if (kind == 2 && item_number(lines[0].text, lines[0].len, &from, &len) > 0) {
        size_t numbers = 0;
        for (size_t i = 0; i < n; i++)
            numbers +=
                item_number(lines[i].text, lines[i].len, &from, &len) > 0 && lines[i].len > 12;
        if (numbers < 2 || n > 6 * numbers) /* long ones are prose */
            return;
    }
    if (n > 1 || kind != 1)
        take_block(page, lines, n, kind == 1 ? 1 : 0, regions, rec);
}

void qr_notes_find(const struct qr_sheet *sheet, struct qr_regions *regions, struct qr_record *rec)
{
    struct line *lines = malloc((LINES_MAX + 1) * sizeof *lines);
    size_t blocks = 0;

    for (int quarter = 0; lines && quarter < 4; quarter++) {
        struct page page;
        if (!page_init(&page, sheet, regions, quarter))
            break;
        for (size_t i = 0; i < page.n && blocks < BLOCKS_MAX; i++) {
            int kind = page.texts[i].used ? 0 : kind_of(&page, i);
            if (kind == 0)
                continue;
            read_block(&page, i, kind, lines, regions, rec);
            blocks++;
        }
        free(page.texts);
    }
    free(lines);
}

#include "worker/extract/drawing/materials.h"

#include <string.h>

#include "common/base.h"
#include "common/record/parts.h"
#include "worker/extract/drawing/material_text.h"
#include "worker/extract/drawing/standards.h"
#include "worker/extract/drawing/title_pieces.h"
#include "worker/extract/drawing/title_values.h"

enum { PER_SHEET_MAX = 200, FREE_TEXTS_MAX = 20, TEXT_BYTES_MAX = 120 };

struct finding {
    const struct qr_sheet *sheet;
    struct qr_record *rec;
    size_t first; /* the record's materials before this sheet */
};

static bool is_known(const struct finding *f, const char *name, size_t len)
{
    struct qr_fold want, have;

    qr_fold(name, len, &want);
    for (size_t i = f->first; i < f->rec->msg->n_materials; i++) {
        const Quarry__V1__Material *material = f->rec->msg->materials[i];
        qr_fold(material->name, strlen(material->name), &have);
        if (want.len > 0 && strstr(have.text, want.text))
            return true; /* the same, or part of a longer name */
    }
    return f->rec->msg->n_materials - f->first >= PER_SHEET_MAX;
}

/* A name with its standard behind it: "42CrMo4 EN 10083-3". What is left must be a name. */
static void part_standard(const char *text, size_t *len, const char **ret_standard,
                          size_t *ret_standard_len)
{
    const char *standard = qr_standard_find(text, *len, ret_standard_len);

    *ret_standard = NULL;
    if (!standard)
        return;
    *ret_standard = standard;
    size_t left = (size_t)(standard - text);
    if (standard + *ret_standard_len != text + *len)
        return; /* words follow: the name stays whole */
    while (left > 0 && strchr(" ,;-(/", text[left - 1]))
        left--;
    if (left >= 2)
        *len = left;
}

static void add(struct finding *f, const char *text, size_t len, const char *source,
                double confidence, Quarry__V1__Place *place)
{
    Quarry__V1__Material *material;
    const char *standard;
    size_t standard_len;

    text = qr_trim(text, &len);
    part_standard(text, &len, &standard, &standard_len);
    if (len == 0 || is_known(f, text, len))
        return;
    material = qr_record_add_material(f->rec);
    if (!material)
        return;
    material->name = qr_record_string(f->rec, text, len);
    if (standard && (standard != text || standard_len != len))
        material->standard = qr_record_string(f->rec, standard, standard_len);
    material->source = qr_record_text(f->rec, source);
    material->confidence = confidence;
    material->place = place;
}

static void from_title_block(struct finding *f, size_t first)
{
    for (size_t i = first; i < f->rec->msg->n_title_block; i++) {
        const Quarry__V1__MetadataItem *item = f->rec->msg->title_block[i];
        if (strcmp(item->key, "material") == 0)
            add(f, item->value, strlen(item->value), "title_block", item->confidence, item->place);
    }
}

static void from_bom(struct finding *f, size_t first)
{
    for (size_t i = first; i < f->rec->msg->n_bom; i++) {
        const Quarry__V1__BomItem *row = f->rec->msg->bom[i];
        size_t len = strlen(row->material);
        if (len > 0 && qr_title_value_fit(QR_TITLE_MATERIAL, row->material, len) > 0.5f)
            add(f, row->material, len, "bom", row->confidence, row->place);
    }
}

/* "MATERIAL: S235JR" somewhere on the sheet. */
static bool from_label(struct finding *f, const struct qr_sheet_span *span)
{
    struct qr_title_segment segments[QR_TITLE_SEGMENTS_MAX];
    if (!strpbrk(span->text, ":=") && (unsigned char)span->text[0] < 0xD0)
        return false; /* labels stand before a colon, but for CJK */
    size_t n = qr_title_segments(span->text, span->len, segments);

    for (size_t i = 0; i + 1 < n; i++) {
        const char *text = span->text + segments[i + 1].from;
        size_t len = segments[i + 1].to - segments[i + 1].from;
        if (segments[i].label == QR_TITLE_MATERIAL && segments[i + 1].label == QR_TITLE_NONE &&
            qr_title_value_fit(QR_TITLE_MATERIAL, text, len) > 0.5f) {
            add(f, text, len, "note", 0.85, qr_sheet_place(f->sheet, f->rec, &span->box));
            return true;
        }
    }
    return false;
}

/* "MATERIAL TO BE CAST ALUMINUM PLATE." in a note. */
static bool from_sentence(struct finding *f, const struct qr_sheet_span *span)
{
    static const char *const begins[] = {"material to be ",   "material shall be ", "material is ",
                                         "material must be ", "make from ",         "made of ",
                                         "werkstoff ist ",    "made from "};
    struct qr_fold fold;

    if (!strchr("Mm1234567890Ww(", span->text[0]))
        return false;
    qr_fold(span->text, span->len, &fold);
    for (size_t skip = 0; skip < 2 && skip < fold.n_words; skip++) /* behind the note's number */
        for (size_t i = 0; i < QR_COUNT(begins); i++) {
            size_t n = strlen(begins[i]);
            if (strncmp(fold.text + fold.words[skip].at, begins[i], n) != 0)
                continue;
            for (size_t k = skip; k < fold.n_words; k++) {
                size_t len = span->len - fold.words[k].from;
                if (fold.words[k].at < fold.words[skip].at + n)
                    continue;
                while (len > 0 && strchr(" .;", span->text[fold.words[k].from + len - 1]))
                    len--;
                add(f, span->text + fold.words[k].from, len, "note", 0.75,
                    qr_sheet_place(f->sheet, f->rec, &span->box));
                return true;
            }
        }
    return false;
}

static void from_text(struct finding *f, const struct qr_sheet_span *span)
{
    struct qr_material_match match;

    if (qr_material_is_all(span->text, span->len, &match)) {
        if (match.designated)
            add(f, span->text, span->len, "text", match.certain ? 0.8 : 0.65,
                qr_sheet_place(f->sheet, f->rec, &span->box));
    } else if (qr_material_find(span->text, span->len, &match)) {
        add(f, span->text + match.at, match.len, "text", 0.6,
            qr_sheet_place(f->sheet, f->rec, &span->box));
    }
}

void qr_materials_find(const struct qr_sheet *sheet, const struct qr_regions *regions,
                       const struct qr_materials_before *before, struct qr_record *rec)
{
    struct finding f = {.sheet = sheet, .rec = rec, .first = rec->msg->n_materials};
    size_t free_texts = 0;

    from_title_block(&f, before->title_fields);
    from_bom(&f, before->bom_rows);
    for (size_t i = 0; i < sheet->n_spans; i++) {
        const struct qr_sheet_span *span = &sheet->spans[i];
        enum qr_region_kind region = qr_regions_at(regions, &span->box);
        if (span->len < 3 || span->len > TEXT_BYTES_MAX || span->source == QR_SPAN_DIMENSION ||
            (region != QR_REGION_NONE && region != QR_REGION_NOTES))
            continue;
        size_t had = rec->msg->n_materials;
        if (!from_label(&f, span) && !from_sentence(&f, span) && free_texts < FREE_TEXTS_MAX)
            from_text(&f, span);
        free_texts += rec->msg->n_materials - had;
        if (rec->msg->n_materials - f.first >= PER_SHEET_MAX)
            break;
    }
}

#include "worker/extract/dxf/dxf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/reader.h"
#include "worker/extract/dxf/records.h"
#include "worker/extract/dxf/wide.h"
#include "worker/extract/overlay/dxf_layout.h"

#define SCRATCH_MAX ((size_t)4 * 1024 * 1024)
#define REPORT_EVERY ((size_t)4 * 1024 * 1024)

static enum qr_dxf_section section_named(const struct qr_dxf_tag *name)
{
    static const struct {
        const char *name;
        enum qr_dxf_section section;
    } known[] = {
        {"HEADER", QR_DXF_HEADER}, {"CLASSES", QR_DXF_CLASSES},   {"TABLES", QR_DXF_TABLES},
        {"BLOCKS", QR_DXF_BLOCKS}, {"ENTITIES", QR_DXF_ENTITIES}, {"OBJECTS", QR_DXF_OBJECTS},
    };
    for (size_t i = 0; i < QR_COUNT(known); i++)
        if (qr_dxf_tag_is(name, known[i].name))
            return known[i].section;
    return QR_DXF_IGNORED;
}

static void read_section(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;

    r->section = QR_DXF_NOWHERE;
    if (!qr_dxf_stream_next(&r->s, &tag))
        return;
    if (tag.code != 2) {
        qr_record_note(r->rec, "dxf.section.unnamed", "a section at byte %zu has no name",
                       r->s.tag_at);
        qr_dxf_stream_unget(&r->s);
        return;
    }
    r->section = section_named(&tag);
    r->any_section = true;
    if (r->section == QR_DXF_HEADER)
        qr_dxf_read_header(r);
    else if (r->section == QR_DXF_IGNORED && !qr_dxf_tag_is(&tag, "THUMBNAILIMAGE") &&
             !qr_dxf_tag_is(&tag, "ACDSDATA"))
        qr_record_note(r->rec, "dxf.section.unknown", "section \"%.*s\" was passed over",
                       (int)(tag.len < 40 ? tag.len : 40), tag.text ? tag.text : "");
}

/* The structure of the file, which is no entity. Returns whether the record was that. */
static bool read_structure(struct qr_dxf_reader *r)
{
    if (qr_dxf_type_is(&r->e, "SECTION")) {
        if (r->section != QR_DXF_NOWHERE)
            qr_record_note(r->rec, "dxf.endsec.missing",
                           "a section begins at byte %zu before the last one ended", r->s.tag_at);
        qr_dxf_read_endblk(r);
        read_section(r);
    } else if (qr_dxf_type_is(&r->e, "ENDSEC")) {
        if (r->section == QR_DXF_NOWHERE)
            qr_record_note(r->rec, "dxf.endsec.stray", "ENDSEC at byte %zu ends no section",
                           r->s.tag_at);
        qr_dxf_read_endblk(r);
        r->section = QR_DXF_NOWHERE;
    } else if (qr_dxf_type_is(&r->e, "EOF")) {
        r->ended = true;
    } else {
        return false;
    }
    return true;
}

/* One record, its 0 group just read. */
static void read_record(struct qr_dxf_reader *r, const struct qr_dxf_tag *tag)
{
    r->e.type_len = tag->text ? qr_dxf_trim(tag->text, tag->len, &r->e.type) : 0;
    r->e.tags = r->tags;
    r->e.n = 0;
    r->e.offset = r->s.tag_at;
    r->paper = false;
    r->handle.len = 0;
    r->app[0] = '\0';
    if (r->e.type_len == 0) {
        qr_record_note(r->rec, "dxf.type.missing", "a record at byte %zu has no type", r->s.tag_at);
        qr_dxf_pass(r);
        return;
    }
    if (read_structure(r))
        return;
    r->n_records++;
    qr_dxf_read_by_type(r);
}

static void read_all(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;
    size_t reported = 0;

    while (!r->ended && !r->rec->failed && qr_dxf_stream_next(&r->s, &tag)) {
        if (tag.code == 0)
            read_record(r, &tag);
        else if (tag.code == 9 && tag.text && memchr(tag.text, '$', tag.len))
            qr_dxf_take_variable(r, &tag);
        else if (r->section != QR_DXF_IGNORED)
            qr_record_note(r->rec, "dxf.group.stray", "group %d at byte %zu belongs to nothing",
                           tag.code, r->s.tag_at);
        if (r->s.at - reported > REPORT_EVERY) {
            reported = r->s.at;
            qr_input_passed(r->x->in, reported);
            qr_extract_report(r->x, (unsigned)((double)reported / (double)r->s.len * 1000));
        }
    }
}

/* Is there more than blanks behind EOF? */
static bool has_trailer(const struct qr_dxf_stream *s)
{
    size_t end = s->len - s->at > 4096 ? s->at + 4096 : s->len;

    for (size_t i = s->at; i < end; i++)
        if (!strchr(" \t\r\n\x1a", s->data[i])) /* NUL is found, too: padding */
            return true;
    return false;
}

/* A note of many events that was added once. */
static void set_count(Quarry__V1__ExtractionRecord *msg, const char *code, uint64_t count)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            msg->notes[i]->count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static void report_repairs(struct qr_dxf_reader *r)
{
    if (r->s.bad_codes > 0) {
        qr_record_partial(r->rec, "dxf.code.bad",
                          "%" PRIu64 " times lines were no groups, first at byte %" PRIu64
                          "; %" PRIu64 " bytes were passed over",
                          r->s.bad_codes, r->s.bad_at, r->s.lost_bytes);
        set_count(r->rec->msg, "dxf.code.bad", r->s.bad_codes);
    }
    if (!r->ended && (r->any_section || r->n_records > 0))
        qr_record_partial(r->rec, "dxf.eof.missing", "the file ends without EOF%s",
                          r->s.cut ? ", within a group" : "");
    if (r->ended && has_trailer(&r->s))
        qr_record_note(r->rec, "dxf.eof.trailing", "%zu bytes behind EOF were not read",
                       r->s.len - r->s.at);
    if (r->doc.codepage.unknown + r->doc.second.unknown > 0)
        qr_record_note(r->rec, "dxf.encoding.invalid",
                       "%" PRIu64 " bytes are no characters of %s and became U+FFFD",
                       r->doc.codepage.unknown + r->doc.second.unknown,
                       r->doc.n_second > 0 ? r->doc.second.name : r->doc.codepage.name);
    if (r->doc.n_second > 0)
        qr_record_note(r->rec, "dxf.encoding.mixed",
                       "%" PRIu64 " strings are no UTF-8 and were read as %s", r->doc.n_second,
                       r->doc.second.name);
}

static void report(struct qr_dxf_reader *r)
{
    Quarry__V1__ExtractionRecord *msg = r->rec->msg;

    report_repairs(r);
    if (!r->any_section && r->n_records == 0) {
        qr_record_fail(r->rec, QR_CLASS_INVALID_INPUT,
                       "no section of a DXF file was found; hint: is it a DXF file, and whole?");
        return;
    }
    qr_dxf_report_header(r);
    qr_dxf_report_counts(r);
    qr_dxf_finish_annotations(r, false);
    qr_dxf_report_layouts(r);
    qr_dxf_finish_annotations(r, true);
    if (msg->n_entities + msg->n_paper_entities == 0 && msg->n_pages == 0)
        qr_record_set_empty(r->rec, "the drawing has no entities");
    double lost = r->s.len > 0 ? (double)r->s.lost_bytes / (double)r->s.len : 0;
    msg->completeness = 1 - lost;
}

static bool begin(struct qr_dxf_reader *r, const struct qr_extract *x)
{
    memset(r, 0, sizeof *r);
    r->x = x;
    r->rec = x->rec;
    qr_buf_init(&r->raw, SCRATCH_MAX);
    qr_buf_init(&r->plain, SCRATCH_MAX);
    if (!qr_dxf_doc_init(&r->doc, x))
        return false;
    if (x->engine)
        r->doc.codepages = x->engine->codepages;
    r->kinds = calloc(QR_DXF_KINDS + QR_DXF_KINDS_KEPT, sizeof *r->kinds);
    r->model = qr_dxf_block_get(&r->doc, "*Model_Space", 12);
    r->paper_space = qr_dxf_block_get(&r->doc, "*Paper_Space", 12);
    return r->kinds && r->model && r->paper_space;
}

static void finish(struct qr_dxf_reader *r)
{
    free(r->tags);
    free(r->kinds);
    qr_buf_done(&r->raw);
    qr_buf_done(&r->plain);
    qr_dxf_doc_done(&r->doc);
}

void qr_dxf_read(const struct qr_extract *x, const void *data, size_t len)
{
    struct qr_dxf_reader r;
    char *narrow = NULL;
    size_t narrow_len;

    qr_record_set_extractor(x->rec, "quarry-dxf", QUARRY_VERSION);
    if (len == 0) {
        qr_record_set_empty(x->rec, "the file is empty");
        x->rec->msg->completeness = 1;
        return;
    }
    if (qr_dxf_is_wide(data, len)) { /* UTF-16 */
        narrow = qr_dxf_narrow(x->rec, data, len, &narrow_len);
        if (!narrow)
            return;
        data = narrow;
        len = narrow_len;
    }
    if (begin(&r, x)) {
        qr_dxf_stream_init(&r.s, data, len);
        r.doc.binary = r.s.binary;
        qr_dxf_choose_encoding(&r, narrow != NULL);
        read_all(&r);
        report(&r);
    } else {
        qr_record_fail(x->rec, QR_CLASS_RESOURCE, "no memory to read the drawing");
    }
    finish(&r);
    free(narrow);
}

void qr_dxf_extract(const struct qr_extract *x)
{
    if (x->in->size == 0) {
        qr_record_fail(x->rec, QR_CLASS_INVALID_INPUT,
                       "the file is empty; hint: get it again from its source");
        return;
    }
    const uint8_t *data = qr_input_map((struct qr_input *)(uintptr_t)x->in, x->rec);
    if (!data)
        return;
    qr_dxf_read(x, data, (size_t)x->in->size);
    if (x->job->options.overlay_page > 0 && !qr_record_has_failed(x->rec))
        qr_overlay_dxf_layout(x, data, (size_t)x->in->size, x->job->options.overlay_page);
}

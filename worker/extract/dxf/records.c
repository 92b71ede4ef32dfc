#include "worker/extract/dxf/records.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/reader.h"

#define TAGS_MAX ((size_t)500000)
#define PROBES_MAX 64 /* names made up to share a place take no more time than others */

enum where { TABLES, BLOCKS, DRAWING, OBJECTS, CLASSES };

/* Everything that is not passed over. DRAWING: entities, in ENTITIES or in a block. */
static const struct {
    const char *name;
    enum where where;
    void (*read)(struct qr_dxf_reader *r);
} readers[] = {
    {"TABLE", TABLES, NULL},
    {"ENDTAB", TABLES, NULL},
    {"LAYER", TABLES, qr_dxf_read_layer},
    {"LTYPE", TABLES, qr_dxf_read_linetype},
    {"STYLE", TABLES, qr_dxf_read_style},
    {"DIMSTYLE", TABLES, qr_dxf_read_dimstyle},
    {"BLOCK_RECORD", TABLES, qr_dxf_read_block_record},
    {"BLOCK", BLOCKS, qr_dxf_read_block},
    {"ENDBLK", BLOCKS, qr_dxf_read_endblk},
    {"CLASS", CLASSES, qr_dxf_read_class},
    {"TEXT", DRAWING, qr_dxf_read_text},
    {"MTEXT", DRAWING, qr_dxf_read_mtext},
    {"ATTRIB", DRAWING, qr_dxf_read_attrib},
    {"ATTDEF", DRAWING, qr_dxf_read_attdef},
    {"INSERT", DRAWING, qr_dxf_read_insert},
    {"DIMENSION", DRAWING, qr_dxf_read_dimension_entity},
    {"ARC_DIMENSION", DRAWING, qr_dxf_read_dimension_entity},
    {"LARGE_RADIAL_DIMENSION", DRAWING, qr_dxf_read_dimension_entity},
    {"TOLERANCE", DRAWING, qr_dxf_read_tolerance},
    {"MULTILEADER", DRAWING, qr_dxf_read_mleader},
    {"MLEADER", DRAWING, qr_dxf_read_mleader},
    {"ACAD_TABLE", DRAWING, qr_dxf_read_table_entity},
    {"LINE", DRAWING, qr_dxf_read_line},
    {"LWPOLYLINE", DRAWING, qr_dxf_read_lwpolyline},
    {"POLYLINE", DRAWING, qr_dxf_read_polyline},
    {"VERTEX", DRAWING, qr_dxf_read_vertex},
    {"SEQEND", DRAWING, qr_dxf_read_seqend},
    {"ACAD_PROXY_ENTITY", DRAWING, qr_dxf_read_proxy},
    {"ARC", DRAWING, NULL}, /* known, so that they show where they stand when SECTION is lost */
    {"CIRCLE", DRAWING, NULL},
    {"POINT", DRAWING, NULL},
    {"ELLIPSE", DRAWING, NULL},
    {"SPLINE", DRAWING, NULL},
    {"SOLID", DRAWING, NULL},
    {"3DFACE", DRAWING, NULL},
    {"HATCH", DRAWING, NULL},
    {"VIEWPORT", DRAWING, qr_dxf_read_viewport},
    {"LAYOUT", OBJECTS, qr_dxf_read_layout},
    {"DICTIONARY", OBJECTS, qr_dxf_read_dictionary},
    {"XRECORD", OBJECTS, qr_dxf_read_xrecord},
    {"IMAGEDEF", OBJECTS, qr_dxf_read_imagedef},
    {"PDFDEFINITION", OBJECTS, qr_dxf_read_underlay},
    {"DWFDEFINITION", OBJECTS, qr_dxf_read_underlay},
    {"DGNDEFINITION", OBJECTS, qr_dxf_read_underlay},
};

static void fill(struct qr_dxf_kind_of_record *kind, const char *name, size_t len)
{
    memcpy(kind->name, name, len);
    kind->name[len] = '\0';
    kind->name_len = len;
    kind->where = DRAWING;
    for (size_t i = 0; i < QR_COUNT(readers); i++) {
        if (strcmp(readers[i].name, kind->name) == 0) {
            kind->where = readers[i].where;
            kind->read = readers[i].read;
            kind->known = true;
        }
    }
    kind->part = strcmp(kind->name, "VERTEX") == 0 || strcmp(kind->name, "SEQEND") == 0;
    kind->attribute = strcmp(kind->name, "ATTRIB") == 0;
}

/* A file with more types than there is room for: those that we read have rows of their own. */
static struct qr_dxf_kind_of_record *kept_kind(struct qr_dxf_reader *r, const char *name,
                                               size_t len)
{
    _Static_assert(QR_COUNT(readers) <= QR_DXF_KINDS_KEPT, "room for each");

    for (size_t i = 0; i < QR_COUNT(readers); i++) {
        struct qr_dxf_kind_of_record *kind = &r->kinds[QR_DXF_KINDS + i];
        if (strlen(readers[i].name) != len || memcmp(readers[i].name, name, len) != 0)
            continue;
        if (kind->name_len == 0)
            fill(kind, name, len);
        return kind;
    }
    return NULL;
}

/* The row of the type; new ones are made. NULL when there is no room and we do not read it. */
static struct qr_dxf_kind_of_record *kind_of(struct qr_dxf_reader *r)
{
    char name[sizeof r->kinds->name];
    size_t len = r->e.type_len < sizeof name - 1 ? r->e.type_len : sizeof name - 1;
    uint32_t hash = 2166136261u;

    if (r->kind && r->kind->name_len == r->e.type_len &&
        memcmp(r->kind->name, r->e.type, r->e.type_len) == 0)
        return r->kind;
    for (size_t i = 0; i < len; i++) {
        name[i] = (char)toupper((unsigned char)r->e.type[i]);
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    }
    for (size_t i = 0; i < PROBES_MAX; i++) {
        struct qr_dxf_kind_of_record *kind = &r->kinds[(hash + i) & (QR_DXF_KINDS - 1)];
        if (kind->name_len == len && memcmp(kind->name, name, len) == 0)
            return kind;
        if (kind->name_len != 0)
            continue;
        if (r->n_kinds >= QR_DXF_KINDS / 2)
            break;
        r->n_kinds++;
        fill(kind, name, len);
        return kind;
    }
    struct qr_dxf_kind_of_record *kept = kept_kind(r, name, len);
    if (!kept)
        qr_record_partial(r->rec, "dxf.kinds.capped",
                          "types of entities beyond %d were not counted", QR_DXF_KINDS / 2);
    return kept;
}

/* Does a record of this kind belong where it stands? */
static bool belongs(const struct qr_dxf_reader *r, enum where where)
{
    static const uint8_t holds[] = {
        [QR_DXF_CLASSES] = 1 << CLASSES,
        [QR_DXF_TABLES] = 1 << TABLES,
        [QR_DXF_BLOCKS] = 1 << BLOCKS | 1 << DRAWING,
        [QR_DXF_ENTITIES] = 1 << DRAWING,
        [QR_DXF_OBJECTS] = 1 << OBJECTS,
        [QR_DXF_IGNORED] = 0,
    };
    return (holds[r->section] >> where & 1) != 0;
}

/* Broken files lose their SECTION or ENDSEC: records of a known kind show where we are. */
static void correct_section(struct qr_dxf_reader *r, const struct qr_dxf_kind_of_record *kind)
{
    static const enum qr_dxf_section sections[] = {
        [TABLES] = QR_DXF_TABLES,   [BLOCKS] = QR_DXF_BLOCKS,   [DRAWING] = QR_DXF_ENTITIES,
        [OBJECTS] = QR_DXF_OBJECTS, [CLASSES] = QR_DXF_CLASSES,
    };
    bool named = r->section != QR_DXF_NOWHERE && r->section != QR_DXF_ENTITIES &&
                 r->section != QR_DXF_TABLES && r->section != QR_DXF_BLOCKS;

    if (!kind->known || named || belongs(r, kind->where) ||
        (kind->where == DRAWING && r->section != QR_DXF_NOWHERE))
        return;
    qr_record_note(r->rec, "dxf.section.lost",
                   "a %s at byte %" PRIu64 " stands outside of its section", kind->name,
                   r->e.offset);
    r->section = sections[kind->where];
}

void qr_dxf_read_by_type(struct qr_dxf_reader *r)
{
    struct qr_dxf_kind_of_record *kind = kind_of(r);

    r->kind = kind;
    if (kind)
        correct_section(r, kind);
    if (!kind || !belongs(r, kind->where)) {
        qr_dxf_pass(r);
        return;
    }
    if (kind->where == DRAWING && !kind->attribute && !kind->part) {
        r->attributes_of = NULL;
        r->path.place = NULL;
    }
    if (kind->read) {
        kind->read(r);
        return;
    }
    qr_dxf_pass(r);
    if (kind->where == DRAWING)
        qr_dxf_place_of(r);
}

static bool grow(struct qr_dxf_reader *r)
{
    size_t cap = r->cap ? r->cap * 2 : 512;

    if (r->cap >= TAGS_MAX)
        return false;
    struct qr_dxf_tag *bigger = realloc(r->tags, cap * sizeof *bigger);
    if (!bigger)
        return false;
    r->tags = bigger;
    r->cap = cap;
    return true;
}

void qr_dxf_collect(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;
    bool full = false;

    while (qr_dxf_stream_next(&r->s, &tag)) {
        if (tag.code == 0) {
            qr_dxf_stream_unget(&r->s);
            break;
        }
        if (tag.code == 5 && r->handle.len == 0)
            r->handle = tag;
        full = full || (r->e.n == r->cap && !grow(r));
        if (!full)
            r->tags[r->e.n++] = tag;
        if (tag.code >= 1000)
            qr_dxf_take_xdata(r, &tag);
    }
    r->e.tags = r->tags;
    r->paper = qr_dxf_find_int(&r->e, 67, 0) == 1;
    if (full)
        qr_record_partial(
            r->rec, "dxf.entity.capped", "a %.*s at byte %" PRIu64 " has more than %zu groups",
            (int)(r->e.type_len < 40 ? r->e.type_len : 40), r->e.type, r->e.offset, r->e.n);
}

void qr_dxf_pass(struct qr_dxf_reader *r)
{
    struct qr_dxf_tag tag;
    bool looking = true; /* 67 is the entity's own: in front of an embedded object */

    while (qr_dxf_stream_next(&r->s, &tag)) {
        switch (tag.code) {
        case 0:
            qr_dxf_stream_unget(&r->s);
            return;
        case 5:
            if (r->handle.len == 0)
                r->handle = tag;
            break;
        case 67:
            if (looking)
                r->paper = qr_dxf_int(&tag, NULL) == 1;
            looking = false;
            break;
        case 101:
            looking = false;
            break;
        default:
            if (tag.code >= 1000)
                qr_dxf_take_xdata(r, &tag);
        }
    }
}

static void count_entity(struct qr_dxf_reader *r, bool paper)
{
    if (!r->kind || r->kind->part)
        return;
    if (paper)
        r->kind->paper++;
    else
        r->kind->model++;
}

struct qr_dxf_block *qr_dxf_place_of(struct qr_dxf_reader *r)
{
    bool part = !r->kind || r->kind->part || r->kind->attribute;

    if (r->block && r->section == QR_DXF_BLOCKS) {
        r->block->n_entities += !part;
        if (r->block_is_paper || r->block_is_model)
            count_entity(r, r->block_is_paper);
        return r->block;
    }
    if (r->section == QR_DXF_BLOCKS) {
        qr_record_note(r->rec, "dxf.block.stray", "a %.*s at byte %" PRIu64 " is in no block",
                       (int)(r->e.type_len < 40 ? r->e.type_len : 40), r->e.type, r->e.offset);
        return NULL;
    }
    struct qr_dxf_block *place = r->paper ? r->paper_space : r->model;
    if (r->kind && r->kind->attribute && r->attributes_of)
        place = r->attributes_in_paper ? r->paper_space : r->model;
    place->n_entities += !part;
    count_entity(r, place == r->paper_space);
    return place;
}

static int by_name(const void *left, const void *right)
{
    const struct qr_dxf_kind_of_record *const *a = left;
    const struct qr_dxf_kind_of_record *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

void qr_dxf_report_counts(struct qr_dxf_reader *r)
{
    const struct qr_dxf_kind_of_record *sorted[QR_DXF_KINDS / 2 + QR_DXF_KINDS_KEPT];
    size_t n = 0;

    for (size_t i = 0; i < QR_DXF_KINDS + QR_DXF_KINDS_KEPT && n < QR_COUNT(sorted); i++)
        if (r->kinds[i].model + r->kinds[i].paper > 0)
            sorted[n++] = &r->kinds[i];
    qsort(sorted, n, sizeof sorted[0], by_name);
    for (size_t i = 0; i < n; i++) {
        if (sorted[i]->model > 0)
            qr_record_add_count(r->rec, false, sorted[i]->name, sorted[i]->name_len,
                                sorted[i]->model);
        if (sorted[i]->paper > 0)
            qr_record_add_count(r->rec, true, sorted[i]->name, sorted[i]->name_len,
                                sorted[i]->paper);
    }
}

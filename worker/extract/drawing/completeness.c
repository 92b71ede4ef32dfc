#include "worker/extract/drawing/completeness.h"

#include <string.h>

#include "common/base.h"

enum kind {
    DOCUMENT, /* a PDF without a drawing */
    PDF_DRAWING,
    DXF_DRAWING,  /* with text or dimensions */
    DXF_GEOMETRY, /* neither: contours for a machine */
    KINDS,
};

typedef double (*share_fn)(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);

static double of_text(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);
static double of_metadata(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);
static double of_title_block(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);
static double of_material(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);
static double of_dimensions(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);
static double of_entities(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);
static double of_layers(const Quarry__V1__ExtractionRecord *msg, const char *const keys[]);

/* One of `keys` is enough. The fields of the title block are the mandatory ones of ISO 7200, and
 * those a workshop asks for first. */
static const struct {
    share_fn share;
    const char *keys[4];
    double weight[KINDS];
} fields[] = {
    {of_text, {NULL}, {[DOCUMENT] = 6, [PDF_DRAWING] = 3, [DXF_DRAWING] = 2}},
    {of_metadata, {"title"}, {[DOCUMENT] = 1}},
    {of_metadata, {"author"}, {[DOCUMENT] = 1}},
    {of_metadata, {"created", "modified"}, {1, 1, 1, 1}},
    {of_metadata, {"creator", "producer"}, {[DOCUMENT] = 1}},
    {of_metadata, {"acadver"}, {[DXF_DRAWING] = 1, [DXF_GEOMETRY] = 1}},
    {of_metadata, {"units"}, {[DXF_DRAWING] = 1, [DXF_GEOMETRY] = 1}},
    {of_metadata, {"extents"}, {[DXF_DRAWING] = 1, [DXF_GEOMETRY] = 1}},
    {of_entities, {NULL}, {[DXF_DRAWING] = 2, [DXF_GEOMETRY] = 4}},
    {of_layers, {NULL}, {[DXF_DRAWING] = 1, [DXF_GEOMETRY] = 1}},
    {of_title_block, {"title", "subtitle"}, {[PDF_DRAWING] = 2, [DXF_DRAWING] = 2}},
    {of_title_block, {"drawing_number", "part_number"}, {[PDF_DRAWING] = 2, [DXF_DRAWING] = 2}},
    {of_title_block, {"revision"}, {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_title_block,
     {"date", "drawn_date", "approved_date"},
     {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_title_block, {"drawn_by", "approved_by"}, {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_title_block, {"company", "project"}, {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_title_block, {"sheet"}, {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_title_block, {"scale"}, {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_material, {NULL}, {[PDF_DRAWING] = 1, [DXF_DRAWING] = 1}},
    {of_dimensions, {NULL}, {[PDF_DRAWING] = 4, [DXF_DRAWING] = 4}},
};

static bool has_key(Quarry__V1__MetadataItem *const *items, size_t n, const char *const keys[])
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 4 && keys[k]; k++)
            if (strcmp(items[i]->key, keys[k]) == 0)
                return true;
    return false;
}

static double of_metadata(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    return has_key(msg->metadata, msg->n_metadata, keys);
}

static double of_title_block(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    return has_key(msg->title_block, msg->n_title_block, keys);
}

/* Pages with text, of those that have any, be it as a picture. An empty page lacks nothing, a
 * damaged one has been counted as not read. */
static double of_text(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    size_t with = 0, without = 0;

    (void)keys;
    for (size_t i = 0; i < msg->n_pages; i++) {
        const Quarry__V1__Page *page = msg->pages[i];
        if (page->chars > 0)
            with++;
        else if (page->image_only || page->text_as_paths)
            without++;
    }
    return with > 0 ? (double)with / (double)(with + without) : 0;
}

static double of_material(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    (void)keys;
    return msg->n_materials > 0;
}

/* Dimensions with a number, of those that were found or counted as entities. */
static double of_dimensions(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    uint64_t counted = 0;
    size_t with = 0;

    (void)keys;
    for (size_t i = 0; i < msg->n_dimensions; i++)
        with += msg->dimensions[i]->has_value ? 1 : 0;
    for (size_t i = 0; i < msg->n_entities; i++)
        if (strstr(msg->entities[i]->name, "DIMENSION"))
            counted += msg->entities[i]->count;
    for (size_t i = 0; i < msg->n_paper_entities; i++)
        if (strstr(msg->paper_entities[i]->name, "DIMENSION"))
            counted += msg->paper_entities[i]->count;
    if (counted < msg->n_dimensions)
        counted = msg->n_dimensions;
    return counted > 0 ? (double)with / (double)counted : 0;
}

static double of_entities(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    (void)keys;
    return msg->n_entities + msg->n_paper_entities > 0;
}

static double of_layers(const Quarry__V1__ExtractionRecord *msg, const char *const keys[])
{
    (void)keys;
    return msg->n_layers > 0;
}

static enum kind kind_of(const Quarry__V1__ExtractionRecord *msg)
{
    bool text = false;

    if (strcmp(msg->type, "dxf") == 0 || strcmp(msg->type, "dwg") == 0) {
        for (size_t i = 0; i < msg->n_pages; i++)
            text = text || msg->pages[i]->chars > 0;
        return text || msg->n_dimensions > 0 ? DXF_DRAWING : DXF_GEOMETRY;
    }
    for (size_t i = 0; i < msg->n_pages; i++)
        if (msg->pages[i]->drawing)
            return PDF_DRAWING;
    return DOCUMENT;
}

void qr_completeness_set(struct qr_record *rec)
{
    Quarry__V1__ExtractionRecord *msg = rec->msg;
    double found = 0, all = 0;

    if (msg->error || msg->bytes == 0)
        return;
    enum kind kind = kind_of(msg);
    for (size_t i = 0; i < QR_COUNT(fields); i++) {
        double weight = fields[i].weight[kind];
        if (weight == 0)
            continue;
        all += weight;
        found += weight * fields[i].share(msg, fields[i].keys);
    }
    msg->completeness *= found / all;
}

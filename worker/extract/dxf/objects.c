/* The OBJECTS section: layouts, dictionaries, records of other programs, files referred to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/extract/dxf/reader.h"

#define LAYOUTS_MAX 10000
#define ENTRIES_MAX 20000
#define STRINGS_MAX 2000
#define STRING_BYTES 1024

/* What a dictionary calls the object of that handle. */
struct qr_dxf_entry {
    struct qr_dxf_entry *next;
    uint64_t handle;
    const char *name; /* raw */
    size_t len;
};

#define N_BUCKETS 1024
#define CHAIN_MAX 200 /* twenty are usual in a full table */

static struct qr_dxf_entry **bucket_of(struct qr_dxf_reader *r, uint64_t handle)
{
    if (!r->entries)
        r->entries = qr_dxf_alloc(&r->doc, N_BUCKETS * sizeof(struct qr_dxf_entry *));
    return r->entries ? &r->entries[(handle * UINT64_C(0x9E3779B97F4A7C15)) >> 54] : NULL;
}

static void add_entry(struct qr_dxf_reader *r, const struct qr_dxf_tag *name, uint64_t handle)
{
    struct qr_dxf_entry **bucket = bucket_of(r, handle);
    size_t n = 0;

    if (!bucket || handle == 0)
        return;
    for (const struct qr_dxf_entry *have = *bucket; have && n < CHAIN_MAX; have = have->next)
        n++;
    if (r->n_entries >= ENTRIES_MAX || n >= CHAIN_MAX) {
        qr_record_partial(r->rec, "dxf.dictionary.capped",
                          "dictionary entries beyond %d were left out", ENTRIES_MAX);
        return;
    }
    struct qr_dxf_entry *entry = qr_dxf_alloc(&r->doc, sizeof *entry);
    if (!entry)
        return;
    entry->len = name->len < 256 ? name->len : 256;
    entry->name = qr_dxf_copy(&r->doc, name->text, entry->len);
    entry->handle = handle;
    entry->next = *bucket;
    if (!entry->name)
        return;
    *bucket = entry;
    r->n_entries++;
}

void qr_dxf_read_dictionary(struct qr_dxf_reader *r)
{
    const struct qr_dxf_tag *name = NULL;

    qr_dxf_collect(r);
    for (size_t i = 0; i < r->e.n; i++) {
        const struct qr_dxf_tag *tag = &r->e.tags[i];
        if (tag->code == 3 && tag->text)
            name = tag;
        else if ((tag->code == 350 || tag->code == 360) && name) {
            add_entry(r, name, qr_dxf_handle(tag));
            name = NULL;
        }
    }
}

static const struct qr_dxf_entry *entry_of(struct qr_dxf_reader *r, uint64_t handle)
{
    struct qr_dxf_entry **bucket = bucket_of(r, handle);
    struct qr_dxf_entry *entry = bucket ? *bucket : NULL;

    while (entry && entry->handle != handle)
        entry = entry->next;
    return entry;
}

/* Properties of the drawing as releases before 2004 have them. */
static void read_properties(struct qr_dxf_reader *r)
{
    static const char *const keys[] = {
        NULL, NULL,       "title",    "subject",       "author",
        NULL, "comments", "keywords", "last_saved_by", "revision_number"};
    size_t len;

    for (size_t i = 0; i < r->e.n; i++) {
        const struct qr_dxf_tag *tag = &r->e.tags[i];
        const char *text = tag->text ? qr_dxf_name_of(r, tag, &len) : NULL;
        if (!text || len == 0)
            continue;
        if (tag->code >= 2 && tag->code < (int)QR_COUNT(keys) && keys[tag->code] &&
            !qr_record_find_meta(r->rec, keys[tag->code]))
            qr_record_add_meta(r->rec, keys[tag->code], text, len, "dwgprops");
        const char *equals = memchr(text, '=', len);
        if (tag->code < 300 || tag->code > 309 || !equals || equals == text)
            continue;
        size_t n = (size_t)(equals - text);
        char *name = qr_record_string(r->rec, text, n);
        qr_dxf_add_property(r, name, qr_record_string(r->rec, equals + 1, len - n - 1), "dwgprops");
    }
}

/* Strings of free records, under the name that their dictionary gives them. */
void qr_dxf_read_xrecord(struct qr_dxf_reader *r)
{
    size_t len;

    qr_dxf_collect(r);
    const struct qr_dxf_tag *handle = qr_dxf_find(&r->e, 5);
    const struct qr_dxf_entry *entry = handle ? entry_of(r, qr_dxf_handle(handle)) : NULL;
    if (!entry)
        return;
    struct qr_dxf_tag key = {.code = 3, .text = entry->name, .len = entry->len};
    if (qr_dxf_tag_is(&key, "DWGPROPS")) {
        read_properties(r);
        return;
    }
    if (qr_dxf_tag_is(&key, "ACAD_XREC_ROUNDTRIP"))
        return; /* what a release could not keep of a later one's */
    for (size_t i = 0; i < r->e.n; i++) {
        struct qr_dxf_tag tag = r->e.tags[i];
        bool string = tag.text && ((tag.code >= 1 && tag.code <= 4) || tag.code == 6 ||
                                   tag.code == 7 || (tag.code >= 300 && tag.code <= 309));
        if (!string || tag.len == 0)
            continue;
        if (r->n_strings >= STRINGS_MAX) {
            qr_record_partial(r->rec, "dxf.xrecord.capped",
                              "XRECORD strings beyond %d were left out", STRINGS_MAX);
            return;
        }
        tag.len = tag.len < STRING_BYTES ? tag.len : STRING_BYTES;
        const char *text = qr_dxf_name_of(r, &tag, &len);
        char *value = len > 0 ? qr_record_string(r->rec, text, len) : NULL;
        Quarry__V1__Parameter *parameter = value ? qr_record_add_parameter(r->rec) : NULL;
        if (!parameter)
            continue;
        r->n_strings++;
        text = qr_dxf_name_of(r, &key, &len);
        parameter->set = (char *)"xrecord";
        parameter->name = qr_record_string(r->rec, text, len);
        parameter->value = value;
        parameter->source = (char *)"xrecord";
    }
}

static void add_file(struct qr_dxf_reader *r, const char *kind)
{
    size_t len = 0;

    qr_dxf_collect(r);
    const struct qr_dxf_tag *path = qr_dxf_find(&r->e, 1);
    const char *text = path ? qr_dxf_name_of(r, path, &len) : "";
    Quarry__V1__Link *link = len > 0 ? qr_record_add_link(r->rec) : NULL;
    if (!link)
        return;
    link->kind = (char *)kind;
    link->target = qr_record_string(r->rec, text, len);
}

void qr_dxf_read_imagedef(struct qr_dxf_reader *r) { add_file(r, "image"); }

void qr_dxf_read_underlay(struct qr_dxf_reader *r) { add_file(r, "underlay"); }

/* The first tag of `code` behind a subclass marker. */
static const struct qr_dxf_tag *find_behind(const struct qr_dxf_entity *e, const char *subclass,
                                            int code)
{
    bool behind = false;

    for (size_t i = 0; i < e->n && e->tags[i].code < 1000; i++) {
        if (e->tags[i].code == 100)
            behind = qr_dxf_tag_is(&e->tags[i], subclass);
        else if (behind && e->tags[i].code == code)
            return &e->tags[i];
    }
    return NULL;
}

static void put_number(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, const char *key,
                       const char *subclass, int code)
{
    const struct qr_dxf_tag *tag = find_behind(&r->e, subclass, code);
    bool ok = false;
    double value = tag ? qr_dxf_real(tag, &ok) : 0;

    if (ok)
        qr_dxf_property_number(r, object, key, value);
}

/* A box of two points of the layout; unset ones are 1e20 the wrong way round. */
static void put_box(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, const char *key,
                    int low, int high)
{
    double box[4];
    char text[120];

    for (int i = 0; i < 4; i++) {
        const struct qr_dxf_tag *tag =
            find_behind(&r->e, "AcDbLayout", (i < 2 ? low : high) + 10 * (i % 2));
        box[i] = tag ? qr_dxf_real(tag, NULL) : 0;
    }
    if (!(box[0] < box[2] && box[1] < box[3]) || box[2] - box[0] > 1e19)
        return;
    snprintf(text, sizeof text, "%.10g %.10g %.10g %.10g", box[0], box[1], box[2], box[3]);
    qr_dxf_property_text(r, object, key, text);
}

static void add_layout(struct qr_dxf_reader *r, Quarry__V1__NamedObject *object, uint64_t record)
{
    struct qr_dxf_layout *layout = qr_dxf_alloc(&r->doc, sizeof *layout);
    const struct qr_dxf_tag *tab = find_behind(&r->e, "AcDbLayout", 71);

    if (!layout || r->n_layouts >= LAYOUTS_MAX)
        return;
    layout->name = object->name;
    layout->block_record = record;
    layout->tab = tab ? qr_dxf_int(tab, NULL) : 0;
    layout->object = object;
    const struct qr_dxf_tag *units = find_behind(&r->e, "AcDbPlotSettings", 72);
    layout->paper_units = units ? (int)qr_dxf_int(units, NULL) : -1;
    const struct qr_dxf_tag *real = find_behind(&r->e, "AcDbPlotSettings", 142);
    const struct qr_dxf_tag *drawing = find_behind(&r->e, "AcDbPlotSettings", 143);
    layout->paper_per = real ? qr_dxf_real(real, NULL) : 0;
    layout->drawing_per = drawing ? qr_dxf_real(drawing, NULL) : 0;
    for (int i = 0; i < 2; i++) {
        const struct qr_dxf_tag *side = find_behind(&r->e, "AcDbPlotSettings", 44 + i);
        layout->paper_mm[i] = side ? qr_dxf_real(side, NULL) : 0;
    }
    const struct qr_dxf_tag *turn = find_behind(&r->e, "AcDbPlotSettings", 73);
    layout->quarters = turn ? (int)(qr_dxf_int(turn, NULL) & 3) : 0;
    layout->next = r->layouts;
    r->layouts = layout;
    r->n_layouts++;
}

void qr_dxf_read_layout(struct qr_dxf_reader *r)
{
    static const char *const units[] = {"inches", "millimetres", "pixels"};
    const char plot[] = "AcDbPlotSettings";
    size_t len = 0;

    qr_dxf_collect(r);
    const struct qr_dxf_tag *name = find_behind(&r->e, "AcDbLayout", 1);
    const struct qr_dxf_tag *record = find_behind(&r->e, "AcDbLayout", 330);
    const char *text = name ? qr_dxf_name_of(r, name, &len) : "";
    Quarry__V1__NamedObject *object = qr_record_add_named(r->rec, QR_RECORD_LAYOUTS, text, len);
    if (!object)
        return;
    add_layout(r, object, record ? qr_dxf_handle(record) : 0);
    qr_dxf_property_tag(r, object, "page_setup", find_behind(&r->e, plot, 1));
    qr_dxf_property_tag(r, object, "plotter", find_behind(&r->e, plot, 2));
    qr_dxf_property_tag(r, object, "paper", find_behind(&r->e, plot, 4));
    put_number(r, object, "paper_width_mm", plot, 44);
    put_number(r, object, "paper_height_mm", plot, 45);
    put_number(r, object, "plot_scale_paper", plot, 142);
    put_number(r, object, "plot_scale_drawing", plot, 143);
    const struct qr_dxf_tag *unit = find_behind(&r->e, plot, 72);
    int64_t number = unit ? qr_dxf_int(unit, NULL) : -1;
    if (number >= 0 && number < (int64_t)QR_COUNT(units))
        qr_dxf_property_text(r, object, "paper_units", units[number]);
    put_number(r, object, "rotation_quarters", plot, 73);
    put_number(r, object, "tab_order", "AcDbLayout", 71);
    put_box(r, object, "limits", 10, 11);
    put_box(r, object, "extents", 14, 15);
}

/* Entries of the TABLES section. */
#include <stdlib.h>

#include "worker/extract/dxf/dimstyle.h"
#include "worker/extract/dxf/reader.h"

#define COPIES_MAX 1000     /* each costs a look at all blocks */
#define PROPERTIES_OF 20000 /* objects with more than their name */

static Quarry__V1__NamedObject *add(struct qr_dxf_reader *r, enum qr_record_list list)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(&r->e, 2);
    size_t len = 0;
    const char *name = tag ? qr_dxf_name_of(r, tag, &len) : "";

    bool shapes = list == QR_RECORD_STYLES && (qr_dxf_find_int(&r->e, 70, 0) & 1) != 0;
    if (len == 0 && !shapes) /* a file of shapes has no name */
        qr_record_note(r->rec, "dxf.name.missing", "a %.*s at byte %llu has no name",
                       (int)(r->e.type_len < 40 ? r->e.type_len : 40), r->e.type,
                       (unsigned long long)r->e.offset);
    return qr_record_add_named(r->rec, list, name, len);
}

void qr_dxf_read_layer(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    Quarry__V1__NamedObject *layer = add(r, QR_RECORD_LAYERS);
    if (!layer || r->rec->msg->n_layers > PROPERTIES_OF)
        return;
    int64_t flags = qr_dxf_find_int(&r->e, 70, 0);
    int64_t colour = qr_dxf_find_int(&r->e, 62, 7);
    qr_dxf_property_number(r, layer, "colour", (double)llabs(colour));
    qr_dxf_property_tag(r, layer, "linetype", qr_dxf_find(&r->e, 6));
    qr_dxf_property_tag(r, layer, "true_colour", qr_dxf_find(&r->e, 420));
    qr_dxf_property_tag(r, layer, "lineweight", qr_dxf_find(&r->e, 370));
    if (colour < 0)
        qr_dxf_property_text(r, layer, "off", "true");
    if (flags & 1)
        qr_dxf_property_text(r, layer, "frozen", "true");
    if (flags & 4)
        qr_dxf_property_text(r, layer, "locked", "true");
    if (flags & 16)
        qr_dxf_property_text(r, layer, "xref", "true");
    if (qr_dxf_find_int(&r->e, 290, 1) == 0)
        qr_dxf_property_text(r, layer, "plot", "false");
}

void qr_dxf_read_linetype(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    Quarry__V1__NamedObject *type = add(r, QR_RECORD_LINETYPES);
    if (!type || r->rec->msg->n_linetypes > PROPERTIES_OF)
        return;
    qr_dxf_property_tag(r, type, "description", qr_dxf_find(&r->e, 3));
    qr_dxf_property_tag(r, type, "length", qr_dxf_find(&r->e, 40));
}

void qr_dxf_read_style(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    Quarry__V1__NamedObject *style = add(r, QR_RECORD_STYLES);
    if (!style || r->rec->msg->n_styles > PROPERTIES_OF)
        return;
    int64_t flags = qr_dxf_find_int(&r->e, 70, 0);
    double height = qr_dxf_find_real(&r->e, 40, 0);
    qr_dxf_property_text(r, style, "kind", flags & 1 ? "shape" : "text");
    qr_dxf_property_tag(r, style, "font", qr_dxf_find(&r->e, 3));
    qr_dxf_property_tag(r, style, "big_font", qr_dxf_find(&r->e, 4));
    qr_dxf_property_tag(r, style, "width_factor", qr_dxf_find(&r->e, 41));
    if (height > 0)
        qr_dxf_property_number(r, style, "height", height);
    size_t n;
    const struct qr_dxf_tag *font = qr_dxf_xdata(&r->e, "ACAD", &n); /* a TrueType family */
    if (n > 0 && font[0].code == 1000)
        qr_dxf_property_tag(r, style, "family", &font[0]);
}

void qr_dxf_read_dimstyle(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    Quarry__V1__NamedObject *style = add(r, QR_RECORD_STYLES);
    qr_dxf_dimstyle_add(&r->doc, &r->e);
    if (style)
        qr_dxf_property_text(r, style, "kind", "dimension");
}

void qr_dxf_read_block_record(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    const struct qr_dxf_tag *name = qr_dxf_find(&r->e, 2);
    const struct qr_dxf_tag *handle = qr_dxf_find(&r->e, 5);
    if (!name || !name->text || !handle)
        return;
    struct qr_dxf_block *block = qr_dxf_block_get(&r->doc, name->text, name->len);
    if (!block)
        return;
    block->handle = qr_dxf_handle(handle);
    size_t n;
    const struct qr_dxf_tag *tags = qr_dxf_xdata(&r->e, "AcDbBlockRepBTag", &n);
    for (size_t i = 0; i < n && r->n_copies < COPIES_MAX; i++) {
        if (tags[i].code != 1005)
            continue;
        /* a copy of a dynamic block for one state of it: its record names the original's */
        struct qr_dxf_block *original = qr_dxf_block_by_handle(&r->doc, qr_dxf_handle(&tags[i]));
        block->original = original != block ? original : NULL;
        r->n_copies++;
        return;
    }
}

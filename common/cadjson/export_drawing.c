/* What stands on a drawing or beside a model, in an export: notes, layers, sheets, links, metadata,
 * text. */
#include <string.h>

#include "common/cadjson/export.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

static const struct qr_field note_fields[] = {
    FIELD(DrawingNote, "number", TEXT, number),
    FIELD(DrawingNote, "text", TEXT, text),
    END,
};

static bool read_note(cadjson *cj)
{
    Quarry__V1__DrawingNote *note = qr_record_add_drawing_note(cj->rec);

    if (note && qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &note->text);
    return qr_cadjson_object(cj, note_fields, note);
}

bool qr_export_notes(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_note);
}

/* Objects with a name and whatever else is text. */
static bool read_named(cadjson *cj, enum qr_record_list list)
{
    Quarry__V1__NamedObject *object = qr_record_add_named(cj->rec, list, "", 0);
    const char *key;

    if (!object)
        return qr_jr_skip(cj->jr);
    if (qr_jr_peek(cj->jr) == QR_JR_STRING)
        return qr_cadjson_text(cj, &object->name);
    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        enum qr_jr_kind kind = qr_jr_peek(cj->jr);
        char name[QR_JR_KEY_MAX], *value = QR_NO_TEXT;
        memcpy(name, key, strlen(key) + 1);
        if (kind == QR_JR_OBJECT || kind == QR_JR_ARRAY || !qr_cadjson_has_room(cj)) {
            if (!qr_cadjson_keep(cj))
                return false;
            continue;
        }
        if (!qr_cadjson_text(cj, &value))
            return false;
        if (strcmp(name, "name") == 0)
            object->name = value;
        else
            qr_record_add_property(cj->rec, object, name, value, strlen(value));
    }
    return !cj->jr->failed;
}

static bool read_layer(cadjson *cj) { return read_named(cj, QR_RECORD_LAYERS); }
static bool read_sheet(cadjson *cj) { return read_named(cj, QR_RECORD_LAYOUTS); }

bool qr_export_layers(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_layer);
}

bool qr_export_sheets(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_sheet);
}

static const struct qr_field link_fields[] = {
    FIELD(Link, "kind", TEXT, kind),
    FIELD(Link, "target", TEXT, target),
    FIELD(Link, "page", COUNT32, page),
    END,
};

static bool read_link(cadjson *cj)
{
    return qr_cadjson_object(cj, link_fields, qr_record_add_link(cj->rec));
}

bool qr_export_links(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_link);
}

bool qr_export_metadata(struct qr_cadjson *cj, void *target)
{
    const char *key;
    (void)target;

    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        char name[QR_JR_KEY_MAX], *value = QR_NO_TEXT;
        enum qr_jr_kind kind = qr_jr_peek(cj->jr);
        memcpy(name, key, strlen(key) + 1);
        if (kind == QR_JR_OBJECT || kind == QR_JR_ARRAY || !qr_cadjson_has_room(cj)) {
            if (!qr_cadjson_keep(cj))
                return false;
            continue;
        }
        if (!qr_cadjson_text(cj, &value))
            return false;
        qr_record_add_meta(cj->rec, name, value, strlen(value), "export");
    }
    return !cj->jr->failed;
}

bool qr_export_text(struct qr_cadjson *cj, void *target)
{
    (void)target;
    if (!qr_jr_string(cj->jr))
        return false;
    qr_record_set_text(cj->rec, cj->jr->text, cj->jr->text_len);
    if (cj->jr->cut)
        qr_record_partial(cj->rec, "record.capped", "texts were cut at %d bytes", QR_JR_TEXT_MAX);
    return true;
}

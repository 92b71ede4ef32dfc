/* What CREOSON lists of a model: features, layers, notes, surfaces, its box. */
#include <math.h>
#include <string.h>

#include "common/cadjson/creoson.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

/* ------------------------------------------------------------------ features, layers, notes */

static const struct qr_field feature_fields[] = {
    TEXT_AT(Quarry__V1__CadFeature, "feat_id", id),
    TEXT_AT(Quarry__V1__CadFeature, "type", type),
    TEXT_AT(Quarry__V1__CadFeature, "name", name),
    TEXT_AT(Quarry__V1__CadFeature, "status", status),
    SPECIAL("feat_number", qr_creoson_skip),
    END,
};

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
}

static bool read_feature(cadjson *cj)
{
    Quarry__V1__CadFeature *f = qr_cad_add_feature(cj->rec);

    if (!qr_cadjson_object(cj, feature_fields, f))
        return false;
    if (f && f->type[0])
        lower(f->type);
    if (f && f->status[0])
        lower(f->status);
    return true;
}

static bool read_feature_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_feature);
}

static const struct qr_field features_fields[] = {SPECIAL("featlist", read_feature_list), END};

bool qr_creoson_features(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, features_fields, target);
}

struct named {
    char *name, *status, *id;
};
static const struct qr_field layer_fields[] = {
    TEXT_AT(struct named, "name", name),
    TEXT_AT(struct named, "status", status),
    TEXT_AT(struct named, "id", id),
    TEXT_AT(struct named, "layer_id", id),
    END,
};

static bool read_layer(cadjson *cj)
{
    struct named layer = {QR_NO_TEXT, QR_NO_TEXT, QR_NO_TEXT};
    Quarry__V1__NamedObject *object;

    if (!qr_cadjson_object(cj, layer_fields, &layer))
        return false;
    object = qr_record_add_named(cj->rec, QR_RECORD_LAYERS, layer.name, strlen(layer.name));
    if (object) {
        qr_record_add_property(cj->rec, object, "status", layer.status, strlen(layer.status));
        qr_record_add_property(cj->rec, object, "id", layer.id, strlen(layer.id));
    }
    return true;
}

static bool read_layer_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_layer);
}

static const struct qr_field layers_fields[] = {SPECIAL("layers", read_layer_list), END};

bool qr_creoson_layers(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, layers_fields, target);
}

struct note {
    char *name, *value, *expanded, *url;
    protobuf_c_boolean encoded;
};
static const struct qr_field note_fields[] = {
    TEXT_AT(struct note, "name", name),
    TEXT_AT(struct note, "value", value),
    TEXT_AT(struct note, "value_expanded", expanded),
    TEXT_AT(struct note, "url", url),
    {"encoded", QR_FIELD_FLAG, offsetof(struct note, encoded), 0, 0, NULL},
    END,
};

static bool read_note(cadjson *cj)
{
    struct note in = {
        .name = QR_NO_TEXT, .value = QR_NO_TEXT, .expanded = QR_NO_TEXT, .url = QR_NO_TEXT};
    Quarry__V1__DrawingNote *note;
    Quarry__V1__Link *link;

    if (!qr_cadjson_object(cj, note_fields, &in))
        return false;
    note = qr_record_add_drawing_note(cj->rec);
    if (note)
        note->text = qr_creoson_plain(cj, in.expanded[0] ? in.expanded : in.value, in.encoded);
    link = in.url[0] ? qr_record_add_link(cj->rec) : NULL;
    if (link) {
        link->kind = qr_creoson_say(cj, "uri");
        link->target = in.url;
    }
    return true;
}

static bool read_note_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_note);
}

static const struct qr_field notes_fields[] = {SPECIAL("itemlist", read_note_list), END};

bool qr_creoson_notes(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, notes_fields, target);
}

/* ------------------------------------------------------------------ geometry */

static const struct qr_field box_fields[] = {
    {"xmin", QR_FIELD_NUMBER, 0 * sizeof(double), 0, 0, NULL},
    {"ymin", QR_FIELD_NUMBER, 1 * sizeof(double), 0, 0, NULL},
    {"zmin", QR_FIELD_NUMBER, 2 * sizeof(double), 0, 0, NULL},
    {"xmax", QR_FIELD_NUMBER, 3 * sizeof(double), 0, 0, NULL},
    {"ymax", QR_FIELD_NUMBER, 4 * sizeof(double), 0, 0, NULL},
    {"zmax", QR_FIELD_NUMBER, 5 * sizeof(double), 0, 0, NULL},
    END,
};

bool qr_creoson_box(struct qr_cadjson *cj, void *target)
{
    Quarry__V1__CadModel *cad = target;
    double box[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    Quarry__V1__CadBounds *bounds;

    if (!qr_cadjson_object(cj, box_fields, box))
        return false;
    bounds = qr_cad_bounds(cj->rec, box, "creo");
    if (bounds)
        cad->bounds = bounds;
    return true;
}

static bool count_surface(cadjson *cj)
{
    Quarry__V1__CadTopology *topology = qr_cad_topology(cj->rec);

    if (topology)
        topology->faces++;
    return qr_jr_skip(cj->jr);
}

static bool read_surface_list(cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, count_surface);
}

static const struct qr_field surfaces_fields[] = {SPECIAL("surflist", read_surface_list), END};

bool qr_creoson_surfaces(struct qr_cadjson *cj, void *target)
{
    return qr_cadjson_object(cj, surfaces_fields, target);
}

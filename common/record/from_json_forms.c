/* What has another form in a record's JSON than in its messages: json.c, json_drawing.c and
 * json_cad.c write it so. */
#include "common/record/from_json_intern.h"

#include <stdio.h>
#include <string.h>

#include "common/record/cad.h"
#include "common/record/intern.h"

void qr_from_json_failure(struct qr_from_json *r, Quarry__V1__Failure *failure, const json_t *value)
{
    const char *cls = json_string_value(json_object_get(value, "class"));
    const char *text = json_string_value(json_object_get(value, "message"));
    enum qr_class known = cls ? qr_class_parse(cls) : QR_CLASS_NONE;

    if (known == QR_CLASS_NONE || !text) {
        qr_from_json_refuse(r, "an object with a class of docs/operations.md and a message");
        return;
    }
    failure->class_ = (Quarry__V1__ErrorClass)known;
    failure->message = qr_record_string(r->rec, text, strlen(text));
}

static void put_box(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *value)
{
    Quarry__V1__Box *box = (Quarry__V1__Box *)(void *)msg;
    double *const edges[] = {&box->x0, &box->y0, &box->x1, &box->y1};

    for (size_t i = 0; i < QR_COUNT(edges); i++) {
        if (json_array_size(value) != QR_COUNT(edges) ||
            !json_is_number(json_array_get(value, i))) {
            qr_from_json_refuse(r, "a list of four numbers");
            return;
        }
        *edges[i] = json_number_value(json_array_get(value, i));
    }
}

/* What stands one level deeper in the message than in the JSON. */
static const struct {
    const ProtobufCMessageDescriptor *of;
    const char *name, *field, *inner;
} deeper[] = {
    {NULL, "page", "place", "page"}, /* NULL: of any that has a place and no such field */
    {NULL, "layout", "place", "layout"},
    {NULL, "box", "place", "box"},
    {&quarry__v1__cad_model__descriptor, "solid_count", "topology", "solids"},
    {&quarry__v1__cad_model__descriptor, "shell_count", "topology", "shells"},
    {&quarry__v1__cad_model__descriptor, "face_count", "topology", "faces"},
    {&quarry__v1__cad_model__descriptor, "loop_count", "topology", "loops"},
    {&quarry__v1__cad_model__descriptor, "edge_count", "topology", "edges"},
    {&quarry__v1__cad_model__descriptor, "vertex_count", "topology", "vertices"},
    {&quarry__v1__cad_model__descriptor, "inner_loops", "topology", "inner_loops"},
    {&quarry__v1__cad_model__descriptor, "open_edges", "topology", "open_edges"},
    {&quarry__v1__cad_model__descriptor, "non_manifold_edges", "topology", "non_manifold_edges"},
    {&quarry__v1__cad_model__descriptor, "surface_types", "topology", "surface_types"},
    {&quarry__v1__cad_model__descriptor, "curve_types", "topology", "curve_types"},
    {&quarry__v1__cad_model__descriptor, "adjacency_hash", "topology", "adjacency_hash"},
    {&quarry__v1__cad_model__descriptor, "bbox", "bounds", "box"},
    {&quarry__v1__cad_model__descriptor, "bbox_source", "bounds", "source"},
};

/* A row of a parts list has a page of its own beside a place; the JSON's is that of the place. */
static bool is_of_place(const ProtobufCMessage *msg, const char *name)
{
    return strcmp(name, "page") == 0 &&
           protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "place");
}

static bool fill_deeper(struct qr_from_json *r, ProtobufCMessage *msg, const char *name,
                        const json_t *value)
{
    for (size_t i = 0; i < QR_COUNT(deeper); i++) {
        const qr_from_json_field *field;
        if (strcmp(deeper[i].name, name) != 0 || (deeper[i].of && deeper[i].of != msg->descriptor))
            continue;
        field = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, deeper[i].field);
        ProtobufCMessage *inner = field ? qr_from_json_sub(r, msg, field) : NULL;
        if (inner)
            qr_from_json_member(r, inner, deeper[i].inner, value);
        if (field)
            return true;
    }
    return false;
}

static void put_rgb(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *value)
{
    Quarry__V1__CadColour *colour = (Quarry__V1__CadColour *)(void *)msg;
    double *const parts[] = {&colour->red, &colour->green, &colour->blue};

    for (size_t i = 0; i < QR_COUNT(parts); i++) {
        if (json_array_size(value) != QR_COUNT(parts) ||
            !json_is_number(json_array_get(value, i))) {
            qr_from_json_refuse(r, "a list of three numbers");
            return;
        }
        *parts[i] = json_number_value(json_array_get(value, i));
    }
}

/* The model's JSON has what the kernel found; the record has it beside the model. */
static void put_geometry(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *value)
{
    Quarry__V1__CadGeometry *geometry = qr_record_geometry(r->rec);
    (void)msg;

    if (!json_is_object(value))
        qr_from_json_refuse(r, "an object");
    else if (geometry)
        qr_from_json_fill(r, &geometry->base, value);
}

/* Told by its size alone: there is nothing to take. */
static void pass_over(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *value)
{
    (void)r;
    (void)msg;
    (void)value;
}

/* Fields whose JSON stands elsewhere: a page's text in that of all, a geometry's mass in the
 * model's. */
static void note_unknown(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *value)
{
    (void)msg;
    (void)value;
    qr_record_note(r->rec, "exec.unknown", "%s is no name of docs/record.md", r->path);
}

static const struct {
    const ProtobufCMessageDescriptor *of;
    const char *name;
    void (*put)(struct qr_from_json *r, ProtobufCMessage *msg, const json_t *value);
} others[] = {
    {&quarry__v1__cad_colour__descriptor, "rgb", put_rgb},
    {&quarry__v1__cad_model__descriptor, "geometry", put_geometry},
    {&quarry__v1__cad_model__descriptor, "point_cloud", pass_over},
    {&quarry__v1__cad_view__descriptor, "bytes", pass_over},
    {&quarry__v1__page__descriptor, "text", note_unknown},
    {&quarry__v1__cad_geometry__descriptor, "bounds", note_unknown},
    {&quarry__v1__cad_geometry__descriptor, "mass", note_unknown},
    {&quarry__v1__cad_geometry__descriptor, "points", note_unknown},
};

bool qr_from_json_form(struct qr_from_json *r, ProtobufCMessage *msg, const char *name,
                       const json_t *value)
{
    const qr_from_json_field *field =
        protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

    for (size_t i = 0; i < QR_COUNT(others); i++)
        if (others[i].of == msg->descriptor && strcmp(others[i].name, name) == 0) {
            others[i].put(r, msg, value);
            return true;
        }
    if (field && field->descriptor == &quarry__v1__box__descriptor) {
        ProtobufCMessage *box = qr_from_json_sub(r, msg, field);
        if (box)
            put_box(r, box, value);
        return true;
    }
    return (!field || is_of_place(msg, name)) && fill_deeper(r, msg, name, value);
}

/* ---- what needs the rest of the record */

void qr_from_json_places(struct qr_from_json *r, const json_t *value)
{
    Quarry__V1__ExtractionRecord *msg = r->rec->msg;
    size_t len = strlen(r->path);

    if (!json_is_object(value)) {
        qr_from_json_refuse(r, "an object");
        return;
    }
    for (size_t i = 0; i < msg->n_title_block && !r->failed; i++) {
        Quarry__V1__MetadataItem *item = msg->title_block[i];
        const json_t *place = json_object_get(value, item->key);
        bool before = false; /* it is the first one's of that key */
        for (size_t k = 0; k < i && !before; k++)
            before = strcmp(msg->title_block[k]->key, item->key) == 0;
        if (!place || before)
            continue;
        snprintf(r->path + len, sizeof r->path - len, ".%.60s", item->key);
        if (json_is_object(place))
            qr_from_json_fill(r, &item->base, place);
        else
            qr_from_json_refuse(r, "an object");
        if (!r->failed)
            r->path[len] = '\0';
    }
}

static bool is_kernels(const char *source) { return strcmp(source, "kernel") == 0; }

void qr_from_json_settle(struct qr_from_json *r)
{
    Quarry__V1__CadGeometry *geometry = r->rec->msg->geometry;
    Quarry__V1__CadModel *cad = r->rec->msg->cad;
    size_t kept = 0;

    if (!cad || !geometry)
        return;
    if (cad->bounds && is_kernels(cad->bounds->source)) {
        geometry->bounds = cad->bounds;
        cad->bounds = NULL;
    }
    for (size_t i = 0; i < cad->n_mass; i++) {
        Quarry__V1__CadMass *mass = cad->mass[i];
        if (!is_kernels(mass->source))
            cad->mass[kept++] = mass;
        else if (qr_record_grow(r->rec, &geometry->mass, geometry->n_mass))
            geometry->mass[geometry->n_mass++] = mass;
    }
    cad->n_mass = kept;
    if (protobuf_c_message_get_packed_size(&cad->base) == 0)
        r->rec->msg->cad = NULL; /* there was a geometry alone */
}

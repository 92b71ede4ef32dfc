/* What has another form in a record's JSON than in its messages: json.c, json_drawing.c and
 * json_cad.c write it so. */
#include "common/record/from_json_intern.h"

#include <string.h>

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

bool qr_from_json_form(struct qr_from_json *r, ProtobufCMessage *msg, const char *name,
                       const json_t *value)
{
    const qr_from_json_field *field =
        protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, name);

    if (field && field->descriptor == &quarry__v1__box__descriptor) {
        ProtobufCMessage *box = qr_from_json_sub(r, msg, field);
        if (box)
            put_box(r, box, value);
        return true;
    }
    return (!field || is_of_place(msg, name)) && fill_deeper(r, msg, name, value);
}

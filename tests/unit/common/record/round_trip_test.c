/* Every field of a record, by the messages' own descriptions, to JSON and back: what does not come
 * back is listed here, with why. Run it: ctest --preset dev -R round_trip_test */
#include "common/record/from_json.h"
#include "common/record/intern.h"
#include "common/record/parts.h"
#include "tests/harness/test.h"

typedef ProtobufCFieldDescriptor field_t;

/* What the JSON cannot bring back. A path is of names; '*' is any one or more of them. */
static const struct exception {
    const char *path, *why;
} exceptions[] = {
    {"file", "only Quarry knows it"},
    {"type", "only Quarry knows it"},
    {"bytes", "only Quarry knows it"},
    {"sha256", "only Quarry knows it"},
    {"fallback", "only Quarry knows it: \"source\""},
    {"duration_ms", "only Quarry knows it"},
    {"peak_memory_bytes", "only Quarry knows it"},
    {"error.final", "only Quarry knows it: is the job tried again?"},
    {"pages.error.final", "only Quarry knows it"},
    {"overlay", "never printed"},
    {"text", "a record with pages prints their text"},
    {"completeness", "not printed of what failed"},
    {"pages.chars", "counted in the text"},
    {"metadata.origin", "not printed: it is \"exec\""},
    {"metadata.confidence", "not printed"},
    {"metadata.place", "not printed"},
    {"bom.other.origin", "not printed: it is \"exec\""},
    {"bom.other.confidence", "not printed"},
    {"bom.other.place", "not printed"},
    {"*.properties.origin", "not printed: it is \"exec\""},
    {"*.properties.confidence", "not printed"},
    {"*.properties.place", "not printed"},
    {"cad.features.parameters.origin", "not printed: it is \"exec\""},
    {"cad.features.parameters.confidence", "not printed"},
    {"cad.features.parameters.place", "not printed"},
    {"bom.page", "the page of the place is printed"},
    {"cad.bounds", "the kernel's are printed"},
    {"cad.points", "told by their size"},
    {"cad.views.image", "told by its size"},
    {"geometry.points", "told by their size"},
    {"geometry.views.image", "told by its size"},
};
static bool used[QR_COUNT(exceptions)];

/* A record in which some of them do not hold: these do. */
struct variant {
    void (*change)(Quarry__V1__ExtractionRecord *msg);
    const char *comes_back[8];
};

/* ------------------------------------------------------------------ a full record */

struct maker {
    struct qr_record *rec;
    unsigned n; /* so that every value is another one */
};

static ProtobufCMessage *make(struct maker *m, const ProtobufCMessageDescriptor *type,
                              const char *path);

static void *slot_of(const ProtobufCMessage *msg, const field_t *field)
{
    return (char *)(uintptr_t)msg + field->offset;
}

static size_t how_many(const ProtobufCMessage *msg, const field_t *field)
{
    size_t n = 1;

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        memcpy(&n, (const char *)msg + field->quantifier_offset, sizeof n);
    return n;
}

static size_t size_of(const field_t *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_UINT64:
        return 8;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        fail_msg("%s has a type that this test does not know: %d", field->name, (int)field->type);
        return 0;
    }
}

static void set_bytes(struct maker *m, ProtobufCBinaryData *data, const field_t *field)
{
    bool json = strcmp(field->name, "genome") == 0 || strcmp(field->name, "details") == 0;
    char text[60];

    data->len =
        (size_t)snprintf(text, sizeof text, json ? "{\"n\":%u,\"b\":[1.5]}" : "bytes %u", m->n++);
    data->data = qr_record_take(m->rec, data->len);
    assert_non_null(data->data);
    memcpy(data->data, text, data->len);
}

static void set(struct maker *m, void *slot, const field_t *field, const char *path)
{
    uint32_t u32 = ++m->n;
    double real = m->n + 0.1;
    float narrow = (float)real;
    uint64_t u64 = UINT64_C(5000000000) + m->n;
    char text[100];

    snprintf(text, sizeof text, "%.60s %u", field->name, m->n);
    if (strncmp(path, "geometry.", 9) == 0 && strcmp(field->name, "source") == 0)
        snprintf(text, sizeof text, "kernel"); /* by that it is told from the model's own */
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        *(char **)slot = qr_record_text(m->rec, text);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)slot = make(m, field->descriptor, path);
    } else if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
        memcpy(slot, &real, sizeof real);
    } else if (field->type == PROTOBUF_C_TYPE_FLOAT) {
        memcpy(slot, &narrow, sizeof narrow);
    } else if (field->type == PROTOBUF_C_TYPE_UINT64) {
        memcpy(slot, &u64, sizeof u64);
    } else if (field->type == PROTOBUF_C_TYPE_UINT32) {
        memcpy(slot, &u32, sizeof u32);
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        *(int *)slot = QUARRY__V1__ERROR_CLASS__ERROR_CLASS_INVALID_INPUT;
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        *(protobuf_c_boolean *)slot = 1;
    } else {
        set_bytes(m, slot, field);
    }
}

/* Lists of numbers have as many as they must; other lists two entries. */
static size_t length_of(const field_t *field)
{
    static const struct {
        const char *name;
        size_t n;
    } sizes[] = {{"box", 6},  {"transform", 16},        {"centroid", 3}, {"inertia", 9},
                 {"axis", 3}, {"principal_moments", 3}, {"point", 3}};

    for (size_t i = 0; field->type == PROTOBUF_C_TYPE_DOUBLE && i < QR_COUNT(sizes); i++)
        if (strcmp(sizes[i].name, field->name) == 0)
            return sizes[i].n;
    return 2;
}

static void set_field(struct maker *m, ProtobufCMessage *msg, const field_t *field,
                      const char *path)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        set(m, slot_of(msg, field), field, path);
        return;
    }
    size_t n = length_of(field), each = size_of(field);
    char *items = qr_record_take(m->rec, n * each);
    assert_non_null(items);
    memcpy((char *)msg + field->quantifier_offset, &n, sizeof n);
    memcpy(slot_of(msg, field), &items, sizeof items);
    for (size_t i = 0; i < n; i++)
        set(m, items + i * each, field, path);
}

static ProtobufCMessage *make(struct maker *m, const ProtobufCMessageDescriptor *type,
                              const char *path)
{
    ProtobufCMessage *msg = qr_record_take(m->rec, type->sizeof_message);
    char inner[200];

    assert_non_null(msg);
    type->message_init(msg);
    for (unsigned i = 0; i < type->n_fields; i++) {
        snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", type->fields[i].name);
        set_field(m, msg, &type->fields[i], inner);
    }
    return msg;
}

/* ------------------------------------------------------------------ comparing */

static bool fits(const char *pattern, const char *path)
{
    if (pattern[0] != '*')
        return strcmp(pattern, path) == 0;
    size_t len = strlen(path), end = strlen(pattern + 1);
    return len > end && strcmp(path + len - end, pattern + 1) == 0;
}

static bool is_exception(const struct variant *variant, const char *path)
{
    for (size_t i = 0; i < QR_COUNT(variant->comes_back) && variant->comes_back[i]; i++)
        if (strcmp(variant->comes_back[i], path) == 0)
            return false;
    for (size_t i = 0; i < QR_COUNT(exceptions); i++)
        if (fits(exceptions[i].path, path)) {
            used[i] = true;
            return true;
        }
    return false;
}

static void compare(const struct variant *variant, const ProtobufCMessage *want,
                    const ProtobufCMessage *got, const char *path);

static void compare_value(const struct variant *variant, const field_t *field, const void *want,
                          const void *got, const char *path)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *a = *(const ProtobufCMessage *const *)want,
                               *b = *(const ProtobufCMessage *const *)got;
        if (!a != !b)
            fail_msg("%s: %s", path, a ? "lost" : "made up");
        if (a)
            compare(variant, a, b, path);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *a = *(const char *const *)want, *b = *(const char *const *)got;
        if (strcmp(a, b) != 0)
            fail_msg("%s: '%s' became '%s'", path, a, b);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *a = want, *b = got;
        if (a->len != b->len || (a->len > 0 && memcmp(a->data, b->data, a->len) != 0))
            fail_msg("%s: '%.*s' became '%.*s'", path, (int)a->len, (const char *)a->data,
                     (int)b->len, (const char *)b->data);
    } else if (memcmp(want, got, size_of(field)) != 0) {
        fail_msg("%s is another value", path);
    }
}

static void compare(const struct variant *variant, const ProtobufCMessage *want,
                    const ProtobufCMessage *got, const char *path)
{
    for (unsigned i = 0; i < want->descriptor->n_fields; i++) {
        const field_t *field = &want->descriptor->fields[i];
        const char *a = slot_of(want, field), *b = slot_of(got, field);
        size_t n = how_many(want, field);
        char inner[200];

        snprintf(inner, sizeof inner, "%s%s%s", path, path[0] ? "." : "", field->name);
        if (is_exception(variant, inner))
            continue;
        if (n != how_many(got, field))
            fail_msg("%s: %zu entries became %zu", inner, n, how_many(got, field));
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            a = *(const char *const *)(const void *)a;
            b = *(const char *const *)(const void *)b;
        }
        for (size_t k = 0; k < n; k++)
            compare_value(variant, field, a + k * size_of(field), b + k * size_of(field), inner);
    }
}

/* ------------------------------------------------------------------ the tests */

static void goes_round(const struct variant *variant)
{
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    QR_AUTO(qr_record) back = qr_record_new(NULL);
    struct maker maker = {rec, 0};
    struct qr_err err = {0};

    assert_non_null(rec);
    assert_non_null(back);
    Quarry__V1__ExtractionRecord *full = (Quarry__V1__ExtractionRecord *)(void *)make(
        &maker, &quarry__v1__extraction_record__descriptor, "");
    if (variant->change)
        variant->change(full);
    json_t *json = qr_record_json(full);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_ok(qr_record_from_json(back, text, strlen(text), &err), &err);
    for (size_t i = full->n_notes; i < back->msg->n_notes; i++)
        fail_msg("a note: %s %s", back->msg->notes[i]->code, back->msg->notes[i]->message);
    compare(variant, &full->base, &back->msg->base, "");
    free(text);
    json_decref(json);
}

static void every_field_comes_back(void **state)
{
    static const struct variant whole = {NULL, {NULL}};

    (void)state;
    memset(used, 0, sizeof used);
    goes_round(&whole);
    for (size_t i = 0; i < QR_COUNT(exceptions); i++)
        if (!used[i])
            fail_msg("no field is called %s", exceptions[i].path);
}

static void leave_out(Quarry__V1__ExtractionRecord *msg)
{
    msg->geometry = NULL;
    msg->cad->points = NULL;
    msg->n_pages = 0;
    msg->error = NULL;
    for (size_t i = 0; i < msg->n_bom; i++)
        msg->bom[i]->page = 0;
}

static void what_gives_way_comes_back_alone(void **state)
{
    static const struct variant without = {
        leave_out, {"text", "completeness", "cad.bounds", "cad.points", "bom.page"}};

    (void)state;
    goes_round(&without);
}

static void leave_the_geometry(Quarry__V1__ExtractionRecord *msg)
{
    msg->cad = NULL;
    msg->geometry->points = NULL;
}

static void a_geometry_without_a_model_stays_one(void **state)
{
    static const struct variant alone = {leave_the_geometry, {"cad", "geometry.points"}};

    (void)state;
    goes_round(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(what_gives_way_comes_back_alone),
        cmocka_unit_test(a_geometry_without_a_model_stays_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Parts of a model that no description gives, made up from its name. Plausible, not physical. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cadbridge/sim/answer_intern.h"

enum { POINTS_DEFAULT = 256, POINTS_MAX = 65536, LATENT = 256, CHILDREN_MAX = 6, LIST_MAX = 8 };

uint64_t qr_sim_next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double qr_sim_share(uint64_t *seed)
{
    return (double)(qr_sim_next(seed) >> 11) / 9007199254740992.0;
}

uint64_t qr_sim_hash(const char *text, uint64_t seed)
{
    uint64_t hash = 0xCBF29CE484222325u ^ seed; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

const char *qr_sim_type_of(const char *model)
{
    const char *dot = strrchr(model, '.');

    if (dot && strcmp(dot, ".asm") == 0)
        return "assembly";
    if (dot && strcmp(dot, ".drw") == 0)
        return "drawing";
    return dot && strcmp(dot, ".frm") == 0 ? "format" : "part";
}

/* ---- making */

struct maker {
    const Quarry__Creo__V1__ExtractRequest *request;
    struct qr_arena *arena;
    uint64_t seed;
    bool failed;
};

static double between(struct maker *m, double low, double high)
{
    return round((low + (high - low) * qr_sim_share(&m->seed)) * 1000) / 1000;
}

static size_t upto(struct maker *m, size_t low, size_t high)
{
    return low + (size_t)(qr_sim_next(&m->seed) % (high - low + 1));
}

static char *say(struct maker *m, const char *fmt, ...) QR_PRINTF(2, 3);

static char *say(struct maker *m, const char *fmt, ...)
{
    char text[300];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char *copy = qr_arena_alloc(m->arena, (size_t)len + 1);
    if (!copy) {
        m->failed = true;
        return (char *)"";
    }
    return memcpy(copy, text, strlen(text) + 1);
}

/* A list of `n` new messages of a type. */
static void *list(struct maker *m, size_t n, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage **items = qr_arena_alloc(m->arena, (n + 1) * sizeof *items);

    for (size_t i = 0; items && i < n; i++)
        if (!(items[i] = qr_sim_message(m->arena, type)))
            items = NULL;
    m->failed = m->failed || !items;
    return items;
}

static double *numbers(struct maker *m, size_t n)
{
    double *list_of = qr_arena_alloc(m->arena, n * sizeof *list_of);
    m->failed = m->failed || !list_of;
    return list_of;
}

#define LIST(m, n, type) list((m), (n), &quarry__creo__v1__##type##__descriptor)
#define NEW(m, type) qr_sim_message((m)->arena, &quarry__creo__v1__##type##__descriptor)
#define BASE(message) ((message) ? &(message)->base : NULL)

static ProtobufCMessage *make_head(struct maker *m, const char *type)
{
    Quarry__Creo__V1__ModelHead *head = NEW(m, model_head);

    if (!head || !(head->units = NEW(m, units)))
        return NULL;
    head->model = m->request->model;
    head->revision = m->request->revision ? m->request->revision : 1;
    head->type = (char *)(uintptr_t)type;
    head->accuracy = 0.0012;
    head->relative_accuracy = true;
    head->creo_version = (char *)QR_SIM_CREO;
    head->created_by = (char *)"quarry-creo-sim";
    head->units->length = (char *)"mm";
    head->units->mass = (char *)"kg";
    head->units->time = (char *)"s";
    head->units->angle = (char *)"deg";
    return BASE(head);
}

static ProtobufCMessage *make_parameters(struct maker *m)
{
    static const char *const names[] = {"DESCRIPTION",  "PART_NUMBER", "REVISION",
                                        "WEIGHT_CLASS", "TREATMENT",   "DRAWN_BY"};
    Quarry__Creo__V1__Parameters *parameters = NEW(m, parameters);

    if (!parameters || !(parameters->items = LIST(m, QR_COUNT(names), parameter)))
        return NULL;
    parameters->n_items = QR_COUNT(names);
    for (size_t i = 0; i < QR_COUNT(names); i++) {
        Quarry__Creo__V1__Parameter *p = parameters->items[i];
        p->name = (char *)(uintptr_t)names[i];
        p->type = (char *)"string";
        p->designated = i < 3;
        p->value = i == 1 ? say(m, "P-%05u", (unsigned)(qr_sim_next(&m->seed) % 100000))
                          : say(m, "%s %zu", names[i], upto(m, 1, 9));
        if (!(p->owner = NEW(m, owner)))
            return NULL;
        p->owner->type = (char *)"model";
        p->owner->name = m->request->model;
    }
    return BASE(parameters);
}

static ProtobufCMessage *make_mass(struct maker *m)
{
    Quarry__Creo__V1__MassProperties *mass = NEW(m, mass_properties);
    double *box = numbers(m, 6);
    double *centre = numbers(m, 3);

    if (!mass || !box || !centre)
        return NULL;
    for (int i = 0; i < 3; i++) {
        box[3 + i] = between(m, 5, 200);
        centre[i] = box[3 + i] / 2;
    }
    mass->volume = box[3] * box[4] * box[5] * between(m, 0.3, 0.9);
    mass->surface_area = 2 * (box[3] * box[4] + box[4] * box[5] + box[3] * box[5]);
    mass->density = 7.85e-6; /* steel, kg/mm³ */
    mass->mass = mass->volume * mass->density;
    mass->has_volume = mass->has_surface_area = mass->has_density = mass->has_mass = true;
    mass->bounding_box = box;
    mass->n_bounding_box = 6;
    mass->centre_of_gravity = centre;
    mass->n_centre_of_gravity = 3;
    return BASE(mass);
}

static ProtobufCMessage *make_materials(struct maker *m)
{
    static const char *const names[] = {"STEEL", "AL6061", "PVC", "BRASS"};
    static const double densities[] = {7850, 2700, 1390, 8500};
    Quarry__Creo__V1__Materials *materials = NEW(m, materials);
    size_t which = upto(m, 0, QR_COUNT(names) - 1);

    if (!materials || !(materials->items = LIST(m, 1, material)))
        return NULL;
    materials->n_items = 1;
    materials->current = materials->items[0]->name = (char *)(uintptr_t)names[which];
    materials->items[0]->density = densities[which];
    return BASE(materials);
}

static ProtobufCMessage *make_dimensions(struct maker *m)
{
    static const char *const types[] = {"linear", "diameter", "radial", "angular"};
    Quarry__Creo__V1__Dimensions *dimensions = NEW(m, dimensions);
    size_t n = upto(m, 2, LIST_MAX);

    if (!dimensions || !(dimensions->items = LIST(m, n, dimension)))
        return NULL;
    dimensions->n_items = n;
    for (size_t i = 0; i < n; i++) {
        Quarry__Creo__V1__Dimension *d = dimensions->items[i];
        d->name = say(m, "d%zu", i);
        d->type = (char *)(uintptr_t)types[upto(m, 0, 3)];
        d->value = between(m, 1, 150);
        d->text = say(m, "%g", d->value);
        d->feature_id = (int64_t)(5 + i);
        d->tolerance_type = (char *)(i % 2 ? "plus_minus" : "none");
        d->upper = i % 2 ? 0.1 : 0;
        d->lower = i % 2 ? -0.05 : 0;
    }
    return BASE(dimensions);
}

static ProtobufCMessage *make_bom(struct maker *m)
{
    Quarry__Creo__V1__Bom *bom = NEW(m, bom);
    size_t n = upto(m, 2, CHILDREN_MAX);

    if (!bom || !(bom->items = LIST(m, n, bom_item)))
        return NULL;
    bom->n_items = n;
    for (size_t i = 0; i < n; i++) {
        Quarry__Creo__V1__BomItem *item = bom->items[i];
        double *t = numbers(m, 16);
        if (!t)
            return NULL;
        for (int k = 0; k < 4; k++)
            t[5 * k] = 1;
        t[3] = between(m, -100, 100);
        item->model = say(m, "part%zu.prt", i % 3);
        item->path = say(m, "%zu", 40 + i);
        item->parent = m->request->model;
        item->level = 1;
        item->transform = t;
        item->n_transform = 16;
        item->suppressed = i + 1 == n && n > 3;
    }
    return BASE(bom);
}

static ProtobufCMessage *make_features(struct maker *m)
{
    static const char *const types[] = {"datum plane", "extrude", "hole",
                                        "round",       "chamfer", "pattern"};
    Quarry__Creo__V1__Features *features = NEW(m, features);
    size_t n = upto(m, 3, LIST_MAX);

    if (!features || !(features->items = LIST(m, n, feature)))
        return NULL;
    features->n_items = n;
    for (size_t i = 0; i < n; i++) {
        Quarry__Creo__V1__Feature *f = features->items[i];
        f->id = (int64_t)(5 + i);
        f->number = (uint32_t)i + 1;
        f->type = (char *)(uintptr_t)types[upto(m, 0, QR_COUNT(types) - 1)];
        f->name = say(m, "%s_%zu", f->type, i + 1);
        f->status = (char *)"active";
    }
    return BASE(features);
}

static ProtobufCMessage *make_genome(struct maker *m)
{
    Quarry__Creo__V1__Genome *genome = NEW(m, genome);

    if (!genome || !(genome->surface_types = LIST(m, 2, type_count)))
        return NULL;
    genome->bodies = genome->shells = 1;
    genome->faces = upto(m, 6, 60);
    genome->edges = genome->faces * 2 + 2;
    genome->vertices = genome->edges - genome->faces + 2;
    genome->loops = genome->faces + 2;
    genome->n_surface_types = 2;
    genome->surface_types[0]->type = (char *)"plane";
    genome->surface_types[0]->count = genome->faces - 2;
    genome->surface_types[1]->type = (char *)"cylinder";
    genome->surface_types[1]->count = 2;
    genome->adjacency_hash = say(m, "%016llx", (unsigned long long)qr_sim_next(&m->seed));
    genome->json = say(m, "{\"faces\":%llu,\"edges\":%llu,\"simulated\":true}",
                       (unsigned long long)genome->faces, (unsigned long long)genome->edges);
    return BASE(genome);
}

static ProtobufCMessage *make_points(struct maker *m)
{
    Quarry__Creo__V1__PointCloud *cloud = NEW(m, point_cloud);
    uint32_t n = m->request->max_points ? m->request->max_points : POINTS_DEFAULT;

    n = n < POINTS_MAX ? n : POINTS_MAX;
    float *xyz = qr_arena_alloc(m->arena, (size_t)n * 3 * sizeof *xyz);
    if (!cloud || !xyz)
        return NULL;
    for (size_t i = 0; i < (size_t)n * 3; i++)
        xyz[i] = (float)between(m, 0, 100);
    cloud->total = n;
    cloud->xyz = (ProtobufCBinaryData){(size_t)n * 3 * sizeof *xyz, (uint8_t *)xyz};
    return BASE(cloud);
}

static ProtobufCMessage *make_view(struct maker *m)
{
    /* A grey disc of 16 x 16. */
    static uint8_t png[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44,
        0x52, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a,
        0x98, 0xa0, 0xbd, 0x00, 0x00, 0x00, 0x2c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xd0,
        0x40, 0x03, 0x0c, 0xd8, 0x05, 0xee, 0x40, 0x00, 0x5c, 0xe0, 0xce, 0x1d, 0x84, 0x08, 0x03,
        0x32, 0x1f, 0x24, 0xc2, 0x80, 0xc2, 0x07, 0x8a, 0xd0, 0x4d, 0x00, 0xc3, 0x1d, 0x98, 0x2e,
        0xc5, 0xf4, 0x0b, 0x32, 0x00, 0x00, 0xd9, 0x45, 0x8d, 0xf5, 0xc9, 0xab, 0x1c, 0xd0, 0x00,
        0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    };
    Quarry__Creo__V1__View *view = NEW(m, view);

    if (!view)
        return NULL;
    view->name = (char *)"iso";
    view->width = view->height = 16;
    view->media_type = (char *)"image/png";
    view->image = (ProtobufCBinaryData){sizeof png, png};
    return BASE(view);
}

static ProtobufCMessage *make_embedding(struct maker *m)
{
    Quarry__Creo__V1__Embedding *embedding = NEW(m, embedding);
    float *values = qr_arena_alloc(m->arena, LATENT * sizeof *values);

    if (!embedding || !values)
        return NULL;
    for (size_t i = 0; i < LATENT; i++)
        values[i] = (float)between(m, -1, 1);
    embedding->type = (char *)"deepsdf";
    embedding->model = (char *)"quarry-creo-sim: made up";
    embedding->values = values;
    embedding->n_values = LATENT;
    return BASE(embedding);
}

static ProtobufCMessage *make_drawing(struct maker *m)
{
    Quarry__Creo__V1__Drawing *drawing = NEW(m, drawing);
    char **models = qr_arena_alloc(m->arena, sizeof *models);

    if (!drawing || !models || !(drawing->sheets = LIST(m, 1, sheet)))
        return NULL;
    models[0] = say(m, "%.*s.prt", (int)strcspn(m->request->model, "."), m->request->model);
    drawing->models = models;
    drawing->n_models = drawing->n_sheets = 1;
    drawing->sheets[0]->number = 1;
    drawing->sheets[0]->size = (char *)"A3";
    drawing->sheets[0]->width_mm = 420;
    drawing->sheets[0]->height_mm = 297;
    drawing->sheets[0]->scale = (char *)"1:1";
    drawing->sheets[0]->text = say(m, "%s\nSCALE 1:1", m->request->model);
    return BASE(drawing);
}

#define CASE(name) QUARRY__CREO__V1__EXTRACT_REPLY__PART_##name

static ProtobufCMessage *make(struct maker *m, const char *type,
                              Quarry__Creo__V1__ExtractReply__PartCase part)
{
    bool solid = strcmp(type, "part") == 0 || strcmp(type, "assembly") == 0;

    switch ((int)part) {
    case CASE(HEAD):
        return make_head(m, type);
    case CASE(PARAMETERS):
        return make_parameters(m);
    case CASE(MASS):
        return solid ? make_mass(m) : NULL;
    case CASE(MATERIALS):
        return strcmp(type, "part") == 0 ? make_materials(m) : NULL;
    case CASE(DIMENSIONS):
        return make_dimensions(m);
    case CASE(BOM):
        return strcmp(type, "assembly") == 0 ? make_bom(m) : NULL;
    case CASE(FEATURES):
        return solid ? make_features(m) : NULL;
    case CASE(GENOME):
        return strcmp(type, "part") == 0 ? make_genome(m) : NULL;
    case CASE(POINTS):
        return solid ? make_points(m) : NULL;
    case CASE(VIEW):
        return solid ? make_view(m) : NULL;
    case CASE(EMBEDDING):
        return strcmp(type, "part") == 0 ? make_embedding(m) : NULL;
    case CASE(DRAWING):
        return strcmp(type, "drawing") == 0 ? make_drawing(m) : NULL;
    default:
        return NULL;
    }
}

size_t qr_sim_invent(const Quarry__Creo__V1__ExtractRequest *request, const char *type,
                     Quarry__Creo__V1__ExtractReply__PartCase part, uint64_t seed,
                     struct qr_arena *arena, ProtobufCMessage *ret[QR_SIM_REPEAT])
{
    struct maker m = {.request = request, .arena = arena, .seed = seed + (uint64_t)part};

    ret[0] = make(&m, type, part);
    return ret[0] && !m.failed ? 1 : 0;
}

#include "worker/extract/step/brep.h"

#include <math.h>
#include <stdlib.h>

#define WRAPPED_MAX 4 /* a surface or curve inside another */

const char *const qr_step_surface_names[QR_SURFACES] = {
    "other", "plane",   "cylinder",  "cone",       "sphere",
    "torus", "bspline", "extrusion", "revolution", "offset",
};

/* Types of surfaces and curves, in simple and in complex instances. */
static const struct {
    const char *type;
    uint8_t surface;
} surface_types[] = {
    {"PLANE", QR_SURFACE_PLANE},
    {"CYLINDRICAL_SURFACE", QR_SURFACE_CYLINDER},
    {"CONICAL_SURFACE", QR_SURFACE_CONE},
    {"SPHERICAL_SURFACE", QR_SURFACE_SPHERE},
    {"TOROIDAL_SURFACE", QR_SURFACE_TORUS},
    {"DEGENERATE_TOROIDAL_SURFACE", QR_SURFACE_TORUS},
    {"B_SPLINE_SURFACE", QR_SURFACE_BSPLINE},
    {"B_SPLINE_SURFACE_WITH_KNOTS", QR_SURFACE_BSPLINE},
    {"RATIONAL_B_SPLINE_SURFACE", QR_SURFACE_BSPLINE},
    {"BEZIER_SURFACE", QR_SURFACE_BSPLINE},
    {"UNIFORM_SURFACE", QR_SURFACE_BSPLINE},
    {"QUASI_UNIFORM_SURFACE", QR_SURFACE_BSPLINE},
    {"SURFACE_OF_LINEAR_EXTRUSION", QR_SURFACE_EXTRUSION},
    {"SURFACE_OF_REVOLUTION", QR_SURFACE_REVOLUTION},
    {"OFFSET_SURFACE", QR_SURFACE_OFFSET},
};

static const struct {
    const char *type, *name;
} curve_types[] = {
    {"LINE", "line"},
    {"CIRCLE", "circle"},
    {"ELLIPSE", "ellipse"},
    {"HYPERBOLA", "hyperbola"},
    {"PARABOLA", "parabola"},
    {"B_SPLINE_CURVE", "bspline"},
    {"B_SPLINE_CURVE_WITH_KNOTS", "bspline"},
    {"BEZIER_CURVE", "bspline"},
    {"UNIFORM_CURVE", "bspline"},
    {"QUASI_UNIFORM_CURVE", "bspline"},
    {"POLYLINE", "polyline"},
    {"COMPOSITE_CURVE", "composite"},
    {"OFFSET_CURVE_3D", "offset"},
    {"PCURVE", "pcurve"},
    {"CLOTHOID", "clothoid"},
};

/* Room for counting by type number: the file's types to ours, once. */
struct kinds {
    uint8_t *surface; /* by type of the file */
    uint8_t *curve;   /* index in curve_types plus 1 */
};

static bool learn_kinds(const struct qr_step *s, struct kinds *kinds)
{
    size_t n = (size_t)qr_p21_types(s->p) + 1;

    kinds->surface = calloc(n, 1);
    kinds->curve = calloc(n, 1);
    if (!kinds->surface || !kinds->curve)
        return false;
    for (size_t i = 0; i < QR_COUNT(surface_types); i++)
        kinds->surface[qr_p21_type(s->p, surface_types[i].type)] = surface_types[i].surface;
    for (size_t i = 0; i < QR_COUNT(curve_types); i++)
        kinds->curve[qr_p21_type(s->p, curve_types[i].type)] = (uint8_t)(i + 1);
    kinds->surface[QR_P21_UNKNOWN] = kinds->curve[QR_P21_UNKNOWN] = 0;
    return true;
}

static uint8_t kind_of(const struct qr_step *s, const uint8_t *kinds, uint32_t instance)
{
    uint32_t types[16];
    uint32_t n = qr_p21_types_of(s->p, instance, types, QR_COUNT(types));

    for (uint32_t i = 0; i < n && i < QR_COUNT(types); i++)
        if (kinds[types[i]] != 0)
            return kinds[types[i]];
    return 0;
}

static bool spend(struct qr_step *s, struct qr_step_brep *brep)
{
    if (brep->budget == 0) {
        qr_record_partial(
            s->rec, "step.brep.capped",
            "faces and edges refer to each other more often than the file has records; "
            "not all were followed");
        return false;
    }
    brep->budget--;
    return true;
}

static uint32_t number_of(const struct qr_step_brep *brep, uint32_t instance)
{
    return instance != QR_P21_NONE && brep->number[instance] > 0 ? brep->number[instance] - 1
                                                                 : QR_P21_NONE;
}

/* Number the instances of up to three types; *ret_n goes on. */
static void number_all(const struct qr_step *s, struct qr_step_brep *brep, enum qr_step_name name,
                       uint32_t *ret_n)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);

    for (uint32_t i = 0; i < n; i++)
        if (brep->number[all[i]] == 0)
            brep->number[all[i]] = ++*ret_n;
}

static bool allocate(struct qr_step *s, struct qr_step_brep *brep)
{
    uint32_t n = qr_p21_count(s->p);

    brep->number = calloc((size_t)n + 1, sizeof *brep->number);
    if (!brep->number)
        return false;
    brep->budget = (uint64_t)n * 4 + 1000;
    number_all(s, brep, STEP_ADVANCED_FACE, &brep->n_faces);
    number_all(s, brep, STEP_FACE_SURFACE, &brep->n_faces);
    number_all(s, brep, STEP_FACE, &brep->n_faces);
    number_all(s, brep, STEP_EDGE_CURVE, &brep->n_edges);
    number_all(s, brep, STEP_VERTEX_POINT, &brep->n_vertices);
    brep->faces = calloc((size_t)brep->n_faces + 1, sizeof *brep->faces);
    brep->edges = calloc((size_t)brep->n_edges + 1, sizeof *brep->edges);
    brep->vertices = calloc((size_t)brep->n_vertices + 1, sizeof *brep->vertices);
    brep->radii = calloc((size_t)brep->n_faces * 2 + 1, sizeof *brep->radii);
    brep->angles = calloc((size_t)brep->n_faces + 1, sizeof *brep->angles);
    return brep->faces && brep->edges && brep->vertices && brep->radii && brep->angles;
}

static bool add_use(struct qr_step_brep *brep, uint32_t edge, uint32_t face)
{
    if (brep->n_uses == brep->cap_uses) {
        uint32_t cap = brep->cap_uses ? brep->cap_uses + brep->cap_uses / 2 : 1024;
        struct qr_step_use *uses = realloc(brep->uses, cap * sizeof *uses);
        if (!uses)
            return false;
        brep->uses = uses;
        brep->cap_uses = cap;
    }
    brep->uses[brep->n_uses++] = (struct qr_step_use){edge, face};
    brep->edges[edge].uses++;
    brep->faces[face].edges++;
    return true;
}

/* EDGE_LOOP(name, (ORIENTED_EDGE(name, *, *, edge, orientation), …)). */
static bool read_loop(struct qr_step *s, struct qr_step_brep *brep, uint32_t loop, uint32_t face)
{
    struct qr_p21_value list;
    struct qr_p21_value item;
    struct qr_p21_value edge;

    if (!qr_step_is(s, loop, STEP_EDGE_LOOP) ||
        !qr_step_field(s, loop, (struct qr_step_field){1, 0, STEP_PATH}, &list))
        return true;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &item)) {
        if (!spend(s, brep))
            return false;
        uint32_t instance = qr_p21_follow(s->p, &item);
        if (!qr_step_attribute(s, instance, STEP_ORIENTED_EDGE, 3, &edge))
            continue;
        uint32_t number = number_of(brep, qr_p21_follow(s->p, &edge));
        if (number < brep->n_edges && !add_use(brep, number, face))
            return false;
    }
    return true;
}

/* Radius and angle of a face's surface. */
static void measure_surface(const struct qr_step *s, struct qr_step_brep *brep, uint32_t surface,
                            const struct qr_step_face *face)
{
    struct qr_p21_value values[4];
    double number;

    if (face->surface < QR_SURFACE_CYLINDER || face->surface > QR_SURFACE_TORUS ||
        qr_p21_get(s->p, surface, QR_P21_UNKNOWN, values, 4) < 3)
        return;
    if (qr_p21_number(&values[2], &number) && number > 0)
        brep->radii[brep->n_radii++] = number * face->mm;
    if (face->surface == QR_SURFACE_TORUS && qr_p21_number(&values[3], &number) && number > 0)
        brep->radii[brep->n_radii++] = number * face->mm;
    if (face->surface == QR_SURFACE_CONE && qr_p21_number(&values[3], &number))
        brep->angles[brep->n_angles++] = number * s->angle_deg;
}

static bool read_face(struct qr_step *s, struct qr_step_brep *brep, const struct kinds *kinds,
                      uint32_t number)
{
    struct qr_step_face *face = &brep->faces[number];
    struct qr_p21_value values[3];
    struct qr_p21_value item;

    if (qr_p21_get(s->p, face->instance, QR_P21_UNKNOWN, values, 3) < 3)
        return true;
    uint32_t surface = qr_p21_follow(s->p, &values[2]);
    for (int i = 0; i < WRAPPED_MAX && surface != QR_P21_NONE; i++) {
        face->surface = kind_of(s, kinds->surface, surface);
        if (face->surface != QR_SURFACE_OTHER ||
            !(qr_step_is(s, surface, STEP_RECTANGULAR_TRIMMED_SURFACE) ||
              qr_step_is(s, surface, STEP_CURVE_BOUNDED_SURFACE)))
            break;
        surface =
            qr_step_ref(s, surface, (struct qr_step_field){1, 0, STEP_RECTANGULAR_TRIMMED_SURFACE});
    }
    brep->surfaces[face->surface]++;
    measure_surface(s, brep, surface, face);
    struct qr_p21_cursor cursor = qr_p21_enter(&values[1]);
    while (qr_p21_next(&cursor, &item)) {
        if (!spend(s, brep))
            return false;
        face->bounds++;
        uint32_t bound = qr_p21_follow(s->p, &item);
        if (!read_loop(s, brep,
                       qr_step_ref(s, bound, (struct qr_step_field){1, 0, STEP_FACE_BOUND}),
                       number))
            return false;
    }
    return true;
}

/* Faces of a shell belong to a product, in the unit of its representation. */
static bool claim_shell(struct qr_step *s, struct qr_step_brep *brep, uint32_t shell,
                        uint32_t product, double mm, int depth)
{
    struct qr_p21_value list;
    struct qr_p21_value item;

    if (shell == QR_P21_NONE || depth > 2)
        return true;
    if (!qr_step_field(s, shell, (struct qr_step_field){1, 0, STEP_CONNECTED_FACE_SET}, &list))
        return true;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &item)) {
        if (!spend(s, brep))
            return false;
        uint32_t face = number_of(brep, qr_p21_follow(s->p, &item));
        if (face < brep->n_faces && brep->faces[face].product == QR_P21_NONE) {
            brep->faces[face].product = product;
            brep->faces[face].mm = mm;
        }
    }
    /* ORIENTED_CLOSED_SHELL(name, *, shell, orientation) */
    if (list.kind == QR_P21_DERIVED && qr_p21_attribute(s->p, shell, QR_P21_UNKNOWN, 2, &item))
        return claim_shell(s, brep, qr_p21_follow(s->p, &item), product, mm, depth + 1);
    return true;
}

/* A solid or a shell model: its second attribute is a shell or a list of them, voids follow. */
static bool claim_item(struct qr_step *s, struct qr_step_brep *brep, uint32_t item,
                       uint32_t product, double mm)
{
    struct qr_p21_value values[3];
    struct qr_p21_value shell;

    if (!qr_step_is(s, item, STEP_MANIFOLD_SOLID_BREP) &&
        !qr_step_is(s, item, STEP_BREP_WITH_VOIDS) && !qr_step_is(s, item, STEP_FACETED_BREP) &&
        !qr_step_is(s, item, STEP_SHELL_BASED_SURFACE_MODEL))
        return true;
    if (qr_p21_type_of(s->p, item) == QR_P21_COMPLEX)
        return true;
    size_t n = qr_p21_get(s->p, item, QR_P21_UNKNOWN, values, 3);
    for (size_t i = 1; i < n; i++) {
        if (!claim_shell(s, brep, qr_p21_follow(s->p, &values[i]), product, mm, 0))
            return false;
        struct qr_p21_cursor cursor = qr_p21_enter(&values[i]);
        while (qr_p21_next(&cursor, &shell))
            if (!spend(s, brep) ||
                !claim_shell(s, brep, qr_p21_follow(s->p, &shell), product, mm, 0))
                return false;
    }
    return true;
}

static bool claim_representation(struct qr_step *s, struct qr_step_brep *brep, uint32_t rep,
                                 uint32_t definition)
{
    const struct qr_step_product *product = qr_step_product_of(s, definition);
    struct qr_p21_value list;
    struct qr_p21_value item;
    double mm;
    double deg;

    if (!product ||
        !qr_step_field(s, rep, (struct qr_step_field){1, 1, STEP_REPRESENTATION}, &list))
        return true;
    qr_step_context_units(s, qr_step_ref(s, rep, (struct qr_step_field){2, 2, STEP_REPRESENTATION}),
                          &mm, &deg);
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &item))
        if (!spend(s, brep) ||
            !claim_item(s, brep, qr_p21_follow(s->p, &item), (uint32_t)(product - s->products), mm))
            return false;
    return true;
}

/* Which product has which faces. */
static void claim_all(struct qr_step *s, struct qr_step_brep *brep)
{
    const struct qr_step_inverse *owners = &s->tree.rep_owner;

    for (size_t i = 0; i < owners->n; i++) {
        uint32_t rep = (uint32_t)(owners->pairs[i] >> 32);
        uint32_t definition = (uint32_t)owners->pairs[i];
        uint32_t other;
        if (!claim_representation(s, brep, rep, definition))
            return;
        for (size_t k = 0; (other = qr_step_inverse_get(&s->tree.same_rep, rep, k)) != QR_P21_NONE;
             k++)
            if (!spend(s, brep) || !claim_representation(s, brep, other, definition))
                return;
    }
}

static void read_faces(struct qr_step *s, struct qr_step_brep *brep, const struct kinds *kinds)
{
    static const enum qr_step_name names[] = {STEP_ADVANCED_FACE, STEP_FACE_SURFACE, STEP_FACE};

    for (size_t k = 0; k < QR_COUNT(names); k++) {
        uint32_t n;
        const uint32_t *all = qr_step_all(s, names[k], &n);
        for (uint32_t i = 0; i < n; i++) {
            struct qr_step_face *face = &brep->faces[brep->number[all[i]] - 1];
            face->instance = all[i];
            face->product = QR_P21_NONE;
            face->mm = s->length_mm;
        }
    }
    claim_all(s, brep);
    for (uint32_t i = 0; i < brep->n_faces; i++)
        if (!read_face(s, brep, kinds, i))
            break;
}

/* Curves are counted here; ends of edges are vertices. */
static void read_edges(struct qr_step *s, struct qr_step_brep *brep, const struct kinds *kinds,
                       uint64_t *curves)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_EDGE_CURVE, &n);
    struct qr_p21_value values[4];

    for (uint32_t i = 0; i < n; i++) {
        struct qr_step_edge *edge = &brep->edges[brep->number[all[i]] - 1];
        edge->vertex[0] = edge->vertex[1] = QR_P21_NONE;
        if (qr_p21_get(s->p, all[i], QR_P21_UNKNOWN, values, 4) < 4)
            continue;
        for (int k = 0; k < 2; k++) {
            uint32_t vertex = number_of(brep, qr_p21_follow(s->p, &values[k + 1]));
            if (vertex >= brep->n_vertices)
                continue;
            edge->vertex[k] = vertex;
            brep->vertices[vertex].valence++;
        }
        uint32_t curve = qr_p21_follow(s->p, &values[3]);
        uint8_t kind = 0;
        for (int k = 0; k < WRAPPED_MAX && curve != QR_P21_NONE; k++) {
            kind = kind_of(s, kinds->curve, curve);
            if (kind != 0 || !(qr_step_is(s, curve, STEP_SURFACE_CURVE) ||
                               qr_step_is(s, curve, STEP_SEAM_CURVE) ||
                               qr_step_is(s, curve, STEP_INTERSECTION_CURVE) ||
                               qr_step_is(s, curve, STEP_TRIMMED_CURVE)))
                break;
            curve = qr_step_ref(s, curve, (struct qr_step_field){1, 0, STEP_SURFACE_CURVE});
        }
        curves[kind]++;
    }
}

/* A vertex lies where the product of a face at it lies, in that product's unit. */
static void read_vertices(struct qr_step *s, struct qr_step_brep *brep)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_VERTEX_POINT, &n);
    double *mm = calloc((size_t)brep->n_vertices + 1, sizeof *mm);

    for (uint32_t i = 0; i < brep->n_vertices; i++)
        brep->vertices[i].product = QR_P21_NONE;
    for (uint32_t i = 0; mm && i < brep->n_uses; i++) {
        const struct qr_step_face *face = &brep->faces[brep->uses[i].face];
        for (int k = 0; k < 2; k++) {
            uint32_t vertex = brep->edges[brep->uses[i].edge].vertex[k];
            if (vertex == QR_P21_NONE || mm[vertex] > 0)
                continue;
            mm[vertex] = face->mm;
            brep->vertices[vertex].product = face->product;
        }
    }
    for (uint32_t i = 0; mm && i < n; i++) {
        uint32_t number = brep->number[all[i]] - 1;
        struct qr_step_vertex *vertex = &brep->vertices[number];
        uint32_t point = qr_step_ref(s, all[i], (struct qr_step_field){1, 0, STEP_VERTEX_POINT});
        if (mm[number] <= 0 || !qr_step_triple(s, point, vertex->at))
            continue;
        vertex->used = true;
        for (int k = 0; k < 3; k++)
            vertex->at[k] *= mm[number];
    }
    free(mm);
}

static uint64_t count_types(const struct qr_step *s, const enum qr_step_name *names, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += qr_p21_type_count(s->p, s->type[names[i]]);
    return sum;
}

static void report(struct qr_step *s, const struct qr_step_brep *brep, const uint64_t *curves)
{
    static const enum qr_step_name solids[] = {STEP_MANIFOLD_SOLID_BREP, STEP_BREP_WITH_VOIDS,
                                               STEP_FACETED_BREP};
    static const enum qr_step_name shells[] = {STEP_CLOSED_SHELL, STEP_OPEN_SHELL};
    static const enum qr_step_name loops[] = {STEP_EDGE_LOOP, STEP_POLY_LOOP, STEP_VERTEX_LOOP};
    Quarry__V1__CadTopology *topology = qr_cad_topology(s->rec);

    if (!topology)
        return;
    topology->solids = count_types(s, solids, QR_COUNT(solids));
    topology->shells = count_types(s, shells, QR_COUNT(shells));
    topology->loops = count_types(s, loops, QR_COUNT(loops));
    topology->faces = brep->n_faces;
    topology->edges = brep->n_edges;
    topology->vertices = brep->n_vertices;
    for (uint32_t i = 0; i < brep->n_faces; i++)
        topology->inner_loops += brep->faces[i].bounds > 1 ? brep->faces[i].bounds - 1 : 0;
    for (uint32_t i = 0; i < brep->n_edges; i++) {
        topology->open_edges += brep->edges[i].uses == 1;
        topology->non_manifold_edges += brep->edges[i].uses > 2;
    }
    for (size_t i = 0; i < QR_SURFACES; i++)
        if (brep->surfaces[i] > 0)
            qr_cad_add_count(s->rec, QR_CAD_SURFACES, qr_step_surface_names[i],
                             strlen(qr_step_surface_names[i]), brep->surfaces[i]);
    for (size_t i = 0; i <= QR_COUNT(curve_types); i++) {
        const char *name = i > 0 ? curve_types[i - 1].name : "other";
        uint64_t sum = 0;
        for (size_t k = i; k <= QR_COUNT(curve_types); k++)
            if (k == i || (i > 0 && strcmp(curve_types[k - 1].name, name) == 0))
                sum += curves[k];
        if (i > 1 && strcmp(curve_types[i - 2].name, name) == 0)
            continue; /* counted with the first of that name */
        if (sum > 0)
            qr_cad_add_count(s->rec, QR_CAD_CURVES, name, strlen(name), sum);
    }
    topology->adjacency_hash = (char *)(uintptr_t)qr_step_graph_hash(s, brep);
}

void qr_step_brep(struct qr_step *s)
{
    struct qr_step_brep brep = {0};
    struct kinds kinds = {0};
    uint64_t curves[QR_COUNT(curve_types) + 1] = {0};

    if (!allocate(s, &brep) || !learn_kinds(s, &kinds)) {
        s->rec->failed = true;
    } else if (brep.n_faces > 0 || brep.n_edges > 0) {
        read_edges(s, &brep, &kinds, curves);
        read_faces(s, &brep, &kinds);
        read_vertices(s, &brep);
        report(s, &brep, curves);
        qr_step_placed(s, &brep);
        qr_step_genome(s, &brep);
    }
    free(kinds.surface);
    free(kinds.curve);
    free(brep.number);
    free(brep.faces);
    free(brep.edges);
    free(brep.vertices);
    free(brep.uses);
    free(brep.radii);
    free(brep.angles);
}

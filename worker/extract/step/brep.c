#include "worker/extract/step/brep.h"

#include <math.h>
#include <stdlib.h>

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
        if (!qr_step_brep_spend(s, brep))
            return false;
        uint32_t instance = qr_p21_follow(s->p, &item);
        if (!qr_step_attribute(s, instance, STEP_ORIENTED_EDGE, 3, &edge))
            continue;
        uint32_t number = qr_step_brep_number(brep, qr_p21_follow(s->p, &edge));
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

static bool read_face(struct qr_step *s, struct qr_step_brep *brep,
                      const struct qr_step_kinds *kinds, uint32_t number)
{
    struct qr_step_face *face = &brep->faces[number];
    struct qr_p21_value values[3];
    struct qr_p21_value item;

    if (qr_p21_get(s->p, face->instance, QR_P21_UNKNOWN, values, 3) < 3)
        return true;
    uint32_t surface = qr_p21_follow(s->p, &values[2]);
    face->surface = qr_step_surface_kind(s, kinds, &surface);
    brep->surfaces[face->surface]++;
    measure_surface(s, brep, surface, face);
    struct qr_p21_cursor cursor = qr_p21_enter(&values[1]);
    while (qr_p21_next(&cursor, &item)) {
        if (!qr_step_brep_spend(s, brep))
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

static void read_faces(struct qr_step *s, struct qr_step_brep *brep,
                       const struct qr_step_kinds *kinds)
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
    qr_step_brep_owners(s, brep);
    for (uint32_t i = 0; i < brep->n_faces; i++)
        if (!read_face(s, brep, kinds, i))
            break;
}

/* Curves are counted here; ends of edges are vertices. */
static void read_edges(struct qr_step *s, struct qr_step_brep *brep,
                       const struct qr_step_kinds *kinds)
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
            uint32_t vertex = qr_step_brep_number(brep, qr_p21_follow(s->p, &values[k + 1]));
            if (vertex >= brep->n_vertices)
                continue;
            edge->vertex[k] = vertex;
            brep->vertices[vertex].valence++;
        }
        brep->curves[qr_step_curve_kind(s, kinds, qr_p21_follow(s->p, &values[3]))]++;
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

static void report(struct qr_step *s, const struct qr_step_brep *brep)
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
    qr_step_kinds_report(s, brep);
    topology->adjacency_hash = (char *)(uintptr_t)qr_step_graph_hash(s, brep);
}

void qr_step_brep(struct qr_step *s)
{
    struct qr_step_brep brep = {0};
    struct qr_step_kinds kinds = {0};

    if (!allocate(s, &brep) || !qr_step_kinds_init(s, &kinds)) {
        s->rec->failed = true;
    } else if (brep.n_faces > 0 || brep.n_edges > 0) {
        read_edges(s, &brep, &kinds);
        read_faces(s, &brep, &kinds);
        read_vertices(s, &brep);
        report(s, &brep);
        qr_step_placed(s, &brep);
        qr_step_genome(s, &brep);
    }
    qr_step_kinds_done(&kinds);
    free(brep.number);
    free(brep.faces);
    free(brep.edges);
    free(brep.vertices);
    free(brep.uses);
    free(brep.radii);
    free(brep.angles);
}

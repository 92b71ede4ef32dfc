/* worker/extract/step/brep.h
 *
 * The boundary representation of a whole file in arrays: faces, edges, vertices by number, and who
 * uses whom. Filled by brep.c (types of surfaces and curves: brep_kind.c, products: brep_owner.c);
 * graph.c, placed.c and genome.c look at it.
 *
 * A face, edge or vertex has the number of its instance among those of its types, in order of the
 * file; QR_P21_NONE: none. Hostile files refer to one list a million times, so the walk has a
 * budget by the size of the file.
 */
#pragma once
#include "worker/extract/step/assembly.h"

#define QR_STEP_CURVES_MAX 32 /* kinds of curves */

enum qr_step_surface {
    QR_SURFACE_OTHER,
    QR_SURFACE_PLANE,
    QR_SURFACE_CYLINDER,
    QR_SURFACE_CONE,
    QR_SURFACE_SPHERE,
    QR_SURFACE_TORUS,
    QR_SURFACE_BSPLINE,
    QR_SURFACE_EXTRUSION,
    QR_SURFACE_REVOLUTION,
    QR_SURFACE_OFFSET,
    QR_SURFACES,
};

struct qr_step_face {
    uint32_t instance;
    uint32_t product; /* index; QR_P21_NONE: not known */
    uint32_t bounds, edges;
    uint8_t surface; /* enum qr_step_surface */
    double mm;       /* for one length unit of its representation */
};

struct qr_step_edge {
    uint32_t vertex[2];
    uint32_t uses;
};

struct qr_step_vertex {
    double at[3]; /* mm, in the frame of its product */
    uint32_t product;
    uint32_t valence;
    bool used;
};

struct qr_step_use {
    uint32_t edge, face;
};

struct qr_step_brep {
    uint32_t *number; /* of an instance, plus 1; 0: it is none of them */
    struct qr_step_face *faces;
    struct qr_step_edge *edges;
    struct qr_step_vertex *vertices;
    struct qr_step_use *uses; /* in order of faces; one for each ORIENTED_EDGE */
    uint32_t n_faces, n_edges, n_vertices, n_uses, cap_uses;
    uint64_t budget;        /* references that may still be followed */
    double *radii, *angles; /* of faces: mm, degrees */
    uint32_t n_radii, n_angles;
    uint64_t surfaces[QR_SURFACES];
    uint64_t curves[QR_STEP_CURVES_MAX]; /* of edges, by qr_step_curve_kind() */
};

/* What the file's types of surfaces and curves are: by the number of the type. brep_kind.c */
struct qr_step_kinds {
    uint8_t *surface; /* enum qr_step_surface */
    uint8_t *curve;
};
QR_MUST_CHECK bool qr_step_kinds_init(const struct qr_step *s, struct qr_step_kinds *kinds);
void qr_step_kinds_done(struct qr_step_kinds *kinds);
/** enum qr_step_surface of a surface. One that lies in another (trimmed, bounded) is looked for
 * there: *surface becomes the inner one. */
uint8_t qr_step_surface_kind(const struct qr_step *s, const struct qr_step_kinds *kinds,
                             uint32_t *surface);
/** Below QR_STEP_CURVES_MAX; 0: something else. */
uint8_t qr_step_curve_kind(const struct qr_step *s, const struct qr_step_kinds *kinds,
                           uint32_t curve);
/** The counts of both into the record. */
void qr_step_kinds_report(struct qr_step *s, const struct qr_step_brep *brep);

/** Take one from the budget; false: there is none left, which is noted. */
bool qr_step_brep_spend(struct qr_step *s, struct qr_step_brep *brep);
/** The number of a face, edge or vertex; QR_P21_NONE: it is none of them. */
uint32_t qr_step_brep_number(const struct qr_step_brep *brep, uint32_t instance);
/** Which product has which faces, in which unit. brep_owner.c */
void qr_step_brep_owners(struct qr_step *s, struct qr_step_brep *brep);

/** Hexadecimal hash over the face graph; "" when there are no faces. graph.c */
const char *qr_step_graph_hash(const struct qr_step *s, const struct qr_step_brep *brep);

/** Bounds and points of the placed vertices. placed.c */
void qr_step_placed(struct qr_step *s, const struct qr_step_brep *brep);

/** The genome as JSON into the record. genome.c */
void qr_step_genome(struct qr_step *s, const struct qr_step_brep *brep);

extern const char *const qr_step_surface_names[QR_SURFACES];

/* worker/extract/step/brep.h
 *
 * The boundary representation of a whole file in arrays: faces, edges, vertices by number, and who
 * uses whom. Filled by brep.c; graph.c, placed.c and genome.c look at it.
 *
 * A face, edge or vertex has the number of its instance among those of its types, in order of the
 * file; QR_P21_NONE: none. Hostile files refer to one list a million times, so the walk has a
 * budget by the size of the file.
 */
#pragma once
#include "worker/extract/step/assembly.h"

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
};

/** Hexadecimal hash over the face graph; "" when there are no faces. graph.c */
const char *qr_step_graph_hash(const struct qr_step *s, const struct qr_step_brep *brep);

/** Bounds and points of the placed vertices. placed.c */
void qr_step_placed(struct qr_step *s, const struct qr_step_brep *brep);

/** The genome as JSON into the record. genome.c */
void qr_step_genome(struct qr_step *s, const struct qr_step_brep *brep);

extern const char *const qr_step_surface_names[QR_SURFACES];

/* worker/geometry/kernel.h
 *
 * What the module `quarry-geometry.so` offers: a geometry kernel behind a table of C functions.
 *
 * A model is read from memory. It is a list of bodies (solids, or shells and faces that are in
 * none), each in its own frame, and a list of instances: which body stands where. A part that an
 * assembly holds a thousand times is one body with a thousand instances, so nothing is computed
 * twice. Lengths are millimetres whatever the file uses. Indices count from 0.
 *
 * No function throws or prints. Each returns a status and, unless it is QR_KERNEL_OK, leaves its
 * out-parameters alone and says why in the model's message. A fault inside the kernel (a signal)
 * ends the process: call it in the sandbox (docs/sandbox.md) only. Not thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QR_KERNEL_ABI 2
#define QR_KERNEL_SYMBOL "quarry_geometry_kernel"
#define QR_KERNEL_TEXT 240

enum qr_kernel_status {
    QR_KERNEL_OK = 0,
    QR_KERNEL_FAILED,  /* the message says what the kernel said */
    QR_KERNEL_STOPPED, /* watch.stop said so */
    QR_KERNEL_MEMORY,  /* none left */
};

/* Asked now and then by whatever takes long. */
struct qr_kernel_watch {
    bool (*stop)(void *arg);
    void *arg;
};

struct qr_kernel_model; /* opaque */

struct qr_kernel_size {
    uint32_t n_bodies;
    uint32_t n_instances;
    uint32_t lost;    /* solids of the file that no shape came of */
    uint32_t n_parts; /* products that have a shape */
    bool capped;      /* there are more instances than are listed */
};

/* Most bodies and instances of one model. */
enum { QR_KERNEL_BODIES_MAX = 100000, QR_KERNEL_INSTANCES_MAX = 200000 };

struct qr_kernel_instance {
    uint32_t body;
    double
        to_model[12]; /* 3 x 4 by rows: body to model; its 3 x 3 part is a rotation times a scale */
};

/* A product of the file, part or assembly: what stands in it, in its own frame. */
struct qr_kernel_part {
    char name[128]; /* its id, else its name; UTF-8 not checked */
    uint32_t n_instances;
};

enum qr_kernel_kind { QR_KERNEL_SOLID, QR_KERNEL_SHELL, QR_KERNEL_FACE };

struct qr_kernel_body {
    enum qr_kernel_kind kind;
    uint64_t faces;
    bool has_volume;    /* a solid, or a shell without open edges */
    double volume;      /* mm³, never negative */
    double area;        /* mm² */
    double centroid[3]; /* of the volume, else of the surface */
    double inertia[9];  /* of the volume, 3 x 3 by rows about the centroid, for density 1: mm⁵ */
    uint64_t convex, concave, smooth; /* edges between two faces */
    char name[128];                   /* of the solid in the file, UTF-8 not checked; "" none */
};

struct qr_kernel_hole {
    double radius; /* of its narrowest part */
    double depth;
    bool through;
    bool counterbore, countersink;
    double point[3]; /* on the axis, where it opens; of two such ends the wider one */
    double axis[3];  /* unit vector from there into the body */
};

struct qr_kernel_triangle {
    uint32_t node[3]; /* seen from outside anticlockwise */
    uint32_t face;
};

/* Nodes of one face stand together. All borrowed from the model, valid until the next mesh(). */
struct qr_kernel_mesh {
    const double *nodes; /* x y z each */
    const double *uv;    /* u v each */
    const struct qr_kernel_triangle *triangles;
    size_t n_nodes, n_triangles;
    const uint32_t *first_node; /* of each face, and one more: n_faces + 1 numbers */
    uint32_t n_faces;
    uint32_t unmeshed; /* faces without a triangle */
    double deflection; /* how far it may be from the surface */
};

struct qr_kernel {
    uint32_t abi;
    const char *name; /* "Open CASCADE 7.6.3" */

    /** Do what needs files or time before the sandbox closes. */
    enum qr_kernel_status (*prepare)(char message[QR_KERNEL_TEXT]);

    /** Read a STEP file and list what it holds. `data` is borrowed for the call. With any other
     *  status than OK there is no model. */
    enum qr_kernel_status (*open)(const void *data, size_t len, const struct qr_kernel_watch *watch,
                                  struct qr_kernel_model **ret, char message[QR_KERNEL_TEXT]);
    void (*close)(struct qr_kernel_model *model);
    const char *(*message)(const struct qr_kernel_model *model);

    void (*size)(const struct qr_kernel_model *model, struct qr_kernel_size *ret);
    void (*instance)(const struct qr_kernel_model *model, uint32_t index,
                     struct qr_kernel_instance *ret);

    void (*part)(const struct qr_kernel_model *model, uint32_t part, struct qr_kernel_part *ret);
    void (*part_instance)(const struct qr_kernel_model *model, uint32_t part, uint32_t index,
                          struct qr_kernel_instance *ret);

    enum qr_kernel_status (*body)(struct qr_kernel_model *model, uint32_t body,
                                  struct qr_kernel_body *ret);
    /** At most `max` of them; *ret_n is how many there are. */
    enum qr_kernel_status (*holes)(struct qr_kernel_model *model, uint32_t body,
                                   struct qr_kernel_hole *ret, size_t max, size_t *ret_n);
    enum qr_kernel_status (*mesh)(struct qr_kernel_model *model, uint32_t body,
                                  struct qr_kernel_mesh *ret);
    /** Point and outward unit normal of the surface behind a face at u v. */
    enum qr_kernel_status (*surface)(struct qr_kernel_model *model, uint32_t body, uint32_t face,
                                     double u, double v, double ret_point[3], double ret_normal[3]);
    /** Tight box of one face where an instance puts it. */
    enum qr_kernel_status (*face_box)(struct qr_kernel_model *model, uint32_t instance,
                                      uint32_t face, double ret_box[6]);
};

/** The module's one symbol, QR_KERNEL_SYMBOL. */
typedef const struct qr_kernel *(*qr_kernel_fn)(void);

#ifdef __cplusplus
}
#endif

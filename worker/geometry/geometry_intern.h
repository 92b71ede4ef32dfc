/* worker/geometry/geometry_intern.h
 *
 * One computation of a model's geometry, as the files geometry*.c share it.
 *
 * Everything here is for one thread and one job; `job`, `rec` and `out` are borrowed from whoever
 * called qr_geometry_compute(). What is found goes into `out`, in millimetres and in the model's
 * frame unless a function says otherwise.
 */
#pragma once
#include "worker/geometry/geometry.h"
#include "worker/geometry/scene.h"

struct qr_geometry_work {
    const struct qr_extract_job *job;
    struct qr_record *rec;
    Quarry__V1__CadGeometry *out;
    struct qr_scene scene;
    int64_t until_ms;
    uint32_t unmeasured, unmeshed; /* bodies; the kernel's message for the last */
    char why[QR_KERNEL_TEXT];
    bool late; /* time was over before all was done */
    char missing[300];
};

/** Add to what the answer lacks, for its message. */
void qr_geometry_lacks(struct qr_geometry_work *work, const char *fmt, ...) QR_PRINTF(2, 3);

/** Ask the kernel for the facts of each body. Those that cannot be measured are counted.
 *  False: out of time. */
bool qr_geometry_measure(struct qr_geometry_work *work);

/** Put what was measured into the answer: the whole model, and each product in its own frame or,
 *  where there is only one product, each body where it stands. */
void qr_geometry_put_masses(struct qr_geometry_work *work);

/** Put the holes of all bodies into the answer. False: out of time. */
bool qr_geometry_put_holes(struct qr_geometry_work *work);

/* worker/geometry/mass.h
 *
 * Mass properties of bodies where they stand, added up. Density is 1: a body's mass is its volume,
 * so moments are in mm⁵; times a density they are those of the mass.
 */
#pragma once
#include <stdbool.h>

#include "worker/geometry/kernel.h"

struct qr_mass {
    bool has_volume;
    double volume, area;
    double centroid[3]; /* of the volume, else of the area */
    double inertia[9];  /* about the centroid */
};

/** A body's, where `to_model` puts it. */
void qr_mass_place(const struct qr_kernel_body *body, const double to_model[12],
                   struct qr_mass *ret);

/** Add one to a sum that began zeroed. Centroid and inertia are those of the parts with volume as
 *  soon as there is one. */
void qr_mass_add(struct qr_mass *sum, const struct qr_mass *one);

/** Eigenvalues of a symmetric 3 x 3 matrix, ascending. Source: Jacobi's method, as in Golub and Van
 *  Loan, Matrix Computations, 8.5. */
void qr_mass_principal(const double inertia[9], double ret[3]);

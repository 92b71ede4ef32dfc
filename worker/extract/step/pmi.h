/* worker/extract/step/pmi.h
 *
 * Product and manufacturing information: dimensions and geometric tolerances as AP242 states them,
 * straight from the records. Source: ISO 10303-242; CAx-IF Recommended Practices, Representation
 * and Presentation of PMI 4.1.
 */
#pragma once
#include "worker/extract/step/intern.h"

struct qr_step_pmi {
    struct qr_step *s;
    struct qr_step_inverse values;     /* SHAPE_DIMENSION_REPRESENTATION by dimension */
    struct qr_step_inverse tolerances; /* range of PLUS_MINUS_TOLERANCE by dimension */
    struct qr_step_inverse zones;      /* TOLERANCE_ZONE by tolerance */
    struct qr_step_inverse projected;  /* PROJECTED_ZONE_DEFINITION by zone */
    struct qr_step_inverse features;   /* face by aspect: GEOMETRIC_ITEM_SPECIFIC_USAGE */
    struct qr_step_inverse members;    /* aspect by the one that is put together from it */
};

/* A measure as people see it. */
struct qr_step_shown {
    double value, stored;
    const char *unit;
    int decimals; /* -1: not said */
    bool found;
};

/** A measure, rounded to the decimals its qualifier has. */
struct qr_step_shown qr_step_shown(const struct qr_step *s, uint32_t measure);
/** The number with its decimals, no trailing zeros where none are asked for. Returns `ret`. */
char *qr_step_shown_text(double value, int decimals, char ret[40]);

/** The qualifier of a type that a measure has; QR_P21_NONE: none. */
uint32_t qr_step_qualifier(const struct qr_step *s, uint32_t measure, enum qr_step_name name);
/** Round features that an aspect and its members stand on: cylinders and tori by their axes,
 * spheres by their centres, so that the halves of a hole are one. 0: not known. pmi_feature.c */
uint32_t qr_step_round_features(const struct qr_step_pmi *pmi, uint32_t aspect);
/** Saved views as layouts. pmi_feature.c */
void qr_step_saved_views(struct qr_step *s);

void qr_step_dimensions(struct qr_step_pmi *pmi);           /* pmi_dimension.c */
void qr_step_geometric_tolerances(struct qr_step_pmi *pmi); /* pmi_tolerance.c */
/** Letters of a list of datum references: "A", "B(M)", "A-B". Returns how many, up to `max`.
 * pmi_datum.c */
size_t qr_step_datums(const struct qr_step *s, const struct qr_p21_value *list, const char **ret,
                      size_t max);
/** Datums of the model as parameters. */
void qr_step_datum_list(struct qr_step *s);

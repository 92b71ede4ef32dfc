/* worker/extract/step/property.h
 *
 * Properties of products, shapes and aspects: items of their representations (item.c), what of them
 * is mass or material (physical.c), and all of them as parameters (property.c).
 * Source: CAx-IF Recommended Practices, User Defined Attributes 1.8, Geometric and Assembly
 * Validation Properties 4.4, Material Identification and Density 2.1.
 */
#pragma once
#include "worker/extract/step/intern.h"

/* A property: what it is called, what it is about. */
struct qr_step_property {
    uint32_t instance;
    uint32_t thing; /* product definition, shape, aspect, … */
    const char *name, *description, *general, *owner;
    enum {
        QR_PROPERTY_OTHER,
        QR_PROPERTY_USER,
        QR_PROPERTY_GEOMETRIC,
        QR_PROPERTY_CHECK,
        QR_PROPERTY_MATERIAL,
    } kind;
    double mm; /* for one length unit of the representation */
};

/* What an item of a representation says. */
struct qr_step_item {
    const char *name, *value, *unit, *type;
    double number;
    bool is_number;
    uint32_t unit_instance;
    uint32_t instance;
};

/* What is put together from several properties of one thing. */
struct qr_step_gathered {
    uint32_t thing;
    Quarry__V1__CadMass *mass;
    Quarry__V1__Material *material;
};

struct qr_step_properties {
    struct qr_step *s;
    struct qr_step_inverse general;    /* GENERAL_PROPERTY by derived property */
    struct qr_step_gathered *gathered; /* sorted by nothing: few */
    size_t n, cap;
    uint64_t budget; /* items that may still be looked at */
};

/** A representation item: a text, number, measure or point by its `instance`; false: none of these,
 * or nothing is in it. */
bool qr_step_item_read(struct qr_step *s, struct qr_step_item *item);

/** Does a text hold a word, ignoring case? */
bool qr_step_holds(const char *text, const char *word);

/** An item of a `geometric validation property`: volume, area, centroid of its thing. */
void qr_step_add_mass(struct qr_step_properties *ps, const struct qr_step_property *p,
                      const struct qr_step_item *item);
/** An item that may be the name or the density of a material. */
void qr_step_add_material(struct qr_step_properties *ps, const struct qr_step_property *p,
                          const struct qr_step_item *item);
/** MATERIAL_DESIGNATION, raw materials; masses that were said twice go. After all items. */
void qr_step_finish_physical(struct qr_step_properties *ps);

/* worker/extract/ifc/classes.h
 *
 * The classes of IFC that stand for something: which they are, where their kind is written. Classes
 * the table does not have (drafts between two versions, other people's) are judged by their names.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum qr_ifc_kind {
    QR_IFC_NONE,    /* no object: relations, properties, geometry */
    QR_IFC_ELEMENT, /* IfcElement without the two below: walls, doors, pipes */
    QR_IFC_FEATURE, /* openings and projections */
    QR_IFC_PRODUCT, /* other products: grids, annotations, ports, loads, alignments */
    QR_IFC_SPATIAL, /* sites, buildings, storeys, spaces, facilities, zones in space */
    QR_IFC_TYPE,    /* what occurrences have in common */
    QR_IFC_GROUP,   /* systems, zones, groups */
    QR_IFC_CONTEXT, /* the project, libraries */
    QR_IFC_OTHER,   /* tasks, actors, resources, controls */
};

struct qr_ifc_class {
    char name[64];         /* "IfcWall", in the spelling of the standard where it is known */
    enum qr_ifc_kind kind; /* QR_IFC_NONE: the rest means nothing */
    int predefined;        /* attribute with its PredefinedType; -1: none */
};

/** By the upper-case name of a type; `old`: in IFC2X3. */
struct qr_ifc_class qr_ifc_class_of(const char *type, bool old);

/** Is it an IfcProduct? */
bool qr_ifc_is_product(enum qr_ifc_kind kind);

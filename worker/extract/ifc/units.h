/* worker/extract/ifc/units.h
 *
 * Units of an IFC model: SI units with prefix, conversion-based, derived and context-dependent
 * ones, and money, as short symbols ("mm", "ft²", "W/m²K") with their factor to SI.
 *
 * Source: IfcMeasureResource (IfcSIPrefix, IfcSIUnitName, IfcUnitEnum, IfcDerivedUnitEnum).
 */
#pragma once
#include "worker/extract/ifc/intern.h"

struct qr_ifc_meaning {
    const char *symbol; /* in the record's arena or static; "" when unknown */
    double factor;      /* to the coherent SI unit (m, kg, s, rad, …); 0: not known */
};

/** What a unit record means. Cycles and depths beyond a few levels mean nothing. */
struct qr_ifc_meaning qr_ifc_unit(struct qr_ifc *ifc, uint32_t instance);

/** The project's unit of a kind, "LENGTHUNIT", "MASSDENSITYUNIT". */
struct qr_ifc_meaning qr_ifc_unit_of_kind(const struct qr_ifc *ifc, const char *kind);

/** The project's unit for values of a measure: the keyword of a TYPED, IFCPOSITIVELENGTHMEASURE. */
struct qr_ifc_meaning qr_ifc_unit_of_measure(const struct qr_ifc *ifc,
                                             const struct qr_p21_value *typed);

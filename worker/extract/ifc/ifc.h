/* worker/extract/ifc/ifc.h
 *
 * Building models: IFC2X3, IFC4, IFC4X3 and what lies between them, as exchange files or packed
 * ones. What stands in the records, not the shapes. What is read from where: docs/record.md, "An
 * IFC model".
 *
 * Source: attribute orders of the EXPRESS schemas of buildingSMART (IFC2X3 TC1, IFC4 ADD2 TC1,
 * IFC4X3 ADD2).
 */
#pragma once

struct qr_extract;

/** The format's function in worker/extract/table.c. */
void qr_ifc_extract(const struct qr_extract *x);

/* common/cadjson/units.h
 *
 * Names of units as Creo, CREOSON and people write them, without case: one table for every way a
 * model comes, so that a model weighs the same by each. Stateless and thread-safe.
 */
#pragma once

/** Millimetres of one; 0: not known. */
double qr_cadjson_length_mm(const char *unit);
/** Kilograms of one; 0: not known. */
double qr_cadjson_mass_kg(const char *unit);

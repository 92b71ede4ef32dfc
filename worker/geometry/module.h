/* worker/geometry/module.h
 *
 * Finds the geometry kernel's module, `quarry-geometry.so`, and loads it.
 *
 * Only the child that computes geometry loads it: it brings 60 MB of libraries, which no other
 * process should wait for. It lies beside the program, or in ../lib/quarry/ from there; nothing
 * else is searched.
 */
#pragma once
#include <stdbool.h>

#include "common/err.h"
#include "worker/geometry/kernel.h"

/** Was this program built with geometry, and is the module where it should be? Loads nothing. */
bool qr_geometry_is_there(void);

/**
 * Load it and let it get ready; before the sandbox closes. It stays for the life of the process.
 *
 * Errors: QR_E_NOT_FOUND, no module, or libraries that it needs are missing; QR_E_INTERNAL, it is
 *         another version's or could not get ready.
 */
QR_MUST_CHECK int qr_geometry_load(const struct qr_kernel **ret, struct qr_err *err);

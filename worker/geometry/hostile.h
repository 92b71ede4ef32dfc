/* worker/geometry/hostile.h
 *
 * A kernel that misbehaves on purpose, to test what is around it. Only built with
 * QUARRY_TEST_EXTRACTORS.
 */
#pragma once
#include <stddef.h>

/** A model whose first bytes name `kernel:WORD` gets this treatment: `loop` (never comes back),
 *  `segfault`, `memory` (takes all there is), `open` (a forbidden file; goes on when denied),
 * `exec` (deadly). Comes back when there is nothing of the kind, or it was survived. */
void qr_geometry_misbehave(const void *data, size_t len);

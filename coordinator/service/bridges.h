/* coordinator/service/bridges.h
 *
 * The CAD bridges that report to this coordinator, as of their last report: for the metrics.
 * Thread-safe. One that has been silent for a minute is forgotten.
 */
#pragma once
#include "common/base.h"
#include "coordinator/http/metrics.h"
#include "quarry/v1/bridge.pb-c.h"

enum { QR_BRIDGES_MAX = 256 };

struct qr_bridges;

struct qr_bridges *qr_bridges_new(void); /* NULL: out of memory */
void qr_bridges_free(struct qr_bridges *bridges);

/** Copied. Beyond QR_BRIDGES_MAX one is left out. */
void qr_bridges_put(struct qr_bridges *bridges, const Quarry__V1__BridgeState *state);

/** quarry_cad_*: docs/metrics.md. */
void qr_bridges_metrics(struct qr_bridges *bridges, struct qr_metrics *out);

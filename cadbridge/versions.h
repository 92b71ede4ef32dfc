/* cadbridge/versions.h
 *
 * Is there a newer version of a model in its folder? Creo writes wheel.prt.13 beside wheel.prt.12.
 *
 * A folder is listed once and the list kept, as long as common/os/fresh.h lets it: a version that
 * comes, goes or is renamed between two questions is seen by the second one. Folders are known by
 * device and number, not by path. At most `max_bytes` are kept, the folders asked for longest ago
 * go first; one that does not fit into a quarter of that is listed for every question.
 *
 * Thread-safe; no lock is held while a folder is read, so a share that hangs holds up those alone
 * who ask for it.
 */
#pragma once
#include <stddef.h>

#include "cadbridge/name.h"
#include "common/err.h"

struct qr_cad_versions;

/** Errors: QR_E_NOMEM. */
QR_MUST_CHECK int qr_cad_versions_new(size_t max_bytes, struct qr_cad_versions **ret,
                                      struct qr_err *err);
/** Nobody may be asking. */
void qr_cad_versions_free(struct qr_cad_versions *versions);
QR_DEFINE_AUTO(qr_cad_versions)

/**
 * The number of the newest version of `name` in its folder below root_dir; 0: none is newer, or
 * the folder cannot be read. Stays beneath root_dir. May block on a share.
 */
uint32_t qr_cad_versions_newer(struct qr_cad_versions *versions, const char *root_dir,
                               const struct qr_cad_name *name);

/* What it did, for tests and logs. */
struct qr_cad_versions_view {
    uint64_t questions, readings;
    size_t folders, bytes; /* kept */
};
void qr_cad_versions_look(struct qr_cad_versions *versions, struct qr_cad_versions_view *ret);

/* coordinator/db/search.h
 *
 * Models that are alike, by their embeddings or their genomes as they are stored. For
 * qr_db_submit() functions on QR_DB_LANE_LONG, since an exact search reads all of them.
 * docs/database.md "Models that are alike".
 */
#pragma once
#include "common/base.h"
#include "common/err.h"
#include "quarry/v1/admin.pb-c.h"

struct qr_conn;

enum { QR_SEARCH_DEFAULT = 10, QR_SEARCH_MAX = 200 };

/** Freed with quarry__v1__search_similar_reply__free_unpacked().
 *
 *  Errors: QR_E_INVALID, no model is named, or too many are asked for. QR_E_NOT_FOUND, there is no
 *  such model, or it has nothing to be compared by, or not that. QR_E_DB, QR_E_NOMEM. */
QR_MUST_CHECK int qr_search_similar(struct qr_conn *conn,
                                    const Quarry__V1__SearchSimilarRequest *request,
                                    Quarry__V1__SearchSimilarReply **ret, struct qr_err *err);

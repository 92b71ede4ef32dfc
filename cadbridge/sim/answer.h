/* cadbridge/sim/answer.h
 *
 * What the simulator says about a model: the frames of one Extract answer, encoded.
 *
 * A model is described by DIR/NAME.json ("wheel.prt.json"): an object whose keys are the parts of
 * ExtractReply (proto/quarry/creo/v1/creo.proto) with their fields by name; several views or
 * embeddings are a list. What the description does not say, or a model without one, is made up from
 * the name: the same name gives the same answer everywhere. `{"absent": true}` is a model that Creo
 * does not have.
 *
 * Stateless and thread-safe.
 */
#pragma once
#include "common/err.h"
#include "quarry/creo/v1/creo.pb-c.h"

#define QR_SIM_CREO "10.0.2.0 (simulated)" /* the version it claims */

struct qr_sim_frame {
    uint8_t *data;
    size_t len;
};

struct qr_sim_answer {
    struct qr_sim_frame *frames;
    size_t n;
};

/**
 * The whole answer, from the head to the end.
 *
 *   models  folder of the descriptions; NULL: none
 *   seed    of what is made up
 *
 * Errors: QR_E_NOT_FOUND, described as absent. QR_E_DATA, a description that cannot be read (path
 * in the message). QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_sim_answer(const Quarry__Creo__V1__ExtractRequest *request, const char *models,
                                uint64_t seed, struct qr_sim_answer *ret, struct qr_err *err);
void qr_sim_answer_done(struct qr_sim_answer *answer);

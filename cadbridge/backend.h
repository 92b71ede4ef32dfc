/* cadbridge/backend.h
 *
 * The seam between the bridge and what stands in front of Creo: a gRPC service (creo.c) or CREOSON
 * (creoson.c). A back end belongs to one thread; its calls block, at most for the deadline.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "common/class.h"
#include "common/err.h"
#include "common/record/record.h"

/* Whose fault it is that nothing came. */
enum qr_cad_blame {
    QR_CAD_GOOD,
    QR_CAD_MODEL,    /* Creo works, this model cannot be had or read: counts as a good call */
    QR_CAD_SERVICE,  /* unavailable, late, broken, garbage, half an answer, another model's data */
    QR_CAD_GIVEN_UP, /* we ended it: says nothing about the service */
};

struct qr_cad_request {
    const char *model; /* "wheel.prt" */
    uint32_t revision; /* 12; 0: not said */
    const char *uri;   /* root://NAME/a/wheel.prt.12 */
    const char *root;
    const char *folder; /* "a", "" */
    uint32_t max_points;
    int64_t deadline_ms; /* from now */
};

struct qr_cad_failure {
    enum qr_class cls; /* for the job, when no other way is left */
    char message[400];
};

struct qr_cad_backend {
    /**
     * Is the service there, and what is it? ret_what, of `size`, e.g. "creo 10.0.2.0 at h:1".
     * Errors: QR_E_UNREACHABLE and others, with a hint.
     */
    int (*test)(struct qr_cad_backend *self, int64_t deadline_ms, char *ret_what, size_t size,
                struct qr_err *err);
    /** Fill `rec`, which is empty, or say whose fault it is. What is in `rec` after a failure is
     *  not to be used. */
    enum qr_cad_blame (*extract)(struct qr_cad_backend *self, const struct qr_cad_request *request,
                                 struct qr_record *rec, struct qr_cad_failure *ret);
    void (*free)(struct qr_cad_backend *self);
    const char *name;               /* "creo", "creoson": the record's extractor */
    const atomic_bool *interrupted; /* ends what is under way when true; borrowed */
};

/**
 * Of an address: grpc://HOST:PORT or creoson+http://HOST:PORT.
 *
 *   interrupted  borrowed for its life
 *
 * Errors: QR_E_USAGE, no such scheme or address. QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_cad_backend_new(const char *address, const atomic_bool *interrupted,
                                     struct qr_cad_backend **ret, struct qr_err *err);
static inline void qr_cad_backend_free(struct qr_cad_backend *backend)
{
    if (backend)
        backend->free(backend);
}
QR_DEFINE_AUTO(qr_cad_backend)

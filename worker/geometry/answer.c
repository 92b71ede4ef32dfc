/* The answer as bytes that can stand behind another record. */
#include <stdio.h>
#include <string.h>

#include "worker/geometry/geometry.h"

bool qr_geometry_is_for(const Quarry__V1__ExtractionRecord *msg,
                        const struct qr_extract_options *options)
{
    return strcmp(msg->type, "step") == 0 && !msg->empty_reason[0] &&
           options->geometry != QR_EXTRACT_OFF;
}

static bool pack(const Quarry__V1__ExtractionRecord *msg, struct qr_buf *out)
{
    size_t len = quarry__v1__extraction_record__get_packed_size(msg);
    uint8_t *to = qr_buf_reserve(out, len);

    if (!to)
        return false;
    out->len += quarry__v1__extraction_record__pack(msg, to);
    return true;
}

int qr_geometry_encode(const struct qr_record *rec, struct qr_buf *out, struct qr_err *err)
{
    Quarry__V1__ExtractionRecord tail = QUARRY__V1__EXTRACTION_RECORD__INIT;

    tail.geometry = rec->msg->geometry;
    tail.notes = rec->msg->notes;
    tail.n_notes = rec->msg->n_notes;
    if (rec->failed || !tail.geometry)
        return qr_fail(err, QR_E_NOMEM, "out of memory for the answer");
    if (!pack(&tail, out))
        return qr_fail(err, QR_E_LIMIT, "the answer is too large");
    return QR_OK;
}

bool qr_geometry_missing(const char *status, const char *message, int64_t duration_ms,
                         struct qr_buf *out)
{
    Quarry__V1__ExtractionRecord tail = QUARRY__V1__EXTRACTION_RECORD__INIT;
    Quarry__V1__CadGeometry geometry = QUARRY__V1__CAD_GEOMETRY__INIT;
    Quarry__V1__Note note = QUARRY__V1__NOTE__INIT;
    Quarry__V1__Note *notes[] = {&note};
    char code[32];

    snprintf(code, sizeof code, "geometry.%s", status);
    geometry.status = (char *)(uintptr_t)status;
    geometry.message = (char *)(uintptr_t)message;
    geometry.duration_ms = (uint32_t)duration_ms;
    note.code = code;
    note.count = 1;
    note.message = (char *)(uintptr_t)message;
    tail.geometry = &geometry;
    tail.notes = notes;
    tail.n_notes = 1;
    return pack(&tail, out);
}

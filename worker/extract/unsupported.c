#include "worker/extract/unsupported.h"

#include "worker/extract/extract.h"

void qr_unsupported_extract(const struct qr_extract *x)
{
    qr_record_fail(x->rec, QR_CLASS_UNSUPPORTED,
                   "%s files are recognised, but this version extracts only pdf, dxf, step and text",
                   x->rec->msg->type);
}

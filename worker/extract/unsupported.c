#include "worker/extract/unsupported.h"

#include <string.h>

#include "worker/extract/extract.h"

void qr_unsupported_extract(const struct qr_extract *x)
{
    if (strcmp(x->rec->msg->type, "dwg") == 0) {
        qr_record_fail(x->rec, QR_CLASS_UNSUPPORTED,
                       "DWG is read through a converter, and this worker has none; hint: ./dev "
                       "setup installs one, dwg2dxf of LibreDWG in PATH is another, "
                       "--dwg-converter names any (docs/tools.md)");
        return;
    }
    if (strcmp(x->rec->msg->type, "cad") == 0) {
        qr_record_fail(
            x->rec, QR_CLASS_UNSUPPORTED,
            "a Creo model is not read from its file; hint: quarry-cadbridge brings it by "
            "a service in front of Creo or from an export (docs/bridge.md)");
        return;
    }
    qr_record_fail(
        x->rec, QR_CLASS_UNSUPPORTED,
        "%s files are recognised, but this version extracts only pdf, dxf, dwg, step, ifc and text",
        x->rec->msg->type);
}

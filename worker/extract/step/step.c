#include "worker/extract/step/step.h"

#include "worker/extract/extract.h"
#include "worker/extract/p21/model.h"

void qr_step_extract(const struct qr_extract *x)
{
    QR_AUTO(qr_p21) p21 = qr_p21_read(x, ".stp .step .p21");

    if (!p21)
        return;
    qr_p21_describe(x, p21, "step");
    if (qr_p21_count(p21) == 0)
        qr_record_set_empty(x->rec, "the file has no records");
}

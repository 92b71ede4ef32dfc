#include "ctl/verb/verbs.h"

const struct qr_ctl_verb *const qr_ctl_verbs[] = {
#define QR_CTL_VERB_ROW(name) &qr_ctl_##name,
    QR_CTL_VERBS(QR_CTL_VERB_ROW)
#undef QR_CTL_VERB_ROW
        NULL,
};

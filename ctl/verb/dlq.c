#include "ctl/verb/dlq.h"

#include <stdlib.h>
#include <string.h>

int qr_dlq_parse_pattern(const char *text, uint32_t *ret, struct qr_err *err)
{
    *ret = 0;
    if (!text)
        return QR_OK;
    if (strlen(text) == 8 && strspn(text, "0123456789abcdefABCDEF") == 8)
        *ret = (uint32_t)strtoul(text, NULL, 16);
    if (*ret == 0)
        return qr_fail(
            err, QR_E_USAGE,
            "--pattern: '%s' is no pattern; hint: the first column of quarry dlq analyze", text);
    return QR_OK;
}

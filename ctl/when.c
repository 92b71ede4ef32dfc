#include "ctl/when.h"

#include <string.h>
#include <time.h>

int qr_when_parse(const char *option, const char *text, int64_t *ret_ms, struct qr_err *err)
{
    struct tm tm = {.tm_isdst = -1};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M", &tm);

    if (rest && *rest == ':')
        rest = strptime(rest, ":%S", &tm);
    bool utc = rest && strcmp(rest, "Z") == 0;
    time_t at = !rest || (*rest && !utc) ? -1 : utc ? timegm(&tm) : mktime(&tm);
    if (at <= 0)
        return qr_fail(err, QR_E_USAGE, "%s '%.40s' is no time; hint: %s 2026-01-31T08:15", option,
                       text, option);
    *ret_ms = (int64_t)at * 1000;
    return QR_OK;
}

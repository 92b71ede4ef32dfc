#include "worker/extract/options.h"

#include <stdlib.h>
#include <string.h>

#include "common/base.h"

static int set_mode(uint8_t *mode, const char *key, const char *value, struct qr_err *err)
{
    static const char *const names[] = {
        [QR_EXTRACT_AUTO] = "auto", [QR_EXTRACT_OFF] = "off", [QR_EXTRACT_ON] = "on"};

    for (size_t i = 0; i < QR_COUNT(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            *mode = (uint8_t)i;
            return QR_OK;
        }
    }
    return qr_fail(err, QR_E_INVALID, "option %s is '%s'; hint: it is auto, off or on", key, value);
}

static int set_points(int32_t *points, const char *value, struct qr_err *err)
{
    char *end;
    long n = strtol(value, &end, 10);

    if (end == value || *end || n < 0 || n > QR_EXTRACT_POINTS_MAX)
        return qr_fail(err, QR_E_INVALID,
                       "option geometry-points is '%.40s'; hint: it is a number from 0 to %d",
                       value, QR_EXTRACT_POINTS_MAX);
    *points = n > 0 ? (int32_t)n : -1;
    return QR_OK;
}

int qr_extract_options_set(struct qr_extract_options *options, const char *key, const char *value,
                           struct qr_err *err)
{
    if (strcmp(key, "analysis") == 0)
        return set_mode(&options->analysis, key, value, err);
    if (strcmp(key, "ocr") == 0)
        return set_mode(&options->ocr, key, value, err);
    if (strcmp(key, "spans") == 0)
        return set_mode(&options->spans, key, value, err);
    if (strcmp(key, "geometry") == 0)
        return set_mode(&options->geometry, key, value, err);
    if (strcmp(key, "geometry-views") == 0)
        return set_mode(&options->geometry_views, key, value, err);
    if (strcmp(key, "geometry-points") == 0)
        return set_points(&options->geometry_points, value, err);
    if (strcmp(key, "follow-references") == 0 && strcmp(value, "auto") != 0)
        return set_mode(&options->follow, key, value, err);
    if (strcmp(key, "follow-references") == 0)
        return qr_fail(err, QR_E_INVALID, "option %s is 'auto'; hint: it is off or on", key);
    if (strcmp(key, "dxf-encoding") != 0)
        return qr_fail(err, QR_E_INVALID,
                       "there is no option '%s'; hint: analysis, ocr, spans, geometry, "
                       "geometry-points, geometry-views, dxf-encoding, follow-references",
                       key);
    if (strlen(value) >= sizeof options->dxf_encoding)
        return qr_fail(err, QR_E_INVALID, "option %s: the name '%.40s…' is too long", key, value);
    memset(options->dxf_encoding, 0, sizeof options->dxf_encoding);
    memcpy(options->dxf_encoding, value, strlen(value));
    return QR_OK;
}

/* Measurements as text. The numbers themselves first, then what stands around them. */
#include "worker/extract/dxf/dimension_format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LARGEST 1e15 /* beyond it no decimals are exact: written as %g */
#define ZEROS_LEADING 4
#define ZEROS_TRAILING 8

static double rounded(double value, double step)
{
    if (step > 0 && isfinite(step) && fabs(value / step) < LARGEST)
        return round(value / step) * step;
    return value;
}

/* Half of the last place is rounded away from zero, also where binary falls just short of it. */
static double nudged(double value) { return value * (1 + 1e-13); }

static void drop_trailing_zeros(char *text)
{
    size_t len = strlen(text);

    if (!strchr(text, '.'))
        return;
    while (len > 0 && text[len - 1] == '0')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '.')
        text[--len] = '\0';
}

/* value >= 0 */
static void put_decimal(double value, int decimals, bool no_leading, bool no_trailing, char point,
                        struct qr_buf *out)
{
    char text[64];
    const char *from = text;

    if (value >= LARGEST) {
        qr_buf_printf(out, "%g", value);
        return;
    }
    snprintf(text, sizeof text, "%.*f", decimals, nudged(value));
    if (no_trailing)
        drop_trailing_zeros(text);
    if (no_leading && text[0] == '0' && text[1] == '.')
        from++;
    for (char *p = text; *p; p++)
        if (*p == '.')
            *p = point;
    qr_buf_append_str(out, from);
}

static void put_scientific(const struct qr_dxf_number_style *style, double value,
                           struct qr_buf *out)
{
    char text[64];

    snprintf(text, sizeof text, "%.*E", style->decimals, value);
    for (char *p = text; *p; p++)
        if (*p == '.')
            *p = style->point;
    qr_buf_append_str(out, text);
}

/* Whole number and fraction: "2 1/2", "1/2", "2". */
static void put_fraction(double whole, unsigned part, unsigned of, bool zero_whole,
                         struct qr_buf *out)
{
    while (part > 0 && part % 2 == 0) {
        part /= 2;
        of /= 2;
    }
    if (whole > 0 || zero_whole || part == 0)
        qr_buf_printf(out, "%.0f", whole);
    if (part > 0)
        qr_buf_printf(out, "%s%u/%u", whole > 0 || zero_whole ? " " : "", part, of);
}

static void put_fractional(const struct qr_dxf_number_style *style, double value,
                           struct qr_buf *out)
{
    unsigned of = 1u << style->decimals;
    double parts = round(nudged(value) * of), whole = floor(parts / of);

    put_fraction(whole, (unsigned)(parts - whole * of), of, false, out);
}

/* Feet and inches. Zeros as DIMZIN 0 .. 3: 0 no zero feet, no zero inches; 1 both; 2 zero feet
 * alone; 3 zero inches alone. */
static void put_feet(const struct qr_dxf_number_style *style, double value, struct qr_buf *out)
{
    bool fractions = style->unit == QR_DXF_LUNIT_ARCHITECTURAL;
    unsigned of = fractions ? 1u << style->decimals : (unsigned)pow(10, style->decimals);
    double parts = round(nudged(value) * of), feet = floor(parts / (12.0 * of));
    double inches = parts - feet * 12.0 * of;
    int zeros = style->zeros & 3;
    bool with_feet = feet > 0 || zeros == 1 || zeros == 2;
    bool with_inches = inches > 0 || zeros == 1 || zeros == 3 || !with_feet;

    if (with_feet)
        qr_buf_printf(out, "%.0f'%s", feet, with_inches ? "-" : "");
    if (!with_inches)
        return;
    if (fractions)
        put_fraction(floor(inches / of), (unsigned)fmod(inches, of), of, with_feet, out);
    else
        put_decimal(inches / of, style->decimals, (style->zeros & ZEROS_LEADING) != 0,
                    (style->zeros & ZEROS_TRAILING) != 0, style->point, out);
    qr_buf_append_str(out, "\"");
}

void qr_dxf_format_length(const struct qr_dxf_number_style *style, double value, struct qr_buf *out)
{
    double v = rounded(fabs(value), style->round);

    if (!isfinite(value))
        return;
    if (value < 0)
        qr_buf_append_str(out, "-");
    if (v >= 1e9 && style->unit != QR_DXF_LUNIT_SCIENTIFIC) {
        put_decimal(v, style->decimals, false, true, style->point, out);
        return;
    }
    switch (style->unit) {
    case QR_DXF_LUNIT_SCIENTIFIC:
        put_scientific(style, v, out);
        break;
    case QR_DXF_LUNIT_ENGINEERING:
    case QR_DXF_LUNIT_ARCHITECTURAL:
        put_feet(style, v, out);
        break;
    case QR_DXF_LUNIT_FRACTIONAL:
        put_fractional(style, v, out);
        break;
    default:
        put_decimal(v, style->decimals, (style->zeros & ZEROS_LEADING) != 0,
                    (style->zeros & ZEROS_TRAILING) != 0, style->point, out);
        break;
    }
}

/* Degrees, minutes, seconds: as many of them as there are places. */
static void put_dms(int decimals, double degrees, char point, struct qr_buf *out)
{
    int extra = decimals > 4 ? decimals - 4 : 0;
    double scale = decimals <= 0 ? 1 : decimals <= 2 ? 60 : 3600 * pow(10, extra);
    double parts = round(nudged(degrees) * scale);
    double whole = floor(parts / scale), rest = parts - whole * scale;

    qr_buf_printf(out, "%.0f\xC2\xB0", whole);
    if (decimals <= 0)
        return;
    if (decimals <= 2) {
        qr_buf_printf(out, "%.0f'", rest);
        return;
    }
    scale /= 60;
    qr_buf_printf(out, "%.0f'", floor(rest / scale));
    put_decimal(fmod(rest, scale) / (scale / 60), extra, false, false, point, out);
    qr_buf_append_str(out, "\"");
}

void qr_dxf_format_angle(enum qr_dxf_aunit unit, int decimals, int zeros, char point,
                         double degrees, struct qr_buf *out)
{
    bool no_leading = (zeros & 1) != 0, no_trailing = (zeros & 2) != 0;

    if (!isfinite(degrees))
        return;
    if (degrees < 0)
        qr_buf_append_str(out, "-");
    degrees = fabs(degrees);
    if (degrees >= 1e9) {
        qr_buf_printf(out, "%g\xC2\xB0", degrees);
        return;
    }
    switch (unit) {
    case QR_DXF_AUNIT_DMS:
        put_dms(decimals, degrees, point, out);
        break;
    case QR_DXF_AUNIT_GRADS:
        put_decimal(degrees / 0.9, decimals, no_leading, no_trailing, point, out);
        qr_buf_append_str(out, "g");
        break;
    case QR_DXF_AUNIT_RADIANS:
        put_decimal(degrees * 3.14159265358979323846 / 180, decimals, no_leading, no_trailing,
                    point, out);
        qr_buf_append_str(out, "r");
        break;
    default:
        put_decimal(degrees, decimals, no_leading, no_trailing, point, out);
        qr_buf_append_str(out, "\xC2\xB0");
        break;
    }
}

/* The number alone; `tolerance`: with the decimals and zeros of tolerances. */
static void put_number(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind, double value,
                       bool tolerance, struct qr_buf *out)
{
    if (qr_dxf_dim_is_angle(kind)) {
        int decimals = tolerance ? vars->tdec : vars->adec < 0 ? vars->dec : vars->adec;
        qr_dxf_format_angle(vars->aunit, decimals, vars->azin, vars->dsep, value, out);
        return;
    }
    struct qr_dxf_number_style style = {
        .unit = vars->lunit,
        .decimals = tolerance ? vars->tdec : vars->dec,
        .zeros = tolerance ? vars->tzin : vars->zin,
        .round = tolerance ? 0 : vars->rnd,
        .point = vars->dsep,
    };
    qr_dxf_format_length(&style, value, out);
}

static void put_signed(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind, double value,
                       struct qr_buf *out)
{
    if (value > 0)
        qr_buf_append_str(out, "+");
    put_number(vars, kind, value, true, out);
}

/* Number with tolerance, or the two limits. */
static void put_toleranced(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind,
                           double value, struct qr_buf *out)
{
    if (vars->lim) {
        put_number(vars, kind, value + vars->tp, false, out);
        qr_buf_append_str(out, " ");
        put_number(vars, kind, value - vars->tm, false, out);
        return;
    }
    put_number(vars, kind, value, false, out);
    if (!vars->tol || (vars->tp == 0 && vars->tm == 0))
        return;
    if (vars->tp == vars->tm) {
        qr_buf_append_str(out, "\xC2\xB1"); /* plus-minus */
        put_number(vars, kind, fabs(vars->tp), true, out);
        return;
    }
    qr_buf_append_str(out, " ");
    put_signed(vars, kind, vars->tp, out);
    qr_buf_append_str(out, " ");
    put_signed(vars, kind, -vars->tm, out);
}

/* The sign of a radius or diameter, unless DIMPOST says what stands in front; "<>" alone
 * is how writers that put the sign into the text keep it away. */
static const char *sign_of(enum qr_dxf_dim_kind kind)
{
    if (kind == QR_DXF_DIM_RADIUS || kind == QR_DXF_DIM_JOGGED)
        return "R";
    return kind == QR_DXF_DIM_DIAMETER ? "\xC3\x98" : "";
}

/* What stands where a dimension's text says "<>": for an angle without prefix and suffix.
 *
 *   value  in the unit shown: scaled by DIMLFAC, degrees for an angle
 */
static void format_measurement(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind,
                               double value, struct qr_buf *out)
{
    const char *post = vars->post, *mark;

    if (qr_dxf_dim_is_angle(kind))
        post = NULL;
    mark = post ? strstr(post, "<>") : NULL;
    if (mark && (mark > post || mark[2] == '\0'))
        qr_buf_append(out, post, (size_t)(mark - post));
    else
        qr_buf_append_str(out, sign_of(kind));
    put_toleranced(vars, kind, value, out);
    if (mark)
        qr_buf_append_str(out, mark + 2);
    else if (post)
        qr_buf_append_str(out, post);
}

/* The alternate number, with its brackets; nothing for angles. */
static void format_alternate(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind,
                             double value, struct qr_buf *out)
{
    const char *mark = vars->apost ? strstr(vars->apost, "[]") : NULL;
    struct qr_dxf_number_style style = {
        .unit = vars->altu,
        .decimals = vars->altd,
        .zeros = vars->altz,
        .round = vars->altrnd,
        .point = vars->dsep,
    };

    if (qr_dxf_dim_is_angle(kind))
        return;
    qr_buf_append_str(out, "[");
    if (mark)
        qr_buf_append(out, vars->apost, (size_t)(mark - vars->apost));
    qr_dxf_format_length(&style, value * vars->altf, out);
    if (mark)
        qr_buf_append_str(out, mark + 2);
    else if (vars->apost)
        qr_buf_append_str(out, vars->apost);
    qr_buf_append_str(out, "]");
}

static void put_default(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind, double value,
                        bool alternate, struct qr_buf *out)
{
    format_measurement(vars, kind, value, out);
    if (alternate && vars->alt && !qr_dxf_dim_is_angle(kind)) {
        qr_buf_append_str(out, " ");
        format_alternate(vars, kind, value, out);
    }
}

static bool has_mark(const char *text, size_t len, const char *mark)
{
    for (size_t i = 0; i + 1 < len; i++)
        if (text[i] == mark[0] && text[i + 1] == mark[1])
            return true;
    return false;
}

void qr_dxf_format_text(const struct qr_dxf_dimvars *vars, enum qr_dxf_dim_kind kind, double value,
                        const char *text, size_t len, struct qr_buf *out)
{
    size_t from = 0;
    bool alternate;

    if (!text || len == 0) {
        put_default(vars, kind, value, true, out);
        return;
    }
    alternate = !has_mark(text, len, "[]");
    for (size_t i = 0; i + 1 < len && !out->failed; i++) {
        bool main_mark = text[i] == '<' && text[i + 1] == '>';
        if (!main_mark && (text[i] != '[' || text[i + 1] != ']'))
            continue;
        qr_buf_append(out, text + from, i - from);
        if (main_mark)
            put_default(vars, kind, value, alternate, out);
        else
            format_alternate(vars, kind, value, out);
        from = ++i + 1;
    }
    if (from < len)
        qr_buf_append(out, text + from, len - from);
}

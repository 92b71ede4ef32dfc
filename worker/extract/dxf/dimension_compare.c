/* Is the shown number the measured one? */
#include <math.h>
#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/dimension_text.h"
#include "worker/extract/dxf/dimension_intern.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Decimals of the first number of a text. */
static int decimals_of(const char *text, size_t len)
{
    bool behind_point = false;
    int decimals = 0;
    size_t i = 0;

    while (i < len && !is_digit(text[i]))
        i++;
    if (i > 0 && (text[i - 1] == '.' || text[i - 1] == ','))
        i--;
    for (; i < len; i++) {
        if (is_digit(text[i]))
            decimals += behind_point;
        else if ((text[i] == '.' || text[i] == ',') && !behind_point)
            behind_point = true;
        else
            break;
    }
    return decimals;
}

/* The denominator of a fraction like 3 1/2 or 5'-2 1/2", 1 of whole feet and inches, 0 of a number
 * without fractions: limits (10.2/10.0) and fits (H7/g6) are none. */
static unsigned denominator_of(const char *text, size_t len)
{
    for (size_t i = 1; i + 1 < len; i++) {
        size_t from = i, to = i + 1;
        unsigned value = 0;
        if (text[i] != '/')
            continue;
        while (from > 0 && is_digit(text[from - 1]))
            from--;
        for (; to < len && is_digit(text[to]) && value < 1000; to++)
            value = value * 10 + (unsigned)(text[to] - '0');
        bool apart = from == 0 || strchr(" -'R(", text[from - 1]);
        bool whole = to == len || (text[to] != '.' && text[to] != ',');
        if (from < i && apart && whole && value > 1 && value <= 256)
            return value;
    }
    return memchr(text, '\'', len) ? 1 : 0;
}

/* Decimals that the style gives the number; those of limits may be the tolerance's. */
static int style_decimals(const struct qr_dxf_dimension *dim)
{
    const struct qr_dxf_dimvars *vars = &dim->vars;
    int decimals = vars->lim && vars->tdec < vars->dec ? vars->tdec : vars->dec;

    if (qr_dxf_dim_is_angle(dim->geometry.kind) && vars->adec >= 0 && vars->adec < decimals)
        decimals = vars->adec;
    return decimals;
}

/* Are zeros behind the point left out? */
static bool drops_zeros(const struct qr_dxf_dimension *dim)
{
    if (qr_dxf_dim_is_angle(dim->geometry.kind))
        return (dim->vars.azin & 2) != 0;
    return (dim->vars.zin & 8) != 0;
}

/* How far the shown number may be from the measured one by its rounding. */
static double rounding_of(const struct qr_dxf_dimension *dim, const char *shown, size_t len)
{
    int decimals = decimals_of(shown, len), style = style_decimals(dim);
    unsigned denominator = denominator_of(shown, len);
    bool formatted = !qr_dxf_dim_is_literal(dim);
    bool feet =
        dim->vars.lunit == QR_DXF_LUNIT_ARCHITECTURAL || dim->vars.lunit == QR_DXF_LUNIT_FRACTIONAL;
    double step;

    if (denominator > 0 && formatted && feet) /* of the style: 4/16 is shown as 1/4 */
        step = 1.0 / (1 << style);
    else if (denominator > 0)
        step = 1.0 / denominator;
    else if (formatted && style > decimals && drops_zeros(dim))
        step = pow(10, -style);
    else
        step = pow(10, -decimals);
    if (formatted && dim->vars.rnd > 0 && !qr_dxf_dim_is_angle(dim->geometry.kind))
        step += dim->vars.rnd;
    return step * 0.501;
}

/* Millimetres of a unit that texts name, 0 of others. */
static double unit_mm(const char *unit)
{
    static const struct {
        const char *name;
        double mm;
    } units[] = {{"mm", 1}, {"cm", 10}, {"m", 1000}, {"in", 25.4}, {"ft", 304.8}};

    for (size_t i = 0; i < QR_COUNT(units); i++)
        if (strcmp(unit, units[i].name) == 0)
            return units[i].mm;
    return 0;
}

/* Is the shown number, times `scale`, the measured one or one of its limits, but for rounding? */
static bool is_measured(const struct qr_dxf_dimension *dim, double measured, double shown,
                        double scale, double rounding)
{
    double value = shown * scale, slack = rounding * scale + 1e-6 * fmax(1, fabs(value));

    if (fabs(measured - value) <= slack)
        return true;
    return dim->vars.lim && (fabs(measured + dim->vars.tp - value) <= slack ||
                             fabs(measured - dim->vars.tm - value) <= slack);
}

bool qr_dxf_dim_disagrees(const struct qr_dxf_dimension *dim,
                          const struct qr_dxf_dim_numbers *numbers, const char *shown, size_t len,
                          const struct qr_dimension_text *said, const char *drawing_unit)
{
    double measured = fabs(numbers->has_raw ? numbers->raw : numbers->computed);
    double rounding = rounding_of(dim, shown, len);
    double from = unit_mm(said->unit), to = unit_mm(drawing_unit);

    if (!numbers->has_raw && !numbers->has_computed)
        return false;
    if (is_measured(dim, measured, said->value, 1, rounding))
        return false;
    return !(from > 0 && to > 0) || !is_measured(dim, measured, said->value, from / to, rounding);
}

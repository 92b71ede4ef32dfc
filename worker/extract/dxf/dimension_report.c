/* From the numbers and the shown text to the record. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base.h"
#include "common/record/parts.h"
#include "worker/extract/drawing/dimension_text.h"
#include "worker/extract/dxf/dimension_intern.h"
#include "worker/extract/dxf/units.h"
#include "worker/extract/extract.h"

#define DEGREES (180.0 / 3.14159265358979323846)

/* Equal but for the digits that files write. */
static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-6 * fmax(1, fmax(fabs(a), fabs(b)));
}

static double factor_of(const struct qr_dxf_dimension *dim)
{
    double factor = dim->vars.lfac;

    if (qr_dxf_dim_is_angle(dim->geometry.kind) || factor == 0)
        return 1;
    if (factor < 0)
        return dim->where.paper ? -factor : 1;
    return factor;
}

/* Group 42: -1 and 0 are what writers without a measurement put there; 0 may be true. */
static bool is_measurement(double raw, const struct qr_dxf_dim_numbers *numbers)
{
    if (raw == -1.0)
        return false;
    if (raw == 0.0)
        return numbers->has_computed && fabs(numbers->computed) < 1e-9;
    return isfinite(raw);
}

void qr_dxf_dim_numbers(const struct qr_dxf_dimension *dim, struct qr_dxf_dim_numbers *ret)
{
    *ret = (struct qr_dxf_dim_numbers){.factor = factor_of(dim)};
    ret->has_computed = qr_dxf_dim_measure(&dim->geometry, &ret->computed);
    ret->computed *= ret->factor;
    if (!isfinite(ret->computed)) {
        ret->computed = 0;
        ret->has_computed = false;
    }
    if (!dim->has_raw || !is_measurement(dim->raw, ret))
        return;
    ret->has_raw = true;
    ret->raw = dim->raw;
    if (qr_dxf_dim_is_angle(dim->geometry.kind)) {
        bool in_degrees = ret->has_computed && fabs(dim->raw - ret->computed) < 0.01 &&
                          fabs(dim->raw * DEGREES - ret->computed) > 0.01;
        if (!in_degrees)
            ret->raw *= DEGREES;
    }
}

static const char *kind_name(const struct qr_dxf_dimension *dim)
{
    switch (dim->geometry.kind) {
    case QR_DXF_DIM_ALIGNED:
        return "aligned";
    case QR_DXF_DIM_ANGULAR:
    case QR_DXF_DIM_ANGULAR3:
        return "angle";
    case QR_DXF_DIM_DIAMETER:
        return "diameter";
    case QR_DXF_DIM_RADIUS:
    case QR_DXF_DIM_JOGGED:
        return "radius";
    case QR_DXF_DIM_ORDINATE:
        return "ordinate";
    case QR_DXF_DIM_ARC:
        return "arc_length";
    default:
        return "linear";
    }
}

/* What the text says has the last word: a linear dimension across a circle shows a diameter. */
static const char *kind_shown(const struct qr_dxf_dimension *dim, const char *said)
{
    static const char *const strong[] = {"thread", "chamfer"};
    static const char *const of_lengths[] = {"diameter", "radius", "angle"};
    bool length =
        dim->geometry.kind == QR_DXF_DIM_LINEAR || dim->geometry.kind == QR_DXF_DIM_ALIGNED;

    for (size_t i = 0; i < QR_COUNT(strong); i++)
        if (strcmp(said, strong[i]) == 0)
            return strong[i];
    for (size_t i = 0; i < QR_COUNT(of_lengths); i++)
        if (length && strcmp(said, of_lengths[i]) == 0)
            return of_lengths[i];
    return kind_name(dim);
}

/* What was read from the text. */
static void fill_shown(struct qr_record *rec, const struct qr_dimension_text *said,
                       Quarry__V1__Dimension *out)
{
    out->value = said->value;
    out->has_value = true;
    if (said->unit[0] != '\0')
        out->unit = qr_record_text(rec, said->unit);
    out->has_tolerance = said->has_tolerance;
    out->upper = said->upper;
    out->lower = said->lower;
    out->quantity = said->quantity;
    out->reference = said->reference;
    out->basic = out->basic || said->basic;
    out->secondary_value = said->has_secondary ? said->secondary : said->depth;
    out->has_secondary = said->has_secondary || said->has_depth;
    if (said->fit[0] != '\0')
        out->fit = qr_record_text(rec, said->fit);
    if (said->prefix[0] != '\0')
        out->prefix = qr_record_text(rec, said->prefix);
    if (said->suffix[0] != '\0')
        out->suffix = qr_record_text(rec, said->suffix);
}

/* The style's tolerance where the text shows none, though the style asks for it. */
static void fill_style_tolerance(const struct qr_dxf_dimension *dim,
                                 const struct qr_dxf_dim_numbers *numbers,
                                 Quarry__V1__Dimension *out)
{
    const struct qr_dxf_dimvars *vars = &dim->vars;
    double measured = numbers->has_raw ? numbers->raw : numbers->computed;
    double a = vars->tp, b = -vars->tm;

    if (out->has_tolerance || !out->has_value || (!vars->tol && !vars->lim) ||
        qr_dxf_dim_is_literal(dim) || (vars->tp == 0 && vars->tm == 0))
        return;
    if (vars->lim) { /* the value is one of the limits: tolerances count from it */
        a = measured + vars->tp - out->value;
        b = measured - vars->tm - out->value;
    }
    out->upper = fmax(a, b);
    out->lower = fmin(a, b);
    out->has_tolerance = true;
}

static void fill_points(struct qr_record *rec, const struct qr_dxf_dim_geometry *g,
                        Quarry__V1__Dimension *out)
{
    static const int lengths[] = {QR_DXF_P13, QR_DXF_P14}, radii[] = {QR_DXF_P10, QR_DXF_P15};
    static const int feature[] = {QR_DXF_P10, QR_DXF_P13};
    static const int lines[] = {QR_DXF_P13, QR_DXF_P14, QR_DXF_P15, QR_DXF_P10};
    static const int legs[] = {QR_DXF_P15, QR_DXF_P13, QR_DXF_P14};
    const int *which = lengths;
    size_t n = 2, used = 0;
    double xy[8];

    switch (g->kind) {
    case QR_DXF_DIM_RADIUS:
    case QR_DXF_DIM_DIAMETER:
    case QR_DXF_DIM_JOGGED:
        which = radii;
        break;
    case QR_DXF_DIM_ORDINATE:
        which = feature;
        break;
    case QR_DXF_DIM_ANGULAR:
        which = lines;
        n = 4;
        break;
    case QR_DXF_DIM_ANGULAR3:
    case QR_DXF_DIM_ARC:
        which = legs;
        n = 3;
        break;
    default:
        break;
    }
    for (size_t i = 0; i < n; i++) {
        if (!g->have[which[i]])
            return;
        xy[used++] = g->points[which[i]][0];
        xy[used++] = g->points[which[i]][1];
    }
    qr_record_set_points(rec, out, xy, used);
}

/* The measured number, where none is shown. */
static void fill_measured(const struct qr_dxf_dim_numbers *numbers, Quarry__V1__Dimension *out)
{
    if (!numbers->has_raw && !numbers->has_computed)
        return;
    out->value = numbers->has_raw ? numbers->raw : numbers->computed;
    out->has_value = true;
}

static const char *source_name(enum qr_dxf_dim_source source,
                               const struct qr_dxf_dim_numbers *numbers, bool parsed)
{
    if (parsed && source == QR_DXF_DIM_BLOCK)
        return "block";
    if (parsed && source == QR_DXF_DIM_OVERRIDE)
        return "override";
    return numbers->has_raw ? "measurement" : numbers->has_computed ? "geometry" : "";
}

/* The box around the text where the block is seen. */
static void map_box(const double m[6], const double box[4], double ret[4])
{
    for (int i = 0; i < 4; i++) {
        double x = box[i & 1 ? 2 : 0], y = box[i & 2 ? 3 : 1];
        double px = m[0] * x + m[2] * y + m[4], py = m[1] * x + m[3] * y + m[5];
        ret[0] = i == 0 ? px : fmin(ret[0], px);
        ret[1] = i == 0 ? py : fmin(ret[1], py);
        ret[2] = i == 0 ? px : fmax(ret[2], px);
        ret[3] = i == 0 ? py : fmax(ret[3], py);
    }
}

static void fill_place(struct qr_record *rec, const struct qr_dxf_dimension *dim,
                       const struct qr_dxf_dim_spot *spot, Quarry__V1__Dimension *out)
{
    const struct qr_dxf_seen *seen = dim->where.block ? dim->where.block->seen : NULL;
    char handle[20];
    double box[4];

    if (dim->handle != 0) {
        snprintf(handle, sizeof handle, "%llX", (unsigned long long)dim->handle);
        out->handle = qr_record_text(rec, handle);
    }
    if (!seen)
        return;
    out->page = seen->page;
    out->layout = qr_record_text(rec, seen->layout);
    if (!spot->known)
        return;
    map_box(seen->m, spot->box, box);
    out->box = qr_record_box(rec, box);
    out->angle = fmod(spot->rotation + atan2(seen->m[1], seen->m[0]) * DEGREES, 360);
    if (out->angle < 0)
        out->angle += 360;
}

/* The unit of a number that names none: the drawing's where the drawing says it. A factor may turn
 * metres into centimetres as well as stand for a scale, so it leaves millimetres and inches alone.
 */
static const char *unit_of(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                           double factor)
{
    struct qr_dxf_unit_guess guess;

    if (qr_dxf_dim_is_angle(dim->geometry.kind))
        return "deg";
    qr_dxf_units_of(doc, &guess);
    if (guess.guessed || (!same(factor, 1) && guess.mm != 1 && guess.mm != 25.4))
        return "";
    return guess.unit;
}

/* The number of features in front of a measurement: "2-", "4x", "8 ". */
static uint32_t quantity_in(const char *head, size_t len)
{
    uint32_t n = 0;
    size_t i = 0;

    while (i < len && head[i] == ' ')
        i++;
    for (; i < len && head[i] >= '0' && head[i] <= '9' && n < 1000; i++)
        n = n * 10 + (uint32_t)(head[i] - '0');
    for (; i < len; i++)
        if ((unsigned char)head[i] < 0x80 && !strchr(" xX-", head[i]))
            return 0;
    return n < 1000 ? n : 0;
}

/* What the shown text says. Where its first number is not the measured one, but the one that the
 * override puts the measurement at is, that one is the value and what is in front the quantity. */
static bool read_shown(const struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                       const struct qr_dxf_dim_numbers *numbers, const struct qr_buf *shown,
                       const char *unit, struct qr_dimension_text *ret, bool *ret_disagrees)
{
    const char *text = (const char *)shown->data;
    struct qr_dimension_text inner;
    size_t at;

    if (shown->len == 0 || !qr_dimension_text_parse_known(text, shown->len, ret))
        return false;
    *ret_disagrees = qr_dxf_dim_disagrees(dim, numbers, text, shown->len, ret, unit);
    at = qr_dxf_dim_number_at(doc, dim, shown);
    if (at == 0 || at >= shown->len)
        return true;
    if (!qr_dimension_text_parse_known(text + at, shown->len - at, &inner) ||
        inner.value == ret->value)
        return true;
    if (qr_dxf_dim_disagrees(dim, numbers, text + at, shown->len - at, &inner, unit))
        return true;
    inner.quantity = quantity_in(text, at);
    *ret = inner;
    *ret_disagrees = false;
    return true;
}

bool qr_dxf_dim_report(struct qr_dxf_doc *doc, const struct qr_dxf_dimension *dim,
                       const struct qr_dxf_dim_numbers *numbers, enum qr_dxf_dim_source source,
                       const struct qr_buf *shown, const struct qr_dxf_dim_spot *spot)
{
    struct qr_record *rec = doc->x->rec;
    const char *unit = unit_of(doc, dim, numbers->factor);
    Quarry__V1__Dimension *out = qr_record_add_dimension(rec);
    struct qr_dimension_text said;
    bool parsed, differs = false;

    if (!out)
        return false;
    parsed = read_shown(doc, dim, numbers, shown, unit, &said, &differs);
    out->kind = qr_record_text(rec, parsed ? kind_shown(dim, said.kind) : kind_name(dim));
    out->basic = dim->vars.gap < 0;
    out->raw_value = numbers->raw;
    out->has_raw = numbers->has_raw;
    out->computed_value = numbers->computed;
    out->has_computed = numbers->has_computed;
    out->scale_factor = same(numbers->factor, 1) ? 0 : numbers->factor;
    if (shown->len > 0)
        out->text = qr_record_string(rec, (const char *)shown->data, shown->len);
    out->unit = qr_record_text(rec, unit);
    if (parsed) {
        fill_shown(rec, &said, out);
        out->disagrees = differs;
    } else {
        fill_measured(numbers, out);
    }
    fill_style_tolerance(dim, numbers, out);
    out->source = qr_record_text(rec, source_name(source, numbers, parsed));
    fill_points(rec, &dim->geometry, out);
    fill_place(rec, dim, spot, out);
    return true;
}

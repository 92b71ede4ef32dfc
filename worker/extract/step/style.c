#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/step/intern.h"

#define COLOURS_MAX 1000
#define STYLE_DEPTH 8
#define STYLE_VISITS 64 /* instances looked at for one style */

/* Which things wear a colour. */
static const struct {
    enum qr_step_name name;
    const char *what;
} wearers[] = {
    {STEP_MANIFOLD_SOLID_BREP, "solid"},  {STEP_BREP_WITH_VOIDS, "solid"},
    {STEP_FACETED_BREP, "solid"},         {STEP_SHELL_BASED_SURFACE_MODEL, "shell"},
    {STEP_OPEN_SHELL, "shell"},           {STEP_CLOSED_SHELL, "shell"},
    {STEP_ADVANCED_FACE, "face"},         {STEP_FACE_SURFACE, "face"},
    {STEP_GEOMETRIC_CURVE_SET, "curves"}, {STEP_TESSELLATED_SOLID, "solid"},
    {STEP_TESSELLATED_SHELL, "shell"},
};

/* Source: ISO 10303-202, draughting_pre_defined_colour. */
static const struct {
    const char *name;
    uint8_t red, green, blue;
} named[] = {
    {"red", 1, 0, 0},  {"green", 0, 1, 0},   {"blue", 0, 0, 1},  {"yellow", 1, 1, 0},
    {"cyan", 0, 1, 1}, {"magenta", 1, 0, 1}, {"black", 0, 0, 0}, {"white", 1, 1, 1},
};

struct colours {
    struct qr_step *s;
    uint16_t *of_style; /* of an instance: colour plus 1; 0: not looked at, UINT16_MAX: none */
    double rgb[COLOURS_MAX][3];
    uint64_t uses[COLOURS_MAX][QR_COUNT(wearers) + 1];
    uint32_t n;
    unsigned visits;
};

static uint16_t add_colour(struct colours *c, const double rgb[3])
{
    for (uint32_t i = 0; i < c->n; i++)
        if (c->rgb[i][0] == rgb[0] && c->rgb[i][1] == rgb[1] && c->rgb[i][2] == rgb[2])
            return (uint16_t)(i + 1);
    if (c->n == COLOURS_MAX)
        return UINT16_MAX;
    memcpy(c->rgb[c->n++], rgb, sizeof c->rgb[0]);
    return (uint16_t)c->n;
}

/* COLOUR_RGB(name, r, g, b) or a colour that everybody knows; 0: it is no colour. */
static uint16_t colour_at(struct colours *c, uint32_t instance)
{
    const struct qr_step *s = c->s;
    double rgb[3] = {0};

    if (qr_step_is(s, instance, STEP_COLOUR_RGB)) {
        for (uint8_t i = 0; i < 3; i++)
            if (!qr_step_number(s, instance,
                                (struct qr_step_field){(uint8_t)(i + 1), i, STEP_COLOUR_RGB},
                                &rgb[i]))
                return UINT16_MAX;
        return add_colour(c, rgb);
    }
    if (!qr_step_is(s, instance, STEP_DRAUGHTING_PRE_DEFINED_COLOUR))
        return 0;
    const char *name =
        qr_step_text(s, instance, (struct qr_step_field){0, 0, STEP_DRAUGHTING_PRE_DEFINED_COLOUR});
    for (size_t i = 0; i < QR_COUNT(named); i++)
        if (qr_step_same(name, named[i].name)) {
            rgb[0] = named[i].red, rgb[1] = named[i].green, rgb[2] = named[i].blue;
            return add_colour(c, rgb);
        }
    return UINT16_MAX;
}

/* The first colour that a style leads to. The chain has fixed stations (style assignment, usage,
 * side, fill area, colour), but curve and point styles take others: any reference is followed, not
 * far. */
static uint16_t find_colour(struct colours *c, uint32_t instance, int depth)
{
    struct qr_p21_value value;
    struct qr_p21_value item;

    if (instance == QR_P21_NONE || depth > STYLE_DEPTH || ++c->visits > STYLE_VISITS)
        return 0;
    if (c->of_style[instance] != 0)
        return c->of_style[instance];
    uint16_t found = colour_at(c, instance);
    uint32_t types[8];
    uint32_t n = found == 0 ? qr_p21_types_of(c->s->p, instance, types, QR_COUNT(types)) : 0;
    for (uint32_t k = 0; k < n && k < QR_COUNT(types) && found == 0; k++) {
        struct qr_p21_cursor cursor = qr_p21_attributes(c->s->p, instance, types[k]);
        while (found == 0 && c->visits <= STYLE_VISITS && qr_p21_next(&cursor, &value)) {
            if (value.kind == QR_P21_REF)
                found = find_colour(c, qr_p21_follow(c->s->p, &value), depth + 1);
            struct qr_p21_cursor items = qr_p21_enter(&value);
            for (int i = 0; i < 8 && found == 0 && qr_p21_next(&items, &item); i++)
                found = find_colour(c, qr_p21_follow(c->s->p, &item), depth + 1);
        }
    }
    c->of_style[instance] = found != 0 ? found : UINT16_MAX;
    return c->of_style[instance];
}

/* STYLED_ITEM(name, styles, item). */
static void take_styled(struct colours *c, enum qr_step_name name)
{
    const struct qr_step *s = c->s;
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);
    struct qr_p21_value list;
    struct qr_p21_value style;

    for (uint32_t i = 0; i < n; i++) {
        uint16_t colour = 0;
        if (!qr_step_field(s, all[i], (struct qr_step_field){1, 0, STEP_STYLED_ITEM}, &list))
            continue;
        struct qr_p21_cursor cursor = qr_p21_enter(&list);
        for (int k = 0; k < 8 && colour == 0 && qr_p21_next(&cursor, &style); k++) {
            c->visits = 0;
            colour = find_colour(c, qr_p21_follow(s->p, &style), 0);
            colour = colour == UINT16_MAX ? 0 : colour;
        }
        if (colour == 0)
            continue;
        uint32_t wearer = qr_step_ref(s, all[i], (struct qr_step_field){2, 1, STEP_STYLED_ITEM});
        size_t what = 0;
        while (what < QR_COUNT(wearers) && !qr_step_is(s, wearer, wearers[what].name))
            what++;
        c->uses[colour - 1][what]++;
    }
}

static void report_colours(struct colours *c)
{
    for (uint32_t i = 0; i < c->n; i++)
        for (size_t what = 0; what <= QR_COUNT(wearers); what++) {
            const char *owner = what < QR_COUNT(wearers) ? wearers[what].what : "";
            uint64_t uses = 0;
            for (size_t k = 0; k <= QR_COUNT(wearers); k++)
                if (strcmp(k < QR_COUNT(wearers) ? wearers[k].what : "", owner) == 0) {
                    uses += c->uses[i][k];
                    c->uses[i][k] = 0;
                }
            Quarry__V1__CadColour *colour = uses > 0 ? qr_cad_add_colour(c->s->rec) : NULL;
            if (!colour)
                continue;
            colour->owner = qr_record_text(c->s->rec, owner);
            colour->red = c->rgb[i][0];
            colour->green = c->rgb[i][1];
            colour->blue = c->rgb[i][2];
            colour->uses = uses;
        }
}

/* PRESENTATION_LAYER_ASSIGNMENT(name, description, items). */
static void take_layers(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_PRESENTATION_LAYER_ASSIGNMENT, &n);
    struct qr_p21_value list;
    struct qr_p21_value item;

    for (uint32_t i = 0; i < n; i++) {
        const char *name = qr_step_text(
            s, all[i], (struct qr_step_field){0, 0, STEP_PRESENTATION_LAYER_ASSIGNMENT});
        const char *about = qr_step_text(
            s, all[i], (struct qr_step_field){1, 1, STEP_PRESENTATION_LAYER_ASSIGNMENT});
        Quarry__V1__NamedObject *layer =
            qr_record_add_named(s->rec, QR_RECORD_LAYERS, name, strlen(name));
        uint64_t items = 0;
        char count[24];
        if (!layer)
            return;
        if (qr_step_field(s, all[i],
                          (struct qr_step_field){2, 2, STEP_PRESENTATION_LAYER_ASSIGNMENT},
                          &list)) {
            struct qr_p21_cursor cursor = qr_p21_enter(&list);
            while (qr_p21_next(&cursor, &item))
                items++;
        }
        snprintf(count, sizeof count, "%llu", (unsigned long long)items);
        qr_record_add_property(s->rec, layer, "items", count, strlen(count));
        qr_record_add_property(s->rec, layer, "description", about, strlen(about));
    }
}

void qr_step_styles(struct qr_step *s)
{
    struct colours *c = calloc(1, sizeof *c);

    take_layers(s);
    if (qr_p21_type_count(s->p, s->type[STEP_STYLED_ITEM]) +
            qr_p21_type_count(s->p, s->type[STEP_OVER_RIDING_STYLED_ITEM]) ==
        0) {
        free(c);
        return;
    }
    if (c)
        c->of_style = calloc((size_t)qr_p21_count(s->p) + 1, sizeof *c->of_style);
    if (!c || !c->of_style) {
        s->rec->failed = true;
    } else {
        c->s = s;
        take_styled(c, STEP_STYLED_ITEM);
        take_styled(c, STEP_OVER_RIDING_STYLED_ITEM);
        report_colours(c);
        free(c->of_style);
    }
    free(c);
}

#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/step/pmi.h"

#define LETTERS_MAX 64
#define DEPTH_MAX 4
#define REFERENCES_MAX 16
#define VISITS_MAX 256 /* references followed for one frame: hostile ones share theirs */

/* Words for modifiers, and the letters that frames have. Source: ISO 10303-47 and ASME Y14.5. */
static const struct {
    const char *word, *letter;
} modifiers[] = {
    {"MAXIMUM_MATERIAL_REQUIREMENT", "M"},
    {"MAXIMUM_MATERIAL_CONDITION", "M"},
    {"LEAST_MATERIAL_REQUIREMENT", "L"},
    {"LEAST_MATERIAL_CONDITION", "L"},
    {"REGARDLESS_OF_FEATURE_SIZE", "S"},
    {"TRANSLATION", "T"},
    {"FREE_STATE", "F"},
    {"BASIC", "BSC"},
    {"ANY_CROSS_SECTION", "ACS"},
    {"ANY_LONGITUDINAL_SECTION", "ALS"},
    {"CONTACTING_FEATURE", "CF"},
    {"DEGREE_OF_FREEDOM_CONSTRAINT_U", "u"},
    {"DEGREE_OF_FREEDOM_CONSTRAINT_V", "v"},
    {"DEGREE_OF_FREEDOM_CONSTRAINT_W", "w"},
    {"DEGREE_OF_FREEDOM_CONSTRAINT_X", "x"},
    {"DEGREE_OF_FREEDOM_CONSTRAINT_Y", "y"},
    {"DEGREE_OF_FREEDOM_CONSTRAINT_Z", "z"},
    {"DISTANCE_VARIABLE", "DV"},
    {"LINE", "SL"},
    {"PLANE", "PL"},
    {"POINT", "PT"},
    {"ORIENTATION", "><"},
    {"MAJOR_DIAMETER", "MD"},
    {"MINOR_DIAMETER", "LD"},
    {"PITCH_DIAMETER", "PD"},
    {"CIRCULAR_OR_CYLINDRICAL", "⌀"}, /* these with a value */
    {"SPHERICAL", "S⌀"},
    {"PROJECTED", "P"},
    {"DISTANCE", "D"},
};

struct letters {
    char text[LETTERS_MAX];
    size_t len;
    int *visits;
};

static void say(struct letters *to, const char *text)
{
    int n = snprintf(to->text + to->len, sizeof to->text - to->len, "%s", text);

    to->len =
        n > 0 && to->len + (size_t)n < sizeof to->text ? to->len + (size_t)n : sizeof to->text - 1;
}

/* A word that is no modifier here is noted, not passed over. */
static void say_modifier(const struct qr_step *s, struct letters *to,
                         const struct qr_p21_value *value)
{
    bool known = value->kind != QR_P21_ENUM;

    for (size_t i = 0; i < QR_COUNT(modifiers); i++)
        if (qr_p21_is_enum(value, modifiers[i].word)) {
            say(to, "(");
            say(to, modifiers[i].letter);
            say(to, ")");
            known = true;
        }
    if (!known)
        qr_record_note(s->rec, "step.pmi.unread", "%.*s: a modifier of a datum that is not known",
                       (int)(value->len < 60 ? value->len : 60), (const char *)value->at);
}

/* DATUM_REFERENCE_MODIFIER_WITH_VALUE(kind, measure). */
static void say_valued(const struct qr_step *s, struct letters *to, uint32_t modifier)
{
    struct qr_p21_value values[2];
    char number[40];

    if (modifier == QR_P21_NONE || qr_p21_get(s->p, modifier, QR_P21_UNKNOWN, values, 2) < 2)
        return;
    say_modifier(s, to, &values[0]);
    struct qr_step_shown shown = qr_step_shown(s, qr_p21_follow(s->p, &values[1]));
    if (shown.found)
        say(to, qr_step_shown_text(shown.value, shown.decimals, number));
}

/* A list of SIMPLE_DATUM_REFERENCE_MODIFIER(.M.), of references, or one modifier alone. */
static void say_modifiers(const struct qr_step *s, struct letters *to,
                          const struct qr_p21_value *value)
{
    struct qr_p21_value item;
    struct qr_p21_value inner;

    say_modifier(s, to, value);
    struct qr_p21_cursor cursor = qr_p21_enter(value);
    for (int i = 0; i < 8 && qr_p21_next(&cursor, &item); i++) {
        say_modifier(s, to, &item);
        say_valued(s, to, qr_p21_follow(s->p, &item));
        struct qr_p21_cursor typed = qr_p21_enter(&item);
        if (qr_p21_next(&typed, &inner))
            say_modifier(s, to, &inner);
    }
}

/* A datum, a reference to one, or several that are one (COMMON_DATUM_LIST). */
static void say_datum(const struct qr_step *s, struct letters *to, const struct qr_p21_value *value,
                      int depth)
{
    struct qr_p21_value item;
    struct qr_p21_value inner;
    uint32_t instance = qr_p21_follow(s->p, value);

    if (depth > DEPTH_MAX || ++*to->visits > VISITS_MAX)
        return;
    if (value->kind == QR_P21_LIST || value->kind == QR_P21_TYPED) {
        struct qr_p21_cursor cursor = qr_p21_enter(value);
        for (int i = 0; i < 4 && qr_p21_next(&cursor, &item); i++) {
            if (i > 0)
                say(to, "-");
            say_datum(s, to, &item, depth + 1);
        }
    } else if (qr_step_is(s, instance, STEP_DATUM) || qr_step_is(s, instance, STEP_COMMON_DATUM)) {
        /* name, description, of_shape, definitional, identification */
        say(to, qr_step_text(s, instance, (struct qr_step_field){4, 0, STEP_DATUM}));
    } else if (qr_step_is(s, instance, STEP_DATUM_REFERENCE_COMPARTMENT) ||
               qr_step_is(s, instance, STEP_DATUM_REFERENCE_ELEMENT)) {
        if (qr_p21_attribute(s->p, instance, QR_P21_UNKNOWN, 4, &inner))
            say_datum(s, to, &inner, depth + 1);
        if (qr_p21_attribute(s->p, instance, QR_P21_UNKNOWN, 5, &inner))
            say_modifiers(s, to, &inner);
    } else if (qr_step_is(s, instance, STEP_DATUM_REFERENCE) ||
               qr_step_is(s, instance, STEP_REFERENCED_MODIFIED_DATUM)) {
        if (qr_p21_attribute(s->p, instance, QR_P21_UNKNOWN, 1, &inner))
            say_datum(s, to, &inner, depth + 1);
        if (qr_p21_attribute(s->p, instance, QR_P21_UNKNOWN, 2, &inner))
            say_modifiers(s, to, &inner);
    }
}

static size_t add(const struct qr_step *s, const struct qr_p21_value *value, int *visits,
                  const char **ret, size_t n, size_t max)
{
    struct letters letters = {.visits = visits};

    say_datum(s, &letters, value, 0);
    if (letters.len == 0 || n == max)
        return n;
    ret[n] = qr_record_string(s->rec, letters.text, letters.len);
    return n + 1;
}

/* DATUM_REFERENCE(precedence, datum): the old style has the order in a number. */
static double precedence(const struct qr_step *s, uint32_t instance)
{
    double number = 1e9;

    if (qr_step_is(s, instance, STEP_DATUM_REFERENCE) ||
        qr_step_is(s, instance, STEP_REFERENCED_MODIFIED_DATUM))
        qr_step_number(s, instance, (struct qr_step_field){0, 0, STEP_DATUM_REFERENCE}, &number);
    return number;
}

size_t qr_step_datums(const struct qr_step *s, const struct qr_p21_value *list, const char **ret,
                      size_t max)
{
    struct qr_p21_value items[REFERENCES_MAX];
    struct qr_p21_value constituents;
    struct qr_p21_cursor cursor = qr_p21_enter(list);
    size_t n_items = 0;
    size_t n = 0;
    int visits = 0;

    while (n_items < REFERENCES_MAX && qr_p21_next(&cursor, &items[n_items]))
        n_items++;
    for (size_t i = 1; i < n_items; i++) /* few: by insertion */
        for (size_t k = i; k > 0 && precedence(s, qr_p21_follow(s->p, &items[k])) <
                                        precedence(s, qr_p21_follow(s->p, &items[k - 1]));
             k--) {
            struct qr_p21_value swap = items[k];
            items[k] = items[k - 1];
            items[k - 1] = swap;
        }
    for (size_t i = 0; i < n_items; i++) {
        uint32_t instance = qr_p21_follow(s->p, &items[i]);
        if (!qr_step_is(s, instance, STEP_DATUM_SYSTEM)) {
            n = add(s, &items[i], &visits, ret, n, max);
            continue;
        }
        if (!qr_p21_attribute(
                s->p, instance,
                qr_p21_type_of(s->p, instance) == QR_P21_COMPLEX ? s->type[STEP_DATUM_SYSTEM]
                                                                 : QR_P21_UNKNOWN,
                qr_p21_type_of(s->p, instance) == QR_P21_COMPLEX ? 0 : 4, &constituents))
            continue;
        struct qr_p21_cursor parts = qr_p21_enter(&constituents);
        struct qr_p21_value part;
        for (int k = 0; k < REFERENCES_MAX && qr_p21_next(&parts, &part); k++)
            n = add(s, &part, &visits, ret, n, max);
    }
    return n;
}

void qr_step_datum_list(struct qr_step *s)
{
    static const struct {
        enum qr_step_name type;
        const char *set;
    } types[] = {{STEP_DATUM, "datum"},
                 {STEP_DATUM_TARGET, "datum target"},
                 {STEP_PLACED_DATUM_TARGET_FEATURE, "datum target"}};

    for (size_t i = 0; i < QR_COUNT(types); i++) {
        uint32_t n;
        const uint32_t *all = qr_step_all(s, types[i].type, &n);
        for (uint32_t k = 0; k < n; k++) {
            const char *letter = qr_step_text(
                s, all[k],
                (struct qr_step_field){
                    4, 0, types[i].type == STEP_DATUM ? STEP_DATUM : STEP_DATUM_TARGET});
            if (qr_p21_type_of(s->p, all[k]) == QR_P21_COMPLEX && i > 1 &&
                qr_step_is(s, all[k], STEP_DATUM_TARGET))
                continue; /* listed under both */
            Quarry__V1__Parameter *parameter = letter[0] ? qr_record_add_parameter(s->rec) : NULL;
            if (!parameter)
                continue;
            parameter->set = qr_record_text(s->rec, types[i].set);
            parameter->name = qr_record_text(s->rec, types[i].set);
            parameter->value = (char *)(uintptr_t)letter;
            parameter->type = qr_record_text(s->rec, "string");
            parameter->owner = (char *)(uintptr_t)qr_step_owner(s, all[k]);
            parameter->source = qr_record_text(s->rec, "pmi");
            parameter->handle = qr_step_handle(s, all[k]);
        }
    }
}

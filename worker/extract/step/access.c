#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "worker/extract/step/intern.h"

bool qr_step_is(const struct qr_step *s, uint32_t instance, enum qr_step_name name)
{
    return instance != QR_P21_NONE && qr_p21_is(s->p, instance, s->type[name]);
}

const uint32_t *qr_step_all(const struct qr_step *s, enum qr_step_name name, uint32_t *ret_n)
{
    return qr_p21_of_type(s->p, s->type[name], ret_n);
}

bool qr_step_attribute(const struct qr_step *s, uint32_t instance, enum qr_step_name name, size_t n,
                       struct qr_p21_value *ret)
{
    uint32_t type = QR_P21_UNKNOWN;

    if (qr_p21_type_of(s->p, instance) == QR_P21_COMPLEX &&
        (type = s->type[name]) == QR_P21_UNKNOWN)
        return false;
    return instance != QR_P21_NONE && qr_p21_attribute(s->p, instance, type, n, ret);
}

bool qr_step_field(const struct qr_step *s, uint32_t instance, struct qr_step_field field,
                   struct qr_p21_value *ret)
{
    bool complex = qr_p21_type_of(s->p, instance) == QR_P21_COMPLEX;

    return qr_step_attribute(s, instance, field.part, complex ? field.index : field.simple, ret);
}

uint32_t qr_step_ref(const struct qr_step *s, uint32_t instance, struct qr_step_field field)
{
    struct qr_p21_value value;

    if (!qr_step_field(s, instance, field, &value))
        return QR_P21_NONE;
    return qr_p21_follow(s->p, &value);
}

const char *qr_step_text(const struct qr_step *s, uint32_t instance, struct qr_step_field field)
{
    struct qr_p21_value value;

    return qr_step_field(s, instance, field, &value) ? qr_p21_string(s->rec, &value) : "";
}

bool qr_step_number(const struct qr_step *s, uint32_t instance, struct qr_step_field field,
                    double *ret)
{
    struct qr_p21_value value;

    return qr_step_field(s, instance, field, &value) && qr_p21_number(&value, ret);
}

bool qr_step_triple(const struct qr_step *s, uint32_t instance, double ret[3])
{
    static const struct qr_step_field coordinates = {1, 0, STEP_CARTESIAN_POINT};
    struct qr_p21_value value;

    ret[0] = ret[1] = ret[2] = 0;
    return qr_step_field(s, instance, coordinates, &value) && value.kind == QR_P21_LIST &&
           qr_p21_numbers(&value, ret, 3) >= 2;
}

char *qr_step_handle(const struct qr_step *s, uint32_t instance)
{
    char text[32];

    snprintf(text, sizeof text, "#%" PRIu64, qr_p21_id(s->p, instance));
    return qr_record_text(s->rec, text);
}

bool qr_step_same(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ' || *a == '_' || *a == '-')
            a++;
        while (*b == ' ' || *b == '_' || *b == '-')
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

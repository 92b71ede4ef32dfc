#include <math.h>
#include <stdlib.h>

#include "worker/extract/step/intern.h"

#define CLOUD_MAX 16384 /* points that are kept */

/* Points of an AP242 mesh: those of the COORDINATES_LISTs that faces of solids and shells use.
 * Lists that only annotations use are left out, and so are models with vertices: those say more. */
struct cloud {
    struct qr_step *s;
    struct qr_step_inverse lists; /* COORDINATES_LIST by face */
    double box[6];
    float *xyz;
    uint32_t n;
    uint64_t seen, stride;
};

static void learn_lists(struct cloud *c, enum qr_step_name name)
{
    const struct qr_step *s = c->s;
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t list = qr_step_ref(s, all[i], (struct qr_step_field){1, 0, STEP_TESSELLATED_FACE});
        if (qr_step_is(s, list, STEP_COORDINATES_LIST) && !qr_step_inverse_add(&c->lists, list, 0))
            c->s->rec->failed = true;
    }
}

static void put(struct cloud *c, const double at[3])
{
    for (int k = 0; k < 3; k++) {
        c->box[k] = c->seen == 0 || at[k] < c->box[k] ? at[k] : c->box[k];
        c->box[k + 3] = c->seen == 0 || at[k] > c->box[k + 3] ? at[k] : c->box[k + 3];
    }
    if (c->seen % c->stride == 0 && c->n < CLOUD_MAX) {
        for (int k = 0; k < 3; k++)
            c->xyz[3 * c->n + (uint32_t)k] = (float)at[k];
        c->n++;
    }
    c->seen++;
}

/* COORDINATES_LIST(name, count, ((x, y, z), …)): how many, or into the cloud. */
static void walk_list(struct cloud *c, uint32_t list, bool counting, uint64_t *total)
{
    const struct qr_step *s = c->s;
    struct qr_p21_value points;
    struct qr_p21_value point;
    double at[3];
    double count;

    if (counting) {
        if (qr_step_number(s, list, (struct qr_step_field){1, 1, STEP_COORDINATES_LIST}, &count) &&
            count > 0 && count < 1e9)
            *total += (uint64_t)count;
        return;
    }
    if (!qr_step_field(s, list, (struct qr_step_field){2, 2, STEP_COORDINATES_LIST}, &points))
        return;
    struct qr_p21_cursor cursor = qr_p21_enter(&points);
    while (qr_p21_next(&cursor, &point)) {
        if (point.kind != QR_P21_LIST || qr_p21_numbers(&point, at, 3) != 3)
            continue;
        for (int k = 0; k < 3; k++)
            at[k] *= s->length_mm;
        put(c, at);
    }
}

static void walk_lists(struct cloud *c, bool counting, uint64_t *total)
{
    uint32_t before = QR_P21_NONE;

    for (size_t i = 0; i < c->lists.n; i++) {
        uint32_t list = (uint32_t)(c->lists.pairs[i] >> 32);
        if (list != before)
            walk_list(c, list, counting, total);
        before = list;
    }
}

void qr_step_points(struct qr_step *s)
{
    Quarry__V1__CadModel *cad = qr_record_cad(s->rec);
    struct cloud c = {.s = s, .stride = 1};
    uint64_t total = 0;

    if (!cad || cad->points || qr_p21_type_count(s->p, s->type[STEP_COORDINATES_LIST]) == 0)
        return;
    learn_lists(&c, STEP_TRIANGULATED_FACE);
    learn_lists(&c, STEP_COMPLEX_TRIANGULATED_FACE);
    learn_lists(&c, STEP_TESSELLATED_FACE);
    qr_step_inverse_sort(&c.lists);
    walk_lists(&c, true, &total);
    c.stride = total / CLOUD_MAX + 1;
    c.xyz = malloc((size_t)CLOUD_MAX * 3 * sizeof *c.xyz);
    if (c.xyz)
        walk_lists(&c, false, &total);
    if (c.n > 0) {
        cad->points = qr_cad_points(s->rec, c.xyz, NULL, c.n, "tessellation");
        if (!cad->bounds && s->tree.n == 0)
            cad->bounds = qr_cad_bounds(s->rec, c.box, "points");
    }
    free(c.xyz);
    qr_step_inverse_done(&c.lists);
}

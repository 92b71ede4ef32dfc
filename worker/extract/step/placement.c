#include <math.h>
#include <stdlib.h>

#include "worker/extract/step/assembly.h"

#define NEIGHBOURS_MAX 16

static const struct qr_step_field rep_context = {2, 2, STEP_REPRESENTATION};
static const struct qr_step_field rep_1 = {2, 2, STEP_REPRESENTATION_RELATIONSHIP};
static const struct qr_step_field rep_2 = {3, 3, STEP_REPRESENTATION_RELATIONSHIP};

/* A frame: axes in columns, origin in mm. */
struct frame {
    double axis[3][3]; /* x, y, z */
    double origin[3];
    double scale;
};

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static bool normalise(double v[3])
{
    double length = sqrt(dot(v, v));

    if (!(length > 1e-12) || !isfinite(length))
        return false;
    for (int i = 0; i < 3; i++)
        v[i] /= length;
    return true;
}

static void cross(const double a[3], const double b[3], double ret[3])
{
    ret[0] = a[1] * b[2] - a[2] * b[1];
    ret[1] = a[2] * b[0] - a[0] * b[2];
    ret[2] = a[0] * b[1] - a[1] * b[0];
}

/* x perpendicular to z, as near as can be to what the file says. Source: ISO 10303-42, build_axes.
 */
static void complete(struct frame *frame)
{
    double *x = frame->axis[0];
    double *z = frame->axis[2];

    if (!normalise(z))
        z[0] = z[1] = 0, z[2] = 1;
    for (int attempt = 0; attempt < 3; attempt++) {
        double along = dot(x, z);
        for (int i = 0; i < 3; i++)
            x[i] -= along * z[i];
        if (normalise(x))
            break;
        x[0] = attempt == 0, x[1] = attempt == 1, x[2] = 0;
    }
    cross(z, x, frame->axis[1]);
}

static bool placement(const struct qr_step *s, uint32_t instance, double mm, struct frame *ret)
{
    *ret = (struct frame){.axis = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, .scale = 1};
    if (!qr_step_is(s, instance, STEP_AXIS2_PLACEMENT_3D))
        return false;
    if (!qr_step_triple(
            s, qr_step_ref(s, instance, (struct qr_step_field){1, 0, STEP_AXIS2_PLACEMENT_3D}),
            ret->origin))
        return false;
    double axis[3];
    if (qr_step_triple(
            s, qr_step_ref(s, instance, (struct qr_step_field){2, 1, STEP_AXIS2_PLACEMENT_3D}),
            axis))
        memcpy(ret->axis[2], axis, sizeof axis);
    if (qr_step_triple(
            s, qr_step_ref(s, instance, (struct qr_step_field){3, 2, STEP_AXIS2_PLACEMENT_3D}),
            axis))
        memcpy(ret->axis[0], axis, sizeof axis);
    complete(ret);
    for (int i = 0; i < 3; i++)
        ret->origin[i] *= mm;
    return true;
}

/* CARTESIAN_TRANSFORMATION_OPERATOR_3D: names, then axis 1, axis 2, origin, scale, axis 3. */
static bool operator_3d(const struct qr_step *s, uint32_t instance, double mm, struct frame *ret)
{
    struct qr_p21_value values[9];

    *ret = (struct frame){.axis = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, .scale = 1};
    if (!qr_step_is(s, instance, STEP_CARTESIAN_TRANSFORMATION_OPERATOR_3D))
        return false;
    size_t n =
        qr_p21_get(s->p, instance, s->type[STEP_CARTESIAN_TRANSFORMATION_OPERATOR_3D], values, 9);
    if (n < 6)
        return false;
    size_t first = n - 5;
    static const int order[5] = {0, 1, -1, -2, 2};
    double v[3];
    for (size_t i = 0; i < 5; i++)
        if (order[i] >= 0 && qr_step_triple(s, qr_p21_follow(s->p, &values[first + i]), v) &&
            normalise(v))
            memcpy(ret->axis[order[i]], v, sizeof v);
    qr_step_triple(s, qr_p21_follow(s->p, &values[first + 2]), ret->origin);
    qr_p21_number(&values[first + 3], &ret->scale);
    for (int i = 0; i < 3; i++)
        ret->origin[i] *= mm;
    return true;
}

/* to * inverse(from), by rows. */
static bool between(const struct frame *from, const struct frame *to, double ret[16])
{
    double scale = from->scale != 0 ? to->scale / from->scale : 1; /* NOLINT: exactly none */

    memset(ret, 0, 16 * sizeof *ret);
    for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 3; column++)
            for (int k = 0; k < 3; k++)
                ret[4 * row + column] += scale * to->axis[k][row] * from->axis[k][column];
        ret[4 * row + 3] = to->origin[row];
        for (int k = 0; k < 3; k++)
            ret[4 * row + 3] -= ret[4 * row + k] * from->origin[k];
    }
    ret[15] = 1;
    for (int i = 0; i < 16; i++) {
        if (!isfinite(ret[i]))
            return false;
        if (fabs(ret[i]) < 1e-13)
            ret[i] = 0; /* -0 and dust */
    }
    return true;
}

/* The context stands behind the items of a representation, which in an assembly are thousands, and
 * is asked for by each occurrence: so it is kept. */
static double mm_of(const struct qr_step *s, uint32_t rep)
{
    size_t known = qr_step_inverse_find(&s->tree.rep_owner, rep);
    double mm;
    double deg;

    if (s->tree.rep_mm && known < s->tree.rep_owner.n)
        return s->tree.rep_mm[known];

    qr_step_context_units(s, qr_step_ref(s, rep, rep_context), &mm, &deg);
    return mm;
}

static bool owns(const struct qr_step_tree *tree, uint32_t rep, uint32_t definition)
{
    uint32_t owner;

    for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
        owner = qr_step_inverse_get(&tree->rep_owner, rep, i);
        if (owner == definition)
            return definition != QR_P21_NONE;
        if (owner == QR_P21_NONE)
            break;
    }
    return false;
}

/* Directly, or by a representation that is said to be the same. */
static bool belongs(const struct qr_step_tree *tree, uint32_t rep, uint32_t definition)
{
    if (rep == QR_P21_NONE || owns(tree, rep, definition))
        return rep != QR_P21_NONE;
    for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
        uint32_t other = qr_step_inverse_get(&tree->same_rep, rep, i);
        if (other == QR_P21_NONE)
            return false;
        if (owns(tree, other, definition))
            return true;
    }
    return false;
}

static bool by_relationship(const struct qr_step *s, const struct qr_step_tree *tree,
                            const struct qr_step_usage *usage, uint32_t relationship,
                            double ret[16])
{
    uint32_t first = qr_step_ref(s, relationship, rep_1);
    uint32_t second = qr_step_ref(s, relationship, rep_2);
    uint32_t how = qr_step_ref(
        s, relationship,
        (struct qr_step_field){4, 0, STEP_REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION});
    struct frame from;
    struct frame to;
    /* the first should be the child's, but some write it the other way round */
    bool reversed = !belongs(tree, first, usage->child_definition) &&
                    belongs(tree, second, usage->child_definition);

    if (how == QR_P21_NONE)
        return false;
    if (operator_3d(s, how, mm_of(s, reversed ? first : second), &to)) {
        placement(s, QR_P21_NONE, 1, &from);
        return reversed ? between(&to, &from, ret) : between(&from, &to, ret);
    }
    uint32_t item_1 =
        qr_step_ref(s, how, (struct qr_step_field){2, 2, STEP_ITEM_DEFINED_TRANSFORMATION});
    uint32_t item_2 =
        qr_step_ref(s, how, (struct qr_step_field){3, 3, STEP_ITEM_DEFINED_TRANSFORMATION});
    if (!placement(s, item_1, mm_of(s, first), &from) ||
        !placement(s, item_2, mm_of(s, second), &to))
        return false;
    return reversed ? between(&to, &from, ret) : between(&from, &to, ret);
}

static uint32_t map_of(const struct qr_step *s, uint32_t item)
{
    return qr_step_ref(s, item, (struct qr_step_field){1, 0, STEP_MAPPED_ITEM});
}

static bool by_mapped_item(const struct qr_step *s, uint32_t item, uint32_t parent_rep,
                           double ret[16])
{
    uint32_t map = map_of(s, item);
    uint32_t target = qr_step_ref(s, item, (struct qr_step_field){2, 1, STEP_MAPPED_ITEM});
    uint32_t origin = qr_step_ref(s, map, (struct qr_step_field){0, 0, STEP_REPRESENTATION_MAP});
    double mm =
        mm_of(s, qr_step_ref(s, map, (struct qr_step_field){1, 1, STEP_REPRESENTATION_MAP}));
    struct frame from;
    struct frame to;

    double parent_mm = mm_of(s, parent_rep);
    if (!placement(s, target, parent_mm, &to) && !operator_3d(s, target, parent_mm, &to))
        return false;
    placement(s, origin, mm, &from);
    return between(&from, &to, ret);
}

bool qr_step_placement(const struct qr_step *s, const struct qr_step_tree *tree,
                       const struct qr_step_usage *usage, double ret[16])
{
    if (usage->instance != QR_P21_NONE) {
        uint32_t shape = qr_step_inverse_get(&s->shape_of, usage->instance, 0);
        uint32_t placed = qr_step_inverse_get(&tree->placed, shape, 0);
        uint32_t relationship = qr_step_ref(
            s, placed, (struct qr_step_field){0, 0, STEP_CONTEXT_DEPENDENT_SHAPE_REPRESENTATION});
        if (relationship != QR_P21_NONE && by_relationship(s, tree, usage, relationship, ret))
            return true;
    }
    return usage->mapped > 0 && by_mapped_item(s, usage->mapped - 1, usage->mapped_in, ret);
}

static void learn_representations(struct qr_step *s, struct qr_step_tree *tree)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_SHAPE_DEFINITION_REPRESENTATION, &n);
    bool good = true;

    for (uint32_t i = 0; i < n && good; i++)
        good = qr_step_inverse_add(
            &tree->rep_owner,
            qr_step_ref(s, all[i],
                        (struct qr_step_field){1, 1, STEP_PROPERTY_DEFINITION_REPRESENTATION}),
            qr_step_definition_of(
                s, qr_step_ref(
                       s, all[i],
                       (struct qr_step_field){0, 0, STEP_PROPERTY_DEFINITION_REPRESENTATION})));
    all = qr_step_all(s, STEP_SHAPE_REPRESENTATION_RELATIONSHIP, &n);
    for (uint32_t i = 0; i < n && good; i++) {
        if (qr_step_is(s, all[i], STEP_REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION))
            continue;
        uint32_t first = qr_step_ref(s, all[i], rep_1);
        uint32_t second = qr_step_ref(s, all[i], rep_2);
        good = qr_step_inverse_add(&tree->same_rep, first, second) &&
               qr_step_inverse_add(&tree->same_rep, second, first);
    }
    all = qr_step_all(s, STEP_CONTEXT_DEPENDENT_SHAPE_REPRESENTATION, &n);
    for (uint32_t i = 0; i < n && good; i++)
        good = qr_step_inverse_add(
            &tree->placed,
            qr_step_ref(s, all[i],
                        (struct qr_step_field){1, 1, STEP_CONTEXT_DEPENDENT_SHAPE_REPRESENTATION}),
            all[i]);
    s->rec->failed = s->rec->failed || !good;
    qr_step_inverse_sort(&tree->rep_owner);
    qr_step_inverse_sort(&tree->same_rep);
    qr_step_inverse_sort(&tree->placed);
}

static void learn_units(struct qr_step *s, struct qr_step_tree *tree)
{
    const struct qr_step_inverse *owners = &tree->rep_owner;
    double *mm = calloc(owners->n + 1, sizeof *mm);

    for (size_t i = 0; mm && i < owners->n; i++)
        mm[i] = i > 0 && owners->pairs[i] >> 32 == owners->pairs[i - 1] >> 32
                    ? mm[i - 1]
                    : mm_of(s, (uint32_t)(owners->pairs[i] >> 32));
    tree->rep_mm = mm;
    s->rec->failed = s->rec->failed || !mm;
}

void qr_step_placements(struct qr_step *s, struct qr_step_tree *tree)
{
    learn_representations(s, tree);
    learn_units(s, tree);
    qr_step_mapped_items(s, tree);
}

void qr_step_placements_done(struct qr_step_tree *tree)
{
    qr_step_inverse_done(&tree->rep_owner);
    free(tree->rep_mm);
    qr_step_inverse_done(&tree->same_rep);
    qr_step_inverse_done(&tree->placed);
}

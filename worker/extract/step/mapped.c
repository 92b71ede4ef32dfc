#include <stdlib.h>

#include "worker/extract/step/assembly.h"

#define NEIGHBOURS_MAX 16 /* representations that are said to be the same */
#define ITEMS_FACTOR 4    /* items looked at for each record of the file */
#define ITEMS_FREE 1000

static const struct qr_step_field rep_items = {1, 1, STEP_REPRESENTATION};

/* Usages by pair of definitions. Of those of one pair the first counts how many were looked at, so
 * that each is looked at once, however many items there are. */
struct wanted {
    uint32_t parent, child;
    uint32_t usage; /* index in the tree */
    uint32_t taken;
};

struct mapped {
    struct qr_step *s;
    struct qr_step_tree *tree;
    struct wanted *wanted; /* sorted by pair, then place in the file */
    uint32_t n;
    uint64_t budget; /* items that may still be looked at */
};

static int compare_pair(const struct wanted *a, const struct wanted *b)
{
    if (a->parent != b->parent)
        return a->parent < b->parent ? -1 : 1;
    return a->child < b->child ? -1 : a->child > b->child;
}

static int compare(const void *a, const void *b)
{
    const struct wanted *left = a;
    const struct wanted *right = b;
    int pair = compare_pair(left, right);

    return pair != 0 ? pair : left->usage < right->usage ? -1 : left->usage > right->usage;
}

static bool learn_wanted(struct mapped *m)
{
    m->wanted = calloc((size_t)m->tree->n + 1, sizeof *m->wanted);
    for (uint32_t i = 0; m->wanted && i < m->tree->n; i++) {
        const struct qr_step_usage *usage = &m->tree->usages[i];
        m->wanted[m->n++] =
            (struct wanted){usage->parent_definition, usage->child_definition, i, 0};
    }
    if (m->n > 1)
        qsort(m->wanted, m->n, sizeof *m->wanted, compare);
    return m->wanted != NULL;
}

/* The first usage of a pair; NULL: there is none. */
static struct wanted *first_of(const struct mapped *m, const struct wanted *pair)
{
    uint32_t low = 0;
    uint32_t high = m->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_pair(&m->wanted[middle], pair) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->n && compare_pair(&m->wanted[low], pair) == 0 ? &m->wanted[low] : NULL;
}

/* A usage of this pair that nothing has placed yet takes the item; is there none of the pair at
 * all, the item is a usage of its own. */
static void use_item(struct mapped *m, uint32_t parent, uint32_t child, uint32_t item, uint32_t rep)
{
    const struct wanted pair = {.parent = parent, .child = child};
    struct wanted *first = first_of(m, &pair);

    if (!first) {
        qr_step_tree_add(m->s, m->tree, parent, child, item, rep);
        return;
    }
    for (struct wanted *at = first + first->taken;
         at < m->wanted + m->n && compare_pair(at, first) == 0; at++) {
        struct qr_step_usage *usage = &m->tree->usages[at->usage];
        uint32_t shape = qr_step_inverse_get(&m->s->shape_of, usage->instance, 0);
        first->taken++;
        if (qr_step_inverse_get(&m->tree->placed, shape, 0) == QR_P21_NONE) {
            usage->mapped = item + 1;
            usage->mapped_in = rep;
            return;
        }
    }
}

/* A product's definition by one of its representations. */
static uint32_t owner_of(const struct qr_step_tree *tree, uint32_t rep)
{
    uint32_t owner = qr_step_inverse_get(&tree->rep_owner, rep, 0);

    for (size_t i = 0; owner == QR_P21_NONE && i < NEIGHBOURS_MAX; i++) {
        uint32_t other = qr_step_inverse_get(&tree->same_rep, rep, i);
        if (other == QR_P21_NONE)
            break;
        owner = qr_step_inverse_get(&tree->rep_owner, other, 0);
    }
    return owner;
}

/* The items of a parent's representation; false: the budget is used up. */
static bool take_items(struct mapped *m, uint32_t rep, uint32_t parent)
{
    const struct qr_step *s = m->s;
    struct qr_p21_value list;
    struct qr_p21_value value;

    if (!qr_step_field(s, rep, rep_items, &list))
        return true;
    struct qr_p21_cursor cursor = qr_p21_enter(&list);
    while (qr_p21_next(&cursor, &value)) {
        if (m->budget-- == 0)
            return false;
        uint32_t item = qr_p21_follow(s->p, &value);
        if (!qr_step_is(s, item, STEP_MAPPED_ITEM))
            continue;
        uint32_t map = qr_step_ref(s, item, (struct qr_step_field){1, 0, STEP_MAPPED_ITEM});
        uint32_t child = owner_of(
            m->tree, qr_step_ref(s, map, (struct qr_step_field){1, 1, STEP_REPRESENTATION_MAP}));
        if (child != QR_P21_NONE && child != parent)
            use_item(m, parent, child, item, rep);
    }
    return true;
}

void qr_step_mapped_items(struct qr_step *s, struct qr_step_tree *tree)
{
    struct mapped m = {.s = s, .tree = tree};
    bool good = true;

    if (qr_p21_type_count(s->p, s->type[STEP_MAPPED_ITEM]) == 0)
        return;
    if (!learn_wanted(&m)) {
        s->rec->failed = true;
        return;
    }
    m.budget = (uint64_t)qr_p21_count(s->p) * ITEMS_FACTOR + ITEMS_FREE;
    for (size_t i = 0; i < tree->rep_owner.n && good; i++)
        good = take_items(&m, (uint32_t)(tree->rep_owner.pairs[i] >> 32),
                          (uint32_t)tree->rep_owner.pairs[i]);
    if (!good)
        qr_record_partial(s->rec, "step.mapped.capped",
                          "representations are shared so often that not all of their mapped items "
                          "were looked at");
    free(m.wanted);
}

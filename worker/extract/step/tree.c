#include <inttypes.h>
#include <stdlib.h>

#include "worker/extract/step/assembly.h"

#define LEVELS_MAX 64 /* of a path that is written down */
#define PATH_MAX_BYTES 4096

static int by_pair(const void *a, const void *b)
{
    const struct qr_step_usage *left = a;
    const struct qr_step_usage *right = b;

    if (left->parent != right->parent)
        return left->parent < right->parent ? -1 : 1;
    if (left->child != right->child)
        return left->child < right->child ? -1 : 1;
    return left->instance < right->instance ? -1 : left->instance > right->instance;
}

/* Which usages close a cycle, by a walk in depth without recursion. */
static void find_cycles(const struct qr_step *s, struct qr_step_tree *tree)
{
    uint8_t *state = calloc((size_t)s->n_products + 1, 1); /* 1: on the way down, 2: done */
    uint32_t *stack = malloc(((size_t)s->n_products + 1) * 2 * sizeof *stack);

    for (uint32_t root = 0; state && stack && root < s->n_products; root++) {
        size_t depth = 0;
        if (state[root] != 0)
            continue;
        state[root] = 1;
        stack[depth++] = root;
        stack[depth++] = tree->first[root];
        while (depth > 0) {
            uint32_t node = stack[depth - 2];
            uint32_t at = stack[depth - 1];
            if (at >= tree->first[node + 1]) {
                state[node] = 2;
                depth -= 2;
                continue;
            }
            stack[depth - 1] = at + 1;
            uint32_t child = tree->usages[at].child;
            if (child == QR_P21_NONE)
                continue;
            if (state[child] == 1) {
                tree->usages[at].cycle = true;
            } else if (state[child] == 0) {
                state[child] = 1;
                stack[depth++] = child;
                stack[depth++] = tree->first[child];
            }
        }
    }
    free(state);
    free(stack);
}

/* How often each product is in the whole, and how deep: parents before children, cycles left out.
 */
static void count_all(const struct qr_step *s, struct qr_step_tree *tree)
{
    uint32_t *open = calloc((size_t)s->n_products + 1, sizeof *open);
    uint32_t *queue = malloc(((size_t)s->n_products + 1) * sizeof *queue);
    uint32_t n = 0;

    for (uint32_t i = 0; open && i < tree->n; i++)
        if (!tree->usages[i].cycle && tree->usages[i].child != QR_P21_NONE)
            open[tree->usages[i].child]++;
    for (uint32_t i = 0; open && queue && i < s->n_products; i++)
        if (open[i] == 0) {
            queue[n++] = i;
            tree->total[i] = 1;
        }
    for (uint32_t k = 0; open && queue && k < n; k++) {
        uint32_t node = queue[k];
        for (uint32_t i = tree->first[node]; i < tree->first[node + 1]; i++) {
            const struct qr_step_usage *usage = &tree->usages[i];
            if (usage->cycle || usage->child == QR_P21_NONE)
                continue;
            tree->total[usage->child] += tree->total[node] * usage->amount;
            if (tree->level[usage->child] <= tree->level[node])
                tree->level[usage->child] = tree->level[node] + 1;
            if (--open[usage->child] == 0)
                queue[n++] = usage->child;
        }
    }
    free(open);
    free(queue);
}

bool qr_step_tree_index(struct qr_step *s, struct qr_step_tree *tree)
{
    size_t n = (size_t)s->n_products + 2;

    tree->first = calloc(n, sizeof *tree->first);
    tree->up = calloc(n, sizeof *tree->up);
    tree->level = calloc(n, sizeof *tree->level);
    tree->total = calloc(n, sizeof *tree->total);
    if (!tree->first || !tree->up || !tree->level || !tree->total)
        return false;
    if (tree->n > 1)
        qsort(tree->usages, tree->n, sizeof *tree->usages, by_pair);
    for (uint32_t i = 0; i < tree->n; i++) {
        tree->first[tree->usages[i].parent + 1]++;
        s->products[tree->usages[i].parent].is_parent = true;
        if (tree->usages[i].child != QR_P21_NONE && tree->usages[i].child != tree->usages[i].parent)
            s->products[tree->usages[i].child].is_child = true;
        if (tree->usages[i].child != QR_P21_NONE && tree->up[tree->usages[i].child] == 0)
            tree->up[tree->usages[i].child] = i + 1;
    }
    for (uint32_t i = 0; i < s->n_products; i++)
        tree->first[i + 1] += tree->first[i];
    find_cycles(s, tree);
    count_all(s, tree);
    return true;
}

/* The number a usage has in its file; its own where it has none. */
static void say_usage(const struct qr_step *s, const struct qr_step_usage *usage, struct qr_buf *to)
{
    struct qr_p21_value id;
    size_t before = to->len;

    if (usage->instance != QR_P21_NONE &&
        qr_step_field(s, usage->instance,
                      (struct qr_step_field){0, 0, STEP_PRODUCT_DEFINITION_RELATIONSHIP}, &id))
        qr_p21_text(&id, to, NULL);
    if (to->len == before && usage->instance != QR_P21_NONE)
        qr_buf_printf(to, "#%" PRIu64, qr_p21_id(s->p, usage->instance));
    else if (to->len == before)
        qr_buf_append_str(to, "-");
}

const char *qr_step_path(const struct qr_step *s, const struct qr_step_tree *tree,
                         const struct qr_step_usage *usage)
{
    const struct qr_step_usage *way[LEVELS_MAX];
    struct qr_buf text;
    int n = 0;

    while (n < LEVELS_MAX) {
        way[n++] = usage;
        uint32_t up = tree->up[usage->parent];
        if (up == 0)
            break;
        usage = &tree->usages[up - 1];
    }
    qr_buf_init(&text, PATH_MAX_BYTES);
    qr_buf_append_str(&text, qr_step_label(&s->products[way[n - 1]->parent]));
    while (n-- > 0) {
        qr_buf_append_str(&text, "/");
        say_usage(s, way[n], &text);
    }
    const char *ret = qr_record_string(s->rec, (const char *)text.data, text.len);
    qr_buf_done(&text);
    return ret;
}

void qr_step_tree_done(struct qr_step_tree *tree)
{
    free(tree->usages);
    free(tree->first);
    free(tree->up);
    free(tree->level);
    free(tree->total);
}

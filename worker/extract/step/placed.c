#include <math.h>
#include <stdlib.h>

#include "worker/extract/step/brep.h"

#define PLACES_MAX 200000             /* of products in the whole */
#define POINTS_MAX ((size_t)20000000) /* vertices moved to their places */
#define CLOUD_MAX 4096
#define DEPTH_MAX 128

/* Where vertices end up when every product stands where the assembly has it. */
struct places {
    struct qr_step *s;
    const struct qr_step_brep *brep;
    uint32_t *order; /* vertices by product */
    uint32_t *first; /* of a product in `order`; those of no product come last */
    double box[6];
    uint64_t points; /* moved so far */
    uint32_t places;
    bool unplaced, capped, any;
    float *cloud;
    uint32_t n_cloud;
    uint64_t stride;
};

static bool sort_vertices(struct places *p)
{
    uint32_t n = p->s->n_products;
    uint32_t *fill = calloc((size_t)n + 2, sizeof *fill);

    p->first = calloc((size_t)n + 2, sizeof *p->first);
    p->order = malloc(((size_t)p->brep->n_vertices + 1) * sizeof *p->order);
    if (!fill || !p->first || !p->order) {
        free(fill);
        return false;
    }
    for (uint32_t i = 0; i < p->brep->n_vertices; i++) {
        const struct qr_step_vertex *vertex = &p->brep->vertices[i];
        if (vertex->used)
            p->first[(vertex->product < n ? vertex->product : n) + 1]++;
    }
    for (uint32_t i = 0; i <= n; i++)
        p->first[i + 1] += p->first[i];
    for (uint32_t i = 0; i <= n; i++)
        fill[i] = p->first[i];
    for (uint32_t i = 0; i < p->brep->n_vertices; i++) {
        const struct qr_step_vertex *vertex = &p->brep->vertices[i];
        if (vertex->used)
            p->order[fill[vertex->product < n ? vertex->product : n]++] = i;
    }
    free(fill);
    return true;
}

static void multiply(const double a[16], const double b[16], double ret[16])
{
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += a[4 * row + k] * b[4 * k + column];
            ret[4 * row + column] = sum;
        }
}

/* Vertices order[from .. to) at one place. */
static void put_vertices(struct places *p, uint32_t from, uint32_t to, const double matrix[16])
{
    for (uint32_t i = from; i < to && !p->capped; i++) {
        const double *at = p->brep->vertices[p->order[i]].at;
        double placed[3];
        for (int k = 0; k < 3; k++) {
            placed[k] = matrix[4 * k] * at[0] + matrix[4 * k + 1] * at[1] +
                        matrix[4 * k + 2] * at[2] + matrix[4 * k + 3];
            p->box[k] = !p->any || placed[k] < p->box[k] ? placed[k] : p->box[k];
            p->box[k + 3] = !p->any || placed[k] > p->box[k + 3] ? placed[k] : p->box[k + 3];
        }
        p->any = true;
        if (p->cloud && p->points % p->stride == 0 && p->n_cloud < CLOUD_MAX) {
            for (int k = 0; k < 3; k++)
                p->cloud[3 * p->n_cloud + (uint32_t)k] = (float)placed[k];
            p->n_cloud++;
        }
        p->capped = ++p->points >= POINTS_MAX;
    }
}

/* A product and all it holds; a walk in depth over usages. */
static void put_product(struct places *p, uint32_t root)
{
    static const double identity[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    const struct qr_step_tree *tree = &p->s->tree;
    struct level {
        uint32_t product, at;
        double matrix[16];
    } *stack = malloc(DEPTH_MAX * sizeof *stack);
    int depth = 0;

    if (!stack)
        return;
    stack[0].product = root;
    stack[0].at = tree->first[root];
    memcpy(stack[0].matrix, identity, sizeof identity);
    put_vertices(p, p->first[root], p->first[root + 1], identity);
    while (depth >= 0 && !p->capped) {
        struct level *level = &stack[depth];
        if (level->at == tree->first[level->product + 1]) {
            depth--;
            continue;
        }
        const struct qr_step_usage *usage = &tree->usages[level->at++];
        struct level *next = &stack[depth + 1];
        double matrix[16];
        if (usage->cycle || usage->child == QR_P21_NONE)
            continue;
        if (depth + 1 >= DEPTH_MAX || ++p->places > PLACES_MAX) {
            p->capped = true;
            break;
        }
        if (!qr_step_placement(p->s, tree, usage, matrix)) {
            p->unplaced = true;
            continue;
        }
        multiply(level->matrix, matrix, next->matrix);
        next->product = usage->child;
        next->at = tree->first[usage->child];
        put_vertices(p, p->first[usage->child], p->first[usage->child + 1], next->matrix);
        depth++;
    }
    free(stack);
}

static void report(struct places *p)
{
    Quarry__V1__CadModel *cad = qr_record_cad(p->s->rec);

    if (!cad)
        return;
    if (p->capped || p->unplaced)
        qr_record_note(p->s->rec, "step.bounds.none",
                       p->capped ? "too many places for bounds from vertices"
                                 : "a part's place is not known, so there are no bounds");
    else if (p->any)
        cad->bounds = qr_cad_bounds(p->s->rec, p->box, "vertices");
    if (p->any && p->n_cloud > 0 && !p->unplaced)
        cad->points = qr_cad_points(p->s->rec, p->cloud, NULL, p->n_cloud, "vertices");
}

void qr_step_placed(struct qr_step *s, const struct qr_step_brep *brep)
{
    struct places p = {.s = s, .brep = brep, .stride = 1};
    uint64_t total = 0;

    p.cloud = malloc((size_t)CLOUD_MAX * 3 * sizeof *p.cloud);
    if (!p.cloud || !sort_vertices(&p)) {
        s->rec->failed = true;
    } else {
        for (uint32_t i = 0; i < s->n_products; i++)
            total += (uint64_t)(p.first[i + 1] - p.first[i]) *
                     (s->tree.total[i] > 1 ? (uint64_t)fmin(s->tree.total[i], 1e6) : 1);
        p.stride = total / CLOUD_MAX + 1;
        for (uint32_t i = 0; i < s->n_products; i++)
            if (!s->products[i].is_child)
                put_product(&p, i);
        static const double identity[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
        put_vertices(&p, p.first[s->n_products], p.first[s->n_products + 1], identity);
        report(&p);
    }
    free(p.cloud);
    free(p.order);
    free(p.first);
}

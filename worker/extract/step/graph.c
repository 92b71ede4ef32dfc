#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/step/brep.h"

#define ROUNDS 3

/* Weisfeiler-Leman: each face begins with its surface type; in each round its label becomes a hash
 * of it and of the labels around it. Sums make the order in the file indifferent; neighbours count
 * once, so that it does not matter into how many edges a border was cut. Source: N. Shervashidze et
 * al., JMLR 12 (2011). */

/* splitmix64, Steele, Lea, Flood 2014 */
static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static int compare(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return *left < *right ? -1 : *left > *right;
}

/* Uses sorted by edge: those of one edge lie together. */
static uint64_t *uses_by_edge(const struct qr_step_brep *brep)
{
    uint64_t *uses = malloc(((size_t)brep->n_uses + 1) * sizeof *uses);

    for (uint32_t i = 0; uses && i < brep->n_uses; i++)
        uses[i] = (uint64_t)brep->uses[i].edge << 32 | brep->uses[i].face;
    if (uses && brep->n_uses > 1)
        qsort(uses, brep->n_uses, sizeof *uses, compare);
    return uses;
}

/* Pairs of faces that share an edge, both ways, each once; *ret_n of them. Of an edge with more
 * than two uses the neighbours in the list count. */
static uint64_t *neighbours(const struct qr_step_brep *brep, size_t *ret_n)
{
    uint64_t *uses = uses_by_edge(brep);
    uint64_t *pairs = malloc(((size_t)brep->n_uses * 2 + 1) * sizeof *pairs);
    size_t n = 0;
    size_t kept = 0;

    for (uint32_t i = 1; uses && pairs && i < brep->n_uses; i++) {
        uint32_t left = (uint32_t)uses[i - 1];
        uint32_t right = (uint32_t)uses[i];
        if (uses[i - 1] >> 32 != uses[i] >> 32 || left == right)
            continue;
        pairs[n++] = (uint64_t)left << 32 | right;
        pairs[n++] = (uint64_t)right << 32 | left;
    }
    free(uses);
    if (pairs && n > 1)
        qsort(pairs, n, sizeof *pairs, compare);
    for (size_t i = 0; pairs && i < n; i++)
        if (kept == 0 || pairs[kept - 1] != pairs[i])
            pairs[kept++] = pairs[i];
    *ret_n = kept;
    return pairs;
}

const char *qr_step_graph_hash(const struct qr_step *s, const struct qr_step_brep *brep)
{
    size_t n_pairs;
    uint64_t *pairs = neighbours(brep, &n_pairs);
    uint64_t *labels = calloc((size_t)brep->n_faces + 1, sizeof *labels);
    uint64_t *next = calloc((size_t)brep->n_faces + 1, sizeof *next);
    char text[40] = "";
    uint64_t low = 0;
    uint64_t high = 0;

    if (pairs && labels && next && brep->n_faces > 0) {
        for (uint32_t i = 0; i < brep->n_faces; i++)
            labels[i] = mix(brep->faces[i].surface + 1u);
        for (int round = 0; round < ROUNDS; round++) {
            memset(next, 0, brep->n_faces * sizeof *next);
            for (size_t i = 0; i < n_pairs; i++)
                next[pairs[i] >> 32] += mix(labels[(uint32_t)pairs[i]] ^ 0x5175617272790000u);
            for (uint32_t i = 0; i < brep->n_faces; i++)
                labels[i] = mix(labels[i] * 3 + mix(next[i]));
        }
        for (uint32_t i = 0; i < brep->n_faces; i++) {
            low += mix(labels[i]);
            high += mix(labels[i] ^ 0xFFFFFFFFu);
        }
        snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, mix(high ^ brep->n_faces),
                 mix(low));
    }
    free(pairs);
    free(labels);
    free(next);
    return qr_record_text(s->rec, text);
}

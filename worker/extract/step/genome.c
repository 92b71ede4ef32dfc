#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/step/brep.h"

#define BINS_MAX 200 /* of one histogram: the fullest */

/* How often a number comes, keyed by the number as people write it. */
struct bin {
    double key;
    uint64_t count;
};

static int by_number(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;

    return *left < *right ? -1 : *left > *right;
}

static int by_count(const void *a, const void *b)
{
    const struct bin *left = a;
    const struct bin *right = b;

    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return left->key < right->key ? -1 : left->key > right->key;
}

static int by_key(const void *a, const void *b)
{
    const struct bin *left = a;
    const struct bin *right = b;

    return left->key < right->key ? -1 : left->key > right->key;
}

/* Rounded to four decimals: what two exporters write differs behind them. */
static json_t *histogram(double *numbers, size_t n)
{
    json_t *out = json_object();
    struct bin *bins = malloc((n + 1) * sizeof *bins);
    size_t used = 0;

    for (size_t i = 0; i < n; i++)
        numbers[i] = round(numbers[i] * 1e4) / 1e4;
    if (n > 1)
        qsort(numbers, n, sizeof *numbers, by_number);
    for (size_t i = 0; bins && i < n; i++) {
        if (used == 0 || bins[used - 1].key < numbers[i])
            bins[used++] = (struct bin){numbers[i], 0};
        bins[used - 1].count++;
    }
    if (bins && used > 1)
        qsort(bins, used, sizeof *bins, by_count);
    used = used < BINS_MAX ? used : BINS_MAX;
    if (bins && used > 1)
        qsort(bins, used, sizeof *bins, by_key);
    for (size_t i = 0; bins && i < used; i++) {
        char key[32];
        snprintf(key, sizeof key, "%.10g", bins[i].key);
        json_object_set_new(out, key, json_integer((json_int_t)bins[i].count));
    }
    free(bins);
    return out;
}

static json_t *small_histogram(const uint64_t *counts, size_t n)
{
    json_t *out = json_object();
    char key[32];

    for (size_t i = 0; i < n; i++) {
        if (counts[i] == 0)
            continue;
        snprintf(key, sizeof key, i + 1 == n ? "%zu+" : "%zu", i);
        json_object_set_new(out, key, json_integer((json_int_t)counts[i]));
    }
    return out;
}

static json_t *counts_of(Quarry__V1__Count **counts, size_t n)
{
    json_t *out = json_object();

    for (size_t i = 0; i < n; i++)
        json_object_set_new(out, counts[i]->name, json_integer((json_int_t)counts[i]->count));
    return out;
}

static json_t *numbers_of(const double *numbers, size_t n)
{
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_real(numbers[i]));
    return out;
}

static void add_topology(json_t *to, const Quarry__V1__CadTopology *topology)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"solids", topology->solids},
        {"shells", topology->shells},
        {"faces", topology->faces},
        {"loops", topology->loops},
        {"edges", topology->edges},
        {"vertices", topology->vertices},
        {"inner_loops", topology->inner_loops},
        {"open_edges", topology->open_edges},
        {"non_manifold_edges", topology->non_manifold_edges},
    };

    for (size_t i = 0; i < QR_COUNT(counts); i++)
        json_object_set_new(to, counts[i].name, json_integer((json_int_t)counts[i].count));
    json_object_set_new(to, "surfaces",
                        counts_of(topology->surface_types, topology->n_surface_types));
    json_object_set_new(to, "curves", counts_of(topology->curve_types, topology->n_curve_types));
    json_object_set_new(to, "adjacency_hash", json_string(topology->adjacency_hash));
}

static void add_histograms(json_t *to, const struct qr_step_brep *brep)
{
    uint64_t bounds[9] = {0};
    uint64_t edges[17] = {0};
    uint64_t valence[9] = {0};

    for (uint32_t i = 0; i < brep->n_faces; i++) {
        bounds[brep->faces[i].bounds < 8 ? brep->faces[i].bounds : 8]++;
        edges[brep->faces[i].edges < 16 ? brep->faces[i].edges : 16]++;
    }
    for (uint32_t i = 0; i < brep->n_vertices; i++)
        valence[brep->vertices[i].valence < 8 ? brep->vertices[i].valence : 8]++;
    json_object_set_new(to, "radii_mm", histogram(brep->radii, brep->n_radii));
    json_object_set_new(to, "cone_angles_deg", histogram(brep->angles, brep->n_angles));
    json_object_set_new(to, "loops_per_face", small_histogram(bounds, QR_COUNT(bounds)));
    json_object_set_new(to, "edges_per_face", small_histogram(edges, QR_COUNT(edges)));
    json_object_set_new(to, "vertex_valence", small_histogram(valence, QR_COUNT(valence)));
}

static void add_bounds(json_t *to, const Quarry__V1__CadBounds *bounds)
{
    double size[3];

    if (!bounds || bounds->n_box != 6)
        return;
    for (int i = 0; i < 3; i++)
        size[i] = bounds->box[i + 3] - bounds->box[i];
    qsort(size, 3, sizeof *size, by_number);
    json_object_set_new(to, "bbox", numbers_of(bounds->box, 6));
    json_object_set_new(to, "size_mm", numbers_of(size, 3));
}

/* The exporter's own area and volume, when there is one of the whole. */
static void add_mass(json_t *to, const Quarry__V1__CadModel *cad)
{
    for (size_t i = 0; i < cad->n_mass; i++) {
        const Quarry__V1__CadMass *mass = cad->mass[i];
        if (strcmp(mass->source, "validation") != 0 ||
            (cad->n_mass > 1 && strcmp(mass->owner, cad->name) != 0))
            continue;
        if (mass->has_area)
            json_object_set_new(to, "area_mm2", json_real(mass->area));
        if (mass->has_volume)
            json_object_set_new(to, "volume_mm3", json_real(mass->volume));
        if (mass->n_centroid == 3)
            json_object_set_new(to, "centroid", numbers_of(mass->centroid, 3));
        return;
    }
}

void qr_step_genome(struct qr_step *s, const struct qr_step_brep *brep)
{
    Quarry__V1__CadModel *cad = qr_record_cad(s->rec);
    json_t *genome = json_object();

    if (!cad || !cad->topology || !genome) {
        json_decref(genome);
        return;
    }
    json_object_set_new(genome, "version", json_integer(1));
    json_object_set_new(genome, "products", json_integer((json_int_t)s->n_products));
    add_topology(genome, cad->topology);
    add_histograms(genome, brep);
    add_bounds(genome, cad->bounds);
    add_mass(genome, cad);
    json_object_set_new(genome, "colours", json_integer((json_int_t)cad->n_colours));
    if (cad->accuracy > 0)
        json_object_set_new(genome, "accuracy_mm", json_real(cad->accuracy));
    char *text = json_dumps(genome, JSON_COMPACT);
    if (text)
        qr_cad_set_bytes(s->rec, &cad->genome, text, strlen(text));
    free(text);
    json_decref(genome);
}

/* Rows of a model: cad_models and the tables beside it. What has a column is taken out of the JSON
 * object `cad` (docs/record.md); the rest of the object is the column `details`. */
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "common/record/cad_json.h"
#include "coordinator/db/record_json.h"
#include "coordinator/db/record_row.h"

typedef Quarry__V1__CadModel model;
typedef Quarry__V1__CadGeometry geometry;

/* Names of the object `cad` that cad_models or a table beside it has. */
static const char *const elsewhere[] = {
    "name",           "kind",
    "mode",           "source",
    "schema",         "revision",
    "generic",        "length_unit",
    "accuracy",       "instances",
    "solid_count",    "shell_count",
    "face_count",     "loop_count",
    "edge_count",     "vertex_count",
    "inner_loops",    "open_edges",
    "adjacency_hash", "bbox",
    "bbox_source",    "genome",
    "assemblies",     "embeddings",
    "features",       "non_manifold_edges",
};

/* ------------------------------------------------------------------ columns */

static void json_value(struct row *row, const json_t *value)
{
    struct qr_buf out;
    char *text;

    if (!value) {
        null(row);
        return;
    }
    qr_buf_init(&out, QR_PARAM_BYTES_MAX);
    text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text)
        qr_buf_append_str(&out, text);
    else
        out.failed = true;
    free(text);
    qr_row_json(row, &out);
}

static void count(struct row *row, bool known, uint64_t value)
{
    if (known)
        i32(row, value > INT32_MAX ? INT32_MAX : (int64_t)value);
    else
        null(row);
}

/* Of the whole model: the kernel is exact, then what the source says. */
static const Quarry__V1__CadMass *mass_at(const model *cad, const geometry *g, size_t i)
{
    size_t n_kernel = g ? g->n_mass : 0;

    if (i < n_kernel)
        return g->mass[i];
    return i - n_kernel < cad->n_mass ? cad->mass[i - n_kernel] : NULL;
}

#define PICK(row, cad, g, field)                                                  \
    do {                                                                          \
        const Quarry__V1__CadMass *found_ = NULL;                                 \
        const Quarry__V1__CadMass *mass_;                                         \
        for (size_t i_ = 0; !found_ && (mass_ = mass_at(cad, g, i_)); i_++)       \
            if (!mass_->owner[0] && mass_->has_##field && isfinite(mass_->field)) \
                found_ = mass_;                                                   \
        number(row, found_ ? found_->field : 0, found_);                          \
    } while (0)

static const char *mass_source(const model *cad, const geometry *g)
{
    const Quarry__V1__CadMass *mass;

    for (size_t i = 0; (mass = mass_at(cad, g, i)); i++)
        if (!mass->owner[0] &&
            (mass->has_volume || mass->has_area || mass->has_mass || mass->has_density))
            return mass->source;
    return NULL;
}

static bool is_finite(const Quarry__V1__CadEmbedding *e)
{
    for (size_t i = 0; i < e->n_values; i++)
        if (!isfinite(e->values[i]))
            return false;
    return e->n_values > 0;
}

static void floats(struct row *row, const Quarry__V1__CadEmbedding *e)
{
    struct qr_buf out;

    if (!e) {
        null(row);
        return;
    }
    qr_buf_init(&out, QR_PARAM_BYTES_MAX);
    for (size_t i = 0; i < e->n_values; i++)
        qr_buf_printf(&out, "%c%.9g", i ? ',' : '{', (double)e->values[i]);
    qr_buf_append_str(&out, "}");
    qr_row_json(row, &out);
}

static const Quarry__V1__CadEmbedding *latent_of(const model *cad)
{
    for (size_t i = 0; i < cad->n_embeddings; i++)
        if (strcasecmp(cad->embeddings[i]->type, "deepsdf") == 0 && is_finite(cad->embeddings[i]))
            return cad->embeddings[i];
    return NULL;
}

static const char *part_number_of(const model *cad)
{
    for (size_t i = 0; i < cad->n_products; i++)
        if (cad->products[i]->root)
            return cad->products[i]->id;
    return NULL;
}

/* ------------------------------------------------------------------ the model */

static void origin_columns(struct row *row, const model *cad)
{
    text(row, cad->mode);
    text(row, cad->source);
    text(row, cad->name);
    text(row, cad->kind);
    text(row, part_number_of(cad));
    text(row, cad->schema);
    text(row, cad->revision);
    text(row, cad->generic);
    text(row, cad->length_unit);
    number(row, cad->accuracy, cad->accuracy > 0);
    if (cad->instances > 0)
        i64(row, cad->instances > INT64_MAX ? INT64_MAX : (int64_t)cad->instances);
    else
        null(row);
}

static void shape_columns(struct row *row, const model *cad, const geometry *g)
{
    static const Quarry__V1__CadTopology none = QUARRY__V1__CAD_TOPOLOGY__INIT;
    const Quarry__V1__CadTopology *t = cad->topology ? cad->topology : &none;
    const Quarry__V1__CadBounds *box = g && g->bounds ? g->bounds : cad->bounds;
    const uint64_t counts[] = {t->solids,      t->shells,     t->faces,
                               t->loops,       t->edges,      t->vertices,
                               t->inner_loops, t->open_edges, t->non_manifold_edges};
    bool known = cad->topology != NULL;
    bool native =
        known && strcmp(cad->mode, "native") == 0; /* it counted; others say what they know */

    for (size_t i = 0; i < QR_COUNT(counts); i++)
        count(row, native || (known && counts[i] > 0), counts[i]);
    text(row, t->adjacency_hash);
    qr_row_numbers(row, box ? box->box : NULL, box ? box->n_box : 0);
    text(row, box ? box->source : NULL);
    PICK(row, cad, g, volume);
    PICK(row, cad, g, area);
    PICK(row, cad, g, mass);
    PICK(row, cad, g, density);
    text(row, mass_source(cad, g));
}

static void point_columns(struct row *row, const model *cad, const geometry *g)
{
    const Quarry__V1__CadPoints *p = g && g->points ? g->points : cad->points;

    if (!p || p->xyz.len == 0) {
        for (int i = 0; i < 4; i++)
            null(row);
        return;
    }
    bytes(row, p->xyz.data, p->xyz.len);
    bytes(row, p->normals.data, p->normals.len);
    count(row, true, p->xyz.len / (3 * sizeof(float)));
    text(row, p->source);
}

static void model_row(struct qr_results *results, const struct qr_model_key *key, const model *cad,
                      const geometry *g, json_t *json)
{
    struct row row = row_of(results, QR_RESULT_MODELS);

    i64(&row, key->job_id);
    i64(&row, key->file_id);
    i64(&row, key->run_id);
    qr_row_text_always(&row, key->status);
    origin_columns(&row, cad);
    json_value(&row, json_object_get(json, "genome"));
    floats(&row, latent_of(cad));
    shape_columns(&row, cad, g);
    point_columns(&row, cad, g);
    text(&row, g ? g->kernel : NULL);
    text(&row, g ? g->status : NULL);
    text(&row, g ? g->message : NULL);
    for (size_t i = 0; i < QR_COUNT(elsewhere); i++)
        json_object_del(json, elsewhere[i]);
    json_value(&row, json_object_size(json) > 0 ? json : NULL);
}

/* ------------------------------------------------------------------ the tables beside it */

static void embedding_row(struct qr_results *results, int64_t job_id,
                          const Quarry__V1__CadEmbedding *e)
{
    struct row row = row_of(results, QR_RESULT_EMBEDDINGS);

    i64(&row, job_id);
    qr_row_text_always(&row, e->type);
    text(&row, e->model);
    floats(&row, e);
}

static void assembly_row(struct qr_results *results, int64_t job_id,
                         const Quarry__V1__CadAssembly *a, const json_t *json)
{
    const Quarry__V1__CadOccurrence *first = a->n_occurrences > 0 ? a->occurrences[0] : NULL;
    struct row row = row_of(results, QR_RESULT_ASSEMBLIES);

    i64(&row, job_id);
    text(&row, a->parent);
    qr_row_text_always(&row, a->child);
    number(&row, a->quantity, a->quantity > 0);
    qr_row_numbers(&row, first ? first->transform : NULL, first ? first->n_transform : 0);
    json_value(&row, json_object_get(json, "occurrences"));
    boolean(&row, a->cycle);
    boolean(&row, a->unresolved);
}

static void feature_row(struct qr_results *results, int64_t job_id, const Quarry__V1__CadFeature *f)
{
    struct row row = row_of(results, QR_RESULT_FEATURES);

    i64(&row, job_id);
    qr_row_text_always(&row, f->type);
    text(&row, f->name);
    text(&row, f->id);
    text(&row, f->status);
    text(&row, f->owner);
    null(&row);
    JSON(&row, qr_write_items, f->parameters, f->n_parameters);
}

/* A hole that the kernel found in the shape. */
static void hole_row(struct qr_results *results, int64_t job_id, const json_t *hole)
{
    struct row row = row_of(results, QR_RESULT_FEATURES);

    i64(&row, job_id);
    qr_row_text_always(&row, "hole");
    for (int i = 0; i < 4; i++)
        null(&row);
    qr_row_text_always(&row, "kernel");
    json_value(&row, hole);
}

static void view_row(struct qr_results *results, int64_t job_id, const Quarry__V1__CadView *v,
                     const char *source)
{
    struct row row = row_of(results, QR_RESULT_VIEWS);

    i64(&row, job_id);
    qr_row_text_always(&row, v->name);
    count(&row, v->width > 0, v->width);
    count(&row, v->height > 0, v->height);
    text(&row, v->media_type);
    qr_row_text_always(&row, v->source[0] ? v->source : source);
    bytes(&row, v->image.data, v->image.len);
}

static void beside(struct qr_results *results, int64_t job_id, const model *cad, const geometry *g,
                   const json_t *json, const json_t *assemblies)
{
    const json_t *holes = json_object_get(json_object_get(json, "geometry"), "holes");

    for (size_t i = 0; i < cad->n_embeddings; i++) {
        if (!is_finite(cad->embeddings[i]))
            continue; /* nothing can be searched by it */
        qr_results_room(results, cad->embeddings[i]->n_values * 16);
        embedding_row(results, job_id, cad->embeddings[i]);
    }
    for (size_t i = 0; i < cad->n_assemblies; i++) {
        qr_results_room(results, 300 + cad->assemblies[i]->n_occurrences * 300);
        assembly_row(results, job_id, cad->assemblies[i], json_array_get(assemblies, i));
    }
    for (size_t i = 0; i < cad->n_features; i++) {
        qr_results_room(results, 200 + cad->features[i]->n_parameters * 64);
        feature_row(results, job_id, cad->features[i]);
    }
    for (size_t i = 0; i < json_array_size(holes); i++) {
        qr_results_room(results, 200);
        hole_row(results, job_id, json_array_get(holes, i));
    }
    for (size_t i = 0; i < cad->n_views; i++) {
        qr_results_room(results, cad->views[i]->image.len);
        view_row(results, job_id, cad->views[i], "");
    }
    for (size_t i = 0; g && i < g->n_views; i++) {
        qr_results_room(results, g->views[i]->image.len);
        view_row(results, job_id, g->views[i], "kernel");
    }
}

/* ------------------------------------------------------------------ all of it */

size_t qr_model_items(const qr_record *r)
{
    const model *cad = r->cad;
    const geometry *g = r->geometry;
    size_t n = g ? g->n_mass + g->n_views + g->n_holes : 0;

    if (!cad)
        return n;
    n += cad->n_entity_counts + cad->n_products + cad->n_assemblies + cad->n_mass +
         cad->n_embeddings + cad->n_features + cad->n_views + cad->n_colours + cad->n_relations +
         cad->n_spatial;
    for (size_t i = 0; i < cad->n_assemblies; i++)
        n += cad->assemblies[i]->n_occurrences;
    for (size_t i = 0; i < cad->n_features; i++)
        n += cad->features[i]->n_parameters;
    if (cad->topology)
        n += cad->topology->n_surface_types + cad->topology->n_curve_types;
    if (cad->family_table)
        n += cad->family_table->n_columns + cad->family_table->n_rows;
    for (size_t i = 0; cad->family_table && i < cad->family_table->n_rows; i++)
        n += cad->family_table->rows[i]->n_cells;
    return n;
}

static size_t bytes_of(const model *cad, const geometry *g)
{
    const Quarry__V1__CadPoints *p = g && g->points ? g->points : cad->points;

    return cad->genome.len + cad->details.len + cad->n_entity_counts * 40 + cad->n_products * 100 +
           cad->n_colours * 80 + cad->n_relations * 100 + cad->n_spatial * 100 + cad->n_mass * 200 +
           (p ? p->xyz.len + p->normals.len : 0) + 1000;
}

void qr_rows_model(struct qr_results *results, const struct qr_model_key *key, const qr_record *r)
{
    static const model none = QUARRY__V1__CAD_MODEL__INIT;
    const model *cad = r->cad ? r->cad : &none;
    json_t *json, *assemblies;

    if (!qr_record_has_model(r))
        return;
    json = qr_cad_json(r);
    if (!json) {
        results->failed = true;
        return;
    }
    assemblies = json_incref(json_object_get(json, "assemblies"));
    qr_results_room(results, bytes_of(cad, r->geometry));
    model_row(results, key, cad, r->geometry, json); /* first: the others' rows look it up */
    beside(results, key->job_id, cad, r->geometry, json, assemblies);
    json_decref(assemblies);
    json_decref(json);
}

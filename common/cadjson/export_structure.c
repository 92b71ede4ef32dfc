/* What a model is made of, in an export: products and where they stand, mass, bounds, the B-Rep's
 * counts, the genome. */
#include "common/cadjson/export.h"
#include "common/cadjson/fields.h"

typedef struct qr_cadjson cadjson;

/* ------------------------------------------------------------------ structure */

static const struct qr_field product_fields[] = {
    FIELD(CadProduct, "id", TEXT, id),
    FIELD(CadProduct, "name", TEXT, name),
    FIELD(CadProduct, "description", TEXT, description),
    FIELD(CadProduct, "revision", TEXT, revision),
    FIELD(CadProduct, "category", TEXT, category),
    FIELD(CadProduct, "source", TEXT, source),
    FIELD(CadProduct, "root", FLAG, root),
    END,
};

static const struct qr_field occurrence_fields[] = {
    FIELD(CadOccurrence, "id", TEXT, id),
    FIELD(CadOccurrence, "name", TEXT, name),
    FIELD(CadOccurrence, "reference_designator", TEXT, reference_designator),
    FIELD(CadOccurrence, "path", TEXT, path),
    FIELD(CadOccurrence, "suppressed", FLAG, suppressed),
    NUMBERS_OF(CadOccurrence, "transform", 16, transform),
    END,
};

static bool read_product(cadjson *cj)
{
    return qr_cadjson_object(cj, product_fields, qr_cad_add_product(cj->rec));
}

bool qr_export_products(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_product);
}

static bool read_occurrences(cadjson *cj, void *target)
{
    Quarry__V1__CadAssembly *assembly = target;

    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr))
        if (!qr_cadjson_object(cj, occurrence_fields,
                               qr_cadjson_has_room(cj) ? qr_cad_add_occurrence(cj->rec, assembly)
                                                       : NULL))
            return false;
    return !cj->jr->failed;
}

static const struct qr_field assembly_fields[] = {
    FIELD(CadAssembly, "parent", TEXT, parent),
    FIELD(CadAssembly, "child", TEXT, child),
    FIELD(CadAssembly, "quantity", NUMBER, quantity),
    FIELD(CadAssembly, "cycle", FLAG, cycle),
    FIELD(CadAssembly, "unresolved", FLAG, unresolved),
    SPECIAL("occurrences", read_occurrences),
    END,
};

static bool read_assembly(cadjson *cj)
{
    Quarry__V1__CadAssembly *assembly = qr_cad_add_assembly(cj->rec);

    if (!qr_cadjson_object(cj, assembly_fields, assembly))
        return false;
    if (assembly && !assembly->child[0])
        return qr_jr_fail(cj->jr, "a component without \"child\"");
    return true;
}

bool qr_export_assemblies(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_assembly);
}

/* ------------------------------------------------------------------ numbers */

static const struct qr_field mass_fields[] = {
    FIELD(CadMass, "owner", TEXT, owner),
    FIELD(CadMass, "source", TEXT, source),
    NUMBER_OF(CadMass, "volume", volume),
    NUMBER_OF(CadMass, "area", area),
    NUMBER_OF(CadMass, "mass", mass),
    NUMBER_OF(CadMass, "density", density),
    NUMBERS_OF(CadMass, "centroid", 3, centroid),
    NUMBERS_OF(CadMass, "inertia", 9, inertia),
    NUMBERS_OF(CadMass, "principal_moments", 3, principal_moments),
    END,
};

static bool read_one_mass(cadjson *cj)
{
    Quarry__V1__CadMass *mass = qr_cad_add_mass(cj->rec);

    if (!qr_cadjson_object(cj, mass_fields, mass))
        return false;
    if (mass && !mass->source[0])
        mass->source = qr_record_text(cj->rec, "export");
    return true;
}

bool qr_export_mass(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_jr_peek(cj->jr) == QR_JR_OBJECT ? read_one_mass(cj)
                                              : qr_cadjson_list(cj, read_one_mass);
}

bool qr_export_bbox(struct qr_cadjson *cj, void *target)
{
    double *box = NULL;
    size_t n = 0;
    Quarry__V1__CadModel *cad = target;

    if (!qr_cadjson_numbers(cj, 6, &box, &n))
        return false;
    if (n == 6)
        cad->bounds = qr_cad_bounds(cj->rec, box, "export");
    return true;
}

/* {"plane": 12, …} */
static bool read_counts(cadjson *cj, enum qr_cad_counts list)
{
    const char *key;

    if (!qr_jr_object(cj->jr))
        return false;
    while ((key = qr_jr_member(cj->jr))) {
        static const struct qr_field count = {"", QR_FIELD_COUNT, 0, 0, 0, NULL};
        uint64_t n = 0;
        if (!qr_cadjson_value(cj, &count, &n))
            return false;
        qr_cad_add_count(cj->rec, list, key, strlen(key), n);
    }
    return !cj->jr->failed;
}

static bool read_surfaces(cadjson *cj, void *target)
{
    (void)target;
    return read_counts(cj, QR_CAD_SURFACES);
}

static bool read_curves(cadjson *cj, void *target)
{
    (void)target;
    return read_counts(cj, QR_CAD_CURVES);
}

const struct qr_field qr_export_topology_fields[] = {
    FIELD(CadTopology, "solid_count", COUNT, solids),
    FIELD(CadTopology, "shell_count", COUNT, shells),
    FIELD(CadTopology, "face_count", COUNT, faces),
    FIELD(CadTopology, "loop_count", COUNT, loops),
    FIELD(CadTopology, "edge_count", COUNT, edges),
    FIELD(CadTopology, "vertex_count", COUNT, vertices),
    FIELD(CadTopology, "inner_loops", COUNT, inner_loops),
    FIELD(CadTopology, "open_edges", COUNT, open_edges),
    FIELD(CadTopology, "non_manifold_edges", COUNT, non_manifold_edges),
    FIELD(CadTopology, "adjacency_hash", TEXT, adjacency_hash),
    SPECIAL("surface_types", read_surfaces),
    SPECIAL("curve_types", read_curves),
    END,
};

/* A JSON object, as it is. */
bool qr_export_genome(struct qr_cadjson *cj, void *target)
{
    enum { GENOME_MAX = 4 * 1024 * 1024 };
    Quarry__V1__CadModel *cad = target;
    struct qr_buf json;
    bool ok;

    if (qr_jr_peek(cj->jr) != QR_JR_OBJECT)
        return qr_jr_object(cj->jr); /* says what it is */
    qr_buf_init(&json, GENOME_MAX);
    ok = qr_jr_copy(cj->jr, &json);
    if (ok && json.failed)
        qr_record_partial(cj->rec, "cadjson.genome.capped",
                          "a genome of more than %d MiB was left out", GENOME_MAX >> 20);
    else if (ok && qr_cadjson_fits(cj, json.len))
        qr_cad_set_bytes(cj->rec, &cad->genome, json.data, json.len);
    qr_buf_done(&json);
    return ok;
}

/* What may be large: point clouds, embeddings, pictures; as base64 of little-endian float32 (or of
 * the picture's file), or as lists of numbers. Base64: RFC 4648, padding and blanks as they come.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cadjson/intern.h"

enum {
    POINTS_MAX = 1000000,
    VALUES_MAX = 65536,            /* numbers of one embedding */
    IMAGE_MAX = 8 * 1024 * 1024,   /* bytes of one picture */
    IMAGES_MAX = 24 * 1024 * 1024, /* of all together */
};

/* ------------------------------------------------------------------ base64 */

struct base64 {
    struct qr_buf *out;
    uint32_t bits;
    int n_bits;
    bool padded, bad;
    size_t n; /* characters so far */
    bool url; /* inside of "data:image/png;base64," */
};

static int digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+' || c == '-' ? 62
           : c == '/' || c == '_' ? 63
                                  : -1;
}

static bool take_base64(void *ctx, const char *piece, size_t len)
{
    struct base64 *b = ctx;

    if (b->n == 0 && len >= 5 && memcmp(piece, "data:", 5) == 0)
        b->url = true;
    for (size_t i = 0; i < len; i++, b->n++) {
        char c = piece[i];
        int digit = digit_of(c);
        if (b->url) {
            b->url = c != ',' && b->n < 200;
        } else if (c == '=') {
            b->padded = true;
        } else if (digit < 0 || b->padded) {
            if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
                continue;
            b->bad = true;
            return false;
        } else {
            b->bits = b->bits << 6 | (uint32_t)digit;
            b->n_bits += 6;
            if (b->n_bits >= 8) {
                uint8_t byte = (uint8_t)(b->bits >> (b->n_bits - 8));
                b->n_bits -= 8;
                qr_buf_append(b->out, &byte, 1);
            }
        }
    }
    return !b->out->failed;
}

/* What is larger than `out` allows leaves out->failed; the string is read over. */
static bool read_base64(struct qr_cadjson *cj, struct qr_buf *out)
{
    struct base64 b = {.out = out};

    if (!qr_jr_pieces(cj->jr, take_base64, &b))
        return false;
    if (b.bad || (b.n_bits >= 6 && !out->failed))
        return qr_jr_fail(cj->jr, "base64 is expected");
    return true;
}

/* ------------------------------------------------------------------ floats */

/* Lists in lists are as if they were one: [[x, y, z], …]. */
static bool read_list(struct qr_cadjson *cj, struct qr_buf *out, int levels)
{
    if (!qr_jr_array(cj->jr))
        return false;
    while (qr_jr_element(cj->jr)) {
        if (levels > 1 && qr_jr_peek(cj->jr) == QR_JR_ARRAY) {
            if (!read_list(cj, out, levels - 1))
                return false;
            continue;
        }
        double value;
        if (qr_jr_peek(cj->jr) == QR_JR_NULL) {
            value = NAN;
            if (!qr_jr_null(cj->jr))
                return false;
        } else if (!qr_jr_number(cj->jr, &value)) {
            return false;
        }
        float single = fabs(value) <= (double)QR_CADJSON_FLOAT_MAX ? (float)value : NAN;
        qr_buf_append(out, &single, sizeof single);
    }
    return !cj->jr->failed;
}

/* float32 in the machine's order, which is little-endian wherever Quarry runs. */
static bool read_floats(struct qr_cadjson *cj, struct qr_buf *out, int levels)
{
    if (qr_jr_peek(cj->jr) == QR_JR_STRING)
        return read_base64(cj, out);
    return read_list(cj, out, levels);
}

static bool all_finite(const struct qr_buf *floats)
{
    for (size_t i = 0; i + sizeof(float) <= floats->len; i += sizeof(float)) {
        float value;
        memcpy(&value, floats->data + i, sizeof value);
        if (!(fabsf(value) <= QR_CADJSON_FLOAT_MAX))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ points */

struct cloud {
    struct qr_buf xyz, normals;
    char *source;
    uint64_t count;
};

static bool read_coordinates(struct qr_cadjson *cj, struct qr_buf *out)
{
    if (qr_jr_peek(cj->jr) == QR_JR_BOOL) /* only said to be there */
        return qr_jr_skip(cj->jr);
    if (!read_floats(cj, out, 2))
        return false;
    return out->failed || out->len % (3 * sizeof(float)) == 0 ||
           qr_jr_fail(cj->jr, "whole points of three numbers are expected");
}

static bool read_xyz(struct qr_cadjson *cj, void *target)
{
    struct cloud *cloud = target;
    return read_coordinates(cj, &cloud->xyz);
}

static bool read_normals(struct qr_cadjson *cj, void *target)
{
    struct cloud *cloud = target;
    return read_coordinates(cj, &cloud->normals);
}

static bool read_encoding(struct qr_cadjson *cj, void *target)
{
    (void)target;
    if (!qr_jr_string(cj->jr))
        return false;
    return strcmp(cj->jr->text, "base64-float32le") == 0 ||
           qr_jr_fail(cj->jr, "\"base64-float32le\" is expected, not \"%.40s\"", cj->jr->text);
}

static const struct qr_field cloud_fields[] = {
    {"count", QR_FIELD_COUNT, offsetof(struct cloud, count), 0, 0, NULL},
    {"source", QR_FIELD_TEXT, offsetof(struct cloud, source), 0, 0, NULL},
    {"encoding", QR_FIELD_SPECIAL, 0, 0, 0, read_encoding},
    {"xyz", QR_FIELD_SPECIAL, 0, 0, 0, read_xyz},
    {"normals", QR_FIELD_SPECIAL, 0, 0, 0, read_normals},
    {NULL, QR_FIELD_SPECIAL, 0, 0, 0, NULL},
};

static void keep_points(struct qr_cadjson *cj, struct cloud *cloud)
{
    struct qr_record *rec = cj->rec;
    Quarry__V1__CadModel *cad = qr_record_cad(rec);
    bool normals = cloud->normals.len == cloud->xyz.len && !cloud->normals.failed &&
                   all_finite(&cloud->normals);
    size_t n = cloud->xyz.len / (3 * sizeof(float));

    if (cloud->xyz.failed) {
        qr_record_partial(rec, "cadjson.points.capped",
                          "a point cloud of more than %d points was left out", POINTS_MAX);
        return;
    }
    if (n == 0 || !cad || !qr_cadjson_fits(cj, cloud->xyz.len * (normals ? 2 : 1)))
        return;
    if (!all_finite(&cloud->xyz)) {
        qr_record_partial(rec, "cadjson.number",
                          "/point_cloud/xyz has a number that is not finite: left out");
        return;
    }
    if (cloud->count > 0 && cloud->count != n)
        qr_record_partial(rec, "cadjson.points.count", "%llu points are announced, %zu are there",
                          (unsigned long long)cloud->count, n);
    if (!normals && cloud->normals.len > 0)
        qr_record_partial(rec, "cadjson.normals",
                          "normals that do not match the points were left out");
    float *xyz = malloc(cloud->xyz.len), *nxyz = normals ? malloc(cloud->normals.len) : NULL;
    if (xyz && (nxyz || !normals)) {
        memcpy(xyz, cloud->xyz.data, cloud->xyz.len);
        if (nxyz)
            memcpy(nxyz, cloud->normals.data, cloud->normals.len);
        cad->points = qr_cad_points(rec, xyz, nxyz, (uint32_t)n,
                                    cloud->source && cloud->source[0] ? cloud->source : "export");
    }
    free(xyz);
    free(nxyz);
}

bool qr_cadjson_read_points(struct qr_cadjson *cj, void *target)
{
    struct cloud cloud = {.source = NULL};
    bool ok;
    (void)target;

    qr_buf_init(&cloud.xyz, (size_t)POINTS_MAX * 3 * sizeof(float));
    qr_buf_init(&cloud.normals, (size_t)POINTS_MAX * 3 * sizeof(float));
    ok = qr_cadjson_object(cj, cloud_fields, &cloud);
    if (ok)
        keep_points(cj, &cloud);
    qr_buf_done(&cloud.xyz);
    qr_buf_done(&cloud.normals);
    return ok;
}

/* ------------------------------------------------------------------ embeddings */

static bool read_values_to(struct qr_cadjson *cj, Quarry__V1__CadEmbedding *embedding)
{
    struct qr_buf values;
    bool ok;

    qr_buf_init(&values, VALUES_MAX * sizeof(float));
    ok = read_floats(cj, &values, 1);
    if (ok && !values.failed && values.len % sizeof(float) != 0)
        ok = qr_jr_fail(cj->jr, "whole numbers of four bytes are expected");
    if (ok && values.failed)
        qr_record_partial(cj->rec, "cadjson.embedding.capped",
                          "an embedding of more than %d numbers was left out", VALUES_MAX);
    else if (ok && !all_finite(&values))
        qr_cadjson_not_finite(cj);
    else if (ok && embedding && values.len > 0 && qr_cadjson_fits(cj, values.len))
        qr_cad_set_values(cj->rec, embedding, (const float *)(const void *)values.data,
                          values.len / sizeof(float));
    qr_buf_done(&values);
    return ok;
}

static bool read_values(struct qr_cadjson *cj, void *target) { return read_values_to(cj, target); }

static const struct qr_field embedding_fields[] = {
    {"type", QR_FIELD_TEXT, offsetof(Quarry__V1__CadEmbedding, type), 0, 0, NULL},
    {"model", QR_FIELD_TEXT, offsetof(Quarry__V1__CadEmbedding, model), 0, 0, NULL},
    {"values", QR_FIELD_SPECIAL, 0, 0, 0, read_values},
    {NULL, QR_FIELD_SPECIAL, 0, 0, 0, NULL},
};

static bool read_embedding(struct qr_cadjson *cj)
{
    Quarry__V1__CadEmbedding *embedding = qr_cad_add_embedding(cj->rec);

    if (!qr_cadjson_object(cj, embedding_fields, embedding))
        return false;
    return !embedding || embedding->type[0] || qr_jr_fail(cj->jr, "an embedding without \"type\"");
}

bool qr_cadjson_read_embeddings(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_embedding);
}

bool qr_cadjson_read_latent(struct qr_cadjson *cj, void *target)
{
    Quarry__V1__CadEmbedding *embedding = qr_cad_add_embedding(cj->rec);
    (void)target;

    if (embedding)
        embedding->type = qr_record_text(cj->rec, "deepsdf");
    return read_values_to(cj, embedding);
}

/* ------------------------------------------------------------------ views */

static size_t images_bytes(const struct qr_cadjson *cj)
{
    const Quarry__V1__CadModel *cad = cj->rec->msg->cad;
    size_t bytes = 0;

    for (size_t i = 0; cad && i < cad->n_views; i++)
        bytes += cad->views[i]->image.len;
    return bytes;
}

static bool read_image(struct qr_cadjson *cj, void *target)
{
    Quarry__V1__CadView *view = target;
    size_t used = images_bytes(cj), left = used < IMAGES_MAX ? IMAGES_MAX - used : 0;
    struct qr_buf image;
    bool ok;

    qr_buf_init(&image, left < IMAGE_MAX ? left : IMAGE_MAX);
    ok = read_base64(cj, &image);
    if (ok && image.failed)
        qr_record_partial(cj->rec, "cadjson.view.capped",
                          "pictures of more than %d MiB, %d MiB together, were left out",
                          IMAGE_MAX >> 20, IMAGES_MAX >> 20);
    else if (ok && image.len > 0 && qr_cadjson_fits(cj, image.len))
        qr_cad_set_bytes(cj->rec, &view->image, image.data, image.len);
    qr_buf_done(&image);
    return ok;
}

static const struct qr_field view_fields[] = {
    {"name", QR_FIELD_TEXT, offsetof(Quarry__V1__CadView, name), 0, 0, NULL},
    {"width", QR_FIELD_COUNT32, offsetof(Quarry__V1__CadView, width), 0, 0, NULL},
    {"height", QR_FIELD_COUNT32, offsetof(Quarry__V1__CadView, height), 0, 0, NULL},
    {"media_type", QR_FIELD_TEXT, offsetof(Quarry__V1__CadView, media_type), 0, 0, NULL},
    {"source", QR_FIELD_TEXT, offsetof(Quarry__V1__CadView, source), 0, 0, NULL},
    {"image", QR_FIELD_SPECIAL, 0, 0, 0, read_image},
    {NULL, QR_FIELD_SPECIAL, 0, 0, 0, NULL},
};

static bool read_view(struct qr_cadjson *cj)
{
    Quarry__V1__CadView *view = qr_cad_add_view(cj->rec);

    if (!qr_cadjson_object(cj, view_fields, view))
        return false;
    if (view && !view->source[0])
        view->source = qr_record_text(cj->rec, "export");
    return true;
}

bool qr_cadjson_read_views(struct qr_cadjson *cj, void *target)
{
    (void)target;
    return qr_cadjson_list(cj, read_view);
}

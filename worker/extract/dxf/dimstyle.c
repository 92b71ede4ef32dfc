/* Dimension styles: a table by name, and the layers of authority above each other. */
#include "worker/extract/dxf/dimstyle.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "common/base.h"
#include "worker/extract/dxf/doc.h"
#include "worker/extract/extract.h"

#define STYLES_MAX 4096
#define BUCKETS 512
#define POST_MAX 256 /* bytes of DIMPOST */

struct entry {
    struct entry *next;
    const char *name; /* raw bytes of the file */
    size_t name_len;
    struct qr_dxf_dimvars vars;
};

struct qr_dxf_dimstyle {
    struct entry *buckets[BUCKETS];
    size_t n;
    struct qr_dxf_dimvars header; /* of dimensions without a known style */
    bool have_header;
};

static const struct qr_dxf_dimvars standard = {
    .lfac = 1,
    .altf = 25.4,
    .txt = 0.18,
    .scale = 1,
    .gap = 0.09,
    .dec = 4,
    .tdec = 4,
    .altd = 2,
    .dsep = '.',
    .lunit = QR_DXF_LUNIT_DECIMAL,
    .altu = QR_DXF_LUNIT_DECIMAL,
};

static size_t bucket_of(const char *name, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c >= 'a' && c <= 'z')
            c = (unsigned char)(c - 'a' + 'A');
        hash = (hash ^ c) * 16777619u;
    }
    return hash % BUCKETS;
}

static struct entry *find(const struct qr_dxf_doc *doc, const char *name, size_t len)
{
    if (!doc->dimstyles)
        return NULL;
    for (struct entry *e = doc->dimstyles->buckets[bucket_of(name, len)]; e; e = e->next)
        if (e->name_len == len && strncasecmp(e->name, name, len) == 0)
            return e;
    return NULL;
}

static char *copy(struct qr_dxf_doc *doc, const char *text, size_t len)
{
    char *out = qr_dxf_alloc(doc, len + 1);
    if (out)
        memcpy(out, text, len);
    return out;
}

/* A string that lives with the document; NULL when it is empty. */
static const char *keep_text(struct qr_dxf_doc *doc, const struct qr_dxf_tag *tag)
{
    struct qr_buf utf8;
    const char *out = NULL;

    if (!tag->text || tag->len == 0)
        return NULL;
    qr_buf_init(&utf8, POST_MAX);
    qr_dxf_decode(doc, tag->text, tag->len < POST_MAX ? tag->len : POST_MAX, &utf8);
    if (utf8.len > 0)
        out = copy(doc, (const char *)utf8.data, utf8.len);
    qr_buf_done(&utf8);
    return out;
}

static int in_range(const struct qr_dxf_tag *tag, int low, int high, int otherwise)
{
    bool ok = false;
    int64_t value = qr_dxf_int(tag, &ok);

    return ok && value >= low && value <= high ? (int)value : otherwise;
}

static void set_real(const struct qr_dxf_tag *tag, double *to)
{
    bool ok = false;
    double value = qr_dxf_real(tag, &ok);

    if (ok && isfinite(value))
        *to = value;
}

/* DIMUNIT of R13 and R14: 6 and 7 are 4 and 5 without stacked fractions. */
static enum qr_dxf_lunit old_unit(const struct qr_dxf_tag *tag)
{
    static const enum qr_dxf_lunit units[] = {
        QR_DXF_LUNIT_SCIENTIFIC,    QR_DXF_LUNIT_DECIMAL,    QR_DXF_LUNIT_ENGINEERING,
        QR_DXF_LUNIT_ARCHITECTURAL, QR_DXF_LUNIT_FRACTIONAL, QR_DXF_LUNIT_ARCHITECTURAL,
        QR_DXF_LUNIT_FRACTIONAL,    QR_DXF_LUNIT_WINDOWS,
    };
    return units[in_range(tag, 1, (int)QR_COUNT(units), 2) - 1];
}

static void set_number(struct qr_dxf_dimvars *vars, int code, const struct qr_dxf_tag *tag)
{
    switch (code) {
    case 40:
        set_real(tag, &vars->scale);
        break;
    case 140:
        set_real(tag, &vars->txt);
        break;
    case 147:
        set_real(tag, &vars->gap);
        break;
    case 45:
        set_real(tag, &vars->rnd);
        break;
    case 47:
        set_real(tag, &vars->tp);
        break;
    case 48:
        set_real(tag, &vars->tm);
        break;
    case 143:
        set_real(tag, &vars->altf);
        break;
    case 144:
        set_real(tag, &vars->lfac);
        break;
    case 148:
        set_real(tag, &vars->altrnd);
        break;
    case 71:
        vars->tol = in_range(tag, 0, 1, 0) != 0;
        break;
    case 72:
        vars->lim = in_range(tag, 0, 1, 0) != 0;
        break;
    case 78:
        vars->zin = in_range(tag, 0, 15, 0);
        break;
    case 79:
        vars->azin = in_range(tag, 0, 3, 0);
        break;
    case 170:
        vars->alt = in_range(tag, 0, 1, 0) != 0;
        break;
    case 171:
        vars->altd = in_range(tag, 0, 8, 2);
        break;
    case 179:
        vars->adec = in_range(tag, -1, 8, 0);
        break;
    case 270:
        vars->lunit = old_unit(tag);
        break;
    case 271:
        vars->dec = in_range(tag, 0, 8, 4);
        break;
    case 272:
        vars->tdec = in_range(tag, 0, 8, 4);
        break;
    case 273:
        vars->altu = old_unit(tag);
        break;
    case 275:
        vars->aunit = (enum qr_dxf_aunit)in_range(tag, 0, 3, 0);
        break;
    case 276:
        vars->frac = in_range(tag, 0, 2, 0);
        break;
    case 277:
        vars->lunit = (enum qr_dxf_lunit)in_range(tag, 1, 6, 2);
        break;
    case 278:
        vars->dsep = (char)in_range(tag, 32, 126, '.');
        break;
    case 284:
        vars->tzin = in_range(tag, 0, 15, 0);
        break;
    case 285:
        vars->altz = in_range(tag, 0, 15, 0);
        break;
    default:
        break;
    }
}

/* One variable by its DIMSTYLE group code; unknown codes do nothing.
 *
 *   tag   the value; strings are decoded by the document's code page
 */
static void set_variable(struct qr_dxf_doc *doc, struct qr_dxf_dimvars *vars, int code,
                         const struct qr_dxf_tag *tag)
{
    if (code == 3)
        vars->post = keep_text(doc, tag);
    else if (code == 4)
        vars->apost = keep_text(doc, tag);
    else
        set_number(vars, code, tag);
}

/* Header variables by the group code of the style's field. */
static const struct {
    const char *name;
    int code;
} header_variables[] = {
    {"$DIMSCALE", 40},  {"$DIMTXT", 140},  {"$DIMGAP", 147},    {"$DIMPOST", 3},
    {"$DIMAPOST", 4},   {"$DIMRND", 45},   {"$DIMTP", 47},      {"$DIMTM", 48},
    {"$DIMTOL", 71},    {"$DIMLIM", 72},   {"$DIMZIN", 78},     {"$DIMAZIN", 79},
    {"$DIMALTF", 143},  {"$DIMLFAC", 144}, {"$DIMALTRND", 148}, {"$DIMALT", 170},
    {"$DIMALTD", 171},  {"$DIMADEC", 179}, {"$DIMUNIT", 270},   {"$DIMDEC", 271},
    {"$DIMTDEC", 272},  {"$DIMALTU", 273}, {"$DIMAUNIT", 275},  {"$DIMFRAC", 276},
    {"$DIMLUNIT", 277}, {"$DIMDSEP", 278}, {"$DIMTZIN", 284},   {"$DIMALTZ", 285},
};

/* R12 has no decimals of its own for dimensions: the drawing's units serve. */
static void drawing_units(const struct qr_dxf_doc *doc, struct qr_dxf_dimvars *vars)
{
    static const struct {
        const char *name;
        int code;
    } units[] = {
        {"$LUNITS", 277}, {"$LUPREC", 271}, {"$LUPREC", 272}, {"$AUNITS", 275}, {"$AUPREC", 179}};

    for (size_t i = 0; i < QR_COUNT(units); i++) {
        const struct qr_dxf_variable *v = qr_dxf_variable_find(doc, units[i].name);
        if (v)
            set_number(vars, units[i].code, &v->tag);
    }
}

static bool is_old(const struct qr_dxf_doc *doc) { return doc->version < 1012; }

/* AutoCAD's defaults, metric or imperial, then the document's header variables. */
static void set_defaults(struct qr_dxf_doc *doc, struct qr_dxf_dimvars *ret)
{
    *ret = standard;
    if (is_old(doc))
        drawing_units(doc, ret);
    for (size_t i = 0; i < QR_COUNT(header_variables); i++) {
        const struct qr_dxf_variable *v = qr_dxf_variable_find(doc, header_variables[i].name);
        if (v)
            set_variable(doc, ret, header_variables[i].code, &v->tag);
    }
}

static struct qr_dxf_dimstyle *table_of(struct qr_dxf_doc *doc)
{
    if (!doc->dimstyles)
        doc->dimstyles = qr_dxf_alloc(doc, sizeof *doc->dimstyles);
    return doc->dimstyles;
}

void qr_dxf_dimstyle_add(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity)
{
    const struct qr_dxf_tag *name_tag = qr_dxf_find(entity, 2);
    struct qr_dxf_dimstyle *table = table_of(doc);
    const char *name;
    struct entry *e;
    size_t len, n = qr_dxf_xdata_at(entity);

    if (!table || !name_tag || !name_tag->text)
        return;
    len = qr_dxf_trim(name_tag->text, name_tag->len, &name);
    if (find(doc, name, len))
        return;
    if (table->n >= STYLES_MAX) {
        qr_record_partial(doc->x->rec, "dxf.dimstyle.capped", "more than %d dimension styles",
                          STYLES_MAX);
        return;
    }
    e = qr_dxf_alloc(doc, sizeof *e);
    if (!e || !(e->name = copy(doc, name, len)))
        return;
    e->name_len = len;
    e->vars = standard;
    if (is_old(doc))
        drawing_units(doc, &e->vars);
    for (size_t i = 0; i < n; i++)
        set_variable(doc, &e->vars, entity->tags[i].code, &entity->tags[i]);
    e->next = table->buckets[bucket_of(name, len)];
    table->buckets[bucket_of(name, len)] = e;
    table->n++;
}

/* XDATA of ACAD: "DSTYLE", "{", pairs of a code (1070) and its value, "}". */
static void apply_overrides(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                            struct qr_dxf_dimvars *vars)
{
    size_t n = 0;
    const struct qr_dxf_tag *tags = qr_dxf_xdata(entity, "ACAD", &n);
    bool inside = false;

    for (size_t i = 0; i < n; i++) {
        if (tags[i].code == 1000 && !inside)
            inside = qr_dxf_tag_is(&tags[i], "DSTYLE");
        else if (inside && tags[i].code == 1002 && qr_dxf_tag_is(&tags[i], "}"))
            inside = false;
        else if (inside && tags[i].code == 1070 && i + 1 < n && tags[i + 1].code != 1002) {
            set_variable(doc, vars, (int)qr_dxf_int(&tags[i], NULL), &tags[i + 1]);
            i++;
        }
    }
}

void qr_dxf_dimvars_of(struct qr_dxf_doc *doc, const struct qr_dxf_entity *entity,
                       struct qr_dxf_dimvars *ret)
{
    const struct qr_dxf_tag *tag = qr_dxf_find(entity, 3);
    struct qr_dxf_dimstyle *table = table_of(doc);
    const struct entry *e = NULL;

    if (tag && tag->text) {
        const char *name;
        size_t len = qr_dxf_trim(tag->text, tag->len, &name);
        e = find(doc, name, len);
    }
    if (table && !e && !table->have_header) {
        set_defaults(doc, &table->header);
        table->have_header = true;
    }
    *ret = e ? e->vars : table ? table->header : standard;
    apply_overrides(doc, entity, ret);
}

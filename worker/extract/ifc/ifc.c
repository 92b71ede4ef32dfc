#include "worker/extract/ifc/ifc.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "worker/extract/ifc/intern.h"
#include "worker/extract/p21/model.h"

#define NESTED_BUDGET ((uint64_t)4 << 20) /* properties in properties */

/* ifcXML: XML whose first element tells so. */
static bool is_xml(const struct qr_input *in)
{
    size_t at = in->head_len >= 3 && memcmp(in->head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    while (at < in->head_len && isspace(in->head[at]))
        at++;
    return at < in->head_len && in->head[at] == '<' &&
           (memmem(in->head, in->head_len, "ifc", 3) || memmem(in->head, in->head_len, "IFC", 3) ||
            memmem(in->head, in->head_len, "<?xml", 5));
}

static void report(struct qr_ifc *ifc)
{
    const struct qr_extract *x = ifc->x;

    qr_ifc_relate(ifc);
    qr_extract_report(x, 400);
    qr_ifc_read_units(ifc);
    qr_ifc_report_project(ifc);
    qr_ifc_report_spatial(ifc);
    qr_ifc_report_products(ifc);
    qr_extract_report(x, 500);
    qr_ifc_report_materials(ifc);
    qr_ifc_report_associations(ifc);
    qr_ifc_report_properties(ifc);
    qr_extract_report(x, 800);
    qr_ifc_report_structure(ifc);
    qr_ifc_report_looks(ifc);
    qr_ifc_report_bounds(ifc);
    qr_ifc_judge(ifc);
    qr_p21_release(x);
    if (ifc->second > 0)
        qr_record_note(ifc->rec, "ifc.relation.twice",
                       "%llu objects have a second type, place or material: the first in the file "
                       "holds",
                       (unsigned long long)ifc->second);
    if (ifc->dangling > 0) {
        Quarry__V1__CadModel *cad = qr_record_cad(ifc->rec);
        if (cad && cad->unresolved_references == 0)
            cad->unresolved_references = ifc->dangling;
        qr_record_note(ifc->rec, "ifc.reference.dangling", "%llu references lead nowhere",
                       (unsigned long long)ifc->dangling);
    }
    qr_record_set_text(ifc->rec, (const char *)x->engine->text.data, x->engine->text.len);
}

static void read_model(const struct qr_extract *x, const struct qr_p21 *p21)
{
    struct qr_ifc ifc = {.x = x, .rec = x->rec, .p21 = p21, .mm = 1000, .budget = NESTED_BUDGET};
    const char *schema = qr_record_find_meta(x->rec, "schema");

    ifc.old = schema && strncasecmp(schema, "IFC2", 4) == 0;
    qr_buf_init(&ifc.scratch, qr_ifc_text_max(&ifc));
    if (qr_ifc_words_init(&ifc) && qr_ifc_units_init(&ifc) && qr_ifc_find_objects(&ifc))
        report(&ifc);
    else
        qr_record_fail(x->rec, QR_CLASS_RESOURCE, "no memory for the objects of the model");
    qr_ifc_words_done(&ifc);
    qr_ifc_units_done(&ifc);
    qr_buf_done(&ifc.scratch);
    free(ifc.classes);
    free(ifc.objects);
    free(ifc.materials);
}

void qr_ifc_extract(const struct qr_extract *x)
{
    if (is_xml(x->in)) {
        qr_record_fail(
            x->rec, QR_CLASS_UNSUPPORTED,
            "ifcXML is recognised, but not read; hint: save the model as .ifc or .ifczip");
        return;
    }
    QR_AUTO(qr_p21) p21 = qr_p21_read(x, ".ifc");
    if (!p21)
        return;
    qr_record_set_extractor(x->rec, "quarry-ifc", QUARRY_VERSION);
    qr_p21_describe(x, p21, "ifc");
    read_model(x, p21);
    const Quarry__V1__CadModel *cad = qr_record_cad(x->rec);
    if (qr_p21_count(p21) == 0)
        qr_record_set_empty(x->rec, "the file has no records");
    else if (cad && cad->n_products + x->rec->msg->n_parameters + x->engine->text.len == 0)
        qr_record_set_empty(x->rec,
                            "the model has neither products nor properties nor names: only shapes");
}

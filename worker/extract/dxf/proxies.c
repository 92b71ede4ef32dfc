/* CLASSES, and the proxies of other programs' entities, which name their class by its number. */
#include <string.h>

#include "worker/extract/dxf/reader.h"

#define FIRST_CLASS 500 /* of the CLASSES section */

void qr_dxf_read_class(struct qr_dxf_reader *r)
{
    qr_dxf_collect(r);
    const struct qr_dxf_tag *name = qr_dxf_find(&r->e, 1);
    if (r->n_classes >= QR_DXF_CLASSES_MAX)
        return;
    r->classes[r->n_classes++] =
        name && name->text ? qr_dxf_copy(&r->doc, name->text, name->len < 80 ? name->len : 80)
                           : NULL;
}

void qr_dxf_read_proxy(struct qr_dxf_reader *r)
{
    const char *name = NULL;
    size_t len = 0;

    qr_dxf_collect(r);
    qr_dxf_place_of(r);
    int64_t number = qr_dxf_find_int(&r->e, 91, 0) - FIRST_CLASS;
    if (number >= 0 && (uint64_t)number < r->n_classes && r->classes[number]) {
        struct qr_dxf_tag tag = {
            .code = 1, .text = r->classes[number], .len = strlen(r->classes[number])};
        name = qr_dxf_name_of(r, &tag, &len);
    }
    qr_record_note(r->rec, "dxf.proxy",
                   "proxies of other programs' entities, the first of class \"%.*s\"; only their "
                   "number is known",
                   (int)len, name ? name : "");
}

#include "worker/extract/ifc/materials.h"

#define PARTS_MAX 1000 /* layers of one wall */

/* Where the parts of a definition stand, the name of what has one, and within a part its material,
 * its thickness (a length) and its fraction. -1: nowhere. */
static const struct {
    const char *type;
    int via;  /* what it stands for: a usage for its set */
    int list; /* its parts; -1: it is one */
    int material, name, thickness, fraction;
} shapes[] = {
    {"IFCMATERIALLAYERSETUSAGE", 0, -1, -1, -1, -1, -1},
    {"IFCMATERIALPROFILESETUSAGE", 0, -1, -1, -1, -1, -1},
    {"IFCMATERIALPROFILESETUSAGETAPERING", 0, -1, -1, -1, -1, -1},
    {"IFCMATERIALLAYERSET", -1, 0, -1, 1, -1, -1},
    {"IFCMATERIALLIST", -1, 0, -1, -1, -1, -1},
    {"IFCMATERIALCONSTITUENTSET", -1, 2, -1, 0, -1, -1},
    {"IFCMATERIALPROFILESET", -1, 2, -1, 0, -1, -1},
    {"IFCMATERIALLAYER", -1, -1, 0, 3, 1, -1},
    {"IFCMATERIALLAYERWITHOFFSETS", -1, -1, 0, 3, 1, -1},
    {"IFCMATERIALCONSTITUENT", -1, -1, 2, 0, -1, 3},
    {"IFCMATERIALPROFILE", -1, -1, 2, 0, -1, -1},
    {"IFCMATERIALPROFILEWITHOFFSETS", -1, -1, 2, 0, -1, -1},
};

static int shape_of(const struct qr_ifc *ifc, uint32_t instance)
{
    const char *type = qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance));

    for (size_t i = 0; i < QR_COUNT(shapes); i++)
        if (strcmp(type, shapes[i].type) == 0)
            return (int)i;
    return -1;
}

static bool is_material(const struct qr_ifc *ifc, uint32_t instance)
{
    return strcmp(qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance)), "IFCMATERIAL") ==
           0;
}

static struct qr_p21_value pick(const struct qr_p21_value *values, int at)
{
    return at >= 0 ? values[at] : (struct qr_p21_value){.kind = QR_P21_END};
}

/* One item of a definition: a material, or a part that has one. */
static bool part_of(struct qr_ifc *ifc, uint32_t instance, struct qr_ifc_part *ret)
{
    int shape = instance == QR_P21_NONE ? -1 : shape_of(ifc, instance);
    struct qr_p21_value values[4];

    *ret = (struct qr_ifc_part){.material = instance};
    if (shape < 0 || shapes[shape].material < 0)
        return instance != QR_P21_NONE && is_material(ifc, instance);
    qr_p21_get(ifc->p21, instance, QR_P21_UNKNOWN, values, QR_COUNT(values));
    ret->material = qr_p21_follow(ifc->p21, &values[shapes[shape].material]);
    ret->name = pick(values, shapes[shape].name);
    ret->thickness = pick(values, shapes[shape].thickness);
    ret->fraction = pick(values, shapes[shape].fraction);
    return true;
}

void qr_ifc_parts_init(struct qr_ifc_parts *parts, struct qr_ifc *ifc, uint32_t definition)
{
    struct qr_p21_value value;
    int shape = shape_of(ifc, definition);

    if (shape >= 0 && shapes[shape].via >= 0 &&
        qr_p21_attribute(ifc->p21, definition, QR_P21_UNKNOWN, (size_t)shapes[shape].via, &value)) {
        definition = qr_p21_follow(ifc->p21, &value);
        shape = definition == QR_P21_NONE ? -1 : shape_of(ifc, definition);
    }
    *parts = (struct qr_ifc_parts){.ifc = ifc, .single = definition, .left = PARTS_MAX};
    if (shape < 0 || shapes[shape].list < 0)
        return;
    parts->single = QR_P21_NONE;
    if (qr_p21_attribute(ifc->p21, definition, QR_P21_UNKNOWN, (size_t)shapes[shape].list, &value))
        parts->refs = qr_ifc_refs(&value);
}

bool qr_ifc_next_part(struct qr_ifc_parts *parts, struct qr_ifc_part *ret)
{
    struct qr_p21_value value;

    if (parts->single != QR_P21_NONE) {
        uint32_t single = parts->single;
        parts->single = QR_P21_NONE;
        return part_of(parts->ifc, single, ret);
    }
    while (parts->ifc->parts_left > 0 && qr_ifc_next_ref(&parts->refs, &value)) {
        if (parts->left-- == 0) {
            qr_record_partial(parts->ifc->rec, "ifc.materials.capped",
                              "materials of more than %d parts: the others are left out",
                              PARTS_MAX);
            return false;
        }
        parts->ifc->parts_left--;
        if (part_of(parts->ifc, qr_p21_follow(parts->ifc->p21, &value), ret))
            return true;
    }
    return false;
}

const char *qr_ifc_material_name(struct qr_ifc *ifc, uint32_t definition)
{
    int shape = shape_of(ifc, definition);

    if (shape < 0)
        return qr_ifc_attribute(ifc, definition, 0);
    return shapes[shape].name >= 0 ? qr_ifc_attribute(ifc, definition, (size_t)shapes[shape].name)
                                   : "";
}

#include <stdio.h>
#include <stdlib.h>

#include "worker/extract/ifc/intern.h"

#define SOURCE_DEPTH 16 /* references in references to a classification */
#define SHARE 4         /* of the list of parameters: the rest is for properties */

/* What an association says. Texts are stored. */
struct said {
    const char *name, *value;
};

typedef bool (*describe_fn)(struct qr_ifc *ifc, uint32_t target, struct said *ret);

static bool has_type(const struct qr_ifc *ifc, uint32_t instance, const char *type)
{
    return instance != QR_P21_NONE &&
           strcmp(qr_p21_type_name(ifc->p21, qr_p21_type_of(ifc->p21, instance)), type) == 0;
}

/* "Ss_25_10 Walls": one of them may be missing. */
static const char *joined(struct qr_ifc *ifc, const char *code, const char *name)
{
    char text[600];

    if (*code == '\0' || *name == '\0' || strcmp(code, name) == 0)
        return *code ? code : name;
    snprintf(text, sizeof text, "%.200s %.390s", code, name);
    return qr_ifc_intern(ifc, text, qr_utf8_cut(text, strlen(text), sizeof text));
}

/* IFC2X3: IfcClassificationNotation: 0 facets, each with its part of the code: "12.3". */
static const char *notation(struct qr_ifc *ifc, uint32_t target)
{
    struct qr_p21_value value;
    struct qr_p21_value facet;
    char code[256] = "";
    size_t len = 0;

    if (!qr_p21_attribute(ifc->p21, target, QR_P21_UNKNOWN, 0, &value))
        return "";
    struct qr_ifc_refs refs = qr_ifc_refs(&value);
    while (len < sizeof code - 1 && qr_ifc_next_ref(&refs, &facet)) {
        uint32_t instance = qr_p21_follow(ifc->p21, &facet);
        const char *part = instance == QR_P21_NONE ? "" : qr_ifc_attribute(ifc, instance, 0);
        int n = snprintf(code + len, sizeof code - len, "%s%s", len && *part ? "." : "", part);
        len += n > 0 && (size_t)n < sizeof code - len ? (size_t)n : sizeof code - len - 1;
    }
    return qr_ifc_intern(ifc, code, qr_utf8_cut(code, strlen(code), sizeof code));
}

/* IfcClassificationReference: 1 code, 2 name, 3 source, which is another one or an
 * IfcClassification: 0 source, 1 edition, 3 name. */
static bool describe_classification(struct qr_ifc *ifc, uint32_t target, struct said *ret)
{
    struct qr_p21_value values[4];

    *ret = (struct said){"", ""};
    if (has_type(ifc, target, "IFCCLASSIFICATIONNOTATION")) {
        ret->value = notation(ifc, target);
        return ret->value[0] != '\0';
    }
    for (int i = 0; i < SOURCE_DEPTH; i++) {
        qr_p21_get(ifc->p21, target, QR_P21_UNKNOWN, values, QR_COUNT(values));
        if (has_type(ifc, target, "IFCCLASSIFICATION")) {
            ret->name = qr_ifc_text(ifc, &values[3]);
            return true;
        }
        if (i == 0)
            ret->value = joined(ifc, qr_ifc_text(ifc, &values[1]), qr_ifc_text(ifc, &values[2]));
        target = qr_p21_follow(ifc->p21, &values[3]);
        if (target == QR_P21_NONE)
            break;
    }
    return ret->value[0] != '\0';
}

/* IfcDocumentReference: 0 location, 1 code, 2 name, 4 IfcDocumentInformation: 0 code, 1 name,
 * 3 location, or in IFC2X3 its references. */
static bool describe_document(struct qr_ifc *ifc, uint32_t target, struct said *ret)
{
    struct qr_p21_value values[5];
    struct qr_p21_value about[4];
    bool reference = has_type(ifc, target, "IFCDOCUMENTREFERENCE");

    qr_p21_get(ifc->p21, target, QR_P21_UNKNOWN, values, QR_COUNT(values));
    uint32_t information = reference ? qr_p21_follow(ifc->p21, &values[4]) : target;
    const char *code = qr_ifc_text(ifc, &values[reference ? 1 : 0]);
    const char *name = qr_ifc_text(ifc, &values[reference ? 2 : 1]);
    const char *location = reference ? qr_ifc_text(ifc, &values[0]) : "";
    if (information != QR_P21_NONE) {
        qr_p21_get(ifc->p21, information, QR_P21_UNKNOWN, about, QR_COUNT(about));
        struct qr_ifc_refs refs = qr_ifc_refs(&about[3]);
        code = *code ? code : qr_ifc_text(ifc, &about[0]);
        name = *name ? name : qr_ifc_text(ifc, &about[1]);
        location = *location ? location : qr_ifc_text(ifc, &about[3]);
        if (*location == '\0' && about[3].kind == QR_P21_LIST &&
            qr_ifc_next_ref(&refs, &values[0]) &&
            qr_p21_follow(ifc->p21, &values[0]) != QR_P21_NONE)
            location = qr_ifc_attribute(ifc, qr_p21_follow(ifc->p21, &values[0]), 0);
    }
    *ret = (struct said){joined(ifc, code, name), location};
    return *ret->name || *ret->value;
}

struct put {
    const char *set;
    describe_fn describe;
    bool each; /* an entry for each object, else one for all */
    size_t room;
    uint64_t left_out;
};

static void put_entry(struct qr_ifc *ifc, struct put *put, const struct said *said, char *owner,
                      const char *source, uint64_t owners)
{
    Quarry__V1__Parameter *parameter = put->room > 0 ? qr_record_add_parameter(ifc->rec) : NULL;

    if (!parameter) {
        put->left_out += owners ? owners : 1;
        return;
    }
    put->room--;
    parameter->set = (char *)(uintptr_t)put->set;
    parameter->name = (char *)(uintptr_t)said->name;
    parameter->value = (char *)(uintptr_t)said->value;
    if (owner)
        parameter->owner = owner;
    parameter->source = (char *)(uintptr_t)source;
    parameter->owners = owners;
}

static void put_relation(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                         struct qr_p21_value *many)
{
    struct put *put = arg;
    uint32_t target = qr_p21_follow(ifc->p21, one);
    struct qr_ifc_refs refs = qr_ifc_refs(many);
    uint64_t owners = 0;
    uint32_t first = QR_IFC_NOTHING;
    uint32_t object;
    struct said said;

    ifc->dangling += one->kind == QR_P21_REF && target == QR_P21_NONE;
    if (target == QR_P21_NONE || !put->describe(ifc, target, &said))
        return;
    while ((object = qr_ifc_next_object(ifc, &refs)) != QR_IFC_NOTHING) {
        if (put->each)
            put_entry(ifc, put, &said, qr_ifc_id(ifc, object), "occurrence", 0);
        first = owners++ == 0 ? object : first;
    }
    if (!put->each && owners > 0)
        put_entry(ifc, put, &said, qr_ifc_id(ifc, first), "occurrence", owners);
}

static void count_relation(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                           struct qr_p21_value *many)
{
    struct qr_ifc_refs refs = qr_ifc_refs(many);
    struct qr_p21_value value;
    uint64_t *total = arg;

    (void)ifc;
    (void)one;
    while (qr_ifc_next_ref(&refs, &value))
        ++*total;
}

static void put_associations(struct qr_ifc *ifc, const char *type, const char *set,
                             describe_fn describe)
{
    const struct qr_ifc_relation relation = {type, 5, 4};
    struct put put = {.set = set, .describe = describe};
    uint64_t total = 0;

    put.room = qr_ifc_room(ifc, ifc->rec->msg->n_parameters) / SHARE;
    qr_ifc_each_relation(ifc, &relation, count_relation, &total);
    put.each = total <= put.room;
    qr_ifc_each_relation(ifc, &relation, put_relation, &put);
    if (!put.each)
        qr_record_partial(ifc->rec, "ifc.associations.merged",
                          "%llu objects have something under \"%s\": those with the same are one "
                          "entry, with the number of objects; %llu are left out",
                          (unsigned long long)total, set, (unsigned long long)put.left_out);
}

/* ------------------------------------------------------------------ the whole of them */

/* Which of some records (ascending) a relation has as its target. */
struct targets {
    const uint32_t *all;
    uint32_t n;
    bool *used;
};

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void mark_target(struct qr_ifc *ifc, void *arg, const struct qr_p21_value *one,
                        struct qr_p21_value *many)
{
    struct targets *targets = arg;
    uint32_t instance = qr_p21_follow(ifc->p21, one);
    const uint32_t *found = bsearch(&instance, targets->all, targets->n, sizeof instance, compare);

    (void)many;
    if (found)
        targets->used[found - targets->all] = true;
}

/* Classes that no object has: the file is a library of them, or has more than it uses. */
static void put_library(struct qr_ifc *ifc)
{
    static const struct qr_ifc_relation relation = {"IFCRELASSOCIATESCLASSIFICATION", 5, 4};
    struct put put = {.set = "classification"};
    struct targets targets = {0};
    struct said said;

    targets.all =
        qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCCLASSIFICATIONREFERENCE"), &targets.n);
    targets.used = calloc((size_t)targets.n + 1, sizeof *targets.used);
    if (targets.n == 0 || !targets.used) {
        free(targets.used);
        return;
    }
    qr_ifc_each_relation(ifc, &relation, mark_target, &targets);
    put.room = qr_ifc_room(ifc, ifc->rec->msg->n_parameters) / SHARE;
    for (uint32_t i = 0; i < targets.n; i++) {
        if (!describe_classification(ifc, targets.all[i], &said))
            continue;
        qr_ifc_say(ifc, said.value);
        if (!targets.used[i])
            put_entry(ifc, &put, &said, NULL, "library", 0);
    }
    free(targets.used);
    if (put.left_out > 0)
        qr_record_partial(ifc->rec, "ifc.associations.capped",
                          "%llu classes of a classification are left out",
                          (unsigned long long)put.left_out);
}

static void put_systems(struct qr_ifc *ifc)
{
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCCLASSIFICATION"), &n);

    for (uint32_t i = 0; i < n; i++) {
        const char *name = qr_ifc_attribute(ifc, all[i], 3);
        qr_record_add_meta(ifc->rec, "classification", name, strlen(name), "model");
    }
}

static void put_link(struct qr_ifc *ifc, const char *kind, const char *target)
{
    size_t n = ifc->rec->msg->n_links;

    for (size_t i = n > 50 ? n - 50 : 0; i < n; i++) /* the same documents stand together */
        if (strcmp(ifc->rec->msg->links[i]->target, target) == 0)
            return;
    Quarry__V1__Link *link = *target ? qr_record_add_link(ifc->rec) : NULL;
    if (!link)
        return;
    link->kind = (char *)(uintptr_t)kind;
    link->target = (char *)(uintptr_t)target;
}

/* Documents, libraries and pictures: what lies elsewhere. */
static void put_links(struct qr_ifc *ifc)
{
    static const struct {
        const char *type, *kind;
        int at; /* of the location; -1: a document */
    } types[] = {{"IFCDOCUMENTREFERENCE", "document", -1},
                 {"IFCDOCUMENTINFORMATION", "document", -1},
                 {"IFCLIBRARYREFERENCE", "library", 0},
                 {"IFCLIBRARYINFORMATION", "library", 4},
                 {"IFCIMAGETEXTURE", "image", 5}};
    uint32_t n;
    struct said said;

    for (size_t k = 0; k < QR_COUNT(types); k++) {
        const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, types[k].type), &n);
        for (uint32_t i = 0; i < n; i++) {
            if (types[k].at >= 0) {
                put_link(ifc, types[k].kind, qr_ifc_attribute(ifc, all[i], (size_t)types[k].at));
            } else if (describe_document(ifc, all[i], &said)) {
                put_link(ifc, types[k].kind, *said.value ? said.value : said.name);
                qr_ifc_say(ifc, said.name);
            }
        }
    }
}

void qr_ifc_report_associations(struct qr_ifc *ifc)
{
    put_associations(ifc, "IFCRELASSOCIATESCLASSIFICATION", "classification",
                     describe_classification);
    put_associations(ifc, "IFCRELASSOCIATESDOCUMENT", "documents", describe_document);
    put_systems(ifc);
    put_library(ifc);
    put_links(ifc);
}

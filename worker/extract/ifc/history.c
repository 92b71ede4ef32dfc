#include <stdio.h>
#include <time.h>

#include "worker/extract/ifc/meta.h"

#define NAMES_MAX 100 /* of people, of organizations */

/* Who made the model, with what and when: IfcOwnerHistory, people and organizations. */

/* IfcPerson: 1 family name, 2 given name; IfcOrganization: 1 name. Exporters write placeholders. */
static void put_name(struct qr_ifc *ifc, const char *key, uint32_t instance, bool person)
{
    const char *name = qr_ifc_attribute(ifc, instance, 1);
    const char *given = person ? qr_ifc_attribute(ifc, instance, 2) : "";
    char text[512];

    snprintf(text, sizeof text, "%.200s%s%.200s", given, *given && *name ? " " : "", name);
    if (strcmp(text, "Undefined") == 0 || strcmp(text, "$") == 0)
        return;
    qr_ifc_meta(ifc, key, text);
}

/* All of a type, `first` before the others. */
static void put_names(struct qr_ifc *ifc, const char *type, const char *key, uint32_t first)
{
    bool person = strcmp(type, "IFCPERSON") == 0;
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, type), &n);

    if (first != QR_P21_NONE)
        put_name(ifc, key, first, person);
    for (uint32_t i = 0; i < n && i < NAMES_MAX; i++)
        if (all[i] != first)
            put_name(ifc, key, all[i], person);
    if (n > NAMES_MAX)
        qr_record_note(ifc->rec, "ifc.names.capped", "the first %d of %u are listed as %s",
                       NAMES_MAX, n, key);
}

/* Seconds since 1970, UTC. Zero and what lies before are placeholders. */
static void put_time(struct qr_ifc *ifc, const char *key, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm date;
    char text[32];

    if (seconds <= 0 || seconds >= INT64_C(253402300800) || !gmtime_r(&when, &date)) /* year 9999 */
        return;
    if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &date) > 0)
        qr_ifc_meta(ifc, key, text);
}

static int64_t seconds_of(const struct qr_p21_value *value)
{
    return value->kind == QR_P21_INTEGER ? value->integer : 0;
}

/* Over all histories (4 last change, 7 creation): when the first thing was made, the last one
 * changed. */
static void put_times(struct qr_ifc *ifc)
{
    struct qr_p21_value values[8];
    int64_t made = 0;
    int64_t changed = 0;
    uint32_t n;
    const uint32_t *all = qr_p21_of_type(ifc->p21, qr_p21_type(ifc->p21, "IFCOWNERHISTORY"), &n);

    for (uint32_t i = 0; i < n; i++) {
        qr_p21_get(ifc->p21, all[i], QR_P21_UNKNOWN, values, QR_COUNT(values));
        int64_t creation = seconds_of(&values[7]);
        int64_t change = seconds_of(&values[4]);
        made = creation > 0 && (made == 0 || creation < made) ? creation : made;
        changed = change > changed ? change : changed;
    }
    put_time(ifc, "model_created", made);
    put_time(ifc, "model_modified", changed);
}

/* IfcApplication: 0 developer, 1 version, 2 name. */
static void put_application(struct qr_ifc *ifc, uint32_t application)
{
    static const char *const keys[] = {NULL, "application_version", "application"};
    struct qr_p21_value developer;

    qr_ifc_meta_attributes(ifc, application, keys, QR_COUNT(keys));
    if (application != QR_P21_NONE &&
        qr_p21_attribute(ifc->p21, application, QR_P21_UNKNOWN, 0, &developer) &&
        qr_p21_follow(ifc->p21, &developer) != QR_P21_NONE)
        put_name(ifc, "application_developer", qr_p21_follow(ifc->p21, &developer), false);
}

/* Attribute `n` of an instance as an instance. */
static uint32_t attribute_at(const struct qr_ifc *ifc, uint32_t instance, size_t n)
{
    struct qr_p21_value value;

    if (instance == QR_P21_NONE || !qr_p21_attribute(ifc->p21, instance, QR_P21_UNKNOWN, n, &value))
        return QR_P21_NONE;
    return qr_p21_follow(ifc->p21, &value);
}

void qr_ifc_report_history(struct qr_ifc *ifc)
{
    /* that of the project: 0 IfcPersonAndOrganization (0 person, 1 organization), 1 application */
    uint32_t history = attribute_at(ifc, qr_ifc_first(ifc, "IFCPROJECT"), QR_IFC_HISTORY);
    uint32_t owner = attribute_at(ifc, history, 0);
    uint32_t application = attribute_at(ifc, history, 1);

    put_application(ifc,
                    application != QR_P21_NONE ? application : qr_ifc_first(ifc, "IFCAPPLICATION"));
    put_names(ifc, "IFCORGANIZATION", "model_organization", attribute_at(ifc, owner, 1));
    put_names(ifc, "IFCPERSON", "model_author", attribute_at(ifc, owner, 0));
    put_times(ifc);
}

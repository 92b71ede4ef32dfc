#include <ctype.h>
#include <stdio.h>

#include "worker/extract/step/intern.h"

#define ROWS_MAX 1000 /* assignments of one kind that are looked at */

static const struct qr_step_field first = {0, 0, STEP_PERSON};

/* Once each: exporters write the same person on every part. */
static void add_once(struct qr_step *s, const char *what, const char *role, const char *value)
{
    char key[160];
    const Quarry__V1__ExtractionRecord *msg = s->rec->msg;

    if (value[0] == '\0')
        return;
    snprintf(key, sizeof key, "%s%s%.120s", what, role[0] ? ":" : "", role);
    for (char *at = key; *at; at++)
        *at = *at == ' ' ? '_' : (char)tolower((unsigned char)*at);
    for (size_t i = 0; i < msg->n_metadata && i < 500; i++)
        if (strcmp(msg->metadata[i]->key, key) == 0 && strcmp(msg->metadata[i]->value, value) == 0)
            return;
    qr_record_add_meta(s->rec, key, value, strlen(value), "step");
}

static const char *at(const struct qr_step *s, uint32_t instance, uint8_t n)
{
    return qr_step_text(s, instance, (struct qr_step_field){n, n, first.part});
}

static uint32_t ref_at(const struct qr_step *s, uint32_t instance, uint8_t n)
{
    return qr_step_ref(s, instance, (struct qr_step_field){n, n, first.part});
}

/* PERSON(id, last, first, …), ORGANIZATION(id, name, description). */
static void name_of(const struct qr_step *s, uint32_t instance, char *ret, size_t size)
{
    uint32_t person = instance;
    uint32_t organization = instance;

    ret[0] = '\0';
    if (qr_step_is(s, instance, STEP_PERSON_AND_ORGANIZATION)) {
        person = ref_at(s, instance, 0);
        organization = ref_at(s, instance, 1);
    }
    if (qr_step_is(s, person, STEP_PERSON)) {
        const char *last = at(s, person, 1);
        const char *given = at(s, person, 2);
        snprintf(ret, size, "%s%s%s", given, given[0] && last[0] ? " " : "",
                 last[0] || given[0] ? last : at(s, person, 0));
    }
    if (qr_step_is(s, organization, STEP_ORGANIZATION)) {
        const char *name = at(s, organization, 1);
        size_t len = strlen(ret);
        if (name[0] && len < size)
            snprintf(ret + len, size - len, "%s%s", len > 0 ? ", " : "", name);
    }
}

/* …_ASSIGNMENT(whom, role, items). */
static void take_people(struct qr_step *s, enum qr_step_name name, const char *what)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);
    char text[400];

    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++) {
        name_of(s, ref_at(s, all[i], 0), text, sizeof text);
        add_once(s, what, at(s, ref_at(s, all[i], 1), 0), text);
    }
}

/* CALENDAR_DATE(year, day, month), LOCAL_TIME(hour, minute, second, zone): as ISO 8601. */
static void date_text(const struct qr_step *s, uint32_t instance, char *ret, size_t size)
{
    uint32_t date = qr_step_is(s, instance, STEP_DATE_AND_TIME) ? ref_at(s, instance, 0) : instance;
    uint32_t time =
        qr_step_is(s, instance, STEP_DATE_AND_TIME) ? ref_at(s, instance, 1) : QR_P21_NONE;
    double part[6] = {0};

    ret[0] = '\0';
    if (!qr_step_is(s, date, STEP_CALENDAR_DATE))
        return;
    for (uint8_t i = 0; i < 3; i++)
        if (!qr_step_number(s, date, (struct qr_step_field){i, i, STEP_CALENDAR_DATE}, &part[i]))
            return;
    for (uint8_t i = 0; i < 3; i++)
        if (!qr_step_number(s, time, (struct qr_step_field){i, i, STEP_LOCAL_TIME}, &part[3 + i]))
            part[3 + i] = 0;
    if (!(part[0] >= 1 && part[0] <= 9999 && part[1] >= 1 && part[1] <= 31 && part[2] >= 1 &&
          part[2] <= 12))
        return; /* zeros and nonsense are met */
    int used = snprintf(ret, size, "%04d-%02d-%02d", (int)part[0], (int)part[2], (int)part[1]);
    if (qr_step_is(s, time, STEP_LOCAL_TIME) && part[3] >= 0 && part[3] < 24 && part[4] >= 0 &&
        part[4] < 60 && part[5] >= 0 && part[5] < 61)
        snprintf(ret + used, size - (size_t)used, "T%02d:%02d:%02d", (int)part[3], (int)part[4],
                 (int)part[5]);
}

static void take_dates(struct qr_step *s, enum qr_step_name name)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);
    char text[40];

    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++) {
        date_text(s, ref_at(s, all[i], 0), text, sizeof text);
        add_once(s, "date", at(s, ref_at(s, all[i], 1), 0), text);
    }
}

/* APPROVAL(status, level); APPROVAL_PERSON_ORGANIZATION(whom, approval, role);
 * APPROVAL_DATE_TIME(date, approval). */
static void take_approvals(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_APPROVAL, &n);
    char text[400];

    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++)
        add_once(s, "approval", "", at(s, ref_at(s, all[i], 0), 0));
    all = qr_step_all(s, STEP_APPROVAL_PERSON_ORGANIZATION, &n);
    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++) {
        name_of(s, ref_at(s, all[i], 0), text, sizeof text);
        add_once(s, "approval", at(s, ref_at(s, all[i], 2), 0), text);
    }
    all = qr_step_all(s, STEP_APPROVAL_DATE_TIME, &n);
    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++) {
        date_text(s, ref_at(s, all[i], 0), text, sizeof text);
        add_once(s, "approval", "date", text);
    }
}

/* SECURITY_CLASSIFICATION(name, purpose, level). */
static void take_classifications(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_SECURITY_CLASSIFICATION, &n);

    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++)
        add_once(s, "security", "", at(s, ref_at(s, all[i], 2), 0));
    all = qr_step_all(s, STEP_APPLICATION_PROTOCOL_DEFINITION, &n);
    for (uint32_t i = 0; i < n && i < ROWS_MAX; i++)
        add_once(s, "application_protocol", "", at(s, all[i], 1));
}

void qr_step_people(struct qr_step *s)
{
    take_people(s, STEP_CC_DESIGN_PERSON_AND_ORGANIZATION_ASSIGNMENT, "person");
    take_people(s, STEP_APPLIED_PERSON_AND_ORGANIZATION_ASSIGNMENT, "person");
    take_people(s, STEP_APPLIED_ORGANIZATION_ASSIGNMENT, "organization");
    take_dates(s, STEP_CC_DESIGN_DATE_AND_TIME_ASSIGNMENT);
    take_dates(s, STEP_APPLIED_DATE_AND_TIME_ASSIGNMENT);
    take_approvals(s);
    take_classifications(s);
}

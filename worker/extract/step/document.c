#include "worker/extract/step/intern.h"

#define LINKS_LOOK 500 /* so many earlier links are compared */

static void add_link(struct qr_step *s, const char *kind, const char *target)
{
    const Quarry__V1__ExtractionRecord *msg = s->rec->msg;
    size_t from = msg->n_links > LINKS_LOOK ? msg->n_links - LINKS_LOOK : 0;

    if (target[0] == '\0')
        return;
    for (size_t i = from; i < msg->n_links; i++)
        if (strcmp(msg->links[i]->target, target) == 0)
            return;
    Quarry__V1__Link *link = qr_record_add_link(s->rec);
    if (link) {
        link->kind = qr_record_text(s->rec, kind);
        link->target = (char *)(uintptr_t)target;
    }
}

/* DOCUMENT(id, name, description, kind); DOCUMENT_FILE the same, its id names the file. */
static void take_documents(struct qr_step *s, enum qr_step_name name, const char *kind)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, name, &n);

    for (uint32_t i = 0; i < n; i++) {
        const char *id = qr_step_text(s, all[i], (struct qr_step_field){0, 0, STEP_DOCUMENT});
        const char *text = qr_step_text(s, all[i], (struct qr_step_field){1, 1, STEP_DOCUMENT});
        add_link(s, kind, id[0] ? id : text);
    }
}

/* APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT(id, role, source, items): a file outside. */
static void take_files(struct qr_step *s)
{
    uint32_t n;
    const uint32_t *all = qr_step_all(s, STEP_APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT, &n);

    for (uint32_t i = 0; i < n; i++)
        add_link(s, "file",
                 qr_step_text(s, all[i],
                              (struct qr_step_field){
                                  0, 0, STEP_APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT}));
}

void qr_step_documents(struct qr_step *s)
{
    take_documents(s, STEP_DOCUMENT_FILE, "file");
    take_files(s);
    take_documents(s, STEP_DOCUMENT, "document");
}

/* tests/unit/worker/extract/dxf/dxf_fixture.h
 *
 * Whole drawings in memory, read into a record.
 */
#pragma once
#include <stdlib.h>

#include "tests/harness/test.h"
#include "worker/extract/dxf/codepage.h"
#include "worker/extract/dxf/dxf.h"
#include "worker/extract/extract.h"

struct dxf_fixture {
    struct qr_record *rec;
    struct qr_engine engine; /* its code pages alone */
};

static inline int set_up(void **state)
{
    struct dxf_fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    *state = fixture;
    fixture->rec = qr_record_new(NULL);
    fixture->engine.codepages = qr_dxf_codepages_new();
    return 0;
}

static inline int tear_down(void **state)
{
    struct dxf_fixture *fixture = *state;

    qr_dxf_codepages_free(fixture->engine.codepages);
    qr_record_free(fixture->rec);
    free(fixture);
    return 0;
}

/** What the record says of a drawing; it holds until the next one is read.
 *
 *   encoding  the option dxf_encoding, "" for what the file says
 */
static inline const Quarry__V1__ExtractionRecord *
dxf_fixture_read(struct dxf_fixture *fixture, const char *encoding, const void *data, size_t len)
{
    struct qr_extract_job job = {.name = "test.dxf", .type = "dxf"};
    struct qr_extract x = {.job = &job, .engine = &fixture->engine, .rec = fixture->rec};
    char *copy = malloc(len ? len : 1); /* of its exact size, so that reading past it is seen */

    assert_non_null(copy);
    snprintf(job.options.dxf_encoding, sizeof job.options.dxf_encoding, "%s", encoding);
    qr_record_reset(fixture->rec);
    if (len > 0)
        memcpy(copy, data, len);
    qr_dxf_read(&x, copy, len);
    free(copy);
    qr_record_finish(fixture->rec);
    return fixture->rec->msg;
}

/** The record's note of this code; NULL without one. */
static inline const Quarry__V1__Note *note_of(const Quarry__V1__ExtractionRecord *msg,
                                              const char *code)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            return msg->notes[i];
    return NULL;
}

/* tests/unit/worker/extract/step/model.h
 *
 * STEP models from tests/samples, and small ones from memory, to their records.
 */
#pragma once
#include "tests/harness/test.h"
#include "worker/extract/extract.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD                                                                                \
    "ISO-10303-21;HEADER;FILE_DESCRIPTION((''),'2;1');FILE_NAME('','',(''),(''),'','','');" \
    "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));ENDSEC;DATA;\n"
#define TAIL "ENDSEC;END-ISO-10303-21;\n"

struct fixture {
    struct qr_engine engine;
    struct qr_record *rec;
};

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct qr_err err = {0};

    *state = fixture;
    fixture->rec = qr_record_new(NULL);
    return qr_engine_init(&fixture->engine, (size_t)256 << 20, &err);
}

static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;

    qr_engine_done(&fixture->engine);
    qr_record_free(fixture->rec);
    free(fixture);
    return 0;
}

static inline const Quarry__V1__ExtractionRecord *extract(struct fixture *fixture, int fd,
                                                          const char *name)
{
    struct qr_extract_job job = {.fd = fd, .name = name, .type = "", .max_file_bytes = 1 << 30};

    assert_true(fd >= 0);
    qr_record_reset(fixture->rec);
    qr_extract_file(&fixture->engine, &job, fixture->rec);
    close(fd);
    return fixture->rec->msg;
}

static inline const Quarry__V1__ExtractionRecord *sample(struct fixture *fixture, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", QUARRY_SAMPLES, name);
    return extract(fixture, open(path, O_RDONLY | O_CLOEXEC), path);
}

static inline const Quarry__V1__ExtractionRecord *model(struct fixture *fixture,
                                                        const char *records)
{
    int fd = memfd_create("model", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(dprintf(fd, HEAD "%s" TAIL, records) > 0);
    return extract(fixture, fd, "model.stp");
}

static inline bool near(double a, double b) { return fabs(a - b) <= 1e-6 * (1 + fabs(b)); }

static inline bool has_note(const Quarry__V1__ExtractionRecord *msg, const char *code)
{
    for (size_t i = 0; i < msg->n_notes; i++)
        if (strcmp(msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

static inline const char *parameter(const Quarry__V1__ExtractionRecord *msg, const char *set,
                                    const char *name)
{
    for (size_t i = 0; i < msg->n_parameters; i++)
        if (strcmp(msg->parameters[i]->set, set) == 0 &&
            strcmp(msg->parameters[i]->name, name) == 0)
            return msg->parameters[i]->value;
    return "";
}

/* Admin.Enqueue's request read in place, against what protobuf-c makes of the same bytes.
 * Run it: ctest --preset dev -R enqueue_request_test */
#include "coordinator/service/enqueue_request.h"

#include <stdlib.h>

#include "quarry/v1/admin.pb-c.h"
#include "tests/harness/test.h"

enum { JOBS = 40 };

static uint8_t *pack(const Quarry__V1__EnqueueRequest *request, size_t *ret_len)
{
    *ret_len = quarry__v1__enqueue_request__get_packed_size(request);
    uint8_t *bytes = malloc(*ret_len + 1);
    assert_non_null(bytes);
    quarry__v1__enqueue_request__pack(request, bytes);
    return bytes;
}

/* A request whose fields are set and left out in turn. */
static uint8_t *make(size_t *ret_len)
{
    static Quarry__V1__NewJob jobs[JOBS];
    static Quarry__V1__NewJob *ptrs[JOBS];
    static char uris[JOBS][32], keys[JOBS][16];
    Quarry__V1__EnqueueRequest request = QUARRY__V1__ENQUEUE_REQUEST__INIT;

    for (size_t i = 0; i < JOBS; i++) {
        quarry__v1__new_job__init(&jobs[i]);
        snprintf(uris[i], sizeof uris[i], "root://t/%zu.txt", i * 37);
        snprintf(keys[i], sizeof keys[i], "key %zu", i);
        jobs[i].uri = uris[i];
        jobs[i].type = (char *)(uintptr_t)(i % 3 ? "text" : "pdf");
        jobs[i].priority = (int32_t)i - 20;
        jobs[i].bytes = i % 5 ? UINT64_MAX / (i + 1) : 0;
        jobs[i].modified_ms = i % 2 ? 1700000000000 + (int64_t)i : -5;
        jobs[i].delay_ms = i % 7 ? 0 : 1000;
        jobs[i].run_at_ms = i % 11 ? 0 : 1800000000000;
        if (i % 4 == 0)
            jobs[i].dedupe = keys[i];
        ptrs[i] = &jobs[i];
    }
    request.run_id = 4711;
    request.jobs = ptrs;
    request.n_jobs = JOBS;
    return pack(&request, ret_len);
}

static void assert_same(const Quarry__V1__EnqueueRequest *want,
                        const struct qr_enqueue_request *got)
{
    assert_int_equal(got->run_id, want->run_id);
    assert_int_equal(got->n_jobs, want->n_jobs);
    for (size_t i = 0; i < want->n_jobs; i++) {
        const Quarry__V1__NewJob *w = want->jobs[i];
        const struct qr_new_job *g = &got->jobs[i];
        assert_string_equal(g->uri, w->uri);
        assert_string_equal(g->type, w->type);
        assert_string_equal(g->dedupe ? g->dedupe : "", w->dedupe);
        assert_int_equal(g->priority, w->priority);
        assert_true(g->bytes == w->bytes && g->modified_ms == w->modified_ms);
        assert_true(g->delay_ms == w->delay_ms && g->run_at_ms == w->run_at_ms);
    }
}

static void a_request_reads_as_it_was_written(void **state)
{
    size_t len;
    uint8_t *bytes = make(&len);
    struct qr_enqueue_request request;
    struct qr_err err = {0};
    Quarry__V1__EnqueueRequest *want = quarry__v1__enqueue_request__unpack(NULL, len, bytes);

    (void)state;
    assert_ok(qr_enqueue_request_read(bytes, len, &request, &err), &err);
    assert_same(want, &request);
    qr_enqueue_request_done(&request);
    quarry__v1__enqueue_request__free_unpacked(want, NULL);
    free(bytes);
}

/* Whatever is changed, cut off or put in: what both read is the same, and ours reads no byte
 * outside (ASan sees that). Ours refuses a NUL within a text, which theirs cuts off. */
static void damaged_requests_are_read_alike_or_refused(void **state)
{
    unsigned seed = 1;
    unsigned both = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t len;
        uint8_t *bytes = make(&len);
        struct qr_enqueue_request request;
        struct qr_err err = {0};
        for (unsigned i = 0; i <= round % 3; i++)
            bytes[(unsigned)rand_r(&seed) % len] = (uint8_t)rand_r(&seed);
        if (round % 5 == 0)
            len = (unsigned)rand_r(&seed) % len;
        uint8_t *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, bytes, len);
        Quarry__V1__EnqueueRequest *want = quarry__v1__enqueue_request__unpack(NULL, len, bytes);
        int rc = qr_enqueue_request_read(exact, len, &request, &err);
        if (rc == QR_OK && want) {
            assert_same(want, &request);
            both++;
        }
        if (rc == QR_OK)
            qr_enqueue_request_done(&request);
        if (want)
            quarry__v1__enqueue_request__free_unpacked(want, NULL);
        free(exact);
        free(bytes);
    }
    assert_true(both > 5000);
}

static void a_text_with_a_nul_is_refused(void **state)
{
    static const uint8_t message[] = {0x12, 0x05, 0x0A, 0x03, 'a', 0, 'b', 0};
    uint8_t bytes[sizeof message];
    struct qr_enqueue_request request;
    struct qr_err err = {0};

    (void)state;
    memcpy(bytes, message, sizeof bytes);
    assert_err(qr_enqueue_request_read(bytes, sizeof message - 1, &request, &err), QR_E_INVALID,
               &err, "decoded");
}

static void more_jobs_than_allowed_are_refused(void **state)
{
    size_t n = QR_ENQUEUE_MAX + 1;
    uint8_t *bytes = calloc(2 * n + 1, 1);
    struct qr_enqueue_request request;
    struct qr_err err = {0};

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[2 * i] = 0x12; /* an empty job */
    assert_err(qr_enqueue_request_read(bytes, 2 * n, &request, &err), QR_E_LIMIT, &err, "10000");
    assert_ok(qr_enqueue_request_read(bytes, 2 * n - 2, &request, &err), &err);
    assert_int_equal(request.n_jobs, QR_ENQUEUE_MAX);
    qr_enqueue_request_done(&request);
    assert_ok(qr_enqueue_request_read(bytes, 0, &request, &err), &err);
    assert_int_equal(request.n_jobs, 0);
    qr_enqueue_request_done(&request);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_reads_as_it_was_written),
        cmocka_unit_test(damaged_requests_are_read_alike_or_refused),
        cmocka_unit_test(a_text_with_a_nul_is_refused),
        cmocka_unit_test(more_jobs_than_allowed_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

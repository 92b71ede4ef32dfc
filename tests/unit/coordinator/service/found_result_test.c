/* Run it: ctest --preset dev -R found_result_test
 * Jobs that a worker says it found: what can be none is left out and said, whatever was sent. */
#include <stdlib.h>

#include "coordinator/service/found.h"
#include "tests/harness/test.h"

enum { MANY = QR_FOUND_MAX + 44 };

static Quarry__V1__FoundJob jobs[MANY], *list[MANY];

static Quarry__V1__JobResult result_of(size_t n)
{
    Quarry__V1__JobResult result = QUARRY__V1__JOB_RESULT__INIT;

    for (size_t i = 0; i < n; i++) {
        quarry__v1__found_job__init(&jobs[i]);
        jobs[i].uri = (char *)"root://t/a";
        jobs[i].type = (char *)"text";
        list[i] = &jobs[i];
    }
    result.found = list;
    result.n_found = n;
    return result;
}

static void most_results_find_none(void **state)
{
    Quarry__V1__JobResult result = result_of(0);
    struct qr_found *found = NULL;
    Quarry__V1__Failure failure = QUARRY__V1__FAILURE__INIT;
    (void)state;

    assert_true(qr_found_of_result(&result, &found));
    assert_null(found);
    result = result_of(2);
    result.error = &failure; /* a failed attempt brings none */
    assert_true(qr_found_of_result(&result, &found));
    assert_null(found);
}

static void what_can_be_a_job_is_taken_whole(void **state)
{
    Quarry__V1__JobResult result = result_of(2);
    struct qr_found *found = NULL;
    (void)state;

    jobs[1].uri = (char *)"root://t/Größe %25.dxf";
    jobs[1].type = (char *)"dxf";
    jobs[1].key = (char *)"k";
    jobs[1].priority = -100;
    jobs[1].bytes = 7;
    jobs[1].modified_ms = 8;
    assert_true(qr_found_of_result(&result, &found));
    assert_int_equal(found->n, 2);
    assert_int_equal(found->left_out, 0);
    assert_string_equal(found->jobs[0].key, "");
    assert_string_equal(found->jobs[1].uri, jobs[1].uri);
    assert_string_equal(found->jobs[1].type, "dxf");
    assert_string_equal(found->jobs[1].key, "k");
    assert_int_equal(found->jobs[1].priority, -100);
    assert_int_equal(found->jobs[1].bytes, 7);
    assert_int_equal(found->jobs[1].modified_ms, 8);
    free(found);
}

static void what_cannot_be_a_job_is_left_out_and_said(void **state)
{
    static char long_uri[5000], long_key[300];
    Quarry__V1__JobResult result = result_of(9);
    struct qr_found *found = NULL;
    (void)state;

    memset(long_uri, 'u', sizeof long_uri - 1);
    memset(long_key, 'k', sizeof long_key - 1);
    jobs[0].uri = (char *)"";
    jobs[1].uri = long_uri;
    jobs[2].uri = (char *)"root://t/\xff";
    jobs[3].type = (char *)"";
    jobs[4].type = (char *)"no type,pdf";
    jobs[5].key = long_key;
    jobs[6].priority = 101;
    jobs[7].bytes = UINT64_MAX;
    assert_true(qr_found_of_result(&result, &found));
    assert_int_equal(found->n, 1);
    assert_int_equal(found->left_out, 8);
    assert_int_equal(found->left_out_class, QR_CLASS_INVALID_INPUT);
    assert_non_null(strstr(found->left_out_why, "address"));
    free(found);
}

static void more_than_are_allowed_are_counted(void **state)
{
    Quarry__V1__JobResult result = result_of(MANY);
    Quarry__V1__Failure why = QUARRY__V1__FAILURE__INIT;
    struct qr_found *found = NULL;
    (void)state;

    assert_true(qr_found_of_result(&result, &found));
    assert_int_equal(found->n, QR_FOUND_MAX);
    assert_int_equal(found->left_out, MANY - QR_FOUND_MAX);
    assert_int_equal(found->left_out_class, QR_CLASS_RESOURCE);
    free(found);

    result = result_of(0); /* a worker that counts them itself */
    result.found_left_out = UINT32_MAX;
    result.found_error = &why;
    why.class_ = (Quarry__V1__ErrorClass)4711;
    assert_true(qr_found_of_result(&result, &found));
    assert_int_equal(found->left_out, UINT32_MAX);
    assert_int_equal(found->left_out_class, QR_CLASS_INTERNAL);
    assert_non_null(strstr(found->left_out_why, "no reason"));
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_results_find_none),
        cmocka_unit_test(what_can_be_a_job_is_taken_whole),
        cmocka_unit_test(what_cannot_be_a_job_is_left_out_and_said),
        cmocka_unit_test(more_than_are_allowed_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R assembly_test */
#include <openssl/sha.h>
#include <stdlib.h>

#include "coordinator/service/fleet_internal.h"
#include "tests/harness/test.h"

static struct qr_fleet small_fleet(void)
{
    struct qr_fleet fleet = {.next_stream = 1};
    fleet.config.max_record_bytes = 300000;
    fleet.config.max_assembly_bytes = 400000;
    return fleet;
}

static const ProtobufCBinaryData no_sum = {0};

static void chunks_in_order_become_the_record(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    uint8_t *record = NULL;
    uint8_t sum[SHA256_DIGEST_LENGTH];
    (void)state;

    assert_true(qr_assembly_add(&fleet, &stream, 7, 0, (const uint8_t *)"hello ", 6));
    assert_true(qr_assembly_add(&fleet, &stream, 8, 0, (const uint8_t *)"other", 5));
    assert_true(qr_assembly_add(&fleet, &stream, 7, 6, (const uint8_t *)"world", 5));
    SHA256((const uint8_t *)"hello world", 11, sum);
    const ProtobufCBinaryData want = {.len = sizeof sum, .data = sum};
    assert_true(qr_assembly_take(&fleet, &stream, 7, 11, &want, &record));
    assert_memory_equal(record, "hello world", 11);
    free(record);
    assert_true(qr_assembly_take(&fleet, &stream, 8, 5, &no_sum, &record));
    free(record);
    assert_int_equal(fleet.assembly_bytes, 0);
}

static void a_chunk_at_offset_0_starts_anew(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    uint8_t *record = NULL;
    (void)state;

    assert_true(qr_assembly_add(&fleet, &stream, 7, 0, (const uint8_t *)"first try", 9));
    assert_true(qr_assembly_add(&fleet, &stream, 7, 0, (const uint8_t *)"ab", 2));
    assert_true(qr_assembly_take(&fleet, &stream, 7, 2, &no_sum, &record));
    assert_memory_equal(record, "ab", 2);
    free(record);
}

static void gaps_wrong_sizes_and_wrong_sums_are_refused(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    uint8_t *record = NULL;
    uint8_t sum[SHA256_DIGEST_LENGTH] = {1};
    const ProtobufCBinaryData wrong = {.len = sizeof sum, .data = sum};
    (void)state;

    assert_false(qr_assembly_add(&fleet, &stream, 7, 5, (const uint8_t *)"x", 1)); /* no start */
    assert_true(qr_assembly_add(&fleet, &stream, 7, 0, (const uint8_t *)"abc", 3));
    assert_false(qr_assembly_add(&fleet, &stream, 7, 4, (const uint8_t *)"x", 1)); /* a hole */
    assert_false(qr_assembly_take(&fleet, &stream, 7, 3, &no_sum, &record));       /* dropped */
    assert_true(qr_assembly_add(&fleet, &stream, 7, 0, (const uint8_t *)"abc", 3));
    assert_false(qr_assembly_take(&fleet, &stream, 7, 4, &no_sum, &record)); /* too short */
    assert_true(qr_assembly_add(&fleet, &stream, 7, 0, (const uint8_t *)"abc", 3));
    assert_false(qr_assembly_take(&fleet, &stream, 7, 3, &wrong, &record));
    assert_null(record);
    assert_int_equal(fleet.assembly_bytes, 0);
}

static void memory_is_capped_per_record_and_in_total(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    uint8_t *chunk = calloc(1, 60000);
    uint64_t offset = 0;
    (void)state;

    while (qr_assembly_add(&fleet, &stream, 7, offset, chunk, 60000))
        offset += 60000;
    assert_int_equal(offset, 300000);
    assert_int_equal(fleet.assembly_bytes, 0);
    for (uint64_t lease = 1; lease <= 6; lease++)
        assert_true(qr_assembly_add(&fleet, &stream, lease, 0, chunk, 60000));
    assert_false(qr_assembly_add(&fleet, &stream, 9, 0, chunk, 60000));
    qr_assembly_drop_all(&fleet, &stream);
    assert_int_equal(fleet.assembly_bytes, 0);
    free(chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_in_order_become_the_record),
        cmocka_unit_test(a_chunk_at_offset_0_starts_anew),
        cmocka_unit_test(gaps_wrong_sizes_and_wrong_sums_are_refused),
        cmocka_unit_test(memory_is_capped_per_record_and_in_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R assembly_test */
#include <openssl/sha.h>
#include <stdlib.h>

#include "common/clock.h"
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

static bool add(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease,
                uint64_t offset, const char *text)
{
    const ProtobufCBinaryData chunk = {.len = strlen(text), .data = (uint8_t *)text};
    return qr_assembly_add(fleet, stream, lease, offset, &chunk, true);
}

static uint8_t zeros[60000];

static bool add_large(struct qr_fleet *fleet, struct qr_fleet_stream *stream, uint64_t lease,
                      uint64_t offset)
{
    const ProtobufCBinaryData chunk = {.len = sizeof zeros, .data = zeros};
    return qr_assembly_add(fleet, stream, lease, offset, &chunk, false);
}

static void chunks_in_order_become_the_record(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    uint8_t *record = NULL;
    uint8_t sum[SHA256_DIGEST_LENGTH];
    (void)state;

    assert_true(add(&fleet, &stream, 7, 0, "hello "));
    assert_true(add(&fleet, &stream, 8, 0, "other"));
    assert_true(add(&fleet, &stream, 7, 6, "world"));
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

    assert_true(add(&fleet, &stream, 7, 0, "first try"));
    assert_true(add(&fleet, &stream, 7, 0, "ab"));
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

    assert_false(add(&fleet, &stream, 7, 5, "x")); /* no start */
    assert_true(add(&fleet, &stream, 7, 0, "abc"));
    assert_false(add(&fleet, &stream, 7, 4, "x"));                           /* a hole */
    assert_false(qr_assembly_take(&fleet, &stream, 7, 3, &no_sum, &record)); /* dropped */
    assert_true(add(&fleet, &stream, 7, 0, "abc"));
    assert_false(qr_assembly_take(&fleet, &stream, 7, 4, &no_sum, &record)); /* too short */
    assert_true(add(&fleet, &stream, 7, 0, "abc"));
    assert_false(qr_assembly_take(&fleet, &stream, 7, 3, &wrong, &record));
    assert_null(record);
    assert_int_equal(fleet.assembly_bytes, 0);
}

static void parts_and_records_are_not_mixed(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    const ProtobufCBinaryData part = {.len = 3, .data = (uint8_t *)"def"};
    uint8_t *record = NULL;
    (void)state;

    assert_true(add(&fleet, &stream, 7, 0, "abc"));
    assert_false(qr_assembly_add(&fleet, &stream, 7, 3, &part, false));
    assert_false(qr_assembly_take(&fleet, &stream, 7, 3, &no_sum, &record));
    assert_int_equal(fleet.assembly_bytes, 0);
}

static void rule_12_memory_is_capped_per_record_per_stream_and_in_total(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    struct qr_fleet_stream other = {.id = 2};
    uint8_t *record = NULL;
    uint64_t offset = 0;
    (void)state;

    while (add_large(&fleet, &stream, 7, offset))
        offset += sizeof zeros;
    assert_int_equal(offset, 300000);
    assert_int_equal(fleet.assembly_bytes, 0);
    fleet.config.max_assembly_bytes = 800000;
    for (uint64_t lease = 1; lease <= 20; lease++) /* 65536 bytes each: the oldest make room */
        assert_true(add_large(&fleet, &stream, lease, 0));
    assert_true(stream.assembly_bytes <= 600000);
    assert_false(qr_assembly_take(&fleet, &stream, 1, sizeof zeros, &no_sum, &record));
    assert_true(qr_assembly_take(&fleet, &stream, 20, sizeof zeros, &no_sum, &record));
    free(record);
    while (add_large(&fleet, &other, ++offset, 0))
        assert_true(fleet.assembly_bytes <= 800000);
    assert_true(other.assembly_bytes > 0);
    qr_assembly_drop_all(&fleet, &stream);
    qr_assembly_drop_all(&fleet, &other);
    assert_int_equal(fleet.assembly_bytes + stream.assembly_bytes + other.assembly_bytes, 0);
}

/* A worker may leave behind any number of beginnings: they do not add up. */
static void rule_12_what_is_never_finished_is_dropped(void **state)
{
    struct qr_fleet fleet = small_fleet();
    struct qr_fleet_stream stream = {.id = 1};
    (void)state;

    fleet.config.max_record_bytes = fleet.config.max_assembly_bytes = (size_t)64 << 20;
    for (uint64_t lease = 1; lease <= 2 * QR_ASSEMBLY_LEASES_MAX; lease++)
        assert_true(add(&fleet, &stream, lease, 0, ""));
    assert_int_equal(HASH_COUNT(stream.assemblies), QR_ASSEMBLY_LEASES_MAX);
    qr_assembly_drop_all(&fleet, &stream);

    assert_true(add(&fleet, &stream, 7, 0, "abc"));
    qr_assembly_drop(&fleet, &stream, 8);
    assert_int_equal(HASH_COUNT(stream.assemblies), 1);
    qr_assembly_drop(&fleet, &stream, 7);
    assert_int_equal(HASH_COUNT(stream.assemblies), 0);

    assert_true(add(&fleet, &stream, 7, 0, "abc"));
    qr_assembly_drop_old(&fleet, &stream, qr_clock_ms() + QR_ASSEMBLY_KEEP_MS - 60000);
    assert_int_equal(HASH_COUNT(stream.assemblies), 1);
    qr_assembly_drop_old(&fleet, &stream, qr_clock_ms() + QR_ASSEMBLY_KEEP_MS + 60000);
    assert_int_equal(HASH_COUNT(stream.assemblies), 0);
    assert_int_equal(fleet.assembly_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_in_order_become_the_record),
        cmocka_unit_test(a_chunk_at_offset_0_starts_anew),
        cmocka_unit_test(gaps_wrong_sizes_and_wrong_sums_are_refused),
        cmocka_unit_test(parts_and_records_are_not_mixed),
        cmocka_unit_test(rule_12_memory_is_capped_per_record_per_stream_and_in_total),
        cmocka_unit_test(rule_12_what_is_never_finished_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R checkpoint_test
 * Finished work of jobs that have not ended: the fence, what a later lease gets, what becomes of
 * it. */
#include "tests/unit/coordinator/db/fixture.h"

#include <stdlib.h>

#include "common/clock.h"
#include "coordinator/db/checkpoint.h"
#include "coordinator/db/verify.h"

static struct fx_lease lease_one(struct fx *fx, const char *name, uint64_t *ret_pk)
{
    fx_run(name, 1);
    *ret_pk = fx_session(fx, name, 1);
    assert_int_equal(fx_claim(fx, *ret_pk, 1, 1), 1);
    return fx->leases[0];
}

/* A part with pages `from` .. `to`, each with its number as text, and one note counted so far. */
static size_t pages_part(uint8_t *out, size_t size, uint32_t from, uint32_t to, uint32_t note_count)
{
    Quarry__V1__ExtractionRecord record = QUARRY__V1__EXTRACTION_RECORD__INIT;
    Quarry__V1__Page pages[64], *list[64];
    Quarry__V1__Note note = QUARRY__V1__NOTE__INIT, *notes[] = {&note};
    char texts[64][16];

    record.type = (char *)"pdf";
    note.code = (char *)"pdf.warning";
    note.message = (char *)"the first";
    note.count = note_count;
    record.notes = notes;
    record.n_notes = 1;
    for (uint32_t i = from; i <= to; i++) {
        Quarry__V1__Page *page = &pages[record.n_pages];
        quarry__v1__page__init(page);
        snprintf(texts[record.n_pages], sizeof texts[0], "page %u", i);
        page->number = i;
        page->text = texts[record.n_pages];
        page->chars = (uint32_t)strlen(page->text);
        list[record.n_pages++] = page;
    }
    record.pages = list;
    assert_in_range(quarry__v1__extraction_record__get_packed_size(&record), 1, size);
    return quarry__v1__extraction_record__pack(&record, out);
}

static int64_t kept(struct fx *fx, const struct fx_lease *lease, uint64_t pk, uint64_t number,
                    bool anew, uint32_t from, uint32_t to)
{
    uint8_t part[4096];
    char state[32];
    size_t len = pages_part(part, sizeof part, from, to, to);

    snprintf(state, sizeof state, "at %u", to);
    return fx_checkpoint(fx, lease, pk, number, anew, state, part, len);
}

static int64_t count(const char *what, uint64_t job_id)
{
    return fx_i64("SELECT count(*) FROM %s WHERE job_id = %llu", what, (unsigned long long)job_id);
}

static struct fx_lease hand_back(struct fx *fx, const struct fx_lease *lease, uint64_t pk)
{
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, lease->lease_id, lease->job_id),
                     QR_DB_DONE);
    assert_int_equal(fx_claim(fx, pk, 1, 1), 1);
    return fx->leases[0];
}

/* Fails, and is due again at once. */
static void fails(struct fx *fx, const struct fx_lease *lease, uint64_t pk, enum qr_class class)
{
    fx_settle(fx, fx_result(lease->lease_id, lease->job_id, pk, class));
    fx_sql("UPDATE delayed SET run_at = now() WHERE job_id = %llu",
           (unsigned long long)lease->job_id);
}

static struct fx_lease claim_soon(struct fx *fx, uint64_t pk)
{
    for (int i = 0; i < 600 && fx_claim(fx, pk, 1, 1) == 0; i++)
        fx_i64("SELECT 1 FROM pg_sleep(0.05)");
    assert_int_equal(fx->n_leases, 1);
    return fx->leases[0];
}

static void rule_1_only_the_next_number_of_the_lease_is_taken(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "numbers", &pk);
    uint64_t other = fx_session(fx, "numbers-other", 2);

    assert_int_equal(kept(fx, &lease, pk, 2, false, 1, 3), 0); /* not the next */
    assert_int_equal(kept(fx, &lease, pk, 1, true, 1, 3), 1);
    assert_int_equal(kept(fx, &lease, pk, 1, true, 1, 9), 1);  /* doubled: the first stays */
    assert_int_equal(kept(fx, &lease, pk, 3, false, 7, 9), 1); /* one was lost */
    assert_int_equal(kept(fx, &lease, pk, 2, false, 4, 6), 2);
    assert_int_equal(kept(fx, &lease, pk, 1, false, 1, 1), 2);     /* late */
    assert_int_equal(kept(fx, &lease, other, 3, false, 7, 9), -1); /* another session's */
    struct fx_lease wrong = lease;
    wrong.job_id++;
    assert_int_equal(kept(fx, &wrong, pk, 3, false, 7, 9), -1);
    assert_int_equal(count("job_parts", lease.job_id), 2);
    struct fx_lease second = hand_back(fx, &lease, pk);
    assert_int_equal(kept(fx, &lease, pk, 3, false, 7, 9), -1); /* the lease is over */
    assert_string_equal(second.checkpoint, "at 6");
    assert_int_equal(second.checkpoint_number, 2);
    assert_int_equal(kept(fx, &second, pk, 3, false, 7, 9), 3); /* goes on there */
    assert_int_equal(count("job_parts", lease.job_id), 3);
    assert_int_equal(kept(fx, &second, pk, 4, true, 1, 2), 4); /* begun anew */
    assert_int_equal(count("job_parts", lease.job_id), 1);
    fx_settle(fx, fx_result(second.lease_id, second.job_id, pk, QR_CLASS_NONE));
    assert_int_equal(kept(fx, &second, pk, 5, false, 3, 4), -1); /* settled */
}

static void rule_4_a_later_lease_gets_all_parts(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "parts", &pk);
    uint8_t large[300000];
    struct qr_buf all;
    struct qr_err err = {0};

    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(i * 7 % 253);
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 1, true, "a", large, 100000), 1);
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 2, false, "b", NULL, 0), 2);
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 3, false, "c", large + 100000, 200000), 3);
    struct fx_lease second = hand_back(fx, &lease, pk);
    assert_int_equal(second.part_bytes, sizeof large);
    struct qr_conn *conn = fx_conn();
    qr_buf_init(&all, sizeof large);
    while (all.len < sizeof large) {
        size_t before = all.len;
        assert_ok(qr_parts_read(conn, (int64_t)second.job_id, all.len, 70000, &all, &err), &err);
        assert_in_range(all.len - before, 1, 70000);
    }
    assert_memory_equal(all.data, large, sizeof large);
    assert_ok(qr_parts_read(conn, (int64_t)second.job_id, sizeof large, 70000, &all, &err), &err);
    assert_int_equal(all.len, sizeof large); /* nothing behind the last */
    qr_buf_done(&all);
    qr_conn_free(conn);
}

static void rule_12_parts_of_a_job_are_bounded(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "bounded", &pk);
    size_t size = (size_t)24 << 20;
    uint8_t *large = calloc(1, size);

    assert_int_equal(fx_checkpoint(fx, &lease, pk, 1, true, "a", large, size), 1);
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 2, false, "b", large, size), 2);
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 3, false, "c", large, size), 2);
    assert_int_equal(fx_checkpoint(fx, &lease, pk, 3, true, "c", large, size), 3); /* fits alone */
    free(large);
}

static void a_result_takes_the_place_of_parts(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "result", &pk);
    struct qr_settle *settle = fx_result(lease.lease_id, lease.job_id, pk, QR_CLASS_NONE);

    kept(fx, &lease, pk, 1, true, 1, 3);
    settle->record = malloc(4096);
    settle->record_len = pages_part(settle->record, 4096, 1, 8, 8);
    assert_int_equal(fx_settle(fx, settle).code, QR_ACK_COMMITTED);
    assert_int_equal(count("job_parts", lease.job_id), 0);
    assert_int_equal(count("extracted_pages", lease.job_id), 8);
    assert_int_equal(
        fx_i64("SELECT count(*) FROM extraction_jobs WHERE id = %llu AND part_bytes IS "
               "NULL AND checkpoint IS NULL AND checkpoint_number IS NULL",
               (unsigned long long)lease.job_id),
        1);
}

static void what_was_finished_outlives_the_time_budget(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "budget", &pk);
    uint64_t job = lease.job_id;
    int attempts = 0;

    kept(fx, &lease, pk, 1, true, 1, 3);
    while (fx_i64("SELECT count(*) FROM extraction_jobs WHERE id = %llu AND status = 'failed'",
                  (unsigned long long)job) == 0) {
        attempts++;
        assert_in_range(attempts, 1, 10);
        fails(fx, &lease, pk, QR_CLASS_TIMEOUT);
        if (attempts > 3)
            continue;
        lease = claim_soon(fx, pk); /* the next attempt goes on there */
        assert_int_equal(lease.checkpoint_number, attempts);
        assert_true(lease.part_bytes > 0);
        kept(fx, &lease, pk, (uint64_t)attempts + 1, false, (uint32_t)(3 * attempts + 1),
             (uint32_t)(3 * attempts + 3));
    }
    assert_int_equal(attempts, 4);
    assert_int_equal(count("extracted_pages", job), 12); /* and what it found is not lost */
    assert_int_equal(fx_i64("SELECT count(*) FROM extracted_pages WHERE job_id = %llu AND text = "
                            "'page ' || page",
                            (unsigned long long)job),
                     12);
    assert_int_equal(
        fx_i64(
            "SELECT count(*) FROM extracted_metadata m JOIN extraction_jobs j ON j.id = m.job_id "
            "WHERE j.id = %llu AND m.partial AND j.partial AND j.status = 'failed' AND "
            "m.notes @> '[{\"code\": \"pdf.warning\", \"count\": 12}, {\"code\": "
            "\"job.unfinished\"}]'",
            (unsigned long long)job),
        1);
    struct qr_err err = {0};
    struct qr_conn *conn = fx_conn();
    Quarry__V1__VerifyReply *checks = NULL;
    assert_ok(qr_verify(conn, 1, &checks, &err), &err); /* such rows are no strays */
    for (size_t i = 0; i < checks->n_checks; i++)
        if (strncmp(checks->checks[i]->name, "results", 7) == 0)
            assert_string_equal(checks->checks[i]->detail, "0");
    quarry__v1__verify_reply__free_unpacked(checks, NULL);
    /* tried again by a person: goes on, and its result takes the place of the partial one */
    fx_sql("UPDATE extraction_jobs SET status = 'pending', retry_count = 0, completed_at = NULL, "
           "last_error = NULL, error_class = NULL WHERE id = %llu",
           (unsigned long long)job);
    fx_sql("INSERT INTO ready (job_id, queue_id, rank) SELECT id, queue_id, -priority FROM "
           "extraction_jobs WHERE id = %llu",
           (unsigned long long)job);
    fx_sql("UPDATE run_stages SET open = open + 1, closed = false WHERE run_id = %llu",
           (unsigned long long)lease.run_id);
    qr_conn_free(conn);
    lease = claim_soon(fx, pk);
    assert_string_equal(lease.checkpoint, "at 12");
    struct qr_settle *settle = fx_result(lease.lease_id, job, pk, QR_CLASS_NONE);
    settle->record = malloc(4096);
    settle->record_len = pages_part(settle->record, 4096, 1, 20, 20);
    assert_int_equal(fx_settle(fx, settle).code, QR_ACK_COMMITTED);
    assert_int_equal(count("extracted_pages", job), 20);
    assert_int_equal(count("job_parts", job), 0);
}

static void what_leads_to_a_crash_is_not_used_again(void **state)
{
    struct fx *fx = *state;
    uint64_t pk;
    struct fx_lease lease = lease_one(fx, "crash", &pk);

    kept(fx, &lease, pk, 1, true, 1, 3);
    fails(fx, &lease, pk, QR_CLASS_CRASH); /* it came further than its start */
    lease = claim_soon(fx, pk);
    assert_int_equal(lease.checkpoint_number, 1);
    assert_int_equal(fx_return(fx, pk, 1, QR_RETURN_RELEASED, lease.lease_id, lease.job_id),
                     QR_DB_DONE);
    lease = claim_soon(fx, pk);
    fails(fx, &lease, pk, QR_CLASS_INTERNAL); /* no further than they lead */
    lease = claim_soon(fx, pk);
    assert_string_equal(lease.checkpoint, "");
    assert_int_equal(lease.part_bytes, 0);
    assert_int_equal(lease.checkpoint_number, 1);
    assert_int_equal(kept(fx, &lease, pk, 2, true, 1, 2), 2);
}

/* Parts of jobs that are still open are as old as they like, and many: what has ended is found all
 * the same. */
static void what_nobody_took_up_again_goes_in_the_end(void **state)
{
    struct fx *fx = *state;
    int64_t run = fx_run("expire", 2);
    int64_t job = fx_i64("SELECT min(id) FROM extraction_jobs WHERE run_id = %lld", (long long)run);

    fx_sql("UPDATE extraction_jobs SET status = 'failed', part_bytes = 3, checkpoint = 'x' WHERE "
           "id = %lld;"
           "INSERT INTO job_parts (job_id, number, lease_id, begin_at, data, created_at) SELECT "
           "%lld, i, 1, i, 'x', "
           "now() - interval '20 days' FROM generate_series(1, 3000) i;"
           "INSERT INTO job_parts (job_id, number, lease_id, begin_at, data, created_at) SELECT "
           "%lld, i, 1, i, 'x', "
           "now() - interval '20 days' FROM generate_series(1, 3) i",
           (long long)job, (long long)job + 1, (long long)job);
    (void)fx;
    struct fx *second = fx_new(); /* looks at once, then every hour */
    for (int i = 0; i < 600 && count("job_parts", (uint64_t)job) > 0; i++)
        qr_clock_sleep_ms(100);
    fx_free(second);
    assert_int_equal(count("job_parts", (uint64_t)job), 0);
    assert_int_equal(count("job_parts", (uint64_t)job + 1), 3000);
    assert_int_equal(
        fx_i64("SELECT part_bytes FROM extraction_jobs WHERE id = %lld AND checkpoint IS NULL",
               (long long)job),
        0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fx_setup, fx_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rule_1_only_the_next_number_of_the_lease_is_taken),
        TEST(rule_4_a_later_lease_gets_all_parts),
        TEST(rule_12_parts_of_a_job_are_bounded),
        TEST(a_result_takes_the_place_of_parts),
        TEST(what_was_finished_outlives_the_time_budget),
        TEST(what_leads_to_a_crash_is_not_used_again),
        TEST(what_nobody_took_up_again_goes_in_the_end),
    };
    return cmocka_run_group_tests(tests, fx_cluster_start, fx_cluster_stop);
}

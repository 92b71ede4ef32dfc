/* Rules 1, 2 and 13: claim, offer, accept, settle, and who counts the credits.
 * Run it: ctest --preset dev -R handover_test */
#include "tests/unit/coordinator/engine/rig.h"

static void a_lease_goes_from_claim_to_ack(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 16);
    assert_int_equal(rig->n_welcome, 1);
    assert_int_equal(rig->n_claim, 1);
    assert_int_equal(rig->claim.want_total, 16);
    assert_int_equal(rig->claim.n_want, 1);
    assert_int_equal(rig->claim.attach, 1);
    rig_claimed(rig, 1, 16);
    assert_int_equal(rig->n_offer, 1);
    assert_int_equal(rig->n_offered, 16);
    assert_int_equal(rig->offer_budget_ms, 300000);
    assert_int_equal(rig_stats(rig).leases_offered_now, 16);
    rig_accept(rig, 1, 1, 16);
    assert_int_equal(rig_stats(rig).leases_active_now, 16);
    assert_false(rig_result(rig, 1, 1));
    assert_false(rig_result(rig, 1, 2));
    assert_false(qr_engine_is_idle(rig->engine));
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->n_ack, 1); /* both in one frame */
    assert_int_equal(rig->n_acked, 2);
    assert_int_equal(rig->ack_code[1], QR_ACK_COMMITTED);
    assert_int_equal(rig_stats(rig).results_committed, 2);
    assert_int_equal(rig_stats(rig).leases_active_now, 14);
    assert_true(qr_engine_is_idle(rig->engine));
}

static void rule_1_the_database_decides_about_every_result(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 2);
    rig_claimed(rig, 1, 2);
    /* unknown here, offered, returning: each goes to the database with the stream's session */
    assert_false(rig_result(rig, 1, 77));
    assert_false(rig_result(rig, 1, 1));
    qr_engine_decline(rig->engine, 1, (uint64_t[]){2}, 1);
    assert_false(rig_result(rig, 1, 2));
    assert_int_equal(rig->n_settle, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rig->settles[i]->session_pk, 1);
        assert_int_equal(rig->settles[i]->attach, 1);
    }
    rig_settled(rig, QR_DB_DONE, QR_ACK_STALE);
    assert_int_equal(rig->n_acked, 3);
    assert_int_equal(rig_stats(rig).results_stale, 3);
    assert_int_equal(rig_stats(rig).leases_settling_now, 0);
}

static void rule_1_a_completion_under_another_attach_changes_nothing(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1};

    rig_connect(rig, 2);
    rig_claimed(rig, 1, 1);
    rig_pass(rig, 100); /* a claim for the second slot is out */
    assert_int_equal(rig->n_claim, 2);
    qr_engine_stream_closed(rig->engine, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_STREAM_BROKEN);
    rig_hello(rig, 2, 1, 2, held, 1);
    rig_welcome(rig, 1, 2, held, 1);
    assert_int_equal(rig->n_kept, 1);
    /* the answer belongs to attach 1 */
    rig_returned(rig, QR_DB_FENCED);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
    assert_int_equal(rig->n_end, 0);
}

static void rule_1_a_late_claim_is_not_offered(void **state)
{
    struct rig *rig = *state;
    struct qr_db_claim early;

    rig_connect(rig, 4);
    early = rig->claim;
    qr_engine_stream_closed(rig->engine, 1);
    rig_hello(rig, 2, 1, 4, NULL, 0);
    rig_welcome(rig, 1, 2, NULL, 0);
    rig->claim = early;
    rig_claimed(rig, 1,
                4); /* it had committed before the Hello, whose transaction took them back */
    assert_int_equal(rig->n_offer, 0);
    assert_int_equal(rig->n_return, 0);
}

static void rule_1_a_fenced_claim_ends_the_stream(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claim_reply(rig, QR_DB_FENCED);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    assert_true(rig_result(rig, 1, 1)); /* its frames are dropped from now on */
}

static void rule_2_offer_not_accepted_returns_without_an_attempt(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 3);
    rig_claimed(rig, 1, 3);
    rig_accept(rig, 1, 1, 1);
    rig_pass(rig, 4500);
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, 600);
    assert_int_equal(rig->n_return, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_NOT_ACCEPTED);
    assert_int_equal(rig->back.n_leases, 2);
    assert_int_equal(rig->n_settle, 0); /* a settle would be an attempt */
    rig_accept(rig, 1, 2, 1);           /* too late: nothing revives it */
    assert_int_equal(rig_stats(rig).leases_returning_now, 2);
    rig_returned(rig, QR_DB_DONE);
    assert_int_equal(rig_stats(rig).leases_returned, 2);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
}

static void rule_2_a_broken_stream_returns_what_was_not_accepted(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    rig_accept(rig, 1, 1, 1);
    qr_engine_stream_closed(rig->engine, 1);
    assert_int_equal(rig->back.reason, QR_RETURN_STREAM_BROKEN);
    assert_int_equal(rig->back.n_leases, 3);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
}

static void rule_2_a_claim_that_finds_nobody_is_returned(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    qr_engine_stream_closed(rig->engine, 1);
    rig_claimed(rig, 1, 4);
    assert_int_equal(rig->n_offer, 0);
    assert_int_equal(rig->back.n_leases, 4);
    assert_int_equal(rig->back.attach, 1);
    rig_returned(rig, QR_DB_DONE);
    assert_true(qr_engine_is_idle(rig->engine));
}

static void rule_2_a_declined_lease_returns(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 2);
    rig_claimed(rig, 1, 2);
    qr_engine_decline(rig->engine, 1, (uint64_t[]){2, 99}, 2);
    assert_int_equal(rig->back.reason, QR_RETURN_DECLINED);
    assert_int_equal(rig->back.n_leases, 1);
    assert_int_equal(rig->back_leases[0].job_id, 1002);
}

static void rule_13_sent_is_received_plus_unseen(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2, 3, 4};
    uint64_t before;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    rig_accept(rig, 1, 1, 4);
    rig_pass(rig, 100);
    assert_int_equal(rig->n_claim, 1); /* all credit is used */

    /* a beat from before the offer has received none and seen none: still all used */
    before = rig->offer_seq - 1;
    rig_beat(rig, 1, before, 0, NULL, 0);
    rig_pass(rig, 100);
    assert_int_equal(rig->n_claim, 1);

    /* two frames were lost inside the stream: seen says so, received does not count them */
    rig_beat(rig, 1, rig->seq[1], 2, held, 4);
    rig_pass(rig, 100);
    assert_int_equal(rig->n_claim, 2);
    assert_int_equal(rig->claim.want_total, 2);
}

static void rule_13_only_the_worker_gives_credit_back(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    rig_accept(rig, 1, 1, 4);
    for (uint64_t lease = 1; lease <= 4; lease++)
        assert_false(rig_result(rig, 1, lease));
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    rig_pass(rig, 100);
    assert_int_equal(rig->n_claim, 1);
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 7});
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 6}); /* late: cumulative */
    rig_pass(rig, 100);
    assert_int_equal(rig->n_claim, 2);
    assert_int_equal(rig->claim.want_total, 3);
}

static void rule_13_a_type_has_a_credit_of_its_own(void **state)
{
    struct rig *rig = *state;
    struct qr_type_count pdf = {qr_type_intern("pdf"), 3};

    rig_connect(rig, 0);
    qr_engine_credits(rig->engine, 1,
                      &(struct qr_credits){.total = 10, .per_type = &pdf, .n_per_type = 1});
    rig_pass(rig, 100);
    assert_int_equal(rig->claim.want_total, 3);
    assert_int_equal(rig->want[0].count, 3);
}

static void rule_13_a_hello_counts_from_what_was_received(void **state)
{
    struct rig *rig = *state;
    struct qr_type_count received = {qr_type_intern("pdf"), 5};
    qr_type_id type = received.type;
    struct qr_hello hello = {.worker_id = "w1",
                             .types = &type,
                             .n_types = 1,
                             .slots = 8,
                             .received = &received,
                             .n_received = 1,
                             .received_total = 5,
                             .credits = {.total = 9},
                             .start_counter = 1};

    qr_engine_stream_open(rig->engine, 1);
    qr_engine_hello(rig->engine, 1, &hello);
    /* while the Hello is with the database a slot becomes free */
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 10});
    rig_welcome(rig, 1, 3, NULL, 0);
    assert_int_equal(rig->claim.want_total, 5);
}

static void few_free_slots_wait_a_moment_for_more(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 0);
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 1});
    rig_turn(rig);
    assert_int_equal(rig->n_claim, 0);
    assert_true(qr_engine_next_deadline(rig->engine) <= rig->now + 10);
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 4});
    rig_turn(rig); /* half the slots: at once */
    assert_int_equal(rig->n_claim, 1);
    assert_int_equal(rig->claim.want_total, 4);
}

static void a_dry_claim_is_not_repeated_before_work_comes(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claim_reply(rig, QR_DB_DONE);
    rig_pass(rig, 900);
    assert_int_equal(rig->n_claim, 1);
    qr_engine_work_available(rig->engine, (qr_type_id)(qr_type_intern("pdf") + 1));
    rig_turn(rig);
    assert_int_equal(rig->n_claim, 1); /* not its type */
    qr_engine_work_available(rig->engine, qr_type_intern("pdf"));
    rig_turn(rig);
    assert_int_equal(rig->n_claim, 2);
    /* work that comes while the claim is under way may have missed it */
    qr_engine_work_available(rig->engine, 0);
    rig_claim_reply(rig, QR_DB_DONE);
    assert_int_equal(rig->n_claim, 3);
    rig_claim_reply(rig, QR_DB_DONE);
    assert_int_equal(rig->n_claim, 3);
    rig_pass(rig, 1000);
    assert_int_equal(rig->n_claim, 4);
}

static void a_failed_claim_is_tried_again_later(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claim_reply(rig, QR_DB_FAILED);
    assert_int_equal(rig->n_claim, 1);
    rig_pass(rig, 500);
    assert_int_equal(rig->n_claim, 2);
}

static void large_offers_are_split_into_frames(void **state)
{
    struct rig *rig = *state;
    static char checkpoint[40000];
    struct qr_offer offers[3];
    struct qr_db_claim_reply reply;

    rig_connect(rig, 3);
    reply = (struct qr_db_claim_reply){.token = rig->claim.token,
                                       .session_pk = 1,
                                       .attach = 1,
                                       .status = QR_DB_DONE,
                                       .offers = offers,
                                       .n_offers = 3};
    for (size_t i = 0; i < 3; i++)
        offers[i] = (struct qr_offer){.lease_id = i + 1,
                                      .job_id = i + 1,
                                      .type = 1,
                                      .uri = "u",
                                      .checkpoint = checkpoint,
                                      .checkpoint_len = sizeof checkpoint};
    qr_engine_done_claim(rig->engine, &reply);
    assert_int_equal(rig->n_offer, 3);
    assert_int_equal(rig->n_offered, 3);
}

/* A result may name a lease before it exists. */
static void a_guessed_lease_is_over_when_it_is_claimed(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 8);
    assert_false(rig_result(rig, 1, 5));
    assert_false(rig_result(rig, 1, 6));
    qr_engine_stream_closed(rig->engine, 1);
    rig_claimed(rig, 5, 2); /* nobody is there: both go back */
    rig_settled(rig, QR_DB_DONE, QR_ACK_STALE);
    rig_returned(rig, QR_DB_DONE);
    assert_int_equal(rig_stats(rig).leases_settling_now, 0);
    assert_int_equal(rig_stats(rig).leases_returning_now, 0);
}

/* Offers that no Beat confirms are remembered, so there is an end to them. */
static void rule_12_a_worker_that_confirms_no_offer_gets_no_more(void **state)
{
    enum { EACH = 128, CONFIRMED_AFTER = 16384 };
    struct rig *rig = *state;
    uint64_t lease[EACH];
    uint64_t next = 1;

    rig_connect(rig, UINT64_MAX);
    for (int claims = -1; rig->n_claim > claims && next < 10 * CONFIRMED_AFTER; next += EACH) {
        claims = rig->n_claim;
        rig->n_offered = 0;
        rig_claimed(rig, next, EACH);
        for (size_t i = 0; i < EACH; i++)
            lease[i] = next + i;
        qr_engine_decline(rig->engine, 1, lease, EACH);
        rig_returned(rig, QR_DB_DONE);
        rig_pass(rig, 10);
    }
    assert_int_equal(next - 1, CONFIRMED_AFTER);
    int claims = rig->n_claim;
    rig_beat(rig, 1, rig->seq[1], next - 1, NULL, 0);
    rig_pass(rig, 10);
    assert_int_equal(rig->n_claim, claims + 1);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_lease_goes_from_claim_to_ack),
        RIG_TEST(rule_1_the_database_decides_about_every_result),
        RIG_TEST(rule_1_a_completion_under_another_attach_changes_nothing),
        RIG_TEST(rule_1_a_late_claim_is_not_offered),
        RIG_TEST(rule_1_a_fenced_claim_ends_the_stream),
        RIG_TEST(rule_2_offer_not_accepted_returns_without_an_attempt),
        RIG_TEST(rule_2_a_broken_stream_returns_what_was_not_accepted),
        RIG_TEST(rule_2_a_claim_that_finds_nobody_is_returned),
        RIG_TEST(rule_2_a_declined_lease_returns),
        RIG_TEST(rule_13_sent_is_received_plus_unseen),
        RIG_TEST(rule_13_only_the_worker_gives_credit_back),
        RIG_TEST(rule_13_a_type_has_a_credit_of_its_own),
        RIG_TEST(rule_13_a_hello_counts_from_what_was_received),
        RIG_TEST(few_free_slots_wait_a_moment_for_more),
        RIG_TEST(a_dry_claim_is_not_repeated_before_work_comes),
        RIG_TEST(a_failed_claim_is_tried_again_later),
        RIG_TEST(large_offers_are_split_into_frames),
        RIG_TEST(a_guessed_lease_is_over_when_it_is_claimed),
        RIG_TEST(rule_12_a_worker_that_confirms_no_offer_gets_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

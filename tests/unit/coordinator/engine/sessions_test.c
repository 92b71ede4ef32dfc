/* Rules 1, 4, 6, 11 and 12: whose session it is, reconnects, silence that counts, drain.
 * Run it: ctest --preset dev -R sessions_test */
#include <stdlib.h>

#include "tests/unit/coordinator/engine/rig.h"

static void connect_with(struct rig *rig, size_t n)
{
    rig_connect(rig, n);
    rig_claimed(rig, 1, n);
    rig_accept(rig, 1, 1, n);
}

static void answer_hello(struct rig *rig, enum qr_db_status status, enum qr_hello_outcome outcome)
{
    struct qr_db_hello_reply reply = {.token = rig->hello_token[(rig->n_hello - 1) % 8],
                                      .status = status,
                                      .outcome = outcome,
                                      .newest_counter = 7};

    qr_engine_done_hello(rig->engine, &reply);
    rig_turn(rig);
}

static void rule_1_one_hello_of_a_session_is_with_the_database_at_a_time(void **state)
{
    struct rig *rig = *state;

    rig_hello(rig, 1, 1, 0, NULL, 0);
    rig_hello(rig, 2, 1, 0, NULL, 0);
    rig_hello(rig, 3, 1, 0, NULL, 0); /* the newest stream wins */
    assert_int_equal(rig->n_hello, 1);
    assert_int_equal(rig->n_end, 2);
    rig_welcome(rig, 1, 1, NULL, 0); /* of stream 1, which has been left */
    assert_int_equal(rig->n_welcome, 0);
    assert_int_equal(rig->n_hello, 2);
    rig_welcome(rig, 1, 2, NULL, 0);
    assert_int_equal(rig->n_welcome, 1);
    assert_int_equal(rig->seq[3], 1);
    assert_int_equal(rig_stats(rig).sessions_connected, 1);
}

static void rule_1_lower_counters_and_replaced_sessions_are_refused(void **state)
{
    struct rig *rig = *state;

    rig_hello(rig, 1, 1, 0, NULL, 0);
    answer_hello(rig, QR_DB_DONE, QR_HELLO_LOWER_COUNTER);
    assert_int_equal(rig->end_reason, QR_END_LOWER_COUNTER);
    assert_int_equal(rig->end_newest, 7);
    rig_hello(rig, 2, 1, 0, NULL, 0);
    answer_hello(rig, QR_DB_DONE, QR_HELLO_REPLACED);
    assert_int_equal(rig->end_reason, QR_END_REPLACED);
    assert_int_equal(rig_stats(rig).sessions_refused, 2);
}

static void rule_3_a_hello_read_late_changes_nothing(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 2);
    qr_engine_stream_closed(rig->engine, 1);
    rig_hello(rig, 2, 1, 2, NULL, 0);
    answer_hello(rig, QR_DB_DONE, QR_HELLO_OLDER_STREAM);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    assert_int_equal(rig_stats(rig).leases_active_now, 2);
    assert_int_equal(rig->n_return, 0);
}

static void rule_4_a_reconnect_keeps_what_it_names(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2, 3}, kept[] = {1, 2};

    connect_with(rig, 4);
    qr_engine_stream_closed(rig->engine, 1);
    assert_int_equal(rig->n_return, 0); /* active leases wait for the worker */
    rig_hello(rig, 2, 1, 4, held, 3);
    assert_int_equal(rig->hello_running, 3);
    rig_welcome(rig, 1, 2, kept, 2);
    assert_int_equal(rig->n_kept, 2);
    assert_int_equal(rig_stats(rig).leases_active_now, 2);
    assert_int_equal(rig_stats(rig).leases_reclaimed, 2);
    rig_beat(rig, 2, 1, 0, held, 3);
    assert_int_equal(rig->n_drop, 1);
    assert_int_equal(rig->drop[0], 3);
}

static void rule_4_a_new_process_ends_the_older_session(void **state)
{
    struct rig *rig = *state;
    struct qr_kept_lease kept = {.lease_id = 1, .job_id = 1001, .spooled = true};
    struct qr_db_hello_reply reply = {.status = QR_DB_DONE,
                                      .outcome = QR_HELLO_WELCOME,
                                      .session_pk = 2,
                                      .attach = 1,
                                      .ended_session_pk = 1,
                                      .kept = &kept,
                                      .n_kept = 1};

    connect_with(rig, 4);
    assert_false(rig_result(rig, 1, 1)); /* still with the database when the process dies */
    rig_hello(rig, 2, 2, 4, NULL, 0);
    reply.token = rig->hello_token[1];
    qr_engine_done_hello(rig->engine, &reply);
    assert_int_equal(rig->end_stream, 1);
    assert_int_equal(rig->end_reason, QR_END_REPLACED);
    assert_int_equal(rig_stats(rig).leases_active_now, 1); /* it has moved with the spool */
    /* The old answer is STALE for the old session: it neither reaches the new one nor ends its
     * lease. */
    rig_settled(rig, QR_DB_DONE, QR_ACK_STALE);
    assert_int_equal(rig->n_ack, 0);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
}

static void a_hello_the_database_did_not_answer_ends_the_stream(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1};

    connect_with(rig, 1);
    qr_engine_stream_closed(rig->engine, 1);
    rig_hello(rig, 2, 1, 1, held, 1);
    answer_hello(rig, QR_DB_FAILED, QR_HELLO_WELCOME);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
    rig_hello(rig, 3, 1, 1, held, 1);
    rig_welcome(rig, 1, 2, held, 1);
    assert_int_equal(rig_stats(rig).leases_active_now, 1);
}

static void after_an_unknown_claim_the_database_is_asked_what_the_session_has(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claim_reply(rig, QR_DB_UNKNOWN);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    rig_pass(rig, RIG_TTL - 500);
    assert_int_equal(rig->n_hello, 1);
    rig_pass(rig, 1000); /* the worker did not come back */
    assert_int_equal(rig->n_hello, 2);
    assert_true(rig->recover);
    assert_int_equal(rig->hello_running + rig->hello_spooled, 0); /* all of it returns */
    answer_hello(rig, QR_DB_FENCED, QR_HELLO_WELCOME);            /* it lives elsewhere by now */
    rig_pass(rig, 3 * RIG_TTL);
    assert_int_equal(rig->n_hello, 2);
    assert_true(qr_engine_is_idle(rig->engine));
}

static void after_an_unknown_claim_a_hello_settles_it(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claim_reply(rig, QR_DB_UNKNOWN);
    rig_hello(rig, 2, 1, 4, NULL, 0); /* its transaction returns what it does not name */
    rig_welcome(rig, 1, 2, NULL, 0);
    rig_pass(rig, RIG_TTL - 100);
    assert_int_equal(rig->n_hello, 2);
    assert_int_equal(rig->claim.attach, 2);
}

static void rule_6_a_stall_of_the_coordinator_does_not_count(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 2);
    rig_pass(rig, 2000);
    rig->now += 5500; /* nobody ran: together more than a ttl */
    rig_pass(rig, 3000);
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, RIG_TTL);
    assert_int_equal(rig->back.reason, QR_RETURN_EXPIRED);
}

static void rule_6_waiting_frames_count_before_timers(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 2);
    rig_claimed(rig, 1, 2);
    rig->now += 5500;
    rig_turn(rig); /* however the turns fall */
    assert_int_equal(rig->n_return, 0);
    rig_accept(rig, 1, 1, 1); /* it waited through the stall */
    rig_pass(rig, 1100);
    assert_int_equal(rig->back.reason, QR_RETURN_NOT_ACCEPTED);
    assert_int_equal(rig->back.n_leases, 1);
    assert_int_equal(rig->back_leases[0].lease_id, 2);
}

static void rule_6_failed_commits_do_not_count(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 2);
    rig_accept(rig, 1, 1, 2);
    rig_pass(rig, 7000); /* the claim for the other two places fails */
    rig_claim_reply(rig, QR_DB_FAILED);
    rig_pass(rig, 7000);
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, 1500);
    assert_int_equal(rig->back.reason, QR_RETURN_EXPIRED);
}

/* Time goes on, but no renewal succeeds. */
static void pass_without_database(struct rig *rig, int64_t ms)
{
    for (int64_t until = rig->now + ms; rig->now < until; rig->now += 500) {
        int renewals = rig->n_renew;
        rig_turn(rig);
        if (rig->n_renew > renewals)
            qr_engine_done_renew(rig->engine, false);
    }
}

static void rule_6_a_coordinator_that_cannot_renew_lets_go(void **state)
{
    struct rig *rig = *state;
    const uint64_t held[] = {1, 2};

    connect_with(rig, 2);
    pass_without_database(rig, RIG_TTL - 2500);
    rig_beat(rig, 1, rig->seq[1], 2, held, 2);
    assert_int_equal(rig->n_sync, 1);
    pass_without_database(rig, 4000);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    assert_int_equal(rig->end_stream, 1);
    rig_beat(rig, 1, rig->seq[1], 2, held, 2);
    assert_int_equal(rig->n_sync, 1); /* answers no beats */
    rig_hello(rig, 2, 1, 2, held, 2);
    assert_int_equal(rig->n_hello, 1); /* and takes no Hello */
    pass_without_database(rig, 20000);
    assert_int_equal(rig->n_return, 0); /* nor does silence count */

    rig_pass(rig, 3000);
    rig_hello(rig, 3, 1, 2, held, 2);
    rig_welcome(rig, 1, 2, held, 2);
    assert_int_equal(rig_stats(rig).leases_active_now, 2);
}

static void rule_6_waking_late_it_looks_at_its_own_row_first(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 2);
    rig->now += RIG_TTL + 100;
    qr_engine_set_now(rig->engine, rig->now);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    rig_beat(rig, 1, rig->seq[1], 2, NULL, 0);
    assert_int_equal(rig->n_sync, 0);
    assert_int_equal(rig->n_return, 0);
}

static void rule_6_an_adopted_session_lives_for_one_more_ttl(void **state)
{
    struct rig *rig = *state;
    struct qr_kept_lease lease = {.lease_id = 5, .job_id = 1005};
    struct qr_adopted adopted = {
        .session_pk = 9, .attach = 4, .worker_id = "w9", .leases = &lease, .n_leases = 1};

    memset(adopted.session, 9, sizeof adopted.session);
    qr_engine_adopt(rig->engine, &adopted);
    rig_pass(rig, RIG_TTL - 500);
    assert_int_equal(rig->n_return, 0);
    rig_pass(rig, 1000);
    assert_int_equal(rig->back.reason, QR_RETURN_EXPIRED);
    assert_int_equal(rig->back.session_pk, 9);
    assert_int_equal(rig->back.attach, 4);
}

static void a_take_back_is_repeated_until_it_is_sure(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    qr_engine_stream_closed(rig->engine, 1);
    assert_int_equal(rig->n_return, 1);
    rig_returned(rig, QR_DB_UNKNOWN);
    rig_pass(rig, 500);
    assert_int_equal(rig->n_return, 2);
    assert_int_equal(rig->back.n_leases, 4);
    rig_returned(rig, QR_DB_FAILED);
    rig_pass(rig, 500);
    assert_int_equal(rig->n_return, 3);
    rig_returned(rig, QR_DB_DONE);
    rig_pass(rig, 5000);
    assert_int_equal(rig->n_return, 3);
    assert_true(qr_engine_is_idle(rig->engine));
}

static void a_fenced_take_back_beside_a_hello_that_fails_is_asked_about(void **state)
{
    struct rig *rig = *state;

    rig_connect(rig, 4);
    rig_claimed(rig, 1, 4);
    qr_engine_stream_closed(rig->engine, 1); /* nothing was accepted: it goes back */
    rig_hello(rig, 2, 1, 4, NULL, 0);
    rig_returned(rig, QR_DB_FENCED); /* the session is somebody else's: the Hello would say whose */
    answer_hello(rig, QR_DB_FAILED, QR_HELLO_WELCOME);
    assert_int_equal(rig_stats(rig).leases_returning_now, 4);
    rig_pass(rig, 2 * RIG_TTL); /* and the worker does not come back */
    assert_int_equal(rig->n_hello, 3);
    assert_true(rig->recover);
    answer_hello(rig, QR_DB_FENCED, QR_HELLO_WELCOME);
    assert_int_equal(rig_stats(rig).leases_returning_now, 0);
    rig_pass(rig, 700000);
    assert_int_equal(rig_stats(rig).sessions_known, 0);
}

static void rule_11_a_drained_worker_gets_nothing_more(void **state)
{
    struct rig *rig = *state;
    const struct qr_session_drain others[] = {{2, 1000}, {7, 1000}};
    const struct qr_session_drain drains[] = {{1, 1000}, {2, 1000}, {7, 1000}};

    rig_connect(rig, 8);
    qr_engine_stops(rig->engine, &(struct qr_stops){.drains = others, .n_drains = 2});
    assert_int_equal(rig->n_drain, 0);
    qr_engine_stops(rig->engine, &(struct qr_stops){.drains = drains, .n_drains = 3});
    assert_int_equal(rig->n_drain, 1);
    rig_claimed(rig, 1, 8); /* the claim was under way */
    assert_int_equal(rig->n_offer, 0);
    assert_int_equal(rig->back.n_leases, 8);
    rig_returned(rig, QR_DB_DONE);
    rig_pass(rig, 2000);
    assert_int_equal(rig->n_claim, 1);
}

static void rule_11_goodbye_hands_back_and_ends_the_session(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 3);
    assert_false(rig_result(rig, 1, 1));
    qr_engine_goodbye(rig->engine, 1);
    assert_int_equal(rig->end_reason, QR_END_GOODBYE);
    assert_int_equal(rig->back.reason, QR_RETURN_GOODBYE);
    assert_int_equal(rig->back.n_leases, 2); /* the settling one stays with the database */
    rig_returned(rig, QR_DB_DONE);
    assert_int_equal(rig->n_end_session, 0);
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->n_end_session, 1);
}

static void rule_11_a_stopping_coordinator_says_so_and_claims_nothing(void **state)
{
    struct rig *rig = *state;

    connect_with(rig, 4);
    qr_engine_shutdown(rig->engine);
    assert_int_equal(rig->n_restarting, 1);
    assert_false(rig_result(rig, 1, 1)); /* results still count */
    assert_false(qr_engine_is_idle(rig->engine));
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    assert_int_equal(rig->n_ack, 1);
    assert_true(qr_engine_is_idle(rig->engine));
    qr_engine_credits(rig->engine, 1, &(struct qr_credits){.total = 50});
    rig_pass(rig, 2000);
    assert_int_equal(rig->n_claim, 1);
    rig_hello(rig, 2, 2, 4, NULL, 0);
    assert_int_equal(rig->end_stream, 2);
}

static void note_view(void *ctx, const struct qr_session_view *view)
{
    struct qr_session_view *last = ctx;

    *last = *view;
}

static void rule_12_sessions_are_bounded_and_gone_ones_make_room(void **state)
{
    struct rig *rig = *state;
    struct qr_session_view view = {0};

    for (unsigned i = 0; i < 32768; i++) {
        struct qr_adopted adopted = {.session_pk = i + 1, .attach = 1, .worker_id = "w"};
        struct qr_kept_lease lease = {.lease_id = i + 1, .job_id = i + 1};
        memcpy(adopted.session, &i, sizeof i);
        adopted.session[15] = 1;
        adopted.leases = &lease;
        adopted.n_leases = 1;
        qr_engine_adopt(rig->engine, &adopted);
    }
    assert_int_equal(rig_stats(rig).sessions_known, 32768);
    rig_hello(rig, 1, 1, 0, NULL, 0);
    assert_int_equal(rig->n_hello, 0);
    assert_int_equal(rig->end_reason, QR_END_NOT_RENEWED);
    rig_pass(rig, RIG_TTL + 500); /* all expire; the last one's return is answered */
    rig_returned(rig, QR_DB_DONE);
    rig_hello(rig, 2, 1, 0, NULL, 0);
    assert_int_equal(rig->n_hello, 1);
    qr_engine_each_session(rig->engine, note_view, &view);
    assert_string_equal(view.worker_id, "w1"); /* in order of worker id */
}

/* Nobody else would take its leases back. */
static void rule_12_an_adopted_session_is_never_refused(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < 32769; i++) {
        struct qr_kept_lease lease = {.lease_id = i + 1, .job_id = i + 1};
        struct qr_adopted adopted = {
            .session_pk = i + 1, .attach = 1, .worker_id = "w", .leases = &lease, .n_leases = 1};
        memcpy(adopted.session, &i, sizeof i);
        qr_engine_adopt(rig->engine, &adopted);
    }
    assert_int_equal(rig_stats(rig).leases_active_now, 32769);
}

static void a_session_is_shown_as_it_is(void **state)
{
    struct rig *rig = *state;
    struct qr_session_view view = {0};

    connect_with(rig, 4);
    assert_false(rig_result(rig, 1, 1));
    rig_settled(rig, QR_DB_DONE, QR_ACK_COMMITTED);
    qr_engine_each_session(rig->engine, note_view, &view);
    assert_string_equal(view.status, "connected");
    assert_string_equal(view.host, "host");
    assert_int_equal(view.leases, 3);
    assert_int_equal(view.completed, 1);
    assert_int_equal(view.stream, 1);
    assert_int_equal(view.n_roots, 1);
    assert_string_equal(view.roots[0], "drawings");
    qr_engine_stream_closed(rig->engine, 1);
    qr_engine_each_session(rig->engine, note_view, &view);
    assert_string_equal(view.status, "silent");
    rig_pass(rig, RIG_TTL + 500);
    rig_returned(rig, QR_DB_DONE);
    qr_engine_each_session(rig->engine, note_view, &view);
    assert_string_equal(view.status, "gone");
    rig_pass(rig, 700000);
    assert_int_equal(rig_stats(rig).sessions_known, 0);
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(rule_1_one_hello_of_a_session_is_with_the_database_at_a_time),
        RIG_TEST(rule_1_lower_counters_and_replaced_sessions_are_refused),
        RIG_TEST(rule_3_a_hello_read_late_changes_nothing),
        RIG_TEST(rule_4_a_reconnect_keeps_what_it_names),
        RIG_TEST(rule_4_a_new_process_ends_the_older_session),
        RIG_TEST(a_hello_the_database_did_not_answer_ends_the_stream),
        RIG_TEST(after_an_unknown_claim_the_database_is_asked_what_the_session_has),
        RIG_TEST(after_an_unknown_claim_a_hello_settles_it),
        RIG_TEST(rule_6_a_stall_of_the_coordinator_does_not_count),
        RIG_TEST(rule_6_waiting_frames_count_before_timers),
        RIG_TEST(rule_6_failed_commits_do_not_count),
        RIG_TEST(rule_6_a_coordinator_that_cannot_renew_lets_go),
        RIG_TEST(rule_6_waking_late_it_looks_at_its_own_row_first),
        RIG_TEST(rule_6_an_adopted_session_lives_for_one_more_ttl),
        RIG_TEST(a_take_back_is_repeated_until_it_is_sure),
        RIG_TEST(a_fenced_take_back_beside_a_hello_that_fails_is_asked_about),
        RIG_TEST(rule_11_a_drained_worker_gets_nothing_more),
        RIG_TEST(rule_11_goodbye_hands_back_and_ends_the_session),
        RIG_TEST(rule_11_a_stopping_coordinator_says_so_and_claims_nothing),
        RIG_TEST(rule_12_sessions_are_bounded_and_gone_ones_make_room),
        RIG_TEST(rule_12_an_adopted_session_is_never_refused),
        RIG_TEST(a_session_is_shown_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

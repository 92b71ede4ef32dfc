/* Run it: ctest --preset dev -R mailbox_test */
#include "common/fleet/mailbox.h"
#include "tests/harness/test.h"
#include "worker/agent/fetcher.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { POSTERS = 4, LETTERS = 5000 };

static struct qr_mailbox *mailbox;

static int setup(void **state)
{
    struct qr_err err = {0};
    (void)state;
    assert_ok(qr_mailbox_new(&mailbox, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qr_mailbox_free(mailbox);
    return 0;
}

static void wait_for_letters(void)
{
    struct pollfd fd = {.fd = qr_mailbox_fd(mailbox), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 20000), 1);
}

static void *post_many(void *arg)
{
    uint64_t who = *(uint64_t *)arg;
    for (uint64_t i = 0; i < LETTERS; i++) {
        struct qr_letter *letter = qr_letter_new(QR_LETTER_FRAME, who, &i, sizeof i);
        qr_mailbox_post(mailbox, letter);
    }
    return NULL;
}

static void letters_of_a_thread_arrive_whole_and_in_order(void **state)
{
    pthread_t threads[POSTERS];
    uint64_t who[POSTERS];
    uint64_t next[POSTERS] = {0};
    size_t left = (size_t)POSTERS * LETTERS;
    (void)state;

    for (uint64_t i = 0; i < POSTERS; i++) {
        who[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &who[i]), 0);
    }
    while (left > 0) {
        wait_for_letters();
        struct qr_letter *letter = qr_mailbox_take(mailbox);
        while (letter) {
            struct qr_letter *following = letter->next;
            uint64_t number;
            memcpy(&number, letter->data, sizeof number);
            assert_int_equal(number, next[letter->id]++);
            qr_letter_free(letter);
            letter = following;
            left--;
        }
    }
    for (size_t i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_null(qr_mailbox_take(mailbox));
}

static void letters_nobody_took_close_their_files(void **state)
{
    int ends[2];
    char byte;
    struct qr_err err = {0};
    (void)state;

    assert_int_equal(pipe(ends), 0);
    struct qr_letter *letter = qr_letter_new(QR_LETTER_FETCHED, 1, NULL, 0);
    letter->fd = ends[1];
    qr_mailbox_post(mailbox, letter);
    qr_mailbox_free(mailbox);
    assert_int_equal(read(ends[0], &byte, 1), 0); /* the other end is closed */
    close(ends[0]);
    assert_ok(qr_mailbox_new(&mailbox, &err), &err);
}

static void the_fetcher_answers_every_request(void **state)
{
    char dir[] = "/tmp/quarry-fetcher-XXXXXX";
    char path[64];
    char spec[64];
    struct qr_roots roots = {0};
    struct qr_fetcher *fetcher = NULL;
    struct qr_err err = {0};
    size_t opened = 0;
    size_t failed = 0;
    (void)state;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a", dir);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fclose(out);
    snprintf(spec, sizeof spec, "in=%s", dir);
    assert_ok(qr_roots_add(&roots, spec, &err), &err);
    assert_ok(qr_fetcher_new(&roots, 1000, mailbox, 4, &fetcher, &err), &err);
    for (uint64_t i = 0; i < 200; i++)
        assert_ok(
            qr_fetcher_submit(fetcher, i, i % 2 ? "root://in/a" : "root://in/b", NULL, 0, &err),
            &err);
    while (opened + failed < 200) {
        wait_for_letters();
        struct qr_letter *letter = qr_mailbox_take(mailbox);
        while (letter) {
            struct qr_letter *following = letter->next;
            assert_int_equal(letter->kind, QR_LETTER_FETCHED);
            assert_int_equal(letter->fd >= 0, letter->id % 2);
            opened += letter->fd >= 0;
            failed += letter->fd < 0 && letter->cls == QR_CLASS_INVALID_INPUT;
            qr_letter_free(letter);
            letter = following;
        }
    }
    assert_int_equal(opened, 100);
    assert_true(qr_fetcher_free(fetcher));
    qr_roots_done(&roots);
    unlink(path);
    rmdir(dir);
}

static void a_request_that_waits_can_be_taken_back(void **state)
{
    struct qr_roots roots = {0};
    struct qr_fetcher *fetcher = NULL;
    struct qr_err err = {0};
    (void)state;

    assert_ok(qr_fetcher_new(&roots, 1000, mailbox, 0, &fetcher, &err), &err);
    for (uint64_t i = 1; i <= 4; i++)
        assert_ok(qr_fetcher_submit(fetcher, i, "root://in/a", NULL, 0, &err), &err);
    assert_true(qr_fetcher_is_waiting(fetcher, 4));
    assert_true(qr_fetcher_withdraw(fetcher, 4)); /* the last, one in the middle, the first */
    assert_true(qr_fetcher_withdraw(fetcher, 2));
    assert_true(qr_fetcher_withdraw(fetcher, 1));
    assert_false(qr_fetcher_is_waiting(fetcher, 4));
    assert_false(qr_fetcher_withdraw(fetcher, 4));
    assert_ok(qr_fetcher_submit(fetcher, 5, "root://in/a", NULL, 0, &err), &err);
    assert_true(qr_fetcher_is_waiting(fetcher, 3));
    assert_true(qr_fetcher_is_waiting(fetcher, 5));
    assert_true(qr_fetcher_free(fetcher));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(letters_of_a_thread_arrive_whole_and_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(letters_nobody_took_close_their_files, setup, teardown),
        cmocka_unit_test_setup_teardown(the_fetcher_answers_every_request, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_that_waits_can_be_taken_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Run it: ctest --preset dev -R spool_test */
#include "common/fleet/spool.h"
#include "tests/harness/test.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static struct qr_spool *spool;

static int open_spool(struct qr_err *err)
{
    const struct qr_spool_config config = {.dir = dir, .max_bytes = 1 << 20};
    return qr_spool_open(&config, &spool, err);
}

static void must_open(void)
{
    struct qr_err err = {0};
    assert_ok(open_spool(&err), &err);
}

static void reopen(void)
{
    qr_spool_free(spool);
    spool = NULL;
    must_open();
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/quarry-spool-XXXXXX");
    assert_non_null(mkdtemp(dir));
    must_open();
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    qr_spool_free(spool);
    spool = NULL;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* Payload of a lease: its size and bytes follow from the id. */
static size_t payload_size(uint64_t lease) { return (size_t)(lease * 7919 % 5000); }

static int put(uint64_t lease, struct qr_err *err)
{
    uint8_t data[5000];
    size_t size = payload_size(lease);

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(lease + i);
    const struct iovec parts[] = {{.iov_base = data, .iov_len = size / 3},
                                  {.iov_base = data + size / 3, .iov_len = size - size / 3}};
    return qr_spool_put(spool, lease, lease + 1000, parts, 2, 1, err);
}

static void must_put(uint64_t lease)
{
    struct qr_err err = {0};
    assert_ok(put(lease, &err), &err);
}

static void check_payload(uint64_t lease)
{
    uint8_t data[5000];
    struct qr_err err = {0};
    size_t size = payload_size(lease);

    assert_int_equal(qr_spool_size(spool, lease), size);
    assert_ok(qr_spool_read(spool, lease, 0, data, size, &err), &err);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(data[i], (uint8_t)(lease + i));
}

struct seen {
    uint64_t leases[4096];
    size_t n;
};

static void note(void *ctx, uint64_t lease_id, uint64_t job_id, size_t bytes)
{
    struct seen *seen = ctx;
    (void)bytes;
    assert_int_equal(job_id, lease_id + 1000);
    assert_true(seen->n < QR_COUNT(seen->leases));
    seen->leases[seen->n++] = lease_id;
}

static size_t count_journals(void)
{
    char pattern[96];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/journal-*", dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    size_t n = found.gl_pathc;
    globfree(&found);
    return n;
}

/* Path of the oldest journal with content. */
static void oldest_journal(char *path, size_t size)
{
    char pattern[96];
    glob_t found;
    struct stat st;

    snprintf(pattern, sizeof pattern, "%s/journal-*", dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    path[0] = '\0';
    for (size_t i = 0; i < found.gl_pathc && !path[0]; i++)
        if (stat(found.gl_pathv[i], &st) == 0 && st.st_size > 0)
            snprintf(path, size, "%s", found.gl_pathv[i]);
    globfree(&found);
    assert_true(path[0] != '\0');
}

/* ---- the folder */

static void starts_are_counted_durably(void **state)
{
    struct qr_err err = {0};
    (void)state;
    assert_int_equal(qr_spool_start_counter(spool), 1);
    reopen();
    assert_int_equal(qr_spool_start_counter(spool), 2);
    assert_ok(qr_spool_set_start_counter(spool, 40, &err), &err);
    reopen();
    assert_int_equal(qr_spool_start_counter(spool), 41);
}

static void a_second_process_is_refused(void **state)
{
    int status = -1;
    (void)state;

    pid_t child = fork();
    if (child == 0) {
        struct qr_err err = {0};
        int rc = open_spool(&err);
        _exit(rc == QR_E_EXISTS && strstr(err.msg, "in use by process") &&
                      strstr(err.msg, "hint: give each worker a --spool of its own")
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void a_folder_that_cannot_be_made_says_so(void **state)
{
    const struct qr_spool_config config = {.dir = "/proc/nowhere/spool", .max_bytes = 1};
    struct qr_spool *none = NULL;
    struct qr_err err = {0};
    (void)state;
    assert_err(qr_spool_open(&config, &none, &err), QR_E_IO, &err, "make the spool folder");
    assert_null(none);
}

/* ---- results */

static void results_come_back_in_order_and_whole(void **state)
{
    struct seen seen = {.n = 0};
    (void)state;

    for (uint64_t lease = 1; lease <= 300; lease++)
        must_put(lease);
    for (uint64_t lease = 1; lease <= 300; lease += 2)
        qr_spool_remove(spool, lease);
    reopen();
    qr_spool_each_result(spool, note, &seen);
    assert_int_equal(seen.n, 150);
    for (size_t i = 0; i < seen.n; i++) {
        assert_int_equal(seen.leases[i], 2 * i + 2);
        check_payload(seen.leases[i]);
    }
    struct qr_spool_report report;
    qr_spool_get_report(spool, &report);
    assert_int_equal(report.results, 150);
    assert_int_equal(report.torn_bytes + report.damaged_records, 0);
}

static void reads_outside_a_result_are_refused(void **state)
{
    uint8_t byte;
    struct qr_err err = {0};
    (void)state;

    must_put(1);
    size_t size = payload_size(1);
    assert_int_equal(qr_spool_read(spool, 1, size, &byte, 1, &err), QR_E_NOT_FOUND);
    assert_int_equal(qr_spool_read(spool, 1, SIZE_MAX, &byte, 1, &err), QR_E_NOT_FOUND);
    assert_int_equal(qr_spool_read(spool, 2, 0, &byte, 1, &err), QR_E_NOT_FOUND);
}

static void a_second_result_of_a_lease_replaces_the_first(void **state)
{
    const struct iovec part = {.iov_base = (char *)"abc", .iov_len = 3};
    char text[4] = "";
    struct qr_err err = {0};
    (void)state;

    must_put(1);
    assert_ok(qr_spool_put(spool, 1, 1001, &part, 1, 1, &err), &err);
    assert_int_equal(qr_spool_count(spool), 1);
    reopen();
    assert_int_equal(qr_spool_size(spool, 1), 3);
    assert_ok(qr_spool_read(spool, 1, 0, text, 3, &err), &err);
    assert_string_equal(text, "abc");
}

static void decided_results_do_not_pile_up_on_disk(void **state)
{
    (void)state;
    must_put(1); /* stays, and must not keep all that follows */
    for (uint64_t lease = 2; lease < 40000; lease++) {
        must_put(lease);
        qr_spool_remove(spool, lease);
        if (lease % 500 == 0)
            qr_spool_tick(spool, (int64_t)lease);
    }
    qr_spool_tick(spool, 50000);
    assert_true(count_journals() <= 3);
    check_payload(1);
    reopen();
    check_payload(1);
    assert_int_equal(qr_spool_count(spool), 1);
}

/* ---- starts */

/* Each life begins a journal; a result that waits through many must not leave as many files open.
 */
static void rule_12_lives_without_an_answer_do_not_pile_up_journals(void **state)
{
    struct qr_err err = {0};
    (void)state;

    must_put(7);
    for (uint64_t life = 1; life <= 60; life++) {
        reopen();
        assert_ok(qr_spool_start(spool, life + 100, life + 1100, &err), &err);
        assert_true(count_journals() <= 18);
    }
    check_payload(7);
    reopen();
    assert_int_equal(qr_spool_count(spool), 1);
    check_payload(7);
}

static void rule_7_starts_without_an_end_are_told_to_the_next_life(void **state)
{
    struct seen seen = {.n = 0};
    struct qr_err err = {0};
    (void)state;

    for (uint64_t lease = 1; lease <= 4; lease++)
        assert_ok(qr_spool_start(spool, lease, lease + 1000, &err), &err);
    qr_spool_end(spool, 2);
    must_put(3);
    qr_spool_each_earlier_start(spool, note, &seen);
    assert_int_equal(seen.n, 0); /* they are ours */
    reopen();
    qr_spool_each_earlier_start(spool, note, &seen);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.leases[0], 1);
    assert_int_equal(seen.leases[1], 4);
    reopen();
    seen.n = 0;
    qr_spool_each_earlier_start(spool, note, &seen);
    assert_int_equal(seen.n, 2); /* until somebody was told */
    qr_spool_forget_earlier_starts(spool);
    reopen();
    seen.n = 0;
    qr_spool_each_earlier_start(spool, note, &seen);
    assert_int_equal(seen.n, 0);
}

static void rule_7_who_leaves_in_good_order_leaves_no_suspects(void **state)
{
    struct seen seen = {.n = 0};
    struct qr_err err = {0};
    (void)state;

    assert_ok(qr_spool_start(spool, 1, 1001, &err), &err);
    reopen();
    assert_ok(qr_spool_start(spool, 2, 1002, &err), &err);
    qr_spool_end_all(spool);
    reopen();
    qr_spool_each_earlier_start(spool, note, &seen);
    assert_int_equal(seen.n, 1); /* of the life before; nobody was told of it yet */
    assert_int_equal(seen.leases[0], 1);
}

/* ---- kill -9, damage */

/* A child puts and removes results and says on a pipe what it has done, until it is killed. */
static void work_until_killed(int report_fd)
{
    struct qr_err err = {0};

    if (open_spool(&err) < 0)
        _exit(1);
    for (uint64_t lease = 1;; lease++) {
        uint64_t word = lease;
        if (put(lease, &err) < 0 || write(report_fd, &word, sizeof word) != sizeof word)
            _exit(1);
        if (lease % 3 == 0) {
            qr_spool_remove(spool, lease);
            word |= UINT64_C(1) << 63;
            if (write(report_fd, &word, sizeof word) != sizeof word)
                _exit(1);
        }
    }
}

static void rule_4_results_survive_kill_9(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        int ends[2];
        uint64_t word;
        uint64_t last = 0;
        bool removed = false;

        teardown(NULL);
        assert_non_null(mkdir(dir, 0700) == 0 ? dir : NULL);
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            work_until_killed(ends[1]);
        }
        close(ends[1]);
        uint64_t enough = 50 + (uint64_t)round * 130;
        while (last < enough && read(ends[0], &word, sizeof word) == sizeof word)
            last = word & ~(UINT64_C(1) << 63);
        kill(child, SIGKILL);
        while (read(ends[0], &word, sizeof word) == sizeof word) { /* what it had still done */
            last = word & ~(UINT64_C(1) << 63);
            removed = word != last;
        }
        close(ends[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_true(last >= enough);
        must_open();
        for (uint64_t lease = 1; lease < last; lease++) {
            if (lease % 3 != 0)
                check_payload(lease); /* nothing that was put is lost */
            else
                assert_int_equal(qr_spool_size(spool, lease), 0);
        }
        (void)removed; /* the last one may be there or not */
    }
}

static void a_torn_end_is_cut_off_and_reported(void **state)
{
    char path[128];
    struct stat st;
    struct qr_spool_report report;
    (void)state;

    for (uint64_t lease = 1; lease <= 20; lease++)
        must_put(lease);
    qr_spool_free(spool);
    spool = NULL;
    oldest_journal(path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 5), 0);
    must_open();
    qr_spool_get_report(spool, &report);
    assert_int_equal(report.results, 19);
    assert_true(report.torn_bytes > 0);
    assert_int_equal(report.damaged_records, 0);
    for (uint64_t lease = 1; lease <= 19; lease++)
        check_payload(lease);
}

static void damage_in_the_middle_costs_only_what_it_hits(void **state)
{
    char path[128];
    struct qr_spool_report report;
    size_t left = 0;
    (void)state;

    for (uint64_t lease = 1; lease <= 20; lease++)
        must_put(lease);
    qr_spool_free(spool);
    spool = NULL;
    oldest_journal(path, sizeof path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "XXXXXXXX", 8, 2500), 8);
    close(fd);
    must_open();
    qr_spool_get_report(spool, &report);
    assert_int_equal(report.damaged_records, 1);
    assert_true(report.damaged_bytes > 8);
    for (uint64_t lease = 1; lease <= 20; lease++) {
        if (qr_spool_size(spool, lease) == 0 && payload_size(lease) > 0)
            continue;
        check_payload(lease);
        left++;
    }
    assert_int_equal(left, 19);
}

/* What the lives of a test have begun beside it. */
static void remove_other_journals(const char *path)
{
    char pattern[96];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/journal-*", dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (strcmp(found.gl_pathv[i], path) != 0)
            assert_int_equal(unlink(found.gl_pathv[i]), 0);
    globfree(&found);
}

static void any_single_flipped_byte_is_survived(void **state)
{
    char path[128];
    struct stat st;
    (void)state;

    for (uint64_t lease = 1; lease <= 3; lease++)
        must_put(lease);
    qr_spool_free(spool);
    spool = NULL;
    oldest_journal(path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = 0; at < st.st_size; at += at < 40 ? 1 : 97) {
        uint8_t byte;
        int fd = open(path, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        must_open();
        for (uint64_t lease = 1; lease <= 3; lease++)
            if (qr_spool_size(spool, lease) > 0)
                check_payload(lease);
        assert_true(qr_spool_count(spool) >= 2);
        qr_spool_free(spool);
        spool = NULL;
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        remove_other_journals(path); /* or they would be put together */
    }
    must_open();
    assert_int_equal(qr_spool_count(spool), 3);
}

/* ---- full */

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_disk_that_refuses_keeps_results_in_memory_and_says_full(void **state)
{
    const char *reason = "";
    struct qr_err err = {0};
    (void)state;

    signal(SIGXFSZ, SIG_IGN);
    must_put(1);
    limit_file_size(16); /* a write beyond it fails, like one on a full disk */
    for (uint64_t lease = 2; lease <= 20; lease++)
        must_put(lease);
    assert_true(qr_spool_is_full(spool, &reason));
    assert_non_null(strstr(reason, "write to the spool"));
    for (uint64_t lease = 1; lease <= 20; lease++)
        check_payload(lease);
    assert_true(qr_spool_start(spool, 30, 1030, &err) < 0); /* reported, not fatal */
    limit_file_size(RLIM_INFINITY);
    qr_spool_tick(spool, 5000);
    assert_false(qr_spool_is_full(spool, NULL));
    reopen(); /* they are on disk now */
    for (uint64_t lease = 1; lease <= 20; lease++)
        check_payload(lease);
}

static void too_many_waiting_bytes_are_full_until_answers_come(void **state)
{
    const char *reason = "";
    uint64_t lease = 1;
    (void)state;

    while (!qr_spool_is_full(spool, &reason))
        must_put(lease++);
    assert_non_null(strstr(reason, "results that wait for an answer"));
    assert_true(qr_spool_bytes(spool) >= 1 << 20);
    qr_spool_remove(spool, lease - 1);
    qr_spool_remove(spool, lease - 2);
    assert_false(qr_spool_is_full(spool, NULL));
}

static void little_space_on_the_disk_is_full(void **state)
{
    const struct qr_spool_config config = {
        .dir = dir, .max_bytes = 1 << 20, .reserve_bytes = INT64_MAX};
    const char *reason = "";
    struct qr_err err = {0};
    (void)state;

    qr_spool_free(spool);
    assert_ok(qr_spool_open(&config, &spool, &err), &err);
    assert_true(qr_spool_is_full(spool, &reason));
    assert_non_null(strstr(reason, "free on the disk of the spool"));
}

/* ---- epoch, sync */

static void another_cluster_epoch_voids_what_was_kept(void **state)
{
    uint64_t dropped = 0;
    size_t len = 0;
    struct qr_err err = {0};
    (void)state;

    assert_ok(qr_spool_set_epoch(spool, (const uint8_t *)"one", 3, &dropped, &err), &err);
    must_put(1);
    must_put(2);
    reopen();
    assert_ok(qr_spool_set_epoch(spool, (const uint8_t *)"one", 3, &dropped, &err), &err);
    assert_int_equal(dropped, 0);
    assert_int_equal(qr_spool_count(spool), 2);
    assert_ok(qr_spool_set_epoch(spool, (const uint8_t *)"two", 3, &dropped, &err), &err);
    assert_int_equal(dropped, 2);
    reopen();
    assert_int_equal(qr_spool_count(spool), 0);
    assert_memory_equal(qr_spool_epoch(spool, &len), "two", 3);
    assert_int_equal(len, 3);
}

static void waiting_results_are_synced_in_the_background(void **state)
{
    (void)state;
    must_put(1);
    for (int64_t now = 0; now < 3000; now += 100) /* the thread works beside further writes */
        qr_spool_tick(spool, now);
    must_put(2);
    check_payload(1);
    check_payload(2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(starts_are_counted_durably),
        TEST(a_second_process_is_refused),
        TEST(a_folder_that_cannot_be_made_says_so),
        TEST(results_come_back_in_order_and_whole),
        TEST(reads_outside_a_result_are_refused),
        TEST(a_second_result_of_a_lease_replaces_the_first),
        TEST(decided_results_do_not_pile_up_on_disk),
        TEST(rule_12_lives_without_an_answer_do_not_pile_up_journals),
        TEST(rule_7_who_leaves_in_good_order_leaves_no_suspects),
        TEST(rule_7_starts_without_an_end_are_told_to_the_next_life),
        TEST(rule_4_results_survive_kill_9),
        TEST(a_torn_end_is_cut_off_and_reported),
        TEST(damage_in_the_middle_costs_only_what_it_hits),
        TEST(any_single_flipped_byte_is_survived),
        TEST(a_disk_that_refuses_keeps_results_in_memory_and_says_full),
        TEST(too_many_waiting_bytes_are_full_until_answers_come),
        TEST(little_space_on_the_disk_is_full),
        TEST(another_cluster_epoch_voids_what_was_kept),
        TEST(waiting_results_are_synced_in_the_background),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

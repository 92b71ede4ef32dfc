/* Run it: ctest --preset dev -R progress_test */
#include "ctl/progress.h"
#include "ctl/text.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

static const struct qr_term live = {.tty = true, .unicode = true, .width = 80};
static const struct qr_term plain = {.unicode = true};
static const struct qr_progress_sample nothing = {0};

struct captured {
    char *text;
    size_t size;
    FILE *out;
};

static void begin(struct captured *captured, struct qr_progress *progress,
                  const struct qr_term *term)
{
    captured->out = open_memstream(&captured->text, &captured->size);
    qr_progress_init(progress, captured->out, term, QR_PROGRESS_FILES, "run 7");
}

static void end(struct captured *captured)
{
    fclose(captured->out);
    free(captured->text);
}

/* `per_s` files a second from `from_ms` to `to_ms`. */
static void go(struct qr_progress *progress, int64_t from_ms, int64_t to_ms, double per_s,
               struct qr_progress_sample *sample)
{
    uint64_t start = sample->done;

    for (int64_t at = from_ms; at <= to_ms; at += 250) {
        sample->done = start + (uint64_t)((double)(at - from_ms) / 1000 * per_s);
        qr_progress_update(progress, at, sample);
    }
}

static void the_rate_is_right_from_the_start_and_follows_smoothly(void **state)
{
    struct qr_progress_sample sample = {.total = 100000};
    struct qr_progress progress;
    struct captured captured;
    (void)state;

    begin(&captured, &progress, &live);
    assert_true(qr_progress_rate(&progress) < 0); /* unknown */
    go(&progress, 1000, 3000, 40, &sample);
    assert_true(fabs(qr_progress_rate(&progress) - 40) < 0.5); /* no slow start from zero */
    go(&progress, 3000, 4000, 400, &sample);
    double after_1_s = qr_progress_rate(&progress);
    assert_true(after_1_s > 60 && after_1_s < 250); /* neither jumps nor ignores */
    go(&progress, 4000, 60000, 400, &sample);
    assert_true(fabs(qr_progress_rate(&progress) - 400) < 4);
    end(&captured);
}

static void the_eta_needs_a_total_that_is_known(void **state)
{
    struct qr_progress_sample sample = {.total = 1000, .listing = true};
    struct qr_progress progress;
    struct captured captured;
    (void)state;

    begin(&captured, &progress, &live);
    go(&progress, 0, 10000, 50, &sample);
    assert_int_equal(qr_progress_eta_ms(&progress), -1); /* it still grows */
    sample.listing = false;
    qr_progress_update(&progress, 10250, &sample);
    assert_in_range(qr_progress_eta_ms(&progress), 9500, 11500); /* 500 left at 50 a second */
    sample.done = 1000;
    qr_progress_update(&progress, 10500, &sample);
    assert_int_equal(qr_progress_eta_ms(&progress), 0);
    end(&captured);
}

static void a_standstill_has_no_eta(void **state)
{
    struct qr_progress_sample sample = {.total = 1000};
    struct qr_progress progress;
    struct captured captured;
    (void)state;

    begin(&captured, &progress, &live);
    go(&progress, 0, 2000, 0, &sample);
    assert_int_equal(qr_progress_eta_ms(&progress), -1);
    end(&captured);
}

static void retried_jobs_do_not_make_the_rate_negative(void **state)
{
    struct qr_progress_sample sample = {.done = 500, .total = 1000};
    struct qr_progress progress;
    struct captured captured;
    (void)state;

    begin(&captured, &progress, &live);
    qr_progress_update(&progress, 0, &sample);
    sample.done = 100; /* 400 go again */
    qr_progress_update(&progress, 1000, &sample);
    assert_true(qr_progress_rate(&progress) >= 0);
    end(&captured);
}

static void the_line_never_reaches_the_last_column(void **state)
{
    static const struct qr_progress_sample samples[] = {
        {.done = 0, .total = 0, .listing = true},
        {.done = 512, .total = 823, .failed = 3},
        {.done = 512, .total = 823, .failed = 3, .listing = true},
        {.done = 999999, .total = 1000000, .failed = 123456},
        {.done = 1000000, .total = 1000000},
        {.done = 7, .total = 3}, /* figures of two moments */
    };
    struct qr_progress progress;
    struct captured captured;
    char line[1024];
    (void)state;

    for (size_t i = 0; i < QR_COUNT(samples); i++) {
        begin(&captured, &progress, &live);
        qr_progress_update(&progress, 0, &nothing);
        qr_progress_update(&progress, 1000, &samples[i]);
        for (int width = 1; width < 200; width++) {
            qr_progress_render(&progress, width, line, sizeof line);
            size_t limit = width > 1 ? (size_t)width - 1 : 1;
            if (qr_text_width(line) > limit)
                fail_msg("sample %zu, width %d: \"%s\"", i, width, line);
        }
        end(&captured);
    }
}

static void a_wide_line_tells_everything_and_a_narrow_one_the_share(void **state)
{
    struct qr_progress_sample sample = {.total = 800, .failed = 3};
    struct qr_progress progress;
    struct captured captured;
    char line[1024];
    (void)state;

    begin(&captured, &progress, &live);
    go(&progress, 0, 10000, 40, &sample);
    qr_progress_render(&progress, 100, line, sizeof line);
    assert_memory_equal(line, "run 7  \xE2\x94\x81", 10);
    assert_non_null(strstr(line, " 50 %  400/800  40.0/s  0:10 left  3 failed"));
    qr_progress_render(&progress, 30, line, sizeof line);
    assert_non_null(strstr(line, "50 %"));
    assert_null(strstr(line, "run 7"));
    qr_progress_render(&progress, 7, line, sizeof line);
    assert_string_equal(line, " 50 %");
    end(&captured);
}

static void listing_and_ascii(void **state)
{
    struct qr_progress_sample sample = {.done = 100, .total = 200, .listing = true};
    struct qr_term term = {.tty = true, .unicode = false, .width = 60};
    struct qr_progress progress;
    struct captured captured;
    char line[1024];
    (void)state;

    begin(&captured, &progress, &term);
    qr_progress_update(&progress, 0, &sample);
    qr_progress_render(&progress, 60, line, sizeof line);
    assert_non_null(strstr(line, "###"));
    assert_non_null(strstr(line, "---"));
    assert_non_null(strstr(line, "100/200+  listing"));
    for (const char *c = line; *c; c++)
        assert_in_range(*c, 0x20, 0x7E);
    end(&captured);
}

static void all_but_one_is_not_a_hundred_per_cent(void **state)
{
    struct qr_progress_sample sample = {.done = 99999, .total = 100000};
    struct qr_progress progress;
    struct captured captured;
    char line[1024];
    (void)state;

    begin(&captured, &progress, &live);
    qr_progress_update(&progress, 0, &sample);
    qr_progress_render(&progress, 80, line, sizeof line);
    assert_non_null(strstr(line, " 99 %"));
    end(&captured);
}

static void a_terminal_rewrites_one_line_and_clears_it(void **state)
{
    struct qr_progress_sample sample = {.total = 100};
    struct qr_progress progress;
    struct captured captured;
    (void)state;

    begin(&captured, &progress, &live);
    go(&progress, 0, 3000, 10, &sample);
    qr_progress_note(&progress, "something happened");
    qr_progress_update(&progress, 4000, &sample);
    qr_progress_clear(&progress);
    qr_progress_clear(&progress); /* nothing is open any more */
    fflush(captured.out);
    int newlines = 0;
    for (const char *c = captured.text; *c; c++)
        newlines += *c == '\n';
    assert_int_equal(newlines, 1); /* the note's */
    assert_non_null(strstr(captured.text, "\r\033[Ksomething happened\n"));
    assert_memory_equal(captured.text + captured.size - 4, "\r\033[K", 4);
    end(&captured);
}

static void a_pipe_gets_a_line_every_few_seconds(void **state)
{
    struct qr_progress_sample sample = {.total = 100, .failed = 2};
    struct qr_progress progress;
    struct captured captured;
    (void)state;

    begin(&captured, &progress, &plain);
    go(&progress, 0, 10000, 4, &sample);
    qr_progress_clear(&progress);
    fflush(captured.out);
    assert_string_equal(captured.text,
                        "run 7: 0 of 100 files (0 %), 2 failed\n"
                        "run 7: 20 of 100 files (20 %), 2 failed, 4.00/s, 20 s left\n"
                        "run 7: 40 of 100 files (40 %), 2 failed, 4.00/s, 15 s left\n");
    end(&captured);
}

static void bytes_are_shown_as_sizes(void **state)
{
    struct qr_progress_sample sample = {.done = 0};
    struct qr_progress progress;
    struct captured captured;
    char line[1024];
    (void)state;

    captured.out = open_memstream(&captured.text, &captured.size);
    qr_progress_init(&progress, captured.out, &live, QR_PROGRESS_BYTES, "export of run 7");
    go(&progress, 0, 2000, 1500000, &sample);
    qr_progress_render(&progress, 80, line, sizeof line);
    assert_string_equal(line, "export of run 7    3.0 MB  1.5 MB/s");
    end(&captured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_right_from_the_start_and_follows_smoothly),
        cmocka_unit_test(the_eta_needs_a_total_that_is_known),
        cmocka_unit_test(a_standstill_has_no_eta),
        cmocka_unit_test(retried_jobs_do_not_make_the_rate_negative),
        cmocka_unit_test(the_line_never_reaches_the_last_column),
        cmocka_unit_test(a_wide_line_tells_everything_and_a_narrow_one_the_share),
        cmocka_unit_test(listing_and_ascii),
        cmocka_unit_test(all_but_one_is_not_a_hundred_per_cent),
        cmocka_unit_test(a_terminal_rewrites_one_line_and_clears_it),
        cmocka_unit_test(a_pipe_gets_a_line_every_few_seconds),
        cmocka_unit_test(bytes_are_shown_as_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

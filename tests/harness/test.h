/* tests/harness/test.h
 *
 * cmocka with the headers it wants before it, and the assertions our tests share.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"

/** A call that must succeed; prints the error's message when it did not. */
#define assert_ok(rc, err)                                              \
    do {                                                                \
        int assert_ok_rc_ = (rc);                                       \
        if (assert_ok_rc_ < 0)                                          \
            fail_msg("%s: %s", qr_err_name(assert_ok_rc_), (err)->msg); \
    } while (0)

/** A call that must fail with `want` and a message that holds `part`. */
#define assert_err(rc, want, err, part)                                                         \
    do {                                                                                        \
        int assert_err_rc_ = (rc);                                                              \
        if (assert_err_rc_ != (want))                                                           \
            fail_msg("expected %s, got %s: %s", qr_err_name(want), qr_err_name(assert_err_rc_), \
                     (err)->msg);                                                               \
        if (!strstr((err)->msg, (part)))                                                        \
            fail_msg("message lacks \"%s\": %s", (part), (err)->msg);                           \
    } while (0)

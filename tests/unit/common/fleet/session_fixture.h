/* tests/unit/common/fleet/session_fixture.h
 *
 * For the tests of the worker's session: a peer made before and taken down after each test, short
 * names for the wire's enums, and two questions that many tests ask.
 */
#pragma once
#include <stdlib.h>

#include "tests/unit/common/fleet/peer.h"

#define KIND(name) QUARRY__V1__WORKER_FRAME__BODY_##name
#define ACK(name) QUARRY__V1__ACK_CODE__ACK_CODE_##name
#define END(name) QUARRY__V1__END_REASON__END_REASON_##name
#define STOP(name) QUARRY__V1__STOP_REASON__STOP_REASON_##name

static struct peer peer; /* one a test program */

static inline int setup(void **state)
{
    (void)state;
    peer_open(&peer, 2);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    peer_close(&peer);
    return 0;
}

static inline uint64_t credit_total(void)
{
    uint64_t total = 0;
    Quarry__V1__WorkerFrame *frame;
    while ((frame = peer_take(&peer, KIND(CREDITS)))) {
        assert_true(frame->credits->total > total); /* it only grows */
        total = frame->credits->total;
        peer_free(frame);
    }
    return total;
}

static inline Quarry__V1__WorkerFrame *take_beat(void)
{
    peer_drop_frames(&peer, KIND(BEAT));
    peer_pass(&peer, 2000);
    Quarry__V1__WorkerFrame *frame = peer_take(&peer, KIND(BEAT));
    assert_non_null(frame);
    return frame;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

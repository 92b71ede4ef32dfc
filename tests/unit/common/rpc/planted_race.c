/* A data race on purpose, only built with ThreadSanitizer: its test passes when the race is
 * reported. It proves that the options we need for libgrpc, which is not instrumented, do not blind
 * the sanitizer for our own code: the racing access is in a callback that libgrpc's queue
 * delivered. */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/common/rpc/fixture.h"

static int planted; /* touched by a queue thread and the main thread, with no lock */
static atomic_bool done;

static void touch(void *ctx, struct qr_rpc_call *call, const uint8_t *request, size_t len)
{
    (void)ctx;
    planted++;
    qr_rpc_call_reply(call, request, len);
}

static void *call_often(void *ctx)
{
    struct qr_buf reply;
    struct qr_err err = {0};

    for (int i = 0; i < 200; i++) {
        assert_ok(call_text(ctx, "/test.T/Touch", "x", 0, &reply, &err), &err);
        qr_buf_done(&reply);
    }
    atomic_store_explicit(&done, true, memory_order_relaxed);
    return NULL;
}

int main(void)
{
    const struct qr_rpc_server_config config = {.listen = "127.0.0.1:0"};
    QR_AUTO(qr_rpc_server) server = NULL;
    QR_AUTO(qr_rpc_channel) channel = NULL;
    struct qr_err err = {0};
    pthread_t caller;

    if (qr_rpc_server_new(&config, &server, &err) < 0 ||
        qr_rpc_server_add_unary(server, "/test.T/Touch", touch, NULL, &err) < 0 ||
        qr_rpc_server_start(server, &err) < 0 ||
        qr_rpc_channel_new(qr_rpc_server_address(server), NULL, &channel, &err) < 0)
        return 1;
    pthread_create(&caller, NULL, call_often, channel);
    while (!atomic_load_explicit(&done, memory_order_relaxed))
        planted++;
    pthread_join(caller, NULL);
    return 0;
}

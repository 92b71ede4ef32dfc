/* grpc.health.v1.Health: Check and Watch.
 * Run it: ctest --preset dev -R rpc_health_test */
#include "grpc/health/v1/health.pb-c.h"
#include "tests/unit/common/rpc/fixture.h"

#define CHECK "/grpc.health.v1.Health/Check"
#define WATCH "/grpc.health.v1.Health/Watch"

enum { UNKNOWN = 0, SERVING = 1, NOT_SERVING = 2, SERVICE_UNKNOWN = 3 }; /* of the .proto */

static size_t request_for(const char *service, uint8_t out[64])
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = (char *)(uintptr_t)service;
    return grpc__health__v1__health_check_request__pack(&request, out);
}

static int status_in(const uint8_t *data, size_t len)
{
    Grpc__Health__V1__HealthCheckResponse *response =
        grpc__health__v1__health_check_response__unpack(NULL, len, data);

    assert_non_null(response);
    int status = (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return status;
}

static int check(struct qr_rpc_channel *channel, const char *service, int *status,
                 struct qr_err *err)
{
    uint8_t request[64];
    struct qr_buf reply;

    qr_buf_init(&reply, 100);
    int rc = qr_rpc_unary(channel, CHECK, request, request_for(service, request), 0, &reply, err);
    if (rc == QR_OK)
        *status = status_in(reply.data, reply.len);
    qr_buf_done(&reply);
    return rc;
}

static void check_says_what_was_set(void **state)
{
    static const struct {
        const char *service;
        bool serving;
        int want;
    } steps[] = {
        {"", true, SERVING},        {"", false, NOT_SERVING},
        {"a.Fleet", true, SERVING}, {"a.Fleet", false, NOT_SERVING},
        {"a.Fleet", true, SERVING},
    };
    struct fixture f;
    struct qr_err err = {0};
    int status = UNKNOWN;

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_ok(check(channel, "", &status, &err), &err);
    assert_int_equal(status, NOT_SERVING); /* known from the start */
    assert_err(check(channel, "a.Fleet", &status, &err), QR_E_NOT_FOUND, &err, "a.Fleet");
    for (size_t i = 0; i < QR_COUNT(steps); i++) {
        qr_rpc_health_set(f.health, steps[i].service, steps[i].serving);
        assert_ok(check(channel, steps[i].service, &status, &err), &err);
        assert_int_equal(status, steps[i].want);
    }
    fixture_stop(&f);
}

static void garbage_is_refused(void **state)
{
    struct fixture f;
    struct qr_buf reply;
    struct qr_err err = {0};

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    assert_err(call_text(channel, CHECK, "\n\377", 0, &reply, &err), QR_E_DATA, &err,
               "HealthCheckRequest");
    qr_buf_done(&reply);
    assert_err(call_text(channel, WATCH, "\n\377", 0, &reply, &err), QR_E_DATA, &err,
               "HealthCheckRequest");
    qr_buf_done(&reply);
    fixture_stop(&f);
}

struct script {
    struct qr_rpc_health *health;
    int seen[8];
    int n;
};

/* Each change is made when the one before was seen. */
static int follow(void *ctx, const uint8_t *data, size_t len)
{
    struct script *script = ctx;

    script->seen[script->n++] = status_in(data, len);
    switch (script->n) {
    case 1:
        qr_rpc_health_set(script->health, "other", true); /* not ours: no message */
        qr_rpc_health_set(script->health, "a.Fleet", true);
        return QR_OK;
    case 2:
        qr_rpc_health_set(script->health, "a.Fleet", true); /* no change: no message */
        qr_rpc_health_set(script->health, "a.Fleet", false);
        return QR_OK;
    case 3:
        qr_rpc_health_set(script->health, "a.Fleet", true);
        return QR_OK;
    default:
        return QR_E_CANCELLED; /* enough seen */
    }
}

static void watch_tells_changes_only(void **state)
{
    struct fixture f;
    struct qr_err err = {0};
    uint8_t request[64];

    (void)state;
    fixture_start(&f, NULL);
    QR_AUTO(qr_rpc_channel) channel = fixture_channel(&f, NULL);
    struct script script = {.health = f.health};
    int rc = qr_rpc_server_stream(channel, WATCH, request, request_for("a.Fleet", request), 0,
                                  follow, &script, &err);
    assert_err(rc, QR_E_CANCELLED, &err, "stopped by the receiver");
    static const int want[] = {SERVICE_UNKNOWN, SERVING, NOT_SERVING, SERVING};
    assert_int_equal(script.n, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(script.seen[i], want[i]);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_says_what_was_set),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(watch_tells_changes_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

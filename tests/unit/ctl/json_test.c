/* Run it: ctest --preset dev -R json_test */
#include "ctl/json.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

#include "quarry/v1/admin.pb-c.h"
#include "quarry/v1/fleet.pb-c.h"

static char *as_text(const ProtobufCMessage *message)
{
    json_t *value = qr_json_from_message(message);
    assert_non_null(value);
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(value);
    assert_non_null(text);
    return text;
}

static void defaults_are_kept_and_names_are_those_of_the_proto(void **state)
{
    Quarry__V1__VerifyReply reply = QUARRY__V1__VERIFY_REPLY__INIT;
    Quarry__V1__Check check = QUARRY__V1__CHECK__INIT;
    Quarry__V1__Check *checks[] = {&check};
    (void)state;

    reply.checks = checks;
    reply.n_checks = 1;
    char *text = as_text(&reply.base);
    assert_string_equal(text, "{\"checks\":[{\"name\":\"\",\"ok\":false,\"detail\":\"\"}]}");
    free(text);
}

static void numbers_of_64_bits_stay_exact(void **state)
{
    Quarry__V1__JobEvent event = QUARRY__V1__JOB_EVENT__INIT;
    (void)state;

    event.at_ms = INT64_MIN;
    event.lease_id = INT64_MAX;
    char *text = as_text(&event.base);
    assert_non_null(strstr(text, "\"at_ms\":-9223372036854775808,"));
    assert_non_null(strstr(text, "\"lease_id\":9223372036854775807,"));
    free(text);
}

static void maps_are_objects(void **state)
{
    Quarry__V1__TypeReport report = QUARRY__V1__TYPE_REPORT__INIT;
    Quarry__V1__TypeReport__FailedByClassEntry a =
        QUARRY__V1__TYPE_REPORT__FAILED_BY_CLASS_ENTRY__INIT;
    Quarry__V1__TypeReport__FailedByClassEntry b =
        QUARRY__V1__TYPE_REPORT__FAILED_BY_CLASS_ENTRY__INIT;
    Quarry__V1__TypeReport__FailedByClassEntry *entries[] = {&a, &b};
    char timeout[] = "timeout";
    char crash[] = "crash";
    (void)state;

    a.key = timeout;
    a.value = 2;
    b.key = crash;
    b.value = 0; /* default values of entries are kept, too */
    report.failed_by_class = entries;
    report.n_failed_by_class = 2;
    char *text = as_text(&report.base);
    assert_non_null(strstr(text, "\"failed_by_class\":{\"timeout\":2,\"crash\":0}"));
    assert_non_null(strstr(text, "\"empty_by_reason\":{}"));
    free(text);
}

static void bytes_enums_nested_and_repeated_scalars(void **state)
{
    uint8_t session[] = {0x00, 0xAB, 0xFF};
    uint64_t leases[] = {1, 2, 3};
    Quarry__V1__Hello hello = QUARRY__V1__HELLO__INIT;
    Quarry__V1__Accept accept = QUARRY__V1__ACCEPT__INIT;
    Quarry__V1__Failure failure = QUARRY__V1__FAILURE__INIT;
    Quarry__V1__LeaseAck ack = QUARRY__V1__LEASE_ACK__INIT;
    (void)state;

    hello.session = (ProtobufCBinaryData){sizeof session, session};
    char *text = as_text(&hello.base);
    assert_non_null(strstr(text, "\"session\":\"00abff\""));
    assert_non_null(strstr(text, "\"credits\":null")); /* a message that is absent */
    free(text);
    accept.lease_id = leases;
    accept.n_lease_id = 3;
    text = as_text(&accept.base);
    assert_string_equal(text, "{\"lease_id\":[1,2,3]}");
    free(text);
    failure.class_ = QUARRY__V1__ERROR_CLASS__ERROR_CLASS_INVALID_INPUT;
    ack.code = QUARRY__V1__ACK_CODE__ACK_CODE_RETRY_LATER;
    ack.error = &failure;
    text = as_text(&ack.base);
    assert_string_equal(
        text, "{\"lease_id\":0,\"code\":\"retry_later\","
              "\"error\":{\"class\":\"invalid_input\",\"message\":\"\",\"final\":false}}");
    free(text);
    ack.code = (Quarry__V1__AckCode)77; /* of a newer coordinator */
    text = as_text(&ack.base);
    assert_non_null(strstr(text, "\"code\":77"));
    free(text);
}

static void only_the_chosen_member_of_a_oneof_is_there(void **state)
{
    Quarry__V1__WorkerFrame frame = QUARRY__V1__WORKER_FRAME__INIT;
    Quarry__V1__Goodbye goodbye = QUARRY__V1__GOODBYE__INIT;
    (void)state;

    frame.body_case = QUARRY__V1__WORKER_FRAME__BODY_GOODBYE;
    frame.goodbye = &goodbye;
    char *text = as_text(&frame.base);
    assert_string_equal(text, "{\"goodbye\":{\"reason\":\"\"}}");
    free(text);
}

static void what_json_cannot_hold_is_replaced(void **state)
{
    Quarry__V1__Worker worker = QUARRY__V1__WORKER__INIT;
    char broken[] = "a\xFF\xC3"
                    "b\xED\xA0\x80";
    (void)state;

    worker.id = broken;
    worker.load = NAN;
    char *text = as_text(&worker.base);
    json_t *parsed = json_loads(text, 0, NULL);
    assert_non_null(parsed); /* jansson refuses what is not UTF-8 */
    assert_non_null(strstr(text, "\"id\":\"a\xEF\xBF\xBD\xEF\xBF\xBD"
                                 "b\xEF\xBF\xBD"));
    assert_non_null(strstr(text, "\"load\":null"));
    json_decref(parsed);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_kept_and_names_are_those_of_the_proto),
        cmocka_unit_test(numbers_of_64_bits_stay_exact),
        cmocka_unit_test(maps_are_objects),
        cmocka_unit_test(bytes_enums_nested_and_repeated_scalars),
        cmocka_unit_test(only_the_chosen_member_of_a_oneof_is_there),
        cmocka_unit_test(what_json_cannot_hold_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ctl/client.h
 *
 * Admin calls to one of several coordinators: the list is tried in order until one answers, and the
 * one that answered is asked first the next time. Messages are protobuf-c structs. Not thread-safe.
 */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>
#include <stdint.h>

#include "common/err.h"
#include "common/options.h"

struct qr_client;

/**
 *   coordinators  "HOST:PORT" each, at least one; copied
 *   deadline_ms   of one call to one coordinator
 *   interrupted   when set, ends the call under way with QR_E_CANCELLED; borrowed, not NULL
 *
 * Connects with the first call. Errors: QR_E_USAGE, not an address; QR_E_NOMEM.
 */
QR_MUST_CHECK int qr_client_new(const struct qr_option_list *coordinators, int64_t deadline_ms,
                                const atomic_bool *interrupted, struct qr_client **ret,
                                struct qr_err *err);
void qr_client_free(struct qr_client *client);
QR_DEFINE_AUTO(qr_client)

/** The coordinator asked first, "127.0.0.1:7420". */
const char *qr_client_target(const struct qr_client *client);

/**
 * Call a method of quarry.v1.Admin.
 *
 *   method   "GetRun"
 *   type     descriptor of the reply
 *   ret      caller frees it with protobuf_c_message_free_unpacked()
 *
 * Errors: QR_E_UNREACHABLE when no coordinator answered, with a hint; what the coordinator said, in
 * its words; QR_E_DATA, a reply that cannot be read.
 */
QR_MUST_CHECK int qr_client_call(struct qr_client *client, const char *method,
                                 const ProtobufCMessage *request,
                                 const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret,
                                 struct qr_err *err);

/** One reply of a stream; freed by the client. A negative value ends the stream with that code;
 * then err, when set, is what the call returns. */
typedef int (*qr_client_message_fn)(void *ctx, const ProtobufCMessage *reply, struct qr_err *err);

/** Call a server-streaming method: `fn` gets each reply. No deadline. Errors: as above. Another
 *  coordinator is tried only as long as no reply came. */
QR_MUST_CHECK int qr_client_stream(struct qr_client *client, const char *method,
                                   const ProtobufCMessage *request,
                                   const ProtobufCMessageDescriptor *type, qr_client_message_fn fn,
                                   void *ctx, struct qr_err *err);

/** `QR_CALL(client, GetRun, run_reply, &request, &reply, err)`: qr_client_call() with types;
 * `reply` is a `Quarry__V1__RunReply *`. */
#define QR_CALL(client, method, reply_type, request, ret, err)                                   \
    qr_client_call((client), #method, &(request)->base, &quarry__v1__##reply_type##__descriptor, \
                   (ProtobufCMessage **)(void *)(ret), (err))

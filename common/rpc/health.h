/* common/rpc/health.h
 *
 * The standard health service, grpc.health.v1.Health: Check and Watch.
 * Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 *
 * A service is named by its full name ("quarry.v1.Fleet"); "" is the server as a whole, which is
 * known from the start and not serving. Check of an unknown name is answered NOT_FOUND, Watch of it
 * reports SERVICE_UNKNOWN until it is set. Thread-safe.
 */
#pragma once
#include <stdbool.h>

#include "common/err.h"
#include "common/rpc/server.h"

struct qr_rpc_health;

/**
 * Add the service to a server that is not started yet.
 *
 *   ret  caller owns it; free it after the server
 *
 * Errors: as qr_rpc_server_add_unary().
 */
QR_MUST_CHECK int qr_rpc_health_new(struct qr_rpc_server *server, struct qr_rpc_health **ret,
                                    struct qr_err *err);
void qr_rpc_health_free(struct qr_rpc_health *health);
QR_DEFINE_AUTO(qr_rpc_health)

#define QR_RPC_HEALTH_SERVICES 32

/**
 * State of a service; watchers are told when it changes. `service` is borrowed for the life of
 * `health` (a constant); at most QR_RPC_HEALTH_SERVICES different names, more is a mistake in the
 * program.
 */
void qr_rpc_health_set(struct qr_rpc_health *health, const char *service, bool serving);

#include "cadbridge/backend.h"

#include <string.h>

#include "cadbridge/creo.h"
#include "cadbridge/creoson.h"

int qr_cad_backend_new(const char *address, const atomic_bool *interrupted,
                       struct qr_cad_backend **ret, struct qr_err *err)
{
    static const char grpc[] = "grpc://";
    static const char creoson[] = "creoson+";

    if (strncmp(address, grpc, sizeof grpc - 1) == 0)
        return qr_creo_new(address + sizeof grpc - 1, interrupted, ret, err);
    if (strncmp(address, "creoson+http://", 15) == 0)
        return qr_creoson_new(address + sizeof creoson - 1, interrupted, ret, err);
    return qr_fail(err, QR_E_USAGE,
                   "--creo '%.200s' is no address; hint: grpc://HOST:PORT or "
                   "creoson+http://HOST:PORT",
                   address);
}

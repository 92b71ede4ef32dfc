#include "common/rpc/internal.h"

grpc_server_credentials *qr_rpc_server_credentials(void)
{
    return grpc_insecure_server_credentials_create();
}

grpc_channel_credentials *qr_rpc_channel_credentials(void)
{
    return grpc_insecure_credentials_create();
}

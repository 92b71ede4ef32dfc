#include "common/rpc/rpc.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include "common/log.h"

static void to_our_log(gpr_log_func_args *args)
{
    qr_log(QR_LOG_DEBUG, "grpc.message", "at=%s:%d text=\"%s\"", args->file, args->line,
           args->message);
}

void qr_rpc_init(void)
{
    gpr_set_log_function(to_our_log);
    grpc_init();
}

void qr_rpc_shutdown(void) { grpc_shutdown(); }

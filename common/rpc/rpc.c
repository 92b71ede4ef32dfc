#include "common/rpc/rpc.h"

#include <pthread.h>
#include <signal.h>

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
    sigset_t all, before;

    gpr_set_log_function(to_our_log);
    sigfillset(&all); /* the threads that gRPC starts leave signals to the program's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    grpc_init();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void qr_rpc_shutdown(void) { grpc_shutdown(); }

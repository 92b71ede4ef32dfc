#include "common/rpc/rpc.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include "common/log.h"

static void to_our_log(gpr_log_func_args *args)
{
    qr_log(QR_LOG_DEBUG, "grpc.message", "at=%s:%d text=\"%s\"", args->file, args->line,
           args->message);
}

/* Debian builds Abseil, whose mutexes gRPC uses, without NDEBUG: each lock then also goes through a
 * detector of deadlocks, 5 to 10 % of what a frame costs. absl::SetMutexDeadlockDetectionMode(
 * kIgnore); another build of Abseil has another name for it, and may keep its detector. */
static void leave_deadlocks_undetected(void)
{
    void (*set_mode)(int) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_"
                                      "15OnDeadlockCycleE");

    if (!found)
        return;
    memcpy(&set_mode, &found, sizeof set_mode);
    set_mode(0);
}

void qr_rpc_init(void)
{
    sigset_t all, before;

    leave_deadlocks_undetected();
    gpr_set_log_function(to_our_log);
    sigfillset(&all); /* the threads that gRPC starts leave signals to the program's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    grpc_init();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void qr_rpc_shutdown(void) { grpc_shutdown(); }

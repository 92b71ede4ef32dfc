#include "common/os/signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int event_fd = -1;
static atomic_uint pending;

static void on_signal(int number)
{
    int saved = errno;
    unsigned flag = number == SIGTERM  ? QR_SIGNAL_TERMINATE
                    : number == SIGINT ? QR_SIGNAL_INTERRUPT
                                       : QR_SIGNAL_HANGUP;
    uint64_t one = 1;

    atomic_fetch_or(&pending, flag);
    if (write(event_fd, &one, sizeof one) < 0) {
        /* the counter is full: the descriptor is readable already */
    }
    errno = saved;
}

int qr_signal_init(struct qr_err *err)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    if (event_fd < 0)
        event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return qr_fail_errno(err, QR_E_LIMIT, errno, "make an event descriptor for signals");
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < QR_COUNT(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a limit on file sizes is a full disk, not an end */
    return QR_OK;
}

int qr_signal_fd(void) { return event_fd; }

unsigned qr_signal_take(void)
{
    uint64_t count;

    /* First the descriptor: a signal between the two is then seen now or wakes the loop again. */
    if (read(event_fd, &count, sizeof count) < 0) {
        /* nothing waits */
    }
    return atomic_exchange(&pending, 0);
}

#include "ctl/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

atomic_bool qr_interrupted;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&qr_interrupted, true); /* lock-free, so allowed here */
}

void qr_interrupt_catch(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; /* the second one has its default action */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

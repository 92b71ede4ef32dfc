/* ctl/interrupt.h
 *
 * Ctrl-C as a flag, for verbs that leave in good order. Without qr_interrupt_catch() it ends the
 * process at once, as everywhere.
 */
#pragma once
#include <stdatomic.h>

extern atomic_bool qr_interrupted;

/** From now on SIGINT and SIGTERM set the flag; the second one ends the process. */
void qr_interrupt_catch(void);

/* coordinator/program.h
 *
 * The coordinator as a whole: starts its parts in order, waits, stops them in reverse.
 */
#pragma once
#include "coordinator/options.h"

/** Runs until a signal asks it to stop or a part fails. Prints the `ready` line to standard output.
 *  Returns QR_OK after an orderly stop; the error was not logged yet. */
QR_MUST_CHECK int qr_program_run(const struct qr_coordinator_options *options, struct qr_err *err);

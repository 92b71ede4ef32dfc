/* common/os/unix/landlock.h
 *
 * Landlock for both kinds of sandbox: rights by what the kernel knows.
 * Source: Documentation/userspace-api/landlock.rst. The header at build time may be older than the
 * kernel, so later rights stand in landlock.c as numbers.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** The kernel's ABI; 0: it has none. */
int qr_landlock_abi(void);

/** A rule set that handles everything this kernel knows; -1: none. The caller closes it. */
int qr_landlock_new(int abi);

/** Allow reading and running what lies at or below a path. A path that is not there is no error. */
void qr_landlock_allow_read(int ruleset, const char *path);
/** Allow everything below a folder but special files. */
void qr_landlock_allow_all(int ruleset, const char *path, int abi);
/** Allow reading and writing one device. */
void qr_landlock_allow_device(int ruleset, const char *path);

/** From now on; false: it does not hold. */
bool qr_landlock_enter(int ruleset);

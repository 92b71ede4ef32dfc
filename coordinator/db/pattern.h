/* coordinator/db/pattern.h
 *
 * What messages of dead letters have in common: the message without what differs from file to file.
 *
 *     'a/b 12.pdf' ends after 4711 bytes   ->   <name> ends after <n> bytes
 *     cannot open /srv/x/y.dxf: status 0x1F   ->   cannot open <path>: status <hex>
 */
#pragma once
#include <stddef.h>

enum { QR_PATTERN_MAX = 200 }; /* bytes, with the NUL */

/** Normalise `message` (UTF-8) into `buf`, which holds QR_PATTERN_MAX bytes; cut between
 * characters. Equal for messages that differ in numbers, hexadecimal numbers, paths and quoted
 * names only. */
void qr_pattern_of(const char *message, char *buf);

/** What to do about dead letters of this class and pattern; never empty. */
const char *qr_pattern_advice(const char *error_class, const char *pattern);

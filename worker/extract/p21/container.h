/* worker/extract/p21/container.h
 *
 * Packed exchange files: gzip (.stpz), or a zip archive that holds one (IfcZIP; ISO 10303-21:2016
 * clause 13: "ISO-10303.p21"). Unpacked in memory under a cap; nothing is written, names lead
 * nowhere.
 *
 * What is damaged is unpacked as far as it goes and noted: p21.archive.damaged.
 * Source: PKWARE APPNOTE 6.3.9, 4.3; RFC 1951, RFC 1952.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record/record.h"

enum qr_p21_container { QR_P21_BARE, QR_P21_GZIP, QR_P21_ZIP };

/** By the first bytes. */
enum qr_p21_container qr_p21_container_of(const uint8_t *data, size_t len);

/**
 * Unpack it.
 *
 *   suffixes   what the member of an archive may end in: ".stp .step"; "ISO-10303.p21" goes first
 *   max_bytes  more is a failure; so is more than 100 times the packed size beyond 16 MiB
 *   ret, ret_len  caller frees *ret with free()
 *
 * Returns false after having put the failure into the record.
 */
bool qr_p21_unpack(const uint8_t *data, size_t len, const char *suffixes, size_t max_bytes,
                   struct qr_record *rec, uint8_t **ret, size_t *ret_len);

/* tests/fuzz/fuzz.h
 *
 * One fuzz target a file: LLVMFuzzerTestOneInput() for bytes that a hostile file (frame_fuzz.c: a
 * broken worker) may hold. With the preset "fuzz" libFuzzer drives it; in the other builds replay.c
 * runs it over the seeds, so that every target is compiled and run by the tests.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "worker/extract/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** An empty record and an engine that last for the process, as in a child. `engine` false: no
 * engine. The input is `data`, which must stay. */
struct qr_extract *fuzz_extract(const char *name, const uint8_t *data, size_t size, bool engine);

/** What happens to every record behind the extractor: finish, encode, decode, JSON. Aborts when the
 *  record cannot be encoded, or not be read back. */
void fuzz_check_record(struct qr_extract *x);

/* worker/extract/hostile.h
 *
 * A test extractor that does what an exploited one would try. Only built with
 * QUARRY_TEST_EXTRACTORS.
 */
#pragma once

struct qr_extract;

/**
 * The file's first word says what to try:
 *
 *     open stat connect fork exec ptrace kill mmap-exec   one forbidden thing; the record's
 * metadata say "outcome": "denied: EPERM" or "succeeded" memory take 10 GB loop sleep never end,
 * with or without using the processor segfault abort exit                                 end the
 * process output flood garbage close                          a huge record, endless chunks,
 * nonsense, silence progress                                            take 400 ms, reporting
 * progress
 */
void qr_hostile_extract(const struct qr_extract *x);

/* worker/tool/judge.h
 *
 * What the end of a foreign program means for the job: class and message.
 *
 *     status 0                                     it has read the file
 *     65, 69, 77 (sysexits.h: DATAERR, UNAVAILABLE, NOPERM)   invalid_input, unsupported,
 * permission 126, 127 (a shell's)                         unsupported: something it needs is not
 * installed another status                               internal; of a converter invalid_input
 *     budget or processor time used up             timeout
 *     memory, size of output; SIGKILL from outside resource
 *     another signal, also one that a shell reports as 128 + N    crash
 *
 * What the program wrote to standard error is quoted, cleaned and cut.
 */
#pragma once
#include "worker/tool/run.h"

struct qr_tool_case {
    const char *name; /* of the program */
    const struct qr_cage_end *end;
    const char *tail; /* of standard error */
    size_t tail_len;
    int64_t budget_ms, memory_bytes, file_bytes;
    bool converter;
};

void qr_tool_judge_end(const struct qr_tool_case *what, struct qr_tool_outcome *ret);
void qr_tool_judge_timeout(const struct qr_tool_case *what, struct qr_tool_outcome *ret);
void qr_tool_judge_memory(const struct qr_tool_case *what, struct qr_tool_outcome *ret);
/** Its output reached the limit. */
void qr_tool_judge_size(int64_t file_bytes, struct qr_tool_outcome *ret);
/** It says that it has read the file, but there is no output to take. */
void qr_tool_judge_nothing(const char *why, const char *tail, size_t tail_len,
                           struct qr_tool_outcome *ret);
/** The line of a program that stays. False: it is no answer (*ret says so). */
bool qr_tool_judge_answer(char *line, struct qr_tool_outcome *ret);

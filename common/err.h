/* common/err.h
 *
 * One error type for all of Quarry.
 *
 * A function that can fail returns QR_OK (0) or a negative QR_E_* code and fills a struct qr_err
 * that lives on the caller's stack, so no failing path allocates. Context is added on the way out
 * with qr_err_wrap(): outermost first, "grant lease to 'w1': connect to database: timed out". A
 * program logs an error once, where it decides what to do about it; libraries never log errors.
 *
 * Messages are lower case, quote values, and end in what to try: "...; hint: start the
 * coordinator".
 */
#pragma once
#include "common/base.h"

/*    name         code  gRPC status  retry  text
 * gRPC status numbers: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
/* clang-format off */
#define QR_ERR_MAP(X)                                                                              \
    X(INVALID,     -1,   3,           0,     "invalid argument")                                   \
    X(USAGE,       -2,   3,           0,     "wrong usage")                                        \
    X(NOT_FOUND,   -3,   5,           0,     "not found")                                          \
    X(UNREACHABLE, -4,   14,          1,     "unreachable")                                        \
    X(DENIED,      -5,   7,           0,     "permission denied")                                  \
    X(STALE,       -6,   9,           0,     "lease no longer held")                               \
    X(DB,          -7,   14,          1,     "database error")                                     \
    X(TIMEOUT,     -8,   4,           1,     "timed out")                                          \
    X(CANCELLED,   -9,   1,           0,     "cancelled")                                          \
    X(LIMIT,       -10,  8,           1,     "limit reached")                                      \
    X(NOMEM,       -11,  8,           1,     "out of memory")                                      \
    X(IO,          -12,  14,          1,     "input/output error")                                 \
    X(DATA,        -13,  3,           0,     "malformed data")                                     \
    X(UNSUPPORTED, -14,  12,          0,     "not supported")                                      \
    X(EXISTS,      -15,  6,           0,     "already exists")                                     \
    X(INTERNAL,    -16,  13,          0,     "internal error")
/* clang-format on */

enum qr_err_code {
    QR_OK = 0,
#define QR_ERR_ENUM(name, code, grpc, retry, text) QR_E_##name = (code),
    QR_ERR_MAP(QR_ERR_ENUM)
#undef QR_ERR_ENUM
};

struct qr_err {
    int code;         /* QR_E_*, or QR_OK when nothing was raised */
    int sys;          /* errno or foreign status behind it; 0 when none */
    char sqlstate[6]; /* "" unless the database raised it */
    const char *file; /* where it was first raised */
    int line;
    char msg[512]; /* context outermost first, hint last; always NUL-terminated */
};

/**
 * Raise an error: fills *err (NULL is allowed) and returns `code`.
 * The message is cut at the buffer's end, on a UTF-8 character boundary.
 */
#define qr_fail(err, code, ...) qr_err_raise((err), (code), 0, __FILE__, __LINE__, __VA_ARGS__)

/** The same with errno's text appended: "open '/x': No such file or directory". */
#define qr_fail_errno(err, code, errnum, ...) \
    qr_err_raise((err), (code), (errnum), __FILE__, __LINE__, __VA_ARGS__)

int qr_err_raise(struct qr_err *err, int code, int sys, const char *file, int line, const char *fmt,
                 ...) QR_PRINTF(6, 7);

/** Put context in front of an error's message: "context: message". Returns `code` unchanged. */
int qr_err_wrap(struct qr_err *err, int code, const char *fmt, ...) QR_PRINTF(3, 4);

/** Table look-ups; an unknown code reads as INTERNAL. */
const char *qr_err_name(int code); /* "NOT_FOUND" */
const char *qr_err_text(int code); /* "not found" */
int qr_err_grpc_status(int code);
int qr_err_from_grpc_status(int status); /* the closest QR_E_*; QR_OK for 0 */
int qr_err_is_retryable(int code);

/** Exit code of a program for an error: 0 ok, 1 failed, 2 usage, 3 not found, 4 unreachable, 5
 * denied. */
int qr_err_exit_code(int code);

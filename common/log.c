#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static const char *log_program = "quarry";
static atomic_int log_level = QR_LOG_INFO;

void qr_log_init(const char *program, enum qr_log_level level)
{
    log_program = program;
    atomic_store(&log_level, (int)level);
}

bool qr_log_level_parse(const char *text, enum qr_log_level *ret)
{
    for (size_t i = 0; i < QR_COUNT(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum qr_log_level)i;
            return true;
        }
    }
    return false;
}

bool qr_log_enabled(enum qr_log_level level) { return (int)level >= atomic_load(&log_level); }

static size_t put_head(char *line, size_t cap, enum qr_log_level level, const char *event)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    int n = snprintf(line, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s %s %s ",
                     utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                     utc.tm_sec, now.tv_nsec / 1000000, level_names[level], log_program, event);
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

static void emit(char *line, size_t used)
{
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = '?';
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nowhere left to complain to */
}

QR_PRINTF(4, 0)
static size_t put_args(char *line, size_t used, size_t cap, const char *fmt, va_list args)
{
    int n = vsnprintf(line + used, cap - used, fmt, args);
    if (n < 0)
        return used;
    return used + (size_t)n < cap ? used + (size_t)n : cap - 1;
}

void qr_log(enum qr_log_level level, const char *event, const char *fmt, ...)
{
    char line[2048];
    va_list args;

    if (!qr_log_enabled(level))
        return;
    size_t used = put_head(line, sizeof line - 1, level, event);
    va_start(args, fmt);
    used = put_args(line, used, sizeof line - 1, fmt, args);
    va_end(args);
    emit(line, used);
}

void qr_log_err(enum qr_log_level level, const char *event, const struct qr_err *err,
                const char *fmt, ...)
{
    char line[2048];
    va_list args;

    if (!qr_log_enabled(level))
        return;
    size_t used = put_head(line, sizeof line - 1, level, event);
    va_start(args, fmt);
    used = put_args(line, used, sizeof line - 1, fmt, args);
    va_end(args);
    int n =
        snprintf(line + used, sizeof line - 1 - used, "%scode=%s error=\"%s\"",
                 used > 0 && line[used - 1] == ' ' ? "" : " ", qr_err_name(err->code), err->msg);
    if (n > 0)
        used = used + (size_t)n < sizeof line - 1 ? used + (size_t)n : sizeof line - 2;
    emit(line, used);
}

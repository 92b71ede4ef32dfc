#include "worker/tool/judge.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/os/process.h"
#include "common/uri.h"

enum { QUOTE_MAX = 400 };

enum { STATUS_DATA = 65, STATUS_UNAVAILABLE = 69, STATUS_NO_PERMISSION = 77, STATUS_SIGNAL = 128 };

/* The last it said, on one line, as `: "…"`; "" when it said nothing. */
static void quote(const char *tail, size_t len, char *ret, size_t size)
{
    char text[QUOTE_MAX + 8];
    size_t n = 0;

    while (len > 0 && (unsigned char)tail[len - 1] <= ' ')
        len--;
    size_t from = len > QUOTE_MAX ? len - QUOTE_MAX : 0;
    while (from < len && ((unsigned char)tail[from] & 0xC0) == 0x80)
        from++;
    for (size_t at = from; at < len;) {
        size_t step = qr_utf8_sequence((const unsigned char *)tail + at, len - at);
        unsigned char c = (unsigned char)tail[at];
        if (step > 1) {
            memcpy(text + n, tail + at, step);
            n += step;
        } else if (step == 1 && c > ' ' && c != 0x7F) {
            text[n++] = (char)c;
        } else if (n > 0 && text[n - 1] != ' ') {
            text[n++] = ' ';
        }
        at += step > 0 ? step : 1;
    }
    text[n] = '\0';
    snprintf(ret, size, "%s%s%s", n > 0 ? ": \"" : "", text, n > 0 ? "\"" : "");
}

static void say(const struct qr_tool_case *what, struct qr_tool_outcome *ret, enum qr_class cls,
                const char *happened, const char *hint)
{
    char said[QUOTE_MAX + 16];

    quote(what->tail, what->tail_len, said, sizeof said);
    ret->cls = cls;
    snprintf(ret->message, sizeof ret->message, "%s %s%s%s%s", what->name, happened, said,
             hint[0] ? "; hint: " : "", hint);
}

static void judge_signal(const struct qr_tool_case *what, int number, struct qr_tool_outcome *ret)
{
    char happened[80];
    char name[24];

    if (number == SIGXFSZ) {
        qr_tool_judge_size(what->file_bytes, ret);
    } else if (number == SIGXCPU) {
        qr_tool_judge_timeout(what, ret);
    } else if (number == SIGKILL) {
        say(what, ret, QR_CLASS_RESOURCE, "was ended from outside",
            "the system may have run out of memory: give it more, or the worker fewer slots");
    } else {
        snprintf(happened, sizeof happened, "crashed (%s)", qr_process_signal_name(number, name));
        say(what, ret, QR_CLASS_CRASH, happened, "");
    }
}

void qr_tool_judge_end(const struct qr_tool_case *what, struct qr_tool_outcome *ret)
{
    int code = what->end->exit_code;
    char happened[80];

    ret->cls = QR_CLASS_NONE;
    if (code == 0)
        return;
    snprintf(happened, sizeof happened, "ended with status %d", code);
    if (what->end->signal != 0)
        judge_signal(what, what->end->signal, ret);
    else if (code > STATUS_SIGNAL && code < STATUS_SIGNAL + 32)
        judge_signal(what, code - STATUS_SIGNAL, ret);
    else if (code == STATUS_DATA)
        say(what, ret, QR_CLASS_INVALID_INPUT, "cannot read the file", "");
    else if (code == STATUS_UNAVAILABLE)
        say(what, ret, QR_CLASS_UNSUPPORTED, "does not support the file", "");
    else if (code == STATUS_NO_PERMISSION)
        say(what, ret, QR_CLASS_PERMISSION, "may not read the file", "");
    else if (code == 126 || code == 127)
        say(what, ret, QR_CLASS_UNSUPPORTED, "could not be run, or something that it runs",
            "install what it needs, and see that the user it runs as may read it");
    else if (what->converter)
        say(what, ret, QR_CLASS_INVALID_INPUT, happened, "the file may be damaged");
    else
        say(what, ret, QR_CLASS_INTERNAL, happened,
            "a file that it cannot read should give status 65");
}

void qr_tool_judge_timeout(const struct qr_tool_case *what, struct qr_tool_outcome *ret)
{
    ret->cls = QR_CLASS_TIMEOUT;
    snprintf(ret->message, sizeof ret->message,
             "%s gave no result within the budget of %.1f s and was ended", what->name,
             (double)what->budget_ms / 1000);
}

void qr_tool_judge_memory(const struct qr_tool_case *what, struct qr_tool_outcome *ret)
{
    ret->cls = QR_CLASS_RESOURCE;
    snprintf(ret->message, sizeof ret->message,
             "%s took more than the %" PRId64 " MB of memory allowed and was ended; hint: raise "
             "--memory-limit if the file is worth it",
             what->name, what->memory_bytes >> 20);
}

void qr_tool_judge_size(int64_t file_bytes, struct qr_tool_outcome *ret)
{
    ret->cls = QR_CLASS_RESOURCE;
    snprintf(ret->message, sizeof ret->message,
             "it wrote more than the %" PRId64 " MB allowed; hint: raise --exec-output if the file "
             "is worth it",
             file_bytes >> 20);
}

void qr_tool_judge_nothing(const char *why, const char *tail, size_t tail_len,
                           struct qr_tool_outcome *ret)
{
    char said[QUOTE_MAX + 16];

    quote(tail, tail_len, said, sizeof said);
    ret->cls = QR_CLASS_INTERNAL;
    snprintf(ret->message, sizeof ret->message, "the program ended well, but left no output (%s)%s",
             why, said);
}

/* The rest of a line, cleaned: message or note. */
static void set_text(struct qr_tool_outcome *ret, const char *text)
{
    char said[QUOTE_MAX + 16];

    quote(text, strlen(text), said, sizeof said);
    size_t len = strlen(said);
    if (len > 4)
        snprintf(ret->message, sizeof ret->message, "%.*s", (int)(len - 4), said + 3);
}

bool qr_tool_judge_answer(char *line, struct qr_tool_outcome *ret)
{
    char *rest = NULL;
    char *end = strchr(line, '\n');
    char *word;
    enum qr_class cls = QR_CLASS_NONE;

    if (end)
        *end = '\0';
    word = end ? strtok_r(line, " ", &rest) : NULL;
    if (word && strcmp(word, "ok") == 0) {
        char *code = strtok_r(NULL, " ", &rest);
        ret->cls = QR_CLASS_NONE;
        if (code && strlen(code) < sizeof ret->note &&
            strspn(code, "abcdefghijklmnopqrstuvwxyz._") == strlen(code)) {
            snprintf(ret->note, sizeof ret->note, "%s", code);
            set_text(ret, rest);
        }
        return true;
    }
    if (word && strcmp(word, "fail") == 0 && (word = strtok_r(NULL, " ", &rest)) != NULL &&
        (cls = qr_class_parse(word)) != QR_CLASS_NONE) {
        ret->cls = cls;
        set_text(ret, rest);
        return true;
    }
    ret->cls = QR_CLASS_INTERNAL;
    snprintf(ret->message, sizeof ret->message, "the program answered what is no answer");
    return false;
}

#include "coordinator/db/pattern.h"

#include <stdbool.h>
#include <string.h>

#include "common/base.h"

/* ------------------------------------------------------------------ characters, in ASCII alone */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* What a path or URI is made of; blanks end it. */
static bool is_path(char c) { return (unsigned char)c > ' ' && !strchr("'\"<>()[]{},;", c); }

/* ------------------------------------------------------------------ tokens: their length, or 0 */

static size_t quoted(const char *at)
{
    if (*at != '\'' && *at != '"')
        return 0;
    const char *end = at + 1;
    /* an apostrophe within the name is followed by a letter */
    while (*end && !(*end == *at && !is_word(end[1])))
        end++;
    return *end ? (size_t)(end - at) + 1 : 0;
}

static size_t path(const char *at)
{
    size_t len = 0;
    size_t slashes = 0;

    for (; is_path(at[len]); len++)
        slashes += at[len] == '/' || (at[len] == '\\' && is_word(at[len + 1]));
    while (len > 0 && strchr(".:?!", at[len - 1]))
        len--;
    bool rooted = at[0] == '/' && is_word(at[1]);
    return slashes >= 2 || (rooted && slashes > 0) ? len : 0;
}

/* 0x1F, or eight digits and more of which one is a letter and one is none: sums, ids. */
static size_t hex(const char *at)
{
    size_t digits = 0, letters = 0, len = 0;

    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && is_hex(at[2]))
        for (len = 2; is_hex(at[len]); len++)
            continue;
    if (len > 0)
        return len;
    for (; is_hex(at[len]) || (len > 0 && at[len] == '-' && is_hex(at[len + 1])); len++) {
        digits += is_digit(at[len]);
        letters += !is_digit(at[len]) && at[len] != '-';
    }
    return digits > 0 && letters > 0 && digits + letters >= 8 && !is_word(at[len]) ? len : 0;
}

static size_t number(const char *at)
{
    size_t len = 0;

    while (is_digit(at[len]) ||
           (len > 0 && (at[len] == '.' || at[len] == ',') && is_digit(at[len + 1])))
        len++;
    return len;
}

/* ------------------------------------------------------------------ the pattern */

struct writer {
    char *buf;
    size_t len;
    bool full;
};

static void put(struct writer *w, const char *text, size_t len)
{
    if (w->full || w->len + len >= QR_PATTERN_MAX) {
        w->full = true;
        return;
    }
    memcpy(w->buf + w->len, text, len);
    w->len += len;
}

static size_t character(const char *at)
{
    size_t len = 1;

    while (((unsigned char)at[len] & 0xC0) == 0x80)
        len++;
    return len;
}

void qr_pattern_of(const char *message, char *buf)
{
    static const struct {
        size_t (*len)(const char *at);
        const char *text;
        bool inside; /* of a word too */
    } tokens[] = {{quoted, "<name>", false},
                  {path, "<path>", false},
                  {hex, "<hex>", false},
                  {number, "<n>", true}};
    struct writer w = {.buf = buf};
    bool in_word = false;
    const char *at = message;

    while (*at && !w.full) {
        size_t len = 0;
        for (size_t i = 0; i < QR_COUNT(tokens) && len == 0; i++) {
            len = in_word && !tokens[i].inside ? 0 : tokens[i].len(at);
            if (len > 0)
                put(&w, tokens[i].text, strlen(tokens[i].text));
        }
        if (len > 0) {
            in_word = false;
        } else if ((unsigned char)*at <= ' ') { /* blanks, lines and controls are one blank */
            if (w.len > 0 && w.buf[w.len - 1] != ' ')
                put(&w, " ", 1);
            in_word = false;
            len = 1;
        } else {
            in_word = is_word(*at);
            len = character(at);
            put(&w, at, len);
        }
        at += len;
    }
    while (w.len > 0 && w.buf[w.len - 1] == ' ')
        w.len--;
    w.buf[w.len] = '\0';
}

/* ------------------------------------------------------------------ advice */

/* The first row that fits: of this class ("": any), with this word in the pattern ("": any). */
static const struct {
    const char *class, *word, *advice;
} advice[] = {
    {"permission", "password", "store copies without a password, then retry"},
    {"permission", "", "let the worker's user read these files, then retry"},
    {"invalid_input", "the name says",
     "rename the files to what they are, or take them out of the source"},
    {"invalid_input", "is empty",
     "get the files again from their source; a retry alone changes nothing"},
    {"invalid_input", "changed", "list the source again once nobody writes to it: a new run"},
    {"invalid_input", "does not exist", "list the source again with a new run: the files are gone"},
    {"invalid_input", "",
     "damaged or mislabelled: get the files again from their source; a retry alone changes "
     "nothing"},
    {"unsupported", "option",
     "an option of the run that these workers do not know: update them, then retry"},
    {"unsupported", "",
     "no extractor for these: leave them out with run create --type, or purge them"},
    {"connection", "", "mend the share or the network, then retry the whole class"},
    {"rate_limit", "", "the source wants fewer requests: lower its limit, then retry"},
    {"timeout", "could not be opened", "a share that does not answer: mend it, then retry"},
    {"timeout", "progress", "hangs on these files: try one with quarry extract, then report it"},
    {"timeout", "",
     "slow files or busy workers: retry when there is less to do; the budget learns from "
     "time-outs"},
    {"resource", "memory", "retry on workers with more --memory or fewer --slots"},
    {"resource", "", "memory, disk or descriptors of a worker ran out: make room, then retry"},
    {"crash", "the worker process",
     "keep a copy of the file and report it; a retry runs it alone once more"},
    {"crash", "",
     "the extractor died: keep a copy of the file and report it; a retry runs it alone"},
    {"internal", "could not be stored",
     "the result was refused by the database: see the message, report it"},
    {"", "", "a fault of ours: report it with the output of quarry dlq show"},
};

const char *qr_pattern_advice(const char *error_class, const char *pattern)
{
    size_t i = 0;

    while ((advice[i].class[0] && strcmp(advice[i].class, error_class) != 0) ||
           !strstr(pattern, advice[i].word))
        i++; /* the last row fits all */
    return advice[i].advice;
}

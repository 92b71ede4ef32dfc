#include "worker/extract/drawing/fold.h"

#include <string.h>

#include "common/record/utf8.h"

/* Base letters of U+00C0 .. U+017F; sharp s and the ligatures are spelled out below. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo ouuuuyts"
                            "aaaaaaaceeeeiiiidnooooo ouuuuyty"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllll"
                            "lnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

static bool is_cjk(uint32_t cp)
{
    return (cp >= 0x2E80 && cp <= 0x9FFF && cp != 0x3000 && !(cp >= 0x3001 && cp <= 0x3003)) ||
           (cp >= 0xAC00 && cp <= 0xD7A3) || (cp >= 0xF900 && cp <= 0xFAFF) ||
           (cp >= 0x20000 && cp <= 0x3FFFF);
}

static bool is_ascii_letter(uint32_t cp)
{
    return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
}

static bool is_letter(uint32_t cp)
{
    return is_ascii_letter(cp) || (cp >= 0xC0 && cp <= 0x24F && cp != 0xD7 && cp != 0xF7) ||
           (cp >= 0x370 && cp <= 0x1FFF) || is_cjk(cp);
}

/* The character as it is compared: 0 is a separator, 1 leaves nothing. */
static uint32_t fold_char(uint32_t cp)
{
    if (cp >= 0xFF01 && cp <= 0xFF5E)
        cp -= 0xFEE0;
    if (cp >= 'A' && cp <= 'Z')
        return cp + 32;
    if ((cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9'))
        return cp;
    if (cp >= 0x300 && cp <= 0x36F)
        return 1;
    if (cp == '\'' || cp == 0x2019 || cp == 0xB4)
        return 1;
    if (cp >= 0xC0 && cp <= 0x17F) {
        uint32_t base = (uint8_t)latin[cp - 0xC0];
        return base == ' ' ? 0 : base;
    }
    if (cp >= 0x410 && cp <= 0x42F)
        return cp + 32;
    if (cp == 0x401 || cp == 0x451)
        return 0x435;
    if (cp >= 0x400 && cp <= 0x40F)
        return cp + 80;
    return cp >= 0x370 && is_letter(cp) ? cp : 0;
}

/* What is written for it: the few characters that become two. */
static size_t fold_to(uint32_t cp, char out[8])
{
    static const struct {
        uint32_t cp;
        const char *text;
    } special[] = {{0xDF, "ss"}, {0xC6, "ae"}, {0xE6, "ae"}, {0x152, "oe"}, {0x153, "oe"}};

    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (special[i].cp == cp) {
            memcpy(out, special[i].text, 2);
            return 2;
        }
    return qr_utf8_put(fold_char(cp), out);
}

struct folding {
    struct qr_fold *ret;
    bool in_word, last_cjk;
};

static void end_word(struct folding *f) { f->in_word = false; }

static bool begin_word(struct folding *f, size_t from)
{
    struct qr_fold *ret = f->ret;

    if (ret->n_words == QR_FOLD_WORDS || ret->len + 8 > QR_FOLD_BYTES)
        return false;
    if (ret->len > 0)
        ret->text[ret->len++] = ' ';
    ret->words[ret->n_words++] = (struct qr_fold_word){(uint16_t)ret->len, (uint16_t)ret->len,
                                                       (uint32_t)from, (uint32_t)from};
    f->in_word = true;
    return true;
}

static bool put(struct folding *f, const char *text, size_t len, size_t from, size_t to)
{
    struct qr_fold *ret = f->ret;

    if (!f->in_word && !begin_word(f, from))
        return false;
    if (ret->len + len > QR_FOLD_BYTES) { /* a word too long to be whole is none */
        struct qr_fold_word *word = &ret->words[--ret->n_words];
        ret->len = word->at > 0 ? (size_t)word->at - 1 : 0;
        return false;
    }
    memcpy(ret->text + ret->len, text, len);
    ret->len += len;
    ret->words[ret->n_words - 1].end = (uint16_t)ret->len;
    ret->words[ret->n_words - 1].to = (uint32_t)to;
    return true;
}

/* A blank between two CJK characters is layout, not a word boundary. */
static bool cjk_follows(const char *text, size_t len, size_t i)
{
    uint32_t cp;
    bool valid;

    while (i < len) {
        i += qr_utf8_next((const uint8_t *)text + i, len - i, &cp, &valid);
        if (cp != ' ' && cp != 0x3000)
            return is_cjk(cp);
    }
    return false;
}

static bool fold_one(struct folding *f, const char *text, size_t len, size_t from, size_t to,
                     uint32_t cp)
{
    char out[8];
    uint32_t folded = fold_char(cp);

    if (cp == '#' || cp == 0x2116) {
        end_word(f);
        bool more = put(f, "no", 2, from, to);
        end_word(f);
        return more;
    }
    if (folded == 1)
        return true;
    if (folded == 0) {
        if (!(f->last_cjk && (cp == ' ' || cp == 0x3000) && cjk_follows(text, len, to)))
            end_word(f);
        return true;
    }
    bool cjk = is_cjk(folded);
    if (f->in_word && cjk != f->last_cjk)
        end_word(f);
    f->last_cjk = cjk;
    size_t n = fold_to(cp >= 0xC0 && cp <= 0x17F ? cp : folded, out);
    return put(f, out, n, from, to);
}

/* ASCII letters and digits; with 0x20 they are in lower case. */
static bool is_plain(uint32_t cp) { return is_ascii_letter(cp) || (cp >= '0' && cp <= '9'); }

void qr_fold(const char *text, size_t len, struct qr_fold *ret)
{
    struct folding f = {.ret = ret};
    size_t i = 0;

    ret->len = 0;
    ret->n_words = 0;
    ret->whole = true;
    while (i < len) {
        uint32_t cp = (uint8_t)text[i];
        bool valid;
        size_t from = i;
        if (is_plain(cp)) { /* most are */
            char c = (char)(cp | 0x20);
            if (f.last_cjk)
                end_word(&f);
            f.last_cjk = false;
            i++;
            if (!put(&f, &c, 1, from, i)) {
                ret->whole = false;
                break;
            }
            continue;
        }
        i += qr_utf8_next((const uint8_t *)text + i, len - i, &cp, &valid);
        if (!fold_one(&f, text, len, from, i, cp)) {
            ret->whole = false;
            break;
        }
    }
    ret->text[ret->len] = '\0';
}

void qr_letters_count(const char *text, size_t len, struct qr_letters *ret)
{
    *ret = (struct qr_letters){0};
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        bool valid;
        i += qr_utf8_next((const uint8_t *)text + i, len - i, &cp, &valid);
        if (is_letter(cp))
            ret->letters++;
        else if (cp >= '0' && cp <= '9')
            ret->digits++;
        else if (cp != ' ' && cp != 0xA0 && cp != 0x3000)
            ret->others++;
    }
}

/* Bytes of the blank at the front, 0 when there is none. */
static size_t blank_at(const char *text, size_t len)
{
    if (len >= 1 && (text[0] == ' ' || text[0] == '\t'))
        return 1;
    if (len >= 2 && memcmp(text, "\xC2\xA0", 2) == 0)
        return 2;
    if (len >= 3 && memcmp(text, "\xE3\x80\x80", 3) == 0)
        return 3;
    return 0;
}

const char *qr_trim(const char *text, size_t *len)
{
    size_t n;

    while ((n = blank_at(text, *len)) > 0) {
        text += n;
        *len -= n;
    }
    for (;;) {
        if (*len >= 1 && blank_at(text + *len - 1, 1) == 1)
            *len -= 1;
        else if (*len >= 2 && blank_at(text + *len - 2, 2) == 2)
            *len -= 2;
        else if (*len >= 3 && blank_at(text + *len - 3, 3) == 3)
            *len -= 3;
        else
            return text;
    }
}

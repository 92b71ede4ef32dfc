#include "worker/extract/table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/base.h"
#include "worker/extract/dxf/dxf.h"
#include "worker/extract/hostile.h"
#include "worker/extract/ifc/ifc.h"
#include "worker/extract/pdf/pdf.h"
#include "worker/extract/step/step.h"
#include "worker/extract/text.h"
#include "worker/extract/unsupported.h"

/* clang-format off */
const struct qr_format qr_format_table[] = {
    /* type      what                 extensions                                     contains      text   run */
    {"pdf",     "a PDF",             " pdf ",                                       NULL,         false, qr_pdf_extract},
    {"text",    "a text",            " txt text md markdown csv tsv log ",          NULL,         true,  qr_text_extract},
    {"dxf",     "a DXF drawing",     " dxf ",                                       NULL,         true,  qr_dxf_extract},
    {"dwg",     "a DWG drawing",     " dwg ",                                       NULL,         false, qr_unsupported_extract},
    {"step",    "a STEP model",      " stp step p21 stpz ",                         " archive ",  true,  qr_step_extract},
    {"ifc",     "an IFC model",      " ifc ifczip ifcxml ",                         " archive step markup ", true, qr_ifc_extract},
    {"cad",     "a Creo model",      " prt asm drw frm ",                           NULL,         false, qr_unsupported_extract},
    {"image",   "an image",          " png jpg jpeg tif tiff gif bmp webp jp2 ",    NULL,         false, qr_unsupported_extract},
    {"office",  "an office document"," doc docx docm xls xlsx xlsm ppt pptx odt ods odp rtf ", " archive ", false, qr_unsupported_extract},
    {"archive", "an archive",        " zip gz 7z rar tar bz2 xz ",                  NULL,         false, qr_unsupported_extract},
    {"program", "a program",         " exe dll so ",                                NULL,         false, qr_unsupported_extract},
    {"postscript", "a PostScript file", " ps eps ai ",                              " pdf ",      true,  qr_unsupported_extract},
#ifdef QUARRY_TEST_EXTRACTORS
    {"test",    "a test",            " qrtest ",                                    NULL,         true,  qr_hostile_extract},
#endif
    {"markup",  "an XML or HTML file", " xml html htm xhtml svg ",                  NULL,         true,  qr_unsupported_extract},
    {0},
};

/* Where the bytes stand: at `offset`, or anywhere in the first `within` bytes after it.
 * Sources: ISO 32000-1 7.5.2; AutoCAD DXF reference, "binary
 * DXF"; Open Design Specification for .dwg, version strings; ISO 10303-21 section 5; PKWARE APPNOTE
 * 4.3.7; MS-CFB 2.2; PNG, JPEG, TIFF, GIF, BMP, RIFF, gzip, bzip2, xz, 7z and RAR headers. */
static const struct {
    const char *type;
    uint16_t offset;
    uint16_t within;
    uint8_t len;
    const char *bytes;
} magics[] = {
    {"pdf",        0,   8,    5,  "%PDF-"},
    {"dwg",        0,   0,    4,  "AC10"},
    {"dwg",        0,   0,    5,  "MC0.0"},
    {"dwg",        0,   0,    4,  "AC1."},
    {"dwg",        0,   0,    4,  "AC2."},
    {"dxf",        0,   0,    18, "AutoCAD Binary DXF"},
    {"step",       0,   64,   13, "ISO-10303-21;"},
    {"cad",        0,   0,    5,  "#UGC:"},
    {"archive",    0,   0,    4,  "PK\x03\x04"},
    {"archive",    0,   0,    4,  "PK\x05\x06"},
    {"archive",    0,   0,    2,  "\x1F\x8B"},
    {"archive",    0,   0,    3,  "BZh"},
    {"archive",    0,   0,    6,  "\xFD" "7zXZ\0"},
    {"archive",    0,   0,    6,  "7z\xBC\xAF\x27\x1C"},
    {"archive",    0,   0,    6,  "Rar!\x1A\x07"},
    {"archive",    257, 0,    5,  "ustar"},
    {"image",      0,   0,    8,  "\x89PNG\r\n\x1A\n"},
    {"image",      0,   0,    3,  "\xFF\xD8\xFF"},
    {"image",      0,   0,    4,  "II*\0"},
    {"image",      0,   0,    4,  "MM\0*"},
    {"image",      0,   0,    6,  "GIF87a"},
    {"image",      0,   0,    6,  "GIF89a"},
    {"image",      8,   0,    4,  "WEBP"},
    {"image",      0,   0,    8,  "\0\0\0\x0CjP  "},
    {"office",     0,   0,    8,  "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"},
    {"office",     0,   0,    5,  "{\\rtf"},
    {"program",    0,   0,    4,  "\x7F" "ELF"},
    {"postscript", 0,   0,    4,  "%!PS"},
    {"markup",     0,   8,    5,  "<?xml"},
    {"markup",     0,   8,    9,  "<!DOCTYPE"},
    {"markup",     0,   8,    5,  "<html"},
};
/* clang-format on */

const struct qr_format *qr_format_find(const char *type)
{
    for (const struct qr_format *format = qr_format_table; format->type; format++)
        if (strcmp(format->type, type) == 0)
            return format;
    return NULL;
}

/* ASCII DXF: the group code 0 (or a comment, 999) on a line of its own, then SECTION. */
static bool is_ascii_dxf(const uint8_t *head, size_t len)
{
    size_t at = len >= 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

    while (at < len && isspace(head[at]))
        at++;
    if (len - at >= 3 && memcmp(head + at, "999", 3) == 0)
        return memmem(head, len, "SECTION", 7) != NULL;
    if (at == len || head[at] != '0')
        return false;
    for (at++; at < len && isspace(head[at]); at++)
        continue;
    return len - at >= 7 && memcmp(head + at, "SECTION", 7) == 0;
}

static const struct qr_format *by_content(const uint8_t *head, size_t len)
{
    for (size_t i = 0; i < QR_COUNT(magics); i++) {
        size_t from = magics[i].offset;
        size_t span = (size_t)magics[i].within + magics[i].len;
        if (len < from + magics[i].len)
            continue;
        if (span > len - from)
            span = len - from;
        if (!memmem(head + from, span, magics[i].bytes, magics[i].len))
            continue;
        /* STEP and IFC are told apart by the schema their header names */
        if (strcmp(magics[i].type, "step") == 0 && memmem(head, len, "('IFC", 5))
            return qr_format_find("ifc");
        return qr_format_find(magics[i].type);
    }
    return is_ascii_dxf(head, len) ? qr_format_find("dxf") : NULL;
}

void qr_extension_of(const char *name, char ret[16])
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const char *end = base + strlen(base);
    const char *dot = strrchr(base, '.');

    ret[0] = '\0';
    if (dot && dot > base && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1)) {
        end = dot; /* name.prt.12 */
        do
            dot--;
        while (dot > base && *dot != '.');
    }
    if (!dot || *dot != '.' || dot + 1 == end || end - dot - 1 > 15)
        return;
    size_t n = 0;
    for (const char *at = dot + 1; at < end; at++)
        ret[n++] = (char)tolower((unsigned char)*at);
    ret[n] = '\0';
}

static bool lists(const char *words, const char *word)
{
    char padded[32];

    snprintf(padded, sizeof padded, " %s ", word);
    return words && strstr(words, padded) != NULL;
}

static const struct qr_format *by_name(const char *name)
{
    char extension[16];

    qr_extension_of(name, extension);
    if (extension[0] == '\0')
        return NULL;
    for (const struct qr_format *format = qr_format_table; format->type; format++)
        if (lists(format->extensions, extension))
            return format;
    return NULL;
}

void qr_detect(const uint8_t *head, size_t len, const char *name, const char *type,
               struct qr_detected *ret)
{
    const struct qr_format *content = len > 0 ? by_content(head, len) : NULL;
    const struct qr_format *named = by_name(name);

    memset(ret, 0, sizeof *ret);
    ret->by_content = content;
    ret->by_name = named;
    if (!content && !named && len > 0 && memmem(head, len < 1024 ? len : 1024, "%PDF-", 5)) {
        ret->format = qr_format_find("pdf"); /* ISO 32000-1, implementation note 13 */
    } else if (!content && !named) {
        ret->format = qr_format_find(type);
    } else if (!content || !named || content == named) {
        ret->format = content ? content : named;
    } else if (lists(named->contains, content->type) ||
               (strcmp(named->type, "text") == 0 && content->is_text)) {
        ret->format = named;
    } else {
        ret->mislabelled = true;
    }
}

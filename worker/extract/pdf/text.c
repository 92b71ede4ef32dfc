#include "worker/extract/pdf/text.h"

static uint32_t print_line(const fz_stext_line *line, struct qr_buf *out)
{
    char utf8[256]; /* collected here, for speed */
    size_t n = 0;
    uint32_t undecodable = 0;
    uint32_t high = 0;

    for (const fz_stext_char *ch = line->first_char; ch; ch = ch->next) {
        if (n > sizeof utf8 - QR_PDF_CHAR_BYTES - 1) {
            qr_buf_append(out, utf8, n);
            n = 0;
        }
        n += qr_pdf_put_char(ch, &high, utf8 + n, &undecodable);
    }
    utf8[n++] = '\n';
    qr_buf_append(out, utf8, n);
    return undecodable;
}

void qr_pdf_print_text(const fz_stext_page *text, struct qr_buf *out, struct qr_pdf_text_stats *ret)
{
    ret->undecodable = 0;
    ret->images = 0;
    for (const fz_stext_block *block = text->first_block; block; block = block->next) {
        if (block->type != FZ_STEXT_BLOCK_TEXT) {
            ret->images++;
            continue;
        }
        for (const fz_stext_line *line = block->u.t.first_line; line; line = line->next)
            ret->undecodable += print_line(line, out);
        qr_buf_append(out, "\n", 1);
    }
}

size_t qr_pdf_count_visible(const struct qr_buf *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->len; i++)
        n += text->data[i] > ' ' && (text->data[i] & 0xC0) != 0x80;
    return n;
}

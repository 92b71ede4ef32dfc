#include "tests/unit/worker/extract/pdf/pdf_file.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int pdf_set_up(void **state)
{
    struct pdf *pdf = calloc(1, sizeof *pdf);
    struct qr_err err = {0};

    *state = pdf;
    pdf->rec = qr_record_new(NULL);
    pdf->offsets = calloc(PDF_OBJECTS_MAX, sizeof *pdf->offsets);
    qr_buf_init(&pdf->out, (size_t)1 << 30);
    return qr_engine_init(&pdf->engine, (size_t)1 << 30, &err);
}

int pdf_tear_down(void **state)
{
    struct pdf *pdf = *state;

    qr_engine_done(&pdf->engine);
    qr_record_free(pdf->rec);
    qr_buf_done(&pdf->out);
    free(pdf->offsets);
    free(pdf);
    return 0;
}

struct pdf *pdf_begin(void **state)
{
    struct pdf *pdf = *state;

    qr_buf_clear(&pdf->out);
    memset(pdf->offsets, 0, PDF_OBJECTS_MAX * sizeof *pdf->offsets);
    memset(&pdf->options, 0, sizeof pdf->options);
    pdf->options.ocr = QR_EXTRACT_OFF;
    pdf->last = 0;
    qr_buf_append_str(&pdf->out, "%PDF-1.7\n");
    return pdf;
}

static void start(struct pdf *pdf, int number)
{
    assert_in_range(number, 1, PDF_OBJECTS_MAX - 1);
    pdf->offsets[number] = pdf->out.len;
    pdf->last = number > pdf->last ? number : pdf->last;
    qr_buf_printf(&pdf->out, "%d 0 obj\n", number);
}

void pdf_object(struct pdf *pdf, int number, const char *fmt, ...)
{
    char text[8192];
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assert_in_range(n, 0, sizeof text - 1);
    start(pdf, number);
    qr_buf_append(&pdf->out, text, (size_t)n);
    qr_buf_append_str(&pdf->out, "\nendobj\n");
}

void pdf_stream(struct pdf *pdf, int number, const char *dict, const char *content)
{
    start(pdf, number);
    qr_buf_printf(&pdf->out, "<< %s /Length %zu >>\nstream\n", dict, strlen(content));
    qr_buf_append_str(&pdf->out, content);
    qr_buf_append_str(&pdf->out, "\nendstream\nendobj\n");
}

void pdf_one_page(struct pdf *pdf, const char *catalog, const char *page, const char *content)
{
    pdf_object(pdf, 1, "<< /Type /Catalog /Pages 2 0 R %s >>", catalog);
    pdf_object(pdf, 2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    pdf_object(pdf, 3,
               "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 842 595] /Contents 4 0 R "
               "/Resources << /Font << /F1 5 0 R >> /Properties << /L1 6 0 R /L2 7 0 R >> >> %s >>",
               page);
    pdf_stream(pdf, 4, "", content);
    pdf_object(pdf, 5,
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
}

const Quarry__V1__ExtractionRecord *pdf_extract(struct pdf *pdf)
{
    size_t table = pdf->out.len;
    int fd = memfd_create("pdf", MFD_CLOEXEC);
    struct qr_extract_job job = {.fd = fd, .name = "test.pdf", .type = "", .options = pdf->options};

    job.max_file_bytes = (uint64_t)1 << 30;
    qr_buf_printf(&pdf->out, "xref\n0 %d\n0000000000 65535 f \n", pdf->last + 1);
    for (int i = 1; i <= pdf->last; i++)
        qr_buf_printf(&pdf->out, "%010zu 00000 %c \n", pdf->offsets[i],
                      pdf->offsets[i] ? 'n' : 'f');
    qr_buf_printf(&pdf->out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n",
                  pdf->last + 1, table);
    assert_false(pdf->out.failed);
    for (size_t done = 0; done < pdf->out.len;) {
        ssize_t n = write(fd, pdf->out.data + done, pdf->out.len - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    qr_record_reset(pdf->rec);
    qr_extract_file(&pdf->engine, &job, pdf->rec);
    close(fd);
    return pdf->rec->msg;
}

bool pdf_has_note(const struct pdf *pdf, const char *code)
{
    for (size_t i = 0; i < pdf->rec->msg->n_notes; i++)
        if (strcmp(pdf->rec->msg->notes[i]->code, code) == 0)
            return true;
    return false;
}

const char *pdf_property(const Quarry__V1__NamedObject *object, const char *key)
{
    for (size_t i = 0; i < object->n_properties; i++)
        if (strcmp(object->properties[i]->key, key) == 0)
            return object->properties[i]->value;
    return "";
}

const Quarry__V1__Span *pdf_span(const struct pdf *pdf, const char *text)
{
    const Quarry__V1__ExtractionRecord *msg = pdf->rec->msg;

    for (size_t i = 0; i < msg->n_spans; i++)
        if (strcmp(msg->spans[i]->text, text) == 0)
            return msg->spans[i];
    for (size_t i = 0; i < msg->n_spans; i++)
        print_message("span \"%s\"\n", msg->spans[i]->text);
    fail_msg("no span \"%s\"", text);
    return NULL;
}

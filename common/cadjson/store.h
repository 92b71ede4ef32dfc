/* common/cadjson/store.h
 *
 * Where exports are: a folder's index, a base URL, an archive. Between the files of the import.
 */
#pragma once
#include "common/cadjson/import.h"

/**
 * How well a file's name fits a model: 0 not at all, else larger is better. The version that was
 * asked for is best, then the newest one, then wheel.prt.json, then wheel.json. Folders do not
 * count.
 */
int64_t qr_import_fits(const char *file, const char *model);
enum { QR_IMPORT_STEM_MAX = 256 };
/** The model's name without extension, in lower case: all that fit share it. False: too long, or
 * none. */
bool qr_import_stem(const char *name, char stem[QR_IMPORT_STEM_MAX]);

/* An open export. */
struct qr_import_file {
    int fd;
    bool archive;                  /* the export is in it */
    char name[QR_IMPORT_NAME_MAX]; /* for people: without folders */
};

/* folder.c: thread-safe. */
struct qr_import_folder;
QR_MUST_CHECK int qr_import_folder_new(const char *path, int64_t refresh_ms,
                                       struct qr_import_folder **ret, struct qr_err *err);
void qr_import_folder_free(struct qr_import_folder *folder);
/** 1: found, *ret's descriptor is the caller's. 0: no export of it. */
QR_MUST_CHECK int qr_import_folder_open(struct qr_import_folder *folder, const char *model,
                                        struct qr_import_file *ret, struct qr_err *err);

/* http.c: one request after the other, until one is answered with a file.
 * 1: found, in an unnamed file. 0: none of the names is there. Errors: QR_E_UNREACHABLE,
 * QR_E_DENIED, QR_E_LIMIT (larger than allowed), QR_E_TIMEOUT, QR_E_IO, QR_E_CANCELLED. */
struct qr_import_http {
    const char *base;
    uint64_t max_bytes;
    int64_t connect_timeout_ms;
};
QR_MUST_CHECK int qr_import_http_open(const struct qr_import_http *http, const char *model,
                                      int64_t budget_ms, const atomic_bool *stop,
                                      struct qr_import_file *ret, struct qr_err *err);
/** The same without fetching: is there one? */
QR_MUST_CHECK int qr_import_http_has(const struct qr_import_http *http, const char *model,
                                     bool *ret, struct qr_err *err);

/* zip.c: in the child, and to list an archive's names there. One member, unpacked as it is read. */
struct qr_import_zip;
/**
 *   ret_name  of the member, QR_IMPORT_NAME_MAX
 *
 * 1: found. 0: no export of it. Errors: QR_E_DATA no zip archive, or damaged; QR_E_UNSUPPORTED,
 * QR_E_DENIED packed in a way that is not known, encrypted; QR_E_LIMIT; QR_E_IO.
 */
QR_MUST_CHECK int qr_import_zip_open(int fd, const char *model, uint64_t max_bytes, char *ret_name,
                                     struct qr_import_zip **ret, struct qr_err *err);
/** As qr_cadjson_source.read. */
int64_t qr_import_zip_read(void *zip, uint8_t *buf, size_t cap, struct qr_err *err);
void qr_import_zip_free(struct qr_import_zip *zip);

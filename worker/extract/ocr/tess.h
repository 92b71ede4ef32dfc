/* worker/extract/ocr/tess.h
 *
 * libtesseract's C API, loaded when a process wants it and not before: the library brings some
 * sixty others with it, which every program that merely could read images would have to start with.
 *
 * Loading opens files and maps code: do it outside the sandbox. Alone includes <tesseract/capi.h>.
 */
#pragma once
#include <tesseract/capi.h>

#include "common/base.h"
#include "common/err.h"

/*    field, function, result, parameters */
#define QR_TESS_MAP(X)                                                                           \
    X(version, TessVersion, const char *, (void))                                                \
    X(create, TessBaseAPICreate, TessBaseAPI *, (void))                                          \
    X(free, TessBaseAPIDelete, void, (TessBaseAPI *))                                            \
    X(init, TessBaseAPIInit5, int,                                                               \
      (TessBaseAPI *, const char *, int, const char *, TessOcrEngineMode, char **, int, char **, \
       char **, size_t, BOOL))                                                                   \
    X(set_variable, TessBaseAPISetVariable, BOOL, (TessBaseAPI *, const char *, const char *))   \
    X(set_mode, TessBaseAPISetPageSegMode, void, (TessBaseAPI *, TessPageSegMode))               \
    X(set_image, TessBaseAPISetImage, void,                                                      \
      (TessBaseAPI *, const unsigned char *, int, int, int, int))                                \
    X(set_resolution, TessBaseAPISetSourceResolution, void, (TessBaseAPI *, int))                \
    X(recognize, TessBaseAPIRecognize, int, (TessBaseAPI *, ETEXT_DESC *))                       \
    X(clear, TessBaseAPIClear, void, (TessBaseAPI *))                                            \
    X(iterator, TessBaseAPIGetIterator, TessResultIterator *, (TessBaseAPI *))                   \
    X(free_iterator, TessResultIteratorDelete, void, (TessResultIterator *))                     \
    X(next, TessResultIteratorNext, BOOL, (TessResultIterator *, TessPageIteratorLevel))         \
    X(text, TessResultIteratorGetUTF8Text, char *,                                               \
      (const TessResultIterator *, TessPageIteratorLevel))                                       \
    X(free_text, TessDeleteText, void, (const char *))                                           \
    X(confidence, TessResultIteratorConfidence, float,                                           \
      (const TessResultIterator *, TessPageIteratorLevel))                                       \
    X(place, TessResultIteratorGetPageIteratorConst, const TessPageIterator *,                   \
      (const TessResultIterator *))                                                              \
    X(is_last, TessPageIteratorIsAtFinalElement, BOOL,                                           \
      (const TessPageIterator *, TessPageIteratorLevel, TessPageIteratorLevel))                  \
    X(box, TessPageIteratorBoundingBox, BOOL,                                                    \
      (const TessPageIterator *, TessPageIteratorLevel, int *, int *, int *, int *))             \
    X(baseline, TessPageIteratorBaseline, BOOL,                                                  \
      (const TessPageIterator *, TessPageIteratorLevel, int *, int *, int *, int *))             \
    X(create_monitor, TessMonitorCreate, ETEXT_DESC *, (void))                                   \
    X(free_monitor, TessMonitorDelete, void, (ETEXT_DESC *))                                     \
    X(set_deadline, TessMonitorSetDeadlineMSecs, void, (ETEXT_DESC *, int))

struct qr_tess {
    void *library;
#define QR_TESS_FIELD(field, function, result, parameters) result(*field) parameters;
    QR_TESS_MAP(QR_TESS_FIELD)
#undef QR_TESS_FIELD
};

/**
 * Load the library and find its functions. It stays loaded for the process's life.
 * Errors: QR_E_NOT_FOUND, it is not installed, or another version than this was built for.
 */
QR_MUST_CHECK int qr_tess_load(struct qr_tess *ret, struct qr_err *err);

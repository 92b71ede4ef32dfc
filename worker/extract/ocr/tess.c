#include "worker/extract/ocr/tess.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* The C API is part of what the library's name promises: another one is another ABI. */
#define LIBRARY "libtesseract.so.5"

/* The types above are those of the header. */
#define CHECK(field, function, result, parameters) \
    _Static_assert(sizeof((result(*[1]) parameters){function}) > 0, "");
QR_TESS_MAP(CHECK)
#undef CHECK

int qr_tess_load(struct qr_tess *ret, struct qr_err *err)
{
    struct qr_tess tess = {0};

    /* read by the library's OpenMP when it is loaded: one thread a page, and in the sandbox there
     * can be no other */
    setenv("OMP_THREAD_LIMIT", "1", 1);
    tess.library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (!tess.library)
        return qr_fail(err, QR_E_NOT_FOUND, "%s is not installed", LIBRARY);
#define LOAD(field, function, result, parameters)       \
    {                                                   \
        void *found = dlsym(tess.library, #function);   \
        if (!found)                                     \
            goto missing;                               \
        memcpy(&tess.field, &found, sizeof tess.field); \
    }
    QR_TESS_MAP(LOAD)
#undef LOAD
    *ret = tess;
    return QR_OK;
missing:
    dlclose(tess.library);
    return qr_fail(err, QR_E_NOT_FOUND, "%s lacks a function", LIBRARY);
}

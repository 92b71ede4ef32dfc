#include "worker/geometry/module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/os/process.h"

#ifdef QUARRY_GEOMETRY
static const bool built = true;
#else
static const bool built = false;
#endif

static bool find(char *path, size_t size)
{
    static const char *const places[] = {"quarry-geometry.so", "../lib/quarry/quarry-geometry.so"};
    char program[4096];

    if (!built || !qr_process_self(program, sizeof program))
        return false;
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    slash[1] = '\0';
    for (size_t i = 0; i < QR_COUNT(places); i++) {
        int len = snprintf(path, size, "%s%s", program, places[i]);
        if (len > 0 && (size_t)len < size && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

bool qr_geometry_is_there(void)
{
    char path[4200];
    return find(path, sizeof path);
}

int qr_geometry_load(const struct qr_kernel **ret, struct qr_err *err)
{
    char path[4200];
    char message[QR_KERNEL_TEXT];
    qr_kernel_fn table;

    if (!built)
        return qr_fail(err, QR_E_NOT_FOUND, "geometry is not built in");
    if (!find(path, sizeof path))
        return qr_fail(err, QR_E_NOT_FOUND,
                       "quarry-geometry.so is not beside quarry-worker; hint: install it too");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return qr_fail(err, QR_E_NOT_FOUND, "load the geometry kernel: %s", dlerror());
    void *found = dlsym(library, QR_KERNEL_SYMBOL);
    memcpy(&table, &found, sizeof table);
    const struct qr_kernel *kernel = found ? table() : NULL;
    int rc = QR_OK;
    if (!kernel || kernel->abi != QR_KERNEL_ABI)
        rc = qr_fail(err, QR_E_INTERNAL, "'%s' is another version's", path);
    else if (kernel->prepare(message) != QR_KERNEL_OK)
        rc = qr_fail(err, QR_E_INTERNAL, "the geometry kernel does not start: %s", message);
    if (rc == QR_OK)
        *ret = kernel;
    else
        dlclose(library);
    return rc;
}

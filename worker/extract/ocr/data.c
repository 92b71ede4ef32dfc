#include "worker/extract/ocr/data.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base.h"

#define DATA_MAX ((off_t)256 * 1024 * 1024)

static bool map_file(const char *path, struct qr_ocr_data *ret)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    void *bytes = MAP_FAILED;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
        info.st_size <= DATA_MAX)
        bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        return false;
    ret->bytes = bytes;
    ret->size = (size_t)info.st_size;
    return true;
}

bool qr_ocr_data_map(const char *language, struct qr_ocr_data *ret)
{
    static const char *const folders[] = {"/usr/share/tesseract-ocr/5/tessdata",
                                          "/usr/share/tesseract-ocr/4.00/tessdata",
                                          "/usr/share/tessdata", "/usr/local/share/tessdata"};
    const char *own = getenv("TESSDATA_PREFIX");
    char path[512];

    if (own && own[0] != '\0') {
        snprintf(path, sizeof path, "%s/%s.traineddata", own, language);
        return map_file(path, ret);
    }
    for (size_t i = 0; i < QR_COUNT(folders); i++) {
        snprintf(path, sizeof path, "%s/%s.traineddata", folders[i], language);
        if (map_file(path, ret))
            return true;
    }
    return false;
}

void qr_ocr_data_unmap(struct qr_ocr_data *data)
{
    if (data->bytes)
        munmap((void *)data->bytes, data->size);
    data->bytes = NULL;
    data->size = 0;
}

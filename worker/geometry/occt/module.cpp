/* The module's table: every call into Open CASCADE goes through here, and no exception leaves. */
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include <Standard_Failure.hxx>
#include <Standard_OutOfMemory.hxx>
#include <Standard_Version.hxx>

#include "worker/geometry/occt/model.h"

namespace {

void say(char *message, const char *text) { std::snprintf(message, QR_KERNEL_TEXT, "%s", text); }

/* Runs `work`; whatever it throws becomes a status and a message. */
template <typename Work> qr_kernel_status guard(char *message, Work work)
{
    message[0] = '\0';
    try {
        work();
        return QR_KERNEL_OK;
    } catch (const qr_occt_stopped &) {
        say(message, "stopped");
        return QR_KERNEL_STOPPED;
    } catch (const Standard_OutOfMemory &) {
        say(message, "out of memory");
        return QR_KERNEL_MEMORY;
    } catch (const std::bad_alloc &) {
        say(message, "out of memory");
        return QR_KERNEL_MEMORY;
    } catch (const Standard_Failure &failure) {
        const char *text = failure.GetMessageString();
        std::snprintf(message, QR_KERNEL_TEXT, "%s%s%s", failure.DynamicType()->Name(),
                      text && text[0] ? ": " : "", text ? text : "");
    } catch (const std::exception &failure) {
        say(message, failure.what());
    } catch (...) {
        say(message, "an exception of no known type");
    }
    return QR_KERNEL_FAILED;
}

qr_kernel_status prepare(char message[QR_KERNEL_TEXT])
{
    return guard(message, [] { qr_occt_prepare(); });
}

void close_model(qr_kernel_model *model)
{
    char message[QR_KERNEL_TEXT];
    (void)guard(message, [&] { delete model; });
}

qr_kernel_status open_model(const void *data, size_t len, const qr_kernel_watch *watch,
                            qr_kernel_model **ret, char message[QR_KERNEL_TEXT])
{
    qr_kernel_model *model = nullptr;

    qr_kernel_status status = guard(message, [&] {
        model = new qr_kernel_model();
        model->watch = *watch;
        qr_occt_open(*model, data, len);
    });
    if (status == QR_KERNEL_OK)
        *ret = model;
    else
        close_model(model);
    return status;
}

const char *last_message(const qr_kernel_model *model) { return model->message; }

void model_size(const qr_kernel_model *model, qr_kernel_size *ret) { *ret = model->size; }

void put_instance(const qr_instance &from, qr_kernel_instance *ret)
{
    const gp_Trsf to_model = from.location.Transformation();

    ret->body = from.body;
    for (int row = 0; row < 3; row++)
        for (int column = 0; column < 4; column++)
            ret->to_model[row * 4 + column] = to_model.Value(row + 1, column + 1);
}

void instance(const qr_kernel_model *model, uint32_t index, qr_kernel_instance *ret)
{
    put_instance(model->instances[index], ret);
}

void part(const qr_kernel_model *model, uint32_t index, qr_kernel_part *ret)
{
    std::snprintf(ret->name, sizeof ret->name, "%s", model->parts[index].name.c_str());
    ret->n_instances = static_cast<uint32_t>(model->parts[index].instances.size());
}

void part_instance(const qr_kernel_model *model, uint32_t index, uint32_t of,
                   qr_kernel_instance *ret)
{
    put_instance(model->parts[index].instances[of], ret);
}

qr_kernel_status body(qr_kernel_model *model, uint32_t index, qr_kernel_body *ret)
{
    qr_kernel_body found = {};

    qr_kernel_status status = guard(model->message, [&] {
        qr_body &of = model->bodies[index];
        found.kind = of.kind;
        std::snprintf(found.name, sizeof found.name, "%s", of.name.c_str());
        found.faces = qr_occt_faces(of).size();
        qr_occt_measure(*model, of, &found);
        qr_occt_edges(*model, of, &found);
    });
    if (status == QR_KERNEL_OK)
        *ret = found;
    return status;
}

qr_kernel_status holes(qr_kernel_model *model, uint32_t index, qr_kernel_hole *ret, size_t max,
                       size_t *ret_n)
{
    return guard(model->message, [&] {
        std::vector<qr_kernel_hole> found;
        qr_occt_holes(*model, model->bodies[index], found);
        for (size_t i = 0; i < found.size() && i < max; i++)
            ret[i] = found[i];
        *ret_n = found.size();
    });
}

qr_kernel_status mesh(qr_kernel_model *model, uint32_t index, qr_kernel_mesh *ret)
{
    return guard(model->message, [&] { qr_occt_mesh(*model, model->bodies[index], ret); });
}

qr_kernel_status surface(qr_kernel_model *model, uint32_t index, uint32_t face, double u, double v,
                         double ret_point[3], double ret_normal[3])
{
    return guard(model->message,
                 [&] { qr_occt_surface(model->bodies[index], face, u, v, ret_point, ret_normal); });
}

qr_kernel_status face_box(qr_kernel_model *model, uint32_t index, uint32_t face, double ret_box[6])
{
    return guard(model->message, [&] { qr_occt_face_box(*model, index, face, ret_box); });
}

const qr_kernel table = {
    QR_KERNEL_ABI, "Open CASCADE " OCC_VERSION_COMPLETE,
    prepare,       open_model,
    close_model,   last_message,
    model_size,    instance,
    part,          part_instance,
    body,          holes,
    mesh,          surface,
    face_box,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const qr_kernel *quarry_geometry_kernel(void);

extern "C" const qr_kernel *quarry_geometry_kernel(void) { return &table; }

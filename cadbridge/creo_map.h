/* cadbridge/creo_map.h
 *
 * From the messages of quarry.creo.v1 to our record. All that is known about the Creo service's
 * fields is in creo_map.c, and nothing else is: another service is another such file. What any of
 * them needs, numbers looked at and parts put together, is in gather.h.
 *
 * Lengths become mm, masses kg, by the units of the head. Nothing is invented: what the service did
 * not send stays absent. Not thread-safe.
 */
#pragma once
#include "cadbridge/gather.h"
#include "quarry/creo/v1/creo.pb-c.h"

struct qr_creo_map {
    struct qr_record *rec;
    const char *model; /* borrowed */
    double mm, kg;     /* of the model's units; set by the head */
    struct qr_gather gather;
    struct qr_err *err; /* of the part at hand */
};

void qr_creo_map_init(struct qr_creo_map *map, struct qr_record *rec, const char *model);
void qr_creo_map_done(struct qr_creo_map *map);

/**
 * One part; the head is to be the first.
 *
 * Errors: QR_E_DATA, a part that cannot be: a transform of five numbers, points that are no floats,
 * a cloud larger than it said. QR_E_UNSUPPORTED, units that are not known.
 */
QR_MUST_CHECK int qr_creo_map_part(struct qr_creo_map *map,
                                   const Quarry__Creo__V1__ExtractReply *reply, struct qr_err *err);
/** All parts came. Errors: QR_E_DATA, a cloud that is not whole. */
QR_MUST_CHECK int qr_creo_map_finish(struct qr_creo_map *map, struct qr_err *err);

/* cadbridge/sim/answer_intern.h
 *
 * Between answer.c (the order of an answer), describe.c (what a description says) and invent.c
 * (what is made up). All memory is the arena's.
 */
#pragma once
#include <jansson.h>

#include "cadbridge/sim/answer.h"
#include "common/record/arena.h"

/* SplitMix64. */
uint64_t qr_sim_next(uint64_t *seed);
double qr_sim_share(uint64_t *seed); /* 0 .. 1 */
uint64_t qr_sim_hash(const char *text, uint64_t seed);

/** Fills a message from an object by field names; unknown names, wrong types and numbers out of
 *  range are QR_E_DATA with the path. */
QR_MUST_CHECK int qr_sim_describe(const json_t *object, ProtobufCMessage *message,
                                  struct qr_arena *arena, const char *path, struct qr_err *err);

/** The part `number` (of ExtractReply's fields, from QR_SIM_FIRST) of a model, made up: 0 to
 *  QR_SIM_REPEAT messages of its type. Returns how many. */
enum { QR_SIM_REPEAT = 4 };
size_t qr_sim_invent(const Quarry__Creo__V1__ExtractRequest *request, const char *type,
                     Quarry__Creo__V1__ExtractReply__PartCase part, uint64_t seed,
                     struct qr_arena *arena, ProtobufCMessage *ret[QR_SIM_REPEAT]);

/** part, assembly, drawing or format, by the name's ending. */
const char *qr_sim_type_of(const char *model);
void *qr_sim_message(struct qr_arena *arena, const ProtobufCMessageDescriptor *type);

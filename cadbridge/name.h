/* cadbridge/name.h
 *
 * Creo's file names: wheel.prt.12 is version 12 of wheel.prt, the highest number is the newest;
 * wheel.prt alone is version 0 (saved without iterations). Names compare without case. Stateless
 * and thread-safe; which version is the newest: versions.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qr_cad_name {
    char model[256];   /* "wheel.prt", as it stands */
    uint32_t revision; /* 12; 0: none */
    char folder[4096]; /* path of its folder below the root; "" for the root */
};

/** Of a path below a root. False: not a name of a model, or too long. */
bool qr_cad_name_split(const char *path, struct qr_cad_name *ret);

/** Length of the model's name in a file's, 9 of "wheel.prt.12", and its number (0: none); 0: not a
 *  model's. */
size_t qr_cad_name_model(const char *file, uint32_t *ret_revision);

/* cadbridge/name.h
 *
 * Creo's file names: wheel.prt.12 is version 12 of wheel.prt, the highest number is the newest;
 * wheel.prt alone is version 0 (saved without iterations). Names compare without case.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/roots.h"

struct qr_cad_name {
    char model[256];   /* "wheel.prt", as it stands */
    uint32_t revision; /* 12; 0: none */
    char folder[4096]; /* path of its folder below the root; "" for the root */
};

/** Of a path below a root. False: not a name of a model, or too long. */
bool qr_cad_name_split(const char *path, struct qr_cad_name *ret);

/** Is there a newer version of it in its folder? Its number, or 0. Looks at the folder: may block
 *  on a share, stays beneath the root. */
uint32_t qr_cad_name_newer(const char *root_dir, const struct qr_cad_name *name);

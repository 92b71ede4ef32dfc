/* common/filetype.h
 *
 * Job types by file extension: what a listing can tell without opening a file. The worker looks at
 * the content again (worker/extract/) and has the last word.
 */
#pragma once
#include <stdbool.h>

/**
 * The job type of a file name: "pdf", "text", "dxf", … "other" for what no row names.
 * Creo's version numbers are looked through: "wheel.prt.12" is "cad". Never NULL.
 */
const char *qr_filetype_of_name(const char *name);

/** Do files of this type hold a model ("cad", "step", "ifc"), which has a row in cad_models? */
bool qr_filetype_is_model(const char *type);

/* common/filetype.h
 *
 * Job types by file extension: what a listing can tell without opening a file. The worker looks at
 * the content again (worker/extract/) and has the last word.
 */
#pragma once

/**
 * The job type of a file name: "pdf", "text", "dxf", … "other" for what no row names.
 * Creo's version numbers are looked through: "wheel.prt.12" is "creo". Never NULL.
 */
const char *qr_filetype_of_name(const char *name);

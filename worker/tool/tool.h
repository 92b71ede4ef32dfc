/* worker/tool/tool.h
 *
 * Programs of others that read files for us: which there are, and for what.
 *
 * A row of configuration names types and a command:
 *
 *     --exec 'sldprt,sldasm=/opt/acme/read --json {in}'
 *
 * The types are those of worker/extract/table.c, or extensions that have none there. The command is
 * split at blanks, with "quotes" and back slashes; no shell is involved. The program gets the open
 * file as its standard input and says what it found on its standard output: a record as JSON
 * (docs/record.md) or a drawing as DXF. Words stand for files where it wants them by name:
 *
 *     {in}      a copy of the file with its own extension        {indir}   the folder of that copy
 *     {out}     where it writes, instead of standard output      {outdir}  the folder where it
 * writes one file
 *
 * A program that stays (`serve`) reads "IN OUT" lines, names of files in its working folder, and
 * answers each with a line: "ok", "ok CODE MESSAGE" for something to note, or "fail CLASS MESSAGE".
 *
 * Not thread-safe. docs/tools.md tells users the same.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base.h"
#include "common/err.h"

enum { QR_TOOL_ARGS = 64, QR_TOOL_STAGED = 8, QR_TOOLS_MAX = 32 };

struct qr_tool {
    char types[128];          /* between blanks, lower case: " sldprt sldasm " */
    char *argv[QR_TOOL_ARGS]; /* argv[0]: as found in PATH, or as given when it is `missing` */
    size_t n_args;
    bool missing;   /* the program was not found */
    bool serve;     /* it stays and takes one file after the other */
    bool converter; /* any exit status but 0 says that it cannot read the file */
    /* files put into its working folder before it starts, and their names there */
    char *staged[QR_TOOL_STAGED];
    const char *staged_as[QR_TOOL_STAGED]; /* literals */
    size_t n_staged;
    int64_t reserve_bytes; /* private memory it may reserve without using it */
    char name[64];         /* of the program, for records and messages */
};

struct qr_tool_set {
    struct qr_tool items[QR_TOOLS_MAX];
    size_t n;
};

/** Add a row, TYPE[,TYPE…]=COMMAND. A missing program is none: it is said when a file needs it.
 * Errors: QR_E_USAGE malformed; a type that has a row; too many. QR_E_NOMEM. */
QR_MUST_CHECK int qr_tool_set_add(struct qr_tool_set *set, const char *row, struct qr_err *err);

/**
 * Add what turns DWG into DXF, unless a row reads dwg already.
 *
 *   command  "auto" or NULL: the first there is of Quarry's own converter (worker/tool/dwg, when
 *            it is installed), dwg2dxf of LibreDWG, ODAFileConverter. "off": none. Else a command.
 */
QR_MUST_CHECK int qr_tool_set_add_dwg(struct qr_tool_set *set, const char *command,
                                      struct qr_err *err);

void qr_tool_set_done(struct qr_tool_set *set);

/**
 * Which reads this file? NULL: none, it is extracted by ourselves.
 *
 *   name   its extension decides, before
 *   type   as listed; "" when unknown
 *   head   its first bytes, for a file whose extension is unknown; may be empty
 *   ret_type  the type of the record, borrowed from the set or a literal
 */
const struct qr_tool *qr_tool_set_find(const struct qr_tool_set *set, const char *name,
                                       const char *type, const void *head, size_t head_len,
                                       char ret_type[32]);

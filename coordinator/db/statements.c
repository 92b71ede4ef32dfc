#include "coordinator/db/statements.h"

#include "quarry_sql.h"

static const struct {
    const char *name;
    const char *text;
} statements[] = {
#define QR_SQL_ROW(stem) {#stem, qr_sql_##stem},
    QR_SQL_MAP(QR_SQL_ROW)
#undef QR_SQL_ROW
};

const char *qr_sql_name(enum qr_sql sql) { return statements[sql].name; }

const char *qr_sql_text(enum qr_sql sql) { return statements[sql].text; }

#include "coordinator/db/states.h"

#include <string.h>

#include "common/base.h"

static const char *const texts[] = {
#define QR_STATE_TEXT(name, text) text,
    QR_STATE_MAP(QR_STATE_TEXT)
#undef QR_STATE_TEXT
};

static const struct {
    enum qr_state from, to;
} transitions[] = {
#define QR_STATE_ROW(from, to) {QR_STATE_##from, QR_STATE_##to},
    QR_STATE_TRANSITIONS(QR_STATE_ROW)
#undef QR_STATE_ROW
};

const char *qr_state_text(enum qr_state state)
{
    return state < QR_STATE_COUNT ? texts[state] : "";
}

enum qr_state qr_state_parse(const char *text)
{
    size_t i = 0;

    while (i < QR_COUNT(texts) && strcmp(texts[i], text) != 0)
        i++;
    return (enum qr_state)i;
}

bool qr_state_may_follow(enum qr_state from, enum qr_state to)
{
    for (size_t i = 0; i < QR_COUNT(transitions); i++)
        if (transitions[i].from == from && transitions[i].to == to)
            return true;
    return false;
}

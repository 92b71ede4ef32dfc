#include "common/record/notes.h"

#include <string.h>

size_t qr_record_join_notes(Quarry__V1__ExtractionRecord *msg)
{
    size_t kept = 0;

    for (size_t i = 0; i < msg->n_notes; i++) {
        Quarry__V1__Note *note = msg->notes[i];
        size_t k = 0;
        while (k < kept && strcmp(msg->notes[k]->code, note->code) != 0)
            k++;
        if (k == kept) {
            msg->notes[i] = msg->notes[kept]; /* a swap: whoever frees them finds each once */
            msg->notes[kept++] = note;
        } else if (note->count > msg->notes[k]->count) {
            msg->notes[k]->count = note->count;
        }
    }
    return kept;
}

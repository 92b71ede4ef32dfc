/* common/fleet/link.h
 *
 * The stream to a coordinator, seen from the agent's loop: what the RPC library says on its threads
 * becomes letters in the mailbox, numbered by stream, so that those of a stream that was left are
 * recognised. One stream at a time; one thread calls these functions.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/fleet/mailbox.h"

struct qr_link;

/** Errors: QR_E_NOMEM. `mailbox` is borrowed for the link's life. */
QR_MUST_CHECK int qr_link_new(struct qr_mailbox *mailbox, struct qr_link **ret, struct qr_err *err);
void qr_link_free(struct qr_link *link);
QR_DEFINE_AUTO(qr_link)

/** Leave the present stream and open the one numbered `stream`. Failure comes as a letter CLOSED.
 */
void qr_link_connect(struct qr_link *link, uint64_t stream, const char *address);
/** Leave it. Letters of it may still wait in the mailbox. */
void qr_link_disconnect(struct qr_link *link);

/** Queue a frame; QR_E_LIMIT: no room, a letter WRITABLE will tell. Other codes: the stream is
 * gone. */
QR_MUST_CHECK int qr_link_send(struct qr_link *link, bool bulk, const uint8_t *frame, size_t len);

/** All letters of the stream were taken: read on, if reading was paused because too many waited. */
void qr_link_resume(struct qr_link *link);

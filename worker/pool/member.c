#include "worker/pool/member.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/record/utf8.h"

#define RECORD_MAX ((size_t)160 * 1024 * 1024)
#define RECORD_KEEP ((size_t)4 * 1024 * 1024)
#define MEMORY_EVERY_MS 250
#define WORN_EVERY 16     /* files between two looks at an idle child's memory */
#define ENDING_MS 1000    /* a child that closed its pipe has this long to end */
#define FILLS_PER_ROUND 8 /* so that one child does not keep the loop busy */

void qr_member_init(struct qr_member *member)
{
    memset(member, 0, sizeof *member);
    member->process.pid = -1;
    member->process.watch = -1;
    member->pipe.fd = -1;
    qr_buf_init(&member->record, RECORD_MAX);
    qr_buf_init(&member->part, QR_WIRE_PART_MAX);
    qr_buf_init(&member->found, QR_WIRE_FOUND_MAX * QR_WIRE_FOUND_TEXT);
}

void qr_member_done(struct qr_member *member)
{
    struct qr_process_end end;

    if (member->process.pid >= 0) {
        qr_process_kill(&member->process);
        qr_process_wait(&member->process, &end);
    }
    qr_pipe_done(&member->pipe);
    qr_buf_done(&member->record);
    qr_buf_done(&member->part);
    qr_buf_done(&member->found);
    qr_member_init(member);
}

int qr_member_start(struct qr_member *member, const char *program, const char *mode,
                    int64_t memory_bytes, bool keep_stderr, struct qr_err *err)
{
    char memory[32];
    const char *const argv[] = {program, mode, memory, NULL};
    int ends[2];

    snprintf(memory, sizeof memory, "--memory=%" PRId64, memory_bytes);
    int rc = qr_pipe_pair(ends, err);
    if (rc < 0)
        return rc;
    rc = qr_process_start(&member->process, program, argv, ends[1], keep_stderr, err);
    close(ends[1]);
    if (rc < 0) {
        close(ends[0]);
        return rc;
    }
    qr_pipe_init(&member->pipe, ends[0], false, true);
    member->state = QR_MEMBER_STARTING;
    return QR_OK;
}

bool qr_member_is_usable(const struct qr_member *member)
{
    return !member->retiring &&
           (member->state == QR_MEMBER_STARTING || member->state == QR_MEMBER_READY);
}

bool qr_member_is_worn(const struct qr_member *member, uint32_t files, int64_t rss_bytes)
{
    if (member->files >= files)
        return true;
    return member->files % WORN_EVERY == 0 && qr_process_rss(&member->process) > rss_bytes;
}

/* The first slot's job can begin now. */
static void begin_head(struct qr_member *member)
{
    int64_t now = qr_clock_ms();

    member->progress = (struct qr_extract_progress){0};
    qr_buf_clear(&member->part);
    qr_member_used(member);
    member->head_since_ms = now;
    member->progress_at_ms = now;
    member->memory_at_ms = now + MEMORY_EVERY_MS;
    if (member->record.cap > RECORD_KEEP) {
        qr_buf_done(&member->record);
        qr_buf_init(&member->record, RECORD_MAX);
    }
}

void qr_member_used(struct qr_member *member)
{
    qr_buf_clear(&member->record);
    qr_buf_clear(&member->found);
    member->n_found = 0;
}

bool qr_member_give(struct qr_member *member, struct qr_pool_task *task)
{
    uint8_t frame[sizeof task->wire + QR_WIRE_TEXT_MAX];
    struct qr_err err;

    memcpy(frame, &task->wire, sizeof task->wire);
    memcpy(frame + sizeof task->wire, task->text, task->text_len);
    if (task->resume_fd >= 0 &&
        qr_pipe_send(&member->pipe, QR_WIRE_RESUME, task->id, &task->state_bytes,
                     sizeof task->state_bytes, task->resume_fd, &err) < 0)
        return false;
    if (task->prepared && qr_pipe_send(&member->pipe, QR_WIRE_PREPARED, task->id, task->prepared,
                                       sizeof *task->prepared, task->prepared_fd, &err) < 0)
        return false;
    if (qr_pipe_send(&member->pipe, QR_WIRE_JOB, task->id, frame,
                     sizeof task->wire + task->text_len, task->fd, &err) < 0)
        return false;
    member->slots[member->n_slots++] = (struct qr_member_slot){.id = task->id,
                                                               .budget_ms = task->budget_ms,
                                                               .progress_ms = task->progress_ms,
                                                               .task = task};
    if (member->n_slots == 1)
        begin_head(member);
    return true;
}

void qr_member_keep(struct qr_member *member)
{
    struct qr_err err;

    if (qr_pipe_send(&member->pipe, QR_WIRE_KEEP, member->slots[0].id, NULL, 0, -1, &err) < 0)
        return; /* a broken pipe is seen when it is read */
}

void qr_member_take_back(struct qr_member *member, size_t slot)
{
    struct qr_err err;

    member->slots[slot].task = NULL;
    if (qr_pipe_send(&member->pipe, QR_WIRE_SKIP, member->slots[slot].id, NULL, 0, -1, &err) < 0)
        return; /* a broken pipe is seen when it is read */
}

static void free_slot(struct qr_member *member, size_t slot)
{
    member->n_slots--;
    memmove(&member->slots[slot], &member->slots[slot + 1],
            (member->n_slots - slot) * sizeof member->slots[0]);
    if (slot == 0) {
        member->progress = (struct qr_extract_progress){0};
        qr_buf_clear(&member->part);
        member->head_since_ms = qr_clock_ms();
    }
}

void qr_member_kill(struct qr_member *member, enum qr_member_end why)
{
    if (member->state == QR_MEMBER_NONE || member->end != QR_MEMBER_END_NONE)
        return;
    member->end = why;
    member->end_id = member->n_slots > 0 ? member->slots[0].id : 0;
    member->state = QR_MEMBER_ENDING;
    member->ending_at_ms = qr_clock_ms();
    qr_process_kill(&member->process);
}

/* The child closed its end, or is to be let go: reading is over. */
static void close_pipe(struct qr_member *member)
{
    qr_pipe_done(&member->pipe);
    member->state = QR_MEMBER_ENDING;
    member->ending_at_ms = qr_clock_ms();
}

static void skipped(struct qr_member *member, uint64_t id)
{
    for (size_t i = 1; i < member->n_slots; i++) {
        if (member->slots[i].id == id && !member->slots[i].task) {
            free_slot(member, i);
            return;
        }
    }
    if (member->n_slots > 0 && member->slots[0].id == id && !member->slots[0].task) {
        free_slot(member, 0);
        begin_head(member);
        return;
    }
    qr_member_kill(member, QR_MEMBER_END_GARBAGE);
}

/* DONE: fills *ret and frees the slot. False: it was garbage, or nobody waits for it any more. */
static bool take_done(struct qr_member *member, const uint8_t *payload, size_t len,
                      struct qr_pool_result *ret, struct qr_pool_task **ret_task)
{
    struct qr_wire_done done;
    size_t text_len = len - sizeof done;

    if (len <= sizeof done || text_len > sizeof member->message || payload[len - 1] != '\0' ||
        !qr_utf8_is_clean(payload + sizeof done, text_len - 1)) {
        qr_member_kill(member, QR_MEMBER_END_GARBAGE);
        return false;
    }
    memcpy(&done, payload, sizeof done);
    memcpy(member->message, payload + sizeof done, text_len);
    if (done.record_bytes != member->record.len || member->record.failed ||
        done.class_id > QR_CLASS_INTERNAL) {
        qr_member_kill(member, QR_MEMBER_END_GARBAGE);
        return false;
    }
    struct qr_pool_task *task = member->slots[0].task;
    *ret = (struct qr_pool_result){
        .cls = (enum qr_class)done.class_id,
        .message = done.class_id == QR_CLASS_NONE ? "" : member->message,
        .record = done.record_bytes > 0 ? member->record.data : NULL,
        .record_bytes = member->record.len,
        .found = (const char *)member->found.data,
        .found_len = done.class_id == QR_CLASS_NONE ? member->found.len : 0,
        .found_left_out = done.class_id == QR_CLASS_NONE ? done.found_left_out : 0,
        .is_model = done.class_id == QR_CLASS_NONE && done.is_model != 0,
        .duration_ms = qr_clock_ms() - member->head_since_ms,
        .cpu_ms = (int64_t)(done.cpu_us / 1000),
        .peak_rss_bytes = (int64_t)done.peak_rss_bytes,
    };
    member->cpu_us += done.cpu_us;
    member->files++;
    free_slot(member, 0);
    if (!task)
        qr_member_used(member);
    *ret_task = task;
    return task != NULL;
}

/* FOUND: a name, whatever is in it. False: it was garbage. */
static bool take_found(struct qr_member *member, const uint8_t *payload, size_t len)
{
    return len > 1 && len <= QR_WIRE_FOUND_TEXT && payload[len - 1] == '\0' &&
           qr_utf8_is_clean(payload, len - 1) && member->n_found++ < QR_WIRE_FOUND_MAX &&
           qr_buf_append(&member->found, payload, len);
}

/* KEPT: the part is whole. False: it was garbage. */
static bool take_kept(struct qr_member *member, const uint8_t *payload, size_t len)
{
    struct qr_wire_kept wire;

    if (len < sizeof wire || len > sizeof wire + QR_WIRE_STATE_MAX)
        return false;
    memcpy(&wire, payload, sizeof wire);
    if (wire.part_bytes != member->part.len || member->part.failed)
        return false;
    const struct qr_pool_kept kept = {.id = member->slots[0].id,
                                      .anew = wire.anew != 0,
                                      .state = payload + sizeof wire,
                                      .state_len = len - sizeof wire,
                                      .part = member->part.data,
                                      .part_len = member->part.len};
    member->progress_at_ms = qr_clock_ms();
    if (member->config->kept && member->slots[0].task)
        member->config->kept(member->config->arg, &kept);
    if (member->part.cap > RECORD_KEEP) {
        qr_buf_done(&member->part);
        qr_buf_init(&member->part, QR_WIRE_PART_MAX);
    }
    qr_buf_clear(&member->part);
    return true;
}

/* One frame. True when it ended a job. */
static bool take_frame(struct qr_member *member, const struct qr_pipe_header *header,
                       const uint8_t *payload, struct qr_pool_result *ret,
                       struct qr_pool_task **ret_task)
{
    bool of_head = member->n_slots > 0 && member->slots[0].id == header->id;

    switch (header->type) {
    case QR_WIRE_READY:
        if (member->was_ready || header->len != sizeof member->sandbox)
            break;
        memcpy(&member->sandbox, payload, sizeof member->sandbox);
        member->was_ready = true;
        if (member->state == QR_MEMBER_STARTING)
            member->state = QR_MEMBER_READY;
        return false;
    case QR_WIRE_PROGRESS:
        if (!of_head || header->len != sizeof member->progress)
            break;
        memcpy(&member->progress, payload, sizeof member->progress);
        member->progress_at_ms = qr_clock_ms();
        if (member->config->progress && member->slots[0].task)
            member->config->progress(member->config->arg, header->id, &member->progress);
        return false;
    case QR_WIRE_CHUNK:
        if (!of_head || !qr_buf_append(&member->record, payload, header->len))
            break;
        member->progress_at_ms = qr_clock_ms();
        return false;
    case QR_WIRE_PART:
        if (!of_head || !qr_buf_append(&member->part, payload, header->len))
            break;
        return false;
    case QR_WIRE_KEPT:
        if (!of_head || !take_kept(member, payload, header->len))
            break;
        return false;
    case QR_WIRE_FOUND:
        if (!of_head || !take_found(member, payload, header->len))
            break;
        return false;
    case QR_WIRE_DONE:
        if (!of_head)
            break;
        return take_done(member, payload, header->len, ret, ret_task);
    case QR_WIRE_SKIPPED:
        skipped(member, header->id);
        return false;
    default:
        break;
    }
    qr_member_kill(member, QR_MEMBER_END_GARBAGE);
    return false;
}

bool qr_member_next(struct qr_member *member, struct qr_pool_result *ret,
                    struct qr_pool_task **ret_task)
{
    struct qr_pipe_header header;
    const uint8_t *payload;
    struct qr_err err;
    int fd;

    for (int fills = 0; member->pipe.fd >= 0;) {
        int rc = qr_pipe_take(&member->pipe, &header, &payload, &fd, &err);
        if (rc > 0) {
            if (member->end == QR_MEMBER_END_GARBAGE)
                continue; /* nothing it says counts any more */
            if (take_frame(member, &header, payload, ret, ret_task)) {
                member->head_since_ms = qr_clock_ms();
                member->progress_at_ms = member->head_since_ms;
                member->memory_at_ms = member->head_since_ms + MEMORY_EVERY_MS;
                return true;
            }
            continue;
        }
        if (rc == 0 && fills++ == FILLS_PER_ROUND && member->state != QR_MEMBER_ENDING)
            return false;
        if (rc == 0)
            rc = qr_pipe_fill(&member->pipe, &err);
        if (rc == 1)
            return false;
        if (rc == QR_E_DATA)
            qr_member_kill(member, QR_MEMBER_END_GARBAGE);
        if (rc < 0)
            close_pipe(member);
    }
    return false;
}

void qr_member_check_time(struct qr_member *member, int64_t now_ms, int64_t memory_bytes)
{
    const struct qr_member_slot *head = &member->slots[0];

    if (member->state == QR_MEMBER_ENDING) {
        if (now_ms - member->ending_at_ms < ENDING_MS)
            return;
        if (member->end == QR_MEMBER_END_NONE) { /* it closed its pipe and goes on */
            member->end = QR_MEMBER_END_GARBAGE;
            member->end_id = member->n_slots > 0 ? head->id : 0;
        }
        qr_process_kill(&member->process);
        return;
    }
    if (member->n_slots == 0) {
        if (member->retiring) {
            member->end = QR_MEMBER_END_DISCARD;
            close_pipe(member);
        }
        return;
    }
    if (now_ms - member->head_since_ms >= head->budget_ms) {
        qr_member_kill(member, QR_MEMBER_END_BUDGET);
    } else if (head->progress_ms > 0 && now_ms - member->progress_at_ms >= head->progress_ms) {
        qr_member_kill(member, QR_MEMBER_END_STALLED);
    } else if (now_ms >= member->memory_at_ms) {
        member->memory_at_ms = now_ms + MEMORY_EVERY_MS;
        if (qr_process_rss(&member->process) > memory_bytes)
            qr_member_kill(member, QR_MEMBER_END_MEMORY);
    }
}

int64_t qr_member_deadline(const struct qr_member *member)
{
    const struct qr_member_slot *head = &member->slots[0];

    if (member->state == QR_MEMBER_NONE)
        return INT64_MAX;
    if (member->state == QR_MEMBER_ENDING) /* without a pidfd its end must be asked for */
        return member->process.watch >= 0 ? member->ending_at_ms + ENDING_MS : qr_clock_ms() + 5;
    if (member->n_slots == 0)
        return member->retiring ? 0 : INT64_MAX;
    int64_t at = member->head_since_ms + head->budget_ms;
    if (head->progress_ms > 0 && member->progress_at_ms + head->progress_ms < at)
        at = member->progress_at_ms + head->progress_ms;
    return member->memory_at_ms < at ? member->memory_at_ms : at;
}

// The frame of a file: header, chunks, END!, checksum.
//
// Streams are joined inside the private copy, so that a file of n bytes costs little more than n
// bytes. OBJS, nine tenths of a file, is moved together in place, towards lower addresses; the
// small streams are copied out before that. For each chunk a seam is kept, to say where in the file
// something was wrong.
#include "format/decode.h"

#include <string.h>

#include "base/free/search.h"
#include "base/free/sort.h"

enum { CHUNK_FRAME_BYTES = 8, END_CHUNK_BYTES = MM_DECODE_END_BYTES };

_Static_assert(END_CHUNK_BYTES == CHUNK_FRAME_BYTES + MM_FORMAT_END_BYTES, "a frame and a payload");

mm_status mm_decode_fail(const mm_decoder *decoder, mm_stream stream, const uint8_t *at,
                         const char *message) {
    const mm_joined *joined = &decoder->streams[stream];
    uint64_t position = joined->start == NULL ? 0 : (uint64_t)(at - joined->start);
    uint64_t offset = 0;
    // The last seam at or before the position.
    size_t behind = joined->seam_count == 0
                        ? 0
                        : mm_lower_bound_u64(&joined->seams->stream_at, sizeof *joined->seams,
                                             joined->seam_count, position + 1);
    if (behind > 0) {
        const mm_seam *seam = &joined->seams[behind - 1];
        offset = seam->file_at + (position - seam->stream_at);
    }
    return mm_fail(decoder->err, MM_E_FORMAT, message, offset);
}

mm_status mm_decode_nomem(const mm_decoder *decoder) {
    return mm_fail(decoder->err, MM_E_NOMEM, "not enough memory for the file's contents", 0);
}

// Which stream a tag names, or MM_STREAM_COUNT.
static mm_stream stream_of_tag(const uint8_t *tag) {
    for (unsigned i = 0; i < MM_STREAM_COUNT; i++) {
        if (memcmp(tag, &MM_STREAM_TAGS[4 * i], 4) == 0) {
            return (mm_stream)i;
        }
    }
    return MM_STREAM_COUNT;
}

static bool is_zero(const uint8_t *at, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (at[i] != 0) {
            return false;
        }
    }
    return true;
}

static mm_status header_check(const uint8_t *bytes, size_t size_bytes, mm_error *err) {
    if (size_bytes == 0) {
        return mm_fail(err, MM_E_FORMAT, "it is empty", 0);
    }
    if (size_bytes < 8 || memcmp(bytes, MM_FORMAT_MAGIC, 8) != 0) {
        return mm_fail(err, MM_E_FORMAT, "it is no mortmain snapshot", 0);
    }
    if (size_bytes < MM_FORMAT_HEADER_BYTES + END_CHUNK_BYTES) {
        return mm_fail(err, MM_E_FORMAT, "it was cut off", size_bytes);
    }
    if (mm_u32_get(bytes + 8) > MM_FORMAT_VERSION) {
        return mm_fail(err, MM_E_FORMAT, "it was written by a newer version of mortmain", 8);
    }
    if (mm_u32_get(bytes + 8) != MM_FORMAT_VERSION) {
        return mm_fail(err, MM_E_FORMAT, "a format version that never was", 8);
    }
    if (mm_u32_get(bytes + 12) != 8) {
        return mm_fail(err, MM_E_FORMAT, "pointers are not of eight bytes", 12);
    }
    if (!is_zero(bytes + 16, 16)) {
        return mm_fail(err, MM_E_FORMAT, "reserved bytes of the header are not zero", 16);
    }
    return MM_OK;
}

mm_status mm_decode_ends_check(const uint8_t *head, const uint8_t *end, size_t size_bytes,
                               mm_error *err) {
    MM_TRY(header_check(head, size_bytes, err));
    if (size_bytes % 8 != 0 || memcmp(end, MM_FORMAT_END_TAG, 4) != 0 ||
        mm_u32_get(end + 4) != MM_FORMAT_END_BYTES) {
        return mm_fail(err, MM_E_FORMAT, "it was cut off and does not end in END!", size_bytes);
    }
    if (mm_u64_get(end + 24) != size_bytes) {
        return mm_fail(err, MM_E_FORMAT, "the file is not as long as END! says",
                       size_bytes - END_CHUNK_BYTES + 24);
    }
    return MM_OK;
}

// The last chunk but for its length: counts and checksum.
static mm_status end_check(mm_decoder *decoder, const uint8_t *bytes, size_t size_bytes) {
    size_t end_at = size_bytes - END_CHUNK_BYTES;
    const uint8_t *end = bytes + end_at;
    mm_error *err = decoder->err;
    uint64_t sum = mm_format_checksum(MM_FORMAT_CHECKSUM_START, bytes, end_at + 32);
    sum = mm_format_checksum(sum, end + 40, 16);
    if (mm_u64_get(end + 32) != sum) {
        return mm_fail(err, MM_E_FORMAT, "the checksum is wrong", end_at + 32);
    }
    int32_t incomplete = (int32_t)mm_u32_get(end + 40);
    if (incomplete > 0 || !is_zero(end + 44, 12)) {
        return mm_fail(err, MM_E_FORMAT, "END! has a status that never was", end_at + 40);
    }
    uint64_t object_count = mm_u64_get(end + 8);
    uint64_t reference_count = mm_u64_get(end + 16);
    // Every object takes four bytes and every reference one: no file can ask for more memory.
    if (object_count > size_bytes / 4 || reference_count > size_bytes) {
        return mm_fail(err, MM_E_FORMAT, "END! counts more than the file can hold", end_at + 8);
    }
    if (object_count >= MM_NONE - 1 || reference_count >= MM_NONE - 1) {
        return mm_fail(err, MM_E_LIMIT, "more objects or references than can be counted", end_at);
    }
    decoder->file->object_count = (uint32_t)object_count;
    decoder->file->reference_count = (uint32_t)reference_count;
    decoder->file->incomplete = incomplete;
    decoder->file->file_bytes = size_bytes;
    return MM_OK;
}

// Look at one chunk at `at`; `end` is where END! begins.
static mm_status chunk_check(const mm_decoder *decoder, const uint8_t *bytes, size_t at, size_t end,
                             uint32_t *ret_payload_bytes, size_t *ret_next) {
    if (end - at < CHUNK_FRAME_BYTES) {
        return mm_fail(decoder->err, MM_E_FORMAT, "a chunk runs over the end", at);
    }
    uint32_t payload_bytes = mm_u32_get(bytes + at + 4);
    size_t room = end - at - CHUNK_FRAME_BYTES;
    size_t padding_bytes = (8 - payload_bytes % 8) % 8;
    if (payload_bytes > room || padding_bytes > room - payload_bytes) {
        return mm_fail(decoder->err, MM_E_FORMAT, "a chunk runs over the end", at + 4);
    }
    if (memcmp(bytes + at, MM_FORMAT_END_TAG, 4) == 0) {
        return mm_fail(decoder->err, MM_E_FORMAT, "END! is not the last chunk", at);
    }
    size_t behind = at + CHUNK_FRAME_BYTES + payload_bytes;
    if (!is_zero(bytes + behind, padding_bytes)) {
        return mm_fail(decoder->err, MM_E_FORMAT, "the padding of a chunk is not zero", behind);
    }
    *ret_payload_bytes = payload_bytes;
    *ret_next = behind + padding_bytes;
    return MM_OK;
}

// Measure the streams and take memory for their seams.
static mm_status chunks_measure(mm_decoder *decoder, const uint8_t *bytes, size_t end) {
    size_t counts[MM_STREAM_COUNT] = {0};
    for (size_t at = MM_FORMAT_HEADER_BYTES; at < end;) {
        uint32_t payload_bytes = 0;
        size_t next = 0;
        MM_TRY(chunk_check(decoder, bytes, at, end, &payload_bytes, &next));
        mm_stream stream = stream_of_tag(bytes + at);
        if (stream != MM_STREAM_COUNT && payload_bytes != 0) {
            counts[stream]++;
            decoder->streams[stream].bytes += payload_bytes;
        }
        MM_ASSERT(next > at);
        at = next;
    }
    for (unsigned i = 0; i < MM_STREAM_COUNT; i++) {
        if (counts[i] > UINT32_MAX) {
            return mm_fail(decoder->err, MM_E_LIMIT, "more chunks than can be counted", 0);
        }
        decoder->streams[i].seams = MM_ARENA_NEW(decoder->arena, mm_seam, counts[i]);
        if (decoder->streams[i].seams == NULL) {
            return mm_decode_nomem(decoder);
        }
    }
    return MM_OK;
}

// Append the payloads of all chunks of the small streams, or of OBJS, to their streams.
static void chunks_join(mm_decoder *decoder, const uint8_t *bytes, size_t end, bool objects) {
    for (size_t at = MM_FORMAT_HEADER_BYTES; at < end;) {
        uint32_t payload_bytes = mm_u32_get(bytes + at + 4);
        size_t payload_at = at + CHUNK_FRAME_BYTES;
        mm_stream stream = stream_of_tag(bytes + at);
        at = payload_at + ((size_t)payload_bytes + 7) / 8 * 8;
        if (stream == MM_STREAM_COUNT || payload_bytes == 0 ||
            (stream == MM_STREAM_OBJS) != objects) {
            continue;
        }
        mm_joined *joined = &decoder->streams[stream];
        mm_seam seam = {(uint64_t)(joined->end - joined->start), payload_at};
        joined->seams[joined->seam_count++] = seam;
        // OBJS moves down: the frame that is read next lies above everything written here.
        memmove(joined->end, bytes + payload_at, payload_bytes);
        joined->end += payload_bytes;
    }
}

mm_status mm_decode_chunks(mm_decoder *decoder, uint8_t *bytes, size_t size_bytes) {
    MM_TRY(header_check(bytes, size_bytes, decoder->err));
    MM_TRY(mm_decode_ends_check(bytes, bytes + size_bytes - END_CHUNK_BYTES, size_bytes,
                                decoder->err));
    MM_TRY(end_check(decoder, bytes, size_bytes));
    size_t end = size_bytes - END_CHUNK_BYTES;
    MM_TRY(chunks_measure(decoder, bytes, end));
    for (unsigned i = 0; i < MM_STREAM_COUNT; i++) {
        mm_joined *joined = &decoder->streams[i];
        joined->start = bytes + MM_FORMAT_HEADER_BYTES;
        if (i != MM_STREAM_OBJS) {
            size_t need_bytes = (size_t)joined->bytes + MM_DECODE_SLACK;
            joined->start = MM_ARENA_NEW(decoder->arena, uint8_t, need_bytes);
            if (joined->start == NULL) {
                return mm_decode_nomem(decoder);
            }
        }
        joined->end = joined->start;
    }
    chunks_join(decoder, bytes, end, false);
    chunks_join(decoder, bytes, end, true);
    // At least END! and the slack of the whole copy lie behind OBJS.
    memset(decoder->streams[MM_STREAM_OBJS].end, 0, MM_DECODE_SLACK);
    return MM_OK;
}

static bool pair_before(const void *a, const void *b, const void *context) {
    (void)context;
    return ((const mm_pair *)a)->key < ((const mm_pair *)b)->key;
}

mm_status mm_decode_sort(const mm_decoder *decoder, mm_pair *pairs, size_t count) {
    // Files of ours are sorted already: then no memory is taken.
    if (mm_sorted(pairs, count, sizeof(*pairs), pair_before, NULL)) {
        return MM_OK;
    }
    mm_pair *buffer = MM_ARENA_NEW(decoder->arena, mm_pair, count);
    if (buffer == NULL) {
        return mm_decode_nomem(decoder);
    }
    mm_sort(pairs, buffer, count, sizeof(*pairs), pair_before, NULL);
    return MM_OK;
}

// The rows are larger than what they are sorted by: numbers are sorted, and each row moves once.
mm_status mm_decode_table_sort(const mm_decoder *decoder, void *elements, size_t size_bytes,
                               size_t count, mm_decode_key *key_of) {
    uint8_t *rows = elements;
    mm_pair *order = MM_ARENA_NEW(decoder->arena, mm_pair, count);
    uint8_t *copy = mm_arena_take(decoder->arena, count, size_bytes);
    if (order == NULL || copy == NULL) {
        return mm_decode_nomem(decoder);
    }
    for (size_t i = 0; i < count; i++) {
        order[i].key = key_of(rows + i * size_bytes);
        order[i].value = i;
    }
    MM_TRY(mm_decode_sort(decoder, order, count));
    if (count != 0) {
        memcpy(copy, rows, count * size_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        MM_ASSERT(order[i].value < count);
        memcpy(rows + i * size_bytes, copy + order[i].value * size_bytes, size_bytes);
    }
    return MM_OK;
}

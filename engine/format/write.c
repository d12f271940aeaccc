// The writer of .mort files: docs/format.md in the direction memory -> bytes.
//
// Every stream fills a buffer of its own, and a full buffer leaves as one chunk, so streams come
// out interleaved and nothing ever seeks. A buffer is laid out so that a chunk is one call of the
// sink:
//
//      start - 8      start                 at          end               end + SLACK_BYTES
//      ├──────────────┼─────────────────────┼───────────┼─────────────────┼────────────┤
//      │ tag, length  │ payload             │           │ slack           │ padding    │
//
// Who appends checks `at < end` once and then writes up to SLACK_BYTES without a further look: that
// covers the fixed part of any record, and any reference with its argument. The checksum is taken
// over a chunk as it leaves, while its bytes are still in the cache; a word costs one
// multiplication.
//
// Freestanding: no call but mm_* and the sink, no table, nothing but the caller's storage.
#include "format/write.h"

enum {
    FRAME_BYTES = 8,    // tag and length of a chunk
    SLACK_BYTES = 64,   // what may be appended after one check
    PADDING_BYTES = 8,  // room for the zeros behind a payload
    OBJECT_BYTES = 5 * MM_VARINT_MAX + 1,
    EXTENDED_BYTES = 2 * MM_VARINT_MAX + 1
};

_Static_assert(OBJECT_BYTES <= SLACK_BYTES, "an object's fixed part must fit after one check");
_Static_assert(EXTENDED_BYTES <= SLACK_BYTES, "a reference must fit after one check");
_Static_assert(MM_WRITER_SMALL_BYTES % 8 == 0, "chunks are multiples of 8 bytes");
_Static_assert(sizeof(MM_STREAM_TAGS) == 4 * MM_STREAM_COUNT + 1, "one tag for each stream");

static void put_u32(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

static void put_u64(uint8_t *at, uint64_t value) {
    put_u32(at, (uint32_t)value);
    put_u32(at + 4, (uint32_t)(value >> 32));
}

// Hand `count` bytes, a multiple of 8, to the sink. After a failure nothing is sent any more.
static void bytes_send(mm_writer *writer, const uint8_t *bytes, size_t count) {
    MM_ASSERT(count % 8 == 0);
    if (writer->status != MM_OK) {
        return;
    }
    writer->checksum = mm_format_checksum(writer->checksum, bytes, count);
    writer->status = writer->sink.write(writer->sink.context, bytes, count);
    writer->written_bytes += count;
}

static void stream_init(mm_writer_stream *stream, uint8_t *buffer, size_t buffer_bytes) {
    stream->start = buffer + FRAME_BYTES;
    stream->at = stream->start;
    stream->end = buffer + buffer_bytes - SLACK_BYTES - PADDING_BYTES;
}

//  0        8         12             16         32
//  ├────────┼─────────┼──────────────┼──────────┤
//  │ magic  │ version │ pointer size │ zero     │
//  └────────┴─────────┴──────────────┴──────────┘
MM_STATUS mm_writer_begin(mm_writer *writer, mm_sink sink) {
    MM_ASSERT(writer != NULL);
    MM_ASSERT(sink.write != NULL);
    writer->sink = sink;
    writer->status = MM_OK;
    writer->written_bytes = 0;
    writer->checksum = MM_FORMAT_CHECKSUM_START;
    writer->object_count = 0;
    writer->reference_count = 0;
    writer->previous_object = 0;
    writer->previous_target = 0;
    writer->previous_text = 0;
    writer->previous_fact = 0;
    writer->name_count = 0;
    writer->frame_count = 0;
    stream_init(&writer->streams[MM_STREAM_OBJS], writer->large, MM_WRITER_LARGE_BYTES);
    for (unsigned i = 1; i < MM_STREAM_COUNT; i++) {
        stream_init(&writer->streams[i], writer->small[i - 1], MM_WRITER_SMALL_BYTES);
    }
    uint8_t header[MM_FORMAT_HEADER_BYTES];
    mm_zero(header, sizeof header);
    mm_copy(header, MM_FORMAT_MAGIC, 8);
    put_u32(header + 8, MM_FORMAT_VERSION);
    put_u32(header + 12, 8);
    bytes_send(writer, header, sizeof header);
    return writer->status;
}

//  ├──────────┼──────────────┼──────────────────┼───────────┤
//  │ tag, 4   │ length, u32  │ payload          │ 0-7 zeros │
//  └──────────┴──────────────┴──────────────────┴───────────┘
void mm_writer_flush(mm_writer *writer, mm_stream stream) {
    mm_writer_stream *out = &writer->streams[stream];
    MM_ASSERT(out->at >= out->start);
    MM_ASSERT(out->at <= out->end + SLACK_BYTES);
    size_t payload_bytes = (size_t)(out->at - out->start);
    if (payload_bytes != 0) {
        uint8_t *frame = out->start - FRAME_BYTES;
        mm_copy(frame, &MM_STREAM_TAGS[4 * (unsigned)stream], 4);
        put_u32(frame + 4, (uint32_t)payload_bytes);
        uint8_t *at = out->at;
        size_t padding_bytes = (8 - payload_bytes % 8) % 8;
        mm_zero(at, padding_bytes);
        bytes_send(writer, frame, FRAME_BYTES + payload_bytes + padding_bytes);
    }
    out->at = out->start;
}

//  ├────────┼────────┼─────────┼────────────┼────────┼──────────┼────────────┼────────┤
//  │ "END!" │ 48     │ objects │ references │ length │ checksum │ incomplete │ zero   │
//  └────────┴────────┴─────────┴────────────┴────────┴──────────┴────────────┴────────┘
//  0        4        8         16           24       32         40           44       56
MM_STATUS mm_writer_end(mm_writer *writer, mm_status incomplete) {
    MM_ASSERT(incomplete <= MM_OK);
    for (unsigned i = 0; i < MM_STREAM_COUNT; i++) {
        mm_writer_flush(writer, (mm_stream)i);
    }
    uint8_t end[FRAME_BYTES + MM_FORMAT_END_BYTES];
    mm_zero(end, sizeof end);
    mm_copy(end, MM_FORMAT_END_TAG, 4);
    put_u32(end + 4, MM_FORMAT_END_BYTES);
    put_u64(end + 8, writer->object_count);
    put_u64(end + 16, writer->reference_count);
    put_u64(end + 24, writer->written_bytes + sizeof end);
    put_u32(end + 40, (uint32_t)incomplete);
    uint64_t checksum = mm_format_checksum(writer->checksum, end, 32);
    checksum = mm_format_checksum(checksum, end + 40, 16);
    put_u64(end + 32, checksum);
    bytes_send(writer, end, sizeof end);
    return writer->status;
}

// Make room for SLACK_BYTES and answer where they go.
static mm_writer_stream *stream_ready(mm_writer *writer, mm_stream stream) {
    mm_writer_stream *out = &writer->streams[stream];
    if (MM_UNLIKELY(out->at >= out->end)) {
        mm_writer_flush(writer, stream);
    }
    MM_ASSERT(out->at < out->end);
    return out;
}

void mm_writer_varint(mm_writer *writer, mm_stream stream, uint64_t value) {
    mm_writer_stream *out = stream_ready(writer, stream);
    out->at = mm_varint_put(out->at, value);
}

void mm_writer_byte(mm_writer *writer, mm_stream stream, uint8_t value) {
    mm_writer_stream *out = stream_ready(writer, stream);
    *out->at++ = value;
}

//  ├────────────────┼──────────────────┤
//  │ length, varint │ UTF-8 ...        │   runs over into as many chunks as it takes
//  └────────────────┴──────────────────┘
void mm_writer_text(mm_writer *writer, mm_stream stream, const char *text, size_t length_bytes) {
    mm_writer_varint(writer, stream, length_bytes);
    while (length_bytes > 0) {
        mm_writer_stream *out = stream_ready(writer, stream);
        size_t part_bytes = (size_t)(out->end - out->at);
        if (part_bytes > length_bytes) {
            part_bytes = length_bytes;
        }
        mm_copy(out->at, text, part_bytes);
        out->at += part_bytes;
        text += part_bytes;
        length_bytes -= part_bytes;
    }
}

//  ├──────┤
//  │ text │   its number is its place in the stream
//  └──────┘
uint32_t mm_writer_name(mm_writer *writer, const char *text, size_t length_bytes) {
    mm_writer_text(writer, MM_STREAM_NAME, text, length_bytes);
    return writer->name_count++;
}

//  ├──────────┼────────────┤
//  │ key text │ value text │
//  └──────────┴────────────┘
void mm_writer_meta(mm_writer *writer, const char *key, const char *value) {
    mm_writer_text(writer, MM_STREAM_META, key, mm_text_length(key, MM_FORMAT_META_BYTES_MAX));
    mm_writer_text(writer, MM_STREAM_META, value, mm_text_length(value, MM_FORMAT_META_BYTES_MAX));
}

void mm_writer_meta_number(mm_writer *writer, const char *key, uint64_t value) {
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    mm_writer_meta(writer, key, digits + at);
}

//  ├──────────────┼──────────────┼───────────────┤
//  │ zigzag delta │ fact, varint │ value, varint │
//  └──────────────┴──────────────┴───────────────┘
void mm_writer_fact(mm_writer *writer, uint64_t sparse_id, mm_fact fact, uint64_t value) {
    mm_writer_stream *out = stream_ready(writer, MM_STREAM_FACT);
    out->at = mm_varint_put(out->at, mm_zigzag((int64_t)(sparse_id - writer->previous_fact)));
    out->at = mm_varint_put(out->at, (uint64_t)fact);
    out->at = mm_varint_put(out->at, value);
    writer->previous_fact = sparse_id;
}

// A number in a table, plus 1; MM_WRITER_NONE becomes 0.
static uint64_t or_none(uint64_t number) {
    return number + 1;
}

_Static_assert(MM_WRITER_NONE == UINT64_MAX, "none and one are nothing");

//  ├─────────────────┤
//  │ base >> 20      │   the block's number is its place in the stream
//  │ varint          │
//  └─────────────────┘
void mm_writer_block(mm_writer *writer, uint64_t base) {
    MM_ASSERT(base % ((uint64_t)1 << MM_BLOCK_SHIFT) == 0);
    mm_writer_varint(writer, MM_STREAM_BLKS, base >> MM_BLOCK_SHIFT);
}

//  ├──────────────┼──────┤
//  │ zigzag delta │ text │
//  └──────────────┴──────┘
void mm_writer_text_of(mm_writer *writer, uint64_t sparse_id, const char *text,
                       size_t length_bytes) {
    MM_ASSERT(sparse_id != MM_WRITER_NONE);
    uint64_t delta = mm_zigzag((int64_t)(sparse_id - writer->previous_text));
    mm_writer_varint(writer, MM_STREAM_TEXT, delta);
    mm_writer_text(writer, MM_STREAM_TEXT, text, length_bytes);
    writer->previous_text = sparse_id;
}

//  ├─────────────┼─────────────┼────────┤
//  │ interpreter │ kernel's id │ flags  │
//  │ varint      │ varint      │ varint │
//  └─────────────┴─────────────┴────────┘
void mm_writer_thread(mm_writer *writer, const mm_thread_record *record) {
    mm_writer_varint(writer, MM_STREAM_THRD, record->interpreter);
    mm_writer_varint(writer, MM_STREAM_THRD, record->native_id);
    mm_writer_varint(writer, MM_STREAM_THRD, record->flags);
}

//  ├────────┼──────────┼────────┼────────┤
//  │ thread │ code + 1 │ line   │ flags  │
//  │ varint │ varint   │ varint │ varint │
//  └────────┴──────────┴────────┴────────┘
uint32_t mm_writer_frame(mm_writer *writer, const mm_frame_record *record) {
    mm_writer_varint(writer, MM_STREAM_FRAM, record->thread);
    mm_writer_varint(writer, MM_STREAM_FRAM, or_none(record->code));
    mm_writer_varint(writer, MM_STREAM_FRAM, record->line);
    mm_writer_varint(writer, MM_STREAM_FRAM, record->flags);
    return writer->frame_count++;
}

//  ├────────┼────────┼────────┼──────────┼───────────┼────────┤
//  │ kind   │ flags  │ owner  │ name + 1 │ frame + 1 │ object │   the name of a frame's local is
//  │ varint │ 1 byte │ varint │ varint   │ varint    │ varint │   its index, from 0
//  └────────┴────────┴────────┴──────────┴───────────┴────────┘
void mm_writer_root(mm_writer *writer, const mm_root_record *record) {
    MM_ASSERT((record->flags & 0x0f) == 0);
    MM_ASSERT(record->object != MM_WRITER_NONE);
    bool local = record->kind == MM_FORMAT_ROOT_LOCAL;
    mm_writer_varint(writer, MM_STREAM_ROOT, record->kind);
    mm_writer_byte(writer, MM_STREAM_ROOT, record->flags);
    mm_writer_varint(writer, MM_STREAM_ROOT, record->owner);
    mm_writer_varint(writer, MM_STREAM_ROOT, local ? record->name : or_none(record->name));
    mm_writer_varint(writer, MM_STREAM_ROOT, or_none(record->frame));
    mm_writer_varint(writer, MM_STREAM_ROOT, record->object);
}

//  ├────────────┼──────┼────────┼────────┼────────┼───────────┼──────────┼─────────────┤
//  │ object + 1 │ name │ kind   │ flags  │ size   │ item size │ base + 1 │ field count │
//  │ varint     │ text │ varint │ varint │ varint │ varint    │ varint   │ varint      │
//  └────────────┴──────┴────────┴────────┴────────┴───────────┴──────────┴─────────────┘
void mm_writer_type(mm_writer *writer, const mm_type_record *record) {
    MM_ASSERT(record->kind < MM_FORMAT_KIND_COUNT);
    mm_writer_varint(writer, MM_STREAM_TYPE, or_none(record->object));
    mm_writer_text(writer, MM_STREAM_TYPE, record->name, record->name_bytes);
    mm_writer_varint(writer, MM_STREAM_TYPE, record->kind);
    mm_writer_varint(writer, MM_STREAM_TYPE, record->flags);
    mm_writer_varint(writer, MM_STREAM_TYPE, record->size_bytes);
    mm_writer_varint(writer, MM_STREAM_TYPE, record->item_bytes);
    mm_writer_varint(writer, MM_STREAM_TYPE, or_none(record->base));
    mm_writer_varint(writer, MM_STREAM_TYPE, record->field_count);
}

//  ├────────┼──────┼────────┤
//  │ word   │ name │ flags  │   field_count times
//  │ varint │ text │ 1 byte │
//  └────────┴──────┴────────┘
void mm_writer_type_field(mm_writer *writer, uint64_t word, const char *name, size_t length_bytes,
                          uint8_t flags) {
    MM_ASSERT((flags & 0x0f) == 0);
    mm_writer_varint(writer, MM_STREAM_TYPE, word);
    mm_writer_text(writer, MM_STREAM_TYPE, name, length_bytes);
    mm_writer_byte(writer, MM_STREAM_TYPE, flags);
}

//  ├───────────┼─────────┼─ ─
//  │ key count │ key + 1 │ ..
//  │ varint    │ varint  │
//  └───────────┴─────────┴─ ─
void mm_writer_type_keys(mm_writer *writer, uint64_t key_count) {
    mm_writer_varint(writer, MM_STREAM_TYPE, key_count);
}

void mm_writer_type_key(mm_writer *writer, uint64_t key) {
    mm_writer_varint(writer, MM_STREAM_TYPE, or_none(key));
}

//  ├────────┼────────┼────────┼────────┤
//  │ type   │ blocks │ bytes  │ loose  │
//  │ varint │ varint │ varint │ varint │
//  └────────┴────────┴────────┴────────┘
void mm_writer_census_type(mm_writer *writer, const mm_census_type_record *record) {
    MM_ASSERT(record->loose <= record->blocks);
    mm_writer_varint(writer, MM_STREAM_CTYP, record->type);
    mm_writer_varint(writer, MM_STREAM_CTYP, record->blocks);
    mm_writer_varint(writer, MM_STREAM_CTYP, record->bytes);
    mm_writer_varint(writer, MM_STREAM_CTYP, record->loose);
}

//  ├────────┼────────┼────────┤     ├────────┼────────┤
//  │ size   │ used   │ free   │     │ size   │ raw    │
//  │ varint │ varint │ varint │     │ varint │ varint │
//  └────────┴────────┴────────┘     └────────┴────────┘
void mm_writer_census_size(mm_writer *writer, const mm_census_size_record *record) {
    MM_ASSERT(record->raw <= record->used);
    mm_writer_varint(writer, MM_STREAM_CENS, record->size_bytes);
    mm_writer_varint(writer, MM_STREAM_CENS, record->used);
    mm_writer_varint(writer, MM_STREAM_CENS, record->free);
    if (record->raw != 0) {
        mm_writer_varint(writer, MM_STREAM_CRAW, record->size_bytes);
        mm_writer_varint(writer, MM_STREAM_CRAW, record->raw);
    }
}

//  ├──────────────┼────────┼──────────┼────────┼────────────────┼───────────────────┤
//  │ zigzag delta │ type   │ refcount │ flags  │ size, if bit 0 │ storage, if bit 1 │
//  │ varint       │ varint │ varint   │ 1 byte │ varint         │ varint            │
//  └──────────────┴────────┴──────────┴────────┴────────────────┴───────────────────┘
void mm_writer_object(mm_writer *writer, const mm_object_record *record) {
    mm_writer_stream *out = stream_ready(writer, MM_STREAM_OBJS);
    uint64_t delta = mm_zigzag((int64_t)(record->sparse_id - writer->previous_object));
    uint8_t *at = mm_varint_put(out->at, delta);
    at = mm_varint_put(at, record->type_index);
    at = mm_varint_put(at, record->refcount_code);
    *at++ = record->flags;
    if (record->flags & MM_OBJECT_SIZE) {
        at = mm_varint_put(at, record->size_bytes);
    }
    if (record->flags & MM_OBJECT_STORAGE) {
        at = mm_varint_put(at, record->storage_bytes);
    }
    out->at = at;
    writer->previous_object = record->sparse_id;
    writer->previous_target = record->sparse_id;
    writer->object_count++;
}

//  ├─────────────────────────────────┼────────────────────┼──────────────────────────┤
//  │ (zigzag delta + 1) << 3 | 7     │ naming | flags     │ argument, unless KEY,    │
//  │ varint                          │ 1 byte             │ VALUE or MEMBER: varint  │
//  └─────────────────────────────────┴────────────────────┴──────────────────────────┘
void mm_writer_reference_extended(mm_writer *writer, mm_naming naming, uint8_t flags,
                                  uint64_t argument, uint64_t target) {
    MM_ASSERT(naming != MM_NAME_EXTENDED);
    MM_ASSERT((flags & 0x0f) == 0);
    mm_writer_stream *out = stream_ready(writer, MM_STREAM_OBJS);
    uint64_t delta = mm_zigzag((int64_t)(target - writer->previous_target));
    uint8_t *at = mm_varint_put(out->at, (delta + 1) << 3 | MM_NAME_EXTENDED);
    *at++ = (uint8_t)((unsigned)naming | flags);
    if (naming != MM_NAME_KEY && naming != MM_NAME_VALUE && naming != MM_NAME_MEMBER) {
        at = mm_varint_put(at, argument);
    }
    out->at = at;
    writer->previous_target = target;
    writer->reference_count++;
}

//  ├──────────────────┼──────┼───────────────┤
//  │ 0f: delta 0      │ SKIP │ count, varint │
//  └──────────────────┴──────┴───────────────┘
void mm_writer_skip(mm_writer *writer, uint64_t count) {
    mm_writer_stream *out = stream_ready(writer, MM_STREAM_OBJS);
    *out->at++ = 1 << 3 | MM_NAME_EXTENDED;
    *out->at++ = MM_NAME_SKIP;
    out->at = mm_varint_put(out->at, count);
}

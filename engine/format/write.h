// The streaming writer: freestanding, without malloc, without a seek.
//
// Every stream has a buffer inside the writer; a full buffer leaves as one chunk. A writer is a few
// hundred KiB: its door places it in mapped memory. After the first failure every call does nothing
// and mm_writer_end() answers that failure.
#ifndef MM_FORMAT_WRITE_H
#define MM_FORMAT_WRITE_H

#include "base/free/bytes.h"
#include "base/free/env.h"
#include "format/format.h"

enum {
    MM_WRITER_LARGE_BYTES = 1 << 18,  ///< buffer of OBJS
    MM_WRITER_SMALL_BYTES = 1 << 13   ///< buffer of every other stream
};

/// One stream's buffer. Bytes [start, at) wait to be written.
typedef struct mm_writer_stream {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;  ///< leave room for a record's fixed part before it
} mm_writer_stream;

/// The writer. Fields are the writer's own but for `object_count` and `reference_count`, which the
/// inline functions below keep and a door may read for progress.
typedef struct mm_writer {
    mm_sink sink;
    mm_status status;
    uint64_t written_bytes;
    uint64_t checksum;
    uint64_t object_count;
    uint64_t reference_count;
    uint64_t previous_object;  ///< sparse id of the last OBJS record
    uint64_t previous_target;  ///< sparse id of the last reference's target in this record
    uint64_t previous_text;    ///< sparse id of the last TEXT record
    uint64_t previous_fact;    ///< sparse id of the last FACT record
    uint32_t name_count;
    uint32_t frame_count;
    mm_writer_stream streams[MM_STREAM_COUNT];
    uint8_t large[MM_WRITER_LARGE_BYTES];
    uint8_t small[MM_STREAM_COUNT - 1][MM_WRITER_SMALL_BYTES];
} mm_writer;

/// Begin a file: writes the header. The storage is the caller's and need not be cleared.
MM_STATUS mm_writer_begin(mm_writer *writer, mm_sink sink);

/// End the file: flushes every stream, writes END! with `incomplete` (MM_OK = whole).
/// Returns the first failure of any call since the beginning.
MM_STATUS mm_writer_end(mm_writer *writer, mm_status incomplete);

/// Send what waits in `stream` as a chunk, so that at least one record's fixed part fits.
void mm_writer_flush(mm_writer *writer, mm_stream stream);

// Plain values, for records that no function below writes: tests that lie, streams to come.

/// Append a varint to a stream.
void mm_writer_varint(mm_writer *writer, mm_stream stream, uint64_t value);
/// Append one byte to a stream.
void mm_writer_byte(mm_writer *writer, mm_stream stream, uint8_t value);
/// Append a text: its length in bytes, then the bytes. Any length.
void mm_writer_text(mm_writer *writer, mm_stream stream, const char *text, size_t length_bytes);

/// Append a NAME record and return its number.
uint32_t mm_writer_name(mm_writer *writer, const char *text, size_t length_bytes);
/// Append a META record. Both are NUL-terminated.
void mm_writer_meta(mm_writer *writer, const char *key, const char *value);
/// Append a META record with a decimal number.
void mm_writer_meta_number(mm_writer *writer, const char *key, uint64_t value);
/// Append a FACT record.
void mm_writer_fact(mm_writer *writer, uint64_t sparse_id, mm_fact fact, uint64_t value);

/// In the records below: no object, no name, no frame, no type.
#define MM_WRITER_NONE UINT64_MAX

/// Append a BLKS record: the block at `base` gets the next number.
void mm_writer_block(mm_writer *writer, uint64_t base);
/// Append a TEXT record: the str `sparse_id` says this.
void mm_writer_text_of(mm_writer *writer, uint64_t sparse_id, const char *text,
                       size_t length_bytes);

/// A THRD record.
typedef struct mm_thread_record {
    uint64_t interpreter;
    uint64_t native_id;  ///< 0 = unknown
    uint64_t flags;      ///< MM_THREAD_*
} mm_thread_record;
/// Append a thread.
void mm_writer_thread(mm_writer *writer, const mm_thread_record *record);

/// A FRAM record.
typedef struct mm_frame_record {
    uint64_t thread;
    uint64_t code;   ///< sparse id of the code object, or MM_WRITER_NONE
    uint64_t line;   ///< 0 = unknown
    uint64_t flags;  ///< MM_FRAME_*
} mm_frame_record;
/// Append a frame and return its number.
uint32_t mm_writer_frame(mm_writer *writer, const mm_frame_record *record);

/// A ROOT record.
typedef struct mm_root_record {
    uint8_t kind;     ///< mm_root_kind
    uint8_t flags;    ///< MM_REF_*
    uint64_t owner;   ///< number of the thread or interpreter; MM_ROOT_HELD: of references
    uint64_t name;    ///< number in NAME, or MM_WRITER_NONE; MM_FORMAT_ROOT_LOCAL: the index
    uint64_t frame;   ///< number in FRAM, or MM_WRITER_NONE
    uint64_t object;  ///< sparse id
} mm_root_record;
/// Append a root.
void mm_writer_root(mm_writer *writer, const mm_root_record *record);

/// The fixed part of a TYPE record.
typedef struct mm_type_record {
    uint64_t object;    ///< sparse id of the type object, or MM_WRITER_NONE
    const char *name;   ///< UTF-8
    size_t name_bytes;  ///< its length
    uint64_t kind;      ///< mm_kind
    uint64_t flags;     ///< MM_TYPE_*
    uint64_t size_bytes;
    uint64_t item_bytes;
    uint64_t base;         ///< index of the base type, or MM_WRITER_NONE
    uint64_t field_count;  ///< calls of mm_writer_type_field() that follow
} mm_type_record;
/// Begin a type. Its fields follow, then mm_writer_type_keys(), then that many keys.
void mm_writer_type(mm_writer *writer, const mm_type_record *record);
/// A field of the current type: a word of its objects, by its number, and what it is called.
void mm_writer_type_field(mm_writer *writer, uint64_t word, const char *name, size_t length_bytes,
                          uint8_t flags);
/// How many shared keys the current type has.
void mm_writer_type_keys(mm_writer *writer, uint64_t key_count);
/// The next of them: sparse id of the str, or MM_WRITER_NONE for an empty slot.
void mm_writer_type_key(mm_writer *writer, uint64_t key);

/// A CTYP record.
typedef struct mm_census_type_record {
    uint64_t type;    ///< index into TYPE
    uint64_t blocks;  ///< with an object of it that no reference led to
    uint64_t bytes;   ///< of those blocks
    uint64_t loose;   ///< of those blocks: no other of them explains all references
} mm_census_type_record;
/// Append what the census says about a type.
void mm_writer_census_type(mm_writer *writer, const mm_census_type_record *record);

/// A CENS record, and the CRAW record that belongs to it.
typedef struct mm_census_size_record {
    uint64_t size_bytes;  ///< the most that a block of this class holds
    uint64_t used;        ///< blocks
    uint64_t free;        ///< blocks
    uint64_t raw;         ///< of the used ones: no object is known in them
} mm_census_size_record;
/// Append what the census says about a size class. Without raw blocks there is no CRAW record.
void mm_writer_census_size(mm_writer *writer, const mm_census_size_record *record);

/// The fixed part of an object record.
typedef struct mm_object_record {
    uint64_t sparse_id;
    uint64_t type_index;
    uint64_t refcount_code;  ///< 0 = immortal or unknown, else count + 1
    uint64_t size_bytes;     ///< written when flags has MM_OBJECT_SIZE
    uint64_t storage_bytes;  ///< written when flags has MM_OBJECT_STORAGE
    uint8_t flags;           ///< MM_OBJECT_*
} mm_object_record;

/// Begin an object record. References follow, then mm_writer_object_end(), unless MM_OBJECT_LEAF.
void mm_writer_object(mm_writer *writer, const mm_object_record *record);

/// Append an owning reference of the current record: the common case, a few instructions.
/// `naming` is INDEX (counted by itself, no argument), KEY, VALUE or MEMBER.
static inline void mm_writer_reference(mm_writer *writer, mm_naming naming, uint64_t target) {
    mm_writer_stream *out = &writer->streams[MM_STREAM_OBJS];
    if (MM_UNLIKELY(out->at >= out->end)) {
        mm_writer_flush(writer, MM_STREAM_OBJS);
    }
    uint64_t delta = mm_zigzag((int64_t)(target - writer->previous_target));
    writer->previous_target = target;
    writer->reference_count++;
    out->at = mm_varint_put(out->at, delta << 3 | (uint64_t)naming);
}

/// As mm_writer_reference() for WORD, INLINE and LOCAL, which carry an argument.
static inline void mm_writer_reference_at(mm_writer *writer, mm_naming naming, uint64_t argument,
                                          uint64_t target) {
    mm_writer_reference(writer, naming, target);
    mm_writer_stream *out = &writer->streams[MM_STREAM_OBJS];
    out->at = mm_varint_put(out->at, argument);
}

/// The general form: any naming but SKIP, with flags (MM_REF_*). For INDEX `argument` is the index.
void mm_writer_reference_extended(mm_writer *writer, mm_naming naming, uint8_t flags,
                                  uint64_t argument, uint64_t target);

/// Let `count` indices pass without a reference: empty slots of a list.
void mm_writer_skip(mm_writer *writer, uint64_t count);

/// End the references of the current record.
static inline void mm_writer_object_end(mm_writer *writer) {
    mm_writer_stream *out = &writer->streams[MM_STREAM_OBJS];
    if (MM_UNLIKELY(out->at >= out->end)) {
        mm_writer_flush(writer, MM_STREAM_OBJS);
    }
    *out->at++ = MM_NAME_EXTENDED;
}

#endif

// The order of decoding, and look-ups in what was decoded.
//
// Nothing can be decoded as it comes: references need dense ids, dense ids need all records. So:
// the frame, blocks, a first pass over the records, dense ids, types and names, a second pass, and
// the rest. The answer is written to the caller's struct only when all of it is right.
#include "format/read.h"

#include <string.h>

#include "base/free/search.h"
#include "base/os/load.h"
#include "format/decode.h"

enum { COLUMN_ALIGN = 64 };

// Bytes of a column, so that the next one begins on a cache line of its own.
static size_t column_bytes(size_t count, size_t size_bytes) {
    return (count * size_bytes + COLUMN_ALIGN - 1) / COLUMN_ALIGN * COLUMN_ALIGN;
}

static void *column_take(uint8_t **at, size_t count, size_t size_bytes) {
    void *column = *at;
    *at += column_bytes(count, size_bytes);
    return column;
}

// All columns stand in one block: large blocks come in huge pages, and a page fault costs as much
// as the decoding of a hundred references.
static mm_status columns_take(mm_file *file, mm_arena *arena) {
    size_t objects = file->object_count;
    size_t references = file->reference_count;
    size_t total_bytes = column_bytes(objects, 8) + 4 * column_bytes(objects, 4) +
                         column_bytes(objects, 1) + column_bytes(objects + 1, 4) +
                         2 * column_bytes(references, 4) + column_bytes(references, 1);
    uint8_t *block = mm_arena_take(arena, total_bytes, 1);
    if (block == NULL) {
        return MM_E_NOMEM;
    }
    uint8_t *at = block;
    file->address = column_take(&at, objects, sizeof *file->address);
    file->type = column_take(&at, objects, sizeof *file->type);
    file->refcount = column_take(&at, objects, sizeof *file->refcount);
    file->size_bytes = column_take(&at, objects, sizeof *file->size_bytes);
    file->storage_bytes = column_take(&at, objects, sizeof *file->storage_bytes);
    file->object_flags = column_take(&at, objects, sizeof *file->object_flags);
    file->reference_start = column_take(&at, objects + 1, sizeof *file->reference_start);
    file->reference_target = column_take(&at, references, sizeof *file->reference_target);
    file->reference_naming = column_take(&at, references, sizeof *file->reference_naming);
    file->reference_argument = column_take(&at, references, sizeof *file->reference_argument);
    MM_ASSERT(at == block + total_bytes);
    return MM_OK;
}

// Decode a private copy with MM_DECODE_SLACK zeros behind it, and give it back.
static mm_status private_decode(uint8_t *bytes, size_t size_bytes, mm_arena *arena, mm_file *ret,
                                mm_error *err) {
    mm_file file = {0};
    mm_decoder decoder = {.file = &file, .arena = arena, .err = err};
    MM_TRY(mm_decode_chunks(&decoder, bytes, size_bytes));
    if (columns_take(&file, arena) != MM_OK) {
        return mm_decode_nomem(&decoder);
    }
    MM_TRY(mm_decode_blocks(&decoder));
    MM_TRY(mm_decode_scan(&decoder));
    MM_TRY(mm_decode_ids(&decoder));
    MM_TRY(mm_decode_types(&decoder));
    MM_TRY(mm_decode_objects(&decoder));
    MM_TRY(mm_decode_tables(&decoder));
    mm_decode_addresses(&decoder);
    // Texts stand in streams of their own: nothing points into the copy any more.
    mm_arena_give_back(arena, bytes, size_bytes + MM_DECODE_SLACK);
    *ret = file;
    return MM_OK;
}

mm_status mm_file_open(const char *path, mm_arena *arena, mm_file *ret, mm_error *err) {
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    // A file that is none of ours is not read, however large it is.
    mm_os_load_ends ends = {MM_FORMAT_HEADER_BYTES, MM_DECODE_END_BYTES, mm_decode_ends_check};
    MM_TRY(mm_os_load(path, MM_DECODE_SLACK, &ends, arena, &bytes, &size_bytes, err));
    return private_decode(bytes, size_bytes, arena, ret, err);
}

mm_status mm_file_decode(const uint8_t *bytes, size_t size_bytes, mm_arena *arena, mm_file *ret,
                         mm_error *err) {
    uint8_t *copy = NULL;
    if (size_bytes <= SIZE_MAX - MM_DECODE_SLACK) {
        copy = MM_ARENA_NEW(arena, uint8_t, size_bytes + MM_DECODE_SLACK);
    }
    if (copy == NULL) {
        return mm_fail(err, MM_E_NOMEM, "not enough memory for the file", size_bytes);
    }
    if (size_bytes != 0) {
        memcpy(copy, bytes, size_bytes);
    }
    return private_decode(copy, size_bytes, arena, ret, err);
}

const char *mm_file_text_of(const mm_file *file, uint32_t object) {
    size_t at =
        mm_lower_bound_u32(&file->texts->object, sizeof *file->texts, file->text_count, object);
    return at < file->text_count && file->texts[at].object == object ? file->texts[at].text : NULL;
}

// Facts are sorted by object, then by fact.
bool mm_file_fact_of(const mm_file *file, uint32_t object, mm_fact fact, uint64_t *ret) {
    MM_ASSERT(object < file->object_count);
    const mm_file_fact *facts = file->facts;
    size_t at = mm_lower_bound_u32(&facts->object, sizeof *facts, file->fact_count, object);
    size_t end = mm_lower_bound_u32(&facts->object, sizeof *facts, file->fact_count, object + 1);
    at += mm_lower_bound_u32(&facts[at].fact, sizeof *facts, end - at, (uint32_t)fact);
    if (at == end || facts[at].fact != (uint32_t)fact) {
        return false;
    }
    *ret = facts[at].value;
    return true;
}

const char *mm_file_meta_of(const mm_file *file, const char *key) {
    for (uint32_t i = 0; i < file->meta_count; i++) {
        if (strcmp(file->meta[i].key, key) == 0) {
            return file->meta[i].value;
        }
    }
    return NULL;
}

// The entry of an object in `large`, or NULL.
static const mm_file_large *large_find(const mm_file *file, uint32_t object) {
    size_t at =
        mm_lower_bound_u32(&file->large->object, sizeof *file->large, file->large_count, object);
    bool found = at < file->large_count && file->large[at].object == object;
    return found ? &file->large[at] : NULL;
}

uint64_t mm_file_size_of(const mm_file *file, uint32_t object) {
    MM_ASSERT(object < file->object_count);
    if (file->size_bytes[object] != MM_NONE) {
        return file->size_bytes[object];
    }
    // Without an entry it is the type's own fixed size that is so large.
    const mm_file_large *large = large_find(file, object);
    return large != NULL ? large->size_bytes : file->types[file->type[object]].size_bytes;
}

uint64_t mm_file_storage_of(const mm_file *file, uint32_t object) {
    MM_ASSERT(object < file->object_count);
    if (file->storage_bytes[object] != MM_NONE) {
        return file->storage_bytes[object];
    }
    const mm_file_large *large = large_find(file, object);
    MM_ASSERT(large != NULL);
    return large->storage_bytes;
}

uint32_t mm_file_find(const mm_file *file, uint64_t address) {
    size_t at =
        mm_lower_bound_u64(file->address, sizeof *file->address, file->object_count, address);
    return at < file->object_count && file->address[at] == address ? (uint32_t)at : MM_NONE;
}

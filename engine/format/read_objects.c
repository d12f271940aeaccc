// OBJS, twice.
//
// References name their targets by sparse ids, and a target's record may come later: so the first
// pass checks the shape of every record, collects the ids and counts references, and the second
// pass, when every sparse id has its dense one, fills the columns. The second pass repeats no check
// that the first one made. Both are one run over the bytes; nine tenths of the work are references.
//
// The columns are in the order of addresses, the records are not: the second pass writes each
// record where its object belongs. Writers go by address as far as they can, so it mostly writes
// forward.
#include "format/decode.h"

enum { OBJECT_FLAGS_KNOWN = 2 * MM_OBJECT_HIDDEN_KEYS - 1 };

#define NO_RECORD "a reference to an object without a record"

// The fixed part of a record.
typedef struct object_head {
    uint64_t sparse_id;
    uint64_t type;
    uint64_t refcount_code;
    uint64_t size_bytes;
    uint64_t storage_bytes;
    uint8_t flags;
} object_head;

// Decode a fixed part. NULL when a number in it is malformed. Reads less than MM_DECODE_SLACK bytes
// beyond the end if the stream ends inside of it.
static inline const uint8_t *head_get(const uint8_t *at, uint64_t previous, object_head *ret) {
    uint64_t delta = 0;
    at = mm_decode_varint(at, &delta);
    at = at == NULL ? NULL : mm_decode_varint(at, &ret->type);
    at = at == NULL ? NULL : mm_decode_varint(at, &ret->refcount_code);
    if (at == NULL) {
        return NULL;
    }
    ret->sparse_id = previous + (uint64_t)mm_unzigzag(delta);
    ret->flags = *at++;
    ret->size_bytes = 0;
    ret->storage_bytes = 0;
    if (ret->flags & MM_OBJECT_SIZE) {
        at = mm_decode_varint(at, &ret->size_bytes);
    }
    if (at != NULL && (ret->flags & MM_OBJECT_STORAGE)) {
        at = mm_decode_varint(at, &ret->storage_bytes);
    }
    return at;
}

// Does a naming carry a number? INDEX does in its extended form alone.
static inline bool naming_has_number(unsigned naming, bool extended) {
    uint32_t with = 1u << MM_NAME_WORD | 1u << MM_NAME_INLINE | 1u << MM_NAME_LOCAL |
                    1u << MM_NAME_NAMED | 1u << MM_NAME_SKIP |
                    (extended ? 1u << MM_NAME_INDEX : 0u);
    return (with >> naming & 1) != 0;
}

// First pass -----------------------------------------------------------------------------------

// Where in a record the first pass stands, and what it met.
typedef struct reference_scan {
    const uint8_t *at;
    uint64_t count;
    const char *why;  // NULL = all is well
    bool at_end;
} reference_scan;

// The byte behind a varint, whatever it says. NULL as for mm_decode_varint().
static inline const uint8_t *varint_skip(const uint8_t *at) {
    uint64_t stops = ~mm_u64_get(at) & 0x8080808080808080u;
    if (MM_UNLIKELY(stops == 0)) {
        uint64_t number = 0;
        return mm_decode_varint(at, &number);
    }
    return at + mm_lowest_bit(stops) / 8 + 1;
}

static void scan_number(reference_scan *scan, const uint8_t *at) {
    const uint8_t *next = varint_skip(at);
    if (next == NULL) {
        scan->why = "a number of more than 64 bits";
        return;
    }
    scan->at = next;
}

// An extended head, or the end of the record.
static void scan_extended(reference_scan *scan) {
    uint64_t head = 0;
    const uint8_t *next = mm_decode_varint(scan->at, &head);
    if (next == NULL) {
        scan->why = "a number of more than 64 bits";
        return;
    }
    scan->at = next;
    if (head >> 3 == 0) {
        scan->at_end = true;
        return;
    }
    unsigned byte = *scan->at;
    unsigned naming = byte & 15;
    if (naming == MM_NAME_EXTENDED || naming > MM_NAME_SKIP) {
        scan->why = "a reference with an unknown naming";
        return;
    }
    if (naming == MM_NAME_SKIP && (head >> 3 != 1 || byte != MM_NAME_SKIP)) {
        scan->why = "a skip that refers to something";
        return;
    }
    scan->count += naming != MM_NAME_SKIP;
    scan->at++;
    if (naming_has_number(naming, true)) {
        scan_number(scan, scan->at);
    }
}

// Run over the references of one record. Stops behind the end byte, at `end`, or at a fault. What a
// short reference says is for the second pass: here its length is enough.
static void references_scan(reference_scan *scan, const uint8_t *end) {
    while (scan->at < end && !scan->at_end && scan->why == NULL) {
        unsigned naming = *scan->at & 7u;
        if (naming == MM_NAME_EXTENDED) {
            scan_extended(scan);
            continue;
        }
        scan->count++;
        scan_number(scan, scan->at);
        if (naming_has_number(naming, false) && scan->why == NULL) {
            scan_number(scan, scan->at);
        }
    }
}

// The references of the record at hand: their number, and the position behind them.
static mm_status record_scan_references(mm_decoder *decoder, const uint8_t **at, const uint8_t *end,
                                        uint32_t *ret_count) {
    reference_scan scan = {*at, 0, NULL, false};
    references_scan(&scan, end);
    if (scan.why != NULL) {
        return mm_decode_fail(decoder, MM_STREAM_OBJS, scan.at, scan.why);
    }
    if (!scan.at_end || scan.at > end) {
        return mm_decode_fail(decoder, MM_STREAM_OBJS, end, "the last record has no end");
    }
    if (scan.count > decoder->file->reference_count) {
        return mm_decode_fail(decoder, MM_STREAM_OBJS, *at, "more references than END! says");
    }
    *at = scan.at;
    *ret_count = (uint32_t)scan.count;
    return MM_OK;
}

static mm_status record_scan(mm_decoder *decoder, const uint8_t **position, uint64_t previous,
                             object_head *head, uint32_t *ret_count) {
    const uint8_t *end = decoder->streams[MM_STREAM_OBJS].end;
    const uint8_t *at = head_get(*position, previous, head);
    const char *why = NULL;
    if (at == NULL) {
        why = "a number of more than 64 bits";
    } else if (at > end) {
        why = "the last record is cut off";
    } else if (head->sparse_id >= decoder->sparse_end) {
        why = "an object outside the blocks";
    } else if (head->flags & ~OBJECT_FLAGS_KNOWN) {
        why = "an object with unknown flags";
    }
    if (why != NULL) {
        return mm_decode_fail(decoder, MM_STREAM_OBJS, *position, why);
    }
    *ret_count = 0;
    if ((head->flags & MM_OBJECT_LEAF) == 0) {
        MM_TRY(record_scan_references(decoder, &at, end, ret_count));
    }
    *position = at;
    return MM_OK;
}

mm_status mm_decode_scan(mm_decoder *decoder) {
    const mm_joined *stream = &decoder->streams[MM_STREAM_OBJS];
    mm_file *file = decoder->file;
    uint64_t reference_count = 0;
    uint32_t object_count = 0;
    object_head head = {0};
    for (const uint8_t *at = stream->start; at < stream->end;) {
        if (object_count == file->object_count) {
            return mm_decode_fail(decoder, MM_STREAM_OBJS, at, "more objects than END! says");
        }
        uint32_t count = 0;
        MM_TRY(record_scan(decoder, &at, head.sparse_id, &head, &count));
        // The columns hold the records' own order until the dense ids are known.
        file->address[object_count] = head.sparse_id;
        file->refcount[object_count] = count;
        object_count++;
        reference_count += count;
        decoder->large_count += head.size_bytes >= MM_NONE || head.storage_bytes >= MM_NONE;
    }
    if (object_count != file->object_count) {
        return mm_decode_fail(decoder, MM_STREAM_OBJS, stream->end, "fewer objects than END! says");
    }
    if (reference_count != file->reference_count) {
        return mm_decode_fail(decoder, MM_STREAM_OBJS, stream->end,
                              "not as many references as END! says");
    }
    return MM_OK;
}

// Second pass ----------------------------------------------------------------------------------
//
// What costs time is the look-up: the words of a large heap fit no cache, and a reference to a
// random target waits for memory. So references are decoded in batches, each calling for its word
// as it is met, and the look-ups of a batch follow in a loop of their own, in which none waits for
// another.

enum { BATCH_REFERENCES = 128 };

// A reference whose target is not looked up yet.
typedef struct lookup {
    const mm_rank_word *word;
    const uint8_t *at;  // behind its record's bytes, for errors
    uint32_t out;       // element of the columns
    uint8_t slot;       // within the word
    bool is_value;
} lookup;

// The state of the pass.
typedef struct object_pass {
    mm_decoder *decoder;
    const uint8_t *at;
    uint64_t target;     // sparse id of the last one
    uint64_t index;      // the next INDEX
    uint32_t last_key;   // element of the columns with the last KEY of this record, or MM_NONE
    uint32_t out;        // next element of the columns
    uint32_t key_count;  // of this object's type
    uint8_t key_flags;   // of this record's KEYs in their short form
    bool dropped;        // an incomplete file referred to something that was never written
    uint32_t lookup_count;
    lookup lookups[BATCH_REFERENCES];
} object_pass;

// A target that no record has: an error, or a gap in an incomplete file.
static bool lookup_miss(object_pass *pass, const lookup *missed) {
    pass->at = missed->at;
    pass->dropped = true;
    return pass->decoder->file->incomplete != MM_OK;
}

// Look up the targets of the batch. False when one has no record and ought to have one.
static bool lookups_run(object_pass *pass) {
    uint32_t *targets = pass->decoder->file->reference_target;
    uint32_t *arguments = pass->decoder->file->reference_argument;
    for (uint32_t i = 0; i < pass->lookup_count; i++) {
        const lookup *at = &pass->lookups[i];
        uint64_t bits = at->word->bits;
        uint64_t bit = (uint64_t)1 << at->slot;
        uint32_t dense = at->word->rank + mm_popcount(bits & (bit - 1));
        if (MM_UNLIKELY((bits & bit) == 0)) {
            dense = MM_NONE;
            if (!lookup_miss(pass, at)) {
                return false;
            }
        }
        targets[at->out] = dense;
        if (at->is_value && arguments[at->out] != MM_NONE) {
            // Its key was looked up before it.
            arguments[at->out] = targets[arguments[at->out]];
        }
    }
    pass->lookup_count = 0;
    return true;
}

// Queue the look-up of the reference at `out`. What lies outside the blocks finds the empty leaf.
static inline void lookup_push(object_pass *pass, const uint8_t *at, uint32_t out,
                               uint64_t sparse_id, bool is_value) {
    const mm_decoder *decoder = pass->decoder;
    bool inside = sparse_id < decoder->sparse_end;
    size_t leaf = inside ? decoder->leaf_of[sparse_id >> MM_LEAF_BITS] : 0;
    size_t word = (size_t)(sparse_id >> 6) & (MM_LEAF_WORDS - 1);
    lookup *newest = &pass->lookups[pass->lookup_count++];
    newest->word = &decoder->words[leaf * MM_LEAF_WORDS + word];
    newest->at = at;
    newest->out = out;
    newest->slot = (uint8_t)(sparse_id & 63);
    newest->is_value = is_value;
    MM_PREFETCH(newest->word);
}

// A number that a naming carries, held against its table.
static const char *argument_check(const object_pass *pass, unsigned naming, uint64_t number) {
    if (number >= MM_NONE) {
        return "a reference's number is out of range";
    }
    if (naming == MM_NAME_NAMED && number >= pass->decoder->file->name_count) {
        return "a name outside NAME";
    }
    if (naming == MM_NAME_INLINE && number >= pass->key_count) {
        return "an attribute outside the type's shared keys";
    }
    return NULL;
}

// Write down all but the target of the reference at pass->out, and queue that. The caller made sure
// that the batch has room.
static const char *extended_put(object_pass *pass, uint64_t head) {
    const mm_file *file = pass->decoder->file;
    unsigned byte = *pass->at++;
    unsigned naming = byte & 15;
    uint64_t number = 0;
    if (naming_has_number(naming, true)) {
        pass->at = mm_decode_varint(pass->at, &number);
    }
    if (naming == MM_NAME_SKIP) {
        if (number >= MM_NONE || pass->index + number >= MM_NONE) {
            return "an index out of range";
        }
        pass->index += number;
        return NULL;
    }
    const char *why = argument_check(pass, naming, number);
    if (why != NULL) {
        return why;
    }
    uint32_t argument = naming == MM_NAME_VALUE ? pass->last_key : (uint32_t)number;
    pass->target += (uint64_t)mm_unzigzag((head >> 3) - 1);
    pass->index = naming == MM_NAME_INDEX ? number + 1 : pass->index;
    pass->last_key = naming == MM_NAME_KEY ? pass->out : pass->last_key;
    lookup_push(pass, pass->at, pass->out, pass->target, naming == MM_NAME_VALUE);
    file->reference_naming[pass->out] = (uint8_t)byte;
    file->reference_argument[pass->out] = argument;
    pass->out++;
    return NULL;
}

// All references up to the next extended head, which is answered, or until the batch is full. The
// position lives in locals: a byte that is written to a column could be any byte of `pass`.
static const char *shorts_put(object_pass *pass, uint64_t *ret_head) {
    const mm_file *file = pass->decoder->file;
    uint8_t *namings = file->reference_naming;
    uint32_t *arguments = file->reference_argument;
    const uint8_t *at = pass->at;
    uint64_t target = pass->target;
    uint64_t index = pass->index;
    uint32_t out = pass->out;
    const char *why = NULL;
    uint64_t head = 0;
    while (pass->lookup_count < BATCH_REFERENCES) {
        at = mm_decode_varint(at, &head);
        unsigned naming = (unsigned)(head & 7);
        if (naming == MM_NAME_EXTENDED) {
            *ret_head = head;
            break;
        }
        uint64_t number = 0;
        unsigned flags = 0;
        if (naming_has_number(naming, false)) {
            at = mm_decode_varint(at, &number);
            why = argument_check(pass, naming, number);
        } else if (naming == MM_NAME_INDEX) {
            number = index++;
            why = number >= MM_NONE ? "an index out of range" : NULL;
        } else if (naming == MM_NAME_VALUE) {
            number = pass->last_key;
        } else if (naming == MM_NAME_KEY) {
            pass->last_key = out;
            flags = pass->key_flags;
        }
        if (MM_UNLIKELY(why != NULL)) {
            break;
        }
        target += (uint64_t)mm_unzigzag(head >> 3);
        lookup_push(pass, at, out, target, naming == MM_NAME_VALUE);
        namings[out] = (uint8_t)(naming | flags);
        arguments[out] = (uint32_t)number;
        out++;
    }
    pass->at = at;
    pass->target = target;
    pass->index = index;
    pass->out = out;
    return why;
}

// The references of one record, from pass->at to behind its end.
static const char *references_put(object_pass *pass) {
    for (;;) {
        if (pass->lookup_count == BATCH_REFERENCES && !lookups_run(pass)) {
            return NO_RECORD;
        }
        uint64_t head = 0;
        const char *why = shorts_put(pass, &head);
        if (why == NULL && head == MM_NAME_EXTENDED) {
            return NULL;
        }
        if (why == NULL && head != 0) {
            why = extended_put(pass, head);
        }
        if (MM_UNLIKELY(why != NULL)) {
            return why;
        }
    }
}

static void large_put(mm_file *file, uint32_t dense, uint64_t size_bytes, uint64_t storage_bytes) {
    mm_file_large *large = &file->large[file->large_count++];
    large->object = dense;
    large->size_bytes = size_bytes;
    large->storage_bytes = storage_bytes;
}

// The fixed part into the columns. Answers the object's dense id.
static uint32_t head_put(const mm_decoder *decoder, const object_head *head) {
    mm_file *file = decoder->file;
    uint32_t dense = mm_decode_dense(decoder, head->sparse_id);
    MM_ASSERT(dense < file->object_count);
    bool sized = (head->flags & MM_OBJECT_SIZE) != 0;
    uint64_t size_bytes = sized ? head->size_bytes : file->types[head->type].size_bytes;
    uint64_t count = head->refcount_code == 0 ? MM_NONE : head->refcount_code - 1;
    bool immortal = head->refcount_code == 0;
    file->type[dense] = (uint32_t)head->type;
    file->refcount[dense] = immortal || count < MM_NONE ? (uint32_t)count : MM_NONE - 1;
    file->object_flags[dense] = head->flags;
    file->size_bytes[dense] = size_bytes < MM_NONE ? (uint32_t)size_bytes : MM_NONE;
    file->storage_bytes[dense] =
        head->storage_bytes < MM_NONE ? (uint32_t)head->storage_bytes : MM_NONE;
    if (MM_UNLIKELY(head->size_bytes >= MM_NONE || head->storage_bytes >= MM_NONE)) {
        large_put(file, dense, size_bytes, head->storage_bytes);
    }
    return dense;
}

// In an incomplete file, close the gaps that dropped references left.
static void references_compact(mm_file *file) {
    uint32_t out = 0;
    for (uint32_t i = 0; i < file->object_count; i++) {
        uint32_t start = file->reference_start[i];
        file->reference_start[i] = out;
        for (uint32_t j = start; j < file->reference_start[i + 1]; j++) {
            if (file->reference_target[j] != MM_NONE) {
                file->reference_target[out] = file->reference_target[j];
                file->reference_naming[out] = file->reference_naming[j];
                file->reference_argument[out] = file->reference_argument[j];
                out++;
            }
        }
    }
    file->reference_start[file->object_count] = out;
    file->reference_count = out;
}

static uint64_t large_key(const void *element) {
    const mm_file_large *large = element;
    return large->object;
}

// One record. Answers what is wrong, with pass->at where.
static const char *object_put(object_pass *pass, object_head *head) {
    const mm_file *file = pass->decoder->file;
    const uint8_t *record = pass->at;
    pass->at = head_get(record, head->sparse_id, head);
    if (head->type >= file->type_count) {
        pass->at = record;
        return "a type outside TYPE";
    }
    uint32_t dense = head_put(pass->decoder, head);
    if ((head->flags & MM_OBJECT_LEAF) != 0) {
        return NULL;
    }
    pass->target = head->sparse_id;
    pass->index = 0;
    pass->last_key = MM_NONE;
    pass->out = file->reference_start[dense];
    pass->key_count = file->types[head->type].key_count;
    pass->key_flags = (head->flags & MM_OBJECT_HIDDEN_KEYS) != 0 ? MM_REF_HIDDEN : 0;
    const char *why = references_put(pass);
    MM_ASSERT(why != NULL || pass->out == file->reference_start[dense + 1]);
    return why;
}

static mm_status objects_run(object_pass *pass, const uint8_t *end) {
    object_head head = {0};
    const char *why = NULL;
    while (pass->at < end && why == NULL) {
        why = object_put(pass, &head);
    }
    if (why == NULL && !lookups_run(pass)) {
        why = NO_RECORD;
    }
    return why == NULL ? MM_OK : mm_decode_fail(pass->decoder, MM_STREAM_OBJS, pass->at, why);
}

mm_status mm_decode_objects(mm_decoder *decoder) {
    const mm_joined *stream = &decoder->streams[MM_STREAM_OBJS];
    mm_file *file = decoder->file;
    file->large = MM_ARENA_NEW(decoder->arena, mm_file_large, (size_t)decoder->large_count);
    if (file->large == NULL) {
        return mm_decode_nomem(decoder);
    }
    object_pass pass = {.decoder = decoder, .at = stream->start};
    MM_TRY(objects_run(&pass, stream->end));
    if (pass.dropped) {
        references_compact(file);
    }
    return mm_decode_table_sort(decoder, file->large, sizeof(mm_file_large), file->large_count,
                                large_key);
}

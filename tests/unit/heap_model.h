// Random heaps for tests of the file: a model, its way through the writer, and the comparison with
// what the reader makes of it. Deterministic: a seed is a heap.
#ifndef MM_TESTS_HEAP_MODEL_H
#define MM_TESTS_HEAP_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "base/os/pages.h"
#include "format/read.h"
#include "format/write.h"

/// A file in memory; the write after `writes_max` of them fails (0 = none does).
typedef struct heap_bytes {
    uint8_t *bytes;
    size_t count;
    size_t room;
    size_t writes;
    size_t writes_max;
} heap_bytes;

static inline mm_status heap_bytes_write(void *context, const void *bytes, size_t count) {
    heap_bytes *out = context;
    if (out->writes_max != 0 && out->writes == out->writes_max) {
        return MM_E_IO;
    }
    out->writes++;
    if (out->count + count > out->room) {
        out->room = 2 * (out->count + count);
        out->bytes = realloc(out->bytes, out->room);
        if (out->bytes == NULL) {
            abort();
        }
    }
    memcpy(out->bytes + out->count, bytes, count);
    out->count += count;
    return MM_OK;
}

static inline mm_sink heap_bytes_sink(heap_bytes *out) {
    mm_sink sink = {heap_bytes_write, out};
    return sink;
}

/// splitmix64.
static inline uint64_t heap_random(uint64_t *state) {
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/// One reference as it will be written; `skip` empty slots come before it.
typedef struct model_reference {
    uint32_t target;  ///< object of the model
    uint32_t argument;
    uint32_t skip;
    uint8_t naming;
    uint8_t flags;
    bool extended;
} model_reference;

/// One object.
typedef struct model_object {
    uint64_t address;
    uint64_t sparse_id;
    mm_object_record record;
    uint32_t reference_start;
    uint32_t reference_count;
    uint32_t dense;
} model_object;

enum { MODEL_TYPES = 5, MODEL_KEYS = 3, MODEL_NAMES = 4 };

/// A heap. Types have fixed sizes 16, 32, ...; each has MODEL_KEYS shared keys.
typedef struct heap_model {
    model_object *objects;
    model_reference *references;
    uint64_t *blocks;  ///< base address >> 20, by number
    uint32_t object_count;
    uint32_t reference_count;
    uint32_t block_count;
} heap_model;

static inline void *model_take(size_t count, size_t size_bytes) {
    void *taken = calloc(count + 1, size_bytes);
    if (taken == NULL) {
        abort();
    }
    return taken;
}

static inline uint32_t model_below(uint64_t *random, uint32_t limit) {
    return (uint32_t)(heap_random(random) % limit);
}

static inline int model_by_address(const void *a, const void *b) {
    uint64_t x = ((const model_object *)a)->address;
    uint64_t y = ((const model_object *)b)->address;
    return (x > y) - (x < y);
}

static inline uint64_t model_size(uint64_t *random) {
    return model_below(random, 40) == 0 ? heap_random(random) >> 20 : model_below(random, 900);
}

static inline mm_object_record model_record(uint64_t *random) {
    mm_object_record record = {0};
    record.type_index = model_below(random, MODEL_TYPES);
    record.refcount_code =
        model_below(random, 50) == 0 ? heap_random(random) >> 8 : model_below(random, 9);
    record.flags = (uint8_t)(model_below(random, 128) & ~(unsigned)MM_OBJECT_LEAF);
    record.size_bytes = model_size(random);
    record.storage_bytes = model_size(random);
    return record;
}

static inline model_reference model_reference_new(uint64_t *random, uint32_t object_count,
                                                  uint64_t *index, bool first) {
    static const uint8_t flags[] = {MM_REF_WEAK, MM_REF_BORROWED, MM_REF_HIDDEN, MM_REF_GUESSED,
                                    MM_REF_WEAK | MM_REF_HIDDEN};
    static const uint8_t namings[] = {0, 1, 2, 3, 4, 5, 6, 8};
    model_reference reference = {0};
    reference.target = model_below(random, object_count);
    reference.naming = namings[model_below(random, sizeof namings)];
    reference.extended = reference.naming == MM_NAME_NAMED || model_below(random, 4) == 0;
    reference.flags = reference.extended ? flags[model_below(random, sizeof flags)] : 0;
    if (reference.naming == MM_NAME_VALUE && first) {
        reference.naming = MM_NAME_KEY;
    }
    if (model_below(random, 7) == 0) {
        reference.skip = model_below(random, 300);
        *index += reference.skip;
    }
    if (reference.naming == MM_NAME_INDEX) {
        *index += reference.extended ? model_below(random, 5) : 0;
        reference.argument = (uint32_t)(*index)++;
    } else if (reference.naming == MM_NAME_INLINE) {
        reference.argument = model_below(random, MODEL_KEYS);
    } else if (reference.naming == MM_NAME_NAMED) {
        reference.argument = model_below(random, MODEL_NAMES);
    } else if (reference.naming == MM_NAME_WORD || reference.naming == MM_NAME_LOCAL) {
        reference.argument = (uint32_t)(heap_random(random) >> (33 + model_below(random, 31)));
    }
    return reference;
}

static inline void model_place(heap_model *model, uint64_t *random) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < model->object_count; i++) {
        at += 1 + model_below(random, 8);
        uint32_t block = (uint32_t)((uint64_t)i * model->block_count / model->object_count);
        model->objects[i].sparse_id = (uint64_t)block << MM_SLOT_BITS | (at & 0x1ffff);
        model->objects[i].address = model->blocks[block] << 20 | (uint64_t)(at & 0x1ffff) << 3;
    }
}

/// A heap of `object_count` objects (at most some 10,000 for each of its blocks) from a seed.
static inline heap_model heap_model_new(uint64_t seed, uint32_t object_count, uint32_t block_count,
                                        uint32_t references_max) {
    uint64_t random = seed;
    heap_model model = {.object_count = object_count, .block_count = block_count};
    model.objects = model_take(object_count, sizeof *model.objects);
    model.references = model_take((size_t)object_count * references_max, sizeof *model.references);
    model.blocks = model_take(block_count, sizeof *model.blocks);
    for (uint32_t i = 0; i < block_count; i++) {
        // Neither ascending nor equal: the top bits count down, the rest is random.
        model.blocks[i] = (uint64_t)(block_count - i) << 12 | (heap_random(&random) & 0xfff);
    }
    model_place(&model, &random);
    for (uint32_t i = 0; i < object_count; i++) {
        model_object *object = &model.objects[i];
        object->record = model_record(&random);
        object->record.sparse_id = object->sparse_id;
        object->reference_start = model.reference_count;
        object->reference_count = model_below(&random, references_max + 1);
        if (object->reference_count == 0 && model_below(&random, 2) == 0) {
            object->record.flags |= MM_OBJECT_LEAF;
        }
        uint64_t index = 0;
        for (uint32_t j = 0; j < object->reference_count; j++) {
            model.references[model.reference_count++] =
                model_reference_new(&random, object_count, &index, j == 0);
        }
    }
    // Dense ids: the rank by address.
    model_object *sorted = model_take(object_count, sizeof *sorted);
    for (uint32_t i = 0; i < object_count; i++) {
        sorted[i] = model.objects[i];
        sorted[i].dense = i;
    }
    qsort(sorted, object_count, sizeof *sorted, model_by_address);
    for (uint32_t i = 0; i < object_count; i++) {
        model.objects[sorted[i].dense].dense = i;
    }
    free(sorted);
    return model;
}

static inline void heap_model_free(heap_model *model) {
    free(model->objects);
    free(model->references);
    free(model->blocks);
}

static inline void model_write_types(const heap_model *model, mm_writer *writer) {
    for (unsigned i = 0; i < MODEL_TYPES; i++) {
        bool known = i < model->object_count;
        mm_writer_varint(writer, MM_STREAM_TYPE, known ? model->objects[i].sparse_id + 1 : 0);
        mm_writer_text(writer, MM_STREAM_TYPE, "shop.Exam", 9);
        mm_writer_varint(writer, MM_STREAM_TYPE, i == 4 ? 1000 : i);
        mm_writer_varint(writer, MM_STREAM_TYPE, MM_TYPE_HEAP);
        mm_writer_varint(writer, MM_STREAM_TYPE, 16 * (i + 1));
        mm_writer_varint(writer, MM_STREAM_TYPE, 8);
        mm_writer_varint(writer, MM_STREAM_TYPE, i);
        mm_writer_varint(writer, MM_STREAM_TYPE, 1);
        mm_writer_varint(writer, MM_STREAM_TYPE, 3);
        mm_writer_text(writer, MM_STREAM_TYPE, "w\xc3\xb6rd", 5);
        mm_writer_byte(writer, MM_STREAM_TYPE, MM_REF_HIDDEN);
        mm_writer_varint(writer, MM_STREAM_TYPE, MODEL_KEYS);
        for (unsigned j = 0; j < MODEL_KEYS; j++) {
            known = j != 0 && j < model->object_count;
            mm_writer_varint(writer, MM_STREAM_TYPE, known ? model->objects[j].sparse_id + 1 : 0);
        }
    }
}

static inline void model_write_references(const heap_model *model, mm_writer *writer,
                                          const model_object *object) {
    for (uint32_t j = 0; j < object->reference_count; j++) {
        const model_reference *reference = &model->references[object->reference_start + j];
        uint64_t target = model->objects[reference->target].sparse_id;
        mm_naming naming = (mm_naming)reference->naming;
        if (reference->skip != 0) {
            mm_writer_skip(writer, reference->skip);
        }
        if (reference->extended) {
            mm_writer_reference_extended(writer, naming, reference->flags, reference->argument,
                                         target);
        } else if (naming == MM_NAME_WORD || naming == MM_NAME_INLINE || naming == MM_NAME_LOCAL) {
            mm_writer_reference_at(writer, naming, reference->argument, target);
        } else {
            mm_writer_reference(writer, naming, target);
        }
    }
}

static inline void model_write_objects(const heap_model *model, mm_writer *writer) {
    for (uint32_t i = 0; i < model->object_count; i++) {
        const model_object *object = &model->objects[i];
        mm_writer_object(writer, &object->record);
        if ((object->record.flags & MM_OBJECT_LEAF) == 0) {
            model_write_references(model, writer, object);
            mm_writer_object_end(writer);
        }
    }
}

// A record in each of the other streams, about the last objects first.
static inline void model_write_others(const heap_model *model, mm_writer *writer) {
    mm_writer_meta(writer, "runtime", "cpython");
    mm_writer_meta_number(writer, "pid", UINT64_MAX);
    for (unsigned i = 0; i < MODEL_NAMES; i++) {
        mm_writer_name(writer, "abcd", i);
    }
    mm_thread_record thread = {.interpreter = 0, .native_id = 4711, .flags = 1};
    mm_writer_thread(writer, &thread);
    for (uint32_t i = model->object_count; i-- > 0;) {
        uint64_t id = model->objects[i].sparse_id;
        if (i % 3 == 0) {
            mm_writer_fact(writer, id, MM_FACT_ENTRIES, i);
            mm_writer_fact(writer, id, MM_FACT_BOUND, UINT64_MAX - i);
            mm_writer_text_of(writer, id, "_seen", 5 - i % 6);
        }
        if (i % 50 == 0) {
            bool local = i % 100 == 0;
            mm_frame_record frame = {
                .code = i == 0 ? MM_WRITER_NONE : id, .line = 12, .flags = MM_FRAME_CALLER};
            mm_root_record root = {.kind = local ? MM_FORMAT_ROOT_LOCAL : 3,
                                   .flags = MM_REF_BORROWED,
                                   .name = local ? 2 : 1,
                                   .object = id};
            (void)mm_writer_frame(writer, &frame);
            mm_writer_root(writer, &root);
            mm_writer_varint(writer, MM_STREAM_EPHE, id);
            mm_writer_varint(writer, MM_STREAM_EPHE, model->objects[0].sparse_id);
            mm_writer_varint(writer, MM_STREAM_EPHE, id);
        }
    }
}

/// The whole heap through the writer.
static inline mm_status heap_model_write(const heap_model *model, mm_sink sink) {
    mm_writer *writer = malloc(sizeof *writer);
    if (writer == NULL) {
        abort();
    }
    memset(writer, 0xa5, sizeof *writer);
    mm_status begun = mm_writer_begin(writer, sink);
    for (uint32_t i = 0; i < model->block_count; i++) {
        mm_writer_block(writer, model->blocks[i] << MM_BLOCK_SHIFT);
    }
    model_write_objects(model, writer);
    model_write_types(model, writer);
    model_write_others(model, writer);
    mm_status ended = mm_writer_end(writer, MM_OK);
    free(writer);
    return begun != MM_OK ? begun : ended;
}

static inline bool model_same_references(const heap_model *model, const mm_file *file,
                                         const model_object *object) {
    uint32_t at = file->reference_start[object->dense];
    uint32_t key = MM_NONE;
    for (uint32_t j = 0; j < object->reference_count; j++, at++) {
        const model_reference *reference = &model->references[object->reference_start + j];
        uint32_t target = model->objects[reference->target].dense;
        bool is_value = reference->naming == MM_NAME_VALUE;
        bool hidden = reference->naming == MM_NAME_KEY && !reference->extended &&
                      (object->record.flags & MM_OBJECT_HIDDEN_KEYS) != 0;
        uint8_t flags = hidden ? MM_REF_HIDDEN : reference->flags;
        if (file->reference_target[at] != target ||
            file->reference_naming[at] != (reference->naming | flags) ||
            file->reference_argument[at] != (is_value ? key : reference->argument)) {
            return false;
        }
        key = reference->naming == MM_NAME_KEY ? target : key;
    }
    return at == file->reference_start[object->dense + 1];
}

static inline bool model_same_object(const heap_model *model, const mm_file *file,
                                     const model_object *object) {
    uint32_t i = object->dense;
    const mm_object_record *record = &object->record;
    uint64_t code = record->refcount_code;
    uint32_t refcount = code == 0 ? MM_NONE : code >= MM_NONE ? MM_NONE - 1 : (uint32_t)code - 1;
    uint64_t size =
        record->flags & MM_OBJECT_SIZE ? record->size_bytes : 16 * (record->type_index + 1);
    uint64_t storage = record->flags & MM_OBJECT_STORAGE ? record->storage_bytes : 0;
    return file->address[i] == object->address && file->type[i] == record->type_index &&
           file->refcount[i] == refcount && file->object_flags[i] == record->flags &&
           mm_file_size_of(file, i) == size && mm_file_storage_of(file, i) == storage &&
           mm_file_find(file, object->address) == i && model_same_references(model, file, object);
}

/// Is the file the heap?
static inline bool heap_model_same(const heap_model *model, const mm_file *file) {
    if (file->object_count != model->object_count ||
        file->reference_count != model->reference_count || file->type_count != MODEL_TYPES ||
        file->name_count != MODEL_NAMES || file->meta_count != 2 || file->incomplete != 0) {
        return false;
    }
    for (uint32_t i = 0; i < model->object_count; i++) {
        uint64_t value = 0;
        uint32_t dense = model->objects[i].dense;
        bool wanted = i % 3 == 0;
        const char *text = mm_file_text_of(file, dense);
        if (!model_same_object(model, file, &model->objects[i]) || (text != NULL) != wanted ||
            mm_file_fact_of(file, dense, MM_FACT_BOUND, &value) != wanted ||
            (wanted && (value != UINT64_MAX - i || strlen(text) != 5 - i % 6))) {
            return false;
        }
    }
    return true;
}

#endif

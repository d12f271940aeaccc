// Heaps, their types and their memory, and how a heap ends.
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

enum { PIECES_PER_CHUNK = 64, MEMORY_ALIGN = 16 };

_Static_assert(sizeof(mort_object) == 32, "the head that docs/heap.md promises");
_Static_assert(_Alignof(max_align_t) >= MEMORY_ALIGN, "flags need four low bits of a pointer");

const char *mort_strerror(int code) {
    switch (code) {
        case MORT_OK:
            return "no error";
        case MORT_ENOMEM:
            return "no memory";
        case MORT_EDEAD:
            return "the object is dead";
        case MORT_EDYING:
            return "the object is dying: its finalizer has run";
        case MORT_EBUSY:
            return "a hook made a call that it may not make";
        case MORT_EHEAP:
            return "the object is of another heap";
        case MORT_ENOENT:
            return "there is no such entry";
        case MORT_EINVAL:
            return "an argument has no meaning here";
    }
    return "unknown error";
}

int mort_broken_(int code, const char *rule) {
#ifdef MORT_DEBUG
    fprintf(stderr, "mortmain: %s: %s\n", mort_strerror(code), rule);
    abort();
#else
    (void)rule;
    return code;
#endif
}

// ---- memory -------------------------------------------------------------------------------------

static void *plain_alloc(void *context, size_t bytes) {
    (void)context;
    return malloc(bytes);
}

static void plain_free(void *context, void *memory, size_t bytes) {
    (void)context;
    (void)bytes;
    free(memory);
}

static void plain_line(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "%s\n", line);
}

// What is not aligned as malloc's is refused: an object's flags lie in those bits of addresses.
static void *alloc_aligned(mort_heap *heap, size_t bytes) {
    void *memory = heap->alloc(heap->context, bytes);
    if (bytes < MEMORY_ALIGN || (uintptr_t)memory % MEMORY_ALIGN == 0) {
        return memory;
    }
    mort_broken_(MORT_EINVAL, "the alloc of mort_options must align to 16 bytes");
    heap->free(heap->context, memory, bytes);
    return NULL;
}

void *mort_alloc_(mort_heap *heap, size_t bytes) {
    // The common case without a call more.
    void *memory = heap->alloc == plain_alloc ? malloc(bytes) : alloc_aligned(heap, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

void mort_free_(mort_heap *heap, void *memory, size_t bytes) {
    if (heap->free == plain_free) {
        free(memory);
    } else if (memory != NULL) {
        heap->free(heap->context, memory, bytes);
    }
}

static bool slab_grow(mort_heap *heap, mort_slab *slab) {
    if (slab->chunk_count == slab->chunk_room) {
        uint32_t room = slab->chunk_room == 0 ? 16 : 2 * slab->chunk_room;
        char **chunks = mort_alloc_(heap, room * sizeof(char *));
        if (chunks == NULL) {
            return false;
        }
        if (slab->chunks != NULL) {
            memcpy(chunks, slab->chunks, slab->chunk_count * sizeof(char *));
        }
        mort_free_(heap, slab->chunks, slab->chunk_room * sizeof(char *));
        slab->chunks = chunks;
        slab->chunk_room = room;
    }
    char *chunk = mort_alloc_(heap, (size_t)PIECES_PER_CHUNK * slab->piece_bytes);
    if (chunk == NULL) {
        return false;
    }
    slab->chunks[slab->chunk_count++] = chunk;
    return true;
}

void *mort_slab_at_(const mort_slab *slab, uint32_t number) {
    uint32_t index = number - 1;
    return slab->chunks[index / PIECES_PER_CHUNK] +
           (size_t)(index % PIECES_PER_CHUNK) * slab->piece_bytes;
}

// A piece keeps what it held when it was given back, but for its first word: see mort_watch().
void *mort_slab_new_(mort_heap *heap, mort_slab *slab, uint32_t *ret_number) {
    if (slab->free_head != 0) {
        uint64_t *piece = mort_slab_at_(slab, slab->free_head);
        *ret_number = slab->free_head;
        slab->free_head = (uint32_t)*piece;
        *piece = 0;
        return piece;
    }
    if (slab->used == slab->chunk_count * PIECES_PER_CHUNK &&
        (slab->used >= UINT32_MAX - PIECES_PER_CHUNK || !slab_grow(heap, slab))) {
        return NULL;
    }
    *ret_number = ++slab->used;
    return mort_slab_at_(slab, slab->used);
}

void mort_slab_give_(mort_slab *slab, uint32_t number) {
    uint64_t *piece = mort_slab_at_(slab, number);
    *piece = slab->free_head;
    slab->free_head = number;
}

void mort_slab_deinit_(mort_heap *heap, mort_slab *slab) {
    for (uint32_t i = 0; i < slab->chunk_count; i++) {
        mort_free_(heap, slab->chunks[i], (size_t)PIECES_PER_CHUNK * slab->piece_bytes);
    }
    mort_free_(heap, slab->chunks, slab->chunk_room * sizeof(char *));
}

// ---- types --------------------------------------------------------------------------------------

static const mort_field no_fields[] = {{NULL, 0, MORT_KIND_END, 0}};
static const mort_field keymap_fields[] = {
    {"key", 0, MORT_KIND_KEY, 0}, {"value", 0, MORT_KIND_VALUE, 0}, {NULL, 0, MORT_KIND_END, 0}};
static const mort_field ephemeron_fields[] = {{"key", 0, MORT_KIND_KEY, 0},
                                              {"value", 0, MORT_KIND_EPHEMERON, 0},
                                              {NULL, 0, MORT_KIND_END, 0}};
static const mort_field valuemap_fields[] = {{"value", 0, MORT_KIND_WEAK_VALUE, 0},
                                             {NULL, 0, MORT_KIND_END, 0}};
static const mort_field weakset_fields[] = {{"member", 0, MORT_KIND_KEY, 0},
                                            {NULL, 0, MORT_KIND_END, 0}};

static size_t field_bytes(uint32_t kind) {
    switch (kind) {
        case MORT_KIND_STRONG:
            return sizeof(mort_object *);
        case MORT_KIND_WEAK:
            return sizeof(mort_weak);
        case MORT_KIND_ARRAY:
            return sizeof(mort_array);
        default:
            return 0;
    }
}

// Fields must lie inside the object, behind its head, be aligned, and not overlap.
static bool spec_is_valid(const mort_spec *spec, uint32_t counts[MORT_KIND_ARRAY + 1]) {
    if (spec == NULL || spec->name == NULL || spec->size < sizeof(mort_object) ||
        spec->size >= UINT32_MAX) {
        return false;
    }
    for (const mort_field *field = spec->fields; field != NULL && field->kind != MORT_KIND_END;
         field++) {
        size_t bytes = field_bytes(field->kind);
        if (bytes == 0 || field->name == NULL || field->offset < sizeof(mort_object) ||
            field->offset % sizeof(void *) != 0 || field->offset > spec->size - bytes) {
            return false;
        }
        for (const mort_field *other = spec->fields; other != field; other++) {
            if (field->offset < other->offset + field_bytes(other->kind) &&
                other->offset < field->offset + bytes) {
                return false;
            }
        }
        counts[field->kind]++;
    }
    return true;
}

static int type_add(mort_type **ret, mort_heap *heap, const mort_spec *spec, mort_shape shape) {
    uint32_t counts[MORT_KIND_ARRAY + 1] = {0};
    if (shape == MORT_SHAPE_FIELDS && !spec_is_valid(spec, counts)) {
        return MORT_EINVAL;
    }
    size_t fields =
        (size_t)counts[MORT_KIND_STRONG] + counts[MORT_KIND_ARRAY] + counts[MORT_KIND_WEAK];
    mort_type *type = mort_alloc_(heap, sizeof(*type));
    uint32_t *offsets = fields == 0 ? NULL : mort_alloc_(heap, fields * sizeof(uint32_t));
    if (type == NULL || (fields != 0 && offsets == NULL)) {
        mort_free_(heap, offsets, fields * sizeof(uint32_t));
        mort_free_(heap, type, sizeof(*type));
        return MORT_ENOMEM;
    }
    type->heap = heap;
    type->spec = *spec;
    type->spec.fields = spec->fields == NULL ? no_fields : spec->fields;
    type->shape = shape;
    type->strong_count = counts[MORT_KIND_STRONG];
    type->array_count = counts[MORT_KIND_ARRAY];
    type->weak_count = counts[MORT_KIND_WEAK];
    type->offsets = offsets;
    type->is_leaf = shape == MORT_SHAPE_FIELDS ? type->strong_count + type->array_count == 0
                                               : shape != MORT_SHAPE_KEYMAP;
    static const uint32_t order[] = {MORT_KIND_STRONG, MORT_KIND_ARRAY, MORT_KIND_WEAK};
    for (size_t i = 0; offsets != NULL && i < sizeof(order) / sizeof(order[0]); i++) {
        for (const mort_field *field = spec->fields; field->kind != MORT_KIND_END; field++) {
            if (field->kind == order[i]) {
                *offsets++ = (uint32_t)field->offset;
            }
        }
    }
    heap->has_hooks = heap->has_hooks || spec->finalize != NULL || spec->destroy != NULL;
    type->next = heap->types;
    heap->types = type;
    *ret = type;
    return MORT_OK;
}

int mort_type_new(mort_type **ret, mort_heap *heap, const mort_spec *spec) {
    if (heap->closed != 0) {
        return mort_broken_(MORT_EBUSY, "mort_type_new() in a hook that may not call the heap");
    }
    return type_add(ret, heap, spec, MORT_SHAPE_FIELDS);
}

// ---- heaps --------------------------------------------------------------------------------------

static int heap_types_add(mort_heap *heap) {
    const struct {
        mort_type **type;
        mort_spec spec;
        mort_shape shape;
    } rows[] = {
        {&heap->keymap_type,
         {"keymap", sizeof(mort_table), keymap_fields, NULL, NULL},
         MORT_SHAPE_KEYMAP},
        {&heap->ephemeron_type,
         {"keymap", sizeof(mort_table), ephemeron_fields, NULL, NULL},
         MORT_SHAPE_KEYMAP},
        {&heap->valuemap_type,
         {"valuemap", sizeof(mort_table), valuemap_fields, NULL, NULL},
         MORT_SHAPE_VALUEMAP},
        {&heap->weakset_type,
         {"weakset", sizeof(mort_table), weakset_fields, NULL, NULL},
         MORT_SHAPE_WEAKSET},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int code = type_add(rows[i].type, heap, &rows[i].spec, rows[i].shape);
        if (code != MORT_OK) {
            return code;
        }
    }
    return MORT_OK;
}

// All memory but the objects' own.
static void heap_memory_free(mort_heap *heap) {
    while (heap->types != NULL) {
        mort_type *type = heap->types;
        size_t fields = (size_t)type->strong_count + type->array_count + type->weak_count;
        heap->types = type->next;
        mort_free_(heap, type->offsets, fields * sizeof(uint32_t));
        mort_free_(heap, type, sizeof(*type));
    }
    mort_slab_deinit_(heap, &heap->anchors);
    mort_slab_deinit_(heap, &heap->watches);
    heap->free(heap->context, heap, sizeof(*heap));
}

int mort_heap_new(mort_heap **ret, const mort_options *options) {
    static const mort_options plain = {0};
    const mort_options *given = options == NULL ? &plain : options;
    if ((given->alloc == NULL) != (given->free == NULL) ||
        (given->flags & ~(unsigned)(MORT_LEGACY | MORT_AUTO)) != 0) {
        return MORT_EINVAL;
    }
    mort_heap first = {0};
    first.alloc = given->alloc == NULL ? plain_alloc : given->alloc;
    first.free = given->free == NULL ? plain_free : given->free;
    first.line = given->line == NULL ? plain_line : given->line;
    first.context = given->context;
    first.flags = given->flags;
    first.is_enabled = true;
    first.anchors.piece_bytes = sizeof(mort_anchor);
    first.watches.piece_bytes = sizeof(mort_watch_record);
    const unsigned *thresholds = given->thresholds;
    if (thresholds[0] == 0 && thresholds[1] == 0 && thresholds[2] == 0) {
        first.threshold[0] = 2000;
        first.threshold[1] = first.threshold[2] = 10;
    } else {
        memcpy(first.threshold, thresholds, sizeof(first.threshold));
    }
    mort_heap *heap = alloc_aligned(&first, sizeof(*heap));
    if (heap == NULL) {
        return MORT_ENOMEM;
    }
    *heap = first;
    for (int i = 0; i < MORT_GENERATIONS; i++) {
        mort_list_init_(&heap->generation[i]);
    }
    mort_list_init_(&heap->frozen);
    mort_list_init_(&heap->garbage);
    mort_list_init_(&heap->leaves);
    mort_list_init_(&heap->trash);
    mort_list_init_(&heap->aside);
    int code = heap_types_add(heap);
    if (code != MORT_OK) {
        heap_memory_free(heap);
        return code;
    }
    *ret = heap;
    return MORT_OK;
}

// ---- the end ------------------------------------------------------------------------------------

// All objects in one list, oldest generation first.
static void end_gather(mort_heap *heap, mort_object *all) {
    mort_list_init_(all);
    mort_list_merge_(&heap->frozen, all);
    for (int i = MORT_GENERATIONS; i-- > 0;) {
        mort_list_merge_(&heap->generation[i], all);
    }
    mort_list_merge_(&heap->garbage, all);
    mort_list_merge_(&heap->leaves, all);
}

static bool end_found(void *context, mort_object *from, const mort_field *field, size_t index,
                      mort_object *to) {
    (void)context;
    (void)index;
    if (mort_owns_(field) && to->type->heap == from->type->heap && to->prev > 0) {
        to->prev--;
    }
    return true;
}

// Objects whose count exceeds the references found: C holds them. `prev` is the count meanwhile.
static size_t end_count_held(mort_object *all) {
    for (mort_object *at = mort_next_(all); at != all; at = mort_next_(at)) {
        at->prev = at->refs;
    }
    for (mort_object *at = mort_next_(all); at != all; at = mort_next_(at)) {
        mort_referents(at, end_found, NULL);
    }
    size_t held = 0;
    mort_object *before = all;
    for (mort_object *at = mort_next_(all); at != all; at = mort_next_(at)) {
        held += at->prev > 0;
        at->prev = (uintptr_t)before;
        before = at;
    }
    all->prev = (uintptr_t)before;
    return held;
}

// A destroy hook finds references cleared. Those to objects of other heaps are counted there.
static void end_shed(const mort_heap *heap, mort_object *object) {
    uintptr_t cursor = 0;
    mort_object *child = NULL;
    while ((child = mort_object_shed_(object, &cursor)) != NULL) {
        if (child->type->heap != heap) {
            mort_release(child);
        }
    }
    mort_weak_fields_clear_(object);
}

// Notices first, while every object still has its memory; then references; then destroy hooks;
// then memory.
static void end_take_down(mort_heap *heap, mort_object *all) {
    mort_anchors_empty_(heap, all);
    while (heap->orphans != NULL) {
        (void)mort_orphan_take_(heap, &heap->orphans);
    }
    for (mort_object *at = mort_next_(all); at != all; at = mort_next_(at)) {
        for (mort_anchor *anchor = mort_anchor_peek_(at); anchor != NULL && anchor->watches != NULL;
             anchor = mort_anchor_peek_(at)) {
            mort_watch_end_(heap, anchor->watches, MORT_DROPPED);
        }
    }
    for (mort_object *at = mort_next_(all); at != all; at = mort_next_(at)) {
        end_shed(heap, at);
    }
    for (mort_object *at = mort_next_(all); at != all; at = mort_next_(at)) {
        if (at->type->spec.destroy != NULL) {
            at->type->spec.destroy(at);
        }
    }
    while (!mort_list_is_empty_(all)) {
        mort_object *object = mort_next_(all);
        mort_unlink_(object);
        mort_object_free_(heap, object);
    }
}

size_t mort_heap_free(mort_heap *heap) {
    if (heap == NULL) {
        return 0;
    }
    if (heap->closed != 0 || heap->is_collecting || heap->depth != 0) {
        mort_broken_(MORT_EBUSY, "mort_heap_free() in a hook");
        return 0;
    }
    mort_collect(heap, MORT_GENERATIONS - 1);
    mort_collect(heap, MORT_GENERATIONS - 1);
    // What the garbage list holds is not held by C.
    for (mort_object *at = mort_next_(&heap->garbage); at != &heap->garbage; at = mort_next_(at)) {
        at->refs -= at->refs != MORT_REFS_SATURATED;
    }
    heap->closed = 1;
    heap->is_ending = true;
    _Alignas(MORT_FLAGS + 1) mort_object all;
    end_gather(heap, &all);
    size_t held = end_count_held(&all);
    end_take_down(heap, &all);
    heap_memory_free(heap);
    return held;
}

// ---- small answers ------------------------------------------------------------------------------

mort_type *mort_type_of(const void *object) {
    return ((const mort_object *)object)->type;
}

const char *mort_type_name(const mort_type *type) {
    return type->spec.name;
}

size_t mort_type_size(const mort_type *type) {
    return type->spec.size;
}

const mort_field *mort_type_fields(const mort_type *type) {
    return type->spec.fields;
}

mort_heap *mort_heap_of(const void *object) {
    return ((const mort_object *)object)->type->heap;
}

int mort_may_store_(const mort_heap *heap, const mort_object *object) {
    if (heap->closed != 0) {
        return mort_broken_(MORT_EBUSY, "a hook that may not call the heap did");
    }
    if (object == NULL) {
        return MORT_EINVAL;
    }
    if (object->type->heap != heap) {
        return mort_broken_(MORT_EHEAP, "objects of two heaps were brought together");
    }
    if (object->refs == 0) {
        return mort_broken_(MORT_EDYING, "an object past its finalizer was referred to");
    }
    return MORT_OK;
}

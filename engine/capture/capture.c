// A capture is rounds of one loop. The collector's rings say which objects there are; then every
// block is swept in address order, and what is found but not done is visited: header, size and
// references are written as they are read, and each reference may find an object that no ring had
// (a str, an untracked tuple). Sweeps go on until nothing new is found, four to seven times on real
// heaps. Address order is what makes it fast: rings of an aged heap jump through memory, sweeps do
// not.
//
// Nothing is looked up twice: a record goes out once, with sparse ids that need no ranking.
#include "capture/capture.h"

#include "capture/walker.h"

enum {
    ARENA_BLOCK_BYTES = 1 << 20,
    HEAD_AHEAD = 12,  ///< objects whose header is asked for early
    BODY_AHEAD = 6,   ///< objects whose items are asked for early
    RING_MAX = 1 << 30,
    RELEASE_ALPHA = 10,  ///< release levels of PY_VERSION_HEX
    RELEASE_BETA = 11,
    RELEASE_CANDIDATE = 12,
    IMMORTAL_FROM_3_11 = 900000000
};

void list_push(mm_walker *walker, mm_address_list *list, uint64_t address) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 512 : list->capacity * 2;
        uint64_t *items = MM_ARENA_NEW(&walker->arena, uint64_t, capacity);
        if (items == NULL) {
            walker_fail(walker, MM_E_NOMEM);
            return;
        }
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        list->items = items;
        list->capacity = capacity;
    }
    MM_ASSERT(list->count < list->capacity);
    list->items[list->count++] = address;
}

// Enumerate -------------------------------------------------------------------------------------

static void ring_enumerate(mm_walker *walker, uint64_t head) {
    if (head == 0 || !is_readable(walker, head, GC_HEAD_BYTES)) {
        return;
    }
    uint64_t at = load_word(head) & ~(uint64_t)GC_LINK_FLAGS;
    for (unsigned i = 0; i < RING_MAX && at != head && walker->status == MM_OK; i++) {
        uint64_t object = at + GC_HEAD_BYTES;
        // Every object stands in one ring once. One that was met before means that the ring is
        // torn.
        if (!is_aligned(at) || !is_readable(walker, at, GC_HEAD_BYTES + OBJECT_HEAD_BYTES) ||
            find_found(walker, object) != NO_ID) {
            walker_fail(walker, MM_E_TARGET);
            return;
        }
        (void)mark_found(walker, object);
        at = load_word(at) & ~(uint64_t)GC_LINK_FLAGS;
    }
}

static void rings_enumerate(mm_walker *walker) {
    const mm_interpreter *all = MM_TARGET_AT(walker->target, interpreters, mm_interpreter);
    for (uint32_t i = 0; i < walker->target->interpreters.count; i++) {
        for (unsigned g = 0; g < MM_GENERATION_COUNT && all[i].own_lock == 0; g++) {
            ring_enumerate(walker, all[i].generations[g]);
        }
    }
}

static bool is_collecting(mm_walker *walker) {
    const mm_interpreter *all = MM_TARGET_AT(walker->target, interpreters, mm_interpreter);
    for (uint32_t i = 0; i < walker->target->interpreters.count; i++) {
        if (all[i].own_lock == 0 && all[i].collecting != 0 &&
            is_readable(walker, all[i].collecting, 4) && load_i32(all[i].collecting) != 0) {
            return true;
        }
    }
    return false;
}

// Visit -----------------------------------------------------------------------------------------

bool is_tracked(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!type->collected || !is_readable(walker, address - GC_HEAD_BYTES, GC_HEAD_BYTES) ||
        (type->metatype && !is_readable(walker, address, AT(walker, TYPE_SIZEOF)))) {
        return false;
    }
    // Types are collected by their type's word, but static ones have no header in front.
    bool headless = type->metatype && !type_is_heap(walker, address);
    return !headless && load_word(address - GC_HEAD_BYTES) != 0;
}

static uint64_t refcount_code(const mm_walker *walker, uint64_t address) {
    uint64_t count = load_word(address + AT(walker, OB_REFCNT));
    if (walker->minor == 11) {
        return count > IMMORTAL_FROM_3_11 ? 0 : count + 1;
    }
    count &= UINT32_MAX;
    return count >> 31 != 0 ? 0 : count + 1;
}

static void walk_by_kind(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    switch (type->kind) {
        case MM_KIND_DICT:
            walk_dict(walker, address);
            break;
        case MM_KIND_LIST:
            walk_list(walker, address);
            break;
        case MM_KIND_TUPLE:
            walk_tuple(walker, address);
            break;
        case MM_KIND_SET:
            walk_set(walker, address);
            break;
        case MM_KIND_ORDERED_DICT:
            walk_ordered_dict(walker, type, address);
            break;
        case MM_KIND_TYPE:
            walk_type(walker, type, address);
            break;
        case MM_KIND_CODE:
            walk_code(walker, type, address);
            break;
        case MM_KIND_MODULE:
            walk_module(walker, type, address);
            break;
        case MM_KIND_FRAME:
            walk_frame(walker, type, address);
            break;
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR:
            walk_generator(walker, type, address);
            break;
        case MM_KIND_TRACEBACK:
            walk_traceback(walker, type, address);
            break;
        case MM_KIND_FOREIGN:
            walk_foreign(walker, type, address);
            break;
        default:
            walk_fields(walker, type, address);
            break;
    }
}

static bool is_leaf(const mm_type_info *type) {
    bool leaf_kind = type->kind == MM_KIND_LEAF || type->kind == MM_KIND_STR ||
                     type->kind == MM_KIND_INT || type->kind == MM_KIND_BYTEARRAY ||
                     type->kind == MM_KIND_OBJECT;
    return leaf_kind && !type->python_class && type->tail_offset == 0;
}

uint64_t least_bytes(const mm_walker *walker, const mm_type_info *type) {
    if (type->python_class || type->tail_offset != 0) {
        return type->basic_bytes;
    }
    if (type->kind == MM_KIND_STR && HAS(walker, STR_STATE)) {
        return AT(walker, STR_ASCII_SIZEOF);
    }
    return type->kind == MM_KIND_TYPE ? AT(walker, TYPE_SIZEOF) : type->basic_bytes;
}

// Write the record of one object. The type was understood, so its basic size is known; an object
// that does not lie in readable memory as a whole is written down without being walked.
static void object_visit(mm_walker *walker, uint64_t address, bool last_round) {
    const mm_type_info *type = type_of(walker, load_word(address + AT(walker, OB_TYPE)));
    const mm_block *block = block_of(walker, address);
    MM_ASSERT(block != NULL);
    MM_ASSERT(find_done(walker, address) != NO_ID);
    if (type->scan && !last_round && type->basic_bytes > OBJECT_HEAD_BYTES) {
        list_push(walker, &walker->postponed, address);
        return;
    }
    mm_object_record record = {0};
    record.sparse_id = block_id(block, address);
    record.type_index = type->index;
    record.refcount_code = refcount_code(walker, address);
    if (is_tracked(walker, type, address)) {
        record.flags |= MM_OBJECT_TRACKED;
    }
    uint64_t least = least_bytes(walker, type);
    bool inside = block->whole && address - block->base + least <= BLOCK_BYTES;
    bool walkable =
        type->index != 0 && !type->opaque && (inside || is_readable(walker, address, least));
    if (!walkable) {
        record.flags |= MM_OBJECT_LEAF | MM_OBJECT_OPAQUE;
        mm_writer_object(walker->writer, &record);
        return;
    }
    size_object(walker, type, address, &record);
    if (is_leaf(type)) {
        record.flags |= MM_OBJECT_LEAF;
        mm_writer_object(walker->writer, &record);
        return;
    }
    mm_writer_object(walker->writer, &record);
    walker->skipped = 0;
    walk_by_kind(walker, type, address);
    if (type->traverse != 0 && type->tail_offset != 0) {
        walk_tail(walker, type, address);
    }
    if (type->python_class) {
        walk_class_part(walker, type, address);
    }
    mm_writer_object_end(walker->writer);
    if (type->inspector != 0) {
        status_say(walker, type, address);
    }
    if (type->has_bound) {
        bound_say(walker, type, address);
    }
}

// Ask early for what the visit will read: the header first, then what a container points at.
static inline void visit_prepare(mm_walker *walker, const uint64_t *batch, size_t i, size_t count) {
    if (i + HEAD_AHEAD < count) {
        MM_PREFETCH((uintptr_t)batch[i + HEAD_AHEAD]);
    }
    if (i + BODY_AHEAD < count) {
        uint64_t address = batch[i + BODY_AHEAD];
        uint64_t type = load_word(address + AT(walker, OB_TYPE));
        if (type == walker->dict_type && is_readable(walker, address, AT(walker, DICT_KEYS) + 8u)) {
            MM_PREFETCH((uintptr_t)load_word(address + AT(walker, DICT_KEYS)));
        } else if (type == walker->list_type &&
                   is_readable(walker, address, AT(walker, LIST_ITEMS) + 8u)) {
            MM_PREFETCH((uintptr_t)load_word(address + AT(walker, LIST_ITEMS)));
        }
    }
}

static void batch_visit(mm_walker *walker, const uint64_t *batch, size_t count) {
    for (size_t i = 0; i < count && walker->status == MM_OK; i++) {
        visit_prepare(walker, batch, i, count);
        object_visit(walker, batch[i], false);
    }
    if (walker->options->note != NULL) {
        walker->options->note->progress = walker->writer->object_count;
    }
}

static void block_sweep(mm_walker *walker, mm_block *block) {
    uint64_t batch[BATCH_COUNT];
    size_t count = 0;
    block->fresh = false;
    MM_ASSERT(block->number < walker->block_count);
    for (uint64_t group = 0; group < BLOCK_WORDS / 64; group++) {
        // A visit may find more in this very group: the loop sees that too.
        while (block->fresh_words[group] != 0) {
            uint64_t i = group * 64 + mm_lowest_bit(block->fresh_words[group]);
            uint64_t bits = block->found[i] & ~block->done[i];
            block->fresh_words[group] &= block->fresh_words[group] - 1;
            block->done[i] |= bits;
            for (; bits != 0; bits &= bits - 1) {
                batch[count++] = block->base + ((i * 64 + mm_lowest_bit(bits)) << MM_SLOT_SHIFT);
            }
            MM_ASSERT(count <= BATCH_COUNT);
            if (count > BATCH_COUNT - 64) {
                batch_visit(walker, batch, count);
                count = 0;
            }
        }
    }
    batch_visit(walker, batch, count);
}

// Sweep until nothing is fresh.
static void rounds_run(mm_walker *walker) {
    bool again = true;
    while (again && walker->status == MM_OK && walker->writer->status == MM_OK) {
        again = false;
        uint64_t at = 0;
        for (mm_block *block = block_next(walker, &at); block != NULL;
             block = block_next(walker, &at)) {
            // A chain that runs down through memory shows one link in each sweep.
            while (block->fresh && walker->status == MM_OK && walker->writer->status == MM_OK) {
                block_sweep(walker, block);
                again = true;
            }
        }
    }
}

// A word scan believes only addresses of objects that are known, so it comes last.
static void postponed_visit(mm_walker *walker) {
    chunks_claim(walker);
    for (size_t i = 0; i < walker->postponed.count && walker->status == MM_OK;) {
        walker->owned_now = i < walker->owned_count ? walker->owned_bytes[i] : 0;
        object_visit(walker, walker->postponed.items[i++], true);
        walker->owned_now = 0;
        // What its class part found may have to be postponed too.
        if (i == walker->postponed.count) {
            rounds_run(walker);
        }
    }
}

// Begin and end ---------------------------------------------------------------------------------

static uint32_t name_put(mm_walker *walker, const char *text) {
    return mm_writer_name(walker->writer, text, mm_text_length(text, NAME_BYTES_MAX));
}

static uint64_t address_of_kind(const mm_target *target, mm_kind kind) {
    const mm_known_type *types = MM_TARGET_AT(target, types, mm_known_type);
    for (uint32_t i = 0; i < target->types.count; i++) {
        if (types[i].kind == (uint32_t)kind) {
            return types[i].address;
        }
    }
    return 0;
}

static size_t version_part_put(char *to, unsigned value) {
    char digits[4];
    size_t count = 0;
    size_t length = 0;
    MM_ASSERT(value <= UINT8_MAX);
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) {
        to[length++] = digits[--count];
    }
    return length;
}

// major.minor.micro and, before a release, its level and number, as sys.version begins: 3.15.0a2.
static void version_put(mm_walker *walker) {
    char text[24];
    size_t length = 0;
    uint32_t version = walker->target->version_hex;
    for (unsigned part = 0; part < 3; part++) {
        length += version_part_put(text + length, version >> (24 - part * 8) & 255);
        text[length++] = '.';
    }
    length--;
    unsigned level = version >> 4 & 15;
    if (level >= RELEASE_ALPHA && level <= RELEASE_CANDIDATE) {
        text[length++] = level == RELEASE_ALPHA ? 'a' : level == RELEASE_BETA ? 'b' : 'r';
        if (level == RELEASE_CANDIDATE) {
            text[length++] = 'c';
        }
        length += version_part_put(text + length, version & 15);
    }
    MM_ASSERT(length < sizeof text);
    text[length] = '\0';
    mm_writer_meta(walker->writer, "version", text);
}

static void meta_put(mm_walker *walker) {
    const mm_target *target = walker->target;
    mm_writer_meta(walker->writer, "runtime", "cpython");
    version_put(walker);
    if (walker->options->door != NULL) {
        mm_writer_meta(walker->writer, "door", walker->options->door);
    }
    if (walker->options->pid != 0) {
        mm_writer_meta_number(walker->writer, "pid", walker->options->pid);
    }
    if (target->stdlib_prefix != 0) {
        mm_writer_meta(walker->writer, "stdlib", mm_target_text(target, target->stdlib_prefix));
    }
    if (target->site_prefix != 0) {
        mm_writer_meta(walker->writer, "site", mm_target_text(target, target->site_prefix));
    }
    if (walker->options->keys) {
        mm_writer_meta(walker->writer, "keys", "yes");
    }
    if (walker->options->warning != NULL) {
        mm_writer_meta(walker->writer, "warning", walker->options->warning);
    }
    if (walker->options->retries != 0) {
        mm_writer_meta_number(walker->writer, "retries", walker->options->retries);
    }
    for (uint32_t i = 0; i < walker->options->meta_count; i++) {
        const mm_capture_meta *meta = &walker->options->metas[i];
        mm_writer_meta(walker->writer, meta->key, meta->value);
    }
    walker->name_c_data = name_put(walker, "C data");
    walker->name_state = name_put(walker, "module state");
    walker->name_dict = name_put(walker, "__dict__");
    walker->name_shared_key = name_put(walker, "shared key");
    for (size_t i = 0; i < IFRAME_OWNED; i++) {
        walker->name_iframe[i] = name_put(walker, iframe_owned[i].name);
    }
}

static mm_status walker_init(mm_walker *walker, const mm_target *target, mm_pages pages,
                             const mm_capture_options *options) {
    mm_zero(walker, sizeof *walker);
    walker->target = target;
    walker->at = target->layout.at;
    walker->minor = target->layout.minor;
    walker->regions = MM_TARGET_AT(target, regions, mm_region);
    walker->region_count = target->regions.count;
    walker->region = walker->regions;
    walker->options = options;
    mm_arena_init(&walker->arena, pages, ARENA_BLOCK_BYTES);
    if (target->magic != MM_TARGET_MAGIC || walker->region_count == 0) {
        return MM_E_ARGUMENT;
    }
    walker->writer = MM_ARENA_NEW(&walker->arena, mm_writer, 1);
    walker->top = MM_ARENA_NEW(&walker->arena, mm_block_table *, TOP_COUNT);
    if (walker->writer == NULL || walker->top == NULL) {
        return MM_E_NOMEM;
    }
    walker->dict_type = address_of_kind(target, MM_KIND_DICT);
    walker->list_type = address_of_kind(target, MM_KIND_LIST);
    const mm_root *roots = MM_TARGET_AT(target, roots, mm_root);
    for (uint32_t i = 0; i < target->roots.count; i++) {
        if (roots[i].kind == MM_ROOT_INTERNED) {
            walker->interned = roots[i].object;
        }
    }
    types_init(walker);
    return walker->status;
}

mm_status mm_capture(const mm_target *target, mm_pages pages, mm_sink sink,
                     const mm_capture_options *options, mm_capture_result *ret) {
    mm_walker walker;
    MM_TRY(walker_init(&walker, target, pages, options));
    if (is_collecting(&walker)) {
        return MM_E_BUSY;
    }
    MM_TRY(mm_writer_begin(walker.writer, sink));
    meta_put(&walker);
    rings_enumerate(&walker);
    roots_write(&walker);
    if (options->extra_text != 0) {
        want_text(&walker, options->extra_text);
    }
    rounds_run(&walker);
    postponed_visit(&walker);
    if (options->census && walker.status == MM_OK) {
        census_take(&walker);
    }
    if (walker.status == MM_OK) {
        types_write(&walker);
        texts_write(&walker);
    }
    MM_TRY(walker.status);
    MM_TRY(mm_writer_end(walker.writer, MM_OK));
    ret->object_count = walker.writer->object_count;
    ret->reference_count = walker.writer->reference_count;
    ret->unreadable_count = walker.unreadable_count;
    ret->memory_bytes = walker.arena.taken_bytes;
    return MM_OK;
}

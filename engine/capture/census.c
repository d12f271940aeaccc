// The census of the allocators: blocks in use that no reference led to.
//
// C code that forgets to release an object leaves it where nothing of Python's points: what the
// collector tracks is still found in its rings, but a str, a bytes, a tuple of numbers or an object
// of a type without tp_traverse is in nobody's list. Only the allocator still knows the block. So,
// when everything else was visited, the memory itself is read:
//
//     pymalloc   16 KiB pools, each at a multiple of its size, anywhere in anonymous memory. A
//                header is believed only if all of its words agree with each other and the chain
//                of free blocks stays inside and is as long as the header says.
//     malloc     glibc's heaps and mappings: see chunks.c.
//
//     pool    | count | free | next prev | arena szidx | nextoffset max | block | block | ..
//             0       8      16          32            40               48
//     chunk   | size before | size and flags | block ..          | size of this | size and ..
//             -16           -8               0
//
// Allocators are told apart by what stands in memory, not by symbols: the offsets are those of all
// builds with pymalloc and of glibc since 2.26, and where another allocator is at work nothing
// agrees and nothing is counted. A block is an object if the word where its type would be is a type
// that stands at just that distance from the begin of its blocks, the count before it can be one,
// and the object fits.
//
// A block that another such block refers to is content. What has more references than those blocks
// explain is *loose*: that is what somebody forgot.
#include "capture/walker.h"

enum {
    POOL_BYTES = 1 << 14,
    POOL_HEAD_BYTES = 48,
    POOL_FREE = 8,
    POOL_CLASS = 36,
    POOL_NEXT_OFFSET = 40,
    POOL_MAX_OFFSET = 44,
    POOL_CLASSES = 32,
    POOL_BLOCK_SHIFT = 4,
    POOL_BLOCKS_MAX = POOL_BYTES >> POOL_BLOCK_SHIFT,
    IDLE_BYTES_MAX = 1 << 30,  ///< a region is left after so much in which nothing was found
    PROGRESS_BYTES = 1 << 22,
    EXACT_CLASSES = 64,  ///< sizes up to 1 KiB have a class each, larger ones by powers of two
    CLASSES = EXACT_CLASSES + 48,
    DICT_ENTRIES_MAX = 1 << 20
};

static const uint64_t REFCOUNT_MAX = UINT32_MAX;

// Blocks of one size class.
typedef struct size_count {
    uint64_t used;
    uint64_t free;
    uint64_t raw;  // of the used ones: no object is known in them
} size_count;

// An object that no reference led to.
typedef struct lost_object {
    uint64_t address;
    uint64_t end;  // of its block
    mm_type_info *type;
    uint64_t owned;  // references from other lost objects
} lost_object;

typedef struct census {
    mm_walker *walker;
    lost_object *lost;  // by address, ascending: memory is read from its low end
    size_t lost_count;
    size_t lost_room;
    size_count sizes[CLASSES];
} census;

static void lost_push(census *all, uint64_t object, uint64_t end, mm_type_info *type) {
    mm_walker *walker = all->walker;
    if (all->lost_count == all->lost_room) {
        size_t room = all->lost_room == 0 ? 1024 : all->lost_room * 2;
        lost_object *larger = MM_ARENA_NEW(&walker->arena, lost_object, room);
        if (larger == NULL) {
            walker_fail(walker, MM_E_NOMEM);
            return;
        }
        for (size_t i = 0; i < all->lost_count; i++) {
            larger[i] = all->lost[i];
        }
        all->lost = larger;
        all->lost_room = room;
    }
    MM_ASSERT(all->lost_count == 0 || all->lost[all->lost_count - 1].address < object);
    all->lost[all->lost_count++] = (lost_object){object, end, type, 0};
}

// Blocks ------------------------------------------------------------------------------------------

// A type that `address` may be: one of an object that is known, or a static one.
static mm_type_info *type_at(mm_walker *walker, uint64_t address) {
    uint32_t images = MM_REGION_PYTHON | MM_REGION_EXTENSION;
    if (address == 0 || !is_aligned(address) ||
        (find_done(walker, address) == NO_ID && (region_flags(walker, address) & images) == 0)) {
        return NULL;
    }
    mm_type_info *type = type_of(walker, address);
    return type->index != 0 ? type : NULL;
}

// Is there an object of this type in `bytes` bytes, at the distance from their begin at which its
// objects stand?
static bool fits(const mm_walker *walker, const mm_type_info *type, uint64_t object,
                 uint64_t before, uint64_t bytes) {
    uint64_t least = least_bytes(walker, type);
    if (type->prefix_bytes != before || type->metatype || least < OBJECT_HEAD_BYTES ||
        least > bytes - before) {
        return false;
    }
    if (type->variable && type->kind != MM_KIND_INT && type->item_bytes != 0) {
        uint64_t items = load_word(object + AT(walker, OB_SIZE));
        return items <= (bytes - before - least) / type->item_bytes + 1;
    }
    return true;
}

// Look at a block in use. Answers whether nothing is known of it.
// REQUIRES: all of it is readable.
static bool block_is_raw(census *all, uint64_t block, uint64_t bytes) {
    static const uint8_t before[] = {0, GC_HEAD_BYTES, GC_HEAD_BYTES + MANAGED_HEAD_BYTES};
    mm_walker *walker = all->walker;
    for (size_t i = 0; i < sizeof before; i++) {
        if (find_found(walker, block + before[i]) != NO_ID) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof before; i++) {
        uint64_t object = block + before[i];
        if (bytes < (uint64_t)before[i] + OBJECT_HEAD_BYTES) {
            break;
        }
        uint64_t references = load_word(object + AT(walker, OB_REFCNT));
        mm_type_info *type = references == 0 || references > REFCOUNT_MAX
                                 ? NULL
                                 : type_at(walker, load_word(object + AT(walker, OB_TYPE)));
        if (type != NULL && fits(walker, type, object, before[i], bytes)) {
            lost_push(all, object, block + bytes, type);
            return false;
        }
    }
    return true;
}

static unsigned size_class_of(uint64_t bytes) {
    const uint64_t exact_bytes = (uint64_t)EXACT_CLASSES << POOL_BLOCK_SHIFT;
    unsigned class = EXACT_CLASSES;
    if (bytes <= exact_bytes) {
        return bytes == 0 ? 0 : (unsigned)((bytes - 1) >> POOL_BLOCK_SHIFT);
    }
    for (uint64_t most = 2 * exact_bytes; most < bytes && class < CLASSES - 1; most *= 2) {
        class += 1;
    }
    return class;
}

static uint64_t size_class_bytes(unsigned class) {
    MM_ASSERT(class < CLASSES);
    return class < EXACT_CLASSES
               ? (uint64_t)(class + 1) << POOL_BLOCK_SHIFT
               : (uint64_t)2 * EXACT_CLASSES << (POOL_BLOCK_SHIFT + class - EXACT_CLASSES);
}

static void block_count(census *all, uint64_t block, uint64_t bytes) {
    size_count *size = &all->sizes[size_class_of(bytes)];
    size->used++;
    size->raw += block_is_raw(all, block, bytes);
}

// Pools -------------------------------------------------------------------------------------------

typedef struct pool_view {
    uint64_t block_bytes;
    uint64_t next_offset;                      // blocks from here on were never used
    uint64_t free_bits[POOL_BLOCKS_MAX / 64];  // by number of the block
    uint64_t used_count;
} pool_view;

// Lay open a pool. False for memory that only looks like one.
static bool pool_open(uint64_t pool, pool_view *ret) {
    uint64_t used = load_u32(pool);
    uint64_t class = load_u32(pool + POOL_CLASS);
    uint64_t bytes = (class + 1) << POOL_BLOCK_SHIFT;
    uint64_t next = load_u32(pool + POOL_NEXT_OFFSET);
    uint64_t free = load_word(pool + POOL_FREE);
    if (class >= POOL_CLASSES || used == 0 ||
        load_u32(pool + POOL_MAX_OFFSET) != POOL_BYTES - bytes || next < POOL_HEAD_BYTES + bytes ||
        next > POOL_BYTES || (next - POOL_HEAD_BYTES) % bytes != 0) {
        return false;
    }
    uint64_t count = (next - POOL_HEAD_BYTES) / bytes;
    mm_zero(ret, sizeof *ret);
    ret->block_bytes = bytes;
    ret->next_offset = next;
    uint64_t chained = 0;
    for (; free != 0 && chained < count; chained++) {
        uint64_t offset = free - pool;
        uint64_t number = offset < POOL_HEAD_BYTES ? count : (offset - POOL_HEAD_BYTES) / bytes;
        if (number >= count || (offset - POOL_HEAD_BYTES) % bytes != 0 ||
            (ret->free_bits[number >> 6] >> (number & 63) & 1) != 0) {
            return false;
        }
        ret->free_bits[number >> 6] |= (uint64_t)1 << (number & 63);
        free = load_word(free);
    }
    ret->used_count = used;
    return free == 0 && used + chained == count;
}

static void pool_read(census *all, uint64_t pool, const pool_view *view) {
    uint64_t capacity = (POOL_BYTES - POOL_HEAD_BYTES) / view->block_bytes;
    uint64_t number = 0;
    for (uint64_t at = POOL_HEAD_BYTES; at < view->next_offset; at += view->block_bytes) {
        if ((view->free_bits[number >> 6] >> (number & 63) & 1) == 0) {
            block_count(all, pool + at, view->block_bytes);
        }
        number++;
    }
    MM_ASSERT(view->used_count <= capacity);
    all->sizes[size_class_of(view->block_bytes)].free += capacity - view->used_count;
}

// Chunks ------------------------------------------------------------------------------------------

static void heap_read(census *all, uint64_t chunk, uint64_t end) {
    // The last one is what was never handed out.
    for (uint64_t next = chunk + chunk_bytes(chunk); next < end;) {
        uint64_t bytes = next - chunk;
        // What stands at the next chunk's begin is this one's while it is in use.
        bool used = (load_word(next + 8) & CHUNK_PREVIOUS_IN_USE) != 0;
        if (bytes >= CHUNK_BYTES_LEAST && used) {
            block_count(all, chunk + CHUNK_HEAD_BYTES, bytes - CHUNK_HEAD_BYTES / 2);
        } else if (bytes >= CHUNK_BYTES_LEAST) {
            all->sizes[size_class_of(bytes - CHUNK_HEAD_BYTES / 2)].free++;
        }
        chunk = next;
        next += chunk_bytes(chunk);
    }
}

// Regions -----------------------------------------------------------------------------------------

static void progress_tell(const mm_walker *walker) {
    if (walker->options->note != NULL) {
        walker->options->note->progress++;
    }
}

// What was never touched may be large, and looking at it costs a page each.
static void pages_read(census *all, const mm_region *region) {
    uint64_t at = (region->start + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
    uint64_t found = at;  // behind the last thing that was
    pool_view pool;
    while (at < region->end && region->end - at >= PAGE_BYTES && at - found < IDLE_BYTES_MAX &&
           all->walker->status == MM_OK) {
        uint64_t bytes = chunk_mapping_bytes(at, region->end);
        if (at % PROGRESS_BYTES == 0) {
            progress_tell(all->walker);
        }
        if (bytes != 0) {
            block_count(all, at + CHUNK_HEAD_BYTES, bytes - CHUNK_HEAD_BYTES);
            at += bytes;
            found = at;
        } else if (at % POOL_BYTES == 0 && region->end - at >= POOL_BYTES && pool_open(at, &pool)) {
            pool_read(all, at, &pool);
            at += POOL_BYTES;
            found = at;
        } else {
            at += PAGE_BYTES;
        }
    }
}

static void regions_read(census *all) {
    mm_walker *walker = all->walker;
    for (uint32_t i = 0; i < walker->region_count && walker->status == MM_OK; i++) {
        const mm_region *region = &walker->regions[i];
        uint64_t end = 0;
        if (region->flags != MM_REGION_WRITE || region->end - region->start < PAGE_BYTES) {
            continue;
        }
        uint64_t chunk = chunk_heap_find(region, &end);
        if (chunk != 0) {
            heap_read(all, chunk, end);
        } else {
            pages_read(all, region);
        }
        progress_tell(walker);
    }
}

// Loose and contained -----------------------------------------------------------------------------

// One reference of a lost object: to another one?
static void lost_refer(census *all, uint64_t target) {
    if (target < all->lost[0].address || target > all->lost[all->lost_count - 1].address) {
        return;
    }
    size_t low = 0;
    size_t high = all->lost_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->lost[middle].address < target) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < all->lost_count && all->lost[low].address == target) {
        all->lost[low].owned++;
    }
}

static void lost_dict(census *all, uint64_t dict) {
    mm_dict_view view;
    if (!is_readable(all->walker, dict, AT(all->walker, DICT_VALUES) + 8u) ||
        !dict_view(all->walker, dict, &view)) {
        return;
    }
    for (uint64_t i = 0; i < view.count && i < DICT_ENTRIES_MAX; i++) {
        lost_refer(all, dict_value(&view, i));
        if (view.values == 0) {
            lost_refer(all, dict_key(&view, i));
        }
    }
}

static bool is_plain_data(const mm_type_info *type) {
    return type->kind == MM_KIND_LEAF || type->kind == MM_KIND_STR || type->kind == MM_KIND_INT ||
           type->kind == MM_KIND_BYTEARRAY;
}

static void lost_judge(census *all) {
    mm_walker *walker = all->walker;
    for (size_t i = 0; i < all->lost_count; i++) {
        const lost_object *lost = &all->lost[i];
        if (is_plain_data(lost->type)) {
            continue;
        }
        for (uint64_t at = lost->address + OBJECT_HEAD_BYTES; at + 8 <= lost->end; at += 8) {
            lost_refer(all, load_word(at));
        }
        if (lost->type->kind == MM_KIND_DICT) {
            lost_dict(all, lost->address);
        }
    }
    for (size_t i = 0; i < all->lost_count; i++) {
        const lost_object *lost = &all->lost[i];
        lost->type->lost_blocks++;
        lost->type->lost_bytes += lost->end - lost->address + lost->type->prefix_bytes;
        lost->type->lost_loose += load_word(lost->address + AT(walker, OB_REFCNT)) > lost->owned;
    }
}

void census_take(mm_walker *walker) {
    census *all = MM_ARENA_NEW(&walker->arena, census, 1);
    if (all == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return;
    }
    all->walker = walker;
    regions_read(all);
    if (walker->status != MM_OK) {
        return;
    }
    lost_judge(all);
    for (const mm_type_info *type = walker->types.first; type != NULL; type = type->next) {
        if (type->lost_blocks != 0) {
            mm_census_type_record record = {type->index, type->lost_blocks, type->lost_bytes,
                                            type->lost_loose};
            mm_writer_census_type(walker->writer, &record);
        }
    }
    for (unsigned class = 0; class < CLASSES; class += 1) {
        const size_count *size = &all->sizes[class];
        if (size->used != 0 || size->free != 0) {
            mm_census_size_record record = {size_class_bytes(class), size->used, size->free,
                                            size->raw};
            mm_writer_census_size(walker->writer, &record);
        }
    }
}

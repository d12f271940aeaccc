// Blocks of glibc's malloc, and which objects of C own them.
//
//     chunk   | size before | size and flags | block ..          | size of this | size and ..
//             -16           -8               0
//
// Chunks of a heap lie end to end from the first to the last, so a heap is believed only if the
// sizes lead exactly to its end. Chunks with a mapping of their own are pages that begin with their
// length. Offsets and flags are those of glibc since 2.26; where another allocator is at work
// nothing agrees.
//
// An object of a type that nobody described, and that has no tp_traverse to ask, may have a block
// beside it: the data of an ndarray, the digits of a number. Nothing is called to learn of it: a
// word of the object that is the address of a block in use is what a person would follow, too. The
// block is the object's if no other object of such a type has that word; of several the one that
// the others refer to owns it, as an array does whose views begin where it begins. What that does
// not settle belongs to nobody, and a block that is counted twice would be worse than one that is
// not counted.
#include "base/free/sort.h"
#include "capture/walker.h"

enum {
    HEAP_START_BYTES = 4096,  ///< the first chunk of a heap begins within so many bytes at most
    TORN_BYTES = 1 << 20,
    HEAP_SIZE_OFFSET = 16,  ///< of a thread's heap: where its own size stands
    MAPPING_LEAST = 4 * PAGE_BYTES,
    NEIGHBOURS = 4,     ///< chunks behind one that must be sane for it to be believed
    WORDS_MAX = 64,     ///< of an object that are looked at
    CLAIMANTS_MAX = 16  ///< of one block
};

static const uint64_t HEAP_ALIGN_BYTES = 1 << 26;

// A word that is the address of a block.
typedef struct claim {
    uint64_t block;
    uint64_t bytes;
    size_t number;  // of the postponed object
} claim;

typedef struct claims {
    mm_walker *walker;
    claim *items;
    size_t count;
    size_t room;
    uint64_t *first;  // by region: first chunk of the heap that it is; 0 = not looked at yet,
                      // UINT64_MAX = it is none
    bool full;        // memory is out: nothing is owned
} claims;

// Chunks ------------------------------------------------------------------------------------------

static bool chunk_is_sane(uint64_t chunk, uint64_t end) {
    uint64_t bytes = chunk_bytes(chunk);
    return bytes % CHUNK_HEAD_BYTES == 0 && bytes >= CHUNK_HEAD_BYTES && bytes <= end - chunk &&
           (load_word(chunk + 8) & CHUNK_IS_MAPPING) == 0;
}

// How far chunks lie end to end from here.
static uint64_t chain_reach(uint64_t chunk, uint64_t end) {
    if ((load_word(chunk + 8) & CHUNK_PREVIOUS_IN_USE) == 0) {
        return chunk;
    }
    while (chunk + CHUNK_HEAD_BYTES <= end && chunk_is_sane(chunk, end)) {
        chunk += chunk_bytes(chunk);
    }
    return chunk;
}

uint64_t chunk_heap_find(const mm_region *region, uint64_t *ret_end) {
    uint64_t end = region->end;
    if (region->start % HEAP_ALIGN_BYTES == 0) {
        uint64_t bytes = load_word(region->start + HEAP_SIZE_OFFSET);
        bool whole = bytes % PAGE_BYTES == 0 && bytes > 0 && bytes <= end - region->start;
        end = whole ? region->start + bytes : end;
    }
    *ret_end = end;
    // The rest of a program's data may stand before it, down to any byte.
    uint64_t chunk = (region->start + CHUNK_HEAD_BYTES - 1) & ~(uint64_t)(CHUNK_HEAD_BYTES - 1);
    for (uint64_t last = chunk + HEAP_START_BYTES;
         chunk <= last && chunk < end && end - chunk >= CHUNK_BYTES_LEAST;
         chunk += CHUNK_HEAD_BYTES) {
        uint64_t reach = chain_reach(chunk, end);
        if (reach == end) {
            return chunk;
        }
        if (reach - chunk > TORN_BYTES) {
            return 0;  // a heap it is, but torn: another begin leads to the same place
        }
    }
    return 0;
}

// Only what begins with its own length, and fits, is one.
uint64_t chunk_mapping_bytes(uint64_t page, uint64_t end) {
    uint64_t size = load_word(page + 8);
    uint64_t bytes = size & ~(uint64_t)CHUNK_FLAGS;
    bool is_one = load_word(page) == 0 && (size & CHUNK_FLAGS) == CHUNK_IS_MAPPING &&
                  bytes % PAGE_BYTES == 0 && bytes >= MAPPING_LEAST && bytes <= end - page;
    return is_one ? bytes : 0;
}

// Claims ------------------------------------------------------------------------------------------

// Does a chunk in use begin here, in a region that is a heap? Its neighbours must agree.
static uint64_t heap_chunk_bytes(uint64_t chunk, uint64_t end) {
    if (end - chunk < CHUNK_BYTES_LEAST || !chunk_is_sane(chunk, end) ||
        chunk_bytes(chunk) < CHUNK_BYTES_LEAST) {
        return 0;
    }
    uint64_t bytes = chunk_bytes(chunk);
    uint64_t next = chunk + bytes;
    for (unsigned i = 0; i < NEIGHBOURS && next < end; i++) {
        if (end - next < CHUNK_HEAD_BYTES || !chunk_is_sane(next, end) ||
            (i == 0 && (load_word(next + 8) & CHUNK_PREVIOUS_IN_USE) == 0)) {
            return 0;
        }
        next += chunk_bytes(next);
    }
    return chunk + bytes < end ? bytes - CHUNK_HEAD_BYTES / 2 : 0;
}

// Bytes of the block that begins at an address, or 0.
static uint64_t block_bytes_at(claims *all, uint64_t address) {
    mm_walker *walker = all->walker;
    if (address % CHUNK_HEAD_BYTES != 0 || address < PAGE_BYTES ||
        region_flags(walker, address) != MM_REGION_WRITE) {
        return 0;
    }
    const mm_region *region = walker->region;
    uint64_t chunk = address - CHUNK_HEAD_BYTES;
    if (chunk < region->start) {
        return 0;
    }
    if (chunk % PAGE_BYTES == 0 && region->end - chunk >= PAGE_BYTES) {
        uint64_t bytes = chunk_mapping_bytes(chunk, region->end);
        if (bytes != 0) {
            return bytes - CHUNK_HEAD_BYTES;
        }
    }
    uint64_t *first = &all->first[region - walker->regions];
    if (*first == 0) {
        uint64_t end = 0;
        bool large = region->end - region->start >= PAGE_BYTES;
        *first = large ? chunk_heap_find(region, &end) : 0;
        *first = *first != 0 ? *first : UINT64_MAX;
    }
    return chunk >= *first ? heap_chunk_bytes(chunk, region->end) : 0;
}

static void claim_push(claims *all, uint64_t block, uint64_t bytes, size_t number) {
    if (all->count == all->room) {
        size_t room = all->room == 0 ? 256 : all->room * 2;
        claim *larger = MM_ARENA_NEW(&all->walker->arena, claim, room);
        if (larger == NULL) {
            all->full = true;
            return;
        }
        for (size_t i = 0; i < all->count; i++) {
            larger[i] = all->items[i];
        }
        MM_ARENA_GIVE_BACK(&all->walker->arena, all->items, all->room);
        all->items = larger;
        all->room = room;
    }
    all->items[all->count++] = (claim){block, bytes, number};
}

// Where the words of an object end that nobody described; its begin when they cannot be read.
static uint64_t words_end(mm_walker *walker, uint64_t object) {
    const mm_type_info *type = type_of(walker, load_word(object + AT(walker, OB_TYPE)));
    uint64_t bytes = load_word(type->solid + AT(walker, TYPE_BASICSIZE));
    bytes = bytes < type->basic_bytes ? bytes : type->basic_bytes;
    bytes = bytes < WORDS_MAX * 8u ? bytes : WORDS_MAX * 8u;
    bool plain = type->scan && !type->opaque && type->buffer == 0;
    return plain && is_readable(walker, object, bytes) ? object + bytes : object;
}

static void object_claim(claims *all, size_t number) {
    mm_walker *walker = all->walker;
    uint64_t object = walker->postponed.items[number];
    uint64_t end = words_end(walker, object);
    for (uint64_t at = object + OBJECT_HEAD_BYTES; at + 8 <= end && !all->full; at += 8) {
        uint64_t block = load_word(at);
        uint64_t bytes =
            block == 0 || find_found(walker, block) != NO_ID ? 0 : block_bytes_at(all, block);
        if (bytes != 0) {
            claim_push(all, block, bytes, number);
        }
    }
}

static bool claim_before(const void *left, const void *right, const void *context) {
    const claim *a = left;
    const claim *b = right;
    (void)context;
    return a->block < b->block;
}

// Does an object have the address of another one's?
static bool claimant_leads_to(mm_walker *walker, size_t from, size_t to) {
    uint64_t object = walker->postponed.items[from];
    uint64_t end = words_end(walker, object);
    for (uint64_t at = object + OBJECT_HEAD_BYTES; at + 8 <= end; at += 8) {
        if (load_word(at) == walker->postponed.items[to]) {
            return true;
        }
    }
    return false;
}

// Whose is the block that `count` claims speak of? SIZE_MAX = nobody's. An object comes once for
// each of its words, one behind the other.
static size_t block_owner_of(mm_walker *walker, const claim *items, size_t count) {
    size_t owner = SIZE_MAX;
    if (count > CLAIMANTS_MAX) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < count; i++) {
        bool leads = false;
        for (size_t k = 0; k < count && !leads; k++) {
            leads = items[k].number != items[i].number &&
                    claimant_leads_to(walker, items[i].number, items[k].number);
        }
        if (!leads && owner != SIZE_MAX && owner != items[i].number) {
            return SIZE_MAX;
        }
        owner = leads ? owner : items[i].number;
    }
    return owner;
}

void chunks_claim(mm_walker *walker) {
    size_t count = walker->postponed.count;
    claims all = {.walker = walker};
    uint64_t *owned = count == 0 ? NULL : MM_ARENA_NEW(&walker->arena, uint64_t, count);
    all.first = MM_ARENA_NEW(&walker->arena, uint64_t, walker->region_count);
    if (owned == NULL || all.first == NULL) {
        return;
    }
    for (size_t i = 0; i < count && !all.full; i++) {
        object_claim(&all, i);
    }
    claim *buffer = MM_ARENA_NEW(&walker->arena, claim, all.count + 1);
    if (all.full || buffer == NULL) {
        return;
    }
    mm_sort(all.items, buffer, all.count, sizeof *buffer, claim_before, NULL);
    for (size_t first = 0; first < all.count;) {
        size_t end = first + 1;
        while (end < all.count && all.items[end].block == all.items[first].block) {
            end++;
        }
        size_t owner = block_owner_of(walker, all.items + first, end - first);
        if (owner != SIZE_MAX) {
            owned[owner] += all.items[first].bytes;
        }
        first = end;
    }
    MM_ARENA_GIVE_BACK(&walker->arena, buffer, all.count + 1);
    MM_ARENA_GIVE_BACK(&walker->arena, all.items, all.room);
    walker->owned_bytes = owned;
    walker->owned_count = count;
}

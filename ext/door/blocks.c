// What C code forgets is in no list of the collector's, and no reference leads to it: only the
// allocator was ever told. So its calls are listened to, for the time of one round, and the blocks
// that were asked for and not given back stand in a table. An object begins at a block's beginning,
// or behind a collector's header, or behind that and two words that lead to its attributes.
//
// The table is open-addressed: a slot is an address and a length. A block that was given back keeps
// its slot, without a length: what stands behind it is still found, and the next block at the same
// address, which comes soon, takes the slot again. Memory for it is the raw domain's: the one of
// objects would lead back here. When that is out, no more is noted.
#include "blocks.h"

#include "base/free/status.h"
#include "base/os/maps.h"

#include <string.h>

enum { ROOM_FIRST = 1 << 12, HEADER_STEP = 16, HEADER_BYTES_MAX = 32 };

typedef struct block_slot {
    uint64_t address;  // 0 = never used
    uint64_t bytes;    // 0 = given back
} block_slot;

struct door_blocks {
    PyMemAllocatorEx below;
    block_slot *slots;
    size_t room;  // a power of two
    size_t used;  // slots that are not 0
    bool is_closed;
};

static size_t slot_of(const block_slot *slots, size_t room, uint64_t address) {
    size_t at = (size_t)((address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (room - 1);
    while (slots[at].address != 0 && slots[at].address != address) {
        at = (at + 1) & (room - 1);
    }
    return at;
}

// Room for twice as many blocks as there are, without what was given back. False when memory is
// out.
static bool table_renew(door_blocks *blocks) {
    size_t count = 0;
    size_t room = ROOM_FIRST;
    for (size_t i = 0; i < blocks->room; i++) {
        count += blocks->slots[i].bytes > 0;
    }
    while (room < count * 4) {
        room *= 2;
    }
    block_slot *slots = PyMem_RawCalloc(room, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < blocks->room; i++) {
        if (blocks->slots[i].bytes > 0) {
            slots[slot_of(slots, room, blocks->slots[i].address)] = blocks->slots[i];
        }
    }
    PyMem_RawFree(blocks->slots);
    blocks->slots = slots;
    blocks->room = room;
    blocks->used = count;
    return true;
}

static void block_note(door_blocks *blocks, const void *block, size_t bytes) {
    if (blocks->is_closed || block == NULL || bytes == 0) {
        return;
    }
    if (blocks->used * 2 >= blocks->room && !table_renew(blocks)) {
        blocks->is_closed = true;
        return;
    }
    block_slot *slot =
        &blocks->slots[slot_of(blocks->slots, blocks->room, (uint64_t)(uintptr_t)block)];
    blocks->used += slot->address == 0;
    *slot = (block_slot){(uint64_t)(uintptr_t)block, bytes};
}

static void block_forget(door_blocks *blocks, const void *block) {
    if (block == NULL || blocks->room == 0) {
        return;
    }
    block_slot *slot =
        &blocks->slots[slot_of(blocks->slots, blocks->room, (uint64_t)(uintptr_t)block)];
    slot->bytes = 0;
}

static void *blocks_malloc(void *context, size_t bytes) {
    door_blocks *blocks = context;
    void *block = blocks->below.malloc(blocks->below.ctx, bytes);
    block_note(blocks, block, bytes);
    return block;
}

static void *blocks_calloc(void *context, size_t count, size_t bytes) {
    door_blocks *blocks = context;
    void *block = blocks->below.calloc(blocks->below.ctx, count, bytes);
    // The one below has refused what would overflow.
    block_note(blocks, block, count * bytes);
    return block;
}

static void *blocks_realloc(void *context, void *before, size_t bytes) {
    door_blocks *blocks = context;
    void *block = blocks->below.realloc(blocks->below.ctx, before, bytes);
    if (block != NULL) {
        block_forget(blocks, before);
        block_note(blocks, block, bytes);
    }
    return block;
}

static void blocks_free(void *context, void *block) {
    door_blocks *blocks = context;
    block_forget(blocks, block);
    blocks->below.free(blocks->below.ctx, block);
}

door_blocks *door_blocks_begin(void) {
    door_blocks *blocks = PyMem_RawCalloc(1, sizeof *blocks);
    if (blocks == NULL || !table_renew(blocks)) {
        PyMem_RawFree(blocks);
        return NULL;
    }
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &blocks->below);
    PyMemAllocatorEx ours = {blocks, blocks_malloc, blocks_calloc, blocks_realloc, blocks_free};
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &ours);
    return blocks;
}

// Is all that is given back still heard of? Who ends a tracer that was there before us puts back
// what stood below both.
static bool blocks_listen(const door_blocks *blocks) {
    PyMemAllocatorEx now;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    return now.ctx == blocks;
}

void door_blocks_close(door_blocks *blocks) {
    blocks->is_closed = true;
}

static bool is_known(const uint64_t *known, uint64_t count, uint64_t address) {
    uint64_t low = 0;
    uint64_t high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (known[middle] < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && known[low] == address;
}

// The object of the type in a block, or 0: its count is above 0, and its type stands behind that.
// Who gives a block back to another domain is not heard, so it may be gone: it is only peeked at.
static uint64_t object_in(const block_slot *slot, uint64_t type) {
    char bytes[HEADER_BYTES_MAX + sizeof(PyObject)] = {0};
    size_t count = slot->bytes < sizeof bytes ? (size_t)slot->bytes : sizeof bytes;
    if (mm_os_peek_self(slot->address, bytes, count) != MM_OK) {
        return 0;
    }
    for (uint64_t before = 0; before + sizeof(PyObject) <= count; before += HEADER_STEP) {
        PyObject object;
        memcpy(&object, bytes + before, sizeof object);
        if ((uint64_t)(uintptr_t)object.ob_type == type && Py_REFCNT(&object) > 0) {
            return slot->address + before;
        }
    }
    return 0;
}

uint64_t door_blocks_lost(const door_blocks *blocks, uint64_t type, const uint64_t *known,
                          uint64_t known_count, uint64_t *ret, uint64_t room) {
    uint64_t count = 0;
    MM_ASSERT(type != 0);
    MM_ASSERT(known != NULL || known_count == 0);
    if (!blocks_listen(blocks)) {
        return 0;
    }
    for (size_t i = 0; i < blocks->room && count < room; i++) {
        uint64_t object = blocks->slots[i].bytes > 0 ? object_in(&blocks->slots[i], type) : 0;
        if (object != 0 && !is_known(known, known_count, object)) {
            ret[count++] = object;
        }
    }
    return count;
}

void door_blocks_end(door_blocks *blocks) {
    if (blocks == NULL) {
        return;
    }
    if (blocks_listen(blocks)) {
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &blocks->below);
        PyMem_RawFree(blocks->slots);
        PyMem_RawFree(blocks);
    } else {
        // Whoever came behind us leads to us for ever.
        blocks->is_closed = true;
    }
}

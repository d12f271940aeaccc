// The layout is made by putting the words of each struct one behind the other, from the first to
// the last or, in an odd heap, from the last to the first behind a longer header. What the walker
// takes for granted in every version stands as it is: the collector's two words in front of an
// object, entries of dicts and sets, bits of a str's state, characters of bytes at 32.
#include "fake_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, BLOCK = 1 << 20, MARGIN = 1 << 16, INSTRUCTIONS = 64 };

static uint16_t body_of(const fake_heap *heap) {
    return heap->odd ? 32 : 24;  // behind the object's header and count
}

static uint16_t words_place(fake_heap *heap, uint16_t start, const uint16_t *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t place = heap->odd ? count - 1 - i : i;
        heap->layout.at[names[i]] = (uint16_t)(start + 8 * place);
    }
    return (uint16_t)(start + 8 * count);
}

#define PLACE(heap, start, ...)                                   \
    words_place((heap), (start), (const uint16_t[]){__VA_ARGS__}, \
                sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

static void layout_types(fake_heap *heap) {
    uint16_t *at = heap->layout.at;
    at[MM_AT_OB_TYPE] = heap->odd ? 0 : 8;
    at[MM_AT_OB_REFCNT] = heap->odd ? 8 : 0;
    at[MM_AT_OB_SIZE] = heap->odd ? 24 : 16;
    at[MM_AT_TYPE_SIZEOF] =
        PLACE(heap, body_of(heap), MM_AT_TYPE_NAME, MM_AT_TYPE_BASICSIZE, MM_AT_TYPE_ITEMSIZE,
              MM_AT_TYPE_FLAGS, MM_AT_TYPE_TRAVERSE, MM_AT_TYPE_WEAKLISTOFFSET, MM_AT_TYPE_MEMBERS,
              MM_AT_TYPE_BASE, MM_AT_TYPE_DICT, MM_AT_TYPE_DICTOFFSET, MM_AT_TYPE_BASES,
              MM_AT_TYPE_MRO, MM_AT_TYPE_AS_SEQUENCE, MM_AT_TYPE_SUBCLASSES);
    at[MM_AT_HEAPTYPE_SIZEOF] = PLACE(heap, at[MM_AT_TYPE_SIZEOF], MM_AT_HEAPTYPE_NAME,
                                      MM_AT_HEAPTYPE_QUALNAME, MM_AT_HEAPTYPE_CACHED_KEYS);
    at[MM_AT_SEQUENCE_ITEM] = heap->odd ? 8 : 24;
    at[MM_AT_MEMBER_NAME] = heap->odd ? 16 : 0;
    at[MM_AT_MEMBER_TYPE] = heap->odd ? 4 : 8;
    at[MM_AT_MEMBER_OFFSET] = heap->odd ? 8 : 16;
    at[MM_AT_MEMBER_SIZEOF] = heap->odd ? 24 : 40;
}

static void layout_containers(fake_heap *heap) {
    uint16_t *at = heap->layout.at;
    uint16_t body = body_of(heap);
    uint16_t end = PLACE(heap, body, MM_AT_DICT_USED, MM_AT_DICT_KEYS, MM_AT_DICT_VALUES);
    (void)PLACE(heap, end, MM_AT_ODICT_FIRST, MM_AT_ODICT_INST_DICT, MM_AT_ODICT_NODES_SIZE);
    at[MM_AT_ODICT_NODE_KEY] = heap->odd ? 8 : 0;
    at[MM_AT_ODICT_NODE_NEXT] = heap->odd ? 0 : 16;
    at[MM_AT_ODICT_NODE_SIZEOF] = 32;
    at[MM_AT_KEYS_REFCNT] = heap->odd ? 16 : 0;
    at[MM_AT_KEYS_LOG2_SIZE] = heap->odd ? 2 : 8;
    at[MM_AT_KEYS_LOG2_INDEX_BYTES] = heap->odd ? 1 : 9;
    at[MM_AT_KEYS_KIND] = heap->odd ? 0 : 10;
    at[MM_AT_KEYS_USABLE] = heap->odd ? 8 : 16;
    at[MM_AT_KEYS_NENTRIES] = 24;
    at[MM_AT_KEYS_INDICES] = heap->odd ? 40 : 32;
    at[MM_AT_VALUES_FIRST] = 0;
    if (heap->layout.minor >= 13) {
        at[MM_AT_VALUES_FIRST] = heap->odd ? 16 : 8;
        at[MM_AT_VALUES_CAPACITY] = heap->odd ? 3 : 0;
        at[MM_AT_VALUES_EMBEDDED] = heap->odd ? 1 : 2;
        at[MM_AT_VALUES_VALID] = heap->odd ? 0 : 3;
    }
    (void)PLACE(heap, body, MM_AT_LIST_ITEMS, MM_AT_LIST_ALLOCATED);
    at[MM_AT_TUPLE_ITEMS] = body;
    at[MM_AT_SET_SMALLTABLE] =
        PLACE(heap, body, MM_AT_SET_FILL, MM_AT_SET_USED, MM_AT_SET_MASK, MM_AT_SET_TABLE);
    at[MM_AT_STR_ASCII_SIZEOF] = PLACE(heap, body, MM_AT_STR_LENGTH, MM_AT_STR_STATE);
    at[MM_AT_STR_COMPACT_SIZEOF] =
        PLACE(heap, at[MM_AT_STR_ASCII_SIZEOF], MM_AT_STR_UTF8_LENGTH, MM_AT_STR_UTF8);
    at[MM_AT_STR_DATA] = at[MM_AT_STR_COMPACT_SIZEOF];
    at[MM_AT_STR_LEGACY_SIZEOF] = (uint16_t)(at[MM_AT_STR_DATA] + 8);
    at[MM_AT_STR_KIND_BIT] = heap->odd ? 5 : 2;
    at[MM_AT_BYTEARRAY_ALLOC] = body;
    at[MM_AT_BYTES_DATA] = 32;
    if (heap->layout.minor >= 12) {
        at[MM_AT_LONG_TAG] = body;
    }
}

static void layout_code(fake_heap *heap) {
    static const uint16_t numbers[] = {MM_AT_CODE_FLAGS,          MM_AT_CODE_ARGCOUNT,
                                       MM_AT_CODE_KWONLYARGCOUNT, MM_AT_CODE_STACKSIZE,
                                       MM_AT_CODE_FIRSTLINENO,    MM_AT_CODE_NLOCALSPLUS,
                                       MM_AT_CODE_NFREEVARS};
    uint16_t *at = heap->layout.at;
    uint16_t body = body_of(heap);
    (void)PLACE(heap, body, MM_AT_FUNCTION_CODE, MM_AT_FUNCTION_CLOSURE, MM_AT_FUNCTION_GLOBALS,
                MM_AT_FUNCTION_NAME);
    uint16_t end =
        PLACE(heap, body, MM_AT_CODE_CONSTS, MM_AT_CODE_NAMES, MM_AT_CODE_LOCALSPLUSNAMES,
              MM_AT_CODE_FILENAME, MM_AT_CODE_NAME, MM_AT_CODE_QUALNAME, MM_AT_CODE_LINETABLE);
    if (heap->layout.minor >= 12) {
        at[MM_AT_CODE_CACHED] = end;
        at[MM_AT_CODE_CACHED_SIZEOF] = 32;
        end = (uint16_t)(end + 8);
    }
    for (size_t i = 0; i < MM_COUNTOF(numbers); i++) {
        at[numbers[i]] = (uint16_t)(end + 4 * (heap->odd ? MM_COUNTOF(numbers) - 1 - i : i));
    }
    at[MM_AT_CODE_ADAPTIVE] = (uint16_t)(end + 4 * MM_COUNTOF(numbers));
}

static void layout_frames(fake_heap *heap) {
    uint16_t *at = heap->layout.at;
    uint16_t body = body_of(heap);
    layout_code(heap);
    at[MM_AT_FRAME_INLINE] =
        PLACE(heap, (uint16_t)(body + 8), MM_AT_FRAME_BACK, MM_AT_FRAME_IFRAME);
    uint16_t end = PLACE(heap, 0, MM_AT_IFRAME_CODE, MM_AT_IFRAME_PREVIOUS, MM_AT_IFRAME_FUNCTION,
                         MM_AT_IFRAME_GLOBALS, MM_AT_IFRAME_LOCALS, MM_AT_IFRAME_FRAME,
                         MM_AT_IFRAME_INSTRUCTION);
    at[MM_AT_IFRAME_STACKTOP] = (uint16_t)(end + (heap->odd ? 4 : 0));
    at[MM_AT_IFRAME_OWNER] = (uint16_t)(end + (heap->odd ? 1 : 5));
    at[MM_AT_IFRAME_LOCALSPLUS] = (uint16_t)(end + (heap->odd ? 16 : 8));
    at[MM_AT_GEN_EXC_STATE] = (uint16_t)(body + 8);
    at[MM_AT_EXC_INFO_VALUE] = heap->odd ? 8 : 0;
    at[MM_AT_GEN_STATE] = (uint16_t)(body + 24 + (heap->odd ? 5 : 0));
    at[MM_AT_GEN_IFRAME] = (uint16_t)(body + 32);
    at[MM_AT_TRACEBACK_LINENO] = (uint16_t)(body + 16 + (heap->odd ? 0 : 4));
    (void)PLACE(heap, body, MM_AT_MODULE_DICT, MM_AT_MODULE_DEF, MM_AT_MODULE_NAME);
    (void)PLACE(heap, 16, MM_AT_MODULEDEF_TRAVERSE);
    (void)PLACE(heap, body, MM_AT_WEAKREF_OBJECT);
    at[MM_AT_EXCEPTION_DICT] = body;
    if (heap->layout.minor >= 13) {
        at[MM_AT_THREAD_CURRENT_FRAME] = heap->odd ? 24 : 8;
    } else {
        at[MM_AT_THREAD_CFRAME] = heap->odd ? 24 : 8;
        at[MM_AT_CFRAME_CURRENT_FRAME] = heap->odd ? 8 : 0;
    }
}

static void layout_fill(fake_heap *heap, unsigned minor) {
    for (size_t i = 0; i < MM_AT_COUNT; i++) {
        heap->layout.at[i] = MM_AT_NONE;
    }
    heap->layout.minor = (uint16_t)minor;
    heap->layout.kinds_checked = UINT32_MAX;
    layout_types(heap);
    layout_containers(heap);
    layout_frames(heap);
}

// Memory ----------------------------------------------------------------------------------------

uint16_t fake_at(const fake_heap *heap, enum mm_at at) {
    MM_ASSERT(heap->layout.at[at] != MM_AT_NONE);
    return heap->layout.at[at];
}

void fake_put(uint64_t address, uint64_t word) {
    memcpy((void *)(uintptr_t)address, &word, sizeof word);
}

void fake_put32(uint64_t address, uint32_t value) {
    memcpy((void *)(uintptr_t)address, &value, sizeof value);
}

void fake_put8(uint64_t address, uint8_t value) {
    memcpy((void *)(uintptr_t)address, &value, sizeof value);
}

uint64_t fake_get(uint64_t address) {
    uint64_t word;
    memcpy(&word, (const void *)(uintptr_t)address, sizeof word);
    return word;
}

void fake_set(const fake_heap *heap, uint64_t object, enum mm_at at, uint64_t word) {
    fake_put(object + fake_at(heap, at), word);
}

static void region_add(fake_heap *heap, uint64_t start, uint64_t end, uint32_t flags) {
    if (heap->region_count == FAKE_REGIONS) {
        abort();
    }
    uint32_t i = heap->region_count++;
    for (; i > 0 && heap->regions[i - 1].start > start; i--) {
        heap->regions[i] = heap->regions[i - 1];
    }
    heap->regions[i] = (mm_region){start, end, flags, 0};
}

// Answers where `size_bytes` begin: `margin` bytes below a border of blocks, or anywhere.
static uint64_t region_map(fake_heap *heap, size_t size_bytes, size_t margin, uint32_t flags) {
    size_t total = size_bytes + 2 * BLOCK;
    uint8_t *map = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || heap->map_count == FAKE_REGIONS) {
        abort();
    }
    heap->maps[heap->map_count] = map;
    heap->map_bytes[heap->map_count++] = total;
    uint64_t border = ((uint64_t)(uintptr_t)map + BLOCK) & ~(uint64_t)(BLOCK - 1);
    uint64_t start = margin != 0 && border - margin > (uint64_t)(uintptr_t)map
                         ? border - margin
                         : (uint64_t)(uintptr_t)map + PAGE;
    if (margin != 0 && start != border - margin) {
        start = border + BLOCK - margin;
    }
    if (mprotect((void *)(uintptr_t)start, size_bytes, PROT_READ | PROT_WRITE) != 0) {
        abort();
    }
    region_add(heap, start, start + size_bytes, flags);
    return start;
}

uint64_t fake_region(fake_heap *heap, size_t size_bytes, uint32_t flags) {
    return region_map(heap, size_bytes, 0, flags);
}

void fake_code_region(fake_heap *heap, fake_traverse function) {
    uint64_t page = (uint64_t)(uintptr_t)function & ~(uint64_t)(PAGE - 1);
    for (uint32_t i = 0; i < heap->region_count; i++) {
        if (heap->regions[i].start == page) {
            return;
        }
    }
    region_add(heap, page, page + PAGE, MM_REGION_EXECUTE | MM_REGION_EXTENSION);
}

uint64_t fake_take(fake_heap *heap, size_t count) {
    uint64_t start = heap->at;
    heap->at += (count + 15) & ~(size_t)15;
    if (heap->at > heap->end) {
        fprintf(stderr, "the fake heap is too small\n");
        abort();
    }
    return start;
}

uint64_t fake_text(fake_heap *heap, const char *text) {
    size_t count = strlen(text) + 1;
    uint64_t at = fake_take(heap, count);
    memcpy((void *)(uintptr_t)at, text, count);
    return at;
}

// Types -----------------------------------------------------------------------------------------

int fake_never_traverse(void *object, fake_visit visit, void *context) {
    (void)object;
    (void)visit;
    (void)context;
    abort();
}

// A dict is asked whether it reports the values inside an instance: this one does not.
static int silent_traverse(void *object, fake_visit visit, void *context) {
    (void)object;
    (void)visit;
    (void)context;
    return 0;
}

int fake_subtype_traverse(void *object, fake_visit visit, void *context) {
    (void)object;
    (void)visit;
    (void)context;
    abort();
}

void fake_header(const fake_heap *heap, uint64_t address, uint64_t type) {
    fake_set(heap, address, MM_AT_OB_REFCNT, 1);
    fake_set(heap, address, MM_AT_OB_TYPE, type);
}

uint64_t fake_object(fake_heap *heap, uint64_t type, size_t size_bytes) {
    uint64_t address = fake_take(heap, FAKE_BEFORE + size_bytes) + FAKE_BEFORE;
    fake_header(heap, address, type);
    return address;
}

uint64_t fake_track(fake_heap *heap, uint64_t object, unsigned generation) {
    uint64_t head = heap->head[generation];
    uint64_t header = object - 16;
    uint64_t last = fake_get(head + 8);
    fake_put(header, head);
    fake_put(header + 8, last);
    fake_put(last, header);
    fake_put(head + 8, header);
    return object;
}

uint64_t fake_type(fake_heap *heap, const char *name, uint64_t base, uint64_t basic_bytes,
                   uint64_t flags, fake_traverse traverse) {
    size_t size = (flags & FAKE_FLAG_HEAP) != 0 ? fake_at(heap, MM_AT_HEAPTYPE_SIZEOF)
                                                : fake_at(heap, MM_AT_TYPE_SIZEOF);
    // Room behind for a few members; a static type's is what `type` says besides.
    uint64_t type = fake_object(heap, heap->types[MM_KIND_TYPE], size + 512);
    fake_set(heap, type, MM_AT_TYPE_NAME, fake_text(heap, name));
    fake_set(heap, type, MM_AT_TYPE_BASICSIZE, basic_bytes);
    fake_set(heap, type, MM_AT_TYPE_FLAGS, flags);
    fake_set(heap, type, MM_AT_TYPE_TRAVERSE, (uint64_t)(uintptr_t)traverse);
    fake_set(heap, type, MM_AT_TYPE_BASE, base);
    if (traverse != NULL) {
        fake_code_region(heap, traverse);
    }
    return type;
}

static void field_add(fake_heap *heap, mm_kind kind, unsigned flags, uint16_t offset,
                      const char *name) {
    if (heap->field_count == FAKE_FIELDS) {
        abort();
    }
    mm_field *field = &heap->fields[heap->field_count++];
    *field = (mm_field){(uint8_t)kind, (uint8_t)flags, offset, heap->text_bytes};
    memcpy(heap->text + heap->text_bytes, name, strlen(name) + 1);
    heap->text_bytes += (uint32_t)strlen(name) + 1;
}

static void fields_fill(fake_heap *heap) {
    const uint16_t *at = heap->layout.at;
    uint16_t body = body_of(heap);
    field_add(heap, MM_KIND_FUNCTION, 0, at[MM_AT_FUNCTION_CODE], "__code__");
    field_add(heap, MM_KIND_FUNCTION, MM_FIELD_DICT, at[MM_AT_FUNCTION_GLOBALS], "__globals__");
    field_add(heap, MM_KIND_FUNCTION, MM_FIELD_TEXT, at[MM_AT_FUNCTION_NAME], "__name__");
    field_add(heap, MM_KIND_FUNCTION, 0, at[MM_AT_FUNCTION_CLOSURE], "__closure__");
    field_add(heap, MM_KIND_CELL, 0, body, "cell_contents");
    field_add(heap, MM_KIND_METHOD, 0, body, "__func__");
    field_add(heap, MM_KIND_METHOD, 0, (uint16_t)(body + 8), "__self__");
    field_add(heap, MM_KIND_MODULE, MM_FIELD_DICT, at[MM_AT_MODULE_DICT], "__dict__");
    field_add(heap, MM_KIND_MODULE, MM_FIELD_HIDDEN | MM_FIELD_TEXT, at[MM_AT_MODULE_NAME],
              "__name__");
    field_add(heap, MM_KIND_TYPE, MM_FIELD_DICT, at[MM_AT_TYPE_DICT], "__dict__");
    field_add(heap, MM_KIND_TYPE, 0, at[MM_AT_TYPE_BASE], "__base__");
    field_add(heap, MM_KIND_TYPE, MM_FIELD_HIDDEN, at[MM_AT_TYPE_SUBCLASSES], "subclasses");
    field_add(heap, MM_KIND_TYPE, MM_FIELD_HIDDEN | MM_FIELD_TEXT, at[MM_AT_HEAPTYPE_QUALNAME],
              "__qualname__");
    field_add(heap, MM_KIND_CODE, MM_FIELD_HIDDEN, at[MM_AT_CODE_CONSTS], "co_consts");
    field_add(heap, MM_KIND_CODE, MM_FIELD_HIDDEN, at[MM_AT_CODE_LOCALSPLUSNAMES],
              "co_localsplusnames");
    field_add(heap, MM_KIND_CODE, MM_FIELD_HIDDEN | MM_FIELD_TEXT, at[MM_AT_CODE_NAME], "co_name");
    field_add(heap, MM_KIND_CODE, MM_FIELD_HIDDEN, at[MM_AT_CODE_LINETABLE], "co_linetable");
    field_add(heap, MM_KIND_FRAME, 0, at[MM_AT_FRAME_BACK], "f_back");
    field_add(heap, MM_KIND_GENERATOR, 0, body, "gi_name");
    field_add(heap, MM_KIND_EXCEPTION, MM_FIELD_DICT, body, "__dict__");
    field_add(heap, MM_KIND_EXCEPTION, 0, (uint16_t)(body + 8), "__traceback__");
    field_add(heap, MM_KIND_TRACEBACK, 0, body, "tb_next");
    field_add(heap, MM_KIND_TRACEBACK, 0, (uint16_t)(body + 8), "tb_frame");
    field_add(heap, MM_KIND_WEAKREF, MM_FIELD_WEAK, at[MM_AT_WEAKREF_OBJECT], "referent");
    field_add(heap, MM_KIND_WEAKREF, 0, (uint16_t)(body_of(heap) + 8), "__callback__");
    field_add(heap, MM_KIND_ORDERED_DICT, MM_FIELD_DICT, at[MM_AT_ODICT_INST_DICT], "__dict__");
}

static void kinds_fill(fake_heap *heap) {
    const uint16_t *at = heap->layout.at;
    uint64_t body = body_of(heap);
    uint64_t dict_end = body + 24;
    const struct {
        mm_kind kind;
        const char *name;
        uint64_t basic_bytes;
        uint64_t item_bytes;
        bool collected;
    } rows[] = {
        {MM_KIND_STR, "str", at[MM_AT_STR_LEGACY_SIZEOF], 0, false},
        {MM_KIND_DICT, "dict", dict_end, 0, true},
        {MM_KIND_ORDERED_DICT, "OrderedDict", dict_end + 32, 0, true},
        {MM_KIND_LIST, "list", body + 16, 0, true},
        {MM_KIND_TUPLE, "tuple", body, 8, true},
        {MM_KIND_SET, "set", at[MM_AT_SET_SMALLTABLE] + 128u, 0, true},
        {MM_KIND_FUNCTION, "function", body + 72, 0, true},
        {MM_KIND_CELL, "cell", body + 8, 0, true},
        {MM_KIND_METHOD, "method", body + 16, 0, true},
        {MM_KIND_MODULE, "module", body + 32, 0, true},
        {MM_KIND_CODE, "code", at[MM_AT_CODE_ADAPTIVE], 1, false},
        {MM_KIND_FRAME, "frame", at[MM_AT_FRAME_INLINE] + (uint64_t)at[MM_AT_IFRAME_LOCALSPLUS], 8,
         true},
        {MM_KIND_GENERATOR, "generator",
         at[MM_AT_GEN_IFRAME] + (uint64_t)at[MM_AT_IFRAME_LOCALSPLUS], 8, true},
        {MM_KIND_EXCEPTION, "Exception", body + 16, 0, true},
        {MM_KIND_TRACEBACK, "traceback", body + 24, 0, true},
        {MM_KIND_WEAKREF, "weakref", body + 16, 0, true},
        {MM_KIND_BYTEARRAY, "bytearray", body + 32, 0, false},
    };
    for (size_t i = 0; i < MM_COUNTOF(rows); i++) {
        uint64_t type = fake_type(heap, rows[i].name, heap->types[MM_KIND_OBJECT],
                                  rows[i].basic_bytes, rows[i].collected ? 1u << 14 : 0,
                                  rows[i].kind == MM_KIND_DICT ? silent_traverse
                                  : rows[i].collected          ? fake_never_traverse
                                                               : NULL);
        fake_set(heap, type, MM_AT_TYPE_ITEMSIZE, rows[i].item_bytes);
        heap->types[rows[i].kind] = type;
    }
    heap->bytes_type = fake_type(heap, "bytes", heap->types[MM_KIND_OBJECT], 33, 0, NULL);
    fake_set(heap, heap->bytes_type, MM_AT_TYPE_ITEMSIZE, 1);
    heap->int_type = fake_type(heap, "int", heap->types[MM_KIND_OBJECT], body + 8, 0, NULL);
    fake_set(heap, heap->int_type, MM_AT_TYPE_ITEMSIZE, 4);
    heap->types[MM_KIND_INT] = heap->int_type;
    heap->types[MM_KIND_LEAF] = heap->bytes_type;
}

void fake_heap_init(fake_heap *heap, unsigned minor, bool odd, size_t size_bytes) {
    memset(heap, 0, sizeof *heap);
    heap->odd = odd;
    heap->text_bytes = 1;
    heap->target_flags = MM_TARGET_TRAVERSE;
    layout_fill(heap, minor);
    size_t rounded = (size_bytes + PAGE - 1) / PAGE * PAGE;
    heap->at = region_map(heap, rounded, MARGIN, MM_REGION_WRITE);
    heap->end = heap->at + rounded;
    fields_fill(heap);
    for (unsigned i = 0; i < MM_GENERATION_COUNT; i++) {
        heap->head[i] = fake_take(heap, 32);
        fake_put(heap->head[i], heap->head[i]);
        fake_put(heap->head[i] + 8, heap->head[i]);
    }
    heap->collecting = fake_take(heap, 16);
    heap->types[MM_KIND_TYPE] = fake_type(heap, "type", 0, fake_at(heap, MM_AT_HEAPTYPE_SIZEOF),
                                          FAKE_FLAG_COLLECTED | 1u << 31, fake_never_traverse);
    fake_set(heap, heap->types[MM_KIND_TYPE], MM_AT_OB_TYPE, heap->types[MM_KIND_TYPE]);
    heap->types[MM_KIND_OBJECT] = fake_type(heap, "object", 0, 16, 0, NULL);
    fake_set(heap, heap->types[MM_KIND_TYPE], MM_AT_TYPE_BASE, heap->types[MM_KIND_OBJECT]);
    kinds_fill(heap);
}

void fake_heap_deinit(fake_heap *heap) {
    for (uint32_t i = 0; i < heap->map_count; i++) {
        (void)munmap(heap->maps[i], heap->map_bytes[i]);
    }
    free(heap->target);
    heap->target = NULL;
}

// The target ------------------------------------------------------------------------------------

static mm_span span_put(mm_target *target, const void *items, size_t size_bytes, size_t count) {
    mm_span span = {target->block_bytes, (uint32_t)count};
    if (count != 0) {
        memcpy((uint8_t *)target + target->block_bytes, items, size_bytes * count);
    }
    target->block_bytes += (uint32_t)((size_bytes * count + 15) & ~(size_t)15);
    return span;
}

static int known_order(const void *a, const void *b) {
    uint64_t x = ((const mm_known_type *)a)->address;
    uint64_t y = ((const mm_known_type *)b)->address;
    return (x > y) - (x < y);
}

const mm_target *fake_heap_target(fake_heap *heap) {
    free(heap->target);
    mm_target *target = calloc(1, 1 << 16);
    if (target == NULL) {
        abort();
    }
    heap->target = target;
    target->magic = MM_TARGET_MAGIC;
    target->block_bytes = (sizeof *target + 15) & ~15u;
    target->version_hex = 0x03000000u | (uint32_t)heap->layout.minor << 16 | 0x01f0u;
    target->flags = heap->target_flags;
    target->layout = heap->layout;
    target->regions = span_put(target, heap->regions, sizeof(mm_region), heap->region_count);
    mm_interpreter interpreter = {.collecting = heap->collecting};
    memcpy(interpreter.generations, heap->head, sizeof heap->head);
    target->interpreters = span_put(target, &interpreter, sizeof interpreter, 1);
    mm_thread thread = {heap->thread, 4711, 0, MM_THREAD_CALLER};
    target->threads = span_put(target, &thread, sizeof thread, heap->thread != 0);
    target->roots = span_put(target, heap->roots, sizeof(mm_root), heap->root_count);
    mm_known_type known[MM_KIND_COUNT];
    size_t known_count = 0;
    for (uint32_t i = 0; i < MM_KIND_COUNT; i++) {
        if (heap->types[i] != 0) {
            known[known_count++] = (mm_known_type){heap->types[i], i, 0};
        }
    }
    qsort(known, known_count, sizeof *known, known_order);
    target->types = span_put(target, known, sizeof *known, known_count);
    target->fields = span_put(target, heap->fields, sizeof(mm_field), heap->field_count);
    target->opaque = span_put(target, heap->opaque, sizeof(uint64_t), heap->opaque_count);
    target->static_dicts =
        span_put(target, &heap->static_dict, sizeof heap->static_dict, heap->static_dict.type != 0);
    target->text = span_put(target, heap->text, 1, heap->text_bytes);
    target->type_type = heap->types[MM_KIND_TYPE];
    target->object_type = heap->types[MM_KIND_OBJECT];
    target->subtype_traverse = (uint64_t)(uintptr_t)fake_subtype_traverse;
    return target;
}

void fake_root(fake_heap *heap, mm_root_kind kind, const char *name, uint64_t object) {
    if (heap->root_count == FAKE_ROOTS) {
        abort();
    }
    heap->roots[heap->root_count++] = (mm_root){(uint8_t)kind, 0, 0, heap->text_bytes, object};
    memcpy(heap->text + heap->text_bytes, name, strlen(name) + 1);
    heap->text_bytes += (uint32_t)strlen(name) + 1;
}

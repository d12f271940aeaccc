// The order of a run: images, version and layout, `type` itself, interpreters with threads and the
// collector's lists, sys.modules, then kinds, which are checked against what sys.modules leads to,
// and roots. At the end all is copied into one block without pointers.
#include "locate/locate.h"

#include <string.h>

#include "base/free/bytes.h"
#include "locate/locator.h"
#include "locate/roots.h"

_Static_assert(MM_MAP_WRITE == (int)MM_REGION_WRITE, "regions take the flags of mappings over");
_Static_assert(MM_MAP_EXECUTE == (int)MM_REGION_EXECUTE, "regions take the flags of mappings over");
_Static_assert(MM_MAP_STACK == (int)MM_REGION_STACK, "regions take the flags of mappings over");
_Static_assert(MM_KIND_COUNT <= 32, "kinds are told by the bits of a word");

enum { SPAN_ALIGN = 16 };

static const mm_version_table *table_of(uint32_t minor) {
    switch (minor) {
        case 11:
            return &mm_table_3_11;
        case 12:
            return &mm_table_3_12;
        case 13:
            return &mm_table_3_13;
        default:
            return NULL;
    }
}

static void warn_unknown(mm_locate_report *report, uint32_t minor) {
    static const char head[] = "unknown CPython 3.";
    static const char tail[] = ": its objects are read through tp_traverse alone";
    MM_ASSERT(sizeof head + sizeof tail + 3 <= sizeof report->warning);
    char *at = report->warning;
    mm_copy(at, head, sizeof head - 1);
    at += sizeof head - 1;
    if (minor >= 100) {
        *at++ = (char)('0' + minor / 100 % 10);
    }
    if (minor >= 10) {
        *at++ = (char)('0' + minor / 10 % 10);
    }
    *at++ = (char)('0' + minor % 10);
    mm_copy(at, tail, sizeof tail);
}

/// The layout of this version. For an unknown one what has not changed since 3.11: objects' heads,
/// types, member tables, and how threads hang together.
static void layout_choose(mm_locator *locator) {
    static const uint16_t stable[] = {
        MM_AT_OB_REFCNT,
        MM_AT_OB_TYPE,
        MM_AT_OB_SIZE,
        MM_AT_TYPE_NAME,
        MM_AT_TYPE_BASICSIZE,
        MM_AT_TYPE_ITEMSIZE,
        MM_AT_TYPE_FLAGS,
        MM_AT_TYPE_TRAVERSE,
        MM_AT_TYPE_WEAKLISTOFFSET,
        MM_AT_TYPE_MEMBERS,
        MM_AT_TYPE_BASE,
        MM_AT_TYPE_DICT,
        MM_AT_TYPE_DICTOFFSET,
        MM_AT_TYPE_BASES,
        MM_AT_TYPE_MRO,
        MM_AT_TYPE_AS_SEQUENCE,
        MM_AT_TYPE_SUBCLASSES,
        MM_AT_TYPE_SIZEOF,
        MM_AT_SEQUENCE_ITEM,
        MM_AT_MEMBER_NAME,
        MM_AT_MEMBER_TYPE,
        MM_AT_MEMBER_OFFSET,
        MM_AT_MEMBER_SIZEOF,
        MM_AT_THREAD_PREVIOUS,
        MM_AT_THREAD_NEXT,
        MM_AT_THREAD_INTERPRETER,
    };
    uint32_t minor = locator->version_hex >> 16 & 0xff;
    uint16_t *at = locator->layout.at;
    locator->table = locator->options->hide_version ? NULL : table_of(minor);
    if (locator->table != NULL) {
        memcpy(at, locator->table->at, sizeof locator->layout.at);
        locator->layout.minor = (uint16_t)minor;
        return;
    }
    for (size_t i = 0; i < MM_AT_COUNT; ++i) {
        at[i] = MM_AT_NONE;
    }
    for (size_t i = 0; i < MM_COUNTOF(stable); ++i) {
        at[stable[i]] = mm_table_3_13.at[stable[i]];
        MM_ASSERT(at[stable[i]] != MM_AT_NONE);
    }
    locator->layout.minor = 0;
    warn_unknown(locator->report, minor);
}

/// From 3.13 on the runtime begins with a description of itself, which names the build.
static mm_status refuse_free_threaded(mm_locator *locator) {
    uint8_t cookie[8];
    if (!mm_peek_bytes(locator, locator->runtime, cookie, sizeof cookie) ||
        !mm_same(cookie, "xdebugpy", sizeof cookie)) {
        return MM_OK;
    }
    uint32_t place = mm_table_3_13.place[MM_PLACE_DEBUG_FREE_THREADED];
    if (mm_peek_word(locator, locator->runtime + place) != 0) {
        return mm_fail(locator->err, MM_E_UNSUPPORTED,
                       "a free-threaded CPython: its heap cannot be read yet", 0);
    }
    return MM_OK;
}

static mm_status locator_rooms(mm_locator *locator) {
    mm_arena *arena = locator->arena;
    locator->cache = MM_ARENA_NEW(arena, mm_peek_cache, 1);
    locator->roots = MM_ARENA_NEW(arena, mm_root, ROOTS_MAX);
    locator->types = MM_ARENA_NEW(arena, mm_known_type, TYPES_MAX);
    locator->fields = MM_ARENA_NEW(arena, mm_field, FIELDS_MAX);
    locator->static_dicts = MM_ARENA_NEW(arena, mm_static_dict, STATIC_DICTS_MAX);
    locator->text = MM_ARENA_NEW(arena, char, TEXT_BYTES_MAX);
    locator->text_bytes = 1;  // offset 0 is the empty text
    if (locator->cache == NULL || locator->roots == NULL || locator->types == NULL ||
        locator->fields == NULL || locator->static_dicts == NULL || locator->text == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory to locate the heap", 0);
    }
    return MM_OK;
}

/// Roots or names beyond what we have room for are left out, and that is said.
static void report_dropped(const mm_locator *locator) {
    static const char words[] = "more roots than can be named: some are left out";
    mm_locate_report *report = locator->report;
    report->roots_dropped = locator->roots_dropped;
    if (report->roots_dropped != 0 && report->warning[0] == '\0') {
        mm_copy(report->warning, words, sizeof words);
    }
}

/// Copies arrays into the block, or counts only, while `block` is NULL.
typedef struct block_packer {
    uint8_t *block;
    size_t bytes;
} block_packer;

static mm_span pack(block_packer *packer, const void *from, size_t count, size_t size_bytes) {
    MM_ASSERT(packer->bytes % SPAN_ALIGN == 0);
    mm_span span = {(uint32_t)packer->bytes, (uint32_t)count};
    if (packer->block != NULL && count > 0 && from != NULL) {
        memcpy(packer->block + packer->bytes, from, count * size_bytes);
    }
    packer->bytes += (count * size_bytes + SPAN_ALIGN - 1) / SPAN_ALIGN * SPAN_ALIGN;
    return span;
}

static void pack_all(const mm_locator *locator, block_packer *packer, mm_target *target) {
    packer->bytes = (sizeof *target + SPAN_ALIGN - 1) / SPAN_ALIGN * SPAN_ALIGN;
    target->regions = pack(packer, locator->regions, locator->region_count, sizeof(mm_region));
    target->interpreters =
        pack(packer, locator->interpreters, locator->interpreter_count, sizeof(mm_interpreter));
    target->threads = pack(packer, locator->threads, locator->thread_count, sizeof(mm_thread));
    target->roots = pack(packer, locator->roots, locator->root_count, sizeof(mm_root));
    target->types = pack(packer, locator->types, locator->type_count, sizeof(mm_known_type));
    target->fields = pack(packer, locator->fields, locator->field_count, sizeof(mm_field));
    target->static_dicts =
        pack(packer, locator->static_dicts, locator->static_dict_count, sizeof(mm_static_dict));
    target->opaque = pack(packer, NULL, MM_OPAQUE_MAX, sizeof(uint64_t));
    target->text = pack(packer, locator->text, locator->text_bytes, 1);
}

static mm_status block_build(const mm_locator *locator, mm_target **ret) {
    mm_target target = {
        .magic = MM_TARGET_MAGIC,
        .version_hex = locator->version_hex,
        .flags = locator->options->traverse ? MM_TARGET_TRAVERSE : 0,
        .layout = locator->layout,
        .type_type = locator->type_type,
        .object_type = locator->object_type,
        .subtype_traverse = locator->subtype_traverse,
        .stdlib_prefix = locator->stdlib_prefix,
        .site_prefix = locator->site_prefix,
    };
    block_packer packer = {NULL, 0};
    pack_all(locator, &packer, &target);
    if (packer.bytes > UINT32_MAX) {
        return mm_fail(locator->err, MM_E_LIMIT, "the description of the heap is too large",
                       packer.bytes);
    }
    packer.block = mm_arena_take(locator->arena, packer.bytes, 1);
    if (packer.block == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory for the description of the heap",
                       packer.bytes);
    }
    target.block_bytes = (uint32_t)packer.bytes;
    pack_all(locator, &packer, &target);
    MM_ASSERT(packer.bytes == target.block_bytes);
    memcpy(packer.block, &target, sizeof target);
    *ret = (mm_target *)(void *)packer.block;
    return MM_OK;
}

mm_status mm_locate(const mm_reader *reader, const mm_locate_options *options, mm_arena *arena,
                    mm_target **ret, mm_locate_report *report, mm_error *err) {
    static const mm_locate_options no_options = {0};
    mm_locate_report no_report;
    mm_locator locator = {
        .reader = reader,
        .options = options == NULL ? &no_options : options,
        .arena = arena,
        .report = report == NULL ? &no_report : report,
        .err = err,
    };
    *locator.report = (mm_locate_report){0};
    MM_TRY(locator_rooms(&locator));
    MM_TRY(mm_locate_images(&locator));
    MM_TRY(refuse_free_threaded(&locator));
    layout_choose(&locator);
    MM_TRY(mm_locate_basic_types(&locator));
    MM_TRY(mm_locate_runtime(&locator));
    mm_locate_modules(&locator);
    mm_locate_static_dicts(&locator);
    mm_locate_types(&locator);
    mm_locate_roots(&locator);
    report_dropped(&locator);
    return block_build(&locator, ret);
}

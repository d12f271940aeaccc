// Types are understood once. A Python class is walked by its solid base, the first ancestor that
// was not made by a class statement (it is recognised by its tp_traverse, which all class
// statements share); what the class statements add, slots and attributes, is walked the same way
// for every solid base.
//
//   class Exam(Base)   slots, __dict__     python part
//   class Base(dict)   slots               python part
//   dict               MM_KIND_DICT        solid base, known
//   object
//
// A solid base that is not known but descends from a known one (defaultdict) is walked as that one,
// and the words behind it by tp_traverse: its tail.
#include "base/free/search.h"
#include "capture/walker.h"

enum {
    MAP_FIRST_COUNT = 1 << 12,
    BASES_MAX = 512,     ///< longest chain of tp_base that is followed
    MEMBERS_MAX = 4096,  ///< longest tp_members that is read
    MEMBER_OBJECT = 6,   ///< Py_T_OBJECT
    MEMBER_OBJECT_EX = 16,
    SIZE_MASK = 0x7fffffff  ///< tp_basicsize and tp_itemsize are kept small, whatever they say
};

// A type object is readable and its own type has the flag that only types of types have.
static bool is_type_object(mm_walker *walker, uint64_t type) {
    if (!is_aligned(type) || !is_readable(walker, type, AT(walker, TYPE_SIZEOF))) {
        return false;
    }
    uint64_t meta = load_word(type + AT(walker, OB_TYPE));
    return is_aligned(meta) && is_readable(walker, meta, AT(walker, TYPE_SIZEOF)) &&
           type_is_metatype(walker, meta);
}

uint64_t type_base(mm_walker *walker, uint64_t type) {
    uint64_t base = load_word(type + AT(walker, TYPE_BASE));
    return base != 0 && is_type_object(walker, base) ? base : 0;
}

static bool is_class_statement(const mm_walker *walker, uint64_t type) {
    // What a class statement adds is read by way of key tables: if those are not what the layout
    // says, its tp_traverse is asked instead.
    bool readable = (walker->target->layout.kinds_checked >> MM_KIND_DICT & 1) != 0;
    uint64_t traverse = load_word(type + AT(walker, TYPE_TRAVERSE));
    return readable && traverse != 0 && traverse == walker->target->subtype_traverse &&
           type_is_heap(walker, type);
}

static const mm_known_type *known_type(const mm_walker *walker, uint64_t type) {
    const mm_known_type *known = MM_TARGET_AT(walker->target, types, mm_known_type);
    uint32_t count = walker->target->types.count;
    size_t at = mm_lower_bound_u64(&known->address, sizeof *known, count, type);
    return at < count && known[at].address == type ? &known[at] : NULL;
}

static bool type_is_opaque(const mm_walker *walker, uint64_t type) {
    const uint64_t *opaque = MM_TARGET_AT(walker->target, opaque, uint64_t);
    for (uint32_t i = 0; i < walker->target->opaque.count; i++) {
        if (opaque[i] == type) {
            return true;
        }
    }
    return false;
}

// Bounded and checked.
void type_members_each(mm_walker *walker, uint64_t type, member_take take, void *context) {
    uint64_t member = load_word(type + AT(walker, TYPE_MEMBERS));
    uint64_t step = AT(walker, MEMBER_SIZEOF);
    for (unsigned i = 0; member != 0 && i < MEMBERS_MAX; i++, member += step) {
        if (!is_readable(walker, member, step) ||
            load_word(member + AT(walker, MEMBER_NAME)) == 0) {
            return;
        }
        int32_t code = load_i32(member + AT(walker, MEMBER_TYPE));
        uint64_t offset = load_word(member + AT(walker, MEMBER_OFFSET));
        if ((code == MEMBER_OBJECT || code == MEMBER_OBJECT_EX) && offset % 8 == 0 &&
            offset < UINT16_MAX) {
            take(walker, context, offset, load_word(member + AT(walker, MEMBER_NAME)));
        }
    }
}

typedef struct slot_list {
    uint16_t *offsets;
    uint32_t count;
    uint32_t capacity;
} slot_list;

static void slot_take(mm_walker *walker, void *context, uint64_t offset, uint64_t name) {
    (void)walker;
    (void)name;
    slot_list *list = context;
    if (list->count < list->capacity) {
        list->offsets[list->count++] = (uint16_t)offset;
    }
}

// The slots of a class statement are as many as ob_size of the class says, at the head of its
// members.
static void slots_collect(mm_walker *walker, mm_type_info *info) {
    uint32_t capacity = 0;
    uint64_t type = info->address;
    for (unsigned i = 0; i < BASES_MAX && type != info->solid && type != 0; i++) {
        uint64_t size = load_word(type + AT(walker, OB_SIZE));
        capacity += size < MEMBERS_MAX ? (uint32_t)size : 0;
        type = type_base(walker, type);
    }
    if (capacity == 0) {
        return;
    }
    slot_list list = {MM_ARENA_NEW(&walker->arena, uint16_t, capacity), 0, capacity};
    if (list.offsets == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return;
    }
    type = info->address;
    for (unsigned i = 0; i < BASES_MAX && type != info->solid && type != 0; i++) {
        type_members_each(walker, type, slot_take, &list);
        type = type_base(walker, type);
    }
    MM_ASSERT(list.count <= capacity);
    info->slots = list.offsets;
    info->slot_count = list.count;
}

// Has it items that are asked for by number?
static bool is_sequence(mm_walker *walker, uint64_t type) {
    if (!HAS(walker, TYPE_AS_SEQUENCE) || !HAS(walker, SEQUENCE_ITEM)) {
        return false;
    }
    uint64_t slots = load_word(type + AT(walker, TYPE_AS_SEQUENCE));
    return slots != 0 && is_readable(walker, slots, AT(walker, SEQUENCE_ITEM) + 8u) &&
           load_word(slots + AT(walker, SEQUENCE_ITEM)) != 0;
}

static bool name_begins(const char *name, size_t length, const char *with, size_t with_length) {
    return length >= with_length && mm_same(name, with, with_length);
}

// Is it a container of mortmain.weak, and of which sort?
static uint8_t weak_entries(mm_walker *walker, const mm_type_info *info) {
    static const char dot[] = WEAK_MODULE ".";
    static const char set[] = WEAK_MODULE ".WeakSet";
    char name[NAME_BYTES_MAX];
    size_t length =
        c_text_copy(walker, load_word(info->solid + AT(walker, TYPE_NAME)), name, sizeof name);
    return !name_begins(name, length, dot, sizeof dot - 1) ? WEAK_NONE
           : length == sizeof set - 1 && name_begins(name, length, set, sizeof set - 1)
               ? WEAK_SET
               : WEAK_MAPPING;
}

// Solid base, kind and tail.
static void kind_resolve(mm_walker *walker, mm_type_info *info) {
    uint64_t solid = info->address;
    for (unsigned i = 0; i < BASES_MAX && is_class_statement(walker, solid); i++) {
        uint64_t base = type_base(walker, solid);
        if (base == 0) {
            break;
        }
        solid = base;
        info->python_class = true;
    }
    info->solid = solid;
    const mm_known_type *known = known_type(walker, solid);
    uint64_t ancestor = solid;
    for (unsigned i = 0; i < BASES_MAX && known == NULL && ancestor != 0; i++) {
        ancestor = type_base(walker, ancestor);
        known = ancestor != 0 ? known_type(walker, ancestor) : NULL;
    }
    info->kind = known != NULL ? (uint8_t)known->kind : MM_KIND_FOREIGN;
    // A type that is not ready yet may say less than what its kind is sure to have.
    uint64_t least = known == NULL ? 0 : load_word(known->address + AT(walker, TYPE_BASICSIZE));
    info->basic_bytes = info->basic_bytes < least ? least : info->basic_bytes;
    // What counts is whether the objects are collected: a class made from a base that is not calls
    // the base's tp_traverse all the same (ctypes).
    bool collected = info->collected;
    uint64_t traverse = load_word(solid + AT(walker, TYPE_TRAVERSE));
    if (ancestor != solid) {
        bool adds_nothing = ancestor != 0 && !collected &&
                            load_word(solid + AT(walker, TYPE_BASICSIZE)) ==
                                load_word(ancestor + AT(walker, TYPE_BASICSIZE));
        if (info->kind == MM_KIND_OBJECT && !adds_nothing) {
            info->kind = MM_KIND_FOREIGN;
        } else if (known != NULL) {
            info->tail_offset = load_word(ancestor + AT(walker, TYPE_BASICSIZE));
        }
        bool ancestor_traverse =
            ancestor != 0 && load_word(ancestor + AT(walker, TYPE_TRAVERSE)) == traverse;
        if (collected && traverse != 0 && !(ancestor_traverse && info->kind != MM_KIND_FOREIGN)) {
            info->traverse = traverse;
        }
    }
    info->sequence = is_sequence(walker, solid);
    info->weak_entries = info->kind == MM_KIND_FOREIGN ? weak_entries(walker, info) : WEAK_NONE;
    info->scan = info->kind == MM_KIND_FOREIGN && info->traverse == 0;
    if (info->kind == MM_KIND_MODULE) {
        info->traverse = traverse;
    }
}

// Where the Python-level attributes are, if the class statements added any.
static void storage_resolve(mm_walker *walker, mm_type_info *info, uint64_t flags) {
    info->managed_dict = (flags & FLAG_MANAGED_DICT) != 0 && walker->minor >= 11;
    info->inline_values = walker->minor >= 13 && (flags & FLAG_INLINE_VALUES) != 0;
    if (info->heap && HAS(walker, HEAPTYPE_CACHED_KEYS) &&
        is_readable(walker, info->address, AT(walker, HEAPTYPE_SIZEOF))) {
        info->keys = load_word(info->address + AT(walker, HEAPTYPE_CACHED_KEYS));
    }
    int64_t offset = (int64_t)load_word(info->address + AT(walker, TYPE_DICTOFFSET));
    int64_t solid_offset = (int64_t)load_word(info->solid + AT(walker, TYPE_DICTOFFSET));
    if (!info->managed_dict && info->python_class && offset != solid_offset) {
        info->dict_offset = offset;
    }
}

static void fields_resolve(const mm_walker *walker, mm_type_info *info) {
    const mm_field *fields = MM_TARGET_AT(walker->target, fields, mm_field);
    uint32_t count = walker->target->fields.count;
    uint32_t start = 0;
    while (start < count && fields[start].kind != info->kind) {
        start++;
    }
    uint32_t end = start;
    while (end < count && fields[end].kind == info->kind) {
        end++;
    }
    MM_ASSERT(start <= end);
    info->field_start = start;
    info->field_count = end - start;
}

static void type_understand(mm_walker *walker, mm_type_info *info) {
    uint64_t flags = type_flags(walker, info->address);
    info->heap = (flags & FLAG_HEAP) != 0;
    info->collected = (flags & FLAG_COLLECTED) != 0;
    info->metatype = (flags & FLAG_METATYPE) != 0;
    info->basic_bytes = load_word(info->address + AT(walker, TYPE_BASICSIZE)) & SIZE_MASK;
    info->item_bytes = load_word(info->address + AT(walker, TYPE_ITEMSIZE)) & SIZE_MASK;
    bool managed = (flags & FLAG_MANAGED_DICT) != 0 ||
                   (walker->minor >= 12 && (flags & FLAG_MANAGED_WEAKREF) != 0);
    info->prefix_bytes = (info->collected ? (unsigned)GC_HEAD_BYTES : 0u) +
                         (managed ? (unsigned)MANAGED_HEAD_BYTES : 0u);
    kind_resolve(walker, info);
    info->opaque = type_is_opaque(walker, info->address) || type_is_opaque(walker, info->solid);
    storage_resolve(walker, info, flags);
    fields_resolve(walker, info);
    if (info->python_class) {
        slots_collect(walker, info);
    }
    // tp_itemsize of frames and generators counts stack slots, but they have no ob_size.
    info->variable = info->item_bytes != 0 && info->basic_bytes >= AT(walker, OB_SIZE) + 8u &&
                     info->kind != MM_KIND_FRAME && info->kind != MM_KIND_GENERATOR &&
                     info->kind != MM_KIND_COROUTINE && info->kind != MM_KIND_ASYNC_GENERATOR;
    inspector_resolve(walker, info);
    bound_resolve(walker, info);
    buffer_resolve(walker, info);
}

// The map ---------------------------------------------------------------------------------------

static uint32_t type_hash(uint64_t type) {
    return (uint32_t)((type >> 4) * 0x9e3779b97f4a7c15u >> 32);
}

static mm_type_info **map_slot(const mm_type_map *map, uint64_t type) {
    // At least half of the slots are empty, so the search ends.
    MM_ASSERT((map->mask & (map->mask + 1)) == 0);
    MM_ASSERT(map->count <= map->mask);
    uint32_t at = type_hash(type) & map->mask;
    while (map->slots[at] != NULL && map->slots[at]->address != type) {
        at = (at + 1) & map->mask;
    }
    return &map->slots[at];
}

static void map_grow(mm_walker *walker) {
    mm_type_map *map = &walker->types;
    uint32_t capacity = (map->mask + 1) * 2;
    mm_type_map larger = *map;
    larger.slots = MM_ARENA_NEW(&walker->arena, mm_type_info *, capacity);
    larger.mask = capacity - 1;
    if (larger.slots == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return;
    }
    for (mm_type_info *info = map->first; info != NULL; info = info->next) {
        *map_slot(&larger, info->address) = info;
    }
    map->slots = larger.slots;
    map->mask = larger.mask;
}

static mm_type_info *map_add(mm_walker *walker, uint64_t type) {
    mm_type_map *map = &walker->types;
    mm_type_info *info = MM_ARENA_NEW(&walker->arena, mm_type_info, 1);
    if (info == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return NULL;
    }
    MM_ASSERT(*map_slot(map, type) == NULL);
    info->address = type;
    info->index = map->count++;
    *map_slot(map, type) = info;
    *map->last_next = info;
    map->last_next = &info->next;
    if (map->count * 2 > map->mask) {
        map_grow(walker);
    }
    return info;
}

void types_init(mm_walker *walker) {
    mm_type_map *map = &walker->types;
    map->slots = MM_ARENA_NEW(&walker->arena, mm_type_info *, MAP_FIRST_COUNT);
    map->mask = MAP_FIRST_COUNT - 1;
    map->last_next = &map->first;
    if (map->slots == NULL) {
        walker_fail(walker, MM_E_NOMEM);
        return;
    }
    map->recent = map_add(walker, 0);
}

const mm_type_info *type_find(const mm_walker *walker, uint64_t type) {
    return *map_slot(&walker->types, type);
}

mm_type_info *type_of_slow(mm_walker *walker, uint64_t type) {
    mm_type_info *info = *map_slot(&walker->types, type);
    if (info == NULL) {
        if (!is_type_object(walker, type)) {
            return walker->types.first;
        }
        info = map_add(walker, type);
        if (info == NULL) {
            return walker->types.first;
        }
        type_understand(walker, info);
        (void)mark_found(walker, type);
    }
    walker->types.recent = info;
    return info;
}

bool is_kind(mm_walker *walker, uint64_t address, mm_kind kind) {
    return type_of(walker, load_word(address + AT(walker, OB_TYPE)))->kind == kind;
}

// The TYPE stream -------------------------------------------------------------------------------

static void field_put(mm_walker *walker, uint64_t offset, const char *name, size_t length,
                      uint8_t flags) {
    mm_writer_type_field(walker->writer, offset / 8, name, length, flags);
}

typedef struct member_count {
    uint64_t count;
    bool write;
} member_count;

static void member_put(mm_walker *walker, void *context, uint64_t offset, uint64_t name) {
    member_count *members = context;
    members->count++;
    if (members->write) {
        char text[NAME_BYTES_MAX];
        size_t length = c_text_copy(walker, name, text, sizeof text);
        field_put(walker, offset, text, length, 0);
    }
}

static void members_put(mm_walker *walker, const mm_type_info *info, member_count *members) {
    uint64_t type = info->address;
    for (unsigned i = 0; i < BASES_MAX && type != 0; i++) {
        type_members_each(walker, type, member_put, members);
        type = type_base(walker, type);
    }
}

// Where the interpreter frame inside a frame object or a generator begins; 0 for other kinds.
static uint64_t frame_inside(const mm_walker *walker, const mm_type_info *info) {
    switch (info->kind) {
        case MM_KIND_FRAME:
            return AT(walker, FRAME_INLINE);
        case MM_KIND_GENERATOR:
        case MM_KIND_COROUTINE:
        case MM_KIND_ASYNC_GENERATOR:
            return AT(walker, GEN_IFRAME);
        default:
            return 0;
    }
}

static void frame_words_put(mm_walker *walker, uint64_t inside) {
    for (size_t i = 0; i < IFRAME_OWNED; i++) {
        const char *name = iframe_owned[i].name;
        field_put(walker, inside + walker->at[iframe_owned[i].at], name,
                  mm_text_length(name, sizeof iframe_owned[i].name), 0);
    }
}

// Is the attribute dict at a word that a field can name?
static bool has_dict_word(const mm_walker *walker, const mm_type_info *info) {
    int64_t dict = (int64_t)load_word(info->address + AT(walker, TYPE_DICTOFFSET));
    return dict > 0 && dict < UINT16_MAX && dict % 8 == 0;
}

static uint64_t fields_count(mm_walker *walker, const mm_type_info *info) {
    member_count members = {0, false};
    members_put(walker, info, &members);
    return info->field_count + members.count + words_say(walker, info, false) +
           (has_dict_word(walker, info) ? 1u : 0u) +
           (frame_inside(walker, info) != 0 ? (unsigned)IFRAME_OWNED : 0u);
}

// As many as fields_count() says.
static void fields_put(mm_walker *walker, const mm_type_info *info) {
    const mm_field *fields = MM_TARGET_AT(walker->target, fields, mm_field) + info->field_start;
    uint64_t inside = frame_inside(walker, info);
    if (inside != 0) {
        frame_words_put(walker, inside);
    }
    for (uint32_t i = 0; i < info->field_count; i++) {
        const char *name = mm_target_text(walker->target, fields[i].name);
        field_put(walker, fields[i].offset, name, mm_text_length(name, NAME_BYTES_MAX),
                  ref_flags(fields[i].flags));
    }
    if (has_dict_word(walker, info)) {
        field_put(walker, load_word(info->address + AT(walker, TYPE_DICTOFFSET)), "__dict__", 8, 0);
    }
    member_count members = {0, true};
    members_put(walker, info, &members);
    (void)words_say(walker, info, true);
}

static void keys_put(mm_walker *walker, const mm_type_info *info) {
    mm_dict_view view;
    uint64_t count = 0;
    if (info->keys != 0 && keys_view(walker, info->keys, &view)) {
        count = view.count;
    }
    mm_writer_type_keys(walker->writer, count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t key = dict_key(&view, i);
        mm_writer_type_key(walker->writer, key == 0 ? NO_ID : find_done(walker, key));
    }
}

// A class is mortmain's own when its module is.
static bool is_own(mm_walker *walker, const mm_type_info *info, const char *name, size_t length) {
    if (length > OWN_PREFIX_BYTES && mm_same(name, OWN_PREFIX, OWN_PREFIX_BYTES)) {
        return !name_begins(name, length, WEAK_MODULE, sizeof WEAK_MODULE - 1) &&
               !name_begins(name, length, WEAK_INNER_MODULE, sizeof WEAK_INNER_MODULE - 1);
    }
    uint64_t dict = load_word(info->address + AT(walker, TYPE_DICT));
    uint64_t module = dict == 0 || !info->heap ? 0 : dict_get(walker, dict, "__module__");
    return str_is_own(walker, module);
}

static uint64_t type_record_flags(mm_walker *walker, const mm_type_info *info, const char *name,
                                  size_t length) {
    uint64_t flags = type_flags(walker, info->address);
    bool weakrefable = load_word(info->address + AT(walker, TYPE_WEAKLISTOFFSET)) != 0 ||
                       (walker->minor >= 12 && (flags & FLAG_MANAGED_WEAKREF) != 0);
    bool dict = info->managed_dict || load_word(info->address + AT(walker, TYPE_DICTOFFSET)) != 0;
    bool interpreter = (region_flags(walker, info->address) & MM_REGION_PYTHON) != 0;
    return (info->heap ? MM_TYPE_HEAP : 0u) | (info->collected ? MM_TYPE_COLLECTED : 0u) |
           (info->python_class ? MM_TYPE_CLASS : 0u) | (weakrefable ? MM_TYPE_WEAKREFABLE : 0u) |
           (dict ? MM_TYPE_HAS_DICT : 0u) |
           ((flags & FLAG_EXCEPTION) != 0 ? MM_TYPE_EXCEPTION : 0u) |
           ((flags & FLAG_METATYPE) != 0 ? MM_TYPE_METATYPE : 0u) |
           (is_own(walker, info, name, length) ? MM_TYPE_OWN : 0u) |
           (interpreter ? MM_TYPE_INTERPRETER : 0u);
}

static void type_put_unknown(mm_walker *walker) {
    mm_type_record record = {.object = MM_WRITER_NONE, .name = "?", .name_bytes = 1};
    record.base = MM_WRITER_NONE;
    mm_writer_type(walker->writer, &record);
    mm_writer_type_keys(walker->writer, 0);
}

static void type_put(mm_walker *walker, const mm_type_info *info) {
    char name[NAME_BYTES_MAX];
    uint64_t name_at = load_word(info->address + AT(walker, TYPE_NAME));
    size_t length = c_text_copy(walker, name_at, name, sizeof name);
    uint64_t base = type_base(walker, info->address);
    const mm_type_info *base_info = base == 0 ? NULL : type_find(walker, base);
    mm_type_record record = {
        .object = find_done(walker, info->address),
        .name = name,
        .name_bytes = length,
        .kind = info->kind,
        .flags = type_record_flags(walker, info, name, length),
        .size_bytes = info->basic_bytes + info->prefix_bytes,
        .item_bytes = info->item_bytes,
        .base = base_info == NULL ? MM_WRITER_NONE : base_info->index,
        .field_count = fields_count(walker, info),
    };
    mm_writer_type(walker->writer, &record);
    fields_put(walker, info);
    keys_put(walker, info);
}

void types_write(mm_walker *walker) {
    type_put_unknown(walker);
    // Looking up a base may register nothing here: type_find() only finds.
    for (const mm_type_info *info = walker->types.first->next; info != NULL; info = info->next) {
        type_put(walker, info);
    }
}

// Types that nobody described: their own tp_traverse says what they hold, and a look at the
// object's words says where. The word that equals a visited object is the reference's name; the
// search goes on behind the last hit, since tp_traverse functions visit fields in the order of the
// struct. What is in no word lies out of line (the blocks of a deque) and is numbered in the order
// of the visit.
//
// A foreign tp_traverse may crash or loop: the note tells the door which type it was.
#include "capture/walker.h"

typedef int (*visit_function)(void *object, void *context);
typedef int (*traverse_function)(void *object, visit_function visit, void *context);

/// One object's visit.
typedef struct visit {
    mm_walker *walker;
    const mm_type_info *type;
    uint64_t object;
    uint64_t word;   ///< search goes on at this offset
    uint64_t first;  ///< words from here on are looked at
    uint64_t end;
    bool own_type_seen;
    bool tail_only;       ///< what is not in a word is the solid base's business
    uint32_t words_seen;  ///< a bit for each of the first words that was reported
    uint64_t entry;       ///< weak reference of an entry whose other half comes next, or 0
} visit;

// Offset of the word that holds `target`, or 0.
static uint64_t word_find(visit *state, uint64_t target) {
    MM_ASSERT(state->first <= state->word);
    MM_ASSERT(state->first % 8 == 0);
    for (uint64_t at = state->word; at + 8 <= state->end; at += 8) {
        if (load_word(state->object + at) == target) {
            state->word = at + 8;
            return at;
        }
    }
    for (uint64_t at = state->first; at < state->word && at + 8 <= state->end; at += 8) {
        if (load_word(state->object + at) == target) {
            state->word = at + 8;
            return at;
        }
    }
    return 0;
}

// Is it a weak reference whose callback is the container's own?
static bool is_weak_entry(const visit *state, uint64_t target) {
    mm_walker *walker = state->walker;
    uint64_t callback_at = AT(walker, WEAKREF_OBJECT) + 8u;
    if (!is_readable(walker, target, callback_at + 8) ||
        !is_kind(walker, target, MM_KIND_WEAKREF)) {
        return false;
    }
    uint64_t callback = load_word(target + callback_at);
    bool found = false;
    for (uint64_t at = state->first; callback != 0 && !found && at + 8 <= state->end; at += 8) {
        found = load_word(state->object + at) == callback;
    }
    return found;
}

// An entry that has no other half, or whose other half the container does not hold.
static void entry_end(visit *state) {
    mm_naming naming = state->type->weak_entries == WEAK_SET ? MM_NAME_MEMBER : MM_NAME_KEY;
    if (state->entry != 0) {
        refer(state->walker, naming, state->entry);
    }
    state->entry = 0;
}

// Half of an entry, or false. The key comes first: of weak values it is the other half.
static bool entry_take(visit *state, uint64_t target) {
    mm_walker *walker = state->walker;
    if (is_weak_entry(state, target)) {
        entry_end(state);
        state->entry = target;
        return true;
    }
    if (state->entry == 0) {
        return false;
    }
    bool of_value = type_of(walker, load_word(state->entry + AT(walker, OB_TYPE)))->heap;
    refer(walker, MM_NAME_KEY, of_value ? target : state->entry);
    refer(walker, MM_NAME_VALUE, of_value ? state->entry : target);
    state->entry = 0;
    return true;
}

static int visit_take(void *object, void *context) {
    visit *state = context;
    mm_walker *walker = state->walker;
    uint64_t target = (uint64_t)(uintptr_t)object;
    if (target == 0) {
        return 0;
    }
    if (state->type->weak_entries != WEAK_NONE && entry_take(state, target)) {
        return 0;
    }
    uint64_t at = word_find(state, target);
    if (at != 0) {
        state->words_seen |= at / 8 < 32 ? 1u << at / 8 : 0;
        refer_at(walker, MM_NAME_WORD, at / 8, target);
        if ((int64_t)at == (int64_t)load_word(state->type->solid + AT(walker, TYPE_DICTOFFSET))) {
            dict_is_namespace(walker, target, false, 0);
        }
        return 0;
    }
    if (state->tail_only) {
        return 0;
    }
    // Objects of heap types visit their type; the type column has it already.
    bool visits_type = type_is_heap(walker, state->type->solid);
    if (visits_type && !state->own_type_seen &&
        target == load_word(state->object + AT(walker, OB_TYPE))) {
        state->own_type_seen = true;
        return 0;
    }
    if (state->type->sequence) {
        refer_item(walker, target);
    } else {
        refer_flagged(walker, MM_NAME_NAMED, 0, walker->name_c_data, target);
    }
    return 0;
}

static bool may_call(mm_walker *walker, uint64_t function) {
    return (walker->target->flags & MM_TARGET_TRAVERSE) != 0 && function != 0 &&
           (region_flags(walker, function) & MM_REGION_EXECUTE) != 0;
}

// Only what the collector tracks is known to be whole, and tracked is what its neighbour in the
// collector's list knows of: the words before a stale address may be anything but zero.
static bool may_traverse(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!is_tracked(walker, type, address) || !may_call(walker, type->traverse)) {
        return false;
    }
    uint64_t head = address - GC_HEAD_BYTES;
    uint64_t next = load_word(head) & ~(uint64_t)GC_LINK_FLAGS;
    return is_aligned(next) && is_readable(walker, next, GC_HEAD_BYTES) &&
           (load_word(next + 8) & ~(uint64_t)GC_LINK_FLAGS) == head;
}

static void traverse_call(mm_walker *walker, uint64_t type, uint64_t function, visit *state,
                          visit_function take) {
    MM_ASSERT(function != 0);
    MM_ASSERT((walker->target->flags & MM_TARGET_TRAVERSE) != 0);
    volatile mm_capture_note *note = walker->options->note;
    if (note != NULL) {
        note->type = type;
    }
    traverse_function traverse = (traverse_function)(uintptr_t)function;
    (void)traverse((void *)(uintptr_t)state->object, take, state);
    if (note != NULL) {
        note->type = 0;
    }
}

static visit visit_begin(mm_walker *walker, const mm_type_info *type, uint64_t address,
                         uint64_t first) {
    visit state = {walker, type, address, first, first, type->basic_bytes, false, false, 0, 0};
    if (!is_readable(walker, address, type->basic_bytes)) {
        state.end = first;
    }
    return state;
}

void walk_foreign(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!may_traverse(walker, type, address)) {
        walk_words(walker, type, address);
        return;
    }
    visit state = visit_begin(walker, type, address, OBJECT_HEAD_BYTES);
    traverse_call(walker, type->solid, type->traverse, &state, visit_take);
    entry_end(&state);
    if (type->buffer != 0) {
        buffer_refer(walker, type, address, state.words_seen);
    }
}

void walk_tail(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!may_traverse(walker, type, address)) {
        return;
    }
    MM_ASSERT(type->tail_offset != 0);
    visit state = visit_begin(walker, type, address, type->tail_offset);
    state.tail_only = true;
    traverse_call(walker, type->solid, type->traverse, &state, visit_take);
}

static int visit_module(void *object, void *context) {
    visit *state = context;
    mm_walker *walker = state->walker;
    uint64_t target = (uint64_t)(uintptr_t)object;
    if (target != 0 && target != load_word(state->object + AT(walker, MODULE_DICT))) {
        refer_flagged(walker, MM_NAME_NAMED, 0, walker->name_state, target);
    }
    return 0;
}

void walk_module_state(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (type->opaque || !may_traverse(walker, type, address)) {
        return;
    }
    visit state = visit_begin(walker, type, address, OBJECT_HEAD_BYTES);
    traverse_call(walker, type->solid, type->traverse, &state, visit_module);
}

enum { VALUES_BY_NOBODY_YET, VALUES_BY_INSTANCE, VALUES_BY_DICT };

static int visit_count(void *object, void *context) {
    uint64_t *count = context;
    *count += object != NULL;
    return 0;
}

static bool has_values(const mm_dict_view *view) {
    for (uint64_t i = 0; i < view->count; i++) {
        if (dict_value(view, i) != 0) {
            return true;
        }
    }
    return false;
}

bool dict_reports_values(mm_walker *walker, uint64_t dict) {
    mm_dict_view view;
    uint64_t function =
        walker->dict_type == 0 ? 0 : load_word(walker->dict_type + AT(walker, TYPE_TRAVERSE));
    if (walker->values_reporter == VALUES_BY_NOBODY_YET && dict != 0 && is_aligned(dict) &&
        may_call(walker, function) && dict_view(walker, dict, &view) && view.embedded &&
        has_values(&view)) {
        traverse_function traverse = (traverse_function)(uintptr_t)function;
        uint64_t count = 0;
        (void)traverse((void *)(uintptr_t)dict, visit_count, &count);
        walker->values_reporter = count > 0 ? VALUES_BY_DICT : VALUES_BY_INSTANCE;
    }
    return dict != 0 && walker->values_reporter == VALUES_BY_DICT;
}

void walk_words(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    if (!is_readable(walker, address, type->basic_bytes)) {
        return;
    }
    // Slots behind the solid base have names: walk_class_part() tells them.
    uint64_t end = load_word(type->solid + AT(walker, TYPE_BASICSIZE));
    end = end < type->basic_bytes ? end : type->basic_bytes;
    uint64_t weak = load_word(type->address + AT(walker, TYPE_WEAKLISTOFFSET));
    for (uint64_t at = OBJECT_HEAD_BYTES; at + 8 <= end; at += 8) {
        uint64_t target = load_word(address + at);
        if (target == 0 || at == weak || target == address) {
            continue;
        }
        uint64_t id = find_found(walker, target);
        if (id != NO_ID) {
            mm_writer_reference_extended(walker->writer, MM_NAME_WORD, MM_REF_GUESSED, at / 8, id);
        }
    }
}

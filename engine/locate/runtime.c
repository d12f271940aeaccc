// Interpreters, threads and the collector's lists, found by how they hang together.
//
//   _PyRuntime.interpreters {head, main} ──▶ PyInterpreterState ──▶ next
//                                             │  ▲
//                                threads.head ▼  │ interp
//                                           PyThreadState ──▶ next (whose prev leads back)
//
// The version's table says where to look first; what is found there must be consistent, else the
// whole state is searched. The collector's lists are rings: of a head, next->prev and prev->next
// lead back to it. Three such heads 24 bytes apart are the generations, whatever micro release it
// is. From late 3.13 on heads are aligned to 4 bytes only.
#include <string.h>

#include "base/free/bytes.h"
#include "locate/locator.h"

enum {
    HEAD_BYTES = 24,             ///< ring head, threshold and count of one generation
    RUNTIME_SCAN_BYTES = 8192,   ///< interpreters.head lies below
    THREADS_SCAN_BYTES = 16384,  ///< threads.head lies below
    STATE_BYTES_MAX = 1 << 20,
    LINK_FLAGS = 3,              ///< low bits of the collector's links
    COLLECTING_SCAN_BYTES = 512  ///< from the permanent generation to gc.garbage
};

uint32_t mm_place_of(const mm_locator *locator, enum mm_place place) {
    return locator->table == NULL ? MM_PLACE_NONE : locator->table->place[place];
}

static bool thread_is(mm_locator *locator, uint64_t thread, uint64_t interpreter) {
    if (thread == 0 || thread % 8 != 0) {
        return false;
    }
    uint64_t next = mm_object_word(locator, thread, MM_AT_THREAD_NEXT);
    return mm_object_word(locator, thread, MM_AT_THREAD_INTERPRETER) == interpreter &&
           (next == 0 || mm_object_word(locator, next, MM_AT_THREAD_PREVIOUS) == thread);
}

/// The first thread of an interpreter; 0 when it has none, or is no interpreter.
static uint64_t threads_head(mm_locator *locator, uint64_t interpreter) {
    if (interpreter == 0 || interpreter % 8 != 0) {
        return 0;
    }
    uint32_t place = mm_place_of(locator, MM_PLACE_INTERPRETER_THREADS);
    if (place != MM_PLACE_NONE) {
        uint64_t head = mm_peek_word(locator, interpreter + place);
        if (thread_is(locator, head, interpreter) &&
            mm_object_word(locator, head, MM_AT_THREAD_PREVIOUS) == 0) {
            return head;
        }
    }
    for (uint64_t at = 0; at < THREADS_SCAN_BYTES; at += 8) {
        uint64_t head = mm_peek_word(locator, interpreter + at);
        if (head != 0 && thread_is(locator, head, interpreter) &&
            mm_object_word(locator, head, MM_AT_THREAD_PREVIOUS) == 0) {
            return head;
        }
    }
    return 0;
}

/// Where in the runtime interpreters.main is; 0 when nowhere.
static uint64_t find_main(mm_locator *locator) {
    uint64_t low = locator->runtime;
    uint64_t high = low + locator->runtime_bytes;
    uint32_t place = mm_place_of(locator, MM_PLACE_RUNTIME_HEAD);
    if (place != MM_PLACE_NONE) {
        uint64_t main = mm_peek_word(locator, low + place + 8);
        if (main >= low && main < high && threads_head(locator, main) != 0) {
            return low + place + 8;
        }
    }
    for (uint64_t at = low; at < low + RUNTIME_SCAN_BYTES && at < high; at += 8) {
        uint64_t main = mm_peek_word(locator, at);
        if (main >= low && main < high && threads_head(locator, main) != 0) {
            // head stands in front of main, and is the same word while there is one interpreter.
            uint64_t second = mm_peek_word(locator, at + 8);
            return second == main ? at + 8 : at;
        }
    }
    return 0;
}

/// Follow `next` at `offset` from `head`. Fills the interpreters; false when main is not reached.
static bool interpreters_follow(mm_locator *locator, uint64_t head, uint32_t offset) {
    uint64_t at = head;
    bool met_main = false;
    locator->interpreter_count = 0;
    while (at != 0 && at % 8 == 0 && locator->interpreter_count < INTERPRETERS_MAX) {
        met_main = met_main || at == locator->main_interpreter;
        locator->interpreters[locator->interpreter_count++].address = at;
        at = mm_peek_word(locator, at + offset);
    }
    return at == 0 && met_main;
}

static mm_status interpreters_find(mm_locator *locator) {
    uint64_t place = find_main(locator);
    if (place == 0) {
        return mm_fail(locator->err, MM_E_TARGET, "no initialised interpreter was found",
                       locator->runtime);
    }
    locator->main_interpreter = mm_peek_word(locator, place);
    uint64_t head = mm_peek_word(locator, place - 8);
    uint32_t offset = mm_place_of(locator, MM_PLACE_INTERPRETER_NEXT);
    bool found = offset != MM_PLACE_NONE && interpreters_follow(locator, head, offset);
    for (uint32_t at = 0; !found && head != locator->main_interpreter && at < THREADS_SCAN_BYTES;
         at += 8) {
        found = interpreters_follow(locator, head, at) && locator->interpreter_count > 1;
    }
    if (!found) {
        locator->interpreters[0].address = locator->main_interpreter;
        locator->interpreter_count = 1;
    }
    // The main interpreter comes first: index 0 in every file.
    for (size_t i = 0; i < locator->interpreter_count; ++i) {
        if (locator->interpreters[i].address == locator->main_interpreter) {
            locator->interpreters[i].address = locator->interpreters[0].address;
            locator->interpreters[0].address = locator->main_interpreter;
        }
    }
    return MM_OK;
}

static mm_status state_read(mm_locator *locator, size_t index) {
    uint64_t address = locator->interpreters[index].address;
    uint32_t known = mm_place_of(locator, MM_PLACE_INTERPRETER_SIZEOF);
    uint64_t count = locator->runtime + locator->runtime_bytes - locator->main_interpreter;
    if (known != MM_PLACE_NONE && known < count) {
        // A neighbouring micro release may have added a little.
        count = known + 4096 < count ? known + 4096 : count;
    }
    count = count < STATE_BYTES_MAX ? count & ~(uint64_t)7 : STATE_BYTES_MAX;
    uint8_t *bytes = mm_arena_take(locator->arena, (size_t)count, 1);
    if (bytes == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory for the interpreter's state", count);
    }
    if (locator->reader->read(locator->reader->context, address, bytes, (size_t)count) != MM_OK) {
        uint64_t done = 0;
        while (done < count) {
            uint64_t take = PEEK_PAGE_BYTES - (address + done) % PEEK_PAGE_BYTES;
            take = take < count - done ? take : count - done;
            if (!mm_peek_bytes(locator, address + done, bytes + done, (size_t)take)) {
                break;
            }
            done += take;
        }
        count = done;
    }
    MM_ASSERT(index < INTERPRETERS_MAX);
    locator->states[index] = (mm_state_copy){address, bytes, (size_t)count};
    return MM_OK;
}

static uint64_t state_word(const mm_state_copy *state, uint64_t offset) {
    uint64_t word = 0;
    if (offset + 8 <= state->count) {
        memcpy(&word, state->bytes + offset, sizeof word);
    }
    return word;
}

/// Is there a ring head at `offset` of the state?
static bool ring_is(mm_locator *locator, const mm_state_copy *state, uint64_t offset) {
    uint64_t head = state->address + offset;
    uint64_t next = state_word(state, offset);
    uint64_t previous = state_word(state, offset + 8);
    if (next == head || previous == head) {
        return next == previous;
    }
    if (next < PEEK_PAGE_BYTES || next % 8 != 0 || previous < PEEK_PAGE_BYTES ||
        previous % 8 != 0) {
        return false;
    }
    return (mm_peek_word(locator, next + 8) & ~(uint64_t)LINK_FLAGS) == head &&
           (mm_peek_word(locator, previous) & ~(uint64_t)LINK_FLAGS) == head;
}

static bool generations_are(mm_locator *locator, const mm_state_copy *state, uint64_t offset) {
    for (uint64_t i = 0; i < 3; ++i) {
        uint64_t at = offset + i * HEAD_BYTES;
        int32_t numbers[2] = {-1, -1};  // threshold, count
        if (at + HEAD_BYTES > state->count) {
            return false;
        }
        memcpy(numbers, state->bytes + at + 16, sizeof numbers);
        if (numbers[0] < 0 || !ring_is(locator, state, at)) {
            return false;
        }
    }
    return true;
}

/// gc.garbage and gc.callbacks are the first two lists side by side behind the permanent
/// generation. The int that says "collecting" stands in front of them, from 3.15 on with a pointer
/// between.
static uint64_t find_collecting(mm_locator *locator, const mm_state_copy *state, uint64_t offset,
                                uint64_t *garbage_ret) {
    uint64_t first = (state->address + offset + 7) & ~(uint64_t)7;
    for (uint64_t at = first; at < first + COLLECTING_SCAN_BYTES; at += 8) {
        uint64_t garbage = state_word(state, at - state->address);
        uint64_t callbacks = state_word(state, at + 8 - state->address);
        if (mm_object_isinstance(locator, garbage, locator->list_type) &&
            mm_object_isinstance(locator, callbacks, locator->list_type)) {
            *garbage_ret = at;
            for (uint64_t back = 8; back <= 16; back += 8) {
                if (state_word(state, at - back - state->address) <= 1) {
                    return at - back;
                }
            }
            return 0;
        }
    }
    return 0;
}

static bool generations_find(mm_locator *locator, size_t index) {
    const mm_state_copy *state = &locator->states[index];
    mm_interpreter *interpreter = &locator->interpreters[index];
    uint64_t place = mm_place_of(locator, MM_PLACE_GENERATIONS);
    if (place == MM_PLACE_NONE || !generations_are(locator, state, place)) {
        place = state->address % 4 == 0 ? 0 : 4 - state->address % 4;
        while (place + 4 * HEAD_BYTES < state->count && !generations_are(locator, state, place)) {
            place += 4;
        }
        if (place + 4 * HEAD_BYTES >= state->count) {
            return false;
        }
    }
    for (uint64_t i = 0; i < 3; ++i) {
        interpreter->generations[i] = state->address + place + i * HEAD_BYTES;
    }
    // A pointer to the youngest stands between them and the permanent one, aligned or not.
    for (uint64_t at = place + 3 * HEAD_BYTES; at <= place + 3 * HEAD_BYTES + 16; at += 4) {
        if (ring_is(locator, state, at)) {
            interpreter->generations[3] = state->address + at;
            interpreter->collecting =
                find_collecting(locator, state, at + HEAD_BYTES, &locator->garbage[index]);
            break;
        }
    }
    return true;
}

/// From 3.12 on an interpreter may have a lock of its own: its objects then change while we read.
static bool has_own_lock(mm_locator *locator, size_t index) {
    uint32_t place = mm_place_of(locator, MM_PLACE_GIL);
    if (index == 0 || locator->layout.minor == 11) {
        return false;
    }
    MM_ASSERT(index < locator->interpreter_count);
    const mm_state_copy *main = &locator->states[0];
    uint64_t lock = place == MM_PLACE_NONE ? 0 : state_word(main, place);
    // The main interpreter's lock is part of its state: else this is not the field.
    if (lock < main->address || lock >= main->address + main->count) {
        return true;
    }
    return state_word(&locator->states[index], place) != lock;
}

static mm_status threads_find(mm_locator *locator, size_t index) {
    uint64_t interpreter = locator->interpreters[index].address;
    uint64_t thread = threads_head(locator, interpreter);
    uint64_t native_offset = locator->layout.at[MM_AT_THREAD_NATIVE_ID];
    for (size_t i = 0; thread != 0 && thread_is(locator, thread, interpreter); ++i) {
        if (locator->thread_count == locator->thread_room) {
            return mm_fail(locator->err, MM_E_TARGET, "threads come and go", interpreter);
        }
        if (i == THREADS_MAX) {
            return mm_fail(locator->err, MM_E_LIMIT, "too many threads", THREADS_MAX);
        }
        mm_thread *one = &locator->threads[locator->thread_count++];
        one->address = thread;
        one->interpreter = (uint32_t)index;
        one->native_id =
            locator->layout.minor == 0 ? 0 : mm_peek_word(locator, thread + native_offset);
        uint64_t caller = locator->options->caller_thread;
        one->flags = caller != 0 && one->native_id == caller ? MM_THREAD_CALLER : 0;
        thread = mm_object_word(locator, thread, MM_AT_THREAD_NEXT);
    }
    return MM_OK;
}

/// How many threads there are in all: their array is allocated once.
static size_t threads_count(mm_locator *locator) {
    size_t count = 0;
    MM_ASSERT(locator->interpreter_count > 0);
    for (size_t i = 0; i < locator->interpreter_count; ++i) {
        uint64_t thread = threads_head(locator, locator->interpreters[i].address);
        for (size_t j = 0; j < THREADS_MAX && thread != 0; ++j, ++count) {
            thread = mm_object_word(locator, thread, MM_AT_THREAD_NEXT);
        }
    }
    return count;
}

mm_status mm_locate_runtime(mm_locator *locator) {
    MM_ASSERT(locator->type_type != 0);
    locator->interpreters = MM_ARENA_NEW(locator->arena, mm_interpreter, INTERPRETERS_MAX);
    locator->states = MM_ARENA_NEW(locator->arena, mm_state_copy, INTERPRETERS_MAX);
    locator->garbage = MM_ARENA_NEW(locator->arena, uint64_t, INTERPRETERS_MAX);
    if (locator->interpreters == NULL || locator->states == NULL || locator->garbage == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory for the interpreters", 0);
    }
    MM_TRY(interpreters_find(locator));
    locator->thread_room = threads_count(locator) + 1;
    locator->threads = MM_ARENA_NEW(locator->arena, mm_thread, locator->thread_room);
    if (locator->threads == NULL) {
        return mm_fail(locator->err, MM_E_NOMEM, "no memory for the threads", 0);
    }
    for (size_t i = 0; i < locator->interpreter_count; ++i) {
        MM_TRY(state_read(locator, i));
        locator->interpreters[i].own_lock = has_own_lock(locator, i);
        MM_TRY(threads_find(locator, i));
        if (!generations_find(locator, i) && i == 0) {
            return mm_fail(locator->err, MM_E_TARGET, "the collector's lists were not found",
                           locator->main_interpreter);
        }
    }
    return MM_OK;
}

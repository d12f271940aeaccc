// Frames, running and suspended, and what is rooted in them.
//
// A frame of the interpreter is a C struct with the local variables behind it. It lives inside a
// generator (suspended), inside a frame object (ended, kept by a traceback), or on a thread's own
// stack (running): the last are roots, since no object reports them.
//
//   | code | previous | function | globals | builtins | locals | frame object | .. |
//   | local 0 | local 1 | .. | stack .. |
#include "capture/walker.h"

enum {
    OWNER_THREAD = 0,         ///< a frame that runs
    OWNER_C_STACK = 3,        ///< from here on a frame is none of Python's
    FRAMES_MAX = 1 << 20,     ///< of a thread: recursion limits are far below
    VARIABLES_MAX = 1 << 16,  ///< of a code object, and slots of its stack
    FRAME_EXECUTING = 0,      ///< gi_frame_state: below it is suspended, above it has ended
    LINE_ENTRIES_MAX = 1 << 20,
    LINE_TABLE_BYTES_MAX = 1 << 28
};

const iframe_word iframe_owned[IFRAME_OWNED] = {
    [IFRAME_CODE_WORD] = {MM_AT_IFRAME_CODE, "f_code"},
    [IFRAME_FUNCTION_WORD] = {MM_AT_IFRAME_FUNCTION, "f_func"},
    [IFRAME_LOCALS_WORD] = {MM_AT_IFRAME_LOCALS, "f_locals"},
    [IFRAME_OBJECT_WORD] = {MM_AT_IFRAME_FRAME, "frame object"},
};

// Object in an owning word of a frame, without the flags that newer versions keep in its low bits.
static uint64_t iframe_owned_object(const mm_walker *walker, uint64_t iframe, size_t i) {
    MM_ASSERT(i < IFRAME_OWNED);
    return load_word(iframe + walker->at[iframe_owned[i].at]) & ~(uint64_t)EXECUTABLE_TAG;
}

// Line table (3.11+, Objects/locations.md of CPython): entries of one byte, code in bits 3-6 and
// length less one in code units in bits 0-2, followed by what the code says.
typedef struct line_cursor {
    uint64_t at;
    uint64_t end;
} line_cursor;

static uint32_t table_varint(line_cursor *cursor) {
    uint32_t value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 30; shift += 6) {
        uint8_t byte = load_byte(cursor->at++);
        value |= (uint32_t)(byte & 63) << shift;
        if ((byte & 64) == 0) {
            break;
        }
    }
    return value;
}

static int32_t table_signed(line_cursor *cursor) {
    uint32_t value = table_varint(cursor);
    return (value & 1) != 0 ? -(int32_t)(value >> 1) : (int32_t)(value >> 1);
}

// Step over one entry; the line moves by the result. `*has_line` is false for code without a place.
static int32_t table_step(line_cursor *cursor, uint8_t head, bool *has_line) {
    unsigned code = head >> 3 & 15;
    *has_line = code != 15;
    if (code < 10) {
        cursor->at += 1;
        return 0;
    }
    if (code < 13) {
        cursor->at += 2;
        return (int32_t)code - 10;
    }
    if (code == 13) {
        return table_signed(cursor);
    }
    if (code == 14) {
        int32_t delta = table_signed(cursor);
        (void)table_varint(cursor);
        (void)table_varint(cursor);
        (void)table_varint(cursor);
        return delta;
    }
    return 0;
}

uint32_t code_line(mm_walker *walker, uint64_t code, int64_t instruction_offset) {
    uint64_t table = load_word(code + AT(walker, CODE_LINETABLE));
    int64_t line = load_i32(code + AT(walker, CODE_FIRSTLINENO));
    if (table == 0 || !is_readable(walker, table, AT(walker, BYTES_DATA))) {
        return 0;
    }
    uint64_t count = load_word(table + AT(walker, OB_SIZE));
    uint64_t first = table + AT(walker, BYTES_DATA);
    if (count > LINE_TABLE_BYTES_MAX || !is_readable(walker, first, count)) {
        return 0;
    }
    line_cursor cursor = {first, first + count};
    int64_t start = 0;
    for (unsigned i = 0; cursor.at < cursor.end && i < LINE_ENTRIES_MAX; i++) {
        uint8_t head = load_byte(cursor.at++);
        bool has_line;
        line += table_step(&cursor, head, &has_line);
        start += ((head & 7) + 1) * 2;
        if (instruction_offset < start) {
            return has_line && line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
        }
    }
    return 0;
}

uint64_t iframe_code(mm_walker *walker, uint64_t iframe) {
    uint64_t code = iframe_owned_object(walker, iframe, IFRAME_CODE_WORD);
    if (code == 0 || !is_readable(walker, code, AT(walker, CODE_ADAPTIVE)) ||
        !is_kind(walker, code, MM_KIND_CODE)) {
        return 0;
    }
    return code;
}

static uint32_t iframe_line(mm_walker *walker, uint64_t iframe, uint64_t code) {
    uint64_t at = load_word(iframe + AT(walker, IFRAME_INSTRUCTION));
    uint64_t first = code + AT(walker, CODE_ADAPTIVE);
    // Before the first instruction the pointer may stand one unit in front of the code.
    return at + 2 < first ? 0 : code_line(walker, code, at < first ? 0 : (int64_t)(at - first));
}

uint64_t code_count(const mm_walker *walker, uint64_t code, enum mm_at at) {
    MM_ASSERT(walker->at[at] != MM_AT_NONE);
    int32_t count = load_i32(code + walker->at[at]);
    return count > 0 && count < VARIABLES_MAX ? (uint64_t)count : 0;
}

// The owning words of a frame inside an object, named by their place in that object.
static void walk_iframe(mm_walker *walker, uint64_t object, uint64_t iframe) {
    MM_ASSERT(iframe > object);
    uint64_t code = iframe_code(walker, iframe);
    for (size_t i = 0; i < IFRAME_OWNED; i++) {
        refer_word(walker, iframe + walker->at[iframe_owned[i].at] - object,
                   iframe_owned_object(walker, iframe, i));
    }
    dict_is_namespace(walker, iframe_owned_object(walker, iframe, IFRAME_LOCALS_WORD), false, 0);
    if (code == 0) {
        return;
    }
    uint64_t locals = iframe + AT(walker, IFRAME_LOCALSPLUS);
    uint64_t variables = code_count(walker, code, MM_AT_CODE_NLOCALSPLUS);
    int32_t top = load_i32(iframe + AT(walker, IFRAME_STACKTOP));
    uint64_t count = top >= 0 && top < VARIABLES_MAX ? (uint64_t)top : variables;
    if (!is_readable(walker, locals, count * 8)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = load_word(locals + i * 8);
        if (value != 0) {
            refer_at(walker, MM_NAME_LOCAL, i, value);
        }
    }
    uint64_t id = find_found(walker, object);
    MM_ASSERT(id != NO_ID);
    mm_writer_fact(walker->writer, id, MM_FACT_CURRENT_LINE, iframe_line(walker, iframe, code));
}

void walk_generator(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    uint64_t exception = address + AT(walker, GEN_EXC_STATE) + AT(walker, EXC_INFO_VALUE);
    refer_word(walker, exception - address, load_word(exception));
    int8_t state = (int8_t)load_byte(address + AT(walker, GEN_STATE));
    if (state < FRAME_EXECUTING) {
        walk_iframe(walker, address, address + AT(walker, GEN_IFRAME));
    } else {
        mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_STATUS,
                       state == FRAME_EXECUTING ? MM_LIFE_OPEN : MM_LIFE_FINISHED);
    }
}

void walk_frame(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    uint64_t iframe = load_word(address + AT(walker, FRAME_IFRAME));
    if (iframe == address + AT(walker, FRAME_INLINE)) {
        walk_iframe(walker, address, iframe);
        mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_STATUS,
                       MM_LIFE_FINISHED);
        return;
    }
    // The frame still runs, or waits in a generator: it owns nothing, but it has a code and a line.
    uint64_t code = 0;
    if (iframe != 0 && is_readable(walker, iframe, AT(walker, IFRAME_LOCALSPLUS))) {
        code = iframe_code(walker, iframe);
    }
    if (code != 0) {
        refer_flagged(walker, MM_NAME_NAMED, MM_REF_BORROWED, walker->name_iframe[IFRAME_CODE_WORD],
                      code);
        mm_writer_fact(walker->writer, mark_found(walker, address), MM_FACT_CURRENT_LINE,
                       iframe_line(walker, iframe, code));
        if (load_byte(iframe + AT(walker, IFRAME_OWNER)) == OWNER_THREAD) {
            mm_writer_fact(walker->writer, mark_found(walker, address), MM_FACT_STATUS,
                           MM_LIFE_OPEN);
        }
    }
}

void walk_traceback(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    int32_t line = load_i32(address + AT(walker, TRACEBACK_LINENO));
    if (line > 0) {
        mm_writer_fact(walker->writer, mark_found(walker, address), MM_FACT_TRACEBACK_LINE,
                       (uint64_t)line);
    }
}

// Roots -----------------------------------------------------------------------------------------

// `root` but for its object, which is an address still; 0 is passed over.
static void root_put(mm_walker *walker, mm_root_record root, uint64_t address) {
    if (address == 0) {
        return;
    }
    root.object = mark_found(walker, address);
    if (root.object == NO_ID) {
        walker->unreadable_count++;
        return;
    }
    mm_writer_root(walker->writer, &root);
}

static bool frame_is_own(mm_walker *walker, uint64_t iframe) {
    uint64_t globals = load_word(iframe + AT(walker, IFRAME_GLOBALS));
    return globals != 0 && is_readable(walker, globals, OBJECT_HEAD_BYTES) &&
           str_is_own(walker, dict_get(walker, globals, "__name__"));
}

static void frame_locals_put(mm_walker *walker, uint64_t iframe, uint64_t code, uint32_t thread,
                             uint32_t frame) {
    uint64_t locals = iframe + AT(walker, IFRAME_LOCALSPLUS);
    uint64_t count = code_count(walker, code, MM_AT_CODE_NLOCALSPLUS);
    if (!is_readable(walker, locals, count * 8)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        mm_root_record root = {.kind = MM_ROOT_FRAME, .owner = thread, .name = i, .frame = frame};
        root_put(walker, root, load_word(locals + i * 8));
    }
}

static void frame_put(mm_walker *walker, uint64_t iframe, uint64_t code, uint32_t thread,
                      bool caller) {
    mm_frame_record record = {
        .thread = thread,
        .code = mark_found(walker, code),
        .line = iframe_line(walker, iframe, code),
        .flags =
            (caller ? MM_FRAME_CALLER : 0u) | (frame_is_own(walker, iframe) ? MM_FRAME_OWN : 0u),
    };
    uint32_t frame = mm_writer_frame(walker->writer, &record);
    want_texts(walker, load_word(code + AT(walker, CODE_LOCALSPLUSNAMES)));
    frame_locals_put(walker, iframe, code, thread, frame);
    for (size_t i = 0; i < IFRAME_OWNED; i++) {
        mm_root_record root = {.kind = MM_ROOT_THREAD,
                               .owner = thread,
                               .name = walker->name_iframe[i],
                               .frame = frame};
        root_put(walker, root, iframe_owned_object(walker, iframe, i));
    }
    dict_is_namespace(walker, iframe_owned_object(walker, iframe, IFRAME_LOCALS_WORD), false, 0);
}

void root_static_type(mm_walker *walker, uint64_t address) {
    const mm_root *roots = MM_TARGET_AT(walker->target, roots, mm_root);
    for (uint32_t i = 0; i < walker->target->roots.count; i++) {
        if (roots[i].kind == MM_ROOT_STATIC_TYPE && roots[i].object == address) {
            return;
        }
    }
    char name[NAME_BYTES_MAX];
    size_t length =
        c_text_copy(walker, load_word(address + AT(walker, TYPE_NAME)), name, sizeof name);
    mm_root_record root = {.kind = MM_ROOT_STATIC_TYPE, .frame = MM_WRITER_NONE};
    root.name = mm_writer_name(walker->writer, name, length);
    root_put(walker, root, address);
}

static uint64_t thread_top(mm_walker *walker, const mm_thread *thread) {
    uint64_t at = thread->address;
    if (HAS(walker, THREAD_CURRENT_FRAME)) {
        at += AT(walker, THREAD_CURRENT_FRAME);
    } else if (HAS(walker, THREAD_CFRAME) &&
               is_readable(walker, at + AT(walker, THREAD_CFRAME), 8)) {
        at = load_word(at + AT(walker, THREAD_CFRAME));
        if (at == 0) {
            return 0;
        }
        at += AT(walker, CFRAME_CURRENT_FRAME);
    } else {
        return 0;
    }
    return is_readable(walker, at, 8) ? load_word(at) : 0;
}

static void thread_frames_put(mm_walker *walker, const mm_thread *thread, uint32_t number) {
    if (!HAS(walker, IFRAME_CODE) || !HAS(walker, CODE_FIRSTLINENO) ||
        (walker->target->layout.kinds_checked >> MM_KIND_FRAME & 1) == 0) {
        return;
    }
    uint64_t iframe = thread_top(walker, thread);
    for (unsigned i = 0; i < FRAMES_MAX && iframe != 0 && is_aligned(iframe); i++) {
        if (!is_readable(walker, iframe, AT(walker, IFRAME_LOCALSPLUS))) {
            return;
        }
        bool c_stack =
            walker->minor >= 12 && load_byte(iframe + AT(walker, IFRAME_OWNER)) >= OWNER_C_STACK;
        uint64_t code = c_stack ? 0 : iframe_code(walker, iframe);
        if (code != 0) {
            frame_put(walker, iframe, code, number, (thread->flags & MM_THREAD_CALLER) != 0);
        }
        iframe = load_word(iframe + AT(walker, IFRAME_PREVIOUS));
    }
}

static void threads_put(mm_walker *walker) {
    const mm_thread *threads = MM_TARGET_AT(walker->target, threads, mm_thread);
    for (uint32_t i = 0; i < walker->target->threads.count; i++) {
        mm_thread_record record = {threads[i].interpreter, threads[i].native_id, threads[i].flags};
        mm_writer_thread(walker->writer, &record);
        thread_frames_put(walker, &threads[i], i);
    }
}

// Roots of one struct often share a name: it is written once.
void roots_write(mm_walker *walker) {
    const mm_root *roots = MM_TARGET_AT(walker->target, roots, mm_root);
    uint64_t name = MM_WRITER_NONE;
    uint32_t named = 0;
    for (uint32_t i = 0; i < walker->target->roots.count; i++) {
        if (roots[i].name == 0) {
            name = MM_WRITER_NONE;
        } else if (roots[i].name != named) {
            const char *text = mm_target_text(walker->target, roots[i].name);
            name = mm_writer_name(walker->writer, text, mm_text_length(text, NAME_BYTES_MAX));
        }
        named = roots[i].name;
        mm_root_record root = {.kind = roots[i].kind,
                               .flags = ref_flags(roots[i].flags),
                               .owner = roots[i].owner,
                               .name = name,
                               .frame = MM_WRITER_NONE};
        root_put(walker, root, roots[i].object);
        if (roots[i].kind == MM_ROOT_MODULES) {
            // The keys are names of modules.
            dict_is_namespace(walker, roots[i].object, false, 0);
            uint64_t id = find_found(walker, roots[i].object);
            if (id != NO_ID) {
                mm_writer_fact(walker->writer, id, MM_FACT_NAMESPACE, 1);
            }
        }
    }
    threads_put(walker);
}

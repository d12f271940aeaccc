// Frames, running and suspended, and what is rooted in them.
//
// A frame of the interpreter is a C struct with the local variables behind it. It lives inside a
// generator (suspended), inside a frame object (ended, kept by a traceback), or on a thread's own
// stack (running): the last are roots, since no object reports them.
//
//   | code | previous | function | globals | builtins | locals | frame object | .. | local 0 |
//   local 1 | ..
#include "capture/walker.h"

enum {
    OWNER_GENERATOR = 1,
    OWNER_FRAME_OBJECT = 2,
    OWNER_C_STACK = 3,
    FRAMES_MAX = 1 << 20,  ///< of a thread: recursion limits are far below
    VARIABLES_MAX = 1 << 16,
    GENERATOR_ENDED = 1,  ///< gi_frame_state from here on: nothing in the frame
    GENERATOR_RUNNING = 0,
    LINE_ENTRIES_MAX = 1 << 20
};

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
    if (table == 0 || !is_readable(walker, table, 32)) {
        return 0;
    }
    uint64_t count = load_word(table + AT(walker, OB_SIZE));
    uint64_t first = table + 32;  // bytes: count, hash, then the characters
    if (count > 1 << 28 || !is_readable(walker, first, count)) {
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

static uint64_t iframe_code(mm_walker *walker, uint64_t iframe) {
    uint64_t code = load_word(iframe + AT(walker, IFRAME_CODE)) & ~(uint64_t)3;
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

static uint64_t variable_count(mm_walker *walker, uint64_t code) {
    int32_t count = load_i32(code + AT(walker, CODE_NLOCALSPLUS));
    return count > 0 && count < VARIABLES_MAX ? (uint64_t)count : 0;
}

// The owning words of a frame inside an object, named by their place in that object.
static void walk_iframe(mm_walker *walker, uint64_t object, uint64_t iframe) {
    static const uint16_t owned[] = {MM_AT_IFRAME_CODE, MM_AT_IFRAME_FUNCTION, MM_AT_IFRAME_LOCALS,
                                     MM_AT_IFRAME_FRAME};
    uint64_t code = iframe_code(walker, iframe);
    for (size_t i = 0; i < MM_COUNTOF(owned); i++) {
        uint64_t at = iframe + walker->at[owned[i]];
        refer_word(walker, at - object, load_word(at));
    }
    dict_is_namespace(walker, load_word(iframe + AT(walker, IFRAME_LOCALS)), false, 0);
    if (code == 0) {
        return;
    }
    uint64_t locals = iframe + AT(walker, IFRAME_LOCALSPLUS);
    uint64_t variables = variable_count(walker, code);
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
    uint64_t id = mark_found(walker, object);
    mm_writer_fact(walker->writer, id, MM_FACT_CURRENT_LINE, iframe_line(walker, iframe, code));
}

void walk_generator(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    uint64_t exception = address + AT(walker, GEN_EXC_STATE) + AT(walker, EXC_INFO_VALUE);
    refer_word(walker, exception - address, load_word(exception));
    int8_t state = (int8_t)load_byte(address + AT(walker, GEN_STATE));
    if (state < GENERATOR_RUNNING) {
        walk_iframe(walker, address, address + AT(walker, GEN_IFRAME));
    }
}

void walk_frame(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    walk_fields(walker, type, address);
    uint64_t iframe = load_word(address + AT(walker, FRAME_IFRAME));
    if (iframe == address + AT(walker, FRAME_INLINE)) {
        walk_iframe(walker, address, iframe);
        return;
    }
    // The frame still runs, or waits in a generator: it owns nothing, but it has a code and a line.
    uint64_t code = 0;
    if (iframe != 0 && is_readable(walker, iframe, AT(walker, IFRAME_LOCALSPLUS))) {
        code = iframe_code(walker, iframe);
    }
    if (code != 0) {
        refer_flagged(walker, MM_NAME_NAMED, MM_REF_BORROWED, walker->name_f_code, code);
        mm_writer_fact(walker->writer, mark_found(walker, address), MM_FACT_CURRENT_LINE,
                       iframe_line(walker, iframe, code));
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

static void root_put(mm_walker *walker, mm_root_kind kind, uint8_t flags, uint64_t owner,
                     uint64_t name_code, uint64_t frame_code, uint64_t object) {
    if (object == 0) {
        return;
    }
    uint64_t id = mark_found(walker, object);
    if (id == NO_ID) {
        walker->unreadable_count++;
        return;
    }
    mm_writer *writer = walker->writer;
    mm_writer_varint(writer, MM_STREAM_ROOT, kind);
    mm_writer_byte(writer, MM_STREAM_ROOT, flags);
    mm_writer_varint(writer, MM_STREAM_ROOT, owner);
    mm_writer_varint(writer, MM_STREAM_ROOT, name_code);
    mm_writer_varint(writer, MM_STREAM_ROOT, frame_code);
    mm_writer_varint(writer, MM_STREAM_ROOT, id);
}

static bool frame_is_own(mm_walker *walker, uint64_t iframe) {
    uint64_t globals = load_word(iframe + AT(walker, IFRAME_GLOBALS));
    uint64_t name = globals == 0 || !is_readable(walker, globals, 16)
                        ? 0
                        : dict_get(walker, globals, "__name__");
    return name != 0 && is_readable(walker, name, 16) &&
           (str_is(walker, name, "mortmain") || str_begins(walker, name, "mortmain."));
}

static void frame_locals_put(mm_walker *walker, uint64_t iframe, uint64_t code, uint32_t thread) {
    uint64_t locals = iframe + AT(walker, IFRAME_LOCALSPLUS);
    uint64_t count = variable_count(walker, code);
    if (!is_readable(walker, locals, count * 8)) {
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        root_put(walker, MM_ROOT_FRAME, 0, thread, i, walker->frame_count,
                 load_word(locals + i * 8));
    }
}

static void frame_put(mm_walker *walker, uint64_t iframe, uint64_t code, uint32_t thread,
                      bool caller) {
    uint64_t flags =
        (caller ? MM_FRAME_CALLER : 0u) | (frame_is_own(walker, iframe) ? MM_FRAME_OWN : 0u);
    uint64_t id = mark_found(walker, code);
    mm_writer_varint(walker->writer, MM_STREAM_FRAM, thread);
    mm_writer_varint(walker->writer, MM_STREAM_FRAM, id == NO_ID ? 0 : id + 1);
    mm_writer_varint(walker->writer, MM_STREAM_FRAM, iframe_line(walker, iframe, code));
    mm_writer_varint(walker->writer, MM_STREAM_FRAM, flags);
    walker->frame_count++;
    want_texts(walker, load_word(code + AT(walker, CODE_LOCALSPLUSNAMES)));
    frame_locals_put(walker, iframe, code, thread);
    const struct {
        uint16_t at;
        uint32_t name;
    } owned[] = {
        {MM_AT_IFRAME_CODE, walker->name_f_code},
        {MM_AT_IFRAME_FUNCTION, walker->name_f_func},
        {MM_AT_IFRAME_LOCALS, walker->name_f_locals},
        {MM_AT_IFRAME_FRAME, walker->name_frame},
    };

    for (size_t i = 0; i < MM_COUNTOF(owned); i++) {
        root_put(walker, MM_ROOT_THREAD, 0, thread, (uint64_t)owned[i].name + 1,
                 walker->frame_count, load_word(iframe + walker->at[owned[i].at]));
    }
    dict_is_namespace(walker, load_word(iframe + AT(walker, IFRAME_LOCALS)), false, 0);
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
    uint64_t name_code = (uint64_t)mm_writer_name(walker->writer, name, length) + 1;
    root_put(walker, MM_ROOT_STATIC_TYPE, 0, 0, name_code, 0, address);
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
    for (unsigned i = 0; i < FRAMES_MAX && iframe != 0 && (iframe & 7) == 0; i++) {
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
        mm_writer_varint(walker->writer, MM_STREAM_THRD, threads[i].interpreter);
        mm_writer_varint(walker->writer, MM_STREAM_THRD, threads[i].native_id);
        mm_writer_varint(walker->writer, MM_STREAM_THRD, threads[i].flags);
        thread_frames_put(walker, &threads[i], i);
    }
}

void roots_write(mm_walker *walker) {
    const mm_root *roots = MM_TARGET_AT(walker->target, roots, mm_root);
    uint64_t name_code = 0;
    uint32_t name = 0;
    for (uint32_t i = 0; i < walker->target->roots.count; i++) {
        if (roots[i].name != name || name_code == 0) {
            const char *text = mm_target_text(walker->target, roots[i].name);
            name = roots[i].name;
            name_code = name == 0 ? 0
                                  : (uint64_t)mm_writer_name(walker->writer, text,
                                                             mm_text_length(text, NAME_BYTES_MAX)) +
                                        1;
        }
        root_put(walker, (mm_root_kind)roots[i].kind, (uint8_t)((roots[i].flags & 7) << 4),
                 roots[i].owner, name_code, 0, roots[i].object);
        if (roots[i].kind == MM_ROOT_MODULES) {
            // The keys are names of modules.
            dict_is_namespace(walker, roots[i].object, false, 0);
            mm_writer_fact(walker->writer, mark_found(walker, roots[i].object), MM_FACT_NAMESPACE,
                           1);
        }
    }
    threads_put(walker);
}

// What of the standard library says of itself that its life is over, or that it is at work: files,
// sockets, futures, threads. Nothing is called for that: the word that tells it is read.
//
// Where that word stands differs from version to version. A type of C is believed only if its basic
// size is one that its row was made for and, where the type has a member to compare with, that
// stands where the row says; each object must make sense besides (a future that has neither result
// nor exception is not finished). A class of Python's has attributes with names. What does not
// agree says nothing, which is what most objects say.
#include "capture/walker.h"

enum {
    TYPE_NAME_BYTES = 24,
    MODULE_BYTES = 28,
    ATTRIBUTE_BYTES = 12,
    WRAPPED_MAX = 4,          ///< a text wrapper, its buffer, the raw file, and one to spare
    CLASSES_MAX = 64,         ///< longest chain of classes above an object of Python's
    MEMBERS_LOOKED_AT = 256,  ///< of a type
    FAMILY_MAX = 256,         ///< of a socket
    FUTURE_EXCEPTION = 48,
    FUTURE_RESULT = 64,
    FUTURE_CANCELLED = 1,
    FUTURE_FINISHED = 2,
    FLAGS_MAX = 256  ///< of bits in which a file has its modes
};

/// How an object tells. The number is mm_type_info.inspector.
enum {
    INSPECT_NOTHING,
    INSPECT_FILE,       ///< a descriptor, -1 when it is closed
    INSPECT_WRAPPER,    ///< as closed as what it wraps
    INSPECT_SOCKET,     ///< a descriptor, then family and type
    INSPECT_POINTER,    ///< to what it has open
    INSPECT_FLAG,       ///< a byte behind another one, which is 1
    INSPECT_DATABASE,   ///< a pointer, and a number that is 1 when it ever was one
    INSPECT_FUTURE,     ///< PENDING, CANCELLED, FINISHED
    INSPECT_ATTRIBUTE,  ///< by a row of the classes of Python's
};

/// Types of C by tp_name: their basic size and the offset of the word that tells.
typedef struct type_row {
    char name[TYPE_NAME_BYTES];
    uint8_t inspector;
    uint16_t basic_bytes;  ///< 0: the member says where
    uint16_t offset;
    char member[ATTRIBUTE_BYTES];  ///< stands at `member_offset`, or is the word itself
    uint16_t member_offset;
} type_row;

static const type_row type_rows[] = {
    {"_io.FileIO", INSPECT_FILE, 48, 16, "_blksize", 24},
    {"_io.BufferedReader", INSPECT_WRAPPER, 0, 0, "raw", 0},
    {"_io.BufferedWriter", INSPECT_WRAPPER, 0, 0, "raw", 0},
    {"_io.BufferedRandom", INSPECT_WRAPPER, 0, 0, "raw", 0},
    {"_io.TextIOWrapper", INSPECT_WRAPPER, 0, 0, "buffer", 0},
    {"_io.BytesIO", INSPECT_POINTER, 64, 16, "", 0},
    {"_io.StringIO", INSPECT_FLAG, 120, 73, "", 0},
    {"_io.StringIO", INSPECT_FLAG, 168, 113, "", 0},
    {"_socket.socket", INSPECT_SOCKET, 48, 16, "family", 20},
    {"_socket.socket", INSPECT_SOCKET, 56, 16, "family", 20},
    {"mmap.mmap", INSPECT_POINTER, 80, 16, "", 0},
    {"sqlite3.Connection", INSPECT_DATABASE, 216, 52, "", 0},
    {"sqlite3.Connection", INSPECT_DATABASE, 224, 56, "", 0},
    {"_asyncio.Future", INSPECT_FUTURE, 128, 88, "", 0},
    {"_asyncio.Future", INSPECT_FUTURE, 104, 96, "", 0},
    {"_asyncio.Task", INSPECT_FUTURE, 176, 88, "", 0},
    {"_asyncio.Task", INSPECT_FUTURE, 144, 96, "", 0},
};

/// What an attribute must be for the life to be over. IS_NAME says nothing of the life: the program
/// asks for the object by it, and it goes into the file.
enum { IS_TRUE, IS_NONE, IS_NOT_NONE, IS_DONE_TEXT, IS_OF_NO_THREAD, IS_NAME };

/// Classes of Python's, and what is made from them.
typedef struct class_row {
    char module[MODULE_BYTES];
    char name[TYPE_NAME_BYTES];
    char attribute[ATTRIBUTE_BYTES];
    uint8_t test;
    uint8_t status;
} class_row;

static const class_row class_rows[] = {
    {"threading", "Thread", "_ident", IS_OF_NO_THREAD, MM_LIFE_ENDED},
    {"concurrent.futures._base", "Future", "_state", IS_DONE_TEXT, MM_LIFE_FINISHED},
    {"concurrent.futures.thread", "ThreadPoolExecutor", "_shutdown", IS_TRUE, MM_LIFE_CLOSED},
    {"asyncio.base_events", "BaseEventLoop", "_closed", IS_TRUE, MM_LIFE_CLOSED},
    {"logging", "Logger", "name", IS_NAME, 0},
    {"logging", "Handler", "_closed", IS_TRUE, MM_LIFE_CLOSED},
    {"multiprocessing.process", "BaseProcess", "_closed", IS_TRUE, MM_LIFE_CLOSED},
    {"subprocess", "Popen", "returncode", IS_NOT_NONE, MM_LIFE_ENDED},
    {"tarfile", "TarFile", "closed", IS_TRUE, MM_LIFE_CLOSED},
    {"zipfile", "ZipFile", "fp", IS_NONE, MM_LIFE_CLOSED},
};

_Static_assert(MM_COUNTOF(class_rows) < UINT8_MAX, "mm_type_info has a byte for the number");

// Types -----------------------------------------------------------------------------------------

// A name is cut behind the longest that a row can have, so that it equals none.
static void type_name_copy(mm_walker *walker, uint64_t type, char name[TYPE_NAME_BYTES + 1]) {
    (void)c_text_copy(walker, load_word(type + AT(walker, TYPE_NAME)), name, TYPE_NAME_BYTES + 1);
}

// Is the object, of which the head is readable, of a type with this name?
static bool object_is_named(mm_walker *walker, uint64_t object, const char *wanted) {
    char name[TYPE_NAME_BYTES + 1];
    const mm_type_info *type = type_of(walker, load_word(object + AT(walker, OB_TYPE)));
    if (type->index == 0) {
        return false;
    }
    type_name_copy(walker, type->address, name);
    return mm_text_same(name, wanted, sizeof name);
}

// Offset of a member of the type's own, whatever it holds; 0 where there is none.
static uint64_t member_offset(mm_walker *walker, uint64_t type, const char *wanted) {
    uint64_t member = load_word(type + AT(walker, TYPE_MEMBERS));
    uint64_t step = AT(walker, MEMBER_SIZEOF);
    for (unsigned i = 0; member != 0 && i < MEMBERS_LOOKED_AT; i++, member += step) {
        if (!is_readable(walker, member, step) ||
            load_word(member + AT(walker, MEMBER_NAME)) == 0) {
            return 0;
        }
        char name[ATTRIBUTE_BYTES + 1];
        (void)c_text_copy(walker, load_word(member + AT(walker, MEMBER_NAME)), name, sizeof name);
        if (mm_text_same(name, wanted, sizeof name)) {
            return load_word(member + AT(walker, MEMBER_OFFSET));
        }
    }
    return 0;
}

static bool row_fits(mm_walker *walker, mm_type_info *info, const type_row *row) {
    uint64_t basic = load_word(info->solid + AT(walker, TYPE_BASICSIZE));
    uint64_t member = row->member[0] != '\0' ? member_offset(walker, info->solid, row->member) : 0;
    if (row->basic_bytes == 0) {
        info->inspect_offset = (uint16_t)member;
        return member >= OBJECT_HEAD_BYTES && member % 8 == 0 && member + 8 <= basic;
    }
    info->inspect_offset = row->offset;
    return basic == row->basic_bytes && member == row->member_offset;
}

// The row of a class that `info` is or descends from; else the number of rows.
static size_t class_row_of(mm_walker *walker, const mm_type_info *info) {
    uint64_t type = info->address;
    for (unsigned i = 0; i < CLASSES_MAX && type != info->solid; i++) {
        if (!is_aligned(type) || !is_readable(walker, type, AT(walker, TYPE_SIZEOF))) {
            break;
        }
        char name[TYPE_NAME_BYTES + 1];
        type_name_copy(walker, type, name);
        for (size_t k = 0; k < MM_COUNTOF(class_rows); k++) {
            if (mm_text_same(name, class_rows[k].name, sizeof name)) {
                uint64_t dict = load_word(type + AT(walker, TYPE_DICT));
                uint64_t module = dict != 0 ? dict_get(walker, dict, "__module__") : 0;
                if (module != 0 && is_readable(walker, module, OBJECT_HEAD_BYTES) &&
                    str_is(walker, module, class_rows[k].module)) {
                    return k;
                }
            }
        }
        type = load_word(type + AT(walker, TYPE_BASE));
    }
    return MM_COUNTOF(class_rows);
}

void inspector_resolve(mm_walker *walker, mm_type_info *info) {
    info->inspector = INSPECT_NOTHING;
    if (info->python_class) {
        size_t row = class_row_of(walker, info);
        if (row < MM_COUNTOF(class_rows)) {
            info->inspector = INSPECT_ATTRIBUTE;
            info->inspect_offset = (uint16_t)row;
            return;
        }
    }
    if (info->kind != MM_KIND_FOREIGN) {
        return;
    }
    char name[TYPE_NAME_BYTES + 1];
    type_name_copy(walker, info->solid, name);
    for (size_t i = 0; i < MM_COUNTOF(type_rows); i++) {
        if (mm_text_same(name, type_rows[i].name, sizeof name) &&
            row_fits(walker, info, &type_rows[i])) {
            info->inspector = type_rows[i].inspector;
            return;
        }
    }
}

// Objects of Python's ---------------------------------------------------------------------------

// Value of the attribute among values that stand by the type's shared keys, or 0.
static uint64_t value_named(mm_walker *walker, const mm_type_info *type, uint64_t values,
                            uint64_t capacity, const char *name) {
    mm_dict_view view;
    if (type->keys == 0 || !keys_view(walker, type->keys, &view)) {
        return 0;
    }
    uint64_t count = view.count < capacity ? view.count : capacity;
    if (!is_readable(walker, values, count * 8)) {
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t key = dict_key(&view, i);
        if (key != 0 && is_readable(walker, key, OBJECT_HEAD_BYTES) && str_is(walker, key, name)) {
            return load_word(values + i * 8);
        }
    }
    return 0;
}

// See walk_managed().
uint64_t attribute_get(mm_walker *walker, const mm_type_info *type, uint64_t address,
                       const char *name) {
    if (!type->managed_dict ||
        !is_readable(walker, address - MANAGED_VALUES_BEFORE, MANAGED_VALUES_BEFORE)) {
        return 0;
    }
    uint64_t dict = load_word(address - MANAGED_DICT_BEFORE);
    if (walker->minor == 11) {
        uint64_t values = load_word(address - MANAGED_VALUES_BEFORE);
        if (values != 0) {
            return value_named(walker, type, values, UINT8_MAX, name);
        }
    } else if (walker->minor == 12) {
        if ((dict & MANAGED_VALUES_TAG) != 0) {
            return value_named(walker, type, dict + 1, UINT8_MAX, name);
        }
    } else if (type->inline_values) {
        uint64_t values = address + type->basic_bytes;
        if (is_readable(walker, values, 8) && load_byte(values + AT(walker, VALUES_VALID)) != 0) {
            return value_named(walker, type, values + AT(walker, VALUES_FIRST),
                               load_byte(values + AT(walker, VALUES_CAPACITY)), name);
        }
    }
    return is_object_of(walker, dict, MM_KIND_DICT) ? dict_get(walker, dict, name) : 0;
}

bool int_value(mm_walker *walker, uint64_t object, uint64_t *ret) {
    enum { DIGIT_BITS = 30, DIGITS_MAX = 3 };
    uint64_t digits = object + AT(walker, LONG_DIGITS);
    if (!is_kind(walker, object, MM_KIND_INT) || !is_readable(walker, digits, 4)) {
        return false;
    }
    int64_t count = (int64_t)load_word(object + AT(walker, OB_SIZE));
    if (HAS(walker, LONG_TAG)) {
        count = (int64_t)(load_word(object + AT(walker, LONG_TAG)) >> LONG_TAG_SHIFT);
    }
    if (count < 0 || count > DIGITS_MAX || !is_readable(walker, digits, (uint64_t)count * 4)) {
        return false;
    }
    *ret = 0;
    for (int64_t i = 0; i < count; i++) {
        *ret |= (uint64_t)load_u32(digits + (uint64_t)i * 4) << (DIGIT_BITS * i);
    }
    return true;
}

static bool is_none(mm_walker *walker, uint64_t object) {
    return object_is_named(walker, object, "NoneType");
}

static bool is_true(mm_walker *walker, uint64_t object) {
    uint64_t value = 0;
    return object_is_named(walker, object, "bool") && int_value(walker, object, &value) &&
           value == 1;
}

/// What is known of the threads that run.
enum { THREAD_UNKNOWN, THREAD_RUNS, THREAD_GONE };

// A thread's identity is used again when it has ended: only one that no thread has is proof. The
// kernel's number says that it is the same thread.
static int thread_state(mm_walker *walker, uint64_t ident, uint64_t native) {
    const mm_thread *threads = MM_TARGET_AT(walker->target, threads, mm_thread);
    int state = walker->target->threads.count > 0 && ident != 0 ? THREAD_GONE : THREAD_UNKNOWN;
    for (uint32_t i = 0; i < walker->target->threads.count; i++) {
        uint64_t at = threads[i].address + AT(walker, THREAD_ID);
        if (!is_readable(walker, at, 8)) {
            return THREAD_UNKNOWN;
        }
        if (load_word(at) == ident) {
            state = native != 0 && threads[i].native_id == native ? THREAD_RUNS : THREAD_UNKNOWN;
            break;
        }
    }
    return state;
}

static uint8_t thread_status(mm_walker *walker, const mm_type_info *type, uint64_t address,
                             uint64_t ident) {
    uint64_t stopped = attribute_get(walker, type, address, "_is_stopped");
    if (stopped != 0 && is_readable(walker, stopped, OBJECT_HEAD_BYTES) &&
        is_true(walker, stopped)) {
        return MM_LIFE_ENDED;
    }
    uint64_t number = 0;
    uint64_t native_number = 0;
    uint64_t native = attribute_get(walker, type, address, "_native_id");
    if (!HAS(walker, THREAD_ID) || !int_value(walker, ident, &number)) {
        return 0;
    }
    if (native != 0 && is_readable(walker, native, OBJECT_HEAD_BYTES)) {
        (void)int_value(walker, native, &native_number);
    }
    int state = thread_state(walker, number, native_number);
    return state == THREAD_GONE ? MM_LIFE_ENDED : state == THREAD_RUNS ? MM_LIFE_OPEN : 0;
}

static uint8_t attribute_status(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    const class_row *row = &class_rows[type->inspect_offset];
    MM_ASSERT(type->inspect_offset < MM_COUNTOF(class_rows));
    uint64_t value = attribute_get(walker, type, address, row->attribute);
    if (value == 0 || !is_aligned(value) || !is_readable(walker, value, OBJECT_HEAD_BYTES)) {
        return 0;
    }
    bool over = false;
    switch (row->test) {
        case IS_TRUE:
            over = is_true(walker, value);
            break;
        case IS_NONE:
            over = is_none(walker, value);
            break;
        case IS_NOT_NONE:
            over = !is_none(walker, value);
            break;
        case IS_NAME:
            want_text(walker, value);
            mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_NAMED, 1);
            break;
        case IS_DONE_TEXT:
            over = str_is(walker, value, "FINISHED") || str_begins(walker, value, "CANCELLED");
            break;
        default:
            return thread_status(walker, type, address, value);
    }
    return over ? row->status : 0;
}

// Objects of C ----------------------------------------------------------------------------------

static uint8_t future_status(mm_walker *walker, uint64_t address, uint64_t offset) {
    // In front of the state stand nothing but objects, of which the first is the loop.
    for (uint64_t at = OBJECT_HEAD_BYTES; at + 8 <= offset; at += 8) {
        uint64_t object = load_word(address + at);
        if (object != 0 &&
            (!is_aligned(object) || !is_readable(walker, object, OBJECT_HEAD_BYTES))) {
            return 0;
        }
    }
    int32_t state = load_i32(address + offset);
    bool has_result = load_word(address + FUTURE_RESULT) != 0;
    bool has_exception = load_word(address + FUTURE_EXCEPTION) != 0;
    bool over = (state == FUTURE_FINISHED && has_result != has_exception) ||
                (state == FUTURE_CANCELLED && !has_result && !has_exception);
    return load_word(address + OBJECT_HEAD_BYTES) != 0 && over ? MM_LIFE_FINISHED : 0;
}

static bool c_is_closed(const mm_type_info *type, uint64_t address) {
    uint64_t at = address + type->inspect_offset;
    switch (type->inspector) {
        case INSPECT_FILE:
            return load_i32(at) == -1 && load_u32(at + 4) < FLAGS_MAX;
        case INSPECT_SOCKET:
            return load_i32(at) == -1 && load_u32(at + 4) < FAMILY_MAX;
        case INSPECT_POINTER:
            return load_word(at) == 0;
        case INSPECT_FLAG:
            return load_byte(at - 1) == 1 && load_byte(at) == 1;
        case INSPECT_DATABASE:
            return load_word(address + OBJECT_HEAD_BYTES) == 0 && load_i32(at) == 1;
        default:
            return false;
    }
}

// Follow what is wrapped to its end.
static uint64_t unwrap(mm_walker *walker, uint64_t address, const mm_type_info **ret_type) {
    const mm_type_info *type = *ret_type;
    for (unsigned i = 0; i < WRAPPED_MAX && type->inspector == INSPECT_WRAPPER; i++) {
        address = load_word(address + type->inspect_offset);
        if (address == 0 || !is_aligned(address) ||
            !is_readable(walker, address, OBJECT_HEAD_BYTES)) {
            return 0;
        }
        type = type_of(walker, load_word(address + AT(walker, OB_TYPE)));
        if (type->index == 0 || !is_readable(walker, address, type->basic_bytes)) {
            return 0;
        }
    }
    *ret_type = type;
    return address;
}

void status_say(mm_walker *walker, const mm_type_info *type, uint64_t address) {
    uint8_t status = 0;
    const mm_type_info *inner = type;
    MM_ASSERT(type->inspector != INSPECT_NOTHING);
    switch (type->inspector) {
        case INSPECT_ATTRIBUTE:
            status = attribute_status(walker, type, address);
            break;
        case INSPECT_FUTURE:
            status = future_status(walker, address, type->inspect_offset);
            break;
        default: {
            uint64_t object = unwrap(walker, address, &inner);
            bool closed =
                object != 0 && inner->inspector != INSPECT_NOTHING && c_is_closed(inner, object);
            status = closed ? MM_LIFE_CLOSED : 0;
            break;
        }
    }
    if (status != 0) {
        mm_writer_fact(walker->writer, find_found(walker, address), MM_FACT_STATUS, status);
    }
}

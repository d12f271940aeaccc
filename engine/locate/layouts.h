// The tables that tools/layouts.py makes out of DWARF, and what they say besides mm_layout.
//
// Two sorts of knowledge, of different worth. The layout of objects holds for a whole minor
// version. The layout of interpreter, thread and runtime state holds for the one micro release that
// the table was made from; for its neighbours it is a hypothesis, and roots.c believes it only
// between anchors that it has found by identity.
#ifndef MM_LOCATE_LAYOUTS_H
#define MM_LOCATE_LAYOUTS_H

#include "base/free/target.h"

/// Places in the state structs that are no object references. `X(name, source)` as in MM_AT_LIST,
/// and `count(struct.member)` for the elements of an array.
#define MM_PLACE_LIST(X)                                                                        \
    X(INTERPRETER_SIZEOF, "sizeof(_is)")                                                        \
    X(INTERPRETER_NEXT, "_is.next")                                                             \
    X(INTERPRETER_THREADS, "_is.threads.head")                                                  \
    X(GENERATIONS, "_is.gc.generations")                                                        \
    X(GIL, "_is.ceval.gil")                                                                     \
    X(ATEXIT_CALLBACKS, "_is.atexit.callbacks")                                                 \
    X(ATEXIT_COUNT, "_is.atexit.ncallbacks")                                                    \
    X(ATEXIT_FUNC, "atexit_callback.func|atexit_py_callback.func")                              \
    X(ATEXIT_ARGS, "atexit_callback.args|atexit_py_callback.args")                              \
    X(ATEXIT_KWARGS, "atexit_callback.kwargs|atexit_py_callback.kwargs")                        \
    X(STATIC_SIZEOF, "sizeof(managed_static_type_state)|sizeof(static_builtin_state)")          \
    X(STATIC_TYPE, "managed_static_type_state.type|static_builtin_state.type")                  \
    X(STATIC_DICT, "managed_static_type_state.tp_dict|static_builtin_state.tp_dict")            \
    X(STATIC_SUBCLASSES,                                                                        \
      "managed_static_type_state.tp_subclasses|static_builtin_state.tp_subclasses")             \
    X(STATIC_BUILTINS, "_is.types.builtins.initialized|_is.types.builtins")                     \
    X(STATIC_BUILTINS_COUNT, "count(_is.types.builtins.initialized)|count(_is.types.builtins)") \
    X(STATIC_EXTENSIONS, "_is.types.for_extensions.initialized")                                \
    X(STATIC_EXTENSIONS_COUNT, "count(_is.types.for_extensions.initialized)")                   \
    X(RUNTIME_HEAD, "pyruntimestate.interpreters.head")                                         \
    X(RUNTIME_INTERPRETER, "pyruntimestate._main_interpreter")                                  \
    X(DEBUG_FREE_THREADED, "_Py_DebugOffsets.free_threaded")

/// Index into mm_version_table.place.
enum mm_place {
#define MM_PLACE_ENUM(name, source) MM_PLACE_##name,
    MM_PLACE_LIST(MM_PLACE_ENUM)
#undef MM_PLACE_ENUM
        MM_PLACE_COUNT
};

/// A place that the version does not have.
#define MM_PLACE_NONE 0xffffffffu

/// What the struct of a kind measures: its type's basic size must agree.
typedef struct mm_kind_size {
    uint8_t kind;  ///< mm_kind
    uint16_t size_bytes;
} mm_kind_size;

/// One row of a kind's fields.
typedef struct mm_field_row {
    uint8_t kind;
    uint8_t flags;  ///< MM_FIELD_*
    uint16_t offset;
    const char *name;
} mm_field_row;

/// One word of a state struct that refers to an object, or an array of such words.
typedef struct mm_word_row {
    uint32_t offset;
    uint8_t flags;     ///< MM_FIELD_*
    uint8_t count;     ///< words
    uint16_t stride;   ///< bytes from one to the next
    const char *name;  ///< `[]` in it takes the index
} mm_word_row;

/// Rows of one struct, by rising offset.
typedef struct mm_words {
    const mm_word_row *rows;
    size_t count;
} mm_words;

/// Everything known about one minor version.
typedef struct mm_version_table {
    uint32_t minor;
    uint16_t at[MM_AT_COUNT];
    uint32_t place[MM_PLACE_COUNT];
    const mm_kind_size *sizes;
    size_t size_count;
    const mm_field_row *fields;
    size_t field_count;
    mm_words interpreter;
    mm_words thread;
    mm_words runtime;
} mm_version_table;

/// CPython 3.11.
extern const mm_version_table mm_table_3_11;
/// CPython 3.12.
extern const mm_version_table mm_table_3_12;
/// CPython 3.13.
extern const mm_version_table mm_table_3_13;

#endif

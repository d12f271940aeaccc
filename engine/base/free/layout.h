// Where CPython keeps things: a table per minor version, made from DWARF by tools/layouts.py and
// carried to the walker inside mm_target. The walker has no compile-time offset of its own.
#ifndef MM_BASE_FREE_LAYOUT_H
#define MM_BASE_FREE_LAYOUT_H

#include "base/free/attr.h"

/// An offset that the version does not have.
#define MM_AT_NONE 0xffffu

/// Byte offsets (and a few sizes and shifts) by meaning. `X(name, source)`: `source` is the DWARF
/// path the generator reads, `struct.member` for an offset, `sizeof(struct)` for a size. A path
/// with alternatives separated by `|` takes the first that exists.
#define MM_AT_LIST(X)                                                                     \
    X(OB_REFCNT, "_object.ob_refcnt")                                                     \
    X(OB_TYPE, "_object.ob_type")                                                         \
    X(OB_SIZE, "PyVarObject.ob_size")                                                     \
    X(TYPE_NAME, "_typeobject.tp_name")                                                   \
    X(TYPE_BASICSIZE, "_typeobject.tp_basicsize")                                         \
    X(TYPE_ITEMSIZE, "_typeobject.tp_itemsize")                                           \
    X(TYPE_FLAGS, "_typeobject.tp_flags")                                                 \
    X(TYPE_TRAVERSE, "_typeobject.tp_traverse")                                           \
    X(TYPE_WEAKLISTOFFSET, "_typeobject.tp_weaklistoffset")                               \
    X(TYPE_MEMBERS, "_typeobject.tp_members")                                             \
    X(TYPE_BASE, "_typeobject.tp_base")                                                   \
    X(TYPE_DICT, "_typeobject.tp_dict")                                                   \
    X(TYPE_DICTOFFSET, "_typeobject.tp_dictoffset")                                       \
    X(TYPE_AS_SEQUENCE, "_typeobject.tp_as_sequence")                                     \
    X(SEQUENCE_ITEM, "PySequenceMethods.sq_item")                                         \
    X(TYPE_BASES, "_typeobject.tp_bases")                                                 \
    X(TYPE_MRO, "_typeobject.tp_mro")                                                     \
    X(TYPE_SUBCLASSES, "_typeobject.tp_subclasses")                                       \
    X(TYPE_SIZEOF, "sizeof(_typeobject)")                                                 \
    X(HEAPTYPE_NAME, "_heaptypeobject.ht_name")                                           \
    X(HEAPTYPE_QUALNAME, "_heaptypeobject.ht_qualname")                                   \
    X(HEAPTYPE_CACHED_KEYS, "_heaptypeobject.ht_cached_keys")                             \
    X(HEAPTYPE_SIZEOF, "sizeof(_heaptypeobject)")                                         \
    X(MEMBER_NAME, "PyMemberDef.name")                                                    \
    X(MEMBER_TYPE, "PyMemberDef.type")                                                    \
    X(MEMBER_OFFSET, "PyMemberDef.offset")                                                \
    X(MEMBER_SIZEOF, "sizeof(PyMemberDef)")                                               \
    X(DICT_USED, "PyDictObject.ma_used")                                                  \
    X(DICT_KEYS, "PyDictObject.ma_keys")                                                  \
    X(DICT_VALUES, "PyDictObject.ma_values")                                              \
    X(KEYS_REFCNT, "_dictkeysobject.dk_refcnt")                                           \
    X(KEYS_LOG2_SIZE, "_dictkeysobject.dk_log2_size")                                     \
    X(KEYS_LOG2_INDEX_BYTES, "_dictkeysobject.dk_log2_index_bytes")                       \
    X(KEYS_KIND, "_dictkeysobject.dk_kind")                                               \
    X(KEYS_USABLE, "_dictkeysobject.dk_usable")                                           \
    X(KEYS_NENTRIES, "_dictkeysobject.dk_nentries")                                       \
    X(KEYS_INDICES, "_dictkeysobject.dk_indices")                                         \
    X(VALUES_FIRST, "_dictvalues.values")                                                 \
    X(VALUES_CAPACITY, "_dictvalues.capacity")                                            \
    X(VALUES_EMBEDDED, "_dictvalues.embedded")                                            \
    X(VALUES_VALID, "_dictvalues.valid")                                                  \
    X(LIST_ITEMS, "PyListObject.ob_item")                                                 \
    X(LIST_ALLOCATED, "PyListObject.allocated")                                           \
    X(TUPLE_ITEMS, "PyTupleObject.ob_item")                                               \
    X(SET_FILL, "PySetObject.fill")                                                       \
    X(SET_USED, "PySetObject.used")                                                       \
    X(SET_MASK, "PySetObject.mask")                                                       \
    X(SET_TABLE, "PySetObject.table")                                                     \
    X(SET_SMALLTABLE, "PySetObject.smalltable")                                           \
    X(FUNCTION_CODE, "PyFunctionObject.func_code")                                        \
    X(FUNCTION_CLOSURE, "PyFunctionObject.func_closure")                                  \
    X(FUNCTION_GLOBALS, "PyFunctionObject.func_globals")                                  \
    X(FUNCTION_NAME, "PyFunctionObject.func_name")                                        \
    X(CODE_CONSTS, "PyCodeObject.co_consts")                                              \
    X(CODE_NAMES, "PyCodeObject.co_names")                                                \
    X(CODE_FLAGS, "PyCodeObject.co_flags")                                                \
    X(CODE_ARGCOUNT, "PyCodeObject.co_argcount")                                          \
    X(CODE_KWONLYARGCOUNT, "PyCodeObject.co_kwonlyargcount")                              \
    X(CODE_STACKSIZE, "PyCodeObject.co_stacksize")                                        \
    X(CODE_FIRSTLINENO, "PyCodeObject.co_firstlineno")                                    \
    X(CODE_NLOCALSPLUS, "PyCodeObject.co_nlocalsplus")                                    \
    X(CODE_NFREEVARS, "PyCodeObject.co_nfreevars")                                        \
    X(CODE_LOCALSPLUSNAMES, "PyCodeObject.co_localsplusnames")                            \
    X(CODE_FILENAME, "PyCodeObject.co_filename")                                          \
    X(CODE_NAME, "PyCodeObject.co_name")                                                  \
    X(CODE_QUALNAME, "PyCodeObject.co_qualname")                                          \
    X(CODE_LINETABLE, "PyCodeObject.co_linetable")                                        \
    X(CODE_CACHED, "PyCodeObject._co_cached")                                             \
    X(CODE_CACHED_SIZEOF, "sizeof(_PyCoCached)")                                          \
    X(CODE_ADAPTIVE, "PyCodeObject.co_code_adaptive")                                     \
    X(FRAME_BACK, "_frame.f_back")                                                        \
    X(FRAME_IFRAME, "_frame.f_frame")                                                     \
    X(FRAME_INLINE, "_frame._f_frame_data")                                               \
    X(IFRAME_CODE, "_PyInterpreterFrame.f_executable|_PyInterpreterFrame.f_code")         \
    X(IFRAME_PREVIOUS, "_PyInterpreterFrame.previous")                                    \
    X(IFRAME_FUNCTION, "_PyInterpreterFrame.f_funcobj|_PyInterpreterFrame.f_func")        \
    X(IFRAME_GLOBALS, "_PyInterpreterFrame.f_globals")                                    \
    X(IFRAME_LOCALS, "_PyInterpreterFrame.f_locals")                                      \
    X(IFRAME_FRAME, "_PyInterpreterFrame.frame_obj")                                      \
    X(IFRAME_INSTRUCTION, "_PyInterpreterFrame.instr_ptr|_PyInterpreterFrame.prev_instr") \
    X(IFRAME_STACKTOP, "_PyInterpreterFrame.stacktop")                                    \
    X(IFRAME_OWNER, "_PyInterpreterFrame.owner")                                          \
    X(IFRAME_LOCALSPLUS, "_PyInterpreterFrame.localsplus")                                \
    X(GEN_IFRAME, "PyGenObject.gi_iframe")                                                \
    X(GEN_STATE, "PyGenObject.gi_frame_state")                                            \
    X(GEN_EXC_STATE, "PyGenObject.gi_exc_state")                                          \
    X(EXC_INFO_VALUE, "_err_stackitem.exc_value")                                         \
    X(TRACEBACK_LINENO, "PyTracebackObject.tb_lineno|_traceback.tb_lineno")               \
    X(EXCEPTION_DICT, "PyBaseExceptionObject.dict")                                       \
    X(MODULE_DICT, "PyModuleObject.md_dict")                                              \
    X(MODULE_DEF, "PyModuleObject.md_def")                                                \
    X(MODULE_NAME, "PyModuleObject.md_name")                                              \
    X(MODULEDEF_TRAVERSE, "PyModuleDef.m_traverse")                                       \
    X(WEAKREF_OBJECT, "_PyWeakReference.wr_object")                                       \
    X(STR_LENGTH, "PyASCIIObject.length")                                                 \
    X(STR_STATE, "PyASCIIObject.state")                                                   \
    X(STR_KIND_BIT, "bitoffset(PyASCIIObject.state.kind)")                                \
    X(STR_ASCII_SIZEOF, "sizeof(PyASCIIObject)")                                          \
    X(STR_COMPACT_SIZEOF, "sizeof(PyCompactUnicodeObject)")                               \
    X(STR_LEGACY_SIZEOF, "sizeof(PyUnicodeObject)")                                       \
    X(STR_DATA, "PyUnicodeObject.data")                                                   \
    X(STR_UTF8_LENGTH, "PyCompactUnicodeObject.utf8_length")                              \
    X(STR_UTF8, "PyCompactUnicodeObject.utf8")                                            \
    X(LONG_TAG, "PyLongObject.long_value.lv_tag")                                         \
    X(BYTES_DATA, "PyBytesObject.ob_sval")                                                \
    X(LONG_DIGITS, "_longobject.ob_digit|_longobject.long_value.ob_digit")                \
    X(BYTEARRAY_ALLOC, "PyByteArrayObject.ob_alloc")                                      \
    X(THREAD_PREVIOUS, "_ts.prev")                                                        \
    X(THREAD_NEXT, "_ts.next")                                                            \
    X(THREAD_INTERPRETER, "_ts.interp")                                                   \
    X(THREAD_CFRAME, "_ts.cframe")                                                        \
    X(THREAD_CURRENT_FRAME, "_ts.current_frame")                                          \
    X(THREAD_ID, "_ts.thread_id")                                                         \
    X(THREAD_NATIVE_ID, "_ts.native_thread_id")                                           \
    X(CFRAME_CURRENT_FRAME, "_PyCFrame.current_frame")                                    \
    X(ODICT_FIRST, "_odictobject.od_first")                                               \
    X(ODICT_INST_DICT, "_odictobject.od_inst_dict")                                       \
    X(ODICT_NODES_SIZE, "_odictobject.od_fast_nodes_size")                                \
    X(ODICT_NODE_KEY, "_odictnode.key")                                                   \
    X(ODICT_NODE_NEXT, "_odictnode.next")                                                 \
    X(ODICT_NODE_SIZEOF, "sizeof(_odictnode)")

/// Index into mm_layout.at. Last one is the count.
enum mm_at {
#define MM_AT_ENUM(name, source) MM_AT_##name,
    MM_AT_LIST(MM_AT_ENUM)
#undef MM_AT_ENUM
        MM_AT_COUNT
};

/// What the walker can do with objects of a type. The number stands in files: append only.
typedef enum mm_kind {
    MM_KIND_FOREIGN = 0,  ///< nothing known: tp_traverse, or a word scan where there is none
    MM_KIND_LEAF,         ///< holds no reference: int, str, bytes, float, ...
    MM_KIND_OBJECT,       ///< `object` itself: nothing but what its Python class adds
    MM_KIND_DICT,
    MM_KIND_LIST,
    MM_KIND_TUPLE,
    MM_KIND_SET,  ///< set and frozenset
    MM_KIND_FUNCTION,
    MM_KIND_CELL,
    MM_KIND_METHOD,  ///< bound method
    MM_KIND_MODULE,
    MM_KIND_TYPE,
    MM_KIND_CODE,
    MM_KIND_FRAME,
    MM_KIND_GENERATOR,  ///< generator
    MM_KIND_COROUTINE,  ///< coroutine
    MM_KIND_ASYNC_GENERATOR,
    MM_KIND_EXCEPTION,  ///< BaseException; subclasses with a larger struct add a generic tail
    MM_KIND_TRACEBACK,
    MM_KIND_WEAKREF,  ///< weakref.ref and both proxies
    MM_KIND_BUILTIN,  ///< builtin_function_or_method
    MM_KIND_PROPERTY,
    MM_KIND_CLASSMETHOD,
    MM_KIND_STATICMETHOD,
    MM_KIND_STR,  ///< a leaf whose size and text we read
    MM_KIND_INT,  ///< a leaf whose size we read
    MM_KIND_ORDERED_DICT,
    MM_KIND_DESCRIPTOR,  ///< method, member, getset, wrapper descriptors of C types
    MM_KIND_BYTEARRAY,
    MM_KIND_COUNT
} mm_kind;

/// How a named word of a struct holds its object.
enum {
    MM_FIELD_STRONG = 0,
    MM_FIELD_WEAK = 1,      ///< does not keep alive: wr_object
    MM_FIELD_BORROWED = 2,  ///< a pointer that owns nothing and is no holder: frame globals
    MM_FIELD_HIDDEN = 4,    ///< owned, but tp_traverse does not report it
    MM_FIELD_DICT = 8,      ///< the object is a namespace dict: its keys are names, not data
    MM_FIELD_TEXT = 16      ///< the object is a str that is a name: its text goes into the file
};

/// One word of a C struct that refers to an object. An object has the word when the whole word lies
/// below its type's tp_basicsize (mm_class of builtins made by METH_METHOD). For MM_KIND_TYPE a
/// field at or above MM_AT_TYPE_SIZEOF exists only in heap types (Py_TPFLAGS_HEAPTYPE); what a
/// static type owns is hidden throughout, since tp_traverse refuses static types, and from 3.12 on
/// `__dict__` and `subclasses` of a static type come from mm_target.static_dicts.
typedef struct mm_field {
    uint8_t kind;     ///< mm_kind of the objects that have it
    uint8_t flags;    ///< MM_FIELD_*
    uint16_t offset;  ///< bytes from the start of the object
    uint32_t name;    ///< offset of its NUL-terminated Python name in the target's text pool
} mm_field;

/// The layout of one minor version.
typedef struct mm_layout {
    uint16_t minor;            ///< 11 for 3.11; 0 when the version is unknown
    uint16_t at[MM_AT_COUNT];  ///< MM_AT_NONE where the version has no such thing
    uint32_t kinds_checked;    ///< bit per mm_kind: its start-up check passed on this target
} mm_layout;

#endif

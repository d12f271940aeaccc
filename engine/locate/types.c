// Which type objects we can vouch for. They are exported by name, so nothing is guessed: a name
// that this version does not export is simply not known, and a kind whose check fails is left to
// tp_traverse.
#include "base/free/bytes.h"
#include "base/free/search.h"
#include "base/free/sort.h"
#include "locate/locator.h"

/// An exported type, or an exported pointer to one.
typedef struct type_symbol {
    const char *name;
    uint8_t kind;
    bool pointer;
} type_symbol;

// The first of each kind is the one whose basic size is compared.
static const type_symbol type_symbols[] = {
    {"PyBaseObject_Type", MM_KIND_OBJECT, false},
    {"PyDict_Type", MM_KIND_DICT, false},
    {"PyList_Type", MM_KIND_LIST, false},
    {"PyTuple_Type", MM_KIND_TUPLE, false},
    {"PySet_Type", MM_KIND_SET, false},
    {"PyFrozenSet_Type", MM_KIND_SET, false},
    {"PyFunction_Type", MM_KIND_FUNCTION, false},
    {"PyCell_Type", MM_KIND_CELL, false},
    {"PyMethod_Type", MM_KIND_METHOD, false},
    {"PyModule_Type", MM_KIND_MODULE, false},
    {"PyType_Type", MM_KIND_TYPE, false},
    {"PyCode_Type", MM_KIND_CODE, false},
    {"PyFrame_Type", MM_KIND_FRAME, false},
    {"PyGen_Type", MM_KIND_GENERATOR, false},
    {"PyCoro_Type", MM_KIND_COROUTINE, false},
    {"PyAsyncGen_Type", MM_KIND_ASYNC_GENERATOR, false},
    {"PyExc_BaseException", MM_KIND_EXCEPTION, true},
    {"PyTraceBack_Type", MM_KIND_TRACEBACK, false},
    {"_PyWeakref_RefType", MM_KIND_WEAKREF, false},
    {"_PyWeakref_ProxyType", MM_KIND_WEAKREF, false},
    {"_PyWeakref_CallableProxyType", MM_KIND_WEAKREF, false},
    {"PyCFunction_Type", MM_KIND_BUILTIN, false},
    {"PyCMethod_Type", MM_KIND_BUILTIN, false},
    {"PyProperty_Type", MM_KIND_PROPERTY, false},
    {"PyClassMethod_Type", MM_KIND_CLASSMETHOD, false},
    {"PyStaticMethod_Type", MM_KIND_STATICMETHOD, false},
    {"PyODict_Type", MM_KIND_ORDERED_DICT, false},
    {"PyGetSetDescr_Type", MM_KIND_DESCRIPTOR, false},
    {"PyMemberDescr_Type", MM_KIND_DESCRIPTOR, false},
    {"PyMethodDescr_Type", MM_KIND_DESCRIPTOR, false},
    {"PyClassMethodDescr_Type", MM_KIND_DESCRIPTOR, false},
    {"PyWrapperDescr_Type", MM_KIND_DESCRIPTOR, false},
    {"PyByteArray_Type", MM_KIND_BYTEARRAY, false},
    {"PyUnicode_Type", MM_KIND_STR, false},
    {"PyLong_Type", MM_KIND_INT, false},
    {"PyBool_Type", MM_KIND_INT, false},
    {"PyFloat_Type", MM_KIND_LEAF, false},
    {"PyComplex_Type", MM_KIND_LEAF, false},
    {"PyBytes_Type", MM_KIND_LEAF, false},
    {"PyCapsule_Type", MM_KIND_LEAF, false},
    {"PyEllipsis_Type", MM_KIND_LEAF, false},
    {"_PyNone_Type", MM_KIND_LEAF, false},
    {"_PyNotImplemented_Type", MM_KIND_LEAF, false},
};

/// Py_TPFLAGS_HAVE_GC: what is collected holds references and is no leaf.
enum { TYPE_COLLECTED = 1 << 14 };

_Static_assert(MM_COUNTOF(type_symbols) <= TYPES_MAX, "each may become a known type");

mm_status mm_locate_basic_types(mm_locator *locator) {
    mm_elf_symbol symbols[] = {{.name = "PyType_Type"},    {.name = "PyBaseObject_Type"},
                               {.name = "PyDict_Type"},    {.name = "PyList_Type"},
                               {.name = "PyUnicode_Type"}, {.name = "PyModule_Type"}};
    MM_TRY(mm_elf_find(&locator->python, symbols, MM_COUNTOF(symbols)));
    locator->type_type = symbols[0].address;
    locator->object_type = symbols[1].address;
    locator->dict_type = symbols[2].address;
    locator->list_type = symbols[3].address;
    locator->str_type = symbols[4].address;
    locator->module_type = symbols[5].address;
    char name[8];
    if (locator->type_type == 0 || locator->object_type == 0 ||
        mm_object_word(locator, locator->type_type, MM_AT_OB_TYPE) != locator->type_type ||
        mm_object_word(locator, locator->type_type, MM_AT_TYPE_BASE) != locator->object_type ||
        !mm_peek_text(locator, mm_object_word(locator, locator->type_type, MM_AT_TYPE_NAME), name,
                      sizeof name) ||
        !mm_text_same(name, "type", sizeof name)) {
        return mm_fail(locator->err, MM_E_TARGET, "`type` is not where it should be",
                       locator->type_type);
    }
    return MM_OK;
}

static bool known_before(const void *a, const void *b, const void *context) {
    const mm_known_type *left = a;
    const mm_known_type *right = b;
    (void)context;
    return left->address < right->address;
}

static void types_sort(mm_known_type *types, size_t count) {
    mm_known_type buffer[TYPES_MAX];
    MM_ASSERT(count <= TYPES_MAX);
    mm_sort(types, buffer, count, sizeof *types, known_before, NULL);
}

static void fields_fill(mm_locator *locator) {
    const mm_version_table *table = locator->table;
    MM_ASSERT(table->field_count <= FIELDS_MAX);
    for (size_t i = 0; i < table->field_count; ++i) {
        const mm_field_row *row = &table->fields[i];
        if ((locator->layout.kinds_checked >> row->kind & 1) != 0) {
            mm_field *field = &locator->fields[locator->field_count++];
            field->kind = row->kind;
            field->flags = row->flags;
            field->offset = row->offset;
            field->name = mm_locator_text(locator, row->name);
        }
    }
}

/// Every class made by a class statement has the same tp_traverse. Two of them are in every
/// process.
static void find_subtype_traverse(mm_locator *locator) {
    uint64_t importlib = mm_module_named(locator, "_frozen_importlib");
    uint64_t spec = mm_dict_find(locator, importlib, "ModuleSpec");
    uint64_t importer = mm_dict_find(locator, importlib, "BuiltinImporter");
    if (mm_object_is_type(locator, spec) && mm_object_is_type(locator, importer)) {
        uint64_t traverse = mm_object_word(locator, spec, MM_AT_TYPE_TRAVERSE);
        if (traverse == mm_object_word(locator, importer, MM_AT_TYPE_TRAVERSE)) {
            locator->subtype_traverse = traverse;
        }
    }
}

/// Is it among the roots already, as one of the interpreter's own array?
static bool has_static_dict(const mm_locator *locator, uint64_t type) {
    const mm_static_dict *dicts = locator->static_dicts;
    size_t count = locator->static_dict_count;
    size_t at = mm_lower_bound_u64(&dicts->type, sizeof *dicts, count, type);
    return at < count && dicts[at].type == type;
}

/// The address of every type of type_symbols, 0 where there is none.
static bool symbols_resolve(mm_locator *locator, mm_elf_symbol *symbols) {
    for (size_t i = 0; i < MM_COUNTOF(type_symbols); ++i) {
        symbols[i] = (mm_elf_symbol){.name = type_symbols[i].name};
    }
    if (mm_elf_find(&locator->python, symbols, MM_COUNTOF(type_symbols)) != MM_OK) {
        return false;
    }
    for (size_t i = 0; i < MM_COUNTOF(type_symbols); ++i) {
        if (type_symbols[i].pointer && symbols[i].address != 0) {
            symbols[i].address = mm_peek_word(locator, symbols[i].address);
        }
        if (!mm_object_is_type(locator, symbols[i].address)) {
            symbols[i].address = 0;
        }
    }
    return true;
}

/// Hold each kind against the target. Answers those that agree.
static uint32_t kinds_check(mm_locator *locator, const mm_elf_symbol *symbols) {
    uint64_t type_of[MM_KIND_COUNT] = {0};
    uint32_t seen = 0;
    for (size_t i = 0; i < MM_COUNTOF(type_symbols); ++i) {
        uint8_t kind = type_symbols[i].kind;
        if (symbols[i].address != 0 && type_of[kind] == 0) {
            type_of[kind] = symbols[i].address;
            seen |= (uint32_t)1 << kind;
        }
    }
    bool known = locator->layout.minor != 0;
    uint32_t passed = known ? mm_check_kinds(locator, type_of) : 0;
    MM_ASSERT((passed & ~seen) == 0);
    passed &= ~locator->options->hide_kinds;
    // Which words of a frame are variables is known from its code alone.
    if ((passed >> MM_KIND_CODE & 1) == 0) {
        passed &= ~(1u << MM_KIND_FRAME | 1u << MM_KIND_GENERATOR | 1u << MM_KIND_COROUTINE |
                    1u << MM_KIND_ASYNC_GENERATOR);
    }
    // Attributes are read by way of key tables; the subclasses of all kinds have them.
    if ((passed >> MM_KIND_DICT & 1) == 0) {
        passed = 0;
    }
    locator->report->kinds_failed = known ? seen & ~passed : 0;
    return passed;
}

void mm_locate_types(mm_locator *locator) {
    mm_elf_symbol symbols[MM_COUNTOF(type_symbols)];
    if (!symbols_resolve(locator, symbols)) {
        return;
    }
    uint32_t passed = kinds_check(locator, symbols);
    locator->layout.kinds_checked = passed;
    for (size_t i = 0; i < MM_COUNTOF(type_symbols); ++i) {
        uint8_t kind = type_symbols[i].kind;
        uint64_t address = symbols[i].address;
        if (address == 0) {
            continue;
        }
        if (!has_static_dict(locator, address)) {
            mm_root_add_type(locator, address);
        }
        bool collected = (mm_object_word(locator, address, MM_AT_TYPE_FLAGS) & TYPE_COLLECTED) != 0;
        if ((passed >> kind & 1) != 0 && !(kind == MM_KIND_LEAF && collected)) {
            locator->types[locator->type_count++] =
                (mm_known_type){.address = address, .kind = kind};
        }
    }
    types_sort(locator->types, locator->type_count);
    if (locator->layout.minor != 0) {
        fields_fill(locator);
        find_subtype_traverse(locator);
    }
}

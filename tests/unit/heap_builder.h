// Tiny heaps for tests of graph, analyze and report: an mm_file made by hand, without a file.
//
//     heap h;
//     heap_init(&h);
//     uint32_t shop = heap_module(&h, "shop");
//     uint32_t within = heap_class(&h, shop, "Within");
//     uint32_t seen = heap_object(&h, h.dict_type, 1);
//     heap_set(&h, within, "_seen", seen);
//     const mm_file *file = heap_file(&h);
//
// References may be added in any order; heap_file() sorts them by source. Ids are in the order of
// creation, addresses ascend with them. Reference counts are what is said, or HEAP_EXACT for the
// number of references that the heap has to the object.
#ifndef MM_TESTS_HEAP_BUILDER_H
#define MM_TESTS_HEAP_BUILDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

#define HEAP_EXACT 0xfffffffeu
#define HEAP_PUSH(h, array, count, value)                                     \
    do {                                                                      \
        if (((count) & ((count) - 1)) == 0) {                                 \
            (array) = realloc((array), sizeof(*(array)) * ((count) * 2 + 1)); \
        }                                                                     \
        (array)[(count)++] = (value);                                         \
    } while (0)

typedef struct heap_ref_record {
    uint32_t source;
    uint32_t target;
    uint8_t naming;
    uint32_t argument;
} heap_ref_record;

typedef struct heap {
    mm_file file;
    heap_ref_record *refs;
    uint32_t ref_count;
    uint32_t field_count;
    uint32_t *namespaces;  // by object: its __dict__, or 0
    uint32_t module_type, class_type, str_type, int_type, dict_type, list_type, tuple_type,
        set_type;
    uint32_t function_type, code_type, cell_type, frame_type, traceback_type, exception_type;
    uint32_t generator_type;
    uint32_t modules;  // sys.modules
} heap;

__attribute__((unused)) static uint32_t heap_type(heap *h, const char *name, uint32_t kind,
                                                  uint32_t flags, uint32_t object) {
    mm_file_type type = {.object = object,
                         .name = name,
                         .kind = kind,
                         .flags = flags,
                         .size_bytes = 48,
                         .base = MM_NONE,
                         .field_start = h->field_count};
    HEAP_PUSH(h, h->file.types, h->file.type_count, type);
    return h->file.type_count - 1;
}

// Only for the type that was made last.
__attribute__((unused)) static void heap_field(heap *h, uint32_t word, const char *name) {
    mm_file_field field = {word, 0, name};
    HEAP_PUSH(h, h->file.fields, h->field_count, field);
    h->file.types[h->file.type_count - 1].field_count++;
}

__attribute__((unused)) static uint32_t heap_object(heap *h, uint32_t type, uint32_t refcount) {
    mm_file *f = &h->file;
    uint32_t n = f->object_count;
    if ((n & (n - 1)) == 0) {
        size_t room = (size_t)n * 2 + 1;
        f->address = realloc(f->address, room * 8);
        f->type = realloc(f->type, room * 4);
        f->refcount = realloc(f->refcount, room * 4);
        f->size_bytes = realloc(f->size_bytes, room * 4);
        f->storage_bytes = realloc(f->storage_bytes, room * 4);
        f->object_flags = realloc(f->object_flags, room);
        h->namespaces = realloc(h->namespaces, room * 4);
    }
    f->address[n] = 0x10000 + (uint64_t)n * 64;
    f->type[n] = type;
    f->refcount[n] = refcount;
    f->size_bytes[n] = 48;
    f->storage_bytes[n] = 0;
    f->object_flags[n] = 0;
    h->namespaces[n] = 0;
    f->object_count++;
    return n;
}

__attribute__((unused)) static void heap_ref(heap *h, uint32_t source, uint32_t target,
                                             unsigned naming, uint32_t argument) {
    heap_ref_record record = {source, target, (uint8_t)naming, argument};
    HEAP_PUSH(h, h->refs, h->ref_count, record);
}

__attribute__((unused)) static void heap_text(heap *h, uint32_t object, const char *text) {
    mm_file_text record = {object, text};
    HEAP_PUSH(h, h->file.texts, h->file.text_count, record);
}

__attribute__((unused)) static uint32_t heap_str(heap *h, const char *text) {
    for (uint32_t i = 0; i < h->file.text_count; i++) {
        if (strcmp(h->file.texts[i].text, text) == 0) {
            return h->file.texts[i].object;
        }
    }
    uint32_t object = heap_object(h, h->str_type, MM_NONE);
    heap_text(h, object, text);
    return object;
}

__attribute__((unused)) static uint32_t heap_name(heap *h, const char *name) {
    HEAP_PUSH(h, h->file.names, h->file.name_count, name);
    return h->file.name_count - 1;
}

// A reference by a field of that name.
__attribute__((unused)) static void heap_named(heap *h, uint32_t source, uint32_t target,
                                               const char *name) {
    heap_ref(h, source, target, MM_NAME_NAMED, heap_name(h, name));
}

__attribute__((unused)) static void heap_entry(heap *h, uint32_t dict, uint32_t key,
                                               uint32_t value) {
    heap_ref(h, dict, key, MM_NAME_KEY, 0);
    heap_ref(h, dict, value, MM_NAME_VALUE, key);
}

// The __dict__ of an object, made when there is none.
__attribute__((unused)) static uint32_t heap_namespace(heap *h, uint32_t object) {
    if (h->namespaces[object] == 0) {
        uint32_t dict = heap_object(h, h->dict_type, HEAP_EXACT);
        heap_named(h, object, dict, "__dict__");
        h->namespaces[object] = dict;
    }
    return h->namespaces[object];
}

// object.name = value
__attribute__((unused)) static void heap_set(heap *h, uint32_t object, const char *name,
                                             uint32_t value) {
    uint32_t dict = heap_namespace(h, object);
    heap_entry(h, dict, heap_str(h, name), value);
}

__attribute__((unused)) static void heap_fact(heap *h, uint32_t object, mm_fact fact,
                                              uint64_t value) {
    mm_file_fact record = {object, (uint32_t)fact, value};
    HEAP_PUSH(h, h->file.facts, h->file.fact_count, record);
}

__attribute__((unused)) static uint32_t heap_root(heap *h, mm_root_kind kind, uint32_t object,
                                                  uint32_t name, uint32_t frame) {
    mm_file_root root = {(uint8_t)kind, 0, 0, name, frame, object};
    HEAP_PUSH(h, h->file.roots, h->file.root_count, root);
    return h->file.root_count - 1;
}

__attribute__((unused)) static uint32_t heap_frame(heap *h, uint32_t code, uint32_t line,
                                                   uint32_t flags) {
    mm_file_frame frame = {0, code, line, flags};
    HEAP_PUSH(h, h->file.frames, h->file.frame_count, frame);
    return h->file.frame_count - 1;
}

__attribute__((unused)) static void heap_meta(heap *h, const char *key, const char *value) {
    mm_file_meta record = {key, value};
    HEAP_PUSH(h, h->file.meta, h->file.meta_count, record);
}

__attribute__((unused)) static void heap_ephemeron(heap *h, uint32_t table, uint32_t key,
                                                   uint32_t value) {
    mm_file_ephemeron record = {table, key, value};
    HEAP_PUSH(h, h->file.ephemerons, h->file.ephemeron_count, record);
}

__attribute__((unused)) static uint32_t heap_module(heap *h, const char *name) {
    uint32_t module = heap_object(h, h->module_type, HEAP_EXACT);
    heap_set(h, module, "__name__", heap_str(h, name));
    heap_entry(h, h->modules, heap_str(h, name), module);
    return module;
}

// A class statement in a module. Its type is the one made last.
__attribute__((unused)) static uint32_t heap_class(heap *h, uint32_t module, const char *name) {
    uint32_t class_node = heap_object(h, h->class_type, HEAP_EXACT);
    heap_named(h, class_node, heap_str(h, name), "__qualname__");
    heap_set(h, module, name, class_node);
    // The module's name is the first value of its namespace.
    for (uint32_t i = 0; i < h->ref_count; i++) {
        if (h->refs[i].source == h->namespaces[module] && h->refs[i].naming == MM_NAME_VALUE) {
            heap_set(h, class_node, "__module__", h->refs[i].target);
            break;
        }
    }
    (void)heap_type(h, name, MM_KIND_OBJECT,
                    MM_TYPE_HEAP | MM_TYPE_CLASS | MM_TYPE_COLLECTED | MM_TYPE_HAS_DICT,
                    class_node);
    return class_node;
}

// A code object with its variables, arguments first.
__attribute__((unused)) static uint32_t heap_code(heap *h, const char *name, const char *file,
                                                  uint32_t line, const char *const *variables,
                                                  uint32_t variable_count) {
    uint32_t code = heap_object(h, h->code_type, HEAP_EXACT);
    uint32_t names = heap_object(h, h->tuple_type, HEAP_EXACT);
    heap_named(h, code, names, "co_localsplusnames");
    heap_named(h, code, heap_str(h, name), "co_qualname");
    heap_named(h, code, heap_str(h, file), "co_filename");
    for (uint32_t i = 0; i < variable_count; i++) {
        heap_ref(h, names, heap_str(h, variables[i]), MM_NAME_INDEX, i);
    }
    heap_fact(h, code, MM_FACT_FIRST_LINE, line);
    heap_fact(h, code, MM_FACT_VARIABLES, variable_count);
    return code;
}

__attribute__((unused)) static uint32_t heap_function(heap *h, const char *name, uint32_t code) {
    uint32_t function = heap_object(h, h->function_type, HEAP_EXACT);
    heap_named(h, function, code, "__code__");
    heap_named(h, function, heap_str(h, name), "__qualname__");
    return function;
}

__attribute__((unused)) static void heap_init(heap *h) {
    memset(h, 0, sizeof(*h));
    (void)heap_type(h, "?", MM_KIND_FOREIGN, 0, MM_NONE);
    h->module_type = heap_type(h, "module", MM_KIND_MODULE, MM_TYPE_COLLECTED, MM_NONE);
    h->class_type = heap_type(h, "type", MM_KIND_TYPE, MM_TYPE_METATYPE, MM_NONE);
    h->str_type = heap_type(h, "str", MM_KIND_STR, 0, MM_NONE);
    h->int_type = heap_type(h, "int", MM_KIND_INT, 0, MM_NONE);
    h->dict_type = heap_type(h, "dict", MM_KIND_DICT, MM_TYPE_COLLECTED, MM_NONE);
    h->list_type = heap_type(h, "list", MM_KIND_LIST, MM_TYPE_COLLECTED, MM_NONE);
    h->tuple_type = heap_type(h, "tuple", MM_KIND_TUPLE, MM_TYPE_COLLECTED, MM_NONE);
    h->set_type = heap_type(h, "set", MM_KIND_SET, MM_TYPE_COLLECTED, MM_NONE);
    h->function_type = heap_type(h, "function", MM_KIND_FUNCTION, MM_TYPE_COLLECTED, MM_NONE);
    h->code_type = heap_type(h, "code", MM_KIND_CODE, 0, MM_NONE);
    h->cell_type = heap_type(h, "cell", MM_KIND_CELL, MM_TYPE_COLLECTED, MM_NONE);
    heap_field(h, 2, "cell_contents");
    h->frame_type = heap_type(h, "frame", MM_KIND_FRAME, MM_TYPE_COLLECTED, MM_NONE);
    h->traceback_type = heap_type(h, "traceback", MM_KIND_TRACEBACK, MM_TYPE_COLLECTED, MM_NONE);
    heap_field(h, 2, "tb_next");
    heap_field(h, 3, "tb_frame");
    h->exception_type = heap_type(h, "ValueError", MM_KIND_EXCEPTION, MM_TYPE_EXCEPTION, MM_NONE);
    heap_field(h, 5, "__traceback__");
    h->generator_type = heap_type(h, "generator", MM_KIND_GENERATOR, MM_TYPE_COLLECTED, MM_NONE);
    (void)heap_object(h, 0, MM_NONE);  // id 0, so that 0 can mean "no namespace"
    h->modules = heap_object(h, h->dict_type, HEAP_EXACT);
    heap_root(h, MM_ROOT_MODULES, h->modules, MM_NONE, MM_NONE);
    heap_fact(h, h->modules, MM_FACT_NAMESPACE, 1);
    heap_meta(h, "runtime", "cpython");
    heap_meta(h, "version", "3.13.0");
    heap_meta(h, "door", "fork");
}

static int heap_fact_compare(const void *a, const void *b) {
    const mm_file_fact *x = a;
    const mm_file_fact *y = b;
    if (x->object != y->object) {
        return x->object < y->object ? -1 : 1;
    }
    return x->fact < y->fact ? -1 : x->fact > y->fact;
}

static int heap_text_compare(const void *a, const void *b) {
    const mm_file_text *x = a;
    const mm_file_text *y = b;
    return x->object < y->object ? -1 : x->object > y->object;
}

// The file. Nothing may be added afterwards.
__attribute__((unused)) static const mm_file *heap_file(heap *h) {
    mm_file *f = &h->file;
    uint32_t n = f->object_count;
    uint32_t m = h->ref_count;
    f->reference_count = m;
    f->reference_start = calloc((size_t)n + 1, 4);
    f->reference_target = calloc((size_t)m + 1, 4);
    f->reference_naming = calloc((size_t)m + 1, 1);
    f->reference_argument = calloc((size_t)m + 1, 4);
    uint32_t *at = calloc((size_t)n + 1, 4);
    uint32_t *found = calloc((size_t)n + 1, 4);
    for (uint32_t i = 0; i < m; i++) {
        f->reference_start[h->refs[i].source + 1]++;
    }
    for (uint32_t i = 0; i < n; i++) {
        f->reference_start[i + 1] += f->reference_start[i];
        at[i] = f->reference_start[i];
    }
    for (uint32_t i = 0; i < m; i++) {
        const heap_ref_record *r = &h->refs[i];
        uint32_t edge = at[r->source]++;
        f->reference_target[edge] = r->target;
        f->reference_naming[edge] = r->naming;
        f->reference_argument[edge] = r->argument;
        found[r->target] += (r->naming & (MM_REF_WEAK | MM_REF_BORROWED)) == 0;
    }
    for (uint32_t i = 0; i < f->root_count; i++) {
        found[f->roots[i].object] += (f->roots[i].flags & (MM_REF_WEAK | MM_REF_BORROWED)) == 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        const mm_file_type *t = &f->types[f->type[i]];
        if ((t->flags & MM_TYPE_HEAP) != 0 && t->object != MM_NONE) {
            found[t->object]++;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        f->refcount[i] = f->refcount[i] == HEAP_EXACT ? found[i] : f->refcount[i];
    }
    if (f->fact_count > 0) {
        qsort(f->facts, f->fact_count, sizeof(*f->facts), heap_fact_compare);
    }
    if (f->text_count > 0) {
        qsort(f->texts, f->text_count, sizeof(*f->texts), heap_text_compare);
    }
    free(at);
    free(found);
    f->file_bytes = 4096;
    return f;
}

__attribute__((unused)) static void heap_deinit(heap *h) {
    mm_file *f = &h->file;
    free(f->address);
    free(f->type);
    free(f->refcount);
    free(f->size_bytes);
    free(f->storage_bytes);
    free(f->object_flags);
    free(f->reference_start);
    free(f->reference_target);
    free(f->reference_naming);
    free(f->reference_argument);
    free(f->types);
    free(f->fields);
    free(f->keys);
    free(f->names);
    free(f->roots);
    free(f->frames);
    free(f->facts);
    free(f->texts);
    free(f->meta);
    free(f->ephemerons);
    free(h->refs);
    free(h->namespaces);
}

#endif

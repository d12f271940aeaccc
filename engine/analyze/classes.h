// All classes and C types of a snapshot by name, with or without instances.
#ifndef MM_ANALYZE_CLASSES_H
#define MM_ANALYZE_CLASSES_H

#include "graph/graph.h"

/// Whose class it is. Smaller ones win where a name fits several.
typedef enum mm_class_rank {
    MM_CLASS_MAIN = 0,  ///< of __main__
    MM_CLASS_PROGRAM,   ///< of another module of the program
    MM_CLASS_SITE,      ///< of an installed package
    MM_CLASS_STDLIB     ///< of the interpreter, its library, or a C extension
} mm_class_rank;

/// A class.
typedef struct mm_class {
    uint32_t node;     ///< its type object, or MM_NONE
    uint32_t type;     ///< its row among the file's types; MM_NONE = no object ever needed one
    const char *text;  ///< "shop.Exam"
} mm_class;

/// All of them, and the modules that they may come from. Lives in the arena.
typedef struct mm_classes {
    mm_class *items;
    uint32_t count;
    uint32_t *modules;  ///< nodes
    uint32_t module_count;
} mm_classes;

/// List them. mortmain's own are left out. COST: O(V), and some 100 bytes for each class.
MM_STATUS mm_classes_list(const mm_graph *graph, mm_arena *arena, mm_classes *ret, mm_error *err);

/// Whose it is. COST: O(modules).
mm_class_rank mm_class_rank_of(const mm_graph *graph, const mm_classes *classes,
                               const mm_class *item);

/// Whose module it is.
mm_class_rank mm_module_rank(const mm_graph *graph, uint32_t module);

/// Is it called `what`: "shop.Exam", or the end of that behind a dot.
bool mm_class_is_named(const mm_class *item, const char *what);

/// Module of that name (the first `length` bytes of `name`), or MM_NONE. COST: O(modules).
uint32_t mm_classes_module(const mm_graph *graph, const mm_classes *classes, const char *name,
                           size_t length);

/// Name of the module that a class says it is from, or NULL.
const char *mm_class_module_text(const mm_graph *graph, const mm_class *item);

#endif

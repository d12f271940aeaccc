// engine/graph: a snapshot as a graph with names.
//
// Knows: what CPython's structures mean to a person. The one place that folds (instance -> __dict__
// -> value is `.attr`), names a reference, an object and a root, and says what is a namespace. Must
// not know: bytes of the file, how a report looks, which answer is wanted.
#ifndef MM_GRAPH_GRAPH_H
#define MM_GRAPH_GRAPH_H

#include "base/free/layout.h"
#include "base/free/target.h"
#include "format/read.h"

/// A graph is a file plus its reverse references and a virtual root. Node ids are the file's dense
/// ids; `root_node` == file->object_count stands for everything outside the heap. All of it lives
/// in the arena.
typedef struct mm_graph {
    const mm_file *file;
    uint32_t root_node;
    uint32_t *reverse_start;  ///< object_count + 1
    uint32_t *reverse_edge;   ///< references to the node, ascending: indices of the file's columns
    uint32_t *source_index;   ///< by 64 references of the file: source of the first of them
    uint8_t *node_flags;      ///< MM_NODE_*
    uint32_t *strong_found;   ///< owning references found, roots included: to hold against refcount
    uint32_t *instance_count;  ///< by type index: objects of exactly this type
    uint32_t *owner_edge;      ///< of a folded node: the reference that folds it; else MM_NONE
    uint64_t *root_index;      ///< object << 32 | root number, ascending: who is a root, and which
    uint64_t *class_index;     ///< type object << 32 | type, ascending
    uint64_t *field_index;     ///< as the file's fields, those of each type by word << 32 | field
    uint8_t *field_role;       ///< by index into file->fields: mm_role
    uint8_t *name_role;        ///< by index into file->names: mm_role
    bool keys;                 ///< META keys=yes: texts of data keys may be shown
} mm_graph;

/// Properties of nodes.
enum {
    MM_NODE_NAMESPACE = 1,  ///< dict of a module, class, instance or frame: its keys are names
    MM_NODE_FOLDED = 2,     ///< an attribute dict or other internal that belongs to one owner
    MM_NODE_OWN = 4,        ///< mortmain's own: left out of every answer
    MM_NODE_CODE = 8,       ///< module, type, function or code: structure of the program
    MM_NODE_GUESSED = 16,   ///< its count has a remainder, so guessed references to it own
    MM_NODE_STDLIB = 32,    ///< module, class or function of the interpreter or its library
    MM_NODE_ROOT = 64       ///< a root of the file names it
};

/// Fields that mean something to the graph, whatever type they belong to.
typedef enum mm_role {
    MM_ROLE_NONE = 0,
    MM_ROLE_DICT,         ///< __dict__
    MM_ROLE_LOCALS,       ///< f_locals
    MM_ROLE_CLOSURE,      ///< __closure__
    MM_ROLE_DEFAULTS,     ///< __defaults__
    MM_ROLE_KWDEFAULTS,   ///< __kwdefaults__
    MM_ROLE_GLOBALS,      ///< __globals__, __builtins__: back to the module
    MM_ROLE_CODE,         ///< __code__ and its like
    MM_ROLE_CONTENTS,     ///< cell_contents
    MM_ROLE_TRACEBACK,    ///< __traceback__
    MM_ROLE_FRAME,        ///< tb_frame
    MM_ROLE_NAME,         ///< __name__ and its like
    MM_ROLE_QUALNAME,     ///< __qualname__ and its like
    MM_ROLE_MODULE,       ///< __module__
    MM_ROLE_LOCAL_NAMES,  ///< co_localsplusnames
    MM_ROLE_NAMES,        ///< co_names
    MM_ROLE_FILE,         ///< co_filename
    MM_ROLE_SELF          ///< __self__
} mm_role;

/// Build a graph over `file`, which must outlive it. Answers MM_E_NOMEM; `ret` is then untouched.
/// COST: O(V + E) time; 13 bytes a node and 4 a reference of `arena`, next to the file's columns.
MM_STATUS mm_graph_build(const mm_file *file, mm_arena *arena, mm_graph *ret, mm_error *err);

// In all functions below a node is below `root_node`, an edge is an index into the file's reference
// columns and below `reference_count`, `source` is the node whose reference the edge is, and a type
// is an index below `type_count`: everything that comes out of a file that was read is. They only
// read, so any number of threads may ask.

/// As mm_graph_edge_owns(), for what that cannot tell from the reference's own flags: words that a
/// scan guessed, and the first word of an object, which may be its type.
bool mm_graph_edge_owns_by_target(const mm_graph *graph, uint32_t edge);

/// References nobody in the file accounts for: count less references found; 0 for immortal objects.
uint32_t mm_graph_unaccounted(const mm_graph *graph, uint32_t node);

/// Kind of a node, as mm_kind.
static inline uint32_t mm_graph_kind(const mm_graph *graph, uint32_t node) {
    return graph->file->types[graph->file->type[node]].kind;
}

/// Does reference `edge` keep its target alive? Neither weak nor borrowed; a guessed one only where
/// the target's count has a remainder. Every walk asks it of every reference: nearly all are
/// answered without a look at the target, which is a cache miss.
static inline bool mm_graph_edge_owns(const mm_graph *graph, uint32_t edge) {
    MM_ASSERT(edge < graph->file->reference_count);
    unsigned naming = graph->file->reference_naming[edge];
    if (MM_UNLIKELY((naming & (MM_REF_WEAK | MM_REF_BORROWED)) != 0)) {
        return false;
    }
    bool plain = (naming & MM_REF_GUESSED) == 0 &&
                 ((naming & 15u) != MM_NAME_WORD || graph->file->reference_argument[edge] != 1);
    return MM_LIKELY(plain) || mm_graph_edge_owns_by_target(graph, edge);
}

/// The type object that an instance owns a reference to, or MM_NONE: only heap types are owned by
/// their instances. These references stand in no column: see `instance_count`.
static inline uint32_t mm_graph_type_object(const mm_graph *graph, uint32_t node) {
    const mm_file_type *type = &graph->file->types[graph->file->type[node]];
    return (type->flags & MM_TYPE_HEAP) != 0 ? type->object : MM_NONE;
}

/// Roots that the node is: root_index[first] up to, not including, the answer. COST: O(log n).
uint32_t mm_graph_roots_of(const mm_graph *graph, uint32_t node, uint32_t *ret_first);

/// References that a root stands for: one, or as many as C code holds. REQUIRES: root < root_count.
uint32_t mm_graph_root_count(const mm_graph *graph, uint32_t root);

/// Is the root what atexit calls at the end, or an argument of it?
bool mm_graph_root_is_atexit(const mm_graph *graph, uint32_t root);

/// Node that a reference comes from. COST: a search among the sources of 64 references.
uint32_t mm_graph_edge_source(const mm_graph *graph, uint32_t edge);

/// Node that the reference in place `at` of `reverse_edge` comes from. Sources of one node's
/// references ascend too.
static inline uint32_t mm_graph_reverse_source(const mm_graph *graph, uint32_t at) {
    return mm_graph_edge_source(graph, graph->reverse_edge[at]);
}

/// Type whose type object the node is, or MM_NONE: a class without instances may have none. The
/// first, where a file has several. COST: O(log n).
uint32_t mm_graph_type_of_class(const mm_graph *graph, uint32_t node);

/// Role of a reference's field, MM_ROLE_NONE for entries and unknown fields.
mm_role mm_graph_edge_role(const mm_graph *graph, uint32_t source, uint32_t edge);

/// First reference of a node with that role, or MM_NONE.
uint32_t mm_graph_edge_with_role(const mm_graph *graph, uint32_t node, mm_role role);

/// Is the target of this reference an internal of its source, so that the reference from it makes
/// one step with this one: instance -> __dict__, function -> __closure__ -> cell.
bool mm_graph_edge_folds(const mm_graph *graph, uint32_t source, uint32_t edge);

/// Who owns a folded node: `ret_edge` is the reference that folds. MM_NONE if nobody does.
uint32_t mm_graph_owner(const mm_graph *graph, uint32_t node, uint32_t *ret_edge);

/// Reference by which an object has an attribute, through its dict, inline values or slots; MM_NONE
/// when there is none. COST: linear in its attributes.
uint32_t mm_graph_attribute(const mm_graph *graph, uint32_t node, const char *name);

/// Bare name of what a reference is filed under: attribute, variable, field; NULL for entries of
/// data.
const char *mm_graph_edge_name(const mm_graph *graph, uint32_t source, uint32_t edge);

/// Name of variable `index` of a code object, or NULL.
const char *mm_graph_variable(const mm_graph *graph, uint32_t code, uint32_t index);

/// What a weak reference refers to, None when that is dead; MM_NONE of an object that refers to
/// nothing weakly.
uint32_t mm_graph_referent(const mm_graph *graph, uint32_t node);

/// Code object of a function, frame or generator (itself for a code object), or MM_NONE.
uint32_t mm_graph_code_of(const mm_graph *graph, uint32_t node);

/// Entries of a container, items of a list; false when the node is no container.
bool mm_graph_entries(const mm_graph *graph, uint32_t node, uint64_t *ret);

/// "closed", "finished" or "ended" of an object whose life is over and that should be gone; NULL of
/// all others: most objects do not tell. COST: O(log n).
const char *mm_graph_over_word(const mm_graph *graph, uint32_t node);

/// Is the object meant to live: a module, a class, a thread or a frame that runs? COST: O(log n).
bool mm_graph_is_meant_to_live(const mm_graph *graph, uint32_t node);

// How a name is written out. `out` is overwritten: whole characters that fit into `out_bytes` with
// a NUL. The length that the text would have is returned, as snprintf does. Texts may hold any
// character that the file has: who prints them makes them harmless (mm_text_name()).
// REQUIRES: out_bytes > 0. COST: linear in the references of the objects spoken of.

/// The step a reference makes, folded: ".attr", "[3]", "['k']", "[*]", "[key]", " member",
/// "local x", "temporary", "closure variable x", "default of x", "traceback", "+0x48".
size_t mm_graph_edge_text(const mm_graph *graph, uint32_t edge, char *out, size_t out_bytes);

/// Leave the number of an item out of a step's text: ".friends[3]" becomes ".friends[*]". Others
/// stay as they are.
void mm_graph_step_general(char *text);

/// What an object is, short: "module shop", "class Within", "function f (shop.py:12)", "Exam",
/// "frame of f (shop.py:14)", "dict".
size_t mm_graph_node_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes);

/// The same, with the name of an object that the program asks for by one: "Logger 'shop.orders'".
size_t mm_graph_object_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes);

/// Name of a module, class, function, code, frame or generator by itself: "shop", "Within.add".
/// Empty for anything else.
size_t mm_graph_name_text(const mm_graph *graph, uint32_t node, char *out, size_t out_bytes);

/// What a root is: "sys.modules", "local x of f (shop.py:14)", "interpreter: codec_error_registry".
/// REQUIRES of these three: root < file->root_count.
size_t mm_graph_root_text(const mm_graph *graph, uint32_t root, char *out, size_t out_bytes);

/// The first part of it, what the root belongs to: "running frame of f (shop.py:14)".
size_t mm_graph_root_owner_text(const mm_graph *graph, uint32_t root, char *out, size_t out_bytes);

/// The other part, what it is there: "local x", "codec_error_registry"; empty when it is all of it.
size_t mm_graph_root_edge_text(const mm_graph *graph, uint32_t root, char *out, size_t out_bytes);

/// What holds things, as short as a person would say it: "all_people", "Within._seen",
/// "shop.cache", "rows[3]", "default of seen of f", "Exam.answers", at worst its type: "dict". For
/// the left side of a direct reference. `general`: "rows[*]", whichever it is.
size_t mm_graph_holder_text(const mm_graph *graph, uint32_t node, bool general, char *out,
                            size_t out_bytes);

/// Last part of the name of a node's type: "Exam".
const char *mm_graph_type_short(const mm_graph *graph, uint32_t node);

/// Qualified name of a type by its index: "shop.Exam".
size_t mm_graph_type_text(const mm_graph *graph, uint32_t type, char *out, size_t out_bytes);

/// Name of a module, or NULL.
const char *mm_graph_module_name(const mm_graph *graph, uint32_t node);

/// Source place of a code object, function, class, module, generator or frame: file and line; false
/// if the file is unknown. The line is 0 for a module; for a class without a known line it is the
/// first one of its methods.
bool mm_graph_place(const mm_graph *graph, uint32_t node, const char **ret_file,
                    uint32_t *ret_line);

#endif

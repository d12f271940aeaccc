// Who holds an object: all direct references, and for each kind of them the best chain from a root.
#ifndef MM_ANALYZE_WHY_H
#define MM_ANALYZE_WHY_H

#include "analyze/path.h"
#include "analyze/reach.h"
#include "analyze/select.h"

/// How a holder is to be understood. The number stands in no file.
typedef enum mm_holder {
    MM_HOLDER_OTHER = 0,
    MM_HOLDER_GLOBAL,     ///< module global
    MM_HOLDER_CLASS,      ///< class attribute
    MM_HOLDER_INSTANCE,   ///< instance attribute
    MM_HOLDER_FUNCTION,   ///< function attribute
    MM_HOLDER_ENTRY,      ///< entry of a container
    MM_HOLDER_DEFAULT,    ///< default of a parameter
    MM_HOLDER_CLOSURE,    ///< closure variable
    MM_HOLDER_LOCAL,      ///< local of a running frame
    MM_HOLDER_SUSPENDED,  ///< local of a suspended generator or coroutine
    MM_HOLDER_EXCEPTION,  ///< local of a frame that an exception keeps
    MM_HOLDER_CACHE,      ///< a cache
    MM_HOLDER_METHOD,     ///< bound method
    MM_HOLDER_FIELD,      ///< field of a C struct
    MM_HOLDER_INSTANCES,  ///< a class by its instances
    MM_HOLDER_ROOT,       ///< a field of the interpreter or a library
    MM_HOLDER_C,          ///< references that nobody accounts for
    MM_HOLDER_HELD,       ///< references that a C program holds to objects of its own heap
    MM_HOLDER_WEAK,       ///< a weak reference, which holds nothing
    MM_HOLDER_COUNT
} mm_holder;

/// All direct references that are called the same.
typedef struct mm_why_reference {
    const char
        *name;  ///< "__main__.p1", "all_people[0]", "Within._seen[key]", "local x of f (a.py:3)"
    mm_holder kind;
    uint64_t count;
    uint32_t edge;    ///< the one whose chain is shown, or MM_NONE (a root, instances, an
                      ///< ephemeron entry)
    uint32_t holder;  ///< node that refers, or MM_NONE (a root)
    uint32_t target;  ///< which of the asked objects
    uint32_t root;    ///< root number, or MM_NONE
    uint8_t level;    ///< mm_path_level of the chain
    bool chained;     ///< a root leads to the holder without passing the asked objects
    bool among;       ///< from one of the asked objects to another
    bool weak;        ///< keeps nothing alive: counted nowhere but in `count` and weak_count
    uint32_t depth;
    uint32_t chain;  ///< index into chains, or MM_NONE
} mm_why_reference;

/// One line of a chain.
typedef struct mm_why_step {
    const char *object;  ///< "module shop", "dict"
    const char *edge;    ///< what of it leads on: "._seen", "[key]"; NULL at the end
    uint64_t entries;    ///< of a container; UINT64_MAX = none or unknown
    uint32_t kind;       ///< mm_kind of the object; MM_NONE for what is no object
    const char *file;    ///< NULL = unknown
    uint32_t line;       ///< 0 = unknown
    uint32_t node;       ///< MM_NONE for what is no object
    bool guilty;         ///< `edge` is the reference to look at
} mm_why_step;

/// A function whose code mentions the name of the holder.
typedef struct mm_why_user {
    const char *name;
    const char *file;
    uint32_t line;
} mm_why_user;

/// A line of a source file that somebody vouches for: the function or class of this qualified name
/// begins there, with its decorators.
typedef struct mm_why_anchor {
    const char *name;
    uint32_t line;
} mm_why_anchor;

enum { MM_WHY_USERS_MAX = 3, MM_WHY_CHAINS_DEFAULT = 3, MM_WHY_ANCHORS_MAX = 64 };

/// A chain from a root to one of the asked objects.
typedef struct mm_why_chain {
    uint32_t reference;  ///< index into references: the last step
    mm_holder kind;      ///< of what the guilty reference belongs to
    const char *holder;  ///< what that is called: "Within._seen"; NULL = nothing
    mm_why_step *steps;
    uint32_t step_count;
    uint64_t left_out_count;  ///< steps of a very long chain that are not shown
    const char *file;         ///< where to look: of the nearest class, function or module
    uint32_t line;
    uint32_t place_node;  ///< that class, function or module; MM_NONE = a running frame
    bool near;            ///< a class is there, but the line is one of its methods
    const char *scope;  ///< the holder is an attribute of this class, or of the module when empty;
                        ///< "Shop()": of its instances; NULL = it is none of these
    const char *attribute;   ///< which
    const char *scope_file;  ///< the source file that makes it
    mm_why_anchor *anchors;  ///< what must stand in that file
    uint32_t anchor_count;
    mm_why_user users[MM_WHY_USERS_MAX];
    uint32_t user_count;
} mm_why_chain;

/// What to leave out. Zero is the default of every member.
typedef struct mm_why_options {
    bool leave_out_caller;     ///< variables of the asking function that name an object itself
    bool with_weak;            ///< list weak references too; they are counted in any case
    uint32_t temporary_count;  ///< references that the call itself holds: not unaccounted
    uint32_t chains_max;       ///< 0 = MM_WHY_CHAINS_DEFAULT
    uint32_t node;             ///< asked object; used when `what` is NULL
} mm_why_options;

/// The answer. Lives in the arena, and refers to the graph's file.
typedef struct mm_why {
    const mm_file *file;
    const char *what;          ///< "Exam"
    const char *type;          ///< "shop.Exam"
    uint64_t object_count;     ///< objects asked about
    uint64_t bytes;            ///< of them alone
    uint64_t reference_count;  ///< direct ones, unaccounted ones included
    uint64_t unaccounted_count;
    uint64_t weak_count;
    uint64_t garbage_count;  ///< of the objects: no root reaches them
    uint64_t hidden_count;   ///< of the objects: only what was left out holds them
    uint64_t among_count;    ///< of the references: from one of the objects to another
    uint64_t inside_count;  ///< of the references: from what nothing else leads to than the objects
    mm_why_reference *references;  ///< the best chain first
    uint32_t reference_kind_count;
    mm_why_chain *chains;
    uint32_t chain_count;
    bool by_type;            ///< a type was asked for; it may have no objects
    mm_selection selection;  ///< what WHAT meant
} mm_why;

/// Does no root lead to the holder of a reference but through the asked objects?
bool mm_why_is_inside(const mm_why_reference *reference);

/// Answer "who holds `what`?" (NULL: options->node). Failures as mm_select(), and MM_E_NOMEM.
/// COST: O(V + E), some 25 bytes a node of `arena`.
MM_STATUS mm_why_find(const mm_graph *graph, const char *what, const mm_why_options *options,
                      mm_arena *arena, mm_why *ret, mm_error *err);

#endif

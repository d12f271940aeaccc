// Cures by their ids: what is said of each, and what must be true of what it is for.
//
// A snapshot knows how an object is held; only the source knows how the holder is used. So a front
// that can read source may name another cure than the finding has: by its id, and what it says is
// worded here.
#ifndef MM_EXPLAIN_CURES_H
#define MM_EXPLAIN_CURES_H

#include "explain/findings.h"

/// What the guilty reference leads to, as far as a cure depends on it.
typedef struct mm_cure_facts {
    const char *type;  ///< "Exam"; NULL = the finding has no path, and nothing here is known
    bool can_be_weak;  ///< its type has room for weak references
    bool by_identity;  ///< no class of the program gives it __eq__ or __hash__
    bool leads_back;   ///< it is a key, and its value leads back to it
    uint32_t kind;     ///< mm_kind
} mm_cure_facts;

/// Look at it. `graph` is the one that the finding's chain was made from. COST: linear in the
/// references of the container.
void mm_cure_facts_find(const mm_graph *graph, const mm_finding *finding, mm_cure_facts *ret);

/// What to write instead: "make it a weakref.WeakKeyDictionary". NULL for an id that there is not.
const char *mm_cure_text(const char *id);

/// What was checked: " can be weakly referenced". `*ret_of_type`: the type's name stands before it.
/// NULL for an id that there is not.
const char *mm_cure_check_text(const char *id, bool *ret_of_type);

#endif

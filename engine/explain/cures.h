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

enum { MM_CURE_PLACES_MAX = 4 };

/// Attributes on the way to the container, the nearest to it first, each with the source that makes
/// it: `scope`, `attribute`, `scope_file` and `anchors` are filled, as mm_why_chain has them.
typedef struct mm_cure_places {
    mm_why_chain places[MM_CURE_PLACES_MAX];
    uint32_t depths[MM_CURE_PLACES_MAX];  ///< steps between what the attribute leads to and it
    uint32_t count;
} mm_cure_places;

/// Where the source is that makes the container: a library's too, since a patch may be for that.
/// `graph` as above. Lives in the arena. Fails with MM_E_NOMEM. COST: O(V) for each place.
MM_STATUS mm_cure_places_find(const mm_graph *graph, const mm_finding *finding, mm_arena *arena,
                              mm_cure_places *ret);

/// What to write instead: "make it a weakref.WeakKeyDictionary". NULL for an id that there is not.
const char *mm_cure_text(const char *id);

/// What was checked: " can be weakly referenced". `*ret_of_type`: the type's name stands before it.
/// NULL for an id that there is not.
const char *mm_cure_check_text(const char *id, bool *ret_of_type);

#endif

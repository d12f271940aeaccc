// What the files of growth share with one another. Internal to the room.
//
// growth.c asks the analysis what grows and puts findings in order; grown_path.c shows how the
// guilty reference is reached and what it is for, grown_cut.c what goes with it; grown_words.c says
// it.
// shapes.c asks the same of snapshots of different processes.
#ifndef MM_EXPLAIN_GROWN_H
#define MM_EXPLAIN_GROWN_H

#include "analyze/growth.h"
#include "explain/story.h"

/// Everything. Lives in the arena.
typedef struct mm_grown {
    mm_explain *work;  ///< on the early graph
    const mm_growth_input *input;
    const mm_mark *mark;    ///< of the early graph
    const uint32_t *birth;  ///< by its nodes: 0 = old
    uint32_t *from;         ///< by node: reference by which a walk reached it
    uint32_t *stamp;        ///< by node: of the walk that reached it last
    uint32_t *queue;
    uint32_t search;
    uint32_t measured;  ///< cuts that were measured
} mm_grown;

/// What is known of one thing that grows, before it is said. Texts live in the arena.
typedef struct mm_grown_facts {
    const mm_growth_finding *growth;
    uint32_t object;   ///< one of those that grow, of their type; MM_NONE = none is in the graph
    const char *type;  ///< "shop.Exam"
    const char *object_text;  ///< "Exam", "class Packet"
    const char *holder;       ///< "Within._seen"; NULL = no holder
    const char *variable;  ///< "local jobs of worker": the holder, where it has no other name; NULL
    bool holder_is_value;  ///< the holder is an attribute that is set anew, not a container
    bool atexit;           ///< the holder is what atexit calls at the end
    bool cached;           ///< the container is inside an object of C
    const char *over;      ///< "finished": nearly all that grow are; NULL
    const char *through;   ///< "a finished Task" leads to nearly each that grows; NULL
    const char *container;  ///< its type: "dict"; NULL
    const char *link;       ///< "__cause__": by what each of a chain holds the next; NULL
    const char *inside;     ///< "ndarray": what grows by itself in what is held; NULL
    uint64_t count;         ///< objects of the type that are kept; MM_UNKNOWN
    uint64_t bytes;         ///< what goes with them
} mm_grown_facts;

/// Fill path, cut, role and cure of a finding, and what is to be said. Answers MM_E_NOMEM.
MM_STATUS mm_grown_explain(mm_grown *grown, const mm_growth_finding *growth, mm_finding *finding,
                           mm_grown_facts *ret);

/// Is a node of the early graph of a type of the session?
static inline bool mm_grown_is_type(const mm_grown *grown, uint32_t node, uint32_t type) {
    return node < grown->mark->count && mm_mark_type_of(grown->mark, node) == type;
}

/// Fill what goes when the cut is made: bytes, objects, and other holders. `*ret_owned`: nothing
/// else leads to those that go. REQUIRES: mm_explain_prepare(). Answers MM_E_NOMEM.
MM_STATUS mm_grown_cut_measure(mm_grown *grown, const mm_growth_finding *growth, const mm_cut *cut,
                               mm_finding *finding, bool *ret_owned);

/// Where a chain's guilty reference frees none of it, the nearest one above that does: `moved` is
/// the finding with that one. Untouched if there is none. REQUIRES: the guilty one is no root.
MM_STATUS mm_grown_chain_climb(mm_grown *grown, const mm_growth_finding *growth,
                               mm_growth_finding *moved, bool *ret_climbed);

/// The file of the library that a type comes from, or NULL: see grown_library.c.
MM_STATUS mm_grown_library(const mm_grown *grown, const char *type, const char **ret);

/// Fill the sentence.
MM_STATUS mm_grown_say(const mm_grown *grown, const mm_grown_facts *facts, mm_finding *finding);

/// The same for what was compared by path shapes: how many more there are than in the first
/// snapshot, which had `before` of `after`.
MM_STATUS mm_grown_say_shape(const mm_grown *grown, const mm_grown_facts *facts, uint64_t before,
                             uint64_t after, mm_finding *finding);

/// ", one more every step", ", 2.5 more every step", ", one more every 4 steps"; nothing for 0.
void mm_grown_say_rate(mm_phrase *phrase, uint64_t grown, uint64_t steps);

#endif

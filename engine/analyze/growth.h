// Growth: which references lead from what was there to what was born in every round and is still
// alive, and whether that goes on.
//
// The rules, with what each is worth, were measured on real leaks and on ordinary functions
// (sections named in growth.c). In order of worth: a reference from an object older than the first
// snapshot to objects born in every round is the guilty one; a long run between early and late
// rounds tells a leak from a cache, a ring or a sawtooth; blocks that carry a type and that no
// reference leads to are what C code forgot; native memory counts only if every round grows.
#ifndef MM_ANALYZE_GROWTH_H
#define MM_ANALYZE_GROWTH_H

#include "analyze/mark.h"

/// What was watched: marks by time, and the graphs of two of them.
///
///     marks[0]  baseline, everything in it is old
///     marks[1] .. marks[early]  rounds of equal length
///     marks[early + 1]  after the long run: the late baseline
///     .. marks[mark_count - 1]  late rounds of the length of the early ones
///
/// Without late marks (early == mark_count - 1) nothing is called a leak that a cache could be:
/// `settled` is MM_SETTLED_UNKNOWN, or MM_SETTLED_BOUNDED.
typedef struct mm_growth_input {
    const mm_mark *marks;  ///< those of the two graphs with what is reached
    uint32_t mark_count;
    uint32_t early;               ///< index of the last early mark, at least 1
    const mm_graph *early_graph;  ///< of marks[early]
    const mm_graph *late_graph;   ///< of the last mark; == early_graph without late marks
    const mm_type_names *names;   ///< of the session
    bool collected;  ///< the collector ran twice before each mark: only then is what nobody
                     ///< reaches said to be invisible to it
} mm_growth_input;

/// What grows.
typedef enum mm_growth_kind {
    MM_GROWTH_HELD = 0,      ///< objects, by a reference from an old object or a root
    MM_GROWTH_ONE_OBJECT,    ///< an object itself, its entries or its bytes: the one that the
                             ///< guilty reference leads to, `newest`, of `type`
    MM_GROWTH_BY_C,          ///< objects that references nobody accounts for keep
    MM_GROWTH_GC_INVISIBLE,  ///< objects nobody reaches, which two collections left alive
    MM_GROWTH_NATIVE         ///< memory that no object explains
} mm_growth_kind;

/// Why growth is no leak, or MM_SETTLED_LEAK.
typedef enum mm_settled {
    MM_SETTLED_LEAK = 0,  ///< goes on, in proportion to the steps
    MM_SETTLED_FILLED,    ///< stopped: no births in the late rounds
    MM_SETTLED_REPLACES,  ///< entries come and go: no net growth in the late rounds
    MM_SETTLED_SAWTOOTH,  ///< the long run did not grow in proportion
    MM_SETTLED_BOUNDED,   ///< goes on, but the container has a bound: it is still filling
    MM_SETTLED_UNKNOWN    ///< there are no late marks
} mm_settled;

/// A reference that leads on to what grew: node ids and edges of the early graph.
typedef struct mm_growth_edge {
    uint32_t source;  ///< old node; root_node: a root
    uint32_t edge;    ///< newest reference of that name; of root_node: index of the root
} mm_growth_edge;

/// One thing that grows.
typedef struct mm_growth_finding {
    mm_growth_kind kind;
    mm_settled settled;
    mm_growth_edge guilty;  ///< source == MM_NONE: no holder (by C, gc-invisible, native)
    mm_growth_edge *also;   ///< other independent holders of the same objects
    uint32_t also_count;
    uint32_t newest;  ///< youngest node that the guilty reference leads to, or MM_NONE
    uint32_t type;    ///< number in the session's names of what grows most tellingly
    uint32_t *types;  ///< all steady types: the program's classes first, then what the reference
                      ///< leads to at once, then by bytes; the first is `type`
    uint32_t type_count;
    bool chain;           ///< each object holds the next of its kind: `link` is the reference
    mm_growth_edge link;  ///< in a chain
    bool unsteady;        ///< the edge itself does not multiply: a value that is replaced
    bool names;       ///< the guilty reference is one of many: ever new names come into a namespace
    uint32_t places;  ///< references such as the guilty one that do the same, itself included
    bool echo;  ///< nothing but weak references and numbers, beside a leak: its shadow, for -v
    uint64_t entries;        ///< of the guilty source at the last early mark, or MM_UNKNOWN
    uint64_t late_entries;   ///< the same at the last mark of all
    uint64_t bound;          ///< of a bounded container, or MM_UNKNOWN
    uint64_t grown_objects;  ///< of `type`, over the early rounds
    uint64_t grown_bytes;    ///< reached through the guilty reference, over the early rounds
    uint64_t steps;          ///< over which they grew; MM_UNKNOWN
    uint64_t missing_per_1000_steps;  ///< of MM_GROWTH_BY_C: references; else MM_UNKNOWN
    uint32_t table;  ///< of MM_GROWTH_BY_C: old node that only C refers to, and that leads to what
                     ///< grows; else MM_NONE
} mm_growth_finding;

/// All that grows, worst first: leaks, then by C, gc-invisible, native, then what settled; among
/// equals by bytes a step, then by path. Never by address. Lives in the arena.
typedef struct mm_growth {
    mm_growth_finding *findings;
    uint32_t finding_count;
    uint32_t *birth;  ///< by node of the early graph: first mark since which it is there; 0 = old
    uint64_t smallest_bytes_per_step;     ///< growth below it would not have been seen; MM_UNKNOWN
    uint64_t unexplained_bytes_per_step;  ///< the process grows by it and nothing here says why; 0
} mm_growth;

/// Find what grows. Answers MM_E_NOMEM. COST: O(V log V + E) of the early graph for each mark.
MM_STATUS mm_growth_find(const mm_growth_input *input, mm_arena *arena, mm_growth *ret,
                         mm_error *err);

/// Addresses of the objects that a finding speaks of and that are not in the last mark, in `round`,
/// a graph of the same process, taken later: by MM_GROWTH_HELD those of the finding's type behind
/// the guilty reference, by C and gc-invisible those of the type that nobody reaches in that way.
/// None where the guilty reference is not there any more. The early graph of `input` must stand,
/// the late one need not. With the first mark alone (mark_count == 1) `round` may be the graph of
/// the last one: all that came since the first is answered. Answers MM_E_NOMEM. COST: O(V + E), of
/// what is looked up O(log V).
MM_STATUS mm_growth_made(const mm_growth_input *input, const mm_growth_finding *finding,
                         const mm_graph *round, mm_arena *arena, uint64_t **ret,
                         uint32_t *ret_count, mm_error *err);

/// Objects of a type that `round` has, whoever holds them: what the allocator has besides, nobody
/// sees.
typedef struct mm_growth_seen {
    uint64_t type;        ///< address of the type
    uint64_t *addresses;  ///< of the objects, ascending
    uint32_t count;
} mm_growth_seen;

/// The types that have the name of a finding's, with all of their objects in `round`. None for a
/// finding that is not MM_GROWTH_BY_C. Answers MM_E_NOMEM. COST: O(V + T).
MM_STATUS mm_growth_seen_of(const mm_growth_input *input, const mm_growth_finding *finding,
                            const mm_graph *round, mm_arena *arena, mm_growth_seen **ret,
                            uint32_t *ret_count, mm_error *err);

/// As mm_growth_made() for objects of a type that wait for the collector in `round`.
MM_STATUS mm_growth_waiting(const mm_growth_input *input, const char *type, const mm_graph *round,
                            mm_arena *arena, uint64_t **ret, uint32_t *ret_count, mm_error *err);

/// Less than so many bytes a step are never believed of memory that no object shows.
enum { MM_GROWTH_NATIVE_BYTES_MIN = 16 };

/// The least growth in bytes a step that is believed of rounds of `steps` calls, of which there are
/// some.
uint64_t mm_growth_native_least(uint64_t steps);

/// Memory of the process over rounds that took nothing from it: see growth_native.c.
/// `malloc_bytes` and `rss_bytes`: after each round, `round_count` of them, `steps` calls each.
/// `ret` is the growth in bytes per step that is believed, 0 = none.
void mm_growth_native(const uint64_t *malloc_bytes, const uint64_t *rss_bytes, uint32_t round_count,
                      uint64_t steps, uint64_t *ret);

#endif

// What the files of growth share with one another. Internal to the room.
//
// The way of an answer: growth_births.c tells old from new; growth_groups.c gathers the references
// that lead from old to new; growth_settle.c holds the early rounds against the late ones;
// growth_chain.c looks where a value that is replaced grows; growth_cluster.c finds out which of
// them speak of the same objects, growth_alike.c which of the same leak; growth_one.c,
// growth_anew.c, growth_c.c and growth_native.c know the growth that no such reference shows;
// growth.c puts all of it in order.
#ifndef MM_ANALYZE_GROWING_H
#define MM_ANALYZE_GROWING_H

#include "analyze/growth.h"
#include "analyze/path.h"

enum { MM_GROWING_ROUNDS_MAX = 31, MM_GROWING_TEXT_BYTES = 1024 };

/// A reference from old to new, or a root that is new.
typedef struct mm_growing_ref {
    uint64_t key;     ///< what the reference is called, the same in every snapshot
    uint32_t source;  ///< root_node: a root
    uint32_t edge;    ///< of root_node: number of the root
    uint32_t target;
} mm_growing_ref;

/// References of one source with one name; or, united, of all sources of one shape.
typedef struct mm_growing_group {
    const mm_growing_ref *refs;
    uint32_t ref_count;
    uint32_t source;  ///< of the newest reference
    uint64_t key;
    uint64_t shape;     ///< of the generic path to the source, with the key
    uint32_t *objects;  ///< by round: objects reached that were born in it
    uint32_t *edges;    ///< by round: own references to objects born in it
    uint32_t *reach;    ///< nodes reached, NULL when they were not kept
    uint32_t reach_count;
    uint64_t bytes;        ///< of what is reached
    uint32_t object_rate;  ///< median of `objects`; 0 when unsteady
    uint32_t edge_rate;    ///< median of `edges`; 0 when unsteady
    uint32_t mask;         ///< bit r: a target leads to objects of round r
    bool united;
    bool tree;      ///< united from sources at different depths of one structure
    bool turnover;  ///< a container whose entries are replaced faster than a round lasts
} mm_growing_group;

/// What a node is to growth: 0 for an old one and for our own.
enum {
    MM_FRESH_REACHED = 1,  ///< born in a round, and reached from a named root
    MM_FRESH_OTHER = 2,    ///< born in a round, and not reached from there
    MM_FRESH_MOVED = 3     ///< old, and nothing but new objects leads to it
};

/// One end of what was watched: the early rounds, or the late ones.
typedef struct mm_growing_side {
    const mm_graph *graph;
    const mm_mark *marks;  ///< marks[0] is the baseline, marks[rounds] is of the graph
    uint32_t rounds;       ///< at least 1; more than MM_GROWING_ROUNDS_MAX are put together
    uint32_t *birth;       ///< by node: mark since which it is there without a break, 0 = old
    uint8_t *fresh;        ///< by node: MM_FRESH_*
    uint32_t *mask;        ///< by node: rounds that what it leads to was born in
    mm_paths paths;        ///< through old nodes alone
    uint64_t *shapes;      ///< by node: its generic path; 0 = not asked yet
    uint8_t *tiers;        ///< by node: of its path; see growth_groups.c
    mm_growing_group *groups;
    uint32_t group_count;
    uint32_t alone_count;  ///< of groups that are not united: by source and key, ascending
} mm_growing_side;

/// Everything. Lives in the arena.
typedef struct mm_growing {
    const mm_growth_input *input;
    mm_arena *arena;
    mm_growing_side early;
    mm_growing_side late;  ///< graph == NULL: there are no late rounds
    uint8_t *type_rank;    ///< by type of the session: 0 = the program's class; see growth_types
    uint32_t *seen;        ///< by node of either graph: number of the last walk that met it
    uint32_t walk;
    uint32_t *queue;       ///< by node of either graph
    size_t node_room;      ///< of both
    uint64_t budget;       ///< nodes that walks may still meet
    uint32_t *type_count;  ///< by type and round: scratch of growth_types
    uint64_t *type_bytes;
    uint32_t *type_list;
    uint8_t *type_direct;
    mm_growth_finding *findings;
    uint32_t finding_count;
    uint32_t finding_room;
} mm_growing;

/// Tiers of a path: the smaller, the more a person can do about it.
enum {
    MM_TIER_PROGRAM = 0,  ///< attributes of modules and classes outside the library
    MM_TIER_STDLIB,
    MM_TIER_FRAME,  ///< running frames, context variables
    MM_TIER_LOW,    ///< through structure: bases, subclasses, globals, code
    MM_TIER_ROOT,   ///< fields of interpreter and C libraries
    MM_TIER_C
};

/// Births, masks and paths of one end.
MM_STATUS mm_growing_births(mm_growing *work, mm_growing_side *side, mm_error *err);

/// Gather and measure the groups of one end.
MM_STATUS mm_growing_groups(mm_growing *work, mm_growing_side *side);

/// The group of a source and key that is not united, or NULL. COST: O(log n).
const mm_growing_group *mm_growing_group_of(const mm_growing_side *side, uint32_t source,
                                            uint64_t key);

/// Mark and measure the early groups that only replace their entries. REQUIRES: late groups.
MM_STATUS mm_growing_turnover(mm_growing *work);

/// Walk from a group's references and fill in what it reaches. `keep` its nodes.
MM_STATUS mm_growing_measure(mm_growing *work, const mm_growing_side *side, mm_growing_group *group,
                             bool keep);

/// What a reference is called: the same for all entries of a container of data, by its name in a
/// namespace. Equal in all snapshots of a session.
uint64_t mm_growing_key(const mm_graph *graph, uint32_t source, uint32_t edge);

/// Is a key that of entries of data?
bool mm_growing_key_is_data(uint64_t key);

/// The same for a root.
uint64_t mm_growing_root_key(const mm_graph *graph, uint32_t root);

/// The key of all names of a namespace that ever new names come into.
#define MM_GROWING_ANY_NAME UINT64_MAX

/// Is a reference structure of the program: bases, subclasses, globals, code?
bool mm_growing_edge_is_low(const mm_graph *graph, uint32_t source, uint32_t edge);

/// Is the node a link of functools.lru_cache, which only bounded ones have?
bool mm_growing_is_link(const mm_graph *graph, uint32_t node);

/// Hash of the generic path to a node. Uses work->queue.
uint64_t mm_growing_shape(mm_growing *work, mm_growing_side *side, uint32_t node);

/// Tier of the path to a node; MM_TIER_C for one without a path.
uint8_t mm_growing_tier(const mm_growing_side *side, uint32_t node);

/// The path to a reference as a text to compare by, entries not told apart; the end of a longer
/// one. `out` has MM_GROWING_TEXT_BYTES.
void mm_growing_path_text(const mm_growing_side *side, uint32_t source, uint32_t edge, char *out);

/// Steps of the path to a node.
uint32_t mm_growing_depth(const mm_growing_side *side, uint32_t node);

/// Types that every round had more of, among what a group reached: fills types, type, newest and
/// grown_objects. `*ret_rate` (may be NULL): median of the first type's rounds.
MM_STATUS mm_growing_types(mm_growing *work, const mm_growing_side *side,
                           const mm_growing_group *group, mm_growth_finding *finding,
                           uint32_t *ret_rate);

/// The same for any nodes, without newest. `least` > 0: types of at least so many of them instead.
MM_STATUS mm_growing_types_of(mm_growing *work, const mm_growing_side *side, const uint32_t *nodes,
                              uint32_t node_count, uint32_t least, mm_growth_finding *finding,
                              uint32_t *ret_rate);

/// Among classes (`same_rank`: of one rank) the owner is named, not what it owns: who mends what
/// keeps the owner mends both. REQUIRES: finding->types in order, of the nodes given.
void mm_growing_owner_first(mm_growing *work, const mm_growing_side *side, const uint32_t *nodes,
                            uint32_t node_count, bool same_rank, mm_growth_finding *finding,
                            uint32_t *ret_rate);

/// Is it a class of the program's own? REQUIRES: type_rank is filled.
bool mm_growing_is_program(const mm_growing *work, uint32_t type);
/// Fill type_rank and take the scratch of the two above.
MM_STATUS mm_growing_rank_types(mm_growing *work, mm_error *err);
/// Is it the table of interned strings, which grows with what others hold?
bool mm_growing_is_interned(const mm_graph *graph, uint32_t node);
/// Is it a weak reference or a number: what a shadow of another holder is made of?
bool mm_growing_is_shadow(const mm_growing *work, uint32_t type);

/// Has a container a bound, an lru_cache or an internal of one included? `ret_bound` is untouched
/// where nobody knows which.
bool mm_growing_is_bounded(const mm_graph *graph, uint32_t source, uint64_t *ret_bound);

enum { MM_GROWING_HOLDERS_MAX = 12 };
/// Who holds a node, an internal's owner for the internal: the first of them, each once. Answers
/// how many.
uint32_t mm_growing_holders(const mm_graph *graph, uint32_t node,
                            uint32_t holders[MM_GROWING_HOLDERS_MAX]);
/// Entries of a container; references of what is none.
uint64_t mm_growing_entries(const mm_graph *graph, uint32_t node);
/// Does what names the container and measures hold a number that it keeps below? `ret_bound` is
/// untouched where nothing does. COST: linear in what the methods of its owner name.
bool mm_growing_is_limited(const mm_graph *graph, uint32_t container, uint64_t *ret_bound);
/// An object has a bound and the container: do its methods hold the length of another, small table
/// against a number of the object's, and name this one nowhere else where they ask for a length?
bool mm_growing_is_for_another(const mm_graph *graph, uint32_t container, uint32_t object);

/// Are nearly all of the nodes that lead to another of their own type entries of the table?
bool mm_growing_links_stand_in(const mm_graph *graph, const uint32_t *nodes, uint32_t node_count,
                               uint32_t table);

/// Does the group go on? `type` and `type_rate` are what grows most tellingly.
mm_settled mm_growing_settle(mm_growing *work, const mm_growing_group *group, uint32_t type,
                             uint32_t type_rate, uint64_t *ret_bound);

/// Length of a stretch between two marks over that of an early round, times 1000.
uint64_t mm_growing_ratio(const mm_growing *work, uint32_t from, uint32_t to);

/// In a finding whose guilty reference does not multiply: fills chain, link, newest, unsteady.
MM_STATUS mm_growing_chain(mm_growing *work, const mm_growing_group *group,
                           mm_growth_finding *finding, uint64_t rate);

/// Groups that go on, and the cluster of each, which is the number of its first group. A group
/// that does not go on is NULL.
typedef struct mm_growing_groups_view {
    const mm_growing_group *const *groups;
    const uint32_t *cluster;
    uint32_t count;
} mm_growing_groups_view;

/// Which clusters tell of nothing but the stacks of threads that another one tells of: `into` by
/// cluster, itself for one that stands alone. See growth_alike.c.
MM_STATUS mm_growing_fold_stacks(mm_growing *work, const mm_growing_groups_view *view,
                                 uint32_t *into);

/// Are the two guilty references the same field of two objects of one class, which one container
/// holds, and have they kept as many of one type?
bool mm_growing_same_field(const mm_growing *work, const mm_growth_finding *a,
                           const mm_growth_finding *b);

/// Findings of kind MM_GROWTH_HELD.
MM_STATUS mm_growing_held(mm_growing *work);

/// Findings of kind MM_GROWTH_ONE_OBJECT. After mm_growing_held().
MM_STATUS mm_growing_one(mm_growing *work);

/// Another of that kind, where nothing else goes on: see growth_anew.c. After mm_growing_one().
MM_STATUS mm_growing_anew(mm_growing *work);

/// Findings of kinds MM_GROWTH_BY_C and MM_GROWTH_GC_INVISIBLE. After those above.
MM_STATUS mm_growing_by_c(mm_growing *work);

/// All fields unknown.
void mm_growing_finding_init(mm_growth_finding *finding);

/// Room for one more finding, all fields unknown; NULL when memory is out.
mm_growth_finding *mm_growing_finding(mm_growing *work);

/// Bytes a step by which the process grows beyond its objects in every round and over the long run;
/// 0 when it does not.
uint64_t mm_growing_unexplained(const mm_growing *work);

/// Median of some numbers (the lower one of two), and the least. REQUIRES: count > 0, at most
/// MM_GROWING_ROUNDS_MAX.
uint32_t mm_growing_median(const uint32_t *numbers, uint32_t count, uint32_t *ret_least);

/// The median if the numbers are steady: each at least 1 and at least half of it. Else 0.
uint32_t mm_growing_steady(const uint32_t *numbers, uint32_t count);

/// Number of an old or new node's type among the session's.
static inline uint32_t mm_growing_type(const mm_growing_side *side, uint32_t node) {
    return mm_mark_type_of(&side->marks[side->rounds], node);
}

/// Round of a birth: 0-based.
static inline uint32_t mm_growing_round(const mm_growing_side *side, uint32_t node) {
    uint32_t birth = side->birth[node];
    uint32_t rounds = side->rounds;
    MM_ASSERT(birth >= 1);
    return rounds <= MM_GROWING_ROUNDS_MAX
               ? birth - 1
               : (uint32_t)((uint64_t)(birth - 1) * MM_GROWING_ROUNDS_MAX / rounds);
}

/// Rounds that are told apart.
static inline uint32_t mm_growing_rounds(const mm_growing_side *side) {
    return side->rounds < MM_GROWING_ROUNDS_MAX ? side->rounds : MM_GROWING_ROUNDS_MAX;
}

#endif

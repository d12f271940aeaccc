// A cut: some references removed on paper, and what that would do.
#ifndef MM_ANALYZE_CUT_H
#define MM_ANALYZE_CUT_H

#include "analyze/reach.h"

/// References that are removed together. Lives in the arena that it was made from.
typedef struct mm_cut {
    uint32_t source;  ///< of all of them; MM_NONE when they have several
    uint32_t *edges;  ///< indices of references in the file, ascending
    uint32_t edge_count;
    uint32_t entry_count;  ///< of those, as a person counts: an entry of a dict is one
} mm_cut;

/// What a cut would do.
typedef struct mm_cut_effect {
    uint64_t freed_bytes;  ///< reached now, and no more without the references
    uint64_t freed_count;
    uint64_t drop_bytes;     ///< of these, what would go at once, by reference counting alone
    uint64_t drop_count;     ///< objects that would go at once
    uint64_t drop_held;      ///< such objects among those asked about
    uint64_t waiting_count;  ///< freed, but only by the cyclic collector
    uint64_t other_holders;  ///< references to objects asked about that are not in the cut and
                             ///< whose source stays: objects, roots, instances, ephemerons
    uint64_t c_holders;      ///< references to them that nobody accounts for
} mm_cut_effect;

/// What became of a node in the last cut.
enum {
    MM_CUT_REACHED = 1,  ///< still reached
    MM_CUT_FREED = 2,    ///< was reached and would not be
    MM_CUT_DROPPED = 4,  ///< would go at once
    MM_CUT_HELD = 8,     ///< was asked about
    MM_CUT_SOURCE = 16,  ///< has references in the cut
    MM_CUT_OUT = 32      ///< was taken out itself
};

/// Memory for cuts, to be used again and again.
typedef struct mm_cutter {
    const mm_graph *graph;
    const uint8_t *reached;  ///< of the mm_reach that it was made with
    uint8_t *mark;           ///< by node, of the last cut: MM_CUT_*
    uint32_t *stack;
    uint32_t *left;  ///< by node: its count less the references that went
    mm_ephemerons ephemerons;
} mm_cutter;

/// All references of `source` with the generic name of its reference `edge`: every entry of a dict
/// of data with keys and values, a single one of a namespace; every item; every member; what is in
/// the same field. Answers MM_E_NOMEM. COST: O(references of the source), 4 bytes for each.
MM_STATUS mm_cut_select(const mm_graph *graph, uint32_t source, uint32_t edge, mm_arena *arena,
                        mm_cut *ret, mm_error *err);

/// All references that mm_cut_select() would choose for any of `edges`, which come in any order: a
/// cut of several containers, or of one and the references that mention it again. Answers
/// MM_E_NOMEM. COST: O(n log n), and a look at each source's references for each of its names.
MM_STATUS mm_cut_select_all(const mm_graph *graph, const uint32_t *edges, size_t count,
                            mm_arena *arena, mm_cut *ret, mm_error *err);

/// All references of `nodes` that are alike reference `edge`: their sources and targets have the
/// types of its source and target, and they have its name, whatever their index; `of`: and source
/// and target have the same number in it, which is not MM_NONE (mm_scc). So one back reference of a
/// ring stands for those of all rings of its shape. Only the reference itself, not the key of its
/// entry: as if it were weak. Nodes are listed once. Answers MM_E_NOMEM. COST: O(references).
MM_STATUS mm_cut_select_alike(const mm_graph *graph, uint32_t edge, const uint32_t *nodes,
                              size_t count, const uint32_t *of, mm_arena *arena, mm_cut *ret,
                              mm_error *err);

/// Make a cutter. COST: O(1) and 9 bytes a node.
MM_STATUS mm_cutter_init(const mm_graph *graph, const mm_reach *reach, mm_arena *arena,
                         mm_cutter *ret, mm_error *err);

/// Cut, by one reach without the references and one cascade of reference counts. The objects asked
/// about are `held`; NULL stands for the targets of the cut. Objects that nobody reaches now, and
/// immortal ones, are not counted as freed. What an ephemeron entry holds goes with its table or
/// its key, but not at once. COST: O(V + E), some 15 ms for a million objects.
void mm_cutter_measure(mm_cutter *cutter, const mm_cut *cut, const uint32_t *held,
                       size_t held_count, mm_cut_effect *ret);

/// Cut what waits for the collector, as if the references had been weak: what would have gone by
/// counting, and waits only for them. Fills freed_*, drop_* (both the same), and other_holders: who
/// of what still waits refers to the objects asked about. COST: O(V) to clear, and the cascade.
/// REQUIRES: nobody reaches the sources of the cut.
void mm_cutter_measure_waiting(mm_cutter *cutter, const mm_cut *cut, const uint32_t *held,
                               size_t held_count, mm_cut_effect *ret);

/// Take objects out, whoever refers to them: what a set of them retains together. Fills freed_*,
/// the objects themselves included; marks say which. COST: as mm_cutter_measure().
void mm_cutter_take_out(mm_cutter *cutter, const uint32_t *nodes, size_t count, mm_cut_effect *ret);

#endif

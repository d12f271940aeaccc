// One chain, folded into the lines that a person reads. Internal to the room.
#ifndef MM_ANALYZE_CHAIN_H
#define MM_ANALYZE_CHAIN_H

#include "analyze/why.h"

/// Build the chain of one reference. REQUIRES: reference->chained.
MM_STATUS mm_why_chain_build(const mm_graph *graph, const mm_paths *paths,
                             const mm_why_reference *reference, mm_arena *arena, mm_why_chain *ret);

/// What kind of holder a reference is.
mm_holder mm_why_edge_kind(const mm_graph *graph, uint32_t edge);

/// What kind of holder a root is.
mm_holder mm_why_root_kind(const mm_file_root *root);

/// Where the line of source that makes a holder is to be looked for: fills `scope` and what belongs
/// to it, if the reference `edge` is an attribute of a module or class. COST: O(V).
MM_STATUS mm_why_scope_find(const mm_graph *graph, uint32_t edge, mm_arena *arena,
                            mm_why_chain *chain);

/// The same for an attribute of an instance: `scope` is then the class whose methods mention it,
/// with "()" behind its name. Others leave `chain` as it is. COST: O(V).
MM_STATUS mm_why_instance_scope_find(const mm_graph *graph, uint32_t edge, mm_arena *arena,
                                     mm_why_chain *chain);

/// Copy of a text in the arena, or NULL.
const char *mm_why_text_keep(mm_arena *arena, const char *text);

#endif

// What the files of engine/graph share with one another.
#ifndef MM_GRAPH_INNER_H
#define MM_GRAPH_INNER_H

#include "graph/graph.h"

/// Fill field_role, name_role and field_index.
void mm_graph_roles_fill(mm_graph *graph, uint32_t field_count);
/// Fill node_flags and owner_edge, which is all MM_NONE before. REQUIRES: roles and reverse
/// references.
void mm_graph_flags_fill(mm_graph *graph);

/// Index into file->fields of a type's word, its bases' fields included, or MM_NONE.
/// COST: O(log n) for each base.
uint32_t mm_graph_field_of_word(const mm_graph *graph, uint32_t type, uint32_t word);

/// Text of the target of a node's reference with that role, or NULL.
const char *mm_graph_role_text(const mm_graph *graph, uint32_t node, mm_role role);
/// Text of the attribute's value, or NULL.
const char *mm_graph_attribute_text(const mm_graph *graph, uint32_t node, const char *name);

#endif

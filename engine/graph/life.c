// Whether an object is meant to live. A snapshot says of few things that their life is over, and of
// few that they are at work; a module and a class live as long as the program.
#include "graph/graph.h"

const char *mm_graph_over_word(const mm_graph *graph, uint32_t node) {
    uint64_t status = 0;
    MM_ASSERT(node < graph->root_node);
    if (!mm_file_fact_of(graph->file, node, MM_FACT_STATUS, &status)) {
        return NULL;
    }
    switch (status) {
        case MM_LIFE_CLOSED:
            return "closed";
        case MM_LIFE_FINISHED:
            return "finished";
        case MM_LIFE_ENDED:
            return "ended";
        default:
            return NULL;
    }
}

bool mm_graph_is_meant_to_live(const mm_graph *graph, uint32_t node) {
    uint64_t status = 0;
    MM_ASSERT(node < graph->root_node);
    uint32_t kind = mm_graph_kind(graph, node);
    return kind == MM_KIND_MODULE || kind == MM_KIND_TYPE ||
           (mm_file_fact_of(graph->file, node, MM_FACT_STATUS, &status) && status == MM_LIFE_OPEN);
}

// Names of places: the shortest thing that a person would write to get at an object.
//
// An object has no name of its own; what refers to it does. So these texts are made by climbing
// along reverse references, as long as they are attributes of something that has a name: a module
// first, then a class, then a function or an instance. Among equals the smaller text wins, so that
// addresses decide nothing. The climb is at most CLIMB_MAX steps long.
#include <string.h>

#include "graph/inner.h"
#include "graph/label.h"

enum { CLIMB_MAX = 4, STEP_BYTES = 160 };

// How good a reference is for a name: the smaller the better.
// A default of a function that another one makes is a callback's: an attribute tells more.
enum {
    RANK_MODULE,
    RANK_CLASS,
    RANK_FUNCTION,
    RANK_INSTANCE,
    RANK_CALLBACK,
    RANK_ENTRY,
    RANK_NONE
};

typedef struct climb_step {
    uint32_t holder;  ///< MM_NONE at the end
    uint32_t edge;
    int rank;
} climb_step;

static int holder_rank(const mm_graph *graph, uint32_t holder) {
    switch (mm_graph_kind(graph, holder)) {
        case MM_KIND_MODULE:
            return RANK_MODULE;
        case MM_KIND_TYPE:
            return RANK_CLASS;
        case MM_KIND_FUNCTION:
            return RANK_FUNCTION;
        case MM_KIND_FRAME:
        case MM_KIND_DICT:
        case MM_KIND_LIST:
        case MM_KIND_TUPLE:
        case MM_KIND_SET:
        case MM_KIND_CELL:
        case MM_KIND_CODE:
            return RANK_NONE;
        default:
            return RANK_INSTANCE;
    }
}

static bool kind_is_plain(uint32_t kind) {
    return kind == MM_KIND_DICT || kind == MM_KIND_LIST || kind == MM_KIND_TUPLE ||
           kind == MM_KIND_ORDERED_DICT;
}

// An item of a tuple of defaults, or the contents of a closure's cell, belongs to the function.
static uint32_t function_behind(const mm_graph *graph, uint32_t source) {
    uint32_t owner = mm_graph_owner(graph, source, NULL);
    if (owner != MM_NONE && mm_graph_kind(graph, source) == MM_KIND_CELL) {
        owner = mm_graph_owner(graph, owner, NULL);
    }
    return owner != MM_NONE && mm_graph_kind(graph, owner) == MM_KIND_FUNCTION ? owner : MM_NONE;
}

static bool is_made_anew(const mm_graph *graph, uint32_t function) {
    const char *name = mm_graph_role_text(graph, function, MM_ROLE_QUALNAME);
    return name != NULL && strstr(name, ".<locals>.") != NULL;
}

// Is this reference an attribute, and of whom? Or an entry of a container, which may have a name?
static climb_step step_of(const mm_graph *graph, uint32_t source, uint32_t edge) {
    climb_step none = {MM_NONE, edge, RANK_NONE};
    unsigned naming = mm_file_naming(graph->file, edge);
    bool folded = (graph->node_flags[source] & MM_NODE_FOLDED) != 0;
    uint32_t holder = source;
    if (!mm_graph_edge_owns(graph, edge) || (graph->node_flags[source] & MM_NODE_OWN) != 0) {
        return none;
    }
    if (!folded && kind_is_plain(mm_graph_kind(graph, source)) &&
        (naming == MM_NAME_VALUE || naming == MM_NAME_INDEX)) {
        climb_step entry = {source, edge, RANK_ENTRY};
        return entry;
    }
    if (folded && (naming == MM_NAME_INDEX || mm_graph_kind(graph, source) == MM_KIND_CELL)) {
        holder = function_behind(graph, source);
    } else if (naming == MM_NAME_VALUE) {
        holder = mm_graph_owner(graph, source, NULL);
    } else if (naming != MM_NAME_INLINE && naming != MM_NAME_WORD && naming != MM_NAME_NAMED) {
        return none;
    }
    if (holder == MM_NONE || (graph->node_flags[holder] & MM_NODE_OWN) != 0 ||
        (naming != MM_NAME_INDEX && mm_graph_edge_name(graph, source, edge) == NULL)) {
        return none;
    }
    climb_step step = {holder, edge, holder_rank(graph, holder)};
    bool anew = step.rank == RANK_FUNCTION && naming == MM_NAME_INDEX;
    step.rank = anew && is_made_anew(graph, holder) ? RANK_CALLBACK : step.rank;
    return step;
}

static const char *step_holder_name(const mm_graph *graph, const climb_step *step) {
    const char *name = step->rank == RANK_MODULE ? mm_graph_module_name(graph, step->holder) : NULL;
    return name != NULL ? name : "";
}

// Would `a` make the better name? __main__ before other modules, then by text.
static bool step_better(const mm_graph *graph, const climb_step *a, const climb_step *b) {
    if (a->rank != b->rank) {
        return a->rank < b->rank;
    }
    if (a->rank == RANK_NONE) {
        return false;
    }
    bool a_late = (graph->node_flags[a->holder] & MM_NODE_STDLIB) != 0;
    bool b_late = (graph->node_flags[b->holder] & MM_NODE_STDLIB) != 0;
    if (a_late != b_late) {
        return b_late;
    }
    char a_text[STEP_BYTES];
    char b_text[STEP_BYTES];
    const char *a_name = step_holder_name(graph, a);
    const char *b_name = step_holder_name(graph, b);
    bool a_main = strcmp(a_name, "__main__") == 0;
    bool b_main = strcmp(b_name, "__main__") == 0;
    if (a_main != b_main) {
        return a_main;
    }
    int order = strcmp(a_name, b_name);
    if (order == 0) {
        (void)mm_graph_edge_text(graph, a->edge, a_text, sizeof(a_text));
        (void)mm_graph_edge_text(graph, b->edge, b_text, sizeof(b_text));
        order = strcmp(a_text, b_text);
    }
    return order < 0;
}

static climb_step step_best(const mm_graph *graph, uint32_t node) {
    climb_step best = {MM_NONE, MM_NONE, RANK_NONE};
    for (uint32_t i = graph->reverse_start[node]; i < graph->reverse_start[node + 1]; i++) {
        climb_step step = step_of(graph, mm_graph_reverse_source(graph, i), graph->reverse_edge[i]);
        if (step.rank != RANK_NONE && step_better(graph, &step, &best)) {
            best = step;
        }
    }
    return best;
}

// Functions and classes know their own names.
static bool node_names_itself(const mm_graph *graph, uint32_t node) {
    uint32_t kind = mm_graph_kind(graph, node);
    return kind == MM_KIND_MODULE || kind == MM_KIND_TYPE || kind == MM_KIND_FUNCTION;
}

// The name by itself of a module, class or function: its qualified name if the file has it.
static void label_itself(const mm_graph *graph, mm_label *label, uint32_t node) {
    char text[STEP_BYTES];
    const char *name = mm_graph_role_text(graph, node, MM_ROLE_QUALNAME);
    if (name == NULL || mm_graph_kind(graph, node) == MM_KIND_MODULE) {
        (void)mm_graph_name_text(graph, node, text, sizeof(text));
        name = text;
    }
    mm_label_text(label, name);
}

// Climb from `node`; `ret_steps` is nearest first. Answers the number of steps; `ret_top` is what
// the last of them hangs on.
static uint32_t climb(const mm_graph *graph, uint32_t node, climb_step ret_steps[CLIMB_MAX],
                      uint32_t *ret_top) {
    uint32_t count = 0;
    uint32_t named_count = 0;  // steps that lead to an attribute: entries alone are no name
    uint32_t named_top = node;
    uint32_t top = node;
    MM_ASSERT(node < graph->root_node);
    // A frame is called after its function, not after who has its traceback.
    while (count < CLIMB_MAX && !node_names_itself(graph, top) &&
           mm_graph_kind(graph, top) != MM_KIND_FRAME) {
        climb_step step = step_best(graph, top);
        bool instance = holder_rank(graph, top) == RANK_INSTANCE &&
                        mm_graph_kind(graph, top) != MM_KIND_ORDERED_DICT;
        if (step.rank == RANK_NONE ||
            (instance && (step.rank == RANK_INSTANCE || step.rank == RANK_ENTRY))) {
            // Attributes of attributes are told by their types: "Node.next", however long the list.
            break;
        }
        bool circle = step.holder == node;
        for (uint32_t i = 0; i < count; i++) {
            circle = circle || ret_steps[i].holder == step.holder;
        }
        if (circle) {
            break;
        }
        ret_steps[count++] = step;
        top = step.holder;
        if (step.rank != RANK_ENTRY) {
            named_count = count;
            named_top = top;
        }
    }
    *ret_top = named_top;
    return named_count;
}

// Name of a running frame's variable that is the node, or NULL.
static const char *running_local(const mm_graph *graph, uint32_t node) {
    const mm_file *file = graph->file;
    uint32_t first = 0;
    uint32_t end = mm_graph_roots_of(graph, node, &first);
    for (uint32_t i = first; i < end; i++) {
        uint32_t number = (uint32_t)graph->root_index[i];
        const mm_file_root *root = &file->roots[number];
        MM_ASSERT(root->object == node);
        if (root->kind == MM_ROOT_FRAME && root->frame != MM_NONE &&
            !mm_file_root_is_ours(file, number)) {
            return mm_graph_variable(graph, file->frames[root->frame].code, root->name);
        }
    }
    return NULL;
}

// The text of a step, put behind what is there; a step in words goes in front.
static void label_step(mm_label *label, const char *text) {
    if (text[0] == '.' || text[0] == '[') {
        mm_label_text(label, text);
        return;
    }
    char before[STEP_BYTES];
    mm_label copy;
    (void)mm_label_end(label);
    mm_label_init(&copy, before, sizeof(before));
    mm_label_text(&copy, label->out);
    (void)mm_label_end(&copy);
    mm_label_init(label, label->out, label->out_bytes);
    mm_label_text(label, text);
    mm_label_text(label, " of ");
    mm_label_text(label, before);
}

size_t mm_graph_holder_text(const mm_graph *graph, uint32_t node, bool general, char *out,
                            size_t out_bytes) {
    climb_step steps[CLIMB_MAX];
    char text[STEP_BYTES];
    uint32_t top = MM_NONE;
    mm_label label;
    mm_label_init(&label, out, out_bytes);
    uint32_t count = climb(graph, node, steps, &top);
    const char *module =
        mm_graph_kind(graph, top) == MM_KIND_MODULE ? mm_graph_module_name(graph, top) : NULL;
    if (count > 0 && module != NULL && strcmp(module, "__main__") == 0) {
        // What stands in __main__ is written as the user writes it.
        count--;
        (void)mm_graph_edge_text(graph, steps[count].edge, text, sizeof(text));
        mm_label_text(&label, text[0] == '.' ? text + 1 : text);
    } else if (node_names_itself(graph, top)) {
        label_itself(graph, &label, top);
    } else {
        const char *local = count == 0 ? running_local(graph, top) : NULL;
        (void)mm_graph_node_text(graph, top, text, sizeof(text));
        mm_label_text(&label, local != NULL ? local : text);
    }
    while (count-- > 0) {
        (void)mm_graph_edge_text(graph, steps[count].edge, text, sizeof(text));
        bool entry = general && steps[count].rank == RANK_ENTRY && text[0] == '[';
        if (general) {
            mm_graph_step_general(text);
        }
        label_step(&label, entry ? "[*]" : text);
    }
    return mm_label_end(&label);
}

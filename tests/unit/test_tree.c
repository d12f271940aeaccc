// The tree of `report --tree` against a slow model: dominators by removing one thing at a time,
// lines by looking at all objects for each, on thousands of random heaps.
#include "analyze/tree.h"
#include "flow_model.h"
#include "tap.h"

// Starts that C code makes, and those of what waits: cut together.
enum { GROUP_C = 7 << 28, GROUP_WAITS = 6 << 28, ROWS_MOST = 512, TEXT_BYTES = 320 };

static mm_os_pages pages;
static mm_arena arena;

// Who is above whom. Behind the objects stand C code and what waits; `root` is above all.
typedef struct slow_tree {
    const mm_graph *graph;
    uint32_t count;
    uint32_t root;
    uint32_t above[MODEL_NODES_MAX + 4];
    uint64_t bytes[MODEL_NODES_MAX + 4];
    uint64_t all_bytes;
    const mm_tree_options *options;
    mm_tree_row rows[ROWS_MOST];
    uint32_t row_count;
} slow_tree;

typedef struct slow_line {
    uint64_t key;
    uint32_t nodes[MODEL_NODES_MAX + 4];
    uint32_t count;
    uint64_t bytes;
} slow_line;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), pages.limit_bytes != 0 ? 4096 : 1 << 20);
}

static void starts_split(model *m, const mm_graph *graph) {
    for (uint32_t i = 0; i < m->edge_count; i++) {
        model_edge *e = &m->edges[i];
        if (e->source == MM_NONE && e->group == MM_NONE - 1) {
            bool by_c = m->live[e->target] != 0 && mm_graph_unaccounted(graph, e->target) > 0;
            e->group = m->live[e->target] == 0 ? GROUP_WAITS : by_c ? GROUP_C : e->group;
        }
    }
}

static void slow_dominate(slow_tree *slow, const model *m) {
    static uint8_t lost[MODEL_NODES_MAX + 4][MODEL_NODES_MAX];
    uint8_t all[MODEL_NODES_MAX];
    uint32_t depth[MODEL_NODES_MAX + 4] = {0};
    uint32_t most = m->node_count + 3;
    model_reach(m, MM_NONE, MM_NONE, MM_NONE, all);
    for (uint32_t v = 0; v < most; v++) {
        uint8_t left[MODEL_NODES_MAX];
        uint32_t group = v == slow->root + 1   ? GROUP_C
                         : v == slow->root + 2 ? GROUP_WAITS
                                               : MM_NONE;
        model_reach(m, v < m->node_count ? v : MM_NONE, group, MM_NONE, left);
        slow->bytes[v] = model_lost_bytes(m, all, left);
        for (uint32_t w = 0; w < m->node_count; w++) {
            lost[v][w] = left[w] == 0;
            depth[w] += left[w] == 0;
        }
    }
    for (uint32_t w = 0; w < most; w++) {
        slow->above[w] = slow->root;
        for (uint32_t v = 0; w < m->node_count && v < most; v++) {
            bool deeper = slow->above[w] == slow->root || depth[v] > depth[slow->above[w]];
            if (v != w && v != slow->root && lost[v][w] != 0 && deeper) {
                slow->above[w] = v;
            }
        }
    }
    slow->above[slow->root] = MM_NONE;
}

static bool slow_has_name(const slow_tree *slow, uint32_t node) {
    uint32_t kind = node < slow->count ? mm_graph_kind(slow->graph, node) : MM_KIND_MODULE;
    return kind == MM_KIND_MODULE || kind == MM_KIND_TYPE || kind == MM_KIND_FRAME;
}

static bool line_larger(const slow_line *a, const slow_line *b) {
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes;
    }
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

// All that is right below some nodes, as lines, largest first.
static uint32_t slow_lines(const slow_tree *slow, const uint32_t *nodes, uint32_t count,
                           slow_line *lines) {
    uint32_t made = 0;
    for (uint32_t w = 0; w < slow->root + 3; w++) {
        bool below = false;
        for (uint32_t i = 0; i < count; i++) {
            below = below || slow->above[w] == nodes[i];
        }
        if (!below) {
            continue;
        }
        uint64_t key = slow_has_name(slow, w) ? w : (uint64_t)1 << 32 | slow->graph->file->type[w];
        uint32_t at = 0;
        while (at < made && lines[at].key != key) {
            at++;
        }
        if (at == made) {
            lines[made++] = (slow_line){.key = key};
        }
        lines[at].nodes[lines[at].count++] = w;
        lines[at].bytes += slow->bytes[w];
    }
    for (uint32_t i = 0; i < made; i++) {
        for (uint32_t j = i + 1; j < made; j++) {
            if (line_larger(&lines[j], &lines[i])) {
                slow_line swap = lines[i];
                lines[i] = lines[j];
                lines[j] = swap;
            }
        }
    }
    return made;
}

static const char *slow_edge(const slow_tree *slow, uint32_t node) {
    const mm_file *file = slow->graph->file;
    uint32_t above = slow->above[node];
    char text[TEXT_BYTES];
    for (uint32_t e = 0; above < slow->count && e < file->reference_count; e++) {
        if (mm_graph_edge_source(slow->graph, e) == above && file->reference_target[e] == node &&
            mm_graph_edge_owns(slow->graph, e)) {
            (void)mm_graph_edge_text(slow->graph, e, text, sizeof(text));
            return strdup(text);
        }
    }
    return NULL;
}

static void slow_row(slow_tree *slow, uint32_t depth, const slow_line *line) {
    mm_tree_row row = {depth, line->count, line->bytes, NULL, NULL};
    uint32_t node = line->nodes[0];
    char text[TEXT_BYTES];
    if (node > slow->root) {
        row.text = strdup(node == slow->root + 1 ? "held by C code" : "waits for the collector");
    } else if (line->count > 1) {
        row.text = strdup(mm_graph_type_short(slow->graph, node));
    } else {
        (void)mm_graph_node_text(slow->graph, node, text, sizeof(text));
        row.text = strdup(text);
        row.edge = slow_edge(slow, node);
    }
    slow->rows[slow->row_count++] = row;
}

static void slow_below(slow_tree *slow, uint32_t depth, const uint32_t *nodes, uint32_t count) {
    slow_line *lines = calloc(slow->root + 4, sizeof(*lines));
    uint32_t made = slow_lines(slow, nodes, count, lines);
    uint64_t least = slow->options->share == 0 ? 0 : slow->all_bytes / slow->options->share;
    mm_tree_row rest = {depth, 0, 0, NULL, NULL};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < made && slow->row_count < ROWS_MOST; i++) {
        if (rest.count == 0 && kept < slow->options->children_max && lines[i].bytes >= least) {
            kept++;
            slow_row(slow, depth, &lines[i]);
            if (depth + 1 < slow->options->depth_max) {
                slow_below(slow, depth + 1, lines[i].nodes, lines[i].count);
            }
        } else {
            rest.count += lines[i].count;
            rest.bytes += lines[i].bytes;
        }
    }
    if (kept > 0 && rest.count > 0 && rest.bytes >= least && slow->row_count < ROWS_MOST) {
        slow->rows[slow->row_count++] = rest;
    }
    free(lines);
}

static bool texts_same(const char *a, const char *b) {
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool tree_same(const slow_tree *slow, const mm_tree *tree) {
    bool same = tree->bytes == slow->all_bytes && tree->row_count == slow->row_count;
    for (uint32_t i = 0; same && i < tree->row_count; i++) {
        const mm_tree_row *a = &tree->rows[i];
        const mm_tree_row *b = &slow->rows[i];
        same = a->depth == b->depth && a->count == b->count && a->bytes == b->bytes &&
               texts_same(a->text, b->text) && texts_same(a->edge, b->edge);
        if (!same) {
            diag("row %u: %u %u %u %s %s", i, a->depth, (unsigned)a->count, (unsigned)a->bytes,
                 a->edge != NULL ? a->edge : "-", a->text != NULL ? a->text : "-");
            diag("expected: %u %u %u %s %s", b->depth, (unsigned)b->count, (unsigned)b->bytes,
                 b->edge != NULL ? b->edge : "-", b->text != NULL ? b->text : "-");
        }
    }
    return same;
}

static bool heap_same(uint64_t seed, uint32_t *ret_rows, uint32_t *ret_deep) {
    static const uint32_t shares[] = {0, 0, 3, 20};
    static model m;
    static slow_tree slow;
    heap h;
    mm_graph graph;
    mm_reach reach;
    mm_tree tree;
    mm_error err;
    uint64_t state = seed;
    arena_start();
    const mm_file *file = model_heap(&h, seed, seed % 3 == 0);
    mm_tree_options options = {1 + model_random(&state, 5), 1 + model_random(&state, 8),
                               shares[model_random(&state, MM_COUNTOF(shares))]};
    bool found = mm_graph_build(file, &arena, &graph, &err) == MM_OK &&
                 mm_reach_mark(&graph, &arena, &reach, &err) == MM_OK &&
                 mm_tree_find(&graph, &options, &arena, &tree, &err) == MM_OK;
    if (!found) {
        return false;
    }
    model_init(&m, &graph, &reach);
    starts_split(&m, &graph);
    memset(&slow, 0, sizeof(slow));
    slow.graph = &graph;
    slow.count = m.node_count;
    slow.root = m.node_count;
    slow.options = &options;
    for (uint32_t n = 0; n < m.node_count; n++) {
        slow.all_bytes += (uint64_t)file->size_bytes[n] + file->storage_bytes[n];
    }
    slow_dominate(&slow, &m);
    slow_below(&slow, 0, &slow.root, 1);
    bool same = tree_same(&slow, &tree);
    for (uint32_t i = 0; i < slow.row_count; i++) {
        *ret_deep += slow.rows[i].depth > 1;
        free((char *)(uintptr_t)slow.rows[i].text);
        free((char *)(uintptr_t)slow.rows[i].edge);
    }
    *ret_rows += slow.row_count;
    heap_deinit(&h);
    return same;
}

static void test_model(uint64_t first_seed, uint64_t count) {
    bool same = true;
    uint32_t rows = 0;
    uint32_t deep = 0;
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        bool right = heap_same(seed, &rows, &deep);
        if (!right && same) {
            diag("heap %u", (unsigned)seed);
        }
        same = same && right;
    }
    ok(same, "trees of heaps %u.. equal the slow model's: %u lines", (unsigned)first_seed, rows);
    ok(deep > count / 4, "%u of them below another", deep);
}

static void test_memory(void) {
    heap h;
    mm_graph graph;
    mm_tree tree;
    mm_error err;
    mm_tree_options options = {4, 10, 0};
    const mm_file *file = model_large_heap(&h);
    bool always = true;
    mm_status status = MM_E_NOMEM;
    unsigned n = 1;
    for (; status != MM_OK && n < 4000; n++) {
        pages.limit_bytes = (uint64_t)n * 4096;
        arena_start();
        status = mm_graph_build(file, &arena, &graph, &err);
        status = status == MM_OK ? mm_tree_find(&graph, &options, &arena, &tree, &err) : status;
        always = always && (status == MM_OK || status == MM_E_NOMEM);
    }
    ok(always && n > 20, "every answer before there is enough memory is MM_E_NOMEM");
    ok(status == MM_OK, "and then there is enough (%u pages)", n);
    pages.limit_bytes = 0;
    heap_deinit(&h);
}

int main(void) {
    mm_os_pages_init(&pages);
    for (uint64_t seed = 1; seed <= 3000; seed += 1000) {
        test_model(seed, 1000);
    }
    test_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}

// Growth on small heaps, by the stories of growth_story.h.
#include "growth_story.h"

// rows.append(Exam())
static void story_list(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

static void test_list(void) {
    const mm_growth_finding *finding = told(story_list);
    if (ok(finding != NULL && leaks() == 1, "a list of everything leaks")) {
        ok(finding->kind == MM_GROWTH_HELD, "it is held");
        is_u64(finding->guilty.source, at.worlds[EARLY].list, "by the list");
        is_text(type_of(finding), "shop.Exam", "of a type");
        is_u64(finding->grown_objects, 100, "one a step");
        is_u64(finding->steps, 100, "over so many steps");
        is_u64(finding->grown_bytes, 4800, "their bytes");
        is_u64(finding->entries, 110, "entries of the list");
        ok(!finding->unsteady && !finding->chain && finding->also_count == 0, "and nothing else");
        is_u64(finding->newest, at.graphs[EARLY].root_node - 1, "the newest one");
        is_u64(at.growth.birth[finding->newest], EARLY, "was born in the last round");
    }
    session_end();
    finding = told_until(story_list, EARLY + 1, true);
    ok(finding != NULL && finding->settled == MM_SETTLED_UNKNOWN, "not settled without late marks");
    session_end();
}

// rows = rows[-40:]
static void story_ring(world *w) {
    uint64_t first = w->steps > 40 ? w->steps - 40 : 0;
    for (uint64_t i = first; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)(i - first));
    }
}

// A ring that is larger than what the early rounds fill, and smaller than the long run.
static void story_large_ring(world *w) {
    uint64_t first = w->steps > 300 ? w->steps - 300 : 0;
    for (uint64_t i = first; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)(i - first));
    }
}

// if len(rows) < 200: rows.append(Exam())
static void story_filling(world *w) {
    for (uint64_t i = 0; i < w->steps && i < 200; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

// rows.append(Exam()), and rows.clear() every 1040 steps
static void story_sawtooth(world *w) {
    uint64_t first = w->steps / 1040 * 1040;
    for (uint64_t i = first; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)(i - first));
    }
}

// A batch that is emptied once in a while: in the long run, which the late rounds come after, and
// what comes in these was made before them.
static void story_batch(world *w) {
    uint64_t made = w->steps < 200 ? w->steps : w->steps + 100;
    uint64_t first = w->steps < 200 ? 0 : w->steps - 40;
    for (uint64_t i = first; i < made; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        if (i < w->steps) {
            heap_ref(&w->h, w->list, exam, MM_NAME_INDEX, (uint32_t)(i - first));
        } else {
            heap_entry(&w->h, w->dict, exam, 0);
        }
    }
}

// The list gets one at each step, in the late rounds of those that were made ahead: none is born
// into it there, but it has more and more.
static void story_made_ahead(world *w) {
    uint64_t made = w->steps < 200 ? w->steps : FIRST_STEPS + 8 * ROUND_STEPS + LONG_STEPS;
    for (uint64_t i = 0; i < made; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        if (i < w->steps) {
            heap_ref(&w->h, w->list, exam, MM_NAME_INDEX, (uint32_t)i);
        } else {
            heap_entry(&w->h, w->dict, exam, 0);
        }
    }
}

static void story_bounded(world *w) {
    story_list(w);
    heap_fact(&w->h, w->list, MM_FACT_BOUND, 32768);
}

// deque(maxlen=30): what comes takes the addresses of what went.
static void story_full(world *w) {
    heap_fact(&w->h, w->list, MM_FACT_BOUND, 30);
    for (uint64_t i = 0; i < w->steps && i < 30; i++) {
        heap_ref(&w->h, w->list, born(w, w->exam_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

static void test_settled(void) {
    const mm_growth_finding *finding = told(story_ring);
    ok(finding != NULL && finding->settled == MM_SETTLED_REPLACES && leaks() == 0,
       "a ring that replaces all of its entries in each round");
    is_u64(finding != NULL ? finding->guilty.source : 0, at.worlds[EARLY].list, "is told of");
    session_end();
    finding = told(story_large_ring);
    ok(finding != NULL && finding->settled == MM_SETTLED_REPLACES && leaks() == 0,
       "a larger ring: fills early, replaces late");
    session_end();
    finding = told(story_filling);
    ok(finding != NULL && finding->settled == MM_SETTLED_FILLED && leaks() == 0,
       "a cache that fills and stops");
    is_u64(finding != NULL ? finding->late_entries : 0, 200, "with so many in the end");
    session_end();
    finding = told(story_batch);
    ok(finding != NULL && finding->settled == MM_SETTLED_REPLACES && leaks() == 0,
       "what was emptied since has not filled up");
    session_end();
    finding = told(story_made_ahead);
    ok(finding != NULL && finding->settled != MM_SETTLED_FILLED,
       "nor has what grew in the last round, whatever was born there");
    session_end();
    finding = told(story_full);
    ok(finding != NULL && finding->settled == MM_SETTLED_REPLACES && leaks() == 0,
       "what has a bound and is full, although nothing seems to be born");
    session_end();
    finding = told(story_sawtooth);
    ok(finding != NULL && finding->settled == MM_SETTLED_SAWTOOTH && leaks() == 0,
       "a batch that is cleared from time to time");
    session_end();
    finding = told(story_bounded);
    if (ok(finding != NULL && finding->settled == MM_SETTLED_BOUNDED && leaks() == 0,
           "a container with a bound, whatever it does")) {
        is_u64(finding->bound, 32768, "the bound");
    }
    session_end();
}

// all = all + (Exam(),)
static void story_replaced(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        (void)born(w, w->exam_type, i);
    }
    uint32_t first = w->h.file.object_count - (uint32_t)w->steps;
    uint32_t tuple = born(w, w->h.tuple_type, 100000 + w->steps);
    for (uint32_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, tuple, first + i, MM_NAME_INDEX, i);
    }
    heap_set(&w->h, w->shop, "n1", tuple);
}

// node.next = head; head = node
static void story_chain(world *w) {
    uint32_t below = MM_NONE;
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t node = born(w, w->exam_type, i);
        if (below != MM_NONE) {
            heap_named(&w->h, node, below, "next");
        }
        below = node;
    }
    heap_set(&w->h, w->shop, "n2", below);
}

// tail.next = node; tail = node, and only the first is known
static void story_tail(world *w) {
    uint32_t below = MM_NONE;
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t node = born(w, w->exam_type, i);
        if (below != MM_NONE) {
            heap_named(&w->h, below, node, "next");
        } else {
            heap_set(&w->h, w->shop, "n8", node);
        }
        below = node;
    }
}

// A tree without an order of its own, the root of which is always the newest.
static void story_branches(world *w) {
    static uint32_t nodes[2000];
    for (uint64_t i = 0; i < w->steps; i++) {
        nodes[w->steps - 1 - i] = born(w, w->exam_type, i);
    }
    for (uint64_t i = 1; i < w->steps; i++) {
        heap_named(&w->h, nodes[(i - 1) / 2], nodes[i], "below");
    }
    heap_set(&w->h, w->shop, "n9", nodes[0]);
}

// A tree of dicts: each step puts one under the dict of an earlier step.
static void story_tree(world *w) {
    static uint32_t dicts[2000];
    for (uint64_t i = 0; i < w->steps; i++) {
        dicts[i] = born(w, w->h.dict_type, i);
        heap_entry(&w->h, i == 0 ? w->dict : dicts[(i - 1) / 3], 0, dicts[i]);
    }
}

static void test_begins(void) {
    const mm_growth_finding *finding = told(story_replaced);
    if (ok(finding != NULL && leaks() == 1, "a tuple that is replaced by a longer one leaks")) {
        is_text(edge_of(finding), ".n1", "it is the variable");
        is_text(type_of(finding), "shop.Exam", "of these");
        ok(finding->unsteady && !finding->chain, "which does not multiply itself");
        ok(finding->newest != MM_NONE &&
               at.graphs[EARLY].file->type[finding->newest] == at.worlds[EARLY].exam_type,
           "the newest is behind the tuple");
    }
    session_end();
    finding = told(story_chain);
    if (ok(finding != NULL && leaks() == 1, "a list linked from its head leaks")) {
        is_text(edge_of(finding), ".n2", "it is the variable");
        ok(finding->unsteady && finding->chain, "a chain");
        char text[64];
        (void)mm_graph_edge_text(&at.graphs[EARLY], finding->link.edge, text, sizeof(text));
        is_text(text, ".next", "by this link");
    }
    session_end();
    finding = told(story_tail);
    if (ok(finding != NULL && leaks() == 1 && finding->chain, "a list linked from its tail")) {
        is_text(edge_of(finding), ".n8", "it is what leads to the head");
    }
    session_end();
    finding = told(story_branches);
    if (ok(finding != NULL && leaks() == 1 && !finding->chain, "a tree is no chain")) {
        is_text(edge_of(finding), ".n9", "it is what leads to its root");
    }
    session_end();
    finding = told(story_tree);
    if (ok(finding != NULL && leaks() == 1, "a tree that grows all over")) {
        is_u64(finding->guilty.source, at.worlds[EARLY].dict, "it is what holds the tree");
    }
    session_end();
}

// rows.append(e); table[e] = True, and a smaller leak of its own
static void story_holders(world *w) {
    uint32_t other = heap_object(&w->h, w->h.list_type, HEAP_EXACT);
    heap_set(&w->h, w->shop, "n3", other);
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, 2 * i);
        heap_ref(&w->h, w->list, exam, MM_NAME_INDEX, (uint32_t)i);
        heap_entry(&w->h, w->dict, exam, 0);
        uint32_t number = born(w, w->h.int_type, 2 * i + 1);
        w->h.file.size_bytes[number] = 28;
        heap_ref(&w->h, other, number, MM_NAME_INDEX, (uint32_t)i);
    }
}

// Weak references beside the objects, and alone.
static void story_dead(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, w->list, born(w, w->weakref_type, i), MM_NAME_INDEX, (uint32_t)i);
    }
}

static void story_shadow(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_entry(&w->h, w->dict, born(w, w->exam_type, 2 * i), 0);
        heap_ref(&w->h, w->list, born(w, w->weakref_type, 2 * i + 1), MM_NAME_INDEX, (uint32_t)i);
    }
}

static void test_clusters(void) {
    const mm_growth_finding *finding = told(story_holders);
    if (ok(finding != NULL && leaks() == 2, "two holders of one leak, and another leak")) {
        is_text(type_of(finding), "shop.Exam", "more bytes first");
        is_u64(finding->also_count, 1, "another holder");
        ok(finding->guilty.source != finding->also[0].source, "which is another one");
        is_text(type_of(&at.growth.findings[1]), "int", "then numbers: they are no shadow");
    }
    session_end();
    finding = told(story_shadow);
    ok(finding != NULL && leaks() == 1 && at.growth.finding_count == 2 &&
           at.growth.findings[1].echo,
       "weak references beside a leak are its shadow");
    session_end();
    finding = told(story_dead);
    ok(finding != NULL && leaks() == 1, "alone they are a list of dead references");
    session_end();
}

// Ten dicts in the list, of which each step fills another one at random, one step in two.
static void story_scattered(world *w) {
    uint32_t dicts[10];
    for (uint32_t i = 0; i < 10; i++) {
        dicts[i] = heap_object(&w->h, w->h.dict_type, HEAP_EXACT);
        heap_ref(&w->h, w->list, dicts[i], MM_NAME_INDEX, i);
    }
    for (uint64_t i = 0; i < w->steps; i += 10) {
        uint32_t exam = born(w, w->exam_type, i);
        heap_entry(&w->h, dicts[i / 10 % 10], heap_str(&w->h, "n4"), exam);
    }
}

// setattr(shop, name, Exam()), with ever new names
static void story_names(world *w) {
    static char names[2000][8];
    for (uint64_t i = 0; i < w->steps; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x%u", (unsigned)i);
        uint32_t text = born(w, w->h.str_type, 2 * i);
        heap_text(&w->h, text, names[i]);
        heap_entry(&w->h, w->h.namespaces[w->shop], text, born(w, w->exam_type, 2 * i + 1));
    }
}

static void story_roots(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        static char names[2000][24];
        (void)snprintf(names[i], sizeof(names[i]), "callback %u", (unsigned)i);
        uint32_t exam = born(w, w->exam_type, i);
        heap_root(&w->h, MM_ROOT_INTERPRETER, exam, heap_name(&w->h, names[i]), MM_NONE);
    }
}

// From 3.12 on: strings that only the interpreter's table knows, and that never die.
static void story_interned(world *w) {
    heap_root(&w->h, MM_ROOT_INTERNED, w->dict, MM_NONE, MM_NONE);
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t text = born(w, w->h.str_type, i);
        w->h.file.refcount[text] = MM_NONE;
        heap_ref(&w->h, w->dict, text, MM_NAME_KEY | MM_REF_BORROWED, 0);
    }
}

static void test_shapes(void) {
    const mm_growth_finding *finding = told(story_scattered);
    ok(finding != NULL && leaks() == 1 && strcmp(edge_of(finding), "[*]") == 0 &&
           strcmp(type_of(finding), "shop.Exam") == 0,
       "another node grows at each step: their shape is one");
    session_end();
    finding = told(story_names);
    if (ok(finding != NULL && leaks() == 1, "ever new names in a module are data")) {
        is_text(type_of(finding), "shop.Exam", "the values are accused, not the names");
        ok(finding->names, "of whatever name");
        is_u64(finding->guilty.source, at.worlds[EARLY].h.namespaces[at.worlds[EARLY].shop],
               "of the module");
    }
    session_end();
    finding = told(story_roots);
    ok(finding != NULL && leaks() == 1 && finding->guilty.source == at.graphs[EARLY].root_node &&
           strcmp(type_of(finding), "shop.Exam") == 0,
       "a list of the interpreter is named");
    session_end();
    finding = told(story_interned);
    ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_HELD &&
           finding->guilty.source == at.worlds[EARLY].dict,
       "interned strings that never die are held by their table");
    session_end();
}

// rows.append(1), which makes no new object
static void story_ones(world *w) {
    uint32_t one = heap_object(&w->h, w->h.int_type, HEAP_EXACT);
    for (uint64_t i = 0; i < w->steps; i++) {
        heap_ref(&w->h, w->list, one, MM_NAME_INDEX, (uint32_t)i);
    }
}

// text += "...."
static void story_longer(world *w) {
    uint32_t text = born(w, w->h.str_type, w->steps);
    w->h.file.size_bytes[text] = 49 + 8 * (uint32_t)w->steps;
    heap_set(&w->h, w->shop, "n5", text);
}

static void story_buffer(world *w) {
    uint32_t text = heap_object(&w->h, w->h.str_type, HEAP_EXACT);
    w->h.file.storage_bytes[text] = (uint32_t)(w->steps < 500 ? w->steps : 500) * 8;
    heap_set(&w->h, w->shop, "n6", text);
}

static void test_one_object(void) {
    const mm_growth_finding *finding = told(story_ones);
    if (ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_ONE_OBJECT,
           "a list that gets the same number again and again")) {
        is_u64(finding->newest, at.worlds[EARLY].list, "it is the list");
        is_text(edge_of(finding), ".rows", "by its name");
        is_u64(finding->grown_objects, 100, "entries");
    }
    session_end();
    finding = told(story_longer);
    if (ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_ONE_OBJECT,
           "a text that is bound again to a longer one")) {
        is_text(edge_of(finding), ".n5", "by its name");
        is_u64(finding->grown_bytes, 800, "bytes");
    }
    session_end();
    finding = told(story_buffer);
    is_u64(leaks(), 0, "a buffer that stops at its size");
    session_end();
}

// Objects with a reference that nobody has.
static void story_forgotten(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        w->h.file.refcount[exam] = 1;
    }
}

// As many, whatever is done.
static void story_forgotten_once(world *w) {
    for (uint64_t i = 0; i < 100; i++) {
        uint32_t exam = born(w, w->exam_type, i);
        w->h.file.refcount[exam] = 1;
    }
}

// One object that gets a reference more at every step.
static void gains(world *w, uint32_t type) {
    uint32_t object = heap_object(&w->h, type, 1 + (uint32_t)w->steps);
    heap_ref(&w->h, w->list, object, MM_NAME_INDEX, 0);
}

// Of the program's, beside a str, whose counts are noise.
static void story_gains(world *w) {
    gains(w, w->exam_type);
    gains(w, w->h.str_type);
}

static void story_dict_gains(world *w) {
    gains(w, w->h.dict_type);
}

static void story_str_gains(world *w) {
    gains(w, w->h.str_type);
}

// Rings that nobody reaches.
static void story_rings(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, 2 * i);
        uint32_t list = born(w, w->h.list_type, 2 * i + 1);
        heap_named(&w->h, exam, list, "all");
        heap_ref(&w->h, list, exam, MM_NAME_INDEX, 0);
    }
}

// Rings with an object that hangs on each.
static void story_loaded_rings(world *w) {
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t list = born(w, w->h.list_type, 3 * i);
        uint32_t tuple = born(w, w->h.tuple_type, 3 * i + 1);
        uint32_t exam = born(w, w->exam_type, 3 * i + 2);
        heap_ref(&w->h, list, tuple, MM_NAME_INDEX, 0);
        heap_ref(&w->h, tuple, list, MM_NAME_INDEX, 0);
        heap_ref(&w->h, tuple, exam, MM_NAME_INDEX, 1);
    }
}

static void story_nothing(world *w) {
    (void)w;
}

static void test_by_c(void) {
    const mm_growth_finding *finding = told(story_forgotten);
    if (ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_BY_C,
           "objects that C code forgot")) {
        is_text(type_of(finding), "shop.Exam", "of this type");
        is_u64(finding->missing_per_1000_steps, 1000, "a reference a step");
        is_u64(finding->guilty.source, MM_NONE, "no holder is invented");
    }
    session_end();
    ok(told(story_forgotten_once) == NULL, "some that C code keeps for good are nothing");
    session_end();
    finding = told(story_gains);
    if (ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_BY_C,
           "an old object that gets references")) {
        is_text(type_of(finding), "shop.Exam", "its type leads");
        is_u64(finding->type_count, 1, "str does not count");
        is_u64(finding->grown_objects, 0, "there are no more of them");
    }
    session_end();
    ok(told(story_dict_gains) == NULL, "nor one that is no object of the program's");
    session_end();
    ok(told(story_str_gains) == NULL, "str alone is nothing");
    session_end();
    finding = told(story_rings);
    ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_GC_INVISIBLE &&
           strcmp(type_of(finding), "shop.Exam") == 0,
       "rings that two collections left alive are invisible to them");
    session_end();
    finding = told(story_loaded_rings);
    ok(finding != NULL && finding->kind == MM_GROWTH_GC_INVISIBLE &&
           strcmp(type_of(finding), "shop.Exam") != 0,
       "what hangs on a ring does not lead");
    session_end();
    ok(told_until(story_rings, MARKS, false) == NULL, "without a collection they may just wait");
    session_end();
}

// The census of a type, by steps.
static const mm_growth_finding *told_census(story tell, uint64_t each, uint64_t most) {
    (void)told(tell);
    for (uint32_t i = 0; i < MARKS; i++) {
        uint64_t count = each * at.worlds[i].steps;
        uint32_t type = mm_mark_type_of(&at.marks[i], at.worlds[i].dict);
        at.marks[i].types[type].census_count = (uint32_t)(count < most ? count : most);
    }
    bool found = session_find(&at, MARKS, true) == MM_OK;
    return ok(found, "asked") && at.growth.finding_count > 0 ? &at.growth.findings[0] : NULL;
}

// What is in a block of the census, and what is loose.
static void test_loose(void) {
    (void)told(story_nothing);
    for (uint32_t i = 0; i < MARKS; i++) {
        const mm_mark *mark = &at.marks[i];
        mm_mark_type *content = &mark->types[mm_mark_type_of(mark, at.worlds[i].list)];
        mm_mark_type *loose = &mark->types[mm_mark_type_of(mark, at.worlds[i].dict)];
        content->census_count = (uint32_t)(2 * at.worlds[i].steps);
        content->census_bytes = 4096 * content->census_count;
        loose->census_count = (uint32_t)at.worlds[i].steps;
        loose->census_loose = loose->census_count;
        loose->census_bytes = 64 * loose->census_count;
    }
    bool found = session_find(&at, MARKS, true) == MM_OK && at.growth.finding_count > 0;
    const mm_growth_finding *finding = at.growth.findings;
    if (ok(found && finding->kind == MM_GROWTH_BY_C, "blocks and their content")) {
        is_text(type_of(finding), "dict", "what nobody explains leads, be it small");
        is_u64(finding->type_count, 2, "the content stands behind");
        is_u64(finding->grown_bytes, 6400, "bytes of the blocks");
    }
    session_end();
}

static void test_census(void) {
    const mm_growth_finding *finding = told_census(story_nothing, 1, UINT64_MAX);
    ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_BY_C &&
           strcmp(type_of(finding), "dict") == 0,
       "blocks that carry a type and that no reference leads to");
    session_end();
    ok(told_census(story_nothing, 1, 90) == NULL, "not when they stop");
    session_end();
    finding = told_census(story_list, 1, UINT64_MAX);
    ok(finding != NULL && leaks() == 1 && finding->kind == MM_GROWTH_HELD,
       "nor beside a leak that explains them");
    session_end();
}

// Rounds of the process beyond its objects.
static void test_unexplained(void) {
    (void)told(story_nothing);
    for (uint32_t i = 0; i < MARKS; i++) {
        at.marks[i].process.malloc_bytes = 1000000 + at.worlds[i].steps * 300;
        at.marks[i].process.rss_bytes = 9000000;
    }
    ok(session_find(&at, MARKS, true) == MM_OK && at.growth.finding_count == 0, "nothing is held");
    is_u64(at.growth.unexplained_bytes_per_step, 300, "but the process grows");
    is_u64(at.growth.smallest_bytes_per_step, 205, "the smallest growth that shows");
    for (uint32_t i = EARLY + 1; i < MARKS; i++) {
        at.marks[i].process.malloc_bytes = at.marks[EARLY].process.malloc_bytes;
    }
    ok(session_find(&at, MARKS, true) == MM_OK, "asked");
    is_u64(at.growth.unexplained_bytes_per_step, 0, "not when it stops");
    // A batch: what is freed stays with the allocator, so that what no object has grows.
    for (uint32_t i = 0; i < MARKS; i++) {
        at.marks[i].process.malloc_bytes = 1000000;
        at.marks[i].process.rss_bytes = 9000000;
        at.marks[i].total_bytes = 800000 - at.worlds[i].steps * 300;
    }
    ok(session_find(&at, MARKS, true) == MM_OK, "asked");
    is_u64(at.growth.unexplained_bytes_per_step, 0, "not when the process itself does not grow");
    // The heap is given another arena in every early round and in the long run, none after it.
    for (uint32_t i = 0; i < MARKS; i++) {
        uint64_t steps = at.worlds[i <= EARLY ? i : EARLY + 1].steps;
        at.marks[i].process.rss_bytes = 9000000 + steps * 2000;
        at.marks[i].total_bytes = 800000;
    }
    ok(session_find(&at, MARKS, true) == MM_OK, "asked");
    is_u64(at.growth.unexplained_bytes_per_step, 0, "nor when the late rounds take nothing");
    session_end();
}

// A bounded lru_cache is a dict of links.
static void story_lru(world *w) {
    heap *h = &w->h;
    uint32_t cache_type =
        heap_type(h, "functools._lru_cache_wrapper", MM_KIND_FOREIGN, MM_TYPE_COLLECTED, MM_NONE);
    heap_field(h, 9, "cache");
    uint32_t link_type = heap_type(h, "functools._lru_list_elem", MM_KIND_FOREIGN, 0, MM_NONE);
    uint32_t cache = heap_object(h, cache_type, HEAP_EXACT);
    uint32_t dict = heap_object(h, h->dict_type, HEAP_EXACT);
    heap_set(h, w->shop, "n7", cache);
    heap_ref(h, cache, dict, MM_NAME_WORD, 9);
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t key = born(w, h->str_type, 3 * i);
        uint32_t exam = born(w, w->exam_type, 3 * i + 1);
        uint32_t link = born(w, link_type, 3 * i + 2);
        heap_entry(h, dict, key, link);
        heap_named(h, cache, key, "C data");
        heap_named(h, cache, exam, "C data");
    }
}

static void test_lru(void) {
    const mm_growth_finding *finding = told(story_lru);
    ok(finding != NULL && finding->settled == MM_SETTLED_BOUNDED && leaks() == 0,
       "a bounded cache that is not full yet is no leak");
    ok(finding != NULL && strcmp(type_of(finding), "shop.Exam") == 0, "it holds these");
    session_end();
}

// rows.append(exam) and rows.append([clerk]), where clerk.exam is that one
static void story_owner(world *w) {
    heap *h = &w->h;
    (void)heap_class(h, w->shop, "Clerk");
    uint32_t clerk_type = h->file.type_count - 1;
    for (uint64_t i = 0; i < w->steps; i++) {
        uint32_t exam = born(w, w->exam_type, 3 * i);
        uint32_t clerk = born(w, clerk_type, 3 * i + 1);
        uint32_t pair = born(w, h->list_type, 3 * i + 2);
        heap_named(h, clerk, exam, "exam");
        heap_ref(h, pair, clerk, MM_NAME_INDEX, 0);
        heap_ref(h, w->list, exam, MM_NAME_INDEX, (uint32_t)(2 * i));
        heap_ref(h, w->list, pair, MM_NAME_INDEX, (uint32_t)(2 * i + 1));
    }
}

static void test_owner(void) {
    const mm_growth_finding *finding = told(story_owner);
    ok(finding != NULL && leaks() == 1, "an owner and what it owns leak");
    is_text(finding != NULL ? type_of(finding) : "", "shop.Clerk", "the owner is named");
    is_u64(finding != NULL ? finding->grown_objects : 0, 100, "as often as it is born");
    session_end();
}

static void test_births(void) {
    (void)told(story_large_ring);
    const mm_graph *graph = &at.graphs[EARLY];
    uint32_t wrong = 0;
    for (uint32_t node = 0; node < graph->root_node; node++) {
        uint64_t address = graph->file->address[node];
        uint32_t birth = 0;
        for (uint32_t i = EARLY; i-- > 0;) {
            if (mm_mark_find(&at.marks[i], address) == MM_NONE) {
                birth = i + 1;
                break;
            }
        }
        wrong += at.growth.birth[node] != birth;
    }
    is_u64(wrong, 0, "births are the first marks since which an address is there");
    session_end();
}

// Whatever runs out, the answer is that memory is out.
static void test_no_memory(void) {
    unsigned refused = 0;
    mm_status status = MM_E_NOMEM;
    worlds_make(&at, story_holders, MARKS);
    at.mark_count = MARKS;
    for (uint64_t limit = 1 << 16; limit < (UINT64_C(1) << 28) && status != MM_OK;
         limit += limit / 8) {
        pages.limit_bytes = limit;
        arena_start();
        pages.limit_bytes = limit;
        status = session_take(&at, MARKS);
        status = status == MM_OK ? session_find(&at, MARKS, true) : status;
        refused += status == MM_E_NOMEM;
        if (status != MM_OK && status != MM_E_NOMEM) {
            break;
        }
    }
    ok(status == MM_OK && refused > 3, "every smaller arena was refused");
    pages.limit_bytes = 0;
    session_end();
}

int main(void) {
    mm_os_pages_init(&pages);
    test_list();
    test_settled();
    test_begins();
    test_clusters();
    test_shapes();
    test_one_object();
    test_by_c();
    test_census();
    test_loose();
    test_unexplained();
    test_lru();
    test_owner();
    test_births();
    test_no_memory();
    mm_os_pages_deinit(&pages);
    return done_testing();
}

// One collection.
//
// Reachability is by subtraction (CPython, Modules/gcmodule.c; PEP 442 for the order of events):
// a copy of each object's count, less the references found among the objects looked at, says
// whether something outside holds it. What such objects lead to lives; the rest is trash.
//
// CPython moves objects between lists while it marks, which scrambles their order in memory a
// little more at each collection. Here marking happens in place: the stack is threaded through
// `prev`, which holds the count until an object is reached, and one walk at the end sorts the dead
// out. The list stays in the order of birth, so that an aged heap is walked forward. The trash, and
// the order of events in it, is the same. MORT_CPYTHON_ORDER, a file of tests/oracle, builds
// CPython's way instead, to be compared with it event by event; ephemerons are then plain values of
// their map.
//
// An ephemeron entry (map, key, value): while counting, the map shows the value, always. While
// marking, the map shows the values of keys that are alive, and a key those whose map is alive:
// whichever of the two is reached last does it, so one pass is enough.
//
//     find ─▶ weak references to the trash read NULL ─▶ watches are told ─▶ finalizers
//          ─▶ find again among the trash, if any ran ─▶ weak references made meanwhile read NULL
//          ─▶ clear each, field by field; counting does the rest (clear_unseen() where no hook
//             could tell the order)
//
// Nothing is allocated, so a collection cannot fail.
#include "internal.h"

#include <stdio.h>
#include <time.h>

#if defined(__GNUC__)
#define MORT_INLINE static inline __attribute__((always_inline))
#else
#define MORT_INLINE static inline
#endif

// How many objects a search left where they were, and how many it found unreachable.
typedef struct search {
    size_t living;
    size_t trash;
} search;

typedef void child_fn(mort_object *child, mort_object **stack);

// All strong references of an object. `fn` is known where this is called, and becomes part of it.
MORT_INLINE void children_visit(const mort_object *object, child_fn *fn, mort_object **stack) {
    const mort_type *type = object->type;
    const uint32_t *offsets = type->offsets;
    for (uint32_t i = 0; i < type->strong_count; i++) {
        mort_object *child = mort_load_(mort_at_(object, offsets[i]));
        if (child != NULL) {
            fn(child, stack);
        }
    }
    for (uint32_t i = 0; i < type->array_count; i++) {
        const mort_array *array = mort_array_at_(object, offsets[type->strong_count + i]);
        for (size_t j = 0; j < array->len; j++) {
            fn(array->items[j], stack);
        }
    }
    if (type->shape == MORT_SHAPE_KEYMAP) {
        const mort_table *table = (const mort_table *)object;
        for (size_t i = 0; i < table->end; i++) {
            if (!mort_is_hole_(table->order[i])) {
                fn(table->order[i]->value, stack);
            }
        }
    }
}

// ---- counting ----------------------------------------------------------------------------------

static void count_less(mort_object *child, mort_object **stack) {
    (void)stack;
    if (mort_has_(child, MORT_FLAG_IN_SET)) {
        child->prev--;
    }
}

static void count_references(mort_heap *heap, mort_object *list) {
    for (mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        at->next |= MORT_FLAG_IN_SET;
        // A saturated count stays above all that could be found.
        at->prev = at->refs == MORT_REFS_SATURATED ? UINTPTR_MAX / 2 : at->refs;
    }
    for (mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        children_visit(at, count_less, NULL);
    }
    for (const mort_entry *entry = heap->orphans; entry != NULL; entry = entry->anchor_next) {
        count_less(entry->value, NULL);
    }
}

#ifndef MORT_CPYTHON_ORDER

// ---- marking in place --------------------------------------------------------------------------

static void mark(mort_object *object, mort_object **stack) {
    if ((object->next & (MORT_FLAG_IN_SET | MORT_FLAG_MARKED)) == MORT_FLAG_IN_SET) {
        object->next |= MORT_FLAG_MARKED;
        object->prev = (uintptr_t)*stack;
        *stack = object;
    }
}

static bool is_live(const mort_object *object) {
    return !mort_has_(object, MORT_FLAG_IN_SET) || mort_has_(object, MORT_FLAG_MARKED) ||
           object->prev > 0;
}

static void mark_ephemerons(const mort_object *object, mort_object **stack) {
    if (object->type->shape == MORT_SHAPE_KEYMAP) {
        const mort_table *table = (const mort_table *)object;
        for (size_t i = 0; i < table->end; i++) {
            const mort_entry *entry = table->order[i];
            if (!mort_is_hole_(entry) && is_live(entry->anchor->object)) {
                mark(entry->value, stack);
            }
        }
    }
    const mort_anchor *anchor = mort_anchor_peek_(object);
    for (const mort_entry *entry = anchor == NULL ? NULL : anchor->entries; entry != NULL;
         entry = entry->anchor_next) {
        const mort_table *table = entry->table;
        if (table != NULL && table->is_ephemeron && is_live(&table->head)) {
            mark(entry->value, stack);
        }
    }
}

static void mark_from(mort_object *first) {
    mort_object *stack = NULL;
    mark(first, &stack);
    while (stack != NULL) {
        const mort_object *object = stack;
        bool is_ephemeron =
            object->type->shape == MORT_SHAPE_KEYMAP && ((const mort_table *)object)->is_ephemeron;
        stack = mort_prev_(object);
        if (!is_ephemeron) {
            children_visit(object, mark, &stack);
        }
        if (is_ephemeron || object->anchor != 0) {
            mark_ephemerons(object, &stack);
        }
    }
}

static search sort_out(mort_object *list, mort_object *trash, uintptr_t trash_flag) {
    search sum = {0, 0};
    for (mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        if (!mort_has_(at, MORT_FLAG_MARKED) && at->prev > 0) {
            mark_from(at);
        }
    }
    mort_object *last = list;
    mort_object *last_trash = mort_prev_(trash);
    mort_object *next = NULL;
    for (mort_object *at = mort_next_(list); at != list; at = next) {
        next = mort_next_(at);
        bool lives = mort_has_(at, MORT_FLAG_MARKED);
        at->next &= ~(uintptr_t)(MORT_FLAG_IN_SET | MORT_FLAG_MARKED);
        if (lives) {
            mort_link_(last, at);
            last = at;
            sum.living++;
        } else {
            at->next |= trash_flag;
            mort_link_(last_trash, at);
            last_trash = at;
            sum.trash++;
        }
    }
    mort_link_(last, list);
    mort_link_(last_trash, trash);
    return sum;
}

#else
#include MORT_CPYTHON_ORDER
#endif

// Move what nothing outside of `list` leads to into `trash`, `trash_flag` on it.
static search find_trash(mort_heap *heap, mort_object *list, mort_object *trash,
                         uintptr_t trash_flag) {
    count_references(heap, list);
    return sort_out(list, trash, trash_flag);
}

// ---- Python 2's finalizers ---------------------------------------------------------------------

static void follow(mort_object *child, mort_object **stack) {
    if (mort_has_(child, MORT_FLAG_IN_SET)) {
        child->next &= ~(uintptr_t)MORT_FLAG_IN_SET;
        mort_unlink_(child);
        mort_append_(*stack, child);
    }
}

// Objects with a finalizer, and all of the trash that they lead to, cannot be collected. Answers
// how many these are. No flag stays on the trash.
static size_t set_aside(mort_object *trash, mort_object *aside) {
    mort_object *next = NULL;
    for (mort_object *at = mort_next_(trash); at != trash; at = next) {
        next = mort_next_(at);
        if (at->type->spec.finalize != NULL) {
            follow(at, &aside);
        }
    }
    size_t count = 0;
    for (mort_object *at = mort_next_(aside); at != aside; at = mort_next_(at)) {
        children_visit(at, follow, &aside);
        count++;
    }
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        at->next &= ~(uintptr_t)MORT_FLAG_IN_SET;
    }
    return count;
}

// ---- the trash ---------------------------------------------------------------------------------

// No weak reference, map or set knows the trash any more. Watches that the trash owns are dropped,
// those that others have on it are told. An owner that dies meanwhile takes its own away.
static void weak_step(mort_heap *heap, mort_object *trash) {
    mort_anchors_empty_(heap, trash);
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        mort_watches_drop_owned_(at);
    }
    mort_watch_record **tail = &heap->due;
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        mort_anchor *anchor = mort_anchor_peek_(at);
        if (anchor != NULL) {
            mort_watches_due_(anchor, &tail);
        }
    }
    while (heap->due != NULL) {
        mort_watch_end_(heap, heap->due, MORT_DIED);
    }
}

// Each waits in `aside` once its turn has come. True if any ran.
static bool finalize_step(mort_heap *heap, mort_object *trash) {
    bool ran = false;
    while (!mort_list_is_empty_(trash)) {
        mort_object *object = mort_next_(trash);
        mort_unlink_(object);
        mort_append_(&heap->aside, object);
        if (object->type->spec.finalize != NULL && !mort_has_(object, MORT_FLAG_FINALIZED)) {
            object->next |= MORT_FLAG_FINALIZED;
            mort_retain(object);
            object->type->spec.finalize(object);
            mort_release(object);
            ran = true;
        }
    }
    mort_list_merge_(&heap->aside, trash);
    return ran;
}

// What finalizers stored somewhere lives on among the old. Answers how many do not.
static size_t resurrect_step(mort_heap *heap, mort_object *trash, mort_object *old) {
    search sum = find_trash(heap, trash, &heap->aside, 0);
    mort_list_merge_(trash, old);
    mort_list_merge_(&heap->aside, trash);
#ifndef MORT_CPYTHON_ORDER
    mort_anchors_empty_(heap, trash);
#endif
    return sum.trash;
}

static void keep_as_garbage(mort_heap *heap, mort_object *object) {
    mort_retain(object);
    mort_unlink_(object);
    mort_append_(&heap->garbage, object);
    heap->garbage_len++;
}

static void clear_object(mort_object *object) {
    uintptr_t cursor = 0;
    mort_object *child = NULL;
    mort_retain(object);
    mort_watches_drop_owned_(object);
    while ((child = mort_object_shed_(object, &cursor)) != NULL) {
        mort_release(child);
    }
    mort_release(object);
}

// Where nobody can see in which order the trash goes, it goes in the order of memory: first all its
// references, then the objects themselves. One after the other they would be met at random.
static bool order_is_unseen(const mort_heap *heap) {
    return (heap->flags & MORT_LEGACY) == 0 && (heap->debug & MORT_DEBUG_SAVEALL) == 0 &&
           !heap->has_hooks && heap->anchor_count == 0;
}

// REQUIRES: order_is_unseen(), and IN_SET on the trash and nothing else.
static void clear_unseen(mort_heap *heap, mort_object *trash) {
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        uintptr_t cursor = 0;
        for (mort_object *child = mort_object_shed_(at, &cursor); child != NULL;
             child = mort_object_shed_(at, &cursor)) {
            if (mort_has_(child, MORT_FLAG_IN_SET)) {
                child->refs--;
            } else {
                mort_release(child);
            }
        }
    }
    mort_object *next = NULL;
    for (mort_object *at = mort_next_(trash); at != trash; at = next) {
        next = mort_next_(at);
        mort_object_free_(heap, at);
    }
    mort_list_init_(trash);
}

static void clear_step(mort_heap *heap, mort_object *trash, mort_object *old) {
    while (heap->orphans != NULL) {
        mort_release(mort_orphan_take_(heap, &heap->orphans));
    }
    while (!mort_list_is_empty_(trash)) {
        mort_object *object = mort_next_(trash);
        if ((heap->debug & MORT_DEBUG_SAVEALL) != 0) {
            keep_as_garbage(heap, object);
            continue;
        }
        clear_object(object);
        if (mort_next_(trash) == object) {
            // Something took hold of it meanwhile.
            mort_unlink_(object);
            mort_append_(old, object);
        }
    }
}

// ---- lines -------------------------------------------------------------------------------------

enum { LINE_BYTES = 256 };

static void say_object(const mort_heap *heap, const char *what, const mort_object *object) {
    char line[LINE_BYTES];
    snprintf(line, sizeof(line), "gc: %s <%.100s %p>", what, object->type->spec.name,
             (const void *)object);
    heap->line(heap->context, line);
}

static void say_objects(const mort_heap *heap, const char *what, const mort_object *list) {
    for (const mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        say_object(heap, what, at);
    }
}

static void say_begin(const mort_heap *heap, int generation) {
    char line[LINE_BYTES];
    snprintf(line, sizeof(line), "gc: collecting generation %d...", generation);
    heap->line(heap->context, line);
    snprintf(line, sizeof(line), "gc: objects in each generation: %zu %zu %zu",
             mort_list_len_(&heap->generation[0]), mort_list_len_(&heap->generation[1]),
             mort_list_len_(&heap->generation[2]));
    heap->line(heap->context, line);
    if ((heap->flags & MORT_LEGACY) == 0) {
        snprintf(line, sizeof(line), "gc: objects in permanent generation: %zu",
                 mort_list_len_(&heap->frozen));
        heap->line(heap->context, line);
    }
}

static void say_end(const mort_heap *heap, size_t found, size_t uncollectable, double seconds) {
    char line[LINE_BYTES];
    bool legacy = (heap->flags & MORT_LEGACY) != 0;
    if (legacy && found == 0) {
        snprintf(line, sizeof(line), "gc: done, %.4fs elapsed.", seconds);
    } else {
        snprintf(line, sizeof(line),
                 "gc: done, %zu unreachable, %zu uncollectable, %.4fs elapsed%s", found,
                 uncollectable, seconds, legacy ? "." : "");
    }
    heap->line(heap->context, line);
}

static double now(void) {
    struct timespec time;
    return timespec_get(&time, TIME_UTC) == 0 ? 0.0
                                              : (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// ---- all of it ---------------------------------------------------------------------------------

// The generations below, behind the one that is collected; what survives goes to the next one.
static mort_object *merge_young(mort_heap *heap, int generation) {
    if (generation + 1 < MORT_GENERATIONS) {
        heap->count[generation + 1]++;
    }
    for (int i = 0; i <= generation; i++) {
        heap->count[i] = 0;
    }
    for (int i = 0; i < generation; i++) {
        mort_list_merge_(&heap->generation[i], &heap->generation[generation]);
    }
    return &heap->generation[generation];
}

static mort_object *retire_survivors(mort_heap *heap, int generation, size_t living) {
    if (generation + 1 == MORT_GENERATIONS) {
        heap->long_lived_pending = 0;
        heap->long_lived_total = living;
        return &heap->generation[generation];
    }
    if (generation + 2 == MORT_GENERATIONS) {
        heap->long_lived_pending += living;
    }
    mort_list_merge_(&heap->generation[generation], &heap->generation[generation + 1]);
    return &heap->generation[generation + 1];
}

// What is uncollectable becomes garbage, or goes on among the old.
static void keep_aside(mort_heap *heap, mort_object *aside, mort_object *old) {
    while (!mort_list_is_empty_(aside)) {
        mort_object *object = mort_next_(aside);
        if (object->type->spec.finalize != NULL || (heap->debug & MORT_DEBUG_SAVEALL) != 0) {
            keep_as_garbage(heap, object);
        } else {
            mort_unlink_(object);
            mort_append_(old, object);
        }
    }
}

size_t mort_collect_(mort_heap *heap, int generation) {
    mort_object *trash = &heap->trash;
    mort_object *aside = &heap->aside;
    bool says = (heap->debug & MORT_DEBUG_STATS) != 0;
    double begin = says ? now() : 0.0;
    if (says) {
        say_begin(heap, generation);
    }
    bool legacy = (heap->flags & MORT_LEGACY) != 0;
    mort_object *young = merge_young(heap, generation);
    bool unseen = order_is_unseen(heap);
    search sum = find_trash(heap, young, trash, legacy || unseen ? MORT_FLAG_IN_SET : 0);
    mort_object *old = retire_survivors(heap, generation, sum.living);
    size_t uncollectable = legacy ? set_aside(trash, aside) : 0;
    size_t collected = sum.trash - uncollectable;
    if ((heap->debug & MORT_DEBUG_COLLECTABLE) != 0) {
        say_objects(heap, "collectable", trash);
    }
    if (heap->anchor_count > 0) {
        weak_step(heap, trash);
    }
    if (!legacy && heap->has_hooks && finalize_step(heap, trash)) {
        collected = resurrect_step(heap, trash, old);
    }
    if (unseen) {
        clear_unseen(heap, trash);
    } else {
        clear_step(heap, trash, old);
    }
    if (uncollectable > 0) {
        uncollectable = mort_list_len_(aside);  // some may have gone with what led to them
    }
    if ((heap->debug & MORT_DEBUG_UNCOLLECTABLE) != 0) {
        say_objects(heap, "uncollectable", aside);
    }
    if (says) {
        say_end(heap, collected + uncollectable, uncollectable, now() - begin);
    }
    keep_aside(heap, aside, old);
    mort_generation_stats *stats = &heap->stats[generation];
    stats->collections++;
    stats->collected += collected;
    stats->uncollectable += uncollectable;
    mort_pass pass = {true, generation, collected, uncollectable};
    if (heap->on_pass != NULL) {
        heap->on_pass(heap, heap->on_pass_context, &pass);
    }
    return collected + uncollectable;
}

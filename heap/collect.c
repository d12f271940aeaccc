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
// the order of events in it, is the same. -DMORT_CPYTHON_ORDER builds CPython's way instead, to be
// compared with it event by event; ephemerons are then plain values of their map.
//
// An ephemeron entry (map, key, value): while counting, the map shows the value, always. While
// marking, the map shows the values of keys that are alive, and a key those whose map is alive:
// whichever of the two is reached last does it, so one pass is enough.
//
//     find ─▶ weak references to the trash read NULL ─▶ watches are told ─▶ finalizers
//          ─▶ find again among the trash, if any ran ─▶ weak references made meanwhile read NULL
//          ─▶ clear each, field by field; counting does the rest
//
// Nothing is allocated, so a collection cannot fail.
#include "collect.h"

#include <stdio.h>
#include <time.h>

#if defined(__GNUC__)
#define MORT_INLINE static inline __attribute__((always_inline))
#else
#define MORT_INLINE static inline
#endif

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

// ---- counting ------------------------------------------------------------------------------------

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

// ---- marking in place ----------------------------------------------------------------------------

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

static void sort_out(mort_object *list, mort_object *trash) {
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
        if (mort_has_(at, MORT_FLAG_MARKED)) {
            at->next &= ~(uintptr_t)(MORT_FLAG_IN_SET | MORT_FLAG_MARKED);
            mort_link_(last, at);
            last = at;
        } else {
            mort_link_(last_trash, at);
            last_trash = at;
        }
    }
    mort_link_(last, list);
    mort_link_(last_trash, trash);
}

#else

// ---- CPython's order -----------------------------------------------------------------------------

// `stack` is the list: what was put aside too early goes to its end. MARKED: put aside.
static void rescue(mort_object *child, mort_object **stack) {
    if (!mort_has_(child, MORT_FLAG_IN_SET)) {
        return;
    }
    if (mort_has_(child, MORT_FLAG_MARKED)) {
        child->next &= ~(uintptr_t)MORT_FLAG_MARKED;
        mort_unlink_(child);
        mort_append_(*stack, child);
        child->prev = 1;
    } else if (child->prev == 0) {
        child->prev = 1;
    }
}

static void sort_out(mort_object *list, mort_object *trash) {
    mort_object *last = list;
    for (mort_object *at = mort_next_(list); at != list; at = mort_next_(last)) {
        if (at->prev > 0) {
            children_visit(at, rescue, &list);
            at->prev = (uintptr_t)last;
            at->next &= ~(uintptr_t)MORT_FLAG_IN_SET;
            last = at;
        } else {
            // `prev` of the next one is a count: it is not touched.
            last->next = (uintptr_t)mort_next_(at) | (last->next & MORT_FLAGS);
            if (mort_next_(at) == list) {
                list->prev = (uintptr_t)last;
            }
            mort_append_(trash, at);
            at->next |= MORT_FLAG_MARKED;
        }
    }
    list->prev = (uintptr_t)last;
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        at->next &= ~(uintptr_t)MORT_FLAG_MARKED;
    }
}

#endif

// Move what nothing outside of `list` leads to into `trash`, IN_SET still on it.
static void find_trash(mort_heap *heap, mort_object *list, mort_object *trash) {
    count_references(heap, list);
    sort_out(list, trash);
}

// ---- Python 2's finalizers -----------------------------------------------------------------------

static void follow(mort_object *child, mort_object **stack) {
    if (mort_has_(child, MORT_FLAG_IN_SET)) {
        child->next &= ~(uintptr_t)MORT_FLAG_IN_SET;
        mort_unlink_(child);
        mort_append_(*stack, child);
    }
}

// Objects with a finalizer, and all of the trash that they lead to, cannot be collected.
static void set_aside(mort_object *trash, mort_object *aside) {
    mort_object *next = NULL;
    for (mort_object *at = mort_next_(trash); at != trash; at = next) {
        next = mort_next_(at);
        if (at->type->spec.finalize != NULL) {
            follow(at, &aside);
        }
    }
    for (mort_object *at = mort_next_(aside); at != aside; at = mort_next_(at)) {
        children_visit(at, follow, &aside);
    }
}

// ---- the trash -----------------------------------------------------------------------------------

// No weak reference, map or set knows the trash any more. Watches that the trash owns are dropped,
// those that others have on it are told. An owner that dies meanwhile takes its own away.
static void weak_step(mort_heap *heap, mort_object *trash) {
    if (heap->anchor_count > 0) {
        for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
            mort_anchor *anchor = mort_anchor_peek_(at);
            if (anchor != NULL) {
                mort_anchor_empty_(heap, anchor);
            }
        }
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
    }
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        at->next &= ~(uintptr_t)MORT_FLAG_IN_SET;
    }
    while (heap->due != NULL) {
        mort_watch_end_(heap, heap->due, MORT_DIED);
    }
}

// True if any ran.
static bool finalize_step(mort_heap *heap, mort_object *trash) {
    bool ran = false;
    mort_object seen;
    if (!heap->has_finalizers) {
        return false;
    }
    mort_list_init_(&seen);
    while (!mort_list_is_empty_(trash)) {
        mort_object *object = mort_next_(trash);
        mort_unlink_(object);
        mort_append_(&seen, object);
        if (object->type->spec.finalize != NULL && !mort_has_(object, MORT_FLAG_FINALIZED)) {
            object->next |= MORT_FLAG_FINALIZED;
            mort_retain(object);
            object->type->spec.finalize(object);
            mort_release(object);
            ran = true;
        }
    }
    mort_list_merge_(&seen, trash);
    return ran;
}

// What finalizers stored somewhere lives on among the old.
static void resurrect_step(mort_heap *heap, mort_object *trash, mort_object *old) {
    mort_object still;
    mort_list_init_(&still);
    find_trash(heap, trash, &still);
    mort_list_merge_(trash, old);
    mort_list_merge_(&still, trash);
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        at->next &= ~(uintptr_t)MORT_FLAG_IN_SET;
#ifndef MORT_CPYTHON_ORDER
        mort_anchor *anchor = mort_anchor_peek_(at);
        if (anchor != NULL) {
            mort_anchor_empty_(heap, anchor);
        }
#endif
    }
}

static void keep_as_garbage(mort_heap *heap, mort_object *object) {
    mort_retain(object);
    mort_unlink_(object);
    mort_append_(&heap->garbage, object);
    heap->garbage_len++;
}

static size_t clear_step(mort_heap *heap, mort_object *trash, mort_object *old) {
    size_t count = 0;
    for (mort_object *at = mort_next_(trash); at != trash; at = mort_next_(at)) {
        count++;
    }
    while (heap->orphans != NULL) {
        mort_release(mort_orphan_take_(heap, &heap->orphans));
    }
    while (!mort_list_is_empty_(trash)) {
        mort_object *object = mort_next_(trash);
        if ((heap->debug & MORT_DEBUG_SAVEALL) != 0) {
            keep_as_garbage(heap, object);
            continue;
        }
        uintptr_t cursor = 0;
        mort_object *child = NULL;
        mort_retain(object);
        mort_watches_drop_owned_(object);
        while ((child = mort_object_shed_(object, &cursor)) != NULL) {
            mort_release(child);
        }
        mort_release(object);
        if (mort_next_(trash) == object) {
            // Something took hold of it meanwhile.
            mort_unlink_(object);
            mort_append_(old, object);
        }
    }
    return count;
}

// ---- lines ---------------------------------------------------------------------------------------

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

// ---- all of it -----------------------------------------------------------------------------------

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

static mort_object *retire_survivors(mort_heap *heap, int generation, mort_object *young) {
    if (generation + 1 == MORT_GENERATIONS) {
        heap->long_lived_pending = 0;
        heap->long_lived_total = mort_list_len_(young);
        return young;
    }
    if (generation + 2 == MORT_GENERATIONS) {
        heap->long_lived_pending += mort_list_len_(young);
    }
    mort_list_merge_(young, &heap->generation[generation + 1]);
    return &heap->generation[generation + 1];
}

// What is uncollectable, counted: it becomes garbage, or goes on among the old.
static size_t keep_aside(mort_heap *heap, mort_object *aside, mort_object *old) {
    size_t count = 0;
    while (!mort_list_is_empty_(aside)) {
        mort_object *object = mort_next_(aside);
        bool is_garbage =
            object->type->spec.finalize != NULL || (heap->debug & MORT_DEBUG_SAVEALL) != 0;
        if (is_garbage) {
            keep_as_garbage(heap, object);
        } else {
            mort_unlink_(object);
            mort_append_(old, object);
        }
        count++;
    }
    return count;
}

size_t mort_collect_(mort_heap *heap, int generation) {
    mort_object *trash = &heap->trash;
    mort_object aside;
    mort_list_init_(&aside);
    bool says = (heap->debug & MORT_DEBUG_STATS) != 0;
    double begin = says ? now() : 0.0;
    if (says) {
        say_begin(heap, generation);
    }
    mort_object *young = merge_young(heap, generation);
    find_trash(heap, young, trash);
    mort_object *old = retire_survivors(heap, generation, young);
    if ((heap->flags & MORT_LEGACY) != 0) {
        set_aside(trash, &aside);
    }
    if ((heap->debug & MORT_DEBUG_COLLECTABLE) != 0) {
        say_objects(heap, "collectable", trash);
    }
    weak_step(heap, trash);
    if ((heap->flags & MORT_LEGACY) == 0 && finalize_step(heap, trash)) {
        resurrect_step(heap, trash, old);
    }
    size_t collected = clear_step(heap, trash, old);
    if ((heap->debug & MORT_DEBUG_UNCOLLECTABLE) != 0) {
        say_objects(heap, "uncollectable", &aside);
    }
    size_t uncollectable = mort_list_len_(&aside);
    if (says) {
        say_end(heap, collected + uncollectable, uncollectable, now() - begin);
    }
    (void)keep_aside(heap, &aside, old);
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

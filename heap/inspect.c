// Looking: counts, references with their names, all objects, garbage. Nothing here allocates or
// changes what a program can see.
#include "internal.h"

int mort_stats(const mort_heap *heap, int generation, mort_generation_stats *ret) {
    if (generation < 0 || generation >= MORT_GENERATIONS) {
        return MORT_EINVAL;
    }
    *ret = heap->stats[generation];
    ret->objects = mort_list_len_(&heap->generation[generation]);
    ret->count = heap->count[generation];
    return MORT_OK;
}

size_t mort_len(const mort_heap *heap) {
    return heap->len;
}

uint32_t mort_refcount(const void *object) {
    return ((const mort_object *)object)->refs;
}

bool mort_is_tracked(const void *object) {
    return !mort_has_(object, MORT_FLAG_LEAF);
}

bool mort_was_finalized(const void *object) {
    return mort_has_(object, MORT_FLAG_FINALIZED);
}

bool mort_is_dying(const void *object) {
    return mort_refcount(object) == 0;
}

// ---- garbage ------------------------------------------------------------------------------------

size_t mort_garbage_len(const mort_heap *heap) {
    return heap->garbage_len;
}

void *mort_garbage_peek(const mort_heap *heap, size_t index) {
    mort_object *at = mort_next_(&heap->garbage);
    for (size_t i = 0; i < index && at != &heap->garbage; i++) {
        at = mort_next_(at);
    }
    return at == &heap->garbage ? NULL : at;
}

void *mort_garbage_take(mort_heap *heap, size_t index) {
    if (heap->closed != 0) {
        mort_broken_(MORT_EBUSY, "mort_garbage_take() in a hook that may not call the heap");
        return NULL;
    }
    mort_object *object = mort_garbage_peek(heap, index);
    if (object != NULL) {
        // As what a finalizer resurrects it is among the youngest: it is about to be cut by hand.
        mort_unlink_(object);
        mort_append_(&heap->generation[0], object);
        heap->garbage_len--;
    }
    return object;
}

// ---- references ---------------------------------------------------------------------------------

// One row of a table. False: the visitor has seen enough.
static bool field_visit(mort_object *object, const mort_field *field, mort_edge *fn,
                        void *context) {
    void *at = mort_at_(object, (uint32_t)field->offset);
    if (field->kind == MORT_KIND_ARRAY) {
        const mort_array *array = at;
        for (size_t i = 0; i < array->len; i++) {
            if (!fn(context, object, field, i, array->items[i])) {
                return false;
            }
        }
        return true;
    }
    mort_object *to = field->kind == MORT_KIND_WEAK ? mort_weak_peek(at) : mort_load_(at);
    return to == NULL || fn(context, object, field, 0, to);
}

static bool entries_visit(mort_table *table, mort_edge *fn, void *context) {
    const mort_field *fields = table->head.type->spec.fields;
    size_t index = 0;
    for (size_t i = 0; i < table->end; i++) {
        const mort_entry *entry = table->order[i];
        if (mort_is_hole_(entry)) {
            continue;
        }
        if (!fn(context, &table->head, &fields[0], index, entry->anchor->target) ||
            (entry->value != NULL && !fn(context, &table->head, &fields[1], index, entry->value))) {
            return false;
        }
        index++;
    }
    return true;
}

static bool object_visit(mort_object *object, mort_edge *fn, void *context) {
    if (mort_is_table_(object->type)) {
        return entries_visit((mort_table *)object, fn, context);
    }
    for (const mort_field *field = object->type->spec.fields; field->kind != MORT_KIND_END;
         field++) {
        if (!field_visit(object, field, fn, context)) {
            return false;
        }
    }
    return true;
}

void mort_referents(const void *object, mort_edge *fn, void *context) {
    mort_object *from = (mort_object *)(uintptr_t)object;
    mort_heap *heap = from->type->heap;
    heap->closed++;
    (void)object_visit(from, fn, context);
    heap->closed--;
    mort_drain_(heap);
}

typedef struct referrers {
    const void *target;
    mort_edge *fn;
    void *context;
    size_t count;
    bool goes_on;
} referrers;

static bool referrers_edge(void *context, mort_object *from, const mort_field *field, size_t index,
                           mort_object *to) {
    referrers *work = context;
    if (to != work->target || !mort_owns_(field)) {
        return true;
    }
    work->count++;
    work->goes_on =
        work->goes_on && (work->fn == NULL || work->fn(work->context, from, field, index, to));
    return true;
}

static bool referrers_object(void *context, mort_object *object) {
    (void)object_visit(object, referrers_edge, context);
    return true;
}

size_t mort_referrers(const void *object, mort_edge *fn, void *context) {
    referrers work = {object, fn, context, 0, true};
    mort_objects(mort_heap_of(object), referrers_object, &work);
    return work.count;
}

// ---- objects ------------------------------------------------------------------------------------

static bool list_visit(const mort_object *list, mort_each *fn, void *context) {
    for (mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        if (!fn(context, at)) {
            return false;
        }
    }
    return true;
}

void mort_objects(const mort_heap *heap, mort_each *fn, void *context) {
    mort_heap *closed = (mort_heap *)(uintptr_t)heap;
    const mort_object *lists[] = {&heap->frozen,        &heap->generation[2], &heap->generation[1],
                                  &heap->generation[0], &heap->trash,         &heap->aside,
                                  &heap->garbage,       &heap->leaves};
    bool goes_on = true;
    closed->closed++;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && goes_on; i++) {
        goes_on = list_visit(lists[i], fn, context);
    }
    for (mort_object *at = heap->waiting; at != NULL && goes_on; at = mort_prev_(at)) {
        goes_on = fn(context, at);
    }
    closed->closed--;
    mort_drain_(closed);
}

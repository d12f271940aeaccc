// Is all of a heap's structure as it should be? Lists, flags, counts, anchors and entries, by
// walking everything. The one test that knows the heap's inside.
#include "../../heap/internal.h"

bool mort_heap_is_valid(const mort_heap *heap);

// Counts are held against all references of so many objects: it is quadratic.
enum { VALID_COUNTED_MAX = 200 };

typedef struct validity {
    const mort_heap *heap;
    size_t object_count;
    size_t handle_count;  ///< weak fields found that refer to the living
    size_t handles;       ///< what their anchors count: C's are among them
    bool is_valid;
} validity;

static bool valid_edge(void *context, mort_object *from, const mort_field *field, size_t index,
                       mort_object *to) {
    validity *work = context;
    (void)from;
    (void)index;
    bool alive = to->refs > 0 && to->type != NULL && to->type->heap != NULL;
    work->is_valid = work->is_valid && alive;
    work->handle_count += field->kind == MORT_KIND_WEAK && to->type->heap == work->heap;
    return true;
}

static bool valid_object(void *context, mort_object *object) {
    validity *work = context;
    const mort_anchor *anchor = mort_anchor_peek_(object);
    work->object_count++;
    work->handles += anchor != NULL && anchor->target == object ? anchor->handles : 0;
    bool anchored = anchor == NULL || (anchor->object == object && anchor->heap == work->heap &&
                                       (anchor->target == object || anchor->target == NULL));
    bool flagged = !mort_has_(object, MORT_FLAG_IN_SET | MORT_FLAG_MARKED);
    work->is_valid = work->is_valid && anchored && flagged && object->refs > 0 &&
                     object->type->heap == work->heap;
    for (const mort_entry *entry = anchor == NULL ? NULL : anchor->entries;
         entry != NULL && work->is_valid; entry = entry->anchor_next) {
        work->is_valid =
            entry->table == NULL ? anchor->target == NULL : entry->table->order[entry->at] == entry;
    }
    // Counts: no more references than counted.
    size_t found = 0;
    if (work->object_count <= VALID_COUNTED_MAX) {
        found = mort_referrers(object, NULL, NULL);
    }
    work->is_valid = work->is_valid && found <= object->refs;
    mort_referents(object, valid_edge, work);
    return work->is_valid;
}

static bool list_is_valid(const mort_object *list, bool leaves) {
    const mort_object *before = list;
    for (const mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        if (mort_prev_(at) != before || mort_has_(at, MORT_FLAG_LEAF) != leaves) {
            return false;
        }
        before = at;
    }
    return mort_prev_(list) == before;
}

bool mort_heap_is_valid(const mort_heap *heap) {
    const mort_object *lists[] = {&heap->frozen,        &heap->generation[2], &heap->generation[1],
                                  &heap->generation[0], &heap->trash,         &heap->aside,
                                  &heap->garbage};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (!list_is_valid(lists[i], false)) {
            return false;
        }
    }
    validity work = {heap, 0, 0, 0, list_is_valid(&heap->leaves, true)};
    mort_objects(heap, valid_object, &work);
    return work.is_valid && work.object_count <= heap->len && work.handle_count <= work.handles &&
           mort_list_len_(&heap->garbage) == heap->garbage_len;
}

// When to collect: generations, thresholds, freezing, as CPython has them.
//
// A generation is due when its count is above its threshold: births less deaths for the youngest,
// collections of the one before for the others. The oldest waits besides until those that came to
// it since its last collection are a quarter of those that survived it, so that the work stays
// linear in the number of objects made (Modules/gcmodule.c, "long_lived_pending").
#include "internal.h"

size_t mort_list_len_(const mort_object *list) {
    size_t count = 0;
    for (const mort_object *at = mort_next_(list); at != list; at = mort_next_(at)) {
        count++;
    }
    return count;
}

size_t mort_collect(mort_heap *heap, int generation) {
    if (generation < 0 || generation >= MORT_GENERATIONS) {
        mort_broken_(MORT_EINVAL, "mort_collect() of a generation that is not 0, 1 or 2");
        return 0;
    }
    if (heap->closed != 0 || heap->is_collecting) {
        return 0;
    }
    heap->is_collecting = true;
    if (heap->on_pass != NULL) {
        mort_pass pass = {false, generation, 0, 0};
        heap->on_pass(heap, heap->on_pass_context, &pass);
    }
    size_t found = mort_collect_(heap, generation);
    heap->is_collecting = false;
    mort_drain_(heap);
    return found;
}

bool mort_poll(mort_heap *heap) {
    if (!heap->is_enabled || heap->threshold[0] == 0 || heap->count[0] <= heap->threshold[0] ||
        heap->closed != 0 || heap->is_collecting) {
        return false;
    }
    for (int i = MORT_GENERATIONS; i-- > 0;) {
        bool waits =
            i + 1 == MORT_GENERATIONS && heap->long_lived_pending < heap->long_lived_total / 4;
        if (heap->count[i] > heap->threshold[i] && !waits) {
            mort_collect(heap, i);
            return true;
        }
    }
    return false;
}

void mort_enable(mort_heap *heap, bool enabled) {
    heap->is_enabled = enabled;
}

bool mort_is_enabled(const mort_heap *heap) {
    return heap->is_enabled;
}

void mort_set_thresholds(mort_heap *heap, const unsigned thresholds[MORT_GENERATIONS]) {
    memcpy(heap->threshold, thresholds, sizeof(heap->threshold));
}

void mort_thresholds(const mort_heap *heap, unsigned ret[MORT_GENERATIONS]) {
    memcpy(ret, heap->threshold, sizeof(heap->threshold));
}

void mort_freeze(mort_heap *heap) {
    if (heap->closed != 0) {
        mort_broken_(MORT_EBUSY, "mort_freeze() in a hook that may not call the heap");
        return;
    }
    for (int i = 0; i < MORT_GENERATIONS; i++) {
        mort_list_merge_(&heap->generation[i], &heap->frozen);
        heap->count[i] = 0;
    }
}

void mort_unfreeze(mort_heap *heap) {
    if (heap->closed != 0) {
        mort_broken_(MORT_EBUSY, "mort_unfreeze() in a hook that may not call the heap");
        return;
    }
    mort_list_merge_(&heap->frozen, &heap->generation[MORT_GENERATIONS - 1]);
}

size_t mort_frozen_len(const mort_heap *heap) {
    return mort_list_len_(&heap->frozen);
}

void mort_debug(mort_heap *heap, unsigned flags) {
    heap->debug = flags;
}

void mort_on_collect(mort_heap *heap, mort_on_pass *fn, void *context) {
    heap->on_pass = fn;
    heap->on_pass_context = context;
}

// Marking as CPython does it, by moving objects between lists: the part of heap/collect.c that is
// built in its place, with -DMORT_CPYTHON_ORDER='"cpython_order.h"', to be compared with CPython
// event by event (Modules/gcmodule.c, move_unreachable). Not a header of its own.

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

static search sort_out(mort_object *list, mort_object *trash, uintptr_t trash_flag) {
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
        at->next &= ~(uintptr_t)(MORT_FLAG_IN_SET | MORT_FLAG_MARKED);
        at->next |= trash_flag;
    }
    return (search){mort_list_len_(list), mort_list_len_(trash)};
}

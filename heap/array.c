// Strong references in a row. What is allocated begins with a head that knows its heap, so that an
// array can be used anywhere and is two words in its object.
#include "internal.h"

typedef struct array_head {
    mort_heap *heap;
    size_t room;
} array_head;

static array_head *head_of(const mort_array *array) {
    return (array_head *)(void *)array->items - 1;
}

static size_t bytes_of(size_t room) {
    return sizeof(array_head) + room * sizeof(mort_object *);
}

static int array_reserve(mort_array *array, mort_heap *heap) {
    size_t room = array->items == NULL ? 0 : head_of(array)->room;
    if (array->len < room) {
        return MORT_OK;
    }
    size_t wanted = room + (room >> 1) + 4;
    if (wanted > (SIZE_MAX - sizeof(array_head)) / sizeof(mort_object *)) {
        return MORT_ENOMEM;
    }
    array_head *head = mort_alloc_(heap, bytes_of(wanted));
    if (head == NULL) {
        return MORT_ENOMEM;
    }
    head->heap = heap;
    head->room = wanted;
    mort_object **items = (mort_object **)(void *)(head + 1);
    if (array->items != NULL) {
        memcpy(items, array->items, array->len * sizeof(mort_object *));
        mort_free_(head_of(array)->heap, head_of(array), bytes_of(room));
    }
    array->items = items;
    return MORT_OK;
}

// May `object` go into `array`? The heap is the object's.
static int array_may_store(const mort_array *array, const mort_object *object) {
    if (object == NULL) {
        return MORT_EINVAL;
    }
    mort_heap *heap = array->items == NULL ? object->type->heap : head_of(array)->heap;
    return mort_may_store_(heap, object);
}

int mort_array_push(mort_array *array, void *object) {
    int code = array_may_store(array, object);
    if (code == MORT_OK) {
        code = array_reserve(array, mort_heap_of(object));
    }
    if (code == MORT_OK) {
        array->items[array->len++] = mort_retain(object);
    }
    return code;
}

int mort_array_put(mort_array *array, size_t index, void *object) {
    int code = array_may_store(array, object);
    if (code != MORT_OK) {
        return code;
    }
    if (index >= array->len) {
        return MORT_ENOENT;
    }
    mort_object *old = array->items[index];
    array->items[index] = mort_retain(object);
    mort_release(old);
    return MORT_OK;
}

void *mort_array_take(mort_array *array, size_t index) {
    if (index >= array->len) {
        return NULL;
    }
    mort_object *object = array->items[index];
    array->len--;
    memmove(&array->items[index], &array->items[index + 1],
            (array->len - index) * sizeof(mort_object *));
    return object;
}

int mort_array_remove(mort_array *array, const void *object) {
    for (size_t i = 0; i < array->len; i++) {
        if (array->items[i] == object) {
            mort_release(mort_array_take(array, i));
            return MORT_OK;
        }
    }
    return MORT_ENOENT;
}

void *mort_array_peek(const mort_array *array, size_t index) {
    return index < array->len ? array->items[index] : NULL;
}

void mort_array_clear(mort_array *array) {
    // Whoever dies may use the array again: it is empty before the first release.
    mort_array old = *array;
    array->items = NULL;
    array->len = 0;
    while (old.len > 0) {
        mort_release(old.items[--old.len]);
    }
    if (old.items != NULL) {
        mort_free_(head_of(&old)->heap, head_of(&old), bytes_of(head_of(&old)->room));
    }
}

// Objects are sorted by address: a block is then a run of them, a lookup two short binary searches,
// and records come out in the order in which their ids are smallest to write. Three passes: who is
// there, what of a type's tables is used, who refers to whom.
#include "survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/free/sort.h"
#include "format/format.h"

static bool object_before(const void *left, const void *right, const void *context) {
    const survey_object *a = left;
    const survey_object *b = right;
    (void)context;
    return a->address < b->address;
}

static bool object_add(void *context, mort_object *object) {
    survey *s = context;
    if (s->object_count == s->object_room || s->object_count == UINT32_MAX) {
        s->failed = true;
        return false;
    }
    s->objects[s->object_count++] = (survey_object){(uintptr_t)object, 0, 0};
    return true;
}

static bool objects_take(survey *s) {
    s->object_room = mort_len(s->heap);
    s->objects = calloc(s->object_room + 1, sizeof(*s->objects));
    survey_object *buffer = calloc(s->object_room + 1, sizeof(*buffer));
    if (s->objects != NULL && buffer != NULL) {
        mort_objects(s->heap, object_add, s);
        mm_sort(s->objects, buffer, s->object_count, sizeof(*buffer), object_before, NULL);
    }
    bool done = s->objects != NULL && buffer != NULL && !s->failed;
    free(buffer);
    return done;
}

static uintptr_t block_base(uintptr_t address) {
    return address >> MM_BLOCK_SHIFT << MM_BLOCK_SHIFT;
}

static bool blocks_take(survey *s) {
    uintptr_t last = 1;  // no base
    for (size_t pass = 0; pass < 2; pass++) {
        s->block_count = 0;
        last = 1;
        for (size_t i = 0; i < s->object_count; i++) {
            uintptr_t base = block_base(s->objects[i].address);
            if (base != last && s->blocks != NULL) {
                s->blocks[s->block_count] = (survey_block){base, i};
            }
            s->block_count += base != last;
            last = base;
        }
        if (pass == 0) {
            s->blocks = calloc(s->block_count + 1, sizeof(*s->blocks));
            if (s->blocks == NULL) {
                return false;
            }
        }
    }
    s->blocks[s->block_count] = (survey_block){UINTPTR_MAX, s->object_count};
    return true;
}

// Number of the block that an address would lie in, or SURVEY_NONE.
static size_t block_find(const survey *s, uintptr_t address) {
    uintptr_t base = block_base(address);
    size_t low = 0;
    size_t high = s->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->blocks[middle].base < base) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < s->block_count && s->blocks[low].base == base ? low : SURVEY_NONE;
}

size_t survey_find(const survey *s, const void *at) {
    uintptr_t address = (uintptr_t)at;
    size_t block = block_find(s, address);
    if (block == SURVEY_NONE) {
        return SURVEY_NONE;
    }
    size_t low = s->blocks[block].first;
    size_t high = s->blocks[block + 1].first;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->objects[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < s->blocks[block + 1].first && s->objects[low].address == address;
    return found ? low : SURVEY_NONE;
}

uint64_t survey_sparse_id(const survey *s, size_t object) {
    MM_ASSERT(object < s->object_count);
    uintptr_t address = s->objects[object].address;
    size_t block = block_find(s, address);
    MM_ASSERT(block != SURVEY_NONE);
    return (uint64_t)block << MM_SLOT_BITS | (address - s->blocks[block].base) >> MM_SLOT_SHIFT;
}

// Where in type_order a type stands or would stand.
static size_t type_place(const survey *s, const mort_type *type) {
    size_t low = 0;
    size_t high = s->type_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)s->types[s->type_order[middle]].type < (uintptr_t)type) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool types_grow(survey *s) {
    size_t room = s->type_room == 0 ? 16 : s->type_room * 2;
    survey_type *types = realloc(s->types, room * sizeof(*types));
    s->types = types != NULL ? types : s->types;
    size_t *order = realloc(s->type_order, room * sizeof(*order));
    s->type_order = order != NULL ? order : s->type_order;
    if (types == NULL || order == NULL) {
        return false;
    }
    s->type_room = room;
    return true;
}

static bool type_add(survey *s, mort_type *type, size_t place) {
    if (s->type_count == s->type_room && !types_grow(s)) {
        return false;
    }
    survey_type added = {.type = type};
    const mort_field *fields = mort_type_fields(type);
    while (fields[added.field_count].kind != MORT_KIND_END) {
        added.field_count++;
    }
    added.array_len = calloc(added.field_count + 1, sizeof(size_t));
    added.name_start = calloc(added.field_count + 1, sizeof(size_t));
    if (added.array_len == NULL || added.name_start == NULL) {
        free(added.array_len);
        free(added.name_start);
        return false;
    }
    memmove(&s->type_order[place + 1], &s->type_order[place],
            (s->type_count - place) * sizeof(*s->type_order));
    s->type_order[place] = s->type_count;
    s->types[s->type_count++] = added;
    return true;
}

static bool types_take(survey *s) {
    for (size_t i = 0; i < s->object_count; i++) {
        const void *object = (const void *)s->objects[i].address;
        mort_type *type = mort_type_of(object);
        size_t place = type_place(s, type);
        bool known = place < s->type_count && s->types[s->type_order[place]].type == type;
        if (!known && !type_add(s, type, place)) {
            return false;
        }
        s->objects[i].type = (uint32_t)s->type_order[place];
        s->types[s->objects[i].type].tracked |= mort_is_tracked(object);
    }
    return true;
}

size_t survey_row(const survey_type *type, const mort_field *field) {
    const mort_field *fields = mort_type_fields(type->type);
    size_t row = (size_t)(field - fields);
    MM_ASSERT(row < type->field_count);
    return row;
}

// The references of one object are being counted.
typedef struct edge_counter {
    survey *survey;
    survey_type *type;  // of that object
} edge_counter;

static bool edge_count(void *context, mort_object *from, const mort_field *field, size_t index,
                       mort_object *to) {
    const edge_counter *counter = context;
    survey *s = counter->survey;
    survey_type *type = counter->type;
    bool strong = false;
    (void)from;
    switch (field->kind) {
        case MORT_KIND_ARRAY: {
            size_t *len = &type->array_len[survey_row(type, field)];
            *len = index + 1 > *len ? index + 1 : *len;
            strong = true;
            break;
        }
        case MORT_KIND_KEY:
            type->shape = type->shape == SURVEY_PLAIN ? SURVEY_SET : type->shape;
            break;
        case MORT_KIND_WEAK_VALUE:
            type->shape = SURVEY_VALUES;
            break;
        case MORT_KIND_VALUE:
        case MORT_KIND_EPHEMERON:
            type->shape = SURVEY_KEYMAP;
            strong = true;
            break;
        default:
            strong = field->kind == MORT_KIND_STRONG;
            break;
    }
    size_t target = strong ? survey_find(s, to) : SURVEY_NONE;
    if (target != SURVEY_NONE) {
        s->objects[target].found++;
    }
    return true;
}

// Arrays' names follow one another, type by type.
static void names_number(survey *s) {
    size_t next = 0;
    for (size_t i = 0; i < s->type_count; i++) {
        for (size_t row = 0; row < s->types[i].field_count; row++) {
            s->types[i].name_start[row] = next;
            next += s->types[i].array_len[row];
        }
    }
}

int survey_init(survey *ret, mort_heap *heap) {
    *ret = (survey){.heap = heap};
    if (!objects_take(ret) || !blocks_take(ret) || !types_take(ret)) {
        return MORT_ENOMEM;
    }
    for (size_t i = 0; i < ret->object_count; i++) {
        edge_counter counter = {ret, &ret->types[ret->objects[i].type]};
        mort_referents((const void *)ret->objects[i].address, edge_count, &counter);
    }
    names_number(ret);
    return MORT_OK;
}

void survey_deinit(survey *s) {
    for (size_t i = 0; i < s->type_count; i++) {
        free(s->types[i].array_len);
        free(s->types[i].name_start);
    }
    free(s->types);
    free(s->type_order);
    free(s->blocks);
    free(s->objects);
    *s = (survey){.heap = NULL};
}

// What a snapshot must know before it can write its first record. Private to heap/snapshot.
//
// Sparse ids need the blocks of address space, roots need the number of references found to each
// object, and names of array items must have numbers: one walk over the heap finds all three.
#ifndef MORT_SURVEY_H
#define MORT_SURVEY_H

#include "base/free/attr.h"
#include "mortmain.h"

/// An object met.
typedef struct survey_object {
    uintptr_t address;
    uint32_t found;  ///< strong references to it
    uint32_t type;   ///< index into the survey's types
} survey_object;

/// A block of address space that holds objects.
typedef struct survey_block {
    uintptr_t base;
    size_t first;  ///< index of its first object
} survey_block;

/// What a type's objects turned out to be.
typedef enum survey_shape {
    SURVEY_PLAIN,   ///< fields
    SURVEY_SET,     ///< keys alone: weak members
    SURVEY_KEYMAP,  ///< keys and values
    SURVEY_VALUES   ///< weak values under keys that are no objects
} survey_shape;

/// A type met.
typedef struct survey_type {
    mort_type *type;
    survey_shape shape;
    bool tracked;        ///< the collector looks at its objects
    size_t field_count;  ///< rows of its table before the last
    size_t *array_len;   ///< by row: the longest array found there; 0 for other rows
    size_t *name_start;  ///< by row: number in NAME of the first item's name
} survey_type;

/// The survey of a heap. All zero is empty.
typedef struct survey {
    mort_heap *heap;
    survey_object *objects;  ///< by address
    size_t object_count;
    size_t object_room;
    survey_block *blocks;  ///< by address
    size_t block_count;
    survey_type *types;  ///< in the order of the objects
    size_t type_count;
    size_t type_room;
    size_t *type_order;  ///< numbers of types by the address of their mort_type
    bool failed;         ///< no memory, or the heap is not what it said
} survey;

/// No object.
#define SURVEY_NONE SIZE_MAX

/// Look at all of a heap. 0 or MORT_ENOMEM; in both cases survey_deinit() ends it.
int survey_init(survey *ret, mort_heap *heap);
/// Give the memory back.
void survey_deinit(survey *survey);

/// Index of the object at `address`, or SURVEY_NONE: another heap's. COST: O(log n).
size_t survey_find(const survey *survey, const void *address);
/// Sparse id of an object by its index. COST: O(log blocks).
uint64_t survey_sparse_id(const survey *survey, size_t object);
/// Number of a type's row. REQUIRES: `field` is a row of its table.
size_t survey_row(const survey_type *type, const mort_field *field);

#endif

// What a user means by WHAT: an address, a type, or a dotted name. Nothing is evaluated.
#ifndef MM_ANALYZE_SELECT_H
#define MM_ANALYZE_SELECT_H

#include "graph/graph.h"

/// Objects of one type.
typedef struct mm_selected_type {
    const char *text;  ///< "shop.Exam"
    uint64_t count;
} mm_selected_type;

enum { MM_SELECTED_TYPES_MAX = 8 };

/// The objects that were meant.
typedef struct mm_selection {
    uint32_t *nodes;  ///< ascending
    uint32_t node_count;
    bool by_type;                   ///< the objects of a type were meant; there may be none
    uint32_t type;                  ///< of most of them; MM_NONE when one object was meant, or none
    const char *type_text;          ///< its name; NULL when one object was meant
    const mm_selected_type *types;  ///< of that name, __main__ first, then by count
    uint32_t type_count;            ///< at most MM_SELECTED_TYPES_MAX
    uint32_t type_left_out_count;   ///< further ones
    const mm_selected_type *others;  ///< when there is no object: what is alive instead,
    uint32_t other_count;            ///< at most MM_SELECTED_TYPES_MAX
    bool others_derive;              ///< because it derives from the type, not for its name
    const char *class_what;          ///< when there is no object: WHAT of the class itself, or NULL
} mm_selection;

/// Why WHAT means nothing.
typedef enum mm_refusal {
    MM_REFUSED_NOT = 0,
    MM_REFUSED_EMPTY,
    MM_REFUSED_FORM,          ///< neither an address, nor a type, nor a name
    MM_REFUSED_ADDRESS_FORM,  ///< an address with something else in it
    MM_REFUSED_ADDRESS,       ///< no object is there
    MM_REFUSED_NAME,          ///< neither a type nor a name of __main__ nor a module
    MM_REFUSED_MODULE,        ///< before a colon
    MM_REFUSED_MAIN,          ///< a module that the program itself is: it is called __main__
    MM_REFUSED_AFTER_DOT,     ///< no name where one should be
    MM_REFUSED_ATTRIBUTE,
    MM_REFUSED_SUBSCRIPT,   ///< not a number or a string in quotes, or without its end
    MM_REFUSED_ITEM,        ///< no item of this index
    MM_REFUSED_NUMBER_KEY,  ///< a number as the key of a dict
    MM_REFUSED_KEYS,        ///< the file has no keys of data
    MM_REFUSED_KEY,         ///< no entry of this key
    MM_REFUSED_COUNT
} mm_refusal;

/// The same in full.
typedef struct mm_refused {
    mm_refusal why;
    size_t at;      ///< the part of WHAT that failed begins here,
    size_t count;   ///< and has so many bytes
    uint32_t node;  ///< what WHAT had led to before that part, or MM_NONE
} mm_refused;

/// Resolve `what`:
///     0x7f12.., 1402..             the object at that address
///     Exam, shop.Exam              all objects of that class. Where several have the name, those
///     of
///                                  the program win over those of packages, and these over the
///                                  library's; several of one kind are asked about together
///     shop:Exam                    one object: the class itself
///     shop:Within._seen["k"][0]    one object: a module, then attributes and constant subscripts
///     shop.Within._seen, p1        the same (p1 of __main__), when it is no class and no class has
///                                  that name
/// Answers MM_E_NOT_FOUND, MM_E_ARGUMENT (not in one of these forms), MM_E_UNSUPPORTED (a key of
/// data in a file made without keys) or MM_E_NOMEM. COST: O(V).
MM_STATUS mm_select(const mm_graph *graph, const char *what, mm_arena *arena, mm_selection *ret,
                    mm_error *err);

/// Why mm_select() fails, for whoever words it. MM_REFUSED_NOT when it does not. COST: as it.
MM_STATUS mm_select_refused(const mm_graph *graph, const char *what, mm_arena *arena,
                            mm_refused *ret, mm_error *err);

#endif

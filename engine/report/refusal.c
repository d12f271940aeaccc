// Each reason has a sentence of its own that quotes the part of WHAT which failed and the part that
// led to something. After the semicolon stands what to do next.
#include "report/refusal.h"

#include <string.h>

#include "analyze/suggest.h"

static const char forms[] =
    "; give a type (shop.Order), a name (shop:cache[0]), or an address (0x7f12ab40)";

typedef struct refusal_work {
    const mm_graph *graph;
    const char *what;
    const char *where;
    const char *nearest;  ///< or NULL
    mm_refused refused;
    mm_text text;
} refusal_work;

static void words_put(refusal_work *work, const char *words) {
    mm_text_put(&work->text, words);
}

static void slice_put(refusal_work *work, const char *from, size_t count) {
    char *slice = mm_arena_take(work->text.arena, count + 1, 1);
    if (slice == NULL) {
        work->text.failed = true;
        return;
    }
    memcpy(slice, from, count);
    mm_text_name(&work->text, slice);
}

// 'Ordr'
static void quoted_put(refusal_work *work, const char *from, size_t count) {
    words_put(work, "'");
    slice_put(work, from, count);
    words_put(work, "'");
}

static void part_put(refusal_work *work) {
    quoted_put(work, work->what + work->refused.at, work->refused.count);
}

// What WHAT had led to before the part that failed.
static void holder_put(refusal_work *work) {
    size_t count = work->refused.at;
    while (count > 0 && strchr(".:[", work->what[count - 1]) != NULL) {
        count--;
    }
    quoted_put(work, count > 0 ? work->what : "__main__", count > 0 ? count : 8);
}

static void where_put(refusal_work *work) {
    words_put(work, " in ");
    mm_text_name(&work->text, work->where);
}

static void nearest_put(refusal_work *work, const char *otherwise) {
    if (work->nearest == NULL) {
        words_put(work, otherwise);
        return;
    }
    words_put(work, "; did you mean ");
    mm_text_name(&work->text, work->nearest);
    words_put(work, "?");
}

static void name_refuse(refusal_work *work) {
    switch (work->refused.why) {
        case MM_REFUSED_NAME:
            words_put(work, "no type or name ");
            part_put(work);
            where_put(work);
            nearest_put(work, forms);
            break;
        case MM_REFUSED_MODULE:
            words_put(work, "no module ");
            part_put(work);
            where_put(work);
            nearest_put(work, "; give the name that it has in sys.modules");
            break;
        case MM_REFUSED_MAIN:
            words_put(work, "no module ");
            part_put(work);
            where_put(work);
            words_put(work, ": the program itself is __main__; ask for __main__");
            mm_text_name(&work->text, work->what + work->refused.at + work->refused.count);
            break;
        case MM_REFUSED_AFTER_DOT:
            words_put(work, "a name is missing behind ");
            quoted_put(work, work->what, work->refused.at);
            words_put(work, forms);
            break;
        default:
            MM_ASSERT(work->refused.why == MM_REFUSED_ATTRIBUTE);
            holder_put(work);
            words_put(work, " has no attribute ");
            part_put(work);
            where_put(work);
            nearest_put(work, "; ask for an attribute that it has, or for a type");
            break;
    }
}

static void item_refuse(refusal_work *work) {
    uint64_t count = 0;
    bool known =
        work->refused.node != MM_NONE && mm_graph_entries(work->graph, work->refused.node, &count);
    holder_put(work);
    words_put(work, " has no item ");
    slice_put(work, work->what + work->refused.at, work->refused.count);
    where_put(work);
    if (!known) {
        words_put(work, "; ask for one of its attributes, or for a type");
    } else if (count == 0) {
        words_put(work, ": it is empty; ask for a type");
    } else {
        words_put(work, "; its items are 0 to ");
        mm_text_digits(&work->text, count - 1);
    }
}

static void subscript_refuse(refusal_work *work) {
    switch (work->refused.why) {
        case MM_REFUSED_SUBSCRIPT:
            words_put(work, "no subscript: ");
            part_put(work);
            words_put(work, "; give a number (items[0]) or a string in quotes (cache['key'])");
            break;
        case MM_REFUSED_ITEM:
            item_refuse(work);
            break;
        case MM_REFUSED_NUMBER_KEY:
            holder_put(work);
            words_put(work, " is a dict, and no snapshot has keys that are numbers; ask for ");
            holder_put(work);
            words_put(work, " or for the type of what it holds");
            break;
        case MM_REFUSED_KEYS:
            words_put(work, "the keys of ");
            holder_put(work);
            words_put(work, " are not");
            where_put(work);
            words_put(work, "; take it with mortmain.snapshot(path, keys=True)");
            break;
        default:
            MM_ASSERT(work->refused.why == MM_REFUSED_KEY);
            holder_put(work);
            words_put(work, " has no entry ");
            slice_put(work, work->what + work->refused.at, work->refused.count);
            where_put(work);
            words_put(work, "; ask for ");
            holder_put(work);
            words_put(work, " or for the type of what it holds");
            break;
    }
}

static void refusal_word(refusal_work *work) {
    switch (work->refused.why) {
        case MM_REFUSED_EMPTY:
            words_put(work, "WHAT is empty");
            words_put(work, forms);
            break;
        case MM_REFUSED_FORM:
            quoted_put(work, work->what, strlen(work->what));
            words_put(work, " is no type, name or address");
            words_put(work, forms);
            break;
        case MM_REFUSED_ADDRESS_FORM:
            quoted_put(work, work->what, strlen(work->what));
            words_put(work, " is no address; give it as repr() or id() shows it: 0x7f12ab40");
            break;
        case MM_REFUSED_ADDRESS:
            words_put(work, "no object at ");
            mm_text_name(&work->text, work->what);
            where_put(work);
            words_put(work, "; ask for a type (shop.Order) or a name (shop:cache[0])");
            break;
        case MM_REFUSED_NAME:
        case MM_REFUSED_MODULE:
        case MM_REFUSED_MAIN:
        case MM_REFUSED_AFTER_DOT:
        case MM_REFUSED_ATTRIBUTE:
            name_refuse(work);
            break;
        default:
            subscript_refuse(work);
            break;
    }
}

MM_STATUS mm_refusal_text(const mm_graph *graph, const char *what, const char *where,
                          mm_arena *arena, const char **ret, size_t *ret_count, mm_error *err) {
    refusal_work work = {.graph = graph, .what = what, .where = where};
    MM_ASSERT(what != NULL);
    MM_ASSERT(where != NULL);
    MM_TRY(mm_select_refused(graph, what, arena, &work.refused, err));
    if (work.refused.why == MM_REFUSED_NOT) {
        return mm_fail(err, MM_E_ARGUMENT, "nothing is wrong with it", 0);
    }
    MM_TRY(mm_suggest(graph, what, &work.refused, arena, &work.nearest, err));
    mm_text_init(&work.text, arena);
    refusal_word(&work);
    return mm_text_end(&work.text, ret, ret_count, err);
}

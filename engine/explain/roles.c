// Which cure fits. A side table and a queue that owns its orders have the same graph: what tells
// them apart is how the object stands in the container (as the key of an entry, by way of a bound
// method) and what people call such things. Weak references are offered only where the objects
// are owned elsewhere; for everything else the answer is to let go.
#include <string.h>

#include "explain/explain.h"

enum { LEAD_MAX = 256 };

static char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool is_letter(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

static bool is_upper(char letter) {
    return letter >= 'A' && letter <= 'Z';
}

// Is the word, or its plural, one of those that a name is put together from? "row_cache",
// "RowCache" and "caches" say cache; "Rucksack" does not.
static bool says(const char *text, const char *word) {
    size_t length = strlen(word);
    for (size_t at = 0; text[at] != '\0'; at++) {
        bool begins =
            at == 0 || !is_letter(text[at - 1]) || (is_upper(text[at]) && !is_upper(text[at - 1]));
        size_t i = 0;
        while (begins && i < length && lower(text[at + i]) == word[i]) {
            i++;
        }
        if (!begins || i < length) {
            continue;
        }
        const char *end = &text[at + length];
        end += *end == 's' || *end == 'S';
        if (!is_letter(*end) || (is_upper(*end) && !is_upper(end[-1]))) {
            return true;
        }
    }
    return false;
}

static bool says_any(const char *text, const char *const *words, size_t count) {
    for (size_t i = 0; text != NULL && i < count; i++) {
        if (says(text, words[i])) {
            return true;
        }
    }
    return false;
}

bool mm_explain_says_cache(const char *text) {
    static const char *const words[] = {"cache", "cached", "memo", "interned"};
    return says_any(text, words, MM_COUNTOF(words));
}

bool mm_explain_says_observer(const char *text) {
    static const char *const words[] = {"observer", "listener", "subscriber", "callback", "handler",
                                        "watcher",  "receiver", "hook",       "sink"};
    return says_any(text, words, MM_COUNTOF(words));
}

bool mm_explain_says_notify(const char *text) {
    static const char *const words[] = {"notify", "publish", "subscribe", "unsubscribe",
                                        "emit",   "observe", "broadcast"};
    return says_any(text, words, MM_COUNTOF(words));
}

bool mm_explain_says_store(const char *text) {
    static const char *const words[] = {
        "add",    "append", "register", "store",  "put",       "save",   "set",  "remember",
        "track",  "record", "log",      "push",   "subscribe", "attach", "keep", "intern",
        "insert", "enroll", "collect",  "submit", "schedule",  "open",   "make", "create",
        "new",    "enter",  "invite",   "join",   "connect",   "load",   "mark", "note"};
    return says_any(text, words, MM_COUNTOF(words));
}

bool mm_explain_says_parent(const char *text) {
    static const char *const words[] = {"parent", "owner",     "outer", "master",
                                        "root",   "container", "up",    "back"};
    return says_any(text, words, MM_COUNTOF(words));
}

static const char *sentence(const mm_explain *work, const char *const *parts, size_t count) {
    mm_phrase phrase = {.used = 0};
    for (size_t i = 0; i < count; i++) {
        mm_phrase_text(&phrase, parts[i]);
    }
    return mm_phrase_keep(&phrase, work->arena);
}

// Does the value under a key lead back to it? Then a weak key never goes either. Looks at no more
// than LEAD_MAX objects behind the value.
static bool value_leads_back(const mm_explain *work, uint32_t table, uint32_t key) {
    const mm_file *file = work->file;
    uint32_t queue[LEAD_MAX];
    uint32_t tail = 0;
    for (uint32_t edge = file->reference_start[table]; edge < file->reference_start[table + 1];
         edge++) {
        if (mm_file_naming(file, edge) == MM_NAME_VALUE && file->reference_argument[edge] == key &&
            tail == 0) {
            queue[tail++] = file->reference_target[edge];
        }
    }
    for (uint32_t head = 0; head < tail; head++) {
        if (queue[head] == key) {
            return true;
        }
        for (uint32_t edge = file->reference_start[queue[head]];
             edge < file->reference_start[queue[head] + 1]; edge++) {
            uint32_t target = file->reference_target[edge];
            bool known = (work->marks[target] & MM_EXPLAIN_STOP) != 0 ||
                         !mm_graph_edge_owns(work->graph, edge);
            for (uint32_t i = 0; i < tail && !known; i++) {
                known = queue[i] == target;
            }
            if (!known && tail < LEAD_MAX) {
                queue[tail++] = target;
            }
        }
    }
    return false;
}

static MM_STATUS side_table(const mm_explain *work, const mm_role_facts *facts,
                            mm_role_guess *ret) {
    const mm_file_type *type = &work->file->types[work->file->type[facts->object]];
    bool weak = (type->flags & MM_TYPE_WEAKREFABLE) != 0;
    bool by_value = mm_explain_class_defines(work, facts->object, "__eq__");
    ret->role = "side table";
    if (!weak) {
        const char *parts[] = {"give ", facts->type,
                               " a slot `__weakref__` and make it a weakref.WeakKeyDictionary, or "
                               "keep the value in an attribute of the object itself"};
        ret->cure = "attribute-on-instance";
        ret->text = sentence(work, parts, MM_COUNTOF(parts));
    } else if (by_value) {
        const char *parts[] = {facts->type,
                               " defines __eq__: keep the value in an attribute of the object "
                               "itself, or key a dict by id(obj) with a weakref.finalize that "
                               "removes the entry"};
        ret->cure = "attribute-on-instance";
        ret->text = sentence(work, parts, MM_COUNTOF(parts));
    } else if (facts->inside) {
        const char *parts[] = {"key a weakref.WeakKeyDictionary by the ", facts->type,
                               " alone, and keep the rest of the key in a dict below it"};
        ret->cure = "weak-key-dictionary";
        ret->text = sentence(work, parts, MM_COUNTOF(parts));
    } else if (value_leads_back(work, facts->source, facts->object)) {
        const char *parts[] = {"keep the value in an attribute of the ", facts->type,
                               " itself: it leads back to its key, so that a weak key would never "
                               "go either"};
        ret->cure = "attribute-on-instance";
        ret->text = sentence(work, parts, MM_COUNTOF(parts));
    } else {
        ret->cure = "weak-key-dictionary";
        ret->text = "make it a weakref.WeakKeyDictionary";
    }
    return ret->text == NULL ? MM_E_NOMEM : MM_OK;
}

// What others hand in to be called. Weak only where somebody else owns all of them.
static void listeners(const mm_role_facts *facts, bool weak, mm_role_guess *ret) {
    ret->role = facts->callback ? "callbacks" : "observers";
    ret->cure = "unsubscribe";
    ret->text = "unsubscribe when the object is done";
    if (strcmp(facts->holder, "finalize._registry") == 0) {
        ret->cure = "finalize-without-self";
        ret->text =
            "what weakref.finalize calls must not lead to the object itself: hand it a function "
            "and only what that needs";
        return;
    }
    if (facts->callback && facts->bound) {
        ret->cure = facts->owned ? "weak-method" : "unsubscribe";
        ret->text =
            "unsubscribe when the object is done; a weakref.WeakMethod for each is right only if "
            "something else owns the listeners";
    } else if (!facts->callback && !facts->inside && weak) {
        ret->cure = facts->owned ? "weak-set" : "unsubscribe";
        ret->text =
            "unsubscribe when the object is done; a weakref.WeakSet is right only if something "
            "else owns the listeners";
    }
}

// A container that owns what it holds, as far as anybody knows.
static MM_STATUS owner(const mm_explain *work, const mm_role_facts *facts, mm_role_guess *ret) {
    const char *name = "registry";
    if (facts->how == MM_HOW_ITEM) {
        name = "list";
    } else if (facts->how == MM_HOW_KEY) {
        name = "dict";
    } else if (facts->how == MM_HOW_MEMBER) {
        name = "set";
    }
    const char *alone[] = {"only this ", name,
                           " owns them: remove them when done, bound it, or make it local; a weak "
                           "container would empty it"};
    ret->role = facts->how == MM_HOW_ITEM ? "list" : "registry";
    ret->cure = facts->shared ? NULL : "remove-when-done";
    ret->text = NULL;
    if (facts->alone) {
        ret->text = sentence(work, alone, MM_COUNTOF(alone));
        return ret->text == NULL ? MM_E_NOMEM : MM_OK;
    }
    if (!facts->shared) {
        ret->text = "remove them when done, bound it, or make it local";
    }
    return MM_OK;
}

MM_STATUS mm_explain_role(const mm_explain *work, const mm_role_facts *facts, mm_role_guess *ret) {
    const mm_file_type *type = &work->file->types[work->file->type[facts->object]];
    bool weak = (type->flags & MM_TYPE_WEAKREFABLE) != 0;
    mm_role_guess guess = {NULL, NULL, NULL};
    if (facts->exception) {
        guess.role = "stored exception";
        guess.cure = "drop-exception";
        guess.text =
            "keep its text, or store it as exc.with_traceback(None): its traceback keeps "
            "the frames and all their variables";
    } else if (facts->atexit) {
        guess.role = "callbacks";
        guess.cure = "unsubscribe";
        guess.text =
            "call atexit.unregister when the object is done, or hand atexit a function and only "
            "what that needs, not the object";
    } else if (facts->dead) {
        guess.role = "weak references";
        guess.cure = "weak-set";
        guess.text =
            "use a weakref.WeakSet or WeakValueDictionary, or give each reference a "
            "callback that removes it: a dead reference stays in a plain container";
    } else if (mm_graph_kind(work->graph, facts->object) == MM_KIND_TYPE) {
        guess.role = "classes made again and again";
        guess.cure = "make-class-once";
        guess.text =
            "make the class once, outside of the function: whoever remembers classes "
            "keeps every one of them";
    } else if (facts->weak) {
        const char *parts[] = {
            "its values lead back to their keys, so that no key ever goes: keep "
            "the value in an attribute of the ",
            facts->type, " itself"};
        guess.role = "weak container";
        guess.cure = "attribute-on-instance";
        guess.text = sentence(work, parts, MM_COUNTOF(parts));
        MM_TRY(guess.text == NULL ? MM_E_NOMEM : MM_OK);
    } else if (facts->cached) {
        guess.role = "cache";
        guess.cure = "bound-cache";
        guess.text =
            "a cache keeps its arguments, `self` among them, and its results: give it a "
            "maxsize, or keep what it remembers in the object (functools.cached_property)";
    } else if (facts->how == MM_HOW_KEY && (facts->descriptor || facts->owned)) {
        MM_TRY(side_table(work, facts, &guess));
    } else if (mm_explain_says_cache(facts->holder) && facts->how == MM_HOW_VALUE) {
        guess.role = "cache";
        guess.cure = weak && facts->owned ? "weak-value-dictionary" : "bound-cache";
        guess.text = weak ? "bound it (functools.lru_cache with a maxsize); only if something else "
                            "owns the objects, make it a weakref.WeakValueDictionary"
                          : "bound it (functools.lru_cache with a maxsize)";
    } else if (facts->callback || facts->observer || mm_explain_says_observer(facts->holder)) {
        bool instance = (work->marks[facts->object] & MM_EXPLAIN_INSTANCE) != 0;
        listeners(facts, weak && instance, &guess);
    } else {
        MM_TRY(owner(work, facts, &guess));
    }
    *ret = guess;
    return MM_OK;
}

// Runs op programs on libmortmain's heap and prints what happened: the C half of `make oracle`.
//
// The other half is on_python.py, which runs the same programs on CPython; the logs must be equal.
// What each op means stands in op_programs.py. Programs come on stdin, each after a line `= NAME`,
// and logs go to stdout under the same line. `interpret legacy` runs them in legacy mode.
//
// Three things that no log of CPython's can show are checked here, and a breach is a line FAULT,
// which no other side prints: every object born is destroyed once, every watch has exactly one
// notice, and no object is held when all roots have been let go.
//
// Locals hold what an op works on, exactly as on the other side: a value that is being stored must
// not die of what the store lets go of.
#include <mortmain.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOTS = 8, WEAKS = 8, STRONG_FIELDS = 3, LINE_BYTES_MAX = 256 };
enum finalizer_action {
    FIN_NOTHING,
    FIN_RESURRECT,
    FIN_DROP,
    FIN_COLLECT,
    FIN_MAKE,
    FIN_CLEAR_FIELD,
    FIN_WEAK_TO_SELF,
    FIN_STORE_IN_OTHER,
    FIN_LOAD_WEAK_FIELD,
    FIN_LOAD_WEAK
};
enum callback_action { CB_NOTHING, CB_COLLECT, CB_MAKE, CB_DROP, CB_LOAD_WEAK };
enum kind { KIND_PLAIN, KIND_FINALIZER, KIND_LEAF, KINDS };

struct world;

// The three kinds begin alike, so that a hook may look before it knows which it has.
struct node {
    mort_object head;
    struct world *world;
    int id;
    int action;
    int argument;
    enum kind kind;
    mort_object *s0;
    mort_object *s1;
    mort_object *s2;
    mort_weak w;
};
struct leaf {
    mort_object head;
    struct world *world;
    int id;
    int action;
    int argument;
    enum kind kind;
};
MORT_FIELDS(node, MORT_STRONG_ANY(node, s0), MORT_STRONG_ANY(node, s1), MORT_STRONG_ANY(node, s2),
            MORT_WEAK(node, w));

// The context of a watch; lives as long as its world, so that a late notice is seen.
struct note {
    struct world *world;
    struct note *before;
    mort_ticket ticket;
    int number;
    int action;
    int argument;
    int notice_count;
    int owner;  // -1: none
};

struct world {
    mort_heap *heap;
    mort_type *types[KINDS];
    mort_object *roots[ROOTS];
    mort_weak weaks[WEAKS];
    struct note *newest_note;
    int note_count;
    int birth_count;
    int death_count;
    int *deaths;  // by id
    bool is_legacy;
    bool has_ended;  // hooks are silent and do nothing
    char *text;
    size_t text_len;
    size_t text_size;
};

static void fail(const char *what) {
    fflush(stdout);
    fprintf(stderr, "interpret: %s\n", what);
    abort();
}

static void must(int code, const char *what) {
    if (code != MORT_OK) {
        fprintf(stderr, "interpret: %s: %s\n", what, mort_strerror(code));
        fail("a call failed that cannot");
    }
}

// ---- the log ------------------------------------------------------------------------------------

static void say(struct world *world, const char *format, ...) {
    char line[LINE_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    const int wrote = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (wrote < 0 || (size_t)wrote >= sizeof line) {
        fail("a line is too long");
    }
    const size_t len = (size_t)wrote;
    if (world->text_size - world->text_len < len + 1) {
        world->text_size = 2 * world->text_size + sizeof line;
        world->text = realloc(world->text, world->text_size);
        if (world->text == NULL) {
            fail("no memory");
        }
    }
    memcpy(world->text + world->text_len, line, len + 1);
    world->text_len += len;
}

// The liveness of all weak references, as text in a buffer of WEAKS + 1 bytes.
static const char *bits(const struct world *world, char *buffer) {
    for (int i = 0; i < WEAKS; i++) {
        buffer[i] = mort_weak_peek(&world->weaks[i]) != NULL ? '1' : '0';
    }
    buffer[WEAKS] = '\0';
    return buffer;
}

// ---- what ops and hooks share -------------------------------------------------------------------

static struct node *make(struct world *world, enum kind kind, int action, int argument) {
    struct node *made = mort_new(world->types[kind]);
    if (made == NULL) {
        fail("mort_new: no object");
    }
    made->world = world;
    made->id = world->birth_count++;
    made->action = action;
    made->argument = argument;
    made->kind = kind;
    return made;
}

static mort_object **field_of(struct node *node, int field) {
    mort_object **fields[STRONG_FIELDS] = {&node->s0, &node->s1, &node->s2};
    return fields[field % STRONG_FIELDS];
}

// OWNED: a root's object, or NULL; with `is_node` also NULL where it is a leaf.
static struct node *root_get(struct world *world, int root, bool is_node) {
    struct node *found = (struct node *)world->roots[root % ROOTS];
    if (found == NULL || (is_node && found->kind == KIND_LEAF)) {
        return NULL;
    }
    return mort_retain(found);
}

static void root_set(struct world *world, int root, void *object) {
    mort_set(&world->roots[root % ROOTS], object);
}

static void collect(struct world *world, int generation, bool is_counted) {
    say(world, "<%d\n", generation % MORT_GENERATIONS);
    const size_t count = mort_collect(world->heap, generation % MORT_GENERATIONS);
    const size_t garbage_len = mort_garbage_len(world->heap);
    for (size_t i = 0; i < garbage_len; i++) {
        const struct node *node = mort_garbage_peek(world->heap, i);
        say(world, "%s %d%s", i == 0 ? "kept" : "", node->id, i + 1 == garbage_len ? "\n" : "");
    }
    if (is_counted) {
        say(world, ">%d found %zu\n", generation % MORT_GENERATIONS, count);
    } else {
        say(world, ">%d\n", generation % MORT_GENERATIONS);
    }
}

static void make_into(struct world *world, int root) {
    struct node *made = make(world, KIND_PLAIN, 0, 0);
    root_set(world, root, made);
    mort_release(made);
}

static void load_weak(struct world *world, int number) {
    void *found = mort_weak_get(&world->weaks[number % WEAKS]);
    root_set(world, number, found);
    mort_release(found);
}

// ---- hooks --------------------------------------------------------------------------------------

static void finalize_node(void *object) {
    struct node *self = object;
    struct world *world = self->world;
    if (world->has_ended) {
        return;
    }
    char buffer[WEAKS + 1];
    const char *own = mort_weak_peek(&self->w) != NULL ? "1" : "0";
    say(world, "fin %d %s %s\n", self->id, bits(world, buffer), own);
    struct node *other = NULL;
    switch ((enum finalizer_action)self->action) {
        case FIN_NOTHING:
            break;
        case FIN_RESURRECT:
            root_set(world, self->argument, self);
            break;
        case FIN_DROP:
            root_set(world, self->argument, NULL);
            break;
        case FIN_COLLECT:
            collect(world, self->argument, false);
            break;
        case FIN_MAKE:
            make_into(world, self->argument);
            break;
        case FIN_CLEAR_FIELD:
            mort_set(field_of(self, self->argument), NULL);
            break;
        case FIN_WEAK_TO_SELF:
            must(mort_weak_set(&world->weaks[self->argument % WEAKS], self), "weak to self");
            break;
        case FIN_STORE_IN_OTHER:
            other = root_get(world, self->argument, true);
            if (other != NULL) {
                mort_set(&other->s0, self);
            }
            break;
        case FIN_LOAD_WEAK_FIELD:
            other = mort_weak_get(&self->w);
            root_set(world, self->argument, other);
            break;
        case FIN_LOAD_WEAK:
            load_weak(world, self->argument);
            break;
    }
    mort_release(other);
}

static void destroy_node(void *object) {
    struct node *self = object;
    struct world *world = self->world;
    world->death_count++;
    world->deaths[self->id]++;
    if (!world->has_ended) {
        char buffer[WEAKS + 1];
        say(world, "dead %d %s\n", self->id, bits(world, buffer));
    }
}

static void notify_watch(mort_heap *heap, void *context, int why) {
    struct note *note = context;
    struct world *world = note->world;
    note->notice_count++;
    if (world->has_ended || why != MORT_DIED || heap != world->heap) {
        return;
    }
    char buffer[WEAKS + 1];
    say(world, "cb %d %s %d\n", note->number, bits(world, buffer), note->owner);
    switch ((enum callback_action)note->action) {
        case CB_NOTHING:
            break;
        case CB_COLLECT:
            collect(world, note->argument, false);
            break;
        case CB_MAKE:
            make_into(world, note->argument);
            break;
        case CB_DROP:
            root_set(world, note->argument, NULL);
            break;
        case CB_LOAD_WEAK:
            load_weak(world, note->argument);
            break;
    }
}

// ---- ops ----------------------------------------------------------------------------------------

// w W L f F u: references that are not counted.
static void watch(struct world *world, const int *a) {
    struct node *target = root_get(world, a[0], false);
    struct node *owner = a[1] < 0 ? NULL : root_get(world, a[1], false);
    if (target != NULL && (a[1] < 0 || owner != NULL)) {
        struct note *note = calloc(1, sizeof *note);
        if (note == NULL) {
            fail("no memory");
        }
        *note = (struct note){.world = world,
                              .before = world->newest_note,
                              .number = world->note_count++,
                              .action = a[2],
                              .argument = a[3],
                              .owner = owner == NULL ? -1 : owner->id};
        world->newest_note = note;
        must(mort_watch(&note->ticket, target, owner, notify_watch, note), "watch");
    }
    mort_release(target);
    mort_release(owner);
}

static void unwatch(struct world *world, int number) {
    for (struct note *note = world->newest_note; note != NULL; note = note->before) {
        // An owner's watches end with the owner alone: CPython keeps them in a chain of tuples.
        if (world->note_count > 0 && note->number == number % world->note_count) {
            if (note->owner < 0) {
                (void)mort_unwatch(world->heap, note->ticket);
            }
            return;
        }
    }
}

static void run_weak(struct world *world, char op, const int *a) {
    struct node *x = NULL;
    struct node *y = NULL;
    switch (op) {
        case 'w':
            x = root_get(world, a[1], false);
            must(mort_weak_set(&world->weaks[a[0] % WEAKS], x), "w");
            break;
        case 'L':
            x = mort_weak_get(&world->weaks[a[0] % WEAKS]);
            root_set(world, a[1], x);
            break;
        case 'f':
            x = root_get(world, a[0], true);
            y = root_get(world, a[1], false);
            if (x != NULL) {
                must(mort_weak_set(&x->w, y), "f");
            }
            break;
        case 'F':
            x = root_get(world, a[0], true);
            if (x != NULL) {
                y = mort_weak_get(&x->w);
                root_set(world, a[1], y);
            }
            break;
        case 'W':
            watch(world, a);
            break;
        default:
            unwatch(world, a[0]);
            break;
    }
    mort_release(x);
    mort_release(y);
}

// n d c s l: references that are counted.
static void run_strong(struct world *world, char op, const int *a) {
    struct node *x = NULL;
    struct node *y = NULL;
    switch (op) {
        case 'n':
            x = make(world, (enum kind)(a[1] % KINDS), a[2], a[3]);
            root_set(world, a[0], x);
            break;
        case 'd':
            root_set(world, a[0], NULL);
            break;
        case 'c':
            x = root_get(world, a[0], false);
            root_set(world, a[1], x);
            break;
        case 's':
            x = root_get(world, a[0], true);
            y = root_get(world, a[2], false);
            if (x != NULL) {
                mort_set(field_of(x, a[1]), y);
            }
            break;
        default:
            x = root_get(world, a[0], true);
            if (x != NULL) {
                y = mort_retain(*field_of(x, a[1]));
                root_set(world, a[2], y);
            }
            break;
    }
    mort_release(x);
    mort_release(y);
}

static void print_counts(struct world *world) {
    say(world, "p");
    for (int i = 0; i < ROOTS; i++) {
        const struct node *node = (struct node *)world->roots[i];
        if (node == NULL) {
            say(world, " -");
        } else {
            say(world, " %d:%u", node->id, (unsigned)mort_refcount(node));
        }
    }
    char buffer[WEAKS + 1];
    say(world, " %s garbage %zu\n", bits(world, buffer), mort_garbage_len(world->heap));
}

static void print_flags(struct world *world) {
    if (world->is_legacy) {
        return;
    }
    say(world, "q");
    for (int i = 0; i < ROOTS; i++) {
        const struct node *node = (struct node *)world->roots[i];
        if (node != NULL) {
            say(world, " %d%d", mort_is_tracked(node), mort_was_finalized(node));
        }
    }
    say(world, "\n");
}

static void run_op(struct world *world, char op, const int *a) {
    mort_object *taken;
    switch (op) {
        case 'G':
        case 'N':
            collect(world, a[0], op == 'N');
            break;
        case 'T':
            taken = mort_garbage_take(world->heap, 0);
            if (taken != NULL) {
                root_set(world, a[0], taken);
                mort_release(taken);
            }
            break;
        case 'D':
            mort_debug(world->heap, a[0] != 0 ? MORT_DEBUG_SAVEALL : 0);
            break;
        case 'z':
            if (!world->is_legacy) {
                (a[0] != 0 ? mort_unfreeze : mort_freeze)(world->heap);
            }
            break;
        case 'p':
            print_counts(world);
            break;
        case 'q':
            print_flags(world);
            break;
        default:
            if (strchr("wLfFWu", op) != NULL) {
                run_weak(world, op, a);
            } else if (strchr("ndcsl", op) != NULL) {
                run_strong(world, op, a);
            } else {
                fail("an op that is none");
            }
            break;
    }
}

// ---- worlds -------------------------------------------------------------------------------------

static void world_begin(struct world *world, bool is_legacy, size_t births_max) {
    static const mort_spec specs[KINDS] = {
        {"Plain", sizeof(struct node), node_fields, NULL, destroy_node},
        {"Fin", sizeof(struct node), node_fields, finalize_node, destroy_node},
        {"Leaf", sizeof(struct leaf), NULL, NULL, destroy_node},
    };
    *world = (struct world){.is_legacy = is_legacy};
    const mort_options options = {.flags = is_legacy ? MORT_LEGACY : 0};
    must(mort_heap_new(&world->heap, &options), "mort_heap_new");
    for (int i = 0; i < KINDS; i++) {
        must(mort_type_new(&world->types[i], world->heap, &specs[i]), "mort_type_new");
    }
    world->deaths = calloc(births_max, sizeof *world->deaths);
    if (world->deaths == NULL) {
        fail("no memory");
    }
}

static void world_end(struct world *world) {
    world->has_ended = true;
    for (int i = 0; i < ROOTS; i++) {
        root_set(world, i, NULL);
    }
    for (int i = 0; i < WEAKS; i++) {
        mort_weak_clear(&world->weaks[i]);
    }
    const size_t held = mort_heap_free(world->heap);
    if (held != 0) {
        say(world, "FAULT %zu objects were held when nothing held them\n", held);
    }
    if (world->birth_count != world->death_count) {
        say(world, "FAULT %d births, %d deaths\n", world->birth_count, world->death_count);
    }
    for (int i = 0; i < world->birth_count; i++) {
        if (world->deaths[i] != 1) {
            say(world, "FAULT object %d died %d times\n", i, world->deaths[i]);
        }
    }
    while (world->newest_note != NULL) {
        struct note *note = world->newest_note;
        world->newest_note = note->before;
        if (note->notice_count != 1) {
            say(world, "FAULT watch %d had %d notices\n", note->number, note->notice_count);
        }
        free(note);
    }
    if (world->text_len > 0) {
        fwrite(world->text, 1, world->text_len, stdout);
    }
    free(world->text);
    free(world->deaths);
}

int main(int argc, char **argv) {
    enum {
        BIRTHS_MAX = 100000  // in legacy mode a finalizer that makes objects runs at each death
    };
    const bool is_legacy = argc > 1 && strcmp(argv[1], "legacy") == 0;
    struct world world;
    bool is_open = false;
    char line[LINE_BYTES_MAX];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char op = 0;
        int a[4] = {0, 0, 0, 0};
        if (line[0] == '=') {
            if (is_open) {
                world_end(&world);
            }
            fputs(line, stdout);
            fflush(stdout);  // names the program that crashes
            world_begin(&world, is_legacy, BIRTHS_MAX);
            is_open = true;
        } else if (is_open && line[0] != '#' &&
                   sscanf(line, " %c %d %d %d %d", &op, &a[0], &a[1], &a[2], &a[3]) >= 1) {
            if (world.birth_count > BIRTHS_MAX / 2) {
                fail("a program makes objects without end");
            }
            run_op(&world, op, a);
        }
    }
    if (is_open) {
        world_end(&world);
    }
    return 0;
}

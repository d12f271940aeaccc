// Arenas: what is given back is handed out again, zeroed, and never twice at once.
#include "base/os/pages.h"
#include "tap.h"

enum { BLOCK = 4096, PIECES = 40, ROUNDS = 20000 };

typedef struct piece {
    uint8_t *at;
    size_t size_bytes;
    uint8_t mark;
} piece;

static mm_os_pages pages;
static mm_arena arena;

static void arena_start(void) {
    mm_os_pages_deinit(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), BLOCK);
}

static void test_reuse(void) {
    arena_start();
    uint32_t *first = MM_ARENA_NEW(&arena, uint32_t, 100000);
    first[0] = 1;
    first[99999] = 2;
    uint64_t taken = arena.taken_bytes;
    MM_ARENA_GIVE_BACK(&arena, first, 100000);
    uint32_t *again = MM_ARENA_NEW(&arena, uint32_t, 40000);
    uint32_t *rest = MM_ARENA_NEW(&arena, uint32_t, 60000);
    ok(again == first && again[0] == 0, "what was given back is handed out again, zeroed");
    ok(rest > again && rest[59999] == 0, "and so is its rest");
    is_u64(arena.taken_bytes, taken, "without a page more");
    MM_ARENA_GIVE_BACK(&arena, rest, 60000);
    MM_ARENA_GIVE_BACK(&arena, again, 40000);
    ok(MM_ARENA_NEW(&arena, uint32_t, 100000) == first, "neighbours are joined");
    is_u64(arena.taken_bytes, taken, "still without a page more");
    MM_ARENA_GIVE_BACK(&arena, first + 50001, 49999);
    uint32_t *tail = MM_ARENA_NEW(&arena, uint32_t, 40000);
    ok(tail >= first + 50001 && tail + 40000 <= first + 100000, "the last part of it alone");
    MM_ARENA_GIVE_BACK(&arena, first, 0);
    mm_arena_give_back(&arena, NULL, 1 << 20);
    uint8_t *small = MM_ARENA_NEW(&arena, uint8_t, 100);
    mm_arena_give_back(&arena, small, 100);
    ok(MM_ARENA_NEW(&arena, uint8_t, 100) != small, "nothing, and what is small, stays taken");
}

static uint64_t random_next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static bool piece_is(const piece *p, uint8_t mark) {
    for (size_t i = 0; i < p->size_bytes; i++) {
        if (p->at[i] != mark) {
            return false;
        }
    }
    return true;
}

// Pieces of every size, taken and given back in no order. Each is filled with a mark of its own.
static void test_random(void) {
    static piece held[PIECES];
    uint64_t state = 1;
    bool zeroed = true;
    bool kept = true;
    arena_start();
    memset(held, 0, sizeof(held));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        piece *p = &held[random_next(&state) % PIECES];
        if (p->at != NULL) {
            kept = kept && piece_is(p, p->mark);
            size_t cut = random_next(&state) % 2 == 0 ? 0 : random_next(&state) % p->size_bytes;
            mm_arena_give_back(&arena, p->at + cut, p->size_bytes - cut);
            kept = kept && cut <= p->size_bytes;
            p->size_bytes = cut;
            p->at = NULL;
            continue;
        }
        size_t most = (size_t)1 << random_next(&state) % 17;
        p->size_bytes = 1 + random_next(&state) % most;
        p->at = mm_arena_take(&arena, p->size_bytes, 1);
        p->mark = (uint8_t)(1 + round % 255);
        zeroed = zeroed && p->at != NULL && piece_is(p, 0);
        memset(p->at, p->mark, p->size_bytes);
    }
    ok(zeroed, "whatever is taken is zeroed");
    ok(kept, "and nobody else's");
    ok(arena.taken_bytes < (uint64_t)ROUNDS * 4096, "most of it was there before: %u KiB",
       (unsigned)(arena.taken_bytes >> 10));
}

static uint8_t *mapped(mm_os_pages *from, size_t size_bytes) {
    mm_pages view = mm_os_pages_view(from);
    uint8_t *at = view.map(view.context, size_bytes);
    bool zeroed = at != NULL;
    for (size_t i = 0; zeroed && i < size_bytes; i++) {
        zeroed = at[i] == 0;
    }
    ok(zeroed, "%u KiB are zeroed", (unsigned)(size_bytes >> 10));
    return at;
}

// What one had mapped serves the next, zeroed, if it is large enough.
static void test_hand_over(void) {
    enum { LARGE = 1 << 23, SMALL = 1 << 14 };
    mm_os_pages first;
    mm_os_pages next;
    mm_os_pages_init(&first);
    mm_os_pages_init(&next);
    first.roomy = true;
    uint8_t *large = mapped(&first, LARGE);
    memset(large, 7, LARGE);
    memset(mapped(&first, SMALL), 8, SMALL);
    mm_os_pages_hand_over(&first, &next);
    ok(first.blocks == NULL && first.mapped_bytes == 0, "the first has nothing any more");
    ok(mapped(&next, LARGE + LARGE / 16) == large, "a larger one fits into its room");
    memset(large, 9, LARGE + LARGE / 16);
    ok(mapped(&next, 2 * (size_t)LARGE) != large, "twice as much does not");
    (void)mapped(&next, SMALL);
    mm_os_pages_trim(&next);
    ok(next.spares == NULL, "what was not asked for is unmapped");
    mm_os_pages_hand_over(&next, &first);
    ok(mapped(&first, LARGE - 4096) == large, "and back, a smaller one as well");
    mm_os_pages_deinit(&first);
    mm_os_pages_deinit(&next);
}

int main(void) {
    mm_os_pages_init(&pages);
    test_reuse();
    test_random();
    test_hand_over();
    mm_os_pages_deinit(&pages);
    return done_testing();
}

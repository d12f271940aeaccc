// The engine and the heap in one program: every object file of both, and none of their names meet.
#include "base/os/pages.h"
#include "world.h"

int main(void) {
    mm_os_pages pages;
    mm_arena arena;
    mm_os_pages_init(&pages);
    mm_arena_init(&arena, mm_os_pages_view(&pages), 4096);
    uint64_t *words = MM_ARENA_NEW(&arena, uint64_t, 100);
    ok(words != NULL && words[99] == 0, "the engine works");
    world_start(NULL);
    struct node *node = node_new(1);
    mort_set(&node->left, node);
    mort_release(node);
    is_u64(mort_collect(world.heap, 2), 1, "and so does the heap");
    world_end(0, "link");
    mm_os_pages_deinit(&pages);
    return done_testing();
}

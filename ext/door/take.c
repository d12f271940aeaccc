// The fork door, and the walk in process that stands in for it.
//
//     lock held      | clone |                                         | result
//     lock released          | wait for the child, signals checked     |
//     child                  | settle, locate, walk, write, leave word | gone
//
// The interpreter stands still for the first stretch only. The heap is located in the child too:
// there nobody can unmap what the memory map has just promised. The child leaves its word on a page
// that both share: what it walks now, and at the end what it did. Its exit status only says how it
// died.
//
// A foreign tp_traverse may crash, or never come back. The page then names its type, and the next
// child treats that type as opaque. The heap has moved on meanwhile, so each try locates it again.
#include "take.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/os/file.h"
#include "base/os/pages.h"
#include "base/os/process.h"
#include "base/os/sink.h"
#include "capture/capture.h"
#include "heap_here.h"

enum {
    RETRIES_MAX = DOOR_OPAQUE_MAX,
    RETRIES_WITHOUT_TYPE_MAX = 2,
    WAIT_SLICE_MS = 50,
    PATIENCE_FACTOR = 6,  // between two foreign calls a slow disk may be what we wait for
    ARENA_BLOCK_BYTES = 1 << 16
};

// On the shared page. The child writes, the parent reads; after the child is gone it is final.
typedef struct door_shared {
    mm_capture_note note;
    mm_capture_result result;
    uint64_t file_bytes;
    mm_locate_report report;
    mm_error located;  ///< why the heap could not be located; its message is a constant of both
    int32_t finished;  ///< the walker came back, and `status` is its answer
    int32_t status;
    int32_t sys_errno;
} door_shared;

// How one try with a child ended.
typedef enum door_outcome {
    DOOR_FINISHED,  ///< the walker answered: `status` in the shared page
    DOOR_FAILED,    ///< *err says why; do not try again
    DOOR_CRASHED,   ///< try again, with the type that is named as opaque
    DOOR_REFUSED    ///< no child could be made; *err says why
} door_outcome;

void door_heap_forget(door_heap *heap) {
    mm_os_pages_deinit(&heap->pages);
}

// The spare slots of the target's list of opaque types are zero.
static void opaque_write(mm_target *target, const door_opaque *opaque) {
    uint64_t *slots = (uint64_t *)(void *)((uint8_t *)target + target->opaque.offset);
    uint32_t slot = 0;
    MM_ASSERT(opaque->count <= DOOR_OPAQUE_MAX);
    MM_ASSERT(target->magic == MM_TARGET_MAGIC);
    for (uint32_t i = 0; i < opaque->count; i++) {
        while (slot < target->opaque.count && slots[slot] != 0) {
            slot++;
        }
        if (slot < target->opaque.count) {
            slots[slot] = opaque->types[i];
        }
    }
}

mm_status door_heap_locate(const door_opaque *opaque, uint64_t caller_thread, door_heap *ret,
                           mm_error *err) {
    mm_os_pages_init(&ret->pages);
    mm_arena_init(&ret->arena, mm_os_pages_view(&ret->pages), ARENA_BLOCK_BYTES);
    memset(&ret->report, 0, sizeof ret->report);
    mm_locate_options options = {.traverse = true, .caller_thread = caller_thread};
    mm_reader reader;
    mm_status status = mm_reader_self(&ret->arena, &reader, err);
    if (status == MM_OK) {
        status = mm_locate(&reader, &options, &ret->arena, &ret->target, &ret->report, err);
    }
    if (status != MM_OK) {
        door_heap_forget(ret);
        return status;
    }
    opaque_write(ret->target, opaque);
    return MM_OK;
}

static mm_capture_options capture_options(const door_request *request, const char *door,
                                          const door_heap *heap, int32_t pid, uint32_t retries) {
    mm_capture_options options = {
        .door = door,
        .pid = (uint64_t)pid,
        .keys = request->keys,
        .census = request->census,
        .warning = heap->report.warning[0] != '\0' ? heap->report.warning : NULL,
        .retries = retries,
        .metas = request->metas,
        .meta_count = request->meta_count,
    };
    return options;
}

// Who asked, by numbers that a child cannot find out.
typedef struct door_caller {
    uint64_t thread;
    int32_t pid;
} door_caller;

// All that a child does. It must not return: the caller's stack belongs to another process.
static _Noreturn void walk_in_child(const door_request *request, const door_opaque *opaque,
                                    volatile door_shared *shared, const door_caller *caller,
                                    uint32_t retries) {
    mm_os_process_settle_in_child(request->fd, caller->pid);
    door_heap heap;
    mm_error err = {MM_OK, NULL, 0, 0};
    if (door_heap_locate(opaque, caller->thread, &heap, &err) != MM_OK) {
        shared->located = err;
        shared->finished = 1;
        mm_os_process_exit_in_child(0);
    }
    shared->report = heap.report;
    mm_os_sink sink;
    mm_os_sink_init(&sink, request->fd);
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_capture_options options = capture_options(request, "fork", &heap, caller->pid, retries);
    options.note = &shared->note;
    mm_capture_result result = {0};
    mm_status status = mm_capture(heap.target, mm_os_pages_view(&pages), mm_os_sink_view(&sink),
                                  &options, &result);
    shared->result = result;
    shared->file_bytes = sink.written_bytes;
    shared->status = status;
    shared->sys_errno = sink.sys_errno;
    shared->finished = 1;
    mm_os_process_exit_in_child(0);
}

// What the parent watches while it waits.
typedef struct door_watch {
    uint64_t type;
    uint64_t progress;
    uint64_t since_ns;
} door_watch;

// Has the child stood still for too long? One call into foreign code has little time, everything
// else more: a disk may be slow.
static bool watch_is_over(door_watch *watch, const volatile door_shared *shared,
                          uint64_t patience_ns) {
    uint64_t now_ns = mm_os_now_ns();
    MM_ASSERT(patience_ns > 0);
    MM_ASSERT(watch->since_ns <= now_ns);
    uint64_t type = shared->note.type;
    uint64_t progress = shared->note.progress;
    if (watch->since_ns == 0 || type != watch->type || progress != watch->progress) {
        watch->type = type;
        watch->progress = progress;
        watch->since_ns = now_ns;
        return false;
    }
    uint64_t limit_ns = type != 0 ? patience_ns : patience_ns * PATIENCE_FACTOR;
    return now_ns - watch->since_ns > limit_ns;
}

// What a child that did not finish means.
static door_outcome child_judge(const mm_os_exit *ended, bool hung,
                                const volatile door_shared *shared, mm_error *err) {
    if (shared->finished != 0) {
        return DOOR_FINISHED;
    }
    if (hung && shared->note.type == 0) {
        mm_fail(err, MM_E_TARGET, "the child that was to write it made no progress", 0);
        return DOOR_FAILED;
    }
    if (!hung && ended->signal == SIGKILL) {
        mm_fail(err, MM_E_NOMEM,
                "the child that was to write it was killed, most likely because memory ran out", 0);
        return DOOR_FAILED;
    }
    return DOOR_CRASHED;
}

// Wait for the child with the lock released. A signal handler that raises ends the child.
static door_outcome child_wait(const door_request *request, mm_os_process *process,
                               const volatile door_shared *shared, mm_error *err) {
    door_watch watch = {0, 0, 0};
    mm_os_exit ended = {false, 0, 0};
    bool gone = false;
    bool hung = false;
    MM_ASSERT(process->pid > 0);
    while (!gone) {
        PyThreadState *released = request->still ? NULL : PyEval_SaveThread();
        gone = mm_os_process_reap(process, WAIT_SLICE_MS, &ended);
        if (!gone && watch_is_over(&watch, shared, request->patience_ns)) {
            mm_os_process_end(process, &ended);
            gone = true;
            hung = true;
        }
        if (released != NULL) {
            PyEval_RestoreThread(released);
        }
        // May run any Python code; nothing of ours is visible to it.
        if (!request->still && PyErr_CheckSignals() != 0) {
            if (!gone) {
                mm_os_process_end(process, &ended);
            }
            mm_fail(err, MM_E_INTERRUPTED, "interrupted", 0);
            return DOOR_FAILED;
        }
    }
    return child_judge(&ended, hung, shared, err);
}

// One child, from the clone to its end.
static door_outcome try_in_child(const door_request *request, const door_opaque *opaque,
                                 uint32_t retries, volatile door_shared *shared, door_taken *taken,
                                 mm_error *err) {
    memset((void *)shared, 0, sizeof *shared);
    if (mm_os_file_restart(request->fd, err) != MM_OK) {
        return DOOR_FAILED;
    }
    uint64_t begin_ns = mm_os_now_ns();
    door_caller caller = {mm_os_thread_id(), mm_os_process_id()};
    mm_os_process process;
    mm_status status = mm_os_process_clone(&process, err);
    if (status == MM_OK && process.pid == 0) {
        walk_in_child(request, opaque, shared, &caller, retries);
    }
    taken->pause_ns = mm_os_now_ns() - begin_ns;
    if (status != MM_OK) {
        return DOOR_REFUSED;
    }
    if (request->kill_child) {
        mm_os_exit ended = {false, 0, 0};
        mm_os_process_end(&process, &ended);
        return child_judge(&ended, false, shared, err);
    }
    return child_wait(request, &process, shared, err);
}

// The walker answers with a status only; these are its words.
static mm_status walker_fail(mm_status status, int sys_errno, mm_error *err) {
    switch (status) {
        case MM_OK:
            return MM_OK;
        case MM_E_BUSY:
            return mm_fail(err, status, "the heap is inside a garbage collection", 0);
        case MM_E_NOMEM:
            return mm_fail(err, status, "the walker ran out of memory", 0);
        case MM_E_IO:
            return mm_fail_io(err, "cannot write", sys_errno);
        case MM_E_LIMIT:
            return mm_fail(err, status, "the heap has more objects than can be counted", 0);
        case MM_E_TARGET:
            return mm_fail(err, status, "the heap contradicts itself", 0);
        default:
            return mm_fail(err, status, "the walker gave up", 0);
    }
}

static void taken_fill(door_taken *taken, const char *door, const mm_capture_result *result,
                       uint64_t file_bytes) {
    MM_ASSERT(file_bytes % 8 == 0);
    taken->door = door;
    taken->object_count = result->object_count;
    taken->reference_count = result->reference_count;
    taken->unreadable_count = result->unreadable_count;
    taken->memory_bytes = result->memory_bytes;
    taken->file_bytes = file_bytes;
}

// The walk with the lock held. Nothing of Python's own is called, and all memory is given back.
static mm_status take_in_process(const door_request *request, const door_opaque *opaque,
                                 uint32_t retries, door_taken *taken, mm_error *err) {
    MM_TRY(mm_os_file_restart(request->fd, err));
    uint64_t begin_ns = mm_os_now_ns();
    door_heap heap;
    MM_TRY(door_heap_locate(opaque, mm_os_thread_id(), &heap, err));
    mm_os_sink sink;
    mm_os_sink_init(&sink, request->fd);
    mm_os_pages pages;
    mm_os_pages_init(&pages);
    mm_capture_options options =
        capture_options(request, "in process", &heap, mm_os_process_id(), retries);
    mm_capture_result result = {0};
    mm_os_sink_guard guard;
    mm_os_sink_guard_begin(&guard);
    mm_status status = mm_capture(heap.target, mm_os_pages_view(&pages), mm_os_sink_view(&sink),
                                  &options, &result);
    mm_os_sink_guard_end(&guard);
    mm_os_pages_deinit(&pages);
    memcpy(taken->warning, heap.report.warning, sizeof taken->warning);
    door_heap_forget(&heap);
    taken->pause_ns = mm_os_now_ns() - begin_ns;
    MM_TRY(walker_fail(status, sink.sys_errno, err));
    taken_fill(taken, "in process", &result, sink.written_bytes);
    return MM_OK;
}

// Learn from a crash. False when there is nothing to learn any more.
static bool opaque_learn(door_opaque *opaque, uint64_t type) {
    if (type == 0) {
        // Memory that was unmapped between looking at the map and the clone: the next look is
        // right.
        opaque->without_type_count++;
        return opaque->without_type_count <= RETRIES_WITHOUT_TYPE_MAX;
    }
    MM_ASSERT(opaque->count <= DOOR_OPAQUE_MAX);
    if (opaque->count == DOOR_OPAQUE_MAX) {
        return false;
    }
    opaque->types[opaque->count++] = type;
    return true;
}

static mm_status take_in_children(const door_request *request, volatile door_shared *shared,
                                  door_taken *taken, mm_error *err) {
    door_opaque opaque = {{0}, 0, 0};
    for (uint32_t retries = 0; retries <= RETRIES_MAX; retries++) {
        taken->retry_count = retries;
        switch (try_in_child(request, &opaque, retries, shared, taken, err)) {
            case DOOR_FINISHED: {
                if (shared->located.code != MM_OK) {
                    *err = shared->located;
                    return err->code;
                }
                mm_locate_report report = shared->report;
                memcpy(taken->warning, report.warning, sizeof taken->warning);
                MM_TRY(walker_fail((mm_status)shared->status, shared->sys_errno, err));
                mm_capture_result result = shared->result;
                taken_fill(taken, "fork", &result, shared->file_bytes);
                return MM_OK;
            }
            case DOOR_FAILED:
                MM_ASSERT(err->code != MM_OK);
                return err->code;
            case DOOR_REFUSED:
                MM_ASSERT(err->code != MM_OK);
                (void)snprintf(taken->fallback, sizeof taken->fallback, "%s: %s", err->message,
                               strerror(err->sys_errno));
                return take_in_process(request, &opaque, retries, taken, err);
            case DOOR_CRASHED:
                if (!opaque_learn(&opaque, shared->note.type)) {
                    retries = RETRIES_MAX;
                }
                break;
        }
    }
    return mm_fail(err, MM_E_TARGET, "every child that was to write it crashed", 0);
}

mm_status door_take(const door_request *request, door_taken *ret, mm_error *err) {
    MM_ASSERT(request->fd >= 0);
    MM_ASSERT(!PyErr_Occurred());
    memset(ret, 0, sizeof *ret);
    uint64_t begin_ns = mm_os_now_ns();
    mm_status status;
    if (request->in_process) {
        door_opaque none = {{0}, 0, 0};
        status = take_in_process(request, &none, 0, ret, err);
    } else {
        door_shared *shared = mm_os_shared_map();
        if (shared == NULL) {
            return mm_fail(err, MM_E_NOMEM, "no memory for a page to share with the child", 0);
        }
        status = take_in_children(request, shared, ret, err);
        mm_os_shared_unmap(shared);
    }
    ret->duration_ns = mm_os_now_ns() - begin_ns;
    return status;
}

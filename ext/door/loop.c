// The runner of `mortmain loop`. It calls a step again and again and takes snapshots in between, in
// a process of its own: who reads them does so elsewhere, so that nothing grows but what the step
// makes grow. What the runner itself needs between two snapshots are C variables; it keeps no list,
// no number and no string of Python's, and its numbers are taken outside of the step.
//
//     call 1 | warm up | S0 | k, S1 | .. | k, S5 | long run of n | S6 | 1.4 k, S7 | 1.6 k, S8
//            | rounds without a snapshot, for memory that no object explains
//            | collector off, k steps, S9 with what waits for it
//            | where something grows and a parent asks: k steps that are traced, and a snapshot
//
// The collector runs twice before each of S0..S8: what it frees does not grow. k and n follow the
// time of a step, and what it adds to memory: a step that adds a megabyte is not called a thousand
// times. Each file says in META which phase it ends and how often the step had been called.
//
// Which objects the last round is about only the parent knows, once it has read the files. So it
// asks for that round, and from its snapshot until the parent has named the objects and their lines
// are looked up the lock is kept: an address still means what it did.
//
// What is swept at intervals into which the early rounds fit almost evenly, once or many times, is
// met a little fuller after each of them. So the late rounds have other lengths, which together are
// three early ones: where one of the two meets it fuller by a part of an interval, the other meets
// it emptier by that part.
//
// The long run of a fast step goes past what most caches keep and most batches have, so that what
// is full by then, or was written out, is seen to be. All calls together stay below 100,000: there
// a program that numbers its texts gives each a character more, and a full cache grows for as long
// as it has old ones.
//
// General note on reentrancy: everything here runs Python code. No state is kept but on the stack
// of door_loop(). A step that forks and comes back from the child's side as well ends there.
#include "loop.h"

#include <inttypes.h>
#include <marshal.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os/file.h"
#include "base/os/process.h"
#include "measure.h"
#include "sites.h"
#include "step.h"
#include "take.h"
#include "talk.h"

enum {
    WARM_STEPS = 20,
    WARM_STEPS_LEAST = 5,
    ROUNDS = 5,
    ROUNDS_SLOW = 3,
    ROUNDS_LATE = 2,
    ROUNDS_NATIVE = 8,
    STEPS_LEAST = 10,
    STEPS_MOST = 1000,
    STEPS_SLOW = 5,
    STEPS_SLOWEST = 3,
    STEPS_GARBAGE_MOST = 100,
    STEPS_NATIVE_MOST = 2000,
    STEPS_NATIVE_LEAST = 3,
    LONG_STEPS_MOST = 70000,
    LONG_STEPS_SLOW = 30,
    LONG_STEPS_SLOWEST = 10,
    LONG_BLOCKS_MOST = 250000,
    THREADS_MOST = 1600,
    SHARE_ROUND = 30,  // of the calls that are possible: 10 rounds, one long run, 8 for memory
    SHARE_LONG = 3,
    SHARE_NATIVE = 40,
    SITES_MOST = 1 << 24,
    FRAMES = 24,
    FRAMES_SLOW = 6,
    FRAMES_SLOWEST = 1,
    METAS_MAX = 16,
    VALUE_BYTES = 72,
    PATH_BYTES = 4096,
    LINE_BYTES = 1000,
    STATUS_COULD_NOT = 2
};

static const uint64_t SECOND_NS = 1000000000;
static const uint64_t WARM_NS = 2000000000;
static const uint64_t ROUND_NS = 300000000;
static const uint64_t NATIVE_NS = 250000000;
static const uint64_t LONG_NS = 2000000000;
static const uint64_t SITES_NS = 1000000000;
static const uint64_t SLOW_NS = 20000000;
static const uint64_t SLOWEST_NS = 1000000000;
static const uint64_t ROUND_BYTES_MOST = 32 << 20;
static const uint64_t LONG_BYTES_MOST = 256 << 20;
// Of an early round's steps: the golden ratio's, nearly no multiple of which is a whole number.
static const uint64_t late_permille[ROUNDS_LATE] = {1382, 1618};

const char door_loop_doc[] =
    "loop($module, kind, target, name, path0, folder, talk='', /)\n--\n\n"
    "Call a step in rounds and write a snapshot after each into a folder, then end the process.\n\n"
    "Kind 'file': function `name` of the file `target`; 'module': of a module; 'code': the\n"
    "statement `target`, after `name` was run once. If it cannot be done, a file `error` in the\n"
    "folder says why in one line, and the status is 2. `talk` names two descriptors, as in '5,6',\n"
    "by which a parent asks for rounds that tell where objects are made.";

typedef struct door_loop_run {
    door_step step;
    const char *folder;  // borrowed from the arguments
    pid_t pid;
    uint64_t begin_ns;
    uint64_t steps;        // calls so far
    uint64_t round_begin;  // of them, before what a file's `round_steps` counts
    uint64_t step_ns;      // of one call, measured last
    uint64_t step_bytes;   // that one call adds to memory
    uint64_t steps_most;   // calls that are still possible before files or threads run out
    uint32_t file_count;
    uint64_t round_steps;  // of each round
    door_talk talk;
    uint32_t native_count;
    char native[ROUNDS_NATIVE][VALUE_BYTES];  // META values, kept until the last file
} door_loop_run;

// What is left in the buffers of stdout, and what the program registered for its end: then the
// process goes, without waiting for threads, which a step may have left for ever.
static _Noreturn void loop_end(int status) {
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *done = atexit == NULL ? NULL : PyObject_CallMethod(atexit, "_run_exitfuncs", NULL);
    PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(atexit);
    static const char *const streams[] = {"stdout", "stderr"};
    for (size_t i = 0; i < 2; i++) {
        PyObject *stream = PySys_GetObject(streams[i]); /* borrowed */
        if (stream != NULL && stream != Py_None) {
            Py_XDECREF(PyObject_CallMethod(stream, "flush", NULL));
            PyErr_Clear();
        }
    }
    (void)fflush(NULL);
    _exit(status);
}

// The line for the parent. No line of its own in it.
static void loop_tell(const door_loop_run *run, const char *line) {
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/error", run->folder);
    FILE *out = length < 0 || (size_t)length >= sizeof path ? NULL : fopen(path, "wx");
    if (out == NULL) {
        return;
    }
    for (const char *at = line; *at != '\0'; at++) {
        (void)fputc((unsigned char)*at < ' ' ? ' ' : *at, out);
    }
    (void)fputc('\n', out);
    (void)fclose(out);
}

// "shop.py:12, in f": where an exception was raised. Runs no Python code.
static void place_describe(PyObject *traceback, char *ret, size_t room) {
    PyObject *at = Py_XNewRef(traceback);
    ret[0] = '\0';
    while (at != NULL && at != Py_None) {
        PyObject *next = PyObject_GetAttrString(at, "tb_next");
        PyObject *frame = PyObject_GetAttrString(at, "tb_frame");
        PyObject *line = PyObject_GetAttrString(at, "tb_lineno");
        PyObject *code = frame == NULL ? NULL : PyObject_GetAttrString(frame, "f_code");
        PyObject *file = code == NULL ? NULL : PyObject_GetAttrString(code, "co_filename");
        PyObject *name = code == NULL ? NULL : PyObject_GetAttrString(code, "co_name");
        const char *path = file == NULL ? NULL : PyUnicode_AsUTF8(file);
        const char *function = name == NULL ? NULL : PyUnicode_AsUTF8(name);
        // What imports a file says nothing to whoever wrote the file.
        bool frozen = path != NULL && strncmp(path, "<frozen ", 8) == 0;
        if (path != NULL && !frozen && function != NULL && line != NULL) {
            const char *slash = strrchr(path, '/');
            (void)snprintf(ret, room, " (%s:%ld, in %s)", slash != NULL ? slash + 1 : path,
                           PyLong_AsLong(line), function);
        }
        PyErr_Clear();
        Py_XDECREF(name);
        Py_XDECREF(file);
        Py_XDECREF(code);
        Py_XDECREF(line);
        Py_XDECREF(frame);
        Py_SETREF(at, next);
    }
    PyErr_Clear();
    Py_XDECREF(at);
}

// As any program ends by an interrupt that nobody caught.
static _Noreturn void loop_die(void) {
    PyErr_Clear();
    (void)signal(SIGINT, SIG_DFL);
    (void)kill(getpid(), SIGINT);
    loop_end(STATUS_COULD_NOT);
}

// Tell of the exception that is set, behind `before`, and end.
static _Noreturn void loop_fail(const door_loop_run *run, const char *before, bool reason_alone) {
    PyObject *type = NULL;
    PyObject *value = NULL;
    PyObject *traceback = NULL;
    char place[LINE_BYTES / 4];
    char line[LINE_BYTES];
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        loop_die();
    }
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    place_describe(traceback, place, sizeof place);
    PyObject *text = value == NULL ? NULL : PyObject_Str(value);
    const char *words = text == NULL ? NULL : PyUnicode_AsUTF8(text); /* borrowed */
    const char *name = value == NULL ? "an exception" : Py_TYPE(value)->tp_name;
    bool says = words != NULL && words[0] != '\0';
    bool ours = type == PyExc_AttributeError || type == PyExc_TypeError;
    if (reason_alone && ours && traceback == NULL && says) {
        (void)snprintf(line, sizeof line, "%.600s", words);
    } else {
        (void)snprintf(line, sizeof line, "%s%s%s%.600s%s", before, name, says ? ": " : "",
                       says ? words : "", place);
    }
    loop_tell(run, line);
    PyErr_Clear();
    loop_end(STATUS_COULD_NOT);
}

// Call it so often, or until the time is over if that is later than `least` calls; 0 = no limit.
static void steps_run_within(door_loop_run *run, uint64_t count, uint64_t least,
                             uint64_t limit_ns) {
    uint64_t begin_ns = mm_os_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        if (limit_ns > 0 && i >= least && mm_os_now_ns() - begin_ns > limit_ns) {
            count = i;
            break;
        }
        bool done = door_step_call(&run->step);
        if (getpid() != run->pid) {
            // A child of the step that came back: it has nothing more to do.
            _exit(0);
        }
        run->steps++;
        if (!done) {
            char before[LINE_BYTES / 4];
            (void)snprintf(before, sizeof before, "call %" PRIu64 " of the step raised ",
                           run->steps);
            loop_fail(run, before, false);
        }
    }
    if (count >= STEPS_SLOWEST) {
        run->step_ns = (mm_os_now_ns() - begin_ns) / count;
    }
}

static void steps_run(door_loop_run *run, uint64_t count) {
    steps_run_within(run, count, count, 0);
}

// What a finalizer brings back once is gone after the second time. Also where the program has
// switched the collector off.
static void collect(unsigned times) {
    int was_on = PyGC_Enable();
    for (unsigned i = 0; i < times; i++) {
        (void)PyGC_Collect();
    }
    if (was_on == 0) {
        (void)PyGC_Disable();
    }
}

// META of one file, and the bytes that it points to.
typedef struct loop_metas {
    mm_capture_meta metas[METAS_MAX];
    uint32_t count;
    char values[METAS_MAX][VALUE_BYTES];
} loop_metas;

// A number that could not be had is not written.
static void meta_put(loop_metas *metas, const char *key, uint64_t value) {
    if (value == 0 && strcmp(key, "steps") != 0 && strcmp(key, "round_steps") != 0) {
        return;
    }
    char *text = metas->values[metas->count];
    (void)snprintf(text, VALUE_BYTES, "%" PRIu64, value);
    metas->metas[metas->count++] = (mm_capture_meta){key, text};
}

static void metas_fill(const door_loop_run *run, const char *phase, const door_numbers *numbers,
                       loop_metas *ret) {
    ret->count = 0;
    ret->metas[ret->count++] = (mm_capture_meta){"phase", phase};
    meta_put(ret, "steps", run->steps);
    meta_put(ret, "round_steps", run->steps - run->round_begin);
    meta_put(ret, "rss_bytes", numbers->rss_bytes);
    meta_put(ret, "malloc_bytes", numbers->malloc_bytes);
    meta_put(ret, "block_count", numbers->block_count);
    meta_put(ret, "nanoseconds", numbers->nanoseconds);
    for (uint32_t i = 0; i < run->native_count && ret->count < METAS_MAX; i++) {
        ret->metas[ret->count++] = (mm_capture_meta){"native_round", run->native[i]};
    }
}

// Write a file; with `still` nothing else runs from its beginning to its end, and behind it.
static mm_status snapshot_make(const door_loop_run *run, const char *path, const char *phase,
                               bool still, door_numbers *ret, mm_error *err) {
    mm_os_file file;
    loop_metas metas;
    *ret = door_measure(run->begin_ns);
    metas_fill(run, phase, ret, &metas);
    mm_status status = mm_os_file_create(path, false, &file, err);
    if (status == MM_OK) {
        door_request request = {.fd = file.fd,
                                .census = !still,
                                .still = still,
                                .metas = metas.metas,
                                .meta_count = metas.count,
                                .patience_ns = 10 * SECOND_NS};
        door_taken taken;
        status = door_take(&request, &taken, err);
        if (status == MM_OK) {
            status = mm_os_file_commit(&file, err);
        } else {
            mm_os_file_abandon(&file);
        }
    }
    return status;
}

// Write the next file. Ends the process when that cannot be done.
static door_numbers snapshot_write(door_loop_run *run, const char *phase) {
    char path[PATH_BYTES];
    mm_error err = {MM_OK, NULL, 0, 0};
    door_numbers numbers;
    (void)snprintf(path, sizeof path, "%s/%02u.mort", run->folder, (unsigned)run->file_count);
    if (snapshot_make(run, path, phase, false, &numbers, &err) == MM_OK) {
        run->file_count++;
        run->round_begin = run->steps;
        return numbers;
    }
    if (PyErr_Occurred()) {
        loop_fail(run, "while a snapshot was taken: ", false);
    }
    char line[LINE_BYTES];
    (void)snprintf(line, sizeof line, "cannot take a snapshot: %s%s%s", err.message,
                   err.sys_errno != 0 ? ": " : "",
                   err.sys_errno != 0 ? strerror(err.sys_errno) : "");
    loop_tell(run, line);
    loop_end(STATUS_COULD_NOT);
}

// Some steps, what the collector frees of them, and a snapshot.
static door_numbers round_run(door_loop_run *run, uint64_t steps, const char *phase) {
    steps_run(run, steps);
    collect(2);
    return snapshot_write(run, phase);
}

static uint64_t at_most(uint64_t value, uint64_t most) {
    return value < most ? value : most;
}

static uint64_t at_least(uint64_t value, uint64_t least) {
    return value > least ? value : least;
}

// How much a number grew with each step; 0 if it did not.
static uint64_t slope(uint64_t before, uint64_t after, uint64_t steps) {
    return after <= before || steps == 0 ? 0 : (after - before) / steps;
}

// How many steps fit into some nanoseconds, some bytes, and a share of what is scarce.
static uint64_t steps_within(const door_loop_run *run, uint64_t time_ns, uint64_t bytes,
                             uint64_t share) {
    uint64_t steps = at_most(time_ns / at_least(run->step_ns, 1), run->steps_most / share);
    return run->step_bytes == 0 ? steps : at_most(steps, bytes / run->step_bytes);
}

// Calls until something is three fifths used up. One that comes less often than every other call
// is let be.
static uint64_t steps_until(uint64_t before, uint64_t after, uint64_t most, uint64_t steps) {
    uint64_t rest = most / 5 * 3 > after ? most / 5 * 3 - after : 0;
    return after <= before || (after - before) * 2 < steps ? UINT64_MAX
                                                           : rest * steps / (after - before);
}

// The first call makes what is made once. The next ones tell how long a step takes, and what it
// uses up.
static void warm_up(door_loop_run *run) {
    steps_run(run, 1);
    uint64_t rss_bytes = door_measure_rss();
    uint64_t first = run->steps;
    door_scarce before = door_measure_scarce();
    steps_run_within(run, WARM_STEPS, WARM_STEPS_LEAST, WARM_NS);
    door_scarce after = door_measure_scarce();
    uint64_t count = run->steps - first;
    run->step_bytes = slope(rss_bytes, door_measure_rss(), count);
    run->steps_most = at_most(steps_until(before.files, after.files, after.files_most, count),
                              steps_until(before.threads, after.threads, THREADS_MOST, count));
}

typedef struct loop_plan {
    uint32_t rounds;
    uint64_t round_steps;
} loop_plan;

static loop_plan plan_rounds(const door_loop_run *run) {
    uint64_t steps = steps_within(run, ROUND_NS, ROUND_BYTES_MOST, SHARE_ROUND);
    if (run->step_ns > SLOW_NS) {
        uint64_t slow = run->step_ns > SLOWEST_NS ? STEPS_SLOWEST : STEPS_SLOW;
        return (loop_plan){ROUNDS_SLOW, slow};
    }
    uint64_t least = run->steps_most < UINT64_MAX ? STEPS_SLOWEST : STEPS_LEAST;
    return (loop_plan){ROUNDS, at_least(at_most(steps, STEPS_MOST), least)};
}

static uint64_t plan_long(const door_loop_run *run, const loop_plan *plan,
                          const door_numbers *first, const door_numbers *last) {
    uint64_t steps = (plan->rounds - 1) * plan->round_steps;
    uint64_t blocks =
        last->block_count > first->block_count ? last->block_count - first->block_count : 0;
    if (run->step_ns > SLOW_NS) {
        return run->step_ns > SLOWEST_NS ? LONG_STEPS_SLOWEST : LONG_STEPS_SLOW;
    }
    uint64_t count = steps_within(run, LONG_NS, LONG_BYTES_MOST, SHARE_LONG);
    if (blocks > 0) {
        count = at_most(count, LONG_BLOCKS_MOST * steps / blocks);
    }
    return at_least(at_most(count, LONG_STEPS_MOST), plan->round_steps);
}

// Rounds that take nothing from the process: what memory is in use after each is a META of the
// last file.
static void native_run(door_loop_run *run, uint64_t long_steps) {
    uint64_t steps = steps_within(run, NATIVE_NS, ROUND_BYTES_MOST, SHARE_NATIVE);
    // No more in all than the long run had: that minded how much is added to the heap.
    steps = at_most(steps, long_steps / ROUNDS_NATIVE);
    steps = at_least(at_most(steps, STEPS_NATIVE_MOST), STEPS_NATIVE_LEAST);
    for (uint32_t i = 0; i < ROUNDS_NATIVE; i++) {
        steps_run(run, steps);
        collect(1);
        (void)snprintf(run->native[run->native_count++], VALUE_BYTES,
                       "%" PRIu64 " %" PRIu64 " %" PRIu64, steps, door_measure_malloc(),
                       door_measure_rss());
    }
}

static void garbage_run(door_loop_run *run, uint64_t steps) {
    int was_on = PyGC_Disable();
    run->round_begin = run->steps;
    steps_run(run, at_most(steps, STEPS_GARBAGE_MOST));
    (void)snapshot_write(run, "garbage");
    if (was_on != 0) {
        (void)PyGC_Enable();
    }
}

// The recipe. Whatever goes wrong on the way ends the process.
static void loop_run(door_loop_run *run) {
    warm_up(run);
    loop_plan plan = plan_rounds(run);
    (void)round_run(run, 0, "early");
    door_numbers first = round_run(run, plan.round_steps, "early");
    door_numbers last = first;
    for (uint32_t i = 1; i < plan.rounds; i++) {
        last = round_run(run, plan.round_steps, "early");
    }
    run->step_bytes = slope(first.rss_bytes, last.rss_bytes, (plan.rounds - 1) * plan.round_steps);
    uint64_t long_steps = plan_long(run, &plan, &first, &last);
    steps_run_within(run, long_steps, plan.round_steps, 2 * LONG_NS);
    (void)round_run(run, 0, "late");
    for (uint32_t i = 0; i < ROUNDS_LATE; i++) {
        (void)round_run(run, plan.round_steps * late_permille[i] / 1000, "late");
    }
    native_run(run, long_steps);
    garbage_run(run, plan.round_steps);
    run->round_steps = plan.round_steps;
}

// The lines that made the objects that the parent names in its question, for it to read. False when
// it is gone. No exception is left.
static bool sites_answer(const door_loop_run *run, door_sites *sites) {
    uint64_t count = 0;
    uint64_t *question = NULL;
    if (!door_talk_read(&run->talk, &count, sizeof count, true) || count > SITES_MOST) {
        return false;
    }
    question = PyMem_RawMalloc((size_t)(count + 1) * sizeof *question);
    bool there = question != NULL &&
                 door_talk_read(&run->talk, question, (size_t)count * sizeof *question, true);
    PyObject *found = there ? door_sites_find(sites, question, count) : NULL;
    door_sites_end(sites);
    PyMem_RawFree(question);
    PyObject *bytes =
        found == NULL ? NULL : PyMarshal_WriteObjectToString(found, Py_MARSHAL_VERSION);
    PyErr_Clear();
    uint64_t size = bytes == NULL ? 0 : (uint64_t)PyBytes_GET_SIZE(bytes);
    there = there && door_talk_write(&run->talk, &size, sizeof size) &&
            (bytes == NULL || door_talk_write(&run->talk, PyBytes_AS_STRING(bytes), (size_t)size));
    Py_XDECREF(bytes);
    Py_XDECREF(found);
    return there;
}

// One more round, in which lines are noted that make objects: of what is held, or of what waits
// for the collector. False when the parent is gone.
static bool sites_run(door_loop_run *run, bool waiting) {
    char path[PATH_BYTES];
    mm_error err = {MM_OK, NULL, 0, 0};
    door_numbers numbers;
    door_sites sites;
    // What the collector leaves of free lists is nothing.
    collect(2);
    int was_on = waiting ? PyGC_Disable() : PyGC_IsEnabled();
    int frames = run->step_ns > SLOWEST_NS ? FRAMES_SLOWEST
                 : run->step_ns > SLOW_NS  ? FRAMES_SLOW
                                           : FRAMES;
    door_sites_begin(frames, &sites);
    run->round_begin = run->steps;
    uint64_t most = waiting ? STEPS_GARBAGE_MOST : STEPS_MOST;
    steps_run_within(run, at_most(run->round_steps, most), 1, SITES_NS);
    if (!waiting) {
        collect(2);
        (void)PyGC_Disable();
    }
    door_sites_close(&sites);
    (void)snprintf(path, sizeof path, "%s/round", run->folder);
    bool made = snapshot_make(run, path, "sites", true, &numbers, &err) == MM_OK;
    bool there = door_talk_write(&run->talk, made ? "s" : "n", 1);
    there = there && (!made || sites_answer(run, &sites));
    door_sites_end(&sites);
    if (was_on != 0) {
        (void)PyGC_Enable();
    }
    return there;
}

// What a parent asks for when it has read the files: 'h' and 'w' are rounds, all else is the end.
static void talk_run(door_loop_run *run) {
    bool there = true;
    while (there) {
        char word = 'e';
        there = door_talk_write(&run->talk, "r", 1) &&
                door_talk_read(&run->talk, &word, 1, false) && (word == 'h' || word == 'w');
        if (PyErr_Occurred()) {
            loop_fail(run, "while it waited: ", false);
        }
        there = there && sites_run(run, word == 'w');
    }
}

// A `__main__` of its own for the step, without a name of the bootstrap's, and what it finds in
// sys.
static int loop_names_fill(const char *kind, PyObject *target, PyObject *path0) {
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    PyObject *module = PyModule_New("__main__");
    PyObject *first = strcmp(kind, "code") == 0 ? PyUnicode_FromString("-c") : Py_NewRef(target);
    PyObject *argv = first == NULL ? NULL : PyList_New(1);
    int result = -1;
    if (module != NULL && argv != NULL && path != NULL && PyList_Check(path)) {
        PyObject *names = PyModule_GetDict(module); /* borrowed */
        PyList_SET_ITEM(argv, 0, Py_NewRef(first));
        bool done = PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0 &&
                    PyMapping_SetItemString(PyImport_GetModuleDict(), "__main__", module) == 0 &&
                    PySys_SetObject("argv", argv) == 0 &&
                    PyList_SetItem(path, 0, Py_NewRef(path0)) == 0;
        result = done ? 0 : -1;
    }
    Py_XDECREF(argv);
    Py_XDECREF(first);
    Py_XDECREF(module);
    return result;
}

PyObject *door_loop(PyObject *module, PyObject *args) {
    (void)module;
    const char *kind = NULL; /* borrowed, as all of these */
    PyObject *target = NULL;
    PyObject *name = NULL;
    PyObject *path0 = NULL;
    PyObject *folder = NULL;  // bytes; never given back: the process ends here
    const char *talk = "";    /* borrowed */
    door_loop_run run = {.pid = getpid(), .begin_ns = mm_os_now_ns()};
    if (!PyArg_ParseTuple(args, "sUUUO&|s:loop", &kind, &target, &name, &path0,
                          PyUnicode_FSConverter, &folder, &talk)) {
        return NULL;
    }
    run.folder = PyBytes_AS_STRING(folder);
    door_talk_open(talk, &run.talk);
    // Nobody called us, for whoever asks in the step.
    PyThreadState *thread = PyThreadState_Get();
    MM_CURRENT_FRAME(thread) = NULL;
    MM_RECURSION_LEFT(thread) += MM_RECURSION_OF_CALLER;
    if (loop_names_fill(kind, target, path0) < 0) {
        loop_fail(&run, "cannot begin: ", false);
    }
    if (!door_step_load(kind, target, name, &run.step)) {
        loop_fail(&run, "it cannot be loaded: ", true);
    }
    loop_run(&run);
    talk_run(&run);
    door_step_clear(&run.step);
    loop_end(0);
}

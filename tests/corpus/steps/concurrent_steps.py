"""Ordinary steps with threads, tasks, queues, pools."""

import asyncio
import atexit
import concurrent.futures
import contextvars
import itertools
import multiprocessing.pool
import queue
import sched
import threading
import time
from collections import deque
from contextlib import asynccontextmanager, suppress

numbers = itertools.count()
pool = concurrent.futures.ThreadPoolExecutor(2)
atexit.register(pool.shutdown)
lock = threading.RLock()
shared = queue.Queue(20)
local = threading.local()
current = contextvars.ContextVar("current")
recent = deque(maxlen=30)


def thread_once():
    thread = threading.Thread(target=len, args=("x",))
    thread.start()
    thread.join()


def thread_local_data():
    local.value = next(numbers)
    return local.value


def thread_local_per_thread():
    thread = threading.Thread(target=thread_local_data)
    thread.start()
    thread.join()


def thread_event():
    event = threading.Event()
    thread = threading.Thread(target=event.set)
    thread.start()
    event.wait()
    thread.join()


def thread_condition():
    with threading.Condition() as condition:
        return condition


def thread_timer_cancelled():
    timer = threading.Timer(100, len)
    timer.start()
    timer.cancel()
    timer.join()


def thread_barrier():
    return threading.Barrier(1).wait()


def thread_names():
    return [t.name for t in threading.enumerate()]


def thread_semaphore():
    with threading.BoundedSemaphore(2):
        return 1


def lock_use():
    with lock, lock:
        return next(numbers)


def pool_submit():
    return pool.submit(pow, 2, 10).result()


def pool_map():
    return list(pool.map(str, range(5)))


def pool_error():
    with suppress(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result()


def pool_local():
    with concurrent.futures.ThreadPoolExecutor(1) as own:
        return own.submit(len, "x").result()


def pool_as_completed():
    return {
        f.result()
        for f in concurrent.futures.as_completed([pool.submit(abs, -i) for i in range(3)])
    }


def pool_threads():
    with multiprocessing.pool.ThreadPool(1) as own:
        return own.map(abs, [-1])


def queue_turn():
    shared.put(next(numbers))
    return shared.get()


def queue_full():
    if shared.full():
        shared.get()
    shared.put(next(numbers))


def queue_priority():
    q = queue.PriorityQueue()
    q.put((2, "b"))
    q.put((1, "a"))
    return q.get()


def queue_simple():
    q = queue.SimpleQueue()
    q.put(1)
    return q.get()


def scheduler():
    s = sched.scheduler(time.monotonic, lambda _: None)
    s.enter(0, 1, len, ("x",))
    s.run(blocking=False)


def ring():
    recent.append({"n": next(numbers)})


async def task_sleep():
    await asyncio.sleep(0)


async def task_gather():
    return await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))


async def task_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))


async def task_create():
    task = asyncio.create_task(asyncio.sleep(0))
    return await task


async def task_cancel():
    task = asyncio.create_task(asyncio.sleep(100))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def task_timeout():
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(1)


async def task_wait_for():
    return await asyncio.wait_for(asyncio.sleep(0, "x"), 10)


async def task_queue():
    q = asyncio.Queue()
    await q.put(1)
    return await q.get()


async def task_lock():
    async with asyncio.Lock():
        return 1


async def task_event():
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    await event.wait()


async def task_semaphore():
    async with asyncio.Semaphore(2):
        await asyncio.sleep(0)


async def task_thread():
    return await asyncio.to_thread(len, "x")


async def task_future():
    future = asyncio.get_running_loop().create_future()
    future.set_result(1)
    return await future


async def task_shield():
    return await asyncio.shield(asyncio.sleep(0, 1))


async def task_context():
    current.set(next(numbers))
    return await asyncio.create_task(asyncio.sleep(0, current.get()))


async def task_generator():
    async def numbers_of():
        for i in range(3):
            yield i

    return [i async for i in numbers_of()]


async def task_generator_unfinished():
    async def numbers_of():
        for i in range(3):
            yield i

    async for i in numbers_of():
        return i


async def task_manager():
    @asynccontextmanager
    async def manage():
        yield 1

    async with manage() as value:
        return value


async def task_later_cancelled():
    asyncio.get_running_loop().call_later(1000, len, "x").cancel()


async def task_error():
    async def bad():
        raise ValueError

    with suppress(ValueError):
        await asyncio.create_task(bad())


async def task_wait_first():
    tasks = [asyncio.create_task(asyncio.sleep(i * 0)) for i in range(3)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*pending)
    return len(done)


async def task_streams():
    reader = asyncio.StreamReader()
    reader.feed_data(b"line\n")
    reader.feed_eof()
    return await reader.readline()


def loop_own():
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.sleep(0, 1))
    finally:
        loop.close()


def loop_run():
    return asyncio.run(asyncio.sleep(0, 1))


def loop_runner():
    with asyncio.Runner() as runner:
        return runner.run(asyncio.sleep(0, 1))


def coroutine_closed():
    coroutine = asyncio.sleep(0)
    coroutine.close()

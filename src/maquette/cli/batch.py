"""Several photos at a time, and what became of them in their order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
Tell = Callable[[str], None]


@contextmanager
def at_once(
    work: Callable[[Job, Tell], Result], jobs: Sequence[Job], count: int
) -> Iterator[list[Callable[[Tell], Result]]]:
    """Do jobs on threads, ``count`` at a time, or, where that is 1, each in the caller's thread when it is asked for.

    Threads suffice: the networks, zlib, Pillow and much of numpy and scipy let go of the interpreter's lock.

    Args:
        work: Does one job. It must tell the name of each step, as that begins, to the function that it gets.
        jobs: In the order in which they are begun. What they hold in memory is that of ``count`` jobs.
        count: How many at a time.

    Yields:
        For each job a function that waits for its end, and returns what ``work`` returned or raises what it raised;
        until then it passes the job's steps on to the function that it is given. When the caller leaves the block,
        jobs that have not begun are dropped, and those under way are stopped at their next step and waited for.
    """
    if count == 1:
        yield [partial(work, job) for job in jobs]
        return
    stop = threading.Event()
    pool = ThreadPoolExecutor(count)
    try:
        yield [_Running(pool, partial(work, job), stop).result for job in jobs]
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _Stopped(BaseException):
    """Ends a job that nobody waits for any more."""


class _Running(Generic[Result]):
    def __init__(self, pool: ThreadPoolExecutor, work: Callable[[Tell], Result], stop: threading.Event) -> None:
        self._stop = stop
        self._tell: Tell | None = None
        self._future = pool.submit(work, self._step)

    def _step(self, step: str) -> None:
        if self._stop.is_set():
            raise _Stopped
        if self._tell is not None:
            self._tell(step)

    def result(self, tell: Tell) -> Result:
        self._tell = tell
        return self._future.result()

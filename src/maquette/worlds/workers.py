"""Many hands that make scenes at once, and hand them over in order."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from maquette.errors import MaquetteError
from maquette.worlds.encode import Files

ONE_THREAD = dict.fromkeys(
    (
        "LP_NUM_THREADS",
        "NUMBA_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
"""Environment of a worker that has one core: Mesa's rasteriser, numba and the linear algebra libraries read it."""

QUEUED = 2
"""Scenes that a worker has at once: one that it makes, and one that waits, so that it never does."""

AHEAD = 4
"""Most scenes, for each worker, that are handed out and not yet taken: a slow scene does not fill the memory."""


class Job(Protocol):
    """What a worker does; it is pickled to get there."""

    @property
    def threads(self) -> dict[str, str]:
        """Environment variables to start the worker with."""

    def open(self) -> AbstractContextManager[Callable[[int], Files]]:
        """Prepare what is kept from scene to scene, and give a function of a scene's number."""


class Team(Protocol):
    """Workers by number."""

    size: int

    def submit(self, worker: int, number: int) -> None:
        """Hand a scene to a worker."""

    def finished(self) -> list[tuple[int, int, Files]]:
        """Wait for scenes to be made; give (worker, number, files) of each."""


def in_order(team: Team, numbers: Iterable[int]) -> Iterator[tuple[int, Files]]:
    """Make scenes with a team.

    Args:
        team: Its workers have nothing to do yet.
        numbers: Which scenes, asked for one at a time.

    Yields:
        Number and files of each, in that order.
    """
    left = iter(numbers)
    queued = [0] * team.size
    out: deque[int] = deque()
    made: dict[int, Files] = {}
    while True:
        for worker in sorted(range(team.size), key=queued.__getitem__) * QUEUED:
            if queued[worker] < QUEUED and len(out) < AHEAD * team.size:
                number = next(left, None)
                if number is None:
                    break
                team.submit(worker, number)
                queued[worker] += 1
                out.append(number)
        if not out:
            return
        for worker, number, files in team.finished():
            queued[worker] -= 1
            made[number] = files
        while out and out[0] in made:
            number = out.popleft()
            yield number, made.pop(number)


class LocalTeam:
    """Processes of this machine. They end with this one, however it ends."""

    def __init__(self, job: Job, size: int) -> None:
        """Start so many processes for a job."""
        self.size = size
        context = multiprocessing.get_context("spawn")  # a forked process cannot use OpenGL
        self._pipes: list[Connection[Any, Any]] = []
        self._processes = []
        with _environment(job.threads), _deaf_to_interrupts():
            for _ in range(size):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, job), daemon=True)
                process.start()
                theirs.close()
                self._pipes.append(ours)
                self._processes.append(process)

    def __enter__(self) -> LocalTeam:
        """Nothing more to do."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the processes; after an error without waiting for what they are at."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            if error[0] is not None:
                process.terminate()
            pipe.close()
        for process in self._processes:
            process.join()

    def submit(self, worker: int, number: int) -> None:
        """Hand a scene to a worker."""
        with contextlib.suppress(OSError):  # it has died, which `finished` tells
            self._pipes[worker].send(number)

    def finished(self) -> list[tuple[int, int, Files]]:
        """Wait for scenes to be made; give (worker, number, files) of each.

        Raises:
            MaquetteError: A scene could not be made, or a worker has died.
        """
        return [(self._pipes.index(pipe), *self._received(pipe)) for pipe in wait(self._pipes)]  # type: ignore[arg-type]

    def _received(self, pipe: Connection[Any, Any]) -> tuple[int, Files]:
        try:
            number, outcome = pipe.recv()
        except (EOFError, OSError) as error:
            process = self._processes[self._pipes.index(pipe)]
            process.join()
            raise worker_died(_how(process.exitcode or 0)) from error
        if isinstance(outcome, Exception):
            raise outcome
        return number, outcome


def worker_died(how: str) -> MaquetteError:
    """The error to raise where a worker ends before its time."""
    return MaquetteError(
        f"a worker process ended ({how}); what is finished is kept: run the same again to go on, with fewer workers "
        "where memory is short"
    )


def _how(exit_code: int) -> str:
    return f"exit status {exit_code}" if exit_code >= 0 else f"by signal {signal.Signals(-exit_code).name}"


def _work(pipe: Connection[Any, Any], job: Job) -> None:
    """Make scenes until the other end of the pipe closes, be it that its process was killed."""
    number = 0
    try:
        with job.open() as make:
            while True:
                try:
                    number = pipe.recv()
                except (EOFError, OSError):
                    return
                _send(pipe, (number, make(number)))
    except Exception as error:
        _send(pipe, (number, portable(error, number)))


def _send(pipe: Connection[Any, Any], message: tuple[int, Files | Exception]) -> None:
    with contextlib.suppress(OSError):  # nobody is there to take it, as `recv` will tell
        pipe.send(message)


def portable(error: Exception, number: int) -> Exception:
    """An error of a worker as another process may have it: of a type that is known there, with its traceback noted."""
    if isinstance(error, MaquetteError):
        return MaquetteError(str(error))
    sent = RuntimeError(f"scene {number}: {type(error).__name__}: {error}")
    sent.add_note(traceback.format_exc())
    return sent


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Let Ctrl-C pass by the processes that are started meanwhile: it is this process that ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

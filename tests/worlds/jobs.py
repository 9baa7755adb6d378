"""Work for teams of workers that needs no renderer."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from maquette.errors import MaquetteError
from maquette.worlds.encode import Files


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; some of them are trouble.

    Attributes:
        slow: This one takes a while.
        lethal: This one kills its worker.
        bad: This one fails by the user's fault.
        buggy: This one fails by ours.
        threads: Environment of the workers.
    """

    slow: int | None = None
    lethal: int | None = None
    bad: int | None = None
    buggy: int | None = None
    threads: dict[str, str] = field(default_factory=lambda: {"LP_NUM_THREADS": "1"})

    @contextmanager
    def open(self) -> Iterator[Callable[[int], Files]]:
        yield self.make

    def make(self, number: int) -> Files:
        if number == self.slow:
            time.sleep(0.5)
        if number == self.lethal:
            os.kill(os.getpid(), signal.SIGKILL)
        if number == self.bad:
            raise MaquetteError("the chair is broken; mend it")
        if number == self.buggy:
            raise ZeroDivisionError("oh")
        return {
            "double": str(number * 2).encode(),
            "pid": str(os.getpid()).encode(),
            "threads": os.environ.get("LP_NUM_THREADS", "").encode(),
        }

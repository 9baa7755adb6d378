"""Teams of processes: order, bounded look-ahead, and every way to die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maquette.errors import MaquetteError
from maquette.worlds.workers import AHEAD, LocalTeam, in_order
from tests.worlds.jobs import Doubling


@pytest.mark.parametrize("size", [1, 3])
def test_scenes_come_in_order_each_once_from_workers_with_one_thread(size: int) -> None:
    numbers = [*range(5, 20), 31, 32]
    with LocalTeam(Doubling(slow=7), size) as team:
        made = list(in_order(team, numbers))
    assert [number for number, _ in made] == numbers
    assert all(int(files["double"]) == 2 * number for number, files in made)
    assert len({files["pid"] for _, files in made}) == size
    assert {files["threads"] for _, files in made} == {b"1"}
    assert "LP_NUM_THREADS" not in os.environ
    assert not multiprocessing.active_children()


def test_no_more_is_asked_for_than_is_taken_soon() -> None:
    asked: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(40):
            asked.append(number)
            yield number

    with LocalTeam(Doubling(slow=0), 2) as team:
        for taken, _ in enumerate(in_order(team, numbers())):
            assert len(asked) <= taken + 1 + AHEAD * team.size


def test_nothing_to_do_is_done_at_once() -> None:
    with LocalTeam(Doubling(), 1) as team:
        assert list(in_order(team, [])) == []


def test_a_worker_that_dies_is_one_clear_error() -> None:
    with pytest.raises(MaquetteError, match=r"SIGKILL.*run the same again"), LocalTeam(Doubling(lethal=3), 2) as team:
        list(in_order(team, range(9)))
    assert not multiprocessing.active_children()


def test_what_the_user_did_wrong_arrives_as_it_was_said() -> None:
    with pytest.raises(MaquetteError, match=r"^the chair is broken; mend it$"), LocalTeam(Doubling(bad=2), 1) as team:
        list(in_order(team, range(9)))


def test_a_bug_arrives_with_its_number_and_its_traceback() -> None:
    with (
        pytest.raises(RuntimeError, match="scene 2: ZeroDivisionError: oh") as caught,
        LocalTeam(Doubling(buggy=2), 1) as team,
    ):
        list(in_order(team, range(9)))
    assert "in make" in "".join(caught.value.__notes__)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(number: signal.Signals, tmp_path: Path) -> None:
    code = """
import itertools, sys
from maquette.worlds.workers import LocalTeam, in_order
from tests.worlds.jobs import Doubling
if __name__ == "__main__":
    with LocalTeam(Doubling(), 2) as team:
        for number, files in in_order(team, itertools.count()):
            if number < 9:
                print(int(files["pid"]), flush=True)
"""
    script = tmp_path / "endless.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout is not None and parent.stderr is not None
        try:
            workers = {int(parent.stdout.readline()) for _ in range(9)}
            parent.send_signal(number)
            parent.wait(10)
        finally:
            parent.kill()
        deadline = time.monotonic() + 10
        while any(map(_lives, workers)) and time.monotonic() < deadline:
            time.sleep(0.02)
        said = parent.stderr.read()
    assert not any(map(_lives, workers))
    if number == signal.SIGINT:
        assert said.count("Traceback") == 1, said


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

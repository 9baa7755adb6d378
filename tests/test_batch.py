"""Several photos at a time: the same bytes, reports in order, and a clean end whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maquette.cli import main
from maquette.cli.batch import at_once
from maquette.cli.finished import CONTENTS
from tests.test_cli import digest, draw

PHOTOS = Path(__file__).resolve().parents[1] / ".." / "shared" / "photos"

Tell = Callable[[str], None]


def quiet(step: str) -> None:
    pass


@pytest.mark.parametrize("count", [1, 3])
def test_results_come_in_the_order_of_the_jobs_and_errors_in_their_places(count: int) -> None:
    def work(job: int, tell: Tell) -> int:
        time.sleep(0.02 * (job % 3 == 0))
        if job == 4:
            raise ValueError("four")
        return job**2

    with at_once(work, range(7), count) as results:
        for job, result in enumerate(results):
            if job == 4:
                with pytest.raises(ValueError, match="four"):
                    result(quiet)
            else:
                assert result(quiet) == job**2


def test_no_more_jobs_at_a_time_than_asked_for() -> None:
    lock, now, most = threading.Lock(), [0], [0]
    together = threading.Barrier(3, timeout=10)

    def work(job: int, tell: Tell) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait()
        with lock:
            now[0] -= 1

    with at_once(work, range(9), 3) as results:
        for result in results:
            result(quiet)
    assert most[0] == 3


def test_the_steps_of_the_job_that_is_waited_for_are_told() -> None:
    told: list[str] = []
    waited_for = threading.Event()

    def work(job: int, tell: Tell) -> None:
        waited_for.wait(10)
        tell(f"{job} begins")

    def hear(step: str) -> None:
        told.append(step)

    with at_once(work, range(2), 2) as results:
        threading.Timer(0.05, waited_for.set).start()
        results[0](hear)
    assert told == ["0 begins"]


def test_leaving_stops_what_runs_at_its_next_step_and_begins_nothing_more() -> None:
    begun, ended = [], []
    first = threading.Event()

    def work(job: int, tell: Tell) -> None:
        begun.append(job)
        first.set()
        try:
            while True:
                tell("again")
                time.sleep(0.001)
        finally:
            ended.append(job)

    with pytest.raises(KeyboardInterrupt), at_once(work, range(50), 2):
        first.wait(10)
        raise KeyboardInterrupt
    assert len(begun) <= 2 and sorted(begun) == sorted(ended)


def test_reports_come_in_order_and_the_bytes_are_those_of_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    draw(Path("in/a.png"), size=(240, 160))  # the first is the last to be ready
    (tmp_path / "in" / "b.png").write_bytes(b"not a picture")
    for hue, name in enumerate("cd"):
        draw(Path(f"in/{name}.png"), hue=20 * hue)
    said = {}
    for jobs in "13":
        assert main(["diorama", "in", "-o", jobs, "--jobs", jobs]) == 2
        captured = capsys.readouterr()
        lines = [line for line in captured.out.splitlines() if " -> " in line]
        assert [line.partition(" -> ")[0] for line in lines] == [f"in/{name}.png" for name in "acd"]
        assert captured.out.splitlines()[-1] == "3 made, 1 failed"
        said[jobs] = captured.err
    assert said["1"] == said["3"] and said["1"].count("\n") == 1 and "in/b.png" in said["1"]
    assert digest(tmp_path / "1") == digest(tmp_path / "3") and len(digest(tmp_path / "1")) > 30


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="../shared/photos is not there")
def test_real_photos_give_the_bytes_of_one_by_one(tmp_path: Path) -> None:
    photos = [str(path) for path in sorted(PHOTOS.glob("*.jpg"))[::14]]
    for jobs in "13":
        assert main(["diorama", *photos, "-o", str(tmp_path / jobs), "--jobs", jobs, "--quiet"]) == 0
    one_by_one = digest(tmp_path / "1")
    assert len({Path(name).parts[0] for name in one_by_one}) == len(photos)
    assert digest(tmp_path / "3") == one_by_one


def test_ctrl_c_leaves_whole_scenes_alone_and_a_second_run_makes_the_rest(tmp_path: Path) -> None:
    for hue in range(5):
        draw(tmp_path / "in" / f"{hue}.png", hue=hue)
    command = [sys.executable, "-m", "maquette", "diorama", "in", "-o", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("in/0.png -> out/0: ")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (130, -signal.SIGINT)
    assert errors.splitlines() == ["maquette: interrupted; nothing half-written is left"]
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert "0" in made and made < {str(hue) for hue in range(5)}
    assert all({path.name for path in (tmp_path / "out" / name).iterdir()} == CONTENTS for name in made)
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    assert again.stdout.splitlines()[-1] == f"{len(made)} skipped, {5 - len(made)} made"

"""Whole data sets: the same bytes however they are made, and nothing lost when a run is stopped."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from maquette.errors import MaquetteError
from maquette.worlds.options import Layout, TruthOptions, WorldOptions
from maquette.worlds.plan import Plan, index_of, write_index
from maquette.worlds.run import Generated, generate, read
from maquette.worlds.shards import ShardReader
from tests.worlds.same import same

pytest.importorskip("moderngl")

OPTIONS = WorldOptions(counts="table=2", width=48, height=40)
FLAGS = ("--counts", "table=2", "--width", "48", "--height", "40")
SCENES, SHARD = 7, 3


def make(
    out: Path,
    *,
    workers: int = 2,
    layout: Layout = "shards",
    beside: bool = False,
    options: WorldOptions = OPTIONS,
    scenes: int = SCENES,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Generated:
    return generate(
        options,
        TruthOptions(),
        out,
        scenes=scenes,
        seed=seed,
        workers=workers,
        layout=layout,
        shard=SHARD,
        beside=beside,
        progress=progress,
    )


def digest(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    assert make(out) == Generated(SCENES, SCENES)
    return out


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    for path in made.iterdir():
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / path.name).write_bytes(path.read_bytes())
    return tmp_path / "out"


def test_one_worker_writes_the_same_bytes_as_two(made: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    make(tmp_path / "one", workers=1, progress=lambda done, total: told.append((done, total)))
    assert digest(tmp_path / "one") == digest(made)
    assert told == [(done, SCENES) for done in range(SCENES + 1)]


def test_scenes_are_all_there_and_all_different(made: Path) -> None:
    records = list(read(made))
    assert [record.name for record in records] == [f"studio-0-{number:06d}" for number in range(SCENES)]
    assert len({record.pictures.tobytes() for record in records}) == SCENES
    assert {record.pictures.shape for record in records} == {(3, 40, 48, 3)}
    assert all(record.occupancy is not None and record.occupancy.shape == (80, 96, 64) for record in records)


def test_a_finished_data_set_is_left_as_it_is(copy: Path) -> None:
    before = digest(copy)
    times = {path: path.stat().st_mtime_ns for path in copy.glob("*.tar")}
    assert make(copy) == Generated(SCENES, 0)
    assert digest(copy) == before
    assert {path: path.stat().st_mtime_ns for path in copy.glob("*.tar")} == times


def test_what_is_missing_is_made_and_nothing_else(copy: Path, made: Path) -> None:
    (copy / "worlds-000001.tar").unlink()
    (copy / ".shard.part").write_bytes(b"left by a killed run")
    (copy / "notes.txt").write_text("mine")
    kept = (copy / "worlds-000000.tar").stat().st_mtime_ns
    assert make(copy, workers=1) == Generated(SCENES, SHARD)
    assert (copy / "worlds-000000.tar").stat().st_mtime_ns == kept
    assert (copy / "notes.txt").read_text() == "mine"
    (copy / "notes.txt").unlink()
    assert digest(copy) == digest(made)


@pytest.mark.slow
def test_folders_hold_the_same_scenes_and_resume(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, layout="folders", beside=True)
    before = digest(out)
    assert all(same(a, b) for a, b in zip(read(out), read(made), strict=True))
    assert len(read(out)) == SCENES
    (out / "000004").rename(tmp_path / "aside")
    assert make(out, layout="folders", beside=True, workers=1) == Generated(SCENES, 1)
    assert digest(out) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "begun with seed 0, not 1"),
        ({"scenes": 8}, "begun with scenes 7, not 8"),
        ({"layout": "folders"}, "begun with"),
        ({"options": WorldOptions(counts="table=1", width=48, height=40)}, "counts 'table=2', not 'table=1'"),
    ],
)
def test_another_plan_in_the_same_folder_is_one_error(change: dict[str, object], said: str, copy: Path) -> None:
    before = digest(copy)
    with pytest.raises(MaquetteError, match=said):
        make(copy, **change)  # type: ignore[arg-type]
    assert digest(copy) == before


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(MaquetteError, match="holds files but no data set"):
        make(tmp_path)
    assert digest(tmp_path).keys() == {"thesis.txt"}
    (tmp_path / "index.json").write_text('{"format": "book"}')
    with pytest.raises(MaquetteError, match="not of maquette"):
        make(tmp_path)
    with pytest.raises(MaquetteError, match="cannot be written"):
        make(tmp_path / "thesis.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_two_runs_at_once_are_one_error(copy: Path) -> None:
    import fcntl

    folder = os.open(copy, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(MaquetteError, match="another run is writing there"):
        make(copy)
    os.close(folder)
    make(copy)


@pytest.mark.parametrize(
    "change",
    [
        {"scenes": 0},
        {"seed": -1},
        {"workers": 0},
        {"options": WorldOptions(width=0)},
        {"options": WorldOptions(height=10**6)},
    ],
)
def test_numbers_that_mean_nothing_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(MaquetteError, match=r"^--\w+ must be"):
        make(tmp_path / "out", **change)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_scene_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".scene.part").mkdir()
    (tmp_path / ".scene.part" / "0.png").write_bytes(b"the first half")
    with pytest.raises(MaquetteError, match="nor folders with pictures"):
        read(tmp_path)


def test_options_that_cannot_work_do_not_stay_in_the_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(MaquetteError, match="tabel") as caught:
        make(out, options=WorldOptions(counts="tabel=2"), workers=1)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def own_meshes(folder: Path) -> Path:
    import trimesh

    folder.mkdir()
    (folder / "classes.json").write_text('{"table": ["table*.obj"]}')
    for number in range(3):
        trimesh.creation.box((1, 0.7, 0.8 + number / 9)).export(folder / f"table{number}.obj")
    return folder


def test_a_broken_mesh_is_one_line(tmp_path: Path) -> None:
    meshes, out = own_meshes(tmp_path / "meshes"), tmp_path / "out"
    options = replace(OPTIONS, assets=str(meshes), only_assets=True)
    (meshes / "table1.obj").write_text("not a mesh")
    with pytest.raises(MaquetteError, match=r"table1\.obj") as caught:
        make(out, options=options, workers=1, scenes=1)
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_other_meshes_are_another_plan(tmp_path: Path) -> None:
    meshes, out = own_meshes(tmp_path / "meshes"), tmp_path / "out"
    plan = Plan(replace(OPTIONS, assets=str(meshes)), TruthOptions(), 0, SCENES, "shards", SHARD, False)
    write_index(out, index_of(plan))
    (meshes / "table2.obj").write_text((meshes / "table0.obj").read_text())
    with pytest.raises(MaquetteError, match="begun with contents of --assets"):
        make(out, options=plan.options)


def command(out: Path, *words: str) -> list[str]:
    plan = ["--scenes", str(SCENES), "--shard", str(SHARD), "--workers", "2", *FLAGS]
    return [sys.executable, "-m", "maquette", "worlds", "generate", "-o", str(out), *plan, *words]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("layout", ["shards", "folders"])
@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_killed_at_random_moments_it_ends_with_the_same_data_set(layout: str, victim: str, tmp_path: Path) -> None:
    words = ("--layout", layout, *(("--truth",) if layout == "folders" else ()))
    subprocess.run(command(tmp_path / "whole", *words), check=True, capture_output=True)
    out, chance, kills = tmp_path / "out", random.Random(1), 0
    while kills < 30:
        before = finished(out)
        run = subprocess.Popen(command(out, *words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while run.poll() is None and not (kills < 2 and workers_of(run.pid)) and finished(out) == before:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        workers = workers_of(run.pid)
        for pid in [run.pid] if victim == "parent" else workers[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, said = run.communicate(timeout=60)
        if run.returncode == 0:
            break
        kills += 1
        if victim == "worker":
            (line,) = said.splitlines()
            assert line.startswith("maquette: error: a worker process ended (by signal SIGKILL)")
        wait_for_the_end_of(workers)
        for record in read(out) if (out / "index.json").exists() else ():
            assert record.pictures.shape == (3, 40, 48, 3)
    assert run.returncode == 0, said
    assert kills >= 2
    assert digest(out) == digest(tmp_path / "whole")


def finished(out: Path) -> set[str]:
    return {path.name for path in out.glob("*") if path.suffix == ".tar" or path.is_dir()}


def workers_of(pid: int) -> list[int]:
    return [child for child in children(pid) if "spawn_main" in spoken(child)]


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def spoken(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_for_the_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + 15
    while any(spoken(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes")
@pytest.mark.parametrize("layout", ["shards", "folders"])
def test_a_full_disk_is_one_line_and_what_was_finished_stays(layout: Layout, made: Path, tmp_path: Path) -> None:
    """A limit of the size of files stands in for the disk: the first shard fits, the second one does not."""
    out = tmp_path / "out"
    words = ("--layout", layout)
    assert subprocess.run(command(out, *words), capture_output=True, check=True).returncode == 0
    before = digest(out)
    files = [path for path in out.rglob("*") if path.is_file() and path.suffix in (".tar", ".npy", ".png")]
    victim = next(path for path in files if path.name in ("worlds-000001.tar", "classes.npy"))
    limit = victim.stat().st_size - 1
    for path in files if layout == "folders" else [victim]:
        path.unlink()
    if layout == "folders":
        for folder in out.iterdir():
            if folder.is_dir():
                folder.rmdir()
    full = subprocess.run(
        command(out, *words),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        check=False,
    )
    assert full.returncode == 2
    (line,) = full.stderr.splitlines()
    assert "cannot be written (file too large)" in line
    assert not list(out.glob(".*"))
    assert all(digest(out)[name] == before[name] for name in digest(out))
    if layout == "shards":
        data = read(out)
        assert isinstance(data, ShardReader)
        assert [record.name for record in data][:3] == [record.name for record in read(made)][:3]
    subprocess.run(command(out, *words), capture_output=True, check=True)
    assert digest(out) == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_an_interrupt_is_clean(tmp_path: Path) -> None:
    out = tmp_path / "out"
    many = [*command(out)[:-6], *FLAGS, "--scenes", "500"]
    run = subprocess.Popen(many, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    while not (out / "worlds-000000.tar").exists():
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    said, errors = run.communicate(timeout=20)
    assert run.returncode == 130
    assert errors == "maquette: interrupted; nothing half-written is left\n" and not said
    assert not list(out.glob(".*"))
    assert len(read(out)) >= SHARD


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(MaquetteError, match="no Ray cluster answers"):
            generate(OPTIONS, TruthOptions(), tmp_path / "out", scenes=1, engine="ray")


@pytest.fixture
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of two machines, with one core each."""
    code = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
cluster.add_node(num_cpus=1)
cluster.wait_for_nodes()
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for line in process.stdout:
            if ":" in line:
                yield line.strip()
                break
        process.stdin.close()


@pytest.mark.slow
def test_a_ray_cluster_writes_the_same_bytes(cluster: str, made: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    environment = {**os.environ, "RAY_ADDRESS": cluster}
    words = [*command(tmp_path / "out", "--engine", "ray"), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["made"] == SCENES
    assert digest(tmp_path / "out") == digest(made)

"""Data sets of many worlds: planned, made by many workers, and resumed where they stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from maquette.errors import MaquetteError
from maquette.export.atomic import failure, shown
from maquette.worlds.encode import Files, encode
from maquette.worlds.folders import FolderReader, FolderWriter, paper_files
from maquette.worlds.options import Engine, Layout, TruthOptions, WorldOptions
from maquette.worlds.plan import INDEX, Plan, check_same, index_of, plan_of, read_index, write_index
from maquette.worlds.record import SceneRecord
from maquette.worlds.render import Renderer
from maquette.worlds.shards import ShardReader, ShardWriter
from maquette.worlds.types import World
from maquette.worlds.workers import ONE_THREAD, LocalTeam, Team, in_order

if sys.platform != "win32":
    import fcntl


@dataclass(frozen=True)
class Generated:
    """What a run has done.

    Attributes:
        scenes: Scenes in the data set.
        made: Those that were made now, rather than found there.
    """

    scenes: int
    made: int


def produce(options: WorldOptions, truth: TruthOptions, seed: int, number: int, renderer: Renderer) -> SceneRecord:
    """Make one scene of a data set, with all that is known of it.

    Args:
        options: What the world looks like.
        truth: What is written of it.
        seed: Of the data set.
        number: Of the scene.
        renderer: Draws it.
    """
    from maquette.worlds.generate import make_world

    return record_of(make_world(options, seed, number), truth, renderer)


def record_of(world: World, truth: TruthOptions, renderer: Renderer) -> SceneRecord:
    """Draw a world and write down what is known of it."""
    from maquette.worlds.truth import make_record

    return make_record(world, renderer.render(world, amodal=truth.amodal), truth)


def generate(
    options: WorldOptions,
    truth: TruthOptions,
    out: Path,
    *,
    scenes: int,
    seed: int = 0,
    workers: int | None = None,
    layout: Layout = "shards",
    engine: Engine = "local",
    shard: int = 250,
    beside: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Generated:
    """Make a data set, or what is missing of one.

    The same plan (all arguments but ``out``, ``workers``, ``engine`` and ``progress``) gives the same bytes. A run that
    was stopped, in whatever way, goes on when it is started again. Memory does not grow with the number of scenes.
    A script that calls this does so under ``if __name__ == "__main__":``, as its worker processes import it.

    Args:
        options: What the worlds look like.
        truth: What is written of each.
        out: Folder of the data set; one that is new or empty, or that holds a part of this very data set.
        scenes: How many.
        seed: Another seed gives other worlds.
        workers: Processes; None takes one a core, and a single one for ``blender``, which uses all cores itself.
        layout: ``shards`` (tar files, WebDataset) or ``folders`` (as the Everted U-Net paper).
        engine: ``local`` processes, or actors of a ``ray`` cluster: that at ``RAY_ADDRESS``, else one of this machine.
        shard: Scenes in a shard.
        beside: With ``folders``: all other truth, too.
        progress: Called with the number of scenes that are there and that there will be.

    Returns:
        What has been done.

    Raises:
        MaquetteError: An option is wrong, the folder holds something else, it cannot be written, or a worker has died.
            What was finished before stays, and is valid.
    """
    if layout == "folders" and not beside:
        truth = replace(truth, amodal=False, volume="none", shapes=False)  # none of it is kept
    plan = Plan(options, truth, seed, scenes, layout, shard, beside)
    plan.check()
    if workers is not None and workers < 1:
        raise MaquetteError(f"--workers must be 1 or more, not {workers}")
    index = index_of(plan)
    with _claimed(out):
        begun = _begun(out)
        if begun:
            check_same(read_index(out), index, out)
        writer = ShardWriter(out, plan) if layout == "shards" else FolderWriter(out, plan)
        todo = sum(1 for _ in writer.missing())
        progress(scenes - todo, scenes)
        try:
            if todo:
                with _team(_Job(plan), workers, todo, engine) as team:
                    for done, (number, files) in enumerate(in_order(team, writer.missing()), start=scenes - todo + 1):
                        if not begun:  # not before, lest options that cannot work stay in the way of those that do
                            write_index(out, index)
                            begun = True
                        writer.add(number, files)
                        progress(done, scenes)
        finally:
            writer.close()
        write_index(out, {**index, "complete": True, **writer.finish()})
    return Generated(scenes, todo)


def read(path: Path) -> ShardReader | FolderReader:
    """Open a data set of either layout: iterate over its records, or take one by its number.

    Args:
        path: Its folder. One without ``index.json`` is read as the paper's layout.

    Raises:
        MaquetteError: It is none, or it is damaged.
    """
    if (path / INDEX).exists():
        plan = plan_of(read_index(path))
        return ShardReader(path, plan) if plan.layout == "shards" else FolderReader(path)
    if not path.is_dir():
        raise MaquetteError(f"{shown(path)}: no such folder; name that of a data set")
    found = FolderReader(path)
    if not len(found):
        raise MaquetteError(f"{shown(path)}: holds neither {INDEX} nor folders with pictures; name that of a data set")
    return found


@dataclass(frozen=True)
class _Job:
    """Makes the files of scenes; see ``workers.Job``."""

    plan: Plan

    @property
    def threads(self) -> dict[str, str]:
        """One thread a worker, but for Blender."""
        return ONE_THREAD if self.plan.truth.renderer == "gl" else {}

    @contextmanager
    def open(self) -> Iterator[Callable[[int], Files]]:
        """Keep one renderer from scene to scene."""
        from maquette.worlds.render import make_renderer

        plan = self.plan
        with make_renderer(plan.truth.renderer, plan.truth.samples) as renderer:

            def make(number: int) -> Files:
                record = produce(plan.options, plan.truth, plan.seed, number, renderer)
                return encode(record) if plan.layout == "shards" else paper_files(record, beside=plan.beside)

            yield make


def _team(job: _Job, workers: int | None, most: int, engine: Engine) -> AbstractContextManager[Team]:
    alone = 1 if job.plan.truth.renderer == "blender" else None
    if engine == "ray":
        from maquette.worlds.cluster import RayTeam

        return RayTeam(job, workers or alone, most)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return LocalTeam(job, min(workers or alone or cores, most))


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Make a folder and keep other runs from writing there meanwhile; one that stays empty goes away again."""
    new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        folder = None if sys.platform == "win32" else os.open(out, os.O_RDONLY)
    except OSError as error:
        raise failure(out, error) from error
    try:
        if folder is not None:
            _lock(folder, out)
        yield
    finally:
        if folder is not None:
            os.close(folder)
        if new:
            with suppress(OSError):  # something is in it
                out.rmdir()


def _lock(folder: int, out: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise MaquetteError(
            f"{shown(out)}: another run is writing there; wait for it, or name another folder"
        ) from error
    except OSError:
        pass  # a file system without locks


def _begun(out: Path) -> bool:
    """Whether a data set was begun in a folder.

    Raises:
        MaquetteError: It holds something else.
    """
    try:
        names = {entry.name for entry in out.iterdir()}
    except OSError as error:
        raise failure(out, error) from error
    if INDEX not in names and any(not name.startswith(".") for name in names):
        raise MaquetteError(f"{shown(out)}: holds files but no data set, so it is left alone; name another folder")
    return INDEX in names

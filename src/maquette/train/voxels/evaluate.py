"""What a voxel network is worth on rendered studio scenes, whose every cell is known.

A network is measured with all views of a scene and with fewer. Which those are goes by the scene's number: scene ``s``
is seen by cameras ``s``, ``s + 1`` and so on, modulo their number, so that each of them counts as often as the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from maquette.errors import MaquetteError
from maquette.metrics.segmentation import PanopticQuality, add_qualities, panoptic_averages, panoptic_quality
from maquette.metrics.voxels import THRESHOLDS, Overlaps, best_threshold, curve, joined, mean_over_classes
from maquette.models.entry import read_entry
from maquette.models.types import Model, VoxelKind
from maquette.voxels.instances import separate
from maquette.voxels.network import View, predict
from maquette.voxels.rig import fit
from maquette.voxels.types import CLASSES, Prediction, VoxelGrid
from maquette.worlds.record import Grid, SceneRecord
from maquette.worlds.types import OrientedBox

Predict = Callable[[SceneRecord, Sequence[int]], Prediction]
"""What a network makes of some of a scene's views, which are named by their numbers."""

VIEWS = (1, 2, 3)

_NO_SCENE = "the data set has no scene to measure on; make some with `maquette worlds generate --kind studio`"


@dataclass(frozen=True)
class Thresholds:
    """From which probability a cell counts.

    Attributes:
        occupancy: As taken by anything.
        classes: As part of a class.
    """

    occupancy: float
    classes: float


@dataclass(frozen=True, eq=False)
class Seen:
    """How a network's prediction agrees with the truth of one or more scenes.

    Attributes:
        occupancy: Of one channel.
        classes: Of six.
        objects: Matches of whole objects at an IoU above 0.5, by position in ``CLASSES``; a class that is neither there
            nor found is missing.
    """

    occupancy: Overlaps
    classes: Overlaps
    objects: Mapping[int, PanopticQuality]


def exported(path: Path, kind: VoxelKind) -> Model:
    """Return what is to be known of an ONNX file to run it; its thresholds are still to be chosen."""
    output = {"kind": kind, "thresholds": {"occupancy": 0.5, "classes": 0.5}, "classes": list(CLASSES)}
    return read_entry({"name": path.stem, "task": "voxels", "file": path.name, "output": output}, path, path.parent)


def predictor(model: Model, threads: int = 0) -> Predict:
    """Return what runs a voxel network as its users do."""

    def run(scene: SceneRecord, views: Sequence[int]) -> Prediction:
        assert scene.grid is not None
        seen = [View(*fit(scene.views[at].rgb, scene.views[at].camera, scene.grid), at) for at in views]
        return predict(seen, scene.grid, model, threads)

    return run


def views_of(number: int, count: int, cameras: int) -> tuple[int, ...]:
    """Return which ``count`` of its cameras look at a scene, in ascending order."""
    return tuple(sorted((number + step) % cameras for step in range(count)))


def choose_thresholds(predict: Predict, scenes: Iterable[SceneRecord]) -> Thresholds:
    """Find the thresholds with the best pooled IoU and mIoU, with all views, as on a validation set (section 4)."""
    counts = []
    for scene in scenes:
        _check(scene, 1)
        counts.append(_overlaps(scene, predict(scene, range(len(scene.views))), THRESHOLDS, THRESHOLDS))
    if not counts:
        raise MaquetteError(_NO_SCENE)
    occupancy, classes = (joined(part).pooled for part in zip(*counts, strict=True))
    return Thresholds(
        best_threshold(occupancy[:, 0], THRESHOLDS), best_threshold(mean_over_classes(classes), THRESHOLDS)
    )


def measure(
    predict: Predict,
    scenes: Iterable[SceneRecord],
    thresholds: Thresholds,
    views: Sequence[int] = VIEWS,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[int, Seen]:
    """Measure a network on scenes, one in memory at a time.

    Args:
        predict: The network.
        scenes: Each with its cameras, grids and objects.
        thresholds: As chosen on other scenes.
        views: With how many views.
        progress: Called with the number of scenes done.

    Returns:
        What it made of all scenes, by the number of views.

    Raises:
        MaquetteError: A scene has no grids or too few cameras, or there is no scene.
    """
    seen: dict[int, list[Seen]] = {count: [] for count in views}
    number = -1
    for number, scene in enumerate(scenes):
        _check(scene, max(views))
        for count, listed in seen.items():
            prediction = predict(scene, views_of(number, count, len(scene.views)))
            listed.append(compare(scene, prediction, thresholds))
        progress(number + 1)
    if number < 0:
        raise MaquetteError(_NO_SCENE)
    return {count: _together(listed) for count, listed in seen.items()}


def compare(scene: SceneRecord, prediction: Prediction, thresholds: Thresholds) -> Seen:
    """Compare what a network makes of one scene with the truth."""
    counts = _overlaps(scene, prediction, [thresholds.occupancy], [thresholds.classes])
    return Seen(*counts, objects(scene, separate(prediction, thresholds.occupancy)))


def objects(scene: SceneRecord, found: VoxelGrid) -> dict[int, PanopticQuality]:
    """Match the objects of a scene, class by class, as a true cell may belong to two.

    Returns:
        Counts by position in ``CLASSES``.
    """
    counts = {}
    for at, truth in enumerate(true_objects(scene)):
        ids = np.where(found.label == at + 1, found.instance, 0)
        either = (truth > 0) | (ids > 0)
        if either.any():
            counts[at] = panoptic_quality(truth[either], ids[either])
    return counts


def true_objects(scene: SceneRecord) -> NDArray[np.int32]:
    """Return (6,) + the grid's shape int32: for each class the id of the object that a cell is part of, 0 elsewhere.

    A cell of a class goes to that object of the class whose oriented box it is deepest in or nearest to.
    """
    assert scene.grid is not None and scene.classes is not None
    ids = np.zeros((len(CLASSES), *scene.grid.shape), np.int32)
    for at, family in enumerate(CLASSES):
        things = [thing for thing in scene.objects if thing.family == family and thing.isthing]
        cells = np.argwhere(scene.classes[..., at])
        if things and len(cells):
            nearest = np.argmin([_distance(_middles(cells, scene.grid), thing.box) for thing in things], axis=0)
            ids[at][tuple(cells.T)] = np.array([thing.id for thing in things])[nearest]
    return ids


def report(seen: Mapping[int, Seen], thresholds: Thresholds) -> dict[str, Any]:
    """Return what was measured, ready for JSON; None for what is neither in the truth nor predicted.

    ``miou`` is the mean over classes, ``overall`` the IoU of all masks together; see ``metrics.voxels``.
    """
    any_views = next(iter(seen.values()))
    return {
        "scenes": len(any_views.occupancy.shared),
        "thresholds": {"occupancy": thresholds.occupancy, "classes": thresholds.classes},
        "views": {
            str(count): {
                "pooled": _averages(one, "pooled"),
                "per_sample": _averages(one, "per_sample"),
                "objects": _object_averages(one.objects),
            }
            for count, one in seen.items()
        },
    }


def _check(scene: SceneRecord, cameras: int) -> None:
    if scene.grid is None or len(scene.views) < cameras:
        raise MaquetteError(
            f"{scene.name}: has no grid, or fewer than {cameras} cameras, to measure with; "
            "make scenes with `maquette worlds generate --kind studio`"
        )


def _overlaps(
    scene: SceneRecord, prediction: Prediction, occupied: Sequence[float], classes: Sequence[float]
) -> tuple[Overlaps, Overlaps]:
    assert scene.occupancy is not None and scene.classes is not None
    return (
        curve(scene.occupancy[None], prediction.occupancy[None], occupied),
        curve(np.moveaxis(scene.classes, -1, 0), prediction.classes, classes),
    )


def _together(listed: Sequence[Seen]) -> Seen:
    return Seen(
        joined(one.occupancy for one in listed),
        joined(one.classes for one in listed),
        add_qualities(one.objects for one in listed),
    )


def _middles(cells: NDArray[np.int64], grid: Grid) -> NDArray[np.float64]:
    """(n, 3) middles of cells in the world, metres."""
    places = (cells + 0.5) * grid.cell_m
    turned: NDArray[np.float64] = places @ grid.T_world_grid[:3, :3].T + grid.T_world_grid[:3, 3]
    return turned


def _distance(points: NDArray[np.float64], box: OrientedBox) -> NDArray[np.float64]:
    """(n,) signed distance of points of the world to a box, metres; below 0 inside."""
    pose = box.T_world_box
    beyond = np.abs((points - pose[:3, 3]) @ pose[:3, :3]) - np.asarray(box.size) / 2
    outside: NDArray[np.float64] = np.linalg.norm(np.maximum(beyond, 0), axis=1)
    inside: NDArray[np.float64] = np.minimum(beyond.max(axis=1), 0)
    return outside + inside


def _averages(seen: Seen, way: Literal["pooled", "per_sample"]) -> dict[str, Any]:
    occupancy, classes, overall = (
        getattr(counts, way)[0] for counts in (seen.occupancy, seen.classes, seen.classes.together())
    )
    return {
        "occupancy": _number(occupancy[0]),
        "miou": _number(mean_over_classes(classes)),
        "overall": _number(overall[0]),
        "classes": {name: _number(value) for name, value in zip(CLASSES, classes, strict=True)},
    }


def _object_averages(counts: Mapping[int, PanopticQuality]) -> dict[str, Any]:
    average = panoptic_averages(counts, ())["all"]
    return {
        "pq": average.pq,
        "sq": average.sq,
        "rq": average.rq,
        "classes": {
            name: {"pq": counts[at].pq, "sq": counts[at].sq, "rq": counts[at].rq} if at in counts else None
            for at, name in enumerate(CLASSES)
        },
    }


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)

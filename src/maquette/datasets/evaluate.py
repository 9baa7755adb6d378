"""Predictions against the truth of a whole data set: depth, and panoptic segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.datasets.coco import PanopticSet
from maquette.datasets.types import DepthFrame, DepthOptions, DepthSet, Place
from maquette.errors import MaquetteError
from maquette.export.atomic import shown
from maquette.metrics.depth import (
    LEAST_DEPTH_M,
    DepthErrors,
    all_metrics_over_images,
    eigen_crop,
    errors_by_alignment,
)
from maquette.metrics.segmentation import add_qualities, panoptic_averages, panoptic_qualities
from maquette.metrics.significance import wilcoxon
from maquette.perception.files import read_depth

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """The errors of one picture.

    Attributes:
        name: As in ``DepthFrame``.
        place: As in ``DepthFrame``.
        errors: As ``metrics.depth.errors_by_alignment`` returns them.
        unknown: Pixels with truth but without prediction; they count as ``DepthOptions.farthest_m``.
    """

    name: str
    place: Place | None
    errors: dict[str, DepthErrors]
    unknown: int


def measure_depth(
    truth: DepthSet, predictions: Path, options: DepthOptions, progress: Progress = lambda done, total: None
) -> list[Measured]:
    """Compare depth maps with the truth of a data set.

    Args:
        truth: The data set.
        predictions: Folder with a depth map for each frame, named as the frame: ``NAME.npy`` in metres, ``NAME.png`` in
            16-bit millimetres, or ``NAME/depth.png`` as ``maquette diorama`` leaves it. ``NAME`` may do without the
            folders in the frame's name. A map of another size and the same shape is resized by its nearest pixels.
        options: Which pixels count.
        progress: Called with the number of pictures done and that of all.

    Returns:
        The pictures that have any truth.

    Raises:
        MaquetteError: A depth map is missing or cannot be used, or no picture has any truth.
    """
    files = [_prediction(predictions, source.name) for source in truth.sources]
    measured = []
    for number, (frame, file) in enumerate(zip(truth, files, strict=True), start=1):
        wanted = _counting(frame, options, truth)
        if wanted.any():
            found = read_depth(file, wanted.shape[1], wanted.shape[0])
            unknown = int((np.isnan(found) & (wanted > 0)).sum())
            found = np.nan_to_num(found, nan=options.farthest_m).clip(LEAST_DEPTH_M, options.farthest_m)
            errors = errors_by_alignment(found, wanted, options.farthest_m)
            measured.append(Measured(frame.name, frame.place, errors, unknown))
        progress(number, len(truth))
    if not measured:
        raise MaquetteError(f"{shown(truth.path)}: no picture has a depth up to {options.farthest_m:g} m")
    return measured


def _prediction(folder: Path, name: str) -> Path:
    for stem in (folder / name, folder / Path(name).name):
        for file in (stem.with_name(f"{stem.name}.npy"), stem.with_name(f"{stem.name}.png"), stem / "depth.png"):
            if file.is_file():
                return file
    raise MaquetteError(f"{shown(folder)}: has no depth map for {name}; name it {name}.npy or {name}.png")


def _counting(frame: DepthFrame, options: DepthOptions, truth: DepthSet) -> NDArray[np.float32]:
    wanted = np.where(frame.depth_m <= options.farthest_m, frame.depth_m, np.float32(0))
    if options.crop == "none":
        return wanted
    try:
        return eigen_crop(wanted)
    except ValueError as error:
        raise MaquetteError(f"{shown(truth.path)}: {frame.name}: {error}; leave out --crop") from error


def depth_summary(measured: Iterable[Measured]) -> dict[str, Any]:
    """Return, for each place and for ``all``: the number of ``pictures``, their ``metrics``, the share ``unknown``."""
    return {place: _summary(rows) for place, rows in _by_place(measured).items()}


def _summary(rows: list[Measured]) -> dict[str, Any]:
    pixels = sum(row.errors[""].pixels for row in rows)
    return {
        "pictures": len(rows),
        "unknown": sum(row.unknown for row in rows) / pixels,
        "metrics": all_metrics_over_images([row.errors for row in rows]),
    }


def _by_place(measured: Iterable[Measured]) -> dict[str, list[Measured]]:
    rows = list(measured)
    places = {place: [row for row in rows if row.place == place] for place in ("indoor", "outdoor")}
    return {**{place: found for place, found in places.items() if found}, "all": rows}


def compare_depth(first: Iterable[Measured], second: Iterable[Measured]) -> dict[str, dict[str, Any]]:
    """Test whether SILog (lambda 1) differs between two predictions of one data set (diorama paper, section 4.1).

    Returns:
        For each place and for ``all``, what ``metrics.significance.Wilcoxon`` says of it.
    """
    pairs = zip(_by_place(first).items(), _by_place(second).values(), strict=True)
    return {place: asdict(wilcoxon(_silog(before), _silog(after))) for (place, before), after in pairs}


def _silog(rows: list[Measured]) -> list[float]:
    return [row.errors[""].silog(1.0) for row in rows]


def measure_panoptic(
    truth: PanopticSet, predicted: PanopticSet, progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Compute panoptic quality over a data set (Kirillov et al. 2019), as COCO's panopticapi does.

    Args:
        truth: The truth.
        predicted: A prediction for each of its pictures, told by ``image_id``; further ones are left out.
        progress: Called with the number of pictures done and that of all.

    Returns:
        JSON-ready: ``pictures``; ``pq``, ``sq``, ``rq`` and number of ``categories`` for ``all``, ``things`` and
        ``stuff``; and ``categories``, each with its name, the three qualities and the counts behind them.

    Raises:
        MaquetteError: A picture has no prediction, or one of another size or with a category that the truth lacks.
    """
    numbers = {entry.image_id: number for number, entry in enumerate(predicted.entries)}
    known = {category.id for category in truth.categories}
    pictures = []
    for done, frame in enumerate(truth, start=1):
        if frame.image_id not in numbers:
            raise MaquetteError(f"{shown(predicted.path)}: has no prediction for image {frame.image_id}")
        ours = predicted[numbers[frame.image_id]]
        if ours.ids.shape != frame.ids.shape:
            raise MaquetteError(
                f"{shown(predicted.path)}: the map of image {frame.image_id} has another size than its truth"
            )
        theirs_of = {segment.id: segment.category_id for segment in frame.segments}
        ours_of = {segment.id: segment.category_id for segment in ours.segments}
        foreign = set(ours_of.values()) - known
        if foreign:
            raise MaquetteError(f"{shown(predicted.path)}: has the category {min(foreign)}, which the truth lacks")
        crowds = [segment.id for segment in frame.segments if segment.iscrowd]
        pictures.append(panoptic_qualities(frame.ids, ours.ids, theirs_of, ours_of, crowds))
        progress(done, len(truth))
    qualities = add_qualities(pictures)
    averages = panoptic_averages(qualities, [category.id for category in truth.categories if category.isthing])
    return {
        "pictures": len(truth),
        **{group: asdict(average) for group, average in averages.items()},
        "categories": [
            {
                **asdict(category),
                "pq": qualities[category.id].pq,
                "sq": qualities[category.id].sq,
                "rq": qualities[category.id].rq,
                "matched": qualities[category.id].matched,
                "missed": qualities[category.id].missed,
                "spurious": qualities[category.id].spurious,
            }
            for category in truth.categories
            if category.id in qualities
        ],
    }

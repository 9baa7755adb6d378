"""What the finished network is worth, measured through its ONNX file and the public metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

from maquette.camera import Camera
from maquette.labels import LABELS, Vocabulary, from_name
from maquette.metrics import depth as depth_metrics
from maquette.metrics.segmentation import PanopticQuality, agreement, panoptic_quality
from maquette.models.catalogue import EMBEDDED, resolve
from maquette.models.session import run
from maquette.perception.network import Embedded, run_embedded, to_input
from maquette.perception.panoptic import from_embedded
from maquette.train import data
from maquette.train.nets.merge import ADE_CLASSES, VOC_CLASSES
from maquette.train.targets.semantic import ADE_ORIGIN_PX, VOC_ORIGIN_PX, Teachers, sample_cells, to_tensor

FloatMap = NDArray[np.float32]
INPUT_AREA = 512 * 512
THING_CHANNELS = np.array([label.isthing for label in LABELS])
PEAK_WINDOW, PEAK_LEAST = 21, 0.1
"""Side of the window (cells) in which a peak is the highest, and its least height."""
SHIFT_PX, RESCALE = 8, 1.05
"""The small changes under which a teacher is compared with itself."""


class Network:
    """An exported network, run as its users run it.

    Attributes:
        model: The catalogue's entry of maquette's own network, with this file.
    """

    def __init__(self, path: Path) -> None:
        """Take an ONNX file."""
        self.model = dataclasses.replace(resolve(EMBEDDED), name=path.stem, file=path, bytes=None, sha256=None)

    def __call__(self, image: NDArray[np.uint8]) -> tuple[FloatMap, FloatMap, FloatMap]:
        """Return semantic, depth and instance maps (C, h, w) of an RGB picture (H, W, 3) of any size."""
        return self._run(to_input(image, self.model.input)[0])

    def exactly(self, image: NDArray[np.uint8]) -> tuple[FloatMap, FloatMap, FloatMap]:
        """Return the same of a picture whose sides are multiples of 32, as it is."""
        return self._run(to_tensor(image).numpy())

    def _run(self, image: FloatMap) -> tuple[FloatMap, FloatMap, FloatMap]:
        maps = run(self.model, image, [(name, (4,)) for name in ("semantic", "depth", "instance")])
        semantic, depth, instance = (m[0] for m in maps)
        return semantic, depth, instance

    def embedded(self, image: NDArray[np.uint8], focal_px: float) -> Embedded:
        """Return what perception makes of the maps of a picture whose focal length is known."""
        height, width = image.shape[:2]
        camera = Camera(width, height, focal_px, (width / 2, height / 2), np.eye(4))
        return run_embedded(image, camera, model=self.model)

    def depth_m(self, image: NDArray[np.uint8], focal_px: float) -> FloatMap:
        """Return z-depth (H, W) float32 in metres of a picture whose focal length is known."""
        return depth_at_pixels(self.embedded(image, focal_px), image.shape[:2])


def depth_at_pixels(embedded: Embedded, shape: tuple[int, ...]) -> FloatMap:
    """Return the network's depth (H, W) float32 in metres, its logarithm interpolated between cells."""
    return np.exp(at_pixels(np.log(embedded.depth_m), shape))


def at_pixels(cells: FloatMap, shape: tuple[int, ...]) -> FloatMap:
    """Return a map of cells (h, w) interpolated to a picture's (H, W)."""
    full = F.interpolate(torch.from_numpy(cells)[None, None], size=shape, mode="bilinear", align_corners=False)
    return np.asarray(full[0, 0].numpy(), np.float32)


def at_cells(pixels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return what a map of a picture (H, W) has at the middle of each cell of a grid (h, w)."""
    rows, columns = (
        ((np.arange(cells) + 0.5) * side / cells).astype(int) for cells, side in zip(shape, pixels.shape, strict=True)
    )
    return pixels[np.ix_(rows, columns)]


def depth_row(predicted_m: NDArray[np.floating], truth_m: NDArray[np.floating]) -> dict[str, float]:
    """Return every depth metric of one picture, plain and median-scaled."""
    return depth_metrics.all_metrics(predicted_m, truth_m) | depth_metrics.all_metrics_median_scaled(
        predicted_m, truth_m
    )


def depth_rows(predict: Callable[[Path], NDArray[np.floating]], pictures: Sequence[Path]) -> list[dict[str, float]]:
    """Return the metrics of a predictor on each picture."""
    return [depth_row(predict(path), data.depth_of(path)) for path in pictures]


def osd_depth_rows(network: Network, pictures: Sequence[Path]) -> list[dict[str, float]]:
    """Return the network's depth metrics on each of OSD's pictures."""
    return depth_rows(lambda path: network.depth_m(data.read_rgb(path), data.OSD_FOCAL_PX), pictures)


def fit_ramp(pictures: Sequence[Path]) -> tuple[float, float]:
    """Return the inverse depth at the top and its increase to the bottom, least squares over all valid pixels."""
    normal, right = np.zeros((2, 2)), np.zeros(2)
    for path in pictures:
        truth = data.depth_of(path)
        rows = ((np.arange(truth.shape[0]) + 0.5) / truth.shape[0])[:, None].repeat(truth.shape[1], 1)[truth > 0]
        design = np.stack([np.ones_like(rows), rows])
        normal += design @ design.T
        right += design @ (1 / truth[truth > 0])
    top, increase = np.linalg.solve(normal, right)
    return float(top), float(increase)


def ramp(shape: tuple[int, int], top: float, increase: float) -> NDArray[np.float64]:
    """Return depth (H, W) whose inverse grows linearly from the top of the picture to its bottom."""
    rows = (np.arange(shape[0]) + 0.5) / shape[0]
    return np.broadcast_to((1 / (top + increase * rows))[:, None], shape)


def depth_report(network: Network, osd: Path, test: bool = False) -> dict[str, dict[str, float]]:
    """Return the network's depth errors on OSD, the mean of the pictures' own.

    Args:
        network: It.
        osd: Folder of OSD.
        test: Whether to look at the test scenes, too, and at two baselines there.
    """
    learn, held, tests = data.osd_paths(osd)
    rows = {"validation": osd_depth_rows(network, held)}
    if test:
        top, increase = fit_ramp(learn + held)
        height, width = data.depth_of(tests[0]).shape
        rows["test"] = osd_depth_rows(network, tests)
        rows["test_constant"] = depth_rows(lambda _: np.ones((height, width)), tests)
        rows["test_ramp"] = depth_rows(lambda _: ramp((height, width), top, increase), tests)
    return {name: depth_metrics.mean_over_images(listed) for name, listed in rows.items()}


def confidence_report(network: Network, photos: Sequence[Path], osd: Path) -> dict[str, float]:
    """Return the median log-depth scale on held-out photos and on OSD's validation scenes, and its calibration there.

    Calibration is the mean of |error of log depth| over the mean of its predicted scale on valid pixels; 1 is honest.
    """
    scales, errors, predicted = [], [], []
    for path in data.osd_paths(osd)[1]:
        truth = data.depth_of(path)
        embedded = network.embedded(data.read_rgb(path), data.OSD_FOCAL_PX)
        guess, valid = depth_at_pixels(embedded, truth.shape), truth > 0
        scales.append(float(np.median(np.exp(embedded.log_scale))))
        errors.append(float(np.abs(np.log(guess[valid]) - np.log(truth[valid])).mean()))
        predicted.append(float(np.exp(at_pixels(embedded.log_scale, truth.shape))[valid].mean()))
    elsewhere = [float(np.median(np.exp(network(data.read_rgb(path))[1][1]))) for path in photos]
    return {
        "scale_osd": float(np.median(scales)),
        "scale_photos": float(np.median(elsewhere)),
        "error_over_scale_osd": float(np.mean(errors) / np.mean(predicted)),
    }


def group_instances(centre: FloatMap, offset: FloatMap, things: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return things (h, w) int32, 0 elsewhere: peaks of the heatmap, and each cell of ``things`` to the nearest peak.

    The plain grouping of Panoptic-DeepLab (section 3.1), kept here for measuring only; ``PEAK_WINDOW`` and
    ``PEAK_LEAST`` were chosen on OSD's validation scenes.

    Args:
        centre: (h, w), as of ``Embedded``.
        offset: (2, h, w), as of ``Embedded``.
        things: (h, w), where there are things.
    """
    peaks = np.argwhere((centre == ndimage.maximum_filter(centre, PEAK_WINDOW)) & (centre > PEAK_LEAST) & things)
    if not len(peaks):
        return things.astype(np.int32)
    y, x = np.nonzero(things)
    aim = np.stack([y + offset[1][y, x], x + offset[0][y, x]], 1)
    nearest = ((aim[:, None] - peaks[None]) ** 2).sum(2).argmin(1)
    out = np.zeros(things.shape, np.int32)
    out[y, x] = nearest + 1
    return out


def instance_row(network: Network, path: Path) -> dict[str, PanopticQuality]:
    """Return the counts of things in a picture of OSD, whatever their label.

    ``shipped``: table and objects as perception gives them to users. ``plain``: by the grouping of Panoptic-DeepLab.
    ``regions``: connected regions of equal label. ``given_objects``: objects alone, plainly grouped within their true
    pixels.
    """
    embedded = network.embedded(data.read_rgb(path), data.OSD_FOCAL_PX)
    labels = embedded.probability.argmax(0)
    truth = at_cells(data.osd_instances(path), labels.shape)
    unknown, truth, objects = truth < 0, np.maximum(truth, 0), truth > 1
    soft = from_embedded(embedded)
    shipped = np.where(np.isin(soft.ids, [s.id for s in soft.segments if s.label.isthing]), soft.ids, 0)
    plain, given = (group_instances(embedded.centre, embedded.offset, m) for m in (THING_CHANNELS[labels], objects))
    found = {"shipped": shipped, "plain": plain, "regions": _regions(labels)}
    return {
        **{name: panoptic_quality(truth, ids, unknown) for name, ids in found.items()},
        "given_objects": panoptic_quality(truth * objects, given, unknown),
    }


def instance_report(network: Network, osd: Path, test: bool = False) -> dict[str, dict[str, float]]:
    """Return class-agnostic quality of things on OSD (see ``instance_row``), of the counts over all pictures.

    ``pq``, ``sq`` and ``rq`` are those of the plain grouping.

    Args:
        network: It.
        osd: Folder of OSD.
        test: Whether to look at the test scenes, too.
    """
    _, held, tests = data.osd_paths(osd)
    report = {}
    for name, paths in (("validation", held), *((("test", tests),) if test else ())):
        rows = [instance_row(network, path) for path in paths]
        total = {kind: sum((row[kind] for row in rows), PanopticQuality()) for kind in rows[0]}
        report[name] = {
            **{measure: getattr(total["plain"], measure) for measure in ("pq", "sq", "rq")},
            **{f"{measure}_shipped": getattr(total["shipped"], measure) for measure in ("pq", "sq", "rq")},
            "pq_regions": total["regions"].pq,
            "pq_given_objects": total["given_objects"].pq,
        }
    return report


def _regions(labels: NDArray[np.int64]) -> NDArray[np.int32]:
    out = np.zeros(labels.shape, np.int32)
    for label in np.unique(labels[THING_CHANNELS[labels]]):
        regions, _ = ndimage.label(labels == label)
        out = np.where(regions > 0, regions + out.max(), out)
    return out


def _ours(names: Sequence[str], vocabulary: Vocabulary) -> NDArray[np.int64]:
    listed = []
    for name in names:
        label = from_name("object" if name in ("void", "background") else name, vocabulary)
        if label is None:
            raise ValueError(f"{vocabulary} has no category {name}")
        listed.append(label.id - 1)
    return np.array(listed)


def agreement_row(network: Network, teachers: Teachers, path: Path) -> dict[str, float]:
    """Return how often network and teachers agree on a photo, pixel by pixel.

    A teacher is asked once, on the picture as the network sees it. ``self`` compares it with itself on the picture
    moved by ``SHIFT_PX`` and enlarged by ``RESCALE``. It counts where the merged target of the ensemble is one of its
    own categories and equals what it says: for VOC its foreground, for ADE20K the rest; where that is less than 1% of
    the photo, its entries are missing. ``student_ensemble`` is the agreement with the merged ensemble everywhere,
    ``initial_ensemble`` that of a single merged pass of both teachers.
    """
    to_ade, to_voc = _ours(ADE_CLASSES, "ade20k"), _ours(VOC_CLASSES, "voc")
    original = data.read_rgb(path)
    width, height = data.working_size(original.shape[1], original.shape[0], INPUT_AREA)
    image = np.asarray(Image.fromarray(original).resize((width, height), Image.Resampling.BILINEAR))
    size = (height // 4, width // 4)
    student = network.exactly(image)[0].argmax(0)
    merged, _, _ = teachers.ensemble(image)
    target = F.interpolate(merged, size=size, mode="area")[0].argmax(0).numpy()
    ade, voc, near = teachers.view(to_tensor(image), 1.0, False, size)
    single = teachers.merge(ade, voc, near)[0].argmax(0).numpy()
    ade_again, voc_again = _moved(teachers, image, size)
    ade_label = to_ade[ade[0].argmax(0).numpy()]
    voc_winner = voc[0].argmax(0).numpy()
    voc_label = to_voc[voc_winner]
    from_voc = (target == voc_label) & (voc_winner > 0)
    from_ade = (target == ade_label) & ~from_voc
    measures = {
        "student_ade": (student, ade_label, from_ade),
        "self_ade": (to_ade[ade_again], ade_label, from_ade),
        "student_voc": (student, voc_label, from_voc),
        "self_voc": (to_voc[voc_again], voc_label, from_voc),
        "student_ensemble": (student, target, None),
        "initial_ensemble": (single, target, None),
    }
    return {
        name: agreement(a, b, where) for name, (a, b, where) in measures.items() if where is None or where.mean() > 0.01
    }


def agreement_report(network: Network, teachers: Teachers, photos: Sequence[Path]) -> dict[str, float]:
    """Return the mean of ``agreement_row`` over photos."""
    rows = [agreement_row(network, teachers, path) for path in photos]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(np.mean([row[name] for row in rows if name in row])) for name in names}


def _moved(
    teachers: Teachers, image: NDArray[np.uint8], size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return both teachers' classes (h, w) of the picture moved and enlarged, brought back to the picture's grid."""
    height, width = image.shape[:2]
    tensor = to_tensor(image)
    enlarged = F.interpolate(tensor, scale_factor=RESCALE, mode="bilinear", antialias=True, align_corners=False)
    tall, wide = (-(-(side + SHIFT_PX) // 32) * 32 for side in enlarged.shape[2:])
    right, bottom = wide - enlarged.shape[3] - SHIFT_PX, tall - enlarged.shape[2] - SHIFT_PX
    moved = F.pad(enlarged, (SHIFT_PX, right, SHIFT_PX, bottom), mode="replicate")
    ade, voc = teachers.logits(moved.contiguous())
    fine_ade = sample_cells(ade, 4, ADE_ORIGIN_PX, (tall, wide), (tall, wide))
    fine_voc = sample_cells(voc, 16, VOC_ORIGIN_PX, (tall, wide), (tall, wide))
    y = ((np.arange(size[0]) + 0.5) * height / size[0] * RESCALE + SHIFT_PX).astype(int).clip(0, tall - 1)
    x = ((np.arange(size[1]) + 0.5) * width / size[1] * RESCALE + SHIFT_PX).astype(int).clip(0, wide - 1)
    return tuple(m[0].argmax(0).numpy()[np.ix_(y, x)] for m in (fine_ade, fine_voc))  # type: ignore[return-value]

"""What the finished network is worth, measured through its ONNX file and the public metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

from maquette.labels import LABELS, Vocabulary, from_name
from maquette.metrics import depth as depth_metrics
from maquette.metrics.segmentation import PanopticQuality, agreement, panoptic_quality
from maquette.train import data
from maquette.train.nets.merge import ADE_CLASSES, VOC_CLASSES
from maquette.train.targets.semantic import ADE_ORIGIN_PX, VOC_ORIGIN_PX, Teachers, sample_cells, to_tensor

FloatMap = NDArray[np.float32]
INPUT_AREA = 512 * 512
PEAK_WINDOW, PEAK_LEAST = 21, 0.1
"""Side of the window (cells) in which a peak is the highest, and its least height."""
SHIFT_PX, RESCALE = 8, 1.05
"""The small changes under which a teacher is compared with itself."""


class Network:
    """An exported network, run as its users run it."""

    def __init__(self, path: Path) -> None:
        """Load an ONNX file."""
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def __call__(self, image: NDArray[np.uint8]) -> tuple[FloatMap, FloatMap, FloatMap]:
        """Return semantic, depth and instance maps (C, h, w) of an RGB picture (H, W, 3) brought to ``INPUT_AREA``."""
        size = data.working_size(image.shape[1], image.shape[0], INPUT_AREA)
        return self.exactly(np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)))

    def exactly(self, image: NDArray[np.uint8]) -> tuple[FloatMap, FloatMap, FloatMap]:
        """Return the same of a picture whose sides are multiples of 32, as it is."""
        maps = self.session.run(None, {"image": to_tensor(image).numpy()})
        semantic, depth, instance = (m[0] for m in maps)
        return semantic, depth, instance

    def depth_m(self, image: NDArray[np.uint8], focal_px: float) -> FloatMap:
        """Return z-depth (H, W) float32 in metres of a picture whose focal length is known."""
        log_depth = torch.from_numpy(self(image)[1][None, :1])
        full = F.interpolate(log_depth, size=image.shape[:2], mode="bilinear", align_corners=False)[0, 0]
        return np.asarray(full.exp() * (focal_px / max(image.shape[:2])), np.float32)


def depth_errors(
    predict: Callable[[Path], NDArray[np.floating]], pictures: Sequence[Path], farthest_m: float = np.inf
) -> dict[str, float]:
    """Return every depth metric, plain and median-scaled, of a predictor over pictures (mean of the pictures' own)."""
    rows = []
    for path in pictures:
        predicted, truth = predict(path), data.depth_of(path, farthest_m)
        rows.append(
            depth_metrics.all_metrics(predicted, truth) | depth_metrics.all_metrics_median_scaled(predicted, truth)
        )
    return depth_metrics.mean_over_images(rows)


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


def depth_report(network: Network, osd: Path) -> dict[str, dict[str, float]]:
    """Return the network's depth errors on OSD's validation and test scenes, and two baselines' on the latter."""
    learn, held, test = data.osd_paths(osd)
    top, increase = fit_ramp(learn + held)
    shape = data.depth_of(test[0]).shape

    def ours(path: Path) -> FloatMap:
        return network.depth_m(data.read_rgb(path), data.OSD_FOCAL_PX)

    return {
        "validation": depth_errors(ours, held),
        "test": depth_errors(ours, test),
        "test_constant": depth_errors(lambda _: np.ones(shape), test),
        "test_ramp": depth_errors(lambda _: ramp((shape[0], shape[1]), top, increase), test),
    }


def confidence_report(network: Network, photos: Sequence[Path], osd: Path) -> dict[str, float]:
    """Return the median log-depth scale on held-out photos and on OSD's validation scenes, and its calibration there.

    Calibration is the mean of |error of log depth| over the mean of its predicted scale on valid pixels; 1 is honest.
    """
    held = data.osd_paths(osd)[1]
    scales, errors, predicted = [], [], []
    for path in held:
        depth = network(data.read_rgb(path))[1]
        scales.append(float(np.median(np.exp(depth[1]))))
        truth = data.depth_of(path)
        image = data.read_rgb(path)
        guess = network.depth_m(image, data.OSD_FOCAL_PX)
        full = F.interpolate(torch.from_numpy(depth[None, 1:]), size=truth.shape, mode="bilinear", align_corners=False)
        valid = truth > 0
        errors.append(float(np.abs(np.log(guess[valid]) - np.log(truth[valid])).mean()))
        predicted.append(float(full[0, 0].exp().numpy()[valid].mean()))
    elsewhere = [float(np.median(np.exp(network(data.read_rgb(path))[1][1]))) for path in photos]
    return {
        "scale_osd": float(np.median(scales)),
        "scale_photos": float(np.median(elsewhere)),
        "error_over_scale_osd": float(np.mean(errors) / np.mean(predicted)),
    }


def group_instances(instance: FloatMap, things: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return things (h, w) int32, 0 elsewhere: peaks of the heatmap, and each cell of ``things`` to the nearest peak.

    The plain grouping of Panoptic-DeepLab (section 3.1), kept here for measuring only; ``PEAK_WINDOW`` and
    ``PEAK_LEAST`` were chosen on OSD's validation scenes.
    """
    heat = instance[0]
    peaks = np.argwhere((heat == ndimage.maximum_filter(heat, PEAK_WINDOW)) & (heat > PEAK_LEAST) & things)
    if not len(peaks):
        return things.astype(np.int32)
    y, x = np.nonzero(things)
    aim = np.stack([y + instance[2][y, x] / 4, x + instance[1][y, x] / 4], 1)
    nearest = ((aim[:, None] - peaks[None]) ** 2).sum(2).argmin(1)
    out = np.zeros(things.shape, np.int32)
    out[y, x] = nearest + 1
    return out


def instance_report(network: Network, osd: Path) -> dict[str, dict[str, float]]:
    """Return class-agnostic quality of things on OSD.

    ``pq``, ``sq``, ``rq``: table and objects, where the network sees things. ``pq_regions``: connected regions of equal
    label instead of its grouping. ``pq_given_objects``: objects alone, grouped within their true pixels.
    """
    _, held, test = data.osd_paths(osd)
    isthing = np.array([label.isthing for label in LABELS])
    report = {}
    for name, paths in (("validation", held), ("test", test)):
        ours, regions, given = PanopticQuality(), PanopticQuality(), PanopticQuality()
        for path in paths:
            semantic, _, instance = network(data.read_rgb(path))
            h, w = semantic.shape[1:]
            truth = data.osd_instances(path)
            rows = ((np.arange(h) + 0.5) * truth.shape[0] / h).astype(int)
            columns = ((np.arange(w) + 0.5) * truth.shape[1] / w).astype(int)
            truth = truth[np.ix_(rows, columns)]
            unknown, truth, objects = truth < 0, np.maximum(truth, 0), truth > 1
            ours += panoptic_quality(truth, group_instances(instance, isthing[semantic.argmax(0)]), unknown)
            regions += panoptic_quality(truth, _regions(semantic), unknown)
            given += panoptic_quality(truth * objects, group_instances(instance, objects), unknown)
        report[name] = {
            "pq": ours.pq,
            "sq": ours.sq,
            "rq": ours.rq,
            "pq_regions": regions.pq,
            "pq_given_objects": given.pq,
        }
    return report


def _regions(semantic: FloatMap) -> NDArray[np.int32]:
    ids = semantic.argmax(0)
    out = np.zeros(ids.shape, np.int32)
    for label in np.unique(ids):
        if LABELS[label].isthing:
            regions, _ = ndimage.label(ids == label)
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


def agreement_report(network: Network, teachers: Teachers, photos: Sequence[Path]) -> dict[str, float]:
    """Return how often network and teachers agree on photos, pixel by pixel, meaned over photos.

    A teacher is asked once, on the picture as the network sees it. ``self`` compares it with itself on the picture
    moved by ``SHIFT_PX`` and enlarged by ``RESCALE``. It counts where the merged target of the ensemble is one of its
    own categories and equals what it says: for VOC its foreground, for ADE20K the rest. ``student_ensemble`` is the
    agreement with the merged ensemble everywhere, ``initial_ensemble`` that of a single merged pass of both teachers.
    """
    to_ade, to_voc = _ours(ADE_CLASSES, "ade20k"), _ours(VOC_CLASSES, "voc")
    rows: dict[str, list[float]] = {}
    for path in photos:
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
        for name, (a, b, where) in measures.items():
            if where is None or where.mean() > 0.01:
                rows.setdefault(name, []).append(agreement(a, b, where))
    return {name: float(np.mean(values)) for name, values in rows.items()}


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

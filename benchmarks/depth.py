"""Measure depth on the table-top scenes of the Object Segmentation Database (Kinect, 640 x 480).

    python benchmarks/depth.py --rgbd DIR [--scenes test|validation]

``DIR/osd`` holds ``NAME.jpg`` and ``NAME.depth.png`` (16-bit millimetres, 0 unknown). The network learns from
``learn*`` without every fifth, which is the validation part that choices were made on; ``test*`` is for the report
alone. Rivals, each scaled to the median of the truth, picture by picture, as ours: constant depth, an inverse depth
that grows linearly from top to bottom (with the ratio that fits the ``learn`` scenes best), the network alone, and
geometry alone.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import maquette
from maquette.camera import Camera
from maquette.metrics.depth import all_metrics, median_scaled
from maquette.perception import perceive
from maquette.perception.geometry import join_depth
from maquette.perception.network import Embedded, run_embedded
from maquette.photo import Photo, load_photo

FOCAL_PX = 525.0
METRICS = ("silog_1", "abs_rel", "delta1")
Depth = NDArray[np.float32]


def header() -> str:
    """Say what was measured on."""
    import onnxruntime

    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}, onnxruntime {onnxruntime.__version__}, maquette {maquette.__version__}"
    )


def truth_m(path: Path) -> Depth:
    """Read the measured depth beside a picture, metres, 0 where unknown."""
    millimetres = np.asarray(Image.open(path.with_suffix(".depth.png")), np.float32)
    return millimetres / 1000


def ramp(shape: tuple[int, ...], ratio: float) -> Depth:
    """Make an inverse depth that grows linearly from 1 at the top to ``ratio`` at the bottom."""
    column = 1 / np.linspace(1, ratio, shape[0], dtype=np.float32)
    return np.broadcast_to(column[:, None], shape)


def best_ratio(paths: list[Path]) -> float:
    """Choose the ramp by its scale-invariant error."""
    truths = [truth_m(path) for path in paths]
    errors = {
        ratio: np.mean([all_metrics(ramp(truth.shape, ratio), truth)["silog_1"] for truth in truths])
        for ratio in np.arange(1.5, 8.5, 0.5)
    }
    return float(min(errors, key=lambda ratio: errors[ratio]))


def candidates(photo: Photo, ratio: float, network: Embedded) -> Iterator[tuple[str, Depth]]:
    """Yield each way to a depth map of the photo's size."""
    shape = (photo.height, photo.width)
    yield "constant", np.ones(shape, np.float32)
    yield f"ramp 1 to {ratio:g}", ramp(shape, ratio)
    perception = perceive(photo)
    net = Image.fromarray(network.depth_m).resize((photo.width, photo.height), Image.Resampling.BILINEAR)
    yield "network alone", np.asarray(net)
    mute = np.full(shape, 3.0, np.float32)
    camera = Camera(photo.width, photo.height, FOCAL_PX, (photo.width / 2, photo.height / 2), np.eye(4))
    placed = join_depth(perception.segment_ids, perception.segments, np.ones_like(mute), mute, camera)
    yield "geometry alone", placed.depth_m
    yield "joined", perception.depth_m


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rgbd", type=Path, required=True)
    parser.add_argument("--scenes", choices=("test", "validation"), default="test")
    arguments = parser.parse_args()
    learn = sorted((arguments.rgbd / "osd").glob("learn*.jpg"))
    paths = sorted((arguments.rgbd / "osd").glob("test*.jpg")) if arguments.scenes == "test" else learn[::5]
    if not paths:
        parser.error(f"{arguments.rgbd}/osd holds no scenes")
    ratio = best_ratio(learn)
    rows: dict[str, list[list[float]]] = {}
    start = time.perf_counter()
    scales = []
    for path in paths:
        photo, truth = load_photo(path), truth_m(path)
        photo = Photo(photo.rgb, photo.name, FOCAL_PX)
        network = run_embedded(photo.rgb, Camera.from_fov(photo.width, photo.height, 55))
        scales.append(float(np.exp(np.median(network.log_scale))))
        for name, depth_m in candidates(photo, ratio, network):
            scaled = all_metrics(median_scaled(depth_m, truth), truth)
            valid = truth > 0
            scale = float(np.median(depth_m[valid]) / np.median(truth[valid]))
            rows.setdefault(name, []).append([*(scaled[metric] for metric in METRICS), scale])
    print(f"{header()}; {len(paths)} {arguments.scenes} scenes in {time.perf_counter() - start:.0f} s\n")
    print("| depth | SILog (lambda 1) | AbsRel | delta 1 | median depth over the true one (5% - 95%) |")
    print("|---|---|---|---|---|")
    for name, values in rows.items():
        mean = np.mean(values, axis=0)
        low, high = np.quantile([row[3] for row in values], [0.05, 0.95])
        print(f"| {name} | {mean[0]:.4f} | {mean[1]:.3f} | {mean[2]:.3f} | {low:.2f} - {high:.2f} |")
    print(f"\nMedian of the predicted Laplace scale: at most {max(scales):.2f} in a scene.")


if __name__ == "__main__":
    main()

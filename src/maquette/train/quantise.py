"""The embedded network in 8 bits: what it gains in speed, and what it loses.

    python -m maquette.train.quantise NETWORK.onnx --photos DIR --rgbd DIR -o DIR

Static quantisation: every convolution computes with 8-bit weights (a scale for each output channel) and activations
(one scale and zero for a map, from the least and greatest value over calibration pictures), as ONNX Runtime's
QuantizeLinear and DequantizeLinear pairs say it (Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2). Dynamic quantisation finds the activations' scale
anew for each picture.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

from maquette.models.catalogue import EMBEDDED, resolve
from maquette.perception.network import to_input
from maquette.train import data
from maquette.train.evaluate import Network, depth_report, instance_report

CALIBRATION = 32
"""Pictures to calibrate with, of those that the network learned from."""
TRUNKS = ("/backbone/", "/pyramid/", "/decoder/")
"""How the names of the trunks' nodes begin."""
LOSS = 0.01
"""The most that a metric may get worse, relative to what it is."""
ERRORS = ("abs_rel", "rmse_m", "silog_1", "abs_rel_median_scaled")
QUALITIES = ("delta1", "delta1_median_scaled", "pq", "pq_shipped", "pq_given_objects", "labels kept")
"""Metrics that are better when lower, and when higher."""
ROUNDS = 15
SIDE = 512

FloatMap = NDArray[np.float32]


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, paths: Sequence[Path]) -> None:
        contract = resolve(EMBEDDED).input
        self._feeds = ({contract.name: to_input(data.read_rgb(path), contract)[0]} for path in paths)

    def get_next(self) -> dict[str, FloatMap] | None:
        return next(self._feeds, None)


@contextmanager
def flat(network: Path) -> Iterator[Path]:
    """Lend a copy of an ONNX file whose constants are folded, float16 weights to float32 among them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flat.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        yield path


def static_int8(network: Path, out: Path, pictures: Sequence[Path], only: tuple[str, ...] = ("",)) -> None:
    """Write a network whose convolutions are quantised statically.

    Args:
        network: ONNX file, weights float32 or float16.
        out: Of the result.
        pictures: To calibrate with.
        only: How the names begin of the convolutions that are quantised.
    """
    with flat(network) as path:
        convolutions = [node.name for node in onnx.load(path).graph.node if node.op_type == "Conv"]
        quantize_static(
            path,
            out,
            _Pictures(pictures),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=[name for name in convolutions if name.startswith(only)],
        )


def dynamic_int8(network: Path, out: Path) -> None:
    """Write a network whose convolutions are quantised dynamically; see ``static_int8``."""
    with flat(network) as path:
        quantize_dynamic(path, out, op_types_to_quantize=["Conv"], weight_type=QuantType.QUInt8)


def metrics(network: Network, labels: Mapping[Path, NDArray[np.int64]], osd: Path) -> dict[str, float]:
    """Return ``ERRORS`` and ``QUALITIES`` on OSD's validation scenes and on photos.

    Args:
        network: It.
        labels: Photos, and the likeliest label of each cell as the network to compare with has them.
        osd: Folder of OSD.
    """
    kept = [np.mean(network(data.read_rgb(path))[0].argmax(0) == theirs) for path, theirs in labels.items()]
    found = depth_report(network, osd)["validation"] | instance_report(network, osd)["validation"]
    found["labels kept"] = float(np.mean(kept))
    return {name: found[name] for name in ERRORS + QUALITIES}


def worse(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return how much worse each metric became, relative to what it was; below 0 where it became better."""
    sign = dict.fromkeys(ERRORS, 1.0) | dict.fromkeys(QUALITIES, -1.0)
    return {name: sign[name] * (after[name] - before[name]) / before[name] for name in before}


def milliseconds(networks: Sequence[Network], rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """Return the median time of a picture of ``SIDE`` x ``SIDE``, and of the processor in it, network by network.

    The networks take turns, so that what else the machine does slows all of them.
    """
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    spent: list[list[tuple[float, float]]] = [[] for _ in networks]
    for _ in range(rounds + 1):
        for network, times in zip(networks, spent, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            network.exactly(image)
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [
        (1000 * statistics.median(w for w, _ in times[1:]), 1000 * statistics.median(c for _, c in times[1:]))
        for times in spent
    ]


def main(arguments: list[str]) -> int:
    """Write the variants, and print a table of what each gains and loses; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m maquette.train.quantise", description=__doc__)
    parser.add_argument("network", type=Path)
    for name in ("photos", "rgbd"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the variants")
    given = parser.parse_args(arguments)
    photos, held_photos = data.photo_paths(given.photos)
    learn, _, _ = data.osd_paths(given.rgbd / "osd")
    half = CALIBRATION // 2
    pictures = [paths[i * len(paths) // half] for paths in (photos, learn) for i in range(half)]
    given.out.mkdir(parents=True, exist_ok=True)
    files = {"as it is": given.network} | {
        name: given.out / f"{given.network.stem}-{name.replace(' ', '-')}.onnx"
        for name in ("int8", "int8 trunks", "int8 dynamic")
    }
    static_int8(given.network, files["int8"], pictures)
    static_int8(given.network, files["int8 trunks"], pictures, TRUNKS)
    dynamic_int8(given.network, files["int8 dynamic"])

    networks = {name: Network(path) for name, path in files.items()}
    labels = {path: networks["as it is"](data.read_rgb(path))[0].argmax(0) for path in held_photos}
    found = {name: metrics(network, labels, given.rgbd / "osd") for name, network in networks.items()}
    times = dict(zip(networks, milliseconds(list(networks.values())), strict=True))
    print(f"| | {' | '.join(networks)} |\n|---|{'---|' * len(networks)}")
    print(f"| MB | {' | '.join(f'{path.stat().st_size / 1e6:.1f}' for path in files.values())} |")
    print(f"| ms at {SIDE} x {SIDE} (CPU) | {' | '.join(f'{wall:.0f} ({cpu:.0f})' for wall, cpu in times.values())} |")
    for metric, before in found["as it is"].items():
        cells = [f"{before:.4f}"]
        for name in list(networks)[1:]:
            loss = worse(found["as it is"], found[name])[metric]
            cells.append(f"{found[name][metric]:.4f}, within 1%: {'yes' if loss <= LOSS else 'no'} ({-loss:+.1%})")
        print(f"| {metric} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Measure what networks cost at 512 pixels: ONNX Runtime, as maquette runs it, against PyTorch, eager and compiled.

    python benchmarks/perception.py [--only NAME ...]

``maquette-small`` is measured with the file that ships, and with fresh weights in other precisions; the others are
those of ``architectures.py`` at their published size, with random weights. A network that takes only the size it was
built for gets that. Each row comes from a process of its own, on two threads: the seconds until the first result, then
the median, the quartiles and the processor's part of the runs after it, and the peak memory of that process.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import maquette
from maquette.models.session import DEFAULT_THREADS

EMBEDDED = "maquette-small"
QUICK = (EMBEDDED, "glpn-b0", "depth-anything-small", "eomt-base")
"""What is measured where nothing is named."""
FILES = ("shipped", "fp32", "fp16", "int8")
TORCH = ("eager", "compiled")
SIDE = 512
CHILD = "--child"
PATIENCE_S = 240
"""A process that takes longer is ended, and its row says so."""


def header() -> str:
    """Say what was measured on."""
    import onnxruntime
    import torch

    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}, maquette {maquette.__version__}"
    )


def prepare(name: str, folder: Path) -> dict[str, Any]:
    """Write the files of a network to ``folder``: what it is, for the table."""
    from architectures import save
    from maquette.train.convert.source import find
    from maquette.train.export import OUTPUTS

    if name == EMBEDDED:
        weights, size, outputs = _prepare_embedded(folder), (SIDE, SIDE), OUTPUTS
    else:
        save(name, "real", folder / "source")
        source = find(str(folder / "source"))
        weights, size = _prepare_source(source, folder)
        outputs = source.family.outputs
    (folder / "outputs.json").write_text(json.dumps(outputs))
    return {"weights": weights, "size": size}


def _prepare_embedded(folder: Path) -> int:
    from maquette.examples import example
    from maquette.models.catalogue import resolve, verified_path
    from maquette.train.export import export
    from maquette.train.nets.perception import MaquetteSmall
    from maquette.train.quantise import static_int8

    network = MaquetteSmall()
    (folder / "shipped.onnx").write_bytes(verified_path(resolve(EMBEDDED)).read_bytes())
    export(network, folder / "fp32.onnx", half=False)
    static_int8(folder / "fp32.onnx", folder / "int8.onnx", [example("coffee"), example("rocket")])
    return sum(weight.numel() for weight in network.parameters())


def _prepare_source(source: Any, folder: Path) -> tuple[int, tuple[int, int]]:
    import onnx

    from maquette.models.options import ExportOptions
    from maquette.train.convert import contract, graph

    options = ExportOptions() if source.family.shape == "own" else ExportOptions(height=SIDE, width=SIDE)
    height, width = contract.input_fields(source, options)["size"]
    network = graph.pictures(source)
    whole = graph.to_graph(network, (height, width), source.name)
    for precision in ("fp32", "int8", "fp16"):  # the last changes the graph in place
        onnx.save(graph.in_precision(whole, precision), folder / f"{precision}.onnx")
    return sum(weight.numel() for weight in network.parameters()), (height, width)


def run_file(path: Path) -> Callable[[NDArray[np.float32]], object]:
    """Return a function that runs an ONNX file as maquette does."""
    import dataclasses

    from maquette.models.catalogue import resolve
    from maquette.models.session import run

    model = dataclasses.replace(resolve(EMBEDDED), name=path.stem, file=path, bytes=None, sha256=None)
    outputs = [(name, (3, 4)) for name in json.loads((path.parent / "outputs.json").read_text())]
    return lambda image: run(model, image, outputs)


def run_torch(name: str, folder: Path, way: str) -> Callable[[NDArray[np.float32]], object]:
    """Return a function that runs a network in PyTorch."""
    import torch

    from maquette.train.convert.graph import pictures
    from maquette.train.convert.source import find
    from maquette.train.nets.perception import MaquetteSmall

    torch.set_num_threads(DEFAULT_THREADS)
    network: Any = MaquetteSmall().eval() if name == EMBEDDED else pictures(find(str(folder / "source")))
    if way == "compiled":
        network = torch.compile(network)

    def run(image: NDArray[np.float32]) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(image))

    return run


def measure(name: str, way: str, folder: Path, size: tuple[int, int]) -> dict[str, float]:
    """Time one way to run a network in this process."""
    from timing import timed

    image = np.random.default_rng(0).standard_normal((1, 3, *size), np.float32)

    def prepare() -> Callable[[], object]:
        run = run_torch(name, folder, way) if way in TORCH else run_file(folder / f"{way}.onnx")
        return lambda: run(image)

    return timed(prepare)


def child(name: str, way: str, folder: Path) -> dict[str, Any] | str:
    """Run this file in a process of its own: what it prints as JSON, or why it failed."""
    # a cache of compiled code would hide how long compiling takes
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
    command = [sys.executable, __file__, CHILD, name, way, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return f"not ready after {PATIENCE_S} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1][:120].replace("|", "/")
    made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return made


def rows(name: str, folder: Path) -> None:
    """Print the lines of one network."""
    made = child(name, "prepare", folder)
    if isinstance(made, str):
        print(f"| {name} | | | {made} | | | | | |", flush=True)
        return
    (folder / "size.json").write_text(json.dumps(made["size"]))
    shape = " x ".join(map(str, made["size"]))
    for way in (*FILES, *TORCH):
        file = folder / f"{way}.onnx"
        if way in FILES and not file.is_file():
            continue
        by = f"PyTorch, {way}" if way in TORCH else f"ONNX Runtime, {way}"
        stored = "" if way in TORCH else f"{file.stat().st_size / 1e6:.1f}"
        start = f"| {name} | {made['weights'] / 1e6:.1f} M | {shape} | {by} | {stored} |"
        ran = child(name, way, folder)
        if isinstance(ran, str):
            print(f"{start} {ran} | | | |", flush=True)
        else:
            print(
                f"{start} {ran['ready_s']:.1f} | {ran['ms']:.0f} ({ran['low_ms']:.0f} - {ran['high_ms']:.0f}) "
                f"| {ran['cpu_ms']:.0f} | {ran['peak_gb']:.2f} |",
                flush=True,
            )


def serve(name: str, way: str, folder: Path) -> None:
    """Do one part of the work, and print what came of it as JSON."""
    if way == "prepare":
        made = prepare(name, folder)
    else:
        made = measure(name, way, folder, json.loads((folder / "size.json").read_text()))
    print(json.dumps(made))


def main() -> None:
    """Print the table."""
    from architectures import NETWORKS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=(EMBEDDED, *NETWORKS), default=QUICK)
    arguments = parser.parse_args()
    print(header(), "\n")
    print("| network | weights | input | run by | MB | ready after s | ms, median (quartiles) | CPU ms | peak GB |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as folder:
            rows(name, Path(folder))


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        serve(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        main()

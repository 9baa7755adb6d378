"""Export networks with random weights in every precision: size, error against PyTorch, latency and memory.

    python benchmarks/export.py [--full] [NAME ...]

Without ``--full`` the networks are tiny and the table shows the errors alone that matter; with it they have their
published size, a gigabyte of weights for the largest. One network at a time, each in processes of its own; latency is
the median of some runs after one to warm up, on two threads, and memory the peak of a process that does nothing else.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np

from maquette.errors import ModelError
from maquette.models.options import ExportOptions, Precision

SIZES = {"glpn-b4": (480, 640), "eomt-base": (640, 640), "oneformer-swin-l": (640, 640)}
"""Full size: (height, width) of the input."""
TINY_SIZES = {"eomt-base": (96, 96), "dpt-large": (64, 64), "depth-anything-small": (70, 98)}
TINY = (
    "oneformer-swin-t mask2former-swin-t eomt-base detr-resnet-50 glpn-b0 depth-anything-small dpt-large zoedepth"
).split()
RUNS = 5


def header() -> str:
    """Say what was measured on."""
    import onnxruntime
    import torch
    import transformers

    return (
        f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} shared CPU cores, torch {torch.__version__}, "
        f"transformers {transformers.__version__}, onnxruntime {onnxruntime.__version__}"
    )


def export(name: str, full: bool, folder: Path) -> list[dict[str, Any]]:
    """Write one network in every precision; what would be refused is written too."""
    import onnx

    from architectures import save
    from maquette.models.entry import read_entry
    from maquette.perception.network import to_input
    from maquette.train.convert import card, check, contract, graph
    from maquette.train.convert.source import find

    save(name, "real" if full else "tiny", folder / "source")
    source = find(str(folder / "source"))
    height, width = SIZES[name] if full else TINY_SIZES.get(name, (96, 128))
    options = ExportOptions(height=height, width=width)
    fields = {"input": contract.input_fields(source, options), "output": contract.output_fields(source, options)}
    entry = card.fields(source, fields)
    planned = read_entry({"name": name, **entry}, folder, folder)
    network = graph.pictures(source)
    parameters = sum(weight.numel() for weight in network.parameters())
    images = [to_input(rgb, planned.input)[0] for rgb in check.sample_pictures()]
    truths = [graph.reference(network, image, name) for image in images]
    start, cpu = time.perf_counter(), time.process_time()
    whole = graph.to_graph(network, (height, width), name)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    del network
    rows = []
    for precision in ("fp32", "int8", "fp16"):  # the last changes the graph in place
        path = folder / f"{precision}.onnx"
        try:
            onnx.save(graph.in_precision(whole, precision), path)
        except ModelError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        path.with_suffix(".json").write_text(card.to_json(entry))
        model = read_entry({"name": name, **entry, "file": path.name}, path, folder)
        agreement = check.compare(model, images, truths)
        rows.append(
            {
                "precision": precision,
                "parameters": parameters,
                "megabytes": path.stat().st_size / 1e6,
                "export_s": seconds,
                "export_cpu_s": cpu_seconds,
                "error": max(agreement.errors.values()),
                "moved": agreement.moved,
                "segments": agreement.segments,
            }
        )
    return rows


def latency(path: Path) -> dict[str, float]:
    """Run one file as maquette does."""
    from maquette.models.catalogue import resolve
    from maquette.models.session import run
    from maquette.models.types import DepthContract, PanopticContract

    model = resolve(str(path))
    contract = model.output
    assert model.input.size is not None
    if isinstance(contract, PanopticContract):
        wanted = [(contract.classes, (3,)), (contract.masks, (4,))]
    else:
        assert isinstance(contract, DepthContract)
        wanted = [(contract.name, (3,))]
    image = np.random.default_rng(0).standard_normal((1, 3, *model.input.size), np.float32)
    times, cpu_times = [], []
    for _ in range(RUNS + 1):
        start, cpu = time.perf_counter(), time.process_time()
        run(model, image, wanted)
        times.append(time.perf_counter() - start)
        cpu_times.append(time.process_time() - cpu)
    return {
        "ms": 1000 * statistics.median(times[1:]),
        "fastest_ms": 1000 * min(times[1:]),
        "cpu_ms": 1000 * statistics.median(cpu_times[1:]),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def child(*words: str) -> Any:
    """Run this file in a process of its own and return what it prints."""
    done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def row(name: str, made: dict[str, Any], ran: dict[str, float], size: tuple[int, int]) -> str:
    """Return one line of the table."""
    moved = "-" if made["moved"] is None else f"{made['moved']:.2%} of {made['segments']}"
    return (
        f"| {name} | {made['parameters'] / 1e6:.1f} M | {size[0]} x {size[1]} | {made['precision']} "
        f"| {made['megabytes']:.1f} | {made['export_s']:.0f} ({made['export_cpu_s']:.0f}) | {made['error']:.1e} "
        f"| {moved} | {ran['ms']:.0f} ({ran['fastest_ms']:.0f}, {ran['cpu_ms']:.0f}) | {ran['peak_gb']:.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="networks of benchmarks/architectures.py")
    parser.add_argument("--full", action="store_true", help="networks of their published size")
    parser.add_argument("--export", metavar="FOLDER", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--latency", metavar="FILE", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.export:
        print(json.dumps(export(arguments.names[0], arguments.full, arguments.export)))
        return
    if arguments.latency:
        print(json.dumps(latency(arguments.latency)))
        return
    print(header(), "\n")
    print(
        "| network | weights | input | stored as | MB | export s (CPU s) | relative error | moved pixels, of segments "
        "| latency ms (fastest, CPU) | peak GB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.names or (list(SIZES) if arguments.full else TINY):
        size = SIZES[name] if arguments.full else TINY_SIZES.get(name, (96, 128))
        with tempfile.TemporaryDirectory() as folder:
            made = {
                entry["precision"]: entry
                for entry in child(name, "--export", folder, *(["--full"] if arguments.full else []))
            }
            for precision in (one for one in get_args(Precision) if one in made):
                ran = child("--latency", str(Path(folder) / f"{precision}.onnx"))
                print(row(name, made[precision], ran, size), flush=True)


if __name__ == "__main__":
    main()

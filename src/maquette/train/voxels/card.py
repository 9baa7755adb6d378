"""The cards of the two voxel networks, generated from what their training and their evaluation wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maquette.models.catalogue import EMBEDDED, resolve
from maquette.models.types import VoxelKind
from maquette.voxels.types import CLASSES

PUBLISHED = {"chair": 0.302, "table": 0.358, "nightstand": 0.420, "laptop": 0.149, "bag": 0.154, "person": 0.450}
PUBLISHED_RECONSTRUCTION, PUBLISHED_SEGMENTATION = 0.392, 0.384
"""Everted U-Net, tables 1 and 2, of its final version; on scenes of its own, which are not published."""

WEAK = 0.3
"""IoU on unseen styles below which a class counts among the failures."""

_WHAT: dict[VoxelKind, str] = {
    "lifting": "A room's cells, taken or not and in six classes, from pictures of any calibrated rig.",
    "fixed": "The studio's cells, taken or not and in six classes, from pictures of its three cameras: the network of "
    "the Everted U-Net paper (section 3.2), trained here, on features of MobileNetV2 where the paper has ResNet-50's.",
}

_INPUTS: dict[VoxelKind, tuple[str, ...]] = {
    "lifting": (
        "- `projection` float32 (V, 3, 4): a point (x, y, z, 1) of the grid, in metres along its axes, to (u d, v d, "
        "d): d is its depth in metres, u and v run from -1 to 1 over the square picture, edge to edge.",
        "- `x` (X,), `y` (Y,), `z` (Z,) float32: middles of the cells along each axis, metres; z is up; X, Y and Z are "
        "multiples of 16.",
    ),
    "fixed": ("- `view` int64 (V,): which camera of the studio each picture is from: 0, 1 or 2.",),
}

_NETWORK: dict[VoxelKind, str] = {
    "lifting": "",
    "fixed": "--network benchmarks/networks/maquette-voxels-paper.onnx ",
}
"""How it is named on the command line: one is the default, the other is not in the package."""

_CELLS: dict[VoxelKind, str] = {"lifting": "X, Y, Z", "fixed": "80, 96, 64"}

_LIMITS: dict[VoxelKind, tuple[str, ...]] = {
    "lifting": (
        "- It learned one rig: three cameras in corners of a studio of 4.0 x 4.8 x 3.2 m, 70 degrees wide. Any rig can "
        "be given, but others were not learned from.",
    ),
    "fixed": (
        "- It knows the three cameras of the studio by their number and has their places in its weights: pictures of "
        "another rig mean nothing to it.",
    ),
}
_ALWAYS = (
    "- It learned from rendered pictures alone, and was measured on such. How it does on photos of a real studio is "
    "unknown.",
    "- It knows six classes; other things come out as one of them or not at all.",
    "- What no camera sees is guessed.",
)


def render(numbers: dict[str, Any]) -> str:
    """Return the card in Markdown.

    Args:
        numbers: ``name`` and ``kind`` of the network; ``file``: ``bytes``, ``sha256``, ``parameters``, ``opset`` and
            ``parity``, the greatest difference between ONNX Runtime and PyTorch; ``data``: a list of sets of scenes
            (``name``, ``scenes``, ``seed``, ``styles``, ``use``); ``training``: ``seconds`` of processor time,
            ``samples``, ``stages`` (records of the same fields), ``options`` and maybe ``notes``; ``measured``: by the
            name of a set of scenes what ``evaluate.report`` gives.
    """
    kind: VoxelKind = numbers["kind"]
    thresholds = next(iter(numbers["measured"].values()))["thresholds"]
    sections = (
        _head(numbers["name"], kind, numbers["file"], thresholds),
        _contract(kind),
        _learned_from(numbers["data"]),
        _training(numbers["training"]),
        _worth(numbers["measured"]),
        _limits(kind, numbers["measured"]),
        _commands(kind, numbers["data"]),
    )
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _head(name: str, kind: VoxelKind, file: dict[str, Any], thresholds: dict[str, float]) -> list[str]:
    return [
        f"# {name}",
        "",
        f"{_WHAT[kind]} Generated from `{name}.json`; do not edit.",
        "",
        f"- File: `{name}.onnx`, {file['bytes']:,} bytes, sha256 `{file['sha256']}`",
        f"- Parameters: {file['parameters']:,}, ONNX opset {file['opset']}",
        f"- ONNX Runtime against PyTorch: probabilities at most {file['parity']:.1e} apart",
        f"- Thresholds, the best on validation scenes: {thresholds['occupancy']:g} for occupancy, "
        f"{thresholds['classes']:g} for classes",
        "- Licence of the weights: Apache-2.0; what they learned from is listed below",
    ]


def _contract(kind: VoxelKind) -> list[str]:
    return [
        "## Contract",
        "",
        "Inputs:",
        "",
        "- `images` float32 (V, 3, 224, 224): RGB in [-1, 1], one or more views.",
        *_INPUTS[kind],
        "",
        "Outputs, probabilities in float32:",
        "",
        f"- `occupancy` ({_CELLS[kind]}): that anything is in a cell.",
        f"- `classes` (6, {_CELLS[kind]}): that {', '.join(CLASSES[:-1])} or {CLASSES[-1]} is; they need not sum to 1.",
    ]


def _learned_from(sets: list[dict[str, Any]]) -> list[str]:
    frozen = resolve(EMBEDDED)
    return [
        "## What it learned from, all the way down",
        "",
        "| what | how it was used | terms |",
        "|---|---|---|",
        f"| MobileNetV2 of `{frozen.name}` {frozen.tag} | frozen features of the pictures | weights "
        f"{frozen.licence_weights}. They learned from: {frozen.training_data} (`{frozen.name}.md`) |",
        *(
            f"| {one['scenes']} rendered studio scenes (`{one['name']}`: seed {one['seed']}, {one['styles']} styles) "
            f"| {one['use']} | made by `maquette worlds`, Apache-2.0 |"
            for one in sets
        ),
        "",
        "Scenes have three pictures of 224 x 224 px and 80 x 96 x 64 cells of 5 cm. Unseen styles are varieties of the "
        "six classes that are in no scene learned from.",
    ]


def _training(training: dict[str, Any]) -> list[str]:
    fields = list(dict.fromkeys(name for stage in training["stages"] for name in stage))
    return [
        "## Training",
        "",
        f"{training['seconds'] / 3600:.1f} hours of processor time for {training['samples']:,} samples, in stages:",
        "",
        f"| {' | '.join(fields)} |",
        "|---" * len(fields) + "|",
        *(f"| {' | '.join(_plain(stage.get(name, '')) for name in fields)} |" for stage in training["stages"]),
        "",
        "Options: " + ", ".join(f"{name} {_plain(value)}" for name, value in training["options"].items()) + ".",
        *(line for note in training.get("notes", ()) for line in ("", note)),
    ]


def _worth(measured: dict[str, Any]) -> list[str]:
    return [
        "## What it is worth",
        "",
        *view_table({f"{name} ({report['scenes']})": report for name, report in measured.items()}),
        "",
        *class_table(measured),
    ]


def view_table(reports: Mapping[str, dict[str, Any]], columns: str = "scenes") -> list[str]:
    """Return what ``evaluate.report`` gave of scenes and networks as a table, with an explanation above.

    Args:
        reports: By what stands in the first columns.
        columns: The titles of those.
    """
    lines = [
        "Reconstruction: IoU of occupancy. Segmentation: IoU of the classes' masks, mean over classes and of all "
        "together (overall). First number: of the cells of all scenes; second: mean of the scenes' own, where a class "
        "that is neither there nor found does not count. PQ, SQ, RQ: whole objects, matched above IoU 0.5, mean over "
        f"classes. The paper gives {PUBLISHED_RECONSTRUCTION} for reconstruction and {PUBLISHED_SEGMENTATION} for "
        "segmentation with three views, does not say how it averages, and measured on scenes of its own that are not "
        "published: its figures and these do not compare.",
        "",
        f"| {columns} | views | reconstruction | segmentation, mean | segmentation, overall | PQ | SQ | RQ |",
        "|---" * (columns.count("|") + 8) + "|",
    ]
    for first, report in reports.items():
        for views, numbers in report["views"].items():
            cells = [_both(numbers, measure) for measure in ("occupancy", "miou", "overall")]
            objects = [_shown(numbers["objects"][measure]) for measure in ("pq", "sq", "rq")]
            lines.append(f"| {first} | {views} | {' | '.join(cells + objects)} |")
    return lines


def class_table(reports: Mapping[str, dict[str, Any]], columns: str = "scenes") -> list[str]:
    """Return the IoU of each class with the most views; arguments as of ``view_table``."""
    lines = [
        "IoU of each class, with the most views:",
        "",
        f"| {columns} | {' | '.join(CLASSES)} | mean |",
        "|---" * (columns.count("|") + len(CLASSES) + 2) + "|",
    ]
    published = [*(PUBLISHED[label] for label in CLASSES), sum(PUBLISHED.values()) / len(CLASSES)]
    lines.append(f"| {'the paper, its own' + ' |' * columns.count('|')} | {' | '.join(map(_shown, published))} |")
    for first, report in reports.items():
        numbers = list(report["views"].values())[-1]
        pooled, own = numbers["pooled"]["classes"], numbers["per_sample"]["classes"]
        cells = [f"{_shown(pooled[label])} / {_shown(own[label])}" for label in CLASSES]
        lines.append(f"| {first} | {' | '.join(cells)} | {_both(numbers, 'miou')} |")
    return lines


def _limits(kind: VoxelKind, measured: dict[str, Any]) -> list[str]:
    lines = ["## Where it fails", "", *_LIMITS[kind], *_ALWAYS]
    if "unseen" in measured:
        numbers = list(measured["unseen"]["views"].values())[-1]["pooled"]["classes"]
        weak = [f"{label} ({value:.2f})" for label, value in numbers.items() if value is not None and value < WEAK]
        if weak:
            lines.append(f"- In unseen styles these have an IoU below {WEAK}: {', '.join(weak)}.")
    return lines


def _commands(kind: VoxelKind, sets: list[dict[str, Any]]) -> list[str]:
    return [
        "## Commands",
        "",
        f"    maquette voxels A.png B.png C.png {_NETWORK[kind]}-o OUT",
        *(
            f"    maquette worlds generate -o DATA/{one['name']} --kind studio --styles {one['styles']} "
            f"--scenes {one['scenes']} --seed {one['seed']}"
            for one in sets
        ),
        "    python benchmarks/voxels.py table DATA",
    ]


def _both(numbers: dict[str, Any], measure: str) -> str:
    return f"{_shown(numbers['pooled'][measure])} / {_shown(numbers['per_sample'][measure])}"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " x ".join(map(_plain, value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)

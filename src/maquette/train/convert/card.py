"""The card of an exported network: the JSON file that the catalogue reads, and the same for people."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import Any

import onnxruntime
import torch
import transformers

from maquette.models.options import ExportOptions
from maquette.train.convert.check import LIMITS, Agreement
from maquette.train.convert.graph import OPSET
from maquette.train.convert.source import Source


def fields(source: Source, contract: dict[str, Any]) -> dict[str, Any]:
    """Return the catalogue's fields of a network before its file is written.

    Args:
        source: Where it comes from.
        contract: Its ``input`` and ``output``.
    """
    return {
        "task": source.family.task,
        "tag": (source.commit or "local")[:12],
        "licence_code": "Apache-2.0 (transformers)",
        "licence_weights": _licence(source.card),
        "training_data": _datasets(source.card),
        **contract,
    }


def export_fields(source: Source, options: ExportOptions, parameters: int, agreement: Agreement) -> dict[str, Any]:
    """Return the catalogue's field ``export``: what was exported, with what, and how well."""
    return {
        "source": source.name,
        "revision": source.commit,
        "architecture": source.architecture,
        "parameters": parameters,
        "precision": options.precision,
        "opset": OPSET,
        "versions": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
        "command": command(source, options),
        "agreement": dataclasses.asdict(agreement),
    }


def command(source: Source, options: ExportOptions) -> str:
    """Return the command line that makes the same export again."""
    words = ["maquette", "models", "export", source.name]
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if value != field.default and field.name != "overwrite":
            words += [f"--{field.name}", str(value)]
    if source.commit and options.revision != source.commit:
        words = [word for word in words if word not in ("--revision", options.revision)] + ["--revision", source.commit]
    return shlex.join(words)


def render(name: str, entry: dict[str, Any]) -> str:
    """Return the card in Markdown.

    Args:
        name: Of the network.
        entry: Content of its JSON file.
    """
    made, agreement, output = entry["export"], entry["export"]["agreement"], entry["output"]
    size, (error, moved) = entry["input"]["size"], LIMITS[entry["export"]["precision"]]
    lines = [
        f"# {name}",
        "",
        f"Generated from `{name}.json`; do not edit.",
        "",
        "| | |",
        "|---|---|",
        f"| source | {made['source']}{' at ' + made['revision'] if made['revision'] else ''} |",
        f"| architecture | {made['architecture']}, {made['parameters']:,} parameters |",
        f"| file | `{name}.onnx`, {entry['bytes']:,} bytes, sha256 `{entry['sha256']}` |",
        f"| weights stored as | {made['precision']} |",
        f"| opset | {made['opset']} |",
        f"| input | one picture, {size[0]} x {size[1]} (height x width), fit by `{entry['input']['fit']}` |",
        f"| output | {_output(output)} |",
        f"| licence of the code | {entry['licence_code']} |",
        f"| licence of the weights | {entry['licence_weights']} |",
        f"| learned from | {entry['training_data']} |",
        f"| made with | {', '.join(f'{key} {value}' for key, value in made['versions'].items())} |",
        "",
        f"    {made['command']}",
        "",
        "## Agreement with PyTorch",
        "",
        f"Over {agreement['pictures']} pictures (photos, a drawing, noise), ONNX Runtime against PyTorch in float32. "
        "The error of an output is the root mean square of the difference over the standard deviation of PyTorch's "
        "output, for the worst picture.",
        "",
        "| | measured | accepted up to |",
        "|---|---|---|",
        *(f"| error of `{output}` | {found:.1e} | {error:g} |" for output, found in agreement["errors"].items()),
    ]
    if agreement["moved"] is not None:
        what = f"pixels in another segment (of {agreement['segments']} segments)"
        lines.append(f"| {what} | {agreement['moved']:.3%} | {moved:.1%} |")
    return "\n".join([*lines, ""])


def to_json(entry: dict[str, Any]) -> str:
    """Return the JSON file's content."""
    return json.dumps(entry, ensure_ascii=False, indent=1) + "\n"


def _output(output: dict[str, Any]) -> str:
    if output["kind"] == "query_masks":
        words = output.get("vocabulary", "a vocabulary of its own")
        return f"class and mask logits of queries; {len(output['categories'])} categories ({words})"
    return f"depth, {output['kind']}"


def _licence(card: dict[str, Any]) -> str:
    licence = card.get("license_name") if card.get("license") == "other" else card.get("license")
    return str(licence or card.get("license") or "unknown")


def _datasets(card: dict[str, Any]) -> str:
    named = card.get("datasets") or []
    return ", ".join(map(str, [named] if isinstance(named, str) else named)) or "unknown"

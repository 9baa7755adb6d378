"""The contract of a network, from its configuration: the fields of ``docs/models.md``."""

from __future__ import annotations

import re
from typing import Any, get_args

from maquette.errors import ModelError
from maquette.labels import Vocabulary, from_name
from maquette.models.options import ExportOptions
from maquette.train.convert.source import Source

INPUT = "image"
_UNNAMED = re.compile(r"LABEL_\d+")


def input_fields(source: Source, options: ExportOptions) -> dict[str, Any]:
    """Return the contract's ``input``: size, fit and normalisation as the network's own preprocessing has them.

    Raises:
        ModelError: Only one of height and width is given, or a value that no picture can have.
    """
    processor, (mean, std) = source.processor, source.family.normal
    fields: dict[str, Any] = {
        "name": INPUT,
        "size": list(_size(source, options)),
        "fit": options.fit or ("pad" if source.family.task == "panoptic" else "stretch"),
        "scale": processor.get("rescale_factor", 1 / 255) if processor.get("do_rescale", True) else 1.0,
    }
    if processor.get("do_normalize", True):
        fields["mean"] = list(processor.get("image_mean") or mean)
        fields["std"] = list(processor.get("image_std") or std)
    return fields


def output_fields(source: Source, options: ExportOptions) -> dict[str, Any]:
    """Return the contract's ``output``.

    Raises:
        ModelError: The classes of a segmentation network have no names.
    """
    family, config = source.family, source.config
    if family.task == "depth":
        kind = options.kind or ("metric" if config.get("depth_estimation_type") == "metric" else family.kind)
        return {"name": family.outputs[0], "kind": kind}
    labels = config.get("id2label") or {}
    names = [str(labels.get(str(index), "")) for index in range(len(labels))]
    if not any(name and not _UNNAMED.fullmatch(name) for name in names):
        raise ModelError(
            f"{source.folder / 'config.json'}: does not name its classes (id2label); write their names there"
        )
    return {
        "kind": "query_masks",
        "classes": family.outputs[0],
        "masks": family.outputs[1],
        **_named(["void" if not name or _UNNAMED.fullmatch(name) else name for name in names]),
    }


def _size(source: Source, options: ExportOptions) -> tuple[int, int]:
    """(height, width) of the input; 4:3 where the network takes any shape and says only how long a side is."""
    family = source.family
    if options.height is not None and options.width is not None:
        if min(options.height, options.width) < 1:
            raise ModelError(f"{options.height} x {options.width}: not the size of a picture")
        return options.height, options.width
    if options.height is not None or options.width is not None:
        raise ModelError("give both the height and the width of the input, or neither")
    own = source.config.get("image_size")
    if family.shape == "own" and isinstance(own, int):
        return own, own
    asked = source.processor.get("size")
    if isinstance(asked, int):
        asked = {"shortest_edge": asked, "longest_edge": source.processor.get("max_size")}
    if not isinstance(asked, dict):
        return family.size
    if asked.get("shortest_edge") is None:
        height, width = asked["height"], asked["width"]
        if height != width or family.shape == "own" or not source.processor.get("keep_aspect_ratio"):
            return height, width
        asked = {"shortest_edge": height}
    short = asked["shortest_edge"]
    long = short if family.shape == "own" else min(asked.get("longest_edge") or short * 2, short * 4 / 3)
    height, width = (max(1, round(side / family.multiple)) * family.multiple for side in (short, long))
    return height, width


def _named(names: list[str]) -> dict[str, Any]:
    """The names of the classes in the spelling of the vocabulary that knows most of them, and that vocabulary."""
    known = {
        vocabulary: sum(_spelled(name, vocabulary) is not None for name in names) for vocabulary in get_args(Vocabulary)
    }
    best = max(known, key=lambda vocabulary: known[vocabulary])
    fields: dict[str, Any] = {"categories": [_spelled(name, best) or name for name in names]}
    if known[best] > sum(name != "void" for name in names) / 2:
        fields["vocabulary"] = best
    return fields


def _spelled(name: str, vocabulary: Vocabulary) -> str | None:
    """The first of a class's synonyms (ADE20K separates them with commas) that a vocabulary knows."""
    return next((word for word in [name, *name.split(",")] if from_name(word, vocabulary)), None)

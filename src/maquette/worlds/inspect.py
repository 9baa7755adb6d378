"""What a data set holds: counts, styles, how much of things is seen, and how far away everything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.datasets.statistics import Depths, depth_rows
from maquette.worlds.record import CLASSES, ObjectRecord, SceneRecord

_STYLES = 8


def summarize(records: Iterable[SceneRecord]) -> dict[str, Any]:
    """Count over records, one at a time: memory does not grow with their number.

    Returns:
        JSON-ready: ``scenes``, ``pictures``, ``kinds`` (scenes by kind), ``families``, ``depth_m`` (by kind, and
        ``all``) and ``grid``.

        A family has its ``count``, ``per_scene``, ``styles`` (count by name), ``visible`` (mean share of its pixels
        within a frame that are seen, over objects and views; None where it was not stored) and ``hidden`` (share of
        these objects and views where nothing is seen of it).

        Depths have ``minimum``, ``average``, ``maximum``, ``quantiles`` (by share, exact to 0.07 per cent) and ``sky``
        (the share of pixels without depth). ``grid`` has the shares of cells that are ``occupied`` and of each class.
    """
    scenes = pictures = 0
    kinds: Counter[str] = Counter()
    families: dict[str, _Family] = {}
    depths: dict[str, Depths] = {}
    cells = _Cells()
    for record in records:
        scenes += 1
        pictures += len(record.pictures)
        kinds[record.kind or "unknown"] += 1
        for entry in record.objects:
            families.setdefault(entry.family, _Family()).add(entry)
        for view in record.views:
            depths.setdefault(record.kind or "unknown", Depths()).add(view.depth_m)
        cells.add(record)
    if len(depths) > 1:
        depths["all"] = sum(depths.values(), Depths())
    return {
        "scenes": scenes,
        "pictures": pictures,
        "kinds": dict(sorted(kinds.items())),
        "families": {name: family.summary(scenes) for name, family in sorted(families.items())},
        "depth_m": {kind: _with_sky(found.summary()) for kind, found in depths.items()},
        "grid": cells.summary(),
    }


def tables(summary: dict[str, Any]) -> str:
    """The summary as text, with the most frequent styles alone."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in summary["kinds"].items())
    lines = [f"{summary['scenes']} scenes ({kinds}), {summary['pictures']} pictures"]
    if summary["families"]:
        lines += ["", f"{'family':<12}{'count':>8}{'a scene':>9}{'visible':>9}{'hidden':>8}  styles"]
    for name, family in summary["families"].items():
        common = sorted(family["styles"].items(), key=lambda entry: -entry[1])
        styles = ", ".join(f"{style} {count}" for style, count in common[:_STYLES])
        styles += f" and {len(common) - _STYLES} more" if len(common) > _STYLES else ""
        lines.append(
            f"{name:<12}{family['count']:>8}{family['per_scene']:>9.2f}{_percent(family['visible']):>9}"
            f"{_percent(family['hidden']):>8}  {styles}"
        )
    depths = summary["depth_m"]
    if depths:
        lines += ["", *depth_rows(depths)]
        lines.append(f"{'sky':<12}" + "".join(f"{_percent(found['sky']):>11}" for found in depths.values()))
    if summary["grid"]:
        shares = [f"{name} {share:.2%}" for name, share in summary["grid"].items()]
        lines += ["", "cells: " + ", ".join(shares)]
    return "\n".join(lines)


def _with_sky(depths: dict[str, Any]) -> dict[str, Any]:
    """In worlds, what has no depth is sky."""
    valid = depths.pop("valid")
    return {**depths, "sky": 1 - valid}


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


@dataclass
class _Family:
    count: int = 0
    styles: Counter[str] = field(default_factory=Counter)
    framed: int = 0
    hidden: int = 0
    fractions: float = 0.0

    def add(self, entry: ObjectRecord) -> None:
        self.count += 1
        self.styles[entry.style] += 1
        for seen in entry.visibility:
            if seen.amodal_px:
                self.framed += 1
                self.hidden += not seen.visible_px
                self.fractions += seen.fraction

    def summary(self, scenes: int) -> dict[str, Any]:
        return {
            "count": self.count,
            "per_scene": self.count / scenes,
            "visible": self.fractions / self.framed if self.framed else None,
            "hidden": self.hidden / self.framed if self.framed else None,
            "styles": dict(sorted(self.styles.items())),
        }


@dataclass
class _Cells:
    cells: int = 0
    occupied: int = 0
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(CLASSES), np.int64))

    def add(self, record: SceneRecord) -> None:
        if record.occupancy is not None:
            self.cells += record.occupancy.size
            self.occupied += int(record.occupancy.sum())
        if record.classes is not None:
            self.classes += record.classes.sum(axis=(0, 1, 2))

    def summary(self) -> dict[str, float]:
        if not self.cells:
            return {}
        shares = zip(CLASSES, (self.classes / self.cells).tolist(), strict=True)
        return {"occupied": self.occupied / self.cells, **dict(shares)}

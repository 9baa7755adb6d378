"""What a data set holds: counts, styles, how much of things is seen, and how far away everything is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.worlds.record import CLASSES, ObjectRecord, SceneRecord

QUANTILES = (0.001, 0.01, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.999)
"""Those of the table of depths that DIODE was analysed with (Diorama paper, table 1)."""

_STYLES = 8
_PER_OCTAVE = 512
_LOWEST = -10
_HIGHEST = 16


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
    depths: dict[str, _Depths] = {}
    cells = _Cells()
    for record in records:
        scenes += 1
        pictures += len(record.pictures)
        kinds[record.kind or "unknown"] += 1
        for entry in record.objects:
            families.setdefault(entry.family, _Family()).add(entry)
        for view in record.views:
            depths.setdefault(record.kind or "unknown", _Depths()).add(view.depth_m)
        cells.add(record)
    if len(depths) > 1:
        depths["all"] = sum(depths.values(), _Depths())
    return {
        "scenes": scenes,
        "pictures": pictures,
        "kinds": dict(sorted(kinds.items())),
        "families": {name: family.summary(scenes) for name, family in sorted(families.items())},
        "depth_m": {kind: found.summary() for kind, found in depths.items()},
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
        lines += ["", f"{'depth in m':<12}" + "".join(f"{kind:>11}" for kind in depths)]
        for title, key in (("minimum", "minimum"), ("average", "average"), ("maximum", "maximum")):
            lines.append(f"{title:<12}" + "".join(f"{found[key]:>11.2f}" for found in depths.values()))
        for share in QUANTILES:
            row = "".join(f"{found['quantiles'][str(share)]:>11.2f}" for found in depths.values())
            lines.append(f"{f'Q {share:g}':<12}{row}")
        lines.append(f"{'sky':<12}" + "".join(f"{_percent(found['sky']):>11}" for found in depths.values()))
    if summary["grid"]:
        shares = [f"{name} {share:.2%}" for name, share in summary["grid"].items()]
        lines += ["", "cells: " + ", ".join(shares)]
    return "\n".join(lines)


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
class _Depths:
    """A histogram of depths with bins of equal ratio."""

    histogram: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((_HIGHEST - _LOWEST) * _PER_OCTAVE, dtype=np.int64)
    )
    total_m: float = 0.0
    pixels: int = 0
    minimum: float = np.inf
    maximum: float = 0.0

    def add(self, depth_m: NDArray[np.float32]) -> None:
        self.pixels += depth_m.size
        known = depth_m[depth_m > 0]
        if known.size:
            bins = ((np.log2(known) - _LOWEST) * _PER_OCTAVE).astype(np.int64).clip(0, len(self.histogram) - 1)
            self.histogram += np.bincount(bins, minlength=len(self.histogram))
            self.total_m += float(known.sum(dtype=np.float64))
            self.minimum = min(self.minimum, float(known.min()))
            self.maximum = max(self.maximum, float(known.max()))

    def __add__(self, other: _Depths) -> _Depths:
        return _Depths(
            self.histogram + other.histogram,
            self.total_m + other.total_m,
            self.pixels + other.pixels,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )

    def summary(self) -> dict[str, Any]:
        below = np.cumsum(self.histogram)
        known = int(below[-1])
        if not known:
            nothing = dict.fromkeys(map(str, QUANTILES), 0.0)
            return {"minimum": 0.0, "average": 0.0, "maximum": 0.0, "quantiles": nothing, "sky": 1.0}
        at = np.searchsorted(below, np.array(QUANTILES) * known)
        middles = np.exp2((at + 0.5) / _PER_OCTAVE + _LOWEST).clip(self.minimum, self.maximum)
        return {
            "minimum": self.minimum,
            "average": self.total_m / known,
            "maximum": self.maximum,
            "quantiles": {str(share): float(value) for share, value in zip(QUANTILES, middles, strict=True)},
            "sky": 1 - known / self.pixels,
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

"""How far away things are in many pictures: minimum, average, maximum and quantiles, in memory that does not grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = (0.001, 0.01, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 0.999)
"""Those of the table of depths that DIODE was analysed with (Diorama paper, table 1)."""

_PER_OCTAVE = 512
_LOWEST = -10
_HIGHEST = 16


@dataclass
class Depths:
    """A histogram of depths with bins of equal ratio, 2^(1/512), from 2^-10 to 2^16 m. Two of them add."""

    histogram: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((_HIGHEST - _LOWEST) * _PER_OCTAVE, dtype=np.int64)
    )
    total_m: float = 0.0
    pixels: int = 0
    minimum: float = np.inf
    maximum: float = 0.0

    def add(self, depth_m: NDArray[np.float32]) -> None:
        """Count a depth map, metres, 0 where unknown."""
        self.pixels += depth_m.size
        known = depth_m[depth_m > 0]
        if known.size:
            bins = ((np.log2(known) - _LOWEST) * _PER_OCTAVE).astype(np.int64).clip(0, len(self.histogram) - 1)
            self.histogram += np.bincount(bins, minlength=len(self.histogram))
            self.total_m += float(known.sum(dtype=np.float64))
            self.minimum = min(self.minimum, float(known.min()))
            self.maximum = max(self.maximum, float(known.max()))

    def __add__(self, other: Depths) -> Depths:
        """Count the maps of both."""
        return Depths(
            self.histogram + other.histogram,
            self.total_m + other.total_m,
            self.pixels + other.pixels,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
        )

    def summary(self) -> dict[str, Any]:
        """What was counted, JSON-ready.

        Returns:
            ``minimum``, ``average``, ``maximum`` and ``quantiles`` (by share, exact to 0.07 per cent) in metres, all 0
            where no depth is known, and ``valid``, the share of pixels whose depth is.
        """
        below = np.cumsum(self.histogram)
        known = int(below[-1])
        if not known:
            nothing = dict.fromkeys(map(str, QUANTILES), 0.0)
            return {"minimum": 0.0, "average": 0.0, "maximum": 0.0, "quantiles": nothing, "valid": 0.0}
        at = np.searchsorted(below, np.array(QUANTILES) * known)
        middles = np.exp2((at + 0.5) / _PER_OCTAVE + _LOWEST).clip(self.minimum, self.maximum)
        return {
            "minimum": self.minimum,
            "average": self.total_m / known,
            "maximum": self.maximum,
            "quantiles": {str(share): float(value) for share, value in zip(QUANTILES, middles, strict=True)},
            "valid": known / self.pixels,
        }


def depth_rows(depths: dict[str, dict[str, Any]]) -> list[str]:
    """Lines of a table of ``Depths.summary``, a column for each name."""
    lines = [f"{'depth in m':<12}" + "".join(f"{name:>11}" for name in depths)]
    for title in ("minimum", "average", "maximum"):
        lines.append(f"{title:<12}" + "".join(f"{found[title]:>11.2f}" for found in depths.values()))
    for share in QUANTILES:
        row = "".join(f"{found['quantiles'][str(share)]:>11.2f}" for found in depths.values())
        lines.append(f"{f'Q {share:g}':<12}{row}")
    return lines

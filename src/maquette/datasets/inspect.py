"""What a data set holds: the diorama paper's table 1 for any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from maquette.datasets.statistics import Depths, depth_rows
from maquette.datasets.types import DepthFrame


def summarize(frames: Iterable[DepthFrame]) -> dict[str, Any]:
    """Count over frames, one at a time: memory does not grow with their number.

    Returns:
        JSON-ready: what ``Depths.summary`` says, and the number of ``pictures``, for each place (``indoor``,
        ``outdoor``) that there is, and for ``all`` frames.
    """
    depths: dict[str, Depths] = {}
    pictures: Counter[str] = Counter()
    for frame in frames:
        place = frame.place or "unknown"
        pictures[place] += 1
        depths.setdefault(place, Depths()).add(frame.depth_m)
    pictures["all"], depths["all"] = pictures.total(), sum(depths.values(), Depths())
    return {
        place: {"pictures": pictures[place], **depths[place].summary()}
        for place in ("indoor", "outdoor", "all")
        if place in depths
    }


def table(summary: dict[str, Any]) -> str:
    """The summary as text."""
    return "\n".join(
        (
            f"{'pictures':<12}" + "".join(f"{found['pictures']:>11}" for found in summary.values()),
            f"{'valid':<12}" + "".join(f"{found['valid']:>11.1%}" for found in summary.values()),
            *depth_rows(summary),
        )
    )

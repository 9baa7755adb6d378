"""Networks against the truth of whole data sets, as the diorama paper's table 2 has it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from maquette.datasets import DepthSet, Place
from maquette.metrics.depth import DepthErrors, all_metrics_over_images, errors_by_alignment
from maquette.metrics.significance import Wilcoxon, wilcoxon
from maquette.train.depth.bars import tracked
from maquette.train.depth.predict import predict
from maquette.train.nets.glpn import Glpn

COLUMNS = {
    "rmse_m": "RMSE (m)",
    "abs_rel": "AbsRel",
    "silog_1": "SILog (1)",
    "delta1": "δ1",
    "delta2": "δ2",
    "delta3": "δ3",
    "silog_half": "SILog (0.5)",
}
"""Metrics of the table, with their titles: those of the paper's table 2, and its training loss."""
SUBSETS: dict[str, tuple[Place | None, ...]] = {
    "indoor": ("indoor",),
    "outdoor": ("outdoor",),
    "all": ("indoor", "outdoor", None),
}


@dataclass(frozen=True)
class Score:
    """How networks do on one picture.

    Attributes:
        name: Of its data set and of the frame.
        place: Where it was taken.
        errors: By the name of the network, and by alignment (``maquette.metrics.depth.errors_by_alignment``).
    """

    name: str
    place: Place | None
    errors: dict[str, dict[str, DepthErrors]]


def score(
    nets: Mapping[str, Glpn],
    sets: Sequence[DepthSet],
    size: tuple[int, int],
    farthest_m: float,
) -> tuple[list[Score], str]:
    """Measure networks on every picture of some data sets, at the pictures' own size.

    Args:
        nets: By name.
        sets: The data sets.
        size: (h, w) that the networks see.
        farthest_m: Depth beyond it counts as unknown.

    Returns:
        One entry for each picture that has any known depth, and the sha256 of all pictures with their depth.
    """
    scores: list[Score] = []
    digest = hashlib.sha256()
    for frames in sets:
        for number in tracked(range(len(frames)), f"measuring {frames.name}"):
            frame = frames[number]
            digest.update(frame.rgb.tobytes())
            digest.update(frame.depth_m.tobytes())
            truth = np.where(frame.depth_m <= farthest_m, frame.depth_m, 0)
            if truth.any():
                errors = {
                    name: errors_by_alignment(predict(net, frame.rgb, size), truth, farthest_m)
                    for name, net in nets.items()
                }
                scores.append(Score(f"{frames.name}/{frame.name}", frame.place, errors))
    return scores, digest.hexdigest()


def summary(scores: Sequence[Score]) -> dict[str, dict[str, dict[str, float]]]:
    """Return every metric by subset and network (``maquette.metrics.depth.all_metrics_over_images``)."""
    return {
        subset: {net: all_metrics_over_images([s.errors[net] for s in rows]) for net in rows[0].errors}
        for subset, rows in _subsets(scores).items()
    }


def compare(scores: Sequence[Score], first: str, second: str) -> dict[str, Wilcoxon]:
    """Test by subset whether SILog with lambda 1 differs between two networks (diorama paper, section 4.1)."""
    return {
        subset: wilcoxon(*([s.errors[net][""].silog(1.0) for s in rows] for net in (first, second)))
        for subset, rows in _subsets(scores).items()
    }


def _subsets(scores: Sequence[Score]) -> dict[str, list[Score]]:
    found = {subset: [s for s in scores if s.place in places] for subset, places in SUBSETS.items()}
    return {subset: rows for subset, rows in found.items() if rows}


def table(summed: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return the means over pictures of what ``summary`` gives, as a table in Markdown."""
    head = ["", "network", *COLUMNS.values()]
    lines = [head, ["---"] * len(head)]
    for subset, nets in summed.items():
        lines += [[subset, net, *(f"{metrics[name]:.3f}" for name in COLUMNS)] for net, metrics in nets.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def verdicts(compared: Mapping[str, Wilcoxon], second: str) -> str:
    """Return what ``compare`` says of its second network as a list in Markdown."""
    return "".join(
        f"- SILog (1), {subset}: {second} is lower in {test.lower} of {test.pairs} pictures, median difference "
        f"{test.median:+.4f}, p = {test.p_two_sided:.2g} (Wilcoxon signed-rank test, two-sided)\n"
        for subset, test in compared.items()
    )

"""How large things usually are: what turns the height of a thing in pixels into its distance."""

from __future__ import annotations

# label: height and width in metres as seen from the side, and the standard deviation of the logarithm of both.
TYPICAL_SIZE_M: dict[str, tuple[float, float, float]] = {
    "person": (1.65, 0.55, 0.15),
    "car": (1.6, 3.2, 0.3),
    "bus": (3.0, 6.0, 0.3),
    "train": (3.8, 15.0, 0.5),
    "motorcycle": (1.1, 1.8, 0.2),
    "bicycle": (1.05, 1.6, 0.2),
    "boat": (1.5, 4.0, 0.8),
    "airplane": (8.0, 30.0, 0.7),
    "horse": (1.7, 2.1, 0.2),
    "cow": (1.5, 2.2, 0.35),
    "sheep": (0.8, 1.1, 0.25),
    "dog": (0.6, 0.8, 0.4),
    "cat": (0.35, 0.45, 0.25),
    "bird": (0.25, 0.3, 0.5),
    "chair": (0.9, 0.55, 0.2),
    "armchair": (0.9, 0.85, 0.2),
    "sofa": (0.85, 1.9, 0.25),
    "bed": (0.75, 2.0, 0.35),
    "table": (0.75, 1.3, 0.35),
    "cabinet": (1.2, 1.0, 0.5),
    "shelf": (1.6, 1.0, 0.5),
    "tv": (0.45, 0.7, 0.4),
    "plant": (0.6, 0.5, 0.6),
    "bottle": (0.25, 0.09, 0.3),
    "object": (0.4, 0.4, 0.8),
}

TOP_HEIGHT_M: dict[str, float] = {"table": 0.74, "bed": 0.6}
"""Height above the floor of the level top that such furniture has."""

GAP_M: dict[str, float] = {"train": 1.0}
"""Widest gap between two feet of a thing, in metres, where that is not its width."""

ROOF_M: dict[str, float] = {"building": 10.0, "tree": 8.0}
"""Height of what stands against the sky."""

CEILING_M = 2.6
"""Height of a room."""

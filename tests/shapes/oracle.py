"""Signed distances by other means than ``sdf_grid``."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from maquette.shapes.sdf import surface
from maquette.worlds.types import Floats


def signed_distance(vertices: ArrayLike, faces: ArrayLike, points: ArrayLike) -> Floats:
    """Exact distances of (p, 3) points to a mesh, negative where its generalized winding number is more than half."""
    import igl

    places = np.ascontiguousarray(points, np.float64)
    xyz = np.ascontiguousarray(vertices, np.float64)
    distance, _ = surface(xyz, faces)(places)
    winding = igl.fast_winding_number(xyz, np.ascontiguousarray(faces, np.int64), places)
    return np.where(np.abs(winding) > 0.5, -distance, distance)

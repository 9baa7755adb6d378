"""From the points that a network sees to depth: their shift along the camera's axis, and the focal length.

Points that are true but for a shift t along z project, once t is added, onto the pixels that they were seen at. So t
and the focal length f minimise the sum over the pixels of ``|f (x, y) / (z + t) - (u, v)|^2``, with (u, v) the pixel as
seen from the principal point (Wang et al., "MoGe", CVPR 2025, section 3.1). Their scale plays no part in it.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera

FloatMap = NDArray[np.float32]

LATTICE = 64
"""Rows and columns of points, at most, from which shift and focal length are found."""
FOCAL_SIDES = (0.13, 11.5)
"""Focal lengths, in longer sides of the picture, that are believed (150 to 5 degrees of view): what is flat tells none,
and the camera stays as it is."""


def to_depth(
    points: FloatMap, valid: NDArray[np.bool_], camera: Camera, *, solve_focal: bool
) -> tuple[FloatMap, Camera]:
    """Find the depth behind a map of points of unknown shift.

    Args:
        points: (h, w, 3) over the photo, x right, y down, z forward, in any unit.
        valid: (h, w), where there is a point.
        camera: The photo's camera, at the photo's size.
        solve_focal: Whether the camera's focal length is a guess, and the points shall tell it.

    Returns:
        (h, w) float32 depth in the unit of the points, nan where there is no point or it lies behind the camera; and
        the camera, with the focal length that was found.
    """
    height, width = valid.shape
    valid = valid & np.isfinite(points).all(-1)
    rows, columns = (slice(None, None, math.ceil(side / LATTICE)) for side in (height, width))
    x_px = (np.arange(width) + 0.5) * camera.width / width - camera.center_px[0]
    y_px = (np.arange(height) + 0.5) * camera.height / height - camera.center_px[1]
    pixels = np.stack(np.meshgrid(x_px[columns], y_px[rows]), -1)
    used = valid[rows, columns]
    seen, where = points[rows, columns][used].astype(np.float64), pixels[used]
    if len(seen) < 3 or not seen[:, :2].any():
        return np.full(valid.shape, np.nan, np.float32), camera
    if solve_focal:
        focal_px = _solve(seen, where, None)[1]
        if FOCAL_SIDES[0] <= focal_px / max(camera.width, camera.height) <= FOCAL_SIDES[1]:
            camera = dataclasses.replace(camera, focal_px=focal_px)
    depth = points[..., 2] + np.float32(_solve(seen, where, camera.focal_px)[0])
    return np.where(valid & (depth > 0), depth, np.float32(np.nan)), camera


def _solve(points: NDArray[np.float64], pixels: NDArray[np.float64], focal_px: float | None) -> tuple[float, float]:
    """Return the shift and the focal length in pixels of (n, 3) points seen at (n, 2) pixels.

    The focal length, where it is not given, follows in closed form from each shift that is tried. The search begins
    where ``f (x, y) = (z + t) (u, v)``, which is linear in both, holds best.
    """
    from scipy.optimize import least_squares

    xy, z = points[:, :2], points[:, 2]
    if focal_px is None:
        system = np.stack([xy.ravel(), -pixels.ravel()], 1)
        start = float(np.linalg.lstsq(system, (pixels * z[:, None]).ravel(), rcond=None)[0][1])
    else:
        start = float((pixels * (focal_px * xy - pixels * z[:, None])).sum() / (pixels**2).sum())

    def project(shift: float) -> tuple[NDArray[np.float64], float]:
        seen = xy / (z[:, None] + shift)
        focal = focal_px or float((seen * pixels).sum() / (seen**2).sum())
        return focal * seen, focal

    nearest, step = -z.min(), 1e-6 * np.abs(points).max()
    found = least_squares(
        lambda shift: (project(shift[0])[0] - pixels).ravel(),
        max(start, nearest + 2 * step),
        bounds=(nearest + step, np.inf),
    )
    shift = float(found.x[0])
    return shift, project(shift)[1]

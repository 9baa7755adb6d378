"""A photo to what is in it, how far it is, and the camera that took it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera, world_pose
from maquette.errors import MaquetteError
from maquette.models.catalogue import EMBEDDED, DepthContract, Model, resolve, sha256, verified_path
from maquette.perception.options import PerceptionOptions
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M, Perception, Segment
from maquette.photo import Photo

__all__ = ["MAX_DEPTH_M", "SKY_DEPTH_M", "Perception", "PerceptionOptions", "Segment", "perceive"]

ASSUMED_FOV_DEG = 55.0
"""Field of view of the longer side where neither the file nor the user gives one: a 35 mm lens on 36 mm film."""
WORKING_SIDE = 384
"""Longer side, in pixels, of the maps on which geometry works."""
NETWORK_CONFIDENCE = 0.8
"""Confidence of depth from a network that the user chose, which says none of its own."""
FILLED_CONFIDENCE = 0.5
"""Confidence of depth next to what the user gave."""

_DEFAULTS = PerceptionOptions()


def perceive(
    photo: Photo,
    options: PerceptionOptions = _DEFAULTS,
    *,
    threads: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Perception:
    """Find the panoptic segments, the depth and the camera of a photo.

    Args:
        photo: Upright sRGB picture.
        options: Where segments, depth and camera come from.
        threads: Of the networks; 0 for the default.
        progress: Called with the name of each step as it begins.

    Returns:
        Everything at the photo's resolution.

    Raises:
        ModelError: A network is missing, altered, or does not keep its contract.
        MaquetteError: A file of the user's cannot be used, or ``fov_deg`` is out of range.
    """
    from maquette.perception import files
    from maquette.perception.geometry import ground_camera, join_depth
    from maquette.perception.network import run_depth, run_embedded, run_panoptic
    from maquette.perception.panoptic import from_embedded
    from maquette.perception.refine import refine_segments, upsample_within

    step = progress or (lambda _: None)
    camera, notes = _camera(photo, options.fov_deg)
    depth_model = None if options.depth_model is None else resolve(options.depth_model, "depth")
    panoptic_model = None if options.panoptic_model is None else resolve(options.panoptic_model, "panoptic")
    given_depth = None if options.depth is None else files.read_depth(options.depth, photo.width, photo.height)
    given_segments = None if options.segments is None else files.read_segments(options.segments, photo.width, photo.height)
    models = [resolve(EMBEDDED)]

    step("segments")
    embedded = run_embedded(photo.rgb, camera, threads)
    if given_segments is not None:
        ids, segments = given_segments
    else:
        if panoptic_model is None:
            soft = from_embedded(embedded)
        else:
            soft = run_panoptic(photo.rgb, panoptic_model, threads)
            models.append(panoptic_model)
        ids = refine_segments(photo.rgb, soft)
        present = np.bincount(ids.ravel(), minlength=len(soft.segments) + 1) > 0
        segments = tuple(segment for segment in soft.segments if present[segment.id])

    step("depth")
    width, height = _working_size(photo.width, photo.height)
    working = camera.resized(width, height)
    coarse_ids = _sample(ids, height, width)
    found = join_depth(
        coarse_ids, segments, _resize(embedded.depth_m, height, width), _resize(embedded.log_scale, height, width), working
    )
    depth_m = 1 / upsample_within(1 / found.depth_m, coarse_ids, ids)
    confidence = upsample_within(found.confidence, coarse_ids, ids)
    posed, horizon_px, said = found.camera, found.horizon_px, found.notes
    if depth_model is not None and given_depth is None:
        models.append(depth_model)
        raw = run_depth(photo.rgb, depth_model, camera, threads)
        theirs, aligned = _to_metres(raw, depth_model, found.depth_m, found.confidence)
        notes += aligned
        if theirs is not None:
            grid_ids = _sample(ids, *theirs.shape)
            given_depth = 1 / upsample_within(1 / theirs, grid_ids, ids)
            ...
    return Perception(...)

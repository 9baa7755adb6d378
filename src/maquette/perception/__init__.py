"""A photo to what is in it, how far it is, and the camera that took it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera, world_pose
from maquette.errors import MaquetteError, ModelError
from maquette.models.catalogue import EMBEDDED, choose, describe, resolve
from maquette.models.types import DepthContract, Model
from maquette.perception.options import PerceptionOptions
from maquette.perception.types import MAX_DEPTH_M, SKY_DEPTH_M, Perception, Segment
from maquette.photo import Photo

if TYPE_CHECKING:
    from maquette.perception.network import Embedded

__all__ = ["MAX_DEPTH_M", "SKY_DEPTH_M", "Perception", "PerceptionOptions", "Segment", "perceive"]

ASSUMED_FOV_DEG = 55.0
"""Field of view of the longer side where neither the file nor the user gives one: a 35 mm lens on 36 mm film."""
WORKING_SIDE = 384
"""Longer side, in pixels, of the maps on which geometry works."""
NETWORK_CONFIDENCE = 0.8
"""Confidence of depth from a network that the user chose, which says none of its own."""

_FloatMap = NDArray[np.float32]
_DEFAULTS = PerceptionOptions()


def perceive(
    photo: Photo,
    options: PerceptionOptions = _DEFAULTS,
    *,
    threads: int = 0,
    progress: Callable[[str], None] | None = None,
    network: Model | None = None,
) -> Perception:
    """Find the panoptic segments, the depth and the camera of a photo.

    maquette's own network and geometry always run: what a user's map or another network leaves open is theirs.

    Args:
        photo: Upright sRGB picture.
        options: Where segments, depth and camera come from.
        threads: Of the networks; 0 for the default.
        progress: Called with the name of each step as it begins.
        network: Another network of the kind of maquette's own, in its place: one that was trained anew, say.

    Returns:
        Everything at the photo's resolution.

    Raises:
        ModelError: A network is missing, altered, or does not keep its contract.
        MaquetteError: A file of the user's cannot be used, or ``fov_deg`` is out of range.
    """
    from maquette.perception import depth, files, refine
    from maquette.perception.geometry import ground_camera, join_depth
    from maquette.perception.network import run_depth, run_embedded

    step = progress or (lambda _: None)
    camera, notes = _camera(photo, options.fov_deg)
    chosen = choose(options.models)
    own = network or chosen.get("perception") or resolve(EMBEDDED)
    models = [own]
    depth_model, panoptic_model = chosen.get("depth"), chosen.get("panoptic")
    size = photo.width, photo.height
    given_m = None if options.depth is None else files.read_depth(options.depth, *size)
    given_segments = None if options.segments is None else files.read_segments(options.segments, *size)

    raw = None
    if depth_model is not None and given_m is None:
        step("depth")
        guessed = options.fov_deg is None and photo.focal_px is None
        raw, told = run_depth(photo.rgb, depth_model, camera, threads, solve_focal=guessed)
        if told.focal_px != camera.focal_px:
            camera, notes = told, [f"The field of view is {told.fov_deg:.1f} degrees, as {depth_model.name} sees it."]

    step("segments")
    embedded = run_embedded(photo.rgb, camera, threads, model=own)
    if given_segments is not None:
        ids, segments = given_segments
    else:
        if panoptic_model is not None:
            models.append(panoptic_model)
        ids, segments = _find_segments(photo, embedded, panoptic_model, threads)

    step("depth")
    height, width = _working_size(photo)
    working = camera.resized(width, height)
    coarse_ids = _sample(ids, height, width)
    net_m, net_scale = _resize(embedded.depth_m, height, width), _resize(embedded.log_scale, height, width)
    found = join_depth(coarse_ids, segments, net_m, net_scale, working)
    depth_m = _upsample_depth(found.depth_m, ids)
    confidence = refine.upsample_within(found.confidence, coarse_ids, ids)
    pose, horizon_px, said = found.camera, found.horizon_px, found.notes
    trust = 1.0
    if depth_model is not None and raw is not None:
        models.append(depth_model)
        kind = depth_model.output.kind if isinstance(depth_model.output, DepthContract) else "metric"
        metres, note = depth.to_metres(raw, kind, found.depth_m, found.confidence, coarse_ids, segments)
        given_m = _upsample_depth(depth.fill(metres, _sample(ids, *metres.shape), _sample(depth_m, *metres.shape)), ids)
        notes.append(note)
        trust = NETWORK_CONFIDENCE
    if given_m is not None:
        confidence = np.where(np.isfinite(given_m), np.float32(trust), confidence)
        depth_m = depth.fill(given_m, ids, depth_m).clip(depth.NEAREST_M, MAX_DEPTH_M)
        pose, horizon_px, said = ground_camera(coarse_ids, segments, _sample(depth_m, height, width), working)
    sky = [segment.id for segment in segments if segment.label.role == "sky"]
    depth_m[np.isin(ids, sky)] = SKY_DEPTH_M

    return Perception(
        segment_ids=ids,
        segments=segments,
        depth_m=depth_m,
        confidence=confidence,
        camera=dataclasses.replace(camera, T_world_camera=pose.T_world_camera),
        horizon_px=horizon_px * photo.height / height,
        networks=tuple(describe(model) for model in models),
        notes=(*notes, *said),
    )


def _find_segments(
    photo: Photo, embedded: Embedded, model: Model | None, threads: int
) -> tuple[NDArray[np.int32], tuple[Segment, ...]]:
    from maquette.perception.network import run_panoptic
    from maquette.perception.panoptic import from_embedded
    from maquette.perception.refine import refine_segments

    soft = from_embedded(embedded) if model is None else run_panoptic(photo.rgb, model, threads)
    if model is not None and not soft.segments:
        raise ModelError(f"{model.name}: found no segment in {photo.name}; take another network, or give --segments")
    ids = refine_segments(photo.rgb, soft)
    present = np.bincount(ids.ravel(), minlength=len(soft.segments) + 1) > 0
    return ids, tuple(segment for segment in soft.segments if present[segment.id])


def _upsample_depth(depth_m: _FloatMap, ids: NDArray[np.int32]) -> _FloatMap:
    from maquette.perception.refine import upsample_within

    inverse = upsample_within(np.reciprocal(depth_m), _sample(ids, *depth_m.shape), ids)
    return np.reciprocal(inverse, out=inverse)


def _camera(photo: Photo, fov_deg: float | None) -> tuple[Camera, list[str]]:
    if fov_deg is not None:
        if not 1 <= fov_deg <= 170:
            raise MaquetteError(f"a field of view of {fov_deg} degrees is out of range; give 1 to 170")
        return Camera.from_fov(photo.width, photo.height, fov_deg), [
            f"The field of view is {fov_deg:g} degrees, as given."
        ]
    if photo.focal_px is None:
        note = f"The file gives no focal length: {ASSUMED_FOV_DEG:g} degrees of view were assumed (--fov sets them)."
        return Camera.from_fov(photo.width, photo.height, ASSUMED_FOV_DEG), [note]
    centre = (photo.width / 2, photo.height / 2)
    camera = Camera(photo.width, photo.height, photo.focal_px, centre, world_pose(0, 0))
    return camera, [f"The field of view is {camera.fov_deg:.1f} degrees, from the focal length in the file."]


def _working_size(photo: Photo) -> tuple[int, int]:
    scale = min(1.0, WORKING_SIDE / max(photo.width, photo.height))
    return max(1, round(photo.height * scale)), max(1, round(photo.width * scale))


def _sample(array: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The value at the centre of each cell of a grid over the same picture."""
    rows = ((np.arange(height) + 0.5) * array.shape[0] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * array.shape[1] / width).astype(np.intp)
    sampled: NDArray[Any] = array[rows[:, None], columns]
    return sampled


def _resize(array: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    from PIL import Image

    return np.asarray(Image.fromarray(array).resize((width, height), Image.Resampling.BILINEAR))

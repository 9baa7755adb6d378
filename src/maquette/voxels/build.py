"""Photos of a rig to labelled voxels (Everted U-Net, and beyond it)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from typing import Any

from maquette.camera import Camera
from maquette.errors import MaquetteError, ModelError
from maquette.models.catalogue import describe, resolve, sha256
from maquette.models.types import VoxelContract
from maquette.photo import Photo
from maquette.scene import Scene
from maquette.voxels.files import write
from maquette.voxels.instances import separate
from maquette.voxels.network import View, predict
from maquette.voxels.options import VoxelOptions
from maquette.voxels.rig import Rig, check_grid, fit, on_photo, read_rig, studio_rig
from maquette.voxels.surface import smooth_bodies
from maquette.voxels.types import Grid, Prediction, VoxelGrid

_SAME_SHAPE = 0.01


@dataclass(frozen=True, eq=False)
class VoxelScene:
    """A room, as the photos of a rig show it.

    Attributes:
        voxels: Its cells, by class and by object.
        scene: The same objects as smooth meshes, the camera of the first photo, settings and notes.
        prediction: What the network said.
    """

    voxels: VoxelGrid
    scene: Scene
    prediction: Prediction

    def export(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write a folder with all files, or a single one.

        Args:
            path: Of a new folder; or a name that ends in ``.glb`` (smooth meshes), ``.npz``, ``.vox`` or ``.png``.
            overwrite: Replace what an earlier run made.

        Returns:
            The path written.

        Raises:
            ExportError: The folder holds something else, or cannot be written; nothing half-written stays.
        """
        write(self.voxels, self.scene, Path(path), self.scene.settings, overwrite=overwrite)
        return Path(path)


def build(
    photos: Sequence[Photo],
    options: VoxelOptions | None = None,
    *,
    threads: int = 0,
    progress: Callable[[str], None] | None = None,
) -> VoxelScene:
    """Make voxels from one photo of each camera of a rig, or of some of them.

    Args:
        photos: In any order, of any size.
        options: See ``VoxelOptions``.
        threads: Of the network; 0 leaves the choice to the tool. The result does not depend on it.
        progress: Called with the name of each step as it begins.

    Raises:
        ModelError: The network is missing, altered, or does not keep its contract.
        MaquetteError: An option cannot be used, or photos and rig do not belong together.
    """
    options = options or VoxelOptions()
    options.check()
    tell = progress or (lambda _: None)
    model = resolve(options.network)
    if not isinstance(model.output, VoxelContract):
        raise ModelError(f"{options.network}: a network for {model.task}; name one for voxels")
    rig = studio_rig() if options.rig is None else read_rig(options.rig)
    grid = _other_grid(rig.grid, options)
    numbers, notes = _taken_by(photos, rig, options.cameras)
    cameras = [on_photo(rig.cameras[number], p.width, p.height) for p, number in zip(photos, numbers, strict=True)]

    tell("voxels")
    views = [
        View(*fit(photo.rgb, camera, grid), number)
        for photo, camera, number in zip(photos, cameras, numbers, strict=True)
    ]
    prediction = predict(views, grid, model, threads)
    tell("objects")
    voxels = separate(prediction, model.output.occupied if options.occupied is None else options.occupied)
    tell("meshes")
    scene = Scene(
        nodes=(),
        camera=cameras[0],
        name=photos[0].name,
        settings={
            "voxels": _record(options),
            "photos": [{"name": p.name, "camera": n + 1} for p, n in zip(photos, numbers, strict=True)],
            "networks": [asdict(describe(model))],
        },
        notes=(*notes, *_shape_notes(photos, numbers, rig, cameras), *(note for p in photos for note in p.notes)),
        bodies=smooth_bodies(voxels),
    )
    return VoxelScene(voxels, scene, prediction)


def _other_grid(grid: Grid, options: VoxelOptions) -> Grid:
    """The rig's cells, as the options change them."""
    cell_m = options.cell_m or grid.cell_m
    i, j, k = options.grid_shape or (max(1, math.ceil(count * grid.cell_m / cell_m - 1e-6)) for count in grid.shape)
    changed = Grid((i, j, k), cell_m, grid.T_world_grid)
    try:
        check_grid(changed)
    except ValueError as error:
        raise MaquetteError(f"{error}; change --grid-shape or --cell") from error
    return changed


def _taken_by(photos: Sequence[Photo], rig: Rig, asked: Sequence[int]) -> tuple[list[int], list[str]]:
    """Position of the camera of each photo in the rig, and notes."""
    count = len(rig.cameras)
    notes: list[str] = []
    if not 1 <= len(photos) <= count:
        raise MaquetteError(
            f"{len(photos)} photos, and the rig has {count} cameras; name one photo of each camera, or of some of them"
        )
    if asked:
        if len(asked) != len(photos):
            raise MaquetteError(f"--cameras names {len(asked)} for {len(photos)} photos; name the camera of each photo")
        if max(asked) > count:
            raise MaquetteError(f"--cameras: there is no camera {max(asked)}, the rig has {count}")
        numbers = [number - 1 for number in asked]
    else:
        numbers, notes = _by_name(photos, rig)
    absent = [str(number + 1) for number in range(count) if number not in numbers]
    if absent:
        notes.append(f"No photo is from camera {' or '.join(absent)}: what only such a photo would show is guessed.")
    return numbers, notes


def _by_name(photos: Sequence[Photo], rig: Rig) -> tuple[list[int], list[str]]:
    in_order = list(range(len(photos)))
    if not rig.names:
        said = ["The photos are taken to be those of the first cameras, in their order; --cameras says otherwise."]
        return in_order, said if len(photos) < len(rig.cameras) else []
    paths = [PurePath(name) for name in rig.names]
    found = [[at for at, path in enumerate(paths) if photo.name in (path.name, path.stem)] for photo in photos]
    if not any(found):
        return in_order, ["No photo bears a name that the rig has; they are taken to be in its order."]
    for photo, places in zip(photos, found, strict=True):
        if len(places) != 1:
            raise MaquetteError(
                f"{photo.name}: {len(places) or 'none'} of the rig's pictures have this name; "
                "say with --cameras which camera took it"
            )
    numbers = [place for (place,) in found]
    if len(set(numbers)) < len(numbers):
        raise MaquetteError("two photos bear the same name; say with --cameras which camera took which")
    return numbers, []


def _shape_notes(photos: Sequence[Photo], numbers: Sequence[int], rig: Rig, cameras: Sequence[Camera]) -> list[str]:
    """Say which photos do not have the shape of their camera's picture."""
    notes = []
    for photo, number, camera in zip(photos, numbers, cameras, strict=True):
        own = rig.cameras[number]
        if abs(photo.width * own.height / (photo.height * own.width) - 1) > _SAME_SHAPE:
            notes.append(
                f"{photo.name}: {photo.width} x {photo.height} pixels are not the shape of the rig's pictures; "
                f"{camera.fov_deg:.0f} degrees are taken across the longer side."
            )
    if notes and not rig.names:
        notes.append("The cameras are taken to be where those of the studio are; --rig names the file of another rig.")
    return notes


def _record(options: VoxelOptions) -> dict[str, Any]:
    """The options as JSON: a file stands as its name and sha256, that of a network stands beside."""
    record = asdict(options)
    if options.rig is not None:
        record["rig"] = {"file": _file_name(options.rig), "sha256": sha256(options.rig)}
    if options.network.endswith(".onnx"):
        record["network"] = _file_name(Path(options.network))
    return record


def _file_name(path: Path) -> str:
    return path.name.encode(errors="replace").decode()  # a name need not be valid unicode, JSON must
